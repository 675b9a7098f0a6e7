/*
 * mime_reader.c - the structure of a message: header blocks, delimiters, nested messages (RFC 2046, 5.1 and 5.2).
 *
 *   HEADERS --empty line, leaf or multipart--> BODY
 *   HEADERS --empty line, message/rfc822 that is not attached--> HEADERS
 *   HEADERS --empty line, message/rfc822 in base64--> FIRST_LINE --a colon--> HEADERS
 *   FIRST_LINE --none in the line--> BODY
 *   BODY, HEADERS --delimiter of an open multipart--> HEADERS
 *   BODY, HEADERS --its closing delimiter--> BODY of the multipart around it, passed over
 *
 * 1. A delimiter of an outer multipart closes all those inside it, as RFC 2046, 5.1.2, wants.
 * 2. Inner boundaries are compared first; a line is a delimiter only as a whole, blanks behind it aside.
 * 3. Outside of all multiparts nothing can be a delimiter, and bytes pass as they come.
 *
 * 4. A nested message may not be encoded (RFC 2045, 6.4). Where it is said to be, its first line tells: with a colon it is a
 *    field, as programs take it that keep to that; without, the message is a leaf, and whoever decodes it may read on.
 *
 * 5. A nested message that is attached, or has a name, is a leaf, and whoever takes it may read on in it: it is a file for who
 *    gets the mail. Any other is read on at once.
 *
 * Left out: message/partial and message/external-body are leaves.
 */
#include "dissectors/mime_reader.h"

#include "base/memory.h"
#include "dissectors/mail_text.h"

void mime_reader_open(struct mime_reader *reader, const struct mime_listener *listener, struct mail_charsets *charsets)
{
    *reader = (struct mime_reader){.listener = *listener, .charsets = charsets, .line_end = "", .line = {.limit = MAIL_LINE_LIMIT}};
}

static void note(struct mime_reader *reader, enum mime_oddity oddity)
{
    reader->listener.on_oddity(reader->listener.owner, oddity);
}

/* ---- leaves ---- */

static void give(struct mime_reader *reader, struct bytes bytes)
{
    if (reader->has_leaf && bytes.length > 0)
        reader->listener.add(reader->listener.owner, bytes);
}

static void give_line_end(struct mime_reader *reader)
{
    give(reader, bytes_of_text(reader->line_end));
    reader->line_end = "";
}

static void end_leaf(struct mime_reader *reader, bool is_whole)
{
    if (reader->has_leaf)
        reader->listener.end_leaf(reader->listener.owner, is_whole);
    reader->has_leaf = false;
}

/* ---- levels ---- */

static void pop_levels(struct mime_reader *reader, size_t count)
{
    while (reader->level_count > count)
        memory_free(reader->levels[--reader->level_count].boundary);
}

/* False where out of memory. */
static bool push_level(struct mime_reader *reader, struct bytes boundary, bool is_digest)
{
    struct mime_level *level;

    if (reader->levels == NULL)
        reader->levels = memory_new_zeroed(MIME_NESTING_LIMIT, sizeof *reader->levels);
    if (reader->levels == NULL)
        return false;
    level = &reader->levels[reader->level_count];
    level->boundary = memory_new(boundary.length);
    if (level->boundary == NULL)
        return false;
    memcpy(level->boundary, boundary.at, boundary.length);
    level->length = boundary.length;
    level->is_digest = is_digest;
    reader->level_count++;
    return true;
}

/* ---- header blocks ---- */

static void begin_headers(struct mime_reader *reader, bool is_of_message)
{
    mail_header_free(&reader->header);
    reader->header.is_of_part = true;
    reader->is_in_digest = !is_of_message && reader->levels[reader->level_count - 1].is_digest;
    reader->phase = MIME_HEADERS;
    text_clear(&reader->line);
    reader->line_length = 0;
}

static void begin_body(struct mime_reader *reader)
{
    reader->phase = MIME_BODY;
    reader->is_at_line_start = true;
    reader->is_behind_cr = false;
    reader->line_end = "";
    text_clear(&reader->line);
}

/* The declared media type, lower case, or what holds where none is declared; empty where it may have been in bytes that were lost. */
static void find_type(const struct mime_reader *reader, struct text *type)
{
    mail_field_token(mail_header_value(&reader->header, MAIL_CONTENT_TYPE), type);
    if (type->length == 0 && reader->header.phase != MAIL_HEADER_LOST)
        text_append_text(type, reader->is_in_digest ? "message/rfc822" : "text/plain");
}

static enum mime_encoding find_encoding(struct mime_reader *reader)
{
    static const struct {
        const char *name;
        enum mime_encoding encoding;
    } names[] = {
        {"", MIME_IDENTITY},           {"7bit", MIME_IDENTITY},     {"8bit", MIME_IDENTITY},
        {"binary", MIME_IDENTITY},     {"base64", MIME_BASE64},     {"quoted-printable", MIME_QUOTED_PRINTABLE},
        {"x-uuencode", MIME_UUENCODE}, {"uuencode", MIME_UUENCODE}, {"x-uue", MIME_UUENCODE},
        {"uue", MIME_UUENCODE},
    };
    struct text token = {.limit = 64};
    enum mime_encoding encoding = MIME_IDENTITY;
    bool is_known = false;

    mail_field_token(mail_header_value(&reader->header, MAIL_CONTENT_TRANSFER_ENCODING), &token);
    for (size_t i = 0; i < sizeof names / sizeof names[0] && !is_known; i++) {
        is_known = bytes_equal(text_bytes(&token), bytes_of_text(names[i].name));
        encoding = is_known ? names[i].encoding : MIME_IDENTITY;
    }
    text_free(&token);
    if (!is_known)
        note(reader, MIME_UNKNOWN_ENCODING);
    return encoding;
}

static bool begins_with(struct bytes bytes, const char *text)
{
    return bytes_begin_nocase(bytes, text);
}

static bool is_message(struct bytes type)
{
    return bytes_equal_nocase(type, "message/rfc822") || bytes_equal_nocase(type, "message/global") || bytes_equal_nocase(type, "message/news");
}

/* Opens the multipart that the block declares. False where it cannot be followed: then it is a leaf. */
static bool begin_multipart(struct mime_reader *reader, struct bytes type, enum mime_encoding encoding)
{
    struct text boundary = {.limit = MIME_BOUNDARY_LIMIT + 1};
    enum mail_parameter_found found =
        mail_parameter(reader->charsets, mail_header_value(&reader->header, MAIL_CONTENT_TYPE), "boundary", MAIL_PARAMETER_TOKEN, &boundary);
    bool is_open = false;

    if (encoding != MIME_IDENTITY)
        note(reader, MIME_ENCODED_ENTITY);
    if (found == MAIL_PARAMETER_SEVERAL)
        note(reader, MIME_REPEATED_PARAMETER);
    while (boundary.length > 0 && strchr(" \t", boundary.at[boundary.length - 1]) != NULL)
        boundary.length--; /* as in the delimiters */
    if (boundary.length == 0)
        note(reader, MIME_NO_BOUNDARY);
    else if (boundary.length > MIME_BOUNDARY_LIMIT || reader->level_count == MIME_NESTING_LIMIT)
        note(reader, MIME_DEEP_NESTING);
    else
        is_open = push_level(reader, text_bytes(&boundary), bytes_equal_nocase(type, "multipart/digest"));
    text_free(&boundary);
    return is_open;
}

static void tell_message_header(struct mime_reader *reader)
{
    if (!reader->has_message_header)
        reader->listener.on_header(reader->listener.owner, &reader->header);
    reader->has_message_header = true;
    if (reader->header.reached_limit)
        reader->listener.on_limit(reader->listener.owner);
    if (reader->header.count[MAIL_CONTENT_TYPE] > 1 || reader->header.count[MAIL_CONTENT_TRANSFER_ENCODING] > 1)
        note(reader, MIME_REPEATED_FIELD);
    if (reader->header.has_broken_folding)
        note(reader, MIME_BROKEN_FOLDING);
}

static void begin_leaf(struct mime_reader *reader, struct bytes type, enum mime_encoding encoding)
{
    struct mime_leaf leaf = {.header = &reader->header, .type = type, .encoding = encoding, .is_message = is_message(type)};

    begin_body(reader);
    reader->has_leaf = true;
    reader->listener.begin_leaf(reader->listener.owner, &leaf);
}

/* Whether the block makes a file of what follows: by its disposition or by a name. */
static bool is_attached(const struct mime_reader *reader)
{
    struct text name = {.limit = 1};
    bool has_name;

    if (mail_is_disposed_as_attachment(&reader->header))
        return true;
    (void)mail_parameter(reader->charsets, mail_header_value(&reader->header, MAIL_CONTENT_DISPOSITION), "filename", MAIL_PARAMETER_NAME, &name);
    if (name.length == 0)
        (void)mail_parameter(reader->charsets, mail_header_value(&reader->header, MAIL_CONTENT_TYPE), "name", MAIL_PARAMETER_NAME, &name);
    has_name = name.length > 0;
    text_free(&name);
    return has_name;
}

/* The block is over: what it describes begins. */
static void begin_entity(struct mime_reader *reader)
{
    struct text type = {.limit = MIME_TYPE_LIMIT};
    enum mime_encoding encoding;

    tell_message_header(reader);
    find_type(reader, &type);
    encoding = find_encoding(reader);
    if (is_message(text_bytes(&type)) && encoding == MIME_IDENTITY && !reader->is_innermost && is_attached(reader)) {
        begin_leaf(reader, text_bytes(&type), encoding);
    } else if (is_message(text_bytes(&type)) && encoding == MIME_IDENTITY) {
        begin_headers(reader, true);
    } else if (is_message(text_bytes(&type))) {
        note(reader, MIME_ENCODED_ENTITY);
        reader->phase = MIME_FIRST_LINE;
        text_clear(&reader->line);
    } else if (begins_with(text_bytes(&type), "multipart/") && begin_multipart(reader, text_bytes(&type), encoding)) {
        begin_body(reader);
    } else {
        begin_leaf(reader, text_bytes(&type), encoding);
    }
    text_free(&type);
}

/* FIRST_LINE is decided. What was gathered of it is read again. */
static void end_first_line(struct mime_reader *reader, bool is_field)
{
    struct text first = {.limit = MAIL_LINE_LIMIT};
    struct text type = {.limit = MIME_TYPE_LIMIT};

    text_append(&first, text_bytes(&reader->line));
    find_type(reader, &type);
    if (is_field)
        begin_headers(reader, true);
    else
        begin_leaf(reader, text_bytes(&type), find_encoding(reader));
    mime_reader_add(reader, text_bytes(&first)); /* at most a line: this is not reached again in it */
    text_free(&first);
    text_free(&type);
}

static void read_first_line(struct mime_reader *reader, struct cursor *bytes)
{
    struct bytes byte = take_bytes(bytes, 1);

    text_append(&reader->line, byte);
    if (byte.at[0] == ':')
        end_first_line(reader, true);
    else if (byte.at[0] == '\n' || reader->line.length > MAIL_FIELD_NAME_LIMIT)
        end_first_line(reader, false);
}

/* The block is over without an empty line, by a delimiter or the message's end. */
static void cut_headers(struct mime_reader *reader)
{
    while (reader->phase == MIME_HEADERS) {
        mail_header_end(&reader->header);
        begin_entity(reader); /* a nested message without any field begins another block once: that one is a leaf */
    }
    if (reader->phase == MIME_FIRST_LINE)
        end_first_line(reader, false);
}

/* ---- delimiters ---- */

static void begin_part(struct mime_reader *reader, size_t level)
{
    if (reader->level_count > level + 1)
        note(reader, MIME_NO_END);
    pop_levels(reader, level + 1);
    begin_headers(reader, false);
}

static void close_level(struct mime_reader *reader, size_t level)
{
    if (reader->level_count > level + 1)
        note(reader, MIME_NO_END);
    pop_levels(reader, level);
    begin_body(reader); /* of nothing: what follows is passed over */
}

static bool is_blank(struct bytes text)
{
    return bytes_trim(text).length == 0;
}

/* Whether the line, its end and blanks behind it aside, is a delimiter of an open multipart; what it ends and begins is then done. */
static bool take_delimiter(struct mime_reader *reader, struct bytes line)
{
    struct cursor behind_dashes = cursor_within(line);

    if (take_u8(&behind_dashes) != '-' || take_u8(&behind_dashes) != '-' || !cursor_is_good(&behind_dashes))
        return false;
    for (size_t i = reader->level_count; i > 0; i--) {
        const struct mime_level *level = &reader->levels[i - 1];
        struct cursor rest = behind_dashes;
        bool is_closing;

        if (!bytes_equal(take_bytes(&rest, level->length), bytes_of(level->boundary, level->length)))
            continue;
        is_closing = begins_with(peek_bytes(&rest), "--");
        skip_bytes(&rest, is_closing ? 2 : 0);
        if (!is_blank(peek_bytes(&rest)))
            continue;
        if (reader->phase == MIME_HEADERS)
            cut_headers(reader);
        end_leaf(reader, true);
        if (is_closing)
            close_level(reader, i - 1);
        else
            begin_part(reader, i - 1);
        return true;
    }
    return false;
}

/* ---- bytes of header blocks ---- */

static struct bytes without_cr(struct bytes line)
{
    if (line.length > 0 && line.at[line.length - 1] == '\r')
        line.length--;
    return line;
}

/* The end of a line of the body, which is told at once where no delimiter can follow. */
static void set_line_end(struct mime_reader *reader, bool has_cr)
{
    reader->line_end = has_cr ? "\r\n" : "\n";
    reader->is_at_line_start = true;
    text_clear(&reader->line);
    if (reader->level_count == 0)
        give_line_end(reader);
}

/* The gathered line turned out to be the body's first. */
static void begin_body_with_line(struct mime_reader *reader, bool is_ended)
{
    struct text first = {.limit = MAIL_LINE_LIMIT};
    struct bytes line;

    text_append(&first, text_bytes(&reader->line));
    line = text_bytes(&first);
    if (reader->header.has_first_line)
        note(reader, MIME_NO_EMPTY_LINE);
    mail_header_end(&reader->header);
    begin_entity(reader);
    cut_headers(reader); /* of a nested message, which has none */
    if (!is_ended) {
        give(reader, line);
        reader->is_at_line_start = false;
    } else if (!take_delimiter(reader, without_cr(line))) {
        give(reader, without_cr(line));
        set_line_end(reader, without_cr(line).length < line.length);
    }
    text_free(&first);
}

static void on_header_line(struct mime_reader *reader)
{
    struct bytes line = without_cr(text_bytes(&reader->line));

    if (take_delimiter(reader, line))
        return;
    switch (mail_header_line(&reader->header, line, reader->line_length)) {
    case MAIL_LINE_OF_HEADER:
        text_clear(&reader->line);
        reader->line_length = 0;
        return;
    case MAIL_LINE_EMPTY:
        begin_entity(reader);
        return;
    case MAIL_LINE_OF_BODY:
        begin_body_with_line(reader, true);
        return;
    }
}

/* Whether the line so far, without its end, is too long for a field's name. */
static bool is_no_field(const struct mime_reader *reader)
{
    struct bytes line = text_bytes(&reader->line);

    return line.length > MAIL_FIELD_NAME_LIMIT && line.at[0] != ' ' && line.at[0] != '\t' && memchr(line.at, ':', line.length) == NULL;
}

static void read_headers(struct mime_reader *reader, struct cursor *bytes)
{
    bool is_new_name = reader->line_length <= MAIL_FIELD_NAME_LIMIT;
    /* a line is looked at when it is a byte too long for a name, however the bytes come */
    struct bytes ahead = peek_bytes(bytes);
    struct bytes rest;
    struct bytes piece;

    if (is_new_name && ahead.length > MAIL_FIELD_NAME_LIMIT + 1 - reader->line_length)
        ahead.length = MAIL_FIELD_NAME_LIMIT + 1 - reader->line_length;
    piece = bytes_split(ahead, '\n', &rest);
    text_append(&reader->line, piece);
    reader->line_length += piece.length + (rest.at != NULL ? 1 : 0);
    skip_bytes(bytes, piece.length + (rest.at != NULL ? 1 : 0));
    if (rest.at != NULL)
        on_header_line(reader);
    else if (is_new_name && is_no_field(reader))
        begin_body_with_line(reader, false);
}

/* ---- bytes of bodies ---- */

/* The line is no delimiter, or not one yet: its bytes are the body's. */
static void give_line(struct mime_reader *reader)
{
    struct bytes line = text_bytes(&reader->line);

    give_line_end(reader);
    if (line.length > 0 && line.at[line.length - 1] == '\r') {
        line.length--;
        reader->is_behind_cr = true;
    }
    give(reader, line);
    text_clear(&reader->line);
    reader->is_at_line_start = false;
}

static void read_line_start(struct mime_reader *reader, struct cursor *bytes)
{
    struct bytes rest;
    struct bytes piece;
    struct bytes line;

    while (reader->line.length < 2) {
        struct bytes dash = bytes_of("-", 1);

        if (cursor_left(bytes) == 0)
            return;
        if (peek_u8(bytes) != '-') {
            give_line(reader);
            return;
        }
        skip_bytes(bytes, 1);
        text_append(&reader->line, dash);
    }
    piece = bytes_split(peek_bytes(bytes), '\n', &rest);
    if (reader->line.length + piece.length > MIME_DELIMITER_LIMIT) {
        give_line(reader);
        return;
    }
    text_append(&reader->line, piece);
    skip_bytes(bytes, piece.length + (rest.at != NULL ? 1 : 0));
    if (rest.at == NULL)
        return;
    line = without_cr(text_bytes(&reader->line));
    if (take_delimiter(reader, line))
        return;
    give_line_end(reader);
    give(reader, line);
    set_line_end(reader, line.length < reader->line.length);
}

/* How many bytes stand before the next line that begins with a dash; all of them where there is none. */
static size_t until_dash_line(struct bytes run)
{
    size_t place = 1;

    while (place < run.length) {
        const uint8_t *dash = memchr(&run.at[place], '-', run.length - place);

        if (dash == NULL)
            return run.length;
        place = (size_t)(dash - run.at);
        if (run.at[place - 1] == '\n')
            return place;
        place++;
    }
    return run.length;
}

static void read_in_line(struct mime_reader *reader, struct cursor *bytes)
{
    struct bytes run;

    if (reader->is_behind_cr) {
        reader->is_behind_cr = false;
        if (peek_u8(bytes) == '\n') {
            skip_bytes(bytes, 1);
            set_line_end(reader, true);
            return;
        }
        give(reader, bytes_of("\r", 1));
    }
    run = peek_bytes(bytes);
    run = take_bytes(bytes, until_dash_line(run));
    if (run.at[run.length - 1] == '\n') {
        struct bytes line = bytes_of(run.at, run.length - 1);

        give(reader, without_cr(line));
        set_line_end(reader, without_cr(line).length < line.length);
        return;
    }
    reader->is_behind_cr = run.at[run.length - 1] == '\r';
    give(reader, without_cr(run));
}

static void read_body(struct mime_reader *reader, struct cursor *bytes)
{
    if (reader->level_count == 0 && !reader->is_behind_cr)
        give(reader, take_bytes(bytes, cursor_left(bytes)));
    else if (reader->is_at_line_start)
        read_line_start(reader, bytes);
    else
        read_in_line(reader, bytes);
}

void mime_reader_add(struct mime_reader *reader, struct bytes bytes)
{
    struct cursor cursor = cursor_over(bytes);

    while (cursor_left(&cursor) > 0) {
        if (reader->phase == MIME_HEADERS)
            read_headers(reader, &cursor);
        else if (reader->phase == MIME_FIRST_LINE)
            read_first_line(reader, &cursor);
        else
            read_body(reader, &cursor);
    }
}

/* ---- gaps and the end ---- */

/* Whether the newest field may have gone on in missing bytes: not behind the beginning of another. */
static bool field_may_go_on(const struct mime_reader *reader)
{
    return reader->line.length == 0 || strchr(" \t\r", reader->line.at[0]) != NULL;
}

/* What the lost bytes said is not invented: a message that has not said before what it holds is read no further. */
static void lose_headers(struct mime_reader *reader)
{
    mail_header_lose(&reader->header, field_may_go_on(reader));
    if (reader->level_count > 0 || mail_header_value(&reader->header, MAIL_CONTENT_TYPE).length > 0)
        cut_headers(reader);
    else
        tell_message_header(reader);
}

void mime_reader_lose(struct mime_reader *reader, uint64_t count)
{
    count += text_bytes(&reader->line).length; /* what it would have been is not known */
    if (reader->phase == MIME_HEADERS)
        lose_headers(reader);
    else if (reader->phase == MIME_FIRST_LINE)
        end_first_line(reader, false);
    else
        count += strlen(reader->line_end) + (reader->is_behind_cr ? 1 : 0);
    begin_body(reader); /* a line that is whole a delimiter is one, even behind a gap */
    if (reader->has_leaf)
        reader->listener.lose(reader->listener.owner, count);
}

static void flush(struct mime_reader *reader)
{
    if (reader->phase == MIME_HEADERS) {
        if (reader->line.length > 0)
            on_header_line(reader);
        cut_headers(reader);
    } else if (reader->phase == MIME_FIRST_LINE) {
        end_first_line(reader, false);
    }
    if (reader->phase != MIME_BODY)
        return;
    if (reader->is_at_line_start && reader->level_count > 0 && reader->line.length > 0 &&
        take_delimiter(reader, without_cr(text_bytes(&reader->line)))) {
        cut_headers(reader);
        return;
    }
    if (reader->is_at_line_start)
        give_line(reader);
    if (reader->is_behind_cr)
        give(reader, bytes_of("\r", 1));
    reader->is_behind_cr = false;
}

void mime_reader_end(struct mime_reader *reader, bool is_whole)
{
    if (is_whole) {
        flush(reader);
        if (reader->level_count > 0)
            note(reader, MIME_NO_END);
    } else if (reader->phase == MIME_HEADERS) {
        mail_header_lose(&reader->header, field_may_go_on(reader));
        if (!reader->has_message_header)
            tell_message_header(reader);
    }
    end_leaf(reader, is_whole);
}

void mime_reader_close(struct mime_reader *reader)
{
    pop_levels(reader, 0);
    memory_free(reader->levels);
    reader->levels = NULL;
    text_free(&reader->line);
    mail_header_free(&reader->header);
}

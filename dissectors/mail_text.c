/*
 * mail_text.c - encoded words (RFC 2047) and parameters (RFC 2231) of header fields.
 *
 * As mail programs do, and beyond what RFC 2047 allows: words may be longer than 75 bytes, hold spaces, stand inside
 * quoted strings, and begin and end within other text.
 */
#include "dissectors/mail_text.h"

#include <ctype.h>
#include <gmime/gmime.h>

/* ---- encoded words ---- */

struct encoded_word {
    struct bytes charset;
    uint8_t encoding; /* 'b' or 'q' */
    struct bytes text;
};

/* Words beside each other, in one charset. */
struct word_group {
    struct bytes charset;
    struct bytes written; /* from the first word's start to the last one's end */
    struct text decoded;
};

static bool is_blank(struct bytes text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (strchr(" \t\r\n", text.at[i]) == NULL || text.at[i] == '\0')
            return false;
    }
    return true;
}

/* Where `two` stands in `text`; text.length: nowhere. */
static size_t find_pair(struct bytes text, const char *two)
{
    const uint8_t *found = text.length > 0 ? memmem(text.at, text.length, two, 2) : NULL;

    return found != NULL ? (size_t)(found - text.at) : text.length;
}

/* "=?charset*language?encoding?text?=". False where no word begins here; `*has_no_end`: there is no more "?=" in the value. */
static bool take_word(struct cursor *cursor, struct encoded_word *word, bool *has_no_end)
{
    struct cursor unit = *cursor;
    struct bytes rest;
    size_t length;

    if (*has_no_end)
        return false;
    if (take_u8(&unit) != '=' || take_u8(&unit) != '?')
        return false;
    word->charset = take_until(&unit, '?');
    word->encoding = (uint8_t)tolower(take_u8(&unit));
    if (take_u8(&unit) != '?' || !cursor_is_good(&unit) || (word->encoding != 'b' && word->encoding != 'q') || word->charset.length == 0)
        return false;
    word->charset = bytes_split(word->charset, '*', &rest);
    rest = peek_bytes(&unit);
    length = find_pair(rest, "?=");
    if (length == rest.length) {
        *has_no_end = true;
        return false;
    }
    word->text = take_bytes(&unit, length);
    skip_bytes(&unit, 2);
    *cursor = unit;
    return true;
}

static int hex_digit(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte = (uint8_t)tolower(byte);
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* Appends `text` with `sign` and two hexadecimal digits as the byte that they mean; `space` stands for a space unless it is 0. */
static void decode_hex(struct bytes text, uint8_t sign, uint8_t space, struct text *out)
{
    for (size_t i = 0; i < text.length; i++) {
        uint8_t byte = text.at[i];

        if (byte == sign && i + 2 < text.length && hex_digit(text.at[i + 1]) >= 0 && hex_digit(text.at[i + 2]) >= 0) {
            byte = (uint8_t)(hex_digit(text.at[i + 1]) * 16 + hex_digit(text.at[i + 2]));
            i += 2;
        } else if (space != 0 && byte == space) {
            byte = ' ';
        }
        text_append(out, bytes_of(&byte, 1));
    }
}

static void decode_base64(struct bytes text, struct text *out)
{
    struct cursor rest = cursor_within(text);
    GMimeEncoding decoder;
    char room[512];

    g_mime_encoding_init_decode(&decoder, GMIME_CONTENT_ENCODING_BASE64);
    while (cursor_left(&rest) > 0) {
        struct bytes piece = take_up_to(&rest, sizeof room / 2);

        text_append(out, bytes_of(room, g_mime_encoding_step(&decoder, (const char *)piece.at, piece.length, room)));
    }
}

static void flush_group(struct mail_charsets *charsets, struct word_group *group, struct text *out)
{
    if (group->written.length > 0 && !mail_to_utf8(charsets, group->charset, text_bytes(&group->decoded), out))
        text_append(out, group->written);
    group->written = bytes_of(NULL, 0);
    text_clear(&group->decoded);
}

static bool equal_nocase(struct bytes a, struct bytes b)
{
    if (a.length != b.length)
        return false;
    for (size_t i = 0; i < a.length; i++) {
        if (tolower(a.at[i]) != tolower(b.at[i]))
            return false;
    }
    return true;
}

/* `between`: what stands between the group and this word. */
static void add_word(struct mail_charsets *charsets, struct word_group *group, const struct encoded_word *word, struct bytes written,
                     struct bytes between, struct text *out)
{
    bool joins = group->written.length > 0 && is_blank(between);

    if (joins && !equal_nocase(group->charset, word->charset)) {
        struct text before = {.limit = group->written.length};

        /* spaces between two words are not shown; beside one that stays as written they are */
        if (!mail_to_utf8(charsets, group->charset, bytes_of(NULL, 0), &before)) {
            flush_group(charsets, group, out);
            text_append(out, between);
        }
        text_free(&before);
        flush_group(charsets, group, out);
        joins = false;
    } else if (!joins) {
        flush_group(charsets, group, out);
        text_append(out, between);
    }
    group->written = joins ? bytes_of(group->written.at, (size_t)(written.at - group->written.at) + written.length) : written;
    group->charset = word->charset;
    if (word->encoding == 'b')
        decode_base64(word->text, &group->decoded);
    else
        decode_hex(word->text, '=', '_', &group->decoded);
}

/* Moves to the next place where a word may begin, or to the end. With `keeps_addresses`, what is in < and > is passed over. */
static void pass_to_word(struct cursor *cursor, bool keeps_addresses)
{
    while (cursor_left(cursor) > 0) {
        struct bytes ahead = peek_bytes(cursor);

        if (ahead.length > 1 && ahead.at[0] == '=' && ahead.at[1] == '?')
            return;
        if (keeps_addresses && ahead.at[0] == '<') {
            const uint8_t *closing = memchr(ahead.at, '>', ahead.length);

            skip_bytes(cursor, closing != NULL ? (size_t)(closing - ahead.at) : ahead.length);
            continue;
        }
        skip_bytes(cursor, 1);
    }
}

static void decode(struct mail_charsets *charsets, struct bytes value, bool keeps_addresses, struct text *out)
{
    struct cursor cursor = cursor_within(value);
    struct word_group group = {.decoded = {.limit = value.length}};
    struct bytes between = peek_bytes(&cursor); /* since the last word; its length is set once it is known */
    bool has_no_end = false;

    while (cursor_left(&cursor) > 0) {
        struct bytes start;
        struct encoded_word word;

        pass_to_word(&cursor, keeps_addresses);
        start = peek_bytes(&cursor);
        if (start.length == 0)
            break;
        if (!take_word(&cursor, &word, &has_no_end)) {
            skip_bytes(&cursor, 1);
            continue;
        }
        add_word(charsets, &group, &word, bytes_of(start.at, start.length - cursor_left(&cursor)),
                 bytes_of(between.at, between.length - start.length), out);
        between = peek_bytes(&cursor);
    }
    flush_group(charsets, &group, out);
    text_append(out, between);
    text_free(&group.decoded);
}

void mail_decode_words(struct mail_charsets *charsets, struct bytes value, struct text *out)
{
    decode(charsets, value, false, out);
}

void mail_decode_addresses(struct mail_charsets *charsets, struct bytes value, struct text *out)
{
    decode(charsets, value, true, out);
}

/* ---- parameters ---- */

struct parameter {
    struct bytes name;
    struct bytes value; /* with its quotes' insides as written */
    bool is_quoted;
};

/* Where a quoted string ends whose opening quote is taken. */
static struct bytes take_quoted(struct cursor *rest)
{
    struct bytes ahead = peek_bytes(rest);
    size_t length = 0;

    while (length < ahead.length && ahead.at[length] != '"')
        length += ahead.at[length] == '\\' ? 2 : 1;
    if (length > ahead.length)
        length = ahead.length;
    (void)take_bytes(rest, length);
    skip_bytes(rest, cursor_left(rest) > 0 ? 1 : 0);
    return bytes_of(ahead.at, length);
}

/* Moves behind the next ';' that does not stand in a quoted string. False at the end. */
static bool pass_separator(struct cursor *rest)
{
    while (cursor_left(rest) > 0) {
        uint8_t byte = take_u8(rest);

        if (byte == ';')
            return true;
        if (byte == '"')
            (void)take_quoted(rest);
    }
    return false;
}

/* Without a comment behind it: "base64 (as usual)". */
static struct bytes without_comment(struct bytes token)
{
    struct bytes rest;
    struct bytes before = bytes_split(token, '(', &rest);

    return rest.at != NULL && before.length > 0 ? bytes_trim(before) : bytes_trim(token);
}

/* The next name=value; the cursor stands behind a ';'. */
static bool take_parameter(struct cursor *rest, struct parameter *parameter)
{
    do {
        struct bytes ahead = peek_bytes(rest);
        size_t length = 0;

        while (length < ahead.length && ahead.at[length] != '=' && ahead.at[length] != ';')
            length++;
        parameter->name = bytes_trim(take_bytes(rest, length));
        if (peek_u8(rest) != '=')
            continue;
        skip_bytes(rest, 1);
        while (peek_u8(rest) == ' ' || peek_u8(rest) == '\t')
            skip_bytes(rest, 1);
        parameter->is_quoted = peek_u8(rest) == '"';
        if (parameter->is_quoted) {
            skip_bytes(rest, 1);
            parameter->value = take_quoted(rest);
        } else {
            struct bytes behind;

            parameter->value = bytes_split(peek_bytes(rest), ';', &behind);
            skip_bytes(rest, parameter->value.length);
            parameter->value = bytes_trim(parameter->value);
        }
        return true;
    } while (pass_separator(rest));
    return false;
}

/* A backslash is taken away only before what needs one: senders write Windows paths as they are. */
static void unquote(const struct parameter *parameter, struct text *out)
{
    struct bytes value = parameter->value;

    if (!parameter->is_quoted) {
        text_append(out, value);
        return;
    }
    for (size_t i = 0; i < value.length; i++) {
        if (value.at[i] == '\\' && i + 1 < value.length && (value.at[i + 1] == '"' || value.at[i + 1] == '\\'))
            i++;
        text_append(out, bytes_of(&value.at[i], 1));
    }
}

struct found_parameter {
    struct parameter plain;
    struct parameter pieces[MAIL_PARAMETER_PIECES_LIMIT];
    bool is_extended[MAIL_PARAMETER_PIECES_LIMIT]; /* percent-encoded */
    bool has_plain;
    bool has_piece[MAIL_PARAMETER_PIECES_LIMIT];
    bool is_several;
};

static void keep_piece(struct found_parameter *found, size_t number, bool is_extended, const struct parameter *parameter)
{
    if (found->has_piece[number]) {
        found->is_several = found->is_several || !bytes_equal(found->pieces[number].value, parameter->value);
        return;
    }
    found->has_piece[number] = true;
    found->is_extended[number] = is_extended;
    found->pieces[number] = *parameter;
}

/* name, name*, name*0, name*0* (RFC 2231, 3 and 4). */
static void sort_parameter(struct found_parameter *found, const struct parameter *parameter, const char *wanted)
{
    struct bytes number;
    struct bytes name = bytes_trim(bytes_split(parameter->name, '*', &number));
    bool is_extended = number.at != NULL && (number.length == 0 || number.at[number.length - 1] == '*');
    uint64_t place = 0;

    if (!bytes_equal_nocase(name, wanted))
        return;
    if (number.at == NULL) {
        found->is_several = found->is_several || (found->has_plain && !bytes_equal(found->plain.value, parameter->value));
        if (!found->has_plain)
            found->plain = *parameter;
        found->has_plain = true;
        return;
    }
    if (is_extended && number.length > 0)
        number.length--;
    if (number.length > 0 && !bytes_to_number(number, MAIL_PARAMETER_PIECES_LIMIT - 1, &place))
        return;
    keep_piece(found, (size_t)place, is_extended, parameter);
}

/* Puts the pieces together, from 0 to the first that is not there. */
static void join_pieces(struct mail_charsets *charsets, const struct found_parameter *found, struct text *out)
{
    struct text joined = {.limit = out->limit};
    struct text piece = {.limit = out->limit};
    struct bytes charset = bytes_of(NULL, 0);

    for (size_t i = 0; i < MAIL_PARAMETER_PIECES_LIMIT && found->has_piece[i]; i++) {
        struct bytes value;

        text_clear(&piece);
        unquote(&found->pieces[i], &piece);
        value = text_bytes(&piece);
        if (i == 0 && found->is_extended[0]) {
            struct bytes behind;
            struct bytes before = bytes_split(found->pieces[0].value, '\'', &behind);

            if (behind.at != NULL) { /* charset'language'value */
                charset = before;
                (void)bytes_split(behind, '\'', &value);
            }
        }
        if (found->is_extended[i])
            decode_hex(value, '%', 0, &joined);
        else
            text_append(&joined, value);
    }
    if (charset.length == 0 || !mail_to_utf8(charsets, charset, text_bytes(&joined), out))
        text_append(out, text_bytes(&joined));
    text_free(&joined);
    text_free(&piece);
}

enum mail_parameter_found mail_parameter(struct mail_charsets *charsets, struct bytes field, const char *name, enum mail_parameter_kind kind,
                                         struct text *out)
{
    struct cursor rest = cursor_within(field);
    struct found_parameter found = {.has_plain = false};
    struct parameter parameter;
    struct text plain = {.limit = out->limit};

    while (pass_separator(&rest) && take_parameter(&rest, &parameter))
        sort_parameter(&found, &parameter, name);
    if (found.has_piece[0]) {
        join_pieces(charsets, &found, out);
    } else if (found.has_plain) {
        if (!found.plain.is_quoted && kind == MAIL_PARAMETER_TOKEN)
            found.plain.value = without_comment(found.plain.value);
        unquote(&found.plain, &plain);
        if (kind == MAIL_PARAMETER_NAME)
            mail_decode_words(charsets, text_bytes(&plain), out);
        else
            text_append(out, text_bytes(&plain));
    } else {
        return MAIL_PARAMETER_NONE;
    }
    text_free(&plain);
    return found.is_several ? MAIL_PARAMETER_SEVERAL : MAIL_PARAMETER_ONE;
}

void mail_field_token(struct bytes field, struct text *out)
{
    struct bytes rest;
    struct bytes token = without_comment(bytes_split(field, ';', &rest));

    for (size_t i = 0; i < token.length; i++) {
        char letter = (char)tolower(token.at[i]);

        text_append(out, bytes_of(&letter, 1));
    }
}

bool mail_is_disposed_as_attachment(const struct mail_header *header)
{
    struct text disposition = {.limit = 64};
    bool is_attachment;

    mail_field_token(mail_header_value(header, MAIL_CONTENT_DISPOSITION), &disposition);
    is_attachment = bytes_equal(text_bytes(&disposition), bytes_of_text("attachment"));
    text_free(&disposition);
    return is_attachment;
}

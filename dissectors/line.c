/*
 * line.c - the lines and replies of SMTP (RFC 5321, 4.2) and FTP (RFC 959, 4.2).
 */
#include "dissectors/line.h"

enum line_found line_take(struct line_reader *reader, struct cursor *bytes, struct bytes *line)
{
    struct bytes ahead;
    struct cursor part;

    if (reader->passes_over) {
        part = *bytes;
        (void)take_until(&part, '\n');
        if (!cursor_is_good(&part)) {
            skip_bytes(bytes, cursor_left(bytes));
            return LINE_NONE;
        }
        *bytes = part;
        reader->passes_over = false;
    }
    ahead = peek_bytes(bytes);
    if (ahead.length > LINE_LIMIT + 2)
        ahead.length = LINE_LIMIT + 2;
    part = cursor_over(ahead);
    *line = take_line(&part);
    if (cursor_is_good(&part) && line->length <= LINE_LIMIT) {
        skip_bytes(bytes, ahead.length - cursor_left(&part));
        return LINE_WHOLE;
    }
    if (ahead.length < LINE_LIMIT + 2)
        return LINE_NONE;
    *line = take_bytes(bytes, LINE_LIMIT);
    reader->passes_over = true;
    return LINE_TOO_LONG;
}

bool line_is_tls(const struct cursor *bytes)
{
    struct cursor start = *bytes;

    return take_u8(&start) == 22 && take_u8(&start) == 3 && cursor_is_good(&start);
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

unsigned reply_line_code(struct bytes line)
{
    struct cursor cursor = cursor_within(line);
    uint8_t first = take_u8(&cursor);
    uint8_t second = take_u8(&cursor);
    uint8_t third = take_u8(&cursor);
    int next = peek_u8(&cursor);

    if (!cursor_is_good(&cursor) || first < '1' || first > '6' || !is_digit(second) || !is_digit(third))
        return 0;
    if (next != -1 && next != ' ' && next != '-')
        return 0;
    return (unsigned)(first - '0') * 100 + (unsigned)(second - '0') * 10 + (unsigned)(third - '0');
}

/* The text behind a code and its separator. */
static struct bytes text_behind_code(struct bytes line)
{
    struct cursor cursor = cursor_within(line);

    skip_bytes(&cursor, 3);
    if (cursor_left(&cursor) > 0)
        skip_bytes(&cursor, 1);
    return peek_bytes(&cursor);
}

static bool continues(struct bytes line)
{
    struct cursor cursor = cursor_within(line);

    skip_bytes(&cursor, 3);
    return peek_u8(&cursor) == '-';
}

static void add_text(struct reply_reader *reader, struct bytes text)
{
    if (reader->lines > 0)
        text_append_text(&reader->text, "\n");
    text_append(&reader->text, text);
    reader->lines++;
}

enum reply_found reply_add_line(struct reply_reader *reader, enum reply_style style, struct bytes line)
{
    unsigned code = reply_line_code(line);
    bool has_code = code != 0;

    if (!reader->is_open) {
        if (!has_code)
            return REPLY_STRANGE;
        reply_forget(reader);
        reader->code = code;
    } else if (style == REPLY_FTP && code != reader->code) {
        has_code = false; /* text, whatever it begins with */
    } else if (has_code && code != reader->code && reader->may_have_ended) {
        reader->is_open = false;
        return REPLY_BEFORE;
    } else if (has_code && code != reader->code) {
        reader->codes_differ = true; /* clients go by the last line's */
        reader->code = code;
    }
    reader->may_have_ended = false;
    add_text(reader, has_code ? text_behind_code(line) : line);
    reader->is_open = !has_code || continues(line);
    if (reader->is_open && reader->lines >= REPLY_LINES_LIMIT)
        reply_forget(reader); /* the lines that still come are strange */
    if (reader->is_open)
        return REPLY_MORE;
    return reader->code != 0 ? REPLY_WHOLE : REPLY_STRANGE;
}

void reply_forget(struct reply_reader *reader)
{
    reader->code = 0;
    reader->is_open = false;
    reader->codes_differ = false;
    reader->lines = 0;
    reader->text.limit = REPLY_TEXT_LIMIT;
    text_clear(&reader->text);
}

void reply_free(struct reply_reader *reader)
{
    text_free(&reader->text);
}

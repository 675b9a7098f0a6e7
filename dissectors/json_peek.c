/*
 * json_peek.c - the outermost members of a JSON text (RFC 8259). What lies deeper is passed over: strings and brackets are followed, so that its end is
 * found; its grammar is not examined.
 */
#include "dissectors/json_peek.h"

static bool is_space(int letter)
{
    return letter == ' ' || letter == '\t' || letter == '\n' || letter == '\r';
}

static void skip_space(struct cursor *at)
{
    while (is_space(peek_u8(at)))
        skip_bytes(at, 1);
}

bool json_open(struct json_reader *reader, struct bytes text)
{
    int bracket;

    *reader = (struct json_reader){.at = cursor_over(text)};
    skip_space(&reader->at);
    bracket = peek_u8(&reader->at);
    if (bracket != '{' && bracket != '[')
        return false;
    reader->kind = bracket == '{' ? JSON_OBJECT : JSON_ARRAY;
    skip_bytes(&reader->at, 1);
    return true;
}

/* The bytes that were taken between two places of one text. */
static struct bytes between(struct bytes from, const struct cursor *to)
{
    return bytes_of(from.at, from.length - to->left);
}

/* Behind the opening quote: the string up to its closing one, which is taken too. */
static struct bytes take_string(struct cursor *at)
{
    struct bytes start = peek_bytes(at);

    while (cursor_is_good(at)) {
        int letter = peek_u8(at);
        struct bytes string;

        if (letter == '"') {
            string = between(start, at);
            skip_bytes(at, 1);
            return string;
        }
        if (letter >= 0 && letter < ' ')
            cursor_reject(at);
        skip_bytes(at, letter == '\\' ? 2 : 1);
    }
    return bytes_of(NULL, 0);
}

/* An object or array with all that is in it. */
static struct bytes take_nest(struct cursor *at)
{
    struct bytes start = peek_bytes(at);
    char open[JSON_DEPTH];
    unsigned depth = 0;

    do {
        uint8_t letter = take_u8(at);

        if (letter == '"') {
            (void)take_string(at);
        } else if (letter == '{' || letter == '[') {
            if (depth == JSON_DEPTH)
                cursor_reject(at);
            else
                open[depth++] = (char)letter;
        } else if (letter == '}' || letter == ']') {
            if (open[--depth] != (letter == '}' ? '{' : '['))
                cursor_reject(at);
        }
    } while (depth > 0 && cursor_is_good(at));
    return cursor_is_good(at) ? between(start, at) : bytes_of(NULL, 0);
}

static bool is_of_number(int letter)
{
    return (letter >= '0' && letter <= '9') || letter == '-' || letter == '+' || letter == '.' || letter == 'e' || letter == 'E';
}

static bool is_lower(int letter)
{
    return letter >= 'a' && letter <= 'z';
}

/* A number or a word; what follows must be there, or it may not be whole. */
static struct bytes take_plain(struct cursor *at, enum json_kind *kind)
{
    struct bytes start = peek_bytes(at);
    struct bytes plain;
    bool is_number = is_of_number(peek_u8(at));

    while (is_number ? is_of_number(peek_u8(at)) : is_lower(peek_u8(at)))
        skip_bytes(at, 1);
    plain = between(start, at);
    *kind = is_number ? JSON_NUMBER : JSON_WORD;
    if (!cursor_require(at, 1))
        return plain;
    if (plain.length == 0 ||
        (!is_number && !bytes_equal(plain, bytes_of_text("true")) && !bytes_equal(plain, bytes_of_text("false")) && !bytes_equal(plain, bytes_of_text("null"))))
        cursor_reject(at);
    return plain;
}

static void take_value(struct cursor *at, struct json_item *item)
{
    int first = peek_u8(at);

    if (first == '"') {
        skip_bytes(at, 1);
        item->kind = JSON_STRING;
        item->value = take_string(at);
    } else if (first == '{' || first == '[') {
        item->kind = first == '{' ? JSON_OBJECT : JSON_ARRAY;
        item->value = take_nest(at);
    } else if (cursor_require(at, 1)) {
        item->value = take_plain(at, &item->kind);
    }
}

static void take_name(struct cursor *at, struct json_item *item)
{
    if (take_u8(at) != '"')
        cursor_reject(at);
    item->name = take_string(at);
    skip_space(at);
    if (take_u8(at) != ':')
        cursor_reject(at);
    skip_space(at);
}

static enum json_step step_of(const struct cursor *at)
{
    return at->state == CURSOR_GOOD ? JSON_ITEM : at->state == CURSOR_SHORT ? JSON_CUT : JSON_BROKEN;
}

static enum json_step end_of(struct cursor *at)
{
    skip_bytes(at, 1);
    skip_space(at);
    return cursor_left(at) == 0 ? JSON_END : JSON_BROKEN;
}

enum json_step json_next(struct json_reader *reader, struct json_item *item)
{
    struct cursor *at = &reader->at;
    int close = reader->kind == JSON_OBJECT ? '}' : ']';

    *item = (struct json_item){.kind = JSON_WORD};
    skip_space(at);
    if (peek_u8(at) == close)
        return end_of(at);
    if (reader->has_items) {
        if (take_u8(at) != ',')
            cursor_reject(at);
        skip_space(at);
    }
    reader->has_items = true;
    if (reader->kind == JSON_OBJECT)
        take_name(at, item);
    take_value(at, item);
    return step_of(at);
}

bool json_find(struct bytes text, bool is_whole, const char *name, struct json_item *item)
{
    struct json_reader reader;
    struct json_item next;
    enum json_step step;
    bool is_found = false;

    if (!json_open(&reader, text) || reader.kind != JSON_OBJECT)
        return false;
    while ((step = json_next(&reader, &next)) == JSON_ITEM) {
        if (is_found || !bytes_equal(next.name, bytes_of_text(name)))
            continue;
        *item = next;
        is_found = true;
        if (!is_whole)
            return true;
    }
    return is_found && (step == JSON_END || !is_whole);
}

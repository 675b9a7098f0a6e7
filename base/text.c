/* text.c - see text.h */
#include "base/memory.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

static bool text_reserve(struct text *text, size_t more)
{
    size_t needed = text->length + more + 1;
    size_t capacity = text->capacity == 0 ? 64 : text->capacity;
    char *grown;

    if (needed <= text->capacity)
        return true;
    while (capacity < needed)
        capacity *= 2;
    if (capacity > text->limit + 1 && needed <= text->limit + 1)
        capacity = text->limit + 1; /* there will never be more */
    grown = memory_resize(text->at, capacity);
    if (grown == NULL)
        return false;
    text->at = grown;
    text->capacity = capacity;
    return true;
}

void text_append(struct text *text, struct bytes more)
{
    size_t room = text->limit - text->length;
    size_t length = more.length <= room ? more.length : room;

    if (length < more.length)
        text->was_cut = true;
    if (length == 0)
        return;
    if (!text_reserve(text, length)) {
        text->was_cut = true;
        return;
    }
    memcpy(text->at + text->length, more.at, length);
    text->length += length;
    text->at[text->length] = '\0';
}

void text_append_text(struct text *text, const char *more)
{
    text_append(text, bytes_of_text(more));
}

void text_append_format(struct text *text, const char *format, ...)
{
    char line[1024];
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    if ((size_t)length >= sizeof line) {
        length = (int)sizeof line - 1;
        text->was_cut = true;
    }
    text_append(text, bytes_of(line, (size_t)length));
}

void text_append_item(struct text *text, const char *separator, struct bytes more)
{
    if (text->length > 0)
        text_append_text(text, separator);
    text_append(text, more);
}

void text_clear(struct text *text)
{
    text->length = 0;
    text->was_cut = false;
    if (text->at != NULL)
        text->at[0] = '\0';
}

void text_free(struct text *text)
{
    memory_free(text->at);
    *text = (struct text){.limit = text->limit};
}

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

static bool is_hex(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
}

/* Length of the valid UTF-8 sequence at the start, 0 where there is none (RFC 3629, section 4). */
static size_t utf8_sequence(struct bytes text)
{
    const uint8_t *at = text.at;

    if (at[0] < 0x80)
        return at[0] != 0;
    if (at[0] >= 0xc2 && at[0] <= 0xdf)
        return text.length >= 2 && is_continuation(at[1]) ? 2 : 0;
    if (at[0] >= 0xe0 && at[0] <= 0xef) {
        if (text.length < 3 || !is_continuation(at[1]) || !is_continuation(at[2]))
            return 0;
        if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f))
            return 0;
        return 3;
    }
    if (at[0] >= 0xf0 && at[0] <= 0xf4) {
        if (text.length < 4 || !is_continuation(at[1]) || !is_continuation(at[2]) || !is_continuation(at[3]))
            return 0;
        if ((at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
            return 0;
        return 4;
    }
    return 0;
}

/* Whether the backslash at the start would read as one of our own escapes. */
static bool looks_escaped(struct bytes text)
{
    return text.length >= 4 && text.at[0] == '\\' && text.at[1] == 'x' && is_hex(text.at[2]) && is_hex(text.at[3]);
}

/* Whether one of the eight bytes is 0. */
static bool has_zero(uint64_t eight)
{
    return ((eight - 0x0101010101010101u) & ~eight & 0x8080808080808080u) != 0;
}

/* How many bytes at the start are, eight by eight, ASCII without NUL and backslash: nearly all text is. */
static size_t ascii_prefix(struct bytes text)
{
    size_t done = 0;

    while (text.length - done >= 8) {
        uint64_t eight;

        memcpy(&eight, text.at + done, sizeof eight);
        if ((eight & 0x8080808080808080u) != 0 || has_zero(eight) || has_zero(eight ^ 0x5c5c5c5c5c5c5c5cu))
            break;
        done += 8;
    }
    return done;
}

size_t text_plain_prefix(struct bytes text)
{
    size_t done = ascii_prefix(text);

    while (done < text.length) {
        struct bytes rest = bytes_of(text.at + done, text.length - done);
        size_t sequence = utf8_sequence(rest);

        if (sequence == 0 || (rest.at[0] == '\\' && looks_escaped(rest)))
            break;
        done += sequence;
    }
    return done;
}

size_t text_escape(struct bytes text, char *out)
{
    static const char digits[] = "0123456789abcdef";
    size_t written = 0;

    while (text.length > 0) {
        size_t plain = text_plain_prefix(text);

        if (plain > 0) {
            memcpy(out + written, text.at, plain);
            written += plain;
            text = bytes_of(text.at + plain, text.length - plain);
            continue;
        }
        out[written++] = '\\';
        out[written++] = 'x';
        out[written++] = digits[text.at[0] >> 4];
        out[written++] = digits[text.at[0] & 15];
        text = bytes_of(text.at + 1, text.length - 1);
    }
    return written;
}

/*
 * prose.c - see prose.h. Bytes above 127 are text, as in UTF-8 and in the charsets of one byte; ESC is, as in ISO-2022.
 * Left out: UTF-16, and what programs write as text (sources, scripts, vCards): these are for libmagic to tell.
 */
#include "dissectors/prose.h"

#include "base/cursor.h"

/* Bytes that stand in no text: control characters but BEL, BS, TAB, LF, FF, CR and ESC. */
static bool has_control(struct bytes bytes)
{
    const uint32_t allowed = 1u << 7 | 1u << 8 | 1u << '\t' | 1u << '\n' | 1u << '\f' | 1u << '\r' | 1u << 27;
    bool found = false;

    for (size_t i = 0; i < bytes.length; i++)
        found |= (bytes.at[i] < 32 && (allowed >> bytes.at[i] & 1) == 0) || bytes.at[i] == 127;
    return found;
}

static struct bytes behind_blanks(struct bytes head)
{
    struct cursor cursor = cursor_within(head);

    if (bytes_begin_nocase(head, "\xef\xbb\xbf"))
        skip_bytes(&cursor, 3);
    while (peek_u8(&cursor) > 0 && strchr(" \t\r\n", peek_u8(&cursor)) != NULL)
        skip_bytes(&cursor, 1);
    return peek_bytes(&cursor);
}

/* "<name" with nothing of a longer name behind it. */
static bool begins_with_tag(struct bytes text, const char *name)
{
    struct cursor cursor = cursor_within(text);

    skip_bytes(&cursor, 1);
    if (!bytes_begin_nocase(peek_bytes(&cursor), name))
        return false;
    skip_bytes(&cursor, strlen(name));
    return peek_u8(&cursor) > 0 && strchr(" \t\r\n/>", peek_u8(&cursor)) != NULL;
}

static bool is_html(struct bytes text)
{
    static const char *const tags[] = {"!doctype html", "html", "head", "body", "meta",   "title", "style", "div", "p",
                                       "table",         "span", "br",   "font", "center", "a"};

    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        if (begins_with_tag(text, tags[i]))
            return true;
    }
    return false;
}

/* ".TH" or ".\\"": a request of troff, and its comment. */
static bool begins_with_request(struct bytes text)
{
    return text.length > 1 && text.at[0] == '.' && ((text.at[1] >= 'A' && text.at[1] <= 'Z') || text.at[1] == '\\');
}

/* A letter, a digit, or a sign that stands before words. */
static bool begins_with_word(struct bytes text)
{
    uint8_t first = text.at[0];

    if (bytes_begin_nocase(text, "BEGIN:") || bytes_begin_nocase(text, "-----BEGIN ") || begins_with_request(text))
        return false;
    return (first >= '0' && first <= '9') || ((first | 32) >= 'a' && (first | 32) <= 'z') || first >= 128 || strchr("\"'(*>-=+_[.", first) != NULL;
}

const char *prose_type(struct bytes head)
{
    struct bytes text = behind_blanks(head);

    if (head.length == 0 || has_control(head))
        return NULL;
    if (text.length == 0)
        return "text/plain";
    if (text.at[0] == '<')
        return is_html(text) ? "text/html" : NULL;
    return begins_with_word(text) ? "text/plain" : NULL;
}

/*
 * display.c - see display.h.
 *
 * Widths are those of the Unicode blocks that matter (East Asian Width, UAX #11; combining marks), not of each
 * character: a rare letter may be a column off, and nothing worse follows from that.
 */
#include "reports/display.h"

struct range {
    uint32_t first;
    uint32_t last;
};

static const struct range narrow_as_nothing[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x064b, 0x065f}, {0x0e31, 0x0e31}, {0x0e34, 0x0e3a},
    {0x0e47, 0x0e4e}, {0x200b, 0x200d}, {0x20d0, 0x20ff}, {0x302a, 0x302f}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},
};
static const struct range wide[] = {
    {0x1100, 0x115f}, {0x2e80, 0x303e}, {0x3041, 0x4dbf}, {0x4e00, 0xa4cf},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},
    {0xfe30, 0xfe6f}, {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x1f300, 0x1f64f}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
};
/* They turn the direction of writing, end lines or hide: a name could be made to read as another one. */
static const struct range deceptive[] = {
    {0x0080, 0x009f}, {0x061c, 0x061c}, {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb},
};

#define IS_IN(RANGES, CODE) is_in((RANGES), sizeof(RANGES) / sizeof((RANGES)[0]), (CODE))

static bool is_in(const struct range *ranges, size_t count, uint32_t code)
{
    for (size_t i = 0; i < count; i++) {
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    }
    return false;
}

/* The character at the start of `text`, which is not empty; 0 where it is not valid UTF-8. */
static uint32_t character_at(struct bytes text, size_t *length)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t lead = text.at[0];
    uint32_t code;

    *length = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0x80)
        return lead;
    code = lead & (0xffu >> (*length + 1));
    if (lead < 0xc2 || lead > 0xf4 || *length > text.length) {
        *length = 1;
        return 0;
    }
    for (size_t i = 1; i < *length; i++) {
        if ((text.at[i] & 0xc0) != 0x80) {
            *length = 1;
            return 0;
        }
        code = code << 6 | (text.at[i] & 0x3f);
    }
    if (code < smallest[*length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
        *length = 1;
        return 0;
    }
    return code;
}

static size_t width_of(uint32_t code)
{
    if (code < 0x300)
        return 1;
    if (IS_IN(narrow_as_nothing, code))
        return 0;
    return IS_IN(wide, code) ? 2 : 1;
}

static void append_escaped(struct text *out, struct bytes character, uint32_t code)
{
    if (code == '\n')
        text_append_text(out, "\\n");
    else if (code == '\t')
        text_append_text(out, "\\t");
    else if (code >= 0x80)
        text_append_format(out, "\\u{%04X}", code);
    else
        text_append_format(out, "\\x%02x", character.at[0]);
}

void display_append(struct text *out, struct bytes text)
{
    size_t plain = 0; /* bytes at the start of `text` that need no change */

    while (plain < text.length) {
        struct bytes rest = bytes_of(text.at + plain, text.length - plain);
        size_t length;
        uint32_t code = character_at(rest, &length);

        if (code >= 0x20 && code != 0x7f && !(code >= 0x80 && IS_IN(deceptive, code))) {
            plain += length;
            continue;
        }
        text_append(out, bytes_of(text.at, plain));
        append_escaped(out, bytes_of(rest.at, length), code);
        text = bytes_of(rest.at + length, rest.length - length);
        plain = 0;
    }
    text_append(out, text);
}

struct bytes display_cut(struct bytes text, size_t columns)
{
    size_t used = 0;
    size_t taken = 0;

    while (taken < text.length) {
        size_t length;
        size_t width = width_of(character_at(bytes_of(text.at + taken, text.length - taken), &length));

        if (used + width > columns)
            break;
        used += width;
        taken += length;
    }
    return bytes_of(text.at, taken);
}

size_t display_width(struct bytes text)
{
    size_t width = 0;
    size_t length;

    for (size_t at = 0; at < text.length; at += length)
        width += width_of(character_at(bytes_of(text.at + at, text.length - at), &length));
    return width;
}

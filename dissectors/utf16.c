/* utf16.c - see utf16.h */
#include "dissectors/utf16.h"

/* A code point as UTF-8. An unpaired surrogate comes out as three bytes that are not UTF-8: the store escapes them. */
static void append_utf8(struct text *text, uint32_t letter)
{
    uint8_t bytes[4];
    size_t length = letter < 0x80 ? 1 : letter < 0x800 ? 2 : letter < 0x10000 ? 3 : 4;
    static const uint8_t marks[] = {0, 0, 0xc0, 0xe0, 0xf0};

    for (size_t i = length; i-- > 1;) {
        bytes[i] = (uint8_t)(0x80 | (letter & 0x3f));
        letter >>= 6;
    }
    bytes[0] = (uint8_t)(marks[length] | letter);
    text_append(text, bytes_of(bytes, length));
}

void utf16_append(struct text *text, struct cursor cursor)
{
    while (cursor_left(&cursor) >= 2) {
        uint32_t letter = take_u16_le(&cursor);

        if (letter >= 0xd800 && letter < 0xdc00 && cursor_left(&cursor) >= 2) {
            struct cursor ahead = cursor;
            uint32_t low = take_u16_le(&ahead);

            if (low >= 0xdc00 && low < 0xe000) {
                letter = 0x10000 + ((letter - 0xd800) << 10) + (low - 0xdc00);
                cursor = ahead;
            }
        }
        append_utf8(text, letter);
    }
}

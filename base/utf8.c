/* utf8.c - see utf8.h */
#include "base/utf8.h"

#include "base/cursor.h"

/* RFC 3629, 4: the first byte says how many follow, and what the next one may be. */
static void begin_character(struct utf8_check *check, uint8_t first)
{
    check->low = 0x80;
    check->high = 0xbf;
    if (first >= 0xc2 && first <= 0xdf) {
        check->needed = 1;
    } else if (first >= 0xe0 && first <= 0xef) {
        check->needed = 2;
        if (first == 0xe0)
            check->low = 0xa0;
        if (first == 0xed)
            check->high = 0x9f; /* no surrogates */
    } else if (first >= 0xf0 && first <= 0xf4) {
        check->needed = 3;
        if (first == 0xf0)
            check->low = 0x90;
        if (first == 0xf4)
            check->high = 0x8f; /* nothing past U+10FFFF */
    } else {
        check->is_invalid = true;
    }
}

/* Nearly all text is ASCII: eight bytes at once. */
static void skip_ascii(struct cursor *bytes)
{
    while (cursor_left(bytes) >= 8) {
        uint64_t eight;

        memcpy(&eight, peek_bytes(bytes).at, sizeof eight);
        if ((eight & 0x8080808080808080u) != 0)
            return;
        skip_bytes(bytes, 8);
    }
}

bool utf8_check_add(struct utf8_check *check, struct bytes more)
{
    struct cursor bytes = cursor_over(more);

    while (!check->is_invalid && cursor_left(&bytes) > 0) {
        uint8_t byte;

        if (check->needed == 0)
            skip_ascii(&bytes);
        if (cursor_left(&bytes) == 0)
            break;
        byte = take_u8(&bytes);
        if (check->needed == 0) {
            if (byte >= 0x80)
                begin_character(check, byte);
            continue;
        }
        if (byte < check->low || byte > check->high)
            check->is_invalid = true;
        check->needed--;
        check->low = 0x80;
        check->high = 0xbf;
    }
    return !check->is_invalid;
}

bool utf8_check_ends(const struct utf8_check *check)
{
    return !check->is_invalid && check->needed == 0;
}

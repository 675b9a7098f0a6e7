/* test_cursor.c - base/cursor.h: every take at the edge of its bytes, and how failures stick. */
#include "base/cursor.h"

#include "tests/unit/check.h"

static const uint8_t eight[] = {0x01, 0x82, 0x03, 0x84, 0x05, 0x86, 0x07, 0x88};

static struct cursor over(size_t length)
{
    return cursor_over(bytes_of(check_against_the_edge(eight, length), length));
}

static struct cursor over_text(const char *text)
{
    return cursor_over(bytes_of(check_against_the_edge(text, strlen(text)), strlen(text)));
}

static bool is_text(struct bytes bytes, const char *text)
{
    return bytes_equal(bytes, bytes_of_text(text));
}

UNIT_TEST(cursor_takes_numbers_in_both_orders)
{
    struct cursor cursor = over(8);

    CHECK(take_u8(&cursor) == 0x01);
    CHECK(take_u16_be(&cursor) == 0x8203);
    CHECK(take_u16_le(&cursor) == 0x0584);
    CHECK(take_u24_be(&cursor) == 0x860788);
    CHECK(cursor_is_good(&cursor));
    CHECK(cursor_left(&cursor) == 0);
    CHECK(peek_u8(&cursor) == -1);
    cursor = over(8);
    CHECK(take_u32_be(&cursor) == 0x01820384u);
    CHECK(take_u32_le(&cursor) == 0x88078605u);
    cursor = over(8);
    CHECK(take_u64_be(&cursor) == 0x0182038405860788u);
    cursor = over(8);
    CHECK(take_u64_le(&cursor) == 0x8807860584038201u);
    CHECK(cursor_is_good(&cursor));
}

/* Takes one number of each width from `length` bytes; the answer is the cursor afterwards. */
static struct cursor after_number(unsigned width, size_t length)
{
    struct cursor cursor = over(length);

    switch (width) {
    case 1:
        take_u8(&cursor);
        break;
    case 2:
        take_u16_be(&cursor);
        break;
    case 3:
        take_u24_be(&cursor);
        break;
    case 4:
        take_u32_le(&cursor);
        break;
    default:
        take_u64_be(&cursor);
        break;
    }
    return cursor;
}

UNIT_TEST(cursor_is_short_one_byte_before_each_width)
{
    static const unsigned widths[] = {1, 2, 3, 4, 8};

    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        for (size_t length = 0; length <= 8; length++) {
            struct cursor cursor = after_number(widths[i], length);

            if (length >= widths[i])
                CHECK(cursor.state == CURSOR_GOOD && cursor.left == length - widths[i]);
            else
                CHECK(cursor.state == CURSOR_SHORT && cursor_left(&cursor) == 0);
        }
    }
}

UNIT_TEST(cursor_failure_sticks)
{
    struct cursor cursor = over(3);

    CHECK(take_u32_be(&cursor) == 0);
    CHECK(cursor.state == CURSOR_SHORT);
    CHECK(take_u8(&cursor) == 0);
    CHECK(take_bytes(&cursor, 1).length == 0);
    CHECK(take_up_to(&cursor, 10).length == 0);
    CHECK(take_line(&cursor).length == 0);
    CHECK(peek_u8(&cursor) == -1);
    CHECK(peek_bytes(&cursor).length == 0);
    CHECK(cursor.state == CURSOR_SHORT);
    cursor_reject(&cursor);
    CHECK(cursor.state == CURSOR_SHORT);
    cursor = over(3);
    cursor_reject(&cursor);
    CHECK(cursor.state == CURSOR_INVALID);
    CHECK(!cursor_require(&cursor, 0));
}

UNIT_TEST(cursor_require_of_nothing_and_of_too_much)
{
    struct cursor cursor = over(2);

    CHECK(cursor_require(&cursor, 0));
    CHECK(take_bytes(&cursor, 0).length == 0);
    CHECK(cursor_is_good(&cursor));
    CHECK(!cursor_require(&cursor, SIZE_MAX));
    CHECK(cursor.state == CURSOR_SHORT);
}

UNIT_TEST(cursor_takes_at_most_what_is_there)
{
    struct cursor cursor = over(5);

    CHECK(take_up_to(&cursor, 2).length == 2);
    CHECK(take_up_to(&cursor, UINT64_MAX).length == 3);
    CHECK(take_up_to(&cursor, 1).length == 0);
    CHECK(cursor_is_good(&cursor));
}

UNIT_TEST(cursor_child_is_bounded)
{
    struct cursor parent = over(8);
    struct cursor child = take_child(&parent, 3);

    CHECK(cursor_left(&parent) == 5);
    CHECK(take_u16_be(&child) == 0x0182);
    CHECK(take_u16_be(&child) == 0);
    CHECK(child.state == CURSOR_INVALID);
    CHECK(cursor_is_good(&parent));
    child = take_child(&parent, 6);
    CHECK(parent.state == CURSOR_SHORT);
    CHECK(child.state == CURSOR_SHORT);
    CHECK(take_u8(&child) == 0);
}

UNIT_TEST(cursor_child_of_a_child)
{
    struct cursor parent = cursor_within(bytes_of(eight, 4));
    struct cursor child = take_child(&parent, 5);

    CHECK(parent.state == CURSOR_INVALID);
    CHECK(child.state == CURSOR_INVALID);
}

UNIT_TEST(cursor_takes_lines)
{
    struct cursor cursor = over_text("one\r\ntwo\n\r\n\na\rb\nrest");

    CHECK(is_text(take_line(&cursor), "one"));
    CHECK(is_text(take_line(&cursor), "two"));
    CHECK(take_line(&cursor).length == 0 && cursor_is_good(&cursor));
    CHECK(take_line(&cursor).length == 0 && cursor_is_good(&cursor));
    CHECK(is_text(take_line(&cursor), "a\rb"));
    CHECK(take_line(&cursor).length == 0);
    CHECK(cursor.state == CURSOR_SHORT);
}

UNIT_TEST(cursor_line_without_end_in_a_child_is_invalid)
{
    struct cursor cursor = over_text("line without end");
    struct cursor child = take_child(&cursor, 4);

    take_line(&child);
    CHECK(child.state == CURSOR_INVALID);
    cursor = cursor_over(bytes_of(NULL, 0));
    take_line(&cursor);
    CHECK(cursor.state == CURSOR_SHORT);
}

UNIT_TEST(cursor_takes_until)
{
    struct cursor cursor = over_text("key=value==");

    CHECK(is_text(take_until(&cursor, '='), "key"));
    CHECK(is_text(take_until(&cursor, '='), "value"));
    CHECK(take_until(&cursor, '=').length == 0 && cursor_is_good(&cursor));
    CHECK(take_until(&cursor, '=').length == 0 && cursor.state == CURSOR_SHORT);
}

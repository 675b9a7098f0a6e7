/* test_text.c - base/text.h: the escaping of wire bytes, and texts with a limit. */
#include "base/text.h"

#include "tests/unit/check.h"

#include <stdlib.h>

static const char *escaped(const void *bytes, size_t length)
{
    static char out[4096];
    size_t written = text_escape(bytes_of(check_against_the_edge(bytes, length), length), out);

    out[written] = '\0';
    return strlen(out) == written ? out : "(holds NUL)";
}

#define ESCAPED(LITERAL) escaped(LITERAL, sizeof(LITERAL) - 1)

UNIT_TEST(text_escape_leaves_plain_text_alone)
{
    CHECK_TEXT(ESCAPED(""), "");
    CHECK_TEXT(ESCAPED("plain, with \\ and \\n and \\x"), "plain, with \\ and \\n and \\x");
    CHECK_TEXT(ESCAPED("\t\r\n\x1b[31m"), "\t\r\n\x1b[31m");
    CHECK_TEXT(ESCAPED("Gr\xc3\xbc\xc3\x9f" "e \xe2\x82\xac \xf0\x9f\x98\x80"), "Gr\xc3\xbc\xc3\x9f" "e \xe2\x82\xac \xf0\x9f\x98\x80");
}

UNIT_TEST(text_escape_writes_bad_bytes_in_hex)
{
    CHECK_TEXT(ESCAPED("a\0b"), "a\\x00" "b");
    CHECK_TEXT(ESCAPED("\x80"), "\\x80");
    CHECK_TEXT(ESCAPED("\xff\xfe"), "\\xff\\xfe");
    CHECK_TEXT(ESCAPED("caf\xe9 au lait"), "caf\\xe9 au lait");
}

UNIT_TEST(text_escape_refuses_what_rfc_3629_forbids)
{
    CHECK_TEXT(ESCAPED("\xc0\x80"), "\\xc0\\x80");                          /* overlong NUL */
    CHECK_TEXT(ESCAPED("\xc1\xbf"), "\\xc1\\xbf");                          /* overlong DEL */
    CHECK_TEXT(ESCAPED("\xe0\x9f\xbf"), "\\xe0\\x9f\\xbf");                 /* overlong, three bytes */
    CHECK_TEXT(ESCAPED("\xed\xa0\x80"), "\\xed\\xa0\\x80");                 /* a surrogate */
    CHECK_TEXT(ESCAPED("\xf0\x8f\xbf\xbf"), "\\xf0\\x8f\\xbf\\xbf");        /* overlong, four bytes */
    CHECK_TEXT(ESCAPED("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");        /* past U+10FFFF */
    CHECK_TEXT(ESCAPED("\xed\x9f\xbf"), "\xed\x9f\xbf");                    /* the last before the surrogates */
    CHECK_TEXT(ESCAPED("\xf4\x8f\xbf\xbf"), "\xf4\x8f\xbf\xbf");            /* U+10FFFF */
}

UNIT_TEST(text_escape_stops_at_the_edge)
{
    CHECK_TEXT(ESCAPED("a\xc3"), "a\\xc3");
    CHECK_TEXT(ESCAPED("a\xe2\x82"), "a\\xe2\\x82");
    CHECK_TEXT(ESCAPED("a\xf0\x9f\x98"), "a\\xf0\\x9f\\x98");
    CHECK_TEXT(ESCAPED("a\\x4"), "a\\x4");
    CHECK_TEXT(ESCAPED("a\\"), "a\\");
}

UNIT_TEST(text_escape_keeps_an_escape_apart_from_its_look_alike)
{
    CHECK_TEXT(ESCAPED("\\x41"), "\\x5cx41");
    CHECK_TEXT(ESCAPED("\\\\xAf"), "\\\\x5cxAf");
    CHECK_TEXT(ESCAPED("\\xg1"), "\\xg1");
}

static unsigned hex_digit(char digit)
{
    return (unsigned)(digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
}

static bool is_lower_hex(char digit)
{
    return (digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f');
}

/* What a reader of the database does to get the bytes back: each \xNN is one byte. */
static size_t unescape(const char *text, size_t length, uint8_t *out)
{
    size_t written = 0;

    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\\' && i + 3 < length && text[i + 1] == 'x' && is_lower_hex(text[i + 2]) && is_lower_hex(text[i + 3])) {
            out[written++] = (uint8_t)(hex_digit(text[i + 2]) << 4 | hex_digit(text[i + 3]));
            i += 3;
            continue;
        }
        out[written++] = (uint8_t)text[i];
    }
    return written;
}

UNIT_TEST(text_escape_round_trip)
{
    /* random runs over an alphabet that is rich in trouble: the same seed every time, so that a failure can be repeated */
    static const uint8_t alphabet[] = {'\\', 'x', '0', '4', 'a', 'F', 'z', 0, 0xc3, 0xbc, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80, 0xed, 0xa0, 0xff};
    unsigned seed = 1;
    bool comes_back = true;
    bool is_plain = true;

    for (unsigned round = 0; round < 20000; round++) {
        uint8_t original[24];
        char text[4 * sizeof original];
        uint8_t back[4 * sizeof original];
        size_t length = (size_t)rand_r(&seed) % sizeof original;
        size_t written;

        for (size_t i = 0; i < length; i++)
            original[i] = alphabet[(size_t)rand_r(&seed) % sizeof alphabet];
        written = text_escape(bytes_of(original, length), text);
        comes_back = comes_back && unescape(text, written, back) == length && memcmp(back, original, length) == 0;
        for (size_t i = 0; i < written; i++)
            is_plain = is_plain && text[i] != '\0';
    }
    CHECK(comes_back);
    CHECK(is_plain);
}

UNIT_TEST(text_appends_up_to_its_limit)
{
    struct text text = {.limit = 10};

    text_append_text(&text, "hello");
    text_append_text(&text, "");
    CHECK(text.length == 5 && !text.was_cut);
    text_append_text(&text, "world");
    CHECK(text.length == 10 && !text.was_cut);
    text_append_text(&text, "!");
    CHECK(text.length == 10 && text.was_cut);
    CHECK_TEXT(text.at, "helloworld");
    text_clear(&text);
    CHECK(text.length == 0 && !text.was_cut);
    text_append_text(&text, "more than ten bytes");
    CHECK(text.was_cut);
    CHECK_TEXT(text.at, "more than ");
    text_free(&text);
    CHECK(text.at == NULL && text.length == 0 && text.limit == 10);
}

UNIT_TEST(text_appends_items_and_formats)
{
    struct text text = {.limit = 4096};
    char long_word[3000];

    text_append_item(&text, ", ", bytes_of_text("one"));
    text_append_item(&text, ", ", bytes_of_text("two"));
    text_append_format(&text, " and %d", 3);
    CHECK_TEXT(text.at, "one, two and 3");
    memset(long_word, 'w', sizeof long_word - 1);
    long_word[sizeof long_word - 1] = '\0';
    text_append_format(&text, "%s", long_word);
    CHECK(text.was_cut);
    CHECK(text.length == strlen("one, two and 3") + 1023);
    text_free(&text);
}

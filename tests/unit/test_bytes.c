/* test_bytes.c - base/bytes.h */
#include "base/bytes.h"

#include "tests/unit/check.h"

static struct bytes at_the_edge(const char *text)
{
    return bytes_of(check_against_the_edge(text, strlen(text)), strlen(text));
}

UNIT_TEST(bytes_compare_without_case)
{
    CHECK(bytes_equal_nocase(at_the_edge("StartTLS"), "STARTTLS"));
    CHECK(!bytes_equal_nocase(at_the_edge("STARTTL"), "STARTTLS"));
    CHECK(!bytes_equal_nocase(at_the_edge("STARTTLS "), "STARTTLS"));
    CHECK(bytes_begin_nocase(at_the_edge("mail from:<a>"), "MAIL FROM:"));
    CHECK(!bytes_begin_nocase(at_the_edge("mail"), "MAIL FROM:"));
    CHECK(bytes_contain_nocase(at_the_edge("keep-alive, Upgrade"), "upgrade"));
    CHECK(!bytes_contain_nocase(at_the_edge("keep-alive, Upgrad"), "upgrade"));
    CHECK(!bytes_contain_nocase(at_the_edge(""), "x"));
    /* only ASCII letters have a case: '[' is not '{' */
    CHECK(!bytes_equal_nocase(at_the_edge("["), "{"));
    CHECK(!bytes_equal_nocase(at_the_edge("@"), "`"));
}

UNIT_TEST(bytes_equal_of_empty_runs)
{
    CHECK(bytes_equal(bytes_of(NULL, 0), at_the_edge("")));
    CHECK(!bytes_equal(bytes_of(NULL, 0), at_the_edge("a")));
    CHECK(!bytes_equal(at_the_edge("ab"), at_the_edge("ac")));
}

UNIT_TEST(bytes_trim_both_ends)
{
    CHECK(bytes_equal(bytes_trim(at_the_edge(" \t a b\t ")), bytes_of_text("a b")));
    CHECK(bytes_trim(at_the_edge(" \t ")).length == 0);
    CHECK(bytes_trim(bytes_of(NULL, 0)).length == 0);
}

UNIT_TEST(bytes_split_at_the_first)
{
    struct bytes rest;

    CHECK(bytes_equal(bytes_split(at_the_edge("a,b,c"), ',', &rest), bytes_of_text("a")));
    CHECK(bytes_equal(rest, bytes_of_text("b,c")));
    CHECK(bytes_equal(bytes_split(at_the_edge("abc"), ',', &rest), bytes_of_text("abc")));
    CHECK(rest.at == NULL && rest.length == 0);
    CHECK(bytes_split(at_the_edge("abc,"), ',', &rest).length == 3);
    CHECK(rest.at != NULL && rest.length == 0);
    CHECK(bytes_split(bytes_of(NULL, 0), ',', &rest).length == 0);
}

UNIT_TEST(bytes_to_number_takes_decimal_digits_alone)
{
    uint64_t value = 77;

    CHECK(bytes_to_number(at_the_edge("0"), 10, &value) && value == 0);
    CHECK(bytes_to_number(at_the_edge("0010"), 10, &value) && value == 10);
    CHECK(bytes_to_number(at_the_edge("18446744073709551615"), UINT64_MAX, &value) && value == UINT64_MAX);
    value = 77;
    CHECK(!bytes_to_number(at_the_edge("18446744073709551616"), UINT64_MAX, &value));
    CHECK(!bytes_to_number(at_the_edge("11"), 10, &value));
    CHECK(!bytes_to_number(at_the_edge(""), 10, &value));
    CHECK(!bytes_to_number(at_the_edge("-1"), 10, &value));
    CHECK(!bytes_to_number(at_the_edge("1 "), 10, &value));
    CHECK(!bytes_to_number(at_the_edge("0x1"), 10, &value));
    CHECK(value == 77);
}

/* test_address.c - base/address.h: canonical text (RFC 5952) and back. */
#include "base/address.h"

#include "tests/unit/check.h"

static const char *canonical(const char *text)
{
    static char out[ADDRESS_TEXT_SIZE];
    struct address address;

    if (!address_from_text(text, &address))
        return "(no address)";
    if (address_to_text(&address, out) != strlen(out))
        return "(wrong length)";
    return out;
}

UNIT_TEST(address_ipv4_text)
{
    CHECK_TEXT(canonical("0.0.0.0"), "0.0.0.0");
    CHECK_TEXT(canonical("255.255.255.255"), "255.255.255.255");
    CHECK_TEXT(canonical("10.9.100.1"), "10.9.100.1");
    CHECK_TEXT(canonical("256.1.1.1"), "(no address)");
    CHECK_TEXT(canonical("1.2.3"), "(no address)");
    CHECK_TEXT(canonical(""), "(no address)");
}

UNIT_TEST(address_ipv6_text_is_canonical)
{
    CHECK_TEXT(canonical("::"), "::");
    CHECK_TEXT(canonical("0:0:0:0:0:0:0:1"), "::1");
    CHECK_TEXT(canonical("2001:DB8::AB"), "2001:db8::ab");
    CHECK_TEXT(canonical("2001:0db8:0000:0000:0001:0000:0000:0001"), "2001:db8::1:0:0:1");
    /* RFC 5952, 4.2.2: one group of zeros alone is not shortened */
    CHECK_TEXT(canonical("2001:db8:0:1:1:1:1:1"), "2001:db8:0:1:1:1:1:1");
    CHECK_TEXT(canonical("1111:2222:3333:4444:5555:6666:7777:8888"), "1111:2222:3333:4444:5555:6666:7777:8888");
    CHECK_TEXT(canonical("::ffff:192.0.2.1"), "::ffff:192.0.2.1");
    CHECK_TEXT(canonical("fe80::1%eth0"), "(no address)");
}

UNIT_TEST(address_none_has_no_text)
{
    struct address none = {.version = 0};
    char text[ADDRESS_TEXT_SIZE] = "something";

    CHECK(address_to_text(&none, text) == 0);
    CHECK_TEXT(text, "");
}

UNIT_TEST(address_of_another_version_is_another)
{
    static const uint8_t bytes[16] = {10, 0, 0, 1};
    struct address four = address_from_ipv4(bytes);
    struct address six = address_from_ipv6(bytes);
    struct address again = address_from_ipv4(bytes);

    CHECK(!address_equal(&four, &six));
    CHECK(address_equal(&four, &again));
}

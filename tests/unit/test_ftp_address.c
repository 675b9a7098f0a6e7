/* test_ftp_address.c - dissectors/ftp_address.c: where data connections are announced. */
#include "dissectors/ftp_address.h"
#include "tests/unit/check.h"

#include <stdio.h>

typedef bool parse(struct bytes text, struct address *address, uint16_t *port);

/* "address port", or "none". */
static const char *read_with(parse *function, const char *text)
{
    static char found[ADDRESS_TEXT_SIZE + 8];
    char address_text[ADDRESS_TEXT_SIZE] = "";
    struct address address = {.version = 0};
    size_t length = strlen(text);
    uint16_t port;

    if (!function(bytes_of(check_against_the_edge(text, length), length), &address, &port))
        return "none";
    (void)address_to_text(&address, address_text);
    (void)snprintf(found, sizeof found, "%s %u", address_text, port);
    return found;
}

static bool extended_passive(struct bytes text, struct address *address, uint16_t *port)
{
    *address = (struct address){.version = 0};
    return ftp_parse_extended_passive(text, port);
}

UNIT_TEST(ftp_addresses_of_port_and_pasv)
{
    CHECK_TEXT(read_with(ftp_parse_host_port, "192,0,2,1,4,1"), "192.0.2.1 1025");
    CHECK_TEXT(read_with(ftp_parse_host_port, " 192, 0, 2, 1, 4, 1 "), "192.0.2.1 1025");
    CHECK_TEXT(read_with(ftp_parse_host_port, "192,0,2,256,4,1"), "none");
    CHECK_TEXT(read_with(ftp_parse_host_port, "192,0,2,1,0,0"), "none");
    CHECK_TEXT(read_with(ftp_parse_host_port, "192,0,2,1,4"), "none");
    CHECK_TEXT(read_with(ftp_parse_host_port, ",,,,,"), "none");
    CHECK_TEXT(read_with(ftp_parse_passive, "Entering Passive Mode (192,0,2,1,255,255)."), "192.0.2.1 65535");
    CHECK_TEXT(read_with(ftp_parse_passive, "in 2 ways =192,0,2,1,0,21"), "192.0.2.1 21");
    CHECK_TEXT(read_with(ftp_parse_passive, "1,2,3 (192,0,2,1,0,21)"), "192.0.2.1 21");
    CHECK_TEXT(read_with(ftp_parse_passive, "nothing"), "none");
}

UNIT_TEST(ftp_addresses_of_the_extensions)
{
    CHECK_TEXT(read_with(ftp_parse_extended_port, "|1|192.0.2.1|6275|"), "192.0.2.1 6275");
    CHECK_TEXT(read_with(ftp_parse_extended_port, "!2!2001:db8::1!6275!"), "2001:db8::1 6275");
    CHECK_TEXT(read_with(ftp_parse_extended_port, "|1|192.0.2.1|65536|"), "none");
    CHECK_TEXT(read_with(ftp_parse_extended_port, "|1||6275|"), "none");
    CHECK_TEXT(read_with(extended_passive, "Entering (|||6446|)"), " 6446");
    CHECK_TEXT(read_with(extended_passive, "Entering |||6446|"), "none");
    CHECK_TEXT(read_with(extended_passive, "Entering (|||0|)"), "none");
    CHECK_TEXT(read_with(ftp_parse_long_port, "4,4,192,0,2,1,2,4,1"), "192.0.2.1 1025");
    CHECK_TEXT(read_with(ftp_parse_long_port, "6,16,32,1,13,184,0,0,0,0,0,0,0,0,0,0,0,1,2,4,1"), "2001:db8::1 1025");
    CHECK_TEXT(read_with(ftp_parse_long_port, "6,4,192,0,2,1,2,4,1"), "none");
    CHECK_TEXT(read_with(ftp_parse_long_passive, "Entering Long Passive Mode (4,4,192,0,2,1,2,4,1)"), "192.0.2.1 1025");
}

UNIT_TEST(ftp_addresses_that_are_private)
{
    static const char *const private[] = {"10.0.0.1", "172.31.0.1", "192.168.1.1", "169.254.1.1", "100.64.0.1", "127.0.0.1", "fd00::1", "fe80::1"};
    static const char *const others[] = {"172.32.0.1", "192.0.2.1", "100.128.0.1", "11.0.0.1", "2001:db8::1"};
    struct address address;

    for (size_t i = 0; i < sizeof private / sizeof private[0]; i++)
        CHECK(address_from_text(private[i], &address) && ftp_address_is_private(&address));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        CHECK(address_from_text(others[i], &address) && !ftp_address_is_private(&address));
}

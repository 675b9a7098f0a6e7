/* ftp_address.c - see ftp_address.h */
#include "dissectors/ftp_address.h"

#include <string.h>

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* The next number of a list with commas between; behind the last one stands what the server likes to say. */
static bool take_number(struct bytes *text, bool is_last, uint8_t *value)
{
    struct bytes rest;
    struct bytes part = bytes_split(*text, ',', &rest);
    uint64_t number;

    if (is_last) {
        size_t digits = 0;

        part = bytes_trim(*text);
        while (digits < part.length && is_digit(part.at[digits]))
            digits++;
        part.length = digits;
    }
    if (!bytes_to_number(bytes_trim(part), 255, &number))
        return false;
    *value = (uint8_t)number;
    *text = rest;
    return true;
}

bool ftp_parse_host_port(struct bytes text, struct address *address, uint16_t *port)
{
    uint8_t numbers[6];

    for (size_t i = 0; i < sizeof numbers; i++) {
        if (!take_number(&text, i + 1 == sizeof numbers, &numbers[i]))
            return false;
    }
    *address = address_from_ipv4(numbers);
    *port = (uint16_t)(numbers[4] << 8 | numbers[5]);
    return *port != 0;
}

/* No list of numbers is longer: LPSV's 21 numbers of IPv6, with spaces. */
#define NUMBERS_LENGTH 128

/* Tries `parse` at every number of the text. */
static bool find_numbers(struct bytes text, bool (*parse)(struct bytes text, struct address *address, uint16_t *port), struct address *address,
                         uint16_t *port)
{
    for (size_t i = 0; i < text.length; i++) {
        bool begins = is_digit(text.at[i]) && (i == 0 || !is_digit(text.at[i - 1]));

        struct bytes list = bytes_of(text.at + i, text.length - i);

        if (list.length > NUMBERS_LENGTH)
            list.length = NUMBERS_LENGTH;
        if (begins && parse(list, address, port))
            return true;
    }
    return false;
}

bool ftp_parse_passive(struct bytes reply, struct address *address, uint16_t *port)
{
    return find_numbers(reply, ftp_parse_host_port, address, port);
}

/* <d>net<d>address<d>port<d>; the first two may be empty. */
static bool parse_extended(struct bytes text, struct bytes *host, uint16_t *port)
{
    struct bytes rest;
    struct bytes port_text;
    uint8_t delimiter;
    uint64_t number;

    if (text.length < 4)
        return false;
    delimiter = text.at[0];
    (void)bytes_split(bytes_of(text.at + 1, text.length - 1), delimiter, &rest);
    *host = bytes_split(rest, delimiter, &rest);
    port_text = bytes_split(rest, delimiter, &rest);
    if (rest.at == NULL || !bytes_to_number(port_text, 65535, &number) || number == 0)
        return false;
    *port = (uint16_t)number;
    return true;
}

static bool parse_host(struct bytes host, struct address *address)
{
    char text[ADDRESS_TEXT_SIZE];

    if (host.length == 0 || host.length >= sizeof text)
        return false;
    memcpy(text, host.at, host.length);
    text[host.length] = '\0';
    return address_from_text(text, address);
}

bool ftp_parse_extended_port(struct bytes text, struct address *address, uint16_t *port)
{
    struct bytes host;

    return parse_extended(text, &host, port) && parse_host(host, address);
}

bool ftp_parse_extended_passive(struct bytes reply, uint16_t *port)
{
    struct bytes host;
    struct bytes rest;

    (void)bytes_split(reply, '(', &rest);
    return rest.at != NULL && parse_extended(rest, &host, port);
}

/* RFC 1639 gives the address family 4 to IPv4 and 6 to IPv6. */
bool ftp_parse_long_port(struct bytes text, struct address *address, uint16_t *port)
{
    uint8_t family;
    uint8_t length;
    uint8_t host[16];
    uint8_t port_length;
    uint8_t port_bytes[2];

    if (!take_number(&text, false, &family) || !take_number(&text, false, &length) || !((family == 4 && length == 4) || (family == 6 && length == 16)))
        return false;
    for (size_t i = 0; i < length; i++) {
        if (!take_number(&text, false, &host[i]))
            return false;
    }
    if (!take_number(&text, false, &port_length) || port_length != 2 || !take_number(&text, false, &port_bytes[0]) ||
        !take_number(&text, true, &port_bytes[1]))
        return false;
    *address = family == 4 ? address_from_ipv4(host) : address_from_ipv6(host);
    *port = (uint16_t)(port_bytes[0] << 8 | port_bytes[1]);
    return *port != 0;
}

bool ftp_parse_long_passive(struct bytes reply, struct address *address, uint16_t *port)
{
    return find_numbers(reply, ftp_parse_long_port, address, port);
}

bool ftp_address_is_private(const struct address *address)
{
    const uint8_t *byte = address->bytes;

    if (address->version == 4)
        return byte[0] == 10 || byte[0] == 127 || (byte[0] == 172 && (byte[1] & 0xf0) == 16) || (byte[0] == 192 && byte[1] == 168) ||
               (byte[0] == 169 && byte[1] == 254) || (byte[0] == 100 && (byte[1] & 0xc0) == 64);
    return (byte[0] & 0xfe) == 0xfc || (byte[0] == 0xfe && (byte[1] & 0xc0) == 0x80);
}

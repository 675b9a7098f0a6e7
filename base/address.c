/* address.c - see address.h */
#include "base/address.h"

#include <arpa/inet.h>

bool address_from_text(const char *text, struct address *address)
{
    uint8_t bytes[16];

    if (inet_pton(AF_INET, text, bytes) == 1) {
        *address = address_from_ipv4(bytes);
        return true;
    }
    if (inet_pton(AF_INET6, text, bytes) == 1) {
        *address = address_from_ipv6(bytes);
        return true;
    }
    return false;
}

static unsigned ipv4_to_text(const uint8_t bytes[4], char *text)
{
    unsigned length = 0;

    for (unsigned i = 0; i < 4; i++) {
        unsigned octet = bytes[i];

        if (octet >= 100)
            text[length++] = (char)('0' + octet / 100);
        if (octet >= 10)
            text[length++] = (char)('0' + octet / 10 % 10);
        text[length++] = (char)('0' + octet % 10);
        text[length++] = '.';
    }
    text[--length] = '\0';
    return length;
}

unsigned address_to_text(const struct address *address, char text[ADDRESS_TEXT_SIZE])
{
    text[0] = '\0';
    if (address->version == 4)
        return ipv4_to_text(address->bytes, text);
    if (address->version != 6)
        return 0;
    /* the C library's form is RFC 5952's: lower case, the longest run of zeros shortened */
    if (inet_ntop(AF_INET6, address->bytes, text, ADDRESS_TEXT_SIZE) == NULL)
        return 0;
    return (unsigned)strlen(text);
}

/*
 * address.h - an IPv4 or IPv6 address as it stands in a packet.
 */
#ifndef WIRESCRIBE_BASE_ADDRESS_H
#define WIRESCRIBE_BASE_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct address {
    uint8_t bytes[16]; /* network order; IPv4 fills the first 4, the rest is 0 */
    uint8_t version;   /* 4 or 6; 0: none */
};

#define ADDRESS_TEXT_SIZE 46 /* the longest text, with its NUL */

/* From 4 or 16 bytes in network order. */
static inline struct address address_from_ipv4(const uint8_t bytes[4])
{
    struct address address = {.version = 4};

    memcpy(address.bytes, bytes, 4);
    return address;
}
static inline struct address address_from_ipv6(const uint8_t bytes[16])
{
    struct address address = {.version = 6};

    memcpy(address.bytes, bytes, 16);
    return address;
}

/* From text, as in an FTP EPRT argument. False where it is no address. */
bool address_from_text(const char *text, struct address *address);

/* Canonical text (RFC 5952; dotted decimal for IPv4), NUL-terminated. Returns its length; 0 for none. */
unsigned address_to_text(const struct address *address, char text[ADDRESS_TEXT_SIZE]);

static inline bool address_equal(const struct address *a, const struct address *b)
{
    return a->version == b->version && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

#endif

/*
 * packet_builder.h - packets for the tests of the decoder, made from the inside out: first the innermost packet, then
 * one header after the other before it.
 */
#ifndef WIRESCRIBE_TESTS_UNIT_PACKET_BUILDER_H
#define WIRESCRIBE_TESTS_UNIT_PACKET_BUILDER_H

#include <stddef.h>
#include <stdint.h>

#define BUILD_MOST 4096

/* The bytes grow downwards: the packet is bytes[BUILD_MOST - length ...]. */
struct build {
    uint8_t bytes[BUILD_MOST];
    size_t length;
};

/* The present beginning of the packet. */
uint8_t *build_at(struct build *build);

/* Empties it, then a TCP segment with the text "hello", in IPv4 or IPv6, all checksums right. */
void build_tcp4(struct build *build);
void build_tcp6(struct build *build);

/* Empties it, then `hex`. */
void build_hex(struct build *build, const char *hex);

/* Headers before what is there. `hex`: digits in pairs, spaces between them do not matter. */
void build_before(struct build *build, const char *hex);
void build_behind(struct build *build, const char *hex);
void build_ethernet(struct build *build, uint16_t type);
/* 192.0.2.1 > 192.0.2.2, its length and checksum right. */
void build_ipv4(struct build *build, uint8_t protocol);
/* 2001:db8::1 > 2001:db8::2 */
void build_ipv6(struct build *build, uint8_t next);
/* From port 5000, without a checksum. */
void build_udp(struct build *build, uint16_t to);

/* The header that the bytes begin with gets its checksum right again. */
void build_repair_ipv4(uint8_t *header, size_t length);

/* The ones' complement sum of RFC 1071, by hand. */
uint16_t build_sum(const uint8_t *bytes, size_t length, uint32_t sum);

#endif

/* packet_builder.c - see packet_builder.h */
#include "tests/unit/packet_builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint8_t *build_at(struct build *build)
{
    return build->bytes + BUILD_MOST - build->length;
}

static uint8_t *grow(struct build *build, size_t more)
{
    if (build->length + more > BUILD_MOST) {
        fprintf(stderr, "packet_builder.c: a packet of more than %d bytes\n", BUILD_MOST);
        exit(2);
    }
    build->length += more;
    return build_at(build);
}

static size_t from_hex(const char *hex, uint8_t out[BUILD_MOST])
{
    size_t length = 0;
    unsigned value;

    for (; *hex != '\0'; hex += 2) {
        while (*hex == ' ')
            hex++;
        if (sscanf(hex, "%2x", &value) != 1 || length == BUILD_MOST)
            exit(2);
        out[length++] = (uint8_t)value;
    }
    return length;
}

void build_before(struct build *build, const char *hex)
{
    static uint8_t bytes[BUILD_MOST];
    size_t length = from_hex(hex, bytes);

    memcpy(grow(build, length), bytes, length);
}

void build_behind(struct build *build, const char *hex)
{
    static uint8_t bytes[BUILD_MOST];
    size_t length = from_hex(hex, bytes);
    size_t before = build->length;
    const uint8_t *was = build_at(build);

    memmove(grow(build, length), was, before);
    memcpy(build->bytes + BUILD_MOST - length, bytes, length);
}

void build_hex(struct build *build, const char *hex)
{
    build->length = 0;
    build_before(build, hex);
}

static void put_u16(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

uint16_t build_sum(const uint8_t *bytes, size_t length, uint32_t sum)
{
    for (size_t i = 0; i < length; i++)
        sum += (uint32_t)bytes[i] << (i % 2 == 0 ? 8 : 0);
    while (sum >> 16 != 0)
        sum = (sum >> 16) + (sum & 0xffff);
    return (uint16_t)sum;
}

void build_repair_ipv4(uint8_t *header, size_t length)
{
    put_u16(header + 10, 0);
    put_u16(header + 10, (uint16_t)~build_sum(header, length, 0));
}

void build_ethernet(struct build *build, uint16_t type)
{
    build_before(build, "020000000001 020000000002 0000");
    put_u16(build_at(build) + 12, type);
}

void build_ipv4(struct build *build, uint8_t protocol)
{
    uint8_t *header;

    build_before(build, "45000000 00070000 40000000 c0000201 c0000202");
    header = build_at(build);
    put_u16(header + 2, build->length);
    header[9] = protocol;
    build_repair_ipv4(header, 20);
}

void build_ipv6(struct build *build, uint8_t next)
{
    build_before(build, "60000000 0000 00 40 20010db8000000000000000000000001 20010db8000000000000000000000002");
    put_u16(build_at(build) + 4, build->length - 40);
    build_at(build)[6] = next;
}

void build_udp(struct build *build, uint16_t to)
{
    build_before(build, "1388 0000 0000 0000");
    put_u16(build_at(build) + 2, to);
    put_u16(build_at(build) + 4, build->length);
}

/* The addresses of the inner packets differ from those of the outer ones. */
static void build_segment(struct build *build, size_t addresses_at, size_t addresses_length, void (*ip)(struct build *, uint8_t))
{
    build_hex(build, "0fa0 0050 00000001 00000002 5018 ffff 0000 0000 68656c6c6f");
    ip(build, 6);
    for (size_t i = 0; i < addresses_length; i += addresses_length / 2)
        build_at(build)[addresses_at + i] = 0x0a; /* 10.0.2.1, a01:... */
    put_u16(build_at(build) + build->length - 25 + 16,
            (uint16_t)~build_sum(build_at(build) + addresses_at, addresses_length + 25, 6 + 25));
}

void build_tcp4(struct build *build)
{
    build_segment(build, 12, 8, build_ipv4);
    build_repair_ipv4(build_at(build), 20);
}

void build_tcp6(struct build *build)
{
    build_segment(build, 8, 32, build_ipv6);
}

/*
 * test_decode.c - capture/'s decoder: each layer from hand-written bytes, whole and cut at every length; every anomaly.
 *
 * A packet is told as "ip tcp 10.0.2.1:4000 > 10.0.2.2:80 5 [gre 7] good anomaly,anomaly": what came of it, the transport,
 * the payload's length, the tunnels where there are any, the checksum's state, the anomalies.
 */
#include "base/text.h"
#include "capture/anomaly.h"
#include "capture/capture.h"
#include "tests/unit/check.h"
#include "tests/unit/packet_builder.h"

#include <stdio.h>
#include <string.h>

#define ETHERNET 1
#define RAW 101
#define INNER4 "ip 6 10.0.2.1:4000 > 10.0.2.2:80 5"
#define INNER6 "ip 6 a01:db8::1:4000 > a01:db8::2:80 5"

static struct build made;
static struct text story = {.limit = 1 << 16};

/* Room that ends where an unreadable page begins. */
static uint8_t *edge(size_t length)
{
    static uint8_t *room;
    static const uint8_t nothing[BUILD_MOST];

    if (room == NULL)
        room = (uint8_t *)(uintptr_t)check_against_the_edge(nothing, sizeof nothing);
    return room + BUILD_MOST - length;
}

static void tell_ends(const struct packet *packet)
{
    char source[ADDRESS_TEXT_SIZE];
    char destination[ADDRESS_TEXT_SIZE];

    address_to_text(&packet->source, source);
    address_to_text(&packet->destination, destination);
    if (packet->has_transport)
        text_append_format(&story, " %u %s:%u > %s:%u %u", packet->protocol, source, packet->source_port, destination, packet->destination_port,
                           packet->payload_length);
    else
        text_append_format(&story, " %u %s > %s%s", packet->protocol, source, destination, packet->is_fragment ? " fragment" : "");
}

static const char *tell(const struct packet *packet)
{
    static const char *const results[] = {"ip", "not-ip", "short", "bad", "link-type"};
    static const char *const states[] = {"", " good", " offloaded", " wrong"};
    char tunnel[TUNNEL_TEXT_SIZE];

    text_clear(&story);
    text_append_text(&story, results[packet->decoded]);
    if (packet->decoded == DECODED) {
        tell_ends(packet);
        if (tunnel_to_text(&packet->tunnel, tunnel) > 0)
            text_append_format(&story, " [%s]", tunnel);
        text_append_text(&story, states[packet->checksum]);
    }
    for (int kind = 0; kind < ANOMALY_KINDS; kind++) {
        if (packet_has(packet, (enum decode_anomaly)kind))
            text_append_format(&story, " %s", anomaly_name((enum decode_anomaly)kind));
    }
    return story.at;
}

/* The first `length` bytes of what was built. */
static struct packet decode_part(int link_type, size_t length)
{
    struct packet packet = {.wire_length = (uint32_t)made.length};
    uint8_t *frame = edge(length);

    memcpy(frame, build_at(&made), length);
    packet.frame = bytes_of(frame, length);
    packet.decoded = (uint8_t)decode_frame(&packet, link_type);
    return packet;
}

static bool lies_within(struct bytes part, struct bytes whole)
{
    return part.length == 0 || (part.at >= whole.at && part.at + part.length <= whole.at + whole.length);
}

/* A frame that the capture cut: nothing outside of it is read or pointed to, and the cut is noted. */
static void check_cuts(int link_type)
{
    for (size_t length = 0; length < made.length; length++) {
        struct packet packet = decode_part(link_type, length);

        CHECK(packet_has(&packet, ANOMALY_FRAME_CUT));
        if (packet.decoded != DECODED)
            continue;
        CHECK(lies_within(packet.ip, packet.frame) && lies_within(packet.network_payload, packet.frame));
        CHECK(packet.payload.length <= packet.payload_length || !packet.has_transport);
        CHECK(!packet.has_transport || lies_within(packet.payload, packet.frame));
    }
}

static const char *decoded(int link_type)
{
    struct packet packet;

    check_cuts(link_type);
    packet = decode_part(link_type, made.length);
    return tell(&packet);
}

static const char *decoded_hex(int link_type, const char *hex)
{
    build_hex(&made, hex);
    return decoded(link_type);
}

/* IPv4 and TCP behind that link header. */
static const char *behind(int link_type, const char *hex)
{
    build_tcp4(&made);
    build_before(&made, hex);
    return decoded(link_type);
}

/* ---- link layers ---- */

UNIT_TEST(decode_ethernet)
{
    CHECK_TEXT(behind(ETHERNET, "020000000001 020000000002 0800"), INNER4 " good");
    CHECK_TEXT(behind(ETHERNET, "020000000001 020000000002 8100 0007 88a8 2008 0800"), INNER4 " good");
    CHECK_TEXT(behind(ETHERNET, "020000000001 020000000002 8926 80010000 8100 0007 0800"), INNER4 " good");
    CHECK_TEXT(behind(ETHERNET, "020000000001 020000000002 0035 aaaa03 000000 0800"), INNER4 " good");
    CHECK_TEXT(behind(ETHERNET, "020000000001 020000000002 0035 060603"), INNER4 " good");
    CHECK_TEXT(behind(ETHERNET, "020000000001 020000000002 0035 fefe03 cc"), INNER4 " good");
    CHECK_TEXT(behind(ETHERNET, "020000000001 020000000002 88e7 30012345 020000000003 020000000004 0800"), INNER4 " [pbb 74565] good");
    CHECK_TEXT(behind(ETHERNET, "020000000001 020000000002 894f 0fc6 01 01 000017ff 00000000 00000000 00000000 00000000"), INNER4 " [nsh 23] good");
    CHECK_TEXT(decoded_hex(ETHERNET, "020000000001 020000000002 0806 0001"), "not-ip");
    build_tcp6(&made);
    build_ethernet(&made, 0x86dd);
    CHECK_TEXT(decoded(ETHERNET), INNER6 " good");
    build_tcp4(&made);
    build_ethernet(&made, 0x8100);
    CHECK(decode_part(ETHERNET, made.length).has_vlan);
}

UNIT_TEST(decode_padding_of_the_link_layer_is_no_payload)
{
    build_tcp4(&made);
    build_behind(&made, "000000000000");
    build_ethernet(&made, 0x0800);
    CHECK_TEXT(decoded(ETHERNET), INNER4 " good");
}

UNIT_TEST(decode_ppp)
{
    CHECK_TEXT(behind(9, "0021"), INNER4 " good");
    CHECK_TEXT(behind(9, "21"), INNER4 " good");
    CHECK_TEXT(behind(9, "ff03 0021"), INNER4 " good");
    CHECK_TEXT(behind(9, "0f00 0800"), INNER4 " good");
    CHECK_TEXT(behind(50, "ff03 21"), INNER4 " good");
    CHECK_TEXT(behind(9, "003d c0000001 0021"), INNER4 " good");
    CHECK_TEXT(behind(9, "003d 80000001 0021"), "not-ip");
    CHECK_TEXT(behind(9, "0281 00010140"), INNER4 " [mpls 16] good");
    CHECK_TEXT(behind(166, "01 03 0021"), INNER4 " good");
    CHECK_TEXT(behind(204, "01 ff03 0021"), INNER4 " good");
    CHECK_TEXT(behind(51, "1100 0011 002f 0021"), INNER4 " [pppoe 17] good");
    CHECK_TEXT(decoded_hex(9, "c021 01000004"), "not-ip");
    build_tcp6(&made);
    build_before(&made, "ff03 0057");
    CHECK_TEXT(decoded(9), INNER6 " good");
}

UNIT_TEST(decode_pppoe)
{
    CHECK_TEXT(behind(ETHERNET, "020000000001 020000000002 8864 1100 0011 002f 0021"), INNER4 " [pppoe 17] good");
    CHECK_TEXT(behind(ETHERNET, "020000000001 020000000002 8864 2100 0011 002f 0021"), "bad pppoe");
    CHECK_TEXT(behind(ETHERNET, "020000000001 020000000002 8864 11a7 0011 002f 0021"), "bad pppoe");
    CHECK_TEXT(behind(ETHERNET, "020000000001 020000000002 8864 1100 0011 0030 0021"), "bad pppoe");
    build_tcp6(&made);
    build_ipv4(&made, 41);
    build_before(&made, "1100 0011 0057 0021");
    build_ethernet(&made, 0x8864);
    CHECK_TEXT(decoded(ETHERNET), INNER6 " [pppoe 17 > 6in4] good");
}

UNIT_TEST(decode_serial_lines)
{
    CHECK_TEXT(behind(104, "0f00 0800"), INNER4 " good");
    CHECK_TEXT(behind(104, "8f00 8035"), "not-ip");
    CHECK_TEXT(behind(205, "01 0f00 0800"), INNER4 " good");
    CHECK_TEXT(behind(107, "1841 03 cc"), INNER4 " good");
    CHECK_TEXT(behind(107, "1841 03 00 80 000000 0800"), INNER4 " good");
    CHECK_TEXT(behind(107, "1841 03 00 80 0080c2 0007 020000000001 020000000002 0800"), INNER4 " good");
    CHECK_TEXT(behind(107, "1841 03 cf 0021"), INNER4 " good");
    CHECK_TEXT(behind(107, "1841 0800"), INNER4 " good");
    CHECK_TEXT(behind(206, "00 1841 03 cc"), INNER4 " good");
    CHECK_TEXT(behind(100, "aaaa03 000000 0800"), INNER4 " good");
    CHECK_TEXT(behind(100, "aaaa03 0080c2 0007 0000 020000000001 020000000002 0800"), INNER4 " good");
    CHECK_TEXT(behind(8, "00 40000000 00000000 00000000 000000"), INNER4 " good");
}

UNIT_TEST(decode_mpls)
{
    CHECK_TEXT(behind(ETHERNET, "020000000001 020000000002 8847 00010040 000640ff 000111ff"), INNER4 " [mpls 17] good");
    CHECK_TEXT(behind(219, "000111ff"), INNER4 " [mpls 17] good");
    /* a pseudowire: with a control word, without, and to an address that begins as IP would */
    CHECK_TEXT(behind(219, "000111ff 00000000 020000000001 020000000002 0800"), INNER4 " [mpls 17] good");
    CHECK_TEXT(behind(219, "000111ff 020000000001 020000000002 0800"), INNER4 " [mpls 17] good");
    CHECK_TEXT(behind(219, "000111ff 460000000001 020000000002 0800"), INNER4 " [mpls 17] good");
    CHECK_TEXT(decoded_hex(219, "000111ff 10000021 00000000 00000000"), "not-ip");
    CHECK_TEXT(decoded_hex(219, "000111ff 4f000014 00000000"), "short ip_header_cut");
}

UNIT_TEST(decode_cooked)
{
    CHECK_TEXT(behind(113, "0000 0001 0006 020000000001 0000 0800"), INNER4 " good");
    CHECK_TEXT(behind(113, "0000 0001 0006 020000000001 0000 8100 0007 0800"), INNER4 " good");
    CHECK_TEXT(behind(113, "0004 0338 0000 0000000000000000 0800"), "not-ip");
    CHECK_TEXT(behind(113, "0004 0302 0000 0000000000000000 0000 1841 03cc"), INNER4 " good");
    CHECK_TEXT(behind(113, "0004 030a 0000 0000000000000000 6558 020000000001 020000000002 0800"), INNER4 " good");
    CHECK_TEXT(behind(276, "0800 0000 00000002 0001 00 06 020000000001 0000"), INNER4 " good");
    CHECK_TEXT(behind(276, "0000 0000 00000002 0321 00 06 020000000001 0000 0802 0000 020000000001 020000000002 020000000003 1000 aaaa03 000000 0800"),
               INNER4 " good");
}

UNIT_TEST(decode_headers_of_systems)
{
    CHECK_TEXT(behind(RAW, ""), INNER4 " good");
    CHECK_TEXT(behind(12, ""), INNER4 " good");
    CHECK_TEXT(behind(228, ""), INNER4 " good");
    CHECK_TEXT(behind(0, "02000000"), INNER4 " good");
    CHECK_TEXT(behind(108, "00000002"), INNER4 " good");
    CHECK_TEXT(behind(0, "07000000"), "not-ip");
    CHECK_TEXT(behind(109, "02000000 00001234 00000000"), INNER4 " good");
    CHECK_TEXT(behind(239, "02 00 0000 0800 0100 08000103 0500 0a00 00000000 3100 0900"), INNER4 " good");
    CHECK_TEXT(behind(239, "02 00 0000 0008 0001 08000103 0031 0009"), INNER4 " good");
    CHECK_TEXT(behind(239, "02 00 0000 0300 0100"), "bad link_header");
    CHECK_TEXT(behind(239, "02 00 0000 0800 0100 00000000 ff00 0900"), "bad link_header");
    CHECK_TEXT(behind(239, "02 00 0000 0800 0100 00000000 ff00 0800"), "short link_header_cut");
    CHECK_TEXT(behind(6, "1040 020000000001 020000000002 aaaa03 000000 0800"), INNER4 " good");
    CHECK_TEXT(behind(6, "1040 020000000001 820000000002 0480 1234 aaaa03 000000 0800"), INNER4 " good");
    CHECK_TEXT(behind(10, "50 020000000001 020000000002 aaaa03 000000 0800"), INNER4 " good");
    CHECK_TEXT(behind(10, "40 020000000001 020000000002 aaaa03 000000 0800"), "not-ip");
}

UNIT_TEST(decode_pflog)
{
    char header[2 * 64 + 1];

    memset(header, '0', sizeof header);
    header[128] = '\0';
    memcpy(header, "3d02", 4); /* 61 bytes, IPv4, filled up to 64 */
    CHECK_TEXT(behind(117, header), INNER4 " good");
    memcpy(header, "0c02", 4);
    CHECK_TEXT(behind(117, header), "bad link_header");
}

/* ---- 802.11 ---- */

#define STATIONS "020000000001 020000000002 020000000003"
#define SNAP "aaaa03 000000 0800"

UNIT_TEST(decode_80211)
{
    CHECK_TEXT(behind(105, "0802 0000" STATIONS "1000" SNAP), INNER4 " good");
    CHECK_TEXT(behind(105, "0803 0000" STATIONS "1000 020000000004" SNAP), INNER4 " good");
    CHECK_TEXT(behind(105, "8801 0000" STATIONS "1000 0000" SNAP), INNER4 " good");
    CHECK_TEXT(behind(105, "8881 0000" STATIONS "1000 0000 00000000" SNAP), INNER4 " good");
    CHECK_TEXT(behind(105, "8802 0000" STATIONS "1000 8000 020000000001 020000000002 0035" SNAP), INNER4 " good");
    CHECK_TEXT(behind(105, "0842 0000" STATIONS "1000" SNAP), "not-ip"); /* encrypted */
    CHECK_TEXT(behind(105, "0806 0000" STATIONS "1000" SNAP), "not-ip"); /* more fragments */
    CHECK_TEXT(behind(105, "0802 0000" STATIONS "1100" SNAP), "not-ip"); /* the second fragment */
    CHECK_TEXT(behind(105, "4802 0000" STATIONS "1000"), "not-ip"); /* without data */
    CHECK_TEXT(behind(105, "8000 0000" STATIONS "1000"), "not-ip"); /* a beacon */
    CHECK_TEXT(behind(105, "0902 0000" STATIONS "1000"), "bad link_header");
}

UNIT_TEST(decode_80211_aggregate)
{
    build_tcp4(&made);
    build_behind(&made, "000000 020000000001 020000000002 0008 aaaa03 000000 0800");
    build_before(&made, "8802 0000" STATIONS "1000 8000 020000000001 020000000002 0035" SNAP);
    CHECK_TEXT(decoded(105), INNER4 " good radio_aggregate");
    CHECK_TEXT(behind(105, "8802 0000" STATIONS "1000 8000 020000000001 020000000002 0500" SNAP), "bad link_header");
}

UNIT_TEST(decode_radio_headers)
{
    CHECK_TEXT(behind(127, "00 00 0900 02000000 00 0802 0000" STATIONS "1000" SNAP), INNER4 " good");
    CHECK_TEXT(behind(127, "00 00 1900 03000080 00000000 00000000 00000000 00000000 10 0802 0000" STATIONS "1000" SNAP), INNER4 " good");
    CHECK_TEXT(behind(127, "00 00 1500 030000a0 00000000 00000000 10 0802 0000" STATIONS "1000" SNAP), "bad link_header");
    CHECK_TEXT(behind(127, "00 00 1100 03000000 0000000000000000 20 8802 0000" STATIONS "1000 0000 0000" SNAP), INNER4 " good");
    CHECK_TEXT(behind(127, "00 00 1900 03000080 00000000 00000000 0000000000000000 20 8802 0000" STATIONS "1000 0000 0000" SNAP),
               INNER4 " good");
    CHECK_TEXT(behind(127, "00 00 0900 02000000 40 0802 0000" STATIONS "1000" SNAP), "not-ip radio_damage");
    CHECK_TEXT(behind(127, "01 00 0900 02000000 00 0802 0000" STATIONS "1000" SNAP), "bad link_header");
    CHECK_TEXT(behind(127, "00 00 0700 02000000 00 0802 0000" STATIONS "1000" SNAP), "bad link_header");
    CHECK_TEXT(behind(163, "80211001 0000000c 00000000 0802 0000" STATIONS "1000" SNAP), INNER4 " good");
    CHECK_TEXT(behind(163, "80211001 00000004 00000000 0802 0000" STATIONS "1000" SNAP), "bad link_header");
    build_tcp4(&made);
    build_before(&made, "0802 0000" STATIONS "1000" SNAP);
    for (int i = 0; i < 36; i++)
        build_before(&made, "00000000");
    CHECK_TEXT(decoded(119), INNER4 " good");
}

/* ---- Juniper ---- */

UNIT_TEST(decode_juniper)
{
    CHECK_TEXT(behind(178, "4d4743 01 020000000001 020000000002 0800"), INNER4 " good");
    CHECK_TEXT(behind(178, "4d4743 81 0006 0104 00000001 020000000001 020000000002 0800"), INNER4 " good");
    CHECK_TEXT(behind(178, "4d4743 02 00000000"), INNER4 " good");
    CHECK_TEXT(behind(178, "4d4744 01 020000000001 020000000002 0800"), "bad link_header");
    CHECK_TEXT(behind(167, "4d4743 01 020000000001 020000000002 8864 1100 0011 002f 0021"), INNER4 " [pppoe 17] good");
    CHECK_TEXT(behind(168, "4d4743 01 0800"), INNER4 " good");
    CHECK_TEXT(behind(179, "4d4743 01 ff03 0021"), INNER4 " good");
    CHECK_TEXT(behind(180, "4d4743 01 1841 03 cc"), INNER4 " good");
    CHECK_TEXT(behind(181, "4d4743 01 0f00 0800"), INNER4 " good");
    CHECK_TEXT(behind(137, "4d4743 01 00000000 aaaa03 000000 0800"), INNER4 " good");
    CHECK_TEXT(behind(137, "4d4743 01 00000000 03 cc"), INNER4 " good");
    CHECK_TEXT(behind(137, "4d4743 01 00000000"), INNER4 " good");
    CHECK_TEXT(behind(137, "4d4743 01 80000000"), "not-ip");
    CHECK_TEXT(behind(135, "4d4743 01 0000000000000000 0021"), INNER4 " good");
    CHECK_TEXT(behind(135, "4d4743 00 0000000100000000 020000000001 020000000002 0800"), INNER4 " good");
    CHECK_TEXT(behind(135, "4d4743 01 0000000000000010"), "not-ip");
    CHECK_TEXT(behind(130, "4d4743 01 0001 0021"), INNER4 " good");
    CHECK_TEXT(behind(130, "4d4743 01 5400 0001 0021"), INNER4 " good");
    CHECK_TEXT(behind(130, "4d4743 01 4700000000000000"), INNER4 " good");
    CHECK_TEXT(behind(130, "4d4743 01 4700000000200000 00010140"), INNER4 " [mpls 16] good");
    CHECK_TEXT(behind(130, "4d4743 01 470000000c000000 0021"), INNER4 " good");
    CHECK_TEXT(behind(131, "4d4743 01 0001 03 cc"), INNER4 " good");
    CHECK_TEXT(behind(134, "4d4743 01 00000001 03 00 cc"), INNER4 " good");
    CHECK_TEXT(behind(134, "4d4743 01 c0000001"), "not-ip");
    CHECK_TEXT(behind(133, "4d4743 01 0000020000000000"), INNER4 " good");
    CHECK_TEXT(behind(164, "4d4743 01 0000000000000000"), INNER4 " good");
    CHECK_TEXT(behind(136, "4d4743 01 0000000000000000"), INNER4 " good");
    CHECK_TEXT(behind(132, "4d4743 01 0001 00 03 00000000 00000000 00000000"), INNER4 " good");
    CHECK_TEXT(behind(200, "4d4743 01"), INNER4 " good");
    CHECK_TEXT(behind(183, "4d4743 01"), INNER4 " good");
}

/* ---- tunnels ---- */

UNIT_TEST(decode_ip_in_ip)
{
    build_tcp4(&made);
    build_ipv4(&made, 4);
    CHECK_TEXT(decoded(RAW), INNER4 " [ipip] good");
    build_tcp6(&made);
    build_ipv4(&made, 41);
    CHECK_TEXT(decoded(RAW), INNER6 " [6in4] good");
    build_tcp4(&made);
    build_ipv6(&made, 4);
    CHECK_TEXT(decoded(RAW), INNER4 " [4in6] good");
    build_tcp6(&made);
    build_ipv6(&made, 41);
    CHECK_TEXT(decoded(RAW), INNER6 " [6in6] good");
    build_tcp6(&made);
    build_at(&made)[24] = 0x20;
    build_at(&made)[25] = 0x02;
    build_ipv4(&made, 41);
    CHECK_TEXT(decoded(RAW), "ip 6 a01:db8::1:4000 > 2002:db8::2:80 5 [6to4] wrong tcp_checksum_wrong");
    /* what cannot be decoded stays a packet of the outer protocol */
    build_tcp6(&made);
    build_ipv4(&made, 4);
    CHECK_TEXT(decoded(RAW), "ip 4 192.0.2.1:0 > 192.0.2.2:0 65 ip_version");
    build_hex(&made, "45000028 0000");
    build_ipv4(&made, 4);
    CHECK_TEXT(decoded(RAW), "ip 4 192.0.2.1:0 > 192.0.2.2:0 6 ip_header_cut");
}

/* IPv4 in GRE in IPv4. */
static const char *in_gre(const char *hex)
{
    build_tcp4(&made);
    build_before(&made, hex);
    build_ipv4(&made, 47);
    return decoded(RAW);
}

UNIT_TEST(decode_gre)
{
    CHECK_TEXT(in_gre("0000 0800"), INNER4 " [gre] good");
    CHECK_TEXT(in_gre("b000 0800 1234 0000 00000007 00000001"), INNER4 " [gre 7] good");
    CHECK_TEXT(in_gre("4000 0800 0000 0000 0800 0004 c0000203 0000 0000"), INNER4 " [gre] good");
    CHECK_TEXT(in_gre("0000 880b ff03 0021"), INNER4 " [gre] good");
    CHECK_TEXT(in_gre("0000 6558 020000000001 020000000002 0800"), INNER4 " [gre] good");
    CHECK_TEXT(in_gre("0000 8847 000111ff"), INNER4 " [gre > mpls 17] good");
    CHECK_TEXT(in_gre("0000 883e"), INNER4 " [gre] good");
    CHECK_TEXT(in_gre("0000 883e 00010203"), INNER4 " [gre] good");
    CHECK_TEXT(in_gre("0000 8200 0802 0000" STATIONS "1000" SNAP), INNER4 " [gre] good");
    CHECK_TEXT(in_gre("3081 880b 002f 0009 00000001 00000002 0021"), INNER4 " [pptp 9] good");
    CHECK_TEXT(in_gre("0000 9999"), "ip 47 192.0.2.1:0 > 192.0.2.2:0 49");
    CHECK_TEXT(in_gre("0002 0800"), "ip 47 192.0.2.1:0 > 192.0.2.2:0 49 gre_version");
    CHECK_TEXT(in_gre("0008 0800"), "ip 47 192.0.2.1:0 > 192.0.2.2:0 49 gre_header");
    CHECK_TEXT(in_gre("2001 0800 002d 0009"), "ip 47 192.0.2.1:0 > 192.0.2.2:0 53 gre_header");
    CHECK_TEXT(in_gre("2001 880b ff00 0009 0021"), "ip 47 192.0.2.1:0 > 192.0.2.2:0 55 gre_header");
    build_hex(&made, "2000 0800 0000");
    build_ipv4(&made, 47);
    CHECK_TEXT(decoded(RAW), "ip 47 192.0.2.1:0 > 192.0.2.2:0 6 gre_header");
    build_hex(&made, "0000 0000");
    build_ipv4(&made, 47);
    CHECK_TEXT(decoded(RAW), "ip 47 192.0.2.1:0 > 192.0.2.2:0 4");
}

UNIT_TEST(decode_erspan)
{
    CHECK_TEXT(in_gre("0000 88be 020000000001 020000000002 0800"), INNER4 " [erspan] good");
    CHECK_TEXT(in_gre("1000 88be 00000001 1007 0005 00000000 020000000001 020000000002 0800"), INNER4 " [erspan 5] good");
    CHECK_TEXT(in_gre("1000 22eb 00000001 2007 0006 00000000 0000 0000 020000000001 020000000002 0800"), INNER4 " [erspan 6] good");
    CHECK_TEXT(in_gre("1000 22eb 00000001 2007 0006 00000000 0000 0001 0000000000000000 020000000001 020000000002 0800"), INNER4 " [erspan 6] good");
    CHECK_TEXT(in_gre("1000 22eb 00000001 2007 0006 00000000 0000 0800"), INNER4 " [erspan 6] good");
    CHECK_TEXT(in_gre("1000 88be 00000001 2007 0005 00000000 020000000001 020000000002 0800"), "ip 47 192.0.2.1:0 > 192.0.2.2:0 75 erspan");
}

/* IPv4 over UDP in IPv4. */
static const char *in_udp(uint16_t port, const char *hex)
{
    build_tcp4(&made);
    build_before(&made, hex);
    build_udp(&made, port);
    build_ipv4(&made, 17);
    return decoded(RAW);
}

UNIT_TEST(decode_udp_tunnels)
{
    CHECK_TEXT(in_udp(4789, "08000000 00002a00 020000000001 020000000002 0800"), INNER4 " [vxlan 42] good");
    CHECK_TEXT(in_udp(8472, "08000000 00002a00 020000000001 020000000002 8100 0007 0800"), INNER4 " [vxlan 42] good");
    CHECK_TEXT(in_udp(4790, "0c000001 00002a00"), INNER4 " [vxlan 42] good");
    CHECK_TEXT(in_udp(6081, "0000 0800 00002a00"), INNER4 " [geneve 42] good");
    CHECK_TEXT(in_udp(6081, "0240 6558 00002a00 0102 8001 01020304 020000000001 020000000002 0800"), INNER4 " [geneve 42] good");
    CHECK_TEXT(in_udp(2152, "30 ff 002d 00000009"), INNER4 " [gtp 9] good");
    CHECK_TEXT(in_udp(2152, "34 ff 0035 00000009 0000 00 85 01 0001 00"), INNER4 " [gtp 9] good");
    CHECK_TEXT(in_udp(4754, "2000 0800 00000009"), INNER4 " [gre 9] good");
    build_tcp6(&made);
    build_before(&made, "0001 0101 aa bb 0102030405060708 00 0000 1234 c0000201");
    build_udp(&made, 3544);
    build_ipv4(&made, 17);
    CHECK_TEXT(decoded(RAW), INNER6 " [teredo] good");
    build_tcp6(&made);
    build_udp(&made, 3544);
    build_ipv4(&made, 17);
    CHECK_TEXT(decoded(RAW), INNER6 " [teredo] good");
}

UNIT_TEST(decode_udp_tunnels_that_do_not_fit_are_plain_udp)
{
    /* no VNI, GENEVE's version 1, GTP', no T-PDU, a length beyond the datagram, an extension of no length */
    CHECK_TEXT(in_udp(4789, "00000000 00002a00 020000000001 020000000002 0800"), "ip 17 192.0.2.1:5000 > 192.0.2.2:4789 67");
    CHECK_TEXT(in_udp(6081, "4000 0800 00002a00"), "ip 17 192.0.2.1:5000 > 192.0.2.2:6081 53");
    CHECK_TEXT(in_udp(2152, "20 ff 002d 00000009"), "ip 17 192.0.2.1:5000 > 192.0.2.2:2152 53");
    CHECK_TEXT(in_udp(2152, "30 01 002d 00000009"), "ip 17 192.0.2.1:5000 > 192.0.2.2:2152 53");
    CHECK_TEXT(in_udp(2152, "30 ff 002e 00000009"), "ip 17 192.0.2.1:5000 > 192.0.2.2:2152 53");
    CHECK_TEXT(in_udp(2152, "34 ff 0035 00000009 0000 00 85 00 0001 00"), "ip 17 192.0.2.1:5000 > 192.0.2.2:2152 61");
    /* an inner packet that contradicts itself: too long, a wrong checksum, nothing known inside */
    build_tcp4(&made);
    build_at(&made)[3]++;
    build_repair_ipv4(build_at(&made), 20);
    build_before(&made, "0000 0800 00002a00");
    build_udp(&made, 6081);
    build_ipv4(&made, 17);
    CHECK_TEXT(decoded(RAW), "ip 17 192.0.2.1:5000 > 192.0.2.2:6081 53");
    build_tcp4(&made);
    build_at(&made)[8]--;
    build_before(&made, "0000 0800 00002a00");
    build_udp(&made, 6081);
    build_ipv4(&made, 17);
    CHECK_TEXT(decoded(RAW), "ip 17 192.0.2.1:5000 > 192.0.2.2:6081 53");
    build_tcp6(&made);
    build_at(&made)[6] = 200;
    build_udp(&made, 3544);
    build_ipv4(&made, 17);
    CHECK_TEXT(decoded(RAW), "ip 17 192.0.2.1:5000 > 192.0.2.2:3544 65");
}

UNIT_TEST(decode_tunnels_up_to_a_limit)
{
    build_tcp4(&made);
    for (unsigned i = 0; i < TUNNEL_LAYERS; i++)
        build_ipv4(&made, 4);
    CHECK_TEXT(decoded(RAW), INNER4 " [ipip > ipip > ipip > ipip > ipip > ipip > ipip > ipip] good");
    build_ipv4(&made, 4);
    CHECK_TEXT(decoded(RAW), "ip 4 192.0.2.1:0 > 192.0.2.2:0 45 [ipip > ipip > ipip > ipip > ipip > ipip > ipip > ipip] tunnel_limit");
    build_tcp4(&made);
    for (unsigned i = 0; i <= TUNNEL_LAYERS; i++) {
        build_before(&made, "0000 0800 00002a00");
        build_udp(&made, 6081);
        build_ipv4(&made, 17);
    }
    CHECK(strstr(decoded(RAW), "ip 17 192.0.2.1:5000 > 192.0.2.2:6081 53 [geneve 42 > ") != NULL);
    CHECK(strstr(story.at, "] tunnel_limit") != NULL);
}

UNIT_TEST(decode_other_nesting_up_to_a_limit)
{
    build_tcp4(&made);
    build_before(&made, "000111ff");
    for (int i = 0; i < TUNNEL_LAYERS; i++)
        build_before(&made, "000111ff 00000000 020000000001 020000000002 8847");
    CHECK_TEXT(decoded(219), "not-ip tunnel_limit");
    for (int tags = 8; tags <= 9; tags++) {
        build_tcp4(&made);
        build_before(&made, "0007 0800");
        for (int i = 1; i < tags; i++)
            build_before(&made, "0007 8100");
        build_before(&made, "020000000001 020000000002 8100");
        CHECK_TEXT(decoded(ETHERNET), tags == 8 ? INNER4 " good" : "bad vlan_limit");
    }
    build_tcp4(&made);
    build_before(&made, "000111ff");
    for (int i = 0; i < 16; i++)
        build_before(&made, "000110ff");
    CHECK_TEXT(decoded(219), "bad mpls_limit");
    build_tcp4(&made);
    for (int i = 0; i < 60; i++)
        build_before(&made, "8100 0007 0035 aaaa03 000000");
    build_before(&made, "020000000001 020000000002 0035 aaaa03 000000");
    CHECK_TEXT(decoded(ETHERNET), "bad layer_limit");
    build_tcp4(&made);
    for (int i = 0; i < 60; i++)
        build_before(&made, "3d c0000000");
    CHECK_TEXT(decoded(9), "bad layer_limit");
}

/* ---- IP ---- */

UNIT_TEST(decode_ipv4_headers)
{
    CHECK_TEXT(decoded_hex(RAW, "35000014 00000000 40060000 c0000201 c0000202"), "bad ip_version");
    CHECK_TEXT(decoded_hex(RAW, ""), "short ip_header_cut");
    CHECK_TEXT(decoded_hex(RAW, "44000014 00000000 40060000 c0000201 c0000202"), "bad ipv4_header_length");
    CHECK_TEXT(decoded_hex(RAW, "46000014 00000000 40060000 c0000201 c0000202"), "bad ipv4_header_length");
    build_tcp4(&made);
    build_at(&made)[3]++;
    build_repair_ipv4(build_at(&made), 20);
    CHECK_TEXT(decoded(RAW), "ip 6 10.0.2.1:4000 > 10.0.2.2:80 6 ipv4_total_length");
    build_hex(&made, "68656c6c6f");
    build_ipv4(&made, 17);
    build_at(&made)[6] = 0x20;
    build_repair_ipv4(build_at(&made), 20);
    CHECK_TEXT(decoded(RAW), "ip 17 192.0.2.1 > 192.0.2.2 fragment");
}

UNIT_TEST(decode_a_fragment_inside_of_a_tunnel_ends_there)
{
    build_hex(&made, "68656c6c6f");
    build_ipv4(&made, 17);
    build_at(&made)[6] = 0x20;
    build_repair_ipv4(build_at(&made), 20);
    build_before(&made, "2000 0800 00000007");
    build_ipv4(&made, 47);
    CHECK_TEXT(decoded(RAW), "ip 17 192.0.2.1 > 192.0.2.2 fragment [gre 7]");
}

UNIT_TEST(decode_a_datagram_goes_on_into_tunnels)
{
    struct packet packet = {.wire_length = 1};

    CHECK(tunnel_push(&packet.tunnel, TUNNEL_VXLAN, 42));
    build_tcp4(&made);
    build_before(&made, "2000 0800 00000007");
    build_ipv4(&made, 47);
    build_at(&made)[10] = 0; /* the header of a datagram that was put together has no checksum */
    build_at(&made)[11] = 0;
    packet.decoded = (uint8_t)decode_ip(&packet, bytes_of(build_at(&made), made.length));
    CHECK_TEXT(tell(&packet), INNER4 " [vxlan 42 > gre 7] good");
}

/* The TCP segment of INNER6 behind these extension headers, of which the first is of type `first`. */
static const char *behind_extensions(uint8_t first, const char *hex)
{
    static uint8_t addresses[32];

    build_tcp6(&made);
    memcpy(addresses, build_at(&made) + 8, 32);
    made.length -= 40;
    build_before(&made, hex);
    build_ipv6(&made, first);
    memcpy(build_at(&made) + 8, addresses, 32);
    return decoded(RAW);
}

UNIT_TEST(decode_ipv6_extensions)
{
    CHECK_TEXT(behind_extensions(0, "0600 0104 00000000"), INNER6 " good");
    CHECK_TEXT(behind_extensions(0, "3c00 0104 00000000 2b00 0104 00000000 0600 0000 00000000"), INNER6 " good");
    CHECK_TEXT(behind_extensions(44, "0600 0000 00000001"), INNER6 " good");
    CHECK_TEXT(behind_extensions(44, "0600 0001 00000001"), "ip 6 a01:db8::1 > a01:db8::2 fragment");
    CHECK_TEXT(behind_extensions(51, "0604 0000 00001234 00000001 000000000000000000000000"), INNER6 " good");
    CHECK_TEXT(behind_extensions(51, "0600 0000 00001234"), "bad ah ipv6_extension");
    CHECK_TEXT(behind_extensions(139, "0600 0000 00000000"), INNER6 " good");
    CHECK_TEXT(behind_extensions(140, "0600 0000 00000000"), INNER6 " good");
    CHECK_TEXT(behind_extensions(60, "06ff 0104 00000000"), "bad ipv6_extension");
    CHECK_TEXT(behind_extensions(59, ""), "ip 59 a01:db8::1:0 > a01:db8::2:0 25");
    build_tcp6(&made);
    made.length -= 40;
    build_before(&made, "0600 0104 00000000");
    for (int i = 0; i < 16; i++)
        build_before(&made, "3c00 0104 00000000");
    build_ipv6(&made, 60);
    CHECK_TEXT(decoded(RAW), "bad ipv6_extension_limit");
}

/* The pseudo-header has the addresses of the packet's ends, not those of its way. */
UNIT_TEST(decode_ipv6_checksums_of_packets_on_their_way)
{
    const char *const there = "0a010db8000000000000000000000002";
    char header[128];

    snprintf(header, sizeof header, "0602 0001 00000000 %s", there);
    behind_extensions(43, header);
    build_at(&made)[39] = 9;
    CHECK_TEXT(decoded(RAW), "ip 6 a01:db8::1:4000 > a01:db8::9:80 5 good");
    snprintf(header, sizeof header, "0604 0002 00000000 0a010db8000000000000000000000008 %s", there);
    behind_extensions(43, header);
    build_at(&made)[39] = 9;
    CHECK_TEXT(decoded(RAW), "ip 6 a01:db8::1:4000 > a01:db8::9:80 5 good");
    snprintf(header, sizeof header, "0604 0401 01000000 %s 0a010db8000000000000000000000009", there);
    behind_extensions(43, header);
    build_at(&made)[39] = 9;
    CHECK_TEXT(decoded(RAW), "ip 6 a01:db8::1:4000 > a01:db8::9:80 5 good");
    behind_extensions(43, "0602 0901 00000000 0a010db8000000000000000000000008");
    CHECK_TEXT(decoded(RAW), "ip 6 a01:db8::1:4000 > a01:db8::2:80 5");
    behind_extensions(60, "0602 0102 0000 c910 0a010db8000000000000000000000001");
    build_at(&made)[23] = 7;
    CHECK_TEXT(decoded(RAW), "ip 6 a01:db8::7:4000 > a01:db8::2:80 5 good");
}

UNIT_TEST(decode_ipv6_lengths)
{
    build_tcp6(&made);
    build_at(&made)[5]++;
    CHECK_TEXT(decoded(RAW), "ip 6 a01:db8::1:4000 > a01:db8::2:80 6 ipv6_length");
    build_tcp6(&made);
    build_at(&made)[5] = 0; /* segmentation offload */
    CHECK_TEXT(decoded(RAW), INNER6 " good");
    /* a jumbogram that the capture cut; one that needs no jumbo length; one that has two lengths */
    behind_extensions(0, "0600 c204 00011170");
    build_at(&made)[5] = 0;
    CHECK_TEXT(decoded(RAW), "ip 6 a01:db8::1:4000 > a01:db8::2:80 69972 ipv6_length");
    behind_extensions(0, "0600 c204 00001170");
    build_at(&made)[5] = 0;
    CHECK_TEXT(decoded(RAW), INNER6 " good ipv6_length");
    CHECK_TEXT(behind_extensions(0, "0600 c204 00011170"), INNER6 " good ipv6_length");
}

UNIT_TEST(decode_authentication_header)
{
    build_tcp4(&made);
    memmove(made.bytes + BUILD_MOST - 25 - 24 - 20, made.bytes + BUILD_MOST - 45, 20);
    made.length = 45 + 24;
    build_at(&made)[9] = 51;
    build_at(&made)[3] = 69;
    build_repair_ipv4(build_at(&made), 20);
    memcpy(build_at(&made) + 20, "\x06\x04\0\0\0\0\x12\x34\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0", 24);
    CHECK_TEXT(decoded(RAW), INNER4 " good");
    build_at(&made)[21] = 0;
    CHECK_TEXT(decoded(RAW), "ip 51 10.0.2.1:0 > 10.0.2.2:0 49 ah");
    build_at(&made)[21] = 200;
    CHECK_TEXT(decoded(RAW), "ip 51 10.0.2.1:0 > 10.0.2.2:0 49 ah");
}

/* ---- transport ---- */

static const char *in_ipv4(uint8_t protocol, const char *hex)
{
    build_hex(&made, hex);
    build_ipv4(&made, protocol);
    return decoded(RAW);
}

UNIT_TEST(decode_transport_headers)
{
    CHECK_TEXT(in_ipv4(6, "0fa0 0050 00000001 00000002 4018 ffff 0000 0000"), "bad tcp_header_length");
    CHECK_TEXT(in_ipv4(6, "0fa0 0050 00000001 00000002 f018 ffff 0000 0000"), "bad tcp_header_length");
    CHECK_TEXT(in_ipv4(6, "0fa0 0050"), "bad tcp_header_length");
    CHECK_TEXT(in_ipv4(17, "0fa0 0050 0007 0000"), "bad udp_length");
    CHECK_TEXT(in_ipv4(17, "0fa0 0050 0009 0000"), "ip 17 192.0.2.1:4000 > 192.0.2.2:80 0 udp_length");
    CHECK_TEXT(in_ipv4(17, "0fa0 0050 0009 0000 41 4242"), "ip 17 192.0.2.1:4000 > 192.0.2.2:80 1");
    CHECK_TEXT(in_ipv4(17, "0fa0 0050 00"), "bad transport_short");
    CHECK_TEXT(in_ipv4(132, "0fa0 0050 00000000 00000000"), "ip 132 192.0.2.1:4000 > 192.0.2.2:80 0");
    CHECK_TEXT(in_ipv4(136, "0fa0 0050 0007 0000"), "bad udp_length");
    in_ipv4(6, "0fa0 0050 00000001 00000002 5018 ffff 0000 0000");
    {
        struct packet packet = decode_part(RAW, made.length - 1);

        CHECK_TEXT(tell(&packet), "short frame_cut transport_header_cut");
    }
}

static uint8_t *transport(size_t length)
{
    return made.bytes + BUILD_MOST - length;
}

UNIT_TEST(decode_checksums_of_tcp)
{
    build_tcp4(&made);
    transport(25)[16] ^= 1;
    CHECK_TEXT(decoded(RAW), INNER4 " wrong tcp_checksum_wrong");
    memset(transport(25) + 16, 0, 2);
    CHECK_TEXT(decoded(RAW), INNER4 " offloaded tcp_checksum_offloaded");
    for (unsigned length = 0; length <= 25; length += 25) { /* the pseudo-header's sum, without the length and with it */
        uint16_t sum = build_sum(build_at(&made) + 12, 8, 6 + length);

        transport(25)[16] = (uint8_t)(sum >> 8);
        transport(25)[17] = (uint8_t)sum;
        CHECK_TEXT(decoded(RAW), INNER4 " offloaded tcp_checksum_offloaded");
    }
    build_tcp4(&made);
    build_at(&made)[8]--;
    CHECK_TEXT(decoded(RAW), INNER4 " wrong ipv4_checksum_wrong");
    memset(build_at(&made) + 10, 0, 2);
    CHECK_TEXT(decoded(RAW), INNER4 " offloaded ipv4_checksum_offloaded");
    build_tcp6(&made);
    transport(25)[20] ^= 1;
    CHECK_TEXT(decoded(RAW), INNER6 " wrong tcp_checksum_wrong");
}

UNIT_TEST(decode_checksums_of_datagrams)
{
    CHECK_TEXT(in_ipv4(17, "0fa0 0050 000a 6aef 4142"), "ip 17 192.0.2.1:4000 > 192.0.2.2:80 2 wrong udp_checksum_wrong");
    {
        uint16_t sum;

        memset(transport(10) + 6, 0, 2);
        sum = (uint16_t)~build_sum(build_at(&made) + 12, 18, 17 + 10);
        transport(10)[6] = (uint8_t)(sum >> 8);
        transport(10)[7] = (uint8_t)sum;
        CHECK_TEXT(decoded(RAW), "ip 17 192.0.2.1:4000 > 192.0.2.2:80 2 good");
        sum = build_sum(build_at(&made) + 12, 8, 17 + 10);
        transport(10)[6] = (uint8_t)(sum >> 8);
        transport(10)[7] = (uint8_t)sum;
        CHECK_TEXT(decoded(RAW), "ip 17 192.0.2.1:4000 > 192.0.2.2:80 2 offloaded udp_checksum_offloaded");
    }
    build_hex(&made, "0fa0 0050 000a 0000 4142");
    build_ipv6(&made, 17);
    CHECK_TEXT(decoded(RAW), "ip 17 2001:db8::1:4000 > 2001:db8::2:80 2 offloaded udp_checksum_offloaded");
    /* UDP-Lite covers its header alone */
    CHECK_TEXT(in_ipv4(136, "0fa0 0050 0008 0000 4142"), "ip 136 192.0.2.1:4000 > 192.0.2.2:80 2 offloaded udp_checksum_offloaded");
    CHECK_TEXT(in_ipv4(1, "0800 f7fe 0000 0001"), "ip 1 192.0.2.1:8 > 192.0.2.2:0 4 good");
    CHECK_TEXT(in_ipv4(1, "0800 f7ff 0000 0001"), "ip 1 192.0.2.1:8 > 192.0.2.2:0 4 wrong icmp_checksum_wrong");
    build_hex(&made, "8000 1234 0000 0001");
    build_ipv6(&made, 58);
    CHECK_TEXT(decoded(RAW), "ip 58 2001:db8::1:128 > 2001:db8::2:0 4 wrong icmp6_checksum_wrong");
    memset(transport(8) + 2, 0, 2);
    CHECK_TEXT(decoded(RAW), "ip 58 2001:db8::1:128 > 2001:db8::2:0 4 offloaded icmp6_checksum_offloaded");
}

/* The fast sum and the plain one, for every length and alignment that the loop treats apart. */
UNIT_TEST(decode_checksums_of_every_length)
{
    for (size_t length = 0; length < 140; length++) {
        uint16_t sum;

        made.length = 0;
        for (size_t i = 0; i < length; i++)
            build_before(&made, i % 3 == 0 ? "ff" : i % 3 == 1 ? "fe" : "07");
        build_udp(&made, 9);
        build_ipv4(&made, 17);
        sum = (uint16_t)~build_sum(build_at(&made) + 12, length + 16, (uint32_t)(17 + 8 + length));
        transport(length + 8)[6] = (uint8_t)(sum >> 8);
        transport(length + 8)[7] = (uint8_t)sum;
        CHECK(decode_part(RAW, made.length).checksum == CHECKSUM_GOOD);
    }
}

UNIT_TEST(decode_checksums_of_what_is_not_whole_are_not_judged)
{
    struct packet packet;

    build_tcp4(&made);
    packet = decode_part(RAW, made.length - 1);
    CHECK_TEXT(tell(&packet), INNER4 " frame_cut");
}

UNIT_TEST(decode_source_routes_leave_the_checksum_open)
{
    build_tcp4(&made);
    memmove(made.bytes + BUILD_MOST - 25 - 8 - 20, made.bytes + BUILD_MOST - 45, 20);
    made.length = 45 + 8;
    build_at(&made)[0] = 0x47;
    build_at(&made)[3] = 53;
    memcpy(build_at(&made) + 20, "\x83\x07\x04\x0a\0\0\1\0", 8);
    build_repair_ipv4(build_at(&made), 28);
    CHECK_TEXT(decoded(RAW), INNER4);
    build_at(&made)[22] = 8; /* the last station was passed */
    build_repair_ipv4(build_at(&made), 28);
    CHECK_TEXT(decoded(RAW), INNER4 " good");
}

/* ---- counting ---- */

static unsigned rows;

static void on_row(void *context, const struct record_table *table, const void *record)
{
    (void)context;
    CHECK(table == &anomaly_table);
    for (size_t i = 0; i < table->column_count; i++) {
        const uint8_t *member = (const uint8_t *)record + table->columns[i].offset;

        if (strcmp(table->columns[i].name, "packets") == 0)
            CHECK(((const struct record_integer *)(const void *)member)->value == 2);
        if (strcmp(table->columns[i].name, "first_us") == 0)
            CHECK(((const struct record_integer *)(const void *)member)->value == 100);
    }
    rows++;
}

UNIT_TEST(decode_anomalies_are_counted_by_kind)
{
    struct anomaly_counts counts = {.packets = {0}};
    struct packet packet = {.time_us = 100};

    anomaly_count(&counts, &packet);
    packet_note(&packet, ANOMALY_FRAME_CUT);
    packet_note(&packet, ANOMALY_ICMP6_CHECKSUM_OFFLOADED);
    anomaly_count(&counts, &packet);
    packet.time_us = 200;
    anomaly_count(&counts, &packet);
    rows = 0;
    anomaly_write(&counts, 1, NULL, on_row);
    CHECK(rows == 2);
}

UNIT_TEST(decode_unknown_link_types_are_counted)
{
    CHECK_TEXT(decoded_hex(147, "0102"), "link-type link_type");
    CHECK_TEXT(decoded_hex(ETHERNET, "020000000001"), "short link_header_cut");
}

UNIT_TEST(tunnel_paths_as_text)
{
    struct tunnel_path path = {.count = 0};
    char text[TUNNEL_TEXT_SIZE];

    CHECK(tunnel_to_text(&path, text) == 0);
    CHECK_TEXT(text, "");
    for (unsigned i = 0; i < TUNNEL_LAYERS; i++)
        CHECK(tunnel_push(&path, TUNNEL_GENEVE, UINT32_MAX));
    CHECK(!tunnel_push(&path, TUNNEL_GRE, 0));
    CHECK(tunnel_to_text(&path, text) == strlen(text));
    CHECK(strlen(text) == TUNNEL_LAYERS * strlen("geneve 4294967295") + (TUNNEL_LAYERS - 1) * 3);
}

/* A TCP packet whose options are these. */
static struct tcp_options options_of(const char *hex)
{
    struct packet packet = {.wire_length = 1};
    size_t length;

    build_hex(&made, hex);
    length = made.length;
    build_before(&made, "0fa0 0050 00000001 00000002 0010 ffff 0000 0000");
    build_at(&made)[12] = (uint8_t)((20 + length) / 4 << 4);
    build_ipv4(&made, 6);
    CHECK(decode_ip(&packet, bytes_of(build_at(&made), made.length)) == DECODED);
    return packet.options;
}

UNIT_TEST(decode_reads_the_options_of_tcp)
{
    struct tcp_options options = options_of("0101080a 12345678 00000000"); /* as nearly all write it */

    CHECK(options.has_timestamp && options.timestamp == 0x12345678 && !options.has_shift);
    options = options_of("020405b4 0402 080a 00000007 00000000 01 030307");
    CHECK(options.has_timestamp && options.timestamp == 7 && options.has_shift && options.shift == 7);
    options = options_of("03030f 00 080a0000");
    CHECK(options.has_shift && options.shift == 14 && !options.has_timestamp); /* more than there may be; an end */
    options = options_of("0300 030307 01 0101");
    CHECK(!options.has_shift);
    options = options_of("080a 0000");
    CHECK(!options.has_timestamp);
}

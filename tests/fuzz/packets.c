/*
 * packets.c - frames of every link type through the decoder; fragments through their reassembly.
 *
 * decode: a byte that chooses the link type, then the frame. fragments: a byte for the policy, then steps of 6 bytes (odd, identification, offset / 8,
 * length / 8, more fragments, tenths of a second), each a fragment of one of four datagrams.
 */
#include "base/cursor.h"
#include "base/memory.h"
#include "capture/capture.h"
#include "capture/fragments.h"
#include "tests/fuzz/fuzz.h"

#include <pcap/pcap.h>
#include <stdlib.h>

static const int link_types[] = {
    DLT_EN10MB,         DLT_RAW,         DLT_NULL,      DLT_LINUX_SLL,   276,           DLT_PPP,          DLT_PPP_SERIAL,   DLT_PPP_ETHER,     DLT_PPP_WITH_DIR,
    DLT_C_HDLC,         DLT_FRELAY,      DLT_MPLS,      DLT_ATM_RFC1483, DLT_SLIP,      DLT_IEEE802_11,   DLT_IEEE802_11_RADIO, DLT_PRISM_HEADER, DLT_IEEE802_11_RADIO_AVS,
    DLT_IEEE802,        DLT_FDDI,        DLT_ENC,       DLT_PFLOG,       DLT_NFLOG,     DLT_JUNIPER_ETHER, DLT_JUNIPER_PPP, DLT_JUNIPER_PPPOE, DLT_JUNIPER_MLPPP,
    DLT_JUNIPER_MLFR,   DLT_JUNIPER_ATM1, DLT_JUNIPER_ATM2, DLT_JUNIPER_CHDLC, DLT_JUNIPER_FRELAY, DLT_JUNIPER_GGSN, DLT_JUNIPER_MONITOR, DLT_JUNIPER_SERVICES,
    DLT_JUNIPER_ES,     DLT_JUNIPER_VP,  DLT_LOOP,      228,             229,           101,              12,               999,
};

/* `part` lies inside `whole`, or is empty. */
static void check_inside(struct bytes part, struct bytes whole)
{
    ALWAYS(part.length == 0 || (part.at >= whole.at && part.at + part.length <= whole.at + whole.length));
}

static void check_packet(const struct packet *packet, struct bytes whole)
{
    struct tunnel_path path = packet->tunnel;

    ALWAYS(path.count <= TUNNEL_LAYERS);
    check_inside(packet->ip, whole);
    check_inside(packet->network_payload, whole);
    ALWAYS(packet->network_payload.length <= packet->network_payload_length);
    if (!packet->has_transport)
        return;
    ALWAYS(!packet->is_fragment);
    check_inside(packet->payload, whole);
    ALWAYS(packet->payload.length <= packet->payload_length);
    ALWAYS(packet->payload_length <= packet->network_payload_length);
}

void fuzz_decode(struct bytes input)
{
    struct cursor cursor = cursor_over(input);
    uint8_t choice = take_u8(&cursor);
    struct bytes frame = peek_bytes(&cursor);
    struct packet packet = {.frame = frame, .wire_length = (uint32_t)frame.length + (choice >> 7)};

    if (!cursor_is_good(&cursor))
        return;
    if (decode_frame(&packet, link_types[(choice & 0x7f) % (sizeof link_types / sizeof link_types[0])]) == DECODED)
        check_packet(&packet, frame);
    packet = (struct packet){.frame = frame, .wire_length = (uint32_t)frame.length};
    if (decode_ip(&packet, frame) == DECODED)
        check_packet(&packet, frame);
}

/* A fragment of one of four datagrams; bit 7 of `odd` makes it IPv6, bit 6 changes its bytes. */
static struct packet make_fragment(struct cursor *input, int64_t *clock_us, uint8_t payload[8 * 256])
{
    uint8_t odd = take_u8(input);
    uint8_t id = take_u8(input) & 3;
    uint32_t offset = take_u8(input) * ((odd & 1) != 0 ? 256u : 8u);
    uint32_t length = take_u8(input) * 8u + (odd >> 4 & 3);
    bool has_more = (take_u8(input) & 1) != 0;
    static const uint8_t addresses[2][16] = {{10, 0, 0, 1}, {10, 0, 0, 2}};
    struct packet packet = {.is_fragment = true, .decoded = DECODED, .protocol = 17, .fragment_id = id, .has_more_fragments = has_more, .capture_id = 1};

    *clock_us += (int64_t)take_u8(input) * 100000;
    packet.clock_us = *clock_us;
    packet.source = (odd & 128) != 0 ? address_from_ipv6(addresses[0]) : address_from_ipv4(addresses[0]);
    packet.destination = (odd & 128) != 0 ? address_from_ipv6(addresses[1]) : address_from_ipv4(addresses[1]);
    packet.fragment_offset = (uint16_t)(offset & 0xfff8);
    for (uint32_t i = 0; i < length; i++)
        payload[i] = (uint8_t)((odd & 64) != 0 ? 0xee : offset + i);
    packet.network_payload = bytes_of(payload, (odd & 8) != 0 ? length / 2 : length);
    packet.network_payload_length = length;
    return packet;
}

void fuzz_fragments(struct bytes input)
{
    struct cursor cursor = cursor_over(input);
    size_t before = memory_in_use();
    struct fragments *fragments = fragments_new((enum overlap_policy)(take_u8(&cursor) % OVERLAP_POLICIES));
    int64_t clock_us = 1700000000000000;
    uint8_t payload[8 * 256];

    ALWAYS(fragments != NULL);
    while (cursor_left(&cursor) >= 6) {
        struct packet packet = make_fragment(&cursor, &clock_us, payload);
        struct fragment_report report = fragments_add(fragments, &packet);

        if (!report.is_whole)
            continue;
        ALWAYS(report.whole.bytes.length <= 40 + 65535 && report.whole.place_count > 0);
        ALWAYS(report.whole.places != NULL);
        packet.frame = report.whole.bytes;
        if (decode_ip(&packet, report.whole.bytes) == DECODED)
            check_packet(&packet, report.whole.bytes);
    }
    fragments_free(fragments);
    ALWAYS(memory_in_use() == before);
}

/*
 * packets.c - frames of every link type through the decoder; fragments through their reassembly.
 *
 * decode: a byte that chooses the link type, then the frame. fragments: steps of 6 bytes (odd, identification, offset / 8,
 * length / 8, more fragments and version, milliseconds) that are made fragments of two datagrams' worth of bytes.
 */
#include "base/cursor.h"
#include "base/memory.h"
#include "capture/capture.h"
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

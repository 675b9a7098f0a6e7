/*
 * decode.h - what the files that decode packets share; private to them.
 *
 *     link.c      link headers, PPP, MPLS, PPPoE, 802.1ah         -> decode_ip_layer
 *     wireless.c  802.11, with and without radio headers          -> link.c
 *     juniper.c   the headers that Juniper's routers put before   -> link.c
 *     decode.c    IPv4, IPv6, transport                           -> tunnel.c
 *     tunnel.c    GRE, IP in IP, VXLAN, GENEVE, GTP-U, Teredo     -> link.c, decode.c
 *     checksum.c  RFC 1071
 *
 * Each decode_ function reads the header that the cursor stands before and hands on. Whoever can be reached from
 * within itself counts a layer (decoder_enter), so that no frame makes the stack grow beyond LAYER_LIMIT.
 */
#ifndef WIRESCRIBE_CAPTURE_DECODE_H
#define WIRESCRIBE_CAPTURE_DECODE_H

#include "base/cursor.h"
#include "capture/anomaly.h"
#include "capture/capture.h"

/* Most headers inside each other; VLAN tags, MPLS labels and IPv6 extensions have limits of their own. */
#define LAYER_LIMIT 40
#define VLAN_LIMIT 8
#define MPLS_LIMIT 16
#define EXTENSION_LIMIT 16
/* Source route entries of one GRE header, extension headers of one GTP-U header, options of one IP header. */
#define GRE_ROUTE_LIMIT 16
#define GTP_EXTENSION_LIMIT 8
#define OPTION_LIMIT 64

enum ethertype {
    ETHERTYPE_LENGTH_MOST = 1500, /* up to here the field is an 802.3 length */
    ETHERTYPE_IPV4 = 0x0800,
    ETHERTYPE_BRIDGED = 0x6558, /* transparent Ethernet bridging */
    ETHERTYPE_VLAN = 0x8100,
    ETHERTYPE_IPV6 = 0x86dd,
    ETHERTYPE_PPP = 0x880b,
    ETHERTYPE_MPLS = 0x8847,
    ETHERTYPE_MPLS_UPSTREAM = 0x8848, /* RFC 5332 */
    ETHERTYPE_PPPOE_SESSION = 0x8864,
    ETHERTYPE_QINQ = 0x88a8,
    ETHERTYPE_PBB = 0x88e7,
    ETHERTYPE_VNTAG = 0x8926,
    ETHERTYPE_NSH = 0x894f,
    ETHERTYPE_QINQ_OLD = 0x9100,
    ETHERTYPE_QINQ_OLDER = 0x9200,
};

/* An address that stands for another one in the checksum's pseudo-header. */
struct pseudo_address {
    bool is_set;
    struct address address;
};

struct decoder {
    struct packet *packet;
    struct cursor cursor; /* the captured bytes that are left of the present layer */
    uint32_t beyond;      /* bytes of that layer behind the cursor's end, which were not captured */
    uint8_t layers;
    bool is_guess;        /* inside what only a port or a first byte suggests: everything must fit */
    bool is_reassembled;  /* the IP header is the program's own: it has no checksum */
    bool skips_transport_checksum; /* the pseudo-header's destination is not known */
    /* RFC 8200 section 8.1, RFC 6275 section 11.3.1: the final destination, the home address */
    struct pseudo_address pseudo_source;
    struct pseudo_address pseudo_destination;
};

static inline enum decode_result decode_cut(struct decoder *decoder, enum decode_anomaly kind)
{
    packet_note(decoder->packet, kind);
    return DECODE_SHORT;
}
static inline enum decode_result decode_bad(struct decoder *decoder, enum decode_anomaly kind)
{
    packet_note(decoder->packet, kind);
    return DECODE_BAD;
}

/* Bytes of the layer that are left, captured or not. */
static inline uint64_t decoder_stated(const struct decoder *decoder)
{
    return (uint64_t)cursor_left(&decoder->cursor) + decoder->beyond;
}

/* The layer ends after `length` bytes. False where it does not hold that many: then nothing changes. */
static inline bool decoder_limit(struct decoder *decoder, uint64_t length)
{
    size_t left = cursor_left(&decoder->cursor);

    if (length > decoder_stated(decoder))
        return false;
    decoder->beyond = length > left ? (uint32_t)(length - left) : 0;
    if (length < left)
        decoder->cursor.left = (size_t)length;
    return true;
}

/* False: too many headers inside each other (noted). */
static inline bool decoder_enter(struct decoder *decoder)
{
    if (decoder->layers++ < LAYER_LIMIT)
        return true;
    packet_note(decoder->packet, ANOMALY_LAYER_LIMIT);
    return false;
}

/* False: too many tunnels inside each other (noted). */
static inline bool decoder_push(struct decoder *decoder, enum tunnel_kind kind, uint32_t id)
{
    if (tunnel_push(&decoder->packet->tunnel, kind, id))
        return true;
    packet_note(decoder->packet, ANOMALY_TUNNEL_LIMIT);
    return false;
}

/* A reading that did not fit is undone. What it hid behind, too many headers, stays noted. */
static inline void packet_restore(struct packet *packet, const struct packet *before)
{
    const uint64_t limits = UINT64_C(1) << ANOMALY_TUNNEL_LIMIT | UINT64_C(1) << ANOMALY_LAYER_LIMIT;
    uint64_t anomalies = before->anomalies | (packet->anomalies & limits);

    *packet = *before;
    packet->anomalies = anomalies;
}

/* ---- link.c ---- */
enum decode_result decode_ethernet(struct decoder *decoder);
/* What an EtherType announces; up to ETHERTYPE_LENGTH_MOST it is a length and LLC follows. */
enum decode_result decode_ethertype(struct decoder *decoder, uint16_t type);
/* IEEE 802.2 LLC, and SNAP (RFC 1042, RFC 2684, RFC 2427). */
enum decode_result decode_llc(struct decoder *decoder);
/* The octet that tells the network protocol (ISO/IEC TR 9577). */
enum decode_result decode_nlpid(struct decoder *decoder);
/* From the PPP protocol field on; address and control, and the field's first octet, may be compressed away (RFC 1661, 1662). */
enum decode_result decode_ppp(struct decoder *decoder);
enum decode_result decode_mpls(struct decoder *decoder);
enum decode_result decode_chdlc(struct decoder *decoder);
enum decode_result decode_frame_relay(struct decoder *decoder);
/* IP where the first four bits say so, otherwise DECODED_NOT_IP. */
enum decode_result decode_perhaps_ip(struct decoder *decoder);

/* ---- wireless.c ---- */
enum decode_result decode_80211(struct decoder *decoder);
enum decode_result decode_radiotap(struct decoder *decoder);
enum decode_result decode_prism(struct decoder *decoder); /* or AVS: the first bytes tell */

/* ---- juniper.c ---- */
bool is_juniper(int link_type);
enum decode_result decode_juniper(struct decoder *decoder, int link_type);

/* ---- decode.c ---- */
enum decode_result decode_ip_layer(struct decoder *decoder);
/* What stands behind the IP header: network_payload, of `protocol`. */
enum decode_result decode_transport(struct decoder *decoder);

/* ---- tunnel.c ---- */
/*
 * A protocol of IP that carries packets. DECODED in any case: where the inside is not IP, or cannot be decoded, the packet
 * stays one of that protocol between the outer addresses.
 */
enum decode_result decode_ip_tunnel(struct decoder *decoder);
/* Whether one of the ports is one that tunnels use. */
bool is_tunnel_port(uint16_t port);
/* A UDP datagram whose port suggests a tunnel. False where the inside does not fit: then the packet is as it was before. */
bool decode_udp_tunnel(const struct decoder *decoder);
enum decode_result decode_nsh(struct decoder *decoder);

/* ---- checksum.c ---- */
/* The ones' complement sum, as the header would hold it in network order; not complemented. */
uint16_t checksum_sum(struct bytes bytes);
/* An IPv4 header with its options. */
enum checksum_state checksum_of_header(struct bytes header);
/* With no pseudo-header (ICMP). `field` is the checksum as the header has it. */
enum checksum_state checksum_of_message(struct bytes message);
/* `covered` bytes of the transport packet of `length` bytes, with the pseudo-header of RFC 9293 or RFC 8200. */
enum checksum_state checksum_of_transport(const struct decoder *decoder, struct bytes covered, uint32_t length, uint16_t field);

#endif

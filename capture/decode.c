/*
 * decode.c - link layer, IPv4 and IPv6, transport headers.
 *
 * Link layers: Ethernet (with LLC/SNAP, 802.1Q, 802.1ad), Linux cooked v1 and v2,
 * raw IP, BSD loopback. IPv4 (RFC 791), IPv6 with its extension headers (RFC 8200),
 * AH (RFC 4302) is stepped over; TCP (RFC 9293), UDP (RFC 768), SCTP (RFC 9260), ICMP.
 * Leaves out: tunnels, PPP, MPLS, 802.11; checksums are not verified.
 */
#include "capture/capture.h"

#include "base/cursor.h"

#include <pcap/pcap.h>

/* Most VLAN tags of one frame, and most extension headers of one IPv6 packet. */
#define VLAN_LIMIT 8
#define EXTENSION_LIMIT 16

enum ethertype {
    ETHERTYPE_IPV4 = 0x0800,
    ETHERTYPE_VLAN = 0x8100,
    ETHERTYPE_IPV6 = 0x86dd,
    ETHERTYPE_QINQ = 0x88a8,
    ETHERTYPE_QINQ_OLD = 0x9100,
    ETHERTYPE_LENGTH_MOST = 1500, /* up to here the field is an 802.3 length */
};

enum ipv6_header {
    IPV6_HOP_BY_HOP = 0,
    IPV6_ROUTING = 43,
    IPV6_FRAGMENT = 44,
    IPV6_AUTHENTICATION = 51,
    IPV6_DESTINATION = 60,
    IPV6_MOBILITY = 135,
    IPV6_HIP = 139,
    IPV6_SHIM6 = 140,
};

#define PROTOCOL_UDPLITE 136

/* ---- transport ---- */

static enum decode_result decode_tcp(struct packet *packet, struct cursor *cursor)
{
    uint8_t offset;
    uint32_t header;

    packet->source_port = take_u16_be(cursor);
    packet->destination_port = take_u16_be(cursor);
    packet->sequence = take_u32_be(cursor);
    packet->acknowledgment = take_u32_be(cursor);
    offset = take_u8(cursor) >> 4;
    packet->tcp_flags = take_u8(cursor) & 0x3f;
    packet->window = take_u16_be(cursor);
    packet->checksum_field = take_u16_be(cursor);
    packet->urgent = take_u16_be(cursor);
    if (!cursor_is_good(cursor))
        return DECODE_SHORT;
    header = offset * 4u;
    if (header < 20 || header > packet->network_payload_length)
        return DECODE_BAD;
    skip_bytes(cursor, header - 20);
    if (!cursor_is_good(cursor))
        return DECODE_SHORT;
    packet->payload = peek_bytes(cursor);
    packet->payload_length = packet->network_payload_length - header;
    return DECODED;
}

static enum decode_result decode_udp(struct packet *packet, struct cursor *cursor)
{
    uint16_t length;

    packet->source_port = take_u16_be(cursor);
    packet->destination_port = take_u16_be(cursor);
    length = take_u16_be(cursor);
    skip_bytes(cursor, 2);
    if (!cursor_is_good(cursor))
        return DECODE_SHORT;
    /* UDP-Lite has its checksum's coverage there; 0 is a jumbogram or offloading */
    if (packet->protocol == PROTOCOL_UDPLITE || length == 0 || length > packet->network_payload_length)
        length = 0;
    else if (length < 8)
        return DECODE_BAD;
    packet->payload = peek_bytes(cursor);
    packet->payload_length = (length == 0 ? packet->network_payload_length : length) - 8;
    if (packet->payload.length > packet->payload_length)
        packet->payload.length = packet->payload_length;
    return DECODED;
}

static enum decode_result decode_sctp(struct packet *packet, struct cursor *cursor)
{
    packet->source_port = take_u16_be(cursor);
    packet->destination_port = take_u16_be(cursor);
    skip_bytes(cursor, 8);
    if (!cursor_is_good(cursor))
        return DECODE_SHORT;
    packet->payload = peek_bytes(cursor);
    packet->payload_length = packet->network_payload_length - 12;
    return DECODED;
}

static enum decode_result decode_icmp(struct packet *packet, struct cursor *cursor)
{
    packet->source_port = take_u8(cursor);
    packet->destination_port = take_u8(cursor);
    skip_bytes(cursor, 2);
    if (!cursor_is_good(cursor))
        return DECODE_SHORT;
    packet->payload = peek_bytes(cursor);
    packet->payload_length = packet->network_payload_length - 4;
    return DECODED;
}

/* The least that a header of that protocol needs. */
static uint32_t least_header(uint8_t protocol)
{
    switch (protocol) {
    case IP_PROTOCOL_TCP:
        return 20;
    case IP_PROTOCOL_UDP:
    case PROTOCOL_UDPLITE:
        return 8;
    case IP_PROTOCOL_SCTP:
        return 12;
    case IP_PROTOCOL_ICMP:
    case IP_PROTOCOL_ICMP6:
        return 4;
    default:
        return 0;
    }
}

static enum decode_result decode_transport(struct packet *packet)
{
    struct cursor cursor = cursor_over(packet->network_payload);
    enum decode_result result = DECODED;

    packet->has_transport = false;
    packet->checksum = CHECKSUM_UNCHECKED;
    packet->source_port = 0;
    packet->destination_port = 0;
    if (packet->network_payload_length < least_header(packet->protocol))
        return DECODE_BAD;
    switch (packet->protocol) {
    case IP_PROTOCOL_TCP:
        result = decode_tcp(packet, &cursor);
        break;
    case IP_PROTOCOL_UDP:
    case PROTOCOL_UDPLITE:
        result = decode_udp(packet, &cursor);
        break;
    case IP_PROTOCOL_SCTP:
        result = decode_sctp(packet, &cursor);
        break;
    case IP_PROTOCOL_ICMP:
    case IP_PROTOCOL_ICMP6:
        result = decode_icmp(packet, &cursor);
        break;
    default:
        packet->payload = packet->network_payload;
        packet->payload_length = packet->network_payload_length;
        break;
    }
    packet->has_transport = result == DECODED;
    return result;
}

/* ---- network ---- */

static enum decode_result decode_ipv4(struct packet *packet, struct bytes ip)
{
    struct cursor cursor = cursor_over(ip);
    uint32_t header = (take_u8(&cursor) & 15u) * 4;
    uint32_t total;
    uint16_t fragment;
    struct bytes source;
    struct bytes destination;

    skip_bytes(&cursor, 1);
    total = take_u16_be(&cursor);
    packet->fragment_id = take_u16_be(&cursor);
    fragment = take_u16_be(&cursor);
    packet->ttl = take_u8(&cursor);
    packet->protocol = take_u8(&cursor);
    skip_bytes(&cursor, 2);
    source = take_bytes(&cursor, 4);
    destination = take_bytes(&cursor, 4);
    if (!cursor_is_good(&cursor))
        return DECODE_SHORT;
    if (total == 0) /* segmentation offload: the card would have filled it in */
        total = packet->wire_length > (size_t)(ip.at - packet->frame.at) && ip.at >= packet->frame.at && ip.at < packet->frame.at + packet->frame.length
                    ? packet->wire_length - (uint32_t)(ip.at - packet->frame.at)
                    : (uint32_t)ip.length;
    if (header < 20 || header > total)
        return DECODE_BAD;
    skip_bytes(&cursor, header - 20);
    if (!cursor_is_good(&cursor))
        return DECODE_SHORT;
    packet->source = address_from_ipv4(source.at);
    packet->destination = address_from_ipv4(destination.at);
    if (ip.length > total)
        ip.length = total; /* padding of the link layer */
    packet->ip = ip;
    packet->network_payload = bytes_of(ip.at + header, ip.length - header);
    packet->network_payload_length = total - header;
    packet->has_more_fragments = (fragment & 0x2000) != 0;
    packet->fragment_offset = (uint16_t)((fragment & 0x1fff) * 8);
    packet->is_fragment = packet->has_more_fragments || packet->fragment_offset != 0;
    packet->has_transport = false;
    return packet->is_fragment ? DECODED : decode_transport(packet);
}

static bool is_extension(uint8_t header)
{
    return header == IPV6_HOP_BY_HOP || header == IPV6_ROUTING || header == IPV6_FRAGMENT || header == IPV6_AUTHENTICATION || header == IPV6_DESTINATION ||
           header == IPV6_MOBILITY || header == IPV6_HIP || header == IPV6_SHIM6;
}

/* One extension header; `next` becomes the type of what follows it. */
static void decode_extension(struct packet *packet, struct cursor *cursor, uint8_t *next)
{
    uint8_t header = *next;
    uint8_t length;
    uint16_t fragment;

    *next = take_u8(cursor);
    length = take_u8(cursor);
    if (header == IPV6_AUTHENTICATION) {
        skip_bytes(cursor, (length + 2u) * 4 - 2);
        return;
    }
    if (header != IPV6_FRAGMENT) {
        skip_bytes(cursor, length * 8u + 6);
        return;
    }
    fragment = take_u16_be(cursor);
    packet->fragment_id = take_u32_be(cursor);
    packet->has_more_fragments = (fragment & 1) != 0;
    packet->fragment_offset = fragment & 0xfff8;
    /* an atomic fragment is a whole packet (RFC 6946) */
    packet->is_fragment = packet->has_more_fragments || packet->fragment_offset != 0;
}

static enum decode_result decode_ipv6(struct packet *packet, struct bytes ip)
{
    struct cursor cursor = cursor_over(ip);
    uint32_t length;
    uint8_t next;
    struct bytes source;
    struct bytes destination;
    size_t behind;

    skip_bytes(&cursor, 4);
    length = take_u16_be(&cursor);
    next = take_u8(&cursor);
    packet->ttl = take_u8(&cursor);
    source = take_bytes(&cursor, 16);
    destination = take_bytes(&cursor, 16);
    if (!cursor_is_good(&cursor))
        return DECODE_SHORT;
    if (length == 0) /* a jumbogram (RFC 2675) or segmentation offload: as far as it was captured */
        length = (uint32_t)cursor.left;
    if (ip.length > 40 + (size_t)length)
        ip.length = 40 + (size_t)length;
    packet->source = address_from_ipv6(source.at);
    packet->destination = address_from_ipv6(destination.at);
    packet->is_fragment = false;
    packet->has_more_fragments = false;
    packet->fragment_offset = 0;
    cursor = cursor_over(bytes_of(ip.at + 40, ip.length - 40));
    for (unsigned count = 0; is_extension(next) && !packet->is_fragment; count++) {
        if (count == EXTENSION_LIMIT)
            return DECODE_BAD;
        decode_extension(packet, &cursor, &next);
        if (!cursor_is_good(&cursor))
            return ip.length < 40 + (size_t)length ? DECODE_SHORT : DECODE_BAD;
    }
    packet->protocol = next;
    packet->ip = ip;
    packet->network_payload = peek_bytes(&cursor);
    behind = ip.length - 40 - packet->network_payload.length;
    packet->network_payload_length = length - (uint32_t)behind;
    packet->has_transport = false;
    return packet->is_fragment ? DECODED : decode_transport(packet);
}

enum decode_result decode_ip(struct packet *packet, struct bytes ip)
{
    if (ip.length == 0)
        return DECODE_SHORT;
    switch (ip.at[0] >> 4) {
    case 4:
        return decode_ipv4(packet, ip);
    case 6:
        return decode_ipv6(packet, ip);
    default:
        return DECODE_BAD;
    }
}

/* ---- link layers ---- */

static enum decode_result decode_ethertype(struct packet *packet, struct cursor *cursor, uint16_t type)
{
    unsigned tags = 0;

    while (type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ || type == ETHERTYPE_QINQ_OLD) {
        if (tags++ == VLAN_LIMIT)
            return DECODE_BAD;
        packet->vlan = take_u16_be(cursor) & 0x0fff;
        packet->has_vlan = true;
        type = take_u16_be(cursor);
    }
    if (type <= ETHERTYPE_LENGTH_MOST && cursor_left(cursor) >= 8) {
        /* LLC, and SNAP where it names an EtherType (RFC 1042) */
        struct bytes llc = bytes_of(cursor->at, 6);
        static const uint8_t snap[6] = {0xaa, 0xaa, 0x03, 0, 0, 0};
        static const uint8_t ip_sap[3] = {0x06, 0x06, 0x03};

        if (memcmp(llc.at, snap, sizeof snap) == 0) {
            skip_bytes(cursor, 6);
            type = take_u16_be(cursor);
        } else if (memcmp(llc.at, ip_sap, sizeof ip_sap) == 0) {
            skip_bytes(cursor, 3);
            type = ETHERTYPE_IPV4;
        }
    }
    if (!cursor_is_good(cursor))
        return DECODE_SHORT;
    if (type != ETHERTYPE_IPV4 && type != ETHERTYPE_IPV6)
        return DECODED_NOT_IP;
    return decode_ip(packet, peek_bytes(cursor));
}

static enum decode_result decode_ethernet(struct packet *packet, struct cursor *cursor)
{
    skip_bytes(cursor, 12);
    return decode_ethertype(packet, cursor, take_u16_be(cursor));
}

/* The field holds an EtherType, save for the ARPHRD_ types whose frames carry none. */
static enum decode_result decode_cooked(struct packet *packet, struct cursor *cursor)
{
    uint16_t type;

    skip_bytes(cursor, 14);
    type = take_u16_be(cursor);
    return decode_ethertype(packet, cursor, type);
}

static enum decode_result decode_cooked2(struct packet *packet, struct cursor *cursor)
{
    uint16_t type = take_u16_be(cursor);

    skip_bytes(cursor, 18);
    return decode_ethertype(packet, cursor, type);
}

/* The address family, in the byte order of the host that captured; IPv6's number differs between systems. */
static enum decode_result decode_loopback(struct packet *packet, struct cursor *cursor)
{
    uint32_t family = take_u32_be(cursor);

    if (!cursor_is_good(cursor))
        return DECODE_SHORT;
    if (family > 0xffff)
        family = __builtin_bswap32(family);
    if (family != 2 && family != 10 && family != 24 && family != 28 && family != 30)
        return DECODED_NOT_IP;
    return decode_ip(packet, peek_bytes(cursor));
}

#define LINK_IPV4 228 /* LINKTYPE_IPV4 */
#define LINK_IPV6 229
#define LINK_RAW 101 /* LINKTYPE_RAW as it stands in files */
#define LINK_SLL2 276

enum decode_result decode_frame(struct packet *packet, int link_type)
{
    struct cursor cursor = cursor_over(packet->frame);

    packet->has_vlan = false;
    packet->has_transport = false;
    packet->is_fragment = false;
    switch (link_type) {
    case DLT_EN10MB:
        return decode_ethernet(packet, &cursor);
    case DLT_LINUX_SLL:
        return decode_cooked(packet, &cursor);
    case LINK_SLL2:
        return decode_cooked2(packet, &cursor);
    case DLT_NULL:
    case DLT_LOOP:
        return decode_loopback(packet, &cursor);
    case DLT_RAW:
    case 14: /* DLT_RAW of OpenBSD */
    case LINK_RAW:
    case LINK_IPV4:
    case LINK_IPV6:
        return decode_ip(packet, packet->frame);
    default:
        return DECODE_LINK_TYPE;
    }
}

unsigned capture_worker_of(const struct packet *packet, unsigned workers)
{
    uint64_t mixed = 0;

    if (workers == 1)
        return 0;
    /* a sum does not depend on the order of the two addresses */
    for (int part = 0; part < 16; part += 8) {
        uint64_t source;
        uint64_t destination;

        memcpy(&source, packet->source.bytes + part, sizeof source);
        memcpy(&destination, packet->destination.bytes + part, sizeof destination);
        mixed += source + destination;
        mixed ^= mixed >> 29;
        mixed *= 0x9e3779b97f4a7c15u;
    }
    return (unsigned)((mixed >> 32) % workers);
}

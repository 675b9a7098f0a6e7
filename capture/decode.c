/*
 * decode.c - IPv4 and IPv6, transport headers, and what belongs to a frame as a whole.
 *
 * IPv4 (RFC 791), IPv6 with its extension headers (RFC 8200) and jumbograms (RFC 2675), AH (RFC 4302) is stepped over;
 * TCP (RFC 9293), UDP (RFC 768), UDP-Lite (RFC 3828), SCTP (RFC 9260), ICMP (RFC 792, RFC 4443).
 * Leaves out: ESP's inside, SCTP's checksum.
 */
#include "capture/decode.h"

/* TCP's options (IANA "TCP Option Kind Numbers"). */
#define OPTION_END 0
#define OPTION_NO_OPERATION 1
#define OPTION_WINDOW_SCALE 3
#define OPTION_TIMESTAMPS 8
/* The largest window scale (RFC 7323, section 2.3). */
#define WINDOW_SHIFT_MOST 14
/* Two no-operations, kind 8, length 10: how nearly every host writes its timestamps. */
#define USUAL_TIMESTAMPS 0x0101080au
#define IPV6_HEADER 40

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

enum ipv6_option {
    IPV6_OPTION_PAD1 = 0,
    IPV6_OPTION_JUMBO = 0xc2,
    IPV6_OPTION_HOME_ADDRESS = 0xc9,
};

enum ipv4_option {
    IPV4_OPTION_END = 0,
    IPV4_OPTION_NOP = 1,
    IPV4_OPTION_LOOSE_ROUTE = 131,
    IPV4_OPTION_STRICT_ROUTE = 137,
};

/* ---- checksums ---- */

/* The header's own state stays where it is worse than what the transport says. */
static void keep_checksum(struct packet *packet, enum checksum_state transport, enum decode_anomaly wrong, enum decode_anomaly offloaded)
{
    if (transport == CHECKSUM_WRONG)
        packet_note(packet, wrong);
    if (transport == CHECKSUM_OFFLOADED)
        packet_note(packet, offloaded);
    if (packet->checksum <= CHECKSUM_GOOD || packet->checksum < (uint8_t)transport)
        packet->checksum = (uint8_t)transport;
}

/* Whether all bytes that the checksum covers are there. */
static bool is_whole(const struct decoder *decoder)
{
    const struct packet *packet = decoder->packet;

    return packet->network_payload.length == packet->network_payload_length && !decoder->skips_transport_checksum;
}

static void leave_unchecked(struct packet *packet)
{
    if (packet->checksum == CHECKSUM_GOOD)
        packet->checksum = CHECKSUM_UNCHECKED;
}

/* ---- transport ---- */

static void take_option(struct tcp_options *options, uint8_t kind, struct cursor value)
{
    if (kind == OPTION_WINDOW_SCALE && cursor_left(&value) == 1) {
        options->has_shift = true;
        options->shift = take_u8(&value);
        if (options->shift > WINDOW_SHIFT_MOST)
            options->shift = WINDOW_SHIFT_MOST;
    } else if (kind == OPTION_TIMESTAMPS && cursor_left(&value) == 8) {
        options->has_timestamp = true;
        options->timestamp = take_u32_be(&value);
    }
}

/* RFC 9293 section 3.1, RFC 7323. What is behind an option that cannot be is not looked at. */
static struct tcp_options read_options(struct bytes bytes)
{
    struct tcp_options options = {.has_timestamp = false};
    struct cursor cursor = cursor_within(bytes);

    while (cursor_left(&cursor) > 0) {
        struct cursor usual = cursor;
        uint8_t kind;
        uint8_t length;

        if (cursor_left(&cursor) == 12 && take_u32_be(&usual) == USUAL_TIMESTAMPS) {
            options.has_timestamp = true;
            options.timestamp = take_u32_be(&usual);
            return options;
        }
        kind = take_u8(&cursor);
        if (kind == OPTION_END)
            break;
        if (kind == OPTION_NO_OPERATION)
            continue;
        length = take_u8(&cursor);
        if (length < 2)
            break;
        take_option(&options, kind, cursor_within(take_bytes(&cursor, length - 2u)));
    }
    return options;
}

static enum decode_result decode_tcp(struct decoder *decoder)
{
    struct packet *packet = decoder->packet;
    struct cursor cursor = cursor_over(packet->network_payload);
    uint8_t offset;
    uint32_t header;
    uint16_t checksum;

    packet->source_port = take_u16_be(&cursor);
    packet->destination_port = take_u16_be(&cursor);
    packet->sequence = take_u32_be(&cursor);
    packet->acknowledgment = take_u32_be(&cursor);
    offset = take_u8(&cursor) >> 4;
    packet->tcp_flags = take_u8(&cursor) & 0x3f;
    packet->window = take_u16_be(&cursor);
    checksum = take_u16_be(&cursor);
    packet->checksum_field = checksum;
    packet->urgent = take_u16_be(&cursor);
    if (!cursor_is_good(&cursor))
        return decode_cut(decoder, ANOMALY_TRANSPORT_CUT);
    header = offset * 4u;
    if (header < 20 || header > packet->network_payload_length)
        return decode_bad(decoder, ANOMALY_TCP_HEADER_LENGTH);
    packet->options = read_options(take_bytes(&cursor, header - 20));
    if (!cursor_is_good(&cursor))
        return decode_cut(decoder, ANOMALY_TRANSPORT_CUT);
    packet->payload = peek_bytes(&cursor);
    packet->payload_length = packet->network_payload_length - header;
    if (is_whole(decoder))
        keep_checksum(packet, checksum_of_transport(decoder, packet->network_payload, packet->network_payload_length, checksum), ANOMALY_TCP_CHECKSUM_WRONG,
                      ANOMALY_TCP_CHECKSUM_OFFLOADED);
    else
        leave_unchecked(packet);
    return DECODED;
}

/* `length` bytes of the datagram are covered: all of them, save for UDP-Lite. */
static void check_udp(struct decoder *decoder, uint32_t length, uint32_t covered, uint16_t field)
{
    struct packet *packet = decoder->packet;

    /* 0: not used; with IPv6 only inside of tunnels (RFC 6935), and never by UDP-Lite */
    if ((field == 0 && packet->source.version == 4 && packet->protocol == IP_PROTOCOL_UDP) || decoder->skips_transport_checksum ||
        packet->network_payload.length < covered) {
        leave_unchecked(packet);
        return;
    }
    keep_checksum(packet, checksum_of_transport(decoder, bytes_of(packet->network_payload.at, covered), length, field), ANOMALY_UDP_CHECKSUM_WRONG,
                  ANOMALY_UDP_CHECKSUM_OFFLOADED);
}

static enum decode_result decode_udplite(struct decoder *decoder, struct cursor *cursor, uint16_t coverage, uint16_t checksum)
{
    struct packet *packet = decoder->packet;
    uint32_t length = packet->network_payload_length;

    if (coverage > length || (coverage > 0 && coverage < 8))
        return decode_bad(decoder, ANOMALY_UDP_LENGTH);
    packet->payload = peek_bytes(cursor);
    packet->payload_length = length - 8;
    check_udp(decoder, length, coverage == 0 ? length : coverage, checksum);
    return DECODED;
}

static enum decode_result decode_udp(struct decoder *decoder)
{
    struct packet *packet = decoder->packet;
    struct cursor cursor = cursor_over(packet->network_payload);
    uint32_t length;
    uint16_t checksum;

    packet->source_port = take_u16_be(&cursor);
    packet->destination_port = take_u16_be(&cursor);
    length = take_u16_be(&cursor);
    checksum = take_u16_be(&cursor);
    if (!cursor_is_good(&cursor))
        return decode_cut(decoder, ANOMALY_TRANSPORT_CUT);
    if (packet->protocol == IP_PROTOCOL_UDPLITE)
        return decode_udplite(decoder, &cursor, (uint16_t)length, checksum);
    if (length > 0 && length < 8)
        return decode_bad(decoder, ANOMALY_UDP_LENGTH);
    if (length > packet->network_payload_length) {
        packet_note(packet, ANOMALY_UDP_LENGTH);
        if (decoder->is_guess)
            return DECODE_BAD;
        length = 0;
    }
    if (length == 0) /* a jumbogram (RFC 2675 section 4) or segmentation offload */
        length = packet->network_payload_length;
    packet->payload = peek_bytes(&cursor);
    packet->payload_length = length - 8;
    if (packet->payload.length > packet->payload_length)
        packet->payload.length = packet->payload_length;
    if ((is_tunnel_port(packet->destination_port) || is_tunnel_port(packet->source_port)) && decode_udp_tunnel(decoder))
        return DECODED;
    check_udp(decoder, length, length, checksum);
    return DECODED;
}

static enum decode_result decode_sctp(struct decoder *decoder)
{
    struct packet *packet = decoder->packet;
    struct cursor cursor = cursor_over(packet->network_payload);

    packet->source_port = take_u16_be(&cursor);
    packet->destination_port = take_u16_be(&cursor);
    skip_bytes(&cursor, 8);
    if (!cursor_is_good(&cursor))
        return decode_cut(decoder, ANOMALY_TRANSPORT_CUT);
    packet->payload = peek_bytes(&cursor);
    packet->payload_length = packet->network_payload_length - 12;
    leave_unchecked(packet);
    return DECODED;
}

static enum decode_result decode_icmp(struct decoder *decoder)
{
    struct packet *packet = decoder->packet;
    struct cursor cursor = cursor_over(packet->network_payload);
    uint16_t checksum;

    packet->source_port = take_u8(&cursor);
    packet->destination_port = take_u8(&cursor);
    checksum = take_u16_be(&cursor);
    if (!cursor_is_good(&cursor))
        return decode_cut(decoder, ANOMALY_TRANSPORT_CUT);
    packet->payload = peek_bytes(&cursor);
    packet->payload_length = packet->network_payload_length - 4;
    if (!is_whole(decoder))
        leave_unchecked(packet);
    else if (packet->protocol == IP_PROTOCOL_ICMP)
        keep_checksum(packet, checksum_of_message(packet->network_payload), ANOMALY_ICMP_CHECKSUM_WRONG, ANOMALY_ICMP_CHECKSUM_WRONG);
    else
        keep_checksum(packet, checksum_of_transport(decoder, packet->network_payload, packet->network_payload_length, checksum),
                      ANOMALY_ICMP6_CHECKSUM_WRONG, ANOMALY_ICMP6_CHECKSUM_OFFLOADED);
    return DECODED;
}

/* The authentication header in front of what it authenticates (RFC 4302); behind IPv6 it is one of the extension headers. */
static enum decode_result decode_ah(struct decoder *decoder)
{
    struct packet *packet = decoder->packet;
    struct cursor cursor = cursor_over(packet->network_payload);
    uint8_t next = take_u8(&cursor);
    uint32_t header = (take_u8(&cursor) + 2u) * 4;

    packet->payload = packet->network_payload;
    packet->payload_length = packet->network_payload_length;
    leave_unchecked(packet);
    /* a header that cannot be stepped over leaves a packet of that protocol */
    if (header < 12 || header > packet->network_payload_length) {
        packet_note(packet, ANOMALY_AH);
        return DECODED;
    }
    skip_bytes(&cursor, header - 2);
    if (!cursor_is_good(&cursor)) {
        packet_note(packet, ANOMALY_TRANSPORT_CUT);
        return DECODED;
    }
    if (!decoder_enter(decoder))
        return DECODED;
    packet->protocol = next;
    packet->network_payload = peek_bytes(&cursor);
    packet->network_payload_length -= header;
    return decode_transport(decoder);
}

/* The least that a header of that protocol needs. */
static uint32_t least_header(uint8_t protocol)
{
    switch (protocol) {
    case IP_PROTOCOL_TCP:
        return 20;
    case IP_PROTOCOL_UDP:
    case IP_PROTOCOL_UDPLITE:
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

static enum decode_result decode_by_protocol(struct decoder *decoder)
{
    struct packet *packet = decoder->packet;

    switch (packet->protocol) {
    case IP_PROTOCOL_TCP:
        return decode_tcp(decoder);
    case IP_PROTOCOL_UDP:
    case IP_PROTOCOL_UDPLITE:
        return decode_udp(decoder);
    case IP_PROTOCOL_SCTP:
        return decode_sctp(decoder);
    case IP_PROTOCOL_ICMP:
    case IP_PROTOCOL_ICMP6:
        return decode_icmp(decoder);
    case IP_PROTOCOL_AH:
        return decode_ah(decoder);
    default:
        break;
    }
    packet->payload = packet->network_payload;
    packet->payload_length = packet->network_payload_length;
    leave_unchecked(packet);
    if (packet->protocol == IP_PROTOCOL_GRE || packet->protocol == IP_PROTOCOL_IPV4 || packet->protocol == IP_PROTOCOL_IPV6 ||
        packet->protocol == IP_PROTOCOL_MPLS)
        return decode_ip_tunnel(decoder);
    return DECODED;
}

enum decode_result decode_transport(struct decoder *decoder)
{
    struct packet *packet = decoder->packet;
    enum decode_result result;

    packet->has_transport = false;
    packet->source_port = 0;
    packet->destination_port = 0;
    if (packet->network_payload_length < least_header(packet->protocol))
        return decode_bad(decoder, packet->protocol == IP_PROTOCOL_TCP ? ANOMALY_TCP_HEADER_LENGTH : ANOMALY_TRANSPORT_SHORT);
    result = decode_by_protocol(decoder);
    /* inside of a tunnel there may be a fragment */
    packet->has_transport = result == DECODED && !packet->is_fragment;
    return result;
}

/* ---- IPv4 ---- */

/* With a source route still to go, the pseudo-header's destination is not the header's (RFC 1122 section 3.2.1.8). */
static bool has_source_route(struct bytes options)
{
    struct cursor cursor = cursor_over(options);

    for (unsigned count = 0; count < OPTION_LIMIT && cursor_left(&cursor) > 0; count++) {
        uint8_t type = take_u8(&cursor);
        uint8_t length;
        uint8_t pointer;

        if (type == IPV4_OPTION_END)
            return false;
        if (type == IPV4_OPTION_NOP)
            continue;
        length = take_u8(&cursor);
        pointer = (uint8_t)(peek_u8(&cursor) & 0xff);
        if (type == IPV4_OPTION_LOOSE_ROUTE || type == IPV4_OPTION_STRICT_ROUTE)
            return pointer < length;
        if (length < 2)
            return false;
        skip_bytes(&cursor, length - 2u);
    }
    return false;
}

/* A fragment's transport cannot be checked, but its header can. */
static void check_header(struct decoder *decoder, struct bytes header)
{
    struct packet *packet = decoder->packet;

    if (decoder->is_reassembled) {
        packet->checksum = CHECKSUM_GOOD;
        decoder->is_reassembled = false;
        return;
    }
    packet->checksum = (uint8_t)checksum_of_header(header);
    if (packet->checksum == CHECKSUM_WRONG)
        packet_note(packet, ANOMALY_IPV4_CHECKSUM_WRONG);
    if (packet->checksum == CHECKSUM_OFFLOADED)
        packet_note(packet, ANOMALY_IPV4_CHECKSUM_OFFLOADED);
}

static enum decode_result decode_ipv4(struct decoder *decoder)
{
    struct packet *packet = decoder->packet;
    struct cursor cursor = decoder->cursor;
    struct bytes ip = peek_bytes(&cursor);
    uint64_t stated = decoder_stated(decoder);
    uint32_t header = (take_u8(&cursor) & 15u) * 4;
    uint32_t total;
    uint16_t fragment;
    struct bytes source;
    struct bytes destination;
    struct bytes options;

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
        return decode_cut(decoder, ANOMALY_IP_CUT);
    if (total == 0) /* segmentation offload: the card would have filled it in */
        total = stated <= UINT32_MAX ? (uint32_t)stated : UINT32_MAX;
    if (header < 20 || header > total)
        return decode_bad(decoder, ANOMALY_IPV4_HEADER_LENGTH);
    options = take_bytes(&cursor, header - 20);
    if (!cursor_is_good(&cursor))
        return decode_cut(decoder, ANOMALY_IP_CUT);
    if (total > stated) {
        packet_note(packet, ANOMALY_IPV4_TOTAL_LENGTH);
        if (decoder->is_guess)
            return DECODE_BAD;
    }
    check_header(decoder, bytes_of(ip.at, header));
    if (decoder->is_guess && packet->checksum == CHECKSUM_WRONG)
        return DECODE_BAD;
    packet->source = address_from_ipv4(source.at);
    packet->destination = address_from_ipv4(destination.at);
    if (ip.length > total)
        ip.length = total; /* padding of the link layer */
    packet->ip = ip;
    packet->network_payload = take_up_to(&cursor, total - header);
    packet->network_payload_length = total - header;
    packet->has_more_fragments = (fragment & 0x2000) != 0;
    packet->fragment_offset = (uint16_t)((fragment & 0x1fff) * 8);
    packet->is_fragment = packet->has_more_fragments || packet->fragment_offset != 0;
    packet->has_transport = false;
    decoder->skips_transport_checksum = options.length > 0 && has_source_route(options);
    decoder->pseudo_source.is_set = false;
    decoder->pseudo_destination.is_set = false;
    if (!packet->is_fragment)
        return decode_transport(decoder);
    leave_unchecked(packet);
    return DECODED;
}

/* ---- IPv6 ---- */

static bool is_extension(uint8_t header)
{
    return header == IPV6_HOP_BY_HOP || header == IPV6_ROUTING || header == IPV6_FRAGMENT || header == IPV6_AUTHENTICATION || header == IPV6_DESTINATION ||
           header == IPV6_MOBILITY || header == IPV6_HIP || header == IPV6_SHIM6;
}

/* The option of that type: its data, empty where it is not there. */
static struct cursor find_option(struct cursor options, uint8_t wanted)
{
    for (unsigned count = 0; count < OPTION_LIMIT && cursor_left(&options) > 0; count++) {
        uint8_t type = take_u8(&options);
        uint8_t length;

        if (type == IPV6_OPTION_PAD1)
            continue;
        length = take_u8(&options);
        if (type == wanted)
            return take_child(&options, length);
        skip_bytes(&options, length);
    }
    return cursor_within(bytes_of(NULL, 0));
}

static void set_pseudo(struct pseudo_address *pseudo, struct bytes address)
{
    if (address.length != 16)
        return;
    pseudo->is_set = true;
    pseudo->address = address_from_ipv6(address.at);
}

/* The final destination of a packet on its way: types 0 and 2 (RFC 2460, RFC 6275), segment routing's 4 (RFC 8754). */
static void read_routing(struct decoder *decoder, struct cursor body, uint8_t length)
{
    uint8_t type = take_u8(&body);
    uint8_t left = take_u8(&body);
    struct bytes address;

    skip_bytes(&body, 4);
    if (left == 0)
        return;
    if (type == 0)
        skip_bytes(&body, length >= 2 ? (length - 2u) * 8 : 0);
    address = take_bytes(&body, 16);
    if ((type != 0 && type != 2 && type != 4) || address.length != 16)
        decoder->skips_transport_checksum = true;
    else
        set_pseudo(&decoder->pseudo_destination, address);
}

/* The jumbo option's length (RFC 2675); 0 where there is none. */
static uint32_t jumbo_length(struct cursor options)
{
    struct cursor data = find_option(options, IPV6_OPTION_JUMBO);

    return cursor_left(&data) == 4 ? take_u32_be(&data) : 0;
}

/* What an extension header says of the packet. `body` holds what stands behind its length. */
static void read_extension(struct decoder *decoder, uint8_t header, uint8_t length, struct cursor body)
{
    if (header == IPV6_ROUTING)
        read_routing(decoder, body, length);
    if (header == IPV6_DESTINATION) {
        struct cursor home = find_option(body, IPV6_OPTION_HOME_ADDRESS);

        set_pseudo(&decoder->pseudo_source, peek_bytes(&home));
    }
}

static void read_fragment(struct packet *packet, struct cursor body)
{
    uint16_t fragment = take_u16_be(&body);

    packet->fragment_id = take_u32_be(&body);
    packet->has_more_fragments = (fragment & 1) != 0;
    packet->fragment_offset = fragment & 0xfff8;
    /* an atomic fragment is a whole packet (RFC 6946) */
    packet->is_fragment = packet->has_more_fragments || packet->fragment_offset != 0;
}

/* One extension header; `next` becomes the type of what follows it. */
static void decode_extension(struct decoder *decoder, struct cursor *cursor, uint8_t *next)
{
    uint8_t header = *next;
    uint8_t length;
    struct cursor body;

    *next = take_u8(cursor);
    length = take_u8(cursor);
    if (header == IPV6_AUTHENTICATION) {
        if (length == 0) {
            packet_note(decoder->packet, ANOMALY_AH);
            cursor_reject(cursor);
        }
        skip_bytes(cursor, (length + 2u) * 4 - 2);
        return;
    }
    body = take_child(cursor, header == IPV6_FRAGMENT ? 6 : length * 8u + 6);
    if (!cursor_is_good(cursor))
        return;
    if (header == IPV6_FRAGMENT)
        read_fragment(decoder->packet, body);
    else
        read_extension(decoder, header, length, body);
}

/*
 * The length behind the header. 0 stands for a jumbogram, whose hop-by-hop option holds it, or for segmentation offload:
 * then as much as there is.
 */
static uint64_t ipv6_payload_length(struct decoder *decoder, struct cursor behind, uint16_t length, uint8_t next, uint64_t stated)
{
    uint32_t jumbo = 0;

    if (next == IPV6_HOP_BY_HOP) {
        struct cursor options;

        skip_bytes(&behind, 1);
        options = take_child(&behind, take_u8(&behind) * 8u + 6);
        jumbo = jumbo_length(options);
    }
    if (jumbo != 0 && (length != 0 || jumbo <= 65535)) {
        packet_note(decoder->packet, ANOMALY_IPV6_LENGTH);
        jumbo = 0;
    }
    if (length != 0)
        return length;
    if (jumbo != 0)
        return jumbo;
    return next == IP_PROTOCOL_NONE ? 0 : stated - IPV6_HEADER;
}

static enum decode_result walk_extensions(struct decoder *decoder, struct cursor *cursor, uint8_t *next, bool is_cut)
{
    for (unsigned count = 0; is_extension(*next) && !decoder->packet->is_fragment; count++) {
        if (count == EXTENSION_LIMIT)
            return decode_bad(decoder, ANOMALY_IPV6_EXTENSION_LIMIT);
        decode_extension(decoder, cursor, next);
        if (!cursor_is_good(cursor))
            return is_cut ? decode_cut(decoder, ANOMALY_IPV6_EXTENSION) : decode_bad(decoder, ANOMALY_IPV6_EXTENSION);
    }
    return DECODED;
}

/* No checksum vouches for a guessed IPv6 header: it must lead to something known. */
static bool is_plausible(uint8_t protocol)
{
    return least_header(protocol) > 0 || protocol == IP_PROTOCOL_IPV4 || protocol == IP_PROTOCOL_IPV6 || protocol == IP_PROTOCOL_GRE ||
           protocol == IP_PROTOCOL_ESP || protocol == IP_PROTOCOL_NONE || protocol == 89 /* OSPF */ || protocol == 103 /* PIM */;
}

static enum decode_result decode_ipv6(struct decoder *decoder)
{
    struct packet *packet = decoder->packet;
    struct cursor cursor = decoder->cursor;
    struct bytes ip = peek_bytes(&cursor);
    uint64_t stated = decoder_stated(decoder);
    uint64_t length;
    uint8_t next;
    struct bytes source;
    struct bytes destination;
    struct bytes behind;
    enum decode_result result;

    skip_bytes(&cursor, 4);
    length = take_u16_be(&cursor);
    next = take_u8(&cursor);
    packet->ttl = take_u8(&cursor);
    source = take_bytes(&cursor, 16);
    destination = take_bytes(&cursor, 16);
    if (!cursor_is_good(&cursor))
        return decode_cut(decoder, ANOMALY_IP_CUT);
    length = ipv6_payload_length(decoder, cursor, (uint16_t)length, next, stated);
    if (IPV6_HEADER + length > stated) {
        packet_note(packet, ANOMALY_IPV6_LENGTH);
        if (decoder->is_guess)
            return DECODE_BAD;
    }
    packet->source = address_from_ipv6(source.at);
    packet->destination = address_from_ipv6(destination.at);
    packet->is_fragment = false;
    packet->has_more_fragments = false;
    packet->fragment_offset = 0;
    packet->checksum = CHECKSUM_UNCHECKED;
    packet->has_transport = false;
    decoder->is_reassembled = false;
    decoder->skips_transport_checksum = false;
    decoder->pseudo_source.is_set = false;
    decoder->pseudo_destination.is_set = false;
    if (ip.length > IPV6_HEADER + length)
        ip.length = IPV6_HEADER + (size_t)length;
    behind = take_up_to(&cursor, length);
    cursor = cursor_over(behind);
    result = walk_extensions(decoder, &cursor, &next, behind.length < length);
    if (result != DECODED)
        return result;
    if (decoder->is_guess && !is_plausible(next))
        return DECODE_BAD;
    packet->protocol = next;
    packet->ip = ip;
    packet->network_payload = peek_bytes(&cursor);
    packet->network_payload_length = (uint32_t)(length - (behind.length - packet->network_payload.length));
    return packet->is_fragment ? DECODED : decode_transport(decoder);
}

/* ---- IP ---- */

enum decode_result decode_ip_layer(struct decoder *decoder)
{
    int first = peek_u8(&decoder->cursor);

    if (!decoder_enter(decoder))
        return DECODE_BAD;
    if (first < 0)
        return decode_cut(decoder, ANOMALY_IP_CUT);
    switch (first >> 4) {
    case 4:
        return decode_ipv4(decoder);
    case 6:
        return decode_ipv6(decoder);
    default:
        return decode_bad(decoder, ANOMALY_IP_VERSION);
    }
}

enum decode_result decode_ip(struct packet *packet, struct bytes ip)
{
    struct decoder decoder = {.packet = packet, .cursor = cursor_over(ip), .is_reassembled = true};

    packet->is_fragment = false;
    return decode_ip_layer(&decoder);
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

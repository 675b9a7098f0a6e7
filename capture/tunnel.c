/*
 * tunnel.c - packets inside of packets.
 *
 * By IP's protocol: IP in IP (RFC 2003, RFC 2473, RFC 4213; 6to4, RFC 3056), GRE (RFC 2784, RFC 2890, the source routes of
 * RFC 1701), PPTP's GRE (RFC 2637), ERSPAN types I to III (draft-foschiano-erspan), WCCP in GRE, 802.11 in GRE as Aruba's
 * access points send it, MPLS in IP (RFC 4023). By UDP's port: VXLAN (RFC 7348, also its generic extension), GENEVE
 * (RFC 8926), GTP-U (3GPP TS 29.281), Teredo (RFC 4380), GRE (RFC 8086). By EtherType: NSH (RFC 8300).
 *
 * A UDP port proves nothing: such a tunnel is believed only where all headers inside fit, down to the transport.
 * Leaves out: L2TP, ESP, GTP version 0, WireGuard and whatever else is encrypted.
 */
#include "capture/decode.h"

enum tunnel_port {
    PORT_GTP = 2152,
    PORT_TEREDO = 3544,
    PORT_GRE = 4754,
    PORT_VXLAN = 4789,
    PORT_VXLAN_GENERIC = 4790,
    PORT_GENEVE = 6081,
    PORT_VXLAN_LINUX = 8472, /* Linux's default, from before RFC 7348 */
};

enum gre_bit {
    GRE_CHECKSUM = 0x8000,
    GRE_ROUTING = 0x4000,
    GRE_KEY = 0x2000,
    GRE_SEQUENCE = 0x1000,
    GRE_ACKNOWLEDGMENT = 0x0080, /* version 1 */
    GRE_RESERVED = 0x00f8,
    GRE_VERSION = 0x0007,
};

enum gre_type {
    GRE_ARUBA_FIRST = 0x8200,
    GRE_ARUBA_LAST = 0x8370,
    GRE_WCCP = 0x883e,
    GRE_ERSPAN = 0x88be, /* types I and II */
    GRE_ERSPAN_III = 0x22eb,
};

/* The protocols that stand in NSH's and VXLAN's generic header. */
enum next_protocol {
    NEXT_IPV4 = 1,
    NEXT_IPV6 = 2,
    NEXT_ETHERNET = 3,
    NEXT_NSH = 4,
    NEXT_MPLS = 5,
};

static enum decode_result decode_next_protocol(struct decoder *decoder, uint8_t next)
{
    switch (next) {
    case NEXT_IPV4:
    case NEXT_IPV6:
        return decode_ip_layer(decoder);
    case NEXT_ETHERNET:
        return decode_ethernet(decoder);
    case NEXT_NSH:
        return decode_nsh(decoder);
    case NEXT_MPLS:
        return decode_mpls(decoder);
    default:
        return DECODED_NOT_IP;
    }
}

enum decode_result decode_nsh(struct decoder *decoder)
{
    struct cursor *cursor = &decoder->cursor;
    uint16_t base = take_u16_be(cursor);
    uint32_t length = (base & 0x3fu) * 4;
    uint8_t next;
    uint32_t path;

    skip_bytes(cursor, 1); /* the type of its metadata */
    next = take_u8(cursor);
    path = take_u24_be(cursor);
    skip_bytes(cursor, 1); /* the index on that path */
    if (!cursor_is_good(cursor))
        return decode_cut(decoder, ANOMALY_LINK_CUT);
    if (base >> 14 != 0 || length < 8)
        return decode_bad(decoder, ANOMALY_LINK_HEADER);
    skip_bytes(cursor, length - 8);
    if (!cursor_is_good(cursor))
        return decode_cut(decoder, ANOMALY_LINK_CUT);
    if (!decoder_enter(decoder) || !decoder_push(decoder, TUNNEL_NSH, path))
        return DECODE_BAD;
    return decode_next_protocol(decoder, next);
}

/* ---- GRE ---- */

/* A GRE or ERSPAN header that ran out of bytes: the capture's fault, or its own. */
static enum decode_result decode_gre_end(struct decoder *decoder, enum decode_anomaly kind)
{
    return decoder->beyond > 0 ? decode_cut(decoder, ANOMALY_TRANSPORT_CUT) : decode_bad(decoder, kind);
}

/* PPTP: version 1, always with a key, which is the payload's length and the call (RFC 2637 section 4.1). */
static enum decode_result decode_pptp(struct decoder *decoder, uint16_t flags, uint16_t type)
{
    struct cursor *cursor = &decoder->cursor;
    uint16_t length = take_u16_be(cursor);
    uint16_t call = take_u16_be(cursor);

    if (type != ETHERTYPE_PPP || (flags & GRE_KEY) == 0 || (flags & (GRE_CHECKSUM | GRE_ROUTING)) != 0)
        return decode_bad(decoder, ANOMALY_GRE_HEADER);
    skip_bytes(cursor, ((flags & GRE_SEQUENCE) != 0 ? 4 : 0) + ((flags & GRE_ACKNOWLEDGMENT) != 0 ? 4 : 0));
    if (!cursor_is_good(cursor))
        return decode_gre_end(decoder, ANOMALY_GRE_HEADER);
    if (!decoder_limit(decoder, length))
        return decode_bad(decoder, ANOMALY_GRE_HEADER);
    if (length == 0) /* an acknowledgment alone */
        return DECODED_NOT_IP;
    if (!decoder_push(decoder, TUNNEL_PPTP, call))
        return DECODE_BAD;
    return decode_ppp(decoder);
}

/* The source routes of RFC 1701, which end with an empty one. */
static void skip_routes(struct cursor *cursor)
{
    for (unsigned count = 0; count < GRE_ROUTE_LIMIT; count++) {
        uint16_t family = take_u16_be(cursor);
        uint8_t length;

        skip_bytes(cursor, 1);
        length = take_u8(cursor);
        skip_bytes(cursor, length);
        if (family == 0 && length == 0)
            return;
    }
    cursor_reject(cursor);
}

/* Type I has no header at all, and no sequence number that would announce one. */
static enum decode_result decode_erspan(struct decoder *decoder, bool has_sequence)
{
    struct cursor *cursor = &decoder->cursor;
    uint8_t version;
    uint16_t session;

    if (!has_sequence)
        return decoder_push(decoder, TUNNEL_ERSPAN, 0) ? decode_ethernet(decoder) : DECODE_BAD;
    version = (uint8_t)(take_u16_be(cursor) >> 12);
    session = take_u16_be(cursor) & 0x3ff;
    skip_bytes(cursor, 4);
    if (!cursor_is_good(cursor))
        return decode_gre_end(decoder, ANOMALY_ERSPAN);
    if (version != 1)
        return decode_bad(decoder, ANOMALY_ERSPAN);
    return decoder_push(decoder, TUNNEL_ERSPAN_SESSION, session) ? decode_ethernet(decoder) : DECODE_BAD;
}

static enum decode_result decode_erspan_iii(struct decoder *decoder)
{
    struct cursor *cursor = &decoder->cursor;
    uint8_t version = (uint8_t)(take_u16_be(cursor) >> 12);
    uint16_t session = take_u16_be(cursor) & 0x3ff;
    uint16_t last;

    skip_bytes(cursor, 6); /* timestamp, security group tag */
    last = take_u16_be(cursor);
    if ((last & 1) != 0)
        skip_bytes(cursor, 8); /* what the platform adds */
    if (!cursor_is_good(cursor))
        return decode_gre_end(decoder, ANOMALY_ERSPAN);
    if (version != 2)
        return decode_bad(decoder, ANOMALY_ERSPAN);
    if (!decoder_push(decoder, TUNNEL_ERSPAN_SESSION, session))
        return DECODE_BAD;
    return (last >> 10 & 0x1f) == 2 ? decode_perhaps_ip(decoder) : decode_ethernet(decoder);
}

/* WCCP's second version puts four bytes in front of the packet, its first does not (draft-mclaggan-wccp-v2rev1 section 4.12). */
static enum decode_result decode_wccp(struct decoder *decoder)
{
    int first = peek_u8(&decoder->cursor);

    if (first >> 4 != 4 && first >> 4 != 6)
        skip_bytes(&decoder->cursor, 4);
    return decode_perhaps_ip(decoder);
}

static enum decode_result decode_gre_payload(struct decoder *decoder, uint16_t type)
{
    if (decoder_stated(decoder) == 0) /* a keep-alive */
        return DECODED_NOT_IP;
    if (type >= GRE_ARUBA_FIRST && type <= GRE_ARUBA_LAST)
        return decode_80211(decoder);
    switch (type) {
    case ETHERTYPE_BRIDGED:
        return decode_ethernet(decoder);
    case ETHERTYPE_PPP:
        return decode_ppp(decoder);
    case GRE_WCCP:
        return decode_wccp(decoder);
    default:
        return type > ETHERTYPE_LENGTH_MOST ? decode_ethertype(decoder, type) : DECODED_NOT_IP;
    }
}

static enum decode_result decode_gre(struct decoder *decoder)
{
    struct cursor *cursor = &decoder->cursor;
    uint16_t flags = take_u16_be(cursor);
    uint16_t type = take_u16_be(cursor);
    uint32_t key = 0;

    if (!cursor_is_good(cursor))
        return decode_gre_end(decoder, ANOMALY_GRE_HEADER);
    if ((flags & GRE_VERSION) == 1)
        return decode_pptp(decoder, flags, type);
    if ((flags & GRE_VERSION) != 0)
        return decode_bad(decoder, ANOMALY_GRE_VERSION);
    if ((flags & GRE_RESERVED) != 0)
        return decode_bad(decoder, ANOMALY_GRE_HEADER);
    if ((flags & (GRE_CHECKSUM | GRE_ROUTING)) != 0)
        skip_bytes(cursor, 4);
    if ((flags & GRE_KEY) != 0)
        key = take_u32_be(cursor);
    if ((flags & GRE_SEQUENCE) != 0)
        skip_bytes(cursor, 4);
    if ((flags & GRE_ROUTING) != 0)
        skip_routes(cursor);
    if (!cursor_is_good(cursor))
        return decode_gre_end(decoder, ANOMALY_GRE_HEADER);
    if (type == GRE_ERSPAN)
        return decode_erspan(decoder, (flags & GRE_SEQUENCE) != 0);
    if (type == GRE_ERSPAN_III)
        return decode_erspan_iii(decoder);
    if (!decoder_push(decoder, (flags & GRE_KEY) != 0 ? TUNNEL_GRE_KEY : TUNNEL_GRE, key))
        return DECODE_BAD;
    return decode_gre_payload(decoder, type);
}

/* ---- IP in IP ---- */

/* Whether one of the addresses is made out of an IPv4 address (RFC 3056 section 2). */
static bool is_6to4(struct cursor ip)
{
    uint16_t source;
    uint16_t destination;

    skip_bytes(&ip, 8);
    source = take_u16_be(&ip);
    skip_bytes(&ip, 14);
    destination = take_u16_be(&ip);
    return cursor_is_good(&ip) && (source == 0x2002 || destination == 0x2002);
}

static enum tunnel_kind ip_in_ip_kind(const struct decoder *decoder)
{
    bool is_within_4 = decoder->packet->source.version == 4;

    if (decoder->packet->protocol == IP_PROTOCOL_IPV4)
        return is_within_4 ? TUNNEL_IPIP : TUNNEL_4IN6;
    if (!is_within_4)
        return TUNNEL_6IN6;
    return is_6to4(decoder->cursor) ? TUNNEL_6TO4 : TUNNEL_6IN4;
}

static enum decode_result decode_ip_in_ip(struct decoder *decoder)
{
    int first = peek_u8(&decoder->cursor);

    if (first >= 0 && first >> 4 != (decoder->packet->protocol == IP_PROTOCOL_IPV4 ? 4 : 6))
        return decode_bad(decoder, ANOMALY_IP_VERSION);
    if (!decoder_push(decoder, ip_in_ip_kind(decoder), 0))
        return DECODE_BAD;
    return decode_ip_layer(decoder);
}

enum decode_result decode_ip_tunnel(struct decoder *decoder)
{
    struct packet *packet = decoder->packet;
    struct packet outer = *packet;
    struct decoder inner = *decoder;
    enum decode_result result;

    inner.cursor = cursor_over(packet->network_payload);
    inner.beyond = packet->network_payload_length - (uint32_t)packet->network_payload.length;
    if (packet->protocol == IP_PROTOCOL_GRE)
        result = decode_gre(&inner);
    else if (packet->protocol == IP_PROTOCOL_MPLS)
        result = decode_mpls(&inner);
    else
        result = decode_ip_in_ip(&inner);
    if (result == DECODED)
        return DECODED;
    outer.anomalies = packet->anomalies;
    *packet = outer;
    return DECODED;
}

/* ---- over UDP ---- */

bool is_tunnel_port(uint16_t port)
{
    switch (port) {
    case PORT_GTP:
    case PORT_TEREDO:
    case PORT_GRE:
    case PORT_VXLAN:
    case PORT_VXLAN_GENERIC:
    case PORT_GENEVE:
    case PORT_VXLAN_LINUX:
        return true;
    default:
        return false;
    }
}

static enum decode_result decode_vxlan(struct decoder *decoder)
{
    struct cursor *cursor = &decoder->cursor;
    uint8_t flags = take_u8(cursor);
    uint8_t next;
    uint32_t vni;

    skip_bytes(cursor, 2);
    next = take_u8(cursor);
    vni = take_u24_be(cursor);
    skip_bytes(cursor, 1);
    /* the VNI must be there; bit 0x04 makes it the generic form, which names what follows */
    if (!cursor_is_good(cursor) || (flags & 0x08) == 0)
        return DECODED_NOT_IP;
    if (!decoder_push(decoder, TUNNEL_VXLAN, vni))
        return DECODE_BAD;
    return decode_next_protocol(decoder, (flags & 0x04) != 0 ? next : NEXT_ETHERNET);
}

static enum decode_result decode_geneve(struct decoder *decoder)
{
    struct cursor *cursor = &decoder->cursor;
    uint8_t first = take_u8(cursor);
    uint16_t type;
    uint32_t vni;

    skip_bytes(cursor, 1);
    type = take_u16_be(cursor);
    vni = take_u24_be(cursor);
    skip_bytes(cursor, 1 + (first & 0x3fu) * 4);
    if (!cursor_is_good(cursor) || first >> 6 != 0)
        return DECODED_NOT_IP;
    if (!decoder_push(decoder, TUNNEL_GENEVE, vni))
        return DECODE_BAD;
    if (type == ETHERTYPE_BRIDGED)
        return decode_ethernet(decoder);
    return type > ETHERTYPE_LENGTH_MOST ? decode_ethertype(decoder, type) : DECODED_NOT_IP;
}

/* Each extension header ends with the type of the next; its length counts words of four bytes. */
static bool skip_gtp_extensions(struct cursor *cursor, uint8_t next)
{
    for (unsigned count = 0; next != 0; count++) {
        uint8_t words = take_u8(cursor);

        if (words == 0 || count == GTP_EXTENSION_LIMIT)
            return false;
        skip_bytes(cursor, words * 4u - 2);
        next = take_u8(cursor);
    }
    return cursor_is_good(cursor);
}

static enum decode_result decode_gtp(struct decoder *decoder)
{
    struct cursor *cursor = &decoder->cursor;
    uint8_t flags = take_u8(cursor);
    uint8_t type = take_u8(cursor);
    uint16_t length = take_u16_be(cursor);
    uint32_t teid = take_u32_be(cursor);

    /* version 1, GTP and not GTP', a reserved 0; 255 carries a packet */
    if (!cursor_is_good(cursor) || (flags & 0xf8) != 0x30 || type != 255 || !decoder_limit(decoder, length))
        return DECODED_NOT_IP;
    if ((flags & 0x07) != 0) {
        uint8_t next;

        skip_bytes(cursor, 3); /* sequence number, N-PDU number */
        next = take_u8(cursor);
        if (!skip_gtp_extensions(cursor, (flags & 0x04) != 0 ? next : 0))
            return DECODED_NOT_IP;
    }
    if (!decoder_push(decoder, TUNNEL_GTP, teid))
        return DECODE_BAD;
    return decode_perhaps_ip(decoder);
}

static uint16_t peek_u16(struct cursor cursor)
{
    return take_u16_be(&cursor);
}

/* An authentication and an origin indication may stand before the packet, in this order (RFC 4380 section 5.1.1). */
static enum decode_result decode_teredo(struct decoder *decoder)
{
    struct cursor *cursor = &decoder->cursor;

    if (cursor_left(cursor) >= 2 && peek_u16(*cursor) == 0x0001) {
        uint8_t client;

        skip_bytes(cursor, 2);
        client = take_u8(cursor);
        skip_bytes(cursor, take_u8(cursor) + client + 9u); /* client identifier, authentication, nonce, confirmation */
    }
    if (cursor_left(cursor) >= 2 && peek_u16(*cursor) == 0x0000)
        skip_bytes(cursor, 8);
    if (peek_u8(cursor) >> 4 != 6)
        return DECODED_NOT_IP;
    if (!decoder_push(decoder, TUNNEL_TEREDO, 0))
        return DECODE_BAD;
    return decode_ip_layer(decoder);
}

static enum decode_result decode_by_port(struct decoder *decoder, uint16_t port)
{
    switch (port) {
    case PORT_GTP:
        return decode_gtp(decoder);
    case PORT_TEREDO:
        return decode_teredo(decoder);
    case PORT_GRE:
        return decode_gre(decoder);
    case PORT_GENEVE:
        return decode_geneve(decoder);
    default:
        return decode_vxlan(decoder);
    }
}

bool decode_udp_tunnel(const struct decoder *decoder)
{
    struct packet *packet = decoder->packet;
    struct packet outer = *packet;
    struct decoder inner = {
        .packet = packet,
        .cursor = cursor_over(packet->payload),
        .beyond = packet->payload_length - (uint32_t)packet->payload.length,
        .layers = decoder->layers,
        .is_guess = true,
    };
    uint16_t port = is_tunnel_port(packet->destination_port) ? packet->destination_port : packet->source_port;

    if (decode_by_port(&inner, port) == DECODED)
        return true;
    packet_restore(packet, &outer);
    return false;
}

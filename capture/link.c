/*
 * link.c - link headers, and what stands between them and IP.
 *
 * Ethernet with 802.1Q, 802.1ad, 802.1ah and VN-Tag; LLC and SNAP (RFC 1042); Token Ring, FDDI; Linux cooked capture v1 and
 * v2; raw IP, BSD loopback, ENC, PFLOG, NFLOG, SLIP; PPP (RFC 1661, also multilink where a packet is whole, RFC 1990), with
 * HDLC's framing (RFC 1662), PPPoE (RFC 2516); Cisco HDLC; Frame Relay (RFC 2427); LLC over ATM (RFC 2684); MPLS (RFC 3032)
 * with IP or an Ethernet pseudowire (RFC 4448) inside.
 * The values of link types are those that stand in files (LINKTYPE_); libpcap's DLT_ are the same but for a few.
 */
#include "capture/decode.h"

#include <pcap/pcap.h>

enum link_type {
    LINK_FDDI = 10,
    LINK_RAW_OPENBSD = 14,
    LINK_ATM_RFC1483 = 100,
    LINK_RAW = 101,
    LINK_IPV4 = 228,
    LINK_IPV6 = 229,
    LINK_SLL2 = 276,
};

enum ppp_protocol {
    PPP_IPV4 = 0x0021,
    PPP_MULTILINK = 0x003d,
    PPP_IPV6 = 0x0057,
    PPP_MPLS = 0x0281,
    PPP_MPLS_UPSTREAM = 0x0283,
};

enum nlpid {
    NLPID_SNAP = 0x80,
    NLPID_IPV6 = 0x8e,
    NLPID_IPV4 = 0xcc,
    NLPID_PPP = 0xcf,
};

#define ARPHRD_FRAME_RELAY 770
#define ARPHRD_80211 801
#define ARPHRD_80211_PRISM 802
#define ARPHRD_80211_RADIOTAP 803
#define ARPHRD_NETLINK 824

#define NFLOG_ATTRIBUTES 32
#define NFLOG_PAYLOAD 9

enum decode_result decode_perhaps_ip(struct decoder *decoder)
{
    int version = peek_u8(&decoder->cursor) >> 4;

    if (version < 0)
        return decode_cut(decoder, ANOMALY_LINK_CUT);
    return version == 4 || version == 6 ? decode_ip_layer(decoder) : DECODED_NOT_IP;
}

/* ---- PPP ---- */

static enum decode_result decode_ppp_protocol(struct decoder *decoder, uint16_t protocol);

/* A packet that was not split between the links; those that were are not put together. */
static enum decode_result decode_multilink(struct decoder *decoder)
{
    uint8_t flags = take_u8(&decoder->cursor);

    skip_bytes(&decoder->cursor, 3);
    if (!cursor_is_good(&decoder->cursor))
        return decode_cut(decoder, ANOMALY_LINK_CUT);
    return (flags & 0xc0) == 0xc0 ? decode_ppp(decoder) : DECODED_NOT_IP;
}

static enum decode_result decode_ppp_protocol(struct decoder *decoder, uint16_t protocol)
{
    switch (protocol) {
    case PPP_IPV4:
    case PPP_IPV6:
        return decode_ip_layer(decoder);
    case PPP_MPLS:
    case PPP_MPLS_UPSTREAM:
        return decode_mpls(decoder);
    case PPP_MULTILINK:
        return decode_multilink(decoder);
    default:
        return DECODED_NOT_IP;
    }
}

enum decode_result decode_ppp(struct decoder *decoder)
{
    struct cursor *cursor = &decoder->cursor;
    uint16_t protocol;

    if (!decoder_enter(decoder))
        return DECODE_BAD;
    if (peek_u8(cursor) == 0xff)
        skip_bytes(cursor, 2); /* address and control */
    /* the first octet of the whole field is even, of the compressed one odd */
    protocol = (peek_u8(cursor) & 1) != 0 ? take_u8(cursor) : take_u16_be(cursor);
    if (!cursor_is_good(cursor))
        return decode_cut(decoder, ANOMALY_LINK_CUT);
    return decode_ppp_protocol(decoder, protocol);
}

enum decode_result decode_chdlc(struct decoder *decoder)
{
    uint16_t type;

    skip_bytes(&decoder->cursor, 2);
    type = take_u16_be(&decoder->cursor);
    if (!cursor_is_good(&decoder->cursor))
        return decode_cut(decoder, ANOMALY_LINK_CUT);
    return type > ETHERTYPE_LENGTH_MOST ? decode_ethertype(decoder, type) : DECODED_NOT_IP;
}

/* Cisco's HDLC has addresses that PPP does not use (RFC 1547 section 4.3.1). */
static enum decode_result decode_ppp_or_chdlc(struct decoder *decoder)
{
    int first = peek_u8(&decoder->cursor);

    return first == 0x0f || first == 0x8f ? decode_chdlc(decoder) : decode_ppp(decoder);
}

/* LINKTYPE_PPP_PPPD: the direction stands in place of the address, or before the protocol. */
static enum decode_result decode_ppp_with_direction(struct decoder *decoder)
{
    skip_bytes(&decoder->cursor, 1);
    if (peek_u8(&decoder->cursor) == 0x03)
        skip_bytes(&decoder->cursor, 1);
    return decode_ppp(decoder);
}

static enum decode_result decode_pppoe(struct decoder *decoder)
{
    struct cursor *cursor = &decoder->cursor;
    uint8_t version_and_type = take_u8(cursor);
    uint8_t code = take_u8(cursor);
    uint16_t session = take_u16_be(cursor);
    uint16_t length = take_u16_be(cursor);

    if (!cursor_is_good(cursor))
        return decode_cut(decoder, ANOMALY_LINK_CUT);
    /* a length that is too small cuts nothing off: some concentrators count wrong, and the IP header has its own */
    if (version_and_type != 0x11 || code != 0 || length > decoder_stated(decoder))
        return decode_bad(decoder, ANOMALY_PPPOE);
    if (!decoder_push(decoder, TUNNEL_PPPOE, session))
        return DECODE_BAD;
    return decode_ppp(decoder);
}

/* ---- MPLS ---- */

/* Tries a reading that only the first bytes suggest. False: the packet is as it was. */
static bool decode_guess(const struct decoder *decoder, unsigned skipped, enum decode_result (*decode)(struct decoder *decoder))
{
    struct packet before = *decoder->packet;
    struct decoder guess = *decoder;

    guess.is_guess = true;
    skip_bytes(&guess.cursor, skipped);
    if (decode(&guess) == DECODED)
        return true;
    packet_restore(decoder->packet, &before);
    return false;
}

/*
 * Nothing in the label stack tells what follows. An IP packet shows its version; an Ethernet pseudowire has a control word
 * of zeros before it (RFC 4385), or an address that may look like anything. Where no reading fits, what shows a version
 * is an IP packet with anomalies. The two readings of a pseudowire may each hold another stack: no more than
 * TUNNEL_LAYERS of them.
 */
static enum decode_result decode_under_labels(struct decoder *decoder)
{
    int first = peek_u8(&decoder->cursor);
    bool shows_ip = first >> 4 == 4 || first >> 4 == 6;

    if (first < 0)
        return decode_cut(decoder, ANOMALY_LINK_CUT);
    if (shows_ip && decode_guess(decoder, 0, decode_ip_layer))
        return DECODED;
    if ((first >> 4 == 0 && decode_guess(decoder, 4, decode_ethernet)) || decode_guess(decoder, 0, decode_ethernet))
        return DECODED;
    return shows_ip ? decode_ip_layer(decoder) : DECODED_NOT_IP;
}

enum decode_result decode_mpls(struct decoder *decoder)
{
    uint32_t label = 0;
    bool is_bottom = false;

    if (!decoder_enter(decoder))
        return DECODE_BAD;
    for (unsigned count = 0; !is_bottom; count++) {
        if (count == MPLS_LIMIT)
            return decode_bad(decoder, ANOMALY_MPLS_LIMIT);
        label = take_u32_be(&decoder->cursor);
        if (!cursor_is_good(&decoder->cursor))
            return decode_cut(decoder, ANOMALY_LINK_CUT);
        is_bottom = (label & 0x100) != 0;
    }
    if (!decoder_push(decoder, TUNNEL_MPLS, label >> 12))
        return DECODE_BAD;
    return decode_under_labels(decoder);
}

/* ---- LLC and its kin ---- */

static enum decode_result decode_snap(struct decoder *decoder)
{
    struct cursor *cursor = &decoder->cursor;
    uint32_t organization = take_u24_be(cursor);
    uint16_t type = take_u16_be(cursor);

    if (!cursor_is_good(cursor))
        return decode_cut(decoder, ANOMALY_LINK_CUT);
    if ((organization == 0 || organization == 0x0000f8) && type > ETHERTYPE_LENGTH_MOST) /* 0000f8: 802.1H */
        return decode_ethertype(decoder, type);
    if (organization != 0x0080c2 || (type != 0x0001 && type != 0x0007))
        return DECODED_NOT_IP;
    if (!decoder_enter(decoder))
        return DECODE_BAD;
    return decode_ethernet(decoder); /* bridged */
}

enum decode_result decode_nlpid(struct decoder *decoder)
{
    int nlpid = peek_u8(&decoder->cursor);

    if (nlpid < 0)
        return decode_cut(decoder, ANOMALY_LINK_CUT);
    skip_bytes(&decoder->cursor, 1);
    switch (nlpid) {
    case NLPID_IPV4:
    case NLPID_IPV6:
        return decode_ip_layer(decoder);
    case NLPID_SNAP:
        return decode_snap(decoder);
    case NLPID_PPP:
        return decode_ppp(decoder);
    default:
        return DECODED_NOT_IP;
    }
}

enum decode_result decode_llc(struct decoder *decoder)
{
    uint32_t llc = take_u24_be(&decoder->cursor);

    if (!cursor_is_good(&decoder->cursor))
        return decode_cut(decoder, ANOMALY_LINK_CUT);
    switch (llc) {
    case 0xaaaa03:
        return decode_snap(decoder);
    case 0x060603:
        return decode_ip_layer(decoder);
    case 0xfefe03:
        return decode_nlpid(decoder);
    default:
        return DECODED_NOT_IP;
    }
}

/* RFC 2684 section 5.2: as LLC, but a bridged frame has two bytes of padding before it. */
static enum decode_result decode_atm_llc(struct decoder *decoder)
{
    struct cursor peek = decoder->cursor;

    if (take_u64_be(&peek) == UINT64_C(0xaaaa030080c20007)) {
        skip_bytes(&decoder->cursor, 10);
        return decode_ethernet(decoder);
    }
    return decode_llc(decoder);
}

/* The address ends with the first octet whose lowest bit is set; Cisco's form has an EtherType behind it. */
enum decode_result decode_frame_relay(struct decoder *decoder)
{
    struct cursor *cursor = &decoder->cursor;
    bool is_last = false;
    uint16_t type;

    for (unsigned count = 0; !is_last && count < 4; count++)
        is_last = (take_u8(cursor) & 1) != 0;
    if (peek_u8(cursor) == 0x03) {
        skip_bytes(cursor, 1);
        if (peek_u8(cursor) == 0)
            skip_bytes(cursor, 1); /* padding */
        return decode_nlpid(decoder);
    }
    type = take_u16_be(cursor);
    if (!cursor_is_good(cursor))
        return decode_cut(decoder, ANOMALY_LINK_CUT);
    return is_last && type > ETHERTYPE_LENGTH_MOST ? decode_ethertype(decoder, type) : DECODED_NOT_IP;
}

/* Access control and frame control, two addresses, and the route that the first bit of the source announces. */
static enum decode_result decode_token_ring(struct decoder *decoder)
{
    struct cursor *cursor = &decoder->cursor;
    bool has_route;

    skip_bytes(cursor, 8);
    has_route = (take_u8(cursor) & 0x80) != 0;
    skip_bytes(cursor, 5);
    if (has_route && peek_u8(cursor) >= 0)
        skip_bytes(cursor, (size_t)peek_u8(cursor) & 0x1f);
    return decode_llc(decoder);
}

static enum decode_result decode_fddi(struct decoder *decoder)
{
    uint8_t control = take_u8(&decoder->cursor);

    skip_bytes(&decoder->cursor, 12);
    if (cursor_is_good(&decoder->cursor) && (control & 0xf0) != 0x50)
        return DECODED_NOT_IP;
    return decode_llc(decoder);
}

/* ---- Ethernet ---- */

static bool is_tag(uint16_t type)
{
    return type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ || type == ETHERTYPE_QINQ_OLD || type == ETHERTYPE_QINQ_OLDER || type == ETHERTYPE_VNTAG;
}

/* False: more tags than are followed. *type becomes the one behind them. */
static bool take_tags(struct decoder *decoder, uint16_t *type)
{
    struct packet *packet = decoder->packet;

    for (unsigned count = 0; is_tag(*type); count++) {
        if (count == VLAN_LIMIT)
            return false;
        if (*type == ETHERTYPE_VNTAG) {
            skip_bytes(&decoder->cursor, 4);
        } else {
            packet->vlan = take_u16_be(&decoder->cursor) & 0x0fff;
            packet->has_vlan = true;
        }
        *type = take_u16_be(&decoder->cursor);
    }
    return true;
}

/* The service instance and, behind it, the customer's whole frame. */
static enum decode_result decode_pbb(struct decoder *decoder)
{
    uint32_t tag = take_u32_be(&decoder->cursor);

    if (!cursor_is_good(&decoder->cursor))
        return decode_cut(decoder, ANOMALY_LINK_CUT);
    if (!decoder_push(decoder, TUNNEL_PBB, tag & 0xffffff))
        return DECODE_BAD;
    return decode_ethernet(decoder);
}

enum decode_result decode_ethertype(struct decoder *decoder, uint16_t type)
{
    if (is_tag(type) && !take_tags(decoder, &type))
        return decode_bad(decoder, ANOMALY_VLAN_LIMIT);
    if (!cursor_is_good(&decoder->cursor))
        return decode_cut(decoder, ANOMALY_LINK_CUT);
    if (type == ETHERTYPE_IPV4 || type == ETHERTYPE_IPV6)
        return decode_ip_layer(decoder);
    if (!decoder_enter(decoder))
        return DECODE_BAD;
    switch (type) {
    case ETHERTYPE_PPPOE_SESSION:
        return decode_pppoe(decoder);
    case ETHERTYPE_MPLS:
    case ETHERTYPE_MPLS_UPSTREAM:
        return decode_mpls(decoder);
    case ETHERTYPE_PBB:
        return decode_pbb(decoder);
    case ETHERTYPE_NSH:
        return decode_nsh(decoder);
    default:
        return type <= ETHERTYPE_LENGTH_MOST ? decode_llc(decoder) : DECODED_NOT_IP;
    }
}

enum decode_result decode_ethernet(struct decoder *decoder)
{
    skip_bytes(&decoder->cursor, 12);
    return decode_ethertype(decoder, take_u16_be(&decoder->cursor));
}

/* ---- headers that systems put before a frame ---- */

/* The field holds an EtherType, save for the ARPHRD_ types whose frames begin with a header of their own. */
static enum decode_result decode_cooked_frame(struct decoder *decoder, uint16_t hardware, uint16_t type)
{
    if (!cursor_is_good(&decoder->cursor))
        return decode_cut(decoder, ANOMALY_LINK_CUT);
    switch (hardware) {
    case ARPHRD_80211:
        return decode_80211(decoder);
    case ARPHRD_80211_PRISM:
        return decode_prism(decoder);
    case ARPHRD_80211_RADIOTAP:
        return decode_radiotap(decoder);
    case ARPHRD_FRAME_RELAY:
        return decode_frame_relay(decoder);
    case ARPHRD_NETLINK:
        return DECODED_NOT_IP;
    default:
        /* a tunnel's device shows whole frames where its header announced them */
        return type == ETHERTYPE_BRIDGED ? decode_ethernet(decoder) : decode_ethertype(decoder, type);
    }
}

static enum decode_result decode_cooked(struct decoder *decoder)
{
    uint16_t hardware;

    skip_bytes(&decoder->cursor, 2);
    hardware = take_u16_be(&decoder->cursor);
    skip_bytes(&decoder->cursor, 10);
    return decode_cooked_frame(decoder, hardware, take_u16_be(&decoder->cursor));
}

static enum decode_result decode_cooked2(struct decoder *decoder)
{
    uint16_t type = take_u16_be(&decoder->cursor);
    uint16_t hardware;

    skip_bytes(&decoder->cursor, 6);
    hardware = take_u16_be(&decoder->cursor);
    skip_bytes(&decoder->cursor, 10);
    return decode_cooked_frame(decoder, hardware, type);
}

/* Address families: the number of IPv6 differs between systems. */
static bool is_ip_family(uint32_t family)
{
    return family == 2 || family == 10 || family == 24 || family == 26 || family == 28 || family == 30;
}

/* The address family, in the byte order of the host that captured. */
static enum decode_result decode_loopback(struct decoder *decoder)
{
    uint32_t family = take_u32_be(&decoder->cursor);

    if (!cursor_is_good(&decoder->cursor))
        return decode_cut(decoder, ANOMALY_LINK_CUT);
    if (family > 0xffff)
        family = __builtin_bswap32(family);
    return is_ip_family(family) ? decode_ip_layer(decoder) : DECODED_NOT_IP;
}

/* OpenBSD's IPsec interface: the family as in the loopback, the index and the flags of the security association. */
static enum decode_result decode_enc(struct decoder *decoder)
{
    skip_bytes(&decoder->cursor, 12);
    return decode_perhaps_ip(decoder);
}

/* The header tells its length, without the padding to four bytes; systems differ in what it holds behind the family. */
static enum decode_result decode_pflog(struct decoder *decoder)
{
    uint8_t length = take_u8(&decoder->cursor);
    uint8_t family = take_u8(&decoder->cursor);

    if (!cursor_is_good(&decoder->cursor))
        return decode_cut(decoder, ANOMALY_LINK_CUT);
    if (length < 45) /* what all have: names of interface and rule set, numbers of the rules */
        return decode_bad(decoder, ANOMALY_LINK_HEADER);
    skip_bytes(&decoder->cursor, ((length + 3u) & ~3u) - 2);
    if (!cursor_is_good(&decoder->cursor))
        return decode_cut(decoder, ANOMALY_LINK_CUT);
    return is_ip_family(family) ? decode_ip_layer(decoder) : DECODED_NOT_IP;
}

/* Attributes in the byte order of the host that captured: the one in which the first length fits. */
static enum decode_result decode_nflog(struct decoder *decoder)
{
    struct cursor *cursor = &decoder->cursor;
    uint8_t family = take_u8(cursor);
    struct cursor peek;
    bool is_little;

    skip_bytes(cursor, 3);
    peek = *cursor;
    is_little = take_u16_le(&peek) <= decoder_stated(decoder);
    for (unsigned count = 0; count < NFLOG_ATTRIBUTES && cursor_left(cursor) > 0; count++) {
        uint16_t length = is_little ? take_u16_le(cursor) : take_u16_be(cursor);
        uint16_t type = is_little ? take_u16_le(cursor) : take_u16_be(cursor);

        if (cursor_is_good(cursor) && length < 4)
            return decode_bad(decoder, ANOMALY_LINK_HEADER);
        if (cursor_is_good(cursor) && (type & 0x7fff) == NFLOG_PAYLOAD) {
            if (!decoder_limit(decoder, length - 4u))
                return decode_bad(decoder, ANOMALY_LINK_HEADER);
            return is_ip_family(family) ? decode_ip_layer(decoder) : DECODED_NOT_IP;
        }
        skip_bytes(cursor, ((length + 3u) & ~3u) - 4);
    }
    return cursor_is_good(cursor) ? DECODED_NOT_IP : decode_cut(decoder, ANOMALY_LINK_CUT);
}

/* A direction and the header that van Jacobson's compression would have: the packet behind them is whole. */
static enum decode_result decode_slip(struct decoder *decoder)
{
    skip_bytes(&decoder->cursor, 16);
    return decode_perhaps_ip(decoder);
}

/* LINKTYPE_..._WITH_DIR */
static enum decode_result decode_behind_direction(struct decoder *decoder, enum decode_result (*decode)(struct decoder *decoder))
{
    skip_bytes(&decoder->cursor, 1);
    return decode(decoder);
}

/* ---- by link type ---- */

static enum decode_result decode_serial_link(struct decoder *decoder, int link_type)
{
    switch (link_type) {
    case DLT_PPP:
    case DLT_PPP_SERIAL:
        return decode_ppp_or_chdlc(decoder);
    case DLT_PPP_ETHER:
        return decode_pppoe(decoder);
    case DLT_PPP_PPPD:
        return decode_ppp_with_direction(decoder);
    case DLT_PPP_WITH_DIR:
        return decode_behind_direction(decoder, decode_ppp_or_chdlc);
    case DLT_C_HDLC:
        return decode_chdlc(decoder);
    case DLT_C_HDLC_WITH_DIR:
        return decode_behind_direction(decoder, decode_chdlc);
    case DLT_FRELAY:
        return decode_frame_relay(decoder);
    case DLT_FRELAY_WITH_DIR:
        return decode_behind_direction(decoder, decode_frame_relay);
    case DLT_MPLS:
        return decode_mpls(decoder);
    case DLT_ATM_RFC1483:
    case LINK_ATM_RFC1483:
        return decode_atm_llc(decoder);
    case DLT_SLIP:
        return decode_slip(decoder);
    default:
        return decode_bad(decoder, ANOMALY_LINK_TYPE);
    }
}

static enum decode_result decode_other_link(struct decoder *decoder, int link_type)
{
    switch (link_type) {
    case DLT_IEEE802_11:
        return decode_80211(decoder);
    case DLT_IEEE802_11_RADIO:
        return decode_radiotap(decoder);
    case DLT_PRISM_HEADER:
    case DLT_IEEE802_11_RADIO_AVS:
        return decode_prism(decoder);
    case DLT_IEEE802:
        return decode_token_ring(decoder);
    case LINK_FDDI:
        return decode_fddi(decoder);
    case DLT_ENC:
        return decode_enc(decoder);
    case DLT_PFLOG:
        return decode_pflog(decoder);
    case DLT_NFLOG:
        return decode_nflog(decoder);
    default:
        return is_juniper(link_type) ? decode_juniper(decoder, link_type) : decode_serial_link(decoder, link_type);
    }
}

static enum decode_result decode_link(struct decoder *decoder, int link_type)
{
    switch (link_type) {
    case DLT_EN10MB:
        return decode_ethernet(decoder);
    case DLT_LINUX_SLL:
        return decode_cooked(decoder);
    case LINK_SLL2:
        return decode_cooked2(decoder);
    case DLT_NULL:
    case DLT_LOOP:
        return decode_loopback(decoder);
    case DLT_RAW:
    case LINK_RAW_OPENBSD:
    case LINK_RAW:
    case LINK_IPV4:
    case LINK_IPV6:
        return decode_ip_layer(decoder);
    default:
        return decode_other_link(decoder, link_type);
    }
}

enum decode_result decode_frame(struct packet *packet, int link_type)
{
    struct decoder decoder = {.packet = packet, .cursor = cursor_over(packet->frame)};
    enum decode_result result;

    packet->anomalies = 0;
    packet->tunnel.count = 0;
    packet->has_vlan = false;
    packet->has_transport = false;
    packet->is_fragment = false;
    packet->checksum = CHECKSUM_UNCHECKED;
    if (packet->wire_length > packet->frame.length) {
        decoder.beyond = packet->wire_length - (uint32_t)packet->frame.length;
        packet_note(packet, ANOMALY_FRAME_CUT);
    }
    result = decode_link(&decoder, link_type);
    return packet_has(packet, ANOMALY_LINK_TYPE) ? DECODE_LINK_TYPE : result;
}

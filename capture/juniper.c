/*
 * juniper.c - the headers that Juniper's routers put before what they capture (LINKTYPE_JUNIPER_...).
 *
 * There is no public specification: this follows what tcpdump knows of them. A magic number, flags, extensions that tell
 * of the interface, then a cookie whose length depends on the card, then the frame. Guesses: where neither the type nor the
 * cookie says what follows, its first bytes do.
 * Leaves out: OAM cells, relayed cells, ISO's network layer, pieces of multilink bundles.
 */
#include "capture/decode.h"

#include <pcap/pcap.h>

#define JUNIPER_MAGIC 0x4d4743u /* "MGC" */

enum juniper_flag {
    JUNIPER_IN = 0x01,
    JUNIPER_NO_LINK_HEADER = 0x02,
    JUNIPER_EXTENSIONS = 0x80,
};

/* The first byte of the cookies of services cards. */
enum juniper_cookie {
    COOKIE_LINK_SERVICES = 0x54,
    COOKIE_ADAPTIVE_SERVICES = 0x47,
};

#define COOKIE_MOST 10

enum protocol_of_cookie {
    COOKIE_IPV4 = 0x00,
    COOKIE_IPV6 = 0x10,
    COOKIE_MPLS = 0x20,
    COOKIE_PROTOCOL = 0x70,
};

bool is_juniper(int link_type)
{
    switch (link_type) {
    case DLT_JUNIPER_MLPPP:
    case DLT_JUNIPER_MLFR:
    case DLT_JUNIPER_ES:
    case DLT_JUNIPER_GGSN:
    case DLT_JUNIPER_MFR:
    case DLT_JUNIPER_ATM2:
    case DLT_JUNIPER_SERVICES:
    case DLT_JUNIPER_ATM1:
    case DLT_JUNIPER_MONITOR:
    case DLT_JUNIPER_PPPOE:
    case DLT_JUNIPER_PPPOE_ATM:
    case DLT_JUNIPER_ETHER:
    case DLT_JUNIPER_PPP:
    case DLT_JUNIPER_FRELAY:
    case DLT_JUNIPER_CHDLC:
    case DLT_JUNIPER_VP:
    case DLT_JUNIPER_ST:
    case DLT_JUNIPER_VS:
    case DLT_JUNIPER_SRX_E2E:
        return true;
    default:
        return false;
    }
}

/* Its length where no services card wrote it. */
static unsigned plain_cookie(int link_type)
{
    switch (link_type) {
    case DLT_JUNIPER_ATM1:
    case DLT_JUNIPER_MFR:
        return 4;
    case DLT_JUNIPER_MLPPP:
    case DLT_JUNIPER_MLFR:
        return 2;
    case DLT_JUNIPER_ATM2:
    case DLT_JUNIPER_GGSN:
    case DLT_JUNIPER_MONITOR:
    case DLT_JUNIPER_SERVICES:
        return 8;
    default:
        return 0;
    }
}

static unsigned cookie_length(int link_type, int first)
{
    bool has_services = link_type == DLT_JUNIPER_MLPPP || link_type == DLT_JUNIPER_MLFR || link_type == DLT_JUNIPER_MFR;

    if (has_services && first == COOKIE_ADAPTIVE_SERVICES)
        return 8;
    if (has_services && first == COOKIE_LINK_SERVICES)
        return plain_cookie(link_type) + 2;
    /* the links of a multilink bundle have none: their frames begin with both marks of a fragment */
    if (link_type == DLT_JUNIPER_MFR && first >= 0 && (first & 0xc0) == 0xc0)
        return 0;
    return plain_cookie(link_type);
}

struct cookie {
    uint8_t bytes[COOKIE_MOST]; /* zeros behind its length */
    unsigned length;
    bool is_in; /* the packet came in */
};

/* LLC, or the network protocol's number behind an octet 0x03. False: neither. */
static bool decode_atm_headers(struct decoder *decoder, enum decode_result *result)
{
    struct cursor peek = decoder->cursor;
    uint32_t first = take_u24_be(&peek);

    if (first == 0xfefe03 || first == 0xaaaa03) {
        *result = decode_llc(decoder);
        return true;
    }
    if (first >> 16 == 0x03) {
        skip_bytes(&decoder->cursor, 1);
        *result = decode_nlpid(decoder);
        return true;
    }
    return false;
}

static enum decode_result decode_atm1(struct decoder *decoder, const struct cookie *cookie)
{
    enum decode_result result;

    if (cookie->bytes[0] == 0x80) /* an OAM cell */
        return DECODED_NOT_IP;
    return decode_atm_headers(decoder, &result) ? result : decode_perhaps_ip(decoder);
}

static bool begins_as_ppp(struct cursor cursor)
{
    uint16_t protocol = take_u16_be(&cursor);

    return protocol == 0x0021 || protocol == 0x0057 || protocol == 0x0281 || protocol == 0x0283 || protocol == 0x003d || protocol >> 8 == 0x80 ||
           protocol >> 8 == 0xc0 || protocol >> 8 == 0xc2;
}

static enum decode_result decode_atm2(struct decoder *decoder, const struct cookie *cookie)
{
    enum decode_result result;
    struct cursor peek = decoder->cursor;
    uint32_t first = take_u24_be(&peek);

    if ((cookie->bytes[7] & 0x70) != 0) /* OAM, or a cell that is relayed */
        return DECODED_NOT_IP;
    /* what goes out with a gap count is Ethernet, unless it shows LLC */
    if (!cookie->is_in && (cookie->bytes[3] & 0x3f) != 0 && first != 0xfefe03 && first != 0xaaaa03)
        return decode_ethernet(decoder);
    if (decode_atm_headers(decoder, &result))
        return result;
    return begins_as_ppp(decoder->cursor) ? decode_ppp(decoder) : decode_perhaps_ip(decoder);
}

/* What an adaptive services card says of the packet. */
static enum decode_result decode_services_protocol(struct decoder *decoder, const struct cookie *cookie)
{
    switch (cookie->bytes[5] & COOKIE_PROTOCOL) {
    case COOKIE_IPV4:
    case COOKIE_IPV6:
        return decode_perhaps_ip(decoder);
    case COOKIE_MPLS:
        return decode_mpls(decoder);
    default:
        return DECODED_NOT_IP;
    }
}

static enum decode_result decode_mlppp(struct decoder *decoder, const struct cookie *cookie)
{
    bool is_services = cookie->bytes[0] == COOKIE_ADAPTIVE_SERVICES;

    /* to the routing engine no IP goes with a cookie: then it is PPP */
    if (is_services && !((cookie->bytes[5] & COOKIE_PROTOCOL) == COOKIE_IPV4 && cookie->bytes[4] == 0x0c))
        return decode_services_protocol(decoder, cookie);
    return decode_ppp(decoder);
}

/* Frame relay over several links: the control octet and the protocol's number stand behind the cookie. */
static enum decode_result decode_mlfr(struct decoder *decoder, const struct cookie *cookie)
{
    if (cookie->length == 0)
        return DECODED_NOT_IP; /* a piece */
    if (cookie->bytes[0] == COOKIE_ADAPTIVE_SERVICES)
        return decode_services_protocol(decoder, cookie);
    if (take_u8(&decoder->cursor) != 0x03)
        return cursor_is_good(&decoder->cursor) ? DECODED_NOT_IP : decode_cut(decoder, ANOMALY_LINK_CUT);
    if (peek_u8(&decoder->cursor) == 0)
        skip_bytes(&decoder->cursor, 1); /* padding */
    return decode_nlpid(decoder);
}

/* IPsec: three of the types leave the association and the outer addresses before the packet. */
static enum decode_result decode_es(struct decoder *decoder)
{
    struct cursor peek = decoder->cursor;
    uint8_t type;

    skip_bytes(&peek, 3);
    type = take_u8(&peek);
    if (!cursor_is_good(&peek))
        return decode_cut(decoder, ANOMALY_LINK_CUT);
    if (type >= 3 && type <= 5)
        skip_bytes(&decoder->cursor, 16);
    return decode_perhaps_ip(decoder);
}

static enum decode_result decode_frame_behind(struct decoder *decoder, int link_type, const struct cookie *cookie)
{
    switch (link_type) {
    case DLT_JUNIPER_ETHER:
    case DLT_JUNIPER_PPPOE:
        return decode_ethernet(decoder);
    case DLT_JUNIPER_PPPOE_ATM:
        return decode_ethertype(decoder, take_u16_be(&decoder->cursor));
    case DLT_JUNIPER_PPP:
        return decode_ppp(decoder);
    case DLT_JUNIPER_CHDLC:
        return decode_chdlc(decoder);
    case DLT_JUNIPER_FRELAY:
        return decode_frame_relay(decoder);
    case DLT_JUNIPER_ATM1:
        return decode_atm1(decoder, cookie);
    case DLT_JUNIPER_ATM2:
        return decode_atm2(decoder, cookie);
    case DLT_JUNIPER_MLPPP:
        return decode_mlppp(decoder, cookie);
    case DLT_JUNIPER_MLFR:
    case DLT_JUNIPER_MFR:
        return decode_mlfr(decoder, cookie);
    case DLT_JUNIPER_ES:
        return decode_es(decoder);
    default:
        return decode_perhaps_ip(decoder);
    }
}

enum decode_result decode_juniper(struct decoder *decoder, int link_type)
{
    struct cursor *cursor = &decoder->cursor;
    struct cookie cookie = {.length = 0};
    uint32_t magic = take_u24_be(cursor);
    uint8_t flags = take_u8(cursor);
    struct bytes bytes;

    if (cursor_is_good(cursor) && magic != JUNIPER_MAGIC)
        return decode_bad(decoder, ANOMALY_LINK_HEADER);
    cookie.is_in = (flags & JUNIPER_IN) != 0;
    if ((flags & JUNIPER_EXTENSIONS) != 0)
        skip_bytes(cursor, take_u16_be(cursor));
    if ((flags & JUNIPER_NO_LINK_HEADER) != 0) {
        skip_bytes(cursor, 4);
        return decode_perhaps_ip(decoder);
    }
    cookie.length = cookie_length(link_type, peek_u8(cursor));
    bytes = take_bytes(cursor, cookie.length);
    if (!cursor_is_good(cursor))
        return decode_cut(decoder, ANOMALY_LINK_CUT);
    if (bytes.length > 0)
        memcpy(cookie.bytes, bytes.at, bytes.length);
    return decode_frame_behind(decoder, link_type, &cookie);
}

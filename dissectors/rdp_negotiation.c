/*
 * rdp_negotiation.c - what stands in the X.224 connection request and confirm: cookie, routing token, negotiation and
 * correlation, [MS-RDPBCGR] 2.2.1.1 and 2.2.1.2; and the preconnection PDU that may come before them, [MS-RDPEPS] 2.2.1.
 */
#include "dissectors/rdp_record.h"

enum negotiation_type { /* 2.2.1.1.1, 2.2.1.2.1, 2.2.1.2.2, 2.2.1.1.2 */
                        NEGOTIATION_REQUEST = 1,
                        NEGOTIATION_RESPONSE = 2,
                        NEGOTIATION_FAILURE = 3,
                        CORRELATION_INFO = 6,
};

#define NEGOTIATION_LENGTH 8
#define CORRELATION_LENGTH 36
#define CORRELATION_RESERVED 16
#define ROUTING_LIMIT 32
#define PRECONNECTION_V1 16
#define PRECONNECTION_V2 18
/* The longest preconnection PDU that is believed; Hyper-V's names a machine in some 80 bytes. */
#define PRECONNECTION_LIMIT 2048

enum negotiation {
    NEGOTIATION_ABSENT,
    NEGOTIATION_READ,
    NEGOTIATION_INVALID,
};

/* Reads a negotiation structure of that type, if one stands here. */
static enum negotiation read_negotiation(struct cursor *cursor, uint8_t type, struct rdp_number *flags, struct rdp_number *value)
{
    uint8_t flag_bits;
    uint16_t length;
    uint32_t number;

    if (peek_u8(cursor) != type)
        return NEGOTIATION_ABSENT;
    skip_bytes(cursor, 1);
    flag_bits = take_u8(cursor);
    length = take_u16_le(cursor);
    number = take_u32_le(cursor);
    if (!cursor_is_good(cursor) || length != NEGOTIATION_LENGTH)
        return NEGOTIATION_INVALID;
    *flags = (struct rdp_number){.value = flag_bits, .is_known = true};
    *value = (struct rdp_number){.value = number, .is_known = true};
    return NEGOTIATION_READ;
}

/* The id that ties the connection to a broker's log. */
static bool read_correlation(struct cursor *cursor, struct rdp_facts *facts)
{
    uint16_t length;
    struct bytes id;

    if (peek_u8(cursor) != CORRELATION_INFO)
        return true;
    skip_bytes(cursor, 1 + 1); /* type, flags */
    length = take_u16_le(cursor);
    id = take_bytes(cursor, RDP_CORRELATION_LENGTH);
    skip_bytes(cursor, CORRELATION_RESERVED);
    if (!cursor_is_good(cursor) || length != CORRELATION_LENGTH)
        return false;
    memcpy(facts->correlation_id, id.at, RDP_CORRELATION_LENGTH);
    facts->has_correlation_id = true;
    return true;
}

/*
 * msts=ADDRESS.PORT.0000, the token of a load balancer: an IPv4 address and a port, each a decimal number of the bytes in
 * their order on the wire, read the least significant first.
 */
static void read_routing_address(struct bytes token, struct text *address)
{
    struct bytes rest;
    struct bytes last;
    uint64_t ip;
    uint64_t port;
    struct bytes first = bytes_split(token, '.', &rest);
    struct bytes second = bytes_split(rest, '.', &last);

    if (!bytes_to_number(first, UINT32_MAX, &ip) || !bytes_to_number(second, UINT16_MAX, &port) || !bytes_equal(last, bytes_of_text("0000")))
        return;
    address->limit = ROUTING_LIMIT;
    text_append_format(address, "%u.%u.%u.%u:%u", (unsigned)(ip & 0xff), (unsigned)(ip >> 8 & 0xff), (unsigned)(ip >> 16 & 0xff),
                       (unsigned)(ip >> 24), (unsigned)(port >> 8 | (port & 0xff) << 8));
}

/* The cookie or routing token: a line that CR LF ends, before the negotiation request. False where it has no end. */
static bool read_cookie(struct cursor *cursor, struct rdp_facts *facts)
{
    static const char cookie[] = "Cookie: ";
    static const char user[] = "mstshash=";
    static const char token[] = "msts=";
    struct bytes line;
    int first = peek_u8(cursor);

    if (first == -1 || first == NEGOTIATION_REQUEST || first == CORRELATION_INFO)
        return true;
    line = take_line(cursor);
    if (!cursor_is_good(cursor))
        return false;
    if (bytes_begin_nocase(line, cookie))
        line = bytes_of(line.at + sizeof cookie - 1, line.length - (sizeof cookie - 1));
    if (bytes_begin_nocase(line, user))
        line = bytes_of(line.at + sizeof user - 1, line.length - (sizeof user - 1));
    else if (bytes_begin_nocase(line, token))
        read_routing_address(bytes_of(line.at + sizeof token - 1, line.length - (sizeof token - 1)), &facts->routing_address);
    text_append(&facts->cookie, line);
    return true;
}

bool rdp_read_request(struct cursor *variable, struct rdp_facts *facts)
{
    return read_cookie(variable, facts) &&
           read_negotiation(variable, NEGOTIATION_REQUEST, &facts->request_flags, &facts->requested) != NEGOTIATION_INVALID &&
           read_correlation(variable, facts) && cursor_left(variable) == 0;
}

bool rdp_read_confirm(struct cursor *variable, struct rdp_facts *facts)
{
    struct rdp_number none;
    enum negotiation refused;

    if (cursor_left(variable) == 0) {
        facts->selected = (struct rdp_number){.value = RDP_PROTOCOL_RDP, .is_known = true};
        return true;
    }
    refused = read_negotiation(variable, NEGOTIATION_FAILURE, &none, &facts->failure);
    if (refused == NEGOTIATION_ABSENT)
        refused = read_negotiation(variable, NEGOTIATION_RESPONSE, &facts->confirm_flags, &facts->selected);
    return refused == NEGOTIATION_READ && cursor_left(variable) == 0;
}

bool rdp_is_negotiation(int first, enum side from)
{
    return from == FROM_CLIENT ? first == NEGOTIATION_REQUEST : first == NEGOTIATION_RESPONSE || first == NEGOTIATION_FAILURE;
}

enum rdp_preconnection rdp_read_preconnection(struct cursor *bytes, struct rdp_facts *facts)
{
    struct cursor ahead = *bytes;
    uint32_t size = take_u32_le(&ahead);
    uint32_t flags = take_u32_le(&ahead);
    uint32_t version = take_u32_le(&ahead);
    uint32_t id = take_u32_le(&ahead);
    uint16_t letters;
    struct cursor blob;

    if (cursor_left(bytes) >= 4 && (size < PRECONNECTION_V1 || size > PRECONNECTION_LIMIT))
        return PRECONNECTION_ABSENT;
    if (cursor_left(bytes) >= 12 && (flags != 0 || (version != 1 && version != 2) || (version == 1) != (size == PRECONNECTION_V1)))
        return PRECONNECTION_ABSENT;
    letters = version == 2 ? take_u16_le(&ahead) : 0;
    if (!cursor_is_good(&ahead))
        return PRECONNECTION_SHORT;
    if (version == 2 && size != PRECONNECTION_V2 + 2u * letters)
        return PRECONNECTION_ABSENT;
    blob = take_child(&ahead, 2u * letters);
    if (!cursor_is_good(&ahead))
        return PRECONNECTION_SHORT;
    *bytes = ahead;
    if (facts == NULL)
        return PRECONNECTION_READ;
    facts->preconnection_id = (struct rdp_number){.value = id, .is_known = true};
    facts->preconnection_blob.limit = PRECONNECTION_LIMIT;
    rdp_append_utf16(&facts->preconnection_blob, blob);
    return PRECONNECTION_READ;
}

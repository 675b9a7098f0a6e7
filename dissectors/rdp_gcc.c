/*
 * rdp_gcc.c - MCS Connect-Initial and Connect-Response (T.125 7, BER: X.690) and the GCC Conference Create in them
 * (T.124 8.7, aligned PER: X.691), up to the data blocks of [MS-RDPBCGR] 2.2.1.3 and 2.2.1.4: rdp_blocks.c.
 *
 * Leaves out: passwords, privileges, descriptions and identifiers of a conference, which no client of RDP states: a
 * PDU that has one is invalid. What follows a connect in its TPKT is not looked at.
 */
#include "dissectors/rdp_settings.h"

enum ber_tag {
    BER_BOOLEAN = 0x01,
    BER_INTEGER = 0x02,
    BER_OCTET_STRING = 0x04,
    BER_ENUMERATED = 0x0a,
    BER_SEQUENCE = 0x30,
    BER_CONNECT_INITIAL = 0x7f65,
    BER_CONNECT_RESPONSE = 0x7f66,
};

enum conference_choice { /* T.124, ConnectGCCPDU */
                         CONFERENCE_CREATE_REQUEST = 0,
                         CONFERENCE_CREATE_RESPONSE = 1,
};

#define MCS_RT_SUCCESSFUL 0

/* ---- BER ---- */

size_t rdp_take_ber_length(struct cursor *cursor)
{
    uint8_t first = take_u8(cursor);
    unsigned count = first & 0x7f;
    size_t length = 0;

    if (first < 0x80)
        return first;
    if (count == 0 || count > 4) {
        cursor_reject(cursor);
        return 0;
    }
    while (count-- > 0)
        length = length << 8 | take_u8(cursor);
    return length;
}

/* An element of that tag: its contents as a child. Rejects where another tag stands. */
static struct cursor take_ber(struct cursor *cursor, uint8_t tag)
{
    if (take_u8(cursor) != tag)
        cursor_reject(cursor);
    return take_child(cursor, rdp_take_ber_length(cursor));
}

/*
 * A number of that tag that fits 32 bits; anything else rejects. Microsoft's client states 65535 as ff ff, which would be
 * -1 ([MS-RDPBCGR] 4.1.3): none of these numbers is negative, so the bytes are taken for what is meant.
 */
static uint32_t take_ber_number(struct cursor *cursor, uint8_t tag)
{
    struct cursor contents = take_ber(cursor, tag);
    size_t length = cursor_left(&contents);
    uint32_t number = 0;

    if (length == 0 || length > 5 || (length == 5 && peek_u8(&contents) != 0))
        cursor_reject(cursor);
    while (cursor_left(&contents) > 0)
        number = number << 8 | take_u8(&contents);
    return cursor_is_good(cursor) ? number : 0;
}

/* DomainParameters: eight numbers, nothing else. */
static struct rdp_domain take_domain(struct cursor *cursor)
{
    struct cursor contents = take_ber(cursor, BER_SEQUENCE);
    struct rdp_domain domain = {.channels = 0};
    uint32_t *const members[] = {&domain.channels,   &domain.users,  &domain.tokens,   &domain.priorities,
                                 &domain.throughput, &domain.height, &domain.pdu_size, &domain.version};

    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        *members[i] = take_ber_number(&contents, BER_INTEGER);
    domain.is_known = cursor_is_good(cursor) && cursor_is_good(&contents) && cursor_left(&contents) == 0;
    return domain;
}

/* ---- PER ---- */

/* Reads bits from the most significant on, and aligned bytes between them. */
struct per {
    struct cursor *cursor;
    uint8_t byte;
    unsigned left; /* bits of `byte` not yet taken */
};

static unsigned take_bits(struct per *per, unsigned count)
{
    unsigned bits = 0;

    for (; count > 0; count--) {
        if (per->left == 0) {
            per->byte = take_u8(per->cursor);
            per->left = 8;
        }
        per->left--;
        bits = bits << 1 | (per->byte >> per->left & 1);
    }
    return bits;
}

/* What follows stands at the next whole byte. */
static struct cursor *aligned(struct per *per)
{
    per->left = 0;
    return per->cursor;
}

static void require_bits(struct per *per, unsigned count, unsigned wanted)
{
    if (take_bits(per, count) != wanted)
        cursor_reject(per->cursor);
}

/* A length of one or two bytes (X.691 10.9); fragmented lengths reject. */
static size_t take_per_length(struct cursor *cursor)
{
    uint8_t first = take_u8(cursor);

    if ((first & 0x80) == 0)
        return first;
    if ((first & 0x40) != 0)
        cursor_reject(cursor);
    return (size_t)(first & 0x3f) << 8 | take_u8(cursor);
}

/* Takes exactly these bytes, or rejects. */
static void take_fixed(struct cursor *cursor, const char *fixed, size_t length)
{
    if (!bytes_equal(take_bytes(cursor, length), bytes_of(fixed, length)))
        cursor_reject(cursor);
}

/*
 * ConnectData: the key that names T.124, then the length of the conference's PDU, then which PDU it is. Clients
 * are known to state that length wrongly, and servers state 42 whatever follows ([MS-RDPBCGR] 4.1.4), so it is read and
 * not relied on: the length right before the blocks counts.
 */
static struct per take_conference(struct cursor *data, enum conference_choice choice)
{
    struct per per = {.cursor = data};

    take_fixed(data, "\x00\x05\x00\x14\x7c\x00\x01", 7);
    (void)take_per_length(data);
    require_bits(&per, 1, 0); /* no extension of ConnectGCCPDU */
    require_bits(&per, 3, choice);
    require_bits(&per, 1, 0); /* no extension of the PDU */
    return per;
}

/* ConferenceName: a numeric one. */
static void take_conference_name(struct per *per)
{
    require_bits(per, 2, 0); /* no extension, no text */
    skip_bytes(aligned(per), (take_bits(per, 8) + 1 + 1) / 2);
}

/* One set of user data: the key of its sender, then the blocks. The only one: T.124 allows more, RDP does not. */
static enum rdp_reading read_user_data(struct per *per, enum side from, struct rdp_settings *settings)
{
    struct cursor *data = aligned(per);
    size_t length;
    struct cursor blocks;
    bool is_honest;

    if (take_per_length(data) != 1)
        cursor_reject(data);
    require_bits(per, 2, 3); /* it has a value, its key is of H.221 */
    require_bits(per, 8, 0); /* of 4 bytes */
    take_fixed(aligned(per), from == FROM_CLIENT ? "Duca" : "McDn", 4);
    length = take_per_length(data);
    if (!cursor_is_good(data))
        return RDP_INVALID;
    is_honest = length <= cursor_left(data);
    blocks = cursor_within(take_up_to(data, length));
    return rdp_read_blocks(&blocks, from, settings) && is_honest ? RDP_READ : RDP_INVALID;
}

static enum rdp_reading read_create_request(struct cursor *data, struct rdp_settings *settings)
{
    struct per per = take_conference(data, CONFERENCE_CREATE_REQUEST);

    require_bits(&per, 8, 1); /* of what is optional, user data alone */
    take_conference_name(&per);
    (void)take_bits(&per, 3); /* locked, listed, conductible */
    require_bits(&per, 1, 0); /* no extension of the termination method */
    (void)take_bits(&per, 1); /* automatic or manual */
    return read_user_data(&per, FROM_CLIENT, settings);
}

static enum rdp_reading read_create_response(struct cursor *data, struct rdp_settings *settings)
{
    struct per per = take_conference(data, CONFERENCE_CREATE_RESPONSE);

    require_bits(&per, 1, 1);                /* of what is optional, user data */
    skip_bytes(aligned(&per), 2);            /* node id */
    skip_bytes(data, take_per_length(data)); /* tag: an integer of so many bytes */
    require_bits(&per, 1, 0);                /* no extension of the result */
    (void)take_bits(&per, 3);                /* result: [MS-RDPBCGR] has it ignored */
    return read_user_data(&per, FROM_SERVER, settings);
}

/* ---- the connect PDUs ---- */

/* The PDU's contents; what follows them in the TPKT is not looked at. */
static enum rdp_reading take_connect(struct cursor *pdu, uint16_t tag, struct cursor *contents)
{
    struct cursor ahead = *pdu;

    if (take_u16_be(&ahead) != tag || !cursor_is_good(&ahead))
        return RDP_OTHER;
    *contents = take_child(&ahead, rdp_take_ber_length(&ahead));
    *pdu = ahead;
    return cursor_is_good(&ahead) ? RDP_READ : RDP_INVALID;
}

/* What lies before the user data makes it no less readable, but is told. */
static enum rdp_reading honest(enum rdp_reading reading, bool is_honest)
{
    return reading == RDP_READ && !is_honest ? RDP_INVALID : reading;
}

enum rdp_reading rdp_read_connect_initial(struct cursor *pdu, struct rdp_settings *settings)
{
    struct cursor contents;
    struct cursor upward;
    struct cursor data;
    bool is_honest = true;
    enum rdp_reading reading = take_connect(pdu, BER_CONNECT_INITIAL, &contents);

    if (reading != RDP_READ)
        return reading;
    (void)take_ber(&contents, BER_OCTET_STRING); /* calling domain */
    (void)take_ber(&contents, BER_OCTET_STRING); /* called domain */
    upward = take_ber(&contents, BER_BOOLEAN);
    is_honest = cursor_left(&upward) == 1;
    for (int i = 0; i < 3; i++) /* target, minimum and maximum */
        is_honest = take_domain(&contents).is_known && is_honest;
    data = take_ber(&contents, BER_OCTET_STRING);
    return honest(read_create_request(&data, settings), is_honest);
}

enum rdp_reading rdp_read_connect_response(struct cursor *pdu, struct rdp_settings *settings)
{
    struct cursor contents;
    struct cursor data;
    uint32_t result;
    enum rdp_reading reading = take_connect(pdu, BER_CONNECT_RESPONSE, &contents);

    if (reading != RDP_READ)
        return reading;
    result = take_ber_number(&contents, BER_ENUMERATED);
    if (cursor_is_good(&contents))
        settings->connect_result = (struct rdp_number){.value = result, .is_known = true};
    (void)take_ber_number(&contents, BER_INTEGER); /* called connect id */
    settings->domain = take_domain(&contents);
    data = take_ber(&contents, BER_OCTET_STRING);
    if (cursor_is_good(&contents) && result != MCS_RT_SUCCESSFUL && cursor_left(&data) == 0)
        return RDP_READ; /* refused, and nothing more is said */
    return honest(read_create_response(&data, settings), settings->domain.is_known);
}

/*
 * rdpeudp.c - the UDP transports of RDP: [MS-RDPEUDP] 2.2 in its versions 1 and 2, and [MS-RDPEUDP2] 2.2.1, which version 3 of
 * it hands over to. A flow is recognized by the SYN or SYN+ACK that opens it, and tied to the TCP session that the same
 * two hosts have.
 *
 * Leaves out: everything behind the hellos of TLS or DTLS inside; a flow whose opening was not seen, for what follows
 * has no mark of its own; coded packets (forward error correction).
 */
#include "base/text.h"
#include "dissectors/rdp_peers.h"
#include "dissectors/rdp_record.h"

#include <stdio.h>

#define RDP_PORT 3389
#define MTU_LEAST 1132
#define MTU_MOST 1232
#define NO_ACKNOWLEDGMENT 0xffffffff
#define HASH_LENGTH 32
#define ID_LENGTH 16

enum rdpeudp_flag { /* [MS-RDPEUDP] 2.2.2.1 */
    FLAG_SYN = 0x0001,
    FLAG_FIN = 0x0002,
    FLAG_ACK = 0x0004,
    FLAG_DATA = 0x0008,
    FLAG_FEC = 0x0010,
    FLAG_ACK_OF_ACKS = 0x0100,
    FLAG_SYN_LOSSY = 0x0200,
    FLAG_CORRELATION_ID = 0x0800,
    FLAG_SYN_EX = 0x1000,
};
#define FLAGS_OF_SYN (FLAG_SYN | FLAG_ACK | FLAG_SYN_LOSSY | FLAG_CORRELATION_ID | FLAG_SYN_EX)

enum rdpeudp2_flag { /* [MS-RDPEUDP2] 2.2.1.1 */
    FLAG2_ACK = 0x001,
    FLAG2_DATA = 0x004,
    FLAG2_ACK_VECTOR = 0x008,
    FLAG2_ACK_OF_ACKS = 0x010,
    FLAG2_OVERHEAD_SIZE = 0x040,
    FLAG2_DELAY_ACK_INFO = 0x100,
};

#define PACKET_IS_DUMMY 8
#define VERSION_3 0x0101
#define SYN_EX_HAS_VERSION 0x0001
#define HANDSHAKE 22
#define CLIENT_HELLO 1
#define SERVER_HELLO 2

#define RDP_TRANSPORT(COLUMN, LATER, R) \
    COLUMN(R, integer, flow_id, RECORD_DOC_FLOW_ID) \
    COLUMN(R, text, protocol, "what carries the data, once both sides agreed: 'RDPEUDP' or, from version 3 on, 'RDPEUDP2'") \
    COLUMN(R, integer, client_version, "newest version of RDPEUDP that the client offers: 1, 2 or 3; NULL where its SYN was not seen") \
    COLUMN(R, integer, server_version, "the one that the server answers; NULL where it did not") \
    COLUMN(R, text, mode, "'reliable' or 'lossy', as the client's SYN has it; NULL where it was not seen") \
    COLUMN(R, integer, upstream_mtu, "largest datagram from the side that sent the last SYN seen; bytes") \
    COLUMN(R, integer, downstream_mtu, "largest datagram to it; bytes") \
    COLUMN(R, text, correlation_id, "the connection's id in the log of a broker, 16 bytes in hexadecimal") \
    COLUMN(R, text, cookie_hash, "SHA-256 of the cookie that the TCP session gave the client for this transport; NULL where it is all zeros") \
    COLUMN(R, text, security, "'TLS' or 'DTLS', as the first hello inside shows") \
    COLUMN(R, text, security_version, "its version, by the server's hello: 'TLSv1.2', 'DTLSv1.0', ...; TLS 1.3 calls itself 'TLSv1.2' there")

RECORD_STRUCT(rdp_transport, RDP_TRANSPORT);
RECORD_COLUMNS(rdp_transport, RDP_TRANSPORT);

static const struct record_table rdp_transport_table = {
    .table = "rdp_transport",
    .view = "rdp_transports",
    .doc = "one UDP transport of RDP; its flow's parent_flow_id is the TCP session that the same two hosts have",
    .kind = RECORD_VIEW_SESSION,
    .columns = rdp_transport_columns,
    .column_count = RECORD_COLUMN_COUNT(rdp_transport_columns),
    .key = "flow_id",
    .index = "flow_id",
};

static const struct record_table *const rdpeudp_tables[] = {&rdp_transport_table, &rdp_event_table, NULL};

struct rdpeudp {
    struct rdp_number version[SIDE_COUNT];
    bool has_mode;
    bool is_lossy;
    uint16_t upstream_mtu;
    uint16_t downstream_mtu;
    struct text correlation_id;
    struct text cookie_hash;
    const char *security;
    struct rdp_number security_version;
    bool told_session;
};

/* ---- identification ---- */

static bool rdpeudp_match(const struct flow_facts *flow, enum side from, struct bytes first, bool *is_turned)
{
    struct cursor cursor = cursor_over(first);
    uint32_t acknowledged = take_u32_be(&cursor);
    uint16_t flags;
    uint16_t up;
    uint16_t down;

    skip_bytes(&cursor, 2); /* receive window */
    flags = take_u16_be(&cursor);
    if ((flags & FLAG_SYN) == 0 || (flags & ~FLAGS_OF_SYN) != 0)
        return false;
    skip_bytes(&cursor, 4); /* initial sequence number */
    up = take_u16_be(&cursor);
    down = take_u16_be(&cursor);
    if (!cursor_is_good(&cursor) || up < MTU_LEAST || up > MTU_MOST || down < MTU_LEAST || down > MTU_MOST)
        return false;
    if ((flags & FLAG_ACK) == 0) {
        *is_turned = from == FROM_SERVER;
        return acknowledged == NO_ACKNOWLEDGMENT;
    }
    /* the client's SYN was missed: less of this one always stands, so its port must say the same */
    *is_turned = from == FROM_CLIENT;
    return (from == FROM_CLIENT ? flow->client_port : flow->server_port) == RDP_PORT;
}

/* ---- the opening ---- */

static bool is_all_zeros(struct bytes bytes)
{
    for (size_t i = 0; i < bytes.length; i++) {
        if (bytes.at[i] != 0)
            return false;
    }
    return true;
}

static void keep_hexadecimal(struct text *text, struct bytes bytes)
{
    if (text->length > 0 || bytes.length == 0 || is_all_zeros(bytes))
        return;
    for (size_t i = 0; i < bytes.length; i++)
        text_append_format(text, "%02x", bytes.at[i]);
}

/* 2.2.2.9; a SYN without it is of version 1. */
static void read_syn_ex(struct rdpeudp *rdpeudp, enum side from, struct cursor *datagram)
{
    uint16_t flags = take_u16_be(datagram);
    uint16_t version = take_u16_be(datagram);

    if (!cursor_is_good(datagram))
        return;
    rdpeudp->version[from] = (struct rdp_number){.value = 1, .is_known = true};
    if ((flags & SYN_EX_HAS_VERSION) == 0)
        return;
    rdpeudp->version[from].value = version == VERSION_3 ? 3 : version;
    if (version == VERSION_3 && from == FROM_CLIENT)
        keep_hexadecimal(&rdpeudp->cookie_hash, take_bytes(datagram, HASH_LENGTH));
}

/* The session hears of it once the server has answered. */
static void tell_session(struct conversation *conversation, struct rdpeudp *rdpeudp, enum side from)
{
    const struct flow_facts *flow = conversation_flow(conversation);
    char detail[96];
    struct rdp_event row;

    if (from != FROM_SERVER || rdpeudp->told_session || flow->parent_flow_id == 0 || !rdpeudp->version[from].is_known)
        return;
    rdpeudp->told_session = true;
    (void)snprintf(detail, sizeof detail, "RDPEUDP version %u%s", rdpeudp->version[FROM_SERVER].value,
                   !rdpeudp->has_mode ? "" : rdpeudp->is_lossy ? ", lossy" : ", reliable");
    row = (struct rdp_event){
        .flow_id = record_integer(flow->parent_flow_id),
        .time_us = record_integer(conversation_now(conversation)),
        .kind = record_text_of("udp_transport"),
        .detail = record_text_of(detail),
        .from_side = record_text_of(side_name(from)),
    };
    conversation_write(conversation, &rdp_event_table, &row);
}

/* A SYN or SYN+ACK behind its flags. */
static void on_syn(struct conversation *conversation, struct rdpeudp *rdpeudp, enum side from, uint16_t flags, struct cursor *datagram)
{
    uint16_t up;
    uint16_t down;

    skip_bytes(datagram, 4); /* initial sequence number */
    up = take_u16_be(datagram);
    down = take_u16_be(datagram);
    if (!cursor_is_good(datagram) || from != ((flags & FLAG_ACK) != 0 ? FROM_SERVER : FROM_CLIENT))
        return;
    rdpeudp->upstream_mtu = up;
    rdpeudp->downstream_mtu = down;
    if ((flags & FLAG_SYN_EX) == 0)
        rdpeudp->version[from] = (struct rdp_number){.value = 1, .is_known = true};
    if (from == FROM_CLIENT || (flags & FLAG_SYN_LOSSY) != 0) { /* servers do not repeat it */
        rdpeudp->is_lossy = (flags & FLAG_SYN_LOSSY) != 0;
        rdpeudp->has_mode = true;
    }
    if ((flags & FLAG_CORRELATION_ID) != 0) {
        keep_hexadecimal(&rdpeudp->correlation_id, take_bytes(datagram, ID_LENGTH));
        skip_bytes(datagram, 16); /* reserved */
    }
    if ((flags & FLAG_SYN_EX) != 0)
        read_syn_ex(rdpeudp, from, datagram);
    tell_session(conversation, rdpeudp, from);
}

/* ---- what is inside ---- */

/* A record with a hello at the start of data: TLS (RFC 5246, 6.2.1 and 7.4), or DTLS (RFC 6347, 4.1 and 4.2.2). False: it is none of the server's. */
static bool read_hello(struct rdpeudp *rdpeudp, struct cursor data)
{
    uint8_t type = take_u8(&data);
    uint8_t major = take_u8(&data);
    bool is_dtls = major == 0xfe;
    uint8_t message;
    uint16_t version;

    if (type != HANDSHAKE || (major != 3 && !is_dtls))
        return false;
    skip_bytes(&data, is_dtls ? 1 + 2 + 6 + 2 : 1 + 2); /* minor version, epoch and sequence number, length */
    message = take_u8(&data);
    skip_bytes(&data, is_dtls ? 3 + 2 + 3 + 3 : 3); /* length, sequence number, fragment */
    version = take_u16_be(&data);
    if (!cursor_is_good(&data) || (message != CLIENT_HELLO && message != SERVER_HELLO))
        return false;
    rdpeudp->security = is_dtls ? "DTLS" : "TLS";
    if (message == SERVER_HELLO)
        rdpeudp->security_version = (struct rdp_number){.value = version, .is_known = true};
    return message == SERVER_HELLO;
}

/* [MS-RDPEUDP] 2.2.3: a datagram of source data behind its flags; an empty cursor where it has none. */
static struct cursor take_source_data(uint16_t flags, struct cursor datagram)
{
    if ((flags & FLAG_ACK) != 0) {
        uint16_t size = take_u16_be(&datagram);

        skip_bytes(&datagram, size + (4u - (2u + size) % 4) % 4); /* the header and its vector end at a multiple of 4 */
    }
    if ((flags & FLAG_ACK_OF_ACKS) != 0)
        skip_bytes(&datagram, 4);
    if ((flags & FLAG_DATA) == 0 || (flags & FLAG_FEC) != 0)
        cursor_reject(&datagram);
    skip_bytes(&datagram, 8); /* sequence numbers */
    return datagram;
}

static void skip_acknowledgment(struct cursor *packet)
{
    uint8_t delayed;

    skip_bytes(packet, 2 + 3 + 1); /* sequence number, time received, gap */
    delayed = take_u8(packet);
    skip_bytes(packet, delayed & 0x0f);
}

static void skip_acknowledgment_vector(struct cursor *packet)
{
    uint8_t size;

    skip_bytes(packet, 2); /* base */
    size = take_u8(packet);
    skip_bytes(packet, (size & 0x7fu) + ((size & 0x80) != 0 ? 3 : 0));
}

/* The start of a packet of [MS-RDPEUDP2] as it was before its prefix changed places with the eighth byte; enough of it to see a hello. */
struct unprefixed {
    uint8_t bytes[256];
};

/* 2.2.1: the data in a packet, borrowed from `room`; a failed cursor where it has none. */
static struct cursor take_data_of_2(struct bytes packet, struct unprefixed *room)
{
    size_t length = packet.length < sizeof room->bytes ? packet.length : sizeof room->bytes;
    struct cursor cursor = cursor_over(bytes_of(room->bytes, length));
    uint8_t prefix;
    uint16_t flags;

    memcpy(room->bytes, packet.at, length);
    if (length < 8) {
        cursor_reject(&cursor);
        return cursor;
    }
    prefix = packet.at[7];
    room->bytes[7] = packet.at[0];
    skip_bytes(&cursor, 1); /* the prefix's place */
    flags = take_u16_le(&cursor) & 0x0fff;
    if ((prefix >> 1 & 0x0f) == PACKET_IS_DUMMY || (flags & FLAG2_DATA) == 0)
        cursor_reject(&cursor);
    if ((flags & FLAG2_ACK) != 0)
        skip_acknowledgment(&cursor);
    if ((flags & FLAG2_OVERHEAD_SIZE) != 0)
        skip_bytes(&cursor, 1);
    if ((flags & FLAG2_DELAY_ACK_INFO) != 0)
        skip_bytes(&cursor, 3);
    if ((flags & FLAG2_ACK_OF_ACKS) != 0)
        skip_bytes(&cursor, 2);
    skip_bytes(&cursor, 2); /* sequence number */
    if ((flags & FLAG2_ACK_VECTOR) != 0)
        skip_acknowledgment_vector(&cursor);
    skip_bytes(&cursor, 2); /* channel sequence number */
    return cursor;
}

static bool rdpeudp_on_datagram(struct conversation *conversation, void *state, enum side from, struct cursor datagram)
{
    struct rdpeudp *rdpeudp = state;
    struct bytes whole = peek_bytes(&datagram);
    bool is_2 = rdpeudp->version[FROM_SERVER].is_known && rdpeudp->version[FROM_SERVER].value == 3;
    struct unprefixed room;
    struct cursor data;
    uint16_t flags;

    skip_bytes(&datagram, 4 + 2); /* acknowledged, receive window */
    flags = take_u16_be(&datagram);
    if (cursor_is_good(&datagram) && (flags & FLAG_SYN) != 0 && (flags & ~FLAGS_OF_SYN) == 0 && whole.length >= 16 && !(is_2 && rdpeudp->security != NULL)) {
        on_syn(conversation, rdpeudp, from, flags, &datagram);
        return true;
    }
    data = is_2 ? take_data_of_2(whole, &room) : take_source_data(flags, datagram);
    return !(cursor_is_good(&data) && read_hello(rdpeudp, data));
}

/* ---- the dissector ---- */

static void rdpeudp_open(struct conversation *conversation, void *state, void *from_before)
{
    struct rdpeudp *rdpeudp = state;
    int64_t session = rdp_peers_find(conversation);

    (void)from_before;
    rdpeudp->correlation_id.limit = 2 * ID_LENGTH;
    rdpeudp->cookie_hash.limit = 2 * HASH_LENGTH;
    if (session != 0)
        conversation_set_parent(conversation, session);
}

static struct record_integer integer_of(struct rdp_number number)
{
    return number.is_known ? record_integer(number.value) : (struct record_integer){.is_known = false};
}

static const char *security_version_name(const struct rdpeudp *rdpeudp)
{
    switch (rdpeudp->security_version.is_known ? rdpeudp->security_version.value : 0) {
    case 0x0301:
        return "TLSv1.0";
    case 0x0302:
        return "TLSv1.1";
    case 0x0303:
        return "TLSv1.2";
    case 0xfeff:
        return "DTLSv1.0";
    case 0xfefd:
        return "DTLSv1.2";
    default:
        return NULL;
    }
}

static void rdpeudp_refresh(struct conversation *conversation, void *state)
{
    const struct rdpeudp *rdpeudp = state;
    const struct rdp_number *server = &rdpeudp->version[FROM_SERVER];
    struct rdp_transport row = {
        .flow_id = record_integer(conversation_flow(conversation)->flow_id),
        .client_version = integer_of(rdpeudp->version[FROM_CLIENT]),
        .server_version = integer_of(*server),
        .correlation_id = record_text_unless_empty(text_bytes(&rdpeudp->correlation_id)),
        .cookie_hash = record_text_unless_empty(text_bytes(&rdpeudp->cookie_hash)),
        .security = record_text_of(rdpeudp->security),
        .security_version = record_text_of(security_version_name(rdpeudp)),
    };

    if (server->is_known)
        row.protocol = record_text_of(server->value == 3 ? "RDPEUDP2" : "RDPEUDP");
    if (rdpeudp->has_mode)
        row.mode = record_text_of(rdpeudp->is_lossy ? "lossy" : "reliable");
    if (rdpeudp->upstream_mtu > 0) {
        row.upstream_mtu = record_integer(rdpeudp->upstream_mtu);
        row.downstream_mtu = record_integer(rdpeudp->downstream_mtu);
    }
    conversation_write(conversation, &rdp_transport_table, &row);
}

static void rdpeudp_close(struct conversation *conversation, void *state)
{
    struct rdpeudp *rdpeudp = state;

    rdpeudp_refresh(conversation, state);
    text_free(&rdpeudp->correlation_id);
    text_free(&rdpeudp->cookie_hash);
}

static const uint16_t rdpeudp_ports[] = {RDP_PORT, 0};

const struct dissector rdpeudp_dissector = {
    .name = "rdpeudp",
    .tables = rdpeudp_tables,
    .ports = rdpeudp_ports,
    .state_size = sizeof(struct rdpeudp),
    .open = rdpeudp_open,
    .refresh = rdpeudp_refresh,
    .close = rdpeudp_close,
    .match_datagram = rdpeudp_match,
    .on_datagram = rdpeudp_on_datagram,
};

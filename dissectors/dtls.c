/*
 * dtls.c - DTLS 1.0, 1.2 and 1.3 over UDP (RFC 4347, 6347, 9147): the messages of its handshake that are in the clear, put together from their
 * fragments and told from their repetitions; tls_handshake.c reads them.
 *
 * Leaves out: opening what is protected; associations that begin behind other datagrams of the same flow (STUN), and with more than DTLS_PARTS
 * fragmented messages of a side at a time.
 */
#include "base/memory.h"
#include "dissectors/certificate.h"
#include "dissectors/tls_record.h"
#include "dissectors/tls_session.h"

#define DTLS_MESSAGE_LIMIT (32 << 10) /* of a message that comes in fragments */
#define DTLS_PARTS 2                  /* messages of a side that are put together at a time */
#define DTLS_MESSAGES 64              /* messages of a side that are told apart; later ones are not read */
#define DTLS_RECORD_HEADER 13
#define DTLS_MESSAGE_HEADER 12
#define DTLS_HELLO_VERIFY_REQUEST 3
#define DTLS_ALERT_BYTES 19 /* of a protected alert of DTLS 1.3: two bytes, the type, the tag */

/* A message in fragments. */
struct dtls_part {
    uint8_t *bytes; /* owned; `length` of them, and behind them a byte for each that tells whether it has come; NULL: free */
    uint32_t length;
    uint32_t come;
    uint16_t sequence;
    uint8_t type;
};

struct dtls_side {
    struct dtls_part parts[DTLS_PARTS];
    uint64_t read; /* bit n: the message of that sequence number was read */
};

struct dtls {
    struct tls tls; /* what is known of the session */
    struct dtls_side side[SIDE_COUNT];
};

struct dtls_record {
    uint8_t type;
    uint16_t version;
    uint16_t epoch;
    struct cursor fragment;
};

struct dtls_message {
    uint8_t type;
    uint32_t length;
    uint16_t sequence;
    uint32_t offset;
    struct bytes fragment;
};

/* RFC 6347, 4.1. */
static bool take_record(struct cursor *datagram, struct dtls_record *record)
{
    record->type = take_u8(datagram);
    record->version = take_u16_be(datagram);
    record->epoch = take_u16_be(datagram);
    skip_bytes(datagram, 6); /* sequence number */
    record->fragment = take_child(datagram, take_u16_be(datagram));
    return cursor_is_good(datagram) && tls_is_datagram_version(record->version) && record->type >= TLS_CHANGE_CIPHER_SPEC && record->type <= TLS_HEARTBEAT;
}

/* RFC 6347, 4.2.2. */
static bool take_message(struct cursor *record, struct dtls_message *message)
{
    uint32_t length;

    message->type = take_u8(record);
    message->length = take_u24_be(record);
    message->sequence = take_u16_be(record);
    message->offset = take_u24_be(record);
    length = take_u24_be(record);
    message->fragment = take_bytes(record, length);
    return cursor_is_good(record) && length <= message->length && message->offset <= message->length - length;
}

/* ---- identification ---- */

static bool dtls_match(const struct flow_facts *flow, enum side from, struct bytes first, bool *is_turned)
{
    struct cursor datagram = cursor_over(first);
    struct dtls_record record;
    struct dtls_message message;
    uint16_t version;

    (void)flow;
    if (first.length < DTLS_RECORD_HEADER + DTLS_MESSAGE_HEADER || peek_u8(&datagram) != TLS_HANDSHAKE)
        return false;
    if (!take_record(&datagram, &record) || record.epoch != 0 || !take_message(&record.fragment, &message) || message.offset != 0 || message.sequence > 1)
        return false;
    datagram = cursor_within(message.fragment);
    version = take_u16_be(&datagram);
    if (!cursor_is_good(&datagram) || !tls_is_datagram_version(version))
        return false;
    if (message.type != TLS_CLIENT_HELLO && message.type != TLS_SERVER_HELLO && message.type != DTLS_HELLO_VERIFY_REQUEST)
        return false;
    *is_turned = from == (message.type == TLS_CLIENT_HELLO ? FROM_SERVER : FROM_CLIENT);
    return true;
}

/* ---- the handshake ---- */

static void free_part(struct dtls_part *part)
{
    memory_free(part->bytes);
    *part = (struct dtls_part){.bytes = NULL};
}

static void read_message(struct conversation *conversation, struct dtls *dtls, enum side from, uint8_t type, uint16_t sequence, struct bytes body)
{
    dtls->side[from].read |= UINT64_C(1) << sequence;
    if (type != DTLS_HELLO_VERIFY_REQUEST && type != TLS_KEY_UPDATE)
        tls_on_message(conversation, &dtls->tls, from, type, cursor_within(body));
}

/* The message's place among those that are put together; NULL: there is none. */
static struct dtls_part *find_part(struct dtls_side *side, const struct dtls_message *message)
{
    struct dtls_part *empty = NULL;

    for (unsigned i = 0; i < DTLS_PARTS; i++) {
        struct dtls_part *part = &side->parts[i];

        if (part->bytes == NULL)
            empty = part;
        else if (part->sequence == message->sequence)
            return part->length == message->length && part->type == message->type ? part : NULL;
    }
    if (empty == NULL || message->length > DTLS_MESSAGE_LIMIT || (empty->bytes = memory_new_zeroed(2, message->length)) == NULL)
        return NULL;
    empty->length = message->length;
    empty->sequence = message->sequence;
    empty->type = message->type;
    return empty;
}

static void put_in(struct dtls_part *part, const struct dtls_message *message)
{
    uint8_t *come = part->bytes + part->length + message->offset;

    for (size_t i = 0; i < message->fragment.length; i++) {
        part->come += come[i] == 0;
        come[i] = 1;
    }
    memcpy(part->bytes + message->offset, message->fragment.at, message->fragment.length);
}

static void on_message(struct conversation *conversation, struct dtls *dtls, enum side from, const struct dtls_message *message)
{
    struct dtls_side *side = &dtls->side[from];
    struct dtls_part *part;

    if (message->sequence >= DTLS_MESSAGES || (side->read >> message->sequence & 1) != 0)
        return;
    if (message->fragment.length == message->length) {
        read_message(conversation, dtls, from, message->type, message->sequence, message->fragment);
        return;
    }
    part = message->fragment.length > 0 ? find_part(side, message) : NULL;
    if (part == NULL)
        return;
    put_in(part, message);
    if (part->come < part->length)
        return;
    read_message(conversation, dtls, from, part->type, part->sequence, bytes_of(part->bytes, part->length));
    free_part(part);
}

/* ---- datagrams ---- */

static void note_protected(struct tls *tls, enum side from)
{
    tls->side[from].has_protected = true;
    if (tls->side[side_other(from)].has_protected && tls->has_server_hello)
        tls->is_established = true;
}

static void on_record(struct conversation *conversation, struct dtls *dtls, enum side from, struct dtls_record *record)
{
    struct dtls_message message;

    if (record->epoch > 0) {
        if (record->type != TLS_ALERT)
            note_protected(&dtls->tls, from);
        return;
    }
    if (record->type == TLS_ALERT && cursor_left(&record->fragment) == 2)
        (void)tls_on_alert(&dtls->tls, record->fragment);
    while (record->type == TLS_HANDSHAKE && cursor_left(&record->fragment) > 0) {
        if (!take_message(&record->fragment, &message))
            return;
        on_message(conversation, dtls, from, &message);
    }
}

/* RFC 9147, 4: a protected record of DTLS 1.3 has a header of its own, and may be the datagram's rest. */
static bool is_unified(const struct cursor *datagram)
{
    return (peek_u8(datagram) & 0xe0) == 0x20;
}

static bool dtls_on_datagram(struct conversation *conversation, void *state, enum side from, struct cursor datagram)
{
    struct dtls *dtls = state;
    struct dtls_record record;

    while (cursor_left(&datagram) > 0) {
        if (is_unified(&datagram)) {
            if (tls_is_1_3(&dtls->tls) && cursor_left(&datagram) > DTLS_ALERT_BYTES + 5)
                note_protected(&dtls->tls, from);
            break;
        }
        if (!take_record(&datagram, &record))
            break;
        dtls->tls.has_record = true;
        on_record(conversation, dtls, from, &record);
    }
    return !dtls->tls.is_established;
}

/* ---- the dissector ---- */

static void dtls_open(struct conversation *conversation, void *state, void *from_before)
{
    struct dtls *dtls = state;

    (void)conversation;
    (void)from_before;
    tls_begin(&dtls->tls);
    dtls->tls.has_missing = true; /* datagrams may be lost, and not all are shown: that a handshake was not completed is never known */
}

static void dtls_refresh(struct conversation *conversation, void *state)
{
    struct dtls *dtls = state;

    if (dtls->tls.has_record)
        tls_write_row(conversation, &dtls->tls);
}

static void dtls_close(struct conversation *conversation, void *state)
{
    struct dtls *dtls = state;

    tls_end(conversation, &dtls->tls);
    for (int side = 0; side < SIDE_COUNT; side++) {
        for (unsigned i = 0; i < DTLS_PARTS; i++)
            free_part(&dtls->side[side].parts[i]);
    }
}

static const struct record_table *const dtls_tables[] = {&tls_session_table, &certificate_table, NULL};
static const uint16_t dtls_ports[] = {443, 853, 4433, 5349, 5684, 0};

const struct dissector dtls_dissector = {
    .name = "dtls",
    .tables = dtls_tables,
    .ports = dtls_ports,
    .state_size = sizeof(struct dtls),
    .open = dtls_open,
    .refresh = dtls_refresh,
    .close = dtls_close,
    .match_datagram = dtls_match,
    .on_datagram = dtls_on_datagram,
};

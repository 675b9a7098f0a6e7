/*
 * tls.c - SSL 3.0 and TLS 1.0 to 1.3 (RFC 6101, 2246, 4346, 5246, 8446), as far as it
 * takes to name a session: both hellos and the alerts that are sent in the clear.
 *
 * Left out: cipher names, fingerprints, session keys, and what a hello
 * in SSL 2.0's format says: it is only passed over. Once a side's bytes are protected they are only passed over; where text
 * may come behind them, or somebody observes them (struct tls_outer), record by record. An observer also gets the
 * server's certificate, where it is in the clear.
 */
#include "dissectors/tls.h"

#include "base/text.h"

#include <stdio.h>

#define TLS_RECORD_LIMIT (16384 + 2048) /* RFC 5246, 6.2.3: the longest protected fragment */
#define TLS_RECORD_HEADER 5
#define TLS_HELLO_LIMIT 65536     /* a hello gathered from several records; past this it is not read */
#define TLS_SERVER_NAME_LIMIT 255 /* RFC 1035, 2.3.4 */
#define TLS_ALPN_LIMIT 255        /* RFC 7301, 3.1: the length is one byte */
#define TLS_EXTENSIONS_LIMIT 256  /* extensions looked at in one hello */

#define TLS_SESSION(COLUMN, LATER, R) \
    COLUMN(R, integer, flow_id, RECORD_DOC_FLOW_ID) \
    COLUMN(R, boolean, encrypted, RECORD_DOC_ENCRYPTED) \
    COLUMN(R, text, version, "the negotiated version, from the server's hello: 'TLSv1.2', 'TLSv1.3', 'SSLv3', ...") \
    LATER(R, text, cipher, "the negotiated cipher suite, by its IANA name") \
    COLUMN(R, text, server_name, "the host that the client asked for (SNI)") \
    COLUMN(R, text, alpn, "the application protocol that the server chose (ALPN); TLS 1.3 hides the choice") \
    LATER(R, text, ja3, "JA3 fingerprint of the client's hello") \
    LATER(R, text, ja3s, "JA3S fingerprint of the server's hello") \
    LATER(R, text, ja4, "JA4 fingerprint of the client's hello") \
    LATER(R, boolean, resumed, "1 where an earlier session was resumed") \
    LATER(R, boolean, established, "1 where the handshake was completed") \
    LATER(R, boolean, decrypted, "1 where the user's keys opened the session") \
    LATER(R, text, inner_protocol, "what was read inside, where the session was decrypted") \
    LATER(R, text, certificate_sha256, "SHA-256 of the server's certificate") \
    LATER(R, text, certificate_subject, "whom the server's certificate names") \
    LATER(R, text, certificate_issuer, "who issued the server's certificate") \
    LATER(R, integer, certificate_not_before_us, "start of its validity; microseconds since the epoch, UTC") \
    LATER(R, integer, certificate_not_after_us, "end of its validity; microseconds since the epoch, UTC") \
    LATER(R, text, certificate_names, "the alternative names in it, separated by commas") \
    COLUMN(R, text, alert, "the alert that was sent in the clear, by its name in RFC 8446; a fatal one wins over a warning")

RECORD_STRUCT(tls_session, TLS_SESSION);
RECORD_COLUMNS(tls_session, TLS_SESSION);

static const struct record_table tls_session_table = {
    .table = "tls_session",
    .view = "tls_sessions",
    .doc = "one TLS connection, whatever began it",
    .kind = RECORD_VIEW_SESSION,
    .columns = tls_session_columns,
    .column_count = RECORD_COLUMN_COUNT(tls_session_columns),
    .key = "flow_id",
    .index = "flow_id",
};

/* RFC 8446, 4 */
enum tls_handshake_type {
    TLS_CLIENT_HELLO = 1,
    TLS_SERVER_HELLO = 2,
    TLS_CERTIFICATE = 11,
};

/* IANA "TLS ExtensionType Values" */
enum tls_extension {
    TLS_EXTENSION_SERVER_NAME = 0,
    TLS_EXTENSION_ALPN = 16,
    TLS_EXTENSION_SUPPORTED_VERSIONS = 43,
};

enum tls_phase {
    TLS_BEFORE_HELLO, /* this side's hello has not been read */
    TLS_IN_CLEAR,     /* it has; alerts may still come in the clear */
    TLS_PROTECTED,    /* the records are followed by their lengths, for text may come behind them, or they are observed */
    TLS_SEARCHING,    /* observed, and no longer in step with the records: looks for a header that another one follows */
    TLS_PASSED_OVER,  /* protected, or no longer in step with the records */
};

struct tls_side {
    enum tls_phase phase;
    uint32_t record_left; /* of the record that is being skipped */
    bool is_found;        /* SEARCHING: a header was found; the next one proves it */
    bool has_finished;    /* TLS 1.3: its Finished was seen */
    struct text hello;    /* handshake messages, as far as earlier records held a part of one */
};

struct tls {
    struct tls_side side[SIDE_COUNT];
    bool has_record; /* at least one record was seen */
    bool has_version;
    uint16_t version;
    bool has_cipher;
    uint16_t cipher;
    bool has_alert;
    bool alert_is_fatal;
    uint8_t alert;
    struct text server_name;
    struct text alpn;
    struct tls_outer *outer; /* owned; NULL: nothing but TLS can follow */
};

static bool record_header_fits(uint8_t type, uint8_t major, uint16_t length)
{
    if (type < TLS_CHANGE_CIPHER_SPEC || type > TLS_HEARTBEAT || major != 3 || length > TLS_RECORD_LIMIT)
        return false;
    return length > 0 || type == TLS_APPLICATION_DATA; /* RFC 8446, 5.1 */
}

/* ---- identification ---- */

static enum match match_hello(struct bytes bytes, enum tls_handshake_type expected)
{
    static const size_t needed = TLS_RECORD_HEADER + 1;
    struct cursor cursor = cursor_over(bytes);
    uint8_t type = take_u8(&cursor);
    uint8_t major = take_u8(&cursor);
    uint8_t minor = take_u8(&cursor);
    uint16_t length = take_u16_be(&cursor);
    uint8_t handshake_type = take_u8(&cursor);

    if (bytes.length >= 1 && type != TLS_HANDSHAKE)
        return MATCH_NO;
    if (bytes.length >= 2 && major != 3)
        return MATCH_NO;
    if (bytes.length >= 3 && minor > 4)
        return MATCH_NO;
    if (bytes.length < needed)
        return MATCH_MAYBE;
    return record_header_fits(type, major, length) && handshake_type == expected ? MATCH_YES : MATCH_NO;
}

/* Begun in the middle: the record header of application data proves little, so the port must agree. */
static enum match match_application_data(struct bytes bytes)
{
    struct cursor cursor = cursor_over(bytes);
    uint8_t type = take_u8(&cursor);
    uint8_t major = take_u8(&cursor);
    uint8_t minor = take_u8(&cursor);
    uint16_t length = take_u16_be(&cursor);

    if (type != TLS_APPLICATION_DATA)
        return MATCH_NO;
    if (!cursor_is_good(&cursor))
        return MATCH_MAYBE;
    return minor <= 4 && record_header_fits(type, major, length) ? MATCH_PORT : MATCH_NO;
}

/*
 * Old clients begin with a hello in SSL 2.0's format that offers a later version (RFC 5246, E.2).
 * *length is then what to pass over, all of it.
 */
static enum match match_old_hello(struct bytes bytes, uint32_t *length)
{
    struct cursor cursor = cursor_over(bytes);
    int first = peek_u8(&cursor);
    uint16_t stated = take_u16_be(&cursor);
    uint8_t type = take_u8(&cursor);
    uint8_t major = take_u8(&cursor);
    uint32_t ciphers;
    uint32_t session_id;
    uint32_t challenge;

    if ((first >= 0 && first < 0x80) || (bytes.length >= 3 && type != TLS_CLIENT_HELLO) || (bytes.length >= 4 && major != 3))
        return MATCH_NO;
    skip_bytes(&cursor, 1); /* minor version */
    ciphers = take_u16_be(&cursor);
    session_id = take_u16_be(&cursor);
    challenge = take_u16_be(&cursor);
    if (!cursor_is_good(&cursor))
        return MATCH_MAYBE;
    if (ciphers == 0 || ciphers % 3 != 0 || challenge < 16 || challenge > 32 || (stated & 0x7fffu) != 9 + ciphers + session_id + challenge)
        return MATCH_NO;
    *length = 2 + 9 + ciphers + session_id + challenge;
    return MATCH_YES;
}

static enum match match_side(const struct first_bytes *first, enum side side, enum tls_handshake_type hello)
{
    enum match match = first->has_start[side] ? MATCH_NO : match_application_data(first->side[side]);
    uint32_t length;

    if (match == MATCH_NO)
        match = match_hello(first->side[side], hello);
    if (match == MATCH_NO && side == FROM_CLIENT)
        match = match_old_hello(first->side[side], &length);
    return match;
}

static enum match tls_match(const struct first_bytes *first)
{
    if (first->side[FROM_CLIENT].length > 0)
        return match_side(first, FROM_CLIENT, TLS_CLIENT_HELLO);
    return match_side(first, FROM_SERVER, TLS_SERVER_HELLO);
}

/* ---- hellos ---- */

static void on_server_name(struct tls *tls, struct cursor extension)
{
    struct cursor list = take_child(&extension, take_u16_be(&extension));
    uint8_t name_type = take_u8(&list);
    struct bytes name = take_bytes(&list, take_u16_be(&list));

    if (!cursor_is_good(&list) || name_type != 0 || tls->server_name.length > 0) /* RFC 6066, 3: 0 is host_name */
        return;
    text_append(&tls->server_name, name);
}

static void on_chosen_protocol(struct tls *tls, struct cursor extension)
{
    struct cursor list = take_child(&extension, take_u16_be(&extension));
    struct bytes name = take_bytes(&list, take_u8(&list));

    if (!cursor_is_good(&list) || tls->alpn.length > 0)
        return;
    text_append(&tls->alpn, name);
}

static void on_extension(struct tls *tls, enum tls_handshake_type hello, uint16_t type, struct cursor extension)
{
    uint16_t version;

    if (hello == TLS_CLIENT_HELLO) {
        if (type == TLS_EXTENSION_SERVER_NAME)
            on_server_name(tls, extension);
        return;
    }
    if (type == TLS_EXTENSION_ALPN)
        on_chosen_protocol(tls, extension);
    if (type != TLS_EXTENSION_SUPPORTED_VERSIONS)
        return;
    version = take_u16_be(&extension);
    if (cursor_is_good(&extension))
        tls->version = version; /* RFC 8446, 4.1.3: it overrides legacy_version */
}

static void on_extensions(struct tls *tls, enum tls_handshake_type hello, struct cursor *body)
{
    struct cursor extensions = take_child(body, take_u16_be(body));

    for (unsigned count = 0; count < TLS_EXTENSIONS_LIMIT && cursor_left(&extensions) > 0; count++) {
        uint16_t type = take_u16_be(&extensions);
        struct cursor extension = take_child(&extensions, take_u16_be(&extensions));

        if (cursor_is_good(&extension))
            on_extension(tls, hello, type, extension);
    }
}

static void on_client_hello(struct tls *tls, struct cursor *body)
{
    skip_bytes(body, 2 + 32);            /* legacy_version, random */
    skip_bytes(body, take_u8(body));     /* legacy_session_id */
    skip_bytes(body, take_u16_be(body)); /* cipher_suites */
    skip_bytes(body, take_u8(body));     /* legacy_compression_methods */
    if (cursor_left(body) > 0)
        on_extensions(tls, TLS_CLIENT_HELLO, body);
}

/* Also a hello retry request: it is a server hello in form, and names the same version (RFC 8446, 4.1.4). */
static void on_server_hello(struct tls *tls, struct cursor *body)
{
    uint16_t version = take_u16_be(body);
    uint16_t cipher;
    uint8_t compression;

    skip_bytes(body, 32);            /* random */
    skip_bytes(body, take_u8(body)); /* session id */
    cipher = take_u16_be(body);
    compression = take_u8(body);
    if (!cursor_is_good(body) || tls->has_version)
        return;
    tls->has_version = true;
    tls->version = version;
    tls->has_cipher = compression == 0; /* else the lengths say little */
    tls->cipher = cipher;
    if (cursor_left(body) > 0)
        on_extensions(tls, TLS_SERVER_HELLO, body);
}

static bool is_observed(const struct tls *tls)
{
    return tls->outer != NULL && tls->outer->on_record != NULL;
}

/* RFC 5246, 7.4.2: the sender's own certificate comes first. Clients of the protocols that are observed send none. */
static void on_certificate(struct conversation *conversation, struct tls *tls, struct cursor *body)
{
    struct cursor list = take_child(body, take_u24_be(body));
    struct bytes encoded = take_bytes(&list, take_u24_be(&list));

    if (cursor_is_good(&list) && encoded.length > 0)
        tls->outer->on_certificate(conversation, tls->outer, encoded);
}

/* One whole handshake message. By what it is, not by who sent it: after a hand-over the roles may be exchanged. */
static void on_message(struct conversation *conversation, struct tls *tls, uint8_t type, struct cursor *body)
{
    if (type == TLS_CLIENT_HELLO)
        on_client_hello(tls, body);
    else if (type == TLS_SERVER_HELLO)
        on_server_hello(tls, body);
    else if (type == TLS_CERTIFICATE && is_observed(tls))
        on_certificate(conversation, tls, body);
}

/* Whether more messages than the hello are of use. */
static bool wants_messages(const struct tls *tls, const struct tls_side *side)
{
    return side->phase == TLS_BEFORE_HELLO || (side->phase == TLS_IN_CLEAR && is_observed(tls) && !side->hello.was_cut);
}

/* Reads the whole messages of one side, from all handshake bytes that were not read yet; the answer is what is left of them. */
static struct bytes read_messages(struct conversation *conversation, struct tls *tls, struct tls_side *side, struct bytes handshake)
{
    struct cursor cursor = cursor_over(handshake);

    while (wants_messages(tls, side)) {
        struct cursor ahead = cursor;
        uint8_t type = take_u8(&ahead);
        struct cursor body = take_child(&ahead, take_u24_be(&ahead));

        if (!cursor_is_good(&ahead))
            return peek_bytes(&cursor);
        cursor = ahead;
        on_message(conversation, tls, type, &body);
        side->phase = TLS_IN_CLEAR;
    }
    return bytes_of(NULL, 0);
}

/* Keeps the start of a message whose rest other records hold. What is kept already is not copied again. */
static void keep_rest(struct tls_side *side, struct bytes rest)
{
    struct text kept = {.limit = TLS_HELLO_LIMIT, .was_cut = side->hello.was_cut};

    if (rest.length > 0 && rest.at == (const uint8_t *)side->hello.at)
        return;
    text_append(&kept, rest);
    text_free(&side->hello);
    side->hello = kept;
}

static void on_handshake(struct conversation *conversation, struct tls *tls, struct tls_side *side, struct bytes fragment)
{
    if (side->hello.length > 0) {
        text_append(&side->hello, fragment);
        fragment = text_bytes(&side->hello);
    }
    keep_rest(side, read_messages(conversation, tls, side, fragment));
    if (side->hello.was_cut) {
        side->phase = TLS_IN_CLEAR;
        keep_rest(side, bytes_of(NULL, 0));
    }
}

/* ---- what an observer is told ---- */

static bool is_1_3(const struct tls *tls)
{
    return tls->has_version && (tls->version == 0x0304 || tls->version >> 8 == 0x7f);
}

/*
 * In TLS 1.3 the records of the handshake look like all others. A side's own Finished has a size that nothing before it
 * has in a handshake without a client's certificate; behind the client's, the server's part is over as well.
 */
static bool is_hidden_handshake(struct tls *tls, const struct tls_record *record)
{
    struct tls_side *side = &tls->side[record->from];
    uint16_t finished = tls_finished_size(tls->cipher);

    if (side->has_finished || tls->side[FROM_CLIENT].has_finished)
        return false;
    side->has_finished = finished > 0 && record->payload.low == finished && record->payload.high == finished;
    return true;
}

/* A record's header was read, at its place between the others. */
static void tell_record(struct conversation *conversation, struct tls *tls, enum side from, uint8_t type, uint16_t length)
{
    bool is_clear = tls->side[from].phase != TLS_PROTECTED || type == TLS_CHANGE_CIPHER_SPEC;
    struct tls_record record = {.from = from, .time_us = conversation_now(conversation), .type = type, .length = length, .is_protected = !is_clear};

    if (!is_observed(tls))
        return;
    if (record.is_protected) {
        record.is_exact = tls->has_version && tls->has_cipher;
        record.payload = record.is_exact ? tls_payload_of(tls->version, tls->cipher, length) : (struct tls_payload){.low = 0, .high = length};
    }
    record.is_handshake = type == TLS_HANDSHAKE || type == TLS_CHANGE_CIPHER_SPEC;
    if (type == TLS_APPLICATION_DATA && is_1_3(tls))
        record.is_handshake = is_hidden_handshake(tls, &record);
    tls->outer->on_record(conversation, tls->outer, &record);
}

/* The records of this side cannot be followed. */
static void lose_step(struct conversation *conversation, struct tls *tls, enum side from)
{
    struct tls_side *side = &tls->side[from];

    side->record_left = 0;
    side->is_found = false;
    if (!is_observed(tls)) {
        side->phase = TLS_PASSED_OVER;
        return;
    }
    if (side->phase != TLS_SEARCHING)
        tls->outer->on_lost(conversation, tls->outer, from);
    side->phase = TLS_SEARCHING;
}

/* ---- records ---- */

static void on_alert(struct tls *tls, uint8_t level, uint8_t description)
{
    bool is_fatal = level == 2;

    if (tls->has_alert && (tls->alert_is_fatal || !is_fatal))
        return;
    tls->has_alert = true;
    tls->alert_is_fatal = is_fatal;
    tls->alert = description;
}

/* A header that follows where its predecessor ends. */
struct tls_header {
    uint8_t type;
    uint8_t major;
    uint16_t length;
};

static struct tls_header take_header(struct cursor *unit)
{
    struct tls_header header;

    header.type = take_u8(unit);
    header.major = take_u8(unit);
    skip_bytes(unit, 1); /* minor version */
    header.length = take_u16_be(unit);
    return header;
}

/* A record in the clear, behind its header. False: it is not all there yet. */
static bool read_clear_record(struct conversation *conversation, struct tls *tls, struct tls_side *side, struct tls_header header, struct cursor *unit)
{
    if (header.type == TLS_HANDSHAKE && wants_messages(tls, side)) {
        struct bytes fragment = take_bytes(unit, header.length);

        if (!cursor_is_good(unit))
            return false;
        on_handshake(conversation, tls, side, fragment);
    } else if (header.type == TLS_ALERT && header.length == 2) {
        uint8_t level = take_u8(unit);
        uint8_t description = take_u8(unit);

        if (!cursor_is_good(unit))
            return false;
        on_alert(tls, level, description);
    } else {
        side->record_left = header.length;
    }
    return true;
}

/* A record begins: small ones that say something in the clear are read whole, all others are skipped by their length. */
static enum verdict on_record(struct conversation *conversation, struct tls *tls, enum side from, struct cursor *bytes)
{
    struct tls_side *side = &tls->side[from];
    struct cursor unit = *bytes;
    struct tls_header header = take_header(&unit);

    if (side->phase == TLS_BEFORE_HELLO && peek_u8(bytes) >= 0x80) {
        enum match match = match_old_hello(peek_bytes(bytes), &side->record_left);

        side->phase = match == MATCH_YES ? TLS_IN_CLEAR : side->phase;
        tls->has_record = tls->has_record || match == MATCH_YES;
        if (match != MATCH_NO)
            return match == MATCH_YES ? VERDICT_GO_ON : VERDICT_NEED_MORE;
    }
    if (!cursor_is_good(&unit))
        return VERDICT_NEED_MORE;
    if (!record_header_fits(header.type, header.major, header.length)) {
        lose_step(conversation, tls, from);
        return tls->has_record ? VERDICT_GO_ON : VERDICT_NOT_THIS_PROTOCOL;
    }
    if (header.type == TLS_CHANGE_CIPHER_SPEC || header.type == TLS_APPLICATION_DATA) {
        side->phase = tls->outer != NULL ? TLS_PROTECTED : TLS_PASSED_OVER;
        tls->has_record = true;
        return VERDICT_GO_ON;
    }
    if (!read_clear_record(conversation, tls, side, header, &unit))
        return VERDICT_NEED_MORE;
    tell_record(conversation, tls, from, header.type, header.length);
    tls->has_record = true;
    *bytes = unit;
    return VERDICT_GO_ON;
}

/* Only its header is read. */
static enum verdict on_protected_record(struct conversation *conversation, struct tls *tls, enum side from, struct cursor *bytes)
{
    struct tls_side *side = &tls->side[from];
    struct cursor unit = *bytes;
    struct tls_header header = take_header(&unit);

    if (!cursor_is_good(&unit))
        return VERDICT_NEED_MORE;
    if (!record_header_fits(header.type, header.major, header.length)) {
        lose_step(conversation, tls, from);
        return VERDICT_GO_ON;
    }
    *bytes = unit;
    side->record_left = header.length;
    tell_record(conversation, tls, from, header.type, header.length);
    return VERDICT_GO_ON;
}

/* Whether a header of application data can begin here; by chance one place in 2^27 of protected bytes looks so, and is followed by another one never. */
static bool may_be_header(struct tls_header header, uint8_t minor)
{
    return header.type == TLS_APPLICATION_DATA && header.major == 3 && minor <= 3 && header.length > 0 && header.length <= TLS_RECORD_LIMIT;
}

/* Looks for a header of application data that another record follows; that one is told again. */
static enum verdict search_record(struct conversation *conversation, struct tls *tls, enum side from, struct cursor *bytes)
{
    struct tls_side *side = &tls->side[from];

    while (cursor_left(bytes) > 0) {
        struct cursor unit = *bytes;
        struct tls_header header;
        uint8_t minor;

        if (side->is_found) {
            header = take_header(&unit);
            if (!cursor_is_good(&unit))
                return VERDICT_NEED_MORE;
            side->is_found = false;
            if (record_header_fits(header.type, header.major, header.length)) {
                side->phase = TLS_PROTECTED;
                tls->has_record = true;
                return on_protected_record(conversation, tls, from, bytes);
            }
            continue;
        }
        if (peek_u8(bytes) != TLS_APPLICATION_DATA) {
            skip_bytes(bytes, 1);
            continue;
        }
        header.type = take_u8(&unit);
        header.major = take_u8(&unit);
        minor = take_u8(&unit);
        header.length = take_u16_be(&unit);
        if (!cursor_is_good(&unit))
            return VERDICT_NEED_MORE;
        if (!may_be_header(header, minor)) {
            skip_bytes(bytes, 1);
            continue;
        }
        *bytes = unit;
        side->is_found = true;
        side->record_left = header.length;
        return VERDICT_GO_ON;
    }
    return VERDICT_GO_ON;
}

/* Whether text begins where a record would, and the flow's first owner can go on with it: the other side is between records, too. */
static bool is_text_again(const struct tls *tls, enum side from, const struct cursor *bytes)
{
    const struct tls_side *other = &tls->side[side_other(from)];
    int first = peek_u8(bytes);

    return tls->outer != NULL && tls->outer->dissector != NULL && first >= 0x20 && first < 0x7f && other->phase != TLS_PASSED_OVER && other->record_left == 0;
}

static enum verdict hand_back(struct conversation *conversation, struct tls *tls)
{
    tls->outer->has_records = tls->has_record;
    if (conversation_hand_over(conversation, tls->outer->dissector, tls->outer))
        tls->outer = NULL;
    return VERDICT_HANDED_OVER;
}

/* The next record, or what is at its place. */
static enum verdict on_boundary(struct conversation *conversation, struct tls *tls, enum side from, struct cursor *bytes)
{
    switch (tls->side[from].phase) {
    case TLS_PROTECTED:
        return on_protected_record(conversation, tls, from, bytes);
    case TLS_SEARCHING:
        return search_record(conversation, tls, from, bytes);
    default:
        return on_record(conversation, tls, from, bytes);
    }
}

static enum verdict tls_on_data(struct conversation *conversation, void *state, enum side from, struct cursor *bytes)
{
    struct tls *tls = state;
    struct tls_side *side = &tls->side[from];

    while (cursor_left(bytes) > 0) {
        if (side->phase == TLS_PASSED_OVER) {
            (void)take_up_to(bytes, UINT64_MAX);
            /* neither side has anything left to tell: nobody needs to put these streams in order any more */
            if (tls->side[side_other(from)].phase == TLS_PASSED_OVER)
                return VERDICT_NOT_THIS_PROTOCOL;
        } else if (side->record_left > 0) {
            side->record_left -= (uint32_t)take_up_to(bytes, side->record_left).length;
        } else if (is_text_again(tls, from, bytes)) {
            return hand_back(conversation, tls);
        } else {
            enum verdict verdict = on_boundary(conversation, tls, from, bytes);

            if (verdict != VERDICT_GO_ON)
                return verdict;
        }
    }
    return VERDICT_GO_ON;
}

static enum verdict tls_on_gap(struct conversation *conversation, void *state, enum side from, uint64_t count)
{
    struct tls *tls = state;
    struct tls_side *side = &tls->side[from];

    if (side->phase != TLS_PASSED_OVER && count <= side->record_left) {
        side->record_left -= (uint32_t)count; /* inside a record that is skipped anyway */
        return VERDICT_GO_ON;
    }
    if (side->phase != TLS_PASSED_OVER)
        lose_step(conversation, tls, from);
    return VERDICT_GO_ON;
}

static void tls_on_end(struct conversation *conversation, void *state, enum side from, enum ending ending, struct bytes unread)
{
    const struct tls *tls = state;

    (void)unread;
    if (is_observed(tls))
        tls->outer->on_end(conversation, tls->outer, from, ending);
}

static void tls_open(struct conversation *conversation, void *state, void *from_before)
{
    struct tls *tls = state;

    (void)conversation;
    tls->outer = from_before;
    tls->side[FROM_CLIENT].hello.limit = TLS_HELLO_LIMIT;
    tls->side[FROM_SERVER].hello.limit = TLS_HELLO_LIMIT;
    tls->server_name.limit = TLS_SERVER_NAME_LIMIT;
    tls->alpn.limit = TLS_ALPN_LIMIT;
}

/* ---- the row ---- */

static struct record_text version_text(uint16_t version, char *room, size_t size)
{
    switch (version) {
    case 0x0300:
        return record_text_of("SSLv3");
    case 0x0301:
        return record_text_of("TLSv1.0");
    case 0x0302:
        return record_text_of("TLSv1.1");
    case 0x0303:
        return record_text_of("TLSv1.2");
    case 0x0304:
        return record_text_of("TLSv1.3");
    default:
        break;
    }
    if (version >> 8 == 0x7f)
        (void)snprintf(room, size, "TLSv1.3-draft%u", version & 0xffu);
    else
        (void)snprintf(room, size, "0x%04x", version);
    return record_text_of(room);
}

/* RFC 8446, 6 and B.2; the last three are from older versions. */
static const char *const alert_names[] = {
    [0] = "close_notify",
    [10] = "unexpected_message",
    [20] = "bad_record_mac",
    [22] = "record_overflow",
    [40] = "handshake_failure",
    [42] = "bad_certificate",
    [43] = "unsupported_certificate",
    [44] = "certificate_revoked",
    [45] = "certificate_expired",
    [46] = "certificate_unknown",
    [47] = "illegal_parameter",
    [48] = "unknown_ca",
    [49] = "access_denied",
    [50] = "decode_error",
    [51] = "decrypt_error",
    [70] = "protocol_version",
    [71] = "insufficient_security",
    [80] = "internal_error",
    [86] = "inappropriate_fallback",
    [90] = "user_canceled",
    [109] = "missing_extension",
    [110] = "unsupported_extension",
    [112] = "unrecognized_name",
    [113] = "bad_certificate_status_response",
    [115] = "unknown_psk_identity",
    [116] = "certificate_required",
    [120] = "no_application_protocol",
    [30] = "decompression_failure",
    [41] = "no_certificate",
    [100] = "no_renegotiation",
};

static struct record_text alert_text(uint8_t alert, char *room, size_t size)
{
    if (alert < sizeof alert_names / sizeof alert_names[0] && alert_names[alert] != NULL)
        return record_text_of(alert_names[alert]);
    (void)snprintf(room, size, "%u", alert);
    return record_text_of(room);
}

static void tls_write(struct conversation *conversation, void *state)
{
    struct tls *tls = state;
    struct tls_session row = {.encrypted = record_boolean(false)};
    char version[32];
    char alert[8];

    if (tls->has_record) {
        row.flow_id = record_integer(conversation_flow(conversation)->flow_id);
        if (tls->has_version)
            row.version = version_text(tls->version, version, sizeof version);
        row.server_name = record_text_unless_empty(text_bytes(&tls->server_name));
        row.alpn = record_text_unless_empty(text_bytes(&tls->alpn));
        if (tls->has_alert)
            row.alert = alert_text(tls->alert, alert, sizeof alert);
        conversation_write(conversation, &tls_session_table, &row);
    }
}

static void tls_refresh(struct conversation *conversation, void *state)
{
    struct tls *tls = state;

    tls_write(conversation, state);
    if (tls->outer != NULL)
        tls->outer->refresh(conversation, tls->outer);
}

static void tls_close(struct conversation *conversation, void *state)
{
    struct tls *tls = state;

    tls_write(conversation, state);
    if (tls->outer != NULL) {
        tls->outer->has_records = tls->has_record;
        tls->outer->close(conversation, tls->outer);
    }
    text_free(&tls->side[FROM_CLIENT].hello);
    text_free(&tls->side[FROM_SERVER].hello);
    text_free(&tls->server_name);
    text_free(&tls->alpn);
}

static const struct record_table *const tls_tables[] = {&tls_session_table, NULL};
static const uint16_t tls_ports[] = {443, 465, 636, 853, 990, 993, 995, 8443, 0};

const struct dissector tls_dissector = {
    .name = "tls",
    .tables = tls_tables,
    .ports = tls_ports,
    .state_size = sizeof(struct tls),
    .unit_limit = TLS_RECORD_HEADER + TLS_RECORD_LIMIT,
    .match = tls_match,
    .open = tls_open,
    .on_data = tls_on_data,
    .on_gap = tls_on_gap,
    .on_end = tls_on_end,
    .refresh = tls_refresh,
    .close = tls_close,
};

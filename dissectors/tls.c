/*
 * tls.c - SSL 3.0 and TLS 1.0 to 1.3 (RFC 6101, 2246, 4346, 5246, 8446): records, and what each side does with them.
 *
 * What is in the clear is read by tls_handshake.c and tls_chain.c; what is protected, by tls_unlock.c, where the user gave secrets. An observer
 * (struct tls_outer) is told of every record. Behind lost bytes the next record is looked for.
 * Hellos in SSL 2.0's format are read by ssl2.c.
 */
#include "dissectors/tls_session.h"

#include "base/memory.h"
#include "dissectors/certificate.h"
#include "dissectors/tls_record.h"

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

static enum tls_handshake_type tls_hello_of(enum side side)
{
    return side == FROM_CLIENT ? TLS_CLIENT_HELLO : TLS_SERVER_HELLO;
}

static enum match match_side(const struct first_bytes *first, enum side side, enum tls_handshake_type hello)
{
    enum match match = first->has_start[side] ? MATCH_NO : match_application_data(first->side[side]);
    uint32_t length;

    if (match == MATCH_NO)
        match = match_hello(first->side[side], hello);
    if (match == MATCH_NO)
        match = side == FROM_CLIENT ? ssl2_match_client_hello(first->side[side], &length) : ssl2_match_server_hello(first->side[side], &length);
    return match;
}

static enum match tls_match(const struct first_bytes *first)
{
    enum side side = first->side[FROM_CLIENT].length > 0 ? FROM_CLIENT : FROM_SERVER;
    enum match match = match_side(first, side, tls_hello_of(side));

    return match == MATCH_NO ? match_hello(first->side[side], tls_hello_of(side_other(side))) : match; /* is_turned */
}

/* A header that follows where its predecessor ends. */
struct tls_header {
    uint8_t type;
    uint16_t version;
    uint16_t length;
};

static struct tls_header take_header(struct cursor *unit)
{
    struct tls_header header;

    header.type = take_u8(unit);
    header.version = take_u16_be(unit);
    header.length = take_u16_be(unit);
    return header;
}

/* ---- what an observer is told ---- */

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

/*
 * Both sides went on to protected records that are no alerts: the handshake was completed. Of TLS 1.3's 0-RTT, the client's Finished is
 * waited for, by its size.
 */
static void note_protected(struct tls *tls, const struct tls_record *record)
{
    struct tls_side *side = &tls->side[record->from];
    bool is_alert = record->type == TLS_ALERT || (tls_is_1_3(tls) && record->is_exact && record->payload.low == 2 && record->payload.high == 2);

    if (!record->is_protected || is_alert || (tls->offers_early_data && record->from == FROM_CLIENT && !side->has_finished))
        return;
    side->has_protected = true;
    if (tls->side[side_other(record->from)].has_protected)
        tls->is_established = true;
}

/* A record's header was read, at its place between the others. */
static void tell_record(struct conversation *conversation, struct tls *tls, enum side from, struct tls_header header, bool is_protected)
{
    struct tls_record record = {
        .from = from,
        .time_us = conversation_now(conversation),
        .type = header.type,
        .length = header.length,
        .is_protected = is_protected,
    };

    if (is_protected) {
        record.is_exact = tls->has_version && tls->has_cipher;
        record.payload = record.is_exact ? tls_payload_of(tls->version, tls->cipher, header.length) : (struct tls_payload){.low = 0, .high = header.length};
    }
    record.is_handshake = header.type == TLS_HANDSHAKE || header.type == TLS_CHANGE_CIPHER_SPEC;
    if (is_protected && header.type == TLS_APPLICATION_DATA && tls_is_1_3(tls))
        record.is_handshake = is_hidden_handshake(tls, &record);
    note_protected(tls, &record);
    if (tls_is_observed(tls))
        tls->outer->on_record(conversation, tls->outer, &record);
}

/* The records of this side cannot be followed, as far as `count` bytes: the next one is looked for, if it is of use to somebody. */
static void lose_step(struct conversation *conversation, struct tls *tls, enum side from, uint64_t count)
{
    struct tls_side *side = &tls->side[from];

    side->record_left = 0;
    side->is_found = false;
    tls->has_missing = tls->has_missing || !tls->is_established;
    tls_lose_bytes(conversation, tls, from, count);
    if (!tls_is_observed(tls) && side->opener == NULL && !tls_is_waiting(tls)) {
        side->phase = TLS_PASSED_OVER;
        return;
    }
    if (side->phase != TLS_SEARCHING && tls_is_observed(tls))
        tls->outer->on_lost(conversation, tls->outer, from);
    side->phase = TLS_SEARCHING;
}

/* ---- records ---- */

/* Nothing that is still to come of this side's records is of use. */
static bool is_done(const struct conversation *conversation, const struct tls *tls, enum side from)
{
    return !tls_is_observed(tls) && !tls->may_return && tls->is_established && !tls_may_open(conversation, tls, from);
}

static bool header_is_protected(const struct tls *tls, enum side from, uint8_t type, uint16_t length)
{
    if (length == 0) /* a protected one has a MAC at least */
        return false;
    if (type == TLS_CHANGE_CIPHER_SPEC) /* the first one is not; a renegotiation's is */
        return tls->side[from].phase == TLS_PROTECTED && tls->has_version && !tls_is_1_3(tls);
    if (tls->side[from].phase != TLS_PROTECTED || tls_is_1_3(tls) || tls->is_retried)
        return type == TLS_APPLICATION_DATA; /* RFC 8446, 5.2: all others are in the clear */
    return true;
}

/* From here on the side's records are protected (RFC 5246, 7.1); TLS 1.3 sends the message for the sake of others (RFC 8446, D.4). */
static void on_change_cipher_spec(struct tls *tls, enum side from)
{
    tls->side[from].phase = TLS_PROTECTED;
    if (tls->has_version && !tls_is_1_3(tls))
        tls_change_epoch(tls, from, TLS_EPOCH_APPLICATION);
}

/* A record in the clear, behind its header. False: it is not all there yet. */
static bool read_clear_record(struct conversation *conversation, struct tls *tls, enum side from, struct tls_header header, struct cursor *unit)
{
    struct tls_side *side = &tls->side[from];
    struct bytes fragment;

    if (header.type != TLS_HANDSHAKE && header.length > 2) {
        side->record_left = header.length;
        return true;
    }
    fragment = take_bytes(unit, header.length);
    if (!cursor_is_good(unit))
        return false;
    if (header.type == TLS_HANDSHAKE)
        tls_on_handshake(conversation, tls, from, fragment);
    else if (header.type == TLS_ALERT && fragment.length == 2)
        (void)tls_on_alert(tls, cursor_within(fragment));
    else if (header.type == TLS_CHANGE_CIPHER_SPEC)
        on_change_cipher_spec(tls, from);
    return true;
}

/* A protected record, behind its header. False: it is not all there yet. */
static bool read_protected_record(struct conversation *conversation, struct tls *tls, enum side from, struct tls_header header, struct cursor *unit)
{
    struct tls_side *side = &tls->side[from];
    struct bytes fragment;

    side->phase = TLS_PROTECTED;
    if (!tls_may_open(conversation, tls, from)) {
        tell_record(conversation, tls, from, header, true);
        side->record_left = header.length;
        return true;
    }
    fragment = take_bytes(unit, header.length);
    if (!cursor_is_good(unit))
        return false;
    tell_record(conversation, tls, from, header, true);
    tls_open_record(conversation, tls, from, header.type, header.version, fragment);
    return true;
}

/* Whether a record can only be understood once the other side's hello is known. */
static bool must_wait(const struct conversation *conversation, const struct tls *tls, enum side from, uint8_t type, const struct cursor *bytes)
{
    return (type == TLS_CHANGE_CIPHER_SPEC || type == TLS_APPLICATION_DATA) && tls_may_open(conversation, tls, from) && tls_waits_for_hello(tls, from) &&
           cursor_left(bytes) < TLS_WAIT_LIMIT;
}

/* The client's next message behind the server's SSL 2.0 hello; more is not read of either side. */
static enum verdict on_ssl2_master_key(struct tls *tls, struct tls_side *side, const struct cursor *bytes)
{
    if (ssl2_read_master_key(tls, peek_bytes(bytes)) == MATCH_MAYBE)
        return VERDICT_NEED_MORE;
    side->phase = TLS_PASSED_OVER;
    return VERDICT_GO_ON;
}

static enum verdict on_old_hello(struct conversation *conversation, struct tls *tls, enum side from, struct cursor *bytes, uint32_t length)
{
    struct cursor unit = *bytes;
    struct cursor hello = take_child(&unit, length);

    if (!cursor_is_good(&unit))
        return VERDICT_NEED_MORE;
    *bytes = unit;
    if (from == FROM_CLIENT)
        ssl2_on_client_hello(tls, hello);
    else
        ssl2_on_server_hello(conversation, tls, hello);
    tls->side[from].phase = from == FROM_CLIENT ? TLS_IN_CLEAR : TLS_PASSED_OVER;
    tls->has_record = true;
    return VERDICT_GO_ON;
}

/* What may be no record of TLS. *verdict is of use where the answer is true. */
static bool read_ssl2(struct conversation *conversation, struct tls *tls, enum side from, struct cursor *bytes, enum verdict *verdict)
{
    struct tls_side *side = &tls->side[from];
    uint32_t length = 0;
    enum match match;

    if (peek_u8(bytes) < 0x80)
        return false;
    if (side->phase == TLS_IN_CLEAR && from == FROM_CLIENT && tls->has_version && tls->version == 0x0002) {
        *verdict = on_ssl2_master_key(tls, side, bytes);
        return true;
    }
    if (side->phase != TLS_BEFORE_HELLO)
        return false;
    match = from == FROM_CLIENT ? ssl2_match_client_hello(peek_bytes(bytes), &length) : ssl2_match_server_hello(peek_bytes(bytes), &length);
    *verdict = match == MATCH_YES ? on_old_hello(conversation, tls, from, bytes, length) : VERDICT_NEED_MORE;
    return match != MATCH_NO;
}

/* A record begins. */
static enum verdict on_record(struct conversation *conversation, struct tls *tls, enum side from, struct cursor *bytes)
{
    struct tls_side *side = &tls->side[from];
    struct cursor unit = *bytes;
    struct tls_header header = take_header(&unit);
    enum verdict verdict;
    bool is_protected;

    if (read_ssl2(conversation, tls, from, bytes, &verdict))
        return verdict;
    if (!cursor_is_good(&unit))
        return VERDICT_NEED_MORE;
    if (!record_header_fits(header.type, (uint8_t)(header.version >> 8), header.length)) {
        lose_step(conversation, tls, from, 0); /* what cannot be a record is passed over byte by byte, and counted then */
        return tls->has_record ? VERDICT_GO_ON : VERDICT_NOT_THIS_PROTOCOL;
    }
    if (must_wait(conversation, tls, from, header.type, bytes))
        return VERDICT_NEED_OTHER_SIDE;
    is_protected = header_is_protected(tls, from, header.type, header.length);
    if (!(is_protected ? read_protected_record(conversation, tls, from, header, &unit) : read_clear_record(conversation, tls, from, header, &unit)))
        return VERDICT_NEED_MORE;
    if (!is_protected)
        tell_record(conversation, tls, from, header, false);
    tls->has_record = true;
    *bytes = unit;
    if (is_done(conversation, tls, from) && side->phase == TLS_PROTECTED)
        side->phase = TLS_PASSED_OVER;
    return VERDICT_GO_ON;
}

/* Whether a header of application data can begin here; by chance one place in 2^27 of protected bytes looks so, and is followed by another one never. */
static bool may_be_header(struct tls_header header)
{
    return header.type == TLS_APPLICATION_DATA && header.version >= 0x0300 && header.version <= 0x0303 && header.length > 0 && header.length <= TLS_RECORD_LIMIT;
}

/* Passes over bytes that belong to no record that is known. */
static void pass_over(struct conversation *conversation, struct tls *tls, enum side from, struct cursor *bytes, size_t count)
{
    skip_bytes(bytes, count);
    tls_lose_bytes(conversation, tls, from, count);
}

/* Looks for a header of application data that another record follows; that one is told again. */
static enum verdict search_record(struct conversation *conversation, struct tls *tls, enum side from, struct cursor *bytes)
{
    struct tls_side *side = &tls->side[from];

    while (cursor_left(bytes) > 0) {
        struct cursor unit = *bytes;
        struct tls_header header;

        if (!side->is_found && peek_u8(bytes) != TLS_APPLICATION_DATA) {
            pass_over(conversation, tls, from, bytes, 1);
            continue;
        }
        header = take_header(&unit);
        if (!cursor_is_good(&unit))
            return VERDICT_NEED_MORE;
        if (side->is_found) {
            side->is_found = false;
            if (record_header_fits(header.type, (uint8_t)(header.version >> 8), header.length)) {
                side->phase = TLS_PROTECTED;
                return VERDICT_GO_ON;
            }
        } else if (may_be_header(header)) {
            pass_over(conversation, tls, from, bytes, TLS_RECORD_HEADER);
            side->is_found = true;
            side->record_left = header.length;
            tls_lose_bytes(conversation, tls, from, header.length);
            return VERDICT_GO_ON;
        } else {
            pass_over(conversation, tls, from, bytes, 1);
        }
    }
    return VERDICT_GO_ON;
}

/* Whether text begins where a record would, and the flow's first owner can go on with it: the other side is between records, too. */
static bool is_text_again(const struct tls *tls, enum side from, const struct cursor *bytes)
{
    const struct tls_side *other = &tls->side[side_other(from)];
    int first = peek_u8(bytes);

    return tls->may_return && first >= 0x20 && first < 0x7f && other->phase != TLS_PASSED_OVER && other->record_left == 0;
}

/* The session comes out of the plaintext, where its reader is. */
static void leave_inside(struct tls *tls)
{
    if (tls->outer != NULL || tls->inside == NULL)
        return;
    tls->inner_protocol = conversation_protocol_inside(tls->inside);
    tls->outer = conversation_leave_inside(tls->inside);
    tls->inside = NULL;
}

static enum verdict hand_back(struct conversation *conversation, struct tls *tls)
{
    tls_end_waiting(conversation, tls);
    leave_inside(tls);
    if (tls->outer == NULL || tls->outer->dissector == NULL)
        return VERDICT_NOT_THIS_PROTOCOL;
    tls->outer->has_records = tls->has_record;
    if (conversation_hand_over(conversation, tls->outer->dissector, tls->outer))
        tls->outer = NULL;
    return VERDICT_HANDED_OVER;
}

/* The next record, or what is at its place. */
static enum verdict on_boundary(struct conversation *conversation, struct tls *tls, enum side from, struct cursor *bytes)
{
    enum verdict verdict = tls->side[from].phase == TLS_SEARCHING ? search_record(conversation, tls, from, bytes) : on_record(conversation, tls, from, bytes);

    tls->side[from].waiting = verdict == VERDICT_NEED_MORE ? cursor_left(bytes) : 0;
    return verdict;
}

/* The side of TLS that `from` is: see is_turned. */
static enum side tls_side_of(const struct tls *tls, enum side from)
{
    return tls->is_turned ? side_other(from) : from;
}

/* The first record tells whose hello it is. False: more of it is needed. */
static bool find_sides(struct tls *tls, enum side from, struct bytes first)
{
    enum match turned = tls->has_record || tls->outer != NULL ? MATCH_NO : match_hello(first, tls_hello_of(side_other(from)));

    if (turned == MATCH_YES)
        tls->is_turned = true;
    return turned != MATCH_MAYBE || first.length == 0;
}

static enum verdict tls_on_data(struct conversation *conversation, void *state, enum side sender, struct cursor *bytes)
{
    struct tls *tls = state;
    bool is_found = tls->is_turned || find_sides(tls, sender, peek_bytes(bytes));
    enum side from = tls_side_of(tls, sender);
    struct tls_side *side = &tls->side[from];

    if (!is_found)
        return VERDICT_NEED_MORE;
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

static enum verdict tls_on_gap(struct conversation *conversation, void *state, enum side sender, uint64_t count)
{
    struct tls *tls = state;
    enum side from = tls_side_of(tls, sender);
    struct tls_side *side = &tls->side[from];
    uint64_t lost = count + side->waiting;

    side->waiting = 0;
    tls->server_is_silent = tls->server_is_silent || from == FROM_SERVER;
    if (side->phase == TLS_PASSED_OVER)
        return VERDICT_GO_ON;
    if (lost == count && count <= side->record_left)
        side->record_left -= (uint32_t)count; /* inside a record that is skipped anyway */
    else
        lose_step(conversation, tls, from, lost);
    return VERDICT_GO_ON;
}

static void tls_on_end(struct conversation *conversation, void *state, enum side sender, enum ending ending, struct bytes unread)
{
    struct tls *tls = state;
    enum side from = tls_side_of(tls, sender);

    (void)unread;
    tls->server_is_silent = tls->server_is_silent || from == FROM_SERVER;
    tls_end_inside(conversation, tls, from, ending);
    if (tls_is_observed(tls))
        tls->outer->on_end(conversation, tls->outer, from, ending);
}

void tls_begin(struct tls *tls)
{
    tls->side[FROM_CLIENT].messages.limit = TLS_MESSAGE_LIMIT + TLS_FRAGMENT_LIMIT;
    tls->side[FROM_SERVER].messages.limit = TLS_MESSAGE_LIMIT + TLS_FRAGMENT_LIMIT;
    tls->server_name.limit = TLS_SERVER_NAME_LIMIT;
    tls->alpn.limit = TLS_SERVER_NAME_LIMIT;
    tls->versions_offered.limit = TLS_LIST_LIMIT;
    tls->protocols_offered.limit = TLS_LIST_LIMIT;
}

static void tls_open(struct conversation *conversation, void *state, void *from_before)
{
    struct tls *tls = state;

    (void)conversation;
    tls_begin(tls);
    tls->outer = from_before;
    tls->may_return = tls->outer != NULL && tls->outer->dissector != NULL;
}

static void tls_refresh(struct conversation *conversation, void *state)
{
    struct tls *tls = state;

    tls_try_waiting(conversation, tls);
    if (tls->has_record)
        tls_write_row(conversation, tls);
    if (tls->inside != NULL)
        conversation_refresh_inside(tls->inside);
    if (tls->outer != NULL)
        tls->outer->refresh(conversation, tls->outer);
}

/* Its rows are written anew where what waited was opened: nothing else may come for long. */
static void tls_wake(struct conversation *conversation, void *state)
{
    struct tls *tls = state;
    size_t waited = tls->held_bytes;

    tls_try_waiting(conversation, tls);
    if (tls->held_bytes != waited)
        tls_refresh(conversation, tls);
}

static void free_side(struct tls_side *side)
{
    text_free(&side->messages);
    tls_opener_free(side->opener);
}

void tls_end(struct conversation *conversation, struct tls *tls)
{
    tls_end_waiting(conversation, tls);
    if (tls->has_record) {
        tls_write_row(conversation, tls);
        tls_judge(conversation, tls);
    }
    if (tls->inside != NULL)
        conversation_close_inside(tls->inside);
    if (tls->outer != NULL) {
        tls->outer->has_records = tls->has_record;
        tls->outer->close(conversation, tls->outer);
    }
    if (tls->certificate != NULL)
        certificate_free(tls->certificate);
    memory_free(tls->certificate);
    memory_free(tls->room);
    tls_forget_transcript(tls);
    free_side(&tls->side[FROM_CLIENT]);
    free_side(&tls->side[FROM_SERVER]);
    text_free(&tls->server_name);
    text_free(&tls->alpn);
    text_free(&tls->versions_offered);
    text_free(&tls->protocols_offered);
}

static void tls_close(struct conversation *conversation, void *state)
{
    tls_end(conversation, state);
}

static const struct record_table *const tls_tables[] = {&tls_session_table, &certificate_table, NULL};
static const uint16_t tls_ports[] = {443, 465, 636, 853, 990, 993, 995, 8443, 0};

const struct dissector tls_dissector = {
    .name = "tls",
    .tables = tls_tables,
    .ports = tls_ports,
    .state_size = sizeof(struct tls),
    .unit_limit = TLS_UNIT_LIMIT,
    .match = tls_match,
    .open = tls_open,
    .on_data = tls_on_data,
    .on_gap = tls_on_gap,
    .on_end = tls_on_end,
    .refresh = tls_refresh,
    .wake = tls_wake,
    .close = tls_close,
};

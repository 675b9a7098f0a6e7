/*
 * rdp.c - the Remote Desktop Protocol's connection, [MS-RDPBCGR], over TPKT (RFC 1006
 * and 2126) and X.224 (T.123): negotiation (rdp_negotiation.c), MCS connect (rdp_gcc.c) with
 * the data blocks of both sides (rdp_blocks.c), and how much each channel carried.
 *
 * What is behind the connect is read by rdp_session.c. TLS and CredSSP are handed over to TLS (rdp_tls.c); where the user's keys open it, this
 * dissector is opened again inside, and reads CredSSP (rdp_credssp.c) and the connect there.
 *
 * The phases of each side; a side may skip what was not seen of it:
 *
 *     NEGOTIATION --on_request, on_confirm--> CONNECT --on_connect--> SESSION
 *          |                                     |                       |
 *          +--TLS chosen: handed over            +-----------+-----------+
 *                                                            | a gap, or a length that lies
 *                                                            v
 *                                             is_searching, until find_pdu
 */
#include "base/file.h"
#include "dissectors/rdp_peers.h"
#include "dissectors/rdp_record.h"
#include "dissectors/rdp_security.h"
#include "dissectors/rdp_session.h"
#include "dissectors/rdp_tls.h"

#define TPKT_VERSION 3
#define TPKT_HEADER 4
#define X224_DATA_HEADER 3
#define TPKT_LIMIT 65535
/* An X.224 header is at most 255 bytes long: a cookie that fits it is never cut. */
#define COOKIE_LIMIT 255
/* TPKT, X.224 data header, MCS send-data header up to the length of its data. */
#define SEND_DATA_HEADER 15
#define TLS_HANDSHAKE 0x16

enum x224_code { /* X.224 13 */
    X224_CONNECTION_REQUEST = 0xe0,
    X224_CONNECTION_CONFIRM = 0xd0,
    X224_DATA = 0xf0,
};

enum mcs_code { /* T.125 7: the choice, in the upper 6 bits */
    MCS_SEND_DATA_REQUEST = 0x64,
    MCS_SEND_DATA_INDICATION = 0x68,
};

static const struct record_table *const rdp_tables[] = {&rdp_session_table, &rdp_channel_table, &rdp_event_table, &file_table, NULL};
static const uint16_t rdp_ports[] = {3389, 0};

enum rdp_phase {
    RDP_NEGOTIATION, /* until its connection request or confirm */
    RDP_CONNECT,     /* until its MCS connect */
    RDP_SESSION,     /* rdp_session.c reads the rest */
};

struct rdp_side {
    enum rdp_phase phase;
    size_t awaited;    /* length of a PDU of the session whose header was counted and that is not whole yet */
    size_t held;       /* so much of it is there */
    uint64_t to_skip;  /* of a PDU that is passed over, as bytes of it are missing */
    bool is_searching; /* out of step: looks for the next PDU */
    bool has_lied;     /* out of step by its own words, not by a gap */
    bool is_silent;    /* it ended, or bytes of it are missing: what was not seen of it yet may never come */
};

struct rdp {
    struct rdp_side side[SIDE_COUNT];
    struct rdp_facts facts;
    bool client_waits; /* for the server's confirm */
    bool told_malformed;
    bool is_moved; /* the facts are TLS's */
    struct tls_outer *outer; /* borrowed: TLS, which the session is read inside of; NULL: it is not */
};

/* The negotiation is over: CredSSP, or the MCS connect, comes next. */
static void enter_tls(struct rdp *rdp, struct tls_outer *outer)
{
    rdp->outer = outer;
    rdp_tls_enter(outer, &rdp->facts);
    rdp->side[FROM_CLIENT].phase = RDP_CONNECT;
    rdp->side[FROM_SERVER].phase = RDP_CONNECT;
}

static void rdp_open(struct conversation *conversation, void *state, void *from_before)
{
    struct rdp *rdp = state;

    rdp->facts.cookie.limit = COOKIE_LIMIT;
    if (from_before != NULL)
        enter_tls(rdp, from_before);
    for (int side = 0; side < SIDE_COUNT; side++)
        rdp->side[side].is_silent = !conversation_has_start(conversation, (enum side)side);
}

static void tell_malformed(struct conversation *conversation, struct rdp *rdp, enum side from, const char *what)
{
    if (rdp->told_malformed)
        return;
    rdp->told_malformed = true;
    conversation_finding(conversation, "notice", "rdp_malformed", "%s from the %s contradicts itself; what was read before it stands", what, side_name(from));
}

/* ---- negotiation ---- */

static void on_request(struct conversation *conversation, struct rdp *rdp, struct cursor *variable)
{
    rdp->side[FROM_CLIENT].phase = RDP_CONNECT;
    rdp_peers_begin(conversation);
    rdp_shape_reached(conversation, &rdp->facts.shape, RDP_REACHED_NEGOTIATION);
    if (!rdp_read_request(variable, &rdp->facts))
        tell_malformed(conversation, rdp, FROM_CLIENT, "the connection request");
}

/* TLS gets the flow, and the session with it: its row is written when TLS is over, with what TLS shows of it. */
static enum verdict hand_over_to_tls(struct conversation *conversation, struct rdp *rdp)
{
    struct tls_outer *outer;

    if (rdp->facts.share != NULL) { /* PDUs of a session before TLS: they are over */
        rdp_session_end(rdp->facts.share, conversation);
        rdp_session_free(rdp->facts.share);
        rdp->facts.share = NULL;
    }
    outer = rdp_tls_new(&rdp->facts);
    if (conversation_hand_over(conversation, &tls_dissector, outer))
        rdp->is_moved = outer != NULL;
    else
        rdp_tls_free(outer);
    return VERDICT_HANDED_OVER;
}

/* The server's answer. With every protocol that has a name, but RDP's own, TLS comes next. */
static enum verdict on_confirm(struct conversation *conversation, struct rdp *rdp, struct cursor *variable)
{
    const struct rdp_number *selected = &rdp->facts.selected;

    rdp->side[FROM_SERVER].phase = RDP_CONNECT;
    rdp_peers_begin(conversation);
    rdp_shape_reached(conversation, &rdp->facts.shape, RDP_REACHED_NEGOTIATION);
    if (!rdp_read_confirm(variable, &rdp->facts))
        tell_malformed(conversation, rdp, FROM_SERVER, "the connection confirm");
    if (selected->is_known && selected->value != RDP_PROTOCOL_RDP && rdp_protocol_name(selected->value) != NULL)
        return hand_over_to_tls(conversation, rdp);
    return VERDICT_GO_ON;
}

/* ---- PDUs ---- */

/* Behind CredSSP nobody but who was let in goes on. */
static void note_login(struct rdp *rdp, enum side from)
{
    if (from != FROM_SERVER || !rdp->facts.credssp.is_seen || rdp->facts.shape.login != RDP_LOGIN_UNKNOWN)
        return;
    rdp->facts.shape.login = RDP_LOGIN_SUCCESS;
    rdp->facts.shape.basis = "CredSSP: the connect follows";
}

static void on_connect(struct conversation *conversation, struct rdp *rdp, enum side from, struct cursor *pdu)
{
    size_t length = cursor_left(pdu) + TPKT_HEADER + X224_DATA_HEADER;
    enum rdp_reading reading =
        from == FROM_CLIENT ? rdp_read_connect_initial(pdu, &rdp->facts.settings) : rdp_read_connect_response(pdu, &rdp->facts.settings);

    rdp->side[from].phase = RDP_SESSION;
    rdp->facts.was_connected[from] = reading != RDP_OTHER;
    rdp_shape_pdu(conversation, &rdp->facts.shape, from, length, false);
    if (reading != RDP_OTHER) {
        rdp_shape_reached(conversation, &rdp->facts.shape, RDP_REACHED_MCS_CONNECT);
        note_login(rdp, from);
    }
    if (from == FROM_SERVER && rdp->facts.security == NULL)
        rdp->facts.security = rdp_security_new(&rdp->facts.settings);
    if (reading == RDP_INVALID)
        tell_malformed(conversation, rdp, from, "the MCS connect");
}

/* A whole PDU before the session, behind its TPKT header. */
static enum verdict on_x224(struct conversation *conversation, struct rdp *rdp, enum side from, struct cursor pdu)
{
    uint8_t length = take_u8(&pdu);
    struct cursor header = take_child(&pdu, length);
    uint8_t code = take_u8(&header) & 0xf0;
    uint16_t reference;

    if (!cursor_is_good(&header)) {
        tell_malformed(conversation, rdp, from, "an X.224 header");
        return VERDICT_GO_ON;
    }
    if (code == X224_DATA) {
        on_connect(conversation, rdp, from, &pdu);
        return VERDICT_GO_ON;
    }
    if (rdp->side[from].phase != RDP_NEGOTIATION || code != (from == FROM_CLIENT ? X224_CONNECTION_REQUEST : X224_CONNECTION_CONFIRM))
        return VERDICT_GO_ON;
    skip_bytes(&header, 2); /* destination reference */
    reference = take_u16_be(&header);
    skip_bytes(&header, 1); /* class */
    if (!cursor_is_good(&header))
        tell_malformed(conversation, rdp, from, "an X.224 header");
    if (from == FROM_SERVER && cursor_is_good(&header))
        rdp->facts.source_reference = (struct rdp_number){.value = reference, .is_known = true};
    if (!cursor_is_good(&header))
        return VERDICT_GO_ON;
    if (cursor_left(&pdu) > 0)
        tell_malformed(conversation, rdp, from, "an X.224 header");
    if (from == FROM_SERVER)
        return on_confirm(conversation, rdp, &header);
    on_request(conversation, rdp, &header);
    return VERDICT_GO_ON;
}

/* Length of the next PDU: TPKT, or, in the session, fast-path (2.2.9.1.2, 2.2.8.1.2). Where it cannot be told, the cursor says why. */
static size_t peek_pdu_length(struct cursor ahead, enum rdp_phase phase, enum cursor_state *state)
{
    uint8_t first = take_u8(&ahead);
    size_t length;

    if (first == TPKT_VERSION) {
        skip_bytes(&ahead, 1);
        length = take_u16_be(&ahead);
        if (length < TPKT_HEADER + 1)
            cursor_reject(&ahead);
    } else {
        size_t header = 2;

        length = take_u8(&ahead);
        if ((length & 0x80) != 0) {
            length = (length & 0x7f) << 8 | take_u8(&ahead);
            header = 3;
        }
        if ((first & 3) != 0 || length < header || phase != RDP_SESSION)
            cursor_reject(&ahead);
    }
    *state = ahead.state;
    return length;
}

/* A PDU before the session: taken whole. */
static enum verdict read_pdu(struct conversation *conversation, struct rdp *rdp, enum side from, struct cursor *bytes, size_t length)
{
    struct cursor pdu = *bytes;
    struct cursor body = take_child(&pdu, length);

    if (!cursor_is_good(&pdu))
        return VERDICT_NEED_MORE;
    *bytes = pdu;
    skip_bytes(&body, TPKT_HEADER);
    return on_x224(conversation, rdp, from, body);
}

/* The MCS header of send data, behind the X.224 data header: counts what it says to be the channel's. */
static void count_send_data(struct rdp *rdp, enum side from, struct cursor header)
{
    uint8_t wanted = from == FROM_CLIENT ? MCS_SEND_DATA_REQUEST : MCS_SEND_DATA_INDICATION;
    bool is_data;
    uint16_t channel;
    size_t size;

    skip_bytes(&header, TPKT_HEADER);
    is_data = take_u8(&header) == 2 && take_u8(&header) == X224_DATA;
    skip_bytes(&header, 1);
    is_data = is_data && (take_u8(&header) & 0xfc) == wanted;
    skip_bytes(&header, 2); /* initiator */
    channel = take_u16_be(&header);
    skip_bytes(&header, 1); /* priority, segmentation */
    size = take_u8(&header);
    if ((size & 0x80) != 0)
        size = (size & 0x7f) << 8 | take_u8(&header);
    for (unsigned i = 0; is_data && cursor_is_good(&header) && i < rdp->facts.settings.channel_count; i++) {
        struct rdp_channel_state *known = &rdp->facts.settings.channels[i];

        if (known->id.is_known && known->id.value == channel) {
            known->bytes[from] += size;
            return;
        }
    }
}

/* A PDU of the session: taken whole. Its header is counted as soon as it is there, whatever becomes of the rest. */
static enum verdict read_session_pdu(struct conversation *conversation, struct rdp *rdp, enum side from, struct cursor *bytes, size_t length)
{
    struct rdp_side *side = &rdp->side[from];
    size_t head = length < SEND_DATA_HEADER ? length : SEND_DATA_HEADER;
    struct cursor ahead = *bytes;
    struct cursor header = take_child(&ahead, head);
    struct cursor pdu;

    if (!cursor_is_good(&ahead))
        return VERDICT_NEED_MORE;
    if (side->awaited == 0 && peek_u8(bytes) == TPKT_VERSION)
        count_send_data(rdp, from, header);
    ahead = *bytes;
    pdu = take_child(&ahead, length);
    side->awaited = cursor_is_good(&ahead) ? 0 : length;
    side->held = cursor_left(bytes);
    if (!cursor_is_good(&ahead))
        return VERDICT_NEED_MORE;
    rdp_shape_pdu(conversation, &rdp->facts.shape, from, length, from == FROM_CLIENT && peek_u8(bytes) != TPKT_VERSION);
    *bytes = ahead;
    if (rdp->facts.share == NULL)
        rdp->facts.share = rdp_session_new(&rdp->facts);
    rdp_session_read(rdp->facts.share, conversation, from, pdu);
    return VERDICT_GO_ON;
}

/* ---- out of step ---- */

/*
 * Passes over what cannot be followed, up to a TPKT header with X.224 data in it. In other
 * data those bytes stand by chance once in a million million bytes.
 */
static enum verdict find_pdu(struct rdp_side *side, struct cursor *bytes)
{
    while (cursor_left(bytes) > 0) {
        struct cursor ahead = *bytes;

        if (peek_u8(bytes) != TPKT_VERSION) {
            (void)take_until(&ahead, TPKT_VERSION);
            if (cursor_is_good(&ahead))
                skip_bytes(bytes, cursor_left(bytes) - cursor_left(&ahead) - 1);
            else
                skip_bytes(bytes, cursor_left(bytes));
            continue;
        }
        ahead = cursor_over(take_up_to(&ahead, 7));
        if (take_u16_be(&ahead) == TPKT_VERSION << 8 && take_u16_be(&ahead) > 7 && take_u24_be(&ahead) == (0x02 << 16 | X224_DATA << 8 | 0x80)) {
            side->is_searching = false;
            return VERDICT_GO_ON;
        }
        if (ahead.state == CURSOR_SHORT)
            return VERDICT_NEED_MORE;
        skip_bytes(bytes, 1);
    }
    return VERDICT_GO_ON;
}

/* As long as no confirm was seen, TLS may begin: unless the client did not offer it. */
static bool may_be_tls(const struct rdp *rdp)
{
    const struct rdp_number *requested = &rdp->facts.requested;

    return rdp->side[FROM_SERVER].phase == RDP_NEGOTIATION && (!requested->is_known || requested->value != RDP_PROTOCOL_RDP);
}

/* A TLS record: the server's confirm that would tell so is missing, or yet to come. */
static enum verdict on_tls_record(struct conversation *conversation, struct rdp *rdp, enum side from)
{
    if (from == FROM_SERVER || rdp->side[FROM_SERVER].is_silent)
        return hand_over_to_tls(conversation, rdp);
    rdp->client_waits = true;
    return VERDICT_NEED_OTHER_SIDE;
}

/* Whether a TLS record of a handshake begins here. */
static bool begins_tls(struct cursor ahead)
{
    return take_u8(&ahead) == TLS_HANDSHAKE && take_u8(&ahead) == 3 && cursor_is_good(&ahead);
}

static enum verdict on_invalid_header(struct conversation *conversation, struct rdp *rdp, enum side from)
{
    struct rdp_side *side = &rdp->side[from];

    tell_malformed(conversation, rdp, from, "the header of a PDU");
    side->is_searching = true;
    side->has_lied = true;
    return rdp->side[side_other(from)].has_lied ? VERDICT_NOT_THIS_PROTOCOL : VERDICT_GO_ON;
}

/* ---- CredSSP, inside TLS ---- */

static enum verdict on_login_before_connect(struct conversation *conversation, struct rdp *rdp, enum side from, struct cursor *bytes)
{
    struct rdp_credssp *credssp = &rdp->facts.credssp;
    bool is_early_result = from == FROM_SERVER && rdp->facts.selected.value == RDP_PROTOCOL_HYBRID_EX && (peek_u8(bytes) == 0 || peek_u8(bytes) == 5);
    size_t before = cursor_left(bytes);
    enum cursor_state state = is_early_result ? rdp_credssp_take_early_result(credssp, bytes) : rdp_credssp_take(credssp, from, bytes);

    if (state == CURSOR_SHORT)
        return VERDICT_NEED_MORE;
    if (state == CURSOR_INVALID)
        return on_invalid_header(conversation, rdp, from);
    rdp_shape_pdu(conversation, &rdp->facts.shape, from, before - cursor_left(bytes), false);
    rdp_shape_reached(conversation, &rdp->facts.shape, RDP_REACHED_AUTHENTICATION);
    if (credssp->was_refused || (is_early_result && credssp->early_result != 0)) {
        rdp->facts.shape.login = RDP_LOGIN_FAILURE;
        rdp->facts.shape.basis = credssp->was_refused ? "CredSSP: the server's error code" : "CredSSP: the early user authorization result";
    }
    return VERDICT_GO_ON;
}

/* ---- the dissector ---- */

/* One PDU, or as much of it as is there. */
static enum verdict on_pdu(struct conversation *conversation, struct rdp *rdp, enum side from, struct cursor *bytes)
{
    struct rdp_side *side = &rdp->side[from];
    enum cursor_state state;
    size_t length;

    if (side->phase != RDP_SESSION && peek_u8(bytes) == TLS_HANDSHAKE && may_be_tls(rdp)) {
        if (cursor_left(bytes) < 2)
            return VERDICT_NEED_MORE;
        if (begins_tls(*bytes))
            return on_tls_record(conversation, rdp, from);
    }
    if (side->is_searching)
        return find_pdu(side, bytes);
    if (from == FROM_CLIENT && side->phase == RDP_NEGOTIATION && peek_u8(bytes) != TPKT_VERSION && !rdp->facts.preconnection_id.is_known) {
        enum rdp_preconnection preconnection = rdp_read_preconnection(bytes, &rdp->facts);

        if (preconnection != PRECONNECTION_ABSENT)
            return preconnection == PRECONNECTION_READ ? VERDICT_GO_ON : VERDICT_NEED_MORE;
    }
    if (rdp->outer != NULL && side->phase == RDP_CONNECT && peek_u8(bytes) != TPKT_VERSION)
        return on_login_before_connect(conversation, rdp, from, bytes);
    length = peek_pdu_length(*bytes, side->phase, &state);
    if (state == CURSOR_SHORT)
        return VERDICT_NEED_MORE;
    if (state == CURSOR_INVALID)
        return on_invalid_header(conversation, rdp, from);
    if (side->phase == RDP_SESSION)
        return read_session_pdu(conversation, rdp, from, bytes, length);
    return read_pdu(conversation, rdp, from, bytes, length);
}

static enum verdict rdp_on_data(struct conversation *conversation, void *state, enum side from, struct cursor *bytes)
{
    struct rdp *rdp = state;
    struct rdp_side *side = &rdp->side[from];

    while (cursor_left(bytes) > 0) {
        enum verdict verdict;

        if (side->to_skip > 0) {
            side->to_skip -= take_up_to(bytes, side->to_skip).length;
            continue;
        }
        verdict = on_pdu(conversation, rdp, from, bytes);
        if (verdict != VERDICT_GO_ON)
            return verdict;
        if (rdp->client_waits && rdp->side[FROM_SERVER].phase != RDP_NEGOTIATION) {
            rdp->client_waits = false;
            return VERDICT_NEED_OTHER_SIDE; /* the confirm: the client's turn, as if it had waited for it */
        }
    }
    return VERDICT_GO_ON;
}

static enum verdict rdp_on_gap(struct conversation *conversation, void *state, enum side from, uint64_t count)
{
    struct rdp *rdp = state;
    struct rdp_side *side = &rdp->side[from];

    side->is_silent = true;
    if (from == FROM_CLIENT)
        rdp->client_waits = false; /* what waited is given up */
    rdp_session_lost(rdp->facts.share, conversation, from);
    rdp_shape_lost(&rdp->facts.shape, from);
    side->to_skip += side->awaited > 0 ? side->awaited - side->held : 0; /* what was held is given up */
    side->awaited = 0;
    if (conversation_knows_count(conversation, count) && count <= side->to_skip) {
        side->to_skip -= count; /* inside a PDU whose length is known */
        return VERDICT_GO_ON;
    }
    side->to_skip = 0;
    side->is_searching = true;
    return VERDICT_GO_ON;
}

static void rdp_on_end(struct conversation *conversation, void *state, enum side from, enum ending ending, struct bytes unread)
{
    struct rdp *rdp = state;

    (void)conversation;
    (void)ending;
    (void)unread;
    rdp->side[from].is_silent = true;
}

static void rdp_refresh(struct conversation *conversation, void *state)
{
    const struct rdp *rdp = state;

    rdp_write_session(conversation, &rdp->facts);
}

static void rdp_close(struct conversation *conversation, void *state)
{
    struct rdp *rdp = state;

    if (rdp->is_moved)
        return;
    if (rdp->outer == NULL)
        rdp_peers_end(conversation);
    else
        rdp_tls_add_login(rdp->outer, &rdp->facts.shape);
    rdp_session_end(rdp->facts.share, conversation);
    rdp_write_rows(conversation, &rdp->facts);
    rdp_facts_free(&rdp->facts);
}

/* ---- identification ---- */

/* Bytes of a connection request or confirm that always stand: behind the X.224 length, and in all. */
#define X224_FIXED 6
#define CONNECTION_FIXED (TPKT_HEADER + 1 + X224_FIXED)

/* An MCS connect of the client or the server, by the key of its user data: what came before was missed, or said little. */
static enum match match_connect(struct cursor cursor, enum side from)
{
    struct cursor whole;
    uint32_t tpkt;
    uint16_t total;

    tpkt = take_u16_be(&cursor);
    total = take_u16_be(&cursor);
    if (cursor.state == CURSOR_SHORT)
        return MATCH_MAYBE;
    if (tpkt != TPKT_VERSION << 8)
        return MATCH_NO;
    whole = cursor_over(take_up_to(&cursor, total));
    if (cursor_left(&whole) < 5)
        return MATCH_MAYBE;
    if (take_u24_be(&whole) != (0x02 << 16 | X224_DATA << 8 | 0x80) || take_u16_be(&whole) != (from == FROM_CLIENT ? 0x7f65 : 0x7f66))
        return MATCH_NO;
    if (bytes_contain_nocase(peek_bytes(&whole), from == FROM_CLIENT ? "Duca" : "McDn"))
        return MATCH_YES;
    return cursor_left(&whole) + TPKT_HEADER + 5 < total ? MATCH_MAYBE : MATCH_NO;
}

/* What stands behind the fixed part of a connection request or confirm. */
static enum match match_variable(const struct cursor *cursor, enum side from)
{
    static const char cookie[] = "Cookie: ";
    int next = peek_u8(cursor);

    if (next == -1)
        return MATCH_MAYBE;
    if (from == FROM_SERVER)
        return rdp_is_negotiation(next, FROM_SERVER) ? MATCH_YES : MATCH_NO;
    if (rdp_is_negotiation(next, FROM_CLIENT))
        return MATCH_YES;
    if (bytes_begin_nocase(peek_bytes(cursor), cookie))
        return MATCH_YES;
    if (next == cookie[0] && cursor_left(cursor) < sizeof cookie - 1)
        return MATCH_MAYBE;
    /* a token of any letters; transport selectors (0xc0 to 0xc2) and other parameters belong to other users of X.224 */
    return next >= ' ' && next < 0x7f ? MATCH_PORT : MATCH_NO;
}

/* The same where the lengths of TPKT and X.224 disagree: only the port can settle it. */
static enum match match_disagreeing(const struct cursor *cursor, size_t variable_length, enum side from)
{
    enum match match = variable_length > 0 ? match_variable(cursor, from) : MATCH_PORT;

    return match == MATCH_YES ? MATCH_PORT : match;
}

/*
 * A connection request or confirm of X.224 class 0. Others begin so too (RFC 1006: S7, MMS, H.323): they name transport
 * selectors, where RDP has a cookie or a negotiation.
 */
static enum match match_side(struct bytes first, enum side from)
{
    struct cursor cursor = cursor_over(first);
    uint16_t tpkt;
    uint16_t total;
    uint8_t length;
    uint8_t code;

    if (peek_u8(&cursor) != TPKT_VERSION)
        return first.length == 0 ? MATCH_MAYBE : MATCH_NO;
    tpkt = take_u16_be(&cursor);
    total = take_u16_be(&cursor);
    length = take_u8(&cursor);
    code = take_u8(&cursor);
    if (!cursor_is_good(&cursor))
        return MATCH_MAYBE;
    if (code == X224_DATA)
        return match_connect(cursor_over(first), from);
    if (tpkt != TPKT_VERSION << 8 || code != (from == FROM_CLIENT ? X224_CONNECTION_REQUEST : X224_CONNECTION_CONFIRM))
        return MATCH_NO;
    skip_bytes(&cursor, X224_FIXED - 1);
    if (!cursor_is_good(&cursor))
        return MATCH_MAYBE;
    if (total != TPKT_HEADER + 1 + length || length < X224_FIXED)
        return match_disagreeing(&cursor, total > CONNECTION_FIXED ? (size_t)total - CONNECTION_FIXED : 0, from);
    if (length > X224_FIXED)
        return match_variable(&cursor, from);
    /* nothing but the fixed part: what follows says more */
    return match_connect(cursor, from) == MATCH_YES ? MATCH_YES : MATCH_PORT;
}

/* The client's first bytes, of which a preconnection PDU may be the first. */
static enum match match_client(struct bytes first)
{
    struct cursor cursor = cursor_over(first);
    enum rdp_preconnection preconnection;

    if (first.length == 0 || peek_u8(&cursor) == TPKT_VERSION)
        return match_side(first, FROM_CLIENT);
    preconnection = rdp_read_preconnection(&cursor, NULL);
    if (preconnection == PRECONNECTION_READ)
        return match_side(peek_bytes(&cursor), FROM_CLIENT);
    return preconnection == PRECONNECTION_SHORT ? MATCH_MAYBE : MATCH_NO;
}

/* Both sides together: each may rule it out, either may be sure. */
static enum match rdp_match(const struct first_bytes *first)
{
    enum match client = match_client(first->side[FROM_CLIENT]);
    enum match server = match_side(first->side[FROM_SERVER], FROM_SERVER);

    if (client == MATCH_NO || server == MATCH_NO)
        return MATCH_NO;
    if (client == MATCH_YES || server == MATCH_YES)
        return MATCH_YES;
    return client == MATCH_PORT || server == MATCH_PORT ? MATCH_PORT : MATCH_MAYBE;
}

const struct dissector rdp_dissector = {
    .name = "rdp",
    .tables = rdp_tables,
    .ports = rdp_ports,
    .state_size = sizeof(struct rdp),
    .unit_limit = TPKT_LIMIT,
    .match = rdp_match,
    .open = rdp_open,
    .on_data = rdp_on_data,
    .on_gap = rdp_on_gap,
    .on_end = rdp_on_end,
    .refresh = rdp_refresh,
    .close = rdp_close,
};

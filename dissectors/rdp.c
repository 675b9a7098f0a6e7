/*
 * rdp.c - the Remote Desktop Protocol's connection, [MS-RDPBCGR], over TPKT (RFC 1006
 * and 2126) and X.224: negotiation, MCS connect with the data blocks of both sides.
 *
 * Leaves out: everything behind the connect (it is passed over by its lengths), the
 * certificate, what standard RDP security encrypts. TLS and CredSSP are handed over.
 *
 *     REQUEST --connection confirm--> CONNECT --connect response--> SESSION
 *        |                               |
 *        +--refused: the session row--   +--TLS or CredSSP chosen: handed over to TLS
 */
#include "dissectors/dissector.h"
#include "dissectors/rdp_record.h"
#include "dissectors/tls.h"

#include <stdio.h>

#define TPKT_VERSION 3
#define TPKT_HEADER 4
#define TPKT_LIMIT 65535
#define COOKIE_LIMIT 512

enum x224_code { /* X.224 13 */
    X224_CONNECTION_REQUEST = 0xe0,
    X224_CONNECTION_CONFIRM = 0xd0,
    X224_DATA = 0xf0,
};

enum negotiation_type { /* [MS-RDPBCGR] 2.2.1.1.1, 2.2.1.2.1, 2.2.1.2.2, 2.2.1.1.2 */
    NEGOTIATION_REQUEST = 1,
    NEGOTIATION_RESPONSE = 2,
    NEGOTIATION_FAILURE = 3,
};

enum security_protocol {
    PROTOCOL_RDP = 0,
    PROTOCOL_SSL = 1,
};

#define RDP_CHANNEL(COLUMN, LATER, R) \
    COLUMN(R, integer, flow_id, RECORD_DOC_FLOW_ID) \
    COLUMN(R, text, name, "the channel's name as the client asked for it: 'cliprdr', 'rdpsnd', 'drdynvc', ...") \
    COLUMN(R, integer, channel_id, "MCS channel id that the server gave it; NULL where its answer was not seen") \
    COLUMN(R, integer, options, "the client's option flags ([MS-RDPBCGR] 2.2.1.3.4.1)") \
    LATER(R, integer, client_bytes, "bytes that the client sent in the channel") \
    LATER(R, integer, server_bytes, "bytes that the server sent in the channel")

RECORD_STRUCT(rdp_channel, RDP_CHANNEL);
RECORD_COLUMNS(rdp_channel, RDP_CHANNEL);
RECORD_COLUMNS(rdp_session, RDP_SESSION);

static const struct record_session rdp_sessions = {
    .protocol = "rdp",
    .user = "coalesce(s.user, s.cookie)",
    .outcome = "CASE WHEN s.negotiation_failure IS NOT NULL THEN 'refused' WHEN s.selected_protocol IS NOT NULL THEN 'connected' END",
    .summary = "trim(coalesce(s.client_name, 'client') || ' ' || coalesce(s.negotiation_failure, 'security ' || s.selected_protocol, '') || "
               "coalesce(' ' || s.desktop_width || 'x' || s.desktop_height, '') || coalesce(' channels ' || s.channels, ''))",
};

static const struct record_table rdp_session_table = {
    .table = "rdp_session",
    .view = "rdp_sessions",
    .doc = "one connection of the Remote Desktop Protocol",
    .kind = RECORD_VIEW_SESSION,
    .columns = rdp_session_columns,
    .column_count = RECORD_COLUMN_COUNT(rdp_session_columns),
    .session = &rdp_sessions,
    .index = "flow_id",
};

static const struct record_table rdp_channel_table = {
    .table = "rdp_channel",
    .view = "rdp_channels",
    .doc = "one static virtual channel that an RDP client asked for",
    .kind = RECORD_VIEW_PLAIN,
    .columns = rdp_channel_columns,
    .column_count = RECORD_COLUMN_COUNT(rdp_channel_columns),
    .index = "flow_id",
};

static const struct record_table *const rdp_tables[] = {&rdp_session_table, &rdp_channel_table, NULL};
static const uint16_t rdp_ports[] = {3389, 0};

enum rdp_phase {
    RDP_REQUEST, /* until the server's connection confirm */
    RDP_CONNECT, /* until the server's connect response */
    RDP_SESSION_PHASE,
};

struct rdp {
    enum rdp_phase phase;
    struct text cookie;
    bool has_requested;
    uint32_t requested;
    bool has_selected;
    uint32_t selected;
    bool has_failure;
    uint32_t failure;
    bool has_confirm;
    uint64_t to_skip[SIDE_COUNT]; /* of a PDU that is passed over */
    bool is_out_of_step[SIDE_COUNT]; /* where the next PDU begins is not known any more */
    bool told_malformed;
    struct rdp_settings settings;
};

static void rdp_open(struct conversation *conversation, void *state, void *from_before)
{
    struct rdp *rdp = state;

    (void)conversation;
    (void)from_before;
    rdp->cookie.limit = COOKIE_LIMIT;
}

static void tell_malformed(struct conversation *conversation, struct rdp *rdp, const char *what)
{
    if (rdp->told_malformed)
        return;
    rdp->told_malformed = true;
    conversation_finding(conversation, "notice", "rdp_malformed", "%s contradicts itself; what was read before it stands", what);
}

/* ---- negotiation ---- */

static bool read_negotiation(struct cursor *cursor, uint8_t wanted, uint32_t *value)
{
    struct cursor ahead = *cursor;
    uint8_t type = take_u8(&ahead);

    skip_bytes(&ahead, 1); /* flags */
    if (take_u16_le(&ahead) != 8 || type != wanted)
        return false;
    *value = take_u32_le(&ahead);
    if (!cursor_is_good(&ahead))
        return false;
    *cursor = ahead;
    return true;
}

/* The cookie or routing token: a line that CR LF ends, before the negotiation request. */
static void read_cookie(struct rdp *rdp, struct cursor *cursor)
{
    struct cursor ahead = *cursor;
    struct bytes line;

    if (peek_u8(cursor) == NEGOTIATION_REQUEST)
        return;
    line = take_line(&ahead);
    if (!cursor_is_good(&ahead))
        return;
    *cursor = ahead;
    if (bytes_begin_nocase(line, "Cookie: mstshash="))
        line = bytes_of(line.at + 17, line.length - 17);
    else if (bytes_begin_nocase(line, "Cookie: "))
        line = bytes_of(line.at + 8, line.length - 8); /* msts=... */
    text_clear(&rdp->cookie);
    text_append(&rdp->cookie, line);
}

static void on_request(struct rdp *rdp, struct cursor *variable)
{
    read_cookie(rdp, variable);
    if (read_negotiation(variable, NEGOTIATION_REQUEST, &rdp->requested))
        rdp->has_requested = true;
}

/* The server's answer; TLS inside takes over. */
static enum verdict on_confirm(struct conversation *conversation, struct rdp *rdp, struct cursor *variable)
{
    rdp->has_confirm = true;
    rdp->phase = RDP_CONNECT;
    if (read_negotiation(variable, NEGOTIATION_FAILURE, &rdp->failure)) {
        rdp->has_failure = true;
        return VERDICT_GO_ON;
    }
    rdp->selected = PROTOCOL_RDP;
    (void)read_negotiation(variable, NEGOTIATION_RESPONSE, &rdp->selected);
    rdp->has_selected = true;
    if (rdp->selected == PROTOCOL_RDP)
        return VERDICT_GO_ON;
    conversation_hand_over(conversation, &tls_dissector, NULL);
    return VERDICT_HANDED_OVER;
}

/* ---- PDUs ---- */

static enum verdict on_x224(struct conversation *conversation, struct rdp *rdp, enum side from, struct cursor pdu)
{
    uint8_t length = take_u8(&pdu);
    struct cursor header = take_child(&pdu, length);
    uint8_t code = take_u8(&header) & 0xf0;

    if (!cursor_is_good(&header)) {
        tell_malformed(conversation, rdp, "an X.224 header");
        return VERDICT_GO_ON;
    }
    if (code == X224_CONNECTION_REQUEST && from == FROM_CLIENT && rdp->phase == RDP_REQUEST) {
        skip_bytes(&header, 5);
        on_request(rdp, &header);
    } else if (code == X224_CONNECTION_CONFIRM && from == FROM_SERVER && rdp->phase == RDP_REQUEST) {
        skip_bytes(&header, 5);
        return on_confirm(conversation, rdp, &header);
    } else if (code == X224_DATA && from == FROM_CLIENT && !rdp->settings.has_client_core) {
        if (!rdp_read_connect_initial(&pdu, &rdp->settings))
            tell_malformed(conversation, rdp, "the client's MCS connect");
    } else if (code == X224_DATA && from == FROM_SERVER && rdp->phase != RDP_SESSION_PHASE) {
        rdp->phase = RDP_SESSION_PHASE;
        if (!rdp_read_connect_response(&pdu, &rdp->settings))
            tell_malformed(conversation, rdp, "the server's MCS connect");
    }
    return VERDICT_GO_ON;
}

/* Length of the next PDU: TPKT, or fast-path (2.2.9.1.2, 2.2.8.1.2). 0: not told yet or invalid, see the cursor. */
static size_t peek_pdu_length(struct cursor ahead, enum cursor_state *state)
{
    uint8_t first = take_u8(&ahead);
    size_t length;

    if (first == TPKT_VERSION) {
        skip_bytes(&ahead, 1);
        length = take_u16_be(&ahead);
        if (length < TPKT_HEADER + 1)
            cursor_reject(&ahead);
    } else {
        length = take_u8(&ahead);
        if ((length & 0x80) != 0)
            length = (length & 0x7f) << 8 | take_u8(&ahead);
        if ((first & 3) != 0 || length < 2)
            cursor_reject(&ahead);
    }
    *state = ahead.state;
    return length;
}

/* Whether this side's PDUs are read, not only passed over. */
static bool wants_pdus(const struct rdp *rdp, enum side from)
{
    return rdp->phase != RDP_SESSION_PHASE && !(from == FROM_CLIENT && rdp->settings.has_client_core);
}

static enum verdict read_pdu(struct conversation *conversation, struct rdp *rdp, enum side from, struct cursor *bytes, size_t length)
{
    struct cursor pdu = *bytes;
    struct cursor body = take_child(&pdu, length);

    if (pdu.state == CURSOR_SHORT)
        return VERDICT_NEED_MORE;
    *bytes = pdu;
    skip_bytes(&body, TPKT_HEADER);
    return on_x224(conversation, rdp, from, body);
}

static enum verdict rdp_on_data(struct conversation *conversation, void *state, enum side from, struct cursor *bytes)
{
    struct rdp *rdp = state;

    if (rdp->is_out_of_step[from]) {
        skip_bytes(bytes, cursor_left(bytes));
        return VERDICT_GO_ON;
    }
    while (cursor_left(bytes) > 0) {
        enum cursor_state length_state;
        enum verdict verdict;
        size_t length;
        bool is_tpkt = peek_u8(bytes) == TPKT_VERSION;

        if (rdp->to_skip[from] > 0) {
            rdp->to_skip[from] -= take_up_to(bytes, rdp->to_skip[from]).length;
            continue;
        }
        length = peek_pdu_length(*bytes, &length_state);
        if (length_state == CURSOR_SHORT)
            return VERDICT_NEED_MORE;
        if (length_state == CURSOR_INVALID) {
            tell_malformed(conversation, rdp, "the length of a PDU");
            return VERDICT_NOT_THIS_PROTOCOL;
        }
        if (!is_tpkt || !wants_pdus(rdp, from)) {
            rdp->to_skip[from] = length;
            continue;
        }
        verdict = read_pdu(conversation, rdp, from, bytes, length);
        if (verdict != VERDICT_GO_ON)
            return verdict;
    }
    return VERDICT_GO_ON;
}

static enum verdict rdp_on_gap(struct conversation *conversation, void *state, enum side from, uint64_t count)
{
    struct rdp *rdp = state;

    (void)conversation;
    if (count <= rdp->to_skip[from]) {
        rdp->to_skip[from] -= count; /* inside a PDU whose length is known */
        return VERDICT_GO_ON;
    }
    /* nothing marks where this side's next PDU begins; the other side is read on */
    rdp->is_out_of_step[from] = true;
    return rdp->is_out_of_step[side_other(from)] ? VERDICT_NOT_THIS_PROTOCOL : VERDICT_GO_ON;
}

/* ---- rows ---- */

static void fill_client(struct rdp_session *row, const struct rdp_settings *settings, char layout[16], char type[16])
{
    const char *name = rdp_keyboard_layout_name(settings->keyboard_layout);

    if (!settings->has_client_core)
        return;
    row->client_name = record_text_unless_empty(text_bytes(&settings->client_name));
    row->product_id = record_text_unless_empty(text_bytes(&settings->product_id));
    row->client_build = record_integer(settings->client_build);
    row->client_version = record_text_of(rdp_version_name(settings->client_version));
    snprintf(layout, 16, "0x%08x", settings->keyboard_layout);
    row->keyboard_layout = record_text_of(name != NULL ? name : layout);
    name = rdp_keyboard_type_name(settings->keyboard_type);
    snprintf(type, 16, "%u", settings->keyboard_type);
    row->keyboard_type = record_text_of(name != NULL ? name : type);
    row->desktop_width = record_integer(settings->desktop_width);
    row->desktop_height = record_integer(settings->desktop_height);
    if (settings->color_depth != 0)
        row->color_depth = record_integer(settings->color_depth);
}

static void fill_server(struct rdp_session *row, const struct rdp_settings *settings)
{
    if (!settings->has_server_security)
        return;
    row->encryption_method = record_text_of(rdp_encryption_method_name(settings->encryption_method));
    row->encryption_level = record_text_of(rdp_encryption_level_name(settings->encryption_level));
    if (settings->has_certificate)
        row->certificate_type = record_text_of(settings->certificate_is_x509 ? "X.509" : "proprietary");
}

static void append_requested(const struct rdp *rdp, struct text *names)
{
    if (rdp->requested == PROTOCOL_RDP)
        text_append_text(names, rdp_protocol_name(PROTOCOL_RDP));
    for (uint32_t bit = PROTOCOL_SSL; bit != 0; bit <<= 1) {
        const char *name = rdp_protocol_name(bit);

        if ((rdp->requested & bit) == 0)
            continue;
        if (name != NULL)
            text_append_item(names, ",", bytes_of_text(name));
        else
            text_append_format(names, "%s0x%x", names->length > 0 ? "," : "", bit);
    }
}

static void write_channels(struct conversation *conversation, const struct rdp_settings *settings, struct text *names)
{
    for (unsigned i = 0; i < settings->channel_count; i++) {
        const struct rdp_channel_request *channel = &settings->channels[i];
        struct rdp_channel row = {
            .flow_id = record_integer(conversation_flow(conversation)->flow_id),
            .name = record_text_of(channel->name),
            .options = record_integer(channel->options),
        };

        if (channel->id != 0)
            row.channel_id = record_integer(channel->id);
        conversation_write(conversation, &rdp_channel_table, &row);
        text_append_item(names, ",", bytes_of_text(channel->name));
    }
    if (settings->channels_asked > RDP_CHANNELS_LIMIT)
        conversation_finding(conversation, "warning", "rdp_too_many_channels", "the client asks for %u channels; %d are allowed", settings->channels_asked,
                             RDP_CHANNELS_LIMIT);
}

static void rdp_close(struct conversation *conversation, void *state)
{
    struct rdp *rdp = state;
    struct text requested = {.limit = 512};
    struct text channels = {.limit = 512};
    char layout[16];
    char type[16];
    struct rdp_session row = {
        .flow_id = record_integer(conversation_flow(conversation)->flow_id),
        .encrypted = record_boolean(conversation_is_decrypted(conversation)),
        .cookie = record_text_unless_empty(text_bytes(&rdp->cookie)),
    };

    if (rdp->has_requested) {
        append_requested(rdp, &requested);
        row.requested_protocols = record_text(text_bytes(&requested));
    }
    if (rdp->has_selected)
        row.selected_protocol = record_text_of(rdp_protocol_name(rdp->selected));
    if (rdp->has_failure)
        row.negotiation_failure = record_text_of(rdp_failure_name(rdp->failure));
    fill_client(&row, &rdp->settings, layout, type);
    fill_server(&row, &rdp->settings);
    write_channels(conversation, &rdp->settings, &channels);
    row.channels = record_text_unless_empty(text_bytes(&channels));
    conversation_write(conversation, &rdp_session_table, &row);
    text_free(&requested);
    text_free(&channels);
    text_free(&rdp->cookie);
    text_free(&rdp->settings.client_name);
    text_free(&rdp->settings.product_id);
}

/* ---- identification ---- */

/*
 * A connection request or confirm of X.224 class 0. Other protocols begin so too (RFC 1006: S7, MMS, H.323): they name
 * transport selectors (0xc0 to 0xc2), where RDP has a cookie or a negotiation.
 */
static enum match match_x224(struct bytes first, uint8_t wanted)
{
    struct cursor cursor = cursor_over(first);
    uint16_t total;
    uint8_t length;
    uint8_t code;
    int next;

    if (take_u8(&cursor) != TPKT_VERSION || take_u8(&cursor) != 0)
        return MATCH_NO;
    total = take_u16_be(&cursor);
    length = take_u8(&cursor);
    code = take_u8(&cursor) & 0xf0;
    skip_bytes(&cursor, 5);
    if (!cursor_is_good(&cursor))
        return MATCH_MAYBE;
    if (code != wanted || length < 6 || total != length + 5)
        return MATCH_NO;
    if (length == 6)
        return MATCH_PORT;
    next = peek_u8(&cursor);
    if (next == -1)
        return MATCH_MAYBE;
    if (wanted == X224_CONNECTION_CONFIRM)
        return next == NEGOTIATION_RESPONSE || next == NEGOTIATION_FAILURE ? MATCH_YES : MATCH_NO;
    if (next == NEGOTIATION_REQUEST || next == 'C' || next == 't' || next == 'm')
        return MATCH_YES;
    return next >= 0xc0 && next <= 0xc2 ? MATCH_NO : MATCH_PORT;
}

static enum match rdp_match(const struct first_bytes *first)
{
    if (first->side[FROM_CLIENT].length > 0)
        return match_x224(first->side[FROM_CLIENT], X224_CONNECTION_REQUEST);
    if (first->side[FROM_SERVER].length > 0)
        return match_x224(first->side[FROM_SERVER], X224_CONNECTION_CONFIRM);
    return MATCH_MAYBE;
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
    .close = rdp_close,
};

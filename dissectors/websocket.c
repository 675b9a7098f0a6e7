/*
 * websocket.c - WebSocket (RFC 6455, RFC 7692) behind its opening handshake, which http.c reads: the session, its rows, missing bytes
 * and ends. Frames, messages and the rest stand in websocket_*.c.
 *
 * Left out: extensions other than permessage-deflate, which are told and not undone.
 */
#include "dissectors/websocket_session.h"

#include "base/memory.h"

#define WEBSOCKET_SESSION(COLUMN, LATER, R) \
    COLUMN(R, integer, flow_id, RECORD_DOC_FLOW_ID) \
    COLUMN(R, boolean, encrypted, RECORD_DOC_ENCRYPTED) \
    COLUMN(R, integer, tunnel, RECORD_DOC_TUNNEL) \
    COLUMN(R, text, host, "the Host field of the request") \
    COLUMN(R, text, uri, "the request's target, as it was sent") \
    COLUMN(R, text, origin, "the Origin field of the request: the page that opened it") \
    COLUMN(R, text, user_agent, "the User-Agent field of the request") \
    COLUMN(R, text, subprotocol, "the subprotocol that the server chose") \
    COLUMN(R, text, extensions, "the extensions that the server accepted") \
    COLUMN(R, integer, status_code, "the server's answer: 101, or in HTTP/2 200, opens the WebSocket, anything else refuses it") \
    COLUMN(R, boolean, accept_valid, "1 where Sec-WebSocket-Accept fits the client's key; 0 is a broken or forged answer") \
    COLUMN(R, boolean, compressed, "1 where compression was negotiated") \
    COLUMN(R, integer, client_messages, "complete text and binary messages from the client") \
    COLUMN(R, integer, server_messages, "complete text and binary messages from the server") \
    COLUMN(R, integer, client_payload, "payload bytes of the client's data frames, as they were sent") \
    COLUMN(R, integer, server_payload, "payload bytes of the server's data frames, as they were sent") \
    COLUMN(R, integer, pings, "ping frames, both sides together") \
    COLUMN(R, integer, pongs, "pong frames, both sides together") \
    COLUMN(R, integer, close_code, "the status code of the first close frame that was seen; NULL also where it has none") \
    COLUMN(R, text, close_reason, "the reason in the first close frame that was seen") \
    COLUMN(R, text, closed_by, "who sent the first close frame: 'client' or 'server'; NULL also where the other side's may have been missed") \
    COLUMN(R, text, inner_protocol, "the protocol that is carried inside, told from its first messages; NULL where they do not tell. What the program reads has rows of its own with this flow_id") \
    COLUMN(R, integer, missing, "bytes that the capture lacks, both sides together; with keys, as they were sent in TLS. NULL where nobody can tell, behind what HTTP/2 lost") \
    COLUMN(R, integer, attempt, "1.. of the upgrade requests on this connection; the last may have opened it") \
    COLUMN(R, text, inner_client, "who speaks as the client of inner_protocol: 'client' or 'server' of this flow; 'server' is a tunnel dialled from behind. NULL where its messages do not tell") \
    COLUMN(R, text, inner_detail, "what the first messages say of inner_protocol: the version of 'vnc', 'mqtt', 'stomp', 'engine.io' and 'socket.io'; the protocol that 'guacamole' asks for; the realm of 'wamp'; the encoding of 'signalr'") \
    COLUMN(R, text, close_meaning, "what the IANA's registry calls close_code; NULL where it has no name for it") \
    COLUMN(R, integer, client_message_bytes, "bytes of the client's complete messages as the application sees them; NULL where that is not known of one of them") \
    COLUMN(R, integer, server_message_bytes, "the same of the server's messages") \
    COLUMN(R, integer, violations, "times that RFC 6455 or RFC 7692 was broken, both sides together; the findings name each kind once a side") \
    COLUMN(R, integer, resynced, "times that frames were found again behind missing bytes, by how they fit together: a guess") \
    COLUMN(R, integer, stream_id, "the HTTP/2 stream that carried it; NULL in HTTP/1.1")

RECORD_STRUCT(websocket_session, WEBSOCKET_SESSION);
RECORD_COLUMNS(websocket_session, WEBSOCKET_SESSION);

/* RFC 6455, 4.2.2; RFC 8441, 5 */
#define WEBSOCKET_REFUSED "s.status_code <> 101 AND (s.stream_id IS NULL OR s.status_code NOT BETWEEN 200 AND 299)"

static const struct record_session websocket_session_in_sessions = {
    .protocol = "websocket",
    .user = "NULL",
    .outcome = "CASE WHEN " WEBSOCKET_REFUSED " THEN 'refused' WHEN s.closed_by IS NOT NULL OR s.close_code IS NOT NULL THEN 'closed' WHEN "
               "s.status_code IS NOT NULL THEN 'opened' END",
    .summary =
        "coalesce(s.host, '') || coalesce(s.uri, '') || coalesce(CASE WHEN " WEBSOCKET_REFUSED " THEN ' refused with ' || s.status_code END, '') || "
        "coalesce(', messages: ' || s.client_messages || ' up', '') || coalesce(', ' || s.server_messages || ' down', '') || "
        "coalesce(', closed by the ' || s.closed_by, '') || coalesce(', close code ' || s.close_code, '')",
};

static const struct record_table websocket_session_table = {
    .table = "websocket_session",
    .view = "websocket_sessions",
    .doc = "one WebSocket, or one attempt to open one",
    .kind = RECORD_VIEW_SESSION,
    .columns = websocket_session_columns,
    .column_count = RECORD_COLUMN_COUNT(websocket_session_columns),
    .session = &websocket_session_in_sessions,
    .key = "flow_id, attempt, tunnel",
    .index = "flow_id",
};

static struct websocket_session handshake_row(struct conversation *conversation, const struct websocket_handshake *handshake)
{
    struct websocket_session row = {
        .flow_id = record_integer(conversation_flow(conversation)->flow_id),
        .encrypted = record_boolean(conversation_is_decrypted(conversation)),
        .tunnel = record_integer(conversation_tunnel(conversation)),
        .host = record_text_unless_empty(text_bytes(&handshake->host)),
        .attempt = record_integer(handshake->attempt),
        .uri = record_text_unless_empty(text_bytes(&handshake->uri)),
        .origin = record_text_unless_empty(text_bytes(&handshake->origin)),
        .user_agent = record_text_unless_empty(text_bytes(&handshake->user_agent)),
        .subprotocol = record_text_unless_empty(text_bytes(&handshake->subprotocol)),
        .extensions = record_text_unless_empty(text_bytes(&handshake->extensions)),
        .missing = record_integer((int64_t)(conversation_missing(conversation, FROM_CLIENT) + conversation_missing(conversation, FROM_SERVER))),
    };

    if (handshake->stream_id > 0)
        row.stream_id = record_integer(handshake->stream_id);
    if (handshake->has_answer)
        row.status_code = record_integer(handshake->status_code);
    if (handshake->has_accept_check)
        row.accept_valid = record_boolean(handshake->accept_is_valid);
    return row;
}

void websocket_write_unopened(struct conversation *conversation, const struct websocket_handshake *handshake)
{
    struct websocket_session row = handshake_row(conversation, handshake);

    conversation_write(conversation, &websocket_session_table, &row);
}

/* ---- what the frame calls ---- */

static enum verdict websocket_on_data(struct conversation *conversation, void *state, enum side from, struct cursor *bytes)
{
    struct websocket *websocket = state;

    websocket->side[from].is_seen = true;
    return websocket_read_frames(conversation, websocket, from, bytes);
}

static enum verdict websocket_on_gap(struct conversation *conversation, void *state, enum side from, uint64_t count)
{
    struct websocket *websocket = state;
    struct websocket_side *side = &websocket->side[from];

    websocket->missing_is_unknown = websocket->missing_is_unknown || count == MISSING_UNKNOWN;
    if (side->phase == WEBSOCKET_OUT_OF_STEP)
        return VERDICT_GO_ON;
    if (!conversation_knows_count(conversation, count))
        count = MISSING_UNKNOWN;
    if (side->phase == WEBSOCKET_SEEKING) {
        websocket_seek_miss(side->seek, count);
        return VERDICT_GO_ON;
    }
    if (side->phase == WEBSOCKET_PAYLOAD && count != MISSING_UNKNOWN) {
        uint64_t of_payload = count < side->left ? count : side->left;

        websocket_message_miss(conversation, websocket, from, of_payload);
        side->left -= of_payload;
        count -= of_payload;
        if (side->left == 0)
            websocket_frame_end(conversation, websocket, from);
    }
    if (count > 0)
        websocket_begin_seeking(conversation, websocket, from);
    return VERDICT_GO_ON;
}

static void websocket_on_end(struct conversation *conversation, void *state, enum side from, enum ending ending, struct bytes unread)
{
    struct websocket *websocket = state;
    struct websocket_side *side = &websocket->side[from];

    (void)unread; /* less than a header */
    if (ending == ENDING_FIN && side->phase == WEBSOCKET_SEEKING && websocket_seek_end(side->seek))
        websocket_found_again(conversation, websocket, from);
    websocket_inner_stop(websocket->inner, from, ending);
}

static void judge_extensions(struct conversation *conversation, struct websocket *websocket)
{
    const struct websocket_handshake *handshake = websocket->handshake;
    bool is_answer = handshake->has_answer;

    /* Where no answer was seen, what the client offered may have been accepted. */
    websocket->extensions = websocket_extensions_read(text_bytes(is_answer ? &handshake->extensions : &handshake->offered), is_answer);
    if (websocket->extensions.error != NULL)
        websocket_violation(conversation, websocket, is_answer ? FROM_SERVER : FROM_CLIENT, WEBSOCKET_EXTENSION_INVALID, "names permessage-deflate with %s",
                            websocket->extensions.error);
    if (is_answer && handshake->uri.length > 0 && !handshake->offered.was_cut &&
        !websocket_extensions_were_offered(text_bytes(&handshake->extensions), text_bytes(&handshake->offered)))
        websocket_violation(conversation, websocket, FROM_SERVER, WEBSOCKET_EXTENSION_INVALID, "accepted an extension that was not offered");
}

static void websocket_open(struct conversation *conversation, void *state, void *from_before)
{
    struct websocket *websocket = state;
    struct websocket_handshake *handshake = from_before;

    websocket->handshake = handshake;
    websocket->inner = websocket_inner_new(conversation, handshake);
    websocket->close_reason.limit = WEBSOCKET_CONTROL_KEPT;
    websocket_message_prepare(websocket, conversation_recording(conversation));
    judge_extensions(conversation, websocket);
    if (handshake->has_accept_check && !handshake->accept_is_valid)
        conversation_finding(conversation, "warning", "websocket_accept_wrong", "the server's Sec-WebSocket-Accept does not fit the client's key");
}

/* What was never seen of a side stays unknown. */
static void count_side(const struct websocket_side *side, bool is_seen, struct record_integer *messages, struct record_integer *payload, struct record_integer *message_bytes)
{
    if (!is_seen && !side->is_seen)
        return;
    *messages = record_integer((int64_t)side->messages);
    *payload = record_integer((int64_t)side->payload);
    if (!side->hides_messages)
        *message_bytes = record_integer((int64_t)side->message_bytes);
}

static void websocket_write(struct conversation *conversation, void *state)
{
    const struct websocket *websocket = state;
    const struct websocket_handshake *handshake = websocket->handshake;
    struct websocket_session row = handshake_row(conversation, handshake);
    bool client_is_seen = handshake->uri.length > 0;

    count_side(&websocket->side[FROM_CLIENT], client_is_seen, &row.client_messages, &row.client_payload, &row.client_message_bytes);
    count_side(&websocket->side[FROM_SERVER], handshake->has_answer, &row.server_messages, &row.server_payload, &row.server_message_bytes);
    row.missing.is_known = !websocket->missing_is_unknown;
    if (handshake->has_answer)
        row.compressed = record_boolean(websocket->extensions.compression != WEBSOCKET_UNCOMPRESSED);
    row.pings = record_integer((int64_t)websocket->pings);
    row.pongs = record_integer((int64_t)websocket->pongs);
    row.violations = record_integer((int64_t)websocket->violations);
    row.resynced = record_integer(websocket->side[FROM_CLIENT].resynced + websocket->side[FROM_SERVER].resynced);
    if (websocket->has_close_code) {
        row.close_code = record_integer(websocket->close_code);
        row.close_meaning = record_text_of(websocket_close_meaning(websocket->close_code));
    }
    row.close_reason = record_text_unless_empty(text_bytes(&websocket->close_reason));
    row.inner_protocol = record_text_of(websocket_inner_protocol(websocket->inner));
    row.inner_detail = record_text_unless_empty(websocket_inner_detail(websocket->inner));
    row.inner_client = record_text_of(websocket_inner_client(websocket->inner));
    if (websocket->knows_closer)
        row.closed_by = record_text_of(side_name(websocket->closed_by));
    conversation_write(conversation, &websocket_session_table, &row);
}

static void websocket_refresh(struct conversation *conversation, void *state)
{
    struct websocket *websocket = state;

    websocket_inner_refresh(websocket->inner);
    websocket_write(conversation, state);
}

static void websocket_close(struct conversation *conversation, void *state)
{
    struct websocket *websocket = state;

    for (int side = 0; side < SIDE_COUNT; side++) {
        websocket_message_end(conversation, websocket, (enum side)side, true, false);
        websocket_message_end(conversation, websocket, (enum side)side, false, false);
    }
    websocket_inner_close(websocket->inner);
    websocket_write(conversation, state);
    websocket_inner_free(websocket->inner);
    websocket_handshake_free(websocket->handshake);
    text_free(&websocket->close_reason);
    for (int side = 0; side < SIDE_COUNT; side++) {
        websocket_inflater_free(websocket->side[side].inflater);
        websocket_seek_free(websocket->side[side].seek);
        websocket_message_free(&websocket->side[side].data);
        websocket_message_free(&websocket->side[side].control);
    }
}

static const struct record_table *const websocket_tables[] = {&websocket_session_table, &websocket_message_table, NULL};

const struct dissector websocket_dissector = {
    .name = "websocket",
    .tables = websocket_tables,
    .state_size = sizeof(struct websocket),
    .unit_limit = WEBSOCKET_HEADER_LIMIT,
    .open = websocket_open,
    .on_data = websocket_on_data,
    .on_gap = websocket_on_gap,
    .on_end = websocket_on_end,
    .refresh = websocket_refresh,
    .close = websocket_close,
};

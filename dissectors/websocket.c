/*
 * websocket.c - WebSocket (RFC 6455) behind its opening handshake, which http.c reads: frames,
 * masks, messages over several frames with control frames between them, and the close.
 *
 * Left out: inflating compressed messages (RFC 7692), digests of payloads, and the
 * protocols that are carried inside.
 */
#include "dissectors/websocket.h"

#include "base/digest.h"
#include "base/memory.h"
#include "dissectors/websocket_inner.h"

#define WEBSOCKET_TEXT_LIMIT 4096   /* bytes of a message that are kept to be shown */
#define WEBSOCKET_CONTROL_LIMIT 125 /* RFC 6455, 5.5: the longest payload of a control frame */

#define WEBSOCKET_SESSION(COLUMN, LATER, R) \
    COLUMN(R, integer, flow_id, RECORD_DOC_FLOW_ID) \
    COLUMN(R, boolean, encrypted, RECORD_DOC_ENCRYPTED) \
    COLUMN(R, text, host, "the Host field of the request") \
    COLUMN(R, text, uri, "the request's target, as it was sent") \
    COLUMN(R, text, origin, "the Origin field of the request: the page that opened it") \
    COLUMN(R, text, user_agent, "the User-Agent field of the request") \
    COLUMN(R, text, subprotocol, "the subprotocol that the server chose") \
    COLUMN(R, text, extensions, "the extensions that the server accepted") \
    COLUMN(R, integer, status_code, "the server's answer: 101 opens the WebSocket, anything else refuses it") \
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
    LATER(R, text, inner_protocol, "the protocol that is carried inside, told from its first messages; NULL where they do not tell. What the program reads has rows of its own with this flow_id") \
    COLUMN(R, integer, missing, "bytes that the capture lacks, both sides together") \
    COLUMN(R, integer, attempt, "1.. of the upgrade requests on this connection; the last may have opened it") \
    LATER(R, text, inner_client, "who speaks as the client of inner_protocol: 'client' or 'server' of this flow; 'server' is a tunnel dialled from behind. NULL where its messages do not tell") \
    LATER(R, text, inner_detail, "what the first messages say of inner_protocol: the version of 'vnc', 'mqtt', 'stomp', 'engine.io' and 'socket.io'; the protocol that 'guacamole' asks for; the realm of 'wamp'; the encoding of 'signalr'")

RECORD_STRUCT(websocket_session, WEBSOCKET_SESSION);
RECORD_COLUMNS(websocket_session, WEBSOCKET_SESSION);

static const struct record_session websocket_session_in_sessions = {
    .protocol = "websocket",
    .user = "NULL",
    .outcome = "CASE WHEN s.status_code <> 101 THEN 'refused' WHEN s.closed_by IS NOT NULL OR s.close_code IS NOT NULL THEN 'closed' WHEN "
               "s.status_code = 101 THEN 'opened' END",
    .summary =
        "coalesce(s.host, '') || coalesce(s.uri, '') || coalesce(CASE WHEN s.status_code <> 101 THEN ' refused with ' || s.status_code END, '') || "
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
    .key = "flow_id, attempt",
    .index = "flow_id",
};

#define WEBSOCKET_MESSAGE(COLUMN, LATER, R) \
    COLUMN(R, integer, flow_id, RECORD_DOC_FLOW_ID) \
    COLUMN(R, integer, number, "1.. within the session, both sides together, in the order in which they began") \
    COLUMN(R, integer, time_us, "when its first frame began; microseconds since the epoch, UTC") \
    COLUMN(R, text, from_side, "who sent it: 'client' or 'server'") \
    COLUMN(R, text, opcode, "'text', 'binary', 'close', 'ping' or 'pong'; NULL where the frame that says it was not there") \
    COLUMN(R, integer, size, "bytes as the application sees it; NULL where it is compressed or never came to its end") \
    COLUMN(R, integer, wire_size, "payload bytes as they were sent, without the frames' headers, as far as they were captured") \
    COLUMN(R, integer, fragments, "frames that it was sent in") \
    COLUMN(R, boolean, compressed, "1 where it was sent compressed") \
    COLUMN(R, text, text, "the first 4096 bytes of a text message; NULL where it is compressed or bytes are missing") \
    LATER(R, text, sha256, "SHA-256 of the message, as the application sees it") \
    COLUMN(R, integer, missing, "bytes of its payload that the capture lacks")

RECORD_STRUCT(websocket_message, WEBSOCKET_MESSAGE);
RECORD_COLUMNS(websocket_message, WEBSOCKET_MESSAGE);

static const struct record_table websocket_message_table = {
    .table = "websocket_message",
    .view = "websocket_messages",
    .doc = "one message of a WebSocket, control frames included",
    .kind = RECORD_VIEW_PLAIN,
    .columns = websocket_message_columns,
    .column_count = RECORD_COLUMN_COUNT(websocket_message_columns),
    .index = "flow_id",
};

/* RFC 6455, 5.2 */
enum websocket_opcode {
    WEBSOCKET_CONTINUATION = 0x0,
    WEBSOCKET_TEXT = 0x1,
    WEBSOCKET_BINARY = 0x2,
    WEBSOCKET_CLOSE = 0x8,
    WEBSOCKET_PING = 0x9,
    WEBSOCKET_PONG = 0xa,
};

enum websocket_phase {
    WEBSOCKET_FRAME_HEADER,
    WEBSOCKET_PAYLOAD,
    WEBSOCKET_OUT_OF_STEP, /* where the next frame begins is not known any more */
};

struct websocket_frame {
    uint8_t opcode;
    uint8_t reserved_bits; /* RSV1 is 4 */
    bool is_final;
    bool is_masked;
    uint8_t key[4];
    uint64_t length;
    uint64_t left; /* of the payload */
};

/* A message that is being read. */
struct message {
    bool is_open;
    bool is_compressed;
    uint8_t opcode; /* WEBSOCKET_CONTINUATION: its first frame was not there */
    int64_t number;
    int64_t time_us;
    uint64_t seen;
    uint64_t missing;
    uint64_t fragments;
    struct text start; /* the first bytes, unmasked, of those that are shown */
};

struct websocket_side {
    enum websocket_phase phase;
    struct websocket_frame frame;
    struct message data;
    struct message control; /* may come between the fragments of `data` */
    bool is_seen;
    uint64_t messages;
    uint64_t payload;
};

/* What is told once a session, so that one kind of finding does not drown the others. */
enum websocket_oddity {
    WEBSOCKET_ODD_MASK = 1,
    WEBSOCKET_ODD_CONTROL = 2,
    WEBSOCKET_ODD_ORDER = 4,
};

struct websocket {
    struct websocket_handshake *handshake; /* owned; NULL when out of memory */
    struct websocket_inner *inner;
    struct websocket_side side[SIDE_COUNT];
    bool has_extensions;
    bool is_compressed;
    uint8_t told;     /* enum websocket_oddity */
    int64_t messages; /* begun so far, both sides */
    uint64_t pings;
    uint64_t pongs;
    bool is_closed;
    bool knows_closer; /* the other side's close would have been seen if it had come first */
    enum side closed_by;
    bool has_close_code;
    uint16_t close_code;
    struct text close_reason;
};

/* ---- the handshake ---- */

struct websocket_handshake *websocket_handshake_new(void)
{
    struct websocket_handshake *handshake = memory_new_zeroed(1, sizeof *handshake);

    if (handshake == NULL)
        return NULL;
    handshake->host.limit = WEBSOCKET_FIELD_LIMIT;
    handshake->uri.limit = WEBSOCKET_FIELD_LIMIT;
    handshake->origin.limit = WEBSOCKET_FIELD_LIMIT;
    handshake->user_agent.limit = WEBSOCKET_FIELD_LIMIT;
    handshake->offered.limit = WEBSOCKET_FIELD_LIMIT;
    handshake->subprotocol.limit = WEBSOCKET_FIELD_LIMIT;
    handshake->extensions.limit = WEBSOCKET_FIELD_LIMIT;
    return handshake;
}

void websocket_handshake_free(struct websocket_handshake *handshake)
{
    if (handshake == NULL)
        return;
    text_free(&handshake->host);
    text_free(&handshake->uri);
    text_free(&handshake->origin);
    text_free(&handshake->user_agent);
    text_free(&handshake->offered);
    text_free(&handshake->subprotocol);
    text_free(&handshake->extensions);
    memory_free(handshake);
}

bool websocket_accept_is_valid(struct bytes key, struct bytes accept)
{
    struct digest digest;
    char expected[DIGEST_BASE64_SIZE];

    digest_begin(&digest, DIGEST_SHA1);
    digest_add(&digest, key);
    digest_add(&digest, bytes_of_text("258EAFA5-E914-47DA-95CA-C5AB0DC85B11")); /* RFC 6455, 1.3 */
    return digest_end_base64(&digest, true, expected) && bytes_equal(accept, bytes_of_text(expected));
}

static struct websocket_session handshake_row(struct conversation *conversation, const struct websocket_handshake *handshake)
{
    struct websocket_session row = {
        .flow_id = record_integer(conversation_flow(conversation)->flow_id),
        .encrypted = record_boolean(conversation_is_decrypted(conversation)),
        .host = record_text_unless_empty(text_bytes(&handshake->host)),
        .attempt = record_integer(handshake->attempt),
        .uri = record_text_unless_empty(text_bytes(&handshake->uri)),
        .origin = record_text_unless_empty(text_bytes(&handshake->origin)),
        .user_agent = record_text_unless_empty(text_bytes(&handshake->user_agent)),
        .subprotocol = record_text_unless_empty(text_bytes(&handshake->subprotocol)),
        .extensions = record_text_unless_empty(text_bytes(&handshake->extensions)),
        .missing = record_integer((int64_t)(conversation_missing(conversation, FROM_CLIENT) + conversation_missing(conversation, FROM_SERVER))),
    };

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

/* ---- messages ---- */

static const char *opcode_name(uint8_t opcode)
{
    switch (opcode) {
    case WEBSOCKET_TEXT:
        return "text";
    case WEBSOCKET_BINARY:
        return "binary";
    case WEBSOCKET_CLOSE:
        return "close";
    case WEBSOCKET_PING:
        return "ping";
    case WEBSOCKET_PONG:
        return "pong";
    default:
        return NULL;
    }
}

/* The kept start of a text; what the limit cut inside a character is left away. */
static struct bytes shown_text(const struct text *start)
{
    struct bytes shown = text_bytes(start);

    if (!start->was_cut)
        return shown;
    for (size_t cut = 0; cut < 4 && cut < shown.length; cut++) {
        struct bytes whole = bytes_of(shown.at, shown.length - cut);

        if (text_plain_prefix(whole) == whole.length)
            return whole;
    }
    return shown;
}

static void write_message(struct conversation *conversation, enum side from, const struct message *message, bool is_complete)
{
    struct websocket_message row = {
        .flow_id = record_integer(conversation_flow(conversation)->flow_id),
        .number = record_integer(message->number),
        .time_us = record_integer(message->time_us),
        .from_side = record_text_of(side_name(from)),
        .opcode = record_text_of(opcode_name(message->opcode)),
        .wire_size = record_integer((int64_t)message->seen),
        .fragments = record_integer((int64_t)message->fragments),
        .compressed = record_boolean(message->is_compressed),
        .missing = record_integer((int64_t)message->missing),
    };

    if (is_complete && !message->is_compressed)
        row.size = record_integer((int64_t)(message->seen + message->missing));
    if (message->opcode == WEBSOCKET_TEXT && !message->is_compressed && message->missing == 0 && (message->seen > 0 || is_complete))
        row.text = record_text(shown_text(&message->start));
    conversation_write(conversation, &websocket_message_table, &row);
}

static void begin_message(struct conversation *conversation, struct websocket *websocket, struct message *message, uint8_t opcode)
{
    text_clear(&message->start);
    message->is_open = true;
    message->is_compressed = false;
    message->opcode = opcode;
    message->number = ++websocket->messages;
    message->time_us = conversation_now(conversation);
    message->seen = 0;
    message->missing = 0;
    message->fragments = 0;
}

static void end_message(struct conversation *conversation, enum side from, struct message *message, bool is_complete)
{
    if (!message->is_open)
        return;
    message->is_open = false;
    write_message(conversation, from, message, is_complete);
}

/* Whether all that the side said up to now was read. */
static bool is_followed(const struct websocket *websocket, enum side side)
{
    bool said_hello = side == FROM_CLIENT ? websocket->handshake->uri.length > 0 : websocket->handshake->has_answer;

    return websocket->side[side].phase != WEBSOCKET_OUT_OF_STEP && (said_hello || websocket->side[side].is_seen);
}

static void on_close_frame(struct websocket *websocket, enum side from, const struct message *message)
{
    struct cursor payload = cursor_within(text_bytes(&message->start));
    uint16_t code;

    if (websocket->is_closed)
        return;
    websocket->is_closed = true;
    websocket->closed_by = from;
    websocket_inner_stop(websocket->inner, from, ENDING_FIN);
    websocket->knows_closer = is_followed(websocket, side_other(from));
    code = take_u16_be(&payload);
    if (message->missing > 0 || !cursor_is_good(&payload))
        return;
    websocket->has_close_code = true;
    websocket->close_code = code;
    text_append(&websocket->close_reason, peek_bytes(&payload));
}

static void on_control_message(struct conversation *conversation, struct websocket *websocket, enum side from)
{
    struct message *message = &websocket->side[from].control;

    if (message->opcode == WEBSOCKET_PING)
        websocket->pings++;
    else if (message->opcode == WEBSOCKET_PONG)
        websocket->pongs++;
    else
        on_close_frame(websocket, from, message);
    end_message(conversation, from, message, true);
}

/* ---- frames ---- */

static bool is_control(uint8_t opcode)
{
    return opcode >= WEBSOCKET_CLOSE;
}

/* Whether this kind of oddity is told for the first time. */
static bool tells(struct websocket *websocket, enum websocket_oddity oddity)
{
    if ((websocket->told & oddity) != 0)
        return false;
    websocket->told |= (uint8_t)oddity;
    return true;
}

/* Where the frame cannot be: the reason, else NULL. */
static const char *frame_error(const struct websocket *websocket, const struct websocket_frame *frame)
{
    if (opcode_name(frame->opcode) == NULL && frame->opcode != WEBSOCKET_CONTINUATION)
        return "an opcode that RFC 6455 reserves";
    if (frame->reserved_bits != 0 && !websocket->has_extensions)
        return "reserved bits without an extension that uses them";
    if (frame->length > INT64_MAX)
        return "a length with its highest bit set";
    return NULL;
}

static void tell_oddities(struct conversation *conversation, struct websocket *websocket, enum side from, const struct websocket_frame *frame)
{
    if (frame->is_masked != (from == FROM_CLIENT) && tells(websocket, WEBSOCKET_ODD_MASK))
        conversation_finding(conversation, "notice", "websocket_mask_wrong", "the %s sends %s frames", side_name(from),
                             frame->is_masked ? "masked" : "unmasked");
    if (!is_control(frame->opcode))
        return;
    if ((frame->length > WEBSOCKET_CONTROL_LIMIT || !frame->is_final) && tells(websocket, WEBSOCKET_ODD_CONTROL))
        conversation_finding(conversation, "notice", "websocket_control_frame_invalid", "the %s sent a %s frame of %llu bytes%s", side_name(from),
                             opcode_name(frame->opcode), (unsigned long long)frame->length, frame->is_final ? "" : " that claims to go on");
}

static enum verdict lose_step(struct conversation *conversation, struct websocket *websocket, enum side from)
{
    struct websocket_side *side = &websocket->side[from];

    end_message(conversation, from, &side->control, false);
    end_message(conversation, from, &side->data, false);
    side->phase = WEBSOCKET_OUT_OF_STEP;
    websocket_inner_miss(websocket->inner, from, UINT64_MAX);
    return websocket->side[side_other(from)].phase == WEBSOCKET_OUT_OF_STEP ? VERDICT_NOT_THIS_PROTOCOL : VERDICT_GO_ON;
}

/* The message that the frame begins or goes on with. */
static struct message *message_of_frame(struct conversation *conversation, struct websocket *websocket, enum side from)
{
    struct websocket_side *side = &websocket->side[from];
    const struct websocket_frame *frame = &side->frame;
    bool goes_on = frame->opcode == WEBSOCKET_CONTINUATION;

    if (is_control(frame->opcode)) {
        begin_message(conversation, websocket, &side->control, frame->opcode);
        return &side->control;
    }
    if (goes_on != side->data.is_open && tells(websocket, WEBSOCKET_ODD_ORDER))
        conversation_finding(conversation, "notice", "websocket_fragments_out_of_order", "the %s %s", side_name(from),
                             goes_on ? "goes on with a message that never began" : "begins a message inside another one");
    if (!goes_on)
        end_message(conversation, from, &side->data, false);
    if (!side->data.is_open)
        begin_message(conversation, websocket, &side->data, frame->opcode);
    if (!goes_on)
        websocket_inner_begin(websocket->inner, from, frame->opcode == WEBSOCKET_TEXT);
    return &side->data;
}

static struct message *current_message(struct websocket_side *side)
{
    return is_control(side->frame.opcode) ? &side->control : &side->data;
}

static void finish_frame(struct conversation *conversation, struct websocket *websocket, enum side from)
{
    struct websocket_side *side = &websocket->side[from];

    side->phase = WEBSOCKET_FRAME_HEADER;
    if (is_control(side->frame.opcode)) {
        on_control_message(conversation, websocket, from);
        return;
    }
    if (!side->frame.is_final)
        return;
    if (side->data.opcode != WEBSOCKET_CONTINUATION)
        side->messages++;
    websocket_inner_end(websocket->inner, from, side->data.missing == 0 && side->data.opcode != WEBSOCKET_CONTINUATION);
    end_message(conversation, from, &side->data, side->data.opcode != WEBSOCKET_CONTINUATION);
}

/* RFC 6455, 5.2. */
static struct websocket_frame take_frame_header(struct cursor *unit)
{
    struct websocket_frame frame = {.opcode = 0};
    uint8_t start = take_u8(unit);
    uint8_t length = take_u8(unit);
    struct bytes key;

    frame.is_final = (start & 0x80) != 0;
    frame.reserved_bits = start >> 4 & 7;
    frame.opcode = start & 0x0f;
    frame.is_masked = (length & 0x80) != 0;
    frame.length = length & 0x7f;
    if (frame.length == 126)
        frame.length = take_u16_be(unit);
    else if (frame.length == 127)
        frame.length = take_u64_be(unit);
    key = take_bytes(unit, frame.is_masked ? sizeof frame.key : 0);
    if (key.length == sizeof frame.key)
        memcpy(frame.key, key.at, sizeof frame.key);
    frame.left = frame.length;
    return frame;
}

static enum verdict on_frame_header(struct conversation *conversation, struct websocket *websocket, enum side from, struct cursor *bytes)
{
    struct websocket_side *side = &websocket->side[from];
    struct cursor unit = *bytes;
    struct websocket_frame frame = take_frame_header(&unit);
    struct message *message;
    const char *error;

    if (!cursor_is_good(&unit))
        return VERDICT_NEED_MORE;
    error = frame_error(websocket, &frame);
    if (error != NULL) {
        conversation_finding(conversation, "notice", "websocket_frame_invalid", "the %s sent a frame with %s; this side is not read any further",
                             side_name(from), error);
        return lose_step(conversation, websocket, from);
    }
    tell_oddities(conversation, websocket, from, &frame);
    side->frame = frame;
    message = message_of_frame(conversation, websocket, from);
    message->fragments++;
    message->is_compressed = message->is_compressed || (websocket->is_compressed && (frame.reserved_bits & 4) != 0);
    side->phase = WEBSOCKET_PAYLOAD;
    *bytes = unit;
    if (frame.left == 0)
        finish_frame(conversation, websocket, from);
    return VERDICT_GO_ON;
}

/* Keeps the start of what is shown: texts, and the payload of a close. */
static void keep_start(struct message *message, const struct websocket_frame *frame, struct bytes payload)
{
    struct cursor masked = cursor_within(payload);
    uint64_t offset = frame->length - frame->left;
    uint8_t plain[256];

    if (message->is_compressed || (message->opcode != WEBSOCKET_TEXT && message->opcode != WEBSOCKET_CLOSE))
        return;
    while (cursor_left(&masked) > 0 && !message->start.was_cut) {
        struct bytes part = take_up_to(&masked, sizeof plain);
        struct cursor reader = cursor_within(part);

        for (size_t i = 0; i < part.length; i++)
            plain[i] = take_u8(&reader) ^ frame->key[(offset + i) % sizeof frame->key]; /* the key is 0 where there is no mask */
        text_append(&message->start, bytes_of(plain, part.length));
        offset += part.length;
    }
}

/* What travels inside sees the data as the application does. */
static void tell_inner(struct websocket *websocket, enum side from, struct bytes payload)
{
    const struct websocket_frame *frame = &websocket->side[from].frame;
    struct cursor masked = cursor_within(payload);
    uint64_t offset = frame->length - frame->left;
    uint8_t plain[1024];

    if (is_control(frame->opcode))
        return;
    if (websocket->side[from].data.is_compressed) {
        websocket_inner_miss(websocket->inner, from, UINT64_MAX);
        return;
    }
    while (cursor_left(&masked) > 0) {
        struct bytes part = take_up_to(&masked, sizeof plain);
        struct cursor reader = cursor_within(part);

        for (size_t i = 0; i < part.length; i++)
            plain[i] = take_u8(&reader) ^ frame->key[(offset + i) % sizeof frame->key];
        websocket_inner_say(websocket->inner, from, bytes_of(plain, part.length));
        offset += part.length;
    }
}

static void on_payload(struct conversation *conversation, struct websocket *websocket, enum side from, struct cursor *bytes)
{
    struct websocket_side *side = &websocket->side[from];
    struct message *message = current_message(side);
    struct bytes payload = take_up_to(bytes, side->frame.left);

    keep_start(message, &side->frame, payload);
    tell_inner(websocket, from, payload);
    side->frame.left -= payload.length;
    message->seen += payload.length;
    if (!is_control(side->frame.opcode))
        side->payload += payload.length;
    if (side->frame.left == 0)
        finish_frame(conversation, websocket, from);
}

/* ---- what the frame calls ---- */

static enum verdict websocket_on_data(struct conversation *conversation, void *state, enum side from, struct cursor *bytes)
{
    struct websocket *websocket = state;
    struct websocket_side *side = &websocket->side[from];
    enum verdict verdict = VERDICT_GO_ON;

    side->is_seen = true;
    while (verdict == VERDICT_GO_ON && cursor_left(bytes) > 0) {
        switch (side->phase) {
        case WEBSOCKET_FRAME_HEADER:
            verdict = on_frame_header(conversation, websocket, from, bytes);
            break;
        case WEBSOCKET_PAYLOAD:
            on_payload(conversation, websocket, from, bytes);
            break;
        case WEBSOCKET_OUT_OF_STEP:
            (void)take_up_to(bytes, UINT64_MAX);
            break;
        }
    }
    return verdict;
}

static enum verdict websocket_on_gap(struct conversation *conversation, void *state, enum side from, uint64_t count)
{
    struct websocket *websocket = state;
    struct websocket_side *side = &websocket->side[from];

    side->is_seen = true;
    if (side->phase == WEBSOCKET_OUT_OF_STEP)
        return VERDICT_GO_ON;
    if (side->phase != WEBSOCKET_PAYLOAD || count > side->frame.left)
        return lose_step(conversation, websocket, from);
    current_message(side)->missing += count;
    if (!is_control(side->frame.opcode))
        websocket_inner_miss(websocket->inner, from, side->data.is_compressed ? UINT64_MAX : count);
    side->frame.left -= count;
    if (side->frame.left == 0)
        finish_frame(conversation, websocket, from);
    return VERDICT_GO_ON;
}

static void websocket_open(struct conversation *conversation, void *state, void *from_before)
{
    struct websocket *websocket = state;
    struct websocket_handshake *handshake = from_before;
    struct bytes extensions;

    websocket->handshake = handshake;
    websocket->inner = websocket_inner_new(conversation, handshake);
    websocket->close_reason.limit = WEBSOCKET_TEXT_LIMIT;
    for (int side = 0; side < SIDE_COUNT; side++) {
        websocket->side[side].data.start.limit = WEBSOCKET_TEXT_LIMIT;
        websocket->side[side].control.start.limit = WEBSOCKET_TEXT_LIMIT;
    }
    /* Where no answer was seen, what the client offered may have been accepted. */
    extensions = text_bytes(handshake->has_answer ? &handshake->extensions : &handshake->offered);
    websocket->has_extensions = extensions.length > 0;
    websocket->is_compressed = bytes_contain_nocase(extensions, "deflate"); /* permessage-deflate and its forerunners */
    if (handshake->has_accept_check && !handshake->accept_is_valid)
        conversation_finding(conversation, "warning", "websocket_accept_wrong", "the server's Sec-WebSocket-Accept does not fit the client's key");
}

/* What was never seen of a side stays unknown. */
static void count_side(const struct websocket_side *side, bool is_seen, struct record_integer *messages, struct record_integer *payload)
{
    if (!is_seen && !side->is_seen)
        return;
    *messages = record_integer((int64_t)side->messages);
    *payload = record_integer((int64_t)side->payload);
}

static void websocket_write(struct conversation *conversation, void *state)
{
    const struct websocket *websocket = state;
    const struct websocket_handshake *handshake = websocket->handshake;
    struct websocket_session row = handshake_row(conversation, handshake);
    bool client_is_seen = handshake->uri.length > 0;

    count_side(&websocket->side[FROM_CLIENT], client_is_seen, &row.client_messages, &row.client_payload);
    count_side(&websocket->side[FROM_SERVER], handshake->has_answer, &row.server_messages, &row.server_payload);
    if (handshake->has_answer)
        row.compressed = record_boolean(websocket->is_compressed);
    row.pings = record_integer((int64_t)websocket->pings);
    row.pongs = record_integer((int64_t)websocket->pongs);
    if (websocket->has_close_code)
        row.close_code = record_integer(websocket->close_code);
    row.close_reason = record_text_unless_empty(text_bytes(&websocket->close_reason));
    row.inner_protocol = record_text_of(websocket_inner_protocol(websocket->inner));
    row.inner_detail = record_text_unless_empty(websocket_inner_detail(websocket->inner));
    row.inner_client = record_text_of(websocket_inner_client(websocket->inner));
    if (websocket->knows_closer)
        row.closed_by = record_text_of(side_name(websocket->closed_by));
    conversation_write(conversation, &websocket_session_table, &row);
}

static void websocket_on_end(struct conversation *conversation, void *state, enum side from, enum ending ending, struct bytes unread)
{
    struct websocket *websocket = state;

    (void)conversation;
    (void)unread;
    websocket_inner_stop(websocket->inner, from, ending);
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
        end_message(conversation, (enum side)side, &websocket->side[side].control, false);
        end_message(conversation, (enum side)side, &websocket->side[side].data, false);
    }
    websocket_inner_close(websocket->inner);
    websocket_write(conversation, state);
    websocket_inner_free(websocket->inner);
    websocket_handshake_free(websocket->handshake);
    text_free(&websocket->close_reason);
    for (int side = 0; side < SIDE_COUNT; side++) {
        text_free(&websocket->side[side].data.start);
        text_free(&websocket->side[side].control.start);
    }
}

static const struct record_table *const websocket_tables[] = {&websocket_session_table, &websocket_message_table, NULL};

const struct dissector websocket_dissector = {
    .name = "websocket",
    .tables = websocket_tables,
    .state_size = sizeof(struct websocket),
    .unit_limit = 14, /* the longest frame header */
    .open = websocket_open,
    .on_data = websocket_on_data,
    .on_gap = websocket_on_gap,
    .on_end = websocket_on_end,
    .refresh = websocket_refresh,
    .close = websocket_close,
};

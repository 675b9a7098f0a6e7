/* websocket_message.c - messages (RFC 6455, 5.4 to 5.6; RFC 7692, 6), as the application sees them; see websocket_session.h. */
#include "dissectors/websocket_session.h"

#define WEBSOCKET_MESSAGE(COLUMN, LATER, R) \
    COLUMN(R, integer, flow_id, RECORD_DOC_FLOW_ID) \
    COLUMN(R, integer, number, "1.. within the session, both sides together, in the order in which they began") \
    COLUMN(R, integer, time_us, "when its first frame began; microseconds since the epoch, UTC") \
    COLUMN(R, text, from_side, "who sent it: 'client' or 'server'") \
    COLUMN(R, text, opcode, "'text', 'binary', 'close', 'ping' or 'pong'; 'reserved-3' where RFC 6455 has no name; NULL where the frame that says it was not there") \
    COLUMN(R, integer, size, "bytes as the application sees it; NULL where it could not be inflated or never came to its end") \
    COLUMN(R, integer, wire_size, "payload bytes as they were sent, without the frames' headers, as far as they were captured") \
    COLUMN(R, integer, fragments, "frames that it was sent in") \
    COLUMN(R, boolean, compressed, "1 where it was sent compressed") \
    COLUMN(R, text, text, "the first bytes of a text message, 4096 or as many as --text-limit says; NULL where it could not be inflated or bytes are missing") \
    COLUMN(R, text, sha256, "SHA-256 of the message, as the application sees it; NULL where some of it is not known") \
    COLUMN(R, integer, missing, "bytes of its payload that the capture lacks") \
    COLUMN(R, integer, stream_id, "the HTTP/2 stream that carried it; NULL in HTTP/1.1")

RECORD_STRUCT(websocket_message, WEBSOCKET_MESSAGE);
RECORD_COLUMNS(websocket_message, WEBSOCKET_MESSAGE);

const struct record_table websocket_message_table = {
    .table = "websocket_message",
    .view = "websocket_messages",
    .doc = "one message of a WebSocket, control frames included",
    .kind = RECORD_VIEW_PLAIN,
    .columns = websocket_message_columns,
    .column_count = RECORD_COLUMN_COUNT(websocket_message_columns),
    .index = "flow_id",
};

const char *websocket_opcode_name(uint8_t opcode)
{
    static const char *const names[16] = {
        NULL, "text", "binary", "reserved-3", "reserved-4", "reserved-5", "reserved-6", "reserved-7",
        "close", "ping", "pong", "reserved-11", "reserved-12", "reserved-13", "reserved-14", "reserved-15",
    };

    return names[opcode & 15];
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

static void write_message(struct conversation *conversation, struct websocket *websocket, enum side from, struct websocket_message_state *message, bool is_complete)
{
    char sha256[DIGEST_HEX_SIZE];
    bool has_size = is_complete && !message->is_opaque && !message->is_cut_off;
    bool has_digest = digest_end_hex(&message->digest, sha256) && has_size && message->missing == 0;
    struct websocket_message row = {
        .flow_id = record_integer(conversation_flow(conversation)->flow_id),
        .number = record_integer(message->number),
        .time_us = record_integer(message->time_us),
        .from_side = record_text_of(side_name(from)),
        .opcode = record_text_of(websocket_opcode_name(message->opcode)),
        .wire_size = record_integer((int64_t)message->seen),
        .fragments = record_integer((int64_t)message->fragments),
        .compressed = record_boolean(message->is_compressed),
        .sha256 = record_text_of(has_digest ? sha256 : NULL),
        .missing = record_integer((int64_t)message->missing),
    };

    if (has_size)
        row.size = record_integer((int64_t)message->size);
    if (websocket->shows_text && message->opcode == WEBSOCKET_TEXT && !message->is_opaque && message->missing == 0 && (message->size > 0 || is_complete))
        row.text = record_text(shown_text(&message->start));
    if (websocket->handshake->stream_id > 0)
        row.stream_id = record_integer(websocket->handshake->stream_id);
    conversation_write(conversation, &websocket_message_table, &row);
}

void websocket_message_prepare(struct websocket *websocket, const struct recording_options *recording)
{
    websocket->shows_text = !recording->omits_text;
    for (int side = 0; side < SIDE_COUNT; side++) {
        websocket->side[side].data.start.limit = recording->text_limit > 0 ? recording->text_limit : WEBSOCKET_TEXT_LIMIT;
        websocket->side[side].control.start.limit = WEBSOCKET_CONTROL_KEPT;
    }
}

void websocket_message_begin(struct conversation *conversation, struct websocket *websocket, enum side from, uint8_t opcode)
{
    struct websocket_side *side = &websocket->side[from];
    struct websocket_message_state *message = websocket_opcode_is_data(opcode) ? &side->data : &side->control;
    struct text start = message->start;

    text_clear(&start);
    *message = (struct websocket_message_state){.is_open = true, .opcode = opcode, .start = start};
    message->number = ++websocket->messages;
    message->time_us = conversation_now(conversation);
    message->is_opaque = opcode == WEBSOCKET_CONTINUATION;
    if (opcode == WEBSOCKET_TEXT || opcode == WEBSOCKET_BINARY)
        websocket_inner_begin(websocket->inner, from, opcode == WEBSOCKET_TEXT);
    digest_begin(&message->digest, DIGEST_SHA256);
}

/* What the application sees of it is not known from here on. */
static void hide_message(struct websocket *websocket, enum side from, struct websocket_message_state *message)
{
    message->is_opaque = true;
    if (message == &websocket->side[from].data)
        websocket_inner_miss(websocket->inner, from, UINT64_MAX);
}

/* ---- compression ---- */

static struct websocket_inflater *inflater_of(struct websocket *websocket, enum side from)
{
    struct websocket_side *side = &websocket->side[from];
    const struct websocket_extensions *extensions = &websocket->extensions;

    if (side->inflater != NULL)
        return side->inflater;
    side->inflater = websocket_inflater_new(extensions->window_bits[from], extensions->keeps_window[from]);
    if (side->inflater != NULL && side->has_lost_messages)
        websocket_inflater_lose(side->inflater);
    return side->inflater;
}

/* RSV1 of a message's first frame (RFC 7692, 6). */
static void begin_compressed(struct conversation *conversation, struct websocket *websocket, enum side from)
{
    struct websocket_message_state *message = &websocket->side[from].data;
    struct bytes name = websocket->extensions.compression_name;

    message->is_compressed = true;
    if (websocket->extensions.compression == WEBSOCKET_DEFLATE) {
        if (inflater_of(websocket, from) != NULL)
            websocket_inflater_begin(websocket->side[from].inflater);
        else
            hide_message(websocket, from, message);
        return;
    }
    hide_message(websocket, from, message);
    if (websocket_tells(websocket, from, WEBSOCKET_METHOD_UNKNOWN))
        conversation_finding(conversation, "info", "websocket_compression_unknown", "the %s compresses by %.*s, which is not undone: sizes and texts of such messages are not known",
                             side_name(from), (int)name.length, name.length > 0 ? (const char *)name.at : "");
}

void websocket_message_fragment(struct conversation *conversation, struct websocket *websocket, enum side from)
{
    struct websocket_side *side = &websocket->side[from];
    struct websocket_message_state *message = websocket_present_message(side);
    bool is_first = message->fragments++ == 0;
    bool has_rsv1 = (side->frame.reserved_bits & WEBSOCKET_RSV1) != 0;
    enum websocket_compression compression = websocket->extensions.compression;

    if (message == &side->data && has_rsv1 && compression != WEBSOCKET_UNCOMPRESSED &&
        (compression == WEBSOCKET_DEFLATE ? is_first && message->opcode != WEBSOCKET_CONTINUATION : !message->is_compressed))
        begin_compressed(conversation, websocket, from);
    if (websocket->extensions.has_others && (side->frame.reserved_bits & ~WEBSOCKET_RSV1) != 0)
        hide_message(websocket, from, message); /* another extension did something to it */
}

/* What became of inflating. */
static void note_inflate(struct conversation *conversation, struct websocket *websocket, enum side from, enum websocket_inflate outcome)
{
    struct websocket_message_state *message = &websocket->side[from].data;

    if (outcome == WEBSOCKET_INFLATE_FINE || message->is_opaque || message->is_cut_off)
        return;
    if (outcome == WEBSOCKET_INFLATE_BOMB) {
        message->is_cut_off = true;
        websocket_inner_miss(websocket->inner, from, UINT64_MAX);
        if (websocket_tells(websocket, from, WEBSOCKET_INFLATE_STOPPED))
            conversation_finding(conversation, "warning", "websocket_inflate_limit",
                                 "messages from the %s inflate to more than %d times what was sent (or one to more than %llu bytes): they are not inflated any further",
                                 side_name(from), WEBSOCKET_INFLATE_RATIO, (unsigned long long)WEBSOCKET_INFLATE_LIMIT);
        return;
    }
    hide_message(websocket, from, message);
    if (outcome == WEBSOCKET_INFLATE_INVALID)
        websocket_violation(conversation, websocket, from, WEBSOCKET_DEFLATE_INVALID, "sent a compressed message that is no DEFLATE; its text and size are not known");
}

/* ---- what the application sees ---- */

struct seen_by {
    struct conversation *conversation;
    struct websocket *websocket;
    enum side from;
    struct websocket_message_state *message;
};

static void check_text(const struct seen_by *seen, struct bytes plain)
{
    struct websocket_message_state *message = seen->message;

    if (message->opcode != WEBSOCKET_TEXT || message->missing > 0 || message->utf8.is_invalid)
        return;
    if (!utf8_check_add(&message->utf8, plain))
        websocket_violation(seen->conversation, seen->websocket, seen->from, WEBSOCKET_INVALID_UTF8, "sent a text that is not UTF-8");
}

static void on_plain(void *context, struct bytes plain)
{
    const struct seen_by *seen = context;
    struct websocket_message_state *message = seen->message;

    message->size += plain.length;
    digest_add(&message->digest, plain);
    check_text(seen, plain);
    if (message == &seen->websocket->side[seen->from].data)
        websocket_inner_say(seen->websocket->inner, seen->from, plain);
    if (message->opcode == WEBSOCKET_TEXT ? seen->websocket->shows_text && !message->start.was_cut : message->opcode == WEBSOCKET_CLOSE)
        text_append(&message->start, plain);
}

void websocket_message_add(struct conversation *conversation, struct websocket *websocket, enum side from, struct bytes payload)
{
    struct websocket_side *side = &websocket->side[from];
    struct websocket_message_state *message = websocket_present_message(side);
    struct seen_by seen = {conversation, websocket, from, message};

    message->seen += payload.length;
    if (message == &side->data)
        side->payload += payload.length;
    if (message->is_opaque || message->is_cut_off)
        return;
    if (message->is_compressed)
        note_inflate(conversation, websocket, from, websocket_inflater_add(side->inflater, payload, on_plain, &seen));
    else
        on_plain(&seen, payload);
}

void websocket_message_miss(struct conversation *conversation, struct websocket *websocket, enum side from, uint64_t count)
{
    struct websocket_side *side = &websocket->side[from];
    struct websocket_message_state *message = websocket_present_message(side);

    (void)conversation;
    message->missing += count;
    if (message->is_compressed) {
        websocket_message_lose(conversation, websocket, from);
        hide_message(websocket, from, message);
        return;
    }
    message->size += count;
    if (message == &side->data)
        websocket_inner_miss(websocket->inner, from, count);
}

void websocket_message_lose(struct conversation *conversation, struct websocket *websocket, enum side from)
{
    (void)conversation;
    websocket->side[from].has_lost_messages = true;
    if (websocket->side[from].inflater != NULL)
        websocket_inflater_lose(websocket->side[from].inflater);
}

static void finish_data(struct conversation *conversation, struct websocket *websocket, enum side from)
{
    struct websocket_side *side = &websocket->side[from];
    struct websocket_message_state *message = &side->data;
    struct seen_by seen = {conversation, websocket, from, message};

    if (message->is_compressed && !message->is_opaque && !message->is_cut_off)
        note_inflate(conversation, websocket, from, websocket_inflater_end(side->inflater, on_plain, &seen));
    if (message->opcode == WEBSOCKET_TEXT && !message->is_opaque && !message->is_cut_off && message->missing == 0 && message->utf8.needed > 0 && !message->utf8.is_invalid)
        websocket_violation(conversation, websocket, from, WEBSOCKET_INVALID_UTF8, "sent a text that ends inside a character");
    if (message->opcode == WEBSOCKET_CONTINUATION)
        return;
    side->messages++;
    if (message->is_opaque || message->is_cut_off)
        side->hides_messages = true;
    side->message_bytes += message->size;
}

void websocket_message_end(struct conversation *conversation, struct websocket *websocket, enum side from, bool is_control, bool is_complete)
{
    struct websocket_side *side = &websocket->side[from];
    struct websocket_message_state *message = is_control ? &side->control : &side->data;

    if (!message->is_open)
        return;
    message->is_open = false;
    if (!is_control && is_complete)
        finish_data(conversation, websocket, from);
    if (!is_control)
        websocket_inner_end(websocket->inner, from, is_complete && message->missing == 0 && !message->is_opaque && !message->is_cut_off);
    /* The next compressed message refers to all of this one. */
    if (!is_control && !is_complete && (message->is_compressed || message->opcode == WEBSOCKET_CONTINUATION))
        websocket_message_lose(conversation, websocket, from);
    write_message(conversation, websocket, from, message, is_complete && message->opcode != WEBSOCKET_CONTINUATION);
}

void websocket_message_free(struct websocket_message_state *message)
{
    digest_drop(&message->digest);
    text_free(&message->start);
}

/*
 * http2.c - HTTP/2 (RFC 9113) over TLS that is opened with keys, in the clear by prior knowledge, and behind an upgrade from HTTP/1.1 (RFC 7540, 3.2):
 * frames. Header fields are decoded in http2_fields.c, streams followed in http2_streams.c, and what they carry beyond requests in http2_tunnel.c.
 *
 * Left out: flow control and priorities; what is sent in bodies, but for WebSockets and tunnels. Where bytes are lost elsewhere than in a body, the
 * next frame is looked for; header fields cannot be decoded from there on.
 */
#include "dissectors/http2_session.h"

#define DEFAULT_FRAME_SIZE 16384 /* RFC 9113, 6.5.2 */
/* Settings of a first SETTINGS frame that tells HTTP/2 where the client was not seen. */
#define FIRST_SETTINGS_MOST 32

/* RFC 9113, 3.4 */
static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
#define PREFACE_BYTES (sizeof preface - 1)

/* RFC 9113, 6.5.2; RFC 8441, 3 */
enum http2_setting {
    HTTP2_SETTING_MAX_FRAME_SIZE = 5,
    HTTP2_SETTING_ENABLE_CONNECT_PROTOCOL = 8,
    HTTP2_SETTING_HIGHEST_KNOWN = 9, /* RFC 9218 */
};

/* The request of HTTP/1.1 that asked for the upgrade is stream 1, and the client has said all that it says there. */
static void take_upgrade(struct conversation *conversation, struct http2 *session, struct http_request *request)
{
    struct http2_stream *stream = http2_open_stream(conversation, session, 1, request);

    session->side[FROM_CLIENT].last_id = 1;
    session->side[FROM_CLIENT].last_opened = 1;
    if (stream == NULL)
        return;
    stream->has_request = true;
    stream->has_ended[FROM_CLIENT] = true;
}

/* ---- identification ---- */

static bool begins_as_preface(struct bytes bytes)
{
    size_t known = bytes.length < PREFACE_BYTES ? bytes.length : PREFACE_BYTES;

    return bytes_equal(bytes_of(bytes.at, known), bytes_of(preface, known));
}

/* A server whose client is not seen, or has not spoken yet: its SETTINGS come first; with those that an RFC names it needs no client to tell. */
static enum match match_server(struct bytes bytes)
{
    struct cursor unit = cursor_over(bytes);
    struct http2_frame frame = http2_take_frame_header(&unit);

    if (cursor_is_good(&unit) && (frame.type != HTTP2_SETTINGS || frame.flags != 0 || frame.stream_id != 0 || frame.length % HTTP2_SETTING_BYTES != 0 ||
                                  frame.length > FIRST_SETTINGS_MOST * HTTP2_SETTING_BYTES))
        return MATCH_NO;
    for (uint32_t read = 0; cursor_is_good(&unit) && read < frame.length; read += HTTP2_SETTING_BYTES) {
        uint16_t setting = take_u16_be(&unit);

        (void)take_u32_be(&unit);
        if (cursor_is_good(&unit) && (setting == 0 || setting > HTTP2_SETTING_HIGHEST_KNOWN))
            return MATCH_MAYBE;
    }
    /* nine bytes, most of them 0, say too little */
    return cursor_is_good(&unit) && frame.length > 0 ? MATCH_YES : MATCH_MAYBE;
}

static enum match http2_match(const struct first_bytes *first)
{
    struct bytes client = first->side[FROM_CLIENT];

    if (client.length == 0 && first->has_start[FROM_SERVER]) {
        enum match match = match_server(first->side[FROM_SERVER]);

        /* some servers say so before they know what the client speaks */
        return match == MATCH_YES && first->has_start[FROM_CLIENT] ? MATCH_MAYBE : match;
    }
    if (!begins_as_preface(client))
        return MATCH_NO;
    return client.length >= PREFACE_BYTES ? MATCH_YES : MATCH_MAYBE;
}

/* ---- losing the step ---- */

/* The next frame is looked for. */
static enum verdict lose_step(struct conversation *conversation, struct http2 *session, enum side from)
{
    session->side[from].phase = HTTP2_SEEKING;
    http2_lose_side(conversation, session, from);
    return VERDICT_GO_ON;
}

/* What this side says is not HTTP/2. */
static enum verdict give_up(struct conversation *conversation, struct http2 *session, enum side from)
{
    session->side[from].phase = HTTP2_OUT_OF_STEP;
    http2_lose_side(conversation, session, from);
    return session->side[side_other(from)].phase == HTTP2_OUT_OF_STEP ? VERDICT_NOT_THIS_PROTOCOL : VERDICT_GO_ON;
}

static enum verdict on_preface(struct conversation *conversation, struct http2 *session, enum side from, struct cursor *bytes)
{
    struct cursor unit = *bytes;

    if (!begins_as_preface(peek_bytes(bytes)))
        return conversation_has_start(conversation, from) ? give_up(conversation, session, from) : lose_step(conversation, session, from);
    skip_bytes(&unit, PREFACE_BYTES);
    if (!cursor_is_good(&unit))
        return VERDICT_NEED_MORE;
    *bytes = unit;
    session->side[from].phase = HTTP2_FRAME_HEADER;
    return VERDICT_GO_ON;
}

/* ---- frame headers ---- */

/* A block that is wrong or ends before its end: the table that it would have changed is lost. */
static void break_block(struct conversation *conversation, struct http2 *session, enum side from)
{
    http2_end_head(conversation, session, from);
    http2_lose_fields(session, from);
}

/* The frame is wrong, and where it ends is known: it is passed over. */
static void skip_frame(struct conversation *conversation, struct http2 *session, enum side from, struct http2_frame *frame, const char *error)
{
    bool has_fields = frame->type == HTTP2_HEADERS || frame->type == HTTP2_PUSH_PROMISE || frame->type == HTTP2_CONTINUATION;

    conversation_finding_once(conversation, "notice", "http2_frame_invalid", "the %s sent a frame of type %u with %s", side_name(from), frame->type, error);
    frame->is_skipped = true;
    if (has_fields)
        break_block(conversation, session, from);
}

/* What answers the preface is SETTINGS; a server without HTTP/2 says something else. */
static bool is_first_frame(const struct http2_side *side, enum side from, const struct http2_frame *frame)
{
    return from == FROM_CLIENT || side->has_settings || (frame->type == HTTP2_SETTINGS && frame->length % HTTP2_SETTING_BYTES == 0);
}

/* An answer before its request, or before all of its head: the two directions were not captured by one clock. */
static bool must_wait(const struct conversation *conversation, const struct http2 *session, enum side from, const struct http2_frame *frame)
{
    const struct http2_side *client = &session->side[FROM_CLIENT];

    if (from == FROM_CLIENT || (frame->type != HTTP2_HEADERS && frame->type != HTTP2_RST_STREAM) || frame->stream_id % 2 == 0)
        return false;
    if (frame->stream_id <= client->last_opened && (!client->block.is_open || client->block.sent_on != frame->stream_id))
        return false;
    return http2_may_speak(conversation, session, FROM_CLIENT) && conversation_missing(conversation, FROM_CLIENT) == 0;
}

static enum verdict on_frame_header(struct conversation *conversation, struct http2 *session, enum side from, struct cursor *bytes)
{
    struct http2_side *side = &session->side[from];
    struct cursor unit = *bytes;
    struct http2_frame frame = http2_take_frame_header(&unit);
    const char *error;

    if (!cursor_is_good(&unit))
        return VERDICT_NEED_MORE;
    if (must_wait(conversation, session, from, &frame))
        return VERDICT_NEED_OTHER_SIDE;
    *bytes = unit;
    session->frames++;
    if (!is_first_frame(side, from, &frame)) {
        conversation_finding(conversation, "notice", "http2_not_spoken", "the %s does not begin with SETTINGS; it is not read any further", side_name(from));
        return give_up(conversation, session, from);
    }
    http2_judge_frame(conversation, session, from, &frame);
    error = http2_frame_error(&side->block, from, &frame);
    if (error != NULL)
        skip_frame(conversation, session, from, &frame, error);
    else if (frame.length > session->side[side_other(from)].max_frame_size && session->side[side_other(from)].has_settings)
        conversation_finding_once(conversation, "notice", "http2_frame_too_long", "the %s sent a frame of %u bytes, and the %s takes no more than %u", side_name(from),
                                  frame.length, side_name(side_other(from)), session->side[side_other(from)].max_frame_size);
    side->frame = frame;
    side->phase = frame.is_skipped ? HTTP2_FRAME_BODY : HTTP2_FRAME_START;
    return VERDICT_GO_ON;
}

/* ---- what stands before a body ---- */

static void on_rst_stream(struct conversation *conversation, struct http2 *session, enum side from)
{
    struct http2_stream *stream = http2_find_stream(session, session->side[from].frame.stream_id);

    if (stream == NULL)
        return;
    if (!stream->has_answer)
        http2_judge_reset(conversation, session, from);
    http2_close_stream(conversation, session, stream, ENDING_RESET);
}

static void begin_body(struct conversation *conversation, struct http2 *session, enum side from, uint32_t promised)
{
    struct http2_frame *frame = &session->side[from].frame;

    switch (frame->type) {
    case HTTP2_HEADERS:
    case HTTP2_PUSH_PROMISE:
        http2_begin_head(conversation, session, from, frame, promised);
        break;
    case HTTP2_RST_STREAM:
        on_rst_stream(conversation, session, from);
        break;
    case HTTP2_SETTINGS:
        session->side[from].has_settings = true;
        break;
    default:
        break;
    }
}

/* RFC 9113, 6.1, 6.2, 6.4, 6.6, 6.8. */
static enum verdict on_frame_start(struct conversation *conversation, struct http2 *session, enum side from, struct cursor *bytes)
{
    struct http2_side *side = &session->side[from];
    struct http2_frame *frame = &side->frame;
    uint32_t count = http2_start_bytes(frame);
    struct cursor unit = *bytes;
    struct cursor start = take_child(&unit, count);
    uint32_t promised = 0;

    if (!cursor_is_good(&unit))
        return VERDICT_NEED_MORE;
    *bytes = unit;
    frame->left -= count;
    side->phase = HTTP2_FRAME_BODY;
    if (frame->type <= HTTP2_HEADERS || frame->type == HTTP2_PUSH_PROMISE)
        frame->padding = (frame->flags & HTTP2_FLAG_PADDED) != 0 ? take_u8(&start) : 0;
    if (frame->type == HTTP2_PUSH_PROMISE)
        promised = take_u32_be(&start) & 0x7fffffff;
    if (frame->type == HTTP2_GOAWAY) {
        (void)take_u32_be(&start);
        http2_tell_goaway(conversation, from, take_u32_be(&start));
    }
    if (frame->padding > frame->left || (frame->type == HTTP2_PUSH_PROMISE && (promised == 0 || promised % 2 == 1))) {
        frame->padding = 0;
        skip_frame(conversation, session, from, frame, promised == 0 ? "more padding than bytes" : "a stream that the client may open");
        return VERDICT_GO_ON;
    }
    frame->left -= frame->padding;
    begin_body(conversation, session, from, promised);
    return VERDICT_GO_ON;
}

/* ---- bodies ---- */

static void on_setting(struct http2_side *side, struct cursor *unit)
{
    uint16_t setting = take_u16_be(unit);
    uint32_t value = take_u32_be(unit);

    if (setting == HTTP2_SETTING_MAX_FRAME_SIZE)
        side->max_frame_size = value;
    else if (setting == HTTP2_SETTING_ENABLE_CONNECT_PROTOCOL)
        side->enables_connect_protocol = value == 1;
}

/* The frame is read, its padding included. */
static void end_frame(struct conversation *conversation, struct http2 *session, enum side from)
{
    struct http2_side *side = &session->side[from];
    const struct http2_frame *frame = &side->frame;
    struct http2_stream *stream;

    side->phase = HTTP2_FRAME_HEADER;
    if (frame->is_skipped || frame->type != HTTP2_DATA || (frame->flags & HTTP2_FLAG_END_STREAM) == 0)
        return;
    stream = http2_find_stream(session, frame->stream_id);
    if (stream != NULL)
        http2_end_side(conversation, session, stream, from);
}

static void end_body(struct conversation *conversation, struct http2 *session, enum side from)
{
    struct http2_side *side = &session->side[from];

    side->phase = HTTP2_FRAME_PADDING;
    if (side->frame.padding == 0)
        end_frame(conversation, session, from);
}

static void on_fragment(struct conversation *conversation, struct http2 *session, enum side from, struct bytes bytes)
{
    const struct http2_frame *frame = &session->side[from].frame;
    bool is_last = frame->left == 0 && (frame->flags & HTTP2_FLAG_END_HEADERS) != 0;

    http2_inflate(conversation, session, from, bytes, is_last);
    if (is_last)
        http2_end_head(conversation, session, from);
}

static enum verdict on_settings(struct http2_side *side, struct cursor *bytes)
{
    struct cursor unit = *bytes;

    if (side->frame.left == 0)
        return VERDICT_GO_ON;
    on_setting(side, &unit);
    if (!cursor_is_good(&unit))
        return VERDICT_NEED_MORE;
    *bytes = unit;
    side->frame.left -= HTTP2_SETTING_BYTES;
    return VERDICT_GO_ON;
}

static enum verdict on_frame_body(struct conversation *conversation, struct http2 *session, enum side from, struct cursor *bytes)
{
    struct http2_side *side = &session->side[from];
    struct http2_frame *frame = &side->frame;
    enum verdict verdict = VERDICT_GO_ON;
    struct bytes part;

    if (frame->type == HTTP2_SETTINGS && !frame->is_skipped) {
        verdict = on_settings(side, bytes);
    } else {
        part = take_up_to(bytes, frame->left);
        frame->left -= (uint32_t)part.length;
        if (!frame->is_skipped && frame->type == HTTP2_DATA)
            http2_on_body(conversation, session, from, part);
        else if (!frame->is_skipped && (frame->type == HTTP2_HEADERS || frame->type == HTTP2_PUSH_PROMISE || frame->type == HTTP2_CONTINUATION))
            on_fragment(conversation, session, from, part);
    }
    if (frame->left == 0)
        end_body(conversation, session, from);
    return verdict;
}

/* ---- behind lost bytes ---- */

static enum verdict seek(struct conversation *conversation, struct http2 *session, enum side from, struct cursor *bytes)
{
    while (cursor_left(bytes) > 0) {
        struct cursor unit = *bytes;

        if (http2_frame_begins(session, from, &unit)) {
            session->side[from].phase = HTTP2_FRAME_HEADER;
            session->side[from].has_settings = true;
            conversation_finding_once(conversation, "info", "http2_step_found", "behind missing bytes a frame of the %s was found by what fits: a guess", side_name(from));
            return VERDICT_GO_ON;
        }
        if (unit.state == CURSOR_SHORT)
            return VERDICT_NEED_MORE;
        skip_bytes(bytes, 1);
    }
    return VERDICT_GO_ON;
}

/* ---- what the frame calls ---- */

/* A phase that needs no byte more: an empty body, a start without bytes. */
static bool goes_on_without_bytes(const struct http2_side *side)
{
    return (side->phase == HTTP2_FRAME_START && http2_start_bytes(&side->frame) == 0) || (side->phase == HTTP2_FRAME_BODY && side->frame.left == 0);
}

static enum verdict read_some(struct conversation *conversation, struct http2 *session, enum side from, struct cursor *bytes)
{
    struct http2_side *side = &session->side[from];

    switch (side->phase) {
    case HTTP2_PREFACE:
        return on_preface(conversation, session, from, bytes);
    case HTTP2_FRAME_HEADER:
        return on_frame_header(conversation, session, from, bytes);
    case HTTP2_FRAME_START:
        return on_frame_start(conversation, session, from, bytes);
    case HTTP2_FRAME_BODY:
        return on_frame_body(conversation, session, from, bytes);
    case HTTP2_FRAME_PADDING:
        side->frame.padding -= (uint32_t)take_up_to(bytes, side->frame.padding).length;
        if (side->frame.padding == 0)
            end_frame(conversation, session, from);
        return VERDICT_GO_ON;
    case HTTP2_SEEKING:
        return seek(conversation, session, from, bytes);
    case HTTP2_OUT_OF_STEP:
        (void)take_up_to(bytes, UINT64_MAX);
        return VERDICT_GO_ON;
    }
    return VERDICT_GO_ON;
}

static enum verdict http2_on_data(struct conversation *conversation, void *state, enum side from, struct cursor *bytes)
{
    struct http2 *session = state;
    struct http2_side *side = &session->side[from];
    enum verdict verdict = VERDICT_GO_ON;

    side->is_seen = true;
    while (verdict == VERDICT_GO_ON && (cursor_left(bytes) > 0 || goes_on_without_bytes(side)))
        verdict = read_some(conversation, session, from, bytes);
    return verdict;
}

/* Whether the lost bytes end within the present frame's body or its padding. Inside TLS their count is not that of the plaintext. */
static bool keeps_step(const struct conversation *conversation, const struct http2_side *side, uint64_t count)
{
    if (conversation_is_decrypted(conversation))
        return false;
    if (side->phase == HTTP2_FRAME_PADDING)
        return count <= side->frame.padding;
    /* settings are taken six bytes at a time: how many were kept is not known here */
    return side->phase == HTTP2_FRAME_BODY && side->frame.type != HTTP2_SETTINGS && count <= (uint64_t)side->frame.left + side->frame.padding;
}

/* The block goes on, and what it says is not known; nor what later ones say. */
static void on_lost_fragment(struct conversation *conversation, struct http2 *session, enum side from, uint32_t count)
{
    struct http2_side *side = &session->side[from];

    if (side->block.stream != NULL)
        side->block.stream->request->request.missing += count;
    http2_lose_fields(session, from);
    if (side->frame.left == 0 && (side->frame.flags & HTTP2_FLAG_END_HEADERS) != 0)
        http2_end_head(conversation, session, from);
}

static enum verdict http2_on_gap(struct conversation *conversation, void *state, enum side from, uint64_t count)
{
    struct http2 *session = state;
    struct http2_side *side = &session->side[from];
    struct http2_frame *frame = &side->frame;
    uint32_t of_body = count < frame->left ? (uint32_t)count : frame->left;

    side->is_seen = true;
    if (side->phase == HTTP2_OUT_OF_STEP || side->phase == HTTP2_SEEKING)
        return VERDICT_GO_ON;
    if (!keeps_step(conversation, side, count)) {
        conversation_finding_once(conversation, "info", "http2_step_lost", "bytes that are missing hide where the %s's next frame begins, and what its header fields say from there on",
                                  side_name(from));
        if (side->phase == HTTP2_FRAME_BODY && frame->type == HTTP2_DATA && !frame->is_skipped && !conversation_is_decrypted(conversation))
            http2_miss_body(session, from, frame->left);
        return lose_step(conversation, session, from);
    }
    if (side->phase == HTTP2_FRAME_PADDING) {
        frame->padding -= (uint32_t)count;
    } else {
        frame->left -= of_body;
        frame->padding -= (uint32_t)(count - of_body);
        if (frame->type == HTTP2_DATA && !frame->is_skipped)
            http2_miss_body(session, from, of_body);
        else if (side->block.is_open)
            on_lost_fragment(conversation, session, from, of_body);
    }
    if (frame->left == 0 && frame->padding == 0)
        end_frame(conversation, session, from);
    else if (frame->left == 0)
        side->phase = HTTP2_FRAME_PADDING;
    return VERDICT_GO_ON;
}

static void http2_on_end(struct conversation *conversation, void *state, enum side from, enum ending ending, struct bytes unread)
{
    struct http2 *session = state;

    (void)conversation;
    (void)unread;
    session->side[from].has_ended = true;
    for (unsigned i = 0; i < session->stream_count; i++)
        http2_tunnel_end(session->streams[i], from, ending);
}

static void http2_open(struct conversation *conversation, void *state, void *from_before)
{
    struct http2 *session = state;

    for (int side = 0; side < SIDE_COUNT; side++) {
        session->side[side].phase = side == FROM_CLIENT ? HTTP2_PREFACE : HTTP2_FRAME_HEADER;
        session->side[side].max_frame_size = DEFAULT_FRAME_SIZE;
    }
    if (from_before != NULL)
        take_upgrade(conversation, session, from_before);
}

static void http2_refresh(struct conversation *conversation, void *state)
{
    struct http2 *session = state;

    (void)conversation;
    for (unsigned i = 0; i < session->stream_count; i++)
        http2_tunnel_refresh(session->streams[i]);
}

static void http2_close(struct conversation *conversation, void *state)
{
    struct http2 *session = state;

    for (int side = 0; side < SIDE_COUNT; side++)
        http2_end_head(conversation, session, (enum side)side);
    while (session->stream_count > 0)
        http2_close_stream(conversation, session, http2_oldest_stream(session), ENDING_CAPTURE);
    for (int side = 0; side < SIDE_COUNT; side++) {
        http2_lose_fields(session, (enum side)side);
        http2_head_free(&session->side[side].block.head);
    }
}

static const struct record_table *const http2_tables[] = {&http_request_table, NULL};

const struct dissector http2_dissector = {
    .name = "http2",
    .tables = http2_tables,
    .state_size = sizeof(struct http2),
    .unit_limit = HTTP2_WAITING_LIMIT, /* what is waited for otherwise has 24 bytes at most */
    .match = http2_match,
    .open = http2_open,
    .on_data = http2_on_data,
    .on_gap = http2_on_gap,
    .on_end = http2_on_end,
    .refresh = http2_refresh,
    .close = http2_close,
};

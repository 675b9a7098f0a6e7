/*
 * http2_streams.c - the streams of a connection (RFC 9113, 5): which request each of them carries, how it is answered, and when it is over.
 *
 * A stream is followed from its request (or, where that was not seen, its answer) until both sides have ended it or one has reset it. What comes of
 * it later, as the other side may not know yet, belongs to nobody.
 */
#include "base/memory.h"
#include "dissectors/http2_session.h"

/* ---- the streams that are followed ---- */

struct http2_stream *http2_find_stream(struct http2 *session, uint32_t id)
{
    for (unsigned i = 0; i < session->stream_count; i++) {
        if (session->streams[i]->id == id) {
            session->streams[i]->used = session->frames;
            return session->streams[i];
        }
    }
    return NULL;
}

/* The one that was idle longest; one that may be over before any other, and one that carries a tunnel last of all. */
static unsigned worth_of(const struct http2_stream *stream)
{
    return stream->tunnel != NULL ? 2 : stream->may_be_over ? 0 : 1;
}

static struct http2_stream *find_idle(const struct http2 *session)
{
    struct http2_stream *idle = session->streams[0];

    for (unsigned i = 1; i < session->stream_count; i++) {
        struct http2_stream *stream = session->streams[i];
        unsigned worth = worth_of(stream);
        unsigned least = worth_of(idle);

        if (worth != least ? worth < least : stream->used < idle->used)
            idle = stream;
    }
    return idle;
}

static void make_room(struct conversation *conversation, struct http2 *session)
{
    struct http2_stream *idle;

    if (session->stream_count < HTTP2_STREAMS_LIMIT)
        return;
    idle = find_idle(session);
    if (!idle->may_be_over)
        conversation_finding_once(conversation, "notice", "http2_streams_too_many",
                                  "more than %d streams are open at a time; those that were idle longest are not followed to their ends", HTTP2_STREAMS_LIMIT);
    http2_close_stream(conversation, session, idle, ENDING_TIMEOUT);
}

struct http2_stream *http2_oldest_stream(const struct http2 *session)
{
    struct http2_stream *oldest = session->streams[0];

    for (unsigned i = 1; i < session->stream_count; i++) {
        if (session->streams[i]->request->number < oldest->request->number)
            oldest = session->streams[i];
    }
    return oldest;
}

static struct http_request *begin_request(struct conversation *conversation)
{
    struct http_request *request = http_request_new();

    if (request == NULL)
        return NULL;
    request->version = "2";
    request->time_us = conversation_now(conversation);
    request->number = conversation_next_number(conversation, NUMBER_HTTP_REQUEST);
    return request;
}

struct http2_stream *http2_open_stream(struct conversation *conversation, struct http2 *session, uint32_t id, struct http_request *request)
{
    struct http2_stream *stream;

    make_room(conversation, session);
    stream = memory_new_zeroed(1, sizeof *stream);
    if (request == NULL)
        request = begin_request(conversation);
    if (stream == NULL || request == NULL) {
        http_request_free(request);
        memory_free(stream);
        return NULL;
    }
    request->stream_id = id;
    stream->id = id;
    stream->used = session->frames;
    stream->request = request;
    session->streams[session->stream_count++] = stream;
    return stream;
}

static void forget_stream(struct http2 *session, struct http2_stream *stream)
{
    for (unsigned i = 0; i < session->stream_count; i++) {
        if (session->streams[i] == stream)
            session->streams[i] = session->streams[--session->stream_count];
    }
    for (int side = 0; side < SIDE_COUNT; side++) {
        if (session->side[side].block.stream == stream) {
            session->side[side].block.stream = NULL;
            session->side[side].block.kind = HTTP2_BLOCK_OF_NOBODY;
        }
    }
    http_request_free(stream->request);
    memory_free(stream);
}

static void settle_body(struct http_body *body, const struct http2_stream *stream, enum side from, bool has_head)
{
    body->is_unframed = stream->is_in_doubt[from];
    body->is_complete = has_head && stream->has_ended[from] && !stream->is_in_doubt[from];
}

void http2_close_stream(struct conversation *conversation, struct http2 *session, struct http2_stream *stream, enum ending ending)
{
    for (int side = 0; side < SIDE_COUNT; side++)
        http2_tunnel_end(stream, (enum side)side, ending);
    http2_tunnel_close(conversation, session, stream);
    settle_body(&stream->request->request, stream, FROM_CLIENT, stream->has_request);
    settle_body(&stream->request->response, stream, FROM_SERVER, stream->has_answer);
    http_request_write(conversation, stream->request);
    forget_stream(session, stream);
}

bool http2_may_speak(const struct conversation *conversation, const struct http2 *session, enum side from)
{
    const struct http2_side *side = &session->side[from];

    return side->phase != HTTP2_OUT_OF_STEP && !side->has_ended && (side->is_seen || conversation_has_start(conversation, from));
}

void http2_end_side(struct conversation *conversation, struct http2 *session, struct http2_stream *stream, enum side from)
{
    enum side other = side_other(from);

    if (stream->has_ended[from])
        return;
    http2_tunnel_end(stream, from, ENDING_FIN);
    stream->has_ended[from] = true;
    if (from == FROM_CLIENT)
        http2_judge_length(conversation, stream);
    if (stream->has_ended[other] || session->side[other].phase == HTTP2_OUT_OF_STEP || session->side[other].has_ended)
        http2_close_stream(conversation, session, stream, ENDING_FIN);
    else if (!http2_may_speak(conversation, session, other))
        stream->may_be_over = true; /* one side alone was captured, or the other one has not spoken yet */
}

void http2_lose_side(struct conversation *conversation, struct http2 *session, enum side from)
{
    http2_end_head(conversation, session, from);
    http2_lose_fields(session, from);
    for (unsigned i = session->stream_count; i > 0; i--) {
        struct http2_stream *stream = session->streams[i - 1];

        if (stream->has_ended[side_other(from)] && session->side[from].phase == HTTP2_OUT_OF_STEP) {
            http2_close_stream(conversation, session, stream, ENDING_CAPTURE);
            continue;
        }
        stream->may_be_over = true;
        stream->is_in_doubt[from] = stream->is_in_doubt[from] || !stream->has_ended[from];
        http2_tunnel_lose(stream, from);
    }
}

/* ---- heads ---- */

/*
 * Notes a head of that stream. False where its number is not a new one: it is over. Who opened it, or, where its head was lost or comes later, who
 * answers it, may be the first to name it.
 */
static bool is_new_id(struct http2 *session, enum side from, uint32_t id)
{
    enum side opener = id % 2 == 1 ? FROM_CLIENT : FROM_SERVER;
    struct http2_side *side = &session->side[opener];
    bool is_new = id > side->last_id || (from == opener && id > side->last_opened);

    if (id > side->last_id)
        side->last_id = id;
    if (from == opener && id > side->last_opened)
        side->last_opened = id;
    return is_new;
}

static struct http2_stream *find_or_open(struct conversation *conversation, struct http2 *session, enum side from, uint32_t id)
{
    bool is_new = is_new_id(session, from, id);
    struct http2_stream *stream = http2_find_stream(session, id);

    if (stream != NULL || !is_new)
        return stream;
    stream = http2_open_stream(conversation, session, id, NULL);
    if (stream != NULL)
        stream->has_ended[FROM_CLIENT] = id % 2 == 0; /* pushed: the client says nothing on it */
    return stream;
}

static enum http2_block_kind kind_of_block(const struct http2_stream *stream, enum side from)
{
    if (stream == NULL)
        return HTTP2_BLOCK_OF_NOBODY;
    if (from == FROM_CLIENT)
        return stream->has_request ? HTTP2_BLOCK_TRAILERS : HTTP2_BLOCK_REQUEST;
    return stream->has_answer ? HTTP2_BLOCK_TRAILERS : HTTP2_BLOCK_ANSWER;
}

void http2_begin_head(struct conversation *conversation, struct http2 *session, enum side from, const struct http2_frame *frame, uint32_t promised)
{
    struct http2_stream *stream = find_or_open(conversation, session, from, promised != 0 ? promised : frame->stream_id);
    enum http2_block_kind kind = promised != 0 ? HTTP2_BLOCK_REQUEST : kind_of_block(stream, from);
    bool ends_stream = promised == 0 && (frame->flags & HTTP2_FLAG_END_STREAM) != 0;

    http2_block_begin(&session->side[from].block, kind, stream, frame->stream_id, ends_stream);
}

/* RFC 9113, 8.5: a CONNECT has its target in ':authority'. */
static void on_request(struct conversation *conversation, struct http2 *session, struct http2_stream *stream, const struct http2_head *head)
{
    struct http_request *request = stream->request;

    stream->has_request = true;
    request->asked_us = conversation_now(conversation);
    stream->has_length = head->has_length;
    stream->content_length = head->content_length;
    if (head->authority.length > 0) {
        http2_judge_host(conversation, request, head);
        text_clear(&request->host);
        text_append(&request->host, text_bytes(&head->authority));
    }
    text_append(&request->upgrade, text_bytes(&head->protocol));
    if (!head->is_whole || !bytes_equal(text_bytes(&request->method), bytes_of_text("CONNECT")))
        return;
    if (request->uri.length == 0)
        text_append(&request->uri, text_bytes(&head->authority));
    http2_tunnel_begin(conversation, session, stream, head);
}

static void on_answer(struct conversation *conversation, struct http2 *session, struct http2_stream *stream, const struct http2_head *head)
{
    if (head->status < 200)
        return;
    stream->has_answer = true;
    stream->request->status = head->status;
    stream->request->answered_us = conversation_now(conversation);
    http2_tunnel_answer(conversation, session, stream, head);
}

void http2_end_head(struct conversation *conversation, struct http2 *session, enum side from)
{
    struct http2_block *block = &session->side[from].block;
    struct http2_stream *stream = block->stream;

    if (!block->is_open)
        return;
    block->is_open = false;
    if (stream == NULL)
        return;
    if (block->kind == HTTP2_BLOCK_REQUEST)
        on_request(conversation, session, stream, &block->head);
    else if (block->kind == HTTP2_BLOCK_ANSWER)
        on_answer(conversation, session, stream, &block->head);
    if (block->ends_stream)
        http2_end_side(conversation, session, stream, from);
}

/* ---- bodies ---- */

static struct http_body *body_of(struct http2_stream *stream, enum side from)
{
    return from == FROM_CLIENT ? &stream->request->request : &stream->request->response;
}

void http2_on_body(struct conversation *conversation, struct http2 *session, enum side from, struct bytes bytes)
{
    struct http2_stream *stream = http2_find_stream(session, session->side[from].frame.stream_id);

    if (stream == NULL || bytes.length == 0)
        return;
    body_of(stream, from)->size += bytes.length;
    http2_tunnel_say(conversation, session, stream, from, bytes);
}

void http2_miss_body(struct http2 *session, enum side from, uint64_t count)
{
    struct http2_stream *stream = http2_find_stream(session, session->side[from].frame.stream_id);

    if (stream == NULL || count == 0)
        return;
    body_of(stream, from)->size += count;
    body_of(stream, from)->missing += count;
    http2_tunnel_miss(stream, from, count);
}

/*
 * http2_frames.c - the headers of frames (RFC 9113, 4 and 6): what they can be, and how the next one is found behind missing bytes.
 */
#include "dissectors/http2_session.h"

struct http2_frame http2_take_frame_header(struct cursor *unit)
{
    struct http2_frame frame = {.length = take_u24_be(unit)};

    frame.type = take_u8(unit);
    frame.flags = take_u8(unit);
    frame.stream_id = take_u32_be(unit) & 0x7fffffff;
    frame.left = frame.length;
    return frame;
}

uint32_t http2_start_bytes(const struct http2_frame *frame)
{
    uint32_t padded = (frame->flags & HTTP2_FLAG_PADDED) != 0 ? 1 : 0;

    switch (frame->type) {
    case HTTP2_DATA:
        return padded;
    case HTTP2_HEADERS:
        return padded + ((frame->flags & HTTP2_FLAG_PRIORITY) != 0 ? 5 : 0);
    case HTTP2_PUSH_PROMISE:
        return padded + 4;
    case HTTP2_RST_STREAM:
        return 4;
    case HTTP2_GOAWAY:
        return 8;
    default:
        return 0;
    }
}

static bool is_of_a_stream(uint8_t type)
{
    return type == HTTP2_DATA || type == HTTP2_HEADERS || type == HTTP2_PRIORITY || type == HTTP2_RST_STREAM || type == HTTP2_PUSH_PROMISE || type == HTTP2_CONTINUATION;
}

static bool is_of_the_connection(uint8_t type)
{
    return type == HTTP2_SETTINGS || type == HTTP2_PING || type == HTTP2_GOAWAY;
}

static bool length_is_wrong(const struct http2_frame *frame)
{
    switch (frame->type) {
    case HTTP2_PRIORITY:
        return frame->length != 5;
    case HTTP2_RST_STREAM:
    case HTTP2_WINDOW_UPDATE:
        return frame->length != 4;
    case HTTP2_PING:
        return frame->length != 8;
    case HTTP2_SETTINGS:
        return frame->length % HTTP2_SETTING_BYTES != 0 || ((frame->flags & HTTP2_FLAG_ACK) != 0 && frame->length > 0);
    default:
        return frame->length < http2_start_bytes(frame);
    }
}

const char *http2_frame_error(const struct http2_block *block, enum side from, const struct http2_frame *frame)
{
    if (length_is_wrong(frame))
        return "a length that its type cannot have";
    if (is_of_a_stream(frame->type) && frame->stream_id == 0)
        return "no stream";
    if (is_of_the_connection(frame->type) && frame->stream_id != 0)
        return "a stream, which its type cannot have";
    if (frame->type == HTTP2_CONTINUATION ? !block->is_open || block->sent_on != frame->stream_id : block->is_open)
        return "another type than what a block of header fields must go on with";
    if (frame->type == HTTP2_HEADERS && from == FROM_CLIENT && frame->stream_id % 2 == 0)
        return "a stream that is the server's to open";
    if (frame->type == HTTP2_PUSH_PROMISE && from == FROM_CLIENT)
        return "a promise, which only servers make";
    return NULL;
}

/* ---- behind lost bytes ---- */

/* The flags that RFC 9113, 6 gives the type; others are not sent. */
static uint8_t known_flags(uint8_t type)
{
    switch (type) {
    case HTTP2_DATA:
        return HTTP2_FLAG_END_STREAM | HTTP2_FLAG_PADDED;
    case HTTP2_HEADERS:
        return HTTP2_FLAG_END_STREAM | HTTP2_FLAG_END_HEADERS | HTTP2_FLAG_PADDED | HTTP2_FLAG_PRIORITY;
    case HTTP2_SETTINGS:
    case HTTP2_PING:
        return HTTP2_FLAG_ACK;
    case HTTP2_PUSH_PROMISE:
        return HTTP2_FLAG_END_HEADERS | HTTP2_FLAG_PADDED;
    case HTTP2_CONTINUATION:
        return HTTP2_FLAG_END_HEADERS;
    default:
        return 0;
    }
}

static bool is_open(const struct http2 *session, uint32_t id)
{
    for (unsigned i = 0; i < session->stream_count; i++) {
        if (session->streams[i]->id == id)
            return true;
    }
    return false;
}

/* A stream that is open, or one that the client may have opened since; behind it others may be named that are over. */
static bool is_likely_stream(const struct http2 *session, enum side from, const struct http2_frame *frame)
{
    uint32_t last = session->side[FROM_CLIENT].last_id;

    if (frame->stream_id == 0)
        return frame->type == HTTP2_SETTINGS || frame->type == HTTP2_PING || frame->type == HTTP2_WINDOW_UPDATE || frame->type == HTTP2_GOAWAY;
    if (is_open(session, frame->stream_id))
        return true;
    return from == FROM_CLIENT && frame->type == HTTP2_HEADERS && frame->stream_id % 2 == 1 && frame->stream_id > last && frame->stream_id - last <= 2 * HTTP2_STREAMS_LIMIT;
}

static bool is_likely(const struct http2 *session, enum side from, const struct http2_block *block, const struct http2_frame *frame)
{
    if (frame->type > HTTP2_CONTINUATION || (frame->flags & ~known_flags(frame->type)) != 0 || frame->length > session->side[side_other(from)].max_frame_size)
        return false;
    return http2_frame_error(block, from, frame) == NULL && is_likely_stream(session, from, frame);
}

bool http2_frame_begins(const struct http2 *session, enum side from, struct cursor *unit)
{
    struct http2_block block = {.is_open = false};
    struct http2_frame frame = http2_take_frame_header(unit);

    if (!cursor_is_good(unit) || !is_likely(session, from, &block, &frame))
        return false;
    skip_bytes(unit, frame.length);
    block.is_open = (frame.type == HTTP2_HEADERS || frame.type == HTTP2_PUSH_PROMISE) && (frame.flags & HTTP2_FLAG_END_HEADERS) == 0;
    block.sent_on = frame.stream_id;
    frame = http2_take_frame_header(unit);
    return cursor_is_good(unit) && is_likely(session, from, &block, &frame);
}

/*
 * http2_findings.c - what is odd or hostile in an HTTP/2 connection: floods of cheap frames (CVE-2019-9512, -9515, -9518), of CONTINUATIONs
 * (CVE-2024-27316) and of streams that are opened and reset (CVE-2023-44487), and requests that change their meaning where a proxy writes them
 * as HTTP/1 (RFC 9113, 8.1.1, 8.2.1, 8.2.2, 8.3.1 and 10.3).
 */
#include "dissectors/http2_session.h"

#include <stdio.h>

/* So many within that time are a flood. A browser that leaves a page resets about a hundred. */
#define FLOOD_TIME_US 10000000
#define RESETS_TOLD 200
#define CONTROLS_TOLD 2000
/* Of one block: CONTINUATION frames, and bytes of its names and values. */
#define CONTINUATIONS_TOLD 32
#define LIST_TOLD (1 << 20)
#define NAME_SHOWN 64

/* Counts one more; whether it is the one that is told. */
static bool is_flood(struct conversation *conversation, struct http2_flood *flood, unsigned limit)
{
    int64_t now_us = conversation_now(conversation);

    if (flood->count == 0 || now_us - flood->begin_us > FLOOD_TIME_US) {
        flood->begin_us = now_us;
        flood->count = 0;
    }
    flood->count++;
    if (flood->is_told || flood->count < limit)
        return false;
    flood->is_told = true;
    return true;
}

/* Frames that cost their sender nothing, and make the receiver answer or work. */
static bool is_cheap(const struct http2_frame *frame)
{
    bool is_answer = (frame->flags & HTTP2_FLAG_ACK) != 0;

    if (frame->type == HTTP2_SETTINGS || frame->type == HTTP2_PING)
        return !is_answer;
    if (frame->type == HTTP2_DATA)
        return frame->length == 0 && (frame->flags & HTTP2_FLAG_END_STREAM) == 0;
    return frame->type == HTTP2_PRIORITY;
}

void http2_judge_frame(struct conversation *conversation, struct http2 *session, enum side from, const struct http2_frame *frame)
{
    struct http2_side *side = &session->side[from];

    if (is_cheap(frame) && is_flood(conversation, &side->controls, CONTROLS_TOLD))
        conversation_finding(conversation, "warning", "http2_control_flood",
                             "the %s sent %d SETTINGS, PING, PRIORITY or empty DATA frames within %d seconds", side_name(from), CONTROLS_TOLD,
                             FLOOD_TIME_US / 1000000);
    if (frame->type == HTTP2_CONTINUATION && side->block.is_open && ++side->block.continuations == CONTINUATIONS_TOLD)
        conversation_finding_once(conversation, "warning", "http2_continuation_flood", "the %s sent a block of header fields in more than %d CONTINUATION frames",
                                  side_name(from), CONTINUATIONS_TOLD);
}

void http2_judge_list(struct conversation *conversation, enum side from, uint64_t list_bytes_before, uint64_t list_bytes)
{
    if (list_bytes_before <= LIST_TOLD && list_bytes > LIST_TOLD)
        conversation_finding_once(conversation, "warning", "http2_fields_too_long", "the %s sent a block of header fields that is longer than %d bytes when decoded",
                                  side_name(from), LIST_TOLD);
}

/* The one who resets a stream before it is answered; a server is made to do so by frames that are wrong. */
void http2_judge_reset(struct conversation *conversation, struct http2 *session, enum side from)
{
    if (is_flood(conversation, &session->side[from].resets, RESETS_TOLD))
        conversation_finding(conversation, "warning", "http2_rapid_reset", "the %s reset %d streams before their answers within %d seconds", side_name(from),
                             RESETS_TOLD, FLOOD_TIME_US / 1000000);
}

/* RFC 9110, 5.6.2, without upper case: RFC 9113, 8.2.1. */
static bool is_name(struct bytes name)
{
    struct cursor letters = cursor_within(name);

    if (peek_u8(&letters) == ':')
        skip_bytes(&letters, 1);
    if (cursor_left(&letters) == 0)
        return false;
    while (cursor_left(&letters) > 0) {
        uint8_t letter = take_u8(&letters);

        if (letter <= ' ' || letter >= 0x7f || letter == ':' || (letter >= 'A' && letter <= 'Z'))
            return false;
    }
    return true;
}

static bool is_value(struct bytes value)
{
    return value.length == 0 || (memchr(value.at, '\r', value.length) == NULL && memchr(value.at, '\n', value.length) == NULL &&
                                 memchr(value.at, '\0', value.length) == NULL);
}

/* RFC 9113, 8.2.2 */
static bool belongs_to_http1(struct bytes name, struct bytes value)
{
    static const char *const names[] = {"connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (bytes_equal(name, bytes_of_text(names[i])))
            return true;
    }
    return bytes_equal(name, bytes_of_text("te")) && !bytes_equal(value, bytes_of_text("trailers"));
}

void http2_judge_field(struct conversation *conversation, enum side from, struct bytes name, struct bytes value)
{
    int shown = (int)(name.length < NAME_SHOWN ? name.length : NAME_SHOWN);
    const char *error = NULL;

    if (!is_name(name))
        error = "a name that is none";
    else if (!is_value(value))
        error = "line ends or NUL in its value";
    else if (belongs_to_http1(name, value))
        error = "a meaning in HTTP/1 alone";
    if (error != NULL)
        conversation_finding_once(conversation, "warning", "http2_field_invalid", "the %s sent a header field with %s: '%.*s'", side_name(from), error, shown,
                                  name.length > 0 ? (const char *)name.at : "");
}

/* RFC 9113, 8.3.1: two names of the server, of which others may believe the other one. */
void http2_judge_host(struct conversation *conversation, const struct http_request *request, const struct http2_head *head)
{
    struct bytes authority = text_bytes(&head->authority);
    struct bytes host = text_bytes(&request->host);

    if (host.length > 0 && !(host.length == authority.length && bytes_begin_nocase(host, head->authority.at)))
        conversation_finding_once(conversation, "warning", "http2_host_mismatch", "a request's host field and its ':authority' name two servers");
}

/* RFC 9113, 8.1.1: what a proxy that believes the field would take for the next request. */
void http2_judge_length(struct conversation *conversation, const struct http2_stream *stream)
{
    const struct http_body *body = &stream->request->request;

    if (stream->has_length && body->missing == 0 && !stream->is_in_doubt[FROM_CLIENT] && body->size != stream->content_length)
        conversation_finding_once(conversation, "warning", "http2_length_wrong", "the client's content-length says %llu bytes, and %llu were sent",
                                  (unsigned long long)stream->content_length, (unsigned long long)body->size);
}

/* RFC 9113, 7 */
static const char *error_name(uint32_t code)
{
    static const char *const names[] = {
        "NO_ERROR",       "PROTOCOL_ERROR", "INTERNAL_ERROR",    "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT",  "STREAM_CLOSED",       "FRAME_SIZE_ERROR",
        "REFUSED_STREAM", "CANCEL",         "COMPRESSION_ERROR", "CONNECT_ERROR",      "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
    };

    return code < sizeof names / sizeof names[0] ? names[code] : "an error code that RFC 9113 does not name";
}

void http2_tell_goaway(struct conversation *conversation, enum side from, uint32_t error_code)
{
    if (error_code != 0)
        conversation_finding_once(conversation, "notice", "http2_goaway", "the %s ends the connection: %s", side_name(from), error_name(error_code));
}

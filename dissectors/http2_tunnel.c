/*
 * http2_tunnel.c - what the streams of CONNECT requests carry: WebSockets (RFC 8441), and tunnels to anywhere (RFC 9113, 8.5), whose bytes go back to
 * identification. Other protocols of an extended CONNECT are named in http_requests and not read.
 */
#include "base/memory.h"
#include "dissectors/http2_session.h"

/* An extended CONNECT that the server's SETTINGS did not allow. */
static void judge_permission(struct conversation *conversation, const struct http2 *session)
{
    const struct http2_side *server = &session->side[FROM_SERVER];

    if (server->has_settings && !server->enables_connect_protocol && conversation_missing(conversation, FROM_SERVER) == 0)
        conversation_finding_once(conversation, "notice", "http2_connect_protocol_not_enabled",
                                  "the client sends an extended CONNECT that the server's SETTINGS do not allow");
}

static struct websocket_handshake *make_handshake(struct conversation *conversation, const struct http2_stream *stream, const struct http2_head *head)
{
    struct websocket_handshake *handshake = websocket_handshake_new();

    if (handshake == NULL)
        return NULL;
    text_append(&handshake->host, text_bytes(&stream->request->host));
    text_append(&handshake->uri, text_bytes(&stream->request->uri));
    text_append(&handshake->user_agent, text_bytes(&stream->request->user_agent));
    text_append(&handshake->origin, text_bytes(&head->origin));
    text_append(&handshake->offered, text_bytes(&head->websocket_extensions));
    handshake->attempt = conversation_next_number(conversation, NUMBER_WEBSOCKET);
    handshake->stream_id = stream->id;
    return handshake;
}

void http2_tunnel_begin(struct conversation *conversation, const struct http2 *session, struct http2_stream *stream, const struct http2_head *head)
{
    bool is_websocket = bytes_equal(text_bytes(&head->protocol), bytes_of_text("websocket"));
    struct http2_tunnel *tunnel;

    if (head->protocol.length > 0)
        judge_permission(conversation, session);
    if ((head->protocol.length > 0 && !is_websocket) || stream->tunnel != NULL)
        return;
    tunnel = memory_new_zeroed(1, sizeof *tunnel);
    if (tunnel == NULL)
        return;
    tunnel->early.limit = HTTP2_EARLY_LIMIT;
    tunnel->is_websocket = is_websocket;
    if (is_websocket && (tunnel->handshake = make_handshake(conversation, stream, head)) == NULL) {
        memory_free(tunnel);
        return;
    }
    stream->tunnel = tunnel;
}

static void forget_handshake(struct conversation *conversation, struct http2_tunnel *tunnel)
{
    if (tunnel->handshake == NULL)
        return;
    websocket_write_unopened(conversation, tunnel->handshake);
    websocket_handshake_free(tunnel->handshake);
    tunnel->handshake = NULL;
}

/* What the client said before the answer. */
static void say_early(struct http2_tunnel *tunnel)
{
    if (tunnel->early.length > 0)
        tunnel->is_over = !conversation_say_inside(tunnel->inside, FROM_CLIENT, text_bytes(&tunnel->early));
    if (tunnel->early_missing > 0 && !tunnel->is_over)
        tunnel->is_over = !conversation_miss_inside(tunnel->inside, FROM_CLIENT, tunnel->early_missing);
    text_free(&tunnel->early);
}

static void open_tunnel(struct conversation *conversation, struct http2 *session, struct http2_stream *stream)
{
    const bool has_start[SIDE_COUNT] = {true, true};
    struct http2_tunnel *tunnel = stream->tunnel;
    const struct dissector *dissector = tunnel->handshake != NULL ? &websocket_dissector : NULL;

    if (session->tunnel_count >= HTTP2_TUNNELS_LIMIT) {
        conversation_finding_once(conversation, "notice", "http2_tunnels_too_many",
                                  "more than %d WebSockets and tunnels are open at a time; what the further ones carry is not read", HTTP2_TUNNELS_LIMIT);
        tunnel->is_over = true;
        return;
    }
    tunnel->inside = dissector != NULL ? conversation_begin_inside(conversation, false, has_start, dissector, tunnel->handshake)
                                       : conversation_begin_tunnel(conversation, has_start);
    if (tunnel->inside == NULL) {
        tunnel->is_over = true;
        return;
    }
    tunnel->handshake = NULL;
    session->tunnel_count++;
    if (tunnel->server_went_on)
        http2_tunnel_lose(stream, FROM_SERVER);
    say_early(tunnel);
    if (stream->has_ended[FROM_CLIENT])
        http2_tunnel_end(stream, FROM_CLIENT, ENDING_FIN);
}

void http2_tunnel_answer(struct conversation *conversation, struct http2 *session, struct http2_stream *stream, const struct http2_head *head)
{
    struct http2_tunnel *tunnel = stream->tunnel;

    if (tunnel == NULL || tunnel->inside != NULL || tunnel->is_over)
        return;
    if (tunnel->handshake != NULL) {
        tunnel->handshake->has_answer = true;
        tunnel->handshake->status_code = head->status;
        text_append(&tunnel->handshake->subprotocol, text_bytes(&head->websocket_protocol));
        text_append(&tunnel->handshake->extensions, text_bytes(&head->websocket_extensions));
    }
    if (head->status <= 299)
        open_tunnel(conversation, session, stream);
    else
        tunnel->is_over = true;
    if (tunnel->is_over)
        forget_handshake(conversation, tunnel);
}

/* Whether no answer can be read: nothing of the server was seen, or its header fields cannot be decoded. */
static bool answer_is_hidden(const struct conversation *conversation, const struct http2 *session)
{
    const struct http2_side *server = &session->side[FROM_SERVER];

    return server->fields_are_lost || (!server->is_seen && !conversation_has_start(conversation, FROM_SERVER));
}

/* Kept until the answer comes. Where none can be read, a client that goes on was granted what it asked for. */
static void wait_for_answer(struct conversation *conversation, struct http2 *session, struct http2_stream *stream, struct bytes bytes)
{
    struct http2_tunnel *tunnel = stream->tunnel;
    size_t before = tunnel->early.length;

    if (tunnel->early_missing == 0)
        text_append(&tunnel->early, bytes);
    if (tunnel->early_missing != MISSING_UNKNOWN)
        tunnel->early_missing += bytes.length - (tunnel->early.length - before);
    if (answer_is_hidden(conversation, session))
        open_tunnel(conversation, session, stream);
}

void http2_tunnel_say(struct conversation *conversation, struct http2 *session, struct http2_stream *stream, enum side from, struct bytes bytes)
{
    struct http2_tunnel *tunnel = stream->tunnel;

    if (tunnel == NULL || tunnel->is_over || tunnel->has_ended[from])
        return;
    if (tunnel->inside != NULL)
        tunnel->is_over = !conversation_say_inside(tunnel->inside, from, bytes);
    else if (from == FROM_CLIENT)
        wait_for_answer(conversation, session, stream, bytes);
    else
        tunnel->server_went_on = true;
}

void http2_tunnel_miss(struct http2_stream *stream, enum side from, uint64_t count)
{
    struct http2_tunnel *tunnel = stream->tunnel;

    if (tunnel == NULL || tunnel->is_over || tunnel->has_ended[from])
        return;
    if (tunnel->inside != NULL)
        tunnel->is_over = !conversation_miss_inside(tunnel->inside, from, count);
    else if (from == FROM_CLIENT && tunnel->early_missing != MISSING_UNKNOWN)
        tunnel->early_missing += count;
}

/* A WebSocket finds its next frame again; what else a tunnel carries is not read any further on that side. */
void http2_tunnel_lose(struct http2_stream *stream, enum side from)
{
    struct http2_tunnel *tunnel = stream->tunnel;

    if (tunnel == NULL || tunnel->is_over || tunnel->has_ended[from])
        return;
    if (tunnel->inside == NULL && !tunnel->is_websocket)
        tunnel->has_ended[from] = true;
    else if (tunnel->inside == NULL)
        tunnel->early_missing = from == FROM_CLIENT ? MISSING_UNKNOWN : tunnel->early_missing;
    else if (tunnel->is_websocket)
        tunnel->is_over = !conversation_miss_inside(tunnel->inside, from, MISSING_UNKNOWN);
    else
        http2_tunnel_end(stream, from, ENDING_CAPTURE);
}

void http2_tunnel_end(struct http2_stream *stream, enum side from, enum ending ending)
{
    struct http2_tunnel *tunnel = stream->tunnel;

    if (tunnel == NULL || tunnel->inside == NULL || tunnel->has_ended[from])
        return;
    tunnel->has_ended[from] = true;
    conversation_end_inside(tunnel->inside, from, ending);
}

void http2_tunnel_refresh(struct http2_stream *stream)
{
    if (stream->tunnel != NULL && stream->tunnel->inside != NULL)
        conversation_refresh_inside(stream->tunnel->inside);
}

void http2_tunnel_close(struct conversation *conversation, struct http2 *session, struct http2_stream *stream)
{
    struct http2_tunnel *tunnel = stream->tunnel;

    if (tunnel == NULL)
        return;
    stream->tunnel = NULL;
    if (tunnel->inside != NULL) {
        conversation_close_inside(tunnel->inside);
        session->tunnel_count--;
    }
    forget_handshake(conversation, tunnel);
    text_free(&tunnel->early);
    memory_free(tunnel);
}

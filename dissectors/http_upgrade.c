/*
 * http_upgrade.c - what becomes of a connection that stops being HTTP/1: a WebSocket behind a 101 (RFC 6455, 4), another protocol behind a 101
 * (RFC 9110, 7.8: HTTP/2 of RFC 7540, 3.2; TLS of RFC 2817), a tunnel behind CONNECT (RFC 9110, 9.3.6). What a tunnel or another protocol carries goes back to
 * identification.
 */
#include "dissectors/http2.h"
#include "dissectors/http_session.h"

/*
 * Both sides' next bytes are read by `dissector`, or whoever knows them where it is NULL; `from_before` is its, unless the answer is
 * VERDICT_NOT_THIS_PROTOCOL. `from`: whose bytes are being read; those of the other side that wait come first.
 */
static enum verdict begin_inside(struct conversation *conversation, struct http *http, enum side from, const struct dissector *dissector, void *from_before)
{
    const bool has_start[SIDE_COUNT] = {true, true};

    http->tunnel = conversation_begin_inside(conversation, false, has_start, dissector, from_before);
    if (http->tunnel == NULL) {
        conversation_finding_once(conversation, "notice", "http_nesting_limit", "protocols inside protocols, %d deep: what is inside of them is not read", INSIDE_LIMIT);
        return VERDICT_NOT_THIS_PROTOCOL;
    }
    for (int side = 0; side < SIDE_COUNT; side++) {
        http->side[side].phase = HTTP_TUNNEL;
        if (http->missing_behind[side] > 0)
            (void)conversation_miss_inside(http->tunnel, (enum side)side, http->missing_behind[side]);
    }
    return http_let_other_first(conversation, http, from);
}

static enum verdict begin_tunnel(struct conversation *conversation, struct http *http, enum side from)
{
    return begin_inside(conversation, http, from, NULL, NULL);
}

/* Whether this side's next byte is the one behind its last message. */
static bool is_in_step(const struct http_side *side)
{
    return side->phase != HTTP_SEEKING;
}

static enum verdict begin_websocket(struct conversation *conversation, struct http *http, enum side from, struct websocket_handshake *handshake)
{
    enum verdict verdict;

    if (handshake == NULL)
        return VERDICT_NOT_THIS_PROTOCOL;
    handshake->attempt = conversation_next_number(conversation, NUMBER_WEBSOCKET);
    if (is_in_step(&http->side[FROM_CLIENT]) && is_in_step(&http->side[FROM_SERVER]) && http->missing_behind[FROM_CLIENT] == 0) {
        if (!conversation_hand_over(conversation, &websocket_dissector, handshake))
            websocket_handshake_free(handshake);
        return VERDICT_HANDED_OVER;
    }
    /* bytes behind the handshake are missing already: only from here can that be told to who reads them */
    verdict = begin_inside(conversation, http, from, &websocket_dissector, handshake);
    if (verdict == VERDICT_NOT_THIS_PROTOCOL)
        websocket_handshake_free(handshake);
    return verdict;
}

/* HTTP/2 answers the request on its stream 1 (RFC 7540, 3.2): the row is written there. */
static enum verdict begin_http2(struct conversation *conversation, struct http *http)
{
    struct http_request *request = http_take_request(http);

    request->status = 0;
    request->answered_us = 0;
    if (!conversation_hand_over(conversation, &http2_dissector, request))
        http_request_free(request);
    return VERDICT_HANDED_OVER;
}

/* Whether the client asked for what the server's 101 names; of a request that was not seen, it may have. */
static bool was_asked_for(const struct http_exchange *exchange, bool is_websocket)
{
    return !exchange->is_seen || exchange->kind == (is_websocket ? HTTP_KIND_WEBSOCKET : HTTP_KIND_UPGRADE);
}

bool http_switches(struct conversation *conversation, struct http *http, enum verdict *verdict)
{
    const struct http_side *side = &http->side[FROM_SERVER];
    struct http_exchange *exchange = http->answering;
    bool is_websocket = side->upgrades_to_websocket || (!side->has_upgrade && exchange->kind == HTTP_KIND_WEBSOCKET);
    struct websocket_handshake *handshake = NULL;

    if (http->status != 101 && (exchange->kind != HTTP_KIND_CONNECT || http->status > 299))
        return false;
    if (http->status == 101 && !was_asked_for(exchange, is_websocket))
        conversation_finding_once(conversation, "warning", "http_upgrade_unasked", "the server changes to another protocol than the client asked for");
    if (http->status == 101 && is_websocket)
        handshake = http_handshake(exchange);
    if (exchange == http->asking)
        http_end_request(conversation, http, false);
    if (http->status == 101 && side->upgrades_to_http2 && exchange->kind == HTTP_KIND_UPGRADE && is_in_step(&http->side[FROM_CLIENT])) {
        *verdict = begin_http2(conversation, http);
        return true;
    }
    http_end_answer(conversation, http, true);
    *verdict = http->status == 101 && is_websocket ? begin_websocket(conversation, http, FROM_SERVER, handshake)
                                                         : begin_tunnel(conversation, http, FROM_SERVER);
    return true;
}

void http_on_refusal(struct conversation *conversation, struct http *http)
{
    const struct http_exchange *exchange = http->answering;
    struct http_side *client = &http->side[FROM_CLIENT];
    struct websocket_handshake *handshake;

    if (exchange->kind == HTTP_KIND_ANY || exchange->kind == HTTP_KIND_HEAD)
        return;
    if (client->phase == HTTP_AWAIT_ANSWER)
        client->phase = http->missing_behind[FROM_CLIENT] > 0 ? HTTP_SEEKING : HTTP_START_LINE;
    handshake = exchange->kind == HTTP_KIND_WEBSOCKET ? http_handshake(exchange) : NULL;
    if (handshake == NULL)
        return;
    handshake->attempt = conversation_next_number(conversation, NUMBER_WEBSOCKET);
    websocket_write_unopened(conversation, handshake);
    websocket_handshake_free(handshake);
}

/* ---- answers that do not come ---- */

/* A frame of a client's data (RFC 6455, 5.2), by its first two bytes; RSV1: compressed. */
static bool is_masked_frame(struct cursor unit)
{
    uint8_t start = take_u8(&unit);
    uint8_t length = take_u8(&unit);

    return cursor_is_good(&unit) && (start & 0x30) == 0 && (start & 0x0f) <= 2 && length >= 0x80;
}

/* The client goes on as if its request had been granted. */
static enum verdict switch_unanswered(struct conversation *conversation, struct http *http, struct http_exchange *exchange)
{
    bool is_websocket = exchange->kind == HTTP_KIND_WEBSOCKET;
    struct websocket_handshake *handshake = is_websocket ? http_handshake(exchange) : NULL;

    exchange->kind = HTTP_KIND_ANY; /* its row as a WebSocket is the one of the frames */
    while (http->count > 0)
        http_give_up_oldest(conversation, http);
    return is_websocket ? begin_websocket(conversation, http, FROM_CLIENT, handshake) : begin_tunnel(conversation, http, FROM_CLIENT);
}

/*
 * Of a connection whose server is not seen there will be no answer, nor where it is among bytes that are missing: what the
 * client does next tells what it was answered.
 */
enum verdict http_await_answer(struct conversation *conversation, struct http *http, struct cursor *bytes)
{
    const struct http_side *server = &http->side[FROM_SERVER];
    bool server_is_seen = conversation_has_start(conversation, FROM_SERVER) || server->phase != HTTP_START_LINE;
    struct http_exchange *exchange = http_newest(http);
    struct cursor unit = *bytes;
    int first = peek_u8(bytes);
    struct bytes line;

    if (exchange == NULL || (server_is_seen && !server->has_ended && server->phase != HTTP_SEEKING))
        return VERDICT_NEED_OTHER_SIDE;
    if (exchange->kind == HTTP_KIND_WEBSOCKET && is_masked_frame(unit))
        return switch_unanswered(conversation, http, exchange);
    if (exchange->kind != HTTP_KIND_WEBSOCKET && (first < 'A' || first > 'Z'))
        return switch_unanswered(conversation, http, exchange);
    line = take_line(&unit);
    if (!cursor_is_good(&unit) && cursor_left(bytes) < HTTP_LINE_LIMIT)
        return VERDICT_NEED_MORE;
    if (exchange->kind != HTTP_KIND_WEBSOCKET && !http_line_is_known_request(line))
        return switch_unanswered(conversation, http, exchange);
    http->side[FROM_CLIENT].phase = HTTP_SEEKING;
    return VERDICT_GO_ON;
}

/*
 * http_exchange.c - requests of an HTTP/1 connection, their answers, and which answer belongs to which request.
 *
 * A server answers in the order in which it was asked (RFC 9112, 9.3.2), so an answer belongs to the oldest request that waits.
 * Where answers were lost, a client that waits for each answer has only its newest request open: that one is answered next. Of a client
 * that does not wait, nothing can be told any more: then requests and answers stand in rows of their own.
 */
#include "dissectors/http_session.h"

#include "base/memory.h"

/* ---- one exchange ---- */

/* `waited`: its bytes lay unread for a while, and when they came is not known. */
static struct http_exchange *new_exchange(struct conversation *conversation, bool waited)
{
    struct http_exchange *exchange = memory_new_zeroed(1, sizeof *exchange);

    if (exchange == NULL)
        return NULL;
    exchange->request = http_request_new();
    if (exchange->request == NULL) {
        memory_free(exchange);
        return NULL;
    }
    exchange->request->number = conversation_next_number(conversation, NUMBER_HTTP_REQUEST);
    exchange->request->time_us = waited ? 0 : conversation_now(conversation);
    return exchange;
}

static void free_exchange(struct http_exchange *exchange)
{
    if (exchange == NULL)
        return;
    http_request_free(exchange->request);
    text_free(&exchange->origin);
    text_free(&exchange->key);
    text_free(&exchange->offered);
    text_free(&exchange->socket_version);
    text_free(&exchange->accept);
    text_free(&exchange->subprotocol);
    text_free(&exchange->extensions);
    memory_free(exchange);
}

static size_t memory_of(const struct http_exchange *exchange)
{
    return sizeof *exchange + http_request_memory(exchange->request) + exchange->origin.capacity + exchange->key.capacity + exchange->offered.capacity +
           exchange->socket_version.capacity;
}

static void copy(struct text *to, const struct text *from)
{
    text_append(to, text_bytes(from));
}

struct websocket_handshake *http_handshake(const struct http_exchange *exchange)
{
    const struct http_request *request = exchange->request;
    struct websocket_handshake *handshake = websocket_handshake_new();

    if (handshake == NULL)
        return NULL;
    copy(&handshake->host, &request->host);
    copy(&handshake->uri, &request->uri);
    copy(&handshake->user_agent, &request->user_agent);
    copy(&handshake->origin, &exchange->origin);
    copy(&handshake->offered, &exchange->offered);
    handshake->has_answer = request->status > 0;
    handshake->status_code = request->status;
    if (request->status != 101)
        return handshake;
    copy(&handshake->subprotocol, &exchange->subprotocol);
    copy(&handshake->extensions, &exchange->extensions);
    if (exchange->key.length > 0) {
        handshake->has_accept_check = true;
        handshake->accept_is_valid = websocket_accept_is_valid(text_bytes(&exchange->key), text_bytes(&exchange->accept));
    }
    return handshake;
}

/* An upgrade to WebSocket that was never answered has its row there, too. */
static void write_unanswered_upgrade(struct conversation *conversation, const struct http_exchange *exchange)
{
    struct websocket_handshake *handshake = http_handshake(exchange);

    if (handshake == NULL)
        return;
    handshake->attempt = conversation_next_number(conversation, NUMBER_WEBSOCKET);
    websocket_write_unopened(conversation, handshake);
    websocket_handshake_free(handshake);
}

static void finish(struct conversation *conversation, struct http_exchange *exchange)
{
    if (exchange->kind == HTTP_KIND_WEBSOCKET && exchange->request->status == 0)
        write_unanswered_upgrade(conversation, exchange);
    http_request_write(conversation, exchange->request);
    free_exchange(exchange);
}

/* ---- those that wait ---- */

static struct http_exchange *take_oldest(struct http *http)
{
    struct http_exchange *oldest = http->waiting[http->first];

    http->waiting[http->first] = NULL;
    http->first = (http->first + 1) % HTTP_PIPELINE_LIMIT;
    http->count--;
    http->waiting_memory = http->count == 0 || memory_of(oldest) > http->waiting_memory ? 0 : http->waiting_memory - memory_of(oldest);
    return oldest;
}

struct http_exchange *http_newest(const struct http *http)
{
    return http->count > 0 ? http->waiting[(http->first + http->count - 1) % HTTP_PIPELINE_LIMIT] : NULL;
}

void http_give_up_oldest(struct conversation *conversation, struct http *http)
{
    struct http_exchange *oldest = take_oldest(http);

    oldest->is_answered = true;
    if (oldest != http->asking)
        finish(conversation, oldest); /* else its request goes on, and is written at its end */
}

/* ---- requests ---- */

static const char *version_name(int minor_version)
{
    static const char *const names[] = {"1.0", "1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "1.7", "1.8", "1.9"};

    return names[minor_version];
}

bool http_begin_request(struct conversation *conversation, struct http *http, struct bytes method, struct bytes target, int minor_version)
{
    bool waited = http->side[FROM_CLIENT].has_waited;
    struct http_exchange *exchange = new_exchange(conversation, waited);

    if (exchange == NULL)
        return false;
    exchange->is_seen = true;
    exchange->request->version = version_name(minor_version);
    text_append(&exchange->request->method, method);
    text_append(&exchange->request->uri, target);
    if (bytes_equal(method, bytes_of_text("HEAD")))
        exchange->kind = HTTP_KIND_HEAD;
    else if (bytes_equal(method, bytes_of_text("CONNECT")))
        exchange->kind = HTTP_KIND_CONNECT;
    /* two requests in one packet: the client does not wait */
    http->is_pipelined = http->is_pipelined || waited || http->asked_us == exchange->request->time_us;
    http->asked_us = exchange->request->time_us;
    http->asking = exchange;
    return true;
}

static bool is_lacking(struct text *lacking, bool is_there, const char *what)
{
    if (!is_there)
        text_append_item(lacking, ", ", bytes_of_text(what));
    return !is_there;
}

/* RFC 6455, 4.1: what an upgrade must have. */
static void judge_upgrade(struct conversation *conversation, const struct http_exchange *exchange)
{
    struct text lacking = {.limit = 128};
    bool is_incomplete = is_lacking(&lacking, exchange->key.length > 0, "Sec-WebSocket-Key");

    is_incomplete = is_lacking(&lacking, exchange->socket_version.length > 0, "Sec-WebSocket-Version") || is_incomplete;
    is_incomplete = is_lacking(&lacking, exchange->asks_connection_upgrade, "Connection: Upgrade") || is_incomplete;
    if (is_incomplete)
        conversation_finding_once(conversation, "notice", "websocket_request_incomplete", "the client asks for a WebSocket without %s",
                                  lacking.at != NULL ? lacking.at : "what it must say");
    text_free(&lacking);
}

void http_await(struct conversation *conversation, struct http *http)
{
    struct http_exchange *exchange = http->asking;
    const struct http_side *side = &http->side[FROM_CLIENT];

    if (exchange->kind != HTTP_KIND_CONNECT && side->upgrades_to_websocket) {
        exchange->kind = HTTP_KIND_WEBSOCKET;
        judge_upgrade(conversation, exchange);
    } else if (exchange->kind == HTTP_KIND_ANY && side->has_upgrade && exchange->asks_connection_upgrade) {
        exchange->kind = HTTP_KIND_UPGRADE;
    }
    exchange->request->request.is_unframed = side->is_unframed;
    if (!side->has_waited)
        exchange->request->asked_us = conversation_now(conversation);
    if (exchange->request->status > 0)
        return; /* it was answered before its head was there */
    if (http->count == HTTP_PIPELINE_LIMIT)
        http_give_up_oldest(conversation, http);
    http->waiting[(http->first + http->count) % HTTP_PIPELINE_LIMIT] = exchange;
    http->count++;
    http->waiting_memory += memory_of(exchange);
}

void http_end_request(struct conversation *conversation, struct http *http, bool is_complete)
{
    struct http_exchange *exchange = http->asking;

    if (exchange == NULL)
        return;
    exchange->request->request.is_complete = is_complete;
    exchange->is_asked = true;
    http->asking = NULL;
    if (exchange->is_answered)
        finish(conversation, exchange);
}

/* ---- answers ---- */

/* Which request the answer that begins belongs to; NULL: to one that was not seen. */
static struct http_exchange *answered(struct conversation *conversation, struct http *http)
{
    bool is_whole = conversation_missing(conversation, FROM_CLIENT) == 0 && conversation_missing(conversation, FROM_SERVER) == 0;
    struct http_exchange *newest = http_newest(http);
    bool opens_newest = http->status == 101 && newest != NULL && newest->kind == HTTP_KIND_WEBSOCKET;

    http->is_pipelined = http->is_pipelined || (is_whole && http->count > 1 && newest->request->time_us < conversation_now(conversation));
    if (http->count == 0 && !http->cannot_match && http->asking != NULL && http->asking->request->status == 0 && !http->asking->is_answered)
        return http->asking; /* answered before its head was there */
    if (http->count == 0 || (http->cannot_match && !opens_newest))
        return NULL;
    while (http->count > 1 && (http->answers_are_lost || http->cannot_match))
        http_give_up_oldest(conversation, http);
    http->answers_are_lost = false;
    http->cannot_match = false;
    return take_oldest(http);
}

bool http_begin_answer(struct conversation *conversation, struct http *http, int minor_version)
{
    struct http_exchange *exchange;

    http_end_answer(conversation, http, false);
    exchange = answered(conversation, http);
    if (exchange == NULL) {
        exchange = new_exchange(conversation, false);
        if (exchange == NULL)
            return false;
        exchange->is_asked = true;
        exchange->request->version = version_name(minor_version);
    }
    exchange->request->status = http->status;
    exchange->request->answered_us = conversation_now(conversation);
    http->answering = exchange;
    return true;
}

void http_end_answer(struct conversation *conversation, struct http *http, bool is_complete)
{
    struct http_exchange *exchange = http->answering;

    if (exchange == NULL)
        return;
    http->answering = NULL;
    exchange->request->response.is_complete = is_complete;
    exchange->is_answered = true;
    if (exchange->is_asked)
        finish(conversation, exchange);
}

struct http_request *http_take_request(struct http *http)
{
    struct http_exchange *exchange = http->answering;
    struct http_request *request = exchange->request;

    http->answering = NULL;
    exchange->request = NULL;
    free_exchange(exchange);
    return request;
}

/* ---- the order of the two sides ---- */

enum verdict http_let_other_first(struct conversation *conversation, struct http *http, enum side from)
{
    if (http->side[side_other(from)].lets_other_first || !conversation_wake_other(conversation, side_other(from)))
        return VERDICT_GO_ON;
    http->side[from].lets_other_first = true;
    return VERDICT_NEED_OTHER_SIDE;
}

/* ---- missing bytes ---- */

void http_lose_step(struct conversation *conversation, struct http *http, enum side from, uint64_t count)
{
    struct http_side *side = &http->side[from];
    bool is_inside_head = side->phase == HTTP_HEADERS;
    struct http_exchange *exchange = from == FROM_CLIENT ? http->asking : http->answering;
    struct http_body *body = NULL;

    if (exchange != NULL)
        body = from == FROM_CLIENT ? &exchange->request->request : &exchange->request->response;
    if (body != NULL) {
        body->missing += count;
        body->is_unframed = true; /* how much of the gap was its own is not known */
    }
    if (from == FROM_CLIENT && exchange != NULL && is_inside_head)
        http_await(conversation, http);
    if (body != NULL)
        body->is_unframed = true;
    if (from == FROM_CLIENT)
        http_end_request(conversation, http, false);
    else
        http_end_answer(conversation, http, false);
    http->answers_are_lost = http->answers_are_lost || from == FROM_SERVER;
    if (http->is_pipelined && !http->cannot_match) {
        http->cannot_match = true;
        conversation_finding_once(conversation, "notice", "http_answers_unmatched",
                                  "messages were lost of a client that does not wait for answers: requests and answers stand in rows of their own from here on");
    }
    side->passes_over = false;
    side->phase = HTTP_SEEKING;
}

void http_end_exchanges(struct conversation *conversation, struct http *http)
{
    http_end_answer(conversation, http, false);
    while (http->count > 0)
        http_give_up_oldest(conversation, http);
    if (http->asking != NULL)
        finish(conversation, http->asking);
    http->asking = NULL;
}

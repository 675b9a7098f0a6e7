/*
 * http.c - HTTP/1.0 and 1.1 (RFC 9110, 9112): messages are told apart and streamed through counters, requests are paired with their answers
 * (http_exchange.c) and have their rows in http_requests; behind an upgrade or a tunnel others read on (http_upgrade.c).
 *
 * Left out: what bodies say; HTTP/0.9; the frames of WebSocket's drafts before RFC 6455 (Sec-WebSocket-Key1); HTTP/2 (RFC 9113).
 */
#include "dissectors/http.h"

#include "dissectors/http_session.h"

/* ---- lines ---- */

enum line_kind {
    LINE_HEAD,  /* may be cut at HTTP_LINE_LIMIT: the rest is passed over */
    LINE_START, /* must be whole */
};

/* The next line, without its end. VERDICT_NOT_THIS_PROTOCOL where one that must be whole is too long. */
static enum verdict next_line(struct http_side *side, enum line_kind kind, struct cursor *bytes, struct bytes *line, bool *is_bare)
{
    struct cursor unit = *bytes;

    *line = take_until(&unit, '\n');
    if (!cursor_is_good(&unit) && cursor_left(bytes) <= HTTP_LINE_LIMIT)
        return VERDICT_NEED_MORE;
    if (!cursor_is_good(&unit) || line->length > HTTP_LINE_LIMIT) {
        *line = take_up_to(bytes, HTTP_LINE_LIMIT);
        *is_bare = false;
        side->passes_over = true;
        return kind == LINE_START ? VERDICT_NOT_THIS_PROTOCOL : VERDICT_GO_ON;
    }
    *is_bare = line->length == 0 || line->at[line->length - 1] != '\r';
    if (!*is_bare)
        line->length--;
    *bytes = unit;
    return VERDICT_GO_ON;
}

/* The rest of a line that was too long. */
static void pass_over_line(struct http_side *side, struct cursor *bytes)
{
    struct cursor unit = *bytes;

    (void)take_until(&unit, '\n');
    side->passes_over = !cursor_is_good(&unit);
    if (side->passes_over)
        (void)take_up_to(bytes, UINT64_MAX);
    else
        *bytes = unit;
}

static void tell_bare(struct conversation *conversation, enum side from, bool is_bare)
{
    if (is_bare)
        conversation_finding_once(conversation, "notice", "http_bare_line_feed", "the %s ends lines of HTTP without a carriage return", side_name(from));
}

/* The next message of this side is looked for. */
static enum verdict seek_next(struct conversation *conversation, struct http *http, enum side from)
{
    enum http_phase waiting = from == FROM_CLIENT ? HTTP_START_LINE : HTTP_AWAIT_ANSWER;

    http_lose_step(conversation, http, from, 0);
    return http->side[side_other(from)].phase == waiting ? http_let_other_first(conversation, http, from) : VERDICT_GO_ON;
}

/* What follows a message is no message. */
static enum verdict lose_step(struct conversation *conversation, struct http *http, enum side from, const char *why)
{
    if (conversation_has_start(conversation, from))
        conversation_finding_once(conversation, "notice", "http_out_of_step", "the %s sent %s; the next message of it is looked for", side_name(from), why);
    return seek_next(conversation, http, from);
}

/* ---- ends of heads and messages ---- */

static struct http_body *current_body(struct http *http, enum side from)
{
    struct http_exchange *exchange = from == FROM_CLIENT ? http->asking : http->answering;

    if (exchange == NULL)
        return NULL;
    return from == FROM_CLIENT ? &exchange->request->request : &exchange->request->response;
}

/* The message is read: the next one begins, unless this one asked for something that must be answered first. */
static void finish_message(struct conversation *conversation, struct http *http, enum side from)
{
    struct http_side *side = &http->side[from];
    enum http_kind kind = HTTP_KIND_ANY;
    bool is_answered = true;

    if (from == FROM_CLIENT && http->asking != NULL) {
        kind = http->asking->kind;
        is_answered = http->asking->request->status > 0;
    }
    side->phase = HTTP_START_LINE;
    if (kind != HTTP_KIND_ANY && kind != HTTP_KIND_HEAD && !is_answered)
        side->phase = HTTP_AWAIT_ANSWER;
    if (from == FROM_CLIENT)
        http_end_request(conversation, http, true);
    else
        http_end_answer(conversation, http, true);
}

/* RFC 9112, 6.3: how the body is delimited. `without` is its length where none is stated. */
static void begin_body(struct conversation *conversation, struct http *http, enum side from, uint64_t without)
{
    struct http_side *side = &http->side[from];
    struct http_body *body = current_body(http, from);

    if (body != NULL)
        body->is_unframed = side->is_unframed;
    if (side->is_unframed) {
        side->phase = HTTP_UNTIL_CLOSE;
        return;
    }
    if (side->is_chunked) {
        side->phase = HTTP_CHUNK_SIZE;
        return;
    }
    side->left = side->content_length != HTTP_LENGTH_UNKNOWN && !side->has_other_coding ? side->content_length : without;
    if (side->left == HTTP_LENGTH_UNKNOWN)
        side->phase = HTTP_UNTIL_CLOSE;
    else if (side->left > 0)
        side->phase = HTTP_BODY;
    else
        finish_message(conversation, http, from);
}

static enum verdict on_answer_head(struct conversation *conversation, struct http *http)
{
    struct http_side *side = &http->side[FROM_SERVER];
    bool client_waits = http->side[FROM_CLIENT].phase == HTTP_AWAIT_ANSWER;
    enum verdict verdict = VERDICT_GO_ON;

    if (http->answering == NULL) { /* interim: the answer is still to come */
        side->phase = HTTP_START_LINE;
        return VERDICT_GO_ON;
    }
    if (http_switches(conversation, http, &verdict))
        return verdict;
    http_on_refusal(conversation, http);
    if (http->answering->kind == HTTP_KIND_HEAD || http->status == 204 || http->status == 304) {
        finish_message(conversation, http, FROM_SERVER);
    } else {
        http_judge_head(conversation, side, FROM_SERVER);
        begin_body(conversation, http, FROM_SERVER, HTTP_LENGTH_UNKNOWN);
    }
    return client_waits ? http_let_other_first(conversation, http, FROM_SERVER) : VERDICT_GO_ON;
}

static enum verdict on_head(struct conversation *conversation, struct http *http, enum side from)
{
    bool server_waits = http->count == 0 && http->side[FROM_SERVER].phase == HTTP_START_LINE;

    if (from == FROM_SERVER)
        return on_answer_head(conversation, http);
    http_judge_head(conversation, &http->side[FROM_CLIENT], FROM_CLIENT);
    http_await(conversation, http);
    begin_body(conversation, http, FROM_CLIENT, 0);
    return server_waits ? http_let_other_first(conversation, http, FROM_CLIENT) : VERDICT_GO_ON;
}

/* ---- heads ---- */

static bool client_may_still_ask(const struct conversation *conversation, const struct http *http)
{
    const struct http_side *client = &http->side[FROM_CLIENT];

    return client->phase != HTTP_UNTIL_CLOSE && client->phase != HTTP_SEEKING && !client->has_ended && conversation_has_start(conversation, FROM_CLIENT) &&
           conversation_missing(conversation, FROM_CLIENT) == 0;
}

static bool server_may_still_answer(const struct conversation *conversation, const struct http *http)
{
    const struct http_side *server = &http->side[FROM_SERVER];

    return !server->has_ended && (conversation_has_start(conversation, FROM_SERVER) || server->phase != HTTP_START_LINE);
}

/* Whether reading this message must wait for the other side. */
static bool must_wait(struct conversation *conversation, struct http *http, enum side from)
{
    if (from == FROM_SERVER) /* an answer before its request: the request was delayed, if that side is seen at all */
        return http->count == 0 && !http->cannot_match && client_may_still_ask(conversation, http);
    if (http->count < HTTP_PIPELINE_LIMIT && http->waiting_memory < HTTP_PIPELINE_MEMORY)
        return false;
    if (server_may_still_answer(conversation, http)) {
        http->side[FROM_CLIENT].has_waited = true;
        return true;
    }
    http_give_up_oldest(conversation, http);
    return false;
}

/* A start line: a message begins. False: it is none. */
static bool begin_message(struct conversation *conversation, struct http *http, enum side from, struct bytes line)
{
    struct bytes method;
    struct bytes target;
    int minor_version;

    if (from == FROM_CLIENT) {
        if (!http_line_is_request(line, &method, &target, &minor_version) || !http_begin_request(conversation, http, method, target, minor_version))
            return false;
    } else {
        if (!http_line_is_status(line, &http->status, &minor_version))
            return false;
        if ((http->status >= 200 || http->status == 101) && !http_begin_answer(conversation, http, minor_version))
            return false;
    }
    http->missing_behind[from] = 0;
    http_begin_head(&http->side[from], minor_version);
    return true;
}

/* Whether this 101 must wait: the request's body ends before the other protocol begins (RFC 9110, 7.8). */
static bool switches_too_early(const struct conversation *conversation, const struct http *http, enum side from, struct bytes line)
{
    int status;
    int minor_version;

    return from == FROM_SERVER && http->asking != NULL && http_line_is_status(line, &status, &minor_version) && status == 101 &&
           client_may_still_ask(conversation, http);
}

static enum verdict on_start_line(struct conversation *conversation, struct http *http, enum side from, struct cursor *bytes)
{
    struct cursor unit = *bytes;
    struct bytes line;
    bool is_bare;
    enum verdict verdict;

    if (must_wait(conversation, http, from))
        return VERDICT_NEED_OTHER_SIDE;
    verdict = next_line(&http->side[from], LINE_START, &unit, &line, &is_bare);
    if (verdict == VERDICT_GO_ON && switches_too_early(conversation, http, from, line))
        return VERDICT_NEED_OTHER_SIDE;
    *bytes = unit;
    if (verdict == VERDICT_NOT_THIS_PROTOCOL) {
        verdict = lose_step(conversation, http, from, "a start line that is too long");
        http->side[from].passes_over = true; /* the rest of the line begins no message */
        return verdict;
    }
    if (verdict != VERDICT_GO_ON || line.length == 0) /* empty lines before a message are ignored (RFC 9112, 2.2) */
        return verdict;
    if (!begin_message(conversation, http, from, line))
        return lose_step(conversation, http, from, "what is no start line");
    tell_bare(conversation, from, is_bare);
    return VERDICT_GO_ON;
}

/* Looks at each line for one that begins a message. Those of a server may yet be a WebSocket's, as long as its client's upgrade is open. */
static enum verdict seek(struct http *http, enum side from, struct cursor *bytes)
{
    struct http_side *side = &http->side[from];
    struct cursor unit = *bytes;
    struct cursor line_start = unit;
    int status;
    int minor_version;
    struct bytes line = take_line(&unit);
    bool is_found;

    while (cursor_is_good(&unit)) {
        is_found = line.length <= HTTP_LINE_LIMIT &&
                   (from == FROM_CLIENT ? http_line_is_known_request(line) : http_line_is_status(line, &status, &minor_version));
        if (is_found) {
            side->phase = HTTP_START_LINE;
            *bytes = line_start;
            return VERDICT_GO_ON;
        }
        line_start = unit;
        line = take_line(&unit);
    }
    if (from == FROM_SERVER && http->side[FROM_CLIENT].phase == HTTP_AWAIT_ANSWER) {
        if (cursor_left(bytes) <= HTTP_SEEKING_LIMIT)
            return VERDICT_NEED_MORE;
        http->missing_behind[from] += cursor_left(bytes) - cursor_left(&line_start);
    }
    *bytes = line_start;
    if (cursor_left(bytes) > HTTP_LINE_LIMIT) {
        side->passes_over = true;
        (void)take_up_to(bytes, UINT64_MAX);
    }
    return VERDICT_NEED_MORE;
}

/* A field that goes on in the next lines (RFC 9112, 5.2): put together with single spaces. */
static enum verdict unfold(struct text *folded, struct bytes line, struct cursor *unit)
{
    folded->limit = HTTP_LINE_LIMIT;
    text_clear(folded);
    text_append(folded, line);
    for (unsigned i = 0; i < HTTP_FOLDS_LIMIT; i++) {
        struct bytes more = take_line(unit);

        if (!cursor_is_good(unit))
            return VERDICT_NEED_MORE;
        text_append_text(folded, " ");
        text_append(folded, bytes_trim(more));
        if (peek_u8(unit) == -1)
            return VERDICT_NEED_MORE;
        if (peek_u8(unit) != ' ' && peek_u8(unit) != '\t')
            break;
    }
    return VERDICT_GO_ON;
}

/* The same while it is not all there, or when it is: VERDICT_NOT_THIS_PROTOCOL where a field with its folds is longer than any may be. */
static enum verdict unless_too_long(enum verdict verdict, size_t length)
{
    return length > HTTP_LINE_LIMIT + 2 ? VERDICT_NOT_THIS_PROTOCOL : verdict;
}

/* The next line of a head with its folds; what follows it must be there, to see whether it goes on. */
static enum verdict next_field(struct http *http, enum side from, struct cursor *bytes, struct bytes *line, bool *is_bare, bool *is_folded)
{
    struct http_side *side = &http->side[from];
    struct cursor unit = *bytes;
    enum verdict verdict = next_line(side, LINE_HEAD, &unit, line, is_bare);

    *is_folded = false;
    if (verdict == VERDICT_GO_ON && line->length > 0 && !side->passes_over) {
        if (peek_u8(&unit) == -1)
            return unless_too_long(VERDICT_NEED_MORE, cursor_left(bytes));
        if (peek_u8(&unit) == ' ' || peek_u8(&unit) == '\t') {
            verdict = unfold(&http->folded, *line, &unit);
            if (verdict == VERDICT_NEED_MORE)
                return unless_too_long(VERDICT_NEED_MORE, cursor_left(bytes));
            verdict = unless_too_long(verdict, cursor_left(bytes) - cursor_left(&unit));
            *line = text_bytes(&http->folded);
            *is_folded = true;
        }
    }
    if (verdict == VERDICT_GO_ON)
        *bytes = unit;
    return verdict;
}

static enum verdict on_header_line(struct conversation *conversation, struct http *http, enum side from, struct cursor *bytes)
{
    struct http_side *side = &http->side[from];
    size_t before = cursor_left(bytes);
    struct bytes line;
    bool is_bare;
    bool is_folded;
    enum verdict verdict = next_field(http, from, bytes, &line, &is_bare, &is_folded);

    if (verdict == VERDICT_NEED_MORE)
        return verdict;
    side->head_bytes += (uint32_t)(before - cursor_left(bytes));
    if (side->head_bytes > HTTP_HEAD_LIMIT || verdict == VERDICT_NOT_THIS_PROTOCOL) {
        conversation_finding_once(conversation, "notice", "http_head_too_long", "the %s's message head is longer than %d bytes, or one of its fields than %d; "
                                  "the next message of it is looked for", side_name(from), HTTP_HEAD_LIMIT, HTTP_LINE_LIMIT);
        return seek_next(conversation, http, from);
    }
    if (side->passes_over)
        conversation_finding_once(conversation, "notice", "http_field_cut", "a field of the %s is longer than %d bytes: what is over was not read",
                                  side_name(from), HTTP_LINE_LIMIT);
    tell_bare(conversation, from, is_bare);
    if (line.length > 0) {
        if (side->phase == HTTP_HEADERS)
            http_on_header_line(conversation, http, from, line, is_folded);
        return VERDICT_GO_ON;
    }
    if (side->phase == HTTP_HEADERS)
        return on_head(conversation, http, from);
    finish_message(conversation, http, from);
    return VERDICT_GO_ON;
}

/* ---- bodies ---- */

/* Hexadecimal digits before an extension or the line's end (RFC 9112, 7.1). */
static bool read_chunk_size(struct bytes line, uint64_t *size)
{
    struct bytes rest;
    struct cursor digits = cursor_within(bytes_trim(bytes_split(line, ';', &rest)));
    uint64_t value = 0;

    if (cursor_left(&digits) == 0)
        return false;
    while (cursor_left(&digits) > 0) {
        uint8_t digit = take_u8(&digits);

        if (digit >= '0' && digit <= '9')
            digit = (uint8_t)(digit - '0');
        else if ((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f')
            digit = (uint8_t)((digit | 0x20) - 'a' + 10);
        else
            return false;
        if (value > HTTP_BODY_LIMIT >> 4)
            return false;
        value = value << 4 | digit;
    }
    *size = value;
    return true;
}

/* Chunks that cannot be told apart. Behind a client's, others may see requests in what is its body (RFC 9112, 11.2): it is not read any further. */
static enum verdict on_bad_chunk(struct conversation *conversation, struct http *http, enum side from)
{
    struct http_body *body = current_body(http, from);

    conversation_finding_once(conversation, "warning", "http_framing_ambiguous",
                              "the %s's message has a chunk that cannot be: where it ends is not the same for everybody who reads it", side_name(from));
    if (body != NULL)
        body->is_unframed = true;
    http->side[from].phase = HTTP_UNTIL_CLOSE;
    http->side[from].is_unframed = true;
    return from == FROM_SERVER ? seek_next(conversation, http, from) : VERDICT_GO_ON;
}

static enum verdict on_chunk_line(struct conversation *conversation, struct http *http, enum side from, struct cursor *bytes)
{
    struct http_side *side = &http->side[from];
    struct bytes line;
    bool is_bare;
    enum verdict verdict = next_line(side, LINE_HEAD, bytes, &line, &is_bare);

    if (verdict != VERDICT_GO_ON)
        return verdict;
    tell_bare(conversation, from, is_bare);
    if (side->phase == HTTP_CHUNK_END) {
        side->phase = HTTP_CHUNK_SIZE;
        return line.length == 0 ? VERDICT_GO_ON : on_bad_chunk(conversation, http, from);
    }
    if (!read_chunk_size(line, &side->left))
        return on_bad_chunk(conversation, http, from);
    side->phase = side->left > 0 ? HTTP_CHUNK : HTTP_TRAILERS;
    side->head_bytes = 0;
    return VERDICT_GO_ON;
}

/* `count` bytes of a body were read, or are missing. */
static void pass_body(struct conversation *conversation, struct http *http, enum side from, uint64_t count, bool is_missing)
{
    struct http_side *side = &http->side[from];
    struct http_body *body = current_body(http, from);

    if (body != NULL) {
        body->size += count;
        body->missing += is_missing ? count : 0;
    }
    if (side->phase == HTTP_UNTIL_CLOSE)
        return;
    side->left -= count;
    if (side->left > 0)
        return;
    if (side->phase == HTTP_CHUNK)
        side->phase = HTTP_CHUNK_END;
    else
        finish_message(conversation, http, from);
}

static void set_size_unknown(struct http *http, enum side from)
{
    struct http_body *body = current_body(http, from);

    if (body != NULL)
        body->is_unframed = true;
}

/* ---- what the frame calls ---- */

static enum verdict read_some(struct conversation *conversation, struct http *http, enum side from, struct cursor *bytes)
{
    struct http_side *side = &http->side[from];

    if (side->passes_over) {
        pass_over_line(side, bytes);
        return VERDICT_GO_ON;
    }
    switch (side->phase) {
    case HTTP_START_LINE:
        return on_start_line(conversation, http, from, bytes);
    case HTTP_HEADERS:
    case HTTP_TRAILERS:
        return on_header_line(conversation, http, from, bytes);
    case HTTP_CHUNK_SIZE:
    case HTTP_CHUNK_END:
        return on_chunk_line(conversation, http, from, bytes);
    case HTTP_BODY:
    case HTTP_CHUNK:
        pass_body(conversation, http, from, take_up_to(bytes, side->left).length, false);
        return VERDICT_GO_ON;
    case HTTP_UNTIL_CLOSE:
        pass_body(conversation, http, from, take_up_to(bytes, UINT64_MAX).length, false);
        return VERDICT_GO_ON;
    case HTTP_AWAIT_ANSWER:
        return http_await_answer(conversation, http, bytes);
    case HTTP_SEEKING:
        return seek(http, from, bytes);
    case HTTP_TUNNEL:
        return conversation_say_inside(http->tunnel, from, take_up_to(bytes, UINT64_MAX)) ? VERDICT_GO_ON : VERDICT_NOT_THIS_PROTOCOL;
    }
    return VERDICT_NOT_THIS_PROTOCOL;
}

static enum verdict http_on_data(struct conversation *conversation, void *state, enum side from, struct cursor *bytes)
{
    struct http *http = state;
    enum verdict verdict = VERDICT_GO_ON;

    http->side[from].lets_other_first = false;
    while (verdict == VERDICT_GO_ON && cursor_left(bytes) > 0)
        verdict = read_some(conversation, http, from, bytes);
    if (cursor_left(bytes) == 0)
        http->side[from].has_waited = false;
    return verdict;
}

static enum verdict http_on_gap(struct conversation *conversation, void *state, enum side from, uint64_t count)
{
    struct http *http = state;
    struct http_side *side = &http->side[from];
    bool is_exact = conversation_knows_count(conversation, count);
    bool fits = side->phase == HTTP_UNTIL_CLOSE || (is_exact && (side->phase == HTTP_BODY || side->phase == HTTP_CHUNK) && count <= side->left);

    if (side->phase == HTTP_TUNNEL)
        return conversation_miss_inside(http->tunnel, from, count) ? VERDICT_GO_ON : VERDICT_NOT_THIS_PROTOCOL;
    if (count == MISSING_UNKNOWN)
        count = 0;
    if (fits && !is_exact)
        set_size_unknown(http, from);
    if (fits) {
        pass_body(conversation, http, from, count, true);
        return VERDICT_GO_ON;
    }
    http->missing_behind[from] += count;
    if (side->phase != HTTP_AWAIT_ANSWER && side->phase != HTTP_SEEKING)
        http_lose_step(conversation, http, from, count);
    return VERDICT_GO_ON;
}

static void http_on_end(struct conversation *conversation, void *state, enum side from, enum ending ending, struct bytes unread)
{
    struct http *http = state;
    struct http_side *side = &http->side[from];

    side->has_ended = true;
    if (side->phase == HTTP_TUNNEL) {
        if (unread.length > 0) /* kept while it was not known whose they are */
            (void)conversation_say_inside(http->tunnel, from, unread);
        conversation_end_inside(http->tunnel, from, ending);
        return;
    }
    if (side->phase != HTTP_UNTIL_CLOSE)
        return;
    if (from == FROM_SERVER)
        http_end_answer(conversation, http, ending == ENDING_FIN && !side->is_unframed);
    else
        http_end_request(conversation, http, false);
    side->phase = HTTP_START_LINE;
}

static void http_open(struct conversation *conversation, void *state, void *from_before)
{
    (void)conversation;
    (void)state;
    (void)from_before;
}

static void http_refresh(struct conversation *conversation, void *state)
{
    const struct http *http = state;

    (void)conversation;
    if (http->tunnel != NULL)
        conversation_refresh_inside(http->tunnel);
}

static void http_close(struct conversation *conversation, void *state)
{
    struct http *http = state;

    if (http->tunnel != NULL)
        conversation_close_inside(http->tunnel);
    http_end_exchanges(conversation, http);
    text_free(&http->folded);
}

static const struct record_table *const http_tables[] = {&http_request_table, NULL};
static const uint16_t http_ports[] = {80, 8000, 8080, 8888, 3128, 0};

const struct dissector http_dissector = {
    .name = "http",
    .tables = http_tables,
    .ports = http_ports,
    .state_size = sizeof(struct http),
    .unit_limit = HTTP_WAITING_LIMIT,
    .match = http_match,
    .open = http_open,
    .on_data = http_on_data,
    .on_gap = http_on_gap,
    .on_end = http_on_end,
    .refresh = http_refresh,
    .close = http_close,
};

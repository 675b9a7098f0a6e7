/*
 * http.c - HTTP/1.0 and 1.1 (RFC 9110, 9112) as the door to WebSocket (RFC 6455, 4): messages
 * are told apart, requests are paired with their responses, and a 101 that opens a
 * WebSocket hands over.
 *
 * Left out: everything else that HTTP says; tunnels (CONNECT) and upgrades to other
 * protocols, behind which nothing is followed; and HTTP/2 (RFC 9113).
 */
#include "dissectors/http.h"

#include "base/text.h"
#include "dissectors/http_request.h"
#include "dissectors/websocket.h"

#define HTTP_LINE_LIMIT (16 << 10)      /* start line, header line, chunk size line */
#define HTTP_HEADERS_LIMIT (64 << 10)   /* all lines of one message's head, or of its trailers */
#define HTTP_WAITING_LIMIT (64 << 10)   /* bytes behind an upgrade request, before its answer */
#define HTTP_PIPELINE_LIMIT 64          /* requests without an answer; further ones wait unread */
#define HTTP_BODY_LIMIT (INT64_MAX / 2) /* of a stated length or chunk size */
#define HTTP_LENGTH_UNKNOWN UINT64_MAX

/*
 *  START_LINE -> HEADERS --+--> BODY -------------------------+
 *      ^                   +--> CHUNK_SIZE -> CHUNK -> CHUNK_END
 *      |                   |        |  ^                  |   |
 *      |                   |        |  +------------------+   |
 *      |                   |        +--> TRAILERS ------------+
 *      |                   +--> UNTIL_CLOSE                   |
 *      |                   +----------------------------------+--> AWAIT_ANSWER (an upgrade was asked for)
 *      +------------------------------ finish_message() ------+
 */
enum http_phase {
    HTTP_START_LINE,
    HTTP_HEADERS,
    HTTP_BODY, /* `left` bytes */
    HTTP_CHUNK_SIZE,
    HTTP_CHUNK,     /* `left` bytes */
    HTTP_CHUNK_END, /* the CR LF behind a chunk */
    HTTP_TRAILERS,
    HTTP_UNTIL_CLOSE,
    HTTP_AWAIT_ANSWER, /* the client's side, until the server has answered its upgrade */
};

/* What a request asks for, as far as it changes how the answer is read. */
enum http_kind {
    HTTP_REQUEST_ANY,
    HTTP_REQUEST_HEAD,
    HTTP_REQUEST_CONNECT,
    HTTP_REQUEST_WEBSOCKET,
};

struct http_side {
    enum http_phase phase;
    uint64_t left;         /* of the body or chunk */
    uint32_t headers_seen; /* bytes of the head so far */
    /* of the message whose head is being read */
    uint64_t content_length;
    bool is_chunked;
    bool has_other_coding; /* a Transfer-Encoding that does not end in chunked */
    bool upgrades_to_websocket;
    bool is_bad; /* contradicting framing: what follows cannot be told apart */
};

struct http {
    struct http_side side[SIDE_COUNT];

    /* requests without an answer, in order: `first` is the oldest */
    uint8_t requests[HTTP_PIPELINE_LIMIT];
    unsigned first;
    unsigned count;

    /* the request whose head was read last or is being read */
    bool has_request;
    enum http_kind request;
    /* the answer whose head is being read */
    int status_code;
    struct text accept;

    struct websocket_handshake *handshake; /* fields of the request being read, and of an upgrade until it is answered */
    unsigned attempts;                     /* upgrades that were asked for, as far as they are answered or over */
    struct text key;                       /* Sec-WebSocket-Key */
};

/* ---- identification ---- */

/* RFC 9110, 9.1; RFC 5789; RFC 4918, 3253, 3648, 3744, 4791, 5323, 5842 (WebDAV); UPnP; [MS-RPCH]; caches. */
static const char *const methods[] = {
    "GET",          "HEAD",        "POST",   "PUT",    "DELETE", "CONNECT",          "OPTIONS",         "TRACE",      "PATCH",       "PROPFIND",
    "PROPPATCH",    "MKCOL",       "COPY",   "MOVE",   "LOCK",   "UNLOCK",           "VERSION-CONTROL", "REPORT",     "CHECKOUT",    "CHECKIN",
    "UNCHECKOUT",   "MKWORKSPACE", "UPDATE", "LABEL",  "MERGE",  "BASELINE-CONTROL", "MKACTIVITY",      "ORDERPATCH", "ACL",         "MKCALENDAR",
    "SEARCH",       "BIND",        "UNBIND", "REBIND", "LINK",   "UNLINK",           "NOTIFY",          "SUBSCRIBE",  "UNSUBSCRIBE", "RPC_IN_DATA",
    "RPC_OUT_DATA", "PURGE",       "QUERY",
};

/* Whether the bytes so far begin with a method and a space (MATCH_YES), or may come to. */
static enum match match_method(struct bytes bytes)
{
    struct bytes rest;
    struct bytes word = bytes_split(bytes, ' ', &rest);
    bool has_end = word.length < bytes.length;

    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        struct bytes method = bytes_of_text(methods[i]);

        if (bytes_equal(word, method))
            return has_end ? MATCH_YES : MATCH_MAYBE;
        if (!has_end && word.length < method.length && bytes_equal(word, bytes_of(method.at, word.length)))
            return MATCH_MAYBE;
    }
    return MATCH_NO;
}

static const char version_start[] = "HTTP/1.";
#define HTTP_VERSION_LENGTH sizeof version_start /* with the minor version's digit */

/* Whether a line is a request line: a word, a target (some write spaces into it), and a version. */
static bool line_is_request(struct bytes line, struct bytes *method, struct bytes *target)
{
    struct cursor words = cursor_within(bytes_trim(line));
    size_t behind_target = 1 + HTTP_VERSION_LENGTH;

    *method = take_until(&words, ' ');
    if (method->length == 0 || cursor_left(&words) <= behind_target)
        return false;
    *target = take_bytes(&words, cursor_left(&words) - behind_target);
    return take_u8(&words) == ' ' && bytes_begin_nocase(peek_bytes(&words), version_start);
}

static enum match match_request(struct bytes bytes)
{
    struct cursor cursor = cursor_over(bytes);
    enum match match = match_method(bytes);
    struct bytes method;
    struct bytes target;
    struct bytes line;

    if (match != MATCH_YES)
        return match;
    line = take_line(&cursor);
    if (cursor_is_good(&cursor))
        return line_is_request(line, &method, &target) ? MATCH_YES : MATCH_NO;
    /* A method and the beginning of a long target: nothing else is said so, but the version would settle it. */
    return bytes.length < IDENTIFY_LIMIT ? MATCH_MAYBE : MATCH_YES;
}

static enum match match_response(struct bytes bytes)
{
    size_t known = bytes.length < strlen(version_start) ? bytes.length : strlen(version_start);

    if (known > 0 && memcmp(bytes.at, version_start, known) != 0)
        return MATCH_NO;
    return known == strlen(version_start) ? MATCH_YES : MATCH_MAYBE;
}

static enum match http_match(const struct first_bytes *first)
{
    struct bytes client = first->side[FROM_CLIENT];

    return client.length > 0 ? match_request(client) : match_response(first->side[FROM_SERVER]);
}

/* ---- start lines ---- */

static void clear_request(struct http *http)
{
    struct websocket_handshake *handshake = http->handshake;

    text_clear(&http->key);
    if (handshake == NULL)
        return;
    text_clear(&handshake->host);
    text_clear(&handshake->uri);
    text_clear(&handshake->origin);
    text_clear(&handshake->user_agent);
    text_clear(&handshake->offered);
}

static void begin_head(struct http_side *side)
{
    side->phase = HTTP_HEADERS;
    side->headers_seen = 0;
    side->content_length = HTTP_LENGTH_UNKNOWN;
    side->is_chunked = false;
    side->has_other_coding = false;
    side->upgrades_to_websocket = false;
    side->is_bad = false;
}

static bool on_request_line(struct http *http, struct bytes line)
{
    struct bytes method;
    struct bytes target;

    if (!line_is_request(line, &method, &target))
        return false;
    begin_head(&http->side[FROM_CLIENT]);
    if (http->handshake == NULL)
        http->handshake = websocket_handshake_new();
    if (http->handshake == NULL)
        return false;
    clear_request(http);
    text_append(&http->handshake->uri, target);
    http->has_request = true;
    http->request = HTTP_REQUEST_ANY;
    if (bytes_equal(method, bytes_of_text("HEAD")))
        http->request = HTTP_REQUEST_HEAD;
    else if (bytes_equal(method, bytes_of_text("CONNECT")))
        http->request = HTTP_REQUEST_CONNECT;
    return true;
}

/* RFC 9112, 4: version, three digits, and a reason that may be empty. */
static bool on_status_line(struct http *http, struct bytes line)
{
    struct bytes rest;
    struct bytes version = bytes_split(line, ' ', &rest);
    struct bytes code = bytes_split(rest, ' ', &rest);
    uint64_t status_code;

    if (version.length != HTTP_VERSION_LENGTH || !bytes_begin_nocase(version, version_start))
        return false;
    if (code.length != 3 || !bytes_to_number(code, 999, &status_code) || status_code < 100)
        return false;
    begin_head(&http->side[FROM_SERVER]);
    http->status_code = (int)status_code;
    text_clear(&http->accept);
    if (status_code == 101 && http->handshake == NULL)
        http->handshake = websocket_handshake_new(); /* the request was not seen */
    return status_code != 101 || http->handshake != NULL;
}

/* ---- header fields ---- */

/* Whether one of the comma-separated words is `word`. */
static bool words_contain(struct bytes value, const char *word)
{
    while (value.length > 0) {
        if (bytes_equal_nocase(bytes_trim(bytes_split(value, ',', &value)), word))
            return true;
    }
    return false;
}

static void on_content_length(struct http_side *side, struct bytes value)
{
    uint64_t length;

    /* The same number may stand several times (RFC 9110, 8.6); anything else is a contradiction. */
    while (value.length > 0) {
        if (!bytes_to_number(bytes_trim(bytes_split(value, ',', &value)), HTTP_BODY_LIMIT, &length) ||
            (side->content_length != HTTP_LENGTH_UNKNOWN && side->content_length != length)) {
            side->is_bad = true;
            return;
        }
        side->content_length = length;
    }
}

static void on_transfer_encoding(struct http_side *side, struct bytes value)
{
    struct bytes coding = value;

    while (value.length > 0)
        coding = bytes_trim(bytes_split(value, ',', &value));
    side->is_chunked = bytes_equal_nocase(coding, "chunked");
    side->has_other_coding = !side->is_chunked && !bytes_equal_nocase(coding, "identity");
}

static void set(struct text *text, struct bytes value)
{
    text_clear(text);
    text_append(text, value);
}

static void on_request_field(struct http *http, struct bytes name, struct bytes value)
{
    struct websocket_handshake *handshake = http->handshake;

    if (bytes_equal_nocase(name, "Host"))
        set(&handshake->host, value);
    else if (bytes_equal_nocase(name, "Origin"))
        set(&handshake->origin, value);
    else if (bytes_equal_nocase(name, "User-Agent"))
        set(&handshake->user_agent, value);
    else if (bytes_equal_nocase(name, "Sec-WebSocket-Key"))
        set(&http->key, value);
    else if (bytes_equal_nocase(name, "Sec-WebSocket-Extensions"))
        text_append_item(&handshake->offered, ", ", value); /* may stand several times: RFC 6455, 9.1 */
}

static void on_response_field(struct http *http, struct bytes name, struct bytes value)
{
    struct websocket_handshake *handshake = http->handshake;

    if (http->status_code != 101)
        return;
    if (bytes_equal_nocase(name, "Sec-WebSocket-Accept"))
        set(&http->accept, value);
    else if (bytes_equal_nocase(name, "Sec-WebSocket-Protocol"))
        set(&handshake->subprotocol, value);
    else if (bytes_equal_nocase(name, "Sec-WebSocket-Extensions"))
        text_append_item(&handshake->extensions, ", ", value);
}

static void on_field(struct http *http, enum side from, struct bytes line)
{
    struct http_side *side = &http->side[from];
    struct bytes rest;
    struct bytes name = bytes_split(line, ':', &rest);
    struct bytes value = bytes_trim(rest);

    if (bytes_equal_nocase(name, "Content-Length"))
        on_content_length(side, value);
    else if (bytes_equal_nocase(name, "Transfer-Encoding"))
        on_transfer_encoding(side, value);
    else if (bytes_equal_nocase(name, "Upgrade"))
        side->upgrades_to_websocket = words_contain(value, "websocket");
    else if (from == FROM_CLIENT)
        on_request_field(http, name, value);
    else
        on_response_field(http, name, value);
}

/* ---- ends of heads and messages ---- */

/* The message is read: the next one begins, unless this one asked for something that must be answered first. */
static void finish_message(struct http *http, enum side from)
{
    struct http_side *side = &http->side[from];

    side->phase = HTTP_START_LINE;
    if (from == FROM_CLIENT && (http->request == HTTP_REQUEST_WEBSOCKET || http->request == HTTP_REQUEST_CONNECT))
        side->phase = HTTP_AWAIT_ANSWER;
}

/* RFC 9112, 6.3: how the body is delimited. `without` is its length where none is stated. */
static void begin_body(struct http *http, enum side from, uint64_t without)
{
    struct http_side *side = &http->side[from];

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
        finish_message(http, from);
}

static void on_request_head(struct http *http)
{
    struct http_side *side = &http->side[FROM_CLIENT];

    if (side->upgrades_to_websocket && http->key.length > 0)
        http->request = HTTP_REQUEST_WEBSOCKET;
    http->requests[(http->first + http->count) % HTTP_PIPELINE_LIMIT] = (uint8_t)http->request;
    http->count++;
    begin_body(http, FROM_CLIENT, side->has_other_coding ? HTTP_LENGTH_UNKNOWN : 0);
}

/* An answer was given to the oldest request; unknown ones were sent unseen. */
static enum http_kind answered_request(struct http *http)
{
    enum http_kind request = HTTP_REQUEST_ANY;

    if (http->count == 0)
        return request;
    request = (enum http_kind)http->requests[http->first];
    http->first = (http->first + 1) % HTTP_PIPELINE_LIMIT;
    http->count--;
    return request;
}

/* A 101 that opens a WebSocket. */
static enum verdict on_websocket_opened(struct conversation *conversation, struct http *http)
{
    struct websocket_handshake *handshake = http->handshake;

    handshake->attempt = ++http->attempts;
    handshake->has_answer = true;
    handshake->status_code = http->status_code;
    if (http->key.length > 0) {
        handshake->has_accept_check = true;
        handshake->accept_is_valid = websocket_accept_is_valid(text_bytes(&http->key), text_bytes(&http->accept));
    }
    http->handshake = NULL;
    conversation_hand_over(conversation, &websocket_dissector, handshake);
    return VERDICT_HANDED_OVER;
}

static void on_websocket_refused(struct conversation *conversation, struct http *http)
{
    http->handshake->attempt = ++http->attempts;
    http->handshake->has_answer = true;
    http->handshake->status_code = http->status_code;
    websocket_write_unopened(conversation, http->handshake);
    http->handshake->has_answer = false;
}

/* The connection stays what it was: the client's next request may be read. */
static void go_on_after_refusal(struct http *http)
{
    http->request = HTTP_REQUEST_ANY;
    if (http->side[FROM_CLIENT].phase == HTTP_AWAIT_ANSWER)
        http->side[FROM_CLIENT].phase = HTTP_START_LINE;
}

static enum verdict on_response_head(struct conversation *conversation, struct http *http)
{
    struct http_side *side = &http->side[FROM_SERVER];
    bool is_success = http->status_code >= 200 && http->status_code <= 299;
    bool is_unseen = http->count == 0 && !http->has_request;
    enum http_kind request;

    if (http->status_code < 200 && http->status_code != 101) { /* interim: the answer is still to come */
        side->phase = HTTP_START_LINE;
        return VERDICT_GO_ON;
    }
    request = answered_request(http);
    if (http->status_code == 101) {
        if (side->upgrades_to_websocket && (is_unseen || request == HTTP_REQUEST_WEBSOCKET))
            return on_websocket_opened(conversation, http);
        return VERDICT_NOT_THIS_PROTOCOL;
    }
    if (request == HTTP_REQUEST_WEBSOCKET)
        on_websocket_refused(conversation, http);
    if (request == HTTP_REQUEST_CONNECT && is_success)
        return VERDICT_NOT_THIS_PROTOCOL;
    if (request == HTTP_REQUEST_WEBSOCKET || request == HTTP_REQUEST_CONNECT)
        go_on_after_refusal(http);
    if (request == HTTP_REQUEST_HEAD || http->status_code == 204 || http->status_code == 304) {
        finish_message(http, FROM_SERVER);
        return VERDICT_GO_ON;
    }
    begin_body(http, FROM_SERVER, HTTP_LENGTH_UNKNOWN);
    return VERDICT_GO_ON;
}

/* ---- lines ---- */

/* The next line. VERDICT_NOT_THIS_PROTOCOL where it is longer than any may be. */
static enum verdict next_line(struct cursor *bytes, struct bytes *line)
{
    struct cursor unit = *bytes;

    *line = take_line(&unit);
    if (!cursor_is_good(&unit))
        return cursor_left(bytes) > HTTP_LINE_LIMIT ? VERDICT_NOT_THIS_PROTOCOL : VERDICT_NEED_MORE;
    *bytes = unit;
    return line->length > HTTP_LINE_LIMIT ? VERDICT_NOT_THIS_PROTOCOL : VERDICT_GO_ON;
}

/* Whether reading this message must wait for the other side. */
static bool must_wait(const struct conversation *conversation, const struct http *http, enum side from)
{
    if (from == FROM_CLIENT)
        return http->count == HTTP_PIPELINE_LIMIT;
    /* A response before its request: the request was delayed, if that side is seen at all. */
    return http->count == 0 && http->side[FROM_CLIENT].phase != HTTP_UNTIL_CLOSE && conversation_has_start(conversation, FROM_CLIENT) &&
           conversation_missing(conversation, FROM_CLIENT) == 0;
}

static enum verdict on_start_line(struct conversation *conversation, struct http *http, enum side from, struct cursor *bytes)
{
    struct bytes line;
    enum verdict verdict;

    if (must_wait(conversation, http, from))
        return VERDICT_NEED_OTHER_SIDE;
    verdict = next_line(bytes, &line);
    if (verdict != VERDICT_GO_ON || line.length == 0) /* empty lines before a message are ignored (RFC 9112, 2.2) */
        return verdict;
    if (from == FROM_CLIENT ? on_request_line(http, line) : on_status_line(http, line))
        return VERDICT_GO_ON;
    return VERDICT_NOT_THIS_PROTOCOL;
}

static enum verdict on_header_line(struct conversation *conversation, struct http *http, enum side from, struct cursor *bytes)
{
    struct http_side *side = &http->side[from];
    struct bytes line;
    enum verdict verdict = next_line(bytes, &line);

    if (verdict != VERDICT_GO_ON)
        return verdict;
    side->headers_seen += (uint32_t)line.length + 2;
    if (side->headers_seen > HTTP_HEADERS_LIMIT) {
        conversation_finding(conversation, "notice", "http_head_too_long",
                             "the %s's message head is longer than %d bytes; the connection is not read any further", side_name(from),
                             HTTP_HEADERS_LIMIT);
        return VERDICT_NOT_THIS_PROTOCOL;
    }
    if (line.length > 0) {
        if (side->phase == HTTP_HEADERS)
            on_field(http, from, line);
        return VERDICT_GO_ON;
    }
    if (side->phase == HTTP_TRAILERS) {
        finish_message(http, from);
        return VERDICT_GO_ON;
    }
    if (side->is_bad)
        return VERDICT_NOT_THIS_PROTOCOL;
    if (from == FROM_SERVER)
        return on_response_head(conversation, http);
    on_request_head(http);
    return VERDICT_GO_ON;
}

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

static enum verdict on_chunk_line(struct http_side *side, struct cursor *bytes)
{
    struct bytes line;
    enum verdict verdict = next_line(bytes, &line);

    if (verdict != VERDICT_GO_ON)
        return verdict;
    if (side->phase == HTTP_CHUNK_END) {
        side->phase = HTTP_CHUNK_SIZE;
        return line.length == 0 ? VERDICT_GO_ON : VERDICT_NOT_THIS_PROTOCOL;
    }
    if (!read_chunk_size(line, &side->left))
        return VERDICT_NOT_THIS_PROTOCOL;
    side->phase = side->left > 0 ? HTTP_CHUNK : HTTP_TRAILERS;
    side->headers_seen = 0;
    return VERDICT_GO_ON;
}

/* `count` bytes of a body were read or are missing. */
static void pass_body(struct http *http, enum side from, uint64_t count)
{
    struct http_side *side = &http->side[from];

    side->left -= count;
    if (side->left > 0)
        return;
    if (side->phase == HTTP_CHUNK)
        side->phase = HTTP_CHUNK_END;
    else
        finish_message(http, from);
}

/*
 * Behind an upgrade request. Of a connection whose server is not seen there will be no answer: a client that goes
 * on with a masked frame was answered with a 101.
 */
static enum verdict await_answer(struct conversation *conversation, struct http *http, const struct cursor *bytes)
{
    struct cursor unit = *bytes;
    uint8_t start = take_u8(&unit);
    uint8_t length = take_u8(&unit);
    bool server_is_seen = conversation_has_start(conversation, FROM_SERVER) || http->side[FROM_SERVER].phase != HTTP_START_LINE;
    bool is_masked_frame = (start & 0x30) == 0 && (start & 0x0f) <= 2 && length >= 0x80; /* RSV1: compressed */

    if (server_is_seen || http->request != HTTP_REQUEST_WEBSOCKET || http->count != 1)
        return VERDICT_NEED_OTHER_SIDE;
    if (!cursor_is_good(&unit))
        return VERDICT_NEED_MORE;
    if (!is_masked_frame)
        return VERDICT_NOT_THIS_PROTOCOL;
    http->handshake->attempt = ++http->attempts;
    conversation_hand_over(conversation, &websocket_dissector, http->handshake);
    http->handshake = NULL;
    return VERDICT_HANDED_OVER;
}

/* ---- what the frame calls ---- */

static enum verdict http_on_data(struct conversation *conversation, void *state, enum side from, struct cursor *bytes)
{
    struct http *http = state;
    struct http_side *side = &http->side[from];
    enum verdict verdict = VERDICT_GO_ON;

    while (verdict == VERDICT_GO_ON && cursor_left(bytes) > 0) {
        switch (side->phase) {
        case HTTP_START_LINE:
            verdict = on_start_line(conversation, http, from, bytes);
            break;
        case HTTP_HEADERS:
        case HTTP_TRAILERS:
            verdict = on_header_line(conversation, http, from, bytes);
            break;
        case HTTP_CHUNK_SIZE:
        case HTTP_CHUNK_END:
            verdict = on_chunk_line(side, bytes);
            break;
        case HTTP_BODY:
        case HTTP_CHUNK:
            pass_body(http, from, take_up_to(bytes, side->left).length);
            break;
        case HTTP_UNTIL_CLOSE:
            (void)take_up_to(bytes, UINT64_MAX);
            break;
        case HTTP_AWAIT_ANSWER:
            verdict = await_answer(conversation, http, bytes);
            break;
        }
    }
    return verdict;
}

static enum verdict http_on_gap(struct conversation *conversation, void *state, enum side from, uint64_t count)
{
    struct http *http = state;
    struct http_side *side = &http->side[from];

    (void)conversation;
    if (side->phase == HTTP_UNTIL_CLOSE)
        return VERDICT_GO_ON;
    if ((side->phase == HTTP_BODY || side->phase == HTTP_CHUNK) && count <= side->left) {
        pass_body(http, from, count);
        return VERDICT_GO_ON;
    }
    return VERDICT_NOT_THIS_PROTOCOL;
}

static void http_open(struct conversation *conversation, void *state, void *from_before)
{
    struct http *http = state;

    (void)conversation;
    (void)from_before;
    http->key.limit = WEBSOCKET_FIELD_LIMIT;
    http->accept.limit = WEBSOCKET_FIELD_LIMIT;
}

static void http_close(struct conversation *conversation, void *state)
{
    struct http *http = state;

    /* An upgrade that was asked for and never answered. */
    if (http->handshake != NULL && http->request == HTTP_REQUEST_WEBSOCKET && http->count > 0) {
        http->handshake->attempt = ++http->attempts;
        websocket_write_unopened(conversation, http->handshake);
    }
    websocket_handshake_free(http->handshake);
    text_free(&http->key);
    text_free(&http->accept);
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
    .close = http_close,
};

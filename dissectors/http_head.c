/*
 * http_head.c - header fields of HTTP/1, and what they say about the body's length (RFC 9112, 5 and 6.3).
 *
 * Where two readers may disagree about where a message ends, there is a finding: requests are smuggled so (RFC 9112, 11.2).
 */
#include "dissectors/http_session.h"

void http_begin_head(struct http_side *side, int minor_version)
{
    side->phase = HTTP_HEADERS;
    side->head_bytes = 0;
    side->minor_version = minor_version;
    side->content_length = HTTP_LENGTH_UNKNOWN;
    side->is_chunked = false;
    side->has_other_coding = false;
    side->has_transfer_coding = false;
    side->ambiguous = NULL;
    side->is_unframed = false;
    side->upgrades_to_websocket = false;
    side->upgrades_to_http2 = false;
    side->has_upgrade = false;
}

bool http_words_contain(struct bytes value, const char *word)
{
    while (value.length > 0) {
        if (bytes_equal_nocase(bytes_trim(bytes_split(value, ',', &value)), word))
            return true;
    }
    return false;
}

/* ---- framing ---- */

static void set_ambiguous(struct http_side *side, const char *why)
{
    if (side->ambiguous == NULL)
        side->ambiguous = why;
}

/* The same number may stand several times (RFC 9110, 8.6); anything else is a contradiction. */
static void on_content_length(struct http_side *side, struct bytes value)
{
    uint64_t length;

    if (value.length == 0) {
        set_ambiguous(side, "an empty Content-Length");
        side->is_unframed = true;
    }
    while (value.length > 0) {
        if (!bytes_to_number(bytes_trim(bytes_split(value, ',', &value)), HTTP_BODY_LIMIT, &length)) {
            set_ambiguous(side, "a Content-Length that is no number");
            side->is_unframed = true;
            return;
        }
        if (side->content_length != HTTP_LENGTH_UNKNOWN && side->content_length != length) {
            set_ambiguous(side, "several Content-Lengths that differ");
            side->is_unframed = true;
            return;
        }
        side->content_length = length;
    }
}

static void on_transfer_encoding(struct http_side *side, struct bytes value)
{
    side->has_transfer_coding = true;
    while (value.length > 0) {
        struct bytes coding = bytes_trim(bytes_split(value, ',', &value));

        if (side->is_chunked)
            set_ambiguous(side, "a Transfer-Encoding that names something behind chunked");
        side->is_chunked = bytes_equal_nocase(coding, "chunked");
        side->has_other_coding = !side->is_chunked && !bytes_equal_nocase(coding, "identity");
    }
}

void http_judge_head(struct conversation *conversation, struct http_side *side, enum side from)
{
    if (side->has_transfer_coding && side->content_length != HTTP_LENGTH_UNKNOWN)
        set_ambiguous(side, "both Transfer-Encoding and Content-Length");
    if (side->has_transfer_coding && side->minor_version == 0)
        set_ambiguous(side, "Transfer-Encoding in HTTP/1.0");
    if (side->has_other_coding && from == FROM_CLIENT)
        set_ambiguous(side, "a Transfer-Encoding that does not end in chunked");
    if (side->is_chunked)
        side->is_unframed = false; /* it has precedence over any length */
    else if (side->has_other_coding && from == FROM_CLIENT)
        side->is_unframed = true;
    if (side->ambiguous != NULL)
        conversation_finding_once(conversation, "warning", "http_framing_ambiguous",
                                  "the %s's message has %s: where it ends is not the same for everybody who reads it", side_name(from), side->ambiguous);
}

/* ---- fields ---- */

static void set(struct text *text, struct bytes value)
{
    text->limit = HTTP_FIELD_LIMIT;
    text_clear(text);
    text_append(text, value);
}

static void add(struct text *text, struct bytes value)
{
    text->limit = HTTP_FIELD_LIMIT;
    text_append_item(text, ", ", value);
}

/* RFC 6455, 4.1; fields that may stand several times: 9.1. */
static void on_request_field(struct http_exchange *exchange, struct bytes name, struct bytes value)
{
    if (bytes_equal_nocase(name, "Origin"))
        set(&exchange->origin, value);
    else if (bytes_equal_nocase(name, "Sec-WebSocket-Key"))
        set(&exchange->key, value);
    else if (bytes_equal_nocase(name, "Sec-WebSocket-Version"))
        set(&exchange->socket_version, value);
    else if (bytes_equal_nocase(name, "Sec-WebSocket-Extensions"))
        add(&exchange->offered, value);
    else if (bytes_equal_nocase(name, "Connection"))
        exchange->asks_connection_upgrade = exchange->asks_connection_upgrade || http_words_contain(value, "upgrade");
    else
        http_request_on_field(exchange->request, FROM_CLIENT, name, value);
}

static void on_answer_field(const struct http *http, struct bytes name, struct bytes value)
{
    struct http_exchange *exchange = http->answering;

    if (bytes_equal_nocase(name, "Sec-WebSocket-Accept"))
        set(&exchange->accept, value);
    else if (bytes_equal_nocase(name, "Sec-WebSocket-Protocol"))
        set(&exchange->subprotocol, value);
    else if (bytes_equal_nocase(name, "Sec-WebSocket-Extensions"))
        add(&exchange->extensions, value);
    else
        http_request_on_field(exchange->request, FROM_SERVER, name, value);
}

/* What the syntax of RFC 9112, 5.1 and 5.2 does not allow, and receivers read in more than one way; NULL: it is well. */
static const char *malformation(struct bytes line, struct bytes name, bool has_colon, bool is_folded)
{
    if (!has_colon)
        return "a line without a colon";
    if (name.length == 0)
        return "a field without a name";
    if (line.at[0] == ' ' || line.at[0] == '\t')
        return "white space before the first field";
    if (bytes_trim(name).length < name.length)
        return "white space before a colon";
    return is_folded ? "a field that is folded over several lines" : NULL;
}

void http_on_header_line(struct conversation *conversation, struct http *http, enum side from, struct bytes line, bool is_folded)
{
    struct http_side *side = &http->side[from];
    struct bytes rest;
    struct bytes name = bytes_split(line, ':', &rest);
    struct bytes value = bytes_trim(rest);
    const char *malformed = malformation(line, name, rest.at != NULL, is_folded);
    bool is_framing;

    name = bytes_trim(name);
    is_framing = bytes_begin_nocase(name, "Content-Length") || bytes_begin_nocase(name, "Transfer-Encoding");
    if (malformed != NULL && is_framing)
        set_ambiguous(side, malformed);
    else if (malformed != NULL)
        conversation_finding_once(conversation, "notice", "http_head_malformed", "the %s's message has %s", side_name(from), malformed);
    if (rest.at == NULL)
        return;
    if (bytes_equal_nocase(name, "Content-Length"))
        on_content_length(side, value);
    else if (bytes_equal_nocase(name, "Transfer-Encoding"))
        on_transfer_encoding(side, value);
    if (bytes_equal_nocase(name, "Upgrade")) {
        side->has_upgrade = true;
        side->upgrades_to_websocket = side->upgrades_to_websocket || http_words_contain(value, "websocket");
        side->upgrades_to_http2 = side->upgrades_to_http2 || http_words_contain(value, "h2c");
    }
    if (from == FROM_CLIENT)
        on_request_field(http->asking, name, value);
    else if (http->answering != NULL)
        on_answer_field(http, name, value);
}

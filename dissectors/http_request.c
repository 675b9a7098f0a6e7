/*
 * http_request.c - the rows of the view http_requests, and what header fields say in them (RFC 9110; the schemes of logins: RFC 7617, 7616, 6750).
 */
#include "dissectors/http_request.h"

#include "base/memory.h"
#include "dissectors/sasl.h"

RECORD_COLUMNS(http_request_row, HTTP_REQUEST);

const struct record_table http_request_table = {
    .table = "http_request",
    .view = "http_requests",
    .doc = "one HTTP request and its answer",
    .kind = RECORD_VIEW_SESSION,
    .columns = http_request_row_columns,
    .column_count = RECORD_COLUMN_COUNT(http_request_row_columns),
    .index = "flow_id",
};

#define TEXTS(EACH) \
    EACH(method) \
    EACH(host) \
    EACH(uri) \
    EACH(user_agent) \
    EACH(referrer) \
    EACH(request_type) \
    EACH(response_type) \
    EACH(upgrade) \
    EACH(auth_scheme) \
    EACH(auth_user) \
    EACH(auth_password)

struct http_request *http_request_new(void)
{
    struct http_request *request = memory_new_zeroed(1, sizeof *request);

    if (request == NULL)
        return NULL;
#define SET_LIMIT(TEXT) request->TEXT.limit = HTTP_FIELD_LIMIT;
    TEXTS(SET_LIMIT)
    return request;
}

void http_request_free(struct http_request *request)
{
    if (request == NULL)
        return;
#define FREE(TEXT) text_free(&request->TEXT);
    TEXTS(FREE)
    memory_free(request);
}

size_t http_request_memory(const struct http_request *request)
{
    size_t memory = sizeof *request;

#define ADD(TEXT) memory += request->TEXT.capacity;
    TEXTS(ADD)
    return memory;
}

/* ---- header fields ---- */

static void set(struct text *text, struct bytes value)
{
    text_clear(text);
    text_append(text, value);
}

/* RFC 7617: user-id ":" password, in base64. */
static void on_basic(struct http_request *request, struct bytes credentials)
{
    uint8_t decoded[HTTP_FIELD_LIMIT];
    struct bytes password;
    struct bytes user;
    size_t length;

    if (credentials.length > sizeof decoded || !sasl_decode(credentials, decoded, &length))
        return;
    user = bytes_split(bytes_of(decoded, length), ':', &password);
    set(&request->auth_user, user);
    set(&request->auth_password, password);
}

/* RFC 7616, 3.4: username="alice", realm=... */
static void on_digest(struct http_request *request, struct bytes credentials)
{
    while (credentials.length > 0) {
        struct bytes value;
        struct bytes name = bytes_trim(bytes_split(bytes_trim(bytes_split(credentials, ',', &credentials)), '=', &value));
        struct cursor quoted = cursor_within(bytes_trim(value));

        if (!bytes_equal_nocase(name, "username"))
            continue;
        if (peek_u8(&quoted) != '"') {
            set(&request->auth_user, peek_bytes(&quoted));
            return;
        }
        skip_bytes(&quoted, 1);
        value = take_until(&quoted, '"');
        if (cursor_is_good(&quoted)) /* a comma in the name is left alone */
            set(&request->auth_user, value);
        return;
    }
}

/* [MS-NTHT], RFC 4559: NTLM's messages, also within Negotiate; the third one names the user. */
static void on_ntlm(struct http_request *request, struct bytes credentials)
{
    uint8_t decoded[HTTP_FIELD_LIMIT];
    struct sasl sasl = {.responses = 0};
    size_t length;

    if (credentials.length > sizeof decoded || !sasl_decode(credentials, decoded, &length))
        return;
    sasl_begin(&sasl, bytes_of_text("NTLM"));
    sasl_read_ntlm(&sasl, bytes_of(decoded, length));
    if (sasl.user.length > 0) {
        text_clear(&request->auth_user);
        text_append(&request->auth_user, text_bytes(&sasl.domain));
        if (sasl.domain.length > 0)
            text_append_text(&request->auth_user, "\\");
        text_append(&request->auth_user, text_bytes(&sasl.user));
    }
    sasl_free(&sasl);
}

static void on_authorization(struct http_request *request, struct bytes value)
{
    struct bytes credentials;
    struct bytes scheme = bytes_split(value, ' ', &credentials);

    credentials = bytes_trim(credentials);
    set(&request->auth_scheme, scheme);
    text_clear(&request->auth_user);
    text_clear(&request->auth_password);
    if (bytes_equal_nocase(scheme, "Basic"))
        on_basic(request, credentials);
    else if (bytes_equal_nocase(scheme, "Digest"))
        on_digest(request, credentials);
    else if (bytes_equal_nocase(scheme, "NTLM") || bytes_equal_nocase(scheme, "Negotiate"))
        on_ntlm(request, credentials);
    else if (bytes_equal_nocase(scheme, "Bearer"))
        set(&request->auth_password, credentials);
}

void http_request_on_field(struct http_request *request, enum side from, struct bytes name, struct bytes value)
{
    if (bytes_equal_nocase(name, "Content-Type"))
        set(from == FROM_CLIENT ? &request->request_type : &request->response_type, value);
    else if (from == FROM_SERVER)
        return;
    else if (bytes_equal_nocase(name, "Host"))
        set(&request->host, value);
    else if (bytes_equal_nocase(name, "User-Agent"))
        set(&request->user_agent, value);
    else if (bytes_equal_nocase(name, "Referer"))
        set(&request->referrer, value);
    else if (bytes_equal_nocase(name, "Upgrade"))
        text_append_item(&request->upgrade, ", ", value);
    else if (bytes_equal_nocase(name, "Authorization") || (bytes_equal_nocase(name, "Proxy-Authorization") && request->auth_scheme.length == 0))
        on_authorization(request, value);
}

/* ---- the row ---- */

/* The authority of "http://user@host:80/path", without the user (RFC 3986, 3.2); empty where the target has none. */
static struct bytes authority_of(const struct http_request *request)
{
    struct bytes target = text_bytes(&request->uri);
    struct bytes rest;
    struct bytes host;

    if (bytes_equal(text_bytes(&request->method), bytes_of_text("CONNECT")))
        return target;
    if (!bytes_contain_nocase(target, "://") || bytes_split(target, ':', &rest).length == 0)
        return bytes_of(NULL, 0);
    if (!bytes_begin_nocase(rest, "//"))
        return bytes_of(NULL, 0);
    (void)bytes_split(rest, '/', &rest);
    (void)bytes_split(rest, '/', &rest);
    host = bytes_split(bytes_split(rest, '/', &rest), '@', &rest);
    return rest.at != NULL ? rest : host;
}

static struct record_integer body_size(const struct http_body *body)
{
    return body->is_unframed ? (struct record_integer){.is_known = false} : record_integer((int64_t)body->size);
}

/* Whether a text was longer than is kept. */
static bool is_cut(const struct http_request *request)
{
    bool cut = false;

#define ADD_CUT(TEXT) cut = cut || request->TEXT.was_cut;
    TEXTS(ADD_CUT)
    return cut;
}

void http_request_write(struct conversation *conversation, const struct http_request *request)
{
    bool is_seen = request->method.length > 0;
    struct bytes host = request->host.length > 0 ? text_bytes(&request->host) : authority_of(request);
    struct http_request_row row = {
        .flow_id = record_integer(conversation_flow(conversation)->flow_id),
        .encrypted = record_boolean(conversation_is_decrypted(conversation)),
        .number = record_integer(request->number),
        .version = record_text_of(request->version),
        .method = record_text_unless_empty(text_bytes(&request->method)),
        .host = record_text_unless_empty(host),
        .uri = record_text_unless_empty(text_bytes(&request->uri)),
        .user_agent = record_text_unless_empty(text_bytes(&request->user_agent)),
        .referrer = record_text_unless_empty(text_bytes(&request->referrer)),
        .request_type = record_text_unless_empty(text_bytes(&request->request_type)),
        .response_type = record_text_unless_empty(text_bytes(&request->response_type)),
        .upgrade = record_text_unless_empty(text_bytes(&request->upgrade)),
        .auth_scheme = record_text_unless_empty(text_bytes(&request->auth_scheme)),
        .auth_user = record_text_unless_empty(text_bytes(&request->auth_user)),
        .complete = record_boolean(request->request.is_complete && request->response.is_complete),
        .missing = record_integer((int64_t)(request->request.missing + request->response.missing)),
    };

    if (request->time_us > 0)
        row.time_us = record_integer(request->time_us);
    if (request->stream_id > 0)
        row.stream_id = record_integer(request->stream_id);
    if (is_seen)
        row.request_size = body_size(&request->request);
    if (request->status > 0) {
        row.status = record_integer(request->status);
        row.response_size = body_size(&request->response);
    }
    if (request->status > 0 && request->asked_us > 0 && request->answered_us >= request->asked_us)
        row.delay_us = record_integer(request->answered_us - request->asked_us);
    if (conversation_recording(conversation)->passwords)
        row.auth_password = record_text_unless_empty(text_bytes(&request->auth_password));
    conversation_write(conversation, &http_request_table, &row);
    if (is_cut(request))
        conversation_finding_once(conversation, "notice", "http_field_cut", "a field of request %u, or its target, is longer than the %d bytes that are shown",
                                  request->number, HTTP_FIELD_LIMIT);
}

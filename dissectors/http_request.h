/*
 * http_request.h - one HTTP request with its answer, as the view http_requests shows it, whichever version of HTTP carried it.
 */
#ifndef WIRESCRIBE_DISSECTORS_HTTP_REQUEST_H
#define WIRESCRIBE_DISSECTORS_HTTP_REQUEST_H

#include "base/text.h"
#include "dissectors/dissector.h"

/* The longest field value, and target, that is kept of a request or an answer, in bytes; the rest of a longer one is cut off. */
#define HTTP_FIELD_LIMIT 4096

#define HTTP_REQUEST(COLUMN, LATER, R) \
    COLUMN(R, integer, flow_id, RECORD_DOC_FLOW_ID) \
    COLUMN(R, boolean, encrypted, RECORD_DOC_ENCRYPTED) \
    COLUMN(R, integer, number, "1.. on this flow, in the order in which the requests were sent, what a tunnel carries included") \
    COLUMN(R, integer, stream_id, "HTTP/2: the stream that carried it; NULL in HTTP/1") \
    COLUMN(R, integer, time_us, "when the request began; where it was not seen, when its answer did; microseconds since the epoch, UTC; NULL where it waited " \
                              "unread behind too many others") \
    COLUMN(R, text, version, "the request's version of HTTP: '1.0', '1.1', '2'; the answer's where the request was not seen") \
    COLUMN(R, text, method, "the request's method, as it was sent; NULL where only the answer was seen") \
    COLUMN(R, text, host, "the Host field, or ':authority'; where there is none, the authority of a target that names it") \
    COLUMN(R, text, uri, "the request's target, as it was sent: an absolute one asks a proxy, CONNECT's is an authority") \
    COLUMN(R, integer, status, "the final answer's status code, 101 included; NULL where none was seen") \
    COLUMN(R, text, user_agent, "the User-Agent field") \
    COLUMN(R, integer, request_size, "bytes of the request's body as sent: without heads, trailers and the framing of chunks, but still compressed where it is; " \
                                     "those missing in the capture included; as far as it went; NULL where its framing cannot be told") \
    COLUMN(R, integer, response_size, "the same of the answer's body; NULL where no final answer was seen") \
    COLUMN(R, text, referrer, "the Referer field") \
    COLUMN(R, text, request_type, "the request's Content-Type field") \
    COLUMN(R, text, response_type, "the answer's Content-Type field") \
    COLUMN(R, text, upgrade, "the protocols that the request's Upgrade field, or ':protocol', asks for: 'websocket'") \
    COLUMN(R, text, auth_scheme, "the scheme of the request's Authorization or Proxy-Authorization field: 'Basic', 'Bearer', ...") \
    COLUMN(R, text, auth_user, "the user that this field names: Basic, Digest, NTLM") \
    COLUMN(R, text, auth_password, "the password of Basic, or Bearer's token; only with --passwords") \
    COLUMN(R, integer, delay_us, "from the request's head to the head of its final answer; microseconds") \
    COLUMN(R, boolean, complete, "1 where the request and its final answer were seen to their ends") \
    COLUMN(R, integer, missing, "bytes of the two that the capture is known to lack")

RECORD_STRUCT(http_request_row, HTTP_REQUEST);

extern const struct record_table http_request_table;

/* The body of a request or of an answer. */
struct http_body {
    uint64_t size;       /* seen and missing, without the framing */
    uint64_t missing;
    bool is_unframed;    /* its size cannot be told */
    bool is_complete;    /* the message was seen to its end */
};

/* A request and its answer, as far as they were seen. Empty texts were not seen. Made by http_request_new, owned by whoever holds it. */
struct http_request {
    unsigned number;    /* conversation_next_number(NUMBER_HTTP_REQUEST) when the request begins */
    uint32_t stream_id; /* 0: HTTP/1 */
    const char *version; /* a constant of the program; NULL: not seen */
    int64_t time_us; /* 0: not known */
    int64_t asked_us; /* the end of the request's head; 0: not seen */
    struct text method;
    struct text host;
    struct text uri;
    struct text user_agent;
    struct text referrer;
    struct text request_type;
    struct text response_type;
    struct text upgrade;
    struct text auth_scheme;
    struct text auth_user;
    struct text auth_password;
    int status; /* of the final answer; 0: none */
    int64_t answered_us;
    struct http_body request;
    struct http_body response;
};

/* An empty one; NULL when out of memory. */
struct http_request *http_request_new(void);
void http_request_free(struct http_request *request);

/* Bytes of memory that its texts take. */
size_t http_request_memory(const struct http_request *request);

/* A header field of the request (FROM_CLIENT) or of its answer: kept where the row has a column for it. Pseudo-header fields of HTTP/2 are the caller's. */
void http_request_on_field(struct http_request *request, enum side from, struct bytes name, struct bytes value);

/* Writes its row: once, when nothing more can come of it. */
void http_request_write(struct conversation *conversation, const struct http_request *request);

#endif

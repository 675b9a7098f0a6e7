/*
 * http_session.h - what the files of HTTP/1 share: the state of a connection, and its limits.
 */
#ifndef WIRESCRIBE_DISSECTORS_HTTP_SESSION_H
#define WIRESCRIBE_DISSECTORS_HTTP_SESSION_H

#include "base/text.h"
#include "dissectors/http_request.h"
#include "dissectors/websocket.h"

/* ---- limits ---- */

#define HTTP_LINE_LIMIT (16 << 10)      /* start line, header line with its folds, chunk size line; of a longer one the rest is passed over */
#define HTTP_HEAD_LIMIT (256 << 10)     /* all lines of one message's head, or of its trailers */
#define HTTP_FOLDS_LIMIT 64             /* lines that a header field is folded over */
#define HTTP_WAITING_LIMIT (64 << 10)   /* bytes that wait unread: behind an upgrade or a full pipeline */
#define HTTP_PIPELINE_LIMIT 64          /* requests without an answer; further ones wait unread */
#define HTTP_PIPELINE_MEMORY (256 << 10) /* what these may take up */
#define HTTP_SEEKING_LIMIT (8 << 10)    /* bytes that are kept of a server behind a gap, while they may be a WebSocket's */
#define HTTP_BODY_LIMIT (INT64_MAX / 2) /* of a stated length or chunk size */
#define HTTP_LENGTH_UNKNOWN UINT64_MAX

/*
 *  START_LINE -> HEADERS --+--> BODY -------------------------+
 *      ^                   +--> CHUNK_SIZE -> CHUNK -> CHUNK_END
 *      |                   |        |  ^                  |   |
 *      |                   |        |  +------------------+   |
 *      |                   |        +--> TRAILERS ------------+
 *      |                   +--> UNTIL_CLOSE                   |
 *      |                   +----------------------------------+--> AWAIT_ANSWER (an upgrade or a tunnel was asked for)
 *      +------------------------------ http_finish_message() -+         |
 *      ^                                     (refused)        |         +--> TUNNEL (both sides)
 *      +---- SEEKING <-- on_gap, or what is no start line     |
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
    HTTP_SEEKING,      /* bytes are missing: the next line that is a start line */
    HTTP_TUNNEL,       /* the bytes are another protocol's */
};

/* What a request asks for, as far as it changes how the answer is read. */
enum http_kind {
    HTTP_KIND_ANY,
    HTTP_KIND_HEAD,
    HTTP_KIND_CONNECT,
    HTTP_KIND_WEBSOCKET,
    HTTP_KIND_UPGRADE, /* to anything else */
};

/* A request and its answer, with what only HTTP/1 needs to know of them. */
struct http_exchange {
    struct http_request *request; /* owned; its row */
    enum http_kind kind;
    bool is_seen;     /* the request was; else only its answer */
    bool is_asked;    /* nothing more of the request will come */
    bool is_answered; /* nothing more of the answer will */
    bool asks_connection_upgrade;
    /* RFC 6455, 4 */
    struct text origin;
    struct text key;
    struct text offered;
    struct text socket_version;
    struct text accept;
    struct text subprotocol;
    struct text extensions;
};

struct http_side {
    enum http_phase phase;
    bool has_ended;
    bool has_waited;       /* the client: what is read now lay behind a full pipeline */
    bool lets_other_first; /* the rest of these bytes waits, so that what the other side waited with is read first */
    bool passes_over;    /* inside a line that was too long */
    uint64_t left;       /* of the body or chunk */
    uint32_t head_bytes; /* of the head so far */
    /* of the message whose head is being read */
    int minor_version;
    uint64_t content_length;
    bool is_chunked;
    bool has_other_coding;     /* a Transfer-Encoding that does not end in chunked */
    bool has_transfer_coding;
    const char *ambiguous;     /* why others may see another framing; NULL: they agree */
    bool is_unframed;          /* contradicting framing: what follows cannot be told apart */
    bool upgrades_to_websocket;
    bool upgrades_to_http2;
    bool has_upgrade;
};

struct http {
    struct http_side side[SIDE_COUNT];

    /* requests without an answer, in order: `first` is the oldest; owned */
    struct http_exchange *waiting[HTTP_PIPELINE_LIMIT];
    unsigned first;
    unsigned count;
    size_t waiting_memory;

    struct http_exchange *asking;    /* whose request is being read; owned, unless it waits or is being answered */
    struct http_exchange *answering; /* whose answer is being read; owned */
    int status;                      /* of the answer whose head is being read, interim ones too */

    bool is_pipelined;      /* the client asks again before it is answered */
    bool answers_are_lost;  /* bytes of the server were, since the last answer */
    bool cannot_match;      /* which answer belongs to which request is not known any more */
    int64_t asked_us;       /* the last request line */

    struct text folded; /* a header line put together */

    struct conversation *tunnel;           /* what reads HTTP_TUNNEL; owned */
    uint64_t missing_behind[SIDE_COUNT];   /* bytes that are missing behind the last message that was read */
};

/* ---- http_match.c ---- */

enum match http_match(const struct first_bytes *first);

/* Whether a line is a request line: a word, a target (some write spaces into it), and a version. */
bool http_line_is_request(struct bytes line, struct bytes *method, struct bytes *target, int *minor_version);

/* The same, with a method that is in use. */
bool http_line_is_known_request(struct bytes line);

/* Whether it is a status line: version, three digits, and a reason that may be empty (RFC 9112, 4). */
bool http_line_is_status(struct bytes line, int *status, int *minor_version);

/* ---- http_head.c ---- */

/* A message's head begins. */
void http_begin_head(struct http_side *side, int minor_version);

/* One header line, its folds undone. `is_folded`: it had some. */
void http_on_header_line(struct conversation *conversation, struct http *http, enum side from, struct bytes line, bool is_folded);

/* The head is read: tells what is wrong with it, and settles how the body is delimited (RFC 9112, 6.3). */
void http_judge_head(struct conversation *conversation, struct http_side *side, enum side from);

/* Whether one of the comma-separated words is `word`. */
bool http_words_contain(struct bytes value, const char *word);

/* ---- http_exchange.c: requests, their answers, and which belongs to which ---- */

/* A request line, a status line: an exchange begins, or is answered. False: out of memory. */
bool http_begin_request(struct conversation *conversation, struct http *http, struct bytes method, struct bytes target, int minor_version);
bool http_begin_answer(struct conversation *conversation, struct http *http, int minor_version);

/* The request's head is read: it waits for its answer. */
void http_await(struct conversation *conversation, struct http *http);

/* Nothing more comes of the request, or of the answer, that is being read. `is_complete`: it was seen to its end. */
void http_end_request(struct conversation *conversation, struct http *http, bool is_complete);
void http_end_answer(struct conversation *conversation, struct http *http, bool is_complete);

/*
 * What to return where this side's news let the other side go on: what that one waited with is read before the rest of these bytes, whether or not
 * they are there already, so that the order does not depend on how they were cut into segments.
 */
enum verdict http_let_other_first(struct conversation *conversation, struct http *http, enum side from);

/* The newest request; NULL where none waits. */
struct http_exchange *http_newest(const struct http *http);

/* Takes out the oldest and writes it as never answered. */
void http_give_up_oldest(struct conversation *conversation, struct http *http);

/* Bytes of this side are missing, and with them messages perhaps. */
void http_lose_step(struct conversation *conversation, struct http *http, enum side from, uint64_t count);

/* The handshake as far as it was seen; a new one, the caller's. NULL: out of memory. */
struct websocket_handshake *http_handshake(const struct http_exchange *exchange);

/* Takes the request out of the exchange whose answer is being read, which ends without a row. */
struct http_request *http_take_request(struct http *http);

/* Writes what was never finished, frees everything. */
void http_end_exchanges(struct conversation *conversation, struct http *http);

/* ---- http_upgrade.c: what becomes of a connection that stops being HTTP ---- */

/* The answer that is being read has its head: a 101, or CONNECT's success. `*verdict` is what to return. False: neither, and HTTP goes on. */
bool http_switches(struct conversation *conversation, struct http *http, enum verdict *verdict);

/* The final answer that is being read refuses an upgrade or a tunnel, if its request asked for one. */
void http_on_refusal(struct conversation *conversation, struct http *http);

/* Bytes behind a request that awaits its answer. */
enum verdict http_await_answer(struct conversation *conversation, struct http *http, struct cursor *bytes);

#endif

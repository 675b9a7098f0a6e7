/*
 * http2_session.h - what the parts of the HTTP/2 dissector share (RFC 9113; HPACK: RFC 7541; extended CONNECT: RFC 8441).
 */
#ifndef WIRESCRIBE_DISSECTORS_HTTP2_SESSION_H
#define WIRESCRIBE_DISSECTORS_HTTP2_SESSION_H

#include "base/text.h"
#include "dissectors/dissector.h"
#include "dissectors/http2.h"
#include "dissectors/http_request.h"
#include "dissectors/websocket.h"

/* Streams that are followed at a time; beyond them, the one that was idle longest is given up. */
#define HTTP2_STREAMS_LIMIT 256
/* WebSockets and tunnels that are followed at a time; further ones are not read. */
#define HTTP2_TUNNELS_LIMIT 32
/* The largest table of header fields that is kept for one side, by RFC 7541's way of counting; a sender that asks for more is not decoded. */
#define HTTP2_TABLE_LIMIT (256 << 10)
/* Bytes of the server that wait for the requests that they answer. */
#define HTTP2_WAITING_LIMIT (256 << 10)
/* Bytes of a tunnel that the client sends before the answer; further ones are missing. */
#define HTTP2_EARLY_LIMIT (16 << 10)

/* RFC 9113, 6 */
enum http2_frame_type {
    HTTP2_DATA = 0,
    HTTP2_HEADERS = 1,
    HTTP2_PRIORITY = 2,
    HTTP2_RST_STREAM = 3,
    HTTP2_SETTINGS = 4,
    HTTP2_PUSH_PROMISE = 5,
    HTTP2_PING = 6,
    HTTP2_GOAWAY = 7,
    HTTP2_WINDOW_UPDATE = 8,
    HTTP2_CONTINUATION = 9,
};

#define HTTP2_FLAG_ACK 0x01        /* SETTINGS, PING */
#define HTTP2_FLAG_END_STREAM 0x01 /* DATA, HEADERS */
#define HTTP2_FLAG_END_HEADERS 0x04
#define HTTP2_FLAG_PADDED 0x08
#define HTTP2_FLAG_PRIORITY 0x20

/*
 *  PREFACE (the client) --> FRAME_HEADER --> FRAME_START --> FRAME_BODY --> FRAME_PADDING --+
 *                                ^                                                          |
 *                                +----------------------------------------------------------+
 *  lost bytes that do not end within a body: SEEKING --two frames that fit, one behind the other--> FRAME_HEADER
 */
enum http2_phase {
    HTTP2_PREFACE,
    HTTP2_FRAME_HEADER,
    HTTP2_FRAME_START,   /* what stands before the body: the padding's length, a priority, a stream, an error code */
    HTTP2_FRAME_BODY,    /* `left` bytes */
    HTTP2_FRAME_PADDING, /* `padding` bytes */
    HTTP2_SEEKING,       /* where the next frame begins is not known */
    HTTP2_OUT_OF_STEP,   /* this is not HTTP/2: nothing more is read */
};

struct http2_frame {
    uint8_t type;
    uint8_t flags;
    uint32_t stream_id;
    uint32_t length;
    uint32_t left;    /* of the body */
    uint32_t padding; /* that is left */
    bool is_skipped;  /* it cannot be what it claims, or nothing of it is read */
};

/* What one block of header fields says, beyond what its request keeps. Empty texts are not there. */
struct http2_head {
    struct text authority;
    struct text protocol;
    struct text origin;
    struct text websocket_protocol;
    struct text websocket_extensions;
    int status; /* 0: none */
    bool has_length;
    uint64_t content_length;
    uint64_t list_bytes; /* names and values of all of its fields */
    bool is_whole;       /* the block was decoded to its end */
};

/* What a block is to its stream. */
enum http2_block_kind {
    HTTP2_BLOCK_OF_NOBODY, /* its stream is not followed */
    HTTP2_BLOCK_REQUEST,   /* also a promised one */
    HTTP2_BLOCK_ANSWER,    /* an interim one or the final one */
    HTTP2_BLOCK_TRAILERS,
};

/* A HEADERS or PUSH_PROMISE frame with its CONTINUATIONs. */
struct http2_block {
    bool is_open;
    bool ends_stream;
    enum http2_block_kind kind;
    struct http2_stream *stream; /* borrowed; NULL: it is not followed (any more) */
    uint32_t sent_on;            /* the stream whose number the frames bear */
    unsigned continuations;
    struct http2_head head;
};

struct nghttp2_hd_inflater;

/* Events of one kind, told where there are too many within a time. */
struct http2_flood {
    int64_t begin_us;
    unsigned count;
    bool is_told;
};

struct http2_side {
    enum http2_phase phase;
    struct http2_frame frame;
    bool is_seen;
    bool has_ended;
    bool has_settings; /* its first SETTINGS frame was read */
    bool enables_connect_protocol;
    uint32_t max_frame_size; /* that it takes */
    struct http2_block block;
    struct nghttp2_hd_inflater *inflater; /* owned; NULL before the first block, and where the table is lost */
    bool fields_are_lost;                 /* its table of header fields is not known any more */
    uint32_t last_id;                     /* the highest of the streams that are its to open, as far as one was named */
    uint32_t last_opened;                 /* the highest that it was seen to open */
    struct http2_flood resets;
    struct http2_flood controls;
};

/* A stream whose DATA is read by another dissector. */
struct http2_tunnel {
    bool is_websocket;
    struct websocket_handshake *handshake; /* until the WebSocket is opened or refused; NULL: a plain CONNECT */
    struct conversation *inside;           /* NULL before the answer */
    bool is_over;                          /* nobody wants more of it */
    struct text early;                     /* what the client said before the answer */
    uint64_t early_missing;
    bool server_went_on; /* it said something before it was known to have granted it: that was not read */
    bool has_ended[SIDE_COUNT]; /* and the conversation inside was told */
};

struct http2_stream {
    uint32_t id;
    uint64_t used;                /* the session's count of frames when it was used last */
    struct http_request *request; /* owned; its sizes grow with the bodies */
    bool may_be_over;             /* what would end it may not have been captured */
    bool is_in_doubt[SIDE_COUNT]; /* bytes were lost that may have been this side's: how much it said is not known */
    bool has_request;             /* its head was there, even if it could not be decoded */
    bool has_answer;              /* the final one */
    bool has_length;              /* the request's content-length */
    uint64_t content_length;
    bool has_ended[SIDE_COUNT];
    struct http2_tunnel *tunnel; /* owned; NULL: none */
};

struct http2 {
    struct http2_side side[SIDE_COUNT];
    struct http2_stream *streams[HTTP2_STREAMS_LIMIT]; /* owned; in no order */
    unsigned stream_count;
    unsigned tunnel_count; /* with a conversation inside */
    uint64_t frames;
};

/* ---- http2_frames.c ---- */

#define HTTP2_FRAME_HEADER_BYTES 9
#define HTTP2_SETTING_BYTES 6

/* RFC 9113, 4.1. Whether it was whole is in the cursor's state. */
struct http2_frame http2_take_frame_header(struct cursor *unit);

/* Bytes before the frame's body. */
uint32_t http2_start_bytes(const struct http2_frame *frame);

/* Where the frame cannot be, sent by that side: the reason, else NULL. `block`: the side's. */
const char *http2_frame_error(const struct http2_block *block, enum side from, const struct http2_frame *frame);

/*
 * Behind lost bytes: whether a frame begins here, because it is one of a stream that is open, or of the connection, and the next one fits behind
 * it. A guess. The cursor's state is CURSOR_SHORT where more bytes are needed to tell.
 */
bool http2_frame_begins(const struct http2 *session, enum side from, struct cursor *unit);

/* ---- http2_fields.c ---- */

/* A block begins: its header fields go to its stream. */
void http2_block_begin(struct http2_block *block, enum http2_block_kind kind, struct http2_stream *stream, uint32_t sent_on, bool ends_stream);

/* The next bytes of the block that is open; `is_last`: its last ones. */
void http2_inflate(struct conversation *conversation, struct http2 *session, enum side from, struct bytes fragment, bool is_last);

/* From here on the side's header fields cannot be decoded. */
void http2_lose_fields(struct http2 *session, enum side from);

void http2_head_free(struct http2_head *head);

/* ---- http2_streams.c ---- */

/* The stream of that number; NULL where it is not followed. */
struct http2_stream *http2_find_stream(struct http2 *session, uint32_t id);

/* The one that began first of those that are followed; there is one. */
struct http2_stream *http2_oldest_stream(const struct http2 *session);

/* Follows one more; `request`: NULL, or what is known of it already, which it owns from then on. NULL when out of memory. */
struct http2_stream *http2_open_stream(struct conversation *conversation, struct http2 *session, uint32_t id, struct http_request *request);

/* A HEADERS frame, or a PUSH_PROMISE that promises `promised` (else 0), begins. */
void http2_begin_head(struct conversation *conversation, struct http2 *session, enum side from, const struct http2_frame *frame, uint32_t promised);

/* The block that was open is complete, or as much of it as will ever come. */
void http2_end_head(struct conversation *conversation, struct http2 *session, enum side from);

/* Bytes of the present frame's DATA, or that some are missing. */
void http2_on_body(struct conversation *conversation, struct http2 *session, enum side from, struct bytes bytes);
void http2_miss_body(struct http2 *session, enum side from, uint64_t count);

/* Whether anything may come of that side yet. */
bool http2_may_speak(const struct conversation *conversation, const struct http2 *session, enum side from);

/* The side says no more on the stream; one that both have ended is over. */
void http2_end_side(struct conversation *conversation, struct http2 *session, struct http2_stream *stream, enum side from);

/* Bytes of this side are lost, and whose they were is not known: what is read of its header fields ends, and its streams may have. */
void http2_lose_side(struct conversation *conversation, struct http2 *session, enum side from);

/* It is over: writes its rows and forgets it. */
void http2_close_stream(struct conversation *conversation, struct http2 *session, struct http2_stream *stream, enum ending ending);

/* ---- http2_tunnel.c ---- */

/* A CONNECT was asked for: follows what the stream carries once it is answered. `head` is the request's. */
void http2_tunnel_begin(struct conversation *conversation, const struct http2 *session, struct http2_stream *stream, const struct http2_head *head);

/* It was answered. */
void http2_tunnel_answer(struct conversation *conversation, struct http2 *session, struct http2_stream *stream, const struct http2_head *head);

void http2_tunnel_say(struct conversation *conversation, struct http2 *session, struct http2_stream *stream, enum side from, struct bytes bytes);
void http2_tunnel_miss(struct http2_stream *stream, enum side from, uint64_t count);

/* Bytes of it may be missing, and how many is not known. */
void http2_tunnel_lose(struct http2_stream *stream, enum side from);
void http2_tunnel_end(struct http2_stream *stream, enum side from, enum ending ending);
void http2_tunnel_refresh(struct http2_stream *stream);
void http2_tunnel_close(struct conversation *conversation, struct http2 *session, struct http2_stream *stream);

/* ---- http2_findings.c ---- */

void http2_judge_frame(struct conversation *conversation, struct http2 *session, enum side from, const struct http2_frame *frame);
void http2_judge_list(struct conversation *conversation, enum side from, uint64_t list_bytes_before, uint64_t list_bytes);
void http2_judge_field(struct conversation *conversation, enum side from, struct bytes name, struct bytes value);
void http2_judge_host(struct conversation *conversation, const struct http_request *request, const struct http2_head *head);
void http2_judge_length(struct conversation *conversation, const struct http2_stream *stream);
void http2_judge_reset(struct conversation *conversation, struct http2 *session, enum side from);
void http2_tell_goaway(struct conversation *conversation, enum side from, uint32_t error_code);

#endif

/*
 * websocket_session.h - what the parts of the WebSocket dissector share: the state of a session, of its sides, frames and messages.
 *
 *     websocket.c             the session: rows, gaps, ends
 *     websocket_handshake.c   what HTTP hands over
 *     websocket_frame.c       frame headers and payloads
 *     websocket_message.c     messages: inflating, text, digests, rows
 *     websocket_close.c       the close frame
 *     websocket_violation.c   what breaks the rules
 *     websocket_seek.c        the next frame behind missing bytes
 */
#ifndef WIRESCRIBE_DISSECTORS_WEBSOCKET_SESSION_H
#define WIRESCRIBE_DISSECTORS_WEBSOCKET_SESSION_H

#include "base/digest.h"
#include "base/utf8.h"
#include "dissectors/websocket.h"
#include "dissectors/websocket_deflate.h"
#include "dissectors/websocket_inner.h"
#include "dissectors/websocket_seek.h"

#define WEBSOCKET_TEXT_LIMIT 4096   /* bytes of a text message that are kept to be shown, unless --text-limit says otherwise */
#define WEBSOCKET_CONTROL_LIMIT 125 /* RFC 6455, 5.5: the longest payload of a control frame */
#define WEBSOCKET_CONTROL_KEPT 1024 /* of a longer one, so much is kept to be shown */
#define WEBSOCKET_FRAME_LIMIT ((uint64_t)1 << 40) /* a frame that says it is longer is told, and followed all the same */

/*
 *  FRAME_HEADER --> PAYLOAD --> FRAME_HEADER ...
 *       |              |
 *       +--------------+-- missing bytes that may hide a header --> SEEKING --a chain of frames fits--> FRAME_HEADER
 *       +-- a header that cannot be one --> OUT_OF_STEP; SEEKING, where the place had been found by seeking
 */
enum websocket_phase {
    WEBSOCKET_FRAME_HEADER,
    WEBSOCKET_PAYLOAD,
    WEBSOCKET_SEEKING,
    WEBSOCKET_OUT_OF_STEP, /* where the next frame begins is not known any more */
};

/* A message that is being read. */
struct websocket_message_state {
    bool is_open;
    bool is_compressed;
    bool is_opaque;  /* what the application sees is not known */
    bool is_cut_off; /* not to its end: it inflates beyond measure */
    uint8_t opcode;  /* WEBSOCKET_CONTINUATION: its first frame was not there */
    int64_t number;
    int64_t time_us;
    uint64_t seen;
    uint64_t missing;
    uint64_t fragments;
    uint64_t size;     /* as the application sees it, so far */
    struct text start; /* the first bytes of those that are shown */
    struct digest digest;
    struct utf8_check utf8;
};

struct websocket_side {
    enum websocket_phase phase;
    struct websocket_frame frame;
    uint64_t left; /* of the frame's payload */
    struct websocket_message_state data;
    struct websocket_message_state control; /* may come between the fragments of `data` */
    struct websocket_inflater *inflater;    /* from the first compressed message on */
    struct websocket_seek *seek;            /* while seeking */
    bool is_seen;
    bool has_mask_habit; /* a frame was seen */
    bool masks;          /* and it was masked */
    bool may_go_on;      /* behind missing bytes: a continuation may come whose message began among them */
    bool has_closed;
    bool has_lost_messages; /* before the inflater was needed */
    bool hides_messages; /* of some data message it is not known what the application sees */
    uint32_t told;       /* enum websocket_violation, bit by bit */
    uint64_t messages;
    uint64_t payload;
    uint64_t message_bytes;
    uint32_t resynced;
};

struct websocket {
    struct websocket_handshake *handshake; /* owned */
    struct websocket_inner *inner;
    struct websocket_extensions extensions;
    struct websocket_side side[SIDE_COUNT];
    bool shows_text;
    int64_t messages; /* begun so far, both sides */
    uint64_t violations;
    uint64_t pings;
    uint64_t pongs;
    bool missing_is_unknown; /* how many bytes are missing */
    bool is_closed;
    bool knows_closer; /* the other side's close would have been seen if it had come first */
    enum side closed_by;
    bool has_close_code;
    uint16_t close_code;
    struct text close_reason;
};

/* ---- websocket_violation.c ---- */

/* Each is told once a side, by the finding's name; all are counted. */
enum websocket_violation {
    WEBSOCKET_MASK_WRONG,
    WEBSOCKET_LENGTH_NOT_MINIMAL,
    WEBSOCKET_CONTROL_FRAME_INVALID,
    WEBSOCKET_FRAGMENTS_OUT_OF_ORDER,
    WEBSOCKET_RESERVED_BITS,
    WEBSOCKET_RESERVED_OPCODE,
    WEBSOCKET_FRAME_INVALID,
    WEBSOCKET_FRAME_TOO_LONG,
    WEBSOCKET_INVALID_UTF8,
    WEBSOCKET_CLOSE_INVALID,
    WEBSOCKET_DATA_AFTER_CLOSE,
    WEBSOCKET_DEFLATE_INVALID,
    WEBSOCKET_EXTENSION_INVALID,
};

void websocket_violation(struct conversation *conversation, struct websocket *websocket, enum side from, enum websocket_violation violation, const char *detail, ...)
    __attribute__((format(printf, 5, 6)));

/* What is told once a side and breaks no rule. */
enum websocket_notice {
    WEBSOCKET_INFLATE_STOPPED = 24,
    WEBSOCKET_METHOD_UNKNOWN,
    WEBSOCKET_FOUND_AGAIN,
};

/* Whether this is the first time on that side. */
bool websocket_tells(struct websocket *websocket, enum side from, enum websocket_notice notice);

/* ---- websocket_message.c ---- */

/* 'text', ...; NULL for a continuation. */
const char *websocket_opcode_name(uint8_t opcode);

extern const struct record_table websocket_message_table;

void websocket_message_prepare(struct websocket *websocket, const struct recording_options *recording);
void websocket_message_begin(struct conversation *conversation, struct websocket *websocket, enum side from, uint8_t opcode);

/* Its next frame begins; the first one says whether it is compressed. */
void websocket_message_fragment(struct conversation *conversation, struct websocket *websocket, enum side from);

/* The next payload bytes of the present frame, without mask. */
void websocket_message_add(struct conversation *conversation, struct websocket *websocket, enum side from, struct bytes payload);

/* `count` bytes of the present frame's payload are missing. */
void websocket_message_miss(struct conversation *conversation, struct websocket *websocket, enum side from, uint64_t count);

/* Ends the data message, or the control message, if one is open, and writes its row. */
void websocket_message_end(struct conversation *conversation, struct websocket *websocket, enum side from, bool is_control, bool is_complete);

/* Messages of this side may be missing as a whole. */
void websocket_message_lose(struct conversation *conversation, struct websocket *websocket, enum side from);

void websocket_message_free(struct websocket_message_state *message);

/* ---- websocket_frame.c ---- */

/* Reads as much as can be read. */
enum verdict websocket_read_frames(struct conversation *conversation, struct websocket *websocket, enum side from, struct cursor *bytes);

/* The present frame's payload ended. */
void websocket_frame_end(struct conversation *conversation, struct websocket *websocket, enum side from);

/* Where the next frame begins is not known any more. */
void websocket_begin_seeking(struct conversation *conversation, struct websocket *websocket, enum side from);

/* A chain of frames was found: reads them. */
void websocket_found_again(struct conversation *conversation, struct websocket *websocket, enum side from);

/* The message that the present frame belongs to. */
static inline struct websocket_message_state *websocket_present_message(struct websocket_side *side)
{
    return websocket_opcode_is_data(side->frame.opcode) ? &side->data : &side->control;
}

/* ---- websocket_close.c ---- */

void websocket_on_close_frame(struct conversation *conversation, struct websocket *websocket, enum side from, const struct websocket_message_state *message);

/* What the IANA's registry calls it; NULL: nothing. */
const char *websocket_close_meaning(uint16_t code);

/* Whether it may stand in a close frame (RFC 6455, 7.4). */
bool websocket_close_code_is_valid(uint16_t code);

#endif

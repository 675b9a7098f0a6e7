/*
 * websocket_seek.h - frame headers (RFC 6455, 5.2), and how the next one is found behind missing bytes.
 *
 * A place is taken for a frame's begin where a chain fits: header, payload, header, payload ... as this side sends them, in an order that
 * messages can have, texts that are UTF-8. Each of these is so many points' worth of evidence (a point is about a bit); from SEEK_POINTS on it
 * is believed. At the stream's end, where the last frame ends exactly there, SEEK_POINTS_AT_END do. It remains a guess, and is told as one.
 */
#ifndef WIRESCRIBE_DISSECTORS_WEBSOCKET_SEEK_H
#define WIRESCRIBE_DISSECTORS_WEBSOCKET_SEEK_H

#include "base/cursor.h"

/* RFC 6455, 5.2 */
enum websocket_opcode {
    WEBSOCKET_CONTINUATION = 0x0,
    WEBSOCKET_TEXT = 0x1,
    WEBSOCKET_BINARY = 0x2,
    WEBSOCKET_CLOSE = 0x8,
    WEBSOCKET_PING = 0x9,
    WEBSOCKET_PONG = 0xa,
};

#define WEBSOCKET_HEADER_LIMIT 14 /* the longest frame header */
#define WEBSOCKET_RSV1 4

struct websocket_frame {
    uint8_t opcode;
    uint8_t reserved_bits; /* RSV1 is 4 */
    bool is_final;
    bool is_masked;
    bool is_minimal; /* its length stands in the shortest form */
    uint8_t key[4];  /* 0 where it is not masked */
    uint64_t length;
};

/* Takes a header. It is in the cursor's state whether it was whole. */
struct websocket_frame websocket_take_frame_header(struct cursor *unit);

static inline bool websocket_opcode_is_control(uint8_t opcode)
{
    return opcode >= WEBSOCKET_CLOSE;
}
static inline bool websocket_opcode_is_data(uint8_t opcode)
{
    return opcode <= WEBSOCKET_BINARY;
}
static inline bool websocket_opcode_is_reserved(uint8_t opcode)
{
    return (opcode > WEBSOCKET_BINARY && opcode < WEBSOCKET_CLOSE) || opcode > WEBSOCKET_PONG;
}

/* Undoes the mask of `payload`, which begins `offset` bytes behind the frame's header; at most payload.length bytes are written to `plain`. */
void websocket_unmask(const struct websocket_frame *frame, uint64_t offset, struct bytes payload, uint8_t *plain);

#define SEEK_KEPT ((size_t)64 << 10) /* bytes of the stream that are kept while seeking */
#define SEEK_CHAINS 64               /* chains that may be followed at a time; those that reach farthest give way */
#define SEEK_HEADERS 8               /* of one chain */
#define SEEK_POINTS 30
#define SEEK_POINTS_AT_END 18

struct websocket_seek;

/* `is_masked`: how this side sends. `may_compress`: RSV1 may stand there. NULL when out of memory. */
struct websocket_seek *websocket_seek_new(bool is_masked, bool may_compress);
void websocket_seek_free(struct websocket_seek *seek);

/* Takes bytes up to the one with which a chain is believed, and answers true; else all of them. */
bool websocket_seek_add(struct websocket_seek *seek, struct cursor *bytes);

/* `count` more bytes are missing. */
void websocket_seek_miss(struct websocket_seek *seek, uint64_t count);

/* The stream ended here. Whether a chain is believed. */
bool websocket_seek_end(struct websocket_seek *seek);

/* Once one is believed: the bytes from its first frame on that is still kept; valid until freed. */
struct bytes websocket_seek_found(const struct websocket_seek *seek);

/* Bytes before these that were there and not read. */
uint64_t websocket_seek_passed(const struct websocket_seek *seek);

#endif

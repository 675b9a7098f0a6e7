/*
 * doubts.h - segments that the receiver has probably not taken: kept aside, outside the stream.
 *
 * Such a segment (a wrong checksum, a TTL that may not reach the receiver, a place outside its window ...) must not
 * inject bytes. But the reasons are guesses of an onlooker, so its bytes are not thrown away either: where a hole is
 * given up that it would fill - the other side acknowledged these bytes, and no better copy came - it was taken after all.
 */
#ifndef WIRESCRIBE_STREAMS_DOUBTS_H
#define WIRESCRIBE_STREAMS_DOUBTS_H

#include "base/bytes.h"

/* Why a segment is doubted. */
enum doubt {
    DOUBT_NONE,
    DOUBT_CHECKSUM,       /* wrong, from a side that has sent right ones */
    DOUBT_TTL,            /* far below what this side's packets have: it may expire on the way (Ptacek and Newsham 1998) */
    DOUBT_TIMESTAMP,      /* older than what its receiver has seen: PAWS drops it (RFC 7323, section 5) */
    DOUBT_WINDOW,         /* begins behind what its receiver said it would take (RFC 9293, section 3.10.7.4) */
    DOUBT_NO_ACK,         /* data without ACK: dropped by every receiver (the same place) */
    DOUBT_ACKNOWLEDGMENT, /* acknowledges what its sender cannot have received */
    DOUBTS,
};

/* Segments and bytes of one side that are kept at a time. Past that, the check does not fit the flow and is given up; see tcp.c. */
#define DOUBTS_SEGMENTS 32
#define DOUBTS_BYTES (128u << 10)

struct doubted_segment {
    uint64_t start;
    uint32_t length;   /* on the wire */
    uint32_t captured; /* bytes at `bytes` */
    uint8_t *bytes;    /* owned */
    int64_t time_us;
    uint8_t reason; /* enum doubt */
    bool has_fin;
};

struct doubts {
    unsigned count;
    uint32_t bytes;
    struct doubted_segment list[DOUBTS_SEGMENTS];
};

/* Keeps a copy; *doubts is made where it is NULL. False: no room (or memory), nothing was kept. */
bool doubts_add(struct doubts **doubts, uint64_t start, struct bytes captured, uint32_t length, bool has_fin, int64_t time_us, enum doubt reason);

/*
 * Takes out the segment that covers offset `next`, else the one that begins first behind it and before `to`. False where
 * there is none. Those that end before `next` are dropped on the way. Its bytes become the caller's.
 */
bool doubts_take(struct doubts *doubts, uint64_t next, uint64_t to, struct doubted_segment *taken);

/*
 * Bytes of the stream, [start, start + length), were handed on: compares those that overlap, and drops what they cover. Answers the reason of
 * one that said something else, or DOUBT_NONE.
 */
enum doubt doubts_settle(struct doubts *doubts, uint64_t start, struct bytes bytes);

/* The segment that covers that offset; NULL: none does, or `doubts` is NULL. Valid until the doubts change. */
const struct doubted_segment *doubts_at(const struct doubts *doubts, uint64_t offset);

/* Whether the kept segments, one behind the other, hold all of [from, to). */
bool doubts_cover(const struct doubts *doubts, uint64_t from, uint64_t to);

/* Whether the kept segments follow each other without a hole, the first at offset `from`: a sender that simply goes on. */
bool doubts_are_a_run(const struct doubts *doubts, uint64_t from);

/* Frees all, and *doubts. */
void doubts_free(struct doubts **doubts);

/* For people: "with a wrong checksum". */
const char *doubt_text(enum doubt reason);

#endif

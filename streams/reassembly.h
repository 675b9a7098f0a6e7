/*
 * reassembly.h - one side of a TCP connection: segments -> bytes in order.
 *
 * Positions are stream offsets of 64 bits: 0 is the byte behind the SYN, or the
 * first byte seen where the SYN was not. They do not wrap (RFC 9293, section 3.4
 * has sequence numbers modulo 2^32).
 *
 * Where two copies of a byte differ, what was handed on or waits in order stays; behind a hole the policy of the
 * receiver decides (enum overlap_policy). The difference is told to the caller.
 */
#ifndef WIRESCRIBE_STREAMS_REASSEMBLY_H
#define WIRESCRIBE_STREAMS_REASSEMBLY_H

#include "base/packet.h"

/* Bytes of one side that may wait for a hole to be filled, and the pieces they lie in. */
#define REASSEMBLY_HELD_BYTES (4u << 20)
#define REASSEMBLY_HELD_SEGMENTS 2048
/* A segment or an acknowledgment further ahead than this is behind instead: sequence numbers are compared modulo 2^32. */
#define REASSEMBLY_WINDOW 0x7fffffffu
/* How many segments that were handed on last are remembered, to notice a repetition that differs. */
#define REASSEMBLY_RECENT 6

/* A piece that waits: a segment, or what is left of one. Owned. */
struct held_segment {
    uint64_t start;
    uint32_t length;   /* on the wire */
    uint32_t captured; /* <= length: bytes at `bytes` */
    uint8_t *bytes;
    int64_t time_us;
    uint64_t segment_start; /* of the whole segment that it came in, for the policies */
    uint64_t segment_end;
    uint64_t after;         /* see struct segment_order */
};

/*
 * An answer must not be handed on before what it answers, even where it was captured first: `after` is the offset of the
 * other side's stream that the segment acknowledges, `other_next` how far that stream was handed on by now. Where the order
 * does not matter both are 0.
 */
struct segment_order {
    uint64_t after;
    uint64_t other_next;
};

/* What was handed on: enough to compare a repetition with it. */
struct recent_segment {
    uint64_t start;
    uint32_t length;
    uint32_t hash;
};

struct reassembly {
    bool is_open;      /* offset 0 is known */
    bool has_start;    /* offset 0 is the stream's first byte */
    bool has_fin;
    bool has_ended;    /* the end was handed on */
    uint8_t policy;    /* enum overlap_policy, of the receiver */
    uint32_t base;     /* sequence number of offset 0 */
    uint64_t next;     /* offset of the next byte to hand on */
    uint64_t front;    /* the farthest offset that is believed so far: what sequence numbers are near to */
    uint64_t fin_at;   /* offset of the end, where has_fin */
    int64_t newest_us; /* time of what was handed on last */
    struct held_segment *held; /* owned; in order, not overlapping, all behind `next` */
    unsigned held_count;
    unsigned held_capacity;
    uint64_t held_bytes;
    struct recent_segment recent[REASSEMBLY_RECENT];
    unsigned recent_at;
};

/* What the reassembly does with its bytes. `sink` is the caller's. */
struct reassembly_sink {
    void *sink;
    void (*data)(void *sink, struct bytes bytes, int64_t time_us);
    void (*gap)(void *sink, uint64_t count, int64_t time_us);
};

/* What came of one segment. */
struct segment_report {
    bool is_retransmission; /* repeats bytes that were seen already */
    bool is_out_of_order;   /* lies behind a hole */
    bool differs;           /* repeats bytes with other contents */
    bool replaces;          /* ... and some of these took the place of the older ones */
    bool is_outside;        /* not believed: too far ahead, or behind the end */
    bool is_refused;        /* no room to hold it: give up a hole and offer it again */
    uint64_t differs_at;    /* offset of the repetition that differs */
};

/* Sets offset 0 to that sequence number. Only before anything was handed on or held. */
void reassembly_open(struct reassembly *stream, uint32_t first_sequence, bool has_start);

/* The stream offset of a sequence number, the nearest to `front`. May be negative: before offset 0. */
int64_t reassembly_offset(const struct reassembly *stream, uint32_t sequence);

/*
 * One segment's payload: `length` bytes on the wire, of which `captured` are there. In-order bytes go to the sink where
 * they lie, unless they must wait by `order`. *held_total is the number of bytes held by all streams of the worker.
 */
struct segment_report reassembly_segment(struct reassembly *stream, const struct reassembly_sink *sink, uint64_t offset, struct bytes captured,
                                         uint32_t length, int64_t time_us, struct segment_order order, uint64_t *held_total);

/* The offset where the first hole begins: up to there all is handed on or held. */
uint64_t reassembly_in_order_to(const struct reassembly *stream);

/* Whether something is held in order at `next`. */
bool reassembly_is_ready(const struct reassembly *stream);

/* Hands on what is held in order at `next`, as far as it begins before offset `to` and its `after` is at most `other_next`. */
void reassembly_drain(struct reassembly *stream, const struct reassembly_sink *sink, uint64_t to, uint64_t other_next, uint64_t *held_total);

/*
 * Gives up the first hole, but not behind `limit`: tells the gap, then drains up to `limit`, and what is in order by `other_next`.
 * Where something is only held back by order, drains it. False where there is no hole before `limit`.
 */
bool reassembly_give_up_hole(struct reassembly *stream, const struct reassembly_sink *sink, uint64_t limit, int64_t time_us, uint64_t other_next,
                             uint64_t *held_total);

/* Frees all that is held. */
void reassembly_free(struct reassembly *stream, uint64_t *held_total);

#endif

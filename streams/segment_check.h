/*
 * segment_check.h - whether the receiver of a TCP segment can have taken it, as far as an onlooker knows.
 */
#ifndef WIRESCRIBE_STREAMS_SEGMENT_CHECK_H
#define WIRESCRIBE_STREAMS_SEGMENT_CHECK_H

#include "base/packet.h"
#include "streams/doubts.h"

struct flow;

/* How far below the usual a TTL must be to be doubted: routes change by a hop or two. */
#define CHECK_TTL_DISTANCE 4
/* So many packets in a row with a lower TTL, or with an acknowledgment from the future, are believed: the route, or our view, has changed. */
#define CHECK_STREAK 3
/* So many doubted segments of one kind that were acknowledged after all show that this check does not fit the flow. */
#define CHECK_REFUTED 3
/* A timestamp is not too old after so long a silence (RFC 7323, section 5.5: 24 days). */
#define CHECK_TIMESTAMP_US ((int64_t)24 * 86400 * 1000000)
/* A reset further away than this is not believed, however large the window. */
#define CHECK_RESET_DISTANCE (1 << 20)
/* The largest window scale (RFC 7323, section 2.3): assumed where the handshake was not seen. */
#define CHECK_SHIFT_MOST 14

/* What is remembered of one side's packets, and of what it said that it received. */
struct tcp_side {
    bool has_ttl;
    bool had_good_checksum;
    bool had_syn;         /* its SYN or SYN-ACK was seen */
    bool has_shift;       /* ... with the window scale option */
    bool has_timestamp;
    bool has_acknowledged;
    uint8_t ttl;
    uint8_t shift;
    uint8_t lower_ttls;   /* in a row */
    uint8_t future_acks;  /* in a row */
    uint32_t timestamp;   /* newest TSval that its receiver remembers */
    int64_t timestamp_us;
    int64_t claimed;      /* what it acknowledged in the newest of future_acks */
    int64_t acknowledged; /* the farthest offset of the other stream that it acknowledged */
    int64_t newest_acknowledged; /* in its newest packet */
    int64_t right_edge;   /* offset of the other stream where its window ends, at its farthest */
};

/* Whether and why the segment is to be doubted. Changes nothing but the counts of streaks. */
enum doubt segment_check(struct flow *flow, const struct packet *packet, bool from_low);

/* Remembers what a believed segment tells of its sender. */
void segment_note(struct flow *flow, const struct packet *packet, bool from_low);

/* Whether a reset may be meant for this connection: its place lies in what its receiver would take (RFC 9293, section 3.10.7.4; RFC 5961). */
bool segment_reset_fits(const struct flow *flow, const struct packet *packet, bool from_low);

#endif

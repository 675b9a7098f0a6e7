/*
 * tcp.h - what the files of one TCP connection share: tcp.c (handshake, segments, ends), tcp_holes.c (what waits for
 * missing bytes). worker.h has what the rest of the folder calls.
 */
#ifndef WIRESCRIBE_STREAMS_TCP_H
#define WIRESCRIBE_STREAMS_TCP_H

#include "streams/worker.h"

/* Who takes the bytes of one side. */
struct tcp_sink {
    struct streams *streams;
    struct flow *flow;
    enum endpoint from;
};

/* The reassembly's way to the reader; `sink` must stay valid as long as the answer is used. */
struct reassembly_sink tcp_sink_of(struct tcp_sink *sink);

/* Whether this side's bytes are held back until the other side's hole is settled. */
bool tcp_is_held_back(const struct tcp_flow *tcp, enum endpoint from);

/* Tells the end of a side whose FIN is reached, and closes the flow when both have ended. */
void tcp_check_end(struct streams *streams, struct flow *flow, enum endpoint from);

/* A FIN that ends the stream at offset `end`; one that does not fit is passed over. */
void tcp_take_fin(struct flow *flow, enum endpoint from, int64_t end);

/* A segment's payload goes into its stream. */
void tcp_take_payload(struct streams *streams, struct flow *flow, const struct packet *packet, enum endpoint from, int64_t offset);

/* A finding about the flow, once a flow. */
void tcp_finding(struct streams *streams, struct flow *flow, enum flow_finding which, int64_t time_us, const char *severity, const char *name,
                 const char *detail, ...) __attribute__((format(printf, 7, 8)));

/* ---- tcp_holes.c ---- */

/* The other side says that it has bytes that were not captured yet: the flow awaits them. */
void tcp_await(struct flow *flow, const struct packet *packet, enum endpoint from);

/* Hands on what does not wait for bytes of the other side any more, of both sides in turn. */
void tcp_hand_on_in_turn(struct streams *streams, struct flow *flow);

/* Where this side's next bytes stand that wait for nothing: while the flow awaits something, behind what they answer. */
struct segment_order tcp_order_now(const struct tcp_flow *tcp, enum endpoint from);

/* After each packet: whether the awaited bytes are there, or are given up. `is_good`: it was not put aside. */
void tcp_settle_awaited(struct streams *streams, struct flow *flow, const struct packet *packet, enum endpoint from, bool is_good);

/* Gives up what is awaited now. */
void tcp_give_up_awaited(struct streams *streams, struct flow *flow);

/*
 * Gives up the first hole of that side, as far as it lies before offset `to`: fills it with segments that were in doubt,
 * else tells the gap. False where there is none.
 */
bool tcp_give_up_hole(struct streams *streams, struct flow *flow, enum endpoint from, uint64_t to, int64_t time_us);

/* Hands on all that is held, with its holes. */
void tcp_flush(struct streams *streams, struct flow *flow);

#endif

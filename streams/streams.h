/*
 * streams.h - the second stage: packets -> flows, ordered bytes for each side, gaps, endings.
 * One `struct streams` a worker; nothing in it is shared with another thread.
 */
#ifndef WIRESCRIBE_STREAMS_STREAMS_H
#define WIRESCRIBE_STREAMS_STREAMS_H

#include "base/flow.h"
#include "base/packet.h"

/* One row of `flow`, written when the flow is over. The tables' documentation stands in flow_record.c. */
extern const struct record_table flow_table;

/* Where each flow's packets lie; see places.h. */
extern const struct record_table flow_packets_table;

/* What happened to packets that a flow's row does not tell. */
enum streams_counter {
    COUNTER_DOUBTED,       /* segments that their receiver has probably not taken; see doubts.h */
    COUNTER_DOUBTED_TAKEN, /* those of them that were acknowledged after all */
    COUNTER_DOUBTED_DROPPED, /* those for which there was no room */
    COUNTER_ACKNOWLEDGMENTS_TAKEN_BACK,
    COUNTER_RESETS_OUTSIDE,
    COUNTER_BEHIND_END,    /* segments behind a FIN, or too far ahead to be believed */
    COUNTER_DUPLICATED,    /* packets that were captured twice within a moment */
    COUNTER_HOLES_GIVEN_UP, /* for want of room */
    COUNTER_EXPECTATIONS_DROPPED, /* because too many data connections were awaited */
    COUNTER_FLOWS_GIVEN_UP, /* ended early for want of memory */
    STREAMS_COUNTERS,
};

struct streams_options {
    const struct stream_reader *reader;
    /* Rows, ids: called on the worker's thread. */
    void *context;
    void (*write)(void *context, const struct record_table *table, const void *record);
    int64_t (*next_id)(void *context, enum id_kind kind);
    const struct recording_options *recording; /* what the reader is to record */
    bool names_flows; /* ask nDPI for each flow's protocol, category and risks */
    enum overlap_policy tcp_policy; /* of the hosts that receive */
    bool is_live;          /* rows of open flows are written from time to time */
    uint64_t memory_limit; /* bytes of all flows of this worker, counted by base/memory.h on its thread */
};

struct streams;

/* NULL with an error logged: out of memory, or nDPI does not start. Call it on one thread after the other. */
struct streams *streams_new(const struct streams_options *options);

/* Packets in the order of capture. */
void streams_packets(struct streams *streams, const struct packet *packets, size_t count);

/* Ends the flows whose timeout is over at `now_us` (capture time). */
void streams_tick(struct streams *streams, int64_t now_us);

/* The capture ended: ends every flow. */
void streams_finish(struct streams *streams);
void streams_free(struct streams *streams);

/* What was counted so far. */
uint64_t streams_counted(const struct streams *streams, enum streams_counter counter);

/* The counter's name and what it means, for the view `anomalies`. */
const char *streams_counter_name(enum streams_counter counter, const char **explanation);

/* Flows seen so far. */
uint64_t streams_flows(const struct streams *streams);

#endif

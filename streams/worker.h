/*
 * worker.h - what the files of this folder share about one worker's streams.
 */
#ifndef WIRESCRIBE_STREAMS_WORKER_H
#define WIRESCRIBE_STREAMS_WORKER_H

#include "base/pool.h"
#include "streams/announcers.h"
#include "streams/expectations.h"
#include "streams/flow_table.h"
#include "streams/naming.h"
#include "streams/streams.h"

/* Flows that may be announced yet, by their server's endpoint; a newer one takes the place of an older one. */
#define EARLY_FLOWS 1024

struct streams {
    struct streams_options options;
    struct worker_services services; /* what the conversations get */
    struct flow_table table;
    struct pool flows_pool;
    struct pool tcp_pool; /* of struct tcp_flow */
    struct expectations *expectations;
    struct announcers *announcers;
    struct flow *early[EARLY_FLOWS];
    struct naming *naming; /* NULL: flows are not named */
    int64_t now_us;        /* newest capture time */
    uint64_t flows;
    uint64_t held_bytes; /* by all streams, waiting for missing bytes */
    uint64_t counters[STREAMS_COUNTERS]; /* by enum streams_counter */
};

/* Remembers where the packet lies; not for a device, whose packets lie nowhere. */
void streams_keep_place(struct streams *streams, struct flow *flow, const struct packet *packet);

/* Opens the reader's conversation for a TCP flow, once. */
void streams_open_conversation(struct streams *streams, struct flow *flow, const struct expectation *expected);

/* Makes a flow from its first packet and puts it in the table. NULL: out of memory. */
struct flow *streams_new_flow(struct streams *streams, const struct packet *packet, const struct flow_key *key, uint64_t hash, bool source_is_low);

/* Ends a flow: hands on what waits, tells the endings, writes the row, frees it. */
void streams_end_flow(struct streams *streams, struct flow *flow, enum ending ending);

/* ---- tcp.c ---- */

/* Allocates what a TCP flow needs. False: out of memory. */
bool tcp_init(struct streams *streams, struct flow *flow);

/* Whether this packet cannot belong to that flow: a new connection between the same endpoints. */
bool tcp_is_new_connection(const struct flow *flow, const struct packet *packet, enum endpoint from);

/*
 * A TCP packet of this flow. May end the flow and answer with another one, when an old connection turns out to have
 * been replaced; NULL when out of memory.
 */
struct flow *tcp_packet(struct streams *streams, struct flow *flow, const struct packet *packet, enum endpoint from);

/* The flow is over: hands on all that is held, tells the gaps and the ends. */
void tcp_end(struct streams *streams, struct flow *flow, enum ending ending);
void tcp_free(struct streams *streams, struct flow *flow);

#endif

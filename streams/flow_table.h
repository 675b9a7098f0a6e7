/*
 * flow_table.h - the flows of one worker: found by their endpoints, kept in lists by timeout.
 */
#ifndef WIRESCRIBE_STREAMS_FLOW_TABLE_H
#define WIRESCRIBE_STREAMS_FLOW_TABLE_H

#include "base/flow.h"
#include "base/packet.h"
#include "streams/places.h"
#include "streams/reassembly.h"
#include "streams/segment_check.h"

/*
 * How long a flow may be silent before it is over, by what it is (seconds of capture time).
 * A packet that comes later starts a new flow, whenever the sweep finds the old one.
 */
enum timeout_class {
    TIMEOUT_TCP_CLOSED,      /* waits for late repetitions and for the last acknowledgment */
    TIMEOUT_TCP_CLOSING,     /* both sides ended, but a FIN is not acknowledged: it will come again */
    TIMEOUT_TCP_ATTEMPT,     /* no answer yet */
    TIMEOUT_DATAGRAM_SINGLE, /* one side only */
    TIMEOUT_DATAGRAM,        /* both sides; ICMP too */
    TIMEOUT_TCP_EMPTY,       /* answered, but no byte was said yet */
    TIMEOUT_TCP_HALF_CLOSED, /* one side has ended */
    TIMEOUT_TCP_OPEN,
    TIMEOUT_TCP_SESSION,     /* a dissector reads it: people leave these open */
    TIMEOUT_CLASSES,
};
#define TIMEOUT_SECONDS_TCP_CLOSED 30
#define TIMEOUT_SECONDS_TCP_CLOSING 120
#define TIMEOUT_SECONDS_TCP_ATTEMPT 120
#define TIMEOUT_SECONDS_DATAGRAM_SINGLE 60
#define TIMEOUT_SECONDS_DATAGRAM 180
#define TIMEOUT_SECONDS_TCP_EMPTY 600
#define TIMEOUT_SECONDS_TCP_HALF_CLOSED 900
#define TIMEOUT_SECONDS_TCP_OPEN 3600
#define TIMEOUT_SECONDS_TCP_SESSION 14400 /* hosts ask after two hours whether the other is still there (RFC 9293, section 3.8.4) */

/*
 * The two endpoints of a flow by the order of their addresses. What is kept for each direction is indexed by these, for
 * which of them is the client may still turn out otherwise.
 */
enum endpoint {
    ENDPOINT_LOW,
    ENDPOINT_HIGH,
};
#define ENDPOINTS 2

/* The endpoints in an order that does not depend on the direction. Hashed as bytes: no padding, unused bytes 0. */
struct flow_key {
    uint8_t low[16];
    uint8_t high[16];
    uint16_t low_port;
    uint16_t high_port;
    uint8_t protocol;
    uint8_t version; /* 4 or 6 */
    uint8_t unused[2];
};

/* TCP flags that were seen of one side, as the flow's state needs them. */
struct tcp_seen {
    bool syn;      /* SYN without ACK */
    bool syn_ack;
    bool fin;
    bool reset;
};

/* The packets whose copies are recognized: a mirror port that copies both ways shows each packet twice. */
#define DUPLICATES_REMEMBERED 4
#define DUPLICATES_US 20000

struct seen_packet {
    uint32_t hash;
    int64_t time_us;
};

/* What only TCP flows have. Owned by the flow. */
struct tcp_flow {
    struct reassembly stream[ENDPOINTS];
    struct tcp_side side[ENDPOINTS];
    struct doubts *doubts[ENDPOINTS]; /* owned; NULL: nothing is in doubt */
    uint8_t unfit_checks;             /* bits 1 << enum doubt: checks that do not fit this flow */
    uint8_t refuted[DOUBTS];          /* doubted segments that were acknowledged after all */
    struct seen_packet recent[DUPLICATES_REMEMBERED];
    unsigned recent_at;
    /* A reset that was believed; what its sender says afterwards may refute it. */
    bool has_reset;
    enum endpoint reset_from;
    int64_t reset_at;           /* offset in its sender's stream */
    int64_t reset_acknowledged; /* what its sender had acknowledged by then */
    struct tcp_seen seen[ENDPOINTS];
    int64_t syn_us;     /* newest SYN before the answer; 0: none */
    int64_t syn_ack_us; /* first SYN with ACK; 0: none */
    /* A SYN that does not belong to this connection: it is a new one if the other side answers it. */
    bool has_other_syn;
    enum endpoint other_syn_from;
    uint32_t other_syn_sequence;
    int64_t other_syn_us;
    struct packet_place other_syn_place;
    /* One side acknowledged bytes of the other that were not captured (yet); see streams.c. */
    bool is_one_sided; /* the other side was awaited in vain before any packet of it */
    bool awaits;
    enum endpoint awaited;
    uint64_t awaited_to;    /* stream offset: what was acknowledged */
    uint64_t awaited_in_order; /* stream offset: up to where its bytes have come by now */
    unsigned awaited_moments; /* packets behind the hole since they last came on, those of the same time counted once */
    int64_t awaited_since_us; /* when they last came on */
    int64_t awaited_newest_us;
};

/* What is noticed about a flow as such. */
enum flow_finding {
    FINDING_OVERLAP_DIFFERS,
    FINDING_INJECTION,
    FINDING_RESET_REFUTED,
    FINDING_RESET_OUTSIDE,
    FINDING_URGENT,
    FINDING_CHECK_UNFIT,
    FINDING_DOUBTED_END,
};

struct flow {
    struct flow_facts facts; /* first: services get it back as a flow */
    struct flow_key key;
    bool client_is_low;
    uint8_t timeout_class;
    bool is_early;      /* it lies among the early flows of struct streams */
    bool is_closed;     /* TCP: both sides ended, or reset */
    bool wants_data;    /* the reader still wants bytes, or datagrams */
    uint8_t datagrams_shown;
    bool has_vlan;
    uint16_t vlan;
    struct tunnel_path *tunnel; /* owned; of its first packet; NULL: none */
    int64_t rtt_us;     /* -1: not known */
    uint64_t packets[ENDPOINTS];
    uint64_t bytes[ENDPOINTS];
    uint64_t missing[ENDPOINTS];
    uint64_t retransmitted[ENDPOINTS];
    uint64_t out_of_order[ENDPOINTS];
    uint8_t findings; /* bits 1 << enum flow_finding: each is told once a flow */
    struct tcp_flow *tcp; /* NULL: not TCP */
    void *conversation;   /* the reader's */
    void *naming;         /* what nDPI knows so far; NULL before the first packet and after it has answered */
    uint16_t ndpi_master; /* nDPI's protocol numbers once it has answered */
    uint16_t ndpi_application;
    uint16_t ndpi_category;
    uint64_t ndpi_risks;
    bool is_named;
    unsigned named_packets; /* packets fed to nDPI */

    struct places places; /* of its packets */
    struct flow *next_in_bucket;
    uint64_t hash;
    int64_t seen_us;      /* newest packet by the clock of timeouts */
    struct flow *earlier; /* in the list of its timeout class */
    struct flow *later;
    int64_t listed_us;
    /* Live: when its row is written next while it is open. */
    struct flow *due_earlier;
    struct flow *due_later;
    int64_t due_us;
    uint8_t due; /* enum due_list */
};

/* Live: flows whose rows are to be written while they are open, by when that is due. */
enum due_list {
    DUE_NEVER,
    DUE_FIRST, /* open for a moment, not written yet */
    DUE_AGAIN,
    DUE_LISTS,
};
#define DUE_SECONDS_FIRST 5
#define DUE_SECONDS_AGAIN 60

static inline enum endpoint endpoint_other(enum endpoint endpoint)
{
    return endpoint == ENDPOINT_LOW ? ENDPOINT_HIGH : ENDPOINT_LOW;
}
/* Which side that endpoint is, as far as is known now. */
static inline enum side flow_side(const struct flow *flow, enum endpoint endpoint)
{
    return (endpoint == ENDPOINT_LOW) == flow->client_is_low ? FROM_CLIENT : FROM_SERVER;
}
static inline enum endpoint flow_endpoint(const struct flow *flow, enum side side)
{
    return (side == FROM_CLIENT) == flow->client_is_low ? ENDPOINT_LOW : ENDPOINT_HIGH;
}

struct flow_list {
    struct flow *first;
    struct flow *last;
};

struct flow_table {
    struct flow **buckets; /* owned; a power of two of them */
    size_t bucket_count;
    size_t flow_count;
    uint64_t seed;
    struct flow_list lists[TIMEOUT_CLASSES];
    struct flow_list due[DUE_LISTS];
};

/* False: out of memory. */
bool flow_table_init(struct flow_table *table);

/* Frees the buckets; the flows must be gone. */
void flow_table_free(struct flow_table *table);

/* The key of a packet with transport fields. *source_is_low tells its direction. */
struct flow_key flow_key_of(const struct packet *packet, bool *source_is_low);

uint64_t flow_table_hash(const struct flow_table *table, const struct flow_key *key);
/* Ask for the memory that flow_table_find will touch: first the bucket, some packets later the flow in it. */
static inline void flow_table_prefetch_bucket(const struct flow_table *table, uint64_t hash)
{
    __builtin_prefetch(&table->buckets[hash & (table->bucket_count - 1)]);
}
static inline void flow_table_prefetch_flow(const struct flow_table *table, uint64_t hash)
{
    const struct flow *flow = table->buckets[hash & (table->bucket_count - 1)];

    if (flow == NULL)
        return;
    __builtin_prefetch(flow);
    __builtin_prefetch(&flow->key);
    __builtin_prefetch(&flow->packets);
    __builtin_prefetch(&flow->hash);
}

/* Of one end alone, for tables beside this one. */
uint64_t flow_table_hash_endpoint(const struct flow_table *table, const struct address *address, uint16_t port);

struct flow *flow_table_find(const struct flow_table *table, const struct flow_key *key, uint64_t hash);

/* The table owns the flow from now on, until flow_table_remove. */
void flow_table_insert(struct flow_table *table, struct flow *flow);
void flow_table_remove(struct flow_table *table, struct flow *flow);

/* Moves the flow to the end of that class's list. */
void flow_table_set_timeout(struct flow_table *table, struct flow *flow, enum timeout_class timeout_class);

/* Microseconds that a flow of that class may be silent. */
int64_t flow_timeout_us(enum timeout_class timeout_class);

/*
 * A flow whose timeout is over at `now_us`, or NULL. Flows that spoke since they were listed go
 * to the end of their list on the way, so that packets need not touch the lists.
 */
struct flow *flow_table_next_expired(struct flow_table *table, int64_t now_us);

/* The first flow of that class for which nothing was seen since it was listed; others go to the end on the way, at most `most`. NULL: none. */
struct flow *flow_table_oldest(struct flow_table *table, enum timeout_class timeout_class, unsigned most);

/* Puts the flow at the end of that list, and takes it out of the one where it is. */
void flow_table_set_due(struct flow_table *table, struct flow *flow, enum due_list list, int64_t due_us);

/* A flow whose row is due at `now_us`, or NULL. */
struct flow *flow_table_next_due(struct flow_table *table, int64_t now_us);

/* Calls `on_flow` with every flow; it may remove that flow. */
void flow_table_each(struct flow_table *table, void *context, void (*on_flow)(void *context, struct flow *flow));

/* Any flow, oldest in its list first; NULL when the table is empty. */
struct flow *flow_table_any(const struct flow_table *table);

#endif

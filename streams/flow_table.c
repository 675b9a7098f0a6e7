/*
 * flow_table.c - see flow_table.h
 *
 * Invariants:
 *   1. each flow is in exactly one bucket and in exactly one timeout list.
 *   2. in each list, listed_us never decreases from first to last.
 */
#include "streams/flow_table.h"

#include "base/memory.h"
#include "base/seed.h"


#define XXH_INLINE_ALL
#include <xxhash.h>

#define FIRST_BUCKETS 4096

bool flow_table_init(struct flow_table *table)
{
    *table = (struct flow_table){.bucket_count = FIRST_BUCKETS};
    table->buckets = memory_new_zeroed(table->bucket_count, sizeof(struct flow *));
    table->seed = seed_new(); /* an attacker who knew it could send all flows into one bucket */
    return table->buckets != NULL;
}

void flow_table_free(struct flow_table *table)
{
    memory_free(table->buckets);
    table->buckets = NULL;
}

struct flow_key flow_key_of(const struct packet *packet, bool *source_is_low)
{
    struct flow_key key = {.protocol = packet->protocol, .version = packet->source.version};
    int order = memcmp(packet->source.bytes, packet->destination.bytes, sizeof packet->source.bytes);

    if (order == 0)
        order = packet->source_port < packet->destination_port ? -1 : 1;
    *source_is_low = order < 0;
    memcpy(key.low, *source_is_low ? packet->source.bytes : packet->destination.bytes, sizeof key.low);
    memcpy(key.high, *source_is_low ? packet->destination.bytes : packet->source.bytes, sizeof key.high);
    key.low_port = *source_is_low ? packet->source_port : packet->destination_port;
    key.high_port = *source_is_low ? packet->destination_port : packet->source_port;
    return key;
}

uint64_t flow_table_hash(const struct flow_table *table, const struct flow_key *key)
{
    return XXH3_64bits_withSeed(key, sizeof *key, table->seed);
}

uint64_t flow_table_hash_endpoint(const struct flow_table *table, const struct address *address, uint16_t port)
{
    return XXH3_64bits_withSeed(address->bytes, sizeof address->bytes, table->seed ^ port);
}

static struct flow **bucket_of(const struct flow_table *table, uint64_t hash)
{
    return &table->buckets[hash & (table->bucket_count - 1)];
}

struct flow *flow_table_find(const struct flow_table *table, const struct flow_key *key, uint64_t hash)
{
    struct flow *flow = *bucket_of(table, hash);

    while (flow != NULL && (flow->hash != hash || memcmp(&flow->key, key, sizeof *key) != 0))
        flow = flow->next_in_bucket;
    return flow;
}

static void grow(struct flow_table *table)
{
    size_t old_count = table->bucket_count;
    struct flow **old = table->buckets;
    struct flow **buckets = memory_new_zeroed(old_count * 2, sizeof(struct flow *));

    if (buckets == NULL)
        return; /* longer chains, but right */
    table->buckets = buckets;
    table->bucket_count = old_count * 2;
    for (size_t i = 0; i < old_count; i++) {
        struct flow *flow = old[i];

        while (flow != NULL) {
            struct flow *next = flow->next_in_bucket;
            struct flow **bucket = bucket_of(table, flow->hash);

            flow->next_in_bucket = *bucket;
            *bucket = flow;
            flow = next;
        }
    }
    memory_free(old);
}

static void unlist(struct flow_table *table, struct flow *flow)
{
    struct flow_list *list = &table->lists[flow->timeout_class];

    *(flow->earlier != NULL ? &flow->earlier->later : &list->first) = flow->later;
    *(flow->later != NULL ? &flow->later->earlier : &list->last) = flow->earlier;
    flow->earlier = NULL;
    flow->later = NULL;
}

static void list_last(struct flow_table *table, struct flow *flow, int64_t listed_us)
{
    struct flow_list *list = &table->lists[flow->timeout_class];

    /* captures may run backwards in time; the list must not */
    if (list->last != NULL && list->last->listed_us > listed_us)
        listed_us = list->last->listed_us;
    flow->listed_us = listed_us;
    flow->earlier = list->last;
    flow->later = NULL;
    *(list->last != NULL ? &list->last->later : &list->first) = flow;
    list->last = flow;
}

void flow_table_insert(struct flow_table *table, struct flow *flow)
{
    struct flow **bucket;

    if (table->flow_count >= table->bucket_count)
        grow(table);
    bucket = bucket_of(table, flow->hash);
    flow->next_in_bucket = *bucket;
    *bucket = flow;
    table->flow_count++;
    list_last(table, flow, flow->seen_us);
}

void flow_table_remove(struct flow_table *table, struct flow *flow)
{
    struct flow **link = bucket_of(table, flow->hash);

    while (*link != flow)
        link = &(*link)->next_in_bucket;
    *link = flow->next_in_bucket;
    table->flow_count--;
    unlist(table, flow);
    flow_table_set_due(table, flow, DUE_NEVER, 0);
}

void flow_table_set_due(struct flow_table *table, struct flow *flow, enum due_list list, int64_t due_us)
{
    struct flow_list *before = &table->due[flow->due];
    struct flow_list *now = &table->due[list];

    if (flow->due != DUE_NEVER) {
        *(flow->due_earlier != NULL ? &flow->due_earlier->due_later : &before->first) = flow->due_later;
        *(flow->due_later != NULL ? &flow->due_later->due_earlier : &before->last) = flow->due_earlier;
    }
    flow->due = (uint8_t)list;
    flow->due_us = due_us;
    if (list == DUE_NEVER)
        return;
    flow->due_earlier = now->last;
    flow->due_later = NULL;
    *(now->last != NULL ? &now->last->due_later : &now->first) = flow;
    now->last = flow;
}

struct flow *flow_table_next_due(struct flow_table *table, int64_t now_us)
{
    for (int list = DUE_FIRST; list < DUE_LISTS; list++) {
        if (table->due[list].first != NULL && table->due[list].first->due_us <= now_us)
            return table->due[list].first;
    }
    return NULL;
}

void flow_table_set_timeout(struct flow_table *table, struct flow *flow, enum timeout_class timeout_class)
{
    unlist(table, flow);
    flow->timeout_class = (uint8_t)timeout_class;
    list_last(table, flow, flow->seen_us);
}

int64_t flow_timeout_us(enum timeout_class timeout_class)
{
    static const int64_t seconds[TIMEOUT_CLASSES] = {
        [TIMEOUT_TCP_CLOSED] = TIMEOUT_SECONDS_TCP_CLOSED,
        [TIMEOUT_TCP_CLOSING] = TIMEOUT_SECONDS_TCP_CLOSING,
        [TIMEOUT_TCP_ATTEMPT] = TIMEOUT_SECONDS_TCP_ATTEMPT,
        [TIMEOUT_DATAGRAM_SINGLE] = TIMEOUT_SECONDS_DATAGRAM_SINGLE,
        [TIMEOUT_DATAGRAM] = TIMEOUT_SECONDS_DATAGRAM,
        [TIMEOUT_TCP_EMPTY] = TIMEOUT_SECONDS_TCP_EMPTY,
        [TIMEOUT_TCP_HALF_CLOSED] = TIMEOUT_SECONDS_TCP_HALF_CLOSED,
        [TIMEOUT_TCP_OPEN] = TIMEOUT_SECONDS_TCP_OPEN,
        [TIMEOUT_TCP_SESSION] = TIMEOUT_SECONDS_TCP_SESSION,
    };

    return seconds[timeout_class] * 1000000;
}

struct flow *flow_table_next_expired(struct flow_table *table, int64_t now_us)
{
    for (int class = 0; class < TIMEOUT_CLASSES; class ++) {
        int64_t timeout_us = flow_timeout_us((enum timeout_class)class);
        struct flow *flow = table->lists[class].first;

        while (flow != NULL && now_us - flow->listed_us > timeout_us) {
            if (now_us - flow->seen_us > timeout_us)
                return flow;
            unlist(table, flow);
            list_last(table, flow, now_us);
            flow = table->lists[class].first;
        }
    }
    return NULL;
}

struct flow *flow_table_oldest(struct flow_table *table, enum timeout_class timeout_class, unsigned most)
{
    for (unsigned i = 0; i < most; i++) {
        struct flow *flow = table->lists[timeout_class].first;

        if (flow == NULL || flow->seen_us <= flow->listed_us || flow->later == NULL)
            return flow;
        unlist(table, flow);
        list_last(table, flow, flow->seen_us);
    }
    return table->lists[timeout_class].first;
}

void flow_table_each(struct flow_table *table, void *context, void (*on_flow)(void *context, struct flow *flow))
{
    for (int class = 0; class < TIMEOUT_CLASSES; class ++) {
        struct flow *next;

        for (struct flow *flow = table->lists[class].first; flow != NULL; flow = next) {
            next = flow->later;
            on_flow(context, flow);
        }
    }
}

struct flow *flow_table_any(const struct flow_table *table)
{
    for (int class = 0; class < TIMEOUT_CLASSES; class ++) {
        if (table->lists[class].first != NULL)
            return table->lists[class].first;
    }
    return NULL;
}

/*
 * streams.c - see streams.h: packets to flows, the names by nDPI, timeouts, the rows.
 */
#include "streams/streams.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "streams/flow_record.h"
#include "streams/tcp.h"
#include "streams/worker.h"

/* Rows of open flows that are written at one tick. */
#define OPEN_ROWS_AT_ONCE 4096
/* Where memory is short, this part of the limit is made free at once, so that it is not short again with the next packet. */
#define RELIEF_PART 32
/* Flows that are looked at to find one that has been silent. */
#define RELIEF_SEARCH 16

/* ---- what conversations may ask for ---- */

static void service_write(void *worker, const struct record_table *table, const void *record)
{
    struct streams *streams = worker;

    streams->options.write(streams->options.context, table, record);
}

static int64_t service_next_id(void *worker, enum id_kind kind)
{
    struct streams *streams = worker;

    return streams->options.next_id(streams->options.context, kind);
}

static struct flow **early_place(struct streams *streams, const struct address *server, uint16_t server_port)
{
    return &streams->early[flow_table_hash_endpoint(&streams->table, server, server_port) % EARLY_FLOWS];
}

/* A new flow that is not expected, between two hosts of which one may announce it yet. */
static void keep_early(struct streams *streams, struct flow *flow)
{
    struct flow **place;

    if (!announcers_has(streams->announcers, &flow->facts.client, &flow->facts.server))
        return;
    place = early_place(streams, &flow->facts.server, flow->facts.server_port);
    if (*place != NULL)
        (*place)->is_early = false;
    *place = flow;
    flow->is_early = true;
}

static void forget_early(struct streams *streams, struct flow *flow)
{
    if (!flow->is_early)
        return;
    flow->is_early = false;
    for (size_t i = 0; i < EARLY_FLOWS; i++) { /* its sides may have been exchanged since */
        if (streams->early[i] == flow)
            streams->early[i] = NULL;
    }
}

static bool is_answer(const struct streams *streams, const struct flow *flow, const struct expectation *expected)
{
    const struct flow_facts *facts = &flow->facts;

    return !expected->by_origin && facts->server_port == expected->server_port && address_equal(&facts->server, &expected->server) &&
           (expected->opener.version == 0 || address_equal(&facts->client, &expected->opener)) &&
           streams->now_us - facts->start_us <= (int64_t)EXPECTATION_EARLY_SECONDS * 1000000;
}

/* Sides that ended when nobody wanted to know. */
static void tell_past_ends(struct streams *streams, struct flow *flow)
{
    for (int endpoint = 0; endpoint < ENDPOINTS; endpoint++) {
        if (flow->tcp->stream[endpoint].has_ended)
            streams->options.reader->end(flow->conversation, flow_side(flow, (enum endpoint)endpoint), flow->tcp->has_reset ? ENDING_RESET : ENDING_FIN,
                                         flow->facts.last_us);
    }
}

/* A flow that was there before its announcement. True where it has taken the announcement. */
static bool claim_early_flow(struct streams *streams, const struct expectation *expected)
{
    struct flow *flow = *early_place(streams, &expected->server, expected->server_port);
    uint64_t passed[SIDE_COUNT];
    bool was_told;

    if (flow == NULL || !is_answer(streams, flow, expected) || streams->options.reader->claim == NULL)
        return false;
    if (flow->conversation == NULL && !flow->wants_data)
        return false;
    forget_early(streams, flow);
    was_told = flow->wants_data;
    for (int side = 0; side < SIDE_COUNT; side++)
        passed[side] = flow->bytes[flow_endpoint(flow, (enum side)side)];
    if (flow->conversation == NULL)
        streams_open_conversation(streams, flow, expected);
    else if (!streams->options.reader->claim(flow->conversation, expected, passed, flow->facts.last_us))
        return false;
    flow->facts.parent_flow_id = expected->parent_flow_id;
    flow->facts.client_is_guessed = false;
    if (!was_told)
        tell_past_ends(streams, flow);
    flow->wants_data = flow->conversation != NULL;
    return true;
}

static bool service_expect(void *worker, const struct expectation *expectation)
{
    struct streams *streams = worker;
    struct expectation by_clock = *expectation;

    by_clock.made_us = streams->now_us;
    if (claim_early_flow(streams, &by_clock))
        return true;
    return expectations_add(streams->expectations, &by_clock);
}

static void service_forget(void *worker, const struct address *server, uint16_t server_port, const void *shared)
{
    struct streams *streams = worker;

    expectations_forget(streams->expectations, server, server_port, shared);
}

static bool service_announces(void *worker, const struct flow_facts *facts, bool begins)
{
    struct streams *streams = worker;

    if (begins)
        return announcers_add(streams->announcers, &facts->client, &facts->server);
    announcers_remove(streams->announcers, &facts->client, &facts->server);
    return true;
}

static bool service_may_be_announced(void *worker, const struct flow_facts *facts)
{
    const struct streams *streams = worker;

    return announcers_has(streams->announcers, &facts->client, &facts->server);
}

static void service_turn_around(void *worker, struct flow_facts *facts)
{
    struct flow *flow = (struct flow *)facts; /* facts is its first member */
    struct address client = facts->client;
    uint16_t client_port = facts->client_port;
    bool has_start = facts->has_start[FROM_CLIENT];

    (void)worker;
    facts->client = facts->server;
    facts->client_port = facts->server_port;
    facts->server = client;
    facts->server_port = client_port;
    facts->has_start[FROM_CLIENT] = facts->has_start[FROM_SERVER];
    facts->has_start[FROM_SERVER] = has_start;
    flow->client_is_low = !flow->client_is_low;
}

struct streams *streams_new(const struct streams_options *options)
{
    struct streams *streams = memory_new_zeroed(1, sizeof *streams);

    if (streams == NULL) {
        log_error("out of memory while a worker starts");
        return NULL;
    }
    streams->options = *options;
    streams->services = (struct worker_services){
        .worker = streams,
        .recording = options->recording,
        .write = service_write,
        .next_id = service_next_id,
        .expect = service_expect,
        .announces = service_announces,
        .may_be_announced = service_may_be_announced,
        .forget = service_forget,
        .turn_around = service_turn_around,
    };
    if (options->reader->begin != NULL)
        streams->services.reader_memory = options->reader->begin();
    streams->now_us = INT64_MIN;
    pool_init(&streams->flows_pool, sizeof(struct flow));
    pool_init(&streams->tcp_pool, sizeof(struct tcp_flow));
    streams->expectations = expectations_new();
    streams->announcers = announcers_new();
    if (!flow_table_init(&streams->table) || streams->expectations == NULL || streams->announcers == NULL) {
        log_error("out of memory while a worker starts");
        streams_free(streams);
        return NULL;
    }
    if (options->names_flows) {
        streams->naming = naming_new();
        if (streams->naming == NULL) {
            streams_free(streams);
            return NULL;
        }
    }
    return streams;
}

void streams_free(struct streams *streams)
{
    if (streams == NULL)
        return;
    expectations_free(streams->expectations);
    announcers_free(streams->announcers);
    if (streams->options.reader->finish != NULL)
        streams->options.reader->finish(streams->services.reader_memory);
    naming_free(streams->naming);
    flow_table_free(&streams->table);
    pool_free(&streams->flows_pool);
    pool_free(&streams->tcp_pool);
    memory_free(streams);
}

uint64_t streams_flows(const struct streams *streams)
{
    return streams->flows;
}

uint64_t streams_counted(const struct streams *streams, enum streams_counter counter)
{
    if (counter == COUNTER_EXPECTATIONS_DROPPED)
        return expectations_dropped(streams->expectations);
    return streams->counters[counter];
}

const char *streams_counter_name(enum streams_counter counter, const char **explanation)
{
    static const struct {
        const char *name;
        const char *explanation;
    } texts[STREAMS_COUNTERS] = {
        [COUNTER_DOUBTED] = {"tcp_doubted", "segments that their receiver has probably not taken: wrong checksum, TTL, timestamp, window, ACK"},
        [COUNTER_DOUBTED_TAKEN] = {"tcp_doubted_taken", "... that were acknowledged after all, and were taken then"},
        [COUNTER_DOUBTED_DROPPED] = {"tcp_doubted_dropped", "... that were dropped for want of room to keep them aside"},
        [COUNTER_ACKNOWLEDGMENTS_TAKEN_BACK] = {"tcp_acknowledgment_taken_back", "acknowledgments of bytes that nobody had sent, which their sender did not repeat"},
        [COUNTER_RESETS_OUTSIDE] = {"tcp_reset_outside", "resets outside what their receiver would take"},
        [COUNTER_BEHIND_END] = {"tcp_behind_end", "segments behind a FIN, or too far ahead to be believed"},
        [COUNTER_DUPLICATED] = {"tcp_duplicated", "packets that were captured twice within a moment"},
        [COUNTER_HOLES_GIVEN_UP] = {"holes_given_up", "holes in a stream that were given up because too much waited behind them"},
        [COUNTER_EXPECTATIONS_DROPPED] = {"expectations_dropped", "announced data connections that were forgotten because too many were awaited"},
        [COUNTER_FLOWS_GIVEN_UP] = {"flows_given_up", "flows that were ended early for want of memory"},
    };

    *explanation = texts[counter].explanation;
    return texts[counter].name;
}

/* ---- names ---- */

static void keep_answer(struct streams *streams, struct flow *flow, const struct naming_answer *answer)
{
    flow->ndpi_master = answer->master;
    flow->ndpi_application = answer->application;
    flow->ndpi_category = answer->category;
    flow->ndpi_risks = answer->risks;
    flow->is_named = true;
    naming_give_back(streams->naming, flow->naming);
    flow->naming = NULL;
}

static void feed_naming(struct streams *streams, struct flow *flow, const struct packet *packet)
{
    struct naming_answer answer;

    if (streams->naming == NULL || flow->is_named || packet->payload.length == 0)
        return;
    if (flow->naming == NULL)
        flow->naming = naming_open(streams->naming);
    if (flow->naming == NULL)
        return;
    flow->named_packets++;
    if (naming_feed(streams->naming, flow->naming, packet->ip, packet->time_us, &answer)) {
        keep_answer(streams, flow, &answer);
    } else if (flow->named_packets >= NAMING_PACKETS) {
        naming_conclude(streams->naming, flow->naming, &answer);
        keep_answer(streams, flow, &answer);
    }
}

/* A flow without payload is named by its endpoints alone. */
static void conclude_naming(struct streams *streams, struct flow *flow)
{
    struct naming_answer answer;

    if (streams->naming == NULL || flow->is_named)
        return;
    if (flow->naming == NULL) {
        flow->naming = naming_open(streams->naming);
        if (flow->naming == NULL)
            return;
        naming_feed_endpoints(streams->naming, flow->naming, &flow->facts.client, &flow->facts.server, flow->key.protocol, flow->facts.client_port,
                              flow->facts.server_port, flow->facts.start_us);
    }
    naming_conclude(streams->naming, flow->naming, &answer);
    keep_answer(streams, flow, &answer);
}

/* ---- flows ---- */

void streams_open_conversation(struct streams *streams, struct flow *flow, const struct expectation *expected)
{
    if (flow->conversation != NULL || !flow->wants_data)
        return;
    flow->conversation = streams->options.reader->open(&streams->services, &flow->facts, expected);
    flow->wants_data = flow->conversation != NULL;
    for (int endpoint = 0; endpoint < ENDPOINTS && flow->conversation != NULL; endpoint++) {
        /* a side that ended without a word, before the other said anything */
        if (flow->tcp->stream[endpoint].has_ended)
            streams->options.reader->end(flow->conversation, flow_side(flow, (enum endpoint)endpoint), ENDING_FIN, flow->facts.last_us);
    }
}

/* Whether the packet's source is the client; *is_guess where only ports and order say so. */
static bool source_is_client(const struct packet *packet, bool *is_guess)
{
    bool source_is_low = packet->source_port < 1024;
    bool destination_is_low = packet->destination_port < 1024;

    *is_guess = false;
    if (packet->protocol == IP_PROTOCOL_TCP) {
        if ((packet->tcp_flags & TCP_SYN) != 0)
            return (packet->tcp_flags & TCP_ACK) == 0;
        *is_guess = true;
    } else if (packet->protocol != IP_PROTOCOL_UDP && packet->protocol != IP_PROTOCOL_SCTP) {
        return true;
    }
    if (source_is_low != destination_is_low) {
        *is_guess = *is_guess || source_is_low;
        return !source_is_low;
    }
    return true;
}

static bool find_expectation(struct streams *streams, struct flow_facts *facts, struct expectation *expected)
{
    struct expectations *expectations = streams->expectations;
    int64_t now_us = streams->now_us;

    if (expectations_count(expectations) == 0)
        return false;
    if (expectations_take(expectations, &facts->server, facts->server_port, &facts->client, now_us, expected))
        return true;
    if (facts->client_is_guessed && expectations_take(expectations, &facts->client, facts->client_port, &facts->server, now_us, expected)) {
        service_turn_around(streams, facts);
        return true;
    }
    return expectations_has_origins(expectations) &&
           expectations_take_from(expectations, &facts->client, facts->client_port, &facts->server, now_us, expected);
}

/* A TCP flow to an announced endpoint: it is the announced data connection. */
static void meet_expectation(struct streams *streams, struct flow *flow)
{
    struct flow_facts *facts = &flow->facts;
    struct expectation expected;

    if (!find_expectation(streams, facts, &expected)) {
        keep_early(streams, flow);
        return;
    }
    facts->client_is_guessed = false;
    facts->parent_flow_id = expected.parent_flow_id;
    streams_open_conversation(streams, flow, &expected);
}

/* NULL: no tunnel (or no memory, which costs no more than the column). */
static struct tunnel_path *copy_tunnel(const struct tunnel_path *path)
{
    struct tunnel_path *copy = path->count > 0 ? memory_new(sizeof *copy) : NULL;

    if (copy != NULL)
        *copy = *path;
    return copy;
}

static void free_flow(struct streams *streams, struct flow *flow)
{
    memory_free(flow->tunnel);
    pool_give(&streams->flows_pool, flow);
}

struct flow *streams_new_flow(struct streams *streams, const struct packet *packet, const struct flow_key *key, uint64_t hash, bool source_is_low)
{
    struct flow *flow = pool_take(&streams->flows_pool);
    struct flow_facts *facts;
    bool is_client;

    if (flow == NULL)
        return NULL;
    flow->key = *key;
    flow->hash = hash;
    flow->rtt_us = -1;
    flow->has_vlan = packet->has_vlan;
    flow->vlan = packet->vlan;
    flow->tunnel = copy_tunnel(&packet->tunnel);
    facts = &flow->facts;
    is_client = source_is_client(packet, &facts->client_is_guessed);
    flow->client_is_low = is_client == source_is_low;
    facts->flow_id = streams->options.next_id(streams->options.context, ID_FLOW);
    facts->capture_id = packet->capture_id;
    facts->start_us = packet->time_us;
    facts->last_us = packet->time_us;
    facts->client = is_client ? packet->source : packet->destination;
    facts->server = is_client ? packet->destination : packet->source;
    facts->client_port = is_client ? packet->source_port : packet->destination_port;
    facts->server_port = is_client ? packet->destination_port : packet->source_port;
    flow->seen_us = packet->clock_us;
    flow->timeout_class = packet->protocol == IP_PROTOCOL_TCP ? TIMEOUT_TCP_ATTEMPT : TIMEOUT_DATAGRAM_SINGLE;
    flow->wants_data = packet->protocol == IP_PROTOCOL_TCP;
    if (flow->wants_data && !tcp_init(streams, flow)) {
        free_flow(streams, flow);
        return NULL;
    }
    streams->flows++;
    flow_table_insert(&streams->table, flow);
    if (streams->options.is_live)
        flow_table_set_due(&streams->table, flow, DUE_FIRST, streams->now_us + (int64_t)DUE_SECONDS_FIRST * 1000000);
    if (flow->wants_data)
        meet_expectation(streams, flow);
    else
        flow->wants_data = packet->protocol == IP_PROTOCOL_UDP && streams->options.reader->open_datagrams != NULL;
    return flow;
}

static struct places_writer places_writer_of(const struct streams *streams, const struct flow *flow)
{
    return (struct places_writer){.flow_id = flow->facts.flow_id, .context = streams->options.context, .write = streams->options.write};
}

void streams_keep_place(struct streams *streams, struct flow *flow, const struct packet *packet)
{
    const struct places_writer writer = places_writer_of(streams, flow);

    if (!streams->options.is_live)
        places_add(&flow->places, packet, &writer);
}

void streams_end_flow(struct streams *streams, struct flow *flow, enum ending ending)
{
    const struct places_writer writer = places_writer_of(streams, flow);

    if (flow->tcp != NULL)
        tcp_end(streams, flow, ending);
    if (flow->conversation != NULL)
        streams->options.reader->close(flow->conversation, flow->facts.last_us);
    conclude_naming(streams, flow);
    places_end(&flow->places, &writer);
    flow_record_write(flow, streams->naming, streams->options.context, streams->options.write);
    forget_early(streams, flow);
    flow_table_remove(&streams->table, flow);
    tcp_free(streams, flow);
    free_flow(streams, flow);
}

static bool is_over(const struct flow *flow, int64_t now_us)
{
    return now_us - flow->seen_us > flow_timeout_us((enum timeout_class)flow->timeout_class);
}

static void count_datagram(struct flow *flow, const struct packet *packet, enum endpoint from)
{
    flow->bytes[from] += packet->payload.length;
    flow->missing[from] += packet->payload_length - packet->payload.length;
}

/* Shows the reader the next datagram of a flow that it reads, or may want to read. */
static void show_datagram(struct streams *streams, struct flow *flow, const struct packet *packet, enum endpoint from)
{
    const struct stream_reader *reader = streams->options.reader;

    if (packet->payload.length == 0)
        return;
    if (flow->conversation == NULL)
        flow->conversation = reader->open_datagrams(&streams->services, &flow->facts, flow_side(flow, from), packet->payload, packet->time_us);
    /* the reader may have found who is the client */
    flow->wants_data = flow->conversation != NULL && reader->datagram(flow->conversation, flow_side(flow, from), packet->payload, packet->time_us) &&
                       ++flow->datagrams_shown < DATAGRAMS_SHOWN;
}

static bool is_end_acknowledged(const struct tcp_flow *tcp, enum endpoint sender)
{
    const struct tcp_side *receiver = &tcp->side[endpoint_other(sender)];

    return tcp->stream[sender].has_fin && receiver->has_acknowledged && receiver->acknowledged > (int64_t)tcp->stream[sender].fin_at;
}

/* How long the flow may be silent, by what it has come to. */
static enum timeout_class timeout_of(const struct flow *flow)
{
    bool has_both = flow->packets[ENDPOINT_LOW] > 0 && flow->packets[ENDPOINT_HIGH] > 0;

    if (flow->tcp == NULL)
        return has_both || (flow->key.protocol != IP_PROTOCOL_UDP && flow->key.protocol != IP_PROTOCOL_SCTP) ? TIMEOUT_DATAGRAM : TIMEOUT_DATAGRAM_SINGLE;
    /* bytes before a FIN may still be missing */
    if (flow->is_closed || (flow->tcp->seen[ENDPOINT_LOW].fin && flow->tcp->seen[ENDPOINT_HIGH].fin))
        return flow->tcp->has_reset || (is_end_acknowledged(flow->tcp, ENDPOINT_LOW) && is_end_acknowledged(flow->tcp, ENDPOINT_HIGH))
                   ? TIMEOUT_TCP_CLOSED
                   : TIMEOUT_TCP_CLOSING;
    if (flow->tcp->stream[ENDPOINT_LOW].has_ended || flow->tcp->stream[ENDPOINT_HIGH].has_ended)
        return TIMEOUT_TCP_HALF_CLOSED;
    if (flow->facts.protocol != NULL)
        return TIMEOUT_TCP_SESSION;
    if (flow->bytes[ENDPOINT_LOW] + flow->bytes[ENDPOINT_HIGH] > 0 || flow->tcp->stream[ENDPOINT_LOW].held_count > 0 ||
        flow->tcp->stream[ENDPOINT_HIGH].held_count > 0)
        return TIMEOUT_TCP_OPEN;
    return has_both ? TIMEOUT_TCP_EMPTY : TIMEOUT_TCP_ATTEMPT;
}

static void update_timeout(struct streams *streams, struct flow *flow)
{
    enum timeout_class timeout_class = timeout_of(flow);

    if (flow->timeout_class != timeout_class)
        flow_table_set_timeout(&streams->table, flow, timeout_class);
}

/* What is computed ahead of a packet's turn. */
struct prepared {
    struct flow_key key;
    uint64_t hash;
    bool source_is_low;
};

static void prepare(const struct streams *streams, const struct packet *packet, struct prepared *prepared)
{
    prepared->key = flow_key_of(packet, &prepared->source_is_low);
    prepared->hash = flow_table_hash(&streams->table, &prepared->key);
}

/* A whole packet with its transport fields. */
static void on_packet(struct streams *streams, const struct packet *packet, const struct prepared *prepared)
{
    bool source_is_low = prepared->source_is_low;
    enum endpoint from = source_is_low ? ENDPOINT_LOW : ENDPOINT_HIGH;
    uint64_t hash = prepared->hash;
    struct flow *flow = flow_table_find(&streams->table, &prepared->key, hash);

    if (flow != NULL && is_over(flow, packet->clock_us)) {
        streams_end_flow(streams, flow, ENDING_TIMEOUT);
        flow = NULL;
    }
    if (flow != NULL && flow->tcp != NULL && tcp_is_new_connection(flow, packet, from)) {
        streams_end_flow(streams, flow, ENDING_TIMEOUT);
        flow = NULL;
    }
    if (flow == NULL)
        flow = streams_new_flow(streams, packet, &prepared->key, hash, source_is_low);
    if (flow == NULL)
        return;
    if (packet->time_us > flow->facts.last_us)
        flow->facts.last_us = packet->time_us;
    flow->seen_us = packet->clock_us;
    flow->packets[from] += packet->places != NULL ? packet->place_count : 1;
    feed_naming(streams, flow, packet);
    if (flow->tcp == NULL) {
        count_datagram(flow, packet, from);
        if (flow->wants_data)
            show_datagram(streams, flow, packet, from);
    } else {
        flow = tcp_packet(streams, flow, packet, from);
        if (flow == NULL)
            return;
    }
    streams_keep_place(streams, flow, packet);
    update_timeout(streams, flow);
}

/* ---- memory ---- */

/* What waits for missing bytes goes on without them; where nothing waits any more, the flow is ended. */
static void give_up_oldest(struct streams *streams, struct flow *flow)
{
    if (flow->tcp != NULL && flow->tcp->stream[ENDPOINT_LOW].held_count + flow->tcp->stream[ENDPOINT_HIGH].held_count > 0) {
        streams->counters[COUNTER_HOLES_GIVEN_UP]++;
        tcp_flush(streams, flow);
        flow_table_set_timeout(&streams->table, flow, (enum timeout_class)flow->timeout_class); /* its turn has passed */
        return;
    }
    streams->counters[COUNTER_FLOWS_GIVEN_UP]++;
    streams_end_flow(streams, flow, ENDING_TIMEOUT);
}

/*
 * Keeps the worker within its memory: the oldest flows of the emptiest kind go first, in the order of enum timeout_class
 * (closed ones, attempts without an answer, datagrams, ... sessions last).
 */
static void relieve(struct streams *streams)
{
    uint64_t limit = streams->options.memory_limit;

    if (memory_in_use() <= limit)
        return;
    limit -= limit / RELIEF_PART;
    for (int class = 0; class < TIMEOUT_CLASSES; class ++) {
        struct flow *flow;

        while (memory_in_use() > limit && (flow = flow_table_oldest(&streams->table, (enum timeout_class)class, RELIEF_SEARCH)) != NULL)
            give_up_oldest(streams, flow);
    }
}

/* How many packets ahead a flow's memory is asked for: most of a packet's time would be waiting for it otherwise. */
#define AHEAD_BUCKET 8
#define AHEAD_FLOW 4
#define AHEAD_RING 16 /* a power of two above both */

static bool has_flow(const struct packet *packet)
{
    return packet->decoded == DECODED && packet->has_transport;
}

static void look_ahead(struct streams *streams, const struct packet *packets, size_t count, size_t at, struct prepared ring[AHEAD_RING])
{
    if (at + AHEAD_BUCKET < count && has_flow(&packets[at + AHEAD_BUCKET])) {
        struct prepared *prepared = &ring[(at + AHEAD_BUCKET) % AHEAD_RING];

        prepare(streams, &packets[at + AHEAD_BUCKET], prepared);
        flow_table_prefetch_bucket(&streams->table, prepared->hash);
    }
    if (at + AHEAD_FLOW < count && has_flow(&packets[at + AHEAD_FLOW]))
        flow_table_prefetch_flow(&streams->table, ring[(at + AHEAD_FLOW) % AHEAD_RING].hash);
}

/* A packet whose time may still prove wrong moves nobody's clock but its own flow's: the next tick tells. */
static void follow_clock(struct streams *streams, int64_t clock_us)
{
    if (streams->now_us == INT64_MIN || (clock_us > streams->now_us && clock_us - streams->now_us <= CLOCK_AHEAD_US))
        streams->now_us = clock_us;
}

void streams_packets(struct streams *streams, const struct packet *packets, size_t count)
{
    struct prepared ring[AHEAD_RING];

    for (size_t i = 0; i < count && i < AHEAD_BUCKET; i++) {
        if (has_flow(&packets[i]))
            prepare(streams, &packets[i], &ring[i]);
    }
    for (size_t i = 0; i < count; i++) {
        const struct packet *packet = &packets[i];

        look_ahead(streams, packets, count, i, ring);
        if (packet->decoded != DECODED)
            continue;
        follow_clock(streams, packet->clock_us);
        if (packet->has_transport)
            on_packet(streams, packet, &ring[i % AHEAD_RING]);
    }
    relieve(streams);
}

/* Live: writes what is known so far of flows that are still open. */
static void write_open_flows(struct streams *streams)
{
    struct flow *flow;

    for (unsigned i = 0; i < OPEN_ROWS_AT_ONCE && (flow = flow_table_next_due(&streams->table, streams->now_us)) != NULL; i++) {
        if (flow->due == DUE_FIRST || flow->seen_us > flow->due_us - (int64_t)DUE_SECONDS_AGAIN * 1000000) {
            if (flow->conversation != NULL && streams->options.reader->refresh != NULL)
                streams->options.reader->refresh(flow->conversation, flow->facts.last_us);
            flow_record_write(flow, streams->naming, streams->options.context, streams->options.write);
        }
        flow_table_set_due(&streams->table, flow, DUE_AGAIN, streams->now_us + (int64_t)DUE_SECONDS_AGAIN * 1000000);
    }
}

/* A data connection tells its control connection what it has seen: it must end first. */
static void end_child(void *context, struct flow *flow)
{
    if (flow->facts.parent_flow_id != 0)
        streams_end_flow(context, flow, ENDING_CAPTURE);
}

void streams_tick(struct streams *streams, int64_t now_us)
{
    struct flow *flow;

    if (now_us > streams->now_us)
        streams->now_us = now_us;
    while ((flow = flow_table_next_expired(&streams->table, streams->now_us)) != NULL)
        streams_end_flow(streams, flow, ENDING_TIMEOUT);
    expectations_expire(streams->expectations, streams->now_us);
    if (streams->options.reader->tick != NULL)
        streams->options.reader->tick(streams->services.reader_memory);
    write_open_flows(streams);
}

void streams_finish(struct streams *streams)
{
    struct flow *flow;

    flow_table_each(&streams->table, streams, end_child);
    while ((flow = flow_table_any(&streams->table)) != NULL)
        streams_end_flow(streams, flow, ENDING_CAPTURE);
}

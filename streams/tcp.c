/*
 * tcp.c - one TCP connection (RFC 9293): handshake, both sides' reassembly, holes, ends.
 *
 * Holes. A hole that the network made is filled by a retransmission. A hole that
 * the capture made shows when the other side acknowledges bytes that were never
 * seen. But captures also swap packets: the acknowledgment, and even the answer,
 * may stand before the bytes that they answer. So the flow then *awaits* those
 * bytes for REORDER_MOMENTS packets of its own or REORDER_US, and holds back what
 * the answering side says meanwhile; after that the hole is given up and told.
 * Where the other side is not seen at all, a hole is given up once
 * ONE_SIDED_SEGMENTS wait behind it, and in any case at reassembly's limits.
 *
 * Leaves out, for now: validation of RST and data against the receiver's window,
 * timestamps (RFC 7323), checksums. Urgent data (RFC 6093) stays in line, where
 * it stands in the stream.
 */
#include "streams/worker.h"

#include "base/finding.h"

#include <stdio.h>
#include <stdlib.h>

#define REORDER_MOMENTS 8
#define REORDER_US 500000
#define ONE_SIDED_SEGMENTS 32
/* A reset, or an acknowledgment during the handshake, further away than this does not belong to the stream. */
#define PLAUSIBLE_DISTANCE (1 << 20)

struct tcp_sink {
    struct streams *streams;
    struct flow *flow;
    enum endpoint from;
};

static void on_bytes(void *argument, struct bytes bytes, int64_t time_us)
{
    struct tcp_sink *sink = argument;
    struct flow *flow = sink->flow;

    flow->bytes[sink->from] += bytes.length;
    if (!flow->wants_data)
        return;
    streams_open_conversation(sink->streams, flow, NULL);
    if (flow->conversation != NULL)
        flow->wants_data = sink->streams->options.reader->data(flow->conversation, flow_side(flow, sink->from), bytes, time_us);
}

static void on_missing(void *argument, uint64_t count, int64_t time_us)
{
    struct tcp_sink *sink = argument;
    struct flow *flow = sink->flow;

    flow->missing[sink->from] += count;
    if (!flow->wants_data)
        return;
    streams_open_conversation(sink->streams, flow, NULL);
    if (flow->conversation != NULL)
        flow->wants_data = sink->streams->options.reader->gap(flow->conversation, flow_side(flow, sink->from), count, time_us);
}

static struct reassembly_sink sink_of(struct tcp_sink *sink)
{
    return (struct reassembly_sink){.sink = sink, .data = on_bytes, .gap = on_missing};
}

bool tcp_init(struct flow *flow)
{
    flow->tcp = calloc(1, sizeof *flow->tcp);
    return flow->tcp != NULL;
}

void tcp_free(struct streams *streams, struct flow *flow)
{
    if (flow->tcp == NULL)
        return;
    for (int endpoint = 0; endpoint < ENDPOINTS; endpoint++)
        reassembly_free(&flow->tcp->stream[endpoint], &streams->held_bytes);
    free(flow->tcp);
    flow->tcp = NULL;
}

static void open_stream(struct flow *flow, enum endpoint from, uint32_t first_sequence, bool has_start)
{
    reassembly_open(&flow->tcp->stream[from], first_sequence, has_start);
    flow->facts.has_start[flow_side(flow, from)] = has_start;
}

/* Tells one side's end to the reader, once. */
static void tell_end(struct streams *streams, struct flow *flow, enum endpoint from, enum ending ending)
{
    struct reassembly *stream = &flow->tcp->stream[from];

    if (stream->has_ended)
        return;
    stream->has_ended = true;
    if (flow->conversation != NULL && flow->wants_data)
        streams->options.reader->end(flow->conversation, flow_side(flow, from), ending, flow->facts.last_us);
}

static void close_flow(struct streams *streams, struct flow *flow)
{
    if (flow->is_closed)
        return;
    flow->is_closed = true;
    flow_table_set_timeout(&streams->table, flow, TIMEOUT_TCP_CLOSED);
}

/* Whether this side's bytes are held back until the other side's hole is settled. */
static bool is_held_back(const struct tcp_flow *tcp, enum endpoint from)
{
    return tcp->awaits && tcp->awaited != from;
}

static void check_end(struct streams *streams, struct flow *flow, enum endpoint from)
{
    struct tcp_flow *tcp = flow->tcp;

    if (!is_held_back(tcp, from) && tcp->stream[from].has_fin && tcp->stream[from].next >= tcp->stream[from].fin_at)
        tell_end(streams, flow, from, ENDING_FIN);
    if (tcp->stream[ENDPOINT_LOW].has_ended && tcp->stream[ENDPOINT_HIGH].has_ended)
        close_flow(streams, flow);
}

/* Hands on what one side holds in order, as far as it was captured at `until_us` or earlier. */
static void drain_until(struct streams *streams, struct flow *flow, enum endpoint from, int64_t until_us)
{
    struct tcp_sink sink = {.streams = streams, .flow = flow, .from = from};
    struct reassembly_sink reassembly_sink = sink_of(&sink);

    reassembly_drain(&flow->tcp->stream[from], &reassembly_sink, 0, until_us, &streams->held_bytes);
}

/* The same, as far as it is no newer than what the other side holds in order. */
static void drain_older(struct streams *streams, struct flow *flow, enum endpoint from)
{
    int64_t until_us;

    if (!reassembly_is_ready(&flow->tcp->stream[endpoint_other(from)], &until_us))
        until_us = INT64_MAX;
    drain_until(streams, flow, from, until_us);
}

/* The hole is filled or given up: what both sides hold since then goes on, in the order in which it was captured. */
static void release_held_back(struct streams *streams, struct flow *flow)
{
    enum endpoint awaited = flow->tcp->awaited;
    enum endpoint other = endpoint_other(awaited);
    int64_t time_us;

    flow->tcp->awaits = false;
    while (reassembly_is_ready(&flow->tcp->stream[awaited], &time_us) || reassembly_is_ready(&flow->tcp->stream[other], &time_us)) {
        drain_older(streams, flow, awaited);
        drain_older(streams, flow, other);
    }
    check_end(streams, flow, awaited);
    check_end(streams, flow, other);
}

/* Gives up the first hole of the awaited side, as far as it lies before offset `to`. False where there is none. */
static bool give_up_hole(struct streams *streams, struct flow *flow, uint64_t to)
{
    struct tcp_flow *tcp = flow->tcp;
    struct reassembly *stream = &tcp->stream[tcp->awaited];
    struct tcp_sink sink = {.streams = streams, .flow = flow, .from = tcp->awaited};
    struct reassembly_sink reassembly_sink = sink_of(&sink);

    return stream->next < to && reassembly_give_up_hole(stream, &reassembly_sink, to, tcp->awaited_since_us, &streams->held_bytes);
}

/*
 * What the other side had acknowledged when it was first held back comes first; behind that both sides go on in the
 * order in which they were captured.
 */
static void give_up_awaited(struct streams *streams, struct flow *flow)
{
    struct tcp_flow *tcp = flow->tcp;
    struct reassembly *stream = &tcp->stream[tcp->awaited];
    int64_t captured_us;

    while (give_up_hole(streams, flow, tcp->awaited_first))
        continue;
    while (reassembly_in_order_to(stream) < tcp->awaited_to) {
        drain_older(streams, flow, tcp->awaited);
        if (reassembly_is_ready(stream, &captured_us))
            drain_until(streams, flow, endpoint_other(tcp->awaited), captured_us);
        else if (!give_up_hole(streams, flow, stream->held_count > 0 && stream->held[0].start < tcp->awaited_to ? stream->held[0].start : tcp->awaited_to))
            break;
    }
    release_held_back(streams, flow);
}

/* Hands on all that is held, with its holes. */
static void flush(struct streams *streams, struct flow *flow)
{
    if (flow->tcp->awaits)
        give_up_awaited(streams, flow);
    for (int endpoint = 0; endpoint < ENDPOINTS; endpoint++) {
        struct tcp_sink sink = {.streams = streams, .flow = flow, .from = (enum endpoint)endpoint};
        struct reassembly_sink reassembly_sink = sink_of(&sink);
        struct reassembly *stream = &flow->tcp->stream[endpoint];

        while (stream->held_count > 0 && reassembly_give_up_hole(stream, &reassembly_sink, UINT64_MAX, flow->facts.last_us, &streams->held_bytes))
            continue;
        check_end(streams, flow, (enum endpoint)endpoint);
    }
}

void tcp_end(struct streams *streams, struct flow *flow, enum ending ending)
{
    flush(streams, flow);
    tell_end(streams, flow, flow_endpoint(flow, FROM_CLIENT), ending);
    tell_end(streams, flow, flow_endpoint(flow, FROM_SERVER), ending);
}

/* ---- handshake ---- */

static bool is_answered(const struct tcp_flow *tcp, enum endpoint by)
{
    return tcp->stream[by].is_open;
}

bool tcp_is_new_connection(const struct flow *flow, const struct packet *packet, enum endpoint from)
{
    const struct tcp_flow *tcp = flow->tcp;
    const struct reassembly *stream = &tcp->stream[from];

    if ((packet->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN)
        return false;
    if (stream->is_open && stream->has_start && stream->base == packet->sequence + 1)
        return false; /* the same SYN again */
    if (flow->is_closed)
        return true;
    if (!stream->is_open)
        /* a SYN seen late: the answer to it was captured first, or both sides open at the same time */
        return !tcp->seen[endpoint_other(from)].syn_ack && !tcp->seen[endpoint_other(from)].syn;
    if (!stream->has_start)
        return true; /* begun in the middle, and now begun anew */
    return !is_answered(tcp, endpoint_other(from)) && stream->next == 0 && stream->held_count == 0;
}

/* The SYN-ACK, or the first data behind it, shows that a second SYN was a new connection. */
static bool answers_other_syn(const struct tcp_flow *tcp, const struct packet *packet, enum endpoint from)
{
    uint32_t first = tcp->other_syn_sequence + 1;

    if (!tcp->has_other_syn)
        return false;
    if (from == tcp->other_syn_from)
        return packet->payload_length > 0 && (packet->tcp_flags & TCP_SYN) == 0 && packet->sequence == first;
    return (packet->tcp_flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK) && packet->acknowledgment == first;
}

/* Ends the old connection and begins the new one with the SYN that was remembered. */
static struct flow *replace_connection(struct streams *streams, struct flow *flow, const struct packet *packet, enum endpoint from)
{
    struct flow_key key = flow->key;
    uint64_t hash = flow->hash;
    enum endpoint client = flow->tcp->other_syn_from;
    uint32_t sequence = flow->tcp->other_syn_sequence;
    int64_t syn_us = flow->tcp->other_syn_us;
    struct packet syn = *packet;
    bool source_is_low = client == ENDPOINT_LOW;

    flow->packets[client]--; /* that SYN was counted here */
    streams_end_flow(streams, flow, ENDING_TIMEOUT);
    if (from != client) {
        syn.source = packet->destination;
        syn.destination = packet->source;
        syn.source_port = packet->destination_port;
        syn.destination_port = packet->source_port;
    }
    syn.tcp_flags = TCP_SYN;
    syn.sequence = sequence;
    syn.time_us = syn_us;
    syn.payload = bytes_of(NULL, 0);
    syn.payload_length = 0;
    flow = streams_new_flow(streams, &syn, &key, hash, source_is_low);
    if (flow == NULL)
        return NULL;
    flow->packets[client]++;
    return tcp_packet(streams, flow, &syn, client);
}

static void on_syn(struct flow *flow, const struct packet *packet, enum endpoint from)
{
    struct tcp_flow *tcp = flow->tcp;
    struct reassembly *stream = &tcp->stream[from];

    if (!stream->is_open)
        open_stream(flow, from, packet->sequence + 1, true);
    if (stream->base == packet->sequence + 1) {
        tcp->seen[from].syn = true;
        if (tcp->syn_ack_us == 0)
            tcp->syn_us = packet->time_us;
        return;
    }
    tcp->has_other_syn = true;
    tcp->other_syn_from = from;
    tcp->other_syn_sequence = packet->sequence;
    tcp->other_syn_us = packet->time_us;
}

/* The sender of a SYN-ACK is the server. */
static void learn_server(struct streams *streams, struct flow *flow, enum endpoint server)
{
    if (!flow->facts.client_is_guessed || flow->conversation != NULL)
        return;
    if (flow_side(flow, server) == FROM_CLIENT)
        streams->services.turn_around(streams, &flow->facts);
    flow->facts.client_is_guessed = false;
}

static void on_syn_ack(struct streams *streams, struct flow *flow, const struct packet *packet, enum endpoint from)
{
    struct tcp_flow *tcp = flow->tcp;
    struct reassembly *stream = &tcp->stream[from];
    struct reassembly *other = &tcp->stream[endpoint_other(from)];
    bool is_settled = flow->rtt_us >= 0 || stream->next > 0 || stream->held_count > 0;

    learn_server(streams, flow, from);
    if (!stream->is_open || (!is_settled && stream->base != packet->sequence + 1))
        open_stream(flow, from, packet->sequence + 1, true); /* of several, the client's acknowledgment confirms one */
    if (!other->is_open)
        open_stream(flow, endpoint_other(from), packet->acknowledgment, true);
    tcp->seen[from].syn_ack = true;
    if (tcp->syn_ack_us == 0)
        tcp->syn_ack_us = packet->time_us;
}

/* The first acknowledgment of the SYN-ACK: round trip time, and which of several SYN-ACKs was meant. */
static void on_handshake_ack(struct flow *flow, const struct packet *packet, enum endpoint from)
{
    struct tcp_flow *tcp = flow->tcp;
    struct reassembly *other = &tcp->stream[endpoint_other(from)];
    int32_t distance;

    if (flow->rtt_us >= 0 || !tcp->seen[from].syn || !tcp->seen[endpoint_other(from)].syn_ack || tcp->syn_us == 0)
        return;
    distance = (int32_t)(packet->acknowledgment - other->base);
    if ((distance < 0 || distance > PLAUSIBLE_DISTANCE) && other->next == 0 && other->held_count == 0)
        open_stream(flow, endpoint_other(from), packet->acknowledgment, true);
    flow->rtt_us = packet->time_us > tcp->syn_us ? packet->time_us - tcp->syn_us : 0;
}

/* ---- the stream ---- */

/* The other side says that it has bytes that were not captured yet. */
static void on_acknowledgment(struct flow *flow, const struct packet *packet, enum endpoint from)
{
    struct tcp_flow *tcp = flow->tcp;
    enum endpoint sender = endpoint_other(from);
    struct reassembly *stream = &tcp->stream[sender];
    uint64_t known_to;
    int64_t offset;

    if (!stream->is_open)
        return;
    offset = reassembly_offset(stream, packet->acknowledgment);
    if (stream->has_fin && offset > (int64_t)stream->fin_at)
        offset = (int64_t)stream->fin_at;
    if (offset <= (int64_t)stream->next || offset - (int64_t)stream->next > REASSEMBLY_WINDOW)
        return;
    if (tcp->awaits && tcp->awaited != sender)
        return; /* one side at a time */
    known_to = tcp->awaits && tcp->awaited_to > stream->next ? tcp->awaited_to : stream->next;
    /* one more than is known of and nothing behind it: a FIN that was not captured, rather than a lost byte */
    if (offset == (int64_t)known_to + 1 && stream->held_count == 0)
        return;
    if (!tcp->awaits) {
        tcp->awaits = true;
        tcp->awaited = sender;
        tcp->awaited_to = 0;
        tcp->awaited_first = (uint64_t)offset;
        tcp->awaited_moments = 0;
        tcp->awaited_since_us = packet->time_us;
        tcp->awaited_newest_us = packet->time_us;
    }
    if ((uint64_t)offset > tcp->awaited_to)
        tcp->awaited_to = (uint64_t)offset;
}

static void settle_awaited(struct streams *streams, struct flow *flow, const struct packet *packet)
{
    struct tcp_flow *tcp = flow->tcp;

    if (!tcp->awaits)
        return;
    if (reassembly_in_order_to(&tcp->stream[tcp->awaited]) >= tcp->awaited_to) {
        release_held_back(streams, flow);
        return;
    }
    /* packets of one moment count once: how a segment is split makes no difference */
    if (packet->time_us != tcp->awaited_newest_us)
        tcp->awaited_moments++;
    tcp->awaited_newest_us = packet->time_us;
    if (tcp->awaited_moments >= REORDER_MOMENTS || packet->time_us - tcp->awaited_since_us > REORDER_US)
        give_up_awaited(streams, flow);
}

static void overlap_finding(struct streams *streams, struct flow *flow, enum endpoint from, const struct packet *packet, uint64_t offset)
{
    char detail[160];
    struct finding finding;

    if (flow->had_overlap_finding)
        return;
    flow->had_overlap_finding = true;
    snprintf(detail, sizeof detail, "the %s repeated bytes of its stream with other contents, first in the segment at offset %llu; the first copy was kept",
             side_name(flow_side(flow, from)), (unsigned long long)offset);
    finding = (struct finding){
        .flow_id = record_integer(flow->facts.flow_id),
        .time_us = record_integer(packet->time_us),
        .severity = record_text_of("warning"),
        .name = record_text_of("tcp_overlap_differs"),
        .detail = record_text_of(detail),
    };
    streams->options.write(streams->options.context, &finding_table, &finding);
}

static void on_payload(struct streams *streams, struct flow *flow, const struct packet *packet, enum endpoint from, int64_t offset)
{
    struct reassembly *stream = &flow->tcp->stream[from];
    struct tcp_sink sink = {.streams = streams, .flow = flow, .from = from};
    struct reassembly_sink reassembly_sink = sink_of(&sink);
    struct bytes captured = packet->payload;
    uint32_t length = packet->payload_length;
    struct segment_report report;

    if (offset < 0) {
        /* before the stream's beginning as we know it: a keep-alive, or begun in the middle */
        uint64_t before = (uint64_t)-offset;

        flow->retransmitted[from]++;
        if (before >= length)
            return;
        captured = before < captured.length ? bytes_of(captured.at + before, captured.length - before) : bytes_of(NULL, 0);
        length -= (uint32_t)before;
        offset = 0;
    }
    report = reassembly_segment(stream, &reassembly_sink, (uint64_t)offset, captured, length, packet->time_us, flow->tcp->awaits, &streams->held_bytes);
    flow->retransmitted[from] += report.is_retransmission;
    flow->out_of_order[from] += report.is_out_of_order;
    /* a keep-alive repeats one byte, which may be anything (RFC 9293, section 3.8.4) */
    if (report.differs && length > 1)
        overlap_finding(streams, flow, from, packet, report.differs_at);
    while (report.is_refused) {
        if (is_held_back(flow->tcp, from))
            give_up_awaited(streams, flow);
        else if (!reassembly_give_up_hole(stream, &reassembly_sink, UINT64_MAX, packet->time_us, &streams->held_bytes))
            break; /* out of memory: nothing is held and still no room */
        report = reassembly_segment(stream, &reassembly_sink, (uint64_t)offset, captured, length, packet->time_us, flow->tcp->awaits,
                                    &streams->held_bytes);
    }
    /* what the other side has answered already goes on; the rest waits for its turn among the answers */
    if (flow->tcp->awaits && flow->tcp->awaited == from)
        reassembly_drain(stream, &reassembly_sink, flow->tcp->awaited_first, INT64_MIN, &streams->held_bytes);
    if (flow->packets[endpoint_other(from)] == 0 && stream->held_count > ONE_SIDED_SEGMENTS && !is_held_back(flow->tcp, from))
        (void)reassembly_give_up_hole(stream, &reassembly_sink, UINT64_MAX, packet->time_us, &streams->held_bytes);
    if (streams->held_bytes > streams->options.memory_limit)
        flush(streams, flow);
}

static void on_fin(struct flow *flow, enum endpoint from, int64_t end)
{
    struct reassembly *stream = &flow->tcp->stream[from];

    flow->tcp->seen[from].fin = true;
    if (stream->has_fin || end < (int64_t)stream->next || end - (int64_t)stream->next > REASSEMBLY_WINDOW)
        return;
    stream->has_fin = true;
    stream->fin_at = (uint64_t)end;
}

static void on_reset(struct streams *streams, struct flow *flow, const struct packet *packet, enum endpoint from)
{
    struct tcp_flow *tcp = flow->tcp;
    struct reassembly *stream = &tcp->stream[from];

    if (stream->is_open) {
        int64_t distance = reassembly_offset(stream, packet->sequence) - (int64_t)stream->next;

        if (distance < -PLAUSIBLE_DISTANCE || distance > PLAUSIBLE_DISTANCE)
            return;
    }
    tcp->seen[from].reset = true;
    flush(streams, flow);
    tell_end(streams, flow, from, ENDING_RESET);
    tell_end(streams, flow, endpoint_other(from), ENDING_RESET);
    close_flow(streams, flow);
}

struct flow *tcp_packet(struct streams *streams, struct flow *flow, const struct packet *packet, enum endpoint from)
{
    struct tcp_flow *tcp = flow->tcp;
    struct reassembly *stream = &tcp->stream[from];
    uint8_t flags = packet->tcp_flags;
    int64_t offset;

    if (answers_other_syn(tcp, packet, from)) {
        flow->packets[from]--; /* this packet is the new connection's */
        flow = replace_connection(streams, flow, packet, from);
        if (flow == NULL)
            return NULL;
        flow->packets[from]++;
        tcp = flow->tcp;
        stream = &tcp->stream[from];
    }
    if ((flags & TCP_RST) != 0) {
        on_reset(streams, flow, packet, from);
        return flow;
    }
    if ((flags & TCP_SYN) != 0) {
        if ((flags & TCP_ACK) != 0)
            on_syn_ack(streams, flow, packet, from);
        else
            on_syn(flow, packet, from);
        if (stream->base != packet->sequence + 1)
            return flow; /* a SYN of another connection: nothing of it belongs here */
    } else if (!stream->is_open && (packet->payload_length > 0 || (flags & TCP_FIN) != 0)) {
        open_stream(flow, from, packet->sequence, false);
    }
    if ((flags & (TCP_ACK | TCP_SYN)) == TCP_ACK) {
        on_handshake_ack(flow, packet, from);
        on_acknowledgment(flow, packet, from);
    }
    if (stream->is_open) {
        offset = reassembly_offset(stream, packet->sequence + ((flags & TCP_SYN) != 0));
        if (packet->payload_length > 0)
            on_payload(streams, flow, packet, from, offset);
        if ((flags & TCP_FIN) != 0)
            on_fin(flow, from, offset + packet->payload_length);
    }
    settle_awaited(streams, flow, packet);
    check_end(streams, flow, from);
    return flow;
}

/*
 * tcp.c - one TCP connection (RFC 9293): handshake, both sides' segments, resets, ends.
 *
 * What the receiver took. A segment that it has probably dropped (segment_check.c) goes to neither stream nor state, but
 * is kept aside (doubts.c). Overlapping copies are decided by the receiver's policy (reassembly.c). A reset ends nothing
 * at once: it marks the flow, which is over when nothing more comes. If its sender goes on, it was not the sender's.
 * Holes and what waits behind them: tcp_holes.c. Where the other side is not seen at all, a hole is given up once
 * ONE_SIDED_SEGMENTS wait behind it, and in any case at reassembly's limits.
 *
 * Urgent data (RFC 6093) stays in line, where it stands in the stream, and is told as a finding: hosts that take it out
 * of line read one byte less.
 */
#include "streams/tcp.h"

#include "base/finding.h"
#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>

#define ONE_SIDED_SEGMENTS 32
/* An acknowledgment during the handshake further away than this does not belong to the stream. */
#define PLAUSIBLE_DISTANCE (1 << 20)

void tcp_finding(struct streams *streams, struct flow *flow, enum flow_finding which, int64_t time_us, const char *severity, const char *name,
                 const char *detail, ...)
{
    char text[240];
    struct finding finding;
    va_list arguments;

    if ((flow->findings & (1u << which)) != 0)
        return;
    flow->findings |= (uint8_t)(1u << which);
    va_start(arguments, detail);
    vsnprintf(text, sizeof text, detail, arguments);
    va_end(arguments);
    finding = (struct finding){
        .flow_id = record_integer(flow->facts.flow_id),
        .time_us = record_integer(time_us),
        .severity = record_text_of(severity),
        .name = record_text_of(name),
        .detail = record_text_of(text),
    };
    streams->options.write(streams->options.context, &finding_table, &finding);
}

/* What was put aside and said something else than what the receiver took was meant to mislead. */
static void settle_doubts(struct streams *streams, struct flow *flow, enum endpoint from, struct bytes bytes, int64_t time_us)
{
    uint64_t end = flow->tcp->stream[from].next;
    enum doubt reason = doubts_settle(flow->tcp->doubts[from], end - bytes.length, bytes);

    if (reason != DOUBT_NONE)
        tcp_finding(streams, flow, FINDING_INJECTION, time_us, "alarm", "tcp_injection",
                    "a segment of the %s %s said something else than the one that was taken at its place, near offset %llu",
                    side_name(flow_side(flow, from)), doubt_text(reason), (unsigned long long)(end - bytes.length));
}

static void on_bytes(void *argument, struct bytes bytes, int64_t time_us)
{
    struct tcp_sink *sink = argument;
    struct flow *flow = sink->flow;

    flow->bytes[sink->from] += bytes.length;
    if (flow->tcp->doubts[sink->from] != NULL)
        settle_doubts(sink->streams, flow, sink->from, bytes, time_us);
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

struct reassembly_sink tcp_sink_of(struct tcp_sink *sink)
{
    return (struct reassembly_sink){.sink = sink, .data = on_bytes, .gap = on_missing};
}

bool tcp_init(struct streams *streams, struct flow *flow)
{
    uint8_t policy = (uint8_t)streams->options.tcp_policy;

    flow->tcp = pool_take(&streams->tcp_pool);
    if (flow->tcp == NULL)
        return false;
    flow->tcp->stream[ENDPOINT_LOW].policy = policy;
    flow->tcp->stream[ENDPOINT_HIGH].policy = policy;
    return true;
}

void tcp_free(struct streams *streams, struct flow *flow)
{
    if (flow->tcp == NULL)
        return;
    for (int endpoint = 0; endpoint < ENDPOINTS; endpoint++) {
        reassembly_free(&flow->tcp->stream[endpoint], &streams->held_bytes);
        doubts_free(&flow->tcp->doubts[endpoint]);
    }
    pool_give(&streams->tcp_pool, flow->tcp);
    flow->tcp = NULL;
}

/* What the other side acknowledged counts from here on: its old count is of no use. */
static void open_stream(struct flow *flow, enum endpoint from, uint32_t first_sequence, bool has_start)
{
    reassembly_open(&flow->tcp->stream[from], first_sequence, has_start);
    flow->facts.has_start[flow_side(flow, from)] = has_start;
    flow->tcp->side[endpoint_other(from)].has_acknowledged = false;
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

bool tcp_is_held_back(const struct tcp_flow *tcp, enum endpoint from)
{
    return tcp->awaits && tcp->awaited != from;
}

void tcp_check_end(struct streams *streams, struct flow *flow, enum endpoint from)
{
    struct tcp_flow *tcp = flow->tcp;

    if (!tcp_is_held_back(tcp, from) && tcp->stream[from].has_fin && tcp->stream[from].next >= tcp->stream[from].fin_at)
        tell_end(streams, flow, from, ENDING_FIN);
    if (tcp->stream[ENDPOINT_LOW].has_ended && tcp->stream[ENDPOINT_HIGH].has_ended)
        close_flow(streams, flow);
}

void tcp_end(struct streams *streams, struct flow *flow, enum ending ending)
{
    struct tcp_flow *tcp = flow->tcp;

    tcp_flush(streams, flow);
    if (tcp->has_reset) {
        tell_end(streams, flow, tcp->reset_from, ENDING_RESET);
        tell_end(streams, flow, endpoint_other(tcp->reset_from), ENDING_RESET);
    }
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
    struct packet_place place = flow->tcp->other_syn_place;
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
    syn.places = NULL;
    syn.capture_id = place.capture_id;
    syn.position = place.position;
    streams_keep_place(streams, flow, &syn);
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
    tcp->other_syn_place = (struct packet_place){.capture_id = packet->capture_id, .position = packet->position};
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
    if (!stream->is_open || (!is_settled && (stream->base != packet->sequence + 1 || !stream->has_start)))
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

/* ---- segments ---- */

/* The same packet, captured a moment ago: at another port of the mirror, or on the other side of a router. */
static bool is_duplicate(struct tcp_flow *tcp, const struct packet *packet, enum endpoint from)
{
    const uint32_t parts[] = {packet->sequence, packet->acknowledgment, packet->fragment_id,
                              (uint32_t)packet->tcp_flags << 24 | (uint32_t)from << 23 | (packet->payload_length & 0x7fffff),
                              (uint32_t)packet->window << 16 | packet->checksum_field};
    uint32_t hash = 0;

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        hash = (hash ^ parts[i]) * 0x9e3779b1u ^ hash >> 15;
    for (int i = 0; i < DUPLICATES_REMEMBERED; i++) {
        const struct seen_packet *seen = &tcp->recent[i];

        if (seen->hash == hash && packet->time_us - seen->time_us <= DUPLICATES_US && seen->time_us - packet->time_us <= DUPLICATES_US)
            return seen->time_us != 0;
    }
    tcp->recent[tcp->recent_at] = (struct seen_packet){.hash = hash, .time_us = packet->time_us};
    tcp->recent_at = (tcp->recent_at + 1) % DUPLICATES_REMEMBERED;
    return false;
}

static void tell_overlap(struct streams *streams, struct flow *flow, enum endpoint from, const struct packet *packet, const struct segment_report *report)
{
    tcp_finding(streams, flow, FINDING_OVERLAP_DIFFERS, packet->time_us, "warning", "tcp_overlap_differs",
                "the %s repeated bytes of its stream with other contents, first in the segment at offset %llu; the %s copy was kept",
                side_name(flow_side(flow, from)), (unsigned long long)report->differs_at, report->replaces ? "later" : "first");
}

/* Before the stream's beginning as we know it: a keep-alive, or begun in the middle. Answers what remains. */
static struct bytes cut_before_start(struct bytes captured, uint64_t before, uint32_t *length)
{
    *length = before < *length ? *length - (uint32_t)before : 0;
    return before < captured.length ? bytes_of(captured.at + before, captured.length - (size_t)before) : bytes_of(NULL, 0);
}

struct segment_order tcp_order_now(const struct tcp_flow *tcp, enum endpoint from)
{
    return (struct segment_order){.other_next = tcp->awaits ? tcp->stream[endpoint_other(from)].next : UINT64_MAX};
}

/* What the segment acknowledges comes before it, while the flow awaits something; as far as it is known, or awaited. */
static struct segment_order order_of(const struct tcp_flow *tcp, const struct packet *packet, enum endpoint from)
{
    const struct reassembly *other = &tcp->stream[endpoint_other(from)];
    struct segment_order order = tcp_order_now(tcp, from);
    int64_t known_to;
    int64_t acknowledged;

    if (!tcp->awaits || !other->is_open || (packet->tcp_flags & TCP_ACK) == 0)
        return order;
    acknowledged = reassembly_offset(other, packet->acknowledgment);
    if (other->has_fin && acknowledged > (int64_t)other->fin_at)
        acknowledged = (int64_t)other->fin_at;
    known_to = (int64_t)(tcp_is_held_back(tcp, from) ? tcp->awaited_to : reassembly_in_order_to(other));
    if (acknowledged > known_to)
        acknowledged = known_to; /* one more for a FIN that was not captured */
    order.after = acknowledged > 0 ? (uint64_t)acknowledged : 0;
    return order;
}

void tcp_take_payload(struct streams *streams, struct flow *flow, const struct packet *packet, enum endpoint from, int64_t offset)
{
    struct tcp_flow *tcp = flow->tcp;
    struct reassembly *stream = &tcp->stream[from];
    struct tcp_sink sink = {.streams = streams, .flow = flow, .from = from};
    struct reassembly_sink reassembly_sink = tcp_sink_of(&sink);
    struct bytes captured = packet->payload;
    uint32_t length = packet->payload_length;
    struct segment_report report;
    struct segment_order order = order_of(tcp, packet, from);
    bool is_copy = is_duplicate(tcp, packet, from);

    if (offset < 0) {
        flow->retransmitted[from] += !is_copy;
        captured = cut_before_start(captured, (uint64_t)-offset, &length);
        if (length == 0)
            return;
        offset = 0;
    }
    report = reassembly_segment(stream, &reassembly_sink, (uint64_t)offset, captured, length, packet->time_us, order, &streams->held_bytes);
    flow->retransmitted[from] += report.is_retransmission && !is_copy;
    flow->out_of_order[from] += report.is_out_of_order && !is_copy;
    streams->counters[COUNTER_DUPLICATED] += is_copy;
    streams->counters[COUNTER_BEHIND_END] += report.is_outside;
    /* a keep-alive repeats one byte, which may be anything (RFC 9293, section 3.8.4) */
    if (report.differs && length > 1)
        tell_overlap(streams, flow, from, packet, &report);
    while (report.is_refused) {
        if (tcp_is_held_back(tcp, from))
            tcp_give_up_awaited(streams, flow);
        else if (!tcp_give_up_hole(streams, flow, from, UINT64_MAX, packet->time_us))
            break; /* out of memory: nothing is held and still no room */
        streams->counters[COUNTER_HOLES_GIVEN_UP]++;
        order = order_of(tcp, packet, from);
        report = reassembly_segment(stream, &reassembly_sink, (uint64_t)offset, captured, length, packet->time_us, order, &streams->held_bytes);
    }
    if (tcp->awaits)
        tcp_hand_on_in_turn(streams, flow);
    if (flow->packets[endpoint_other(from)] == 0 && stream->held_count > ONE_SIDED_SEGMENTS && !tcp_is_held_back(tcp, from))
        (void)tcp_give_up_hole(streams, flow, from, UINT64_MAX, packet->time_us);
}

void tcp_take_fin(struct flow *flow, enum endpoint from, int64_t end)
{
    struct reassembly *stream = &flow->tcp->stream[from];

    if (end < (int64_t)stream->next)
        return; /* inside what was handed on: not the end */
    flow->tcp->seen[from].fin = true;
    if (stream->has_fin)
        return;
    stream->has_fin = true;
    stream->fin_at = (uint64_t)end;
}

/* Everything that was put aside goes in, for the check that put it there does not fit this flow. */
static void abandon_check(struct streams *streams, struct flow *flow, enum endpoint from, enum doubt reason, int64_t time_us)
{
    struct reassembly *stream = &flow->tcp->stream[from];
    struct tcp_sink sink = {.streams = streams, .flow = flow, .from = from};
    struct reassembly_sink reassembly_sink = tcp_sink_of(&sink);
    struct doubted_segment segment;

    flow->tcp->unfit_checks |= (uint8_t)(1u << reason);
    tcp_finding(streams, flow, FINDING_CHECK_UNFIT, time_us, "notice", "tcp_check_unfit",
                "more segments of the %s %s than were put aside: from here on they count as good in this flow", side_name(flow_side(flow, from)),
                doubt_text(reason));
    while (doubts_take(flow->tcp->doubts[from], stream->next, UINT64_MAX, &segment)) {
        if (segment.length > 0)
            (void)reassembly_segment(stream, &reassembly_sink, segment.start, bytes_of(segment.bytes, segment.captured), segment.length,
                                     segment.time_us, tcp_order_now(flow->tcp, from), &streams->held_bytes);
        memory_free(segment.bytes);
    }
}

/*
 * What no receiver ever takes may come as often as it likes. Behind the window a sender goes on in order only where our
 * view of the window is too old.
 */
static bool may_be_unfit(const struct tcp_flow *tcp, enum endpoint from, enum doubt reason)
{
    if (reason == DOUBT_NO_ACK)
        return false;
    return reason != DOUBT_WINDOW || doubts_are_a_run(tcp->doubts[from], reassembly_in_order_to(&tcp->stream[from]));
}

/* Keeps a doubted segment aside. False: there is no room, and it counts as good now. */
static bool set_aside(struct streams *streams, struct flow *flow, const struct packet *packet, enum endpoint from, enum doubt reason)
{
    struct tcp_flow *tcp = flow->tcp;
    struct bytes captured = packet->payload;
    uint32_t length = packet->payload_length;
    bool has_fin = (packet->tcp_flags & TCP_FIN) != 0;
    int64_t offset;

    streams->counters[COUNTER_DOUBTED]++;
    if ((length == 0 && !has_fin) || !tcp->stream[from].is_open)
        return true;
    offset = reassembly_offset(&tcp->stream[from], packet->sequence);
    if (offset < 0) {
        captured = cut_before_start(captured, (uint64_t)-offset, &length);
        if (length == 0)
            return true;
        offset = 0;
    }
    if ((uint64_t)offset + length + has_fin <= tcp->stream[from].next)
        return true;
    if (doubts_add(&tcp->doubts[from], (uint64_t)offset, captured, length, has_fin, packet->time_us, reason))
        return true;
    if (!may_be_unfit(tcp, from, reason)) {
        streams->counters[COUNTER_DOUBTED_DROPPED]++;
        return true;
    }
    abandon_check(streams, flow, from, reason, packet->time_us);
    return false;
}

/* ---- resets ---- */

static void on_reset(struct streams *streams, struct flow *flow, const struct packet *packet, enum endpoint from)
{
    struct tcp_flow *tcp = flow->tcp;

    if (!segment_reset_fits(flow, packet, from == ENDPOINT_LOW)) {
        streams->counters[COUNTER_RESETS_OUTSIDE]++;
        tcp_finding(streams, flow, FINDING_RESET_OUTSIDE, packet->time_us, "notice", "tcp_reset_outside",
                    "a reset in the name of the %s lies outside what its receiver would take, and was passed over", side_name(flow_side(flow, from)));
        return;
    }
    if (!tcp->has_reset) {
        tcp->has_reset = true;
        tcp->reset_from = from;
        tcp->reset_at = tcp->stream[from].is_open ? reassembly_offset(&tcp->stream[from], packet->sequence) : 0;
        tcp->reset_acknowledged = tcp->side[from].acknowledged;
    }
    tcp->seen[from].reset = true;
    close_flow(streams, flow);
}

/* Who has sent a reset says nothing more: new bytes, or news of what it received, show that the reset was not its own, or did not arrive. */
static void refute_reset(struct streams *streams, struct flow *flow, const struct packet *packet, enum endpoint from, int64_t offset)
{
    struct tcp_flow *tcp = flow->tcp;
    bool has_new_bytes = packet->payload_length > 0 && offset + packet->payload_length > tcp->reset_at;
    bool has_received = tcp->side[from].has_acknowledged && tcp->side[from].acknowledged > tcp->reset_acknowledged;

    if (from != tcp->reset_from || (!has_new_bytes && !has_received) || (packet->tcp_flags & TCP_SYN) != 0)
        return;
    tcp->has_reset = false;
    tcp->seen[from].reset = false;
    if (!tcp->stream[ENDPOINT_LOW].has_ended || !tcp->stream[ENDPOINT_HIGH].has_ended) {
        flow->is_closed = false;
        flow_table_set_timeout(&streams->table, flow, TIMEOUT_TCP_OPEN);
    }
    tcp_finding(streams, flow, FINDING_RESET_REFUTED, packet->time_us, "warning", "tcp_reset_refuted",
                "a reset in the name of the %s did not end the connection: the same side went on", side_name(flow_side(flow, from)));
}

/* ---- one packet ---- */

static void tell_urgent(struct streams *streams, struct flow *flow, const struct packet *packet, enum endpoint from, int64_t offset)
{
    if ((packet->tcp_flags & TCP_URG) == 0 || packet->urgent == 0 || packet->payload_length == 0)
        return;
    tcp_finding(streams, flow, FINDING_URGENT, packet->time_us, "info", "tcp_urgent_data",
                "the %s sent urgent data up to offset %lld: kept in line, where hosts may read it apart", side_name(flow_side(flow, from)),
                (long long)(offset + packet->urgent));
}

/* The stream that this packet belongs to is open, as far as the packet can open it. False: a SYN of another connection. */
static bool open_by(struct streams *streams, struct flow *flow, const struct packet *packet, enum endpoint from)
{
    struct reassembly *stream = &flow->tcp->stream[from];
    uint8_t flags = packet->tcp_flags;

    if ((flags & TCP_SYN) != 0) {
        if ((flags & TCP_ACK) != 0)
            on_syn_ack(streams, flow, packet, from);
        else
            on_syn(flow, packet, from);
        return stream->base == packet->sequence + 1;
    }
    if (!stream->is_open && (packet->payload_length > 0 || (flags & TCP_FIN) != 0))
        open_stream(flow, from, packet->sequence, false);
    return true;
}

/*
 * The client goes on, so its SYN was answered; where the directions were captured apart, the answer comes later. What the
 * client acknowledges tells where the other stream begins, until its SYN-ACK does.
 */
static void open_by_acknowledgment(struct flow *flow, const struct packet *packet, enum endpoint from)
{
    struct tcp_flow *tcp = flow->tcp;
    const struct reassembly *stream = &tcp->stream[from];
    enum endpoint other = endpoint_other(from);

    if (tcp->stream[other].is_open || tcp->is_one_sided || !tcp->seen[from].syn || !stream->has_start || flow->packets[other] > 0)
        return;
    if ((packet->tcp_flags & (TCP_ACK | TCP_SYN)) == TCP_ACK && reassembly_offset(stream, packet->sequence) == 0)
        open_stream(flow, other, packet->acknowledgment, false);
}

static void on_segment(struct streams *streams, struct flow *flow, const struct packet *packet, enum endpoint from)
{
    struct tcp_flow *tcp = flow->tcp;
    struct reassembly *stream = &tcp->stream[from];
    uint8_t flags = packet->tcp_flags;
    int64_t offset;

    if (!open_by(streams, flow, packet, from))
        return;
    open_by_acknowledgment(flow, packet, from);
    segment_note(flow, packet, from == ENDPOINT_LOW);
    if ((flags & (TCP_ACK | TCP_SYN)) == TCP_ACK) {
        on_handshake_ack(flow, packet, from);
        tcp_await(flow, packet, from);
    }
    if (!stream->is_open)
        return;
    offset = reassembly_offset(stream, packet->sequence + ((flags & TCP_SYN) != 0));
    if (tcp->has_reset)
        refute_reset(streams, flow, packet, from, offset);
    tell_urgent(streams, flow, packet, from, offset);
    if (packet->payload_length > 0)
        tcp_take_payload(streams, flow, packet, from, offset);
    if ((flags & TCP_FIN) != 0)
        tcp_take_fin(flow, from, offset + packet->payload_length);
}

struct flow *tcp_packet(struct streams *streams, struct flow *flow, const struct packet *packet, enum endpoint from)
{
    enum doubt doubt;

    if (answers_other_syn(flow->tcp, packet, from)) {
        flow->packets[from]--; /* this packet is the new connection's */
        flow = replace_connection(streams, flow, packet, from);
        if (flow == NULL)
            return NULL;
        flow->packets[from]++;
    }
    doubt = segment_check(flow, packet, from == ENDPOINT_LOW);
    if (doubt == DOUBT_NONE && (packet->tcp_flags & TCP_RST) != 0) {
        on_reset(streams, flow, packet, from);
        return flow;
    }
    if (doubt == DOUBT_NONE || !set_aside(streams, flow, packet, from, doubt))
        on_segment(streams, flow, packet, from);
    tcp_settle_awaited(streams, flow, packet, from, doubt == DOUBT_NONE);
    tcp_check_end(streams, flow, from);
    return flow;
}

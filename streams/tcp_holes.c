/*
 * tcp_holes.c - what waits for missing bytes, and when they are given up; see tcp.h.
 *
 * A hole that the network made is filled by a retransmission. A hole that the capture made shows when the other side
 * acknowledges bytes that were never seen. But captures also swap packets: the acknowledgment, and even the answer, may
 * stand before the bytes that they answer, and where the two directions were captured apart, all of them do. So the flow
 * then *awaits* those bytes, and holds back what the answering side says meanwhile. As long as they come on in order nothing
 * is missing; once REORDER_MOMENTS packets of their sender stood behind the hole, or REORDER_US have passed without any of
 * them, the hole is given up and told. Where
 * the other side takes its acknowledgment back - a forged one may claim anything - nothing is given up.
 * A hole that is given up takes first what was put aside in doubt: its receiver has acknowledged it after all. Where that is all
 * that is missing, a good packet of its sender behind it is enough: what an onlooker injected is followed by the true copy.
 */
#include "streams/tcp.h"

#include "base/memory.h"

#define REORDER_MOMENTS 8
#define REORDER_US 1000000

/* Hands on what one side holds in order, as far as it begins before `to` and does not wait for more than `other_next`. */
static void drain(struct streams *streams, struct flow *flow, enum endpoint from, uint64_t to, uint64_t other_next)
{
    struct tcp_sink sink = {.streams = streams, .flow = flow, .from = from};
    struct reassembly_sink reassembly_sink = tcp_sink_of(&sink);

    reassembly_drain(&flow->tcp->stream[from], &reassembly_sink, to, other_next, &streams->held_bytes);
}

/* Hands on of one side what the other side has reached. True where it was something. */
static bool hand_on(struct streams *streams, struct flow *flow, enum endpoint from)
{
    const struct tcp_flow *tcp = flow->tcp;
    uint64_t before = tcp->stream[from].next;

    if (reassembly_is_ready(&tcp->stream[from]))
        drain(streams, flow, from, UINT64_MAX, tcp->stream[endpoint_other(from)].next);
    return tcp->stream[from].next > before;
}

void tcp_hand_on_in_turn(struct streams *streams, struct flow *flow)
{
    while (hand_on(streams, flow, flow->tcp->awaited) | hand_on(streams, flow, endpoint_other(flow->tcp->awaited)))
        continue;
}

/* Both sides wait for bytes of the other that will not come: the piece that was captured first goes on. False where nothing waits. */
static bool force_on(struct streams *streams, struct flow *flow)
{
    const struct reassembly *low = &flow->tcp->stream[ENDPOINT_LOW];
    const struct reassembly *high = &flow->tcp->stream[ENDPOINT_HIGH];
    enum endpoint from = ENDPOINT_LOW;

    if (!reassembly_is_ready(low) && !reassembly_is_ready(high))
        return false;
    if (!reassembly_is_ready(low) || (reassembly_is_ready(high) && high->held[0].time_us < low->held[0].time_us))
        from = ENDPOINT_HIGH;
    drain(streams, flow, from, flow->tcp->stream[from].next + 1, UINT64_MAX);
    return true;
}

/* The hole is filled or given up: nothing has to wait any more. */
static void release_held_back(struct streams *streams, struct flow *flow)
{
    flow->tcp->awaits = false;
    do {
        tcp_hand_on_in_turn(streams, flow);
    } while (force_on(streams, flow));
    tcp_check_end(streams, flow, flow->tcp->awaited);
    tcp_check_end(streams, flow, endpoint_other(flow->tcp->awaited));
}

/* A doubted segment was acknowledged, and no better copy of it came. */
static void note_refuted(struct streams *streams, struct flow *flow, enum endpoint from, const struct doubted_segment *segment)
{
    struct tcp_flow *tcp = flow->tcp;

    streams->counters[COUNTER_DOUBTED_TAKEN]++;
    if (++tcp->refuted[segment->reason] < CHECK_REFUTED)
        return;
    tcp->unfit_checks |= (uint8_t)(1u << segment->reason);
    tcp_finding(streams, flow, FINDING_CHECK_UNFIT, segment->time_us, "info", "tcp_check_unfit",
                "segments of the %s %s were acknowledged all the same: from here on they count as good in this flow", side_name(flow_side(flow, from)),
                doubt_text((enum doubt)segment->reason));
}

/* Puts a doubted segment into the hole before `to`. False where none would fill any of it. */
static bool fill_from_doubts(struct streams *streams, struct flow *flow, enum endpoint from, uint64_t to)
{
    struct reassembly *stream = &flow->tcp->stream[from];
    struct tcp_sink sink = {.streams = streams, .flow = flow, .from = from};
    struct reassembly_sink reassembly_sink = tcp_sink_of(&sink);
    struct doubted_segment segment;

    if (!doubts_take(flow->tcp->doubts[from], stream->next, to, &segment))
        return false;
    note_refuted(streams, flow, from, &segment);
    if (segment.length > 0)
        (void)reassembly_segment(stream, &reassembly_sink, segment.start, bytes_of(segment.bytes, segment.captured), segment.length, segment.time_us,
                                 tcp_order_now(flow->tcp, from), &streams->held_bytes);
    if (segment.has_fin)
        tcp_take_fin(flow, from, (int64_t)(segment.start + segment.length));
    memory_free(segment.bytes);
    return true;
}

/* The offset where the first hole of the side ends, as far as that is known; `to` at most. */
static uint64_t end_of_hole(const struct reassembly *stream, uint64_t to)
{
    return stream->held_count > 0 && stream->held[0].start > stream->next && stream->held[0].start < to ? stream->held[0].start : to;
}

bool tcp_give_up_hole(struct streams *streams, struct flow *flow, enum endpoint from, uint64_t to, int64_t time_us)
{
    struct reassembly *stream = &flow->tcp->stream[from];
    struct tcp_sink sink = {.streams = streams, .flow = flow, .from = from};
    struct reassembly_sink reassembly_sink = tcp_sink_of(&sink);
    bool has_hole = stream->held_count == 0 || stream->held[0].start > stream->next;

    if (has_hole && flow->tcp->doubts[from] != NULL && fill_from_doubts(streams, flow, from, end_of_hole(stream, to)))
        return true;
    return reassembly_give_up_hole(stream, &reassembly_sink, to, time_us, tcp_order_now(flow->tcp, from).other_next, &streams->held_bytes);
}

/* The newest word of the other side counts: an acknowledgment that it does not repeat was forged, or a mistake. */
static void believe_newest_acknowledgment(struct streams *streams, struct tcp_flow *tcp)
{
    const struct tcp_side *receiver = &tcp->side[endpoint_other(tcp->awaited)];
    int64_t newest = receiver->has_acknowledged ? receiver->newest_acknowledged : (int64_t)tcp->awaited_to;

    if (newest < 0)
        newest = 0;
    if (tcp->stream[tcp->awaited].has_fin && newest > (int64_t)tcp->stream[tcp->awaited].fin_at)
        newest = (int64_t)tcp->stream[tcp->awaited].fin_at; /* a FIN is acknowledged as if it were a byte */
    if ((uint64_t)newest >= tcp->awaited_to)
        return;
    streams->counters[COUNTER_ACKNOWLEDGMENTS_TAKEN_BACK]++;
    tcp->awaited_to = (uint64_t)newest;
}

/*
 * The other side's next bytes were put aside too, before what comes next of the awaited side, which has acknowledged them: they
 * go first. True where they were taken.
 */
static bool fill_other_side(struct streams *streams, struct flow *flow)
{
    struct tcp_flow *tcp = flow->tcp;
    enum endpoint other = endpoint_other(tcp->awaited);
    const struct reassembly *stream = &tcp->stream[tcp->awaited];
    const struct doubted_segment *next = doubts_at(tcp->doubts[tcp->awaited], stream->next);
    const struct doubted_segment *before = doubts_at(tcp->doubts[other], tcp->stream[other].next);
    const struct tcp_side *receiver = &tcp->side[tcp->awaited];

    if (before == NULL || !receiver->has_acknowledged || receiver->newest_acknowledged < (int64_t)(before->start + before->length))
        return false;
    if (reassembly_is_ready(stream) ? before->time_us > stream->held[0].time_us : next == NULL || before->time_us > next->time_us)
        return false;
    return fill_from_doubts(streams, flow, other, tcp->stream[other].next + 1);
}

/* Hole by hole and piece by piece, so that each answer still stands behind what it acknowledges. */
void tcp_give_up_awaited(struct streams *streams, struct flow *flow)
{
    struct tcp_flow *tcp = flow->tcp;
    struct reassembly *stream = &tcp->stream[tcp->awaited];

    if (flow->packets[tcp->awaited] == 0 && !stream->has_start) {
        /* only an acknowledgment told of that side, and nothing of it was captured: nothing of it is to be awaited again */
        tcp->is_one_sided = true;
        stream->is_open = false;
        tcp->awaited_to = 0;
    }
    believe_newest_acknowledgment(streams, tcp);
    while (stream->next < tcp->awaited_to) {
        tcp_hand_on_in_turn(streams, flow);
        if (fill_other_side(streams, flow))
            continue;
        if (reassembly_is_ready(stream)) /* it waits for bytes of the other side, which has a hole too */
            drain(streams, flow, tcp->awaited, stream->next + 1, UINT64_MAX);
        else if (!tcp_give_up_hole(streams, flow, tcp->awaited, end_of_hole(stream, tcp->awaited_to), tcp->awaited_since_us))
            break;
    }
    release_held_back(streams, flow);
}

/*
 * The flow is over, and nobody has said whether the doubted bytes behind the last ones were received. They were sent, and
 * nothing else was in their place: they are taken, and told. Not so what no receiver can have taken, and what lies behind a FIN.
 */
static void take_doubted_end(struct streams *streams, struct flow *flow, enum endpoint from)
{
    const struct reassembly *stream = &flow->tcp->stream[from];
    const struct doubts *doubts = flow->tcp->doubts[from];

    while (doubts != NULL && doubts->count > 0 && !stream->has_fin) {
        const struct doubted_segment *segment = doubts_at(doubts, stream->next);
        enum doubt reason = segment != NULL ? (enum doubt)segment->reason : DOUBT_NONE;

        if (reason != DOUBT_CHECKSUM && reason != DOUBT_TTL && reason != DOUBT_TIMESTAMP)
            return;
        tcp_finding(streams, flow, FINDING_DOUBTED_END, flow->facts.last_us, "notice", "tcp_doubted_end",
                    "the last bytes of the %s, from offset %llu on, came in a segment %s and were never acknowledged", side_name(flow_side(flow, from)),
                    (unsigned long long)stream->next, doubt_text(reason));
        if (!fill_from_doubts(streams, flow, from, stream->next + 1))
            return;
    }
}

void tcp_flush(struct streams *streams, struct flow *flow)
{
    if (flow->tcp->awaits)
        tcp_give_up_awaited(streams, flow);
    for (int endpoint = 0; endpoint < ENDPOINTS; endpoint++) {
        struct reassembly *stream = &flow->tcp->stream[endpoint];

        while (stream->held_count > 0 && tcp_give_up_hole(streams, flow, (enum endpoint)endpoint, UINT64_MAX, flow->facts.last_us))
            continue;
        take_doubted_end(streams, flow, (enum endpoint)endpoint);
        tcp_check_end(streams, flow, (enum endpoint)endpoint);
    }
}

void tcp_await(struct flow *flow, const struct packet *packet, enum endpoint from)
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
    if (offset <= (int64_t)stream->next)
        return;
    if (tcp->awaits && tcp->awaited != sender)
        return; /* one side at a time */
    known_to = tcp->awaits && tcp->awaited_to > stream->next ? tcp->awaited_to : stream->next;
    /* one more than is known of and nothing behind it: a FIN that was not captured, rather than a lost byte */
    if (offset == (int64_t)known_to + 1 && stream->held_count == 0 && (tcp->doubts[sender] == NULL || tcp->doubts[sender]->count == 0))
        return;
    if (!tcp->awaits) {
        tcp->awaits = true;
        tcp->awaited = sender;
        tcp->awaited_to = 0;
        tcp->awaited_moments = 0;
        tcp->awaited_in_order = reassembly_in_order_to(stream);
        tcp->awaited_since_us = packet->time_us;
        tcp->awaited_newest_us = packet->time_us;
    }
    if ((uint64_t)offset > tcp->awaited_to)
        tcp->awaited_to = (uint64_t)offset;
    if ((uint64_t)offset > stream->front)
        stream->front = (uint64_t)offset;
}

/* The sender goes on behind the hole: its bytes were not captured, or are late. Nobody else's packets tell that. */
static bool passes_over_hole(const struct tcp_flow *tcp, const struct packet *packet, enum endpoint from, uint64_t in_order)
{
    return from == tcp->awaited && reassembly_offset(&tcp->stream[from], packet->sequence) > (int64_t)in_order;
}

/* All that is missing before the sender's newer bytes was put aside in doubt: no better copy of it came, and its receiver has it. */
static bool is_filled_by_doubts(const struct tcp_flow *tcp, uint64_t in_order)
{
    const struct reassembly *stream = &tcp->stream[tcp->awaited];
    const struct doubts *doubts = tcp->doubts[tcp->awaited];
    uint64_t to = tcp->awaited_to;

    if (doubts == NULL || doubts->count == 0)
        return false;
    for (unsigned i = 0; i < stream->held_count && stream->held[i].start < to; i++) {
        if (stream->held[i].start > in_order)
            to = stream->held[i].start;
    }
    return doubts_cover(doubts, in_order, to);
}

void tcp_settle_awaited(struct streams *streams, struct flow *flow, const struct packet *packet, enum endpoint from, bool is_good)
{
    struct tcp_flow *tcp = flow->tcp;
    uint64_t in_order;

    if (!tcp->awaits)
        return;
    in_order = reassembly_in_order_to(&tcp->stream[tcp->awaited]);
    if (in_order >= tcp->awaited_to) {
        release_held_back(streams, flow);
        return;
    }
    if (in_order > tcp->awaited_in_order) {
        tcp->awaited_in_order = in_order;
        tcp->awaited_moments = 0;
        tcp->awaited_since_us = packet->time_us;
    }
    /* packets of one moment count once: how a segment is split makes no difference */
    if (packet->time_us != tcp->awaited_newest_us && passes_over_hole(tcp, packet, from, in_order)) {
        tcp->awaited_moments++;
        tcp->awaited_newest_us = packet->time_us;
    }
    if (is_good && passes_over_hole(tcp, packet, from, in_order) && is_filled_by_doubts(tcp, in_order)) {
        tcp_give_up_awaited(streams, flow);
        return;
    }
    if (tcp->awaited_moments >= REORDER_MOMENTS || packet->time_us - tcp->awaited_since_us > REORDER_US)
        tcp_give_up_awaited(streams, flow);
}

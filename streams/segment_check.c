/*
 * segment_check.c - see segment_check.h
 *
 * RFC 9293 (acceptance of segments), RFC 7323 (window scale, PAWS), RFC 5961 (resets). What the tap has not seen is
 * not held against a segment: without the handshake the window is taken as large as can be, without the other side
 * there is none.
 */
#include "streams/segment_check.h"

#include "streams/flow_table.h"

static enum endpoint endpoint_of(bool is_low)
{
    return is_low ? ENDPOINT_LOW : ENDPOINT_HIGH;
}

/* How far this side's window field is to be shifted. */
static unsigned shift_of(const struct tcp_flow *tcp, enum endpoint side)
{
    const struct tcp_side *own = &tcp->side[side];
    const struct tcp_side *other = &tcp->side[endpoint_other(side)];

    /* the option counts only if both have sent it (RFC 7323, section 2.2) */
    if ((own->had_syn && !own->has_shift) || (other->had_syn && !other->has_shift))
        return 0;
    return own->had_syn ? own->shift : CHECK_SHIFT_MOST;
}

static bool is_checked(const struct tcp_flow *tcp, enum doubt reason)
{
    return (tcp->unfit_checks & (1u << reason)) == 0;
}

static bool has_bad_ttl(struct tcp_side *side, const struct packet *packet)
{
    if (!side->has_ttl || packet->ttl + CHECK_TTL_DISTANCE >= side->ttl) {
        side->lower_ttls = 0;
        return false;
    }
    return ++side->lower_ttls < CHECK_STREAK;
}

static bool has_old_timestamp(const struct tcp_side *side, const struct packet *packet)
{
    return side->has_timestamp && packet->options.has_timestamp && (int32_t)(packet->options.timestamp - side->timestamp) < 0 &&
           packet->time_us - side->timestamp_us < CHECK_TIMESTAMP_US;
}

/* The segment begins where its receiver takes nothing more. */
static bool is_behind_window(const struct tcp_flow *tcp, const struct packet *packet, enum endpoint from)
{
    const struct tcp_side *receiver = &tcp->side[endpoint_other(from)];
    const struct reassembly *stream = &tcp->stream[from];

    if (!receiver->has_acknowledged || !stream->is_open || packet->payload_length == 0)
        return false;
    return reassembly_offset(stream, packet->sequence) >= receiver->right_edge;
}

/* Nobody can have received more than what it said it would take; one more for a FIN. */
static bool has_future_acknowledgment(struct tcp_flow *tcp, struct tcp_side *sender, const struct packet *packet, enum endpoint from)
{
    struct reassembly *stream = &tcp->stream[endpoint_other(from)];
    int64_t acknowledged;

    if (!sender->has_acknowledged || !stream->is_open || (packet->tcp_flags & TCP_ACK) == 0)
        return false;
    acknowledged = reassembly_offset(stream, packet->acknowledgment);
    if (sender->future_acks > 0) /* each goes on from the one before, which may be gigabytes away */
        acknowledged = sender->claimed + (int32_t)(packet->acknowledgment - (stream->base + (uint32_t)sender->claimed));
    /* what was seen to be sent can be acknowledged, whatever the window was */
    if (acknowledged <= sender->right_edge + 1 || acknowledged <= (int64_t)reassembly_in_order_to(stream) + 1) {
        sender->future_acks = 0;
        return false;
    }
    sender->claimed = acknowledged;
    if (++sender->future_acks < CHECK_STREAK)
        return true;
    stream->front = (uint64_t)acknowledged;
    /* the capture lacks more than a window: from here on our view of it is worth nothing */
    tcp->unfit_checks |= 1u << DOUBT_ACKNOWLEDGMENT | 1u << DOUBT_WINDOW;
    return false;
}

enum doubt segment_check(struct flow *flow, const struct packet *packet, bool from_low)
{
    struct tcp_flow *tcp = flow->tcp;
    enum endpoint from = endpoint_of(from_low);
    struct tcp_side *sender = &tcp->side[from];
    bool is_in_doubt;

    if (packet->checksum == CHECKSUM_WRONG && sender->had_good_checksum && is_checked(tcp, DOUBT_CHECKSUM))
        return DOUBT_CHECKSUM;
    if ((packet->tcp_flags & (TCP_SYN | TCP_RST)) != 0)
        return DOUBT_NONE; /* the handshake and resets have rules of their own */
    if ((packet->tcp_flags & TCP_ACK) == 0 && packet->payload_length > 0 && is_checked(tcp, DOUBT_NO_ACK))
        return DOUBT_NO_ACK;
    is_in_doubt = has_bad_ttl(sender, packet); /* its count goes on in any case */
    if (is_in_doubt && (packet->payload_length > 0 || (packet->tcp_flags & TCP_FIN) != 0) && is_checked(tcp, DOUBT_TTL))
        return DOUBT_TTL;
    if (is_checked(tcp, DOUBT_ACKNOWLEDGMENT) && has_future_acknowledgment(tcp, sender, packet, from))
        return DOUBT_ACKNOWLEDGMENT;
    if (has_old_timestamp(sender, packet) && is_checked(tcp, DOUBT_TIMESTAMP))
        return DOUBT_TIMESTAMP;
    if (is_behind_window(tcp, packet, from) && is_checked(tcp, DOUBT_WINDOW))
        return DOUBT_WINDOW;
    return DOUBT_NONE;
}

/* RFC 7323, section 4.3: only a segment that begins at or before what was acknowledged moves the remembered timestamp. */
static void note_timestamp(struct tcp_flow *tcp, const struct packet *packet, enum endpoint from)
{
    struct tcp_side *sender = &tcp->side[from];
    const struct tcp_side *receiver = &tcp->side[endpoint_other(from)];
    const struct reassembly *stream = &tcp->stream[from];

    if (!packet->options.has_timestamp)
        return;
    if (sender->has_timestamp) {
        if (!receiver->has_acknowledged || !stream->is_open || reassembly_offset(stream, packet->sequence) > receiver->acknowledged)
            return;
        if ((int32_t)(packet->options.timestamp - sender->timestamp) < 0 && packet->time_us - sender->timestamp_us < CHECK_TIMESTAMP_US)
            return;
    }
    sender->has_timestamp = true;
    sender->timestamp = packet->options.timestamp;
    sender->timestamp_us = packet->time_us;
}

static void note_acknowledgment(struct tcp_flow *tcp, const struct packet *packet, enum endpoint from)
{
    struct tcp_side *side = &tcp->side[from];
    const struct reassembly *stream = &tcp->stream[endpoint_other(from)];
    int64_t acknowledged;
    int64_t edge;

    if ((packet->tcp_flags & TCP_ACK) == 0 || !stream->is_open)
        return;
    acknowledged = reassembly_offset(stream, packet->acknowledgment);
    edge = acknowledged + ((int64_t)packet->window << ((packet->tcp_flags & TCP_SYN) != 0 ? 0 : shift_of(tcp, from)));
    if (!side->has_acknowledged || acknowledged > side->acknowledged)
        side->acknowledged = acknowledged;
    if (!side->has_acknowledged || edge > side->right_edge)
        side->right_edge = edge;
    if (acknowledged > side->right_edge)
        side->right_edge = acknowledged;
    side->newest_acknowledged = acknowledged;
    side->has_acknowledged = true;
}

void segment_note(struct flow *flow, const struct packet *packet, bool from_low)
{
    struct tcp_flow *tcp = flow->tcp;
    enum endpoint from = endpoint_of(from_low);
    struct tcp_side *side = &tcp->side[from];

    if (packet->checksum == CHECKSUM_GOOD)
        side->had_good_checksum = true;
    if ((packet->tcp_flags & TCP_SYN) != 0) {
        side->had_syn = true;
        side->has_shift = packet->options.has_shift;
        side->shift = packet->options.shift;
    }
    if (side->lower_ttls == 0 || side->lower_ttls >= CHECK_STREAK) {
        side->has_ttl = true;
        side->ttl = packet->ttl;
        side->lower_ttls = 0;
    }
    note_acknowledgment(tcp, packet, from);
    note_timestamp(tcp, packet, from);
}

bool segment_reset_fits(const struct flow *flow, const struct packet *packet, bool from_low)
{
    const struct tcp_flow *tcp = flow->tcp;
    enum endpoint from = endpoint_of(from_low);
    const struct tcp_side *receiver = &tcp->side[endpoint_other(from)];
    const struct reassembly *stream = &tcp->stream[from];
    const struct reassembly *other = &tcp->stream[endpoint_other(from)];
    int64_t place;
    int64_t least;
    int64_t most;

    if (!stream->is_open) {
        /* an answer to a SYN acknowledges it (RFC 9293, section 3.10.7.3) */
        if (other->is_open && other->has_start && (packet->tcp_flags & TCP_ACK) != 0 && receiver->had_syn)
            return (uint32_t)(packet->acknowledgment - other->base) <= CHECK_RESET_DISTANCE;
        return true;
    }
    place = reassembly_offset(stream, packet->sequence);
    least = (int64_t)stream->next;
    most = (int64_t)reassembly_in_order_to(stream);
    if (receiver->has_acknowledged) {
        /* our view may be behind the receiver's, or before it */
        if (receiver->acknowledged < least)
            least = receiver->acknowledged;
        if (receiver->right_edge > most)
            most = receiver->right_edge;
        if (most - least > CHECK_RESET_DISTANCE)
            most = least + CHECK_RESET_DISTANCE;
    } else {
        most += CHECK_RESET_DISTANCE;
    }
    /* one before: hosts that lost count of their SYN or FIN; one behind: after its own FIN */
    return place >= least - 1 && place <= most + 1;
}

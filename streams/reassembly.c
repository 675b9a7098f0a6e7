/*
 * reassembly.c - see reassembly.h
 *
 * Invariants between calls:
 *   1. held[] is sorted by start, pieces do not overlap, held[0].start >= next (equal only where it waits for the
 *      other side: its `after`).
 *   2. held_bytes is the sum of what held[] has captured plus its bookkeeping.
 */
#include "streams/reassembly.h"

#include "base/memory.h"
#include "streams/segment_hash.h"

/* What a held piece costs besides its bytes. */
#define PIECE_COST sizeof(struct held_segment)
/* A piece that was joined from parts is at most so long. */
#define JOINED_MOST 65536
/* Pieces that one segment may replace; of the others the older copy stays. */
#define CARVE_MOST 64

void reassembly_open(struct reassembly *stream, uint32_t first_sequence, bool has_start)
{
    stream->is_open = true;
    stream->has_start = has_start;
    stream->base = first_sequence;
}

int64_t reassembly_offset(const struct reassembly *stream, uint32_t sequence)
{
    uint32_t front = stream->base + (uint32_t)stream->front;

    return (int64_t)stream->front + (int32_t)(sequence - front);
}

static void remember(struct reassembly *stream, uint64_t start, struct bytes bytes)
{
    stream->recent[stream->recent_at] = (struct recent_segment){.start = start, .length = (uint32_t)bytes.length, .hash = segment_hash(bytes)};
    stream->recent_at = (stream->recent_at + 1) % REASSEMBLY_RECENT;
}

/* Whether a repetition contradicts one of the segments that were handed on last and lie wholly in it. */
static bool contradicts_recent(const struct reassembly *stream, uint64_t start, struct bytes bytes)
{
    for (unsigned i = 0; i < REASSEMBLY_RECENT; i++) {
        const struct recent_segment *recent = &stream->recent[i];
        uint64_t end = recent->start + recent->length;

        if (recent->length == 0 || recent->start < start || end > start + bytes.length)
            continue;
        if (segment_hash(bytes_of(bytes.at + (recent->start - start), recent->length)) != recent->hash)
            return true;
    }
    return false;
}

/* Hands on bytes at `next`; what the capture cut off is a gap. */
static void hand_on(struct reassembly *stream, const struct reassembly_sink *sink, struct bytes captured, uint32_t length, int64_t time_us)
{
    if (time_us > stream->newest_us)
        stream->newest_us = time_us;
    if (captured.length > 0) {
        remember(stream, stream->next, captured);
        stream->next += captured.length;
        sink->data(sink->sink, captured, stream->newest_us);
    }
    if (length > captured.length) {
        stream->next += length - captured.length;
        sink->gap(sink->sink, length - captured.length, stream->newest_us);
    }
}

/* The index of the first held piece that ends behind `offset`. */
static unsigned first_behind(const struct reassembly *stream, uint64_t offset)
{
    unsigned low = 0;
    unsigned high = stream->held_count;

    while (low < high) {
        unsigned middle = low + (high - low) / 2;

        if (stream->held[middle].start + stream->held[middle].length > offset)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static bool has_room(const struct reassembly *stream, size_t captured)
{
    return stream->held_count < REASSEMBLY_HELD_SEGMENTS && stream->held_bytes + captured + PIECE_COST <= REASSEMBLY_HELD_BYTES;
}

/* Bytes that follow a held piece and were captured at the same time become part of it: a segment in many small parts is one piece. */
static bool join_piece(struct reassembly *stream, unsigned at, const struct held_segment *piece, const uint8_t *bytes, uint64_t *held_total)
{
    struct held_segment *before = at > 0 ? &stream->held[at - 1] : NULL;
    uint8_t *grown;

    if (before == NULL || before->start + before->length != piece->start || before->time_us != piece->time_us || before->after != piece->after ||
        before->captured != before->length || piece->captured != piece->length || before->length + piece->length > JOINED_MOST)
        return false;
    if (stream->held_bytes + piece->captured > REASSEMBLY_HELD_BYTES)
        return false;
    grown = memory_resize(before->bytes, before->length + piece->length);
    if (grown == NULL)
        return false;
    memcpy(grown + before->length, bytes, piece->length);
    before->bytes = grown;
    before->length += piece->length;
    before->captured += piece->length;
    if (piece->segment_end > before->segment_end)
        before->segment_end = piece->segment_end;
    stream->held_bytes += piece->length;
    *held_total += piece->length;
    return true;
}

/* Puts one piece, which overlaps no other, at its place. */
static bool insert_piece(struct reassembly *stream, unsigned at, struct held_segment piece, const uint8_t *bytes, uint64_t *held_total)
{
    if (!has_room(stream, piece.captured))
        return false;
    if (stream->held_count == stream->held_capacity) {
        unsigned capacity = stream->held_capacity == 0 ? 8 : stream->held_capacity * 2;
        struct held_segment *grown = memory_resize(stream->held, capacity * sizeof *grown);

        if (grown == NULL)
            return false;
        stream->held = grown;
        stream->held_capacity = capacity;
    }
    piece.bytes = memory_new(piece.captured > 0 ? piece.captured : 1);
    if (piece.bytes == NULL)
        return false;
    if (piece.captured > 0)
        memcpy(piece.bytes, bytes, piece.captured);
    memmove(&stream->held[at + 1], &stream->held[at], (stream->held_count - at) * sizeof piece);
    stream->held[at] = piece;
    stream->held_count++;
    stream->held_bytes += piece.captured + PIECE_COST;
    *held_total += piece.captured + PIECE_COST;
    return true;
}

/* Compares a repetition with a held piece where both have captured bytes. */
static bool contradicts_held(const struct held_segment *held, uint64_t start, struct bytes bytes)
{
    uint64_t from = held->start > start ? held->start : start;
    uint64_t held_end = held->start + held->captured;
    uint64_t end = start + bytes.length < held_end ? start + bytes.length : held_end;

    return from < end && memcmp(held->bytes + (from - held->start), bytes.at + (from - start), end - from) != 0;
}

/* The part of `captured`, which starts at `start`, from offset `from` to offset `to`. */
static struct bytes part_of(struct bytes captured, uint64_t start, uint64_t from, uint64_t to)
{
    uint64_t first = from - start;
    uint64_t last = to - start;

    if (first >= captured.length)
        return bytes_of(NULL, 0);
    if (last > captured.length)
        last = captured.length;
    return bytes_of(captured.at + first, (size_t)(last - first));
}

/* Whether the receiver prefers a new segment to a piece that it holds behind a hole. */
static bool is_preferred(uint8_t policy, uint64_t start, uint64_t end, const struct held_segment *held)
{
    switch (policy) {
    case OVERLAP_LAST:
        return true;
    case OVERLAP_BSD:
        return start < held->segment_start;
    case OVERLAP_LINUX:
        return start < held->segment_start || (start == held->segment_start && end > held->segment_end);
    default:
        return false;
    }
}

static void take_out(struct reassembly *stream, unsigned at, uint64_t *held_total)
{
    stream->held_bytes -= stream->held[at].captured + PIECE_COST;
    *held_total -= stream->held[at].captured + PIECE_COST;
    memory_free(stream->held[at].bytes);
    stream->held_count--;
    memmove(&stream->held[at], &stream->held[at + 1], (stream->held_count - at) * sizeof stream->held[0]);
}

/* Keeps of a piece what lies before `to`. */
static void cut_end(struct reassembly *stream, struct held_segment *piece, uint64_t to, uint64_t *held_total)
{
    uint32_t length = (uint32_t)(to - piece->start);
    uint32_t captured = piece->captured < length ? piece->captured : length;

    stream->held_bytes -= piece->captured - captured;
    *held_total -= piece->captured - captured;
    piece->length = length;
    piece->captured = captured;
}

/* Makes room for the bytes [from, to) in the piece `at`. False where that would take more memory than there is. */
static bool carve(struct reassembly *stream, unsigned at, uint64_t from, uint64_t to, uint64_t *held_total)
{
    struct held_segment *piece = &stream->held[at];
    uint64_t end = piece->start + piece->length;

    if (to < end) {
        struct bytes rest = part_of(bytes_of(piece->bytes, piece->captured), piece->start, to, end);
        struct held_segment behind = *piece;

        behind.start = to;
        behind.length = (uint32_t)(end - to);
        behind.captured = (uint32_t)rest.length;
        if (!insert_piece(stream, at + 1, behind, rest.at, held_total))
            return false;
        piece = &stream->held[at]; /* the list may have moved */
    }
    if (from > piece->start)
        cut_end(stream, piece, from, held_total);
    else
        take_out(stream, at, held_total);
    return true;
}

/*
 * Takes from the pieces what the receiver gives up for the part from `start` on of a segment that began at
 * `segment_start`. Answers whether it did that with any.
 */
static bool give_way(struct reassembly *stream, uint64_t segment_start, uint64_t start, uint64_t end, uint64_t *held_total)
{
    uint64_t settled = reassembly_in_order_to(stream);
    unsigned carved = 0;
    uint64_t from = start > settled ? start : settled;
    unsigned at = first_behind(stream, from);

    while (at < stream->held_count && stream->held[at].start < end && carved < CARVE_MOST) {
        struct held_segment *piece = &stream->held[at];
        uint64_t piece_end = piece->start + piece->length;
        uint64_t cut_from = piece->start > from ? piece->start : from;
        uint64_t cut_to = piece_end < end ? piece_end : end;
        unsigned before = stream->held_count;

        if (!is_preferred(stream->policy, segment_start, end, piece)) {
            at++;
            continue;
        }
        if (!carve(stream, at, cut_from, cut_to, held_total))
            break;
        carved++;
        at += stream->held_count >= before; /* of a piece that was taken out, the next one has the place */
    }
    return carved > 0;
}

/* Notes where a segment repeats what is held with other contents. */
static void compare_with_held(const struct reassembly *stream, uint64_t start, struct bytes captured, uint64_t end, struct segment_report *report)
{
    for (unsigned at = first_behind(stream, start); at < stream->held_count && stream->held[at].start < end; at++) {
        report->is_retransmission = true;
        if (report->differs || !contradicts_held(&stream->held[at], start, captured))
            continue;
        report->differs = true;
        report->differs_at = stream->held[at].start > start ? stream->held[at].start : start;
    }
}

/* Holds the parts of a segment that no piece holds. `whole` is it as one piece, without what was handed on already. */
static void hold(struct reassembly *stream, const struct held_segment *whole, struct bytes captured, struct segment_report *report, uint64_t *held_total)
{
    uint64_t start = whole->start;
    uint64_t end = start + whole->length;
    uint64_t from = start;
    unsigned at;

    compare_with_held(stream, start, captured, end, report);
    report->replaces = report->differs && give_way(stream, whole->segment_start, start, end, held_total);
    at = first_behind(stream, start);
    while (from < end) {
        bool has_piece = at < stream->held_count && stream->held[at].start < end;
        uint64_t to = has_piece ? stream->held[at].start : end;

        if (to > from) {
            struct bytes bytes = part_of(captured, start, from, to);
            struct held_segment piece = *whole;

            piece.start = from;
            piece.length = (uint32_t)(to - from);
            piece.captured = (uint32_t)bytes.length;
            if (!join_piece(stream, at, &piece, bytes.at, held_total)) {
                if (!insert_piece(stream, at, piece, bytes.at, held_total)) {
                    report->is_refused = true;
                    return;
                }
                at++;
            }
        }
        if (!has_piece)
            return;
        from = stream->held[at].start + stream->held[at].length;
        at++;
    }
}

bool reassembly_is_ready(const struct reassembly *stream)
{
    return stream->held_count > 0 && stream->held[0].start <= stream->next;
}

void reassembly_drain(struct reassembly *stream, const struct reassembly_sink *sink, uint64_t to, uint64_t other_next, uint64_t *held_total)
{
    unsigned done = 0;

    while (done < stream->held_count && stream->held[done].start <= stream->next) {
        struct held_segment *piece = &stream->held[done];

        if (piece->start >= to || piece->after > other_next)
            break;
        uint64_t known = stream->next - piece->start;

        if (known < piece->length) {
            struct bytes captured = part_of(bytes_of(piece->bytes, piece->captured), piece->start, stream->next, piece->start + piece->length);

            hand_on(stream, sink, captured, (uint32_t)(piece->length - known), piece->time_us);
        }
        stream->held_bytes -= piece->captured + PIECE_COST;
        *held_total -= piece->captured + PIECE_COST;
        memory_free(piece->bytes);
        done++;
    }
    if (done == 0)
        return;
    stream->held_count -= done;
    memmove(stream->held, stream->held + done, stream->held_count * sizeof stream->held[0]);
    if (stream->held_count == 0) {
        memory_free(stream->held);
        stream->held = NULL;
        stream->held_capacity = 0;
    }
}

uint64_t reassembly_in_order_to(const struct reassembly *stream)
{
    uint64_t end = stream->next;

    for (unsigned i = 0; i < stream->held_count && stream->held[i].start <= end; i++) {
        if (stream->held[i].start + stream->held[i].length > end)
            end = stream->held[i].start + stream->held[i].length;
    }
    return end;
}

struct segment_report reassembly_segment(struct reassembly *stream, const struct reassembly_sink *sink, uint64_t offset, struct bytes captured,
                                         uint32_t length, int64_t time_us, struct segment_order order, uint64_t *held_total)
{
    struct segment_report report = {.is_retransmission = false};
    uint64_t segment_start = offset;
    uint64_t end = offset + length;

    if (offset > stream->front + REASSEMBLY_WINDOW) {
        report.is_outside = true;
        return report;
    }
    if (stream->has_fin && end > stream->fin_at) {
        report.is_outside = true;
        if (offset >= stream->fin_at)
            return report;
        end = stream->fin_at;
        captured = part_of(captured, offset, offset, end);
    }
    if (end > stream->front)
        stream->front = end;
    if (offset < stream->next) {
        uint64_t known_to = end < stream->next ? end : stream->next;
        struct bytes repeated = part_of(captured, offset, offset, known_to);

        report.is_retransmission = true;
        if (contradicts_recent(stream, offset, repeated)) {
            report.differs = true;
            report.differs_at = offset;
        }
        if (end <= stream->next)
            return report;
        captured = part_of(captured, offset, stream->next, end);
        offset = stream->next;
    }
    report.is_out_of_order = offset > reassembly_in_order_to(stream);
    if (report.is_out_of_order || order.after > order.other_next || (stream->held_count > 0 && stream->held[0].start < end) ||
        reassembly_is_ready(stream)) {
        struct held_segment whole = {.start = offset, .length = (uint32_t)(end - offset), .time_us = time_us, .segment_start = segment_start, .segment_end = end,
                                     .after = order.after};

        hold(stream, &whole, captured, &report, held_total);
        reassembly_drain(stream, sink, UINT64_MAX, order.other_next, held_total);
        return report;
    }
    hand_on(stream, sink, captured, (uint32_t)(end - offset), time_us);
    if (stream->held_count > 0)
        reassembly_drain(stream, sink, UINT64_MAX, order.other_next, held_total);
    return report;
}

bool reassembly_give_up_hole(struct reassembly *stream, const struct reassembly_sink *sink, uint64_t limit, int64_t time_us, uint64_t other_next,
                             uint64_t *held_total)
{
    uint64_t to = stream->held_count > 0 && stream->held[0].start < limit ? stream->held[0].start : limit;

    if (stream->held_count > 0 && stream->held[0].start <= stream->next) {
        /* no hole, only held back */
        reassembly_drain(stream, sink, limit, UINT64_MAX, held_total);
        return true;
    }
    if (to <= stream->next || to == UINT64_MAX)
        return false;
    if (time_us > stream->newest_us)
        stream->newest_us = time_us;
    uint64_t count = to - stream->next;
    stream->next = to;
    if (to > stream->front)
        stream->front = to;
    sink->gap(sink->sink, count, stream->newest_us);
    reassembly_drain(stream, sink, limit, other_next, held_total);
    return true;
}

void reassembly_free(struct reassembly *stream, uint64_t *held_total)
{
    for (unsigned i = 0; i < stream->held_count; i++)
        memory_free(stream->held[i].bytes);
    memory_free(stream->held);
    *held_total -= stream->held_bytes;
    stream->held = NULL;
    stream->held_count = 0;
    stream->held_capacity = 0;
    stream->held_bytes = 0;
}

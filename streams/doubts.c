/* doubts.c - see doubts.h. A short list in the order of arrival: it is searched from the front, for the first copy is the likelier one. */
#include "streams/doubts.h"

#include "base/memory.h"

bool doubts_add(struct doubts **doubts, uint64_t start, struct bytes captured, uint32_t length, bool has_fin, int64_t time_us, enum doubt reason)
{
    struct doubts *list = *doubts;
    uint8_t *bytes;

    if (list == NULL) {
        list = memory_new_zeroed(1, sizeof *list);
        if (list == NULL)
            return false;
        *doubts = list;
    }
    if (list->count == DOUBTS_SEGMENTS || list->bytes + captured.length > DOUBTS_BYTES)
        return false;
    bytes = memory_new(captured.length > 0 ? captured.length : 1);
    if (bytes == NULL)
        return false;
    if (captured.length > 0)
        memcpy(bytes, captured.at, captured.length);
    list->list[list->count++] = (struct doubted_segment){.start = start,
                                                         .length = length,
                                                         .captured = (uint32_t)captured.length,
                                                         .bytes = bytes,
                                                         .time_us = time_us,
                                                         .reason = (uint8_t)reason,
                                                         .has_fin = has_fin};
    list->bytes += (uint32_t)captured.length;
    return true;
}

/* Unlinks without freeing. */
static struct doubted_segment unlink_at(struct doubts *doubts, unsigned at)
{
    struct doubted_segment segment = doubts->list[at];

    doubts->bytes -= segment.captured;
    doubts->count--;
    memmove(&doubts->list[at], &doubts->list[at + 1], (doubts->count - at) * sizeof segment);
    return segment;
}

static void drop_at(struct doubts *doubts, unsigned at)
{
    struct doubted_segment segment = unlink_at(doubts, at);

    memory_free(segment.bytes);
}

/* Where the segment ends; a FIN counts, so that it is not over before its FIN was asked for. */
static uint64_t end_of(const struct doubted_segment *segment)
{
    return segment->start + segment->length + segment->has_fin;
}

bool doubts_take(struct doubts *doubts, uint64_t next, uint64_t to, struct doubted_segment *taken)
{
    unsigned best = DOUBTS_SEGMENTS;

    if (doubts == NULL)
        return false;
    for (unsigned i = 0; i < doubts->count;) {
        const struct doubted_segment *segment = &doubts->list[i];

        if (end_of(segment) <= next) {
            drop_at(doubts, i);
            continue;
        }
        if (segment->start < to && (best == DOUBTS_SEGMENTS || (doubts->list[best].start > next && segment->start < doubts->list[best].start)))
            best = i;
        i++;
    }
    if (best == DOUBTS_SEGMENTS)
        return false;
    *taken = unlink_at(doubts, best);
    return true;
}

static bool contradicts(const struct doubted_segment *segment, uint64_t start, struct bytes bytes)
{
    uint64_t from = segment->start > start ? segment->start : start;
    uint64_t segment_end = segment->start + segment->captured;
    uint64_t end = start + bytes.length < segment_end ? start + bytes.length : segment_end;

    return from < end && memcmp(segment->bytes + (from - segment->start), bytes.at + (from - start), (size_t)(end - from)) != 0;
}

enum doubt doubts_settle(struct doubts *doubts, uint64_t start, struct bytes bytes)
{
    enum doubt reason = DOUBT_NONE;

    for (unsigned i = 0; doubts != NULL && i < doubts->count;) {
        const struct doubted_segment *segment = &doubts->list[i];

        if (reason == DOUBT_NONE && contradicts(segment, start, bytes))
            reason = (enum doubt)segment->reason;
        if (end_of(segment) <= start + bytes.length)
            drop_at(doubts, i);
        else
            i++;
    }
    return reason;
}

const struct doubted_segment *doubts_at(const struct doubts *doubts, uint64_t offset)
{
    for (unsigned i = 0; doubts != NULL && i < doubts->count; i++) {
        if (doubts->list[i].start <= offset && end_of(&doubts->list[i]) > offset)
            return &doubts->list[i];
    }
    return NULL;
}

bool doubts_cover(const struct doubts *doubts, uint64_t from, uint64_t to)
{
    uint64_t before;

    do {
        before = from;
        for (unsigned i = 0; i < doubts->count; i++) {
            const struct doubted_segment *segment = &doubts->list[i];

            if (segment->start <= from && end_of(segment) > from)
                from = end_of(segment);
        }
    } while (from < to && from > before);
    return from >= to;
}

bool doubts_are_a_run(const struct doubts *doubts, uint64_t from)
{
    for (unsigned i = 0; doubts != NULL && i < doubts->count; i++) {
        if (doubts->list[i].start != from)
            return false;
        from += doubts->list[i].length;
    }
    return true;
}

void doubts_free(struct doubts **doubts)
{
    if (*doubts == NULL)
        return;
    while ((*doubts)->count > 0)
        drop_at(*doubts, (*doubts)->count - 1);
    memory_free(*doubts);
    *doubts = NULL;
}

const char *doubt_text(enum doubt reason)
{
    switch (reason) {
    case DOUBT_CHECKSUM:
        return "with a wrong checksum";
    case DOUBT_TTL:
        return "with a time to live far below the usual";
    case DOUBT_TIMESTAMP:
        return "with a timestamp that is too old";
    case DOUBT_WINDOW:
        return "outside the receiver's window";
    case DOUBT_NO_ACK:
        return "without ACK";
    case DOUBT_ACKNOWLEDGMENT:
        return "with an impossible acknowledgment";
    case DOUBT_NONE:
    case DOUBTS:
        break;
    }
    return "in doubt";
}

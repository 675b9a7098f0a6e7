/* websocket_seek.c - see websocket_seek.h */
#include "dissectors/websocket_seek.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/utf8.h"
#include "dissectors/websocket_session.h"

#define POINTS_OF_HEADER 5
#define POINTS_OF_TEXT 12 /* at most; one for each byte */
#define POINTS_OF_CLOSE 9
#define POINTS_OF_END 8
/* No frame of a chain is longer: it would be waited for without end. */
#define SEEK_FRAME_LIMIT ((uint64_t)1 << 30)

enum continuity {
    CONTINUITY_UNKNOWN, /* a message may be under way */
    CONTINUITY_BETWEEN,
    CONTINUITY_WITHIN, /* a message goes on */
};

/* Places in the stream are counted from where seeking began. */
struct chain {
    uint64_t headers[SEEK_HEADERS];
    unsigned count;
    unsigned points;
    enum continuity continuity;
    bool has_closed;
    struct websocket_frame last;
    uint64_t payload; /* where the last frame's begins */
    uint64_t next;    /* where the next header must stand */
};

struct websocket_seek {
    bool is_masked;
    bool may_compress;
    struct text kept; /* [base, end) of the stream */
    uint64_t base;
    uint64_t end;
    uint64_t missing;    /* of the bytes before `end` */
    uint64_t candidate;  /* the next place that may begin a chain */
    struct chain chains[SEEK_CHAINS];
    unsigned count;
    uint64_t soonest; /* no chain's next header stands before */
    uint64_t found;
};

/* ---- headers ---- */

struct websocket_frame websocket_take_frame_header(struct cursor *unit)
{
    struct websocket_frame frame = {.is_minimal = true};
    uint8_t start = take_u8(unit);
    uint8_t length = take_u8(unit);
    struct bytes key;

    frame.is_final = (start & 0x80) != 0;
    frame.reserved_bits = start >> 4 & 7;
    frame.opcode = start & 0x0f;
    frame.is_masked = (length & 0x80) != 0;
    frame.length = length & 0x7f;
    if (frame.length == 126) {
        frame.length = take_u16_be(unit);
        frame.is_minimal = frame.length >= 126;
    } else if (frame.length == 127) {
        frame.length = take_u64_be(unit);
        frame.is_minimal = frame.length > UINT16_MAX;
    }
    key = take_bytes(unit, frame.is_masked ? sizeof frame.key : 0);
    if (key.length == sizeof frame.key)
        memcpy(frame.key, key.at, sizeof frame.key);
    return frame;
}

void websocket_unmask(const struct websocket_frame *frame, uint64_t offset, struct bytes payload, uint8_t *plain)
{
    struct cursor masked = cursor_within(payload);
    uint8_t key[8];
    uint64_t eight_of_key;
    size_t done = 0;

    for (size_t i = 0; i < sizeof key; i++)
        key[i] = frame->key[(offset + i) % sizeof frame->key];
    memcpy(&eight_of_key, key, sizeof key);
    while (cursor_left(&masked) >= sizeof key) {
        uint64_t eight;

        memcpy(&eight, take_bytes(&masked, sizeof eight).at, sizeof eight);
        eight ^= eight_of_key;
        memcpy(plain + done, &eight, sizeof eight);
        done += sizeof eight;
    }
    for (size_t i = 0; cursor_left(&masked) > 0; i++)
        plain[done++] = take_u8(&masked) ^ key[i];
}

/* ---- chains ---- */

struct websocket_seek *websocket_seek_new(bool is_masked, bool may_compress)
{
    struct websocket_seek *seek = memory_new_zeroed(1, sizeof *seek);

    if (seek == NULL)
        return NULL;
    seek->is_masked = is_masked;
    seek->may_compress = may_compress;
    seek->kept.limit = SEEK_KEPT;
    seek->soonest = UINT64_MAX - 1;
    return seek;
}

void websocket_seek_free(struct websocket_seek *seek)
{
    if (seek == NULL)
        return;
    text_free(&seek->kept);
    memory_free(seek);
}

/* What is kept between two places; empty where that is not all of it. */
static struct bytes kept_between(const struct websocket_seek *seek, uint64_t from, uint64_t to)
{
    struct cursor kept = cursor_within(text_bytes(&seek->kept));

    if (from < seek->base || to > seek->end)
        return bytes_of(NULL, 0);
    skip_bytes(&kept, (size_t)(from - seek->base));
    return take_bytes(&kept, (size_t)(to - from));
}

/* The evidence of the last frame's payload, which ends at `next`; -1: it cannot be one. */
static int points_of_payload(const struct websocket_seek *seek, const struct chain *chain)
{
    struct bytes payload = kept_between(seek, chain->payload, chain->next);
    const struct websocket_frame *frame = &chain->last;
    struct utf8_check utf8 = {.needed = 0};
    bool is_text = frame->opcode == WEBSOCKET_TEXT && frame->reserved_bits == 0;
    uint64_t offset = 0;
    struct cursor rest = cursor_within(payload);

    if (payload.length == 0 || (!is_text && frame->opcode != WEBSOCKET_CLOSE))
        return 0;
    while (cursor_left(&rest) > 0) {
        uint8_t plain[256];
        struct bytes part = take_up_to(&rest, sizeof plain);
        struct cursor code = cursor_within(bytes_of(plain, part.length));

        websocket_unmask(frame, offset, part, plain);
        if (frame->opcode == WEBSOCKET_CLOSE)
            return websocket_close_code_is_valid(take_u16_be(&code)) && cursor_is_good(&code) ? POINTS_OF_CLOSE : -1;
        if (!utf8_check_add(&utf8, bytes_of(plain, part.length)))
            return -1;
        offset += part.length;
    }
    if (frame->is_final && !utf8_check_ends(&utf8))
        return -1;
    return payload.length < POINTS_OF_TEXT ? (int)payload.length : POINTS_OF_TEXT;
}

/* Whether this side sends such headers, and a message may go on so. */
static bool header_fits(const struct websocket_seek *seek, const struct chain *chain, const struct websocket_frame *frame)
{
    bool starts = frame->opcode == WEBSOCKET_TEXT || frame->opcode == WEBSOCKET_BINARY;

    if (chain->has_closed || websocket_opcode_is_reserved(frame->opcode) || frame->is_masked != seek->is_masked || !frame->is_minimal || frame->length > SEEK_FRAME_LIMIT)
        return false;
    if (frame->reserved_bits != 0 && (frame->reserved_bits != WEBSOCKET_RSV1 || !seek->may_compress || !starts))
        return false;
    if (websocket_opcode_is_control(frame->opcode))
        return frame->is_final && frame->length <= WEBSOCKET_CONTROL_LIMIT && (frame->opcode != WEBSOCKET_CLOSE || frame->length != 1);
    return chain->continuity == CONTINUITY_UNKNOWN || starts == (chain->continuity == CONTINUITY_BETWEEN);
}

/* The header at the chain's `next`. False: there is none. *is_short: it is not there as a whole. */
static bool chain_takes_header(const struct websocket_seek *seek, struct chain *chain, bool *is_short)
{
    struct cursor unit = cursor_over(kept_between(seek, chain->next, seek->end));
    size_t before = cursor_left(&unit);
    struct websocket_frame frame = websocket_take_frame_header(&unit);
    int points = 0;

    *is_short = !cursor_is_good(&unit);
    if (*is_short)
        return chain->next >= seek->base;
    if (chain->count > 0)
        points = points_of_payload(seek, chain);
    if (points < 0 || !header_fits(seek, chain, &frame))
        return false;
    if (chain->count < SEEK_HEADERS)
        chain->headers[chain->count] = chain->next;
    chain->count++;
    chain->points += (unsigned)points + POINTS_OF_HEADER;
    if (websocket_opcode_is_data(frame.opcode))
        chain->continuity = frame.is_final ? CONTINUITY_BETWEEN : CONTINUITY_WITHIN;
    chain->has_closed = frame.opcode == WEBSOCKET_CLOSE;
    chain->last = frame;
    chain->payload = chain->next + (before - cursor_left(&unit));
    chain->next = chain->payload + frame.length;
    return true;
}

static void drop_chain(struct websocket_seek *seek, unsigned place)
{
    seek->count--;
    if (place < seek->count)
        seek->chains[place] = seek->chains[seek->count];
}

/* Where there is no room for one more, the one that reaches farthest gives way. */
static void add_chain(struct websocket_seek *seek, const struct chain *chain)
{
    unsigned farthest = 0;

    if (chain->next < seek->soonest)
        seek->soonest = chain->next;
    if (seek->count < SEEK_CHAINS) {
        seek->chains[seek->count++] = *chain;
        return;
    }
    for (unsigned i = 1; i < seek->count; i++) {
        if (seek->chains[i].next > seek->chains[farthest].next)
            farthest = i;
    }
    if (seek->chains[farthest].next > chain->next)
        seek->chains[farthest] = *chain;
}

/* The first of its frames that is still kept. */
static void believe(struct websocket_seek *seek, const struct chain *chain)
{
    unsigned count = chain->count < SEEK_HEADERS ? chain->count : SEEK_HEADERS;
    unsigned first = 0;

    while (first + 1 < count && chain->headers[first] < seek->base)
        first++;
    seek->found = chain->headers[first];
}

/* Follows the chains whose next header may be whole by now. True where one is believed. */
static bool follow_chains(struct websocket_seek *seek)
{
    uint64_t soonest = UINT64_MAX - 1;

    if (seek->soonest + 1 >= seek->end)
        return false;
    for (unsigned i = 0; i < seek->count;) {
        struct chain *chain = &seek->chains[i];
        bool is_short = false;
        bool fits = true;

        while (fits && !is_short && chain->next + 1 < seek->end)
            fits = chain_takes_header(seek, chain, &is_short);
        if (fits && chain->points >= SEEK_POINTS) {
            believe(seek, chain);
            return true;
        }
        if (fits && chain->next < soonest)
            soonest = chain->next;
        if (fits)
            i++;
        else
            drop_chain(seek, i);
    }
    seek->soonest = soonest;
    return false;
}

/* Whether the two bytes at the candidate may begin a header: nearly none do. */
static bool may_begin(const struct websocket_seek *seek)
{
    struct cursor two = cursor_within(kept_between(seek, seek->candidate, seek->candidate + 2));
    uint8_t start = take_u8(&two);
    uint8_t length = take_u8(&two);

    return (start & (seek->may_compress ? 0x30 : 0x70)) == 0 && !websocket_opcode_is_reserved(start & 0x0f) && (length >= 0x80) == seek->is_masked;
}

/* Chains that may begin where a whole header stands by now. */
static void begin_chains(struct websocket_seek *seek)
{
    while (seek->candidate + 1 < seek->end) {
        bool is_short = false;

        if (may_begin(seek)) {
            struct chain chain = {.next = seek->candidate};
            bool fits = chain_takes_header(seek, &chain, &is_short);

            if (is_short && seek->end - seek->candidate < WEBSOCKET_HEADER_LIMIT && fits)
                return;
            if (fits && !is_short)
                add_chain(seek, &chain);
        }
        seek->candidate++;
    }
}

static void keep_byte(struct websocket_seek *seek, uint8_t byte)
{
    if (seek->kept.length == SEEK_KEPT) {
        memmove(seek->kept.at, seek->kept.at + SEEK_KEPT / 2, SEEK_KEPT / 2);
        seek->kept.length = SEEK_KEPT / 2;
        seek->base += SEEK_KEPT / 2;
    }
    text_append(&seek->kept, bytes_of(&byte, 1));
    seek->end++;
}

bool websocket_seek_add(struct websocket_seek *seek, struct cursor *bytes)
{
    while (cursor_left(bytes) > 0) {
        keep_byte(seek, take_u8(bytes));
        begin_chains(seek);
        if (follow_chains(seek))
            return true;
    }
    return false;
}

void websocket_seek_miss(struct websocket_seek *seek, uint64_t count)
{
    text_clear(&seek->kept);
    seek->end += count;
    seek->missing += count;
    seek->base = seek->end;
    seek->candidate = seek->end;
    for (unsigned i = 0; i < seek->count;) {
        if (seek->chains[i].next < seek->base)
            drop_chain(seek, i);
        else
            i++;
    }
}

bool websocket_seek_end(struct websocket_seek *seek)
{
    const struct chain *best = NULL;
    unsigned most = SEEK_POINTS_AT_END - 1;

    for (unsigned i = 0; i < seek->count; i++) {
        const struct chain *chain = &seek->chains[i];
        int points = chain->next == seek->end ? points_of_payload(seek, chain) : -1;

        if (points < 0 || chain->points + (unsigned)points + POINTS_OF_END <= most || chain->headers[(chain->count < SEEK_HEADERS ? chain->count : SEEK_HEADERS) - 1] < seek->base)
            continue;
        most = chain->points + (unsigned)points + POINTS_OF_END;
        best = chain;
    }
    if (best != NULL)
        believe(seek, best);
    return best != NULL;
}

struct bytes websocket_seek_found(const struct websocket_seek *seek)
{
    return kept_between(seek, seek->found, seek->end);
}

uint64_t websocket_seek_passed(const struct websocket_seek *seek)
{
    return seek->found > seek->missing ? seek->found - seek->missing : 0;
}

/*
 * fragments.c - see fragments.h
 *
 * Unfinished datagrams stand in a hash table with a secret seed, and in a list by age. Each keeps its pieces sorted by
 * offset, without overlaps: a fragment that is preferred to a piece writes its bytes over that piece's.
 */
#include "capture/fragments.h"

#include "base/memory.h"
#include "base/seed.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define BUCKETS 4096
#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define DATAGRAM_LIMIT 65535u

struct piece {
    uint32_t start;
    uint32_t length;
    uint32_t fragment_start; /* of the fragment that it came in */
    uint8_t *bytes;          /* owned */
};

/* What the fragments of one datagram have in common (RFC 791 section 3.2: source, destination, protocol, identification). Hashed as bytes. */
struct datagram_key {
    uint8_t source[16];
    uint8_t destination[16];
    uint32_t id;
    uint8_t version;
    uint8_t protocol; /* IPv4 only; in IPv6 it may differ between fragments */
    uint8_t unused[2];
};

struct datagram {
    struct datagram_key key;
    int64_t first_us;
    uint8_t protocol; /* of the first fragment */
    bool has_first;
    bool has_last;
    bool is_spoiled; /* ignored until it expires */
    bool overlaps;
    uint32_t total;  /* payload length, where has_last */
    uint32_t held;   /* bytes in pieces */
    unsigned place_count;
    unsigned place_capacity;
    struct packet_place *places; /* owned */
    unsigned piece_count;
    unsigned piece_capacity;
    struct piece *pieces; /* owned */
    struct datagram *next_in_bucket;
    struct datagram *older;
    struct datagram *newer;
};

struct fragments {
    struct datagram *buckets[BUCKETS];
    struct datagram *oldest;
    struct datagram *newest;
    unsigned count;
    uint64_t held;
    uint64_t given_up;
    uint64_t seed;
    enum overlap_policy policy;
    struct packet_place *places; /* owned; of the newest whole one */
    uint8_t whole[IPV6_HEADER + DATAGRAM_LIMIT];
};

struct fragments *fragments_new(enum overlap_policy policy)
{
    struct fragments *fragments = memory_new_zeroed(1, sizeof *fragments);

    if (fragments == NULL)
        return NULL;
    fragments->policy = policy;
    fragments->seed = seed_new();
    return fragments;
}

static struct datagram **bucket_of(struct fragments *fragments, const struct datagram_key *key)
{
    return &fragments->buckets[XXH3_64bits_withSeed(key, sizeof *key, fragments->seed) % BUCKETS];
}

/* Bytes that a datagram needs besides its payload. */
static uint64_t cost_of(const struct datagram *datagram)
{
    return sizeof *datagram + datagram->piece_capacity * (sizeof(struct piece) + MEMORY_OVERHEAD) + datagram->place_capacity * sizeof(struct packet_place);
}

static void drop(struct fragments *fragments, struct datagram *datagram)
{
    struct datagram **link = bucket_of(fragments, &datagram->key);

    while (*link != datagram)
        link = &(*link)->next_in_bucket;
    *link = datagram->next_in_bucket;
    *(datagram->older != NULL ? &datagram->older->newer : &fragments->oldest) = datagram->newer;
    *(datagram->newer != NULL ? &datagram->newer->older : &fragments->newest) = datagram->older;
    fragments->count--;
    fragments->held -= datagram->held + cost_of(datagram);
    for (unsigned i = 0; i < datagram->piece_count; i++)
        memory_free(datagram->pieces[i].bytes);
    memory_free(datagram->pieces);
    memory_free(datagram->places);
    memory_free(datagram);
}

static void give_up(struct fragments *fragments, struct datagram *datagram)
{
    fragments->given_up += !datagram->is_spoiled; /* else it was counted */
    drop(fragments, datagram);
}

void fragments_free(struct fragments *fragments)
{
    if (fragments == NULL)
        return;
    while (fragments->oldest != NULL)
        drop(fragments, fragments->oldest);
    memory_free(fragments->places);
    memory_free(fragments);
}

uint64_t fragments_given_up(const struct fragments *fragments)
{
    return fragments->given_up;
}

unsigned fragments_waiting(const struct fragments *fragments)
{
    return fragments->count;
}

static struct datagram_key key_of(const struct packet *packet)
{
    struct datagram_key key = {.id = packet->fragment_id, .version = packet->source.version};

    memcpy(key.source, packet->source.bytes, sizeof key.source);
    memcpy(key.destination, packet->destination.bytes, sizeof key.destination);
    if (packet->source.version == 4)
        key.protocol = packet->protocol;
    return key;
}

static struct datagram *find_or_make(struct fragments *fragments, const struct packet *packet)
{
    struct datagram_key key = key_of(packet);
    struct datagram **bucket = bucket_of(fragments, &key);
    struct datagram *datagram = *bucket;

    while (datagram != NULL && memcmp(&datagram->key, &key, sizeof key) != 0)
        datagram = datagram->next_in_bucket;
    if (datagram != NULL)
        return datagram;
    if (fragments->count >= FRAGMENTS_DATAGRAMS)
        give_up(fragments, fragments->oldest);
    datagram = memory_new_zeroed(1, sizeof *datagram);
    if (datagram == NULL)
        return NULL;
    datagram->key = key;
    datagram->first_us = packet->clock_us;
    datagram->next_in_bucket = *bucket;
    *bucket = datagram;
    datagram->older = fragments->newest;
    *(fragments->newest != NULL ? &fragments->newest->newer : &fragments->oldest) = datagram;
    fragments->newest = datagram;
    fragments->count++;
    fragments->held += cost_of(datagram);
    return datagram;
}

/* Room for one more of what `list` holds; *capacity counts them. NULL: no room. */
static void *with_room(struct fragments *fragments, void *list, unsigned count, unsigned *capacity, unsigned most, size_t size, size_t cost)
{
    unsigned grown = *capacity == 0 ? 4 : *capacity * 2;
    void *resized;

    if (count < *capacity)
        return list;
    if (count >= most)
        return NULL;
    resized = memory_resize(list, grown * size);
    if (resized == NULL)
        return NULL;
    fragments->held += (grown - *capacity) * cost;
    *capacity = grown;
    return resized;
}

static bool insert_piece(struct fragments *fragments, struct datagram *datagram, unsigned at, struct piece piece, const uint8_t *bytes)
{
    struct piece *pieces = with_room(fragments, datagram->pieces, datagram->piece_count, &datagram->piece_capacity, FRAGMENTS_PIECES, sizeof piece,
                                     sizeof piece + MEMORY_OVERHEAD);

    if (pieces == NULL)
        return false;
    datagram->pieces = pieces;
    piece.bytes = memory_new(piece.length);
    if (piece.bytes == NULL)
        return false;
    memcpy(piece.bytes, bytes, piece.length);
    memmove(&pieces[at + 1], &pieces[at], (datagram->piece_count - at) * sizeof piece);
    pieces[at] = piece;
    datagram->piece_count++;
    datagram->held += piece.length;
    fragments->held += piece.length;
    return true;
}

/* Remembers the frame, or the frames, that the fragment came in. */
static bool add_places(struct fragments *fragments, struct datagram *datagram, const struct packet *packet)
{
    const struct packet_place own = {.capture_id = packet->capture_id, .position = packet->position};
    const struct packet_place *places = packet->places != NULL ? packet->places : &own;
    unsigned count = packet->places != NULL ? packet->place_count : 1;

    for (unsigned i = 0; i < count; i++) {
        struct packet_place *list = with_room(fragments, datagram->places, datagram->place_count, &datagram->place_capacity, FRAGMENTS_PLACES,
                                              sizeof *list, sizeof *list);

        if (list == NULL)
            return false;
        datagram->places = list;
        list[datagram->place_count++] = places[i];
    }
    return true;
}

static bool is_preferred(enum overlap_policy policy, uint32_t start, const struct piece *piece)
{
    return policy == OVERLAP_LAST || (policy == OVERLAP_BSD && start < piece->fragment_start);
}

/* The receiving host drops datagrams with overlapping fragments. */
static bool policy_drops(const struct fragments *fragments, const struct datagram *datagram)
{
    return datagram->key.version == 6 || fragments->policy == OVERLAP_LINUX || fragments->policy == OVERLAP_WINDOWS;
}

/* Where a fragment lies over a piece: compares them, and lets the preferred one's bytes stand. */
static void lay_over(const struct fragments *fragments, struct piece *piece, uint32_t start, struct bytes payload, struct fragment_report *report)
{
    uint32_t from = piece->start > start ? piece->start : start;
    uint32_t piece_end = piece->start + piece->length;
    uint32_t to = piece_end < start + payload.length ? piece_end : start + (uint32_t)payload.length;

    if (memcmp(piece->bytes + (from - piece->start), payload.at + (from - start), to - from) == 0)
        return;
    report->differs = true;
    if (is_preferred(fragments->policy, start, piece))
        memcpy(piece->bytes + (from - piece->start), payload.at + (from - start), to - from);
}

/* Adds the parts of the fragment that no piece holds yet. False: no room. */
static bool add_payload(struct fragments *fragments, struct datagram *datagram, uint32_t start, struct bytes payload, struct fragment_report *report)
{
    uint32_t end = start + (uint32_t)payload.length;
    uint32_t from = start;
    unsigned at = 0;

    while (at < datagram->piece_count && datagram->pieces[at].start + datagram->pieces[at].length <= start)
        at++;
    while (from < end) {
        bool has_piece = at < datagram->piece_count && datagram->pieces[at].start < end;
        uint32_t to = has_piece ? datagram->pieces[at].start : end;

        if (to > from) {
            struct piece piece = {.start = from, .length = to - from, .fragment_start = start};

            if (!insert_piece(fragments, datagram, at, piece, payload.at + (from - start)))
                return false;
            at++;
        }
        if (!has_piece)
            return true;
        /* an exact repetition is only a duplicate (RFC 8200 section 4.5) */
        if (!(datagram->pieces[at].start == start && datagram->pieces[at].length == payload.length))
            report->overlaps = true;
        lay_over(fragments, &datagram->pieces[at], start, payload, report);
        from = datagram->pieces[at].start + datagram->pieces[at].length;
        at++;
    }
    return true;
}

static void put_u16(uint8_t *out, uint32_t value)
{
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
}

/* A header without options or extensions: the fields behind it were read from the fragments already. */
static uint32_t write_header(const struct datagram *datagram, const struct packet *packet, uint8_t *out)
{
    if (datagram->key.version == 4) {
        memset(out, 0, IPV4_HEADER);
        out[0] = 0x45;
        put_u16(out + 2, IPV4_HEADER + datagram->total);
        out[8] = packet->ttl;
        out[9] = datagram->protocol;
        memcpy(out + 12, datagram->key.source, 4);
        memcpy(out + 16, datagram->key.destination, 4);
        return IPV4_HEADER;
    }
    memset(out, 0, IPV6_HEADER);
    out[0] = 0x60;
    put_u16(out + 4, datagram->total);
    out[6] = datagram->protocol;
    out[7] = packet->ttl;
    memcpy(out + 8, datagram->key.source, 16);
    memcpy(out + 24, datagram->key.destination, 16);
    return IPV6_HEADER;
}

static bool is_whole(const struct datagram *datagram)
{
    uint32_t header = datagram->key.version == 4 ? IPV4_HEADER : 0;

    const struct piece *end = datagram->piece_count > 0 ? &datagram->pieces[datagram->piece_count - 1] : NULL;

    /* pieces do not overlap: where the last ends right and the sum is right, there is no hole */
    return datagram->has_first && datagram->has_last && end != NULL && end->start + end->length == datagram->total && datagram->held == datagram->total &&
           datagram->total + header <= DATAGRAM_LIMIT;
}

static void give_up_old(struct fragments *fragments, int64_t now_us)
{
    while (fragments->oldest != NULL && now_us - fragments->oldest->first_us > (int64_t)FRAGMENTS_SECONDS * 1000000)
        give_up(fragments, fragments->oldest);
    while (fragments->held > FRAGMENTS_BYTES)
        give_up(fragments, fragments->oldest);
}

/* Puts the pieces together behind a header, and gives the datagram up. */
static struct whole_datagram finish(struct fragments *fragments, struct datagram *datagram, const struct packet *packet)
{
    uint32_t header = write_header(datagram, packet, fragments->whole);
    struct whole_datagram whole = {.place_count = datagram->place_count};

    for (unsigned i = 0; i < datagram->piece_count; i++)
        memcpy(fragments->whole + header + datagram->pieces[i].start, datagram->pieces[i].bytes, datagram->pieces[i].length);
    whole.bytes = bytes_of(fragments->whole, header + datagram->total);
    fragments->held -= datagram->place_capacity * sizeof(struct packet_place);
    datagram->place_capacity = 0;
    memory_free(fragments->places);
    fragments->places = datagram->places;
    datagram->places = NULL;
    whole.places = fragments->places;
    drop(fragments, datagram);
    return whole;
}

/* What makes a fragment, and its datagram with it, useless. */
static bool is_spoiling(const struct packet *packet, struct fragment_report *report)
{
    report->is_forged = packet->fragment_offset + packet->network_payload_length > DATAGRAM_LIMIT || packet->network_payload_length == 0 ||
                        (packet->has_more_fragments && packet->network_payload_length % 8 != 0);
    return report->is_forged || packet->network_payload.length < packet->network_payload_length;
}

/* Only the first overlap of a datagram is told. */
static void settle_overlap(struct fragments *fragments, struct datagram *datagram, struct fragment_report *report)
{
    bool is_first = !datagram->overlaps;

    if (!report->overlaps && !report->differs)
        return;
    datagram->overlaps = true;
    if (policy_drops(fragments, datagram)) {
        report->is_dropped = true;
        datagram->is_spoiled = true;
        fragments->given_up++;
    }
    report->overlaps = is_first;
    report->differs = report->differs && is_first;
}

struct fragment_report fragments_add(struct fragments *fragments, const struct packet *packet)
{
    uint32_t start = packet->fragment_offset;
    struct fragment_report report = {.is_whole = false};
    struct datagram *datagram;

    give_up_old(fragments, packet->clock_us);
    datagram = find_or_make(fragments, packet);
    if (datagram == NULL || datagram->is_spoiled)
        return report;
    /* one that the capture cut short can never complete */
    if (is_spoiling(packet, &report)) {
        datagram->is_spoiled = true;
        fragments->given_up++;
        return report;
    }
    if (start == 0 && !datagram->has_first) {
        datagram->has_first = true;
        datagram->protocol = packet->protocol;
    }
    if (!packet->has_more_fragments && !datagram->has_last) {
        datagram->has_last = true;
        datagram->total = start + packet->network_payload_length;
    }
    if (!add_payload(fragments, datagram, start, packet->network_payload, &report) || !add_places(fragments, datagram, packet)) {
        give_up(fragments, datagram);
        return report;
    }
    settle_overlap(fragments, datagram, &report);
    if (datagram->is_spoiled || !is_whole(datagram))
        return report;
    report.whole = finish(fragments, datagram, packet);
    report.is_whole = true;
    return report;
}

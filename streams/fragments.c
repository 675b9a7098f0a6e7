/*
 * fragments.c - see fragments.h
 *
 * Unfinished datagrams stand in a small hash table and in a list by age. Each
 * keeps its pieces sorted by offset, without overlaps.
 */
#include "streams/fragments.h"

#include "base/memory.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define BUCKETS 256
#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define DATAGRAM_LIMIT 65535u

struct piece {
    uint32_t start;
    uint32_t length;
    uint8_t *bytes; /* owned */
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
    bool is_spoiled; /* IPv6 overlap: ignored until it expires */
    uint32_t total;  /* payload length, where has_last */
    uint32_t held;   /* bytes in pieces */
    unsigned packets;
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
    uint8_t whole[IPV6_HEADER + DATAGRAM_LIMIT];
};

struct fragments *fragments_new(void)
{
    return memory_new_zeroed(1, sizeof(struct fragments));
}

static struct datagram **bucket_of(struct fragments *fragments, const struct datagram_key *key)
{
    return &fragments->buckets[XXH3_64bits_withSeed(key, sizeof *key, (uint64_t)(uintptr_t)fragments) % BUCKETS];
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
    fragments->held -= datagram->held;
    for (unsigned i = 0; i < datagram->piece_count; i++)
        memory_free(datagram->pieces[i].bytes);
    memory_free(datagram->pieces);
    memory_free(datagram);
}

static void give_up(struct fragments *fragments, struct datagram *datagram)
{
    fragments->given_up++;
    drop(fragments, datagram);
}

void fragments_free(struct fragments *fragments)
{
    if (fragments == NULL)
        return;
    while (fragments->oldest != NULL)
        drop(fragments, fragments->oldest);
    memory_free(fragments);
}

uint64_t fragments_incomplete(const struct fragments *fragments)
{
    return fragments->given_up + fragments->count;
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
    datagram->first_us = packet->time_us;
    datagram->next_in_bucket = *bucket;
    *bucket = datagram;
    datagram->older = fragments->newest;
    *(fragments->newest != NULL ? &fragments->newest->newer : &fragments->oldest) = datagram;
    fragments->newest = datagram;
    fragments->count++;
    return datagram;
}

static bool insert_piece(struct fragments *fragments, struct datagram *datagram, unsigned at, uint32_t start, const uint8_t *bytes, uint32_t length)
{
    struct piece piece = {.start = start, .length = length};

    if (datagram->piece_count == FRAGMENTS_PIECES)
        return false;
    if (datagram->piece_count == datagram->piece_capacity) {
        unsigned capacity = datagram->piece_capacity == 0 ? 8 : datagram->piece_capacity * 2;
        struct piece *grown = memory_resize(datagram->pieces, capacity * sizeof *grown);

        if (grown == NULL)
            return false;
        datagram->pieces = grown;
        datagram->piece_capacity = capacity;
    }
    piece.bytes = memory_new(length);
    if (piece.bytes == NULL)
        return false;
    memcpy(piece.bytes, bytes, length);
    memmove(&datagram->pieces[at + 1], &datagram->pieces[at], (datagram->piece_count - at) * sizeof piece);
    datagram->pieces[at] = piece;
    datagram->piece_count++;
    datagram->held += length;
    fragments->held += length;
    return true;
}

/* Adds the parts of [start, end) that no piece holds yet. */
static bool add_payload(struct fragments *fragments, struct datagram *datagram, uint32_t start, struct bytes payload)
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
            if (!insert_piece(fragments, datagram, at, from, payload.at + (from - start), to - from))
                return false;
            at++;
        }
        if (!has_piece)
            return true;
        /* an exact repetition is only a duplicate (RFC 8200 section 4.5) */
        if (datagram->key.version == 6 && !(datagram->pieces[at].start == start && datagram->pieces[at].length == payload.length))
            datagram->is_spoiled = true;
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

    return datagram->has_first && datagram->has_last && datagram->held == datagram->total && datagram->total + header <= DATAGRAM_LIMIT;
}

static void give_up_old(struct fragments *fragments, int64_t now_us)
{
    while (fragments->oldest != NULL && now_us - fragments->oldest->first_us > (int64_t)FRAGMENTS_SECONDS * 1000000)
        give_up(fragments, fragments->oldest);
    while (fragments->held > FRAGMENTS_BYTES)
        give_up(fragments, fragments->oldest);
}

bool fragments_add(struct fragments *fragments, const struct packet *packet, struct bytes *whole, unsigned *pieces)
{
    uint32_t start = packet->fragment_offset;
    struct bytes payload = packet->network_payload;
    struct datagram *datagram;
    uint32_t header;

    give_up_old(fragments, packet->time_us);
    datagram = find_or_make(fragments, packet);
    if (datagram == NULL)
        return false;
    datagram->packets++;
    /* a fragment that the capture cut short can never complete; one that ends behind 64 KiB is forged */
    if (payload.length < packet->network_payload_length || start + payload.length > DATAGRAM_LIMIT || payload.length == 0)
        datagram->is_spoiled = true;
    if (datagram->is_spoiled)
        return false;
    if (start == 0 && !datagram->has_first) {
        datagram->has_first = true;
        datagram->protocol = packet->protocol;
    }
    if (!packet->has_more_fragments && !datagram->has_last) {
        datagram->has_last = true;
        datagram->total = start + (uint32_t)payload.length;
    }
    if (!add_payload(fragments, datagram, start, payload)) {
        give_up(fragments, datagram);
        return false;
    }
    if (datagram->is_spoiled || !is_whole(datagram))
        return false;
    header = write_header(datagram, packet, fragments->whole);
    for (unsigned i = 0; i < datagram->piece_count; i++)
        memcpy(fragments->whole + header + datagram->pieces[i].start, datagram->pieces[i].bytes, datagram->pieces[i].length);
    *whole = bytes_of(fragments->whole, header + datagram->total);
    *pieces = datagram->packets;
    drop(fragments, datagram);
    return true;
}

/*
 * fragments.h - IPv4 and IPv6 fragments -> whole datagrams (RFC 791, RFC 815, RFC 8200 section 4.5).
 *
 * Where fragments overlap, the receiving host's policy decides (enum overlap_policy): Linux (since 2018) and Windows (since
 * Vista) drop the datagram, as every host must in IPv6 (RFC 5722); the others keep one copy of each byte. An exact
 * repetition of a fragment is no overlap. Atomic fragments (RFC 6946) never come here: they are whole.
 */
#ifndef WIRESCRIBE_CAPTURE_FRAGMENTS_H
#define WIRESCRIBE_CAPTURE_FRAGMENTS_H

#include "base/packet.h"

#define FRAGMENTS_DATAGRAMS 4096        /* unfinished ones at a time; the oldest is given up */
#define FRAGMENTS_BYTES (16u << 20)     /* payload and bookkeeping held in all; the oldest is given up */
#define FRAGMENTS_PIECES 1024           /* of one datagram */
#define FRAGMENTS_PLACES 4096           /* frames that one datagram may have come in, tunnels' fragments included */
#define FRAGMENTS_SECONDS 30            /* until an unfinished one is given up, by the clock of timeouts */

struct fragments;

struct fragments *fragments_new(enum overlap_policy policy);
void fragments_free(struct fragments *fragments);

/* A datagram that is whole. Borrowed until the next call. */
struct whole_datagram {
    struct bytes bytes; /* a new IP header without options or extensions, and the payload */
    const struct packet_place *places;
    unsigned place_count;
};

/* What came of one fragment. */
struct fragment_report {
    bool is_whole;  /* `whole` is filled */
    bool overlaps;  /* it is the first of its datagram that overlaps another one */
    bool differs;   /* ... with other contents */
    bool is_dropped; /* ... and the policy drops the datagram for it */
    bool is_forged; /* it ends behind 64 KiB, or is not the last and no multiple of 8 bytes */
    struct whole_datagram whole;
};

/* Takes one fragment. What it needs of the packet is copied. */
struct fragment_report fragments_add(struct fragments *fragments, const struct packet *packet);

/* Datagrams that were given up so far: too old, too many, dropped by the policy, or cut short by the capture. */
uint64_t fragments_given_up(const struct fragments *fragments);

/* Datagrams that wait for more. */
unsigned fragments_waiting(const struct fragments *fragments);

#endif

/*
 * fragments.h - IPv4 and IPv6 fragments -> whole datagrams (RFC 791, RFC 8200 section 4.5).
 *
 * The first copy of a byte wins in IPv4; an IPv6 datagram with overlapping
 * fragments is dropped whole (RFC 5722).
 */
#ifndef WIRESCRIBE_STREAMS_FRAGMENTS_H
#define WIRESCRIBE_STREAMS_FRAGMENTS_H

#include "base/packet.h"

#define FRAGMENTS_DATAGRAMS 1024        /* unfinished ones at a time; the oldest is given up */
#define FRAGMENTS_BYTES (8u << 20)      /* payload held in all */
#define FRAGMENTS_PIECES 1024           /* of one datagram */
#define FRAGMENTS_SECONDS 30            /* until an unfinished one is given up */

struct fragments;

struct fragments *fragments_new(void);
void fragments_free(struct fragments *fragments);

/*
 * Takes one fragment. When it completes its datagram, *datagram becomes the whole one: a new IP header and the payload,
 * borrowed until the next call; *pieces is the number of packets that it came in. Otherwise the answer is false.
 */
bool fragments_add(struct fragments *fragments, const struct packet *packet, struct bytes *datagram, unsigned *pieces);

/* Datagrams that were given up because fragments were missing, overlapped or too many; with those that wait still. */
uint64_t fragments_incomplete(const struct fragments *fragments);

#endif

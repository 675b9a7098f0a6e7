/*
 * segment_hash.h - a hash of a segment's bytes, to compare repetitions with. Every payload byte passes through it.
 */
#ifndef WIRESCRIBE_STREAMS_SEGMENT_HASH_H
#define WIRESCRIBE_STREAMS_SEGMENT_HASH_H

#include "base/bytes.h"

/* The same bytes have the same hash on every machine. */
uint32_t segment_hash(struct bytes bytes);

/* The same function for processors that have AVX2; more than twice as fast. segment_hash asks for it by itself. */
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__)
#define SEGMENT_HASH_HAS_AVX2
uint32_t segment_hash_avx2(struct bytes bytes);
#endif

#endif

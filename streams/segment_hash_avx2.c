/* segment_hash_avx2.c - see segment_hash.h. A file of its own, for the library is made for one kind of processor in each. */
#include "streams/segment_hash.h"

#ifdef SEGMENT_HASH_HAS_AVX2

#pragma GCC target("avx2")
#define XXH_INLINE_ALL
#include <xxhash.h>

uint32_t segment_hash_avx2(struct bytes bytes)
{
    return (uint32_t)XXH3_64bits(bytes.at, bytes.length);
}

#endif

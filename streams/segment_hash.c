/* segment_hash.c - see segment_hash.h */
#include "streams/segment_hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint32_t segment_hash(struct bytes bytes)
{
#ifdef SEGMENT_HASH_HAS_AVX2
    if (__builtin_cpu_supports("avx2"))
        return segment_hash_avx2(bytes);
#endif
    return (uint32_t)XXH3_64bits(bytes.at, bytes.length);
}

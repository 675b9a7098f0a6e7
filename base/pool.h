/*
 * pool.h - objects of one size, taken and given back by the thousand: without the allocator's work for each, and without a
 * system call for each page that is new. One thread alone; counted as base/memory.h counts, while they are taken.
 */
#ifndef WIRESCRIBE_BASE_POOL_H
#define WIRESCRIBE_BASE_POOL_H

#include <stddef.h>

/* Bytes that are asked of the system at once, and what they are aligned to. */
#define POOL_CHUNK_BYTES (256u << 10)
/* Chunks without any object in use that are kept for the next ones; more go back to the system. */
#define POOL_SPARE_CHUNKS 2

struct pool_chunk;

struct pool {
    size_t size;
    size_t chunk_objects;
    struct pool_chunk *open; /* the chunks with a free object, the last one given back to first; owned */
    size_t spare;            /* chunks without any object in use */
    size_t chunks;           /* all of them */
};

/* For objects of at most POOL_CHUNK_BYTES / 8. */
void pool_init(struct pool *pool, size_t size);

/* An object of zeros; NULL when out of memory. */
void *pool_take(struct pool *pool);
void pool_give(struct pool *pool, void *object);

/* Frees all; every object must have been given back. */
void pool_free(struct pool *pool);

#endif

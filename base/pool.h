/*
 * pool.h - objects of one size, taken and given back by the thousand: without the allocator's work for each, and without a
 * system call for each page that is new. One thread alone; counted as base/memory.h counts, while they are taken.
 */
#ifndef WIRESCRIBE_BASE_POOL_H
#define WIRESCRIBE_BASE_POOL_H

#include <stddef.h>

/* Objects that are allocated at once. */
#define POOL_CHUNK_OBJECTS 64

struct pool_chunk;

struct pool {
    size_t size;
    void *free;                /* a list through the first pointer of each */
    struct pool_chunk *chunks; /* owned */
};

void pool_init(struct pool *pool, size_t size);

/* An object of zeros; NULL when out of memory. */
void *pool_take(struct pool *pool);
void pool_give(struct pool *pool, void *object);

/* Frees all; every object must have been given back. */
void pool_free(struct pool *pool);

#endif

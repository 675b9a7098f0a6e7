/*
 * pool.c - see pool.h.
 *
 * A chunk's address is a multiple of its size, so that an object's address tells its chunk. What was given back last is
 * taken first: it is still in the processor's cache. Chunks are mapped, not allocated: one that has emptied leaves no hole
 * among other things, so that memory which flows of one kind needed serves another kind later.
 */
#include "base/pool.h"

#include "base/memory.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define HIDE(OBJECT, SIZE) ASAN_POISON_MEMORY_REGION((uint8_t *)(OBJECT) + sizeof(void *), (SIZE) - sizeof(void *))
#define SHOW(OBJECT, SIZE) ASAN_UNPOISON_MEMORY_REGION((OBJECT), (SIZE))
#else
#define HIDE(OBJECT, SIZE) ((void)(OBJECT), (void)(SIZE))
#define SHOW(OBJECT, SIZE) ((void)(OBJECT), (void)(SIZE))
#endif

struct pool_chunk {
    struct pool_chunk *before; /* in the list of open chunks */
    struct pool_chunk *behind;
    void *free;   /* a list through the first pointer of each */
    size_t fresh; /* objects that were never taken: the last ones */
    size_t used;  /* objects that are taken */
    alignas(max_align_t) uint8_t objects[];
};

void pool_init(struct pool *pool, size_t size)
{
    size_t step = alignof(max_align_t);

    *pool = (struct pool){.size = (size + step - 1) / step * step};
    pool->chunk_objects = (POOL_CHUNK_BYTES - sizeof(struct pool_chunk)) / pool->size;
}

static struct pool_chunk *chunk_of(void *object)
{
    return (struct pool_chunk *)((uintptr_t)object & ~(uintptr_t)(POOL_CHUNK_BYTES - 1));
}

static void put_on_list(const struct pool *pool, struct pool_chunk *chunk, void *object)
{
    memcpy(object, &chunk->free, sizeof chunk->free);
    chunk->free = object;
    HIDE(object, pool->size);
}

static void link_chunk(struct pool *pool, struct pool_chunk *chunk)
{
    chunk->before = NULL;
    chunk->behind = pool->open;
    if (pool->open != NULL)
        pool->open->before = chunk;
    pool->open = chunk;
}

static void unlink_chunk(struct pool *pool, struct pool_chunk *chunk)
{
    *(chunk->before != NULL ? &chunk->before->behind : &pool->open) = chunk->behind;
    if (chunk->behind != NULL)
        chunk->behind->before = chunk->before;
}

static void free_chunk(struct pool *pool, struct pool_chunk *chunk)
{
    SHOW(chunk->objects, pool->chunk_objects * pool->size);
    pool->chunks--;
    (void)munmap(chunk, POOL_CHUNK_BYTES);
}

/* Zeroed memory at a multiple of its size; NULL where there is none. */
static void *map_chunk(void)
{
    size_t wide = 2 * (size_t)POOL_CHUNK_BYTES;
    uint8_t *mapped = mmap(NULL, wide, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    size_t before;

    if (mapped == MAP_FAILED)
        return NULL;
    before = (size_t)(-(uintptr_t)mapped & (POOL_CHUNK_BYTES - 1));
    if (before > 0)
        (void)munmap(mapped, before);
    (void)munmap(mapped + before + POOL_CHUNK_BYTES, wide - before - POOL_CHUNK_BYTES);
    return mapped + before;
}

static void grow(struct pool *pool)
{
    struct pool_chunk *chunk = map_chunk();

    if (chunk == NULL)
        return;
    chunk->fresh = pool->chunk_objects;
    link_chunk(pool, chunk);
    pool->spare++;
    pool->chunks++;
}

void *pool_take(struct pool *pool)
{
    struct pool_chunk *chunk;
    void *object;

    if (pool->open == NULL)
        grow(pool);
    chunk = pool->open;
    if (chunk == NULL)
        return NULL;
    object = chunk->free;
    if (object != NULL)
        memcpy(&chunk->free, object, sizeof chunk->free);
    else
        object = chunk->objects + (pool->chunk_objects - chunk->fresh--) * pool->size;
    pool->spare -= chunk->used++ == 0 ? 1 : 0;
    if (chunk->used == pool->chunk_objects)
        unlink_chunk(pool, chunk);
    SHOW(object, pool->size);
    memset(object, 0, pool->size);
    memory_count((ptrdiff_t)pool->size);
    return object;
}

void pool_give(struct pool *pool, void *object)
{
    struct pool_chunk *chunk = chunk_of(object);
    bool was_full = chunk->used == pool->chunk_objects;

    memory_count(-(ptrdiff_t)pool->size);
    put_on_list(pool, chunk, object);
    if (was_full)
        link_chunk(pool, chunk);
    if (--chunk->used > 0)
        return;
    if (pool->spare < POOL_SPARE_CHUNKS) {
        pool->spare++;
        return;
    }
    unlink_chunk(pool, chunk);
    free_chunk(pool, chunk);
}

void pool_free(struct pool *pool)
{
    while (pool->open != NULL) {
        struct pool_chunk *chunk = pool->open;

        unlink_chunk(pool, chunk);
        free_chunk(pool, chunk);
    }
    pool->spare = 0;
}

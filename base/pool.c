/* pool.c - see pool.h. What was given back last is taken first: it is still in the processor's cache. */
#include "base/pool.h"

#include "base/memory.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define HIDE(OBJECT, SIZE) ASAN_POISON_MEMORY_REGION((uint8_t *)(OBJECT) + sizeof(void *), (SIZE) - sizeof(void *))
#define SHOW(OBJECT, SIZE) ASAN_UNPOISON_MEMORY_REGION((OBJECT), (SIZE))
#else
#define HIDE(OBJECT, SIZE) (void)0
#define SHOW(OBJECT, SIZE) (void)0
#endif

struct pool_chunk {
    struct pool_chunk *next;
    alignas(max_align_t) uint8_t objects[];
};

void pool_init(struct pool *pool, size_t size)
{
    size_t step = alignof(max_align_t);

    *pool = (struct pool){.size = (size + step - 1) / step * step};
}

static void put_on_list(struct pool *pool, void *object)
{
    memcpy(object, &pool->free, sizeof pool->free);
    pool->free = object;
    HIDE(object, pool->size);
}

static void grow(struct pool *pool)
{
    struct pool_chunk *chunk = malloc(sizeof *chunk + POOL_CHUNK_OBJECTS * pool->size);

    if (chunk == NULL)
        return;
    chunk->next = pool->chunks;
    pool->chunks = chunk;
    for (size_t i = POOL_CHUNK_OBJECTS; i-- > 0;)
        put_on_list(pool, chunk->objects + i * pool->size);
}

void *pool_take(struct pool *pool)
{
    void *object;

    if (pool->free == NULL)
        grow(pool);
    object = pool->free;
    if (object == NULL)
        return NULL;
    memcpy(&pool->free, object, sizeof pool->free);
    SHOW(object, pool->size);
    memset(object, 0, pool->size);
    memory_count((ptrdiff_t)pool->size);
    return object;
}

void pool_give(struct pool *pool, void *object)
{
    memory_count(-(ptrdiff_t)pool->size);
    put_on_list(pool, object);
}

void pool_free(struct pool *pool)
{
    while (pool->chunks != NULL) {
        struct pool_chunk *chunk = pool->chunks;

        pool->chunks = chunk->next;
        SHOW(chunk->objects, POOL_CHUNK_OBJECTS * pool->size);
        free(chunk);
    }
    pool->free = NULL;
}

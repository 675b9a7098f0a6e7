/* test_pool.c - objects of one size: zeroed, distinct, and given back to the system when many are free. */
#include "base/memory.h"
#include "base/pool.h"
#include "tests/unit/check.h"

#include <stdint.h>
#include <string.h>

#define OBJECTS 3000
#define SIZE 424

static bool is_zero(const uint8_t *object)
{
    for (size_t i = 0; i < SIZE; i++) {
        if (object[i] != 0)
            return false;
    }
    return true;
}

UNIT_TEST(pool_objects_are_zeroed_and_their_own)
{
    static uint8_t *objects[OBJECTS];
    size_t before = memory_in_use();
    struct pool pool;

    pool_init(&pool, SIZE);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < OBJECTS; i++) {
            objects[i] = pool_take(&pool);
            if (!CHECK(objects[i] != NULL && is_zero(objects[i])))
                return;
            memset(objects[i], (int)(i % 255) + 1, SIZE);
        }
        CHECK(memory_in_use() - before >= (size_t)OBJECTS * SIZE);
        for (size_t i = 0; i < OBJECTS; i++)
            CHECK(objects[i][0] == (i % 255) + 1 && objects[i][SIZE - 1] == (i % 255) + 1);
        for (size_t i = 0; i < OBJECTS; i += 2)
            pool_give(&pool, objects[i]);
        for (size_t i = 1; i < OBJECTS; i += 2)
            pool_give(&pool, objects[i]);
        CHECK(memory_in_use() == before);
    }
    pool_free(&pool);
}

UNIT_TEST(pool_empty_chunks_go_back)
{
    static uint8_t *objects[OBJECTS];
    struct pool pool;
    size_t most;

    pool_init(&pool, SIZE);
    for (size_t i = 0; i < OBJECTS; i++)
        objects[i] = pool_take(&pool);
    most = pool.chunks;
    CHECK(most > POOL_SPARE_CHUNKS + 1);
    /* the oldest first, as flows end */
    for (size_t i = 0; i < OBJECTS - 1; i++)
        pool_give(&pool, objects[i]);
    CHECK(pool.chunks <= POOL_SPARE_CHUNKS + 1);
    /* the one that is still in use keeps its contents */
    memset(objects[OBJECTS - 1], 7, SIZE);
    for (size_t i = 0; i < OBJECTS - 1; i++)
        objects[i] = pool_take(&pool);
    CHECK(objects[OBJECTS - 1][SIZE - 1] == 7);
    for (size_t i = 0; i < OBJECTS; i++)
        pool_give(&pool, objects[i]);
    pool_free(&pool);
    CHECK(pool.chunks == 0);
}

/* expectations.c - see expectations.h. A hash table, and a list by age. */
#include "streams/expectations.h"

#include "base/memory.h"
#include "base/seed.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define BUCKETS 16384

struct waiting {
    struct expectation expectation;
    struct waiting *next_in_bucket;
    struct waiting *older;
    struct waiting *newer;
};

struct expectations {
    struct waiting *buckets[BUCKETS];
    struct waiting *oldest;
    struct waiting *newest;
    size_t count;
    size_t origins; /* of them, by_origin */
    uint64_t dropped;
    uint64_t seed;
};

struct expectations *expectations_new(void)
{
    struct expectations *expectations = memory_new_zeroed(1, sizeof *expectations);

    if (expectations != NULL)
        expectations->seed = seed_new();
    return expectations;
}

static struct waiting **bucket_of(struct expectations *expectations, const struct address *server, uint16_t port)
{
    return &expectations->buckets[XXH3_64bits_withSeed(server, sizeof *server, expectations->seed ^ port) % BUCKETS];
}

static bool is_at(const struct expectation *expectation, const struct address *server, uint16_t port)
{
    return expectation->server_port == port && address_equal(&expectation->server, server);
}

/* The announcement of that endpoint that names that opener, or (version 0) nobody. */
static struct waiting **find(struct expectations *expectations, const struct address *server, uint16_t port, const struct address *opener,
                             bool by_origin)
{
    struct waiting **link = bucket_of(expectations, server, port);

    while (*link != NULL && !(is_at(&(*link)->expectation, server, port) && address_equal(&(*link)->expectation.opener, opener) &&
                               (*link)->expectation.by_origin == by_origin))
        link = &(*link)->next_in_bucket;
    return link;
}

/* Unlinks and frees; the expectation itself is the caller's to release or to use. */
static struct expectation take_out(struct expectations *expectations, struct waiting **link)
{
    struct waiting *waiting = *link;
    struct expectation expectation = waiting->expectation;

    *link = waiting->next_in_bucket;
    *(waiting->older != NULL ? &waiting->older->newer : &expectations->oldest) = waiting->newer;
    *(waiting->newer != NULL ? &waiting->newer->older : &expectations->newest) = waiting->older;
    expectations->count--;
    expectations->origins -= expectation.by_origin ? 1 : 0;
    memory_free(waiting);
    return expectation;
}

static void release(const struct expectation *expectation)
{
    if (expectation->release != NULL)
        expectation->release(expectation->shared);
}

static void release_oldest(struct expectations *expectations)
{
    const struct expectation *oldest = &expectations->oldest->expectation;
    struct expectation expectation = take_out(expectations, find(expectations, &oldest->server, oldest->server_port, &oldest->opener, oldest->by_origin));

    release(&expectation);
}

void expectations_free(struct expectations *expectations)
{
    if (expectations == NULL)
        return;
    while (expectations->oldest != NULL)
        release_oldest(expectations);
    memory_free(expectations);
}

bool expectations_add(struct expectations *expectations, const struct expectation *expectation)
{
    struct waiting **link = find(expectations, &expectation->server, expectation->server_port, &expectation->opener, expectation->by_origin);
    struct waiting *waiting;

    if (*link != NULL) {
        struct expectation older = take_out(expectations, link);

        release(&older);
    }
    if (expectations->count >= EXPECTATIONS_LIMIT) {
        release_oldest(expectations);
        expectations->dropped++;
    }
    waiting = memory_new_zeroed(1, sizeof *waiting);
    if (waiting == NULL)
        return false;
    waiting->expectation = *expectation;
    link = bucket_of(expectations, &expectation->server, expectation->server_port);
    waiting->next_in_bucket = *link;
    *link = waiting;
    waiting->older = expectations->newest;
    *(expectations->newest != NULL ? &expectations->newest->newer : &expectations->oldest) = waiting;
    expectations->newest = waiting;
    expectations->count++;
    expectations->origins += expectation->by_origin ? 1 : 0;
    return true;
}

static bool is_over(const struct expectation *expectation, int64_t now_us)
{
    return now_us - expectation->made_us > (int64_t)EXPECTATION_SECONDS * 1000000;
}

static bool take_if_valid(struct expectations *expectations, struct waiting **link, int64_t now_us, struct expectation *taken)
{
    if (*link == NULL)
        return false;
    *taken = take_out(expectations, link);
    if (is_over(taken, now_us)) {
        release(taken);
        return false;
    }
    return true;
}

bool expectations_take(struct expectations *expectations, const struct address *server, uint16_t server_port, const struct address *opener,
                       int64_t now_us, struct expectation *taken)
{
    static const struct address anybody;
    struct waiting **link = find(expectations, server, server_port, opener, false);

    if (*link == NULL)
        link = find(expectations, server, server_port, &anybody, false);
    return take_if_valid(expectations, link, now_us, taken);
}

bool expectations_take_from(struct expectations *expectations, const struct address *origin, uint16_t origin_port, const struct address *listener,
                            int64_t now_us, struct expectation *taken)
{
    return take_if_valid(expectations, find(expectations, origin, origin_port, listener, true), now_us, taken);
}

bool expectations_has_origins(const struct expectations *expectations)
{
    return expectations->origins > 0;
}

void expectations_forget(struct expectations *expectations, const struct address *server, uint16_t server_port, const void *shared)
{
    struct waiting **link = bucket_of(expectations, server, server_port);

    while (*link != NULL) {
        if (is_at(&(*link)->expectation, server, server_port) && (*link)->expectation.shared == shared) {
            struct expectation forgotten = take_out(expectations, link);

            release(&forgotten);
        } else {
            link = &(*link)->next_in_bucket;
        }
    }
}

void expectations_expire(struct expectations *expectations, int64_t now_us)
{
    while (expectations->oldest != NULL && is_over(&expectations->oldest->expectation, now_us))
        release_oldest(expectations);
}

size_t expectations_count(const struct expectations *expectations)
{
    return expectations->count;
}

uint64_t expectations_dropped(const struct expectations *expectations)
{
    return expectations->dropped;
}

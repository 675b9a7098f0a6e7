/* announcers.c - see announcers.h. A hash table with a count for each pair. */
#include "streams/announcers.h"

#include "base/memory.h"
#include "base/seed.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define BUCKETS 1024

struct pair {
    struct address low;
    struct address high;
    size_t sessions;
    struct pair *next_in_bucket;
};

struct announcers {
    struct pair *buckets[BUCKETS];
    size_t count;
    uint64_t seed;
};

struct announcers *announcers_new(void)
{
    struct announcers *announcers = memory_new_zeroed(1, sizeof *announcers);

    if (announcers != NULL)
        announcers->seed = seed_new();
    return announcers;
}

void announcers_free(struct announcers *announcers)
{
    if (announcers == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        while (announcers->buckets[i] != NULL) {
            struct pair *next = announcers->buckets[i]->next_in_bucket;

            memory_free(announcers->buckets[i]);
            announcers->buckets[i] = next;
        }
    }
    memory_free(announcers);
}

static void order(const struct address **one, const struct address **other)
{
    const struct address *first = *one;

    if (memcmp(first->bytes, (*other)->bytes, sizeof first->bytes) <= 0)
        return;
    *one = *other;
    *other = first;
}

static size_t bucket_of(const struct announcers *announcers, const struct address *low, const struct address *high)
{
    return (XXH3_64bits_withSeed(low->bytes, sizeof low->bytes, announcers->seed) ^
            XXH3_64bits_withSeed(high->bytes, sizeof high->bytes, announcers->seed + 1)) % BUCKETS;
}

/* The link to the pair, or to the end of its bucket. */
static struct pair **find(struct announcers *announcers, const struct address *low, const struct address *high)
{
    struct pair **link = &announcers->buckets[bucket_of(announcers, low, high)];

    while (*link != NULL && !(address_equal(&(*link)->low, low) && address_equal(&(*link)->high, high)))
        link = &(*link)->next_in_bucket;
    return link;
}

bool announcers_add(struct announcers *announcers, const struct address *one, const struct address *other)
{
    struct pair **link;

    order(&one, &other);
    link = find(announcers, one, other);
    if (*link == NULL) {
        struct pair *pair = announcers->count < ANNOUNCERS_LIMIT ? memory_new_zeroed(1, sizeof *pair) : NULL;

        if (pair == NULL)
            return false;
        pair->low = *one;
        pair->high = *other;
        *link = pair;
        announcers->count++;
    }
    (*link)->sessions++;
    return true;
}

void announcers_remove(struct announcers *announcers, const struct address *one, const struct address *other)
{
    struct pair **link;
    struct pair *pair;

    order(&one, &other);
    link = find(announcers, one, other);
    pair = *link;
    if (pair == NULL || --pair->sessions > 0)
        return;
    *link = pair->next_in_bucket;
    announcers->count--;
    memory_free(pair);
}

bool announcers_has(const struct announcers *announcers, const struct address *one, const struct address *other)
{
    const struct pair *pair;

    if (announcers->count == 0)
        return false;
    order(&one, &other);
    pair = announcers->buckets[bucket_of(announcers, one, other)];
    while (pair != NULL && !(address_equal(&pair->low, one) && address_equal(&pair->high, other)))
        pair = pair->next_in_bucket;
    return pair != NULL;
}

/* pending.c - see pending.h */
#include "dissectors/pending.h"

#include "base/memory.h"

#include <string.h>

struct pending_command *pending_add(struct pending *pending, unsigned verb, int64_t time_us)
{
    if (pending->count == PENDING_LIMIT)
        return NULL;
    if (pending->count == pending->capacity) {
        unsigned capacity = pending->capacity == 0 ? 4 : pending->capacity * 2;
        struct pending_command *grown = memory_resize(pending->commands, capacity * sizeof *grown);

        if (grown == NULL)
            return NULL;
        pending->commands = grown;
        pending->capacity = capacity;
    }
    pending->commands[pending->count] = (struct pending_command){.verb = verb, .time_us = time_us};
    return &pending->commands[pending->count++];
}

struct pending_command *pending_oldest(const struct pending *pending)
{
    return pending->count > 0 ? &pending->commands[0] : NULL;
}

struct pending_command *pending_newest(const struct pending *pending)
{
    return pending->count > 0 ? &pending->commands[pending->count - 1] : NULL;
}

struct pending_command pending_take(struct pending *pending, unsigned place)
{
    struct pending_command taken = pending->commands[place];

    pending->count--;
    memmove(pending->commands + place, pending->commands + place + 1, (pending->count - place) * sizeof *pending->commands);
    return taken;
}

struct pending_command pending_take_oldest(struct pending *pending)
{
    return pending_take(pending, 0);
}

unsigned pending_lose_replies(struct pending *pending)
{
    const struct pending_command *newest = pending_newest(pending);
    unsigned older = 0;

    for (unsigned i = 0; i < pending->count; i++) {
        pending->commands[i].is_doubtful = true;
        if (pending->commands[i].time_us != newest->time_us)
            older = i + 1;
    }
    return older;
}

unsigned pending_outdated(const struct pending *pending, int64_t time_us)
{
    unsigned count = 0;

    while (count < pending->count && pending->commands[count].is_doubtful && pending->commands[count].time_us != time_us)
        count++;
    return count;
}

static unsigned doubtful_count(const struct pending *pending)
{
    unsigned count = 0;

    for (unsigned i = 0; i < pending->count; i++)
        count += pending->commands[i].is_doubtful ? 1 : 0;
    return count;
}

int pending_answered(const struct pending *pending, unsigned code, bool is_whole, pending_fits *fits)
{
    int found = -1;
    unsigned fitting = 0;

    if (pending->count == 0)
        return -1;
    if (is_whole)
        return 0;
    for (unsigned i = pending->count; i-- > 0;) {
        if (!fits(pending->commands[i].verb, code))
            continue;
        found = (int)i;
        fitting++;
    }
    /* with several that may have lost their replies, only a code that fits one of them alone says which */
    if (doubtful_count(pending) > 1 && fitting > 1)
        return -1;
    return found;
}

void pending_free(struct pending *pending)
{
    memory_free(pending->commands);
    *pending = (struct pending){.count = 0};
}

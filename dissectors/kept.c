/* kept.c - see kept.h */
#include "dissectors/kept.h"

#include "base/memory.h"

/* A buffer of at most so many bytes is kept when it is empty. */
#define KEPT_SPARE 1024

struct bytes kept_bytes(const struct kept *kept)
{
    if (kept->bytes == NULL)
        return bytes_of(NULL, 0);
    return bytes_of(kept->bytes + kept->first, kept->end - kept->first);
}

void kept_free(struct kept *kept)
{
    memory_free(kept->bytes);
    *kept = (struct kept){.first = 0};
}

void kept_clear(struct kept *kept)
{
    if (kept->capacity > KEPT_SPARE) {
        kept_free(kept);
        return;
    }
    kept->first = 0;
    kept->end = 0;
}

bool kept_append(struct kept *kept, struct bytes more)
{
    size_t unread = kept->end - kept->first;

    if (more.length == 0)
        return true;
    if (kept->first > 0) {
        memmove(kept->bytes, kept->bytes + kept->first, unread);
        kept->first = 0;
        kept->end = unread;
    }
    if (unread + more.length > kept->capacity) {
        size_t capacity = kept->capacity == 0 ? 512 : kept->capacity;
        uint8_t *grown;

        while (capacity < unread + more.length)
            capacity *= 2;
        grown = memory_resize(kept->bytes, capacity);
        if (grown == NULL)
            return false;
        kept->bytes = grown;
        kept->capacity = capacity;
    }
    memcpy(kept->bytes + kept->end, more.at, more.length);
    kept->end += more.length;
    return true;
}

/*
 * kept.h - the bytes of one side that a dissector has left unread.
 */
#ifndef WIRESCRIBE_DISSECTORS_KEPT_H
#define WIRESCRIBE_DISSECTORS_KEPT_H

#include "base/bytes.h"

/* Owned. Zeros: nothing is kept. */
struct kept {
    uint8_t *bytes;
    size_t first; /* start of the unread ones */
    size_t end;
    size_t capacity;
};

/* Borrowed until the next call. */
struct bytes kept_bytes(const struct kept *kept);
/* False: out of memory; what was kept stays. */
bool kept_append(struct kept *kept, struct bytes more);
/* Empties it; a small buffer stays for the next rest, so that split units cost no allocation each. */
void kept_clear(struct kept *kept);
void kept_free(struct kept *kept);

#endif

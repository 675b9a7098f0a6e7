/*
 * expectations.h - data connections that were announced and have not come yet.
 */
#ifndef WIRESCRIBE_STREAMS_EXPECTATIONS_H
#define WIRESCRIBE_STREAMS_EXPECTATIONS_H

#include "base/flow.h"

#define EXPECTATIONS_LIMIT 100000 /* of one worker; beyond it the oldest are released */

struct expectations;

struct expectations *expectations_new(void);

/* Releases all that never came. */
void expectations_free(struct expectations *expectations);

/* Whether one waits that is known by where it comes from. */
bool expectations_has_origins(const struct expectations *expectations);

/*
 * See struct worker_services. A newer announcement of the same endpoint and opener takes the older one's place, which is
 * released. False, with `shared` still the caller's: out of memory.
 */
bool expectations_add(struct expectations *expectations, const struct expectation *expectation);

/* The same, of one that is known by its origin. */
bool expectations_take_from(struct expectations *expectations, const struct address *origin, uint16_t origin_port, const struct address *listener,
                            int64_t now_us, struct expectation *taken);

/* Takes out the announcement of that endpoint for a flow that `opener` opens, if it has not expired at `now_us`. */
bool expectations_take(struct expectations *expectations, const struct address *server, uint16_t server_port, const struct address *opener,
                       int64_t now_us, struct expectation *taken);

/* Releases the announcements of that endpoint with that `shared`. */
void expectations_forget(struct expectations *expectations, const struct address *server, uint16_t server_port, const void *shared);

/* Releases what has expired. */
void expectations_expire(struct expectations *expectations, int64_t now_us);

/* How many wait. */
size_t expectations_count(const struct expectations *expectations);

/* How many were released because too many waited. */
uint64_t expectations_dropped(const struct expectations *expectations);

#endif

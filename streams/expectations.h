/*
 * expectations.h - data connections that were announced and have not come yet.
 */
#ifndef WIRESCRIBE_STREAMS_EXPECTATIONS_H
#define WIRESCRIBE_STREAMS_EXPECTATIONS_H

#include "base/flow.h"

#define EXPECTATIONS_LIMIT 16384 /* of one worker */

struct expectations;

struct expectations *expectations_new(void);

/* Releases all that never came. */
void expectations_free(struct expectations *expectations);

/* See struct worker_services. A newer announcement of the same endpoint takes the older one's place, which is released. */
bool expectations_add(struct expectations *expectations, const struct expectation *expectation);

/* Takes out the announcement of that endpoint, if it has not expired at `now_us`. */
bool expectations_take(struct expectations *expectations, const struct address *server, uint16_t server_port, int64_t now_us, struct expectation *taken);

/* Releases what has expired. */
void expectations_expire(struct expectations *expectations, int64_t now_us);

/* How many wait. */
size_t expectations_count(const struct expectations *expectations);

#endif

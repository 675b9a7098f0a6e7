/*
 * announcers.h - pairs of hosts between which a session is open that announces further connections (FTP's control
 * connection): only between them a flow may stand in the capture before its announcement.
 */
#ifndef WIRESCRIBE_STREAMS_ANNOUNCERS_H
#define WIRESCRIBE_STREAMS_ANNOUNCERS_H

#include "base/address.h"

#include <stddef.h>

/* Pairs of one worker; between further ones only what comes behind its announcement is linked. */
#define ANNOUNCERS_LIMIT 16384

struct announcers;

struct announcers *announcers_new(void);
void announcers_free(struct announcers *announcers);

/* One more session between the two. False where there are too many pairs: then it is not taken off either. */
bool announcers_add(struct announcers *announcers, const struct address *one, const struct address *other);
void announcers_remove(struct announcers *announcers, const struct address *one, const struct address *other);

/* Whether such a session is open between the two. */
bool announcers_has(const struct announcers *announcers, const struct address *one, const struct address *other);

#endif

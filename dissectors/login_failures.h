/*
 * login_failures.h - refused logins of one client at one server, over all of its connections.
 *
 * Whoever guesses passwords opens one connection after the other, or many at once. All connections between
 * two hosts meet in one worker, so each worker counts for itself; it keeps a bounded table for as long as it runs.
 *
 * Leaves out: many clients at one server, and one client at many servers.
 */
#ifndef WIRESCRIBE_DISSECTORS_LOGIN_FAILURES_H
#define WIRESCRIBE_DISSECTORS_LOGIN_FAILURES_H

#include "dissectors/dissector.h"

/* So many refusals within the window, by capture time, are told: "PROTOCOL_brute_force". */
#define LOGIN_FAILURES_MANY 10
#define LOGIN_FAILURES_WINDOW_US ((int64_t)15 * 60 * 1000000)
/* Pairs of client and server that are counted, for each protocol; the one that was quiet for longest is forgotten. */
#define LOGIN_FAILURES_LIMIT 4096

struct login_failures;

/* One a worker. NULL when out of memory: then nothing is counted. */
struct login_failures *login_failures_new(void);
void login_failures_free(struct login_failures *failures);

/*
 * A login of this flow was refused. `protocol` begins the names of the findings, and counts apart. `is_first`: no
 * login of this connection was refused before. The finding PROTOCOL_brute_force (warning) is told at the
 * LOGIN_FAILURES_MANYth refusal within the window, and at 10, 100, ... times as many while there is no quiet window.
 */
void login_failures_refused(struct conversation *conversation, const char *protocol, bool is_first);

/*
 * A login was accepted: PROTOCOL_login_after_brute_force (alarm) where the client was told of and refused within
 * the window, and again since the last login that was told of. `user` may be empty.
 */
void login_failures_accepted(struct conversation *conversation, const char *protocol, struct bytes user);

/* How many pairs are counted at present. */
size_t login_failures_count(const struct login_failures *failures);

#endif

/*
 * rdp_tls.h - an RDP session while TLS has its flow: what was said before, and what TLS shows of the rest.
 */
#ifndef WIRESCRIBE_DISSECTORS_RDP_TLS_H
#define WIRESCRIBE_DISSECTORS_RDP_TLS_H

#include "dissectors/rdp_record.h"
#include "dissectors/tls.h"

/*
 * What TLS gets of a session: `facts` move into it. The rows of the session are written when TLS closes it. NULL when
 * out of memory: then the facts stay the caller's.
 */
struct tls_outer *rdp_tls_new(const struct rdp_facts *facts);

/*
 * The session goes on inside TLS, opened with the user's keys: its facts move to `facts`, and who has them writes the rows. What TLS shows from
 * now on is still told to the shape that stays behind.
 */
void rdp_tls_enter(struct tls_outer *outer, struct rdp_facts *facts);

/* The login, where what TLS showed of it says more than what was read. Before the outer is closed. */
void rdp_tls_add_login(const struct tls_outer *outer, struct rdp_shape *shape);

/* For an outer that TLS did not take: nothing is written, and the facts are the caller's again. */
void rdp_tls_free(struct tls_outer *outer);

#endif

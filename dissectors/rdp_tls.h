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

/* For an outer that TLS did not take: nothing is written, and the facts are the caller's again. */
void rdp_tls_free(struct tls_outer *outer);

#endif

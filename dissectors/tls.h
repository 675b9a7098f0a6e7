/*
 * tls.h - the dissector to hand a conversation over to when TLS begins in it.
 */
#ifndef WIRESCRIBE_DISSECTORS_TLS_H
#define WIRESCRIBE_DISSECTORS_TLS_H

#include "dissectors/dissector.h"

/*
 * Whom the flow belonged to before, where it may go on in the clear: behind TLS that was ended within the flow (FTP's
 * CCC, RFC 4217, 12), or because TLS was agreed on and never began. Made by whoever hands over, and TLS's from then on.
 */
struct tls_outer {
    const struct dissector *dissector; /* gets the flow back, with this as its `from_before`, where text begins instead of a record */
    bool has_records;                  /* set then: TLS had begun */
    void (*refresh)(struct conversation *conversation, struct tls_outer *outer);
    void (*close)(struct conversation *conversation, struct tls_outer *outer); /* no text came: writes the rows, frees it */
};

/*
 * Expects both sides at a record boundary. Its `from_before` is a struct tls_outer, or NULL where nothing but TLS can
 * follow. If the first bytes are no TLS record it hands back, or gives up and writes no row.
 */
extern const struct dissector tls_dissector;

#endif

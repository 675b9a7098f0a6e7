/*
 * tls.h - the dissector to hand a conversation over to when TLS begins in it.
 */
#ifndef WIRESCRIBE_DISSECTORS_TLS_H
#define WIRESCRIBE_DISSECTORS_TLS_H

#include "dissectors/dissector.h"

/*
 * Expects both sides at a record boundary. Takes no `from_before`: pass NULL to
 * conversation_hand_over. If the first bytes are no TLS record it gives up and
 * writes no row.
 */
extern const struct dissector tls_dissector;

#endif

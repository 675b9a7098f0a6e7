/*
 * rdp_session.h - what follows the MCS connect: domain PDUs, slow path, fast path, virtual channels. One code path reads it,
 * whatever opened it: no encryption, standard RDP security with the server's key (rdp_security.h), or TLS, whose plaintext
 * an `rdp` dissector is opened on.
 */
#ifndef WIRESCRIBE_DISSECTORS_RDP_SESSION_H
#define WIRESCRIBE_DISSECTORS_RDP_SESSION_H

#include "dissectors/rdp_record.h"

struct rdp_share;

/* Begins behind the first MCS connect that is seen; `facts` stay the caller's and valid until rdp_session_free. NULL, where memory is out, is taken by every function. */
struct rdp_share *rdp_session_new(struct rdp_facts *facts);

/* Tells what is told only at the end (texts that were still being typed, files that were still moving). Before rdp_session_free, within a dissector's call. */
void rdp_session_end(struct rdp_share *share, struct conversation *conversation);
void rdp_session_free(struct rdp_share *share);

/* One whole PDU: TPKT, or fast path. */
void rdp_session_read(struct rdp_share *share, struct conversation *conversation, enum side from, struct cursor pdu);

/* Bytes of that side are missing: what was being put together is given up. */
void rdp_session_lost(struct rdp_share *share, struct conversation *conversation, enum side from);

/* Writes the rows of the dynamic channels. */
void rdp_channels_write(const struct rdp_share *share, struct conversation *conversation);

/* Fills what the session's row says of all this; the texts stay the share's. */
void rdp_session_fill(const struct rdp_share *share, struct rdp_session *row);

#endif

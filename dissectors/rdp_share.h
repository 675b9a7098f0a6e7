/*
 * rdp_share.h - the state of a session behind its MCS connect, shared by the files that read it. T.128 calls what
 * client and server hold in common a share.
 */
#ifndef WIRESCRIBE_DISSECTORS_RDP_SHARE_H
#define WIRESCRIBE_DISSECTORS_RDP_SHARE_H

#include "dissectors/rdp_record.h"
#include "dissectors/rdp_session.h"

/* Events that are told of one session. */
#define RDP_EVENTS_LIMIT 5000
/* The longest text that an event shows, in bytes of UTF-8: a clipboard's text, a path, a list. */
#define RDP_TEXT_LIMIT 4096

enum rdp_limit {
    RDP_LIMIT_EVENTS,
};

struct rdp_share {
    struct conversation *conversation; /* of the call at work */
    struct rdp_facts *facts;
    uint64_t events;
    bool told_malformed;
    uint32_t limits_told; /* a bit for each enum rdp_limit */
    /* MCS */
    bool was_attached[SIDE_COUNT];
    const char *disconnect_reason;
    uint64_t joined_channels;
    /* standard RDP security */
    bool has_client_info; /* the client's first PDU in the I/O channel was seen */
    bool was_encrypted;   /* an encrypted PDU was seen */
    uint64_t unread_pdus; /* encrypted, not opened */
};

/* ---- rdp_session.c ---- */

/* Tells an event; `from`'s side is named in it. The detail is printf-like (NULL: none), cut at 1023 bytes. */
void rdp_tell(struct rdp_share *share, enum side from, const char *kind, const char *detail, ...) __attribute__((format(printf, 4, 5)));
/* The same with any bytes as the detail. */
void rdp_tell_text(struct rdp_share *share, enum side from, const char *kind, struct bytes detail);

/* A PDU of the session contradicts itself: a finding, once a session. `what`: "a capability set". */
void rdp_tell_contradiction(struct rdp_share *share, enum side from, const char *what);

/* A limit was reached: a finding `rdp_limit`, once for each kind. */
void rdp_tell_limit(struct rdp_share *share, enum rdp_limit limit);

#endif

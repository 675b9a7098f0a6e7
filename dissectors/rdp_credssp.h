/*
 * rdp_credssp.h - CredSSP, by which a client logs in before RDP's own connect ([MS-CSSP]), as far as it is readable where the user's keys opened
 * TLS: the names in NTLM's messages ([MS-NLMP]) and the server's refusal.
 *
 * Leaves out: Kerberos, and what the login itself encrypts (the server's key, the credentials).
 */
#ifndef WIRESCRIBE_DISSECTORS_RDP_CREDSSP_H
#define WIRESCRIBE_DISSECTORS_RDP_CREDSSP_H

#include "base/cursor.h"
#include "base/flow.h"
#include "dissectors/sasl.h"

struct rdp_credssp {
    bool is_seen;
    struct sasl names;    /* user, domain, workstation; owned */
    bool was_refused;     /* the server answered with an error */
    uint32_t error;       /* an NTSTATUS ([MS-ERREF] 2.3.1) */
    bool has_early_result;
    uint32_t early_result; /* 0: may log in; 5: access denied ([MS-RDPBCGR] 2.2.10.2) */
};

/* Takes a whole TSRequest ([MS-CSSP] 2.2.1) and reads it. CURSOR_SHORT: more is needed; CURSOR_INVALID: it is none. */
enum cursor_state rdp_credssp_take(struct rdp_credssp *credssp, enum side from, struct cursor *bytes);

/* Takes the early user authorization result, 4 bytes of the server. */
enum cursor_state rdp_credssp_take_early_result(struct rdp_credssp *credssp, struct cursor *bytes);

/* The error's name, or NULL: "STATUS_LOGON_FAILURE". */
const char *rdp_credssp_error_name(uint32_t error);

void rdp_credssp_free(struct rdp_credssp *credssp);

#endif

/*
 * rdp_security.h - standard RDP security, [MS-RDPBCGR] 5.3: opens what it encrypted, where the user gave the server's key.
 *
 * One state a session, in facts->security from the server's MCS connect on. NULL - no encryption, or the connect was not
 * seen - is taken by every function: it opens nothing. The session phase tells it, in this order,
 *   - of the Security Exchange PDU (2.2.1.10), once: rdp_security_exchange;
 *   - of every encrypted PDU of either side: rdp_security_read, or, where a PDU was passed over, was not whole, or bytes are
 *     missing, rdp_security_lost. From then on that side is out of step, and stays shut.
 */
#ifndef WIRESCRIBE_DISSECTORS_RDP_SECURITY_H
#define WIRESCRIBE_DISSECTORS_RDP_SECURITY_H

#include "dissectors/rdp_record.h"

struct rdp_security;

enum rdp_security_flag { /* [MS-RDPBCGR] 2.2.8.1.1.2.1 */
                         SECURITY_EXCHANGE = 0x0001,
                         SECURITY_TRANSPORT_REQUEST = 0x0002,
                         SECURITY_TRANSPORT_RESPONSE = 0x0004,
                         SECURITY_ENCRYPT = 0x0008,
                         SECURITY_RESET_SEQUENCE = 0x0010,
                         SECURITY_IGNORE_SEQUENCE = 0x0020,
                         SECURITY_INFO = 0x0040,
                         SECURITY_LICENSE = 0x0080,
                         SECURITY_LICENSE_ENCRYPT = 0x0200,
                         SECURITY_REDIRECTION = 0x0400,
                         SECURITY_SALTED_CHECKSUM = 0x0800,
                         SECURITY_AUTODETECT_REQUEST = 0x1000,
                         SECURITY_AUTODETECT_RESPONSE = 0x2000,
                         SECURITY_HEARTBEAT = 0x4000,
                         SECURITY_FLAGS_HIGH_VALID = 0x8000,
};

/* Whether every PDU of that side behind the connect carries a security header: not so with no encryption, where only client info and licensing do. */
bool rdp_security_has_headers(const struct rdp_settings *settings);

/* Made of what the server's security data says; NULL without encryption, or out of memory. */
struct rdp_security *rdp_security_new(const struct rdp_settings *settings);
void rdp_security_free(struct rdp_security *security);

/*
 * The client random as it was sent: `encrypted` is what the Security Exchange PDU's length covers. Tells in a finding
 * where keys were given and none of them fits.
 */
void rdp_security_exchange(struct rdp_security *security, struct conversation *conversation, struct bytes encrypted);

/*
 * Opens an encrypted PDU. `sealed` stands behind the flags of its security header (slow path: flags and flagsHi; fast
 * path: the header with its length) over the rest of the whole PDU: FIPS information, signature and data. True: `plain`
 * is what was inside, borrowed until the next call; false: it cannot be read (no key, out of step, a signature that is
 * wrong), and only sizes are known. `is_salted`: the flag for a salted checksum is set.
 */
bool rdp_security_read(struct rdp_security *security, struct conversation *conversation, enum side from, bool is_salted, struct cursor sealed,
                       struct bytes *plain);

/* Whether that side's packets are read at present. */
bool rdp_security_can_read(const struct rdp_security *security, enum side from);

/* Bytes before the data of an encrypted PDU, behind the flags: 8, with FIPS 12. */
size_t rdp_security_overhead(const struct rdp_security *security);

/* Encrypted bytes of that side went by unread. */
void rdp_security_lost(struct rdp_security *security, enum side from);

/* What the session's row says of it. */
void rdp_security_fill(const struct rdp_security *security, struct rdp_session *row);

#endif

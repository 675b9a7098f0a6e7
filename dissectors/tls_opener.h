/*
 * tls_opener.h - opens the protected records of one direction of a TLS session: authenticated or not at all.
 */
#ifndef WIRESCRIBE_DISSECTORS_TLS_OPENER_H
#define WIRESCRIBE_DISSECTORS_TLS_OPENER_H

#include "dissectors/tls_keys.h"

/* The longest protected fragment that any version allows (RFC 5246, 6.2.3). */
#define TLS_FRAGMENT_LIMIT (16384 + 2048)

struct tls_opener;

/* What a record held. `bytes` lies in the caller's room, and is valid as long as that. */
struct tls_opened {
    uint8_t type; /* of the content (RFC 8446, 5.1) */
    struct bytes bytes;
};

/*
 * An opener for the records from the first one on that these keys protect. NULL when out of memory, or where libcrypto does not have the
 * cipher. `encrypts_then_macs`: RFC 7366 was agreed on. Keys are copied.
 */
struct tls_opener *tls_opener_new(uint16_t version, const struct tls_suite *suite, const struct tls_keys *keys, bool encrypts_then_macs);
void tls_opener_free(struct tls_opener *opener);

/*
 * Opens the next record: its header's type and version, and its fragment. `room` has at least `fragment.length` bytes. False where the
 * fragment is not what these keys protected at this place: then nothing is counted, and the next call tries the same place again.
 */
bool tls_opener_open(struct tls_opener *opener, uint8_t type, uint16_t version, struct bytes fragment, uint8_t *room, struct tls_opened *opened);

/* `records` records are missing: the next one is counted behind them. Of no use where one record's cipher state follows from the last one's. */
void tls_opener_skip(struct tls_opener *opener, uint64_t records);

/* Whether records can be opened after missing ones: not with RC4, nor with the chained blocks of TLS 1.0. */
bool tls_opener_survives_loss(const struct tls_opener *opener);

#endif

/*
 * known_certificates.h - certificates that a worker has read before
 *
 * Servers show the same certificates in every session, and many servers those of the same authorities: what one says is kept, for
 * to read it again costs more than all else in a handshake.
 */
#ifndef WIRESCRIBE_DISSECTORS_KNOWN_CERTIFICATES_H
#define WIRESCRIBE_DISSECTORS_KNOWN_CERTIFICATES_H

#include "dissectors/certificate.h"

#define KNOWN_CERTIFICATES_ROWS 64   /* a row for certificates whose digests begin alike */
#define KNOWN_CERTIFICATES_A_ROW 4   /* kept in a row; the one that was not shown for longest goes */
#define KNOWN_CERTIFICATE_NAMES 2048 /* bytes of alternative names; one with more is not kept */

struct known_certificates;

/* One a worker. NULL when out of memory: then nothing is kept. */
struct known_certificates *known_certificates_new(void);
void known_certificates_free(struct known_certificates *known);

/* As certificate_read, with the same outcome; `known` may be NULL. `certificate` is empty but for its limits. */
bool known_certificates_read(struct known_certificates *known, struct bytes encoded, struct certificate *certificate);

#endif

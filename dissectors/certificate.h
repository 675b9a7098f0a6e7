/*
 * certificate.h - what an X.509 certificate says of itself (RFC 5280). Nothing is verified.
 */
#ifndef WIRESCRIBE_DISSECTORS_CERTIFICATE_H
#define WIRESCRIBE_DISSECTORS_CERTIFICATE_H

#include "base/text.h"

struct certificate {
    struct text subject; /* owned, as RFC 2253 shows a name; letters beyond ASCII as UTF-8 */
    bool is_self_signed; /* its issuer is its subject */
};

/* Reads a certificate in DER. The texts' limits must be set; they are appended to. False: it is none. */
bool certificate_read(struct bytes encoded, struct certificate *certificate);
void certificate_free(struct certificate *certificate);

#endif

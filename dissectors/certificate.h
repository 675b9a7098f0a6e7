/*
 * certificate.h - what an X.509 certificate says of itself (RFC 5280). Nothing is verified.
 */
#ifndef WIRESCRIBE_DISSECTORS_CERTIFICATE_H
#define WIRESCRIBE_DISSECTORS_CERTIFICATE_H

#include "base/digest.h"
#include "base/text.h"

#define CERTIFICATE_NAME_LIMIT 1024   /* bytes of a subject or an issuer */
#define CERTIFICATE_NAMES_LIMIT 16384 /* bytes of all alternative names together */

struct certificate {
    struct text subject;   /* owned, as RFC 2253 shows a name; letters beyond ASCII as UTF-8 */
    struct text issuer;    /* owned, the same */
    struct text names;     /* owned; alternative names, ',' between them */
    struct text serial;    /* owned; hexadecimal */
    struct text key_type;  /* owned; "RSA", "EC prime256v1" */
    struct text signature; /* owned; the algorithm's name */
    struct text key;       /* owned; the bits of its public key, as they stand in it */
    char sha256[DIGEST_HEX_SIZE];
    bool has_sha256;
    int key_bits; /* 0: not known */
    bool has_validity;
    int64_t not_before_us; /* since the epoch, UTC */
    int64_t not_after_us;
    bool is_ca;
    bool is_self_signed; /* its issuer is its subject, and its own key signed it */
};

/* All empty, with their limits; of the key's bits none are kept. */
struct certificate certificate_empty(void);

/* Reads a certificate in DER. The texts' limits must be set; they are appended to, and those of limit 0 stay empty. False: it is none. */
bool certificate_read(struct bytes encoded, struct certificate *certificate);

/* `to` is an empty one with the same limits. */
void certificate_copy(const struct certificate *from, struct certificate *to);
void certificate_free(struct certificate *certificate);

/* Whether the certificate is for that host (RFC 6125): among its names, a wildcard's first label included; without names, its subject's CN. */
bool certificate_is_for(const struct certificate *certificate, struct bytes host);

#endif

/*
 * certificate_parts.h - where the parts of an X.509 certificate stand in its DER (RFC 5280, 4.1)
 */
#ifndef WIRESCRIBE_DISSECTORS_CERTIFICATE_PARTS_H
#define WIRESCRIBE_DISSECTORS_CERTIFICATE_PARTS_H

#include "base/bytes.h"

/* Each is a whole element, its tag and length included, and borrowed from the certificate. */
struct certificate_parts {
    struct bytes serial;
    struct bytes issuer;
    struct bytes not_before;
    struct bytes not_after;
    struct bytes subject;
    struct bytes key_algorithm;
    struct bytes key;        /* a BIT STRING */
    struct bytes extensions; /* empty: it has none */
    struct bytes signature_algorithm;
};

/* False: its elements do not stand as they do in nearly all; libcrypto may still read it. What is in them is not looked at. */
bool certificate_parts_find(struct bytes encoded, struct certificate_parts *parts);

#endif

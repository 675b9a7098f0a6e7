/*
 * rc4.h - RC4, which libcrypto keeps among its retired ciphers only: for traffic that still uses it. Protects nothing.
 */
#ifndef WIRESCRIBE_DISSECTORS_RC4_H
#define WIRESCRIBE_DISSECTORS_RC4_H

#include "base/bytes.h"

struct rc4 {
    uint8_t state[256];
    uint8_t i;
    uint8_t j;
};

/* Begins with a key of 1 to 256 bytes. */
void rc4_begin(struct rc4 *rc4, struct bytes key);

/* Encrypts or decrypts the next bytes in place. */
void rc4_apply(struct rc4 *rc4, uint8_t *bytes, size_t length);

#endif

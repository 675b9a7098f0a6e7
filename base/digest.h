/*
 * digest.h - message digests (libcrypto) and base64.
 */
#ifndef WIRESCRIBE_BASE_DIGEST_H
#define WIRESCRIBE_BASE_DIGEST_H

#include "base/bytes.h"

#define DIGEST_BYTES_LIMIT 32 /* of the longest digest */
#define DIGEST_HEX_SIZE (2 * DIGEST_BYTES_LIMIT + 1)
#define DIGEST_BASE64_SIZE 45 /* of the longest digest, with its NUL */

enum digest_kind {
    DIGEST_MD5,
    DIGEST_SHA1,
    DIGEST_SHA256,
};

/* A digest at work. Between digest_begin and one of the ends it owns memory. */
struct digest {
    void *context; /* NULL: out of memory, or the system's policy forbids this digest */
};

void digest_begin(struct digest *digest, enum digest_kind kind);
void digest_add(struct digest *digest, struct bytes more);

/* Each ends the digest and frees what it owns. False, and an empty text, where it could not be computed. */
bool digest_end_hex(struct digest *digest, char hex[DIGEST_HEX_SIZE]);
bool digest_end_base64(struct digest *digest, bool is_padded, char base64[DIGEST_BASE64_SIZE]);

/* Ends the digest without an answer. May be called on a zeroed or ended one. */
void digest_drop(struct digest *digest);

#endif

/*
 * ssh_host_key.h - a host key, or a certificate of one, taken apart (RFC 4253, 6.6; RFC 5656, 3.1; RFC 8709;
 * OpenSSH's PROTOCOL.certkeys).
 */
#ifndef WIRESCRIBE_DISSECTORS_SSH_HOST_KEY_H
#define WIRESCRIBE_DISSECTORS_SSH_HOST_KEY_H

#include "base/digest.h"
#include "base/record.h"
#include "base/text.h"

#define SSH_NAME_LIMIT 1024                  /* one algorithm's name; RFC 4251, 6 allows 64 */
#define SSH_KEY_BLOB_LIMIT (16 << 10)        /* the longest key that is kept; RSA with 16384 bits takes 2 KB */
#define SSH_CERTIFICATE_TEXT_LIMIT (4 << 10) /* a certificate's key id, and its names together */

/* Zero is a key of which nothing is known. */
struct ssh_key {
    struct text type; /* as it says itself: "ssh-rsa", "ssh-ed25519-cert-v01@openssh.com" */
    struct text line; /* as OpenSSH's known_hosts has it: the type, a space, base64 */
    struct record_integer bits;
    char sha256[DIGEST_BASE64_SIZE]; /* "" where it could not be computed */
    char md5[DIGEST_HEX_SIZE];
    bool is_certificate;
    bool is_certificate_read; /* what follows is set */
    struct text serial;       /* decimal: it has 64 bits */
    uint32_t certificate_use; /* 1 user, 2 host */
    struct text key_id;
    struct text principals;              /* joined by commas */
    struct record_integer valid_from_us; /* unknown: for ever */
    struct record_integer valid_until_us;
    struct text authority_type;
    char authority_sha256[DIGEST_BASE64_SIZE];
};

/* Reads a key's bytes. False, with nothing set, where they do not begin with a type's name. `key` is one that nothing is known of. */
bool ssh_key_read(struct ssh_key *key, struct bytes blob);

/* Frees what it holds; then nothing is known of it. */
void ssh_key_forget(struct ssh_key *key);

/* Bits of an mpint (RFC 4251, 5), leading zeros left out. */
uint64_t ssh_mpint_bits(struct bytes mpint);

/* A name as RFC 4251, 6 has it: printable, no comma. */
bool ssh_is_algorithm_name(struct bytes name);

#endif

/*
 * tls_suites.h - cipher suites by their names in the registry of IANA ("TLS Cipher Suites"), and what a name says.
 */
#ifndef WIRESCRIBE_DISSECTORS_TLS_SUITES_H
#define WIRESCRIBE_DISSECTORS_TLS_SUITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How records are protected (RFC 5246, 6.2.3; RFC 8446, 5.2). */
enum tls_protection_kind {
    TLS_PROTECTION_UNKNOWN, /* a cipher that is not opened here */
    TLS_PROTECTION_STREAM,  /* RC4, or no cipher, and a MAC */
    TLS_PROTECTION_CBC,     /* a block cipher and a MAC */
    TLS_PROTECTION_GCM,
    TLS_PROTECTION_CCM,
    TLS_PROTECTION_CHACHA20_POLY1305,
};

enum tls_hash {
    TLS_HASH_NONE,
    TLS_HASH_MD5,
    TLS_HASH_SHA1,
    TLS_HASH_SHA256,
    TLS_HASH_SHA384,
};

/* What a suite's name says. Lengths in bytes. */
struct tls_suite {
    const char *name;
    enum tls_protection_kind kind;
    const char *cipher;    /* as libcrypto names it: "AES-128-CBC"; NULL: none, or RC4 */
    bool is_rc4;
    size_t key_length;
    size_t block_length;   /* CBC: of a block, and of its IV */
    size_t tag_length;     /* AEAD */
    enum tls_hash mac;     /* of records; NONE with AEAD */
    enum tls_hash prf;     /* of TLS 1.2's and 1.3's key schedule */
    bool is_rsa_exchange;  /* the client sends the premaster secret, encrypted with the server's RSA key */
    bool is_tls13;         /* of TLS 1.3 alone */
};

/* The registered name: "TLS_AES_128_GCM_SHA256"; NULL where there is none. */
const char *tls_suite_name(uint16_t id);

/* What the name of the suite says. False where it is not registered; `suite` is then all zero. */
bool tls_suite_read(uint16_t id, struct tls_suite *suite);

/* Why the suite is not to be used any more, for a person: "RC4 (RFC 7465)"; NULL where nothing is known against it. */
const char *tls_suite_weakness(uint16_t id);

/* Bytes of a digest. */
size_t tls_hash_length(enum tls_hash hash);

/* As libcrypto names it: "SHA256"; NULL for NONE. */
const char *tls_hash_name(enum tls_hash hash);

#endif

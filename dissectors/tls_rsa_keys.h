/*
 * tls_rsa_keys.h - private keys of TLS servers, as the user gives them: with one, sessions whose premaster secret was encrypted with its public
 * half (RSA key exchange, RFC 5246, 7.4.7.1) are opened. Of use with TLS 1.0 to 1.2, and not where the key only signs (DHE, ECDHE).
 */
#ifndef WIRESCRIBE_DISSECTORS_TLS_RSA_KEYS_H
#define WIRESCRIBE_DISSECTORS_TLS_RSA_KEYS_H

#include "base/bytes.h"

#define TLS_PREMASTER_BYTES 48

/* Loaded once, before the workers begin, and constant while they run. NULL, where no key was given, is taken by every function. */
struct tls_rsa_keys;

/*
 * Adds the RSA key of a file in PEM. `*keys` is made when it is NULL. False, with an error logged that names the file, what is wrong and
 * what to do, where it cannot be read or is no such key.
 */
bool tls_rsa_keys_add(struct tls_rsa_keys **keys, const char *path);

/* The same of a file's text; messages call it `path`. */
bool tls_rsa_keys_add_text(struct tls_rsa_keys **keys, const char *text, size_t length, const char *path);
void tls_rsa_keys_free(struct tls_rsa_keys *keys);

enum tls_rsa_opening {
    TLS_RSA_FITS,
    TLS_RSA_ABSENT,  /* no key of that certificate, or of that size, was given */
    TLS_RSA_REFUSED, /* a key was tried, and what it opens is no premaster secret */
};

/*
 * Decrypts a premaster secret. `public_key` are the bits of the server certificate's key, as they stand in it (RFC 8017, A.1.1); empty where
 * the certificate was not seen: then every key of that size is tried, TLS_RSA_TRIED of them at most.
 */
enum tls_rsa_opening tls_rsa_keys_open(const struct tls_rsa_keys *keys, struct bytes public_key, struct bytes encrypted, uint8_t premaster[TLS_PREMASTER_BYTES]);
#define TLS_RSA_TRIED 8

#endif

/*
 * key_file.h - files of private keys, as the user names them on the command line.
 */
#ifndef WIRESCRIBE_DISSECTORS_KEY_FILE_H
#define WIRESCRIBE_DISSECTORS_KEY_FILE_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>

/* The longest file that is taken for a key. */
#define KEY_FILE_LIMIT 65536

/*
 * The whole file, NUL-terminated, for key_file_free; NULL after an error was logged. `recipe` ends the message: which option it is about,
 * and what to give.
 */
char *key_file_read(const char *path, const char *recipe, size_t *length);
void key_file_free(char *text);

/*
 * The private key in PEM (RFC 7468; PKCS #1 or #8, not encrypted) in a text; messages call it `path`. It is RSA's, else NULL after an error
 * was logged: for EVP_PKEY_free.
 */
EVP_PKEY *key_file_rsa(const char *text, size_t length, const char *path, const char *recipe);

#endif

/* tls_rsa_keys.c - see tls_rsa_keys.h */
#include "dissectors/tls_rsa_keys.h"

#include "base/cursor.h"
#include "base/log.h"
#include "dissectors/key_file.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>

#define RECIPE "--rsa-key: give the RSA private key of a TLS server in PEM, without a passphrase"
#define MODULUS_LIMIT 2048 /* bytes: 16384 bits, the most that libcrypto takes */

struct rsa_key {
    struct rsa_key *next;
    EVP_PKEY *key;         /* owned */
    uint8_t *public_half;  /* libcrypto's; DER, as a certificate has it */
    size_t public_length;
};

struct tls_rsa_keys {
    struct rsa_key *first; /* owned */
};

static void free_key(struct rsa_key *key)
{
    EVP_PKEY_free(key->key);
    OPENSSL_free(key->public_half);
    free(key);
}

bool tls_rsa_keys_add_text(struct tls_rsa_keys **keys, const char *text, size_t length, const char *path)
{
    struct rsa_key *key = calloc(1, sizeof *key);
    int public_length;

    if (*keys == NULL)
        *keys = calloc(1, sizeof **keys);
    if (key == NULL || *keys == NULL) {
        log_error("out of memory for the key %s", path);
        free(key);
        return false;
    }
    key->key = key_file_rsa(text, length, path, RECIPE);
    public_length = key->key != NULL ? i2d_PublicKey(key->key, &key->public_half) : -1;
    if (key->key != NULL && (public_length <= 0 || EVP_PKEY_get_size(key->key) > MODULUS_LIMIT)) {
        log_error("the key in %s cannot be used; " RECIPE, path);
        public_length = -1;
    }
    if (public_length <= 0) {
        ERR_clear_error();
        free_key(key);
        return false;
    }
    key->public_length = (size_t)public_length;
    key->next = (*keys)->first;
    (*keys)->first = key;
    return true;
}

bool tls_rsa_keys_add(struct tls_rsa_keys **keys, const char *path)
{
    size_t length;
    char *text = key_file_read(path, RECIPE, &length);
    bool is_added = text != NULL && tls_rsa_keys_add_text(keys, text, length, path);

    key_file_free(text);
    return is_added;
}

void tls_rsa_keys_free(struct tls_rsa_keys *keys)
{
    while (keys != NULL && keys->first != NULL) {
        struct rsa_key *key = keys->first;

        keys->first = key->next;
        free_key(key);
    }
    free(keys);
}

/* RFC 8017, 7.2.2: 0, 2, at least 8 bytes that are not 0, 0, the secret. */
static bool take_padding_off(struct bytes padded, uint8_t premaster[TLS_PREMASTER_BYTES])
{
    struct cursor cursor = cursor_within(padded);
    uint16_t head = take_u16_be(&cursor);
    size_t padding = 0;
    struct bytes secret;

    while (cursor_left(&cursor) > 0 && take_u8(&cursor) != 0)
        padding++;
    secret = take_bytes(&cursor, cursor_left(&cursor));
    if (head != 2 || padding < 8 || secret.length != TLS_PREMASTER_BYTES || secret.at[0] != 3)
        return false;
    memcpy(premaster, secret.at, TLS_PREMASTER_BYTES);
    return true;
}

/* Without libcrypto's own padding: newer ones answer wrong padding with made-up bytes. */
static bool open_with(const struct rsa_key *key, struct bytes encrypted, uint8_t premaster[TLS_PREMASTER_BYTES])
{
    uint8_t opened[MODULUS_LIMIT];
    size_t length = sizeof opened;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key->key, NULL);
    bool is_open = context != NULL && EVP_PKEY_decrypt_init(context) == 1 && EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING) == 1 &&
                   EVP_PKEY_decrypt(context, opened, &length, encrypted.at, encrypted.length) == 1 && take_padding_off(bytes_of(opened, length), premaster);

    OPENSSL_cleanse(opened, sizeof opened);
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    return is_open;
}

static bool may_fit(const struct rsa_key *key, struct bytes public_key, size_t encrypted_length)
{
    if (public_key.length > 0)
        return bytes_equal(bytes_of(key->public_half, key->public_length), public_key);
    return (size_t)EVP_PKEY_get_size(key->key) == encrypted_length;
}

enum tls_rsa_opening tls_rsa_keys_open(const struct tls_rsa_keys *keys, struct bytes public_key, struct bytes encrypted, uint8_t premaster[TLS_PREMASTER_BYTES])
{
    unsigned tried = 0;

    for (const struct rsa_key *key = keys != NULL ? keys->first : NULL; key != NULL && tried < TLS_RSA_TRIED; key = key->next) {
        if (!may_fit(key, public_key, encrypted.length))
            continue;
        tried++;
        if (open_with(key, encrypted, premaster))
            return TLS_RSA_FITS;
    }
    return tried > 0 ? TLS_RSA_REFUSED : TLS_RSA_ABSENT;
}

/* tls_keys.c - see tls_keys.h */
#include "dissectors/tls_keys.h"

#include "base/cursor.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <threads.h>

#define KEY_BLOCK_LIMIT (2 * (TLS_MAC_LIMIT + TLS_KEY_LIMIT + TLS_IV_LIMIT))
#define SALT_BYTES 4         /* RFC 5288, 3; RFC 6655, 3: the implicit part of a nonce */
#define NONCE_BYTES 12       /* RFC 7905, 2; RFC 8446, 5.3 */

/* Looked up once. */
static EVP_KDF *tls1_prf;
static EVP_KDF *tls13_kdf;
static once_flag kdfs_once = ONCE_FLAG_INIT;

static void find_kdfs(void)
{
    tls1_prf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_TLS1_PRF, NULL);
    tls13_kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_TLS1_3_KDF, NULL);
}

static OSSL_PARAM octets(const char *name, struct bytes bytes)
{
    static uint8_t nothing[1];

    return OSSL_PARAM_construct_octet_string(name, bytes.length > 0 ? (void *)(uintptr_t)bytes.at : nothing, bytes.length);
}

static OSSL_PARAM word(const char *name, const char *text)
{
    return OSSL_PARAM_construct_utf8_string(name, (char *)(uintptr_t)text, 0);
}

static bool derive(EVP_KDF *kdf, const OSSL_PARAM *parameters, uint8_t *out, size_t length)
{
    EVP_KDF_CTX *context = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
    bool is_done = context != NULL && EVP_KDF_derive(context, out, length, parameters) == 1;

    EVP_KDF_CTX_free(context);
    return is_done;
}

/* RFC 5246, 5; RFC 2246, 5. */
static bool prf(uint16_t version, const struct tls_suite *suite, struct bytes secret, const char *label, struct bytes first, struct bytes second,
                uint8_t *out, size_t length)
{
    OSSL_PARAM parameters[6];

    call_once(&kdfs_once, find_kdfs);
    parameters[0] = word(OSSL_KDF_PARAM_DIGEST, version < TLS_VERSION_1_2 ? "MD5-SHA1" : tls_hash_name(suite->prf));
    parameters[1] = octets(OSSL_KDF_PARAM_SECRET, secret);
    parameters[2] = octets(OSSL_KDF_PARAM_SEED, bytes_of_text(label));
    parameters[3] = octets(OSSL_KDF_PARAM_SEED, first);
    parameters[4] = octets(OSSL_KDF_PARAM_SEED, second);
    parameters[5] = OSSL_PARAM_construct_end();
    if (second.length == 0)
        parameters[4] = OSSL_PARAM_construct_end();
    return derive(tls1_prf, parameters, out, length);
}

bool tls_master_secret(uint16_t version, const struct tls_suite *suite, struct bytes premaster, const uint8_t client_random[TLS_RANDOM_BYTES],
                       const uint8_t server_random[TLS_RANDOM_BYTES], struct bytes session_hash, uint8_t master[TLS_MASTER_BYTES])
{
    if (session_hash.length > 0)
        return prf(version, suite, premaster, "extended master secret", session_hash, bytes_of(NULL, 0), master, TLS_MASTER_BYTES);
    return prf(version, suite, premaster, "master secret", bytes_of(client_random, TLS_RANDOM_BYTES), bytes_of(server_random, TLS_RANDOM_BYTES), master,
               TLS_MASTER_BYTES);
}

static size_t iv_length(uint16_t version, const struct tls_suite *suite)
{
    switch (suite->kind) {
    case TLS_PROTECTION_CBC:
        return version == TLS_VERSION_1_0 ? suite->block_length : 0; /* later ones send it with each record (RFC 4346, 6.2.3.2) */
    case TLS_PROTECTION_GCM:
    case TLS_PROTECTION_CCM:
        return SALT_BYTES;
    case TLS_PROTECTION_CHACHA20_POLY1305:
        return NONCE_BYTES;
    case TLS_PROTECTION_STREAM:
    case TLS_PROTECTION_UNKNOWN:
        break;
    }
    return 0;
}

static void take_into(struct cursor *block, uint8_t *out, size_t length)
{
    struct bytes taken = take_bytes(block, length);

    if (taken.length > 0)
        memcpy(out, taken.at, taken.length);
}

bool tls_keys_from_master(uint16_t version, const struct tls_suite *suite, struct bytes master, const uint8_t client_random[TLS_RANDOM_BYTES],
                          const uint8_t server_random[TLS_RANDOM_BYTES], struct tls_keys keys[SIDE_COUNT])
{
    uint8_t room[KEY_BLOCK_LIMIT];
    size_t mac = tls_hash_length(suite->mac);
    size_t iv = iv_length(version, suite);
    size_t length = 2 * (mac + suite->key_length + iv);
    struct cursor block;

    for (int side = 0; side < SIDE_COUNT; side++)
        keys[side] = (struct tls_keys){.mac_length = mac, .key_length = suite->key_length, .iv_length = iv};
    if (length > sizeof room ||
        (length > 0 && !prf(version, suite, master, "key expansion", bytes_of(server_random, TLS_RANDOM_BYTES), bytes_of(client_random, TLS_RANDOM_BYTES), room, length)))
        return false;
    block = cursor_within(bytes_of(room, length));
    for (int side = 0; side < SIDE_COUNT; side++)
        take_into(&block, keys[side].mac, mac);
    for (int side = 0; side < SIDE_COUNT; side++)
        take_into(&block, keys[side].key, suite->key_length);
    for (int side = 0; side < SIDE_COUNT; side++)
        take_into(&block, keys[side].iv, iv);
    return cursor_is_good(&block);
}

/* HKDF-Expand-Label with an empty context (RFC 8446, 7.1). */
static bool expand(const struct tls_suite *suite, struct bytes secret, const char *label, uint8_t *out, size_t length)
{
    OSSL_PARAM parameters[6];

    call_once(&kdfs_once, find_kdfs);
    parameters[0] = word(OSSL_KDF_PARAM_MODE, "EXPAND_ONLY");
    parameters[1] = word(OSSL_KDF_PARAM_DIGEST, tls_hash_name(suite->prf));
    parameters[2] = octets(OSSL_KDF_PARAM_KEY, secret);
    parameters[3] = octets(OSSL_KDF_PARAM_PREFIX, bytes_of_text("tls13 "));
    parameters[4] = octets(OSSL_KDF_PARAM_LABEL, bytes_of_text(label));
    parameters[5] = OSSL_PARAM_construct_end();
    return derive(tls13_kdf, parameters, out, length);
}

bool tls_keys_from_traffic_secret(const struct tls_suite *suite, const struct tls_secret *secret, struct tls_keys *keys)
{
    struct bytes bytes = bytes_of(secret->bytes, secret->length);

    *keys = (struct tls_keys){.key_length = suite->key_length, .iv_length = NONCE_BYTES};
    return secret->length == tls_hash_length(suite->prf) && expand(suite, bytes, "key", keys->key, keys->key_length) &&
           expand(suite, bytes, "iv", keys->iv, keys->iv_length);
}

bool tls_next_traffic_secret(const struct tls_suite *suite, struct tls_secret *secret)
{
    struct tls_secret next = {.length = secret->length};

    if (!expand(suite, bytes_of(secret->bytes, secret->length), "traffic upd", next.bytes, next.length))
        return false;
    *secret = next;
    return true;
}

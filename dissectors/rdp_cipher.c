/*
 * rdp_cipher.c - see rdp_cipher.h. MD5, SHA-1, HMAC and 3DES are libcrypto's; RC4, which OpenSSL 3 keeps in a provider
 * that is seldom there, is ours (rc4.h).
 */
#include "dissectors/rdp_cipher.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#define MD5_LENGTH 16
#define SHA1_LENGTH 20
#define STRONG_LENGTH 16 /* of a 128-bit key */
#define WEAK_LENGTH 8    /* of a 40-bit and a 56-bit key, salt included */
#define MASTER_LENGTH 48
#define PRE_MASTER_RANDOM 24 /* the first 192 bits of each random */
#define DES_BLOCK 8
#define DES_KEY_LENGTH 24

static const uint8_t pad1[40] = {0x36, 0x36, 0x36, 0x36, 0x36, 0x36, 0x36, 0x36, 0x36, 0x36, 0x36, 0x36, 0x36, 0x36,
                                 0x36, 0x36, 0x36, 0x36, 0x36, 0x36, 0x36, 0x36, 0x36, 0x36, 0x36, 0x36, 0x36, 0x36,
                                 0x36, 0x36, 0x36, 0x36, 0x36, 0x36, 0x36, 0x36, 0x36, 0x36, 0x36, 0x36};
static const uint8_t pad2[48] = {0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x5c,
                                 0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x5c,
                                 0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x5c};

/* ---- hashes ---- */

/* The hash of up to five parts, those of length 0 left out. */
static bool hash(const EVP_MD *kind, const struct bytes *parts, size_t count, uint8_t *out)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_done = context != NULL && EVP_DigestInit_ex(context, kind, NULL) == 1;

    for (size_t i = 0; i < count && is_done; i++)
        is_done = parts[i].length == 0 || EVP_DigestUpdate(context, parts[i].at, parts[i].length) == 1;
    is_done = is_done && EVP_DigestFinal_ex(context, out, NULL) == 1;
    EVP_MD_CTX_free(context);
    return is_done;
}

#define HASH(KIND, OUT, ...) \
    hash((KIND), (const struct bytes[]){__VA_ARGS__}, sizeof((const struct bytes[]){__VA_ARGS__}) / sizeof(struct bytes), (OUT))

static void put_u32_le(uint8_t bytes[4], uint32_t number)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(number >> (8 * i));
}

/* ---- keys: 5.3.5 ---- */

struct randoms {
    struct bytes client;
    struct bytes server;
};

/* SaltedHash(S, I), for I of three lengths: 'A' 'BB' 'CCC', or 'X' 'YY' 'ZZZ'. 48 bytes come out. */
static bool salted_hashes(struct bytes secret, char letter, const struct randoms *randoms, uint8_t out[MASTER_LENGTH])
{
    uint8_t inner[SHA1_LENGTH];

    for (size_t i = 0; i < 3; i++) {
        char input[3];

        memset(input, letter + (int)i, i + 1);
        if (!HASH(EVP_sha1(), inner, bytes_of(input, i + 1), secret, randoms->client, randoms->server) ||
            !HASH(EVP_md5(), out + i * MD5_LENGTH, secret, bytes_of(inner, sizeof inner)))
            return false;
    }
    return true;
}

/* What 40-bit and 56-bit keys are weakened by. */
static void salt(uint32_t method, uint8_t *key)
{
    static const uint8_t salts[] = {0xd1, 0x26, 0x9e};

    if (method == RDP_METHOD_40BIT)
        memcpy(key, salts, 3);
    else if (method == RDP_METHOD_56BIT)
        memcpy(key, salts, 1);
}

static bool start_stream(struct rdp_ciphers *ciphers, enum side from, const uint8_t part[MD5_LENGTH], const struct randoms *randoms)
{
    struct rdp_cipher *cipher = &ciphers->side[from];

    if (!HASH(EVP_md5(), cipher->initial_key, bytes_of(part, MD5_LENGTH), randoms->client, randoms->server))
        return false;
    salt(ciphers->method, cipher->initial_key);
    memcpy(cipher->key, cipher->initial_key, sizeof cipher->key);
    rc4_begin(&cipher->rc4, bytes_of(cipher->key, ciphers->key_length));
    return true;
}

static bool start_rc4(struct rdp_ciphers *ciphers, const struct randoms *randoms)
{
    uint8_t pre_master[MASTER_LENGTH];
    uint8_t master[MASTER_LENGTH];
    uint8_t blob[MASTER_LENGTH];

    memcpy(pre_master, randoms->client.at, PRE_MASTER_RANDOM);
    memcpy(pre_master + PRE_MASTER_RANDOM, randoms->server.at, PRE_MASTER_RANDOM);
    if (!salted_hashes(bytes_of(pre_master, sizeof pre_master), 'A', randoms, master) ||
        !salted_hashes(bytes_of(master, sizeof master), 'X', randoms, blob))
        return false;
    memcpy(ciphers->signing_key, blob, MD5_LENGTH);
    salt(ciphers->method, ciphers->signing_key);
    ciphers->signing_length = ciphers->key_length;
    return start_stream(ciphers, FROM_SERVER, blob + MD5_LENGTH, randoms) && start_stream(ciphers, FROM_CLIENT, blob + 2 * MD5_LENGTH, randoms);
}

/* 5.3.7.1: a new key out of the first and the present one. */
static bool update_key(struct rdp_ciphers *ciphers, struct rdp_cipher *cipher)
{
    uint8_t inner[SHA1_LENGTH];
    uint8_t key[MD5_LENGTH];
    struct bytes initial = bytes_of(cipher->initial_key, ciphers->key_length);

    if (!HASH(EVP_sha1(), inner, initial, bytes_of(pad1, sizeof pad1), bytes_of(cipher->key, ciphers->key_length)) ||
        !HASH(EVP_md5(), key, initial, bytes_of(pad2, sizeof pad2), bytes_of(inner, sizeof inner)))
        return false;
    rc4_begin(&cipher->rc4, bytes_of(key, ciphers->key_length));
    rc4_apply(&cipher->rc4, key, ciphers->key_length);
    salt(ciphers->method, key);
    memcpy(cipher->key, key, ciphers->key_length);
    rc4_begin(&cipher->rc4, bytes_of(cipher->key, ciphers->key_length));
    cipher->key_packets = 0;
    return true;
}

/* 5.3.6.1: over the data as it was before it was encrypted. */
static bool is_signed(const struct rdp_ciphers *ciphers, const struct rdp_cipher *cipher, bool is_salted, struct bytes data, const uint8_t *signature)
{
    struct bytes key = bytes_of(ciphers->signing_key, ciphers->signing_length);
    uint8_t length[4];
    uint8_t count[4];
    uint8_t inner[SHA1_LENGTH];
    uint8_t outer[MD5_LENGTH];

    put_u32_le(length, (uint32_t)data.length);
    put_u32_le(count, cipher->packets);
    return HASH(EVP_sha1(), inner, key, bytes_of(pad1, sizeof pad1), bytes_of(length, 4), data, bytes_of(count, is_salted ? 4 : 0)) &&
           HASH(EVP_md5(), outer, key, bytes_of(pad2, sizeof pad2), bytes_of(inner, sizeof inner)) &&
           memcmp(outer, signature, RDP_SIGNATURE_LENGTH) == 0;
}

static bool open_rc4(struct rdp_ciphers *ciphers, struct rdp_cipher *cipher, bool is_salted, uint8_t *bytes, size_t length, const uint8_t *signature)
{
    bool is_good;

    if (cipher->key_packets == RDP_KEY_PACKETS && !update_key(ciphers, cipher))
        return false;
    rc4_apply(&cipher->rc4, bytes, length);
    is_good = is_signed(ciphers, cipher, is_salted, bytes_of(bytes, length), signature);
    cipher->packets++;
    cipher->key_packets++;
    return is_good;
}

/* ---- FIPS: 5.3.6.2, 5.3.5.2 ---- */

static uint8_t reversed(uint8_t byte)
{
    uint8_t out = 0;

    for (int bit = 0; bit < 8; bit++)
        out |= (uint8_t)((byte >> bit & 1) << (7 - bit));
    return out;
}

/*
 * 160 bits, with the first 8 of them once more at the end, become 24 bytes of 7 bits each. Bits count from the least
 * significant one of each byte; the parity bits, which 3DES does not look at, stay as they come.
 */
static void expand_key(const uint8_t from[SHA1_LENGTH], uint8_t key[DES_KEY_LENGTH])
{
    uint8_t bits[SHA1_LENGTH + 1];

    for (size_t i = 0; i < sizeof bits; i++)
        bits[i] = reversed(from[i % SHA1_LENGTH]);
    for (size_t i = 0; i < DES_KEY_LENGTH; i++) {
        uint8_t seven = 0;

        for (size_t bit = 7 * i; bit < 7 * i + 7; bit++)
            seven = (uint8_t)(seven << 1 | (bits[bit / 8] >> (7 - bit % 8) & 1));
        key[i] = reversed((uint8_t)(seven << 1));
    }
}

static bool start_des(struct rdp_cipher *cipher, const uint8_t hashed[SHA1_LENGTH])
{
    static const uint8_t initial_vector[DES_BLOCK] = {0x12, 0x34, 0x56, 0x78, 0x90, 0xab, 0xcd, 0xef};
    EVP_CIPHER_CTX *des = EVP_CIPHER_CTX_new();

    cipher->des = des;
    expand_key(hashed, cipher->key);
    return des != NULL && EVP_DecryptInit_ex(des, EVP_des_ede3_cbc(), NULL, cipher->key, initial_vector) == 1 &&
           EVP_CIPHER_CTX_set_padding(des, 0) == 1;
}

static bool start_fips(struct rdp_ciphers *ciphers, const struct randoms *randoms)
{
    uint8_t of_client[SHA1_LENGTH];
    uint8_t of_server[SHA1_LENGTH];
    const size_t half = RDP_RANDOM_LENGTH / 2;

    ciphers->signing_length = SHA1_LENGTH;
    return HASH(EVP_sha1(), of_client, bytes_of(randoms->client.at + half, half), bytes_of(randoms->server.at + half, half)) &&
           HASH(EVP_sha1(), of_server, bytes_of(randoms->client.at, half), bytes_of(randoms->server.at, half)) &&
           HASH(EVP_sha1(), ciphers->signing_key, bytes_of(of_server, sizeof of_server), bytes_of(of_client, sizeof of_client)) &&
           start_des(&ciphers->side[FROM_CLIENT], of_client) && start_des(&ciphers->side[FROM_SERVER], of_server);
}

/* HMAC over the data without its padding, and the count of packets. */
static bool is_signed_fips(const struct rdp_ciphers *ciphers, const struct rdp_cipher *cipher, struct bytes data, const uint8_t *signature)
{
    char digest[] = "SHA1";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
    EVP_MAC *kind = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
    EVP_MAC_CTX *context = kind != NULL ? EVP_MAC_CTX_new(kind) : NULL;
    uint8_t wanted[EVP_MAX_MD_SIZE];
    uint8_t count[4];
    size_t length = 0;
    bool is_done;

    put_u32_le(count, cipher->packets);
    is_done = context != NULL && EVP_MAC_init(context, ciphers->signing_key, ciphers->signing_length, parameters) == 1 &&
              EVP_MAC_update(context, data.at, data.length) == 1 && EVP_MAC_update(context, count, sizeof count) == 1 &&
              EVP_MAC_final(context, wanted, &length, sizeof wanted) == 1;
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(kind);
    return is_done && memcmp(wanted, signature, RDP_SIGNATURE_LENGTH) == 0;
}

static bool open_fips(struct rdp_ciphers *ciphers, struct rdp_cipher *cipher, uint8_t *bytes, size_t length, size_t padding, const uint8_t *signature)
{
    int written = 0;
    bool is_good;

    if (length % DES_BLOCK != 0 || padding >= DES_BLOCK || padding > length || length > INT32_MAX)
        return false;
    is_good = EVP_DecryptUpdate(cipher->des, bytes, &written, bytes, (int)length) == 1 && written == (int)length &&
              is_signed_fips(ciphers, cipher, bytes_of(bytes, length - padding), signature);
    cipher->packets++;
    return is_good;
}

/* ---- both ---- */

bool rdp_ciphers_start(struct rdp_ciphers *ciphers, uint32_t method, const uint8_t client_random[RDP_RANDOM_LENGTH],
                       const uint8_t server_random[RDP_RANDOM_LENGTH])
{
    const struct randoms randoms = {.client = bytes_of(client_random, RDP_RANDOM_LENGTH), .server = bytes_of(server_random, RDP_RANDOM_LENGTH)};
    bool is_started;

    ciphers->method = method;
    if (method == RDP_METHOD_FIPS) {
        is_started = start_fips(ciphers, &randoms);
    } else if (method == RDP_METHOD_40BIT || method == RDP_METHOD_56BIT || method == RDP_METHOD_128BIT) {
        ciphers->key_length = method == RDP_METHOD_128BIT ? STRONG_LENGTH : WEAK_LENGTH;
        is_started = start_rc4(ciphers, &randoms);
    } else {
        return false;
    }
    ERR_clear_error();
    return is_started;
}

void rdp_ciphers_free(struct rdp_ciphers *ciphers)
{
    for (int side = 0; side < SIDE_COUNT; side++)
        EVP_CIPHER_CTX_free(ciphers->side[side].des);
    OPENSSL_cleanse(ciphers, sizeof *ciphers);
}

bool rdp_ciphers_open(struct rdp_ciphers *ciphers, enum side from, bool is_salted, uint8_t *bytes, size_t length, size_t padding,
                      const uint8_t signature[RDP_SIGNATURE_LENGTH])
{
    struct rdp_cipher *cipher = &ciphers->side[from];

    if (ciphers->method == RDP_METHOD_FIPS)
        return open_fips(ciphers, cipher, bytes, length, padding, signature);
    return open_rc4(ciphers, cipher, is_salted, bytes, length, signature);
}

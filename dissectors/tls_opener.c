/*
 * tls_opener.c - record protection of TLS 1.0 to 1.3 by libcrypto: a MAC and a stream or block cipher (RFC 5246, 6.2.3.1 and
 * 6.2.3.2; RFC 2246; RFC 7366), and AEAD (RFC 5288, 6655, 7905; RFC 8446, 5.2).
 *
 * Leaves out: compression of records (RFC 3749), and truncated MACs (RFC 6066, 7).
 */
#include "dissectors/tls_opener.h"

#include "base/cursor.h"
#include "base/memory.h"
#include "dissectors/rc4.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

/* What libcrypto allocates for the contexts of one opener; a guess that is about right. */
#define CONTEXTS_BYTES 1200
#define NONCE_BYTES 12
#define EXPLICIT_NONCE_BYTES 8
#define HEADER_BYTES 13 /* sequence number, type, version, length: what a MAC covers before the fragment */

struct tls_opener {
    uint16_t version;
    enum tls_protection_kind kind;
    bool encrypts_then_macs;
    bool is_rc4;
    size_t block_length;
    size_t tag_length;
    size_t mac_length;
    size_t iv_length;
    uint8_t iv[TLS_IV_LIMIT];
    uint64_t sequence;
    EVP_CIPHER_CTX *cipher; /* NULL: none, or RC4 */
    EVP_MAC_CTX *mac;       /* NULL with AEAD */
    struct rc4 rc4;
};

/* ---- making ---- */

static bool begin_cipher(struct tls_opener *opener, const struct tls_suite *suite, const struct tls_keys *keys)
{
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, suite->cipher, NULL);
    EVP_CIPHER_CTX *context = cipher != NULL ? EVP_CIPHER_CTX_new() : NULL;
    bool is_good = context != NULL && EVP_DecryptInit_ex(context, cipher, NULL, NULL, NULL) == 1;

    opener->cipher = context;
    if (is_good && opener->kind != TLS_PROTECTION_CBC)
        is_good = EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_IVLEN, NONCE_BYTES, NULL) == 1;
    if (is_good && opener->kind == TLS_PROTECTION_CCM)
        is_good = EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, (int)opener->tag_length, NULL) == 1;
    is_good = is_good && EVP_DecryptInit_ex(context, NULL, NULL, keys->key, opener->kind == TLS_PROTECTION_CBC ? keys->iv : NULL) == 1;
    if (is_good && opener->kind == TLS_PROTECTION_CBC)
        is_good = EVP_CIPHER_CTX_set_padding(context, 0) == 1;
    EVP_CIPHER_free(cipher);
    return is_good;
}

static bool begin_mac(struct tls_opener *opener, const struct tls_suite *suite, const struct tls_keys *keys)
{
    OSSL_PARAM parameters[2];
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
    bool is_good;

    parameters[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t)tls_hash_name(suite->mac), 0);
    parameters[1] = OSSL_PARAM_construct_end();
    opener->mac = hmac != NULL ? EVP_MAC_CTX_new(hmac) : NULL;
    is_good = opener->mac != NULL && EVP_MAC_init(opener->mac, keys->mac, keys->mac_length, parameters) == 1;
    EVP_MAC_free(hmac);
    return is_good;
}

struct tls_opener *tls_opener_new(uint16_t version, const struct tls_suite *suite, const struct tls_keys *keys, bool encrypts_then_macs)
{
    struct tls_opener *opener;
    bool is_good;

    if (suite->kind == TLS_PROTECTION_UNKNOWN)
        return NULL;
    opener = memory_new_zeroed(1, sizeof *opener);
    if (opener == NULL)
        return NULL;
    memory_count(CONTEXTS_BYTES);
    opener->version = version;
    opener->kind = suite->kind;
    opener->is_rc4 = suite->is_rc4;
    opener->encrypts_then_macs = encrypts_then_macs && suite->kind == TLS_PROTECTION_CBC;
    opener->block_length = suite->block_length;
    opener->tag_length = suite->tag_length;
    opener->mac_length = keys->mac_length;
    opener->iv_length = keys->iv_length;
    memcpy(opener->iv, keys->iv, sizeof opener->iv);
    is_good = suite->cipher == NULL || begin_cipher(opener, suite, keys);
    is_good = is_good && (suite->mac == TLS_HASH_NONE || begin_mac(opener, suite, keys));
    if (opener->is_rc4)
        rc4_begin(&opener->rc4, bytes_of(keys->key, keys->key_length));
    if (is_good)
        return opener;
    tls_opener_free(opener);
    return NULL;
}

void tls_opener_free(struct tls_opener *opener)
{
    if (opener == NULL)
        return;
    EVP_CIPHER_CTX_free(opener->cipher);
    EVP_MAC_CTX_free(opener->mac);
    memory_count(-CONTEXTS_BYTES);
    memory_free(opener);
}

/* ---- headers and MACs ---- */

static void write_number(uint8_t *at, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

static void write_header(const struct tls_opener *opener, uint8_t type, uint16_t version, size_t length, uint8_t header[HEADER_BYTES])
{
    write_number(header, opener->sequence, 8);
    header[8] = type;
    write_number(header + 9, version, 2);
    write_number(header + 11, length, 2);
}

static bool mac_fits(struct tls_opener *opener, uint8_t type, uint16_t version, struct bytes covered, struct bytes mac)
{
    uint8_t header[HEADER_BYTES];
    uint8_t computed[TLS_MAC_LIMIT];
    size_t length = 0;

    write_header(opener, type, version, covered.length, header);
    return EVP_MAC_init(opener->mac, NULL, 0, NULL) == 1 && EVP_MAC_update(opener->mac, header, sizeof header) == 1 &&
           (covered.length == 0 || EVP_MAC_update(opener->mac, covered.at, covered.length) == 1) &&
           EVP_MAC_final(opener->mac, computed, &length, sizeof computed) == 1 && bytes_equal(bytes_of(computed, length), mac);
}

/* Splits the MAC off the end. False where the bytes are too few. */
static bool split_mac(const struct tls_opener *opener, struct bytes all, struct bytes *content, struct bytes *mac)
{
    struct cursor cursor = cursor_within(all);

    if (all.length < opener->mac_length)
        return false;
    *content = take_bytes(&cursor, all.length - opener->mac_length);
    *mac = take_bytes(&cursor, opener->mac_length);
    return true;
}

/* ---- stream and block ciphers ---- */

static bool open_stream(struct tls_opener *opener, uint8_t type, uint16_t version, struct bytes fragment, uint8_t *room, struct bytes *content)
{
    struct rc4 before = opener->rc4;
    struct bytes mac;

    memcpy(room, fragment.at, fragment.length);
    if (opener->is_rc4)
        rc4_apply(&opener->rc4, room, fragment.length);
    if (split_mac(opener, bytes_of(room, fragment.length), content, &mac) && mac_fits(opener, type, version, *content, mac))
        return true;
    opener->rc4 = before;
    return false;
}

/* RFC 5246, 6.2.3.2: the last byte says how many equal ones stand before it. */
static bool strip_padding(struct bytes *bytes)
{
    uint8_t count;

    if (bytes->length == 0)
        return false;
    count = bytes->at[bytes->length - 1];
    if (bytes->length < (size_t)count + 1)
        return false;
    for (size_t i = bytes->length - count - 1; i < bytes->length; i++) {
        if (bytes->at[i] != count)
            return false;
    }
    bytes->length -= (size_t)count + 1;
    return true;
}

/* TLS 1.0's next IV is the last block; later ones begin with their own. */
static bool decrypt_blocks(struct tls_opener *opener, struct bytes blocks, uint8_t *room, struct bytes *plain)
{
    struct cursor cursor = cursor_within(blocks);
    struct bytes iv = bytes_of(opener->iv, opener->block_length);
    struct bytes rest;
    int length = 0;

    if (opener->version != TLS_VERSION_1_0)
        iv = take_bytes(&cursor, opener->block_length);
    rest = peek_bytes(&cursor);
    if (!cursor_is_good(&cursor) || rest.length == 0 || rest.length % opener->block_length != 0)
        return false;
    if (EVP_DecryptInit_ex(opener->cipher, NULL, NULL, NULL, iv.at) != 1 || EVP_DecryptUpdate(opener->cipher, room, &length, rest.at, (int)rest.length) != 1 ||
        (size_t)length != rest.length)
        return false;
    *plain = bytes_of(room, rest.length);
    return true;
}

/* It is the next record's IV. */
static void keep_last_block(struct tls_opener *opener, struct bytes blocks)
{
    struct cursor cursor = cursor_within(blocks);
    struct bytes last;

    skip_bytes(&cursor, blocks.length - opener->block_length);
    last = take_bytes(&cursor, opener->block_length);
    memcpy(opener->iv, last.at, last.length);
}

static bool open_blocks(struct tls_opener *opener, uint8_t type, uint16_t version, struct bytes fragment, uint8_t *room, struct bytes *content)
{
    struct bytes blocks = fragment;
    struct bytes mac = bytes_of(NULL, 0);
    struct bytes plain;

    if (opener->encrypts_then_macs && (!split_mac(opener, fragment, &blocks, &mac) || !mac_fits(opener, type, version, blocks, mac)))
        return false;
    if (!decrypt_blocks(opener, blocks, room, &plain) || !strip_padding(&plain))
        return false;
    if (opener->encrypts_then_macs)
        *content = plain;
    else if (!split_mac(opener, plain, content, &mac) || !mac_fits(opener, type, version, *content, mac))
        return false;
    if (opener->version == TLS_VERSION_1_0)
        keep_last_block(opener, blocks);
    return true;
}

/* ---- AEAD ---- */

/* The nonce: an implicit part and one in the record, or all of it out of the sequence number. */
static bool make_nonce(const struct tls_opener *opener, struct cursor *fragment, uint8_t nonce[NONCE_BYTES])
{
    struct bytes explicit_part;

    memcpy(nonce, opener->iv, NONCE_BYTES);
    if (opener->iv_length == NONCE_BYTES) {
        uint8_t sequence[8];

        write_number(sequence, opener->sequence, sizeof sequence);
        for (size_t i = 0; i < sizeof sequence; i++)
            nonce[NONCE_BYTES - sizeof sequence + i] ^= sequence[i];
        return true;
    }
    explicit_part = take_bytes(fragment, EXPLICIT_NONCE_BYTES);
    if (!cursor_is_good(fragment))
        return false;
    memcpy(nonce + NONCE_BYTES - EXPLICIT_NONCE_BYTES, explicit_part.at, EXPLICIT_NONCE_BYTES);
    return true;
}

/* RFC 8446, 5.2: the record's header as it stands; before, the MAC's header with the length of the content. */
static struct bytes additional_data(const struct tls_opener *opener, uint8_t type, uint16_t version, size_t fragment, size_t content, uint8_t room[HEADER_BYTES])
{
    if (opener->version != TLS_VERSION_1_3) {
        write_header(opener, type, version, content, room);
        return bytes_of(room, HEADER_BYTES);
    }
    write_header(opener, type, version, fragment, room);
    return bytes_of(room + 8, HEADER_BYTES - 8);
}

static bool decrypt_aead(struct tls_opener *opener, const uint8_t *nonce, struct bytes additional, struct bytes sealed, struct bytes tag, uint8_t *room)
{
    EVP_CIPHER_CTX *context = opener->cipher;
    static const uint8_t nothing[1];
    const uint8_t *from = sealed.length > 0 ? sealed.at : nothing;
    int length = 0;
    int last = 0;

    if (EVP_DecryptInit_ex(context, NULL, NULL, NULL, nonce) != 1 ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, (int)tag.length, (void *)(uintptr_t)tag.at) != 1)
        return false;
    if (opener->kind == TLS_PROTECTION_CCM && EVP_DecryptUpdate(context, NULL, &length, NULL, (int)sealed.length) != 1)
        return false;
    if (EVP_DecryptUpdate(context, NULL, &length, additional.at, (int)additional.length) != 1)
        return false;
    if (EVP_DecryptUpdate(context, room, &length, from, (int)sealed.length) != 1)
        return false; /* CCM checks the tag here */
    return opener->kind == TLS_PROTECTION_CCM || EVP_DecryptFinal_ex(context, room + length, &last) == 1;
}

static bool open_aead(struct tls_opener *opener, uint8_t type, uint16_t version, struct bytes fragment, uint8_t *room, struct bytes *content)
{
    struct cursor cursor = cursor_within(fragment);
    uint8_t nonce[NONCE_BYTES];
    uint8_t header[HEADER_BYTES];
    struct bytes sealed;
    struct bytes tag;

    if (!make_nonce(opener, &cursor, nonce) || cursor_left(&cursor) < opener->tag_length)
        return false;
    sealed = take_bytes(&cursor, cursor_left(&cursor) - opener->tag_length);
    tag = take_bytes(&cursor, opener->tag_length);
    if (!decrypt_aead(opener, nonce, additional_data(opener, type, version, fragment.length, sealed.length, header), sealed, tag, room))
        return false;
    *content = bytes_of(room, sealed.length);
    return true;
}

/* RFC 8446, 5.2: the type of the content stands behind it, then zeros. */
static bool split_inner_type(struct tls_opened *opened)
{
    while (opened->bytes.length > 0 && opened->bytes.at[opened->bytes.length - 1] == 0)
        opened->bytes.length--;
    if (opened->bytes.length == 0)
        return false;
    opened->type = opened->bytes.at[--opened->bytes.length];
    return true;
}

bool tls_opener_open(struct tls_opener *opener, uint8_t type, uint16_t version, struct bytes fragment, uint8_t *room, struct tls_opened *opened)
{
    bool is_open = false;

    *opened = (struct tls_opened){.type = type};
    if (fragment.length == 0 || fragment.length > TLS_FRAGMENT_LIMIT)
        return false;
    switch (opener->kind) {
    case TLS_PROTECTION_STREAM:
        is_open = open_stream(opener, type, version, fragment, room, &opened->bytes);
        break;
    case TLS_PROTECTION_CBC:
        is_open = open_blocks(opener, type, version, fragment, room, &opened->bytes);
        break;
    case TLS_PROTECTION_GCM:
    case TLS_PROTECTION_CCM:
    case TLS_PROTECTION_CHACHA20_POLY1305:
        is_open = open_aead(opener, type, version, fragment, room, &opened->bytes);
        break;
    case TLS_PROTECTION_UNKNOWN:
        break;
    }
    if (!is_open || (opener->version == TLS_VERSION_1_3 && !split_inner_type(opened)))
        return false;
    opener->sequence++;
    return true;
}

void tls_opener_skip(struct tls_opener *opener, uint64_t records)
{
    opener->sequence += records;
}

bool tls_opener_survives_loss(const struct tls_opener *opener)
{
    return opener->kind != TLS_PROTECTION_STREAM && !(opener->kind == TLS_PROTECTION_CBC && opener->version == TLS_VERSION_1_0);
}

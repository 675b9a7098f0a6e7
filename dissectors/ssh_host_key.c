/*
 * ssh_host_key.c - see ssh_host_key.h.
 *
 * Left out: what is inside keys of types that are rare (X.509, PGP, XMSS); they have their fingerprint all the same.
 */
#include "dissectors/ssh_host_key.h"

#include "base/cursor.h"
#include "base/memory.h"

#include <inttypes.h>
#include <openssl/evp.h>

enum key_kind {
    KEY_RSA,      /* e, n */
    KEY_DSA,      /* p, q, g, y */
    KEY_ECDSA,    /* curve, point */
    KEY_EDWARDS,  /* point */
    KEY_SECURITY, /* of a FIDO token: as KEY_ECDSA or KEY_EDWARDS, with the application behind */
};

struct key_type {
    const char *name;
    const char *certificate; /* of such a key; NULL: there is none */
    enum key_kind kind;
    unsigned fields; /* strings behind the type */
    unsigned bits;   /* 0: told from the key itself */
};

static const struct key_type key_types[] = {
    {"ssh-ed25519", "ssh-ed25519-cert-v01@openssh.com", KEY_EDWARDS, 1, 256},
    {"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256-cert-v01@openssh.com", KEY_ECDSA, 2, 256},
    {"ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384-cert-v01@openssh.com", KEY_ECDSA, 2, 384},
    {"ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521-cert-v01@openssh.com", KEY_ECDSA, 2, 521},
    {"ssh-rsa", "ssh-rsa-cert-v01@openssh.com", KEY_RSA, 2, 0},
    {"ssh-dss", "ssh-dss-cert-v01@openssh.com", KEY_DSA, 4, 0},
    {"ssh-ed448", NULL, KEY_EDWARDS, 1, 448},
    {"sk-ssh-ed25519@openssh.com", "sk-ssh-ed25519-cert-v01@openssh.com", KEY_SECURITY, 2, 256},
    {"sk-ecdsa-sha2-nistp256@openssh.com", "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", KEY_SECURITY, 3, 256},
};

static struct bytes take_string(struct cursor *cursor)
{
    return take_bytes(cursor, take_u32_be(cursor));
}

bool ssh_is_algorithm_name(struct bytes name)
{
    struct cursor letters = cursor_within(name);

    while (cursor_left(&letters) > 0) {
        uint8_t letter = take_u8(&letters);

        if (letter <= ' ' || letter >= 127 || letter == ',')
            return false;
    }
    return name.length > 0 && name.length <= SSH_NAME_LIMIT;
}

uint64_t ssh_mpint_bits(struct bytes mpint)
{
    struct cursor digits = cursor_within(mpint);
    uint64_t bits;
    uint8_t top = 0;

    while (cursor_left(&digits) > 0 && top == 0)
        top = take_u8(&digits);
    bits = 8 * (uint64_t)cursor_left(&digits);
    for (; top != 0; top >>= 1)
        bits++;
    return bits;
}

static const struct key_type *find_type(struct bytes name, bool *is_certificate)
{
    for (size_t i = 0; i < sizeof key_types / sizeof key_types[0]; i++) {
        const struct key_type *type = &key_types[i];

        *is_certificate = type->certificate != NULL && bytes_equal(name, bytes_of_text(type->certificate));
        if (*is_certificate || bytes_equal(name, bytes_of_text(type->name)))
            return type;
    }
    return NULL;
}

/* The size that a key of this type goes by, from its fields; false where they are not there. Takes them from the cursor. */
static bool take_fields(struct ssh_key *key, const struct key_type *type, struct cursor *blob)
{
    uint64_t bits = type->bits;

    for (unsigned field = 0; field < type->fields; field++) {
        struct bytes string = take_string(blob);

        if ((type->kind == KEY_RSA && field == 1) || (type->kind == KEY_DSA && field == 0))
            bits = ssh_mpint_bits(string);
    }
    if (!cursor_is_good(blob))
        return false;
    key->bits = record_integer((int64_t)bits);
    return true;
}

static void add_string(struct digest *sha256, struct digest *md5, struct bytes string)
{
    const uint8_t length[] = {(uint8_t)(string.length >> 24), (uint8_t)(string.length >> 16), (uint8_t)(string.length >> 8), (uint8_t)string.length};

    digest_add(sha256, bytes_of(length, sizeof length));
    digest_add(sha256, string);
    digest_add(md5, bytes_of(length, sizeof length));
    digest_add(md5, string);
}

/* Of a certificate, the fingerprints are those of the key in it. */
static void compute_fingerprints(struct ssh_key *key, const struct key_type *type, struct bytes blob, struct cursor fields)
{
    struct digest sha256;
    struct digest md5;

    digest_begin(&sha256, DIGEST_SHA256);
    digest_begin(&md5, DIGEST_MD5);
    if (key->is_certificate) {
        add_string(&sha256, &md5, bytes_of_text(type->name));
        for (unsigned field = 0; field < type->fields; field++)
            add_string(&sha256, &md5, take_string(&fields));
    } else {
        digest_add(&sha256, blob);
        digest_add(&md5, blob);
    }
    if (!cursor_is_good(&fields)) {
        digest_drop(&sha256);
        digest_drop(&md5);
        return;
    }
    (void)digest_end_base64(&sha256, false, key->sha256);
    (void)digest_end_hex(&md5, key->md5);
}

static void set_line(struct ssh_key *key, struct bytes type, struct bytes blob)
{
    uint8_t *base64;
    int written;

    if (blob.length > SSH_KEY_BLOB_LIMIT)
        return;
    base64 = memory_new(4 * ((blob.length + 2) / 3) + 1);
    if (base64 == NULL)
        return;
    written = EVP_EncodeBlock(base64, blob.at, (int)blob.length);
    key->line.limit = SSH_NAME_LIMIT + 2 * SSH_KEY_BLOB_LIMIT;
    text_append(&key->line, type);
    text_append_text(&key->line, " ");
    text_append(&key->line, bytes_of(base64, written > 0 ? (size_t)written : 0));
    memory_free(base64);
    if (key->line.was_cut)
        text_clear(&key->line);
}

/* Seconds since the epoch; 0 and all ones mean no limit, and what no clock reaches is none. */
static struct record_integer validity(uint64_t seconds)
{
    if (seconds == 0 || seconds > INT64_MAX / 1000000)
        return (struct record_integer){.is_known = false};
    return record_integer((int64_t)seconds * 1000000);
}

static void append_principals(struct ssh_key *key, struct bytes packed)
{
    struct cursor names = cursor_within(packed);

    while (cursor_left(&names) > 0 && !key->principals.was_cut) {
        struct bytes name = take_string(&names);

        if (cursor_is_good(&names))
            text_append_item(&key->principals, ",", name);
    }
}

static void set_authority(struct ssh_key *key, struct bytes blob)
{
    struct cursor cursor = cursor_within(blob);
    struct bytes type = take_string(&cursor);
    struct digest sha256;

    if (!cursor_is_good(&cursor) || !ssh_is_algorithm_name(type))
        return;
    text_append(&key->authority_type, type);
    digest_begin(&sha256, DIGEST_SHA256);
    digest_add(&sha256, blob);
    (void)digest_end_base64(&sha256, false, key->authority_sha256);
}

/* What follows the key's own fields in a certificate. */
static void read_certificate(struct ssh_key *key, struct cursor cursor)
{
    uint64_t serial = take_u64_be(&cursor);
    uint32_t use = take_u32_be(&cursor);
    struct bytes key_id = take_string(&cursor);
    struct bytes principals = take_string(&cursor);
    uint64_t valid_from = take_u64_be(&cursor);
    uint64_t valid_until = take_u64_be(&cursor);
    struct bytes authority;

    (void)take_string(&cursor); /* critical options */
    (void)take_string(&cursor); /* extensions */
    (void)take_string(&cursor); /* reserved */
    authority = take_string(&cursor);
    (void)take_string(&cursor); /* signature */
    if (!cursor_is_good(&cursor))
        return;
    key->is_certificate_read = true;
    key->certificate_use = use;
    key->valid_from_us = validity(valid_from);
    key->valid_until_us = validity(valid_until);
    text_append_format(&key->serial, "%" PRIu64, serial);
    text_append(&key->key_id, key_id);
    append_principals(key, principals);
    set_authority(key, authority);
}

bool ssh_key_read(struct ssh_key *key, struct bytes blob)
{
    struct cursor cursor = cursor_within(blob);
    struct bytes name = take_string(&cursor);
    const struct key_type *type;
    struct cursor fields;

    if (!cursor_is_good(&cursor) || !ssh_is_algorithm_name(name))
        return false;
    key->type.limit = SSH_NAME_LIMIT;
    key->serial.limit = SSH_NAME_LIMIT;
    key->authority_type.limit = SSH_NAME_LIMIT;
    key->key_id.limit = SSH_CERTIFICATE_TEXT_LIMIT;
    key->principals.limit = SSH_CERTIFICATE_TEXT_LIMIT;
    text_append(&key->type, name);
    set_line(key, name, blob);
    type = find_type(name, &key->is_certificate);
    if (key->is_certificate)
        (void)take_string(&cursor); /* nonce */
    fields = cursor;
    compute_fingerprints(key, type, blob, fields);
    if (type != NULL && take_fields(key, type, &cursor) && key->is_certificate)
        read_certificate(key, cursor);
    return true;
}

void ssh_key_forget(struct ssh_key *key)
{
    text_free(&key->type);
    text_free(&key->line);
    text_free(&key->serial);
    text_free(&key->key_id);
    text_free(&key->principals);
    text_free(&key->authority_type);
    *key = (struct ssh_key){.is_certificate = false};
}

/*
 * rdp_private_keys.c - see rdp_private_keys.h. Two forms: what xrdp-keygen writes (xrdp's rsakeys.ini: numbers as lists of bytes, the
 * least significant first), and PEM (RFC 7468), PKCS #1 or #8, not encrypted.
 */
#include "dissectors/rdp_private_keys.h"

#include "base/log.h"
#include "dissectors/key_file.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_BITS 256
#define RECIPE "give xrdp's rsakeys.ini, or an RSA private key in PEM"

struct rdp_key {
    struct rdp_key *next;
    BIGNUM *modulus;
    BIGNUM *private_exponent;
};

struct rdp_private_keys {
    struct rdp_key *first; /* owned */
    size_t count;
};

/* ---- rsakeys.ini ---- */

static bool take_hex(const char **at, unsigned *byte)
{
    char *end;
    unsigned long value;

    if (strchr(" \t", **at) != NULL || **at == '-' || **at == '+' || **at == '\0')
        return false;
    value = strtoul(*at, &end, 16);
    if (end == *at || value > 0xff)
        return false;
    *byte = (unsigned)value;
    *at = end;
    return true;
}

/* 0x01,0x00,...: bytes in hexadecimal, the least significant first; NULL where it is anything else. */
static BIGNUM *read_list(const char *at)
{
    uint8_t bytes[2 * RDP_MODULUS_LIMIT];
    size_t length = 0;
    BIGNUM *number;

    for (;;) {
        unsigned byte;

        at += strspn(at, " \t");
        if (*at == '\0' && length > 0)
            break;
        if (length == sizeof bytes || !take_hex(&at, &byte))
            return NULL;
        bytes[length++] = (uint8_t)byte;
        at += strspn(at, " \t");
        if (*at == ',')
            at++;
        else if (*at != '\0')
            return NULL;
    }
    number = BN_lebin2bn(bytes, (int)length, NULL);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return number;
}

/* A line NAME=VALUE: the value, with the line's end cut off; NULL where it is another name's. */
static char *value_of(char *line, const char *name)
{
    size_t length = strlen(name);

    line += strspn(line, " \t");
    if (strncmp(line, name, length) != 0)
        return NULL;
    line += length;
    line += strspn(line, " \t");
    return *line == '=' ? line + 1 : NULL;
}

/* One line; false after an error was logged. */
static bool read_line(char *line, unsigned number, const char *path, struct rdp_key *key, BIGNUM **exponent)
{
    static const char *const names[] = {"pub_mod", "pri_exp", "pub_exp"};
    BIGNUM **const members[] = {&key->modulus, &key->private_exponent, exponent};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = value_of(line, names[i]);

        if (value == NULL || *members[i] != NULL)
            continue;
        *members[i] = read_list(value);
        if (*members[i] != NULL)
            return true;
        log_error("%s, line %u: %s is not a list of bytes as in 0x01,0x2f; --rdp-key: give the file as xrdp-keygen wrote it", path, number, names[i]);
        return false;
    }
    return true;
}

static bool read_ini(char *text, const char *path, struct rdp_key *key, BIGNUM **exponent)
{
    unsigned number = 1;
    char *rest = text;
    bool is_read = true;

    for (; is_read && rest != NULL; number++) {
        char *line = strsep(&rest, "\n");

        line[strcspn(line, "\r")] = '\0';
        is_read = read_line(line, number, path, key, exponent);
    }
    if (is_read && (key->modulus == NULL || key->private_exponent == NULL || *exponent == NULL)) {
        log_error("%s has no %s, and is not in PEM; --rdp-key: " RECIPE, path,
                  key->modulus == NULL            ? "pub_mod"
                  : key->private_exponent == NULL ? "pri_exp"
                                                  : "pub_exp");
        return false;
    }
    return is_read;
}

/* ---- PEM ---- */

static bool read_pem(const char *text, size_t length, const char *path, struct rdp_key *key, BIGNUM **exponent)
{
    EVP_PKEY *read = key_file_rsa(text, length, path, "--rdp-key: " RECIPE);
    bool is_read = read != NULL && EVP_PKEY_get_bn_param(read, OSSL_PKEY_PARAM_RSA_N, &key->modulus) == 1 &&
                   EVP_PKEY_get_bn_param(read, OSSL_PKEY_PARAM_RSA_D, &key->private_exponent) == 1 &&
                   EVP_PKEY_get_bn_param(read, OSSL_PKEY_PARAM_RSA_E, exponent) == 1;

    if (read != NULL && !is_read)
        log_error("the key in %s cannot be used; --rdp-key: " RECIPE, path);
    EVP_PKEY_free(read);
    ERR_clear_error();
    return is_read;
}

/* ---- keys ---- */

static void free_key(struct rdp_key *key)
{
    BN_free(key->modulus);
    BN_clear_free(key->private_exponent);
    free(key);
}

/* Whether what one half encrypts the other one decrypts. */
static bool halves_fit(const struct rdp_key *key, const BIGNUM *exponent)
{
    BN_CTX *context = BN_CTX_new();
    BIGNUM *number = BN_new();
    bool fits = context != NULL && number != NULL && BN_num_bits(key->modulus) >= LEAST_BITS && BN_is_odd(key->modulus) &&
                BN_set_word(number, 2) == 1 && BN_mod_exp(number, number, exponent, key->modulus, context) == 1 &&
                BN_mod_exp(number, number, key->private_exponent, key->modulus, context) == 1 && BN_is_word(number, 2);

    BN_free(number);
    BN_CTX_free(context);
    ERR_clear_error();
    return fits;
}

/* Reads the text, NUL-terminated and changed by it, into the key; false after an error was logged. */
static bool read_key(char *text, size_t length, const char *path, struct rdp_key *key)
{
    BIGNUM *exponent = NULL;
    bool is_read = strstr(text, "-----BEGIN ") != NULL ? read_pem(text, length, path, key, &exponent) : read_ini(text, path, key, &exponent);

    if (is_read && !halves_fit(key, exponent)) {
        log_error("the private and the public half of the key in %s do not belong together; --rdp-key: " RECIPE, path);
        is_read = false;
    }
    BN_free(exponent);
    return is_read;
}

bool rdp_private_keys_add_text(struct rdp_private_keys **keys, char *text, size_t length, const char *path)
{
    struct rdp_key *key = calloc(1, sizeof *key);

    if (*keys == NULL)
        *keys = calloc(1, sizeof **keys);
    if (key == NULL || *keys == NULL) {
        log_error("out of memory for the key %s", path);
        free(key);
        return false;
    }
    if (!read_key(text, length, path, key)) {
        free_key(key);
        return false;
    }
    key->next = (*keys)->first;
    (*keys)->first = key;
    (*keys)->count++;
    return true;
}

bool rdp_private_keys_add(struct rdp_private_keys **keys, const char *path)
{
    size_t length;
    char *text = key_file_read(path, "--rdp-key: " RECIPE, &length);
    bool is_added = text != NULL && rdp_private_keys_add_text(keys, text, length, path);

    key_file_free(text);
    return is_added;
}

void rdp_private_keys_free(struct rdp_private_keys *keys)
{
    while (keys != NULL && keys->first != NULL) {
        struct rdp_key *key = keys->first;

        keys->first = key->next;
        free_key(key);
    }
    free(keys);
}

size_t rdp_private_keys_count(const struct rdp_private_keys *keys)
{
    return keys != NULL ? keys->count : 0;
}

static const struct rdp_key *find_key(const struct rdp_private_keys *keys, const struct rdp_public_key *wanted)
{
    BIGNUM *modulus = wanted->modulus_length > 0 ? BN_lebin2bn(wanted->modulus, (int)wanted->modulus_length, NULL) : NULL;
    const struct rdp_key *key = modulus != NULL && keys != NULL ? keys->first : NULL;

    while (key != NULL && BN_cmp(key->modulus, modulus) != 0)
        key = key->next;
    BN_free(modulus);
    return key;
}

enum rdp_opening rdp_private_keys_open(const struct rdp_private_keys *keys, const struct rdp_public_key *wanted, struct bytes encrypted,
                                       uint8_t random[RDP_RANDOM_LENGTH])
{
    const struct rdp_key *key = find_key(keys, wanted);
    BN_CTX *context;
    BIGNUM *number;
    bool is_open;

    if (key == NULL)
        return RDP_KEY_ABSENT;
    if (encrypted.length > 2 * RDP_MODULUS_LIMIT)
        return RDP_KEY_REFUSED;
    context = BN_CTX_secure_new();
    number = BN_lebin2bn(encrypted.at, (int)encrypted.length, NULL);
    is_open = context != NULL && number != NULL && BN_cmp(number, key->modulus) < 0 &&
              BN_mod_exp(number, number, key->private_exponent, key->modulus, context) == 1 && BN_num_bits(number) <= 8 * RDP_RANDOM_LENGTH &&
              BN_bn2lebinpad(number, random, RDP_RANDOM_LENGTH) == RDP_RANDOM_LENGTH;
    BN_clear_free(number);
    BN_CTX_free(context);
    ERR_clear_error();
    return is_open ? RDP_KEY_FITS : RDP_KEY_REFUSED;
}

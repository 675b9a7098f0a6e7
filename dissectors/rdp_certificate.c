/*
 * rdp_certificate.c - the certificate in the server's security data: a proprietary one, [MS-RDPBCGR] 2.2.1.4.3.1.1, or
 * an X.509 chain, [MS-RDPELE] 2.2.1.4.2, whose last certificate is the server's own.
 *
 * Leaves out: the chain's other certificates, which are counted; whether a chain is to be trusted.
 */
#include "dissectors/certificate.h"
#include "dissectors/rdp_settings.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>

enum certificate_version { /* [MS-RDPBCGR] 2.2.1.4.3.1 */
                           CERTIFICATE_PROPRIETARY = 1,
                           CERTIFICATE_X509 = 2,
                           CERTIFICATE_IS_TEMPORARY = 0x80000000,
};

#define SIGNATURE_ALGORITHM_RSA 1
#define KEY_ALGORITHM_RSA 1
#define BLOB_RSA_KEY 6
#define BLOB_RSA_SIGNATURE 8
#define RSA_MAGIC 0x31415352 /* "RSA1" */
#define MD5_LENGTH 16

/* The public half of the key that every Terminal Server of Microsoft signs with: 5.3.3.1.1, least significant byte first. */
#define WELL_KNOWN_LENGTH 64
static const uint8_t well_known_modulus[WELL_KNOWN_LENGTH] = {
    0x3d, 0x3a, 0x5e, 0xbd, 0x72, 0x43, 0x3e, 0xc9, 0x4d, 0xbb, 0xc1, 0x1e, 0x4a, 0xba, 0x5f, 0xcb, 0x3e, 0x88, 0x20, 0x87, 0xef, 0xf5,
    0xc1, 0xe2, 0xd7, 0xb7, 0x6b, 0x9a, 0xf2, 0x52, 0x45, 0x95, 0xce, 0x63, 0x65, 0x6b, 0x58, 0x3a, 0xfe, 0xef, 0x7c, 0xe7, 0xbf, 0xfe,
    0x3d, 0xf6, 0x5c, 0x7d, 0x6c, 0x5e, 0x06, 0x09, 0x1a, 0xf5, 0x61, 0xbb, 0x20, 0x93, 0x09, 0x5f, 0x05, 0x6d, 0xea, 0x87};
#define WELL_KNOWN_EXPONENT 0xc0887b5b

static struct rdp_number known(uint32_t value)
{
    return (struct rdp_number){.value = value, .is_known = true};
}

/* ---- proprietary ---- */

/* Keeps a modulus that ends in zeros; false where it is too long. */
static bool keep_modulus(struct bytes modulus, uint32_t exponent, struct rdp_public_key *key)
{
    size_t length = modulus.length;

    while (length > 0 && modulus.at[length - 1] == 0)
        length--;
    if (length == 0 || length > sizeof key->modulus)
        return false;
    memcpy(key->modulus, modulus.at, length);
    key->modulus_length = length;
    key->exponent = exponent;
    return true;
}

/* RSA Public Key (2.2.1.4.3.1.1.1). */
static bool read_public_key(struct cursor blob, struct rdp_certificate *certificate)
{
    uint32_t magic = take_u32_le(&blob);
    uint32_t length = take_u32_le(&blob);
    uint32_t bits = take_u32_le(&blob);
    uint32_t exponent;

    skip_bytes(&blob, 4); /* the most bytes that it encodes */
    exponent = take_u32_le(&blob);
    if (!cursor_is_good(&blob) || magic != RSA_MAGIC || length != cursor_left(&blob) || bits > length * 8 || length > RDP_MODULUS_LIMIT + 8)
        return false;
    certificate->key_bits = known(bits);
    return keep_modulus(take_bytes(&blob, length), exponent, &certificate->key);
}

/* s^e mod n, least significant byte first, to exactly `length` bytes. */
static bool raise_to_well_known(struct bytes signature, uint8_t *opened, size_t length)
{
    BN_CTX *context = BN_CTX_new();
    BIGNUM *base = BN_lebin2bn(signature.at, (int)signature.length, NULL);
    BIGNUM *modulus = BN_lebin2bn(well_known_modulus, WELL_KNOWN_LENGTH, NULL);
    BIGNUM *exponent = BN_new();
    bool is_done = context != NULL && base != NULL && modulus != NULL && exponent != NULL && BN_set_word(exponent, WELL_KNOWN_EXPONENT) == 1 &&
                   BN_cmp(base, modulus) < 0 && BN_mod_exp(base, base, exponent, modulus, context) == 1 &&
                   BN_bn2lebinpad(base, opened, (int)length) == (int)length;

    BN_free(base);
    BN_free(modulus);
    BN_free(exponent);
    BN_CTX_free(context);
    ERR_clear_error();
    return is_done;
}

/* 5.3.3.1.3: MD5 of what is signed, a zero, 45 times 0xff, a one. */
static bool is_signature_good(struct bytes signed_part, struct bytes signature)
{
    uint8_t wanted[WELL_KNOWN_LENGTH];
    uint8_t opened[WELL_KNOWN_LENGTH];

    if (signature.length < WELL_KNOWN_LENGTH || signature.length > 2 * WELL_KNOWN_LENGTH)
        return false;
    if (EVP_Digest(signed_part.at, signed_part.length, wanted, NULL, EVP_md5(), NULL) != 1)
        return false;
    memset(wanted + MD5_LENGTH, 0xff, sizeof wanted - MD5_LENGTH);
    wanted[MD5_LENGTH] = 0;
    wanted[WELL_KNOWN_LENGTH - 2] = 1;
    wanted[WELL_KNOWN_LENGTH - 1] = 0;
    return raise_to_well_known(signature, opened, sizeof opened) && memcmp(wanted, opened, sizeof wanted) == 0;
}

/* Behind the version, which `signed_part` begins with. */
static bool read_proprietary(struct cursor *encoded, struct bytes signed_part, struct rdp_certificate *certificate)
{
    uint32_t signature_algorithm = take_u32_le(encoded);
    uint32_t key_algorithm = take_u32_le(encoded);
    uint16_t key_type = take_u16_le(encoded);
    struct cursor key = take_child(encoded, take_u16_le(encoded));
    uint16_t signature_type;
    struct bytes signature;

    if (!cursor_is_good(encoded) || signature_algorithm != SIGNATURE_ALGORITHM_RSA || key_algorithm != KEY_ALGORITHM_RSA ||
        key_type != BLOB_RSA_KEY || !read_public_key(key, certificate))
        return false;
    signed_part.length -= cursor_left(encoded);
    signature_type = take_u16_le(encoded);
    signature = take_bytes(encoded, take_u16_le(encoded));
    if (!cursor_is_good(encoded) || signature_type != BLOB_RSA_SIGNATURE)
        return false;
    certificate->is_well_signed = known(is_signature_good(signed_part, signature));
    return true;
}

/* ---- X.509 ---- */

/*
 * The bytes of an RSAPublicKey (RFC 8017, A.1.1) are read here and not by the library: Terminal Services' own certificates
 * name the key by an algorithm that it does not take for RSA's.
 */
static bool read_rsa_key(struct bytes encoded, struct rdp_certificate *certificate)
{
    const unsigned char *at = encoded.at;
    EVP_PKEY *key = d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, (long)encoded.length);
    BIGNUM *modulus = NULL;
    BIGNUM *exponent = NULL;
    uint8_t bytes[RDP_MODULUS_LIMIT];
    bool is_read = false;

    if (key != NULL && EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &modulus) == 1 &&
        EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1) {
        certificate->key_bits = known((uint32_t)BN_num_bits(modulus));
        is_read = BN_num_bits(exponent) <= 32 && BN_num_bytes(modulus) <= (int)sizeof bytes &&
                  BN_bn2lebinpad(modulus, bytes, sizeof bytes) == (int)sizeof bytes &&
                  keep_modulus(bytes_of(bytes, sizeof bytes), (uint32_t)BN_get_word(exponent), &certificate->key);
    }
    BN_free(modulus);
    BN_free(exponent);
    EVP_PKEY_free(key);
    return is_read;
}

bool rdp_read_x509(struct bytes encoded, struct rdp_certificate *certificate)
{
    struct certificate read = {
        .subject.limit = RDP_SUBJECT_LIMIT,
        .issuer.limit = RDP_SUBJECT_LIMIT,
        .serial.limit = RDP_SUBJECT_LIMIT,
        .key.limit = 2 * RDP_MODULUS_LIMIT,
    };

    if (!certificate_read(encoded, &read))
        return false;
    (void)read_rsa_key(text_bytes(&read.key), certificate);
    ERR_clear_error();
    text_free(&certificate->subject);
    text_free(&certificate->issuer);
    text_free(&certificate->serial);
    certificate->subject = read.subject; /* these texts move */
    certificate->issuer = read.issuer;
    certificate->serial = read.serial;
    text_free(&read.key);
    return true;
}

static bool read_chain(struct cursor *chain, struct rdp_certificate *certificate)
{
    uint32_t count = take_u32_le(chain);
    struct bytes last = {.at = NULL, .length = 0};

    if (!cursor_is_good(chain))
        return false;
    certificate->count = known(count);
    if (count > RDP_CHAIN_LIMIT)
        return false;
    for (; count > 0 && cursor_is_good(chain); count--)
        last = take_bytes(chain, take_u32_le(chain));
    return cursor_is_good(chain) && last.length > 0 && rdp_read_x509(last, certificate);
}

bool rdp_read_certificate(struct cursor *encoded, struct rdp_certificate *certificate)
{
    struct bytes all = peek_bytes(encoded);
    uint32_t version = take_u32_le(encoded);
    uint32_t kind = version & ~(uint32_t)CERTIFICATE_IS_TEMPORARY;

    if (!cursor_is_good(encoded) || (kind != CERTIFICATE_PROPRIETARY && kind != CERTIFICATE_X509))
        return false;
    certificate->version = known(kind);
    certificate->is_temporary = known(version != kind);
    if (kind == CERTIFICATE_X509)
        return read_chain(encoded, certificate);
    certificate->count = known(1);
    return read_proprietary(encoded, all, certificate);
}

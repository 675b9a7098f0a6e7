/*
 * certificate.c - see certificate.h
 */
#include "dissectors/certificate.h"

#include "base/address.h"
#include "dissectors/certificate_parts.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <time.h>

/* What stays as it is: letters beyond ASCII. */
#define NAME_FLAGS (XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB)
#define KEY_CERT_SIGN 5 /* bit of the key usage */
#define NAMES_MOST 1000 /* alternative names that are looked at */

static void append_name(const X509_NAME *name, struct text *shown_as)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *shown;

    if (out != NULL && X509_NAME_print_ex(out, name, 0, NAME_FLAGS) >= 0) {
        long length = BIO_get_mem_data(out, &shown);

        if (length > 0)
            text_append(shown_as, bytes_of(shown, (size_t)length));
    }
    BIO_free(out);
}

/* What would break the list is not among what a name may hold: such a one is left out. */
static void append_alternative(struct text *names, struct bytes name)
{
    for (size_t i = 0; i < name.length; i++) {
        if (name.at[i] <= ' ' || name.at[i] == ',' || name.at[i] == 127)
            return;
    }
    if (name.length > 0)
        text_append_item(names, ",", name);
}

static struct bytes string_of(const ASN1_STRING *string)
{
    return bytes_of(ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string));
}

static void append_address(struct text *names, struct bytes raw)
{
    char shown[ADDRESS_TEXT_SIZE];
    struct address address;

    if (raw.length != 4 && raw.length != 16)
        return;
    address = raw.length == 4 ? address_from_ipv4(raw.at) : address_from_ipv6(raw.at);
    address_to_text(&address, shown);
    append_alternative(names, bytes_of_text(shown));
}

static void append_names(const STACK_OF(X509_EXTENSION) *extensions, struct text *names)
{
    GENERAL_NAMES *list = X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);
    int count = list != NULL ? sk_GENERAL_NAME_num(list) : 0;

    for (int i = 0; i < count && i < NAMES_MOST; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(list, i);

        if (name->type == GEN_DNS || name->type == GEN_EMAIL || name->type == GEN_URI)
            append_alternative(names, string_of(name->d.ia5));
        else if (name->type == GEN_IPADD)
            append_address(names, string_of(name->d.iPAddress));
    }
    GENERAL_NAMES_free(list);
}

static void append_serial(const ASN1_INTEGER *integer, struct text *serial)
{
    BIGNUM *number = ASN1_INTEGER_to_BN(integer, NULL);
    char *shown = number != NULL ? BN_bn2hex(number) : NULL;

    if (shown != NULL)
        text_append_text(serial, shown);
    OPENSSL_free(shown);
    BN_free(number);
}

static bool time_of(const ASN1_TIME *from, int64_t *us)
{
    struct tm broken;
    time_t seconds;

    if (from == NULL || ASN1_TIME_to_tm(from, &broken) != 1)
        return false;
    seconds = timegm(&broken);
    *us = (int64_t)seconds * 1000000;
    return true;
}

static void read_key(const X509 *read, struct certificate *certificate)
{
    EVP_PKEY *key = X509_get0_pubkey(read);
    const char *type = key != NULL ? OBJ_nid2sn(EVP_PKEY_get_base_id(key)) : NULL;
    char group[64];
    size_t length = 0;

    if (key == NULL)
        return;
    certificate->key_bits = EVP_PKEY_get_bits(key);
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
        type = "RSA";
    else if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC)
        type = "EC";
    text_append_text(&certificate->key_type, type != NULL ? type : "");
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC && EVP_PKEY_get_group_name(key, group, sizeof group, &length) == 1)
        text_append_format(&certificate->key_type, " %s", group);
}

static void keep_key(const X509 *read, struct text *key)
{
    const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(read);

    if (bits != NULL && key->limit > 0)
        text_append(key, bytes_of(ASN1_STRING_get0_data(bits), (size_t)ASN1_STRING_length(bits)));
}

static void read_facts(X509 *read, struct certificate *certificate)
{
    append_name(X509_get_subject_name(read), &certificate->subject);
    append_name(X509_get_issuer_name(read), &certificate->issuer);
    append_names(X509_get0_extensions(read), &certificate->names);
    append_serial(X509_get0_serialNumber(read), &certificate->serial);
    read_key(read, certificate);
    keep_key(read, &certificate->key);
    text_append_text(&certificate->signature, OBJ_nid2sn(X509_get_signature_nid(read)));
    certificate->has_validity =
        time_of(X509_get0_notBefore(read), &certificate->not_before_us) && time_of(X509_get0_notAfter(read), &certificate->not_after_us);
    certificate->is_ca = X509_check_ca(read) == 1;
    certificate->is_self_signed = X509_self_signed(read, 1) == 1;
}

/* ---- part by part ---- */

/* The groups that nearly all keys are in (RFC 5480, 2.1.1.1), and the bits of their orders. */
static int bits_of_group(int group)
{
    switch (group) {
    case NID_X9_62_prime256v1:
    case NID_secp256k1:
        return 256;
    case NID_secp384r1:
        return 384;
    case NID_secp521r1:
        return 521;
    default:
        return 0;
    }
}

/* RFC 8017, A.1.1: SEQUENCE { modulus, publicExponent }. 0: it is none. */
static int bits_of_modulus(struct bytes key)
{
    const unsigned char *at = key.at;
    ASN1_SEQUENCE_ANY *parts = d2i_ASN1_SEQUENCE_ANY(NULL, &at, (long)key.length);
    const ASN1_TYPE *first = sk_ASN1_TYPE_num(parts) == 2 ? sk_ASN1_TYPE_value(parts, 0) : NULL;
    BIGNUM *modulus = first != NULL && first->type == V_ASN1_INTEGER ? ASN1_INTEGER_to_BN(first->value.integer, NULL) : NULL;
    int bits = modulus != NULL ? BN_num_bits(modulus) : 0;

    BN_free(modulus);
    sk_ASN1_TYPE_pop_free(parts, ASN1_TYPE_free);
    return bits;
}

/* An element of a certificate as libcrypto reads it. */
#define READ_PART(type, part) d2i_##type(NULL, &(const unsigned char *){(part).at}, (long)(part).length)

struct pieces {
    X509_NAME *subject;
    X509_NAME *issuer;
    X509_ALGOR *key_algorithm;
    X509_ALGOR *signature_algorithm;
    ASN1_BIT_STRING *key;
    ASN1_INTEGER *serial;
    ASN1_TIME *not_before;
    ASN1_TIME *not_after;
    STACK_OF(X509_EXTENSION) *extensions;
};

static void read_pieces(const struct certificate_parts *parts, struct pieces *pieces)
{
    *pieces = (struct pieces){
        .subject = READ_PART(X509_NAME, parts->subject),
        .issuer = READ_PART(X509_NAME, parts->issuer),
        .key_algorithm = READ_PART(X509_ALGOR, parts->key_algorithm),
        .signature_algorithm = READ_PART(X509_ALGOR, parts->signature_algorithm),
        .key = READ_PART(ASN1_BIT_STRING, parts->key),
        .serial = READ_PART(ASN1_INTEGER, parts->serial),
        .not_before = READ_PART(ASN1_TIME, parts->not_before),
        .not_after = READ_PART(ASN1_TIME, parts->not_after),
        .extensions = parts->extensions.length > 0 ? READ_PART(X509_EXTENSIONS, parts->extensions) : NULL,
    };
}

static void free_pieces(struct pieces *pieces)
{
    X509_NAME_free(pieces->subject);
    X509_NAME_free(pieces->issuer);
    X509_ALGOR_free(pieces->key_algorithm);
    X509_ALGOR_free(pieces->signature_algorithm);
    ASN1_BIT_STRING_free(pieces->key);
    ASN1_INTEGER_free(pieces->serial);
    ASN1_TIME_free(pieces->not_before);
    ASN1_TIME_free(pieces->not_after);
    sk_X509_EXTENSION_pop_free(pieces->extensions, X509_EXTENSION_free);
}

static bool are_readable(const struct pieces *pieces, bool has_extensions)
{
    return pieces->subject != NULL && pieces->issuer != NULL && pieces->key_algorithm != NULL && pieces->signature_algorithm != NULL && pieces->key != NULL &&
           pieces->serial != NULL && pieces->not_before != NULL && pieces->not_after != NULL && (!has_extensions || pieces->extensions != NULL);
}

/* Of the kinds that nearly all certificates have; false: another one. */
static bool read_common_key(const struct pieces *pieces, struct certificate *certificate)
{
    const ASN1_OBJECT *algorithm;
    const void *parameter = NULL;
    int kind = 0;

    X509_ALGOR_get0(&algorithm, &kind, &parameter, pieces->key_algorithm);
    if (OBJ_obj2nid(algorithm) == NID_rsaEncryption) {
        certificate->key_bits = bits_of_modulus(string_of(pieces->key));
        text_append_text(&certificate->key_type, certificate->key_bits > 0 ? "RSA" : "");
    } else if (OBJ_obj2nid(algorithm) == NID_X9_62_id_ecPublicKey && kind == V_ASN1_OBJECT) {
        certificate->key_bits = bits_of_group(OBJ_obj2nid(parameter));
        if (certificate->key_bits > 0)
            text_append_format(&certificate->key_type, "EC %s", OBJ_nid2sn(OBJ_obj2nid(parameter)));
    }
    return certificate->key_bits > 0;
}

/* RFC 5280, 4.2.1.9 and 4.2.1.3: its basic constraints say so, and its key usage, where there is one, does not speak against it. */
static bool may_issue(const STACK_OF(X509_EXTENSION) *extensions)
{
    BASIC_CONSTRAINTS *constraints = X509V3_get_d2i(extensions, NID_basic_constraints, NULL, NULL);
    ASN1_BIT_STRING *usage = X509V3_get_d2i(extensions, NID_key_usage, NULL, NULL);
    bool is_ca = constraints != NULL && constraints->ca != 0 && (usage == NULL || ASN1_BIT_STRING_get_bit(usage, KEY_CERT_SIGN) == 1);

    BASIC_CONSTRAINTS_free(constraints);
    ASN1_BIT_STRING_free(usage);
    return is_ca;
}

/* Whether its own key signed it; it takes most of a millisecond. */
static bool verify(struct bytes encoded)
{
    const unsigned char *at = encoded.at;
    X509 *read = d2i_X509(NULL, &at, (long)encoded.length);
    bool is_self_signed = read != NULL && X509_self_signed(read, 1) == 1;

    X509_free(read);
    return is_self_signed;
}

/* False: it is for libcrypto to read as a whole, and nothing of it was taken. */
static bool read_by_parts(struct bytes encoded, struct certificate *certificate)
{
    struct certificate_parts parts;
    struct pieces pieces;
    const ASN1_OBJECT *algorithm;
    bool is_read;

    if (!certificate_parts_find(encoded, &parts))
        return false;
    read_pieces(&parts, &pieces);
    is_read = are_readable(&pieces, parts.extensions.length > 0) && read_common_key(&pieces, certificate);
    if (is_read) {
        append_name(pieces.subject, &certificate->subject);
        append_name(pieces.issuer, &certificate->issuer);
        append_names(pieces.extensions, &certificate->names);
        append_serial(pieces.serial, &certificate->serial);
        if (certificate->key.limit > 0)
            text_append(&certificate->key, string_of(pieces.key));
        X509_ALGOR_get0(&algorithm, NULL, NULL, pieces.signature_algorithm);
        text_append_text(&certificate->signature, OBJ_nid2sn(OBJ_obj2nid(algorithm)));
        certificate->has_validity = time_of(pieces.not_before, &certificate->not_before_us) && time_of(pieces.not_after, &certificate->not_after_us);
        certificate->is_ca = may_issue(pieces.extensions);
        certificate->is_self_signed = X509_NAME_cmp(pieces.subject, pieces.issuer) == 0 && verify(encoded);
    }
    free_pieces(&pieces);
    return is_read;
}

static bool read_whole(struct bytes encoded, struct certificate *certificate)
{
    const unsigned char *at = encoded.at;
    X509 *read = encoded.length > 0 ? d2i_X509(NULL, &at, (long)encoded.length) : NULL;

    if (read != NULL)
        read_facts(read, certificate);
    X509_free(read);
    return read != NULL;
}

struct certificate certificate_empty(void)
{
    return (struct certificate){
        .subject.limit = CERTIFICATE_NAME_LIMIT,
        .issuer.limit = CERTIFICATE_NAME_LIMIT,
        .names.limit = CERTIFICATE_NAMES_LIMIT,
        .serial.limit = CERTIFICATE_NAME_LIMIT,
        .key_type.limit = CERTIFICATE_NAME_LIMIT,
        .signature.limit = CERTIFICATE_NAME_LIMIT,
    };
}

bool certificate_read(struct bytes encoded, struct certificate *certificate)
{
    struct digest digest;
    bool is_read;

    digest_begin(&digest, DIGEST_SHA256);
    digest_add(&digest, encoded);
    certificate->has_sha256 = digest_end_hex(&digest, certificate->sha256);
    is_read = read_by_parts(encoded, certificate) || read_whole(encoded, certificate);
    ERR_clear_error();
    return is_read;
}

static void copy_text(const struct text *from, struct text *to)
{
    text_append(to, text_bytes(from));
    to->was_cut = from->was_cut;
}

void certificate_copy(const struct certificate *from, struct certificate *to)
{
    struct certificate texts = *to;

    *to = *from;
    to->subject = texts.subject;
    to->issuer = texts.issuer;
    to->names = texts.names;
    to->serial = texts.serial;
    to->key_type = texts.key_type;
    to->signature = texts.signature;
    to->key = texts.key;
    copy_text(&from->subject, &to->subject);
    copy_text(&from->issuer, &to->issuer);
    copy_text(&from->names, &to->names);
    copy_text(&from->serial, &to->serial);
    copy_text(&from->key_type, &to->key_type);
    copy_text(&from->signature, &to->signature);
    copy_text(&from->key, &to->key);
}

void certificate_free(struct certificate *certificate)
{
    text_free(&certificate->subject);
    text_free(&certificate->issuer);
    text_free(&certificate->names);
    text_free(&certificate->serial);
    text_free(&certificate->key_type);
    text_free(&certificate->signature);
    text_free(&certificate->key);
}

/* ---- whose it is ---- */

static uint8_t lower(uint8_t letter)
{
    return letter >= 'A' && letter <= 'Z' ? (uint8_t)(letter | 0x20) : letter;
}

static bool is_same_host(struct bytes a, struct bytes b)
{
    for (size_t i = 0; i < a.length && a.length == b.length; i++) {
        if (lower(a.at[i]) != lower(b.at[i]))
            return false;
    }
    return a.length == b.length && a.length > 0;
}

/* "*.example.test" is for hosts of one label more. */
static bool name_is_for(struct bytes name, struct bytes host)
{
    struct bytes name_rest;
    struct bytes host_rest;

    if (!bytes_equal(bytes_split(name, '.', &name_rest), bytes_of_text("*")))
        return is_same_host(name, host);
    return bytes_split(host, '.', &host_rest).length > 0 && host_rest.length > 0 && is_same_host(name_rest, host_rest);
}

/* The CN among the parts of a subject. */
static struct bytes common_name(struct bytes subject)
{
    while (subject.length > 0) {
        struct bytes part = bytes_trim(bytes_split(subject, ',', &subject));

        if (bytes_begin_nocase(part, "CN="))
            return bytes_of(part.at + 3, part.length - 3);
    }
    return bytes_of(NULL, 0);
}

bool certificate_is_for(const struct certificate *certificate, struct bytes host)
{
    struct bytes names = text_bytes(&certificate->names);

    if (names.length == 0)
        return name_is_for(common_name(text_bytes(&certificate->subject)), host);
    while (names.length > 0) {
        if (name_is_for(bytes_split(names, ',', &names), host))
            return true;
    }
    return certificate->names.was_cut;
}

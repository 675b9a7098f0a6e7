/*
 * certificate.c - see certificate.h
 */
#include "dissectors/certificate.h"

#include "base/address.h"

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

static void append_names(const X509 *read, struct text *names)
{
    GENERAL_NAMES *list = X509_get_ext_d2i(read, NID_subject_alt_name, NULL, NULL);
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

static void append_serial(const X509 *read, struct text *serial)
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(read), NULL);
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
    append_names(read, &certificate->names);
    append_serial(read, &certificate->serial);
    read_key(read, certificate);
    keep_key(read, &certificate->key);
    text_append_text(&certificate->signature, OBJ_nid2sn(X509_get_signature_nid(read)));
    certificate->has_validity =
        time_of(X509_get0_notBefore(read), &certificate->not_before_us) && time_of(X509_get0_notAfter(read), &certificate->not_after_us);
    certificate->is_ca = X509_check_ca(read) == 1;
    certificate->is_self_signed = X509_self_signed(read, 1) == 1;
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
    const unsigned char *at = encoded.at;
    X509 *read = encoded.length > 0 ? d2i_X509(NULL, &at, (long)encoded.length) : NULL;
    struct digest digest;

    if (read != NULL) {
        read_facts(read, certificate);
        digest_begin(&digest, DIGEST_SHA256);
        digest_add(&digest, encoded);
        certificate->has_sha256 = digest_end_hex(&digest, certificate->sha256);
    }
    X509_free(read);
    ERR_clear_error();
    return read != NULL;
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

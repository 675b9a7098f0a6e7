/* test_certificate.c - dissectors/certificate.c, certificate_parts.c and known_certificates.c: what certificates say, however they are read. */
#include "base/memory.h"
#include "dissectors/certificate_parts.h"
#include "dissectors/known_certificates.h"
#include "tests/unit/check.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <stdlib.h>
#include <string.h>

struct encoded {
    uint8_t *at;
    struct bytes bytes;
};

static void add_extension(X509 *certificate, int kind, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;

    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

static void name(X509_NAME *to, const char *common_name)
{
    X509_NAME_add_entry_by_txt(to, "O", MBSTRING_UTF8, (const uint8_t *)"B\xc3\xa4ume, gr\xc3\xbcn", -1, -1, 0);
    X509_NAME_add_entry_by_txt(to, "CN", MBSTRING_UTF8, (const uint8_t *)common_name, -1, -1, 0);
}

/* `issuer`: NULL for its own name. */
static struct encoded make(EVP_PKEY *key, EVP_PKEY *signer, const char *issuer, const char *constraints, const char *usage)
{
    X509 *certificate = X509_new();
    struct encoded made = {NULL, {NULL, 0}};
    int length;

    X509_set_version(certificate, 2);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), 0x0080ff00aa55cc33);
    X509_time_adj_ex(X509_getm_notBefore(certificate), 0, 0, &(time_t){1700000000});
    X509_time_adj_ex(X509_getm_notAfter(certificate), 0, 0, &(time_t){2600000000}); /* a GeneralizedTime */
    X509_set_pubkey(certificate, key);
    name(X509_get_subject_name(certificate), "host.example.test");
    name(X509_get_issuer_name(certificate), issuer != NULL ? issuer : "host.example.test");
    if (constraints != NULL)
        add_extension(certificate, NID_basic_constraints, constraints);
    if (usage != NULL)
        add_extension(certificate, NID_key_usage, usage);
    add_extension(certificate, NID_subject_alt_name, "DNS:host.example.test,IP:10.1.2.3,IP:2001:db8::1,email:a@example.test,URI:http://example.test/");
    X509_sign(certificate, signer, EVP_PKEY_get_base_id(signer) == EVP_PKEY_ED25519 ? NULL : EVP_sha384());
    length = i2d_X509(certificate, &made.at);
    made.bytes = bytes_of(made.at, (size_t)length);
    X509_free(certificate);
    return made;
}

struct wanted {
    const char *key_type;
    int key_bits;
    const char *signature;
    bool is_ca;
    bool is_self_signed;
};

static void check_certificate(const struct certificate *read, bool is_own_issuer, const struct wanted *wanted)
{
    CHECK_TEXT(read->subject.at, "CN=host.example.test,O=B\xc3\xa4ume\\, gr\xc3\xbcn");
    CHECK_TEXT(read->issuer.at, is_own_issuer ? "CN=host.example.test,O=B\xc3\xa4ume\\, gr\xc3\xbcn" : "CN=authority,O=B\xc3\xa4ume\\, gr\xc3\xbcn");
    CHECK_TEXT(read->names.at, "host.example.test,10.1.2.3,2001:db8::1,a@example.test,http://example.test/");
    CHECK_TEXT(read->serial.at, "80FF00AA55CC33");
    CHECK_TEXT(read->key_type.at, wanted->key_type);
    CHECK_TEXT(read->signature.at, wanted->signature);
    CHECK(read->key_bits == wanted->key_bits);
    CHECK(read->has_validity && read->not_before_us == 1700000000000000 && read->not_after_us == 2600000000000000);
    CHECK(read->is_ca == wanted->is_ca && read->is_self_signed == wanted->is_self_signed);
    CHECK(read->has_sha256 && strlen(read->sha256) == 64);
}

/* Read twice, the second time as one that is known. */
static void check_made(struct encoded made, bool is_own_issuer, struct wanted wanted)
{
    struct known_certificates *known = known_certificates_new();

    for (int times = 0; times < 2; times++) {
        struct certificate read = certificate_empty();

        CHECK(known_certificates_read(known, made.bytes, &read));
        check_certificate(&read, is_own_issuer, &wanted);
        certificate_free(&read);
    }
    known_certificates_free(known);
    OPENSSL_free(made.at);
}

UNIT_TEST(certificate_of_each_kind_of_key)
{
    EVP_PKEY *rsa = EVP_RSA_gen(2048);
    EVP_PKEY *small = EVP_EC_gen("P-256");
    EVP_PKEY *middle = EVP_EC_gen("P-384");
    EVP_PKEY *large = EVP_EC_gen("P-521");
    EVP_PKEY *rare = EVP_EC_gen("brainpoolP256r1");
    EVP_PKEY *edwards = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

    check_made(make(rsa, small, "authority", NULL, NULL), false, (struct wanted){"RSA", 2048, "ecdsa-with-SHA384", false, false});
    check_made(make(small, rsa, "authority", NULL, NULL), false, (struct wanted){"EC prime256v1", 256, "RSA-SHA384", false, false});
    check_made(make(middle, rsa, "authority", NULL, NULL), false, (struct wanted){"EC secp384r1", 384, "RSA-SHA384", false, false});
    check_made(make(large, rsa, "authority", NULL, NULL), false, (struct wanted){"EC secp521r1", 521, "RSA-SHA384", false, false});
    check_made(make(rare, rsa, "authority", NULL, NULL), false, (struct wanted){"EC brainpoolP256r1", 256, "RSA-SHA384", false, false});
    check_made(make(edwards, edwards, "authority", NULL, NULL), false, (struct wanted){"ED25519", 256, "ED25519", false, false});
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(small);
    EVP_PKEY_free(middle);
    EVP_PKEY_free(large);
    EVP_PKEY_free(rare);
    EVP_PKEY_free(edwards);
}

UNIT_TEST(certificate_that_may_issue_or_signs_itself)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    EVP_PKEY *other = EVP_EC_gen("P-256");
    struct wanted wanted = {"EC prime256v1", 256, "ecdsa-with-SHA384", true, false};

    check_made(make(key, other, "authority", "critical,CA:TRUE", NULL), false, wanted);
    check_made(make(key, other, "authority", "critical,CA:TRUE", "keyCertSign,cRLSign"), false, wanted);
    wanted.is_self_signed = true;
    check_made(make(key, key, NULL, "critical,CA:TRUE", NULL), true, wanted);
    wanted.is_self_signed = false;
    check_made(make(key, other, NULL, "critical,CA:TRUE", NULL), true, wanted); /* its own name, another one's signature */
    wanted.is_ca = false;
    check_made(make(key, other, "authority", "CA:FALSE", NULL), false, wanted);
    check_made(make(key, other, "authority", "CA:TRUE", "digitalSignature"), false, wanted);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

UNIT_TEST(certificate_cut_or_altered)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    struct encoded made = make(key, key, "authority", "CA:TRUE", "keyCertSign");
    struct certificate_parts parts;

    CHECK(certificate_parts_find(made.bytes, &parts));
    for (size_t length = 0; length < made.bytes.length; length++) {
        struct certificate read = certificate_empty();
        uint8_t *cut = malloc(length + 1); /* of its own, so that a read behind its end is seen */

        memcpy(cut, made.at, length);
        CHECK(!certificate_read(bytes_of(cut, length), &read));
        certificate_free(&read);
        free(cut);
    }
    for (size_t at = 0; at < made.bytes.length; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            struct certificate read = certificate_empty();

            made.at[at] ^= (uint8_t)(1U << bit);
            (void)certificate_read(made.bytes, &read); /* whatever it says: it must not crash */
            certificate_free(&read);
            made.at[at] ^= (uint8_t)(1U << bit);
        }
    }
    OPENSSL_free(made.at);
    EVP_PKEY_free(key);
}

UNIT_TEST(certificate_known_to_no_worker_or_with_its_key)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    struct encoded made = make(key, key, "authority", NULL, NULL);
    struct known_certificates *known = known_certificates_new();
    struct certificate read = certificate_empty();

    CHECK(known_certificates_read(NULL, made.bytes, &read));
    certificate_free(&read);
    for (int times = 0; times < 2; times++) {
        read = certificate_empty();
        read.key.limit = times == 0 ? 0 : 1000;
        CHECK(known_certificates_read(known, made.bytes, &read) && read.key.length == (times == 0 ? 0 : 65));
        certificate_free(&read);
    }
    known_certificates_free(known);
    OPENSSL_free(made.at);
    EVP_PKEY_free(key);
}

/* More than there are places for: the first is forgotten, and read again. */
UNIT_TEST(certificates_more_than_are_kept)
{
    enum { MADE = 2 * KNOWN_CERTIFICATES_ROWS * KNOWN_CERTIFICATES_A_ROW };
    EVP_PKEY *key = EVP_EC_gen("P-256");
    struct known_certificates *known = known_certificates_new();
    struct encoded first = make(key, key, "authority", NULL, NULL);
    size_t most = 0;
    struct certificate read;

    for (unsigned number = 0; number < MADE; number++) {
        struct encoded made = make(key, key, "authority", NULL, NULL); /* ECDSA: each signature is another one */

        read = certificate_empty();
        CHECK(known_certificates_read(known, made.bytes, &read));
        certificate_free(&read);
        OPENSSL_free(made.at);
        if (memory_in_use() > most)
            most = memory_in_use();
    }
    CHECK(most < (size_t)KNOWN_CERTIFICATES_ROWS * KNOWN_CERTIFICATES_A_ROW * 4096);
    read = certificate_empty();
    CHECK(known_certificates_read(known, first.bytes, &read));
    CHECK_TEXT(read.issuer.at, "CN=authority,O=B\xc3\xa4ume\\, gr\xc3\xbcn");
    certificate_free(&read);
    known_certificates_free(known);
    OPENSSL_free(first.at);
    EVP_PKEY_free(key);
}

/*
 * test_tls_unlock.c - dissectors/tls_unlock.c: real sessions of OpenSSL's libssl, client and server in one process, opened with the secrets that
 * it logs. The plaintext is a dialogue of SMTP: its rows are those of the same dialogue in the clear.
 */
#include "base/text.h"
#include "dissectors/tls_rsa_keys.h"
#include "dissectors/tls_secrets.h"
#include "tests/unit/check.h"
#include "tests/unit/dialogue.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <stdio.h>
#include <stdlib.h>

#define STEPS_LIMIT 64
#define LINES_LIMIT 16
#define SMTPS 465

/* What both sides sent, and the secrets that opened it. */
struct recording {
    struct step steps[STEPS_LIMIT];
    size_t count;
    struct tls_secrets *secrets;
    char lines[LINES_LIMIT][512]; /* the same, as they were logged */
    size_t line_count;
};

static struct recording *recording; /* where the key log of libssl goes */
static bool keeps_master = true;    /* and whether the lines of master secrets, too */

/* What a session is made of. */
struct recipe {
    int version;
    const char *ciphers;  /* up to TLS 1.2 */
    const char *suites;   /* TLS 1.3 */
    uint64_t options;
    bool updates_keys;    /* TLS 1.3: both sides, in the middle */
    bool renegotiates;    /* TLS 1.2, in the middle */
    bool logs_premaster;  /* of an RSA key exchange, the premaster secret alone is kept, by what the client encrypted */
    size_t mail;          /* bytes of text that the client sends besides */
    const char *group;    /* of the server: another than the client's first makes a HelloRetryRequest */
};

static void on_key_line(const SSL *ssl, const char *line)
{
    (void)ssl;
    if (!keeps_master && strncmp(line, "CLIENT_RANDOM ", strlen("CLIENT_RANDOM ")) == 0)
        return;
    CHECK(tls_secrets_add(recording->secrets, bytes_of_text(line)) <= TLS_LINE_PASSED);
    if (CHECK(recording->line_count < LINES_LIMIT))
        (void)snprintf(recording->lines[recording->line_count++], sizeof recording->lines[0], "%s", line);
}

/* Of all servers with RSA, for all tests. */
static EVP_PKEY *rsa_identity;

/* A key and a certificate signed with it, once for all tests: RSA, or a curve. */
static void make_identity(SSL_CTX *context, bool is_rsa)
{
    static EVP_PKEY *keys[2];
    X509 *certificate = X509_new();
    X509_NAME *name;

    if (keys[is_rsa] == NULL)
        keys[is_rsa] = is_rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    rsa_identity = keys[1];
    name = X509_get_subject_name(certificate);
    CHECK(X509_set_version(certificate, 2) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(certificate), 77) == 1);
    CHECK(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"mail.example.test", -1, -1, 0) == 1);
    CHECK(X509_set_issuer_name(certificate, name) == 1);
    CHECK(ASN1_TIME_set(X509_getm_notBefore(certificate), 0) != NULL && ASN1_TIME_set(X509_getm_notAfter(certificate), 86400) != NULL);
    CHECK(X509_set_pubkey(certificate, keys[is_rsa]) == 1 && X509_sign(certificate, keys[is_rsa], EVP_sha256()) > 0);
    CHECK(SSL_CTX_use_certificate(context, certificate) == 1 && SSL_CTX_use_PrivateKey(context, keys[is_rsa]) == 1);
    X509_free(certificate);
}

static SSL *make_side(const struct recipe *recipe, enum side side)
{
    SSL_CTX *context = SSL_CTX_new(side == FROM_CLIENT ? TLS_client_method() : TLS_server_method());
    SSL *ssl;

    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, recipe->version);
    SSL_CTX_set_max_proto_version(context, recipe->version);
    SSL_CTX_set_options(context, recipe->options | SSL_OP_NO_TICKET | SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
    SSL_CTX_set_dh_auto(context, 1);
    if (recipe->ciphers != NULL)
        CHECK(SSL_CTX_set_cipher_list(context, recipe->ciphers) == 1);
    if (recipe->suites != NULL)
        CHECK(SSL_CTX_set_ciphersuites(context, recipe->suites) == 1);
    if (side == FROM_SERVER) {
        make_identity(context, recipe->ciphers == NULL || strstr(recipe->ciphers, "ECDSA") == NULL);
        if (recipe->group != NULL)
            CHECK(SSL_CTX_set1_groups_list(context, recipe->group) == 1);
    } else {
        SSL_CTX_set_keylog_callback(context, on_key_line);
    }
    ssl = SSL_new(context);
    SSL_CTX_free(context);
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    if (side == FROM_CLIENT) {
        SSL_set_connect_state(ssl);
        CHECK(SSL_set_tlsext_host_name(ssl, "mail.example.test") == 1);
    } else {
        SSL_set_accept_state(ssl);
    }
    return ssl;
}

/* What the side has written goes to the other one, and into the recording. */
static void carry(SSL *sides[SIDE_COUNT], enum side from)
{
    char *written;
    long length = BIO_get_mem_data(SSL_get_wbio(sides[from]), &written);
    uint8_t *copy;

    if (length <= 0 || !CHECK(recording->count < STEPS_LIMIT))
        return;
    copy = malloc((size_t)length);
    memcpy(copy, written, (size_t)length);
    CHECK(BIO_write(SSL_get_rbio(sides[side_other(from)]), copy, (int)length) == length);
    (void)BIO_reset(SSL_get_wbio(sides[from]));
    recording->steps[recording->count++] = SAYS_BYTES(from, copy, (size_t)length);
}

static void shake_hands(SSL *sides[SIDE_COUNT])
{
    for (int round = 0; round < 12; round++) {
        (void)SSL_do_handshake(sides[FROM_CLIENT]);
        carry(sides, FROM_CLIENT);
        (void)SSL_do_handshake(sides[FROM_SERVER]);
        carry(sides, FROM_SERVER);
    }
    CHECK(SSL_is_init_finished(sides[FROM_CLIENT]) && SSL_is_init_finished(sides[FROM_SERVER]));
}

static void say(SSL *sides[SIDE_COUNT], enum side from, const char *text)
{
    char heard[4096];

    CHECK(SSL_write(sides[from], text, (int)strlen(text)) == (int)strlen(text));
    carry(sides, from);
    CHECK(SSL_read(sides[side_other(from)], heard, sizeof heard) == (int)strlen(text));
    carry(sides, side_other(from));
}

/* Many records in one step. */
static void say_much(SSL *sides[SIDE_COUNT], size_t length)
{
    char *text = malloc(length);
    size_t heard = 0;
    int count;

    memset(text, 'a', length);
    for (size_t at = 78; at + 2 < length; at += 80)
        memcpy(text + at, "\r\n", 2);
    CHECK(SSL_write(sides[FROM_CLIENT], text, (int)length) == (int)length);
    carry(sides, FROM_CLIENT);
    while ((count = SSL_read(sides[FROM_SERVER], text, (int)length)) > 0)
        heard += (size_t)count;
    CHECK(heard == length);
    free(text);
}

static void hang_up(SSL *sides[SIDE_COUNT])
{
    (void)SSL_shutdown(sides[FROM_CLIENT]);
    carry(sides, FROM_CLIENT);
    (void)SSL_shutdown(sides[FROM_SERVER]);
    carry(sides, FROM_SERVER);
}

static void record(const struct recipe *recipe, struct recording *into)
{
    SSL *sides[SIDE_COUNT];

    *into = (struct recording){.secrets = tls_secrets_new()};
    recording = into;
    keeps_master = !recipe->logs_premaster;
    sides[FROM_CLIENT] = make_side(recipe, FROM_CLIENT);
    sides[FROM_SERVER] = make_side(recipe, FROM_SERVER);
    shake_hands(sides);
    say(sides, FROM_SERVER, "220 mail.example.test ESMTP\r\n");
    say(sides, FROM_CLIENT, "EHLO client.example.test\r\n");
    if (recipe->updates_keys) {
        CHECK(SSL_key_update(sides[FROM_CLIENT], SSL_KEY_UPDATE_REQUESTED) == 1);
        (void)SSL_do_handshake(sides[FROM_CLIENT]);
        carry(sides, FROM_CLIENT);
    }
    if (recipe->renegotiates) {
        CHECK(SSL_renegotiate(sides[FROM_CLIENT]) == 1);
        for (int round = 0; round < 6; round++) {
            char nothing[1];

            (void)SSL_do_handshake(sides[FROM_CLIENT]);
            carry(sides, FROM_CLIENT);
            (void)SSL_read(sides[FROM_SERVER], nothing, sizeof nothing);
            carry(sides, FROM_SERVER);
        }
    }
    say(sides, FROM_SERVER, "250-mail.example.test\r\n250 SIZE 1000\r\n");
    say(sides, FROM_CLIENT, "MAIL FROM:<a@example.test>\r\n");
    say(sides, FROM_SERVER, "250 Ok\r\n");
    if (recipe->mail > 0)
        say_much(sides, recipe->mail);
    say(sides, FROM_CLIENT, "QUIT\r\n");
    say(sides, FROM_SERVER, "221 Bye\r\n");
    hang_up(sides);
    SSL_free(sides[FROM_CLIENT]);
    SSL_free(sides[FROM_SERVER]);
}

static void forget(struct recording *recorded)
{
    for (size_t i = 0; i < recorded->count; i++)
        free((void *)(uintptr_t)recorded->steps[i].says.at);
    tls_secrets_free(recorded->secrets);
}

static void play(const struct recording *recorded, bool with_keys)
{
    dialogue_play(&(struct dialogue){
        .server_port = SMTPS,
        .steps = recorded->steps,
        .count = recorded->count,
        .recording.tls_secrets = with_keys ? recorded->secrets : NULL,
    });
}

#define TLS(COLUMN) dialogue_value("tls_session", 0, COLUMN)
#define SMTP(COLUMN) dialogue_value("smtp_session", 0, COLUMN)

static void check_opened(const char *cipher)
{
    CHECK_TEXT(TLS("cipher"), cipher);
    CHECK_TEXT(TLS("decrypted"), "1");
    CHECK_TEXT(TLS("established"), "1");
    CHECK_TEXT(TLS("inner_protocol"), "smtp");
    CHECK_TEXT(TLS("server_name"), "mail.example.test");
    CHECK_TEXT(TLS("certificate_subject"), "CN=mail.example.test");
    CHECK_TEXT(TLS("certificate_not_after_us"), "86400000000");
    CHECK_TEXT(SMTP("encrypted"), "1");
    CHECK_TEXT(SMTP("banner"), "mail.example.test ESMTP");
    CHECK_TEXT(SMTP("helo"), "client.example.test");
    CHECK_TEXT(SMTP("last_reply"), "221 Bye");
    CHECK_TEXT(dialogue_protocol(), "smtp");
    CHECK(dialogue_rows("certificate") >= 1);
}

static void check_recipe(struct recipe recipe, const char *cipher)
{
    struct recording recorded;

    record(&recipe, &recorded);
    play(&recorded, true);
    check_opened(cipher);
    forget(&recorded);
}

UNIT_TEST(tls_opens_every_kind_of_cipher_suite)
{
    static const struct {
        int version;
        const char *ciphers;
        const char *suites;
        const char *name;
    } kinds[] = {
        {TLS1_3_VERSION, NULL, "TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"},
        {TLS1_3_VERSION, NULL, "TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"},
        {TLS1_3_VERSION, NULL, "TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256"},
        {TLS1_3_VERSION, NULL, "TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_SHA256"},
        {TLS1_3_VERSION, NULL, "TLS_AES_128_CCM_8_SHA256", "TLS_AES_128_CCM_8_SHA256"},
        {TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", NULL, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
        {TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384", NULL, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"},
        {TLS1_2_VERSION, "ECDHE-RSA-CHACHA20-POLY1305", NULL, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"},
        {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-CCM", NULL, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM"},
        {TLS1_2_VERSION, "ECDHE-ECDSA-AES256-CCM8", NULL, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8"},
        {TLS1_2_VERSION, "DHE-RSA-AES256-SHA256", NULL, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256"},
        {TLS1_2_VERSION, "ECDHE-RSA-AES256-SHA384", NULL, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"},
        {TLS1_2_VERSION, "ECDHE-RSA-CAMELLIA128-SHA256", NULL, "TLS_ECDHE_RSA_WITH_CAMELLIA_128_CBC_SHA256"},
        {TLS1_2_VERSION, "ECDHE-ARIA256-GCM-SHA384", NULL, "TLS_ECDHE_RSA_WITH_ARIA_256_GCM_SHA384"},
        {TLS1_2_VERSION, "AES128-SHA", NULL, "TLS_RSA_WITH_AES_128_CBC_SHA"},
        {TLS1_2_VERSION, "NULL-SHA256", NULL, "TLS_RSA_WITH_NULL_SHA256"},
        {TLS1_1_VERSION, "ECDHE-RSA-AES128-SHA", NULL, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"},
        {TLS1_VERSION, "ECDHE-RSA-AES256-SHA", NULL, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"},
    };

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        check_recipe((struct recipe){.version = kinds[i].version, .ciphers = kinds[i].ciphers, .suites = kinds[i].suites}, kinds[i].name);
}

UNIT_TEST(tls_opens_a_mac_before_encryption_too)
{
    check_recipe((struct recipe){.version = TLS1_2_VERSION, .ciphers = "ECDHE-RSA-AES128-SHA256", .options = SSL_OP_NO_ENCRYPT_THEN_MAC},
                 "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256");
    check_recipe((struct recipe){.version = TLS1_VERSION, .ciphers = "ECDHE-RSA-AES128-SHA", .options = SSL_OP_NO_ENCRYPT_THEN_MAC},
                 "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA");
}

UNIT_TEST(tls_opens_an_rsa_key_exchange_by_its_premaster_secret)
{
    check_recipe((struct recipe){.version = TLS1_2_VERSION, .ciphers = "AES256-GCM-SHA384", .options = SSL_OP_NO_EXTENDED_MASTER_SECRET, .logs_premaster = true},
                 "TLS_RSA_WITH_AES_256_GCM_SHA384");
    check_recipe((struct recipe){.version = TLS1_VERSION, .ciphers = "AES128-SHA", .options = SSL_OP_NO_EXTENDED_MASTER_SECRET, .logs_premaster = true},
                 "TLS_RSA_WITH_AES_128_CBC_SHA");
    check_recipe((struct recipe){.version = TLS1_2_VERSION, .ciphers = "AES256-GCM-SHA384", .logs_premaster = true}, "TLS_RSA_WITH_AES_256_GCM_SHA384");
    check_recipe((struct recipe){.version = TLS1_1_VERSION, .ciphers = "AES128-SHA", .logs_premaster = true}, "TLS_RSA_WITH_AES_128_CBC_SHA");
}

/* ---- the server's private key ---- */

static struct tls_rsa_keys *rsa_keys_of(EVP_PKEY *key)
{
    struct tls_rsa_keys *keys = NULL;
    BIO *out = BIO_new(BIO_s_mem());
    char *text;
    long length;

    CHECK(PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL) == 1);
    length = BIO_get_mem_data(out, &text);
    CHECK(tls_rsa_keys_add_text(&keys, text, (size_t)length, "the test's key"));
    BIO_free(out);
    return keys;
}

static void play_with_rsa_key(const struct recording *recorded, EVP_PKEY *key)
{
    struct tls_rsa_keys *keys = rsa_keys_of(key);

    dialogue_play(&(struct dialogue){
        .server_port = SMTPS,
        .steps = recorded->steps,
        .count = recorded->count,
        .recording.tls_rsa_keys = keys,
    });
    tls_rsa_keys_free(keys);
}

UNIT_TEST(tls_opens_an_rsa_key_exchange_by_the_servers_key)
{
    static const struct {
        struct recipe recipe;
        const char *name;
    } kinds[] = {
        {{.version = TLS1_2_VERSION, .ciphers = "AES128-GCM-SHA256"}, "TLS_RSA_WITH_AES_128_GCM_SHA256"},
        {{.version = TLS1_2_VERSION, .ciphers = "AES256-GCM-SHA384", .renegotiates = true}, "TLS_RSA_WITH_AES_256_GCM_SHA384"},
        {{.version = TLS1_2_VERSION, .ciphers = "AES256-SHA256", .options = SSL_OP_NO_EXTENDED_MASTER_SECRET}, "TLS_RSA_WITH_AES_256_CBC_SHA256"},
        {{.version = TLS1_1_VERSION, .ciphers = "AES128-SHA"}, "TLS_RSA_WITH_AES_128_CBC_SHA"},
        {{.version = TLS1_VERSION, .ciphers = "AES128-SHA", .options = SSL_OP_NO_EXTENDED_MASTER_SECRET}, "TLS_RSA_WITH_AES_128_CBC_SHA"},
    };

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct recording recorded;

        record(&kinds[i].recipe, &recorded);
        play_with_rsa_key(&recorded, rsa_identity);
        check_opened(kinds[i].name);
        forget(&recorded);
    }
}

static void check_shut(const char *finding)
{
    size_t named = 0;

    CHECK(dialogue_rows("smtp_session") == 0);
    CHECK_TEXT(TLS("decrypted"), "0");
    CHECK_TEXT(TLS("inner_protocol"), "");
    for (size_t i = 0; i < dialogue_rows("finding"); i++) {
        const char *name = dialogue_value("finding", i, "name");

        named += strcmp(name, "tls_key_missing") == 0 || strcmp(name, "tls_wrong_key") == 0 || strcmp(name, "tls_record_not_opened") == 0;
    }
    CHECK(named == 1);
    CHECK_TEXT(dialogue_value("finding", 0, "name"), finding);
}

UNIT_TEST(tls_tells_of_a_private_key_that_does_not_fit)
{
    struct recording recorded;
    EVP_PKEY *another = EVP_RSA_gen(2048);

    record(&(struct recipe){.version = TLS1_2_VERSION, .ciphers = "AES128-GCM-SHA256"}, &recorded);
    play_with_rsa_key(&recorded, another);
    check_shut("tls_key_missing");
    for (size_t i = 0; i < recorded.count; i++) { /* the client's key exchange: one byte of what it encrypted */
        uint8_t *at = (uint8_t *)(uintptr_t)recorded.steps[i].says.at;

        if (recorded.steps[i].from == FROM_CLIENT && recorded.steps[i].says.length > 200 && at[5] == 16)
            at[100] ^= 1;
    }
    play_with_rsa_key(&recorded, rsa_identity);
    check_shut("tls_wrong_key");
    forget(&recorded);

    record(&(struct recipe){.version = TLS1_2_VERSION, .ciphers = "ECDHE-RSA-AES128-GCM-SHA256"}, &recorded);
    play_with_rsa_key(&recorded, rsa_identity);
    check_shut("tls_key_missing");
    forget(&recorded);
    EVP_PKEY_free(another);
}

UNIT_TEST(tls_refuses_what_is_no_private_rsa_key)
{
    struct tls_rsa_keys *keys = NULL;
    static const char text[] = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    uint8_t premaster[TLS_PREMASTER_BYTES];

    CHECK(!tls_rsa_keys_add_text(&keys, text, sizeof text - 1, "broken.pem"));
    CHECK(!tls_rsa_keys_add(&keys, "/nonexistent/key.pem"));
    CHECK(tls_rsa_keys_open(keys, bytes_of(NULL, 0), bytes_of(premaster, 0), premaster) == TLS_RSA_ABSENT);
    tls_rsa_keys_free(keys);
}

/* ---- secrets that come late ---- */

/* Adds the lines of a recording, one more after every so many questions. */
struct late {
    const struct recording *recorded;
    unsigned asked;
    unsigned pause;
    bool at_last;
};

static void feed_late(void *context, struct tls_secrets *secrets, bool is_last)
{
    struct late *late = context;
    size_t lines = is_last ? late->recorded->line_count : late->at_last ? 0 : ++late->asked / late->pause;

    for (size_t i = 0; i < lines && i < late->recorded->line_count; i++)
        (void)tls_secrets_add(secrets, bytes_of_text(late->recorded->lines[i]));
}

static void play_late(const struct recording *recorded, struct late *late)
{
    struct tls_secrets *secrets = tls_secrets_new();

    late->recorded = recorded;
    tls_secrets_set_given(secrets);
    tls_secrets_set_growing(secrets, true);
    tls_secrets_set_feeder(secrets, (struct tls_feeder){.feed = feed_late, .context = late});
    /* the second time, byte by byte, the secrets are there from the start: the rows and their times must be the same */
    dialogue_play(&(struct dialogue){.server_port = SMTPS, .steps = recorded->steps, .count = recorded->count, .recording.tls_secrets = secrets});
    tls_secrets_free(secrets);
}

UNIT_TEST(tls_reads_what_waited_for_its_key_as_of_its_own_time)
{
    static const struct {
        struct recipe recipe;
        const char *name;
    } kinds[] = {
        {{.version = TLS1_3_VERSION, .suites = "TLS_AES_128_GCM_SHA256", .updates_keys = true}, "TLS_AES_128_GCM_SHA256"},
        {{.version = TLS1_3_VERSION, .suites = "TLS_AES_128_GCM_SHA256", .group = "P-384"}, "TLS_AES_128_GCM_SHA256"},
        {{.version = TLS1_2_VERSION, .ciphers = "ECDHE-RSA-AES128-GCM-SHA256", .renegotiates = true}, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
        {{.version = TLS1_2_VERSION, .ciphers = "AES128-SHA", .logs_premaster = true}, "TLS_RSA_WITH_AES_128_CBC_SHA"},
        {{.version = TLS1_VERSION, .ciphers = "ECDHE-RSA-AES256-SHA"}, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"},
    };

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct recording recorded;

        record(&kinds[i].recipe, &recorded);
        for (unsigned pause = 1; pause < 6; pause++) {
            play_late(&recorded, &(struct late){.pause = pause});
            check_opened(kinds[i].name);
        }
        play_late(&recorded, &(struct late){.at_last = true});
        check_opened(kinds[i].name);
        forget(&recorded);
    }
}

UNIT_TEST(tls_gives_up_what_waits_too_long)
{
    struct recording recorded;
    struct tls_secrets *secrets = tls_secrets_new();
    bool is_told = false;

    record(&(struct recipe){.version = TLS1_3_VERSION, .suites = "TLS_AES_128_GCM_SHA256", .mail = 1200000}, &recorded);
    tls_secrets_set_given(secrets);
    tls_secrets_set_growing(secrets, true);
    dialogue_play(&(struct dialogue){.server_port = SMTPS, .steps = recorded.steps, .count = recorded.count, .recording.tls_secrets = secrets});
    CHECK(dialogue_rows("smtp_session") == 0);
    CHECK_TEXT(TLS("decrypted"), "0");
    for (size_t i = 0; i < dialogue_rows("finding"); i++)
        is_told = is_told || strcmp(dialogue_value("finding", i, "name"), "tls_key_late") == 0;
    CHECK(is_told);
    tls_secrets_free(secrets);
    forget(&recorded);
}

UNIT_TEST(tls_waits_in_vain_and_tells_it_once)
{
    struct recording recorded;
    struct tls_secrets *secrets = tls_secrets_new();

    record(&(struct recipe){.version = TLS1_3_VERSION, .suites = "TLS_AES_128_GCM_SHA256"}, &recorded);
    tls_secrets_set_given(secrets);
    tls_secrets_set_growing(secrets, true);
    dialogue_play(&(struct dialogue){.server_port = SMTPS, .steps = recorded.steps, .count = recorded.count, .recording.tls_secrets = secrets});
    check_shut("tls_key_missing");
    tls_secrets_free(secrets);
    forget(&recorded);
}

UNIT_TEST(tls_opens_what_follows_new_keys)
{
    check_recipe((struct recipe){.version = TLS1_3_VERSION, .suites = "TLS_AES_256_GCM_SHA384", .updates_keys = true}, "TLS_AES_256_GCM_SHA384");
    check_recipe((struct recipe){.version = TLS1_2_VERSION, .ciphers = "ECDHE-RSA-AES128-GCM-SHA256", .renegotiates = true}, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
}

UNIT_TEST(tls_opens_what_follows_a_second_hello)
{
    check_recipe((struct recipe){.version = TLS1_3_VERSION, .suites = "TLS_AES_128_GCM_SHA256", .group = "P-384"}, "TLS_AES_128_GCM_SHA256");
    CHECK_TEXT(TLS("hello_retry"), "1");
}

UNIT_TEST(tls_invents_nothing_without_keys)
{
    struct recording recorded;

    record(&(struct recipe){.version = TLS1_3_VERSION, .suites = "TLS_AES_128_GCM_SHA256"}, &recorded);
    play(&recorded, false);
    CHECK(dialogue_rows("smtp_session") == 0);
    CHECK(dialogue_rows("certificate") == 0);
    CHECK_TEXT(TLS("decrypted"), "");
    CHECK_TEXT(TLS("established"), "1");
    CHECK_TEXT(TLS("inner_protocol"), "");
    CHECK_TEXT(dialogue_protocol(), "tls");
    forget(&recorded);
}

UNIT_TEST(tls_tells_of_a_wrong_key_once_and_reads_nothing)
{
    struct recording recorded;
    struct tls_secrets *wrong = tls_secrets_new();
    struct recording other;
    char line[256] = "CLIENT_RANDOM ";
    size_t at = strlen(line);

    record(&(struct recipe){.version = TLS1_2_VERSION, .ciphers = "ECDHE-RSA-AES128-GCM-SHA256"}, &recorded);
    for (size_t i = 0; i < 32; i++) /* the random of the client's hello: behind the record's and the message's headers and the version */
        at += (size_t)snprintf(line + at, sizeof line - at, "%02x", recorded.steps[0].says.at[5 + 4 + 2 + i]);
    (void)snprintf(line + at, sizeof line - at, " %096d", 0);
    CHECK(tls_secrets_add(wrong, bytes_of_text(line)) == TLS_LINE_ADDED);
    other = recorded;
    other.secrets = wrong;
    play(&other, true);
    CHECK(dialogue_rows("smtp_session") == 0);
    CHECK_TEXT(TLS("decrypted"), "0");
    CHECK_TEXT(TLS("certificate_subject"), "CN=mail.example.test");
    CHECK_TEXT(dialogue_value("finding", 0, "name"), "tls_wrong_key");
    tls_secrets_free(wrong);
    forget(&recorded);
}

/* A record is lost: those behind it are opened at their places, and the reader inside knows that bytes are missing. */
UNIT_TEST(tls_opens_what_follows_lost_records)
{
    struct recording recorded;
    size_t mail = 0;

    record(&(struct recipe){.version = TLS1_3_VERSION, .suites = "TLS_AES_128_GCM_SHA256"}, &recorded);
    for (size_t i = 0; i < recorded.count; i++) {
        if (recorded.steps[i].from == FROM_CLIENT)
            mail = i; /* the last but one of the client's is QUIT, the last its goodbye */
    }
    while (mail > 0 && (recorded.steps[mail].from != FROM_CLIENT || recorded.steps[mail].says.length != 5 + 28 + 17))
        mail--;
    CHECK(mail > 0);
    recorded.steps[mail].misses = recorded.steps[mail].says.length;
    play(&recorded, true);
    CHECK_TEXT(TLS("decrypted"), "1");
    CHECK_TEXT(SMTP("helo"), "client.example.test");
    CHECK_TEXT(SMTP("last_reply"), "221 Bye");
    forget(&recorded);
}

/* What TLS lost is counted with its protection: that is no place in a frame. Nothing but frames that were found again is told behind it. */
UNIT_TEST(tls_does_not_count_lost_records_as_plaintext)
{
    static const char piece[] = "..................................................";
    struct recipe recipe = {.version = TLS1_3_VERSION, .suites = "TLS_AES_128_GCM_SHA256"};
    SSL *sides[SIDE_COUNT];
    struct recording recorded = {.secrets = tls_secrets_new()};
    char first[64] = "\x81\x7e\x01\x2c"; /* a text of 300 bytes */
    size_t lost;

    recording = &recorded;
    keeps_master = true;
    sides[FROM_CLIENT] = make_side(&recipe, FROM_CLIENT);
    sides[FROM_SERVER] = make_side(&recipe, FROM_SERVER);
    shake_hands(sides);
    say(sides, FROM_CLIENT, "GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    say(sides, FROM_SERVER, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x05" "first");
    say(sides, FROM_SERVER, strcat(first, piece));
    lost = recorded.count;
    for (int i = 0; i < 5; i++)
        say(sides, FROM_SERVER, piece);
    for (int i = 0; i < 6; i++)
        say(sides, FROM_SERVER, "\x81\x05" "hello");
    hang_up(sides);
    SSL_free(sides[FROM_CLIENT]);
    SSL_free(sides[FROM_SERVER]);

    recorded.steps[lost].misses = recorded.steps[lost].says.length;
    play(&recorded, true);
    CHECK_TEXT(dialogue_value("websocket_message", 0, "text"), "first");
    CHECK_TEXT(dialogue_value("websocket_message", 1, "size"), "");
    CHECK(dialogue_rows("websocket_message") == 2 + 6);
    for (unsigned i = 2; i < 8; i++)
        CHECK_TEXT(dialogue_value("websocket_message", i, "text"), "hello");
    CHECK_TEXT(dialogue_value("websocket_session", 0, "resynced"), "1");
    forget(&recorded);
}

/* test_tls_parts.c - dissectors/tls_suites.c, tls_secrets.c, tls_hello.c, tls_fingerprint.c and rc4.c */
#include "base/text.h"
#include "dissectors/rc4.h"
#include "dissectors/tls_hello.h"
#include "dissectors/tls_opener.h"
#include "dissectors/tls_suites.h"
#include "tests/unit/check.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#define HEX_32 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define HEX_48 HEX_32 "202122232425262728292a2b2c2d2e2f"

UNIT_TEST(tls_suites_tell_what_their_names_say)
{
    struct tls_suite suite;

    CHECK(tls_suite_read(0xc013, &suite)); /* TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA */
    CHECK(suite.kind == TLS_PROTECTION_CBC && suite.mac == TLS_HASH_SHA1 && suite.prf == TLS_HASH_SHA256 && suite.key_length == 16);
    CHECK(!suite.is_rsa_exchange && !suite.is_tls13);
    CHECK(tls_suite_read(0xc028, &suite)); /* TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384 */
    CHECK(suite.mac == TLS_HASH_SHA384 && suite.prf == TLS_HASH_SHA384 && suite.key_length == 32);
    CHECK(tls_suite_read(0x009d, &suite)); /* TLS_RSA_WITH_AES_256_GCM_SHA384 */
    CHECK(suite.kind == TLS_PROTECTION_GCM && suite.mac == TLS_HASH_NONE && suite.prf == TLS_HASH_SHA384 && suite.is_rsa_exchange);
    CHECK(tls_suite_read(0x1305, &suite)); /* TLS_AES_128_CCM_8_SHA256 */
    CHECK(suite.kind == TLS_PROTECTION_CCM && suite.tag_length == 8 && suite.is_tls13 && suite.prf == TLS_HASH_SHA256);
    CHECK(tls_suite_read(0xc0a3, &suite)); /* TLS_DHE_RSA_WITH_AES_256_CCM_8 */
    CHECK(suite.kind == TLS_PROTECTION_CCM && suite.tag_length == 8 && suite.prf == TLS_HASH_SHA256 && !suite.is_tls13);
    CHECK(tls_suite_read(0xcca8, &suite));
    CHECK(suite.kind == TLS_PROTECTION_CHACHA20_POLY1305);
    CHECK(tls_suite_read(0x0005, &suite)); /* TLS_RSA_WITH_RC4_128_SHA */
    CHECK(suite.kind == TLS_PROTECTION_STREAM && suite.is_rc4 && suite.cipher == NULL && suite.key_length == 16);
    CHECK(tls_suite_read(0x0007, &suite)); /* IDEA: named, and never opened */
    CHECK(suite.kind == TLS_PROTECTION_UNKNOWN);
    CHECK(!tls_suite_read(0x0a0a, &suite) && suite.name == NULL);
    CHECK_TEXT(tls_suite_name(0x1302), "TLS_AES_256_GCM_SHA384");
    CHECK(tls_suite_name(0xffff) == NULL);
}

UNIT_TEST(tls_suites_tell_what_is_against_them)
{
    CHECK(tls_suite_weakness(0x1301) == NULL);
    CHECK(tls_suite_weakness(0xffff) == NULL);
    CHECK_TEXT(tls_suite_weakness(0x0005), "RC4 (RFC 7465)");
    CHECK_TEXT(tls_suite_weakness(0x0003), "export grade (RFC 4346, A.5)");
    CHECK_TEXT(tls_suite_weakness(0x0034), "nobody is authenticated (RFC 7525, 4.1)");
    CHECK_TEXT(tls_suite_weakness(0x000a), "blocks of 64 bits (RFC 9325, 4.1)");
}

static enum tls_secret_line add(struct tls_secrets *secrets, const char *line)
{
    return tls_secrets_add(secrets, bytes_of_text(line));
}

UNIT_TEST(tls_secrets_are_found_again_by_what_they_open)
{
    struct tls_secrets *secrets = tls_secrets_new();
    static const uint8_t random[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                     16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
    struct bytes key = bytes_of(random, sizeof random);
    struct tls_secret found;

    CHECK(!tls_secrets_find(secrets, TLS_SECRET_MASTER, key, &found));
    CHECK(!tls_secrets_were_given(secrets) && !tls_secrets_have_premaster(secrets) && !tls_secrets_may_grow(secrets));
    CHECK(add(secrets, "CLIENT_RANDOM " HEX_32 " " HEX_48 "\r\n") == TLS_LINE_ADDED);
    CHECK(add(secrets, "CLIENT_RANDOM " HEX_32 " " HEX_48) == TLS_LINE_KNOWN);
    CHECK(add(secrets, "SERVER_TRAFFIC_SECRET_0 " HEX_32 " " HEX_32) == TLS_LINE_ADDED);
    CHECK(add(secrets, "RSA Session-ID:0001 Master-Key:" HEX_48) == TLS_LINE_ADDED);
    CHECK(add(secrets, "RSA 0001020304050607 " HEX_48) == TLS_LINE_ADDED);
    CHECK(tls_secrets_count(secrets) == 4 && tls_secrets_were_given(secrets) && tls_secrets_have_premaster(secrets));
    CHECK(tls_secrets_find(secrets, TLS_SECRET_MASTER, key, &found) && found.length == 48 && found.bytes[47] == 0x2f);
    CHECK(tls_secrets_find(secrets, TLS_SECRET_SERVER_TRAFFIC, key, &found) && found.length == 32);
    CHECK(!tls_secrets_find(secrets, TLS_SECRET_CLIENT_TRAFFIC, key, &found));
    CHECK(tls_secrets_find(secrets, TLS_SECRET_OF_SESSION_ID, bytes_of(random, 2), &found));
    CHECK(tls_secrets_find(secrets, TLS_SECRET_OF_ENCRYPTED, bytes_of(random, 8), &found));
    tls_secrets_free(secrets);
}

UNIT_TEST(tls_secrets_grow_and_keep_everything)
{
    struct tls_secrets *secrets = tls_secrets_new();
    char line[256];

    for (unsigned i = 0; i < 5000; i++) {
        (void)snprintf(line, sizeof line, "CLIENT_RANDOM %064x %096x", i, i);
        CHECK(add(secrets, line) == TLS_LINE_ADDED);
    }
    CHECK(tls_secrets_count(secrets) == 5000);
    for (unsigned i = 0; i < 5000; i++) {
        uint8_t random[32] = {[30] = (uint8_t)(i >> 8), [31] = (uint8_t)i};
        struct tls_secret found;

        CHECK(tls_secrets_find(secrets, TLS_SECRET_MASTER, bytes_of(random, sizeof random), &found) && found.bytes[47] == (uint8_t)i &&
              found.bytes[46] == (uint8_t)(i >> 8));
    }
    tls_secrets_free(secrets);
}

UNIT_TEST(tls_secrets_refuse_what_is_no_line_of_a_key_log)
{
    struct tls_secrets *secrets = tls_secrets_new();

    CHECK(add(secrets, "") == TLS_LINE_PASSED);
    CHECK(add(secrets, "# SSL/TLS secrets log file\n") == TLS_LINE_PASSED);
    CHECK(add(secrets, "EXPORTER_SECRET " HEX_32 " " HEX_32) == TLS_LINE_PASSED);
    CHECK(add(secrets, "CLIENT_RANDOM " HEX_32 " " HEX_32) == TLS_LINE_INVALID); /* a master secret has 48 bytes */
    CHECK(add(secrets, "CLIENT_RANDOM 00 " HEX_48) == TLS_LINE_INVALID);
    CHECK(add(secrets, "CLIENT_RANDOM " HEX_32 " " HEX_32 "zz") == TLS_LINE_INVALID);
    CHECK(add(secrets, "CLIENT_RANDOM " HEX_32) == TLS_LINE_INVALID);
    CHECK(add(secrets, "-----BEGIN RSA PRIVATE KEY-----") == TLS_LINE_INVALID);
    CHECK(add(secrets, "RSA Session-ID: Master-Key:" HEX_48) == TLS_LINE_INVALID);
    CHECK(tls_secrets_count(secrets) == 0);
    tls_secrets_free(secrets);
}

/* The client's hello of JA4's technical details, values that mean nothing among the others. */
#define HELLO_RANDOM "0123456789abcdef0123456789abcdef"
static const char example_ciphers[] = "\x2a\x2a\x13\x01\x13\x02\x13\x03\xc0\x2b\xc0\x2f\xc0\x2c\xc0\x30\xcc\xa9\xcc\xa8\xc0\x13\xc0\x14\x00\x9c\x00\x9d\x00\x2f\x00\x35";
static const char example_extensions[] =
    "\x1a\x1a\x00\x00" "\x00\x1b\x00\x00" "\x00\x00\x00\x06\x00\x04\x00\x00\x01x" "\x00\x33\x00\x00" "\x00\x10\x00\x05\x00\x03\x02h2" "\x44\x69\x00\x00"
    "\x00\x17\x00\x00" "\x00\x2d\x00\x00" "\x00\x0d\x00\x12\x00\x10\x04\x03\x08\x04\x04\x01\x05\x03\x08\x05\x05\x01\x08\x06\x06\x01" "\x00\x05\x00\x00"
    "\x00\x23\x00\x00" "\x00\x12\x00\x00" "\x00\x2b\x00\x07\x06\x0a\x0a\x03\x04\x03\x03" "\xff\x01\x00\x00" "\x00\x0b\x00\x02\x01\x00"
    "\x00\x0a\x00\x06\x00\x04\x3a\x3a\x00\x1d" "\x00\x15\x00\x00" "\x4a\x4a\x00\x00";

static struct bytes write_hello(struct text *text, struct bytes ciphers, struct bytes extensions)
{
    const uint8_t ciphers_length[] = {(uint8_t)(ciphers.length >> 8), (uint8_t)ciphers.length};
    const uint8_t extensions_length[] = {(uint8_t)(extensions.length >> 8), (uint8_t)extensions.length};

    text_append(text, bytes_of("\x03\x03" HELLO_RANDOM "\x00", 35));
    text_append(text, bytes_of(ciphers_length, 2));
    text_append(text, ciphers);
    text_append(text, bytes_of("\x01\x00", 2));
    text_append(text, bytes_of(extensions_length, 2));
    text_append(text, extensions);
    return text_bytes(text);
}

UNIT_TEST(tls_fingerprints_are_those_published)
{
    struct text text = {.limit = 4096};
    struct bytes body = write_hello(&text, bytes_of(example_ciphers, sizeof example_ciphers - 1), bytes_of(example_extensions, sizeof example_extensions - 1));
    struct tls_hello hello;
    char ja4[TLS_JA4_SIZE];

    CHECK(tls_hello_read_client(cursor_within(body), &hello));
    CHECK(bytes_equal(hello.server_name, bytes_of_text("x")));
    CHECK(tls_hello_newest_version(&hello) == 0x0304);
    CHECK(tls_hello_ja4(&hello, ja4));
    CHECK_TEXT(ja4, "t13d1516h2_8daaf6152771_e5627efa2ab1");
    text_free(&text);
}

UNIT_TEST(tls_ja4_of_little)
{
    struct text text = {.limit = 4096};
    struct tls_hello hello;
    char ja4[TLS_JA4_SIZE];

    CHECK(tls_hello_read_client(cursor_within(write_hello(&text, bytes_of(NULL, 0), bytes_of("\x00\x10\x00\x05\x00\x03\x02\xab\xcd", 9))), &hello));
    CHECK(tls_hello_ja4(&hello, ja4));
    CHECK_TEXT(ja4, "t12i0001ad_000000000000_000000000000");
    text_free(&text);
}

UNIT_TEST(tls_ja3_leaves_out_what_means_nothing)
{
    struct text text = {.limit = 4096};
    struct tls_hello hello;
    char ja3[DIGEST_HEX_SIZE];
    char expected[DIGEST_HEX_SIZE];
    struct digest digest;

    CHECK(tls_hello_read_client(cursor_within(write_hello(&text, bytes_of("\x0a\x0a\x13\x01\x00\x2f", 6),
                                                         bytes_of("\x00\x0a\x00\x06\x00\x04\x1a\x1a\x00\x17" "\x3a\x3a\x00\x00" "\x00\x0b\x00\x03\x02\x00\x01", 21))),
                                &hello));
    CHECK(tls_hello_ja3(&hello, ja3));
    digest_begin(&digest, DIGEST_MD5);
    digest_add(&digest, bytes_of_text("771,4865-47,10-11,23,0-1"));
    CHECK(digest_end_hex(&digest, expected));
    CHECK_TEXT(ja3, expected);
    text_free(&text);
}

UNIT_TEST(tls_hellos_that_contradict_themselves_are_refused)
{
    struct text text = {.limit = 4096};
    struct tls_hello hello;
    struct bytes body = write_hello(&text, bytes_of("\x13\x01\x13", 3), bytes_of(NULL, 0));

    CHECK(!tls_hello_read_client(cursor_within(body), &hello)); /* half a cipher */
    text_clear(&text);
    body = write_hello(&text, bytes_of("\x13\x01", 2), bytes_of("\x00\x10\x00\x05\x00\x03\x02h2\x00\x0a\x00\xff", 13));
    CHECK(!tls_hello_read_client(cursor_within(body), &hello)); /* an extension past the end */
    CHECK(hello.has_alpn);
    for (size_t length = 0; length < body.length; length++)
        CHECK(!tls_hello_read_client(cursor_within(bytes_of(body.at, length)), &hello) || length == 41);
    text_free(&text);
}

/* RFC 6229, 2: the key 0x0102030405 at offset 0. */
UNIT_TEST(rc4_gives_the_published_key_stream)
{
    static const uint8_t stream[] = {0xb2, 0x39, 0x63, 0x05, 0xf0, 0x3d, 0xc0, 0x27, 0xcc, 0xc3, 0x52, 0x4a, 0x0a, 0x11, 0x18, 0xa8};
    uint8_t bytes[sizeof stream] = {0};
    struct rc4 rc4;

    rc4_begin(&rc4, bytes_of("\x01\x02\x03\x04\x05", 5));
    rc4_apply(&rc4, bytes, 7);
    rc4_apply(&rc4, bytes + 7, sizeof bytes - 7);
    CHECK(memcmp(bytes, stream, sizeof stream) == 0);
}

/* A record of TLS 1.2 under RC4 and HMAC-SHA1, made by hand: libssl does not speak it any more. */
static struct bytes seal_rc4(struct rc4 *rc4, const struct tls_keys *keys, uint8_t sequence, const char *text, uint8_t *record)
{
    size_t length = strlen(text);
    uint8_t covered[64] = {[7] = sequence, [8] = 23, [9] = 3, [10] = 3, [12] = (uint8_t)length};
    unsigned mac_length = 0;

    memcpy(covered + 13, text, length);
    memcpy(record, text, length);
    CHECK(HMAC(EVP_sha1(), keys->mac, (int)keys->mac_length, covered, 13 + length, record + length, &mac_length) != NULL && mac_length == 20);
    rc4_apply(rc4, record, length + mac_length);
    return bytes_of(record, length + mac_length);
}

UNIT_TEST(tls_opens_rc4_record_by_record)
{
    const struct tls_keys keys = {.mac_length = 20, .key_length = 16, .mac = "a key for the MAC...", .key = "a key of RC4"};
    struct tls_suite suite;
    struct tls_opener *opener;
    struct tls_opened opened;
    struct rc4 rc4;
    uint8_t record[64];
    uint8_t room[64];
    struct bytes sealed;

    CHECK(tls_suite_read(0x0005, &suite));
    opener = tls_opener_new(TLS_VERSION_1_2, &suite, &keys, false);
    CHECK(opener != NULL && !tls_opener_survives_loss(opener));
    rc4_begin(&rc4, bytes_of(keys.key, 16));
    sealed = seal_rc4(&rc4, &keys, 0, "first", record);
    record[0] ^= 1;
    CHECK(!tls_opener_open(opener, 23, 0x0303, sealed, room, &opened)); /* and nothing is counted */
    record[0] ^= 1;
    CHECK(tls_opener_open(opener, 23, 0x0303, sealed, room, &opened) && bytes_equal(opened.bytes, bytes_of_text("first")));
    sealed = seal_rc4(&rc4, &keys, 1, "second", record);
    CHECK(tls_opener_open(opener, 23, 0x0303, sealed, room, &opened) && bytes_equal(opened.bytes, bytes_of_text("second")));
    tls_opener_free(opener);
}

/* test_tls.c - dissectors/tls.c: hellos in pieces, and what is hostile in them. */
#include "base/text.h"
#include "tests/unit/check.h"
#include "tests/unit/dialogue.h"

#define SESSION(COLUMN) dialogue_value("tls_session", 0, COLUMN)

#define RANDOM "0123456789abcdef0123456789abcdef"
/* a name extension for "a.example", and ALPN h2 */
#define CLIENT_EXTENSIONS "\x00\x00\x00\x0e\x00\x0c\x00\x00\x09" "a.example" "\x00\x10\x00\x05\x00\x03\x02h2"
#define CLIENT_HELLO_BODY "\x03\x03" RANDOM "\x00\x00\x02\x13\x01\x01\x00\x00\x1b" CLIENT_EXTENSIONS
#define CLIENT_HELLO "\x01\x00\x00\x46" CLIENT_HELLO_BODY
#define SERVER_HELLO_13 "\x02\x00\x00\x2e\x03\x03" RANDOM "\x00\x13\x01\x00\x00\x06\x00\x2b\x00\x02\x03\x04"
#define SERVER_HELLO_12 "\x02\x00\x00\x31\x03\x03" RANDOM "\x00\xc0\x2f\x00\x00\x09\x00\x10\x00\x05\x00\x03\x02h2"

UNIT_TEST(tls_reads_both_hellos)
{
    const struct step steps[] = {
        CLIENT("\x16\x03\x01\x00\x4a" CLIENT_HELLO),
        SERVER("\x16\x03\x03\x00\x32" SERVER_HELLO_13 "\x14\x03\x03\x00\x01\x01\x17\x03\x03\x00\x05" "abcde"),
        CLIENT("\x14\x03\x03\x00\x01\x01\x17\x03\x03\x00\x05" "abcde"),
        CLIENT("what comes now is not looked at"),
    };

    PLAY(9999, steps);
    CHECK_TEXT(dialogue_protocol(), "tls");
    CHECK_TEXT(SESSION("version"), "TLSv1.3");
    CHECK_TEXT(SESSION("server_name"), "a.example");
    CHECK_TEXT(SESSION("alpn"), "");
    CHECK_TEXT(SESSION("alert"), "");
    CHECK_TEXT(SESSION("encrypted"), "0");
}

/* FTP's client is TLS's client, though the server connects to it (RFC 4217, 7); whoever is captured first. */
UNIT_TEST(tls_client_may_be_who_is_connected_to)
{
    const struct step steps[] = {
        SERVER("\x16\x03\x01\x00\x4a" CLIENT_HELLO),
        CLIENT("\x16\x03\x03\x00\x32" SERVER_HELLO_13 "\x14\x03\x03\x00\x01\x01\x17\x03\x03\x00\x05" "abcde"),
        SERVER("\x14\x03\x03\x00\x01\x01\x17\x03\x03\x00\x05" "abcde"),
    };
    const struct step answer_first[] = {steps[1], steps[0], steps[2]};

    PLAY(9999, steps);
    CHECK_TEXT(dialogue_protocol(), "tls");
    CHECK_TEXT(SESSION("version"), "TLSv1.3");
    CHECK_TEXT(SESSION("server_name"), "a.example");
    PLAY(9999, answer_first);
    CHECK_TEXT(dialogue_protocol(), "tls");
    CHECK_TEXT(SESSION("version"), "TLSv1.3");
    CHECK_TEXT(SESSION("server_name"), "a.example");
}

UNIT_TEST(tls_gathers_a_hello_from_several_records)
{
    const struct step steps[] = {
        CLIENT("\x16\x03\x01\x00\x02\x01\x00" "\x16\x03\x01\x00\x02\x00\x46" "\x16\x03\x01\x00\x46" CLIENT_HELLO_BODY),
        SERVER("\x16\x03\x03\x00\x39" SERVER_HELLO_12 "\x0b\x00\x00\x00"),
        CLIENT("\x15\x03\x03\x00\x02\x01\x5a\x15\x03\x03\x00\x02\x02\x30\x15\x03\x03\x00\x02\x01\x00"),
    };

    PLAY(9999, steps);
    CHECK_TEXT(SESSION("server_name"), "a.example");
    CHECK_TEXT(SESSION("version"), "TLSv1.2");
    CHECK_TEXT(SESSION("alpn"), "h2");
    CHECK_TEXT(SESSION("alert"), "unknown_ca");
}

UNIT_TEST(tls_one_side_and_gaps)
{
    const struct step server[] = {SERVER("\x16\x03\x03\x00\x35" SERVER_HELLO_12)};
    const struct step gap[] = {
        CLIENT("\x16\x03\x01\x00\x4a\x01\x00\x00\x46\x03\x03"),
        MISSES(FROM_CLIENT, 32),
        CLIENT("more of it"),
        SERVER("\x16\x03\x03\x00\x35" SERVER_HELLO_12),
    };
    const struct step middle[] = {CLIENT("\x17\x03\x03\x00\x05" "abcde"), SERVER("\x17\x03\x03\x00\x05" "abcde")};
    const struct dialogue begun_before = {.server_port = 443, .lacks_start = {true, true}, .steps = middle, .count = 2};

    PLAY(9999, server);
    CHECK_TEXT(SESSION("version"), "TLSv1.2");
    PLAY(9999, gap);
    CHECK_TEXT(SESSION("server_name"), "");
    CHECK_TEXT(SESSION("version"), "TLSv1.2");
    dialogue_play(&begun_before);
    CHECK_TEXT(dialogue_protocol(), "tls");
    CHECK_TEXT(SESSION("version"), "");
}

UNIT_TEST(tls_passes_over_a_hello_in_the_format_of_ssl_2)
{
    const struct step steps[] = {
        CLIENT("\x80\x1f\x01\x03\x01\x00\x06\x00\x00\x00\x10" "\x00\x00\x05\x00\x00\x0a" "0123456789abcdef"),
        SERVER("\x16\x03\x03\x00\x35" SERVER_HELLO_12),
        CLIENT("\x15\x03\x01\x00\x02\x02\x2a"),
    };

    PLAY(9999, steps);
    CHECK_TEXT(dialogue_protocol(), "tls");
    CHECK_TEXT(SESSION("version"), "TLSv1.2");
    CHECK_TEXT(SESSION("alert"), "bad_certificate");
}

UNIT_TEST(tls_hostile_lengths_give_nothing)
{
    const struct step name[] = {
        CLIENT("\x16\x03\x01\x00\x38\x01\x00\x00\x34\x03\x03" RANDOM "\x00\x00\x02\x13\x01\x01\x00\x00\x09\x00\x00\x00\x05\xff\xff\x00\xff\xff"),
    };
    const struct step hello[] = {CLIENT("\x16\x03\x01\x00\x04\x01\xff\xff\xff\x15\x03\x01\x00\x02\x02\x28")};
    const struct step record[] = {CLIENT("\x16\x03\x01\xff\xff\x01\x00\x00\x46")};

    PLAY(443, name);
    CHECK_TEXT(SESSION("server_name"), "");
    CHECK(dialogue_rows("tls_session") == 1);
    PLAY(443, hello);
    CHECK_TEXT(SESSION("alert"), "handshake_failure");
    PLAY(443, record);
    CHECK(dialogue_rows("tls_session") == 0);
}

/* A Certificate message of 60 entries of one byte each, in one record. */
static void append_chain(struct text *text)
{
    text_append(text, bytes_of("\x16\x03\x03\x00\xf7\x0b\x00\x00\xf3\x00\x00\xf0", 12));
    for (unsigned i = 0; i < 60; i++)
        text_append(text, bytes_of("\x00\x00\x01x", 4));
}

/* However often a stranger shows a chain, a session has so many rows and no more. */
UNIT_TEST(tls_certificates_of_a_session_are_limited)
{
    struct text chains = {.limit = 4096};
    struct step steps[3] = {CLIENT("\x16\x03\x01\x00\x4a" CLIENT_HELLO), SERVER("\x16\x03\x03\x00\x35" SERVER_HELLO_12)};

    append_chain(&chains);
    append_chain(&chains);
    steps[2] = SAYS_BYTES(FROM_SERVER, chains.at, chains.length);
    PLAY(9999, steps);
    CHECK(dialogue_rows("finding") == 2);
    CHECK_TEXT(dialogue_value("finding", 0, "name"), "tls_certificate_invalid");
    CHECK_TEXT(dialogue_value("finding", 1, "name"), "tls_too_many_certificates");
    CHECK_TEXT(SESSION("established"), "0");
    text_free(&chains);
}

/* RFC 8879: a chain of one certificate of one byte, compressed in each way; it is found, and found to be none. */
UNIT_TEST(tls_certificates_are_unpacked)
{
    const struct step packed[] = {
        SERVER("\x16\x03\x03\x00\x1e\x19\x00\x00\x1a\x00\x01\x00\x00\x0a\x00\x00\x12\x78\x9c\x63\x60\x60\x60\x63\x60\x60\xac\x60\x60\x00\x00\x01\xa0\x00\x80"), /* zlib */
        SERVER("\x16\x03\x03\x00\x1a\x19\x00\x00\x16\x00\x02\x00\x00\x0a\x00\x00\x0e\x90\x00\x10\x00\x00\x00\x06\x00\x00\x01\x78\x00\x00\x03"), /* brotli */
        SERVER("\x16\x03\x03\x00\x1f\x19\x00\x00\x1b\x00\x03\x00\x00\x0a\x00\x00\x13\x28\xb5\x2f\xfd\x00\x58\x51\x00\x00\x00\x00\x00\x06\x00\x00\x01\x78\x00\x00"), /* zstd */
    };
    const struct step hellos[] = {CLIENT("\x16\x03\x01\x00\x4a" CLIENT_HELLO), SERVER("\x16\x03\x03\x00\x32" SERVER_HELLO_13)};

    for (size_t i = 0; i < sizeof packed / sizeof packed[0]; i++) {
        const struct step steps[] = {hellos[0], hellos[1], packed[i]};

        PLAY(9999, steps);
        CHECK(dialogue_rows("finding") == 1);
        CHECK_TEXT(dialogue_value("finding", 0, "detail"), "certificate 1 of the server cannot be read: 1 bytes are no X.509 certificate");
    }
}

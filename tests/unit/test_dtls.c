/* test_dtls.c - dissectors/dtls.c: the handshake in fragments, out of order, repeated; and what is none */
#include "base/bytes.h"
#include "tests/unit/check.h"
#include "tests/unit/dialogue.h"

#include <string.h>

#define TLS(COLUMN) dialogue_value("tls_session", 0, COLUMN)

struct datagram {
    uint8_t bytes[512];
    size_t length;
};

static void put(struct datagram *datagram, uint64_t value, unsigned bytes)
{
    while (bytes-- > 0)
        datagram->bytes[datagram->length++] = (uint8_t)(value >> 8 * bytes);
}

/* A record with one fragment of a handshake message. */
static void put_fragment(struct datagram *datagram, uint8_t type, uint16_t sequence, struct bytes message, size_t offset, size_t length)
{
    put(datagram, 22, 1);
    put(datagram, 0xfefd, 2);
    put(datagram, 0, 8); /* epoch, sequence number */
    put(datagram, 12 + length, 2);
    put(datagram, type, 1);
    put(datagram, message.length, 3);
    put(datagram, sequence, 2);
    put(datagram, offset, 3);
    put(datagram, length, 3);
    memcpy(datagram->bytes + datagram->length, message.at + offset, length);
    datagram->length += length;
}

static struct datagram fragment(uint8_t type, uint16_t sequence, struct bytes message, size_t offset, size_t length)
{
    struct datagram datagram = {.length = 0};

    put_fragment(&datagram, type, sequence, message, offset, length);
    return datagram;
}

static struct datagram whole(uint8_t type, uint16_t sequence, struct bytes message)
{
    return fragment(type, sequence, message, 0, message.length);
}

static struct datagram protected_record(uint8_t type)
{
    struct datagram datagram = {.length = 0};

    put(&datagram, type, 1);
    put(&datagram, 0xfefd, 2);
    put(&datagram, 1, 2);
    put(&datagram, 0, 6);
    put(&datagram, 40, 2);
    datagram.length += 40;
    return datagram;
}

/* Version, random, session id, cookie, two cipher suites, no compression, extensions: server name. */
static const char client_hello[] = "\xfe\xfd" "0123456789abcdef0123456789abcdef" "\0" "\0" "\0\4\xc0\x2b\xc0\x2f" "\1\0" "\0\x13" "\0\0\0\x0f\0\x0d\0\0\x0ahost.test.";
static const char server_hello[] = "\xfe\xfd" "fedcba9876543210fedcba9876543210" "\0" "\xc0\x2b" "\0" "\0\0";
static const char verify_request[] = "\xfe\xff\4abcd";

#define BYTES_OF(TEXT) bytes_of(TEXT, sizeof(TEXT) - 1)

static void play(const struct datagram *datagrams, const enum side *from, size_t count)
{
    struct step steps[16];

    for (size_t i = 0; i < count; i++)
        steps[i] = SAYS_BYTES(from[i], datagrams[i].bytes, datagrams[i].length);
    dialogue_play(&(struct dialogue){.server_port = 4433, .steps = steps, .count = count, .is_datagrams = true});
}

UNIT_TEST(dtls_puts_messages_together_from_fragments_in_any_order)
{
    struct bytes hello = BYTES_OF(client_hello);
    struct bytes answer = BYTES_OF(server_hello);
    const struct datagram datagrams[] = {
        whole(1, 0, hello),
        whole(3, 0, BYTES_OF(verify_request)),
        whole(1, 1, hello),
        fragment(2, 1, answer, 30, answer.length - 30),
        fragment(2, 1, answer, 30, answer.length - 30),
        fragment(2, 1, answer, 0, 20),
        fragment(2, 1, answer, 10, 25), /* overlaps both */
        protected_record(22),
        protected_record(23),
    };
    static const enum side from[] = {FROM_CLIENT, FROM_SERVER, FROM_CLIENT, FROM_SERVER, FROM_SERVER, FROM_SERVER, FROM_SERVER, FROM_SERVER, FROM_CLIENT};

    play(datagrams, from, sizeof from / sizeof from[0]);
    CHECK(dialogue_rows("tls_session") == 1);
    CHECK_TEXT(TLS("version"), "DTLSv1.2");
    CHECK_TEXT(TLS("versions_offered"), "DTLSv1.2");
    CHECK_TEXT(TLS("cipher"), "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
    CHECK_TEXT(TLS("server_name"), "host.test.");
    CHECK_TEXT(TLS("established"), "1");
    CHECK(strncmp(TLS("ja4"), "dd2d020100_", strlen("dd2d020100_")) == 0);
    CHECK_TEXT(dialogue_protocol(), "dtls");
    play(datagrams, from, 6);
    CHECK_TEXT(TLS("version"), "");
    CHECK_TEXT(TLS("established"), "");
}

UNIT_TEST(dtls_believes_no_length_that_lies)
{
    struct bytes hello = BYTES_OF(client_hello);
    struct datagram datagrams[] = {whole(1, 0, hello), whole(2, 0, BYTES_OF(server_hello)), fragment(2, 1, BYTES_OF(server_hello), 0, 10)};
    static const enum side from[] = {FROM_CLIENT, FROM_SERVER, FROM_SERVER};

    datagrams[1].bytes[13 + 1] = 0xff; /* the message has 16 MB */
    datagrams[2].bytes[13 + 6] = 0xff; /* a fragment behind its message's end */
    play(datagrams, from, 3);
    CHECK(dialogue_rows("tls_session") == 1);
    CHECK_TEXT(TLS("version"), "");
    datagrams[0].bytes[12]++; /* the record is longer than the datagram */
    play(datagrams, from, 1);
    CHECK(dialogue_rows("tls_session") == 0);
    datagrams[0] = whole(1, 0, hello);
    datagrams[0].bytes[4] = 1; /* epoch 1: nothing to read */
    play(datagrams, from, 1);
    CHECK(dialogue_rows("tls_session") == 0);
}

/* test_websocket_inner.c - dissectors/websocket_inner*.c: what WebSockets carry, told from dialogues that are written here. */
#include "base/memory.h"
#include "tests/unit/check.h"
#include "tests/unit/dialogue.h"

#include <stdio.h>
#include <string.h>

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#define SESSION(COLUMN) dialogue_value("websocket_session", 0, COLUMN)

enum kind {
    TEXT = 0x81,
    BINARY = 0x82,
    CLOSE = 0x88,
};

struct said {
    enum side from;
    enum kind kind;
    struct bytes payload;
};

#define TEXT_FROM(SIDE, LITERAL) \
    { \
        (SIDE), TEXT, { (const uint8_t *)(LITERAL), sizeof(LITERAL) - 1 } \
    }
#define BINARY_FROM(SIDE, LITERAL) \
    { \
        (SIDE), BINARY, { (const uint8_t *)(LITERAL), sizeof(LITERAL) - 1 } \
    }

#define MESSAGES_LIMIT 80
#define FRAME_HEADER 14

struct script {
    struct step steps[MESSAGES_LIMIT + 2];
    size_t count;
    uint8_t *frames[MESSAGES_LIMIT];
    size_t frame_count;
    char request[512];
    char answer[512];
};

static void begin_script(struct script *script, const char *uri, const char *subprotocol)
{
    *script = (struct script){.count = 0};
    snprintf(script->request, sizeof script->request, "GET %s HTTP/1.1\r\nHost: server.example.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " KEY "\r\n\r\n", uri);
    snprintf(script->answer, sizeof script->answer,
             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " ACCEPT "\r\n%s%s%s\r\n",
             subprotocol != NULL ? "Sec-WebSocket-Protocol: " : "", subprotocol != NULL ? subprotocol : "", subprotocol != NULL ? "\r\n" : "");
    script->steps[script->count++] = (struct step){.from = FROM_CLIENT, .says = bytes_of_text(script->request)};
    script->steps[script->count++] = (struct step){.from = FROM_SERVER, .says = bytes_of_text(script->answer)};
}

static void add_frame(struct script *script, const struct said *said)
{
    static const uint8_t key[4] = {0x37, 0xfa, 0x21, 0x3d};
    bool is_masked = said->from == FROM_CLIENT;
    uint8_t *frame = memory_new(FRAME_HEADER + said->payload.length);
    size_t length = 0;

    CHECK(frame != NULL && script->frame_count < MESSAGES_LIMIT && said->payload.length < 65536);
    frame[length++] = (uint8_t)said->kind;
    frame[length++] = (uint8_t)((is_masked ? 0x80 : 0) | (said->payload.length < 126 ? said->payload.length : 126));
    if (said->payload.length >= 126) {
        frame[length++] = (uint8_t)(said->payload.length >> 8);
        frame[length++] = (uint8_t)said->payload.length;
    }
    for (size_t i = 0; is_masked && i < sizeof key; i++)
        frame[length++] = key[i];
    for (size_t i = 0; i < said->payload.length; i++)
        frame[length++] = said->payload.at[i] ^ (is_masked ? key[i % sizeof key] : 0);
    script->frames[script->frame_count++] = frame;
    script->steps[script->count++] = (struct step){.from = said->from, .says = bytes_of(frame, length)};
}

static void play_script(struct script *script)
{
    dialogue_play(&(struct dialogue){.server_port = 8080, .steps = script->steps, .count = script->count});
    for (size_t i = 0; i < script->frame_count; i++)
        memory_free(script->frames[i]);
}

static void play(const char *uri, const char *subprotocol, const struct said *messages, size_t count)
{
    struct script script;

    begin_script(&script, uri, subprotocol);
    for (size_t i = 0; i < count; i++)
        add_frame(&script, &messages[i]);
    play_script(&script);
}

#define PLAY_MESSAGES(URI, SUBPROTOCOL, MESSAGES) play((URI), (SUBPROTOCOL), (MESSAGES), sizeof(MESSAGES) / sizeof((MESSAGES)[0]))

/* ---- tunnels ---- */

UNIT_TEST(websocket_inner_tunnel_is_a_stream_of_bytes)
{
    const struct said messages[] = {
        BINARY_FROM(FROM_SERVER, "220 mail.exa"),
        BINARY_FROM(FROM_SERVER, "mple.test ESMTP\r\n"),
        BINARY_FROM(FROM_CLIENT, "EHLO client.example.test\r\nMAIL FROM:<a@example.test>\r\n"),
        BINARY_FROM(FROM_SERVER, "250 mail.example.test\r\n250 ok\r\n"),
        BINARY_FROM(FROM_CLIENT, "Q"),
        BINARY_FROM(FROM_CLIENT, "UIT\r\n"),
        BINARY_FROM(FROM_SERVER, "221 bye\r\n"),
    };

    PLAY_MESSAGES("/tunnel", NULL, messages);
    CHECK_TEXT(dialogue_protocol(), "smtp");
    CHECK_TEXT(SESSION("inner_protocol"), "smtp");
    CHECK_TEXT(SESSION("inner_client"), "client");
    CHECK(dialogue_rows("smtp_session") == 1);
    CHECK_TEXT(dialogue_value("smtp_session", 0, "helo"), "client.example.test");
    CHECK(dialogue_rows("finding") == 0);
}

UNIT_TEST(websocket_inner_tunnel_may_be_dialled_from_behind)
{
    const struct said messages[] = {
        BINARY_FROM(FROM_CLIENT, "220 mail.example.test ESMTP\r\n"),
        BINARY_FROM(FROM_SERVER, "EHLO inside.example.test\r\n"),
        BINARY_FROM(FROM_CLIENT, "250 mail.example.test\r\n"),
        BINARY_FROM(FROM_SERVER, "QUIT\r\n"),
        BINARY_FROM(FROM_CLIENT, "221 bye\r\n"),
    };

    PLAY_MESSAGES("/tunnel", NULL, messages);
    CHECK_TEXT(SESSION("inner_protocol"), "smtp");
    CHECK_TEXT(SESSION("inner_client"), "server");
    CHECK_TEXT(dialogue_value("smtp_session", 0, "helo"), "inside.example.test");
}

UNIT_TEST(websocket_inner_base64_subprotocol_is_decoded)
{
    const struct said messages[] = {
        TEXT_FROM(FROM_SERVER, "MjIwIG1haWwuZXhh"),                  /* "220 mail.exa" */
        TEXT_FROM(FROM_SERVER, "bXBsZS50ZXN0IEVTTVRQDQo="),          /* "mple.test ESMTP\r\n" */
        TEXT_FROM(FROM_CLIENT, "RUhMTyBjbGllbnQuZXhhbXBsZS50ZXN0DQ"), /* "EHLO client.example.test\r", without its padding */
        TEXT_FROM(FROM_CLIENT, "Cg=="),
        TEXT_FROM(FROM_SERVER, "MjUwIG1haWwuZXhhbXBsZS50ZXN0DQo="),
    };
    const struct said broken[] = {
        TEXT_FROM(FROM_SERVER, "MjIwIG1haWwuZXhhbXBsZS50ZXN0IEVTTVRQDQo="),
        TEXT_FROM(FROM_CLIENT, "RUhM*yBj"),
        TEXT_FROM(FROM_SERVER, "MjUwIG1haWwuZXhhbXBsZS50ZXN0DQo="),
    };

    PLAY_MESSAGES("/websockify", "base64", messages);
    CHECK_TEXT(SESSION("inner_protocol"), "smtp");
    CHECK_TEXT(dialogue_value("smtp_session", 0, "helo"), "client.example.test");
    CHECK_TEXT(dialogue_value("smtp_session", 0, "banner"), "mail.example.test ESMTP");
    PLAY_MESSAGES("/websockify", "base64", broken);
    CHECK_TEXT(SESSION("inner_protocol"), "smtp");
    CHECK_TEXT(dialogue_value("smtp_session", 0, "helo"), "");
    PLAY_MESSAGES("/websockify", NULL, messages); /* nobody agreed on base64: these are texts */
    CHECK_TEXT(SESSION("inner_protocol"), "");
}

/* The first packet of SSH: length, padding length, SSH_MSG_KEXINIT, cookie, and the first name list; the others are empty. */
#define KEXINIT(LENGTH, NAMES_LENGTH, NAMES) \
    "\x00\x00\x00" LENGTH "\x04\x14" "0123456789abcdef" "\x00\x00\x00" NAMES_LENGTH NAMES \
    "\x00\x00\x00\x00" "\x00\x00\x00\x00" "\x00\x00\x00\x00" "\x00\x00\x00\x00" "\x00\x00\x00\x00" "\x00\x00\x00\x00" "\x00\x00\x00\x00" \
    "\x00\x00\x00\x00" "\x00\x00\x00\x00" "\x00" "\x00\x00\x00\x00" "PADD"

UNIT_TEST(websocket_inner_ssh_tells_its_sides_in_its_algorithms)
{
    const struct said straight[] = {
        BINARY_FROM(FROM_SERVER, "SSH-2.0-OpenSSH_9.2p1\r\n"),
        BINARY_FROM(FROM_CLIENT, "SSH-2.0-OpenSSH_8.9\r\n"),
        BINARY_FROM(FROM_CLIENT, KEXINIT("\x61", "\x1c", "curve25519-sha256,ext-info-c")),
    };
    const struct said turned[] = {
        BINARY_FROM(FROM_CLIENT, "SSH-2.0-OpenSSH_9.2p1\r\n"),
        BINARY_FROM(FROM_SERVER, "SSH-2.0-OpenSSH_8.9\r\n"),
        BINARY_FROM(FROM_SERVER, KEXINIT("\x61", "\x1c", "curve25519-sha256,ext-info-c")),
    };
    const struct said untold[] = {
        BINARY_FROM(FROM_CLIENT, "SSH-2.0-OpenSSH_9.2p1\r\n"),
        BINARY_FROM(FROM_SERVER, "SSH-2.0-OpenSSH_8.9\r\n"),
    };

    PLAY_MESSAGES("/ssh", NULL, straight);
    CHECK_TEXT(SESSION("inner_protocol"), "ssh");
    CHECK_TEXT(SESSION("inner_client"), "client");
    CHECK_TEXT(dialogue_value("ssh_session", 0, "server_software"), "OpenSSH");
    CHECK_TEXT(dialogue_value("ssh_session", 0, "server_version"), "SSH-2.0-OpenSSH_9.2p1");
    PLAY_MESSAGES("/ssh", NULL, turned);
    CHECK_TEXT(SESSION("inner_protocol"), "ssh");
    CHECK_TEXT(SESSION("inner_client"), "server");
    CHECK_TEXT(dialogue_value("ssh_session", 0, "server_version"), "SSH-2.0-OpenSSH_9.2p1");
    PLAY_MESSAGES("/ssh", NULL, untold);
    CHECK_TEXT(SESSION("inner_protocol"), "ssh");
    CHECK_TEXT(SESSION("inner_client"), "");
    CHECK_TEXT(dialogue_protocol(), "ssh");
}

UNIT_TEST(websocket_inner_plain_texts_are_nothing)
{
    const struct said messages[] = {
        TEXT_FROM(FROM_CLIENT, "Hello"),
        TEXT_FROM(FROM_SERVER, "220 people are here"),
        BINARY_FROM(FROM_SERVER, "\x16\x03\x01"),
    };

    PLAY_MESSAGES("/", NULL, messages);
    CHECK_TEXT(dialogue_protocol(), "websocket");
    CHECK_TEXT(SESSION("inner_protocol"), "");
    CHECK_TEXT(SESSION("inner_client"), "");
}

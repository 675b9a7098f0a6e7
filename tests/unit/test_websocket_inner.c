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
    snprintf(script->request, sizeof script->request, "GET %s HTTP/1.1\r\nHost: server.example.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n\r\n", uri);
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
    CHECK(dialogue_rows("finding") == 1);
    CHECK_TEXT(dialogue_value("finding", 0, "name"), "websocket_tunnel");
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
    CHECK_TEXT(dialogue_value("finding", 0, "name"), "websocket_reverse_tunnel");
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

UNIT_TEST(websocket_inner_chisel_has_an_identification_of_its_own)
{
    const struct said messages[] = {
        BINARY_FROM(FROM_SERVER, "SSH-chisel-v3-server\r\n"),
        BINARY_FROM(FROM_CLIENT, "SSH-chisel-v3-client\r\n"),
        BINARY_FROM(FROM_CLIENT, KEXINIT("\x61", "\x1c", "curve25519-sha256,ext-info-c")),
    };
    const struct said other[] = {
        BINARY_FROM(FROM_SERVER, "SSH-chiselled\r\n"),
        BINARY_FROM(FROM_CLIENT, "SSH-chisel\r\n"),
    };

    PLAY_MESSAGES("/", "chisel-v3", messages);
    CHECK_TEXT(SESSION("inner_protocol"), "ssh");
    CHECK_TEXT(SESSION("inner_client"), "client");
    CHECK_TEXT(dialogue_value("ssh_session", 0, "server_version"), "SSH-chisel-v3-server");
    PLAY_MESSAGES("/", "chisel-v3", other);
    CHECK_TEXT(SESSION("inner_protocol"), "");
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

/* ---- names ---- */

static void check_named(const char *protocol, const char *detail, const char *client)
{
    CHECK_TEXT(SESSION("inner_protocol"), protocol);
    CHECK_TEXT(SESSION("inner_detail"), detail);
    CHECK_TEXT(SESSION("inner_client"), client);
}

/* One message, in a WebSocket of its own. */
static void play_one(const char *uri, const char *subprotocol, enum side from, enum kind kind, const char *payload)
{
    const struct said message = {from, kind, bytes_of_text(payload)};

    play(uri, subprotocol, &message, 1);
}

UNIT_TEST(websocket_inner_names_vnc)
{
    const struct said straight[] = {
        BINARY_FROM(FROM_SERVER, "RFB 003.008\n"), BINARY_FROM(FROM_CLIENT, "RFB 003."), BINARY_FROM(FROM_CLIENT, "007\n"),
        BINARY_FROM(FROM_SERVER, "\x02\x02\x13"),  BINARY_FROM(FROM_CLIENT, "\x02"),     BINARY_FROM(FROM_SERVER, "0123456789abcdef"),
        BINARY_FROM(FROM_CLIENT, "fedcba9876543210"),
    };
    const struct said turned[] = {
        BINARY_FROM(FROM_CLIENT, "RFB 003.008\n"), BINARY_FROM(FROM_SERVER, "RFB 003.008\n"),      BINARY_FROM(FROM_CLIENT, "\x01\x02"),
        BINARY_FROM(FROM_SERVER, "\x02"),          BINARY_FROM(FROM_CLIENT, "0123456789abcdef"), BINARY_FROM(FROM_SERVER, "fedcba9876543210"),
    };
    const struct said alike[] = {
        BINARY_FROM(FROM_SERVER, "RFB 003.008\n\x01\x01\x00\x00\x00\x00"),
        BINARY_FROM(FROM_CLIENT, "RFB 003.008\n\x01\x01"),
    };
    const struct said unsecured[] = {
        BINARY_FROM(FROM_SERVER, "RFB 003.008\n\x01\x01\x00\x00\x00\x00" "\x04\x00\x03\x00\x20\x18\x00\x01"),
        BINARY_FROM(FROM_CLIENT, "RFB 003.008\n\x01\x01" "\x00\x00\x00\x00\x20\x18\x00\x01\x00\xff\x00\xff\x00\xff\x10\x08\x00\x00\x00\x00"),
    };

    PLAY_MESSAGES("/websockify", "binary", straight);
    check_named("vnc", "RFB 3.7", "client");
    CHECK_TEXT(dialogue_protocol(), "websocket");
    PLAY_MESSAGES("/", NULL, turned);
    check_named("vnc", "RFB 3.8", "server");
    PLAY_MESSAGES("/", NULL, alike);
    check_named("vnc", "RFB 3.8", "");
    PLAY_MESSAGES("/", NULL, unsecured);
    check_named("vnc", "RFB 3.8", "client");
    play_one("/", NULL, FROM_SERVER, BINARY, "RFB 003.00x\n");
    check_named("", "", "");
    play_one("/", "base64", FROM_SERVER, TEXT, "UkZCIDAwMy4wMDgK");
    check_named("vnc", "", "");
}

UNIT_TEST(websocket_inner_names_mqtt)
{
    const struct said split[] = {
        BINARY_FROM(FROM_CLIENT, "\x10"),
        BINARY_FROM(FROM_CLIENT, "\x0f\x00\x04MQ"),
        BINARY_FROM(FROM_CLIENT, "TT\x05\x02\x00\x3c\x00\x00\x02" "ab"),
    };
    const struct said old[] = {BINARY_FROM(FROM_CLIENT, "\x10\x10\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x02" "ab")};
    const struct said wrong[] = {BINARY_FROM(FROM_CLIENT, "\x10\x0e\x00\x06MQIsdp\x04\x02\x00\x3c\x00\x02" "ab")};
    const struct said acknowledged[] = {BINARY_FROM(FROM_SERVER, "\x20\x02\x00\x00")};
    const struct said endless[] = {BINARY_FROM(FROM_CLIENT, "\x10\xff\xff\xff\xff\x00\x04MQTT\x04")};

    PLAY_MESSAGES("/mqtt", "mqtt", split);
    check_named("mqtt", "MQTT 5.0", "client");
    PLAY_MESSAGES("/mqtt", NULL, old);
    check_named("mqtt", "MQTT 3.1", "client");
    PLAY_MESSAGES("/mqtt", "mqtt", wrong);
    check_named("", "", "");
    PLAY_MESSAGES("/mqtt", "mqtt", acknowledged);
    check_named("mqtt", "", "client");
    PLAY_MESSAGES("/mqtt", NULL, acknowledged);
    check_named("", "", "");
    PLAY_MESSAGES("/mqtt", "mqtt", endless);
    check_named("", "", "");
}

UNIT_TEST(websocket_inner_names_stomp)
{
    const struct said messages[] = {
        TEXT_FROM(FROM_CLIENT, "CONNECT\naccept-version:1.1,1.2\nhost:broker\n\n\0"),
        TEXT_FROM(FROM_SERVER, "CONNECTED\nversion:1.2\nheart-beat:0,0\n\n\0"),
    };
    const struct said later[] = {TEXT_FROM(FROM_SERVER, "\n\nMESSAGE\nsubscription:0\n\nhello\0")};

    PLAY_MESSAGES("/ws", NULL, messages);
    check_named("stomp", "STOMP 1.2", "client");
    PLAY_MESSAGES("/ws", "v11.stomp", later);
    check_named("stomp", "", "client");
    PLAY_MESSAGES("/ws", NULL, later);
    check_named("", "", "");
    play_one("/ws", NULL, FROM_CLIENT, TEXT, "CONNECT\naccept-version:1.2\n\n"); /* without its NUL it is no frame */
    check_named("", "", "");
    play_one("/ws", "v12.stomp", FROM_CLIENT, TEXT, "CONNECT the dots\nor not\n");
    check_named("", "", "");
}

UNIT_TEST(websocket_inner_names_guacamole)
{
    const struct said telling[] = {
        TEXT_FROM(FROM_SERVER, "0.,36.c5c7a0f0-1b7f-4c1e-9f67-c6f6a33d8a3b;"),
        TEXT_FROM(FROM_SERVER, "4.size,1.0,4.1024,3.768;4.sync,8.12345678;"),
        TEXT_FROM(FROM_CLIENT, "5.mouse,3.400,3.300,1.0;"),
    };

    PLAY_MESSAGES("/guacamole/websocket-tunnel?token=ab", "guacamole", telling);
    check_named("guacamole", "", "client");
    play_one("/", NULL, FROM_CLIENT, TEXT, "6.select,3.rdp;");
    check_named("guacamole", "rdp", "client");
    play_one("/", NULL, FROM_SERVER, TEXT, "4.name,6.B\xc3\xbcro \xe2\x82\xac;"); /* lengths count characters */
    check_named("guacamole", "", "");
    play_one("/", NULL, FROM_CLIENT, TEXT, "6.select,4.rdp;");
    check_named("", "", "");
    play_one("/", NULL, FROM_CLIENT, TEXT, "99999999.select,3.rdp;");
    check_named("", "", "");
    play_one("/", NULL, FROM_CLIENT, TEXT, "5.hello,5.world;");
    check_named("", "", "");
}

UNIT_TEST(websocket_inner_names_json_rpc_and_graphql)
{
    const struct said newer[] = {
        TEXT_FROM(FROM_CLIENT, "{\"type\":\"connection_init\"}"),
        TEXT_FROM(FROM_SERVER, "{\"type\":\"connection_ack\"}"),
        TEXT_FROM(FROM_CLIENT, "{\"id\":\"1\",\"type\":\"subscribe\",\"payload\":{\"query\":\"{ a }\"}}"),
    };

    play_one("/", NULL, FROM_CLIENT, TEXT, " {\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"eth_subscribe\", \"params\": [\"a\\\"b]\"]} ");
    check_named("jsonrpc", "", "");
    play_one("/", NULL, FROM_SERVER, TEXT, "[{\"jsonrpc\":\"2.0\",\"result\":null,\"id\":3}]");
    check_named("jsonrpc", "", "");
    play_one("/", NULL, FROM_CLIENT, TEXT, "{\"jsonrpc\":\"2.0\",\"id\":1}");
    check_named("", "", "");
    play_one("/", NULL, FROM_CLIENT, TEXT, "{\"jsonrpc\":\"1.0\",\"method\":\"a\"}");
    check_named("", "", "");
    play_one("/", NULL, FROM_CLIENT, TEXT, "{\"jsonrpc\":\"2.0\",\"method\":\"a\"");
    check_named("", "", "");
    play_one("/", NULL, FROM_CLIENT, TEXT, "{\"jsonrpc\":\"2.0\",\"method\":\"a\"} and more");
    check_named("", "", "");
    PLAY_MESSAGES("/graphql", NULL, newer);
    check_named("graphql-transport-ws", "", "client");
    play_one("/graphql", "graphql-ws", FROM_CLIENT, TEXT, "{\"type\":\"connection_init\",\"payload\":{}}");
    check_named("graphql-ws", "", "client");
    play_one("/graphql", NULL, FROM_CLIENT, TEXT, "{\"type\":\"connection_init\",\"payload\":{}}");
    check_named("", "", "");
    play_one("/graphql", NULL, FROM_CLIENT, TEXT, "{\"type\":\"start\",\"id\":\"1\",\"payload\":{\"query\":\"subscription { a }\"}}");
    check_named("graphql-ws", "", "client");
    play_one("/graphql", "graphql-transport-ws", FROM_CLIENT, TEXT, "hello");
    check_named("", "", "");
}

UNIT_TEST(websocket_inner_names_engine_and_socket_io)
{
    const struct said opened[] = {
        TEXT_FROM(FROM_SERVER, "0{\"sid\":\"abc\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000}"),
        TEXT_FROM(FROM_CLIENT, "4hello"),
    };
    const struct said probed[] = {
        TEXT_FROM(FROM_CLIENT, "2probe"), TEXT_FROM(FROM_SERVER, "3probe"), TEXT_FROM(FROM_CLIENT, "5"), TEXT_FROM(FROM_SERVER, "42/chat,13[\"message\",{}]"),
    };

    PLAY_MESSAGES("/engine.io/?EIO=4&transport=websocket", NULL, opened);
    check_named("engine.io", "EIO=4", "client");
    PLAY_MESSAGES("/socket.io/?transport=websocket&EIO=3", NULL, probed);
    check_named("socket.io", "EIO=3", "client");
    PLAY_MESSAGES("/chat", NULL, probed);
    check_named("", "", "");
    play_one("/socket.io/?EIO=4", NULL, FROM_CLIENT, TEXT, "42 is the answer");
    check_named("", "", "");
}

UNIT_TEST(websocket_inner_names_what_says_its_name_in_text)
{
    play_one("/", "sip", FROM_CLIENT, TEXT, "REGISTER sip:example.test SIP/2.0\r\nVia: SIP/2.0/WS a.invalid\r\n\r\n");
    check_named("sip", "", "");
    play_one("/", "sip", FROM_SERVER, TEXT, "SIP/2.0 200 OK\r\n\r\n");
    check_named("sip", "", "");
    play_one("/", "sip", FROM_CLIENT, TEXT, "REGISTER me please\r\n");
    check_named("", "", "");
    play_one("/", "msrp", FROM_CLIENT, TEXT, "MSRP a786hjs2 SEND\r\nTo-Path: msrp://a\r\n");
    check_named("msrp", "", "");
    play_one("/", "xmpp", FROM_CLIENT, TEXT, "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='example.test' version='1.0'/>");
    check_named("xmpp", "", "");
    play_one("/echo/042/x1y2z3/websocket", NULL, FROM_SERVER, TEXT, "o");
    check_named("sockjs", "", "client");
    play_one("/echo/websocket", NULL, FROM_SERVER, TEXT, "o");
    check_named("", "", "");
    play_one("/ws", "wamp.2.json", FROM_CLIENT, TEXT, "[1,\"realm1\",{\"roles\":{\"caller\":{}}}]");
    check_named("wamp", "realm1", "client");
    play_one("/ws", "wamp.2.msgpack", FROM_CLIENT, BINARY, "\x93\x01\xa6realm1\x80");
    check_named("wamp", "", "client");
    play_one("/hub", NULL, FROM_CLIENT, TEXT, "{\"protocol\":\"json\",\"version\":1}\x1e");
    check_named("signalr", "json", "client");
    play_one("/socket/websocket?vsn=2.0.0", NULL, FROM_CLIENT, TEXT, "[\"1\",\"1\",\"room:lobby\",\"phx_join\",{}]");
    check_named("phoenix", "", "");
    play_one("/socket/websocket", NULL, FROM_CLIENT, TEXT, "{\"topic\":\"room:lobby\",\"event\":\"phx_join\",\"payload\":{},\"ref\":\"1\"}");
    check_named("phoenix", "", "");
    play_one("/", "bfcp", FROM_CLIENT, BINARY, "\x20\x0b\xff\xff");
    check_named("", "", "");
}

UNIT_TEST(websocket_inner_names_bfcp)
{
    const struct said hello[] = {BINARY_FROM(FROM_CLIENT, "\x20\x0b\x00\x01\x00\x00\x00\x01\x00\x02\x00\x03" "abcd")};
    const struct said longer[] = {BINARY_FROM(FROM_CLIENT, "\x20\x0b\x00\x02\x00\x00\x00\x01\x00\x02\x00\x03" "abcd")};

    PLAY_MESSAGES("/", "bfcp", hello);
    check_named("bfcp", "", "");
    PLAY_MESSAGES("/", "bfcp", longer);
    check_named("", "", "");
    PLAY_MESSAGES("/", NULL, hello);
    check_named("", "", "");
}

/* ---- hostile ---- */

UNIT_TEST(websocket_inner_json_of_any_depth_ends)
{
    static const char end[] = "}";
    char nested[6000];
    size_t length = 0;

    length += (size_t)snprintf(nested, sizeof nested, "{\"a\":");
    memset(nested + length, '[', 4000);
    length += 4000;
    memset(nested + length, ']', 1500);
    length += 1500;
    snprintf(nested + length, sizeof nested - length, ",\"jsonrpc\":\"2.0\",\"method\":\"a\"%s", end);
    play_one("/", NULL, FROM_CLIENT, TEXT, nested);
    check_named("", "", "");
    for (size_t i = 0; i < 200; i++) {
        static const char whole[] = "{\"a\":[{\"b\":\"\\\\\\\"\"},[],1.5e3,true],\"jsonrpc\":\"2.0\",\"method\":\"\\u0041\",\"params\":{}}";
        char part[sizeof whole];

        snprintf(part, i < sizeof whole ? i : sizeof whole, "%s", whole);
        play_one("/", NULL, FROM_SERVER, TEXT, part);
        CHECK_TEXT(SESSION("inner_protocol"), i >= sizeof whole ? "jsonrpc" : "");
        if (i >= sizeof whole)
            break;
    }
}

UNIT_TEST(websocket_inner_looks_at_few_messages)
{
    struct said messages[MESSAGES_LIMIT - 1];

    for (size_t i = 0; i < MESSAGES_LIMIT - 2; i++)
        messages[i] = (struct said){FROM_CLIENT, TEXT, bytes_of_text("[]")};
    messages[MESSAGES_LIMIT - 2] = (struct said){FROM_CLIENT, TEXT, bytes_of_text("{\"jsonrpc\":\"2.0\",\"method\":\"a\"}")};
    PLAY_MESSAGES("/", NULL, messages);
    check_named("", "", "");
    play("/", NULL, messages + MESSAGES_LIMIT - 20, 19);
    check_named("jsonrpc", "", "");
}

/* A WebSocket in a WebSocket in a WebSocket ... */
static size_t wrap(uint8_t *room, size_t length, bool is_masked)
{
    size_t header = 4 + (is_masked ? 4 : 0);

    memmove(room + header, room, length);
    room[0] = BINARY;
    room[1] = (uint8_t)((is_masked ? 0x80 : 0) | 126);
    room[2] = (uint8_t)(length >> 8);
    room[3] = (uint8_t)length;
    memset(room + 4, 0, header - 4);
    return header + length;
}

UNIT_TEST(websocket_inner_nests_to_a_limit)
{
    struct script script;
    static uint8_t said[2][8][2048];
    size_t length[2][8];

    begin_script(&script, "/", NULL);
    for (unsigned depth = 0; depth < 8; depth++) {
        const char *text[2] = {script.request, script.answer};

        for (unsigned side = 0; side < 2; side++) {
            length[side][depth] = strlen(text[side]);
            memcpy(said[side][depth], text[side], length[side][depth]);
            for (unsigned i = 0; i < depth; i++)
                length[side][depth] = wrap(said[side][depth], length[side][depth], side == 0);
        }
    }
    script.count = 0;
    for (unsigned depth = 0; depth < 8; depth++) {
        for (unsigned side = 0; side < 2; side++)
            script.steps[script.count++] = (struct step){.from = (enum side)side, .says = bytes_of(said[side][depth], length[side][depth])};
    }
    play_script(&script);
    CHECK(dialogue_rows("websocket_session") == 5);
    for (unsigned i = 0; i < 5; i++) { /* the innermost is written first */
        char tunnel[8];

        snprintf(tunnel, sizeof tunnel, "%u", 4 - i);
        CHECK_TEXT(dialogue_value("websocket_session", i, "tunnel"), tunnel);
    }
    CHECK(dialogue_rows("finding") == 5);
    CHECK_TEXT(dialogue_value("finding", 4, "name"), "websocket_nesting_limit");
}

UNIT_TEST(websocket_inner_gaps_are_told_inside)
{
    const struct said greeting = BINARY_FROM(FROM_SERVER, "220 mail.example.test ESMTP\r\n");
    const struct said hello = BINARY_FROM(FROM_CLIENT, "EHLO client.example.test\r\n");
    const struct said reply = BINARY_FROM(FROM_SERVER, "250-mail.example.test\r\n250-SIZE 1000\r\n250 HELP\r\n");
    const struct said late = BINARY_FROM(FROM_SERVER, "221 bye\r\n");
    struct script script;

    /* inside a frame: the stream has a hole whose size is known */
    begin_script(&script, "/", NULL);
    add_frame(&script, &greeting);
    add_frame(&script, &hello);
    add_frame(&script, &reply);
    script.steps[script.count - 1].says.length = 25; /* the header, and the first line */
    script.steps[script.count++] = MISSES(FROM_SERVER, 15);
    script.steps[script.count++] = SERVER("250 HELP\r\n");
    script.steps[script.count - 2].misses = script.steps[script.count - 3].says.at[1] + 2U - 25 - 10;
    add_frame(&script, &late);
    play_script(&script);
    CHECK_TEXT(SESSION("inner_protocol"), "smtp");
    CHECK_TEXT(dialogue_value("smtp_session", 0, "last_reply"), "221 bye");
    CHECK(dialogue_rows("finding") == 1); /* websocket_tunnel */

    /* over frames: nobody knows how many of the stream's bytes are lost */
    begin_script(&script, "/", NULL);
    add_frame(&script, &greeting);
    add_frame(&script, &hello);
    script.steps[script.count++] = MISSES(FROM_SERVER, 15);
    add_frame(&script, &late);
    play_script(&script);
    CHECK_TEXT(SESSION("inner_protocol"), "smtp");
    CHECK_TEXT(SESSION("missing"), "15");
    CHECK_TEXT(dialogue_value("smtp_session", 0, "banner"), "mail.example.test ESMTP");
    CHECK_TEXT(dialogue_value("finding", 1, "name"), "websocket_inner_lost");
}

/* test_websocket.c - dissectors/websocket.c and what http.c hands over: what recorded sessions do not show. */
#include "tests/unit/check.h"
#include "tests/unit/dialogue.h"

#include <stdio.h>
#include <string.h>

/* The example handshake of RFC 6455, 1.2 */
#define REQUEST_HEAD \
    "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://example.com\r\nSec-WebSocket-Protocol: chat, superchat\r\n"
#define REQUEST REQUEST_HEAD "Sec-WebSocket-Version: 13\r\n\r\n"
#define REQUEST_DEFLATE REQUEST_HEAD "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
#define ANSWER_HEAD \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define ANSWER ANSWER_HEAD "Sec-WebSocket-Protocol: chat\r\n\r\n"
#define ANSWER_DEFLATE ANSWER_HEAD "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"

#define SESSION(COLUMN) dialogue_value("websocket_session", 0, COLUMN)
#define MESSAGE(NUMBER, COLUMN) dialogue_value("websocket_message", (NUMBER)-1, COLUMN)
#define FINDING(COLUMN) dialogue_value("finding", 0, COLUMN)

UNIT_TEST(websocket_reads_the_examples_of_the_rfc)
{
    /* RFC 6455, 5.7: masked Hello; unmasked Hello in two fragments with a ping between; 256 bytes */
    static uint8_t long_binary[4 + 256] = {0x82, 0x7e, 0x01, 0x00};
    const struct step steps[] = {
        CLIENT(REQUEST),
        SERVER(ANSWER),
        CLIENT("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"),
        SERVER("\x01\x03\x48\x65\x6c\x89\x05\x48\x65\x6c\x6c\x6f\x80\x02\x6c\x6f"),
        SAYS_BYTES(FROM_SERVER, long_binary, sizeof long_binary),
        SERVER("\x88\x06\x03\xe8" "done"),
    };

    PLAY(9999, steps);
    CHECK_TEXT(dialogue_protocol(), "websocket");
    CHECK_TEXT(SESSION("host"), "server.example.com");
    CHECK_TEXT(SESSION("uri"), "/chat");
    CHECK_TEXT(SESSION("origin"), "http://example.com");
    CHECK_TEXT(SESSION("subprotocol"), "chat");
    CHECK_TEXT(SESSION("status_code"), "101");
    CHECK_TEXT(SESSION("accept_valid"), "1");
    CHECK_TEXT(SESSION("client_messages"), "1");
    CHECK_TEXT(SESSION("server_messages"), "2");
    CHECK_TEXT(SESSION("server_payload"), "261");
    CHECK_TEXT(SESSION("pings"), "1");
    CHECK_TEXT(SESSION("close_code"), "1000");
    CHECK_TEXT(SESSION("close_reason"), "done");
    CHECK_TEXT(SESSION("closed_by"), "server");
    CHECK_TEXT(MESSAGE(1, "text"), "Hello");
    CHECK_TEXT(MESSAGE(1, "time_us"), "3");
    CHECK_TEXT(MESSAGE(2, "opcode"), "ping");
    CHECK_TEXT(MESSAGE(2, "number"), "3");
    CHECK_TEXT(MESSAGE(3, "text"), "Hello");
    CHECK_TEXT(MESSAGE(3, "number"), "2");
    CHECK_TEXT(MESSAGE(3, "fragments"), "2");
    CHECK_TEXT(MESSAGE(4, "size"), "256");
    CHECK(dialogue_rows("websocket_message") == 5);
    CHECK(dialogue_rows("finding") == 0);
}

UNIT_TEST(websocket_frames_sent_before_the_answer_are_not_lost)
{
    const struct step steps[] = {
        CLIENT("GET / HTTP/1.1\r\nHost: a\r\n\r\n" REQUEST "\x81\x82\0\0\0\0" "up"),
        SERVER("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nTrailer: t\r\n\r\n" ANSWER "\x81\x04" "down"),
    };

    PLAY(80, steps);
    CHECK_TEXT(SESSION("uri"), "/chat");
    CHECK_TEXT(SESSION("client_messages"), "1");
    CHECK_TEXT(MESSAGE(1, "from_side"), "client");
    CHECK_TEXT(MESSAGE(1, "text"), "up");
    CHECK_TEXT(MESSAGE(2, "text"), "down");
}

UNIT_TEST(websocket_refusal_leaves_a_row_and_the_connection_goes_on)
{
    const struct step steps[] = {
        CLIENT(REQUEST),
        SERVER("HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nnono"),
        CLIENT("HEAD /x HTTP/1.1\r\nHost: b\r\n\r\n" REQUEST),
        SERVER("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" ANSWER "\x8a\x00"),
    };

    PLAY(80, steps);
    CHECK(dialogue_rows("websocket_session") == 2);
    CHECK_TEXT(SESSION("status_code"), "403");
    CHECK_TEXT(SESSION("accept_valid"), "");
    CHECK_TEXT(SESSION("client_messages"), "");
    CHECK_TEXT(dialogue_value("websocket_session", 1, "status_code"), "101");
    CHECK_TEXT(dialogue_value("websocket_session", 1, "pongs"), "1");
}

UNIT_TEST(websocket_one_side_tells_what_it_can)
{
    const struct step client[] = {CLIENT(REQUEST_DEFLATE), CLIENT("\xc1\x82\0\0\0\0" "xx"), CLIENT("\x81\x82\0\0\0\0" "up")};
    const struct step server[] = {SERVER(ANSWER), SERVER("\x81\x04" "down")};

    dialogue_play(&(struct dialogue){.server_port = 80, .lacks_start = {[FROM_SERVER] = true}, .steps = client, .count = 3});
    CHECK_TEXT(SESSION("uri"), "/chat");
    CHECK_TEXT(SESSION("status_code"), "");
    CHECK_TEXT(SESSION("compressed"), "");
    CHECK_TEXT(SESSION("client_messages"), "2");
    CHECK_TEXT(SESSION("server_messages"), "");
    CHECK_TEXT(MESSAGE(1, "compressed"), "1");
    CHECK_TEXT(MESSAGE(2, "text"), "up");

    dialogue_play(&(struct dialogue){.server_port = 80, .lacks_start = {[FROM_CLIENT] = true}, .steps = server, .count = 2});
    CHECK_TEXT(SESSION("uri"), "");
    CHECK_TEXT(SESSION("subprotocol"), "chat");
    CHECK_TEXT(SESSION("accept_valid"), "");
    CHECK_TEXT(SESSION("client_messages"), "");
    CHECK_TEXT(SESSION("server_messages"), "1");
}

UNIT_TEST(websocket_unanswered_upgrade_leaves_a_row)
{
    const struct step steps[] = {CLIENT(REQUEST)};

    PLAY(80, steps);
    CHECK_TEXT(SESSION("uri"), "/chat");
    CHECK_TEXT(SESSION("status_code"), "");
    CHECK_TEXT(dialogue_protocol(), "http");
}

UNIT_TEST(websocket_what_is_no_deflate_has_no_size)
{
    const struct step steps[] = {
        CLIENT(REQUEST_DEFLATE),
        SERVER(ANSWER_DEFLATE),
        SERVER("\x41\x03" "abc" "\x80\x02" "de" "\x81\x03" "abc"),
    };

    PLAY(80, steps);
    CHECK_TEXT(SESSION("compressed"), "1");
    CHECK_TEXT(MESSAGE(1, "compressed"), "1");
    CHECK_TEXT(MESSAGE(1, "size"), "");
    CHECK_TEXT(MESSAGE(1, "wire_size"), "5");
    CHECK_TEXT(MESSAGE(1, "text"), "");
    CHECK_TEXT(MESSAGE(2, "compressed"), "0");
    CHECK_TEXT(MESSAGE(2, "size"), "3");
}

UNIT_TEST(websocket_gap_in_a_payload_keeps_the_step)
{
    const struct step steps[] = {
        CLIENT(REQUEST), SERVER(ANSWER), SERVER("\x81\x7e\x01\x00" "beginning"), MISSES(FROM_SERVER, 240), SERVER("the end\x81\x02ok"),
    };

    PLAY(80, steps);
    CHECK_TEXT(MESSAGE(1, "size"), "256");
    CHECK_TEXT(MESSAGE(1, "wire_size"), "16");
    CHECK_TEXT(MESSAGE(1, "missing"), "240");
    CHECK_TEXT(MESSAGE(1, "text"), "");
    CHECK_TEXT(MESSAGE(2, "text"), "ok");
    CHECK_TEXT(SESSION("missing"), "240");
}

UNIT_TEST(websocket_gap_over_a_header_ends_that_side_alone)
{
    const struct step steps[] = {
        CLIENT(REQUEST),
        SERVER(ANSWER),
        SERVER("\x81\x05" "beg"),
        MISSES(FROM_SERVER, 3),
        SERVER("\x81\x02ok"),
        CLIENT("\x81\x82\0\0\0\0" "up\x88\x82\0\0\0\0\x03\xe9"),
    };

    PLAY(80, steps);
    CHECK(dialogue_rows("websocket_message") == 3);
    CHECK_TEXT(SESSION("close_code"), "1001");
    CHECK_TEXT(SESSION("closed_by"), ""); /* the server may have said it before */
    CHECK_TEXT(MESSAGE(1, "size"), "5");
    CHECK_TEXT(MESSAGE(1, "missing"), "2");
    CHECK_TEXT(MESSAGE(1, "wire_size"), "3");
    CHECK_TEXT(MESSAGE(2, "text"), "up");
    CHECK_TEXT(SESSION("server_messages"), "1");
}

UNIT_TEST(websocket_hostile_frames_are_told)
{
    const struct step reserved[] = {CLIENT(REQUEST), SERVER(ANSWER), SERVER("\xc1\x01" "x\x81\x01y")};
    const struct step opcode[] = {CLIENT(REQUEST), SERVER(ANSWER), SERVER("\x83\x01" "x")};
    const struct step length[] = {CLIENT(REQUEST), SERVER(ANSWER), SERVER("\x82\x7f\x80\0\0\0\0\0\0\0")};
    const struct step huge[] = {CLIENT(REQUEST), SERVER(ANSWER), SERVER("\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff" "abc")};
    const struct step control[] = {CLIENT(REQUEST), SERVER(ANSWER), SERVER("\x09\x01" "x\x81\x01y")};
    const struct step order[] = {CLIENT(REQUEST), SERVER(ANSWER), SERVER("\x80\x01x\x01\x01y\x81\x01z")};
    const struct step close[] = {CLIENT(REQUEST), SERVER(ANSWER), SERVER("\x88\x01x")};

    PLAY(80, reserved);
    CHECK_TEXT(FINDING("name"), "websocket_reserved_bits");
    CHECK(dialogue_rows("websocket_message") == 2);
    PLAY(80, opcode);
    CHECK_TEXT(FINDING("name"), "websocket_reserved_opcode");
    CHECK_TEXT(MESSAGE(1, "opcode"), "reserved-3");
    PLAY(80, length);
    CHECK_TEXT(FINDING("name"), "websocket_frame_invalid");
    PLAY(80, huge);
    CHECK_TEXT(MESSAGE(1, "wire_size"), "3");
    CHECK_TEXT(MESSAGE(1, "size"), "");
    PLAY(80, control);
    CHECK_TEXT(FINDING("name"), "websocket_control_frame_invalid");
    CHECK_TEXT(MESSAGE(2, "text"), "y");
    PLAY(80, order);
    CHECK_TEXT(FINDING("name"), "websocket_fragments_out_of_order");
    CHECK_TEXT(MESSAGE(1, "opcode"), "");
    CHECK_TEXT(MESSAGE(2, "size"), "");
    CHECK_TEXT(MESSAGE(3, "text"), "z");
    CHECK_TEXT(SESSION("server_messages"), "1");
    PLAY(80, close);
    CHECK_TEXT(SESSION("closed_by"), "server");
    CHECK_TEXT(SESSION("close_code"), "");
}

UNIT_TEST(websocket_wrong_accept_is_told_and_followed)
{
    const struct step steps[] = {
        CLIENT(REQUEST),
        SERVER("HTTP/1.1 101 X\r\nUpgrade: WebSocket\r\nSec-WebSocket-Accept: bm90IHRoZSBhbnN3ZXIgdG8gaXQ=\r\n\r\n\x81\x01y"),
    };

    PLAY(80, steps);
    CHECK_TEXT(SESSION("accept_valid"), "0");
    CHECK_TEXT(FINDING("name"), "websocket_accept_wrong");
    CHECK_TEXT(MESSAGE(1, "text"), "y");
}

UNIT_TEST(websocket_long_text_is_cut_between_characters)
{
    enum { LENGTH = 5001 };
    static uint8_t frame[4 + LENGTH] = {0x81, 0x7e, LENGTH >> 8, LENGTH & 255, 'x'};
    const struct step steps[] = {CLIENT(REQUEST), SERVER(ANSWER), SAYS_BYTES(FROM_SERVER, frame, sizeof frame)};

    for (size_t i = 5; i < sizeof frame; i += 2) {
        frame[i] = 0xc3;
        frame[i + 1] = 0xbc;
    }
    PLAY(80, steps);
    CHECK_TEXT(MESSAGE(1, "size"), "5001");
    CHECK(strlen(MESSAGE(1, "text")) == 4095);
}

/* test_http2.c - dissectors/http2*.c: frames, header fields, streams, WebSockets and tunnels in them, gaps, floods. */
#include "tests/unit/check.h"
#include "tests/unit/dialogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DATA = 0, HEADERS = 1, PRIORITY = 2, RST_STREAM = 3, SETTINGS = 4, PUSH_PROMISE = 5, PING = 6, GOAWAY = 7, CONTINUATION = 9 };
enum { END_STREAM = 1, END_HEADERS = 4, PADDED = 8, WITH_PRIORITY = 0x20 };

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define REQUEST(ROW, COLUMN) dialogue_value("http_request", ROW, COLUMN)
#define SESSION(COLUMN) dialogue_value("websocket_session", 0, COLUMN)
#define MESSAGE(ROW, COLUMN) dialogue_value("websocket_message", ROW, COLUMN)
#define FINDING(COLUMN) dialogue_value("finding", 0, COLUMN)

/* What a side says in one step. */
struct wire {
    uint8_t bytes[1 << 17];
    size_t length;
};

static struct wire up;
static struct wire down;
static struct wire later;

static void add(struct wire *wire, const void *bytes, size_t length)
{
    CHECK(wire->length + length <= sizeof wire->bytes);
    if (length > 0)
        memcpy(wire->bytes + wire->length, bytes, length);
    wire->length += length;
}

static void add_header(struct wire *wire, int type, int flags, uint32_t stream, size_t length)
{
    const uint8_t header[9] = {(uint8_t)(length >> 16), (uint8_t)(length >> 8), (uint8_t)length, (uint8_t)type,  (uint8_t)flags,
                               (uint8_t)(stream >> 24), (uint8_t)(stream >> 16), (uint8_t)(stream >> 8), (uint8_t)stream};

    add(wire, header, sizeof header);
}

static void add_frame(struct wire *wire, int type, int flags, uint32_t stream, const void *body, size_t length)
{
    add_header(wire, type, flags, stream, length);
    add(wire, body, length);
}
#define FRAME(WIRE, TYPE, FLAGS, STREAM, LITERAL) add_frame(WIRE, TYPE, FLAGS, STREAM, LITERAL, sizeof(LITERAL) - 1)

/* RFC 7541, 6.2.1 (put into the table) and 6.2.2: literal names and values, none compressed. "name: value\n..." */
static size_t encode(uint8_t *out, const char *fields, bool are_kept)
{
    size_t length = 0;

    while (*fields != '\0') {
        size_t name = strcspn(fields + 1, ":") + 1;
        size_t value = strcspn(fields + name + 2, "\n");

        out[length++] = are_kept ? 0x40 : 0x00;
        out[length++] = (uint8_t)name;
        memcpy(out + length, fields, name);
        length += name;
        out[length++] = (uint8_t)value;
        memcpy(out + length, fields + name + 2, value);
        length += value;
        fields += name + 2 + value + 1;
    }
    return length;
}

static void add_fields(struct wire *wire, int flags, uint32_t stream, const char *fields)
{
    uint8_t block[4096];

    add_frame(wire, HEADERS, flags | END_HEADERS, stream, block, encode(block, fields, false));
}

static void begin(void)
{
    up.length = 0;
    down.length = 0;
    later.length = 0;
    add(&up, PREFACE, sizeof PREFACE - 1);
    FRAME(&up, SETTINGS, 0, 0, "");
    FRAME(&down, SETTINGS, 0, 0, "\0\x08\0\0\0\x01"); /* ENABLE_CONNECT_PROTOCOL */
}

/* A copy that stays until the play is over. */
static struct step say(enum side from, const struct wire *wire)
{
    return SAYS_BYTES(from, wire->bytes, wire->length);
}

static void play_both(void)
{
    const struct step steps[] = {say(FROM_CLIENT, &up), say(FROM_SERVER, &down)};

    PLAY(9999, steps);
}

#define GET ":method: GET\n:scheme: http\n:path: /page\n:authority: a.example\nuser-agent: test\n"
#define OPEN_WEBSOCKET \
    ":method: CONNECT\n:protocol: websocket\n:scheme: https\n:path: /chat\n:authority: a.example\norigin: http://b.example\n" \
    "sec-websocket-version: 13\nsec-websocket-protocol: x, chat\nuser-agent: test\n"
#define TUNNEL ":method: CONNECT\n:authority: far.example:22\n"

UNIT_TEST(http2_requests_and_answers_are_paired)
{
    begin();
    add_fields(&up, 0, 1, ":method: POST\n:scheme: http\n:path: /form\n:authority: a.example\nuser-agent: test\ncontent-type: text/plain\ncontent-length: 6\n");
    add_fields(&up, END_STREAM, 3, GET);
    FRAME(&up, DATA, 0, 1, "abc");
    FRAME(&up, DATA, PADDED | END_STREAM, 1, "\x04" "def\0\0\0\0");
    add_fields(&down, 0, 3, ":status: 200\n");
    add_fields(&down, 0, 1, ":status: 103\nlink: x\n");
    FRAME(&down, DATA, 0, 3, "12345");
    add_fields(&down, END_STREAM, 1, ":status: 204\n");
    FRAME(&down, DATA, 0, 3, "");
    add_fields(&down, END_STREAM, 3, "x-trailer: y\n");
    play_both();
    CHECK_TEXT(dialogue_protocol(), "http2");
    CHECK(dialogue_rows("http_request") == 2);
    CHECK_TEXT(REQUEST(0, "stream_id"), "1");
    CHECK_TEXT(REQUEST(0, "number"), "1");
    CHECK_TEXT(REQUEST(0, "version"), "2");
    CHECK_TEXT(REQUEST(0, "method"), "POST");
    CHECK_TEXT(REQUEST(0, "host"), "a.example");
    CHECK_TEXT(REQUEST(0, "uri"), "/form");
    CHECK_TEXT(REQUEST(0, "user_agent"), "test");
    CHECK_TEXT(REQUEST(0, "request_type"), "text/plain");
    CHECK_TEXT(REQUEST(0, "request_size"), "6");
    CHECK_TEXT(REQUEST(0, "status"), "204");
    CHECK_TEXT(REQUEST(0, "response_size"), "0");
    CHECK_TEXT(REQUEST(0, "complete"), "1");
    CHECK_TEXT(REQUEST(1, "stream_id"), "3");
    CHECK_TEXT(REQUEST(1, "status"), "200");
    CHECK_TEXT(REQUEST(1, "response_size"), "5");
    CHECK(dialogue_rows("finding") == 0);
}

UNIT_TEST(http2_header_fields_come_from_tables_and_continuations)
{
    uint8_t block[4096];
    size_t length = encode(block, GET, true);

    begin();
    add_frame(&up, HEADERS, END_STREAM | PADDED | WITH_PRIORITY, 1, "\x02\0\0\0\0\x10" "\0\0", 8);
    add_frame(&up, CONTINUATION, 0, 1, block, 20);
    add_frame(&up, CONTINUATION, 0, 1, block + 20, length - 20);
    FRAME(&up, CONTINUATION, END_HEADERS, 1, "");
    FRAME(&up, HEADERS, END_STREAM | END_HEADERS, 3, "\xc2\xc1\xc0\xbf\xbe"); /* the five that were put into the table */
    add_fields(&down, END_STREAM, 3, ":status: 404\n");
    play_both();
    CHECK_TEXT(REQUEST(0, "stream_id"), "3");
    CHECK_TEXT(REQUEST(0, "method"), "GET");
    CHECK_TEXT(REQUEST(0, "uri"), "/page");
    CHECK_TEXT(REQUEST(0, "user_agent"), "test");
    CHECK_TEXT(REQUEST(0, "complete"), "1");
    CHECK_TEXT(REQUEST(1, "uri"), "/page");
    CHECK_TEXT(REQUEST(1, "status"), "");
    CHECK_TEXT(REQUEST(1, "complete"), "0");
    CHECK(dialogue_rows("finding") == 0);
}

UNIT_TEST(http2_pushed_answers_have_requests)
{
    uint8_t promise[4096] = {0, 0, 0, 2};
    size_t length = 4 + encode(promise + 4, ":method: GET\n:path: /pushed\n:authority: a.example\n", false);

    begin();
    add_fields(&up, END_STREAM, 1, GET);
    add_frame(&down, PUSH_PROMISE, END_HEADERS, 1, promise, length);
    add_fields(&down, END_STREAM, 1, ":status: 200\n");
    add_fields(&down, 0, 2, ":status: 200\n");
    FRAME(&down, DATA, END_STREAM, 2, "pushed");
    play_both();
    CHECK(dialogue_rows("http_request") == 2);
    CHECK_TEXT(REQUEST(1, "stream_id"), "2");
    CHECK_TEXT(REQUEST(1, "uri"), "/pushed");
    CHECK_TEXT(REQUEST(1, "response_size"), "6");
    CHECK_TEXT(REQUEST(1, "complete"), "1");
}

UNIT_TEST(http2_streams_carry_websockets)
{
    begin();
    add_fields(&up, 0, 1, OPEN_WEBSOCKET);
    add_fields(&up, 0, 3, OPEN_WEBSOCKET);
    add_fields(&down, 0, 1, ":status: 200\nsec-websocket-protocol: chat\n");
    add_fields(&down, END_STREAM, 3, ":status: 403\n");
    FRAME(&down, DATA, 0, 1, "\x81\x04");
    FRAME(&down, DATA, 0, 1, "down");
    FRAME(&later, DATA, 0, 1, "\x81\x82\0\0\0\0" "u");
    FRAME(&later, DATA, END_STREAM, 1, "p\x88\x82\0\0\0\0\x03\xe8");
    FRAME(&later, DATA, END_STREAM, 3, "");
    dialogue_play(&(struct dialogue){
        .server_port = 443, .steps = (const struct step[]){say(FROM_CLIENT, &up), say(FROM_SERVER, &down), say(FROM_CLIENT, &later)}, .count = 3});
    CHECK_TEXT(dialogue_protocol(), "websocket");
    CHECK(dialogue_rows("websocket_session") == 2);
    CHECK_TEXT(SESSION("status_code"), "403");
    CHECK_TEXT(SESSION("client_messages"), "");
    CHECK_TEXT(dialogue_value("websocket_session", 1, "host"), "a.example");
    CHECK_TEXT(dialogue_value("websocket_session", 1, "uri"), "/chat");
    CHECK_TEXT(dialogue_value("websocket_session", 1, "origin"), "http://b.example");
    CHECK_TEXT(dialogue_value("websocket_session", 1, "user_agent"), "test");
    CHECK_TEXT(dialogue_value("websocket_session", 1, "subprotocol"), "chat");
    CHECK_TEXT(dialogue_value("websocket_session", 1, "status_code"), "200");
    CHECK_TEXT(dialogue_value("websocket_session", 1, "accept_valid"), "");
    CHECK_TEXT(dialogue_value("websocket_session", 1, "attempt"), "1");
    CHECK_TEXT(dialogue_value("websocket_session", 1, "close_code"), "1000");
    CHECK_TEXT(MESSAGE(0, "text"), "down");
    CHECK_TEXT(MESSAGE(1, "text"), "up");
    CHECK(dialogue_rows("http_request") == 2);
    CHECK_TEXT(REQUEST(1, "method"), "CONNECT");
    CHECK_TEXT(REQUEST(1, "upgrade"), "websocket");
    CHECK_TEXT(REQUEST(1, "uri"), "/chat");
    CHECK(dialogue_rows("finding") == 0);
}

UNIT_TEST(http2_tunnels_go_back_to_identification)
{
    begin();
    add_fields(&up, 0, 1, TUNNEL);
    FRAME(&up, DATA, 0, 1, "SSH-2.0-early\r\n"); /* before the answer */
    add_fields(&down, 0, 1, ":status: 200\n");
    FRAME(&down, DATA, 0, 1, "SSH-2.0-far\r\n");
    play_both();
    CHECK_TEXT(dialogue_protocol(), "ssh");
    CHECK_TEXT(dialogue_value("ssh_session", 0, "client_version"), "SSH-2.0-early");
    CHECK_TEXT(dialogue_value("ssh_session", 0, "server_version"), "SSH-2.0-far");
    CHECK_TEXT(REQUEST(0, "uri"), "far.example:22");
}

UNIT_TEST(http2_answers_wait_for_their_requests)
{
    begin();
    add_fields(&up, 0, 1, OPEN_WEBSOCKET);
    FRAME(&up, DATA, END_STREAM, 1, "");
    add_fields(&down, 0, 1, ":status: 200\n");
    FRAME(&down, DATA, END_STREAM, 1, "\x81\x04" "down");
    dialogue_play(&(struct dialogue){.server_port = 80, .steps = (const struct step[]){say(FROM_SERVER, &down), say(FROM_CLIENT, &up)}, .count = 2});
    CHECK_TEXT(SESSION("status_code"), "200");
    CHECK_TEXT(MESSAGE(0, "text"), "down");
    CHECK_TEXT(REQUEST(0, "complete"), "1");
}

UNIT_TEST(http2_one_side_tells_what_it_can)
{
    begin();
    add_fields(&up, END_STREAM, 1, GET);
    add_fields(&up, 0, 3, OPEN_WEBSOCKET);
    FRAME(&up, DATA, 0, 3, "\x81\x82\0\0\0\0" "up");
    add_fields(&down, END_STREAM, 1, ":status: 404\n");
    dialogue_play(&(struct dialogue){.server_port = 80, .lacks_start = {[FROM_SERVER] = true}, .steps = (const struct step[]){say(FROM_CLIENT, &up)}, .count = 1});
    CHECK_TEXT(REQUEST(0, "uri"), "/page");
    CHECK_TEXT(REQUEST(0, "status"), "");
    CHECK_TEXT(MESSAGE(0, "text"), "up");
    CHECK_TEXT(SESSION("status_code"), "");

    dialogue_play(&(struct dialogue){.server_port = 80, .lacks_start = {[FROM_CLIENT] = true}, .steps = (const struct step[]){say(FROM_SERVER, &down)}, .count = 1});
    CHECK_TEXT(dialogue_protocol(), "http2");
    CHECK_TEXT(REQUEST(0, "method"), "");
    CHECK_TEXT(REQUEST(0, "status"), "404");
}

UNIT_TEST(http2_gap_in_a_body_keeps_the_step)
{
    begin();
    add_fields(&up, END_STREAM, 1, GET);
    add_fields(&up, END_STREAM, 3, GET);
    add_fields(&down, 0, 1, ":status: 200\n");
    add_header(&down, DATA, PADDED | END_STREAM, 1, 109);
    add(&down, "\x08" "0123456789", 11);
    add(&later, "end\0\0\0\0\0\0\0\0", 11);
    add_fields(&later, END_STREAM, 3, ":status: 200\n");
    dialogue_play(&(struct dialogue){
        .server_port = 80,
        .steps = (const struct step[]){say(FROM_CLIENT, &up), say(FROM_SERVER, &down), MISSES(FROM_SERVER, 87), say(FROM_SERVER, &later)},
        .count = 4});
    CHECK_TEXT(REQUEST(0, "response_size"), "100");
    CHECK_TEXT(REQUEST(0, "missing"), "87");
    CHECK_TEXT(REQUEST(0, "complete"), "1");
    CHECK_TEXT(REQUEST(1, "stream_id"), "3");
    CHECK_TEXT(REQUEST(1, "status"), "200");
    CHECK(dialogue_rows("finding") == 0);
}

UNIT_TEST(http2_gap_over_a_frame_ends_that_side_alone)
{
    begin();
    add_fields(&up, END_STREAM, 1, GET);
    add_fields(&down, 0, 1, ":status: 200\n");
    FRAME(&down, DATA, 0, 1, "0123456789");
    add_fields(&later, END_STREAM, 3, GET);
    dialogue_play(&(struct dialogue){
        .server_port = 80,
        .steps = (const struct step[]){say(FROM_CLIENT, &up), say(FROM_SERVER, &down), MISSES(FROM_SERVER, 40), say(FROM_SERVER, &later), say(FROM_CLIENT, &later)},
        .count = 5});
    CHECK_TEXT(FINDING("name"), "http2_step_lost");
    CHECK_TEXT(REQUEST(0, "response_size"), "");
    CHECK_TEXT(REQUEST(0, "complete"), "0");
    CHECK_TEXT(REQUEST(1, "stream_id"), "3");
    CHECK_TEXT(REQUEST(1, "uri"), "/page");
    CHECK_TEXT(REQUEST(1, "status"), "");
}

UNIT_TEST(http2_next_frame_is_found_behind_a_gap)
{
    begin();
    add_fields(&up, END_STREAM, 1, GET);
    add_fields(&down, 0, 1, ":status: 200\n");
    FRAME(&down, DATA, 0, 1, "0123456789");
    add(&later, "\0\0\x01\0\0\0\0\0\x01" "the rest of a frame", 28); /* as a frame would begin, and no other fits behind it */
    FRAME(&later, DATA, 0, 1, "abcdef");
    add_fields(&later, 0, 1, "x-trailer: not decoded\n");
    FRAME(&later, DATA, END_STREAM, 1, "ghi");
    dialogue_play(&(struct dialogue){
        .server_port = 80,
        .steps = (const struct step[]){say(FROM_CLIENT, &up), say(FROM_SERVER, &down), MISSES(FROM_SERVER, 40), say(FROM_SERVER, &later)},
        .count = 4});
    CHECK_TEXT(FINDING("name"), "http2_step_lost");
    CHECK_TEXT(dialogue_value("finding", 1, "name"), "http2_step_found");
    CHECK(dialogue_rows("http_request") == 1);
    CHECK_TEXT(REQUEST(0, "response_size"), ""); /* more may have been among what is missing */
    CHECK_TEXT(REQUEST(0, "complete"), "0");
    CHECK_TEXT(REQUEST(0, "time_us"), "1");
}

UNIT_TEST(http2_gap_in_header_fields_loses_the_later_ones)
{
    uint8_t block[4096];
    size_t length = encode(block, GET, true);

    begin();
    add_header(&up, HEADERS, END_STREAM | END_HEADERS, 1, length);
    add(&up, block, 20);
    add(&later, block + 40, length - 40);
    add_fields(&later, 0, 3, GET);
    FRAME(&later, DATA, END_STREAM, 3, "body");
    add_fields(&down, END_STREAM, 3, ":status: 200\n");
    dialogue_play(&(struct dialogue){
        .server_port = 80,
        .steps = (const struct step[]){say(FROM_CLIENT, &up), MISSES(FROM_CLIENT, 20), say(FROM_CLIENT, &later), say(FROM_SERVER, &down)},
        .count = 4});
    CHECK_TEXT(REQUEST(0, "stream_id"), "3");
    CHECK_TEXT(REQUEST(0, "method"), "");
    CHECK_TEXT(REQUEST(0, "status"), "200");
    CHECK_TEXT(REQUEST(1, "method"), "GET"); /* before the gap */
    CHECK_TEXT(REQUEST(1, "uri"), "");
    CHECK_TEXT(REQUEST(1, "missing"), "20");
}

/* A frame of the client in a connection that is good otherwise: the finding, and the next request is still read. */
static void check_bad_frame(int type, int flags, uint32_t stream, const char *body, size_t length, const char *finding, bool fields_survive)
{
    begin();
    add_frame(&up, type, flags, stream, body, length);
    add_fields(&up, END_STREAM, 5, GET);
    play_both();
    CHECK_TEXT(FINDING("name"), finding);
    CHECK_TEXT(REQUEST(0, "stream_id"), "5");
    CHECK_TEXT(REQUEST(0, "uri"), fields_survive ? "/page" : "");
}

UNIT_TEST(http2_bad_frames_are_told_and_passed_over)
{
    check_bad_frame(DATA, 0, 0, "x", 1, "http2_frame_invalid", true);
    check_bad_frame(DATA, PADDED, 1, "\x09" "x", 2, "http2_frame_invalid", true);
    check_bad_frame(DATA, PADDED, 1, "", 0, "http2_frame_invalid", true);
    check_bad_frame(RST_STREAM, 0, 1, "\0\0\0", 3, "http2_frame_invalid", true);
    check_bad_frame(SETTINGS, 0, 0, "\0\0\0\0\0\0\0", 7, "http2_frame_invalid", true);
    check_bad_frame(SETTINGS, 0, 1, "", 0, "http2_frame_invalid", true);
    check_bad_frame(PING, 0, 0, "1234567", 7, "http2_frame_invalid", true);
    check_bad_frame(GOAWAY, 0, 0, "1234567", 7, "http2_frame_invalid", true);
    check_bad_frame(PUSH_PROMISE, END_HEADERS, 1, "\0\0\0\x02", 4, "http2_frame_invalid", false);
    check_bad_frame(CONTINUATION, END_HEADERS, 1, "x", 1, "http2_frame_invalid", false);
    check_bad_frame(HEADERS, END_HEADERS, 2, "\x82", 1, "http2_frame_invalid", false);
    check_bad_frame(HEADERS, END_HEADERS | PADDED, 3, "\x05\x82", 2, "http2_frame_invalid", false);
    check_bad_frame(HEADERS, END_HEADERS | END_STREAM, 4, "\x82", 1, "http2_frame_invalid", false);
}

UNIT_TEST(http2_undecodable_fields_are_told)
{
    begin();
    FRAME(&up, HEADERS, END_HEADERS | END_STREAM, 1, "\x82\xfe"); /* an entry that the table has not */
    add_fields(&up, END_STREAM, 3, GET);
    play_both();
    CHECK_TEXT(FINDING("name"), "http2_fields_undecodable");
    CHECK(dialogue_rows("http_request") == 2);
    CHECK_TEXT(REQUEST(1, "uri"), "");
}

UNIT_TEST(http2_smuggled_fields_are_told)
{
    begin();
    add_fields(&up, END_STREAM, 1, GET "transfer-encoding: chunked\n");
    play_both();
    CHECK_TEXT(FINDING("name"), "http2_field_invalid");
    begin();
    add_fields(&up, END_STREAM, 1, GET "Cookie: a\n");
    play_both();
    CHECK_TEXT(FINDING("name"), "http2_field_invalid");
    begin();
    add_fields(&up, END_STREAM, 1, GET "x: a\r\n");
    play_both();
    CHECK_TEXT(FINDING("name"), "http2_field_invalid");
    begin();
    add_fields(&up, END_STREAM, 1, GET "host: b.example\n");
    play_both();
    CHECK_TEXT(FINDING("name"), "http2_host_mismatch");
    begin();
    add_fields(&up, END_STREAM, 1, GET "host: A.example\n");
    play_both();
    CHECK(dialogue_rows("finding") == 0);
    begin();
    add_fields(&up, 0, 1, ":method: POST\n:path: /\n:authority: a\ncontent-length: 0\n");
    FRAME(&up, DATA, END_STREAM, 1, "GET /admin HTTP/1.1\r\n\r\n");
    play_both();
    CHECK_TEXT(FINDING("name"), "http2_length_wrong");
}

UNIT_TEST(http2_floods_are_told)
{
    begin();
    for (uint32_t stream = 1; stream < 600; stream += 2) {
        FRAME(&up, HEADERS, END_HEADERS | END_STREAM, stream, "\x82\x84\x86");
        FRAME(&up, RST_STREAM, 0, stream, "\0\0\0\x08");
    }
    play_both();
    CHECK_TEXT(FINDING("name"), "http2_rapid_reset");
    CHECK(dialogue_rows("finding") == 1);
    CHECK(dialogue_rows("http_request") == 300);
    begin();
    FRAME(&up, HEADERS, 0, 1, "\x82");
    for (int i = 0; i < 100; i++)
        FRAME(&up, CONTINUATION, 0, 1, "\x84");
    play_both();
    CHECK_TEXT(FINDING("name"), "http2_continuation_flood");
    CHECK(dialogue_rows("finding") == 1);
    begin();
    for (int i = 0; i < 3000; i++)
        FRAME(&up, SETTINGS, 0, 0, "\0\x04\0\0\0\0");
    play_both();
    CHECK_TEXT(FINDING("name"), "http2_control_flood");
    CHECK(dialogue_rows("finding") == 1);
}

UNIT_TEST(http2_streams_beyond_the_limit_are_given_up)
{
    begin();
    add_fields(&up, 0, 1, OPEN_WEBSOCKET);
    for (uint32_t stream = 3; stream < 801; stream += 2)
        FRAME(&up, HEADERS, END_HEADERS | END_STREAM, stream, "\x82\x84\x86");
    add_fields(&down, 0, 1, ":status: 200\n");
    FRAME(&down, DATA, 0, 1, "\x81\x04" "down");
    FRAME(&down, HEADERS, END_HEADERS | END_STREAM, 799, "\x88");
    play_both();
    CHECK_TEXT(FINDING("name"), "http2_streams_too_many");
    CHECK(dialogue_rows("finding") == 1);
    CHECK(dialogue_rows("http_request") == 400);
    CHECK_TEXT(REQUEST(0, "stream_id"), "3");
    CHECK_TEXT(MESSAGE(0, "text"), "down"); /* the WebSocket was idle longest, and is kept */
}

UNIT_TEST(http2_tunnels_beyond_the_limit_are_not_read)
{
    begin();
    for (uint32_t stream = 1; stream < 81; stream += 2) {
        add_fields(&up, 0, stream, OPEN_WEBSOCKET);
        add_fields(&down, 0, stream, ":status: 200\n");
        FRAME(&down, DATA, 0, stream, "\x81\x04" "down");
    }
    play_both();
    CHECK_TEXT(FINDING("name"), "http2_tunnels_too_many");
    CHECK(dialogue_rows("finding") == 1);
    CHECK(dialogue_rows("websocket_session") == 40);
    CHECK(dialogue_rows("websocket_message") == 32);
}

UNIT_TEST(http2_needs_permission_for_extended_connect)
{
    begin();
    down.length = 0;
    FRAME(&down, SETTINGS, 0, 0, "");
    add_fields(&later, 0, 1, OPEN_WEBSOCKET);
    dialogue_play(&(struct dialogue){
        .server_port = 80, .steps = (const struct step[]){say(FROM_CLIENT, &up), say(FROM_SERVER, &down), say(FROM_CLIENT, &later)}, .count = 3});
    CHECK_TEXT(FINDING("name"), "http2_connect_protocol_not_enabled");
    CHECK_TEXT(SESSION("status_code"), "");
}

UNIT_TEST(http2_server_may_speak_first)
{
    begin();
    down.length = 0;
    FRAME(&down, SETTINGS, 0, 0, "\x4a\x4a\0\0\0\x01"); /* a setting that no RFC names */
    add_fields(&up, END_STREAM, 1, GET);
    add_fields(&later, END_STREAM, 1, ":status: 204\n");
    dialogue_play(&(struct dialogue){
        .server_port = 443, .steps = (const struct step[]){say(FROM_SERVER, &down), say(FROM_CLIENT, &up), say(FROM_SERVER, &later)}, .count = 3});
    CHECK_TEXT(dialogue_protocol(), "http2");
    CHECK_TEXT(REQUEST(0, "status"), "204");
}

UNIT_TEST(http2_server_without_it_is_told)
{
    begin();
    down.length = 0;
    add(&down, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
    add_fields(&up, END_STREAM, 1, GET);
    play_both();
    CHECK_TEXT(FINDING("name"), "http2_not_spoken");
    CHECK_TEXT(REQUEST(0, "uri"), "/page");
}

UNIT_TEST(http2_goaway_is_told)
{
    begin();
    FRAME(&down, GOAWAY, 0, 0, "\0\0\0\0\0\0\0\x0b" "too_many_pings");
    play_both();
    CHECK_TEXT(FINDING("name"), "http2_goaway");
    CHECK_TEXT(FINDING("detail"), "the server ends the connection: ENHANCE_YOUR_CALM");
}

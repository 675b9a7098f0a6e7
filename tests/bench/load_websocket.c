/* WebSockets with many small messages, both ways in turn: JSON, as feeds and chats send it, plain or compressed with context takeover.
 * Each message is a frame and a segment of its own, and is acknowledged by the next one back. Reference: RFC 6455, RFC 7692. */
#define _GNU_SOURCE 1

#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    SERVER_PORT = 8080,
    MESSAGES_A_SESSION = 5000,
    MESSAGE_ROOM = 2048
};

#define REQUEST \
    "GET /feed HTTP/1.1\r\nHost: feed.example.net:8080\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
#define ANSWER \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define EXTENSION "Sec-WebSocket-Extensions: permessage-deflate\r\n"

static void say_text(struct bulk *bulk, enum side from, const char *text)
{
    bulk_say(bulk, from, (const uint8_t *)text, strlen(text));
}

/* About 200 bytes; a fifth of them about a kilobyte. */
static size_t make_message(char *text, size_t room, unsigned number)
{
    static const char *const words[] = {"copper", "wheat", "silver", "cotton", "coffee", "sugar", "cocoa", "nickel"};
    size_t length = (size_t)snprintf(text, room, "{\"type\":\"quote\",\"sequence\":%u,\"symbol\":\"%s\",\"price\":%u.%02u,\"orders\":[", number,
                                     words[random_below(8)], (unsigned)random_below(9000), (unsigned)random_below(100));
    unsigned orders = random_below(5) == 0 ? 20 : 3;
    for (unsigned order = 0; order < orders; order++)
        length += (size_t)snprintf(text + length, room - length, "%s{\"side\":\"%s\",\"amount\":%u,\"limit\":%u}", order > 0 ? "," : "",
                                   random_below(2) == 0 ? "buy" : "sell", (unsigned)random_below(1000), (unsigned)random_below(9000));
    return length + (size_t)snprintf(text + length, room - length, "]}");
}

/* A final text frame; returns its length. */
static size_t make_frame(uint8_t *frame, enum side from, const uint8_t *payload, size_t length, bool is_compressed)
{
    size_t at = 2;
    frame[0] = is_compressed ? 0xC1 : 0x81;
    frame[1] = (uint8_t)(length < 126 ? length : 126);
    if (length >= 126) {
        put_u16_be(frame + at, (uint32_t)length);
        at += 2;
    }
    if (from == SERVER) {
        memcpy(frame + at, payload, length);
        return at + length;
    }
    frame[1] |= 0x80;
    uint8_t mask[4];
    put_u32_be(mask, (uint32_t)random_next());
    memcpy(frame + at, mask, 4);
    at += 4;
    for (size_t index = 0; index < length; index++)
        frame[at + index] = payload[index] ^ mask[index % 4];
    return at + length;
}

/* RFC 7692, 7.2.1: flushed, without the four bytes that a flush ends with. */
static size_t compress_message(z_stream *stream, char *text, size_t length, uint8_t *compressed, size_t room)
{
    stream->next_in = (Bytef *)text;
    stream->avail_in = (uInt)length;
    stream->next_out = compressed;
    stream->avail_out = (uInt)room;
    if (deflate(stream, Z_SYNC_FLUSH) != Z_OK || stream->avail_out == 0)
        fail("zlib cannot compress a message");
    return room - stream->avail_out - 4;
}

static void write_session(struct bulk *bulk, bool is_compressed)
{
    z_stream streams[SIDES] = {{0}};
    char text[MESSAGE_ROOM];
    uint8_t compressed[MESSAGE_ROOM + 64];
    uint8_t frame[MESSAGE_ROOM + 80];
    for (size_t side = 0; side < SIDES; side++)
        if (deflateInit2(&streams[side], 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
            fail("zlib cannot begin");
    bulk_open(bulk, SERVER_PORT);
    say_text(bulk, CLIENT, is_compressed ? REQUEST EXTENSION "\r\n" : REQUEST "\r\n");
    say_text(bulk, SERVER, is_compressed ? ANSWER EXTENSION "\r\n" : ANSWER "\r\n");
    for (unsigned number = 0; number < MESSAGES_A_SESSION; number++) {
        enum side from = number % 2 == 0 ? CLIENT : SERVER;
        size_t length = make_message(text, sizeof text, number);
        const uint8_t *payload = (const uint8_t *)text;
        if (is_compressed) {
            length = compress_message(&streams[from], text, length, compressed, sizeof compressed);
            payload = compressed;
        }
        bulk_say(bulk, from, frame, make_frame(frame, from, payload, length, is_compressed));
    }
    bulk_say(bulk, CLIENT, (const uint8_t *)"\x88\x82\x11\x11\x11\x11\x12\xf9", 8);
    bulk_say(bulk, SERVER, (const uint8_t *)"\x88\x02\x03\xe8", 4);
    bulk_close(bulk);
    for (size_t side = 0; side < SIDES; side++)
        deflateEnd(&streams[side]);
}

unsigned websocket_write(bool is_compressed, uint64_t bytes)
{
    struct bulk bulk = {.transfers = 0};
    do
        write_session(&bulk, is_compressed);
    while (output_totals().bytes < bytes);
    return bulk.transfers;
}

/* test_websocket_deflate.c - dissectors/websocket_deflate.c and websocket_extensions.c: permessage-deflate (RFC 7692). */
#include "base/memory.h"
#include "dissectors/websocket_deflate.h"
#include "tests/unit/check.h"
#include "tests/unit/dialogue.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#define REQUEST_HEAD \
    "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
#define ANSWER_HEAD \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define EXTENSIONS(LIST) "Sec-WebSocket-Extensions: " LIST "\r\n\r\n"
#define OPENED_WITH(LIST) CLIENT(REQUEST_HEAD EXTENSIONS(LIST)), SERVER(ANSWER_HEAD EXTENSIONS(LIST))
#define OPENED OPENED_WITH("permessage-deflate")

#define SESSION(COLUMN) dialogue_value("websocket_session", 0, COLUMN)
#define MESSAGE(NUMBER, COLUMN) dialogue_value("websocket_message", (NUMBER)-1, COLUMN)
#define FINDING(NUMBER) dialogue_value("finding", (NUMBER)-1, "name")

/* RFC 7692, 7.2.3: "Hello" compressed, the same with the window kept, in a block without compression, in a final block, in two blocks. */
#define HELLO "\xf2\x48\xcd\xc9\xc9\x07\x00"
#define HELLO_AGAIN "\xf2\x00\x11\x00\x00"
#define HELLO_STORED "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"
#define HELLO_FINAL "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"
#define HELLO_TWO_BLOCKS "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"

UNIT_TEST(websocket_inflates_the_examples_of_the_rfc)
{
    const struct step steps[] = {
        OPENED,
        SERVER("\xc1\x07" HELLO "\xc1\x05" HELLO_AGAIN "\xc1\x0b" HELLO_STORED "\xc1\x08" HELLO_FINAL "\xc1\x0d" HELLO_TWO_BLOCKS "\xc1\x01\x00"),
        SERVER("\x41\x03\xf2\x48\xcd\x80\x04\xc9\xc9\x07\x00" "\x81\x05" "plain" "\xc1\x05" HELLO_AGAIN),
    };

    PLAY(80, steps);
    for (int i = 1; i <= 5; i++) {
        CHECK_TEXT(MESSAGE(i, "text"), "Hello");
        CHECK_TEXT(MESSAGE(i, "size"), "5");
        CHECK_TEXT(MESSAGE(i, "compressed"), "1");
        CHECK_TEXT(MESSAGE(i, "sha256"), "185f8db32271fe25f561a6fc938b2e264306ec304eda518007d1764826381969");
    }
    CHECK_TEXT(MESSAGE(6, "size"), "0");
    CHECK_TEXT(MESSAGE(7, "text"), "Hello");
    CHECK_TEXT(MESSAGE(7, "fragments"), "2");
    CHECK_TEXT(MESSAGE(8, "compressed"), "0");
    CHECK_TEXT(MESSAGE(9, "text"), "Hello");
    CHECK_TEXT(SESSION("server_message_bytes"), "40");
    CHECK(dialogue_rows("finding") == 0);
}

UNIT_TEST(websocket_inflater_without_takeover_forgets)
{
    const struct step steps[] = {
        OPENED_WITH("permessage-deflate; server_no_context_takeover; client_max_window_bits=9"),
        SERVER("\xc1\x07" HELLO "\xc1\x07" HELLO "\xc1\x05" HELLO_AGAIN "\xc1\x07" HELLO),
        CLIENT("\xc1\x87\0\0\0\0" HELLO "\xc1\x85\0\0\0\0" HELLO_AGAIN),
    };

    PLAY(80, steps);
    CHECK_TEXT(MESSAGE(2, "text"), "Hello");
    CHECK_TEXT(MESSAGE(3, "text"), "");
    CHECK_TEXT(MESSAGE(3, "size"), "");
    CHECK_TEXT(FINDING(1), "websocket_deflate_invalid");
    CHECK_TEXT(MESSAGE(4, "text"), "Hello");
    CHECK_TEXT(MESSAGE(6, "text"), "Hello"); /* the client keeps its window */
    CHECK_TEXT(SESSION("server_message_bytes"), "");
    CHECK_TEXT(SESSION("client_message_bytes"), "10");
}

UNIT_TEST(websocket_what_refers_to_lost_messages_is_not_known)
{
    const struct step steps[] = {
        OPENED,
        SERVER("\xc1\x07" HELLO "\xc1\x0b" "\x00\x05"),
        MISSES(FROM_SERVER, 3),
        SERVER("\x48\x65\x6c\x6c\x6f\x00" "\xc1\x05" HELLO_AGAIN "\xc1\x07" HELLO "\xc1\x05" HELLO_AGAIN),
    };

    PLAY(80, steps);
    CHECK_TEXT(MESSAGE(1, "text"), "Hello");
    CHECK_TEXT(MESSAGE(2, "size"), "");
    CHECK_TEXT(MESSAGE(2, "missing"), "3");
    CHECK_TEXT(MESSAGE(3, "size"), ""); /* it points into what was lost */
    CHECK_TEXT(MESSAGE(3, "wire_size"), "5");
    CHECK_TEXT(MESSAGE(4, "text"), "Hello"); /* it points nowhere */
    CHECK_TEXT(MESSAGE(5, "text"), "Hello");
    CHECK(dialogue_rows("finding") == 0);
    CHECK_TEXT(SESSION("violations"), "0");
}

UNIT_TEST(websocket_reserved_bit_of_deflate_stands_on_first_frames_alone)
{
    const struct step steps[] = {OPENED, SERVER("\x41\x03\xf2\x48\xcd" "\xc9\x00" "\xc0\x04\xc9\xc9\x07\x00" "\xe1\x01" "x")};

    PLAY(80, steps);
    CHECK_TEXT(FINDING(1), "websocket_reserved_bits");
    CHECK_TEXT(SESSION("violations"), "3"); /* the ping, the continuation, RSV2 */
    CHECK_TEXT(MESSAGE(2, "text"), "Hello");
}

UNIT_TEST(websocket_other_compressions_are_told_and_left)
{
    const struct step steps[] = {OPENED_WITH("x-webkit-deflate-frame"), SERVER("\x41\x07" HELLO "\xc0\x07" HELLO "\x81\x02" "ok")};

    PLAY(80, steps);
    CHECK_TEXT(FINDING(1), "websocket_compression_unknown");
    CHECK(dialogue_rows("finding") == 1);
    CHECK_TEXT(MESSAGE(1, "compressed"), "1");
    CHECK_TEXT(MESSAGE(1, "size"), "");
    CHECK_TEXT(MESSAGE(1, "sha256"), "");
    CHECK_TEXT(MESSAGE(2, "text"), "ok");
    CHECK_TEXT(SESSION("compressed"), "1");
}

UNIT_TEST(websocket_extension_lists_are_read)
{
    static const struct {
        const char *list;
        enum websocket_compression compression;
        unsigned server_bits;
        unsigned client_bits;
        bool server_keeps;
        bool client_keeps;
        bool is_wrong;
    } lists[] = {
        {"", WEBSOCKET_UNCOMPRESSED, 15, 15, true, true, false},
        {"permessage-deflate", WEBSOCKET_DEFLATE, 15, 15, true, true, false},
        {"Permessage-Deflate; server_max_window_bits=\"10\"; client_max_window_bits=8", WEBSOCKET_DEFLATE, 10, 8, true, true, false},
        {"permessage-deflate;server_no_context_takeover;client_no_context_takeover", WEBSOCKET_DEFLATE, 15, 15, false, false, false},
        {"permessage-deflate; server_max_window_bits=7", WEBSOCKET_DEFLATE, 15, 15, true, true, true},
        {"permessage-deflate; server_max_window_bits=16", WEBSOCKET_DEFLATE, 15, 15, true, true, true},
        {"permessage-deflate; server_max_window_bits=010", WEBSOCKET_DEFLATE, 15, 15, true, true, true},
        {"permessage-deflate; client_max_window_bits", WEBSOCKET_DEFLATE, 15, 15, true, true, true},
        {"permessage-deflate; client_no_context_takeover=1", WEBSOCKET_DEFLATE, 15, 15, true, true, true},
        {"permessage-deflate; client_no_context_takeover; client_no_context_takeover", WEBSOCKET_DEFLATE, 15, 15, true, false, true},
        {"permessage-deflate; level=9", WEBSOCKET_DEFLATE, 15, 15, true, true, true},
        {"permessage-deflate, permessage-deflate", WEBSOCKET_DEFLATE, 15, 15, true, true, true},
        {"x-webkit-deflate-frame", WEBSOCKET_COMPRESSION_UNKNOWN, 15, 15, true, true, false},
        {"permessage-bzip2; client_max_compress_level", WEBSOCKET_COMPRESSION_UNKNOWN, 15, 15, true, true, false},
        {"mux, permessage-deflate", WEBSOCKET_DEFLATE, 15, 15, true, true, false},
        {" ; , ,,;=", WEBSOCKET_UNCOMPRESSED, 15, 15, true, true, false},
    };

    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct websocket_extensions read = websocket_extensions_read(bytes_of_text(lists[i].list), true);

        CHECK(read.compression == lists[i].compression);
        CHECK(read.window_bits[FROM_SERVER] == lists[i].server_bits && read.window_bits[FROM_CLIENT] == lists[i].client_bits);
        CHECK(read.keeps_window[FROM_SERVER] == lists[i].server_keeps && read.keeps_window[FROM_CLIENT] == lists[i].client_keeps);
        if (!CHECK((read.error != NULL) == lists[i].is_wrong))
            fprintf(stderr, "%s: %s\n", lists[i].list, read.error != NULL ? read.error : "fine");
    }
    CHECK(websocket_extensions_read(bytes_of_text("x-webkit-deflate-frame, permessage-deflate; client_max_window_bits"), false).compression == WEBSOCKET_DEFLATE);
    CHECK(websocket_extensions_were_offered(bytes_of_text("b; x=1"), bytes_of_text("a, b")));
    CHECK(!websocket_extensions_were_offered(bytes_of_text("c"), bytes_of_text("a, b")));
}

/* ---- the inflater by itself ---- */

static void count(void *context, struct bytes plain)
{
    *(uint64_t *)context += plain.length;
}

/* Compresses `length` bytes 0 as a message. */
static size_t deflate_zeros(int bits, size_t length, uint8_t *out, size_t room)
{
    static const uint8_t zeros[65536];
    z_stream stream = {.next_out = out, .avail_out = (unsigned)room};

    CHECK(deflateInit2(&stream, 9, Z_DEFLATED, -bits, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    while (length > 0) {
        stream.next_in = (uint8_t *)(uintptr_t)zeros;
        stream.avail_in = length < sizeof zeros ? (unsigned)length : (unsigned)sizeof zeros;
        length -= stream.avail_in;
        (void)deflate(&stream, length == 0 ? Z_SYNC_FLUSH : Z_NO_FLUSH);
    }
    (void)deflateEnd(&stream);
    return (size_t)stream.total_out - 4;
}

UNIT_TEST(websocket_bombs_are_stopped_and_cost_no_memory)
{
    static uint8_t packed[1 << 20];
    size_t length = deflate_zeros(15, (size_t)300 << 20, packed, sizeof packed);
    size_t before = memory_in_use();
    uint64_t plain = 0;
    struct websocket_inflater *inflater = websocket_inflater_new(15, true);

    websocket_inflater_begin(inflater);
    CHECK(websocket_inflater_add(inflater, bytes_of(packed, length), count, &plain) == WEBSOCKET_INFLATE_BOMB);
    CHECK(websocket_inflater_end(inflater, count, &plain) == WEBSOCKET_INFLATE_BOMB);
    CHECK(plain < WEBSOCKET_INFLATE_FREE + (1 << 20));
    CHECK(memory_in_use() - before < 64 << 10);
    /* again and again: the side's share ends it */
    for (int i = 0; i < 40; i++) {
        websocket_inflater_begin(inflater);
        CHECK(websocket_inflater_add(inflater, bytes_of(packed, length), count, &plain) == WEBSOCKET_INFLATE_BOMB);
    }
    CHECK(plain < WEBSOCKET_INFLATE_SIDE_FREE + WEBSOCKET_INFLATE_FREE);
    websocket_inflater_free(inflater);
    CHECK(memory_in_use() == before);
}

UNIT_TEST(websocket_inflater_reads_every_window_size)
{
    static uint8_t packed[4096];

    for (int bits = 9; bits <= 15; bits++) {
        size_t length = deflate_zeros(bits, 100000, packed, sizeof packed);
        uint64_t plain = 0;
        struct websocket_inflater *inflater = websocket_inflater_new((unsigned)bits, true);

        websocket_inflater_begin(inflater);
        for (size_t i = 0; i < length; i++)
            (void)websocket_inflater_add(inflater, bytes_of(packed + i, 1), count, &plain);
        CHECK(websocket_inflater_end(inflater, count, &plain) == WEBSOCKET_INFLATE_FINE);
        CHECK(plain == 100000);
        websocket_inflater_free(inflater);
    }
}

UNIT_TEST(websocket_messages_must_end_where_deflate_does)
{
    uint64_t plain = 0;
    struct websocket_inflater *inflater = websocket_inflater_new(15, true);

    websocket_inflater_begin(inflater);
    (void)websocket_inflater_add(inflater, bytes_of(HELLO_STORED, 7), count, &plain); /* five bytes are promised, two are there */
    CHECK(websocket_inflater_end(inflater, count, &plain) == WEBSOCKET_INFLATE_INVALID);
    websocket_inflater_begin(inflater);
    (void)websocket_inflater_add(inflater, bytes_of(HELLO_AGAIN, 5), count, &plain); /* what it refers to was not read to its end */
    CHECK(websocket_inflater_end(inflater, count, &plain) == WEBSOCKET_INFLATE_LOST);
    websocket_inflater_begin(inflater);
    (void)websocket_inflater_add(inflater, bytes_of(HELLO_FINAL, 7), count, &plain); /* without the byte 0 behind the final block */
    CHECK(websocket_inflater_end(inflater, count, &plain) == WEBSOCKET_INFLATE_FINE);
    websocket_inflater_free(inflater);
}

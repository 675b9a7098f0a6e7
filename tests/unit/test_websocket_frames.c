/* test_websocket_frames.c - dissectors/websocket_*.c: frames that break rules, closes, texts, and frames found again behind missing bytes. */
#include "base/utf8.h"
#include "dissectors/websocket_seek.h"
#include "tests/unit/check.h"
#include "tests/unit/dialogue.h"

#include <stdio.h>
#include <string.h>

#define REQUEST \
    "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
#define ANSWER \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
#define OPENED CLIENT(REQUEST), SERVER(ANSWER)
#define ENDS(SIDE) \
    (struct step) \
    { \
        .from = (SIDE), .ends = true \
    }

#define SESSION(COLUMN) dialogue_value("websocket_session", 0, COLUMN)
#define MESSAGE(NUMBER, COLUMN) dialogue_value("websocket_message", (NUMBER)-1, COLUMN)
#define FINDING(NUMBER) dialogue_value("finding", (NUMBER)-1, "name")

UNIT_TEST(websocket_utf8_is_checked_over_pieces)
{
    static const struct {
        const char *text;
        bool is_valid;
    } texts[] = {
        {"plain", true}, {"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5", true}, {"\xf4\x8f\xbf\xbf", true}, {"\xf4\x90\x80\x80", false}, {"\xed\x9f\xbf", true},
        {"\xed\xa0\x80", false}, {"\xc0\xaf", false}, {"\xc1\xbf", false}, {"\xe0\x9f\xbf", false}, {"\xf0\x8f\xbf\xbf", false}, {"\xf8\x88\x80\x80\x80", false},
        {"\x80", false}, {"\xe1\xbd", false}, {"12345678\xc3\xbc" "12345678\xff", false}, {"12345678abcdefgh\xc3\xbc", true}, {"\xef\xbf\xbe", true},
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct bytes text = bytes_of_text(texts[i].text);

        for (size_t piece = 1; piece <= text.length; piece++) {
            struct utf8_check check = {.needed = 0};

            for (size_t at = 0; at < text.length; at += piece)
                (void)utf8_check_add(&check, bytes_of(text.at + at, text.length - at < piece ? text.length - at : piece));
            if (!CHECK(utf8_check_ends(&check) == texts[i].is_valid))
                fprintf(stderr, "text %zu in pieces of %zu\n", i, piece);
        }
    }
}

UNIT_TEST(websocket_masks_are_undone_at_any_place)
{
    const struct websocket_frame frame = {.is_masked = true, .key = {1, 2, 3, 4}};
    uint8_t masked[23];
    uint8_t plain[23];

    for (size_t i = 0; i < sizeof masked; i++)
        masked[i] = (uint8_t)('a' + i) ^ frame.key[i % 4];
    for (size_t cut = 0; cut <= sizeof masked; cut++) {
        memset(plain, 0, sizeof plain);
        websocket_unmask(&frame, 0, bytes_of(masked, cut), plain);
        websocket_unmask(&frame, cut, bytes_of(masked + cut, sizeof masked - cut), plain + cut);
        CHECK(memcmp(plain, "abcdefghijklmnopqrstuvw", sizeof plain) == 0);
    }
}

UNIT_TEST(websocket_texts_have_a_digest_and_must_be_utf8)
{
    const struct step good[] = {OPENED, SERVER("\x01\x02\xc3\xbc" "\x89\x00" "\x00\x01\xc3" "\x80\x01\xbc"), SERVER("\x82\x03" "abc")};
    const struct step bad[] = {OPENED, SERVER("\x81\x03" "a\xff" "b" "\x81\x02\xe1\xbd" "\x82\x01\xff")};

    PLAY(80, good);
    CHECK_TEXT(MESSAGE(2, "text"), "\xc3\xbc\xc3\xbc");
    CHECK_TEXT(MESSAGE(2, "fragments"), "3");
    CHECK_TEXT(MESSAGE(1, "sha256"), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK_TEXT(MESSAGE(3, "sha256"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK_TEXT(SESSION("server_message_bytes"), "7");
    CHECK_TEXT(SESSION("client_message_bytes"), "0");
    CHECK_TEXT(SESSION("violations"), "0");
    PLAY(80, bad);
    CHECK_TEXT(MESSAGE(1, "text"), "a\\xffb");
    CHECK_TEXT(FINDING(1), "websocket_invalid_utf8");
    CHECK(dialogue_rows("finding") == 1);
    CHECK_TEXT(SESSION("violations"), "2");
}

UNIT_TEST(websocket_lengths_that_are_longer_than_needed_are_told)
{
    const struct step steps[] = {OPENED, SERVER("\x82\x7e\x00\x7d" "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
                                                "0123456789012345678901234" "\x82\x7f\0\0\0\0\0\0\0\x02" "ab" "\x81\x01z")};

    PLAY(80, steps);
    CHECK_TEXT(MESSAGE(1, "size"), "125");
    CHECK_TEXT(MESSAGE(2, "size"), "2");
    CHECK_TEXT(MESSAGE(3, "text"), "z");
    CHECK_TEXT(FINDING(1), "websocket_length_not_minimal");
    CHECK_TEXT(SESSION("violations"), "2");
}

UNIT_TEST(websocket_oversized_close_stays_in_step)
{
    static uint8_t close[4 + 258 + 2] = {0x88, 0x7e, 0x01, 0x02, 0x03, 0xe8};
    static uint8_t longer[10 + 258 + 2] = {0x88, 0x7f, 0, 0, 0, 0, 0, 0, 0x01, 0x02, 0x03, 0xe8};
    const struct step steps[] = {OPENED, SAYS_BYTES(FROM_SERVER, close, sizeof close)};
    const struct step long_form[] = {OPENED, SAYS_BYTES(FROM_SERVER, longer, sizeof longer)};

    memset(close + 6, 'r', 256);
    close[262] = 0x8a;
    PLAY(80, steps);
    CHECK_TEXT(FINDING(1), "websocket_control_frame_invalid");
    CHECK_TEXT(FINDING(2), "websocket_data_after_close");
    CHECK_TEXT(SESSION("close_code"), "1000");
    CHECK_TEXT(SESSION("close_meaning"), "Normal Closure");
    CHECK(strlen(SESSION("close_reason")) == 256);
    CHECK_TEXT(SESSION("pongs"), "1");
    CHECK_TEXT(MESSAGE(1, "size"), "258");
    longer[268] = 0x8a;
    PLAY(80, long_form);
    CHECK_TEXT(MESSAGE(1, "size"), "258");
    CHECK_TEXT(SESSION("close_code"), "1000");
    CHECK_TEXT(SESSION("pongs"), "1");
}

UNIT_TEST(websocket_close_codes_are_judged)
{
    static const struct {
        uint16_t code;
        bool is_valid;
        const char *meaning;
    } codes[] = {
        {0, false, ""}, {999, false, ""}, {1000, true, "Normal Closure"}, {1003, true, "Unsupported Data"}, {1004, false, "Reserved"}, {1005, false, "No Status Rcvd"},
        {1006, false, "Abnormal Closure"}, {1007, true, "Invalid frame payload data"}, {1011, true, "Internal Error"}, {1014, true, "Bad Gateway"},
        {1015, false, "TLS handshake"}, {1016, false, ""}, {2999, false, ""}, {3000, true, "Unauthorized"}, {3999, true, ""}, {4999, true, ""}, {5000, false, ""}, {65535, false, ""},
    };

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        uint8_t close[] = {0x88, 0x02, (uint8_t)(codes[i].code >> 8), (uint8_t)codes[i].code};
        const struct step steps[] = {OPENED, SAYS_BYTES(FROM_SERVER, close, sizeof close)};

        PLAY(80, steps);
        CHECK(dialogue_rows("finding") == (codes[i].is_valid ? 0u : 1u));
        CHECK_TEXT(SESSION("close_meaning"), codes[i].meaning);
    }
}

UNIT_TEST(websocket_several_faults_in_a_header_end_that_side)
{
    const struct step steps[] = {OPENED, SERVER("\x81\x01y" "\x73\x85" "abcdefgh\x81\x01z")};
    const struct step top_bit[] = {OPENED, SERVER("\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff" "abc")};
    const struct step huge[] = {OPENED, SERVER("\x81\x7f\0\0\x7f\xff\xff\xff\xff\xff" "abc")};

    PLAY(80, steps);
    CHECK_TEXT(FINDING(1), "websocket_frame_invalid");
    CHECK(dialogue_rows("websocket_message") == 1);
    PLAY(80, top_bit);
    CHECK_TEXT(FINDING(1), "websocket_frame_invalid");
    PLAY(80, huge);
    CHECK_TEXT(FINDING(1), "websocket_frame_too_long");
    CHECK_TEXT(MESSAGE(1, "text"), "abc");
}

UNIT_TEST(websocket_text_limit_is_kept_and_zero_turns_texts_off)
{
    const struct step steps[] = {OPENED, SERVER("\x81\x05" "hello" "\x88\x07\x03\xe8" "done!")};

    dialogue_play(&(struct dialogue){.server_port = 80, .steps = steps, .count = 3, .recording = {.text_limit = 2}});
    CHECK_TEXT(MESSAGE(1, "text"), "he");
    CHECK_TEXT(MESSAGE(1, "size"), "5");
    dialogue_play(&(struct dialogue){.server_port = 80, .steps = steps, .count = 3, .recording = {.omits_text = true}});
    CHECK_TEXT(MESSAGE(1, "text"), "");
    CHECK_TEXT(MESSAGE(1, "sha256"), "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    CHECK_TEXT(SESSION("close_reason"), "done!");
}

/* ---- behind missing bytes ---- */

/* Masked by 1 2 3 4: "hello there" */
#define MASKED_TEXT "\x81\x8b\x01\x02\x03\x04" "igoh" "n\"wl" "dpf"

UNIT_TEST(websocket_frames_are_found_again_behind_a_gap)
{
    const struct step steps[] = {
        OPENED,
        CLIENT(MASKED_TEXT "\x82\xfe\x01\x00\x09\x09\x09\x09" "abc"),
        MISSES(FROM_CLIENT, 300),
        CLIENT("rest of something that was lost" MASKED_TEXT MASKED_TEXT),
        CLIENT(MASKED_TEXT "\x88\x82\0\0\0\0\x03\xe8"),
        SERVER("\x81\x02ok"),
    };

    PLAY(80, steps);
    CHECK_TEXT(SESSION("client_messages"), "5");
    CHECK_TEXT(SESSION("resynced"), "1");
    CHECK_TEXT(SESSION("close_code"), "1000");
    CHECK_TEXT(SESSION("closed_by"), "client");
    CHECK_TEXT(MESSAGE(2, "size"), "256");
    CHECK_TEXT(MESSAGE(2, "wire_size"), "3");
    CHECK_TEXT(MESSAGE(2, "sha256"), "");
    CHECK_TEXT(MESSAGE(3, "text"), "hello there");
    CHECK_TEXT(MESSAGE(5, "text"), "hello there");
    CHECK_TEXT(FINDING(1), "websocket_resynced");
    CHECK_TEXT(dialogue_value("finding", 0, "detail"),
               "behind missing bytes of the client, frames were found again by how they fit together; 31 bytes before them were not read");
}

UNIT_TEST(websocket_a_lone_close_at_the_end_is_found)
{
    const struct step fin[] = {OPENED, SERVER("\x81\x05" "be"), MISSES(FROM_SERVER, 100), SERVER("of a frame\x88\x06\x03\xe9" "away"), ENDS(FROM_SERVER)};
    const struct step open[] = {OPENED, SERVER("\x81\x05" "be"), MISSES(FROM_SERVER, 100), SERVER("of a frame\x88\x06\x03\xe9" "away")};

    PLAY(80, fin);
    CHECK_TEXT(SESSION("close_code"), "1001");
    CHECK_TEXT(SESSION("resynced"), "1");
    PLAY(80, open);
    CHECK_TEXT(SESSION("close_code"), "");
    CHECK_TEXT(SESSION("resynced"), "0");
}

UNIT_TEST(websocket_nothing_is_found_in_what_only_looks_like_a_frame)
{
    static uint8_t noise[200000];
    const struct step steps[] = {OPENED, SERVER("\x81\x05" "be"), MISSES(FROM_SERVER, 100), SAYS_BYTES(FROM_SERVER, noise, sizeof noise), ENDS(FROM_SERVER)};
    uint32_t random = 12345;

    for (size_t i = 0; i < sizeof noise; i++) {
        random = random * 1664525 + 1013904223;
        noise[i] = (uint8_t)(random >> 24);
    }
    PLAY(80, steps);
    CHECK_TEXT(SESSION("resynced"), "0");
    CHECK(dialogue_rows("websocket_message") == 1);
}

UNIT_TEST(websocket_a_message_goes_on_behind_a_gap_without_its_begin)
{
    const struct step steps[] = {
        OPENED, SERVER("\x02\x05" "begun"), MISSES(FROM_SERVER, 50), SERVER("\x00\x03" "one\x00\x03" "two\x80\x05" "three\x82\x02" "ok\x82\x02" "ok\x82\x02" "ok\x82\x02" "ok"),
    };

    PLAY(80, steps);
    CHECK_TEXT(SESSION("resynced"), "1");
    CHECK_TEXT(MESSAGE(2, "opcode"), "");
    CHECK_TEXT(MESSAGE(2, "wire_size"), "11");
    CHECK_TEXT(MESSAGE(2, "size"), "");
    CHECK_TEXT(MESSAGE(3, "size"), "2");
    CHECK_TEXT(SESSION("violations"), "0");
    CHECK_TEXT(SESSION("server_messages"), "4");
}

UNIT_TEST(websocket_a_second_gap_while_seeking_is_taken)
{
    const struct step steps[] = {
        OPENED, SERVER("\x82\x05" "be"), MISSES(FROM_SERVER, 50), SERVER("\x82\x7e\x01\x00" "payload"), MISSES(FROM_SERVER, 249),
        SERVER("\x82\x01" "a\x82\x01" "b\x82\x01" "c\x82\x01" "d\x82\x01" "e\x82\x01" "f"),
    };

    PLAY(80, steps);
    CHECK_TEXT(SESSION("resynced"), "1");
    CHECK_TEXT(SESSION("server_messages"), "7");
    CHECK_TEXT(SESSION("missing"), "299");
}

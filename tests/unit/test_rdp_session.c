/* test_rdp_session.c - what follows RDP's MCS connect, in the clear: the plaintext as TLS or a key would give it. */
#include "dissectors/rdp_mppc.h"
#include "tests/unit/check.h"
#include "tests/unit/dialogue.h"
#include "tests/unit/rdp_script.h"

#include <stdlib.h>
#include <string.h>

#define SESSION(COLUMN) dialogue_value("rdp_session", 0, COLUMN)
#define EVENT(ROW, COLUMN) dialogue_value("rdp_event", ROW, COLUMN)
#define STEPS_LIMIT 24
#define IO_CHANNEL 1003
#define CHANNEL 1004

/* Findings of what contradicts itself, or is too much. */
static unsigned complaints(void)
{
    unsigned count = 0;

    for (size_t i = 0; i < dialogue_rows("finding"); i++)
        count += strcmp(dialogue_value("finding", i, "name"), "rdp_malformed_session") == 0 || strcmp(dialogue_value("finding", i, "name"), "rdp_limit") == 0;
    return count;
}

/* A dialogue that begins with both MCS connects, without encryption. */
struct talk {
    struct pdu pdus[STEPS_LIMIT];
    struct step steps[STEPS_LIMIT];
    size_t count;
};

static void add_pdu(struct talk *talk, enum side from)
{
    talk->steps[talk->count] = (struct step){.from = from, .says = pdu_bytes(&talk->pdus[talk->count])};
    talk->count++;
}

/* The method and level in the server's security data become 0. */
static void remove_encryption(struct pdu *pdu)
{
    for (size_t i = 0; i + 12 < pdu->length; i++) {
        if (pdu->at[i] == 0x02 && pdu->at[i + 1] == 0x0c && pdu->at[i + 4] == 2)
            memset(pdu->at + i + 4, 0, 8);
    }
}

static struct talk *new_talk(const char *channel)
{
    struct talk *talk = calloc(1, sizeof *talk);
    struct pdu *pdu;

    if (talk == NULL)
        abort();
    rdp_script_connect_initial(&talk->pdus[0], &rdp_script_usual);
    pdu = &talk->pdus[0];
    for (size_t i = 0; channel != NULL && i + 8 < pdu->length; i++) {
        if (memcmp(pdu->at + i, "chan0", 6) == 0) {
            memset(pdu->at + i, 0, 8);
            memcpy(pdu->at + i, channel, strlen(channel));
        }
    }
    add_pdu(talk, FROM_CLIENT);
    rdp_script_connect_response(&talk->pdus[1], 2);
    remove_encryption(&talk->pdus[1]);
    add_pdu(talk, FROM_SERVER);
    return talk;
}

/* Send data of a side in a channel. */
static void say(struct talk *talk, enum side from, uint16_t channel, struct bytes data)
{
    struct pdu *pdu = &talk->pdus[talk->count];
    size_t total = 4 + 11 + data.length;
    const uint8_t head[] = {3, 0, (uint8_t)(total >> 8), (uint8_t)total, 2, 0xf0, 0x80, from == FROM_CLIENT ? 0x64 : 0x68, 0, 6, (uint8_t)(channel >> 8), (uint8_t)channel,
                            0x70, (uint8_t)(data.length >> 8 | 0x80), (uint8_t)data.length};

    memcpy(pdu->at, head, sizeof head);
    memcpy(pdu->at + sizeof head, data.at, data.length);
    pdu->length = sizeof head + data.length;
    add_pdu(talk, from);
}
#define SAY(TALK, FROM, CHANNEL_ID, LITERAL) say(TALK, FROM, CHANNEL_ID, bytes_of(LITERAL, sizeof(LITERAL) - 1))

/* A share data PDU of that type in the I/O channel. */
static void share_data(struct talk *talk, enum side from, uint8_t type, uint8_t compression, struct bytes body)
{
    uint8_t data[512] = {0};
    size_t total = 18 + body.length;

    data[0] = (uint8_t)total;
    data[1] = (uint8_t)(total >> 8);
    data[2] = 0x17;
    data[14] = type;
    data[15] = compression;
    memcpy(data + 18, body.at, body.length);
    say(talk, from, IO_CHANNEL, bytes_of(data, total));
}
#define SHARE_DATA(TALK, FROM, TYPE, LITERAL) share_data(TALK, FROM, TYPE, 0, bytes_of(LITERAL, sizeof(LITERAL) - 1))

/* A whole message in the static channel. */
static void channel_data(struct talk *talk, enum side from, struct bytes body)
{
    uint8_t data[1024] = {(uint8_t)body.length, (uint8_t)(body.length >> 8), 0, 0, 3};

    memcpy(data + 8, body.at, body.length);
    say(talk, from, CHANNEL, bytes_of(data, 8 + body.length));
}
#define CHANNEL_DATA(TALK, FROM, LITERAL) channel_data(TALK, FROM, bytes_of(LITERAL, sizeof(LITERAL) - 1))

static void fast(struct talk *talk, enum side from, struct bytes bytes)
{
    struct pdu *pdu = &talk->pdus[talk->count];

    memcpy(pdu->at, bytes.at, bytes.length);
    pdu->length = bytes.length;
    add_pdu(talk, from);
}
#define FAST(TALK, FROM, LITERAL) fast(TALK, FROM, bytes_of(LITERAL, sizeof(LITERAL) - 1))

static void play(const struct talk *talk, bool records_all)
{
    dialogue_play(&(struct dialogue){.server_port = 3389,
                                     .steps = talk->steps,
                                     .count = talk->count,
                                     .recording = {.passwords = records_all, .keystrokes = records_all}});
}

#define NO_HEADER "\x40\x00\x00\x00"
#define CLIENT_INFO \
    NO_HEADER "\x00\x00\x00\x00" "\x13\x00\x00\x00" "\x04\x00" "\x06\x00" "\x08\x00" "\x02\x00" "\x02\x00" \
    "E\0X\0\0\0" "b\0o\0b\0\0\0" "h\0u\0s\0h\0\0\0" "x\0\0\0" "/\0\0\0"

UNIT_TEST(rdp_session_client_info_and_its_password)
{
    struct talk *talk = new_talk(NULL);

    SAY(talk, FROM_CLIENT, IO_CHANNEL, CLIENT_INFO);
    SAY(talk, FROM_SERVER, IO_CHANNEL, "\x80\x00\x00\x00\xff\x03\x10\x00\x07\x00\x00\x00\x02\x00\x00\x00\x04\x00\x00\x00");
    SHARE_DATA(talk, FROM_SERVER, 47, "\x05\x00\x00\x00");
    FAST(talk, FROM_SERVER, "\x03\x00\x00\x09\x02\xf0\x80\x21\x80");
    play(talk, false);
    CHECK_TEXT(SESSION("user"), "bob");
    CHECK_TEXT(SESSION("domain"), "EX");
    CHECK_TEXT(SESSION("program"), "x");
    CHECK_TEXT(SESSION("working_directory"), "/");
    CHECK_TEXT(SESSION("password"), "");
    CHECK_TEXT(SESSION("licensing"), "STATUS_VALID_CLIENT");
    CHECK_TEXT(SESSION("error_info"), "ERRINFO_DISCONNECTED_BY_OTHERCONNECTION");
    CHECK_TEXT(SESSION("disconnect_reason"), "user-requested");
    CHECK_TEXT(EVENT(0, "kind"), "client_info");
    CHECK_TEXT(EVENT(0, "detail"), "domain EX, user bob, program x, working directory /");
    play(talk, true);
    CHECK_TEXT(SESSION("password"), "hush");
    CHECK(complaints() == 0);
    free(talk);
}

UNIT_TEST(rdp_session_input_by_the_clients_layout)
{
    struct talk *talk = new_talk(NULL);

    SAY(talk, FROM_CLIENT, IO_CHANNEL, CLIENT_INFO);
    /* fast path, a German keyboard: Shift, the key that is Y in the US, its release; then @ (AltGr+q), a click, a wheel, a letter as such */
    FAST(talk, FROM_CLIENT, "\x10\x0a\x00\x2a\x00\x15\x01\x15\x01\x2a");
    FAST(talk, FROM_CLIENT, "\x0c\x08\x02\x38\x00\x10\x03\x38");
    FAST(talk, FROM_CLIENT, "\x0c\x13\x20\x00\x80\x01\x00\x01\x00\x20\x78\x02\x01\x00\x01\x00\x80\x41\x00");
    /* slow path: Enter */
    SHARE_DATA(talk, FROM_CLIENT, 28, "\x01\x00\x00\x00" "\x00\x00\x00\x00\x04\x00\x00\x00\x1c\x00\x00\x00");
    play(talk, false);
    CHECK_TEXT(SESSION("key_events"), "8");
    CHECK_TEXT(SESSION("mouse_events"), "2");
    CHECK_TEXT(SESSION("wheel_events"), "1");
    CHECK_TEXT(SESSION("unicode_events"), "1");
    CHECK(dialogue_rows("rdp_event") == 1);
    play(talk, true);
    CHECK_TEXT(EVENT(1, "kind"), "keystrokes");
    CHECK_TEXT(EVENT(1, "detail"), "Z@A<Enter>");
    CHECK(complaints() == 0);
    free(talk);
}

UNIT_TEST(rdp_session_orders_are_followed)
{
    struct talk *talk = new_talk(NULL);

    /* OpaqueRect, type told; OpaqueRect again by one difference; a cache order of 8 bytes; a frame marker */
    FAST(talk, FROM_SERVER, "\x00\x22\x00\x1d\x00\x04\x00" "\x09\x0a\x0f\x01\x00\x02\x00\x03\x00\x04\x00" "\x11\x01\x05" "\x03\xfb\xff\x00\x00\x00\x00\x00" "\x36\x00\x00\x00\x00");
    play(talk, false);
    CHECK_TEXT(SESSION("drawing_orders"), "4");
    CHECK_TEXT(SESSION("screen_updates"), "1");
    CHECK(complaints() == 0);
    /* an order that does not exist */
    FAST(talk, FROM_SERVER, "\x00\x0a\x00\x05\x00\x01\x00\x09\x55\x01");
    play(talk, false);
    CHECK_TEXT(SESSION("drawing_orders"), "4");
    CHECK(complaints() == 1);
    free(talk);
}

UNIT_TEST(rdp_session_bitmaps_and_surfaces_in_fragments)
{
    struct talk *talk = new_talk(NULL);

    /* set surface bits of 8 bytes: 22 bytes of head over two fragments, its data over two more parts; then a frame marker */
    FAST(talk, FROM_SERVER, "\x00\x0f\x24\x0a\x00" "\x01\x00\x00\x00\x00\x00\x01\x00\x01\x00");
    FAST(talk, FROM_SERVER, "\x00\x13\x34\x0e\x00" "\x20\x00\x00\x00\x01\x00\x01\x00\x08\x00\x00\x00" "da");
    FAST(talk, FROM_SERVER, "\x00\x13\x14\x0e\x00" "ta1234" "\x04\x00\x00\x00\x01\x00\x00\x00");
    /* a bitmap update with one rectangle of 4 bytes, slow path */
    SHARE_DATA(talk, FROM_SERVER, 2, "\x01\x00\x01\x00" "\0\0\0\0\1\0\1\0\2\0\2\0\20\0\0\0" "\x04\x00" "bits");
    FAST(talk, FROM_SERVER, "\x00\x05\x05\x00\x00");
    play(talk, false);
    CHECK_TEXT(SESSION("screen_updates"), "2");
    CHECK_TEXT(SESSION("screen_rectangles"), "2");
    CHECK_TEXT(SESSION("pointer_updates"), "1");
    CHECK(complaints() == 0);
    free(talk);
}

UNIT_TEST(rdp_session_clipboard_and_dynamic_channels)
{
    struct talk *talk = new_talk("cliprdr");
    struct talk *dynamic = new_talk("drdynvc");

    CHANNEL_DATA(talk, FROM_SERVER, "\x04\x00\x00\x00\x04\x00\x00\x00\x0d\x00\x00\x00");
    /* the answer in two chunks */
    SAY(talk, FROM_CLIENT, CHANNEL, "\x10\x00\x00\x00\x01\x00\x00\x00" "\x05\x00\x01\x00\x08\x00\x00\x00" "h\0");
    SAY(talk, FROM_CLIENT, CHANNEL, "\x10\x00\x00\x00\x02\x00\x00\x00" "i\0!\0\0\0");
    play(talk, false);
    CHECK_TEXT(SESSION("clipboard_events"), "2");
    CHECK_TEXT(EVENT(0, "kind"), "clipboard_text");
    CHECK_TEXT(EVENT(0, "detail"), "hi!");
    CHANNEL_DATA(dynamic, FROM_SERVER, "\x10\x07" "ECHO\0");
    CHANNEL_DATA(dynamic, FROM_CLIENT, "\x10\x07\x00\x00\x00\x00");
    CHANNEL_DATA(dynamic, FROM_SERVER, "\x30\x07" "ping");
    CHANNEL_DATA(dynamic, FROM_CLIENT, "\x30\x07" "pong!");
    CHANNEL_DATA(dynamic, FROM_SERVER, "\x40\x07");
    play(dynamic, false);
    CHECK(dialogue_rows("rdp_channel") == 3);
    CHECK_TEXT(dialogue_value("rdp_channel", 2, "name"), "ECHO");
    CHECK_TEXT(dialogue_value("rdp_channel", 2, "kind"), "dynamic");
    CHECK_TEXT(dialogue_value("rdp_channel", 2, "parent"), "drdynvc");
    CHECK_TEXT(dialogue_value("rdp_channel", 2, "server_bytes"), "4");
    CHECK_TEXT(dialogue_value("rdp_channel", 2, "client_bytes"), "5");
    CHECK(complaints() == 0);
    free(talk);
    free(dynamic);
}

#define DEVICE "\x01\x00\x00\x00"
#define FILE_ID "\x09\x00\x00\x00"

UNIT_TEST(rdp_session_files_on_a_drive)
{
    struct talk *talk = new_talk("rdpdr");

    CHANNEL_DATA(talk, FROM_CLIENT, "rDAD" "\x01\x00\x00\x00" "\x08\x00\x00\x00" DEVICE "SHARED\0\0" "\0\0\0\0");
    CHANNEL_DATA(talk, FROM_SERVER, "rDRI" DEVICE "\0\0\0\0" "\x11\0\0\0" "\0\0\0\0" "\0\0\0\0" "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                    "\x0c\0\0\0" "\\\0d\0\\\0f\0.\0\0\0");
    CHANNEL_DATA(talk, FROM_CLIENT, "rDCI" DEVICE "\x11\0\0\0" "\0\0\0\0" FILE_ID "\0");
    CHANNEL_DATA(talk, FROM_SERVER, "rDRI" DEVICE FILE_ID "\x12\0\0\0" "\x04\0\0\0" "\0\0\0\0" "\x05\0\0\0" "\0\0\0\0\0\0\0\0" "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" "hello");
    CHANNEL_DATA(talk, FROM_SERVER, "rDRI" DEVICE FILE_ID "\x13\0\0\0" "\x02\0\0\0" "\0\0\0\0");
    CHANNEL_DATA(talk, FROM_CLIENT, "rDCI" DEVICE "\x13\0\0\0" "\0\0\0\0" "\0\0\0\0\0");
    play(talk, false);
    CHECK_TEXT(EVENT(0, "detail"), "drive SHARED");
    CHECK_TEXT(EVENT(2, "kind"), "file_written");
    CHECK_TEXT(EVENT(2, "detail"), "SHARED \\d\\f., 5 bytes");
    CHECK(dialogue_rows("file") == 1);
    CHECK_TEXT(dialogue_value("file", 0, "source"), "rdp");
    CHECK_TEXT(dialogue_value("file", 0, "name"), "f.");
    CHECK_TEXT(dialogue_value("file", 0, "from_side"), "server");
    CHECK_TEXT(dialogue_value("file", 0, "complete"), "1");
    CHECK_TEXT(dialogue_value("file", 0, "sha256"), "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    /* what is written with a hole has no digest */
    talk->pdus[talk->count - 3].at[4 + 11 + 8 + 4 + 20 + 4] = 7;
    play(talk, false);
    CHECK_TEXT(dialogue_value("file", 0, "complete"), "0");
    CHECK_TEXT(dialogue_value("file", 0, "sha256"), "");
    CHECK_TEXT(dialogue_value("file", 0, "size"), "");
    free(talk);
}

UNIT_TEST(rdp_mppc_undoes_both_histories)
{
    static const char bells[] = "for.whom.the.bell.tolls,.the.bell.tolls.for.thee!";
    static const char small[] = "for.whom.the.bell.tolls,\xf4\x37.for.thee!";
    static const char large[] = "for.whom.the.bell.tolls,\xfa\x1b\x97\x33\x7e\x87\xe3\x32\x90\x80";
    struct rdp_mppc *mppc = rdp_mppc_new();
    struct bytes plain;

    CHECK(rdp_mppc_read(mppc, 0xa0, bytes_of(small, sizeof small - 1), &plain));
    CHECK(bytes_equal(plain, bytes_of_text(bells)));
    CHECK(rdp_mppc_read(mppc, 0xa1, bytes_of(large, sizeof large - 1), &plain));
    CHECK(bytes_equal(plain, bytes_of_text(bells)));
    CHECK(!rdp_mppc_read(mppc, 0x22, bytes_of_text("RDP 6"), &plain));
    rdp_mppc_lost(mppc);
    CHECK(!rdp_mppc_read(mppc, 0x21, bytes_of_text("text"), &plain));
    CHECK(rdp_mppc_read(mppc, 0xa1, bytes_of_text("text"), &plain));
    /* a copy from before the history began */
    CHECK(!rdp_mppc_read(mppc, 0xa1, bytes_of("\xff\xff\xff\xff\xff\xff\xff\xff", 8), &plain));
    rdp_mppc_free(mppc);
}

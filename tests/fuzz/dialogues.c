/*
 * dialogues.c - what two sides say, through the conversation and its dissectors.
 *
 * An input is a flags byte (bit 0 and 1: the client's, the server's stream is not seen from its start; bit 2: who is the
 * client was guessed; bit 3: passwords are recorded; bit 4: an RDP server's key is given; bit 5: keystrokes are recorded; bit 6: a length of
 * 2 bytes, little endian, and so many of a TLS key log stand before the steps; bit 7: its secrets come late, one line with each question) and steps: an
 * operation byte, a length (2 bytes, little endian) and, for bytes, so many of them. Operation: bit 0 the side; bits 1-2
 * what happens (0, 1 bytes; 2 a gap of the length; 3 an end, or with bit 3 a refresh); bit 4: it happens on the data
 * connection that was announced last. make_seeds.py writes the same.
 */
#include "base/cursor.h"
#include "base/memory.h"
#include "dissectors/conversation.h"
#include "dissectors/rdp_private_keys.h"
#include "dissectors/tls_secrets.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#define ANNOUNCED_MOST 8
/* A dialogue that made the dissectors keep more than this for so little input has no bound. */
#define MEMORY_MOST ((size_t)64 << 20)

struct play {
    struct worker_services services;
    struct flow_facts facts;
    void *conversation;
    struct expectation announced[ANNOUNCED_MOST];
    unsigned announced_count;
    struct flow_facts data_facts;
    void *data_conversation;
    int64_t now_us;
};

static bool on_expect(void *worker, const struct expectation *expectation)
{
    struct play *play = worker;

    if (play->announced_count == ANNOUNCED_MOST)
        return false;
    play->announced[play->announced_count++] = *expectation;
    return true;
}

static void on_turn_around(void *worker, struct flow_facts *facts)
{
    (void)worker;
    ALWAYS(facts->client_is_guessed);
    facts->client_is_guessed = false;
}

/* The data connection: opened by the newest announcement, once that is needed. */
static void *data_conversation(struct play *play)
{
    if (play->data_conversation == NULL && play->announced_count > 0) {
        play->data_facts = (struct flow_facts){.flow_id = 2, .parent_flow_id = 1, .has_start = {true, true}};
        play->data_conversation = conversation_reader.open(&play->services, &play->data_facts, &play->announced[--play->announced_count]);
    }
    return play->data_conversation;
}

static void close_data(struct play *play)
{
    if (play->data_conversation != NULL)
        conversation_reader.close(play->data_conversation, play->now_us);
    play->data_conversation = NULL;
}

/* One delivery in memory of its own, so that a read behind its end is seen. */
static void deliver(void *conversation, enum side from, struct bytes bytes, int64_t now_us)
{
    uint8_t *copy = malloc(bytes.length);

    ALWAYS(copy != NULL);
    memcpy(copy, bytes.at, bytes.length);
    (void)conversation_reader.data(conversation, from, bytes_of(copy, bytes.length), now_us);
    free(copy);
}

static void step(struct play *play, struct cursor *input)
{
    uint8_t operation = take_u8(input);
    uint16_t length = take_u16_le(input);
    enum side from = (operation & 1) != 0 ? FROM_SERVER : FROM_CLIENT;
    bool is_data = (operation & 16) != 0;
    void *conversation = is_data ? data_conversation(play) : play->conversation;
    struct bytes bytes;

    play->now_us += 1000;
    if (!cursor_is_good(input) || conversation == NULL)
        return;
    switch (operation >> 1 & 3) {
    case 2:
        (void)conversation_reader.gap(conversation, from, length + 1u, play->now_us);
        break;
    case 3:
        if ((operation & 8) != 0) {
            conversation_reader.tick(play->services.reader_memory);
            conversation_reader.refresh(conversation, play->now_us);
        } else if (is_data) {
            close_data(play);
        } else {
            conversation_reader.end(conversation, from, (enum ending)(length % 4), play->now_us);
        }
        break;
    default:
        bytes = take_up_to(input, length);
        if (bytes.length > 0)
            deliver(conversation, from, bytes, play->now_us);
        break;
    }
}

/* The key of the case rdp/keyed (tests/record/rdp_dialogues.py): with it the fuzzer reaches what standard RDP security encrypts. */
static const char rdp_key[] =
    "pub_exp=0x01,0x00,0x01,0x00\n"
    "pub_mod="
    "0xc5,0xae,0x28,0xf0,0x7d,0xa5,0x88,0x45,0xc1,0x1e,0x30,0x9c,0xf3,0x78,0xf3,0x3a,0x06,0x61,0x3a,0x48,0xe7,0x23,0xcb,0x59,"
    "0xa1,0x74,0xf0,0x98,0x25,0x50,0x4c,0x28,0xdd,0x24,0x56,0x66,0xda,0xf5,0x2f,0x34,0x97,0x5e,0x27,0x62,0xe3,0x6e,0xda,0xf9,"
    "0x63,0xbb,0x87,0x5b,0x3e,0x64,0xfa,0xe2,0xb8,0xdb,0x7f,0xa0,0xd9,0xca,0xe0,0xd5" "\n"
    "pri_exp="
    "0xed,0x53,0x9a,0x36,0xa9,0xbe,0x92,0x28,0x66,0x1d,0x85,0xa2,0x40,0x8d,0x9a,0x88,0x31,0x3e,0x37,0xdc,0x58,0xfc,0x94,0x38,"
    "0x1b,0x05,0x22,0x2f,0x9f,0x9f,0xd7,0x5c,0xfd,0x96,0x53,0x2f,0x66,0xe4,0xe5,0x07,0x1b,0x77,0x97,0x1e,0x9a,0xde,0x73,0x99,"
    "0x13,0xc2,0x90,0x99,0x82,0x90,0x42,0xa3,0x70,0x1c,0xaa,0x6e,0x73,0x2a,0x3a,0x08" "\n";

/* Made once; the fuzzer's process ends with it. */
static const struct rdp_private_keys *known_rdp_keys(void)
{
    static struct rdp_private_keys *keys;
    char text[sizeof rdp_key];

    if (keys == NULL) {
        memcpy(text, rdp_key, sizeof text);
        ALWAYS(rdp_private_keys_add_text(&keys, text, sizeof text - 1, "the fuzzer's key"));
    }
    return keys;
}

/* A key log, which comes at once or line by line. */
struct key_log {
    struct bytes text;
    struct tls_line_counts counts;
};

static void on_asked(void *context, struct tls_secrets *secrets, bool is_last)
{
    struct key_log *log = context;
    struct bytes line = log->text;
    const uint8_t *end;

    if (line.length == 0)
        return;
    end = memchr(line.at, '\n', line.length);
    if (!is_last && end != NULL)
        line.length = (size_t)(end - line.at) + 1;
    log->text = bytes_of(log->text.at + line.length, log->text.length - line.length);
    tls_secrets_add_lines(secrets, line, &log->counts);
}

static struct tls_secrets *secrets_of(uint8_t flags, struct cursor *input, struct key_log *log)
{
    struct tls_secrets *secrets;

    if ((flags & 64) == 0)
        return NULL;
    secrets = tls_secrets_new();
    log->text = take_up_to(input, take_u16_le(input));
    tls_secrets_set_given(secrets);
    if ((flags & 128) != 0) {
        tls_secrets_set_growing(secrets, true);
        tls_secrets_set_feeder(secrets, (struct tls_feeder){.feed = on_asked, .context = log});
    } else {
        on_asked(log, secrets, true);
    }
    return secrets;
}

static void play_dialogue(uint16_t port, struct bytes input)
{
    struct cursor cursor = cursor_over(input);
    uint8_t flags = take_u8(&cursor);
    struct play play = {.now_us = 1700000000000000};
    struct recording_options recording = {.passwords = (flags & 8) != 0, .keystrokes = (flags & 32) != 0, .rdp_keys = (flags & 16) != 0 ? known_rdp_keys() : NULL};
    struct key_log log = {.text = {.length = 0}};
    size_t before = memory_in_use();

    if (!cursor_is_good(&cursor))
        return;
    recording.tls_secrets = secrets_of(flags, &cursor, &log);
    play.services = (struct worker_services){
        .worker = &play, .write = fuzz_write_row, .next_id = fuzz_next_id, .expect = on_expect, .turn_around = on_turn_around, .recording = &recording,
        .reader_memory = conversation_reader.begin()};
    play.facts = (struct flow_facts){
        .flow_id = 1, .server_port = port, .client_port = 40000, .client_is_guessed = (flags & 4) != 0, .has_start = {(flags & 1) == 0, (flags & 2) == 0}};
    play.conversation = conversation_reader.open(&play.services, &play.facts, NULL);
    while (play.conversation != NULL && cursor_left(&cursor) > 0 && cursor_is_good(&cursor)) {
        step(&play, &cursor);
        ALWAYS(memory_in_use() - before < MEMORY_MOST);
    }
    close_data(&play);
    if (play.conversation != NULL)
        conversation_reader.close(play.conversation, play.now_us);
    while (play.announced_count > 0) {
        const struct expectation *left = &play.announced[--play.announced_count];

        if (left->release != NULL)
            left->release(left->shared);
    }
    conversation_reader.finish(play.services.reader_memory);
    tls_secrets_free(recording.tls_secrets);
    ALWAYS(memory_in_use() == before);
}

void fuzz_smtp(struct bytes input)
{
    play_dialogue(25, input);
}

void fuzz_ssh(struct bytes input)
{
    play_dialogue(22, input);
}

void fuzz_http(struct bytes input)
{
    play_dialogue(3128, input);
}

void fuzz_websocket(struct bytes input)
{
    play_dialogue(80, input);
}

void fuzz_http2(struct bytes input)
{
    play_dialogue(8080, input);
}

void fuzz_rdp(struct bytes input)
{
    play_dialogue(3389, input);
}

void fuzz_ftp(struct bytes input)
{
    play_dialogue(21, input);
}

void fuzz_tls(struct bytes input)
{
    play_dialogue(443, input);
}

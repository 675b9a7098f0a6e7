/*
 * dialogues.c - what two sides say, through the conversation and its dissectors.
 *
 * An input is a flags byte (bit 0 and 1: the client's, the server's stream is not seen from its start; bit 2: who is the
 * client was guessed; bit 3: passwords are recorded) and steps: an
 * operation byte, a length (2 bytes, little endian) and, for bytes, so many of them. Operation: bit 0 the side; bits 1-2
 * what happens (0, 1 bytes; 2 a gap of the length; 3 an end, or with bit 3 a refresh); bit 4: it happens on the data
 * connection that was announced last. make_seeds.py writes the same.
 */
#include "base/cursor.h"
#include "base/memory.h"
#include "dissectors/conversation.h"
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
        if ((operation & 8) != 0)
            conversation_reader.refresh(conversation, play->now_us);
        else if (is_data)
            close_data(play);
        else
            conversation_reader.end(conversation, from, (enum ending)(length % 4), play->now_us);
        break;
    default:
        bytes = take_up_to(input, length);
        if (bytes.length > 0)
            deliver(conversation, from, bytes, play->now_us);
        break;
    }
}

static void play_dialogue(uint16_t port, struct bytes input)
{
    struct cursor cursor = cursor_over(input);
    uint8_t flags = take_u8(&cursor);
    struct play play = {.now_us = 1700000000000000};
    struct recording_options recording = {.passwords = (flags & 8) != 0};
    size_t before = memory_in_use();

    if (!cursor_is_good(&cursor))
        return;
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

void fuzz_websocket(struct bytes input)
{
    play_dialogue(80, input);
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

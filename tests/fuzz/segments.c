/*
 * segments.c - TCP segments of both sides through the streams stage, with a reader that checks what it is told.
 *
 * An input is a byte (bits 0-2 the policy, bit 3 small memory) and segments of 8 bytes: side and what is odd about it, TCP flags,
 * offset (2 bytes, in units of 1 or 256), acknowledgment (1 byte, relative to what was sent), length, milliseconds since the
 * one before. Payload bytes follow from their place in the stream, and differ for segments that are marked as forged: what
 * arrives at the reader is checked against that.
 */
#include "base/cursor.h"
#include "base/finding.h"
#include "base/memory.h"
#include "capture/capture.h"
#include "streams/streams.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

enum oddity {
    ODD_SERVER = 1,
    ODD_FAR = 2,     /* the offset is in units of 256 */
    ODD_WRONG = 4,   /* a wrong checksum */
    ODD_FORGED = 8,  /* other bytes than the stream's */
    ODD_CUT = 16,    /* half of the payload is captured */
    ODD_PORT = 32,   /* another connection */
    ODD_LOW_TTL = 64,
    ODD_OLD = 128,   /* an old timestamp */
};

struct side_story {
    uint64_t bytes;
    uint64_t missing;
    bool has_ended;
};

struct story {
    bool is_open;
    struct side_story side[SIDE_COUNT];
};

static unsigned open_stories;

static void *on_open(const struct worker_services *services, struct flow_facts *facts, const struct expectation *expected)
{
    struct story *story = calloc(1, sizeof *story);

    (void)services;
    (void)facts;
    ALWAYS(expected == NULL);
    ALWAYS(story != NULL);
    story->is_open = true;
    open_stories++;
    return story;
}

static bool on_data(void *conversation, enum side from, struct bytes bytes, int64_t time_us)
{
    struct story *story = conversation;
    volatile uint8_t sum = 0;

    (void)time_us;
    ALWAYS(story->is_open && bytes.length > 0);
    for (size_t i = 0; i < bytes.length; i++)
        sum = (uint8_t)(sum + bytes.at[i]); /* all of it can be read */
    story->side[from].bytes += bytes.length;
    return true;
}

static bool on_gap(void *conversation, enum side from, uint64_t count, int64_t time_us)
{
    struct story *story = conversation;

    (void)time_us;
    ALWAYS(story->is_open && count > 0);
    story->side[from].missing += count;
    return true;
}

static void on_end(void *conversation, enum side from, enum ending ending, int64_t time_us)
{
    struct story *story = conversation;

    (void)time_us;
    ALWAYS(story->is_open && ending <= ENDING_CAPTURE);
    ALWAYS(!story->side[from].has_ended);
    story->side[from].has_ended = true;
}

static void on_close(void *conversation, int64_t time_us)
{
    struct story *story = conversation;

    (void)time_us;
    ALWAYS(story->is_open);
    ALWAYS(story->side[FROM_CLIENT].has_ended && story->side[FROM_SERVER].has_ended);
    open_stories--;
    free(story);
}

static const struct stream_reader reader = {.open = on_open, .data = on_data, .gap = on_gap, .end = on_end, .close = on_close};

static struct packet make_segment(struct cursor *input, int64_t *now_us, uint8_t payload[256])
{
    uint8_t odd = take_u8(input);
    uint8_t flags = take_u8(input) & 0x3f;
    uint32_t offset = take_u16_le(input);
    uint8_t acknowledged = take_u8(input);
    uint8_t window = take_u8(input);
    uint8_t length = take_u8(input);
    uint8_t pause = take_u8(input);
    bool is_server = (odd & ODD_SERVER) != 0;
    struct packet packet = {.decoded = DECODED, .protocol = IP_PROTOCOL_TCP, .has_transport = true, .capture_id = 1};
    static const uint8_t addresses[2][4] = {{10, 0, 0, 1}, {10, 0, 0, 2}};

    if ((odd & ODD_FAR) != 0)
        offset *= 256;
    *now_us += (int64_t)pause * pause * 1000;
    packet.time_us = *now_us;
    packet.clock_us = *now_us;
    packet.source = address_from_ipv4(addresses[is_server]);
    packet.destination = address_from_ipv4(addresses[!is_server]);
    packet.source_port = is_server ? 25 : (odd & ODD_PORT) != 0 ? 40001 : 40000;
    packet.destination_port = is_server ? (odd & ODD_PORT) != 0 ? 40001 : 40000 : 25;
    packet.sequence = 0xffffff00u + offset;
    packet.acknowledgment = 0xffffff00u + acknowledged * 4u;
    packet.window = (uint16_t)(window * 16u);
    packet.tcp_flags = flags;
    packet.urgent = acknowledged;
    packet.ttl = (odd & ODD_LOW_TTL) != 0 ? 3 : 64;
    packet.checksum = (odd & ODD_WRONG) != 0 ? CHECKSUM_WRONG : CHECKSUM_GOOD;
    for (unsigned i = 0; i < length; i++)
        payload[i] = (uint8_t)((odd & ODD_FORGED) != 0 ? 0xee : offset + i);
    packet.payload = bytes_of(payload, (odd & ODD_CUT) != 0 ? length / 2u : length);
    packet.payload_length = length;
    packet.options.has_timestamp = true;
    packet.options.timestamp = (odd & ODD_OLD) != 0 ? 0 : (uint8_t)(*now_us >> 20);
    return packet;
}

void fuzz_reassembly(struct bytes input)
{
    struct cursor cursor = cursor_over(input);
    uint8_t mode = take_u8(&cursor);
    size_t before = memory_in_use();
    int64_t now_us = 1700000000000000;
    struct streams_options options = {
        .reader = &reader,
        .write = fuzz_write_row,
        .next_id = fuzz_next_id,
        .tcp_policy = (enum overlap_policy)((mode & 7) % OVERLAP_POLICIES),
        .memory_limit = (mode & 8) != 0 ? before + 40000 : (size_t)1 << 30,
    };
    struct streams *streams = streams_new(&options);
    uint8_t payload[256];

    ALWAYS(streams != NULL);
    while (cursor_left(&cursor) >= 8) {
        struct packet packet = make_segment(&cursor, &now_us, payload);

        streams_packets(streams, &packet, 1);
        if (packet.tcp_flags == 0x3f)
            streams_tick(streams, now_us);
    }
    streams_finish(streams);
    streams_free(streams);
    ALWAYS(open_stories == 0);
    ALWAYS(memory_in_use() == before);
}

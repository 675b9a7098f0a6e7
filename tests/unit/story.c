/* story.c - see story.h */
#include "tests/unit/story.h"

#include "base/finding.h"
#include "capture/capture.h"

#include <stdio.h>
#include <stdlib.h>

struct text story = {.limit = 1 << 20};
unsigned findings;
static char finding_name[64];
static int64_t ids;
bool names_bytes = true; /* otherwise only counts are written down */

static void *on_open(const struct worker_services *services, struct flow_facts *facts, const struct expectation *expected)
{
    (void)services;
    if (expected != NULL)
        text_append_text(&story, "expected ");
    return facts;
}

static bool on_data(void *conversation, enum side from, struct bytes bytes, int64_t time_us)
{
    (void)conversation;
    (void)time_us;
    text_append_format(&story, "%c:", side_name(from)[0]);
    if (names_bytes)
        text_append(&story, bytes);
    else
        text_append_format(&story, "%zu", bytes.length);
    text_append_text(&story, " ");
    return true;
}

static bool on_gap(void *conversation, enum side from, uint64_t count, int64_t time_us)
{
    (void)conversation;
    (void)time_us;
    text_append_format(&story, "%c<%llu> ", side_name(from)[0], (unsigned long long)count);
    return true;
}

static void on_end(void *conversation, enum side from, enum ending ending, int64_t time_us)
{
    static const char *const endings[] = {"fin", "reset", "timeout", "capture"};

    (void)conversation;
    (void)time_us;
    text_append_format(&story, "%c.%s ", side_name(from)[0], endings[ending]);
}

static void on_close(void *conversation, int64_t time_us)
{
    (void)conversation;
    (void)time_us;
    text_append_text(&story, "| ");
}

const struct stream_reader story_reader = {.open = on_open, .data = on_data, .gap = on_gap, .end = on_end, .close = on_close};

static void on_write(void *context, const struct record_table *table, const void *record)
{
    (void)context;
    if (table == &finding_table) {
        const struct finding *finding = record;

        findings++;
        snprintf(finding_name, sizeof finding_name, "%.*s", (int)finding->name.value.length, (const char *)finding->name.value.at);
        return;
    }
    if (table != &flow_table)
        return;
    for (size_t i = 0; i < table->column_count; i++) {
        const struct record_column *column = &table->columns[i];
        const void *member = (const uint8_t *)record + column->offset;

        if (strcmp(column->name, "state") == 0) {
            const struct record_text *state = member;
            text_append(&story, state->value);
        }
        if (strcmp(column->name, "client_bytes") == 0 || strcmp(column->name, "server_bytes") == 0)
            text_append_format(&story, "/%lld", (long long)((const struct record_integer *)member)->value);
    }
    text_append_text(&story, " ");
}

static int64_t on_next_id(void *context, enum id_kind kind)
{
    (void)context;
    (void)kind;
    return ++ids;
}

struct streams *begin_with(enum overlap_policy policy)
{
    struct streams_options options = {
        .reader = &story_reader,
        .write = on_write,
        .next_id = on_next_id,
        .memory_limit = 1 << 26,
        .tcp_policy = policy,
    };

    text_clear(&story);
    findings = 0;
    finding_name[0] = '\0';
    ids = 0;
    names_bytes = true;
    return streams_new(&options);
}

struct streams *begin(void)
{
    return begin_with(OVERLAP_LINUX);
}

const char *newest_finding(void)
{
    return finding_name;
}

const char *finish(struct streams *streams)
{
    streams_finish(streams);
    streams_free(streams);
    return story.at != NULL ? story.at : "";
}

int64_t clock_us = 1000000;

/* A packet; `offset` counts the stream's bytes, -1 is the SYN itself. */
struct packet make(enum side from, uint8_t flags, int64_t offset, const char *payload)
{
    static const uint8_t addresses[2][4] = {{10, 0, 0, 1}, {10, 0, 0, 2}};
    struct packet packet = {.decoded = DECODED, .protocol = IP_PROTOCOL_TCP, .has_transport = true, .capture_id = 1};

    packet.source = address_from_ipv4(addresses[from == FROM_CLIENT ? 0 : 1]);
    packet.destination = address_from_ipv4(addresses[from == FROM_CLIENT ? 1 : 0]);
    packet.source_port = from == FROM_CLIENT ? 40000 : 25;
    packet.destination_port = from == FROM_CLIENT ? 25 : 40000;
    packet.sequence = (from == FROM_CLIENT ? CLIENT_START : SERVER_START) + 1 + (uint32_t)offset;
    packet.tcp_flags = flags;
    packet.window = 65535;
    packet.ttl = 64;
    packet.payload = bytes_of_text(payload);
    packet.payload_length = (uint32_t)strlen(payload);
    packet.time_us = clock_us += 1000;
    packet.clock_us = packet.time_us;
    return packet;
}

/* `acknowledged`: how many bytes of the other side. */
void send_segment(struct streams *streams, enum side from, int64_t offset, const char *payload, int64_t acknowledged)
{
    struct packet packet = make(from, TCP_ACK, offset, payload);

    packet.acknowledgment = (from == FROM_CLIENT ? SERVER_START : CLIENT_START) + 1 + (uint32_t)acknowledged;
    streams_packets(streams, &packet, 1);
}

void send_flags(struct streams *streams, enum side from, uint8_t flags, int64_t offset, int64_t acknowledged)
{
    struct packet packet = make(from, flags, offset, "");

    packet.acknowledgment = (from == FROM_CLIENT ? SERVER_START : CLIENT_START) + 1 + (uint32_t)acknowledged;
    streams_packets(streams, &packet, 1);
}

void handshake(struct streams *streams)
{
    send_flags(streams, FROM_CLIENT, TCP_SYN, -1, -1);
    send_flags(streams, FROM_SERVER, TCP_SYN | TCP_ACK, -1, 0);
    send_flags(streams, FROM_CLIENT, TCP_ACK, 0, 0);
}


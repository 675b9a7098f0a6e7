/* test_evidence.c - where packets lie: steps there and back, rows of flows that are long. */
#include "base/evidence.h"

#include "streams/places.h"
#include "streams/streams.h"
#include "tests/unit/check.h"

UNIT_TEST(evidence_steps_come_back)
{
    static const uint64_t positions[] = {24, 114, 200, 100, 100, 0, UINT64_MAX, 5, (uint64_t)1 << 63, 24};
    uint8_t steps[sizeof positions / sizeof positions[0] * EVIDENCE_STEP_MOST];
    size_t length = 0;
    uint64_t before = 0;
    struct bytes rest;

    for (size_t i = 0; i < sizeof positions / sizeof positions[0]; i++) {
        length += evidence_write_step(before, positions[i], steps + length);
        before = positions[i];
    }
    rest = bytes_of(check_against_the_edge(steps, length), length);
    before = 0;
    for (size_t i = 0; i < sizeof positions / sizeof positions[0]; i++) {
        CHECK(evidence_read_step(&rest, before, &before));
        CHECK(before == positions[i]);
    }
    CHECK(rest.length == 0 && !evidence_read_step(&rest, before, &before));
    for (size_t i = 0; i < 12; i++)
        steps[i] = 0x80; /* never ends */
    rest = bytes_of(steps, 12);
    CHECK(!evidence_read_step(&rest, 0, &before));
    rest = bytes_of(steps, 3);
    CHECK(!evidence_read_step(&rest, 0, &before));
}

UNIT_TEST(evidence_is_sorted_and_each_record_stands_once)
{
    struct evidence evidence = {.count = 0};
    struct evidence_file *file = evidence_add_file(&evidence, 7);

    CHECK(evidence_add(file, 300) && evidence_add(file, 24) && evidence_add(file, 300) && evidence_add(file, 100));
    evidence_sort(&evidence);
    CHECK(file->count == 3 && file->positions[0] == 24 && file->positions[1] == 100 && file->positions[2] == 300);
    evidence_free(&evidence);
}

static size_t rows;
static int64_t packets;
static int64_t newest_capture;

static void on_row(void *context, const struct record_table *table, const void *record)
{
    (void)context;
    CHECK(table == &flow_packets_table);
    rows++;
    newest_capture = ((const struct record_integer *)((const uint8_t *)record + table->columns[1].offset))->value;
    packets += ((const struct record_integer *)((const uint8_t *)record + table->columns[2].offset))->value;
}

UNIT_TEST(evidence_of_a_long_flow_is_written_in_rows)
{
    struct places places = {.packets = 0};
    const struct places_writer writer = {.flow_id = 3, .write = on_row};
    struct packet packet = {.capture_id = 1};
    const struct packet_place pieces[2] = {{2, 24}, {2, 99}};

    rows = 0;
    packets = 0;
    for (uint64_t i = 0; i < 10000; i++) {
        packet.position = 24 + i * 1500;
        places_add(&places, &packet, &writer);
    }
    CHECK(rows > 2 && rows < 20);
    packet.places = pieces; /* a datagram of two fragments, in another file */
    packet.place_count = 2;
    places_add(&places, &packet, &writer);
    CHECK(packets == 10000 && newest_capture == 1);
    places_end(&places, &writer);
    CHECK(packets == 10002 && newest_capture == 2);
}

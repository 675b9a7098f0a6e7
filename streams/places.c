/* places.c - see places.h */
#include "streams/places.h"

#include "base/memory.h"
#include "streams/streams.h"

#define FLOW_PACKETS(COLUMN, LATER, R) \
    COLUMN(R, integer, flow_id, "the flow: flows.flow_id") \
    COLUMN(R, integer, capture_id, "the capture file: captures.capture_id") \
    COLUMN(R, integer, packets, "records of this row; a flow may have several rows, in the order of its packets") \
    COLUMN(R, integer, first_position, "where the first record begins; bytes of the uncompressed file") \
    COLUMN(R, blob, steps, "the others, each as the difference to the one before: zigzag, LEB128; NULL where there is only one")

RECORD_STRUCT(flow_packets, FLOW_PACKETS);
RECORD_COLUMNS(flow_packets, FLOW_PACKETS);

const struct record_table flow_packets_table = {
    .table = "flow_packets",
    .view = NULL, /* for `wirescribe pcap`; nothing that SQL could use */
    .doc = "where packets of one flow lie in one capture file",
    .kind = RECORD_VIEW_PLAIN,
    .columns = flow_packets_columns,
    .column_count = RECORD_COLUMN_COUNT(flow_packets_columns),
    /* no index: making it costs more than passing over the table when packets are asked for */
};

static uint8_t *steps_of(struct places *places)
{
    return places->capacity > 0 ? places->steps.heap : places->steps.own;
}

/* Writes a row, and begins anew. The memory stays. */
static void flush(struct places *places, const struct places_writer *writer)
{
    struct flow_packets row = {
        .flow_id = record_integer(writer->flow_id),
        .capture_id = record_integer(places->capture_id),
        .packets = record_integer(places->packets),
        .first_position = record_integer((int64_t)places->first),
    };

    if (places->packets == 0)
        return;
    if (places->used > 0)
        row.steps = record_blob(bytes_of(steps_of(places), places->used));
    writer->write(writer->context, &flow_packets_table, &row);
    places->packets = 0;
    places->used = 0;
}

/* False: the row is full, or memory is. */
static bool make_room(struct places *places)
{
    size_t capacity = places->capacity > 0 ? places->capacity : PLACES_INLINE;
    size_t grown = capacity * 4;
    uint8_t *heap;

    if ((size_t)places->used + EVIDENCE_STEP_MOST <= capacity)
        return true;
    if (grown > PLACES_BYTES_MOST)
        return false;
    heap = memory_resize(places->capacity > 0 ? places->steps.heap : NULL, grown);
    if (heap == NULL)
        return false;
    if (places->capacity == 0)
        memcpy(heap, places->steps.own, places->used);
    places->steps.heap = heap;
    places->capacity = (uint16_t)grown;
    return true;
}

static void add_place(struct places *places, int64_t capture_id, uint64_t position, const struct places_writer *writer)
{
    uint8_t step[EVIDENCE_STEP_MOST];

    if (places->packets > 0 && (places->capture_id != capture_id || !make_room(places)))
        flush(places, writer);
    if (places->packets == 0) {
        places->capture_id = capture_id;
        places->first = position;
    } else {
        size_t length = evidence_write_step(places->newest, position, step);

        memcpy(steps_of(places) + places->used, step, length);
        places->used = (uint16_t)(places->used + length);
    }
    places->newest = position;
    places->packets++;
}

void places_add(struct places *places, const struct packet *packet, const struct places_writer *writer)
{
    if (packet->places == NULL) {
        add_place(places, packet->capture_id, packet->position, writer);
        return;
    }
    for (unsigned i = 0; i < packet->place_count; i++)
        add_place(places, packet->places[i].capture_id, packet->places[i].position, writer);
}

void places_end(struct places *places, const struct places_writer *writer)
{
    flush(places, writer);
    if (places->capacity > 0)
        memory_free(places->steps.heap);
    *places = (struct places){.packets = 0};
}

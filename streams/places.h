/*
 * places.h - where the packets of one flow lie in its capture files: the table `flow_packets`.
 *
 * A flow of a few packets needs no memory beside its own; a longer one is written out piece by piece.
 */
#ifndef WIRESCRIBE_STREAMS_PLACES_H
#define WIRESCRIBE_STREAMS_PLACES_H

#include "base/evidence.h"
#include "base/packet.h"
#include "base/record.h"

/* Steps that are kept before they are written as a row. */
#define PLACES_BYTES_MOST 4096
#define PLACES_INLINE 16

struct places {
    int64_t capture_id;
    uint64_t first;
    uint64_t newest;
    uint32_t packets; /* since the newest row */
    uint16_t used;
    uint16_t capacity; /* of `heap`; 0: the steps lie in `own` */
    union {
        uint8_t own[PLACES_INLINE];
        uint8_t *heap; /* owned */
    } steps;
};

/* Who writes the rows. */
struct places_writer {
    int64_t flow_id;
    void *context;
    void (*write)(void *context, const struct record_table *table, const void *record);
};

/* Adds a packet, or all the frames that it came in. Where memory is out, what is kept is written first. */
void places_add(struct places *places, const struct packet *packet, const struct places_writer *writer);

/* Writes what is kept, and frees it. */
void places_end(struct places *places, const struct places_writer *writer);

#endif

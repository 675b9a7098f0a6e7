/* anomaly.c - see anomaly.h; the table `anomaly`. */
#include "capture/anomaly.h"

/* Makes the rows' key out of the capture's: more kinds than any stage will have. */
#define KEYS_A_CAPTURE 1000
#define KEYS_OF_TOTALS 500

#define ANOMALY(COLUMN, LATER, R) \
    COLUMN(R, integer, anomaly_id, "one number for each capture and kind") \
    COLUMN(R, integer, capture_id, "the capture that it was met in: captures.capture_id; for stages behind decoding the first one of the run") \
    COLUMN(R, text, stage, "where it was noticed: 'decode', while the headers of its packets were read; 'streams', while connections were followed; 'secrets', in what captures hold to decrypt them") \
    COLUMN(R, text, name, "the kind of anomaly") \
    COLUMN(R, integer, packets, "packets that have it, or how often it happened; one packet may have several kinds") \
    COLUMN(R, integer, first_us, "the first of them that was read; microseconds since the epoch, UTC") \
    COLUMN(R, text, explanation, "what it means")

RECORD_STRUCT(anomaly_row, ANOMALY);
RECORD_COLUMNS(anomaly_row, ANOMALY);

const struct record_table anomaly_table = {
    .table = "anomaly",
    .view = "anomalies",
    .doc = "one kind of anomaly that packets of one capture have; a datagram that was put together from fragments counts as a packet of its own",
    .kind = RECORD_VIEW_PLAIN,
    .replaces = true,
    .columns = anomaly_row_columns,
    .column_count = RECORD_COLUMN_COUNT(anomaly_row_columns),
};

#define ANOMALY_ENTRY(NAME, TEXT, EXPLANATION) {TEXT, EXPLANATION},
static const struct {
    const char *name;
    const char *explanation;
} kinds[ANOMALY_KINDS] = {DECODE_ANOMALIES(ANOMALY_ENTRY)};

const char *anomaly_name(enum decode_anomaly kind)
{
    return kinds[kind].name;
}

void anomaly_count(struct anomaly_counts *counts, const struct packet *packet)
{
    for (uint64_t left = packet->anomalies; left != 0; left &= left - 1) {
        int kind = __builtin_ctzll(left);

        if (counts->packets[kind]++ == 0)
            counts->first_us[kind] = packet->time_us;
    }
}

void anomaly_add(struct anomaly_counts *counts, enum decode_anomaly kind, uint64_t count, int64_t time_us)
{
    if (count > 0 && counts->packets[kind] == 0)
        counts->first_us[kind] = time_us;
    counts->packets[kind] += count;
}

void anomaly_write_total(int64_t first_capture_id, unsigned number, const char *stage, const char *name, uint64_t count, const char *explanation,
                         void *context, void (*write)(void *context, const struct record_table *table, const void *record))
{
    const struct anomaly_row row = {
        .anomaly_id = record_integer(first_capture_id * KEYS_A_CAPTURE + KEYS_OF_TOTALS + number),
        .capture_id = record_integer(first_capture_id),
        .stage = record_text_of(stage),
        .name = record_text_of(name),
        .packets = record_integer((int64_t)count),
        .explanation = record_text_of(explanation),
    };

    write(context, &anomaly_table, &row);
}

void anomaly_write(const struct anomaly_counts *counts, int64_t capture_id, void *context,
                   void (*write)(void *context, const struct record_table *table, const void *record))
{
    for (int kind = 0; kind < ANOMALY_KINDS; kind++) {
        struct anomaly_row row = {
            .anomaly_id = record_integer(capture_id * KEYS_A_CAPTURE + kind),
            .capture_id = record_integer(capture_id),
            .stage = record_text_of("decode"),
            .name = record_text_of(kinds[kind].name),
            .packets = record_integer((int64_t)counts->packets[kind]),
            .first_us = record_integer(counts->first_us[kind]),
            .explanation = record_text_of(kinds[kind].explanation),
        };

        if (counts->packets[kind] > 0)
            write(context, &anomaly_table, &row);
    }
}

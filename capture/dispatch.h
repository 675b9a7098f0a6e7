/*
 * dispatch.h - the second half of the capture stage: a frame is filtered, decoded,
 * counted and copied into the batch of the worker that its addresses belong to.
 */
#ifndef WIRESCRIBE_CAPTURE_DISPATCH_H
#define WIRESCRIBE_CAPTURE_DISPATCH_H

#include "base/clock.h"
#include "capture/anomaly.h"
#include "capture/capture.h"
#include "capture/fragments.h"

#include <pcap/pcap.h>

/* Findings of overlapping fragments that one run writes; all are counted. */
#define DISPATCH_FRAGMENT_FINDINGS 1000
/* Link types that one run may meet under a filter. */
#define DISPATCH_FILTERS 32

struct compiled_filter {
    int link_type;
    struct bpf_program program;
};

struct dispatch {
    const struct capture_options *options;
    struct capture_totals *totals;
    struct packet_batch **batches; /* owned; one a worker, NULL: none begun */
    bool may_wait;                 /* a file waits for the workers, a device does not */
    bool is_abandoned;
    struct capture_clock clock;
    struct fragments *fragments; /* owned */
    unsigned fragment_findings;
    struct compiled_filter filters[DISPATCH_FILTERS];
    unsigned filter_count;
    int64_t progress_ns; /* monotonic time of the next progress call */
    unsigned until_clock;
    /* of the present capture */
    int64_t capture_id;
    int64_t earliest_us;
    int64_t latest_us;
    uint64_t packets;
    uint64_t wire_bytes;
    uint64_t decode_errors;
    struct anomaly_counts anomalies;
};

/* False: out of memory. */
bool dispatch_init(struct dispatch *dispatch, const struct capture_options *options, struct capture_totals *totals, bool may_wait);
void dispatch_free(struct dispatch *dispatch);

/* The run is over: what still waits for fragments is counted, and told in the row of the newest capture. */
void dispatch_end(struct dispatch *dispatch);

/* Begins the counts of another file or device. */
void dispatch_begin_capture(struct dispatch *dispatch, int64_t capture_id);

/* Fills the counts of the present capture into its row and writes it, with a row for each kind of anomaly that was met. */
void dispatch_write_row(const struct dispatch *dispatch, struct capture *row);

/* The filter for that link type; NULL where the options name none. False: it does not compile (an error was logged). */
bool dispatch_filter(struct dispatch *dispatch, int link_type, const struct bpf_program **filter);

/* One frame. False: the run is abandoned, or has all the packets it wanted. */
bool dispatch_frame(struct dispatch *dispatch, const struct bpf_program *filter, int link_type, int64_t time_us, uint64_t position, struct bytes frame,
                    uint32_t wire_length);

/* Sends off what is in the batches; with `is_tick` a batch to every worker, empty or not. */
void dispatch_flush(struct dispatch *dispatch, bool is_tick);

/* Calls the progress function if it is due. */
void dispatch_progress(struct dispatch *dispatch, bool now);

bool dispatch_has_enough(const struct dispatch *dispatch);

#endif

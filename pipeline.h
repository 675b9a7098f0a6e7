/*
 * pipeline.h - wires the stages together: capture -> workers -> store, each on its
 * own threads, with bounded queues between them.
 */
#ifndef WIRESCRIBE_PIPELINE_H
#define WIRESCRIBE_PIPELINE_H

#include "base/flow.h"
#include "capture/capture.h"
#include "store/store.h"

struct pipeline_options {
    /* where from: files, or a device where `device.device` is not NULL */
    char *const *paths;
    size_t path_count;
    struct capture_device_options device;
    /* where to */
    const char *database;
    bool append;

    const char *filter;    /* BPF or NULL */
    uint64_t memory;       /* bytes that the run may use; 0: half of what the machine has */
    unsigned threads;      /* workers; 0: by the number of processors */
    uint64_t most_packets; /* 0: all */
    bool names_flows;      /* by nDPI */
    enum overlap_policy tcp_policy; /* of the hosts that receive */
    enum checksum_mode checksums;
    struct recording_options recording;
    const volatile sig_atomic_t *stop;
    void (*progress)(void *context, const struct capture_totals *totals); /* may be NULL */
};

struct pipeline_result {
    enum capture_result capture;
    struct capture_totals totals;
    bool is_stored;                /* the database is there */
    bool has_database;             /* a database was left, whole or as far as it could be written */
};

/* Runs all stages to the end. False where they could not even be started: an error was logged. */
bool pipeline_run(const struct pipeline_options *options, struct pipeline_result *result);

/* Every table of the program, in the order in which `wirescribe schema` shows them. Call it before any threads start. */
const struct record_table *const *pipeline_tables(size_t *count);

#endif

/*
 * pipeline.c - see pipeline.h
 *
 * Who owns what: batches of packets go round between the capture thread and one
 * worker (`full` and `empty`, one pair a worker); batches of rows go round between
 * the writers (workers and capture) and the store (`rows`, `rows_empty`). A batch
 * belongs to the thread that popped it. Nothing else is shared.
 */
#include "pipeline.h"

#include "base/file.h"
#include "base/finding.h"
#include "base/log.h"
#include "base/memory.h"
#include "capture/anomaly.h"
#include "dissectors/conversation.h"
#include "dissectors/tls_secrets.h"
#include "streams/streams.h"

#include <dirent.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORKERS_MOST 64
#define TABLES_MOST 64
/* Batches that go round for each worker. A device's must bridge a pause of the worker. */
#define BATCHES_READ 8
#define BATCHES_LIVE 96
/* A batch of rows, and how many go round besides the one that each writer fills. */
#define ROW_BATCH_BYTES (256u << 10)
#define ROW_BATCHES 16
/*
 * What the run needs whatever it reads: the program, the store's cache and its batches of rows, the capture's fragments;
 * and for each worker nDPI's tables, besides its batches of packets. Of the rest the allocator wastes a part.
 */
#define FIXED_BYTES (64ull << 20)
#define WORKER_BYTES (12ull << 20)
#define WASTED_PART 8
/* A worker with less for its flows than this cannot work. */
#define FLOWS_BYTES_LEAST (4ull << 20)
/* Where the machine does not say what it has. */
#define MEMORY_UNKNOWN (1ull << 30)
/* Files that together are smaller than this get one worker. */
#define SMALL_INPUT_BYTES (32u << 20)

struct row_writer {
    struct queue *rows;
    struct queue *empty;
    struct row_batch *batch; /* owned; NULL between two batches */
    unsigned position;       /* of the worker among the workers */
    unsigned workers;
    int64_t first_id[ID_KINDS];
    int64_t given[ID_KINDS];
};

struct worker {
    struct queue *full;
    struct queue *empty;
    struct row_writer writer;
    struct streams *streams;
    pthread_t thread;
    bool is_running;
    uint64_t flows; /* as the last batch that came back said; read by the capture thread alone */
};

struct pipeline {
    const struct pipeline_options *options;
    struct pipeline_result *result;
    unsigned worker_count;
    struct worker workers[WORKERS_MOST];
    struct queue *rows;
    struct queue *rows_empty;
    struct row_writer capture_writer;
    struct store *store;
    pthread_t store_thread;
    bool store_is_running;
    pthread_t capture_thread;
    int64_t first_capture_id;
    uint64_t counters[STREAMS_COUNTERS]; /* of all workers, once they have ended */
    uint64_t flows_bytes; /* for the flows of one worker */
    struct tls_line_counts embedded; /* lines of secrets that captures hold; the capture thread's */
};

const struct record_table *const *pipeline_tables(size_t *count)
{
    static const struct record_table *tables[TABLES_MOST];
    size_t table_count = 0;
    size_t dissector_count;
    const struct record_table *const *dissector_tables = conversation_tables(&dissector_count);

    tables[table_count++] = &capture_table;
    tables[table_count++] = &anomaly_table;
    tables[table_count++] = &capture_file_table;
    tables[table_count++] = &flow_table;
    tables[table_count++] = &flow_packets_table;
    for (size_t i = 0; i < dissector_count && table_count < TABLES_MOST - 2; i++) {
        if (dissector_tables[i] != &file_table)
            tables[table_count++] = dissector_tables[i];
    }
    tables[table_count++] = &file_table;
    tables[table_count++] = &finding_table;
    *count = table_count;
    return tables;
}

/* The name that top and ps show for this thread. */
static void name_thread(const char *name)
{
    (void)pthread_setname_np(pthread_self(), name);
}

/* ---- rows ---- */

static void send_rows(struct row_writer *writer, bool is_tick)
{
    if (writer->batch == NULL || (writer->batch->used == 0 && !is_tick))
        return;
    writer->batch->is_tick = is_tick;
    if (!queue_push(writer->rows, writer->batch))
        row_batch_free(writer->batch);
    writer->batch = NULL;
}

static bool take_empty_rows(struct row_writer *writer)
{
    if (writer->batch == NULL)
        writer->batch = queue_pop(writer->empty);
    return writer->batch != NULL;
}

static void write_row(void *context, const struct record_table *table, const void *record)
{
    struct row_writer *writer = context;

    if (!take_empty_rows(writer))
        return;
    if (record_write(writer->batch, table, record))
        return;
    send_rows(writer, false);
    if (take_empty_rows(writer) && !record_write(writer->batch, table, record))
        log_error("out of memory: a row of %s is lost", table->table);
}

/* Workers take ids in turn, so that no two give the same one: with one worker they are 1, 2, 3, ... */
static int64_t next_id(void *context, enum id_kind kind)
{
    struct row_writer *writer = context;

    return writer->first_id[kind] + writer->given[kind]++ * writer->workers + writer->position;
}

/* ---- workers ---- */

static void *run_worker(void *argument)
{
    struct worker *worker = argument;
    struct packet_batch *batch;

    name_thread("worker");
    while ((batch = queue_pop(worker->full)) != NULL) {
        streams_packets(worker->streams, batch->packets, batch->count);
        streams_tick(worker->streams, batch->now_us);
        if (batch->is_tick && take_empty_rows(&worker->writer))
            send_rows(&worker->writer, true);
        batch->worker_flows = streams_flows(worker->streams);
        if (!queue_push(worker->empty, batch)) {
            free(batch->bytes);
            free(batch);
        }
    }
    streams_finish(worker->streams);
    send_rows(&worker->writer, false);
    return NULL;
}

static void free_batches(struct queue *queue)
{
    struct packet_batch *batch;

    while (queue != NULL && (batch = queue_try_pop(queue)) != NULL) {
        free(batch->bytes);
        free(batch);
    }
    queue_free(queue);
}

static bool make_batches(struct queue *empty, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct packet_batch *batch = malloc(sizeof *batch);

        if (batch == NULL)
            return false;
        batch->capacity = PACKET_BATCH_BYTES;
        batch->bytes = malloc(PACKET_BATCH_BYTES);
        batch->worker_flows = 0;
        if (batch->bytes == NULL || !queue_push(empty, batch)) {
            free(batch->bytes);
            free(batch);
            return false;
        }
    }
    return true;
}

static void init_writer(struct pipeline *pipeline, struct row_writer *writer)
{
    writer->rows = pipeline->rows;
    writer->empty = pipeline->rows_empty;
}

static size_t batches_of(const struct pipeline_options *options)
{
    return options->device.device != NULL ? BATCHES_LIVE : BATCHES_READ;
}

static bool start_worker(struct pipeline *pipeline, unsigned position)
{
    struct worker *worker = &pipeline->workers[position];
    size_t batches = batches_of(pipeline->options);
    struct streams_options options = {
        .reader = &conversation_reader,
        .context = &worker->writer,
        .write = write_row,
        .next_id = next_id,
        .recording = &pipeline->options->recording,
        .names_flows = pipeline->options->names_flows,
        .tcp_policy = pipeline->options->tcp_policy,
        .is_live = pipeline->options->device.device != NULL,
        .memory_limit = pipeline->flows_bytes,
    };

    init_writer(pipeline, &worker->writer);
    worker->writer.position = position;
    worker->writer.workers = pipeline->worker_count;
    worker->writer.first_id[ID_FLOW] = store_next_id(pipeline->store, "flow", "flow_id");
    worker->writer.first_id[ID_MAIL] = store_next_id(pipeline->store, "smtp_mail", "mail_id");
    worker->writer.first_id[ID_FILE] = store_next_id(pipeline->store, "file", "file_id");
    worker->full = queue_new(batches);
    worker->empty = queue_new(batches);
    if (worker->full == NULL || worker->empty == NULL || !make_batches(worker->empty, batches)) {
        log_error("out of memory while the workers start");
        return false;
    }
    if (pipeline->options->device.device == NULL)
        queue_wake_at(worker->empty, batches / 2); /* the capture thread then fills several in one go */
    worker->streams = streams_new(&options);
    return worker->streams != NULL;
}

static bool run_workers(struct pipeline *pipeline)
{
    for (unsigned i = 0; i < pipeline->worker_count; i++) {
        struct worker *worker = &pipeline->workers[i];

        if (pthread_create(&worker->thread, NULL, run_worker, worker) != 0) {
            log_error("a worker thread cannot be started");
            return false;
        }
        worker->is_running = true;
    }
    return true;
}

static void add_counters(struct pipeline *pipeline, const struct streams *streams)
{
    for (int counter = 0; counter < STREAMS_COUNTERS; counter++)
        pipeline->counters[counter] += streams_counted(streams, (enum streams_counter)counter);
}

/* What the workers counted, as rows; what is missing for want of memory is said at once. */
static void write_counters(struct pipeline *pipeline)
{
    if (pipeline->counters[COUNTER_FLOWS_GIVEN_UP] > 0)
        log_warning("%llu flows were ended early for want of memory: see --memory, and the view anomalies",
                    (unsigned long long)pipeline->counters[COUNTER_FLOWS_GIVEN_UP]);
    for (int counter = 0; counter < STREAMS_COUNTERS; counter++) {
        const char *explanation;
        const char *name = streams_counter_name((enum streams_counter)counter, &explanation);

        if (pipeline->counters[counter] > 0)
            anomaly_write_total(pipeline->first_capture_id, (unsigned)counter, "streams", name, pipeline->counters[counter], explanation,
                                &pipeline->capture_writer, write_row);
    }
}

/* Secrets in captures that were of no use, as rows. */
static void write_secrets(struct pipeline *pipeline)
{
    static const char refused[] = "lines of the secrets that captures hold, beyond those that are kept";
    static const char invalid[] = "lines of the secrets that captures hold that are none of a TLS key log";
    static const char unknown[] = "blocks of secrets in captures that are no TLS key log";
    const struct {
        const char *name;
        const char *explanation;
        uint64_t count;
    } counts[] = {
        {"tls_secrets_refused", refused, pipeline->embedded.refused},
        {"tls_secrets_invalid", invalid, pipeline->embedded.wrong},
        {"secrets_unknown", unknown, pipeline->result->totals.secrets_unknown},
    };

    for (unsigned i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        if (counts[i].count == 0)
            continue;
        log_warning("%llu %s", (unsigned long long)counts[i].count, counts[i].explanation);
        anomaly_write_total(pipeline->first_capture_id, STREAMS_COUNTERS + i, "secrets", counts[i].name, counts[i].count, counts[i].explanation,
                            &pipeline->capture_writer, write_row);
    }
}

static void end_workers(struct pipeline *pipeline)
{
    for (unsigned i = 0; i < pipeline->worker_count; i++) {
        if (pipeline->workers[i].full != NULL)
            queue_close(pipeline->workers[i].full);
    }
    for (unsigned i = 0; i < pipeline->worker_count; i++) {
        struct worker *worker = &pipeline->workers[i];

        if (worker->is_running)
            pthread_join(worker->thread, NULL);
        if (worker->streams != NULL)
            add_counters(pipeline, worker->streams);
        streams_free(worker->streams);
        free_batches(worker->full);
        free_batches(worker->empty);
        row_batch_free(worker->writer.batch);
        worker->writer.batch = NULL;
    }
}

/* ---- capture ---- */

static struct packet_batch *on_empty_batch(void *context, unsigned worker, bool may_wait)
{
    struct pipeline *pipeline = context;
    struct packet_batch *batch = may_wait ? queue_pop(pipeline->workers[worker].empty) : queue_try_pop(pipeline->workers[worker].empty);

    if (batch != NULL)
        pipeline->workers[worker].flows = batch->worker_flows;
    return batch;
}

static bool on_full_batch(void *context, unsigned worker, struct packet_batch *batch)
{
    struct pipeline *pipeline = context;

    if (!queue_push(pipeline->workers[worker].full, batch)) {
        free(batch->bytes);
        free(batch);
        return false;
    }
    return !store_has_failed(pipeline->store);
}

static void on_capture_row(void *context, const struct record_table *table, const void *record)
{
    struct pipeline *pipeline = context;

    write_row(&pipeline->capture_writer, table, record);
    /* at once: there are few, and the workers' rows refer to them */
    send_rows(&pipeline->capture_writer, false);
}

static void on_secrets(void *context, struct bytes lines, bool is_ahead)
{
    struct pipeline *pipeline = context;
    struct tls_line_counts ahead = {.lines = 0};

    if (pipeline->options->recording.tls_secrets != NULL)
        tls_secrets_add_embedded(pipeline->options->recording.tls_secrets, lines, is_ahead ? &ahead : &pipeline->embedded);
}

static void on_secrets_may_follow(void *context, bool may_follow)
{
    struct pipeline *pipeline = context;

    if (pipeline->options->recording.tls_secrets != NULL)
        tls_secrets_set_growing(pipeline->options->recording.tls_secrets, may_follow);
}

static void on_progress(void *context, const struct capture_totals *totals)
{
    struct pipeline *pipeline = context;
    struct capture_totals now = *totals;

    for (unsigned i = 0; i < pipeline->worker_count; i++)
        now.flows += pipeline->workers[i].flows;
    pipeline->options->progress(NULL, &now);
}

static void *run_store(void *argument)
{
    struct pipeline *pipeline = argument;

    name_thread("store");
    return store_run(pipeline->store);
}

static void *run_capture(void *argument)
{
    struct pipeline *pipeline = argument;
    const struct pipeline_options *options = pipeline->options;
    struct capture_options capture = {
        .filter = options->filter,
        .most_packets = options->most_packets,
        .stop = options->stop,
        .first_capture_id = pipeline->first_capture_id,
        .workers = pipeline->worker_count,
        .checksums = options->checksums,
        .fragment_policy = options->tcp_policy,
        .context = pipeline,
        .empty_batch = on_empty_batch,
        .full_batch = on_full_batch,
        .write = on_capture_row,
        .secrets = on_secrets,
        .secrets_may_follow = on_secrets_may_follow,
        .progress = options->progress != NULL ? on_progress : NULL,
    };

    name_thread("capture");
    if (options->device.device != NULL)
        pipeline->result->capture = capture_read_device(&capture, &options->device, &pipeline->result->totals);
    else
        pipeline->result->capture = capture_read_files(&capture, options->paths, options->path_count, &pipeline->result->totals);
    return NULL;
}

/* ---- all together ---- */

static bool start_store(struct pipeline *pipeline)
{
    bool is_live = pipeline->options->device.device != NULL;
    size_t row_batches = ROW_BATCHES + pipeline->worker_count + 1;
    struct store_options options = {
        .path = pipeline->options->database,
        .mode = is_live ? STORE_LIVE : pipeline->options->append ? STORE_APPEND : STORE_NEW,
        .append = pipeline->options->append,
    };

    options.tables = pipeline_tables(&options.table_count);
    pipeline->rows = queue_new(row_batches);
    pipeline->rows_empty = queue_new(row_batches);
    if (pipeline->rows == NULL || pipeline->rows_empty == NULL) {
        log_error("out of memory");
        return false;
    }
    for (size_t i = 0; i < row_batches; i++) {
        struct row_batch *batch = row_batch_new(ROW_BATCH_BYTES);

        if (batch == NULL || !queue_push(pipeline->rows_empty, batch)) {
            log_error("out of memory");
            return false;
        }
    }
    options.rows = pipeline->rows;
    options.empty = pipeline->rows_empty;
    pipeline->store = store_open(&options);
    if (pipeline->store == NULL)
        return false;
    pipeline->first_capture_id = store_next_id(pipeline->store, "capture", "capture_id");
    init_writer(pipeline, &pipeline->capture_writer);
    return true;
}

static bool run_all(struct pipeline *pipeline)
{
    for (unsigned i = 0; i < pipeline->worker_count; i++) {
        if (!start_worker(pipeline, i))
            return false;
    }
    if (pthread_create(&pipeline->store_thread, NULL, run_store, pipeline) != 0) {
        log_error("the store's thread cannot be started");
        return false;
    }
    pipeline->store_is_running = true;
    if (!run_workers(pipeline))
        return false;
    if (pthread_create(&pipeline->capture_thread, NULL, run_capture, pipeline) != 0) {
        log_error("the capture thread cannot be started");
        return false;
    }
    pthread_join(pipeline->capture_thread, NULL);
    return true;
}

static void free_row_batches(struct queue *queue)
{
    struct row_batch *batch;

    while (queue != NULL && (batch = queue_try_pop(queue)) != NULL)
        row_batch_free(batch);
    queue_free(queue);
}

static void end_store(struct pipeline *pipeline, bool keep)
{
    if (pipeline->store_is_running) {
        write_counters(pipeline);
        write_secrets(pipeline);
    }
    send_rows(&pipeline->capture_writer, false);
    queue_close(pipeline->rows);
    if (pipeline->store_is_running)
        pthread_join(pipeline->store_thread, NULL);
    pipeline->result->is_stored = store_finish(pipeline->store, keep);
    pipeline->result->has_database = keep && access(pipeline->options->database, F_OK) == 0;
}

/* Bytes of a file, or of the files of a directory (not deeper). 0 for what has no size. */
static uint64_t input_size(const char *path)
{
    struct stat status;
    uint64_t bytes = 0;
    const struct dirent *entry;
    DIR *directory;

    if (stat(path, &status) != 0)
        return 0;
    if (S_ISREG(status.st_mode))
        return (uint64_t)status.st_size;
    directory = S_ISDIR(status.st_mode) ? opendir(path) : NULL;
    while (directory != NULL && (entry = readdir(directory)) != NULL && bytes < SMALL_INPUT_BYTES) {
        if (fstatat(dirfd(directory), entry->d_name, &status, 0) == 0 && S_ISREG(status.st_mode))
            bytes += (uint64_t)status.st_size;
    }
    if (directory != NULL)
        closedir(directory);
    return bytes;
}

/*
 * Whether the input is so small that starting more than one worker would take longer than reading it. What comes
 * through a pipe counts as small: its sender is seldom faster than one worker.
 */
static bool is_small(const struct pipeline_options *options)
{
    uint64_t bytes = 0;

    if (options->device.device != NULL)
        return false;
    for (size_t i = 0; i < options->path_count; i++)
        bytes += input_size(options->paths[i]);
    return bytes < SMALL_INPUT_BYTES;
}

static unsigned default_workers(const struct pipeline_options *options)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    if (is_small(options))
        return 1;
    /* the workers have most of the work; capture and store together need less than one processor */
    if (processors <= 2)
        return processors < 2 ? 1 : 2;
    return processors > 9 ? 8 : (unsigned)processors - 1;
}

/* Shares the memory out. False: it is too little, and an error was logged. */
static bool share_memory(struct pipeline *pipeline)
{
    uint64_t memory = pipeline->options->memory;
    uint64_t worker = WORKER_BYTES + batches_of(pipeline->options) * (PACKET_BATCH_BYTES + sizeof(struct packet_batch));
    uint64_t fixed = FIXED_BYTES + pipeline->worker_count * worker;
    uint64_t least = fixed + pipeline->worker_count * (FLOWS_BYTES_LEAST + FLOWS_BYTES_LEAST / WASTED_PART);

    if (memory == 0)
        memory = memory_of_machine() != 0 ? memory_of_machine() / 2 : MEMORY_UNKNOWN;
    if (memory < least && pipeline->options->memory == 0)
        memory = least;
    if (memory < least) {
        log_error("--memory: %u worker%s need at least %llu MB", pipeline->worker_count, pipeline->worker_count == 1 ? "" : "s",
                  (unsigned long long)((least >> 20) + 1));
        return false;
    }
    pipeline->flows_bytes = (memory - fixed) / pipeline->worker_count;
    pipeline->flows_bytes -= pipeline->flows_bytes / WASTED_PART;
    return true;
}

bool pipeline_run(const struct pipeline_options *options, struct pipeline_result *result)
{
    struct pipeline *pipeline = calloc(1, sizeof *pipeline);
    bool was_run = false;

    *result = (struct pipeline_result){.capture = CAPTURE_NOTHING};
    if (pipeline == NULL) {
        log_error("out of memory");
        return false;
    }
    pipeline->options = options;
    pipeline->result = result;
    pipeline->worker_count = options->threads != 0 ? options->threads : default_workers(options);
    if (pipeline->worker_count > WORKERS_MOST)
        pipeline->worker_count = WORKERS_MOST;
    if (share_memory(pipeline) && start_store(pipeline)) {
        was_run = run_all(pipeline);
        end_workers(pipeline);
        end_store(pipeline, was_run && result->capture != CAPTURE_NOTHING);
    }
    row_batch_free(pipeline->capture_writer.batch);
    free_row_batches(pipeline->rows);
    free_row_batches(pipeline->rows_empty);
    free(pipeline);
    return was_run;
}

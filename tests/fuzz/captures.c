/*
 * captures.c - whole capture files, through the reader, the formats, decoding, streams and dissectors, to the rows.
 * The input is the file; compressed ones are decompressed by the reader.
 */
#include "base/memory.h"
#include "capture/capture.h"
#include "dissectors/conversation.h"
#include "streams/streams.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct run {
    struct packet_batch batch;
    struct streams *streams;
};

static struct packet_batch *on_empty_batch(void *context, unsigned worker, bool may_wait)
{
    struct run *run = context;

    (void)worker;
    (void)may_wait;
    return &run->batch;
}

static bool on_full_batch(void *context, unsigned worker, struct packet_batch *batch)
{
    struct run *run = context;

    (void)worker;
    streams_packets(run->streams, batch->packets, batch->count);
    streams_tick(run->streams, batch->now_us);
    return true;
}

static void read_file(const char *path)
{
    static const volatile sig_atomic_t never;
    struct run *run = calloc(1, sizeof *run);
    struct capture_totals totals = {.packets = 0};
    char *paths[] = {(char *)(uintptr_t)path};
    struct capture_options options = {
        .stop = &never, .first_capture_id = 1, .workers = 1, .context = run, .empty_batch = on_empty_batch, .full_batch = on_full_batch, .write = fuzz_write_row};
    struct streams_options streams_options = {
        .reader = &conversation_reader, .write = fuzz_write_row, .next_id = fuzz_next_id, .memory_limit = memory_in_use() + (8u << 20)};

    ALWAYS(run != NULL);
    run->batch.capacity = PACKET_BATCH_BYTES;
    run->batch.bytes = malloc(PACKET_BATCH_BYTES);
    run->streams = streams_new(&streams_options);
    ALWAYS(run->batch.bytes != NULL && run->streams != NULL);
    (void)capture_read_files(&options, paths, 1, &totals);
    streams_finish(run->streams);
    streams_free(run->streams);
    free(run->batch.bytes);
    free(run);
}

void fuzz_capture(struct bytes input)
{
    int descriptor = memfd_create("capture", MFD_CLOEXEC);
    char path[64];
    size_t before = memory_in_use();

    ALWAYS(descriptor >= 0);
    ALWAYS(write(descriptor, input.at, input.length) == (ssize_t)input.length);
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    read_file(path);
    close(descriptor);
    ALWAYS(memory_in_use() == before);
}

/* make_load: multiplies recorded sessions into one large load capture, for `make bench`.
 *
 *   make_load -o LOAD.pcap [--megabytes 500] [--under-way 1000] [--megabits 200] [--seed 1] CAPTURE...
 *   make_load -o LOAD.pcap --scene ftp|mail|mails [--megabytes 500] [--seed 1] [--files LIST]
 *
 * The second form makes a load of one kind: an FTP download of one file of so many megabytes, one mail with an attachment of
 * so many, or sessions with mails of about 100 KB until the load is so large. LIST gets the digest, size and name of each file
 * in it. "-o -" writes to standard output. The rest of this page is about the first form.
 *
 * Reads classic pcap files (microseconds or nanoseconds, either byte order) of Ethernet with IPv4 or IPv6 TCP inside; each
 * file is one *scene*: all its TCP connections belong together (an FTP control connection and its data connections). The load
 * is one half copies of scenes, one half bulk transfers made here, counted in bytes of the file:
 *
 * - A copy keeps its scene's packets, ports, sequence numbers and order. Every host of it gets an address of its own out of
 *   10.0.0.0/8 or fd00::/8, and no two copies share a pair of addresses, so no two flows of the load are the same.
 *   Where the text of a host's address occurs in a payload (PORT, 227, EPRT, an HTTP Host field), the fresh address is chosen
 *   among those whose text is exactly as long (10.77.0.1 becomes 10.48.3.7, and 10,77,0,1 becomes 10,48,3,7), and the text is
 *   replaced in place: lengths and sequence numbers stay true, and a data connection still meets the command that announced it.
 * - Copies start at a steady rate: half of --megabits. All inner timings are multiplied by one factor, chosen so that
 *   --under-way copies are open at a time.
 * - Bulk transfers run in BULK_LANES lanes, one after the other in each: FTP downloads and uploads (passive, active, and
 *   extended passive over IPv6) with their control connections, and WebSocket messages of 64 KiB both ways; handshakes,
 *   full segments, an ACK for every second segment, FINs.
 *
 * All IP and TCP checksums are right. The same arguments make the same file. Memory holds the scenes and the sessions under
 * way, however long the load is. Packets that are not TCP are left out; a scene that is cut short (snapped or fragmented
 * packets) or has more than HOSTS_MAX hosts is refused. Reference: RFC 791, 1071, 8200, 9293, 959, 2428, 6455.
 */
#define _GNU_SOURCE 1

#include "load.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BULK_LANES = 8, STEP_NANOSECONDS = 400000 };

struct copy {
    const struct scene *scene;
    size_t next;
    uint64_t start;
    struct address hosts[HOSTS_MAX];
};

struct event {
    uint64_t time;
    uint64_t serial;
    struct copy *copy; /* one of the two is set */
    struct bulk *bulk;
};

struct heap {
    struct event *events;
    size_t count, room;
};

static bool comes_before(const struct event *one, const struct event *other)
{
    return one->time != other->time ? one->time < other->time : one->serial < other->serial;
}

static void heap_push(struct heap *heap, struct event event)
{
    if (heap->count == heap->room) {
        heap->room = heap->room * 2 + 1024;
        heap->events = allocate(heap->events, heap->room * sizeof event);
    }
    size_t place = heap->count++;
    while (place > 0 && comes_before(&event, &heap->events[(place - 1) / 2])) {
        heap->events[place] = heap->events[(place - 1) / 2];
        place = (place - 1) / 2;
    }
    heap->events[place] = event;
}

static struct event heap_pop(struct heap *heap)
{
    struct event first = heap->events[0];
    struct event last = heap->events[--heap->count];
    size_t place = 0;
    while (place * 2 + 1 < heap->count) {
        size_t child = place * 2 + 1;
        if (child + 1 < heap->count && comes_before(&heap->events[child + 1], &heap->events[child]))
            child++;
        if (!comes_before(&heap->events[child], &last))
            break;
        heap->events[place] = heap->events[child];
        place = child;
    }
    heap->events[place] = last;
    return first;
}

struct load {
    struct scene *scenes;
    size_t scene_count;
    uint64_t half;             /* bytes of each half */
    uint64_t bytes_per_second; /* of each half */
    uint64_t serial, copies, transfers, bulk_bytes;
    size_t most_under_way;
    uint64_t copied;    /* bytes of the copies begun */
    uint64_t next_copy; /* time at which the next copy begins */
    struct heap heap;
    struct bulk lanes[BULK_LANES];
};

static void begin_copy(struct load *load)
{
    struct copy *copy = allocate(NULL, sizeof *copy);
    struct scene *scene = NULL;
    size_t tries = 0;
    do {
        if (tries++ > 1000)
            fail("all addresses are used up; make a shorter load or give captures whose addresses are longer");
        scene = &load->scenes[random_below(load->scene_count)];
        if (!scene->is_used_up && !fresh_addresses(scene->hosts, scene->host_count, copy->hosts))
            scene->is_used_up = true;
    } while (scene->is_used_up);
    uint64_t slot = (uint64_t)((long double)scene->bytes * SECOND / load->bytes_per_second);
    copy->scene = scene;
    copy->next = 0;
    copy->start = load->next_copy + random_below(slot + 1);
    heap_push(&load->heap, (struct event){.time = copy->start, .serial = load->serial++, .copy = copy});
    load->next_copy += slot + 1;
    load->copied += scene->bytes;
    load->copies++;
}

static void continue_copy(struct load *load, struct event event)
{
    struct copy *copy = event.copy;
    scene_write(copy->scene, copy->next++, copy->hosts, event.time);
    if (copy->next == copy->scene->packet_count) {
        free(copy);
        return;
    }
    event.time = copy->start + copy->scene->packets[copy->next].time;
    heap_push(&load->heap, event);
}

static void continue_bulk(struct load *load, struct event event)
{
    struct bulk *bulk = event.bulk;
    size_t lane = (size_t)(bulk - load->lanes);
    uint64_t before = output_totals().bytes;
    bool goes_on = bulk_write(bulk, event.time);
    uint64_t written = output_totals().bytes - before;
    load->bulk_bytes += written;
    bulk->quota = bulk->quota > written ? bulk->quota - written : 0;
    if (goes_on && bulk_is_transferring(bulk))
        event.time += written * SECOND / (load->bytes_per_second / BULK_LANES);
    else
        event.time += STEP_NANOSECONDS + random_below(STEP_NANOSECONDS);
    if (!goes_on) {
        load->transfers++;
        if (bulk->quota < 16384)
            return;
        bulk_begin(bulk, lane);
    }
    heap_push(&load->heap, event);
}

static void write_load(struct load *load)
{
    for (size_t lane = 0; lane < BULK_LANES; lane++) {
        load->lanes[lane].quota = load->half / BULK_LANES;
        bulk_begin(&load->lanes[lane], lane);
        heap_push(&load->heap, (struct event){.time = lane * SECOND / 50, .serial = load->serial++, .bulk = &load->lanes[lane]});
    }
    while (load->heap.count > 0 || load->copied < load->half) {
        while (load->copied < load->half && (load->heap.count == 0 || load->next_copy <= load->heap.events[0].time))
            begin_copy(load);
        if (load->heap.count > load->most_under_way)
            load->most_under_way = load->heap.count;
        struct event event = heap_pop(&load->heap);
        if (event.copy != NULL)
            continue_copy(load, event);
        else
            continue_bulk(load, event);
    }
}

static uint64_t number_option(const char *name, const char *text, uint64_t most)
{
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value == 0 || value > most)
        fail("%s: expected a number from 1 to %" PRIu64 ", not '%s'", name, most, text);
    return value;
}

static void print_totals(const struct load *load, const char *path, uint64_t factor, uint64_t left_out)
{
    struct output_totals totals = output_totals();
    fprintf(stderr,
            "make_load: %s: %" PRIu64 " bytes, %" PRIu64 " packets, %.1f seconds of traffic; %" PRIu64
            " copies of %zu captures (timing x %.3f, %" PRIu64 " packets left out of them), %" PRIu64
            " bulk transfers (%.1f%% of the bytes), at most %zu sessions under way\n",
            path, totals.bytes, totals.packets, (double)totals.last_time / 1e9, load->copies, load->scene_count, (double)factor / 1e6, left_out,
            load->transfers, 100.0 * (double)load->bulk_bytes / (double)totals.bytes, load->most_under_way);
}

/* The loads of one kind, by their names; false where there is none of that name. `sessions`: how many it holds. */
static bool write_scene(const char *scene, uint64_t bytes, const char *keys, unsigned *sessions)
{
    static const char *const transfers[] = {[SINGLE_FTP] = "ftp", [SINGLE_MAIL] = "mail", [SINGLE_MAILS] = "mails"};
    static const char *const tls[] = {[TLS_13_GCM] = "tls13-gcm", [TLS_13_CHACHA20] = "tls13-chacha20", [TLS_12_CBC] = "tls12-cbc", [TLS_HANDSHAKES] = "tls-handshakes"};
    for (size_t index = 0; index < sizeof transfers / sizeof transfers[0]; index++)
        if (strcmp(scene, transfers[index]) == 0) {
            *sessions = bulk_write_single((enum single)index, bytes);
            return true;
        }
    for (size_t index = 0; index < sizeof tls / sizeof tls[0]; index++)
        if (strcmp(scene, tls[index]) == 0) {
            *sessions = tls_write((enum tls_scene)index, bytes, keys);
            return true;
        }
    if (strcmp(scene, "websocket") != 0 && strcmp(scene, "websocket-deflate") != 0)
        return false;
    *sessions = websocket_write(scene[strlen("websocket")] != '\0', bytes);
    return true;
}

static int write_single(const char *path, const char *scene, const char *files, const char *keys, uint64_t megabytes)
{
    unsigned sessions = 0;
    if (files != NULL)
        files_open(files);
    bulk_prepare();
    output_open(path);
    if (!write_scene(scene, megabytes * 1000000, keys, &sessions))
        fail("--scene: there is no '%s'", scene);
    output_close();
    files_close();
    bulk_end();
    struct output_totals totals = output_totals();
    fprintf(stderr, "make_load: %s: %" PRIu64 " bytes, %" PRIu64 " packets, %.1f seconds of traffic; %u sessions, %s\n", path, totals.bytes,
            totals.packets, (double)totals.last_time / 1e9, sessions, scene);
    return 0;
}

static int write_copies(const char *path, uint64_t megabytes, uint64_t under_way, uint64_t megabits, char **captures, size_t count)
{
    struct load load = {.half = megabytes * 500000, .bytes_per_second = megabits * 125000 / 2, .scene_count = count};
    load.scenes = allocate(NULL, load.scene_count * sizeof *load.scenes);
    uint64_t left_out = 0;
    for (size_t index = 0; index < load.scene_count; index++)
        scene_load(&load.scenes[index], captures[index], &left_out);
    uint64_t factor = scenes_stretch(load.scenes, load.scene_count, under_way, load.bytes_per_second);
    bulk_prepare();
    output_open(path);
    write_load(&load);
    output_close();
    print_totals(&load, path, factor, left_out);
    for (size_t index = 0; index < load.scene_count; index++)
        scene_free(&load.scenes[index]);
    free(load.scenes);
    free(load.heap.events);
    bulk_end();
    return 0;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"output", required_argument, NULL, 'o'},    {"megabytes", required_argument, NULL, 'm'},
        {"under-way", required_argument, NULL, 'u'}, {"megabits", required_argument, NULL, 'r'},
        {"seed", required_argument, NULL, 's'},      {"scene", required_argument, NULL, 'c'},
        {"files", required_argument, NULL, 'f'},     {"keys", required_argument, NULL, 'k'},
        {NULL, 0, NULL, 0},
    };
    uint64_t megabytes = 500, under_way = 1000, megabits = 200;
    const char *path = NULL, *scene = NULL, *files = NULL, *keys = NULL;
    random_seed(1);
    int letter;
    while ((letter = getopt_long(argc, argv, "o:", options, NULL)) != -1) {
        switch (letter) {
        case 'o':
            path = optarg;
            break;
        case 'm':
            megabytes = number_option("--megabytes", optarg, 1000000);
            break;
        case 'u':
            under_way = number_option("--under-way", optarg, 100000);
            break;
        case 'r':
            megabits = number_option("--megabits", optarg, 100000);
            break;
        case 's':
            random_seed(number_option("--seed", optarg, UINT32_MAX));
            break;
        case 'c':
            scene = optarg;
            break;
        case 'f':
            files = optarg;
            break;
        case 'k':
            keys = optarg;
            break;
        default:
            return 2;
        }
    }
    if (path != NULL && scene != NULL && optind == argc)
        return write_single(path, scene, files, keys, megabytes);
    if (path == NULL || scene != NULL || files != NULL || optind == argc) {
        fprintf(stderr, "usage: make_load -o LOAD.pcap [--megabytes N] [--under-way N] [--megabits N] [--seed N] CAPTURE...\n"
                        "       make_load -o LOAD.pcap --scene SCENE [--megabytes N] [--seed N] [--files LIST] [--keys KEY_LOG]\n"
                        "SCENE: ftp, mail, mails, websocket, websocket-deflate, tls13-gcm, tls13-chacha20, tls12-cbc, tls-handshakes\n");
        return 2;
    }
    return write_copies(path, megabytes, under_way, megabits, argv + optind, (size_t)(argc - optind));
}

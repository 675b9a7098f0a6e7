/* dispatch.c - see dispatch.h */
#include "capture/dispatch.h"

#include "base/finding.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PROGRESS_NS 100000000
#define PACKETS_BETWEEN_CLOCKS 1024
#define FILTER_SNAPLEN 262144

bool dispatch_init(struct dispatch *dispatch, const struct capture_options *options, struct capture_totals *totals, bool may_wait)
{
    *dispatch = (struct dispatch){.options = options, .totals = totals, .may_wait = may_wait};
    dispatch->batches = calloc(options->workers, sizeof(struct packet_batch *));
    dispatch->fragments = fragments_new(options->fragment_policy);
    if (dispatch->batches != NULL && dispatch->fragments != NULL)
        return true;
    dispatch_free(dispatch);
    return false;
}

void dispatch_free(struct dispatch *dispatch)
{
    for (unsigned i = 0; i < dispatch->filter_count; i++)
        pcap_freecode(&dispatch->filters[i].program);
    fragments_free(dispatch->fragments);
    dispatch->fragments = NULL;
    free(dispatch->batches);
    dispatch->batches = NULL;
}

void dispatch_begin_capture(struct dispatch *dispatch, int64_t capture_id)
{
    dispatch->capture_id = capture_id;
    dispatch->packets = 0;
    dispatch->wire_bytes = 0;
    dispatch->decode_errors = 0;
    memset(&dispatch->anomalies, 0, sizeof dispatch->anomalies);
}

static void fill_row(const struct dispatch *dispatch, struct capture *row)
{
    row->capture_id = record_integer(dispatch->capture_id);
    row->packets = record_integer((int64_t)dispatch->packets);
    row->bytes = record_integer((int64_t)dispatch->wire_bytes);
    row->decode_errors = record_integer((int64_t)dispatch->decode_errors);
    row->filter = record_text_of(dispatch->options->filter);
    if (dispatch->packets == 0)
        return;
    row->start_us = record_integer(dispatch->earliest_us);
    row->end_us = record_integer(dispatch->latest_us);
}

void dispatch_write_row(const struct dispatch *dispatch, struct capture *row)
{
    fill_row(dispatch, row);
    dispatch->options->write(dispatch->options->context, &capture_table, row);
    anomaly_write(&dispatch->anomalies, dispatch->capture_id, dispatch->options->context, dispatch->options->write);
}

static bool compile(const char *filter, int link_type, struct bpf_program *program)
{
    pcap_t *pcap = pcap_open_dead(link_type, FILTER_SNAPLEN);
    bool is_good;

    if (pcap == NULL) {
        log_error("out of memory while the filter is compiled");
        return false;
    }
    is_good = pcap_compile(pcap, program, filter, 1, PCAP_NETMASK_UNKNOWN) == 0;
    if (!is_good) {
        const char *name = pcap_datalink_val_to_name(link_type);

        log_error("the filter '%s' does not compile for link type %s: %s; see pcap-filter(7)", filter, name != NULL ? name : "unknown", pcap_geterr(pcap));
    }
    pcap_close(pcap);
    return is_good;
}

bool capture_check_filter(const char *filter)
{
    struct bpf_program program;

    if (!compile(filter, DLT_EN10MB, &program))
        return false;
    pcap_freecode(&program);
    return true;
}

bool dispatch_filter(struct dispatch *dispatch, int link_type, const struct bpf_program **filter)
{
    struct compiled_filter *compiled;

    *filter = NULL;
    if (dispatch->options->filter == NULL)
        return true;
    for (unsigned i = 0; i < dispatch->filter_count; i++) {
        if (dispatch->filters[i].link_type == link_type) {
            *filter = &dispatch->filters[i].program;
            return true;
        }
    }
    if (dispatch->filter_count == DISPATCH_FILTERS) {
        log_error("more than %d link types in one run with a filter; read the files in several runs", DISPATCH_FILTERS);
        return false;
    }
    compiled = &dispatch->filters[dispatch->filter_count];
    if (!compile(dispatch->options->filter, link_type, &compiled->program))
        return false;
    compiled->link_type = link_type;
    dispatch->filter_count++;
    *filter = &compiled->program;
    return true;
}

/* ---- batches ---- */

static void send_batch(struct dispatch *dispatch, unsigned worker)
{
    struct packet_batch *batch = dispatch->batches[worker];

    dispatch->batches[worker] = NULL;
    batch->now_us = dispatch->clock.now_us;
    if (!dispatch->options->full_batch(dispatch->options->context, worker, batch))
        dispatch->is_abandoned = true;
}

/* The worker's batch with room for one frame; NULL: a device's packet must be dropped, or the run is abandoned. */
static struct packet_batch *batch_with_room(struct dispatch *dispatch, unsigned worker, size_t length)
{
    struct packet_batch *batch = dispatch->batches[worker];

    if (batch != NULL && (batch->count == PACKET_BATCH_PACKETS || batch->used + length > batch->capacity) && batch->count > 0) {
        send_batch(dispatch, worker);
        batch = NULL;
    }
    if (dispatch->is_abandoned)
        return NULL;
    if (batch == NULL) {
        batch = dispatch->options->empty_batch(dispatch->options->context, worker, dispatch->may_wait);
        if (batch == NULL)
            return NULL;
        batch->count = 0;
        batch->used = 0;
        batch->is_tick = false;
        dispatch->batches[worker] = batch;
    }
    if (length > batch->capacity) {
        uint8_t *grown = realloc(batch->bytes, length);

        if (grown == NULL)
            return NULL;
        batch->bytes = grown;
        batch->capacity = length;
    }
    return batch;
}

static struct bytes moved(struct bytes bytes, const uint8_t *from, const uint8_t *to)
{
    if (bytes.length == 0)
        return bytes_of(NULL, 0);
    return bytes_of(to + (bytes.at - from), bytes.length);
}

/* Behind the frame, where they stand as an array. */
static void copy_places(struct packet *packet, uint8_t *behind)
{
    uint8_t *aligned = behind + (-(uintptr_t)behind & (_Alignof(struct packet_place) - 1));

    memcpy(aligned, packet->places, packet->place_count * sizeof packet->places[0]);
    packet->places = (const struct packet_place *)(const void *)aligned;
}

static bool put_in_batch(struct dispatch *dispatch, const struct packet *decoded)
{
    unsigned worker = capture_worker_of(decoded, dispatch->options->workers);
    size_t length = decoded->frame.length;
    size_t places = decoded->places != NULL ? (decoded->place_count + 1) * sizeof decoded->places[0] : 0;
    struct packet_batch *batch = batch_with_room(dispatch, worker, length + places);
    struct packet *packet;
    uint8_t *to;

    if (batch == NULL) {
        if (!dispatch->is_abandoned)
            dispatch->totals->dropped_queue++;
        return !dispatch->is_abandoned;
    }
    to = batch->bytes + batch->used;
    memcpy(to, decoded->frame.at, length);
    packet = &batch->packets[batch->count++];
    memcpy(packet, decoded, offsetof(struct packet, tunnel));
    packet->tunnel.count = 0;
    if (decoded->tunnel.count > 0)
        packet->tunnel = decoded->tunnel;
    packet->ip = moved(decoded->ip, decoded->frame.at, to);
    packet->payload = moved(decoded->payload, decoded->frame.at, to);
    packet->frame = bytes_of(to, length);
    if (places > 0)
        copy_places(packet, to + length);
    batch->used += length + places;
    return true;
}

/* ---- frames ---- */

static void count(struct dispatch *dispatch, const struct packet *packet)
{
    if (dispatch->packets == 0 || packet->time_us < dispatch->earliest_us)
        dispatch->earliest_us = packet->time_us;
    if (dispatch->packets == 0 || packet->time_us > dispatch->latest_us)
        dispatch->latest_us = packet->time_us;
    dispatch->packets++;
    dispatch->wire_bytes += packet->wire_length;
    dispatch->totals->packets++;
    dispatch->totals->wire_bytes += packet->wire_length;
    dispatch->totals->decode_results[packet->decoded]++;
    if (packet->decoded != DECODED && packet->decoded != DECODED_NOT_IP)
        dispatch->decode_errors++;
    if (packet->anomalies != 0)
        anomaly_count(&dispatch->anomalies, packet);
}

/* Whether the workers get the packet. */
static bool is_wanted(struct dispatch *dispatch, struct packet *packet)
{
    if (packet->decoded != DECODED)
        return false;
    if (dispatch->options->checksums == CHECKSUMS_IGNORE)
        packet->checksum = CHECKSUM_UNCHECKED;
    if (packet->checksum <= CHECKSUM_GOOD || dispatch->options->checksums == CHECKSUMS_OFFLOAD)
        return true;
    dispatch->totals->refused++;
    return false;
}

/* ---- fragments ---- */

static void tell_overlap(struct dispatch *dispatch, const struct packet *packet, bool is_dropped)
{
    char source[ADDRESS_TEXT_SIZE];
    char destination[ADDRESS_TEXT_SIZE];
    char detail[240];
    struct finding finding;

    if (dispatch->fragment_findings++ >= DISPATCH_FRAGMENT_FINDINGS)
        return;
    snprintf(detail, sizeof detail, "fragments of the datagram %u from %.*s to %.*s overlap with different contents; the datagram was %s", packet->fragment_id,
             (int)address_to_text(&packet->source, source), source, (int)address_to_text(&packet->destination, destination), destination,
             is_dropped ? "dropped, as its receiver does" : "put together by the policy");
    finding = (struct finding){
        .time_us = record_integer(packet->time_us),
        .severity = record_text_of("warning"),
        .name = record_text_of("fragments_overlap"),
        .detail = record_text_of(detail),
    };
    dispatch->options->write(dispatch->options->context, &finding_table, &finding);
}

static void count_report(struct dispatch *dispatch, const struct packet *packet, const struct fragment_report *report)
{
    struct anomaly_counts *counts = &dispatch->anomalies;

    anomaly_add(counts, ANOMALY_FRAGMENT_FORGED, report->is_forged, packet->time_us);
    anomaly_add(counts, ANOMALY_FRAGMENT_OVERLAP, report->overlaps || report->differs, packet->time_us);
    anomaly_add(counts, ANOMALY_FRAGMENT_DROPPED, report->is_dropped, packet->time_us);
    if (report->differs)
        tell_overlap(dispatch, packet, report->is_dropped);
}

static void count_incomplete(struct dispatch *dispatch, uint64_t count, int64_t time_us)
{
    anomaly_add(&dispatch->anomalies, ANOMALY_FRAGMENTS_INCOMPLETE, count, time_us);
    dispatch->totals->incomplete_datagrams += count;
}

/*
 * A fragment: true where it makes its datagram whole, which `packet` then is. A datagram may carry a tunnel with another one's
 * fragment; each time round the path of tunnels is longer.
 */
static bool put_together(struct dispatch *dispatch, struct packet *packet)
{
    for (unsigned rounds = 0; packet->is_fragment; rounds++) {
        uint64_t before = fragments_given_up(dispatch->fragments);
        struct fragment_report report;

        if (rounds > TUNNEL_LAYERS)
            return false;
        report = fragments_add(dispatch->fragments, packet);
        count_report(dispatch, packet, &report);
        count_incomplete(dispatch, fragments_given_up(dispatch->fragments) - before, packet->time_us);
        if (!report.is_whole)
            return false;
        packet->frame = report.whole.bytes;
        packet->wire_length = (uint32_t)report.whole.bytes.length;
        packet->places = report.whole.places;
        packet->place_count = report.whole.place_count;
        packet->anomalies = 0;
        packet->checksum = CHECKSUM_UNCHECKED;
        packet->decoded = (uint8_t)decode_ip(packet, report.whole.bytes);
        anomaly_count(&dispatch->anomalies, packet);
        if (packet->decoded != DECODED)
            return false;
    }
    return packet->has_transport;
}

void dispatch_end(struct dispatch *dispatch)
{
    unsigned waiting = fragments_waiting(dispatch->fragments);

    if (waiting == 0)
        return;
    count_incomplete(dispatch, waiting, dispatch->latest_us);
    anomaly_write(&dispatch->anomalies, dispatch->capture_id, dispatch->options->context, dispatch->options->write);
}

bool dispatch_has_enough(const struct dispatch *dispatch)
{
    return dispatch->options->most_packets != 0 && dispatch->totals->packets >= dispatch->options->most_packets;
}

bool dispatch_frame(struct dispatch *dispatch, const struct bpf_program *filter, int link_type, int64_t time_us, uint64_t position, struct bytes frame,
                    uint32_t wire_length)
{
    struct packet packet;

    if (filter != NULL) {
        struct pcap_pkthdr header = {.caplen = (bpf_u_int32)frame.length, .len = wire_length};

        if (pcap_offline_filter(filter, &header, frame.at) == 0)
            return true;
    }
    packet.time_us = time_us;
    packet.clock_us = clock_follow(&dispatch->clock, dispatch->capture_id, time_us);
    packet.capture_id = dispatch->capture_id;
    packet.position = position;
    packet.places = NULL;
    packet.place_count = 0;
    packet.frame = frame;
    packet.wire_length = wire_length;
    packet.decoded = (uint8_t)decode_frame(&packet, link_type);
    count(dispatch, &packet);
    if (dispatch->until_clock-- == 0)
        dispatch_progress(dispatch, false);
    if (packet.decoded == DECODED && packet.is_fragment && !put_together(dispatch, &packet))
        return !dispatch_has_enough(dispatch);
    if (is_wanted(dispatch, &packet) && !put_in_batch(dispatch, &packet))
        return false;
    return !dispatch_has_enough(dispatch);
}

void dispatch_flush(struct dispatch *dispatch, bool is_tick)
{
    for (unsigned worker = 0; worker < dispatch->options->workers && !dispatch->is_abandoned; worker++) {
        struct packet_batch *batch = is_tick ? batch_with_room(dispatch, worker, 0) : dispatch->batches[worker];

        if (batch == NULL)
            continue;
        batch->is_tick = is_tick;
        send_batch(dispatch, worker);
    }
}

void dispatch_progress(struct dispatch *dispatch, bool now)
{
    struct timespec clock;
    int64_t ns;

    dispatch->until_clock = PACKETS_BETWEEN_CLOCKS;
    if (dispatch->options->progress == NULL)
        return;
    clock_gettime(CLOCK_MONOTONIC, &clock);
    ns = (int64_t)clock.tv_sec * 1000000000 + clock.tv_nsec;
    if (!now && ns < dispatch->progress_ns)
        return;
    dispatch->progress_ns = ns + PROGRESS_NS;
    dispatch->options->progress(dispatch->options->context, dispatch->totals);
}

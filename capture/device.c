/*
 * device.c - a live capture from a network device, through libpcap.
 *
 * It never waits for the workers: what finds no room is dropped and counted.
 */
#include "capture/capture.h"

#include "base/log.h"
#include "capture/dispatch.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

#define DEFAULT_SNAPLEN 262144
#define KERNEL_BUFFER (32 << 20)
#define WAIT_MS 100
#define TICK_NS 1000000000
#define PACKETS_AT_ONCE 4096

struct device_run {
    struct dispatch dispatch;
    const struct bpf_program *filter;
    pcap_t *pcap;
    const char *name;
    int link_type;
    int snaplen;
    bool goes_on;
};

static void on_packet(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes)
{
    struct device_run *run = (struct device_run *)user;
    int64_t time_us = (int64_t)header->ts.tv_sec * 1000000 + header->ts.tv_usec;

    if (!run->goes_on)
        return;
    /* the kernel filters already; run->filter is NULL */
    run->goes_on = dispatch_frame(&run->dispatch, run->filter, run->link_type, time_us, 0, bytes_of(bytes, header->caplen), header->len);
    if (!run->goes_on)
        pcap_breakloop(run->pcap);
}

static bool activate(struct device_run *run, const struct capture_device_options *device)
{
    int result;

    pcap_set_snaplen(run->pcap, run->snaplen);
    pcap_set_promisc(run->pcap, device->promiscuous ? 1 : 0);
    pcap_set_timeout(run->pcap, WAIT_MS);
    pcap_set_buffer_size(run->pcap, KERNEL_BUFFER);
    result = pcap_activate(run->pcap);
    if (result < 0) {
        const char *hint = result == PCAP_ERROR_PERM_DENIED ? "; run it as root or with the capability CAP_NET_RAW"
                           : result == PCAP_ERROR_NO_SUCH_DEVICE ? "; `ip link` lists the devices"
                                                                  : "";

        log_error("%s: the device cannot be opened: %s (%s)%s", device->device, pcap_statustostr(result), pcap_geterr(run->pcap), hint);
        return false;
    }
    if (result > 0)
        log_warning("%s: %s", device->device, pcap_statustostr(result));
    run->link_type = pcap_datalink(run->pcap);
    return true;
}

static bool set_filter(struct device_run *run)
{
    struct bpf_program program;
    const char *filter = run->dispatch.options->filter;

    if (filter == NULL)
        return true;
    if (pcap_compile(run->pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN) != 0) {
        log_error("the filter '%s' does not compile: %s; see pcap-filter(7)", filter, pcap_geterr(run->pcap));
        return false;
    }
    if (pcap_setfilter(run->pcap, &program) != 0) {
        log_error("%s: the filter cannot be set: %s", run->name, pcap_geterr(run->pcap));
        pcap_freecode(&program);
        return false;
    }
    pcap_freecode(&program);
    return true;
}

static void read_drops(struct device_run *run)
{
    struct pcap_stat statistics;

    if (pcap_stats(run->pcap, &statistics) == 0)
        run->dispatch.totals->dropped_kernel = (uint64_t)statistics.ps_drop + statistics.ps_ifdrop;
}

static void write_row(struct device_run *run, bool is_finished)
{
    struct capture row = {
        .source = record_text_of(run->name),
        .kind = record_text_of("live"),
        .link_type = record_text_of(pcap_datalink_val_to_name(run->link_type)),
        .snaplen = record_integer(run->snaplen),
        .truncated = record_boolean(false),
        .finished = record_boolean(is_finished),
    };

    read_drops(run);
    row.dropped_kernel = record_integer((int64_t)run->dispatch.totals->dropped_kernel);
    row.dropped_queue = record_integer((int64_t)run->dispatch.totals->dropped_queue);
    dispatch_write_row(&run->dispatch, &row);
}

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Where nothing is on the wire, time goes on all the same. */
static void let_time_pass(struct device_run *run)
{
    (void)clock_follow(&run->dispatch.clock, run->dispatch.capture_id, clock_ns(CLOCK_REALTIME) / 1000);
}

static enum capture_result run_device(struct device_run *run)
{
    struct pollfd descriptor = {.fd = pcap_get_selectable_fd(run->pcap), .events = POLLIN};
    int64_t next_tick = clock_ns(CLOCK_MONOTONIC) + TICK_NS;

    run->goes_on = true;
    while (run->goes_on && *run->dispatch.options->stop == 0) {
        int count;

        if (poll(&descriptor, 1, WAIT_MS) < 0 && errno != EINTR) {
            log_error("%s: cannot wait for packets: %s", run->name, strerror(errno));
            return CAPTURE_INCOMPLETE;
        }
        count = pcap_dispatch(run->pcap, PACKETS_AT_ONCE, on_packet, (u_char *)run);
        if (count == PCAP_ERROR) {
            log_error("%s: %s; what was captured before was kept", run->name, pcap_geterr(run->pcap));
            return CAPTURE_INCOMPLETE;
        }
        if (clock_ns(CLOCK_MONOTONIC) >= next_tick) {
            next_tick += TICK_NS;
            let_time_pass(run);
            write_row(run, false);
            dispatch_flush(&run->dispatch, true);
        } else if (count == 0) {
            dispatch_flush(&run->dispatch, false);
        }
        dispatch_progress(&run->dispatch, false);
    }
    if (run->dispatch.is_abandoned)
        return CAPTURE_ABANDONED;
    return *run->dispatch.options->stop != 0 ? CAPTURE_STOPPED : CAPTURE_DONE;
}

enum capture_result capture_read_device(const struct capture_options *options, const struct capture_device_options *device, struct capture_totals *totals)
{
    struct device_run run = {.name = device->device, .snaplen = device->snaplen > 0 ? device->snaplen : DEFAULT_SNAPLEN};
    char error[PCAP_ERRBUF_SIZE] = "";
    enum capture_result result = CAPTURE_NOTHING;

    run.pcap = pcap_create(device->device, error);
    if (run.pcap == NULL) {
        log_error("%s: the device cannot be opened: %s", device->device, error);
        return CAPTURE_NOTHING;
    }
    if (!dispatch_init(&run.dispatch, options, totals, false)) {
        log_error("out of memory");
        pcap_close(run.pcap);
        return CAPTURE_NOTHING;
    }
    if (activate(&run, device) && set_filter(&run) && pcap_setnonblock(run.pcap, 1, error) == 0) {
        dispatch_begin_capture(&run.dispatch, options->first_capture_id);
        write_row(&run, false);
        log_note("listening on %s (%s)", device->device, pcap_datalink_val_to_name(run.link_type));
        result = run_device(&run);
        write_row(&run, true);
        dispatch_end(&run.dispatch);
        dispatch_flush(&run.dispatch, false);
    }
    dispatch_free(&run.dispatch);
    pcap_close(run.pcap);
    return result;
}

/*
 * capture.h - the first stage: a capture file or a network device -> timestamped,
 * decoded packets in batches, one series of batches a worker.
 */
#ifndef WIRESCRIBE_CAPTURE_CAPTURE_H
#define WIRESCRIBE_CAPTURE_CAPTURE_H

#include "base/packet.h"
#include "base/record.h"

#include <signal.h>

/* captures: one row a file or device of one run. */
#define CAPTURE(COLUMN, LATER, R) \
    COLUMN(R, integer, capture_id, "1.. in the order of reading") \
    COLUMN(R, text, source, "the file's path as given, '-' for standard input, or the device's name") \
    COLUMN(R, text, kind, "'file' or 'live'") \
    COLUMN(R, text, link_type, "name of the link layer as libpcap names it (EN10MB, LINUX_SLL, RAW); several interfaces: joined by commas") \
    COLUMN(R, integer, snaplen, "most bytes captured of one packet; NULL where the file states no limit") \
    COLUMN(R, text, filter, "the BPF filter of -f; NULL without one") \
    COLUMN(R, integer, start_us, "earliest packet; microseconds since the epoch, UTC") \
    COLUMN(R, integer, end_us, "latest packet") \
    COLUMN(R, integer, packets, "packets read that passed the filter") \
    COLUMN(R, integer, bytes, "their bytes as they were on the wire") \
    COLUMN(R, integer, dropped_kernel, "live: packets that the kernel dropped before wirescribe saw them; pcapng files: what the file's own statistics say") \
    COLUMN(R, integer, dropped_queue, "live: packets dropped because the workers were behind") \
    COLUMN(R, integer, decode_errors, "packets whose headers were cut off, contradicted themselves, or of an unknown link type") \
    COLUMN(R, boolean, truncated, "1 where the file ends inside a packet or is corrupt from some place on") \
    COLUMN(R, boolean, finished, "0 while it is read, and for good if the reading was interrupted")

RECORD_STRUCT(capture, CAPTURE);
extern const struct record_table capture_table;

/* What a capture file is known by later on; written for regular files alone. */
#define CAPTURE_FILE(COLUMN, LATER, R) \
    COLUMN(R, integer, capture_id, "captures.capture_id") \
    COLUMN(R, text, path, "its absolute path") \
    COLUMN(R, integer, size, "bytes on the disk when the reading began") \
    COLUMN(R, integer, head_bytes, "bytes at its beginning, as they lie on the disk, that head_sha256 is of") \
    COLUMN(R, text, head_sha256, "SHA-256 of these, in hexadecimal")

RECORD_STRUCT(capture_file, CAPTURE_FILE);
extern const struct record_table capture_file_table;

/* Totals of a run so far, for the progress display and the summary. */
struct capture_totals {
    uint64_t files_done;
    uint64_t files_failed; /* could not be opened, or corrupt: an error was logged */
    uint64_t packets;
    uint64_t wire_bytes;
    uint64_t file_bytes_read; /* of the files as they lie on disk (compressed size) */
    uint64_t file_bytes_total; /* 0: not known (standard input, device) */
    uint64_t decode_results[DECODE_RESULTS];
    uint64_t incomplete_datagrams; /* fragmented, never whole, or dropped for overlaps */
    uint64_t refused; /* for their checksums (CHECKSUMS_VERIFY) */
    uint64_t dropped_kernel;
    uint64_t dropped_queue;
    uint64_t secrets_unknown; /* pcapng blocks with decryption secrets of another kind than TLS key logs */
    uint64_t flows; /* as the workers last said */
};

/* What becomes of packets whose checksums are wrong, or were left to the sender's network card. They are counted in any case. */
enum checksum_mode {
    CHECKSUMS_OFFLOAD, /* packet.checksum tells the state; the streams stage decides */
    CHECKSUMS_VERIFY,  /* they have no flow */
    CHECKSUMS_IGNORE,  /* they count as unchecked */
};

/* What main.c fills in. Functions are called on the capture thread. */
struct capture_options {
    const char *filter;  /* BPF (pcap-filter(7)), or NULL */
    uint64_t most_packets; /* stop after so many; 0: no limit */
    const volatile sig_atomic_t *stop; /* becomes non-zero on SIGINT or SIGTERM: end cleanly, keep what was read */
    int64_t first_capture_id;
    unsigned workers;
    enum checksum_mode checksums;
    enum overlap_policy fragment_policy; /* of the hosts that receive */
    void *context;
    /* An empty batch for that worker. Waits; a live capture passes may_wait = false and gets NULL when none is free. */
    struct packet_batch *(*empty_batch)(void *context, unsigned worker, bool may_wait);
    /* Hands a batch to its worker; false: the run is being abandoned (a worker or the store failed). */
    bool (*full_batch)(void *context, unsigned worker, struct packet_batch *batch);
    /* Writes a row of capture_table (also again, with the newest counts). */
    void (*write)(void *context, const struct record_table *table, const void *record);
    /*
     * Lines of a TLS key log that a capture holds, before the packets of all captures where they can be found there (`is_ahead`; they come again
     * when they are met). May be NULL.
     */
    void (*secrets)(void *context, struct bytes lines, bool is_ahead);
    /* Whether secrets may come that were not told ahead, from here on. May be NULL where `secrets` is. */
    void (*secrets_may_follow)(void *context, bool may_follow);
    /* Called at most every 100 ms; may be NULL. */
    void (*progress)(void *context, const struct capture_totals *totals);
};

enum capture_result {
    CAPTURE_DONE,
    CAPTURE_STOPPED,   /* by the user (`stop`) */
    CAPTURE_INCOMPLETE, /* something could not be read, or is truncated; an error was logged for each */
    CAPTURE_NOTHING,   /* not a single capture could be opened; an error was logged for each */
    CAPTURE_ABANDONED, /* full_batch said so */
};

/* Whether the filter compiles (for Ethernet); otherwise false and an error was logged. */
bool capture_check_filter(const char *filter);

/*
 * Reads files in the order of their first packets, each a path, "-" (standard input), or a directory (not deeper); where
 * these are equal or not known, in the given order or that of their names. Blocks until all is read; meant to be run on the capture thread.
 */
enum capture_result capture_read_files(const struct capture_options *options, char *const *paths, size_t count, struct capture_totals *totals);

/* The same for a network device; `device` as libpcap names it. Ends on `stop` or most_packets. */
struct capture_device_options {
    const char *device;
    int snaplen;      /* bytes; 0: 262144 */
    bool promiscuous;
};
enum capture_result capture_read_device(const struct capture_options *options, const struct capture_device_options *device, struct capture_totals *totals);

/*
 * Decodes a frame whose `frame`, `wire_length` and `time_us` are set: down through all tunnels to the innermost packet
 * that can be decoded. `link_type` is a LINKTYPE_ value as it stands in files, or a DLT_ value of libpcap. Never reads
 * outside the frame.
 */
enum decode_result decode_frame(struct packet *packet, int link_type);

/*
 * Decodes a datagram that was put together from the fragments of `packet`, with an IP header of its own making (its checksum
 * is not looked at): everything from `source` on is filled. Tunnels inside are followed and added to packet->tunnel; the
 * innermost packet may be a fragment again. `ip` must stay valid as long as the packet.
 */
enum decode_result decode_ip(struct packet *packet, struct bytes ip);

/* Which of `workers` gets this packet: by the unordered pair of its innermost addresses. */
unsigned capture_worker_of(const struct packet *packet, unsigned workers);

#endif

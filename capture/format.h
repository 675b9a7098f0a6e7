/*
 * format.h - the records of a capture file: classic pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng).
 */
#ifndef WIRESCRIBE_CAPTURE_FORMAT_H
#define WIRESCRIBE_CAPTURE_FORMAT_H

#include "base/bytes.h"
#include "capture/reader.h"

/* Interfaces of one pcapng section that are told apart. */
#define FORMAT_INTERFACES 1024
/* The largest frame that is believed. */
#define FORMAT_FRAME_MOST (16u << 20)
/* The largest pcapng block that is read as a whole; larger unknown blocks are skipped in pieces. */
#define FORMAT_BLOCK_MOST (FORMAT_FRAME_MOST + (1u << 20))

struct interface {
    int link_type;
    uint32_t snaplen;      /* 0: not stated */
    uint64_t ticks;        /* per second */
    bool is_binary;        /* ticks are a power of two */
    int64_t offset_seconds;
    uint64_t dropped;      /* as its statistics block says; 0: none */
};

/* One packet as it stands in the file. */
struct frame_record {
    int64_t time_us;
    uint64_t position; /* where its record starts, uncompressed */
    uint32_t wire_length;
    unsigned interface;
    struct bytes frame; /* borrowed until the next call */
    struct bytes raw;   /* the whole record as it stands in the file, its header included; the same */
};

enum format_result {
    FORMAT_FRAME,     /* a packet */
    FORMAT_END,       /* the file ended where a record ends */
    FORMAT_TRUNCATED, /* the file ends inside a record */
    FORMAT_CORRUPT,   /* a record contradicts itself: see `error` */
};

enum format_kind {
    FORMAT_UNKNOWN, /* no capture file */
    FORMAT_EMPTY,   /* no bytes at all */
    FORMAT_PCAP,
    FORMAT_PCAPNG,
};

struct format {
    enum format_kind kind;
    struct reader *reader; /* borrowed */
    bool is_swapped;       /* the file's byte order is not this machine's */
    bool has_nanoseconds;  /* pcap */
    uint32_t link_field;   /* pcap: the header's link type as it stands, with what else its upper bits say */
    unsigned record_extra; /* pcap: bytes of the record's header behind the usual 16 */
    unsigned interface_count;
    struct interface *interfaces; /* owned; pcap has one */
    char error[160];
    /* Called with each pcapng block that packets lean on: sections, interfaces, names, decryption secrets. May be NULL. */
    void (*on_block)(void *context, uint32_t type, struct bytes block);
    /* Called with what each decryption secrets block holds, by its kind of secrets. May be NULL. */
    void (*on_secrets)(void *context, uint32_t kind, struct bytes secrets);
    void *context;
};

/* Reads the file's header. `kind` tells what it is; FORMAT_UNKNOWN may have an `error`. */
void format_open(struct format *format, struct reader *reader);
void format_close(struct format *format);
enum format_result format_next(struct format *format, struct frame_record *record);

/* ---- pcapng.c ---- */
enum format_result pcapng_next(struct format *format, struct frame_record *record);

/*
 * Walks through the blocks up to that position, and calls on_secrets for those that hold secrets; all others are passed over unread. True
 * where the file was seen to its end.
 */
bool pcapng_find_secrets(struct format *format, uint64_t most);

#define SECRETS_TLS_KEY_LOG 0x544c534bu /* NSS key log (draft-ietf-opsawg-pcapng, 4.7) */

/* A number as the file has it. */
uint32_t format_u32(const struct format *format, const uint8_t *at);
uint16_t format_u16(const struct format *format, const uint8_t *at);

/* False: out of memory or too many. */
bool format_add_interface(struct format *format, const struct interface *interface);

#endif

/*
 * format.c - what kind of capture file it is; classic pcap.
 * pcap: micro- and nanoseconds, both byte orders, and the longer record header of 0xa1b2cd34.
 */
#include "capture/format.h"

#include <stdio.h>
#include <stdlib.h>

#define PCAP_MICROSECONDS 0xa1b2c3d4u
#define PCAP_NANOSECONDS 0xa1b23c4du
#define PCAP_KUZNETZOV 0xa1b2cd34u
#define PCAPNG_SECTION 0x0a0d0d0au
#define PCAP_HEADER 24
#define RECORD_HEADER 16

uint32_t format_u32(const struct format *format, const uint8_t *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof value);
    return format->is_swapped ? __builtin_bswap32(value) : value;
}

uint16_t format_u16(const struct format *format, const uint8_t *at)
{
    uint16_t value;

    memcpy(&value, at, sizeof value);
    return format->is_swapped ? __builtin_bswap16(value) : value;
}

bool format_add_interface(struct format *format, const struct interface *interface)
{
    struct interface *grown;

    if (format->interface_count == FORMAT_INTERFACES)
        return false;
    grown = realloc(format->interfaces, (format->interface_count + 1) * sizeof *grown);
    if (grown == NULL)
        return false;
    format->interfaces = grown;
    format->interfaces[format->interface_count++] = *interface;
    return true;
}

static bool is_pcap_magic(uint32_t magic)
{
    return magic == PCAP_MICROSECONDS || magic == PCAP_NANOSECONDS || magic == PCAP_KUZNETZOV;
}

static void open_pcap(struct format *format, uint32_t magic)
{
    struct bytes header = reader_take(format->reader, PCAP_HEADER);
    struct interface interface = {.ticks = 1000000};

    format->kind = FORMAT_PCAP;
    format->has_nanoseconds = magic == PCAP_NANOSECONDS;
    format->record_extra = magic == PCAP_KUZNETZOV ? 8 : 0;
    if (header.length < PCAP_HEADER) {
        format->kind = FORMAT_UNKNOWN;
        snprintf(format->error, sizeof format->error, "ends inside the pcap file header");
        return;
    }
    interface.snaplen = format_u32(format, header.at + 16);
    /* the upper bits tell of frame check sequences (draft-ietf-opsawg-pcap, section 4) */
    format->link_field = format_u32(format, header.at + 20);
    interface.link_type = (int)(format->link_field & 0x03ffffff);
    if (!format_add_interface(format, &interface)) {
        format->kind = FORMAT_UNKNOWN;
        snprintf(format->error, sizeof format->error, "out of memory");
    }
}

void format_open(struct format *format, struct reader *reader)
{
    struct bytes first = reader_peek(reader, 4);
    uint32_t magic;

    *format = (struct format){.kind = FORMAT_UNKNOWN, .reader = reader};
    if (first.length == 0) {
        format->kind = FORMAT_EMPTY;
        return;
    }
    if (first.length < 4)
        return;
    magic = format_u32(format, first.at);
    if (magic == PCAPNG_SECTION) {
        format->kind = FORMAT_PCAPNG;
        return;
    }
    if (!is_pcap_magic(magic)) {
        magic = __builtin_bswap32(magic);
        format->is_swapped = true;
    }
    if (is_pcap_magic(magic))
        open_pcap(format, magic);
}

void format_close(struct format *format)
{
    free(format->interfaces);
    format->interfaces = NULL;
}

static enum format_result pcap_next(struct format *format, struct frame_record *record)
{
    size_t header_length = RECORD_HEADER + format->record_extra;
    struct bytes header;
    uint32_t captured;
    uint32_t fraction;

    record->position = reader_position(format->reader);
    header = reader_peek(format->reader, header_length);
    if (header.length == 0)
        return FORMAT_END;
    if (header.length < header_length)
        return FORMAT_TRUNCATED;
    fraction = format_u32(format, header.at + 4);
    record->time_us = (int64_t)format_u32(format, header.at) * 1000000 + (format->has_nanoseconds ? fraction / 1000 : fraction);
    captured = format_u32(format, header.at + 8);
    record->wire_length = format_u32(format, header.at + 12);
    record->interface = 0;
    if (captured > FORMAT_FRAME_MOST) {
        snprintf(format->error, sizeof format->error, "a packet of %u bytes, which cannot be", captured);
        return FORMAT_CORRUPT;
    }
    if (record->wire_length < captured)
        record->wire_length = captured;
    record->raw = reader_take(format->reader, header_length + captured);
    if (record->raw.length < header_length + captured)
        return FORMAT_TRUNCATED;
    record->frame = bytes_of(record->raw.at + header_length, captured);
    return FORMAT_FRAME;
}

enum format_result format_next(struct format *format, struct frame_record *record)
{
    return format->kind == FORMAT_PCAPNG ? pcapng_next(format, record) : pcap_next(format, record);
}

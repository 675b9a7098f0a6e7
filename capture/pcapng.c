/*
 * pcapng.c - pcapng blocks (draft-ietf-opsawg-pcapng): sections of both byte orders,
 * interfaces, enhanced, simple and obsolete packets, interface statistics, decryption secrets.
 * Leaves out, for now: comments, name resolution.
 */
#include "capture/format.h"

#include "base/cursor.h"

#include <stdio.h>
#include <stdlib.h>

enum block_type {
    BLOCK_INTERFACE = 1,
    BLOCK_PACKET_OLD = 2,
    BLOCK_SIMPLE_PACKET = 3,
    BLOCK_NAMES = 4,
    BLOCK_STATISTICS = 5,
    BLOCK_SECRETS = 10,
    BLOCK_ENHANCED_PACKET = 6,
    BLOCK_SECTION = 0x0a0d0d0a,
};

enum option {
    OPTION_END = 0,
    OPTION_INTERFACE_RESOLUTION = 9,
    OPTION_INTERFACE_OFFSET = 14,
    OPTION_STATISTICS_DROPPED = 5,
};

#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define BLOCK_HEADER 8
#define BLOCK_OVERHEAD 12

/* Reads in the section's byte order. */
static uint32_t take_u32(const struct format *format, struct cursor *cursor)
{
    struct bytes bytes = take_bytes(cursor, 4);

    return bytes.length == 4 ? format_u32(format, bytes.at) : 0;
}

static uint16_t take_u16(const struct format *format, struct cursor *cursor)
{
    struct bytes bytes = take_bytes(cursor, 2);

    return bytes.length == 2 ? format_u16(format, bytes.at) : 0;
}

/* Finds an option; its value is borrowed. False where there is none. */
static bool find_option(const struct format *format, struct cursor options, uint16_t wanted, struct bytes *value)
{
    while (cursor_left(&options) >= 4) {
        uint16_t code = take_u16(format, &options);
        uint16_t length = take_u16(format, &options);

        *value = take_bytes(&options, length);
        if (!cursor_is_good(&options) || code == OPTION_END)
            return false;
        if (code == wanted)
            return true;
        take_up_to(&options, (4u - length % 4u) % 4u);
    }
    return false;
}

/* 10 to the power of n, or 2 to the power of n; 0 where that exceeds 64 bits. */
static uint64_t power(uint64_t base, unsigned n)
{
    uint64_t result = 1;

    while (n-- > 0) {
        if (result > UINT64_MAX / base)
            return 0;
        result *= base;
    }
    return result;
}

static void set_resolution(struct interface *interface, uint8_t resolution)
{
    interface->is_binary = (resolution & 0x80) != 0;
    interface->ticks = power(interface->is_binary ? 2 : 10, resolution & 0x7f);
}

static enum format_result corrupt(struct format *format, const char *what)
{
    snprintf(format->error, sizeof format->error, "%s", what);
    return FORMAT_CORRUPT;
}

static enum format_result on_interface(struct format *format, struct cursor *block)
{
    struct interface interface = {.ticks = 1000000};
    struct bytes value;

    interface.link_type = take_u16(format, block);
    skip_bytes(block, 2);
    interface.snaplen = take_u32(format, block);
    if (!cursor_is_good(block))
        return corrupt(format, "an interface description that is too short");
    if (find_option(format, *block, OPTION_INTERFACE_RESOLUTION, &value) && value.length == 1)
        set_resolution(&interface, value.at[0]);
    if (find_option(format, *block, OPTION_INTERFACE_OFFSET, &value) && value.length == 8) {
        uint64_t first = format_u32(format, value.at);
        uint64_t second = format_u32(format, value.at + 4);
        bool is_big_endian = format->is_swapped == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

        interface.offset_seconds = (int64_t)(is_big_endian ? first << 32 | second : second << 32 | first);
    }
    if (interface.ticks == 0)
        return corrupt(format, "an interface whose time resolution does not fit 64 bits");
    if (!format_add_interface(format, &interface))
        return corrupt(format, "more interfaces than are told apart");
    return FORMAT_FRAME;
}

static void on_statistics(struct format *format, struct cursor *block)
{
    uint32_t interface = take_u32(format, block);
    struct bytes value;

    skip_bytes(block, 8);
    if (!cursor_is_good(block) || interface >= format->interface_count)
        return;
    if (find_option(format, *block, OPTION_STATISTICS_DROPPED, &value) && value.length == 8) {
        uint64_t first = format_u32(format, value.at);
        uint64_t second = format_u32(format, value.at + 4);
        bool is_big_endian = format->is_swapped == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

        format->interfaces[interface].dropped = is_big_endian ? first << 32 | second : second << 32 | first;
    }
}

/* Ticks since the epoch -> microseconds. What does not fit becomes the nearest that does. */
static int64_t to_microseconds(const struct interface *interface, uint64_t ticks)
{
    uint64_t seconds = ticks / interface->ticks;
    uint64_t rest = ticks % interface->ticks;
    /* the rest is below `ticks`, which may be near 2^64: divide first where the product would not fit */
    uint64_t fraction = rest <= UINT64_MAX / 1000000 ? rest * 1000000 / interface->ticks : rest / (interface->ticks / 1000000);
    int64_t total;

    if (seconds > INT64_MAX / 4000000)
        seconds = INT64_MAX / 4000000;
    total = (int64_t)seconds;
    if (__builtin_add_overflow(total, interface->offset_seconds, &total) || total > INT64_MAX / 2000000 || total < -(INT64_MAX / 2000000))
        return (int64_t)seconds * 1000000 + (int64_t)fraction;
    return total * 1000000 + (int64_t)fraction;
}

static enum format_result on_packet(struct format *format, struct cursor *block, uint32_t type, struct frame_record *record)
{
    uint32_t captured;
    uint64_t ticks;

    if (type == BLOCK_ENHANCED_PACKET) {
        record->interface = take_u32(format, block);
    } else {
        record->interface = take_u16(format, block);
        skip_bytes(block, 2); /* drops count */
    }
    ticks = (uint64_t)take_u32(format, block) << 32;
    ticks |= take_u32(format, block);
    captured = take_u32(format, block);
    record->wire_length = take_u32(format, block);
    record->frame = take_bytes(block, captured);
    if (!cursor_is_good(block))
        return corrupt(format, "a packet that is longer than its block");
    if (record->interface >= format->interface_count)
        return corrupt(format, "a packet of an interface that was not described");
    if (record->wire_length < captured)
        record->wire_length = captured;
    record->time_us = to_microseconds(&format->interfaces[record->interface], ticks);
    return FORMAT_FRAME;
}

/* A simple packet has no time: it gets the epoch, for nothing else is known. */
static enum format_result on_simple_packet(struct format *format, struct cursor *block, struct frame_record *record)
{
    uint32_t captured;

    if (format->interface_count == 0)
        return corrupt(format, "a packet of an interface that was not described");
    record->interface = 0;
    record->time_us = 0;
    record->wire_length = take_u32(format, block);
    captured = record->wire_length;
    if (format->interfaces[0].snaplen != 0 && captured > format->interfaces[0].snaplen)
        captured = format->interfaces[0].snaplen;
    record->frame = take_bytes(block, captured);
    return cursor_is_good(block) ? FORMAT_FRAME : corrupt(format, "a packet that is longer than its block");
}

/* A section begins: its byte order, and no interfaces yet. `length_at` are the 4 bytes of its length. */
static bool begin_section(struct format *format, const struct bytes *start)
{
    uint32_t magic;

    memcpy(&magic, start->at + BLOCK_HEADER, sizeof magic);
    if (magic == BYTE_ORDER_MAGIC)
        format->is_swapped = false;
    else if (magic == __builtin_bswap32(BYTE_ORDER_MAGIC))
        format->is_swapped = true;
    else
        return false;
    free(format->interfaces);
    format->interfaces = NULL;
    format->interface_count = 0;
    return true;
}

static bool is_section(const uint8_t *at)
{
    static const uint8_t magic[4] = {0x0a, 0x0d, 0x0d, 0x0a};

    return memcmp(at, magic, sizeof magic) == 0;
}

/* Skips the rest of a block that is of no interest, however long. */
static bool skip(struct format *format, uint32_t length)
{
    while (length > 0) {
        uint32_t step = length < (1u << 16) ? length : 1u << 16;

        if (reader_take(format->reader, step).length < step)
            return false;
        length -= step;
    }
    return true;
}

static void on_secrets(const struct format *format, struct cursor block)
{
    uint32_t kind = take_u32(format, &block);
    uint32_t length = take_u32(format, &block);
    struct bytes secrets = take_bytes(&block, length);

    if (cursor_is_good(&block))
        format->on_secrets(format->context, kind, secrets);
}

bool pcapng_find_secrets(struct format *format, uint64_t most)
{
    for (;;) {
        uint64_t position = reader_position(format->reader);
        struct bytes start = reader_peek(format->reader, BLOCK_OVERHEAD);
        uint32_t type;
        uint32_t length;

        if (start.length < BLOCK_OVERHEAD)
            return true; /* nothing follows, or nothing whole */
        if (position > most)
            return false;
        if (is_section(start.at) && !begin_section(format, &start))
            return true;
        type = format_u32(format, start.at);
        length = format_u32(format, start.at + 4);
        if (length < BLOCK_OVERHEAD || length % 4 != 0)
            return true;
        if (type == BLOCK_SECRETS && length <= FORMAT_BLOCK_MOST) {
            struct bytes whole = reader_take(format->reader, length);

            if (whole.length < length)
                return true;
            on_secrets(format, cursor_within(bytes_of(whole.at + BLOCK_HEADER, length - BLOCK_OVERHEAD)));
        } else if (!reader_skip_to(format->reader, position + length)) {
            return true;
        }
    }
}

/* Blocks that packets lean on, for who copies them. */
static bool is_copied(const struct format *format, uint32_t type, uint32_t length)
{
    return length <= FORMAT_BLOCK_MOST && format->on_block != NULL && (type == BLOCK_SECTION || type == BLOCK_INTERFACE || type == BLOCK_NAMES || type == BLOCK_SECRETS);
}

static bool holds_secrets(const struct format *format, uint32_t type, uint32_t length)
{
    return length <= FORMAT_BLOCK_MOST && format->on_secrets != NULL && type == BLOCK_SECRETS;
}

static bool is_of_interest(uint32_t type)
{
    return type == BLOCK_INTERFACE || type == BLOCK_PACKET_OLD || type == BLOCK_SIMPLE_PACKET || type == BLOCK_STATISTICS || type == BLOCK_ENHANCED_PACKET;
}

enum format_result pcapng_next(struct format *format, struct frame_record *record)
{
    for (;;) {
        struct bytes start = reader_peek(format->reader, BLOCK_OVERHEAD);
        struct bytes whole;
        struct cursor block;
        uint32_t type;
        uint32_t length;
        enum format_result result;

        record->position = reader_position(format->reader);
        if (start.length == 0)
            return FORMAT_END;
        if (start.length < BLOCK_OVERHEAD)
            return FORMAT_TRUNCATED;
        if (is_section(start.at) && !begin_section(format, &start))
            return corrupt(format, "a section whose byte order cannot be told");
        type = format_u32(format, start.at);
        length = format_u32(format, start.at + 4);
        if (length < BLOCK_OVERHEAD || length % 4 != 0)
            return corrupt(format, "a block whose length cannot be");
        if (!is_of_interest(type) && !is_copied(format, type, length) && !holds_secrets(format, type, length)) {
            if (!skip(format, length))
                return FORMAT_TRUNCATED;
            continue;
        }
        if (length > FORMAT_BLOCK_MOST)
            return corrupt(format, "a packet block that is too large");
        whole = reader_take(format->reader, length);
        if (whole.length < length)
            return FORMAT_TRUNCATED;
        if (is_copied(format, type, length))
            format->on_block(format->context, type, whole);
        block = cursor_within(bytes_of(whole.at + BLOCK_HEADER, length - BLOCK_OVERHEAD));
        if (holds_secrets(format, type, length))
            on_secrets(format, block);
        if (!is_of_interest(type))
            continue;
        record->raw = whole;
        if (type == BLOCK_STATISTICS) {
            on_statistics(format, &block);
            continue;
        }
        if (type == BLOCK_INTERFACE)
            result = on_interface(format, &block);
        else if (type == BLOCK_SIMPLE_PACKET)
            return on_simple_packet(format, &block, record);
        else
            return on_packet(format, &block, type, record);
        if (result != FORMAT_FRAME)
            return result;
    }
}

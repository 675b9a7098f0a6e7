/* The output of make_load: a classic pcap file, written through one large buffer; and the small tools that all parts share.
 * Reference: the pcap file format (draft-ietf-opsawg-pcap), RFC 1071. */
#define _GNU_SOURCE 1
#define _FILE_OFFSET_BITS 64

#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OUTPUT_BUFFER = 4 << 20 };

#define FIRST_SECOND UINT64_C(1700000000) /* the load begins at this time of the Unix epoch */

static struct {
    int descriptor;
    const char *path;
    uint8_t *buffer;
    size_t used;
    struct output_totals totals;
} output = {.descriptor = -1};

static uint64_t random_state;

_Noreturn void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("make_load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

void *allocate(void *old, size_t size)
{
    void *memory = realloc(old, size);
    if (memory == NULL)
        fail("out of memory");
    return memory;
}

void random_seed(uint64_t seed)
{
    random_state = seed;
}

uint64_t random_next(void)
{
    uint64_t value = (random_state += UINT64_C(0x9E3779B97F4A7C15));
    value = (value ^ (value >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94D049BB133111EB);
    return value ^ (value >> 31);
}

uint64_t random_below(uint64_t bound)
{
    return random_next() % bound;
}

uint16_t get_u16_be(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

void put_u16_be(uint8_t *bytes, uint32_t value)
{
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

void put_u32_be(uint8_t *bytes, uint32_t value)
{
    put_u16_be(bytes, value >> 16);
    put_u16_be(bytes + 2, value);
}

static void put_u32_host(uint8_t *bytes, uint32_t value)
{
    memcpy(bytes, &value, sizeof value);
}

uint32_t fold(uint64_t sum)
{
    while (sum >> 16 != 0)
        sum = (sum & 0xFFFF) + (sum >> 16);
    return (uint32_t)sum;
}

uint32_t sum_bytes(const uint8_t *bytes, size_t length)
{
    uint64_t sum = 0;
    size_t offset = 0;
    for (; offset + 4 <= length; offset += 4) {
        uint32_t word;
        memcpy(&word, bytes + offset, 4);
        sum += word;
    }
    if (offset < length) {
        uint8_t rest[4] = {0};
        uint32_t word;
        memcpy(rest, bytes + offset, length - offset);
        memcpy(&word, rest, 4);
        sum += word;
    }
    return fold(sum);
}

void put_checksum(uint8_t *bytes, uint64_t sum)
{
    uint16_t checksum = (uint16_t)~fold(sum);
    memcpy(bytes, &checksum, 2);
}

uint32_t pseudo_header_sum(size_t segment_length)
{
    uint8_t words[8] = {0};
    put_u32_be(words, (uint32_t)segment_length);
    words[7] = IPPROTO_TCP;
    return sum_bytes(words, sizeof words);
}

static void output_flush(void)
{
    size_t done = 0;
    while (done < output.used) {
        ssize_t count = write(output.descriptor, output.buffer + done, output.used - done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            fail("%s: %s", output.path, strerror(errno));
        done += (size_t)count;
    }
    output.used = 0;
}

void output_open(const char *path)
{
    output.path = path;
    output.buffer = allocate(NULL, OUTPUT_BUFFER);
    output.descriptor = strcmp(path, "-") == 0 ? STDOUT_FILENO : open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (output.descriptor < 0)
        fail("%s: %s", path, strerror(errno));
    uint8_t *header = output.buffer;
    memset(header, 0, 24);
    put_u32_host(header, 0xA1B2C3D4);
    uint16_t version[2] = {2, 4};
    memcpy(header + 4, version, sizeof version);
    put_u32_host(header + 16, 262144);
    put_u32_host(header + 20, 1); /* LINKTYPE_ETHERNET */
    output.used = 24;
    output.totals.bytes = 24;
}

void output_close(void)
{
    output_flush();
    if (close(output.descriptor) != 0)
        fail("%s: %s", output.path, strerror(errno));
    free(output.buffer);
}

uint8_t *output_packet(uint64_t time, uint32_t length)
{
    if (output.used + RECORD_HEADER + length > OUTPUT_BUFFER)
        output_flush();
    if (time < output.totals.last_time)
        fail("internal error: time runs backwards");
    output.totals.last_time = time;
    uint8_t *record = output.buffer + output.used;
    put_u32_host(record, (uint32_t)(FIRST_SECOND + time / SECOND));
    put_u32_host(record + 4, (uint32_t)(time % SECOND / 1000));
    put_u32_host(record + 8, length);
    put_u32_host(record + 12, length);
    output.used += RECORD_HEADER + length;
    output.totals.bytes += RECORD_HEADER + length;
    output.totals.packets++;
    return record + RECORD_HEADER;
}

struct output_totals output_totals(void)
{
    return output.totals;
}

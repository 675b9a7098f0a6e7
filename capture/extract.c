/* extract.c - see extract.h */
#include "capture/extract.h"

#include "base/log.h"
#include "base/text.h"
#include "capture/format.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define BLOCK_SECTION 0x0a0d0d0au
#define BYTE_ORDER_MAGIC 0x1a2b3c4du
/* Blocks that wait for the first packet that leans on them. */
#define PENDING_MOST (64u << 20)

struct output {
    FILE *file;
    bool is_pcapng;
    uint32_t snaplen; /* of a classic file: the largest of all */
    bool has_header;
    struct text pending; /* pcapng: blocks that no packet has leaned on yet */
    uint64_t packets;
};

struct input {
    const struct evidence_file *file;
    struct reader *reader;
    struct format format;
};

/* ---- finding the files ---- */

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

/* Where the file is now; what was told of its place before stays where it is not found. */
static bool find_file(struct evidence_file *file, const char *folder)
{
    struct text path = {.limit = 8192};

    if (access(file->path, F_OK) == 0)
        return true;
    if (folder == NULL) {
        log_error("%s: the capture is not there any more; `--captures DIR` tells where it has moved", file->path);
        return false;
    }
    text_append_format(&path, "%s/%s", folder, name_of(file->path));
    if (path.at == NULL || path.was_cut || access(path.at, F_OK) != 0) {
        log_error("%s: the capture is neither there nor in %s", file->path, folder);
        text_free(&path);
        return false;
    }
    free(file->path);
    file->path = strdup(path.at);
    text_free(&path);
    return file->path != NULL;
}

/* SHA-256 of as much of the beginning as was looked at before. */
static bool has_same_head(const struct evidence_file *file, const struct reader *reader, struct reader_identity *identity)
{
    return reader_identify(reader, file->head_bytes, identity) && identity->head_bytes == file->head_bytes &&
           strcmp(identity->head_sha256, file->head_sha256) == 0;
}

static bool is_the_file(const struct evidence_file *file, const struct reader *reader)
{
    struct reader_identity identity = {.size = 0};

    if (!has_same_head(file, reader, &identity)) {
        log_error("%s: is not the capture that was read: its first %llu bytes differ; its packets cannot be found again", file->path,
                  (unsigned long long)file->head_bytes);
        return false;
    }
    if (identity.size < file->size) {
        log_error("%s: has become shorter since it was read: %llu bytes, then %llu; its packets cannot be found again", file->path,
                  (unsigned long long)identity.size, (unsigned long long)file->size);
        return false;
    }
    if (identity.size > file->size)
        log_note("%s: has grown since it was read, from %llu bytes to %llu", file->path, (unsigned long long)file->size, (unsigned long long)identity.size);
    return true;
}

static void close_input(struct input *input)
{
    if (input->reader == NULL)
        return;
    format_close(&input->format);
    reader_close(input->reader);
    input->reader = NULL;
}

static bool open_input(struct input *input, struct evidence_file *file, const char *folder)
{
    *input = (struct input){.file = file};
    if (!find_file(file, folder))
        return false;
    input->reader = reader_open(file->path);
    if (input->reader == NULL)
        return false;
    format_open(&input->format, input->reader);
    if (is_the_file(file, input->reader) && (input->format.kind == FORMAT_PCAP || input->format.kind == FORMAT_PCAPNG))
        return true;
    close_input(input);
    return false;
}

/* ---- writing ---- */

static bool put(struct output *output, const void *bytes, size_t length)
{
    return fwrite(bytes, 1, length, output->file) == length;
}

static bool put_bytes(struct output *output, struct bytes bytes)
{
    return put(output, bytes.at, bytes.length);
}

/* A number in the byte order of that file. */
static void to_order(const struct format *format, uint32_t value, uint8_t out[4])
{
    if (format->is_swapped)
        value = __builtin_bswap32(value);
    memcpy(out, &value, sizeof value);
}

/* The header of the first file, with room for the largest packets of all. */
static bool put_pcap_header(struct output *output, const struct format *format)
{
    uint8_t header[24];
    uint32_t magic = format->record_extra > 0 ? 0xa1b2cd34u : format->has_nanoseconds ? 0xa1b23c4du : 0xa1b2c3d4u;

    if (output->has_header)
        return true;
    output->has_header = true;
    memset(header, 0, sizeof header);
    to_order(format, magic, header);
    to_order(format, format->is_swapped == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) ? 0x00020004 : 0x00040002, header + 4);
    to_order(format, output->snaplen, header + 16);
    to_order(format, format->link_field, header + 20);
    return put(output, header, sizeof header);
}

static void append_u32(struct text *text, uint32_t value)
{
    text_append(text, bytes_of((const uint8_t *)&value, sizeof value));
}

static void append_u16(struct text *text, uint16_t value)
{
    text_append(text, bytes_of((const uint8_t *)&value, sizeof value));
}

/* A section of our own for a classic file, in this machine's byte order. */
static void begin_made_section(struct output *output, const struct format *format)
{
    struct text *text = &output->pending;

    text_clear(text);
    append_u32(text, BLOCK_SECTION);
    append_u32(text, 28);
    append_u32(text, BYTE_ORDER_MAGIC);
    append_u16(text, 1); /* version 1.0 */
    append_u16(text, 0);
    append_u32(text, UINT32_MAX); /* its length is not stated */
    append_u32(text, UINT32_MAX);
    append_u32(text, 28);
    append_u32(text, 1); /* interface description */
    append_u32(text, 32);
    append_u16(text, (uint16_t)format->interfaces[0].link_type);
    append_u16(text, 0);
    append_u32(text, format->interfaces[0].snaplen);
    append_u16(text, 9); /* if_tsresol */
    append_u16(text, 1);
    append_u32(text, format->has_nanoseconds ? 9 : 6);
    append_u32(text, 0); /* end of options */
    append_u32(text, 32);
}

/* A block of a pcapng file that packets lean on: waits until one does. A section that none did is forgotten with the next. */
static void on_block(void *context, uint32_t type, struct bytes block)
{
    struct output *output = context;

    if (type == BLOCK_SECTION)
        text_clear(&output->pending);
    text_append(&output->pending, block);
    if (type == BLOCK_SECTION && output->pending.length >= 24)
        memset(output->pending.at + 16, 0xff, 8); /* packets are left out: its length is not stated */
}

static bool put_pending(struct output *output)
{
    bool is_written = put_bytes(output, text_bytes(&output->pending)) && !output->pending.was_cut;

    text_clear(&output->pending);
    return is_written;
}

/* An enhanced packet block out of a classic record, at its own precision. */
static bool put_enhanced(struct output *output, const struct format *format, const struct frame_record *record)
{
    static const uint8_t padding[4];
    uint64_t seconds = format_u32(format, record->raw.at);
    uint64_t time = seconds * (format->has_nanoseconds ? 1000000000u : 1000000u) + format_u32(format, record->raw.at + 4);
    uint32_t captured = (uint32_t)record->frame.length;
    uint32_t padded = (captured + 3) & ~3u;
    const uint32_t head[7] = {6, 32 + padded, 0, (uint32_t)(time >> 32), (uint32_t)time, captured, record->wire_length};

    return put(output, head, sizeof head) && put_bytes(output, record->frame) && put(output, padding, padded - captured) &&
           put(output, &head[1], sizeof head[1]);
}

static bool put_record(struct output *output, const struct format *format, const struct frame_record *record)
{
    bool is_written;

    if (!output->is_pcapng)
        is_written = put_pcap_header(output, format) && put_bytes(output, record->raw);
    else if (format->kind == FORMAT_PCAPNG)
        is_written = put_pending(output) && put_bytes(output, record->raw);
    else
        is_written = put_pending(output) && put_enhanced(output, format, record);
    output->packets += is_written;
    if (!is_written)
        log_error("the capture cannot be written: %s", strerror(errno));
    return is_written;
}

/* ---- reading ---- */

static bool tell_lost(const struct input *input, uint64_t position)
{
    log_error("%s: has no packet at byte %llu, where one was: the file has changed since it was read", input->file->path, (unsigned long long)position);
    return false;
}

/* The next wanted record. Classic pcap goes there at once; pcapng is walked, for its blocks lean on those before. */
static bool go_to(struct input *input, uint64_t position, struct frame_record *record)
{
    if (input->format.kind == FORMAT_PCAP)
        return reader_skip_to(input->reader, position) && format_next(&input->format, record) == FORMAT_FRAME;
    while (format_next(&input->format, record) == FORMAT_FRAME) {
        if (record->position >= position)
            return record->position == position;
    }
    return false;
}

static bool copy_file(struct output *output, struct evidence_file *file, const char *folder)
{
    struct input input;
    struct frame_record record;
    bool is_copied = true;

    if (!open_input(&input, file, folder))
        return false;
    if (output->is_pcapng && input.format.kind == FORMAT_PCAP)
        begin_made_section(output, &input.format);
    input.format.on_block = on_block;
    input.format.context = output;
    for (size_t i = 0; i < file->count && is_copied; i++)
        is_copied = (go_to(&input, file->positions[i], &record) || tell_lost(&input, file->positions[i])) && put_record(output, &input.format, &record);
    text_clear(&output->pending);
    close_input(&input);
    return is_copied;
}

/* Looks at all files before anything is written: whether they are there, and what the output must be. */
static bool survey(struct output *output, struct evidence *evidence, const char *folder)
{
    struct input first = {.reader = NULL};
    bool is_there = true;

    for (size_t i = 0; i < evidence->count && is_there; i++) {
        struct input input;

        is_there = open_input(&input, &evidence->files[i], folder);
        if (!is_there)
            break;
        if (input.format.kind == FORMAT_PCAPNG) {
            output->is_pcapng = true;
        } else if (first.reader == NULL) {
            first = input;
            output->snaplen = input.format.interfaces[0].snaplen;
            continue;
        } else {
            output->is_pcapng = output->is_pcapng || input.format.is_swapped != first.format.is_swapped ||
                                input.format.has_nanoseconds != first.format.has_nanoseconds || input.format.record_extra != first.format.record_extra ||
                                input.format.link_field != first.format.link_field;
            if (input.format.interfaces[0].snaplen > output->snaplen)
                output->snaplen = input.format.interfaces[0].snaplen;
        }
        close_input(&input);
    }
    close_input(&first);
    return is_there;
}

bool extract_packets(struct evidence *evidence, const char *folder, FILE *out, struct extract_result *result)
{
    struct output output = {.file = out, .pending = {.limit = PENDING_MOST}};
    bool is_done = survey(&output, evidence, folder);

    for (size_t i = 0; i < evidence->count && is_done; i++)
        is_done = copy_file(&output, &evidence->files[i], folder);
    if (is_done && fflush(out) != 0) {
        log_error("the capture cannot be written: %s", strerror(errno));
        is_done = false;
    }
    text_free(&output.pending);
    *result = (struct extract_result){.packets = output.packets, .is_pcapng = output.is_pcapng};
    return is_done;
}

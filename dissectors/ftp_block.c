/*
 * ftp_block.c - see ftp_block.h.
 *
 * Leaves out: suspected errors (descriptor 32), whose bytes are told like others; restart markers, which are passed
 * over; page structure; EBCDIC, which is told as it is.
 */
#include "dissectors/ftp_block.h"

#include "base/cursor.h"
#include "base/memory.h"

#include <zlib.h>

/* Descriptor codes (RFC 959, 3.4.2). */
#define BLOCK_END_OF_RECORD 128
#define BLOCK_END_OF_FILE 64
#define BLOCK_RESTART_MARKER 16

/* Compressed mode's first byte (RFC 959, 3.4.3). */
#define COMPRESSED_KIND 0xc0
#define COMPRESSED_REPEAT 0x80
#define COMPRESSED_FILL 0xc0
#define COMPRESSED_COUNT 0x3f

/* Stream mode with records: an escape and a code (RFC 959, 3.4.1). */
#define RECORD_ESCAPE 0xff
#define RECORD_END 0x01
#define RECORD_FILE_END 0x02

#define INFLATE_OUT 16384

enum block_phase {
    PHASE_HEADER,     /* block: the rest of three bytes; compressed: one byte */
    PHASE_BODY,       /* `left` bytes of the file, or of a marker */
    PHASE_REPEATED,   /* compressed: the byte that stands `left` times */
    PHASE_DESCRIPTOR, /* compressed: behind the escape */
    PHASE_ENDED,
};

struct ftp_block {
    struct ftp_form form;
    ftp_block_sink *sink;
    void *context;
    enum ftp_block_trouble trouble;
    enum block_phase phase;
    uint8_t header[3];
    unsigned header_length;
    uint8_t descriptor;
    size_t left;
    bool is_escaped; /* records in stream mode: the byte before was the escape */
    bool marker_follows; /* compressed: the next string is a restart marker */
    uint64_t behind;
    bool has_inflate;
    z_stream inflate;
    uint64_t packed;
    uint64_t plain;
};

static void tell(struct ftp_block *block, struct bytes plain)
{
    if (plain.length > 0)
        block->sink(block->context, plain);
}

static void tell_record_end(struct ftp_block *block)
{
    block->sink(block->context, bytes_of_text("\n"));
}

/* ---- stream mode with records ---- */

static void on_record_code(struct ftp_block *block, uint8_t code)
{
    block->is_escaped = false;
    if (code == RECORD_ESCAPE) {
        tell(block, bytes_of(&code, 1));
        return;
    }
    if ((code & (RECORD_END | RECORD_FILE_END)) == 0 || code > (RECORD_END | RECORD_FILE_END)) {
        block->trouble = FTP_BLOCK_INVALID;
        return;
    }
    if ((code & RECORD_END) != 0)
        tell_record_end(block);
    if ((code & RECORD_FILE_END) != 0)
        block->phase = PHASE_ENDED;
}

static void add_records(struct ftp_block *block, struct cursor *more)
{
    if (block->is_escaped) {
        on_record_code(block, take_u8(more));
        return;
    }
    {
        struct bytes rest = peek_bytes(more);
        const uint8_t *escape = memchr(rest.at, RECORD_ESCAPE, rest.length);
        size_t length = escape != NULL ? (size_t)(escape - rest.at) : rest.length;

        tell(block, take_bytes(more, length));
        block->is_escaped = escape != NULL;
        skip_bytes(more, escape != NULL ? 1 : 0);
    }
}

/* ---- block mode ---- */

static void end_block(struct ftp_block *block)
{
    block->header_length = 0;
    block->phase = PHASE_HEADER;
    if ((block->descriptor & BLOCK_RESTART_MARKER) != 0)
        return;
    if ((block->descriptor & BLOCK_END_OF_RECORD) != 0 && block->form.has_records)
        tell_record_end(block);
    if ((block->descriptor & BLOCK_END_OF_FILE) != 0)
        block->phase = PHASE_ENDED;
}

static void add_block(struct ftp_block *block, struct cursor *more)
{
    struct bytes body;

    if (block->phase == PHASE_HEADER) {
        block->header[block->header_length++] = take_u8(more);
        if (block->header_length < sizeof block->header)
            return;
        block->descriptor = block->header[0];
        block->left = (size_t)block->header[1] << 8 | block->header[2];
        block->phase = PHASE_BODY;
        if ((block->descriptor & 0x0f) != 0) { /* four codes of eight bits: the low half is never set */
            block->trouble = FTP_BLOCK_INVALID;
            return;
        }
    } else {
        body = take_up_to(more, block->left);
        block->left -= body.length;
        if ((block->descriptor & BLOCK_RESTART_MARKER) == 0)
            tell(block, body);
    }
    if (block->left == 0)
        end_block(block);
}

/* ---- compressed mode ---- */

static void tell_repeated(struct ftp_block *block, uint8_t byte)
{
    uint8_t run[COMPRESSED_COUNT];

    memset(run, byte, block->left);
    if (!block->marker_follows)
        tell(block, bytes_of(run, block->left));
    block->marker_follows = false;
    block->left = 0;
    block->phase = PHASE_HEADER;
}

static void on_compressed_header(struct ftp_block *block, uint8_t header)
{
    if (header == 0) {
        block->phase = PHASE_DESCRIPTOR;
        return;
    }
    if ((header & COMPRESSED_REPEAT) == 0) {
        block->left = header;
        block->phase = PHASE_BODY;
        return;
    }
    block->left = header & COMPRESSED_COUNT;
    block->phase = PHASE_REPEATED;
    if ((header & COMPRESSED_KIND) == COMPRESSED_FILL)
        tell_repeated(block, block->form.is_text ? ' ' : 0);
}

static void on_compressed_descriptor(struct ftp_block *block, uint8_t descriptor)
{
    block->phase = PHASE_HEADER;
    block->marker_follows = (descriptor & BLOCK_RESTART_MARKER) != 0;
    if ((descriptor & BLOCK_END_OF_RECORD) != 0 && block->form.has_records)
        tell_record_end(block);
    if ((descriptor & BLOCK_END_OF_FILE) != 0)
        block->phase = PHASE_ENDED;
}

static void add_compressed(struct ftp_block *block, struct cursor *more)
{
    struct bytes body;

    switch (block->phase) {
    case PHASE_HEADER:
        on_compressed_header(block, take_u8(more));
        return;
    case PHASE_DESCRIPTOR:
        on_compressed_descriptor(block, take_u8(more));
        return;
    case PHASE_REPEATED:
        tell_repeated(block, take_u8(more));
        return;
    case PHASE_BODY:
    case PHASE_ENDED:
        break;
    }
    body = take_up_to(more, block->left);
    block->left -= body.length;
    if (!block->marker_follows)
        tell(block, body);
    if (block->left > 0)
        return;
    block->marker_follows = false;
    block->phase = PHASE_HEADER;
}

/* ---- MODE Z ---- */

static void *allocate(void *unused, unsigned count, unsigned size)
{
    (void)unused;
    return memory_new_zeroed(count, size);
}

static void release(void *unused, void *memory)
{
    (void)unused;
    memory_free(memory);
}

static bool begin_inflate(struct ftp_block *block)
{
    block->inflate = (z_stream){.zalloc = allocate, .zfree = release};
    block->has_inflate = inflateInit(&block->inflate) == Z_OK;
    if (!block->has_inflate)
        block->trouble = FTP_BLOCK_NO_MEMORY;
    return block->has_inflate;
}

static enum ftp_block_trouble inflate_trouble(int answer)
{
    if (answer == Z_OK || answer == Z_STREAM_END || answer == Z_BUF_ERROR)
        return FTP_BLOCK_FINE;
    return answer == Z_MEM_ERROR ? FTP_BLOCK_NO_MEMORY : FTP_BLOCK_INVALID;
}

static void add_deflated(struct ftp_block *block, struct cursor *more)
{
    uint8_t out[INFLATE_OUT];
    struct bytes in = take_up_to(more, UINT32_MAX);
    int answer = Z_OK;

    if (!block->has_inflate && !begin_inflate(block))
        return;
    block->packed += in.length;
    block->inflate.next_in = (uint8_t *)(uintptr_t)in.at;
    block->inflate.avail_in = (unsigned)in.length;
    do {
        size_t told;

        block->inflate.next_out = out;
        block->inflate.avail_out = sizeof out;
        answer = inflate(&block->inflate, Z_NO_FLUSH);
        told = sizeof out - block->inflate.avail_out;
        block->plain += told;
        tell(block, bytes_of(out, told));
        block->trouble = inflate_trouble(answer);
        if (block->plain > FTP_INFLATE_FREE && block->plain / FTP_INFLATE_RATIO > block->packed)
            block->trouble = FTP_BLOCK_BOMB;
    } while (block->trouble == FTP_BLOCK_FINE && answer == Z_OK && block->inflate.avail_out == 0);
    if (answer == Z_STREAM_END) {
        block->phase = PHASE_ENDED;
        block->behind += block->inflate.avail_in;
    }
}

/* ---- all of them ---- */

struct ftp_block *ftp_block_new(const struct ftp_form *form, ftp_block_sink *sink, void *context)
{
    struct ftp_block *block = memory_new_zeroed(1, sizeof *block);

    if (block == NULL)
        return NULL;
    block->form = *form;
    block->sink = sink;
    block->context = context;
    return block;
}

void ftp_block_add(struct ftp_block *block, struct bytes more)
{
    struct cursor cursor = cursor_over(more);

    while (block->trouble == FTP_BLOCK_FINE && block->phase != PHASE_ENDED && cursor_left(&cursor) > 0) {
        switch (block->form.mode) {
        case FTP_MODE_STREAM:
            if (block->form.has_records)
                add_records(block, &cursor);
            else
                tell(block, take_up_to(&cursor, UINT64_MAX));
            break;
        case FTP_MODE_BLOCK:
            add_block(block, &cursor);
            break;
        case FTP_MODE_COMPRESSED:
            add_compressed(block, &cursor);
            break;
        case FTP_MODE_DEFLATE:
            add_deflated(block, &cursor);
            break;
        }
    }
    if (block->phase == PHASE_ENDED)
        block->behind += cursor_left(&cursor);
}

void ftp_block_lose(struct ftp_block *block)
{
    block->is_escaped = false;
    if (block->form.mode != FTP_MODE_STREAM && block->trouble == FTP_BLOCK_FINE && block->phase != PHASE_ENDED)
        block->trouble = FTP_BLOCK_LOST;
}

enum ftp_block_trouble ftp_block_trouble(const struct ftp_block *block)
{
    return block->trouble;
}

bool ftp_block_marks_end(const struct ftp_form *form)
{
    return form->mode != FTP_MODE_STREAM || form->has_records;
}

bool ftp_block_has_end(const struct ftp_block *block)
{
    return block->phase == PHASE_ENDED;
}

uint64_t ftp_block_behind(const struct ftp_block *block)
{
    return block->behind;
}

void ftp_block_free(struct ftp_block *block)
{
    if (block == NULL)
        return;
    if (block->has_inflate)
        inflateEnd(&block->inflate);
    memory_free(block);
}

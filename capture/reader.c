/*
 * reader.c - see reader.h
 *
 * Two buffers: `raw` holds what came from the disk (compressed files only), `plain`
 * what was not yet taken. The kind of compression is told by the first bytes.
 */
#include "capture/reader.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define PLAIN_FIRST (256u << 10)
#define RAW_SIZE (256u << 10)
/* What is passed over is taken in steps of so many bytes. */
#define READER_STEP (64u << 10)

enum compression {
    COMPRESSION_NONE,
    COMPRESSION_GZIP,
    COMPRESSION_ZSTD,
};

struct reader {
    int descriptor;
    bool is_at_end;   /* of the disk's bytes */
    bool is_finished; /* no more plain bytes can come */
    enum compression compression;
    uint64_t disk_position;
    uint64_t disk_size;
    uint64_t position;
    char error[160];
    uint8_t *plain; /* owned */
    size_t plain_capacity;
    size_t plain_first;
    size_t plain_end;
    uint8_t *raw; /* owned; NULL where nothing is compressed */
    size_t raw_first;
    size_t raw_end;
    z_stream gzip;
    bool gzip_is_inside; /* a member has begun and not ended */
    ZSTD_DCtx *zstd;
    bool zstd_is_inside;
};

static ssize_t read_disk(struct reader *reader, uint8_t *into, size_t length)
{
    ssize_t count;

    do {
        count = read(reader->descriptor, into, length);
    } while (count < 0 && errno == EINTR);
    if (count < 0) {
        snprintf(reader->error, sizeof reader->error, "cannot be read: %s", strerror(errno));
        count = 0;
    }
    if (count == 0)
        reader->is_at_end = true;
    reader->disk_position += (uint64_t)count;
    return count;
}

static void fill_raw(struct reader *reader)
{
    if (reader->raw_first > 0) {
        memmove(reader->raw, reader->raw + reader->raw_first, reader->raw_end - reader->raw_first);
        reader->raw_end -= reader->raw_first;
        reader->raw_first = 0;
    }
    if (!reader->is_at_end && reader->raw_end < RAW_SIZE)
        reader->raw_end += (size_t)read_disk(reader, reader->raw + reader->raw_end, RAW_SIZE - reader->raw_end);
}

static void fail(struct reader *reader, const char *why)
{
    if (reader->error[0] == '\0')
        snprintf(reader->error, sizeof reader->error, "%s", why);
    reader->is_finished = true;
}

static void fill_from_gzip(struct reader *reader)
{
    int result;

    if (reader->raw_end == reader->raw_first && reader->is_at_end) {
        if (reader->gzip_is_inside)
            fail(reader, "the gzip data ends too early");
        reader->is_finished = true;
        return;
    }
    reader->gzip_is_inside = true;
    reader->gzip.next_in = reader->raw + reader->raw_first;
    reader->gzip.avail_in = (uInt)(reader->raw_end - reader->raw_first);
    reader->gzip.next_out = reader->plain + reader->plain_end;
    reader->gzip.avail_out = (uInt)(reader->plain_capacity - reader->plain_end);
    result = inflate(&reader->gzip, Z_NO_FLUSH);
    reader->raw_first = reader->raw_end - reader->gzip.avail_in;
    reader->plain_end = reader->plain_capacity - reader->gzip.avail_out;
    if (result == Z_STREAM_END) {
        reader->gzip_is_inside = false;
        inflateReset(&reader->gzip); /* another member may follow */
        fill_raw(reader);
        if (reader->raw_end - reader->raw_first < 2 || reader->raw[reader->raw_first] != 0x1f)
            reader->is_finished = true; /* padding behind the last member */
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
        fail(reader, "the gzip data is corrupt");
    }
}

static void fill_from_zstd(struct reader *reader)
{
    ZSTD_inBuffer in = {.src = reader->raw, .size = reader->raw_end, .pos = reader->raw_first};
    ZSTD_outBuffer out = {.dst = reader->plain, .size = reader->plain_capacity, .pos = reader->plain_end};
    size_t result;

    if (reader->raw_end == reader->raw_first && reader->is_at_end) {
        /* what it still holds comes with an empty input */
        size_t before = out.pos;

        result = reader->zstd_is_inside ? ZSTD_decompressStream(reader->zstd, &out, &in) : 0;
        reader->plain_end = out.pos;
        if (out.pos > before)
            return;
        if (reader->zstd_is_inside)
            fail(reader, "the zstd data ends too early");
        reader->is_finished = true;
        return;
    }
    result = ZSTD_decompressStream(reader->zstd, &out, &in);
    reader->raw_first = in.pos;
    reader->plain_end = out.pos;
    reader->zstd_is_inside = result != 0;
    if (ZSTD_isError(result))
        fail(reader, "the zstd data is corrupt");
}

/* Makes room for `length` unread bytes. False: out of memory. */
static bool make_room(struct reader *reader, size_t length)
{
    size_t unread = reader->plain_end - reader->plain_first;
    size_t capacity = reader->plain_capacity;
    uint8_t *grown;

    if (reader->plain_first > 0) {
        memmove(reader->plain, reader->plain + reader->plain_first, unread);
        reader->plain_first = 0;
        reader->plain_end = unread;
    }
    if (length <= capacity)
        return true;
    while (capacity < length)
        capacity *= 2;
    grown = realloc(reader->plain, capacity);
    if (grown == NULL) {
        fail(reader, "out of memory");
        return false;
    }
    reader->plain = grown;
    reader->plain_capacity = capacity;
    return true;
}

static void fill_plain(struct reader *reader)
{
    if (reader->compression == COMPRESSION_NONE) {
        reader->plain_end += (size_t)read_disk(reader, reader->plain + reader->plain_end, reader->plain_capacity - reader->plain_end);
        reader->is_finished = reader->is_at_end;
        return;
    }
    fill_raw(reader);
    if (reader->compression == COMPRESSION_GZIP)
        fill_from_gzip(reader);
    else
        fill_from_zstd(reader);
}

struct bytes reader_peek(struct reader *reader, size_t length)
{
    size_t unread = reader->plain_end - reader->plain_first;

    if (unread < length && length <= READER_MOST && make_room(reader, length)) {
        while (reader->plain_end - reader->plain_first < length && !reader->is_finished)
            fill_plain(reader);
    }
    unread = reader->plain_end - reader->plain_first;
    return bytes_of(reader->plain + reader->plain_first, unread < length ? unread : length);
}

struct bytes reader_take(struct reader *reader, size_t length)
{
    struct bytes taken = reader_peek(reader, length);

    reader->plain_first += taken.length;
    reader->position += taken.length;
    return taken;
}

/* Turns what was read plainly so far into the first compressed bytes. */
static bool begin_decompression(struct reader *reader)
{
    static const uint8_t gzip_magic[3] = {0x1f, 0x8b, 8};
    static const uint8_t zstd_magic[4] = {0x28, 0xb5, 0x2f, 0xfd};
    struct bytes first = reader_peek(reader, sizeof zstd_magic);

    if (first.length >= sizeof gzip_magic && memcmp(first.at, gzip_magic, sizeof gzip_magic) == 0)
        reader->compression = COMPRESSION_GZIP;
    else if (first.length == sizeof zstd_magic && memcmp(first.at, zstd_magic, sizeof zstd_magic) == 0)
        reader->compression = COMPRESSION_ZSTD;
    else
        return true;
    reader->raw = malloc(PLAIN_FIRST > RAW_SIZE ? PLAIN_FIRST : RAW_SIZE);
    if (reader->raw == NULL)
        return false;
    reader->raw_end = reader->plain_end - reader->plain_first;
    memcpy(reader->raw, reader->plain + reader->plain_first, reader->raw_end);
    reader->plain_first = 0;
    reader->plain_end = 0;
    reader->is_finished = false;
    if (reader->compression == COMPRESSION_ZSTD) {
        reader->zstd = ZSTD_createDCtx();
        return reader->zstd != NULL;
    }
    return inflateInit2(&reader->gzip, 15 + 16) == Z_OK; /* 15: largest window, 16: gzip's own header */
}

struct reader *reader_open(const char *path)
{
    struct reader *reader = calloc(1, sizeof *reader);
    struct stat status;

    if (reader == NULL) {
        log_error("%s: out of memory", path);
        return NULL;
    }
    reader->descriptor = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (reader->descriptor < 0) {
        log_error("%s: cannot be opened: %s", path, strerror(errno));
        free(reader);
        return NULL;
    }
    if (fstat(reader->descriptor, &status) == 0 && S_ISREG(status.st_mode))
        reader->disk_size = (uint64_t)status.st_size;
    reader->plain_capacity = PLAIN_FIRST;
    reader->plain = malloc(PLAIN_FIRST);
    if (reader->plain == NULL || !begin_decompression(reader)) {
        log_error("%s: out of memory", path);
        reader_close(reader);
        return NULL;
    }
    return reader;
}

void reader_close(struct reader *reader)
{
    if (reader == NULL)
        return;
    if (reader->descriptor != STDIN_FILENO)
        close(reader->descriptor);
    if (reader->compression == COMPRESSION_GZIP)
        inflateEnd(&reader->gzip);
    ZSTD_freeDCtx(reader->zstd);
    free(reader->plain);
    free(reader->raw);
    free(reader);
}

uint64_t reader_position(const struct reader *reader)
{
    return reader->position;
}

uint64_t reader_disk_position(const struct reader *reader)
{
    return reader->disk_position;
}

uint64_t reader_disk_size(const struct reader *reader)
{
    return reader->disk_size;
}

const char *reader_error(const struct reader *reader)
{
    return reader->error[0] != '\0' ? reader->error : NULL;
}

bool reader_identify(const struct reader *reader, uint64_t head_bytes, struct reader_identity *identity)
{
    struct stat status;
    struct digest digest;
    uint8_t *head;
    ssize_t length;

    if (fstat(reader->descriptor, &status) != 0 || !S_ISREG(status.st_mode))
        return false;
    if (head_bytes > EVIDENCE_HEAD_BYTES)
        head_bytes = EVIDENCE_HEAD_BYTES;
    head = malloc(EVIDENCE_HEAD_BYTES);
    length = head != NULL ? pread(reader->descriptor, head, (size_t)head_bytes, 0) : -1;
    if (length < 0) {
        free(head);
        return false;
    }
    digest_begin(&digest, DIGEST_SHA256);
    digest_add(&digest, bytes_of(head, (size_t)length));
    free(head);
    identity->size = (uint64_t)status.st_size;
    identity->head_bytes = (uint64_t)length;
    return digest_end_hex(&digest, identity->head_sha256);
}

bool reader_skip_to(struct reader *reader, uint64_t position)
{
    size_t unread = reader->plain_end - reader->plain_first;

    if (position < reader->position)
        return false;
    if (reader->compression == COMPRESSION_NONE && reader->disk_size > 0 && position - reader->position > unread) {
        if (position > reader->disk_size || lseek(reader->descriptor, (off_t)position, SEEK_SET) < 0)
            return false;
        reader->plain_first = 0;
        reader->plain_end = 0;
        reader->is_at_end = false;
        reader->is_finished = false;
        reader->position = position;
        reader->disk_position = position;
        return true;
    }
    while (reader->position < position) {
        uint64_t left = position - reader->position;

        if (reader_take(reader, left < READER_STEP ? (size_t)left : READER_STEP).length == 0)
            return false;
    }
    return true;
}

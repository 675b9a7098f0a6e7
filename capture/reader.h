/*
 * reader.h - a capture file's bytes: plain, gzip (RFC 1952) or zstd (RFC 8878), from a path or from standard input.
 */
#ifndef WIRESCRIBE_CAPTURE_READER_H
#define WIRESCRIBE_CAPTURE_READER_H

#include "base/evidence.h"

struct reader;

/* Opens a path, or standard input for "-". NULL with an error logged. */
struct reader *reader_open(const char *path);
void reader_close(struct reader *reader);

/*
 * The next `length` bytes, borrowed until the next call. Fewer at the end of the file (0 bytes: exactly at the end).
 * `length` is at most READER_MOST.
 */
struct bytes reader_take(struct reader *reader, size_t length);
#define READER_MOST (20u << 20)

/* As reader_take, but the bytes stay unread. */
struct bytes reader_peek(struct reader *reader, size_t length);

/* What a file is known by: see base/evidence.h. */
struct reader_identity {
    uint64_t size;
    uint64_t head_bytes;
    char head_sha256[DIGEST_HEX_SIZE];
};

/*
 * Reads at most `head_bytes` of the file's beginning once more, without moving on. False for what is no regular file, or cannot
 * be read.
 */
bool reader_identify(const struct reader *reader, uint64_t head_bytes, struct reader_identity *identity);

/*
 * Goes on at that position of the uncompressed bytes, which must not lie before reader_position. A plain file is not read
 * in between. False: it ends before.
 */
bool reader_skip_to(struct reader *reader, uint64_t position);

/* Bytes taken so far, uncompressed. */
uint64_t reader_position(const struct reader *reader);

/* Bytes of the file read so far as it lies on disk, and its size there (0: not known). */
uint64_t reader_disk_position(const struct reader *reader);
uint64_t reader_disk_size(const struct reader *reader);

/* What went wrong while reading (I/O, corrupt compression), or NULL. Valid until reader_close. */
const char *reader_error(const struct reader *reader);

#endif

/*
 * evidence.h - where the packets of flows lie: what the reports read out of a database, and what the capture stage needs to
 * find them again in the capture files.
 */
#ifndef WIRESCRIBE_BASE_EVIDENCE_H
#define WIRESCRIBE_BASE_EVIDENCE_H

#include "base/digest.h"

/* By so many bytes of its beginning, as they lie on the disk, a capture file is known again. */
#define EVIDENCE_HEAD_BYTES 65536

/* One capture file and the records wanted of it. Owned by its list. */
struct evidence_file {
    int64_t capture_id;
    char *path;                     /* absolute, or as the user says where it is now */
    uint64_t size;                  /* on the disk, when it was read */
    uint64_t head_bytes;            /* that head_sha256 is of */
    char head_sha256[DIGEST_HEX_SIZE];
    uint64_t *positions;            /* in the uncompressed file, rising, each once */
    size_t count;
    size_t capacity;
};

struct evidence {
    struct evidence_file *files; /* in the order of reading */
    size_t count;
    size_t flows;
};

/* Adds a file, all zero but for its capture_id. NULL: out of memory. */
struct evidence_file *evidence_add_file(struct evidence *evidence, int64_t capture_id);

/* Adds a record. False: out of memory. */
bool evidence_add(struct evidence_file *file, uint64_t position);

/* Brings the positions into order, each once. */
void evidence_sort(struct evidence *evidence);
void evidence_free(struct evidence *evidence);

/*
 * Positions as they are kept in the database: each as the difference to the one before, signed by zigzag, in bytes of 7 bits,
 * the lowest first, bit 7 set in all but the last (LEB128).
 */
#define EVIDENCE_STEP_MOST 10 /* bytes that one difference needs at most */
size_t evidence_write_step(uint64_t before, uint64_t position, uint8_t out[EVIDENCE_STEP_MOST]);

/* The next position from the bytes at *steps, which move on. False: they end inside of one, or there are none. */
bool evidence_read_step(struct bytes *steps, uint64_t before, uint64_t *position);

#endif

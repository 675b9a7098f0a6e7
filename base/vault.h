/*
 * vault.h - a directory of file contents, each once, under the SHA-256 of what it holds: DIR/ab/abcdef...
 *
 * Nothing is ever written outside of the directory, and no name from the wire becomes part of a path. Files are made anew
 * (never opened where something stands, never through a symbolic link), readable by their owner alone, under a temporary name
 * until they are whole, and never replace another. They are not forced to the disk one by one.
 *
 * Threads: the vault is shared by the workers. What they share is a few counters, which are C11 atomics: the total of bytes must
 * hold over all workers at each moment, and a lock or a queue would let them wait for each other at each write. A vault_file belongs to one
 * thread, and its memory is counted there (base/memory.h).
 */
#ifndef WIRESCRIBE_BASE_VAULT_H
#define WIRESCRIBE_BASE_VAULT_H

#include "base/bytes.h"

/* What is stored unless the user says something else: of one file, and of all files of a run together. */
#define VAULT_FILE_LIMIT ((uint64_t)100 << 20)
#define VAULT_TOTAL_LIMIT ((uint64_t)10 << 30)

/*
 * So many bytes of a content are gathered in memory before they are written: a smaller one needs no temporary file before it is whole,
 * and none holds a descriptor between two writes, however many are open at once.
 */
#define VAULT_BUFFER_BYTES ((size_t)32 << 10)

struct vault;
struct vault_file;

enum vault_outcome {
    VAULT_STORED,    /* or it was there already */
    VAULT_TOO_LARGE, /* over the limit of a file */
    VAULT_FULL,      /* over the limit of all */
    VAULT_FAILED,    /* the directory cannot be written any more: a warning was logged, once a run */
};

/*
 * Opens `directory`, making it where it is missing (its parent must be there). NULL with an error logged: it is something else, it cannot be
 * written, out of memory. The text must stay valid.
 */
struct vault *vault_open(const char *directory, uint64_t file_limit, uint64_t total_limit);

/* After the last file was freed. Warns of what was not stored. */
void vault_close(struct vault *vault);

/* A new content. NULL, where memory is out, is taken by the functions below. */
struct vault_file *vault_begin(struct vault *vault);

/* Its next bytes. Where a limit is reached all that was written of it is removed, and the rest is ignored. */
void vault_add(struct vault_file *file, struct bytes more);

/* It is whole, and this is the SHA-256 of its bytes in hex. Call it once. */
enum vault_outcome vault_end(struct vault_file *file, const char *sha256);

/* Where it is stored, as reachable from the directory's name as given; NULL where it is not. Valid until vault_free. */
const char *vault_path(const struct vault_file *file);

/* The limit that the outcome speaks of. */
uint64_t vault_file_limit(const struct vault *vault);
uint64_t vault_total_limit(const struct vault *vault);

/* Lets it go; what is not whole is removed. */
void vault_free(struct vault_file *file);

#endif

/*
 * memory.h - allocation that is counted, for everything that a stranger on the wire can make grow.
 *
 * The count is kept for each thread by itself, so that a worker knows what its own flows cost without a lock. What was
 * allocated on one thread must therefore be freed on the same one. What passes between threads (batches) uses malloc.
 */
#ifndef WIRESCRIBE_BASE_MEMORY_H
#define WIRESCRIBE_BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* What the allocator itself needs for a piece. */
#define MEMORY_OVERHEAD 16

/* As malloc, calloc, realloc and free: NULL when out of memory, and then the old piece stays as it is. */
void *memory_new(size_t size);
void *memory_new_zeroed(size_t count, size_t size);
void *memory_resize(void *piece, size_t size);
void memory_free(void *piece);

/* Bytes that this thread has in use, overhead included. */
size_t memory_in_use(void);

/* What this machine, or the control group that the program runs in, has in bytes; 0: not known. */
uint64_t memory_of_machine(void);

/* Adds memory that somebody else allocates on behalf of this thread's flows (a library); a negative count takes it off. */
void memory_count(ptrdiff_t bytes);

#endif

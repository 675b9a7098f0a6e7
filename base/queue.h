/*
 * queue.h - a bounded first-in first-out queue of pointers between two threads
 * or more. All locking of the program stands here: what is pushed belongs to
 * the queue, and after the pop to the thread that popped it.
 *
 * The stages push batches, not packets, so that a lock is taken some thousand
 * times a second at most.
 */
#ifndef WIRESCRIBE_BASE_QUEUE_H
#define WIRESCRIBE_BASE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

struct queue;

/* A queue for at most `capacity` (> 0) items; NULL when out of memory. */
struct queue *queue_new(size_t capacity);

/*
 * A thread that waits in queue_pop is woken only once `level` items are there (or the queue is closed), so that it
 * finds more to do than one item. `level` must be less than the number of items that go round. Call it before threads use the queue.
 */
void queue_wake_at(struct queue *queue, size_t level);

/* Frees the queue, not the items still in it. */
void queue_free(struct queue *queue);

/* Waits for room, then pushes. False when the queue is closed: the item stays the caller's. */
bool queue_push(struct queue *queue, void *item);

/* Pushes if there is room now; false if there is none or the queue is closed. */
bool queue_try_push(struct queue *queue, void *item);

/* Waits for an item. NULL once the queue is closed and empty. */
void *queue_pop(struct queue *queue);

/* An item if there is one now, else NULL. */
void *queue_try_pop(struct queue *queue);

/* No more pushes; what is in the queue can still be popped. May be called twice. */
void queue_close(struct queue *queue);

#endif

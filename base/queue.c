/*
 * queue.c - see queue.h. A ring under one mutex.
 *
 * Invariants, whenever the mutex is free:
 *   1. 0 <= count <= capacity; items[(first + i) % capacity] for i < count are the queue's.
 *   2. once is_closed, count never grows.
 */
#include "base/queue.h"

#include <pthread.h>
#include <stdlib.h>

struct queue {
    pthread_mutex_t mutex;
    pthread_cond_t has_item;
    pthread_cond_t has_room;
    size_t capacity;
    size_t wake_level;
    size_t first;
    size_t count;
    bool is_closed;
    void *items[];
};

struct queue *queue_new(size_t capacity)
{
    struct queue *queue = calloc(1, sizeof *queue + capacity * sizeof queue->items[0]);

    if (queue == NULL)
        return NULL;
    queue->capacity = capacity;
    queue->wake_level = 1;
    pthread_mutex_init(&queue->mutex, NULL);
    pthread_cond_init(&queue->has_item, NULL);
    pthread_cond_init(&queue->has_room, NULL);
    return queue;
}

void queue_wake_at(struct queue *queue, size_t level)
{
    queue->wake_level = level;
}

void queue_free(struct queue *queue)
{
    if (queue == NULL)
        return;
    pthread_mutex_destroy(&queue->mutex);
    pthread_cond_destroy(&queue->has_item);
    pthread_cond_destroy(&queue->has_room);
    free(queue);
}

static bool push(struct queue *queue, void *item, bool may_wait)
{
    bool pushed = false;

    pthread_mutex_lock(&queue->mutex);
    while (may_wait && queue->count == queue->capacity && !queue->is_closed)
        pthread_cond_wait(&queue->has_room, &queue->mutex);
    if (!queue->is_closed && queue->count < queue->capacity) {
        queue->items[(queue->first + queue->count) % queue->capacity] = item;
        queue->count++;
        pushed = true;
        if (queue->count >= queue->wake_level)
            pthread_cond_signal(&queue->has_item);
    }
    pthread_mutex_unlock(&queue->mutex);
    return pushed;
}

bool queue_push(struct queue *queue, void *item)
{
    return push(queue, item, true);
}

bool queue_try_push(struct queue *queue, void *item)
{
    return push(queue, item, false);
}

static void *pop(struct queue *queue, bool may_wait)
{
    void *item = NULL;

    pthread_mutex_lock(&queue->mutex);
    while (may_wait && queue->count == 0 && !queue->is_closed)
        pthread_cond_wait(&queue->has_item, &queue->mutex);
    if (queue->count > 0) {
        item = queue->items[queue->first];
        queue->first = (queue->first + 1) % queue->capacity;
        queue->count--;
        pthread_cond_signal(&queue->has_room);
    }
    pthread_mutex_unlock(&queue->mutex);
    return item;
}

void *queue_pop(struct queue *queue)
{
    return pop(queue, true);
}

void *queue_try_pop(struct queue *queue)
{
    return pop(queue, false);
}

void queue_close(struct queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    queue->is_closed = true;
    pthread_cond_broadcast(&queue->has_item);
    pthread_cond_broadcast(&queue->has_room);
    pthread_mutex_unlock(&queue->mutex);
}

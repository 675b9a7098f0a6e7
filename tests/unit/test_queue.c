/* test_queue.c - base/queue.h: order, bounds, closing, and many threads at once. */
#include "base/queue.h"

#include "tests/unit/check.h"

#include <pthread.h>
#include <unistd.h>

static int items[8];

UNIT_TEST(queue_is_first_in_first_out)
{
    struct queue *queue = queue_new(3);

    /* more pushes than its capacity, so that the ring turns over */
    for (int round = 0; round < 5; round++) {
        CHECK(queue_try_push(queue, &items[0]));
        CHECK(queue_try_push(queue, &items[1]));
        CHECK(queue_try_pop(queue) == &items[0]);
        CHECK(queue_pop(queue) == &items[1]);
    }
    CHECK(queue_try_pop(queue) == NULL);
    queue_free(queue);
    queue_free(NULL);
}

UNIT_TEST(queue_is_bounded)
{
    struct queue *queue = queue_new(2);

    CHECK(queue_try_push(queue, &items[0]));
    CHECK(queue_push(queue, &items[1]));
    CHECK(!queue_try_push(queue, &items[2]));
    CHECK(queue_try_pop(queue) == &items[0]);
    CHECK(queue_try_push(queue, &items[2]));
    queue_free(queue);
}

UNIT_TEST(queue_closed_can_still_be_emptied)
{
    struct queue *queue = queue_new(4);

    CHECK(queue_push(queue, &items[0]));
    queue_close(queue);
    queue_close(queue);
    CHECK(!queue_push(queue, &items[1]));
    CHECK(!queue_try_push(queue, &items[1]));
    CHECK(queue_pop(queue) == &items[0]);
    CHECK(queue_pop(queue) == NULL);
    CHECK(queue_pop(queue) == NULL);
    queue_free(queue);
}

static void *push_one_too_many(void *argument)
{
    struct queue *queue = argument;

    /* waits until the queue is closed: the answer is then false */
    return queue_push(queue, &items[1]) ? queue : NULL;
}

static void *pop_from_empty(void *argument)
{
    return queue_pop(argument);
}

UNIT_TEST(queue_close_wakes_who_waits)
{
    struct queue *full = queue_new(1);
    struct queue *empty = queue_new(1);
    pthread_t pusher, popper;
    void *pushed = full;
    void *popped = empty;

    CHECK(queue_push(full, &items[0]));
    CHECK(pthread_create(&pusher, NULL, push_one_too_many, full) == 0);
    CHECK(pthread_create(&popper, NULL, pop_from_empty, empty) == 0);
    usleep(20000); /* both most likely wait by now; the test holds even where they do not */
    queue_close(full);
    queue_close(empty);
    pthread_join(pusher, &pushed);
    pthread_join(popper, &popped);
    CHECK(pushed == NULL);
    CHECK(popped == NULL);
    queue_free(full);
    queue_free(empty);
}

#define PRODUCERS 3
#define CONSUMERS 2
#define EACH 20000

struct number {
    unsigned producer;
    unsigned value;
};
static struct number numbers[PRODUCERS][EACH];

struct producer {
    struct queue *queue;
    unsigned number;
};

struct consumer {
    struct queue *queue;
    unsigned long count;
    unsigned long sum;
    bool is_in_order; /* each producer's items come in the order in which it pushed them */
};

static void *produce(void *argument)
{
    const struct producer *self = argument;

    for (unsigned i = 0; i < EACH; i++) {
        numbers[self->number][i] = (struct number){.producer = self->number, .value = i + 1};
        queue_push(self->queue, &numbers[self->number][i]);
    }
    return NULL;
}

static void *consume(void *argument)
{
    struct consumer *self = argument;
    unsigned last[PRODUCERS] = {0};
    struct number *number;

    self->is_in_order = true;
    while ((number = queue_pop(self->queue)) != NULL) {
        self->count++;
        self->sum += number->value;
        self->is_in_order = self->is_in_order && number->value > last[number->producer];
        last[number->producer] = number->value;
    }
    return NULL;
}

UNIT_TEST(queue_between_many_threads_loses_nothing)
{
    struct queue *queue = queue_new(7);
    struct producer producers[PRODUCERS];
    struct consumer consumers[CONSUMERS] = {{.queue = queue}, {.queue = queue}};
    pthread_t producer_threads[PRODUCERS];
    pthread_t consumer_threads[CONSUMERS];
    unsigned long count = 0;
    unsigned long sum = 0;

    for (unsigned i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){.queue = queue, .number = i};
        pthread_create(&producer_threads[i], NULL, produce, &producers[i]);
    }
    for (unsigned i = 0; i < CONSUMERS; i++)
        pthread_create(&consumer_threads[i], NULL, consume, &consumers[i]);
    for (unsigned i = 0; i < PRODUCERS; i++)
        pthread_join(producer_threads[i], NULL);
    queue_close(queue);
    for (unsigned i = 0; i < CONSUMERS; i++) {
        pthread_join(consumer_threads[i], NULL);
        CHECK(consumers[i].is_in_order);
        count += consumers[i].count;
        sum += consumers[i].sum;
    }
    CHECK(count == (unsigned long)PRODUCERS * EACH);
    CHECK(sum == (unsigned long)PRODUCERS * EACH * (EACH + 1) / 2);
    queue_free(queue);
}

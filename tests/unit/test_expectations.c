/* test_expectations.c - streams/expectations.c and announcers.c: what is announced and has not come yet. */
#include "streams/announcers.h"
#include "streams/expectations.h"
#include "tests/unit/check.h"

static struct address host(uint8_t number)
{
    const uint8_t bytes[4] = {192, 0, 2, number};

    return address_from_ipv4(bytes);
}

static unsigned released;

static void release(void *shared)
{
    (void)shared;
    released++;
}

/* The endpoint 192.0.2.1:port, for `opener` (0: anybody). */
static struct expectation at(uint16_t port, uint8_t opener, int *shared, int64_t made_us)
{
    struct expectation expectation = {.server = host(1), .server_port = port, .made_us = made_us, .shared = shared, .release = release};

    if (opener != 0)
        expectation.opener = host(opener);
    return expectation;
}

/* What a flow from 192.0.2.opener to that port finds; NULL: nothing. */
static void *take(struct expectations *expectations, uint16_t port, uint8_t opener, int64_t now_us)
{
    const struct address server = host(1);
    const struct address client = host(opener);
    struct expectation taken;

    return expectations_take(expectations, &server, port, &client, now_us, &taken) ? taken.shared : NULL;
}

UNIT_TEST(expectations_by_endpoint_and_opener)
{
    struct expectations *expectations = expectations_new();
    struct expectation anybody;
    struct expectation only_two;
    int first;
    int second;

    released = 0;
    anybody = at(5000, 0, &first, 0);
    only_two = at(5000, 2, &second, 0);
    CHECK(expectations_add(expectations, &anybody) && expectations_add(expectations, &only_two));
    CHECK(expectations_count(expectations) == 2);
    CHECK(take(expectations, 5001, 2, 0) == NULL);
    CHECK(take(expectations, 5000, 2, 0) == &second);
    CHECK(take(expectations, 5000, 3, 0) == &first);
    CHECK(take(expectations, 5000, 3, 0) == NULL);
    CHECK(expectations_add(expectations, &only_two));
    CHECK(take(expectations, 5000, 3, 0) == NULL); /* a stranger */
    CHECK(released == 0);
    expectations_free(expectations);
    CHECK(released == 1);
}

UNIT_TEST(expectations_are_replaced_forgotten_and_expire)
{
    struct expectations *expectations = expectations_new();
    const struct address server = host(1);
    struct expectation older;
    struct expectation newer;
    int first;
    int second;

    released = 0;
    older = at(5000, 0, &first, 0);
    newer = at(5000, 0, &second, 0);
    CHECK(expectations_add(expectations, &older) && expectations_add(expectations, &newer));
    CHECK(released == 1 && expectations_count(expectations) == 1);
    expectations_forget(expectations, &server, 5000, &first);
    CHECK(released == 1);
    expectations_forget(expectations, &server, 5000, &second);
    CHECK(released == 2 && expectations_count(expectations) == 0);
    CHECK(expectations_add(expectations, &older));
    CHECK(take(expectations, 5000, 2, (EXPECTATION_SECONDS + 1) * (int64_t)1000000) == NULL);
    CHECK(released == 3);
    CHECK(expectations_add(expectations, &older));
    expectations_expire(expectations, EXPECTATION_SECONDS * (int64_t)1000000);
    CHECK(expectations_count(expectations) == 1);
    expectations_expire(expectations, EXPECTATION_SECONDS * (int64_t)1000000 + 1);
    CHECK(expectations_count(expectations) == 0 && released == 4);
    expectations_free(expectations);
}

UNIT_TEST(expectations_have_a_limit)
{
    struct expectations *expectations = expectations_new();
    int shared;

    released = 0;
    for (unsigned i = 0; i < EXPECTATIONS_LIMIT + 10; i++) {
        struct expectation expectation = at((uint16_t)(1 + i % 60000), (uint8_t)(1 + i / 60000), &shared, i);

        CHECK(expectations_add(expectations, &expectation));
    }
    CHECK(expectations_count(expectations) == EXPECTATIONS_LIMIT);
    CHECK(expectations_dropped(expectations) == 10 && released == 10);
    CHECK(take(expectations, 10, 1, 0) == NULL); /* the oldest have gone */
    CHECK(take(expectations, 11, 1, 0) == &shared);
    expectations_free(expectations);
}

UNIT_TEST(announcers_are_counted_by_pair)
{
    struct announcers *announcers = announcers_new();
    const struct address one = host(1);
    const struct address two = host(2);
    const struct address three = host(3);

    CHECK(!announcers_has(announcers, &one, &two));
    CHECK(announcers_add(announcers, &one, &two) && announcers_add(announcers, &two, &one));
    CHECK(announcers_has(announcers, &two, &one) && !announcers_has(announcers, &one, &three));
    announcers_remove(announcers, &two, &one);
    CHECK(announcers_has(announcers, &one, &two));
    announcers_remove(announcers, &one, &two);
    CHECK(!announcers_has(announcers, &one, &two));
    announcers_remove(announcers, &one, &two); /* nothing is there */
    announcers_free(announcers);
}

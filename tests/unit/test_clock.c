/* test_clock.c - base/clock.h: disorder, steps, files in any order. */
#include "base/clock.h"

#include "tests/unit/check.h"

#define SECOND ((int64_t)1000000)
#define START (1700000000 * SECOND)

UNIT_TEST(clock_follows_and_does_not_run_backwards)
{
    struct capture_clock clock = {.is_set = false};

    CHECK(clock_follow(&clock, 1, START) == START);
    CHECK(clock_follow(&clock, 1, START + 5 * SECOND) == START + 5 * SECOND);
    CHECK(clock_follow(&clock, 1, START + 2 * SECOND) == START + 5 * SECOND); /* disorder */
    CHECK(clock_follow(&clock, 1, START + 6 * SECOND) == START + 6 * SECOND);
    CHECK(clock_follow(&clock, 1, START + 7200 * SECOND) == START + 7200 * SECOND); /* a quiet night */
}

UNIT_TEST(clock_does_not_believe_a_single_step)
{
    struct capture_clock clock = {.is_set = false};

    clock_follow(&clock, 1, START);
    CHECK(clock_follow(&clock, 1, START + 400000000 * SECOND) == START + 400000000 * SECOND); /* of a packet with a broken time: */
    CHECK(clock.now_us == START);                                                              /* its own clock alone */
    CHECK(clock_follow(&clock, 1, START + SECOND) == START + SECOND);
    CHECK(clock_follow(&clock, 1, 0) == START + SECOND);
    CHECK(clock_follow(&clock, 1, START + 2 * SECOND) == START + 2 * SECOND);
}

UNIT_TEST(clock_goes_on_after_steps_that_last)
{
    struct capture_clock clock = {.is_set = false};

    clock_follow(&clock, 1, START);
    for (int i = 0; i < CLOCK_CONFIRMATIONS; i++)
        CHECK(clock_follow(&clock, 1, START - 5000 * SECOND) == START); /* set back */
    CHECK(clock_follow(&clock, 1, START - 4990 * SECOND) == START + 10 * SECOND);
    for (int i = 0; i < CLOCK_CONFIRMATIONS - 1; i++)
        clock_follow(&clock, 1, START + 200000 * SECOND);
    CHECK(clock_follow(&clock, 1, START + 200000 * SECOND) == START + 205000 * SECOND); /* and far ahead */
}

UNIT_TEST(clock_takes_files_in_any_order)
{
    struct capture_clock clock = {.is_set = false};

    clock_follow(&clock, 1, START);
    CHECK(clock_follow(&clock, 2, START - 86400 * SECOND) == START);
    CHECK(clock_follow(&clock, 2, START - 86398 * SECOND) == START + 2 * SECOND);
    CHECK(clock_follow(&clock, 3, START - 86390 * SECOND) == START + 10 * SECOND); /* a later part goes on */
}

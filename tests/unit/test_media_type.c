/* test_media_type.c - dissectors/media_type.h: what libmagic says, and that what is remembered of it is the same. */
#include "dissectors/media_type.h"

#include "tests/unit/check.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static bool is_type(struct bytes head, const char *type)
{
    return bytes_equal(media_type_of(head), bytes_of_text(type));
}

UNIT_TEST(media_type_of_nothing_is_empty)
{
    CHECK(media_type_of(bytes_of(NULL, 0)).length == 0);
}

UNIT_TEST(media_types_are_remembered_for_the_same_bytes_alone)
{
    /* more than are remembered, twice */
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 1500; i++) {
            char text[64];
            int length = snprintf(text, sizeof text, i % 2 == 0 ? "%%PDF-1.4\n%u" : "GIF89a%u....", i);

            CHECK(is_type(bytes_of(text, (size_t)length), i % 2 == 0 ? "application/pdf" : "image/gif"));
            CHECK(is_type(bytes_of(text, (size_t)length), i % 2 == 0 ? "application/pdf" : "image/gif"));
        }
    }
}

static double milliseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Blanks cost libmagic's patterns their square: half a second for these, were it not for the limit. */
UNIT_TEST(media_type_of_blanks_costs_little)
{
    static const char *const blanks[] = {"\n", "\r\n", "\t\n", " ", "\v\n"};
    char head[8192];

    (void)media_type_of(bytes_of_text("the tables are loaded"));
    for (size_t i = 0; i < sizeof blanks / sizeof blanks[0]; i++) {
        double started = milliseconds();

        for (size_t at = 0; at < sizeof head; at++)
            head[at] = blanks[i][at % strlen(blanks[i])];
        CHECK(is_type(bytes_of(head, sizeof head), "text/plain"));
        CHECK(milliseconds() - started < 1000.0 / 8);
    }
}

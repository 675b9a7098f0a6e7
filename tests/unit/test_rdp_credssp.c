/* test_rdp_credssp.c - dissectors/rdp_credssp.c: TSRequests, whole and in pieces. */
#include "dissectors/rdp_credssp.h"
#include "tests/unit/check.h"

#include <string.h>

/* Version 6, and the error STATUS_LOGON_FAILURE. */
#define REFUSAL "\x30\x0e\xa0\x03\x02\x01\x06\xa4\x07\x02\x05\x00\xc0\x00\x00\x6d"

UNIT_TEST(rdp_credssp_names_why_a_login_was_refused)
{
    struct rdp_credssp credssp = {.is_seen = false};
    struct cursor bytes = cursor_over(bytes_of(REFUSAL "more", 20));

    CHECK(rdp_credssp_take(&credssp, FROM_SERVER, &bytes) == CURSOR_GOOD);
    CHECK(cursor_left(&bytes) == 4 && credssp.is_seen && credssp.was_refused && credssp.error == 0xc000006d);
    CHECK_TEXT(rdp_credssp_error_name(credssp.error), "STATUS_LOGON_FAILURE");
    CHECK(rdp_credssp_error_name(1) == NULL);
    rdp_credssp_free(&credssp);
}

UNIT_TEST(rdp_credssp_believes_an_error_of_the_server_alone)
{
    struct rdp_credssp credssp = {.is_seen = false};
    struct cursor bytes = cursor_over(bytes_of(REFUSAL, 16));

    CHECK(rdp_credssp_take(&credssp, FROM_CLIENT, &bytes) == CURSOR_GOOD && !credssp.was_refused);
    rdp_credssp_free(&credssp);
}

UNIT_TEST(rdp_credssp_waits_for_the_whole_and_refuses_what_is_none)
{
    for (size_t length = 0; length < 16; length++) {
        struct rdp_credssp credssp = {.is_seen = false};
        struct cursor bytes = cursor_over(bytes_of(check_against_the_edge(REFUSAL, length), length));

        CHECK(rdp_credssp_take(&credssp, FROM_SERVER, &bytes) == CURSOR_SHORT && !credssp.is_seen);
        CHECK(cursor_left(&bytes) == length);
        rdp_credssp_free(&credssp);
    }
    for (unsigned i = 0; i < 2; i++) {
        static const char *const wrong[] = {"\x31\x00", "\x30\x80\x00\x00"};
        struct rdp_credssp credssp = {.is_seen = false};
        struct cursor bytes = cursor_over(bytes_of(wrong[i], 2));

        CHECK(rdp_credssp_take(&credssp, FROM_SERVER, &bytes) == CURSOR_INVALID && !credssp.is_seen);
        rdp_credssp_free(&credssp);
    }
}

UNIT_TEST(rdp_credssp_takes_the_early_result)
{
    struct rdp_credssp credssp = {.is_seen = false};
    struct cursor bytes = cursor_over(bytes_of("\x05\x00\x00\x00", 4));

    CHECK(rdp_credssp_take_early_result(&credssp, &bytes) == CURSOR_GOOD);
    CHECK(credssp.has_early_result && credssp.early_result == 5);
    bytes = cursor_over(bytes_of("\x05\x00", 2));
    CHECK(rdp_credssp_take_early_result(&credssp, &bytes) == CURSOR_SHORT);
    rdp_credssp_free(&credssp);
}

/* test_login_failures.c - dissectors/login_failures.h: refused logins over all connections of two hosts. */
#include "dissectors/login_failures.h"

#include "tests/unit/check.h"
#include "tests/unit/dialogue.h"

static void play(unsigned connections, int64_t apart_us, bool clients_differ)
{
    const struct step refused[] = {
        SERVER("220 FTP\r\n"), CLIENT("USER alice\r\n"), SERVER("331 password\r\n"), CLIENT("PASS guess\r\n"), SERVER("530 no\r\n"),
    };

    dialogue_play(&(struct dialogue){
        .server_port = 21,
        .steps = refused,
        .count = sizeof refused / sizeof refused[0],
        .connections = connections,
        .apart_us = apart_us,
        .clients_differ = clients_differ,
    });
}

/* How many findings have that name, and where the last of them stands. */
static size_t findings(const char *name, size_t *last)
{
    size_t count = 0;

    for (size_t i = 0; i < dialogue_rows("finding"); i++) {
        if (strcmp(dialogue_value("finding", i, "name"), name) != 0)
            continue;
        count++;
        *last = i;
    }
    return count;
}

UNIT_TEST(login_failures_over_connections)
{
    size_t at = 0;

    play(LOGIN_FAILURES_MANY - 1, 1000000, false);
    CHECK(findings("ftp_brute_force", &at) == 0);
    play(LOGIN_FAILURES_MANY, 1000000, false);
    CHECK(findings("ftp_brute_force", &at) == 1);
    CHECK_TEXT(dialogue_value("finding", at, "detail"), "10 logins of this client were refused by this server within 9 seconds, in 10 connections");
    CHECK_TEXT(dialogue_value("finding", at, "flow_id"), "10");
    CHECK_TEXT(dialogue_value("finding", at, "severity"), "warning");
}

UNIT_TEST(login_failures_told_at_each_power_of_ten)
{
    size_t at = 0;

    play(10 * LOGIN_FAILURES_MANY, 1000000, false);
    CHECK(findings("ftp_brute_force", &at) == 2);
    CHECK_TEXT(dialogue_value("finding", at, "detail"),
               "100 logins of this client were refused by this server within 99 seconds, in 100 connections");
}

UNIT_TEST(login_failures_outside_the_window)
{
    size_t at = 0;

    play(3 * LOGIN_FAILURES_MANY, LOGIN_FAILURES_WINDOW_US / 5, false);
    CHECK(findings("ftp_brute_force", &at) == 0);
    play(3 * LOGIN_FAILURES_MANY, LOGIN_FAILURES_WINDOW_US + 1000, false);
    CHECK(findings("ftp_brute_force", &at) == 0);
}

UNIT_TEST(login_failures_of_each_pair_apart)
{
    size_t at = 0;

    play(LOGIN_FAILURES_MANY + 1, 1000000, true);
    CHECK(findings("ftp_brute_force", &at) == 0);
}

UNIT_TEST(login_failures_limit)
{
    size_t at = 0;

    play(LOGIN_FAILURES_LIMIT, 1, true);
    CHECK(findings("login_failures_limit", &at) == 0);
    play(LOGIN_FAILURES_LIMIT + 20, 1, true);
    CHECK(findings("login_failures_limit", &at) == 1);
}

#define GUESS CLIENT("USER alice\r\nPASS guess\r\n"), SERVER("331 password\r\n530 no\r\n")

UNIT_TEST(login_failures_then_accepted)
{
    const struct step steps[] = {
        SERVER("220 FTP\r\n"),
        GUESS,
        GUESS,
        GUESS,
        GUESS,
        GUESS,
        GUESS,
        GUESS,
        GUESS,
        GUESS,
        GUESS,
        CLIENT("USER bob\r\nPASS right\r\n"),
        SERVER("331 password\r\n230 in\r\n"),
    };
    size_t at = 0;

    PLAY(21, steps);
    CHECK(findings("ftp_brute_force", &at) == 1);
    CHECK(findings("ftp_login_after_brute_force", &at) == 1);
    CHECK_TEXT(dialogue_value("finding", at, "detail"), "a login of bob was accepted after 10 refused ones within 0 seconds, in 1 connection");
    CHECK_TEXT(dialogue_value("finding", at, "severity"), "alarm");
}

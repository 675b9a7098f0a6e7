/* test_tls_keylog.c - dissectors/tls_keylog.c: key logs that grow, are truncated and are replaced */
#include "dissectors/tls_keylog.h"

#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[64];

static void append(const char *text, const char *mode)
{
    FILE *file = fopen(path, mode);

    CHECK(file != NULL && fputs(text, file) >= 0);
    (void)fclose(file);
}

static const char *line_of(unsigned number)
{
    static char line[256];

    (void)snprintf(line, sizeof line, "CLIENT_RANDOM %064x %096x\n", number, number);
    return line;
}

static size_t count_after_look(struct tls_keylogs *logs, struct tls_secrets *secrets)
{
    struct tls_feeder feeder = tls_keylogs_feeder(logs);

    feeder.feed(feeder.context, secrets, true);
    return tls_secrets_count(secrets);
}

UNIT_TEST(tls_keylog_is_followed_as_it_grows)
{
    struct tls_secrets *secrets = tls_secrets_new();
    struct tls_keylogs *logs = tls_keylogs_new();
    char other[80];
    int descriptor;

    (void)snprintf(path, sizeof path, "/tmp/wirescribe-keylog-XXXXXX");
    descriptor = mkstemp(path);
    CHECK(descriptor >= 0);
    (void)close(descriptor);
    append(line_of(1), "a");
    append("CLIENT_RANDOM 00", "a"); /* half a line */
    CHECK(tls_keylogs_follow(logs, secrets, path));
    CHECK(tls_secrets_count(secrets) == 1);
    append(line_of(2) + strlen("CLIENT_RANDOM 00"), "a");
    CHECK(count_after_look(logs, secrets) == 2);
    CHECK(count_after_look(logs, secrets) == 2);
    append(line_of(3), "w"); /* truncated: shorter than before */
    CHECK(count_after_look(logs, secrets) == 3);
    append(line_of(4), "a"); /* not looked at before the file is replaced */
    (void)snprintf(other, sizeof other, "%s.1", path);
    CHECK(rename(path, other) == 0);
    append(line_of(5), "w");
    CHECK(count_after_look(logs, secrets) == 5);
    CHECK(unlink(path) == 0);
    CHECK(count_after_look(logs, secrets) == 5);
    append(line_of(6), "w");
    CHECK(count_after_look(logs, secrets) == 6);
    append("no line of a key log\n", "a");
    for (unsigned i = 0; i < 40; i++)
        append("CLIENT_RANDOM a line without an end, longer than any may be, ", "a");
    append("\n", "a");
    append(line_of(7), "a");
    CHECK(count_after_look(logs, secrets) == 7);
    (void)unlink(path);
    (void)unlink(other);
    tls_keylogs_free(logs);
    tls_secrets_free(secrets);
}

UNIT_TEST(tls_keylog_that_is_not_there_yet_is_waited_for)
{
    struct tls_secrets *secrets = tls_secrets_new();
    struct tls_keylogs *logs = tls_keylogs_new();

    (void)snprintf(path, sizeof path, "/tmp/wirescribe-keylog-absent-%d", (int)getpid());
    (void)unlink(path);
    CHECK(tls_keylogs_follow(logs, secrets, path));
    CHECK(count_after_look(logs, secrets) == 0);
    append(line_of(1), "w");
    CHECK(count_after_look(logs, secrets) == 1);
    (void)unlink(path);
    CHECK(!tls_keylogs_follow(logs, secrets, "/tmp"));
    CHECK(!tls_keylogs_follow(logs, secrets, "/etc/passwd"));
    tls_keylogs_free(logs);
    tls_secrets_free(secrets);
}

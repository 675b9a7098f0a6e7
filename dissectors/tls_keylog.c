/* tls_keylog.c - see tls_keylog.h */
#include "dissectors/tls_keylog.h"

#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* A line that does not fit is read in pieces: none of them is one of a key log. */
#define LINE_ROOM (TLS_SECRETS_LINE_LIMIT + 2)

struct counts {
    unsigned long lines;
    unsigned long right;
    unsigned long wrong;
    unsigned long first_wrong;
    bool is_full;
};

static void count_line(enum tls_secret_line line, struct counts *counts)
{
    counts->lines++;
    switch (line) {
    case TLS_LINE_ADDED:
    case TLS_LINE_KNOWN:
    case TLS_LINE_PASSED:
        counts->right++;
        break;
    case TLS_LINE_REFUSED:
        counts->is_full = true;
        break;
    case TLS_LINE_INVALID:
        if (counts->wrong++ == 0)
            counts->first_wrong = counts->lines;
        break;
    }
}

static void read_lines(FILE *file, struct tls_secrets *secrets, struct counts *counts)
{
    char line[LINE_ROOM];

    while (!counts->is_full && fgets(line, sizeof line, file) != NULL)
        count_line(tls_secrets_add(secrets, bytes_of_text(line)), counts);
}

static bool judge(const char *path, const struct counts *counts)
{
    if (counts->wrong > 0 && counts->right == 0) {
        log_error("%s is no TLS key log: line %lu is not of the form 'LABEL RANDOM SECRET'; give a file that SSLKEYLOGFILE made", path, counts->first_wrong);
        return false;
    }
    if (counts->wrong > 0)
        log_warning("%s: %lu of %lu lines are not of a TLS key log and were passed over; the first is line %lu", path, counts->wrong, counts->lines,
                    counts->first_wrong);
    if (counts->is_full)
        log_warning("%s: %d secrets are kept at most; those from line %lu on were left out", path, TLS_SECRETS_LIMIT, counts->lines);
    return true;
}

static bool is_directory(FILE *file)
{
    struct stat facts;

    return fstat(fileno(file), &facts) == 0 && S_ISDIR(facts.st_mode);
}

bool tls_keylog_load(struct tls_secrets *secrets, const char *path)
{
    struct counts counts = {.lines = 0};
    FILE *file = fopen(path, "r");
    bool is_read;

    if (file != NULL && is_directory(file)) {
        (void)fclose(file);
        file = NULL;
        errno = EISDIR;
    }
    if (file == NULL) {
        log_error("the TLS key log '%s' cannot be read: %s", path, strerror(errno));
        return false;
    }
    read_lines(file, secrets, &counts);
    is_read = ferror(file) == 0;
    if (!is_read)
        log_error("the TLS key log '%s' cannot be read to its end: %s", path, strerror(errno));
    (void)fclose(file);
    return is_read && judge(path, &counts);
}

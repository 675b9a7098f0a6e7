/* tls_keylog.c - see tls_keylog.h. A lock guards the files that are followed: whoever needs a secret reads them, one worker at a time. */
#include "dissectors/tls_keylog.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A line that does not fit is read in pieces: none of them is one of a key log. */
#define LINE_ROOM (TLS_SECRETS_LINE_LIMIT + 2)

static void read_lines(FILE *file, struct tls_secrets *secrets, struct tls_line_counts *counts)
{
    char line[LINE_ROOM];

    while (counts->refused == 0 && fgets(line, sizeof line, file) != NULL)
        tls_line_count(counts, tls_secrets_add(secrets, bytes_of_text(line)));
}

static bool judge(const char *path, const struct tls_line_counts *counts)
{
    if (counts->wrong > 0 && counts->right == 0) {
        log_error("%s is no TLS key log: line %lu is not of the form 'LABEL RANDOM SECRET'; give a file that SSLKEYLOGFILE made", path, counts->first_wrong);
        return false;
    }
    if (counts->wrong > 0)
        log_warning("%s: %lu of %lu lines are not of a TLS key log and were passed over; the first is line %lu", path, counts->wrong, counts->lines,
                    counts->first_wrong);
    if (counts->refused > 0)
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
    struct tls_line_counts counts = {.lines = 0};
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

/* ---- logs that grow ---- */

struct followed {
    struct followed *next;
    char *path;     /* owned */
    int descriptor; /* -1: it is not there, or not yet */
    dev_t device;
    ino_t inode;
    off_t position;
    size_t kept; /* bytes of `line`: of a line whose end has not come */
    bool is_passing; /* the line is too long: its end is looked for */
    char line[LINE_ROOM];
    struct tls_line_counts counts;
    bool has_warned;
};

struct tls_keylogs {
    pthread_mutex_t lock;
    struct followed *first; /* owned */
    atomic_int_fast64_t next_look_ms;
};

struct tls_keylogs *tls_keylogs_new(void)
{
    struct tls_keylogs *logs = calloc(1, sizeof *logs);

    if (logs != NULL && pthread_mutex_init(&logs->lock, NULL) != 0) {
        free(logs);
        logs = NULL;
    }
    return logs;
}

static void close_followed(struct followed *log)
{
    if (log->descriptor >= 0)
        close(log->descriptor);
    log->descriptor = -1;
}

void tls_keylogs_free(struct tls_keylogs *logs)
{
    while (logs != NULL && logs->first != NULL) {
        struct followed *log = logs->first;

        logs->first = log->next;
        close_followed(log);
        free(log->path);
        free(log);
    }
    if (logs != NULL)
        pthread_mutex_destroy(&logs->lock);
    free(logs);
}

static void begin_file(struct followed *log, const struct stat *facts)
{
    log->device = facts->st_dev;
    log->inode = facts->st_ino;
    log->position = 0;
    log->kept = 0;
    log->is_passing = false;
}

/* False, with errno: it is not there, or not to be read, or no regular file. */
static bool open_followed(struct followed *log)
{
    struct stat facts;

    log->descriptor = open(log->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (log->descriptor < 0)
        return false;
    if (fstat(log->descriptor, &facts) != 0 || !S_ISREG(facts.st_mode)) {
        close_followed(log);
        errno = EINVAL;
        return false;
    }
    begin_file(log, &facts);
    return true;
}

static void take_piece(struct followed *log, struct tls_secrets *secrets, struct bytes piece, bool is_whole)
{
    if (log->is_passing || log->kept + piece.length > sizeof log->line) {
        if (!log->is_passing)
            tls_line_count(&log->counts, TLS_LINE_INVALID);
        log->is_passing = !is_whole;
        log->kept = 0;
        return;
    }
    memcpy(log->line + log->kept, piece.at, piece.length);
    log->kept += piece.length;
    if (!is_whole)
        return;
    tls_line_count(&log->counts, tls_secrets_add(secrets, bytes_of(log->line, log->kept)));
    log->kept = 0;
}

static void take_bytes_read(struct followed *log, struct tls_secrets *secrets, struct bytes bytes)
{
    while (bytes.length > 0) {
        const uint8_t *end = memchr(bytes.at, '\n', bytes.length);
        size_t length = end != NULL ? (size_t)(end - bytes.at) + 1 : bytes.length;

        take_piece(log, secrets, bytes_of(bytes.at, length), end != NULL);
        bytes = bytes_of(bytes.at + length, bytes.length - length);
    }
}

/* What has been added to the open file. */
static void read_on(struct followed *log, struct tls_secrets *secrets)
{
    uint8_t room[16384];
    struct stat facts;
    size_t left = TLS_KEYLOG_AT_ONCE;

    if (log->descriptor >= 0 && fstat(log->descriptor, &facts) == 0 && facts.st_size < log->position)
        begin_file(log, &facts); /* truncated */
    while (log->descriptor >= 0 && left > 0) {
        ssize_t count = pread(log->descriptor, room, sizeof room < left ? sizeof room : left, log->position);

        if (count <= 0)
            return;
        log->position += count;
        left -= (size_t)count;
        take_bytes_read(log, secrets, bytes_of(room, (size_t)count));
    }
}

static bool was_replaced(const struct followed *log)
{
    struct stat facts;

    return stat(log->path, &facts) == 0 && (log->descriptor < 0 || facts.st_ino != log->inode || facts.st_dev != log->device);
}

static void look_at(struct followed *log, struct tls_secrets *secrets)
{
    read_on(log, secrets);
    if (was_replaced(log)) {
        close_followed(log);
        if (open_followed(log))
            read_on(log, secrets);
    }
    if ((log->counts.wrong > 0 || log->counts.refused > 0) && !log->has_warned) {
        log->has_warned = true;
        log_warning(log->counts.refused > 0 ? "%s: line %lu: as many secrets are kept as may be; more are left out" : "%s: line %lu is not of a TLS key log and was passed over",
                    log->path, log->counts.refused > 0 ? log->counts.lines : log->counts.first_wrong);
    }
}

bool tls_keylogs_follow(struct tls_keylogs *logs, struct tls_secrets *secrets, const char *path)
{
    struct followed *log = calloc(1, sizeof *log);

    if (log == NULL || (log->path = strdup(path)) == NULL) {
        free(log);
        log_error("out of memory for the TLS key log '%s'", path);
        return false;
    }
    log->next = logs->first;
    logs->first = log;
    if (!open_followed(log)) {
        if (errno != ENOENT) {
            log_error("the TLS key log '%s' cannot be followed: %s", path, errno == EINVAL ? "it is no regular file" : strerror(errno));
            return false;
        }
        log_warning("the TLS key log '%s' is not there yet: it is waited for", path);
        return true;
    }
    read_on(log, secrets);
    log->has_warned = log->counts.wrong > 0;
    return judge(path, &log->counts);
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void feed(void *context, struct tls_secrets *secrets, bool is_last)
{
    struct tls_keylogs *logs = context;

    if (!is_last && now_ms() < atomic_load(&logs->next_look_ms))
        return;
    pthread_mutex_lock(&logs->lock);
    if (is_last || now_ms() >= atomic_load(&logs->next_look_ms)) { /* else another worker has looked meanwhile */
        for (struct followed *log = logs->first; log != NULL; log = log->next)
            look_at(log, secrets);
        atomic_store(&logs->next_look_ms, now_ms() + TLS_KEYLOG_PAUSE_MS);
    }
    pthread_mutex_unlock(&logs->lock);
}

struct tls_feeder tls_keylogs_feeder(struct tls_keylogs *logs)
{
    return (struct tls_feeder){.feed = feed, .context = logs};
}

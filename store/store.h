/*
 * store.h - the last stage: rows -> one SQLite database. Runs on its own thread.
 *
 * `read` builds the database beside its target and renames it when it is complete;
 * appending is one transaction on the target itself; `live` writes to the target in
 * WAL mode and commits once a second.
 */
#ifndef WIRESCRIBE_STORE_STORE_H
#define WIRESCRIBE_STORE_STORE_H

#include "base/queue.h"
#include "base/record.h"

#define STORE_APPLICATION_ID 0x77736362 /* "wscb" */
#define STORE_SCHEMA_VERSION 1

enum store_mode {
    STORE_NEW,    /* a new file; it is an error if the target exists */
    STORE_APPEND, /* rows are added to an existing database, or a new one is made */
    STORE_LIVE,   /* a new or (append = true) existing file, written in place */
};

struct store_options {
    const char *path;
    enum store_mode mode;
    bool append;                              /* STORE_LIVE: an existing database may be added to */
    const struct record_table *const *tables; /* every table; valid for the store's life */
    size_t table_count;
    struct queue *rows;  /* of struct row_batch *, from the workers and the capture thread; ends when it is closed and empty */
    struct queue *empty; /* where emptied batches go back */
};

struct store;

/*
 * Opens (creates) the database and its tables. NULL on failure, with an error logged: the target exists, is no
 * wirescribe database, is of a newer version, the directory cannot be written.
 */
struct store *store_open(const struct store_options *options);

/* First ids that are free in the database: 1 for a new one. `column` as in "flow_id" of `table`. */
int64_t store_next_id(struct store *store, const char *table, const char *column);

/*
 * The store thread's main: takes batches from `rows` until it is closed. On a write error (disk full) it logs the
 * error once, keeps what was committed before, goes on emptying the queue so that nobody waits for ever, and
 * store_has_failed answers true. Argument and answer as pthread_create wants them: a struct store *, NULL.
 */
void *store_run(void *store);

/* May be asked from any thread. */
bool store_has_failed(const struct store *store);

/*
 * After store_run ended: makes indexes and views, commits, and renames the file to its target (STORE_NEW). With
 * `keep` false (nothing was read) a new file is removed instead. True on success; otherwise an error was logged.
 * After a failed run, what was committed is kept all the same and the answer is false. Frees the store.
 */
bool store_finish(struct store *store, bool keep);

/* Rows written so far to that table; 0 for a table not written to. Only before store_run or after it ended. */
uint64_t store_rows(const struct store *store, const struct record_table *table);

/* The SQL of all tables and views, and their documentation, to stdout. `dialect`: "sqlite" or "clickhouse". False: no such dialect. */
bool store_print_schema(const struct record_table *const *tables, size_t table_count, const char *dialect);

#endif

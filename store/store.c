/*
 * store.c - see store.h.
 *
 *   mode    file written to              transactions                          at the end
 *   NEW     a temporary one beside it    one every COMMIT_BYTES of rows        indexes, fsync, renamed
 *   APPEND  the target                   a single one                          committed; rolled back after a failure
 *   LIVE    the target, WAL              one a second                          out of WAL mode again
 *
 * A new file is nobody else's until it is renamed, so SQLite need not bring it to the disk before that; what a
 * crash of the machine would cost is a file that nobody has seen.
 */
#include "store/store.h"

#include "base/log.h"
#include "store/inserts.h"
#include "base/target.h"
#include "store/upgrade.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Rows are committed after so many bytes of batches: what a full disk can take away, and the dirty pages kept in memory. */
#define COMMIT_BYTES (2u << 20)
/* Live: ticks that come sooner after a commit than this are passed over (each worker sends its own). */
#define COMMIT_PAUSE_MS 700
/* How long another program's lock is waited for. */
#define APPEND_WAIT_MS 5000
#define LIVE_WAIT_MS 60000
#define LIVE_WAIT_WARNING_MS 5000
#define WAIT_STEP_MS 20

struct store {
    struct store_options options;
    char *path;        /* owned; the target */
    char *temporary;   /* owned; where the rows go until store_finish; NULL: into the target itself */
    bool is_made_here; /* the target did not exist before */
    sqlite3 *database;
    struct inserts *inserts;
    bool is_in_transaction;
    bool has_committed_rows;
    uint64_t uncommitted_bytes;
    int64_t committed_ms;   /* monotonic */
    atomic_bool has_failed; /* the one thing that other threads ask */
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool execute(struct store *store, const char *sql)
{
    return sqlite3_exec(store->database, sql, NULL, NULL, NULL) == SQLITE_OK;
}

/* ---- transactions ---- */

static bool begin(struct store *store)
{
    if (store->is_in_transaction)
        return true;
    store->is_in_transaction = execute(store, "BEGIN IMMEDIATE");
    return store->is_in_transaction;
}

static bool commit(struct store *store)
{
    if (store->is_in_transaction && !execute(store, "COMMIT"))
        return false;
    store->is_in_transaction = false;
    store->uncommitted_bytes = 0;
    store->committed_ms = now_ms();
    if (store->inserts != NULL)
        inserts_committed(store->inserts);
    return true;
}

static void roll_back(struct store *store)
{
    /* some errors make SQLite roll back by itself */
    if (store->is_in_transaction && !sqlite3_get_autocommit(store->database))
        (void)execute(store, "ROLLBACK");
    store->is_in_transaction = false;
    if (store->inserts != NULL)
        inserts_rolled_back(store->inserts);
}

/* ---- opening ---- */

/* Live: the rows of seconds must not be lost because someone looks at the database with a tool that locks it. */
static int wait_for_lock(void *context, int times)
{
    const struct store *store = context;

    if (times * WAIT_STEP_MS == LIVE_WAIT_WARNING_MS)
        log_warning("'%s' is locked by another program: waiting for it", store->options.path);
    if (times * WAIT_STEP_MS >= LIVE_WAIT_MS)
        return 0;
    usleep(WAIT_STEP_MS * 1000);
    return 1;
}

static bool make_file(struct store *store)
{
    bool exists = access(store->path, F_OK) == 0;

    if (store->options.mode == STORE_NEW || (store->options.mode == STORE_APPEND && !exists)) {
        store->temporary = target_make_temporary(store->path);
        store->is_made_here = true;
        return store->temporary != NULL;
    }
    if (store->options.mode == STORE_LIVE && !(exists && store->options.append)) {
        store->is_made_here = target_make(store->path);
        return store->is_made_here;
    }
    return true;
}

static const char *settings_of(const struct store *store)
{
    if (store->temporary != NULL)
        return "PRAGMA page_size = 16384; PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY;"
               "PRAGMA synchronous = OFF; PRAGMA cache_size = -16384";
    if (store->options.mode == STORE_LIVE)
        return "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16384;"
               "PRAGMA journal_size_limit = 67108864";
    return "PRAGMA cache_size = -16384";
}

static void log_cannot_open(const struct store *store)
{
    int error = sqlite3_errcode(store->database) & 0xff;

    if (error == SQLITE_BUSY || error == SQLITE_LOCKED)
        log_error("'%s' is being written by another program: try again when it is done", store->options.path);
    else
        log_error("'%s' cannot be opened for writing: %s", store->options.path, sqlite3_errmsg(store->database));
}

static bool open_database(struct store *store)
{
    const char *path = store->temporary != NULL ? store->temporary : store->path;

    /* its counters cost a lock at every allocation; refused, and not needed, where SQLite is in use already */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    if (sqlite3_open_v2(path, &store->database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        log_error("'%s' cannot be opened for writing: %s", store->options.path,
                  store->database != NULL ? sqlite3_errmsg(store->database) : "out of memory");
        return false;
    }
    sqlite3_busy_timeout(store->database, APPEND_WAIT_MS);
    return true;
}

/* Tables and views; in append mode the transaction stays open. */
static bool make_schema(struct store *store)
{
    if (!upgrade_check(store->database, store->options.path, store->is_made_here))
        return false;
    if (!execute(store, settings_of(store)) || !begin(store) || !upgrade_run(store->database, store->options.tables, store->options.table_count)) {
        log_cannot_open(store);
        return false;
    }
    /* a database that others read while it grows wants its indexes from the start */
    if (store->options.mode == STORE_LIVE && (!upgrade_make_indexes(store->database, store->options.tables, store->options.table_count) ||
                                              !upgrade_make_keys(store->database, store->options.tables, store->options.table_count))) {
        log_cannot_open(store);
        return false;
    }
    store->inserts = inserts_new(store->database, store->options.tables, store->options.table_count);
    if (store->inserts == NULL || (store->options.mode != STORE_APPEND && !commit(store))) {
        log_cannot_open(store);
        return false;
    }
    if (store->options.mode == STORE_LIVE)
        sqlite3_busy_handler(store->database, wait_for_lock, store);
    return true;
}

/* Closes the database and frees everything; `remove` also takes away the file that was made here. */
static void free_store(struct store *store, bool remove)
{
    const char *path = store->temporary != NULL ? store->temporary : store->path;

    roll_back(store);
    inserts_free(store->inserts);
    sqlite3_close(store->database);
    if (remove && store->is_made_here && path != NULL)
        unlink(path);
    free(store->temporary);
    free(store->path);
    free(store);
}

struct store *store_open(const struct store_options *options)
{
    struct store *store = calloc(1, sizeof *store);

    if (store == NULL) {
        log_error("out of memory");
        return NULL;
    }
    store->options = *options;
    atomic_init(&store->has_failed, false);
    store->path = target_path(options->path);
    if (store->path == NULL || !make_file(store)) {
        store->is_made_here = false;
        free_store(store, false);
        return NULL;
    }
    if (!open_database(store) || !make_schema(store)) {
        free_store(store, true);
        return NULL;
    }
    return store;
}

int64_t store_next_id(struct store *store, const char *table, const char *column)
{
    char sql[256];
    sqlite3_stmt *statement;
    int64_t next = 1;

    sqlite3_snprintf(sizeof sql, sql, "SELECT max(\"%w\") + 1 FROM \"%w\"", column, table);
    if (sqlite3_table_column_metadata(store->database, "main", table, column, NULL, NULL, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(store->database, sql, -1, &statement, NULL) != SQLITE_OK)
        return next;
    if (sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_type(statement, 0) == SQLITE_INTEGER)
        next = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return next;
}

/* ---- running ---- */

static void fail(struct store *store)
{
    const char *kept =
        store->options.mode == STORE_APPEND && store->temporary == NULL ? "nothing was added to it" : "what was written before is kept";

    log_error("'%s' cannot be written: %s; %s", store->options.path, sqlite3_errmsg(store->database), kept);
    roll_back(store);
    atomic_store(&store->has_failed, true);
}

static bool is_time_to_commit(const struct store *store, bool is_tick)
{
    if (store->options.mode == STORE_APPEND && store->temporary == NULL)
        return false;
    if (store->uncommitted_bytes >= COMMIT_BYTES)
        return true;
    if (store->options.mode == STORE_LIVE)
        return is_tick && now_ms() - store->committed_ms >= COMMIT_PAUSE_MS;
    /* the first rows tell which capture is read: they stand even if the disk is full soon */
    return !store->has_committed_rows;
}

static void write_batch(struct store *store, const struct row_batch *batch)
{
    if (batch->used > 0 && (!begin(store) || inserts_write(store->inserts, batch) != SQLITE_DONE)) {
        fail(store);
        return;
    }
    store->uncommitted_bytes += batch->used;
    if (!store->is_in_transaction || !is_time_to_commit(store, batch->is_tick))
        return;
    if (!commit(store))
        fail(store);
    store->has_committed_rows = true;
}

void *store_run(void *argument)
{
    struct store *store = argument;
    struct row_batch *batch;

    while ((batch = queue_pop(store->options.rows)) != NULL) {
        if (!store_has_failed(store))
            write_batch(store, batch);
        batch->used = 0;
        batch->is_tick = false;
        if (!queue_push(store->options.empty, batch))
            row_batch_free(batch);
    }
    return NULL;
}

bool store_has_failed(const struct store *store)
{
    return atomic_load(&store->has_failed);
}

uint64_t store_rows(const struct store *store, const struct record_table *table)
{
    return inserts_rows(store->inserts, table);
}

/* ---- finishing ---- */

/* Statistics for SQLite's planner, from a few hundred rows an index. */
static void analyze(struct store *store)
{
    (void)execute(store, "PRAGMA analysis_limit = 200; ANALYZE");
}

/* A failure costs speed later, no rows: they are committed by now. */
static bool make_indexes(struct store *store)
{
    bool is_made = begin(store) && upgrade_make_indexes(store->database, store->options.tables, store->options.table_count);

    if (is_made) {
        analyze(store);
        is_made = commit(store);
    }
    if (!is_made) {
        /* after a failed run the error was told already */
        if (!store_has_failed(store))
            log_error("the indexes of '%s' cannot be made: %s; its rows are complete", store->options.path, sqlite3_errmsg(store->database));
        roll_back(store);
    }
    return is_made;
}

static bool finish_new(struct store *store)
{
    bool is_whole = !store_has_failed(store);

    if (!commit(store)) {
        fail(store);
        is_whole = false;
    }
    is_whole = make_indexes(store) && is_whole;
    inserts_free(store->inserts);
    store->inserts = NULL;
    sqlite3_close(store->database);
    store->database = NULL;
    return target_put_in_place(store->temporary, store->path) && is_whole;
}

static bool finish_append(struct store *store)
{
    if (store_has_failed(store))
        return false;
    if (!upgrade_make_indexes(store->database, store->options.tables, store->options.table_count)) {
        fail(store);
        return false;
    }
    analyze(store);
    if (!commit(store)) {
        fail(store);
        return false;
    }
    return true;
}

static bool finish_live(struct store *store)
{
    if (!store_has_failed(store) && !commit(store))
        fail(store);
    if (store_has_failed(store))
        return false;
    inserts_free(store->inserts);
    store->inserts = NULL;
    sqlite3_busy_timeout(store->database, 0);
    /* a single file again, readable from anywhere; not possible while someone else has it open, and then it stays as it is */
    (void)execute(store, "PRAGMA optimize; PRAGMA journal_mode = DELETE");
    return true;
}

bool store_finish(struct store *store, bool keep)
{
    bool is_stored = true;
    bool remove = !keep && store->is_made_here;

    if (store->temporary != NULL) {
        if (!remove)
            is_stored = finish_new(store);
    } else if (store->options.mode == STORE_LIVE) {
        if (!remove)
            is_stored = finish_live(store);
    } else if (keep) {
        is_stored = finish_append(store);
    }
    free_store(store, remove);
    return is_stored;
}

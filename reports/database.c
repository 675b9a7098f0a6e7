/* database.c - see database.h */
#include "reports/database.h"

#include "base/log.h"
#include "reports/display.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define APPLICATION_ID 0x77736362 /* "wscb" */
#define BUSY_WAIT_MS 5000
/* The statement is asked this often (in steps of SQLite's machine) whether it was interrupted. */
#define STEPS_BETWEEN_LOOKS 5000
/* How much of a line of SQL is shown around an error. */
#define CARET_BEFORE 60
#define CARET_AFTER 40

#define STATUS_DONE 0
#define STATUS_FAILED 1

static volatile sig_atomic_t was_interrupted;
static struct sigaction action_before;

static void on_interrupt(int number)
{
    (void)number;
    was_interrupted = 1;
}

static int look_for_interrupt(void *context)
{
    (void)context;
    return was_interrupted;
}

/* Pragmas that only tell something. Those marked tell only without an argument: with one they would set it. */
static const struct {
    const char *name;
    bool may_have_argument;
} harmless_pragmas[] = {
    {"application_id", false}, {"collation_list", false}, {"compile_options", false}, {"data_version", false}, {"database_list", false},
    {"encoding", false},       {"freelist_count", false}, {"function_list", false},   {"index_info", true},    {"index_list", true},
    {"index_xinfo", true},     {"integrity_check", true}, {"journal_mode", false},    {"page_count", false},   {"page_size", false},
    {"quick_check", true},     {"schema_version", false}, {"table_info", true},       {"table_list", true},    {"table_xinfo", true},
    {"user_version", false},
};

static int judge_pragma(const char *name, const char *argument)
{
    for (size_t i = 0; i < sizeof harmless_pragmas / sizeof harmless_pragmas[0]; i++) {
        if (sqlite3_stricmp(name, harmless_pragmas[i].name) == 0)
            return argument == NULL || harmless_pragmas[i].may_have_argument ? SQLITE_OK : SQLITE_DENY;
    }
    return SQLITE_DENY;
}

/* What is not named here is refused: writing, attaching other files, temporary tables, loading code. */
static int judge(void *context, int action, const char *first, const char *second, const char *database, const char *cause)
{
    (void)context;
    (void)database;
    (void)cause;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
    case SQLITE_TRANSACTION:
        return SQLITE_OK;
    case SQLITE_FUNCTION:
        return sqlite3_stricmp(second, "load_extension") == 0 ? SQLITE_DENY : SQLITE_OK;
    case SQLITE_PRAGMA:
        return judge_pragma(first, second);
    case SQLITE_UPDATE:
        /* asked when a table-valued function is first used; a statement that really does it is refused by SQLite itself */
        return first != NULL && strcmp(first, "sqlite_master") == 0 ? SQLITE_OK : SQLITE_DENY;
    default:
        return SQLITE_DENY;
    }
}

static void log_cannot_read(const char *path, sqlite3 *database)
{
    if (database == NULL)
        log_error("out of memory");
    else if (sqlite3_errcode(database) == SQLITE_NOTADB)
        log_error("'%s' is not a wirescribe database", path);
    else
        log_error("'%s' cannot be read: %s", path, sqlite3_errmsg(database));
}

static bool ask_integer(sqlite3 *database, const char *sql, int64_t *answer)
{
    sqlite3_stmt *statement;
    bool has_answer;

    if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) != SQLITE_OK)
        return false;
    has_answer = sqlite3_step(statement) == SQLITE_ROW;
    if (has_answer)
        *answer = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return has_answer;
}

int64_t database_integer(sqlite3 *database, const char *sql)
{
    int64_t answer = 0;

    (void)ask_integer(database, sql, &answer);
    return answer;
}

/* No name has a special meaning to SQLite with a directory before it. */
static sqlite3 *open_read_only(const char *path)
{
    size_t size = strlen(path) + 3;
    char *plain = malloc(size);
    sqlite3 *database = NULL;

    if (plain == NULL)
        return NULL;
    snprintf(plain, size, "%s%s", path[0] == '/' ? "" : "./", path);
    (void)sqlite3_open_v2(plain, &database, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    free(plain);
    return database;
}

static bool is_ours(const char *path, sqlite3 *database)
{
    int64_t id = 0;

    if (database == NULL || sqlite3_errcode(database) != SQLITE_OK || !ask_integer(database, "PRAGMA application_id", &id)) {
        log_cannot_read(path, database);
        return false;
    }
    if (id != APPLICATION_ID) {
        log_error("'%s' is not a wirescribe database", path);
        return false;
    }
    return true;
}

static void catch_interrupt(sqlite3 *database)
{
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};

    was_interrupted = 0;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, &action_before);
    sqlite3_progress_handler(database, STEPS_BETWEEN_LOOKS, look_for_interrupt, NULL);
}

sqlite3 *database_open(const char *path)
{
    sqlite3 *database;

    if (access(path, R_OK) != 0) {
        log_error("'%s' cannot be read: %s", path, strerror(errno));
        return NULL;
    }
    database = open_read_only(path);
    if (database != NULL)
        sqlite3_busy_timeout(database, BUSY_WAIT_MS);
    if (!is_ours(path, database)) {
        sqlite3_close(database);
        return NULL;
    }
    sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_exec(database, "PRAGMA query_only = 1; PRAGMA cache_size = -32768", NULL, NULL, NULL);
    sqlite3_set_authorizer(database, judge, NULL);
    catch_interrupt(database);
    return database;
}

void database_close(sqlite3 *database)
{
    sqlite3_close(database);
    sigaction(SIGINT, &action_before, NULL);
}

/* ---- errors ---- */

#if SQLITE_VERSION_NUMBER >= 3038000
/* The line of the SQL in which the error lies, and a line with a caret beneath it. */
static void log_place(const char *sql, int offset)
{
    const char *at = sql + offset;
    const char *begin = at;
    const char *end = at;
    struct text before = {.limit = 1024};
    struct text after = {.limit = 1024};

    while (begin > sql && begin[-1] != '\n' && at - begin < CARET_BEFORE)
        begin--;
    while (*end != '\0' && *end != '\n' && end - at < CARET_AFTER)
        end++;
    /* not in the middle of a character */
    while (begin < at && ((unsigned char)*begin & 0xc0) == 0x80)
        begin++;
    while (end > at && ((unsigned char)*end & 0xc0) == 0x80)
        end--;
    display_append(&before, bytes_of(begin, (size_t)(at - begin)));
    display_append(&after, bytes_of(at, (size_t)(end - at)));
    log_error("    %s%s", before.at != NULL ? before.at : "", after.at != NULL ? after.at : "");
    log_error("    %*s^", (int)display_width(text_bytes(&before)), "");
    text_free(&before);
    text_free(&after);
}
#endif

static void log_sql_error(sqlite3 *database, const char *sql)
{
    if ((sqlite3_errcode(database) & 0xff) == SQLITE_AUTH)
        log_error("SQL: refused, because this command only reads: nothing may be written, attached or loaded");
    else
        log_error("SQL: %s", sqlite3_errmsg(database));
#if SQLITE_VERSION_NUMBER >= 3038000
    if (sql != NULL && sqlite3_error_offset(database) >= 0)
        log_place(sql, sqlite3_error_offset(database));
#else
    (void)sql;
#endif
}

sqlite3_stmt *database_prepare(sqlite3 *database, const char *sql, const char **rest)
{
    sqlite3_stmt *statement = NULL;

    if (sqlite3_prepare_v2(database, sql, -1, &statement, rest) != SQLITE_OK) {
        log_sql_error(database, sql);
        return NULL;
    }
    return statement;
}

/* What is still in the buffer goes nowhere, and that is nobody's error. */
static void silence_stdout(void)
{
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

    if (nowhere < 0)
        return;
    dup2(nowhere, STDOUT_FILENO);
    close(nowhere);
    fflush(stdout);
    clearerr(stdout);
}

int database_status(sqlite3 *database, enum format_result result)
{
    switch (result) {
    case FORMAT_DONE:
        return STATUS_DONE;
    case FORMAT_READER_GONE:
        silence_stdout();
        return STATUS_DONE;
    case FORMAT_WRITE_FAILED:
        log_error("the output cannot be written: %s", strerror(errno));
        if (ferror(stdout) != 0)
            silence_stdout(); /* the error is told once */
        return STATUS_FAILED;
    case FORMAT_QUERY_FAILED:
        break;
    }
    log_sql_error(database, NULL);
    return STATUS_FAILED;
}

/* sessions.c - `wirescribe sessions`, `wirescribe files`: one line a session, one line a file. */
#include "base/log.h"
#include "reports/database.h"
#include "reports/queries.h"

/* `what`: as messages call the rows. */
static enum format_result list_rows(sqlite3_stmt *statement, const char *what, const char *protocol, long limit, enum report_format format)
{
    enum format_result result;
    uint64_t rows;

    sqlite3_bind_text(statement, sqlite3_bind_parameter_index(statement, ":protocol"), protocol, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, sqlite3_bind_parameter_index(statement, ":limit"), limit > 0 ? limit : -1);
    sqlite3_bind_int(statement, sqlite3_bind_parameter_index(statement, ":is_table"), format == REPORT_TABLE);
    result = format_rows(statement, format, stdout, &rows);
    if (result == FORMAT_DONE && rows == 0 && protocol != NULL)
        log_note("no %s of the protocol '%s'", what, protocol);
    else if (result == FORMAT_DONE && rows == 0)
        log_note("no %s", what);
    return result;
}

static int list(const char *path, const char *query, const char *what, const char *protocol, long limit, enum report_format format)
{
    sqlite3 *database = database_open(path);
    sqlite3_stmt *statement;
    int status = 1;

    if (database == NULL)
        return 1;
    statement = database_prepare(database, query, NULL);
    if (statement != NULL)
        status = database_status(database, list_rows(statement, what, protocol, limit, format));
    sqlite3_finalize(statement);
    database_close(database);
    return status;
}

int report_sessions(const char *path, const char *protocol, long limit, enum report_format format)
{
    return list(path, query_sessions, "sessions", protocol, limit, format);
}

int report_files(const char *path, const char *protocol, long limit, enum report_format format)
{
    return list(path, query_files, "files", protocol, limit, format);
}

/* sessions.c - `wirescribe sessions`: one line a session. */
#include "base/log.h"
#include "reports/database.h"
#include "reports/queries.h"

static enum format_result list_sessions(sqlite3_stmt *statement, const char *protocol, long limit, enum report_format format)
{
    enum format_result result;
    uint64_t rows;

    sqlite3_bind_text(statement, sqlite3_bind_parameter_index(statement, ":protocol"), protocol, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, sqlite3_bind_parameter_index(statement, ":limit"), limit > 0 ? limit : -1);
    sqlite3_bind_int(statement, sqlite3_bind_parameter_index(statement, ":is_table"), format == REPORT_TABLE);
    result = format_rows(statement, format, stdout, &rows);
    if (result == FORMAT_DONE && rows == 0 && protocol != NULL)
        log_note("no sessions of the protocol '%s'", protocol);
    else if (result == FORMAT_DONE && rows == 0)
        log_note("no sessions");
    return result;
}

int report_sessions(const char *path, const char *protocol, long limit, enum report_format format)
{
    sqlite3 *database = database_open(path);
    sqlite3_stmt *statement;
    int status = 1;

    if (database == NULL)
        return 1;
    statement = database_prepare(database, query_sessions, NULL);
    if (statement != NULL)
        status = database_status(database, list_sessions(statement, protocol, limit, format));
    sqlite3_finalize(statement);
    database_close(database);
    return status;
}

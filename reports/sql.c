/* sql.c - `wirescribe sql`: the user's own statements, which can only read. */
#include "base/log.h"
#include "reports/database.h"

/* Runs the statement at the start of `*sql` and moves `*sql` behind it. */
static int run_one(sqlite3 *database, const char **sql, enum report_format format, unsigned *statements, unsigned *tables)
{
    const char *rest = NULL;
    sqlite3_stmt *statement = database_prepare(database, *sql, &rest);
    int status = 0;

    if (rest == NULL || sqlite3_errcode(database) != SQLITE_OK)
        return 1;
    *sql = rest;
    if (statement == NULL) /* a comment, or nothing between two semicolons */
        return 0;
    ++*statements;
    if (sqlite3_column_count(statement) > 0) {
        if (++*tables > 1 && format == REPORT_TABLE)
            putchar('\n');
        status = database_status(database, format_rows(statement, format, stdout, NULL));
    } else if (sqlite3_step(statement) != SQLITE_DONE) {
        status = database_status(database, FORMAT_QUERY_FAILED);
    }
    sqlite3_finalize(statement);
    return status;
}

int report_sql(const char *path, const char *sql, enum report_format format)
{
    sqlite3 *database = database_open(path);
    unsigned statements = 0;
    unsigned tables = 0; /* of them, those that answer rows */
    int status = 0;

    if (database == NULL)
        return 1;
    while (status == 0 && *sql != '\0')
        status = run_one(database, &sql, format, &statements, &tables);
    if (status == 0 && statements == 0) {
        log_error("there is no statement in that SQL");
        status = 2;
    }
    database_close(database);
    return status;
}

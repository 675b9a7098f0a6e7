/*
 * info.c - `wirescribe info`: what the database holds.
 *
 * It is one query, put together here, so that it comes out in any format; a table for people has the captures before it.
 */
#include "base/log.h"
#include "reports/database.h"
#include "reports/queries.h"

#include <stdlib.h>
#include <sys/stat.h>

#define ITEMS_SQL_LIMIT (1u << 20)

/* One SELECT more: a row with these three values. `value` is SQL. */
static void add_item(struct text *sql, const char *section, const char *name, const char *value)
{
    char *quoted = sqlite3_mprintf("SELECT %Q AS section, %Q AS name, %s AS value", section, name, value);

    if (quoted == NULL) {
        sql->was_cut = true;
        return;
    }
    text_append_item(sql, " UNION ALL ", bytes_of_text(quoted));
    sqlite3_free(quoted);
}

static void add_number(struct text *sql, const char *section, const char *name, int64_t value)
{
    char number[32];

    snprintf(number, sizeof number, "%lld", (long long)value);
    add_item(sql, section, name, number);
}

static bool add_contents(struct text *sql, sqlite3 *database)
{
    sqlite3_stmt *statement = database_prepare(database, query_contents, NULL);
    char count[256];

    if (statement == NULL)
        return false;
    while (sqlite3_step(statement) == SQLITE_ROW) {
        const char *view = (const char *)sqlite3_column_text(statement, 0);

        sqlite3_snprintf(sizeof count, count, "(SELECT count(*) FROM \"%w\")", view);
        add_item(sql, "rows", view, count);
    }
    return sqlite3_finalize(statement) == SQLITE_OK;
}

/* The rows of another query: `columns` of its own become the three. */
static bool add_rows(struct text *sql, const char *columns, const char *query)
{
    char *item = sqlite3_mprintf("SELECT %s FROM (%s)", columns, query);

    if (item == NULL)
        return false;
    text_append_item(sql, " UNION ALL ", bytes_of_text(item));
    sqlite3_free(item);
    return true;
}

/* A database of an earlier version has no anomalies before something is appended to it. */
static bool add_anomalies(struct text *sql, sqlite3 *database)
{
    if (database_integer(database, "SELECT count(*) FROM sqlite_schema WHERE name = 'anomalies'") == 0)
        return true;
    return add_rows(sql, "'anomaly', name, packets", query_anomalies);
}

static bool make_items(struct text *sql, sqlite3 *database, const char *path)
{
    struct stat status;

    if (stat(path, &status) == 0)
        add_number(sql, "database", "bytes", status.st_size);
    add_number(sql, "database", "schema_version", database_integer(database, "PRAGMA user_version"));
    add_item(sql, "captures", "count", "(SELECT count(*) FROM captures)");
    add_item(sql, "captures", "packets", "(SELECT sum(packets) FROM captures)");
    add_item(sql, "captures", "bytes", "(SELECT sum(bytes) FROM captures)");
    add_item(sql, "captures", "first_packet", "(SELECT min(start_time) FROM captures)");
    add_item(sql, "captures", "last_packet", "(SELECT max(end_time) FROM captures)");
    return add_contents(sql, database) && add_anomalies(sql, database) && add_rows(sql, "'warning', NULL, warning", query_warnings) && !sql->was_cut;
}

static int print(sqlite3 *database, const char *sql, enum report_format format)
{
    sqlite3_stmt *statement = database_prepare(database, sql, NULL);
    int status = 1;

    if (statement != NULL)
        status = database_status(database, format_rows(statement, format, stdout, NULL));
    sqlite3_finalize(statement);
    return status;
}

int report_info(const char *path, enum report_format format)
{
    sqlite3 *database = database_open(path);
    struct text sql = {.limit = ITEMS_SQL_LIMIT};
    int status = 1;

    if (database == NULL)
        return 1;
    if (make_items(&sql, database, path)) {
        status = 0;
        if (format == REPORT_TABLE) {
            status = print(database, query_captures, format);
            putchar('\n');
        }
        if (status == 0)
            status = print(database, sql.at, format);
    } else {
        log_error("'%s' cannot be read: %s", path, sqlite3_errmsg(database));
    }
    text_free(&sql);
    database_close(database);
    return status;
}

/*
 * upgrade.c - see upgrade.h.
 *
 * A version number changes only when something must be done that the comparison below cannot find out by itself
 * (a column that means something else, a table that was split). Missing tables, missing columns and views that
 * read otherwise are found by comparing, whatever the version.
 */
#include "store/upgrade.h"

#include "base/log.h"
#include "base/text.h"
#include "store/schema.h"
#include "store/store.h"

/* One step a version, from 1 to STORE_SCHEMA_VERSION: the SQL that makes it out of the version before. */
static const struct migration {
    int version;
    const char *sql; /* NULL: comparing is enough */
} migrations[] = {
    {1, NULL}, /* from an empty file */
};

/* The single integer that a statement answers; `otherwise` where it fails or answers nothing. */
static int64_t ask_integer(sqlite3 *database, const char *sql, int64_t otherwise)
{
    sqlite3_stmt *statement;
    int64_t answer = otherwise;

    if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) != SQLITE_OK)
        return otherwise;
    if (sqlite3_step(statement) == SQLITE_ROW)
        answer = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return answer;
}

bool upgrade_check(sqlite3 *database, const char *path, bool may_be_empty)
{
    int64_t entries = ask_integer(database, "SELECT count(*) FROM sqlite_schema", -1);
    int64_t version;

    if (entries < 0 && sqlite3_errcode(database) != SQLITE_NOTADB) {
        log_error("'%s' cannot be read: %s", path, sqlite3_errmsg(database));
        return false;
    }
    if (entries == 0 && may_be_empty)
        return true;
    if (entries < 0 || ask_integer(database, "PRAGMA application_id", 0) != STORE_APPLICATION_ID) {
        log_error("'%s' is not a wirescribe database: it is left as it is", path);
        return false;
    }
    version = ask_integer(database, "PRAGMA user_version", 0);
    if (version > STORE_SCHEMA_VERSION) {
        log_error("'%s' was written by a newer wirescribe (schema version %lld, this program knows %d): "
                  "use that program, or write to a new file",
                  path, (long long)version, STORE_SCHEMA_VERSION);
        return false;
    }
    return true;
}

static bool execute(sqlite3 *database, const struct text *sql)
{
    return !sql->was_cut && sqlite3_exec(database, sql->at, NULL, NULL, NULL) == SQLITE_OK;
}

static bool run_migrations(sqlite3 *database)
{
    int64_t version = ask_integer(database, "PRAGMA user_version", 0);

    for (size_t i = 0; i < sizeof migrations / sizeof migrations[0]; i++) {
        if (migrations[i].version <= version || migrations[i].sql == NULL)
            continue;
        if (sqlite3_exec(database, migrations[i].sql, NULL, NULL, NULL) != SQLITE_OK)
            return false;
    }
    return true;
}

/* ---- tables ---- */

static bool table_exists(sqlite3 *database, const char *table)
{
    return sqlite3_table_column_metadata(database, "main", table, NULL, NULL, NULL, NULL, NULL, NULL) == SQLITE_OK;
}

static bool column_exists(sqlite3 *database, const char *table, const char *column)
{
    return sqlite3_table_column_metadata(database, "main", table, column, NULL, NULL, NULL, NULL, NULL) == SQLITE_OK;
}

static bool make_table(sqlite3 *database, const struct record_table *table, struct text *sql)
{
    if (!table_exists(database, table->table)) {
        text_clear(sql);
        schema_table_sql(table, sql);
        return execute(database, sql);
    }
    for (size_t i = 0; i < table->column_count; i++) {
        const struct record_column *column = &table->columns[i];

        if (column_exists(database, table->table, column->name))
            continue;
        text_clear(sql);
        text_append_format(sql, "ALTER TABLE %s ADD COLUMN %s %s", table->table, column->name, schema_type(column->type));
        if (!execute(database, sql))
            return false;
    }
    return true;
}

/* ---- views ---- */

/* Whether the database has this view with exactly this SQL. */
static bool has_view(sqlite3 *database, const struct schema_view *view)
{
    sqlite3_stmt *statement;
    bool is_same = false;

    if (sqlite3_prepare_v2(database, "SELECT 1 FROM sqlite_schema WHERE type = 'view' AND name = ? AND sql = ?", -1, &statement, NULL) != SQLITE_OK)
        return false;
    sqlite3_bind_text(statement, 1, view->name, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, view->sql.at, (int)view->sql.length, SQLITE_STATIC);
    is_same = sqlite3_step(statement) == SQLITE_ROW;
    sqlite3_finalize(statement);
    return is_same;
}

static bool make_view(void *context, const struct schema_view *view)
{
    sqlite3 *database = context;
    char drop[256];

    if (has_view(database, view))
        return true;
    sqlite3_snprintf(sizeof drop, drop, "DROP VIEW IF EXISTS \"%w\"", view->name);
    return sqlite3_exec(database, drop, NULL, NULL, NULL) == SQLITE_OK && execute(database, &view->sql);
}

static bool make_tables_and_views(sqlite3 *database, const struct record_table *const *tables, size_t table_count, struct text *sql)
{
    for (size_t i = 0; i < table_count; i++) {
        if (!make_table(database, tables[i], sql))
            return false;
    }
    return schema_each_view(tables, table_count, database, make_view);
}

bool upgrade_run(sqlite3 *database, const struct record_table *const *tables, size_t table_count)
{
    struct text sql = {.limit = SCHEMA_SQL_LIMIT};
    char versions[128];
    bool is_made;

    is_made = run_migrations(database) && make_tables_and_views(database, tables, table_count, &sql);
    text_free(&sql);
    sqlite3_snprintf(sizeof versions, versions, "PRAGMA application_id = %d; PRAGMA user_version = %d", STORE_APPLICATION_ID, STORE_SCHEMA_VERSION);
    return is_made && sqlite3_exec(database, versions, NULL, NULL, NULL) == SQLITE_OK;
}

static bool make_index(void *context, const char *name, const char *sql)
{
    (void)name;
    return sqlite3_exec(context, sql, NULL, NULL, NULL) == SQLITE_OK;
}

bool upgrade_make_keys(sqlite3 *database, const struct record_table *const *tables, size_t table_count)
{
    return schema_each_key(tables, table_count, database, make_index);
}

bool upgrade_make_indexes(sqlite3 *database, const struct record_table *const *tables, size_t table_count)
{
    return schema_each_index(tables, table_count, database, make_index);
}

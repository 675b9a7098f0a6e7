/*
 * inserts.c - see inserts.h.
 *
 * This is the store's inner loop. Nothing is allocated here for a row, text is bound as it lies in the batch, and a
 * column that stays NULL from one row to the next is not bound again.
 */
#include "store/inserts.h"

#include "base/text.h"

#include <stdlib.h>

#define INSERT_SQL_LIMIT (64u << 10)

struct insert {
    const struct record_table *table;
    sqlite3_stmt *statement;
    bool *is_bound; /* owned; per column, whether its parameter is not NULL now */
    uint64_t rows;
    uint64_t committed_rows;
};

struct inserts {
    struct insert *list; /* owned */
    size_t count;
    struct insert *newest; /* the table of the row before: rows of one kind often come together */
};

static sqlite3_stmt *prepare(sqlite3 *database, const struct record_table *table)
{
    struct text sql = {.limit = INSERT_SQL_LIMIT};
    sqlite3_stmt *statement = NULL;

    text_append_format(&sql, "INSERT%s INTO %s (", table->replaces || table->key != NULL ? " OR REPLACE" : "", table->table);
    for (size_t i = 0; i < table->column_count; i++)
        text_append_format(&sql, "%s%s", i > 0 ? ", " : "", table->columns[i].name);
    text_append_text(&sql, ") VALUES (");
    for (size_t i = 0; i < table->column_count; i++)
        text_append_text(&sql, i > 0 ? ", ?" : "?");
    text_append_text(&sql, ")");
    if (!sql.was_cut)
        sqlite3_prepare_v3(database, sql.at, (int)sql.length, SQLITE_PREPARE_PERSISTENT, &statement, NULL);
    text_free(&sql);
    return statement;
}

static bool init_insert(struct insert *insert, sqlite3 *database, const struct record_table *table)
{
    insert->table = table;
    insert->is_bound = calloc(table->column_count, sizeof *insert->is_bound);
    if (insert->is_bound == NULL)
        return false;
    insert->statement = prepare(database, table);
    return insert->statement != NULL;
}

struct inserts *inserts_new(sqlite3 *database, const struct record_table *const *tables, size_t table_count)
{
    struct inserts *inserts = calloc(1, sizeof *inserts);

    if (inserts == NULL)
        return NULL;
    inserts->list = calloc(table_count + 1, sizeof *inserts->list);
    if (inserts->list == NULL) {
        free(inserts);
        return NULL;
    }
    inserts->newest = inserts->list;
    for (size_t i = 0; i < table_count; i++) {
        inserts->count++;
        if (!init_insert(&inserts->list[i], database, tables[i])) {
            inserts_free(inserts);
            return NULL;
        }
    }
    return inserts;
}

void inserts_free(struct inserts *inserts)
{
    if (inserts == NULL)
        return;
    for (size_t i = 0; i < inserts->count; i++) {
        sqlite3_finalize(inserts->list[i].statement);
        free(inserts->list[i].is_bound);
    }
    free(inserts->list);
    free(inserts);
}

static struct insert *find(const struct inserts *inserts, const struct record_table *table)
{
    for (size_t i = 0; i < inserts->count; i++) {
        if (inserts->list[i].table == table)
            return &inserts->list[i];
    }
    return NULL;
}

static int bind(sqlite3_stmt *statement, int position, const struct record_value *value)
{
    switch (value->type) {
    case RECORD_REAL:
        return sqlite3_bind_double(statement, position, value->real);
    case RECORD_TEXT:
        return sqlite3_bind_text(statement, position, (const char *)value->text.at, (int)value->text.length, SQLITE_STATIC);
    case RECORD_BLOB:
        return sqlite3_bind_blob(statement, position, value->text.at, (int)value->text.length, SQLITE_STATIC);
    case RECORD_INTEGER:
    case RECORD_BOOLEAN:
        break;
    }
    return sqlite3_bind_int64(statement, position, value->integer);
}

static int write_row(struct insert *insert, const struct row_batch *batch, size_t *offset)
{
    sqlite3_stmt *statement = insert->statement;
    int result = SQLITE_OK;

    for (size_t i = 0; i < insert->table->column_count; i++) {
        struct record_value value = row_next_value(batch, offset);

        if (value.is_known)
            result |= bind(statement, (int)i + 1, &value);
        else if (insert->is_bound[i])
            result |= sqlite3_bind_null(statement, (int)i + 1);
        insert->is_bound[i] = value.is_known;
    }
    if (result != SQLITE_OK) {
        sqlite3_reset(statement);
        return SQLITE_ERROR;
    }
    result = sqlite3_step(statement);
    sqlite3_reset(statement);
    if (result == SQLITE_DONE)
        insert->rows++;
    return result;
}

int inserts_write(struct inserts *inserts, const struct row_batch *batch)
{
    const struct record_table *table;
    size_t offset = 0;

    while ((table = row_batch_next(batch, &offset)) != NULL) {
        int result;

        if (inserts->newest->table != table) {
            struct insert *insert = find(inserts, table);

            if (insert == NULL)
                return SQLITE_INTERNAL; /* a table that the store was not told of: its rows cannot even be skipped */
            inserts->newest = insert;
        }
        result = write_row(inserts->newest, batch, &offset);
        if (result != SQLITE_DONE)
            return result;
    }
    return SQLITE_DONE;
}

void inserts_committed(struct inserts *inserts)
{
    for (size_t i = 0; i < inserts->count; i++)
        inserts->list[i].committed_rows = inserts->list[i].rows;
}

void inserts_rolled_back(struct inserts *inserts)
{
    for (size_t i = 0; i < inserts->count; i++)
        inserts->list[i].rows = inserts->list[i].committed_rows;
}

uint64_t inserts_rows(const struct inserts *inserts, const struct record_table *table)
{
    const struct insert *insert = find(inserts, table);

    return insert == NULL ? 0 : insert->rows;
}

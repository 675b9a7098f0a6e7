/*
 * inserts.h - one prepared INSERT a table, made from the record description.
 * Private to the store.
 */
#ifndef WIRESCRIBE_STORE_INSERTS_H
#define WIRESCRIBE_STORE_INSERTS_H

#include "base/record.h"

#include <sqlite3.h>

struct inserts;

/* Prepares the statements; the tables must exist. NULL on failure; sqlite3_errmsg tells why. */
struct inserts *inserts_new(sqlite3 *database, const struct record_table *const *tables, size_t table_count);
void inserts_free(struct inserts *inserts);

/*
 * Inserts all rows of a batch. SQLITE_DONE, or SQLite's error code for the first row that failed, with the rows
 * before it inserted.
 */
int inserts_write(struct inserts *inserts, const struct row_batch *batch);

/* The transaction was committed, or rolled back: rows since the last commit count, or do not. */
void inserts_committed(struct inserts *inserts);
void inserts_rolled_back(struct inserts *inserts);

/* Rows of that table that were written and not rolled back. */
uint64_t inserts_rows(const struct inserts *inserts, const struct record_table *table);

#endif

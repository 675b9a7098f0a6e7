/*
 * upgrade.h - brings a database, new or of an earlier version, to the present
 * schema. Private to the store.
 */
#ifndef WIRESCRIBE_STORE_UPGRADE_H
#define WIRESCRIBE_STORE_UPGRADE_H

#include "base/record.h"

#include <sqlite3.h>

/*
 * Whether the database is one that this program may write to: its application_id, and a version that is not newer.
 * An empty file passes where `may_be_empty`. False with an error logged.
 */
bool upgrade_check(sqlite3 *database, const char *path, bool may_be_empty);

/*
 * Makes what is missing: tables, columns, views, in steps from the database's version to the present one. To be
 * called inside a transaction, which the caller rolls back on failure. False on failure; sqlite3_errmsg tells why.
 */
bool upgrade_run(sqlite3 *database, const struct record_table *const *tables, size_t table_count);

/* Makes the unique indexes by which a live run replaces rows that grow. Call it in a transaction. */
bool upgrade_make_keys(sqlite3 *database, const struct record_table *const *tables, size_t table_count);

/* Makes the indexes that are missing. False on failure; sqlite3_errmsg tells why. */
bool upgrade_make_indexes(sqlite3 *database, const struct record_table *const *tables, size_t table_count);

#endif

/*
 * database.h - a wirescribe database opened for reading alone. Private to the reports.
 */
#ifndef WIRESCRIBE_REPORTS_DATABASE_H
#define WIRESCRIBE_REPORTS_DATABASE_H

#include "reports/format.h"

/*
 * Opens the database so that nothing can change it or reach another file: read-only, and statements that do anything but
 * read are refused before they run. From here to database_close, SIGINT interrupts the statement that runs. NULL on
 * failure with an error logged. One at a time.
 */
sqlite3 *database_open(const char *path);
void database_close(sqlite3 *database);

/* Prepares one statement; NULL with an error logged, with a line that points to the place where SQLite names one. */
sqlite3_stmt *database_prepare(sqlite3 *database, const char *sql, const char **rest);

/* The exit status for what became of the rows; errors are logged. After FORMAT_READER_GONE stdout is silenced. */
int database_status(sqlite3 *database, enum format_result result);

/* The single integer that a query answers; 0 where it fails. */
int64_t database_integer(sqlite3 *database, const char *sql);

#endif

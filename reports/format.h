/*
 * format.h - the rows of a statement in the format that the user asked for.
 * Private to the reports.
 */
#ifndef WIRESCRIBE_REPORTS_FORMAT_H
#define WIRESCRIBE_REPORTS_FORMAT_H

#include "base/text.h"
#include "reports/reports.h"

#include <sqlite3.h>
#include <stdio.h>

enum format_result {
    FORMAT_DONE,
    FORMAT_READER_GONE,  /* a closed pipe (`| head`): stop, and that is no error */
    FORMAT_WRITE_FAILED, /* errno tells why */
    FORMAT_QUERY_FAILED, /* sqlite3_errmsg tells why */
};

/*
 * Steps through the statement and writes its rows as they come; a table looks at up to 1000 of them first, to know
 * the widths. `rows` (may be NULL) gets their number.
 */
enum format_result format_rows(sqlite3_stmt *statement, enum report_format format, FILE *out, uint64_t *rows);

/* The same for people: aligned, cut to the width of the terminal if `out` is one. */
enum format_result format_table(sqlite3_stmt *statement, FILE *out, uint64_t *rows);

/* What became of the writes so far. */
enum format_result format_written(FILE *out);

/* A real number with as many digits as it takes to read the same one back. */
void format_real(double value, char out[32]);

/* One column's value as the text of the line formats: numbers as SQLite prints them, blobs in hex; appended. */
void format_value(struct text *out, sqlite3_stmt *statement, int column);

/* Most bytes of one line of output that are gathered; SQLite's own limit for a value is a billion. */
#define FORMAT_LINE_LIMIT (1u << 30)

#endif

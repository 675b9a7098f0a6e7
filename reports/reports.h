/*
 * reports.h - the database -> text, HTML and other formats. Knows only the database
 * and its public views.
 */
#ifndef WIRESCRIBE_REPORTS_REPORTS_H
#define WIRESCRIBE_REPORTS_REPORTS_H

#include "base/evidence.h"

#include <stdbool.h>

enum report_format {
    REPORT_TABLE,  /* aligned columns for a person */
    REPORT_CSV,    /* RFC 4180, with a header line */
    REPORT_TSV,    /* with a header line; tab, LF, CR and backslash escaped */
    REPORT_JSON,   /* one array of objects */
    REPORT_NDJSON, /* one object a line */
};

/* False where the name is none of table, csv, tsv, json, ndjson. */
bool report_format_of(const char *name, enum report_format *format);

/*
 * All of these write to stdout, log their errors, and return the program's exit status: 0 done, 1 failed, 2 wrong usage.
 * Text from the wire is made harmless for terminals and for each format's syntax.
 */

/* The sessions view. `protocol` NULL: all; `limit` 0: all. */
int report_sessions(const char *database, const char *protocol, long limit, enum report_format format);

/* The files view, in the same way. */
int report_files(const char *database, const char *protocol, long limit, enum report_format format);

/* One SQL statement, or several, read-only: nothing in it can change the database or any other file. */
int report_sql(const char *database, const char *sql, enum report_format format);

/* What the database holds: captures, counts of each view, anomalies, versions, warnings. */
int report_info(const char *database, enum report_format format);

/* Totals, sessions by protocol, hosts, timeline; with `html` not NULL as one self-contained HTML file there ('-': stdout). */
int report_summary(const char *database, const char *html);

/* Which flows are meant; at least one of the two. */
struct report_choice {
    char *const *flows; /* flow ids, as the user wrote them */
    size_t flow_count;
    const char *where; /* an SQL condition over the view `flows`; NULL: none */
    bool with_data;    /* the data flows of the chosen ones, too */
};

/*
 * Where the packets of these flows lie: the caller frees `evidence` in any case. False with an error logged: no such flow, the
 * condition is wrong, packets that were not kept.
 */
bool report_evidence(const char *database, const struct report_choice *choice, struct evidence *evidence);

/* The short coloured summary after a run, to stderr: sessions by protocol, busiest hosts, findings. */
int report_run_summary(const char *database);

#endif

/*
 * html.h - the report as one self-contained HTML file. Private to the reports.
 */
#ifndef WIRESCRIBE_REPORTS_HTML_H
#define WIRESCRIBE_REPORTS_HTML_H

#include "reports/survey.h"

/*
 * Writes the page to the file `html` ('-': stdout), which is replaced once the page is complete. Returns the exit status;
 * errors are logged. `path` is the database's, for the title.
 */
int html_report(sqlite3 *database, const struct survey *survey, const char *path, const char *html);

#endif

/*
 * queries.h - the .sql and .css files of this folder as they are embedded at build
 * time (embed.sh). Private to the reports.
 */
#ifndef WIRESCRIBE_REPORTS_QUERIES_H
#define WIRESCRIBE_REPORTS_QUERIES_H

extern const char query_anomalies[];
extern const char query_captures[];
extern const char query_contents[];
extern const char query_files[];
extern const char query_findings[];
extern const char query_flows[];
extern const char query_recent_sessions[];
extern const char query_sessions[];
extern const char query_session_counts[];
extern const char query_span[];
extern const char query_warnings[];
extern const char style_report[];

#endif

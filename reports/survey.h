/*
 * survey.h - one look at all flows: totals, a timeline, the busiest hosts and
 * protocols. Private to the reports.
 *
 * It is counted here and not in SQL, because SQLite would sort millions of rows for
 * each GROUP BY of a text.
 */
#ifndef WIRESCRIBE_REPORTS_SURVEY_H
#define WIRESCRIBE_REPORTS_SURVEY_H

#include "reports/database.h"

#define SURVEY_BUCKETS_MOST 96
#define SURVEY_TOP 10
#define SURVEY_NAME_SIZE 64
/* Hosts and protocols that are told apart; what comes when that many are known is counted in the totals alone. */
#define SURVEY_HOSTS_MOST 262144
#define SURVEY_PROTOCOLS_MOST 1024

/* One host or protocol. */
struct survey_entry {
    char name[SURVEY_NAME_SIZE];
    uint64_t flows;
    uint64_t bytes_sent; /* a protocol: by the clients */
    uint64_t bytes_received;
};

struct survey_bucket {
    uint64_t flows;
    uint64_t bytes;
};

struct survey {
    uint64_t flows;
    uint64_t packets;
    uint64_t bytes;
    int64_t first_us; /* 0 where there is no flow */
    int64_t last_us;
    int64_t bucket_us; /* width of a bucket: a second, a minute, ...; flows count where they began */
    struct survey_bucket buckets[SURVEY_BUCKETS_MOST];
    size_t bucket_count;                   /* 0 where there is no flow */
    struct survey_entry hosts[SURVEY_TOP]; /* by bytes */
    size_t host_count;
    uint64_t hosts_seen;                       /* at most SURVEY_HOSTS_MOST */
    struct survey_entry protocols[SURVEY_TOP]; /* by flows */
    size_t protocol_count;
};

/* Looks at all flows; times and buckets only if they are wanted. Anything but FORMAT_DONE: see database_status. */
enum format_result survey_take(sqlite3 *database, bool wants_timeline, struct survey *survey);

#endif

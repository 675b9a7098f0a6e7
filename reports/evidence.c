/*
 * evidence.c - which packets belong to chosen flows: the database's side of `wirescribe pcap`.
 */
#include "base/evidence.h"

#include "base/log.h"
#include "reports/database.h"
#include "reports/reports.h"

#include <stdlib.h>

/* The chosen flows: in memory, for statements that write, even temporary tables, are refused here. */
struct flow_list {
    int64_t *ids; /* owned */
    size_t count;
    size_t capacity;
};

static bool add_flow(struct flow_list *flows, int64_t id)
{
    if (flows->count == flows->capacity) {
        size_t capacity = flows->capacity == 0 ? 64 : flows->capacity * 2;
        int64_t *grown = realloc(flows->ids, capacity * sizeof *grown);

        if (grown == NULL)
            return false;
        flows->ids = grown;
        flows->capacity = capacity;
    }
    flows->ids[flows->count++] = id;
    return true;
}

/* Runs a query that answers flow ids. */
static bool add_flows_of(sqlite3 *database, const char *sql, int64_t argument, struct flow_list *flows)
{
    const char *rest = NULL;
    sqlite3_stmt *statement = database_prepare(database, sql, &rest);
    bool is_good = statement != NULL;
    int step = SQLITE_DONE;

    if (!is_good)
        return false;
    if (rest != NULL && rest[strspn(rest, " \t\n;")] != '\0') {
        log_error("--where takes one condition, and nothing behind it");
        sqlite3_finalize(statement);
        return false;
    }
    if (sqlite3_bind_parameter_count(statement) > 0)
        sqlite3_bind_int64(statement, 1, argument);
    while (is_good && (step = sqlite3_step(statement)) == SQLITE_ROW)
        is_good = add_flow(flows, sqlite3_column_int64(statement, 0));
    if (step != SQLITE_DONE) {
        log_error("SQL: %s", sqlite3_errmsg(database));
        is_good = false;
    }
    sqlite3_finalize(statement);
    return is_good;
}

static bool add_named_flow(sqlite3 *database, const char *text, struct flow_list *flows)
{
    char *end;
    long long id = strtoll(text, &end, 10);
    size_t before = flows->count;

    if (end == text || *end != '\0') {
        log_error("'%s' is no flow: the numbers stand in flows.flow_id", text);
        return false;
    }
    if (!add_flows_of(database, "SELECT flow_id FROM flow WHERE flow_id = ?", id, flows))
        return false;
    if (flows->count == before)
        log_error("there is no flow %s in the database", text);
    return flows->count > before;
}

static bool add_condition(sqlite3 *database, const char *where, struct flow_list *flows)
{
    char *sql = sqlite3_mprintf("SELECT flow_id FROM flows WHERE (%s\n) ORDER BY flow_id", where);
    bool is_good = sql != NULL && add_flows_of(database, sql, 0, flows);

    sqlite3_free(sql);
    return is_good;
}

static bool add_data_flows(sqlite3 *database, struct flow_list *flows)
{
    size_t count = flows->count;
    bool is_good = true;

    for (size_t i = 0; i < count && is_good; i++)
        is_good = add_flows_of(database, "SELECT flow_id FROM flow WHERE parent_flow_id = ?", flows->ids[i], flows);
    return is_good;
}

/* ---- files ---- */

static int by_capture(const void *key, const void *file)
{
    int64_t capture_id = *(const int64_t *)key;
    int64_t other = ((const struct evidence_file *)file)->capture_id;

    return (capture_id > other) - (capture_id < other);
}

/* They stand in the order of their ids. */
static struct evidence_file *file_of(struct evidence *evidence, int64_t capture_id)
{
    if (evidence->count == 0)
        return NULL;
    return bsearch(&capture_id, evidence->files, evidence->count, sizeof evidence->files[0], by_capture);
}

/* All capture files of the database, in the order of reading. */
static bool list_files(sqlite3 *database, struct evidence *evidence)
{
    sqlite3_stmt *statement =
        database_prepare(database, "SELECT capture_id, path, size, head_bytes, head_sha256 FROM capture_file ORDER BY capture_id", NULL);
    bool is_good = statement != NULL;

    while (is_good && sqlite3_step(statement) == SQLITE_ROW) {
        struct evidence_file *file = evidence_add_file(evidence, sqlite3_column_int64(statement, 0));
        const char *path = (const char *)sqlite3_column_text(statement, 1);
        const char *hash = (const char *)sqlite3_column_text(statement, 4);

        is_good = file != NULL && path != NULL && hash != NULL;
        if (!is_good)
            break;
        file->path = strdup(path);
        file->size = (uint64_t)sqlite3_column_int64(statement, 2);
        file->head_bytes = (uint64_t)sqlite3_column_int64(statement, 3);
        snprintf(file->head_sha256, sizeof file->head_sha256, "%s", hash);
        is_good = file->path != NULL;
    }
    sqlite3_finalize(statement);
    return is_good;
}

/* Why a flow's packets cannot be found: its capture is no file that lies anywhere. */
static bool tell_unfound(sqlite3 *database, int64_t flow)
{
    sqlite3_stmt *statement =
        database_prepare(database, "SELECT c.kind, c.source FROM flow AS f LEFT JOIN capture AS c ON c.capture_id = f.capture_id WHERE f.flow_id = ?", NULL);

    if (statement == NULL)
        return false;
    sqlite3_bind_int64(statement, 1, flow);
    if (sqlite3_step(statement) == SQLITE_ROW) {
        const char *kind = (const char *)sqlite3_column_text(statement, 0);
        const char *source = (const char *)sqlite3_column_text(statement, 1);

        if (kind != NULL && strcmp(kind, "live") == 0)
            log_error("flow %lld was seen on the device %s: its packets were not kept", (long long)flow, source);
        else
            log_error("flow %lld was read from %s: its packets are in no file", (long long)flow,
                      source != NULL && strcmp(source, "-") != 0 ? source : "standard input");
    }
    sqlite3_finalize(statement);
    return false;
}

static bool add_row(struct evidence_file *file, sqlite3_stmt *statement)
{
    uint64_t position = (uint64_t)sqlite3_column_int64(statement, 1);
    const void *blob = sqlite3_column_blob(statement, 2);
    struct bytes steps = bytes_of(blob, (size_t)sqlite3_column_bytes(statement, 2));
    bool is_good = evidence_add(file, position);

    while (is_good && steps.length > 0)
        is_good = evidence_read_step(&steps, position, &position) && evidence_add(file, position);
    return is_good;
}

static int by_id(const void *a, const void *b)
{
    int64_t one = *(const int64_t *)a;
    int64_t other = *(const int64_t *)b;

    return (one > other) - (one < other);
}

/* Each flow once, in order. */
static void sort_flows(struct flow_list *flows)
{
    size_t kept = 0;

    qsort(flows->ids, flows->count, sizeof flows->ids[0], by_id);
    for (size_t i = 1; i < flows->count; i++) {
        if (flows->ids[i] != flows->ids[kept])
            flows->ids[++kept] = flows->ids[i];
    }
    flows->count = kept + 1;
}

/* The records of all chosen flows, in one pass over the table. `found` has a byte for each flow. */
static bool add_places(sqlite3 *database, sqlite3_stmt *statement, const struct flow_list *flows, uint8_t *found, struct evidence *evidence)
{
    while (sqlite3_step(statement) == SQLITE_ROW) {
        int64_t flow = sqlite3_column_int64(statement, 3);
        const int64_t *chosen = bsearch(&flow, flows->ids, flows->count, sizeof flow, by_id);
        struct evidence_file *file;

        if (chosen == NULL)
            continue;
        found[chosen - flows->ids] = 1;
        file = file_of(evidence, sqlite3_column_int64(statement, 0));
        if (file == NULL)
            return tell_unfound(database, flow);
        if (!add_row(file, statement)) {
            log_error("the places of flow %lld's packets cannot be read: the database is damaged, or memory is out", (long long)flow);
            return false;
        }
    }
    for (size_t i = 0; i < flows->count; i++) {
        if (!found[i])
            return tell_unfound(database, flows->ids[i]);
    }
    return true;
}

/* Files of which nothing is wanted need not be there. */
static void drop_unused(struct evidence *evidence)
{
    size_t kept = 0;

    for (size_t i = 0; i < evidence->count; i++) {
        struct evidence_file file = evidence->files[i];

        if (file.count > 0)
            evidence->files[kept++] = file;
        else
            free(file.path);
    }
    evidence->count = kept;
}

static bool collect(sqlite3 *database, struct flow_list *flows, struct evidence *evidence)
{
    sqlite3_stmt *statement;
    uint8_t *found;
    bool is_good;

    if (database_integer(database, "SELECT count(*) FROM sqlite_schema WHERE name = 'flow_packets'") == 0) {
        log_error("the database was written by an older wirescribe, which did not keep where packets lie: read the captures again");
        return false;
    }
    sort_flows(flows);
    found = calloc(flows->count, 1);
    statement = database_prepare(database, "SELECT capture_id, first_position, steps, flow_id FROM flow_packets ORDER BY rowid", NULL);
    is_good = found != NULL && statement != NULL && list_files(database, evidence) && add_places(database, statement, flows, found, evidence);
    sqlite3_finalize(statement);
    free(found);
    evidence->flows = flows->count;
    drop_unused(evidence);
    evidence_sort(evidence);
    return is_good;
}

bool report_evidence(const char *path, const struct report_choice *choice, struct evidence *evidence)
{
    sqlite3 *database = database_open(path);
    struct flow_list flows = {.count = 0};
    bool is_good = database != NULL;

    *evidence = (struct evidence){.count = 0};
    for (size_t i = 0; i < choice->flow_count && is_good; i++)
        is_good = add_named_flow(database, choice->flows[i], &flows);
    if (choice->where != NULL && is_good)
        is_good = add_condition(database, choice->where, &flows);
    if (choice->with_data && is_good)
        is_good = add_data_flows(database, &flows);
    if (is_good && flows.count == 0) {
        log_error("no flow fits: nothing was written");
        is_good = false;
    }
    is_good = is_good && collect(database, &flows, evidence);
    free(flows.ids);
    if (database != NULL)
        database_close(database);
    return is_good;
}

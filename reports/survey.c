/* survey.c - see survey.h */
#include "reports/survey.h"

#include "reports/queries.h"

#include <errno.h>
#include <stdlib.h>

/* Columns of flows.sql. */
enum column {
    CLIENT_IP,
    SERVER_IP,
    PROTOCOL,
    START_US,
    PACKETS,
    CLIENT_BYTES,
    SERVER_BYTES,
};

/* Names and what was counted of each; open addressing in a table that is at most half full. */
struct slot {
    uint32_t hash;
    uint32_t entry; /* position in counter.entries plus 1; 0: free */
};

struct counter {
    struct survey_entry *entries; /* owned */
    struct slot *slots;           /* owned */
    size_t slot_count;            /* a power of two */
    size_t count;
    size_t most;
};

static bool init_counter(struct counter *counter, size_t most)
{
    *counter = (struct counter){.most = most, .slot_count = 1024};
    counter->slots = calloc(counter->slot_count, sizeof *counter->slots);
    counter->entries = calloc(counter->slot_count / 2, sizeof *counter->entries);
    return counter->slots != NULL && counter->entries != NULL;
}

static void free_counter(struct counter *counter)
{
    free(counter->slots);
    free(counter->entries);
}

static uint32_t hash_name(const char *name, size_t length)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (uint8_t)name[i]) * 16777619u;
    return hash ^ hash >> 15;
}

/* The slot of that name: taken by it, or free. */
static struct slot *find_slot(const struct counter *counter, const char *name, size_t length, uint32_t hash)
{
    size_t at = hash & (counter->slot_count - 1);

    for (;; at = (at + 1) & (counter->slot_count - 1)) {
        struct slot *slot = &counter->slots[at];
        const char *found;

        if (slot->entry == 0)
            return slot;
        if (slot->hash != hash)
            continue;
        found = counter->entries[slot->entry - 1].name;
        if (memcmp(found, name, length) == 0 && found[length] == '\0')
            return slot;
    }
}

static bool grow(struct counter *counter)
{
    size_t old_count = counter->slot_count;
    struct slot *old = counter->slots;
    struct survey_entry *entries = realloc(counter->entries, old_count * sizeof *entries);

    if (entries == NULL)
        return false;
    counter->entries = entries;
    counter->slots = calloc(old_count * 2, sizeof *counter->slots);
    if (counter->slots == NULL) {
        counter->slots = old;
        return false;
    }
    counter->slot_count = old_count * 2;
    for (size_t i = 0; i < old_count; i++) {
        size_t at = old[i].hash & (counter->slot_count - 1);

        if (old[i].entry == 0)
            continue;
        while (counter->slots[at].entry != 0)
            at = (at + 1) & (counter->slot_count - 1);
        counter->slots[at] = old[i];
    }
    free(old);
    return true;
}

/* The entry of that name, made where it is new; NULL where no more are told apart. */
static struct survey_entry *entry_of(struct counter *counter, const char *name)
{
    size_t length = strnlen(name, SURVEY_NAME_SIZE - 1);
    uint32_t hash = hash_name(name, length);
    struct slot *slot = find_slot(counter, name, length, hash);
    struct survey_entry *entry;

    if (slot->entry != 0)
        return &counter->entries[slot->entry - 1];
    if (counter->count == counter->most)
        return NULL;
    if (counter->count == counter->slot_count / 2) {
        if (!grow(counter)) {
            counter->most = counter->count;
            return NULL;
        }
        slot = find_slot(counter, name, length, hash);
    }
    entry = &counter->entries[counter->count++];
    *entry = (struct survey_entry){.flows = 0};
    memcpy(entry->name, name, length);
    *slot = (struct slot){hash, (uint32_t)counter->count};
    return entry;
}

static void count(struct counter *counter, const unsigned char *name, uint64_t sent, uint64_t received)
{
    struct survey_entry *entry = name == NULL ? NULL : entry_of(counter, (const char *)name);

    if (entry == NULL)
        return;
    entry->flows++;
    entry->bytes_sent += sent;
    entry->bytes_received += received;
}

static int by_bytes(const void *a, const void *b)
{
    const struct survey_entry *left = a;
    const struct survey_entry *right = b;
    uint64_t left_bytes = left->bytes_sent + left->bytes_received;
    uint64_t right_bytes = right->bytes_sent + right->bytes_received;

    if (left_bytes != right_bytes)
        return left_bytes < right_bytes ? 1 : -1;
    if (left->flows != right->flows)
        return left->flows < right->flows ? 1 : -1;
    return strcmp(left->name, right->name);
}

static int by_flows(const void *a, const void *b)
{
    const struct survey_entry *left = a;
    const struct survey_entry *right = b;

    if (left->flows != right->flows)
        return left->flows < right->flows ? 1 : -1;
    return strcmp(left->name, right->name);
}

static size_t take_top(struct counter *counter, int (*compare)(const void *a, const void *b), struct survey_entry top[SURVEY_TOP])
{
    size_t found = counter->count < SURVEY_TOP ? counter->count : SURVEY_TOP;

    qsort(counter->entries, counter->count, sizeof *counter->entries, compare);
    memcpy(top, counter->entries, found * sizeof *top);
    return found;
}

/* The narrowest width that a person thinks in and that needs no more buckets than there are. */
static int64_t bucket_width(int64_t span_us)
{
    static const int64_t seconds[] = {1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400};
    int64_t day_us = INT64_C(86400000000);

    for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++) {
        if (span_us / (seconds[i] * 1000000) < SURVEY_BUCKETS_MOST - 1)
            return seconds[i] * 1000000;
    }
    return (span_us / (SURVEY_BUCKETS_MOST - 1) / day_us + 1) * day_us;
}

static enum format_result find_span(sqlite3 *database, struct survey *survey)
{
    sqlite3_stmt *statement = NULL;
    int step = SQLITE_ERROR;

    if (sqlite3_prepare_v2(database, query_span, -1, &statement, NULL) == SQLITE_OK)
        step = sqlite3_step(statement);
    if (step == SQLITE_ROW && sqlite3_column_type(statement, 0) == SQLITE_INTEGER) {
        survey->first_us = sqlite3_column_int64(statement, 0);
        survey->last_us = sqlite3_column_int64(statement, 1);
        /* a file may claim any time; before the epoch nothing was captured */
        if (survey->first_us < 0)
            survey->first_us = 0;
        if (survey->last_us < survey->first_us)
            survey->last_us = survey->first_us;
        survey->bucket_us = bucket_width(survey->last_us - survey->first_us);
        /* buckets begin at round times */
        survey->bucket_count = (size_t)((survey->last_us - survey->first_us + survey->first_us % survey->bucket_us) / survey->bucket_us + 1);
        if (survey->bucket_count > SURVEY_BUCKETS_MOST)
            survey->bucket_count = SURVEY_BUCKETS_MOST;
    }
    sqlite3_finalize(statement);
    return step == SQLITE_ROW ? FORMAT_DONE : FORMAT_QUERY_FAILED;
}

static void count_in_time(struct survey *survey, int64_t start_us, uint64_t bytes)
{
    int64_t from_us;
    int64_t bucket;

    if (survey->bucket_count == 0)
        return;
    from_us = survey->first_us - survey->first_us % survey->bucket_us;
    bucket = start_us < from_us ? -1 : (start_us - from_us) / survey->bucket_us;
    if (bucket < 0 || bucket >= (int64_t)survey->bucket_count)
        return;
    survey->buckets[bucket].flows++;
    survey->buckets[bucket].bytes += bytes;
}

static void count_flow(struct survey *survey, sqlite3_stmt *statement, struct counter *hosts, struct counter *protocols)
{
    uint64_t client = (uint64_t)sqlite3_column_int64(statement, CLIENT_BYTES);
    uint64_t server = (uint64_t)sqlite3_column_int64(statement, SERVER_BYTES);

    survey->flows++;
    survey->packets += (uint64_t)sqlite3_column_int64(statement, PACKETS);
    survey->bytes += client + server;
    count_in_time(survey, sqlite3_column_int64(statement, START_US), client + server);
    count(hosts, sqlite3_column_text(statement, CLIENT_IP), client, server);
    count(hosts, sqlite3_column_text(statement, SERVER_IP), server, client);
    count(protocols, sqlite3_column_text(statement, PROTOCOL), client, server);
}

static enum format_result count_flows(sqlite3 *database, struct survey *survey, struct counter *hosts, struct counter *protocols)
{
    sqlite3_stmt *statement = NULL;
    int step = SQLITE_ERROR;

    if (sqlite3_prepare_v2(database, query_flows, -1, &statement, NULL) == SQLITE_OK) {
        while ((step = sqlite3_step(statement)) == SQLITE_ROW)
            count_flow(survey, statement, hosts, protocols);
    }
    sqlite3_finalize(statement);
    survey->hosts_seen = hosts->count;
    survey->host_count = take_top(hosts, by_bytes, survey->hosts);
    survey->protocol_count = take_top(protocols, by_flows, survey->protocols);
    return step == SQLITE_DONE ? FORMAT_DONE : FORMAT_QUERY_FAILED;
}

enum format_result survey_take(sqlite3 *database, bool wants_timeline, struct survey *survey)
{
    struct counter hosts = {.count = 0};
    struct counter protocols = {.count = 0};
    enum format_result result = FORMAT_DONE;

    *survey = (struct survey){.flows = 0};
    if (wants_timeline)
        result = find_span(database, survey);
    if (result != FORMAT_DONE)
        return result;
    if (init_counter(&hosts, SURVEY_HOSTS_MOST) && init_counter(&protocols, SURVEY_PROTOCOLS_MOST)) {
        result = count_flows(database, survey, &hosts, &protocols);
    } else {
        errno = ENOMEM;
        result = FORMAT_WRITE_FAILED;
    }
    free_counter(&hosts);
    free_counter(&protocols);
    return result;
}

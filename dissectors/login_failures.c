/*
 * login_failures.c - see login_failures.h
 *
 * A hash table with chains over one array of entries, which grows up to LOGIN_FAILURES_LIMIT; the entries also lie in
 * a list, the one with the newest refusal first, so that the one to forget is found at once.
 */
#include "dissectors/login_failures.h"

#include "base/memory.h"
#include "base/seed.h"

#include <inttypes.h>
#include <stdio.h>

#define BUCKETS 4096 /* a power of two */
#define NOBODY UINT32_MAX
#define USER_SHOWN 64 /* bytes of a user's name in a finding */

struct entry {
    struct address client;
    struct address server;
    const char *protocol;
    int64_t first_us;                      /* of this run: refusals without a quiet window between them */
    int64_t times_us[LOGIN_FAILURES_MANY]; /* of the newest refusals, a ring by `refused` */
    uint64_t refused;
    uint64_t refused_before_login; /* as many were refused when a login was accepted and told of */
    uint64_t sessions;
    uint64_t next_told; /* 0: not told yet in this run */
    uint32_t bucket;
    uint32_t next; /* in its bucket's chain */
    uint32_t newer;
    uint32_t older;
};

struct login_failures {
    uint64_t seed;
    struct entry *entries; /* owned */
    uint32_t count;
    uint32_t capacity;
    uint32_t newest;
    uint32_t oldest;
    uint32_t buckets[BUCKETS];
    bool told_limit;
};

struct login_failures *login_failures_new(void)
{
    struct login_failures *failures = memory_new_zeroed(1, sizeof *failures);

    if (failures == NULL)
        return NULL;
    failures->seed = seed_new();
    failures->newest = NOBODY;
    failures->oldest = NOBODY;
    for (uint32_t i = 0; i < BUCKETS; i++)
        failures->buckets[i] = NOBODY;
    return failures;
}

void login_failures_free(struct login_failures *failures)
{
    if (failures == NULL)
        return;
    memory_free(failures->entries);
    memory_free(failures);
}

size_t login_failures_count(const struct login_failures *failures)
{
    return failures->count;
}

/* ---- the table ---- */

static uint64_t mix(uint64_t hash, uint64_t more)
{
    hash = (hash ^ more) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

static uint64_t mix_address(uint64_t hash, const struct address *address)
{
    uint64_t halves[2];

    memcpy(halves, address->bytes, sizeof halves);
    return mix(mix(mix(hash, halves[0]), halves[1]), address->version);
}

static uint32_t bucket_of(const struct login_failures *failures, const struct flow_facts *flow)
{
    return (uint32_t)(mix_address(mix_address(failures->seed, &flow->client), &flow->server) >> 32) & (BUCKETS - 1);
}

static struct entry *find(const struct login_failures *failures, const struct flow_facts *flow, const char *protocol)
{
    uint32_t at = failures->buckets[bucket_of(failures, flow)];

    while (at != NOBODY) {
        struct entry *entry = &failures->entries[at];

        if (address_equal(&entry->client, &flow->client) && address_equal(&entry->server, &flow->server) && strcmp(entry->protocol, protocol) == 0)
            return entry;
        at = entry->next;
    }
    return NULL;
}

static void take_out_of_list(struct login_failures *failures, uint32_t at)
{
    const struct entry *entry = &failures->entries[at];

    if (entry->newer != NOBODY)
        failures->entries[entry->newer].older = entry->older;
    else
        failures->newest = entry->older;
    if (entry->older != NOBODY)
        failures->entries[entry->older].newer = entry->newer;
    else
        failures->oldest = entry->newer;
}

static void put_first(struct login_failures *failures, uint32_t at)
{
    struct entry *entry = &failures->entries[at];

    entry->newer = NOBODY;
    entry->older = failures->newest;
    if (failures->newest != NOBODY)
        failures->entries[failures->newest].newer = at;
    else
        failures->oldest = at;
    failures->newest = at;
}

static void take_out_of_bucket(struct login_failures *failures, uint32_t at)
{
    uint32_t *link = &failures->buckets[failures->entries[at].bucket];

    while (*link != at)
        link = &failures->entries[*link].next;
    *link = failures->entries[at].next;
}

static bool grow(struct login_failures *failures)
{
    uint32_t capacity = failures->capacity == 0 ? 16 : failures->capacity * 2;
    struct entry *grown = memory_resize(failures->entries, capacity * sizeof *grown);

    if (grown == NULL)
        return false;
    failures->entries = grown;
    failures->capacity = capacity;
    return true;
}

static void tell_limit(struct conversation *conversation, struct login_failures *failures)
{
    if (failures->told_limit)
        return;
    failures->told_limit = true;
    conversation_finding(conversation, "notice", "login_failures_limit",
                         "more than %d pairs of hosts have refused logins; of those that were quiet for longest the count is forgotten",
                         LOGIN_FAILURES_LIMIT);
}

/* A place for a new entry, in no list. NOBODY when out of memory. */
static uint32_t free_place(struct conversation *conversation, struct login_failures *failures)
{
    uint32_t at = failures->oldest;

    if (failures->count < LOGIN_FAILURES_LIMIT)
        return failures->count < failures->capacity || grow(failures) ? failures->count++ : NOBODY;
    tell_limit(conversation, failures);
    take_out_of_bucket(failures, at);
    take_out_of_list(failures, at);
    return at;
}

static struct entry *add(struct conversation *conversation, struct login_failures *failures, const char *protocol)
{
    const struct flow_facts *flow = conversation_flow(conversation);
    uint32_t at = free_place(conversation, failures);
    struct entry *entry;

    if (at == NOBODY)
        return NULL;
    entry = &failures->entries[at];
    *entry = (struct entry){.client = flow->client, .server = flow->server, .protocol = protocol};
    entry->bucket = bucket_of(failures, flow);
    entry->next = failures->buckets[entry->bucket];
    failures->buckets[entry->bucket] = at;
    put_first(failures, at);
    return entry;
}

/* ---- counting ---- */

static bool is_over(const struct entry *entry, int64_t now_us)
{
    int64_t last_us = entry->times_us[(entry->refused - 1) % LOGIN_FAILURES_MANY];

    return now_us - last_us > LOGIN_FAILURES_WINDOW_US;
}

/* Whether enough of the newest refusals lie within the window. */
static bool is_many(const struct entry *entry, int64_t now_us)
{
    int64_t earliest_us = entry->times_us[entry->refused % LOGIN_FAILURES_MANY];

    return entry->refused >= LOGIN_FAILURES_MANY && now_us - earliest_us <= LOGIN_FAILURES_WINDOW_US;
}

static void tell(struct conversation *conversation, struct entry *entry)
{
    char name[32];

    if (entry->next_told == 0 ? !is_many(entry, conversation_now(conversation)) : entry->refused < entry->next_told)
        return;
    if (entry->next_told == 0)
        entry->next_told = LOGIN_FAILURES_MANY;
    while (entry->next_told <= entry->refused)
        entry->next_told *= 10;
    (void)snprintf(name, sizeof name, "%s_brute_force", entry->protocol);
    conversation_finding(conversation, "warning", name,
                         "%" PRIu64 " logins of this client were refused by this server within %.0f seconds, in %" PRIu64 " connection%s",
                         entry->refused, (double)(conversation_now(conversation) - entry->first_us) / 1e6, entry->sessions,
                         entry->sessions == 1 ? "" : "s");
}

void login_failures_refused(struct conversation *conversation, const char *protocol, bool is_first)
{
    struct login_failures *failures = conversation_login_failures(conversation);
    int64_t now_us = conversation_now(conversation);
    struct entry *entry;
    uint32_t at;

    if (failures == NULL)
        return;
    entry = find(failures, conversation_flow(conversation), protocol);
    if (entry == NULL && (entry = add(conversation, failures, protocol)) == NULL)
        return;
    at = (uint32_t)(entry - failures->entries);
    take_out_of_list(failures, at);
    put_first(failures, at);
    if (entry->refused == 0 || is_over(entry, now_us)) {
        entry->first_us = now_us;
        entry->refused = 0;
        entry->sessions = 0;
        entry->refused_before_login = 0;
        entry->next_told = 0;
        is_first = true;
    }
    entry->times_us[entry->refused++ % LOGIN_FAILURES_MANY] = now_us;
    entry->sessions += is_first ? 1 : 0;
    tell(conversation, entry);
}

void login_failures_accepted(struct conversation *conversation, const char *protocol, struct bytes user)
{
    const struct login_failures *failures = conversation_login_failures(conversation);
    struct entry *entry = failures != NULL ? find(failures, conversation_flow(conversation), protocol) : NULL;
    int shown = user.length < USER_SHOWN ? (int)user.length : USER_SHOWN;
    char name[64];

    if (entry == NULL || entry->next_told == 0 || entry->refused == entry->refused_before_login || is_over(entry, conversation_now(conversation)))
        return;
    entry->refused_before_login = entry->refused;
    (void)snprintf(name, sizeof name, "%s_login_after_brute_force", protocol);
    conversation_finding(conversation, "alarm", name,
                         "a login%s%.*s was accepted after %" PRIu64 " refused ones within %.0f seconds, in %" PRIu64 " connection%s",
                         shown > 0 ? " of " : "", shown, shown > 0 ? (const char *)user.at : "", entry->refused,
                         (double)(conversation_now(conversation) - entry->first_us) / 1e6, entry->sessions, entry->sessions == 1 ? "" : "s");
}

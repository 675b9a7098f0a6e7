/*
 * tls_wait.c - protected records whose key is not there, but may yet come: a key log that grows, secrets that stand in the capture behind the
 * packets which they open. They wait in order, both sides' together, with what went missing among them; when the key comes they are read as of
 * their own time, so that the rows are those of a key that was there before.
 */
#include "base/memory.h"
#include "dissectors/tls_session.h"

enum held_kind {
    HELD_RECORD,
    HELD_LOSS,
    HELD_END,
};

struct tls_held {
    struct tls_held *next;
    int64_t time_us;
    enum held_kind kind;
    enum side from;
    enum ending ending; /* END */
    uint64_t count;     /* LOSS: bytes */
    uint16_t version;   /* RECORD */
    uint8_t type;
    size_t length;
    uint8_t bytes[];
};

static size_t size_of(const struct tls_held *held)
{
    return sizeof *held + held->length;
}

static void take_first_off(struct conversation *conversation, struct tls *tls)
{
    struct tls_held *first = tls->held;

    tls->held = first->next;
    if (tls->held == NULL) {
        tls->held_last = NULL;
        conversation_wait(conversation, false);
    }
    tls->held_bytes -= size_of(first);
    conversation_count_held(conversation, -(ptrdiff_t)size_of(first));
    memory_free(first);
}

/* More waits than may, or memory is out: all that waits is given up. */
static void give_up_waiting(struct conversation *conversation, struct tls *tls)
{
    if (tls_has_keys(conversation))
        conversation_finding_once(conversation, "notice", "tls_key_late", "%zu bytes waited for the session's key, which did not come in time; they are not read",
                                  tls->held_bytes);
    tls->told_key = true;
    tls->waits_no_more = true;
    while (tls_is_waiting(tls))
        take_first_off(conversation, tls);
    tls_lock(tls, FROM_CLIENT);
    tls_lock(tls, FROM_SERVER);
}

/* Puts it behind all that waits. `bytes` are the record's. */
static void hold(struct conversation *conversation, struct tls *tls, struct tls_held like, struct bytes bytes)
{
    size_t size = sizeof like + bytes.length;
    struct tls_held *held = NULL;

    if (tls->held_bytes + size <= TLS_HELD_LIMIT && conversation_count_held(conversation, (ptrdiff_t)size) <= TLS_HELD_TOTAL)
        held = memory_new(size);
    else if (tls->held_bytes + size <= TLS_HELD_LIMIT)
        conversation_count_held(conversation, -(ptrdiff_t)size);
    if (held == NULL) {
        give_up_waiting(conversation, tls);
        return;
    }
    *held = like;
    held->next = NULL;
    held->time_us = conversation_now(conversation);
    held->length = bytes.length;
    if (bytes.length > 0)
        memcpy(held->bytes, bytes.at, bytes.length);
    conversation_wait(conversation, true);
    if (tls->held_last != NULL)
        tls->held_last->next = held;
    else
        tls->held = held;
    tls->held_last = held;
    tls->held_bytes += size;
}

/* False: it goes on waiting, and all behind it. */
static bool open_held(struct conversation *conversation, struct tls *tls, const struct tls_held *held)
{
    switch (held->kind) {
    case HELD_RECORD:
        return tls_open_now(conversation, tls, held->from, held->type, held->version, bytes_of(held->bytes, held->length));
    case HELD_LOSS:
        tls_lose_now(tls, held->from, held->count);
        return true;
    case HELD_END:
        if (tls->inside != NULL)
            conversation_end_inside(tls->inside, held->from, held->ending);
        return true;
    }
    return true;
}

static void open_waiting(struct conversation *conversation, struct tls *tls)
{
    int64_t now_us = conversation_now(conversation);

    while (tls_is_waiting(tls)) {
        conversation_set_now(conversation, tls->held->time_us);
        if (!open_held(conversation, tls, tls->held))
            break;
        take_first_off(conversation, tls);
    }
    conversation_set_now(conversation, now_us);
}

void tls_try_waiting(struct conversation *conversation, struct tls *tls)
{
    struct tls_secrets *secrets = conversation_recording(conversation)->tls_secrets;
    size_t count;

    if (!tls_is_waiting(tls) || secrets == NULL)
        return;
    tls_secrets_ask(secrets, false);
    count = tls_secrets_count(secrets);
    if (count != tls->secrets_seen) {
        tls->secrets_seen = count;
        open_waiting(conversation, tls);
    }
    if (tls_is_waiting(tls) && conversation_now(conversation) - tls->held->time_us > TLS_HELD_SECONDS * INT64_C(1000000))
        give_up_waiting(conversation, tls);
}

void tls_end_waiting(struct conversation *conversation, struct tls *tls)
{
    if (tls_is_waiting(tls))
        tls_secrets_ask(conversation_recording(conversation)->tls_secrets, true);
    tls->waits_no_more = true;
    open_waiting(conversation, tls);
}

void tls_open_record(struct conversation *conversation, struct tls *tls, enum side from, uint8_t type, uint16_t version, struct bytes fragment)
{
    struct tls_secrets *secrets = conversation_recording(conversation)->tls_secrets;

    tls_try_waiting(conversation, tls);
    if (tls->side[from].is_locked)
        return;
    if (!tls_is_waiting(tls)) {
        size_t seen = secrets != NULL ? tls_secrets_count(secrets) : 0;

        if (tls_open_now(conversation, tls, from, type, version, fragment))
            return;
        tls_secrets_ask(secrets, false);
        if (tls_secrets_count(secrets) != seen && tls_open_now(conversation, tls, from, type, version, fragment))
            return;
        tls->secrets_seen = seen;
    }
    hold(conversation, tls, (struct tls_held){.kind = HELD_RECORD, .from = from, .type = type, .version = version}, fragment);
}

void tls_lose_bytes(struct conversation *conversation, struct tls *tls, enum side from, uint64_t count)
{
    struct tls_held *last = tls->held_last;

    if (last == NULL)
        tls_lose_now(tls, from, count);
    else if (last->kind == HELD_LOSS && last->from == from)
        last->count += count;
    else
        hold(conversation, tls, (struct tls_held){.kind = HELD_LOSS, .from = from, .count = count}, bytes_of(NULL, 0));
}

void tls_end_inside(struct conversation *conversation, struct tls *tls, enum side from, enum ending ending)
{
    if (tls_is_waiting(tls))
        hold(conversation, tls, (struct tls_held){.kind = HELD_END, .from = from, .ending = ending}, bytes_of(NULL, 0));
    else if (tls->inside != NULL)
        conversation_end_inside(tls->inside, from, ending);
}

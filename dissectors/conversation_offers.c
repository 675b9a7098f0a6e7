/*
 * conversation_offers.c - what a conversation offers to the dissectors that it runs: facts, rows, findings, announcements, and conversations inside
 * itself. The contracts are in dissector.h.
 */
#include "dissectors/conversation_state.h"

#include "base/finding.h"
#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>

const struct flow_facts *conversation_flow(const struct conversation *conversation)
{
    return conversation->facts;
}

int64_t conversation_now(const struct conversation *conversation)
{
    return conversation->now_us;
}

void conversation_set_now(struct conversation *conversation, int64_t time_us)
{
    conversation->now_us = time_us;
}

static void put_last(struct worker_memory *memory, struct conversation *conversation)
{
    conversation->next_waiting = NULL;
    conversation->previous_waiting = memory->last_waiting;
    if (memory->last_waiting != NULL)
        memory->last_waiting->next_waiting = conversation;
    else
        memory->first_waiting = conversation;
    memory->last_waiting = conversation;
}

static void take_out(struct worker_memory *memory, const struct conversation *conversation)
{
    if (conversation->previous_waiting != NULL)
        conversation->previous_waiting->next_waiting = conversation->next_waiting;
    else
        memory->first_waiting = conversation->next_waiting;
    if (conversation->next_waiting != NULL)
        conversation->next_waiting->previous_waiting = conversation->previous_waiting;
    else
        memory->last_waiting = conversation->previous_waiting;
}

void conversation_wait(struct conversation *conversation, bool waits)
{
    struct worker_memory *memory = conversation->services->reader_memory;

    if (memory == NULL || conversation->is_waiting == waits)
        return;
    conversation->is_waiting = waits;
    if (!waits) {
        take_out(memory, conversation);
        return;
    }
    conversation->woken = memory->ticks;
    put_last(memory, conversation);
}

void conversation_wake_all(struct worker_memory *memory)
{
    struct conversation *conversation;

    memory->ticks++;
    while ((conversation = memory->first_waiting) != NULL && conversation->woken != memory->ticks) {
        conversation->woken = memory->ticks;
        take_out(memory, conversation);
        put_last(memory, conversation);
        conversation->now_us = conversation->facts->last_us;
        if (conversation->phase == PHASE_DISSECTING && conversation->dissector->wake != NULL)
            conversation->dissector->wake(conversation, conversation->state);
    }
}

size_t conversation_count_held(const struct conversation *conversation, ptrdiff_t bytes)
{
    struct worker_memory *memory = conversation->services->reader_memory;

    if (memory == NULL)
        return 0;
    memory->held_bytes += (size_t)bytes;
    return memory->held_bytes;
}

bool conversation_is_decrypted(const struct conversation *conversation)
{
    return conversation->is_decrypted;
}

bool conversation_has_start(const struct conversation *conversation, enum side from)
{
    return conversation->hand_overs > 0 || (conversation->outer != NULL ? conversation->side[from].has_start : conversation->facts->has_start[from]);
}

/* ---- a conversation inside another one ---- */

struct conversation *conversation_begin_inside(struct conversation *outer, bool is_decrypted, const bool has_start[SIDE_COUNT], const struct dissector *dissector,
                                               void *from_before)
{
    struct conversation *inside = outer->depth < INSIDE_LIMIT ? memory_new_zeroed(1, sizeof *inside) : NULL;

    if (inside == NULL)
        return NULL;
    inside->services = outer->services;
    inside->facts = outer->facts;
    inside->outer = outer;
    inside->depth = outer->depth + 1;
    inside->is_decrypted = is_decrypted || outer->is_decrypted;
    inside->tunnel = outer->tunnel;
    inside->now_us = outer->now_us;
    for (int side = 0; side < SIDE_COUNT; side++)
        inside->side[side].has_start = has_start[side];
    if (dissector != NULL)
        (void)conversation_start(inside, dissector, from_before);
    return inside;
}

struct conversation *conversation_begin_tunnel(struct conversation *outer, const bool has_start[SIDE_COUNT])
{
    struct conversation *tunnel = conversation_begin_inside(outer, false, has_start, NULL, NULL);
    struct conversation *whole = outer;

    if (tunnel == NULL)
        return NULL;
    while (whole->outer != NULL)
        whole = whole->outer;
    tunnel->tunnel = ++whole->tunnels;
    tunnel->may_turn = true;
    return tunnel;
}

void conversation_turn_inside(struct conversation *conversation)
{
    const struct flow_facts *flow = conversation->facts;
    struct flow_facts *turned = memory_new(sizeof *turned);

    conversation->is_turned = true;
    if (turned == NULL)
        return;
    *turned = *flow;
    turned->client = flow->server;
    turned->server = flow->client;
    turned->client_port = flow->server_port;
    turned->server_port = flow->client_port;
    turned->client_is_guessed = false;
    conversation->own_facts = turned;
    conversation->facts = turned;
}

/* The conversation's own name of a side of the conversation that it lies in. */
static enum side side_inside(struct conversation *inside, enum side from)
{
    if (inside->own_facts != NULL)
        inside->own_facts->last_us = inside->outer->facts->last_us;
    return inside->is_turned ? side_other(from) : from;
}

bool conversation_say_inside(struct conversation *inside, enum side from, struct bytes bytes)
{
    return conversation_reader.data(inside, side_inside(inside, from), bytes, inside->outer->now_us);
}

bool conversation_miss_inside(struct conversation *inside, enum side from, uint64_t count)
{
    return conversation_reader.gap(inside, side_inside(inside, from), count, inside->outer->now_us);
}

void conversation_end_inside(struct conversation *inside, enum side from, enum ending ending)
{
    conversation_reader.end(inside, side_inside(inside, from), ending, inside->outer->now_us);
}

void conversation_refresh_inside(struct conversation *inside)
{
    conversation_reader.refresh(inside, inside->outer->now_us);
}

void conversation_settle_inside(struct conversation *inside)
{
    inside->now_us = inside->outer->now_us;
    conversation_settle(inside);
}

void conversation_close_inside(struct conversation *inside)
{
    conversation_settle_inside(inside);
    conversation_reader.close(inside, inside->outer->now_us);
}

void *conversation_leave_inside(struct conversation *inside)
{
    bool may_leave = inside->phase == PHASE_DISSECTING && inside->dissector->leave != NULL;
    void *left = may_leave ? inside->dissector->leave(inside, inside->state) : NULL;

    conversation_close_inside(inside);
    return left;
}

const char *conversation_protocol_inside(const struct conversation *inside)
{
    return inside->protocol;
}

const char *conversation_first_protocol_inside(const struct conversation *inside)
{
    return inside->first_protocol;
}

bool conversation_client_inside(const struct conversation *inside, enum side *client)
{
    *client = inside->is_turned ? FROM_SERVER : FROM_CLIENT;
    return inside->protocol != NULL && inside->knows_sides;
}

bool conversation_is_tunnelled(const struct conversation *conversation)
{
    return conversation->tunnel > 0;
}

int64_t conversation_tunnel(const struct conversation *conversation)
{
    return conversation->tunnel;
}

uint64_t conversation_missing(const struct conversation *conversation, enum side from)
{
    return conversation->side[from].missing;
}

bool conversation_knows_count(const struct conversation *conversation, uint64_t count)
{
    return count != MISSING_UNKNOWN && !conversation->is_decrypted;
}

const struct recording_options *conversation_recording(const struct conversation *conversation)
{
    static const struct recording_options nothing_more;

    return conversation->services->recording != NULL ? conversation->services->recording : &nothing_more;
}

struct login_failures *conversation_login_failures(const struct conversation *conversation)
{
    const struct worker_memory *memory = conversation->services->reader_memory;

    return memory != NULL ? memory->login_failures : NULL;
}

struct known_certificates *conversation_known_certificates(const struct conversation *conversation)
{
    const struct worker_memory *memory = conversation->services->reader_memory;

    return memory != NULL ? memory->known_certificates : NULL;
}

struct rdp_peers *conversation_rdp_peers(const struct conversation *conversation)
{
    const struct worker_memory *memory = conversation->services->reader_memory;

    /* Behind a tunnel's end stand many servers. */
    return memory != NULL && conversation->tunnel == 0 ? memory->rdp_peers : NULL;
}

void conversation_set_parent(struct conversation *conversation, int64_t flow_id)
{
    conversation->facts->parent_flow_id = flow_id;
}

bool conversation_wake_other(struct conversation *conversation, enum side other)
{
    conversation->side[other].waits_for_other = kept_bytes(&conversation->side[other].kept).length > 0;
    return conversation->side[other].waits_for_other;
}

void conversation_write(struct conversation *conversation, const struct record_table *table, const void *record)
{
    conversation->services->write(conversation->services->worker, table, record);
}

int64_t conversation_next_id(struct conversation *conversation, enum id_kind kind)
{
    return conversation->services->next_id(conversation->services->worker, kind);
}

unsigned conversation_next_number(struct conversation *conversation, enum number_kind kind)
{
    while (conversation->outer != NULL)
        conversation = conversation->outer;
    return ++conversation->numbers[kind];
}

static void write_finding(struct conversation *conversation, const char *severity, const char *name, const char *detail, va_list arguments)
{
    char text[512];
    struct finding finding;

    if (conversation->findings >= FINDINGS_LIMIT)
        return;
    conversation->findings++;
    vsnprintf(text, sizeof text, detail, arguments);
    finding = (struct finding){
        .flow_id = record_integer(conversation->facts->flow_id),
        .time_us = record_integer(conversation->now_us),
        .severity = record_text_of(severity),
        .name = record_text_of(name),
        .detail = record_text_of(text),
    };
    conversation_write(conversation, &finding_table, &finding);
}

void conversation_finding(struct conversation *conversation, const char *severity, const char *name, const char *detail, ...)
{
    va_list arguments;

    va_start(arguments, detail);
    write_finding(conversation, severity, name, detail, arguments);
    va_end(arguments);
}

/* Notes the name; false where it was noted before, or there is no room. */
static bool is_first_time(struct conversation *conversation, const char *name)
{
    for (size_t i = 0; i < ONCE_NAMES; i++) {
        if (conversation->told_once[i] == NULL) {
            conversation->told_once[i] = name;
            return true;
        }
        if (strcmp(conversation->told_once[i], name) == 0)
            return false;
    }
    return false;
}

void conversation_finding_once(struct conversation *conversation, const char *severity, const char *name, const char *detail, ...)
{
    va_list arguments;

    if (!is_first_time(conversation, name))
        return;
    va_start(arguments, detail);
    write_finding(conversation, severity, name, detail, arguments);
    va_end(arguments);
}

bool conversation_expect(struct conversation *conversation, const struct address *server, uint16_t server_port, const struct address *opener,
                         const struct dissector *dissector, void *shared, void (*release)(void *shared))
{
    const struct expectation expectation = {
        .opener = opener != NULL ? *opener : (struct address){.version = 0},
        .server = *server,
        .server_port = server_port,
        .parent_flow_id = conversation->facts->flow_id,
        .made_us = conversation->now_us,
        .dissector = dissector,
        .shared = shared,
        .release = release,
    };

    return conversation->services->expect(conversation->services->worker, &expectation);
}

bool conversation_expect_from(struct conversation *conversation, const struct address *origin, uint16_t origin_port, const struct address *listener,
                              const struct dissector *dissector, void *shared, void (*release)(void *shared))
{
    const struct expectation expectation = {
        .server = *origin,
        .server_port = origin_port,
        .opener = *listener,
        .by_origin = true,
        .parent_flow_id = conversation->facts->flow_id,
        .made_us = conversation->now_us,
        .dissector = dissector,
        .shared = shared,
        .release = release,
    };

    return conversation->services->expect(conversation->services->worker, &expectation);
}

bool conversation_announces(struct conversation *conversation, bool begins)
{
    return conversation->services->announces != NULL && conversation->services->announces(conversation->services->worker, conversation->facts, begins);
}

void conversation_forget_expected(struct conversation *conversation, const struct address *server, uint16_t server_port, const void *shared)
{
    if (conversation->services->forget != NULL)
        conversation->services->forget(conversation->services->worker, server, server_port, shared);
}

bool conversation_hand_over(struct conversation *conversation, const struct dissector *dissector, void *to_next)
{
    if (conversation->hand_overs >= HAND_OVER_LIMIT)
        return false; /* next stays NULL: the conversation stops at VERDICT_HANDED_OVER */
    conversation->hand_overs++;
    conversation->next = dissector;
    conversation->to_next = to_next;
    return true;
}

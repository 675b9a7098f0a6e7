/*
 * conversation.c - runs the dissectors over the two sides of one TCP flow.
 *
 * Phases:
 *
 *     IDENTIFYING --adopt()--> DISSECTING --VERDICT_NOT_THIS_PROTOCOL--> IGNORING
 *          |                    |      ^
 *          |                    +------+ hand over: another dissector
 *          +--nobody wants it, or IDENTIFY_LIMIT is reached--> IGNORING, or
 *             UNCLAIMED: it may still be announced --on_claim()--> DISSECTING
 *
 * While identifying, what was said is kept as a list of pieces in the order of
 * arrival (bytes and gaps), so that the dissector that is found sees the
 * dialogue in its own order. Bytes that come while dissecting are given to the
 * dissector where they lie; only what it leaves unread is copied.
 *
 * Datagrams are not put in any order: a dissector that wants a UDP flow says so of the first one, and reads it and those
 * that follow as they come. All others are named by nDPI alone.
 */
#include "dissectors/conversation_state.h"

#include "base/finding.h"
#include "base/memory.h"

/* Most pieces that wait for identification; more and nobody wants the flow. */
#define IDENTIFY_PIECES 64
/* Most rounds in which the two sides may wake each other for the same bytes. */
#define WAKE_ROUNDS 1024

/* ---- the dissector at work ---- */

static void stop_dissecting(struct conversation *conversation)
{
    conversation_wait(conversation, false);
    if (conversation->dissector != NULL)
        conversation->dissector->close(conversation, conversation->state);
    memory_free(conversation->state);
    conversation->state = NULL;
    conversation->dissector = NULL;
    conversation->phase = PHASE_IGNORING;
    for (int side = 0; side < SIDE_COUNT; side++)
        kept_free(&conversation->side[side].kept);
}

bool conversation_start(struct conversation *conversation, const struct dissector *dissector, void *from_before)
{
    conversation->state = memory_new_zeroed(1, dissector->state_size > 0 ? dissector->state_size : 1);
    if (conversation->state == NULL) {
        conversation->phase = PHASE_IGNORING;
        return false;
    }
    conversation->dissector = dissector;
    conversation->protocol = dissector->name;
    if (conversation->first_protocol == NULL)
        conversation->first_protocol = dissector->name;
    conversation->phase = PHASE_DISSECTING;
    for (const struct conversation *around = conversation; around != NULL; around = around->outer)
        around->facts->protocol = dissector->name;
    dissector->open(conversation, conversation->state, from_before);
    return true;
}

static void feed(struct conversation *conversation, enum side from, struct bytes fresh);
static void tell_gap(struct conversation *conversation, enum side from, uint64_t count);

/* Closes the present dissector and gives both sides' unread bytes to the next. */
static void carry_out_hand_over(struct conversation *conversation, enum side from)
{
    const struct dissector *next = conversation->next;
    void *to_next = conversation->to_next;
    enum side order[SIDE_COUNT] = {side_other(from), from};
    struct kept waiting[SIDE_COUNT];

    conversation->next = NULL;
    conversation->to_next = NULL;
    conversation->dissector->close(conversation, conversation->state);
    memory_free(conversation->state);
    conversation->state = NULL;
    conversation->dissector = NULL;
    for (int side = 0; side < SIDE_COUNT; side++) {
        conversation->side[side].waits_for_other = false;
        waiting[side] = conversation->side[side].kept;
        conversation->side[side].kept = (struct kept){.first = 0};
    }
    if (conversation_start(conversation, next, to_next)) {
        for (int i = 0; i < SIDE_COUNT; i++) {
            struct bytes unread = kept_bytes(&waiting[order[i]]);

            if (unread.length > 0)
                feed(conversation, order[i], unread);
        }
    }
    for (int side = 0; side < SIDE_COUNT; side++)
        kept_free(&waiting[side]);
}

/* Acts on what the dissector said. True where it goes on. */
static bool act_on(struct conversation *conversation, enum side from, enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_GO_ON:
    case VERDICT_NEED_MORE:
        return true;
    case VERDICT_NEED_OTHER_SIDE:
        conversation->side[from].waits_for_other = true;
        return true;
    case VERDICT_HANDED_OVER:
        if (conversation->next == NULL) {
            stop_dissecting(conversation);
            return false;
        }
        carry_out_hand_over(conversation, from);
        return false;
    case VERDICT_NOT_THIS_PROTOCOL:
        stop_dissecting(conversation);
        return false;
    }
    return false;
}

/*
 * One call of on_data: `fresh` behind what was kept. Keeps what is left unread.
 * True where the dissector goes on and the other side's turn has come: bytes were
 * consumed, or both sides wait for each other.
 */
static bool call_on_data(struct conversation *conversation, enum side from, struct bytes fresh)
{
    struct side_state *side = &conversation->side[from];
    struct kept *kept = &side->kept;
    bool was_kept = kept->end > kept->first;
    struct cursor cursor;
    enum verdict verdict;
    size_t before;

    if (was_kept && !kept_append(kept, fresh)) {
        stop_dissecting(conversation);
        return false;
    }
    side->waits_for_other = false;
    cursor = cursor_over(was_kept ? kept_bytes(kept) : fresh);
    before = cursor.left;
    verdict = conversation->dissector->on_data(conversation, conversation->state, from, &cursor);
    if (was_kept)
        kept->first = kept->end - cursor.left;
    else if (!kept_append(kept, bytes_of(cursor.at, cursor.left)))
        verdict = VERDICT_NOT_THIS_PROTOCOL;
    if (kept->first == kept->end)
        kept_clear(kept);
    return act_on(conversation, from, verdict) &&
           (cursor.left < before || (side->waits_for_other && conversation->side[side_other(from)].waits_for_other));
}

/* A unit that never ends: what waits for it is given up and told as a gap. */
static void enforce_unit_limit(struct conversation *conversation, enum side from)
{
    struct side_state *side = &conversation->side[from];
    size_t unread = side->kept.end - side->kept.first;

    if (conversation->phase != PHASE_DISSECTING || unread <= conversation->dissector->unit_limit)
        return;
    conversation_finding(conversation, "notice", "unit_too_long", "%zu bytes from the %s waited for the rest of one %s unit and were given up",
                         unread, side_name(from), conversation->dissector->name);
    tell_gap(conversation, from, unread);
}

/* Wakes sides that wait for the other one, as long as that makes progress. */
static void wake_waiting(struct conversation *conversation, enum side progressed)
{
    enum side waiting = side_other(progressed);

    for (unsigned round = 0; round < WAKE_ROUNDS; round++) {
        if (conversation->phase != PHASE_DISSECTING || !conversation->side[waiting].waits_for_other)
            return;
        conversation->side[waiting].waits_for_other = false;
        if (kept_bytes(&conversation->side[waiting].kept).length == 0)
            return;
        if (!call_on_data(conversation, waiting, bytes_of(NULL, 0)))
            return;
        waiting = side_other(waiting);
    }
}

static void feed(struct conversation *conversation, enum side from, struct bytes fresh)
{
    if (conversation->phase != PHASE_DISSECTING)
        return;
    if (conversation->side[from].waits_for_other) {
        /* it said that nothing can be read before the other side speaks */
        if (!kept_append(&conversation->side[from].kept, fresh))
            stop_dissecting(conversation);
    } else if (call_on_data(conversation, from, fresh)) {
        wake_waiting(conversation, from);
    }
    enforce_unit_limit(conversation, from);
}

static void tell_gap(struct conversation *conversation, enum side from, uint64_t count)
{
    struct side_state *side = &conversation->side[from];
    enum verdict verdict;

    if (conversation->phase != PHASE_DISSECTING)
        return;
    if (count != MISSING_UNKNOWN)
        side->missing += count;
    side->waits_for_other = false;
    kept_clear(&side->kept);
    verdict = conversation->dissector->on_gap(conversation, conversation->state, from, count);
    if (act_on(conversation, from, verdict))
        wake_waiting(conversation, from);
}

static void tell_end(struct conversation *conversation, enum side from, enum ending ending)
{
    struct side_state *side = &conversation->side[from];

    if (conversation->phase != PHASE_DISSECTING)
        return;
    if (conversation->dissector->on_end != NULL)
        conversation->dissector->on_end(conversation, conversation->state, from, ending, kept_bytes(&side->kept));
    wake_waiting(conversation, from);
}

/* ---- identification ---- */

static bool port_is_among(const uint16_t *ports, uint16_t port)
{
    for (; ports != NULL && *ports != 0; ports++) {
        if (*ports == port)
            return true;
    }
    return false;
}

/* In a tunnel the flow's ports are not those of what travels in it. */
static bool port_agrees(const struct conversation *conversation, const struct dissector *dissector, bool is_turned)
{
    return conversation->tunnel == 0 &&
           port_is_among(dissector->ports, is_turned ? conversation->facts->client_port : conversation->facts->server_port);
}

/* Asks one dissector in one orientation. */
static enum match ask(const struct conversation *conversation, const struct dissector *dissector, bool is_turned)
{
    struct first_bytes first;

    for (int side = 0; side < SIDE_COUNT; side++) {
        const struct side_state *state = &conversation->side[is_turned ? side_other((enum side)side) : (enum side)side];

        first.side[side] = kept_bytes(&state->kept);
        if (first.side[side].length > IDENTIFY_LIMIT)
            first.side[side].length = IDENTIFY_LIMIT;
        first.has_start[side] = state->has_start;
    }
    first.port_agrees = port_agrees(conversation, dissector, is_turned);
    first.sides_are_open = conversation->may_turn;
    return dissector->match(&first);
}

#define RANK_SURE 5 /* and above: the bytes say so */
#define RANK_BY_PORT 4

struct best_match {
    const struct dissector *dissector;
    bool is_turned;
    int rank; /* 0: nobody; see rank_of */
    bool fits_both; /* the same dissector is as sure of the other orientation */
    bool somebody_waits;
};

/* How good an answer is: sure before port-settled, the agreeing port before any other, the given orientation before the turned. */
static int rank_of(enum match match, bool port_agrees, bool is_turned)
{
    int rank = 0;

    if (match == MATCH_YES)
        rank = port_agrees ? RANK_SURE + 3 : RANK_SURE + 1;
    else if (match == MATCH_PORT && port_agrees)
        rank = RANK_BY_PORT;
    return rank > 0 && is_turned ? rank - 1 : rank;
}

/* Inside another one the sides are settled, but for a tunnel that anybody may speak through. */
static bool may_be_turned(const struct conversation *conversation)
{
    return conversation->outer == NULL ? conversation->facts->client_is_guessed : conversation->may_turn;
}

static struct best_match ask_all(const struct conversation *conversation)
{
    struct best_match best = {.rank = 0};

    for (const struct dissector *const *dissector = dissectors; *dissector != NULL; dissector++) {
        for (int turned = 0; turned <= (may_be_turned(conversation) ? 1 : 0); turned++) {
            enum match match;
            int rank;

            if ((*dissector)->match == NULL)
                continue;
            match = ask(conversation, *dissector, turned == 1);
            if (match == MATCH_MAYBE || match == MATCH_PORT)
                best.somebody_waits = true;
            rank = rank_of(match, port_agrees(conversation, *dissector, turned == 1), turned == 1);
            if (turned == 1 && rank >= RANK_SURE && best.dissector == *dissector)
                best.fits_both = true;
            if (rank > best.rank) {
                best.fits_both = false;
                best.rank = rank;
                best.dissector = *dissector;
                best.is_turned = turned == 1;
            }
        }
    }
    return best;
}

static void turn_around(struct conversation *conversation)
{
    struct side_state client = conversation->side[FROM_CLIENT];

    conversation->side[FROM_CLIENT] = conversation->side[FROM_SERVER];
    conversation->side[FROM_SERVER] = client;
    for (unsigned i = 0; i < conversation->piece_count; i++)
        conversation->pieces[i].from = side_other(conversation->pieces[i].from);
    if (conversation->outer == NULL)
        conversation->services->turn_around(conversation->services->worker, conversation->facts);
    else
        conversation_turn_inside(conversation);
}

/* The protocol says who is the client, where the bytes themselves were recognized. */
static void believe_sides(struct conversation *conversation, const struct best_match *best)
{
    if (best->is_turned)
        turn_around(conversation);
    conversation->knows_sides = best->rank >= RANK_SURE && !best->fits_both;
    if (best->rank >= RANK_SURE && conversation->outer == NULL)
        conversation->facts->client_is_guessed = false;
}

static void forget_pieces(struct conversation *conversation)
{
    memory_free(conversation->pieces);
    conversation->pieces = NULL;
    conversation->piece_count = 0;
}

/* Replays to the dissector what was kept, in the order in which it was said. */
static bool adopt(struct conversation *conversation, const struct dissector *dissector, void *from_before)
{
    bool has_started;
    struct kept said[SIDE_COUNT];
    int64_t now_us = conversation->now_us;

    for (int side = 0; side < SIDE_COUNT; side++) {
        said[side] = conversation->side[side].kept;
        conversation->side[side].kept = (struct kept){.first = 0};
        conversation->side[side].has_ended = false;
    }
    if (conversation->piece_count > 0)
        conversation->now_us = conversation->pieces[0].time_us;
    has_started = conversation_start(conversation, dissector, from_before);
    if (has_started) {
        for (unsigned i = 0; i < conversation->piece_count; i++) {
            const struct piece *piece = &conversation->pieces[i];

            conversation->now_us = piece->time_us;
            if (piece->is_end) {
                conversation->side[piece->from].has_ended = true;
                tell_end(conversation, piece->from, piece->ending);
            } else if (piece->is_gap) {
                tell_gap(conversation, piece->from, piece->count);
            } else {
                feed(conversation, piece->from, bytes_of(said[piece->from].bytes + said[piece->from].first, (size_t)piece->count));
                said[piece->from].first += (size_t)piece->count;
            }
        }
    }
    conversation->now_us = now_us;
    for (int side = 0; side < SIDE_COUNT; side++)
        kept_free(&said[side]);
    forget_pieces(conversation);
    return has_started;
}

static void ignore(struct conversation *conversation)
{
    forget_pieces(conversation);
    stop_dissecting(conversation);
}

static bool may_be_announced(const struct conversation *conversation)
{
    return conversation->outer == NULL && conversation->services->may_be_announced != NULL &&
           conversation->services->may_be_announced(conversation->services->worker, conversation->facts);
}

/* The last chance of a tunnel whose sides are open: they are taken as the flow has them, or as all who were asked say. */
void conversation_settle(struct conversation *conversation)
{
    struct best_match best;

    if (conversation->phase != PHASE_IDENTIFYING || !conversation->may_turn)
        return;
    conversation->may_turn = false;
    best = ask_all(conversation);
    if (best.dissector != NULL)
        (void)adopt(conversation, best.dissector, NULL);
}

/* Nobody wants it: unless it may still be announced, what was kept is forgotten. */
static void give_up_identifying(struct conversation *conversation)
{
    if (conversation->phase == PHASE_IDENTIFYING && may_be_announced(conversation))
        conversation->phase = PHASE_UNCLAIMED;
    else
        ignore(conversation);
}

static void identify(struct conversation *conversation)
{
    struct best_match best = ask_all(conversation);

    if (best.dissector != NULL) {
        believe_sides(conversation, &best);
        (void)adopt(conversation, best.dissector, NULL);
        return;
    }
    if (!best.somebody_waits)
        give_up_identifying(conversation);
}

/* The fast way: the first bytes of a flow are enough, and need not be kept. */
static bool identify_at_once(struct conversation *conversation, enum side from, struct bytes bytes)
{
    struct side_state *side = &conversation->side[from];
    struct best_match best;

    side->kept = (struct kept){.bytes = (uint8_t *)(uintptr_t)bytes.at, .end = bytes.length};
    best = ask_all(conversation);
    side->kept = (struct kept){.first = 0};
    if (best.dissector == NULL) {
        if (!best.somebody_waits)
            give_up_identifying(conversation);
        return conversation->phase == PHASE_IGNORING;
    }
    believe_sides(conversation, &best);
    if (best.is_turned)
        from = side_other(from);
    if (conversation_start(conversation, best.dissector, NULL))
        feed(conversation, from, bytes);
    return true;
}

/* Bytes of the same side and the same time: one piece, however many segments they came in. */
static bool joins_last_piece(const struct conversation *conversation, const struct piece *piece)
{
    const struct piece *last = conversation->piece_count > 0 ? &conversation->pieces[conversation->piece_count - 1] : NULL;

    return last != NULL && last->from == piece->from && (last->time_us == conversation->now_us || conversation->phase == PHASE_UNCLAIMED) && !last->is_gap && !last->is_end && !piece->is_gap &&
           !piece->is_end;
}

static void keep_piece(struct conversation *conversation, struct piece piece, struct bytes bytes)
{
    if (joins_last_piece(conversation, &piece) && kept_append(&conversation->side[piece.from].kept, bytes)) {
        conversation->pieces[conversation->piece_count - 1].count += bytes.length;
        return;
    }
    if (conversation->pieces == NULL)
        conversation->pieces = memory_new_zeroed(IDENTIFY_PIECES, sizeof *conversation->pieces);
    if (conversation->pieces == NULL || conversation->piece_count == IDENTIFY_PIECES || !kept_append(&conversation->side[piece.from].kept, bytes)) {
        ignore(conversation);
        return;
    }
    piece.time_us = conversation->now_us;
    conversation->pieces[conversation->piece_count++] = piece;
}

/* The last chance: no more will come, so an answer that only the port supports is taken, or none. */
static bool is_over_limit(const struct conversation *conversation)
{
    size_t limit = conversation->phase == PHASE_UNCLAIMED ? EARLY_LIMIT : IDENTIFY_LIMIT;
    bool has_no_piece_left = conversation->may_turn && conversation->piece_count == IDENTIFY_PIECES;

    return has_no_piece_left || kept_bytes(&conversation->side[FROM_CLIENT].kept).length >= limit ||
           kept_bytes(&conversation->side[FROM_SERVER].kept).length >= limit;
}

static bool is_undecided(const struct conversation *conversation)
{
    return conversation->phase == PHASE_IDENTIFYING || conversation->phase == PHASE_UNCLAIMED;
}

static void identify_data(struct conversation *conversation, enum side from, struct bytes bytes)
{
    bool is_first = conversation->piece_count == 0;

    if (is_first && conversation->phase == PHASE_IDENTIFYING && identify_at_once(conversation, from, bytes))
        return;
    keep_piece(conversation, (struct piece){.from = from, .count = bytes.length}, bytes);
    if (conversation->phase == PHASE_IDENTIFYING && !is_first)
        identify(conversation);
    if (is_undecided(conversation) && is_over_limit(conversation))
        conversation_settle(conversation);
    if (is_undecided(conversation) && is_over_limit(conversation))
        give_up_identifying(conversation);
}

/* ---- what the streams stage calls ---- */

static void *on_open(const struct worker_services *services, struct flow_facts *facts, const struct expectation *expected)
{
    struct conversation *conversation = memory_new_zeroed(1, sizeof *conversation);

    if (conversation == NULL) {
        if (expected != NULL && expected->release != NULL)
            expected->release(expected->shared);
        return NULL;
    }
    conversation->services = services;
    conversation->facts = facts;
    conversation->now_us = facts->start_us;
    for (int side = 0; side < SIDE_COUNT; side++)
        conversation->side[side].has_start = facts->has_start[side];
    if (expected != NULL)
        (void)conversation_start(conversation, expected->dissector, expected->shared);
    return conversation;
}

static bool on_claim(void *argument, const struct expectation *expected, const uint64_t passed[SIDE_COUNT], int64_t time_us)
{
    struct conversation *conversation = argument;
    const struct dissector *dissector = expected->dissector;
    bool was_kept = is_undecided(conversation);

    if (conversation->phase == PHASE_DISSECTING || conversation->facts->protocol != NULL)
        return false; /* it was taken for something else */
    conversation->now_us = time_us;
    if (was_kept)
        return adopt(conversation, dissector, expected->shared);
    if (!conversation_start(conversation, dissector, expected->shared))
        return false;
    for (int side = 0; side < SIDE_COUNT && dissector->on_passed != NULL; side++) {
        if (passed[side] > 0)
            dissector->on_passed(conversation, conversation->state, (enum side)side, passed[side]);
    }
    return true;
}

static bool on_data(void *argument, enum side from, struct bytes bytes, int64_t time_us)
{
    struct conversation *conversation = argument;

    conversation->now_us = time_us;
    if (is_undecided(conversation)) {
        /* told late: the first packet of a side decides it */
        for (int side = 0; side < SIDE_COUNT && conversation->piece_count == 0 && conversation->outer == NULL; side++)
            conversation->side[side].has_start = conversation->facts->has_start[side];
        identify_data(conversation, from, bytes);
    } else {
        feed(conversation, from, bytes);
    }
    return conversation->phase != PHASE_IGNORING;
}

static bool on_gap(void *argument, enum side from, uint64_t count, int64_t time_us)
{
    struct conversation *conversation = argument;

    conversation->now_us = time_us;
    if (is_undecided(conversation)) {
        if (kept_bytes(&conversation->side[from].kept).length == 0)
            conversation->side[from].has_start = false;
        keep_piece(conversation, (struct piece){.from = from, .is_gap = true, .count = count}, bytes_of(NULL, 0));
    } else {
        tell_gap(conversation, from, count);
    }
    return conversation->phase != PHASE_IGNORING;
}

static void on_end(void *argument, enum side from, enum ending ending, int64_t time_us)
{
    struct conversation *conversation = argument;

    conversation->now_us = time_us;
    conversation->side[from].has_ended = true;
    if (is_undecided(conversation))
        keep_piece(conversation, (struct piece){.from = from, .is_end = true, .ending = ending}, bytes_of(NULL, 0));
    else
        tell_end(conversation, from, ending);
}

static void on_refresh(void *argument, int64_t time_us)
{
    struct conversation *conversation = argument;

    conversation->now_us = time_us;
    if (conversation->phase == PHASE_DISSECTING && conversation->dissector->refresh != NULL)
        conversation->dissector->refresh(conversation, conversation->state);
}

static void on_close(void *argument, int64_t time_us)
{
    struct conversation *conversation = argument;

    conversation->now_us = time_us;
    forget_pieces(conversation);
    stop_dissecting(conversation);
    memory_free(conversation->own_facts);
    memory_free(conversation);
}

static void *on_begin(void)
{
    struct worker_memory *memory = memory_new_zeroed(1, sizeof *memory);

    if (memory == NULL)
        return NULL;
    memory->login_failures = login_failures_new();
    memory->rdp_peers = rdp_peers_new();
    memory->known_certificates = known_certificates_new();
    return memory;
}

static void on_finish(void *argument)
{
    struct worker_memory *memory = argument;

    if (memory == NULL)
        return;
    login_failures_free(memory->login_failures);
    rdp_peers_free(memory->rdp_peers);
    known_certificates_free(memory->known_certificates);
    memory_free(memory);
}

static void on_tick(void *memory)
{
    if (memory != NULL)
        conversation_wake_all(memory);
}

/* ---- datagrams ---- */

static const struct dissector *find_datagram_dissector(struct flow_facts *facts, enum side from, struct bytes first, bool *is_turned)
{
    for (const struct dissector *const *dissector = dissectors; *dissector != NULL; dissector++) {
        if ((*dissector)->match_datagram != NULL && (*dissector)->match_datagram(facts, from, first, is_turned))
            return *dissector;
    }
    return NULL;
}

static void *on_open_datagrams(const struct worker_services *services, struct flow_facts *facts, enum side from, struct bytes first, int64_t time_us)
{
    bool is_turned = false;
    const struct dissector *dissector = find_datagram_dissector(facts, from, first, &is_turned);
    struct conversation *conversation = dissector != NULL ? memory_new_zeroed(1, sizeof *conversation) : NULL;

    if (conversation == NULL)
        return NULL;
    if (is_turned)
        services->turn_around(services->worker, facts);
    conversation->services = services;
    conversation->facts = facts;
    conversation->now_us = time_us;
    (void)conversation_start(conversation, dissector, NULL);
    return conversation;
}

static bool on_datagram(void *argument, enum side from, struct bytes bytes, int64_t time_us)
{
    struct conversation *conversation = argument;

    conversation->now_us = time_us;
    if (conversation->phase != PHASE_DISSECTING)
        return false;
    return conversation->dissector->on_datagram(conversation, conversation->state, from, cursor_over(bytes));
}

const struct stream_reader conversation_reader = {
    .begin = on_begin,
    .finish = on_finish,
    .tick = on_tick,
    .open = on_open,
    .claim = on_claim,
    .data = on_data,
    .gap = on_gap,
    .end = on_end,
    .refresh = on_refresh,
    .close = on_close,
    .open_datagrams = on_open_datagrams,
    .datagram = on_datagram,
};

/* ---- tables ---- */

#define TABLES_LIMIT 64

const struct record_table *const *conversation_tables(size_t *count)
{
    static const struct record_table *tables[TABLES_LIMIT];
    size_t table_count = 0;

    for (const struct dissector *const *dissector = dissectors; *dissector != NULL; dissector++) {
        /* a second dissector may write the same table: it is listed once */
        for (const struct record_table *const *table = (*dissector)->tables; table != NULL && *table != NULL; table++) {
            bool is_new = true;

            for (size_t i = 0; i < table_count; i++)
                is_new = is_new && tables[i] != *table;
            if (is_new && table_count < TABLES_LIMIT)
                tables[table_count++] = *table;
        }
    }
    *count = table_count;
    return tables;
}

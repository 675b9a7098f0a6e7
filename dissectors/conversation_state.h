/*
 * conversation_state.h - what conversation.c keeps of a flow; shared with conversation_offers.c, where what dissectors call is.
 */
#ifndef WIRESCRIBE_DISSECTORS_CONVERSATION_STATE_H
#define WIRESCRIBE_DISSECTORS_CONVERSATION_STATE_H

#include "dissectors/conversation.h"
#include "dissectors/dissector.h"
#include "dissectors/kept.h"
#include "dissectors/known_certificates.h"
#include "dissectors/login_failures.h"
#include "dissectors/rdp_peers.h"

enum phase {
    PHASE_IDENTIFYING,
    PHASE_UNCLAIMED,
    PHASE_DISSECTING,
    PHASE_IGNORING,
};

/* One delivery that waits for identification. */
struct piece {
    enum side from;
    bool is_gap;
    bool is_end;
    enum ending ending;
    uint64_t count; /* bytes; the bytes of a side lie in its `kept`, in order */
    int64_t time_us;
};

struct side_state {
    struct kept kept;
    bool has_start;       /* for identification: the first kept byte is the stream's first */
    bool waits_for_other; /* VERDICT_NEED_OTHER_SIDE */
    bool has_ended;
    uint64_t missing;
};

struct conversation {
    const struct worker_services *services;
    struct flow_facts *facts;
    struct flow_facts *own_facts; /* turned inside a tunnel: `facts` with the two ends exchanged; owned, else NULL */
    struct conversation *outer; /* whose dissector opened this one; NULL: it is the flow's own */
    unsigned depth;                   /* how many conversations it lies in */
    bool is_decrypted;
    unsigned tunnel;   /* which of the flow's tunnels it lies in, 1..: the flow's ports tell nothing of it; 0: none */
    unsigned tunnels;  /* of the flow's own conversation: how many were met so far */
    bool is_turned;    /* the client here is the server of the conversation around it */
    bool knows_sides;  /* identification: what was said fits one orientation alone */
    bool may_turn;     /* in a tunnel: which side is the client shows in what they say */
    const char *protocol; /* the innermost that was read here; NULL: none */
    const char *first_protocol; /* the outermost */
    enum phase phase;
    int64_t now_us;
    struct side_state side[SIDE_COUNT];

    const struct dissector *dissector; /* DISSECTING */
    void *state;                       /* owned; dissector->state_size bytes */
    const struct dissector *next;      /* set by conversation_hand_over until it is carried out */
    void *to_next;
    unsigned hand_overs;
    unsigned findings;
    unsigned numbers[NUMBER_KINDS]; /* given out so far; of the outermost one */
    const char *told_once[ONCE_NAMES]; /* borrowed; NULL behind the last one */

    struct piece *pieces; /* IDENTIFYING, UNCLAIMED; owned, IDENTIFY_PIECES long, made with the first piece */
    unsigned piece_count;

    struct conversation *next_waiting; /* in the worker's list, where it waits */
    struct conversation *previous_waiting;
    bool is_waiting;
    uint64_t woken; /* the last tick of its worker that woke it */
};

/* What a worker remembers beyond a flow. */
struct worker_memory {
    struct login_failures *login_failures;
    struct rdp_peers *rdp_peers;
    struct known_certificates *known_certificates;
    size_t held_bytes; /* that wait for keys */
    struct conversation *first_waiting; /* conversations that wait; the last one woken is the last */
    struct conversation *last_waiting;
    uint64_t ticks;
};

/* The tunnel's protocol has the other side for its client than the flow has. Before the first byte was taken by a dissector. */
void conversation_turn_inside(struct conversation *conversation);

/* No more will be told that could help: who is still undecided about its sides decides by what it has. */
void conversation_settle(struct conversation *conversation);

/* Calls `wake` of every conversation that waits, once. */
void conversation_wake_all(struct worker_memory *memory);

/* Opens the dissector; `from_before` is its from then on. False when out of memory. */
bool conversation_start(struct conversation *conversation, const struct dissector *dissector, void *from_before);

#endif

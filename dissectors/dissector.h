/*
 * dissector.h - what a dissector is, and what the conversation that runs it offers.
 *
 * A dissector sees two sides, each an ordered stream of bytes with gaps and an
 * end. It never sees packets. The frame (conversation.c) identifies the protocol,
 * keeps what a dissector leaves unread, and calls again when there is more.
 */
#ifndef WIRESCRIBE_DISSECTORS_DISSECTOR_H
#define WIRESCRIBE_DISSECTORS_DISSECTOR_H

#include "base/cursor.h"
#include "base/flow.h"
#include "base/record.h"

struct conversation;
struct known_certificates;
struct login_failures;
struct rdp_peers;

/* What a dissector says after each call of on_data. */
enum verdict {
    VERDICT_GO_ON,     /* all is read that can be read now; what the cursor has not taken is kept for the next call */
    VERDICT_NEED_MORE, /* the same, said where a unit is incomplete */
    /*
     * Nothing of this side can be read before the other side has spoken: the rest is kept, and on_data is called
     * again for this side as soon as the other side's bytes were read, or the other side ended or lost bytes.
     */
    VERDICT_NEED_OTHER_SIDE,
    /*
     * conversation_hand_over was called: both sides' unread bytes, this cursor's rest included, go to the new dissector.
     * This one's close is called first (it writes its rows there).
     */
    VERDICT_HANDED_OVER,
    /* These bytes are not what was thought, or cannot be followed any further. No more calls but close. */
    VERDICT_NOT_THIS_PROTOCOL,
};

/* What a dissector says of the first bytes of a flow. */
enum match {
    MATCH_NO,    /* these bytes cannot be this protocol */
    MATCH_MAYBE, /* too few bytes to say: wait */
    MATCH_PORT,  /* the bytes fit, as they would fit another protocol: true if the port agrees, else wait for more */
    MATCH_YES,   /* the bytes say so, on any port */
};

/*
 * The first bytes of a flow. Where the client was guessed, the frame asks in both
 * orientations and turns the flow around if only the other one fits.
 */
struct first_bytes {
    struct bytes side[SIDE_COUNT];     /* what each side said so far; at most IDENTIFY_LIMIT bytes */
    bool has_start[SIDE_COUNT];        /* the bytes begin where the side's stream begins */
    bool port_agrees;                  /* the server's port is one of the dissector's ports */
    bool sides_are_open;               /* who is the client is to be told from the bytes: answer MATCH_MAYBE as long as more of them may tell it */
};
#define IDENTIFY_LIMIT 2048
/* Of a flow that may still be announced (see conversation_announces), so much of each side is kept when nobody wants it. */
#define EARLY_LIMIT (256 * 1024)

struct dissector {
    const char *name; /* the protocol's name in flows.protocol: "smtp" */
    /* Every table that it writes, NULL-terminated. */
    const struct record_table *const *tables;
    /* Server ports that settle a tie, 0-terminated. */
    const uint16_t *ports;
    /* Bytes of state; zeroed before open. */
    size_t state_size;
    /*
     * The longest unit that it may wait for (bytes kept unread for one side). When that is full and the
     * dissector still takes nothing, the kept bytes are given up: on_gap is called with their count.
     */
    size_t unit_limit;

    /* NULL: only opened by expectation or hand-over. Keeps no state. */
    enum match (*match)(const struct first_bytes *first);

    /*
     * The dissector begins. `from_before` is what the dissector that handed over passed to
     * conversation_hand_over, or the expectation's `shared`; NULL otherwise. It belongs to this dissector from now on.
     */
    void (*open)(struct conversation *conversation, void *state, void *from_before);

    /*
     * Bytes of one side: what was left unread and what is new. Taking from the cursor consumes; a unit is
     * taken whole or not at all (try on a copy). Called only when there is at least one byte that it has not seen.
     */
    enum verdict (*on_data)(struct conversation *conversation, void *state, enum side from, struct cursor *bytes);

    /*
     * `count` bytes of this side are missing (never captured, or given up for unit_limit). What was kept
     * unread before the gap is discarded; the dissector finds its feet again or answers VERDICT_NOT_THIS_PROTOCOL.
     */
    enum verdict (*on_gap)(struct conversation *conversation, void *state, enum side from, uint64_t count);

    /*
     * Opened by an announcement that came late: `count` bytes of this side went by before it and were not kept. They are
     * not missing in the capture. Before any other call but open. May be NULL.
     */
    void (*on_passed)(struct conversation *conversation, void *state, enum side from, uint64_t count);

    /* This side ended. `unread` is what was kept and can now never be completed. May be NULL. */
    void (*on_end)(struct conversation *conversation, void *state, enum side from, enum ending ending, struct bytes unread);

    /*
     * Live: the session goes on. Writes its row as far as it is known; close writes it again, and the newer one stays (its
     * table has a `key`). Ends nothing, and counts nothing as over. May be NULL.
     */
    void (*refresh)(struct conversation *conversation, void *state);

    /* It waits (conversation_wait), and time goes on: what it waits for may have come. May be NULL. */
    void (*wake)(struct conversation *conversation, void *state);

    /*
     * Read inside TLS, and text follows behind it on the same flow: takes the session out, as a struct tls_outer that is the caller's from then
     * on; close comes next, and writes nothing of it. NULL, from it or in its place: the session ends here.
     */
    void *(*leave)(struct conversation *conversation, void *state);

    /* Always the last call: write the rows that are not written yet, free what the state owns. */
    void (*close)(struct conversation *conversation, void *state);

    /*
     * Of a dissector of datagrams, whose `match`, on_data, on_gap and on_end are NULL. Whether the first datagram of a UDP
     * flow is of this protocol; asked of every UDP flow, so it looks at few bytes. *is_turned is set where it shows that
     * who sent it is the server.
     */
    bool (*match_datagram)(const struct flow_facts *flow, enum side from, struct bytes first, bool *is_turned);
    /* The next datagram, as far as it was captured, beginning with the first. False: no more are wanted. At most DATAGRAMS_SHOWN. */
    bool (*on_datagram)(struct conversation *conversation, void *state, enum side from, struct cursor datagram);
};

/*
 * Every dissector, NULL-terminated, in registry.c. Where two say MATCH_YES, the
 * one whose port agrees wins, else the first.
 */
extern const struct dissector *const dissectors[];

/* ---- what a conversation offers; all calls only from within a dissector's functions ---- */

/* The flow's facts. Valid until close returns. */
const struct flow_facts *conversation_flow(const struct conversation *conversation);

/* Capture time of the packet that made the present call possible; microseconds since the epoch. */
int64_t conversation_now(const struct conversation *conversation);

/* Goes back to that time, for bytes that came then and are read only now; and returns to the present. */
void conversation_set_now(struct conversation *conversation, int64_t time_us);

/* This conversation waits for something else than packets, or no more: while it does, its dissector's `wake` is called now and then. */
void conversation_wait(struct conversation *conversation, bool waits);

/* Adds to the bytes that wait for keys on this worker, in all its conversations; the answer is their sum. */
size_t conversation_count_held(const struct conversation *conversation, ptrdiff_t bytes);

/* Whether these bytes were read from inside TLS with keys (a session's `encrypted`). */
bool conversation_is_decrypted(const struct conversation *conversation);

/* Whether this side's stream was seen from its first byte, or (after a hand-over) from the hand-over on. */
bool conversation_has_start(const struct conversation *conversation, enum side from);

/* Bytes of this side that are missing so far (gaps told by on_gap). */
uint64_t conversation_missing(const struct conversation *conversation, enum side from);

/*
 * Whether the count that on_gap was called with is that of this conversation's own bytes. It is not where nobody knows it (MISSING_UNKNOWN), nor
 * inside TLS: lost records are counted with their protection. Then no unit's end is known any more, and no size.
 */
bool conversation_knows_count(const struct conversation *conversation, uint64_t count);

/* What is to be recorded beyond what every run records. */
const struct recording_options *conversation_recording(const struct conversation *conversation);

/* What login_failures.h counts on this worker; NULL where nothing is counted. */
struct login_failures *conversation_login_failures(const struct conversation *conversation);

/* What known_certificates.h keeps on this worker; NULL where nothing is kept. */
struct known_certificates *conversation_known_certificates(const struct conversation *conversation);

/* What rdp_peers.h remembers on this worker; NULL where nothing is remembered. */
struct rdp_peers *conversation_rdp_peers(const struct conversation *conversation);

/* This flow of datagrams belongs to another one. */
void conversation_set_parent(struct conversation *conversation, int64_t flow_id);

/*
 * Within on_data of one side: what the other side left unread is offered once more, as if it had waited for this one. False: it left nothing. With
 * VERDICT_NEED_OTHER_SIDE the other side's bytes come first, then the rest of this one's.
 */
bool conversation_wake_other(struct conversation *conversation, enum side other);

/* Writes one row; see struct worker_services. */
void conversation_write(struct conversation *conversation, const struct record_table *table, const void *record);

/* The next mail_id or file_id. */
int64_t conversation_next_id(struct conversation *conversation, enum id_kind kind);

/* What is counted from 1 over a whole flow, all conversations inside of it included. */
enum number_kind {
    NUMBER_HTTP_REQUEST,
    NUMBER_WEBSOCKET,
    NUMBER_KINDS,
};

/* The next number of that kind on this flow. */
unsigned conversation_next_number(struct conversation *conversation, enum number_kind kind);

/* Writes a finding about this flow, at the present time. `detail` is printf-like; at most FINDINGS_LIMIT a conversation. */
void conversation_finding(struct conversation *conversation, const char *severity, const char *name, const char *detail, ...)
    __attribute__((format(printf, 4, 5)));
#define FINDINGS_LIMIT 64

/* The same, unless this conversation has written one of that name by this function. For names that are told once a flow; ONCE_NAMES of them at most. */
void conversation_finding_once(struct conversation *conversation, const char *severity, const char *name, const char *detail, ...)
    __attribute__((format(printf, 4, 5)));
#define ONCE_NAMES 16

/*
 * Announces a data connection that `dissector` will read; `shared` is handed to its open, or to `release` (may be NULL)
 * if it never comes. `opener`: only who connects from there is meant; NULL: whoever does. A flow that stands there before
 * its announcement counts too. False when too many are announced: `shared` stays the caller's.
 */
bool conversation_expect(struct conversation *conversation, const struct address *server, uint16_t server_port, const struct address *opener,
                         const struct dissector *dissector, void *shared, void (*release)(void *shared));

/* The same, where only is known who will open it from which port, and who will listen. */
bool conversation_expect_from(struct conversation *conversation, const struct address *origin, uint16_t origin_port, const struct address *listener,
                              const struct dissector *dissector, void *shared, void (*release)(void *shared));

/*
 * This session announces data connections from now on (or no more): flows between its hosts that stand before their
 * announcement are kept, as far as EARLY_LIMIT goes. False where too many sessions do so; then it ends unsaid.
 */
bool conversation_announces(struct conversation *conversation, bool begins);

/* Takes back what was announced with `shared` for that endpoint and has not come; it is released. */
void conversation_forget_expected(struct conversation *conversation, const struct address *server, uint16_t server_port, const void *shared);

/*
 * From now on `dissector` reads this flow. Call it, then return VERDICT_HANDED_OVER. Both sides' unread bytes go to
 * it, the other side's first if it waited. `to_next` becomes its `from_before`. At most HAND_OVER_LIMIT times a flow: then
 * the answer is false, `to_next` stays the caller's, and VERDICT_HANDED_OVER ends the reading of the flow.
 */
bool conversation_hand_over(struct conversation *conversation, const struct dissector *dissector, void *to_next);
#define HAND_OVER_LIMIT 16

/*
 * A conversation inside this one: what a dissector takes out of its own bytes (TLS's plaintext, a tunnel's payload) is read by
 * another dissector, on the same flow and with the same sides. `dissector` NULL: by what the first bytes say; else it is opened at once, and
 * `from_before` is its from then on. `has_start`: this side is told from its first byte on. `is_decrypted`: its rows say `encrypted`. The
 * one who begins it closes it, before its own close returns. NULL: out of memory, or INSIDE_LIMIT deep; `from_before` stays the caller's.
 */
struct conversation *conversation_begin_inside(struct conversation *outer, bool is_decrypted, const bool has_start[SIDE_COUNT], const struct dissector *dissector,
                                               void *from_before);
#define INSIDE_LIMIT 4

/*
 * The next bytes of one side, or that bytes of it are missing. False: nobody wants more (close still has to come). MISSING_UNKNOWN: nobody knows how
 * many, which are not added to conversation_missing; on_gap is called with it, as with a count that no unit has room for.
 */
#define MISSING_UNKNOWN ((uint64_t)1 << 56)
bool conversation_say_inside(struct conversation *inside, enum side from, struct bytes bytes);
bool conversation_miss_inside(struct conversation *inside, enum side from, uint64_t count);
void conversation_end_inside(struct conversation *inside, enum side from, enum ending ending);
void conversation_refresh_inside(struct conversation *inside);
void conversation_close_inside(struct conversation *inside);

/* The same, and answers what its dissector's `leave` takes out of it; NULL: nothing. */
void *conversation_leave_inside(struct conversation *inside);

/* The name of the dissector that read it last; NULL where nobody knew it. */
const char *conversation_protocol_inside(const struct conversation *inside);

/* The name of the dissector that read it first: what handed over to TLS, say. */
const char *conversation_first_protocol_inside(const struct conversation *inside);

/*
 * The same for what a tunnel carries: it is read by what its first bytes say, whatever the flow's ports are, and who is its client is told from
 * those bytes, too: its sides may be the other way round than those of `outer`. The calls above name the sides as `outer` has them.
 */
struct conversation *conversation_begin_tunnel(struct conversation *outer, const bool has_start[SIDE_COUNT]);

/* No more will be said in the tunnel: it is identified by what there is, or never. Before the last conversation_protocol_inside. */
void conversation_settle_inside(struct conversation *inside);

/* Which side, as `outer` has them, is the client of the conversation in a tunnel. False: its first bytes do not tell. */
bool conversation_client_inside(const struct conversation *inside, enum side *client);

/* Whether this conversation lies in a tunnel, at any depth: then the flow's ports and its server's address are the tunnel's, not its own. */
bool conversation_is_tunnelled(const struct conversation *conversation);

/* Which of the flow's tunnels it lies in, 1.. in the order in which they were met; 0: none. For the column `tunnel` of its session's row. */
int64_t conversation_tunnel(const struct conversation *conversation);

#endif

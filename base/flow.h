/*
 * flow.h - what the stages know of a flow in common, and the small structs of
 * functions by which one stage hands its output to the next. main.c fills them in.
 */
#ifndef WIRESCRIBE_BASE_FLOW_H
#define WIRESCRIBE_BASE_FLOW_H

#include "base/address.h"
#include "base/record.h"

/* The two sides of a conversation. The client opened it. */
enum side {
    FROM_CLIENT,
    FROM_SERVER,
};
#define SIDE_COUNT 2

static inline enum side side_other(enum side side)
{
    return side == FROM_CLIENT ? FROM_SERVER : FROM_CLIENT;
}
/* 'client' or 'server', as the columns named from_side show it. */
static inline const char *side_name(enum side side)
{
    return side == FROM_CLIENT ? "client" : "server";
}

/* How one side's stream ended. */
enum ending {
    ENDING_FIN,     /* closed in order */
    ENDING_RESET,   /* RST, from either side */
    ENDING_TIMEOUT, /* nothing more was seen for longer than the flow's timeout */
    ENDING_CAPTURE, /* the capture ended first */
};

/*
 * The facts of a flow that a dissector may read. Owned by the streams stage, valid
 * until the reader's `close` returns. A reader sets `protocol`, clears `client_is_guessed` once the protocol shows who
 * is who, sets the parent of a flow of datagrams, and changes nothing else.
 */
struct flow_facts {
    int64_t flow_id;
    int64_t capture_id;     /* where its first packet stands */
    int64_t parent_flow_id; /* 0: none */
    int64_t start_us;       /* first packet; microseconds since the epoch */
    int64_t last_us;        /* newest packet so far */
    struct address client;
    struct address server;
    uint16_t client_port;
    uint16_t server_port;
    bool client_is_guessed;           /* no SYN told who opened it */
    bool has_start[SIDE_COUNT];       /* this side's stream is seen from its first byte on */
    const char *protocol;             /* innermost protocol that a dissector read; NULL: none */
};

/* Which row ids are counted apart. */
enum id_kind {
    ID_FLOW,
    ID_MAIL,
    ID_FILE,
    ID_KINDS,
};

/*
 * A data connection that a control connection announced: when a TCP flow to
 * server:server_port opens, its conversation is given to the announced reader.
 */
struct expectation {
    struct address server;   /* who will listen */
    uint16_t server_port;
    struct address opener;   /* who will open it; version 0: anybody */
    bool by_origin;          /* where it will listen is not known: `server`:`server_port` opens it, and `opener` listens */
    int64_t parent_flow_id;  /* becomes the flow's parent */
    int64_t made_us;         /* it expires EXPECTATION_SECONDS after this, by capture time */
    const void *dissector;   /* the reader's own: what will read the flow */
    void *shared;            /* the reader's own; goes to the new conversation, or to `release` */
    void (*release)(void *shared); /* called once if the expectation expires or is dropped; may be NULL */
};
#define EXPECTATION_SECONDS 120
/*
 * A flow may stand in the capture before its announcement: it answers too if it was opened at most so long before, and
 * what it has said so far is still there.
 */
#define EXPECTATION_EARLY_SECONDS 120

struct vault;
struct rdp_private_keys;
struct tls_secrets;
struct tls_rsa_keys;

/* What is to be recorded beyond what every run records. Constant while the stages run; owned by whoever starts them. */
struct recording_options {
    bool passwords;      /* also passwords, where a protocol shows them */
    bool keystrokes;     /* also what was typed, where a protocol shows it */
    bool omits_text;     /* not the texts of messages (WebSocket) */
    size_t text_limit;   /* bytes of each that are kept; 0: as many as the protocol keeps otherwise */
    struct vault *vault; /* where the contents of files are stored; NULL: they are not */
    const struct rdp_private_keys *rdp_keys; /* private keys of RDP servers; NULL: none (dissectors/rdp_private_keys.h) */
    struct tls_secrets *tls_secrets; /* what opens TLS, and may grow: it has a lock of its own; NULL: nothing does (dissectors/tls_secrets.h) */
    const struct tls_rsa_keys *tls_rsa_keys; /* private keys of TLS servers; NULL: none (dissectors/tls_rsa_keys.h) */
};

/*
 * What a worker offers to the conversations of its flows. All calls are made on
 * the worker's own thread.
 */
struct worker_services {
    void *worker;
    void *reader_memory; /* what the reader's `begin` gave; NULL where there is none */
    const struct recording_options *recording; /* NULL: nothing beyond what every run records */
    /* Writes one row. `record` is the struct that `table` describes; it and its texts are copied. */
    void (*write)(void *worker, const struct record_table *table, const void *record);
    /* The next id of that kind: unique in the database, from 1. */
    int64_t (*next_id)(void *worker, enum id_kind kind);
    /*
     * Announces a data connection; `made_us` is set to the worker's own clock. A flow that stands open there already and
     * that nobody reads is given to the reader at once. False, with `shared` still the caller's, when too many are open.
     */
    bool (*expect)(void *worker, const struct expectation *expectation);
    /*
     * A session that announces further connections begins (or ends) on this flow: flows between its two hosts that
     * nobody reads are kept for a while, so that they can be claimed. False where too many are open; then it ends unsaid.
     */
    bool (*announces)(void *worker, const struct flow_facts *facts, bool begins);
    /* Whether this flow may still be announced. */
    bool (*may_be_announced)(void *worker, const struct flow_facts *facts);
    /* Releases the announcements of `shared` for that endpoint that nothing has answered. */
    void (*forget)(void *worker, const struct address *server, uint16_t server_port, const void *shared);
    /*
     * The client was guessed wrong: exchanges the two sides of a flow whose client_is_guessed.
     * Only before the first byte was taken by a dissector; what the reader keeps for each side is its own to exchange.
     */
    void (*turn_around)(void *worker, struct flow_facts *facts);
};

/*
 * What the streams stage calls with the ordered bytes of each TCP flow, and the first datagrams of each UDP flow (the
 * conversations; see dissectors/conversation.h). `time_us` is the capture time of the
 * packet that made the call possible. Bytes are borrowed for the length of the call.
 */
struct stream_reader {
    /* A worker begins: what the reader remembers on it beyond a flow; bounded by the reader. May be NULL, and answer NULL. */
    void *(*begin)(void);
    /* The worker is over, and all its flows are. NULL where `begin` is. */
    void (*finish)(void *memory);
    /* Time goes on: what waits for something else than packets may look for it. NULL where `begin` is. */
    void (*tick)(void *memory);
    /*
     * A flow opened; `expected` is the announcement that it answers, or NULL. The answer is handed back to the calls
     * below; NULL: nobody wants this flow's bytes.
     */
    void *(*open)(const struct worker_services *services, struct flow_facts *facts, const struct expectation *expected);
    /*
     * A flow that was opened without an announcement turns out to be the announced one. `conversation` is what open
     * answered, `passed` how many bytes of each side it was told. False where its bytes were read otherwise by now: then
     * the announcement stays the caller's.
     */
    bool (*claim)(void *conversation, const struct expectation *expected, const uint64_t passed[SIDE_COUNT], int64_t time_us);
    /* The next bytes of one side. False: nobody wants more of this flow (close still comes). */
    bool (*data)(void *conversation, enum side from, struct bytes bytes, int64_t time_us);
    /* `count` bytes of one side are missing for good: they were never captured. */
    bool (*gap)(void *conversation, enum side from, uint64_t count, int64_t time_us);
    /* One side will send no more. At most once a side, and before close. */
    void (*end)(void *conversation, enum side from, enum ending ending, int64_t time_us);
    /* Live: the flow goes on; the reader writes its session's row as far as it is known. May be NULL. */
    void (*refresh)(void *conversation, int64_t time_us);
    /* The flow is over: the reader writes what it has not yet written and frees everything. */
    void (*close)(void *conversation, int64_t time_us);

    /*
     * A UDP flow's first datagram that has bytes: who wants to read the flow answers with what the calls below and
     * refresh and close get back. NULL: nobody does, and there are no more calls. It is asked of every UDP flow, and must be
     * quick. Bytes are as captured: the end of a datagram may be missing.
     */
    void *(*open_datagrams)(const struct worker_services *services, struct flow_facts *facts, enum side from, struct bytes first, int64_t time_us);
    /* The next datagram, beginning with the first, DATAGRAMS_SHOWN of them at most. False: no more are wanted. */
    bool (*datagram)(void *conversation, enum side from, struct bytes bytes, int64_t time_us);
};
#define DATAGRAMS_SHOWN 64

#endif

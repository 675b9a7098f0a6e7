/*
 * ssh_auth.h - how somebody logged in over SSH, inferred from the lengths, the order and the timing of what both sides send
 * between NEWKEYS and USERAUTH_SUCCESS (or the end).
 *
 * ssh_auth.c gathers the units and knows USERAUTH_SUCCESS when it comes; ssh_auth_rules.c reads what was gathered, once
 * it is over; ssh_auth_rows.c says it. What a gap touched is not read.
 */
#ifndef WIRESCRIBE_DISSECTORS_SSH_AUTH_H
#define WIRESCRIBE_DISSECTORS_SSH_AUTH_H

#include "base/text.h"
#include "dissectors/dissector.h"
#include "dissectors/ssh_auth_sizes.h"
#include "dissectors/ssh_shape.h"

struct ssh;
struct ssh_session;

/* Units of one authentication that are kept; OpenSSH's six tries take about 40. More, and it is not read. */
#define SSH_AUTH_UNITS 1024
/* A person needs longer than this to type a password or an answer, and a program less than that. */
#define SSH_TYPED_LEAST_US ((int64_t)1000000)
#define SSH_SCRIPTED_MOST_US ((int64_t)700000)

enum ssh_auth_state {
    SSH_AUTH_OPEN,      /* it goes on */
    SSH_AUTH_SUCCEEDED, /* USERAUTH_SUCCESS was seen */
    SSH_AUTH_ENDED,     /* both sides ended, or one was reset, without it */
    SSH_AUTH_CUT,       /* the capture ended first, or nothing more came */
};

enum ssh_auth_method {
    SSH_METHOD_UNKNOWN,
    SSH_METHOD_NONE,
    SSH_METHOD_PASSWORD,
    SSH_METHOD_KEYBOARD,
    SSH_METHOD_PUBLICKEY,
};

enum ssh_auth_outcome {
    SSH_TRY_UNANSWERED,
    SSH_TRY_REFUSED,
    SSH_TRY_PARTIAL,        /* accepted, and more is asked for */
    SSH_TRY_OFFER_ACCEPTED, /* the key would do (PK_OK); a signed request follows, or does not */
    SSH_TRY_ACCEPTED,
};

/* One USERAUTH_REQUEST, with the dialogue that belongs to it. */
struct ssh_try {
    int64_t time_us;
    int64_t answered_us;
    int64_t waited_us; /* from what the server said last to the request, or to the first answer of a dialogue */
    enum ssh_auth_method method;
    enum ssh_auth_outcome outcome;
    bool is_signed;  /* of a key: with its signature */
    bool may_be_key; /* method unknown: a password, or a key that is offered */
    uint32_t wire_length;
    const char *key;   /* its kind; NULL: not known */
    const char *basis; /* the rule */
};

struct ssh_auth {
    enum ssh_auth_state state;
    struct ssh_unit *units; /* owned */
    uint32_t count;
    uint32_t capacity;
    bool has_begun[SIDE_COUNT];
    bool has_gap[SIDE_COUNT]; /* bytes of it are missing since its NEWKEYS, or its packets cannot be told */
    bool is_unreadable;       /* ciphers that are not known, or compressed from the start */
    bool is_too_long;
    bool has_request;  /* the client sent something that can be a USERAUTH_REQUEST */
    uint32_t requests; /* units that can be one */
    bool has_ended[SIDE_COUNT];
    unsigned ignored; /* of AsyncSSH: packets of the server that may be IGNORE, in a row */
    int64_t newkeys_us[SIDE_COUNT];
    int64_t success_us;
    int64_t end_us;

    /* What was read, once it is over. */
    bool is_told;
    bool is_read;
    bool is_certain;       /* every request was told apart from what does not count */
    struct ssh_try *tries; /* owned */
    uint32_t try_count;
    int64_t banner_us;   /* 0: none was seen */
    struct text methods; /* tried, in their order */
};

/* ---- ssh_auth.c ---- */

/* The encrypted bytes of one side begin, with that layout; `after_gap` where bytes are missing before them. */
void ssh_auth_begin(struct ssh_auth *auth, enum side from, const struct ssh_layout *layout, bool after_gap, int64_t time_us);

/* What a unit says of the login. */
enum ssh_auth_news {
    SSH_NEWS_NONE,
    SSH_NEWS_SUCCESS,        /* it is the USERAUTH_SUCCESS; what follows belongs to the connection */
    SSH_NEWS_SUCCESS_BEFORE, /* the USERAUTH_SUCCESS was in the unit before: this one belongs to the connection already */
};

/* The next unit of either side. */
enum ssh_auth_news ssh_auth_unit(struct ssh_auth *auth, bool server_sends_ignore, const struct ssh_unit *unit);

/* Bytes of one side are missing that are not inside a packet of known length. */
void ssh_auth_gap(struct ssh_auth *auth, enum side from);

/* One side ended. */
void ssh_auth_end(struct ssh_auth *auth, enum side from, enum ending ending, int64_t time_us);

/* No more comes. */
void ssh_auth_finish(struct ssh_auth *auth);

void ssh_auth_free(struct ssh_auth *auth);

/* ---- ssh_auth_rules.c ---- */

/* Reads the tries of what is over. Once. */
void ssh_auth_read(const struct ssh *ssh, struct ssh_auth *auth);

/* ---- ssh_auth_rows.c ---- */

/* 'none', 'password', ...; NULL where it is not known. */
const char *ssh_method_name(enum ssh_auth_method method);

/* It is over: reads it, writes its events and findings. */
void ssh_auth_tell(struct conversation *conversation, struct ssh *ssh);

/* Sets the columns of the login as far as they are known; the rules that they rest on are added to `basis`, separated by "; ". */
void ssh_auth_fill(const struct ssh_auth *auth, struct ssh_session *row, struct text *basis);

#endif

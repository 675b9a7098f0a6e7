/*
 * dialogue.h - plays a written dialogue to the conversation and its dissectors, and keeps the rows they write.
 */
#ifndef WIRESCRIBE_TESTS_UNIT_DIALOGUE_H
#define WIRESCRIBE_TESTS_UNIT_DIALOGUE_H

#include "base/flow.h"

/* One step: bytes that a side says, or bytes of it that are missing, or its end. */
struct step {
    enum side from;
    struct bytes says;
    uint64_t misses; /* > 0: a gap instead */
    bool ends;       /* a FIN instead */
};

#define SAYS_BYTES(SIDE, BYTES, LENGTH) \
    (struct step) \
    { \
        .from = (SIDE), .says = bytes_of((BYTES), (LENGTH)) \
    }
/* A string literal, NUL bytes in it included. */
#define CLIENT(LITERAL) SAYS_BYTES(FROM_CLIENT, LITERAL, sizeof(LITERAL) - 1)
#define SERVER(LITERAL) SAYS_BYTES(FROM_SERVER, LITERAL, sizeof(LITERAL) - 1)
#define MISSES(SIDE, COUNT) \
    (struct step) \
    { \
        .from = (SIDE), .misses = (COUNT) \
    }

/* How the flow looked from outside. */
struct dialogue {
    uint16_t server_port;
    bool lacks_start[SIDE_COUNT]; /* begun in the middle, or never seen */
    const struct step *steps;
    size_t count;
    struct recording_options recording;
    unsigned connections; /* played so often by one worker, one connection after the other; 0: once */
    int64_t apart_us;     /* what lies between the starts of two connections */
    bool clients_differ;  /* each connection comes from another address */
    bool is_datagrams;    /* each step is a datagram of a UDP flow */
};

/*
 * Plays the dialogue step by step, then with every step split to single bytes (each copied so that a read past
 * its end is seen by the sanitizers), and checks that both give the same rows. The rows of the first are kept
 * until the next call. The step's place is its time in microseconds, from 1.
 */
void dialogue_play(const struct dialogue *dialogue);
#define PLAY(PORT, STEPS) dialogue_play(&(struct dialogue){.server_port = (PORT), .steps = (STEPS), .count = sizeof(STEPS) / sizeof((STEPS)[0])})

/* How many rows of that table were written. */
size_t dialogue_rows(const char *table);

/* A column of a table's row (from 0) as text: "" where it is NULL, "(no row)", "(no column)"; LF and TAB in it are shown as \n and \t. Valid until the next 8 calls. */
const char *dialogue_value(const char *table, size_t row, const char *column);

/* flows.protocol at the end; "" where none. */
const char *dialogue_protocol(void);

#endif

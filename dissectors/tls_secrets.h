/*
 * tls_secrets.h - the secrets that a TLS endpoint wrote down, in NSS's key log format (draft-ietf-tls-keylogfile, and what
 * NSS and Wireshark understand besides), found again by the session that they open.
 */
#ifndef WIRESCRIBE_DISSECTORS_TLS_SECRETS_H
#define WIRESCRIBE_DISSECTORS_TLS_SECRETS_H

#include "base/bytes.h"

#define TLS_RANDOM_BYTES 32
#define TLS_ENCRYPTED_BYTES 8        /* of an encrypted premaster secret, by which it is found */
#define TLS_SECRET_BYTES 64           /* of the longest secret that a line may hold */
#define TLS_SECRETS_LIMIT (2 << 20)   /* secrets that are kept; more are told by the answer of tls_secrets_add */
#define TLS_SECRETS_EMBEDDED (1 << 17) /* as many there may be when one is added that a capture holds: a stranger may have made it */
#define TLS_SECRETS_LINE_LIMIT 1024   /* of one line */

/* What a secret opens. Each but the two last is found by the client's random. */
enum tls_secret_label {
    TLS_SECRET_MASTER,           /* CLIENT_RANDOM: the master secret of TLS 1.2 and earlier */
    TLS_SECRET_PREMASTER,        /* PMS_CLIENT_RANDOM: the premaster secret */
    TLS_SECRET_CLIENT_EARLY,     /* CLIENT_EARLY_TRAFFIC_SECRET: 0-RTT data of TLS 1.3 */
    TLS_SECRET_CLIENT_HANDSHAKE, /* CLIENT_HANDSHAKE_TRAFFIC_SECRET */
    TLS_SECRET_SERVER_HANDSHAKE, /* SERVER_HANDSHAKE_TRAFFIC_SECRET */
    TLS_SECRET_CLIENT_TRAFFIC,   /* CLIENT_TRAFFIC_SECRET_0 */
    TLS_SECRET_SERVER_TRAFFIC,   /* SERVER_TRAFFIC_SECRET_0 */
    TLS_SECRET_OF_SESSION_ID,    /* RSA Session-ID:... Master-Key:...; by the session id of the server's hello */
    TLS_SECRET_OF_ENCRYPTED,     /* RSA: the premaster secret, by the first 8 bytes of what the client encrypted */
};

struct tls_secret {
    uint8_t length;
    uint8_t bytes[TLS_SECRET_BYTES];
};

enum tls_secret_line {
    TLS_LINE_ADDED,
    TLS_LINE_KNOWN,   /* the same secret was there before */
    TLS_LINE_PASSED,  /* a comment, an empty line, or a label that opens nothing here (EXPORTER_SECRET) */
    TLS_LINE_INVALID, /* it is no line of a key log */
    TLS_LINE_REFUSED, /* TLS_SECRETS_LIMIT is reached, or memory is out */
};

/* What lines were, one after the other. */
struct tls_line_counts {
    unsigned long lines;
    unsigned long right;
    unsigned long wrong;
    unsigned long first_wrong; /* its number, from 1; 0: none */
    unsigned long refused;
};

void tls_line_count(struct tls_line_counts *counts, enum tls_secret_line line);

struct tls_secrets;

/*
 * An empty collection; NULL when out of memory. Any thread may add and find, one at a time: it has a lock. Its memory is no worker's, and
 * bounded by TLS_SECRETS_LIMIT.
 */
struct tls_secrets *tls_secrets_new(void);
void tls_secrets_free(struct tls_secrets *secrets);

/* Reads one line, with or without its line end. */
enum tls_secret_line tls_secrets_add(struct tls_secrets *secrets, struct bytes line);

/* The same of a whole text. */
void tls_secrets_add_lines(struct tls_secrets *secrets, struct bytes text, struct tls_line_counts *counts);

/* The same of lines that stand in a capture: no more than TLS_SECRETS_EMBEDDED. */
void tls_secrets_add_embedded(struct tls_secrets *secrets, struct bytes text, struct tls_line_counts *counts);

/* How many there are. */
size_t tls_secrets_count(const struct tls_secrets *secrets);

/* The user named a key log, be it empty so far. */
void tls_secrets_set_given(struct tls_secrets *secrets);

/* Whether there is a secret, or the user named a key log. False for NULL. */
bool tls_secrets_were_given(const struct tls_secrets *secrets);

/* Whether a premaster secret is among them, or may yet be: then the handshake's messages are needed, too. False for NULL. */
bool tls_secrets_have_premaster(const struct tls_secrets *secrets);

/* Whether more secrets may come while the stages run: then records wait for theirs. False for NULL. */
void tls_secrets_set_growing(struct tls_secrets *secrets, bool may_grow);
bool tls_secrets_may_grow(const struct tls_secrets *secrets);

/* Who adds new secrets when a session has none; called on any worker, by several at once. `is_last`: there will be no other chance for that session. */
struct tls_feeder {
    void (*feed)(void *context, struct tls_secrets *secrets, bool is_last);
    void *context;
};
void tls_secrets_set_feeder(struct tls_secrets *secrets, struct tls_feeder feeder); /* before the workers run */
void tls_secrets_ask(struct tls_secrets *secrets, bool is_last);

/*
 * The secret of that label for that key: a random, a session id (at most 32 bytes), or 8 encrypted bytes. False where there is none, or
 * `secrets` is NULL.
 */
bool tls_secrets_find(struct tls_secrets *secrets, enum tls_secret_label label, struct bytes key, struct tls_secret *found);

#endif

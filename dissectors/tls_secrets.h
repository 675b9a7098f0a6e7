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

struct tls_secrets;

/* An empty collection; NULL when out of memory. Belongs to one thread while lines are added, afterwards it may be read by many. */
struct tls_secrets *tls_secrets_new(void);
void tls_secrets_free(struct tls_secrets *secrets);

/* Reads one line, with or without its line end. */
enum tls_secret_line tls_secrets_add(struct tls_secrets *secrets, struct bytes line);

/* How many there are. */
size_t tls_secrets_count(const struct tls_secrets *secrets);

/*
 * The secret of that label for that key: a random, a session id (at most 32 bytes), or 8 encrypted bytes. NULL where there is none;
 * else valid until the next line is added.
 */
const struct tls_secret *tls_secrets_find(const struct tls_secrets *secrets, enum tls_secret_label label, struct bytes key);

#endif

/*
 * sasl.h - what SASL exchanges show of a login (RFC 4422): who, as whom, and from where.
 */
#ifndef WIRESCRIBE_DISSECTORS_SASL_H
#define WIRESCRIBE_DISSECTORS_SASL_H

#include "base/bytes.h"
#include "base/text.h"

#define SASL_NAME_LIMIT 256
#define SASL_PASSWORD_LIMIT 4096 /* tokens are long */

/* One exchange. Begins with sasl_begin, ends with sasl_free. */
struct sasl {
    struct text mechanism; /* in capital letters; empty where the client named none */
    struct text user;
    struct text identity; /* as whom the user wants to act, where that is somebody else */
    struct text domain;
    struct text workstation;
    struct text password; /* or a token that does as well; for whoever asked for passwords, and to recognize it in replies */
    bool shows_password;  /* what was sent holds one, for everybody to read */
    unsigned responses;
    enum {
        SASL_PROMPT_UNKNOWN,
        SASL_ASKS_FOR_USER,
        SASL_ASKS_FOR_PASSWORD,
    } prompt; /* LOGIN: by the newest challenge */
};

/* Whether the word can be a mechanism's name: capital letters, digits, '-' and '_', or a name that is well known (RFC 4422, 3.1). */
bool sasl_is_mechanism(struct bytes word);

/* The exchange begins; `sasl` is zero-initialised or was used before. */
void sasl_begin(struct sasl *sasl, struct bytes mechanism);

/* A base64 challenge of the server, and a base64 response of the client, the initial one ("=" where it is empty) included. */
void sasl_read_challenge(struct sasl *sasl, struct bytes challenge);
void sasl_read_response(struct sasl *sasl, struct bytes response);

void sasl_free(struct sasl *sasl);

/* Base64 (RFC 4648, 4) without its padding. False where it is none. `out` has room for text.length bytes. */
bool sasl_decode(struct bytes text, uint8_t *out, size_t *written);

/* NTLM's message of type 3 ([MS-NLMP] 2.2.1.3), found in `token` wherever it begins. */
void sasl_read_ntlm(struct sasl *sasl, struct bytes token);

/*
 * Texts that must not be shown: what a client sent to log in. A server's reply that repeats one is masked.
 * Zero-initialised; the newest SASL_SECRETS_MOST are kept.
 */
#define SASL_SECRETS_MOST 8
struct sasl_secrets {
    struct text secret[SASL_SECRETS_MOST];
    unsigned newest;
    bool has_any;
};
void sasl_secrets_add(struct sasl_secrets *secrets, struct bytes secret);
void sasl_secrets_mask(const struct sasl_secrets *secrets, struct text *text);
void sasl_secrets_free(struct sasl_secrets *secrets);

#endif

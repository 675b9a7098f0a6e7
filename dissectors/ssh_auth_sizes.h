/*
 * ssh_auth_sizes.h - how long the messages of SSH's authentication are (RFC 4252, 4256, 8308; OpenSSH's PROTOCOL): payload
 * bytes, message number included, as far as they follow from what the messages hold.
 */
#ifndef WIRESCRIBE_DISSECTORS_SSH_AUTH_SIZES_H
#define WIRESCRIBE_DISSECTORS_SSH_AUTH_SIZES_H

#include "base/bytes.h"

/* From `low` to `high`, both included. */
struct ssh_range {
    uint32_t low;
    uint32_t high;
};

static inline bool ssh_ranges_meet(struct ssh_range a, struct ssh_range b)
{
    return a.low <= b.high && b.low <= a.high;
}

static inline struct ssh_range ssh_range_plus(struct ssh_range a, uint32_t more)
{
    return (struct ssh_range){a.low + more, a.high + more};
}

#define SSH_SERVICE_SIZE 17       /* SERVICE_REQUEST and SERVICE_ACCEPT of "ssh-userauth" */
#define SSH_USER_LIMIT 48         /* the longest name of a user that is reckoned with */
#define SSH_REQUEST_LEAST 32      /* no USERAUTH_REQUEST is shorter: method "none" of a user of one letter */
#define SSH_NONE_SIZE 31          /* USERAUTH_REQUEST, without the user's name: "none" */
#define SSH_PASSWORD_SIZE 40      /* "password", without the password */
#define SSH_PASSWORD_LONGEST 64   /* reckoned with */
#define SSH_KEYBOARD_SIZE 55      /* "keyboard-interactive", no language, no submethods */
#define SSH_OFFER_SIZE 45         /* "publickey", without the names of algorithm and key, and unsigned */
#define SSH_INFO_REQUEST_LEAST 17 /* USERAUTH_INFO_REQUEST without any text or prompt */
#define SSH_FAILURE_LEAST 14      /* USERAUTH_FAILURE of "password" */
#define SSH_SUCCESS_MOST 11       /* USERAUTH_SUCCESS has 1 byte; no other answer has so few as this */

/* A kind of user key. */
struct ssh_key_kind {
    const char *name;      /* as ssh-keygen -t and the bits say */
    uint32_t blob;         /* the algorithm's name and the key */
    struct ssh_range sign; /* what a signature adds to the request */
};

/* USERAUTH_REQUEST of a key, unsigned: the kind that fits both, NULL where none or several do. `user`: the length of the user's name. */
bool ssh_offer_fits(struct ssh_range request, struct ssh_range user);

/* The same, signed at once. */
bool ssh_signed_fits(struct ssh_range request, struct ssh_range user);

/* The kind of key of which a USERAUTH_PK_OK has that size; NULL where none or several fit. */
const char *ssh_key_of_answer(struct ssh_range answer);

/* Whether an answer of that size can be a USERAUTH_PK_OK for a plain key, or for a certificate. */
bool ssh_answer_fits_key(struct ssh_range answer);

/* Whether a USERAUTH_FAILURE of that size can name "password" among what may go on; and whether it can be one at all. */
bool ssh_failure_may_name_password(struct ssh_range failure);
bool ssh_failure_fits(struct ssh_range failure);

#endif

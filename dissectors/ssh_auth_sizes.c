/*
 * ssh_auth_sizes.c - see ssh_auth_sizes.h
 */
#include "dissectors/ssh_auth_sizes.h"

#define PK_OK_SIZE 9          /* without the names of algorithm and key */
#define FAILURE_SIZE 6        /* without the list */
#define CERTIFICATE_LEAST 330 /* blob of the smallest certificate (Ed25519, no extensions) with its algorithm's name */
#define CERTIFICATE_MOST 4096

/*
 * RFC 4253, 6.6; RFC 5656; RFC 8332; RFC 8709; PROTOCOL.u2f. A signature adds a string that holds the algorithm's name and
 * what it signs with; OpenSSH since 8.9 adds also the server's host key (publickey-hostbound-v00@openssh.com: 30 bytes and the key).
 */
#define HOSTBOUND 680
static const struct ssh_key_kind keys[] = {
    {"ed25519", 11 + 51, {87, 87}},      {"ecdsa-256", 19 + 104, {99, 105}},  {"ecdsa-384", 19 + 136, {131, 137}},
    {"ecdsa-521", 19 + 172, {163, 171}}, {"rsa-1024", 12 + 151, {152, 152}},  {"rsa-2048", 12 + 279, {280, 280}},
    {"rsa-3072", 12 + 407, {408, 408}},  {"rsa-4096", 12 + 535, {536, 536}},  {"rsa-8192", 12 + 1047, {1048, 1048}},
    {"rsa-1024", 7 + 151, {147, 147}}, /* ssh-rsa, with SHA-1 */
    {"rsa-2048", 7 + 279, {275, 275}},   {"rsa-3072", 7 + 407, {403, 403}},   {"rsa-4096", 7 + 535, {531, 531}},
    {"dsa-1024", 7 + 433, {59, 59}},     {"ed25519-sk", 26 + 74, {107, 107}}, {"ecdsa-sk", 34 + 127, {119, 125}},
};
#define KEYS (sizeof keys / sizeof keys[0])

bool ssh_offer_fits(struct ssh_range request, struct ssh_range user)
{
    struct ssh_range certificate = {SSH_OFFER_SIZE + CERTIFICATE_LEAST, SSH_OFFER_SIZE + CERTIFICATE_MOST};

    for (size_t i = 0; i < KEYS; i++) {
        if (ssh_ranges_meet(request, ssh_range_plus(user, SSH_OFFER_SIZE + keys[i].blob)))
            return true;
    }
    return ssh_ranges_meet(request, certificate);
}

bool ssh_signed_fits(struct ssh_range request, struct ssh_range user)
{
    for (size_t i = 0; i < KEYS; i++) {
        struct ssh_range fits = {user.low + SSH_OFFER_SIZE + keys[i].blob + keys[i].sign.low,
                                 user.high + SSH_OFFER_SIZE + keys[i].blob + keys[i].sign.high};

        if (ssh_ranges_meet(request, fits))
            return true;
        fits.high += HOSTBOUND;
        fits.low += 30 + 51;
        if (ssh_ranges_meet(request, fits))
            return true;
    }
    return false;
}

static bool answers_key(struct ssh_range answer, const struct ssh_key_kind *key)
{
    return answer.low <= PK_OK_SIZE + key->blob && PK_OK_SIZE + key->blob <= answer.high;
}

const char *ssh_key_of_answer(struct ssh_range answer)
{
    const char *name = NULL;

    for (size_t i = 0; i < KEYS; i++) {
        if (!answers_key(answer, &keys[i]))
            continue;
        if (name != NULL && strcmp(name, keys[i].name) != 0)
            return NULL;
        name = keys[i].name;
    }
    return name;
}

bool ssh_answer_fits_key(struct ssh_range answer)
{
    for (size_t i = 0; i < KEYS; i++) {
        if (answers_key(answer, &keys[i]))
            return true;
    }
    return answer.high >= PK_OK_SIZE + CERTIFICATE_LEAST;
}

/* ---- USERAUTH_FAILURE ---- */

/* The methods that servers offer, and the length of their names; the first is "password". */
static const uint32_t methods[] = {8, 9, 20, 15, 12, 9}; /* publickey, keyboard-interactive, gssapi-with-mic, gssapi-keyex, hostbased */
#define METHODS (sizeof methods / sizeof methods[0])

static bool some_list_fits(struct ssh_range failure, bool has_password)
{
    for (unsigned chosen = 1; chosen < 1u << METHODS; chosen++) {
        uint32_t size = FAILURE_SIZE - 1; /* one comma less than names */

        if (has_password && (chosen & 1) == 0)
            continue;
        for (unsigned i = 0; i < METHODS; i++)
            size += (chosen >> i & 1) != 0 ? methods[i] + 1 : 0;
        if (failure.low <= size && size <= failure.high)
            return true;
    }
    return false;
}

bool ssh_failure_may_name_password(struct ssh_range failure)
{
    return some_list_fits(failure, true);
}

bool ssh_failure_fits(struct ssh_range failure)
{
    return some_list_fits(failure, false);
}

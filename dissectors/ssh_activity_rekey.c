/*
 * ssh_activity_rekey.c - keys that are exchanged again (RFC 4253, 9), told by the lengths of what is encrypted then.
 *
 *  1. Each side sends a KEXINIT with the lists of its first one, which was in the clear: as long, but for the names that only the
 *     first one has ("ext-info-c", "kex-strict-c-v00@openssh.com"), and nothing else of that length (case ssh/sessions-8: 01, 14).
 *  2. From its KEXINIT to its NEWKEYS, a side sends messages of the exchange alone (RFC 4253, 7.1): they are not for anybody else.
 *  3. Where packets are not told apart, the side that moves a file sends its KEXINIT in one burst with the file. The other
 *     side's shows that it is there, and its length is known.
 */
#include "dissectors/ssh_activity_state.h"

#define ONLY_IN_THE_FIRST 72               /* "ext-info-c,kex-strict-c-v00@openssh.com" and commas, a block of padding */
#define EXCHANGE_UNITS 6                   /* of one side behind its KEXINIT, NEWKEYS included */
#define ONE_EXCHANGE_US ((int64_t)1000000) /* both sides' KEXINITs belong together within this */
#define KEXINIT_LEAST 200
#define TURNS_BEFORE 3      /* a session asks for something first */
#define SIGNATURE_MOST 1200 /* the server's host key and signature */
#define GROUP_MOST 1100     /* a number of 8192 bits */
#define KEY_VARIES 48       /* public keys of one method differ by so much */

/* The client's or the server's messages behind its KEXINIT, as far as this method makes them. */
static uint32_t exchange_length(const struct ssh *ssh, enum side from)
{
    struct bytes method = text_bytes(&ssh->chosen[SSH_KEX]);
    uint32_t public_key = 37;

    if (bytes_begin_nocase(method, "diffie-hellman"))
        public_key = 300;
    else if (bytes_begin_nocase(method, "sntrup") || bytes_begin_nocase(method, "mlkem"))
        public_key = 1200;
    return from == FROM_CLIENT ? public_key : public_key + 200;
}

/* The client's KEXINIT and what it guesses, or answers, with: its public key, in one burst. */
static bool is_kexinit_with_key(const struct ssh *ssh, const struct ssh_activity *activity, const struct ssh_unit *unit)
{
    uint32_t kexinit = ssh->rekey.kexinit[FROM_CLIENT];
    uint32_t key = ssh_activity_wire(activity, FROM_CLIENT, exchange_length(ssh, FROM_CLIENT));

    return activity->rekeying.was_seen[FROM_SERVER] && unit->time_us - activity->rekeying.time_us < ONE_EXCHANGE_US &&
           unit->wire_length <= ssh_activity_wire(activity, FROM_CLIENT, kexinit) + key + KEY_VARIES &&
           unit->wire_length + KEY_VARIES >= ssh_activity_wire(activity, FROM_CLIENT, kexinit - ONLY_IN_THE_FIRST) + key;
}

static bool is_kexinit(const struct ssh *ssh, const struct ssh_activity *activity, const struct ssh_unit *unit)
{
    uint32_t most = ssh->rekey.kexinit[unit->from];

    /* The server's "hostkeys-00@openssh.com", right behind the login, can be as long by chance. */
    if (most < KEXINIT_LEAST || unit->is_compressed || activity->turns < TURNS_BEFORE)
        return false;
    if (unit->from == FROM_CLIENT && !unit->is_packet && is_kexinit_with_key(ssh, activity, unit))
        return true;
    return unit->wire_length <= ssh_activity_wire(activity, unit->from, most) &&
           unit->wire_length >= ssh_activity_wire(activity, unit->from, most - ONLY_IN_THE_FIRST);
}

/* None of that side's messages of the exchange is longer. */
static uint32_t exchange_most(const struct ssh *ssh, enum side from)
{
    bool has_group = bytes_begin_nocase(text_bytes(&ssh->chosen[SSH_KEX]), "diffie-hellman");

    if (from == FROM_SERVER)
        return exchange_length(ssh, from) + SIGNATURE_MOST;
    return has_group ? GROUP_MOST : exchange_length(ssh, from) + KEY_VARIES;
}

static uint64_t hidden_length(const struct ssh *ssh, const struct ssh_activity *activity, enum side from)
{
    uint32_t kexinit = ssh->rekey.kexinit[from];

    return kexinit < KEXINIT_LEAST ? 0 : ssh_activity_wire(activity, from, kexinit - ONLY_IN_THE_FIRST / 2);
}

static void on_kexinit(const struct ssh *ssh, struct ssh_activity *activity, const struct ssh_unit *unit)
{
    struct ssh_rekeying *rekeying = &activity->rekeying;
    enum side other = side_other(unit->from);

    rekeying->skips[unit->from] = EXCHANGE_UNITS;
    if (rekeying->count > 0 && rekeying->was_seen[other] && !rekeying->was_seen[unit->from] && unit->time_us - rekeying->time_us < ONE_EXCHANGE_US) {
        uint64_t hidden = hidden_length(ssh, activity, unit->from);

        rekeying->was_seen[unit->from] = true;
        rekeying->hidden[unit->from] -= rekeying->hidden[unit->from] > hidden ? hidden : rekeying->hidden[unit->from];
        return;
    }
    rekeying->count++;
    rekeying->time_us = unit->time_us;
    rekeying->was_seen[unit->from] = true;
    rekeying->was_seen[other] = false;
    rekeying->hidden[other] += hidden_length(ssh, activity, other);
    if (other == FROM_CLIENT && rekeying->skips[other] == 0)
        rekeying->skips[other] = bytes_begin_nocase(text_bytes(&ssh->chosen[SSH_KEX]), "diffie-hellman-group-exchange") ? 2 : 1; /* its public key */
}

bool ssh_rekeying_takes(const struct ssh *ssh, struct ssh_activity *activity, const struct ssh_unit *unit)
{
    struct ssh_rekeying *rekeying = &activity->rekeying;
    bool is_clear = activity->shape->side[unit->from].layout.length_field == SSH_LENGTH_CLEAR;

    if (rekeying->skips[unit->from] == 0 && is_kexinit(ssh, activity, unit)) {
        on_kexinit(ssh, activity, unit);
        return true;
    }
    if (rekeying->skips[unit->from] == 0)
        return false;
    /* What is longer than the exchange's messages ends it: there is data in it. */
    if (unit->wire_length > ssh_activity_wire(activity, unit->from, exchange_most(ssh, unit->from))) {
        rekeying->skips[unit->from] = 0;
        return false;
    }
    rekeying->skips[unit->from]--;
    if (unit->wire_length == ssh_activity_wire(activity, unit->from, SSH_PAYLOAD_ONE) ||
        (!is_clear && unit->from == FROM_SERVER && unit->wire_length > 150))
        rekeying->skips[unit->from] = 0;
    return true;
}

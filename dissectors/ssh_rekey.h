/*
 * ssh_rekey.h - keys that are exchanged again (RFC 4253, 9), by their shape: each side sends a KEXINIT as long as its first
 * one was, one soon after the other.
 */
#ifndef WIRESCRIBE_DISSECTORS_SSH_REKEY_H
#define WIRESCRIBE_DISSECTORS_SSH_REKEY_H

#include "dissectors/ssh_shape.h"

/* Both KEXINITs come within this time of each other. */
#define SSH_REKEY_WITHIN_US ((int64_t)10 * 1000000)

struct ssh_rekey {
    uint32_t kexinit[SIDE_COUNT]; /* the payload of the first KEXINIT, in the clear; 0: not seen */
    int64_t waits_us[SIDE_COUNT]; /* a packet of that length, and the other side has not answered yet; 0: none */
    int64_t large_us[SIDE_COUNT]; /* the newest unit in which a KEXINIT may hide among other bytes; 0: none */
    uint32_t count;
    bool is_uncertain; /* one side's, and the other's may hide; or bytes are missing */
};

/* The next unit of an authenticated session. True: with it, keys are being exchanged again. */
bool ssh_rekey_unit(struct ssh_rekey *rekey, const struct ssh_unit *unit);

/* Whether the number is known. */
bool ssh_rekey_is_known(const struct ssh_rekey *rekey);

#endif

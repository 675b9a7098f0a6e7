/*
 * ssh_rekey.c - see ssh_rekey.h
 *
 * A side that is busy sending may have its KEXINIT in one burst with data where lengths are hidden; then the other side's stands
 * alone, and the number is not known.
 */
#include "dissectors/ssh_rekey.h"

/* OpenSSH before 9 leaves the names of its extensions ("ext-info-c", "kex-strict-c-v00@openssh.com") out of later KEXINITs. */
#define EXTENSION_NAMES 48

static bool may_be_kexinit(const struct ssh_rekey *rekey, const struct ssh_unit *unit)
{
    uint32_t first = rekey->kexinit[unit->from];

    return first > EXTENSION_NAMES && !unit->after_gap && unit->payload_low <= first && unit->payload_high >= first - EXTENSION_NAMES;
}

bool ssh_rekey_unit(struct ssh_rekey *rekey, const struct ssh_unit *unit)
{
    enum side other = side_other(unit->from);
    int64_t answered_us = rekey->waits_us[other];

    if (unit->after_gap || unit->is_compressed)
        rekey->is_uncertain = true;
    if (rekey->is_uncertain || !may_be_kexinit(rekey, unit))
        return false;
    if (answered_us == 0 || unit->time_us - answered_us > SSH_REKEY_WITHIN_US) {
        rekey->is_uncertain = rekey->waits_us[unit->from] != 0;
        rekey->waits_us[unit->from] = unit->time_us;
        return false;
    }
    rekey->waits_us[other] = 0;
    rekey->count++;
    return true;
}

bool ssh_rekey_is_known(const struct ssh_rekey *rekey)
{
    return !rekey->is_uncertain && rekey->kexinit[FROM_CLIENT] > 0 && rekey->kexinit[FROM_SERVER] > 0 && rekey->waits_us[FROM_CLIENT] == 0 &&
           rekey->waits_us[FROM_SERVER] == 0;
}

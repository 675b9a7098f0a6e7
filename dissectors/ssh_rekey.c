/*
 * ssh_rekey.c - see ssh_rekey.h
 *
 * A side that is busy sending may have its KEXINIT in one burst with data where lengths are hidden; then the other side's stands
 * alone, and the number is not known. Where the other side sent nothing long enough at that time, it was no KEXINIT.
 */
#include "dissectors/ssh_rekey.h"

/* A KEXINIT has a cookie of 16 bytes and ten lists; with zlib it is still longer than this. */
#define SMALLEST 200

/* OpenSSH's client leaves "ext-info-c," and "kex-strict-c-v00@openssh.com," out of later KEXINITs. */
static const uint32_t left_out[] = {0, 11, 29, 40};

static bool may_be_kexinit(const struct ssh_rekey *rekey, const struct ssh_unit *unit)
{
    uint32_t first = rekey->kexinit[unit->from];

    if (first < SMALLEST || unit->is_compressed || (!unit->is_packet && unit->packets_low != 1))
        return false;
    for (size_t i = 0; i < sizeof left_out / sizeof left_out[0]; i++) {
        if (unit->payload_low <= first - left_out[i] && first - left_out[i] <= unit->payload_high)
            return true;
    }
    return false;
}

/* Whether a KEXINIT may be somewhere in these bytes. */
static bool may_hide_kexinit(const struct ssh_rekey *rekey, const struct ssh_unit *unit)
{
    if (unit->is_compressed)
        return unit->payload_high >= SMALLEST;
    return !unit->is_packet && unit->payload_high + left_out[3] >= rekey->kexinit[unit->from];
}

static bool is_near(int64_t time_us, int64_t other_us)
{
    return other_us != 0 && time_us - other_us <= SSH_REKEY_WITHIN_US && other_us - time_us <= SSH_REKEY_WITHIN_US;
}

bool ssh_rekey_unit(struct ssh_rekey *rekey, const struct ssh_unit *unit)
{
    enum side from = unit->from;
    enum side other = side_other(from);

    if (unit->after_gap)
        rekey->is_uncertain = true;
    if (rekey->is_uncertain)
        return false;
    if (may_be_kexinit(rekey, unit)) {
        if (is_near(unit->time_us, rekey->waits_us[other])) {
            rekey->waits_us[other] = 0;
            rekey->count++;
            return true;
        }
        rekey->is_uncertain = is_near(unit->time_us, rekey->large_us[other]);
        rekey->waits_us[from] = unit->time_us;
    } else if (may_hide_kexinit(rekey, unit)) {
        rekey->is_uncertain =
            is_near(unit->time_us, rekey->waits_us[other]) || (unit->is_compressed && is_near(unit->time_us, rekey->large_us[other]));
        rekey->large_us[from] = unit->end_us;
    }
    return false;
}

bool ssh_rekey_is_known(const struct ssh_rekey *rekey)
{
    return !rekey->is_uncertain && rekey->kexinit[FROM_CLIENT] >= SMALLEST && rekey->kexinit[FROM_SERVER] >= SMALLEST;
}

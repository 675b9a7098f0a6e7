/*
 * ssh_auth.c - gathers the units of an authentication, and knows when it is over.
 *
 * USERAUTH_SUCCESS (RFC 4252, 5.1) is a packet of one byte. Until it comes a server sends nothing so short: FAILURE has 14
 * bytes at least, SERVICE_ACCEPT 17, a request for information 17. So the server's first packet of 1 to 11 bytes is it; only of AsyncSSH's
 * server, which sends an IGNORE before each packet, it is the second of two.
 */
#include "base/memory.h"
#include "dissectors/ssh_session.h"

#define FIRST_UNITS 32
#define CHANNEL_OPEN_SIZE 24 /* of a "session" */
#define BANNER_LIKELY 60

void ssh_auth_begin(struct ssh_auth *auth, enum side from, const struct ssh_layout *layout, bool after_gap, int64_t time_us)
{
    auth->has_begun[from] = true;
    auth->has_gap[from] = after_gap;
    auth->newkeys_us[from] = after_gap ? 0 : time_us;
    if (layout->length_field == SSH_LENGTH_UNKNOWN || layout->compression == SSH_COMPRESSION_AT_ONCE ||
        layout->compression == SSH_COMPRESSION_UNKNOWN)
        auth->is_unreadable = true;
}

static bool keep(struct ssh_auth *auth, const struct ssh_unit *unit)
{
    if (auth->count == auth->capacity) {
        uint32_t capacity = auth->capacity == 0 ? FIRST_UNITS : auth->capacity * 2;
        struct ssh_unit *grown = auth->count < SSH_AUTH_UNITS ? memory_resize(auth->units, capacity * sizeof *grown) : NULL;

        if (grown == NULL)
            return false;
        auth->units = grown;
        auth->capacity = capacity;
    }
    auth->units[auth->count++] = *unit;
    return true;
}

/* Whether this unit is the server's USERAUTH_SUCCESS. */
static bool is_success(struct ssh_auth *auth, bool server_sends_ignore, const struct ssh_unit *unit)
{
    bool is_smallest = unit->is_packet && !unit->after_gap && unit->payload_low == 1 && unit->payload_high <= SSH_SUCCESS_MOST;

    if (unit->from != FROM_SERVER || !is_smallest || auth->has_gap[FROM_SERVER]) {
        auth->ignored = 0;
        return false;
    }
    if (!auth->has_request && !auth->has_gap[FROM_CLIENT])
        return false;
    return !server_sends_ignore || ++auth->ignored == 2;
}

/*
 * Where lengths are hidden, a banner and USERAUTH_SUCCESS may come in one burst: then the client goes on with a CHANNEL_OPEN of a
 * session, which is shorter than any further request and longer than what asks for the service. Where the burst's length leaves
 * open that it is one packet, only the answer to the first request is thought to hold a banner.
 */
static bool may_hold_success(const struct ssh_auth *auth, const struct ssh_unit *burst)
{
    if (burst->from != FROM_SERVER || burst->is_packet || burst->packets_low == 0 || burst->packets_low > 2)
        return false;
    return burst->packets_low == 2 || (burst->packets_step == 1 && auth->requests == 1 && burst->payload_low >= BANNER_LIKELY);
}

static bool follows_success(const struct ssh_auth *auth, const struct ssh_unit *unit)
{
    const struct ssh_unit *before = auth->count > 0 && !auth->is_too_long ? &auth->units[auth->count - 1] : NULL;

    if (unit->from != FROM_CLIENT || before == NULL || !may_hold_success(auth, before) || !auth->has_request || auth->has_gap[FROM_SERVER])
        return false;
    return unit->is_packet && !unit->after_gap && unit->payload_low > SSH_SERVICE_SIZE && unit->payload_low <= CHANNEL_OPEN_SIZE &&
           unit->payload_high >= CHANNEL_OPEN_SIZE && unit->payload_high < SSH_PASSWORD_SIZE;
}

static void succeed(struct ssh_auth *auth, int64_t time_us)
{
    auth->state = SSH_AUTH_SUCCEEDED;
    auth->success_us = time_us;
}

enum ssh_auth_news ssh_auth_unit(struct ssh_auth *auth, bool server_sends_ignore, const struct ssh_unit *unit)
{
    if (auth->state != SSH_AUTH_OPEN || auth->is_unreadable)
        return SSH_NEWS_NONE;
    if (follows_success(auth, unit)) {
        struct ssh_unit *success = &auth->units[auth->count - 1];

        success->payload_low = 1;
        success->payload_high = 1;
        succeed(auth, success->end_us);
        return SSH_NEWS_SUCCESS_BEFORE;
    }
    if (unit->after_gap || (!unit->is_packet && unit->packets_low == 0))
        auth->has_gap[unit->from] = true;
    if (unit->from == FROM_CLIENT && unit->payload_high >= SSH_REQUEST_LEAST) {
        auth->has_request = true;
        auth->requests++;
    }
    if (!auth->is_too_long)
        auth->is_too_long = !keep(auth, unit);
    if (!is_success(auth, server_sends_ignore, unit))
        return SSH_NEWS_NONE;
    succeed(auth, unit->time_us);
    return SSH_NEWS_SUCCESS;
}

void ssh_auth_gap(struct ssh_auth *auth, enum side from)
{
    if (auth->state == SSH_AUTH_OPEN)
        auth->has_gap[from] = true;
}

void ssh_auth_end(struct ssh_auth *auth, enum side from, enum ending ending, int64_t time_us)
{
    if (ending == ENDING_CAPTURE || ending == ENDING_TIMEOUT)
        return;
    auth->has_ended[from] = true;
    auth->end_us = time_us;
    if (ending == ENDING_RESET)
        auth->has_ended[side_other(from)] = true;
    if (auth->state == SSH_AUTH_OPEN && auth->has_ended[FROM_CLIENT] && auth->has_ended[FROM_SERVER])
        auth->state = SSH_AUTH_ENDED;
}

void ssh_auth_finish(struct ssh_auth *auth)
{
    if (auth->state == SSH_AUTH_OPEN)
        auth->state = SSH_AUTH_CUT;
}

void ssh_auth_free(struct ssh_auth *auth)
{
    memory_free(auth->units);
    memory_free(auth->tries);
    text_free(&auth->methods);
    auth->units = NULL;
    auth->tries = NULL;
}

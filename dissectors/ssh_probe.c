/*
 * ssh_probe.c - clients that left without asking for a login, and clients that stopped at the server's host key.
 */
#include "dissectors/ssh_session.h"

static bool was_seen_whole(const struct conversation *conversation, const struct ssh *ssh)
{
    for (enum side side = FROM_CLIENT; side <= FROM_SERVER; side++) {
        if (!ssh->side[side].has_ended || conversation_missing(conversation, side) > 0 || !conversation_has_start(conversation, side))
            return false;
    }
    return ssh->side[FROM_SERVER].identification.length > 0;
}

/* Which methods there are is all that it wanted to know: it left at once, as no person does. */
static bool asked_for_methods(const struct ssh_auth *auth)
{
    const struct ssh_try *only = auth->tries;

    return auth->state == SSH_AUTH_ENDED && auth->is_certain && auth->try_count == 1 && only->method == SSH_METHOD_NONE &&
           only->outcome == SSH_TRY_REFUSED && auth->end_us - only->answered_us < SSH_TYPED_LEAST_US;
}

const char *ssh_probe_of(const struct conversation *conversation, const struct ssh *ssh)
{
    const struct ssh_side *client = &ssh->side[FROM_CLIENT];
    const struct ssh_auth *auth = &ssh->auth;

    if (!was_seen_whole(conversation, ssh) || ssh_is_version1(ssh))
        return NULL;
    if (asked_for_methods(auth))
        return "auth_methods";
    if (client->phase == SSH_PASSED_OVER || auth->has_request || (auth->is_unreadable && auth->has_begun[FROM_CLIENT]))
        return NULL;
    return client->has_kexinit ? "kex" : "version";
}

void ssh_probe_tell(struct conversation *conversation, const struct ssh *ssh)
{
    const char *probe = ssh_probe_of(conversation, ssh);

    if (probe == NULL)
        return;
    if (strcmp(probe, "version") == 0)
        conversation_finding(conversation, "notice", "ssh_scan", "the client left when it had the server's identification");
    else if (strcmp(probe, "kex") == 0)
        conversation_finding(conversation, "notice", "ssh_scan",
                             "the client left when it had the server's algorithms or its host key, without asking for a login");
    else
        conversation_finding(conversation, "notice", "ssh_scan", "the client asked which login methods there are, and left");
}

void ssh_probe_fill(const struct conversation *conversation, const struct ssh *ssh, struct ssh_session *row)
{
    int64_t server_us = ssh->auth.newkeys_us[FROM_SERVER];
    int64_t client_us = ssh->auth.newkeys_us[FROM_CLIENT];

    row->probe = record_text_of(ssh_probe_of(conversation, ssh));
    if (server_us == 0 || client_us == 0)
        return;
    if (client_us - server_us >= SSH_TYPED_LEAST_US)
        row->known_host = record_boolean(false);
    else if (client_us - server_us <= SSH_SCRIPTED_MOST_US)
        row->known_host = record_boolean(true);
}

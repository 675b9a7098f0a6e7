/*
 * ssh_encrypted.c - what one side sends behind its NEWKEYS: cut into units by ssh_shape.c, which are then read by those who infer.
 */
#include "dissectors/ssh_activity.h"
#include "dissectors/ssh_session.h"

#define BASIS_LIMIT 1024

/* AsyncSSH sends an IGNORE before each packet until the login is over. */
static bool server_sends_ignore(const struct ssh *ssh)
{
    return bytes_contain_nocase(text_bytes(&ssh->side[FROM_SERVER].identification), "AsyncSSH");
}

static bool client_is_openssh(const struct ssh *ssh)
{
    return bytes_begin_nocase(text_bytes(&ssh->side[FROM_CLIENT].identification), "SSH-2.0-OpenSSH");
}

/* A unit behind USERAUTH_SUCCESS. */
static void on_connection(struct conversation *conversation, struct ssh *ssh, const struct ssh_unit *unit)
{
    if (ssh_rekey_unit(&ssh->rekey, unit))
        ssh_tell_at(conversation, ssh, unit->time_us, "rekey", bytes_of(NULL, 0), "both sides sent a packet as long as their first KEXINIT");
    if (client_is_openssh(ssh) && ssh_agent_unit(&ssh->agent, &ssh->shape.side[FROM_CLIENT].layout, unit))
        ssh_tell_at(conversation, ssh, unit->time_us, "agent_forwarding", bytes_of(NULL, 0), "sizes of the requests for the session");
}

static void on_unit(struct conversation *conversation, struct ssh *ssh, const struct ssh_unit *unit)
{
    enum ssh_auth_news news;

    if (ssh->auth.state == SSH_AUTH_SUCCEEDED) {
        on_connection(conversation, ssh, unit);
        ssh_activity_on_unit(conversation, ssh, ssh->activity, unit);
        return;
    }
    news = ssh_auth_unit(&ssh->auth, server_sends_ignore(ssh), unit);
    if (news == SSH_NEWS_NONE)
        return;
    ssh_auth_tell(conversation, ssh);
    ssh->shape.is_authenticated = true;
    ssh->activity = ssh_activity_new(&ssh->shape);
    if (news == SSH_NEWS_SUCCESS_BEFORE)
        on_connection(conversation, ssh, unit);
    if (news == SSH_NEWS_SUCCESS_BEFORE)
        ssh_activity_on_unit(conversation, ssh, ssh->activity, unit);
}

void ssh_encrypted_begin(struct conversation *conversation, struct ssh *ssh, enum side from)
{
    static const enum ssh_list lists[SIDE_COUNT][3] = {
        [FROM_CLIENT] = {SSH_CIPHER_TO_SERVER, SSH_MAC_TO_SERVER, SSH_COMPRESSION_TO_SERVER},
        [FROM_SERVER] = {SSH_CIPHER_TO_CLIENT, SSH_MAC_TO_CLIENT, SSH_COMPRESSION_TO_CLIENT},
    };
    const enum ssh_list *used = lists[from];
    struct ssh_layout layout = ssh_layout_of(text_bytes(&ssh->chosen[used[0]]), text_bytes(&ssh->chosen[used[1]]), text_bytes(&ssh->chosen[used[2]]));

    ssh_auth_begin(&ssh->auth, from, &layout, !ssh->side[from].has_newkeys, conversation_now(conversation));
    ssh_shape_begin(&ssh->shape, from, &layout, !ssh->side[from].has_newkeys, ssh->side[from].read_now);
}

void ssh_encrypted_data(struct conversation *conversation, struct ssh *ssh, enum side from, struct bytes bytes)
{
    struct cursor cursor = cursor_over(bytes);
    struct ssh_unit unit;

    while (ssh_shape_take(&ssh->shape, from, &cursor, conversation_now(conversation), &unit))
        on_unit(conversation, ssh, &unit);
}

void ssh_encrypted_gap(struct conversation *conversation, struct ssh *ssh, enum side from, uint64_t count)
{
    struct ssh_unit unit;

    while (ssh_shape_gap(&ssh->shape, from, &count, &unit))
        on_unit(conversation, ssh, &unit);
    if (ssh->shape.side[from].after_gap)
        ssh_auth_gap(&ssh->auth, from);
}

static void end_side(struct conversation *conversation, struct ssh *ssh, enum side from)
{
    struct ssh_unit unit;

    while (ssh_shape_end(&ssh->shape, from, &unit))
        on_unit(conversation, ssh, &unit);
}

void ssh_encrypted_end(struct conversation *conversation, struct ssh *ssh, enum side from, enum ending ending)
{
    end_side(conversation, ssh, from);
    ssh_auth_end(&ssh->auth, from, ending, conversation_now(conversation));
    ssh_auth_tell(conversation, ssh);
}

static void fill_bytes(const struct ssh *ssh, struct ssh_session *row)
{
    uint64_t payload;

    if (ssh_shape_payload(&ssh->shape, FROM_CLIENT, &payload))
        row->bytes_up = record_integer((int64_t)payload);
    if (ssh_shape_payload(&ssh->shape, FROM_SERVER, &payload))
        row->bytes_down = record_integer((int64_t)payload);
}

void ssh_encrypted_fill(struct conversation *conversation, struct ssh *ssh, struct ssh_session *row)
{
    ssh->basis.limit = BASIS_LIMIT;
    text_clear(&ssh->basis);
    fill_bytes(ssh, row);
    ssh_auth_fill(&ssh->auth, row, &ssh->basis);
    ssh_probe_fill(conversation, ssh, row);
    if (ssh->agent.answer != SSH_AGENT_UNKNOWN)
        row->agent_forwarding = record_boolean(ssh->agent.answer == SSH_AGENT_FORWARDED);
    if (ssh->auth.state == SSH_AUTH_SUCCEEDED && ssh_rekey_is_known(&ssh->rekey))
        row->rekeys = record_integer(ssh->rekey.count);
    ssh_activity_fill(ssh->activity, row, &ssh->basis);
    row->inference_basis = record_text_unless_empty(text_bytes(&ssh->basis));
}

void ssh_encrypted_finish(struct conversation *conversation, struct ssh *ssh)
{
    end_side(conversation, ssh, FROM_CLIENT);
    end_side(conversation, ssh, FROM_SERVER);
    ssh_auth_finish(&ssh->auth);
    ssh_probe_tell(conversation, ssh);
    ssh_activity_finish(conversation, ssh, ssh->activity);
}

void ssh_encrypted_close(struct ssh *ssh)
{
    ssh_auth_free(&ssh->auth);
    ssh_activity_free(ssh->activity);
    text_free(&ssh->basis);
}

/*
 * ssh_rows.c - the rows of an SSH connection.
 */
#include "dissectors/ssh_session.h"

void ssh_tell_at(struct conversation *conversation, struct ssh *ssh, int64_t time_us, const char *kind, struct bytes detail, const char *basis)
{
    struct ssh_event row = {
        .flow_id = record_integer(conversation_flow(conversation)->flow_id),
        .time_us = record_integer(time_us),
        .kind = record_text_of(kind),
        .detail = record_text_unless_empty(detail),
        .basis = record_text_of(basis),
    };

    if (ssh->events < SSH_EVENTS_LIMIT) {
        ssh->events++;
        conversation_write(conversation, &ssh_event_table, &row);
        return;
    }
    if (!ssh->told_events_limit)
        conversation_finding(conversation, "notice", "ssh_limit", "more than %d events; later ones are not in ssh_events", SSH_EVENTS_LIMIT);
    ssh->told_events_limit = true;
}

void ssh_tell(struct conversation *conversation, struct ssh *ssh, const char *kind, const char *detail, const char *basis)
{
    ssh_tell_at(conversation, ssh, conversation_now(conversation), kind, detail != NULL ? bytes_of_text(detail) : bytes_of(NULL, 0), basis);
}

static struct record_text chosen(const struct ssh *ssh, enum ssh_list list)
{
    const struct text *name = &ssh->chosen[list];

    return name->was_cut ? record_text_of(NULL) : record_text_unless_empty(text_bytes(name));
}

void ssh_write_session(struct conversation *conversation, struct ssh *ssh)
{
    const struct ssh_side *client = &ssh->side[FROM_CLIENT];
    const struct ssh_side *server = &ssh->side[FROM_SERVER];
    struct text host_key = {.limit = sizeof "SHA256:" + DIGEST_BASE64_SIZE};
    struct ssh_session row = {
        .flow_id = record_integer(conversation_flow(conversation)->flow_id),
        .encrypted = record_boolean(conversation_is_decrypted(conversation)),
        .protocol_version = record_text_unless_empty(ssh_agreed_version(ssh)),
        .client_version = record_text_unless_empty(text_bytes(&client->identification)),
        .server_version = record_text_unless_empty(text_bytes(&server->identification)),
        .kex = chosen(ssh, SSH_KEX),
        .host_key_type = chosen(ssh, SSH_HOST_KEY),
        .client_cipher = chosen(ssh, SSH_CIPHER_TO_SERVER),
        .server_cipher = chosen(ssh, SSH_CIPHER_TO_CLIENT),
        .client_mac = chosen(ssh, SSH_MAC_TO_SERVER),
        .server_mac = chosen(ssh, SSH_MAC_TO_CLIENT),
        .client_compression = chosen(ssh, SSH_COMPRESSION_TO_SERVER),
        .server_compression = chosen(ssh, SSH_COMPRESSION_TO_CLIENT),
        .hassh = record_text_of(client->has_hassh ? client->hassh : NULL),
        .hassh_server = record_text_of(server->has_hassh ? server->hassh : NULL),
    };

    ssh_encrypted_fill(conversation, ssh, &row);
    if (ssh->is_negotiated)
        row.strict_kex = record_boolean(client->offers_strict_kex && server->offers_strict_kex);
    if (ssh->has_fingerprint) {
        text_append_text(&host_key, "SHA256:");
        text_append_text(&host_key, ssh->fingerprint);
        row.host_key_fingerprint = record_text_unless_empty(text_bytes(&host_key));
    }
    /* A flow that was taken for SSH by a beginning that never became an identification is no session. */
    if (row.client_version.is_known || row.server_version.is_known || client->has_kexinit || server->has_kexinit)
        conversation_write(conversation, &ssh_session_table, &row);
    text_free(&host_key);
}

/*
 * ssh_rows.c - the rows of an SSH connection.
 */
#include "dissectors/ssh_session.h"

#include <inttypes.h>

int64_t ssh_time_of(const struct conversation *conversation, enum side from)
{
    return conversation_missing(conversation, from) == 0 ? conversation_now(conversation) : 0;
}

void ssh_tell_at(struct conversation *conversation, struct ssh *ssh, int64_t time_us, const char *kind, struct bytes detail, const char *basis)
{
    struct ssh_event row = {
        .flow_id = record_integer(conversation_flow(conversation)->flow_id),
        .kind = record_text_of(kind),
        .detail = record_text_unless_empty(detail),
        .basis = record_text_of(basis),
    };

    if (time_us != 0)
        row.time_us = record_integer(time_us);
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

/* The texts that a row borrows until it is written. */
struct row_texts {
    struct text sha256;
    struct text md5;
    struct text authority;
    struct text reason;
    struct text ciphers;
    struct text authentications;
};

static void fill_software(const struct ssh *ssh, struct ssh_session *row)
{
    struct ssh_software client = ssh_software_of(&ssh->side[FROM_CLIENT]);
    struct ssh_software server = ssh_software_of(&ssh->side[FROM_SERVER]);

    row->client_software = record_text_unless_empty(client.name);
    row->client_software_version = record_text_unless_empty(client.version);
    row->client_comment = record_text_unless_empty(client.comment);
    row->server_software = record_text_unless_empty(server.name);
    row->server_software_version = record_text_unless_empty(server.version);
    row->server_comment = record_text_unless_empty(server.comment);
}

/* "MD5:" and pairs of digits with colons between. */
static void append_md5(const char *hex, struct text *out)
{
    text_append_text(out, "MD5");
    for (size_t i = 0; i < strlen(hex); i += 2) {
        text_append_text(out, ":");
        text_append(out, bytes_of(hex + i, 2));
    }
}

static void fill_host_key(const struct ssh *ssh, struct ssh_session *row, struct row_texts *texts)
{
    const struct ssh_key *key = &ssh->host_key;

    if (ssh->side[FROM_SERVER].guess_follows && !ssh->is_negotiated)
        return; /* it may belong to a wrong guess */
    if (key->sha256[0] != '\0')
        text_append_format(&texts->sha256, "SHA256:%s", key->sha256);
    if (key->md5[0] != '\0')
        append_md5(key->md5, &texts->md5);
    row->host_key_fingerprint = record_text_unless_empty(text_bytes(&texts->sha256));
    row->host_key_fingerprint_md5 = record_text_unless_empty(text_bytes(&texts->md5));
    row->host_key = record_text_unless_empty(text_bytes(&key->line));
    row->host_key_kind = record_text_unless_empty(text_bytes(&key->type));
    row->host_key_bits = key->bits;
    row->host_key_signature = record_text_unless_empty(text_bytes(&ssh->signature));
    if (!key->is_certificate_read)
        return;
    text_append(&texts->authority, text_bytes(&key->authority_type));
    if (key->authority_sha256[0] != '\0')
        text_append_format(&texts->authority, " SHA256:%s", key->authority_sha256);
    row->host_certificate_key_id = record_text_unless_empty(text_bytes(&key->key_id));
    row->host_certificate_principals = record_text_unless_empty(text_bytes(&key->principals));
    row->host_certificate_serial = record_text_unless_empty(text_bytes(&key->serial));
    row->host_certificate_authority = record_text_unless_empty(text_bytes(&texts->authority));
    row->host_certificate_valid_from_us = key->valid_from_us;
    row->host_certificate_valid_until_us = key->valid_until_us;
}

static void fill_exchange(const struct ssh *ssh, struct ssh_session *row)
{
    const struct ssh_side *client = &ssh->side[FROM_CLIENT];
    const struct ssh_side *server = &ssh->side[FROM_SERVER];

    row->kex_group_min = ssh->group.least;
    row->kex_group_preferred = ssh->group.preferred;
    row->kex_group_max = ssh->group.most;
    row->kex_group_bits = ssh->group.bits;
    row->kex_group_generator = ssh->group.generator;
    if (client->has_newkeys && !client->has_gap)
        row->client_newkeys_us = record_integer(client->newkeys_us);
    if (server->has_newkeys && !server->has_gap)
        row->server_newkeys_us = record_integer(server->newkeys_us);
    if (ssh->is_negotiated)
        row->strict_kex = record_boolean(client->offers_strict_kex && server->offers_strict_kex);
}

static void fill_disconnect(const struct ssh *ssh, struct ssh_session *row, struct row_texts *texts)
{
    const struct ssh_disconnect *disconnect = &ssh->disconnect;
    const char *reason = ssh_disconnect_reason(disconnect->reason);

    if (!disconnect->is_known)
        return;
    row->disconnect_by = record_text_of(side_name(disconnect->by));
    row->disconnect_text = record_text_unless_empty(text_bytes(&disconnect->text));
    if (reason == NULL && disconnect->has_reason)
        text_append_format(&texts->reason, "%" PRIu32, disconnect->reason);
    if (disconnect->has_reason)
        row->disconnect_reason = reason != NULL ? record_text_of(reason) : record_text(text_bytes(&texts->reason));
}

static void fill_version1(const struct ssh *ssh, struct ssh_session *row, struct row_texts *texts)
{
    const struct ssh_version1 *version1 = &ssh->version1;

    if (version1->has_public_key) {
        ssh_version1_ciphers(version1->ciphers, &texts->ciphers);
        ssh_version1_authentications(version1->authentications, &texts->authentications);
        row->ssh1_ciphers = record_text_unless_empty(text_bytes(&texts->ciphers));
        row->ssh1_authentications = record_text_unless_empty(text_bytes(&texts->authentications));
        row->ssh1_server_key_bits = record_integer(version1->server_key_bits);
    }
    if (version1->cipher.is_known)
        row->client_cipher = row->server_cipher = record_text_of(ssh_version1_cipher(version1->cipher.value));
}

static void free_texts(struct row_texts *texts)
{
    text_free(&texts->sha256);
    text_free(&texts->md5);
    text_free(&texts->authority);
    text_free(&texts->reason);
    text_free(&texts->ciphers);
    text_free(&texts->authentications);
}

void ssh_write_session(struct conversation *conversation, struct ssh *ssh)
{
    const struct ssh_side *client = &ssh->side[FROM_CLIENT];
    const struct ssh_side *server = &ssh->side[FROM_SERVER];
    struct row_texts texts = {
        .sha256 = {.limit = SSH_NAME_LIMIT},
        .md5 = {.limit = SSH_NAME_LIMIT},
        .authority = {.limit = 2 * SSH_NAME_LIMIT},
        .reason = {.limit = SSH_NAME_LIMIT},
        .ciphers = {.limit = SSH_NAME_LIMIT},
        .authentications = {.limit = SSH_NAME_LIMIT},
    };
    struct ssh_session row = {
        .flow_id = record_integer(conversation_flow(conversation)->flow_id),
        .encrypted = record_boolean(conversation_is_decrypted(conversation)),
        .tunnel = record_integer(conversation_tunnel(conversation)),
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
        .client_language = chosen(ssh, SSH_LANGUAGE_TO_SERVER),
        .server_language = chosen(ssh, SSH_LANGUAGE_TO_CLIENT),
        .hassh = record_text_of(client->has_hassh ? client->hassh : NULL),
        .hassh_server = record_text_of(server->has_hassh ? server->hassh : NULL),
        .server_text = record_text_unless_empty(text_bytes(&server->text)),
    };

    fill_software(ssh, &row);
    fill_exchange(ssh, &row);
    fill_host_key(ssh, &row, &texts);
    fill_disconnect(ssh, &row, &texts);
    fill_version1(ssh, &row, &texts);
    ssh_encrypted_fill(conversation, ssh, &row);
    /* A flow that was taken for SSH by a beginning that never became an identification is no session. */
    if (row.client_version.is_known || row.server_version.is_known || client->has_kexinit || server->has_kexinit)
        conversation_write(conversation, &ssh_session_table, &row);
    free_texts(&texts);
}

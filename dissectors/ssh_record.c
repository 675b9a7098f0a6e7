/*
 * ssh_record.c - the tables of SSH, for the store.
 */
#include "dissectors/ssh_record.h"

RECORD_COLUMNS(ssh_session, SSH_SESSION);
RECORD_COLUMNS(ssh_kexinit, SSH_KEXINIT);
RECORD_COLUMNS(ssh_event, SSH_EVENT);

static const struct record_session ssh_session_in_sessions = {
    .protocol = "ssh",
    .user = "NULL",
    .outcome = "coalesce(s.auth_result, CASE WHEN s.kex IS NOT NULL THEN 'negotiated' ELSE 'greeted' END)",
    .summary = "coalesce(s.client_version, 'unseen client') || ' to ' || coalesce(s.server_version, 'unseen server') || "
               "coalesce(', ' || s.kex, '') || coalesce(', ' || s.client_cipher, '') || coalesce(', host key ' || s.host_key_type, '')",
};

const struct record_table ssh_session_table = {
    .table = "ssh_session",
    .view = "ssh_sessions",
    .doc = "one SSH connection",
    .kind = RECORD_VIEW_SESSION,
    .columns = ssh_session_columns,
    .column_count = RECORD_COLUMN_COUNT(ssh_session_columns),
    .session = &ssh_session_in_sessions,
    .key = "flow_id",
    .index = "flow_id",
};

const struct record_table ssh_kexinit_table = {
    .table = "ssh_kexinit",
    .view = "ssh_kexinits",
    .doc = "what one side of an SSH connection offers in its first SSH_MSG_KEXINIT (RFC 4253, 7.1)",
    .kind = RECORD_VIEW_PLAIN,
    .columns = ssh_kexinit_columns,
    .column_count = RECORD_COLUMN_COUNT(ssh_kexinit_columns),
    .index = "flow_id",
};

const struct record_table ssh_event_table = {
    .table = "ssh_event",
    .view = "ssh_events",
    .doc = "what happened in an SSH connection, in order: what was said in the clear, and what the shape of the encrypted part tells",
    .kind = RECORD_VIEW_PLAIN,
    .columns = ssh_event_columns,
    .column_count = RECORD_COLUMN_COUNT(ssh_event_columns),
    .index = "flow_id",
};

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

/* A server's key is that of its address, port and kind of key; behind an address there may be several servers, and one may have several addresses. What a tunnel's end stands for is not known. */
static const char ssh_session_findings[] =
    "SELECT flow_id, time_us, 'warning' AS severity, 'ssh_host_key_changed' AS name,\n"
    "    'the server shows the ' || kind || ' host key ' || fingerprint || '; in the session before it was ' || before AS detail\n"
    "FROM (SELECT s.flow_id, f.start_us AS time_us, s.host_key_kind AS kind, s.host_key_fingerprint AS fingerprint, lag(s.host_key_fingerprint)\n"
    "    OVER (PARTITION BY f.server_ip, f.server_port, s.host_key_kind ORDER BY f.start_us, s.flow_id) AS before\n"
    "    FROM ssh_session AS s JOIN flow AS f ON f.flow_id = s.flow_id WHERE s.host_key_fingerprint IS NOT NULL AND coalesce(s.tunnel, 0) = 0) WHERE before <> fingerprint\n"
    "UNION ALL SELECT flow_id, time_us, 'notice', 'ssh_host_key_shared', 'the host key ' || fingerprint || ' is that of ' || first_ip || ', too'\n"
    "FROM (SELECT s.flow_id, f.start_us AS time_us, s.host_key_fingerprint AS fingerprint, f.server_ip, first_value(f.server_ip)\n"
    "    OVER (PARTITION BY s.host_key_fingerprint ORDER BY f.start_us, s.flow_id) AS first_ip, row_number()\n"
    "    OVER (PARTITION BY s.host_key_fingerprint, f.server_ip ORDER BY f.start_us, s.flow_id) AS number\n"
    "    FROM ssh_session AS s JOIN flow AS f ON f.flow_id = s.flow_id WHERE s.host_key_fingerprint IS NOT NULL AND coalesce(s.tunnel, 0) = 0) WHERE number = 1 AND server_ip <> first_ip";

const struct record_table ssh_session_table = {
    .table = "ssh_session",
    .view = "ssh_sessions",
    .doc = "one SSH connection",
    .kind = RECORD_VIEW_SESSION,
    .columns = ssh_session_columns,
    .column_count = RECORD_COLUMN_COUNT(ssh_session_columns),
    .session = &ssh_session_in_sessions,
    .findings = ssh_session_findings,
    .key = "flow_id, tunnel",
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

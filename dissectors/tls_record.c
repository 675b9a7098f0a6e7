/* tls_record.c - see tls_record.h */
#include "dissectors/tls_record.h"

RECORD_COLUMNS(tls_session, TLS_SESSION);
RECORD_COLUMNS(certificate_row, CERTIFICATE);

/* A server is its address, its port and the name that it was asked for; what stands behind a tunnel's end is another one. */
static const char tls_session_findings[] =
    "SELECT flow_id, time_us, 'notice' AS severity, 'tls_certificate_changed' AS name,\n"
    "    'the server shows the certificate ' || subject || ', SHA-256 ' || sha256 || '; in the session before it was ' || before AS detail\n"
    "FROM (SELECT s.flow_id, f.start_us AS time_us, coalesce(s.certificate_subject, 'without a name') AS subject, s.certificate_sha256 AS sha256,\n"
    "    lag(s.certificate_sha256) OVER (PARTITION BY f.server_ip, f.server_port, s.server_name ORDER BY f.start_us, s.flow_id) AS before\n"
    "    FROM tls_session AS s JOIN flow AS f ON f.flow_id = s.flow_id WHERE s.certificate_sha256 IS NOT NULL AND coalesce(s.tunnel, 0) = 0) WHERE before <> sha256";

const struct record_table tls_session_table = {
    .table = "tls_session",
    .view = "tls_sessions",
    .doc = "one TLS connection, whatever began it, or one DTLS association (which is named, and not opened)",
    .kind = RECORD_VIEW_SESSION,
    .columns = tls_session_columns,
    .column_count = RECORD_COLUMN_COUNT(tls_session_columns),
    .findings = tls_session_findings,
    .key = "flow_id, tunnel",
    .index = "flow_id",
};

const struct record_table certificate_table = {
    .table = "certificate",
    .view = "certificates",
    .doc = "one certificate that a side showed in a TLS handshake",
    .kind = RECORD_VIEW_PLAIN,
    .columns = certificate_row_columns,
    .column_count = RECORD_COLUMN_COUNT(certificate_row_columns),
    .index = "flow_id",
};

/* tls_record.c - see tls_record.h */
#include "dissectors/tls_record.h"

RECORD_COLUMNS(tls_session, TLS_SESSION);
RECORD_COLUMNS(certificate_row, CERTIFICATE);

const struct record_table tls_session_table = {
    .table = "tls_session",
    .view = "tls_sessions",
    .doc = "one TLS connection, whatever began it",
    .kind = RECORD_VIEW_SESSION,
    .columns = tls_session_columns,
    .column_count = RECORD_COLUMN_COUNT(tls_session_columns),
    .key = "flow_id",
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

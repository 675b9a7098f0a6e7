/* ftp_record.c - see ftp_record.h */
#include "dissectors/ftp_record.h"

RECORD_COLUMNS(ftp_session, FTP_SESSION);
RECORD_COLUMNS(ftp_command, FTP_COMMAND);
RECORD_COLUMNS(ftp_transfer, FTP_TRANSFER);
RECORD_COLUMNS(ftp_listing_row, FTP_LISTING);

static const struct record_session ftp_session_in_sessions = {
    .protocol = "ftp",
    .user = "s.user",
    .outcome = "CASE WHEN s.auth_result = 'failure' THEN 'login failed' WHEN s.auth_result = 'success' THEN 'logged in' "
               "WHEN s.encryption = 'explicit' THEN 'encrypted' END",
    .summary = "s.commands || CASE s.commands WHEN 1 THEN ' command, ' ELSE ' commands, ' END || s.transfers || "
               "CASE s.transfers WHEN 1 THEN ' transfer, ' ELSE ' transfers, ' END || s.bytes_down || ' bytes down, ' || s.bytes_up || ' up'",
};

const struct record_table ftp_session_table = {
    .table = "ftp_session",
    .view = "ftp_sessions",
    .doc = "one FTP control connection",
    .kind = RECORD_VIEW_SESSION,
    .columns = ftp_session_columns,
    .column_count = RECORD_COLUMN_COUNT(ftp_session_columns),
    .session = &ftp_session_in_sessions,
    .key = "flow_id, tunnel",
    .index = "flow_id",
};

const struct record_table ftp_command_table = {
    .table = "ftp_command",
    .view = "ftp_commands",
    .doc = "one FTP command with its reply",
    .kind = RECORD_VIEW_PLAIN,
    .columns = ftp_command_columns,
    .column_count = RECORD_COLUMN_COUNT(ftp_command_columns),
    .index = "flow_id",
};

const struct record_table ftp_transfer_table = {
    .table = "ftp_transfer",
    .view = "ftp_transfers",
    .doc = "one file or listing that an FTP session asked for",
    .kind = RECORD_VIEW_PLAIN,
    .columns = ftp_transfer_columns,
    .column_count = RECORD_COLUMN_COUNT(ftp_transfer_columns),
    .index = "flow_id",
};

const struct record_table ftp_listing_table = {
    .table = "ftp_listing",
    .view = "ftp_listings",
    .doc = "one entry of a directory listing",
    .kind = RECORD_VIEW_PLAIN,
    .columns = ftp_listing_row_columns,
    .column_count = RECORD_COLUMN_COUNT(ftp_listing_row_columns),
    .index = "flow_id",
};

/* smtp_record.c - see smtp_record.h */
#include "dissectors/smtp_record.h"

RECORD_COLUMNS(smtp_session, SMTP_SESSION);
RECORD_COLUMNS(smtp_mail_row, SMTP_MAIL);
RECORD_COLUMNS(smtp_recipient, SMTP_RECIPIENT);
RECORD_COLUMNS(smtp_url, SMTP_URL);

static const struct record_session smtp_session_in_sessions = {
    .protocol = "smtp",
    .user = "s.auth_user",
    .outcome = "CASE WHEN s.mails > 0 THEN (SELECT group_concat(m.outcome) FROM (SELECT DISTINCT outcome FROM smtp_mail WHERE flow_id = s.flow_id "
               "AND encrypted = s.encrypted ORDER BY outcome) m) "
               "WHEN s.auth_result = 'failure' THEN 'login failed' WHEN s.auth_result = 'success' THEN 'logged in' "
               "WHEN s.encryption = 'starttls' THEN 'encrypted' END",
    .summary = "coalesce(s.helo, 'unseen client') || ' to ' || coalesce(s.banner, 'unseen server') || ', ' || s.mails || "
               "CASE s.mails WHEN 1 THEN ' mail' ELSE ' mails' END",
};

const struct record_table smtp_session_table = {
    .table = "smtp_session",
    .view = "smtp_sessions",
    .doc = "one SMTP or LMTP session",
    .kind = RECORD_VIEW_SESSION,
    .columns = smtp_session_columns,
    .column_count = RECORD_COLUMN_COUNT(smtp_session_columns),
    .session = &smtp_session_in_sessions,
    .key = "flow_id, tunnel",
    .index = "flow_id",
};

const struct record_table smtp_mail_table = {
    .table = "smtp_mail",
    .view = "smtp_mails",
    .doc = "one mail that was begun in an SMTP session",
    .kind = RECORD_VIEW_SESSION,
    .replaces = true,
    .columns = smtp_mail_row_columns,
    .column_count = RECORD_COLUMN_COUNT(smtp_mail_row_columns),
    .index = "flow_id",
};

const struct record_table smtp_recipient_table = {
    .table = "smtp_recipient",
    .view = "smtp_recipients",
    .doc = "one recipient of a mail's envelope",
    .kind = RECORD_VIEW_PLAIN,
    .columns = smtp_recipient_columns,
    .column_count = RECORD_COLUMN_COUNT(smtp_recipient_columns),
    .index = "mail_id",
};

const struct record_table smtp_url_table = {
    .table = "smtp_url",
    .view = "smtp_urls",
    .doc = "one URL that a mail shows in its texts",
    .kind = RECORD_VIEW_PLAIN,
    .columns = smtp_url_columns,
    .column_count = RECORD_COLUMN_COUNT(smtp_url_columns),
    .index = "mail_id",
};

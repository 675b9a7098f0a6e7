/*
 * file.h - one file that moved in a session: an FTP transfer, an attachment of a
 * mail, a message's payload. Several dissectors write it.
 */
#ifndef WIRESCRIBE_BASE_FILE_H
#define WIRESCRIBE_BASE_FILE_H

#include "base/record.h"

#define FILE_RECORD(COLUMN, LATER, R) \
    COLUMN(R, integer, file_id, "unique in the database, from 1") \
    COLUMN(R, integer, flow_id, "the session that moved it: flows.flow_id; of an FTP file the control connection, whose ftp_transfers name the data connection") \
    COLUMN(R, text, source, "the protocol that moved it: 'smtp', 'ftp', 'websocket' or 'rdp'") \
    COLUMN(R, integer, mail_id, "the mail that it was attached to: smtp_mails.mail_id") \
    COLUMN(R, text, from_side, "which side of that session sent it: 'client' or 'server'") \
    COLUMN(R, text, name, "its name as the protocol gives it, without directories; of an attachment decoded; NULL for a mail's bodies and where none is given") \
    COLUMN(R, text, declared_type, "the media type that the sender declared") \
    COLUMN(R, text, mime_type, "the media type told from its first bytes; NULL where those are not there, or the transfer was resumed or appended") \
    COLUMN(R, integer, size, "its bytes, after the transfer encoding was removed, those that are missing in the capture included; NULL where that cannot be told") \
    COLUMN(R, integer, missing, "its bytes that are known to be missing from the capture; of a mail's part as they were encoded") \
    COLUMN(R, boolean, complete, "1 where the protocol says that it is whole and nothing is missing, 0 where it was refused, broken off or has missing bytes; of a mail's part that its end was seen, whatever became of the mail") \
    COLUMN(R, text, sha256, "SHA-256 of its content in hex; not of a file that was broken off or has missing bytes") \
    COLUMN(R, text, stored_path, "where its content was stored: --store-files; NULL where it was not")

RECORD_STRUCT(file_record, FILE_RECORD);

/* The table `file`, its view is `files`. */
extern const struct record_table file_table;

#endif

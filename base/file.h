/*
 * file.h - the record of one file that travelled: an attachment, a transfer.
 */
#ifndef WIRESCRIBE_BASE_FILE_H
#define WIRESCRIBE_BASE_FILE_H

#include "base/record.h"

#define FILE_RECORD(COLUMN, LATER, R) \
    COLUMN(R, integer, file_id, "unique in the database") \
    COLUMN(R, integer, flow_id, RECORD_DOC_FLOW_ID) \
    COLUMN(R, boolean, encrypted, RECORD_DOC_ENCRYPTED) \
    COLUMN(R, text, source, "'smtp', 'ftp', 'websocket' or 'rdp'") \
    LATER(R, integer, mail_id, "the mail that it was attached to: smtp_mails.mail_id") \
    COLUMN(R, text, from_side, "who sent it: 'client' or 'server'") \
    COLUMN(R, text, name, "its name as the protocol gave it, without directories") \
    LATER(R, text, declared_type, "the media type that the sender declared") \
    LATER(R, text, mime_type, "the media type that its content shows") \
    COLUMN(R, integer, size, "bytes, those that are missing in the capture included") \
    COLUMN(R, integer, missing, "bytes of it that are not in the capture") \
    COLUMN(R, boolean, complete, "1 where it was seen from the first byte to the last and the protocol says that it is whole") \
    LATER(R, text, sha256, "of its content, where nothing is missing") \
    LATER(R, text, stored_path, "where its content was stored")

RECORD_STRUCT(file_record, FILE_RECORD);

/* The table `file`, view `files`. */
extern const struct record_table file_table;

#endif

/* file.c - see file.h */
#include "base/file.h"

RECORD_COLUMNS(file_record, FILE_RECORD);

const struct record_table file_table = {
    .table = "file",
    .view = "files",
    .doc = "one file that moved in a session",
    .kind = RECORD_VIEW_SESSION,
    .replaces = true,
    .columns = file_record_columns,
    .column_count = RECORD_COLUMN_COUNT(file_record_columns),
    .index = "flow_id",
};

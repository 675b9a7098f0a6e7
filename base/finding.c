/* finding.c - see finding.h */
#include "base/finding.h"

RECORD_COLUMNS(finding, FINDING);

const struct record_table finding_table = {
    .table = "finding",
    .view = NULL, /* hand-written: it adds the two addresses */
    .doc = "one finding about a flow",
    .kind = RECORD_VIEW_PLAIN,
    .columns = finding_columns,
    .column_count = RECORD_COLUMN_COUNT(finding_columns),
    .index = "flow_id",
};

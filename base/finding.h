/*
 * finding.h - one finding: something that a person who watches the network wants to know.
 */
#ifndef WIRESCRIBE_BASE_FINDING_H
#define WIRESCRIBE_BASE_FINDING_H

#include "base/record.h"

#define FINDING(COLUMN, LATER, R) \
    COLUMN(R, integer, flow_id, RECORD_DOC_FLOW_ID) \
    COLUMN(R, integer, time_us, "when it was seen; microseconds since the epoch, UTC") \
    COLUMN(R, text, severity, "'info', 'notice', 'warning' or 'alarm'") \
    COLUMN(R, text, name, "what was found, one fixed word: 'tcp_overlap_differs', 'unit_too_long', ...") \
    COLUMN(R, text, detail, "the particulars, for a person to read")

RECORD_STRUCT(finding, FINDING);

/* The table `finding`. Its view adds client_ip and server_ip. */
extern const struct record_table finding_table;

#endif

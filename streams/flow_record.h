/* flow_record.h - writes the row of a flow that is over. */
#ifndef WIRESCRIBE_STREAMS_FLOW_RECORD_H
#define WIRESCRIBE_STREAMS_FLOW_RECORD_H

#include "streams/flow_table.h"
#include "streams/naming.h"

/* `naming` may be NULL. `write` gets the row of flow_table. */
void flow_record_write(const struct flow *flow, struct naming *naming, void *context,
                       void (*write)(void *context, const struct record_table *table, const void *record));

#endif

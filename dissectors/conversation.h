/*
 * conversation.h - runs the dissectors: identification, unread rests, gaps, hand-overs.
 */
#ifndef WIRESCRIBE_DISSECTORS_CONVERSATION_H
#define WIRESCRIBE_DISSECTORS_CONVERSATION_H

#include "base/flow.h"

/* The functions that the streams stage calls; main.c hands them over. */
extern const struct stream_reader conversation_reader;

/* Every table that any dissector writes, `finding` not included; `count` out. Valid for ever; call it before the threads start. */
const struct record_table *const *conversation_tables(size_t *count);

#endif

/*
 * registry.c - the list of dissectors: the one place to add a line to for a new protocol.
 */
#include "dissectors/dissector.h"

const struct dissector *const dissectors[] = {
    NULL,
};

/*
 * registry.c - the list of dissectors: the one place to add a line to for a new protocol. Tables, and so the rows of
 * cases, stand in the order in which they are named here first.
 */
#include "dissectors/dissector.h"

#define DISSECTORS(DISSECTOR) \
    DISSECTOR(ftp) \
    DISSECTOR(http) \
    DISSECTOR(http2) \
    DISSECTOR(rdp) \
    DISSECTOR(rdpeudp) \
    DISSECTOR(smtp) \
    DISSECTOR(ssh) \
    DISSECTOR(tls) \
    DISSECTOR(dtls) \
    DISSECTOR(websocket)

#define DECLARE(PROTOCOL) extern const struct dissector PROTOCOL##_dissector;
#define LIST(PROTOCOL) &PROTOCOL##_dissector,

DISSECTORS(DECLARE)

const struct dissector *const dissectors[] = {
    DISSECTORS(LIST)
    NULL,
};

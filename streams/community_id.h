/*
 * community_id.h - Community ID version 1 of a flow, with seed 0: the text by which other tools name it too.
 * Source: the Community ID specification (corelight/community-id-spec).
 */
#ifndef WIRESCRIBE_STREAMS_COMMUNITY_ID_H
#define WIRESCRIBE_STREAMS_COMMUNITY_ID_H

#include "base/address.h"

#define COMMUNITY_ID_SIZE 31 /* "1:", 28 letters of Base64, NUL */

/*
 * Writes "1:..." for the endpoints of one packet's direction. Protocols without ports: has_ports false.
 * For ICMP the ports are type and code. False if the digest cannot be computed.
 */
bool community_id(const struct address *source, const struct address *destination, uint8_t protocol, bool has_ports, uint16_t source_port,
                  uint16_t destination_port, char text[COMMUNITY_ID_SIZE]);

#endif

/*
 * rdp_peers.h - which RDP session two hosts have at present, for the UDP flows that belong to it.
 *
 * All flows between two hosts meet in one worker, so each worker remembers its own; a bounded table, in which a newer
 * session takes the place of an older one.
 */
#ifndef WIRESCRIBE_DISSECTORS_RDP_PEERS_H
#define WIRESCRIBE_DISSECTORS_RDP_PEERS_H

#include "dissectors/dissector.h"

/* Pairs of hosts that are remembered; a new pair may take the place of another one. */
#define RDP_PEERS_LIMIT 1024

struct rdp_peers;

/* One a worker. NULL when out of memory: then nothing is remembered; the functions take it. */
struct rdp_peers *rdp_peers_new(void);
void rdp_peers_free(struct rdp_peers *peers);

/* This flow is the newest RDP session of its client at its server. */
void rdp_peers_begin(struct conversation *conversation);
/* It is over. */
void rdp_peers_end(struct conversation *conversation);

/* The flow of the newest session that this flow's client has at its server; 0: there is none. */
int64_t rdp_peers_find(const struct conversation *conversation);

#endif

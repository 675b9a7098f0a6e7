/*
 * rdp_mppc.h - MPPC, the bulk compression of RDP 4.0 and 5.0 ([MS-RDPBCGR] 3.1.8; RFC 2118 with a larger history).
 */
#ifndef WIRESCRIBE_DISSECTORS_RDP_MPPC_H
#define WIRESCRIBE_DISSECTORS_RDP_MPPC_H

#include "base/bytes.h"

enum rdp_compression { /* the lower 4 bits of the compression flags */
    RDP_COMPRESSION_8K = 0,
    RDP_COMPRESSION_64K = 1,
    RDP_COMPRESSION_NCRUSH = 2, /* RDP 6.0: not read */
    RDP_COMPRESSION_XCRUSH = 3, /* RDP 6.1: not read */
};

enum rdp_compression_flag {
    RDP_PACKET_COMPRESSED = 0x20,
    RDP_PACKET_AT_FRONT = 0x40,
    RDP_PACKET_FLUSHED = 0x80,
};

/* What one side has sent so far, up to 64 KiB of it: its compressed packets refer to it. */
struct rdp_mppc;

/* NULL when out of memory; that is taken by every function. */
struct rdp_mppc *rdp_mppc_new(void);
void rdp_mppc_free(struct rdp_mppc *mppc);

/* Packets of that side are missing: nothing can be read until one that starts afresh. */
void rdp_mppc_lost(struct rdp_mppc *mppc);

/*
 * Undoes the compression of one packet. `flags`: the enums above. True: `*plain` is what was compressed, or `packet` itself where it was not;
 * borrowed until the next call. False: it cannot be read.
 */
bool rdp_mppc_read(struct rdp_mppc *mppc, uint8_t flags, struct bytes packet, struct bytes *plain);

#endif

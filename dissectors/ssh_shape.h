/*
 * ssh_shape.h - what can be told of encrypted SSH from its sizes: one side's bytes behind its NEWKEYS, cut into packets
 * where their boundaries are known, and into bursts where they are not.
 *
 * Nothing is kept but counters: a session costs sizeof(struct ssh_shape), however long it lasts.
 */
#ifndef WIRESCRIBE_DISSECTORS_SSH_SHAPE_H
#define WIRESCRIBE_DISSECTORS_SSH_SHAPE_H

#include "base/cursor.h"
#include "base/flow.h"

/* Where a packet's length field (RFC 4253, 6) stands. */
enum ssh_length_field {
    SSH_LENGTH_UNKNOWN, /* an algorithm that is not known here, or not seen: there are bursts and no more */
    SSH_LENGTH_CLEAR,   /* readable: the MACs ...-etm@openssh.com, AES-GCM */
    SSH_LENGTH_HIDDEN,  /* encrypted: with the rest (CBC, CTR with a MAC of the plain text), or apart (ChaCha20) */
};

enum ssh_compression {
    SSH_COMPRESSION_NONE,
    SSH_COMPRESSION_AT_ONCE,     /* zlib: from NEWKEYS on */
    SSH_COMPRESSION_AFTER_LOGIN, /* zlib@openssh.com: from USERAUTH_SUCCESS on */
    SSH_COMPRESSION_UNKNOWN,
};

/*
 * How one direction's packets are built. On the wire each is
 *     `outside` bytes that are not padded to the block, a multiple of `block`, `mac` bytes.
 */
struct ssh_layout {
    enum ssh_length_field length_field;
    enum ssh_compression compression;
    uint8_t outside; /* 4 where the length field is not encrypted with the packet, else 0 */
    uint8_t block;
    uint8_t mac;
};

/* By the negotiated names of one direction; `mac` is not used where the cipher authenticates. Names that are not known, or empty: SSH_LENGTH_UNKNOWN. */
struct ssh_layout ssh_layout_of(struct bytes cipher, struct bytes mac, struct bytes compression);

/* The bytes on the wire of a packet with that payload and no more padding than it needs; 0 where the layout is unknown. */
uint32_t ssh_layout_wire(const struct ssh_layout *layout, uint32_t payload);

/* What the payload of one packet of that many bytes on the wire can be, as in struct ssh_unit. */
void ssh_layout_payload(const struct ssh_layout *layout, uint32_t wire_length, uint32_t *low, uint32_t *high);

/* What one side sent in one go after NEWKEYS: one SSH packet where its boundaries are known, else a burst. */
struct ssh_unit {
    enum side from;
    int64_t time_us;      /* of its first byte */
    int64_t end_us;       /* of its last byte */
    uint32_t wire_length; /* all its bytes on the wire, length field and MAC included */
    bool is_packet;       /* exactly one packet, its boundaries read from a length field in the clear, or certain by its size */
    /*
     * The payload (RFC 4253, 6: message number and what follows) has at least `payload_low` bytes and at most
     * `payload_high`; of a burst: if it were one packet. The upper bound always holds; the lower one holds of senders that pad
     * no more than they need (all that are known do, OpenSSH and PuTTY but for what holds a password).
     */
    uint32_t payload_low;
    uint32_t payload_high;
    /* It can be so many packets: packets_low, and packets_step more, and so on. 0: not known. Both 1 of a packet. */
    uint32_t packets_low;
    uint32_t packets_step;
    bool after_gap;     /* bytes of this side are missing right before it */
    bool is_compressed; /* the payload's length is that of compressed bytes, or may be */
};

/*
 * A burst is what one side sent without a pause and without the other side speaking: bytes of the same capture time are one
 * burst, full segments that follow one another at once too, and bytes that can not be whole packets wait for the rest.
 */
#define SSH_BURST_SEGMENT 1200              /* as many bytes at one time are a full segment: more of the same may follow */
#define SSH_BURST_PAUSE_US ((int64_t)20000) /* and it is a pause when nothing follows for so long */
#define SSH_BURST_LIMIT ((uint32_t)1 << 30) /* longer ones are cut */
#define SSH_SHAPE_PACKET_LIMIT (256u << 10) /* the longest packet, as OpenSSH takes it */

struct ssh_shape_side {
    struct ssh_layout layout;
    bool has_begun;    /* its NEWKEYS was seen */
    bool is_searching; /* lengths in the clear, and the next packet's start was lost */
    bool after_gap;
    uint8_t length_bytes; /* of the length field that were read */
    uint32_t length;      /* those bytes; while searching: the newest four */
    uint32_t left;        /* of the packet, MAC included; while searching: of the candidate */
    bool has_candidate;   /* searching: a length field that may be one, to be confirmed by the next */
    struct ssh_unit candidate;
    struct ssh_unit open; /* the packet or burst that is being received; wire_length 0: none */
    uint32_t segment;     /* bytes of the open burst at its newest time */
    uint32_t before;      /* bytes in the clear at the time of the first ones */
    uint64_t payload;     /* see ssh_shape_payload */
};

struct ssh_shape {
    struct ssh_shape_side side[SIDE_COUNT];
    bool is_authenticated; /* set by whoever knows that USERAUTH_SUCCESS was seen: compression may begin there */
};

/*
 * This side's NEWKEYS was seen: its next byte is the first of the encrypted ones; `after_gap` where bytes are missing between.
 * `before` bytes of the side came at the same time before them: a segment that they fill may end inside what follows.
 */
void ssh_shape_begin(struct ssh_shape *shape, enum side from, const struct ssh_layout *layout, bool after_gap, uint32_t before);

/*
 * Bytes of one side at that capture time, to be called until it answers false: true where a unit has ended, with the rest of
 * the bytes to follow; false when all are taken. The units of both sides come in the order in which they ended.
 */
bool ssh_shape_take(struct ssh_shape *shape, enum side from, struct cursor *bytes, int64_t time_us, struct ssh_unit *unit);

/* `*count` bytes of one side are missing. To be called until it answers false, as above; it sets *count to 0 when they are taken in. */
bool ssh_shape_gap(struct ssh_shape *shape, enum side from, uint64_t *count, struct ssh_unit *unit);

/* Nothing more comes of this side: the units that were still open, until it answers false. */
bool ssh_shape_end(struct ssh_shape *shape, enum side from, struct ssh_unit *unit);

/*
 * The payload bytes of one side since its NEWKEYS: what is left of each packet without its length field, MAC and the five bytes of
 * padding and its length that each has at least (so up to block-1 bytes a packet too many). Of a burst: as if it were
 * as few packets as it can be. Missing bytes count as they are. False where the layout is not known.
 */
bool ssh_shape_payload(const struct ssh_shape *shape, enum side from, uint64_t *payload);

#endif

/*
 * packet.h - one decoded packet, and the batches in which packets travel from the
 * capture thread to the workers.
 */
#ifndef WIRESCRIBE_BASE_PACKET_H
#define WIRESCRIBE_BASE_PACKET_H

#include "base/address.h"
#include "base/bytes.h"
#include "base/tunnel.h"

/* IP protocol numbers that the program treats by name (IANA "Protocol Numbers"). */
enum ip_protocol {
    IP_PROTOCOL_ICMP = 1,
    IP_PROTOCOL_IGMP = 2,
    IP_PROTOCOL_IPV4 = 4,
    IP_PROTOCOL_TCP = 6,
    IP_PROTOCOL_UDP = 17,
    IP_PROTOCOL_IPV6 = 41,
    IP_PROTOCOL_GRE = 47,
    IP_PROTOCOL_ESP = 50,
    IP_PROTOCOL_AH = 51,
    IP_PROTOCOL_ICMP6 = 58,
    IP_PROTOCOL_NONE = 59,
    IP_PROTOCOL_SCTP = 132,
    IP_PROTOCOL_UDPLITE = 136,
    IP_PROTOCOL_MPLS = 137,
};

/* TCP flags (RFC 9293, section 3.1). */
enum tcp_flag {
    TCP_FIN = 0x01,
    TCP_SYN = 0x02,
    TCP_RST = 0x04,
    TCP_PSH = 0x08,
    TCP_ACK = 0x10,
    TCP_URG = 0x20,
};

/* What the checksums of a packet's innermost IP and transport headers say. */
enum checksum_state {
    CHECKSUM_UNCHECKED, /* cut short by the capture, a fragment, or a protocol without one */
    CHECKSUM_GOOD,
    CHECKSUM_OFFLOADED, /* wrong as a sender leaves it for its network card to fill in: 0, or the pseudo-header's sum alone */
    CHECKSUM_WRONG,
};

/*
 * Which of two copies of a byte its receiver kept, where segments or fragments overlap with different contents. Bytes
 * that a host had in order already are its application's, and no policy changes them.
 */
enum overlap_policy {
    OVERLAP_LINUX,   /* the copy that begins earlier; of two that begin at the same place, the longer. Fragments: drops the datagram */
    OVERLAP_FIRST,   /* the copy that came first */
    OVERLAP_LAST,    /* the copy that came last */
    OVERLAP_WINDOWS, /* since Vista: as OVERLAP_FIRST; older ones as OVERLAP_BSD. Fragments: drops the datagram */
    OVERLAP_BSD,     /* the copy that begins earlier; of two that begin at the same place, the first */
    OVERLAP_POLICIES,
};

/* What came of decoding one frame. Everything but DECODED has no flow. */
enum decode_result {
    DECODED,          /* an IP packet; fields below are filled */
    DECODED_NOT_IP,   /* a good frame of something else: ARP, LLDP, ... */
    DECODE_SHORT,     /* cut off inside a header */
    DECODE_BAD,       /* a header that contradicts itself: version, length */
    DECODE_LINK_TYPE, /* a link type that the program does not know */
    DECODE_RESULTS,
};

/* The TCP options that matter to the streams stage (RFC 7323). */
struct tcp_options {
    uint32_t timestamp; /* TSval */
    bool has_timestamp;
    bool has_shift;
    uint8_t shift; /* of the window, at most 14 */
};

/* Where a frame's record stands. */
struct packet_place {
    int64_t capture_id;
    uint64_t position; /* of its record in the (uncompressed) capture file */
};

/*
 * A decoded packet. All lengths are bytes. Offsets count from `frame.at`.
 */
struct packet {
    int64_t time_us;     /* microseconds since the epoch, UTC */
    int64_t clock_us;    /* the same as a clock that never runs backwards (base/clock.h): what timeouts go by */
    int64_t capture_id;  /* captures.capture_id */
    uint64_t position;   /* where its record starts in the (uncompressed) capture file; 0 for a device */
    struct bytes frame;  /* what was captured, from the link header on; of a datagram put together from fragments, its IP packet */
    const struct packet_place *places; /* the frames that such a datagram came in; NULL: the packet is one frame */
    unsigned place_count;
    uint32_t wire_length; /* of the frame, as it was on the wire */

    uint8_t decoded;     /* enum decode_result */
    bool has_vlan;
    uint16_t vlan;       /* innermost 802.1Q VLAN id */

    /* innermost IP header */
    struct address source;
    struct address destination;
    uint8_t protocol;    /* of the header behind the IP header and its extensions */
    uint8_t ttl;
    bool is_fragment;    /* part of a datagram: no transport fields; see fragment_* */
    bool has_more_fragments;
    uint32_t fragment_id;
    uint16_t fragment_offset; /* in bytes */
    struct bytes ip;     /* from the IP header to the end of the IP packet, as far as captured */

    /* transport header (not for fragments) */
    bool has_transport;  /* the fields below are filled */
    uint16_t source_port;      /* ICMP: type */
    uint16_t destination_port; /* ICMP: code */
    uint32_t sequence;   /* TCP */
    uint32_t acknowledgment;
    uint8_t tcp_flags;
    uint16_t window;     /* as the header has it, not scaled */
    uint16_t urgent;     /* the urgent pointer; meaningful with TCP_URG only */
    uint16_t checksum_field; /* TCP: as the header has it */
    uint8_t checksum;    /* enum checksum_state */
    struct tcp_options options; /* TCP */
    uint32_t payload_length; /* as the headers state it (>= payload.length; more where the capture cut packets short) */
    struct bytes payload;    /* as captured */

    struct tunnel_path tunnel; /* the headers around the innermost IP header; workers get it only where there are any */

    /* from here on for the capture stage alone */
    uint64_t anomalies;  /* bits 1 << enum decode_anomaly */
    struct bytes network_payload; /* behind the IP header and its extensions, as far as captured */
    uint32_t network_payload_length; /* the same, as the IP header states it (>= captured) */
};

#define PACKET_BATCH_PACKETS 512
#define PACKET_BATCH_BYTES (256u << 10)

/*
 * Packets for one worker. The frames lie in `bytes`, copied once from the file's or
 * the device's buffer; a frame longer than that is given a batch of its own whose
 * `bytes` were made larger. The worker hands the batch back when it is done with it.
 */
struct packet_batch {
    size_t count;
    size_t used;     /* of bytes */
    size_t capacity; /* of bytes */
    uint8_t *bytes;  /* owned */
    bool is_tick;    /* live: write out what is ready even if the batch is empty */
    int64_t now_us;  /* up to where timeouts may run, by the clock of clock_us */
    /* filled by the worker before it hands the batch back, for the progress display */
    uint64_t worker_flows;
    struct packet packets[PACKET_BATCH_PACKETS];
};

#endif

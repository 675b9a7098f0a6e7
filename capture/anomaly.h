/*
 * anomaly.h - what may be wrong with a packet's headers, and the table `anomaly` that counts it.
 *
 * An anomaly never ends the run: the packet is followed as far as its headers can be believed.
 */
#ifndef WIRESCRIBE_CAPTURE_ANOMALY_H
#define WIRESCRIBE_CAPTURE_ANOMALY_H

#include "base/packet.h"
#include "base/record.h"

/* KIND(name in C, anomalies.name, anomalies.explanation) */
#define DECODE_ANOMALIES(KIND) \
    KIND(ANOMALY_FRAME_CUT, "frame_cut", "the capture holds fewer bytes than the frame had on the wire") \
    KIND(ANOMALY_LINK_TYPE, "link_type", "a link type that wirescribe does not decode") \
    KIND(ANOMALY_LINK_CUT, "link_header_cut", "the frame ends inside a header below IP") \
    KIND(ANOMALY_LINK_HEADER, "link_header", "a header below IP contradicts itself") \
    KIND(ANOMALY_RADIO_DAMAGE, "radio_damage", "802.11: the receiver found the frame's check sequence wrong; it is not decoded") \
    KIND(ANOMALY_RADIO_AGGREGATE, "radio_aggregate", "802.11: an A-MSDU holds several packets; only the first is decoded") \
    KIND(ANOMALY_VLAN_LIMIT, "vlan_limit", "more VLAN tags than are followed") \
    KIND(ANOMALY_MPLS_LIMIT, "mpls_limit", "more MPLS labels than are followed") \
    KIND(ANOMALY_TUNNEL_LIMIT, "tunnel_limit", "more tunnels inside each other than are followed") \
    KIND(ANOMALY_LAYER_LIMIT, "layer_limit", "more headers inside each other than are followed") \
    KIND(ANOMALY_PPPOE, "pppoe", "PPPoE: not version 1 and type 1, a code of none in the session stage, or a length beyond the frame") \
    KIND(ANOMALY_GRE_VERSION, "gre_version", "GRE: a version other than 0 and 1") \
    KIND(ANOMALY_GRE_HEADER, "gre_header", "GRE: reserved flags, version 1 without PPP or key, or fields beyond the packet") \
    KIND(ANOMALY_ERSPAN, "erspan", "ERSPAN: a version that does not fit its GRE type, or a header beyond the packet") \
    KIND(ANOMALY_AH, "ah", "authentication header: a length below its fields or beyond the packet") \
    KIND(ANOMALY_IP_VERSION, "ip_version", "an IP version that is not 4 or 6, or not what the header before announced") \
    KIND(ANOMALY_IP_CUT, "ip_header_cut", "the bytes end inside the IP header") \
    KIND(ANOMALY_IPV4_HEADER_LENGTH, "ipv4_header_length", "IPv4: a header length below 20 bytes or above the total length") \
    KIND(ANOMALY_IPV4_TOTAL_LENGTH, "ipv4_total_length", "IPv4: a total length beyond what carries the packet") \
    KIND(ANOMALY_IPV6_LENGTH, "ipv6_length", "IPv6: a payload length beyond what carries the packet, or a jumbo length that may not be") \
    KIND(ANOMALY_IPV6_EXTENSION, "ipv6_extension", "IPv6: an extension header that is cut off or ends behind the packet") \
    KIND(ANOMALY_IPV6_EXTENSION_LIMIT, "ipv6_extension_limit", "IPv6: more extension headers than are followed") \
    KIND(ANOMALY_FRAGMENT_FORGED, "fragment_forged", "a fragment that ends behind 64 KiB, is empty, or is not the last and no multiple of 8 bytes") \
    KIND(ANOMALY_FRAGMENT_OVERLAP, "fragment_overlap", "a fragment that overlaps another one of its datagram") \
    KIND(ANOMALY_FRAGMENT_DROPPED, "fragment_dropped", "... for which the receiving host drops the datagram") \
    KIND(ANOMALY_FRAGMENTS_INCOMPLETE, "fragments_incomplete", "fragmented datagrams that never became whole, or were dropped") \
    KIND(ANOMALY_TRANSPORT_CUT, "transport_header_cut", "the captured bytes end inside the transport header") \
    KIND(ANOMALY_TRANSPORT_SHORT, "transport_short", "the IP packet is too short for its transport header") \
    KIND(ANOMALY_TCP_HEADER_LENGTH, "tcp_header_length", "TCP: a header length below 20 bytes or beyond the segment") \
    KIND(ANOMALY_UDP_LENGTH, "udp_length", "UDP: a length below 8 or beyond the IP packet") \
    KIND(ANOMALY_IPV4_CHECKSUM_WRONG, "ipv4_checksum_wrong", "IPv4: the header's checksum is wrong") \
    KIND(ANOMALY_IPV4_CHECKSUM_OFFLOADED, "ipv4_checksum_offloaded", "IPv4: the header's checksum is 0: left to the sender's network card") \
    KIND(ANOMALY_TCP_CHECKSUM_WRONG, "tcp_checksum_wrong", "TCP: the checksum is wrong") \
    KIND(ANOMALY_TCP_CHECKSUM_OFFLOADED, "tcp_checksum_offloaded", "TCP: the checksum was left to the sender's network card") \
    KIND(ANOMALY_UDP_CHECKSUM_WRONG, "udp_checksum_wrong", "UDP: the checksum is wrong") \
    KIND(ANOMALY_UDP_CHECKSUM_OFFLOADED, "udp_checksum_offloaded", "UDP: the checksum was left to the sender's network card") \
    KIND(ANOMALY_ICMP_CHECKSUM_WRONG, "icmp_checksum_wrong", "ICMP: the checksum is wrong") \
    KIND(ANOMALY_ICMP6_CHECKSUM_WRONG, "icmp6_checksum_wrong", "ICMPv6: the checksum is wrong") \
    KIND(ANOMALY_ICMP6_CHECKSUM_OFFLOADED, "icmp6_checksum_offloaded", "ICMPv6: the checksum was left to the sender's network card")

#define ANOMALY_MEMBER(NAME, TEXT, EXPLANATION) NAME,
enum decode_anomaly {
    DECODE_ANOMALIES(ANOMALY_MEMBER)
    ANOMALY_KINDS,
};
#undef ANOMALY_MEMBER
_Static_assert(ANOMALY_KINDS <= 64, "packet.anomalies has a bit for each kind");

static inline void packet_note(struct packet *packet, enum decode_anomaly kind)
{
    packet->anomalies |= UINT64_C(1) << kind;
}
static inline bool packet_has(const struct packet *packet, enum decode_anomaly kind)
{
    return (packet->anomalies >> kind & 1) != 0;
}

/* The name as anomalies.name shows it. */
const char *anomaly_name(enum decode_anomaly kind);

/* How often each kind was met in one capture. */
struct anomaly_counts {
    uint64_t packets[ANOMALY_KINDS];
    int64_t first_us[ANOMALY_KINDS]; /* of the kinds that have packets */
};

void anomaly_count(struct anomaly_counts *counts, const struct packet *packet);

/* The same for something that has no packet of its own. */
void anomaly_add(struct anomaly_counts *counts, enum decode_anomaly kind, uint64_t count, int64_t time_us);

/*
 * Writes the row of a count that another stage kept over a whole run. `number` tells the counts of a run apart (below 400); the
 * run is known by its first capture.
 */
void anomaly_write_total(int64_t first_capture_id, unsigned number, const char *stage, const char *name, uint64_t count, const char *explanation,
                         void *context, void (*write)(void *context, const struct record_table *table, const void *record));

/* Writes a row of anomaly_table for each kind that was met; a later row of that capture and kind replaces it. */
void anomaly_write(const struct anomaly_counts *counts, int64_t capture_id, void *context,
                   void (*write)(void *context, const struct record_table *table, const void *record));

extern const struct record_table anomaly_table;

#endif

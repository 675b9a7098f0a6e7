/*
 * flow_record.c - the table `flow`: one row a flow, written when it is over.
 *
 * `state` follows the conn_state of Zeek's conn.log, so that queries can be brought along.
 */
#include "streams/flow_record.h"

#include "streams/community_id.h"
#include "streams/streams.h"

#include <stdio.h>

#define FLOW(COLUMN, LATER, R) \
    COLUMN(R, integer, flow_id, "1.. in the order of the flows' first packets where one worker ran; unique in any case") \
    COLUMN(R, integer, capture_id, "the capture that holds its first packet: captures.capture_id") \
    COLUMN(R, integer, start_us, "first packet; microseconds since the epoch, UTC") \
    COLUMN(R, integer, end_us, "last packet") \
    COLUMN(R, text, transport, "'tcp', 'udp', 'sctp', 'icmp', 'icmp6', 'igmp', 'gre', 'esp', ...; else the IP protocol number") \
    COLUMN(R, text, client_ip, "the side that opened the connection") \
    COLUMN(R, integer, client_port, "ICMP: the type; NULL for protocols without ports") \
    COLUMN(R, text, server_ip, "the other side") \
    COLUMN(R, integer, server_port, "ICMP: the code; NULL for protocols without ports") \
    COLUMN(R, boolean, client_guessed, "1 where neither a SYN nor the protocol told who opened it: then by port and by who was seen first") \
    COLUMN(R, integer, vlan, "innermost 802.1Q VLAN id of its first packet") \
    COLUMN(R, text, tunnel, "the tunnel headers around its first packet, outermost first, each with its id where it has one: 'pppoe 17 > 6in4'") \
    COLUMN(R, text, protocol, "what a dissector of wirescribe read in it, innermost: 'smtp', 'ssh', 'websocket', 'rdp', 'ftp', 'ftp_data', 'tls', 'http'") \
    COLUMN(R, text, ndpi_protocol, "what nDPI calls it, master before application: 'TLS.Google'") \
    COLUMN(R, text, ndpi_category, "nDPI's category of that protocol") \
    COLUMN(R, text, ndpi_risks, "the risks that nDPI noticed, joined by commas") \
    COLUMN(R, text, state, "S0 S1 SF REJ S2 S3 RSTO RSTR RSTOS0 RSTRH SH SHR OTH, as Zeek's conn_state") \
    COLUMN(R, integer, client_packets, "packets from the client; a datagram counts each of its fragments") \
    COLUMN(R, integer, server_packets, "packets from the server") \
    COLUMN(R, integer, client_bytes, "payload bytes from the client that were captured, each byte of a TCP stream once") \
    COLUMN(R, integer, server_bytes, "payload bytes from the server that were captured, each byte of a TCP stream once") \
    COLUMN(R, integer, client_missing, "payload bytes from the client that are known to have been sent but are not in the capture (gaps, and packets cut short)") \
    COLUMN(R, integer, server_missing, "the same from the server") \
    COLUMN(R, integer, client_retransmitted, "TCP segments from the client that repeated bytes seen before; NULL for other transports") \
    COLUMN(R, integer, server_retransmitted, "the same from the server") \
    COLUMN(R, integer, client_out_of_order, "TCP segments from the client that came behind a hole; NULL for other transports") \
    COLUMN(R, integer, server_out_of_order, "the same from the server") \
    COLUMN(R, integer, rtt_us, "TCP handshake: from the SYN to the acknowledgment of the SYN-ACK, as seen at the tap; microseconds") \
    COLUMN(R, text, community_id, "Community ID version 1, seed 0") \
    COLUMN(R, integer, parent_flow_id, "the FTP control flow of a data flow: flows.flow_id")

RECORD_STRUCT(flow_row, FLOW);
RECORD_COLUMNS(flow_row, FLOW);

const struct record_table flow_table = {
    .table = "flow",
    .view = NULL, /* hand-written: it adds start_time and duration */
    .doc = "one flow: the packets between two endpoints of one transport, from the first to the end or to a silence",
    .kind = RECORD_VIEW_PLAIN,
    .replaces = true,
    .columns = flow_row_columns,
    .column_count = RECORD_COLUMN_COUNT(flow_row_columns),
};

static const char *transport_name(uint8_t protocol, char number[8])
{
    switch (protocol) {
    case IP_PROTOCOL_ICMP:
        return "icmp";
    case IP_PROTOCOL_IGMP:
        return "igmp";
    case IP_PROTOCOL_TCP:
        return "tcp";
    case IP_PROTOCOL_UDP:
        return "udp";
    case IP_PROTOCOL_ICMP6:
        return "icmp6";
    case IP_PROTOCOL_SCTP:
        return "sctp";
    case 4:
        return "ipv4";
    case 41:
        return "ipv6";
    case 47:
        return "gre";
    case 50:
        return "esp";
    case 51:
        return "ah";
    case 88:
        return "eigrp";
    case 89:
        return "ospf";
    case 103:
        return "pim";
    case 112:
        return "vrrp";
    case 136:
        return "udplite";
    default:
        snprintf(number, 8, "%u", protocol);
        return number;
    }
}

static bool has_ports(uint8_t protocol)
{
    return protocol == IP_PROTOCOL_TCP || protocol == IP_PROTOCOL_UDP || protocol == IP_PROTOCOL_SCTP || protocol == IP_PROTOCOL_ICMP ||
           protocol == IP_PROTOCOL_ICMP6 || protocol == 136;
}

static const char *state_without_handshake(const struct tcp_seen *client, const struct tcp_seen *server)
{
    if (client->syn && client->reset)
        return "RSTOS0";
    if (client->syn && client->fin)
        return "SH";
    if (client->syn)
        return server->reset ? "REJ" : "S0";
    if (server->syn_ack && server->reset)
        return "RSTRH";
    if (server->syn_ack && server->fin)
        return "SHR";
    return "OTH";
}

static const char *tcp_state(const struct tcp_seen *client, const struct tcp_seen *server)
{
    if (!client->syn || !server->syn_ack)
        return state_without_handshake(client, server);
    if (client->reset)
        return "RSTO";
    if (server->reset)
        return "RSTR";
    if (client->fin && server->fin)
        return "SF";
    if (client->fin)
        return "S2";
    return server->fin ? "S3" : "S1";
}

static const char *flow_state(const struct flow *flow, enum endpoint client, enum endpoint server)
{
    if (flow->tcp != NULL)
        return tcp_state(&flow->tcp->seen[client], &flow->tcp->seen[server]);
    if (flow->key.protocol != IP_PROTOCOL_UDP)
        return "OTH";
    if (flow->packets[client] > 0 && flow->packets[server] > 0)
        return "SF";
    return flow->packets[client] > 0 ? "S0" : "SHR";
}

static struct record_text address_text(const struct address *address, char text[ADDRESS_TEXT_SIZE])
{
    return record_text(bytes_of(text, address_to_text(address, text)));
}

static void fill_counts(struct flow_row *row, const struct flow *flow, enum endpoint client, enum endpoint server)
{
    row->client_packets = record_integer((int64_t)flow->packets[client]);
    row->server_packets = record_integer((int64_t)flow->packets[server]);
    row->client_bytes = record_integer((int64_t)flow->bytes[client]);
    row->server_bytes = record_integer((int64_t)flow->bytes[server]);
    row->client_missing = record_integer((int64_t)flow->missing[client]);
    row->server_missing = record_integer((int64_t)flow->missing[server]);
    if (flow->tcp == NULL)
        return;
    row->client_retransmitted = record_integer((int64_t)flow->retransmitted[client]);
    row->server_retransmitted = record_integer((int64_t)flow->retransmitted[server]);
    row->client_out_of_order = record_integer((int64_t)flow->out_of_order[client]);
    row->server_out_of_order = record_integer((int64_t)flow->out_of_order[server]);
    if (flow->rtt_us >= 0)
        row->rtt_us = record_integer(flow->rtt_us);
}

static void fill_names(struct flow_row *row, const struct flow *flow, struct naming *naming, struct text *risks)
{
    struct naming_answer answer = {
        .master = flow->ndpi_master, .application = flow->ndpi_application, .category = flow->ndpi_category, .risks = flow->ndpi_risks};

    if (naming == NULL || !flow->is_named)
        return;
    row->ndpi_protocol = record_text_of(naming_protocol(naming, &answer));
    row->ndpi_category = record_text_of(naming_category(naming, &answer));
    naming_risks(&answer, risks);
    row->ndpi_risks = record_text_unless_empty(text_bytes(risks));
}

void flow_record_write(const struct flow *flow, struct naming *naming, void *context,
                       void (*write)(void *context, const struct record_table *table, const void *record))
{
    const struct flow_facts *facts = &flow->facts;
    enum endpoint client = flow_endpoint(flow, FROM_CLIENT);
    enum endpoint server = flow_endpoint(flow, FROM_SERVER);
    char client_text[ADDRESS_TEXT_SIZE];
    char server_text[ADDRESS_TEXT_SIZE];
    char number[8];
    char tunnel[TUNNEL_TEXT_SIZE];
    char id[COMMUNITY_ID_SIZE];
    struct text risks = {.limit = 2048};
    struct flow_row row = {
        .flow_id = record_integer(facts->flow_id),
        .capture_id = record_integer(facts->capture_id),
        .start_us = record_integer(facts->start_us),
        .end_us = record_integer(facts->last_us),
        .transport = record_text_of(transport_name(flow->key.protocol, number)),
        .client_ip = address_text(&facts->client, client_text),
        .server_ip = address_text(&facts->server, server_text),
        .client_guessed = record_boolean(facts->client_is_guessed),
        .protocol = record_text_of(facts->protocol),
        .state = record_text_of(flow_state(flow, client, server)),
    };

    if (has_ports(flow->key.protocol)) {
        row.client_port = record_integer(facts->client_port);
        row.server_port = record_integer(facts->server_port);
    }
    if (flow->has_vlan)
        row.vlan = record_integer(flow->vlan);
    if (flow->tunnel != NULL)
        row.tunnel = record_text(bytes_of(tunnel, tunnel_to_text(flow->tunnel, tunnel)));
    if (facts->parent_flow_id != 0)
        row.parent_flow_id = record_integer(facts->parent_flow_id);
    if (community_id(&facts->client, &facts->server, flow->key.protocol, has_ports(flow->key.protocol), facts->client_port, facts->server_port, id))
        row.community_id = record_text_of(id);
    fill_counts(&row, flow, client, server);
    fill_names(&row, flow, naming, &risks);
    write(context, &flow_table, &row);
    text_free(&risks);
}

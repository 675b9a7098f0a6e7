/*
 * views.c - the public views that are written by hand: what flows add up to.
 * See schema.h; the views of one table are made from its record in schema.c.
 */
#include "store/schema.h"

#define COLUMNS_OF(LIST) (sizeof(LIST) / sizeof((LIST)[0]))

#define DOC_FIRST_US "start of its first flow; microseconds since the epoch, UTC"
#define DOC_LAST_US "end of its last flow; microseconds since the epoch, UTC"
#define DOC_FIRST_TIME "first_us as ISO 8601 text, UTC"
#define DOC_LAST_TIME "last_us as ISO 8601 text, UTC"
#define DOC_PROTOCOLS "the protocols of its flows, joined by commas: as a dissector of wirescribe read them, else as nDPI names them"

/* The name by which the views count a flow's protocol. */
#define PROTOCOL_NAME "coalesce(protocol, ndpi_protocol)"

const struct view_column session_view_columns[] = {
    {"flow_id", RECORD_INTEGER, false, NULL, RECORD_DOC_FLOW_ID},
    {"start_time", RECORD_TEXT, false, VIEW_ISO_TIME("f.start_us"), "start of the flow as ISO 8601 text, UTC"},
    {"start_us", RECORD_INTEGER, false, "f.start_us", "start of the flow; microseconds since the epoch, UTC"},
    {"duration", RECORD_REAL, false, "(f.end_us - f.start_us) / 1e6", "of the flow, from its first to its last packet; seconds"},
    {"client_ip", RECORD_TEXT, false, "f.client_ip", "the side that opened the connection"},
    {"client_port", RECORD_INTEGER, false, "f.client_port", "its port"},
    {"server_ip", RECORD_TEXT, false, "f.server_ip", "the other side"},
    {"server_port", RECORD_INTEGER, false, "f.server_port", "its port"},
    {"community_id", RECORD_TEXT, false, "f.community_id", "Community ID of the flow"},
};
const size_t session_view_column_count = COLUMNS_OF(session_view_columns);

const struct view_column sessions_columns[] = {
    {"flow_id", RECORD_INTEGER, false, "s.flow_id", RECORD_DOC_FLOW_ID},
    {"protocol", RECORD_TEXT, false, NULL, "which protocol; its own view holds the particulars"},
    {"start_time", RECORD_TEXT, false, "s.start_time", "start of the flow as ISO 8601 text, UTC"},
    {"start_us", RECORD_INTEGER, false, "s.start_us", "start of the flow; microseconds since the epoch, UTC"},
    {"duration", RECORD_REAL, false, "s.duration", "of the flow, from its first to its last packet; seconds"},
    {"client_ip", RECORD_TEXT, false, "s.client_ip", "the side that opened the connection"},
    {"client_port", RECORD_INTEGER, false, "s.client_port", "its port"},
    {"server_ip", RECORD_TEXT, false, "s.server_ip", "the other side"},
    {"server_port", RECORD_INTEGER, false, "s.server_port", "its port"},
    {"encrypted", RECORD_BOOLEAN, false, "s.encrypted", RECORD_DOC_ENCRYPTED},
    {"user", RECORD_TEXT, false, NULL, "who logged in or tried to; NULL where the protocol did not show it"},
    {"outcome", RECORD_TEXT, false, NULL, "how the session went, in one word"},
    {"summary", RECORD_TEXT, false, NULL, "what happened, in one line for a person to read"},
    {"bytes", RECORD_INTEGER, false, "f.client_bytes + f.server_bytes", "payload bytes of the flow, both sides together"},
};
const size_t sessions_column_count = COLUMNS_OF(sessions_columns);

static const struct view_column hosts_columns[] = {
    {"ip", RECORD_TEXT, false, "ip", "the address"},
    {"first_us", RECORD_INTEGER, false, "min(first_us)", DOC_FIRST_US},
    {"last_us", RECORD_INTEGER, false, "max(last_us)", DOC_LAST_US},
    {"flows_as_client", RECORD_INTEGER, false, "sum(as_client)", "flows that it opened"},
    {"flows_as_server", RECORD_INTEGER, false, "sum(as_server)", "flows that were opened to it"},
    {"bytes_sent", RECORD_INTEGER, false, "sum(sent)", "payload bytes from it"},
    {"bytes_received", RECORD_INTEGER, false, "sum(received)", "payload bytes to it"},
    {"protocols", RECORD_TEXT, false, "group_concat(name, ',')", DOC_PROTOCOLS},
    {"first_time", RECORD_TEXT, false, VIEW_ISO_TIME("min(first_us)"), DOC_FIRST_TIME},
    {"last_time", RECORD_TEXT, false, VIEW_ISO_TIME("max(last_us)"), DOC_LAST_TIME},
};
/* The inner GROUP BY leaves one row a host and protocol, in order: that makes `protocols` sorted and free of repetitions. */
#define HOSTS_FROM \
    "FROM (SELECT ip, name, min(start_us) AS first_us, max(end_us) AS last_us, sum(as_client) AS as_client,\n" \
    "        sum(as_server) AS as_server, sum(sent) AS sent, sum(received) AS received\n" \
    "    FROM (SELECT client_ip AS ip, " PROTOCOL_NAME " AS name, start_us, end_us, 1 AS as_client, 0 AS as_server,\n" \
    "            client_bytes AS sent, server_bytes AS received FROM flow\n" \
    "        UNION ALL SELECT server_ip, " PROTOCOL_NAME ", start_us, end_us, 0, 1, server_bytes, client_bytes FROM flow)\n" \
    "    GROUP BY ip, name ORDER BY ip, name)\n" \
    "GROUP BY ip"

static const struct view_column conversations_columns[] = {
    {"client_ip", RECORD_TEXT, false, "client_ip", "the side that opened the flows"},
    {"server_ip", RECORD_TEXT, false, "server_ip", "the other side"},
    {"first_us", RECORD_INTEGER, false, "min(first_us)", DOC_FIRST_US},
    {"last_us", RECORD_INTEGER, false, "max(last_us)", DOC_LAST_US},
    {"flows", RECORD_INTEGER, false, "sum(flows)", "flows between the two, opened by this client"},
    {"client_packets", RECORD_INTEGER, false, "sum(client_packets)", "packets from the client"},
    {"server_packets", RECORD_INTEGER, false, "sum(server_packets)", "packets from the server"},
    {"client_bytes", RECORD_INTEGER, false, "sum(client_bytes)", "payload bytes from the client"},
    {"server_bytes", RECORD_INTEGER, false, "sum(server_bytes)", "payload bytes from the server"},
    {"protocols", RECORD_TEXT, false, "group_concat(name, ',')", DOC_PROTOCOLS},
    {"first_time", RECORD_TEXT, false, VIEW_ISO_TIME("min(first_us)"), DOC_FIRST_TIME},
    {"last_time", RECORD_TEXT, false, VIEW_ISO_TIME("max(last_us)"), DOC_LAST_TIME},
};
#define CONVERSATIONS_FROM \
    "FROM (SELECT client_ip, server_ip, " PROTOCOL_NAME " AS name, min(start_us) AS first_us, max(end_us) AS last_us,\n" \
    "        count(*) AS flows, sum(client_packets) AS client_packets, sum(server_packets) AS server_packets,\n" \
    "        sum(client_bytes) AS client_bytes, sum(server_bytes) AS server_bytes\n" \
    "    FROM flow GROUP BY 1, 2, 3 ORDER BY 1, 2, 3)\n" \
    "GROUP BY client_ip, server_ip"

static const struct view_column protocols_columns[] = {
    {"protocol", RECORD_TEXT, false, "protocol", "what a dissector of wirescribe read; NULL where none did"},
    {"ndpi_protocol", RECORD_TEXT, false, "ndpi_protocol", "what nDPI calls it"},
    {"transport", RECORD_TEXT, false, "transport", "what carried it: 'tcp', 'udp', ..."},
    {"flows", RECORD_INTEGER, false, "count(*)", "flows of this protocol"},
    {"packets", RECORD_INTEGER, false, "sum(client_packets) + sum(server_packets)", "their packets"},
    {"bytes", RECORD_INTEGER, false, "sum(client_bytes) + sum(server_bytes)", "their payload bytes"},
    {"first_us", RECORD_INTEGER, false, "min(start_us)", DOC_FIRST_US},
    {"last_us", RECORD_INTEGER, false, "max(end_us)", DOC_LAST_US},
    {"first_time", RECORD_TEXT, false, VIEW_ISO_TIME("min(start_us)"), DOC_FIRST_TIME},
    {"last_time", RECORD_TEXT, false, VIEW_ISO_TIME("max(end_us)"), DOC_LAST_TIME},
};

static const struct view_column timeline_columns[] = {
    {"minute_us", RECORD_INTEGER, false, "minute_us", "start of the minute; microseconds since the epoch, UTC"},
    {"minute", RECORD_TEXT, false, "strftime('%Y-%m-%dT%H:%MZ', minute_us / 1000000, 'unixepoch')", "the same as ISO 8601 text, UTC"},
    {"flows", RECORD_INTEGER, false, "count(*)", "flows that began in this minute"},
    {"sessions", RECORD_INTEGER, false, "count(protocol)", "those of them that a dissector of wirescribe read"},
    {"packets", RECORD_INTEGER, false, "sum(packets)", "packets of the flows that began in it, over their whole lives"},
    {"bytes", RECORD_INTEGER, false, "sum(bytes)", "payload bytes of the flows that began in it, over their whole lives"},
};
#define TIMELINE_FROM \
    "FROM (SELECT start_us - start_us % 60000000 AS minute_us, protocol, client_packets + server_packets AS packets,\n" \
    "        client_bytes + server_bytes AS bytes FROM flow)\n" \
    "GROUP BY minute_us"

#define ZEEK_UNKNOWN "NULL"
static const struct view_column zeek_conn_columns[] = {
    {"ts", RECORD_REAL, false, "start_us / 1e6", "start of the flow; seconds since the epoch"},
    {"uid", RECORD_TEXT, false, "'C' || flow_id", "a name for the flow: C and its flow_id"},
    {"id.orig_h", RECORD_TEXT, false, "client_ip", "the client's address"},
    {"id.orig_p", RECORD_INTEGER, false, "client_port", "the client's port; ICMP: the type"},
    {"id.resp_h", RECORD_TEXT, false, "server_ip", "the server's address"},
    {"id.resp_p", RECORD_INTEGER, false, "server_port", "the server's port; ICMP: the code"},
    {"proto", RECORD_TEXT, false,
     "CASE WHEN transport IN ('tcp', 'udp', 'icmp') THEN transport WHEN transport = 'icmp6' THEN 'icmp' ELSE 'unknown_transport' END",
     "'tcp', 'udp', 'icmp' or 'unknown_transport'"},
    {"service", RECORD_TEXT, false, "CASE protocol WHEN 'tls' THEN 'ssl' WHEN 'ftp_data' THEN 'ftp-data' ELSE protocol END",
     "what a dissector read, by Zeek's name for it"},
    {"duration", RECORD_REAL, false, "(end_us - start_us) / 1e6", "from the first to the last packet; seconds"},
    {"orig_bytes", RECORD_INTEGER, false, "client_bytes + coalesce(client_missing, 0)",
     "payload bytes from the client; those that are not in the capture count too, as in Zeek's log"},
    {"resp_bytes", RECORD_INTEGER, false, "server_bytes + coalesce(server_missing, 0)",
     "payload bytes from the server; those that are not in the capture count too, as in Zeek's log"},
    {"conn_state", RECORD_TEXT, false, "state", "how the connection went, in Zeek's codes"},
    {"local_orig", RECORD_BOOLEAN, true, ZEEK_UNKNOWN, "whether the client is local: wirescribe knows no local networks"},
    {"local_resp", RECORD_BOOLEAN, true, ZEEK_UNKNOWN, "whether the server is local: wirescribe knows no local networks"},
    {"missed_bytes", RECORD_INTEGER, false, "client_missing + server_missing", "payload bytes that are not in the capture"},
    {"history", RECORD_TEXT, true, ZEEK_UNKNOWN, "the order of the packets' flags"},
    {"orig_pkts", RECORD_INTEGER, false, "client_packets", "packets from the client"},
    {"orig_ip_bytes", RECORD_INTEGER, true, ZEEK_UNKNOWN, "bytes from the client with IP headers"},
    {"resp_pkts", RECORD_INTEGER, false, "server_packets", "packets from the server"},
    {"resp_ip_bytes", RECORD_INTEGER, true, ZEEK_UNKNOWN, "bytes from the server with IP headers"},
    {"tunnel_parents", RECORD_TEXT, true, ZEEK_UNKNOWN, "uids of the tunnels around it"},
    {"community_id", RECORD_TEXT, false, "community_id", "Community ID version 1"},
};

const struct view_definition view_definitions[] = {
    {"hosts", "one address that was seen in a flow", hosts_columns, COLUMNS_OF(hosts_columns), HOSTS_FROM},
    {"conversations", "one pair of client and server with all flows between them", conversations_columns, COLUMNS_OF(conversations_columns),
     CONVERSATIONS_FROM},
    {"protocols", "one protocol with all of its flows", protocols_columns, COLUMNS_OF(protocols_columns),
     "FROM flow GROUP BY protocol, ndpi_protocol, transport"},
    {"timeline", "one minute in which at least one flow began", timeline_columns, COLUMNS_OF(timeline_columns), TIMELINE_FROM},
    {"zeek_conn", "one flow, with the column names of Zeek's conn.log", zeek_conn_columns, COLUMNS_OF(zeek_conn_columns), "FROM flow"},
};
const size_t view_definition_count = COLUMNS_OF(view_definitions);

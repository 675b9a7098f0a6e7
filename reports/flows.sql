-- What survey.c adds up, flow by flow.
SELECT
    client_ip,
    server_ip,
    coalesce(protocol, ndpi_protocol),
    start_us,
    client_packets + server_packets,
    client_bytes,
    server_bytes
FROM flows

-- Sessions for people, oldest first. Parameters: :protocol (NULL: all), :limit (-1: all).
SELECT
    flow_id,
    start_time,
    protocol,
    CASE WHEN client_ip LIKE '%:%' THEN '[' || client_ip || ']' ELSE client_ip END || coalesce(':' || client_port, '') AS client,
    CASE WHEN server_ip LIKE '%:%' THEN '[' || server_ip || ']' ELSE server_ip END || coalesce(':' || server_port, '') AS server,
    duration,
    user,
    outcome,
    summary
FROM sessions
WHERE :protocol IS NULL OR protocol = :protocol
ORDER BY start_us, flow_id
LIMIT :limit

-- The newest sessions, for a page. Parameter: :limit.
SELECT
    start_time,
    protocol,
    client_ip AS client,
    CASE WHEN server_ip LIKE '%:%' THEN '[' || server_ip || ']' ELSE server_ip END || coalesce(':' || server_port, '') AS server,
    duration,
    user,
    outcome,
    summary
FROM sessions
ORDER BY start_us DESC, flow_id DESC
LIMIT :limit

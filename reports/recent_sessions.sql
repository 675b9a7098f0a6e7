-- The newest sessions, for a page; times to the second. Parameter: :limit.
SELECT
    replace(substr(start_time, 1, 19), 'T', ' ') AS start_time,
    protocol,
    client_ip AS client,
    CASE WHEN server_ip LIKE '%:%' THEN '[' || server_ip || ']' ELSE server_ip END || coalesce(':' || server_port, '') AS server,
    round(duration, 3) AS seconds,
    user,
    outcome,
    summary
FROM sessions
ORDER BY start_us DESC, flow_id DESC
LIMIT :limit

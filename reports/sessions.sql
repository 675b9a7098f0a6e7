-- Sessions, oldest first. Parameters: :protocol (NULL: all), :limit (-1: all), :is_table (1: shorter, for people).
SELECT
    flow_id,
    CASE WHEN :is_table THEN replace(substr(start_time, 1, 19), 'T', ' ') ELSE start_time END AS start_time,
    protocol,
    CASE WHEN client_ip LIKE '%:%' THEN '[' || client_ip || ']' ELSE client_ip END || coalesce(':' || client_port, '') AS client,
    CASE WHEN server_ip LIKE '%:%' THEN '[' || server_ip || ']' ELSE server_ip END || coalesce(':' || server_port, '') AS server,
    CASE WHEN :is_table THEN round(duration, 3) ELSE duration END AS duration,
    user,
    outcome,
    summary
FROM sessions
WHERE :protocol IS NULL OR protocol = :protocol
ORDER BY start_us, flow_id
LIMIT :limit

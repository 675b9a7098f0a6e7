-- Files, oldest first. Parameters: :protocol (NULL: all), :limit (-1: all), :is_table (1: shorter, for people).
SELECT
    file_id,
    CASE WHEN :is_table THEN replace(substr(start_time, 1, 19), 'T', ' ') ELSE start_time END AS start_time,
    source AS protocol,
    CASE WHEN client_ip LIKE '%:%' THEN '[' || client_ip || ']' ELSE client_ip END || coalesce(':' || client_port, '') AS client,
    CASE WHEN server_ip LIKE '%:%' THEN '[' || server_ip || ']' ELSE server_ip END || coalesce(':' || server_port, '') AS server,
    from_side,
    name,
    mime_type,
    size,
    complete,
    CASE WHEN :is_table THEN substr(sha256, 1, 16) ELSE sha256 END AS sha256,
    stored_path
FROM files
WHERE :protocol IS NULL OR source = :protocol
ORDER BY start_us, file_id
LIMIT :limit

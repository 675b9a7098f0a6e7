-- Sessions by protocol. Counted view by view: the view `sessions` would put together each row's summary first.
SELECT 'smtp' AS protocol, (SELECT count(*) FROM smtp_sessions) AS sessions
UNION ALL SELECT 'ssh', (SELECT count(*) FROM ssh_sessions)
UNION ALL SELECT 'websocket', (SELECT count(*) FROM websocket_sessions)
UNION ALL SELECT 'rdp', (SELECT count(*) FROM rdp_sessions)
UNION ALL SELECT 'ftp', (SELECT count(*) FROM ftp_sessions)
ORDER BY sessions DESC, protocol

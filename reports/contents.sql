-- The views whose rows are counted: all that are not sums over others.
SELECT name
FROM pragma_table_list
WHERE type = 'view' AND schema = 'main' AND name NOT IN ('sessions', 'hosts', 'conversations', 'protocols', 'timeline', 'zeek_conn')
ORDER BY name

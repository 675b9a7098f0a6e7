-- Findings by name, the worst first. Parameter: :limit.
SELECT severity, name, count(*) AS count, min(detail) AS example
FROM findings
GROUP BY severity, name
ORDER BY CASE severity WHEN 'alarm' THEN 0 WHEN 'warning' THEN 1 WHEN 'notice' THEN 2 ELSE 3 END, count DESC, name
LIMIT :limit

-- What a reader of the database should know of its captures, one line each.
SELECT source || ': ' || what AS warning
FROM (
    SELECT
        capture_id,
        1 AS place,
        source,
        CASE kind WHEN 'live' THEN 'is being watched now, or the watching was broken off' ELSE 'was not read to its end' END AS what
    FROM captures
    WHERE finished = 0
    UNION ALL
    SELECT capture_id, 2, source, 'is cut off or corrupt: what stands before that place was read' FROM captures WHERE truncated = 1
    UNION ALL
    SELECT capture_id, 3, source, dropped_kernel || ' packets were dropped by the kernel' FROM captures WHERE dropped_kernel > 0
    UNION ALL
    SELECT capture_id, 4, source, dropped_queue || ' packets were dropped because the workers were behind' FROM captures WHERE dropped_queue > 0
    UNION ALL
    SELECT capture_id, 5, source, decode_errors || ' packets could not be decoded' FROM captures WHERE decode_errors > 0
)
ORDER BY capture_id, place

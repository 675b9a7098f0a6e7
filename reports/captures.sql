-- What was read.
SELECT
    capture_id,
    source,
    kind,
    link_type,
    start_time,
    end_time,
    packets,
    bytes,
    filter,
    coalesce(dropped_kernel, 0) + coalesce(dropped_queue, 0) AS dropped,
    decode_errors,
    truncated,
    finished
FROM captures
ORDER BY capture_id

-- What was wrong with packets, by kind over all captures, in the order in which the program knows the kinds.
SELECT name, sum(packets) AS packets
FROM anomalies
GROUP BY name
ORDER BY min(anomaly_id % 1000)

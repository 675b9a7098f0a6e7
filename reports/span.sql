-- From the first packet of any flow to the last.
SELECT min(start_us), max(end_us) FROM flows

/*
 * numbers.h - numbers, sizes and times as people read them. Private to the reports.
 */
#ifndef WIRESCRIBE_REPORTS_NUMBERS_H
#define WIRESCRIBE_REPORTS_NUMBERS_H

#include <stdint.h>

#define NUMBER_SIZE 48

/* 1,234,567 */
const char *number_grouped(uint64_t number, char out[NUMBER_SIZE]);

/* 512 B, 1.5 kB, 23 MB; powers of 1000 */
const char *number_of_bytes(uint64_t bytes, char out[NUMBER_SIZE]);

/* 0.25 s, 12 s, 3 min 5 s, 2 h 10 min, 4 d 3 h */
const char *number_of_time_span(int64_t us, char out[NUMBER_SIZE]);

/* 2024-01-02 03:04:05, UTC; empty for a time that no calendar has */
const char *number_of_time(int64_t us, char out[NUMBER_SIZE]);

#endif

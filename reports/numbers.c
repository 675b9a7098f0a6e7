/* numbers.c - see numbers.h */
#include "reports/numbers.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

const char *number_grouped(uint64_t number, char out[NUMBER_SIZE])
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, number);
    int used = 0;

    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            out[used++] = ',';
        out[used++] = digits[i];
    }
    out[used] = '\0';
    return out;
}

const char *number_of_bytes(uint64_t bytes, char out[NUMBER_SIZE])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double value = (double)bytes;
    unsigned unit = 0;

    while (value >= 999.5 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1000;
        unit++;
    }
    snprintf(out, NUMBER_SIZE, unit > 0 && value < 9.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
    return out;
}

const char *number_of_time_span(int64_t us, char out[NUMBER_SIZE])
{
    int64_t seconds = us / 1000000;

    if (seconds < 10)
        snprintf(out, NUMBER_SIZE, "%.3g s", (double)us / 1e6);
    else if (seconds < 60)
        snprintf(out, NUMBER_SIZE, "%" PRId64 " s", seconds);
    else if (seconds < 3600)
        snprintf(out, NUMBER_SIZE, "%" PRId64 " min %" PRId64 " s", seconds / 60, seconds % 60);
    else if (seconds < 86400)
        snprintf(out, NUMBER_SIZE, "%" PRId64 " h %" PRId64 " min", seconds / 3600, seconds % 3600 / 60);
    else
        snprintf(out, NUMBER_SIZE, "%" PRId64 " d %" PRId64 " h", seconds / 86400, seconds % 86400 / 3600);
    return out;
}

const char *number_of_time(int64_t us, char out[NUMBER_SIZE])
{
    time_t seconds = (time_t)(us / 1000000);
    struct tm calendar;

    if (gmtime_r(&seconds, &calendar) == NULL || strftime(out, NUMBER_SIZE, "%Y-%m-%d %H:%M:%S", &calendar) == 0)
        out[0] = '\0';
    return out;
}

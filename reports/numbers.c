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

/* Two units, the smaller one only where it is not nothing. */
static const char *two_units(int64_t many, const char *large, int64_t few, const char *small, char out[NUMBER_SIZE])
{
    int used = snprintf(out, NUMBER_SIZE, "%" PRId64 " %s", many, large);

    if (few > 0)
        snprintf(out + used, NUMBER_SIZE - (size_t)used, " %" PRId64 " %s", few, small);
    return out;
}

const char *number_of_time_span(int64_t us, char out[NUMBER_SIZE])
{
    int64_t seconds = us / 1000000;

    if (seconds >= 86400)
        return two_units(seconds / 86400, "d", seconds % 86400 / 3600, "h", out);
    if (seconds >= 3600)
        return two_units(seconds / 3600, "h", seconds % 3600 / 60, "min", out);
    if (seconds >= 60)
        return two_units(seconds / 60, "min", seconds % 60, "s", out);
    if (seconds >= 10)
        snprintf(out, NUMBER_SIZE, "%" PRId64 " s", seconds);
    else
        snprintf(out, NUMBER_SIZE, "%.3g s", (double)us / 1e6);
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

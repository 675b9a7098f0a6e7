/* charts.c - see charts.h */
#include "reports/charts.h"

#include "reports/display.h"
#include "reports/numbers.h"

#include <inttypes.h>

/* Of the bar chart, in the units of its view box: beside another one, or over the whole page. */
#define BARS_WIDTH 500
#define BARS_WIDE_WIDTH 1060
#define BARS_NAME_WIDTH 150
#define BARS_WIDE_NAME_WIDTH 290
#define BARS_LABEL_WIDTH 70
#define BAR_PITCH 28
#define BAR_HEIGHT 14
#define BARS_NAME_COLUMNS 21
#define BARS_WIDE_NAME_COLUMNS 40 /* the longest IPv6 address has 39 */

/* Of the timeline. */
#define TIMELINE_WIDTH 1060
#define TIMELINE_HEIGHT 130
#define TIMELINE_LEFT 64
#define TIMELINE_TOP 10
#define TIMELINE_BOTTOM 24
#define TIMELINE_TICKS 6

void chart_text(FILE *out, const char *text)
{
    struct text shown = {.limit = 1u << 20};

    display_append(&shown, bytes_of_text(text));
    for (size_t i = 0; i < shown.length; i++) {
        switch (shown.at[i]) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        case '\'':
            fputs("&#39;", out);
            break;
        default:
            fputc(shown.at[i], out);
        }
    }
    text_free(&shown);
}

/* A name cut to the room that it has, and whole in the tooltip. */
static void put_name(FILE *out, const char *name, size_t columns, int y)
{
    struct text shown = {.limit = 4096};
    struct bytes cut;
    char label[SURVEY_NAME_SIZE * 4];

    display_append(&shown, bytes_of_text(name));
    cut = display_cut(text_bytes(&shown), columns);
    snprintf(label, sizeof label, "%.*s%s", (int)cut.length, (const char *)cut.at, cut.length < shown.length ? "\u2026" : "");
    fprintf(out, "<text x=\"0\" y=\"%d\"><title>", y);
    chart_text(out, name);
    fputs("</title>", out);
    chart_text(out, label);
    fputs("</text>", out);
    text_free(&shown);
}

struct bars_layout {
    int width;
    int name_width;
    size_t name_columns;
    double scale; /* length of a bar by its value */
};

static void put_rect(FILE *out, const char *class, double x, int top, double width)
{
    fprintf(out, "<rect class=\"%s\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" rx=\"3\"/>", class, x, top, width, BAR_HEIGHT);
}

static void put_bar(FILE *out, const struct bars_layout *layout, const struct chart_bar *bar, int top)
{
    double first = (double)bar->first * layout->scale;
    double second = (double)bar->second * layout->scale;

    /* what is there at all is seen */
    if (bar->first + bar->second > 0 && first + second < 2)
        first = 2 - second;
    put_name(out, bar->name, layout->name_columns, top + BAR_HEIGHT - 3);
    put_rect(out, "track", layout->name_width, top, layout->width - layout->name_width - BARS_LABEL_WIDTH);
    if (first > 0)
        put_rect(out, "first", layout->name_width, top, first);
    if (second > 0)
        put_rect(out, "second", layout->name_width + first, top, second);
    fprintf(out, "<text class=\"soft\" x=\"%d\" y=\"%d\" text-anchor=\"end\">", layout->width, top + BAR_HEIGHT - 3);
    chart_text(out, bar->label);
    fputs("</text>\n", out);
}

void chart_bars(FILE *out, const char *title, const struct chart_bar *bars, size_t count, bool is_wide)
{
    struct bars_layout layout = {BARS_WIDTH, BARS_NAME_WIDTH, BARS_NAME_COLUMNS, 0};
    uint64_t most = 1;

    if (is_wide)
        layout = (struct bars_layout){BARS_WIDE_WIDTH, BARS_WIDE_NAME_WIDTH, BARS_WIDE_NAME_COLUMNS, 0};
    for (size_t i = 0; i < count; i++)
        most = bars[i].first + bars[i].second > most ? bars[i].first + bars[i].second : most;
    layout.scale = (layout.width - layout.name_width - BARS_LABEL_WIDTH) / (double)most;
    fprintf(out, "<svg%s viewBox=\"0 0 %d %zu\" role=\"img\"><title>", is_wide ? " class=\"wide\"" : "", layout.width, count * BAR_PITCH);
    chart_text(out, title);
    fputs("</title>\n", out);
    for (size_t i = 0; i < count; i++)
        put_bar(out, &layout, &bars[i], (int)i * BAR_PITCH + (BAR_PITCH - BAR_HEIGHT) / 2);
    fputs("</svg>\n", out);
}

/* ---- the timeline ---- */

static uint64_t value_of(const struct survey *survey, size_t bucket, bool of_bytes)
{
    return of_bytes ? survey->buckets[bucket].bytes : survey->buckets[bucket].flows;
}

static int64_t bucket_start_us(const struct survey *survey, size_t bucket)
{
    return survey->first_us - survey->first_us % survey->bucket_us + (int64_t)bucket * survey->bucket_us;
}

static const char *label_of(uint64_t value, bool of_bytes, char out[NUMBER_SIZE])
{
    return of_bytes ? number_of_bytes(value, out) : number_grouped(value, out);
}

static double bucket_x(const struct survey *survey, size_t bucket)
{
    return TIMELINE_LEFT + (double)(TIMELINE_WIDTH - TIMELINE_LEFT) * (double)bucket / (double)survey->bucket_count;
}

/* The steps of the buckets, as the d of a path; the area is closed along the axis. */
static void put_steps(FILE *out, const struct survey *survey, bool of_bytes, uint64_t most, bool is_area)
{
    double base = TIMELINE_HEIGHT - TIMELINE_BOTTOM;
    double height = base - TIMELINE_TOP;

    fprintf(out, "<path class=\"%s\" d=\"M%d %.1f", is_area ? "area" : "edge", TIMELINE_LEFT, base);
    for (size_t i = 0; i < survey->bucket_count; i++)
        fprintf(out, "V%.1fH%.1f", base - height * (double)value_of(survey, i, of_bytes) / (double)most, bucket_x(survey, i + 1));
    fprintf(out, "V%.1f%s\"/>\n", base, is_area ? "Z" : "");
}

/* What the pointer shows of each bucket. */
static void put_touch(FILE *out, const struct survey *survey, bool of_bytes)
{
    char value[NUMBER_SIZE];
    char time[NUMBER_SIZE];

    for (size_t i = 0; i < survey->bucket_count; i++) {
        fprintf(out, "<rect class=\"touch\" x=\"%.1f\" y=\"0\" width=\"%.1f\" height=\"%d\"><title>%s: %s%s</title></rect>\n", bucket_x(survey, i),
                bucket_x(survey, i + 1) - bucket_x(survey, i), TIMELINE_HEIGHT - TIMELINE_BOTTOM, number_of_time(bucket_start_us(survey, i), time),
                label_of(value_of(survey, i, of_bytes), of_bytes, value), of_bytes ? "" : " flows");
    }
}

/* The part of a time that tells one tick from the next: the date, date and time, or the time. */
static const char *tick_label(const struct survey *survey, size_t bucket, char time[NUMBER_SIZE])
{
    int64_t day_us = INT64_C(86400000000);

    number_of_time(bucket_start_us(survey, bucket), time);
    if (strlen(time) != sizeof "2024-01-02 03:04:05" - 1)
        return "";
    if (survey->bucket_us >= day_us) {
        time[10] = '\0';
        return time;
    }
    if (survey->bucket_us % 60000000 == 0)
        time[16] = '\0';
    return survey->last_us - survey->first_us > day_us ? time + 5 : time + 11;
}

static void put_ticks(FILE *out, const struct survey *survey)
{
    size_t step = (survey->bucket_count + TIMELINE_TICKS - 1) / TIMELINE_TICKS;
    char time[NUMBER_SIZE];

    for (size_t i = 0; i < survey->bucket_count; i += step)
        fprintf(out, "<text class=\"soft\" x=\"%.1f\" y=\"%d\">%s</text>\n", bucket_x(survey, i), TIMELINE_HEIGHT - 6, tick_label(survey, i, time));
}

void chart_timeline(FILE *out, const struct survey *survey, bool of_bytes)
{
    uint64_t most = 1;
    char label[NUMBER_SIZE];
    int base = TIMELINE_HEIGHT - TIMELINE_BOTTOM;

    for (size_t i = 0; i < survey->bucket_count; i++)
        most = value_of(survey, i, of_bytes) > most ? value_of(survey, i, of_bytes) : most;
    fprintf(out, "<svg class=\"wide\" viewBox=\"0 0 %d %d\" role=\"img\"><title>%s over time</title>\n", TIMELINE_WIDTH, TIMELINE_HEIGHT,
            of_bytes ? "Payload bytes" : "Flows");
    fprintf(out, "<line class=\"axis\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>", TIMELINE_LEFT, base, TIMELINE_WIDTH, base);
    fprintf(out, "<line class=\"axis\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>\n", TIMELINE_LEFT, TIMELINE_TOP, TIMELINE_WIDTH, TIMELINE_TOP);
    fprintf(out, "<text class=\"soft\" x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>", TIMELINE_LEFT - 8, TIMELINE_TOP + 5,
            label_of(most, of_bytes, label));
    fprintf(out, "<text class=\"soft\" x=\"%d\" y=\"%d\" text-anchor=\"end\">0</text>\n", TIMELINE_LEFT - 8, base);
    put_steps(out, survey, of_bytes, most, true);
    put_steps(out, survey, of_bytes, most, false);
    put_ticks(out, survey);
    put_touch(out, survey, of_bytes);
    fputs("</svg>\n", out);
}

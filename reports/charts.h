/*
 * charts.h - the drawings of the HTML report, as inline SVG. Private to the reports.
 */
#ifndef WIRESCRIBE_REPORTS_CHARTS_H
#define WIRESCRIBE_REPORTS_CHARTS_H

#include "reports/survey.h"

/* One bar of a chart; `second` is stacked behind `first`. */
struct chart_bar {
    const char *name; /* may come from the wire */
    uint64_t first;
    uint64_t second;
    const char *label; /* what stands at the end of the bar */
};

/* Text as it may stand in HTML, in an element or a quoted attribute. */
void chart_text(FILE *out, const char *text);

/*
 * Bars from left to right, the longest over all of the width; `is_wide`: for the whole page, with room for long names.
 * `title` is read out by screen readers.
 */
void chart_bars(FILE *out, const char *title, const struct chart_bar *bars, size_t count, bool is_wide);

/* The flows, or the bytes, over time. */
void chart_timeline(FILE *out, const struct survey *survey, bool of_bytes);

#endif

/*
 * display.h - text for a terminal: nothing in it may steer the terminal, and its
 * width in columns is known. Private to the reports.
 */
#ifndef WIRESCRIBE_REPORTS_DISPLAY_H
#define WIRESCRIBE_REPORTS_DISPLAY_H

#include "base/text.h"

/*
 * Appends `text` as it may be shown: control characters and bytes that are not UTF-8 become \n, \t or \xNN, the
 * characters that turn the direction of writing become \u{NNNN}.
 */
void display_append(struct text *out, struct bytes text);

/* Columns that the text takes on a terminal; it has gone through display_append. */
size_t display_width(struct bytes text);

/* The longest beginning of `text` that takes at most `columns`. */
struct bytes display_cut(struct bytes text, size_t columns);

#endif

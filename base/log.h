/*
 * log.h - messages for the person at the terminal: always on stderr, one line
 * each, prefixed with the program's name. They may be called from any thread.
 * Text from the wire or from file names is made harmless for terminals before
 * it is printed (control characters become \xNN).
 */
#ifndef WIRESCRIBE_BASE_LOG_H
#define WIRESCRIBE_BASE_LOG_H

#include <stdbool.h>
#include <stdio.h>

/* Something failed: say what, where and what to do. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Something is odd but the work goes on. Counted: see log_warnings. */
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Tells the user something. Not printed after log_be_quiet(true). */
void log_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

void log_be_quiet(bool quiet);

/* Whether colours may be written to this stream: a terminal, and NO_COLOR not set. */
bool log_has_colour(FILE *stream);

/* When set, it is called before each message, to clear a progress line. */
void log_before_message(void (*clear)(void));

#endif

/* log.c - see log.h */
#include "base/log.h"

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

static bool is_quiet;
static void (*clear_progress)(void);

void log_be_quiet(bool quiet)
{
    is_quiet = quiet;
}

void log_before_message(void (*clear)(void))
{
    clear_progress = clear;
}

bool log_has_colour(FILE *stream)
{
    const char *no_colour = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");

    if (no_colour != NULL && no_colour[0] != '\0')
        return false;
    if (terminal != NULL && terminal[0] == 'd' && terminal[1] == 'u') /* "dumb" */
        return false;
    return isatty(fileno(stream)) == 1;
}

static void log_line(const char *colour, const char *kind, const char *format, va_list arguments)
{
    char line[2048];
    char safe[sizeof line * 4];
    size_t used = 0;
    bool has_colour = log_has_colour(stderr);

    vsnprintf(line, sizeof line, format, arguments);
    for (const char *at = line; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;

        if (byte < 0x20 || byte == 0x7f)
            used += (size_t)snprintf(safe + used, sizeof safe - used, "\\x%02x", byte);
        else
            safe[used++] = *at;
    }
    safe[used] = '\0';
    if (clear_progress != NULL)
        clear_progress();
    fprintf(stderr, "wirescribe: %s%s%s%s\n", has_colour ? colour : "", kind, has_colour && kind[0] ? "\033[0m" : "", safe);
}

void log_error(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    log_line("\033[31m", "error: ", format, arguments);
    va_end(arguments);
}

void log_warning(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    log_line("\033[33m", "warning: ", format, arguments);
    va_end(arguments);
}

void log_note(const char *format, ...)
{
    va_list arguments;

    if (is_quiet)
        return;
    va_start(arguments, format);
    log_line("", "", format, arguments);
    va_end(arguments);
}

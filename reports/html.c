/*
 * html.c - `wirescribe report --html`: one file without scripts and without references to anything outside it.
 *
 * Everything from the wire passes through chart_text. Should something get past it all the same, the page's
 * Content-Security-Policy allows nothing but this one style sheet, which it names by its hash.
 */
#include "reports/html.h"

#include "base/digest.h"
#include "base/log.h"
#include "reports/charts.h"
#include "reports/numbers.h"
#include "reports/queries.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SESSIONS_SHOWN 200
#define FINDINGS_SHOWN 50
/* Longer texts from the wire are cut in the tables; the database has them whole. */
#define CELL_BYTES_MOST 400
#define HTML_PERMISSIONS 0640

struct page {
    FILE *out;
    sqlite3 *database;
    const struct survey *survey;
    const char *path;
};

static bool put_head(const struct page *page)
{
    struct digest digest;
    char hash[DIGEST_BASE64_SIZE];

    digest_begin(&digest, DIGEST_SHA256);
    digest_add(&digest, bytes_of_text(style_report));
    if (!digest_end_base64(&digest, true, hash)) {
        log_error("the report cannot be made: SHA-256 is not available");
        return false;
    }
    fprintf(
        page->out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n<title>wirescribe: ",
        hash);
    chart_text(page->out, page->path);
    fprintf(page->out, "</title>\n<style>%s</style>\n</head>\n<body>\n<main>\n", style_report);
    return true;
}

static void put_header(const struct page *page)
{
    char from[NUMBER_SIZE];
    char to[NUMBER_SIZE];
    char span[NUMBER_SIZE];
    const struct survey *survey = page->survey;

    fputs("<header>\n<h1>", page->out);
    chart_text(page->out, page->path);
    fputs("</h1>\n", page->out);
    if (survey->bucket_count > 0)
        fprintf(page->out, "<p>%s to %s UTC, %s</p>\n", number_of_time(survey->first_us, from), number_of_time(survey->last_us, to),
                number_of_time_span(survey->last_us - survey->first_us, span));
    fputs("</header>\n", page->out);
}

static void put_total(const struct page *page, const char *name, const char *value)
{
    fprintf(page->out, "<div><dt>%s</dt><dd>%s</dd></div>\n", name, value);
}

static void put_totals(const struct page *page, uint64_t sessions)
{
    const struct survey *survey = page->survey;
    char number[NUMBER_SIZE];

    fputs("<dl class=\"totals\">\n", page->out);
    put_total(page, "Sessions", number_grouped(sessions, number));
    put_total(page, "Flows", number_grouped(survey->flows, number));
    put_total(page, "Packets", number_grouped(survey->packets, number));
    put_total(page, "Payload", number_of_bytes(survey->bytes, number));
    put_total(page, survey->hosts_seen == SURVEY_HOSTS_MOST ? "Hosts, more than" : "Hosts", number_grouped(survey->hosts_seen, number));
    put_total(page, "Findings", number_grouped((uint64_t)database_integer(page->database, "SELECT count(*) FROM findings"), number));
    fputs("</dl>\n", page->out);
}

static void begin_section(const struct page *page, const char *heading, const char *note)
{
    fprintf(page->out, "<section>\n<h2>%s", heading);
    if (note != NULL)
        fprintf(page->out, " <small>%s</small>", note);
    fputs("</h2>\n", page->out);
}

static void end_section(const struct page *page)
{
    fputs("</section>\n", page->out);
}

/* ---- charts ---- */

struct session_counts {
    char names[SURVEY_TOP][SURVEY_NAME_SIZE];
    char labels[SURVEY_TOP][NUMBER_SIZE];
    struct chart_bar bars[SURVEY_TOP];
    size_t count;
    uint64_t sessions;
};

static bool count_sessions(sqlite3 *database, struct session_counts *counts)
{
    sqlite3_stmt *statement = NULL;
    int step = SQLITE_ERROR;

    *counts = (struct session_counts){.count = 0};
    if (sqlite3_prepare_v2(database, query_session_counts, -1, &statement, NULL) == SQLITE_OK) {
        while ((step = sqlite3_step(statement)) == SQLITE_ROW && counts->count < SURVEY_TOP) {
            size_t i = counts->count++;
            uint64_t sessions = (uint64_t)sqlite3_column_int64(statement, 1);

            snprintf(counts->names[i], SURVEY_NAME_SIZE, "%s", (const char *)sqlite3_column_text(statement, 0));
            counts->bars[i] = (struct chart_bar){counts->names[i], sessions, 0, number_grouped(sessions, counts->labels[i])};
            counts->sessions += sessions;
        }
    }
    sqlite3_finalize(statement);
    return step == SQLITE_DONE;
}

static void put_hosts(const struct page *page)
{
    const struct survey *survey = page->survey;
    struct chart_bar bars[SURVEY_TOP];
    char labels[SURVEY_TOP][NUMBER_SIZE];

    begin_section(page, "Busiest hosts", "by payload");
    for (size_t i = 0; i < survey->host_count; i++) {
        const struct survey_entry *host = &survey->hosts[i];

        bars[i] = (struct chart_bar){host->name, host->bytes_sent, host->bytes_received,
                                     number_of_bytes(host->bytes_sent + host->bytes_received, labels[i])};
    }
    chart_bars(page->out, "Busiest hosts, bytes sent and received", bars, survey->host_count, true);
    fputs("<p class=\"key\"><i class=\"first\"></i>sent<i class=\"second\"></i>received</p>\n", page->out);
    end_section(page);
}

static void put_protocols(const struct page *page)
{
    const struct survey *survey = page->survey;
    struct chart_bar bars[SURVEY_TOP];
    char labels[SURVEY_TOP][NUMBER_SIZE];

    begin_section(page, "Flows by protocol", "as wirescribe reads it, else as nDPI names it");
    for (size_t i = 0; i < survey->protocol_count; i++)
        bars[i] = (struct chart_bar){survey->protocols[i].name, survey->protocols[i].flows, 0, number_grouped(survey->protocols[i].flows, labels[i])};
    chart_bars(page->out, "Flows by protocol", bars, survey->protocol_count, false);
    end_section(page);
}

static void put_timeline(const struct page *page)
{
    char width[NUMBER_SIZE];
    char note[NUMBER_SIZE + 64];

    if (page->survey->bucket_count == 0)
        return;
    snprintf(note, sizeof note, "by the flow's start, in steps of %s", number_of_time_span(page->survey->bucket_us, width));
    begin_section(page, "Flows over time", note);
    chart_timeline(page->out, page->survey, false);
    end_section(page);
    begin_section(page, "Payload over time", note);
    chart_timeline(page->out, page->survey, true);
    end_section(page);
}

static void put_charts(const struct page *page, const struct session_counts *counts)
{
    fputs("<div class=\"pair\">\n", page->out);
    begin_section(page, "Sessions by protocol", NULL);
    chart_bars(page->out, "Sessions by protocol", counts->bars, counts->count, false);
    end_section(page);
    if (page->survey->protocol_count > 0)
        put_protocols(page);
    fputs("</div>\n", page->out);
    put_timeline(page);
    if (page->survey->host_count > 0)
        put_hosts(page);
}

/* ---- tables ---- */

static const char *cell_class(const char *column, int type, const char *text)
{
    static const char *const severities[] = {"alarm", "warning", "notice", "info"};

    if (type == SQLITE_NULL)
        return "null";
    if (type == SQLITE_INTEGER || type == SQLITE_FLOAT)
        return "number";
    for (size_t i = 0; strcmp(column, "severity") == 0 && i < sizeof severities / sizeof severities[0]; i++) {
        if (strcmp(text, severities[i]) == 0)
            return severities[i];
    }
    return strstr(column, "time") != NULL || strcmp(column, "client") == 0 || strcmp(column, "server") == 0 ? "fixed" : "";
}

/* A text that was cut ends with a whole character. */
static void drop_half_character(struct text *value)
{
    while (value->length > 0 && ((unsigned char)value->at[value->length - 1] & 0xc0) == 0x80)
        value->at[--value->length] = '\0';
    if (value->length > 0 && (unsigned char)value->at[value->length - 1] >= 0xc0)
        value->at[--value->length] = '\0';
}

static void put_cell(const struct page *page, sqlite3_stmt *statement, int column, struct text *value)
{
    int type = sqlite3_column_type(statement, column);
    const char *name = sqlite3_column_name(statement, column);

    text_clear(value);
    if (type == SQLITE_NULL)
        text_append_text(value, "-");
    else
        format_value(value, statement, column);
    if (value->was_cut)
        drop_half_character(value);
    fprintf(page->out, "<td class=\"%s\">", cell_class(name, type, value->at != NULL ? value->at : ""));
    chart_text(page->out, value->at != NULL ? value->at : "");
    fputs(value->was_cut ? "\u2026</td>" : "</td>", page->out);
}

/* A table of the rows of a query, which gets `limit`. Nothing at all where there are no rows. */
static bool put_table(const struct page *page, const char *heading, const char *note, const char *sql, int limit)
{
    sqlite3_stmt *statement = NULL;
    struct text value = {.limit = CELL_BYTES_MOST};
    bool has_rows = false;
    int step;

    if (sqlite3_prepare_v2(page->database, sql, -1, &statement, NULL) != SQLITE_OK)
        return false;
    sqlite3_bind_int(statement, sqlite3_bind_parameter_index(statement, ":limit"), limit);
    while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
        if (!has_rows) {
            begin_section(page, heading, note);
            fputs("<div class=\"scroll\"><table>\n<tr>", page->out);
            for (int i = 0; i < sqlite3_column_count(statement); i++) {
                int type = sqlite3_column_type(statement, i);

                fprintf(page->out, "<th%s>%s</th>", type == SQLITE_INTEGER || type == SQLITE_FLOAT ? " class=\"number\"" : "",
                        sqlite3_column_name(statement, i));
            }
            fputs("</tr>\n", page->out);
        }
        has_rows = true;
        fputs("<tr>", page->out);
        for (int i = 0; i < sqlite3_column_count(statement); i++)
            put_cell(page, statement, i, &value);
        fputs("</tr>\n", page->out);
    }
    if (has_rows) {
        fputs("</table></div>\n", page->out);
        end_section(page);
    }
    sqlite3_finalize(statement);
    text_free(&value);
    return step == SQLITE_DONE;
}

static bool put_warnings(const struct page *page)
{
    sqlite3_stmt *statement = NULL;
    bool has_rows = false;
    int step;

    if (sqlite3_prepare_v2(page->database, query_warnings, -1, &statement, NULL) != SQLITE_OK)
        return false;
    while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
        if (!has_rows) {
            begin_section(page, "Warnings", NULL);
            fputs("<ul class=\"warnings\">\n", page->out);
        }
        has_rows = true;
        fputs("<li>", page->out);
        chart_text(page->out, (const char *)sqlite3_column_text(statement, 0));
        fputs("</li>\n", page->out);
    }
    if (has_rows) {
        fputs("</ul>\n", page->out);
        end_section(page);
    }
    sqlite3_finalize(statement);
    return step == SQLITE_DONE;
}

static enum format_result put_page(const struct page *page)
{
    struct session_counts counts;

    if (!count_sessions(page->database, &counts))
        return FORMAT_QUERY_FAILED;
    if (!put_head(page)) {
        errno = ENOTSUP;
        return FORMAT_WRITE_FAILED;
    }
    put_header(page);
    put_totals(page, counts.sessions);
    if (!put_warnings(page))
        return FORMAT_QUERY_FAILED;
    put_charts(page, &counts);
    if (!put_table(page, "Findings", "the worst first", query_findings, FINDINGS_SHOWN) ||
        !put_table(page, "Newest sessions", "times in UTC; the view sessions has all", query_recent_sessions, SESSIONS_SHOWN) ||
        !put_table(page, "Captures", NULL, query_captures, 0))
        return FORMAT_QUERY_FAILED;
    fputs("<footer>Made by wirescribe.</footer>\n</main>\n</body>\n</html>\n", page->out);
    fflush(page->out);
    return format_written(page->out);
}

/* ---- the file ---- */

/* Whether the name is that of a pipe, a terminal or a device: those are written to as they are. */
static bool is_special(const char *html)
{
    struct stat status;

    return stat(html, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

static FILE *open_beside(const char *html, char *temporary, size_t size)
{
    mode_t mask = umask(0);
    int file;
    FILE *out = NULL;

    umask(mask);
    snprintf(temporary, size, "%s.partial-XXXXXX", html);
    file = mkstemp(temporary);
    if (file >= 0) {
        (void)fchmod(file, HTML_PERMISSIONS & ~mask);
        out = fdopen(file, "w");
    }
    if (out == NULL)
        log_error("'%s' cannot be written: %s", html, strerror(errno));
    return out;
}

static int write_beside(struct page *page, const char *html, char *temporary, size_t size)
{
    enum format_result result;
    int status;

    page->out = open_beside(html, temporary, size);
    if (page->out == NULL)
        return 1;
    result = put_page(page);
    status = database_status(page->database, result);
    if (fclose(page->out) != 0 && status == 0) {
        log_error("'%s' cannot be written: %s", html, strerror(errno));
        status = 1;
    }
    if (status == 0 && rename(temporary, html) != 0) {
        log_error("'%s' cannot be put in place: %s", html, strerror(errno));
        status = 1;
    }
    if (status != 0)
        unlink(temporary);
    return status;
}

int html_report(sqlite3 *database, const struct survey *survey, const char *path, const char *html)
{
    struct page page = {.out = stdout, .database = database, .survey = survey, .path = path};
    size_t size = strlen(html) + sizeof ".partial-XXXXXX";
    char *temporary;
    int status;

    if (strcmp(html, "-") == 0)
        return database_status(database, put_page(&page));
    if (is_special(html)) {
        page.out = fopen(html, "w");
        if (page.out == NULL) {
            log_error("'%s' cannot be written: %s", html, strerror(errno));
            return 1;
        }
        status = database_status(database, put_page(&page));
        fclose(page.out);
        return status;
    }
    temporary = malloc(size);
    if (temporary == NULL) {
        log_error("out of memory");
        return 1;
    }
    status = write_beside(&page, html, temporary, size);
    free(temporary);
    return status;
}

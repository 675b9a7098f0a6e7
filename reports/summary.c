/*
 * summary.c - `wirescribe report` as text, and the short summary after a run.
 */
#include "base/log.h"
#include "reports/database.h"
#include "reports/display.h"
#include "reports/html.h"
#include "reports/numbers.h"
#include "reports/queries.h"
#include "reports/survey.h"

#define BAR_COLUMNS 40
#define FINDINGS_SHOWN 10
#define RUN_HOSTS_SHOWN 5
#define RUN_FINDINGS_SHOWN 5

struct page {
    FILE *out;
    sqlite3 *database;
    const char *bold; /* or "" */
    const char *dim;
    const char *end;
};

static struct page page_on(FILE *out, sqlite3 *database)
{
    if (log_has_colour(out))
        return (struct page){out, database, "\033[1m", "\033[2m", "\033[0m"};
    return (struct page){out, database, "", "", ""};
}

static void put_heading(const struct page *page, const char *heading)
{
    fprintf(page->out, "\n%s%s%s\n", page->bold, heading, page->end);
}

/* A bar of eighths of a block, `share` of BAR_COLUMNS long; anything above nothing shows at least the thinnest. */
static void put_bar(const struct page *page, double share)
{
    static const char *const eighths[] = {"", "\u258f", "\u258e", "\u258d", "\u258c", "\u258b", "\u258a", "\u2589"};
    unsigned length = (unsigned)(share * BAR_COLUMNS * 8 + 0.5);

    if (length == 0 && share > 0)
        length = 1;
    for (; length >= 8; length -= 8)
        fputs("\u2588", page->out);
    fputs(eighths[length], page->out);
}

/* Text from the wire, in a column of that width. */
static void put_text(const struct page *page, const char *text, size_t width)
{
    struct text shown = {.limit = 4096};
    struct bytes cut;

    display_append(&shown, bytes_of_text(text));
    cut = display_cut(text_bytes(&shown), width);
    fwrite(cut.at, 1, cut.length, page->out);
    for (size_t used = display_width(cut); used < width; used++)
        fputc(' ', page->out);
    text_free(&shown);
}

static enum format_result put_session_counts(const struct page *page)
{
    sqlite3_stmt *statement = NULL;
    uint64_t most = 0;
    int step = SQLITE_ERROR;
    char number[NUMBER_SIZE];

    put_heading(page, "Sessions");
    if (sqlite3_prepare_v2(page->database, query_session_counts, -1, &statement, NULL) == SQLITE_OK) {
        while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
            uint64_t sessions = (uint64_t)sqlite3_column_int64(statement, 1);

            if (sessions > most) /* the first row holds the most */
                most = sessions;
            fprintf(page->out, "  %-12s%12s  ", (const char *)sqlite3_column_text(statement, 0), number_grouped(sessions, number));
            put_bar(page, most > 0 ? (double)sessions / (double)most : 0);
            fputc('\n', page->out);
        }
    }
    sqlite3_finalize(statement);
    return step == SQLITE_DONE ? FORMAT_DONE : FORMAT_QUERY_FAILED;
}

static void put_hosts(const struct page *page, const struct survey *survey, size_t most)
{
    char flows[NUMBER_SIZE];
    char sent[NUMBER_SIZE];
    char received[NUMBER_SIZE];

    for (size_t i = 0; i < survey->host_count && i < most; i++) {
        const struct survey_entry *host = &survey->hosts[i];

        fputs("  ", page->out);
        put_text(page, host->name, 40);
        fprintf(page->out, "%12s flows%10s sent%10s received\n", number_grouped(host->flows, flows), number_of_bytes(host->bytes_sent, sent),
                number_of_bytes(host->bytes_received, received));
    }
}

static void put_protocols(const struct page *page, const struct survey *survey)
{
    char flows[NUMBER_SIZE];
    char bytes[NUMBER_SIZE];

    put_heading(page, "Flows by protocol");
    for (size_t i = 0; i < survey->protocol_count; i++) {
        const struct survey_entry *protocol = &survey->protocols[i];

        fputs("  ", page->out);
        put_text(page, protocol->name, 24);
        fprintf(page->out, "%12s%10s  ", number_grouped(protocol->flows, flows),
                number_of_bytes(protocol->bytes_sent + protocol->bytes_received, bytes));
        put_bar(page, (double)protocol->flows / (double)survey->protocols[0].flows);
        fputc('\n', page->out);
    }
}

/* Findings by name, `before` before the heading; nothing where there are none. */
static enum format_result put_findings(const struct page *page, int most, const char *before)
{
    bool has_any = false;
    sqlite3_stmt *statement = NULL;
    int step = SQLITE_ERROR;
    char number[NUMBER_SIZE];

    if (sqlite3_prepare_v2(page->database, query_findings, -1, &statement, NULL) == SQLITE_OK) {
        sqlite3_bind_int(statement, 1, most);
        while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
            const char *severity = (const char *)sqlite3_column_text(statement, 0);
            const char *name = (const char *)sqlite3_column_text(statement, 1);

            if (!has_any)
                fprintf(page->out, "%s%sFindings%s\n", before, page->bold, page->end);
            has_any = true;
            fputs("  ", page->out);
            put_text(page, severity == NULL ? "-" : severity, 10);
            put_text(page, name == NULL ? "-" : name, 40);
            fprintf(page->out, "%12s\n", number_grouped((uint64_t)sqlite3_column_int64(statement, 2), number));
        }
    }
    sqlite3_finalize(statement);
    return step == SQLITE_DONE ? FORMAT_DONE : FORMAT_QUERY_FAILED;
}

/* One column a bucket, eight heights. */
static void put_heights(const struct page *page, const struct survey *survey, bool of_bytes, const char *name)
{
    static const char *const heights[] = {" ", "\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588"};
    uint64_t most = 1;

    for (size_t i = 0; i < survey->bucket_count; i++) {
        uint64_t value = of_bytes ? survey->buckets[i].bytes : survey->buckets[i].flows;

        most = value > most ? value : most;
    }
    fprintf(page->out, "  %-6s", name);
    for (size_t i = 0; i < survey->bucket_count; i++) {
        uint64_t value = of_bytes ? survey->buckets[i].bytes : survey->buckets[i].flows;

        fputs(heights[value == 0 ? 0 : 1 + (unsigned)((double)value / (double)most * 7)], page->out);
    }
    fputc('\n', page->out);
}

static void put_timeline(const struct page *page, const struct survey *survey)
{
    char width[NUMBER_SIZE];
    char from[NUMBER_SIZE];
    char to[NUMBER_SIZE];

    if (survey->bucket_count == 0)
        return;
    put_heading(page, "Timeline");
    put_heights(page, survey, false, "flows");
    put_heights(page, survey, true, "bytes");
    fprintf(page->out, "  %s      %s to %s, a column is %s%s\n", page->dim,
            number_of_time(survey->first_us - survey->first_us % survey->bucket_us, from), number_of_time(survey->last_us, to),
            number_of_time_span(survey->bucket_us, width), page->end);
}

static enum format_result put_warnings(const struct page *page)
{
    sqlite3_stmt *statement = NULL;
    int step = SQLITE_ERROR;

    if (sqlite3_prepare_v2(page->database, query_warnings, -1, &statement, NULL) == SQLITE_OK) {
        while ((step = sqlite3_step(statement)) == SQLITE_ROW)
            log_warning("%s", (const char *)sqlite3_column_text(statement, 0));
    }
    sqlite3_finalize(statement);
    return step == SQLITE_DONE ? FORMAT_DONE : FORMAT_QUERY_FAILED;
}

static void put_totals(const struct page *page, const struct survey *survey, const char *path)
{
    char one[NUMBER_SIZE];
    char two[NUMBER_SIZE];
    char three[NUMBER_SIZE];

    put_text(page, path, display_width(bytes_of_text(path)));
    fputc('\n', page->out);
    if (survey->bucket_count > 0)
        fprintf(page->out, "  %s to %s UTC (%s)\n", number_of_time(survey->first_us, one), number_of_time(survey->last_us, two),
                number_of_time_span(survey->last_us - survey->first_us, three));
    fprintf(page->out, "  %s flows, %s packets, %s of payload", number_grouped(survey->flows, one), number_grouped(survey->packets, two),
            number_of_bytes(survey->bytes, three));
    fprintf(page->out, ", %s%s hosts\n", survey->hosts_seen == SURVEY_HOSTS_MOST ? "more than " : "", number_grouped(survey->hosts_seen, one));
}

static enum format_result put_report(const struct page *page, const struct survey *survey, const char *path)
{
    enum format_result result;

    put_totals(page, survey, path);
    result = put_session_counts(page);
    if (result != FORMAT_DONE)
        return result;
    if (survey->protocol_count > 0)
        put_protocols(page, survey);
    if (survey->host_count > 0) {
        put_heading(page, "Busiest hosts");
        put_hosts(page, survey, SURVEY_TOP);
    }
    result = put_findings(page, FINDINGS_SHOWN, "\n");
    if (result != FORMAT_DONE)
        return result;
    put_timeline(page, survey);
    return put_warnings(page) == FORMAT_DONE ? format_written(page->out) : FORMAT_QUERY_FAILED;
}

int report_summary(const char *path, const char *html)
{
    sqlite3 *database = database_open(path);
    struct survey survey;
    enum format_result result;
    int status;

    if (database == NULL)
        return 1;
    result = survey_take(database, true, &survey);
    if (result != FORMAT_DONE) {
        status = database_status(database, result);
    } else if (html != NULL) {
        status = html_report(database, &survey, path, html);
    } else {
        struct page page = page_on(stdout, database);

        status = database_status(database, put_report(&page, &survey, path));
    }
    database_close(database);
    return status;
}

/* ---- after a run ---- */

static enum format_result put_run_sessions(const struct page *page)
{
    sqlite3_stmt *statement = NULL;
    int step = SQLITE_ERROR;
    bool has_any = false;
    char number[NUMBER_SIZE];

    if (sqlite3_prepare_v2(page->database, query_session_counts, -1, &statement, NULL) == SQLITE_OK) {
        while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
            uint64_t sessions = (uint64_t)sqlite3_column_int64(statement, 1);

            if (sessions == 0)
                continue;
            fprintf(page->out, "%s%s%s %s%s", has_any ? "  " : "\n  ", page->bold, (const char *)sqlite3_column_text(statement, 0),
                    number_grouped(sessions, number), page->end);
            has_any = true;
        }
    }
    fputs(has_any ? "\n" : "\n  no sessions\n", page->out);
    sqlite3_finalize(statement);
    return step == SQLITE_DONE ? FORMAT_DONE : FORMAT_QUERY_FAILED;
}

static enum format_result put_run_summary(const struct page *page, const struct survey *survey)
{
    char flows[NUMBER_SIZE];
    char bytes[NUMBER_SIZE];
    enum format_result result;

    fprintf(page->out, "%sSessions%s", page->bold, page->end);
    result = put_run_sessions(page);
    if (result != FORMAT_DONE)
        return result;
    if (survey->host_count > 0) {
        fprintf(page->out, "%sBusiest hosts%s %s(of %s flows, %s of payload)%s\n", page->bold, page->end, page->dim,
                number_grouped(survey->flows, flows), number_of_bytes(survey->bytes, bytes), page->end);
        put_hosts(page, survey, RUN_HOSTS_SHOWN);
    }
    return put_findings(page, RUN_FINDINGS_SHOWN, "");
}

int report_run_summary(const char *path)
{
    sqlite3 *database = database_open(path);
    struct survey survey;
    enum format_result result;
    struct page page;
    int status;

    if (database == NULL)
        return 1;
    page = page_on(stderr, database);
    result = survey_take(database, false, &survey);
    if (result == FORMAT_DONE)
        result = put_run_summary(&page, &survey);
    status = database_status(database, result);
    database_close(database);
    return status;
}

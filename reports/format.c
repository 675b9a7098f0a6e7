/*
 * format.c - CSV (RFC 4180), TSV, JSON (RFC 8259), one object a line; see format.h. Tables are in table.c.
 *
 * NULL and the empty text stay apart: in CSV the empty text is "" and NULL is nothing, in TSV NULL is \N.
 * Values are exact: nothing is put before a text that a spreadsheet may take for a formula.
 */
#include "reports/format.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

bool report_format_of(const char *name, enum report_format *format)
{
    static const char *const names[] = {"table", "csv", "tsv", "json", "ndjson"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            *format = (enum report_format)i;
            return true;
        }
    }
    return false;
}

enum format_result format_written(FILE *out)
{
    if (ferror(out) == 0)
        return FORMAT_DONE;
    return errno == EPIPE ? FORMAT_READER_GONE : FORMAT_WRITE_FAILED;
}

void format_real(double value, char out[32])
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, 32, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            return;
    }
}

static struct bytes column_bytes(sqlite3_stmt *statement, int column)
{
    const void *at = sqlite3_column_blob(statement, column);

    return bytes_of(at, at == NULL ? 0 : (size_t)sqlite3_column_bytes(statement, column));
}

static void append_hex(struct text *out, struct bytes blob)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < blob.length; i++) {
        char pair[2] = {digits[blob.at[i] >> 4], digits[blob.at[i] & 15]};

        text_append(out, bytes_of(pair, 2));
    }
}

void format_value(struct text *out, sqlite3_stmt *statement, int column)
{
    char number[32];

    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_NULL:
        return;
    case SQLITE_INTEGER:
        text_append_format(out, "%lld", (long long)sqlite3_column_int64(statement, column));
        return;
    case SQLITE_FLOAT:
        format_real(sqlite3_column_double(statement, column), number);
        text_append_text(out, number);
        return;
    case SQLITE_BLOB:
        append_hex(out, column_bytes(statement, column));
        return;
    default:
        /* asked for as text first: only that makes sqlite3_column_bytes count the bytes of its UTF-8 */
        sqlite3_column_text(statement, column);
        text_append(out, column_bytes(statement, column));
        return;
    }
}

/* The value alone in `value`. Where memory is short the line counts as cut, and is not written. */
static struct bytes take_value(struct text *value, sqlite3_stmt *statement, int column, struct text *line)
{
    text_clear(value);
    format_value(value, statement, column);
    line->was_cut = line->was_cut || value->was_cut;
    return text_bytes(value);
}

/* ---- CSV ---- */

static void append_csv(struct text *line, struct bytes value)
{
    bool is_plain = value.length > 0;
    struct bytes rest;

    for (size_t i = 0; is_plain && i < value.length; i++)
        is_plain = memchr(",\"\r\n", value.at[i], 4) == NULL;
    if (is_plain && value.at[0] != ' ' && value.at[value.length - 1] != ' ') {
        text_append(line, value);
        return;
    }
    text_append_text(line, "\"");
    while (value.length > 0) {
        struct bytes part = bytes_split(value, '"', &rest);

        text_append(line, part);
        if (rest.at != NULL)
            text_append_text(line, "\"\"");
        value = rest;
    }
    text_append_text(line, "\"");
}

static void csv_row(struct text *line, sqlite3_stmt *statement, int columns, struct text *value)
{
    for (int i = 0; i < columns; i++) {
        if (i > 0)
            text_append_text(line, ",");
        if (sqlite3_column_type(statement, i) == SQLITE_NULL)
            continue;
        append_csv(line, take_value(value, statement, i, line));
    }
    text_append_text(line, "\r\n");
}

static void csv_header(struct text *line, sqlite3_stmt *statement, int columns)
{
    for (int i = 0; i < columns; i++) {
        if (i > 0)
            text_append_text(line, ",");
        append_csv(line, bytes_of_text(sqlite3_column_name(statement, i)));
    }
    text_append_text(line, "\r\n");
}

/* ---- TSV ---- */

static void append_tsv(struct text *line, struct bytes value)
{
    size_t plain = 0;

    for (size_t i = 0; i < value.length; i++) {
        const char *escape = value.at[i] == '\t'   ? "\\t"
                             : value.at[i] == '\n' ? "\\n"
                             : value.at[i] == '\r' ? "\\r"
                             : value.at[i] == '\\' ? "\\\\"
                                                   : NULL;

        if (escape == NULL)
            continue;
        text_append(line, bytes_of(value.at + plain, i - plain));
        text_append_text(line, escape);
        plain = i + 1;
    }
    text_append(line, bytes_of(value.at + plain, value.length - plain));
}

static void tsv_row(struct text *line, sqlite3_stmt *statement, int columns, struct text *value)
{
    for (int i = 0; i < columns; i++) {
        if (i > 0)
            text_append_text(line, "\t");
        if (sqlite3_column_type(statement, i) == SQLITE_NULL) {
            text_append_text(line, "\\N");
            continue;
        }
        append_tsv(line, take_value(value, statement, i, line));
    }
    text_append_text(line, "\n");
}

static void tsv_header(struct text *line, sqlite3_stmt *statement, int columns)
{
    for (int i = 0; i < columns; i++) {
        if (i > 0)
            text_append_text(line, "\t");
        append_tsv(line, bytes_of_text(sqlite3_column_name(statement, i)));
    }
    text_append_text(line, "\n");
}

/* ---- JSON ---- */

static const char *json_escape_of(uint8_t byte, char buffer[8])
{
    switch (byte) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        snprintf(buffer, 8, "\\u%04x", byte);
        return buffer;
    }
}

/* Valid UTF-8 with neither control characters nor what JSON must escape. */
static size_t json_plain_prefix(struct bytes value)
{
    size_t plain = 0;

    while (plain < value.length && value.at[plain] >= 0x20 && value.at[plain] < 0x7f && value.at[plain] != '"' && value.at[plain] != '\\')
        plain++;
    return plain;
}

/* The bytes of the character at the start of `value`, a lead byte above ASCII; 0 where it is not valid UTF-8. */
static size_t utf8_length(struct bytes value)
{
    size_t length = value.at[0] >= 0xf0 ? 4 : value.at[0] >= 0xe0 ? 3 : 2;

    if (length > value.length)
        return 0;
    return text_plain_prefix(bytes_of(value.at, length)) == length ? length : 0;
}

static void append_json_string(struct text *line, struct bytes value)
{
    char buffer[8];

    text_append_text(line, "\"");
    while (value.length > 0) {
        size_t taken = json_plain_prefix(value);

        text_append(line, bytes_of(value.at, taken));
        if (taken == value.length)
            break;
        value = bytes_of(value.at + taken, value.length - taken);
        taken = 1;
        if (value.at[0] < 0x80) {
            text_append_text(line, json_escape_of(value.at[0], buffer));
        } else if ((taken = utf8_length(value)) > 0) {
            text_append(line, bytes_of(value.at, taken));
        } else {
            text_append_text(line, "\\ufffd"); /* not from a table of ours: those hold valid UTF-8 */
            taken = 1;
        }
        value = bytes_of(value.at + taken, value.length - taken);
    }
    text_append_text(line, "\"");
}

static void append_json_value(struct text *line, sqlite3_stmt *statement, int column, struct text *value)
{
    int type = sqlite3_column_type(statement, column);

    if (type == SQLITE_NULL || (type == SQLITE_FLOAT && !isfinite(sqlite3_column_double(statement, column)))) {
        text_append_text(line, "null");
        return;
    }
    if (type == SQLITE_INTEGER || type == SQLITE_FLOAT) {
        format_value(line, statement, column);
        return;
    }
    append_json_string(line, take_value(value, statement, column, line));
}

static void json_row(struct text *line, sqlite3_stmt *statement, int columns, struct text *value)
{
    text_append_text(line, "{");
    for (int i = 0; i < columns; i++) {
        if (i > 0)
            text_append_text(line, ",");
        append_json_string(line, bytes_of_text(sqlite3_column_name(statement, i)));
        text_append_text(line, ":");
        append_json_value(line, statement, i, value);
    }
    text_append_text(line, "}");
}

/* ---- all of them ---- */

static void append_before(struct text *line, sqlite3_stmt *statement, int columns, enum report_format format)
{
    if (format == REPORT_CSV)
        csv_header(line, statement, columns);
    else if (format == REPORT_TSV)
        tsv_header(line, statement, columns);
    else if (format == REPORT_JSON)
        text_append_text(line, "[");
}

static void append_row(struct text *line, sqlite3_stmt *statement, int columns, enum report_format format, uint64_t row, struct text *value)
{
    switch (format) {
    case REPORT_CSV:
        csv_row(line, statement, columns, value);
        return;
    case REPORT_TSV:
        tsv_row(line, statement, columns, value);
        return;
    case REPORT_JSON:
        text_append_text(line, row == 0 ? "\n" : ",\n");
        json_row(line, statement, columns, value);
        return;
    case REPORT_NDJSON:
        json_row(line, statement, columns, value);
        text_append_text(line, "\n");
        return;
    case REPORT_TABLE:
        return;
    }
}

static enum format_result put_line(struct text *line, FILE *out)
{
    if (line->was_cut) {
        errno = ENOMEM;
        return FORMAT_WRITE_FAILED;
    }
    if (line->length > 0)
        fwrite(line->at, 1, line->length, out);
    text_clear(line);
    return format_written(out);
}

static enum format_result write_lines(sqlite3_stmt *statement, enum report_format format, FILE *out, struct text *line, struct text *value,
                                      uint64_t *rows)
{
    int columns = sqlite3_column_count(statement);
    enum format_result result;
    int step = sqlite3_step(statement);

    /* an error at the first step leaves no header behind */
    if (step != SQLITE_ROW && step != SQLITE_DONE)
        return FORMAT_QUERY_FAILED;
    append_before(line, statement, columns, format);
    for (; step == SQLITE_ROW; step = sqlite3_step(statement)) {
        append_row(line, statement, columns, format, (*rows)++, value);
        result = put_line(line, out);
        if (result != FORMAT_DONE)
            return result;
    }
    if (format == REPORT_JSON)
        text_append_text(line, *rows == 0 ? "]\n" : "\n]\n");
    result = put_line(line, out);
    return step == SQLITE_DONE ? result : FORMAT_QUERY_FAILED;
}

enum format_result format_rows(sqlite3_stmt *statement, enum report_format format, FILE *out, uint64_t *rows)
{
    struct text line = {.limit = FORMAT_LINE_LIMIT};
    struct text value = {.limit = FORMAT_LINE_LIMIT};
    uint64_t counted = 0;
    enum format_result result;

    if (format == REPORT_TABLE)
        return format_table(statement, out, rows);
    result = write_lines(statement, format, out, &line, &value, &counted);
    text_free(&line);
    text_free(&value);
    if (rows != NULL)
        *rows = counted;
    return result;
}

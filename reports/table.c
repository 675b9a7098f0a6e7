/*
 * table.c - rows as a table for people; see format.h.
 *
 * The first rows are held back until the widths are known. On a terminal the last and the widest columns give way until
 * a line fits; elsewhere nothing is cut, and a later cell that is wider than its column only pushes its own line.
 */
#include "base/log.h"
#include "reports/display.h"
#include "reports/format.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ROWS_LOOKED_AT 1000
#define HELD_BYTES_MOST (64u << 20)
#define COLUMN_NARROWEST 8
#define LAST_COLUMN_NARROWEST 10
#define COLUMN_GAP 2
#define TERMINAL_DEFAULT 80

#define STYLE_DIM "\033[2m"
#define STYLE_BOLD "\033[1m"
#define STYLE_END "\033[0m"

struct cell {
    size_t at; /* in table.held */
    size_t length;
    bool is_null;
};

struct table {
    sqlite3_stmt *statement;
    FILE *out;
    int columns;
    size_t terminal; /* columns of the terminal; 0: not one */
    bool has_colour;
    size_t *widths;     /* owned */
    bool *has_numbers;  /* owned; all values that were looked at are numbers */
    struct cell *names; /* owned; the header */
    struct cell *cells; /* owned; the rows that are held back */
    struct text held;   /* what the cells show */
    size_t rows;
};

static size_t terminal_width(FILE *out)
{
    struct winsize size;

    if (isatty(fileno(out)) != 1)
        return 0;
    if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return TERMINAL_DEFAULT;
}

static bool init_table(struct table *table)
{
    size_t columns = (size_t)table->columns;

    table->widths = calloc(columns, sizeof *table->widths);
    table->has_numbers = calloc(columns, sizeof *table->has_numbers);
    table->names = calloc(columns, sizeof *table->names);
    table->cells = calloc(columns * ROWS_LOOKED_AT, sizeof *table->cells);
    return table->widths != NULL && table->has_numbers != NULL && table->names != NULL && table->cells != NULL;
}

static void free_table(struct table *table)
{
    free(table->widths);
    free(table->has_numbers);
    free(table->names);
    free(table->cells);
    text_free(&table->held);
}

static struct bytes cell_bytes(const struct table *table, const struct cell *cell)
{
    return bytes_of(table->held.at + cell->at, cell->length);
}

/* Takes the row that the statement stands on into `cells`. */
static void hold_row(struct table *table, struct cell *cells, struct text *value)
{
    for (int i = 0; i < table->columns; i++) {
        int type = sqlite3_column_type(table->statement, i);
        struct cell *cell = &cells[i];

        text_clear(value);
        format_value(value, table->statement, i);
        *cell = (struct cell){.at = table->held.length, .is_null = type == SQLITE_NULL};
        if (cell->is_null)
            text_append_text(&table->held, "-");
        else
            display_append(&table->held, text_bytes(value));
        cell->length = table->held.length - cell->at;
        if (!cell->is_null && type != SQLITE_INTEGER && type != SQLITE_FLOAT)
            table->has_numbers[i] = false;
    }
}

static void measure(struct table *table)
{
    for (int i = 0; i < table->columns; i++) {
        table->widths[i] = display_width(cell_bytes(table, &table->names[i]));
        for (size_t row = 0; row < table->rows; row++) {
            size_t width = display_width(cell_bytes(table, &table->cells[row * (size_t)table->columns + (size_t)i]));

            if (width > table->widths[i])
                table->widths[i] = width;
        }
    }
}

static size_t line_width(const struct table *table)
{
    size_t width = COLUMN_GAP * (size_t)(table->columns - 1);

    for (int i = 0; i < table->columns; i++)
        width += table->widths[i];
    return width;
}

static int widest_column(const struct table *table)
{
    int widest = 0;

    for (int i = 1; i < table->columns; i++) {
        if (table->widths[i] > table->widths[widest])
            widest = i;
    }
    return widest;
}

/* The last column gives way first: it is where the long texts stand. */
static void fit_to_terminal(struct table *table)
{
    size_t *last = &table->widths[table->columns - 1];

    for (size_t width = line_width(table); table->terminal > 0 && width > table->terminal; width--) {
        size_t *column = *last > LAST_COLUMN_NARROWEST ? last : &table->widths[widest_column(table)];

        if (*column <= COLUMN_NARROWEST)
            return;
        --*column;
    }
}

static void put_spaces(const struct table *table, size_t count)
{
    while (count-- > 0)
        fputc(' ', table->out);
}

/* One cell in its column; `room` is what is left of the terminal's line. */
static void put_cell(const struct table *table, int column, struct bytes text, const char *style, size_t room)
{
    size_t most = table->terminal > 0 ? table->widths[column] : SIZE_MAX;
    size_t width = display_width(text);
    bool is_cut;

    if (table->terminal > 0 && most > room)
        most = room;
    is_cut = width > most;
    if (is_cut) {
        text = display_cut(text, most - 1);
        width = display_width(text) + 1;
    }
    if (table->has_numbers[column] && width < table->widths[column])
        put_spaces(table, table->widths[column] - width);
    fputs(style, table->out);
    fwrite(text.at, 1, text.length, table->out);
    if (is_cut)
        fputs("\xe2\x80\xa6", table->out); /* an ellipsis */
    if (style[0] != '\0')
        fputs(STYLE_END, table->out);
    if (!table->has_numbers[column] && column + 1 < table->columns && width < table->widths[column])
        put_spaces(table, table->widths[column] - width);
}

/* A whole line, of a row or of the names. */
static void put_line(const struct table *table, const struct cell *cells)
{
    size_t used = 0;

    for (int i = 0; i < table->columns; i++) {
        size_t room = table->terminal > used ? table->terminal - used : 0;
        const char *style = !table->has_colour ? "" : cells == table->names ? STYLE_BOLD : cells[i].is_null ? STYLE_DIM : "";

        if (table->terminal > 0 && room < COLUMN_GAP + 1)
            break;
        if (i > 0) {
            put_spaces(table, COLUMN_GAP);
            room -= table->terminal > 0 ? COLUMN_GAP : 0;
        }
        put_cell(table, i, cell_bytes(table, &cells[i]), style, room);
        used += table->widths[i] + (i > 0 ? COLUMN_GAP : 0);
    }
    fputc('\n', table->out);
}

static void put_rule(const struct table *table)
{
    size_t left = table->terminal > 0 ? table->terminal : SIZE_MAX;

    for (int i = 0; i < table->columns; i++) {
        for (size_t k = 0; i > 0 && k < COLUMN_GAP && left > 0; k++, left--)
            fputc(' ', table->out);
        for (size_t k = 0; k < table->widths[i] && left > 0; k++, left--)
            fputc('-', table->out);
    }
    fputc('\n', table->out);
}

/* The names too are made harmless: SQL that a script put together may hold anything. */
static void hold_names(struct table *table)
{
    for (int i = 0; i < table->columns; i++) {
        struct cell *cell = &table->names[i];

        *cell = (struct cell){.at = table->held.length};
        display_append(&table->held, bytes_of_text(sqlite3_column_name(table->statement, i)));
        cell->length = table->held.length - cell->at;
    }
}

static int hold_first_rows(struct table *table, struct text *value)
{
    int step;

    hold_names(table);
    for (int i = 0; i < table->columns; i++)
        table->has_numbers[i] = true;
    while ((step = sqlite3_step(table->statement)) == SQLITE_ROW) {
        hold_row(table, &table->cells[table->rows * (size_t)table->columns], value);
        table->rows++;
        if (table->rows == ROWS_LOOKED_AT || table->held.length > HELD_BYTES_MOST)
            break;
    }
    return step;
}

static enum format_result put_table(struct table *table, struct text *value, uint64_t *rows)
{
    int step = hold_first_rows(table, value);

    *rows = table->rows;
    if (step != SQLITE_ROW && step != SQLITE_DONE && table->rows == 0)
        return FORMAT_QUERY_FAILED;
    measure(table);
    fit_to_terminal(table);
    put_line(table, table->names);
    put_rule(table);
    for (size_t row = 0; row < table->rows; row++)
        put_line(table, &table->cells[row * (size_t)table->columns]);
    while (step == SQLITE_ROW && format_written(table->out) == FORMAT_DONE) {
        step = sqlite3_step(table->statement);
        if (step != SQLITE_ROW)
            break;
        text_clear(&table->held);
        hold_row(table, table->cells, value);
        put_line(table, table->cells);
        ++*rows;
    }
    if (step != SQLITE_ROW && step != SQLITE_DONE)
        return FORMAT_QUERY_FAILED;
    return format_written(table->out);
}

enum format_result format_table(sqlite3_stmt *statement, FILE *out, uint64_t *rows)
{
    struct table table = {
        .statement = statement,
        .out = out,
        .columns = sqlite3_column_count(statement),
        .terminal = terminal_width(out),
        .has_colour = log_has_colour(out),
        .held = {.limit = FORMAT_LINE_LIMIT},
    };
    struct text value = {.limit = FORMAT_LINE_LIMIT};
    uint64_t counted = 0;
    enum format_result result = FORMAT_WRITE_FAILED;

    if (init_table(&table))
        result = put_table(&table, &value, &counted);
    free_table(&table);
    text_free(&value);
    if (rows != NULL)
        *rows = counted;
    return result;
}

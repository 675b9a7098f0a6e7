/*
 * schema.h - the SQL of the tables and views, made from the record descriptions.
 * Private to the store.
 */
#ifndef WIRESCRIBE_STORE_SCHEMA_H
#define WIRESCRIBE_STORE_SCHEMA_H

#include "base/record.h"
#include "base/text.h"

#define SCHEMA_SQL_LIMIT (256u << 10) /* bytes of one statement */
#define SCHEMA_VIEW_COLUMNS_MOST 128

/* One column of a view. */
struct view_column {
    const char *name;
    enum record_type type;
    bool is_later;
    const char *sql; /* the expression; NULL: the column of that name in the table `t` */
    const char *doc;
};

/* A view written by hand (views.c). Its SQL is made from the columns, so that they cannot disagree. */
struct view_definition {
    const char *name;
    const char *doc;
    const struct view_column *columns;
    size_t column_count;
    const char *from; /* all that follows the list of columns */
};

/* The views that are made from flows alone, in the order of the documentation. */
extern const struct view_definition view_definitions[];
extern const size_t view_definition_count;

/* What all session views start with, `encrypted` aside; table `t` is left-joined to flow `f`. The first is flow_id. */
extern const struct view_column session_view_columns[];
extern const size_t session_view_column_count;

/* The view `sessions`; made of each table that has a `session`. */
extern const struct view_column sessions_columns[];
extern const size_t sessions_column_count;

/* ISO 8601 in UTC with microseconds, of an SQL expression in microseconds. */
#define VIEW_ISO_TIME(US) "strftime('%Y-%m-%dT%H:%M:%S', " US " / 1000000, 'unixepoch') || printf('.%06dZ', " US " % 1000000)"

/* A view as it is created. Valid during the call that hands it out. */
struct schema_view {
    const char *name;
    const char *doc;
    struct view_column columns[SCHEMA_VIEW_COLUMNS_MOST];
    size_t column_count;
    struct text sql; /* CREATE VIEW, with the documentation inside as comments; without a final semicolon */
};

/*
 * Calls `on_view` for each view, in the order of the documentation, until it answers false. Views that need a table which is
 * not among `tables` are left out. False: on_view said so, or out of memory.
 */
bool schema_each_view(const struct record_table *const *tables, size_t table_count, void *context,
                      bool (*on_view)(void *context, const struct schema_view *view));

/* CREATE TABLE of one record, STRICT; without a semicolon. Appended to `sql`. */
void schema_table_sql(const struct record_table *table, struct text *sql);

/* The same for the unique indexes of tables with a `key`: a live database alone has them. */
bool schema_each_key(const struct record_table *const *tables, size_t table_count, void *context,
                     bool (*on_index)(void *context, const char *name, const char *sql));

/* Calls `on_index` with the name and the SQL of each index. False: on_index said so. */
bool schema_each_index(const struct record_table *const *tables, size_t table_count, void *context,
                       bool (*on_index)(void *context, const char *name, const char *sql));

/* The type in a STRICT table. */
const char *schema_type(enum record_type type);

/* The table of that name, or NULL. */
const struct record_table *schema_find_table(const struct record_table *const *tables, size_t table_count, const char *name);

#endif

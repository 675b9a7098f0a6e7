/*
 * schema.c - see schema.h; also prints the schema for people (store_print_schema).
 *
 * The table `flow` is known here by name: it belongs to the streams stage, and all session views lean on it.
 */
#include "store/schema.h"

#include "base/log.h"
#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>

#define FLOW_TABLE "flow"
#define FINDING_TABLE "finding"

/*
 * Beyond record_table.index: which data flows a control flow opened. Addresses have no index: making the two costs as much as
 * writing all flows, after the capture was read, and looking through a million flows for an address takes a fifth of a second.
 */
#define FLOW_INDEX_NAME "flow_by_parent"
#define FLOW_INDEX_SQL "CREATE INDEX IF NOT EXISTS " FLOW_INDEX_NAME " ON flow (parent_flow_id) WHERE parent_flow_id IS NOT NULL"

const char *schema_type(enum record_type type)
{
    switch (type) {
    case RECORD_REAL:
        return "REAL";
    case RECORD_TEXT:
        return "TEXT";
    case RECORD_BLOB:
        return "BLOB";
    case RECORD_INTEGER:
    case RECORD_BOOLEAN:
        break;
    }
    return "INTEGER";
}

const struct record_table *schema_find_table(const struct record_table *const *tables, size_t table_count, const char *name)
{
    for (size_t i = 0; i < table_count; i++) {
        if (strcmp(tables[i]->table, name) == 0)
            return tables[i];
    }
    return NULL;
}

static bool has_column(const struct record_table *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++) {
        if (strcmp(table->columns[i].name, name) == 0)
            return true;
    }
    return false;
}

void schema_table_sql(const struct record_table *table, struct text *sql)
{
    text_append_format(sql, "CREATE TABLE %s (", table->table);
    for (size_t i = 0; i < table->column_count; i++) {
        const struct record_column *column = &table->columns[i];

        text_append_format(sql, "%s\n    %s %s", i == 0 ? "" : ",", column->name, schema_type(column->type));
        if (i == 0 && table->replaces)
            text_append_text(sql, " PRIMARY KEY");
    }
    text_append_text(sql, "\n) STRICT");
}

/* What makes the newer one of two rows stay, where rows are written again while they grow. */
bool schema_each_key(const struct record_table *const *tables, size_t table_count, void *context,
                     bool (*on_index)(void *context, const char *name, const char *sql))
{
    char name[128];
    char sql[512];

    for (size_t i = 0; i < table_count; i++) {
        if (tables[i]->key == NULL)
            continue;
        snprintf(name, sizeof name, "%s_key", tables[i]->table);
        snprintf(sql, sizeof sql, "CREATE UNIQUE INDEX IF NOT EXISTS %s ON %s (%s)", name, tables[i]->table, tables[i]->key);
        if (!on_index(context, name, sql))
            return false;
    }
    return true;
}

bool schema_each_index(const struct record_table *const *tables, size_t table_count, void *context,
                       bool (*on_index)(void *context, const char *name, const char *sql))
{
    char name[128];
    char sql[512];

    for (size_t i = 0; i < table_count; i++) {
        if (tables[i]->index == NULL)
            continue;
        snprintf(name, sizeof name, "%s_index", tables[i]->table);
        snprintf(sql, sizeof sql, "CREATE INDEX IF NOT EXISTS %s ON %s (%s)", name, tables[i]->table, tables[i]->index);
        if (!on_index(context, name, sql))
            return false;
    }
    return schema_find_table(tables, table_count, FLOW_TABLE) == NULL || on_index(context, FLOW_INDEX_NAME, FLOW_INDEX_SQL);
}

/* ---- views ---- */

static void add_column(struct schema_view *view, struct view_column column)
{
    if (view->column_count < SCHEMA_VIEW_COLUMNS_MOST)
        view->columns[view->column_count++] = column;
}

static void add_table_column(struct schema_view *view, const struct record_column *column)
{
    add_column(view, (struct view_column){column->name, column->type, column->is_later, NULL, column->doc});
}

static void add_column_of(struct schema_view *view, const struct record_table *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++) {
        if (strcmp(table->columns[i].name, name) == 0)
            add_table_column(view, &table->columns[i]);
    }
}

static void add_time_text(struct schema_view *view, const struct record_table *table)
{
    if (has_column(table, "time_us"))
        add_column(view, (struct view_column){"time", RECORD_TEXT, false, VIEW_ISO_TIME("t.time_us"), "time_us as ISO 8601 text, UTC"});
    if (has_column(table, "start_us"))
        add_column(view, (struct view_column){"start_time", RECORD_TEXT, false, VIEW_ISO_TIME("t.start_us"), "start_us as ISO 8601 text, UTC"});
    if (has_column(table, "end_us"))
        add_column(view, (struct view_column){"end_time", RECORD_TEXT, false, VIEW_ISO_TIME("t.end_us"), "end_us as ISO 8601 text, UTC"});
}

static void add_plain_columns(struct schema_view *view, const struct record_table *table)
{
    for (size_t i = 0; i < table->column_count; i++)
        add_table_column(view, &table->columns[i]);
    add_time_text(view, table);
}

static void add_session_columns(struct schema_view *view, const struct record_table *table)
{
    for (size_t i = 0; i < table->column_count; i++) {
        const struct record_column *column = &table->columns[i];

        if (strcmp(column->name, "encrypted") == 0 || strcmp(column->name, RECORD_TUNNEL) == 0)
            continue;
        if (strcmp(column->name, "flow_id") != 0) {
            add_table_column(view, column);
            continue;
        }
        for (size_t k = 0; k < session_view_column_count; k++)
            add_column(view, session_view_columns[k]);
        add_column_of(view, table, "encrypted");
    }
    if (has_column(table, "time_us")) /* start_us is the flow's */
        add_time_text(view, table);
}

/* The view `flows`: the table with what follows from its times. */
static void add_flow_columns(struct schema_view *view, const struct record_table *table)
{
    for (size_t i = 0; i < table->column_count; i++) {
        const struct record_column *column = &table->columns[i];

        if (strcmp(column->name, "start_us") == 0)
            add_column(view,
                       (struct view_column){"start_time", RECORD_TEXT, false, VIEW_ISO_TIME("t.start_us"), "first packet as ISO 8601 text, UTC"});
        add_table_column(view, column);
        if (strcmp(column->name, "end_us") == 0)
            add_column(view, (struct view_column){"duration", RECORD_REAL, false, "(t.end_us - t.start_us) / 1e6",
                                                  "from the first to the last packet; seconds"});
    }
}

static void add_finding_columns(struct schema_view *view, const struct record_table *table)
{
    for (size_t i = 0; i < table->column_count; i++)
        add_table_column(view, &table->columns[i]);
    add_column(view, (struct view_column){"client_ip", RECORD_TEXT, false, "f.client_ip", "the side that opened the flow"});
    add_column(view, (struct view_column){"server_ip", RECORD_TEXT, false, "f.server_ip", "the other side"});
    add_time_text(view, table);
}

/* The documentation, as comments inside the statement: SQLite keeps them, so that each database explains itself. */
static void append_documentation(struct text *sql, const struct schema_view *view)
{
    text_append_format(sql, "-- %s\n", view->doc);
    for (size_t i = 0; i < view->column_count; i++) {
        const struct view_column *column = &view->columns[i];

        text_append_format(sql, "--   %-24s %-8s", column->name, column->type == RECORD_BOOLEAN ? "0 or 1" : schema_type(column->type));
        text_append_format(sql, " %s%s\n", column->doc, column->is_later ? " (not filled yet)" : "");
    }
}

static const char *quote_of(const struct view_column *column)
{
    return strchr(column->name, '.') != NULL ? "\"" : "";
}

static void append_column(struct text *sql, const struct view_column *column, const char *expression)
{
    const char *quote = quote_of(column);

    if (expression == NULL)
        text_append_format(sql, "t.%s", column->name);
    else if (strcmp(expression, column->name) == 0)
        text_append_text(sql, expression);
    else {
        text_append_text(sql, expression);
        text_append_format(sql, " AS %s%s%s", quote, column->name, quote);
    }
}

static void append_select(struct text *sql, const struct schema_view *view)
{
    text_append_text(sql, "SELECT ");
    for (size_t i = 0; i < view->column_count; i++) {
        if (i > 0)
            text_append_text(sql, i % 4 == 0 ? ",\n    " : ", ");
        append_column(sql, &view->columns[i], view->columns[i].sql);
    }
    text_append_text(sql, "\n");
}

static void begin_view(struct schema_view *view, const char *name, const char *doc)
{
    text_clear(&view->sql);
    view->name = name;
    view->doc = doc;
    view->column_count = 0;
}

static void begin_sql(struct schema_view *view)
{
    text_append_format(&view->sql, "CREATE VIEW %s AS\n", view->name);
    append_documentation(&view->sql, view);
}

/* What was written when it was seen, and what all rows together show. */
static void append_findings(struct text *sql, const struct record_table *const *tables, size_t table_count)
{
    text_append_format(sql, "FROM (SELECT flow_id, time_us, severity, name, detail FROM %s", FINDING_TABLE);
    for (size_t i = 0; i < table_count; i++) {
        if (tables[i]->findings == NULL)
            continue;
        text_append_text(sql, "\nUNION ALL ");
        text_append_text(sql, tables[i]->findings);
    }
    text_append_text(sql, ") AS t");
}

/* The view of one table; false where it has none. */
static bool make_table_view(struct schema_view *view, const struct record_table *table, const struct record_table *const *tables, size_t table_count)
{
    bool has_flows = schema_find_table(tables, table_count, FLOW_TABLE) != NULL;
    bool is_flow = strcmp(table->table, FLOW_TABLE) == 0;
    bool is_finding = strcmp(table->table, FINDING_TABLE) == 0;
    bool joins_flow = is_finding || (table->kind == RECORD_VIEW_SESSION && !is_flow);
    const char *name = is_flow ? "flows" : is_finding ? "findings" : table->view;

    if (name == NULL || (joins_flow && !has_flows))
        return false;
    begin_view(view, name, table->doc);
    if (is_flow)
        add_flow_columns(view, table);
    else if (is_finding)
        add_finding_columns(view, table);
    else if (table->kind == RECORD_VIEW_SESSION)
        add_session_columns(view, table);
    else
        add_plain_columns(view, table);
    begin_sql(view);
    append_select(&view->sql, view);
    if (is_finding)
        append_findings(&view->sql, tables, table_count);
    else
        text_append_format(&view->sql, "FROM %s AS t", table->table);
    if (joins_flow)
        text_append_text(&view->sql, " LEFT JOIN flow AS f ON f.flow_id = t.flow_id");
    return true;
}

static void make_defined_view(struct schema_view *view, const struct view_definition *definition)
{
    begin_view(view, definition->name, definition->doc);
    for (size_t i = 0; i < definition->column_count; i++)
        add_column(view, definition->columns[i]);
    begin_sql(view);
    append_select(&view->sql, view);
    text_append_text(&view->sql, definition->from);
}

/* What one protocol gives to a column of `sessions`. */
static void append_sessions_column(struct text *sql, const struct view_column *column, const struct record_session *session)
{
    char protocol[64];
    const char *expression = column->sql;

    if (strcmp(column->name, "protocol") == 0) {
        snprintf(protocol, sizeof protocol, "'%s'", session->protocol);
        expression = protocol;
    } else if (strcmp(column->name, "user") == 0) {
        expression = session->user;
    } else if (strcmp(column->name, "outcome") == 0) {
        expression = session->outcome;
    } else if (strcmp(column->name, "summary") == 0) {
        expression = session->summary;
    }
    append_column(sql, column, expression);
}

static bool make_sessions_view(struct schema_view *view, const struct record_table *const *tables, size_t table_count)
{
    bool is_first = true;

    begin_view(view, "sessions", "one session of any of the protocols that wirescribe reads to the bottom");
    for (size_t i = 0; i < sessions_column_count; i++)
        add_column(view, sessions_columns[i]);
    begin_sql(view);
    for (size_t i = 0; i < table_count; i++) {
        if (tables[i]->session == NULL || tables[i]->view == NULL || tables[i]->kind != RECORD_VIEW_SESSION)
            continue;
        text_append_text(&view->sql, is_first ? "SELECT " : "\nUNION ALL SELECT ");
        is_first = false;
        for (size_t k = 0; k < sessions_column_count; k++) {
            text_append_text(&view->sql, k == 0 ? "" : ", ");
            append_sessions_column(&view->sql, &sessions_columns[k], tables[i]->session);
        }
        text_append_format(&view->sql, "\nFROM %s AS s LEFT JOIN flow AS f ON f.flow_id = s.flow_id", tables[i]->view);
    }
    return !is_first;
}

typedef bool on_view_function(void *context, const struct schema_view *view);

static bool hand_out(struct schema_view *view, void *context, on_view_function *on_view)
{
    if (view->sql.was_cut || view->column_count == SCHEMA_VIEW_COLUMNS_MOST) {
        log_error("the view %s is too large", view->name);
        return false;
    }
    return on_view(context, view);
}

static bool each_view(struct schema_view *view, const struct record_table *const *tables, size_t table_count, void *context,
                      on_view_function *on_view)
{
    bool has_flows = schema_find_table(tables, table_count, FLOW_TABLE) != NULL;

    for (size_t i = 0; i < table_count; i++) {
        bool is_flow = strcmp(tables[i]->table, FLOW_TABLE) == 0;

        if (make_table_view(view, tables[i], tables, table_count) && !hand_out(view, context, on_view))
            return false;
        if (is_flow && make_sessions_view(view, tables, table_count) && !hand_out(view, context, on_view))
            return false;
    }
    for (size_t i = 0; has_flows && i < view_definition_count; i++) {
        make_defined_view(view, &view_definitions[i]);
        if (!hand_out(view, context, on_view))
            return false;
    }
    return true;
}

bool schema_each_view(const struct record_table *const *tables, size_t table_count, void *context, on_view_function *on_view)
{
    struct schema_view view = {.sql = {.limit = SCHEMA_SQL_LIMIT}};
    bool is_done = each_view(&view, tables, table_count, context, on_view);

    text_free(&view.sql);
    return is_done;
}

/* ---- printing ---- */

static bool print_view(void *context, const struct schema_view *view)
{
    (void)context;
    printf("%s;\n\n", view->sql.at);
    return true;
}

static bool print_index(void *context, const char *name, const char *sql)
{
    (void)context;
    (void)name;
    printf("%s;\n", sql);
    return true;
}

static bool print_sqlite(const struct record_table *const *tables, size_t table_count)
{
    struct text sql = {.limit = SCHEMA_SQL_LIMIT};
    bool is_whole;

    printf("-- The database of wirescribe, schema version %d.\n"
           "-- Views: the public interface. Names and columns stay; columns and views may be added.\n"
           "-- Tables: beneath the views; their shape may change from version to version.\n"
           "PRAGMA application_id = %d;\nPRAGMA user_version = %d;\n\n",
           STORE_SCHEMA_VERSION, STORE_APPLICATION_ID, STORE_SCHEMA_VERSION);
    is_whole = schema_each_view(tables, table_count, NULL, print_view);
    for (size_t i = 0; i < table_count; i++) {
        text_clear(&sql);
        schema_table_sql(tables[i], &sql);
        is_whole = is_whole && !sql.was_cut;
        printf("-- %s\n%s;\n\n", tables[i]->doc, sql.length > 0 ? sql.at : "");
    }
    text_free(&sql);
    return schema_each_index(tables, table_count, NULL, print_index) && is_whole;
}

static const char *clickhouse_type(enum record_type type)
{
    switch (type) {
    case RECORD_INTEGER:
        return "Nullable(Int64)";
    case RECORD_REAL:
        return "Nullable(Float64)";
    case RECORD_TEXT:
    case RECORD_BLOB:
        return "Nullable(String)";
    case RECORD_BOOLEAN:
        break;
    }
    return "Nullable(UInt8)";
}

static void print_clickhouse_text(const char *text, const char *more)
{
    putchar('\'');
    for (; *text != '\0'; text++) {
        if (*text == '\'' || *text == '\\')
            putchar('\\');
        putchar(*text);
    }
    printf("%s'", more);
}

static bool print_clickhouse_view(void *context, const struct schema_view *view)
{
    (void)context;
    printf("CREATE TABLE %s\n(\n", view->name);
    for (size_t i = 0; i < view->column_count; i++) {
        const struct view_column *column = &view->columns[i];

        printf("    `%s` %s COMMENT ", column->name, clickhouse_type(column->type));
        print_clickhouse_text(column->doc, column->is_later ? " (not filled yet)" : "");
        printf("%s\n", i + 1 < view->column_count ? "," : "");
    }
    printf(")\nENGINE = MergeTree\nORDER BY tuple()\nCOMMENT ");
    print_clickhouse_text(view->doc, "");
    printf(";\n\n");
    return true;
}

bool store_print_schema(const struct record_table *const *tables, size_t table_count, const char *dialect)
{
    if (strcmp(dialect, "sqlite") == 0)
        return print_sqlite(tables, table_count);
    if (strcmp(dialect, "clickhouse") != 0)
        return false;
    printf("-- The public views of a wirescribe database as tables of ClickHouse. To fill one of them:\n"
           "-- wirescribe sql DB 'SELECT * FROM flows' --format ndjson | clickhouse-client --query 'INSERT INTO flows FORMAT JSONEachRow'\n\n");
    return schema_each_view(tables, table_count, NULL, print_clickhouse_view);
}

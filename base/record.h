/*
 * record.h - the one description of a record.
 *
 * A list macro names each column once: its type, its name and the sentence that
 * explains it. From that list come the C struct, the table, its INSERT, the
 * JSON and the documentation (`wirescribe schema`), so that they cannot disagree:
 *
 *     #define SSH_SESSION(COLUMN, LATER, R)                          \
 *         COLUMN(R, integer, flow_id, RECORD_DOC_FLOW_ID)            \
 *         COLUMN(R, text, client_version, "identification string")   \
 *         LATER(R, integer, keystrokes, "keys typed in a shell")
 *     RECORD_STRUCT(ssh_session, SSH_SESSION);          // struct ssh_session
 *     RECORD_COLUMNS(ssh_session, SSH_SESSION);         // ssh_session_columns[]
 *
 * LATER marks a column that the promise to users names and that no code fills
 * yet: it is NULL in every row, and `wirescribe schema` says so.
 *
 * Every member starts unknown (all bytes 0) and is then NULL in the database;
 * set it only to what was seen on the wire.
 */
#ifndef WIRESCRIBE_BASE_RECORD_H
#define WIRESCRIBE_BASE_RECORD_H

#include "base/bytes.h"

enum record_type {
    RECORD_INTEGER,
    RECORD_REAL,
    RECORD_TEXT,
    RECORD_BOOLEAN, /* 0 or 1 */
    RECORD_BLOB,    /* bytes of the program's own, stored as they are */
};

struct record_integer {
    int64_t value;
    bool is_known;
};
struct record_real {
    double value;
    bool is_known;
};
struct record_boolean {
    bool value;
    bool is_known;
};
/* Borrowed: must stay valid until the record was handed to the store (record_write copies it). */
struct record_text {
    struct bytes value;
    bool is_known;
};

/* Borrowed, as text. */
struct record_blob {
    struct bytes value;
    bool is_known;
};

static inline struct record_integer record_integer(int64_t value)
{
    return (struct record_integer){.value = value, .is_known = true};
}
static inline struct record_real record_real(double value)
{
    return (struct record_real){.value = value, .is_known = true};
}
static inline struct record_boolean record_boolean(bool value)
{
    return (struct record_boolean){.value = value, .is_known = true};
}
/* Bytes from the wire, in whatever state: they are escaped to valid UTF-8 on the way to the store. */
static inline struct record_text record_text(struct bytes value)
{
    return (struct record_text){.value = value, .is_known = true};
}
static inline struct record_blob record_blob(struct bytes value)
{
    return (struct record_blob){.value = value, .is_known = true};
}
/* A text of the program's own; NULL stays unknown. */
static inline struct record_text record_text_of(const char *value)
{
    if (value == NULL)
        return (struct record_text){.is_known = false};
    return record_text(bytes_of_text(value));
}
/* As record_text, but empty stays unknown. */
static inline struct record_text record_text_unless_empty(struct bytes value)
{
    if (value.length == 0)
        return (struct record_text){.is_known = false};
    return record_text(value);
}

struct record_column {
    const char *name;
    enum record_type type;
    bool is_later;   /* promised, not filled yet */
    uint16_t offset; /* of the member in the C struct */
    const char *doc; /* one sentence; no final full stop */
};

/*
 * The column of a table of sessions that tells apart what lies in tunnels of one flow: 0 outside of any, else 1.. in the order in which they were met.
 * A part of the key, and not shown in the view.
 */
#define RECORD_TUNNEL "tunnel"
#define RECORD_DOC_TUNNEL "which tunnel of the flow it lies in; 0: none"

/* How the public view is made from the table. */
enum record_view {
    RECORD_VIEW_PLAIN,   /* the table's columns as they are; `time` is added at the end where there is time_us */
    RECORD_VIEW_SESSION, /* flow_id (and encrypted, where the table has it) become the columns every session view starts with */
};

/* What the `sessions` view shows of a table that holds one row a session: SQL expressions over the view's columns, alias `s`. */
struct record_session {
    const char *protocol; /* 'smtp' */
    const char *user;     /* SQL; "NULL" where the protocol names none */
    const char *outcome;
    const char *summary;
};

struct record_table {
    const char *table; /* singular: smtp_session */
    const char *view;  /* the public name: smtp_sessions; NULL: no view is generated from the table */
    const char *doc;   /* one sentence: what one row is */
    enum record_view kind;
    bool replaces; /* a row may be written again: the first column is its key and the newer row wins */
    const struct record_column *columns;
    size_t column_count;
    const struct record_session *session; /* NULL: not a table of sessions */
    const char *key;                      /* columns that tell the rows apart where a live run writes a row again while it grows; NULL: written once */
    /*
     * What is found by looking at all rows together, over runs: a SELECT of flow_id, time_us, severity, name and detail over the tables, which becomes
     * a part of the view `findings`. NULL: nothing.
     */
    const char *findings;
    const char *index;                    /* columns of an index made once the rows are in ("flow_id"); NULL: none */
};

#define RECORD_MEMBER(R, TYPE, NAME, DOC) struct record_##TYPE NAME;
#define RECORD_STRUCT(RECORD, LIST) \
    struct RECORD { \
        LIST(RECORD_MEMBER, RECORD_MEMBER, RECORD) \
    }

#define RECORD_TYPE_integer RECORD_INTEGER
#define RECORD_TYPE_real RECORD_REAL
#define RECORD_TYPE_text RECORD_TEXT
#define RECORD_TYPE_boolean RECORD_BOOLEAN
#define RECORD_TYPE_blob RECORD_BLOB
#define RECORD_FILLED(R, TYPE, NAME, DOC) {#NAME, RECORD_TYPE_##TYPE, false, offsetof(struct R, NAME), DOC},
#define RECORD_UNFILLED(R, TYPE, NAME, DOC) {#NAME, RECORD_TYPE_##TYPE, true, offsetof(struct R, NAME), DOC},
#define RECORD_COLUMNS(RECORD, LIST) \
    static const struct record_column RECORD##_columns[] = {LIST(RECORD_FILLED, RECORD_UNFILLED, RECORD)}
#define RECORD_COLUMN_COUNT(COLUMNS) (sizeof(COLUMNS) / sizeof((COLUMNS)[0]))

#define RECORD_DOC_FLOW_ID "the flow that carried it: flows.flow_id"
#define RECORD_DOC_ENCRYPTED "1 where these bytes were read from inside TLS with the user's keys"

/*
 * A batch of rows on their way from a worker to the store. Each row lies in it as
 * its table's address, then per column a tag byte and the value; text is escaped
 * to valid UTF-8 already.
 */
struct row_batch {
    uint8_t *bytes; /* owned */
    size_t used;
    size_t capacity;
    bool is_tick; /* live: the store may commit now */
};

/* A batch with room for `capacity` bytes; NULL when out of memory. */
struct row_batch *row_batch_new(size_t capacity);
void row_batch_free(struct row_batch *batch);

/*
 * Appends one row. `record` points to the struct that `table` describes. A row
 * that does not fit makes the batch grow only if the batch is empty; otherwise
 * the answer is false, nothing is written, and the caller sends the batch off.
 * False with an empty batch means out of memory.
 */
bool record_write(struct row_batch *batch, const struct record_table *table, const void *record);

/* One column as read back: text points into the batch. */
struct record_value {
    enum record_type type;
    bool is_known;
    int64_t integer; /* also booleans */
    double real;
    struct bytes text; /* also blobs */
};

/* Walks over a batch: `*offset` starts at 0. The next row's table, NULL at the end; its columns follow through row_next_value. */
const struct record_table *row_batch_next(const struct row_batch *batch, size_t *offset);
struct record_value row_next_value(const struct row_batch *batch, size_t *offset);

#endif

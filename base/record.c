/* record.c - see record.h */
#include "base/record.h"

#include "base/text.h"

#include <stdlib.h>

enum tag {
    TAG_NULL,
    TAG_INTEGER,
    TAG_REAL,
    TAG_TEXT,
    TAG_BLOB,
};

struct row_batch *row_batch_new(size_t capacity)
{
    struct row_batch *batch = calloc(1, sizeof *batch);

    if (batch == NULL)
        return NULL;
    batch->bytes = malloc(capacity);
    if (batch->bytes == NULL) {
        free(batch);
        return NULL;
    }
    batch->capacity = capacity;
    return batch;
}

void row_batch_free(struct row_batch *batch)
{
    if (batch == NULL)
        return;
    free(batch->bytes);
    free(batch);
}

/* The member of `record` that a column describes. */
static const void *member(const void *record, const struct record_column *column)
{
    return (const uint8_t *)record + column->offset;
}

/* The most bytes that the row can need. */
static size_t row_bound(const struct record_table *table, const void *record)
{
    size_t bound = sizeof table;

    for (size_t i = 0; i < table->column_count; i++) {
        const struct record_column *column = &table->columns[i];

        bound += 1 + sizeof(int64_t);
        if (column->type == RECORD_TEXT) {
            const struct record_text *text = member(record, column);

            bound += text->is_known ? 4 * text->value.length : 0;
        } else if (column->type == RECORD_BLOB) {
            const struct record_blob *blob = member(record, column);

            bound += blob->is_known ? blob->value.length : 0;
        }
    }
    return bound;
}

static void put(struct row_batch *batch, const void *bytes, size_t length)
{
    memcpy(batch->bytes + batch->used, bytes, length);
    batch->used += length;
}

static void put_tag(struct row_batch *batch, enum tag tag)
{
    batch->bytes[batch->used++] = (uint8_t)tag;
}

static void put_integer(struct row_batch *batch, bool is_known, int64_t value)
{
    put_tag(batch, is_known ? TAG_INTEGER : TAG_NULL);
    if (is_known)
        put(batch, &value, sizeof value);
}

static void put_text(struct row_batch *batch, const struct record_text *text)
{
    uint32_t length;
    size_t at;

    put_tag(batch, text->is_known ? TAG_TEXT : TAG_NULL);
    if (!text->is_known)
        return;
    at = batch->used;
    batch->used += sizeof length;
    length = (uint32_t)text_escape(text->value, (char *)batch->bytes + batch->used);
    memcpy(batch->bytes + at, &length, sizeof length);
    batch->used += length;
}

static void put_blob(struct row_batch *batch, const struct record_blob *blob)
{
    uint32_t length = (uint32_t)blob->value.length;

    put_tag(batch, blob->is_known ? TAG_BLOB : TAG_NULL);
    if (!blob->is_known)
        return;
    put(batch, &length, sizeof length);
    if (length > 0)
        put(batch, blob->value.at, length);
}

static void put_column(struct row_batch *batch, const struct record_column *column, const void *record)
{
    switch (column->type) {
    case RECORD_INTEGER: {
        const struct record_integer *integer = member(record, column);
        put_integer(batch, integer->is_known, integer->value);
        return;
    }
    case RECORD_BOOLEAN: {
        const struct record_boolean *boolean = member(record, column);
        put_integer(batch, boolean->is_known, boolean->value);
        return;
    }
    case RECORD_REAL: {
        const struct record_real *real = member(record, column);
        put_tag(batch, real->is_known ? TAG_REAL : TAG_NULL);
        if (real->is_known)
            put(batch, &real->value, sizeof real->value);
        return;
    }
    case RECORD_TEXT:
        put_text(batch, member(record, column));
        return;
    case RECORD_BLOB:
        put_blob(batch, member(record, column));
        return;
    }
}

bool record_write(struct row_batch *batch, const struct record_table *table, const void *record)
{
    size_t bound = row_bound(table, record);

    if (batch->used + bound > batch->capacity) {
        uint8_t *grown;

        if (batch->used > 0)
            return false;
        grown = realloc(batch->bytes, bound);
        if (grown == NULL)
            return false;
        batch->bytes = grown;
        batch->capacity = bound;
    }
    put(batch, &table, sizeof table);
    for (size_t i = 0; i < table->column_count; i++)
        put_column(batch, &table->columns[i], record);
    return true;
}

static void get(const struct row_batch *batch, size_t *offset, void *out, size_t length)
{
    memcpy(out, batch->bytes + *offset, length);
    *offset += length;
}

const struct record_table *row_batch_next(const struct row_batch *batch, size_t *offset)
{
    const struct record_table *table;

    if (*offset >= batch->used)
        return NULL;
    get(batch, offset, &table, sizeof table);
    return table;
}

struct record_value row_next_value(const struct row_batch *batch, size_t *offset)
{
    struct record_value value = {.is_known = true};
    enum tag tag = (enum tag)batch->bytes[(*offset)++];
    uint32_t length;

    switch (tag) {
    case TAG_NULL:
        value.is_known = false;
        break;
    case TAG_INTEGER:
        value.type = RECORD_INTEGER;
        get(batch, offset, &value.integer, sizeof value.integer);
        break;
    case TAG_REAL:
        value.type = RECORD_REAL;
        get(batch, offset, &value.real, sizeof value.real);
        break;
    case TAG_TEXT:
    case TAG_BLOB:
        value.type = tag == TAG_TEXT ? RECORD_TEXT : RECORD_BLOB;
        get(batch, offset, &length, sizeof length);
        value.text = bytes_of(batch->bytes + *offset, length);
        *offset += length;
        break;
    }
    return value;
}

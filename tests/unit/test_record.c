/* test_record.c - base/record.h: what is written into a batch is what is read from it. */
#include "base/record.h"

#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>

#define SAMPLE(COLUMN, LATER, R) \
    COLUMN(R, integer, number, "a number") \
    COLUMN(R, real, ratio, "a ratio") \
    COLUMN(R, boolean, done, "a truth") \
    COLUMN(R, text, word, "a word") \
    LATER(R, text, promised, "not there yet")
RECORD_STRUCT(sample, SAMPLE);
RECORD_COLUMNS(sample, SAMPLE);

static const struct record_table sample_table = {
    .table = "sample",
    .view = "samples",
    .doc = "one sample",
    .columns = sample_columns,
    .column_count = RECORD_COLUMN_COUNT(sample_columns),
};

static bool is_text(const struct record_value *value, const char *text)
{
    return value->is_known && value->type == RECORD_TEXT && bytes_equal(value->text, bytes_of_text(text));
}

UNIT_TEST(record_columns_follow_the_description)
{
    CHECK(sample_table.column_count == 5);
    CHECK_TEXT(sample_columns[0].name, "number");
    CHECK(sample_columns[1].type == RECORD_REAL);
    CHECK(sample_columns[3].offset == offsetof(struct sample, word));
    CHECK(!sample_columns[3].is_later && sample_columns[4].is_later);
    CHECK_TEXT(sample_columns[2].doc, "a truth");
}

UNIT_TEST(record_unknown_is_null_and_known_comes_back)
{
    struct row_batch *batch = row_batch_new(1024);
    struct sample nothing = {0};
    struct sample full = {
        .number = record_integer(INT64_MIN),
        .ratio = record_real(0.5),
        .done = record_boolean(false),
        .word = record_text(bytes_of("caf\xe9\0", 5)),
    };
    struct record_value value;
    size_t offset = 0;

    CHECK(record_write(batch, &sample_table, &nothing));
    CHECK(record_write(batch, &sample_table, &full));
    CHECK(row_batch_next(batch, &offset) == &sample_table);
    for (size_t i = 0; i < sample_table.column_count; i++)
        CHECK(!row_next_value(batch, &offset).is_known);
    CHECK(row_batch_next(batch, &offset) == &sample_table);
    value = row_next_value(batch, &offset);
    CHECK(value.is_known && value.type == RECORD_INTEGER && value.integer == INT64_MIN);
    value = row_next_value(batch, &offset);
    CHECK(value.is_known && value.type == RECORD_REAL && value.real == 0.5);
    value = row_next_value(batch, &offset);
    CHECK(value.is_known && value.type == RECORD_INTEGER && value.integer == 0);
    value = row_next_value(batch, &offset);
    CHECK(is_text(&value, "caf\\xe9\\x00"));
    CHECK(!row_next_value(batch, &offset).is_known);
    CHECK(row_batch_next(batch, &offset) == NULL);
    row_batch_free(batch);
    row_batch_free(NULL);
}

UNIT_TEST(record_text_helpers_keep_unknown_apart_from_empty)
{
    CHECK(!record_text_of(NULL).is_known);
    CHECK(record_text_of("").is_known);
    CHECK(!record_text_unless_empty(bytes_of(NULL, 0)).is_known);
    CHECK(record_text_unless_empty(bytes_of_text("a")).is_known);
    CHECK(record_text(bytes_of(NULL, 0)).is_known);
}

UNIT_TEST(record_that_does_not_fit_is_refused_whole)
{
    struct row_batch *batch = row_batch_new(128);
    struct sample small = {.number = record_integer(7)};
    char long_word[1000];
    struct sample large = {.word = record_text(bytes_of(long_word, sizeof long_word))};
    struct record_value value;
    size_t offset = 0;
    size_t used;

    memset(long_word, 0xff, sizeof long_word); /* the worst case: every byte becomes four */
    CHECK(record_write(batch, &sample_table, &small));
    used = batch->used;
    CHECK(!record_write(batch, &sample_table, &large));
    CHECK(batch->used == used);
    batch->used = 0;
    CHECK(record_write(batch, &sample_table, &large));
    CHECK(batch->used <= batch->capacity);
    CHECK(row_batch_next(batch, &offset) == &sample_table);
    for (int i = 0; i < 3; i++)
        row_next_value(batch, &offset);
    value = row_next_value(batch, &offset);
    CHECK(value.is_known && value.text.length == 4 * sizeof long_word);
    row_batch_free(batch);
}

UNIT_TEST(record_fills_a_batch_to_the_brim_and_no_further)
{
    struct row_batch *batch = row_batch_new(4096);
    struct sample row = {.word = record_text_of("a word of some length")};
    unsigned written = 0;
    unsigned read = 0;
    bool is_intact = true;
    size_t offset = 0;

    for (;;) {
        row.number = record_integer(written);
        if (!record_write(batch, &sample_table, &row))
            break;
        written++;
    }
    CHECK(written > 10);
    CHECK(batch->used <= batch->capacity);
    while (row_batch_next(batch, &offset) != NULL) {
        struct record_value values[5];

        for (int i = 0; i < 5; i++)
            values[i] = row_next_value(batch, &offset);
        is_intact = is_intact && values[0].integer == read && is_text(&values[3], "a word of some length");
        read++;
    }
    CHECK(is_intact);
    CHECK(read == written);
    CHECK(offset == batch->used);
    row_batch_free(batch);
}

/*
 * targets.c - which target runs, and what they share.
 *
 * The target is told by the program's name (a link "fuzz_ssh" to it) or by the environment variable FUZZ_TARGET.
 */
#include "tests/fuzz/fuzz.h"

#include "base/cursor.h"
#include "base/record.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerInitialize(int *count, char ***words);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const struct fuzz_target fuzz_targets[] = {
    {"capture", fuzz_capture}, {"decode", fuzz_decode}, {"fragments", fuzz_fragments}, {"ftp", fuzz_ftp}, {"http", fuzz_http}, {"http2", fuzz_http2}, {"rdp", fuzz_rdp}, {"reassembly", fuzz_reassembly},
    {"smtp", fuzz_smtp},       {"ssh", fuzz_ssh},       {"tls", fuzz_tls},             {"websocket", fuzz_websocket}, {"", NULL},
};

static const struct fuzz_target *chosen;

_Noreturn void fuzz_fail(const char *file, int line, const char *text)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, text);
    abort();
}

const struct fuzz_target *fuzz_find(const char *name, size_t length)
{
    for (const struct fuzz_target *target = fuzz_targets; target->run != NULL; target++) {
        if (strlen(target->name) == length && memcmp(target->name, name, length) == 0)
            return target;
    }
    return NULL;
}

/* Escaped text is valid UTF-8; its backslashes are what escaping wrote. */
static bool is_clean(struct bytes text)
{
    struct cursor rest = cursor_over(text);

    while (cursor_left(&rest) > 0) {
        skip_bytes(&rest, text_plain_prefix(peek_bytes(&rest)));
        if (cursor_left(&rest) > 0 && take_u8(&rest) != '\\')
            return false;
    }
    return cursor_is_good(&rest);
}

void fuzz_write_row(void *context, const struct record_table *table, const void *record)
{
    static struct row_batch *batch;
    size_t offset = 0;

    (void)context;
    if (batch == NULL)
        batch = row_batch_new(1 << 18);
    ALWAYS(batch != NULL);
    batch->used = 0;
    ALWAYS(record_write(batch, table, record));
    ALWAYS(row_batch_next(batch, &offset) == table);
    for (size_t i = 0; i < table->column_count; i++) {
        struct record_value value = row_next_value(batch, &offset);

        if (value.is_known && value.type == RECORD_TEXT)
            ALWAYS(is_clean(value.text));
    }
    ALWAYS(offset == batch->used);
}

int64_t fuzz_next_id(void *context, enum id_kind kind)
{
    static int64_t ids[ID_KINDS];

    (void)context;
    return ++ids[kind];
}

int LLVMFuzzerInitialize(int *count, char ***words)
{
    const char *name = getenv("FUZZ_TARGET");

    (void)count;
    if (name == NULL) {
        const char *start = strrchr((*words)[0], '_');

        name = start != NULL ? start + 1 : "";
    }
    chosen = fuzz_find(name, strlen(name));
    if (chosen == NULL) {
        fprintf(stderr, "there is no fuzz target '%s': call the program through a link named fuzz_TARGET, or set FUZZ_TARGET\n", name);
        exit(2);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    chosen->run(bytes_of(data, size));
    return 0;
}

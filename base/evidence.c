/* evidence.c - see evidence.h */
#include "base/evidence.h"

#include "base/cursor.h"

#include <stdlib.h>

struct evidence_file *evidence_add_file(struct evidence *evidence, int64_t capture_id)
{
    struct evidence_file *grown = realloc(evidence->files, (evidence->count + 1) * sizeof *grown);

    if (grown == NULL)
        return NULL;
    evidence->files = grown;
    grown[evidence->count] = (struct evidence_file){.capture_id = capture_id};
    return &grown[evidence->count++];
}

bool evidence_add(struct evidence_file *file, uint64_t position)
{
    if (file->count == file->capacity) {
        size_t capacity = file->capacity == 0 ? 64 : file->capacity * 2;
        uint64_t *grown = realloc(file->positions, capacity * sizeof *grown);

        if (grown == NULL)
            return false;
        file->positions = grown;
        file->capacity = capacity;
    }
    file->positions[file->count++] = position;
    return true;
}

static int by_position(const void *a, const void *b)
{
    uint64_t one = *(const uint64_t *)a;
    uint64_t other = *(const uint64_t *)b;

    return (one > other) - (one < other);
}

void evidence_sort(struct evidence *evidence)
{
    for (size_t i = 0; i < evidence->count; i++) {
        struct evidence_file *file = &evidence->files[i];
        size_t kept = 0;

        if (file->count == 0)
            continue;
        qsort(file->positions, file->count, sizeof file->positions[0], by_position);
        for (size_t k = 1; k < file->count; k++) {
            if (file->positions[k] != file->positions[kept])
                file->positions[++kept] = file->positions[k];
        }
        file->count = kept + 1;
    }
}

void evidence_free(struct evidence *evidence)
{
    for (size_t i = 0; i < evidence->count; i++) {
        free(evidence->files[i].path);
        free(evidence->files[i].positions);
    }
    free(evidence->files);
    *evidence = (struct evidence){.files = NULL};
}

size_t evidence_write_step(uint64_t before, uint64_t position, uint8_t out[EVIDENCE_STEP_MOST])
{
    uint64_t difference = position - before;
    uint64_t rest = difference << 1 ^ (uint64_t)-(int64_t)(difference >> 63);
    size_t length = 0;

    while (rest >= 0x80) {
        out[length++] = (uint8_t)(rest | 0x80);
        rest >>= 7;
    }
    out[length++] = (uint8_t)rest;
    return length;
}

bool evidence_read_step(struct bytes *steps, uint64_t before, uint64_t *position)
{
    struct cursor cursor = cursor_within(*steps);
    uint64_t zigzag = 0;
    uint8_t byte = 0x80;

    for (unsigned shift = 0; shift < 70 && (byte & 0x80) != 0; shift += 7) {
        byte = take_u8(&cursor);
        if (shift < 64)
            zigzag |= (uint64_t)(byte & 0x7f) << shift;
    }
    if (!cursor_is_good(&cursor) || (byte & 0x80) != 0)
        return false;
    *position = before + (zigzag >> 1 ^ (uint64_t)-(int64_t)(zigzag & 1));
    *steps = peek_bytes(&cursor);
    return true;
}

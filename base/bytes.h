/*
 * bytes.h - a borrowed run of bytes.
 *
 * Ownership: a `struct bytes` never owns what it points to. It is valid as long
 * as the buffer that it was taken from; each function that hands one out says
 * how long that is.
 */
#ifndef WIRESCRIBE_BASE_BYTES_H
#define WIRESCRIBE_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const uint8_t *at; /* NULL only where length is 0 */
    size_t length;
};

/* A run over `length` bytes at `at`. */
static inline struct bytes bytes_of(const void *at, size_t length)
{
    return (struct bytes){.at = at, .length = length};
}

/* A run over a NUL-terminated text, without its NUL. */
static inline struct bytes bytes_of_text(const char *text)
{
    return bytes_of(text, strlen(text));
}

/* Whether both runs hold the same bytes. */
static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.at, b.at, a.length) == 0);
}

/* Whether `a` is `text`, ASCII letters compared without regard to case. */
bool bytes_equal_nocase(struct bytes a, const char *text);

/* Whether `a` begins with `text`, ASCII letters compared without regard to case. */
bool bytes_begin_nocase(struct bytes a, const char *text);

/* Whether `text` stands somewhere in `a`, ASCII letters compared without regard to case. */
bool bytes_contain_nocase(struct bytes a, const char *text);

/* `a` without the spaces and tabs at both of its ends. */
struct bytes bytes_trim(struct bytes a);

/*
 * The bytes of `a` before the first `stop`, and in `*rest` those behind it.
 * Without a `stop` the answer is all of `a` and `*rest` is empty with at == NULL.
 */
struct bytes bytes_split(struct bytes a, uint8_t stop, struct bytes *rest);

/*
 * Reads all of `a` as an unsigned decimal number. False, with *value untouched,
 * where it is empty, holds anything but digits, or exceeds `most`.
 */
bool bytes_to_number(struct bytes a, uint64_t most, uint64_t *value);

#endif

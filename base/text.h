/*
 * text.h - a text that grows up to a named limit, and the escaping of wire bytes.
 */
#ifndef WIRESCRIBE_BASE_TEXT_H
#define WIRESCRIBE_BASE_TEXT_H

#include "base/bytes.h"

/*
 * Zero-initialise with a limit: `struct text list = {.limit = 4096};`. The text
 * owns its bytes until text_free. Appending past the limit keeps what fits and
 * sets `was_cut`; running out of memory does the same.
 */
struct text {
    char *at; /* NUL-terminated where not NULL */
    size_t length;
    size_t capacity;
    size_t limit; /* most bytes that it may hold, without the NUL */
    bool was_cut;
};

void text_append(struct text *text, struct bytes more);
void text_append_text(struct text *text, const char *more);

/* printf into the text; what one call adds is cut at 1023 bytes. */
void text_append_format(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends `more`, with `separator` before it unless the text is empty. */
void text_append_item(struct text *text, const char *separator, struct bytes more);

/* Empties the text and keeps its memory. */
void text_clear(struct text *text);
void text_free(struct text *text);

static inline struct bytes text_bytes(const struct text *text)
{
    return bytes_of(text->at, text->length);
}

/*
 * How many bytes at the start of `text` are plain: valid UTF-8 (RFC 3629), no NUL,
 * and no backslash that text_escape would write anew.
 */
size_t text_plain_prefix(struct bytes text);

/*
 * Writes `text` as valid UTF-8 to `out`, which must have room for 4 * text.length
 * bytes: a byte that is not part of valid UTF-8, and NUL, become \xNN; a backslash
 * that stands before "xNN" becomes \x5c, so that the original can be told exactly.
 * Returns the bytes written.
 */
size_t text_escape(struct bytes text, char *out);

#endif

/*
 * mail_text.h - what header fields hold as text: encoded words (RFC 2047) and parameters (RFC 2045, 5.1; RFC 2231), as UTF-8.
 */
#ifndef WIRESCRIBE_DISSECTORS_MAIL_TEXT_H
#define WIRESCRIBE_DISSECTORS_MAIL_TEXT_H

#include "base/cursor.h"
#include "base/text.h"
#include "dissectors/mail_charset.h"
#include "dissectors/mail_header.h"

/* Most pieces of one parameter that are put together (RFC 2231, 3). */
#define MAIL_PARAMETER_PIECES_LIMIT 100

/* `bytes` without its first `count`, which must be there. */
static inline struct bytes bytes_behind(struct bytes bytes, size_t count)
{
    struct cursor cursor = cursor_within(bytes);

    skip_bytes(&cursor, count);
    return peek_bytes(&cursor);
}

/*
 * Appends `value` with its encoded words decoded. Words beside each other in one charset are put together before they
 * are converted, as a character may be split over them. A word in a charset that is not known stays as written, and so do
 * bytes that are no part of a word.
 */
void mail_decode_words(struct mail_charsets *charsets, struct bytes value, struct text *out);

/* The same for a list of addresses: what stands between < and > stays as written. */
void mail_decode_addresses(struct mail_charsets *charsets, struct bytes value, struct text *out);

/* How a parameter is to be read. */
enum mail_parameter_kind {
    MAIL_PARAMETER_TOKEN, /* as written, but for RFC 2231 */
    MAIL_PARAMETER_NAME,  /* a file's name: encoded words are decoded too, as mail programs write them there */
};

enum mail_parameter_found {
    MAIL_PARAMETER_NONE,
    MAIL_PARAMETER_ONE,
    MAIL_PARAMETER_SEVERAL, /* written more than once with different values: the first is told */
};

/*
 * Appends the value of the parameter `name` of a field (media type or disposition; parameters): quotes removed, pieces put
 * together, converted to UTF-8. Where it is written both plainly and by RFC 2231, the latter is told.
 */
enum mail_parameter_found mail_parameter(struct mail_charsets *charsets, struct bytes field, const char *name, enum mail_parameter_kind kind,
                                         struct text *out);

/* What stands before the first parameter, without comments, lower case: a media type or a disposition. `out` is appended to. */
void mail_field_token(struct bytes field, struct text *out);

/* Whether Content-Disposition says "attachment" (RFC 2183, 2.2). */
bool mail_is_disposed_as_attachment(const struct mail_header *header);

#endif

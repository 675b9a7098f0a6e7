/*
 * mail_charset.h - text in any charset, to UTF-8 (iconv).
 */
#ifndef WIRESCRIBE_DISSECTORS_MAIL_CHARSET_H
#define WIRESCRIBE_DISSECTORS_MAIL_CHARSET_H

#include "base/text.h"

#include <iconv.h>

/* Most converters that one mail may make, as each costs some time; the longest name of a charset. */
#define MAIL_CHARSETS_LIMIT 100
#define MAIL_CHARSET_NAME_LIMIT 40

/* A converter at work. Zero-initialised, or ended by mail_converter_close. */
struct mail_converter {
    bool is_open;
    bool is_utf8;     /* nothing is to be converted */
    iconv_t iconv;    /* where is_open and not is_utf8 */
    uint8_t held[16]; /* the beginning of a character whose end is not there yet */
    size_t held_length;
};

/* The converters of one mail. Zero-initialised; ends with mail_charsets_close. */
struct mail_charsets {
    unsigned made;
    bool reached_limit;
    char name[MAIL_CHARSET_NAME_LIMIT + 1]; /* lower case; of `last` */
    struct mail_converter last;             /* is_open false: that charset is not known */
};

/* False where the charset is not known, or the mail has made too many. */
bool mail_converter_open(struct mail_charsets *charsets, struct mail_converter *converter, struct bytes charset);

/*
 * Appends what `more` says as UTF-8. The bytes may be split anywhere between calls. A byte that means nothing in that
 * charset is kept as it is.
 */
void mail_converter_add(struct mail_converter *converter, struct bytes more, struct text *out);

/* No more bytes come: what was the beginning of a character is kept as it is. */
void mail_converter_end(struct mail_converter *converter, struct text *out);
void mail_converter_close(struct mail_converter *converter);

/* A whole text. False, with nothing appended, where the charset is not known. */
bool mail_to_utf8(struct mail_charsets *charsets, struct bytes charset, struct bytes whole, struct text *out);

void mail_charsets_close(struct mail_charsets *charsets);

#endif

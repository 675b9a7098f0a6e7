/*
 * utf8.h - whether bytes that come in pieces are UTF-8 (RFC 3629).
 */
#ifndef WIRESCRIBE_BASE_UTF8_H
#define WIRESCRIBE_BASE_UTF8_H

#include "base/bytes.h"

/* Zeroed at the start. NUL is a character like others here. */
struct utf8_check {
    uint8_t needed; /* bytes that the character begun still needs */
    uint8_t low;    /* what its next byte may be */
    uint8_t high;
    bool is_invalid;
};

/* The next bytes. False as soon as no further byte can mend it, and from then on. */
bool utf8_check_add(struct utf8_check *check, struct bytes more);

/* Whether all of it was valid, and ends behind a whole character. */
bool utf8_check_ends(const struct utf8_check *check);

#endif

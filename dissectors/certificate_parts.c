/*
 * certificate_parts.c - see certificate_parts.h. DER: X.690, 8.1 and 10.1.
 *
 * libcrypto's d2i_X509 makes a key of what the certificate says of its own, which takes it some 300 microseconds: most of what a
 * handshake costs. Parts of a certificate it reads in one or two.
 */
#include "dissectors/certificate_parts.h"

#include "base/cursor.h"

#define INTEGER 0x02
#define BIT_STRING 0x03
#define SEQUENCE 0x30
#define UTC_TIME 0x17
#define GENERALIZED_TIME 0x18
#define VERSION_TAG 0xa0    /* [0], constructed */
#define EXTENSIONS_TAG 0xa3 /* [3], constructed */

/* The length of an element; it is in the shortest form, or in one that is good enough to be followed. */
static size_t take_length(struct cursor *cursor)
{
    uint8_t first = take_u8(cursor);

    switch (first) {
    case 0x81:
        return take_u8(cursor);
    case 0x82:
        return take_u16_be(cursor);
    case 0x83:
        return take_u24_be(cursor);
    default:
        if (first >= 0x80)
            cursor_reject(cursor);
        return first;
    }
}

/* The contents of the next element, which must have this tag; `whole`: all of it, may be NULL. */
static struct cursor take_element(struct cursor *cursor, uint8_t tag, struct bytes *whole)
{
    struct bytes from = peek_bytes(cursor);
    struct cursor contents;

    if (take_u8(cursor) != tag)
        cursor_reject(cursor);
    contents = take_child(cursor, take_length(cursor));
    if (whole != NULL)
        *whole = cursor_is_good(cursor) ? bytes_of(from.at, from.length - cursor_left(cursor)) : bytes_of(NULL, 0);
    return contents;
}

static void take_time(struct cursor *validity, struct bytes *whole)
{
    (void)take_element(validity, peek_u8(validity) == GENERALIZED_TIME ? GENERALIZED_TIME : UTC_TIME, whole);
}

bool certificate_parts_find(struct bytes encoded, struct certificate_parts *parts)
{
    struct cursor all = cursor_within(encoded);
    struct cursor certificate = take_element(&all, SEQUENCE, NULL);
    struct cursor body = take_element(&certificate, SEQUENCE, NULL);
    struct cursor validity;
    struct cursor key;
    bool is_good;

    *parts = (struct certificate_parts){.extensions = bytes_of(NULL, 0)};
    (void)take_element(&certificate, SEQUENCE, &parts->signature_algorithm);
    (void)take_element(&certificate, BIT_STRING, NULL);
    if (peek_u8(&body) == VERSION_TAG)
        (void)take_element(&body, VERSION_TAG, NULL);
    (void)take_element(&body, INTEGER, &parts->serial);
    (void)take_element(&body, SEQUENCE, NULL); /* the signature's algorithm once more */
    (void)take_element(&body, SEQUENCE, &parts->issuer);
    validity = take_element(&body, SEQUENCE, NULL);
    take_time(&validity, &parts->not_before);
    take_time(&validity, &parts->not_after);
    (void)take_element(&body, SEQUENCE, &parts->subject);
    key = take_element(&body, SEQUENCE, NULL);
    (void)take_element(&key, SEQUENCE, &parts->key_algorithm);
    (void)take_element(&key, BIT_STRING, &parts->key);
    is_good = cursor_is_good(&all) && cursor_is_good(&certificate) && cursor_is_good(&validity) && cursor_is_good(&key);
    if (is_good && cursor_left(&body) > 0) {
        struct cursor extensions = take_element(&body, EXTENSIONS_TAG, NULL); /* unique identifiers before them are left to libcrypto */

        (void)take_element(&extensions, SEQUENCE, &parts->extensions);
        is_good = cursor_is_good(&extensions) && cursor_left(&extensions) == 0;
    }
    return is_good && cursor_is_good(&body) && cursor_left(&body) == 0 && cursor_left(&certificate) == 0;
}

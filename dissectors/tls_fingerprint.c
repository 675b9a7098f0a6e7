/*
 * tls_fingerprint.c - JA3, JA3S and JA4: digests of what a hello offers, by which software is told apart.
 *
 * Sources: github.com/salesforce/ja3 (README); github.com/FoxIO-LLC/ja4, technical_details/JA4.md. Values of RFC 8701 are left out of all of
 * them. Leaves out: the other fingerprints of the JA4 family, whose licence does not allow it.
 */
#include "base/memory.h"
#include "base/text.h"
#include "dissectors/tls_hello.h"

#include <stdio.h>
#include <stdlib.h>

#define LIST_LIMIT (256 << 10) /* bytes of text that a digest is made of */
#define JA4_PART 12            /* letters of a digest that JA4 keeps */

/* A number in decimal, behind a separator unless that is 0: printf would take most of what a hello costs. */
static void append_decimal(struct text *text, char separator, unsigned number)
{
    char digits[12];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    if (separator != '\0')
        digits[--at] = separator;
    text_append(text, bytes_of(digits + at, sizeof digits - at));
}

/* The same in hexadecimal, of four letters. */
static void append_hex_number(struct text *text, char separator, uint16_t number)
{
    static const char letters[] = "0123456789abcdef";
    const char digits[] = {separator, letters[number >> 12], letters[number >> 8 & 15], letters[number >> 4 & 15], letters[number & 15]};
    size_t skipped = separator == '\0' ? 1 : 0;

    text_append(text, bytes_of(digits + skipped, sizeof digits - skipped));
}

/* ---- JA3 ---- */

/* Numbers of 2 bytes in decimal, '-' between them. */
static void append_numbers(struct text *text, struct bytes numbers)
{
    struct cursor cursor = cursor_within(numbers);
    bool is_first = true;

    while (cursor_left(&cursor) >= 2) {
        uint16_t number = take_u16_be(&cursor);

        if (tls_is_grease(number))
            continue;
        append_decimal(text, is_first ? '\0' : '-', number);
        is_first = false;
    }
}

static void append_small_numbers(struct text *text, struct bytes numbers)
{
    struct cursor cursor = cursor_within(numbers);
    bool is_first = true;

    while (cursor_left(&cursor) > 0) {
        append_decimal(text, is_first ? '\0' : '-', take_u8(&cursor));
        is_first = false;
    }
}

static void append_extension_types(struct text *text, struct bytes extensions)
{
    struct cursor cursor = cursor_within(extensions);
    bool is_first = true;

    while (cursor_left(&cursor) > 0) {
        uint16_t type = take_u16_be(&cursor);

        skip_bytes(&cursor, take_u16_be(&cursor));
        if (!cursor_is_good(&cursor) || tls_is_grease(type))
            continue;
        append_decimal(text, is_first ? '\0' : '-', type);
        is_first = false;
    }
}

static bool digest_text(struct text *text, enum digest_kind kind, char hex[DIGEST_HEX_SIZE])
{
    struct digest digest;
    bool is_whole = !text->was_cut;

    digest_begin(&digest, kind);
    digest_add(&digest, text_bytes(text));
    is_whole = digest_end_hex(&digest, hex) && is_whole;
    if (!is_whole)
        hex[0] = '\0';
    text_free(text);
    return is_whole;
}

bool tls_hello_ja3(const struct tls_hello *hello, char ja3[DIGEST_HEX_SIZE])
{
    struct text text = {.limit = LIST_LIMIT};

    ja3[0] = '\0';
    if (hello->extension_count > TLS_EXTENSIONS_LIMIT)
        return false;
    text_append_format(&text, "%u,", hello->legacy_version);
    append_numbers(&text, hello->ciphers);
    text_append_text(&text, ",");
    append_extension_types(&text, hello->extensions);
    text_append_text(&text, ",");
    append_numbers(&text, hello->groups);
    text_append_text(&text, ",");
    append_small_numbers(&text, hello->point_formats);
    return digest_text(&text, DIGEST_MD5, ja3);
}

bool tls_hello_ja3s(const struct tls_hello *hello, char ja3s[DIGEST_HEX_SIZE])
{
    struct text text = {.limit = LIST_LIMIT};

    ja3s[0] = '\0';
    if (hello->extension_count > TLS_EXTENSIONS_LIMIT)
        return false;
    text_append_format(&text, "%u,%u,", hello->legacy_version, hello->cipher);
    append_extension_types(&text, hello->extensions);
    return digest_text(&text, DIGEST_MD5, ja3s);
}

/* ---- JA4 ---- */

static int compare_numbers(const void *left, const void *right)
{
    return (int)*(const uint16_t *)left - (int)*(const uint16_t *)right;
}

static void append_hex(struct text *text, const uint16_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        append_hex_number(text, i == 0 ? '\0' : ',', numbers[i]);
}

/* 12 letters of the SHA-256, or 12 zeros where there is nothing. */
static bool ja4_digest(struct text *text, char part[JA4_PART + 1])
{
    char hex[DIGEST_HEX_SIZE];
    bool is_good = true;

    (void)snprintf(part, JA4_PART + 1, "%012d", 0);
    if (text->length > 0 && (is_good = digest_text(text, DIGEST_SHA256, hex)))
        (void)snprintf(part, JA4_PART + 1, "%.12s", hex);
    text_free(text);
    return is_good;
}

/* All numbers that mean something, sorted; how many. `numbers` has room for all. */
static size_t sorted_numbers(struct bytes from, uint16_t *numbers)
{
    struct cursor cursor = cursor_within(from);
    size_t count = 0;

    while (cursor_left(&cursor) >= 2) {
        uint16_t number = take_u16_be(&cursor);

        if (!tls_is_grease(number))
            numbers[count++] = number;
    }
    qsort(numbers, count, sizeof *numbers, compare_numbers);
    return count;
}

/* The same of the types of extensions; those of names and protocols count, but are not in the list. */
static size_t sorted_extensions(struct bytes from, uint16_t *numbers, size_t *listed)
{
    struct cursor cursor = cursor_within(from);
    size_t count = 0;

    *listed = 0;
    while (cursor_left(&cursor) > 0 && count < TLS_EXTENSIONS_LIMIT) {
        uint16_t type = take_u16_be(&cursor);

        skip_bytes(&cursor, take_u16_be(&cursor));
        if (!cursor_is_good(&cursor) || tls_is_grease(type))
            continue;
        count++;
        if (type != TLS_EXTENSION_SERVER_NAME && type != TLS_EXTENSION_ALPN)
            numbers[(*listed)++] = type;
    }
    qsort(numbers, *listed, sizeof *numbers, compare_numbers);
    return count;
}

static const char *ja4_version(uint16_t version)
{
    switch (version) {
    case 0x0304:
        return "13";
    case 0x0303:
        return "12";
    case 0x0302:
        return "11";
    case 0x0301:
        return "10";
    case 0x0300:
        return "s3";
    case 0x0002:
        return "s2";
    case TLS_VERSION_DTLS_1_0:
        return "d1";
    case TLS_VERSION_DTLS_1_2:
        return "d2";
    case TLS_VERSION_DTLS_1_3:
        return "d3";
    default:
        return "00";
    }
}

static bool is_letter_or_digit(uint8_t letter)
{
    return (letter >= '0' && letter <= '9') || (letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z');
}

/* The first and the last letter of the first protocol; of its bytes in hexadecimal where one of them is no letter or digit. */
static void ja4_protocol(struct bytes alpn, char letters[3])
{
    struct cursor list = cursor_within(alpn);
    struct bytes name = take_bytes(&list, take_u8(&list));
    struct cursor from_last = cursor_within(name);
    uint8_t first = (uint8_t)peek_u8(&from_last);
    uint8_t last;

    (void)snprintf(letters, 3, "00");
    if (name.length == 0)
        return;
    skip_bytes(&from_last, name.length - 1);
    last = take_u8(&from_last);
    if (is_letter_or_digit(first) && is_letter_or_digit(last))
        (void)snprintf(letters, 3, "%c%c", first, last);
    else
        (void)snprintf(letters, 3, "%x%x", first >> 4, last & 0xfu);
}

/* In the order of the hello, behind an underscore; nothing where there are none. */
static void append_signatures(struct text *text, struct bytes signatures)
{
    struct cursor cursor = cursor_within(signatures);
    char separator = '_';

    while (cursor_left(&cursor) >= 2) {
        uint16_t number = take_u16_be(&cursor);

        if (tls_is_grease(number))
            continue;
        append_hex_number(text, separator, number);
        separator = ',';
    }
}

static unsigned at_most_99(size_t count)
{
    return count > 99 ? 99 : (unsigned)count;
}

bool tls_hello_ja4(const struct tls_hello *hello, char ja4[TLS_JA4_SIZE])
{
    uint16_t *numbers = hello->extension_count > TLS_EXTENSIONS_LIMIT ? NULL : memory_new_zeroed(hello->ciphers.length / 2 + TLS_EXTENSIONS_LIMIT, sizeof *numbers);
    struct text ciphers_text = {.limit = LIST_LIMIT};
    struct text extensions_text = {.limit = LIST_LIMIT};
    char ciphers[JA4_PART + 1];
    char extensions[JA4_PART + 1];
    char protocol[3];
    size_t cipher_count;
    size_t extension_count;
    size_t listed;
    bool is_good;

    ja4[0] = '\0';
    if (numbers == NULL)
        return false;
    cipher_count = sorted_numbers(hello->ciphers, numbers);
    append_hex(&ciphers_text, numbers, cipher_count);
    extension_count = sorted_extensions(hello->extensions, numbers, &listed);
    append_hex(&extensions_text, numbers, listed);
    if (listed > 0)
        append_signatures(&extensions_text, hello->signatures);
    memory_free(numbers);
    is_good = ja4_digest(&ciphers_text, ciphers);
    is_good = ja4_digest(&extensions_text, extensions) && is_good;
    ja4_protocol(hello->alpn, protocol);
    if (is_good)
        (void)snprintf(ja4, TLS_JA4_SIZE, "%c%s%c%02u%02u%s_%s_%s", tls_is_datagram_version(hello->legacy_version) ? 'd' : 't',
                       ja4_version(tls_hello_newest_version(hello)), hello->has_server_name ? 'd' : 'i',
                       at_most_99(cipher_count), at_most_99(extension_count), protocol, ciphers, extensions);
    return is_good;
}

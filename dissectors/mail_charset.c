/*
 * mail_charset.c - see mail_charset.h. The C library's iconv does the work; GMime's own table of names grows
 * with every name that it is asked for, so it is not asked.
 */
#include "dissectors/mail_charset.h"

#include "base/cursor.h"
#include "base/memory.h"

#include <ctype.h>
#include <errno.h>

/* What one iconv_t takes of memory, guessed. */
#define CONVERTER_BYTES 1024

/* Names that mails use and iconv does not know, or a wider charset that senders mean by the name. */
static const struct {
    const char *name;
    const char *iconv_name;
} charset_names[] = {
    {"ascii", "UTF-8"},
    {"cn-gb", "GB18030"},
    {"cp-850", "CP850"},
    {"gb2312", "GB18030"},
    {"gb_2312-80", "GB18030"},
    {"gbk", "GB18030"},
    {"iso-8859-8-e", "ISO-8859-8"},
    {"iso-8859-8-i", "ISO-8859-8"},
    {"ks_c_5601-1987", "CP949"},
    {"shift_jis", "CP932"},
    {"unicode-1-1-utf-7", "UTF-7"},
    {"unicode-1-1-utf-8", "UTF-8"},
    {"us-ascii", "UTF-8"},
    {"utf-8", "UTF-8"},
    {"utf8", "UTF-8"},
    {"windows-31j", "CP932"},
    {"x-gbk", "GB18030"},
    {"x-sjis", "CP932"},
    {"x-unicode-2-0-utf-7", "UTF-7"},
    {"x-x-big5", "BIG5"},
};

static const char *name_for_iconv(const char *name)
{
    for (size_t i = 0; i < sizeof charset_names / sizeof charset_names[0]; i++) {
        if (strcmp(name, charset_names[i].name) == 0)
            return charset_names[i].iconv_name;
    }
    return name;
}

/* The name in lower case. False where it is too long, or holds what would mean something else to iconv ('/'). */
static bool copy_name(struct bytes charset, char name[MAIL_CHARSET_NAME_LIMIT + 1])
{
    if (charset.length == 0 || charset.length > MAIL_CHARSET_NAME_LIMIT)
        return false;
    for (size_t i = 0; i < charset.length; i++) {
        uint8_t byte = charset.at[i];

        if (byte >= 0x80 || (!isalnum(byte) && strchr("-_.:+()", byte) == NULL) || byte == '\0')
            return false;
        name[i] = (char)tolower(byte);
    }
    name[charset.length] = '\0';
    return true;
}

bool mail_converter_open(struct mail_charsets *charsets, struct mail_converter *converter, struct bytes charset)
{
    char name[MAIL_CHARSET_NAME_LIMIT + 1];
    const char *iconv_name;

    *converter = (struct mail_converter){.is_open = false};
    if (!copy_name(charset, name))
        return false;
    iconv_name = name_for_iconv(name);
    converter->is_utf8 = strcmp(iconv_name, "UTF-8") == 0;
    if (converter->is_utf8) {
        converter->is_open = true;
        return true;
    }
    if (charsets->made == MAIL_CHARSETS_LIMIT) {
        charsets->reached_limit = true;
        return false;
    }
    charsets->made++;
    converter->iconv = iconv_open("UTF-8", iconv_name);
    if (converter->iconv == (iconv_t)-1) /* NOLINT: iconv's own word for none */
        return false;
    memory_count(CONVERTER_BYTES);
    converter->is_open = true;
    return true;
}

/* Converts one run; what is left of it is the beginning of a character, or empty. */
static struct bytes convert(struct mail_converter *converter, struct bytes more, struct text *out)
{
    char room[1024];
    char *from = (char *)(uintptr_t)more.at;
    size_t left = more.length;

    while (left > 0 && !out->was_cut) {
        char *to = room;
        size_t space = sizeof room;
        size_t before = left;
        size_t result = iconv(converter->iconv, &from, &left, &to, &space);
        int error = errno;

        text_append(out, bytes_of(room, sizeof room - space));
        if (result != (size_t)-1)
            continue;
        if (error == EINVAL)
            break;
        if (error == E2BIG && (left < before || space < sizeof room))
            continue;
        /* a byte that means nothing here, or no progress */
        text_append(out, bytes_of(from, 1));
        from++;
        left--;
        (void)iconv(converter->iconv, NULL, NULL, NULL, NULL);
    }
    return bytes_of(from, left);
}

/* A character that began before: takes bytes of `more` until it is whole. */
static void complete_held(struct mail_converter *converter, struct cursor *more, struct text *out)
{
    while (converter->held_length > 0 && cursor_left(more) > 0) {
        struct bytes rest;

        converter->held[converter->held_length++] = take_u8(more);
        rest = convert(converter, bytes_of(converter->held, converter->held_length), out);
        memmove(converter->held, rest.at, rest.length);
        converter->held_length = rest.length;
        if (converter->held_length == sizeof converter->held) { /* no character is so long */
            text_append(out, bytes_of(converter->held, converter->held_length));
            converter->held_length = 0;
        }
    }
}

void mail_converter_add(struct mail_converter *converter, struct bytes more, struct text *out)
{
    struct cursor cursor = cursor_over(more);
    struct bytes rest;

    if (converter->is_utf8 || !converter->is_open) {
        text_append(out, more);
        return;
    }
    complete_held(converter, &cursor, out);
    rest = convert(converter, peek_bytes(&cursor), out);
    if (rest.length == 0 || rest.length >= sizeof converter->held)
        return; /* where the text is full, the rest is not wanted */
    memcpy(converter->held, rest.at, rest.length);
    converter->held_length = rest.length;
}

void mail_converter_end(struct mail_converter *converter, struct text *out)
{
    text_append(out, bytes_of(converter->held, converter->held_length));
    converter->held_length = 0;
}

void mail_converter_close(struct mail_converter *converter)
{
    if (converter->is_open && !converter->is_utf8) {
        (void)iconv_close(converter->iconv);
        memory_count(-CONVERTER_BYTES);
    }
    *converter = (struct mail_converter){.is_open = false};
}

bool mail_to_utf8(struct mail_charsets *charsets, struct bytes charset, struct bytes whole, struct text *out)
{
    char name[MAIL_CHARSET_NAME_LIMIT + 1];

    if (!copy_name(charset, name))
        return false;
    if (strcmp(name, charsets->name) != 0) {
        mail_converter_close(&charsets->last);
        (void)mail_converter_open(charsets, &charsets->last, charset);
        memcpy(charsets->name, name, sizeof name);
    }
    if (!charsets->last.is_open)
        return false;
    if (!charsets->last.is_utf8)
        (void)iconv(charsets->last.iconv, NULL, NULL, NULL, NULL);
    mail_converter_add(&charsets->last, whole, out);
    mail_converter_end(&charsets->last, out);
    return true;
}

void mail_charsets_close(struct mail_charsets *charsets)
{
    mail_converter_close(&charsets->last);
    charsets->name[0] = '\0';
}

/*
 * sasl_ntlm.c - the names in NTLM's AUTHENTICATE message ([MS-NLMP] 2.2.1.3).
 *
 * Left out: the responses themselves, always; messages of the types 1 and 2.
 */
#include "dissectors/sasl.h"

#include "dissectors/utf16.h"

#define NTLM_AUTHENTICATE 3
#define NTLMSSP_NEGOTIATE_UNICODE 1u

/* One field of the message: its length, the room it has, its place. */
struct ntlm_field {
    uint16_t length;
    uint32_t place;
};

static struct ntlm_field take_field(struct cursor *cursor)
{
    struct ntlm_field field = {.length = take_u16_le(cursor)};

    skip_bytes(cursor, 2);
    field.place = take_u32_le(cursor);
    return field;
}

static void keep_field(struct text *text, struct bytes message, struct ntlm_field field, bool is_unicode)
{
    struct cursor cursor = cursor_within(message);
    struct bytes value;

    skip_bytes(&cursor, field.place);
    value = take_bytes(&cursor, field.length);
    if (!cursor_is_good(&cursor) || value.length == 0)
        return;
    text->limit = SASL_NAME_LIMIT;
    text_clear(text);
    if (is_unicode)
        utf16_append(text, cursor_within(value));
    else
        text_append(text, value);
}

void sasl_read_ntlm(struct sasl *sasl, struct bytes token)
{
    static const char signature[] = "NTLMSSP"; /* and its NUL */
    struct cursor cursor = cursor_within(token);
    struct bytes message;
    struct ntlm_field domain;
    struct ntlm_field user;
    struct ntlm_field workstation;
    bool is_unicode;

    while (cursor_left(&cursor) >= sizeof signature && memcmp(peek_bytes(&cursor).at, signature, sizeof signature) != 0)
        skip_bytes(&cursor, 1);
    message = peek_bytes(&cursor);
    skip_bytes(&cursor, sizeof signature);
    if (take_u32_le(&cursor) != NTLM_AUTHENTICATE)
        return;
    (void)take_field(&cursor); /* LM's response */
    (void)take_field(&cursor); /* NT's response */
    domain = take_field(&cursor);
    user = take_field(&cursor);
    workstation = take_field(&cursor);
    (void)take_field(&cursor); /* the session key */
    is_unicode = (take_u32_le(&cursor) & NTLMSSP_NEGOTIATE_UNICODE) != 0;
    if (!cursor_is_good(&cursor))
        return;
    keep_field(&sasl->domain, message, domain, is_unicode);
    keep_field(&sasl->user, message, user, is_unicode);
    keep_field(&sasl->workstation, message, workstation, is_unicode);
}

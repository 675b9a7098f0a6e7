/*
 * sasl.c - the user's name in SASL exchanges: PLAIN (RFC 4616), LOGIN, CRAM-MD5 (RFC 2195),
 * SCRAM (RFC 5802), XOAUTH2, OAUTHBEARER (RFC 7628).
 *
 * Left out: every mechanism that hides the name; and passwords, digests and tokens, always.
 */
#include "dissectors/sasl.h"

#include "base/cursor.h"
#include "base/memory.h"

#define RESPONSE_LIMIT 4096

static int base64_value(uint8_t byte)
{
    if (byte >= 'A' && byte <= 'Z')
        return byte - 'A';
    if (byte >= 'a' && byte <= 'z')
        return byte - 'a' + 26;
    if (byte >= '0' && byte <= '9')
        return byte - '0' + 52;
    if (byte == '+')
        return 62;
    return byte == '/' ? 63 : -1;
}

/* RFC 4648, section 4; padding may be missing. False where it is no base64. `out` has room for 3 bytes of each 4. */
static bool decode(struct bytes text, uint8_t *out, size_t *written)
{
    uint32_t bits = 0;
    unsigned count = 0;

    *written = 0;
    while (text.length > 0 && text.at[text.length - 1] == '=')
        text.length--;
    for (size_t i = 0; i < text.length; i++) {
        int value = base64_value(text.at[i]);

        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        count += 6;
        if (count >= 8) {
            count -= 8;
            out[(*written)++] = (uint8_t)(bits >> count);
        }
    }
    return true;
}

static void keep(struct text *user, struct bytes name)
{
    if (name.length == 0)
        return;
    user->limit = SASL_USER_LIMIT;
    text_clear(user);
    text_append(user, name);
}

/* [authzid] NUL authcid NUL passwd */
static void read_plain(struct bytes decoded, struct text *user)
{
    struct cursor cursor = cursor_within(decoded);
    struct bytes name;

    (void)take_until(&cursor, 0);
    name = take_until(&cursor, 0);
    if (cursor_is_good(&cursor))
        keep(user, name);
}

/* The value behind `key` in a list with one separator: "n=alice,r=..." */
static void read_item(struct bytes decoded, uint8_t separator, const char *key, struct text *user)
{
    while (decoded.length > 0) {
        struct bytes rest;
        struct bytes item = bytes_split(decoded, separator, &rest);

        if (bytes_begin_nocase(item, key)) {
            struct cursor value = cursor_within(item);

            skip_bytes(&value, strlen(key));
            keep(user, peek_bytes(&value));
            return;
        }
        decoded = rest;
    }
}

/* "alice 3f2a...": the digest stands behind the last space. */
static void read_cram(struct bytes decoded, struct text *user)
{
    size_t length = decoded.length;

    while (length > 0 && decoded.at[length - 1] != ' ')
        length--;
    if (length > 0)
        keep(user, bytes_of(decoded.at, length - 1));
}

static void read_decoded(struct bytes mechanism, struct bytes decoded, struct text *user)
{
    if (bytes_equal_nocase(mechanism, "PLAIN"))
        read_plain(decoded, user);
    else if (bytes_equal_nocase(mechanism, "LOGIN"))
        keep(user, decoded);
    else if (bytes_equal_nocase(mechanism, "CRAM-MD5"))
        read_cram(decoded, user);
    else if (bytes_equal_nocase(mechanism, "XOAUTH2"))
        read_item(decoded, 1, "user=", user);
    else if (bytes_equal_nocase(mechanism, "OAUTHBEARER"))
        read_item(decoded, ',', "a=", user);
    else if (bytes_begin_nocase(mechanism, "SCRAM-"))
        read_item(decoded, ',', "n=", user);
}

void sasl_read_response(struct bytes mechanism, struct bytes response, bool is_first, struct text *user)
{
    uint8_t *decoded;
    size_t length;

    if (!is_first || response.length == 0 || response.length > RESPONSE_LIMIT)
        return;
    decoded = memory_new(response.length);
    if (decoded == NULL)
        return;
    if (decode(response, decoded, &length))
        read_decoded(mechanism, bytes_of(decoded, length), user);
    memory_free(decoded);
}

/*
 * sasl.c - SASL exchanges: PLAIN (RFC 4616), LOGIN, CRAM-MD5 (RFC 2195), DIGEST-MD5 (RFC 2831), SCRAM (RFC 5802),
 * XOAUTH2, OAUTHBEARER (RFC 7628), EXTERNAL (RFC 4422, A), NTLM (sasl_ntlm.c).
 *
 * Left out: GSSAPI and every other mechanism that hides the name; digests and proofs, always. A password is
 * shown to nobody who did not ask for passwords: the caller sees to that.
 */
#include "dissectors/sasl.h"

#include "base/cursor.h"
#include "base/memory.h"

#define RESPONSE_LIMIT 4096
/* RFC 4422, 3.1 */
#define MECHANISM_LIMIT 20

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

bool sasl_decode(struct bytes text, uint8_t *out, size_t *written)
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

static void keep(struct text *text, struct bytes value)
{
    if (value.length == 0)
        return;
    text->limit = SASL_NAME_LIMIT;
    text_clear(text);
    text_append(text, value);
}

static void keep_password(struct sasl *sasl, struct bytes password)
{
    if (password.length == 0)
        return;
    sasl->shows_password = true;
    sasl->password.limit = SASL_PASSWORD_LIMIT;
    text_clear(&sasl->password);
    text_append(&sasl->password, password);
}

static void keep_identity(struct sasl *sasl, struct bytes identity)
{
    if (!bytes_equal(identity, text_bytes(&sasl->user)))
        keep(&sasl->identity, identity);
}

static bool is(const struct sasl *sasl, const char *mechanism)
{
    return bytes_equal_nocase(text_bytes(&sasl->mechanism), mechanism);
}

/* The value behind `key` in a list with one separator: "n=alice,r=..." */
static struct bytes find_item(struct bytes decoded, uint8_t separator, const char *key)
{
    while (decoded.length > 0) {
        struct bytes rest;
        struct bytes item = bytes_split(decoded, separator, &rest);

        if (bytes_begin_nocase(item, key)) {
            struct cursor value = cursor_within(item);

            skip_bytes(&value, strlen(key));
            return peek_bytes(&value);
        }
        decoded = rest;
    }
    return bytes_of(NULL, 0);
}

/* [authzid] NUL authcid NUL passwd */
static void read_plain(struct sasl *sasl, struct bytes decoded)
{
    struct cursor cursor = cursor_within(decoded);
    struct bytes identity = take_until(&cursor, 0);
    struct bytes user = take_until(&cursor, 0);

    if (!cursor_is_good(&cursor))
        return;
    keep(&sasl->user, user);
    keep_identity(sasl, identity);
    keep_password(sasl, peek_bytes(&cursor));
}

/* The name, then the password; what the server asks for says which, where it can be understood. */
static void read_login(struct sasl *sasl, struct bytes decoded)
{
    bool is_user = sasl->prompt == SASL_PROMPT_UNKNOWN ? sasl->responses == 0 : sasl->prompt == SASL_ASKS_FOR_USER;

    if (is_user)
        keep(&sasl->user, decoded);
    else
        keep_password(sasl, decoded);
}

/* "alice 3f2a...": the digest stands behind the last space. */
static void read_cram(struct sasl *sasl, struct bytes decoded)
{
    size_t length = decoded.length;

    while (length > 0 && decoded.at[length - 1] != ' ')
        length--;
    if (length > 0)
        keep(&sasl->user, bytes_of(decoded.at, length - 1));
}

/* One value of DIGEST-MD5, quoted or not; the cursor stands behind its '='. */
static void take_digest_value(struct cursor *cursor, struct text *value)
{
    text_clear(value);
    if (peek_u8(cursor) != '"') {
        while (cursor_left(cursor) > 0 && peek_u8(cursor) != ',')
            text_append(value, take_bytes(cursor, 1));
        return;
    }
    skip_bytes(cursor, 1);
    while (cursor_left(cursor) > 0 && peek_u8(cursor) != '"') {
        if (peek_u8(cursor) == '\\' && cursor_left(cursor) > 1)
            skip_bytes(cursor, 1);
        text_append(value, take_bytes(cursor, 1));
    }
    if (cursor_left(cursor) > 0)
        skip_bytes(cursor, 1);
}

/* username="alice",realm="example.test",nonce=... */
static void read_digest(struct sasl *sasl, struct bytes decoded)
{
    struct cursor cursor = cursor_within(decoded);
    struct text value = {.limit = SASL_NAME_LIMIT};

    for (;;) {
        struct bytes key = bytes_trim(take_until(&cursor, '='));

        if (!cursor_is_good(&cursor))
            break;
        take_digest_value(&cursor, &value);
        if (bytes_equal_nocase(key, "username"))
            keep(&sasl->user, text_bytes(&value));
        else if (bytes_equal_nocase(key, "realm"))
            keep(&sasl->domain, text_bytes(&value));
        else if (bytes_equal_nocase(key, "authzid"))
            keep_identity(sasl, text_bytes(&value));
        while (peek_u8(&cursor) == ',' || peek_u8(&cursor) == ' ')
            skip_bytes(&cursor, 1);
    }
    text_free(&value);
}

/* A saslname: "=2C" is a comma, "=3D" an equals sign (RFC 5802, 5.1). */
static void keep_saslname(struct text *text, struct bytes name)
{
    struct cursor cursor = cursor_within(name);

    if (name.length == 0)
        return;
    text->limit = SASL_NAME_LIMIT;
    text_clear(text);
    while (cursor_left(&cursor) > 0) {
        if (bytes_begin_nocase(peek_bytes(&cursor), "=2C")) {
            text_append_text(text, ",");
            skip_bytes(&cursor, 3);
        } else if (bytes_begin_nocase(peek_bytes(&cursor), "=3D")) {
            text_append_text(text, "=");
            skip_bytes(&cursor, 3);
        } else {
            text_append(text, take_bytes(&cursor, 1));
        }
    }
}

/* n,a=admin,n=alice,r=... */
static void read_scram(struct sasl *sasl, struct bytes decoded)
{
    if (sasl->responses > 0)
        return;
    keep_saslname(&sasl->user, find_item(decoded, ',', "n="));
    keep_saslname(&sasl->identity, find_item(decoded, ',', "a="));
}

/* user=alice^Aauth=Bearer token^A^A */
static void read_xoauth2(struct sasl *sasl, struct bytes decoded)
{
    keep(&sasl->user, find_item(decoded, 1, "user="));
    keep_password(sasl, find_item(decoded, 1, "auth=Bearer "));
}

/* n,a=alice,^Ahost=...^Aauth=Bearer token^A^A */
static void read_oauthbearer(struct sasl *sasl, struct bytes decoded)
{
    struct bytes items;
    struct bytes header = bytes_split(decoded, 1, &items);

    keep_saslname(&sasl->user, find_item(header, ',', "a="));
    keep_password(sasl, find_item(items, 1, "auth=Bearer "));
}

static void read_decoded(struct sasl *sasl, struct bytes decoded)
{
    if (is(sasl, "PLAIN"))
        read_plain(sasl, decoded);
    else if (is(sasl, "LOGIN"))
        read_login(sasl, decoded);
    else if (is(sasl, "CRAM-MD5"))
        read_cram(sasl, decoded);
    else if (is(sasl, "DIGEST-MD5"))
        read_digest(sasl, decoded);
    else if (is(sasl, "XOAUTH2"))
        read_xoauth2(sasl, decoded);
    else if (is(sasl, "OAUTHBEARER"))
        read_oauthbearer(sasl, decoded);
    else if (is(sasl, "EXTERNAL") && sasl->responses == 0)
        keep(&sasl->user, decoded);
    else if (bytes_begin_nocase(text_bytes(&sasl->mechanism), "SCRAM-"))
        read_scram(sasl, decoded);
    else if (is(sasl, "NTLM") || is(sasl, "GSS-SPNEGO"))
        sasl_read_ntlm(sasl, decoded);
}

bool sasl_is_mechanism(struct bytes word)
{
    static const char *const names[] = {"PLAIN",    "LOGIN",   "CRAM-MD5",    "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS",
                                        "EXTERNAL", "XOAUTH2", "OAUTHBEARER", "NTLM",       "GSSAPI",      "GSS-SPNEGO",       "ANONYMOUS",     "KERBEROS_V4"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (bytes_equal_nocase(word, names[i]))
            return true;
    }
    for (size_t i = 0; i < word.length; i++) {
        uint8_t byte = word.at[i];

        if (!(byte >= 'A' && byte <= 'Z') && !(byte >= '0' && byte <= '9') && byte != '-' && byte != '_')
            return false;
    }
    return word.length > 0 && word.length <= MECHANISM_LIMIT;
}

void sasl_begin(struct sasl *sasl, struct bytes mechanism)
{
    sasl_free(sasl);
    if (!sasl_is_mechanism(mechanism))
        return;
    sasl->mechanism.limit = SASL_NAME_LIMIT;
    for (size_t i = 0; i < mechanism.length; i++) {
        uint8_t byte = mechanism.at[i];

        if (byte >= 'a' && byte <= 'z')
            byte = (uint8_t)(byte - 'a' + 'A');
        text_append(&sasl->mechanism, bytes_of(&byte, 1));
    }
}

void sasl_read_challenge(struct sasl *sasl, struct bytes challenge)
{
    uint8_t decoded[64];
    size_t length;

    sasl->prompt = SASL_PROMPT_UNKNOWN;
    challenge = bytes_trim(challenge);
    if (!is(sasl, "LOGIN") || challenge.length > sizeof decoded || !sasl_decode(challenge, decoded, &length))
        return;
    if (bytes_contain_nocase(bytes_of(decoded, length), "pass"))
        sasl->prompt = SASL_ASKS_FOR_PASSWORD;
    else if (bytes_contain_nocase(bytes_of(decoded, length), "user"))
        sasl->prompt = SASL_ASKS_FOR_USER;
}

void sasl_read_response(struct sasl *sasl, struct bytes response)
{
    uint8_t *decoded;
    size_t length;

    response = bytes_trim(response);
    if (response.length > RESPONSE_LIMIT)
        response.length = RESPONSE_LIMIT;
    decoded = memory_new(response.length + 1);
    if (decoded != NULL && sasl_decode(response, decoded, &length))
        read_decoded(sasl, bytes_of(decoded, length));
    sasl->responses++;
    memory_free(decoded);
}

void sasl_free(struct sasl *sasl)
{
    text_free(&sasl->mechanism);
    text_free(&sasl->user);
    text_free(&sasl->identity);
    text_free(&sasl->domain);
    text_free(&sasl->workstation);
    text_free(&sasl->password);
    *sasl = (struct sasl){.responses = 0};
}

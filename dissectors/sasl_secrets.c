/*
 * sasl_secrets.c - replies that repeat what a client sent to log in are masked.
 */
#include "dissectors/sasl.h"

#include "base/cursor.h"

/* Shorter ones are too common in texts, and so much of a longer one tells that it is repeated, perhaps cut. */
#define SECRET_LEAST 4
#define SECRET_KEY 16
#define SECRET_LIMIT 512

void sasl_secrets_add(struct sasl_secrets *secrets, struct bytes secret)
{
    struct text *place;

    if (secret.length < SECRET_LEAST)
        return;
    secrets->newest = (secrets->newest + 1) % SASL_SECRETS_MOST;
    place = &secrets->secret[secrets->newest];
    place->limit = SECRET_LIMIT;
    text_clear(place);
    text_append(place, secret);
    secrets->has_any = true;
}

static bool is_word_byte(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

/* As many bytes of the secret stand at `at` of the text: 0 unless it is all, or its key. */
static size_t match_at(struct bytes text, size_t at, struct bytes secret)
{
    size_t length = 0;
    size_t needed = secret.length < SECRET_KEY ? secret.length : SECRET_KEY;

    if (at > 0 && is_word_byte(text.at[at - 1]) && is_word_byte(secret.at[0]))
        return 0;
    while (length < secret.length && at + length < text.length && text.at[at + length] == secret.at[length])
        length++;
    if (length < needed)
        return 0;
    if (length < SECRET_KEY && at + length < text.length && is_word_byte(text.at[at + length]))
        return 0; /* a part of a longer word */
    return length;
}

static size_t longest_match(const struct sasl_secrets *secrets, struct bytes text, size_t at)
{
    size_t longest = 0;

    for (size_t i = 0; i < SASL_SECRETS_MOST; i++) {
        struct bytes secret = text_bytes(&secrets->secret[i]);
        size_t length = secret.length > 0 ? match_at(text, at, secret) : 0;

        if (length > longest)
            longest = length;
    }
    return longest;
}

void sasl_secrets_mask(const struct sasl_secrets *secrets, struct text *text)
{
    struct text masked = {.limit = text->limit};
    struct bytes old = text_bytes(text);
    struct cursor cursor = cursor_within(old);
    size_t from = 0;

    if (!secrets->has_any)
        return;
    for (size_t at = 0; at < old.length;) {
        size_t length = longest_match(secrets, old, at);

        if (length == 0) {
            at++;
            continue;
        }
        text_append(&masked, take_bytes(&cursor, at - from));
        skip_bytes(&cursor, length);
        text_append_text(&masked, "***");
        at += length;
        from = at;
    }
    if (from == 0) {
        text_free(&masked);
        return;
    }
    text_append(&masked, peek_bytes(&cursor));
    text_free(text);
    *text = masked;
}

void sasl_secrets_free(struct sasl_secrets *secrets)
{
    for (size_t i = 0; i < SASL_SECRETS_MOST; i++)
        text_free(&secrets->secret[i]);
}

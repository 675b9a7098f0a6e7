/*
 * mail_urls.c - see mail_urls.h. In a text a URL goes as far as mail programs underline it: to the next blank, quote or
 * bracket that it did not open, without the punctuation at its end. Guessed so; RFC 3986, appendix C, asks for delimiters.
 */
#include "dissectors/mail_urls.h"

#include "base/memory.h"
#include "base/seed.h"
#include "dissectors/mail_text.h"
#include "dissectors/smtp_record.h"

#include <ctype.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Of the table of hashes: a power of two, more than twice MAIL_URLS_LIMIT. */
#define SEEN_SLOTS 4096
#define HOST_LIMIT 512
/* Most findings of one mail. */
#define MISMATCHES_LIMIT 8

/* ---- hosts ---- */

static bool is_slash(uint8_t byte)
{
    return byte == '/' || byte == '\\';
}

static void append_lower(struct bytes from, struct text *out)
{
    for (size_t i = 0; i < from.length; i++) {
        char letter = (char)tolower(from.at[i]);

        text_append(out, bytes_of(&letter, 1));
    }
}

/* What stands between the slashes behind the scheme and the path, as a browser takes it. */
static struct bytes authority_of(struct bytes url)
{
    struct bytes rest;
    size_t length = 0;

    (void)bytes_split(url, ':', &rest);
    while (rest.length > 0 && is_slash(rest.at[0]))
        rest = bytes_behind(rest, 1);
    while (length < rest.length && !is_slash(rest.at[length]) && rest.at[length] != '?' && rest.at[length] != '#')
        length++;
    return bytes_of(rest.at, length);
}

/* The host in lower case, without user and port; empty where there is none. */
static void host_of(struct bytes url, struct text *host)
{
    struct bytes authority = authority_of(url);
    struct bytes rest;

    for (;;) {
        (void)bytes_split(authority, '@', &rest);
        if (rest.at == NULL)
            break;
        authority = rest;
    }
    if (authority.length > 0 && authority.at[0] == '[') {
        append_lower(bytes_split(bytes_behind(authority, 1), ']', &rest), host);
        return;
    }
    append_lower(bytes_split(authority, ':', &rest), host);
    if (host->length > 0 && host->at[host->length - 1] == '.')
        host->at[--host->length] = '\0';
}

static bool is_host(const struct text *host)
{
    for (size_t i = 0; i < host->length; i++) {
        if (isalnum((unsigned char)host->at[i]) || (unsigned char)host->at[i] >= 0x80)
            return true;
    }
    return false;
}

/* Whether `inner` is `outer`, or a name under it. */
static bool is_under(struct bytes inner, struct bytes outer)
{
    if (inner.length < outer.length || !bytes_equal(bytes_behind(inner, inner.length - outer.length), outer))
        return false;
    return inner.length == outer.length || inner.at[inner.length - outer.length - 1] == '.';
}

static struct bytes without_www(struct bytes host)
{
    return bytes_begin_nocase(host, "www.") ? bytes_behind(host, 4) : host;
}

static bool is_same_site(struct bytes a, struct bytes b)
{
    a = without_www(a);
    b = without_www(b);
    return is_under(a, b) || is_under(b, a);
}

/* A text that a reader takes for the name of a site: "www.example.test", "example.com", "example.co.uk". Names of files are not. */
static bool reads_as_host(struct bytes text)
{
    static const char *const ends[] = {"com", "net", "org", "edu", "gov", "mil", "info", "biz"};
    static const char *const second[] = {"co", "com", "net", "org", "gov", "ac", "edu"};
    struct bytes last = text;
    struct bytes before = bytes_of(NULL, 0);
    struct bytes rest = text;
    unsigned labels = 0;

    while (rest.at != NULL) {
        before = last;
        last = bytes_split(rest, '.', &rest);
        labels++;
        if (last.length == 0)
            return false;
        for (size_t i = 0; i < last.length; i++) {
            if (!isalnum(last.at[i]) && last.at[i] != '-' && last.at[i] < 0x80)
                return false;
        }
    }
    if (labels < 2)
        return false;
    if (bytes_begin_nocase(text, "www."))
        return labels > 2;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        if (bytes_equal_nocase(last, ends[i]))
            return true;
    }
    for (size_t i = 0; i < sizeof second / sizeof second[0] && labels > 2 && last.length == 2; i++) {
        if (bytes_equal_nocase(before, second[i]))
            return true;
    }
    return false;
}

static bool has_blank(struct bytes text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] <= ' ')
            return true;
    }
    return false;
}

/* The host that a link's text names, where it is a URL or a host and nothing else. */
static void shown_host(struct bytes shown, struct text *host)
{
    struct bytes rest;
    struct bytes name;

    shown = bytes_trim(shown);
    if (shown.length == 0 || has_blank(shown))
        return;
    (void)bytes_split(shown, ':', &rest);
    if (rest.length > 1 && is_slash(rest.at[0]) && is_slash(rest.at[1]) && url_scheme_at_end(bytes_of(shown.at, shown.length - rest.length)) > 0) {
        host_of(shown, host);
        return;
    }
    name = bytes_split(shown, '/', &rest);
    if (reads_as_host(name))
        append_lower(name, host);
}

/* ---- what was told ---- */

/* True where it is new; false where it was told, or there is no room. */
static bool note_new(struct mail_urls *urls, struct bytes url, struct bytes shown)
{
    uint64_t hash;
    size_t slot;

    if (urls->seen == NULL) {
        urls->seen = memory_new_zeroed(SEEN_SLOTS, sizeof *urls->seen);
        urls->seed = seed_new();
    }
    if (urls->seen == NULL)
        return false;
    hash = XXH3_64bits_withSeed(url.at, url.length, urls->seed);
    if (shown.length > 0)
        hash ^= XXH3_64bits_withSeed(shown.at, shown.length, urls->seed + 1);
    hash |= 1;
    for (slot = hash % SEEN_SLOTS; urls->seen[slot] != 0; slot = (slot + 1) % SEEN_SLOTS) {
        if (urls->seen[slot] == hash)
            return false;
    }
    if (urls->count == MAIL_URLS_LIMIT) {
        urls->reached_limit = true;
        return false;
    }
    urls->seen[slot] = hash;
    urls->count++;
    return true;
}

static void tell(struct mail_urls *urls, struct bytes url, struct bytes host, struct bytes shown)
{
    struct smtp_url row = {
        .mail_id = record_integer(urls->mail_id),
        .url = record_text(url),
        .host = record_text(host),
        .file_id = record_integer(urls->file_id),
        .shown_host = record_text_unless_empty(shown),
    };

    if (!note_new(urls, url, shown))
        return;
    conversation_write(urls->conversation, &smtp_url_table, &row);
    if (shown.length > 0 && urls->mismatches++ < MISMATCHES_LIMIT)
        conversation_finding(urls->conversation, "notice", "mail_link_mismatch", "a link shows %.*s and leads to %.*s", (int)shown.length,
                             (const char *)shown.at, (int)host.length, (const char *)host.at);
}

void mail_urls_add(struct mail_urls *urls, struct bytes url, struct bytes shown)
{
    struct text host = {.limit = HOST_LIMIT};
    struct text other = {.limit = HOST_LIMIT};

    if (url.length > MAIL_URL_LIMIT) {
        url.length = MAIL_URL_LIMIT;
        urls->reached_limit = true;
    }
    host_of(url, &host);
    if (is_host(&host)) {
        shown_host(shown, &other);
        if (!is_host(&other) || is_same_site(text_bytes(&host), text_bytes(&other)))
            text_clear(&other);
        tell(urls, url, text_bytes(&host), text_bytes(&other));
    }
    text_free(&host);
    text_free(&other);
}

void mail_urls_free(struct mail_urls *urls)
{
    memory_free(urls->seen);
    urls->seen = NULL;
}

/* ---- finding them in a text ---- */

size_t url_scheme_at_end(struct bytes text)
{
    static const char *const schemes[] = {"https:", "http:", "ftp:"};

    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t length = strlen(schemes[i]);

        if (text.length < length || !bytes_equal_nocase(bytes_behind(text, text.length - length), schemes[i]))
            continue;
        if (text.length == length || !isalnum(text.at[text.length - length - 1]) || text.at[text.length - length - 1] >= 0x80)
            return length;
    }
    return 0;
}

static bool is_of_url(uint8_t byte)
{
    return byte > ' ' && byte != 0x7f && strchr("\"<>`{}|^\\'", byte) == NULL;
}

/* Characters of other scripts that end a URL: spaces, quotes, dashes and full-width punctuation. */
static size_t before_wide_punctuation(struct bytes url)
{
    for (size_t i = 0; i + 1 < url.length; i++) {
        uint8_t byte = url.at[i];
        uint8_t next = url.at[i + 1];

        if ((byte == 0xe2 && next == 0x80) || (byte == 0xe3 && next == 0x80) || (byte == 0xef && (next == 0xbc || next == 0xbd)))
            return i;
        if (byte == 0xc2 && (next == 0xa0 || next == 0xab || next == 0xbb))
            return i;
    }
    return url.length;
}

/* Whether the bracket at the end was opened inside. */
static bool is_opened(struct bytes url, uint8_t open, uint8_t close)
{
    int depth = 0;

    for (size_t i = 0; i < url.length; i++)
        depth += url.at[i] == open ? 1 : url.at[i] == close ? -1 : 0;
    return depth >= 0;
}

static struct bytes without_punctuation(struct bytes url)
{
    for (unsigned trimmed = 0; url.length > 0 && trimmed < 16; trimmed++, url.length--) {
        uint8_t last = url.at[url.length - 1];

        if (last == ')' && !is_opened(url, '(', ')'))
            continue;
        if (last == ']' && !is_opened(url, '[', ']'))
            continue;
        if (strchr(".,;:!?*", last) == NULL)
            break;
    }
    return url;
}

static void finish(struct mail_url_finder *finder)
{
    struct bytes url = text_bytes(&finder->url);

    if (finder->is_in_url) {
        if (finder->url.was_cut)
            finder->urls->reached_limit = true;
        url.length = before_wide_punctuation(url);
        mail_urls_add(finder->urls, without_punctuation(url), bytes_of(NULL, 0));
    }
    finder->is_in_url = false;
    finder->slashes = 0;
    text_clear(&finder->url);
    memset(finder->last, '/', sizeof finder->last);
}

static void remember(struct mail_url_finder *finder, struct bytes taken)
{
    size_t count = taken.length < sizeof finder->last ? taken.length : sizeof finder->last;

    memmove(finder->last, finder->last + count, sizeof finder->last - count);
    memcpy(finder->last + sizeof finder->last - count, bytes_behind(taken, taken.length - count).at, count);
}

/* To the next colon behind a scheme, or the end. */
static void search(struct mail_url_finder *finder, struct cursor *rest)
{
    struct bytes behind;
    struct bytes before = bytes_split(peek_bytes(rest), ':', &behind);
    struct bytes taken = take_bytes(rest, before.length + (behind.at != NULL ? 1 : 0));
    size_t length;

    remember(finder, taken);
    length = behind.at != NULL ? url_scheme_at_end(bytes_of(finder->last, sizeof finder->last)) : 0;
    if (length == 0)
        return;
    finder->url.limit = MAIL_URL_LIMIT;
    text_append(&finder->url, bytes_of(finder->last + sizeof finder->last - length, length));
}

static void take_slash(struct mail_url_finder *finder, struct cursor *rest)
{
    struct bytes slash;

    if (peek_u8(rest) != '/') {
        finish(finder);
        return;
    }
    slash = take_bytes(rest, 1);
    text_append(&finder->url, slash);
    finder->is_in_url = ++finder->slashes == 2;
}

static void take_url(struct mail_url_finder *finder, struct cursor *rest)
{
    struct bytes ahead = peek_bytes(rest);
    size_t length = 0;

    while (length < ahead.length && is_of_url(ahead.at[length]))
        length++;
    text_append(&finder->url, take_bytes(rest, length));
    if (length < ahead.length)
        finish(finder);
}

void mail_url_finder_add(struct mail_url_finder *finder, struct bytes text)
{
    struct cursor rest = cursor_over(text);

    while (cursor_left(&rest) > 0) {
        if (finder->is_in_url)
            take_url(finder, &rest);
        else if (finder->url.length > 0)
            take_slash(finder, &rest);
        else
            search(finder, &rest);
    }
}

void mail_url_finder_end(struct mail_url_finder *finder)
{
    finish(finder);
    text_free(&finder->url);
}

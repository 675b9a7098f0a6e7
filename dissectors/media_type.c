/*
 * media_type.c - see media_type.h
 *
 * libmagic compares bytes that it does not know with thousands of patterns, which takes 0.3 ms, and up to 4 where they are a
 * text. Many files travel again and again, so its answers are remembered by the SHA-256 of what it was asked about.
 */
#include "dissectors/media_type.h"

#include "base/digest.h"
#include "base/log.h"

#include <magic.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <threads.h>

/*
 * Its patterns for lines cost the square of a run of blanks: 8192 line feeds take half a second, runs of 128 about 10 ms. Where there
 * is a longer run, patterns see fewer bytes (20 ms at the most): what is left of a text's type is then told by its first KiB.
 */
#define BLANK_RUN_MOST 128
static const size_t pattern_bytes = 8192; /* libmagic's own */
static const size_t pattern_bytes_of_blanks = 1024;

/* Answers that a thread remembers. A longer one than fits is not. */
#define REMEMBERED 1024
#define TYPE_SIZE 48

struct answer {
    char digest[DIGEST_HEX_SIZE]; /* empty: none */
    char type[TYPE_SIZE];
};

/* libmagic's tables belong to one thread each. */
struct thread_magic {
    magic_t cookie;
    struct answer answers[REMEMBERED];
};

static once_flag key_once = ONCE_FLAG_INIT;
static tss_t key;
static atomic_bool has_key; /* atomic for ThreadSanitizer, which does not know call_once */

static void close_magic(void *argument)
{
    struct thread_magic *magic = argument;

    if (magic->cookie != NULL)
        magic_close(magic->cookie);
    free(magic);
}

static void make_key(void)
{
    has_key = tss_create(&key, close_magic) == thrd_success;
}

/* The system's table of types, loaded; NULL with a warning the first time where it cannot be read. What would unpack is left out. */
static magic_t open_cookie(void)
{
    static atomic_flag has_warned = ATOMIC_FLAG_INIT;
    magic_t cookie = magic_open(MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS);

    if (cookie != NULL && magic_load(cookie, NULL) == 0)
        return cookie;
    if (!atomic_flag_test_and_set(&has_warned))
        log_warning("media types stay unknown: libmagic does not start: %s",
                    cookie != NULL && magic_error(cookie) != NULL ? magic_error(cookie) : "out of memory");
    if (cookie != NULL)
        magic_close(cookie);
    return NULL;
}

/* This thread's; NULL where memory is out. */
static struct thread_magic *thread_magic(void)
{
    struct thread_magic *magic;

    call_once(&key_once, make_key);
    if (!has_key)
        return NULL;
    magic = tss_get(key);
    if (magic != NULL)
        return magic;
    magic = calloc(1, sizeof *magic);
    if (magic == NULL || tss_set(key, magic) != thrd_success) {
        free(magic);
        return NULL;
    }
    magic->cookie = open_cookie();
    return magic;
}

/* Where the answer for that digest is remembered, if it is. */
static struct answer *place_of(struct thread_magic *magic, const char digest[DIGEST_HEX_SIZE])
{
    char first[] = {digest[0], digest[1], digest[2], '\0'};

    return &magic->answers[strtoul(first, NULL, 16) % REMEMBERED];
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static bool has_blank_run(struct bytes head)
{
    size_t run = 0;

    for (size_t i = 0; i < head.length && run <= BLANK_RUN_MOST; i++)
        run = is_blank(head.at[i]) ? run + 1 : 0;
    return run > BLANK_RUN_MOST;
}

static const char *ask(magic_t cookie, struct bytes head)
{
    (void)magic_setparam(cookie, MAGIC_PARAM_REGEX_MAX, has_blank_run(head) ? &pattern_bytes_of_blanks : &pattern_bytes);
    return magic_buffer(cookie, head.at, head.length);
}

struct bytes media_type_of(struct bytes head)
{
    struct thread_magic *magic = head.length > 0 ? thread_magic() : NULL;
    char hex[DIGEST_HEX_SIZE];
    struct answer *answer;
    struct digest digest;
    const char *type;

    if (magic == NULL || magic->cookie == NULL)
        return bytes_of(NULL, 0);
    digest_begin(&digest, DIGEST_SHA256);
    digest_add(&digest, head);
    answer = digest_end_hex(&digest, hex) ? place_of(magic, hex) : NULL;
    if (answer != NULL && strcmp(answer->digest, hex) == 0)
        return bytes_of_text(answer->type);
    type = ask(magic->cookie, head);
    if (type == NULL)
        return bytes_of(NULL, 0);
    if (answer != NULL && strlen(type) < TYPE_SIZE) {
        memcpy(answer->digest, hex, sizeof hex);
        snprintf(answer->type, TYPE_SIZE, "%s", type);
    }
    return bytes_of_text(type);
}

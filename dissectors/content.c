/*
 * content.c - see content.h. The media type is libmagic's, which is asked once a file, with the first bytes; but see prose.h.
 */
#include "dissectors/content.h"

#include "base/digest.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "dissectors/prose.h"

#include <magic.h>
#include <stdatomic.h>
#include <threads.h>

struct content {
    uint64_t size; /* missing bytes included */
    uint64_t missing;
    bool expects_prose;
    struct digest digest;
    struct text head; /* ends where the first byte is missing */
    struct text mime_type;
    char sha256[DIGEST_HEX_SIZE];
};

/* ---- libmagic: its tables belong to one thread each ---- */

static once_flag magic_once = ONCE_FLAG_INIT;
static tss_t magic_of_thread;
static bool has_magic_key;

static void close_magic(void *cookie)
{
    magic_close(cookie);
}

static void make_magic_key(void)
{
    has_magic_key = tss_create(&magic_of_thread, close_magic) == thrd_success;
}

/* NULL, with a warning the first time, where the system's table of types cannot be read. */
static magic_t thread_magic(void)
{
    static atomic_flag has_warned = ATOMIC_FLAG_INIT;
    magic_t cookie;

    call_once(&magic_once, make_magic_key);
    if (!has_magic_key)
        return NULL;
    cookie = tss_get(magic_of_thread);
    if (cookie != NULL)
        return cookie;
    /* what would unpack is left out */
    cookie = magic_open(MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS);
    if (cookie != NULL && magic_load(cookie, NULL) == 0 && tss_set(magic_of_thread, cookie) == thrd_success)
        return cookie;
    if (!atomic_flag_test_and_set(&has_warned))
        log_warning("media types stay unknown: libmagic does not start: %s", cookie != NULL && magic_error(cookie) != NULL ? magic_error(cookie) : "out of memory");
    if (cookie != NULL)
        magic_close(cookie);
    return NULL;
}

static void find_mime_type(struct content *content)
{
    const char *type = content->expects_prose ? prose_type(text_bytes(&content->head)) : NULL;
    magic_t cookie;

    if (content->head.length == 0)
        return;
    cookie = type == NULL ? thread_magic() : NULL;
    if (cookie != NULL)
        type = magic_buffer(cookie, content->head.at, content->head.length);
    if (type != NULL)
        text_append_text(&content->mime_type, type);
}

/* ---- the content ---- */

struct content *content_new(struct conversation *conversation)
{
    struct content *content = memory_new_zeroed(1, sizeof *content);

    (void)conversation;
    if (content == NULL)
        return NULL;
    content->head.limit = CONTENT_HEAD_LIMIT;
    content->mime_type.limit = 256;
    digest_begin(&content->digest, DIGEST_SHA256);
    return content;
}

void content_add(struct content *content, struct bytes more)
{
    if (content == NULL)
        return;
    if (content->missing == 0 && content->head.length < CONTENT_HEAD_LIMIT)
        text_append(&content->head, more.length > CONTENT_HEAD_LIMIT ? bytes_of(more.at, CONTENT_HEAD_LIMIT) : more);
    content->size += more.length;
    digest_add(&content->digest, more);
}

void content_expect_prose(struct content *content)
{
    if (content != NULL)
        content->expects_prose = true;
}

void content_lose(struct content *content, uint64_t count)
{
    if (content == NULL)
        return;
    content->size += count;
    content->missing += count;
    digest_drop(&content->digest);
}

struct bytes content_head(const struct content *content)
{
    return content != NULL ? text_bytes(&content->head) : bytes_of(NULL, 0);
}

void content_end(struct content *content, struct file_record *row)
{
    if (content == NULL)
        return;
    row->size = record_integer((int64_t)content->size);
    row->missing = record_integer((int64_t)content->missing);
    find_mime_type(content);
    row->mime_type = record_text_unless_empty(text_bytes(&content->mime_type));
    if (digest_end_hex(&content->digest, content->sha256))
        row->sha256 = record_text_of(content->sha256);
}

void content_free(struct content *content)
{
    if (content == NULL)
        return;
    digest_drop(&content->digest);
    text_free(&content->head);
    text_free(&content->mime_type);
    memory_free(content);
}

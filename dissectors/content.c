/*
 * content.c - see content.h. The media type is told by the first bytes: media_type.h, prose.h.
 */
#include "dissectors/content.h"

#include "base/digest.h"
#include "base/memory.h"
#include "base/text.h"
#include "dissectors/media_type.h"
#include "dissectors/prose.h"

struct content {
    uint64_t size; /* missing bytes included */
    uint64_t missing;
    bool expects_prose;
    struct digest digest;
    struct text head; /* ends where the first byte is missing */
    struct text mime_type;
    char sha256[DIGEST_HEX_SIZE];
};

static void find_mime_type(struct content *content)
{
    struct bytes head = text_bytes(&content->head);
    const char *prose = content->expects_prose ? prose_type(head) : NULL;

    text_append(&content->mime_type, prose != NULL ? bytes_of_text(prose) : media_type_of(head));
}

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

struct bytes content_mime_type(const struct content *content)
{
    return content != NULL ? text_bytes(&content->mime_type) : bytes_of(NULL, 0);
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

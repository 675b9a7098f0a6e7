/*
 * content.c - see content.h. The media type is told by the first bytes: media_type.h, prose.h.
 */
#include "dissectors/content.h"

#include "base/digest.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/vault.h"
#include "dissectors/media_type.h"
#include "dissectors/prose.h"

/* What libcrypto allocates for a SHA-256 at work (OpenSSL 3.0: 80 bytes, 112 of the algorithm, the allocator's own). */
#define DIGEST_MEMORY 256

struct content {
    uint64_t size; /* missing bytes included */
    uint64_t missing;
    bool expects_prose;
    struct digest digest;
    struct text head; /* ends where the first byte is missing */
    struct text mime_type;
    struct vault *vault;       /* NULL: contents are not stored */
    struct vault_file *stored; /* NULL: this one is not, any more */
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

    if (content == NULL)
        return NULL;
    memory_count(DIGEST_MEMORY);
    content->vault = conversation_recording(conversation)->vault;
    if (content->vault != NULL)
        content->stored = vault_begin(content->vault);
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
    vault_add(content->stored, more);
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
    vault_free(content->stored);
    content->stored = NULL;
}

struct bytes content_head(const struct content *content)
{
    return content != NULL ? text_bytes(&content->head) : bytes_of(NULL, 0);
}

struct bytes content_mime_type(const struct content *content)
{
    return content != NULL ? text_bytes(&content->mime_type) : bytes_of(NULL, 0);
}

static void tell_not_stored(const struct content *content, struct conversation *conversation, enum vault_outcome outcome)
{
    if (outcome == VAULT_TOO_LARGE)
        conversation_finding_once(conversation, "notice", "file_not_stored", "a file of %llu bytes is larger than is stored of one: %llu bytes",
                                  (unsigned long long)content->size, (unsigned long long)vault_file_limit(content->vault));
    else if (outcome == VAULT_FULL)
        conversation_finding_once(conversation, "notice", "file_not_stored",
                                  "a file of %llu bytes does not fit into what is stored of all: %llu bytes", (unsigned long long)content->size,
                                  (unsigned long long)vault_total_limit(content->vault));
    else
        conversation_finding_once(conversation, "notice", "file_not_stored", "a file of %llu bytes could not be written",
                                  (unsigned long long)content->size);
}

/* Only what has a digest has a name in the vault. */
static void store(struct content *content, struct conversation *conversation, struct file_record *row)
{
    enum vault_outcome outcome;

    if (content->vault == NULL || content->missing > 0)
        return;
    outcome = vault_end(content->stored, content->sha256);
    row->stored_path = record_text_of(vault_path(content->stored));
    if (outcome != VAULT_STORED)
        tell_not_stored(content, conversation, outcome);
}

void content_end(struct content *content, struct conversation *conversation, struct file_record *row)
{
    if (content == NULL)
        return;
    row->size = record_integer((int64_t)content->size);
    row->size.is_known = content->missing == 0 || !conversation_is_decrypted(conversation);
    row->missing = record_integer((int64_t)content->missing);
    find_mime_type(content);
    row->mime_type = record_text_unless_empty(text_bytes(&content->mime_type));
    if (!digest_end_hex(&content->digest, content->sha256))
        return;
    row->sha256 = record_text_of(content->sha256);
    store(content, conversation, row);
}

void content_free(struct content *content)
{
    if (content == NULL)
        return;
    digest_drop(&content->digest);
    memory_count(-DIGEST_MEMORY);
    vault_free(content->stored);
    text_free(&content->head);
    text_free(&content->mime_type);
    memory_free(content);
}

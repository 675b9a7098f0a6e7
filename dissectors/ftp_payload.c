/* ftp_payload.c - see ftp_payload.h */
#include "dissectors/ftp_payload.h"

static void on_plain(void *context, struct bytes plain)
{
    struct ftp_payload *payload = context;

    content_add(payload->content, plain);
    if (payload->listing != NULL)
        ftp_listing_add(payload->listing, payload->conversation, plain);
    else if (payload->kind != FTP_PAYLOAD_FILE && !payload->early.was_cut)
        text_append(&payload->early, plain);
}

void ftp_payload_begin(struct ftp_payload *payload, struct conversation *conversation, const struct ftp_form *form, enum ftp_payload_kind kind)
{
    payload->has_begun = true;
    payload->form = *form;
    payload->early.limit = FTP_EARLY_LIMIT;
    if (payload->kind == FTP_PAYLOAD_UNKNOWN)
        payload->kind = kind;
    if (payload->kind != FTP_PAYLOAD_LISTING)
        payload->content = content_new(conversation);
    if (!ftp_block_marks_end(form))
        return;
    payload->block = ftp_block_new(form, on_plain, payload);
    payload->is_void = payload->block == NULL;
}

static void note_trouble(struct ftp_payload *payload, struct conversation *conversation)
{
    switch (ftp_block_trouble(payload->block)) {
    case FTP_BLOCK_BOMB:
        conversation_finding(conversation, "warning", "ftp_limit", "the deflated bytes inflate to more than %d times their size; the rest is not followed",
                             FTP_INFLATE_RATIO);
        break;
    case FTP_BLOCK_INVALID:
        conversation_finding(conversation, "notice", "ftp_mode_broken", "the bytes of a data connection are not in the transmission mode that was agreed");
        break;
    case FTP_BLOCK_FINE:
    case FTP_BLOCK_LOST:
    case FTP_BLOCK_NO_MEMORY:
        break;
    }
    content_lose(payload->content, 0);
}

void ftp_payload_add(struct ftp_payload *payload, struct conversation *conversation, struct bytes more)
{
    bool was_sound = ftp_payload_is_sound(payload);

    if (payload->is_void)
        return;
    payload->conversation = conversation;
    if (payload->block == NULL) {
        on_plain(payload, more);
        return;
    }
    ftp_block_add(payload->block, more);
    if (was_sound && !ftp_payload_is_sound(payload))
        note_trouble(payload, conversation);
}

void ftp_payload_lose(struct ftp_payload *payload, struct conversation *conversation, uint64_t count)
{
    if (payload->is_void)
        return;
    if (payload->block != NULL)
        ftp_block_lose(payload->block);
    if (payload->block == NULL || !ftp_block_has_end(payload->block))
        content_lose(payload->content, count);
    ftp_listing_lose(payload->listing, conversation);
    if (payload->listing == NULL && payload->kind != FTP_PAYLOAD_FILE)
        payload->early.was_cut = true; /* what is behind the hole is not told */
}

void ftp_payload_pass(struct ftp_payload *payload, struct conversation *conversation)
{
    ftp_payload_lose(payload, conversation, 0);
    payload->has_passed = true;
}

void ftp_payload_is_file(struct ftp_payload *payload)
{
    payload->kind = FTP_PAYLOAD_FILE;
    text_free(&payload->early);
}

void ftp_payload_is_listing(struct ftp_payload *payload, struct conversation *conversation, const struct ftp_listing_about *about)
{
    payload->kind = FTP_PAYLOAD_LISTING;
    content_free(payload->content);
    payload->content = NULL;
    if (payload->listing != NULL)
        return;
    payload->listing = ftp_listing_new(about);
    ftp_listing_add(payload->listing, conversation, text_bytes(&payload->early));
    if (payload->early.was_cut)
        ftp_listing_lose(payload->listing, conversation);
    text_free(&payload->early);
    if (payload->has_ended)
        ftp_listing_end(payload->listing, conversation, payload->is_whole);
}

void ftp_payload_end(struct ftp_payload *payload, struct conversation *conversation, bool is_whole)
{
    payload->has_ended = true;
    payload->is_whole = ftp_payload_has_end(payload, is_whole) && ftp_payload_is_sound(payload);
    ftp_listing_end(payload->listing, conversation, payload->is_whole);
}

bool ftp_payload_has_end(const struct ftp_payload *payload, bool has_closed)
{
    return payload->block != NULL ? ftp_block_has_end(payload->block) : has_closed;
}

bool ftp_payload_is_sound(const struct ftp_payload *payload)
{
    return !payload->is_void && (payload->block == NULL || ftp_block_trouble(payload->block) == FTP_BLOCK_FINE);
}

void ftp_payload_free(struct ftp_payload *payload)
{
    ftp_block_free(payload->block);
    content_free(payload->content);
    ftp_listing_free(payload->listing);
    text_free(&payload->early);
    *payload = (struct ftp_payload){.has_begun = false};
}

/*
 * http2_fields.c - blocks of header fields: HPACK (RFC 7541), by libnghttp2, as the bytes come; nothing of a block is gathered but what is kept
 * of its fields.
 *
 * The table of header fields is the sender's alone to shrink and to grow, within what the receiver's SETTINGS allow: where it says so in a block, it
 * is followed up to HTTP2_TABLE_LIMIT, whatever SETTINGS were seen.
 */
#include "base/memory.h"
#include "dissectors/http2_session.h"

#include <nghttp2/nghttp2.h>

/* ---- the inflater's memory is counted ---- */

static void *inflater_malloc(size_t size, void *nothing)
{
    (void)nothing;
    return memory_new(size);
}

static void inflater_free(void *piece, void *nothing)
{
    (void)nothing;
    memory_free(piece);
}

static void *inflater_calloc(size_t count, size_t size, void *nothing)
{
    (void)nothing;
    return memory_new_zeroed(count, size);
}

static void *inflater_realloc(void *piece, size_t size, void *nothing)
{
    (void)nothing;
    return memory_resize(piece, size);
}

static struct nghttp2_hd_inflater *inflater_new(void)
{
    /* the inflater goes on using it; it is never written to */
    static nghttp2_mem memory = {.malloc = inflater_malloc, .free = inflater_free, .calloc = inflater_calloc, .realloc = inflater_realloc};
    struct nghttp2_hd_inflater *inflater = NULL;

    if (nghttp2_hd_inflate_new2(&inflater, &memory) != 0)
        return NULL;
    (void)nghttp2_hd_inflate_change_table_size(inflater, HTTP2_TABLE_LIMIT);
    return inflater;
}

void http2_lose_fields(struct http2 *session, enum side from)
{
    struct http2_side *side = &session->side[from];

    if (side->inflater != NULL)
        nghttp2_hd_inflate_del(side->inflater);
    side->inflater = NULL;
    side->fields_are_lost = true;
}

/* ---- what the fields say ---- */

void http2_block_begin(struct http2_block *block, enum http2_block_kind kind, struct http2_stream *stream, uint32_t sent_on, bool ends_stream)
{
    struct http2_head *head = &block->head;

    http2_head_free(head);
    *head = (struct http2_head){.authority.limit = HTTP_FIELD_LIMIT,
                                .protocol.limit = HTTP_FIELD_LIMIT,
                                .origin.limit = HTTP_FIELD_LIMIT,
                                .websocket_protocol.limit = HTTP_FIELD_LIMIT,
                                .websocket_extensions.limit = HTTP_FIELD_LIMIT};
    block->is_open = true;
    block->kind = stream != NULL ? kind : HTTP2_BLOCK_OF_NOBODY;
    block->stream = stream;
    block->sent_on = sent_on;
    block->ends_stream = ends_stream;
    block->continuations = 0;
}

void http2_head_free(struct http2_head *head)
{
    text_free(&head->authority);
    text_free(&head->protocol);
    text_free(&head->origin);
    text_free(&head->websocket_protocol);
    text_free(&head->websocket_extensions);
}

static bool is_named(struct bytes name, const char *text)
{
    return bytes_equal(name, bytes_of_text(text));
}

static void set(struct text *text, struct bytes value)
{
    text_clear(text);
    text_append(text, value);
}

/* RFC 9113, 8.3.1; RFC 8441, 4. */
static void on_request_pseudo(struct http2_block *block, struct bytes name, struct bytes value)
{
    struct http_request *request = block->stream->request;

    if (is_named(name, ":method"))
        set(&request->method, value);
    else if (is_named(name, ":path"))
        set(&request->uri, value);
    else if (is_named(name, ":authority"))
        set(&block->head.authority, value);
    else if (is_named(name, ":protocol"))
        set(&block->head.protocol, value);
}

static void on_request_field(struct http2_block *block, struct bytes name, struct bytes value)
{
    struct http2_head *head = &block->head;

    if (name.length > 0 && name.at[0] == ':')
        on_request_pseudo(block, name, value);
    else if (is_named(name, "origin"))
        set(&head->origin, value);
    else if (is_named(name, "sec-websocket-extensions"))
        text_append_item(&head->websocket_extensions, ", ", value);
    else if (!is_named(name, "upgrade")) /* says nothing here: RFC 9113, 8.2.2 */
        http_request_on_field(block->stream->request, FROM_CLIENT, name, value);
}

static void on_answer_field(struct http2_block *block, struct bytes name, struct bytes value)
{
    struct http2_head *head = &block->head;
    uint64_t status;

    if (is_named(name, ":status")) {
        if (value.length == 3 && bytes_to_number(value, 999, &status) && status >= 100)
            head->status = (int)status;
        return;
    }
    if (head->status < 200) /* interim */
        return;
    if (is_named(name, "sec-websocket-protocol"))
        set(&head->websocket_protocol, value);
    else if (is_named(name, "sec-websocket-extensions"))
        text_append_item(&head->websocket_extensions, ", ", value);
    else
        http_request_on_field(block->stream->request, FROM_SERVER, name, value);
}

static void on_field(struct conversation *conversation, struct http2_block *block, enum side from, struct bytes name, struct bytes value)
{
    struct http2_head *head = &block->head;

    http2_judge_list(conversation, from, head->list_bytes, head->list_bytes + name.length + value.length);
    head->list_bytes += name.length + value.length;
    http2_judge_field(conversation, from, name, value);
    if (block->stream == NULL)
        return;
    if (is_named(name, "content-length"))
        head->has_length = bytes_to_number(value, INT64_MAX, &head->content_length);
    if (block->kind == HTTP2_BLOCK_REQUEST)
        on_request_field(block, name, value);
    else if (block->kind == HTTP2_BLOCK_ANSWER)
        on_answer_field(block, name, value);
}

/* ---- blocks ---- */

static void on_undecodable(struct conversation *conversation, struct http2 *session, enum side from)
{
    http2_lose_fields(session, from);
    conversation_finding(conversation, "notice", "http2_fields_undecodable",
                         "a block of header fields from the %s cannot be decoded; what it says in later ones is not known either", side_name(from));
}

/* One call of the inflater. False: the block is decoded, more of it has to come, or it cannot be decoded. */
static bool inflate_some(struct conversation *conversation, struct http2 *session, enum side from, struct cursor *fragment, bool is_last)
{
    struct http2_side *side = &session->side[from];
    struct bytes rest = peek_bytes(fragment);
    nghttp2_nv field;
    int flags = 0;
    ssize_t taken = nghttp2_hd_inflate_hd2(side->inflater, &field, &flags, rest.at, rest.length, is_last ? 1 : 0);

    if (taken < 0 || (size_t)taken > rest.length) {
        on_undecodable(conversation, session, from);
        return false;
    }
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0)
        on_field(conversation, &side->block, from, bytes_of(field.name, field.namelen), bytes_of(field.value, field.valuelen));
    skip_bytes(fragment, (size_t)taken);
    if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) {
        nghttp2_hd_inflate_end_headers(side->inflater);
        side->block.head.is_whole = true;
        return false;
    }
    return (flags & NGHTTP2_HD_INFLATE_EMIT) != 0 || cursor_left(fragment) > 0;
}

void http2_inflate(struct conversation *conversation, struct http2 *session, enum side from, struct bytes fragment, bool is_last)
{
    struct http2_side *side = &session->side[from];
    struct cursor cursor = cursor_within(fragment);

    if (!side->fields_are_lost && side->inflater == NULL && (side->inflater = inflater_new()) == NULL)
        side->fields_are_lost = true;
    if (side->fields_are_lost)
        return;
    while (inflate_some(conversation, session, from, &cursor, is_last)) {
        /* field by field */
    }
}

/*
 * mail_message.c - see mail_message.h. A message that is attached, or stands in an encoding of its own (RFC 2045, 6.4, forbids
 * it), is a file, and is read on as a message too, a few deep.
 */
#include "dissectors/mail_message.h"

#include "base/memory.h"
#include "dissectors/mail_leaf.h"
#include "dissectors/mail_origin.h"
#include "dissectors/mail_sender.h"
#include "dissectors/mail_text.h"

/* Most such messages inside each other that are read as messages; attached ones that lie deeper are no files any more. */
#define ATTACHED_DEPTH_LIMIT 4

/* A message, or one that a leaf of it holds encoded. */
struct mail_entity {
    struct mail_message *message;
    unsigned depth;
    struct mime_reader reader;
    struct mail_leaf leaf;
    struct mail_entity *inner; /* owned; of the leaf that is open; NULL: it is none */
};

struct mail_message {
    bool is_over;
    bool is_whole; /* seen to its end, and no byte is missing */
    bool header_is_whole;
    unsigned received_hops;
    struct mail_context context;
    struct text value[MAIL_FIELDS]; /* decoded */
    char originating_ip[ADDRESS_TEXT_SIZE];
    struct mail_entity outer;
};

/* ---- the header fields ---- */

static void keep_field(struct mail_message *message, const struct mail_header *header, enum mail_field field)
{
    struct bytes value = mail_header_value(header, field);
    struct text *decoded = &message->value[field];

    decoded->limit = 4 * MAIL_VALUE_LIMIT;
    switch (field) {
    case MAIL_FROM:
    case MAIL_SENDER:
    case MAIL_TO:
    case MAIL_CC:
    case MAIL_REPLY_TO:
        mail_decode_addresses(&message->context.charsets, value, decoded);
        break;
    case MAIL_SUBJECT:
    case MAIL_USER_AGENT:
    case MAIL_X_MAILER:
        mail_decode_words(&message->context.charsets, value, decoded);
        break;
    case MAIL_DATE:
    case MAIL_MESSAGE_ID:
    case MAIL_IN_REPLY_TO:
        text_append(decoded, value);
        break;
    default:
        break;
    }
}

static void on_header(void *owner, const struct mail_header *header)
{
    struct mail_entity *entity = owner;
    struct mail_message *message = entity->message;

    if (entity->depth > 0)
        return;
    for (int field = 0; field < MAIL_FIELDS; field++)
        keep_field(message, header, (enum mail_field)field);
    message->header_is_whole = header->phase == MAIL_HEADER_DONE;
    message->received_hops = header->count[MAIL_RECEIVED];
    mail_find_origin(header, message->originating_ip);
    mail_check_sender(&message->context, header);
}

/* ---- leaves, and messages inside them ---- */

static void open_entity(struct mail_entity *entity, struct mail_message *message, unsigned depth);

static void close_entity(struct mail_entity *entity)
{
    mail_leaf_drop(&entity->leaf);
    mime_reader_close(&entity->reader);
}

static void on_decoded(void *owner, struct bytes bytes)
{
    struct mail_entity *inner = owner;

    mime_reader_add(&inner->reader, bytes);
}

/* `is_whole` as for mime_reader_end. */
static void end_inner(struct mail_entity *entity, bool is_whole)
{
    if (entity->inner == NULL)
        return;
    mime_reader_end(&entity->inner->reader, is_whole);
    close_entity(entity->inner);
    memory_free(entity->inner);
    entity->inner = NULL;
    entity->leaf.decoded = NULL;
}

static void begin_leaf(void *owner, const struct mime_leaf *declared)
{
    struct mail_entity *entity = owner;

    mail_leaf_begin(&entity->leaf, declared);
    if (!declared->is_message || entity->depth + 1 == ATTACHED_DEPTH_LIMIT || !entity->leaf.file.is_open)
        return;
    entity->inner = memory_new_zeroed(1, sizeof *entity->inner);
    if (entity->inner == NULL)
        return;
    open_entity(entity->inner, entity->message, entity->depth + 1);
    entity->leaf.owner = entity->inner;
    entity->leaf.decoded = on_decoded;
}

static void on_leaf_bytes(void *owner, struct bytes bytes)
{
    struct mail_entity *entity = owner;

    mail_leaf_add(&entity->leaf, bytes);
}

static void on_leaf_loss(void *owner, uint64_t count)
{
    struct mail_entity *entity = owner;

    mail_leaf_lose(&entity->leaf, count);
    if (entity->inner != NULL)
        mime_reader_lose(&entity->inner->reader, count);
}

static void end_leaf(void *owner, bool is_whole)
{
    struct mail_entity *entity = owner;

    if (is_whole)
        mail_leaf_add_rest(&entity->leaf);
    end_inner(entity, is_whole);
    mail_leaf_end(&entity->leaf, is_whole);
}

static void on_oddity(void *owner, enum mime_oddity oddity)
{
    struct mail_entity *entity = owner;

    mail_note_oddity(&entity->message->context, oddity);
}

static void on_limit(void *owner)
{
    struct mail_entity *entity = owner;

    mail_note_limit(&entity->message->context, "header fields are too long, all together or one of them", MAIL_HEADERS_LIMIT);
}

static void open_entity(struct mail_entity *entity, struct mail_message *message, unsigned depth)
{
    const struct mime_listener listener = {entity, on_header, begin_leaf, on_leaf_bytes, on_leaf_loss, end_leaf, on_oddity, on_limit};

    entity->message = message;
    entity->depth = depth;
    entity->leaf.context = &message->context;
    mime_reader_open(&entity->reader, &listener, &message->context.charsets);
    entity->reader.is_innermost = depth + 1 == ATTACHED_DEPTH_LIMIT;
}

/* ---- the message ---- */

struct mail_message *mail_message_new(struct conversation *conversation, int64_t mail_id, bool begins_unseen)
{
    struct mail_message *message = memory_new_zeroed(1, sizeof *message);

    if (message == NULL)
        return NULL;
    message->context.conversation = conversation;
    message->context.mail_id = mail_id;
    message->context.urls = (struct mail_urls){.conversation = conversation, .mail_id = mail_id};
    message->is_whole = true;
    open_entity(&message->outer, message, 0);
    if (begins_unseen)
        mail_message_lose(message, 0);
    return message;
}

void mail_message_add(struct mail_message *message, struct bytes bytes)
{
    if (message != NULL && !message->is_over)
        mime_reader_add(&message->outer.reader, bytes);
}

void mail_message_lose(struct mail_message *message, uint64_t count)
{
    if (message == NULL || message->is_over)
        return;
    message->is_whole = false;
    mime_reader_lose(&message->outer.reader, count);
}

void mail_message_end(struct mail_message *message, bool is_whole)
{
    if (message == NULL || message->is_over)
        return;
    message->is_whole = message->is_whole && is_whole;
    mime_reader_end(&message->outer.reader, is_whole);
    close_entity(&message->outer);
    mail_charsets_close(&message->context.charsets);
    mail_urls_free(&message->context.urls);
    message->is_over = true;
    if (message->context.charsets.reached_limit)
        mail_note_limit(&message->context, "charsets are too many", MAIL_CHARSETS_LIMIT);
    if (message->context.urls.reached_limit)
        mail_note_limit(&message->context, "URLs are too many, or one of them too long", MAIL_URLS_LIMIT);
}

void mail_message_free(struct mail_message *message)
{
    struct mail_entity *inner;

    if (message == NULL)
        return;
    while ((inner = message->outer.inner) != NULL) {
        message->outer.inner = inner->inner;
        close_entity(inner);
        memory_free(inner);
    }
    close_entity(&message->outer);
    mail_charsets_close(&message->context.charsets);
    mail_urls_free(&message->context.urls);
    for (int field = 0; field < MAIL_FIELDS; field++)
        text_free(&message->value[field]);
    memory_free(message);
}

struct record_text mail_message_field(const struct mail_message *message, enum mail_field field)
{
    if (message == NULL)
        return record_text_of(NULL);
    return record_text_unless_empty(text_bytes(&message->value[field]));
}

struct record_integer mail_message_received_hops(const struct mail_message *message)
{
    if (message == NULL || !message->header_is_whole)
        return (struct record_integer){.is_known = false};
    return record_integer(message->received_hops);
}

struct record_text mail_message_originating_ip(const struct mail_message *message)
{
    if (message == NULL)
        return record_text_of(NULL);
    return record_text_unless_empty(bytes_of_text(message->originating_ip));
}

struct record_integer mail_message_attachments(const struct mail_message *message)
{
    if (message == NULL || !message->is_over || !message->is_whole)
        return (struct record_integer){.is_known = false};
    return record_integer(message->context.attachments);
}

/*
 * mail_message.c - see mail_message.h. Each leaf, bodies too, is a file: the leaf's transfer encoding is taken off, and what
 * comes out is counted, hashed and named. A text may hold uuencoded files between its lines; they are files of their own.
 */
#include "dissectors/mail_message.h"

#include "base/memory.h"
#include "dissectors/mail_file.h"
#include "dissectors/mail_origin.h"
#include "dissectors/mail_text.h"
#include "dissectors/mail_uu.h"
#include "dissectors/mime_decode.h"

struct mail_message {
    struct conversation *conversation;
    int64_t mail_id;
    bool is_over;
    bool is_whole; /* seen to its end, and no byte is missing */
    bool header_is_whole;
    unsigned received_hops;
    unsigned parts;
    unsigned attachments;
    bool found_limit;
    bool found_oddity[MIME_ODDITIES];
    struct mail_charsets charsets;
    struct mime_reader reader;
    struct text value[MAIL_FIELDS]; /* decoded */
    char originating_ip[ADDRESS_TEXT_SIZE];

    /* the open leaf */
    struct mail_file leaf;
    struct mime_decoder decoder;
    bool is_uu_leaf;   /* the leaf's own encoding is uuencode */
    bool looks_for_uu; /* it is a text */
    struct mail_uu uu;
    struct mail_file uu_file; /* between the lines of a text */
};

/* ---- findings ---- */

static void note_limit(struct mail_message *message, const char *what, unsigned limit)
{
    if (message->found_limit)
        return;
    message->found_limit = true;
    conversation_finding(message->conversation, "notice", "smtp_limit", "a mail's %s (limit %u); the rest is not kept", what, limit);
}

static void on_limit(void *owner)
{
    note_limit(owner, "header fields are too long, all together or one of them", MAIL_HEADERS_LIMIT);
}

static void on_oddity(void *owner, enum mime_oddity oddity)
{
    static const char *const details[MIME_ODDITIES] = {
        [MIME_REPEATED_FIELD] = "Content-Type or Content-Transfer-Encoding stands twice in a block of header fields",
        [MIME_REPEATED_PARAMETER] = "a multipart names several boundaries",
        [MIME_NO_BOUNDARY] = "a multipart names no boundary",
        [MIME_UNKNOWN_ENCODING] = "a transfer encoding is not known",
        [MIME_ENCODED_MULTIPART] = "a multipart says that it is encoded as a whole",
        [MIME_REPEATED_NAME] = "one field gives a file two names",
        [MIME_BEHIND_PADDING] = "base64 goes on behind its padding",
        [MIME_NO_END] = "a multipart has no end",
        [MIME_NO_EMPTY_LINE] = "no empty line stands behind header fields",
    };
    struct mail_message *message = owner;

    if (oddity == MIME_DEEP_NESTING) {
        note_limit(message, "multiparts are nested too deep, or a boundary is too long", MIME_NESTING_LIMIT);
        return;
    }
    if (message->found_oddity[oddity])
        return;
    message->found_oddity[oddity] = true;
    conversation_finding(message->conversation, "notice", "mail_mime_ambiguous", "in a mail %s; programs read that in different ways",
                         details[oddity]);
}

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
        mail_decode_addresses(&message->charsets, value, decoded);
        break;
    case MAIL_SUBJECT:
    case MAIL_USER_AGENT:
    case MAIL_X_MAILER:
        mail_decode_words(&message->charsets, value, decoded);
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
    struct mail_message *message = owner;

    for (int field = 0; field < MAIL_FIELDS; field++)
        keep_field(message, header, (enum mail_field)field);
    message->header_is_whole = header->phase == MAIL_HEADER_DONE;
    message->received_hops = header->count[MAIL_RECEIVED];
    mail_find_origin(header, message->originating_ip);
}

/* ---- files that stand uuencoded in a text, and leaves in that encoding ---- */

static bool may_begin_part(struct mail_message *message)
{
    if (message->parts == MAIL_PARTS_LIMIT) {
        note_limit(message, "parts are too many", MAIL_PARTS_LIMIT);
        return false;
    }
    message->parts++;
    return true;
}

static void finish_file(struct mail_message *message, struct mail_file *file, bool is_whole)
{
    bool is_attachment = file->is_attachment;

    if (mail_file_end(file, message->conversation, message->mail_id, is_whole) && is_attachment)
        message->attachments++;
}

static void on_uu_begin(void *owner, struct bytes name)
{
    struct mail_message *message = owner;

    if (message->is_uu_leaf) {
        if (message->leaf.name.length == 0)
            mail_file_set_name(&message->leaf, name);
        return;
    }
    if (!may_begin_part(message))
        return;
    mail_file_begin(&message->uu_file, message->conversation);
    mail_file_set_name(&message->uu_file, name);
    message->uu_file.is_attachment = true;
}

static void on_uu_add(void *owner, struct bytes bytes)
{
    struct mail_message *message = owner;

    mail_file_add(message->is_uu_leaf ? &message->leaf : &message->uu_file, bytes);
}

static void on_uu_end(void *owner, bool is_whole)
{
    struct mail_message *message = owner;

    if (!message->is_uu_leaf)
        finish_file(message, &message->uu_file, is_whole);
}

/* ---- leaves ---- */

static void find_name(struct mail_message *message, const struct mail_header *header)
{
    struct text name = {.limit = MAIL_FILE_NAME_LIMIT};
    enum mail_parameter_found found =
        mail_parameter(&message->charsets, mail_header_value(header, MAIL_CONTENT_DISPOSITION), "filename", MAIL_PARAMETER_NAME, &name);

    if (name.length == 0)
        found = mail_parameter(&message->charsets, mail_header_value(header, MAIL_CONTENT_TYPE), "name", MAIL_PARAMETER_NAME, &name);
    if (found == MAIL_PARAMETER_SEVERAL)
        on_oddity(message, MIME_REPEATED_NAME);
    if (name.was_cut)
        note_limit(message, "file has too long a name", MAIL_FILE_NAME_LIMIT);
    mail_file_set_name(&message->leaf, text_bytes(&name));
    text_free(&name);
}

static bool is_disposed_as_attachment(const struct mail_header *header)
{
    struct text disposition = {.limit = 64};
    bool is_attachment;

    mail_field_token(mail_header_value(header, MAIL_CONTENT_DISPOSITION), &disposition);
    is_attachment = bytes_equal(text_bytes(&disposition), bytes_of_text("attachment"));
    text_free(&disposition);
    return is_attachment;
}

static void begin_leaf(void *owner, const struct mime_leaf *leaf)
{
    struct mail_message *message = owner;
    bool is_text = bytes_begin_nocase(leaf->type, "text/");

    if (!may_begin_part(message))
        return;
    mail_file_begin(&message->leaf, message->conversation);
    find_name(message, leaf->header);
    message->leaf.is_attachment = message->leaf.name.length > 0 || is_disposed_as_attachment(leaf->header) ||
                                  (leaf->type.length > 0 && !is_text && !bytes_begin_nocase(leaf->type, "message/"));
    if (mail_header_value(leaf->header, MAIL_CONTENT_TYPE).length > 0)
        text_append(&message->leaf.declared_type, leaf->type);
    if (is_text && !message->leaf.is_attachment)
        content_expect_prose(message->leaf.content);
    mime_decoder_begin(&message->decoder, leaf->encoding);
    message->is_uu_leaf = leaf->encoding == MIME_UUENCODE;
    message->looks_for_uu = is_text && !message->is_uu_leaf;
    message->uu = (struct mail_uu){.listener = {message, on_uu_begin, on_uu_add, on_uu_end}};
}

static void on_decoded(struct mail_message *message, struct bytes bytes)
{
    if (message->is_uu_leaf) {
        mail_uu_add(&message->uu, bytes);
        return;
    }
    mail_file_add(&message->leaf, bytes);
    if (message->looks_for_uu)
        mail_uu_add(&message->uu, bytes);
}

static void add_to_leaf(void *owner, struct bytes bytes)
{
    struct mail_message *message = owner;
    struct cursor rest = cursor_over(bytes);
    char room[MIME_DECODE_ROOM];

    if (!message->leaf.is_open)
        return;
    while (cursor_left(&rest) > 0)
        on_decoded(message, mime_decode(&message->decoder, take_up_to(&rest, MIME_DECODE_PIECE), room));
}

static void lose_of_leaf(void *owner, uint64_t count)
{
    struct mail_message *message = owner;

    if (!message->leaf.is_open)
        return;
    mail_uu_stop(&message->uu);
    mime_decoder_lose(&message->decoder);
    mail_file_lose(&message->leaf, count);
}

static void end_leaf(void *owner, bool is_whole)
{
    struct mail_message *message = owner;

    if (!message->leaf.is_open)
        return;
    mail_uu_stop(&message->uu);
    mail_uu_free(&message->uu);
    if (message->decoder.goes_on_after_end)
        on_oddity(message, MIME_BEHIND_PADDING);
    finish_file(message, &message->leaf, is_whole);
}

/* ---- the message ---- */

struct mail_message *mail_message_new(struct conversation *conversation, int64_t mail_id, bool begins_unseen)
{
    struct mail_message *message = memory_new_zeroed(1, sizeof *message);
    const struct mime_listener listener = {message, on_header, begin_leaf, add_to_leaf, lose_of_leaf, end_leaf, on_oddity, on_limit};

    if (message == NULL)
        return NULL;
    message->conversation = conversation;
    message->mail_id = mail_id;
    message->is_whole = true;
    mime_reader_open(&message->reader, &listener, &message->charsets);
    if (begins_unseen)
        mail_message_lose(message, 0);
    return message;
}

void mail_message_add(struct mail_message *message, struct bytes bytes)
{
    if (message != NULL && !message->is_over)
        mime_reader_add(&message->reader, bytes);
}

void mail_message_lose(struct mail_message *message, uint64_t count)
{
    if (message == NULL || message->is_over)
        return;
    message->is_whole = false;
    mime_reader_lose(&message->reader, count);
}

void mail_message_end(struct mail_message *message, bool is_whole)
{
    if (message == NULL || message->is_over)
        return;
    message->is_whole = message->is_whole && is_whole;
    mime_reader_end(&message->reader, is_whole);
    mime_reader_close(&message->reader);
    mail_charsets_close(&message->charsets);
    message->is_over = true;
    if (message->charsets.reached_limit)
        note_limit(message, "charsets are too many", MAIL_CHARSETS_LIMIT);
}

void mail_message_free(struct mail_message *message)
{
    if (message == NULL)
        return;
    mail_file_drop(&message->leaf);
    mail_file_drop(&message->uu_file);
    mail_uu_free(&message->uu);
    mime_reader_close(&message->reader);
    mail_charsets_close(&message->charsets);
    for (int field = 0; field < MAIL_FIELDS; field++)
        text_free(&message->value[field]);
    memory_free(message);
}

struct record_text mail_message_field(const struct mail_message *message, enum mail_field field)
{
    if (message == NULL)
        return record_text_of(NULL);
    return record_text_unless_empty(bytes_trim(text_bytes(&message->value[field])));
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
    return record_integer(message->attachments);
}

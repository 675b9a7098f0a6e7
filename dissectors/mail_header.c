/*
 * mail_header.c - header fields: RFC 5322, 2.2 and 3.6, unfolded by 2.2.3. Values are kept as written; mail_text.h decodes them.
 */
#include "dissectors/mail_header.h"

#include <ctype.h>

static const char *const field_names[MAIL_FIELDS] = {
    [MAIL_SUBJECT] = "Subject",
    [MAIL_FROM] = "From",
    [MAIL_SENDER] = "Sender",
    [MAIL_TO] = "To",
    [MAIL_CC] = "Cc",
    [MAIL_REPLY_TO] = "Reply-To",
    [MAIL_DATE] = "Date",
    [MAIL_MESSAGE_ID] = "Message-ID",
    [MAIL_IN_REPLY_TO] = "In-Reply-To",
    [MAIL_USER_AGENT] = "User-Agent",
    [MAIL_X_MAILER] = "X-Mailer",
    [MAIL_X_ORIGINATING_IP] = "X-Originating-IP",
    [MAIL_RECEIVED] = "Received",
    [MAIL_CONTENT_TYPE] = "Content-Type",
    [MAIL_CONTENT_TRANSFER_ENCODING] = "Content-Transfer-Encoding",
    [MAIL_CONTENT_DISPOSITION] = "Content-Disposition",
};

static enum mail_field field_named(const struct mail_header *header, struct bytes name)
{
    for (int field = header->is_of_part ? MAIL_CONTENT_TYPE : 0; field < MAIL_FIELDS; field++) {
        if (bytes_equal_nocase(name, field_names[field]))
            return (enum mail_field)field;
    }
    return MAIL_OTHER_FIELD;
}

static void append_value(struct mail_header *header, struct bytes more)
{
    struct text *value;

    if (header->current == MAIL_OTHER_FIELD || !header->keeps_current)
        return;
    value = &header->value[header->current];
    value->limit = MAIL_VALUE_LIMIT;
    text_append(value, more);
    header->reached_limit = header->reached_limit || value->was_cut;
}

/* What mailbox files put before the headers ("From alice Mon Jan ..."), and relays let through. */
static bool is_mailbox_line(struct bytes line)
{
    return bytes_begin_nocase(line, "From ") || bytes_begin_nocase(line, ">From ");
}

static void begin_field(struct mail_header *header, struct bytes name, struct bytes value)
{
    header->current = field_named(header, name);
    header->keeps_current = false;
    if (header->current == MAIL_OTHER_FIELD)
        return;
    header->keeps_current = header->count[header->current]++ == 0 || header->current == MAIL_RECEIVED;
    if (header->current == MAIL_RECEIVED)
        text_clear(&header->value[MAIL_RECEIVED]);
    append_value(header, value);
}

/* A parameter whose line lost the space that folds it: charset="utf-8". It is taken for a continuation, as mail programs do. */
static bool is_bare_parameter(const struct mail_header *header, struct bytes line)
{
    struct bytes rest;
    struct bytes name = bytes_split(line, '=', &rest);

    if (!header->has_first_line || rest.at == NULL || name.length == 0 || !isalpha(name.at[0]))
        return false;
    for (size_t i = 0; i < name.length; i++) {
        if (!isalnum(name.at[i]) && name.at[i] != '-' && name.at[i] != '*')
            return false;
    }
    return true;
}

static void continue_field(struct mail_header *header, struct bytes line)
{
    if (header->has_first_line && !header->is_over_limit)
        append_value(header, line);
}

enum mail_line mail_header_line(struct mail_header *header, struct bytes line, size_t length)
{
    struct bytes value;
    struct bytes name;

    header->seen += length;
    if (line.length == 0) {
        mail_header_end(header);
        return MAIL_LINE_EMPTY;
    }
    header->is_over_limit = header->is_over_limit || header->seen > MAIL_HEADERS_LIMIT;
    header->reached_limit = header->reached_limit || header->is_over_limit;
    if (line.at[0] == ' ' || line.at[0] == '\t') {
        continue_field(header, line);
        return MAIL_LINE_OF_HEADER;
    }
    name = bytes_trim(bytes_split(line, ':', &value));
    if (is_bare_parameter(header, line)) {
        header->has_broken_folding = true;
        continue_field(header, line);
        return MAIL_LINE_OF_HEADER;
    }
    if (value.at == NULL || name.length == 0 || name.length > MAIL_FIELD_NAME_LIMIT) {
        if (!header->has_first_line && !header->is_of_part && is_mailbox_line(line))
            return MAIL_LINE_OF_HEADER;
        mail_header_end(header);
        return MAIL_LINE_OF_BODY;
    }
    header->has_first_line = true;
    if (!header->is_over_limit)
        begin_field(header, name, value);
    return MAIL_LINE_OF_HEADER;
}

void mail_header_lose(struct mail_header *header, bool field_may_go_on)
{
    if (header->phase != MAIL_HEADER_READING)
        return;
    if (field_may_go_on && header->has_first_line && header->current != MAIL_OTHER_FIELD && header->keeps_current)
        text_free(&header->value[header->current]);
    header->phase = MAIL_HEADER_LOST;
}

void mail_header_end(struct mail_header *header)
{
    if (header->phase == MAIL_HEADER_READING)
        header->phase = header->is_over_limit ? MAIL_HEADER_LOST : MAIL_HEADER_DONE;
}

struct bytes mail_header_value(const struct mail_header *header, enum mail_field field)
{
    return bytes_trim(text_bytes(&header->value[field]));
}

void mail_header_free(struct mail_header *header)
{
    for (int field = 0; field < MAIL_FIELDS; field++)
        text_free(&header->value[field]);
    *header = (struct mail_header){.phase = MAIL_HEADER_READING};
}

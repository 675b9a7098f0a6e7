/*
 * mail_header.c - the header fields of a message: RFC 5322, 2.2 and 3.6, unfolded by 2.2.3.
 *
 * Of a field that stands twice the first is kept. Left out: encoded words
 * (RFC 2047), and everything behind the headers.
 */
#include "dissectors/mail_header.h"

/* A field's name and its value's first line; folded lines are shorter. */
#define LINE_KEPT (MAIL_VALUE_LIMIT + 256)

static const char *const field_names[MAIL_FIELDS] = {
    [MAIL_SUBJECT] = "Subject",
    [MAIL_FROM] = "From",
    [MAIL_TO] = "To",
    [MAIL_CC] = "Cc",
    [MAIL_REPLY_TO] = "Reply-To",
    [MAIL_DATE] = "Date",
    [MAIL_MESSAGE_ID] = "Message-ID",
    [MAIL_IN_REPLY_TO] = "In-Reply-To",
    [MAIL_USER_AGENT] = "User-Agent",
    [MAIL_X_MAILER] = "X-Mailer",
};

static enum mail_field field_named(struct bytes name)
{
    for (int field = 0; field < MAIL_FIELDS; field++) {
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

static void finish(struct mail_header *header, enum mail_header_phase phase)
{
    header->phase = phase;
    text_free(&header->line);
}

static void on_line(struct mail_header *header, struct bytes line)
{
    struct bytes value;
    struct bytes name;

    if (line.length == 0) {
        finish(header, MAIL_HEADER_DONE);
        return;
    }
    if (line.at[0] == ' ' || line.at[0] == '\t') {
        if (header->has_first_line)
            append_value(header, line);
        return;
    }
    name = bytes_trim(bytes_split(line, ':', &value));
    if (value.at == NULL || name.length == 0) {
        if (!header->has_first_line && is_mailbox_line(line))
            return;
        finish(header, MAIL_HEADER_DONE); /* no field: the body has begun without an empty line */
        return;
    }
    header->has_first_line = true;
    header->current = field_named(name);
    header->keeps_current = header->current != MAIL_OTHER_FIELD && header->value[header->current].length == 0;
    if (bytes_equal_nocase(name, "Received"))
        header->received_hops++;
    append_value(header, value);
}

static struct bytes without_cr(struct bytes line)
{
    if (line.length > 0 && line.at[line.length - 1] == '\r')
        line.length--;
    return line;
}

void mail_header_add(struct mail_header *header, struct bytes bytes)
{
    while (header->phase == MAIL_HEADER_READING && bytes.length > 0) {
        struct bytes rest;
        struct bytes line = bytes_split(bytes, '\n', &rest);

        header->seen += line.length + (rest.at != NULL ? 1 : 0);
        if (header->seen > MAIL_HEADERS_LIMIT) {
            header->reached_limit = true;
            mail_header_lose(header);
            return;
        }
        header->line.limit = LINE_KEPT;
        text_append(&header->line, line);
        if (rest.at == NULL)
            return; /* the line's end is not there yet */
        on_line(header, without_cr(text_bytes(&header->line)));
        text_clear(&header->line);
        bytes = rest;
    }
}

void mail_header_lose(struct mail_header *header)
{
    if (header->phase != MAIL_HEADER_READING)
        return;
    /* the field that is being read may have gone on in the missing bytes */
    if (header->has_first_line && header->current != MAIL_OTHER_FIELD && header->keeps_current)
        text_free(&header->value[header->current]);
    finish(header, MAIL_HEADER_LOST);
}

void mail_header_end(struct mail_header *header, bool is_whole)
{
    if (header->phase != MAIL_HEADER_READING)
        return;
    if (!is_whole) {
        mail_header_lose(header);
        return;
    }
    if (header->line.length > 0)
        on_line(header, without_cr(text_bytes(&header->line)));
    finish(header, MAIL_HEADER_DONE);
}

struct bytes mail_header_value(const struct mail_header *header, enum mail_field field)
{
    return bytes_trim(text_bytes(&header->value[field]));
}

void mail_header_free(struct mail_header *header)
{
    text_free(&header->line);
    for (int field = 0; field < MAIL_FIELDS; field++)
        text_free(&header->value[field]);
}

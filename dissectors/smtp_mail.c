/*
 * smtp_mail.c - one mail: envelope (RFC 5321, 4.1.2), message with its dots (4.5.2), rows.
 */
#include "dissectors/smtp_mail.h"

#include "base/memory.h"

#include "dissectors/smtp_record.h"

#define ADDRESS_LIST_LIMIT (16u << 10)

struct smtp_mail *smtp_mail_new(struct conversation *conversation)
{
    struct smtp_mail *mail = memory_new_zeroed(1, sizeof *mail);

    if (mail == NULL)
        return NULL;
    mail->holders = 1;
    mail->conversation = conversation;
    mail->mail_id = conversation_next_id(conversation, ID_MAIL);
    mail->reply.limit = 4096;
    return mail;
}

struct smtp_mail *smtp_mail_hold(struct smtp_mail *mail)
{
    if (mail != NULL)
        mail->holders++;
    return mail;
}

static void free_address(struct smtp_address *address)
{
    memory_free(address->at);
    memory_free(address->reply);
    memory_free(address->delivery_reply);
    memory_free(address->parameters);
}

void smtp_mail_release(struct smtp_mail **held)
{
    struct smtp_mail *mail = *held;

    *held = NULL;
    if (mail == NULL || --mail->holders > 0)
        return;
    for (size_t i = 0; i < mail->recipient_count; i++)
        free_address(&mail->recipients[i]);
    memory_free(mail->recipients);
    free_address(&mail->sender);
    text_free(&mail->reply);
    mail_message_free(mail->message);
    memory_free(mail);
}

/* ---- the envelope ---- */

/* The bytes before a '>' that does not stand in a quoted string. */
static struct bytes until_closing(struct bytes path)
{
    bool is_quoted = false;

    for (size_t i = 0; i < path.length; i++) {
        if (path.at[i] == '\\' && is_quoted)
            i++;
        else if (path.at[i] == '"')
            is_quoted = !is_quoted;
        else if (path.at[i] == '>' && !is_quoted)
            return bytes_of(path.at, i);
    }
    return bytes_of(NULL, 0);
}

struct bytes smtp_path(struct bytes argument, struct bytes *parameters)
{
    struct bytes inside;
    struct bytes path;
    struct cursor behind;

    argument = bytes_trim(argument);
    if (argument.length == 0 || argument.at[0] != '<') {
        inside = bytes_split(argument, ' ', parameters);
        *parameters = bytes_trim(*parameters);
        return inside.length > 0 ? inside : bytes_of(NULL, 0);
    }
    (void)bytes_split(argument, '<', &inside);
    path = until_closing(inside);
    behind = cursor_within(inside);
    skip_bytes(&behind, path.length + 1);
    *parameters = path.at != NULL && cursor_is_good(&behind) ? bytes_trim(peek_bytes(&behind)) : bytes_of(NULL, 0);
    return path;
}

/* A copy of at most `limit` bytes, with its length; NULL where it is empty or memory is out. */
static char *copy_of(struct bytes value, size_t limit, size_t *length)
{
    char *copy;

    *length = 0;
    if (value.length == 0)
        return NULL;
    if (value.length > limit)
        value.length = limit;
    copy = memory_new(value.length);
    if (copy == NULL)
        return NULL;
    memcpy(copy, value.at, value.length);
    *length = value.length;
    return copy;
}

static void set_address(struct smtp_address *address, struct bytes path, struct bytes parameters)
{
    size_t length = path.length < SMTP_ADDRESS_LIMIT ? path.length : SMTP_ADDRESS_LIMIT;

    address->parameters = copy_of(parameters, SMTP_PARAMETERS_LIMIT, &address->parameters_length);
    if (path.at == NULL)
        return;
    address->at = memory_new(length + 1);
    if (address->at == NULL)
        return;
    if (length > 0)
        memcpy(address->at, path.at, length);
    address->length = length;
}

void smtp_mail_set_sender(struct smtp_mail *mail, struct bytes path, struct bytes parameters)
{
    set_address(&mail->sender, path, parameters);
}

size_t smtp_mail_add_recipient(struct smtp_mail *mail, struct bytes path, struct bytes parameters)
{
    if (mail->recipient_count == SMTP_RECIPIENTS_LIMIT) {
        mail->recipients_beyond++;
        return SMTP_RECIPIENTS_LIMIT;
    }
    if (mail->recipient_count == mail->recipient_capacity) {
        size_t capacity = mail->recipient_capacity == 0 ? 4 : mail->recipient_capacity * 2;
        struct smtp_address *grown = memory_resize(mail->recipients, capacity * sizeof *grown);

        if (grown == NULL)
            return SMTP_RECIPIENTS_LIMIT;
        mail->recipients = grown;
        mail->recipient_capacity = capacity;
    }
    mail->recipients[mail->recipient_count] = (struct smtp_address){.at = NULL};
    set_address(&mail->recipients[mail->recipient_count], path, parameters);
    return mail->recipient_count++;
}

static void keep_reply(struct smtp_mail *mail, struct bytes reply)
{
    text_clear(&mail->reply);
    text_append(&mail->reply, reply);
}

static void answer(struct smtp_mail *mail, struct smtp_address *recipient, unsigned code, struct bytes reply)
{
    bool is_accepted = code / 100 == 2;

    recipient->reply_code = code;
    recipient->answer = is_accepted ? SMTP_ACCEPTED : SMTP_REFUSED;
    memory_free(recipient->reply);
    recipient->reply = copy_of(reply, SMTP_RECIPIENT_REPLY_LIMIT, &recipient->reply_length);
    if (!is_accepted && mail->outcome == SMTP_OUTCOME_OPEN)
        keep_reply(mail, reply);
}

void smtp_mail_answer_recipient(struct smtp_mail *mail, size_t recipient, unsigned code, struct bytes reply)
{
    mail->accepted += code / 100 == 2 ? 1 : 0;
    if (recipient < mail->recipient_count)
        answer(mail, &mail->recipients[recipient], code, reply);
}

struct bytes smtp_mail_recipient(const struct smtp_mail *mail, size_t recipient)
{
    if (recipient >= mail->recipient_count)
        return bytes_of(NULL, 0);
    return bytes_of(mail->recipients[recipient].at, mail->recipients[recipient].length);
}

void smtp_mail_answer_delivery(struct smtp_mail *mail, unsigned code, struct bytes reply)
{
    struct smtp_address *recipient;

    mail->delivered++;
    while (mail->next_delivery < mail->recipient_count && mail->recipients[mail->next_delivery].answer != SMTP_ACCEPTED)
        mail->next_delivery++;
    if (mail->next_delivery == mail->recipient_count)
        return;
    recipient = &mail->recipients[mail->next_delivery++];
    recipient->delivery_code = code;
    recipient->delivery_reply = copy_of(reply, SMTP_RECIPIENT_REPLY_LIMIT, &recipient->delivery_reply_length);
    if (code >= 400 && mail->outcome == SMTP_OUTCOME_OPEN)
        keep_reply(mail, reply);
}

size_t smtp_mail_undelivered(const struct smtp_mail *mail)
{
    return mail->accepted > mail->delivered ? mail->accepted - mail->delivered : 0;
}

size_t smtp_mail_accepted(const struct smtp_mail *mail)
{
    return mail->accepted;
}

/* In SMTP the reply behind the message holds for every recipient that was accepted. */
void smtp_mail_answer_deliveries(struct smtp_mail *mail, unsigned code)
{
    for (size_t i = 0; i < mail->recipient_count && mail->delivered == 0; i++) {
        if (mail->recipients[i].answer == SMTP_ACCEPTED)
            mail->recipients[i].delivery_code = code;
    }
}

/* ---- the message ---- */

void smtp_mail_begin_message(struct smtp_mail *mail, enum smtp_transfer transfer, bool begins_unseen)
{
    mail->transfer = transfer;
    mail->begins_unseen = begins_unseen;
    mail_message_free(mail->message);
    mail->message = mail_message_new(mail->conversation, mail->mail_id, begins_unseen);
}

void smtp_mail_add(struct smtp_mail *mail, struct bytes bytes)
{
    mail->size += bytes.length;
    mail_message_add(mail->message, bytes);
}

void smtp_mail_lose(struct smtp_mail *mail, uint64_t count)
{
    mail->size += count;
    mail->missing += count;
    mail_message_lose(mail->message, count);
}

void smtp_mail_end_message(struct smtp_mail *mail, bool is_whole)
{
    mail_message_end(mail->message, is_whole);
}

void smtp_mail_decide(struct smtp_mail *mail, enum smtp_outcome outcome, unsigned code, struct bytes reply)
{
    if (mail->outcome != SMTP_OUTCOME_OPEN)
        return;
    mail->outcome = outcome;
    mail->reply_code = code;
    if (code != 0)
        keep_reply(mail, reply);
}

/* How many bytes stand before the next dot that begins a line; all of them where there is none. */
static size_t until_dot(const struct smtp_data_reader *reader, struct bytes run)
{
    size_t place = 0;

    while (place < run.length) {
        const uint8_t *dot = memchr(&run.at[place], '.', run.length - place);

        if (dot == NULL)
            return run.length;
        place = (size_t)(dot - run.at);
        if (place > 1 ? run.at[place - 1] == '\n' && run.at[place - 2] == '\r' : place == 1 && run.at[0] == '\n' && reader->is_behind_cr)
            return place;
        place++;
    }
    return run.length;
}

/* Lines up to one that begins with a dot. */
static void read_lines(struct smtp_data_reader *reader, struct smtp_mail *mail, struct cursor *bytes)
{
    struct bytes run = take_bytes(bytes, until_dot(reader, peek_bytes(bytes)));
    uint8_t last = run.at[run.length - 1];
    bool ends = last == '\n' && (run.length > 1 ? run.at[run.length - 2] == '\r' : reader->is_behind_cr);

    smtp_mail_add(mail, run);
    reader->is_behind_cr = last == '\r';
    if (ends)
        reader->phase = SMTP_DATA_LINE_START;
}

static void remember(struct smtp_data_reader *reader, struct bytes taken)
{
    size_t first = taken.length > 4 ? taken.length - 4 : 0;

    for (size_t i = first; i < taken.length; i++)
        reader->last_bytes = reader->last_bytes << 8 | taken.at[i];
}

static bool read_message(struct smtp_data_reader *reader, struct smtp_mail *mail, struct cursor *bytes)
{
    static const uint8_t carriage_return[] = {'\r'};

    while (cursor_left(bytes) > 0) {
        switch (reader->phase) {
        case SMTP_DATA_LINE_START:
            reader->phase = SMTP_DATA_IN_LINE;
            reader->is_behind_cr = false;
            if (peek_u8(bytes) == '.') {
                skip_bytes(bytes, 1);
                reader->phase = SMTP_DATA_DOT;
            }
            break;
        case SMTP_DATA_DOT:
            reader->phase = SMTP_DATA_IN_LINE;
            if (peek_u8(bytes) == '\r') {
                skip_bytes(bytes, 1);
                reader->phase = SMTP_DATA_DOT_CR;
            }
            break;
        case SMTP_DATA_DOT_CR:
            if (peek_u8(bytes) == '\n') {
                skip_bytes(bytes, 1);
                return true;
            }
            smtp_mail_add(mail, bytes_of(carriage_return, sizeof carriage_return));
            reader->phase = SMTP_DATA_IN_LINE;
            reader->is_behind_cr = true;
            break;
        case SMTP_DATA_IN_LINE:
            read_lines(reader, mail, bytes);
            break;
        }
    }
    return false;
}

bool smtp_data_read(struct smtp_data_reader *reader, struct smtp_mail *mail, struct cursor *bytes)
{
    struct bytes ahead = peek_bytes(bytes);
    bool is_over = read_message(reader, mail, bytes);

    remember(reader, bytes_of(ahead.at, ahead.length - cursor_left(bytes)));
    return is_over;
}

void smtp_data_lose(struct smtp_data_reader *reader)
{
    reader->phase = SMTP_DATA_IN_LINE;
    reader->is_behind_cr = false;
    reader->last_bytes = 0;
}

unsigned smtp_data_loose_end(const struct smtp_data_reader *reader)
{
    if (reader->last_bytes == 0x0d0a2e0a) /* CR LF . LF: the dot was taken for one that DATA adds */
        return 1;
    if ((reader->last_bytes & 0xffffff) == 0x0a2e0a) /* LF . LF */
        return 2;
    return reader->last_bytes == 0x0a2e0d0a ? 3 : 0; /* LF . CR LF */
}

/* ---- the rows ---- */

static const char *outcome_name(enum smtp_outcome outcome)
{
    static const char *const names[] = {
        [SMTP_OUTCOME_OPEN] = "unknown", [SMTP_DELIVERED] = "delivered",     [SMTP_REJECTED] = "rejected",
        [SMTP_ABORTED] = "aborted",      [SMTP_OUTCOME_UNKNOWN] = "unknown",
    };

    return names[outcome];
}

static struct bytes address_bytes(const struct smtp_address *address)
{
    return bytes_of(address->at, address->length);
}

/* '<>' for the empty address, so that it differs from one that is not known. */
static struct record_text address_text(const struct smtp_address *address)
{
    if (address->at == NULL)
        return record_text_of(NULL);
    return address->length == 0 ? record_text_of("<>") : record_text(address_bytes(address));
}

/* What was said of a recipient in the end: LMTP may refuse behind the message whom it accepted before. */
static enum smtp_answer last_answer(const struct smtp_mail *mail, const struct smtp_address *recipient)
{
    return mail->delivered > 0 && recipient->delivery_code >= 400 ? SMTP_REFUSED : recipient->answer;
}

static void list_addresses(const struct smtp_mail *mail, enum smtp_answer answer, struct text *list)
{
    for (size_t i = 0; i < mail->recipient_count; i++) {
        if (last_answer(mail, &mail->recipients[i]) == answer && mail->recipients[i].length > 0)
            text_append_item(list, ", ", address_bytes(&mail->recipients[i]));
    }
}

static struct record_text user_agent_text(const struct mail_message *message)
{
    struct record_text user_agent = mail_message_field(message, MAIL_USER_AGENT);

    return user_agent.is_known ? user_agent : mail_message_field(message, MAIL_X_MAILER);
}

static void set_message(struct smtp_mail_row *row, const struct smtp_mail *mail)
{
    if (mail->transfer == SMTP_NO_TRANSFER)
        return;
    row->transfer = record_text_of(mail->transfer == SMTP_BY_BDAT ? "bdat" : "data");
    if (!mail->begins_unseen && !mail->size_is_unknown)
        row->size = record_integer((int64_t)mail->size);
    if (!mail->begins_unseen && !mail->missing_is_unknown)
        row->missing = record_integer((int64_t)mail->missing);
    row->subject = mail_message_field(mail->message, MAIL_SUBJECT);
    row->header_from = mail_message_field(mail->message, MAIL_FROM);
    row->header_to = mail_message_field(mail->message, MAIL_TO);
    row->header_cc = mail_message_field(mail->message, MAIL_CC);
    row->header_reply_to = mail_message_field(mail->message, MAIL_REPLY_TO);
    row->header_date = mail_message_field(mail->message, MAIL_DATE);
    row->message_id = mail_message_field(mail->message, MAIL_MESSAGE_ID);
    row->in_reply_to = mail_message_field(mail->message, MAIL_IN_REPLY_TO);
    row->user_agent = user_agent_text(mail->message);
    row->originating_ip = mail_message_originating_ip(mail->message);
    row->received_hops = mail_message_received_hops(mail->message);
    row->attachments = mail_message_attachments(mail->message);
}

/* The value of one parameter of MAIL, "SIZE="; empty where it is not there. */
static struct bytes find_parameter(struct bytes parameters, const char *key)
{
    while (parameters.length > 0) {
        struct bytes word = bytes_split(parameters, ' ', &parameters);

        if (bytes_begin_nocase(word, key)) {
            struct cursor value = cursor_within(word);

            skip_bytes(&value, strlen(key));
            return peek_bytes(&value);
        }
    }
    return bytes_of(NULL, 0);
}

static void set_parameters(struct smtp_mail_row *row, const struct smtp_mail *mail)
{
    struct bytes parameters = bytes_of(mail->sender.parameters, mail->sender.parameters_length);
    uint64_t size;

    row->parameters = record_text_unless_empty(parameters);
    row->body_type = record_text_unless_empty(find_parameter(parameters, "BODY="));
    if (bytes_to_number(find_parameter(parameters, "SIZE="), INT64_MAX, &size))
        row->declared_size = record_integer((int64_t)size);
}

static void write_recipients(const struct smtp_mail *mail, struct conversation *conversation)
{
    for (size_t i = 0; i < mail->recipient_count; i++) {
        const struct smtp_address *recipient = &mail->recipients[i];
        struct smtp_recipient row = {
            .mail_id = record_integer(mail->mail_id),
            .address = address_text(recipient),
        };

        if (recipient->answer != SMTP_UNANSWERED) {
            row.accepted = record_boolean(recipient->answer == SMTP_ACCEPTED);
            row.reply_code = record_integer(recipient->reply_code);
            row.reply = record_text_unless_empty(bytes_of(recipient->reply, recipient->reply_length));
        }
        row.parameters = record_text_unless_empty(bytes_of(recipient->parameters, recipient->parameters_length));
        if (recipient->delivery_code != 0)
            row.delivery_code = record_integer(recipient->delivery_code);
        row.delivery_reply = record_text_unless_empty(bytes_of(recipient->delivery_reply, recipient->delivery_reply_length));
        conversation_write(conversation, &smtp_recipient_table, &row);
    }
}

void smtp_mail_decide_by_recipients(struct smtp_mail *mail)
{
    for (size_t i = 0; i < mail->recipient_count; i++) {
        if (mail->recipients[i].answer != SMTP_REFUSED)
            return;
    }
    if (mail->recipient_count == 0 || mail->accepted > mail->delivered || mail->outcome != SMTP_OUTCOME_OPEN)
        return;
    mail->outcome = SMTP_REJECTED;
    mail->reply_code = mail->recipients[mail->recipient_count - 1].reply_code;
}

void smtp_mail_write(struct smtp_mail *mail, struct conversation *conversation, unsigned number, enum smtp_outcome otherwise)
{
    struct text accepted = {.limit = ADDRESS_LIST_LIMIT};
    struct text refused = {.limit = ADDRESS_LIST_LIMIT};
    struct smtp_mail_row row = {
        .mail_id = record_integer(mail->mail_id),
        .number = record_integer(number),
        .flow_id = record_integer(conversation_flow(conversation)->flow_id),
        .encrypted = record_boolean(conversation_is_decrypted(conversation)),
        .mail_from = address_text(&mail->sender),
    };

    smtp_mail_decide_by_recipients(mail);
    smtp_mail_decide(mail, otherwise, 0, bytes_of(NULL, 0));
    smtp_mail_end_message(mail, false);
    list_addresses(mail, SMTP_ACCEPTED, &accepted);
    list_addresses(mail, SMTP_REFUSED, &refused);
    row.recipients = record_text_unless_empty(text_bytes(&accepted));
    row.rejected_recipients = record_text_unless_empty(text_bytes(&refused));
    row.outcome = record_text_of(outcome_name(mail->outcome));
    if (mail->reply_code != 0) {
        row.reply_code = record_integer(mail->reply_code);
        row.reply = record_text_unless_empty(text_bytes(&mail->reply));
    }
    set_message(&row, mail);
    set_parameters(&row, mail);
    conversation_write(conversation, &smtp_mail_table, &row);
    write_recipients(mail, conversation);
    mail->is_written = true;
    text_free(&accepted);
    text_free(&refused);
}

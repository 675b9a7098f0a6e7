/*
 * smtp.c - SMTP (RFC 5321) and LMTP (RFC 2033): greeting, envelope, DATA, BDAT (RFC 3030),
 * pipelining (RFC 2920), AUTH (RFC 4954), STARTTLS (RFC 3207).
 *
 * What the client says is read ahead of the replies, as pipelining allows; what
 * holds is decided by the replies, in their order. The client's bytes wait for a
 * reply only where it decides what they are: behind DATA, EHLO, STARTTLS and AUTH,
 * and behind MAIL while another mail is open.
 *
 * Left out: the parts of a message (MIME), SEND, SOML, SAML, TURN, BURL.
 */
#include "dissectors/line.h"
#include "dissectors/pending.h"
#include "dissectors/sasl.h"
#include "dissectors/smtp_mail.h"
#include "dissectors/smtp_record.h"
#include "dissectors/tls.h"

#include <stdlib.h>

/* Most of the client's bytes that wait for a reply of the server. */
#define SMTP_WAITING_LIMIT (64u << 10)
/* So many lines in a row that are no replies, and this is no SMTP server. */
#define SMTP_STRANGE_REPLIES 32
/* A greeting is recognized by as much of its line. */
#define SMTP_GREETING_LIMIT 512
#define SMTP_NAME_LIMIT 1024       /* helo, mechanism */
#define SMTP_EXTENSIONS_LIMIT 2048

enum smtp_verb {
    SMTP_OTHER,
    SMTP_HELO,
    SMTP_EHLO,
    SMTP_LHLO,
    SMTP_MAIL,
    SMTP_RCPT,
    SMTP_DATA,
    SMTP_DATA_END, /* not a command: the end of the message, which is answered too */
    SMTP_BDAT,
    SMTP_RSET,
    SMTP_QUIT,
    SMTP_STARTTLS,
    SMTP_AUTH,
};

static const struct {
    const char *name;
    enum smtp_verb verb;
} verbs[] = {
    {"MAIL", SMTP_MAIL}, {"RCPT", SMTP_RCPT}, {"DATA", SMTP_DATA},         {"EHLO", SMTP_EHLO},   {"HELO", SMTP_HELO},   {"LHLO", SMTP_LHLO},
    {"BDAT", SMTP_BDAT}, {"RSET", SMTP_RSET}, {"QUIT", SMTP_QUIT},         {"AUTH", SMTP_AUTH},   {"NOOP", SMTP_OTHER},  {"VRFY", SMTP_OTHER},
    {"EXPN", SMTP_OTHER}, {"HELP", SMTP_OTHER}, {"STARTTLS", SMTP_STARTTLS}, {"X-ANONYMOUSTLS", SMTP_STARTTLS},
    {"ETRN", SMTP_OTHER}, {"XCLIENT", SMTP_OTHER}, {"XFORWARD", SMTP_OTHER},
};
#define VERB_COUNT (sizeof verbs / sizeof verbs[0])

/*
 * What the client's bytes are.
 *
 *   COMMANDS --354 to DATA--> MESSAGE --CR LF . CR LF--> COMMANDS
 *   COMMANDS --BDAT n--> CHUNK --n bytes--> COMMANDS
 *   COMMANDS --AUTH--> LOGIN --final reply--> COMMANDS
 *   COMMANDS, LOGIN --gap--> RESYNC --a line that begins with a command--> COMMANDS
 *   RESYNC --354 without DATA--> MESSAGE
 */
enum smtp_phase {
    SMTP_COMMANDS,
    SMTP_MESSAGE,
    SMTP_CHUNK,
    SMTP_LOGIN,
    SMTP_RESYNC, /* begun in the middle, or bytes are missing: lines that are no command are passed over */
};

struct smtp {
    enum smtp_phase phase;
    struct line_reader lines[SIDE_COUNT];
    struct reply_reader reply;
    struct pending pending;
    unsigned strange_replies;

    bool client_waits;      /* for the reply to the newest command */
    bool client_is_behind;  /* bytes of the client wait to be read */
    bool may_answer_login;  /* LOGIN: 334 was seen, one line of the client belongs to it */
    bool is_first_response; /* LOGIN */
    bool may_have_ended;    /* MESSAGE: its end may be among the missing bytes */
    bool has_commands;
    bool has_replies;
    bool server_is_seen;
    bool has_ended[SIDE_COUNT];
    enum ending ending[SIDE_COUNT];
    bool found_long_line[SIDE_COUNT];
    bool found_limit;       /* a finding told that a limit was reached */
    bool is_lmtp;

    uint64_t chunk_left;
    bool chunk_is_last;
    struct smtp_data_reader data;
    unsigned lmtp_replies_left;
    struct smtp_mail *client_mail; /* held: the one that the client's commands are about */
    struct smtp_mail *server_mail; /* held: the one that the server knows of */
    struct smtp_mail *message;     /* held: the one that the bytes of MESSAGE or CHUNK belong to; NULL: none */

    const char *encryption;
    struct text banner;
    bool has_banner;
    struct text helo_given; /* by the newest HELO, not answered yet */
    struct text helo;
    struct text extensions;
    struct text mechanism;
    struct text user;
    const char *auth_result;
    struct text last_reply;
    unsigned mails;
};

/* ---- mails ---- */

static void hold_mail(struct smtp_mail **place, struct smtp_mail *mail)
{
    struct smtp_mail *held = smtp_mail_hold(mail);

    smtp_mail_release(place);
    *place = held;
}

/* The server's mail is over, and with it the client's if it is the same. */
static void finish_mail(struct conversation *conversation, struct smtp *smtp, struct smtp_mail *mail, enum smtp_outcome otherwise)
{
    struct smtp_mail *held = smtp_mail_hold(mail);

    if (held == NULL)
        return;
    if (!held->is_written)
        smtp_mail_write(held, conversation, ++smtp->mails, otherwise);
    if (smtp->server_mail == held)
        smtp_mail_release(&smtp->server_mail);
    if (smtp->client_mail == held)
        smtp_mail_release(&smtp->client_mail);
    smtp_mail_release(&held);
}

static bool is_open_mail(const struct smtp_mail *mail)
{
    return mail != NULL && !mail->is_written && mail->outcome == SMTP_OUTCOME_OPEN;
}

/* The mail that a message belongs to; made where its MAIL was not seen. NULL when out of memory. */
static struct smtp_mail *mail_of_message(struct smtp *smtp)
{
    if (smtp->client_mail == NULL && smtp->server_mail != NULL && !smtp->server_mail->is_written)
        hold_mail(&smtp->client_mail, smtp->server_mail);
    if (smtp->client_mail == NULL || smtp->client_mail->is_written) {
        smtp_mail_release(&smtp->client_mail);
        smtp->client_mail = smtp_mail_new();
    }
    /* replies that are still to come may be about the mail before it */
    if (smtp->client_mail != NULL && smtp->server_mail == NULL && smtp->pending.count == 0)
        hold_mail(&smtp->server_mail, smtp->client_mail);
    return smtp->client_mail;
}

/* ---- replies ---- */

static bool fits(unsigned verb, unsigned code)
{
    if (code / 100 == 4 || code / 100 == 5)
        return true;
    switch ((enum smtp_verb)verb) {
    case SMTP_DATA:
        return code == 354;
    case SMTP_AUTH:
        return code == 334 || code == 235;
    case SMTP_QUIT:
        return code == 221;
    case SMTP_STARTTLS:
        return code == 220;
    case SMTP_OTHER:
        return code / 100 == 2 && code != 235 && code != 221;
    default:
        return code == 250 || code == 251 || code == 252;
    }
}

static bool is_whole(const struct conversation *conversation)
{
    return conversation_has_start(conversation, FROM_CLIENT) && conversation_has_start(conversation, FROM_SERVER) &&
           conversation_missing(conversation, FROM_CLIENT) == 0 && conversation_missing(conversation, FROM_SERVER) == 0;
}

static struct bytes reply_text(const struct smtp *smtp)
{
    return text_bytes(&smtp->reply.text);
}

static void keep_text(struct text *text, size_t limit, struct bytes value)
{
    text->limit = limit;
    text_clear(text);
    text_append(text, value);
}

/* What EHLO's reply lists behind its first line. */
static void keep_extensions(struct smtp *smtp)
{
    struct bytes rest;

    text_clear(&smtp->extensions);
    smtp->extensions.limit = SMTP_EXTENSIONS_LIMIT;
    (void)bytes_split(reply_text(smtp), '\n', &rest);
    while (rest.length > 0) {
        struct bytes line = bytes_split(rest, '\n', &rest);

        text_append_item(&smtp->extensions, ", ", bytes_trim(line));
    }
}

/* Code 0: the reply was not seen. */
static void on_hello_reply(struct conversation *conversation, struct smtp *smtp, const struct pending_command *command, unsigned code)
{
    bool is_accepted = code / 100 == 2;

    if (is_accepted || smtp->helo.length == 0)
        keep_text(&smtp->helo, SMTP_NAME_LIMIT, text_bytes(&smtp->helo_given));
    if (!is_accepted)
        return; /* a refused one resets nothing */
    smtp->is_lmtp = command->verb == SMTP_LHLO;
    if (command->verb != SMTP_HELO)
        keep_extensions(smtp);
    finish_mail(conversation, smtp, smtp->server_mail, SMTP_ABORTED);
    smtp_mail_release(&smtp->client_mail);
}

static void on_mail_reply(struct conversation *conversation, struct smtp *smtp, struct smtp_mail *mail, unsigned code)
{
    if (mail == NULL || mail == smtp->server_mail)
        return;
    if (code >= 400 && is_open_mail(smtp->server_mail)) {
        /* a MAIL inside a mail is refused, and the mail goes on */
        if (smtp->client_mail == mail)
            hold_mail(&smtp->client_mail, smtp->server_mail);
        return;
    }
    finish_mail(conversation, smtp, smtp->server_mail, code == 0 ? SMTP_OUTCOME_UNKNOWN : SMTP_ABORTED);
    hold_mail(&smtp->server_mail, mail);
    if (code >= 400)
        smtp_mail_decide(mail, SMTP_REJECTED, code, reply_text(smtp));
    else if (code != 0)
        mail->sender.answer = SMTP_ACCEPTED;
}

static void on_rcpt_reply(struct smtp *smtp, const struct pending_command *command, unsigned code)
{
    struct smtp_mail *mail = command->subject;

    if (mail == NULL || mail->is_written)
        return;
    if (smtp->server_mail == NULL)
        hold_mail(&smtp->server_mail, mail);
    if (code != 0)
        smtp_mail_answer_recipient(mail, command->recipient, code, reply_text(smtp));
}

static void begin_message(struct smtp *smtp, bool begins_unseen)
{
    struct smtp_mail *mail = mail_of_message(smtp);

    if (mail == NULL) {
        smtp->phase = SMTP_RESYNC;
        return;
    }
    if (mail->outcome == SMTP_REJECTED)
        mail->outcome = SMTP_OUTCOME_OPEN; /* DATA was refused before, and now it is not */
    mail->reply_code = 0;
    smtp_mail_begin_message(mail, SMTP_BY_DATA, begins_unseen);
    hold_mail(&smtp->message, mail);
    smtp->data = (struct smtp_data_reader){.phase = begins_unseen ? SMTP_DATA_IN_LINE : SMTP_DATA_LINE_START};
    smtp->may_have_ended = begins_unseen;
    smtp->phase = SMTP_MESSAGE;
}

static void leave_message(struct smtp *smtp, enum smtp_phase phase)
{
    smtp->phase = phase;
    smtp->may_have_ended = false;
    smtp_mail_release(&smtp->message);
}

static void on_data_reply(struct smtp *smtp, const struct pending_command *command, unsigned code)
{
    struct smtp_mail *mail = command->subject;

    if (code == 354 && !command->has_begun)
        begin_message(smtp, false);
    if (code < 400)
        return;
    if (mail != NULL)
        smtp_mail_decide(mail, SMTP_REJECTED, code, reply_text(smtp));
    if (command->has_begun && smtp->phase == SMTP_MESSAGE)
        leave_message(smtp, SMTP_RESYNC);
}

static void on_message_reply(struct conversation *conversation, struct smtp *smtp, struct smtp_mail *mail, unsigned code)
{
    if (mail == NULL)
        return;
    if (code / 100 == 2 || code >= 400)
        smtp_mail_decide(mail, code / 100 == 2 ? SMTP_DELIVERED : SMTP_REJECTED, code, reply_text(smtp));
    finish_mail(conversation, smtp, mail, SMTP_OUTCOME_UNKNOWN);
}

static void on_chunk_reply(struct conversation *conversation, struct smtp *smtp, const struct pending_command *command, unsigned code)
{
    struct smtp_mail *mail = command->subject;

    if (mail == NULL)
        return;
    if (command->is_last)
        on_message_reply(conversation, smtp, mail, code);
    else if (code >= 400)
        smtp_mail_decide(mail, SMTP_REJECTED, code, reply_text(smtp));
}

static void on_login_reply(struct smtp *smtp, unsigned code)
{
    if (code != 0)
        smtp->auth_result = code == 235 ? "success" : "failure";
    smtp->may_answer_login = false;
    if (smtp->phase == SMTP_LOGIN)
        smtp->phase = SMTP_COMMANDS;
}

/* The oldest command is answered; code 0: its reply was not seen. True where TLS begins. */
static bool on_answer(struct conversation *conversation, struct smtp *smtp, unsigned code)
{
    struct pending_command command = pending_take_oldest(&smtp->pending);
    struct smtp_mail *mail = command.subject;
    bool begins_tls = false;

    if (smtp->pending.count == 0 && code != 0)
        smtp->client_waits = false;
    switch ((enum smtp_verb)command.verb) {
    case SMTP_HELO:
    case SMTP_EHLO:
    case SMTP_LHLO:
        on_hello_reply(conversation, smtp, &command, code);
        break;
    case SMTP_MAIL:
        on_mail_reply(conversation, smtp, mail, code);
        break;
    case SMTP_RCPT:
        on_rcpt_reply(smtp, &command, code);
        break;
    case SMTP_DATA:
        on_data_reply(smtp, &command, code);
        break;
    case SMTP_DATA_END:
        on_message_reply(conversation, smtp, mail, code);
        break;
    case SMTP_BDAT:
        on_chunk_reply(conversation, smtp, &command, code);
        break;
    case SMTP_RSET:
    case SMTP_QUIT:
        if (code < 400)
            finish_mail(conversation, smtp, smtp->server_mail, code == 0 ? SMTP_OUTCOME_UNKNOWN : SMTP_ABORTED);
        break;
    case SMTP_STARTTLS:
        begins_tls = code == 220;
        break;
    case SMTP_AUTH:
        on_login_reply(smtp, code);
        break;
    case SMTP_OTHER:
        break;
    }
    smtp_mail_release(&mail);
    return begins_tls;
}

static void give_up_replies(struct conversation *conversation, struct smtp *smtp, unsigned count)
{
    for (; count > 0; count--)
        (void)on_answer(conversation, smtp, 0);
}

static enum verdict begin_tls(struct conversation *conversation, struct smtp *smtp)
{
    smtp->encryption = "starttls";
    conversation_hand_over(conversation, &tls_dissector, NULL);
    return VERDICT_HANDED_OVER;
}

/* ---- the client's commands ---- */

static struct pending_command *add_command(struct conversation *conversation, struct smtp *smtp, enum smtp_verb verb)
{
    int64_t now_us = conversation_now(conversation);
    struct pending_command *command;

    give_up_replies(conversation, smtp, pending_outdated(&smtp->pending, now_us));
    smtp->has_commands = true;
    command = pending_add(&smtp->pending, verb, now_us);
    if (command != NULL)
        return command;
    /* only where the server is not seen, see must_wait */
    give_up_replies(conversation, smtp, smtp->pending.count > 0 ? 1 : 0);
    return pending_add(&smtp->pending, verb, now_us);
}

static void add_mail_command(struct conversation *conversation, struct smtp *smtp, enum smtp_verb verb, struct smtp_mail *mail)
{
    struct pending_command *command = add_command(conversation, smtp, verb);

    if (command != NULL)
        command->subject = smtp_mail_hold(mail);
}

/* The argument behind "FROM:" or "TO:"; empty where it does not begin so. */
static struct bytes behind_keyword(struct bytes argument, const char *keyword)
{
    struct cursor cursor = cursor_within(argument);

    if (!bytes_begin_nocase(argument, keyword))
        return bytes_of(NULL, 0);
    skip_bytes(&cursor, strlen(keyword));
    return peek_bytes(&cursor);
}

static void note_long_address(struct conversation *conversation, struct smtp *smtp, struct bytes path)
{
    if (path.length <= SMTP_ADDRESS_LIMIT || smtp->found_limit)
        return;
    smtp->found_limit = true;
    conversation_finding(conversation, "notice", "smtp_limit", "an address of %zu bytes was cut to %d", path.length, SMTP_ADDRESS_LIMIT);
}

static void on_mail_command(struct conversation *conversation, struct smtp *smtp, struct bytes argument)
{
    bool is_nested = is_open_mail(smtp->client_mail);
    struct smtp_mail *mail = smtp_mail_new();
    struct bytes path = smtp_path(behind_keyword(argument, "FROM:"));

    if (mail == NULL) {
        (void)add_command(conversation, smtp, SMTP_OTHER);
        return;
    }
    note_long_address(conversation, smtp, path);
    smtp_mail_set_sender(mail, path);
    hold_mail(&smtp->client_mail, mail);
    add_mail_command(conversation, smtp, SMTP_MAIL, mail);
    smtp_mail_release(&mail);
    smtp->client_waits = is_nested;
}

static void on_rcpt_command(struct conversation *conversation, struct smtp *smtp, struct bytes argument)
{
    struct bytes path = smtp_path(behind_keyword(argument, "TO:"));
    struct pending_command *command;
    size_t recipient;

    if ((smtp->client_mail == NULL || smtp->client_mail->is_written) && !is_whole(conversation))
        (void)mail_of_message(smtp); /* its MAIL was not seen */
    if (smtp->client_mail == NULL) {
        (void)add_command(conversation, smtp, SMTP_OTHER);
        return;
    }
    note_long_address(conversation, smtp, path);
    recipient = smtp_mail_add_recipient(smtp->client_mail, path);
    if (smtp->client_mail->recipients_beyond == 1 && recipient == SMTP_RECIPIENTS_LIMIT)
        conversation_finding(conversation, "notice", "smtp_limit", "a mail has more than %d recipients; the rest is not kept", SMTP_RECIPIENTS_LIMIT);
    command = add_command(conversation, smtp, SMTP_RCPT);
    if (command == NULL)
        return;
    command->recipient = recipient;
    command->subject = smtp_mail_hold(smtp->client_mail);
}

/* BDAT size [LAST] (RFC 3030, 2). Behind a size that is no number no bytes follow; the server refuses it. */
static void on_bdat_command(struct conversation *conversation, struct smtp *smtp, struct bytes argument)
{
    struct bytes rest;
    struct bytes size = bytes_split(argument, ' ', &rest);
    struct smtp_mail *mail;
    struct pending_command *command;
    uint64_t count;

    if (!bytes_to_number(size, INT64_MAX, &count)) {
        add_mail_command(conversation, smtp, SMTP_BDAT, smtp->client_mail);
        return;
    }
    mail = smtp->client_mail;
    if ((mail == NULL || mail->is_written) && !is_whole(conversation))
        mail = mail_of_message(smtp);
    if (mail != NULL && mail->is_written)
        mail = NULL;
    if (mail != NULL && mail->transfer != SMTP_BY_BDAT)
        smtp_mail_begin_message(mail, SMTP_BY_BDAT, mail->sender.at == NULL && mail->recipient_count == 0);
    smtp->chunk_left = count;
    smtp->chunk_is_last = bytes_equal_nocase(bytes_trim(rest), "LAST");
    smtp->phase = SMTP_CHUNK;
    hold_mail(&smtp->message, mail);
    command = add_command(conversation, smtp, SMTP_BDAT);
    if (command == NULL)
        return;
    command->is_last = smtp->chunk_is_last;
    command->subject = smtp_mail_hold(mail);
}

static void on_data_command(struct conversation *conversation, struct smtp *smtp)
{
    /* a mail is sent by BDAT or by DATA (RFC 3030, 3): the end of this one, and the next one's MAIL, are missing */
    if (smtp->client_mail != NULL && smtp->client_mail->transfer == SMTP_BY_BDAT && !is_whole(conversation))
        finish_mail(conversation, smtp, smtp->client_mail, SMTP_OUTCOME_UNKNOWN);
    add_mail_command(conversation, smtp, SMTP_DATA, smtp->client_mail);
    smtp->client_waits = true;
}

static void on_hello_command(struct conversation *conversation, struct smtp *smtp, enum smtp_verb verb, struct bytes argument)
{
    keep_text(&smtp->helo_given, SMTP_NAME_LIMIT, argument);
    (void)add_command(conversation, smtp, verb);
    smtp->client_waits = true;
}

static void on_auth_command(struct conversation *conversation, struct smtp *smtp, struct bytes argument)
{
    struct bytes response;
    struct bytes mechanism = bytes_split(argument, ' ', &response);

    keep_text(&smtp->mechanism, SMTP_NAME_LIMIT, mechanism);
    text_clear(&smtp->user);
    smtp->auth_result = NULL;
    response = bytes_trim(response);
    smtp->is_first_response = response.length == 0;
    sasl_read_response(mechanism, response, true, &smtp->user);
    (void)add_command(conversation, smtp, SMTP_AUTH);
    smtp->phase = SMTP_LOGIN;
    smtp->client_waits = true;
    smtp->may_answer_login = false;
}

/* The verb at the start of a line: NULL where it is none that we know. Its argument, trimmed. */
static bool find_verb(struct bytes line, enum smtp_verb *verb, struct bytes *argument)
{
    struct bytes word = bytes_split(bytes_trim(line), ' ', argument);

    *argument = bytes_trim(*argument);
    for (size_t i = 0; i < VERB_COUNT; i++) {
        if (bytes_equal_nocase(word, verbs[i].name)) {
            *verb = verbs[i].verb;
            return true;
        }
    }
    *verb = SMTP_OTHER;
    return false;
}

static void on_command(struct conversation *conversation, struct smtp *smtp, enum smtp_verb verb, struct bytes argument)
{
    smtp->phase = SMTP_COMMANDS;
    smtp->client_waits = false;
    switch (verb) {
    case SMTP_HELO:
    case SMTP_EHLO:
    case SMTP_LHLO:
        on_hello_command(conversation, smtp, verb, argument);
        return;
    case SMTP_MAIL:
        on_mail_command(conversation, smtp, argument);
        return;
    case SMTP_RCPT:
        on_rcpt_command(conversation, smtp, argument);
        return;
    case SMTP_BDAT:
        on_bdat_command(conversation, smtp, argument);
        return;
    case SMTP_AUTH:
        on_auth_command(conversation, smtp, argument);
        return;
    case SMTP_DATA:
        on_data_command(conversation, smtp);
        return;
    case SMTP_STARTTLS:
        (void)add_command(conversation, smtp, verb);
        smtp->client_waits = true;
        return;
    case SMTP_RSET:
        (void)add_command(conversation, smtp, verb);
        smtp_mail_release(&smtp->client_mail);
        return;
    case SMTP_QUIT:
    case SMTP_OTHER:
    case SMTP_DATA_END:
        (void)add_command(conversation, smtp, verb);
        return;
    }
}

/* The message of DATA is over; its reply comes next. */
static void end_message(struct conversation *conversation, struct smtp *smtp, bool end_is_seen)
{
    mail_header_end(&smtp->message->header, end_is_seen);
    add_mail_command(conversation, smtp, SMTP_DATA_END, smtp->message);
    if (smtp->client_mail == smtp->message)
        smtp_mail_release(&smtp->client_mail);
    leave_message(smtp, end_is_seen ? SMTP_COMMANDS : SMTP_RESYNC);
}

/* The line "." behind lines that are no commands: a message whose beginning was not seen ends. */
static void on_line_between(struct conversation *conversation, struct smtp *smtp, struct bytes line)
{
    if (!bytes_equal_nocase(line, ".") || is_whole(conversation))
        return;
    begin_message(smtp, true);
    if (smtp->phase == SMTP_MESSAGE)
        end_message(conversation, smtp, true);
}

static void on_login_line(struct smtp *smtp, struct bytes line)
{
    sasl_read_response(text_bytes(&smtp->mechanism), bytes_trim(line), smtp->is_first_response, &smtp->user);
    smtp->is_first_response = false;
    smtp->may_answer_login = false;
    smtp->client_waits = true;
}

static void on_client_line(struct conversation *conversation, struct smtp *smtp, struct bytes line)
{
    struct bytes argument;
    enum smtp_verb verb;
    bool is_known = find_verb(line, &verb, &argument);

    if (smtp->phase == SMTP_LOGIN && (smtp->may_answer_login || !is_known))
        on_login_line(smtp, line);
    else if (smtp->phase == SMTP_RESYNC && !is_known)
        on_line_between(conversation, smtp, line);
    else
        on_command(conversation, smtp, verb, argument);
}

/* Whether the client's next bytes cannot be understood before a reply that may still come. */
static bool must_wait(const struct smtp *smtp)
{
    const struct pending_command *newest = pending_newest(&smtp->pending);

    if (newest == NULL || newest->is_doubtful || smtp->has_ended[FROM_SERVER] || !smtp->server_is_seen)
        return false;
    return smtp->pending.count == PENDING_LIMIT || (smtp->client_waits && !smtp->may_answer_login);
}

static void note_many_pending(struct conversation *conversation, struct smtp *smtp)
{
    if (smtp->pending.count < PENDING_LIMIT || smtp->found_limit)
        return;
    smtp->found_limit = true;
    conversation_finding(conversation, "notice", "smtp_limit", "%d commands wait for replies; what follows waits with them", PENDING_LIMIT);
}

static void note_long_line(struct conversation *conversation, struct smtp *smtp, enum side from)
{
    if (smtp->found_long_line[from])
        return;
    smtp->found_long_line[from] = true;
    conversation_finding(conversation, "notice", "smtp_line_too_long", "a line from the %s is longer than %d bytes; its rest was passed over", side_name(from),
                         LINE_LIMIT);
}

/* TLS begins with a handshake record (RFC 8446, 5.1). */
static bool looks_like_tls(const struct cursor *bytes)
{
    struct cursor start = *bytes;

    return take_u8(&start) == 22 && take_u8(&start) == 3 && cursor_is_good(&start);
}

static void begin_unanswered_message(struct smtp *smtp)
{
    pending_newest(&smtp->pending)->has_begun = true;
    begin_message(smtp, false);
}

/*
 * Behind a DATA whose reply was not seen: a message, unless it begins with what only a client says that was refused.
 * VERDICT_NEED_MORE where the first line is not there yet.
 */
static enum verdict guess_message(struct smtp *smtp, struct cursor *bytes)
{
    struct cursor ahead = *bytes;
    struct line_reader lines = {.passes_over = false};
    struct bytes line;
    struct bytes argument;
    enum smtp_verb verb;

    if (line_take(&lines, &ahead, &line) == LINE_NONE)
        return VERDICT_NEED_MORE;
    smtp->client_waits = false;
    if (find_verb(line, &verb, &argument) && verb != SMTP_OTHER && verb != SMTP_DATA)
        return VERDICT_GO_ON;
    begin_unanswered_message(smtp);
    return VERDICT_GO_ON;
}

static bool awaits(const struct smtp *smtp, enum smtp_verb verb)
{
    const struct pending_command *newest = pending_newest(&smtp->pending);

    return smtp->client_waits && newest != NULL && newest->verb == verb;
}

/* Lines of the client: commands, and answers of a login. */
static enum verdict on_client_lines(struct conversation *conversation, struct smtp *smtp, struct cursor *bytes)
{
    enum line_found found;
    struct bytes line;

    if (must_wait(smtp)) {
        note_many_pending(conversation, smtp);
        return VERDICT_NEED_OTHER_SIDE;
    }
    if ((smtp->phase == SMTP_RESYNC || awaits(smtp, SMTP_STARTTLS)) && looks_like_tls(bytes))
        return begin_tls(conversation, smtp);
    if (awaits(smtp, SMTP_DATA)) {
        enum verdict verdict = guess_message(smtp, bytes);

        if (verdict == VERDICT_NEED_MORE || smtp->phase == SMTP_MESSAGE)
            return verdict;
    }
    found = line_take(&smtp->lines[FROM_CLIENT], bytes, &line);
    if (found == LINE_NONE)
        return VERDICT_NEED_MORE;
    if (found == LINE_TOO_LONG)
        note_long_line(conversation, smtp, FROM_CLIENT);
    on_client_line(conversation, smtp, line);
    return VERDICT_GO_ON;
}

static void read_chunk(struct smtp *smtp, struct cursor *bytes)
{
    struct bytes part = take_up_to(bytes, smtp->chunk_left);

    if (smtp->message != NULL)
        smtp_mail_add(smtp->message, part);
    smtp->chunk_left -= part.length;
}

static void end_chunk(struct smtp *smtp)
{
    if (smtp->chunk_is_last && smtp->message != NULL) {
        mail_header_end(&smtp->message->header, true);
        if (smtp->client_mail == smtp->message)
            smtp_mail_release(&smtp->client_mail);
    }
    leave_message(smtp, SMTP_COMMANDS);
}

static enum verdict on_client_data(struct conversation *conversation, struct smtp *smtp, struct cursor *bytes)
{
    enum verdict verdict = VERDICT_GO_ON;

    while (verdict == VERDICT_GO_ON && cursor_left(bytes) > 0) {
        switch (smtp->phase) {
        case SMTP_MESSAGE:
            if (smtp_data_read(&smtp->data, smtp->message, bytes))
                end_message(conversation, smtp, true);
            break;
        case SMTP_CHUNK:
            read_chunk(smtp, bytes);
            break;
        case SMTP_COMMANDS:
        case SMTP_LOGIN:
        case SMTP_RESYNC:
            verdict = on_client_lines(conversation, smtp, bytes);
            break;
        }
        if (smtp->phase == SMTP_CHUNK && smtp->chunk_left == 0)
            end_chunk(smtp);
    }
    smtp->client_is_behind = verdict == VERDICT_NEED_OTHER_SIDE;
    return verdict;
}

/* ---- the server's replies ---- */

static void keep_last_reply(struct smtp *smtp)
{
    smtp->last_reply.limit = REPLY_TEXT_LIMIT + 4;
    text_clear(&smtp->last_reply);
    text_append_format(&smtp->last_reply, "%03u", smtp->reply.code);
    if (reply_text(smtp).length > 0)
        text_append_item(&smtp->last_reply, " ", reply_text(smtp));
}

/* The server's first reply is its greeting, even to a client that did not wait for it; inside STARTTLS it does not greet. */
static bool is_greeting(const struct conversation *conversation, const struct smtp *smtp, unsigned code)
{
    if (smtp->has_replies || conversation_missing(conversation, FROM_SERVER) > 0)
        return false;
    if (conversation_is_decrypted(conversation) || !conversation_has_start(conversation, FROM_SERVER))
        return code == 220 && !smtp->has_commands;
    return code == 220 || code >= 400;
}

static void on_unasked_reply(struct conversation *conversation, struct smtp *smtp, unsigned code)
{
    if (code == 354 && !is_whole(conversation) && (smtp->phase == SMTP_COMMANDS || smtp->phase == SMTP_RESYNC))
        begin_message(smtp, true); /* its DATA was not seen */
}

/* LMTP answers the end of data once for each accepted recipient (RFC 2033, 4.2). */
static bool is_lmtp_recipient_reply(struct smtp *smtp)
{
    const struct pending_command *oldest = pending_oldest(&smtp->pending);

    if (!smtp->is_lmtp || oldest == NULL || oldest->subject == NULL)
        return false;
    if (oldest->verb != SMTP_DATA_END && !(oldest->verb == SMTP_BDAT && oldest->is_last))
        return false;
    if (smtp->lmtp_replies_left == 0)
        smtp->lmtp_replies_left = (unsigned)smtp_mail_accepted(oldest->subject);
    return smtp->lmtp_replies_left > 0;
}

static void on_lmtp_recipient_reply(struct conversation *conversation, struct smtp *smtp, unsigned code)
{
    struct smtp_mail *mail = pending_oldest(&smtp->pending)->subject;
    unsigned behind = --smtp->lmtp_replies_left; /* accepted recipients behind this reply's */

    for (size_t i = mail->recipient_count; code >= 400 && i-- > 0;) {
        if (mail->recipients[i].answer != SMTP_ACCEPTED || behind-- > 0)
            continue;
        smtp_mail_answer_recipient(mail, i, code, reply_text(smtp));
        break;
    }
    if (smtp->lmtp_replies_left == 0)
        (void)on_answer(conversation, smtp, code);
    else if (code / 100 == 2)
        smtp_mail_decide(mail, SMTP_DELIVERED, code, reply_text(smtp));
}

static enum verdict on_reply(struct conversation *conversation, struct smtp *smtp)
{
    unsigned code = smtp->reply.code;
    bool greets = is_greeting(conversation, smtp, code);
    int answered;

    smtp->has_replies = true;
    keep_last_reply(smtp);
    if (greets) {
        keep_text(&smtp->banner, REPLY_TEXT_LIMIT, reply_text(smtp));
        smtp->has_banner = true;
        return VERDICT_GO_ON;
    }
    if (is_lmtp_recipient_reply(smtp)) {
        on_lmtp_recipient_reply(conversation, smtp, code);
        return VERDICT_GO_ON;
    }
    answered = pending_answered(&smtp->pending, code, is_whole(conversation), fits);
    if (answered < 0) {
        on_unasked_reply(conversation, smtp, code);
        return VERDICT_GO_ON;
    }
    give_up_replies(conversation, smtp, (unsigned)answered);
    if (code == 334 && pending_oldest(&smtp->pending)->verb == SMTP_AUTH) {
        smtp->may_answer_login = true;
        return VERDICT_GO_ON;
    }
    if (on_answer(conversation, smtp, code))
        return begin_tls(conversation, smtp);
    return VERDICT_GO_ON;
}

/* A reply while the message still goes on: its end was missed, or the server speaks too early and the reply waits. */
static bool ends_message(struct conversation *conversation, struct smtp *smtp)
{
    unsigned loose = smtp_data_loose_end(&smtp->data);

    if (smtp->may_have_ended || smtp->has_ended[FROM_CLIENT]) {
        end_message(conversation, smtp, false);
        return true;
    }
    if (loose == 0)
        return false;
    conversation_finding(conversation, "warning", "smtp_bare_lf_end", "the server took an end of data that is not CR LF . CR LF");
    smtp->message->size -= loose < smtp->message->size ? loose : smtp->message->size;
    end_message(conversation, smtp, true);
    return true;
}

static enum verdict on_server_data(struct conversation *conversation, struct smtp *smtp, struct cursor *bytes)
{
    enum verdict verdict = VERDICT_GO_ON;

    while (verdict == VERDICT_GO_ON && cursor_left(bytes) > 0) {
        struct line_reader lines = smtp->lines[FROM_SERVER];
        struct cursor ahead = *bytes;
        enum line_found found;
        enum reply_found reply;
        struct bytes line;

        if (smtp->pending.count == 0 && smtp->client_is_behind)
            return VERDICT_NEED_OTHER_SIDE; /* this reply is to what the client said meanwhile */
        if (smtp->phase == SMTP_MESSAGE && smtp->pending.count == 0 && !ends_message(conversation, smtp))
            return VERDICT_NEED_OTHER_SIDE;
        if (smtp->pending.count == 0 && smtp->reply.code == 220 && smtp->has_banner && looks_like_tls(bytes))
            return begin_tls(conversation, smtp); /* STARTTLS was not seen */
        found = line_take(&lines, &ahead, &line);
        if (found == LINE_TOO_LONG)
            note_long_line(conversation, smtp, FROM_SERVER);
        reply = found != LINE_NONE ? reply_add_line(&smtp->reply, REPLY_SMTP, line) : REPLY_MORE;
        if (reply != REPLY_BEFORE) {
            *bytes = ahead;
            smtp->lines[FROM_SERVER] = lines;
        }
        if (found == LINE_NONE)
            return VERDICT_NEED_MORE;
        switch (reply) {
        case REPLY_MORE:
            break;
        case REPLY_STRANGE:
            if (++smtp->strange_replies == SMTP_STRANGE_REPLIES)
                verdict = VERDICT_NOT_THIS_PROTOCOL;
            break;
        case REPLY_WHOLE:
        case REPLY_BEFORE:
            smtp->server_is_seen = true;
            smtp->strange_replies = 0;
            verdict = on_reply(conversation, smtp);
            break;
        }
    }
    return verdict;
}

static enum verdict smtp_on_data(struct conversation *conversation, void *state, enum side from, struct cursor *bytes)
{
    return from == FROM_CLIENT ? on_client_data(conversation, state, bytes) : on_server_data(conversation, state, bytes);
}

/* ---- gaps and ends ---- */

static void lose_message(struct smtp *smtp, uint64_t count)
{
    smtp_mail_lose(smtp->message, count);
    smtp_data_lose(&smtp->data);
    smtp->may_have_ended = true;
}

/* What is missing behind the chunk are commands, and more chunks if this was not the last. */
static uint64_t lose_chunk(struct smtp *smtp, uint64_t count)
{
    uint64_t lost = count < smtp->chunk_left ? count : smtp->chunk_left;

    if (smtp->message != NULL) {
        smtp_mail_lose(smtp->message, lost);
        smtp->message->size_is_unknown = smtp->message->size_is_unknown || (count > lost && !smtp->chunk_is_last);
    }
    smtp->chunk_left -= lost;
    if (smtp->chunk_left == 0)
        end_chunk(smtp);
    return count - lost;
}

static void on_client_gap(struct smtp *smtp, uint64_t count)
{
    smtp->lines[FROM_CLIENT] = (struct line_reader){.passes_over = false};
    if (smtp->phase != SMTP_MESSAGE && smtp->phase != SMTP_CHUNK && awaits(smtp, SMTP_DATA))
        begin_unanswered_message(smtp); /* a message, unless the server says otherwise */
    if (smtp->phase == SMTP_MESSAGE) {
        lose_message(smtp, count);
        return;
    }
    if (smtp->phase == SMTP_CHUNK)
        count = lose_chunk(smtp, count);
    if (count == 0)
        return;
    if (smtp->client_mail != NULL && smtp->client_mail->transfer == SMTP_BY_BDAT)
        smtp->client_mail->size_is_unknown = true;
    smtp->phase = SMTP_RESYNC;
    smtp->client_waits = false;
}

static void on_server_gap(struct conversation *conversation, struct smtp *smtp)
{
    smtp->lines[FROM_SERVER] = (struct line_reader){.passes_over = false};
    reply_forget(&smtp->reply);
    smtp->server_is_seen = true;
    smtp->lmtp_replies_left = 0;
    give_up_replies(conversation, smtp, pending_lose_replies(&smtp->pending));
}

static enum verdict smtp_on_gap(struct conversation *conversation, void *state, enum side from, uint64_t count)
{
    if (from == FROM_CLIENT)
        on_client_gap(state, count);
    else
        on_server_gap(conversation, state);
    return VERDICT_GO_ON;
}

static void smtp_on_end(struct conversation *conversation, void *state, enum side from, enum ending ending, struct bytes unread)
{
    struct smtp *smtp = state;

    (void)conversation;
    (void)unread;
    smtp->has_ended[from] = true;
    smtp->ending[from] = ending;
}

/* ---- open and close ---- */

static void smtp_open(struct conversation *conversation, void *state, void *from_before)
{
    struct smtp *smtp = state;

    (void)from_before;
    smtp->phase = conversation_has_start(conversation, FROM_CLIENT) ? SMTP_COMMANDS : SMTP_RESYNC;
    smtp->server_is_seen = conversation_has_start(conversation, FROM_SERVER);
}

/* Whether the connection was closed, so that an open mail was given up; else its end was not seen. */
static bool was_closed(const struct smtp *smtp, enum side side)
{
    return smtp->has_ended[side] && (smtp->ending[side] == ENDING_FIN || smtp->ending[side] == ENDING_RESET);
}

static void finish_open_mail(struct conversation *conversation, struct smtp *smtp)
{
    bool is_given_up = (was_closed(smtp, FROM_CLIENT) || was_closed(smtp, FROM_SERVER)) && smtp->server_is_seen && smtp->server_mail != NULL &&
                       (smtp->server_mail->sender.answer != SMTP_UNANSWERED || smtp_mail_accepted(smtp->server_mail) > 0);

    if (smtp->phase == SMTP_MESSAGE && smtp->may_have_ended)
        is_given_up = false;
    finish_mail(conversation, smtp, smtp->server_mail, is_given_up ? SMTP_ABORTED : SMTP_OUTCOME_UNKNOWN);
    finish_mail(conversation, smtp, smtp->client_mail, SMTP_OUTCOME_UNKNOWN);
}

static const char *encryption_of(const struct conversation *conversation, const struct smtp *smtp)
{
    if (smtp->encryption != NULL)
        return smtp->encryption;
    if (conversation_is_decrypted(conversation)) /* inside TLS the server greets only where TLS came first */
        return smtp->has_banner ? "implicit" : "starttls";
    return "none";
}

static struct record_text known_text(const struct text *text)
{
    return record_text_unless_empty(text_bytes(text));
}

static void write_session(struct conversation *conversation, const struct smtp *smtp)
{
    struct smtp_session row = {
        .flow_id = record_integer(conversation_flow(conversation)->flow_id),
        .encrypted = record_boolean(conversation_is_decrypted(conversation)),
        .banner = known_text(&smtp->banner),
        .helo = known_text(&smtp->helo),
        .server_extensions = known_text(&smtp->extensions),
        .encryption = record_text_of(encryption_of(conversation, smtp)),
        .auth_mechanism = known_text(&smtp->mechanism),
        .auth_user = known_text(&smtp->user),
        .auth_result = record_text_of(smtp->auth_result),
        .mails = record_integer(smtp->mails),
        .last_reply = known_text(&smtp->last_reply),
    };

    if (smtp->has_commands || smtp->last_reply.length > 0)
        conversation_write(conversation, &smtp_session_table, &row);
}

static void smtp_close(struct conversation *conversation, void *state)
{
    struct smtp *smtp = state;

    give_up_replies(conversation, smtp, smtp->pending.count);
    finish_open_mail(conversation, smtp);
    smtp_mail_release(&smtp->message);
    write_session(conversation, smtp);
    pending_free(&smtp->pending);
    reply_free(&smtp->reply);
    text_free(&smtp->banner);
    text_free(&smtp->helo_given);
    text_free(&smtp->helo);
    text_free(&smtp->extensions);
    text_free(&smtp->mechanism);
    text_free(&smtp->user);
    text_free(&smtp->last_reply);
}

/* ---- identification ---- */

/* The first line so far, and whether it is whole. */
static struct bytes first_line(struct bytes said, bool *is_whole_line)
{
    struct bytes rest;
    struct bytes line = bytes_split(said, '\n', &rest);

    *is_whole_line = rest.at != NULL;
    if (line.length > 0 && line.at[line.length - 1] == '\r')
        line.length--;
    return line;
}

/* A command that no other protocol has: with its argument, so that the start of a text does not do. */
static enum match match_command(struct bytes said)
{
    static const char *const words[] = {"EHLO ", "HELO ", "LHLO ", "MAIL FROM:", "RCPT TO:", "STARTTLS", "BDAT ", "MAIL FROM :", "XCLIENT "};
    enum match match = MATCH_NO;

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        char start[16];

        if (bytes_begin_nocase(said, words[i]))
            return MATCH_YES;
        if (said.length >= strlen(words[i]))
            continue;
        memcpy(start, words[i], said.length);
        start[said.length] = '\0';
        if (bytes_begin_nocase(said, start))
            match = MATCH_MAYBE;
    }
    return match;
}

static bool begins_with_digits(struct bytes start)
{
    for (size_t i = 0; i < start.length; i++) {
        if (start.at[i] < '0' || start.at[i] > '9')
            return false;
    }
    return true;
}

/* A greeting: 220, or a refusal (RFC 5321, 3.1), with the protocol's name in it where the server says so. */
static enum match match_greeting(struct bytes said)
{
    bool is_whole_line;
    struct bytes line = first_line(said, &is_whole_line);
    unsigned code = reply_line_code(line);

    if (!is_whole_line && line.length < 4)
        return begins_with_digits(line) ? MATCH_MAYBE : MATCH_NO;
    if (!is_whole_line && line.length < SMTP_GREETING_LIMIT)
        return code != 0 ? MATCH_MAYBE : MATCH_NO;
    if (bytes_contain_nocase(line, "FTP"))
        return MATCH_NO;
    if ((code == 220 || code == 554 || code == 421) && (bytes_contain_nocase(line, "SMTP") || bytes_contain_nocase(line, "LMTP")))
        return MATCH_YES;
    return code != 0 ? MATCH_PORT : MATCH_NO;
}

/* One of the commands that SMTP shares with others, or a line of a message that began before the capture. */
static enum match match_by_port(const struct first_bytes *first)
{
    enum smtp_verb verb;
    struct bytes argument;
    bool is_whole_line;
    struct bytes line = first_line(first->side[FROM_CLIENT], &is_whole_line);

    if (!first->port_agrees || (is_whole_line && first->has_start[FROM_CLIENT] && !find_verb(line, &verb, &argument)))
        return MATCH_NO;
    if (is_whole_line && find_verb(line, &verb, &argument))
        return MATCH_PORT;
    return MATCH_MAYBE;
}

static enum match smtp_match(const struct first_bytes *first)
{
    bool has_client = first->side[FROM_CLIENT].length > 0;
    bool has_server = first->side[FROM_SERVER].length > 0;
    enum match by_client = has_client ? match_command(first->side[FROM_CLIENT]) : MATCH_MAYBE;
    enum match by_server = has_server ? match_greeting(first->side[FROM_SERVER]) : MATCH_MAYBE;

    if (has_server && by_server == MATCH_NO)
        return MATCH_NO;
    if (by_client == MATCH_YES || by_server == MATCH_YES)
        return MATCH_YES;
    if (by_server == MATCH_PORT)
        return MATCH_PORT;
    if (has_client && by_client == MATCH_NO)
        return match_by_port(first);
    return MATCH_MAYBE;
}

static const struct record_table *const smtp_tables[] = {&smtp_session_table, &smtp_mail_table, &smtp_recipient_table, NULL};
static const uint16_t smtp_ports[] = {25, 587, 2525, 24, 465, 1025, 0};

const struct dissector smtp_dissector = {
    .name = "smtp",
    .tables = smtp_tables,
    .ports = smtp_ports,
    .state_size = sizeof(struct smtp),
    .unit_limit = SMTP_WAITING_LIMIT,
    .match = smtp_match,
    .open = smtp_open,
    .on_data = smtp_on_data,
    .on_gap = smtp_on_gap,
    .on_end = smtp_on_end,
    .close = smtp_close,
};

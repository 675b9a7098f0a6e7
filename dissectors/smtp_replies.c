/*
 * smtp_replies.c - the server's replies (RFC 5321, 4.2) and what each of them decides:
 * the envelope, the outcome of a mail, the login, the beginning of TLS.
 */
#include "dissectors/smtp.h"

/* ---- mails ---- */

void smtp_hold_mail(struct smtp_mail **place, struct smtp_mail *mail)
{
    struct smtp_mail *held = smtp_mail_hold(mail);

    smtp_mail_release(place);
    *place = held;
}

/* The server's mail is over, and with it the client's if it is the same. */
void smtp_finish_mail(struct conversation *conversation, struct smtp *smtp, struct smtp_mail *mail, enum smtp_outcome otherwise)
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

bool smtp_is_open_mail(const struct smtp_mail *mail)
{
    return mail != NULL && !mail->is_written && mail->outcome == SMTP_OUTCOME_OPEN;
}

/* The mail that a message belongs to; made where its MAIL was not seen. NULL when out of memory. */
struct smtp_mail *smtp_mail_of_message(struct conversation *conversation, struct smtp *smtp)
{
    if (smtp->client_mail == NULL && smtp->server_mail != NULL && !smtp->server_mail->is_written)
        smtp_hold_mail(&smtp->client_mail, smtp->server_mail);
    if (smtp->client_mail == NULL || smtp->client_mail->is_written) {
        smtp_mail_release(&smtp->client_mail);
        smtp->client_mail = smtp_mail_new(conversation);
    }
    /* replies that are still to come may be about the mail before it */
    if (smtp->client_mail != NULL && smtp->server_mail == NULL && smtp->pending.count == 0)
        smtp_hold_mail(&smtp->server_mail, smtp->client_mail);
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
    case SMTP_XCLIENT:
        return code == 220;
    case SMTP_OTHER:
        return code / 100 == 2 && code != 235 && code != 221;
    default:
        return code == 250 || code == 251 || code == 252;
    }
}

bool smtp_is_whole(const struct conversation *conversation)
{
    return conversation_has_start(conversation, FROM_CLIENT) && conversation_has_start(conversation, FROM_SERVER) &&
           conversation_missing(conversation, FROM_CLIENT) == 0 && conversation_missing(conversation, FROM_SERVER) == 0;
}

static struct bytes reply_text(const struct smtp *smtp)
{
    return text_bytes(&smtp->reply.text);
}

void smtp_keep_text(struct text *text, size_t limit, struct bytes value)
{
    text->limit = limit;
    text_clear(text);
    text_append(text, value);
}

/* What EHLO's reply lists behind its first line. */
static void keep_extensions(struct conversation *conversation, struct smtp *smtp)
{
    struct bytes rest;

    smtp->offers_tls = false;
    text_clear(&smtp->extensions);
    smtp->extensions.limit = SMTP_EXTENSIONS_LIMIT;
    (void)bytes_split(reply_text(smtp), '\n', &rest);
    while (rest.length > 0) {
        struct bytes line = bytes_split(rest, '\n', &rest);

        line = bytes_trim(line);
        text_append_item(&smtp->extensions, ", ", line);
        smtp->offers_tls = smtp->offers_tls || bytes_equal_nocase(line, "STARTTLS");
    }
    (void)bytes_split(reply_text(smtp), '\n', &rest);
    while (rest.length > 0)
        smtp_note_masked_extension(conversation, smtp, bytes_trim(bytes_split(rest, '\n', &rest)));
}

/* Code 0: the reply was not seen. */
static void on_hello_reply(struct conversation *conversation, struct smtp *smtp, const struct pending_command *command, unsigned code)
{
    bool is_accepted = code / 100 == 2;

    if (is_accepted || smtp->helo.length == 0)
        smtp_keep_text(&smtp->helo, SMTP_NAME_LIMIT, text_bytes(&smtp->helo_given));
    if (!is_accepted)
        return; /* a refused one resets nothing */
    smtp->is_lmtp = command->verb == SMTP_LHLO;
    if (command->verb != SMTP_HELO)
        keep_extensions(conversation, smtp);
    smtp_finish_mail(conversation, smtp, smtp->server_mail, SMTP_ABORTED);
    smtp_mail_release(&smtp->client_mail);
}

static void on_mail_reply(struct conversation *conversation, struct smtp *smtp, struct smtp_mail *mail, unsigned code)
{
    if (mail == NULL || mail == smtp->server_mail)
        return;
    if (code >= 400 && smtp_is_open_mail(smtp->server_mail)) {
        /* a MAIL inside a mail is refused, and the mail goes on */
        if (smtp->client_mail == mail)
            smtp_hold_mail(&smtp->client_mail, smtp->server_mail);
        return;
    }
    smtp_finish_mail(conversation, smtp, smtp->server_mail, code == 0 ? SMTP_OUTCOME_UNKNOWN : SMTP_ABORTED);
    smtp_hold_mail(&smtp->server_mail, mail);
    if (code >= 400)
        smtp_mail_decide(mail, SMTP_REJECTED, code, reply_text(smtp));
    else if (code != 0)
        mail->sender.answer = SMTP_ACCEPTED;
}

static void on_rcpt_reply(struct conversation *conversation, struct smtp *smtp, const struct pending_command *command, unsigned code)
{
    struct smtp_mail *mail = command->subject;

    if (mail == NULL || mail->is_written)
        return;
    if (smtp->server_mail == NULL)
        smtp_hold_mail(&smtp->server_mail, mail);
    if (code == 0)
        return;
    smtp_mail_answer_recipient(mail, command->recipient, code, reply_text(smtp));
    smtp_note_recipient(conversation, smtp, smtp_mail_recipient(mail, command->recipient), code, reply_text(smtp));
}

void smtp_begin_message(struct conversation *conversation, struct smtp *smtp, bool begins_unseen)
{
    struct smtp_mail *mail = smtp_mail_of_message(conversation, smtp);

    if (mail == NULL) {
        smtp->phase = SMTP_RESYNC;
        return;
    }
    if (mail->outcome == SMTP_REJECTED)
        mail->outcome = SMTP_OUTCOME_OPEN; /* DATA was refused before, and now it is not */
    mail->reply_code = 0;
    smtp_mail_begin_message(mail, SMTP_BY_DATA, begins_unseen);
    smtp_hold_mail(&smtp->message, mail);
    smtp->data = (struct smtp_data_reader){.phase = begins_unseen ? SMTP_DATA_IN_LINE : SMTP_DATA_LINE_START};
    smtp->smuggling = (struct smtp_smuggling){.phase = SMTP_SEEKS_DOT};
    if (begins_unseen)
        smtp_smuggling_lose(&smtp->smuggling);
    smtp->may_have_ended = begins_unseen;
    smtp->phase = SMTP_MESSAGE;
}

void smtp_leave_message(struct smtp *smtp, enum smtp_phase phase)
{
    smtp->phase = phase;
    smtp->may_have_ended = false;
    smtp_mail_release(&smtp->message);
}

static void on_data_reply(struct conversation *conversation, struct smtp *smtp, const struct pending_command *command, unsigned code)
{
    struct smtp_mail *mail = command->subject;

    if (code == 354 && !command->has_begun)
        smtp_begin_message(conversation, smtp, false);
    if (code < 400)
        return;
    if (mail != NULL) {
        smtp_mail_decide_by_recipients(mail); /* that DATA is refused then follows from it */
        smtp_mail_decide(mail, SMTP_REJECTED, code, reply_text(smtp));
    }
    if (command->has_begun && smtp->phase == SMTP_MESSAGE)
        smtp_leave_message(smtp, SMTP_RESYNC);
}

static void on_message_reply(struct conversation *conversation, struct smtp *smtp, struct smtp_mail *mail, unsigned code)
{
    if (mail == NULL)
        return;
    if (code != 0 && !smtp->is_lmtp)
        smtp_mail_answer_deliveries(mail, code);
    if (code / 100 == 2 || code >= 400)
        smtp_mail_decide(mail, code / 100 == 2 ? SMTP_DELIVERED : SMTP_REJECTED, code, reply_text(smtp));
    smtp_finish_mail(conversation, smtp, mail, SMTP_OUTCOME_UNKNOWN);
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

/* XCLIENT accepted: the session begins anew, for the client that was named. */
static void on_forwarded_reply(struct conversation *conversation, struct smtp *smtp, enum smtp_verb verb, unsigned code)
{
    if (code / 100 != 2)
        return;
    smtp_keep_text(&smtp->forwarded, SMTP_NAME_LIMIT, text_bytes(&smtp->forwarded_given));
    if (verb != SMTP_XCLIENT)
        return;
    smtp_finish_mail(conversation, smtp, smtp->server_mail, SMTP_ABORTED);
    smtp_mail_release(&smtp->client_mail);
}

/* The oldest command is answered; code 0: its reply was not seen. False where the session cannot be followed any further. */
static bool on_answer(struct conversation *conversation, struct smtp *smtp, unsigned code)
{
    struct pending_command command = pending_take_oldest(&smtp->pending);
    struct smtp_mail *mail = command.subject;
    bool goes_on = true;

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
        on_rcpt_reply(conversation, smtp, &command, code);
        break;
    case SMTP_DATA:
        on_data_reply(conversation, smtp, &command, code);
        break;
    case SMTP_DATA_END:
        on_message_reply(conversation, smtp, mail, code);
        break;
    case SMTP_BDAT:
    case SMTP_BURL:
        on_chunk_reply(conversation, smtp, &command, code);
        break;
    case SMTP_RSET:
    case SMTP_QUIT:
        if (code < 400)
            smtp_finish_mail(conversation, smtp, smtp->server_mail, code == 0 ? SMTP_OUTCOME_UNKNOWN : SMTP_ABORTED);
        break;
    case SMTP_STARTTLS:
        if (code == 220)
            smtp_expect_tls(conversation, smtp);
        else
            smtp_note_refused_tls(conversation, smtp, code);
        break;
    case SMTP_AUTH:
        smtp_on_login_reply(conversation, smtp, code);
        break;
    case SMTP_XCLIENT:
    case SMTP_XFORWARD:
        on_forwarded_reply(conversation, smtp, command.verb, code);
        break;
    case SMTP_TURN:
        goes_on = code / 100 != 2;
        break;
    case SMTP_LOOK_UP:
    case SMTP_OTHER:
        break;
    }
    smtp_mail_release(&mail);
    return goes_on;
}

void smtp_give_up_replies(struct conversation *conversation, struct smtp *smtp, unsigned count)
{
    for (; count > 0; count--)
        (void)on_answer(conversation, smtp, 0);
}

void smtp_expect_tls(struct conversation *conversation, struct smtp *smtp)
{
    smtp->encryption = "starttls";
    smtp->phase = SMTP_BEFORE_TLS;
    smtp->client_waits = false;
    smtp->tls_begin_us = conversation_now(conversation);
    /* nothing of the session before it holds any longer (RFC 3207, 4.2) */
    smtp_finish_mail(conversation, smtp, smtp->server_mail, SMTP_ABORTED);
}

bool smtp_is_no_text(const struct cursor *bytes)
{
    int first = peek_u8(bytes);

    return first >= 0x7f || (first >= 0 && first < ' ' && first != '\r' && first != '\n' && first != '\t');
}

/* ---- commands and the end of a message, on their way to a reply ---- */

struct pending_command *smtp_add_command(struct conversation *conversation, struct smtp *smtp, enum smtp_verb verb)
{
    int64_t now_us = conversation_now(conversation);
    struct pending_command *command;

    smtp_give_up_replies(conversation, smtp, pending_outdated(&smtp->pending, now_us));
    smtp->has_commands = true;
    command = pending_add(&smtp->pending, verb, now_us);
    if (command != NULL)
        return command;
    /* only where the server is not seen, see must_wait */
    smtp_give_up_replies(conversation, smtp, smtp->pending.count > 0 ? 1 : 0);
    return pending_add(&smtp->pending, verb, now_us);
}

void smtp_add_mail_command(struct conversation *conversation, struct smtp *smtp, enum smtp_verb verb, struct smtp_mail *mail)
{
    /* making room for the command may finish this very mail */
    struct smtp_mail *held = smtp_mail_hold(mail);
    struct pending_command *command = smtp_add_command(conversation, smtp, verb);

    if (command != NULL)
        command->subject = held;
    else
        smtp_mail_release(&held);
}

/* The message of DATA is over; its reply comes next. */
void smtp_end_message(struct conversation *conversation, struct smtp *smtp, bool end_is_seen)
{
    smtp_mail_end_message(smtp->message, end_is_seen);
    smtp_smuggling_end(&smtp->smuggling);
    smtp_note_smuggling(conversation, smtp);
    smtp_add_mail_command(conversation, smtp, SMTP_DATA_END, smtp->message);
    if (smtp->client_mail == smtp->message)
        smtp_mail_release(&smtp->client_mail);
    smtp_leave_message(smtp, end_is_seen ? SMTP_COMMANDS : SMTP_RESYNC);
}

void smtp_note_long_line(struct conversation *conversation, struct smtp *smtp, enum side from)
{
    if (smtp->found_long_line[from])
        return;
    smtp->found_long_line[from] = true;
    conversation_finding(conversation, "notice", "smtp_line_too_long", "a line from the %s is longer than %d bytes; its rest was passed over",
                         side_name(from), LINE_LIMIT);
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

/* The server gives up an open mail for a reason of its own. */
static void give_up_mail(struct conversation *conversation, struct smtp *smtp, unsigned code)
{
    struct smtp_mail *mail = smtp->server_mail;

    if (!smtp_is_open_mail(mail) || !smtp_is_whole(conversation))
        return;
    smtp_mail_decide(mail, SMTP_ABORTED, code, reply_text(smtp));
    smtp_finish_mail(conversation, smtp, mail, SMTP_ABORTED);
}

static void on_unasked_reply(struct conversation *conversation, struct smtp *smtp, unsigned code)
{
    bool is_whole = smtp_is_whole(conversation);

    if (code == 421) /* the server closes, whatever was going on (RFC 5321, 3.8) */
        give_up_mail(conversation, smtp, code);
    else if (code == 354 && !is_whole && (smtp->phase == SMTP_COMMANDS || smtp->phase == SMTP_RESYNC))
        smtp_begin_message(conversation, smtp, true); /* its DATA was not seen */
    else if (code == 235 && !is_whole)
        smtp_on_unseen_login(smtp);
    else if (is_whole && smtp->phase != SMTP_BEFORE_TLS && smtp_tells_first(smtp, SMTP_TOLD_UNASKED))
        conversation_finding(conversation, "notice", "smtp_unasked_reply", "the server says %03u and nothing was asked", code);
}

/* LMTP answers the end of data once for each accepted recipient (RFC 2033, 4.2). */
static bool is_lmtp_recipient_reply(struct smtp *smtp)
{
    const struct pending_command *oldest = pending_oldest(&smtp->pending);

    if (!smtp->is_lmtp || oldest == NULL || oldest->subject == NULL)
        return false;
    if (oldest->verb != SMTP_DATA_END && !((oldest->verb == SMTP_BDAT || oldest->verb == SMTP_BURL) && oldest->is_last))
        return false;
    return smtp_mail_undelivered(oldest->subject) > 0;
}

static void on_lmtp_recipient_reply(struct conversation *conversation, struct smtp *smtp, unsigned code)
{
    struct smtp_mail *mail = pending_oldest(&smtp->pending)->subject;

    smtp_mail_answer_delivery(mail, code, reply_text(smtp));
    if (code / 100 == 2)
        smtp_mail_decide(mail, SMTP_DELIVERED, code, reply_text(smtp));
    if (smtp_mail_undelivered(mail) == 0)
        (void)on_answer(conversation, smtp, code);
}

/* By the time that the packets have: bytes whose checksum was doubted are told late, and out of turn. */
static void note_early_talker(struct conversation *conversation, struct smtp *smtp)
{
    const struct pending_command *first = pending_oldest(&smtp->pending);

    if (first == NULL || first->time_us >= conversation_now(conversation) || !smtp_is_whole(conversation))
        return;
    if (smtp_tells_first(smtp, SMTP_TOLD_EARLY_TALKER))
        conversation_finding(conversation, "notice", "smtp_early_talker", "the client did not wait for the server's greeting");
}

static enum verdict on_reply(struct conversation *conversation, struct smtp *smtp)
{
    unsigned code = smtp->reply.code;
    bool greets = is_greeting(conversation, smtp, code);
    int answered;

    smtp->has_replies = true;
    if (smtp->reply.codes_differ && smtp_tells_first(smtp, SMTP_TOLD_CODES))
        conversation_finding(conversation, "notice", "smtp_reply_codes", "the lines of one reply have several codes; the last one is %03u", code);
    sasl_secrets_mask(&smtp->secrets, &smtp->reply.text);
    keep_last_reply(smtp);
    if (greets) {
        note_early_talker(conversation, smtp);
        smtp_keep_text(&smtp->banner, REPLY_TEXT_LIMIT, reply_text(smtp));
        smtp->has_banner = true;
        return VERDICT_GO_ON;
    }
    if (is_lmtp_recipient_reply(smtp)) {
        on_lmtp_recipient_reply(conversation, smtp, code);
        return VERDICT_GO_ON;
    }
    answered = pending_answered(&smtp->pending, code, smtp_is_whole(conversation) && !smtp->found_long_line[FROM_SERVER], fits);
    if (answered < 0) {
        on_unasked_reply(conversation, smtp, code);
        return VERDICT_GO_ON;
    }
    smtp_give_up_replies(conversation, smtp, (unsigned)answered);
    if (code == 334 && pending_oldest(&smtp->pending)->verb == SMTP_AUTH) {
        smtp_on_login_challenge(smtp, reply_text(smtp));
        return VERDICT_GO_ON;
    }
    if (on_answer(conversation, smtp, code))
        return VERDICT_GO_ON;
    conversation_finding(conversation, "notice", "smtp_turn", "the server agreed to change parts with the client; what follows is not read");
    return VERDICT_NOT_THIS_PROTOCOL;
}

/* A reply while the message still goes on: its end was missed, or the server speaks too early and the reply waits. */
static bool ends_message(struct conversation *conversation, struct smtp *smtp)
{
    unsigned loose = smtp_data_loose_end(&smtp->data);

    if (smtp->may_have_ended || smtp->has_ended[FROM_CLIENT]) {
        smtp_end_message(conversation, smtp, false);
        return true;
    }
    if (loose == 0)
        return false;
    conversation_finding(conversation, "warning", "smtp_bare_lf_end", "the server took an end of data that is not CR LF . CR LF");
    smtp->message->size -= loose < smtp->message->size ? loose : smtp->message->size;
    smtp_end_message(conversation, smtp, true);
    return true;
}

enum verdict smtp_on_server_data(struct conversation *conversation, struct smtp *smtp, struct cursor *bytes)
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
        if (smtp->phase == SMTP_BEFORE_TLS && smtp_is_no_text(bytes))
            return smtp_begin_tls(conversation, smtp);
        if (smtp->pending.count == 0 && smtp->reply.code == 220 && smtp->has_banner && line_is_tls(bytes)) {
            smtp_expect_tls(conversation, smtp); /* STARTTLS was not seen */
            return smtp_begin_tls(conversation, smtp);
        }
        found = line_take(&lines, &ahead, &line);
        if (found == LINE_TOO_LONG)
            smtp_note_long_line(conversation, smtp, FROM_SERVER);
        if (smtp->lines[FROM_SERVER].passes_over && !lines.passes_over) /* what was passed over may have been replies, badly ended */
            smtp_give_up_replies(conversation, smtp, pending_lose_replies(&smtp->pending));
        reply = found != LINE_NONE ? reply_add_line(&smtp->reply, REPLY_SMTP, line) : REPLY_MORE;
        if (reply != REPLY_BEFORE) {
            *bytes = ahead;
            smtp->lines[FROM_SERVER] = lines;
        }
        if (found == LINE_NONE)
            return VERDICT_NEED_MORE;
        if (smtp->phase == SMTP_BEFORE_TLS && conversation_now(conversation) == smtp->tls_begin_us)
            smtp_note_injected_line(conversation, smtp, FROM_SERVER, line); /* in one breath with its agreement */
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

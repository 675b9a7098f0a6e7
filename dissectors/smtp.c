/*
 * smtp.c - SMTP (RFC 5321) and LMTP (RFC 2033): greeting, envelope, DATA, BDAT (RFC 3030),
 * pipelining (RFC 2920), AUTH (RFC 4954), STARTTLS (RFC 3207).
 *
 * What the client says is read ahead of the replies, as pipelining allows; what
 * holds is decided by the replies, in their order. The client's bytes wait for a
 * reply only where it decides what they are: behind DATA, EHLO, STARTTLS and AUTH,
 * and behind MAIL while another mail is open.
 *
 * Left out: what follows once TURN or ATRN made the sides change their parts.
 */
#include "dissectors/smtp.h"

#include "base/file.h"
#include "base/memory.h"
#include "dissectors/smtp_record.h"
#include "dissectors/tls.h"

/* ---- the client's commands ---- */

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
    if (path.length <= SMTP_ADDRESS_LIMIT || !smtp_tells_first(smtp, SMTP_TOLD_LIMIT))
        return;
    conversation_finding(conversation, "notice", "smtp_limit", "an address of %zu bytes was cut to %d", path.length, SMTP_ADDRESS_LIMIT);
}

static void on_mail_command(struct conversation *conversation, struct smtp *smtp, struct bytes argument)
{
    bool is_nested = smtp_is_open_mail(smtp->client_mail);
    struct smtp_mail *mail = smtp_mail_new(conversation);
    struct bytes parameters;
    struct bytes path = smtp_path(behind_keyword(argument, "FROM:"), &parameters);

    smtp_note_unused_tls(conversation, smtp, "MAIL", "info");
    if (mail == NULL) {
        (void)smtp_add_command(conversation, smtp, SMTP_OTHER);
        return;
    }
    note_long_address(conversation, smtp, path);
    smtp_mail_set_sender(mail, path, parameters);
    smtp_hold_mail(&smtp->client_mail, mail);
    smtp_add_mail_command(conversation, smtp, SMTP_MAIL, mail);
    smtp_mail_release(&mail);
    smtp->client_waits = is_nested;
}

static void on_rcpt_command(struct conversation *conversation, struct smtp *smtp, struct bytes argument)
{
    struct bytes parameters;
    struct bytes path = smtp_path(behind_keyword(argument, "TO:"), &parameters);
    struct pending_command *command;
    struct smtp_mail *held;
    size_t recipient;

    if ((smtp->client_mail == NULL || smtp->client_mail->is_written) && !smtp_is_whole(conversation))
        (void)smtp_mail_of_message(conversation, smtp); /* its MAIL was not seen */
    if (smtp->client_mail == NULL) {
        (void)smtp_add_command(conversation, smtp, SMTP_OTHER);
        return;
    }
    note_long_address(conversation, smtp, path);
    recipient = smtp_mail_add_recipient(smtp->client_mail, path, parameters);
    if (smtp->client_mail->recipients_beyond == 1 && recipient == SMTP_RECIPIENTS_LIMIT)
        conversation_finding(conversation, "notice", "smtp_limit", "a mail has more than %d recipients; the rest is not kept", SMTP_RECIPIENTS_LIMIT);
    held = smtp_mail_hold(smtp->client_mail); /* making room for the command may finish it */
    command = smtp_add_command(conversation, smtp, SMTP_RCPT);
    if (command == NULL) {
        smtp_mail_release(&held);
        return;
    }
    command->recipient = recipient;
    command->subject = held;
}

static void end_chunk(struct smtp *smtp)
{
    if (smtp->chunk_is_last && smtp->message != NULL) {
        smtp_mail_end_message(smtp->message, true);
        if (smtp->client_mail == smtp->message)
            smtp_mail_release(&smtp->client_mail);
    }
    smtp_leave_message(smtp, SMTP_COMMANDS);
}

/* BDAT size [LAST] (RFC 3030, 2). Behind a size that is no number, or another word, no bytes follow; the server refuses it. */
static void on_bdat_command(struct conversation *conversation, struct smtp *smtp, struct bytes argument)
{
    struct bytes rest;
    struct bytes size = bytes_split(argument, ' ', &rest);
    struct smtp_mail *mail;
    struct pending_command *command;
    uint64_t count;
    bool is_last;

    rest = bytes_trim(rest);
    is_last = bytes_equal_nocase(rest, "LAST");
    if (!bytes_to_number(size, INT64_MAX, &count) || (rest.length > 0 && !is_last)) {
        smtp_add_mail_command(conversation, smtp, SMTP_BDAT, smtp->client_mail);
        return;
    }
    mail = smtp->client_mail;
    if ((mail == NULL || mail->is_written) && !smtp_is_whole(conversation))
        mail = smtp_mail_of_message(conversation, smtp);
    if (mail != NULL && mail->is_written)
        mail = NULL;
    if (mail != NULL && mail->transfer != SMTP_BY_BDAT)
        smtp_mail_begin_message(mail, SMTP_BY_BDAT, mail->sender.at == NULL && mail->recipient_count == 0);
    smtp->chunk_left = count;
    smtp->chunk_is_last = is_last;
    smtp->phase = SMTP_CHUNK;
    smtp_hold_mail(&smtp->message, mail);
    command = smtp_add_command(conversation, smtp, SMTP_BDAT);
    if (command == NULL)
        return;
    command->is_last = smtp->chunk_is_last;
    command->subject = smtp_mail_hold(mail);
}

static void on_data_command(struct conversation *conversation, struct smtp *smtp)
{
    /* a mail is sent by BDAT or by DATA (RFC 3030, 3): the end of this one, and the next one's MAIL, are missing */
    if (smtp->client_mail != NULL && smtp->client_mail->transfer == SMTP_BY_BDAT && !smtp_is_whole(conversation))
        smtp_finish_mail(conversation, smtp, smtp->client_mail, SMTP_OUTCOME_UNKNOWN);
    smtp_add_mail_command(conversation, smtp, SMTP_DATA, smtp->client_mail);
    smtp->client_waits = true;
}

static void on_hello_command(struct conversation *conversation, struct smtp *smtp, enum smtp_verb verb, struct bytes argument)
{
    smtp_keep_text(&smtp->helo_given, SMTP_NAME_LIMIT, argument);
    (void)smtp_add_command(conversation, smtp, verb);
    smtp->client_waits = true;
}

/* BURL url [LAST] (RFC 4468): the server fetches this part of the message itself. */
static void on_burl_command(struct conversation *conversation, struct smtp *smtp, struct bytes argument)
{
    struct smtp_mail *mail = smtp->client_mail != NULL && !smtp->client_mail->is_written ? smtp->client_mail : NULL;
    struct pending_command *command;
    struct bytes rest;
    bool is_last;

    (void)bytes_split(argument, ' ', &rest);
    is_last = bytes_equal_nocase(bytes_trim(rest), "LAST");
    if (mail != NULL && mail->transfer != SMTP_BY_BDAT)
        smtp_mail_begin_message(mail, SMTP_BY_BDAT, false);
    if (mail != NULL) {
        mail->size_is_unknown = true;
        smtp_mail_lose(mail, 0); /* of unknown length */
    }
    smtp_hold_mail(&smtp->message, mail);
    command = smtp_add_command(conversation, smtp, SMTP_BURL);
    if (command != NULL) {
        command->is_last = is_last;
        command->subject = smtp_mail_hold(mail);
    }
    smtp->chunk_is_last = is_last;
    end_chunk(smtp);
}

static void on_forwarded_command(struct conversation *conversation, struct smtp *smtp, enum smtp_verb verb, struct bytes argument)
{
    smtp_keep_text(&smtp->forwarded_given, SMTP_NAME_LIMIT, argument);
    (void)smtp_add_command(conversation, smtp, verb);
    smtp->client_waits = verb == SMTP_XCLIENT;
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
    case SMTP_BURL:
        on_burl_command(conversation, smtp, argument);
        return;
    case SMTP_AUTH:
        smtp_on_auth_command(conversation, smtp, argument);
        return;
    case SMTP_XCLIENT:
    case SMTP_XFORWARD:
        on_forwarded_command(conversation, smtp, verb, argument);
        return;
    case SMTP_DATA:
        on_data_command(conversation, smtp);
        return;
    case SMTP_STARTTLS:
    case SMTP_TURN:
        (void)smtp_add_command(conversation, smtp, verb);
        smtp->tls_was_asked = smtp->tls_was_asked || verb == SMTP_STARTTLS;
        smtp->client_waits = true;
        return;
    case SMTP_RSET:
        (void)smtp_add_command(conversation, smtp, verb);
        smtp_mail_release(&smtp->client_mail);
        return;
    case SMTP_LOOK_UP:
        smtp_note_look_up(conversation, smtp);
        (void)smtp_add_command(conversation, smtp, verb);
        return;
    case SMTP_QUIT:
    case SMTP_OTHER:
    case SMTP_DATA_END:
        (void)smtp_add_command(conversation, smtp, verb);
        return;
    }
}

/* The line "." behind lines that are no commands: a message whose beginning was not seen ends. */
static void on_line_between(struct conversation *conversation, struct smtp *smtp, struct bytes line)
{
    if (!bytes_equal_nocase(line, ".") || smtp_is_whole(conversation))
        return;
    smtp_begin_message(conversation, smtp, true);
    if (smtp->phase == SMTP_MESSAGE)
        smtp_end_message(conversation, smtp, true);
}

static void on_client_line(struct conversation *conversation, struct smtp *smtp, struct bytes line)
{
    struct bytes argument;
    enum smtp_verb verb;
    bool is_known = smtp_find_verb(line, &verb, &argument);

    if (!is_known && smtp->secrets.has_any)
        sasl_secrets_add(&smtp->secrets, bytes_trim(line)); /* an answer to a login that was refused, perhaps */
    if (smtp->phase == SMTP_LOGIN && (smtp->may_answer_login || !is_known))
        smtp_on_login_line(conversation, smtp, line);
    else if (smtp->phase == SMTP_RESYNC && !is_known)
        on_line_between(conversation, smtp, line);
    else
        on_command(conversation, smtp, verb, argument);
}

/* Whether the client's next bytes cannot be understood before a reply that may still come. */
static bool must_wait(const struct smtp *smtp)
{
    const struct pending_command *newest = pending_newest(&smtp->pending);

    if (newest == NULL || newest->is_doubtful || !smtp->server_is_seen)
        return false;
    if (smtp->has_ended[FROM_SERVER]) /* behind STARTTLS nothing can be believed without its reply */
        return smtp->client_waits && newest->verb == SMTP_STARTTLS;
    return smtp->pending.count == PENDING_LIMIT || (smtp->client_waits && !smtp->may_answer_login);
}

static void note_many_pending(struct conversation *conversation, struct smtp *smtp)
{
    if (smtp->pending.count < PENDING_LIMIT || !smtp_tells_first(smtp, SMTP_TOLD_LIMIT))
        return;
    conversation_finding(conversation, "notice", "smtp_limit", "%d commands wait for replies; what follows waits with them", PENDING_LIMIT);
}

static void begin_unanswered_message(struct conversation *conversation, struct smtp *smtp)
{
    pending_newest(&smtp->pending)->has_begun = true;
    smtp_begin_message(conversation, smtp, false);
}

/*
 * Behind a DATA whose reply was not seen: a message, unless it begins with what only a client says that was refused.
 * VERDICT_NEED_MORE where the first line is not there yet.
 */
static enum verdict guess_message(struct conversation *conversation, struct smtp *smtp, struct cursor *bytes)
{
    struct cursor ahead = *bytes;
    struct line_reader lines = {.passes_over = false};
    struct bytes line;
    struct bytes argument;
    enum smtp_verb verb;

    if (line_take(&lines, &ahead, &line) == LINE_NONE)
        return VERDICT_NEED_MORE;
    smtp->client_waits = false;
    if (smtp_find_verb(line, &verb, &argument) && verb != SMTP_OTHER && verb != SMTP_DATA)
        return VERDICT_GO_ON;
    begin_unanswered_message(conversation, smtp);
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
    if ((smtp->phase == SMTP_RESYNC || awaits(smtp, SMTP_STARTTLS)) && line_is_tls(bytes)) {
        smtp_expect_tls(conversation, smtp);
        return smtp_begin_tls(conversation, smtp);
    }
    if (awaits(smtp, SMTP_DATA)) {
        enum verdict verdict = guess_message(conversation, smtp, bytes);

        if (verdict == VERDICT_NEED_MORE || smtp->phase == SMTP_MESSAGE)
            return verdict;
    }
    found = line_take(&smtp->lines[FROM_CLIENT], bytes, &line);
    if (found == LINE_NONE)
        return VERDICT_NEED_MORE;
    if (found == LINE_TOO_LONG)
        smtp_note_long_line(conversation, smtp, FROM_CLIENT);
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

/*
 * The server agreed to begin TLS: what still comes as text was sent without waiting for it, and a server that takes
 * it for a part of what TLS protects is open to injection (CVE-2011-0411). TLS's first byte is no text.
 */
static enum verdict on_text_before_tls(struct conversation *conversation, struct smtp *smtp, struct cursor *bytes)
{
    struct bytes line;

    if (smtp_is_no_text(bytes))
        return smtp_begin_tls(conversation, smtp);
    if (line_take(&smtp->lines[FROM_CLIENT], bytes, &line) == LINE_NONE)
        return VERDICT_NEED_MORE;
    smtp_note_injected_line(conversation, smtp, FROM_CLIENT, line);
    return ++smtp->lines_before_tls == SMTP_LINES_BEFORE_TLS ? VERDICT_NOT_THIS_PROTOCOL : VERDICT_GO_ON;
}

static void read_message(struct conversation *conversation, struct smtp *smtp, struct cursor *bytes)
{
    struct bytes ahead = peek_bytes(bytes);
    bool is_over = smtp_data_read(&smtp->data, smtp->message, bytes);

    smtp_smuggling_look(&smtp->smuggling, bytes_of(ahead.at, ahead.length - cursor_left(bytes)));
    if (is_over)
        smtp_end_message(conversation, smtp, true);
}

static enum verdict on_client_data(struct conversation *conversation, struct smtp *smtp, struct cursor *bytes)
{
    enum verdict verdict = VERDICT_GO_ON;

    if (cursor_left(bytes) > smtp->client_left)
        smtp->reply.may_have_ended = true;
    while (verdict == VERDICT_GO_ON && cursor_left(bytes) > 0) {
        switch (smtp->phase) {
        case SMTP_MESSAGE:
            read_message(conversation, smtp, bytes);
            break;
        case SMTP_CHUNK:
            read_chunk(smtp, bytes);
            break;
        case SMTP_BEFORE_TLS:
            verdict = on_text_before_tls(conversation, smtp, bytes);
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
    smtp->client_left = cursor_left(bytes);
    return verdict;
}

static enum verdict smtp_on_data(struct conversation *conversation, void *state, enum side from, struct cursor *bytes)
{
    return from == FROM_CLIENT ? on_client_data(conversation, state, bytes) : smtp_on_server_data(conversation, state, bytes);
}

/* ---- gaps and ends ---- */

static void lose_message(struct smtp *smtp, uint64_t count)
{
    smtp_mail_lose(smtp->message, count);
    smtp_data_lose(&smtp->data);
    smtp_smuggling_lose(&smtp->smuggling);
    smtp->may_have_ended = true;
}

/* What is missing behind the chunk are commands, and more chunks if this was not the last. */
static uint64_t lose_chunk(struct smtp *smtp, uint64_t count, bool is_exact)
{
    uint64_t lost = count < smtp->chunk_left ? count : smtp->chunk_left;

    if (smtp->message != NULL) {
        smtp_mail_lose(smtp->message, lost);
        smtp->message->size_is_unknown = smtp->message->size_is_unknown || !is_exact || (count > lost && !smtp->chunk_is_last);
    }
    smtp->chunk_left = is_exact ? smtp->chunk_left - lost : 0;
    if (smtp->chunk_left == 0)
        end_chunk(smtp);
    return count - lost;
}

static void on_client_gap(struct conversation *conversation, struct smtp *smtp, uint64_t count)
{
    bool is_exact = conversation_knows_count(conversation, count);

    smtp->lines[FROM_CLIENT] = (struct line_reader){.passes_over = false};
    if (smtp->phase != SMTP_MESSAGE && smtp->phase != SMTP_CHUNK && awaits(smtp, SMTP_DATA))
        begin_unanswered_message(conversation, smtp); /* a message, unless the server says otherwise */
    if (smtp->phase == SMTP_MESSAGE) {
        smtp->message->size_is_unknown = smtp->message->size_is_unknown || !is_exact;
        smtp->message->missing_is_unknown = smtp->message->missing_is_unknown || count == MISSING_UNKNOWN;
        lose_message(smtp, count == MISSING_UNKNOWN ? 1 : count);
        return;
    }
    if (smtp->phase == SMTP_CHUNK)
        count = lose_chunk(smtp, count, is_exact);
    if (count == 0 && is_exact)
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
    smtp->is_lmtp_reply_begun = false;
    smtp_give_up_replies(conversation, smtp, pending_lose_replies(&smtp->pending));
}

static enum verdict smtp_on_gap(struct conversation *conversation, void *state, enum side from, uint64_t count)
{
    struct smtp *smtp = state;

    if (smtp->phase == SMTP_BEFORE_TLS)
        return smtp_begin_tls(conversation, smtp);
    if (from == FROM_CLIENT)
        on_client_gap(conversation, state, count);
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

/* The session while TLS has the flow, and on its way into what TLS protects. `outer` first: TLS knows no more of it. */
struct suspended {
    struct tls_outer outer;
    struct smtp smtp;
};

extern const struct dissector smtp_dissector;

/* Inside TLS the dialogue begins afresh, without a greeting (RFC 3207, 4.2). */
static void resume(struct smtp *smtp, struct suspended *suspended)
{
    *smtp = suspended->smtp;
    memory_free(suspended);
    smtp->lines[FROM_CLIENT] = (struct line_reader){.passes_over = false};
    smtp->lines[FROM_SERVER] = (struct line_reader){.passes_over = false};
    reply_forget(&smtp->reply);
    smtp->client_waits = false;
    smtp->client_is_behind = false;
    smtp->may_answer_login = false;
    smtp->offers_tls = false;
}

static void smtp_open(struct conversation *conversation, void *state, void *from_before)
{
    struct smtp *smtp = state;

    if (from_before != NULL)
        resume(smtp, from_before);
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
    smtp_finish_mail(conversation, smtp, smtp->server_mail, is_given_up ? SMTP_ABORTED : SMTP_OUTCOME_UNKNOWN);
    smtp_finish_mail(conversation, smtp, smtp->client_mail, SMTP_OUTCOME_UNKNOWN);
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
        .tunnel = record_integer(conversation_tunnel(conversation)),
        .banner = known_text(&smtp->banner),
        .helo = known_text(&smtp->helo),
        .server_extensions = known_text(&smtp->extensions),
        .encryption = record_text_of(encryption_of(conversation, smtp)),
        .auth_mechanism = known_text(&smtp->user.mechanism),
        .auth_user = known_text(&smtp->user.user),
        .auth_result = record_text_of(smtp->auth_result),
        .mails = record_integer(smtp->mails),
        .last_reply = known_text(&smtp->last_reply),
        .auth_identity = known_text(&smtp->user.identity),
        .auth_domain = known_text(&smtp->user.domain),
        .auth_workstation = known_text(&smtp->user.workstation),
        .forwarded = known_text(&smtp->forwarded),
    };

    if (conversation_recording(conversation)->passwords)
        row.auth_password = known_text(&smtp->user.password);
    if (smtp->has_commands)
        row.auth_attempts = record_integer(smtp->auth_attempts);
    if (smtp->has_commands || smtp->last_reply.length > 0)
        conversation_write(conversation, &smtp_session_table, &row);
}

static void smtp_refresh(struct conversation *conversation, void *state)
{
    write_session(conversation, state);
}

/* Nothing of the dialogue so far goes on. */
static void finish_dialogue(struct conversation *conversation, struct smtp *smtp)
{
    smtp_give_up_replies(conversation, smtp, smtp->pending.count);
    finish_open_mail(conversation, smtp);
    smtp_mail_release(&smtp->message);
}

static void finish(struct conversation *conversation, struct smtp *smtp)
{
    write_session(conversation, smtp);
    pending_free(&smtp->pending);
    reply_free(&smtp->reply);
    text_free(&smtp->banner);
    text_free(&smtp->helo_given);
    text_free(&smtp->helo);
    text_free(&smtp->extensions);
    text_free(&smtp->last_reply);
    text_free(&smtp->forwarded_given);
    text_free(&smtp->forwarded);
    smtp_free_login(smtp);
    smtp_free_findings(smtp);
}

static void smtp_close(struct conversation *conversation, void *state)
{
    struct smtp *smtp = state;

    if (smtp->is_moved)
        return;
    finish_dialogue(conversation, smtp);
    finish(conversation, smtp);
}

static void suspended_refresh(struct conversation *conversation, struct tls_outer *outer)
{
    write_session(conversation, &((struct suspended *)outer)->smtp);
}

static void suspended_close(struct conversation *conversation, struct tls_outer *outer)
{
    finish(conversation, &((struct suspended *)outer)->smtp);
    memory_free(outer);
}

/* TLS gets the flow, and the session with it, which goes on inside where the user has keys. */
enum verdict smtp_begin_tls(struct conversation *conversation, struct smtp *smtp)
{
    struct suspended *suspended = memory_new_zeroed(1, sizeof *suspended);

    if (suspended == NULL) {
        (void)conversation_hand_over(conversation, &tls_dissector, NULL);
        return VERDICT_HANDED_OVER;
    }
    finish_dialogue(conversation, smtp);
    suspended->outer = (struct tls_outer){.refresh = suspended_refresh, .close = suspended_close, .inside = &smtp_dissector, .moves_inside = true};
    suspended->smtp = *smtp;
    if (conversation_hand_over(conversation, &tls_dissector, suspended))
        smtp->is_moved = true;
    else
        memory_free(suspended);
    return VERDICT_HANDED_OVER;
}

static const struct record_table *const smtp_tables[] = {&smtp_session_table, &smtp_mail_table, &smtp_recipient_table, &smtp_url_table, &file_table, NULL};
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
    .refresh = smtp_refresh,
    .close = smtp_close,
};

/*
 * ftp.c - FTP's control connection: RFC 959, 1123 (4.1), 2228 (AUTH), 2389, 2428
 * (EPRT, EPSV), 3659, 4217.
 *
 * Every command with its reply, the login, the working directory, the data
 * connections (ftp_data.c). Replies come in the order of the commands, each with
 * preliminary replies (1xx) before its final one; see pending.h for what is done
 * where bytes are missing.
 *
 * Leaves out: REST other than for files, what is said within TLS without the user's keys (behind CCC text goes on), security
 * mechanisms other than TLS.
 */
#include "dissectors/ftp_session.h"

#include "dissectors/ftp_record.h"
#include "dissectors/tls.h"

#include "base/file.h"
#include "base/memory.h"

struct suspended;

/* So many lines in a row that are no replies, or no commands, and this is not FTP any more. */
#define FTP_STRANGE_LINES 32

static void resume(struct conversation *conversation, struct ftp *ftp, struct suspended *suspended);

static void ftp_open(struct conversation *conversation, void *state, void *from_before)
{
    struct ftp *ftp = state;

    if (from_before != NULL) {
        resume(conversation, ftp, from_before);
        return;
    }
    ftp->is_announcer = conversation_announces(conversation, true);
    ftp->banner.limit = REPLY_TEXT_LIMIT;
    ftp->login.user.limit = FTP_NAME_LIMIT;
    ftp->login.password.limit = FTP_NAME_LIMIT;
    ftp->system.limit = FTP_NAME_LIMIT;
    ftp->features.limit = REPLY_TEXT_LIMIT;
    ftp->host.limit = FTP_NAME_LIMIT;
    ftp->client_software.limit = FTP_NAME_LIMIT;
    ftp->last_reply.limit = REPLY_TEXT_LIMIT;
    ftp->directory.limit = FTP_PATH_LIMIT;
}

/* ---- the two sides ---- */

/* After lost bytes a line may be the end of another: only one that looks whole counts. */
static bool is_believed(struct ftp *ftp, enum side from, struct bytes line)
{
    struct bytes rest;

    if (!ftp->is_resyncing[from])
        return true;
    ftp->is_resyncing[from] = false;
    return from == FROM_SERVER ? reply_line_code(line) != 0 : ftp_find_word(bytes_split(line, ' ', &rest)) != NULL;
}

/* The session while TLS has the flow. `outer` first: TLS knows no more of it. */
struct suspended {
    struct tls_outer outer;
    struct ftp ftp;
};

static void ftp_write(struct conversation *conversation, void *state);
static void finish(struct conversation *conversation, struct ftp *ftp);

static void suspended_refresh(struct conversation *conversation, struct tls_outer *outer)
{
    ftp_write(conversation, &((struct suspended *)outer)->ftp);
}

static void suspended_close(struct conversation *conversation, struct tls_outer *outer)
{
    finish(conversation, &((struct suspended *)outer)->ftp);
    memory_free(outer);
}

/* TLS gets the flow, and the session with it: text may come back (CCC). */
static enum verdict begin_tls(struct conversation *conversation, struct ftp *ftp)
{
    struct suspended *suspended = memory_new_zeroed(1, sizeof *suspended);

    ftp->is_encrypted_from_now = true;
    if (suspended == NULL) {
        (void)conversation_hand_over(conversation, &tls_dissector, NULL);
        return VERDICT_HANDED_OVER;
    }
    ftp_give_up_commands(conversation, ftp, ftp->pending.count);
    suspended->outer = (struct tls_outer){
        .dissector = &ftp_dissector,
        .refresh = suspended_refresh,
        .close = suspended_close,
        .inside = &ftp_dissector,
        .moves_inside = true,
    };
    suspended->ftp = *ftp;
    if (conversation_hand_over(conversation, &tls_dissector, suspended))
        ftp->is_moved = true;
    else
        memory_free(suspended);
    return VERDICT_HANDED_OVER;
}

/* Into what TLS protects, where the user has keys: the dialogue goes on. */
static void resume_inside(struct ftp *ftp)
{
    ftp->lines[FROM_CLIENT] = (struct line_reader){.passes_over = false};
    ftp->lines[FROM_SERVER] = (struct line_reader){.passes_over = false};
    reply_forget(&ftp->reply);
    ftp->was_opened = true;
}

/* Text is back. What was said within TLS is not known, unless it was read. */
static void resume(struct conversation *conversation, struct ftp *ftp, struct suspended *suspended)
{
    bool has_records = suspended->outer.has_records;
    bool was_behind = suspended->ftp.client_is_behind;

    *ftp = suspended->ftp;
    memory_free(suspended);
    ftp->client_is_behind = false;
    ftp->has_replies = true;
    if (conversation_is_decrypted(conversation)) {
        resume_inside(ftp);
        return;
    }
    ftp->is_behind_tls = has_records;
    if (has_records && ftp->was_opened)
        return;
    if (has_records) {
        ftp->login.user_is_doubtful = true;
        ftp_state_lose_commands(ftp);
        return;
    }
    ftp->awaits_tls = true;
    if (was_behind)
        conversation_finding(conversation, "alarm", "ftp_starttls_injection",
                             "the client sent more commands with its AUTH, before TLS began: a server that takes them for a part of what TLS "
                             "protects is open to injection");
    else
        conversation_finding(conversation, "warning", "ftp_tls_not_begun", "the server agreed to AUTH, and what followed was sent in the clear");
}

/* Text follows behind TLS: the session goes on there. */
static void *ftp_leave(struct conversation *conversation, void *state)
{
    struct ftp *ftp = state;
    struct suspended *suspended = memory_new_zeroed(1, sizeof *suspended);

    (void)conversation;
    if (suspended == NULL)
        return NULL;
    suspended->outer = (struct tls_outer){.dissector = &ftp_dissector, .refresh = suspended_refresh, .close = suspended_close};
    suspended->ftp = *ftp;
    ftp->is_moved = true;
    return suspended;
}

static bool is_word(struct bytes word)
{
    for (size_t i = 0; i < word.length; i++) {
        if (word.at[i] < '0' || word.at[i] > 'z')
            return false;
    }
    return word.length > 0;
}

static enum verdict on_client_line(struct conversation *conversation, struct ftp *ftp, struct bytes line)
{
    struct text clean = {.limit = LINE_LIMIT};
    struct bytes argument;
    struct bytes word;

    ftp_split_command(line, &clean, &word, &argument);
    ftp->strange[FROM_CLIENT] = is_word(word) ? 0 : ftp->strange[FROM_CLIENT] + 1;
    if (word.length > 0)
        ftp_on_command(conversation, ftp, word, argument);
    text_free(&clean);
    return ftp->strange[FROM_CLIENT] < FTP_STRANGE_LINES ? VERDICT_GO_ON : VERDICT_NOT_THIS_PROTOCOL;
}

static enum verdict on_server_line(struct conversation *conversation, struct ftp *ftp, struct bytes line)
{
    switch (reply_add_line(&ftp->reply, REPLY_FTP, line)) {
    case REPLY_MORE:
        return VERDICT_GO_ON;
    case REPLY_BEFORE:
    case REPLY_STRANGE:
        if (line.length > 0)
            ftp_on_strange_line(ftp);
        return ++ftp->strange[FROM_SERVER] < FTP_STRANGE_LINES ? VERDICT_GO_ON : VERDICT_NOT_THIS_PROTOCOL;
    case REPLY_WHOLE:
        break;
    }
    ftp->strange[FROM_SERVER] = 0;
    return ftp_on_reply(conversation, ftp) ? begin_tls(conversation, ftp) : VERDICT_GO_ON;
}

/* Whether the client's next bytes have to wait for a reply that may still come: behind AUTH it decides what they are. */
static bool must_wait(const struct conversation *conversation, const struct ftp *ftp)
{
    const struct pending_command *newest = pending_newest(&ftp->pending);

    if (newest == NULL || newest->is_doubtful || !(conversation_has_start(conversation, FROM_SERVER) || ftp->has_replies))
        return false;
    return newest->verb == FTP_AUTH; /* without its reply nothing can be believed, even at the end */
}

/* TLS where a line should begin: AUTH, or its reply, is among the missing bytes. */
static bool is_hidden_tls(const struct conversation *conversation, const struct ftp *ftp, enum side from, const struct cursor *bytes)
{
    const struct pending_command *newest = pending_newest(&ftp->pending);
    bool may_be = ftp->awaits_tls || ftp->is_resyncing[from] || conversation_missing(conversation, side_other(from)) > 0 ||
                  (newest != NULL && newest->verb == FTP_AUTH);

    return may_be && !ftp->lines[from].passes_over && line_is_tls(bytes);
}

/* One side may still say in TLS that it ends it, when the other already speaks in the clear. */
static bool is_record(const struct cursor *bytes)
{
    int first = peek_u8(bytes);

    return first >= 20 && first <= 24;
}

static bool skip_record(struct cursor *bytes)
{
    struct cursor unit = *bytes;

    skip_bytes(&unit, 3); /* type and version: RFC 8446, 5.1 */
    skip_bytes(&unit, take_u16_be(&unit));
    if (!cursor_is_good(&unit))
        return false;
    *bytes = unit;
    return true;
}

static void note_long_line(struct conversation *conversation, struct ftp *ftp, enum side from)
{
    if (ftp->told_long_line[from])
        return;
    ftp->told_long_line[from] = true;
    conversation_finding(conversation, "notice", "line_too_long", "a line from the %s is longer than %d bytes; its rest was passed over",
                         side_name(from), LINE_LIMIT);
}

static enum verdict on_lines(struct conversation *conversation, struct ftp *ftp, enum side from, struct cursor *bytes)
{
    enum verdict verdict = VERDICT_GO_ON;

    while (verdict == VERDICT_GO_ON && cursor_left(bytes) > 0) {
        enum line_found found;
        struct bytes line;

        if (from == FROM_CLIENT && must_wait(conversation, ftp))
            return VERDICT_NEED_OTHER_SIDE;
        if (from == FROM_SERVER && ftp->pending.count == 0 && ftp->client_is_behind)
            return VERDICT_NEED_OTHER_SIDE; /* this reply is to what the client said meanwhile */
        if (is_hidden_tls(conversation, ftp, from, bytes))
            return begin_tls(conversation, ftp);
        if (ftp->is_behind_tls && !ftp->lines[from].passes_over && is_record(bytes)) {
            if (!skip_record(bytes))
                return VERDICT_NEED_MORE;
            continue;
        }
        found = line_take(&ftp->lines[from], bytes, &line);
        if (found == LINE_NONE)
            return VERDICT_NEED_MORE;
        if (found == LINE_TOO_LONG)
            note_long_line(conversation, ftp, from);
        if (!is_believed(ftp, from, line))
            continue;
        verdict = from == FROM_CLIENT ? on_client_line(conversation, ftp, line) : on_server_line(conversation, ftp, line);
    }
    return verdict;
}

static enum verdict ftp_on_data(struct conversation *conversation, void *state, enum side from, struct cursor *bytes)
{
    struct ftp *ftp = state;
    enum verdict verdict = on_lines(conversation, ftp, from, bytes);

    if (from == FROM_CLIENT)
        ftp->client_is_behind = verdict == VERDICT_NEED_OTHER_SIDE;
    return verdict;
}

static enum verdict ftp_on_gap(struct conversation *conversation, void *state, enum side from, uint64_t count)
{
    struct ftp *ftp = state;

    (void)count;
    ftp->is_resyncing[from] = true;
    ftp->lines[from].passes_over = false;
    if (from == FROM_CLIENT) {
        ftp->login.user_is_doubtful = true;
        ftp_state_lose_commands(ftp);
    }
    if (from == FROM_SERVER) {
        reply_forget(&ftp->reply);
        ftp->replies_owed = 0;
        ftp_give_up_commands(conversation, ftp, pending_lose_replies(&ftp->pending));
    }
    return VERDICT_GO_ON;
}

/* ---- the end ---- */

static const char *encryption_of(const struct conversation *conversation, const struct ftp *ftp)
{
    if (ftp->is_encrypted_from_now)
        return "explicit";
    if (conversation_is_decrypted(conversation)) /* inside TLS the server greets only where TLS came first */
        return ftp->has_greeting ? "implicit" : "explicit";
    return "none";
}

static void ftp_write(struct conversation *conversation, void *state)
{
    const struct ftp *ftp = state;
    struct text last_reply = {.limit = REPLY_TEXT_LIMIT};
    struct ftp_session row = {
        .flow_id = record_integer(conversation_flow(conversation)->flow_id),
        .encrypted = record_boolean(ftp->was_opened || conversation_is_decrypted(conversation)),
        .tunnel = record_integer(conversation_tunnel(conversation)),
        .banner = record_text_unless_empty(text_bytes(&ftp->banner)),
        .user = record_text_unless_empty(text_bytes(&ftp->login.user)),
        .password = record_text_unless_empty(text_bytes(&ftp->login.password)),
        .auth_result = record_text_of(ftp->login.result),
        .system = record_text_unless_empty(text_bytes(&ftp->system)),
        .encryption = record_text_of(encryption_of(conversation, ftp)),
        .commands = record_integer(ftp->commands),
        .transfers = record_integer(ftp->transfers),
        .bytes_up = record_integer((int64_t)ftp->bytes_up),
        .bytes_down = record_integer((int64_t)ftp->bytes_down),
        .login_attempts = record_integer(ftp->login.attempts),
        .features = record_text_unless_empty(text_bytes(&ftp->features)),
        .host = record_text_unless_empty(text_bytes(&ftp->host)),
        .client_software = record_text_unless_empty(text_bytes(&ftp->client_software)),
    };

    if (ftp->last_code != 0)
        text_append_format(&last_reply, ftp->last_reply.length > 0 ? "%u " : "%u", ftp->last_code);
    text_append(&last_reply, text_bytes(&ftp->last_reply));
    row.last_reply = record_text_unless_empty(text_bytes(&last_reply));

    conversation_write(conversation, &ftp_session_table, &row);
    text_free(&last_reply);
}

static void finish(struct conversation *conversation, struct ftp *ftp)
{
    ftp_give_up_commands(conversation, ftp, ftp->pending.count);
    if (ftp->is_announcer)
        (void)conversation_announces(conversation, false);
    ftp_channels_finish(conversation, ftp);
    ftp_write(conversation, ftp);
    text_free(&ftp->banner);
    text_free(&ftp->login.user);
    text_free(&ftp->login.password);
    text_free(&ftp->login.secret);
    text_free(&ftp->system);
    text_free(&ftp->features);
    text_free(&ftp->host);
    text_free(&ftp->client_software);
    text_free(&ftp->last_reply);
    text_free(&ftp->directory);
    reply_free(&ftp->reply);
    pending_free(&ftp->pending);
}

static void ftp_close(struct conversation *conversation, void *state)
{
    struct ftp *ftp = state;

    if (!ftp->is_moved)
        finish(conversation, ftp);
}

static const struct record_table *const ftp_tables[] = {&ftp_session_table, &ftp_command_table, &ftp_transfer_table,
                                                        &ftp_listing_table, &file_table,        NULL};
static const uint16_t ftp_ports[] = {21, 2121, 0};

const struct dissector ftp_dissector = {
    .name = "ftp",
    .tables = ftp_tables,
    .ports = ftp_ports,
    .state_size = sizeof(struct ftp),
    .unit_limit = 2 * LINE_LIMIT,
    .match = ftp_match,
    .open = ftp_open,
    .on_data = ftp_on_data,
    .on_gap = ftp_on_gap,
    .refresh = ftp_write,
    .leave = ftp_leave,
    .close = ftp_close,
};

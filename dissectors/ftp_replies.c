/*
 * ftp_replies.c - FTP's replies (RFC 959, 4.2): which command each belongs to, and what it changes.
 */
#include "dissectors/ftp_session.h"

/* Codes by which a server answers a few commands only. */
static bool is_particular(unsigned code)
{
    static const unsigned codes[] = {215, 221, 225, 226, 227, 228, 229, 230, 232, 234, 235, 257, 331, 332, 334, 350};

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (code == codes[i])
            return true;
    }
    return false;
}

static bool reply_fits(unsigned verb, unsigned code)
{
    if (code >= 400)
        return true;
    switch ((enum ftp_verb)verb) {
    case FTP_PASV:
        return code == 227;
    case FTP_EPSV:
        return code == 229;
    case FTP_LPSV:
        return code == 228;
    case FTP_PWD:
        return code == 257;
    case FTP_MKD:
        return code == 257 || code == 250;
    case FTP_SYST:
        return code == 215;
    case FTP_REST:
    case FTP_RNFR:
        return code == 350;
    case FTP_USER:
        return code == 331 || code == 332 || code == 230 || code == 232;
    case FTP_PASS:
    case FTP_ACCT:
        return code == 230 || code == 202 || code == 232 || code == 332;
    case FTP_AUTH:
        return code == 234 || code == 334 || code == 235;
    case FTP_TRANSFER:
        return code < 200 || code == 226 || code == 250;
    case FTP_ABOR:
        return code == 225 || code == 226 || code == 250;
    case FTP_QUIT:
        return code == 221;
    case FTP_OTHER:
        return code >= 200 && code != 227 && code != 229 && code != 226 && code != 331 && code != 230;
    default:
        return code >= 200 && !is_particular(code);
    }
}

static bool nothing_is_missing(const struct conversation *conversation)
{
    return conversation_missing(conversation, FROM_CLIENT) == 0 && conversation_missing(conversation, FROM_SERVER) == 0 &&
           conversation_has_start(conversation, FROM_CLIENT) && conversation_has_start(conversation, FROM_SERVER);
}

/* The server's first reply is its greeting, even to a client that did not wait for it; 120 says that another follows. */
static bool is_greeting(const struct conversation *conversation, const struct ftp *ftp, unsigned code)
{
    if (ftp->has_greeting || ftp->has_replies || conversation_missing(conversation, FROM_SERVER) > 0)
        return false;
    if (!conversation_has_start(conversation, FROM_SERVER) || conversation_is_decrypted(conversation))
        return (code == 220 || code == 120) && ftp->commands == 0;
    return ftp->commands == 0 || code == 220 || code == 120 || code >= 400;
}

/* The command that a preliminary reply belongs to. NULL where that is not known. */
static struct pending_command *preliminary_to(const struct conversation *conversation, const struct ftp *ftp, unsigned code)
{
    int answered = pending_answered(&ftp->pending, code, nothing_is_missing(conversation), reply_fits);

    return ftp->replies_owed == 0 && answered >= 0 ? &ftp->pending.commands[answered] : NULL;
}

static void on_preliminary(struct conversation *conversation, struct ftp *ftp, unsigned code, struct bytes text)
{
    const struct pending_command *command = preliminary_to(conversation, ftp, code);
    struct ftp_request *request = command != NULL ? command->subject : NULL;

    if (request == NULL)
        return;
    if (request->preliminary_code == 0)
        request->preliminary_code = code;
    if (command->verb == FTP_TRANSFER)
        ftp_channels_on_preliminary(conversation, ftp, request, text);
}

/* The newest reply that a server gave although nobody waits for it, as far as its code tells: then nothing is answered. */
static bool is_stale(const struct ftp *ftp, unsigned code)
{
    const struct pending_command *oldest = pending_oldest(&ftp->pending);

    return ftp->is_out_of_step && oldest != NULL && is_particular(code) && !reply_fits(oldest->verb, code);
}

/*
 * Which command a final reply answers; -1: none that is known. Where nothing is missing it is the oldest; but a server
 * that left out a reply (to one of RETR and ABOR, say) would be out of step from there on, if a code that can only be
 * meant for a later command did not tell.
 */
static int answered_by(const struct conversation *conversation, const struct ftp *ftp, unsigned code)
{
    const struct pending_command *oldest = pending_oldest(&ftp->pending);
    bool is_whole = nothing_is_missing(conversation) && (oldest == NULL || !oldest->is_doubtful);

    if (!is_whole || oldest == NULL || !is_particular(code) || reply_fits(oldest->verb, code))
        return pending_answered(&ftp->pending, code, is_whole, reply_fits);
    for (unsigned i = 1; i < ftp->pending.count; i++) {
        if (ftp->pending.commands[i].verb != FTP_OTHER && reply_fits(ftp->pending.commands[i].verb, code))
            return (int)i;
    }
    return is_stale(ftp, code) ? -1 : 0;
}

/*
 * While data travels a server may answer STAT, NOOP or ABOR at once (RFC 959, 4.1.3), before the transfer's own final
 * reply: the command behind a transfer that a reply is meant for, which does not fit the transfer. 0: none.
 */
static unsigned answered_meanwhile(const struct conversation *conversation, const struct ftp *ftp, unsigned code)
{
    const struct pending_command *oldest = pending_oldest(&ftp->pending);

    if (oldest == NULL || oldest->verb != FTP_TRANSFER || !nothing_is_missing(conversation) || reply_fits(oldest->verb, code) ||
        ((const struct ftp_request *)oldest->subject)->preliminary_code == 0)
        return 0;
    for (unsigned i = 1; i < ftp->pending.count; i++) {
        if (reply_fits(ftp->pending.commands[i].verb, code))
            return i;
    }
    return 0;
}

void ftp_on_strange_line(struct ftp *ftp)
{
    struct pending_command *oldest = pending_oldest(&ftp->pending);

    ftp->is_out_of_step = true;
    if (oldest != NULL)
        oldest->is_doubtful = true; /* perhaps this was its reply: the next command tells, for a client waits */
}

/* The client's side is not in the capture: some replies say by themselves what was asked. */
static void on_lone_reply(struct conversation *conversation, struct ftp *ftp, unsigned code, struct bytes text, unsigned code_before)
{
    if (code == 215)
        ftp_set_text(&ftp->system, text);
    else
        ftp_login_on_lone_reply(conversation, ftp, code, code_before);
}

bool ftp_on_reply(struct conversation *conversation, struct ftp *ftp)
{
    unsigned code_before = ftp->last_code;
    unsigned code = ftp->reply.code;
    struct bytes text = text_bytes(&ftp->reply.text);
    struct pending_command command;
    unsigned meanwhile;
    int answered;

    if (ftp_login_shows_secret(ftp, text))
        text = bytes_of(NULL, 0);
    ftp_set_text(&ftp->last_reply, text);
    ftp->last_code = code;
    if (is_greeting(conversation, ftp, code)) {
        ftp->has_greeting = code != 120;
        ftp_set_text(&ftp->banner, text);
        return false;
    }
    ftp->has_replies = true;
    if (code < 200) {
        on_preliminary(conversation, ftp, code, text);
        return false; /* the final one is still to come */
    }
    if (ftp->replies_owed > 0) {
        ftp->replies_owed--;
        return false;
    }
    meanwhile = answered_meanwhile(conversation, ftp, code);
    if (meanwhile > 0) {
        command = pending_take(&ftp->pending, meanwhile);
        ftp_finish_command(conversation, ftp, &command, code, text);
        return false;
    }
    answered = answered_by(conversation, ftp, code);
    if (answered < 0) {
        if (ftp->commands == 0)
            on_lone_reply(conversation, ftp, code, text, code_before);
        if (is_stale(ftp, code))
            ftp_on_strange_line(ftp);
        return false;
    }
    ftp_give_up_commands(conversation, ftp, (unsigned)answered);
    command = pending_take_oldest(&ftp->pending);
    ftp_finish_command(conversation, ftp, &command, code, text);
    return command.verb == FTP_AUTH && code == 234;
}

/*
 * ftp_replies.c - FTP's replies (RFC 959, 4.2): which command each belongs to, and what it changes.
 */
#include "dissectors/ftp_session.h"

#include "dissectors/ftp_directory.h"

static bool reply_fits(unsigned verb, unsigned code)
{
    if (code >= 400)
        return true;
    switch ((enum ftp_verb)verb) {
    case FTP_PASV:
        return code == 227;
    case FTP_EPSV:
        return code == 229;
    case FTP_PWD:
        return code == 257;
    case FTP_SYST:
        return code == 215;
    case FTP_REST:
        return code == 350;
    case FTP_USER:
        return code == 331 || code == 332 || code == 230;
    case FTP_PASS:
    case FTP_ACCT:
        return code == 230 || code == 202 || code == 332;
    case FTP_AUTH:
        return code == 234 || code == 334 || code == 235;
    case FTP_TRANSFER:
        return code < 200 || code == 226 || code == 250;
    default:
        return code >= 200 && code != 227 && code != 229 && code != 226 && code != 331 && code != 230;
    }
}

/* What a final reply changes. */
static void on_final(struct conversation *conversation, struct ftp *ftp, const struct pending_command *command, unsigned code, struct bytes reply)
{
    const struct ftp_request *request = command->subject;
    struct bytes argument = text_bytes(&request->argument);
    bool is_good = code >= 200 && code < 400;
    uint64_t offset;

    switch ((enum ftp_verb)command->verb) {
    case FTP_USER:
    case FTP_PASS:
    case FTP_ACCT:
        ftp_login_on_reply(conversation, ftp, request, code, reply);
        break;
    case FTP_CWD:
        if (is_good)
            ftp_change_directory(&ftp->directory, argument);
        break;
    case FTP_CDUP:
        if (is_good)
            ftp_change_directory(&ftp->directory, bytes_of_text(".."));
        break;
    case FTP_PWD:
        if (code == 257)
            ftp_take_quoted_directory(&ftp->directory, reply);
        break;
    case FTP_SYST:
        if (code == 215)
            ftp_set_text(&ftp->system, reply);
        break;
    case FTP_REST:
        ftp->has_offset = code == 350 && bytes_to_number(bytes_trim(argument), INT64_MAX, &offset);
        ftp->offset = ftp->has_offset ? offset : 0;
        break;
    case FTP_PORT:
    case FTP_EPRT:
        ftp_channels_on_port_reply(conversation, ftp, request, command->verb == FTP_EPRT, is_good);
        break;
    case FTP_PASV:
        if (code == 227)
            ftp_channels_on_passive(conversation, ftp, reply, false);
        break;
    case FTP_EPSV:
        if (code == 229)
            ftp_channels_on_passive(conversation, ftp, reply, true);
        break;
    case FTP_AUTH:
        ftp->auth_was_refused = code >= 400;
        break;
    case FTP_TRANSFER:
        ftp_channels_on_transfer_reply(conversation, ftp, request, code);
        break;
    default:
        break;
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

/* STOU's preliminary reply names the file that the server made: "125 FILE: name" (RFC 1123, 4.1.2.9). */
static void on_preliminary(struct ftp *ftp, struct bytes text)
{
    const struct pending_command *oldest = pending_oldest(&ftp->pending);
    const struct ftp_request *request = oldest != NULL ? oldest->subject : NULL;
    struct cursor name = cursor_within(text);

    if (oldest == NULL || oldest->verb != FTP_TRANSFER || request->channel == NULL ||
        !bytes_equal_nocase(bytes_of(request->verb, request->verb_length), "STOU"))
        return;
    if (!bytes_begin_nocase(text, "FILE:"))
        return;
    skip_bytes(&name, strlen("FILE:"));
    ftp_resolve_path(&ftp->directory, bytes_trim(peek_bytes(&name)), &request->channel->path);
}

bool ftp_on_reply(struct conversation *conversation, struct ftp *ftp)
{
    unsigned code = ftp->reply.code;
    struct bytes text = text_bytes(&ftp->reply.text);
    struct pending_command command;
    int answered;

    ftp_set_text(&ftp->last_reply, text);
    ftp->last_code = code;
    if (is_greeting(conversation, ftp, code)) {
        ftp->has_greeting = code != 120;
        ftp_set_text(&ftp->banner, text);
        return false;
    }
    ftp->has_replies = true;
    if (code < 200) {
        on_preliminary(ftp, text);
        return false; /* the final one is still to come */
    }
    if (ftp->replies_owed > 0) {
        ftp->replies_owed--;
        return false;
    }
    answered = pending_answered(&ftp->pending, code, nothing_is_missing(conversation), reply_fits);
    if (answered < 0)
        return false;
    ftp_give_up_commands(conversation, ftp, (unsigned)answered);
    command = pending_take_oldest(&ftp->pending);
    if (ftp_login_shows_secret(command.subject, text))
        text_clear(&ftp->last_reply);
    on_final(conversation, ftp, &command, code, text);
    ftp_finish_command(conversation, &command, code, text);
    return command.verb == FTP_AUTH && code == 234;
}

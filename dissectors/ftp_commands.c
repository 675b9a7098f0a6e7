/*
 * ftp_commands.c - FTP's commands: what they mean before they are answered, and their rows.
 */
#include "dissectors/ftp_session.h"

#include "base/memory.h"
#include "dissectors/ftp_record.h"

static void free_request(struct ftp_request *request)
{
    if (request->channel != NULL)
        ftp_channel_let_go(request->channel);
    text_free(&request->argument);
    text_free(&request->secret);
    memory_free(request);
}

void ftp_finish_command(struct conversation *conversation, const struct pending_command *command, unsigned code, struct bytes reply)
{
    struct ftp_request *request = command->subject;
    struct ftp_command row = {
        .flow_id = record_integer(conversation_flow(conversation)->flow_id),
        .number = record_integer(request->number),
        .time_us = record_integer(command->time_us),
        .command = record_text_unless_empty(bytes_of(request->verb, request->verb_length)),
        .argument = record_text_unless_empty(text_bytes(&request->argument)),
    };

    if (code != 0) {
        row.reply_code = record_integer(code);
        if (!ftp_login_shows_secret(request, reply))
            row.reply = record_text_unless_empty(reply);
        row.delay_us = record_integer(conversation_now(conversation) - command->time_us);
    }
    conversation_write(conversation, &ftp_command_table, &row);
    free_request(request);
}

void ftp_give_up_commands(struct conversation *conversation, struct ftp *ftp, unsigned count)
{
    while (count-- > 0 && ftp->pending.count > 0) {
        struct pending_command command = pending_take_oldest(&ftp->pending);

        ftp_finish_command(conversation, &command, 0, bytes_of(NULL, 0));
    }
}

static void set_verb(struct ftp_request *request, struct bytes verb)
{
    size_t length = verb.length < FTP_VERB_LIMIT ? verb.length : FTP_VERB_LIMIT;

    for (size_t i = 0; i < length; i++)
        request->verb[i] = verb.at[i] >= 'a' && verb.at[i] <= 'z' ? (char)(verb.at[i] - ('a' - 'A')) : (char)verb.at[i];
    request->verb_length = length;
}

/* What a command means before its reply is known. */
static void on_sent(struct conversation *conversation, struct ftp *ftp, enum ftp_verb verb, struct ftp_request *request)
{
    if (verb == FTP_USER || verb == FTP_PASS || verb == FTP_ACCT) {
        ftp_login_on_sent(conversation, ftp, verb, request);
    } else if (verb == FTP_TRANSFER) {
        ftp_channels_begin_transfer(conversation, ftp, request);
    } else if (verb == FTP_PORT || verb == FTP_EPRT) {
        ftp_channels_on_port_sent(conversation, ftp, request, verb == FTP_EPRT);
    }
}

static void note_many_pending(struct conversation *conversation, struct ftp *ftp)
{
    if (ftp->told_too_many)
        return;
    ftp->told_too_many = true;
    conversation_finding(conversation, "notice", "too_many_open_commands", "more than %d commands wait for their replies", PENDING_LIMIT);
}

void ftp_on_command(struct conversation *conversation, struct ftp *ftp, struct bytes word, struct bytes argument)
{
    const struct ftp_word *known = ftp_find_word(word);
    enum ftp_verb verb = known != NULL ? known->verb : FTP_OTHER;
    struct ftp_request *request;
    struct pending_command *command;

    ftp_give_up_commands(conversation, ftp, pending_outdated(&ftp->pending, conversation_now(conversation)));
    if (ftp->pending.count == PENDING_LIMIT) {
        note_many_pending(conversation, ftp);
        ftp_give_up_commands(conversation, ftp, 1);
        ftp->replies_owed++;
    }
    request = memory_new_zeroed(1, sizeof *request);
    if (request == NULL)
        return;
    command = pending_add(&ftp->pending, verb, conversation_now(conversation));
    if (command == NULL) {
        memory_free(request);
        return;
    }
    command->subject = request;
    request->number = ++ftp->commands;
    request->argument.limit = FTP_ARGUMENT_LIMIT;
    set_verb(request, word);
    text_append(&request->argument, argument);
    on_sent(conversation, ftp, verb, request);
}

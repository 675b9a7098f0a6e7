/*
 * ftp_commands.c - FTP's commands: what they mean before they are answered, and their rows.
 */
#include "dissectors/ftp_session.h"

#include "base/memory.h"
#include "dissectors/ftp_directory.h"
#include "dissectors/ftp_paths.h"
#include "dissectors/ftp_record.h"

static void free_request(struct ftp_request *request)
{
    if (request->channel != NULL)
        ftp_channel_let_go(request->channel);
    text_free(&request->argument);
    memory_free(request);
}

static bool is_absolute(const struct text *path)
{
    return path->length > 0 && path->at[0] == '/';
}

/* The path that a command means, as the working directory is where the server comes to it. Empty: none. */
static void set_path(const struct ftp *ftp, const struct ftp_request *request, unsigned code, struct bytes reply, struct text *path)
{
    struct bytes verb = bytes_of(request->verb, request->verb_length);
    struct bytes named = ftp_path_in(verb, text_bytes(&request->argument));

    if (request->channel != NULL && request->channel->path.length > 0 && bytes_equal_nocase(verb, "STOU"))
        text_append(path, text_bytes(&request->channel->path)); /* the server chose the name */
    else if (named.length > 0)
        ftp_resolve_path(&ftp->directory, named, path);
    if (!is_absolute(path) && code == 257 && named.length > 0) {
        text_clear(path);
        ftp_take_quoted_directory(path, reply); /* MKD: what was made */
    }
}

void ftp_finish_command(struct conversation *conversation, struct ftp *ftp, const struct pending_command *command, unsigned code, struct bytes reply)
{
    struct ftp_request *request = command->subject;
    struct text path = {.limit = FTP_PATH_LIMIT};
    struct ftp_command row = {
        .flow_id = record_integer(conversation_flow(conversation)->flow_id),
        .number = record_integer(request->number),
        .time_us = record_integer(command->time_us),
        .command = record_text_unless_empty(bytes_of(request->verb, request->verb_length)),
        .argument = record_text_unless_empty(text_bytes(&request->argument)),
    };

    set_path(ftp, request, code, reply, &path);
    if (code != 0) {
        row.reply_code = record_integer(code);
        row.reply = record_text_unless_empty(reply);
        row.delay_us = record_integer(conversation_now(conversation) - command->time_us);
    }
    if (request->preliminary_code != 0)
        row.preliminary_code = record_integer(request->preliminary_code);
    ftp_note_hostile(conversation, ftp, request, code);
    ftp_state_on_final(conversation, ftp, command, code, reply);
    if (is_absolute(&path))
        row.path = record_text(text_bytes(&path));
    conversation_write(conversation, &ftp_command_table, &row);
    text_free(&path);
    free_request(request);
}

void ftp_give_up_commands(struct conversation *conversation, struct ftp *ftp, unsigned count)
{
    while (count-- > 0 && ftp->pending.count > 0) {
        struct pending_command command = pending_take_oldest(&ftp->pending);

        ftp_finish_command(conversation, ftp, &command, 0, bytes_of(NULL, 0));
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
    if (verb == FTP_USER || verb == FTP_PASS || verb == FTP_ACCT || verb == FTP_SITE) {
        ftp_login_on_sent(conversation, ftp, verb, request);
    } else if (verb == FTP_CLNT) {
        ftp_set_text(&ftp->client_software, bytes_trim(text_bytes(&request->argument)));
    } else if (verb == FTP_TRANSFER) {
        ftp_channels_begin_transfer(conversation, ftp, request);
    } else if (verb == FTP_PORT || verb == FTP_EPRT || verb == FTP_LPRT) {
        ftp_channels_on_port_sent(conversation, ftp, verb, request);
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

    if (ftp->commands == 0 && conversation_has_start(conversation, FROM_CLIENT) && conversation_missing(conversation, FROM_CLIENT) == 0)
        ftp_state_begin(ftp);
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

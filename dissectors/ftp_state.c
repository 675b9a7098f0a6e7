/*
 * ftp_state.c - what an answered command changes for those behind it: the working directory, how data is sent,
 * what the two say of themselves (RFC 959, 5; 2389; 2640; 4217; 7151).
 */
#include "dissectors/ftp_session.h"

#include "dissectors/ftp_directory.h"
#include "dissectors/ftp_paths.h"

void ftp_state_begin(struct ftp *ftp)
{
    ftp->settings = (struct ftp_settings){.type = 'A', .structure = 'F', .mode = 'S', .protection = 'C'};
    ftp->login.is_known = true;
    ftp->login.is_in = false;
    ftp->login.is_anonymous = false;
    ftp->has_offset = false;
    ftp->has_port = false;
    ftp_channels_forget_sizes(ftp);
    text_clear(&ftp->directory);
}

void ftp_state_lose_commands(struct ftp *ftp)
{
    ftp->settings = (struct ftp_settings){.type = 0};
    ftp->login.is_known = false;
    ftp->has_offset = false;
    ftp_channels_forget_sizes(ftp);
    text_clear(&ftp->directory);
}

/* The first letter of an argument, in upper case; 0 where it is none. */
static char letter_of(struct bytes argument)
{
    struct bytes trimmed = bytes_trim(argument);
    char first = trimmed.length > 0 ? (char)trimmed.at[0] : '\0';

    if (first >= 'a' && first <= 'z')
        first = (char)(first - ('a' - 'A'));
    return first >= 'A' && first <= 'Z' ? first : '\0';
}

static void on_setting(char *setting, bool is_good, bool is_known, struct bytes argument)
{
    if (is_good)
        *setting = letter_of(argument);
    else if (!is_known)
        *setting = '\0';
}

static void on_directory(struct ftp *ftp, enum ftp_verb verb, struct bytes argument, struct bytes reply)
{
    ftp_change_directory(&ftp->directory, verb == FTP_CDUP ? bytes_of_text("..") : argument);
    ftp_take_stated_directory(&ftp->directory, reply);
}

static void on_login(struct conversation *conversation, struct ftp *ftp, const struct ftp_request *request, unsigned code, struct bytes reply)
{
    ftp_login_on_reply(conversation, ftp, request, code, reply);
    if (code != 230 && code != 232)
        return;
    text_clear(&ftp->directory);
    ftp_take_stated_directory(&ftp->directory, reply);
}

/* The lines between the first and the last one (RFC 2389, 3.2). */
static void on_features(struct ftp *ftp, struct bytes reply)
{
    struct bytes rest;

    text_clear(&ftp->features);
    (void)bytes_split(reply, '\n', &rest);
    while (rest.at != NULL) {
        struct bytes line = bytes_trim(bytes_split(rest, '\n', &rest));

        if (rest.at != NULL && line.length > 0)
            text_append_item(&ftp->features, "\n", line);
    }
}

static void on_rest(struct ftp *ftp, unsigned code, struct bytes argument)
{
    uint64_t offset;

    ftp->has_offset = code == 350 && bytes_to_number(bytes_trim(argument), INT64_MAX, &offset);
    ftp->offset = ftp->has_offset ? offset : 0;
}

static void on_auth(struct ftp *ftp, unsigned code, struct bytes argument)
{
    struct bytes mechanism = bytes_trim(argument);

    ftp->auth_was_refused = code >= 400;
    /* RFC 4217, 17: in the old forms the data connections are protected from the beginning */
    if (code == 234 && (bytes_equal_nocase(mechanism, "SSL") || bytes_equal_nocase(mechanism, "TLS-P")))
        ftp->settings.protection = 'P';
}

/* Its reply was not seen: it may have been accepted. */
static void on_unanswered(struct ftp *ftp, enum ftp_verb verb)
{
    switch (verb) {
    case FTP_CWD:
    case FTP_CDUP:
    case FTP_USER:
    case FTP_PASS:
    case FTP_ACCT:
        ftp->login.is_known = ftp->login.is_known && verb != FTP_PASS;
        text_clear(&ftp->directory);
        break;
    case FTP_REIN:
        ftp_state_lose_commands(ftp);
        break;
    case FTP_REST:
        ftp->has_offset = false;
        break;
    default:
        break;
    }
}

static void on_answered(struct conversation *conversation, struct ftp *ftp, const struct pending_command *command, unsigned code, struct bytes reply)
{
    const struct ftp_request *request = command->subject;
    struct bytes argument = text_bytes(&request->argument);
    bool is_good = code >= 200 && code < 400;

    switch ((enum ftp_verb)command->verb) {
    case FTP_USER:
    case FTP_PASS:
    case FTP_ACCT:
        on_login(conversation, ftp, request, code, reply);
        break;
    case FTP_CWD:
    case FTP_CDUP:
        if (is_good)
            on_directory(ftp, command->verb, argument, reply);
        break;
    case FTP_PWD:
        if (code == 257)
            ftp_take_quoted_directory(&ftp->directory, reply);
        break;
    case FTP_REIN:
        if (is_good)
            ftp_state_begin(ftp);
        break;
    case FTP_SYST:
        if (code == 215)
            ftp_set_text(&ftp->system, reply);
        break;
    case FTP_FEAT:
        if (code == 211)
            on_features(ftp, reply);
        break;
    case FTP_HOST:
        if (is_good)
            ftp_set_text(&ftp->host, bytes_trim(argument));
        break;
    case FTP_REST:
        on_rest(ftp, code, argument);
        break;
    case FTP_AUTH:
        on_auth(ftp, code, argument);
        break;
    case FTP_PORT:
    case FTP_EPRT:
    case FTP_LPRT:
        ftp_channels_on_port_reply(conversation, ftp, command->verb, request, is_good);
        break;
    case FTP_PASV:
    case FTP_EPSV:
    case FTP_LPSV:
        ftp_channels_on_passive(conversation, ftp, command->verb, code, reply);
        break;
    case FTP_FACT:
    case FTP_ALLO:
        ftp_channels_on_size(ftp, command->verb, request, code, reply);
        break;
    case FTP_TRANSFER:
        ftp_channels_on_transfer_reply(conversation, ftp, request, code, reply);
        break;
    default:
        break;
    }
}

void ftp_state_on_final(struct conversation *conversation, struct ftp *ftp, const struct pending_command *command, unsigned code, struct bytes reply)
{
    const struct ftp_request *request = command->subject;
    struct bytes argument = text_bytes(&request->argument);
    bool is_good = code >= 200 && code < 300;

    switch ((enum ftp_verb)command->verb) {
    case FTP_TYPE:
        on_setting(&ftp->settings.type, is_good, code != 0, argument);
        break;
    case FTP_STRU:
        on_setting(&ftp->settings.structure, is_good, code != 0, argument);
        break;
    case FTP_MODE:
        on_setting(&ftp->settings.mode, is_good, code != 0, argument);
        break;
    case FTP_PROT:
        on_setting(&ftp->settings.protection, is_good, code != 0, argument);
        break;
    default:
        if (code == 0)
            on_unanswered(ftp, command->verb);
        else
            on_answered(conversation, ftp, command, code, reply);
        break;
    }
    if (is_good)
        ftp_channels_on_listing_reply(conversation, ftp, command, code, reply);
    if (is_good && ftp_changes_files(bytes_of(request->verb, request->verb_length), argument))
        ftp_login_note_write(conversation, ftp, request->verb, argument);
}

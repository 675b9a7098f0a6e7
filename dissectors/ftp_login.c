/*
 * ftp_login.c - logging in to FTP: USER, PASS, ACCT (RFC 959, 5.4), REIN.
 *
 * Passwords stay out of every row unless the user asked for them, also where a server repeats one in its reply.
 */
#include "dissectors/ftp_session.h"

#include "dissectors/login_failures.h"

/* A password of fewer bytes is looked for in a reply only behind its command: it could be a part of any word. */
#define FTP_SECRET_ALONE 4

static bool records_passwords(const struct conversation *conversation)
{
    return conversation_recording(conversation)->passwords;
}

static bool is_anonymous(const struct ftp_login *login)
{
    struct bytes user = text_bytes(&login->user);

    return !login->user_is_doubtful && (bytes_equal_nocase(user, "anonymous") || bytes_equal_nocase(user, "ftp"));
}

/* One attempt is a USER with the PASS behind it, or a PASS again after a refusal. */
static void count_attempt(struct ftp_login *login, bool is_again)
{
    if (login->is_counted && !is_again)
        return;
    login->is_counted = true;
    login->attempts++;
}

static void on_user(struct ftp_login *login, struct ftp_request *request)
{
    ftp_set_text(&login->user, text_bytes(&request->argument));
    text_clear(&login->password);
    login->result = NULL;
    login->user_is_doubtful = false;
    login->is_counted = false;
    login->was_refused = false;
    login->is_one_time = false;
    request->is_anonymous = is_anonymous(login);
}

static void tell_plaintext(struct conversation *conversation, struct ftp *ftp, const struct ftp_request *request)
{
    struct ftp_login *login = &ftp->login;

    /* who is meant is not known without a USER; what answers a challenge is of no use to who reads it (RFC 2289) */
    if (login->told_plaintext || login->user.length == 0 || login->user_is_doubtful || login->is_one_time || request->argument.length == 0 ||
        conversation_is_decrypted(conversation))
        return;
    login->told_plaintext = true;
    conversation_finding(conversation, "warning", "plaintext_credentials", "the password of %.*s was sent in the clear%s", (int)login->user.length,
                         login->user.at, ftp->auth_was_refused ? ", after the server refused AUTH" : "");
}

/* Keeps what must not be shown only to know it again in a reply. */
static void hide_argument(struct ftp_login *login, struct ftp_request *request)
{
    login->secret.limit = FTP_NAME_LIMIT;
    ftp_set_text(&login->secret, text_bytes(&request->argument));
    text_clear(&request->argument);
}

static void on_pass(struct conversation *conversation, struct ftp *ftp, struct ftp_request *request)
{
    struct ftp_login *login = &ftp->login;

    count_attempt(login, login->was_refused);
    login->was_refused = false;
    request->is_anonymous = is_anonymous(login);
    if (!request->is_anonymous)
        tell_plaintext(conversation, ftp, request);
    if (request->is_anonymous || records_passwords(conversation))
        ftp_set_text(&login->password, text_bytes(&request->argument));
    else
        hide_argument(&ftp->login, request);
}

/* "SITE PSWD old new" changes a password, "SITE GPASS" gives a group's: only the word is kept. */
static void on_site(const struct conversation *conversation, struct ftp_login *login, struct ftp_request *request)
{
    struct bytes argument = text_bytes(&request->argument);
    struct bytes rest;
    size_t word = bytes_split(argument, ' ', &rest).length;

    if (records_passwords(conversation) || !(bytes_begin_nocase(argument, "PSWD ") || bytes_begin_nocase(argument, "GPASS ") ||
                                             bytes_begin_nocase(argument, "PASSWD ") || bytes_begin_nocase(argument, "CPWD ")))
        return;
    login->secret.limit = FTP_NAME_LIMIT;
    ftp_set_text(&login->secret, rest);
    request->argument.length = word;
    request->argument.at[word] = '\0';
}

void ftp_login_on_sent(struct conversation *conversation, struct ftp *ftp, enum ftp_verb verb, struct ftp_request *request)
{
    if (verb == FTP_USER)
        on_user(&ftp->login, request);
    else if (verb == FTP_PASS)
        on_pass(conversation, ftp, request);
    else if (verb == FTP_SITE)
        on_site(conversation, &ftp->login, request);
    else if (verb == FTP_ACCT && !records_passwords(conversation))
        hide_argument(&ftp->login, request);
}

/* Codes that say nothing of the login itself: the command was out of order or not understood (RFC 959, 4.2.2). */
static bool is_about_syntax(unsigned code)
{
    return code >= 500 && code <= 504;
}

static void on_refused(struct conversation *conversation, struct ftp_login *login, unsigned code)
{
    login->result = "failure";
    login->was_refused = true;
    if (code == 421)
        return; /* the server goes away: nobody was refused */
    count_attempt(login, false);
    login_failures_refused(conversation, "ftp", !login->has_refusal);
    login->has_refusal = true;
}

static void on_accepted(struct conversation *conversation, struct ftp *ftp, const struct ftp_request *request)
{
    struct ftp_login *login = &ftp->login;

    login->result = "success";
    login->is_in = true;
    login->is_anonymous = request->is_anonymous;
    count_attempt(login, false);
    if (!request->is_anonymous)
        login_failures_accepted(conversation, "ftp", text_bytes(&login->user));
}

void ftp_login_on_reply(struct conversation *conversation, struct ftp *ftp, const struct ftp_request *request, unsigned code, struct bytes reply)
{
    if (code == 331)
        ftp->login.is_one_time = bytes_contain_nocase(reply, "otp-") || bytes_contain_nocase(reply, "s/key");
    else if (code == 230 || code == 232)
        on_accepted(conversation, ftp, request);
    else if (code >= 400 && !is_about_syntax(code))
        on_refused(conversation, &ftp->login, code);
}

void ftp_login_on_lone_reply(struct conversation *conversation, struct ftp *ftp, unsigned code, unsigned code_before)
{
    const struct ftp_request unseen = {.number = 0};
    struct ftp_login *login = &ftp->login;

    if (code == 331)
        login->is_counted = false;
    else if (code == 230 || code == 232)
        on_accepted(conversation, ftp, &unseen);
    else if (code == 530 && (code_before == 331 || code_before == 332)) /* else a command may have wanted a login */
        on_refused(conversation, login, code);
}

static bool contains(struct bytes text, struct bytes part)
{
    for (size_t i = 0; i + part.length <= text.length; i++) {
        if (memcmp(text.at + i, part.at, part.length) == 0)
            return true;
    }
    return false;
}

bool ftp_login_shows_secret(const struct ftp *ftp, struct bytes reply)
{
    const struct text *secret = &ftp->login.secret;
    struct text behind = {.limit = sizeof "PASS " + FTP_SECRET_ALONE};
    bool shows;

    if (secret->length == 0)
        return false;
    if (secret->length >= FTP_SECRET_ALONE)
        return contains(reply, text_bytes(secret));
    text_append_text(&behind, "PASS ");
    text_append(&behind, text_bytes(secret));
    shows = contains(reply, text_bytes(&behind));
    text_free(&behind);
    return shows;
}

void ftp_login_note_write(struct conversation *conversation, struct ftp *ftp, const char *verb, struct bytes path)
{
    struct ftp_login *login = &ftp->login;

    if (!login->is_anonymous || login->told_write)
        return;
    login->told_write = true;
    conversation_finding(conversation, "warning", "ftp_anonymous_write", "the server let an anonymous user write: %s %.*s", verb,
                         path.length < 256 ? (int)path.length : 256, path.length > 0 ? (const char *)path.at : "");
}

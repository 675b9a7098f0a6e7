/*
 * smtp_login.c - AUTH (RFC 4954): the exchange between the command and its final reply, several attempts in a session.
 *
 * What a client sends to log in goes to sasl.c and nowhere else. An attempt counts once it is answered; what a
 * server that is logged in to refuses (503) changes nothing.
 */
#include "dissectors/smtp.h"

/* A password that is such a word cannot be told from a reply's own text. */
static bool is_word_of_replies(struct bytes password)
{
    static const char *const words[] = {"password", "username", "user", "login", "failed", "failure", "invalid", "incorrect", "authentication", "credentials", "error", "auth"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (bytes_equal_nocase(password, words[i]))
            return true;
    }
    return false;
}

static void read_response(struct conversation *conversation, struct smtp *smtp, struct bytes response)
{
    sasl_secrets_add(&smtp->secrets, response);
    sasl_read_response(&smtp->login, response);
    if (!is_word_of_replies(text_bytes(&smtp->login.password)))
        sasl_secrets_add(&smtp->secrets, text_bytes(&smtp->login.password));
    smtp_note_credentials(conversation, smtp);
}

void smtp_on_auth_command(struct conversation *conversation, struct smtp *smtp, struct bytes argument)
{
    struct bytes response;
    struct bytes mechanism = bytes_split(argument, ' ', &response);

    sasl_begin(&smtp->login, mechanism);
    if (smtp->login.mechanism.length == 0)
        sasl_secrets_add(&smtp->secrets, mechanism); /* what was meant for the answer, perhaps */
    smtp_note_unused_tls(conversation, smtp, "AUTH", "notice");
    response = bytes_trim(response);
    if (response.length > 0)
        read_response(conversation, smtp, response);
    (void)smtp_add_command(conversation, smtp, SMTP_AUTH);
    smtp->phase = SMTP_LOGIN;
    smtp->client_waits = true;
    smtp->may_answer_login = false;
}

void smtp_on_login_line(struct conversation *conversation, struct smtp *smtp, struct bytes line)
{
    line = bytes_trim(line);
    if (!bytes_equal_nocase(line, "*")) /* cancelled */
        read_response(conversation, smtp, line);
    smtp->may_answer_login = false;
    smtp->client_waits = true;
}

void smtp_on_login_challenge(struct smtp *smtp, struct bytes challenge)
{
    sasl_read_challenge(&smtp->login, challenge);
    smtp->may_answer_login = true;
}

/* Those by which a server says that the password is wrong, not that the command is. */
static bool is_failed_login(unsigned code)
{
    return code == 535 || code == 454 || code == 550 || code == 554 || code == 530 || code == 534;
}

void smtp_on_login_reply(struct conversation *conversation, struct smtp *smtp, unsigned code)
{
    bool is_logged_in = smtp->auth_result != NULL && bytes_equal(bytes_of_text(smtp->auth_result), bytes_of_text("success"));

    smtp->may_answer_login = false;
    if (smtp->phase == SMTP_LOGIN)
        smtp->phase = SMTP_COMMANDS;
    if (code == 503 && is_logged_in) {
        sasl_free(&smtp->login);
        return;
    }
    smtp->auth_attempts++;
    sasl_free(&smtp->user);
    smtp->user = smtp->login;
    smtp->login = (struct sasl){.responses = 0};
    smtp->auth_result = code == 0 ? NULL : code == 235 ? "success" : "failure";
    if (is_failed_login(code) && smtp->user.responses > 0) {
        smtp->auth_failures++;
        smtp_note_failed_login(conversation, smtp);
    }
}

void smtp_on_unseen_login(struct smtp *smtp)
{
    sasl_free(&smtp->user);
    smtp->auth_result = "success";
}

void smtp_free_login(struct smtp *smtp)
{
    sasl_free(&smtp->login);
    sasl_free(&smtp->user);
    sasl_secrets_free(&smtp->secrets);
}

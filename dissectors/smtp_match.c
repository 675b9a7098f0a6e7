/*
 * smtp_match.c - the commands of SMTP (RFC 5321, 4.1.1), and by which of them, and which
 * greetings, a flow is recognized on any port.
 */
#include "dissectors/smtp.h"

static const struct {
    const char *name;
    enum smtp_verb verb;
} verbs[] = {
    {"MAIL", SMTP_MAIL},
    {"RCPT", SMTP_RCPT},
    {"DATA", SMTP_DATA},
    {"EHLO", SMTP_EHLO},
    {"HELO", SMTP_HELO},
    {"LHLO", SMTP_LHLO},
    {"BDAT", SMTP_BDAT},
    {"BURL", SMTP_BURL},
    {"RSET", SMTP_RSET},
    {"QUIT", SMTP_QUIT},
    {"AUTH", SMTP_AUTH},
    {"X-EXPS", SMTP_AUTH},
    {"NOOP", SMTP_OTHER},
    {"HELP", SMTP_OTHER},
    {"ETRN", SMTP_OTHER},
    {"VRFY", SMTP_LOOK_UP},
    {"EXPN", SMTP_LOOK_UP},
    {"STARTTLS", SMTP_STARTTLS},
    {"X-ANONYMOUSTLS", SMTP_STARTTLS},
    {"XCLIENT", SMTP_XCLIENT},
    {"XFORWARD", SMTP_XFORWARD},
    {"SEND", SMTP_MAIL},
    {"SOML", SMTP_MAIL},
    {"SAML", SMTP_MAIL},
    {"TURN", SMTP_TURN},
    {"ATRN", SMTP_TURN},
};
#define VERB_COUNT (sizeof verbs / sizeof verbs[0])

/* The verb at the start of a line: NULL where it is none that we know. Its argument, trimmed. */
bool smtp_find_verb(struct bytes line, enum smtp_verb *verb, struct bytes *argument)
{
    struct bytes word = bytes_split(bytes_trim(line), ' ', argument);

    *argument = bytes_trim(*argument);
    for (size_t i = 0; i < VERB_COUNT; i++) {
        if (bytes_equal_nocase(word, verbs[i].name)) {
            *verb = verbs[i].verb;
            return true;
        }
    }
    *verb = SMTP_OTHER;
    return false;
}

/* ---- identification ---- */

/* The first line so far, and whether it is whole. */
static struct bytes first_line(struct bytes said, bool *is_whole_line)
{
    struct bytes rest;
    struct bytes line = bytes_split(said, '\n', &rest);

    *is_whole_line = rest.at != NULL;
    if (line.length > 0 && line.at[line.length - 1] == '\r')
        line.length--;
    return line;
}

/* A command that no other protocol has: with its argument, so that the start of a text does not do. */
static enum match match_command(struct bytes said)
{
    static const char *const words[] = {"EHLO ", "HELO ", "LHLO ", "MAIL FROM:", "RCPT TO:", "STARTTLS", "BDAT ", "MAIL FROM :", "XCLIENT "};
    enum match match = MATCH_NO;

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        char start[16];

        if (bytes_begin_nocase(said, words[i]))
            return MATCH_YES;
        if (said.length >= strlen(words[i]))
            continue;
        memcpy(start, words[i], said.length);
        start[said.length] = '\0';
        if (bytes_begin_nocase(said, start))
            match = MATCH_MAYBE;
    }
    return match;
}

static bool begins_with_digits(struct bytes start)
{
    for (size_t i = 0; i < start.length; i++) {
        if (start.at[i] < '0' || start.at[i] > '9')
            return false;
    }
    return true;
}

/* A greeting: 220, or a refusal (RFC 5321, 3.1), with the protocol's name in it where the server says so. */
static enum match match_greeting(struct bytes said)
{
    bool is_whole_line;
    struct bytes line = first_line(said, &is_whole_line);
    unsigned code = reply_line_code(line);

    if (!is_whole_line && line.length < 4)
        return begins_with_digits(line) ? MATCH_MAYBE : MATCH_NO;
    if (!is_whole_line && line.length < SMTP_GREETING_LIMIT)
        return code != 0 ? MATCH_MAYBE : MATCH_NO;
    if (bytes_contain_nocase(line, "FTP"))
        return MATCH_NO;
    if ((code == 220 || code == 554 || code == 421) && (bytes_contain_nocase(line, "SMTP") || bytes_contain_nocase(line, "LMTP")))
        return MATCH_YES;
    return code != 0 ? MATCH_PORT : MATCH_NO;
}

/* One of the commands that SMTP shares with others, or a line of a message that began before the capture. */
static enum match match_by_port(const struct first_bytes *first)
{
    enum smtp_verb verb;
    struct bytes argument;
    bool is_whole_line;
    struct bytes line = first_line(first->side[FROM_CLIENT], &is_whole_line);

    if (!first->port_agrees || (is_whole_line && first->has_start[FROM_CLIENT] && !smtp_find_verb(line, &verb, &argument)))
        return MATCH_NO;
    if (is_whole_line && smtp_find_verb(line, &verb, &argument))
        return MATCH_PORT;
    return MATCH_MAYBE;
}

enum match smtp_match(const struct first_bytes *first)
{
    bool has_client = first->side[FROM_CLIENT].length > 0;
    bool has_server = first->side[FROM_SERVER].length > 0;
    enum match by_client = has_client ? match_command(first->side[FROM_CLIENT]) : MATCH_MAYBE;
    enum match by_server = has_server ? match_greeting(first->side[FROM_SERVER]) : MATCH_MAYBE;

    if (has_server && by_server == MATCH_NO)
        return MATCH_NO;
    if (by_client == MATCH_YES || by_server == MATCH_YES)
        return MATCH_YES;
    if (by_server == MATCH_PORT)
        return MATCH_PORT;
    if (has_client && by_client == MATCH_NO)
        return match_by_port(first);
    return MATCH_MAYBE;
}

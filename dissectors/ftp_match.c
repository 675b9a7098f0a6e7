/*
 * ftp_match.c - the commands of FTP (RFC 959, 2228, 2389, 2428, 3659, 7151), and by which of them, and which
 * replies, a control connection is recognized on any port.
 */
#include "dissectors/ftp.h"

#include "dissectors/line.h"

static const struct ftp_word words[] = {
    {"USER", FTP_USER, FTP_WORD_SHARED},  {"PASS", FTP_PASS, FTP_WORD_SHARED},     {"ACCT", FTP_ACCT, FTP_WORD_SHARED},
    {"AUTH", FTP_AUTH, FTP_WORD_SMTP},    {"CWD", FTP_CWD, FTP_WORD_OWN},          {"XCWD", FTP_CWD, FTP_WORD_OWN},
    {"CDUP", FTP_CDUP, FTP_WORD_OWN},     {"XCUP", FTP_CDUP, FTP_WORD_OWN},        {"PWD", FTP_PWD, FTP_WORD_OWN},
    {"XPWD", FTP_PWD, FTP_WORD_OWN},      {"SYST", FTP_SYST, FTP_WORD_OWN},        {"REST", FTP_REST, FTP_WORD_OWN},
    {"PORT", FTP_PORT, FTP_WORD_OWN},     {"EPRT", FTP_EPRT, FTP_WORD_OWN},        {"PASV", FTP_PASV, FTP_WORD_OWN},
    {"EPSV", FTP_EPSV, FTP_WORD_OWN},     {"RETR", FTP_TRANSFER, FTP_WORD_SHARED}, {"STOR", FTP_TRANSFER, FTP_WORD_OWN},
    {"STOU", FTP_TRANSFER, FTP_WORD_OWN}, {"APPE", FTP_TRANSFER, FTP_WORD_OWN},    {"LIST", FTP_TRANSFER, FTP_WORD_SHARED},
    {"NLST", FTP_TRANSFER, FTP_WORD_OWN}, {"MLSD", FTP_TRANSFER, FTP_WORD_OWN},    {"TYPE", FTP_TYPE, FTP_WORD_OWN},
    {"SIZE", FTP_FACT, FTP_WORD_OWN},     {"MDTM", FTP_FACT, FTP_WORD_OWN},        {"FEAT", FTP_FEAT, FTP_WORD_OWN},
    {"MODE", FTP_MODE, FTP_WORD_SHARED},  {"STRU", FTP_STRU, FTP_WORD_OWN},        {"PBSZ", FTP_OTHER, FTP_WORD_OWN},
    {"PROT", FTP_PROT, FTP_WORD_OWN},     {"CLNT", FTP_CLNT, FTP_WORD_OWN},        {"OPTS", FTP_OTHER, FTP_WORD_OWN},
    {"DELE", FTP_OTHER, FTP_WORD_SHARED}, {"RNFR", FTP_RNFR, FTP_WORD_OWN},        {"RNTO", FTP_OTHER, FTP_WORD_OWN},
    {"MKD", FTP_MKD, FTP_WORD_OWN},       {"XMKD", FTP_MKD, FTP_WORD_OWN},         {"RMD", FTP_OTHER, FTP_WORD_OWN},
    {"XRMD", FTP_OTHER, FTP_WORD_OWN},    {"MLST", FTP_OTHER, FTP_WORD_OWN},       {"SITE", FTP_SITE, FTP_WORD_OWN},
    {"ABOR", FTP_ABOR, FTP_WORD_OWN},     {"ALLO", FTP_ALLO,  FTP_WORD_OWN},       {"QUIT", FTP_QUIT, FTP_WORD_SMTP},
    {"NOOP", FTP_OTHER, FTP_WORD_SMTP},   {"HELP", FTP_OTHER, FTP_WORD_SMTP},      {"STAT", FTP_FACT, FTP_WORD_SHARED},
    {"REIN", FTP_REIN, FTP_WORD_OWN},     {"LANG", FTP_OTHER, FTP_WORD_OWN},       {"HOST", FTP_HOST, FTP_WORD_SHARED},
    {"CCC", FTP_OTHER, FTP_WORD_OWN},     {"SMNT", FTP_OTHER, FTP_WORD_OWN},       {"ADAT", FTP_OTHER, FTP_WORD_OWN},
    {"LPRT", FTP_LPRT,  FTP_WORD_OWN},    {"LPSV", FTP_LPSV,  FTP_WORD_OWN},       {"MFMT", FTP_FACT, FTP_WORD_OWN},
    {"EPRV", FTP_OTHER, FTP_WORD_OWN},    {"MFCT", FTP_FACT, FTP_WORD_OWN},        {"MFF", FTP_FACT, FTP_WORD_OWN},
    {"XCRC", FTP_FACT, FTP_WORD_OWN},     {"XMD5", FTP_FACT, FTP_WORD_OWN},        {"XSHA1", FTP_FACT, FTP_WORD_OWN},
    {"XSHA256", FTP_FACT, FTP_WORD_OWN},  {"XSHA512", FTP_FACT, FTP_WORD_OWN},     {"HASH", FTP_FACT, FTP_WORD_OWN},
    {"AVBL", FTP_FACT, FTP_WORD_OWN},     {"CSID", FTP_OTHER, FTP_WORD_OWN},       {"ENC", FTP_OTHER, FTP_WORD_OWN},
    {"MIC", FTP_OTHER, FTP_WORD_OWN},     {"CONF", FTP_OTHER, FTP_WORD_OWN},
};

const struct ftp_word *ftp_find_word(struct bytes word)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (bytes_equal_nocase(word, words[i].name))
            return &words[i];
    }
    return NULL;
}

#define TELNET_IAC 0xff
#define TELNET_FIRST_COMMAND 0xf0
#define TELNET_WILL 0xfb /* WILL, WONT, DO, DONT: an option follows */
#define TELNET_DONT 0xfe

/* IAC IAC is a byte of the line; what is no command behind an IAC is left alone, for some clients write names in Latin-1. */
static void strip_telnet(struct bytes line, struct text *clean)
{
    struct cursor cursor = cursor_within(line);

    while (cursor_left(&cursor) > 0) {
        uint8_t byte = take_u8(&cursor);
        int command = peek_u8(&cursor);

        if (byte != TELNET_IAC || (command >= 0 && command < TELNET_FIRST_COMMAND)) {
            text_append(clean, bytes_of(&byte, 1));
            continue;
        }
        (void)take_up_to(&cursor, command >= TELNET_WILL && command <= TELNET_DONT ? 2 : 1);
        if (command == TELNET_IAC)
            text_append(clean, bytes_of(&byte, 1));
    }
}

void ftp_split_command(struct bytes line, struct text *clean, struct bytes *word, struct bytes *argument)
{
    struct cursor cursor;
    size_t length = 0;
    int next;

    if (line.length > 0 && memchr(line.at, TELNET_IAC, line.length) != NULL) {
        strip_telnet(line, clean);
        line = text_bytes(clean);
    }
    cursor = cursor_within(line);
    while ((next = peek_u8(&cursor)) == ' ' || next == '\t')
        skip_bytes(&cursor, 1);
    *word = peek_bytes(&cursor);
    while (length < word->length && word->at[length] != ' ' && word->at[length] != '\t')
        length++;
    *word = take_bytes(&cursor, length);
    if (cursor_left(&cursor) > 0) {
        skip_bytes(&cursor, 1);
        *argument = peek_bytes(&cursor);
    } else {
        *argument = bytes_of(NULL, 0);
    }
}

/* A greeting is recognized by as much of its line. */
#define GREETING_LIMIT 512

static struct bytes first_line(struct bytes said, bool *is_whole)
{
    struct cursor cursor = cursor_over(said);
    struct bytes line = take_line(&cursor);

    *is_whole = cursor_is_good(&cursor);
    return *is_whole ? line : said;
}

static bool begins_with_digits(struct bytes start)
{
    for (size_t i = 0; i < start.length; i++) {
        if (start.at[i] < '0' || start.at[i] > '9')
            return false;
    }
    return true;
}

static enum match match_server(struct bytes said, const struct first_bytes *first)
{
    bool is_whole;
    struct bytes line = first_line(said, &is_whole);
    unsigned code = reply_line_code(line);

    if (line.length < 4 && !is_whole)
        return begins_with_digits(line) ? MATCH_MAYBE : MATCH_NO;
    if (code == 0 || bytes_contain_nocase(line, "SMTP"))
        return MATCH_NO;
    if (code == 227 || code == 229)
        return MATCH_YES;
    if (first->has_start[FROM_SERVER] && code != 220 && code != 120 && code != 421 && code < 500)
        return MATCH_NO;
    if (!is_whole && line.length < GREETING_LIMIT)
        return MATCH_MAYBE; /* the rest of the line may still name another protocol */
    return bytes_contain_nocase(line, "FTP") ? MATCH_YES : MATCH_PORT;
}

/* MATCH_PORT for a word that others share; MATCH_YES for one that is FTP's, or that with a reply of FTP's form could be nothing else. */
static enum match match_word(const struct ftp_word *word, struct bytes argument, bool is_answered)
{
    if (word->verb == FTP_AUTH && (bytes_begin_nocase(argument, "TLS") || bytes_begin_nocase(argument, "SSL")))
        return MATCH_YES;
    if (word->kind == FTP_WORD_OWN || (word->kind == FTP_WORD_SHARED && is_answered))
        return MATCH_YES;
    return MATCH_PORT;
}

static enum match match_client(struct bytes said, bool is_answered)
{
    bool is_whole;
    struct bytes line = first_line(said, &is_whole);
    struct bytes argument;
    struct bytes word = bytes_split(line, ' ', &argument);
    const struct ftp_word *known;

    if (!is_whole && word.length > 0 && word.at[word.length - 1] == '\r')
        word.length--;
    known = ftp_find_word(word);
    if (known == NULL)
        return is_whole || word.length > 4 ? MATCH_NO : MATCH_MAYBE;
    return is_whole ? match_word(known, argument, is_answered) : MATCH_MAYBE;
}

enum match ftp_match(const struct first_bytes *first)
{
    struct bytes client = first->side[FROM_CLIENT];
    struct bytes server = first->side[FROM_SERVER];
    enum match by_client;
    enum match by_server;

    if (client.length == 0)
        return server.length == 0 ? MATCH_MAYBE : match_server(server, first);
    by_server = server.length > 0 ? match_server(server, first) : MATCH_MAYBE;
    by_client = match_client(client, by_server == MATCH_PORT);
    if (server.length == 0 || by_client == MATCH_NO || by_server == MATCH_NO)
        return by_client == MATCH_NO || by_server == MATCH_NO ? MATCH_NO : by_client;
    if (by_client == MATCH_YES || by_server == MATCH_YES)
        return MATCH_YES;
    return by_client == MATCH_MAYBE ? by_server : by_client;
}

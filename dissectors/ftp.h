/*
 * ftp.h - the commands of FTP, and how a control connection is recognized by them.
 */
#ifndef WIRESCRIBE_DISSECTORS_FTP_H
#define WIRESCRIBE_DISSECTORS_FTP_H

#include "base/text.h"
#include "dissectors/dissector.h"

enum ftp_verb {
    FTP_OTHER,
    FTP_USER,
    FTP_PASS,
    FTP_ACCT,
    FTP_AUTH,
    FTP_CWD,
    FTP_CDUP,
    FTP_PWD,
    FTP_SYST,
    FTP_REST,
    FTP_PORT,
    FTP_EPRT,
    FTP_PASV,
    FTP_EPSV,
    FTP_LPRT,
    FTP_LPSV,
    FTP_TRANSFER,
    FTP_ABOR,
    FTP_REIN,
    FTP_QUIT,
    FTP_HOST,
    FTP_CLNT,
    FTP_FEAT,
    FTP_TYPE,
    FTP_STRU,
    FTP_MODE,
    FTP_PROT,
    FTP_MKD,
    FTP_RNFR,
    FTP_ALLO,
    FTP_FACT, /* of a file: answered by 213 */
    FTP_SITE,
};

/* How sure a command alone says that this is FTP. */
enum ftp_word_kind {
    FTP_WORD_OWN,    /* nothing else has it */
    FTP_WORD_SHARED, /* POP3, IRC and others have it too */
    FTP_WORD_SMTP,   /* and SMTP, whose greeting is the same */
};

struct ftp_word {
    const char *name;
    enum ftp_verb verb;
    enum ftp_word_kind kind;
};

/* NULL where it is none that we know. Valid for ever. */
const struct ftp_word *ftp_find_word(struct bytes word);

/*
 * A line of the client, without Telnet's commands (RFC 854) and the spaces before it: `word` is its verb and `argument`
 * what follows, both borrowed from `line` or from `clean`. at == NULL: no argument.
 */
void ftp_split_command(struct bytes line, struct text *clean, struct bytes *word, struct bytes *argument);

enum match ftp_match(const struct first_bytes *first);

extern const struct dissector ftp_dissector;

#endif

/*
 * smtp.h - what the parts of the SMTP dissector share: smtp.c reads the client's side and
 * is the dissector, smtp_replies.c reads the server's and decides, smtp_match.c knows the words.
 */
#ifndef WIRESCRIBE_DISSECTORS_SMTP_H
#define WIRESCRIBE_DISSECTORS_SMTP_H

#include "dissectors/line.h"
#include "dissectors/pending.h"
#include "dissectors/smtp_mail.h"

/* Most of the client's bytes that wait for a reply of the server. */
#define SMTP_WAITING_LIMIT (64u << 10)
/* So many lines in a row that are no replies, and this is no SMTP server. */
#define SMTP_STRANGE_REPLIES 32
/* A greeting is recognized by as much of its line. */
#define SMTP_GREETING_LIMIT 512
#define SMTP_NAME_LIMIT 1024 /* helo, mechanism */
#define SMTP_EXTENSIONS_LIMIT 2048

enum smtp_verb {
    SMTP_OTHER,
    SMTP_HELO,
    SMTP_EHLO,
    SMTP_LHLO,
    SMTP_MAIL,
    SMTP_RCPT,
    SMTP_DATA,
    SMTP_DATA_END, /* not a command: the end of the message, which is answered too */
    SMTP_BDAT,
    SMTP_RSET,
    SMTP_QUIT,
    SMTP_STARTTLS,
    SMTP_AUTH,
};

/*
 * What the client's bytes are.
 *
 *   COMMANDS --354 to DATA--> MESSAGE --CR LF . CR LF--> COMMANDS
 *   COMMANDS --BDAT n--> CHUNK --n bytes--> COMMANDS
 *   COMMANDS --AUTH--> LOGIN --final reply--> COMMANDS
 *   COMMANDS, LOGIN --gap--> RESYNC --a line that begins with a command--> COMMANDS
 *   RESYNC --354 without DATA--> MESSAGE
 */
enum smtp_phase {
    SMTP_COMMANDS,
    SMTP_MESSAGE,
    SMTP_CHUNK,
    SMTP_LOGIN,
    SMTP_RESYNC, /* begun in the middle, or bytes are missing: lines that are no command are passed over */
};

struct smtp {
    enum smtp_phase phase;
    struct line_reader lines[SIDE_COUNT];
    struct reply_reader reply;
    struct pending pending;
    unsigned strange_replies;

    bool client_waits;      /* for the reply to the newest command */
    bool client_is_behind;  /* bytes of the client wait to be read */
    bool may_answer_login;  /* LOGIN: 334 was seen, one line of the client belongs to it */
    bool is_first_response; /* LOGIN */
    bool may_have_ended;    /* MESSAGE: its end may be among the missing bytes */
    bool has_commands;
    bool has_replies;
    bool server_is_seen;
    bool has_ended[SIDE_COUNT];
    enum ending ending[SIDE_COUNT];
    bool found_long_line[SIDE_COUNT];
    bool found_limit;       /* a finding told that a limit was reached */
    bool is_lmtp;

    uint64_t chunk_left;
    bool chunk_is_last;
    struct smtp_data_reader data;
    unsigned lmtp_replies_left;
    struct smtp_mail *client_mail; /* held: the one that the client's commands are about */
    struct smtp_mail *server_mail; /* held: the one that the server knows of */
    struct smtp_mail *message;     /* held: the one that the bytes of MESSAGE or CHUNK belong to; NULL: none */

    const char *encryption;
    struct text banner;
    bool has_banner;
    struct text helo_given; /* by the newest HELO, not answered yet */
    struct text helo;
    struct text extensions;
    struct text mechanism;
    struct text user;
    const char *auth_result;
    struct text last_reply;
    unsigned mails;
};

/* ---- smtp_match.c ---- */

/* The verb at the start of a line, and its argument, trimmed. False, and SMTP_OTHER, where it is none that we know. */
bool smtp_find_verb(struct bytes line, enum smtp_verb *verb, struct bytes *argument);
enum match smtp_match(const struct first_bytes *first);

/* ---- smtp_replies.c ---- */

enum verdict smtp_on_server_data(struct conversation *conversation, struct smtp *smtp, struct cursor *bytes);

/* No byte of either side is missing so far. */
bool smtp_is_whole(const struct conversation *conversation);

/* A command that waits for its reply; the second is about a mail, which it holds. NULL when out of memory. */
struct pending_command *smtp_add_command(struct conversation *conversation, struct smtp *smtp, enum smtp_verb verb);
void smtp_add_mail_command(struct conversation *conversation, struct smtp *smtp, enum smtp_verb verb, struct smtp_mail *mail);
/* The replies to the oldest `count` commands will not be seen. */
void smtp_give_up_replies(struct conversation *conversation, struct smtp *smtp, unsigned count);

/* Puts a mail, or NULL, into a place that holds one. */
void smtp_hold_mail(struct smtp_mail **place, struct smtp_mail *mail);
/* No reply, no end has decided about it yet. */
bool smtp_is_open_mail(const struct smtp_mail *mail);
/* The mail that a message belongs to; made where its MAIL was not seen. NULL when out of memory. */
struct smtp_mail *smtp_mail_of_message(struct conversation *conversation, struct smtp *smtp);
/* Writes the mail, `otherwise` being its outcome unless one is decided, and lets go of it. */
void smtp_finish_mail(struct conversation *conversation, struct smtp *smtp, struct smtp_mail *mail, enum smtp_outcome otherwise);

/* The client's bytes are a message from here on, sent by DATA; and no longer. */
void smtp_begin_message(struct conversation *conversation, struct smtp *smtp, bool begins_unseen);
void smtp_leave_message(struct smtp *smtp, enum smtp_phase phase);
/* The message of DATA is over; its reply comes next. */
void smtp_end_message(struct conversation *conversation, struct smtp *smtp, bool end_is_seen);

enum verdict smtp_begin_tls(struct conversation *conversation, struct smtp *smtp);

void smtp_keep_text(struct text *text, size_t limit, struct bytes value);
void smtp_note_long_line(struct conversation *conversation, struct smtp *smtp, enum side from);

#endif

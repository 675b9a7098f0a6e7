/*
 * smtp.h - what the parts of the SMTP dissector share: smtp.c reads the client's side and
 * is the dissector, smtp_replies.c reads the server's and decides, smtp_login.c follows AUTH,
 * smtp_findings.c judges, smtp_match.c knows the words.
 */
#ifndef WIRESCRIBE_DISSECTORS_SMTP_H
#define WIRESCRIBE_DISSECTORS_SMTP_H

#include "dissectors/line.h"
#include "dissectors/pending.h"
#include "dissectors/sasl.h"
#include "dissectors/smtp_mail.h"
#include "dissectors/smtp_smuggling.h"

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
    SMTP_BURL,
    SMTP_RSET,
    SMTP_QUIT,
    SMTP_STARTTLS,
    SMTP_AUTH,
    SMTP_LOOK_UP, /* VRFY, EXPN */
    SMTP_XCLIENT, /* XCLIENT, XFORWARD: Postfix XCLIENT_README, XFORWARD_README */
    SMTP_XFORWARD,
    SMTP_TURN, /* TURN (RFC 821), ATRN (RFC 2645): accepted, the sides change their parts */
};

/*
 * What the client's bytes are.
 *
 *   COMMANDS --354 to DATA--> MESSAGE --CR LF . CR LF--> COMMANDS
 *   COMMANDS --BDAT n--> CHUNK --n bytes--> COMMANDS
 *   COMMANDS --AUTH--> LOGIN --final reply--> COMMANDS
 *   COMMANDS --220 to STARTTLS--> BEFORE_TLS --no text any more--> (TLS)
 *   COMMANDS, LOGIN --gap--> RESYNC --a line that begins with a command--> COMMANDS
 *   RESYNC --354 without DATA--> MESSAGE
 */
enum smtp_phase {
    SMTP_COMMANDS,
    SMTP_MESSAGE,
    SMTP_CHUNK,
    SMTP_LOGIN,
    SMTP_BEFORE_TLS,
    SMTP_RESYNC, /* begun in the middle, or bytes are missing: lines that are no command are passed over */
};

/* What a finding has told already, a bit each: every one is told once in a session. */
enum smtp_told {
    SMTP_TOLD_LIMIT = 1 << 0,
    SMTP_TOLD_CREDENTIALS = 1 << 1,
    SMTP_TOLD_STRIPPED = 1 << 2,
    SMTP_TOLD_UNUSED = 1 << 3,
    SMTP_TOLD_INJECTION = 1 << 4,
    SMTP_TOLD_RESPONSE_INJECTION = 1 << 5,
    SMTP_TOLD_RELAY_TEST = 1 << 6,
    SMTP_TOLD_OPEN_RELAY = 1 << 7,
    SMTP_TOLD_HARVESTING = 1 << 8,
    SMTP_TOLD_BRUTE_FORCE = 1 << 9,
    SMTP_TOLD_EARLY_TALKER = 1 << 10,
    SMTP_TOLD_UNASKED = 1 << 11,
    SMTP_TOLD_TURN = 1 << 12,
    SMTP_TOLD_CODES = 1 << 13,
    SMTP_TOLD_MANY_DOMAINS = 1 << 14,
};

/* So many refused recipients, VRFY and EXPN in one session are a search for addresses. */
#define SMTP_HARVESTING_LIMIT 10
/* So many refused logins in one session are a search for passwords. */
#define SMTP_BRUTE_FORCE_LIMIT 5
/* Recipients in so many domains, none of them the server's own, are not all at home there. */
#define SMTP_FOREIGN_DOMAINS 5
/* So many lines may stand between the server's agreement to STARTTLS and TLS. */
#define SMTP_LINES_BEFORE_TLS 64

struct smtp {
    enum smtp_phase phase;
    struct line_reader lines[SIDE_COUNT];
    struct reply_reader reply;
    struct pending pending;
    unsigned strange_replies;

    bool client_waits;      /* for the reply to the newest command */
    bool client_is_behind;  /* bytes of the client wait to be read */
    size_t client_left;     /* as many bytes were left unread last time */
    bool may_answer_login;  /* LOGIN: 334 was seen, one line of the client belongs to it */
    bool is_first_response; /* LOGIN */
    bool may_have_ended;    /* MESSAGE: its end may be among the missing bytes */
    bool has_commands;
    bool has_replies;
    bool server_is_seen;
    bool has_ended[SIDE_COUNT];
    enum ending ending[SIDE_COUNT];
    bool found_long_line[SIDE_COUNT];
    unsigned told;          /* enum smtp_told */
    bool is_lmtp;

    uint64_t chunk_left;
    bool chunk_is_last;
    struct smtp_data_reader data;
    struct smtp_smuggling smuggling;
    bool is_lmtp_reply_begun; /* LMTP: some of the replies behind a message were seen */
    struct smtp_mail *client_mail; /* held: the one that the client's commands are about */
    struct smtp_mail *server_mail; /* held: the one that the server knows of */
    struct smtp_mail *message;     /* held: the one that the bytes of MESSAGE or CHUNK belong to; NULL: none */

    const char *encryption;
    struct text banner;
    bool has_banner;
    struct text helo_given; /* by the newest HELO, not answered yet */
    struct text helo;
    struct text extensions;
    bool offers_tls;      /* the newest reply to EHLO lists STARTTLS */
    bool tls_was_asked;   /* STARTTLS was sent */
    int64_t tls_begin_us; /* BEFORE_TLS: when the server agreed */
    unsigned lines_before_tls;
    struct sasl login;    /* the newest attempt, not answered yet */
    struct sasl user;     /* the newest answered one */
    const char *auth_result;
    unsigned auth_attempts;
    unsigned auth_failures;
    struct sasl_secrets secrets;
    struct text forwarded_given; /* by the newest XCLIENT or XFORWARD, not answered yet */
    struct text forwarded;
    unsigned refused_addresses; /* recipients, VRFY, EXPN */
    struct text foreign_domains[SMTP_FOREIGN_DOMAINS];
    unsigned foreign_domain_count;
    struct text last_reply;
    unsigned mails;
    bool is_moved; /* to a struct suspended: this one is over */
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

/* The server agreed to begin TLS; and TLS begins. */
void smtp_expect_tls(struct conversation *conversation, struct smtp *smtp);
enum verdict smtp_begin_tls(struct conversation *conversation, struct smtp *smtp);
/* The next byte can begin no line of text: TLS's first one cannot. */
bool smtp_is_no_text(const struct cursor *bytes);

void smtp_keep_text(struct text *text, size_t limit, struct bytes value);
void smtp_note_long_line(struct conversation *conversation, struct smtp *smtp, enum side from);


/* ---- smtp_login.c: AUTH (RFC 4954) ---- */

void smtp_on_auth_command(struct conversation *conversation, struct smtp *smtp, struct bytes argument);
/* A line of the client that answers a challenge, or cancels. */
void smtp_on_login_line(struct conversation *conversation, struct smtp *smtp, struct bytes line);
void smtp_on_login_challenge(struct smtp *smtp, struct bytes challenge);
/* Code 0: the reply was not seen. */
void smtp_on_login_reply(struct conversation *conversation, struct smtp *smtp, unsigned code);
/* 235 to an AUTH that was not seen. */
void smtp_on_unseen_login(struct smtp *smtp);
void smtp_free_login(struct smtp *smtp);

/* ---- smtp_findings.c ---- */

/* True the first time that it is asked for this bit. */
bool smtp_tells_first(struct smtp *smtp, enum smtp_told told);
void smtp_note_credentials(struct conversation *conversation, struct smtp *smtp);
void smtp_note_failed_login(struct conversation *conversation, struct smtp *smtp);
/* `command`: the one that goes on without TLS. */
void smtp_note_unused_tls(struct conversation *conversation, struct smtp *smtp, const char *command, const char *severity);
/* One extension of the reply to EHLO. */
void smtp_note_masked_extension(struct conversation *conversation, struct smtp *smtp, struct bytes extension);
void smtp_note_refused_tls(struct conversation *conversation, struct smtp *smtp, unsigned code);
void smtp_note_injected_line(struct conversation *conversation, struct smtp *smtp, enum side from, struct bytes line);
/* A recipient is answered; and what was asked with VRFY or EXPN. */
void smtp_note_recipient(struct conversation *conversation, struct smtp *smtp, struct bytes address, unsigned code, struct bytes reply);
void smtp_note_look_up(struct conversation *conversation, struct smtp *smtp);
void smtp_note_smuggling(struct conversation *conversation, struct smtp *smtp);
void smtp_free_findings(struct smtp *smtp);

#endif

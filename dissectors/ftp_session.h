/*
 * ftp_session.h - what the files of FTP's control connection share about one session.
 */
#ifndef WIRESCRIBE_DISSECTORS_FTP_SESSION_H
#define WIRESCRIBE_DISSECTORS_FTP_SESSION_H

#include "dissectors/ftp.h"
#include "dissectors/ftp_data.h"
#include "dissectors/line.h"
#include "dissectors/pending.h"

#define FTP_ARGUMENT_LIMIT 4096
#define FTP_VERB_LIMIT 32
#define FTP_NAME_LIMIT 256 /* user, password, system */
/* Transfers that one control connection keeps open; the oldest is given up. */
#define FTP_CHANNELS_LIMIT 64

/* One command that waits for its reply. Owned by its pending_command. */
struct ftp_request {
    int64_t number;
    char verb[FTP_VERB_LIMIT + 1]; /* upper case */
    size_t verb_length;
    struct text argument;
    struct ftp_channel *channel; /* held; a transfer's, or what a PORT announced; or NULL */
    unsigned preliminary_code;   /* of the first 1yz reply; 0: none */
    bool is_anonymous;           /* USER, PASS: of an anonymous user */
};

/* See ftp_login.c. */
struct ftp_login {
    struct text user;
    struct text password;
    struct text secret; /* the newest argument that must not be shown */
    const char *result;
    int64_t attempts;
    bool user_is_doubtful; /* a USER may be among missing bytes */
    bool is_counted;       /* the present attempt is in `attempts` */
    bool was_refused;      /* the present attempt */
    bool has_refusal;      /* a login of this connection was refused */
    bool is_one_time;      /* the password answers a challenge */
    bool is_anonymous;     /* who is logged in */
    bool is_in;            /* somebody is logged in */
    bool is_known;         /* whether somebody is: no login can be among missing bytes */
    bool told_plaintext;
    bool told_write;
};

struct ftp {
    struct line_reader lines[SIDE_COUNT];
    bool is_resyncing[SIDE_COUNT]; /* bytes were lost: the next line may be the rest of one */
    struct reply_reader reply;
    struct pending pending;
    uint64_t replies_owed; /* to commands that were given up because too many waited: they come first */
    bool has_greeting;
    bool has_replies;
    unsigned strange[SIDE_COUNT]; /* lines in a row that are none of the protocol's */
    struct text banner;
    struct ftp_login login;
    struct ftp_settings settings;
    struct text system;
    struct text features;
    struct text host;
    struct text client_software;
    bool is_out_of_step;    /* the server said what is no reply: its replies may not fit the commands any more */
    struct text last_reply; /* without its code */
    unsigned last_code;     /* 0: none */
    struct text directory;  /* the working directory; empty: not known */
    bool auth_was_refused;  /* AUTH */
    bool is_encrypted_from_now;
    bool is_moved;         /* to a struct suspended: this one is over */
    bool was_opened;       /* some of it was read inside TLS, with the user's keys */
    bool is_behind_tls;    /* TLS was ended within the flow (CCC) */
    bool awaits_tls;       /* AUTH was agreed on, and TLS has not begun */
    bool client_is_behind; /* commands of the client are unread until AUTH is answered */
    int64_t commands;
    int64_t transfers;
    bool has_offset; /* REST was accepted for the next transfer */
    uint64_t offset;
    struct text sized_path; /* of the last SIZE, with its answer */
    uint64_t sized;
    bool has_allocated; /* ALLO stands for the next STOR */
    uint64_t allocated;
    bool has_port; /* PORT stands until the next one or PASV (RFC 959, 3.2) */
    struct address port_ip;
    uint16_t port;
    struct ftp_channel *next;                         /* held; announced, and not yet used by a command */
    struct ftp_channel *channels[FTP_CHANNELS_LIMIT]; /* held; with a command, and not yet written */
    unsigned channel_count;
    uint64_t bytes_up; /* of transfers that are written already */
    uint64_t bytes_down;
    bool is_announcer;         /* conversation_announces was agreed */
    unsigned hostile_commands; /* that were told of */
    bool told_too_many;
    bool told_expectations;
    bool told_long_line[SIDE_COUNT];
};

static inline void ftp_set_text(struct text *text, struct bytes bytes)
{
    text_clear(text);
    text_append(text, bytes);
}

/* ---- ftp_commands.c ---- */

/* A command was sent. `argument`: at == NULL where there is none. */
void ftp_on_command(struct conversation *conversation, struct ftp *ftp, struct bytes word, struct bytes argument);

/* Writes a command's row and lets go of it. `code` 0: its reply was not seen. */
void ftp_finish_command(struct conversation *conversation, struct ftp *ftp, const struct pending_command *command, unsigned code, struct bytes reply);

/* The oldest `count` commands get no reply any more. */
void ftp_give_up_commands(struct conversation *conversation, struct ftp *ftp, unsigned count);

/* ---- ftp_replies.c ---- */

/* A whole reply stands in ftp->reply. True where TLS begins behind it. */
bool ftp_on_reply(struct conversation *conversation, struct ftp *ftp);

/* The server said a line that is no reply, where one should stand. */
void ftp_on_strange_line(struct ftp *ftp);

/* ---- ftp_state.c ---- */

/* A command is over: what its final reply changes for those that follow. `code` 0: it was not seen, and nothing is sure. */
void ftp_state_on_final(struct conversation *conversation, struct ftp *ftp, const struct pending_command *command, unsigned code, struct bytes reply);

/* The session begins, or begins anew. */
void ftp_state_begin(struct ftp *ftp);

/* Commands are missing: whatever they may have changed is not known. */
void ftp_state_lose_commands(struct ftp *ftp);

/* ---- ftp_hostile.c ---- */

/* A command is over: a finding where it is one of those that break in. `code` 0: its reply was not seen. */
void ftp_note_hostile(struct conversation *conversation, struct ftp *ftp, const struct ftp_request *request, unsigned code);

/* ---- ftp_login.c ---- */

/* USER, PASS, ACCT or SITE was sent: takes what must not be shown out of the request. */
void ftp_login_on_sent(struct conversation *conversation, struct ftp *ftp, enum ftp_verb verb, struct ftp_request *request);

/* Its final reply. */
void ftp_login_on_reply(struct conversation *conversation, struct ftp *ftp, const struct ftp_request *request, unsigned code, struct bytes reply);

/*
 * A reply where the client's side is not in the capture: what it tells of a login. `code_before`: of the reply before.
 */
void ftp_login_on_lone_reply(struct conversation *conversation, struct ftp *ftp, unsigned code, unsigned code_before);

/* Whether a reply repeats a password that must not be shown. */
bool ftp_login_shows_secret(const struct ftp *ftp, struct bytes reply);

/* The server let the user change something: a finding for an anonymous one. */
void ftp_login_note_write(struct conversation *conversation, struct ftp *ftp, const char *verb, struct bytes path);

/* ---- ftp_channels.c ---- */

/* A command that moves data was sent. */
void ftp_channels_begin_transfer(struct conversation *conversation, struct ftp *ftp, struct ftp_request *request);

/* Its final reply. */
void ftp_channels_on_transfer_reply(struct conversation *conversation, struct ftp *ftp, const struct ftp_request *request, unsigned code,
                                    struct bytes reply);

/* What was announced gets no command any more. */
void ftp_channels_let_go_next(struct conversation *conversation, struct ftp *ftp);

/* A preliminary reply to it. */
void ftp_channels_on_preliminary(struct conversation *conversation, struct ftp *ftp, const struct ftp_request *request, struct bytes reply);

/* The reply to SIZE or ALLO. */
void ftp_channels_on_size(struct ftp *ftp, enum ftp_verb verb, const struct ftp_request *request, unsigned code, struct bytes reply);

/* What they said counts no more. */
void ftp_channels_forget_sizes(struct ftp *ftp);

/* A reply that holds a listing: to MLST, and to STAT of a path. */
void ftp_channels_on_listing_reply(struct conversation *conversation, struct ftp *ftp, const struct pending_command *command, unsigned code,
                                   struct bytes reply);

/* The control connection is over. */
void ftp_channels_finish(struct conversation *conversation, struct ftp *ftp);

/* ---- ftp_announce.c ---- */

/* A data connection to that endpoint is announced. */
void ftp_announce(struct conversation *conversation, struct ftp *ftp, bool is_passive, const struct address *address, uint16_t port);

/*
 * A transfer of which no announcement was seen: the server connects from its data port, to the client's own port of the
 * control connection where nothing was announced (RFC 959, 3.3), to another where that was before the capture.
 */
void ftp_expect_unannounced(struct conversation *conversation, struct ftp *ftp, struct ftp_channel *channel);

/* PORT, EPRT or LPRT was sent, and answered. */
void ftp_channels_on_port_sent(struct conversation *conversation, struct ftp *ftp, enum ftp_verb verb, struct ftp_request *request);
void ftp_channels_on_port_reply(struct conversation *conversation, struct ftp *ftp, enum ftp_verb verb, const struct ftp_request *request,
                                bool is_good);

/* The reply to PASV, EPSV or LPSV. */
void ftp_channels_on_passive(struct conversation *conversation, struct ftp *ftp, enum ftp_verb verb, unsigned code, struct bytes reply);

#endif

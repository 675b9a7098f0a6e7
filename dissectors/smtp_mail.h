/*
 * smtp_mail.h - one mail: its envelope, its message as it goes by, and its rows.
 */
#ifndef WIRESCRIBE_DISSECTORS_SMTP_MAIL_H
#define WIRESCRIBE_DISSECTORS_SMTP_MAIL_H

#include "dissectors/dissector.h"
#include "dissectors/mail_message.h"

/* Most recipients kept of a mail, and most bytes of an address. */
#define SMTP_RECIPIENTS_LIMIT 1000
#define SMTP_ADDRESS_LIMIT 512
/* Most bytes kept of a command's parameters, and of a recipient's reply. */
#define SMTP_PARAMETERS_LIMIT 1024
#define SMTP_RECIPIENT_REPLY_LIMIT 1024

enum smtp_outcome {
    SMTP_OUTCOME_OPEN, /* not decided yet */
    SMTP_DELIVERED,
    SMTP_REJECTED,
    SMTP_ABORTED,
    SMTP_OUTCOME_UNKNOWN,
};

enum smtp_transfer {
    SMTP_NO_TRANSFER,
    SMTP_BY_DATA,
    SMTP_BY_BDAT,
};

enum smtp_answer {
    SMTP_UNANSWERED,
    SMTP_ACCEPTED,
    SMTP_REFUSED,
};

/* A command or its answer, as an address in the envelope. */
struct smtp_address {
    char *at; /* owned; NULL: not known */
    size_t length;
    enum smtp_answer answer;
    unsigned reply_code;    /* 0: none seen */
    unsigned delivery_code; /* a recipient's, behind the message; 0: none seen */
    char *reply;            /* owned; the reply's text, NULL: none */
    size_t reply_length;
    char *delivery_reply; /* owned; LMTP: the text of its reply behind the message, NULL: none */
    size_t delivery_reply_length;
    char *parameters; /* owned; NULL: none */
    size_t parameters_length;
};

/*
 * Ownership: counted holders. The session holds the mail that its client speaks
 * of and the one that its server knows of, and each waiting command holds its
 * own; the last to let go frees it.
 */
struct smtp_mail {
    unsigned holders;
    struct conversation *conversation;
    int64_t mail_id;
    struct smtp_address sender;
    struct smtp_address *recipients; /* owned */
    size_t recipient_count;
    size_t recipient_capacity;
    size_t recipients_beyond; /* not kept: over SMTP_RECIPIENTS_LIMIT */
    size_t accepted;          /* recipients that the server has accepted, those beyond included */
    size_t delivered;         /* LMTP: of them, those that were answered behind the message */
    size_t next_delivery;     /* LMTP: recipients before this place were answered, or refused before */

    enum smtp_outcome outcome;
    unsigned reply_code; /* of the reply that decided; 0: none */
    struct text reply;   /* its text; before the decision, that of the newest refused recipient */

    enum smtp_transfer transfer;
    bool begins_unseen;   /* the message's first bytes are not in the capture */
    bool size_is_unknown; /* it is not known how many bytes are missing, or not exactly */
    bool missing_is_unknown; /* not even about how many */
    uint64_t size;        /* of the message, missing bytes included */
    uint64_t missing;
    struct mail_message *message; /* owned; NULL: none was sent, or out of memory */
    bool is_written;
};

/* One more holder. */
struct smtp_mail *smtp_mail_hold(struct smtp_mail *mail);
/* A new one, with one holder and the next mail_id; NULL when out of memory. */
struct smtp_mail *smtp_mail_new(struct conversation *conversation);
/* One holder less, and `*mail` is NULL. */
void smtp_mail_release(struct smtp_mail **mail);

/* The sender or a recipient, from the argument behind "FROM:" or "TO:" (RFC 5321, 4.1.2). An empty `path` leaves it unknown. */
void smtp_mail_set_sender(struct smtp_mail *mail, struct bytes path, struct bytes parameters);
/* Its place, for smtp_mail_answer_recipient; SMTP_RECIPIENTS_LIMIT where it is not kept. */
size_t smtp_mail_add_recipient(struct smtp_mail *mail, struct bytes path, struct bytes parameters);
void smtp_mail_answer_recipient(struct smtp_mail *mail, size_t recipient, unsigned code, struct bytes reply);
/* Its address; empty where it is not kept. */
struct bytes smtp_mail_recipient(const struct smtp_mail *mail, size_t recipient);

/* LMTP: the reply behind the message to the next accepted recipient; and how many of them are not answered yet. */
void smtp_mail_answer_delivery(struct smtp_mail *mail, unsigned code, struct bytes reply);
size_t smtp_mail_undelivered(const struct smtp_mail *mail);
/* SMTP: the reply behind the message, to all of them. */
void smtp_mail_answer_deliveries(struct smtp_mail *mail, unsigned code);

/*
 * The path between < and >; the whole first word where they are not written. at == NULL where there is none.
 * `*parameters`: what stands behind it, trimmed.
 */
struct bytes smtp_path(struct bytes argument, struct bytes *parameters);

/* The message. */
void smtp_mail_begin_message(struct smtp_mail *mail, enum smtp_transfer transfer, bool begins_unseen);
void smtp_mail_add(struct smtp_mail *mail, struct bytes bytes);
void smtp_mail_lose(struct smtp_mail *mail, uint64_t count);
/* The message is over; `is_whole` says that it was seen to its end. */
void smtp_mail_end_message(struct smtp_mail *mail, bool is_whole);

/* What decides the mail, unless something did already. `code` 0: no reply. */
void smtp_mail_decide(struct smtp_mail *mail, enum smtp_outcome outcome, unsigned code, struct bytes reply);

/* Where the server refused every recipient, the last refusal decides. */
void smtp_mail_decide_by_recipients(struct smtp_mail *mail);

/* How many recipients the server has accepted. */
size_t smtp_mail_accepted(const struct smtp_mail *mail);

/* Writes the mail's rows, once. A mail that nothing has decided is `otherwise`. */
void smtp_mail_write(struct smtp_mail *mail, struct conversation *conversation, unsigned number, enum smtp_outcome otherwise);

/* Where in a message the reading of DATA stands: RFC 5321, 4.5.2. */
enum smtp_data_phase {
    SMTP_DATA_LINE_START,
    SMTP_DATA_IN_LINE,
    SMTP_DATA_DOT,    /* a dot at the start of a line */
    SMTP_DATA_DOT_CR, /* and CR behind it */
};

/* Zero-initialised at the message's start. */
struct smtp_data_reader {
    enum smtp_data_phase phase;
    bool is_behind_cr;    /* IN_LINE: the last byte was CR */
    uint32_t last_bytes;  /* the newest four, the last one lowest */
};

/* Gives the message's bytes to the mail. True when the end, CR LF . CR LF, was taken; the cursor then stands behind it. */
bool smtp_data_read(struct smtp_data_reader *reader, struct smtp_mail *mail, struct cursor *bytes);

/* Bytes are missing here. */
void smtp_data_lose(struct smtp_data_reader *reader);

/*
 * Where the newest bytes are an end of data written with bare LF, as some servers take it: how many of the mail's
 * bytes belong to it; else 0.
 */
unsigned smtp_data_loose_end(const struct smtp_data_reader *reader);

#endif

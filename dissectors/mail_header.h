/*
 * mail_header.h - the header fields of a message (RFC 5322), as its bytes go by.
 */
#ifndef WIRESCRIBE_DISSECTORS_MAIL_HEADER_H
#define WIRESCRIBE_DISSECTORS_MAIL_HEADER_H

#include "base/text.h"

/* Most bytes of a message's headers that are read, and of one field's value that are kept. */
#define MAIL_HEADERS_LIMIT (64u << 10)
#define MAIL_VALUE_LIMIT 4096

enum mail_field {
    MAIL_SUBJECT,
    MAIL_FROM,
    MAIL_TO,
    MAIL_CC,
    MAIL_REPLY_TO,
    MAIL_DATE,
    MAIL_MESSAGE_ID,
    MAIL_IN_REPLY_TO,
    MAIL_USER_AGENT,
    MAIL_X_MAILER,
    MAIL_FIELDS,
    MAIL_OTHER_FIELD = MAIL_FIELDS, /* one that is not kept */
};

enum mail_header_phase {
    MAIL_HEADER_READING,
    MAIL_HEADER_DONE, /* the empty line, or the message's end, was seen */
    MAIL_HEADER_LOST, /* bytes are missing in the headers, or they are too long */
};

/* Zero-initialised; owns its texts until mail_header_free. */
struct mail_header {
    enum mail_header_phase phase;
    size_t seen;               /* bytes so far */
    bool has_first_line;
    enum mail_field current;   /* the field whose continuation may follow; meaningful once has_first_line */
    bool keeps_current;        /* false for a second field of the same name */
    unsigned received_hops;
    bool reached_limit;        /* MAIL_HEADERS_LIMIT or MAIL_VALUE_LIMIT */
    struct text line;          /* the line so far; its end is not there yet */
    struct text value[MAIL_FIELDS];
};

/* The next bytes of the message. Cheap once the headers are over. */
void mail_header_add(struct mail_header *header, struct bytes bytes);

/* Bytes are missing here. */
void mail_header_lose(struct mail_header *header);

/* The message is over; `is_whole` says that it was seen to its end. */
void mail_header_end(struct mail_header *header, bool is_whole);

/* A field's value, unfolded, without the spaces around it; empty where there is none. Valid until mail_header_free. */
struct bytes mail_header_value(const struct mail_header *header, enum mail_field field);

void mail_header_free(struct mail_header *header);

#endif

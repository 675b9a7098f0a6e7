/*
 * mail_header.h - a block of header fields: of a message (RFC 5322) or of one of its parts (RFC 2045, 3), line by line.
 */
#ifndef WIRESCRIBE_DISSECTORS_MAIL_HEADER_H
#define WIRESCRIBE_DISSECTORS_MAIL_HEADER_H

#include "base/text.h"

/* Most bytes of one block that are read, and of one field's value that are kept. */
#define MAIL_HEADERS_LIMIT (64u << 10)
#define MAIL_VALUE_LIMIT 4096
/* So much of a line is kept: a field's name and its value's first line. Folded lines are shorter. */
#define MAIL_LINE_LIMIT (MAIL_VALUE_LIMIT + 256)
/* A line that has no colon in as many bytes is no field. */
#define MAIL_FIELD_NAME_LIMIT 998

enum mail_field {
    MAIL_SUBJECT,
    MAIL_FROM,
    MAIL_SENDER,
    MAIL_TO,
    MAIL_CC,
    MAIL_REPLY_TO,
    MAIL_DATE,
    MAIL_MESSAGE_ID,
    MAIL_IN_REPLY_TO,
    MAIL_USER_AGENT,
    MAIL_X_MAILER,
    MAIL_X_ORIGINATING_IP,
    MAIL_RECEIVED, /* the last one is kept: the oldest; of all others the first */
    MAIL_CONTENT_TYPE,
    MAIL_CONTENT_TRANSFER_ENCODING,
    MAIL_CONTENT_DISPOSITION,
    MAIL_FIELDS,
    MAIL_OTHER_FIELD = MAIL_FIELDS, /* one that is not kept */
};

enum mail_header_phase {
    MAIL_HEADER_READING,
    MAIL_HEADER_DONE, /* the block was seen to its end */
    MAIL_HEADER_LOST, /* bytes of it are missing, or it is too long */
};

/* Zero-initialised; owns its texts until mail_header_free. */
struct mail_header {
    enum mail_header_phase phase;
    size_t seen;     /* bytes so far */
    bool is_of_part; /* only the Content fields are kept */
    bool has_first_line;
    bool has_broken_folding; /* a parameter stood on a line of its own without a space before it */
    bool is_over_limit;      /* MAIL_HEADERS_LIMIT: fields are passed over from there */
    enum mail_field current; /* the field whose continuation may follow; meaningful once has_first_line */
    bool keeps_current;      /* false for a second field of the same name */
    unsigned count[MAIL_FIELDS];
    bool reached_limit; /* MAIL_HEADERS_LIMIT or MAIL_VALUE_LIMIT */
    struct text value[MAIL_FIELDS];
};

enum mail_line {
    MAIL_LINE_OF_HEADER,
    MAIL_LINE_EMPTY,   /* the block ends here */
    MAIL_LINE_OF_BODY, /* no field: the body has begun without an empty line, with this one */
};

/* The next line, without its end, of which `length` bytes were seen with its end (a longer one may be cut). Not once the block is over. */
enum mail_line mail_header_line(struct mail_header *header, struct bytes line, size_t length);

/* Bytes are missing here. `field_may_go_on`: in them; then that field is not known. */
void mail_header_lose(struct mail_header *header, bool field_may_go_on);

/* The block is over though no empty line was seen: a delimiter, or the message's end. */
void mail_header_end(struct mail_header *header);

/* A field's value, unfolded, without the spaces around it; empty where there is none. Valid until mail_header_free. */
struct bytes mail_header_value(const struct mail_header *header, enum mail_field field);

/* Forgets everything, and keeps no memory. */
void mail_header_free(struct mail_header *header);

#endif

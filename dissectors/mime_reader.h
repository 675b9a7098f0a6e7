/*
 * mime_reader.h - takes a message (RFC 5322) apart into its leaves (RFC 2045, 2046) as its bytes go by.
 *
 * The bytes may come in pieces of any size: what is told does not depend on it. Kept are a block of header
 * fields, a line at most that may be a delimiter, and the boundaries that are open.
 */
#ifndef WIRESCRIBE_DISSECTORS_MIME_READER_H
#define WIRESCRIBE_DISSECTORS_MIME_READER_H

#include "base/cursor.h"
#include "dissectors/mail_charset.h"
#include "dissectors/mail_header.h"

/* Most multiparts inside each other; one more is read as a leaf. */
#define MIME_NESTING_LIMIT 100
/* The longest boundary (RFC 2046 allows 70 characters); a multipart with a longer one is read as a leaf. */
#define MIME_BOUNDARY_LIMIT 256
/* A longer line is no delimiter: boundary, dashes and the blanks behind them. */
#define MIME_DELIMITER_LIMIT 1024
#define MIME_TYPE_LIMIT 256

enum mime_encoding {
    MIME_IDENTITY, /* 7bit, 8bit, binary, none, and what is not known */
    MIME_BASE64,
    MIME_QUOTED_PRINTABLE,
    MIME_UUENCODE,
};

/* What mail programs read in different ways; what hides something does so there. */
enum mime_oddity {
    MIME_REPEATED_FIELD,     /* Content-Type or Content-Transfer-Encoding twice in one block */
    MIME_REPEATED_PARAMETER, /* several boundaries */
    MIME_NO_BOUNDARY,        /* a multipart without one */
    MIME_UNKNOWN_ENCODING,
    MIME_ENCODED_ENTITY, /* a multipart or a message in base64 or quoted-printable (RFC 2045, 6.4, forbids it) */
    MIME_REPEATED_NAME,  /* two different file names in one field */
    MIME_BEHIND_PADDING, /* base64 that goes on behind its end */
    MIME_NO_END,         /* a multipart that is not closed */
    MIME_BROKEN_FOLDING, /* a header field goes on in a line without a space before it */
    MIME_NO_EMPTY_LINE,  /* the header fields end without one */
    MIME_DEEP_NESTING,   /* MIME_NESTING_LIMIT, MIME_BOUNDARY_LIMIT */
    MIME_ODDITIES,
};

/* A leaf as its header fields tell it. Borrowed for the length of the call. */
struct mime_leaf {
    const struct mail_header *header;
    struct bytes type; /* the media type, lower case; "text/plain" where none is declared */
    enum mime_encoding encoding;
    bool is_message; /* what it holds is a message: the owner may read on in it */
};

/* What the reader tells, in order: on_header once, then for each leaf begin, any of add and lose, end. */
struct mime_listener {
    void *owner;
    /* The message's own header fields are over, or lost. */
    void (*on_header)(void *owner, const struct mail_header *header);
    void (*begin_leaf)(void *owner, const struct mime_leaf *leaf);
    /* The leaf's bytes as they are encoded. */
    void (*add)(void *owner, struct bytes bytes);
    /* `count` bytes are missing here; they need not all be the leaf's. */
    void (*lose)(void *owner, uint64_t count);
    /* `is_whole`: the end was seen, though bytes may have been lost before. */
    void (*end_leaf)(void *owner, bool is_whole);
    void (*on_oddity)(void *owner, enum mime_oddity oddity);
    void (*on_limit)(void *owner); /* header fields are too many or too long: what is beyond is passed over */
};

enum mime_phase {
    MIME_HEADERS,
    MIME_FIRST_LINE, /* of a nested message that is said to be encoded: a field, or not */
    MIME_BODY,
};

/* A multipart that is open. */
struct mime_level {
    char *boundary; /* owned */
    size_t length;
    bool is_digest;
};

/*
 * HEADERS: `line` is the line so far. BODY: at a line's start `line_end` is the end of the line before, not told yet, as it
 * belongs to the delimiter if one follows, and `line` is a line that may be one.
 */
struct mime_reader {
    struct mime_listener listener;
    struct mail_charsets *charsets; /* the owner's */
    enum mime_phase phase;
    bool has_message_header; /* on_header was called */
    bool has_leaf;           /* a leaf is open */
    bool is_innermost;       /* attached messages are no leaves: the owner reads no further ones on */
    bool is_in_digest;       /* HEADERS: of a part that is a message unless it says otherwise */
    bool is_at_line_start;
    bool is_behind_cr;    /* BODY, inside a line: a CR is not told yet */
    const char *line_end; /* "", "\n" or "\r\n" */
    struct text line;
    size_t line_length; /* HEADERS: of the line, what was cut included */
    struct mail_header header;
    struct mime_level *levels; /* owned */
    size_t level_count;
};

void mime_reader_open(struct mime_reader *reader, const struct mime_listener *listener, struct mail_charsets *charsets);
void mime_reader_add(struct mime_reader *reader, struct bytes bytes);
/* `count` bytes are missing here, or it is not known how many (0). */
void mime_reader_lose(struct mime_reader *reader, uint64_t count);
/* The message is over; `is_whole` says that it was seen to its end. */
void mime_reader_end(struct mime_reader *reader, bool is_whole);
void mime_reader_close(struct mime_reader *reader);

#endif

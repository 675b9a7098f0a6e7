/*
 * line.h - lines and replies, as SMTP and FTP write them.
 */
#ifndef WIRESCRIBE_DISSECTORS_LINE_H
#define WIRESCRIBE_DISSECTORS_LINE_H

#include "base/cursor.h"
#include "base/text.h"

/* Most bytes of a line, its end not counted; of a longer one the rest is passed over. */
#define LINE_LIMIT 4096

/* Reads the lines of one side. Zero-initialised; owns nothing. */
struct line_reader {
    bool passes_over; /* inside a line that was too long */
};

enum line_found {
    LINE_NONE,     /* no whole line yet; nothing was taken but the rest of one that was too long */
    LINE_WHOLE,    /* one line, without its CR LF */
    LINE_TOO_LONG, /* the first LINE_LIMIT bytes of a line that is longer; its rest is never told */
};

/* The next line. `line` is borrowed from the cursor's buffer. What is answered does not depend on how the bytes arrive. */
enum line_found line_take(struct line_reader *reader, struct cursor *bytes, struct bytes *line);

/* Whether TLS begins here instead of a line: its first record is a handshake (RFC 8446, 5.1). */
bool line_is_tls(const struct cursor *bytes);

/* Most bytes kept of a reply's text, and most lines of one reply. */
#define REPLY_TEXT_LIMIT 4096
#define REPLY_LINES_LIMIT 1024

/* Gathers the lines of a reply. Zero-initialised; ends with reply_free. */
struct reply_reader {
    unsigned code;    /* of the reply being gathered or last told; 0: none */
    bool is_open;     /* more lines must follow */
    bool may_have_ended; /* SMTP: set by the caller: the other side went on behind the newest line, as if it were the last */
    bool codes_differ;   /* SMTP: its lines have several codes; `code` is the last one's */
    unsigned lines;
    struct text text; /* the lines' texts without codes, joined by LF */
};

enum reply_found {
    REPLY_MORE,    /* a line of a reply whose end is not there yet */
    REPLY_WHOLE,   /* `code` and `text` tell a whole reply, until the next call */
    REPLY_BEFORE,  /* SMTP: the same, of a reply that ended without its last line; this line belongs to the next one, give it again */
    REPLY_STRANGE, /* the line is no part of a reply */
};

/* SMTP writes the code on every line of a reply (RFC 5321, 4.2.1); FTP on the first and the last (RFC 959, 4.2). */
enum reply_style {
    REPLY_SMTP,
    REPLY_FTP,
};

enum reply_found reply_add_line(struct reply_reader *reader, enum reply_style style, struct bytes line);

/* Forgets a reply of which lines were lost. */
void reply_forget(struct reply_reader *reader);
void reply_free(struct reply_reader *reader);

/* The code at the start of a reply's line: three digits, then SP, '-' or the end. 0 where there is none. */
unsigned reply_line_code(struct bytes line);

#endif

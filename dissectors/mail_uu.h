/*
 * mail_uu.h - uuencoded files (POSIX uuencode), as a leaf's encoding or standing between the lines of a text.
 */
#ifndef WIRESCRIBE_DISSECTORS_MAIL_UU_H
#define WIRESCRIBE_DISSECTORS_MAIL_UU_H

#include "base/cursor.h"
#include "base/text.h"

/* A line holds 45 bytes at most, 61 letters; a begin line a name too. */
#define MAIL_UU_LINE_LIMIT 300
#define MAIL_UU_BYTES_LIMIT 63

/* What is found, in order: for each file begin, any number of add, end. */
struct mail_uu_listener {
    void *owner;
    void (*begin)(void *owner, struct bytes name); /* as written */
    void (*add)(void *owner, struct bytes bytes);
    void (*end)(void *owner, bool is_whole); /* `is_whole`: its "end" was seen */
};

enum mail_uu_phase {
    MAIL_UU_SEARCHING,
    MAIL_UU_FIRST_LINE, /* behind "begin": it was one if the next line is encoded */
    MAIL_UU_IN_FILE,
};

/* Zero-initialised, then `listener` set; ends with mail_uu_free. */
struct mail_uu {
    struct mail_uu_listener listener;
    enum mail_uu_phase phase;
    bool passes_over; /* the rest of this line cannot matter */
    bool is_in_line;
    struct text line;
    struct text name;
};

void mail_uu_add(struct mail_uu *uu, struct bytes bytes);
/* Bytes are missing here, or there are no more: a file that is open ends. */
void mail_uu_stop(struct mail_uu *uu);
void mail_uu_free(struct mail_uu *uu);

#endif

/*
 * smtp_smuggling.h - ends of data that only some servers take for one (CVE-2023-51764, CVE-2023-51765, CVE-2023-51766).
 *
 * A dot that stands alone between line breaks ends a message only where both breaks are CR LF. Where one of them is
 * a lone CR or a lone LF, or NUL stands before the dot, a server that is generous takes what follows for commands.
 */
#ifndef WIRESCRIBE_DISSECTORS_SMTP_SMUGGLING_H
#define WIRESCRIBE_DISSECTORS_SMTP_SMUGGLING_H

#include "base/bytes.h"

/* So many bytes behind a false end are looked at. */
#define SMTP_SMUGGLING_LOOK 16

enum smtp_smuggled {
    SMTP_NOTHING_SMUGGLED,
    SMTP_FALSE_END,       /* a false end, and text behind it */
    SMTP_FALSE_END_COMMAND, /* and that is a command */
};

/* Zero-initialised where a message of DATA begins. */
struct smtp_smuggling {
    enum smtp_smuggled found; /* the worst so far in this message */
    const char *end;          /* how the false end is written: "<LF>.<CR><LF>" */
    enum {
        SMTP_SEEKS_DOT,
        SMTP_BEHIND_DOT,
        SMTP_BEHIND_DOT_CR,
        SMTP_BEHIND_FALSE_END,
    } phase;
    bool has_begun;       /* `before` is set */
    uint8_t before[2];    /* SEEKS_DOT: the two newest bytes; else those before the dot */
    const char *end_here; /* BEHIND_FALSE_END: `end` of this one */
    uint8_t ahead[SMTP_SMUGGLING_LOOK];
    size_t ahead_length;
};

/* Looks at the next bytes of the message, as they come with their dots. The answer does not depend on how they are split. */
void smtp_smuggling_look(struct smtp_smuggling *smuggling, struct bytes bytes);

/* The message is over. */
void smtp_smuggling_end(struct smtp_smuggling *smuggling);

/* Bytes are missing here. */
void smtp_smuggling_lose(struct smtp_smuggling *smuggling);

#endif

/*
 * pending.h - the commands that wait for their replies, in SMTP and FTP.
 *
 * A server answers in the order in which it was asked, so each reply belongs to
 * the oldest command that waits. Where bytes are missing that no longer holds;
 * then a reply goes where nothing else is possible, and is otherwise left alone.
 */
#ifndef WIRESCRIBE_DISSECTORS_PENDING_H
#define WIRESCRIBE_DISSECTORS_PENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Most commands that wait at the same time. */
#define PENDING_LIMIT 64

struct pending_command {
    unsigned verb;    /* the protocol's own enum */
    bool is_doubtful; /* its reply may be among bytes that are missing */
    bool is_last;     /* SMTP: BDAT with LAST */
    bool has_begun;   /* SMTP: DATA whose message was read without having seen the reply */
    int64_t time_us;  /* when it was sent */
    size_t recipient; /* SMTP: RCPT's place in the mail */
    void *subject;    /* what it is about; the protocol's own, which holds it */
};

/* Zero-initialised; ends with pending_free, after the protocol let go of each subject. */
struct pending {
    struct pending_command *commands; /* owned; the oldest first */
    unsigned count;
    unsigned capacity;
};

/* Whether the protocol's command may be answered with this code, as far as a code tells. */
typedef bool pending_fits(unsigned verb, unsigned code);

/* A new command, the newest; to be filled. NULL when PENDING_LIMIT wait already, or out of memory. */
struct pending_command *pending_add(struct pending *pending, unsigned verb, int64_t time_us);

/* NULL where none waits. Valid until the next call that adds or takes out. */
struct pending_command *pending_oldest(const struct pending *pending);
struct pending_command *pending_newest(const struct pending *pending);

/* Takes out the oldest; the answer is a copy of it. Only where one waits. */
struct pending_command pending_take_oldest(struct pending *pending);

/* The same of the one at `place`, which is less than `count`; 0 is the oldest. */
struct pending_command pending_take(struct pending *pending, unsigned place);

/*
 * Bytes of the server are missing. Commands that were sent before the newest ones were answered, unless the client
 * does not wait for answers at all: the answer is how many of the oldest the caller has to give up. The rest are doubtful.
 */
unsigned pending_lose_replies(struct pending *pending);

/* A command is sent at `time_us`: how many of the oldest, doubtful and sent earlier, the caller has to give up. */
unsigned pending_outdated(const struct pending *pending, int64_t time_us);

/*
 * Which command a reply answers: 0 is the oldest. The caller gives up those before it. -1 where that cannot be
 * told. `is_whole`: no byte of either side is missing so far.
 */
int pending_answered(const struct pending *pending, unsigned code, bool is_whole, pending_fits *fits);

void pending_free(struct pending *pending);

#endif

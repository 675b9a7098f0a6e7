/*
 * ftp_payload.h - what a data connection carries: a file or a listing, taken out of the transmission mode.
 */
#ifndef WIRESCRIBE_DISSECTORS_FTP_PAYLOAD_H
#define WIRESCRIBE_DISSECTORS_FTP_PAYLOAD_H

#include "base/text.h"
#include "dissectors/content.h"
#include "dissectors/ftp_block.h"
#include "dissectors/ftp_listing.h"

/* Bytes kept of what may be a listing, until its command and its directory are known. */
#define FTP_EARLY_LIMIT 65536

enum ftp_payload_kind {
    FTP_PAYLOAD_UNKNOWN, /* no command was seen yet */
    FTP_PAYLOAD_FILE,
    FTP_PAYLOAD_LISTING,
};

/* Zero-initialised. */
struct ftp_payload {
    bool has_begun;
    enum ftp_payload_kind kind;
    struct ftp_form form;
    struct ftp_block *block;     /* NULL: the bytes are the file's */
    struct content *content;     /* of a file, or while the kind is not known */
    struct ftp_listing *listing; /* once it is known where it belongs */
    struct text early;           /* as long as that is not known */
    bool has_passed; /* bytes went by that nobody looked at */
    bool has_ended;
    bool is_whole; /* and its sender closed in order */
    bool is_void;                /* out of memory: nothing is known of it */
    struct conversation *conversation; /* valid during a call */
};

void ftp_payload_begin(struct ftp_payload *payload, struct conversation *conversation, const struct ftp_form *form, enum ftp_payload_kind kind);
void ftp_payload_add(struct ftp_payload *payload, struct conversation *conversation, struct bytes more);
void ftp_payload_lose(struct ftp_payload *payload, struct conversation *conversation, uint64_t count);

/* Bytes went by that were not kept: what they were is not known, but they are not missing in the capture. */
void ftp_payload_pass(struct ftp_payload *payload, struct conversation *conversation);

/* It is a file, or the listing `about`. Once; before or after the first bytes. */
void ftp_payload_is_file(struct ftp_payload *payload);
void ftp_payload_is_listing(struct ftp_payload *payload, struct conversation *conversation, const struct ftp_listing_about *about);

/* The data connection is over. `is_whole`: its sender closed it in order. */
void ftp_payload_end(struct ftp_payload *payload, struct conversation *conversation, bool is_whole);

/* Whether the mode's own mark of the end was seen; where the mode has none, `has_closed` says it: the sender closed in order. */
bool ftp_payload_has_end(const struct ftp_payload *payload, bool has_closed);

/* Whether its bytes could be followed to where they are now. */
bool ftp_payload_is_sound(const struct ftp_payload *payload);

void ftp_payload_free(struct ftp_payload *payload);

#endif

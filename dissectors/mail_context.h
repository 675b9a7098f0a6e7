/*
 * mail_context.h - what the leaves of one mail share: its rows' ids, its charsets and URLs, its limits, its findings.
 */
#ifndef WIRESCRIBE_DISSECTORS_MAIL_CONTEXT_H
#define WIRESCRIBE_DISSECTORS_MAIL_CONTEXT_H

#include "dissectors/mail_charset.h"
#include "dissectors/mail_file.h"
#include "dissectors/mail_urls.h"
#include "dissectors/mime_reader.h"

struct mail_context {
    struct conversation *conversation;
    int64_t mail_id;
    unsigned parts;
    unsigned attachments;
    bool found_limit;
    bool found_oddity[MIME_ODDITIES];
    struct mail_charsets charsets;
    struct mail_urls urls;
};

/* Findings: each at most once a mail. `what` completes "a mail's ...". */
void mail_note_limit(struct mail_context *context, const char *what, unsigned limit);
void mail_note_oddity(struct mail_context *context, enum mime_oddity oddity);

/* One more file of the mail; false beyond MAIL_PARTS_LIMIT. */
bool mail_may_begin_file(struct mail_context *context);
void mail_finish_file(struct mail_context *context, struct mail_file *file, bool is_whole);

#endif

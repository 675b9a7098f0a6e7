/*
 * mail_file.h - a file that a mail carries: a leaf of its MIME structure, or one that stands uuencoded in a text.
 */
#ifndef WIRESCRIBE_DISSECTORS_MAIL_FILE_H
#define WIRESCRIBE_DISSECTORS_MAIL_FILE_H

#include "base/text.h"
#include "dissectors/content.h"

#define MAIL_FILE_NAME_LIMIT 1024

/* Zero-initialised; ends with mail_file_end or mail_file_drop. */
struct mail_file {
    struct content *content; /* NULL: none is open, or out of memory */
    bool is_open;
    int64_t file_id;
    struct text name;          /* decoded; empty: none given */
    struct text declared_type; /* empty: none declared */
    uint64_t size;             /* bytes so far */
    uint64_t missing;          /* of the mail, inside it */
    bool is_attachment;
};

void mail_file_begin(struct mail_file *file, struct conversation *conversation);

/* The name as the mail gives it: directories before it are taken away (both / and \), control characters stay. */
void mail_file_set_name(struct mail_file *file, struct bytes name);

void mail_file_add(struct mail_file *file, struct bytes bytes);
void mail_file_lose(struct mail_file *file, uint64_t count);

/*
 * Writes its row, unless it is an empty body. `is_whole`: its end was seen. True where a row was written.
 */
bool mail_file_end(struct mail_file *file, struct conversation *conversation, int64_t mail_id, bool is_whole);
void mail_file_drop(struct mail_file *file);

#endif

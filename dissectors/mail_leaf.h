/*
 * mail_leaf.h - a leaf of a mail as its bytes go by: its transfer encoding is taken off, and what comes out is a file; of a text
 * also the URLs, and the uuencoded files between its lines.
 */
#ifndef WIRESCRIBE_DISSECTORS_MAIL_LEAF_H
#define WIRESCRIBE_DISSECTORS_MAIL_LEAF_H

#include "dissectors/mail_context.h"
#include "dissectors/mail_html.h"
#include "dissectors/mail_uu.h"
#include "dissectors/mime_decode.h"

/* Zero-initialised with `context` and perhaps `decoded` set; of each leaf begin, any of add and lose, end. Ends with mail_leaf_drop. */
struct mail_leaf {
    struct mail_context *context;
    /* Who else wants the decoded bytes of the leaf that is open; NULL: nobody. */
    void *owner;
    void (*decoded)(void *owner, struct bytes bytes);

    struct mail_file file;
    struct mime_decoder decoder;
    bool is_uu; /* the leaf's own encoding is uuencode */
    bool is_text;
    bool is_html;
    struct mail_uu uu;
    struct mail_file uu_file;        /* between the lines of a text */
    struct mail_converter converter; /* of the text's charset */
    struct text converted;
    struct mail_url_finder finder; /* of a text that is not HTML */
    struct mail_html html;
};

void mail_leaf_begin(struct mail_leaf *leaf, const struct mime_leaf *declared);
void mail_leaf_add(struct mail_leaf *leaf, struct bytes bytes);
void mail_leaf_lose(struct mail_leaf *leaf, uint64_t count);
/* Before the end of one that is whole: adds what the decoder still holds. */
void mail_leaf_add_rest(struct mail_leaf *leaf);
/* Writes the rows. `is_whole`: the end was seen. */
void mail_leaf_end(struct mail_leaf *leaf, bool is_whole);
/* Nothing is told of what is open. */
void mail_leaf_drop(struct mail_leaf *leaf);

#endif

/*
 * content.h - what a file holds, as its bytes go by: how many there are, their SHA-256, their media type.
 *
 * Whoever moves a file makes one, adds its bytes in their order, transfer encodings removed, and
 * asks at the end. Nothing of the file is kept but its first bytes, unless the user asks for the contents (base/vault.h).
 */
#ifndef WIRESCRIBE_DISSECTORS_CONTENT_H
#define WIRESCRIBE_DISSECTORS_CONTENT_H

#include "base/file.h"
#include "dissectors/dissector.h"

/* As many first bytes tell the media type. */
#define CONTENT_HEAD_LIMIT 8192

/* NULL, where memory is out, is taken by every function: then nothing is known of the content but nothing fails. */
struct content;

struct content *content_new(struct conversation *conversation);
void content_add(struct content *content, struct bytes more);
/*
 * It is the text of a message, not a file by itself: what reads as plain text or HTML is taken for that (prose.h), and
 * libmagic, which takes milliseconds to find that a text is nothing else, is asked about the others alone.
 */
void content_expect_prose(struct content *content);

/* `count` bytes are missing here; 0: what follows or what came is not the file's own. It has no digest then, and is not stored. */
void content_lose(struct content *content, uint64_t count);
void content_free(struct content *content);

/* The first bytes, CONTENT_HEAD_LIMIT at most, as far as none of them is missing. Valid until the next call. */
struct bytes content_head(const struct content *content);

/* The media type told from them, empty where it is not known; known after content_end. Valid until content_free. */
struct bytes content_mime_type(const struct content *content);

/*
 * The file is over, or broken off: fills size, missing, mime_type, sha256 and stored_path of its row, which
 * borrow from the content until content_free. Call it once. `conversation`, whose finding tells where it is not stored although it
 * was to be, need not be the one that it began with.
 */
void content_end(struct content *content, struct conversation *conversation, struct file_record *row);

#endif

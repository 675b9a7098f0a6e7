/*
 * mail_message.h - the message of a mail as its bytes go by: its header fields as text, and a row in files for each of its leaves.
 */
#ifndef WIRESCRIBE_DISSECTORS_MAIL_MESSAGE_H
#define WIRESCRIBE_DISSECTORS_MAIL_MESSAGE_H

#include "dissectors/dissector.h"
#include "dissectors/mail_header.h"

/* Most leaves of a mail that are told, files that stand uuencoded in texts included. */
#define MAIL_PARTS_LIMIT 1000

/* Every function takes NULL, where memory is out: then nothing is known of the message. */
struct mail_message;

/* `begins_unseen`: its first bytes are not in the capture. */
struct mail_message *mail_message_new(struct conversation *conversation, int64_t mail_id, bool begins_unseen);

/* Bytes of the message, the dots that DATA adds taken away. */
void mail_message_add(struct mail_message *message, struct bytes bytes);
void mail_message_lose(struct mail_message *message, uint64_t count);

/* The message is over; `is_whole` says that it was seen to its end. The first call counts. */
void mail_message_end(struct mail_message *message, bool is_whole);

/* The message is not to be told of: no more rows. */
void mail_message_free(struct mail_message *message);

/* A header field, without the spaces around it, then decoded (RFC 2047); unknown where there is none. Valid until mail_message_free. */
struct record_text mail_message_field(const struct mail_message *message, enum mail_field field);

/* Where the headers were seen to their end: how many Received they have. */
struct record_integer mail_message_received_hops(const struct mail_message *message);

/* X-Originating-IP, or what the oldest Received says of the client, as canonical text. Unknown where that is not clear. */
struct record_text mail_message_originating_ip(const struct mail_message *message);

/* Leaves that are files: those with a name or the disposition "attachment", and all that is neither text nor message. Unknown where bytes are missing. */
struct record_integer mail_message_attachments(const struct mail_message *message);

#endif

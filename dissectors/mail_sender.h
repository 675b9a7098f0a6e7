/* mail_sender.h - who a mail says it is from, and whether that deceives. */
#ifndef WIRESCRIBE_DISSECTORS_MAIL_SENDER_H
#define WIRESCRIBE_DISSECTORS_MAIL_SENDER_H

#include "dissectors/mail_context.h"

/*
 * Findings about From (RFC 5322, 3.6.2): several fields or several addresses without Sender are mail_several_from; a name that
 * shows the address of another domain than the mailbox's is mail_spoofed_from. That the envelope's sender differs is none: mailing
 * lists and forwarders do that.
 */
void mail_check_sender(struct mail_context *context, const struct mail_header *header);

#endif

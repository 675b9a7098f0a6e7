/* mail_origin.h - the address that a mail says it came from. */
#ifndef WIRESCRIBE_DISSECTORS_MAIL_ORIGIN_H
#define WIRESCRIBE_DISSECTORS_MAIL_ORIGIN_H

#include "base/address.h"
#include "dissectors/mail_header.h"

/*
 * X-Originating-IP, or else the client's address in the from clause of the oldest Received (RFC 5321, 4.4), where the header
 * fields were seen to their end. Canonical text; empty where there is none.
 */
void mail_find_origin(const struct mail_header *header, char address[ADDRESS_TEXT_SIZE]);

#endif

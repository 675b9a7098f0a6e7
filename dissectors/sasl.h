/*
 * sasl.h - the name to log in with, as SASL mechanisms show it (RFC 4422).
 */
#ifndef WIRESCRIBE_DISSECTORS_SASL_H
#define WIRESCRIBE_DISSECTORS_SASL_H

#include "base/bytes.h"
#include "base/text.h"

#define SASL_USER_LIMIT 256

/*
 * Reads one base64 response of the client, the first of its exchange where `is_first`. The user's name goes to `user`
 * where the mechanism shows it in this response; otherwise `user` stays as it is. No other part of the response is kept.
 */
void sasl_read_response(struct bytes mechanism, struct bytes response, bool is_first, struct text *user);

#endif

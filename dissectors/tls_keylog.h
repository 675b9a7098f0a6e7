/*
 * tls_keylog.h - files of TLS secrets, as SSLKEYLOGFILE makes them.
 */
#ifndef WIRESCRIBE_DISSECTORS_TLS_KEYLOG_H
#define WIRESCRIBE_DISSECTORS_TLS_KEYLOG_H

#include "dissectors/tls_secrets.h"

/*
 * Adds what a file holds. False with an error logged: it cannot be read, or none of its lines is one of a key log. Lines that are wrong among
 * right ones are passed over, with a warning that names the first. An empty file is right: its session has yet to come.
 */
bool tls_keylog_load(struct tls_secrets *secrets, const char *path);

#endif

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

/*
 * Key logs that grow while the stages run: they are looked at again when a session needs a secret. A log that is not there yet is waited for;
 * one that was truncated is read from its start again, and one that was replaced by another file (rotated) as well, behind the rest of the old
 * one. The half of a line at its end waits for the other half.
 */
struct tls_keylogs;

struct tls_keylogs *tls_keylogs_new(void); /* NULL when out of memory */
void tls_keylogs_free(struct tls_keylogs *logs);

/* One more log, read as far as it is there now. False after an error was logged, as tls_keylog_load. Before the workers run. */
bool tls_keylogs_follow(struct tls_keylogs *logs, struct tls_secrets *secrets, const char *path);

/* What `secrets` asks for more. `logs` must live as long as it is asked. */
struct tls_feeder tls_keylogs_feeder(struct tls_keylogs *logs);
#define TLS_KEYLOG_PAUSE_MS 20            /* between two looks, where it is not a session's last chance */
#define TLS_KEYLOG_AT_ONCE (4u << 20)     /* bytes read in one look */

#endif

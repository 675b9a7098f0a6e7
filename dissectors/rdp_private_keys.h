/*
 * rdp_private_keys.h - private keys of RDP servers, as the user gives them: with one, standard RDP security can be opened.
 */
#ifndef WIRESCRIBE_DISSECTORS_RDP_PRIVATE_KEYS_H
#define WIRESCRIBE_DISSECTORS_RDP_PRIVATE_KEYS_H

#include "dissectors/rdp_settings.h"

/* Loaded once, before the workers begin, and constant while they run. NULL, where no key was given, is taken by every function. */
struct rdp_private_keys;

/*
 * Adds the key of a file: the rsakeys.ini of xrdp, or an RSA private key in PEM. `*keys` is made when it is NULL. False, with
 * an error logged that names the file, what is wrong and what to do, where it cannot be read or is no such key.
 */
bool rdp_private_keys_add(struct rdp_private_keys **keys, const char *path);

/* The same of a file's text, NUL-terminated, which is taken apart; messages call it `path`. */
bool rdp_private_keys_add_text(struct rdp_private_keys **keys, char *text, size_t length, const char *path);
void rdp_private_keys_free(struct rdp_private_keys *keys);

/* How many keys were given. */
size_t rdp_private_keys_count(const struct rdp_private_keys *keys);

enum rdp_opening {
    RDP_KEY_FITS,
    RDP_KEY_ABSENT,  /* no key of that modulus was given */
    RDP_KEY_REFUSED, /* it was, and what it opens is no client random */
};

/* Decrypts a client random ([MS-RDPBCGR] 5.3.4.2) with the private half of that key; `encrypted` least significant byte first. */
enum rdp_opening rdp_private_keys_open(const struct rdp_private_keys *keys, const struct rdp_public_key *key, struct bytes encrypted,
                                       uint8_t random[RDP_RANDOM_LENGTH]);

#endif

/*
 * rdp_cipher.h - the ciphers of standard RDP security, [MS-RDPBCGR] 5.3.5 to 5.3.7, without any of the protocol around
 * them: session keys out of the two randoms, RC4 with its signatures and key updates, and 3DES with HMAC at level FIPS.
 */
#ifndef WIRESCRIBE_DISSECTORS_RDP_CIPHER_H
#define WIRESCRIBE_DISSECTORS_RDP_CIPHER_H

#include "dissectors/rc4.h"
#include "dissectors/rdp_settings.h"

#define RDP_SIGNATURE_LENGTH 8
#define RDP_KEY_LIMIT 24
/* A key is used for as many packets of one side (5.3.7). */
#define RDP_KEY_PACKETS 4096

/* One side's stream. */
struct rdp_cipher {
    uint8_t initial_key[RDP_KEY_LIMIT];
    uint8_t key[RDP_KEY_LIMIT];
    struct rc4 rc4;
    void *des;            /* owned; of FIPS alone */
    uint32_t packets;     /* of the session */
    uint32_t key_packets; /* since the last key update */
};

/* Both sides' streams. Zeroed, then rdp_ciphers_start; rdp_ciphers_free frees what they own. */
struct rdp_ciphers {
    uint32_t method;
    size_t key_length;
    uint8_t signing_key[20];
    size_t signing_length;
    struct rdp_cipher side[SIDE_COUNT]; /* by who sends */
};

/* Derives the keys of that method. False: no such method, or out of memory. */
bool rdp_ciphers_start(struct rdp_ciphers *ciphers, uint32_t method, const uint8_t client_random[RDP_RANDOM_LENGTH],
                       const uint8_t server_random[RDP_RANDOM_LENGTH]);
void rdp_ciphers_free(struct rdp_ciphers *ciphers);

/*
 * Decrypts a packet in place, the next one of that side, and answers whether its signature holds. `padding` bytes at its
 * end are not signed (FIPS; else 0).
 */
bool rdp_ciphers_open(struct rdp_ciphers *ciphers, enum side from, bool is_salted, uint8_t *bytes, size_t length, size_t padding,
                      const uint8_t signature[RDP_SIGNATURE_LENGTH]);

#endif

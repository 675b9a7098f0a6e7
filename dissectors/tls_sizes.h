/*
 * tls_sizes.h - how much of a protected TLS record is the application's, as far as its length says (RFC 5246, 6.2.3; RFC 8446, 5.2).
 */
#ifndef WIRESCRIBE_DISSECTORS_TLS_SIZES_H
#define WIRESCRIBE_DISSECTORS_TLS_SIZES_H

#include <stdbool.h>
#include <stdint.h>

/* A record's payload has at least `low` and at most `high` bytes. */
struct tls_payload {
    uint16_t low;
    uint16_t high;
};

/*
 * The payload of a protected record whose fragment has `length` bytes. Exact where the cipher shows it (AEAD, stream ciphers);
 * of block ciphers what the shortest padding leaves open, which everybody who is known sends; of TLS 1.3 without padding of the record.
 * An unknown cipher suite leaves 0 to `length`.
 */
struct tls_payload tls_payload_of(uint16_t version, uint16_t cipher, uint16_t length);

/* Bytes of the handshake message Finished in TLS 1.3, header included; 0: not known. */
uint16_t tls_finished_size(uint16_t cipher);

#endif

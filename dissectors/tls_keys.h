/*
 * tls_keys.h - from a session's secrets to the keys of its records: the key schedules of TLS 1.0 to 1.3, by libcrypto.
 */
#ifndef WIRESCRIBE_DISSECTORS_TLS_KEYS_H
#define WIRESCRIBE_DISSECTORS_TLS_KEYS_H

#include "base/bytes.h"
#include "base/flow.h"
#include "dissectors/tls_secrets.h"
#include "dissectors/tls_suites.h"

#define TLS_VERSION_1_0 0x0301
#define TLS_VERSION_1_1 0x0302
#define TLS_VERSION_1_2 0x0303
#define TLS_VERSION_1_3 0x0304

#define TLS_MASTER_BYTES 48
#define TLS_KEY_LIMIT 32
#define TLS_IV_LIMIT 16
#define TLS_MAC_LIMIT 48

/* Keys of one direction. What a suite does not need is empty. */
struct tls_keys {
    uint8_t mac[TLS_MAC_LIMIT];
    uint8_t key[TLS_KEY_LIMIT];
    uint8_t iv[TLS_IV_LIMIT];
    size_t mac_length;
    size_t key_length;
    size_t iv_length;
};

/*
 * The master secret of TLS 1.0 to 1.2 out of the premaster secret (RFC 5246, 8.1). `session_hash`: the digest of the handshake up to
 * the client's key exchange where the extended master secret was agreed on (RFC 7627, 4), else empty. False where libcrypto refuses.
 */
bool tls_master_secret(uint16_t version, const struct tls_suite *suite, struct bytes premaster, const uint8_t client_random[TLS_RANDOM_BYTES],
                       const uint8_t server_random[TLS_RANDOM_BYTES], struct bytes session_hash, uint8_t master[TLS_MASTER_BYTES]);

/* Both directions' keys out of the master secret (RFC 5246, 6.3). False where libcrypto refuses. */
bool tls_keys_from_master(uint16_t version, const struct tls_suite *suite, struct bytes master, const uint8_t client_random[TLS_RANDOM_BYTES],
                          const uint8_t server_random[TLS_RANDOM_BYTES], struct tls_keys keys[SIDE_COUNT]);

/* One direction's keys out of its traffic secret (RFC 8446, 7.3). */
bool tls_keys_from_traffic_secret(const struct tls_suite *suite, const struct tls_secret *secret, struct tls_keys *keys);

/* The traffic secret that follows a key update (RFC 8446, 7.2). */
bool tls_next_traffic_secret(const struct tls_suite *suite, struct tls_secret *secret);

#endif

/*
 * tls_sizes.c - see tls_sizes.h; the numbers are those of IANA's "TLS Cipher Suites".
 */
#include "dissectors/tls_sizes.h"

#include <stddef.h>

#define TLS_1_1 0x0302
#define TLS_1_3 0x0304
#define FINISHED_HEADER 4

/* What a record bears beside its payload. */
struct protection {
    uint8_t nonce;       /* bytes before it, from TLS 1.1 on where `block` > 1 */
    uint8_t code;        /* MAC or tag behind it */
    uint8_t block;       /* 1: no padding */
};

struct suites {
    uint16_t first;
    uint16_t last;
    struct protection protection;
};

/* Ranges of suites that protect alike, in their order. Encrypt-then-MAC (RFC 7366) moves the MAC, and leaves its sum as it is. */
static const struct suites known_suites[] = {
    {0x0001, 0x0001, {0, 16, 1}},   /* NULL_MD5 */
    {0x0002, 0x0002, {0, 20, 1}},   /* NULL_SHA */
    {0x0003, 0x0004, {0, 16, 1}},   /* RC4_MD5 */
    {0x0005, 0x0005, {0, 20, 1}},   /* RC4_SHA */
    {0x0007, 0x0016, {8, 20, 8}},   /* IDEA, DES, 3DES; MD5 with none of these */
    {0x002f, 0x003a, {16, 20, 16}}, /* AES_CBC_SHA */
    {0x003b, 0x003b, {0, 32, 1}},   /* NULL_SHA256 */
    {0x003c, 0x0040, {16, 32, 16}}, /* AES_CBC_SHA256 */
    {0x0041, 0x0046, {16, 20, 16}}, /* CAMELLIA_CBC_SHA */
    {0x0067, 0x006d, {16, 32, 16}}, /* AES_CBC_SHA256 */
    {0x0084, 0x0089, {16, 20, 16}}, /* CAMELLIA_CBC_SHA */
    {0x009c, 0x00a7, {8, 16, 1}},   /* AES_GCM */
    {0x00ba, 0x00c5, {16, 32, 16}}, /* CAMELLIA_CBC_SHA256 */
    {0x1301, 0x1304, {0, 16, 1}},
    {0x1305, 0x1305, {0, 8, 1}},    /* AES_128_CCM_8 */
    {0xc002, 0xc002, {0, 20, 1}},   /* ECDH RC4, 3DES, AES_CBC_SHA in turns */
    {0xc003, 0xc003, {8, 20, 8}},
    {0xc004, 0xc005, {16, 20, 16}},
    {0xc007, 0xc007, {0, 20, 1}},
    {0xc008, 0xc008, {8, 20, 8}},
    {0xc009, 0xc00a, {16, 20, 16}},
    {0xc00c, 0xc00c, {0, 20, 1}},
    {0xc00d, 0xc00d, {8, 20, 8}},
    {0xc00e, 0xc00f, {16, 20, 16}},
    {0xc011, 0xc011, {0, 20, 1}},
    {0xc012, 0xc012, {8, 20, 8}},
    {0xc013, 0xc014, {16, 20, 16}},
    {0xc023, 0xc023, {16, 32, 16}}, /* AES_CBC_SHA256 and SHA384 in turns */
    {0xc024, 0xc024, {16, 48, 16}},
    {0xc025, 0xc025, {16, 32, 16}},
    {0xc026, 0xc026, {16, 48, 16}},
    {0xc027, 0xc027, {16, 32, 16}},
    {0xc028, 0xc028, {16, 48, 16}},
    {0xc029, 0xc029, {16, 32, 16}},
    {0xc02a, 0xc02a, {16, 48, 16}},
    {0xc02b, 0xc032, {8, 16, 1}},   /* AES_GCM */
    {0xc09c, 0xc09f, {8, 16, 1}},   /* AES_CCM */
    {0xc0a0, 0xc0a3, {8, 8, 1}},    /* AES_CCM_8 */
    {0xc0ac, 0xc0ad, {8, 16, 1}},
    {0xc0ae, 0xc0af, {8, 8, 1}},
    {0xcca8, 0xccae, {0, 16, 1}},   /* CHACHA20_POLY1305 */
};

static const struct protection *protection_of(uint16_t cipher)
{
    for (size_t i = 0; i < sizeof known_suites / sizeof known_suites[0]; i++) {
        if (cipher >= known_suites[i].first && cipher <= known_suites[i].last)
            return &known_suites[i].protection;
    }
    return NULL;
}

struct tls_payload tls_payload_of(uint16_t version, uint16_t cipher, uint16_t length)
{
    const struct protection *protection = protection_of(cipher);
    bool is_1_3 = version == TLS_1_3 || version >> 8 == 0x7f; /* drafts */
    unsigned around;
    unsigned padding;

    if (protection == NULL)
        return (struct tls_payload){.low = 0, .high = length};
    around = protection->code + (is_1_3 ? 1u : 0u); /* the inner content type */
    if (protection->block == 1 || version >= TLS_1_1)
        around += protection->nonce;
    padding = protection->block > 1 ? 1 : 0; /* at least its length byte */
    if (length < around + padding)
        return (struct tls_payload){.low = 0, .high = 0};
    if (length < around + protection->block)
        return (struct tls_payload){.low = 0, .high = (uint16_t)(length - around - padding)};
    return (struct tls_payload){.low = (uint16_t)(length - around - (padding > 0 ? protection->block : 0)), .high = (uint16_t)(length - around - padding)};
}

uint16_t tls_finished_size(uint16_t cipher)
{
    if (cipher == 0x1302)
        return FINISHED_HEADER + 48; /* SHA-384 */
    return cipher == 0x1301 || (cipher >= 0x1303 && cipher <= 0x1305) ? FINISHED_HEADER + 32 : 0;
}

/* test_tls_sizes.c - dissectors/tls_sizes.c: what a record's length says of its payload, by version and cipher suite. */
#include "dissectors/tls_sizes.h"
#include "tests/unit/check.h"

static void check_payload(uint16_t version, uint16_t cipher, uint16_t length, uint16_t low, uint16_t high)
{
    struct tls_payload payload = tls_payload_of(version, cipher, length);

    CHECK(payload.low == low);
    CHECK(payload.high == high);
}

UNIT_TEST(tls_sizes_of_aead)
{
    check_payload(0x0304, 0x1302, 29, 12, 12);  /* TLS 1.3: the content type and a tag of 16 bytes */
    check_payload(0x7f1c, 0x1301, 29, 12, 12);  /* a draft of it */
    check_payload(0x0304, 0x1305, 21, 12, 12);  /* CCM_8 */
    check_payload(0x0303, 0xc030, 36, 12, 12);  /* AES-GCM in TLS 1.2: a nonce of 8 bytes and the tag */
    check_payload(0x0303, 0xcca8, 28, 12, 12);  /* ChaCha20 has no nonce in the record */
    check_payload(0x0303, 0xc0ae, 28, 12, 12);  /* CCM_8 in TLS 1.2 */
    check_payload(0x0303, 0x0005, 32, 12, 12);  /* RC4 and SHA-1 */
}

UNIT_TEST(tls_sizes_of_blocks)
{
    check_payload(0x0303, 0xc014, 64, 12, 27); /* 16 of IV, 48 of payload, a MAC of 20 and 1 to 16 of padding */
    check_payload(0x0301, 0xc014, 48, 12, 27); /* TLS 1.0 has no IV in the record */
    check_payload(0x0303, 0xc028, 80, 0, 15);  /* a MAC of 48 */
    check_payload(0x0302, 0x000a, 40, 4, 11);  /* blocks of 8 */
    check_payload(0x0303, 0xc014, 48, 0, 11);
}

UNIT_TEST(tls_sizes_not_known)
{
    check_payload(0x0303, 0xfefe, 77, 0, 77);
    check_payload(0x0304, 0x1302, 5, 0, 0); /* too short to be one */
    check_payload(0x0303, 0xc014, 0, 0, 0);
    CHECK(tls_finished_size(0x1301) == 36 && tls_finished_size(0x1302) == 52 && tls_finished_size(0xc014) == 0);
}

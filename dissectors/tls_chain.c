/*
 * tls_chain.c - the certificates that a side shows in TLS's handshake (RFC 5246, 7.4.2; RFC 8446, 4.4.2; compressed by zlib, brotli or zstd:
 * RFC 8879).
 *
 * Leaves out: raw public keys (RFC 7250).
 */
#include "base/memory.h"
#include "dissectors/known_certificates.h"
#include "dissectors/tls_record.h"
#include "dissectors/tls_session.h"

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#define COMPRESSED_BY_ZLIB 1
#define COMPRESSED_BY_BROTLI 2
#define COMPRESSED_BY_ZSTD 3

static void write_certificate(struct conversation *conversation, enum side from, unsigned number, const struct certificate *certificate)
{
    struct certificate_row row = {
        .flow_id = record_integer(conversation_flow(conversation)->flow_id),
        .time_us = record_integer(conversation_now(conversation)),
        .from_side = record_text_of(side_name(from)),
        .number = record_integer(number),
        .sha256 = record_text_of(certificate->has_sha256 ? certificate->sha256 : NULL),
        .subject = record_text_unless_empty(text_bytes(&certificate->subject)),
        .issuer = record_text_unless_empty(text_bytes(&certificate->issuer)),
        .names = record_text_unless_empty(text_bytes(&certificate->names)),
        .serial = record_text_unless_empty(text_bytes(&certificate->serial)),
        .key_type = record_text_unless_empty(text_bytes(&certificate->key_type)),
        .signature_algorithm = record_text_unless_empty(text_bytes(&certificate->signature)),
        .is_ca = record_boolean(certificate->is_ca),
        .self_signed = record_boolean(certificate->is_self_signed),
    };

    if (certificate->key_bits > 0)
        row.key_bits = record_integer(certificate->key_bits);
    if (certificate->has_validity) {
        row.not_before_us = record_integer(certificate->not_before_us);
        row.not_after_us = record_integer(certificate->not_after_us);
    }
    conversation_write(conversation, &certificate_table, &row);
}

/* The server's own is kept for the session's row; of two handshakes, the first one's. */
static void keep_certificate(struct tls *tls, enum side from, unsigned number, struct certificate *certificate)
{
    if (from != FROM_SERVER || number != 1 || tls->certificate != NULL || (tls->certificate = memory_new(sizeof *tls->certificate)) == NULL) {
        certificate_free(certificate);
        return;
    }
    *tls->certificate = *certificate;
}

void tls_on_one_certificate(struct conversation *conversation, struct tls *tls, enum side from, unsigned number, struct bytes encoded)
{
    struct certificate certificate = certificate_empty();

    if (conversation_recording(conversation)->tls_rsa_keys != NULL)
        certificate.key.limit = TLS_FRAGMENT_LIMIT;
    if (from == FROM_SERVER && number == 1 && tls_is_observed(tls))
        tls->outer->on_certificate(conversation, tls->outer, encoded);
    if (!known_certificates_read(conversation_known_certificates(conversation), encoded, &certificate)) {
        conversation_finding_once(conversation, "notice", "tls_certificate_invalid", "certificate %u of the %s cannot be read: %zu bytes are no X.509 certificate",
                                  number, side_name(from), encoded.length);
        certificate_free(&certificate);
        return;
    }
    write_certificate(conversation, from, number, &certificate);
    keep_certificate(tls, from, number, &certificate);
}

void tls_on_certificates(struct conversation *conversation, struct tls *tls, enum side from, struct cursor list)
{
    unsigned number = 0;

    while (cursor_left(&list) > 0) {
        struct bytes encoded = take_bytes(&list, take_u24_be(&list));

        if (tls_is_1_3(tls))
            skip_bytes(&list, take_u16_be(&list)); /* its extensions */
        if (!cursor_is_good(&list))
            return;
        number++;
        if (++tls->certificates > TLS_CERTIFICATES_LIMIT) {
            conversation_finding_once(conversation, "notice", "tls_too_many_certificates", "more than %d certificates were shown, the last by the %s; the rest has no rows",
                                      TLS_CERTIFICATES_LIMIT, side_name(from));
            return;
        }
        if (encoded.length > 0)
            tls_on_one_certificate(conversation, tls, from, number, encoded);
    }
}

/* ---- compressed ---- */

static bool unpack(uint16_t algorithm, struct bytes packed, uint8_t *room, size_t length)
{
    uLongf inflated = length;
    size_t written = length;

    if (algorithm == COMPRESSED_BY_ZLIB)
        return uncompress(room, &inflated, packed.at, packed.length) == Z_OK && inflated == length;
    if (algorithm == COMPRESSED_BY_BROTLI)
        return BrotliDecoderDecompress(packed.length, packed.at, &written, room) == BROTLI_DECODER_RESULT_SUCCESS && written == length;
    if (algorithm == COMPRESSED_BY_ZSTD)
        return ZSTD_decompress(room, length, packed.at, packed.length) == length;
    return false;
}

void tls_on_compressed_certificates(struct conversation *conversation, struct tls *tls, enum side from, struct cursor body)
{
    uint16_t algorithm = take_u16_be(&body);
    uint32_t length = take_u24_be(&body);
    struct bytes packed = take_bytes(&body, take_u24_be(&body));
    uint8_t *room;
    struct cursor unpacked;

    if (!cursor_is_good(&body) || length == 0 || length > TLS_MESSAGE_LIMIT || packed.length == 0)
        return;
    room = memory_new(length);
    if (room != NULL && !unpack(algorithm, packed, room, length)) {
        conversation_finding_once(conversation, "notice", "tls_certificate_invalid", "the %s's compressed certificates (algorithm %u) do not give the %u bytes that they state",
                                  side_name(from), algorithm, length);
    } else if (room != NULL) {
        unpacked = cursor_within(bytes_of(room, length));
        skip_bytes(&unpacked, take_u8(&unpacked));
        tls_on_certificates(conversation, tls, from, take_child(&unpacked, take_u24_be(&unpacked)));
    }
    memory_free(room);
}

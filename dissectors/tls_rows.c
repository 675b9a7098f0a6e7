/* tls_rows.c - the row of a TLS session */
#include "base/memory.h"
#include "dissectors/certificate.h"
#include "dissectors/tls_record.h"
#include "dissectors/tls_session.h"

#include <stdio.h>

static struct record_text version_text(uint16_t version, char *room, size_t size)
{
    const char *name = tls_version_name(version);

    if (name != NULL)
        return record_text_of(name);
    if (version >> 8 == 0x7f)
        (void)snprintf(room, size, "TLSv1.3-draft%u", version & 0xffu);
    else
        (void)snprintf(room, size, "0x%04x", version);
    return record_text_of(room);
}

static struct record_text cipher_text(uint16_t cipher, char *room, size_t size)
{
    const char *name = tls_suite_name(cipher);

    if (name != NULL)
        return record_text_of(name);
    (void)snprintf(room, size, "0x%04x", cipher);
    return record_text_of(room);
}

/* RFC 8446, 6 and B.2; the last three are from older versions. */
static const char *const alert_names[] = {
    [0] = "close_notify",
    [10] = "unexpected_message",
    [20] = "bad_record_mac",
    [22] = "record_overflow",
    [40] = "handshake_failure",
    [42] = "bad_certificate",
    [43] = "unsupported_certificate",
    [44] = "certificate_revoked",
    [45] = "certificate_expired",
    [46] = "certificate_unknown",
    [47] = "illegal_parameter",
    [48] = "unknown_ca",
    [49] = "access_denied",
    [50] = "decode_error",
    [51] = "decrypt_error",
    [70] = "protocol_version",
    [71] = "insufficient_security",
    [80] = "internal_error",
    [86] = "inappropriate_fallback",
    [90] = "user_canceled",
    [109] = "missing_extension",
    [110] = "unsupported_extension",
    [112] = "unrecognized_name",
    [113] = "bad_certificate_status_response",
    [115] = "unknown_psk_identity",
    [116] = "certificate_required",
    [120] = "no_application_protocol",
    [30] = "decompression_failure",
    [41] = "no_certificate",
    [100] = "no_renegotiation",
};

static struct record_text alert_text(uint8_t alert, char *room, size_t size)
{
    if (alert < sizeof alert_names / sizeof alert_names[0] && alert_names[alert] != NULL)
        return record_text_of(alert_names[alert]);
    (void)snprintf(room, size, "%u", alert);
    return record_text_of(room);
}

/* Both sides' records were opened, or those of the only side that sent protected ones. */
static struct record_boolean decrypted(const struct conversation *conversation, const struct tls *tls)
{
    bool is_open = false;
    bool is_shut = false;

    for (int from = 0; from < SIDE_COUNT; from++) {
        is_open = is_open || tls->side[from].opened_any;
        is_shut = is_shut || (tls->side[from].is_locked && !tls->side[from].opened_any);
    }
    is_shut = is_shut && tls->has_client_hello && tls->has_server_hello; /* else nobody can know */
    if (!tls_has_keys(conversation) || (!is_open && !is_shut))
        return (struct record_boolean){.is_known = false};
    return record_boolean(is_open && !is_shut);
}

/* Not known where bytes are missing, or a side was never seen. */
static struct record_boolean established(const struct conversation *conversation, const struct tls *tls)
{
    bool is_whole = !tls->has_missing && conversation_has_start(conversation, FROM_CLIENT) && conversation_has_start(conversation, FROM_SERVER);

    if (tls->is_established)
        return record_boolean(true);
    return is_whole ? record_boolean(false) : (struct record_boolean){.is_known = false};
}

static void fill_certificate(const struct certificate *certificate, struct tls_session *row)
{
    row->certificate_sha256 = record_text_of(certificate->has_sha256 ? certificate->sha256 : NULL);
    row->certificate_subject = record_text_unless_empty(text_bytes(&certificate->subject));
    row->certificate_issuer = record_text_unless_empty(text_bytes(&certificate->issuer));
    row->certificate_names = record_text_unless_empty(text_bytes(&certificate->names));
    if (certificate->has_validity) {
        row->certificate_not_before_us = record_integer(certificate->not_before_us);
        row->certificate_not_after_us = record_integer(certificate->not_after_us);
    }
}

void tls_write_row(struct conversation *conversation, const struct tls *tls)
{
    char version[32];
    char cipher[8];
    char alert[8];
    struct tls_session row = {
        .flow_id = record_integer(conversation_flow(conversation)->flow_id),
        .encrypted = record_boolean(conversation_is_decrypted(conversation)),
        .tunnel = record_integer(conversation_tunnel(conversation)),
        .server_name = record_text_unless_empty(text_bytes(&tls->server_name)),
        .alpn = record_text_unless_empty(text_bytes(&tls->alpn)),
        .ja3 = record_text_of(tls->ja3[0] != '\0' ? tls->ja3 : NULL),
        .ja3s = record_text_of(tls->ja3s[0] != '\0' ? tls->ja3s : NULL),
        .ja4 = record_text_of(tls->ja4[0] != '\0' ? tls->ja4 : NULL),
        .established = established(conversation, tls),
        .decrypted = decrypted(conversation, tls),
        .inner_protocol = record_text_of(tls->inside != NULL ? conversation_protocol_inside(tls->inside) : tls->inner_protocol),
        .versions_offered = record_text_unless_empty(text_bytes(&tls->versions_offered)),
        .protocols_offered = record_text_unless_empty(text_bytes(&tls->protocols_offered)),
    };

    if (tls->has_version) {
        row.version = version_text(tls->version, version, sizeof version);
        row.cipher = tls->version == 0x0002 ? record_text_of(tls->ssl2_cipher) : cipher_text(tls->cipher, cipher, sizeof cipher);
        row.hello_retry = record_boolean(tls->is_retried);
        row.resumed = record_boolean(tls->is_resumed);
    }
    if (tls->has_client_hello)
        row.encrypted_hello = record_boolean(tls->has_encrypted_hello);
    if (tls->asks_client_certificate || (tls->is_established && (!tls_is_1_3(tls) || tls->side[FROM_SERVER].opened_any)))
        row.client_certificate_asked = record_boolean(tls->asks_client_certificate);
    if (tls->early_bytes > 0)
        row.early_data = record_integer((int64_t)tls->early_bytes);
    if (tls->certificate != NULL)
        fill_certificate(tls->certificate, &row);
    if (tls->has_alert)
        row.alert = alert_text(tls->alert, alert, sizeof alert);
    conversation_write(conversation, &tls_session_table, &row);
}

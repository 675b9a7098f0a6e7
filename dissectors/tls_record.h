/*
 * tls_record.h - the rows of TLS: sessions, and the certificates that were shown in them.
 */
#ifndef WIRESCRIBE_DISSECTORS_TLS_RECORD_H
#define WIRESCRIBE_DISSECTORS_TLS_RECORD_H

#include "base/record.h"

#define TLS_SESSION(COLUMN, LATER, R) \
    COLUMN(R, integer, flow_id, RECORD_DOC_FLOW_ID) \
    COLUMN(R, boolean, encrypted, RECORD_DOC_ENCRYPTED) \
    COLUMN(R, integer, tunnel, RECORD_DOC_TUNNEL) \
    COLUMN(R, text, version, "the negotiated version, from the server's hello: 'TLSv1.2', 'TLSv1.3', 'SSLv3', 'SSLv2', 'DTLSv1.2', ...") \
    COLUMN(R, text, cipher, "the negotiated cipher suite, by its IANA name; '0xNNNN' where it has none; SSLv2: by the name in its specification") \
    COLUMN(R, text, server_name, "the host that the client asked for (SNI)") \
    COLUMN(R, text, alpn, "the application protocol that the server chose (ALPN); TLS 1.3 hides the choice from all who have no keys") \
    COLUMN(R, text, ja3, "JA3 fingerprint of the client's hello") \
    COLUMN(R, text, ja3s, "JA3S fingerprint of the server's hello") \
    COLUMN(R, text, ja4, "JA4 fingerprint of the client's hello") \
    COLUMN(R, boolean, resumed, "1 where an earlier session was resumed; from the hellos, NULL without the server's") \
    COLUMN(R, boolean, established, "1 where the handshake was completed: both sides went on to protected records and no fatal alert came before; " \
                                    "NULL where bytes are missing that would tell") \
    COLUMN(R, boolean, decrypted, "1 where the user's keys opened records of both sides, or of the only one that was seen; 0 where keys were given and none fits; NULL without keys, or where nothing was protected") \
    COLUMN(R, text, inner_protocol, "what was read inside, where the session was decrypted") \
    COLUMN(R, text, certificate_sha256, "SHA-256 of the server's certificate, in hexadecimal; TLS 1.3 hides it from all who have no keys") \
    COLUMN(R, text, certificate_subject, "whom the server's certificate names, as RFC 2253 writes it") \
    COLUMN(R, text, certificate_issuer, "who issued the server's certificate") \
    COLUMN(R, integer, certificate_not_before_us, "start of its validity; microseconds since the epoch, UTC") \
    COLUMN(R, integer, certificate_not_after_us, "end of its validity; microseconds since the epoch, UTC") \
    COLUMN(R, text, certificate_names, "the alternative names in it (hosts, addresses), separated by commas") \
    COLUMN(R, text, alert, "the alert that was sent, by its name in RFC 8446; a fatal one wins over a warning. Protected ones need keys") \
    COLUMN(R, text, versions_offered, "the versions that the client offers, separated by commas, in its order") \
    COLUMN(R, text, protocols_offered, "the application protocols that the client offers (ALPN), separated by commas") \
    COLUMN(R, boolean, hello_retry, "1 where the server asked for another hello (HelloRetryRequest, RFC 8446, 4.1.4)") \
    COLUMN(R, boolean, encrypted_hello, "1 where the client's hello bears an encrypted one (ECH), or a made-up one that looks so") \
    COLUMN(R, boolean, client_certificate_asked, "1 where the server asked for the client's certificate; TLS 1.3 hides it from all who have no keys") \
    COLUMN(R, integer, early_data, "bytes of application data that the client sent before the handshake was over (0-RTT), as they were before encryption; needs keys")

#define CERTIFICATE(COLUMN, LATER, R) \
    COLUMN(R, integer, flow_id, RECORD_DOC_FLOW_ID) \
    COLUMN(R, integer, time_us, "when it was shown; microseconds since the epoch, UTC") \
    COLUMN(R, text, from_side, "'client' or 'server': whose chain it belongs to") \
    COLUMN(R, integer, number, "its place in the chain; 1 is the side's own") \
    COLUMN(R, text, sha256, "SHA-256 of the certificate, in hexadecimal") \
    COLUMN(R, text, subject, "whom it names, as RFC 2253 writes it") \
    COLUMN(R, text, issuer, "who issued it") \
    COLUMN(R, text, names, "the alternative names in it (hosts, addresses, mail addresses), separated by commas") \
    COLUMN(R, text, serial, "its serial number, in hexadecimal") \
    COLUMN(R, integer, not_before_us, "start of its validity; microseconds since the epoch, UTC") \
    COLUMN(R, integer, not_after_us, "end of its validity; microseconds since the epoch, UTC") \
    COLUMN(R, text, key_type, "algorithm of its key: 'RSA', 'EC prime256v1', 'ED25519', ...") \
    COLUMN(R, integer, key_bits, "size of its key") \
    COLUMN(R, text, signature_algorithm, "how it is signed: 'sha256WithRSAEncryption', ...") \
    COLUMN(R, boolean, is_ca, "1 where it may issue others (basic constraints)") \
    COLUMN(R, boolean, self_signed, "1 where it is signed with its own key")

RECORD_STRUCT(tls_session, TLS_SESSION);
RECORD_STRUCT(certificate_row, CERTIFICATE);

extern const struct record_table tls_session_table;
extern const struct record_table certificate_table;

#endif

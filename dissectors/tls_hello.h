/*
 * tls_hello.h - what the two hellos of TLS say (RFC 5246, 7.4.1; RFC 8446, 4.1), and the fingerprints made of them.
 */
#ifndef WIRESCRIBE_DISSECTORS_TLS_HELLO_H
#define WIRESCRIBE_DISSECTORS_TLS_HELLO_H

#include "base/cursor.h"
#include "base/digest.h"
#include "dissectors/tls_secrets.h"

#define TLS_EXTENSIONS_LIMIT 256 /* extensions looked at in one hello; more and the hello has no fingerprint */
#define TLS_SESSION_ID_BYTES 32

/* IANA "TLS ExtensionType Values" */
enum tls_extension {
    TLS_EXTENSION_SERVER_NAME = 0,
    TLS_EXTENSION_STATUS_REQUEST = 5,
    TLS_EXTENSION_SUPPORTED_GROUPS = 10,
    TLS_EXTENSION_EC_POINT_FORMATS = 11,
    TLS_EXTENSION_SIGNATURE_ALGORITHMS = 13,
    TLS_EXTENSION_ALPN = 16,
    TLS_EXTENSION_ENCRYPT_THEN_MAC = 22,
    TLS_EXTENSION_EXTENDED_MASTER_SECRET = 23,
    TLS_EXTENSION_COMPRESS_CERTIFICATE = 27,
    TLS_EXTENSION_SESSION_TICKET = 35,
    TLS_EXTENSION_PRE_SHARED_KEY = 41,
    TLS_EXTENSION_EARLY_DATA = 42,
    TLS_EXTENSION_SUPPORTED_VERSIONS = 43,
    TLS_EXTENSION_ENCRYPTED_CLIENT_HELLO = 0xfe0d,
};

/* DTLS counts downwards (RFC 4347, 6347, 9147). */
#define TLS_VERSION_DTLS_1_0 0xfeff
#define TLS_VERSION_DTLS_1_2 0xfefd
#define TLS_VERSION_DTLS_1_3 0xfefc

static inline bool tls_is_datagram_version(uint16_t version)
{
    return version >> 8 == 0xfe;
}

/* A hello as it stands: all runs are borrowed from the message, and empty where they are absent. */
struct tls_hello {
    uint16_t legacy_version;
    struct bytes random;     /* TLS_RANDOM_BYTES */
    struct bytes session_id; /* at most TLS_SESSION_ID_BYTES */
    struct bytes ciphers;    /* the client's; 2 bytes each */
    uint16_t cipher;         /* the server's */
    uint8_t compression;     /* the server's */
    struct bytes extensions; /* type, length, data, one after the other */
    unsigned extension_count;
    bool has_extensions; /* the list is there, even if it is empty */

    struct bytes server_name; /* the first host_name (RFC 6066, 3) */
    struct bytes alpn;        /* protocol names, each behind its length (RFC 7301, 3.1) */
    struct bytes versions;    /* supported_versions: the client's, 2 bytes each */
    uint16_t version;         /* the server's choice: supported_versions, else legacy_version */
    struct bytes groups;      /* 2 bytes each */
    struct bytes point_formats;
    struct bytes signatures; /* 2 bytes each */
    bool has_server_name;
    bool has_alpn;
    bool offers_ticket; /* a session_ticket with something in it */
    bool has_ticket;    /* the extension session_ticket */
    bool has_pre_shared_key;
    bool has_early_data;
    bool has_extended_master_secret;
    bool has_encrypt_then_mac;
    bool has_encrypted_client_hello;
};

/* Reads the body of a ClientHello or ServerHello, of DTLS too. False where it contradicts itself; what was read before that stands in `hello`. */
bool tls_hello_read_client(struct cursor body, struct tls_hello *hello);
bool tls_hello_read_server(struct cursor body, struct tls_hello *hello);

/* Whether a server hello is a HelloRetryRequest (RFC 8446, 4.1.3). */
bool tls_hello_is_retry(const struct tls_hello *hello);

/* Whether the value is one of those that mean nothing (RFC 8701). */
bool tls_is_grease(uint16_t value);

/* The newest version that the client offers. */
uint16_t tls_hello_newest_version(const struct tls_hello *hello);

/* JA3 and JA3S (github.com/salesforce/ja3): an MD5 in hexadecimal. False, and an empty text, where it could not be made. */
bool tls_hello_ja3(const struct tls_hello *hello, char ja3[DIGEST_HEX_SIZE]);
bool tls_hello_ja3s(const struct tls_hello *hello, char ja3s[DIGEST_HEX_SIZE]);

/* JA4, of the client's hello over TCP, or of DTLS (FoxIO's JA4 technical details; BSD 3-clause): 36 letters and a NUL. */
#define TLS_JA4_SIZE 37
bool tls_hello_ja4(const struct tls_hello *hello, char ja4[TLS_JA4_SIZE]);

#endif

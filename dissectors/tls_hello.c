/* tls_hello.c - see tls_hello.h; the fingerprints are in tls_fingerprint.c */
#include "dissectors/tls_hello.h"

bool tls_is_grease(uint16_t value)
{
    return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

/* The first entry whose type is host_name. */
static void on_server_name(struct tls_hello *hello, struct cursor extension)
{
    struct cursor list = take_child(&extension, take_u16_be(&extension));

    hello->has_server_name = true;
    while (cursor_left(&list) > 0) {
        uint8_t type = take_u8(&list);
        struct bytes name = take_bytes(&list, take_u16_be(&list));

        if (cursor_is_good(&list) && type == 0 && hello->server_name.length == 0)
            hello->server_name = name;
    }
}

static struct bytes list_of_u16(struct cursor extension)
{
    return take_bytes(&extension, take_u16_be(&extension));
}

static struct bytes list_of_u8(struct cursor extension)
{
    return take_bytes(&extension, take_u8(&extension));
}

/* What both sides' extensions have in common. */
static void on_extension(struct tls_hello *hello, uint16_t type, struct cursor extension)
{
    switch (type) {
    case TLS_EXTENSION_SERVER_NAME:
        on_server_name(hello, extension);
        break;
    case TLS_EXTENSION_ALPN:
        hello->has_alpn = true;
        hello->alpn = list_of_u16(extension);
        break;
    case TLS_EXTENSION_SUPPORTED_GROUPS:
        hello->groups = list_of_u16(extension);
        break;
    case TLS_EXTENSION_EC_POINT_FORMATS:
        hello->point_formats = list_of_u8(extension);
        break;
    case TLS_EXTENSION_SIGNATURE_ALGORITHMS:
        hello->signatures = list_of_u16(extension);
        break;
    case TLS_EXTENSION_SESSION_TICKET:
        hello->has_ticket = true;
        hello->offers_ticket = cursor_left(&extension) > 0;
        break;
    case TLS_EXTENSION_PRE_SHARED_KEY:
        hello->has_pre_shared_key = true;
        break;
    case TLS_EXTENSION_EARLY_DATA:
        hello->has_early_data = true;
        break;
    case TLS_EXTENSION_EXTENDED_MASTER_SECRET:
        hello->has_extended_master_secret = true;
        break;
    case TLS_EXTENSION_ENCRYPT_THEN_MAC:
        hello->has_encrypt_then_mac = true;
        break;
    case TLS_EXTENSION_ENCRYPTED_CLIENT_HELLO:
        hello->has_encrypted_client_hello = true;
        break;
    default:
        break;
    }
}

static void on_versions(struct tls_hello *hello, struct cursor extension, bool is_client)
{
    uint16_t version;

    if (is_client) {
        hello->versions = list_of_u8(extension);
        return;
    }
    version = take_u16_be(&extension);
    if (cursor_is_good(&extension))
        hello->version = version;
}

static bool read_extensions(struct cursor *body, struct tls_hello *hello, bool is_client)
{
    struct cursor extensions;

    if (cursor_is_good(body) && cursor_left(body) == 0)
        return true; /* before extensions were invented */
    extensions = take_child(body, take_u16_be(body));
    hello->has_extensions = cursor_is_good(&extensions);
    hello->extensions = peek_bytes(&extensions);
    while (cursor_left(&extensions) > 0) {
        uint16_t type = take_u16_be(&extensions);
        struct cursor extension = take_child(&extensions, take_u16_be(&extensions));

        if (!cursor_is_good(&extension))
            return false;
        if (++hello->extension_count > TLS_EXTENSIONS_LIMIT)
            continue;
        if (type == TLS_EXTENSION_SUPPORTED_VERSIONS)
            on_versions(hello, extension, is_client);
        else
            on_extension(hello, type, extension);
    }
    return cursor_is_good(&extensions);
}

bool tls_hello_read_client(struct cursor body, struct tls_hello *hello)
{
    *hello = (struct tls_hello){.legacy_version = take_u16_be(&body)};
    hello->random = take_bytes(&body, TLS_RANDOM_BYTES);
    hello->session_id = take_bytes(&body, take_u8(&body));
    if (tls_is_datagram_version(hello->legacy_version))
        skip_bytes(&body, take_u8(&body)); /* the cookie (RFC 6347, 4.2.1) */
    hello->ciphers = take_bytes(&body, take_u16_be(&body));
    skip_bytes(&body, take_u8(&body)); /* compression methods */
    if (hello->session_id.length > TLS_SESSION_ID_BYTES || hello->ciphers.length % 2 != 0)
        cursor_reject(&body);
    return cursor_is_good(&body) && read_extensions(&body, hello, true);
}

bool tls_hello_read_server(struct cursor body, struct tls_hello *hello)
{
    *hello = (struct tls_hello){.legacy_version = take_u16_be(&body)};
    hello->version = hello->legacy_version;
    hello->random = take_bytes(&body, TLS_RANDOM_BYTES);
    if (hello->legacy_version >> 8 != 0x7f || hello->legacy_version >= 0x7f16)
        hello->session_id = take_bytes(&body, take_u8(&body)); /* drafts of TLS 1.3 before 22 left it out */
    hello->cipher = take_u16_be(&body);
    if (hello->legacy_version >> 8 != 0x7f || hello->legacy_version >= 0x7f16)
        hello->compression = take_u8(&body);
    if (hello->session_id.length > TLS_SESSION_ID_BYTES)
        cursor_reject(&body);
    return cursor_is_good(&body) && read_extensions(&body, hello, false);
}

bool tls_hello_is_retry(const struct tls_hello *hello)
{
    /* the SHA-256 of "HelloRetryRequest" */
    static const uint8_t retry[TLS_RANDOM_BYTES] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
                                                    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

    return bytes_equal(hello->random, bytes_of(retry, sizeof retry));
}

uint16_t tls_hello_newest_version(const struct tls_hello *hello)
{
    struct cursor versions = cursor_within(hello->versions);
    bool is_datagram = tls_is_datagram_version(hello->legacy_version);
    uint16_t newest = 0;

    while (cursor_left(&versions) >= 2) {
        uint16_t version = take_u16_be(&versions);

        if (is_datagram && tls_is_datagram_version(version) && (newest == 0 || version < newest))
            newest = version;
        if (!is_datagram && !tls_is_grease(version) && version > newest && version >> 8 == 3)
            newest = version;
    }
    return newest != 0 ? newest : hello->legacy_version;
}

/*
 * ssl2.c - hellos in the format of SSL 2.0 (Hickman, "The SSL Protocol", 1995): of SSL 2.0 itself, and of old clients that offer a later version in it
 * (RFC 5246, E.2).
 *
 * Leaves out: everything behind the client's master key, which names the cipher.
 */
#include "dissectors/tls_session.h"

#define SSL2_VERSION 0x0002
#define SSL2_CLIENT_HELLO 1
#define SSL2_CLIENT_MASTER_KEY 2
#define SSL2_SERVER_HELLO 4
#define SSL2_X509 1
#define SSL2_CLIENT_HEAD 9  /* bytes of the message before its lists */
#define SSL2_SERVER_HEAD 11
#define SSL2_MASTER_HEAD 10

/* A record's header of two bytes, its first bit set; *stated is the length behind it. False: it is none, or not there yet. */
static enum match take_header(struct cursor *cursor, uint16_t *stated)
{
    int first = peek_u8(cursor);

    if (first >= 0 && first < 0x80)
        return MATCH_NO;
    *stated = take_u16_be(cursor) & 0x7fff;
    return cursor_is_good(cursor) ? MATCH_YES : MATCH_MAYBE;
}

/* The lengths of a message's three lists: with its head they make the record. */
static enum match match_lists(struct cursor *cursor, uint16_t stated, uint32_t head)
{
    uint32_t lists = take_u16_be(cursor);

    lists += take_u16_be(cursor);
    lists += take_u16_be(cursor);
    if (!cursor_is_good(cursor))
        return MATCH_MAYBE;
    return stated == head + lists ? MATCH_YES : MATCH_NO;
}

enum match ssl2_match_client_hello(struct bytes bytes, uint32_t *length)
{
    struct cursor cursor = cursor_over(bytes);
    uint16_t stated = 0;
    enum match header = take_header(&cursor, &stated);
    uint8_t type = take_u8(&cursor);
    uint16_t version;
    uint32_t ciphers;
    uint32_t session_id;
    uint32_t challenge;

    if (header == MATCH_NO || (bytes.length >= 3 && type != SSL2_CLIENT_HELLO))
        return MATCH_NO;
    version = take_u16_be(&cursor);
    if (cursor_is_good(&cursor) && version >> 8 != 3 && version != SSL2_VERSION)
        return MATCH_NO;
    ciphers = take_u16_be(&cursor);
    session_id = take_u16_be(&cursor);
    challenge = take_u16_be(&cursor);
    if (!cursor_is_good(&cursor))
        return MATCH_MAYBE;
    if (ciphers == 0 || ciphers % 3 != 0 || (session_id != 0 && session_id != 16) || challenge < 16 || challenge > 32 ||
        stated != SSL2_CLIENT_HEAD + ciphers + session_id + challenge)
        return MATCH_NO;
    *length = 2u + stated;
    return MATCH_YES;
}

enum match ssl2_match_server_hello(struct bytes bytes, uint32_t *length)
{
    struct cursor cursor = cursor_over(bytes);
    uint16_t stated = 0;
    enum match header = take_header(&cursor, &stated);
    uint8_t type = take_u8(&cursor);
    uint8_t hit = take_u8(&cursor);
    uint8_t certificate_type = take_u8(&cursor);
    uint16_t version = take_u16_be(&cursor);
    enum match fits;

    if (header == MATCH_NO || (bytes.length >= 3 && type != SSL2_SERVER_HELLO) || (bytes.length >= 4 && hit > 1))
        return MATCH_NO;
    if (cursor_is_good(&cursor) && (version != SSL2_VERSION || certificate_type > SSL2_X509))
        return MATCH_NO;
    fits = match_lists(&cursor, stated, SSL2_SERVER_HEAD);
    if (fits != MATCH_YES)
        return fits;
    *length = 2u + stated;
    return MATCH_YES;
}

/* An old client's challenge is the random's end. */
void ssl2_on_client_hello(struct tls *tls, struct cursor message)
{
    uint16_t ciphers;
    uint16_t session_id;
    struct bytes challenge;

    skip_bytes(&message, 2 + 1); /* length, type */
    tls->has_client_hello = true;
    tls_append_version(&tls->versions_offered, take_u16_be(&message));
    ciphers = take_u16_be(&message);
    session_id = take_u16_be(&message);
    skip_bytes(&message, 2 + (size_t)ciphers + session_id);
    challenge = peek_bytes(&message);
    if (cursor_is_good(&message) && challenge.length > 0 && challenge.length <= TLS_RANDOM_BYTES)
        memcpy(tls->client_random + TLS_RANDOM_BYTES - challenge.length, challenge.at, challenge.length);
}

void ssl2_on_server_hello(struct conversation *conversation, struct tls *tls, struct cursor message)
{
    bool is_resumed;
    uint16_t certificate;
    struct bytes encoded;

    skip_bytes(&message, 2 + 1); /* length, type */
    is_resumed = take_u8(&message) != 0;
    skip_bytes(&message, 1 + 2); /* certificate's type, version */
    certificate = take_u16_be(&message);
    skip_bytes(&message, 2 + 2); /* lengths of the ciphers and the connection's id */
    encoded = take_bytes(&message, certificate);
    tls->has_server_hello = true;
    tls->has_version = true;
    tls->version = SSL2_VERSION;
    tls->is_resumed = is_resumed;
    tls->has_missing = true; /* whether the handshake was completed is not followed */
    if (cursor_is_good(&message) && encoded.length > 0)
        tls_on_one_certificate(conversation, tls, FROM_SERVER, 1, encoded);
}

/* "The SSL Protocol", appendix C.4. */
static const char *cipher_name(uint32_t kind)
{
    switch (kind) {
    case 0x010080:
        return "SSL_CK_RC4_128_WITH_MD5";
    case 0x020080:
        return "SSL_CK_RC4_128_EXPORT40_WITH_MD5";
    case 0x030080:
        return "SSL_CK_RC2_128_CBC_WITH_MD5";
    case 0x040080:
        return "SSL_CK_RC2_128_CBC_EXPORT40_WITH_MD5";
    case 0x050080:
        return "SSL_CK_IDEA_128_CBC_WITH_MD5";
    case 0x060040:
        return "SSL_CK_DES_64_CBC_WITH_MD5";
    case 0x0700c0:
        return "SSL_CK_DES_192_EDE3_CBC_WITH_MD5";
    default:
        return NULL;
    }
}

enum match ssl2_read_master_key(struct tls *tls, struct bytes bytes)
{
    struct cursor cursor = cursor_over(bytes);
    uint16_t stated = 0;
    enum match header = take_header(&cursor, &stated);
    uint8_t type = take_u8(&cursor);
    uint32_t kind = take_u24_be(&cursor);
    enum match fits;

    if (header == MATCH_NO || (bytes.length >= 3 && type != SSL2_CLIENT_MASTER_KEY))
        return MATCH_NO;
    fits = match_lists(&cursor, stated, SSL2_MASTER_HEAD);
    if (fits != MATCH_YES)
        return fits;
    tls->ssl2_cipher = cipher_name(kind);
    return MATCH_YES;
}

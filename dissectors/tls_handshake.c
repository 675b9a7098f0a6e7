/*
 * tls_handshake.c - the messages of TLS's handshake (RFC 5246, 7.4; RFC 8446, 4), in the clear or opened: hellos, what changes the keys,
 * certificates; and alerts.
 *
 * Leaves out: key exchange messages, tickets, signatures.
 */
#include "dissectors/tls_session.h"

#include <stdio.h>

/* ---- hellos ---- */

const char *tls_version_name(uint16_t version)
{
    static const char *const names[] = {"SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"};

    switch (version) {
    case 0x0002:
        return "SSLv2";
    case TLS_VERSION_DTLS_1_0:
        return "DTLSv1.0";
    case TLS_VERSION_DTLS_1_2:
        return "DTLSv1.2";
    case TLS_VERSION_DTLS_1_3:
        return "DTLSv1.3";
    default:
        break;
    }
    return version >= 0x0300 && version <= 0x0304 ? names[version - 0x0300] : NULL;
}

void tls_append_version(struct text *list, uint16_t version)
{
    const char *name = tls_version_name(version);
    char room[24];

    if (tls_is_grease(version))
        return;
    if (name == NULL)
        (void)snprintf(room, sizeof room, version >> 8 == 0x7f ? "TLSv1.3-draft%u" : "0x%04x", version >> 8 == 0x7f ? version & 0xffu : version);
    text_append_item(list, ",", bytes_of_text(name != NULL ? name : room));
}

static void list_versions(struct text *list, const struct tls_hello *hello)
{
    struct cursor versions = cursor_within(hello->versions);

    if (hello->versions.length == 0)
        tls_append_version(list, hello->legacy_version);
    while (cursor_left(&versions) >= 2)
        tls_append_version(list, take_u16_be(&versions));
}

/* RFC 8701, 3.1: a name of two bytes that means nothing. */
static bool is_grease_name(struct bytes name)
{
    struct cursor letters = cursor_within(name);

    return name.length == 2 && tls_is_grease(take_u16_be(&letters));
}

static void list_protocols(struct text *list, struct bytes protocols)
{
    struct cursor cursor = cursor_within(protocols);

    while (cursor_left(&cursor) > 0) {
        struct bytes name = take_bytes(&cursor, take_u8(&cursor));

        if (cursor_is_good(&cursor) && name.length > 0 && !is_grease_name(name))
            text_append_item(list, ",", name);
    }
}

static void keep_random(uint8_t kept[TLS_RANDOM_BYTES], struct bytes random)
{
    if (random.length == TLS_RANDOM_BYTES)
        memcpy(kept, random.at, TLS_RANDOM_BYTES);
}

static uint8_t keep_session_id(uint8_t kept[TLS_SESSION_ID_BYTES], struct bytes id)
{
    if (id.length > TLS_SESSION_ID_BYTES || id.length == 0)
        return 0;
    memcpy(kept, id.at, id.length);
    return (uint8_t)id.length;
}

/* The first hello names the session. What follows a HelloRetryRequest, or a renegotiation, has other randoms or the same. */
static void on_client_hello(struct tls *tls, struct cursor body)
{
    struct tls_hello hello;
    bool is_whole = tls_hello_read_client(body, &hello);

    if (hello.random.length == 0)
        return;
    keep_random(tls->client_random, hello.random);
    tls->client_session_id_length = keep_session_id(tls->client_session_id, hello.session_id);
    if (tls->has_client_hello)
        return;
    tls->has_client_hello = true;
    tls->offers_early_data = hello.has_early_data;
    tls->has_encrypted_hello = hello.has_encrypted_client_hello;
    text_append(&tls->server_name, hello.server_name);
    list_versions(&tls->versions_offered, &hello);
    list_protocols(&tls->protocols_offered, hello.alpn);
    if (!is_whole)
        return;
    (void)tls_hello_ja3(&hello, tls->ja3);
    (void)tls_hello_ja4(&hello, tls->ja4);
}

static void keep_chosen_protocol(struct tls *tls, struct bytes alpn)
{
    struct cursor list = cursor_within(alpn);
    struct bytes name = take_bytes(&list, take_u8(&list));

    if (cursor_is_good(&list) && tls->alpn.length == 0)
        text_append(&tls->alpn, name);
}

static void on_server_hello(struct tls *tls, struct cursor body)
{
    struct tls_hello hello;
    bool is_whole = tls_hello_read_server(body, &hello);

    if (hello.random.length == 0)
        return;
    if (is_whole && tls_hello_is_retry(&hello)) {
        tls->is_retried = true;
        return;
    }
    keep_random(tls->server_random, hello.random);
    tls->session_id_length = keep_session_id(tls->session_id, hello.session_id);
    tls->cipher = hello.cipher;
    (void)tls_suite_read(hello.cipher, &tls->suite);
    tls->encrypts_then_macs = hello.has_encrypt_then_mac;
    tls->has_extended_master_secret = hello.has_extended_master_secret;
    if (tls->has_server_hello)
        return;
    tls->has_server_hello = true;
    tls->has_version = true;
    tls->version = hello.version;
    tls->has_cipher = hello.compression == 0; /* else the lengths say little, and nothing is opened */
    tls->is_resumed = hello.has_pre_shared_key ||
                      (!tls_is_1_3(tls) && tls->session_id_length > 0 && tls->session_id_length == tls->client_session_id_length &&
                       memcmp(tls->session_id, tls->client_session_id, tls->session_id_length) == 0);
    keep_chosen_protocol(tls, hello.alpn);
    if (is_whole)
        (void)tls_hello_ja3s(&hello, tls->ja3s);
    if (tls_is_1_3(tls)) {
        tls_change_epoch(tls, FROM_SERVER, TLS_EPOCH_HANDSHAKE);
        tls_change_epoch(tls, FROM_CLIENT, tls->offers_early_data && !tls->is_retried ? TLS_EPOCH_EARLY : TLS_EPOCH_HANDSHAKE);
    }
}

/* ---- what is protected in TLS 1.3 ---- */

static void on_encrypted_extensions(struct tls *tls, struct cursor body)
{
    struct cursor extensions = take_child(&body, take_u16_be(&body));

    for (unsigned count = 0; count < TLS_EXTENSIONS_LIMIT && cursor_left(&extensions) > 0; count++) {
        uint16_t type = take_u16_be(&extensions);
        struct cursor extension = take_child(&extensions, take_u16_be(&extensions));

        if (type == TLS_EXTENSION_EARLY_DATA)
            tls->accepts_early_data = true;
        if (type == TLS_EXTENSION_ALPN)
            keep_chosen_protocol(tls, take_bytes(&extension, take_u16_be(&extension)));
    }
    /* without the server's consent the client goes on to the handshake's keys at once (RFC 8446, 4.2.10) */
    if (!tls->accepts_early_data && tls->side[FROM_CLIENT].epoch == TLS_EPOCH_EARLY)
        tls_change_epoch(tls, FROM_CLIENT, TLS_EPOCH_HANDSHAKE);
}

/* RFC 5246, 7.4.2; RFC 8446, 4.4.2: a context before the list, and extensions behind each certificate. */
static void on_certificate(struct conversation *conversation, struct tls *tls, enum side from, struct cursor body)
{
    if (tls_is_1_3(tls))
        skip_bytes(&body, take_u8(&body));
    tls_on_certificates(conversation, tls, from, take_child(&body, take_u24_be(&body)));
}

/* RFC 5246, 7.4.7.1: of the RSA key exchange, the premaster secret as the server's key encrypts it. */
static void on_client_key_exchange(const struct conversation *conversation, struct tls *tls, struct cursor body)
{
    struct bytes encrypted = take_bytes(&body, take_u16_be(&body));

    if (tls->suite.is_rsa_exchange && cursor_is_good(&body) && encrypted.length >= TLS_ENCRYPTED_BYTES)
        tls_on_encrypted_premaster(conversation, tls, encrypted);
}

static void on_finished(struct tls *tls, enum side from)
{
    tls->side[from].has_finished = true;
    if (tls_is_1_3(tls))
        tls_change_epoch(tls, from, TLS_EPOCH_APPLICATION);
}

/* Hellos by what they are, not by who sent them: after a hand-over the roles may be exchanged. */
void tls_on_message(struct conversation *conversation, struct tls *tls, enum side from, uint8_t type, struct cursor body)
{
    switch (type) {
    case TLS_CLIENT_HELLO:
        on_client_hello(tls, body);
        break;
    case TLS_SERVER_HELLO:
        on_server_hello(tls, body);
        break;
    case TLS_END_OF_EARLY_DATA:
        if (tls->side[from].epoch == TLS_EPOCH_EARLY)
            tls_change_epoch(tls, from, TLS_EPOCH_HANDSHAKE);
        break;
    case TLS_ENCRYPTED_EXTENSIONS:
        on_encrypted_extensions(tls, body);
        break;
    case TLS_CERTIFICATE:
        on_certificate(conversation, tls, from, body);
        break;
    case TLS_COMPRESSED_CERTIFICATE:
        tls_on_compressed_certificates(conversation, tls, from, body);
        break;
    case TLS_CERTIFICATE_REQUEST:
        tls->asks_client_certificate = true;
        break;
    case TLS_CLIENT_KEY_EXCHANGE:
        on_client_key_exchange(conversation, tls, body);
        break;
    case TLS_FINISHED:
        on_finished(tls, from);
        break;
    case TLS_KEY_UPDATE:
        if (tls_is_1_3(tls))
            tls_update_key(tls, from);
        break;
    default:
        break;
    }
}

/* ---- messages out of records ---- */

/* Of use to nobody: it is passed over as it comes. */
static bool is_too_long(struct conversation *conversation, struct tls_side *side, enum side from, uint32_t length)
{
    if (length <= TLS_MESSAGE_LIMIT)
        return false;
    conversation_finding_once(conversation, "notice", "tls_message_too_long", "the %s sent a handshake message of %u bytes; more than %d are passed over",
                              side_name(from), (unsigned)length, TLS_MESSAGE_LIMIT);
    side->message_left = length;
    return true;
}

/* Reads all whole messages; the answer is what is left of them. */
static struct bytes read_messages(struct conversation *conversation, struct tls *tls, enum side from, struct bytes handshake)
{
    struct tls_side *side = &tls->side[from];
    struct cursor cursor = cursor_over(handshake);

    while (cursor_left(&cursor) > 0) {
        struct cursor ahead = cursor;
        struct cursor whole = cursor;
        uint8_t type;
        uint32_t length;
        struct bytes body;

        if (side->message_left > 0) {
            side->message_left -= (uint32_t)take_up_to(&cursor, side->message_left).length;
            continue;
        }
        type = take_u8(&ahead);
        length = take_u24_be(&ahead);
        if (cursor_is_good(&ahead) && is_too_long(conversation, side, from, length)) {
            cursor = ahead;
            continue;
        }
        body = take_bytes(&ahead, length);
        if (!cursor_is_good(&ahead))
            break;
        cursor = ahead;
        if (side->phase == TLS_BEFORE_HELLO)
            side->phase = TLS_IN_CLEAR;
        tls_note_message(conversation, tls, from, type, take_bytes(&whole, 4 + (size_t)length));
        tls_on_message(conversation, tls, from, type, cursor_within(body));
    }
    return peek_bytes(&cursor);
}

void tls_on_handshake(struct conversation *conversation, struct tls *tls, enum side from, struct bytes fragment)
{
    struct tls_side *side = &tls->side[from];
    struct text before = side->messages;
    struct bytes rest;

    side->messages = (struct text){.limit = before.limit};
    if (before.length > 0) {
        text_append(&before, fragment);
        fragment = text_bytes(&before);
    }
    if (before.was_cut) { /* out of memory: what it was is lost */
        text_free(&before);
        return;
    }
    rest = read_messages(conversation, tls, from, fragment);
    if (before.length > 0 && rest.length == before.length) {
        side->messages = before; /* nothing was read: it needs no copy */
        return;
    }
    text_append(&side->messages, rest);
    text_free(&before);
}

bool tls_on_alert(struct tls *tls, struct cursor alert)
{
    uint8_t level = take_u8(&alert);
    uint8_t description = take_u8(&alert);
    /* RFC 8446, 6: in TLS 1.3 the level means nothing, and all but two are fatal */
    bool is_fatal = tls_is_1_3(tls) ? description != 0 && description != 90 : level == 2;

    if (!cursor_is_good(&alert))
        return false;
    if (!tls->has_alert || (!tls->alert_is_fatal && is_fatal)) {
        tls->has_alert = true;
        tls->alert_is_fatal = is_fatal;
        tls->alert = description;
    }
    return description == 0;
}

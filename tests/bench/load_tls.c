/* TLS sessions, made by libssl: downloads over HTTPS with a chosen cipher suite, with a key log; or many sessions that carry next to
 * nothing, for the price of their handshakes, half of them TLS 1.2, whose certificates stand in the clear. Each server shows its own
 * certificate and its authority's. Reference: RFC 5246, 8446. */
#define _GNU_SOURCE 1

#include "load.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SERVER_PORT = 443,
    SERVERS = 64, /* with a certificate each */
    RECORD_BYTES = 16384,
    DOWNLOAD_BYTES = 50000000
};

struct server {
    char name[64];
    SSL_CTX *context;
};

struct session {
    struct bulk *bulk;
    SSL *ends[SIDES];
};

static FILE *keys;
static struct server servers[SERVERS];
static SSL_CTX *client_context;
static X509 *authority;
static EVP_PKEY *authority_key;
static uint8_t content[RECORD_BYTES];

static void *needed(void *made)
{
    if (made == NULL)
        fail("libcrypto cannot make what is needed");
    return made;
}

static void needs(bool is_done)
{
    if (!is_done)
        fail("libssl does not do what is needed");
}

/* ---- certificates ---- */

static void set_name(X509_NAME *name, const char *organization, const char *common_name)
{
    needs(X509_NAME_add_entry_by_txt(name, "C", MBSTRING_ASC, (const uint8_t *)"NL", -1, -1, 0) == 1);
    needs(X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const uint8_t *)organization, -1, -1, 0) == 1);
    needs(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)common_name, -1, -1, 0) == 1);
}

static void add_extension(X509 *certificate, int kind, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, authority != NULL ? authority : certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = needed(X509V3_EXT_conf_nid(NULL, &context, kind, value));
    needs(X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

static X509 *make_certificate(EVP_PKEY *key, const char *name, unsigned number)
{
    X509 *certificate = needed(X509_new());
    char names[160];
    needs(X509_set_version(certificate, 2) == 1);
    needs(ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), random_next() >> 1) == 1);
    X509_time_adj_ex(X509_getm_notBefore(certificate), 0, 0, &(time_t){1690000000});
    X509_time_adj_ex(X509_getm_notAfter(certificate), 0, 0, &(time_t){1900000000});
    needs(X509_set_pubkey(certificate, key) == 1);
    set_name(X509_get_subject_name(certificate), number == 0 ? "Example Trust" : "Example Networks", name);
    needs(X509_set_issuer_name(certificate, X509_get_subject_name(number == 0 ? certificate : authority)) == 1);
    add_extension(certificate, NID_basic_constraints, number == 0 ? "critical,CA:TRUE" : "critical,CA:FALSE");
    add_extension(certificate, NID_key_usage, number == 0 ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
    add_extension(certificate, NID_subject_key_identifier, "hash");
    if (number != 0) {
        snprintf(names, sizeof names, "DNS:%s,DNS:www.%s,DNS:cdn%u.example.net", name, name, number);
        add_extension(certificate, NID_subject_alt_name, names);
        add_extension(certificate, NID_authority_key_identifier, "keyid");
        add_extension(certificate, NID_ext_key_usage, "serverAuth,clientAuth");
        add_extension(certificate, NID_info_access, "OCSP;URI:http://ocsp.example.net,caIssuers;URI:http://ca.example.net/authority.cer");
        add_extension(certificate, NID_crl_distribution_points, "URI:http://crl.example.net/authority.crl");
    }
    needs(X509_sign(certificate, number == 0 ? key : authority_key, EVP_sha256()) > 0);
    return certificate;
}

/* ---- both ends ---- */

static void write_key(const SSL *ssl, const char *line)
{
    (void)ssl;
    if (keys != NULL)
        fprintf(keys, "%s\n", line);
}

static void begin_servers(void)
{
    authority_key = needed(EVP_EC_gen("P-256"));
    authority = make_certificate(authority_key, "Example Authority 1", 0);
    for (unsigned number = 0; number < SERVERS; number++) {
        struct server *server = &servers[number];
        EVP_PKEY *key = needed(EVP_EC_gen("P-256"));
        snprintf(server->name, sizeof server->name, "server%u.example.net", number + 1);
        X509 *certificate = make_certificate(key, server->name, number + 1);
        server->context = needed(SSL_CTX_new(TLS_server_method()));
        needs(SSL_CTX_use_certificate(server->context, certificate) == 1 && SSL_CTX_use_PrivateKey(server->context, key) == 1);
        needs(SSL_CTX_add1_chain_cert(server->context, authority) == 1);
        X509_free(certificate);
        EVP_PKEY_free(key);
    }
    client_context = needed(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_keylog_callback(client_context, write_key);
    for (size_t at = 0; at < sizeof content; at += 4)
        put_u32_be(content + at, (uint32_t)random_next());
}

static void end_servers(void)
{
    for (unsigned number = 0; number < SERVERS; number++)
        SSL_CTX_free(servers[number].context);
    SSL_CTX_free(client_context);
    X509_free(authority);
    EVP_PKEY_free(authority_key);
    authority = NULL;
}

/* What this end has to send goes into the load, and to the other end. True where there was anything. */
static bool carry(struct session *session, enum side from)
{
    static uint8_t bytes[4 * RECORD_BYTES];
    BIO *to = SSL_get_rbio(session->ends[from == CLIENT ? SERVER : CLIENT]);
    int length = BIO_read(SSL_get_wbio(session->ends[from]), bytes, sizeof bytes);
    if (length <= 0)
        return false;
    bulk_say(session->bulk, from, bytes, (size_t)length);
    needs(BIO_write(to, bytes, length) == length);
    return true;
}

static void begin_session(struct session *session, struct server *server, int version, const char *suite)
{
    static const uint8_t protocols[] = "\x02h2\x08http/1.1";
    for (size_t side = 0; side < SIDES; side++) {
        SSL *ssl = needed(SSL_new(side == CLIENT ? client_context : server->context));
        SSL_set_bio(ssl, needed(BIO_new(BIO_s_mem())), needed(BIO_new(BIO_s_mem())));
        needs(SSL_set_min_proto_version(ssl, version) == 1 && SSL_set_max_proto_version(ssl, version) == 1);
        if (suite != NULL)
            needs((version == TLS1_3_VERSION ? SSL_set_ciphersuites(ssl, suite) : SSL_set_cipher_list(ssl, suite)) == 1);
        session->ends[side] = ssl;
    }
    SSL_set_options(session->ends[CLIENT], SSL_OP_NO_ENCRYPT_THEN_MAC);
    needs(SSL_set_tlsext_host_name(session->ends[CLIENT], server->name) == 1);
    needs(SSL_set_alpn_protos(session->ends[CLIENT], protocols, sizeof protocols - 1) == 0);
    SSL_set_connect_state(session->ends[CLIENT]);
    SSL_set_accept_state(session->ends[SERVER]);
    bulk_open(session->bulk, SERVER_PORT);
    for (bool goes_on = true; goes_on;) {
        SSL_do_handshake(session->ends[CLIENT]);
        goes_on = carry(session, CLIENT);
        SSL_do_handshake(session->ends[SERVER]);
        goes_on = carry(session, SERVER) || goes_on;
    }
    needs(SSL_is_init_finished(session->ends[CLIENT]) && SSL_is_init_finished(session->ends[SERVER]));
}

static void say(struct session *session, enum side from, const void *bytes, size_t length)
{
    static uint8_t room[RECORD_BYTES];
    needs(SSL_write(session->ends[from], bytes, (int)length) == (int)length);
    (void)carry(session, from);
    while (SSL_read(session->ends[from == CLIENT ? SERVER : CLIENT], room, sizeof room) > 0)
        continue;
}

static void end_session(struct session *session)
{
    for (size_t side = 0; side < SIDES; side++) {
        SSL_shutdown(session->ends[side]);
        (void)carry(session, (enum side)side);
    }
    bulk_close(session->bulk);
    for (size_t side = 0; side < SIDES; side++)
        SSL_free(session->ends[side]);
}

/* One HTTPS request, and its answer of so many bytes. */
static void write_session(struct bulk *bulk, int version, const char *suite, uint64_t bytes)
{
    struct session session = {.bulk = bulk};
    struct server *server = &servers[bulk->transfers % SERVERS];
    char text[256];
    begin_session(&session, server, version, suite);
    int length = snprintf(text, sizeof text, "GET /archive.bin HTTP/1.1\r\nHost: %s\r\nUser-Agent: load/1\r\n\r\n", server->name);
    say(&session, CLIENT, text, (size_t)length);
    length = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %" PRIu64 "\r\n\r\n", bytes);
    say(&session, SERVER, text, (size_t)length);
    for (uint64_t sent = 0; sent < bytes;) {
        size_t part = bytes - sent < RECORD_BYTES ? (size_t)(bytes - sent) : RECORD_BYTES;
        say(&session, SERVER, content, part);
        sent += part;
    }
    end_session(&session);
}

unsigned tls_write(enum tls_scene scene, uint64_t bytes, const char *key_log)
{
    static const struct {
        int version;
        const char *suite;
    } kinds[] = {
        [TLS_13_GCM] = {TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256"},
        [TLS_13_CHACHA20] = {TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256"},
        [TLS_12_CBC] = {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256"},
    };
    struct bulk bulk = {.transfers = 0};
    keys = key_log != NULL ? fopen(key_log, "w") : NULL;
    if (key_log != NULL && keys == NULL)
        fail("%s cannot be written", key_log);
    begin_servers();
    do
        if (scene == TLS_HANDSHAKES)
            write_session(&bulk, bulk.transfers % 2 == 0 ? TLS1_2_VERSION : TLS1_3_VERSION, NULL, 100);
        else
            write_session(&bulk, kinds[scene].version, kinds[scene].suite, DOWNLOAD_BYTES);
    while (output_totals().bytes < bytes);
    end_servers();
    if (keys != NULL)
        fclose(keys);
    return bulk.transfers;
}

/*
 * tls_master.c - the master secret of TLS 1.0 to 1.2: as a key log has it, or out of the premaster secret that a key log or the server's private
 * RSA key gives (RFC 5246, 8.1), with the extended master secret too (RFC 7627), for which the handshake's messages are kept.
 *
 * Leaves out: with the private key alone, sessions that were resumed: their master secret is an earlier session's.
 */
#include "base/memory.h"
#include "dissectors/certificate.h"
#include "dissectors/tls_session.h"

#include <openssl/evp.h>

static struct tls_secrets *secrets_of(const struct conversation *conversation)
{
    return conversation_recording(conversation)->tls_secrets;
}

bool tls_has_keys(const struct conversation *conversation)
{
    return tls_secrets_were_given(secrets_of(conversation)) || conversation_recording(conversation)->tls_rsa_keys != NULL;
}

/* ---- what is kept of the handshake ---- */

static bool needs_transcript(const struct conversation *conversation)
{
    return conversation_recording(conversation)->tls_rsa_keys != NULL || tls_secrets_have_premaster(secrets_of(conversation));
}

void tls_forget_transcript(struct tls *tls)
{
    for (int side = 0; side < SIDE_COUNT; side++) {
        text_free(&tls->transcript[side]);
        tls->transcript_is_over[side] = true;
    }
}

void tls_note_message(const struct conversation *conversation, struct tls *tls, enum side from, uint8_t type, struct bytes message)
{
    struct text *transcript = &tls->transcript[from];

    if (type == TLS_CLIENT_HELLO)
        tls->has_master = false;
    if (type == TLS_HELLO_REQUEST || !needs_transcript(conversation))
        return;
    if (type == TLS_CLIENT_HELLO) {
        tls_forget_transcript(tls);
        tls->transcript_is_over[FROM_CLIENT] = tls->transcript_is_over[FROM_SERVER] = false;
        tls->transcript[FROM_CLIENT] = tls->transcript[FROM_SERVER] = (struct text){.limit = TLS_TRANSCRIPT_LIMIT};
        tls->hello_length = message.length;
    }
    if (!tls->transcript_is_over[from])
        text_append(transcript, message);
    if (type == (from == FROM_CLIENT ? TLS_CLIENT_KEY_EXCHANGE : TLS_SERVER_HELLO_DONE))
        tls->transcript_is_over[from] = true;
    if (tls_is_1_3(tls))
        tls_forget_transcript(tls);
}

void tls_on_encrypted_premaster(const struct conversation *conversation, struct tls *tls, struct bytes encrypted)
{
    const struct tls_rsa_keys *keys = conversation_recording(conversation)->tls_rsa_keys;

    tls->has_encrypted_premaster = true;
    memcpy(tls->encrypted_premaster, encrypted.at, TLS_ENCRYPTED_BYTES);
    if (keys == NULL)
        return;
    switch (tls_rsa_keys_open(keys, tls->certificate != NULL ? text_bytes(&tls->certificate->key) : bytes_of(NULL, 0), encrypted, tls->premaster)) {
    case TLS_RSA_FITS:
        tls->premaster_state = TLS_PREMASTER_OPENED;
        break;
    case TLS_RSA_ABSENT:
        tls->premaster_state = TLS_PREMASTER_NO_KEY;
        break;
    case TLS_RSA_REFUSED:
        tls->premaster_state = TLS_PREMASTER_REFUSED;
        break;
    }
}

/* ---- the master secret ---- */

static bool find_logged_master(const struct conversation *conversation, const struct tls *tls, struct tls_secret *found)
{
    struct tls_secrets *secrets = secrets_of(conversation);

    return tls_secrets_find(secrets, TLS_SECRET_MASTER, bytes_of(tls->client_random, TLS_RANDOM_BYTES), found) ||
           (tls->session_id_length > 0 && tls_secrets_find(secrets, TLS_SECRET_OF_SESSION_ID, bytes_of(tls->session_id, tls->session_id_length), found));
}

static bool find_premaster(const struct conversation *conversation, const struct tls *tls, struct tls_secret *found)
{
    struct tls_secrets *secrets = secrets_of(conversation);

    if (tls->premaster_state == TLS_PREMASTER_OPENED) {
        found->length = TLS_PREMASTER_BYTES;
        memcpy(found->bytes, tls->premaster, TLS_PREMASTER_BYTES);
        return true;
    }
    return tls_secrets_find(secrets, TLS_SECRET_PREMASTER, bytes_of(tls->client_random, TLS_RANDOM_BYTES), found) ||
           (tls->has_encrypted_premaster && tls_secrets_find(secrets, TLS_SECRET_OF_ENCRYPTED, bytes_of(tls->encrypted_premaster, TLS_ENCRYPTED_BYTES), found));
}

/* RFC 7627, 3: the client's hello, what the server says up to its ServerHelloDone, what the client says up to its key exchange. False: it is not all there. */
static bool hash_session(const struct tls *tls, uint8_t hash[EVP_MAX_MD_SIZE], size_t *length)
{
    struct bytes client = text_bytes(&tls->transcript[FROM_CLIENT]);
    struct bytes server = text_bytes(&tls->transcript[FROM_SERVER]);
    EVP_MD *digest = EVP_MD_fetch(NULL, tls->version < TLS_VERSION_1_2 ? "MD5-SHA1" : tls_hash_name(tls->suite.prf), NULL);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned written = 0;
    bool is_whole = tls->transcript_is_over[FROM_CLIENT] && tls->transcript_is_over[FROM_SERVER] && !tls->transcript[FROM_CLIENT].was_cut &&
                    !tls->transcript[FROM_SERVER].was_cut && client.length > tls->hello_length && server.length > 0;
    bool is_done = is_whole && digest != NULL && context != NULL && EVP_DigestInit_ex2(context, digest, NULL) == 1 &&
                   EVP_DigestUpdate(context, client.at, tls->hello_length) == 1 && EVP_DigestUpdate(context, server.at, server.length) == 1 &&
                   EVP_DigestUpdate(context, client.at + tls->hello_length, client.length - tls->hello_length) == 1 &&
                   EVP_DigestFinal_ex(context, hash, &written) == 1;

    EVP_MD_CTX_free(context);
    EVP_MD_free(digest);
    *length = written;
    return is_done;
}

static bool make_master(const struct conversation *conversation, struct tls *tls)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    size_t hash_length = 0;
    struct tls_secret found;

    if (find_logged_master(conversation, tls, &found)) {
        memcpy(tls->master, found.bytes, TLS_MASTER_BYTES);
        return true;
    }
    if (tls->is_resumed || !find_premaster(conversation, tls, &found))
        return false;
    if (tls->has_extended_master_secret && !hash_session(tls, hash, &hash_length))
        return false;
    return tls_master_secret(tls->version, &tls->suite, bytes_of(found.bytes, found.length), tls->client_random, tls->server_random, bytes_of(hash, hash_length),
                             tls->master);
}

bool tls_find_master(const struct conversation *conversation, struct tls *tls)
{
    if (!tls->has_master && make_master(conversation, tls)) {
        tls->has_master = true;
        tls_forget_transcript(tls);
    }
    return tls->has_master;
}

/*
 * ssh_version1.c - SSH 1.5 (draft-ylonen-ssh-protocol-00), as far as it is in the clear: the server's public keys with what
 * it supports, the cipher that the client chooses, and a disconnect before that.
 *
 * Left out: what is encrypted behind SSH_CMSG_SESSION_KEY.
 */
#include "dissectors/ssh_session.h"

#include <inttypes.h>
#include <stdio.h>

#define PACKET_LIMIT (256u << 10) /* the draft's, section "Binary packet protocol" */
#define PACKET_SHORTEST 5u        /* the message's number and the checksum */
#define COOKIE_LENGTH 8
#define CHECKSUM_LENGTH 4

enum {
    SSH1_MSG_DISCONNECT = 1,
    SSH1_SMSG_PUBLIC_KEY = 2,
    SSH1_CMSG_SESSION_KEY = 3,
};

/* By their numbers. */
static const char *const ciphers[] = {"none", "idea", "des", "3des", "tss", "rc4", "blowfish"};
static const char *const authentications[] = {NULL, "rhosts", "rsa", "password", "rhosts-rsa", "tis", "kerberos", "kerberos-tgt"};

static void append_names(const char *const *names, unsigned count, uint32_t bits, struct text *out)
{
    for (unsigned i = 0; i < 32; i++) {
        if ((bits >> i & 1) == 0)
            continue;
        if (i < count && names[i] != NULL) {
            text_append_item(out, ",", bytes_of_text(names[i]));
            continue;
        }
        text_append_format(out, "%s%u", out->length > 0 ? "," : "", i);
    }
}

void ssh_version1_ciphers(uint32_t bits, struct text *names)
{
    append_names(ciphers, sizeof ciphers / sizeof ciphers[0], bits, names);
}

void ssh_version1_authentications(uint32_t bits, struct text *names)
{
    append_names(authentications, sizeof authentications / sizeof authentications[0], bits, names);
}

const char *ssh_version1_cipher(int64_t number)
{
    return number >= 0 && number < (int64_t)(sizeof ciphers / sizeof ciphers[0]) ? ciphers[number] : NULL;
}

/* An SSH 1 integer: its bits, then as many bytes as they take. */
static struct bytes take_integer(struct cursor *cursor)
{
    unsigned bits = take_u16_be(cursor);

    return take_bytes(cursor, (bits + 7) / 8);
}

/* As OpenSSH does of such keys: the digest of the modulus and the exponent, one behind the other. */
static void compute_fingerprints(struct ssh_key *key, struct bytes modulus, struct bytes exponent)
{
    struct digest sha256;
    struct digest md5;

    digest_begin(&sha256, DIGEST_SHA256);
    digest_begin(&md5, DIGEST_MD5);
    digest_add(&sha256, modulus);
    digest_add(&md5, modulus);
    digest_add(&sha256, exponent);
    digest_add(&md5, exponent);
    (void)digest_end_base64(&sha256, false, key->sha256);
    (void)digest_end_hex(&md5, key->md5);
}

static void on_public_key(struct conversation *conversation, struct ssh *ssh, struct cursor payload)
{
    struct ssh_version1 facts = {.has_public_key = true};
    struct bytes exponent;
    struct bytes modulus;
    uint32_t bits;
    struct text detail = {.limit = SSH_DETAIL_LIMIT};

    skip_bytes(&payload, COOKIE_LENGTH);
    facts.server_key_bits = take_u32_be(&payload);
    (void)take_integer(&payload);
    (void)take_integer(&payload);
    bits = take_u32_be(&payload);
    exponent = take_integer(&payload);
    modulus = take_integer(&payload);
    (void)take_u32_be(&payload); /* protocol flags */
    facts.ciphers = take_u32_be(&payload);
    facts.authentications = take_u32_be(&payload);
    if (!cursor_is_good(&payload) || ssh->version1.has_public_key)
        return;
    ssh->version1 = facts;
    ssh->host_key.type.limit = SSH_NAME_LIMIT;
    text_append_text(&ssh->host_key.type, "rsa1");
    ssh->host_key.bits = record_integer(bits);
    compute_fingerprints(&ssh->host_key, modulus, exponent);
    text_append_format(&detail, "server: rsa1 SHA256:%s", ssh->host_key.sha256);
    ssh_tell_at(conversation, ssh, conversation_now(conversation), "host_key", text_bytes(&detail), NULL);
    text_free(&detail);
    ssh_find_weak_key(conversation, ssh);
}

static void on_session_key(struct conversation *conversation, struct ssh *ssh, struct cursor payload)
{
    uint8_t number = take_u8(&payload);
    const char *name = ssh_version1_cipher(number);
    char detail[64];

    if (!cursor_is_good(&payload) || ssh->version1.cipher.is_known)
        return;
    ssh->version1.cipher = record_integer(number);
    snprintf(detail, sizeof detail, "client: cipher %s", name != NULL ? name : "without a name");
    ssh_tell(conversation, ssh, "key_exchange", detail, NULL);
}

static void on_disconnect(struct conversation *conversation, struct ssh *ssh, enum side from, struct cursor payload)
{
    struct ssh_disconnect *disconnect = &ssh->disconnect;
    struct bytes text = ssh_take_string(&payload);
    struct text detail = {.limit = SSH_DETAIL_LIMIT};

    if (!cursor_is_good(&payload) || disconnect->is_known)
        return;
    disconnect->is_known = true;
    disconnect->by = from;
    text_append(&disconnect->text, text);
    text_append_format(&detail, "%s: ", side_name(from));
    text_append(&detail, text);
    ssh_tell_at(conversation, ssh, conversation_now(conversation), "disconnect", text_bytes(&detail), NULL);
    text_free(&detail);
}

enum verdict ssh_on_version1_packet(struct conversation *conversation, struct ssh *ssh, enum side from, struct cursor *bytes)
{
    struct cursor unit = *bytes;
    uint32_t length = take_u32_be(&unit);
    struct cursor packet;
    uint8_t message;

    if (!cursor_is_good(&unit))
        return VERDICT_NEED_MORE;
    if (length < PACKET_SHORTEST || length > PACKET_LIMIT - 8) {
        conversation_finding(conversation, "notice", "ssh_packet_invalid",
                             "the %s sent an SSH 1 packet that claims %" PRIu32 " bytes; this side is not read any further", side_name(from), length);
        ssh->side[from].phase = SSH_PASSED_OVER;
        return VERDICT_GO_ON;
    }
    skip_bytes(&unit, 8 - length % 8);
    packet = take_child(&unit, length - CHECKSUM_LENGTH);
    skip_bytes(&unit, CHECKSUM_LENGTH);
    if (!cursor_is_good(&unit))
        return VERDICT_NEED_MORE;
    *bytes = unit;
    message = take_u8(&packet);
    if (message == SSH1_SMSG_PUBLIC_KEY && from == FROM_SERVER)
        on_public_key(conversation, ssh, packet);
    else if (message == SSH1_CMSG_SESSION_KEY && from == FROM_CLIENT)
        on_session_key(conversation, ssh, packet);
    else if (message == SSH1_MSG_DISCONNECT)
        on_disconnect(conversation, ssh, from, packet);
    /* What either says behind these is encrypted. */
    ssh->side[from].phase = SSH_PASSED_OVER;
    return VERDICT_GO_ON;
}

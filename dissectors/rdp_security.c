/*
 * rdp_security.c - see rdp_security.h: which key fits, what is opened, and what stays shut. The ciphers are rdp_cipher.c.
 *
 * Leaves out: sessions of which bytes are missing. RC4 goes on byte by byte, and how many of the missing bytes were
 * encrypted is not known: that side stays shut from there on.
 */
#include "dissectors/rdp_security.h"

#include "base/memory.h"
#include "dissectors/rdp_cipher.h"
#include "dissectors/rdp_private_keys.h"

#define FIPS_INFORMATION 4
#define FIPS_VERSION 1
#define FIPS_LENGTH 16
/* A side of which so many packets in a row bear a wrong signature is out of step. */
#define WRONG_LIMIT 16

struct rdp_security {
    uint32_t method;
    struct rdp_public_key key;
    uint8_t server_random[RDP_RANDOM_LENGTH];
    bool has_server_random;
    bool was_exchanged; /* the client random was seen */
    bool is_open;       /* and decrypted */
    struct rdp_ciphers ciphers;
    bool is_shut[SIDE_COUNT]; /* bytes went by unread */
    unsigned wrong_in_a_row[SIDE_COUNT];
    uint64_t opened; /* packets */
    uint64_t wrong;  /* packets with a wrong signature */
    uint8_t *room;   /* owned: for what is decrypted */
    size_t room_length;
};

bool rdp_security_has_headers(const struct rdp_settings *settings)
{
    return settings->encryption_method.is_known && settings->encryption_method.value != RDP_METHOD_NONE;
}

struct rdp_security *rdp_security_new(const struct rdp_settings *settings)
{
    struct rdp_security *security;

    if (!rdp_security_has_headers(settings))
        return NULL;
    security = memory_new_zeroed(1, sizeof *security);
    if (security == NULL)
        return NULL;
    security->method = settings->encryption_method.value;
    security->key = settings->certificate.key;
    security->has_server_random = settings->has_server_random;
    memcpy(security->server_random, settings->server_random, RDP_RANDOM_LENGTH);
    return security;
}

void rdp_security_free(struct rdp_security *security)
{
    if (security == NULL)
        return;
    rdp_ciphers_free(&security->ciphers);
    memory_free(security->room);
    memory_free(security);
}

/* ---- the key ---- */

static void tell_shut(struct conversation *conversation, const struct rdp_security *security, enum rdp_opening opening, size_t keys)
{
    if (opening == RDP_KEY_ABSENT && security->key.modulus_length == 0)
        conversation_finding(conversation, "notice", "rdp_key_unused",
                             "the server's certificate was not seen whole: no key can be told to be this server's");
    else if (opening == RDP_KEY_ABSENT)
        conversation_finding(conversation, "notice", "rdp_key_unused",
                             "none of the %zu keys of --rdp-key is this server's (its modulus has %zu bytes and ends in %02x%02x)", keys,
                             security->key.modulus_length, security->key.modulus[1], security->key.modulus[0]);
    else
        conversation_finding(conversation, "notice", "rdp_key_unused",
                             "a key of --rdp-key is this server's, but what it decrypts is no client random of 32 bytes");
}

void rdp_security_exchange(struct rdp_security *security, struct conversation *conversation, struct bytes encrypted)
{
    const struct recording_options *recording = conversation_recording(conversation);
    const struct rdp_private_keys *keys = recording != NULL ? recording->rdp_keys : NULL;
    uint8_t client_random[RDP_RANDOM_LENGTH];
    enum rdp_opening opening;

    if (security == NULL || security->was_exchanged)
        return;
    security->was_exchanged = true;
    if (keys == NULL || !security->has_server_random)
        return;
    opening = rdp_private_keys_open(keys, &security->key, encrypted, client_random);
    if (opening == RDP_KEY_FITS)
        security->is_open = rdp_ciphers_start(&security->ciphers, security->method, client_random, security->server_random);
    else
        tell_shut(conversation, security, opening, rdp_private_keys_count(keys));
}

/* ---- packets ---- */

static bool is_fips(const struct rdp_security *security)
{
    return security->method == RDP_METHOD_FIPS;
}

size_t rdp_security_overhead(const struct rdp_security *security)
{
    return security != NULL && is_fips(security) ? FIPS_INFORMATION + RDP_SIGNATURE_LENGTH : RDP_SIGNATURE_LENGTH;
}

bool rdp_security_can_read(const struct rdp_security *security, enum side from)
{
    return security != NULL && security->is_open && !security->is_shut[from];
}

void rdp_security_lost(struct rdp_security *security, enum side from)
{
    if (security != NULL)
        security->is_shut[from] = true;
}

/* FIPS information (2.2.8.1.1.2.3): how much of the data is padding. */
static uint8_t take_padding(struct cursor *sealed)
{
    uint16_t length = take_u16_le(sealed);
    uint8_t version = take_u8(sealed);
    uint8_t padding = take_u8(sealed);

    if (length != FIPS_LENGTH || version != FIPS_VERSION)
        cursor_reject(sealed);
    return padding;
}

/* A writable copy of these bytes, valid until the next one; NULL when out of memory. */
static uint8_t *copy(struct rdp_security *security, struct bytes data)
{
    if (data.length > security->room_length) {
        uint8_t *room = memory_resize(security->room, data.length);

        if (room == NULL)
            return NULL;
        security->room = room;
        security->room_length = data.length;
    }
    if (data.length > 0)
        memcpy(security->room, data.at, data.length);
    return security->room;
}

/* Counts what the signature said; a side that is wrong all the time is given up. */
static bool judge(struct rdp_security *security, struct conversation *conversation, enum side from, bool is_good)
{
    if (is_good) {
        security->opened++;
        security->wrong_in_a_row[from] = 0;
        return true;
    }
    security->wrong++;
    security->wrong_in_a_row[from]++;
    if (security->wrong_in_a_row[from] == WRONG_LIMIT)
        security->is_shut[from] = true;
    conversation_finding_once(
        conversation, "warning", "rdp_wrong_signature",
        "what the %s sent bears a signature that does not hold: it was changed on its way, or is not what the key opens; such packets are not read",
        side_name(from));
    return false;
}

bool rdp_security_read(struct rdp_security *security, struct conversation *conversation, enum side from, bool is_salted, struct cursor sealed,
                       struct bytes *plain)
{
    uint8_t padding;
    struct bytes signature;
    struct bytes data;
    uint8_t *room;

    if (!rdp_security_can_read(security, from))
        return false;
    padding = is_fips(security) ? take_padding(&sealed) : 0;
    signature = take_bytes(&sealed, RDP_SIGNATURE_LENGTH);
    data = peek_bytes(&sealed);
    room = cursor_is_good(&sealed) ? copy(security, data) : NULL;
    if (!cursor_is_good(&sealed) || padding > data.length || (room == NULL && data.length > 0)) {
        rdp_security_lost(security, from);
        return false;
    }
    if (!judge(security, conversation, from, rdp_ciphers_open(&security->ciphers, from, is_salted, room, data.length, padding, signature.at)))
        return false;
    *plain = bytes_of(room, data.length - padding);
    return true;
}

void rdp_security_fill(const struct rdp_security *security, struct rdp_session *row)
{
    if (security == NULL || !security->is_open)
        return;
    row->opened_packets = record_integer((int64_t)security->opened);
    row->wrong_signatures = record_integer((int64_t)security->wrong);
}

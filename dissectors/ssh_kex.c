/*
 * ssh_kex.c - the messages of a key exchange, whose numbers mean what the negotiated method says: Diffie-Hellman with a
 * fixed group (RFC 4253, 8; RFC 8268), group exchange (RFC 4419), elliptic curves (RFC 5656, 8731) and the hybrids with
 * sntrup761 and ML-KEM that follow their form, RSA (RFC 4432), GSS-API (RFC 4462, 8732).
 *
 * The messages are told from their form where the other side's KEXINIT is not there, so that one side alone, or
 * sides that were captured by clocks apart, give what they hold.
 *
 * Left out: the exchange values themselves, which tell nothing; GSS tokens.
 */
#include "dissectors/ssh_session.h"

#include <inttypes.h>
#include <stdio.h>

/* What the numbers from SSH_MSG_KEX_FIRST on mean. */
enum family {
    FAMILY_UNKNOWN,
    FAMILY_GROUP,
    FAMILY_GROUP_EXCHANGE,
    FAMILY_CURVE,
    FAMILY_HYBRID,
    FAMILY_RSA,
    FAMILY_GSS,
    FAMILIES,
};

/* As their RFCs number them. */
enum {
    KEX_INIT = 30,        /* of RSA the server's KEXRSA_PUBKEY; of group exchange the request of old */
    KEX_REPLY = 31,       /* of group exchange the group; of RSA the client's KEXRSA_SECRET; of GSS a token of either side */
    KEX_GEX_INIT = 32,    /* of RSA the server's KEXRSA_DONE; of GSS the server's KEXGSS_COMPLETE */
    KEX_GEX_REPLY = 33,   /* of GSS KEXGSS_HOSTKEY */
    KEX_GEX_REQUEST = 34, /* of GSS KEXGSS_ERROR */
    KEX_GSS_GROUP_REQUEST = 40,
    KEX_GSS_GROUP = 41,
    KEX_NAMES = 12,
};

static const char *const message_names[FAMILIES][KEX_NAMES] = {
    [FAMILY_UNKNOWN] = {"KEX_INIT", "KEX_REPLY", "KEX_DH_GEX_INIT", "KEX_DH_GEX_REPLY", "KEX_DH_GEX_REQUEST"},
    [FAMILY_GROUP] = {"KEXDH_INIT", "KEXDH_REPLY"},
    [FAMILY_GROUP_EXCHANGE] = {"KEX_DH_GEX_REQUEST_OLD", "KEX_DH_GEX_GROUP", "KEX_DH_GEX_INIT", "KEX_DH_GEX_REPLY", "KEX_DH_GEX_REQUEST"},
    [FAMILY_CURVE] = {"KEX_ECDH_INIT", "KEX_ECDH_REPLY"},
    [FAMILY_HYBRID] = {"KEX_HYBRID_INIT", "KEX_HYBRID_REPLY"},
    [FAMILY_RSA] = {"KEXRSA_PUBKEY", "KEXRSA_SECRET", "KEXRSA_DONE"},
    [FAMILY_GSS] = {"KEXGSS_INIT", "KEXGSS_CONTINUE", "KEXGSS_COMPLETE", "KEXGSS_HOSTKEY", "KEXGSS_ERROR", NULL, NULL, NULL, NULL, NULL,
                    "KEXGSS_GROUPREQ", "KEXGSS_GROUP"},
};

struct method {
    const char *begins;
    enum family family;
    int group_bits; /* of a fixed group (RFC 2409, 3526); 0: none */
};

/* The first that fits. */
static const struct method methods[] = {
    {"diffie-hellman-group-exchange-", FAMILY_GROUP_EXCHANGE, 0},
    {"diffie-hellman-group1-", FAMILY_GROUP, 1024},
    {"diffie-hellman-group14-", FAMILY_GROUP, 2048},
    {"diffie-hellman-group15-", FAMILY_GROUP, 3072},
    {"diffie-hellman-group16-", FAMILY_GROUP, 4096},
    {"diffie-hellman-group17-", FAMILY_GROUP, 6144},
    {"diffie-hellman-group18-", FAMILY_GROUP, 8192},
    {"diffie-hellman-", FAMILY_GROUP, 0},
    {"ecdh-sha2-", FAMILY_CURVE, 0},
    {"curve25519-", FAMILY_CURVE, 0},
    {"curve448-", FAMILY_CURVE, 0},
    {"rsa1024-", FAMILY_RSA, 0},
    {"rsa2048-", FAMILY_RSA, 0},
    {"gss-gex-", FAMILY_GSS, 0},
    {"gss-group1-", FAMILY_GSS, 1024},
    {"gss-group14-", FAMILY_GSS, 2048},
    {"gss-group15-", FAMILY_GSS, 3072},
    {"gss-group16-", FAMILY_GSS, 4096},
    {"gss-group17-", FAMILY_GSS, 6144},
    {"gss-group18-", FAMILY_GSS, 8192},
    {"gss-", FAMILY_GSS, 0},
    {"sntrup", FAMILY_HYBRID, 0},
    {"mlkem", FAMILY_HYBRID, 0},
    {"kyber-", FAMILY_HYBRID, 0},
    {"ecdh-nistp", FAMILY_HYBRID, 0},
    {"x25519-kyber-", FAMILY_HYBRID, 0},
};

/* NULL where the method is not known. */
static const struct method *method_of(const struct ssh *ssh)
{
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (bytes_begin_nocase(text_bytes(&ssh->chosen[SSH_KEX]), methods[i].begins))
            return &methods[i];
    }
    return NULL;
}

static enum family family_of(const struct ssh *ssh)
{
    const struct method *method = method_of(ssh);

    return method != NULL ? method->family : FAMILY_UNKNOWN;
}

/* ---- what a message holds ---- */

static void take_signature(struct ssh *ssh, struct cursor payload)
{
    struct cursor signature = cursor_within(ssh_take_string(&payload));
    struct bytes name = ssh_take_string(&signature);

    if (cursor_is_good(&payload) && cursor_is_good(&signature) && ssh_is_algorithm_name(name) && ssh->signature.length == 0)
        text_append(&ssh->signature, name);
}

/* A host key, and what comes behind it: the server's exchange value (none in KEXRSA_PUBKEY and KEXGSS_HOSTKEY), the signature. */
static bool take_key(struct ssh *ssh, struct ssh_kex_message *message, struct cursor payload)
{
    struct bytes blob = ssh_take_string(&payload);

    if (!cursor_is_good(&payload) || ssh->host_key.type.length > 0 || !ssh_key_read(&ssh->host_key, blob))
        return false;
    message->holds_key = true;
    message->value = (uint32_t)ssh_take_string(&payload).length;
    take_signature(ssh, payload);
    return true;
}

/* The prime and the generator. */
static bool take_group(struct ssh *ssh, struct ssh_kex_message *message, struct cursor payload)
{
    struct bytes prime = ssh_take_string(&payload);
    struct bytes generator = ssh_take_string(&payload);
    uint64_t value = 0;

    if (!cursor_is_good(&payload) || cursor_left(&payload) > 0)
        return false;
    ssh->group.bits = record_integer((int64_t)ssh_mpint_bits(prime));
    if (ssh_mpint_bits(generator) <= 32) {
        struct cursor digits = cursor_within(generator);

        while (cursor_left(&digits) > 0)
            value = value << 8 | take_u8(&digits);
        ssh->group.generator = record_integer((int64_t)value);
    }
    message->is_group = true;
    text_append_format(&message->detail, "%" PRId64 " bits", ssh->group.bits.value);
    if (ssh->group.generator.is_known)
        text_append_format(&message->detail, ", generator %" PRId64, ssh->group.generator.value);
    return true;
}

static void take_group_request(struct ssh *ssh, struct ssh_kex_message *message, struct cursor payload, bool is_old)
{
    struct record_integer least = {.is_known = false};
    struct record_integer most = {.is_known = false};
    struct record_integer preferred;

    if (!is_old)
        least = record_integer(take_u32_be(&payload));
    preferred = record_integer(take_u32_be(&payload));
    if (!is_old)
        most = record_integer(take_u32_be(&payload));
    if (!cursor_is_good(&payload) || cursor_left(&payload) > 0)
        return;
    ssh->group.least = least;
    ssh->group.preferred = preferred;
    ssh->group.most = most;
    message->is_group = true;
    if (is_old)
        text_append_format(&message->detail, "%" PRId64 " bits", preferred.value);
    else
        text_append_format(&message->detail, "%" PRId64 " to %" PRId64 " bits, %" PRId64 " preferred", least.value, most.value, preferred.value);
}

static void take_value(struct ssh_kex_message *message, struct cursor payload)
{
    struct bytes value = ssh_take_string(&payload);

    if (cursor_is_good(&payload))
        message->value = (uint32_t)value.length;
}

static void read_client_message(struct ssh *ssh, struct ssh_kex_message *message, struct cursor payload)
{
    size_t length = cursor_left(&payload);
    enum family family = family_of(ssh);
    bool asks_for_group = message->number == KEX_GEX_REQUEST || message->number == KEX_GSS_GROUP_REQUEST;

    if (asks_for_group && length == 12)
        take_group_request(ssh, message, payload, false);
    else if (message->number == KEX_INIT && length == 4 && (family == FAMILY_UNKNOWN || family == FAMILY_GROUP_EXCHANGE))
        take_group_request(ssh, message, payload, true);
    else
        take_value(message, payload);
}

static void read_server_message(struct ssh *ssh, struct ssh_kex_message *message, struct cursor payload)
{
    enum family family = family_of(ssh);
    bool may_be_group =
        message->number == KEX_GSS_GROUP || (message->number == KEX_REPLY && (family == FAMILY_UNKNOWN || family == FAMILY_GROUP_EXCHANGE));
    bool may_be_key = message->number == KEX_GEX_REPLY || (message->number == KEX_REPLY && family != FAMILY_GROUP_EXCHANGE && family != FAMILY_GSS) ||
                      (message->number == KEX_INIT && (family == FAMILY_UNKNOWN || family == FAMILY_RSA));

    if (may_be_key && take_key(ssh, message, payload))
        return;
    if (may_be_group && take_group(ssh, message, payload))
        return;
    if (message->number == KEX_GEX_INIT && family == FAMILY_RSA)
        take_signature(ssh, payload); /* KEXRSA_DONE */
    else
        take_value(message, payload);
}

/* ---- events ---- */

static const char *name_of(const struct ssh *ssh, const struct ssh_kex_message *message)
{
    enum family family = family_of(ssh);
    unsigned place = message->number - (unsigned)SSH_MSG_KEX_FIRST;

    if (family == FAMILY_UNKNOWN && message->number == KEX_REPLY && message->is_group)
        return "KEX_DH_GEX_GROUP";
    if (family == FAMILY_UNKNOWN && message->number == KEX_INIT && message->is_group)
        return "KEX_DH_GEX_REQUEST_OLD";
    return place < KEX_NAMES ? message_names[family][place] : NULL;
}

static void tell_key(struct conversation *conversation, struct ssh *ssh, int64_t time_us)
{
    const struct ssh_key *key = &ssh->host_key;
    struct text detail = {.limit = SSH_DETAIL_LIMIT};

    text_append_text(&detail, "server: ");
    text_append(&detail, text_bytes(&key->type));
    if (key->sha256[0] != '\0')
        text_append_format(&detail, " SHA256:%s", key->sha256);
    if (key->is_certificate_read) {
        text_append_text(&detail, ", certificate ");
        text_append(&detail, text_bytes(&key->key_id));
        text_append_text(&detail, " by ");
        text_append(&detail, text_bytes(&key->authority_type));
        text_append_format(&detail, " SHA256:%s", key->authority_sha256);
    }
    ssh_tell_at(conversation, ssh, time_us, "host_key", text_bytes(&detail), NULL);
    text_free(&detail);
}

static void tell_message(struct conversation *conversation, struct ssh *ssh, struct ssh_kex_message *message)
{
    struct text detail = {.limit = SSH_DETAIL_LIMIT};
    const char *name = name_of(ssh, message);

    text_append_format(&detail, "%s: ", side_name(message->from));
    if (name != NULL)
        text_append_text(&detail, name);
    else
        text_append_format(&detail, "message %u", message->number);
    if (message->detail.length > 0)
        text_append_item(&detail, ", ", text_bytes(&message->detail));
    else if (message->value > 0)
        text_append_format(&detail, ", value of %" PRIu32 " bytes", message->value);
    ssh_tell_at(conversation, ssh, message->time_us, "key_exchange", text_bytes(&detail), NULL);
    text_free(&detail);
    if (message->holds_key)
        tell_key(conversation, ssh, message->time_us);
    text_free(&message->detail);
}

static void set_fixed_group(struct ssh *ssh)
{
    const struct method *method = method_of(ssh);

    if (method == NULL || method->group_bits == 0)
        return;
    ssh->group.bits = record_integer(method->group_bits);
    ssh->group.generator = record_integer(2);
}

void ssh_tell_kex_messages(struct conversation *conversation, struct ssh *ssh)
{
    if (ssh->is_negotiated)
        set_fixed_group(ssh);
    for (unsigned i = 0; i < ssh->waiting_count; i++)
        tell_message(conversation, ssh, &ssh->waiting[i]);
    ssh->waiting_count = 0;
}

void ssh_drop_kex_messages(struct ssh *ssh, enum side from)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < ssh->waiting_count; i++) {
        if (ssh->waiting[i].from == from)
            text_free(&ssh->waiting[i].detail);
        else
            ssh->waiting[kept++] = ssh->waiting[i];
    }
    ssh->waiting_count = kept;
    ssh->side[from].kex_messages = 0;
    if (from == FROM_SERVER) {
        ssh_key_forget(&ssh->host_key);
        text_clear(&ssh->signature);
        ssh->group.bits = ssh->group.generator = (struct record_integer){.is_known = false};
    } else {
        ssh->group.least = ssh->group.preferred = ssh->group.most = (struct record_integer){.is_known = false};
    }
}

void ssh_on_kex_message(struct conversation *conversation, struct ssh *ssh, enum side from, uint8_t number, struct cursor payload)
{
    struct ssh_side *side = &ssh->side[from];
    struct ssh_kex_message message = {
        .time_us = ssh_time_of(conversation, from),
        .from = from,
        .number = number,
        .payload = (uint32_t)cursor_left(&payload),
        .detail = {.limit = SSH_DETAIL_LIMIT},
    };

    if (side->skips_guess) {
        side->skips_guess = false;
        return;
    }
    side->kex_messages++;
    if (from == FROM_CLIENT)
        read_client_message(ssh, &message, payload);
    else
        read_server_message(ssh, &message, payload);
    if (ssh->is_negotiated)
        tell_message(conversation, ssh, &message);
    else if (ssh->waiting_count < SSH_KEX_MESSAGES_LIMIT)
        ssh->waiting[ssh->waiting_count++] = message;
    else
        text_free(&message.detail);
    if (message.holds_key)
        ssh_find_weak_key(conversation, ssh);
    if (message.is_group && from == FROM_SERVER)
        ssh_find_weak_group(conversation, ssh);
}

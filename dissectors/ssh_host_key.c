/*
 * ssh_host_key.c - the server's host key, as the key exchange shows it (RFC 4253, 8; RFC 4419; RFC 5656; OpenSSH's
 * PROTOCOL.certkeys).
 */
#include "dissectors/ssh_session.h"

/* A name as RFC 4251, 6 has it: printable, no comma. It tells a host key from the group of a group exchange. */
static bool is_algorithm_name(struct bytes name)
{
    struct cursor letters = cursor_within(name);

    while (cursor_left(&letters) > 0) {
        uint8_t letter = take_u8(&letters);

        if (letter <= ' ' || letter >= 127 || letter == ',')
            return false;
    }
    return name.length > 0 && name.length <= SSH_NAME_LIMIT;
}

/* OpenSSH's certificates (PROTOCOL.certkeys): the key in them has this type, and these many fields behind the nonce. */
struct certified_key {
    const char *certificate;
    const char *key;
    unsigned fields;
};

static const struct certified_key certified_keys[] = {
    {"ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519", 1},
    {"ecdsa-sha2-nistp256-cert-v01@openssh.com", "ecdsa-sha2-nistp256", 2},
    {"ecdsa-sha2-nistp384-cert-v01@openssh.com", "ecdsa-sha2-nistp384", 2},
    {"ecdsa-sha2-nistp521-cert-v01@openssh.com", "ecdsa-sha2-nistp521", 2},
    {"ssh-rsa-cert-v01@openssh.com", "ssh-rsa", 2},
    {"ssh-dss-cert-v01@openssh.com", "ssh-dss", 4},
};

static void add_u32(struct digest *digest, size_t value)
{
    uint8_t bytes[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};

    digest_add(digest, bytes_of(bytes, sizeof bytes));
}

static void add_string(struct digest *digest, struct bytes string)
{
    add_u32(digest, string.length);
    digest_add(digest, string);
}

/* Of a certificate, the fingerprint is that of the key in it. False where the blob is not what its type says. */
static bool add_certified_key(struct digest *digest, const struct certified_key *kind, struct cursor blob)
{
    add_string(digest, bytes_of_text(kind->key));
    (void)ssh_take_string(&blob); /* nonce */
    for (unsigned field = 0; field < kind->fields; field++)
        add_string(digest, ssh_take_string(&blob));
    return cursor_is_good(&blob);
}

static void fingerprint(struct ssh *ssh, struct bytes host_key)
{
    struct cursor blob = cursor_within(host_key);
    struct bytes type = ssh_take_string(&blob);
    struct digest digest;
    bool is_certificate = false;

    if (!cursor_is_good(&blob) || !is_algorithm_name(type))
        return;
    digest_begin(&digest, DIGEST_SHA256);
    for (size_t i = 0; i < sizeof certified_keys / sizeof certified_keys[0]; i++) {
        if (!bytes_equal(type, bytes_of_text(certified_keys[i].certificate)))
            continue;
        is_certificate = true;
        if (!add_certified_key(&digest, &certified_keys[i], blob)) {
            digest_drop(&digest);
            return;
        }
    }
    if (!is_certificate)
        digest_add(&digest, host_key);
    ssh->has_fingerprint = digest_end_base64(&digest, false, ssh->fingerprint);
}

void ssh_on_server_kex_message(struct ssh *ssh, uint8_t message, struct cursor payload)
{
    bool is_group_exchange = bytes_begin_nocase(text_bytes(&ssh->chosen[SSH_KEX]), "diffie-hellman-group-exchange-");
    struct bytes host_key;

    if (ssh->skips_server_guess) {
        ssh->skips_server_guess = false;
        return;
    }
    if (ssh->has_fingerprint || (message == SSH_MSG_KEX_REPLY && is_group_exchange))
        return;
    host_key = ssh_take_string(&payload);
    if (cursor_is_good(&payload))
        fingerprint(ssh, host_key);
}

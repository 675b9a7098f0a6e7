/*
 * ssh_weak.c - findings about what was negotiated: methods, ciphers and integrity checks that are weak or obsolete, each with the
 * source that says so; small keys and groups; the Terrapin attack (CVE-2023-48795); ports.
 *
 * Left out: what is offered and not chosen (the view ssh_kexinits holds it).
 */
#include "dissectors/ssh_session.h"

#include <inttypes.h>

#define PORT_SSH 22
#define PORT_NETCONF 830      /* RFC 6242 */
#define RSA_BITS_LEAST 2048   /* NIST SP 800-131A; OpenSSH refuses less than 1024 since 7.6 */
#define GROUP_BITS_LEAST 2048 /* RFC 8270 */

enum weak_kind {
    WEAK_KEX,
    WEAK_CIPHER,
    WEAK_MAC,
    WEAK_HOST_KEY,
};

static const char *const finding_names[] = {"ssh_weak_kex", "ssh_weak_cipher", "ssh_weak_mac", "ssh_weak_host_key"};

struct weak {
    enum weak_kind kind;
    const char *name; /* a '*' at the end: whatever begins so */
    const char *source;
};

/* The first that fits. */
static const struct weak weak_algorithms[] = {
    {WEAK_KEX, "diffie-hellman-group1-sha1", "SHA-1 and a group of 1024 bits: RFC 9142 says SHOULD NOT, OpenSSH switched it off in 7.0"},
    {WEAK_KEX, "diffie-hellman-group14-sha1", "SHA-1: OpenSSH took it from its defaults in 8.2"},
    {WEAK_KEX, "diffie-hellman-group-exchange-sha1", "SHA-1: RFC 9142 says SHOULD NOT, OpenSSH took it from its defaults in 6.7"},
    {WEAK_KEX, "rsa1024-sha1", "SHA-1 and RSA of 1024 bits: RFC 9142 says MUST NOT"},
    {WEAK_KEX, "gss-gex-sha1-*", "SHA-1: RFC 9142 says SHOULD NOT"},
    {WEAK_KEX, "gss-group1-sha1-*", "SHA-1 and a group of 1024 bits: RFC 9142 says SHOULD NOT"},
    {WEAK_KEX, "gss-group14-sha1-*", "SHA-1: RFC 9142 says SHOULD NOT"},
    {WEAK_CIPHER, "none", "nothing is encrypted: RFC 4253, 6.3 does not recommend it"},
    {WEAK_CIPHER, "arcfour*", "RC4: RFC 8758 says MUST NOT, OpenSSH removed it in 7.6"},
    {WEAK_CIPHER, "rc4", "RC4: RFC 8758 says MUST NOT"},
    {WEAK_CIPHER, "des*", "keys of 56 bits: RFC 4253, 6.3 leaves it out"},
    {WEAK_CIPHER, "3des*", "blocks of 64 bits (CVE-2016-2183): OpenSSH took it from its client's defaults in 7.4"},
    {WEAK_CIPHER, "blowfish*", "blocks of 64 bits (CVE-2016-2183): OpenSSH removed it in 7.6"},
    {WEAK_CIPHER, "cast128-*", "blocks of 64 bits (CVE-2016-2183): OpenSSH removed it in 7.6"},
    {WEAK_CIPHER, "idea*", "blocks of 64 bits (CVE-2016-2183): no present software has it"},
    {WEAK_CIPHER, "aes128-cbc", "CBC shows text to who changes packets (CVE-2008-5161): OpenSSH took it from its server's defaults in 6.7"},
    {WEAK_CIPHER, "aes192-cbc", "CBC shows text to who changes packets (CVE-2008-5161): OpenSSH took it from its server's defaults in 6.7"},
    {WEAK_CIPHER, "aes256-cbc", "CBC shows text to who changes packets (CVE-2008-5161): OpenSSH took it from its server's defaults in 6.7"},
    {WEAK_CIPHER, "rijndael-cbc@lysator.liu.se", "CBC shows text to who changes packets (CVE-2008-5161): OpenSSH removed the name in 8.5"},
    {WEAK_CIPHER, "serpent*-cbc", "CBC shows text to who changes packets (CVE-2008-5161)"},
    {WEAK_CIPHER, "twofish*-cbc", "CBC shows text to who changes packets (CVE-2008-5161)"},
    {WEAK_MAC, "none", "nothing protects the data from being changed: RFC 4253, 6.4 does not recommend it"},
    {WEAK_MAC, "hmac-md5*", "MD5: OpenSSH took it from its defaults in 7.2"},
    {WEAK_MAC, "hmac-sha1-96*", "cut to 96 bits: OpenSSH took it from its defaults in 7.2"},
    {WEAK_MAC, "hmac-ripemd160*", "OpenSSH removed it in 7.6"},
    {WEAK_MAC, "ripemd160", "OpenSSH removed it in 7.6"},
    {WEAK_HOST_KEY, "ssh-dss*", "DSA with 1024 bits and SHA-1: OpenSSH switched it off in 7.0 and removed it in 10.0"},
    {WEAK_HOST_KEY, "ssh-rsa*", "signed with SHA-1 (RFC 8332 has better ones for the same key): OpenSSH switched it off in 8.8"},
};

/* `pattern` may hold one '*', which stands for whatever comes. */
static bool fits(struct bytes name, const char *pattern)
{
    struct bytes after;
    struct bytes before = bytes_split(bytes_of_text(pattern), '*', &after);
    struct cursor cursor = cursor_within(name);

    if (after.at == NULL)
        return bytes_equal(name, before);
    if (name.length < before.length + after.length || !bytes_equal(take_bytes(&cursor, before.length), before))
        return false;
    skip_bytes(&cursor, cursor_left(&cursor) - after.length);
    return bytes_equal(peek_bytes(&cursor), after);
}

static void find_weak(struct conversation *conversation, enum weak_kind kind, struct bytes name)
{
    for (size_t i = 0; i < sizeof weak_algorithms / sizeof weak_algorithms[0]; i++) {
        const struct weak *weak = &weak_algorithms[i];

        if (weak->kind != kind || !fits(name, weak->name))
            continue;
        conversation_finding(conversation, strcmp(weak->name, "none") == 0 ? "warning" : "notice", finding_names[kind], "%.*s: %s", (int)name.length,
                             (const char *)name.at, weak->source);
        return;
    }
}

/* Of two directions, both are told where they differ. */
static void find_weak_pair(struct conversation *conversation, const struct ssh *ssh, enum weak_kind kind, enum ssh_list to_server,
                           enum ssh_list to_client)
{
    struct bytes first = text_bytes(&ssh->chosen[to_server]);
    struct bytes second = text_bytes(&ssh->chosen[to_client]);

    find_weak(conversation, kind, first);
    if (!bytes_equal(first, second))
        find_weak(conversation, kind, second);
}

/* What the Terrapin attack works on: ChaCha20 with Poly1305, and CBC with encrypt-then-MAC. */
static bool is_cuttable(const struct ssh *ssh, enum ssh_list cipher, enum ssh_list mac)
{
    struct bytes name = text_bytes(&ssh->chosen[cipher]);

    if (bytes_begin_nocase(name, "chacha20-poly1305"))
        return true;
    return fits(name, "*-cbc") && fits(text_bytes(&ssh->chosen[mac]), "*-etm@openssh.com");
}

static void find_terrapin(struct conversation *conversation, const struct ssh *ssh)
{
    bool is_strict = ssh->side[FROM_CLIENT].offers_strict_kex && ssh->side[FROM_SERVER].offers_strict_kex;
    bool to_server = is_cuttable(ssh, SSH_CIPHER_TO_SERVER, SSH_MAC_TO_SERVER);
    bool to_client = is_cuttable(ssh, SSH_CIPHER_TO_CLIENT, SSH_MAC_TO_CLIENT);
    enum ssh_list cipher = to_server ? SSH_CIPHER_TO_SERVER : SSH_CIPHER_TO_CLIENT;
    enum ssh_list mac = to_server ? SSH_MAC_TO_SERVER : SSH_MAC_TO_CLIENT;
    bool has_mac = fits(text_bytes(&ssh->chosen[cipher]), "*-cbc");
    const char *who = "neither offers it";

    if (is_strict || (!to_server && !to_client))
        return;
    if (ssh->side[FROM_CLIENT].offers_strict_kex)
        who = "the server does not offer it";
    else if (ssh->side[FROM_SERVER].offers_strict_kex)
        who = "the client does not offer it";
    conversation_finding(conversation, "notice", "ssh_no_strict_kex",
                         "%s%s%s, and no strict key exchange (%s): who sits in between can take the first packets away (CVE-2023-48795)",
                         ssh->chosen[cipher].at, has_mac ? " with " : "", has_mac ? ssh->chosen[mac].at : "", who);
}

void ssh_find_weak_algorithms(struct conversation *conversation, const struct ssh *ssh)
{
    find_weak(conversation, WEAK_KEX, text_bytes(&ssh->chosen[SSH_KEX]));
    find_weak(conversation, WEAK_HOST_KEY, text_bytes(&ssh->chosen[SSH_HOST_KEY]));
    find_weak_pair(conversation, ssh, WEAK_CIPHER, SSH_CIPHER_TO_SERVER, SSH_CIPHER_TO_CLIENT);
    find_weak_pair(conversation, ssh, WEAK_MAC, SSH_MAC_TO_SERVER, SSH_MAC_TO_CLIENT);
    find_terrapin(conversation, ssh);
}

void ssh_find_weak_key(struct conversation *conversation, const struct ssh *ssh)
{
    const struct ssh_key *key = &ssh->host_key;
    bool is_rsa = bytes_begin_nocase(text_bytes(&key->type), "ssh-rsa") || bytes_begin_nocase(text_bytes(&key->type), "rsa1");

    if (is_rsa && key->bits.is_known && key->bits.value < RSA_BITS_LEAST)
        conversation_finding(conversation, "notice", "ssh_weak_host_key", "an RSA key of %" PRId64 " bits: NIST SP 800-131A asks for %d",
                             key->bits.value, RSA_BITS_LEAST);
    if (key->valid_until_us.is_known && key->valid_until_us.value < conversation_now(conversation))
        conversation_finding(conversation, "notice", "ssh_host_certificate_expired",
                             "the host certificate '%s' was valid until %" PRId64 " s since the epoch", key->key_id.at != NULL ? key->key_id.at : "",
                             key->valid_until_us.value / 1000000);
}

void ssh_find_weak_group(struct conversation *conversation, const struct ssh *ssh)
{
    if (ssh->group.bits.is_known && ssh->group.bits.value < GROUP_BITS_LEAST)
        conversation_finding(conversation, "notice", "ssh_weak_kex",
                             "a Diffie-Hellman group of %" PRId64 " bits, chosen by the server: RFC 8270 asks for %d", ssh->group.bits.value,
                             GROUP_BITS_LEAST);
}

void ssh_find_unusual_port(struct conversation *conversation)
{
    const struct flow_facts *flow = conversation_flow(conversation);

    if (conversation_is_tunnelled(conversation) || flow->server_port == PORT_SSH || flow->server_port == PORT_NETCONF || (flow->client_is_guessed && flow->client_port == PORT_SSH))
        return;
    conversation_finding(conversation, "info", "ssh_unusual_port", "SSH on port %u", flow->server_port);
}

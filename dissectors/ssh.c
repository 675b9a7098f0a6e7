/*
 * ssh.c - SSH (RFC 4251, 4253; RFC 4419 group exchange, RFC 5656 and 8731 elliptic curves,
 * RFC 8308 extension names), as far as it is spoken in the clear: both identifications,
 * both KEXINITs and what follows from them, the server's host key, and HASSH
 * (github.com/salesforce/hassh).
 *
 * Left out: SSH 1 beyond the identifications; keys exchanged again, which is
 * encrypted; and whatever can be told of the encrypted part from its sizes.
 */
#include "base/digest.h"
#include "base/memory.h"
#include "base/text.h"
#include "dissectors/dissector.h"

#include <stdlib.h>

#define SSH_IDENTIFICATION_LIMIT 255      /* RFC 4253, 4.2, its CR LF included; longer is a finding */
#define SSH_IDENTIFICATION_WAIT 8192      /* implementations accept longer ones; so far the line's end is waited for */
#define SSH_TEXT_BEFORE_LIMIT (256 << 10) /* lines before the identification; more and the side is given up */
#define SSH_PACKET_LIMIT (256 << 10)      /* the longest packet in the clear: RFC 4253, 6.1 asks for 35000, OpenSSH takes this */
#define SSH_PACKET_SHORTEST 6             /* the padding's length, a message number, 4 bytes of padding */
#define SSH_NAME_LIMIT 1024               /* one algorithm's name; RFC 4251, 6 allows 64 */
#define SSH_PACKET_START 6                /* bytes that tell a packet's length, padding and message number */

#define SSH_SESSION(COLUMN, LATER, R) \
    COLUMN(R, integer, flow_id, RECORD_DOC_FLOW_ID) \
    COLUMN(R, boolean, encrypted, RECORD_DOC_ENCRYPTED) \
    COLUMN(R, text, protocol_version, \
           "the version that the two identifications agree on: '2.0', '1.5'; '1.99' where only a side that speaks both was seen") \
    COLUMN(R, text, client_version, "the client's identification, whole: 'SSH-2.0-OpenSSH_9.2p1 Debian-2'") \
    COLUMN(R, text, server_version, "the server's identification, whole") \
    COLUMN(R, text, kex, "negotiated key exchange method (RFC 4253, 7.1); NULL unless both sides' lists were seen and have one in common") \
    COLUMN(R, text, host_key_type, "negotiated host key algorithm") \
    COLUMN(R, text, host_key_fingerprint, "'SHA256:...' of the server's host key, as OpenSSH prints it") \
    COLUMN(R, text, client_cipher, "negotiated encryption, client to server") \
    COLUMN(R, text, server_cipher, "negotiated encryption, server to client") \
    COLUMN(R, text, client_mac, "negotiated integrity check, client to server; '<implicit>' where the cipher contains it") \
    COLUMN(R, text, server_mac, "negotiated integrity check, server to client; '<implicit>' where the cipher contains it") \
    COLUMN(R, text, client_compression, "negotiated compression, client to server") \
    COLUMN(R, text, server_compression, "negotiated compression, server to client") \
    COLUMN(R, text, hassh, "HASSH: MD5 of what the client offers, a fingerprint of its software") \
    COLUMN(R, text, hassh_server, "HASSH of the server") \
    COLUMN(R, boolean, strict_kex, "1 where both sides offer OpenSSH's strict key exchange, the answer to Terrapin (CVE-2023-48795)") \
    LATER(R, integer, rekeys, "how often keys were exchanged again") \
    LATER(R, integer, auth_attempts, "login attempts") \
    LATER(R, text, auth_result, "'success' or 'failure'") \
    LATER(R, text, auth_method, "the method of the last attempt") \
    LATER(R, text, activity, "what was done: 'shell', 'command', 'sftp', 'scp', 'tunnel' or 'none'; a guess") \
    LATER(R, integer, keystrokes, "keys typed in a shell; a guess") \
    LATER(R, integer, bytes_up, "payload bytes, client to server, after the keys were exchanged") \
    LATER(R, integer, bytes_down, "payload bytes, server to client, after the keys were exchanged") \
    LATER(R, text, inference_basis, "what the guesses in this row rest on")

RECORD_STRUCT(ssh_session, SSH_SESSION);
RECORD_COLUMNS(ssh_session, SSH_SESSION);

static const struct record_session ssh_session_in_sessions = {
    .protocol = "ssh",
    .user = "NULL",
    .outcome = "coalesce(s.auth_result, CASE WHEN s.kex IS NOT NULL THEN 'negotiated' ELSE 'greeted' END)",
    .summary = "coalesce(s.client_version, 'unseen client') || ' to ' || coalesce(s.server_version, 'unseen server') || "
               "coalesce(', ' || s.kex, '') || coalesce(', ' || s.client_cipher, '') || coalesce(', host key ' || s.host_key_type, '')",
};

static const struct record_table ssh_session_table = {
    .table = "ssh_session",
    .view = "ssh_sessions",
    .doc = "one SSH connection",
    .kind = RECORD_VIEW_SESSION,
    .columns = ssh_session_columns,
    .column_count = RECORD_COLUMN_COUNT(ssh_session_columns),
    .session = &ssh_session_in_sessions,
    .key = "flow_id",
    .index = "flow_id",
};

/* RFC 4250, 4.1.2; RFC 4419, 5; RFC 5656, 7.1 */
enum ssh_message {
    SSH_MSG_KEXINIT = 20,
    SSH_MSG_NEWKEYS = 21,
    SSH_MSG_KEX_REPLY = 31,     /* KEXDH_REPLY, KEX_ECDH_REPLY; the group in a group exchange */
    SSH_MSG_KEX_GEX_REPLY = 33, /* also the host key in a GSS exchange */
    SSH_MSG_KEX_LAST = 49,      /* the range of the key exchange ends here */
};

/* The name-lists of a KEXINIT, in its order (RFC 4253, 7.1). */
enum ssh_list {
    SSH_KEX,
    SSH_HOST_KEY,
    SSH_CIPHER_TO_SERVER,
    SSH_CIPHER_TO_CLIENT,
    SSH_MAC_TO_SERVER,
    SSH_MAC_TO_CLIENT,
    SSH_COMPRESSION_TO_SERVER,
    SSH_COMPRESSION_TO_CLIENT,
    SSH_LISTS, /* the two lists of languages behind them are not used by anyone */
};

/*
 *   IDENTIFICATION --on_identification()--> PACKETS --NEWKEYS--> PASSED_OVER
 *         |                                   | |                    ^
 *         +--gap--> AFTER_GAP <--gap----------+ +--no SSH 2 packet---+
 *                      |                                             |
 *                      +--on_data_after_gap(): back to either, or----+
 */
enum ssh_phase {
    SSH_IDENTIFICATION, /* at the start of a line */
    SSH_TEXT_BEFORE,    /* inside a line that is not the identification */
    SSH_PACKETS,
    SSH_AFTER_GAP,
    SSH_PASSED_OVER, /* encrypted, or not to be followed */
};

struct ssh_side {
    enum ssh_phase phase;
    uint32_t text_before; /* bytes of lines before the identification */
    uint32_t packet_left; /* of a packet that is being skipped */
    struct text identification;
    struct text kexinit; /* the name-lists, until both sides' are there */
    bool has_kexinit;
    bool guess_follows; /* first_kex_packet_follows */
    bool offers_strict_kex;
    bool has_hassh;
    char hassh[DIGEST_HEX_SIZE];
};

struct ssh {
    struct ssh_side side[SIDE_COUNT];
    bool is_negotiated;
    bool skips_server_guess; /* the server's next key exchange packet was a wrong guess */
    struct text chosen[SSH_LISTS];
    bool has_fingerprint;
    char fingerprint[DIGEST_BASE64_SIZE];
};

/* ---- identification ---- */

/* "SSH-" and a digit; MATCH_MAYBE for a beginning of it. */
static enum match match_identification(struct bytes bytes)
{
    struct cursor cursor = cursor_over(bytes);
    struct bytes start = take_up_to(&cursor, strlen("SSH-"));
    int digit = peek_u8(&cursor);

    if (start.length > 0 && memcmp(start.at, "SSH-", start.length) != 0)
        return MATCH_NO;
    if (digit < 0)
        return MATCH_MAYBE;
    return digit >= '0' && digit <= '9' ? MATCH_YES : MATCH_NO;
}

/* A server may send lines of text first (RFC 4253, 4.2). */
static enum match match_server(struct bytes bytes)
{
    struct bytes rest = bytes;

    while (rest.length > 0) {
        enum match match = match_identification(rest);

        if (match != MATCH_NO)
            return match;
        (void)bytes_split(rest, '\n', &rest);
    }
    return MATCH_MAYBE;
}

static enum match ssh_match(const struct first_bytes *first)
{
    enum match client = match_identification(first->side[FROM_CLIENT]);
    enum match server = match_server(first->side[FROM_SERVER]);

    if (client == MATCH_YES || server == MATCH_YES)
        return MATCH_YES;
    /* Whatever a client says to SSH's port, the server may yet identify itself. */
    if (client == MATCH_NO && first->port_agrees)
        return MATCH_MAYBE;
    return client;
}

/* "1.5" of "SSH-1.5-software"; empty where the side has not been identified. */
static struct bytes version_of(const struct ssh_side *side)
{
    struct bytes rest;
    struct bytes version;

    (void)bytes_split(text_bytes(&side->identification), '-', &rest);
    version = bytes_split(rest, '-', &rest);
    return version;
}

static bool speaks_only_ssh1(const struct ssh_side *side)
{
    struct bytes version = version_of(side);

    return bytes_begin_nocase(version, "1.") && !bytes_equal(version, bytes_of_text("1.99"));
}

/* At the start of a line. */
static enum verdict on_line(struct conversation *conversation, struct ssh_side *side, enum side from, struct cursor *bytes)
{
    struct cursor unit = *bytes;
    enum match match = match_identification(peek_bytes(&unit));
    size_t length = cursor_left(&unit);
    struct bytes line;

    if (match == MATCH_MAYBE)
        return VERDICT_NEED_MORE;
    if (match == MATCH_NO) {
        side->phase = SSH_TEXT_BEFORE;
        return VERDICT_GO_ON;
    }
    line = take_line(&unit);
    if (!cursor_is_good(&unit) && length <= SSH_IDENTIFICATION_WAIT)
        return VERDICT_NEED_MORE;
    if (!cursor_is_good(&unit)) {
        side->phase = SSH_PASSED_OVER;
        return VERDICT_GO_ON;
    }
    length -= cursor_left(&unit);
    if (length > SSH_IDENTIFICATION_LIMIT)
        conversation_finding(conversation, "notice", "ssh_identification_too_long", "the %s identified itself with %zu bytes; RFC 4253 allows %d",
                             side_name(from), length, SSH_IDENTIFICATION_LIMIT);
    text_append(&side->identification, line);
    side->phase = SSH_PACKETS;
    *bytes = unit;
    return VERDICT_GO_ON;
}

/* Inside a line before the identification: passed over, never kept. */
static void on_text_before(struct ssh_side *side, struct cursor *bytes)
{
    struct bytes rest = peek_bytes(bytes);
    struct bytes line = bytes_split(rest, '\n', &rest);
    bool has_end = rest.at != NULL;

    skip_bytes(bytes, line.length + (has_end ? 1 : 0));
    side->text_before += (uint32_t)line.length;
    if (has_end)
        side->phase = SSH_IDENTIFICATION;
    if (side->text_before > SSH_TEXT_BEFORE_LIMIT)
        side->phase = SSH_PASSED_OVER;
}

/* ---- negotiation ---- */

static struct bytes take_string(struct cursor *cursor)
{
    return take_bytes(cursor, take_u32_be(cursor));
}

/* One name-list of a kept KEXINIT; empty where it is not there. */
static struct bytes list_of(const struct ssh_side *side, enum ssh_list wanted)
{
    struct cursor lists = cursor_within(text_bytes(&side->kexinit));
    struct bytes list = take_string(&lists);

    for (enum ssh_list passed = SSH_KEX; passed < wanted; passed++)
        list = take_string(&lists);
    return list;
}

static bool list_contains(struct bytes list, const char *name)
{
    while (list.length > 0) {
        if (bytes_equal(bytes_split(list, ',', &list), bytes_of_text(name)))
            return true;
    }
    return false;
}

static int compare_names(const void *left, const void *right)
{
    const struct bytes *a = left;
    const struct bytes *b = right;

    if (a->length != b->length)
        return a->length < b->length ? -1 : 1;
    return a->length == 0 ? 0 : memcmp(a->at, b->at, a->length);
}

/* The first of the client's names that the server has too. The server's are sorted, so that long lists stay cheap. */
static struct bytes first_common(struct bytes client, struct bytes server)
{
    struct bytes none = bytes_of(NULL, 0);
    struct bytes *names;
    size_t count = 0;

    names = memory_new_zeroed(server.length / 2 + 1, sizeof *names); /* a name and its comma take two bytes at least */
    if (names == NULL)
        return none;
    while (server.length > 0) {
        struct bytes name = bytes_split(server, ',', &server);

        if (name.length > 0)
            names[count++] = name;
    }
    qsort(names, count, sizeof *names, compare_names);
    while (client.length > 0) {
        struct bytes name = bytes_split(client, ',', &client);

        if (name.length > 0 && bsearch(&name, names, count, sizeof *names, compare_names) != NULL) {
            memory_free(names);
            return name;
        }
    }
    memory_free(names);
    return none;
}

/* RFC 4253, 7.1. */
static struct bytes negotiate_list(struct bytes client, struct bytes server)
{
    struct bytes rest;
    struct bytes preferred = bytes_split(client, ',', &rest);

    if (preferred.length > 0 && bytes_equal(preferred, bytes_split(server, ',', &rest)))
        return preferred;
    return first_common(client, server);
}

/* A guess is right if both sides prefer the same method and host key algorithm (RFC 4253, 7). */
static bool guess_is_right(const struct ssh *ssh)
{
    for (enum ssh_list list = SSH_KEX; list <= SSH_HOST_KEY; list++) {
        struct bytes rest;
        struct bytes client = bytes_split(list_of(&ssh->side[FROM_CLIENT], list), ',', &rest);
        struct bytes server = bytes_split(list_of(&ssh->side[FROM_SERVER], list), ',', &rest);

        if (!bytes_equal(client, server))
            return false;
    }
    return true;
}

/* Ciphers that check integrity themselves: the MAC list is then not used (PROTOCOL, PROTOCOL.chacha20poly1305 of OpenSSH; RFC 5647). */
static bool cipher_is_authenticated(struct bytes cipher)
{
    static const char *const names[] = {
        "chacha20-poly1305@openssh.com",
        "aes128-gcm@openssh.com",
        "aes256-gcm@openssh.com",
        "chacha20-poly1305",
        "AEAD_AES_128_GCM",
        "AEAD_AES_256_GCM",
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (bytes_equal(cipher, bytes_of_text(names[i])))
            return true;
    }
    return false;
}

static void imply_mac(struct ssh *ssh, enum ssh_list cipher, enum ssh_list mac)
{
    if (!cipher_is_authenticated(text_bytes(&ssh->chosen[cipher])))
        return;
    text_clear(&ssh->chosen[mac]);
    text_append_text(&ssh->chosen[mac], "<implicit>");
}

/* Both KEXINITs are there. */
static void negotiate(struct ssh *ssh)
{
    for (enum ssh_list list = SSH_KEX; list < SSH_LISTS; list++)
        text_append(&ssh->chosen[list], negotiate_list(list_of(&ssh->side[FROM_CLIENT], list), list_of(&ssh->side[FROM_SERVER], list)));
    imply_mac(ssh, SSH_CIPHER_TO_SERVER, SSH_MAC_TO_SERVER);
    imply_mac(ssh, SSH_CIPHER_TO_CLIENT, SSH_MAC_TO_CLIENT);
    ssh->skips_server_guess = ssh->side[FROM_SERVER].guess_follows && !guess_is_right(ssh);
    ssh->is_negotiated = true;
    text_free(&ssh->side[FROM_CLIENT].kexinit);
    text_free(&ssh->side[FROM_SERVER].kexinit);
}

/* The lists that a side's own sending uses: client to server for the client. */
static void compute_hassh(struct ssh_side *side, enum side from)
{
    static const enum ssh_list of_client[] = {SSH_KEX, SSH_CIPHER_TO_SERVER, SSH_MAC_TO_SERVER, SSH_COMPRESSION_TO_SERVER};
    static const enum ssh_list of_server[] = {SSH_KEX, SSH_CIPHER_TO_CLIENT, SSH_MAC_TO_CLIENT, SSH_COMPRESSION_TO_CLIENT};
    const enum ssh_list *lists = from == FROM_CLIENT ? of_client : of_server;
    struct digest digest;

    digest_begin(&digest, DIGEST_MD5);
    for (size_t i = 0; i < sizeof of_client / sizeof of_client[0]; i++) {
        if (i > 0)
            digest_add(&digest, bytes_of_text(";"));
        digest_add(&digest, list_of(side, lists[i]));
    }
    side->has_hassh = digest_end_hex(&digest, side->hassh);
}

static void on_kexinit(struct ssh *ssh, enum side from, struct cursor payload)
{
    struct ssh_side *side = &ssh->side[from];
    struct cursor lists;
    uint8_t guess_follows;

    if (side->has_kexinit)
        return; /* only the first can be in the clear */
    skip_bytes(&payload, 16); /* cookie */
    lists = payload;
    for (int list = 0; list < SSH_LISTS + 2; list++)
        (void)take_string(&payload);
    guess_follows = take_u8(&payload);
    if (!cursor_is_good(&payload))
        return;
    text_append(&side->kexinit, peek_bytes(&lists));
    if (side->kexinit.was_cut)
        return;
    side->has_kexinit = true;
    side->guess_follows = guess_follows != 0;
    side->offers_strict_kex =
        list_contains(list_of(side, SSH_KEX), from == FROM_CLIENT ? "kex-strict-c-v00@openssh.com" : "kex-strict-s-v00@openssh.com");
    compute_hassh(side, from);
    if (ssh->side[side_other(from)].has_kexinit)
        negotiate(ssh);
}

/* ---- the host key ---- */

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
    (void)take_string(&blob); /* nonce */
    for (unsigned field = 0; field < kind->fields; field++)
        add_string(digest, take_string(&blob));
    return cursor_is_good(&blob);
}

static void fingerprint(struct ssh *ssh, struct bytes host_key)
{
    struct cursor blob = cursor_within(host_key);
    struct bytes type = take_string(&blob);
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

static void on_server_kex_message(struct ssh *ssh, uint8_t message, struct cursor payload)
{
    bool is_group_exchange = bytes_begin_nocase(text_bytes(&ssh->chosen[SSH_KEX]), "diffie-hellman-group-exchange-");
    struct bytes host_key;

    if (ssh->skips_server_guess) {
        ssh->skips_server_guess = false;
        return;
    }
    if (ssh->has_fingerprint || (message == SSH_MSG_KEX_REPLY && is_group_exchange))
        return;
    host_key = take_string(&payload);
    if (cursor_is_good(&payload))
        fingerprint(ssh, host_key);
}

/* ---- packets in the clear (RFC 4253, 6) ---- */

static bool is_wanted(const struct ssh *ssh, enum side from, uint8_t message)
{
    if (message == SSH_MSG_KEXINIT)
        return !ssh->side[from].has_kexinit;
    if (from == FROM_SERVER && ssh->skips_server_guess && message >= SSH_MSG_KEX_REPLY - 1 && message <= SSH_MSG_KEX_LAST)
        return true;
    return from == FROM_SERVER && (message == SSH_MSG_KEX_REPLY || message == SSH_MSG_KEX_GEX_REPLY);
}

static bool packet_fits(uint32_t length, uint8_t padding, uint8_t message)
{
    return length >= SSH_PACKET_SHORTEST && length <= SSH_PACKET_LIMIT && padding < length - 1 && message != 0;
}

static enum verdict on_packet(struct conversation *conversation, struct ssh *ssh, enum side from, struct cursor *bytes)
{
    struct ssh_side *side = &ssh->side[from];
    struct cursor unit = *bytes;
    uint32_t length = take_u32_be(&unit);
    uint8_t padding = take_u8(&unit);
    uint8_t message = take_u8(&unit);
    struct cursor payload;

    if (speaks_only_ssh1(&ssh->side[FROM_CLIENT]) || speaks_only_ssh1(&ssh->side[FROM_SERVER])) {
        side->phase = SSH_PASSED_OVER;
        return VERDICT_GO_ON;
    }
    if (!cursor_is_good(&unit))
        return VERDICT_NEED_MORE;
    if (!packet_fits(length, padding, message)) {
        conversation_finding(conversation, "notice", "ssh_packet_invalid",
                             "the %s sent a packet in the clear that claims %u bytes with %u of padding; this side is not read any further",
                             side_name(from), length, padding);
        side->phase = SSH_PASSED_OVER;
        return VERDICT_GO_ON;
    }
    if (!is_wanted(ssh, from, message)) {
        side->packet_left = length - 2;
        side->phase = message == SSH_MSG_NEWKEYS ? SSH_PASSED_OVER : SSH_PACKETS;
        *bytes = unit;
        return VERDICT_GO_ON;
    }
    payload = take_child(&unit, length - 2 - padding);
    skip_bytes(&unit, padding);
    if (!cursor_is_good(&unit))
        return VERDICT_NEED_MORE;
    if (message == SSH_MSG_KEXINIT)
        on_kexinit(ssh, from, payload);
    else
        on_server_kex_message(ssh, message, payload);
    *bytes = unit;
    return VERDICT_GO_ON;
}

/* The bytes right behind a gap: the identification or a packet of the key exchange may begin there, else nothing can be told. */
static enum verdict on_data_after_gap(struct ssh_side *side, const struct cursor *bytes)
{
    struct cursor unit = *bytes;
    uint32_t length;
    uint8_t padding;
    uint8_t message;

    if (match_identification(peek_bytes(&unit)) == MATCH_YES) {
        side->phase = side->identification.length == 0 ? SSH_IDENTIFICATION : SSH_PASSED_OVER;
        return VERDICT_GO_ON;
    }
    length = take_u32_be(&unit);
    padding = take_u8(&unit);
    message = take_u8(&unit);
    if (!cursor_is_good(&unit))
        return VERDICT_NEED_MORE;
    side->phase = SSH_PASSED_OVER;
    if (packet_fits(length, padding, message) && (length + 4) % 8 == 0 && padding >= 4 && message >= SSH_MSG_KEXINIT && message <= SSH_MSG_KEX_LAST)
        side->phase = SSH_PACKETS;
    return VERDICT_GO_ON;
}

static enum verdict ssh_on_data(struct conversation *conversation, void *state, enum side from, struct cursor *bytes)
{
    struct ssh *ssh = state;
    struct ssh_side *side = &ssh->side[from];
    enum verdict verdict = VERDICT_GO_ON;

    while (verdict == VERDICT_GO_ON && cursor_left(bytes) > 0) {
        switch (side->phase) {
        case SSH_IDENTIFICATION:
            verdict = on_line(conversation, side, from, bytes);
            break;
        case SSH_TEXT_BEFORE:
            on_text_before(side, bytes);
            break;
        case SSH_PACKETS:
            if (side->packet_left > 0)
                side->packet_left -= (uint32_t)take_up_to(bytes, side->packet_left).length;
            else
                verdict = on_packet(conversation, ssh, from, bytes);
            break;
        case SSH_AFTER_GAP:
            verdict = on_data_after_gap(side, bytes);
            break;
        case SSH_PASSED_OVER:
            (void)take_up_to(bytes, UINT64_MAX);
            break;
        }
    }
    return verdict;
}

static enum verdict ssh_on_gap(struct conversation *conversation, void *state, enum side from, uint64_t count)
{
    struct ssh *ssh = state;
    struct ssh_side *side = &ssh->side[from];

    (void)conversation;
    if (side->phase == SSH_PASSED_OVER)
        return VERDICT_GO_ON;
    if (side->phase == SSH_PACKETS && count <= side->packet_left) {
        side->packet_left -= (uint32_t)count;
        return VERDICT_GO_ON;
    }
    side->packet_left = 0;
    side->phase = SSH_AFTER_GAP;
    return VERDICT_GO_ON;
}

static void ssh_open(struct conversation *conversation, void *state, void *from_before)
{
    struct ssh *ssh = state;

    (void)conversation;
    (void)from_before;
    for (int side = 0; side < SIDE_COUNT; side++) {
        ssh->side[side].identification.limit = SSH_IDENTIFICATION_WAIT;
        ssh->side[side].kexinit.limit = SSH_PACKET_LIMIT;
    }
    for (int list = 0; list < SSH_LISTS; list++)
        ssh->chosen[list].limit = SSH_NAME_LIMIT;
}

/* ---- the row ---- */

/* A side that says 1.99 speaks both versions: then the other side decides (RFC 4253, 5.1). */
static struct bytes agreed_version(const struct ssh *ssh)
{
    struct bytes client = version_of(&ssh->side[FROM_CLIENT]);
    struct bytes server = version_of(&ssh->side[FROM_SERVER]);

    if (server.length == 0)
        return client;
    if (client.length > 0 && bytes_equal(server, bytes_of_text("1.99")))
        return client;
    return server;
}

static struct record_text chosen(const struct ssh *ssh, enum ssh_list list)
{
    const struct text *name = &ssh->chosen[list];

    return name->was_cut ? record_text_of(NULL) : record_text_unless_empty(text_bytes(name));
}

static void ssh_write(struct conversation *conversation, void *state)
{
    struct ssh *ssh = state;
    const struct ssh_side *client = &ssh->side[FROM_CLIENT];
    const struct ssh_side *server = &ssh->side[FROM_SERVER];
    struct text host_key = {.limit = sizeof "SHA256:" + DIGEST_BASE64_SIZE};
    struct ssh_session row = {
        .flow_id = record_integer(conversation_flow(conversation)->flow_id),
        .encrypted = record_boolean(conversation_is_decrypted(conversation)),
        .protocol_version = record_text_unless_empty(agreed_version(ssh)),
        .client_version = record_text_unless_empty(text_bytes(&client->identification)),
        .server_version = record_text_unless_empty(text_bytes(&server->identification)),
        .kex = chosen(ssh, SSH_KEX),
        .host_key_type = chosen(ssh, SSH_HOST_KEY),
        .client_cipher = chosen(ssh, SSH_CIPHER_TO_SERVER),
        .server_cipher = chosen(ssh, SSH_CIPHER_TO_CLIENT),
        .client_mac = chosen(ssh, SSH_MAC_TO_SERVER),
        .server_mac = chosen(ssh, SSH_MAC_TO_CLIENT),
        .client_compression = chosen(ssh, SSH_COMPRESSION_TO_SERVER),
        .server_compression = chosen(ssh, SSH_COMPRESSION_TO_CLIENT),
        .hassh = record_text_of(client->has_hassh ? client->hassh : NULL),
        .hassh_server = record_text_of(server->has_hassh ? server->hassh : NULL),
    };

    if (ssh->is_negotiated)
        row.strict_kex = record_boolean(client->offers_strict_kex && server->offers_strict_kex);
    if (ssh->has_fingerprint) {
        text_append_text(&host_key, "SHA256:");
        text_append_text(&host_key, ssh->fingerprint);
        row.host_key_fingerprint = record_text_unless_empty(text_bytes(&host_key));
    }
    /* A flow that was taken for SSH by a beginning that never became an identification is no session. */
    if (row.client_version.is_known || row.server_version.is_known || client->has_kexinit || server->has_kexinit)
        conversation_write(conversation, &ssh_session_table, &row);
    text_free(&host_key);
}

static void ssh_close(struct conversation *conversation, void *state)
{
    struct ssh *ssh = state;

    ssh_write(conversation, state);
    for (int side = 0; side < SIDE_COUNT; side++) {
        text_free(&ssh->side[side].identification);
        text_free(&ssh->side[side].kexinit);
    }
    for (int list = 0; list < SSH_LISTS; list++)
        text_free(&ssh->chosen[list]);
}

static const struct record_table *const ssh_tables[] = {&ssh_session_table, NULL};
static const uint16_t ssh_ports[] = {22, 2222, 0};

const struct dissector ssh_dissector = {
    .name = "ssh",
    .tables = ssh_tables,
    .ports = ssh_ports,
    .state_size = sizeof(struct ssh),
    .unit_limit = 4 + SSH_PACKET_LIMIT,
    .match = ssh_match,
    .open = ssh_open,
    .on_data = ssh_on_data,
    .on_gap = ssh_on_gap,
    .refresh = ssh_write,
    .close = ssh_close,
};

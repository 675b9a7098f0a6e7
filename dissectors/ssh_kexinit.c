/*
 * ssh_kexinit.c - what both sides offer and what follows from it (RFC 4253, 7.1), and HASSH
 * (github.com/salesforce/hassh).
 */
#include "base/memory.h"
#include "dissectors/ssh_session.h"

#include <stdio.h>
#include <stdlib.h>

#define KEXGUESS2 "kexguess2@matt.ucc.asn.au"

/* One name-list of a kept KEXINIT; empty where it is not there. */
static struct bytes list_of(const struct ssh_side *side, enum ssh_list wanted)
{
    struct cursor lists = cursor_within(text_bytes(&side->kexinit));
    struct bytes list = ssh_take_string(&lists);

    for (enum ssh_list passed = SSH_KEX; passed < wanted; passed++)
        list = ssh_take_string(&lists);
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

static struct bytes first_name(const struct ssh_side *side, enum ssh_list list)
{
    struct bytes rest;
    struct bytes name = bytes_split(list_of(side, list), ',', &rest);

    return name;
}

/*
 * A guess is right if both sides prefer the same method and host key algorithm (RFC 4253, 7). Where both
 * offer Dropbear's kexguess2, it is enough that what the guessing side prefers was chosen.
 */
static bool guess_is_right(const struct ssh *ssh, enum side guesser)
{
    const struct ssh_side *client = &ssh->side[FROM_CLIENT];
    const struct ssh_side *server = &ssh->side[FROM_SERVER];
    bool is_lenient = list_contains(list_of(client, SSH_KEX), KEXGUESS2) && list_contains(list_of(server, SSH_KEX), KEXGUESS2);

    for (enum ssh_list list = SSH_KEX; list <= SSH_HOST_KEY; list++) {
        struct bytes wanted = is_lenient ? text_bytes(&ssh->chosen[list]) : first_name(&ssh->side[side_other(guesser)], list);

        if (!bytes_equal(first_name(&ssh->side[guesser], list), wanted))
            return false;
    }
    return true;
}

static void judge_guess(struct ssh *ssh, enum side guesser)
{
    struct ssh_side *side = &ssh->side[guesser];

    if (!side->guess_follows)
        return;
    side->guess = guess_is_right(ssh, guesser) ? SSH_GUESS_RIGHT : SSH_GUESS_WRONG;
    if (side->guess == SSH_GUESS_RIGHT)
        return;
    if (side->kex_messages > 0)
        ssh_drop_kex_messages(ssh, guesser);
    else
        side->skips_guess = true;
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

static void append_pair(struct text *detail, const struct text *to_server, const struct text *to_client)
{
    text_append_text(detail, ", ");
    text_append(detail, text_bytes(to_server));
    if (bytes_equal(text_bytes(to_server), text_bytes(to_client)))
        return;
    text_append_text(detail, " / ");
    text_append(detail, text_bytes(to_client));
}

static void tell_negotiated(struct conversation *conversation, struct ssh *ssh)
{
    struct text detail = {.limit = SSH_DETAIL_LIMIT};

    text_append(&detail, text_bytes(&ssh->chosen[SSH_KEX]));
    text_append_text(&detail, ", ");
    text_append(&detail, text_bytes(&ssh->chosen[SSH_HOST_KEY]));
    append_pair(&detail, &ssh->chosen[SSH_CIPHER_TO_SERVER], &ssh->chosen[SSH_CIPHER_TO_CLIENT]);
    append_pair(&detail, &ssh->chosen[SSH_MAC_TO_SERVER], &ssh->chosen[SSH_MAC_TO_CLIENT]);
    append_pair(&detail, &ssh->chosen[SSH_COMPRESSION_TO_SERVER], &ssh->chosen[SSH_COMPRESSION_TO_CLIENT]);
    ssh_tell_at(conversation, ssh, conversation_now(conversation), "negotiated", text_bytes(&detail), NULL);
    text_free(&detail);
}

/* False, and told, where the two have none in common of something that they need. */
static bool tell_nothing_in_common(struct conversation *conversation, struct ssh *ssh)
{
    static const char *const names[] = {
        [SSH_KEX] = "key exchange method",
        [SSH_HOST_KEY] = "host key algorithm",
        [SSH_CIPHER_TO_SERVER] = "encryption, client to server",
        [SSH_CIPHER_TO_CLIENT] = "encryption, server to client",
        [SSH_MAC_TO_SERVER] = "integrity check, client to server",
        [SSH_MAC_TO_CLIENT] = "integrity check, server to client",
        [SSH_COMPRESSION_TO_SERVER] = "compression, client to server",
        [SSH_COMPRESSION_TO_CLIENT] = "compression, server to client",
    };
    struct text detail = {.limit = SSH_DETAIL_LIMIT};
    bool is_lacking;

    for (enum ssh_list list = SSH_KEX; list <= SSH_COMPRESSION_TO_CLIENT; list++) {
        if (ssh->chosen[list].length == 0)
            text_append_item(&detail, "; ", bytes_of_text(names[list]));
    }
    is_lacking = detail.length > 0;
    if (is_lacking)
        ssh_tell_at(conversation, ssh, conversation_now(conversation), "no_common_algorithm", text_bytes(&detail), NULL);
    text_free(&detail);
    return is_lacking;
}

/* Both KEXINITs are there. */
static void negotiate(struct conversation *conversation, struct ssh *ssh)
{
    for (enum ssh_list list = SSH_KEX; list < SSH_LISTS; list++)
        text_append(&ssh->chosen[list], negotiate_list(list_of(&ssh->side[FROM_CLIENT], list), list_of(&ssh->side[FROM_SERVER], list)));
    if (bytes_equal(text_bytes(&ssh->chosen[SSH_KEX]), bytes_of_text(KEXGUESS2)))
        text_clear(&ssh->chosen[SSH_KEX]); /* a mark among the methods, and none itself */
    imply_mac(ssh, SSH_CIPHER_TO_SERVER, SSH_MAC_TO_SERVER);
    imply_mac(ssh, SSH_CIPHER_TO_CLIENT, SSH_MAC_TO_CLIENT);
    judge_guess(ssh, FROM_CLIENT);
    judge_guess(ssh, FROM_SERVER);
    ssh->is_negotiated = true;
    ssh_write_kexinits(conversation, ssh);
    if (!tell_nothing_in_common(conversation, ssh))
        tell_negotiated(conversation, ssh);
    ssh_find_weak_algorithms(conversation, ssh);
    ssh_tell_kex_messages(conversation, ssh);
}

/* The lists that a side's own sending uses: client to server for the client. */
static void append_hassh_algorithms(const struct ssh_side *side, enum side from, struct text *algorithms)
{
    static const enum ssh_list of_client[] = {SSH_KEX, SSH_CIPHER_TO_SERVER, SSH_MAC_TO_SERVER, SSH_COMPRESSION_TO_SERVER};
    static const enum ssh_list of_server[] = {SSH_KEX, SSH_CIPHER_TO_CLIENT, SSH_MAC_TO_CLIENT, SSH_COMPRESSION_TO_CLIENT};
    const enum ssh_list *lists = from == FROM_CLIENT ? of_client : of_server;

    for (size_t i = 0; i < sizeof of_client / sizeof of_client[0]; i++) {
        if (i > 0)
            text_append_text(algorithms, ";");
        text_append(algorithms, list_of(side, lists[i]));
    }
}

static void compute_hassh(struct ssh_side *side, enum side from)
{
    struct text algorithms = {.limit = SSH_PACKET_LIMIT};
    struct digest digest;

    append_hassh_algorithms(side, from, &algorithms);
    digest_begin(&digest, DIGEST_MD5);
    digest_add(&digest, text_bytes(&algorithms));
    side->has_hassh = digest_end_hex(&digest, side->hassh) && !algorithms.was_cut;
    text_free(&algorithms);
}

/* Names are printable, without blanks, and none is empty (RFC 4251, 5 and 6). */
static bool is_name_list(struct bytes list)
{
    bool is_good = true;

    while (list.at != NULL && list.length > 0 && is_good) {
        is_good = ssh_is_algorithm_name(bytes_split(list, ',', &list));
        if (list.at != NULL && list.length == 0)
            is_good = false; /* a comma at the end */
    }
    return is_good;
}

static void find_malformed_list(struct conversation *conversation, const struct ssh_side *side, enum side from)
{
    for (enum ssh_list list = SSH_KEX; list < SSH_LISTS; list++) {
        if (is_name_list(list_of(side, list)))
            continue;
        conversation_finding(conversation, "notice", "ssh_kexinit_invalid",
                             "list %d of the %s's KEXINIT holds an empty name, one that is not printable, or one of more than %d bytes",
                             (int)list + 1, side_name(from), SSH_NAME_LIMIT);
        return;
    }
}

static void keep_kexinit(struct ssh_side *side, enum side from, int64_t now_us, struct bytes cookie)
{
    bool is_client = from == FROM_CLIENT;

    memcpy(side->cookie, cookie.at, sizeof side->cookie);
    side->has_kexinit = true;
    side->kexinit_us = now_us;
    side->offers_strict_kex = list_contains(list_of(side, SSH_KEX), is_client ? "kex-strict-c-v00@openssh.com" : "kex-strict-s-v00@openssh.com");
    side->offers_ext_info = list_contains(list_of(side, SSH_KEX), is_client ? "ext-info-c" : "ext-info-s");
    compute_hassh(side, from);
}

void ssh_on_kexinit(struct conversation *conversation, struct ssh *ssh, enum side from, struct cursor payload)
{
    struct ssh_side *side = &ssh->side[from];
    struct bytes cookie = take_bytes(&payload, sizeof side->cookie);
    struct cursor lists = payload;
    char detail[sizeof "client: hassh " + DIGEST_HEX_SIZE];

    for (enum ssh_list list = SSH_KEX; list < SSH_LISTS; list++)
        (void)ssh_take_string(&payload);
    side->guess_follows = take_u8(&payload) != 0;
    if (cursor_is_good(&payload))
        text_append(&side->kexinit, peek_bytes(&lists));
    if (!cursor_is_good(&payload) || side->kexinit.was_cut) {
        side->guess_follows = false;
        text_free(&side->kexinit);
        conversation_finding(conversation, "notice", "ssh_kexinit_invalid", "the lists of the %s's KEXINIT do not end with it", side_name(from));
        return;
    }
    keep_kexinit(side, from, ssh_time_of(conversation, from), cookie);
    snprintf(detail, sizeof detail, "%s: hassh %s", side_name(from), side->hassh);
    ssh_tell_at(conversation, ssh, side->kexinit_us, "kexinit", bytes_of_text(detail), NULL);
    find_malformed_list(conversation, side, from);
    if (ssh->side[side_other(from)].has_kexinit)
        negotiate(conversation, ssh);
}

/* ---- rows ---- */

static const char *guess_name(enum ssh_guess guess)
{
    switch (guess) {
    case SSH_GUESS_RIGHT:
        return "right";
    case SSH_GUESS_WRONG:
        return "wrong";
    case SSH_GUESS_NONE:
        break;
    }
    return NULL;
}

static struct record_text list_column(const struct ssh_side *side, enum ssh_list list)
{
    return record_text_unless_empty(list_of(side, list));
}

static void write_kexinit(struct conversation *conversation, const struct ssh_side *side, enum side from)
{
    char cookie[2 * sizeof side->cookie + 1];
    struct text algorithms = {.limit = SSH_PACKET_LIMIT};
    struct ssh_kexinit row = {
        .flow_id = record_integer(conversation_flow(conversation)->flow_id),
        .from_side = record_text_of(side_name(from)),
        .kex_algorithms = list_column(side, SSH_KEX),
        .host_key_algorithms = list_column(side, SSH_HOST_KEY),
        .ciphers_to_server = list_column(side, SSH_CIPHER_TO_SERVER),
        .ciphers_to_client = list_column(side, SSH_CIPHER_TO_CLIENT),
        .macs_to_server = list_column(side, SSH_MAC_TO_SERVER),
        .macs_to_client = list_column(side, SSH_MAC_TO_CLIENT),
        .compressions_to_server = list_column(side, SSH_COMPRESSION_TO_SERVER),
        .compressions_to_client = list_column(side, SSH_COMPRESSION_TO_CLIENT),
        .languages_to_server = list_column(side, SSH_LANGUAGE_TO_SERVER),
        .languages_to_client = list_column(side, SSH_LANGUAGE_TO_CLIENT),
        .first_kex_packet_follows = record_boolean(side->guess_follows),
        .guess = record_text_of(guess_name(side->guess)),
        .ext_info = record_boolean(side->offers_ext_info),
        .strict_kex = record_boolean(side->offers_strict_kex),
    };

    for (size_t i = 0; i < sizeof side->cookie; i++)
        snprintf(cookie + 2 * i, 3, "%02x", side->cookie[i]);
    row.cookie = record_text_of(cookie);
    if (side->kexinit_us != 0)
        row.time_us = record_integer(side->kexinit_us);
    append_hassh_algorithms(side, from, &algorithms);
    row.hassh_algorithms = record_text_unless_empty(text_bytes(&algorithms));
    conversation_write(conversation, &ssh_kexinit_table, &row);
    text_free(&algorithms);
}

void ssh_write_kexinits(struct conversation *conversation, struct ssh *ssh)
{
    for (int from = 0; from < SIDE_COUNT; from++) {
        struct ssh_side *side = &ssh->side[from];

        if (!side->has_kexinit || side->kexinit.length == 0)
            continue;
        write_kexinit(conversation, side, (enum side)from);
        text_free(&side->kexinit);
    }
}

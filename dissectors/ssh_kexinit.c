/*
 * ssh_kexinit.c - what both sides offer and what follows from it (RFC 4253, 7.1), and HASSH
 * (github.com/salesforce/hassh).
 */
#include "base/memory.h"
#include "dissectors/ssh_session.h"

#include <stdlib.h>

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

void ssh_on_kexinit(struct ssh *ssh, enum side from, struct cursor payload)
{
    struct ssh_side *side = &ssh->side[from];
    struct cursor lists;
    uint8_t guess_follows;

    if (side->has_kexinit)
        return;               /* only the first can be in the clear */
    skip_bytes(&payload, 16); /* cookie */
    lists = payload;
    for (int list = 0; list < SSH_LISTS + 2; list++)
        (void)ssh_take_string(&payload);
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

/* test_ssh.c - dissectors/ssh.c: what recorded sessions do not show. */
#include "base/text.h"
#include "tests/unit/check.h"
#include "tests/unit/dialogue.h"

#define SESSION(COLUMN) dialogue_value("ssh_session", 0, COLUMN)

static void add_u32(struct text *out, size_t value)
{
    const uint8_t bytes[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};

    text_append(out, bytes_of(bytes, sizeof bytes));
}

static void add_string(struct text *out, struct bytes string)
{
    add_u32(out, string.length);
    text_append(out, string);
}

/* A packet with 8 bytes of padding. */
static void add_packet(struct text *out, char message, struct bytes payload)
{
    add_u32(out, 1 + 1 + payload.length + 8);
    text_append(out, bytes_of("\x08", 1));
    text_append(out, bytes_of(&message, 1));
    text_append(out, payload);
    text_append(out, bytes_of("\0\0\0\0\0\0\0\0", 8));
}

/* The lists of one side; ciphers, MACs and compressions are the same both ways. */
struct offer {
    const char *kex;
    const char *host_key;
    const char *cipher;
    const char *mac;
    const char *compression;
    bool guess_follows;
};

static void add_kexinit(struct text *out, const struct offer *offer)
{
    struct text payload = {.limit = 1 << 20};
    const char *lists[] = {offer->kex, offer->host_key, offer->cipher,      offer->cipher,      offer->mac,
                           offer->mac, offer->compression, offer->compression, "",              ""};

    text_append(&payload, bytes_of("0123456789abcdef", 16));
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        add_string(&payload, bytes_of_text(lists[i]));
    text_append(&payload, bytes_of(offer->guess_follows ? "\1\0\0\0\0" : "\0\0\0\0\0", 5));
    add_packet(out, 20, text_bytes(&payload));
    text_free(&payload);
}

/* A reply whose host key is a type and one field. */
static void add_reply(struct text *out, char message, const char *type, const char *key)
{
    struct text blob = {.limit = 4096};
    struct text payload = {.limit = 8192};

    add_string(&blob, bytes_of_text(type));
    add_string(&blob, bytes_of_text(key));
    add_string(&payload, text_bytes(&blob));
    add_string(&payload, bytes_of_text("exchange value"));
    add_string(&payload, bytes_of_text("signature"));
    add_packet(out, message, text_bytes(&payload));
    text_free(&blob);
    text_free(&payload);
}

/* printf "\0\0\0\x0bssh-ed25519\0\0\0\x08good key" | openssl dgst -sha256 -binary | base64 */
#define GOOD_KEY "SHA256:3JanOef9+2Vxp44Eo0kCbJt4KQQbZtpvbYWGq1fFaU4"

static const struct offer client_offer = {
    "curve25519-sha256,diffie-hellman-group14-sha256,ext-info-c,kex-strict-c-v00@openssh.com",
    "ssh-ed25519,rsa-sha2-512",
    "chacha20-poly1305@openssh.com,aes128-ctr,aes256-ctr",
    "hmac-sha2-256,hmac-sha1",
    "none,zlib@openssh.com",
    false,
};

static const struct offer server_offer = {
    "diffie-hellman-group14-sha256,curve25519-sha256,kex-strict-s-v00@openssh.com",
    "rsa-sha2-512,ssh-ed25519",
    "aes256-ctr,aes128-ctr",
    "hmac-sha1,hmac-sha2-256",
    "none",
    false,
};

/* Plays what both sides say in one piece each: the client's first. */
static void play(struct text *client, struct text *server)
{
    const struct step steps[] = {
        {.from = FROM_CLIENT, .says = text_bytes(client)},
        {.from = FROM_SERVER, .says = text_bytes(server)},
    };

    PLAY(22, steps);
    text_free(client);
    text_free(server);
}

UNIT_TEST(ssh_chooses_as_the_rfc_says)
{
    struct text client = {.limit = 1 << 20};
    struct text server = {.limit = 1 << 20};

    text_append_text(&client, "SSH-2.0-client software and comments\r\n");
    add_kexinit(&client, &client_offer);
    add_packet(&client, 30, bytes_of_text("client value"));
    add_packet(&client, 21, bytes_of(NULL, 0));
    text_append_text(&client, "encrypted from here on");
    text_append_text(&server, "Welcome.\nSSH is not what this line says\r\nSSH-2.0-server\n");
    add_packet(&server, 2, bytes_of_text("an SSH_MSG_IGNORE"));
    add_kexinit(&server, &server_offer);
    add_reply(&server, 31, "ssh-ed25519", "good key");
    add_packet(&server, 21, bytes_of(NULL, 0));
    text_append_text(&server, "encrypted from here on");
    play(&client, &server);

    CHECK_TEXT(dialogue_protocol(), "ssh");
    CHECK_TEXT(SESSION("protocol_version"), "2.0");
    CHECK_TEXT(SESSION("client_version"), "SSH-2.0-client software and comments");
    CHECK_TEXT(SESSION("server_version"), "SSH-2.0-server");
    CHECK_TEXT(SESSION("kex"), "curve25519-sha256");
    CHECK_TEXT(SESSION("host_key_type"), "ssh-ed25519");
    CHECK_TEXT(SESSION("host_key_fingerprint"), GOOD_KEY);
    CHECK_TEXT(SESSION("client_cipher"), "aes128-ctr");
    CHECK_TEXT(SESSION("server_mac"), "hmac-sha2-256");
    CHECK_TEXT(SESSION("server_compression"), "none");
    CHECK_TEXT(SESSION("strict_kex"), "1");
    CHECK(strlen(SESSION("hassh")) == 32);
    CHECK(dialogue_rows("finding") == 0);
}

UNIT_TEST(ssh_ciphers_with_integrity_imply_the_mac)
{
    struct text client = {.limit = 1 << 20};
    struct text server = {.limit = 1 << 20};
    struct offer offer = server_offer;

    offer.cipher = "aes128-ctr,chacha20-poly1305@openssh.com";
    offer.mac = "none-in-common";
    offer.kex = "curve25519-sha256";
    text_append_text(&client, "SSH-2.0-c\r\n");
    add_kexinit(&client, &client_offer);
    text_append_text(&server, "SSH-1.99-s\r\n");
    add_kexinit(&server, &offer);
    play(&client, &server);

    CHECK_TEXT(SESSION("protocol_version"), "2.0");
    CHECK_TEXT(SESSION("client_cipher"), "chacha20-poly1305@openssh.com");
    CHECK_TEXT(SESSION("client_mac"), "<implicit>");
    CHECK_TEXT(SESSION("strict_kex"), "0");
    CHECK_TEXT(SESSION("host_key_fingerprint"), "");
}

UNIT_TEST(ssh_wrong_guess_and_groups_are_no_host_keys)
{
    struct text client = {.limit = 1 << 20};
    struct text server = {.limit = 1 << 20};
    struct offer offer = server_offer;

    offer.guess_follows = true;
    text_append_text(&client, "SSH-2.0-c\r\n");
    add_kexinit(&client, &client_offer);
    text_append_text(&server, "SSH-2.0-s\r\n");
    add_kexinit(&server, &offer);
    add_reply(&server, 31, "ssh-ed25519", "key of the wrong guess");
    add_reply(&server, 31, "ssh-ed25519", "good key");
    play(&client, &server);
    CHECK_TEXT(SESSION("host_key_fingerprint"), GOOD_KEY);

    offer = client_offer;
    offer.kex = "diffie-hellman-group-exchange-sha256";
    text_append_text(&client, "SSH-2.0-c\r\n");
    add_kexinit(&client, &offer);
    text_append_text(&server, "SSH-2.0-s\r\n");
    add_kexinit(&server, &offer);
    add_reply(&server, 31, "ssh-ed25519", "a prime that looks like a key");
    add_reply(&server, 33, "ssh-ed25519", "good key");
    play(&client, &server);
    CHECK_TEXT(SESSION("host_key_fingerprint"), GOOD_KEY);
}

UNIT_TEST(ssh_certificates_have_the_fingerprint_of_their_key)
{
    struct text client = {.limit = 1 << 20};
    struct text server = {.limit = 1 << 20};
    struct text blob = {.limit = 4096};
    struct text payload = {.limit = 8192};

    add_string(&blob, bytes_of_text("ssh-ed25519-cert-v01@openssh.com"));
    add_string(&blob, bytes_of_text("nonce"));
    add_string(&blob, bytes_of_text("good key"));
    text_append_text(&blob, "serial, principals and the rest");
    add_string(&payload, text_bytes(&blob));
    text_append_text(&client, "SSH-2.0-c\r\n");
    text_append_text(&server, "SSH-2.0-s\r\n");
    add_packet(&server, 31, text_bytes(&payload));
    play(&client, &server);
    CHECK_TEXT(SESSION("host_key_fingerprint"), GOOD_KEY);
    CHECK_TEXT(SESSION("host_key_type"), "");
    text_free(&blob);
    text_free(&payload);
}

UNIT_TEST(ssh_one_side_gives_that_side)
{
    struct text server = {.limit = 1 << 20};
    struct step steps[1];

    text_append_text(&server, "SSH-2.0-s\r\n");
    add_kexinit(&server, &server_offer);
    add_reply(&server, 31, "ssh-ed25519", "good key");
    steps[0] = (struct step){.from = FROM_SERVER, .says = text_bytes(&server)};
    dialogue_play(&(struct dialogue){.server_port = 22, .lacks_start = {[FROM_CLIENT] = true}, .steps = steps, .count = 1});
    CHECK_TEXT(SESSION("client_version"), "");
    CHECK_TEXT(SESSION("kex"), "");
    CHECK_TEXT(SESSION("strict_kex"), "");
    CHECK_TEXT(SESSION("host_key_fingerprint"), GOOD_KEY);
    CHECK(strlen(SESSION("hassh_server")) == 32);
    text_free(&server);
}

UNIT_TEST(ssh_finds_its_feet_behind_a_gap)
{
    struct text rest = {.limit = 1 << 20};
    struct text noise = {.limit = 1 << 20};
    struct step steps[4];

    add_kexinit(&rest, &server_offer);
    while ((rest.length & 7) != 0) { /* as a real side pads it: the length field alone changes */
        text_append(&rest, bytes_of("\0", 1));
        rest.at[3]++;
        rest.at[4]++;
    }
    add_reply(&rest, 31, "ssh-ed25519", "good key");
    add_u32(&noise, 0x9e3779b9);
    text_append_text(&noise, "not the start of a packet");
    steps[0] = CLIENT("SSH-2.0-c\r\n");
    steps[1] = MISSES(FROM_SERVER, 9);
    steps[2] = (struct step){.from = FROM_SERVER, .says = text_bytes(&rest)};
    steps[3] = CLIENT("\0\0");
    PLAY(22, steps);
    CHECK_TEXT(SESSION("server_version"), "");
    CHECK(strlen(SESSION("hassh_server")) == 32);
    CHECK_TEXT(SESSION("host_key_fingerprint"), GOOD_KEY);

    steps[2] = (struct step){.from = FROM_SERVER, .says = text_bytes(&noise)};
    PLAY(22, steps);
    CHECK_TEXT(SESSION("client_version"), "SSH-2.0-c");
    CHECK_TEXT(SESSION("hassh_server"), "");
    CHECK(dialogue_rows("finding") == 0);
    text_free(&rest);
    text_free(&noise);
}

UNIT_TEST(ssh_hostile_lengths_are_told)
{
    const struct step packet[] = {CLIENT("SSH-2.0-c\r\n\x7f\xff\xff\xff\x04\x14 and so on")};
    const struct step padding[] = {CLIENT("SSH-2.0-c\r\n\0\0\0\x0c\xff\x14 and so on")};
    const struct step list[] = {CLIENT("SSH-2.0-c\r\n\0\0\0\x1c\x04\x14" "0123456789abcdef\xff\xff\xff\xff" "abcdefgh")};
    const struct step version_1[] = {CLIENT("SSH-1.5-c\n\0\0\0\x0c\xff\x14 and so on")};
    static char line[300] = "SSH-2.0-";
    static char endless[10000] = "SSH-2.0-";
    const struct step too_long[] = {SAYS_BYTES(FROM_CLIENT, line, sizeof line), CLIENT("\r\n")};
    const struct step without_end[] = {SAYS_BYTES(FROM_CLIENT, endless, sizeof endless), SERVER("SSH-2.0-s\r\n")};

    PLAY(22, packet);
    CHECK_TEXT(dialogue_value("finding", 0, "name"), "ssh_packet_invalid");
    CHECK_TEXT(SESSION("client_version"), "SSH-2.0-c");
    PLAY(22, padding);
    CHECK_TEXT(dialogue_value("finding", 0, "name"), "ssh_packet_invalid");
    PLAY(22, list);
    CHECK_TEXT(SESSION("hassh"), "");
    PLAY(22, version_1);
    CHECK_TEXT(SESSION("protocol_version"), "1.5");
    CHECK(dialogue_rows("finding") == 1);
    CHECK_TEXT(dialogue_value("finding", 0, "name"), "ssh_version_1");

    memset(line + 8, 'x', sizeof line - 8);
    memset(endless + 8, 'x', sizeof endless - 8);
    PLAY(22, too_long);
    CHECK_TEXT(dialogue_value("finding", 0, "name"), "ssh_identification_too_long");
    CHECK(strlen(SESSION("client_version")) == sizeof line);
    PLAY(22, without_end);
    CHECK_TEXT(SESSION("client_version"), "");
    CHECK_TEXT(SESSION("server_version"), "SSH-2.0-s");
}

UNIT_TEST(ssh_many_names_cost_what_they_weigh)
{
    struct text client = {.limit = 1 << 20};
    struct text server = {.limit = 1 << 20};
    struct text of_client = {.limit = 100000};
    struct text of_server = {.limit = 100000};
    struct offer offer = client_offer;

    for (int i = 0; i < 12000; i++) {
        text_append_format(&of_client, "c%d,", i);
        text_append_format(&of_server, "s%d,", i);
    }
    text_append_text(&of_client, "last");
    text_append_text(&of_server, "last");
    text_append_text(&client, "SSH-2.0-c\r\n");
    offer.kex = of_client.at;
    add_kexinit(&client, &offer);
    text_append_text(&server, "SSH-2.0-s\r\n");
    offer.kex = of_server.at;
    add_kexinit(&server, &offer);
    play(&client, &server);
    CHECK_TEXT(SESSION("kex"), "last");
    text_free(&of_client);
    text_free(&of_server);
}

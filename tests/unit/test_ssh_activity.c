/*
 * What a session was for, by the sizes of its first turns. The turns are those of recordings: 'c' the client's, 's' the server's,
 * '+' between the units of one turn, '~' a pause of a second before it.
 */
#include "dissectors/ssh_activity_state.h"

#include "base/memory.h"
#include "tests/unit/check.h"

#include <stdlib.h>

struct told {
    enum ssh_activity_kind kind;
    const char *detail;
    bool has_terminal;
};

static struct told decide(const char *cipher, const char *mac, const char *compression, const char *client, const char *turns)
{
    struct ssh_shape shape = {.is_authenticated = true};
    struct ssh ssh = {0};
    struct ssh_activity *activity = ssh_activity_new(&shape);
    struct told told = {0};
    int64_t time_us = 1000000;

    for (int side = 0; side < SIDE_COUNT; side++) {
        shape.side[side].layout = ssh_layout_of(bytes_of_text(cipher), bytes_of_text(mac), bytes_of_text(compression));
        shape.side[side].has_begun = true;
    }
    ssh.side[FROM_CLIENT].identification.limit = 255;
    ssh.side[FROM_SERVER].identification.limit = 255;
    text_append_text(&ssh.side[FROM_CLIENT].identification, client);
    text_append_text(&ssh.side[FROM_SERVER].identification, "SSH-2.0-OpenSSH_9.2p1");
    for (const char *at = turns; *at != '\0' && activity->turns < SSH_TURNS_KEPT;) {
        struct ssh_turn *turn = &activity->kept[activity->turns++];

        for (; *at == ' ' || *at == '~'; at++)
            time_us += *at == '~' ? 1000000 : 20000;
        turn->from = *at++ == 'c' ? FROM_CLIENT : FROM_SERVER;
        turn->is_compressed = shape.side[0].layout.compression != SSH_COMPRESSION_NONE;
        turn->start_us = turn->end_us = time_us;
        for (char *end; *at >= '0' && *at <= '9'; at = *end == '+' ? end + 1 : end) {
            turn->part[turn->count] = (uint32_t)strtoul(at, &end, 10);
            turn->wire += turn->part[turn->count++];
        }
        if (told.kind == SSH_ACTIVITY_UNKNOWN && ssh_activity_decide(&ssh, activity, *at == '\0'))
            told = (struct told){activity->kind, activity->detail, activity->has_terminal};
    }
    text_free(&ssh.side[FROM_CLIENT].identification);
    text_free(&ssh.side[FROM_SERVER].identification);
    ssh_activity_free(activity);
    return told;
}

#define CHACHA "chacha20-poly1305@openssh.com", "", "none"
#define GCM "aes128-gcm@openssh.com", "", "none"
#define CTR "aes256-ctr", "hmac-sha2-256", "none"
#define OPENSSH "SSH-2.0-OpenSSH_9.2p1 Debian-2"

UNIT_TEST(ssh_activity_shell)
{
    struct told told = decide(CHACHA, OPENSSH, "c112 s768 s184 c376 s108+388 ~c36 s36 ~c36 s36 ~c36 s52+44");

    CHECK(told.kind == SSH_ACTIVITY_SHELL);
    CHECK(told.has_terminal);
    CHECK(decide(GCM, OPENSSH, "c52+68 s628+148+52 c340+52 s36+36+36+340 ~c36 s36 ~c36 s36 ~c36 s52+68").kind == SSH_ACTIVITY_SHELL);
    /* A terminal that nobody types into may run a command. */
    CHECK(decide(CHACHA, OPENSSH, "c112 s768+184 c376 s108+388 s124 c96").kind == SSH_ACTIVITY_UNKNOWN);
}

UNIT_TEST(ssh_activity_command)
{
    CHECK(decide(CHACHA, OPENSSH, "c112 s768+184 c68 s72 c36 s108+200 c96").kind == SSH_ACTIVITY_COMMAND);
    /* Before the end it may yet become something else. */
    CHECK(decide(CHACHA, OPENSSH, "c112 s768+184 c68 s72 c36 s108").kind == SSH_ACTIVITY_COMMAND);
    CHECK_TEXT(decide(CHACHA, OPENSSH, "c112 s500+44 c148 s72 c44 s44 c68 s52 c52 s132 c84 s1140 c52 s52").detail, "rsync");
}

UNIT_TEST(ssh_activity_sftp)
{
    struct told told = decide(CHACHA, OPENSSH, "c112 s768+184 c52 s72 c44 s356 c68 s76 c52 s140 c76 s76 c92 s52");

    CHECK(told.kind == SSH_ACTIVITY_SFTP);
    told = decide(CHACHA, OPENSSH, "c112 s768+184 c52 s72 c44 s356 c68 s76 c76 s76 c92 s52 c200284 s36");
    CHECK(told.kind == SSH_ACTIVITY_SCP);
    CHECK_TEXT(told.detail, "scp over sftp");
    /* Where the block hides it, REALPATH is as short as a key. */
    CHECK(decide(CTR, "SSH-2.0-PuTTY_Release_0.78", "c80 s720+256 c176 s112 c64 s384 c64 s160 c112 s176").kind == SSH_ACTIVITY_SFTP);
    /* Dropbear's server lets the first message come with the request. */
    CHECK(decide(CHACHA, OPENSSH, "c52 s44 c52+44 s36+356 c68 s76 c52 s140 c92 s52").kind == SSH_ACTIVITY_SFTP);
}

UNIT_TEST(ssh_activity_old_scp)
{
    CHECK_TEXT(decide(CHACHA, OPENSSH, "c112 s768+184 c84 s72+36 c52 s36 c200252 s72 c36 s124 c96").detail, "old protocol, up");
    CHECK_TEXT(decide(CHACHA, OPENSSH, "c112 s768+184 c84 s72 c36 s52 c36 s5036 c36 s176 c96").detail, "old protocol, down");
}

UNIT_TEST(ssh_activity_tunnel)
{
    CHECK_TEXT(decide(CHACHA, OPENSSH, "c60 s768+140 ~c92 s44 c44 s76 c72 s36").detail, "direct");
    CHECK_TEXT(decide(CHACHA, OPENSSH, "c152 s768+184 c36 s76").detail, "stdio");
    CHECK_TEXT(decide(CHACHA, OPENSSH, "c68+60 s616+144+92 c44 s124 c5760 s72 c36").detail, "remote");
    /* The opening of a connection may be as long as a request: what answers it is not. */
    CHECK(decide(CTR, OPENSSH, "c80 s528 ~c112 s64 c144 s256 c96 s48").kind == SSH_ACTIVITY_TUNNEL);
}

UNIT_TEST(ssh_activity_none)
{
    CHECK(decide(CHACHA, OPENSSH, "c60 s500 ~c52 s28 ~c52 s28 ~c60").kind == SSH_ACTIVITY_NONE);
    CHECK(decide(CHACHA, "SSH-2.0-PuTTY_Release_0.78", "s844").kind == SSH_ACTIVITY_NONE);
    CHECK(decide("unknown", "", "none", OPENSSH, "c60 s500").kind != SSH_ACTIVITY_SHELL);
}

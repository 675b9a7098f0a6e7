/* test_ssh_auth.c - dissectors/ssh_auth*.c, ssh_rekey.c: the rules, each over packets of written sizes. */
#include "base/memory.h"
#include "dissectors/ssh_session.h"
#include "tests/unit/check.h"

#include <stdlib.h>

/* A connection whose packets have those sizes; the cipher's lengths are in the clear (AES-GCM) or hidden (ChaCha20). */
struct play {
    struct ssh ssh;
    int64_t now_us;
};

static struct play *begin(const char *cipher, const char *client)
{
    struct play *play = memory_new_zeroed(1, sizeof *play);
    struct bytes none = bytes_of_text("none");
    struct ssh_layout layout = ssh_layout_of(bytes_of_text(cipher), none, none);

    if (play == NULL)
        abort();
    play->ssh.side[FROM_CLIENT].identification.limit = 255;
    text_append_text(&play->ssh.side[FROM_CLIENT].identification, client);
    for (enum side side = FROM_CLIENT; side <= FROM_SERVER; side++) {
        ssh_shape_begin(&play->ssh.shape, side, &layout, false, 0);
        ssh_auth_begin(&play->ssh.auth, side, &layout, false, 1);
    }
    return play;
}

/* One packet with a payload of that size, `after_us` behind the one before. */
static enum ssh_auth_news says(struct play *play, enum side from, uint32_t payload, int64_t after_us)
{
    const struct ssh_layout *layout = &play->ssh.shape.side[from].layout;
    struct ssh_unit unit = {.from = from, .is_packet = true, .packets_low = 1, .packets_step = 1};

    play->now_us += after_us;
    unit.time_us = play->now_us;
    unit.end_us = play->now_us;
    unit.wire_length = ssh_layout_wire(layout, payload);
    ssh_layout_payload(layout, unit.wire_length, &unit.payload_low, &unit.payload_high);
    return ssh_auth_unit(&play->ssh.auth, false, &unit);
}

static void ask(struct play *play, uint32_t request, uint32_t answer)
{
    CHECK(says(play, FROM_CLIENT, request, 10000) == SSH_NEWS_NONE);
    (void)says(play, FROM_SERVER, answer, 10000);
}

static void begin_service(struct play *play)
{
    (void)says(play, FROM_SERVER, 285, 100);
    ask(play, 17, 17);
}

/* Both sides close; reads it. */
static void end(struct play *play)
{
    ssh_auth_end(&play->ssh.auth, FROM_CLIENT, ENDING_FIN, play->now_us);
    ssh_auth_end(&play->ssh.auth, FROM_SERVER, ENDING_FIN, play->now_us);
    ssh_auth_read(&play->ssh, &play->ssh.auth);
}

static void drop(struct play *play)
{
    ssh_auth_free(&play->ssh.auth);
    text_free(&play->ssh.side[FROM_CLIENT].identification);
    memory_free(play);
}

/* The payload of an OpenSSH request that holds a password: padded so that the packet is a multiple of 64. */
#define PADDED(TIMES) ((TIMES)*64 - 5)
#define FAILURE_ALL 45 /* publickey,password,keyboard-interactive */

UNIT_TEST(ssh_auth_key_offered_and_signed)
{
    struct play *play = begin("chacha20-poly1305@openssh.com", "SSH-2.0-OpenSSH_9.2p1");
    const struct ssh_auth *auth = &play->ssh.auth;

    begin_service(play);
    ask(play, 36, FAILURE_ALL);
    ask(play, 112, 71);
    ask(play, 280, 1);
    CHECK(auth->state == SSH_AUTH_SUCCEEDED);
    ssh_auth_read(&play->ssh, &play->ssh.auth);
    CHECK(auth->is_certain && auth->try_count == 3);
    if (auth->try_count == 3) {
        CHECK(auth->tries[0].method == SSH_METHOD_NONE && auth->tries[0].outcome == SSH_TRY_REFUSED);
        CHECK(auth->tries[1].method == SSH_METHOD_PUBLICKEY && auth->tries[1].outcome == SSH_TRY_OFFER_ACCEPTED);
        CHECK(auth->tries[2].method == SSH_METHOD_PUBLICKEY && auth->tries[2].outcome == SSH_TRY_ACCEPTED);
        CHECK_TEXT(auth->tries[2].key, "ed25519");
    }
    drop(play);
}

UNIT_TEST(ssh_auth_passwords_are_padded)
{
    struct play *play = begin("aes128-gcm@openssh.com", "SSH-2.0-OpenSSH_9.2p1");
    const struct ssh_auth *auth = &play->ssh.auth;

    begin_service(play);
    ask(play, 36, FAILURE_ALL);
    ask(play, 341, FAILURE_ALL); /* an RSA key of 2048 bits */
    ask(play, PADDED(1), FAILURE_ALL);
    ask(play, PADDED(1), FAILURE_ALL);
    end(play);
    CHECK(auth->state == SSH_AUTH_ENDED && auth->is_certain && auth->try_count == 4);
    if (auth->try_count == 4) {
        CHECK(auth->tries[1].method == SSH_METHOD_PUBLICKEY && auth->tries[1].outcome == SSH_TRY_REFUSED);
        CHECK(auth->tries[2].method == SSH_METHOD_PASSWORD && auth->tries[3].method == SSH_METHOD_PASSWORD);
    }
    drop(play);
}

/* Two packets of the size of a long password and of an Ed25519 key, without a hint which they are: the attempts are known, the method is not. */
UNIT_TEST(ssh_auth_password_or_key_is_not_guessed)
{
    struct play *play = begin("aes128-gcm@openssh.com", "SSH-2.0-OpenSSH_9.2p1");
    const struct ssh_auth *auth = &play->ssh.auth;

    begin_service(play);
    ask(play, 36, FAILURE_ALL);
    ask(play, PADDED(2), FAILURE_ALL);
    end(play);
    CHECK(auth->is_certain && auth->try_count == 2);
    CHECK(auth->tries[1].method == SSH_METHOD_UNKNOWN && auth->tries[1].may_be_key && auth->tries[1].outcome == SSH_TRY_REFUSED);
    drop(play);

    play = begin("aes128-gcm@openssh.com", "SSH-2.0-OpenSSH_9.2p1");
    begin_service(play);
    ask(play, 36, FAILURE_ALL);
    play->now_us += 2 * SSH_TYPED_LEAST_US;
    ask(play, PADDED(2), FAILURE_ALL);
    end(play);
    CHECK(play->ssh.auth.tries[1].method == SSH_METHOD_PASSWORD);
    drop(play);
}

UNIT_TEST(ssh_auth_dialogue_of_prompts)
{
    struct play *play = begin("chacha20-poly1305@openssh.com", "SSH-2.0-OpenSSH_9.2p1");
    const struct ssh_auth *auth = &play->ssh.auth;

    begin_service(play);
    ask(play, 36, FAILURE_ALL);
    ask(play, 60, 32);
    ask(play, PADDED(1), FAILURE_ALL);
    ask(play, 60, 32);
    ask(play, PADDED(1), 17);
    ask(play, PADDED(1), 1);
    ssh_auth_read(&play->ssh, &play->ssh.auth);
    CHECK(auth->state == SSH_AUTH_SUCCEEDED && auth->is_certain && auth->try_count == 3);
    if (auth->try_count == 3) {
        CHECK(auth->tries[1].method == SSH_METHOD_KEYBOARD && auth->tries[1].outcome == SSH_TRY_REFUSED);
        CHECK(auth->tries[2].method == SSH_METHOD_KEYBOARD && auth->tries[2].outcome == SSH_TRY_ACCEPTED);
    }
    drop(play);
}

/* paramiko asks for the service before each try, and does not begin with "none". */
UNIT_TEST(ssh_auth_service_before_each_try)
{
    struct play *play = begin("aes128-gcm@openssh.com", "SSH-2.0-paramiko_2.12.0");
    const struct ssh_auth *auth = &play->ssh.auth;

    begin_service(play);
    ask(play, 51, 24);
    ask(play, 17, 17);
    ask(play, 55, 24);
    end(play);
    CHECK(auth->is_certain && auth->try_count == 2);
    CHECK(auth->tries[0].method == SSH_METHOD_PASSWORD && auth->tries[1].method == SSH_METHOD_PASSWORD);
    drop(play);
}

/* What a gap touched is not read; the capture's end is no failure. */
UNIT_TEST(ssh_auth_says_nothing_of_what_is_missing)
{
    struct play *play = begin("aes128-gcm@openssh.com", "SSH-2.0-OpenSSH_9.2p1");

    begin_service(play);
    ask(play, 36, FAILURE_ALL);
    ssh_auth_gap(&play->ssh.auth, FROM_SERVER);
    ask(play, PADDED(1), 1);
    CHECK(play->ssh.auth.state == SSH_AUTH_OPEN);
    end(play);
    CHECK(!play->ssh.auth.is_read);
    drop(play);

    play = begin("aes128-gcm@openssh.com", "SSH-2.0-OpenSSH_9.2p1");
    begin_service(play);
    ask(play, 36, FAILURE_ALL);
    ssh_auth_end(&play->ssh.auth, FROM_CLIENT, ENDING_CAPTURE, play->now_us);
    ssh_auth_end(&play->ssh.auth, FROM_SERVER, ENDING_CAPTURE, play->now_us);
    ssh_auth_finish(&play->ssh.auth);
    CHECK(play->ssh.auth.state == SSH_AUTH_CUT);
    drop(play);
}

/* More packets than are kept: it is given up, and costs no more. */
UNIT_TEST(ssh_auth_without_end)
{
    struct play *play = begin("aes128-gcm@openssh.com", "SSH-2.0-OpenSSH_9.2p1");

    begin_service(play);
    for (int i = 0; i < 2 * SSH_AUTH_UNITS; i++)
        ask(play, PADDED(1), FAILURE_ALL);
    end(play);
    CHECK(play->ssh.auth.is_too_long && play->ssh.auth.count == SSH_AUTH_UNITS && !play->ssh.auth.is_read);
    drop(play);
}

UNIT_TEST(ssh_auth_sizes_of_failures_and_keys)
{
    CHECK(ssh_failure_fits((struct ssh_range){24, 24}));
    CHECK(ssh_failure_may_name_password((struct ssh_range){24, 24}));
    CHECK(!ssh_failure_may_name_password((struct ssh_range){15, 15}));
    CHECK(!ssh_failure_fits((struct ssh_range){16, 16}));
    CHECK_TEXT(ssh_key_of_answer((struct ssh_range){68, 75}), "ed25519");
    CHECK_TEXT(ssh_key_of_answer((struct ssh_range){300, 307}), "rsa-2048");
    CHECK(ssh_key_of_answer((struct ssh_range){80, 83}) == NULL);
}

UNIT_TEST(ssh_rekey_takes_both_sides)
{
    struct ssh_rekey rekey = {.kexinit = {1100, 1000}};
    struct ssh_unit client = {.from = FROM_CLIENT, .time_us = 5, .payload_low = 1096, .payload_high = 1103, .is_packet = true};
    struct ssh_unit server = {.from = FROM_SERVER, .time_us = 9, .payload_low = 1000, .payload_high = 1007, .is_packet = true};

    struct ssh_unit mixed = {.from = FROM_CLIENT, .payload_low = 30000, .payload_high = 30007};

    CHECK(!ssh_rekey_unit(&rekey, &client));
    CHECK(ssh_rekey_unit(&rekey, &server) && ssh_rekey_is_known(&rekey) && rekey.count == 1);
    server.time_us = 1000;
    CHECK(!ssh_rekey_unit(&rekey, &server));
    client.time_us = 1000 + SSH_REKEY_WITHIN_US + 1;
    CHECK(!ssh_rekey_unit(&rekey, &client) && ssh_rekey_is_known(&rekey) && rekey.count == 1);
    /* The client's may be in a burst with data. */
    server.time_us = client.time_us + SSH_REKEY_WITHIN_US + 2;
    mixed.time_us = mixed.end_us = server.time_us + 3;
    CHECK(!ssh_rekey_unit(&rekey, &server) && !ssh_rekey_unit(&rekey, &mixed) && !ssh_rekey_is_known(&rekey));
}

/* What OpenSSH's client asks of its session, behind the server's confirmation of the channel. */
static enum ssh_agent_answer ask_session(const uint32_t *requests, size_t count)
{
    struct bytes none = bytes_of_text("none");
    struct ssh_layout layout = ssh_layout_of(bytes_of_text("aes128-gcm@openssh.com"), none, none);
    struct ssh_agent agent = {.requests = 0};
    uint32_t sizes[8] = {24, 17};

    for (size_t i = 0; i < count; i++)
        sizes[2 + i] = requests[i];
    sizes[2 + count] = 5;
    for (size_t i = 0; i < count + 3; i++) {
        struct ssh_unit unit = {.from = i == 1 || i == count + 2 ? FROM_SERVER : FROM_CLIENT, .is_packet = true};

        unit.wire_length = ssh_layout_wire(&layout, sizes[i]);
        ssh_layout_payload(&layout, unit.wire_length, &unit.payload_low, &unit.payload_high);
        (void)ssh_agent_unit(&agent, &layout, &unit);
    }
    return agent.answer;
}

UNIT_TEST(ssh_agent_is_asked_for_first)
{
    const uint32_t forwarded[] = {36, 330, 32, 15};
    const uint32_t shell[] = {330, 32, 15};
    const uint32_t subsystem[] = {27};
    const uint32_t either[] = {36, 40};

    CHECK(ask_session(forwarded, 4) == SSH_AGENT_FORWARDED);
    CHECK(ask_session(shell, 3) == SSH_AGENT_NOT_FORWARDED);
    CHECK(ask_session(subsystem, 1) == SSH_AGENT_NOT_FORWARDED);
    CHECK(ask_session(either, 2) == SSH_AGENT_UNKNOWN);
}

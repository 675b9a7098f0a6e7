/* test_rdp_shape.c - dissectors/rdp_shape.c over dissectors/tls.c: sessions of records whose sizes alone are written down. */
#include "tests/unit/check.h"
#include "tests/unit/dialogue.h"

#include <stdio.h>
#include <stdlib.h>

#define SESSION(COLUMN) dialogue_value("rdp_session", 0, COLUMN)
#define STEPS_LIMIT 160
#define TLS_1_3_OVERHEAD 17

/* A session under construction: each record is a step. */
struct scene {
    struct step steps[STEPS_LIMIT];
    uint8_t *owned[STEPS_LIMIT];
    size_t count;
};

static void add(struct scene *scene, enum side from, const void *bytes, size_t length)
{
    uint8_t *copy = malloc(length);

    memcpy(copy, bytes, length);
    scene->owned[scene->count] = copy;
    scene->steps[scene->count++] = SAYS_BYTES(from, copy, length);
}

static void add_record(struct scene *scene, enum side from, uint8_t type, size_t length)
{
    uint8_t record[5 + 2048] = {type, 3, 3, (uint8_t)(length >> 8), (uint8_t)length};

    add(scene, from, record, 5 + length);
}

/* X.224 with the negotiation of that protocol, and a handshake of TLS 1.3 with TLS_AES_128_GCM_SHA256. */
static void begin(struct scene *scene, uint8_t protocol)
{
    uint8_t request[] = {3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, protocol, 0, 0, 0};
    uint8_t confirm[] = {3, 0, 0, 19, 14, 0xd0, 0, 0, 0x12, 0x34, 0, 2, 0, 8, 0, protocol, 0, 0, 0};
    uint8_t client_hello[5 + 4 + 43] = {22, 3, 1, 0, 47, 1, 0, 0, 43, 3, 3, [44] = 0, 2, 0x13, 0x01, 1};
    uint8_t server_hello[5 + 4 + 46] = {22, 3, 3, 0, 50, 2, 0, 0, 46, 3, 3, [43] = 0, 0x13, 0x01, 0, 0, 6, 0, 43, 0, 2, 3, 4};

    *scene = (struct scene){.count = 0};
    add(scene, FROM_CLIENT, request, sizeof request);
    add(scene, FROM_SERVER, confirm, sizeof confirm);
    add(scene, FROM_CLIENT, client_hello, sizeof client_hello);
    add(scene, FROM_SERVER, server_hello, sizeof server_hello);
    add_record(scene, FROM_SERVER, 23, 700 + TLS_1_3_OVERHEAD);
    add_record(scene, FROM_SERVER, 23, 36 + TLS_1_3_OVERHEAD); /* Finished */
    add_record(scene, FROM_CLIENT, 23, 36 + TLS_1_3_OVERHEAD);
}

/* "C93 S162": payloads; "Sx" is that side's FIN, "C-300" 300 bytes of it that are missing. */
static void go_on(struct scene *scene, const char *script)
{
    for (const char *at = script; *at != '\0'; at += strcspn(at, " "), at += strspn(at, " ")) {
        enum side from = at[0] == 'C' ? FROM_CLIENT : FROM_SERVER;
        long size = strtol(at + 1, NULL, 10);

        if (at[1] == 'x')
            scene->steps[scene->count++] = (struct step){.from = from, .ends = true};
        else if (size < 0)
            scene->steps[scene->count++] = MISSES(from, (uint64_t)-size);
        else
            add_record(scene, from, 23, (size_t)size + TLS_1_3_OVERHEAD);
    }
}

static void play_and_free(struct scene *scene)
{
    dialogue_play(&(struct dialogue){.server_port = 3389, .steps = scene->steps, .count = scene->count});
    for (size_t i = 0; i < scene->count; i++)
        free(scene->owned[i]);
}

static void play(uint8_t protocol, const char *script)
{
    static struct scene scene;

    begin(&scene, protocol);
    go_on(&scene, script);
    play_and_free(&scene);
}

#define SSL 1
#define HYBRID 2
#define HYBRID_EX 8
#define TICKETS "S233 S233 "
#define JOIN "C12 C8 S11 C12 S15 C12 S15 "
#define UP_TO_ACTIVE JOIN "C355 S35 S398 C556 C37 C41 C41 C41 S37 S41 S41 S41 "

UNIT_TEST(rdp_shape_nla_success)
{
    play(HYBRID, "C93 " TICKETS "S162 C429 S95 C124 C467 S118 " UP_TO_ACTIVE);
    CHECK_TEXT(SESSION("auth_result"), "success");
    CHECK_TEXT(SESSION("phase_reached"), "active");
    CHECK_TEXT(SESSION("interactive"), "0");
    CHECK_TEXT(SESSION("client_payload"), "2228");
    CHECK_TEXT(SESSION("server_payload"), "1009"); /* without the tickets */
}

UNIT_TEST(rdp_shape_nla_failure)
{
    play(HYBRID, TICKETS "C93 S162 C429 S2");
    CHECK_TEXT(SESSION("auth_result"), "failure");
    CHECK_TEXT(SESSION("phase_reached"), "authentication");
    play(HYBRID, "C93 S162 C429 S15");
    CHECK_TEXT(SESSION("auth_result"), "failure");
    play(HYBRID, "C93 S162 C429 Sx");
    CHECK_TEXT(SESSION("auth_result"), "failure");
}

UNIT_TEST(rdp_shape_says_nothing)
{
    play(HYBRID, "C93 S162 Sx"); /* before authenticate */
    CHECK_TEXT(SESSION("auth_result"), "");
    play(HYBRID, "C93 S162 C429 Cx Sx"); /* the client left first */
    CHECK_TEXT(SESSION("auth_result"), "");
    play(HYBRID, "C93 S162 C429 S300 Cx"); /* it shows the certificate to its user */
    CHECK_TEXT(SESSION("auth_result"), "");
    play(HYBRID, "C1800 S162 C429 Sx"); /* a Kerberos ticket */
    CHECK_TEXT(SESSION("auth_result"), "");
    play(HYBRID, "C93 S-400 S162 C429 Sx");
    CHECK_TEXT(SESSION("auth_result"), "");
    play(SSL, "C455 S109 " UP_TO_ACTIVE "Sx"); /* the login is on the screen */
    CHECK_TEXT(SESSION("auth_result"), "");
    CHECK_TEXT(SESSION("phase_reached"), "active");
}

UNIT_TEST(rdp_shape_early_authorization)
{
    play(HYBRID_EX, "C93 S162 C429 S95 C124 S4 C467 S118 " UP_TO_ACTIVE);
    CHECK_TEXT(SESSION("auth_result"), "success");
    CHECK_TEXT(SESSION("phase_reached"), "active");
    play(HYBRID_EX, "C93 S162 C429 S95 C124 S4 Sx");
    CHECK_TEXT(SESSION("auth_result"), "failure");
}

UNIT_TEST(rdp_shape_interactive)
{
    play(SSL, "C455 " TICKETS "S109 " UP_TO_ACTIVE "C5 C5 C5 C5 C5 C5 C5 C5 C5 C5 C10 C10 C10 C10 C10 C10 ");
    CHECK_TEXT(SESSION("interactive"), "1");
    play(SSL, "C455 S109 " UP_TO_ACTIVE "C5 C5 C5 C5 C5 C5 C5 C5 C5 C5 C5 C5 ");
    CHECK_TEXT(SESSION("interactive"), "");
    play(SSL, "C455 S109 " UP_TO_ACTIVE "C200 C45 C45 C45 C45 C45 C45 C45 C45 C45 C45 C45 C45 C45 C45 C45 C45 C45 C45 ");
    CHECK_TEXT(SESSION("interactive"), "0");
}

/* The records are found again behind a gap, however it cuts them. */
UNIT_TEST(rdp_shape_gap)
{
    static struct scene scene;
    static const char rest[] = "the rest of one \x17\x03\x03\xff\xff and of \x17\x03\x03\x00\x01";
    const char *keys = "C5 C5 C5 C5 C5 C5 C5 C5 C5 C5 C5 C5 C5 C5 C5 C5 C5 C5 ";

    play(SSL, "C455 S109 " UP_TO_ACTIVE "C-1000 C5 C5 C5 C5 C5 C5 C5 C5 C5 C5 C5 C5 C5 C5 C5 C5 C5 C5 ");
    CHECK_TEXT(SESSION("interactive"), "1");
    CHECK_TEXT(SESSION("client_payload"), "");
    CHECK_TEXT(SESSION("idle_seconds"), "");
    begin(&scene, SSL);
    go_on(&scene, "C455 S109 " UP_TO_ACTIVE "C-1000 ");
    add(&scene, FROM_CLIENT, rest, sizeof rest - 1);
    go_on(&scene, keys);
    play_and_free(&scene);
    CHECK_TEXT(SESSION("interactive"), "1");
}

/* test_rdp.c - dissectors/rdp.c and its companions: the connection, what hides or lies in it, and what only one side says. */
#include "tests/unit/check.h"
#include "tests/unit/dialogue.h"
#include "tests/unit/rdp_script.h"

#include <stdio.h>
#include <stdlib.h>

#define SESSION(COLUMN) dialogue_value("rdp_session", 0, COLUMN)
#define CHANNEL(ROW, COLUMN) dialogue_value("rdp_channel", ROW, COLUMN)
#define FINDING(COLUMN) dialogue_value("finding", 0, COLUMN)

#define COOKIE "Cookie: mstshash=alice\r\n"
#define ASKS(PROTOCOLS) "\x01\x00\x08\x00" PROTOCOLS "\x00\x00\x00"
#define CHOOSES(PROTOCOL) "\x02\x00\x08\x00" PROTOCOL "\x00\x00\x00"
#define VARIABLE(LITERAL) bytes_of(LITERAL, sizeof(LITERAL) - 1)
#define REQUEST 0xe0
#define CONFIRM 0xd0
#define CLIENT_HELLO "\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03" "0123456789abcdef0123456789abcdef" "\x00\x00\x02\x13\x01\x01\x00\x00\x00"

/* Findings but those of how the session is protected, which are written last. */
static unsigned complaints(void)
{
    unsigned count = 0;

    for (size_t i = 0; i < dialogue_rows("finding"); i++) {
        const char *name = dialogue_value("finding", i, "name");

        count += strcmp(name, "rdp_no_tls") != 0 && strcmp(name, "rdp_no_nla") != 0 && strcmp(name, "rdp_weak_encryption") != 0 &&
                 strcmp(name, "rdp_self_signed") != 0;
    }
    return count;
}

/* A whole connection in standard RDP security. */
enum script_step {
    STEP_REQUEST,
    STEP_CONFIRM,
    STEP_CONNECT_INITIAL,
    STEP_CONNECT_RESPONSE,
    STEP_CLIENT_DATA,
    STEP_CLIENT_FAST_PATH,
    STEP_SERVER_DATA,
    STEP_SERVER_FAST_PATH,
    STEP_SERVER_DATA_AGAIN,
    STEPS
};

struct script {
    struct pdu pdus[STEPS];
    struct step steps[STEPS];
};

static const enum side speakers[STEPS] = {FROM_CLIENT, FROM_SERVER, FROM_CLIENT, FROM_SERVER, FROM_CLIENT, FROM_CLIENT, FROM_SERVER, FROM_SERVER, FROM_SERVER};

static void put_pdu(struct pdu *pdu, struct bytes bytes)
{
    memcpy(pdu->at, bytes.at, bytes.length);
    memset(pdu->is_length, 0, sizeof pdu->is_length);
    pdu->length = bytes.length;
}

static struct script *new_script(void)
{
    struct script *script = calloc(1, sizeof *script);

    if (script == NULL)
        abort();
    rdp_script_connection(&script->pdus[STEP_REQUEST], REQUEST, VARIABLE(COOKIE ASKS("\x00")));
    rdp_script_connection(&script->pdus[STEP_CONFIRM], CONFIRM, VARIABLE(CHOOSES("\x00")));
    rdp_script_connect_initial(&script->pdus[STEP_CONNECT_INITIAL], &rdp_script_usual);
    rdp_script_connect_response(&script->pdus[STEP_CONNECT_RESPONSE], 2);
    rdp_script_send_data(&script->pdus[STEP_CLIENT_DATA], 0x64, 1005, 20);
    put_pdu(&script->pdus[STEP_CLIENT_FAST_PATH], VARIABLE("\x84\x04" "ab"));
    rdp_script_send_data(&script->pdus[STEP_SERVER_DATA], 0x68, 1004, 300);
    put_pdu(&script->pdus[STEP_SERVER_FAST_PATH], VARIABLE("\x80\x80\x05" "ab"));
    rdp_script_send_data(&script->pdus[STEP_SERVER_DATA_AGAIN], 0x68, 1004, 7);
    for (int i = 0; i < STEPS; i++)
        script->steps[i] = (struct step){.from = speakers[i], .says = pdu_bytes(&script->pdus[i])};
    return script;
}

/* The value is what was said, or nothing. */
static void check_or_nothing(const char *found, const char *said)
{
    if (found[0] != '\0')
        CHECK_TEXT(found, said);
}

static void check_nothing_invented(void)
{
    if (dialogue_rows("rdp_session") == 0)
        return;
    check_or_nothing(SESSION("cookie"), "alice");
    check_or_nothing(SESSION("requested_protocols"), "RDP");
    check_or_nothing(SESSION("selected_protocol"), "RDP");
    CHECK_TEXT(SESSION("negotiation_failure"), "");
    check_or_nothing(SESSION("client_name"), "CLIENT");
    check_or_nothing(SESSION("client_version"), "RDP 10.7");
    check_or_nothing(SESSION("client_build"), "19041");
    check_or_nothing(SESSION("keyboard_layout"), "German - Germany");
    check_or_nothing(SESSION("desktop_width"), "1024");
    check_or_nothing(SESSION("desktop_height"), "768");
    check_or_nothing(SESSION("product_id"), "PROD");
    check_or_nothing(SESSION("encryption_method"), "128bit");
    check_or_nothing(SESSION("encryption_level"), "high");
    check_or_nothing(SESSION("certificate_type"), "X.509");
    check_or_nothing(SESSION("certificate_subject"), "CN=rdp.example,O=Example");
}

UNIT_TEST(rdp_reads_the_whole_connection)
{
    struct script *script = new_script();

    PLAY(9999, script->steps);
    CHECK_TEXT(dialogue_protocol(), "rdp");
    check_nothing_invented();
    CHECK_TEXT(SESSION("cookie"), "alice");
    CHECK_TEXT(SESSION("requested_protocols"), "RDP");
    CHECK_TEXT(SESSION("selected_protocol"), "RDP");
    CHECK_TEXT(SESSION("client_name"), "CLIENT");
    CHECK_TEXT(SESSION("client_build"), "19041");
    CHECK_TEXT(SESSION("client_version"), "RDP 10.7");
    CHECK_TEXT(SESSION("product_id"), "PROD");
    CHECK_TEXT(SESSION("keyboard_layout"), "German - Germany");
    CHECK_TEXT(SESSION("keyboard_type"), "IBM enhanced (101- or 102-key)");
    CHECK_TEXT(SESSION("desktop_width"), "1024");
    CHECK_TEXT(SESSION("desktop_height"), "768");
    CHECK_TEXT(SESSION("color_depth"), "32");
    CHECK_TEXT(SESSION("channels"), "chan0,chan1");
    CHECK_TEXT(SESSION("encryption_method"), "128bit");
    CHECK_TEXT(SESSION("encryption_level"), "high");
    CHECK_TEXT(SESSION("certificate_type"), "X.509");
    CHECK_TEXT(SESSION("certificate_subject"), "CN=rdp.example,O=Example");
    CHECK(dialogue_rows("rdp_channel") == 2);
    CHECK_TEXT(CHANNEL(0, "name"), "chan0");
    CHECK_TEXT(CHANNEL(0, "channel_id"), "1004");
    CHECK_TEXT(CHANNEL(0, "options"), "2155872256");
    CHECK_TEXT(CHANNEL(0, "client_bytes"), "0");
    CHECK_TEXT(CHANNEL(0, "server_bytes"), "307");
    CHECK_TEXT(CHANNEL(1, "client_bytes"), "20");
    CHECK(complaints() == 0);
    free(script);
}

UNIT_TEST(rdp_cut_or_split_anywhere)
{
    struct script *script = new_script();
    struct step steps[STEPS + 1];

    for (size_t i = 0; i < STEPS; i++) {
        for (size_t at = 1; at < script->pdus[i].length; at += i < STEP_CLIENT_DATA ? 1 : 7) {
            struct bytes whole = pdu_bytes(&script->pdus[i]);

            memcpy(steps, script->steps, i * sizeof steps[0]);
            memcpy(steps + i + 2, script->steps + i + 1, (STEPS - i - 1) * sizeof steps[0]);
            steps[i] = (struct step){.from = speakers[i], .says = bytes_of(whole.at, at)};
            steps[i + 1] = (struct step){.from = speakers[i], .says = bytes_of(whole.at + at, whole.length - at)};
            dialogue_play(&(struct dialogue){.server_port = 3389, .steps = steps, .count = STEPS + 1});
            CHECK_TEXT(SESSION("channels"), "chan0,chan1");
            CHECK_TEXT(SESSION("certificate_subject"), "CN=rdp.example,O=Example");
            CHECK_TEXT(CHANNEL(0, "server_bytes"), "307");
            dialogue_play(&(struct dialogue){.server_port = 3389, .steps = steps, .count = i + 1});
            check_nothing_invented();
            CHECK(complaints() == 0);
        }
    }
    free(script);
}

UNIT_TEST(rdp_lengths_that_lie_invent_nothing)
{
    static const uint8_t lies[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    struct script *script = new_script();

    for (size_t i = 0; i < STEPS; i++) {
        struct pdu *pdu = &script->pdus[i];

        for (size_t at = 0; at < pdu->length; at++) {
            uint8_t said = pdu->at[at];

            for (size_t lie = 0; pdu->is_length[at] && lie < sizeof lies; lie++) {
                pdu->at[at] = lies[lie];
                PLAY(3389, script->steps);
                check_nothing_invented();
                CHECK(dialogue_rows("rdp_channel") <= 31);
            }
            pdu->at[at] = said;
        }
    }
    free(script);
}

UNIT_TEST(rdp_a_block_cut_short_keeps_what_it_said)
{
    struct script *script = new_script();
    struct pdu *pdu = &script->pdus[STEP_CONNECT_INITIAL];
    size_t core = 0;

    while (core + 4 < pdu->length && memcmp(pdu->at + core, "\x01\xc0\xd2", 4) != 0) /* its type and length */
        core++;
    CHECK(core + 4 < pdu->length);
    pdu->at[core + 2] = 4 + 8; /* to the desktop's height; the next "block" is then a part of the core */
    PLAY(3389, script->steps);
    CHECK_TEXT(SESSION("client_version"), "RDP 10.7");
    CHECK_TEXT(SESSION("desktop_height"), "768");
    CHECK_TEXT(SESSION("color_depth"), "");
    CHECK_TEXT(SESSION("client_name"), "");
    CHECK_TEXT(SESSION("keyboard_layout"), "");
    CHECK_TEXT(SESSION("encryption_level"), "high");
    CHECK_TEXT(FINDING("name"), "rdp_malformed");
    free(script);
}

static void play_client(const struct rdp_script_client *client)
{
    struct script *script = new_script();

    rdp_script_connect_initial(&script->pdus[STEP_CONNECT_INITIAL], client);
    script->steps[STEP_CONNECT_INITIAL].says = pdu_bytes(&script->pdus[STEP_CONNECT_INITIAL]);
    PLAY(3389, script->steps);
    free(script);
}

UNIT_TEST(rdp_color_depth_is_the_newest_fields)
{
    static const struct {
        uint16_t color, post_beta2, high, flags;
        bool ends_early;
        const char *depth;
    } cases[] = {
        {0xca00, 0xca01, 24, 0x0002, false, "32"}, {0xca00, 0xca01, 24, 0x0001, false, "24"}, {0xca00, 0xca03, 99, 0x0001, false, "16"},
        {0xca00, 0xca04, 15, 0x0000, true, "24"},  {0xca00, 0x0000, 15, 0x0000, true, "4"},   {0x1234, 0x0000, 15, 0x0000, true, ""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rdp_script_client client = rdp_script_usual;

        client.color_depth = cases[i].color;
        client.post_beta2_depth = cases[i].post_beta2;
        client.high_color_depth = cases[i].high;
        client.early_flags = cases[i].flags;
        client.ends_early = cases[i].ends_early;
        play_client(&client);
        CHECK_TEXT(SESSION("color_depth"), cases[i].depth);
        CHECK_TEXT(SESSION("product_id"), client.ends_early ? "" : "PROD");
    }
}

UNIT_TEST(rdp_numbers_without_a_name_are_shown)
{
    struct rdp_script_client client = rdp_script_usual;

    client.keyboard_layout = 0xe00e0409;
    client.keyboard_type = 81;
    client.version = 0x00090000;
    /* "A", a letter beyond the first plane, a lone high surrogate, a lone low one */
    client.name = VARIABLE("A\0\x3d\xd8\x00\xde\x00\xd8" "B\0\x00\xdc");
    play_client(&client);
    CHECK_TEXT(SESSION("keyboard_layout"), "English - United States (0xe00e0409)");
    CHECK_TEXT(SESSION("keyboard_type"), "81");
    CHECK_TEXT(SESSION("client_version"), "0x00090000");
    CHECK_TEXT(SESSION("client_name"), "A\xf0\x9f\x98\x80\\xed\\xa0\\x80B\\xed\\xb0\\x80");
}

UNIT_TEST(rdp_more_channels_than_allowed)
{
    struct rdp_script_client client = rdp_script_usual;

    client.channel_count = 40;
    client.channels_claimed = 40;
    play_client(&client);
    CHECK(dialogue_rows("rdp_channel") == 31);
    CHECK_TEXT(FINDING("name"), "rdp_too_many_channels");
    client.channel_count = 1;
    client.channels_claimed = 0xffffffff;
    play_client(&client);
    CHECK_TEXT(SESSION("channels"), "chan0");
    CHECK(dialogue_rows("rdp_channel") == 2);
    CHECK_TEXT(CHANNEL(1, "name"), "");
    CHECK_TEXT(CHANNEL(1, "channel_id"), "1005");
    CHECK(complaints() == 2);
}

/* ---- negotiation ---- */

static void play_negotiation(uint16_t port, struct bytes asks, struct bytes answers, const struct step *more, size_t count)
{
    struct pdu request;
    struct pdu confirm;
    struct step steps[8];

    rdp_script_connection(&request, REQUEST, asks);
    rdp_script_connection(&confirm, CONFIRM, answers);
    steps[0] = (struct step){.from = FROM_CLIENT, .says = pdu_bytes(&request)};
    steps[1] = (struct step){.from = FROM_SERVER, .says = pdu_bytes(&confirm)};
    for (size_t i = 0; i < count; i++)
        steps[2 + i] = more[i];
    dialogue_play(&(struct dialogue){.server_port = port, .steps = steps, .count = 2 + count});
}

UNIT_TEST(rdp_hands_over_to_tls)
{
    const struct step hello[] = {CLIENT(CLIENT_HELLO)};

    play_negotiation(13389, VARIABLE(COOKIE ASKS("\x0b")), VARIABLE(CHOOSES("\x02")), hello, 1);
    CHECK_TEXT(SESSION("requested_protocols"), "SSL,HYBRID,HYBRID_EX");
    CHECK_TEXT(SESSION("selected_protocol"), "HYBRID");
    CHECK(dialogue_rows("tls_session") == 1);
    CHECK_TEXT(dialogue_protocol(), "tls");
    CHECK(complaints() == 0);
}

UNIT_TEST(rdp_refused_and_not_understood)
{
    const struct step disconnect[] = {SERVER("\x03\x00\x00\x09\x02\xf0\x80\x21\x80")};

    play_negotiation(3389, VARIABLE(ASKS("\x00")), VARIABLE("\x03\x00\x08\x00\x05\x00\x00\x00"), disconnect, 1);
    CHECK_TEXT(SESSION("negotiation_failure"), "HYBRID_REQUIRED_BY_SERVER");
    CHECK_TEXT(SESSION("selected_protocol"), "");
    CHECK(complaints() == 0);
    play_negotiation(3389, VARIABLE(ASKS("\x21")), VARIABLE("\x03\x00\x08\x00\x77\x00\x00\x00"), disconnect, 1);
    CHECK_TEXT(SESSION("requested_protocols"), "SSL,0x20");
    CHECK_TEXT(SESSION("negotiation_failure"), "0x00000077");
    play_negotiation(3389, VARIABLE(ASKS("\x01")), VARIABLE("\x02\x00\x09\x00\x01\x00\x00\x00"), disconnect, 1);
    CHECK_TEXT(SESSION("selected_protocol"), "");
    CHECK_TEXT(FINDING("name"), "rdp_malformed");
    play_negotiation(3389, VARIABLE(ASKS("\x01")), VARIABLE("\x02\x00\x08\x00\x03\x00\x00\x00"), disconnect, 1);
    CHECK_TEXT(SESSION("selected_protocol"), "0x00000003");
    play_negotiation(3389, VARIABLE(COOKIE), VARIABLE(""), disconnect, 1);
    CHECK_TEXT(SESSION("requested_protocols"), "");
    CHECK_TEXT(SESSION("selected_protocol"), "RDP");
}

UNIT_TEST(rdp_cookies)
{
    play_negotiation(13389, VARIABLE("Cookie: msts=3640205228.15629.0000\r\n" ASKS("\x00")), VARIABLE(""), NULL, 0);
    CHECK_TEXT(SESSION("cookie"), "msts=3640205228.15629.0000");
    CHECK_TEXT(SESSION("requested_protocols"), "RDP");
    play_negotiation(3389, VARIABLE("tsv://Plugin.1.Farm\r\n"), VARIABLE(""), NULL, 0);
    CHECK_TEXT(SESSION("cookie"), "tsv://Plugin.1.Farm");
    play_negotiation(3389, VARIABLE("Cookie: mstshash=without an end"), VARIABLE(""), NULL, 0);
    CHECK_TEXT(SESSION("cookie"), "");
    CHECK_TEXT(FINDING("name"), "rdp_malformed");
    play_negotiation(3389, VARIABLE(COOKIE "\x06\x00\x24\x00"), VARIABLE(""), NULL, 0);
    CHECK_TEXT(SESSION("cookie"), "alice");
    CHECK_TEXT(FINDING("name"), "rdp_malformed");
}

/* ---- gaps, one side, the middle ---- */

UNIT_TEST(rdp_one_side_only)
{
    struct script *script = new_script();
    struct step one[STEPS];

    for (int side = 0; side < SIDE_COUNT; side++) {
        struct dialogue dialogue = {.server_port = 3389, .steps = one};

        dialogue.lacks_start[side_other((enum side)side)] = true;
        for (int i = 0; i < STEPS; i++) {
            if (speakers[i] == (enum side)side)
                one[dialogue.count++] = script->steps[i];
        }
        dialogue_play(&dialogue);
        check_nothing_invented();
        CHECK_TEXT(SESSION("client_name"), side == FROM_CLIENT ? "CLIENT" : "");
        CHECK_TEXT(SESSION("selected_protocol"), side == FROM_CLIENT ? "" : "RDP");
        CHECK_TEXT(SESSION("encryption_level"), side == FROM_CLIENT ? "" : "high");
        CHECK_TEXT(CHANNEL(0, "name"), side == FROM_CLIENT ? "chan0" : "");
        CHECK_TEXT(CHANNEL(0, "channel_id"), side == FROM_CLIENT ? "" : "1004");
        CHECK_TEXT(CHANNEL(0, "client_bytes"), "");
        CHECK_TEXT(CHANNEL(0, "server_bytes"), side == FROM_CLIENT ? "" : "307");
    }
    free(script);
}

UNIT_TEST(rdp_tls_of_one_side_only)
{
    struct pdu request;
    struct pdu confirm;
    struct step client[2];
    struct step early[3];
    struct dialogue dialogue = {.server_port = 3389, .lacks_start = {false, true}, .steps = client, .count = 2};

    rdp_script_connection(&request, REQUEST, VARIABLE(COOKIE ASKS("\x01")));
    rdp_script_connection(&confirm, CONFIRM, VARIABLE(CHOOSES("\x01")));
    client[0] = (struct step){.from = FROM_CLIENT, .says = pdu_bytes(&request)};
    client[1] = CLIENT(CLIENT_HELLO);
    dialogue_play(&dialogue);
    CHECK_TEXT(SESSION("cookie"), "alice");
    CHECK_TEXT(SESSION("selected_protocol"), "");
    CHECK_TEXT(dialogue_protocol(), "tls");
    CHECK(dialogue_rows("tls_session") == 1);
    /* a client that does not wait: the server's answer still counts */
    early[0] = client[0];
    early[1] = client[1];
    early[2] = (struct step){.from = FROM_SERVER, .says = pdu_bytes(&confirm)};
    PLAY(3389, early);
    CHECK_TEXT(SESSION("selected_protocol"), "SSL");
    CHECK(dialogue_rows("tls_session") == 1);
    CHECK(complaints() == 0);
    /* the answer is lost */
    early[2] = MISSES(FROM_SERVER, 19);
    PLAY(3389, early);
    CHECK_TEXT(SESSION("selected_protocol"), "");
    CHECK(dialogue_rows("tls_session") == 1);
}

UNIT_TEST(rdp_finds_its_feet_after_a_gap)
{
    struct script *script = new_script();
    struct step steps[STEPS + 1];
    struct bytes data = pdu_bytes(&script->pdus[STEP_SERVER_DATA]);

    /* the server's connect is lost: the client's is read, and nothing is taken for the server's */
    memcpy(steps, script->steps, STEPS * sizeof steps[0]);
    steps[STEP_CONNECT_RESPONSE] = MISSES(FROM_SERVER, 500);
    dialogue_play(&(struct dialogue){.server_port = 3389, .steps = steps, .count = STEPS});
    CHECK_TEXT(SESSION("client_name"), "CLIENT");
    CHECK_TEXT(SESSION("encryption_level"), "");
    CHECK_TEXT(CHANNEL(0, "channel_id"), "");
    CHECK(complaints() == 0);
    /* inside a PDU whose length is known: the next one is counted */
    memcpy(steps, script->steps, STEPS * sizeof steps[0]);
    memmove(steps + STEP_SERVER_DATA + 1, steps + STEP_SERVER_DATA, (STEPS - STEP_SERVER_DATA) * sizeof steps[0]);
    steps[STEP_SERVER_DATA] = (struct step){.from = FROM_SERVER, .says = bytes_of(data.at, 100)};
    steps[STEP_SERVER_DATA + 1] = MISSES(FROM_SERVER, data.length - 100);
    dialogue_play(&(struct dialogue){.server_port = 3389, .steps = steps, .count = STEPS + 1});
    CHECK_TEXT(CHANNEL(0, "server_bytes"), "307");
    /* anywhere: the next PDU that fits is counted */
    steps[STEP_SERVER_DATA + 1] = MISSES(FROM_SERVER, data.length + 1000);
    dialogue_play(&(struct dialogue){.server_port = 3389, .steps = steps, .count = STEPS + 1});
    CHECK_TEXT(CHANNEL(0, "server_bytes"), "307");
    CHECK(complaints() == 0);
    free(script);
}

UNIT_TEST(rdp_begun_in_the_middle)
{
    struct script *script = new_script();
    struct dialogue dialogue = {.server_port = 9999, .lacks_start = {true, true}};

    /* the connect tells RDP on any port; what comes behind it tells nothing */
    dialogue.steps = script->steps + STEP_CONNECT_INITIAL;
    dialogue.count = STEPS - STEP_CONNECT_INITIAL;
    dialogue_play(&dialogue);
    CHECK_TEXT(SESSION("client_name"), "CLIENT");
    CHECK_TEXT(SESSION("selected_protocol"), "");
    CHECK_TEXT(CHANNEL(1, "client_bytes"), "20");
    dialogue.server_port = 3389;
    dialogue.steps = script->steps + STEP_CLIENT_DATA;
    dialogue.count = STEPS - STEP_CLIENT_DATA;
    dialogue_play(&dialogue);
    CHECK(dialogue_rows("rdp_session") == 0);
    free(script);
}

UNIT_TEST(rdp_lies_of_one_side_leave_the_other)
{
    struct script *script = new_script();
    struct step steps[STEPS + 1];

    memcpy(steps, script->steps, 3 * sizeof steps[0]);
    steps[3] = CLIENT("\x03\x00\x00\x00" "no PDU");
    memcpy(steps + 4, script->steps + 3, (STEPS - 3) * sizeof steps[0]);
    dialogue_play(&(struct dialogue){.server_port = 3389, .steps = steps, .count = STEPS + 1});
    CHECK_TEXT(SESSION("certificate_subject"), "CN=rdp.example,O=Example");
    CHECK_TEXT(CHANNEL(0, "server_bytes"), "307");
    CHECK_TEXT(CHANNEL(1, "client_bytes"), "20"); /* its next PDU that fits */
    CHECK_TEXT(FINDING("name"), "rdp_malformed");
    CHECK(complaints() == 1);
    free(script);
}

/* ---- identification ---- */

UNIT_TEST(rdp_leaves_other_users_of_x224_alone)
{
    const struct step s7[] = {CLIENT("\x03\x00\x00\x16\x11\xe0\x00\x00\x00\x01\x00\xc1\x02\x01\x00\xc2\x02\x01\x02\xc0\x01\x0a")};
    const struct step bare[] = {
        CLIENT("\x03\x00\x00\x0b\x06\xe0\x00\x00\x00\x00\x00"),
        SERVER("\x03\x00\x00\x0b\x06\xd0\x00\x00\x12\x34\x00"),
    };
    const struct step q931[] = {CLIENT("\x03\x00\x00\x10\x08\x02\x00\x01\x05\x04\x03\x88\x93\xa5\x70\x81")};
    struct script *script = new_script();
    struct step old[3];

    PLAY(102, s7);
    CHECK_TEXT(dialogue_protocol(), "");
    PLAY(3389, s7);
    CHECK_TEXT(dialogue_protocol(), "");
    PLAY(3389, q931);
    CHECK_TEXT(dialogue_protocol(), "");
    PLAY(1503, bare);
    CHECK_TEXT(dialogue_protocol(), "");
    PLAY(3389, bare);
    CHECK_TEXT(dialogue_protocol(), "rdp");
    /* an old client on another port is known by its connect */
    old[0] = bare[0];
    old[1] = bare[1];
    old[2] = script->steps[STEP_CONNECT_INITIAL];
    PLAY(1503, old);
    CHECK_TEXT(dialogue_protocol(), "rdp");
    CHECK_TEXT(SESSION("client_name"), "CLIENT");
    free(script);
}

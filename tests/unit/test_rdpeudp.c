/* test_rdpeudp.c - dissectors/rdpeudp.c: what opens a UDP transport, what only looks so, and datagrams that are cut anywhere. */
#include "tests/unit/check.h"
#include "tests/unit/dialogue.h"

#include <stdlib.h>

#define TRANSPORT(COLUMN) dialogue_value("rdp_transport", 0, COLUMN)
#define PLAY_DATAGRAMS(PORT, STEPS) \
    dialogue_play(&(struct dialogue){.server_port = (PORT), .steps = (STEPS), .count = sizeof(STEPS) / sizeof((STEPS)[0]), .is_datagrams = true})

#define ZEROS_16 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define SYN(FLAGS, MORE) "\xff\xff\xff\xff\x00\x40" FLAGS "\x00\x00\x10\x00\x04\xd0\x04\xd0" MORE
#define SYN_ACK(FLAGS, MORE) "\x00\x00\x10\x00\x00\x40" FLAGS "\x00\x00\x20\x00\x04\xd0\x04\xb0" MORE
#define SYN_EX(NUMBER) "\x00\x01" NUMBER
/* A hello of DTLS 1.2 in source data; an acknowledgment whose vector has SIZE bytes before it. */
#define DTLS(MESSAGE) "\x16\xfe\xfd\0\0\0\0\0\0\0\0\0\x30" MESSAGE "\0\0\x24\0\0\0\0\0\0\0\x24\xfe\xfd" ZEROS_16
#define DATA(VECTOR, CONTENT) "\x00\x00\x10\x01\x00\x40\x00\x0c" VECTOR "\0\0\x10\x02\0\0\x10\x02" CONTENT

UNIT_TEST(rdpeudp_lossy_dtls)
{
    const struct step steps[] = {
        CLIENT(SYN("\x1a\x01", "0123456789abcdef" ZEROS_16 SYN_EX("\0\x02"))),
        SERVER(SYN_ACK("\x10\x05", SYN_EX("\0\x02"))),
        CLIENT(DATA("\0\x01" "a" "\0", DTLS("\x01"))),
        SERVER(DATA("\0\x04" "abcd" "\0\0", DTLS("\x02"))),
    };

    PLAY_DATAGRAMS(3389, steps);
    CHECK_TEXT(dialogue_protocol(), "rdpeudp");
    CHECK_TEXT(TRANSPORT("protocol"), "RDPEUDP");
    CHECK_TEXT(TRANSPORT("client_version"), "2");
    CHECK_TEXT(TRANSPORT("server_version"), "2");
    CHECK_TEXT(TRANSPORT("mode"), "lossy");
    CHECK_TEXT(TRANSPORT("upstream_mtu"), "1232");
    CHECK_TEXT(TRANSPORT("downstream_mtu"), "1200");
    CHECK_TEXT(TRANSPORT("correlation_id"), "30313233343536373839616263646566");
    CHECK_TEXT(TRANSPORT("security"), "DTLS");
    CHECK_TEXT(TRANSPORT("security_version"), "DTLSv1.2");
}

UNIT_TEST(rdpeudp_version_1)
{
    const struct step steps[] = {CLIENT(SYN("\x00\x01", ZEROS_16)), SERVER(SYN_ACK("\x00\x05", ZEROS_16))};

    PLAY_DATAGRAMS(3389, steps);
    CHECK_TEXT(TRANSPORT("client_version"), "1");
    CHECK_TEXT(TRANSPORT("server_version"), "1");
    CHECK_TEXT(TRANSPORT("mode"), "reliable");
    CHECK_TEXT(TRANSPORT("security"), "");
    CHECK_TEXT(TRANSPORT("cookie_hash"), "");
}

UNIT_TEST(rdpeudp_others_are_left_alone)
{
    const struct step dns[] = {CLIENT("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07" "example\x04test\x00\x00\x01\x00\x01")};
    const struct step small_mtu[] = {CLIENT("\xff\xff\xff\xff\x00\x40\x00\x01\x00\x00\x10\x00\x00\x40\x04\xd0")};
    const struct step other_flags[] = {CLIENT(SYN("\x20\x01", ""))};
    const struct step answer_elsewhere[] = {SERVER(SYN_ACK("\x10\x05", SYN_EX("\0\x02")))};

    PLAY_DATAGRAMS(53, dns);
    CHECK(dialogue_rows("rdp_transport") == 0);
    PLAY_DATAGRAMS(3389, small_mtu);
    CHECK(dialogue_rows("rdp_transport") == 0);
    PLAY_DATAGRAMS(3389, other_flags);
    CHECK(dialogue_rows("rdp_transport") == 0);
    PLAY_DATAGRAMS(5000, answer_elsewhere);
    CHECK(dialogue_rows("rdp_transport") == 0);
    CHECK_TEXT(dialogue_protocol(), "");
}

/* Every datagram cut at every place, and its flags drawn at random: nothing is read past its end, and no version is invented. */
UNIT_TEST(rdpeudp_cut_anywhere)
{
    static const char opening[] = SYN("\x1a\x01", "0123456789abcdef" ZEROS_16 SYN_EX("\x01\x01") ZEROS_16 ZEROS_16);
    static const char answer[] = SYN_ACK("\x10\x05", SYN_EX("\x01\x01"));
    uint32_t random = 7;

    for (size_t length = 1; length < sizeof opening; length++) {
        uint8_t packet[64];
        struct step steps[] = {SAYS_BYTES(FROM_CLIENT, opening, length), SAYS_BYTES(FROM_SERVER, answer, sizeof answer - 1),
                               SAYS_BYTES(FROM_CLIENT, packet, 1 + length % sizeof packet)};

        for (size_t i = 0; i < sizeof packet; i++) {
            random = random * 1664525 + 1013904223;
            packet[i] = (uint8_t)(random >> 24);
        }
        PLAY_DATAGRAMS(3389, steps);
        if (length < 16)
            CHECK(dialogue_rows("rdp_transport") == 0);
        else
            CHECK_TEXT(TRANSPORT("client_version"), length < 52 ? "" : "3");
    }
}

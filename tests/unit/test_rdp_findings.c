/* test_rdp_findings.c - dissectors/rdp_findings.c: each finding once, and none that is not true. */
#include "tests/unit/check.h"
#include "tests/unit/dialogue.h"
#include "tests/unit/rdp_script.h"

#define VARIABLE(LITERAL) bytes_of(LITERAL, sizeof(LITERAL) - 1)

/* How many findings have that name. */
static unsigned findings_of(const char *name)
{
    unsigned count = 0;

    for (size_t i = 0; i < dialogue_rows("finding"); i++)
        count += strcmp(dialogue_value("finding", i, "name"), name) == 0 ? 1 : 0;
    return count;
}

/* A session in standard RDP security, or in TLS whose records never come, of a client with that name. */
static void play(const char *name, struct bytes request, struct bytes confirm)
{
    static struct pdu pdus[4];
    static uint8_t utf16[32];
    struct rdp_script_client client = rdp_script_usual;
    struct step steps[4];

    memset(utf16, 0, sizeof utf16);
    for (size_t i = 0; name[i] != '\0'; i++)
        utf16[2 * i] = (uint8_t)name[i];
    client.name = bytes_of(utf16, 2 * strlen(name));
    rdp_script_connection(&pdus[0], 0xe0, request);
    rdp_script_connection(&pdus[1], 0xd0, confirm);
    rdp_script_connect_initial(&pdus[2], &client);
    rdp_script_connect_response(&pdus[3], 2);
    for (unsigned i = 0; i < 4; i++)
        steps[i] = (struct step){.from = i % 2 == 0 ? FROM_CLIENT : FROM_SERVER, .says = pdu_bytes(&pdus[i])};
    PLAY(3389, steps);
}

static void play_name(const char *name)
{
    play(name, VARIABLE("Cookie: mstshash=alice\r\n\x01\x00\x08\x00\x00\x00\x00\x00"), VARIABLE("\x02\x00\x08\x00\x00\x00\x00\x00"));
}

UNIT_TEST(rdp_findings_of_protection)
{
    play_name("OFFICE");
    CHECK(findings_of("rdp_no_tls") == 1);
    CHECK(findings_of("rdp_no_nla") == 0);
    CHECK(findings_of("rdp_weak_encryption") == 0); /* 128 bits */
    play("OFFICE", VARIABLE("\x01\x00\x08\x00\x01\x00\x00\x00"), VARIABLE("\x02\x00\x08\x00\x01\x00\x00\x00"));
    CHECK(findings_of("rdp_no_tls") == 0);
    CHECK(findings_of("rdp_no_nla") == 1);
    play("OFFICE", VARIABLE("\x01\x00\x08\x00\x03\x00\x00\x00"), VARIABLE("\x02\x00\x08\x00\x02\x00\x00\x00"));
    CHECK(findings_of("rdp_no_nla") == 0);
    play("OFFICE", VARIABLE("\x01\x00\x08\x00\x03\x00\x00\x00"), VARIABLE("\x03\x00\x08\x00\x05\x00\x00\x00")); /* refused */
    CHECK(findings_of("rdp_no_nla") + findings_of("rdp_no_tls") == 0);
}

UNIT_TEST(rdp_findings_of_names)
{
    static const char *const setup[] = {"WIN-CLJ1B0GQ6JP", "DESKTOP-4F2K9QX", "kali", "localhost"};
    static const char *const given[] = {"WIN-SERVER", "WIN-CLJ1B0GQ6Jp", "DESKTOP-4F2K9QX1", "KALININGRAD", "DESKTOP", "N"};

    for (size_t i = 0; i < sizeof setup / sizeof setup[0]; i++) {
        play_name(setup[i]);
        CHECK(findings_of("rdp_default_client_name") == 1);
        CHECK(findings_of("rdp_tool_client") == 0);
    }
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
        play_name(given[i]);
        CHECK(findings_of("rdp_default_client_name") + findings_of("rdp_tool_client") == 0);
    }
    play_name("ethdev");
    CHECK(findings_of("rdp_tool_client") == 1);
    play("OFFICE", VARIABLE("Cookie: mstshash=nmap\r\n\x01\x00\x08\x00\x03\x00\x00\x00"), VARIABLE("\x02\x00\x08\x00\x02\x00\x00\x00"));
    CHECK(findings_of("rdp_tool_client") == 1);
}

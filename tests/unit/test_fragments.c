/* test_fragments.c - capture/fragments.c: order, overlaps by policy, limits. */
#include "capture/fragments.h"

#include "base/text.h"
#include "tests/unit/check.h"

#include <stdio.h>

static struct fragments *fragments;
static struct fragment_report newest;
static int64_t clock_us;
static uint8_t version = 4;
static uint64_t position;

static void begin(enum overlap_policy policy)
{
    fragments_free(fragments);
    fragments = fragments_new(policy);
    clock_us = 1000000;
    version = 4;
    position = 0;
}

/* `at` counts bytes. */
static bool add(uint32_t id, uint32_t at, const char *payload, bool has_more)
{
    static const uint8_t addresses[2][16] = {{10, 0, 0, 1}, {10, 0, 0, 2}};
    struct packet packet = {.is_fragment = true, .protocol = IP_PROTOCOL_UDP, .fragment_id = id, .has_more_fragments = has_more, .capture_id = 1};

    packet.source = version == 4 ? address_from_ipv4(addresses[0]) : address_from_ipv6(addresses[0]);
    packet.destination = version == 4 ? address_from_ipv4(addresses[1]) : address_from_ipv6(addresses[1]);
    packet.fragment_offset = (uint16_t)at;
    packet.position = position += 100;
    packet.clock_us = clock_us;
    packet.network_payload = bytes_of_text(payload);
    packet.network_payload_length = (uint32_t)packet.network_payload.length;
    newest = fragments_add(fragments, &packet);
    return newest.is_whole;
}

/* The payload of the datagram that has become whole. */
static const char *payload(void)
{
    static char text[256];
    size_t header = version == 4 ? 20 : 40;

    if (!newest.is_whole)
        return "(not whole)";
    snprintf(text, sizeof text, "%.*s", (int)(newest.whole.bytes.length - header), (const char *)newest.whole.bytes.at + header);
    return text;
}

UNIT_TEST(fragments_come_in_any_order)
{
    begin(OVERLAP_LINUX);
    CHECK(!add(7, 16, "ijkl", false));
    CHECK(!add(7, 16, "ijkl", false)); /* repeated */
    CHECK(!add(8, 0, "other---", true));
    CHECK(!add(7, 0, "01234567", true));
    CHECK(add(7, 8, "abcdefgh", true));
    CHECK_TEXT(payload(), "01234567abcdefghijkl");
    CHECK(newest.whole.bytes.at[0] == 0x45 && newest.whole.bytes.at[9] == IP_PROTOCOL_UDP);
    CHECK(newest.whole.place_count == 4 && newest.whole.places[0].position == 100 && newest.whole.places[3].position == 500);
    CHECK(fragments_waiting(fragments) == 1 && fragments_given_up(fragments) == 0);
}

static const char *overlapped(enum overlap_policy policy)
{
    begin(policy);
    (void)add(1, 8, "11111111", true);
    (void)add(1, 0, "aaaaaaaaXXXXXXXX", true); /* begins earlier */
    (void)add(1, 16, "22222222", true);
    (void)add(1, 16, "YYYYYYYY33333333", true); /* begins at the same place */
    (void)add(1, 32, "end", false);
    return payload();
}

UNIT_TEST(fragments_that_overlap_go_by_the_policy)
{
    CHECK_TEXT(overlapped(OVERLAP_FIRST), "aaaaaaaa111111112222222233333333end");
    CHECK_TEXT(overlapped(OVERLAP_LAST), "aaaaaaaaXXXXXXXXYYYYYYYY33333333end");
    CHECK_TEXT(overlapped(OVERLAP_BSD), "aaaaaaaaXXXXXXXX2222222233333333end");
    CHECK_TEXT(overlapped(OVERLAP_LINUX), "(not whole)");
    CHECK(fragments_given_up(fragments) == 1);
    CHECK_TEXT(overlapped(OVERLAP_WINDOWS), "(not whole)");
    begin(OVERLAP_LINUX);
    (void)add(1, 0, "01234567", true);
    (void)add(1, 0, "01234567", true);
    CHECK(!newest.overlaps);
    (void)add(1, 0, "0123456789abcdef", true);
    CHECK(newest.overlaps && !newest.differs && newest.is_dropped);
}

UNIT_TEST(fragments_of_ipv6_must_not_overlap)
{
    begin(OVERLAP_FIRST);
    version = 6;
    CHECK(!add(1, 0, "01234567", true));
    CHECK(!add(1, 0, "0123456789abcdef", true));
    CHECK(newest.is_dropped);
    CHECK(!add(1, 16, "end", false));
    CHECK(!add(2, 0, "01234567", true));
    CHECK(add(2, 8, "end", false));
    CHECK_TEXT(payload(), "01234567end");
}

UNIT_TEST(fragments_that_are_forged_spoil_their_datagram)
{
    begin(OVERLAP_LINUX);
    CHECK(!add(1, 65528, "01234567890", false));
    CHECK(newest.is_forged);
    CHECK(!add(2, 0, "0123", true)); /* not a multiple of 8 */
    CHECK(newest.is_forged);
    CHECK(!add(2, 8, "end", false));
    CHECK(!add(3, 24, "behind the end", false));
    CHECK(!add(3, 0, "01234567", false)); /* a second end: its hole is never taken for filled */
    CHECK(!add(3, 8, "01234567", true));
    CHECK(fragments_given_up(fragments) == 2);
}

UNIT_TEST(fragments_are_given_up_by_age_and_number)
{
    begin(OVERLAP_LINUX);
    CHECK(!add(1, 0, "01234567", true));
    clock_us += (int64_t)(FRAGMENTS_SECONDS + 1) * 1000000;
    CHECK(!add(1, 8, "end", false));
    CHECK(fragments_given_up(fragments) == 1);
    for (uint32_t id = 0; id < FRAGMENTS_DATAGRAMS + 10; id++)
        (void)add(100 + id, 0, "01234567", true);
    CHECK(fragments_waiting(fragments) == FRAGMENTS_DATAGRAMS);
    CHECK(fragments_given_up(fragments) == 12);
    for (uint32_t i = 0; i < FRAGMENTS_PIECES + 10; i++)
        (void)add(100000, i * 16, "01234567", true);
    CHECK(fragments_given_up(fragments) >= 14);
    fragments_free(fragments);
    fragments = NULL;
}

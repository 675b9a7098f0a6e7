/*
 * test_tcp.c - TCP as its receiver saw it: overlaps by policy, segments that cannot have been taken, resets, odd handshakes.
 *
 * Most of these are the evasions of Ptacek and Newsham, "Insertion, Evasion, and Denial of Service" (1998), and of Novak and
 * Sturges, "Target-Based TCP Stream Reassembly" (2007).
 */
#include "base/finding.h"
#include "tests/unit/check.h"
#include "tests/unit/story.h"

#include <stdio.h>

/* One side's segments, behind a hole of one byte that is filled last; what is between them the policy decides. */
static const char *overlapped(enum overlap_policy policy, int64_t first_at, const char *first, int64_t second_at, const char *second)
{
    struct streams *streams = begin_with(policy);

    handshake(streams);
    send_segment(streams, FROM_CLIENT, first_at, first, 0);
    send_segment(streams, FROM_CLIENT, second_at, second, 0);
    text_clear(&story);
    send_segment(streams, FROM_CLIENT, 0, "-", 0);
    return finish(streams);
}

/* The bytes of a story, without the marks around its pieces. */
static const char *joined(const char *told)
{
    static char bytes[128];
    size_t length = 0;

    for (const char *at = told; at[0] != '\0' && length < sizeof bytes - 1; at++) {
        if (at[0] == 'c' && at[1] == '.')
            break;
        if (at[0] == 'c' && at[1] == ':')
            at++;
        else if (at[0] != ' ')
            bytes[length++] = at[0];
    }
    bytes[length] = '\0';
    return bytes;
}

UNIT_TEST(tcp_overlaps_go_by_the_receivers_policy)
{
    /* the second begins earlier */
    CHECK_TEXT(joined(overlapped(OVERLAP_FIRST, 3, "333", 1, "xxxxx")), "-xx333");
    CHECK_TEXT(joined(overlapped(OVERLAP_WINDOWS, 3, "333", 1, "xxxxx")), "-xx333");
    CHECK_TEXT(joined(overlapped(OVERLAP_LAST, 3, "333", 1, "xxxxx")), "-xxxxx");
    CHECK_TEXT(joined(overlapped(OVERLAP_LINUX, 3, "333", 1, "xxxx")), "-xxxx3");
    CHECK_TEXT(joined(overlapped(OVERLAP_BSD, 3, "333", 1, "xxxxx")), "-xxxxx");
    /* the second begins at the same place and is longer */
    CHECK_TEXT(joined(overlapped(OVERLAP_FIRST, 1, "333", 1, "xxxxx")), "-333xx");
    CHECK_TEXT(joined(overlapped(OVERLAP_LINUX, 1, "333", 1, "xxxxx")), "-xxxxx");
    CHECK_TEXT(joined(overlapped(OVERLAP_BSD, 1, "333", 1, "xxxxx")), "-333xx");
    CHECK_TEXT(joined(overlapped(OVERLAP_LAST, 1, "333", 1, "xx")), "-xx3");
    /* the second begins later */
    CHECK_TEXT(joined(overlapped(OVERLAP_LINUX, 1, "33333", 3, "xxxxx")), "-33333xx");
    CHECK_TEXT(joined(overlapped(OVERLAP_BSD, 1, "33333", 3, "xxxxx")), "-33333xx");
    CHECK_TEXT(joined(overlapped(OVERLAP_LAST, 1, "33333", 3, "xxxxx")), "-33xxxxx");
    /* the second lies inside the first */
    CHECK_TEXT(joined(overlapped(OVERLAP_LAST, 1, "33333", 2, "xx")), "-3xx33");
    CHECK_TEXT(joined(overlapped(OVERLAP_LINUX, 1, "33333", 2, "xx")), "-33333");
    CHECK(findings == 1);
    CHECK_TEXT(newest_finding(), "tcp_overlap_differs");
}

UNIT_TEST(tcp_policies_do_not_change_what_was_in_order)
{
    struct streams *streams = begin_with(OVERLAP_LAST);

    handshake(streams);
    send_segment(streams, FROM_CLIENT, 0, "abc", 0);
    send_segment(streams, FROM_CLIENT, 0, "xyzdef", 0);
    CHECK_TEXT(finish(streams), "c:abc c:def c.capture s.capture | S1/6/0 ");
    CHECK_TEXT(newest_finding(), "tcp_overlap_differs");
}

/* A client's segment that differs from the others in what the caller changes. */
static void send_changed(struct streams *streams, int64_t offset, const char *payload, void (*change)(struct packet *packet))
{
    struct packet packet = make(FROM_CLIENT, TCP_ACK, offset, payload);

    packet.acknowledgment = SERVER_START + 1;
    packet.checksum = CHECKSUM_GOOD;
    if (change != NULL)
        change(&packet);
    streams_packets(streams, &packet, 1);
}

static void spoil_checksum(struct packet *packet)
{
    packet->checksum = CHECKSUM_WRONG;
}

static void lower_ttl(struct packet *packet)
{
    packet->ttl = 3;
}

static void drop_ack(struct packet *packet)
{
    packet->tcp_flags = 0;
}

static void acknowledge_the_future(struct packet *packet)
{
    packet->acknowledgment = SERVER_START + 900000;
}

static void age_timestamp(struct packet *packet)
{
    packet->options = (struct tcp_options){.has_timestamp = true, .timestamp = 50};
}

static void give_timestamp(struct packet *packet)
{
    packet->options = (struct tcp_options){.has_timestamp = true, .timestamp = 100};
}

/* "EVIL" in a segment that the receiver drops, at the place where "good" comes later. */
static void check_insertion(void (*change)(struct packet *packet), const char *file, int line)
{
    struct streams *streams = begin();
    const char *told;

    handshake(streams);
    send_changed(streams, 0, "abc", give_timestamp);
    send_flags(streams, FROM_SERVER, TCP_ACK, 0, 3);
    send_changed(streams, 3, "EVIL", change);
    send_changed(streams, 3, "good", give_timestamp);
    send_changed(streams, 7, "more", give_timestamp);
    send_flags(streams, FROM_SERVER, TCP_ACK, 0, 11);
    told = finish(streams);
    check_texts(told, "c:abc c:good c:more c.capture s.capture | S1/11/0 ", file, line, "an insertion");
    check_texts(newest_finding(), "tcp_injection", file, line, "its finding");
}

UNIT_TEST(tcp_segments_that_the_receiver_drops_cannot_inject)
{
    check_insertion(spoil_checksum, __FILE__, __LINE__);
    check_insertion(lower_ttl, __FILE__, __LINE__);
    check_insertion(drop_ack, __FILE__, __LINE__);
    check_insertion(acknowledge_the_future, __FILE__, __LINE__);
    check_insertion(age_timestamp, __FILE__, __LINE__);
}

UNIT_TEST(tcp_wrong_checksums_of_a_side_that_never_has_right_ones_are_offloading)
{
    struct streams *streams = begin();

    handshake(streams);
    for (int i = 0; i < 3; i++)
        send_changed(streams, i, "x", spoil_checksum);
    CHECK_TEXT(finish(streams), "c:x c:x c:x c.capture s.capture | S1/3/0 ");
    CHECK(findings == 0);
}

/* One segment of a dialogue: who says it, what it acknowledges, and whether its checksum is wrong, as after an edit. */
static void send_spoken(struct streams *streams, enum side from, int64_t offset, const char *payload, int64_t acknowledged, bool is_spoiled)
{
    struct packet packet = make(from, TCP_ACK, offset, payload);

    packet.acknowledgment = (from == FROM_CLIENT ? SERVER_START : CLIENT_START) + 1 + (uint32_t)acknowledged;
    packet.checksum = is_spoiled ? CHECKSUM_WRONG : CHECKSUM_GOOD;
    streams_packets(streams, &packet, 1);
}

/* A capture of which somebody has edited segments of both sides: each is taken where it was said. */
UNIT_TEST(tcp_edited_segments_of_both_sides_keep_their_order)
{
    struct streams *streams = begin();

    handshake(streams);
    send_spoken(streams, FROM_CLIENT, 0, "", 0, false);
    send_spoken(streams, FROM_SERVER, 0, "", 0, false);
    send_spoken(streams, FROM_SERVER, 0, "S1", 0, true);
    send_spoken(streams, FROM_CLIENT, 0, "c1", 2, false);
    send_spoken(streams, FROM_SERVER, 2, "S2", 2, false);
    send_spoken(streams, FROM_CLIENT, 2, "c2", 4, true);
    send_spoken(streams, FROM_SERVER, 4, "S3", 4, false);
    send_spoken(streams, FROM_CLIENT, 4, "c3", 6, true);
    send_spoken(streams, FROM_SERVER, 6, "S4", 6, false);
    send_spoken(streams, FROM_CLIENT, 6, "c4", 8, false);
    send_spoken(streams, FROM_SERVER, 8, "S5", 8, false);
    CHECK_TEXT(finish(streams), "s:S1 c:c1 s:S2 c:c2 s:S3 c:c3 s:S4 c:c4 s:S5 c.capture s.capture | S1/8/10 ");
}

/* The same with several in a row, of one side and the other. */
UNIT_TEST(tcp_edited_segments_in_a_row_keep_their_order)
{
    struct streams *streams = begin();

    handshake(streams);
    send_spoken(streams, FROM_SERVER, 0, "", 0, false);
    send_spoken(streams, FROM_SERVER, 0, "S1", 0, true);
    send_spoken(streams, FROM_CLIENT, 0, "c1", 2, false);
    send_spoken(streams, FROM_SERVER, 2, "S2", 2, true);
    send_spoken(streams, FROM_CLIENT, 2, "c2", 4, true);
    send_spoken(streams, FROM_SERVER, 4, "S3", 4, true);
    send_spoken(streams, FROM_CLIENT, 4, "", 6, false);
    send_spoken(streams, FROM_SERVER, 6, "S4", 4, true);
    send_spoken(streams, FROM_CLIENT, 4, "c3", 8, false);
    send_spoken(streams, FROM_SERVER, 8, "", 6, false);
    send_spoken(streams, FROM_SERVER, 8, "S5", 6, false);
    CHECK_TEXT(finish(streams), "s:S1 c:c1 s:S2 c:c2 s:S3 s:S4 c:c3 s:S5 c.capture s.capture | S1/6/10 ");
}

UNIT_TEST(tcp_segments_outside_the_window_cannot_inject)
{
    struct streams *streams = begin();

    handshake(streams); /* the server's window ends at 65535 */
    send_segment(streams, FROM_CLIENT, 70000, "EVIL", 0);
    send_segment(streams, FROM_CLIENT, 0, "ab", 0);
    CHECK_TEXT(finish(streams), "c:ab c.capture s.capture | S1/2/0 ");
}

UNIT_TEST(tcp_segments_far_outside_the_window_stay_outside_however_many)
{
    struct streams *streams = begin();

    handshake(streams);
    for (int i = 0; i < 100; i++)
        send_segment(streams, FROM_CLIENT, 800000 + i, "EVIL", 0);
    send_segment(streams, FROM_CLIENT, 0, "ab", 0);
    CHECK_TEXT(finish(streams), "c:ab c.capture s.capture | S1/2/0 ");
}

UNIT_TEST(tcp_a_sender_that_goes_on_behind_an_old_window_is_believed)
{
    struct streams *streams = begin();

    handshake(streams);
    names_bytes = false;
    for (int i = 0; i < 80; i++) { /* the server's acknowledgments are not captured any more */
        char kilobyte[1025];

        memset(kilobyte, 'x', 1024);
        kilobyte[1024] = '\0';
        send_segment(streams, FROM_CLIENT, i * 1024, kilobyte, 0);
    }
    for (int i = 0; i < 40; i++)
        send_segment(streams, FROM_CLIENT, 81920 + i, "y", 0);
    CHECK(strstr(finish(streams), "/81960/0") != NULL);
    CHECK_TEXT(newest_finding(), "tcp_check_unfit");
}

UNIT_TEST(tcp_doubted_bytes_fill_the_hole_that_was_acknowledged)
{
    struct streams *streams = begin();

    handshake(streams);
    send_changed(streams, 0, "ab", NULL);
    send_changed(streams, 2, "cd", spoil_checksum);
    send_changed(streams, 4, "ef", NULL);
    send_segment(streams, FROM_SERVER, 0, "ok", 6);
    CHECK_TEXT(finish(streams), "c:ab c:cd c:ef s:ok c.capture s.capture | S1/6/2 ");
}

UNIT_TEST(tcp_doubted_bytes_at_the_end_are_taken_and_told)
{
    struct streams *streams = begin();

    handshake(streams);
    send_changed(streams, 0, "ab", NULL);
    send_changed(streams, 2, "cd", spoil_checksum);
    CHECK_TEXT(finish(streams), "c:ab c:cd c.capture s.capture | S1/4/0 ");
    CHECK_TEXT(newest_finding(), "tcp_doubted_end");

    streams = begin();
    handshake(streams);
    send_changed(streams, 0, "ab", NULL);
    send_changed(streams, 2, "EVIL", spoil_checksum);
    send_flags(streams, FROM_CLIENT, TCP_FIN | TCP_ACK, 2, 0); /* the stream had ended before them */
    CHECK_TEXT(finish(streams), "c:ab c.fin s.capture | S2/2/0 ");
}

UNIT_TEST(tcp_checks_that_do_not_fit_a_flow_are_given_up)
{
    struct streams *streams = begin();

    handshake(streams);
    send_changed(streams, 0, "x", NULL);
    for (int i = 1; i < 41; i++)
        send_changed(streams, i, "y", spoil_checksum);
    names_bytes = false;
    CHECK(strstr(finish(streams), "/41/0") != NULL);
    CHECK_TEXT(newest_finding(), "tcp_check_unfit");
}

UNIT_TEST(tcp_timestamps_wrap_around)
{
    struct streams *streams = begin();
    struct packet packet;

    handshake(streams);
    packet = make(FROM_CLIENT, TCP_ACK, 0, "ab");
    packet.acknowledgment = SERVER_START + 1;
    packet.options = (struct tcp_options){.has_timestamp = true, .timestamp = 0xfffffff0};
    streams_packets(streams, &packet, 1);
    send_changed(streams, 2, "cd", give_timestamp); /* 100 is 116 after 0xfffffff0 */
    CHECK_TEXT(finish(streams), "c:ab c:cd c.capture s.capture | S1/4/0 ");
}

UNIT_TEST(tcp_resets_must_lie_in_the_window)
{
    struct streams *streams = begin();

    handshake(streams);
    send_segment(streams, FROM_CLIENT, 0, "ab", 0);
    send_flags(streams, FROM_CLIENT, TCP_RST, 500000, 0);
    send_segment(streams, FROM_CLIENT, 2, "cd", 0);
    CHECK_TEXT(finish(streams), "c:ab c:cd c.capture s.capture | S1/4/0 ");
    CHECK_TEXT(newest_finding(), "tcp_reset_outside");

    streams = begin();
    handshake(streams);
    send_segment(streams, FROM_CLIENT, 0, "ab", 0);
    send_flags(streams, FROM_CLIENT, TCP_RST, 2, 0);
    send_segment(streams, FROM_SERVER, 0, "late", 0); /* was on its way */
    CHECK_TEXT(finish(streams), "c:ab s:late c.reset s.reset | RSTO/2/4 ");
    CHECK(findings == 0);
}

UNIT_TEST(tcp_resets_whose_sender_goes_on_are_refuted)
{
    struct streams *streams = begin();

    handshake(streams);
    send_segment(streams, FROM_CLIENT, 0, "ab", 0);
    send_flags(streams, FROM_CLIENT, TCP_RST, 2, 0); /* its TTL was too low, say */
    send_segment(streams, FROM_CLIENT, 2, "cd", 0);
    send_segment(streams, FROM_SERVER, 0, "ok", 4);
    CHECK_TEXT(finish(streams), "c:ab c:cd s:ok c.capture s.capture | S1/4/2 ");
    CHECK_TEXT(newest_finding(), "tcp_reset_refuted");
}

UNIT_TEST(tcp_a_fin_that_its_receiver_drops_ends_nothing)
{
    struct streams *streams = begin();
    struct packet fin;

    handshake(streams);
    send_changed(streams, 0, "ab", NULL);
    fin = make(FROM_CLIENT, TCP_FIN | TCP_ACK, 2, "");
    fin.acknowledgment = SERVER_START + 1;
    fin.checksum = CHECKSUM_WRONG;
    streams_packets(streams, &fin, 1);
    send_changed(streams, 2, "cd", NULL);
    send_flags(streams, FROM_CLIENT, TCP_FIN | TCP_ACK, 1, 0); /* inside what was taken */
    send_changed(streams, 4, "ef", NULL);
    CHECK_TEXT(finish(streams), "c:ab c:cd c:ef c.capture s.capture | S1/6/0 ");
}

UNIT_TEST(tcp_a_forged_acknowledgment_makes_no_gap)
{
    struct streams *streams = begin();
    char text[2] = "a";

    handshake(streams);
    send_segment(streams, FROM_CLIENT, 0, "-", 0);
    send_flags(streams, FROM_SERVER, TCP_ACK, 0, 30000); /* inside the window, but nobody has sent that */
    for (int i = 1; i < 12; i++) {
        text[0] = (char)('a' + i);
        send_segment(streams, FROM_CLIENT, i, text, 0);
        send_flags(streams, FROM_SERVER, TCP_ACK, 0, i + 1);
    }
    CHECK_TEXT(joined(finish(streams)), "-bcdefghijkl");
}

UNIT_TEST(tcp_both_sides_may_open_at_once)
{
    struct streams *streams = begin();

    send_flags(streams, FROM_CLIENT, TCP_SYN, -1, -1);
    send_flags(streams, FROM_SERVER, TCP_SYN, -1, -1);
    send_flags(streams, FROM_CLIENT, TCP_SYN | TCP_ACK, -1, 0);
    send_flags(streams, FROM_SERVER, TCP_SYN | TCP_ACK, -1, 0);
    send_segment(streams, FROM_CLIENT, 0, "ab", 0);
    send_segment(streams, FROM_SERVER, 0, "cd", 2);
    CHECK_TEXT(finish(streams), "c:ab s:cd c.capture s.capture | S1/2/2 ");
}

UNIT_TEST(tcp_keep_alives_outside_the_window_change_nothing)
{
    struct streams *streams = begin();

    handshake(streams);
    send_segment(streams, FROM_CLIENT, 0, "ab", 0);
    send_segment(streams, FROM_SERVER, 0, "ok", 2);
    send_segment(streams, FROM_CLIENT, 1, "?", 2); /* one byte of garbage */
    send_flags(streams, FROM_SERVER, TCP_ACK, 1, 2);
    send_segment(streams, FROM_CLIENT, 2, "cd", 2);
    CHECK_TEXT(finish(streams), "c:ab s:ok c:cd c.capture s.capture | S1/4/2 ");
    CHECK(findings == 0);
}

UNIT_TEST(tcp_urgent_data_stays_in_line_and_is_told)
{
    struct streams *streams = begin();
    struct packet packet;

    handshake(streams);
    packet = make(FROM_CLIENT, TCP_ACK | TCP_URG, 0, "abXc");
    packet.acknowledgment = SERVER_START + 1;
    packet.urgent = 3;
    streams_packets(streams, &packet, 1);
    CHECK_TEXT(finish(streams), "c:abXc c.capture s.capture | S1/4/0 ");
    CHECK_TEXT(newest_finding(), "tcp_urgent_data");
}

UNIT_TEST(tcp_packets_captured_twice_disturb_nothing)
{
    struct streams *streams = begin();
    static const struct packet none;
    struct packet packets[4] = {none, none, none, none};
    static const char *const payloads[4] = {"ab", "cd", "ef", "gh"};

    handshake(streams);
    for (int i = 0; i < 4; i++) {
        packets[i] = make(FROM_CLIENT, TCP_ACK, i * 2, payloads[i]);
        packets[i].acknowledgment = SERVER_START + 1;
        packets[i].fragment_id = (uint32_t)i;
        streams_packets(streams, &packets[i], 1);
        packets[i].time_us += 3;
        packets[i].ttl--; /* the other side of the router */
        streams_packets(streams, &packets[i], 1);
    }
    CHECK_TEXT(finish(streams), "c:ab c:cd c:ef c:gh c.capture s.capture | S1/8/0 ");
    CHECK(findings == 0);
}

/* The directions were captured apart: acknowledgments stand `ahead` segments before what they acknowledge. */
static const char *skewed(int ahead, int every, int segments)
{
    struct streams *streams = begin();
    static const char block[] = "0123456789";

    handshake(streams);
    names_bytes = false;
    for (int i = 0; i < segments + ahead; i++) {
        int acknowledged = i < segments ? i + 1 : segments;

        if (i % every == 0 || i >= segments)
            send_flags(streams, FROM_SERVER, TCP_ACK, 0, acknowledged * 10);
        if (i >= ahead)
            send_segment(streams, FROM_CLIENT, (i - ahead) * 10, block, 0);
    }
    return finish(streams);
}

UNIT_TEST(tcp_directions_captured_apart_lose_nothing)
{
    CHECK(strstr(skewed(3, 1, 200), "S1/2000/0") != NULL);
    CHECK(strstr(story.at, "<") == NULL);
    CHECK(strstr(skewed(6, 2, 200), "S1/2000/0") != NULL);
    CHECK(strstr(story.at, "<") == NULL);
    CHECK(strstr(skewed(400, 1, 3000), "S1/30000/0") != NULL);
    CHECK(strstr(story.at, "<") == NULL);
}

UNIT_TEST(tcp_a_server_captured_later_is_waited_for)
{
    struct streams *streams = begin();

    send_flags(streams, FROM_CLIENT, TCP_SYN, -1, -1);
    send_flags(streams, FROM_CLIENT, TCP_ACK, 0, 0);
    send_segment(streams, FROM_CLIENT, 0, "q1", 6); /* answers a greeting that comes later */
    send_segment(streams, FROM_CLIENT, 2, "q2", 8);
    send_flags(streams, FROM_SERVER, TCP_SYN | TCP_ACK, -1, 0);
    send_segment(streams, FROM_SERVER, 0, "hello!", 0);
    send_segment(streams, FROM_SERVER, 6, "A1", 2);
    send_segment(streams, FROM_SERVER, 8, "A2", 4);
    CHECK_TEXT(finish(streams), "s:hello! c:q1 s:A1 c:q2 s:A2 c.capture s.capture | S1/4/10 ");

    streams = begin(); /* and it never comes */
    send_flags(streams, FROM_CLIENT, TCP_SYN, -1, -1);
    send_flags(streams, FROM_CLIENT, TCP_ACK, 0, 0);
    send_segment(streams, FROM_CLIENT, 0, "q1", 6);
    clock_us += 2000000;
    send_segment(streams, FROM_CLIENT, 2, "q2", 8);
    CHECK_TEXT(finish(streams), "c:q1 c:q2 c.capture s.capture | S0/4/0 ");
}

UNIT_TEST(tcp_answers_captured_first_wait_for_their_questions)
{
    struct streams *streams = begin();

    handshake(streams);
    send_segment(streams, FROM_SERVER, 0, "A1", 2);
    send_segment(streams, FROM_SERVER, 2, "A2", 4);
    send_segment(streams, FROM_SERVER, 4, "A3", 6);
    send_segment(streams, FROM_CLIENT, 0, "q1", 0);
    send_segment(streams, FROM_CLIENT, 2, "q2", 2);
    send_segment(streams, FROM_CLIENT, 4, "q3", 4);
    CHECK_TEXT(finish(streams), "c:q1 s:A1 c:q2 s:A2 c:q3 s:A3 c.capture s.capture | S1/6/6 ");
}

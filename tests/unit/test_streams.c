/* test_streams.c - streams/: flows, reassembly, fragments, limits. See story.h for how a flow's story is written. */
#include "base/finding.h"
#include "capture/capture.h"
#include "tests/unit/check.h"
#include "tests/unit/story.h"

#include <stdio.h>
#include <stdlib.h>

UNIT_TEST(streams_tell_a_plain_connection_across_the_wrap)
{
    struct streams *streams = begin();

    handshake(streams);
    send_segment(streams, FROM_SERVER, 0, "0123456789", 0);
    send_segment(streams, FROM_CLIENT, 0, "abc", 10);
    send_segment(streams, FROM_SERVER, 10, "ABCDEFGHIJ", 3);
    send_segment(streams, FROM_SERVER, 20, "end", 3);
    send_flags(streams, FROM_CLIENT, TCP_FIN | TCP_ACK, 3, 23);
    send_flags(streams, FROM_SERVER, TCP_FIN | TCP_ACK, 23, 4);
    CHECK_TEXT(finish(streams), "s:0123456789 c:abc s:ABCDEFGHIJ s:end c.fin s.fin | SF/3/23 ");
}

UNIT_TEST(streams_reorder_and_drop_repetitions)
{
    struct streams *streams = begin();

    handshake(streams);
    send_segment(streams, FROM_CLIENT, 3, "def", 0);
    send_segment(streams, FROM_CLIENT, 9, "jkl", 0);
    send_segment(streams, FROM_CLIENT, 0, "abc", 0);
    send_segment(streams, FROM_CLIENT, 0, "abcdef", 0); /* a repetition with other borders */
    send_segment(streams, FROM_CLIENT, 4, "efghij", 0); /* fills the hole, overlapping on both sides */
    send_segment(streams, FROM_CLIENT, 11, "l", 0);     /* a keep-alive */
    CHECK_TEXT(finish(streams), "c:abc c:def c:ghi c:jkl c.capture s.capture | S1/12/0 ");
    CHECK(findings == 0);
}

UNIT_TEST(streams_keep_the_first_copy_and_tell_of_another)
{
    struct streams *streams = begin_with(OVERLAP_FIRST);

    handshake(streams);
    send_segment(streams, FROM_CLIENT, 3, "def", 0);
    send_segment(streams, FROM_CLIENT, 2, "xDEFx", 0); /* contradicts what is held */
    send_segment(streams, FROM_CLIENT, 0, "ab", 0);
    CHECK_TEXT(finish(streams), "c:ab c:x c:def c:x c.capture s.capture | S1/7/0 ");
    CHECK(findings == 1);

    streams = begin();
    handshake(streams);
    send_segment(streams, FROM_CLIENT, 0, "RCPT TO:<a>", 0);
    send_segment(streams, FROM_CLIENT, 0, "RCPT TO:<b>", 0); /* contradicts what was handed on */
    CHECK_TEXT(finish(streams), "c:RCPT TO:<a> c.capture s.capture | S1/11/0 ");
    CHECK(findings == 1);
}

UNIT_TEST(streams_give_up_a_hole_that_the_other_side_acknowledged)
{
    struct streams *streams = begin();

    handshake(streams);
    send_segment(streams, FROM_CLIENT, 0, "ab", 0);
    /* "cde" is not captured; the server answers it */
    send_segment(streams, FROM_SERVER, 0, "ok", 5);
    for (int i = 0; i < 12; i++)
        send_flags(streams, FROM_CLIENT, TCP_ACK, 5, 2);
    send_segment(streams, FROM_CLIENT, 5, "fg", 2);
    CHECK_TEXT(finish(streams), "c:ab c<3> s:ok c:fg c.capture s.capture | S1/4/2 ");
}

UNIT_TEST(streams_hold_an_answer_until_its_question_is_captured)
{
    struct streams *streams = begin();

    handshake(streams);
    send_segment(streams, FROM_SERVER, 0, "answer", 8);
    send_segment(streams, FROM_CLIENT, 0, "question", 0);
    CHECK_TEXT(finish(streams), "c:question s:answer c.capture s.capture | S1/8/6 ");
}

UNIT_TEST(streams_do_not_take_the_acknowledgment_of_a_lost_fin_for_a_byte)
{
    struct streams *streams = begin();

    handshake(streams);
    send_segment(streams, FROM_CLIENT, 0, "ab", 0);
    send_segment(streams, FROM_SERVER, 0, "bye", 3);
    CHECK_TEXT(finish(streams), "c:ab s:bye c.capture s.capture | S1/2/3 ");
}

UNIT_TEST(streams_read_one_side_alone_and_give_up_its_holes)
{
    struct streams *streams = begin();

    send_segment(streams, FROM_CLIENT, 0, "ab", 0);
    for (int i = 0; i < 40; i++)
        send_segment(streams, FROM_CLIENT, 10 + i, "x", 0);
    names_bytes = false;
    text_clear(&story);
    send_segment(streams, FROM_CLIENT, 50, "y", 0);
    CHECK_TEXT(finish(streams), "c:1 c.capture s.capture | OTH/43/0 ");
}

UNIT_TEST(streams_begin_in_the_middle)
{
    struct streams *streams = begin();

    send_segment(streams, FROM_SERVER, 500, "hello", 77);
    send_segment(streams, FROM_CLIENT, 77, "hi", 505);
    send_segment(streams, FROM_CLIENT, 76, "X", 505); /* a keep-alive before the first byte that we know */
    CHECK_TEXT(finish(streams), "s:hello c:hi c.capture s.capture | OTH/2/5 ");
    CHECK(findings == 0);
}

UNIT_TEST(streams_end_by_reset_and_tell_the_hole_before_it)
{
    struct streams *streams = begin();

    handshake(streams);
    send_segment(streams, FROM_CLIENT, 4, "ef", 0);
    send_flags(streams, FROM_SERVER, TCP_RST | TCP_ACK, 0, 0);
    CHECK_TEXT(finish(streams), "c<4> c:ef s.reset c.reset | RSTR/2/0 ");
    streams = begin();
    send_flags(streams, FROM_CLIENT, TCP_SYN, -1, 0);
    send_flags(streams, FROM_SERVER, TCP_RST | TCP_ACK, -1, 0);
    CHECK_TEXT(finish(streams), "REJ/0/0 ");
}

UNIT_TEST(streams_wait_for_the_bytes_before_a_fin)
{
    struct streams *streams = begin();

    handshake(streams);
    send_flags(streams, FROM_CLIENT, TCP_FIN | TCP_ACK, 4, 0);
    send_segment(streams, FROM_CLIENT, 2, "cd", 0);
    send_segment(streams, FROM_CLIENT, 0, "ab", 0);
    send_segment(streams, FROM_SERVER, 0, "later", 5); /* half closed: the server may go on */
    send_flags(streams, FROM_SERVER, TCP_FIN | TCP_ACK, 5, 5);
    CHECK_TEXT(finish(streams), "c:ab c:cd c.fin s:later s.fin | SF/4/5 ");
}

UNIT_TEST(streams_tell_a_reused_port_from_a_repeated_syn)
{
    struct streams *streams = begin();
    struct packet syn;

    handshake(streams);
    send_flags(streams, FROM_CLIENT, TCP_SYN, -1, -1); /* a repetition */
    send_segment(streams, FROM_CLIENT, 0, "one", 0);
    send_flags(streams, FROM_CLIENT, TCP_FIN | TCP_ACK, 3, 0);
    send_flags(streams, FROM_SERVER, TCP_FIN | TCP_ACK, 0, 4);
    syn = make(FROM_CLIENT, TCP_SYN, 5000, "");
    streams_packets(streams, &syn, 1);
    CHECK_TEXT(finish(streams), "c:one c.fin s.fin | SF/3/0 S0/0/0 ");
}

UNIT_TEST(streams_believe_a_new_connection_when_its_syn_is_answered)
{
    struct streams *streams = begin();
    struct packet packet;

    handshake(streams);
    send_segment(streams, FROM_CLIENT, 0, "one", 0);
    packet = make(FROM_CLIENT, TCP_SYN, 700000, ""); /* the end of the old one was not captured */
    streams_packets(streams, &packet, 1);
    packet = make(FROM_SERVER, TCP_SYN | TCP_ACK, 900000, "");
    packet.acknowledgment = CLIENT_START + 700002;
    streams_packets(streams, &packet, 1);
    send_segment(streams, FROM_CLIENT, 700001, "two", 900001);
    CHECK_TEXT(finish(streams), "c:one c.timeout s.timeout | S1/3/0 c:two c.capture s.capture | S1/3/0 ");
}

UNIT_TEST(streams_read_data_in_the_syn)
{
    struct streams *streams = begin();
    struct packet syn = make(FROM_CLIENT, TCP_SYN, -1, "early"); /* TCP Fast Open, RFC 7413 */

    streams_packets(streams, &syn, 1);
    send_flags(streams, FROM_SERVER, TCP_SYN | TCP_ACK, -1, 5);
    send_segment(streams, FROM_SERVER, 0, "fast", 5);
    send_segment(streams, FROM_CLIENT, 5, " more", 4);
    CHECK_TEXT(finish(streams), "c:early s:fast c: more c.capture s.capture | S1/10/4 ");
}

UNIT_TEST(streams_tell_what_a_short_snapshot_cut_off)
{
    struct streams *streams = begin();
    struct packet packet;

    handshake(streams);
    packet = make(FROM_CLIENT, TCP_ACK, 0, "abcdefgh");
    packet.acknowledgment = SERVER_START + 1;
    packet.payload_length = 100;
    streams_packets(streams, &packet, 1);
    send_segment(streams, FROM_CLIENT, 100, "tail", 0);
    CHECK_TEXT(finish(streams), "c:abcdefgh c<92> c:tail c.capture s.capture | S1/12/0 ");
}

UNIT_TEST(streams_start_a_new_flow_after_a_silence)
{
    struct streams *streams = begin();

    handshake(streams);
    send_segment(streams, FROM_CLIENT, 0, "one", 0);
    clock_us += 4000 * 1000000ll;
    send_segment(streams, FROM_CLIENT, 3, "two", 0);
    CHECK_TEXT(finish(streams), "c:one c.timeout s.timeout | S1/3/0 c:two c.capture s.capture | OTH/3/0 ");
}

UNIT_TEST(streams_take_late_fins_for_repetitions)
{
    struct streams *streams = begin();

    handshake(streams);
    send_flags(streams, FROM_CLIENT, TCP_FIN | TCP_ACK, 0, 0);
    send_flags(streams, FROM_SERVER, TCP_FIN | TCP_ACK, 0, 1);
    clock_us += 100 * 1000000ll; /* nobody has acknowledged the server's FIN */
    send_flags(streams, FROM_SERVER, TCP_FIN | TCP_ACK, 0, 1);
    send_flags(streams, FROM_CLIENT, TCP_ACK, 1, 1);
    clock_us += 40 * 1000000ll; /* now it is over */
    send_flags(streams, FROM_SERVER, TCP_ACK, 1, 1);
    CHECK_TEXT(finish(streams), "SF/0/0 OTH/0/0 ");
}

static void open_with_scaled_windows(struct streams *streams)
{
    struct packet packets[3] = {make(FROM_CLIENT, TCP_SYN, -1, ""), make(FROM_SERVER, TCP_SYN | TCP_ACK, -1, ""), make(FROM_SERVER, TCP_ACK, 0, "")};

    for (int i = 0; i < 2; i++)
        packets[i].options = (struct tcp_options){.has_shift = true, .shift = 14};
    packets[1].acknowledgment = CLIENT_START + 1;
    packets[2].acknowledgment = CLIENT_START + 1;
    streams_packets(streams, packets, 3);
}

UNIT_TEST(streams_stay_within_the_limits_of_what_waits)
{
    struct streams *streams = begin();
    static char block[1001];

    memset(block, 'x', 1000);
    names_bytes = false;
    open_with_scaled_windows(streams); /* so that all of it lies in the window */
    /* every second segment is missing, and nothing is ever acknowledged */
    for (int i = 0; i < 20000; i++)
        send_segment(streams, FROM_CLIENT, 1000 + 2000 * i, block, 0);
    finish(streams);
    CHECK(!story.was_cut);
    CHECK(strncmp(story.at, "c<1000> c:1000 c<1000> c:1000 ", 30) == 0);
    CHECK(strstr(story.at, "S1/20000000/0") != NULL);
}

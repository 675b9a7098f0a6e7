/*
 * test_ftp_data.c - FTP's data connections in packets: a session of 10.0.0.1 at 10.0.0.2, and connections that come before
 * their announcement, from elsewhere, or as nobody announced them.
 */
#include "base/file.h"
#include "base/finding.h"
#include "base/text.h"
#include "dissectors/conversation.h"
#include "dissectors/ftp_record.h"
#include "dissectors/ftp_listing.h"
#include "streams/streams.h"
#include "tests/unit/check.h"

#include <stdio.h>

/* What was written, in the order of writing: "T number command size outcome", "F size sha256's first digits", "L name", "! finding". */
static struct text rows = {.limit = 1 << 16};
static int64_t ids[ID_KINDS];
static int64_t clock_now;

static void add_text(const struct record_text *value, size_t most)
{
    text_append_text(&rows, " ");
    text_append(&rows, value->is_known ? bytes_of(value->value.at, value->value.length < most ? value->value.length : most) : bytes_of_text("-"));
}

static void add_number(const struct record_integer *value)
{
    if (value->is_known)
        text_append_format(&rows, " %lld", (long long)value->value);
    else
        text_append_text(&rows, " -");
}

static void on_write(void *context, const struct record_table *table, const void *record)
{
    (void)context;
    if (table == &ftp_transfer_table) {
        const struct ftp_transfer *transfer = record;

        text_append_text(&rows, "T");
        add_number(&transfer->number);
        add_text(&transfer->command, 8);
        add_number(&transfer->size);
        add_text(&transfer->outcome, 10);
    } else if (table == &file_table) {
        const struct file_record *file = record;

        text_append_text(&rows, "F");
        add_number(&file->size);
        add_text(&file->sha256, 6);
    } else if (table == &ftp_listing_table) {
        const struct ftp_listing_row *entry = record;

        text_append_text(&rows, "L");
        add_text(&entry->name, 20);
    } else if (table == &finding_table) {
        const struct finding *finding = record;

        if (bytes_begin_nocase(finding->name.value, "plaintext"))
            return;
        text_append_text(&rows, "!");
        add_text(&finding->name, 30);
    } else {
        return;
    }
    text_append_text(&rows, "\n");
}

static int64_t on_next_id(void *context, enum id_kind kind)
{
    (void)context;
    return ++ids[kind];
}

/* ---- packets ---- */

struct connection {
    uint8_t host[SIDE_COUNT]; /* 10.0.0.x */
    uint16_t port[SIDE_COUNT];
    uint32_t next[SIDE_COUNT];
};

static void packet(struct streams *streams, struct connection *connection, enum side from, uint8_t flags, struct bytes payload)
{
    enum side to = side_other(from);
    const uint8_t source[4] = {10, 0, 0, connection->host[from]};
    const uint8_t target[4] = {10, 0, 0, connection->host[to]};
    struct packet packet = {
        .decoded = DECODED,
        .protocol = IP_PROTOCOL_TCP,
        .has_transport = true,
        .capture_id = 1,
        .source = address_from_ipv4(source),
        .destination = address_from_ipv4(target),
        .source_port = connection->port[from],
        .destination_port = connection->port[to],
        .sequence = connection->next[from],
        .acknowledgment = connection->next[to],
        .tcp_flags = flags,
        .window = 65535,
        .ttl = 64,
        .payload = payload,
        .payload_length = (uint32_t)payload.length,
        .time_us = clock_now += 1000,
        .clock_us = clock_now,
    };

    streams_packets(streams, &packet, 1);
    connection->next[from] += (uint32_t)payload.length + ((flags & (TCP_SYN | TCP_FIN)) != 0 ? 1 : 0);
}

static struct connection connect_to(struct streams *streams, uint8_t client, uint16_t client_port, uint8_t server, uint16_t server_port)
{
    struct connection connection = {.host = {client, server}, .port = {client_port, server_port}, .next = {1000, 2000}};

    packet(streams, &connection, FROM_CLIENT, TCP_SYN, bytes_of(NULL, 0));
    packet(streams, &connection, FROM_SERVER, TCP_SYN | TCP_ACK, bytes_of(NULL, 0));
    packet(streams, &connection, FROM_CLIENT, TCP_ACK, bytes_of(NULL, 0));
    return connection;
}

static void say(struct streams *streams, struct connection *connection, enum side from, const char *text)
{
    packet(streams, connection, from, TCP_ACK, bytes_of_text(text));
    packet(streams, connection, side_other(from), TCP_ACK, bytes_of(NULL, 0));
}

static void say_much(struct streams *streams, struct connection *connection, enum side from, size_t count)
{
    static const uint8_t zeros[1000];

    for (; count > 0; count -= count < sizeof zeros ? count : sizeof zeros) {
        packet(streams, connection, from, TCP_ACK, bytes_of(zeros, count < sizeof zeros ? count : sizeof zeros));
        packet(streams, connection, side_other(from), TCP_ACK, bytes_of(NULL, 0));
    }
}

static void close_by(struct streams *streams, struct connection *connection, enum side from)
{
    packet(streams, connection, from, TCP_FIN | TCP_ACK, bytes_of(NULL, 0));
    packet(streams, connection, side_other(from), TCP_FIN | TCP_ACK, bytes_of(NULL, 0));
    packet(streams, connection, from, TCP_ACK, bytes_of(NULL, 0));
}

static struct streams *begin_session(struct connection *control)
{
    const struct streams_options options = {
        .reader = &conversation_reader, .write = on_write, .next_id = on_next_id, .memory_limit = 1 << 28, .tcp_policy = OVERLAP_LINUX};
    struct streams *streams = streams_new(&options);

    text_clear(&rows);
    memset(ids, 0, sizeof ids);
    clock_now = 1000000;
    *control = connect_to(streams, 1, 40000, 2, 21);
    say(streams, control, FROM_SERVER, "220 FTP ready\r\n");
    say(streams, control, FROM_CLIENT, "TYPE I\r\n");
    say(streams, control, FROM_SERVER, "200 binary\r\n");
    return streams;
}

static const char *finish_session(struct streams *streams)
{
    streams_finish(streams);
    streams_free(streams);
    return rows.at != NULL ? rows.at : "";
}

#define HELLO_SHA "2cf24d" /* of "hello" */

/* ---- before the announcement ---- */

UNIT_TEST(ftp_data_before_its_announcement)
{
    struct connection control;
    struct streams *streams = begin_session(&control);
    struct connection data;

    say(streams, &control, FROM_CLIENT, "PASV\r\n");
    data = connect_to(streams, 1, 41000, 2, 5001);
    say(streams, &data, FROM_SERVER, "hello");
    close_by(streams, &data, FROM_SERVER);
    say(streams, &control, FROM_SERVER, "227 (10,0,0,2,19,137)\r\n");
    say(streams, &control, FROM_CLIENT, "RETR a\r\n");
    say(streams, &control, FROM_SERVER, "226 done\r\n");
    CHECK_TEXT(finish_session(streams), "F 5 " HELLO_SHA "\nT 1 RETR 5 complete\n");
}

UNIT_TEST(ftp_data_that_began_before_its_announcement)
{
    struct connection control;
    struct streams *streams = begin_session(&control);
    struct connection data;

    data = connect_to(streams, 1, 41000, 2, 5001);
    say(streams, &data, FROM_SERVER, "he");
    say(streams, &control, FROM_CLIENT, "EPSV\r\n");
    say(streams, &control, FROM_SERVER, "229 (|||5001|)\r\n");
    say(streams, &data, FROM_SERVER, "llo");
    say(streams, &control, FROM_CLIENT, "RETR a\r\n");
    close_by(streams, &data, FROM_SERVER);
    say(streams, &control, FROM_SERVER, "226 done\r\n");
    CHECK_TEXT(finish_session(streams), "F 5 " HELLO_SHA "\nT 1 RETR 5 complete\n");
}

/* What is longer than EARLY_LIMIT was not kept: its size is known all the same. */
UNIT_TEST(ftp_data_long_before_its_announcement)
{
    struct connection control;
    struct streams *streams = begin_session(&control);
    struct connection data;

    data = connect_to(streams, 1, 41000, 2, 5001);
    say_much(streams, &data, FROM_SERVER, 300000);
    say(streams, &control, FROM_CLIENT, "PASV\r\n");
    say(streams, &control, FROM_SERVER, "227 (10,0,0,2,19,137)\r\n");
    say(streams, &control, FROM_CLIENT, "RETR a\r\n");
    say_much(streams, &data, FROM_SERVER, 500);
    close_by(streams, &data, FROM_SERVER);
    say(streams, &control, FROM_SERVER, "226 done\r\n");
    CHECK_TEXT(finish_session(streams), "F 300500 -\nT 1 RETR 300500 complete\n");
}

UNIT_TEST(ftp_listing_before_its_announcement)
{
    struct connection control;
    struct streams *streams = begin_session(&control);
    struct connection data;

    data = connect_to(streams, 1, 41000, 2, 5001);
    say(streams, &data, FROM_SERVER, "one\r\ntwo");
    close_by(streams, &data, FROM_SERVER);
    say(streams, &control, FROM_CLIENT, "PASV\r\n");
    say(streams, &control, FROM_SERVER, "227 (10,0,0,2,19,137)\r\n");
    say(streams, &control, FROM_CLIENT, "NLST\r\n");
    say(streams, &control, FROM_SERVER, "226 done\r\n");
    CHECK_TEXT(finish_session(streams), "L one\nL two\nT 1 NLST 8 complete\n");
}

/* Another pair of hosts, or a flow that somebody reads, is not claimed. */
UNIT_TEST(ftp_data_that_is_something_else)
{
    struct connection control;
    struct streams *streams = begin_session(&control);
    struct connection stranger;
    struct connection mail;

    stranger = connect_to(streams, 3, 41000, 2, 5001);
    say(streams, &stranger, FROM_SERVER, "hello");
    say(streams, &control, FROM_CLIENT, "PASV\r\n");
    say(streams, &control, FROM_SERVER, "227 (10,0,0,2,19,137)\r\n");
    mail = connect_to(streams, 1, 41001, 2, 5002);
    say(streams, &mail, FROM_SERVER, "220 mail ESMTP\r\n");
    say(streams, &mail, FROM_CLIENT, "EHLO a\r\n");
    say(streams, &control, FROM_CLIENT, "PASV\r\n");
    say(streams, &control, FROM_SERVER, "227 (10,0,0,2,19,138)\r\n");
    say(streams, &control, FROM_CLIENT, "RETR a\r\n");
    say(streams, &control, FROM_SERVER, "226 done\r\n");
    CHECK_TEXT(finish_session(streams), "T 1 RETR - -\n");
}

/* ---- from elsewhere ---- */

UNIT_TEST(ftp_data_at_a_third_host)
{
    struct connection control;
    struct streams *streams = begin_session(&control);
    struct connection stranger;
    struct connection data;

    say(streams, &control, FROM_CLIENT, "PASV\r\n");
    say(streams, &control, FROM_SERVER, "227 (10,0,0,9,19,137)\r\n");
    stranger = connect_to(streams, 4, 41000, 9, 5001);
    say(streams, &stranger, FROM_SERVER, "SSH-2.0-x\r\n");
    data = connect_to(streams, 1, 41000, 9, 5001);
    say(streams, &control, FROM_CLIENT, "RETR a\r\n");
    say(streams, &data, FROM_SERVER, "hello");
    close_by(streams, &data, FROM_SERVER);
    say(streams, &control, FROM_SERVER, "226 done\r\n");
    CHECK_TEXT(finish_session(streams), "! ssh_unusual_port\n! ftp_passive_foreign\nF 5 " HELLO_SHA "\nT 1 RETR 5 complete\n");
}

/* Only the first connection to the announced port is the transfer; the other announced address is forgotten with it. */
UNIT_TEST(ftp_data_twice_at_one_port)
{
    struct connection control;
    struct streams *streams = begin_session(&control);
    struct connection data;
    struct connection second;

    say(streams, &control, FROM_CLIENT, "PASV\r\n");
    say(streams, &control, FROM_SERVER, "227 (192,168,1,1,19,137)\r\n");
    say(streams, &control, FROM_CLIENT, "RETR a\r\n");
    data = connect_to(streams, 1, 41000, 2, 5001);
    second = connect_to(streams, 1, 41001, 2, 5001);
    say(streams, &second, FROM_SERVER, "220 mail ESMTP\r\n");
    say(streams, &second, FROM_CLIENT, "EHLO a\r\n");
    say(streams, &data, FROM_SERVER, "hello");
    close_by(streams, &data, FROM_SERVER);
    say(streams, &control, FROM_SERVER, "226 done\r\n");
    CHECK_TEXT(finish_session(streams), "F 5 " HELLO_SHA "\nT 1 RETR 5 complete\n");
}

/* Server to server: who named the other one gets the data connection, and says that it was named. */
UNIT_TEST(ftp_data_between_two_servers)
{
    struct connection to_two;
    struct streams *streams = begin_session(&to_two);
    struct connection to_three = connect_to(streams, 1, 40001, 3, 21);
    struct connection data;

    say(streams, &to_three, FROM_SERVER, "220 FTP ready\r\n");
    say(streams, &to_two, FROM_CLIENT, "PASV\r\n");
    say(streams, &to_two, FROM_SERVER, "227 (10,0,0,2,19,137)\r\n");
    say(streams, &to_three, FROM_CLIENT, "PORT 10,0,0,2,19,137\r\n");
    say(streams, &to_three, FROM_SERVER, "200 ok\r\n");
    say(streams, &to_two, FROM_CLIENT, "STOR a\r\n");
    say(streams, &to_three, FROM_CLIENT, "RETR a\r\n");
    data = connect_to(streams, 3, 20, 2, 5001);
    say(streams, &data, FROM_CLIENT, "hello");
    close_by(streams, &data, FROM_CLIENT);
    say(streams, &to_three, FROM_SERVER, "226 done\r\n");
    say(streams, &to_two, FROM_SERVER, "226 done\r\n");
    CHECK_TEXT(finish_session(streams), "! ftp_bounce\nF 5 " HELLO_SHA "\nT 1 RETR 5 complete\nT 1 STOR - -\n");
}

/* No handshake, no greeting: the announcement is enough. */
UNIT_TEST(ftp_data_of_a_session_begun_before)
{
    struct connection control;
    struct streams *streams = begin_session(&control);
    struct connection before = {.host = {1, 2}, .port = {40009, 21}, .next = {5000, 6000}};
    struct connection data;

    say(streams, &before, FROM_CLIENT, "PASV\r\n");
    say(streams, &before, FROM_SERVER, "227 (10,0,0,2,19,137)\r\n");
    say(streams, &before, FROM_CLIENT, "RETR a\r\n");
    data = connect_to(streams, 1, 41000, 2, 5001);
    say(streams, &data, FROM_SERVER, "hello");
    close_by(streams, &data, FROM_SERVER);
    say(streams, &before, FROM_SERVER, "226 done\r\n");
    CHECK_TEXT(finish_session(streams), "F 5 " HELLO_SHA "\nT 1 RETR 5 complete\n");
}

/* RFC 959, 3.3: without PORT or PASV the server comes from port 20 to the port of the control connection. */
UNIT_TEST(ftp_data_at_the_default_port)
{
    struct connection control;
    struct streams *streams = begin_session(&control);
    struct connection data;

    say(streams, &control, FROM_CLIENT, "RETR a\r\n");
    data = connect_to(streams, 2, 20, 1, 40000);
    say(streams, &data, FROM_CLIENT, "hello");
    close_by(streams, &data, FROM_CLIENT);
    say(streams, &control, FROM_SERVER, "226 done\r\n");
    CHECK_TEXT(finish_session(streams), "F 5 " HELLO_SHA "\nT 1 RETR 5 complete\n");
}

/* PORT stands before the capture: the server's port 20 tells. What comes from another port, or to another host, is not it. */
UNIT_TEST(ftp_data_of_an_announcement_before_the_capture)
{
    struct connection control;
    struct streams *streams = begin_session(&control);
    struct connection other;
    struct connection stranger;
    struct connection data;

    say(streams, &control, FROM_CLIENT, "STOR a\r\n");
    other = connect_to(streams, 2, 2020, 1, 50000);
    say(streams, &other, FROM_SERVER, "SSH-2.0-x\r\n");
    stranger = connect_to(streams, 2, 20, 3, 50000);
    say(streams, &stranger, FROM_SERVER, "SSH-2.0-x\r\n");
    data = connect_to(streams, 2, 20, 1, 50001);
    say(streams, &data, FROM_SERVER, "hello");
    close_by(streams, &data, FROM_SERVER);
    say(streams, &control, FROM_SERVER, "226 done\r\n");
    CHECK_TEXT(finish_session(streams), "! ssh_unusual_port\n! ssh_unusual_port\nF 5 " HELLO_SHA "\nT 1 STOR 5 complete\n");
}

/* ---- limits ---- */

UNIT_TEST(ftp_listing_has_limits)
{
    struct connection control;
    struct streams *streams = begin_session(&control);
    struct connection data;
    char names[1000];
    size_t length = 0;
    size_t entries = 0;
    struct bytes rest;

    say(streams, &control, FROM_CLIENT, "PASV\r\n");
    say(streams, &control, FROM_SERVER, "227 (10,0,0,2,19,137)\r\n");
    data = connect_to(streams, 1, 41000, 2, 5001);
    say(streams, &control, FROM_CLIENT, "NLST\r\n");
    while (length + 2 < sizeof names)
        length += (size_t)snprintf(names + length, sizeof names - length, "a\n");
    rows.limit = 1 << 20;
    for (int i = 0; i < 25; i++) {
        say(streams, &data, FROM_SERVER, names);
        if (i == 0)
            say_much(streams, &data, FROM_SERVER, 5000); /* a line without an end */
    }
    close_by(streams, &data, FROM_SERVER);
    say(streams, &control, FROM_SERVER, "226 done\r\n");
    (void)finish_session(streams);
    rest = text_bytes(&rows);
    while (rest.length > 0)
        entries += bytes_begin_nocase(bytes_split(rest, '\n', &rest), "L ") ? 1 : 0;
    CHECK(entries == FTP_LISTING_ROWS_LIMIT);
    CHECK(bytes_contain_nocase(text_bytes(&rows), "! ftp_limit"));
}

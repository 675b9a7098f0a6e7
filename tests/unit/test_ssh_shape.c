/* test_ssh_shape.c - dissectors/ssh_shape.c: the arithmetic of packets and bursts. */
#include "dissectors/ssh_shape.h"
#include "tests/unit/check.h"

#define UNITS 16

/* What was told so far. */
struct told {
    struct ssh_shape shape;
    struct ssh_unit unit[UNITS];
    size_t count;
};

static struct ssh_layout layout(const char *cipher, const char *mac)
{
    return ssh_layout_of(bytes_of_text(cipher), bytes_of_text(mac), bytes_of_text("none"));
}

static void keep(struct told *told, const struct ssh_unit *unit)
{
    if (told->count < UNITS)
        told->unit[told->count] = *unit;
    told->count++;
}

/* Bytes of one side, in pieces of `piece` at one time. */
static void say_bytes(struct told *told, enum side from, struct bytes bytes, size_t piece, int64_t time_us)
{
    struct cursor all = cursor_over(bytes);

    while (cursor_left(&all) > 0) {
        struct cursor part = cursor_over(take_up_to(&all, piece));
        struct ssh_unit unit;

        while (ssh_shape_take(&told->shape, from, &part, time_us, &unit))
            keep(told, &unit);
        CHECK(cursor_left(&part) == 0);
    }
}

/* So many bytes that are no length field. */
static void say(struct told *told, enum side from, size_t length, size_t piece, int64_t time_us)
{
    static uint8_t noise[1 << 17];

    memset(noise, 0xe7, sizeof noise);
    say_bytes(told, from, bytes_of(noise, length), piece, time_us);
}

/* A packet whose length field is in the clear. */
static void say_packet(struct told *told, enum side from, uint32_t length, uint32_t mac, size_t piece, int64_t time_us)
{
    static uint8_t packet[1 << 17];

    memset(packet, 0xe7, sizeof packet);
    packet[0] = (uint8_t)(length >> 24);
    packet[1] = (uint8_t)(length >> 16);
    packet[2] = (uint8_t)(length >> 8);
    packet[3] = (uint8_t)length;
    say_bytes(told, from, bytes_of(packet, 4 + length + mac), piece, time_us);
}

static void miss(struct told *told, enum side from, uint64_t count)
{
    struct ssh_unit unit;

    while (ssh_shape_gap(&told->shape, from, &count, &unit))
        keep(told, &unit);
}

static void end(struct told *told)
{
    struct ssh_unit unit;

    for (enum side side = FROM_CLIENT; side <= FROM_SERVER; side++) {
        while (ssh_shape_end(&told->shape, side, &unit))
            keep(told, &unit);
    }
}

static void begin(struct told *told, struct ssh_layout both)
{
    *told = (struct told){.count = 0};
    ssh_shape_begin(&told->shape, FROM_CLIENT, &both, false, 0);
    ssh_shape_begin(&told->shape, FROM_SERVER, &both, false, 0);
}

UNIT_TEST(ssh_layout_of_names)
{
    struct ssh_layout chacha = layout("chacha20-poly1305@openssh.com", "<implicit>");
    struct ssh_layout gcm = layout("aes256-gcm@openssh.com", "<implicit>");
    struct ssh_layout etm = layout("aes128-ctr", "hmac-sha2-256-etm@openssh.com");
    struct ssh_layout ctr = layout("aes128-ctr", "hmac-sha1");
    struct ssh_layout cbc = layout("3des-cbc", "hmac-md5");

    CHECK(chacha.length_field == SSH_LENGTH_HIDDEN && chacha.outside == 4 && chacha.block == 8 && chacha.mac == 16);
    CHECK(gcm.length_field == SSH_LENGTH_CLEAR && gcm.outside == 4 && gcm.block == 16 && gcm.mac == 16);
    CHECK(etm.length_field == SSH_LENGTH_CLEAR && etm.outside == 4 && etm.block == 16 && etm.mac == 32);
    CHECK(ctr.length_field == SSH_LENGTH_HIDDEN && ctr.outside == 0 && ctr.block == 16 && ctr.mac == 20);
    CHECK(cbc.length_field == SSH_LENGTH_HIDDEN && cbc.outside == 0 && cbc.block == 8 && cbc.mac == 16);
    CHECK(layout("aes128-ctr", "hmac-of-tomorrow").length_field == SSH_LENGTH_UNKNOWN);
    CHECK(layout("", "").length_field == SSH_LENGTH_UNKNOWN);
    /* USERAUTH_SUCCESS, of one byte */
    CHECK(ssh_layout_wire(&chacha, 1) == 28);
    CHECK(ssh_layout_wire(&gcm, 1) == 36);
    CHECK(ssh_layout_wire(&etm, 1) == 52);
    CHECK(ssh_layout_wire(&ctr, 1) == 36);
    CHECK(ssh_layout_wire(&cbc, 1) == 32);
}

UNIT_TEST(ssh_compression_of_names)
{
    struct bytes none = bytes_of_text("none");
    struct told told;

    CHECK(ssh_layout_of(none, none, bytes_of_text("zlib")).compression == SSH_COMPRESSION_AT_ONCE);
    CHECK(ssh_layout_of(none, none, bytes_of_text("zlib@openssh.com")).compression == SSH_COMPRESSION_AFTER_LOGIN);
    CHECK(ssh_layout_of(none, none, bytes_of_text("brotli")).compression == SSH_COMPRESSION_UNKNOWN);
    begin(&told, ssh_layout_of(bytes_of_text("aes128-gcm@openssh.com"), none, bytes_of_text("zlib@openssh.com")));
    say_packet(&told, FROM_SERVER, 16, 16, 999, 1);
    told.shape.is_authenticated = true;
    say_packet(&told, FROM_SERVER, 16, 16, 999, 2);
    CHECK(told.count == 2 && !told.unit[0].is_compressed && told.unit[1].is_compressed);
}

/* Segments do not matter where lengths are in the clear. */
UNIT_TEST(ssh_packets_by_clear_lengths)
{
    for (size_t piece = 1; piece <= 64; piece++) {
        struct told told;

        begin(&told, layout("aes128-gcm@openssh.com", ""));
        say_packet(&told, FROM_CLIENT, 16, 16, piece, 5);
        say_packet(&told, FROM_CLIENT, 48, 16, piece, 5);
        say_packet(&told, FROM_SERVER, 32, 16, piece, 6);
        CHECK(told.count == 3);
        CHECK(told.unit[0].wire_length == 36 && told.unit[0].is_packet && told.unit[0].payload_low == 1 && told.unit[0].payload_high == 11);
        CHECK(told.unit[1].wire_length == 68 && told.unit[1].payload_low == 28 && told.unit[1].payload_high == 43);
        CHECK(told.unit[2].from == FROM_SERVER && told.unit[2].time_us == 6 && told.unit[2].wire_length == 52);
    }
}

/* A hole inside a packet hides nothing; one over a boundary is passed until two lengths chain. */
UNIT_TEST(ssh_packets_after_a_gap)
{
    for (size_t piece = 1; piece <= 64; piece += 7) {
        struct told told;
        uint64_t payload = 0;

        begin(&told, layout("aes128-ctr", "hmac-sha2-256-etm@openssh.com"));
        say_packet(&told, FROM_CLIENT, 64, 0, piece, 1);
        miss(&told, FROM_CLIENT, 32);
        say_packet(&told, FROM_CLIENT, 16, 32, piece, 2);
        CHECK(told.count == 2 && told.unit[0].wire_length == 100 && told.unit[0].is_packet && !told.unit[1].after_gap);
        miss(&told, FROM_CLIENT, 1000);
        say(&told, FROM_CLIENT, 77, piece, 3);
        say_packet(&told, FROM_CLIENT, 80, 32, piece, 3);
        say_packet(&told, FROM_CLIENT, 96, 32, piece, 4);
        say_packet(&told, FROM_CLIENT, 16, 32, piece, 5);
        CHECK(told.count == 6);
        CHECK(told.unit[2].after_gap && !told.unit[2].is_packet && told.unit[2].wire_length == 77);
        CHECK(told.unit[3].is_packet && !told.unit[3].after_gap && told.unit[3].wire_length == 4 + 80 + 32 && told.unit[3].time_us == 3);
        CHECK(told.unit[4].is_packet && told.unit[4].wire_length == 4 + 96 + 32);
        CHECK(told.unit[5].is_packet && told.unit[5].wire_length == 52);
        CHECK(ssh_shape_payload(&told.shape, FROM_CLIENT, &payload));
        CHECK(payload == 59 + 11 + 1000 + (77 - 41) + 75 + 91 + 11);
        end(&told);
        CHECK(told.count == 6);
    }
}

/* Right behind the gap a packet begins. */
UNIT_TEST(ssh_packet_right_after_a_gap)
{
    struct told told;

    begin(&told, layout("aes128-gcm@openssh.com", ""));
    miss(&told, FROM_SERVER, 100);
    say_packet(&told, FROM_SERVER, 32, 16, 999, 1);
    say_packet(&told, FROM_SERVER, 16, 16, 999, 2);
    CHECK(told.count == 2 && told.unit[0].after_gap && told.unit[0].is_packet && told.unit[0].wire_length == 52);
    CHECK(!told.unit[1].after_gap && told.unit[1].is_packet);
}

/* What is cut off is told as it came. */
UNIT_TEST(ssh_packet_cut_off)
{
    struct told told;

    begin(&told, layout("aes128-gcm@openssh.com", ""));
    say_packet(&told, FROM_SERVER, 512, 0, 999, 1);
    end(&told);
    CHECK(told.count == 1 && !told.unit[0].is_packet && told.unit[0].wire_length == 516);
}

/* A length that cannot be: out of step, never a packet of that length. */
UNIT_TEST(ssh_length_that_cannot_be)
{
    struct told told;

    begin(&told, layout("aes128-gcm@openssh.com", ""));
    say_packet(&told, FROM_SERVER, 33, 16, 1, 1);
    say_packet(&told, FROM_SERVER, 48, 16, 1, 2);
    say_packet(&told, FROM_SERVER, 16, 16, 1, 3);
    CHECK(told.count == 3 && !told.unit[0].is_packet && told.unit[0].wire_length == 53);
    CHECK(told.unit[1].is_packet && told.unit[1].wire_length == 68);
}

/* ChaCha20: 20 bytes around a multiple of 8, so the number of packets is known to be even or odd. */
UNIT_TEST(ssh_bursts_of_chacha)
{
    struct told told;

    begin(&told, layout("chacha20-poly1305@openssh.com", ""));
    say(&told, FROM_CLIENT, 44, 1, 1);
    say(&told, FROM_SERVER, 44, 999, 2);
    say(&told, FROM_CLIENT, 28 + 44, 999, 3);
    say(&told, FROM_CLIENT, 84, 999, 4);
    say(&told, FROM_SERVER, 28, 999, 5);
    end(&told);
    CHECK(told.count == 5);
    CHECK(told.unit[0].is_packet && told.unit[0].payload_low == 12 && told.unit[0].payload_high == 19 && told.unit[0].packets_step == 2);
    CHECK(told.unit[2].wire_length == 72 && !told.unit[2].is_packet && told.unit[2].packets_low == 2);
    CHECK(told.unit[3].wire_length == 84 && !told.unit[3].is_packet && told.unit[3].packets_low == 1); /* one, or three of 28 */
    CHECK(told.unit[4].is_packet && told.unit[4].payload_low == 1 && told.unit[4].payload_high == 3);
}

/* AES and SHA-256: all is a multiple of 16, so only the least size of two packets tells. */
UNIT_TEST(ssh_bursts_of_ctr)
{
    struct told told;

    begin(&told, layout("aes256-ctr", "hmac-sha2-256"));
    say(&told, FROM_CLIENT, 80, 1, 1);
    say(&told, FROM_CLIENT, 96, 1, 2);
    end(&told);
    CHECK(told.count == 2 && told.unit[0].is_packet && told.unit[0].payload_low == 24 && told.unit[0].payload_high == 39);
    CHECK(!told.unit[1].is_packet && told.unit[1].packets_low == 1 && told.unit[1].packets_step == 1);
}

/* Full segments belong together, half a packet waits for its rest, and a gap tells no packet. */
UNIT_TEST(ssh_bursts_of_segments)
{
    struct told told;

    begin(&told, layout("chacha20-poly1305@openssh.com", ""));
    say(&told, FROM_SERVER, 1448, 1, 10);
    say(&told, FROM_SERVER, 1448, 1, 30);
    say(&told, FROM_SERVER, 100, 1, 50);
    say(&told, FROM_SERVER, 28, 1, 70);
    say(&told, FROM_SERVER, 27, 1, 90);
    say(&told, FROM_CLIENT, 28, 1, 95);
    say(&told, FROM_SERVER, 9, 1, 99);
    miss(&told, FROM_SERVER, 1);
    say(&told, FROM_SERVER, 36, 1, 200);
    end(&told);
    CHECK(told.count == 5);
    CHECK(told.unit[0].wire_length == 2996 && told.unit[0].time_us == 10 && told.unit[0].end_us == 50);
    CHECK(told.unit[1].wire_length == 28 && told.unit[1].is_packet);
    CHECK(told.unit[2].from == FROM_CLIENT && told.unit[2].is_packet);
    CHECK(told.unit[3].from == FROM_SERVER && told.unit[3].wire_length == 36 && told.unit[3].time_us == 90);
    CHECK(told.unit[4].after_gap && !told.unit[4].is_packet && told.unit[4].packets_low == 0);
}

/* The server's NEWKEYS ended a full segment together with the first bytes behind it: the rest of the packet is in the next. */
UNIT_TEST(ssh_burst_behind_a_segment_in_the_clear)
{
    struct ssh_layout chacha = layout("chacha20-poly1305@openssh.com", "");
    struct told told = {.count = 0};

    ssh_shape_begin(&told.shape, FROM_SERVER, &chacha, false, 1248);
    say(&told, FROM_SERVER, 200, 1, 10);
    say(&told, FROM_SERVER, 116, 1, 30);
    say(&told, FROM_SERVER, 44, 1, 50);
    end(&told);
    CHECK(told.count == 2 && told.unit[0].wire_length == 316 && told.unit[0].packets_low == 1 && told.unit[1].is_packet);
}

/* Nothing is known: bytes are counted, nothing more is claimed. */
UNIT_TEST(ssh_bursts_of_unknown_algorithms)
{
    struct told told;
    uint64_t payload;

    begin(&told, layout("cipher-of-tomorrow", "hmac-sha1"));
    say(&told, FROM_SERVER, 77, 1, 10);
    end(&told);
    CHECK(told.count == 1 && !told.unit[0].is_packet && told.unit[0].payload_low == 0 && told.unit[0].packets_low == 0);
    CHECK(!ssh_shape_payload(&told.shape, FROM_SERVER, &payload));
    CHECK(ssh_layout_wire(&told.shape.side[FROM_SERVER].layout, 1) == 0);
}

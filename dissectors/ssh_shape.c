/*
 * ssh_shape.c - encrypted SSH (RFC 4253, 6; RFC 4344, 4345, 5647, 6668; OpenSSH's PROTOCOL and PROTOCOL.chacha20poly1305):
 * what each algorithm adds to a packet, and from that the packets, or the bursts, of each side.
 *
 * Left out: algorithms that change when keys are exchanged again (the lists are then encrypted; nobody is known to change them).
 */
#include "dissectors/ssh_shape.h"

#define LENGTH_FIELD 4
#define PADDING_LEAST 4 /* RFC 4253, 6 */
#define PACKET_LEAST 16 /* the same; OpenSSH does not hold to it where the length field is apart, Dropbear does */

/* ---- what the algorithms add ---- */

struct cipher {
    const char *name;
    uint8_t block; /* RFC 4253, 6: 8 where the cipher's own is smaller */
    uint8_t tag;   /* of those that authenticate; 0: the MAC does */
    enum ssh_length_field length_field;
};

static const struct cipher ciphers[] = {
    {"chacha20-poly1305@openssh.com", 8, 16, SSH_LENGTH_HIDDEN},
    {"chacha20-poly1305", 8, 16, SSH_LENGTH_HIDDEN},
    {"aes128-gcm@openssh.com", 16, 16, SSH_LENGTH_CLEAR},
    {"aes256-gcm@openssh.com", 16, 16, SSH_LENGTH_CLEAR},
    {"AEAD_AES_128_GCM", 16, 16, SSH_LENGTH_CLEAR},
    {"AEAD_AES_256_GCM", 16, 16, SSH_LENGTH_CLEAR},
    {"aes128-ctr", 16, 0, SSH_LENGTH_HIDDEN},
    {"aes192-ctr", 16, 0, SSH_LENGTH_HIDDEN},
    {"aes256-ctr", 16, 0, SSH_LENGTH_HIDDEN},
    {"aes128-cbc", 16, 0, SSH_LENGTH_HIDDEN},
    {"aes192-cbc", 16, 0, SSH_LENGTH_HIDDEN},
    {"aes256-cbc", 16, 0, SSH_LENGTH_HIDDEN},
    {"rijndael-cbc@lysator.liu.se", 16, 0, SSH_LENGTH_HIDDEN},
    {"rijndael128-cbc", 16, 0, SSH_LENGTH_HIDDEN},
    {"rijndael192-cbc", 16, 0, SSH_LENGTH_HIDDEN},
    {"rijndael256-cbc", 16, 0, SSH_LENGTH_HIDDEN},
    {"serpent128-ctr", 16, 0, SSH_LENGTH_HIDDEN},
    {"serpent192-ctr", 16, 0, SSH_LENGTH_HIDDEN},
    {"serpent256-ctr", 16, 0, SSH_LENGTH_HIDDEN},
    {"serpent128-cbc", 16, 0, SSH_LENGTH_HIDDEN},
    {"serpent192-cbc", 16, 0, SSH_LENGTH_HIDDEN},
    {"serpent256-cbc", 16, 0, SSH_LENGTH_HIDDEN},
    {"twofish128-ctr", 16, 0, SSH_LENGTH_HIDDEN},
    {"twofish192-ctr", 16, 0, SSH_LENGTH_HIDDEN},
    {"twofish256-ctr", 16, 0, SSH_LENGTH_HIDDEN},
    {"twofish128-cbc", 16, 0, SSH_LENGTH_HIDDEN},
    {"twofish192-cbc", 16, 0, SSH_LENGTH_HIDDEN},
    {"twofish256-cbc", 16, 0, SSH_LENGTH_HIDDEN},
    {"twofish-cbc", 16, 0, SSH_LENGTH_HIDDEN},
    {"camellia128-ctr", 16, 0, SSH_LENGTH_HIDDEN},
    {"camellia192-ctr", 16, 0, SSH_LENGTH_HIDDEN},
    {"camellia256-ctr", 16, 0, SSH_LENGTH_HIDDEN},
    {"camellia128-cbc", 16, 0, SSH_LENGTH_HIDDEN},
    {"camellia192-cbc", 16, 0, SSH_LENGTH_HIDDEN},
    {"camellia256-cbc", 16, 0, SSH_LENGTH_HIDDEN},
    {"seed-cbc@ssh.com", 16, 0, SSH_LENGTH_HIDDEN},
    {"3des-cbc", 8, 0, SSH_LENGTH_HIDDEN},
    {"3des-ctr", 8, 0, SSH_LENGTH_HIDDEN},
    {"blowfish-cbc", 8, 0, SSH_LENGTH_HIDDEN},
    {"blowfish-ctr", 8, 0, SSH_LENGTH_HIDDEN},
    {"cast128-cbc", 8, 0, SSH_LENGTH_HIDDEN},
    {"cast128-ctr", 8, 0, SSH_LENGTH_HIDDEN},
    {"idea-cbc", 8, 0, SSH_LENGTH_HIDDEN},
    {"idea-ctr", 8, 0, SSH_LENGTH_HIDDEN},
    {"des-cbc", 8, 0, SSH_LENGTH_HIDDEN},
    {"des-cbc@ssh.com", 8, 0, SSH_LENGTH_HIDDEN},
    {"arcfour", 8, 0, SSH_LENGTH_HIDDEN},
    {"arcfour128", 8, 0, SSH_LENGTH_HIDDEN},
    {"arcfour256", 8, 0, SSH_LENGTH_HIDDEN},
    {"none", 8, 0, SSH_LENGTH_CLEAR},
};

/* Those named NAME-etm@openssh.com are as long; they leave the length field in the clear. */
struct mac {
    const char *name;
    uint8_t length;
    bool encrypts_first;
};

static const struct mac macs[] = {
    {"umac-64-etm@openssh.com", 8, true},
    {"umac-128-etm@openssh.com", 16, true},
    {"hmac-sha2-256-etm@openssh.com", 32, true},
    {"hmac-sha2-512-etm@openssh.com", 64, true},
    {"hmac-sha1-etm@openssh.com", 20, true},
    {"hmac-sha1-96-etm@openssh.com", 12, true},
    {"hmac-md5-etm@openssh.com", 16, true},
    {"hmac-md5-96-etm@openssh.com", 12, true},
    {"hmac-ripemd160-etm@openssh.com", 20, true},
    {"umac-64@openssh.com", 8, false},
    {"umac-128@openssh.com", 16, false},
    {"hmac-sha2-256", 32, false},
    {"hmac-sha2-512", 64, false},
    {"hmac-sha2-256-96", 12, false},
    {"hmac-sha2-512-96", 12, false},
    {"hmac-sha224@ssh.com", 28, false},
    {"hmac-sha256@ssh.com", 32, false},
    {"hmac-sha256-2@ssh.com", 32, false},
    {"hmac-sha384@ssh.com", 48, false},
    {"hmac-sha512@ssh.com", 64, false},
    {"hmac-sha1", 20, false},
    {"hmac-sha1-96", 12, false},
    {"hmac-md5", 16, false},
    {"hmac-md5-96", 12, false},
    {"hmac-ripemd160", 20, false},
    {"hmac-ripemd160@openssh.com", 20, false},
    {"none", 0, false},
};

static enum ssh_compression compression_of(struct bytes name)
{
    if (bytes_equal(name, bytes_of_text("none")))
        return SSH_COMPRESSION_NONE;
    if (bytes_equal(name, bytes_of_text("zlib@openssh.com")))
        return SSH_COMPRESSION_AFTER_LOGIN;
    return bytes_equal(name, bytes_of_text("zlib")) ? SSH_COMPRESSION_AT_ONCE : SSH_COMPRESSION_UNKNOWN;
}

static const struct cipher *find_cipher(struct bytes name)
{
    for (size_t i = 0; i < sizeof ciphers / sizeof ciphers[0]; i++) {
        if (bytes_equal(name, bytes_of_text(ciphers[i].name)))
            return &ciphers[i];
    }
    return NULL;
}

static const struct mac *find_mac(struct bytes name)
{
    for (size_t i = 0; i < sizeof macs / sizeof macs[0]; i++) {
        if (bytes_equal(name, bytes_of_text(macs[i].name)))
            return &macs[i];
    }
    return NULL;
}

struct ssh_layout ssh_layout_of(struct bytes cipher_name, struct bytes mac_name, struct bytes compression)
{
    const struct cipher *cipher = find_cipher(cipher_name);
    const struct mac *mac = find_mac(mac_name);
    struct ssh_layout layout = {.length_field = SSH_LENGTH_UNKNOWN, .compression = compression_of(compression)};

    if (cipher == NULL || (cipher->tag == 0 && mac == NULL))
        return layout;
    layout.block = cipher->block;
    layout.length_field = cipher->length_field;
    if (cipher->tag > 0) {
        layout.mac = cipher->tag;
        layout.outside = LENGTH_FIELD;
        return layout;
    }
    layout.mac = mac->length;
    if (mac->encrypts_first) {
        layout.length_field = SSH_LENGTH_CLEAR;
        layout.outside = LENGTH_FIELD;
    }
    return layout;
}

static uint32_t round_up(uint32_t value, uint32_t block)
{
    return (value + block - 1) / block * block;
}

uint32_t ssh_layout_wire(const struct ssh_layout *layout, uint32_t payload)
{
    uint32_t inside = LENGTH_FIELD - layout->outside + 1 + payload + PADDING_LEAST;

    if (layout->length_field == SSH_LENGTH_UNKNOWN)
        return 0;
    return layout->outside + round_up(inside, layout->block) + layout->mac;
}

/* ---- sizes ---- */

static uint32_t minus(uint32_t value, uint32_t less)
{
    return value > less ? value - less : 0;
}

static uint32_t greatest_common_divisor(uint32_t a, uint32_t b)
{
    while (b > 0) {
        uint32_t rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

/* How many packets can make up that many bytes. False: no number of whole ones. */
static bool count_packets(const struct ssh_layout *layout, uint32_t wire_length, uint32_t *low, uint32_t *step)
{
    uint32_t around = (uint32_t)layout->outside + layout->mac;
    uint32_t least = ssh_layout_wire(layout, 1);

    *step = layout->block / greatest_common_divisor(layout->block, around % layout->block);
    for (*low = 1; *low <= *step && *low * least <= wire_length; ++*low) {
        if ((wire_length - *low * around) % layout->block == 0)
            return true;
    }
    return false;
}

void ssh_layout_payload(const struct ssh_layout *layout, uint32_t wire_length, uint32_t *low, uint32_t *high)
{
    uint32_t length = minus(wire_length, LENGTH_FIELD + layout->mac);

    *high = minus(length, 1 + PADDING_LEAST);
    *low = minus(length, PADDING_LEAST + layout->block);
    if (*low == 0 || length <= PACKET_LEAST)
        *low = 1;
    if (layout->length_field == SSH_LENGTH_UNKNOWN)
        *low = 0;
}

static bool is_compressed(const struct ssh_shape *shape, const struct ssh_shape_side *side)
{
    switch (side->layout.compression) {
    case SSH_COMPRESSION_NONE:
        return false;
    case SSH_COMPRESSION_AFTER_LOGIN:
        return shape->is_authenticated;
    default:
        return true;
    }
}

/* ---- a unit ends ---- */

static void add_payload(struct ssh_shape_side *side, const struct ssh_unit *unit)
{
    uint32_t packets = unit->packets_low > 0 ? unit->packets_low : 1;

    side->payload += minus(unit->wire_length, packets * (LENGTH_FIELD + side->layout.mac + 1 + PADDING_LEAST));
}

/* The open packet is complete. */
static void close_packet(const struct ssh_shape *shape, struct ssh_shape_side *side, struct ssh_unit *unit)
{
    *unit = side->open;
    unit->is_packet = true;
    unit->packets_low = 1;
    unit->packets_step = 1;
    unit->is_compressed = is_compressed(shape, side);
    ssh_layout_payload(&side->layout, unit->wire_length, &unit->payload_low, &unit->payload_high);
    add_payload(side, unit);
    side->open.wire_length = 0;
    side->length_bytes = 0;
}

/* The open burst is over: so much of a packet, of several, or of something that is not known. */
static void close_burst(const struct ssh_shape *shape, struct ssh_shape_side *side, struct ssh_unit *unit)
{
    uint32_t low;
    uint32_t step;

    *unit = side->open;
    if (side->layout.length_field == SSH_LENGTH_HIDDEN && !unit->after_gap && count_packets(&side->layout, unit->wire_length, &low, &step)) {
        unit->packets_low = low;
        unit->packets_step = step;
        unit->is_packet = low == 1 && unit->wire_length < (low + step) * ssh_layout_wire(&side->layout, 1);
    }
    unit->is_compressed = is_compressed(shape, side);
    ssh_layout_payload(&side->layout, unit->wire_length, &unit->payload_low, &unit->payload_high);
    add_payload(side, unit);
    side->open.wire_length = 0;
    side->length_bytes = 0;
}

static void open_unit(struct ssh_shape_side *side, enum side from, int64_t time_us)
{
    side->open = (struct ssh_unit){.from = from, .time_us = time_us, .end_us = time_us, .after_gap = side->after_gap};
    side->after_gap = false;
    side->segment = side->before;
    side->before = 0;
}

/* ---- bursts ---- */

static bool is_whole(const struct ssh_shape_side *side)
{
    uint32_t low;
    uint32_t step;

    if (side->layout.length_field != SSH_LENGTH_HIDDEN || side->open.after_gap)
        return true;
    return count_packets(&side->layout, side->open.wire_length, &low, &step);
}

/* Whether bytes at this time belong to what the side began to send before. */
static bool goes_on(const struct ssh_shape_side *side, int64_t time_us)
{
    if (side->open.wire_length >= SSH_BURST_LIMIT)
        return false;
    if (time_us == side->open.end_us || !is_whole(side))
        return true;
    return side->segment >= SSH_BURST_SEGMENT && time_us - side->open.end_us <= SSH_BURST_PAUSE_US;
}

static bool take_burst(struct ssh_shape *shape, enum side from, struct cursor *bytes, int64_t time_us, struct ssh_unit *unit)
{
    struct ssh_shape_side *side = &shape->side[from];
    uint32_t taken;

    if (cursor_left(bytes) == 0)
        return false;
    if (side->open.wire_length > 0 && !goes_on(side, time_us)) {
        close_burst(shape, side, unit);
        return true;
    }
    if (side->open.wire_length == 0)
        open_unit(side, from, time_us);
    if (time_us != side->open.end_us)
        side->segment = 0;
    taken = (uint32_t)take_up_to(bytes, SSH_BURST_LIMIT - side->open.wire_length).length;
    side->open.end_us = time_us;
    side->open.wire_length += taken;
    side->segment += taken;
    return cursor_left(bytes) > 0 && take_burst(shape, from, bytes, time_us, unit);
}

/* ---- packets ---- */

static bool is_length(const struct ssh_layout *layout, uint32_t length)
{
    return length > PADDING_LEAST + 1 && length <= SSH_SHAPE_PACKET_LIMIT && (length + LENGTH_FIELD - layout->outside) % layout->block == 0;
}

/* The start of the next packet is not known any more; what is open of it goes out as a burst. */
static void lose_step(struct ssh_shape_side *side)
{
    side->is_searching = true;
    side->has_candidate = false;
    side->length_bytes = 0;
    side->left = 0;
}

/* Behind the next length field, or at the end of the bytes. */
static void take_length(struct ssh_shape_side *side, enum side from, struct cursor *bytes, int64_t time_us)
{
    while (side->length_bytes < LENGTH_FIELD && cursor_left(bytes) > 0) {
        if (side->open.wire_length == 0)
            open_unit(side, from, time_us);
        side->length = side->length << 8 | take_u8(bytes);
        side->length_bytes++;
        side->open.wire_length++;
        side->open.end_us = time_us;
    }
}

static bool take_packet(struct ssh_shape *shape, enum side from, struct cursor *bytes, int64_t time_us, struct ssh_unit *unit)
{
    struct ssh_shape_side *side = &shape->side[from];
    uint32_t taken;

    if (side->length_bytes < LENGTH_FIELD) {
        take_length(side, from, bytes, time_us);
        if (side->length_bytes < LENGTH_FIELD)
            return false;
        if (!is_length(&side->layout, side->length)) {
            lose_step(side);
            return false;
        }
        side->left = side->length + side->layout.mac;
    }
    taken = (uint32_t)take_up_to(bytes, side->left).length;
    side->open.wire_length += taken;
    side->open.end_us = taken > 0 ? time_us : side->open.end_us;
    side->left -= taken;
    if (side->left > 0)
        return false;
    close_packet(shape, side, unit);
    return true;
}

/*
 * After a gap: the next four bytes that are a length, followed where they say by four more that are one, begin a packet. By
 * chance both hold once in 2^36 places. Until then the bytes are a burst. A candidate that fails is part of the burst.
 */
static bool confirm(const struct ssh_shape *shape, struct ssh_shape_side *side, enum side from, int64_t time_us, struct ssh_unit *unit)
{
    struct ssh_unit packet = side->candidate;

    side->is_searching = false;
    side->has_candidate = false;
    side->open.wire_length -= packet.wire_length + LENGTH_FIELD;
    if (side->open.wire_length > 0) {
        close_burst(shape, side, unit);
        packet.after_gap = false;
    } else {
        unit->wire_length = 0;
        packet.after_gap = side->open.after_gap;
    }
    side->candidate = packet;
    side->open = (struct ssh_unit){.from = from, .time_us = time_us, .end_us = time_us, .wire_length = LENGTH_FIELD};
    side->length_bytes = LENGTH_FIELD;
    side->left = side->length + side->layout.mac;
    return unit->wire_length > 0;
}

/* The confirmed packet of a search, which stands before what is open. */
static bool take_candidate(const struct ssh_shape *shape, struct ssh_shape_side *side, struct ssh_unit *unit)
{
    struct ssh_unit open = side->open;
    uint8_t length_bytes = side->length_bytes;

    if (side->is_searching || side->candidate.wire_length == 0)
        return false;
    side->open = side->candidate;
    side->candidate.wire_length = 0;
    close_packet(shape, side, unit);
    side->open = open;
    side->length_bytes = length_bytes;
    return true;
}

static bool search(struct ssh_shape *shape, enum side from, struct cursor *bytes, int64_t time_us, struct ssh_unit *unit)
{
    struct ssh_shape_side *side = &shape->side[from];

    while (cursor_left(bytes) > 0) {
        if (side->open.wire_length == 0)
            open_unit(side, from, time_us);
        if (side->open.wire_length >= SSH_BURST_LIMIT && !side->has_candidate) {
            close_burst(shape, side, unit);
            return true;
        }
        if (side->has_candidate && side->left > 0) {
            uint32_t taken = (uint32_t)take_up_to(bytes, side->left).length;

            side->left -= taken;
            side->open.wire_length += taken;
            side->candidate.wire_length += taken;
            side->candidate.end_us = time_us;
            side->open.end_us = time_us;
            continue;
        }
        side->length = side->length << 8 | take_u8(bytes);
        side->length_bytes += side->length_bytes < LENGTH_FIELD ? 1 : 0;
        side->open.wire_length++;
        side->open.end_us = time_us;
        if (side->length_bytes < LENGTH_FIELD)
            continue;
        if (!is_length(&side->layout, side->length)) {
            side->has_candidate = false;
            continue;
        }
        if (side->has_candidate)
            return confirm(shape, side, from, time_us, unit) || take_candidate(shape, side, unit);
        side->has_candidate = true;
        side->candidate = (struct ssh_unit){.from = from, .time_us = time_us, .end_us = time_us, .wire_length = LENGTH_FIELD};
        side->left = side->length + side->layout.mac;
        side->length_bytes = 0;
    }
    return false;
}

/* ---- the sides ---- */

void ssh_shape_begin(struct ssh_shape *shape, enum side from, const struct ssh_layout *layout, bool after_gap, uint32_t before)
{
    struct ssh_shape_side *side = &shape->side[from];

    *side = (struct ssh_shape_side){.layout = *layout, .has_begun = true, .after_gap = after_gap, .before = before};
    side->is_searching = after_gap && layout->length_field == SSH_LENGTH_CLEAR;
}

static bool has_burst(const struct ssh_shape_side *side)
{
    return side->has_begun && side->layout.length_field != SSH_LENGTH_CLEAR && side->open.wire_length > 0;
}

bool ssh_shape_take(struct ssh_shape *shape, enum side from, struct cursor *bytes, int64_t time_us, struct ssh_unit *unit)
{
    struct ssh_shape_side *side = &shape->side[from];
    struct ssh_shape_side *other = &shape->side[side_other(from)];

    if (!side->has_begun) {
        (void)take_up_to(bytes, UINT64_MAX);
        return false;
    }
    if (cursor_left(bytes) > 0 && has_burst(other) && is_whole(other)) {
        close_burst(shape, other, unit);
        return true;
    }
    if (side->layout.length_field != SSH_LENGTH_CLEAR)
        return take_burst(shape, from, bytes, time_us, unit);
    if (take_candidate(shape, side, unit))
        return true;
    while (cursor_left(bytes) > 0) {
        if (side->is_searching ? search(shape, from, bytes, time_us, unit) : take_packet(shape, from, bytes, time_us, unit))
            return true;
    }
    return false;
}

bool ssh_shape_gap(struct ssh_shape *shape, enum side from, uint64_t *count, struct ssh_unit *unit)
{
    struct ssh_shape_side *side = &shape->side[from];
    bool is_clear = side->layout.length_field == SSH_LENGTH_CLEAR;

    if (!side->has_begun || *count == 0)
        return false;
    /* Inside a packet, which does not end before the gap does: its length is known. */
    if (is_clear && !side->is_searching && side->length_bytes == LENGTH_FIELD && *count <= side->left) {
        side->open.wire_length += (uint32_t)*count;
        side->left -= (uint32_t)*count;
        *count = 0;
        if (side->left > 0)
            return false;
        close_packet(shape, side, unit);
        return true;
    }
    if (ssh_shape_end(shape, from, unit))
        return true;
    side->payload += *count;
    side->after_gap = true;
    *count = 0;
    if (is_clear)
        lose_step(side);
    return false;
}

bool ssh_shape_end(struct ssh_shape *shape, enum side from, struct ssh_unit *unit)
{
    struct ssh_shape_side *side = &shape->side[from];

    if (!side->has_begun)
        return false;
    if (take_candidate(shape, side, unit))
        return true;
    if (side->open.wire_length == 0)
        return false;
    side->has_candidate = false;
    close_burst(shape, side, unit);
    return true;
}

bool ssh_shape_payload(const struct ssh_shape *shape, enum side from, uint64_t *payload)
{
    const struct ssh_shape_side *side = &shape->side[from];

    if (!side->has_begun || side->layout.length_field == SSH_LENGTH_UNKNOWN)
        return false;
    *payload = side->payload;
    return true;
}

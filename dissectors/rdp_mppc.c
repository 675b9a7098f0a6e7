/*
 * rdp_mppc.c - see rdp_mppc.h.
 *
 * A packet is a run of codes, most significant bit first:
 *
 *     0 + 7 bits               a byte below 0x80
 *     10 + 7 bits              a byte from 0x80 on
 *     1111... + bits           how far back in the history a copy begins (the prefix tells how many bits),
 *                              then how long it is: n ones, a zero, n + 1 bits; a zero alone: 3 bytes
 *
 * What is left of the last byte is padding. The history ends where the packet that wrote it ended.
 */
#include "dissectors/rdp_mppc.h"

#include "base/memory.h"

#define HISTORY_8K 8192
#define HISTORY_64K 65536

struct rdp_mppc {
    bool is_lost;
    size_t end; /* of what stands in the history */
    uint8_t history[HISTORY_64K];
};

struct bits {
    struct bytes from;
    size_t at; /* in bits */
    bool is_over;
};

struct rdp_mppc *rdp_mppc_new(void)
{
    return memory_new_zeroed(1, sizeof(struct rdp_mppc));
}

void rdp_mppc_free(struct rdp_mppc *mppc)
{
    memory_free(mppc);
}

void rdp_mppc_lost(struct rdp_mppc *mppc)
{
    if (mppc != NULL)
        mppc->is_lost = true;
}

static unsigned take_bit(struct bits *bits)
{
    unsigned bit;

    if (bits->at >= 8 * bits->from.length) {
        bits->is_over = true;
        return 0;
    }
    bit = bits->from.at[bits->at / 8] >> (7 - bits->at % 8) & 1u;
    bits->at++;
    return bit;
}

static uint32_t take_bits(struct bits *bits, unsigned count)
{
    uint32_t value = 0;

    while (count-- > 0)
        value = value << 1 | take_bit(bits);
    return value;
}

/* So many ones, at most `most`; a zero behind fewer is taken. */
static unsigned take_ones(struct bits *bits, unsigned most)
{
    unsigned count = 0;

    while (count < most && take_bit(bits) == 1)
        count++;
    return count;
}

/* Behind "11": how far back. */
static uint32_t take_offset(struct bits *bits, bool is_64k)
{
    static const struct {
        uint8_t width;
        uint16_t base;
    } small[] = {{13, 320}, {8, 64}, {6, 0}}, large[] = {{16, 2368}, {11, 320}, {8, 64}, {6, 0}};
    /* 8K: 110, 1110, 1111; 64K: 110, 1110, 11110, 11111 */
    unsigned ones = take_ones(bits, is_64k ? 3 : 2);

    return is_64k ? large[ones].base + take_bits(bits, large[ones].width) : small[ones].base + take_bits(bits, small[ones].width);
}

/* 0: no copy is so long. */
static uint32_t take_copy_length(struct bits *bits, bool is_64k)
{
    unsigned most = is_64k ? 15 : 12; /* 64K: up to 65535, 8K: up to 8191 */
    unsigned ones = take_ones(bits, most);

    if (ones == 0)
        return 3;
    if (ones == most)
        return 0;
    return (1u << (ones + 1)) + take_bits(bits, ones + 1);
}

static bool copy(struct rdp_mppc *mppc, size_t size, uint32_t offset, uint32_t length)
{
    size_t from;

    if (offset == 0 || offset > size || length == 0 || length > size - mppc->end)
        return false;
    from = (mppc->end + size - offset) % size;
    for (; length > 0; length--) {
        mppc->history[mppc->end++] = mppc->history[from];
        from = (from + 1) % size;
    }
    return true;
}

static bool add_literal(struct rdp_mppc *mppc, size_t size, uint32_t byte)
{
    if (mppc->end >= size)
        return false;
    mppc->history[mppc->end++] = (uint8_t)byte;
    return true;
}

static bool expand(struct rdp_mppc *mppc, bool is_64k, struct bytes packet)
{
    size_t size = is_64k ? HISTORY_64K : HISTORY_8K;
    struct bits bits = {.from = packet};

    while (8 * packet.length - bits.at >= 8) {
        bool is_good;

        if (take_bit(&bits) == 0) {
            is_good = add_literal(mppc, size, take_bits(&bits, 7));
        } else if (take_bit(&bits) == 0) {
            is_good = add_literal(mppc, size, 0x80 | take_bits(&bits, 7));
        } else {
            uint32_t offset = take_offset(&bits, is_64k);

            is_good = copy(mppc, size, offset, take_copy_length(&bits, is_64k));
        }
        if (!is_good || bits.is_over)
            return false;
    }
    return true;
}

bool rdp_mppc_read(struct rdp_mppc *mppc, uint8_t flags, struct bytes packet, struct bytes *plain)
{
    unsigned kind = flags & 0x0f;
    size_t start;

    if (mppc == NULL || kind > RDP_COMPRESSION_64K)
        return false;
    if ((flags & RDP_PACKET_FLUSHED) != 0) {
        memset(mppc->history, 0, sizeof mppc->history);
        mppc->end = 0;
        mppc->is_lost = false;
    }
    if ((flags & RDP_PACKET_COMPRESSED) == 0) {
        *plain = packet;
        return true;
    }
    if (mppc->is_lost)
        return false;
    if ((flags & RDP_PACKET_AT_FRONT) != 0)
        mppc->end = 0;
    start = mppc->end;
    if (!expand(mppc, kind == RDP_COMPRESSION_64K, packet)) {
        mppc->is_lost = true;
        return false;
    }
    *plain = bytes_of(mppc->history + start, mppc->end - start);
    return true;
}

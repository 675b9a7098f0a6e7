/*
 * checksum.c - the Internet checksum (RFC 1071), over every packet.
 *
 * The sum does not depend on the byte order in which it is made (RFC 1071 section 1.2 B): it is made in the machine's
 * own, and turned at the end.
 */
#include "capture/decode.h"

#include <arpa/inet.h>

static inline uint64_t add_with_carry(uint64_t sum, uint64_t more)
{
    sum += more;
    return sum + (sum < more);
}

/* Down to 16 bits, in network order. */
static uint16_t folded(uint64_t sum)
{
    sum = (sum >> 32) + (sum & 0xffffffff);
    sum = (sum >> 16) + (sum & 0xffff);
    sum = (sum >> 16) + (sum & 0xffff);
    sum = (sum >> 16) + (sum & 0xffff);
    return ntohs((uint16_t)sum);
}

/*
 * Words of 32 bits into a sum of 64: no carry is lost below 16 GiB, and the compiler makes it eight or sixteen words a turn
 * where the processor can, and an odd end is one word more, with zeros behind it.
 */
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
__attribute__((optimize("O3"), target_clones("avx2", "default")))
#endif
static uint64_t
sum_of_words(const uint8_t *at, size_t count)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        uint32_t word;

        memcpy(&word, at + i * sizeof word, sizeof word);
        sum += word;
    }
    return sum;
}

static uint64_t raw_sum(struct bytes bytes)
{
    struct cursor cursor = cursor_over(bytes);
    size_t words = cursor_left(&cursor) / sizeof(uint32_t);
    uint64_t sum = sum_of_words(take_bytes(&cursor, words * sizeof(uint32_t)).at, words);
    struct bytes rest = take_up_to(&cursor, sizeof(uint32_t) - 1);
    uint32_t last = 0;

    memcpy(&last, rest.at, rest.length);
    return sum + last;
}

uint16_t checksum_sum(struct bytes bytes)
{
    return folded(raw_sum(bytes));
}

enum checksum_state checksum_of_header(struct bytes header)
{
    uint16_t sum = checksum_sum(header);
    struct cursor cursor = cursor_over(header);

    if (sum == 0xffff)
        return CHECKSUM_GOOD;
    skip_bytes(&cursor, 10);
    return take_u16_be(&cursor) == 0 ? CHECKSUM_OFFLOADED : CHECKSUM_WRONG;
}

enum checksum_state checksum_of_message(struct bytes message)
{
    return checksum_sum(message) == 0xffff ? CHECKSUM_GOOD : CHECKSUM_WRONG;
}

static uint64_t address_sum(const struct address *address)
{
    uint64_t words[2];

    memcpy(words, address->bytes, sizeof words); /* behind an IPv4 address there are zeros */
    return add_with_carry(words[0], words[1]);
}

/* Of the pseudo-header without its length. */
static uint64_t pseudo_sum(const struct decoder *decoder)
{
    const struct packet *packet = decoder->packet;
    const struct address *source = decoder->pseudo_source.is_set ? &decoder->pseudo_source.address : &packet->source;
    const struct address *destination = decoder->pseudo_destination.is_set ? &decoder->pseudo_destination.address : &packet->destination;

    return add_with_carry(add_with_carry(address_sum(source), address_sum(destination)), htons(packet->protocol));
}

enum checksum_state checksum_of_transport(const struct decoder *decoder, struct bytes covered, uint32_t length, uint16_t field)
{
    uint64_t without_length = pseudo_sum(decoder);
    uint64_t pseudo = add_with_carry(without_length, htonl(length));

    if (folded(add_with_carry(pseudo, raw_sum(covered))) == 0xffff)
        return CHECKSUM_GOOD;
    /* what a sender leaves for its card: the sum that the card goes on from, without the length where the card cuts segments */
    if (field == 0 || field == folded(pseudo) || field == folded(without_length))
        return CHECKSUM_OFFLOADED;
    return CHECKSUM_WRONG;
}

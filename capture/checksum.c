/*
 * checksum.c - the Internet checksum (RFC 1071), over every packet: the loop takes 32 bytes a turn.
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

static uint64_t raw_sum(struct bytes bytes)
{
    struct cursor cursor = cursor_over(bytes);
    uint64_t sums[4] = {0};
    uint64_t words[4];

    /* four sums, for none has to wait for another's carry */
    while (cursor_left(&cursor) >= sizeof words) {
        memcpy(words, take_bytes(&cursor, sizeof words).at, sizeof words);
        for (int i = 0; i < 4; i++)
            sums[i] = add_with_carry(sums[i], words[i]);
    }
    while (cursor_left(&cursor) > 0) {
        struct bytes rest = take_up_to(&cursor, sizeof words[0]);

        words[0] = 0;
        memcpy(words, rest.at, rest.length);
        sums[0] = add_with_carry(sums[0], words[0]);
    }
    return add_with_carry(add_with_carry(sums[0], sums[1]), add_with_carry(sums[2], sums[3]));
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

/* community_id.c - see community_id.h */
#include "streams/community_id.h"

#include "base/packet.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

struct icmp_pair {
    uint8_t type;
    uint8_t answer;
};

/* ICMP types that ask and those that answer: together they are one conversation. */
static const struct icmp_pair icmp_pairs[] = {{8, 0}, {0, 8}, {13, 14}, {14, 13}, {15, 16}, {16, 15}, {10, 9}, {9, 10}, {17, 18}, {18, 17}};
static const struct icmp_pair icmp6_pairs[] = {
    {128, 129}, {129, 128}, {133, 134}, {134, 133}, {135, 136}, {136, 135}, {130, 131}, {131, 130}, {144, 145}, {145, 144}, {139, 140}, {140, 139},
};

/* The counterpart of an ICMP type as the second port; without one the flow has a single direction. */
static bool icmp_counterpart(uint8_t protocol, uint16_t type, uint16_t *counterpart)
{
    const struct icmp_pair *pairs = protocol == IP_PROTOCOL_ICMP ? icmp_pairs : icmp6_pairs;
    size_t count = protocol == IP_PROTOCOL_ICMP ? sizeof icmp_pairs / sizeof icmp_pairs[0] : sizeof icmp6_pairs / sizeof icmp6_pairs[0];

    for (size_t i = 0; i < count; i++) {
        if (pairs[i].type == type) {
            *counterpart = pairs[i].answer;
            return true;
        }
    }
    return false;
}

static size_t put(uint8_t *out, const void *bytes, size_t length)
{
    memcpy(out, bytes, length);
    return length;
}

static size_t put_port(uint8_t *out, uint16_t port)
{
    out[0] = (uint8_t)(port >> 8);
    out[1] = (uint8_t)port;
    return 2;
}

bool community_id(const struct address *source, const struct address *destination, uint8_t protocol, bool has_ports, uint16_t source_port,
                  uint16_t destination_port, char text[COMMUNITY_ID_SIZE])
{
    uint8_t message[2 + 16 + 16 + 2 + 4] = {0, 0};
    uint8_t digest[SHA_DIGEST_LENGTH];
    size_t address_length = source->version == 4 ? 4 : 16;
    size_t length = 2;
    bool is_one_way = false;
    bool is_ordered;
    int order = memcmp(source->bytes, destination->bytes, address_length);

    if (protocol == IP_PROTOCOL_ICMP || protocol == IP_PROTOCOL_ICMP6)
        is_one_way = !icmp_counterpart(protocol, source_port, &destination_port);
    is_ordered = is_one_way || order < 0 || (order == 0 && (!has_ports || source_port < destination_port));
    length += put(message + length, is_ordered ? source->bytes : destination->bytes, address_length);
    length += put(message + length, is_ordered ? destination->bytes : source->bytes, address_length);
    message[length++] = protocol;
    message[length++] = 0;
    if (has_ports) {
        length += put_port(message + length, is_ordered ? source_port : destination_port);
        length += put_port(message + length, is_ordered ? destination_port : source_port);
    }
    if (SHA1(message, length, digest) == NULL)
        return false;
    memcpy(text, "1:", 2);
    return EVP_EncodeBlock((unsigned char *)text + 2, digest, sizeof digest) == 28;
}

/* Fresh addresses for the copies: 10.0.0.0/8 and fd00::/8, in pools of equal width of text, so that a text in a payload can
 * be replaced in place. Every role (host 0, host 1, ... of a scene) has its own share of a pool: who is a client in one copy
 * is no server in another. */
#define _GNU_SOURCE 1

#include "load.h"

#include <stdio.h>
#include <string.h>

enum { POOLS_MAX = 64 };

#define SPREAD_PRIME UINT64_C(4294967291) /* greater than any pool: multiplying by it permutes the pool */
#define POOL_MOST (UINT64_C(1) << 31)

struct pool {
    bool is_ipv6;
    unsigned text_width;
    uint64_t share;  /* addresses for each of the HOSTS_MAX roles */
    uint64_t copies; /* pairs dealt out so far */
};

static struct pool pools[POOLS_MAX];
static size_t pool_count;

/* Digits of the three octets after "10.", so that the text is `width` long; false if there is no such address. */
static bool ipv4_layout(unsigned width, unsigned digits[3])
{
    if (width < 8 || width > 14)
        return false;
    for (unsigned octet = 0; octet < 3; octet++)
        digits[octet] = (width - 5 + 2 - octet) / 3;
    return true;
}

/* Hexadecimal digits of the groups after "fdXX". Returns their number, 0 if impossible. Seven groups are a whole address,
 * before the last of fewer groups stands "::". */
static size_t ipv6_layout(unsigned width, unsigned digits[7])
{
    if (width < 7 || width > 39)
        return 0;
    if (width > 35) {
        for (unsigned group = 0; group < 7; group++)
            digits[group] = (width - 11 + 6 - group) / 7;
        return 7;
    }
    unsigned rest = width - 6;
    unsigned last = rest < 4 ? rest : 4;
    rest -= last;
    if (rest == 1) {
        last--;
        rest++;
    }
    size_t count = 0;
    while (rest > 0) {
        unsigned taken = rest < 5 ? rest : 5;
        if (rest - taken == 1)
            taken--;
        digits[count++] = taken - 1;
        rest -= taken;
    }
    digits[count++] = last;
    return count;
}

static void octet_range(unsigned digits, bool is_last, unsigned *lowest, unsigned *count)
{
    static const unsigned lowest_by_digits[] = {0, 0, 10, 100};
    static const unsigned end_by_digits[] = {0, 10, 100, 256};
    *lowest = lowest_by_digits[digits];
    unsigned end = end_by_digits[digits];
    if (is_last && digits == 1)
        *lowest = 1;
    if (is_last && digits == 3)
        end = 255;
    *count = end - *lowest;
}

static void format_ipv4(unsigned width, uint64_t value, char *text, size_t size)
{
    unsigned digits[3];
    unsigned octets[3];
    if (!ipv4_layout(width, digits))
        fail("internal error: no IPv4 address of width %u", width);
    for (unsigned octet = 3; octet-- > 0;) {
        unsigned lowest, count;
        octet_range(digits[octet], octet == 2, &lowest, &count);
        octets[octet] = lowest + (unsigned)(value % count);
        value /= count;
    }
    snprintf(text, size, "10.%u.%u.%u", octets[0], octets[1], octets[2]);
}

static void format_ipv6(unsigned width, uint64_t value, char *text, size_t size)
{
    static const char hexadecimal[] = "0123456789abcdef";
    unsigned digits[7];
    size_t groups = ipv6_layout(width, digits);
    if (groups == 0 || width >= size)
        fail("internal error: no IPv6 address of width %u", width);
    size_t position = width;
    text[position] = '\0';
    for (size_t group = groups; group-- > 0;) {
        for (unsigned digit = digits[group]; digit-- > 0;) {
            unsigned lowest = digit == 0 ? 1 : 0;
            text[--position] = hexadecimal[lowest + value % (16 - lowest)];
            value /= 16 - lowest;
        }
        text[--position] = ':';
        if (group == groups - 1 && groups < 7)
            text[--position] = ':';
    }
    text[--position] = hexadecimal[value % 16];
    text[--position] = hexadecimal[value / 16 % 16];
    memcpy(text, "fd", 2);
}

static uint64_t pool_size(bool is_ipv6, unsigned width)
{
    uint64_t size = 1;
    unsigned digits[7];
    if (!is_ipv6) {
        if (!ipv4_layout(width, digits))
            return 0;
        for (unsigned octet = 0; octet < 3; octet++) {
            unsigned lowest, count;
            octet_range(digits[octet], octet == 2, &lowest, &count);
            size *= count;
        }
        return size;
    }
    size_t groups = ipv6_layout(width, digits);
    if (groups == 0)
        return 0;
    size = 256;
    for (size_t group = 0; group < groups; group++)
        for (unsigned digit = 0; digit < digits[group] && size < POOL_MOST; digit++)
            size *= digit == 0 ? 15 : 16;
    return size < POOL_MOST ? size : POOL_MOST;
}

struct pool *pool_of(bool is_ipv6, unsigned width)
{
    for (size_t index = 0; index < pool_count; index++)
        if (pools[index].is_ipv6 == is_ipv6 && pools[index].text_width == width)
            return &pools[index];
    uint64_t size = pool_size(is_ipv6, width);
    if (size < HOSTS_MAX || pool_count == POOLS_MAX)
        return NULL;
    pools[pool_count] = (struct pool){.is_ipv6 = is_ipv6, .text_width = width, .share = size / HOSTS_MAX};
    return &pools[pool_count++];
}

static void pool_address(const struct pool *pool, size_t role, uint64_t ordinal, struct address *address)
{
    uint64_t spread = ordinal % pool->share * (SPREAD_PRIME % pool->share) % pool->share;
    uint64_t value = spread * HOSTS_MAX + role;
    address->length = pool->is_ipv6 ? 16 : 4;
    if (pool->is_ipv6)
        format_ipv6(pool->text_width, value, address->text, sizeof address->text);
    else
        format_ipv4(pool->text_width, value, address->text, sizeof address->text);
    if (inet_pton(pool->is_ipv6 ? AF_INET6 : AF_INET, address->text, address->bytes) != 1)
        fail("internal error: %s is not an address", address->text);
    address->sum = sum_bytes(address->bytes, address->length);
}

/* Host 0's ordinal and the round in which it comes again are together unique to the copy; every further host's ordinal moves
 * on with the round, so that each pair of addresses is dealt out once. */
bool fresh_addresses(const struct host *hosts, size_t host_count, struct address *addresses)
{
    struct pool *first = hosts[0].pool;
    uint64_t ordinal = first->copies % first->share;
    uint64_t round = first->copies / first->share;
    for (size_t role = 1; role < host_count; role++)
        if (round * role >= hosts[role].pool->share)
            return false;
    first->copies++;
    for (size_t role = 0; role < host_count; role++)
        pool_address(hosts[role].pool, role, ordinal + round * role, &addresses[role]);
    return true;
}

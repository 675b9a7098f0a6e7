/*
 * ssh_sides.c - which side of an SSH connection is the client, where only what they say can tell it. Both begin alike; but the key exchange
 * algorithms that each names (RFC 4253, 7.1) hold words that one role alone may say: RFC 8308, 2.1, and OpenSSH's strict key exchange.
 */
#include "dissectors/ssh_session.h"

#define MESSAGE_KEXINIT 20
#define COOKIE_LENGTH 16

enum role {
    ROLE_WAITS,   /* its algorithms are not there yet */
    ROLE_UNKNOWN, /* they do not tell */
    ROLE_CLIENT,
    ROLE_SERVER,
};

static enum role role_of_names(struct bytes names)
{
    enum role role = ROLE_UNKNOWN;

    while (names.length > 0) {
        struct bytes name = bytes_split(names, ',', &names);

        if (bytes_equal(name, bytes_of_text("ext-info-c")) || bytes_equal(name, bytes_of_text("kex-strict-c-v00@openssh.com")))
            role = ROLE_CLIENT;
        else if (bytes_equal(name, bytes_of_text("ext-info-s")) || bytes_equal(name, bytes_of_text("kex-strict-s-v00@openssh.com")))
            role = ROLE_SERVER;
    }
    return role;
}

static enum role role_of_kexinit(struct cursor packet)
{
    uint32_t length = take_u32_be(&packet);
    struct bytes names;

    skip_bytes(&packet, 1);
    if (take_u8(&packet) != MESSAGE_KEXINIT && cursor_is_good(&packet))
        return ROLE_UNKNOWN;
    skip_bytes(&packet, COOKIE_LENGTH);
    if (length > IDENTIFY_LIMIT * 2)
        return ROLE_UNKNOWN;
    names = take_bytes(&packet, take_u32_be(&packet));
    return cursor_is_good(&packet) ? role_of_names(names) : ROLE_WAITS;
}

/* The side's identification, which lines of text may precede, and its first packet. */
static enum role role_of(struct bytes said, bool has_start)
{
    struct cursor cursor = cursor_over(said);

    if (!has_start)
        return ROLE_UNKNOWN;
    for (;;) {
        struct bytes line = take_line(&cursor);

        if (!cursor_is_good(&cursor))
            return said.length < IDENTIFY_LIMIT ? ROLE_WAITS : ROLE_UNKNOWN;
        if (ssh_match_identification(line) == MATCH_YES)
            break;
    }
    return role_of_kexinit(cursor);
}

enum match ssh_match_sides(const struct first_bytes *first)
{
    enum role client = role_of(first->side[FROM_CLIENT], first->has_start[FROM_CLIENT]);
    enum role server = role_of(first->side[FROM_SERVER], first->has_start[FROM_SERVER]);

    if (client == ROLE_CLIENT || server == ROLE_SERVER)
        return MATCH_YES;
    if (client == ROLE_SERVER || server == ROLE_CLIENT)
        return MATCH_NO;
    return client == ROLE_WAITS || server == ROLE_WAITS ? MATCH_MAYBE : MATCH_YES;
}

/*
 * ssh_identification.c - the lines that an SSH connection begins with (RFC 4253, 4.2).
 */
#include "dissectors/ssh_session.h"

enum match ssh_match_identification(struct bytes bytes)
{
    struct cursor cursor = cursor_over(bytes);
    struct bytes start = take_up_to(&cursor, strlen("SSH-"));
    int digit = peek_u8(&cursor);

    if (start.length > 0 && memcmp(start.at, "SSH-", start.length) != 0)
        return MATCH_NO;
    if (digit < 0)
        return MATCH_MAYBE;
    return digit >= '0' && digit <= '9' ? MATCH_YES : MATCH_NO;
}

/* A server may send lines of text first (RFC 4253, 4.2). */
static enum match match_server(struct bytes bytes)
{
    struct bytes rest = bytes;

    while (rest.length > 0) {
        enum match match = ssh_match_identification(rest);

        if (match != MATCH_NO)
            return match;
        (void)bytes_split(rest, '\n', &rest);
    }
    return MATCH_MAYBE;
}

enum match ssh_match(const struct first_bytes *first)
{
    enum match client = ssh_match_identification(first->side[FROM_CLIENT]);
    enum match server = match_server(first->side[FROM_SERVER]);

    if (client == MATCH_YES || server == MATCH_YES)
        return MATCH_YES;
    /* Whatever a client says to SSH's port, the server may yet identify itself. */
    if (client == MATCH_NO && first->port_agrees)
        return MATCH_MAYBE;
    return client;
}

/* "1.5" of "SSH-1.5-software"; empty where the side has not been identified. */
static struct bytes version_of(const struct ssh_side *side)
{
    struct bytes rest;
    struct bytes version;

    (void)bytes_split(text_bytes(&side->identification), '-', &rest);
    version = bytes_split(rest, '-', &rest);
    return version;
}

bool ssh_speaks_only_ssh1(const struct ssh_side *side)
{
    struct bytes version = version_of(side);

    return bytes_begin_nocase(version, "1.") && !bytes_equal(version, bytes_of_text("1.99"));
}

enum verdict ssh_on_line(struct conversation *conversation, struct ssh_side *side, enum side from, struct cursor *bytes)
{
    struct cursor unit = *bytes;
    enum match match = ssh_match_identification(peek_bytes(&unit));
    size_t length = cursor_left(&unit);
    struct bytes line;

    if (match == MATCH_MAYBE)
        return VERDICT_NEED_MORE;
    if (match == MATCH_NO) {
        side->phase = SSH_TEXT_BEFORE;
        return VERDICT_GO_ON;
    }
    line = take_line(&unit);
    if (!cursor_is_good(&unit) && length <= SSH_IDENTIFICATION_WAIT)
        return VERDICT_NEED_MORE;
    if (!cursor_is_good(&unit)) {
        side->phase = SSH_PASSED_OVER;
        return VERDICT_GO_ON;
    }
    length -= cursor_left(&unit);
    if (length > SSH_IDENTIFICATION_LIMIT)
        conversation_finding(conversation, "notice", "ssh_identification_too_long", "the %s identified itself with %zu bytes; RFC 4253 allows %d",
                             side_name(from), length, SSH_IDENTIFICATION_LIMIT);
    text_append(&side->identification, line);
    side->phase = SSH_PACKETS;
    *bytes = unit;
    return VERDICT_GO_ON;
}

void ssh_on_text_before(struct ssh_side *side, struct cursor *bytes)
{
    struct bytes rest = peek_bytes(bytes);
    struct bytes line = bytes_split(rest, '\n', &rest);
    bool has_end = rest.at != NULL;

    skip_bytes(bytes, line.length + (has_end ? 1 : 0));
    side->text_before += (uint32_t)line.length;
    if (has_end)
        side->phase = SSH_IDENTIFICATION;
    if (side->text_before > SSH_TEXT_BEFORE_LIMIT)
        side->phase = SSH_PASSED_OVER;
}

struct bytes ssh_agreed_version(const struct ssh *ssh)
{
    struct bytes client = version_of(&ssh->side[FROM_CLIENT]);
    struct bytes server = version_of(&ssh->side[FROM_SERVER]);

    if (server.length == 0)
        return client;
    if (client.length > 0 && bytes_equal(server, bytes_of_text("1.99")))
        return client;
    return server;
}

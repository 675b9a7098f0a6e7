/*
 * ssh_identification.c - the lines that an SSH connection begins with (RFC 4253, 4.2 and 5).
 */
#include "dissectors/ssh_session.h"

#include <inttypes.h>

enum match ssh_match_identification(struct bytes bytes)
{
    struct cursor cursor = cursor_over(bytes);
    struct bytes start = take_up_to(&cursor, strlen("SSH-"));
    int digit = peek_u8(&cursor);

    if (start.length > 0 && memcmp(start.at, "SSH-", start.length) != 0)
        return MATCH_NO;
    if (digit < 0)
        return MATCH_MAYBE;
    if (digit >= '0' && digit <= '9')
        return MATCH_YES;
    /* chisel names itself in the version's place: "SSH-chisel-v3-client". */
    start = take_up_to(&cursor, strlen("chisel-"));
    if (memcmp(start.at, "chisel-", start.length) != 0)
        return MATCH_NO;
    return start.length == strlen("chisel-") ? MATCH_YES : MATCH_MAYBE;
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
        return first->sides_are_open ? ssh_match_sides(first) : MATCH_YES;
    /* Whatever a client says to SSH's port, the server may yet identify itself. */
    if (client == MATCH_NO && first->port_agrees)
        return MATCH_MAYBE;
    return client;
}

/* ---- versions ---- */

/* "1.5" of "SSH-1.5-software"; empty where the side has not been identified. */
static struct bytes version_of(const struct ssh_side *side)
{
    struct bytes rest;
    struct bytes version;

    (void)bytes_split(text_bytes(&side->identification), '-', &rest);
    version = bytes_split(rest, '-', &rest);
    return version;
}

static bool speaks_both(struct bytes version)
{
    return bytes_equal(version, bytes_of_text("1.99"));
}

static bool speaks_version1(struct bytes version)
{
    return bytes_begin_nocase(version, "1.");
}

static bool speaks_version2(struct bytes version)
{
    return bytes_begin_nocase(version, "2.") || speaks_both(version);
}

bool ssh_is_version1(const struct ssh *ssh)
{
    struct bytes client = version_of(&ssh->side[FROM_CLIENT]);
    struct bytes server = version_of(&ssh->side[FROM_SERVER]);

    return (speaks_version1(client) && !speaks_both(client)) || (speaks_version1(server) && !speaks_both(server));
}

struct bytes ssh_agreed_version(const struct ssh *ssh)
{
    struct bytes client = version_of(&ssh->side[FROM_CLIENT]);
    struct bytes server = version_of(&ssh->side[FROM_SERVER]);
    struct bytes none = bytes_of(NULL, 0);

    if (client.length == 0 || server.length == 0)
        return client.length == 0 ? server : client;
    if (speaks_both(client) && speaks_both(server))
        return bytes_of_text("2.0");
    if ((speaks_version2(client) && speaks_version2(server)) || (speaks_version1(client) && speaks_version1(server)))
        return speaks_both(server) ? client : server;
    return none;
}

/* ---- software ---- */

static bool is_digit(int letter)
{
    return letter >= '0' && letter <= '9';
}

static bool is_separator(uint8_t letter)
{
    return letter == '_' || letter == '-' || letter == '/';
}

/*
 * Software and its version stand in one word, whose form the RFC leaves open: the version begins at the first digit that
 * begins the word or that follows '_', '-' or '/'. "OpenSSH_9.2p1", "PuTTY_Release_0.78", "libssh2_1.10.0", "mod_sftp/0.9.9", "3.2.9".
 */
static void split_software(struct bytes word, struct ssh_software *software)
{
    struct cursor letters = cursor_within(word);
    uint8_t before = '_';
    size_t at = 0;

    while (cursor_left(&letters) > 0 && !(is_separator(before) && is_digit(peek_u8(&letters)))) {
        before = take_u8(&letters);
        at++;
    }
    software->version = peek_bytes(&letters);
    letters = cursor_within(word);
    software->name = take_bytes(&letters, software->version.length > 0 && at > 0 ? at - 1 : at);
}

struct ssh_software ssh_software_of(const struct ssh_side *side)
{
    struct ssh_software software = {.name = bytes_of(NULL, 0)};
    struct bytes rest;
    struct bytes word;

    (void)bytes_split(text_bytes(&side->identification), '-', &rest);
    (void)bytes_split(rest, '-', &rest);
    word = bytes_split(rest, ' ', &rest);
    software.comment = rest;
    split_software(word, &software);
    return software;
}

/* ---- lines ---- */

static void tell_line(struct conversation *conversation, struct ssh *ssh, enum side from, const char *kind, const struct text *line)
{
    struct text detail = {.limit = SSH_IDENTIFICATION_LIMIT + 10};

    text_append_format(&detail, "%s: ", side_name(from));
    text_append(&detail, text_bytes(line));
    ssh_tell_at(conversation, ssh, conversation_now(conversation), kind, text_bytes(&detail), NULL);
    text_free(&detail);
}

static void tell_too_long(struct conversation *conversation, enum side from, size_t length, bool has_end)
{
    conversation_finding(conversation, "notice", "ssh_identification_too_long", "the %s identified itself with %s%zu bytes; RFC 4253 allows %d",
                         side_name(from), has_end ? "" : "more than ", length, SSH_IDENTIFICATION_LIMIT);
}

static void on_identification(struct conversation *conversation, struct ssh *ssh, enum side from)
{
    struct ssh_side *side = &ssh->side[from];

    if (side->text.length > 0)
        tell_line(conversation, ssh, from, "text", &side->text);
    tell_line(conversation, ssh, from, "identification", &side->identification);
    if (ssh->side[side_other(from)].identification.length == 0)
        ssh_find_unusual_port(conversation);
    if (ssh_is_version1(ssh))
        conversation_finding_once(conversation, "warning", "ssh_version_1",
                                  "the %s speaks SSH 1 alone, which protects neither passwords nor data (CVE-1999-1085, CVE-2001-0361)",
                                  side_name(from));
}

enum verdict ssh_on_line(struct conversation *conversation, struct ssh *ssh, enum side from, struct cursor *bytes)
{
    struct ssh_side *side = &ssh->side[from];
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
        tell_too_long(conversation, from, SSH_IDENTIFICATION_WAIT, false);
        side->phase = SSH_PASSED_OVER;
        return VERDICT_GO_ON;
    }
    length -= cursor_left(&unit);
    if (length > SSH_IDENTIFICATION_LIMIT)
        tell_too_long(conversation, from, length, true);
    text_append(&side->identification, line);
    side->phase = SSH_PACKETS;
    *bytes = unit;
    on_identification(conversation, ssh, from);
    return VERDICT_GO_ON;
}

void ssh_on_text_before(struct conversation *conversation, struct ssh *ssh, enum side from, struct cursor *bytes)
{
    struct ssh_side *side = &ssh->side[from];
    struct bytes rest = peek_bytes(bytes);
    struct bytes line = bytes_split(rest, '\n', &rest);
    bool has_end = rest.at != NULL;
    struct bytes taken = take_bytes(bytes, line.length + (has_end ? 1 : 0));

    text_append(&side->text, taken);
    side->text_before += (uint32_t)line.length;
    if (has_end)
        side->phase = SSH_IDENTIFICATION;
    if (side->text_before <= SSH_TEXT_BEFORE_LIMIT)
        return;
    side->phase = SSH_PASSED_OVER;
    conversation_finding_once(conversation, "notice", "ssh_limit", "the %s sent more than %d bytes of text and no identification", side_name(from),
                              SSH_TEXT_BEFORE_LIMIT);
}

/*
 * ssh.c - SSH (RFC 4251, 4253; RFC 4419 group exchange, RFC 5656 and 8731 elliptic curves,
 * RFC 8308 extension names): its phases, and the packets that are spoken in the clear. What they hold
 * is read by ssh_identification.c, ssh_kexinit.c, ssh_kex.c, ssh_host_key.c and ssh_plain.c, SSH 1 by ssh_version1.c; what comes behind
 * NEWKEYS goes to ssh_encrypted.c.
 */
#include "dissectors/ssh_session.h"

/* ---- packets in the clear (RFC 4253, 6) ---- */

/* Other messages go by unread; of SSH_MSG_IGNORE is told that it came. */
static bool is_wanted(const struct ssh *ssh, enum side from, uint8_t message)
{
    if (message == SSH_MSG_KEXINIT)
        return !ssh->side[from].has_kexinit;
    if (message >= SSH_MSG_KEX_FIRST && message <= SSH_MSG_KEX_LAST)
        return true;
    return message == SSH_MSG_NEWKEYS || message == SSH_MSG_DISCONNECT || message == SSH_MSG_UNIMPLEMENTED || message == SSH_MSG_DEBUG;
}

static bool packet_fits(uint32_t length, uint8_t padding, uint8_t message)
{
    return length >= SSH_PACKET_SHORTEST && length <= SSH_PACKET_LIMIT && padding < length - 1 && message != 0;
}

/* Counts what was read at the present time. */
static void count_read(const struct conversation *conversation, struct ssh_side *side, uint32_t length)
{
    int64_t now_us = conversation_now(conversation);

    if (side->read_us != now_us)
        side->read_now = 0;
    side->read_us = now_us;
    if (side->read_now < SSH_PACKET_LIMIT)
        side->read_now += length;
}

static void begin_encrypted(struct conversation *conversation, struct ssh *ssh, enum side from)
{
    ssh->side[from].phase = SSH_ENCRYPTED;
    ssh_encrypted_begin(conversation, ssh, from);
}

static void on_newkeys(struct conversation *conversation, struct ssh *ssh, enum side from)
{
    struct ssh_side *side = &ssh->side[from];

    side->has_newkeys = true;
    side->newkeys_us = ssh_time_of(conversation, from);
    ssh_tell_at(conversation, ssh, side->newkeys_us, "newkeys", bytes_of_text(side_name(from)), NULL);
    begin_encrypted(conversation, ssh, from);
}

static enum verdict on_packet(struct conversation *conversation, struct ssh *ssh, enum side from, struct cursor *bytes)
{
    struct ssh_side *side = &ssh->side[from];
    struct cursor unit = *bytes;
    uint32_t length = take_u32_be(&unit);
    uint8_t padding = take_u8(&unit);
    uint8_t message = take_u8(&unit);
    struct cursor payload;

    if (ssh_is_version1(ssh))
        return ssh_on_version1_packet(conversation, ssh, from, bytes);
    if (!cursor_is_good(&unit))
        return VERDICT_NEED_MORE;
    if (!packet_fits(length, padding, message)) {
        conversation_finding(conversation, "notice", "ssh_packet_invalid",
                             "the %s sent a packet in the clear that claims %u bytes with %u of padding; this side is not read any further",
                             side_name(from), length, padding);
        side->phase = SSH_PASSED_OVER;
        return VERDICT_GO_ON;
    }
    if (!is_wanted(ssh, from, message)) {
        side->packet_left = length - 2;
        *bytes = unit;
        if (message == SSH_MSG_IGNORE)
            ssh_on_plain_message(conversation, ssh, from, message, cursor_within(bytes_of(NULL, 0)));
        return VERDICT_GO_ON;
    }
    payload = take_child(&unit, length - 2 - padding);
    skip_bytes(&unit, padding);
    if (!cursor_is_good(&unit))
        return VERDICT_NEED_MORE;
    count_read(conversation, side, 4 + length);
    *bytes = unit;
    if (message == SSH_MSG_KEXINIT) {
        ssh->rekey.kexinit[from] = length - 1 - padding;
        ssh_on_kexinit(conversation, ssh, from, payload);
    } else if (message == SSH_MSG_NEWKEYS) {
        on_newkeys(conversation, ssh, from);
    } else if (message >= SSH_MSG_KEX_FIRST) {
        ssh_on_kex_message(conversation, ssh, from, message, payload);
    } else {
        ssh_on_plain_message(conversation, ssh, from, message, payload);
    }
    return VERDICT_GO_ON;
}

/* The bytes right behind a gap: the identification or a packet of the key exchange may begin there, else they are taken for encrypted. */
static enum verdict on_data_after_gap(struct conversation *conversation, struct ssh *ssh, enum side from, const struct cursor *bytes)
{
    struct ssh_side *side = &ssh->side[from];
    struct cursor unit = *bytes;
    uint32_t length;
    uint8_t padding;
    uint8_t message;

    if (ssh_match_identification(peek_bytes(&unit)) == MATCH_YES) {
        side->phase = side->identification.length == 0 ? SSH_IDENTIFICATION : SSH_PASSED_OVER;
        return VERDICT_GO_ON;
    }
    length = take_u32_be(&unit);
    padding = take_u8(&unit);
    message = take_u8(&unit);
    if (!cursor_is_good(&unit))
        return VERDICT_NEED_MORE;
    if (packet_fits(length, padding, message) && (length + 4) % 8 == 0 && padding >= 4 && message >= SSH_MSG_KEXINIT && message <= SSH_MSG_KEX_LAST)
        side->phase = SSH_PACKETS;
    else
        begin_encrypted(conversation, ssh, from);
    return VERDICT_GO_ON;
}

static enum verdict ssh_on_data(struct conversation *conversation, void *state, enum side from, struct cursor *bytes)
{
    struct ssh *ssh = state;
    struct ssh_side *side = &ssh->side[from];
    enum verdict verdict = VERDICT_GO_ON;

    while (verdict == VERDICT_GO_ON && cursor_left(bytes) > 0) {
        switch (side->phase) {
        case SSH_IDENTIFICATION:
            verdict = ssh_on_line(conversation, ssh, from, bytes);
            break;
        case SSH_TEXT_BEFORE:
            ssh_on_text_before(conversation, ssh, from, bytes);
            break;
        case SSH_PACKETS:
            if (side->packet_left > 0)
                side->packet_left -= (uint32_t)take_up_to(bytes, side->packet_left).length;
            else
                verdict = on_packet(conversation, ssh, from, bytes);
            break;
        case SSH_AFTER_GAP:
            verdict = on_data_after_gap(conversation, ssh, from, bytes);
            break;
        case SSH_ENCRYPTED:
            ssh_encrypted_data(conversation, ssh, from, take_up_to(bytes, UINT64_MAX));
            break;
        case SSH_PASSED_OVER:
            (void)take_up_to(bytes, UINT64_MAX);
            break;
        }
    }
    return verdict;
}

static enum verdict ssh_on_gap(struct conversation *conversation, void *state, enum side from, uint64_t count)
{
    struct ssh *ssh = state;
    struct ssh_side *side = &ssh->side[from];

    if (side->phase == SSH_ENCRYPTED)
        ssh_encrypted_gap(conversation, ssh, from, count);
    if (side->phase == SSH_ENCRYPTED || side->phase == SSH_PASSED_OVER)
        return VERDICT_GO_ON;
    side->has_gap = true;
    if (side->phase == SSH_PACKETS && conversation_knows_count(conversation, count) && count <= side->packet_left) {
        side->packet_left -= (uint32_t)count;
        return VERDICT_GO_ON;
    }
    side->packet_left = 0;
    side->phase = SSH_AFTER_GAP;
    return VERDICT_GO_ON;
}

static void ssh_open(struct conversation *conversation, void *state, void *from_before)
{
    struct ssh *ssh = state;

    (void)conversation;
    (void)from_before;
    for (int side = 0; side < SIDE_COUNT; side++) {
        ssh->side[side].identification.limit = SSH_IDENTIFICATION_WAIT;
        ssh->side[side].text.limit = SSH_TEXT_KEPT_LIMIT;
        ssh->side[side].kexinit.limit = SSH_PACKET_LIMIT;
    }
    for (int list = 0; list < SSH_LISTS; list++)
        ssh->chosen[list].limit = SSH_NAME_LIMIT;
    ssh->signature.limit = SSH_NAME_LIMIT;
    ssh->disconnect.text.limit = SSH_DETAIL_LIMIT;
}

static void ssh_on_end(struct conversation *conversation, void *state, enum side from, enum ending ending, struct bytes unread)
{
    struct ssh *ssh = state;

    (void)unread;
    if (ending == ENDING_FIN || ending == ENDING_RESET)
        ssh->side[from].has_ended = true;
    if (ending == ENDING_RESET)
        ssh->side[side_other(from)].has_ended = true;
    if (ssh->side[from].phase == SSH_ENCRYPTED)
        ssh_encrypted_end(conversation, ssh, from, ending);
}

static void ssh_refresh(struct conversation *conversation, void *state)
{
    ssh_write_session(conversation, state);
}

static void ssh_close(struct conversation *conversation, void *state)
{
    struct ssh *ssh = state;

    ssh_tell_kex_messages(conversation, ssh);
    ssh_write_kexinits(conversation, ssh);
    ssh_encrypted_finish(conversation, ssh);
    ssh_write_session(conversation, ssh);
    ssh_encrypted_close(ssh);
    for (int side = 0; side < SIDE_COUNT; side++) {
        text_free(&ssh->side[side].identification);
        text_free(&ssh->side[side].text);
        text_free(&ssh->side[side].kexinit);
    }
    for (int list = 0; list < SSH_LISTS; list++)
        text_free(&ssh->chosen[list]);
    ssh_key_forget(&ssh->host_key);
    text_free(&ssh->signature);
    text_free(&ssh->disconnect.text);
}

static const struct record_table *const ssh_tables[] = {&ssh_session_table, &ssh_kexinit_table, &ssh_event_table, NULL};
static const uint16_t ssh_ports[] = {22, 2222, 0};

const struct dissector ssh_dissector = {
    .name = "ssh",
    .tables = ssh_tables,
    .ports = ssh_ports,
    .state_size = sizeof(struct ssh),
    .unit_limit = 4 + SSH_PACKET_LIMIT,
    .match = ssh_match,
    .open = ssh_open,
    .on_data = ssh_on_data,
    .on_gap = ssh_on_gap,
    .on_end = ssh_on_end,
    .refresh = ssh_refresh,
    .close = ssh_close,
};

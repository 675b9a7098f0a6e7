/*
 * ssh_plain.c - the messages of the transport layer that say something in the clear (RFC 4253, 11).
 */
#include "dissectors/ssh_session.h"

#include <inttypes.h>

const char *ssh_disconnect_reason(uint32_t reason)
{
    static const char *const names[] = {
        [1] = "host not allowed to connect",
        [2] = "protocol error",
        [3] = "key exchange failed",
        [4] = "reserved",
        [5] = "MAC error",
        [6] = "compression error",
        [7] = "service not available",
        [8] = "protocol version not supported",
        [9] = "host key not verifiable",
        [10] = "connection lost",
        [11] = "by application",
        [12] = "too many connections",
        [13] = "authentication cancelled by user",
        [14] = "no more authentication methods available",
        [15] = "illegal user name",
    };

    return reason < sizeof names / sizeof names[0] ? names[reason] : NULL;
}

static void append_reason(struct text *detail, uint32_t reason)
{
    const char *name = ssh_disconnect_reason(reason);

    if (name != NULL)
        text_append_text(detail, name);
    else
        text_append_format(detail, "reason %" PRIu32, reason);
}

static void on_disconnect(struct ssh *ssh, enum side from, struct cursor payload, struct text *detail)
{
    struct ssh_disconnect *disconnect = &ssh->disconnect;
    uint32_t reason = take_u32_be(&payload);
    struct bytes text = ssh_take_string(&payload);

    if (!cursor_is_good(&payload))
        return;
    append_reason(detail, reason);
    text_append_item(detail, ": ", text);
    if (disconnect->is_known)
        return;
    disconnect->is_known = true;
    disconnect->by = from;
    disconnect->has_reason = true;
    disconnect->reason = reason;
    text_append(&disconnect->text, text);
}

static void on_debug(struct cursor payload, struct text *detail)
{
    bool is_for_display = take_u8(&payload) != 0;
    struct bytes text = ssh_take_string(&payload);

    if (cursor_is_good(&payload)) {
        text_append_text(detail, is_for_display ? "for display: " : "");
        text_append(detail, text);
    }
}

static void on_unimplemented(struct cursor payload, struct text *detail)
{
    uint32_t number = take_u32_be(&payload);

    if (cursor_is_good(&payload))
        text_append_format(detail, "packet %" PRIu32, number);
}

/* OpenSSH's PROTOCOL, 1.10: with strict key exchange nothing but the key exchange may be said until NEWKEYS. */
static void find_violation(struct conversation *conversation, const struct ssh *ssh, enum side from, const char *kind)
{
    if (ssh->is_negotiated && ssh->side[FROM_CLIENT].offers_strict_kex && ssh->side[FROM_SERVER].offers_strict_kex)
        conversation_finding_once(conversation, "warning", "ssh_strict_kex_violated",
                                  "the %s sent '%s' during a strict key exchange: the two ends would part, unless somebody in between put it there "
                                  "(CVE-2023-48795)",
                                  side_name(from), kind);
}

void ssh_on_plain_message(struct conversation *conversation, struct ssh *ssh, enum side from, uint8_t message, struct cursor payload)
{
    static const char *const kinds[] = {
        [SSH_MSG_DISCONNECT] = "disconnect",
        [SSH_MSG_IGNORE] = "ignore",
        [SSH_MSG_UNIMPLEMENTED] = "unimplemented",
        [SSH_MSG_DEBUG] = "debug",
    };
    struct text particulars = {.limit = SSH_DETAIL_LIMIT};
    struct text detail = {.limit = SSH_DETAIL_LIMIT + 16};

    if (message == SSH_MSG_DISCONNECT)
        on_disconnect(ssh, from, payload, &particulars);
    else if (message == SSH_MSG_DEBUG)
        on_debug(payload, &particulars);
    else if (message == SSH_MSG_UNIMPLEMENTED)
        on_unimplemented(payload, &particulars);
    text_append_text(&detail, side_name(from));
    if (particulars.length > 0)
        text_append_item(&detail, ": ", text_bytes(&particulars));
    ssh_tell_at(conversation, ssh, conversation_now(conversation), kinds[message], text_bytes(&detail), NULL);
    if (message != SSH_MSG_DISCONNECT)
        find_violation(conversation, ssh, from, kinds[message]);
    text_free(&detail);
    text_free(&particulars);
}

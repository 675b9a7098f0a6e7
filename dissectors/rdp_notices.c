/*
 * rdp_notices.c - what goes by beside the share: licensing ([MS-RDPELE] 2.2.2; [MS-RDPBCGR] 2.2.1.12), redirection to another server
 * (2.2.13), network detection (2.2.14), and the offer of UDP (2.2.15).
 *
 * Leaves out: what licensing encrypts (hardware ids, the licences themselves), whose keys are the license server's.
 */
#include "dissectors/rdp_share.h"

#include "base/digest.h"

#include <stdio.h>

enum licensing_type {
    LICENSE_REQUEST = 0x01,
    PLATFORM_CHALLENGE = 0x02,
    NEW_LICENSE = 0x03,
    UPGRADE_LICENSE = 0x04,
    LICENSE_INFO = 0x12,
    NEW_LICENSE_REQUEST = 0x13,
    PLATFORM_CHALLENGE_RESPONSE = 0x15,
    LICENSING_ERROR = 0xff,
};

enum redirection_flag { /* redirFlags */
    REDIRECTION_ADDRESS = 0x1,
    REDIRECTION_LOAD_BALANCE = 0x2,
    REDIRECTION_USER = 0x4,
    REDIRECTION_DOMAIN = 0x8,
    REDIRECTION_PASSWORD = 0x10,
    REDIRECTION_FQDN = 0x100,
    REDIRECTION_NETBIOS = 0x200,
    REDIRECTION_PASSWORD_IS_ENCRYPTED = 0x4000,
};

#define TRANSPORT_COOKIE 16

/* A text up to its NUL: UTF-16, or bytes. */
static void append_named(struct text *detail, const char *name, struct cursor value, bool is_unicode)
{
    struct bytes rest;

    if (cursor_left(&value) == 0)
        return;
    text_append_format(detail, "%s%s ", detail->length > 0 ? ", " : "", name);
    if (is_unicode)
        rdp_append_utf16(detail, value);
    else
        text_append(detail, bytes_split(peek_bytes(&value), 0, &rest));
}

/* ---- licensing ---- */

static void on_license_request(struct rdp_share *share, struct cursor *message)
{
    struct text detail = {.limit = RDP_TEXT_LIMIT};
    uint32_t length;

    skip_bytes(message, 32 + 4); /* server random, version */
    length = take_u32_le(message);
    append_named(&detail, "company", take_child(message, length), true);
    length = take_u32_le(message);
    append_named(&detail, "product", take_child(message, length), true);
    rdp_tell_text(share, FROM_SERVER, "license_request", text_bytes(&detail));
    text_free(&detail);
}

static struct cursor take_blob(struct cursor *message)
{
    uint16_t length;

    skip_bytes(message, 2); /* type */
    length = take_u16_le(message);
    return take_child(message, length);
}

static void on_new_license_request(struct rdp_share *share, struct cursor *message)
{
    struct text detail = {.limit = RDP_TEXT_LIMIT};

    skip_bytes(message, 4 + 4 + 32); /* key exchange, platform, client random */
    (void)take_blob(message);        /* premaster secret */
    append_named(&detail, "user", take_blob(message), false);
    append_named(&detail, "machine", take_blob(message), false);
    rdp_tell_text(share, FROM_CLIENT, "new_license_request", text_bytes(&detail));
    text_free(&detail);
}

static void on_licensing_error(struct rdp_share *share, enum side from, struct cursor *message)
{
    uint32_t code = take_u32_le(message);
    uint32_t transition = take_u32_le(message);
    static const char *const transitions[] = {[1] = "total abort", [2] = "no transition", [3] = "reset to start", [4] = "resend last message"};
    const char *transition_name = transition < sizeof transitions / sizeof transitions[0] ? transitions[transition] : NULL;

    if (!cursor_is_good(message))
        return;
    share->licensing = rdp_licensing_error_name(code);
    share->licensing_code.limit = RDP_INFO_LIMIT;
    text_clear(&share->licensing_code);
    if (share->licensing != NULL)
        text_append_text(&share->licensing_code, share->licensing);
    else
        text_append_format(&share->licensing_code, "0x%08x", (unsigned)code);
    rdp_tell(share, from, "licensing", "%s%s%s", share->licensing_code.at, transition_name != NULL ? ", " : "",
             transition_name != NULL ? transition_name : "");
}

void rdp_read_licensing(struct rdp_share *share, enum side from, struct cursor *data)
{
    uint8_t type = take_u8(data);
    uint16_t size;
    struct cursor message;

    skip_bytes(data, 1); /* flags */
    size = take_u16_le(data);
    if (!cursor_is_good(data) || size < 4) {
        rdp_tell_contradiction(share, from, "licensing");
        return;
    }
    message = cursor_within(take_up_to(data, size - 4u));
    switch (type) {
    case LICENSE_REQUEST:
        on_license_request(share, &message);
        break;
    case PLATFORM_CHALLENGE:
        rdp_tell(share, from, "platform_challenge", NULL);
        break;
    case NEW_LICENSE:
    case UPGRADE_LICENSE:
        share->licensing = type == NEW_LICENSE ? "new license" : "upgraded license";
        rdp_tell(share, from, "licensing", "%s", share->licensing);
        break;
    case LICENSE_INFO:
        rdp_tell(share, from, "license_info", "the client has a license");
        break;
    case NEW_LICENSE_REQUEST:
        on_new_license_request(share, &message);
        break;
    case PLATFORM_CHALLENGE_RESPONSE:
        rdp_tell(share, from, "platform_challenge_response", "hardware id encrypted");
        break;
    case LICENSING_ERROR:
        on_licensing_error(share, from, &message);
        break;
    default:
        break;
    }
}

/* ---- redirection ---- */

void rdp_read_redirection(struct rdp_share *share, struct cursor *data)
{
    static const struct {
        uint32_t flag;
        const char *name;
        bool is_unicode;
    } fields[] = {
        {REDIRECTION_ADDRESS, "address", true}, {REDIRECTION_LOAD_BALANCE, "load balance info", false}, {REDIRECTION_USER, "user", true},
        {REDIRECTION_DOMAIN, "domain", true},   {REDIRECTION_PASSWORD, "password", true},               {REDIRECTION_FQDN, "host", true},
        {REDIRECTION_NETBIOS, "NetBIOS name", true},
    };
    struct text detail = {.limit = RDP_TEXT_LIMIT};
    uint32_t session;
    uint32_t flags;

    skip_bytes(data, 2 + 2); /* flags, length */
    session = take_u32_le(data);
    flags = take_u32_le(data);
    if (!cursor_is_good(data))
        return;
    text_append_format(&detail, "session %u", (unsigned)session);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        uint32_t length;
        struct cursor field;
        bool is_password = fields[i].flag == REDIRECTION_PASSWORD;

        if ((flags & fields[i].flag) == 0)
            continue;
        length = take_u32_le(data);
        field = take_child(data, length);
        if (!is_password)
            append_named(&detail, fields[i].name, field, fields[i].is_unicode);
        else if ((flags & REDIRECTION_PASSWORD_IS_ENCRYPTED) == 0 && conversation_recording(share->conversation)->passwords)
            append_named(&detail, fields[i].name, field, true);
    }
    rdp_tell_text(share, FROM_SERVER, "redirection", text_bytes(&detail));
    text_free(&detail);
}

/* ---- network detection, UDP ---- */

/* What the server found out; the measuring itself is not told. */
void rdp_read_auto_detect(struct rdp_share *share, enum side from, struct cursor *data)
{
    uint16_t kind;
    uint32_t first;
    uint32_t second;

    skip_bytes(data, 1 + 1 + 2); /* length, type, sequence number */
    kind = take_u16_le(data);
    if (!cursor_is_good(data) || from != FROM_SERVER || (kind != 0x0840 && kind != 0x0880 && kind != 0x08c0))
        return;
    first = take_u32_le(data);
    second = take_u32_le(data);
    if (!cursor_is_good(data))
        return;
    if (kind == 0x0840)
        rdp_tell(share, from, "network", "round trip %u ms at best, %u ms on average", (unsigned)first, (unsigned)second);
    else if (kind == 0x0880)
        rdp_tell(share, from, "network", "bandwidth %u kbit/s, round trip %u ms on average", (unsigned)first, (unsigned)second);
    else
        rdp_tell(share, from, "network", "round trip %u ms at best, bandwidth %u kbit/s, round trip %u ms on average", (unsigned)first, (unsigned)second,
                 (unsigned)take_u32_le(data));
}

/* The cookie's SHA-256 is what RDP over UDP shows of it when it begins ([MS-RDPEUDP] 2.2.2.9): it ties the two together. */
static void on_transport_request(struct rdp_share *share, struct cursor *data)
{
    uint32_t request = take_u32_le(data);
    uint16_t protocol = take_u16_le(data);
    char hex[DIGEST_HEX_SIZE] = "";
    struct digest digest;
    struct bytes cookie;

    skip_bytes(data, 2);
    cookie = take_bytes(data, TRANSPORT_COOKIE);
    if (!cursor_is_good(data))
        return;
    digest_begin(&digest, DIGEST_SHA256);
    digest_add(&digest, cookie);
    if (!digest_end_hex(&digest, hex))
        return;
    rdp_tell(share, FROM_SERVER, "multitransport_request", "request %u, %s, SHA-256 of the cookie %s", (unsigned)request,
             protocol == 1 ? "reliable UDP" : protocol == 2 ? "lossy UDP" : "an unknown protocol", hex);
}

void rdp_read_multitransport(struct rdp_share *share, enum side from, struct cursor *data)
{
    uint32_t request;
    uint32_t result;

    if (from == FROM_SERVER) {
        on_transport_request(share, data);
        return;
    }
    request = take_u32_le(data);
    result = take_u32_le(data);
    if (cursor_is_good(data))
        rdp_tell(share, from, "multitransport_response", "request %u, result 0x%08x", (unsigned)request, (unsigned)result);
}

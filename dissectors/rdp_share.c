/*
 * rdp_share.c - slow path: share control PDUs and what they carry ([MS-RDPBCGR] 2.2.8.1.1.1; T.128).
 *
 * Leaves out: persistent bitmap cache keys, errors of caches, and keyboard indicators, which are stepped over.
 */
#include "dissectors/rdp_share.h"

enum control_type { /* pduType, the lower 4 bits */
    PDU_DEMAND_ACTIVE = 1,
    PDU_CONFIRM_ACTIVE = 3,
    PDU_DEACTIVATE_ALL = 6,
    PDU_DATA = 7,
    PDU_REDIRECTION = 10,
};

enum data_type { /* pduType2 */
    DATA_UPDATE = 2,
    DATA_CONTROL = 20,
    DATA_POINTER = 27,
    DATA_INPUT = 28,
    DATA_SYNCHRONIZE = 31,
    DATA_REFRESH_RECT = 33,
    DATA_SUPPRESS_OUTPUT = 35,
    DATA_SHUTDOWN_REQUEST = 36,
    DATA_SHUTDOWN_DENIED = 37,
    DATA_SAVE_SESSION_INFO = 38,
    DATA_FONT_LIST = 39,
    DATA_FONT_MAP = 40,
    DATA_SET_ERROR_INFO = 47,
    DATA_STATUS_INFO = 54,
    DATA_MONITOR_LAYOUT = 55,
};

/* totalLength of a flow PDU of T.128, which has no other length. */
#define FLOW_MARK 0x8000
#define FLOW_REST 6

bool rdp_decompress(struct rdp_share *share, enum side from, uint8_t flags, struct cursor *data)
{
    struct bytes packet = peek_bytes(data);
    struct bytes plain;

    if ((flags & (RDP_PACKET_COMPRESSED | RDP_PACKET_AT_FRONT | RDP_PACKET_FLUSHED)) == 0)
        return true;
    if (share->mppc[from] == NULL)
        share->mppc[from] = rdp_mppc_new();
    if (share->expanded > RDP_EXPANSION_BASE + RDP_EXPANSION_LIMIT * share->compressed) {
        rdp_tell_limit(share, RDP_LIMIT_EXPANSION);
        return false;
    }
    if (!rdp_mppc_read(share->mppc[from], flags, packet, &plain)) {
        if (share->compressed_unread++ == 0)
            rdp_tell(share, from, "compression_unread", "%s",
                     (flags & 0x0f) == RDP_COMPRESSION_NCRUSH   ? "RDP 6.0 (NCRUSH)"
                     : (flags & 0x0f) == RDP_COMPRESSION_XCRUSH ? "RDP 6.1 (XCRUSH)"
                                                                : "MPPC out of step");
        return false;
    }
    share->compressed += packet.length;
    share->expanded += plain.length;
    *data = cursor_within(plain);
    return true;
}

/* ---- data PDUs ---- */

static void on_control(struct rdp_share *share, enum side from, struct cursor *data)
{
    static const char *const actions[] = {[1] = "request control", [2] = "granted control", [3] = "detach", [4] = "cooperate"};
    uint16_t action = take_u16_le(data);

    if (cursor_is_good(data) && action < sizeof actions / sizeof actions[0] && actions[action] != NULL)
        rdp_tell(share, from, "control", "%s", actions[action]);
}

static void on_refresh(struct rdp_share *share, enum side from, struct cursor *data)
{
    uint8_t count = take_u8(data);

    if (cursor_is_good(data))
        rdp_tell(share, from, "refresh_rect", "%u area%s", count, count == 1 ? "" : "s");
}

static void on_suppress(struct rdp_share *share, enum side from, struct cursor *data)
{
    uint8_t allow = take_u8(data);

    if (cursor_is_good(data))
        rdp_tell(share, from, "suppress_output", allow != 0 ? "updates wanted" : "updates not wanted");
}

/* 0 says that all is well. */
static void on_error_info(struct rdp_share *share, enum side from, struct cursor *data)
{
    uint32_t code = take_u32_le(data);
    const char *name = rdp_error_info_name(code);

    if (!cursor_is_good(data) || code == 0)
        return;
    share->error_info.limit = RDP_INFO_LIMIT;
    text_clear(&share->error_info);
    if (name != NULL)
        text_append_text(&share->error_info, name);
    else
        text_append_format(&share->error_info, "0x%08x", (unsigned)code);
    rdp_tell_text(share, from, "error_info", text_bytes(&share->error_info));
}

static void on_status(struct rdp_share *share, enum side from, struct cursor *data)
{
    uint32_t code = take_u32_le(data);
    const char *name = rdp_status_name(code);

    if (!cursor_is_good(data))
        return;
    if (name != NULL)
        rdp_tell(share, from, "status", "%s", name);
    else
        rdp_tell(share, from, "status", "0x%08x", (unsigned)code);
}

static void on_monitor_layout(struct rdp_share *share, enum side from, struct cursor *data)
{
    uint32_t count = take_u32_le(data);

    if (cursor_is_good(data))
        rdp_tell(share, from, "monitor_layout", "%u monitor%s", (unsigned)count, count == 1 ? "" : "s");
}

/* What only the server says. */
static void on_server_data(struct rdp_share *share, uint8_t type, struct cursor *data)
{
    switch (type) {
    case DATA_UPDATE:
        rdp_read_slow_update(share, data);
        break;
    case DATA_POINTER:
        rdp_read_slow_pointer(share, data);
        break;
    case DATA_SAVE_SESSION_INFO:
        rdp_read_save_session_info(share, data);
        break;
    case DATA_FONT_MAP:
        rdp_tell(share, FROM_SERVER, "font_map", NULL);
        rdp_shape_reached(share->conversation, &share->facts->shape, RDP_REACHED_ACTIVE);
        break;
    case DATA_SET_ERROR_INFO:
        on_error_info(share, FROM_SERVER, data);
        break;
    case DATA_SHUTDOWN_DENIED:
        rdp_tell(share, FROM_SERVER, "shutdown_denied", NULL);
        break;
    case DATA_STATUS_INFO:
        on_status(share, FROM_SERVER, data);
        break;
    case DATA_MONITOR_LAYOUT:
        on_monitor_layout(share, FROM_SERVER, data);
        break;
    default:
        break;
    }
}

static void on_client_data(struct rdp_share *share, uint8_t type, struct cursor *data)
{
    switch (type) {
    case DATA_INPUT:
        rdp_read_slow_input(share, data);
        break;
    case DATA_FONT_LIST:
        rdp_tell(share, FROM_CLIENT, "font_list", NULL);
        break;
    case DATA_REFRESH_RECT:
        on_refresh(share, FROM_CLIENT, data);
        break;
    case DATA_SUPPRESS_OUTPUT:
        on_suppress(share, FROM_CLIENT, data);
        break;
    case DATA_SHUTDOWN_REQUEST:
        rdp_tell(share, FROM_CLIENT, "shutdown_request", NULL);
        break;
    default:
        break;
    }
}

static void on_data(struct rdp_share *share, enum side from, struct cursor *pdu)
{
    uint8_t type;
    uint8_t compression;

    skip_bytes(pdu, 4 + 1 + 1 + 2); /* share id, padding, stream id, uncompressed length */
    type = take_u8(pdu);
    compression = take_u8(pdu);
    skip_bytes(pdu, 2); /* compressed length: what servers write there differs; the rest of the PDU counts */
    if (!cursor_is_good(pdu)) {
        rdp_tell_contradiction(share, from, "a share data header");
        return;
    }
    if (!rdp_decompress(share, from, compression, pdu))
        return;
    if (type == DATA_SYNCHRONIZE)
        rdp_tell(share, from, "synchronize", NULL);
    else if (type == DATA_CONTROL)
        on_control(share, from, pdu);
    else if (from == FROM_SERVER)
        on_server_data(share, type, pdu);
    else
        on_client_data(share, type, pdu);
}

/* ---- control PDUs ---- */

static void on_active(struct rdp_share *share, enum side from, struct cursor *pdu)
{
    uint16_t source_length;
    uint16_t length;
    unsigned count;
    struct cursor sets;

    skip_bytes(pdu, from == FROM_CLIENT ? 4 + 2 : 4); /* share id, the client's originator id */
    source_length = take_u16_le(pdu);
    length = take_u16_le(pdu);
    skip_bytes(pdu, source_length);
    count = take_u16_le(pdu);
    skip_bytes(pdu, 2);
    if (!cursor_is_good(pdu) || length < 4) {
        rdp_tell_contradiction(share, from, "the exchange of capabilities");
        return;
    }
    sets = cursor_within(take_up_to(pdu, length - 4u));
    rdp_capabilities_read(share, from, from == FROM_CLIENT ? "confirm_active" : "demand_active", &sets, count);
    rdp_shape_reached(share->conversation, &share->facts->shape, RDP_REACHED_CAPABILITIES);
    if (from == FROM_SERVER)
        share->is_licensed = true;
}

static void on_control_pdu(struct rdp_share *share, enum side from, unsigned type, struct cursor *pdu)
{
    if (type == PDU_DATA)
        on_data(share, from, pdu);
    else if (type == (from == FROM_SERVER ? PDU_DEMAND_ACTIVE : PDU_CONFIRM_ACTIVE))
        on_active(share, from, pdu);
    else if (type == PDU_DEACTIVATE_ALL && from == FROM_SERVER)
        rdp_tell(share, from, "deactivate_all", NULL);
    else if (type == PDU_REDIRECTION && from == FROM_SERVER) {
        skip_bytes(pdu, 2);
        rdp_read_redirection(share, pdu);
    }
}

void rdp_share_read(struct rdp_share *share, enum side from, struct cursor *data)
{
    while (cursor_left(data) > 0) {
        uint16_t total = take_u16_le(data);
        uint16_t type;
        struct cursor pdu;

        if (total == FLOW_MARK) {
            skip_bytes(data, FLOW_REST);
            continue;
        }
        if (!cursor_is_good(data) || total < 4) {
            rdp_tell_contradiction(share, from, "a share control header");
            return;
        }
        pdu = cursor_within(take_up_to(data, total - 2u));
        type = take_u16_le(&pdu);
        if (cursor_left(&pdu) >= 2) /* some leave the source out */
            skip_bytes(&pdu, 2);
        on_control_pdu(share, from, type & 0x0f, &pdu);
    }
}

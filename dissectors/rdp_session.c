/*
 * rdp_session.c - the PDUs behind the MCS connect: the domain PDUs of T.125 (attach user, channel join, send data, disconnect),
 * the security header ([MS-RDPBCGR] 2.2.8.1.1.2) and fast path's (2.2.9.1.2, 2.2.8.1.2), and who reads what is inside.
 *
 * Leaves out: tokens, domain merging and send data that MCS splits over several PDUs, which RDP does not use.
 */
#include "dissectors/rdp_session.h"

#include "base/memory.h"
#include "dissectors/rdp_security.h"
#include "dissectors/rdp_share.h"

#include <stdarg.h>
#include <stdio.h>

#define TPKT_VERSION 3
#define TPKT_HEADER 4
/* X.224 data: its length, code, end of transmission. */
#define X224_DATA (0x02 << 16 | 0xf0 << 8 | 0x80)
/* The I/O channel's id where the server's answer was not seen: [MS-RDPBCGR] 2.2.1.4.4 has servers use this one. */
#define USUAL_IO_CHANNEL 1003
/* User ids start here: PER carries what exceeds it. */
#define FIRST_USER_ID 1001

enum domain_choice { /* T.125 7: the choice, in the upper 6 bits */
    DISCONNECT_PROVIDER_ULTIMATUM = 8,
    ATTACH_USER_CONFIRM = 11,
    CHANNEL_JOIN_CONFIRM = 15,
    SEND_DATA_REQUEST = 25,
    SEND_DATA_INDICATION = 26,
};

enum fast_path_flag { /* the header's upper 2 bits */
    FAST_PATH_SALTED = 1,
    FAST_PATH_ENCRYPTED = 2,
};

enum channel_kind {
    CHANNEL_IO,
    CHANNEL_MESSAGE,
    CHANNEL_OTHER,
};

struct rdp_share *rdp_session_new(struct rdp_facts *facts)
{
    struct rdp_share *share = memory_new_zeroed(1, sizeof *share);

    if (share != NULL)
        share->facts = facts;
    return share;
}

void rdp_session_end(struct rdp_share *share, struct conversation *conversation)
{
    if (share == NULL)
        return;
    share->conversation = conversation;
    rdp_input_flush(share);
    rdp_channels_end(share);
}

void rdp_session_free(struct rdp_share *share)
{
    if (share == NULL)
        return;
    for (int side = 0; side < SIDE_COUNT; side++)
        rdp_mppc_free(share->mppc[side]);
    rdp_info_free(share);
    text_free(&share->input.typed);
    text_free(&share->output.fragments);
    rdp_channels_free(share);
    memory_free(share);
}

/* ---- events and findings ---- */

void rdp_tell_limit(struct rdp_share *share, enum rdp_limit limit)
{
    static const struct {
        const char *what;
        unsigned long long most;
    } limits[] = {
        [RDP_LIMIT_EVENTS] = {"events of a session", RDP_EVENTS_LIMIT},
        [RDP_LIMIT_FRAGMENTS] = {"bytes of an update in fragments", RDP_FRAGMENTS_LIMIT},
        [RDP_LIMIT_DYNAMIC] = {"dynamic channels", RDP_DYNAMIC_LIMIT},
        [RDP_LIMIT_FILES] = {"open files", RDP_FILES_LIMIT},
        [RDP_LIMIT_REQUESTS] = {"requests without an answer", RDP_REQUESTS_LIMIT},
        [RDP_LIMIT_DEVICES] = {"redirected devices", RDP_DEVICES_LIMIT},
        [RDP_LIMIT_FORMATS] = {"formats of the clipboard", RDP_FORMATS_LIMIT},
        [RDP_LIMIT_PASTED] = {"files in one list of the clipboard", RDP_PASTED_LIMIT},
        [RDP_LIMIT_EXPANSION] = {"bytes for each that was sent compressed", RDP_EXPANSION_LIMIT},
    };

    if ((share->limits_told & 1u << limit) != 0)
        return;
    share->limits_told |= 1u << limit;
    conversation_finding(share->conversation, "notice", "rdp_limit", "%s: more than %llu; what goes beyond that was not kept", limits[limit].what,
                         limits[limit].most);
}

void rdp_tell_contradiction(struct rdp_share *share, enum side from, const char *what)
{
    if (share->told_malformed)
        return;
    share->told_malformed = true;
    conversation_finding(share->conversation, "notice", "rdp_malformed_session", "%s from the %s contradicts itself; what was read before it stands", what,
                         side_name(from));
}

void rdp_tell_text(struct rdp_share *share, enum side from, const char *kind, struct bytes detail)
{
    const struct rdp_event row = {
        .flow_id = record_integer(conversation_flow(share->conversation)->flow_id),
        .time_us = record_integer(conversation_now(share->conversation)),
        .kind = record_text_of(kind),
        .detail = record_text_unless_empty(detail),
        .from_side = record_text_of(side_name(from)),
    };

    if (share->events++ >= RDP_EVENTS_LIMIT) {
        rdp_tell_limit(share, RDP_LIMIT_EVENTS);
        return;
    }
    conversation_write(share->conversation, &rdp_event_table, &row);
}

void rdp_tell(struct rdp_share *share, enum side from, const char *kind, const char *detail, ...)
{
    char text[1024] = "";
    va_list arguments;

    if (detail != NULL) {
        va_start(arguments, detail);
        (void)vsnprintf(text, sizeof text, detail, arguments);
        va_end(arguments);
    }
    rdp_tell_text(share, from, kind, bytes_of_text(text));
}

/* ---- what is inside ---- */

static void on_security_exchange(struct rdp_share *share, struct cursor *data)
{
    uint32_t length = take_u32_le(data);
    struct bytes encrypted = take_up_to(data, length);

    rdp_security_exchange(share->facts->security, share->conversation, encrypted);
}

/* The length of all of it, then a type of version 1. */
static bool begins_share_control(struct cursor data)
{
    size_t left = cursor_left(&data);
    uint16_t total = take_u16_le(&data);
    uint16_t type = take_u16_le(&data);

    return cursor_is_good(&data) && total == left && (type & 0xf0) == 0x10;
}

/* Flags of a security header that stands alone: this one, and an upper half that is empty or says nothing. */
static bool begins_with_flag(struct cursor data, uint16_t flag)
{
    size_t left = cursor_left(&data);
    uint16_t flags = take_u16_le(&data);

    return cursor_is_good(&data) && (flags & flag) != 0 && flags != left && !begins_share_control(data);
}

/*
 * Whether a PDU of that side begins with a security header. Without encryption, only those in the message channel, client info
 * and licensing do.
 */
static bool has_security_header(const struct rdp_share *share, enum side from, enum channel_kind kind, const struct cursor *data)
{
    const struct rdp_settings *settings = &share->facts->settings;

    if (rdp_security_has_headers(settings) || share->was_encrypted || kind == CHANNEL_MESSAGE)
        return true;
    if (kind != CHANNEL_IO)
        return false;
    if (from == FROM_CLIENT)
        return !share->has_client_info || begins_with_flag(*data, SECURITY_LICENSE);
    return !share->is_licensed && !begins_share_control(*data);
}

/*
 * Reads the security header, where one is to be expected, and opens what it says to be encrypted: `data` is the plain
 * rest then. False: it cannot be read, or all of it was read here.
 */
static bool open_data(struct rdp_share *share, enum side from, enum channel_kind kind, struct cursor *data, uint16_t *flags)
{
    struct bytes plain;

    *flags = 0;
    if (!has_security_header(share, from, kind, data))
        return true;
    *flags = take_u16_le(data);
    skip_bytes(data, 2);
    if (!cursor_is_good(data)) {
        rdp_tell_contradiction(share, from, "a security header");
        return false;
    }
    if ((*flags & SECURITY_EXCHANGE) != 0 && from == FROM_CLIENT) {
        share->was_encrypted = true;
        on_security_exchange(share, data);
        return false;
    }
    if ((*flags & SECURITY_ENCRYPT) == 0)
        return true;
    share->was_encrypted = true;
    if (!rdp_security_read(share->facts->security, share->conversation, from, (*flags & SECURITY_SALTED_CHECKSUM) != 0, *data, &plain)) {
        share->unread_pdus++;
        share->facts->shape.is_hidden = share->facts->shape.is_hidden || from == FROM_CLIENT;
        return false;
    }
    *data = cursor_within(plain);
    return true;
}

/* ---- MCS ---- */

/* A result of 16 values, in the last bit of the first byte and the first three of the second (X.691, aligned). */
static unsigned take_result(uint8_t first, struct cursor *pdu)
{
    return (first & 1u) << 3 | take_u8(pdu) >> 5;
}

static const char *result_name(unsigned result)
{
    static const char *const names[] = { /* T.125 7, Result */
        "successful", "domain merging", "domain not hierarchical", "no such channel", "no such domain", "no such user", "not admitted", "other user id",
        "parameters unacceptable", "token not available", "token not possessed", "too many channels", "too many tokens", "too many users",
        "unspecified failure", "user rejected",
    };

    return names[result & 15];
}

static void on_attach_confirm(struct rdp_share *share, uint8_t first, struct cursor *pdu)
{
    unsigned result = take_result(first, pdu);

    if (cursor_is_good(pdu) && result != 0)
        rdp_tell(share, FROM_SERVER, "attach_refused", "%s", result_name(result));
    else if (cursor_is_good(pdu))
        rdp_shape_reached(share->conversation, &share->facts->shape, RDP_REACHED_CHANNEL_JOIN);
}

/* The static channel of that id, NULL where there is none. */
static struct rdp_channel_state *find_channel(struct rdp_share *share, uint16_t id)
{
    struct rdp_settings *settings = &share->facts->settings;

    for (unsigned i = 0; i < settings->channel_count; i++) {
        if (settings->channels[i].id.is_known && settings->channels[i].id.value == id)
            return &settings->channels[i];
    }
    return NULL;
}

static void on_join_confirm(struct rdp_share *share, uint8_t first, struct cursor *pdu)
{
    unsigned result = take_result(first, pdu);
    uint16_t requested;
    struct rdp_channel_state *channel;

    skip_bytes(pdu, 2); /* initiator */
    requested = take_u16_be(pdu);
    if (!cursor_is_good(pdu))
        return;
    channel = find_channel(share, requested);
    if (channel != NULL)
        channel->was_joined = result == 0;
    if (result != 0)
        rdp_tell(share, FROM_SERVER, "join_refused", "channel %u: %s", requested, result_name(result));
}

static void on_disconnect(struct rdp_share *share, enum side from, uint8_t first, struct cursor *pdu)
{
    static const char *const reasons[] = {"domain-disconnected", "provider-initiated", "token-purged", "user-requested", "channel-purged"}; /* T.125 7, Reason */
    unsigned reason = (first & 3u) << 1 | take_u8(pdu) >> 7;

    if (!cursor_is_good(pdu) || reason >= sizeof reasons / sizeof reasons[0])
        return;
    rdp_input_flush(share); /* in the order of what happened */
    share->disconnect_reason = reasons[reason];
    rdp_tell(share, from, "disconnect", "%s", reasons[reason]);
}

static enum channel_kind kind_of(const struct rdp_share *share, uint16_t channel)
{
    const struct rdp_settings *settings = &share->facts->settings;

    if (channel == (settings->io_channel.is_known ? settings->io_channel.value : USUAL_IO_CHANNEL))
        return CHANNEL_IO;
    if (settings->message_channel.is_known && channel == settings->message_channel.value)
        return CHANNEL_MESSAGE;
    return CHANNEL_OTHER;
}

/* What a security header says it to be, if anything. */
static bool read_flagged(struct rdp_share *share, enum side from, uint16_t flags, struct cursor *data)
{
    if ((flags & SECURITY_INFO) != 0 && from == FROM_CLIENT)
        rdp_read_client_info(share, data);
    else if ((flags & SECURITY_LICENSE) != 0) {
        rdp_shape_reached(share->conversation, &share->facts->shape, RDP_REACHED_LICENSING);
        rdp_read_licensing(share, from, data);
    } else if ((flags & SECURITY_REDIRECTION) != 0 && from == FROM_SERVER)
        rdp_read_redirection(share, data);
    else if ((flags & (SECURITY_AUTODETECT_REQUEST | SECURITY_AUTODETECT_RESPONSE)) != 0)
        rdp_read_auto_detect(share, from, data);
    else if ((flags & (SECURITY_TRANSPORT_REQUEST | SECURITY_TRANSPORT_RESPONSE)) != 0)
        rdp_read_multitransport(share, from, data);
    else
        return (flags & SECURITY_HEARTBEAT) != 0;
    return true;
}

static void on_send_data(struct rdp_share *share, enum side from, struct cursor *pdu)
{
    uint16_t channel;
    uint16_t flags;
    enum channel_kind kind;
    const struct rdp_channel_state *known;
    size_t length;
    struct cursor data;

    skip_bytes(pdu, 2); /* initiator */
    channel = take_u16_be(pdu);
    kind = kind_of(share, channel);
    known = find_channel(share, channel);
    skip_bytes(pdu, 1); /* priority, segmentation */
    length = take_u8(pdu);
    if ((length & 0x80) != 0)
        length = (length & 0x7f) << 8 | take_u8(pdu);
    data = take_child(pdu, length);
    if (!cursor_is_good(&data)) {
        rdp_tell_contradiction(share, from, "send data");
        return;
    }
    if (!open_data(share, from, kind, &data, &flags))
        return;
    if (from == FROM_CLIENT && kind == CHANNEL_IO)
        share->has_client_info = true;
    if (kind == CHANNEL_OTHER && known != NULL)
        rdp_channels_read(share, (unsigned)(known - share->facts->settings.channels), from, &data);
    if (kind != CHANNEL_OTHER && !read_flagged(share, from, flags, &data) && kind == CHANNEL_IO)
        rdp_share_read(share, from, &data);
}

static void read_slow_path(struct rdp_share *share, enum side from, struct cursor *pdu)
{
    uint8_t first;

    skip_bytes(pdu, TPKT_HEADER);
    if (take_u24_be(pdu) != X224_DATA)
        return;
    first = take_u8(pdu);
    if (!cursor_is_good(pdu))
        return;
    if (first >> 2 == DISCONNECT_PROVIDER_ULTIMATUM)
        on_disconnect(share, from, first, pdu);
    else if (first >> 2 == (from == FROM_CLIENT ? SEND_DATA_REQUEST : SEND_DATA_INDICATION))
        on_send_data(share, from, pdu);
    else if (first >> 2 == ATTACH_USER_CONFIRM && from == FROM_SERVER)
        on_attach_confirm(share, first, pdu);
    else if (first >> 2 == CHANNEL_JOIN_CONFIRM && from == FROM_SERVER)
        on_join_confirm(share, first, pdu);
}

/* ---- fast path ---- */

static void read_fast_path(struct rdp_share *share, enum side from, struct cursor *pdu)
{
    uint8_t header = take_u8(pdu);
    unsigned flags = header >> 6;
    struct bytes plain;

    if ((take_u8(pdu) & 0x80) != 0)
        skip_bytes(pdu, 1);
    if ((flags & FAST_PATH_ENCRYPTED) != 0) {
        share->was_encrypted = true;
        if (!rdp_security_read(share->facts->security, share->conversation, from, (flags & FAST_PATH_SALTED) != 0, *pdu, &plain)) {
            share->unread_pdus++;
            return;
        }
        *pdu = cursor_within(plain);
    }
    if (from == FROM_CLIENT)
        rdp_read_fast_input(share, header >> 2 & 0x0f, pdu);
    else
        rdp_read_fast_output(share, pdu);
}

void rdp_session_read(struct rdp_share *share, struct conversation *conversation, enum side from, struct cursor pdu)
{
    if (share == NULL)
        return;
    share->conversation = conversation;
    if (peek_u8(&pdu) == TPKT_VERSION)
        read_slow_path(share, from, &pdu);
    else
        read_fast_path(share, from, &pdu);
}

void rdp_session_lost(struct rdp_share *share, struct conversation *conversation, enum side from)
{
    if (share == NULL)
        return;
    share->conversation = conversation;
    rdp_security_lost(share->facts->security, from);
    rdp_mppc_lost(share->mppc[from]);
    rdp_channels_lost(share, from);
    if (from == FROM_SERVER)
        rdp_output_lost(share);
}

static struct record_integer count(bool was_seen, uint64_t value)
{
    return was_seen ? record_integer((int64_t)value) : (struct record_integer){.is_known = false};
}

void rdp_session_fill(const struct rdp_share *share, struct rdp_session *row)
{
    if (share == NULL)
        return;
    rdp_info_fill(share, row);
    row->disconnect_reason = record_text_of(share->disconnect_reason);
    row->key_events = count(share->input.was_seen, share->input.keys);
    row->mouse_events = count(share->input.was_seen, share->input.mouse);
    row->wheel_events = count(share->input.was_seen, share->input.wheel);
    row->unicode_events = count(share->input.was_seen, share->input.unicode);
    row->sync_events = count(share->input.was_seen, share->input.syncs);
    row->screen_updates = count(share->output.was_seen, share->output.updates);
    row->screen_bytes = count(share->output.was_seen, share->output.bytes);
    row->screen_rectangles = count(share->output.was_seen, share->output.rectangles);
    row->drawing_orders = count(share->output.was_seen, share->output.orders);
    row->pointer_updates = count(share->output.was_seen, share->output.pointers);
    row->clipboard_events = count(share->channels.clipboard != NULL, share->channels.clipboard_messages);
    row->audio_bytes = count(share->channels.has_audio, share->channels.audio_bytes);
    row->desktop_resizes = count(share->width.is_known, share->resizes);
}

/*
 * rdp_dynamic.c - dynamic virtual channels ([MS-RDPEDYC]): created, closed, and their data put together.
 *
 * Leaves out: compressed data (RDP 8.0 bulk compression), which is counted and named, and channels that move to UDP, which are told.
 */
#include "dissectors/rdp_share.h"

#include "base/memory.h"

enum dynamic_command { /* Cmd, the upper 4 bits of the first byte */
    DYNAMIC_CREATE = 1,
    DYNAMIC_DATA_FIRST = 2,
    DYNAMIC_DATA = 3,
    DYNAMIC_CLOSE = 4,
    DYNAMIC_CAPABILITIES = 5,
    DYNAMIC_DATA_FIRST_COMPRESSED = 6,
    DYNAMIC_DATA_COMPRESSED = 7,
    DYNAMIC_SOFT_SYNC_REQUEST = 8,
    DYNAMIC_SOFT_SYNC_RESPONSE = 9,
};

static enum rdp_reader reader_of(struct bytes name)
{
    if (bytes_equal_nocase(name, "Microsoft::Windows::RDS::Graphics"))
        return RDP_READER_GRAPHICS;
    if (bytes_equal_nocase(name, "Microsoft::Windows::RDS::DisplayControl"))
        return RDP_READER_DISPLAY;
    if (bytes_equal_nocase(name, "AUDIO_PLAYBACK_DVC") || bytes_equal_nocase(name, "AUDIO_PLAYBACK_LOSSY_DVC"))
        return RDP_READER_AUDIO;
    return RDP_READER_NONE;
}

/* A number of 1, 2 or 4 bytes: 2 bits of the header say so. */
static uint32_t take_sized(unsigned size, struct cursor *pdu)
{
    if (size == 0)
        return take_u8(pdu);
    return size == 1 ? take_u16_le(pdu) : take_u32_le(pdu);
}

/* The newest channel of that id that is open; NULL where there is none. */
static struct rdp_dynamic *find(struct rdp_share *share, uint32_t id)
{
    for (unsigned i = share->channels.dynamic_count; i > 0; i--) {
        struct rdp_dynamic *dynamic = &share->channels.dynamic[i - 1];

        if (dynamic->id == id && dynamic->is_open)
            return dynamic;
    }
    return NULL;
}

/* A new place; NULL beyond the limit. */
static struct rdp_dynamic *add(struct rdp_share *share)
{
    struct rdp_channels *channels = &share->channels;

    if (channels->dynamic_count >= RDP_DYNAMIC_LIMIT) {
        rdp_tell_limit(share, RDP_LIMIT_DYNAMIC);
        return NULL;
    }
    if (channels->dynamic_count == channels->dynamic_capacity) {
        unsigned capacity = channels->dynamic_capacity == 0 ? 8 : 2 * channels->dynamic_capacity;
        struct rdp_dynamic *larger = memory_resize(channels->dynamic, capacity * sizeof *larger);

        if (larger == NULL)
            return NULL;
        channels->dynamic = larger;
        channels->dynamic_capacity = capacity;
    }
    channels->dynamic[channels->dynamic_count] = (struct rdp_dynamic){.name = {.limit = RDP_PATH_LIMIT}};
    return &channels->dynamic[channels->dynamic_count++];
}

static void on_create_request(struct rdp_share *share, unsigned place, uint32_t id, struct cursor *pdu)
{
    struct bytes rest;
    struct bytes name = bytes_split(peek_bytes(pdu), 0, &rest);
    struct rdp_dynamic *dynamic = find(share, id);

    if (dynamic != NULL)
        dynamic->is_open = false; /* the id is used anew */
    dynamic = add(share);
    if (dynamic == NULL)
        return;
    dynamic->id = id;
    dynamic->is_open = true;
    dynamic->parent = place;
    text_append(&dynamic->name, name);
    dynamic->line.is_known = true;
    dynamic->line.reader = reader_of(name);
    rdp_tell_text(share, FROM_SERVER, "channel_opened", text_bytes(&dynamic->name));
}

static void on_create_response(struct rdp_share *share, uint32_t id, struct cursor *pdu)
{
    uint32_t status = take_u32_le(pdu);
    struct rdp_dynamic *dynamic = find(share, id);

    if (!cursor_is_good(pdu) || dynamic == NULL || (status & 0x80000000) == 0)
        return;
    dynamic->is_open = false;
    dynamic->was_refused = true;
    rdp_tell(share, FROM_CLIENT, "channel_refused", "%s", dynamic->name.length > 0 ? dynamic->name.at : "");
}

static void on_data(struct rdp_share *share, enum side from, unsigned command, uint32_t id, unsigned size, struct cursor *pdu)
{
    struct rdp_dynamic *dynamic = find(share, id);
    struct rdp_channel_message *message;
    bool begins = command == DYNAMIC_DATA_FIRST || command == DYNAMIC_DATA_FIRST_COMPRESSED;
    uint64_t total = begins ? take_sized(size, pdu) : 0;
    bool is_single;
    struct bytes part = peek_bytes(pdu);

    if (!cursor_is_good(pdu) || dynamic == NULL)
        return;
    dynamic->bytes[from] += part.length;
    message = &dynamic->line.messages[from];
    if (command == DYNAMIC_DATA_FIRST_COMPRESSED || command == DYNAMIC_DATA_COMPRESSED) {
        if (share->channels.compressed_dynamic++ == 0)
            rdp_tell(share, from, "compression_unread", "RDP 8.0 in a dynamic channel");
        return;
    }
    is_single = !begins && !message->is_open; /* a message that fits one PDU says no length */
    if (is_single)
        total = part.length;
    rdp_message_add(share, &dynamic->line, from, begins || is_single, total,
                    is_single || part.length + (begins ? 0 : message->received) >= (begins ? total : message->total), part);
}

static void on_close(struct rdp_share *share, enum side from, uint32_t id)
{
    struct rdp_dynamic *dynamic = find(share, id);

    if (dynamic == NULL)
        return;
    dynamic->is_open = false;
    rdp_tell_text(share, from, "channel_closed", text_bytes(&dynamic->name));
}

void rdp_dynamic_read(struct rdp_share *share, unsigned place, enum side from, struct cursor *pdu)
{
    uint8_t header = take_u8(pdu);
    unsigned command = header >> 4;
    uint32_t id;

    if (command == DYNAMIC_SOFT_SYNC_REQUEST || command == DYNAMIC_SOFT_SYNC_RESPONSE) {
        rdp_tell(share, from, "channels_to_udp", command == DYNAMIC_SOFT_SYNC_REQUEST ? "asked for" : "agreed");
        return;
    }
    if (command < DYNAMIC_CREATE || command > DYNAMIC_DATA_COMPRESSED || command == DYNAMIC_CAPABILITIES)
        return;
    id = take_sized(header & 3, pdu);
    if (!cursor_is_good(pdu)) {
        rdp_tell_contradiction(share, from, "a dynamic channel's PDU");
        return;
    }
    if (command == DYNAMIC_CREATE && from == FROM_SERVER)
        on_create_request(share, place, id, pdu);
    else if (command == DYNAMIC_CREATE)
        on_create_response(share, id, pdu);
    else if (command == DYNAMIC_CLOSE)
        on_close(share, from, id);
    else
        on_data(share, from, command, id, header >> 2 & 3, pdu);
}

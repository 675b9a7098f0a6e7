/*
 * rdp_blocks.c - the data blocks that client and server exchange in their MCS connect: [MS-RDPBCGR] 2.2.1.3, 2.2.1.4.
 *
 * Leaves out: the contents of blocks that no specification names, whose types are kept.
 */
#include "dissectors/rdp_settings.h"
#include "dissectors/utf16.h"

enum block_type {
    BLOCK_CLIENT_CORE = 0xc001,
    BLOCK_CLIENT_SECURITY = 0xc002,
    BLOCK_CLIENT_NETWORK = 0xc003,
    BLOCK_CLIENT_CLUSTER = 0xc004,
    BLOCK_CLIENT_MONITOR = 0xc005,
    BLOCK_CLIENT_MESSAGE_CHANNEL = 0xc006,
    BLOCK_CLIENT_MONITOR_EXTENDED = 0xc008,
    BLOCK_CLIENT_MULTITRANSPORT = 0xc00a,
    BLOCK_SERVER_CORE = 0x0c01,
    BLOCK_SERVER_SECURITY = 0x0c02,
    BLOCK_SERVER_NETWORK = 0x0c03,
    BLOCK_SERVER_MESSAGE_CHANNEL = 0x0c04,
    BLOCK_SERVER_MULTITRANSPORT = 0x0c08,
};

#define BLOCK_HEADER 4u
#define WANTS_32_BITS 0x0002 /* RNS_UD_CS_WANT_32BPP_SESSION */
#define MONITOR_ATTRIBUTES 20
#define SESSION_ID_IS_VALID 0x02 /* REDIRECTED_SESSIONID_FIELD_VALID */

/* ---- numbers and texts ---- */

static struct rdp_number take_known_u32(struct cursor *cursor)
{
    uint32_t value = take_u32_le(cursor);

    return (struct rdp_number){.value = value, .is_known = cursor_is_good(cursor)};
}

static struct rdp_number take_known_u16(struct cursor *cursor)
{
    uint16_t value = take_u16_le(cursor);

    return (struct rdp_number){.value = value, .is_known = cursor_is_good(cursor)};
}

/* Up to the first letter 0. */
void rdp_append_utf16(struct text *text, struct cursor cursor)
{
    struct bytes all = peek_bytes(&cursor);

    while (cursor_left(&cursor) >= 2) {
        size_t before = all.length - cursor_left(&cursor);

        if (take_u16_le(&cursor) != 0)
            continue;
        all.length = before;
        break;
    }
    utf16_append(text, cursor_within(all));
}

static void take_name(struct cursor *block, size_t length, struct text *name)
{
    name->limit = RDP_NAME_LIMIT;
    rdp_append_utf16(name, take_child(block, length));
}

/* ---- the client's blocks ---- */

/* colorDepth and postBeta2ColorDepth: 0xCA00 to 0xCA04; anything else tells no depth and leaves `depth` as it is. */
static void believe_depth_code(struct rdp_number code, struct rdp_number *depth)
{
    static const uint8_t depths[] = {4, 8, 15, 16, 24};

    if (code.is_known && code.value >= 0xca00 && code.value <= 0xca04)
        *depth = (struct rdp_number){.value = depths[code.value - 0xca00], .is_known = true};
}

static void believe_depth(struct rdp_number value, struct rdp_number *depth)
{
    if (value.is_known && (value.value == 4 || value.value == 8 || value.value == 15 || value.value == 16 || value.value == 24))
        *depth = value;
}

/* What newer clients add behind the product id. */
static void read_newest_core(struct cursor *block, struct rdp_settings *settings)
{
    if (cursor_left(block) < 1 + 1)
        return;
    settings->connection_type = (struct rdp_number){.value = take_u8(block), .is_known = true};
    skip_bytes(block, 1); /* padding */
    if (cursor_left(block) < 4)
        return;
    settings->selected_echo = take_known_u32(block);
    if (cursor_left(block) < 4 + 4 + 2)
        return;
    settings->physical_width = take_known_u32(block);
    settings->physical_height = take_known_u32(block);
    settings->orientation = take_known_u16(block);
    if (cursor_left(block) < 4 + 4)
        return;
    settings->desktop_scale = take_known_u32(block);
    settings->device_scale = take_known_u32(block);
}

/*
 * The fields that a client may leave out from some point on: each is read where it is there, and what stands behind the
 * last of them is none. The newest field that tells the depth counts.
 */
static void read_optional_core(struct cursor *block, struct rdp_settings *settings)
{
    if (cursor_left(block) < 2)
        return;
    believe_depth_code(take_known_u16(block), &settings->color_depth); /* postBeta2ColorDepth */
    if (cursor_left(block) < 2)
        return;
    settings->client_product = take_known_u16(block);
    if (cursor_left(block) < 4)
        return;
    settings->serial_number = take_known_u32(block);
    if (cursor_left(block) < 2)
        return;
    believe_depth(take_known_u16(block), &settings->color_depth); /* highColorDepth */
    if (cursor_left(block) < 2)
        return;
    settings->supported_depths = take_known_u16(block);
    if (cursor_left(block) < 2)
        return;
    settings->early_capabilities = take_known_u16(block);
    if ((settings->early_capabilities.value & WANTS_32_BITS) != 0)
        settings->color_depth = (struct rdp_number){.value = 32, .is_known = true};
    if (cursor_left(block) < 64)
        return;
    take_name(block, 64, &settings->product_id);
    read_newest_core(block, settings);
}

/* The first one counts: a second would be another client's words. */
static void on_client_core(struct cursor *block, struct rdp_settings *settings)
{
    if (settings->has_client_core)
        return;
    settings->has_client_core = true;
    settings->client_version = take_known_u32(block);
    settings->desktop_width = take_known_u16(block);
    settings->desktop_height = take_known_u16(block);
    believe_depth_code(take_known_u16(block), &settings->color_depth);
    skip_bytes(block, 2); /* SASSequence */
    settings->keyboard_layout = take_known_u32(block);
    settings->client_build = take_known_u32(block);
    take_name(block, 32, &settings->client_name);
    settings->keyboard_type = take_known_u32(block);
    settings->keyboard_subtype = take_known_u32(block);
    settings->function_keys = take_known_u32(block);
    take_name(block, 64, &settings->ime_file);
    read_optional_core(block, settings);
}

/* Clients of the French locale state their methods in the second field alone (2.2.1.3.3). */
static void on_client_security(struct cursor *block, struct rdp_settings *settings)
{
    struct rdp_number methods = take_known_u32(block);
    struct rdp_number french = take_known_u32(block);

    if (!settings->client_methods.is_known)
        settings->client_methods = methods.is_known && methods.value == 0 && french.is_known ? french : methods;
}

/* The channel at that place, made if need be; NULL beyond the limit. */
static struct rdp_channel_state *channel_at(struct rdp_settings *settings, uint32_t place)
{
    if (place >= RDP_CHANNELS_LIMIT)
        return NULL;
    if (place >= settings->channel_count)
        settings->channel_count = place + 1;
    return &settings->channels[place];
}

/* The server's own channel, which no client has a reason to ask for. Seven letters at most, and a NUL. */
static bool is_ms_t120(struct bytes name)
{
    struct bytes rest;

    return bytes_equal_nocase(bytes_split(name, '\0', &rest), "MS_T120");
}

/* All of those that are there are looked at; those within the limit are kept. */
static void on_client_network(struct cursor *block, struct rdp_settings *settings)
{
    if (settings->has_client_network)
        return;
    settings->has_client_network = true;
    settings->channels_asked = take_known_u32(block);
    for (uint32_t place = 0; place < settings->channels_asked.value && cursor_is_good(block); place++) {
        struct bytes name = take_bytes(block, 8);
        struct rdp_number options = take_known_u32(block);
        struct rdp_channel_state *channel = options.is_known ? channel_at(settings, place) : NULL;

        settings->asks_for_ms_t120 = settings->asks_for_ms_t120 || (options.is_known && is_ms_t120(name));
        if (channel == NULL)
            continue;
        memcpy(channel->name, name.at, name.length);
        channel->options = options;
    }
}

static void on_client_cluster(struct cursor *block, struct rdp_settings *settings)
{
    struct rdp_number session;

    if (settings->cluster_flags.is_known)
        return;
    settings->cluster_flags = take_known_u32(block);
    session = take_known_u32(block);
    if ((settings->cluster_flags.value & SESSION_ID_IS_VALID) != 0)
        settings->redirected_session = session;
}

static void on_client_monitors(struct cursor *block, struct rdp_settings *settings)
{
    if (settings->has_monitors)
        return;
    settings->has_monitors = true;
    skip_bytes(block, 4); /* flags: none is defined */
    settings->monitors_claimed = take_known_u32(block);
    for (uint32_t place = 0; place < settings->monitors_claimed.value && place < RDP_MONITORS_LIMIT; place++) {
        struct rdp_monitor *monitor = &settings->monitors[place];
        struct rdp_monitor read = *monitor;

        read.left = (int32_t)take_u32_le(block);
        read.top = (int32_t)take_u32_le(block);
        read.right = (int32_t)take_u32_le(block);
        read.bottom = (int32_t)take_u32_le(block);
        read.flags = take_u32_le(block);
        if (!cursor_is_good(block))
            return;
        *monitor = read;
        settings->monitor_count = place + 1;
    }
}

/* The size of each monitor's attributes is stated; what is longer than is known is stepped over. */
static void on_client_monitor_attributes(struct cursor *block, struct rdp_settings *settings)
{
    uint32_t size;
    uint32_t count;

    if (settings->has_monitor_attributes)
        return;
    settings->has_monitor_attributes = true;
    skip_bytes(block, 4); /* flags: none is defined */
    size = take_u32_le(block);
    count = take_u32_le(block);
    if (size < MONITOR_ATTRIBUTES)
        cursor_reject(block);
    for (uint32_t place = 0; place < count && place < RDP_MONITORS_LIMIT; place++) {
        struct rdp_monitor *monitor = &settings->monitors[place];
        struct cursor attributes = take_child(block, size);

        if (!cursor_is_good(block))
            return;
        monitor->physical_width = take_u32_le(&attributes);
        monitor->physical_height = take_u32_le(&attributes);
        monitor->orientation = take_u32_le(&attributes);
        monitor->desktop_scale = take_u32_le(&attributes);
        monitor->device_scale = take_u32_le(&attributes);
        monitor->has_attributes = true;
    }
}

static void believe_first(struct rdp_number read, struct rdp_number *kept)
{
    if (!kept->is_known)
        *kept = read;
}

/* False: the type is none of a client's. */
static bool on_client_block(uint16_t type, struct cursor *block, struct rdp_settings *settings)
{
    switch (type) {
    case BLOCK_CLIENT_CORE:
        on_client_core(block, settings);
        return true;
    case BLOCK_CLIENT_SECURITY:
        on_client_security(block, settings);
        return true;
    case BLOCK_CLIENT_NETWORK:
        on_client_network(block, settings);
        return true;
    case BLOCK_CLIENT_CLUSTER:
        on_client_cluster(block, settings);
        return true;
    case BLOCK_CLIENT_MONITOR:
        on_client_monitors(block, settings);
        return true;
    case BLOCK_CLIENT_MONITOR_EXTENDED:
        on_client_monitor_attributes(block, settings);
        return true;
    case BLOCK_CLIENT_MESSAGE_CHANNEL:
        believe_first(take_known_u32(block), &settings->client_message_channel);
        return true;
    case BLOCK_CLIENT_MULTITRANSPORT:
        believe_first(take_known_u32(block), &settings->client_multitransport);
        return true;
    default:
        return false;
    }
}

/* ---- the server's blocks ---- */

static void on_server_core(struct cursor *block, struct rdp_settings *settings)
{
    if (settings->has_server_core)
        return;
    settings->has_server_core = true;
    settings->server_version = take_known_u32(block);
    if (cursor_left(block) < 4)
        return;
    settings->requested_echo = take_known_u32(block);
    if (cursor_left(block) < 4)
        return;
    settings->server_early_capabilities = take_known_u32(block);
}

static void on_server_security(struct cursor *block, struct rdp_settings *settings)
{
    uint32_t random_length;
    uint32_t certificate_length;
    struct bytes random;
    struct cursor certificate;

    if (settings->has_server_security)
        return;
    settings->has_server_security = true;
    settings->encryption_method = take_known_u32(block);
    settings->encryption_level = take_known_u32(block);
    if (cursor_left(block) == 0)
        return; /* without encryption the rest is left out */
    random_length = take_u32_le(block);
    certificate_length = take_u32_le(block);
    random = take_bytes(block, random_length);
    if (cursor_is_good(block) && random.length == RDP_RANDOM_LENGTH) {
        memcpy(settings->server_random, random.at, RDP_RANDOM_LENGTH);
        settings->has_server_random = true;
    } else if (random.length > 0) {
        cursor_reject(block);
    }
    certificate = take_child(block, certificate_length);
    if (certificate_length > 0 && !rdp_read_certificate(&certificate, &settings->certificate))
        cursor_reject(block);
}

static void on_server_network(struct cursor *block, struct rdp_settings *settings)
{
    if (settings->has_server_network)
        return;
    settings->has_server_network = true;
    settings->io_channel = take_known_u16(block);
    settings->channels_given = take_known_u16(block);
    for (uint32_t place = 0; place < settings->channels_given.value && place < RDP_CHANNELS_LIMIT; place++) {
        struct rdp_number id = take_known_u16(block);
        struct rdp_channel_state *channel = id.is_known ? channel_at(settings, place) : NULL;

        if (channel == NULL)
            return;
        channel->id = id;
    }
}

static bool on_server_block(uint16_t type, struct cursor *block, struct rdp_settings *settings)
{
    switch (type) {
    case BLOCK_SERVER_CORE:
        on_server_core(block, settings);
        return true;
    case BLOCK_SERVER_SECURITY:
        on_server_security(block, settings);
        return true;
    case BLOCK_SERVER_NETWORK:
        on_server_network(block, settings);
        return true;
    case BLOCK_SERVER_MESSAGE_CHANNEL:
        believe_first(take_known_u16(block), &settings->message_channel);
        return true;
    case BLOCK_SERVER_MULTITRANSPORT:
        believe_first(take_known_u32(block), &settings->server_multitransport);
        return true;
    default:
        return false;
    }
}

/* ---- all blocks ---- */

static void keep_unknown(uint16_t type, struct rdp_settings *settings)
{
    if (settings->unknown_count < RDP_UNKNOWN_LIMIT)
        settings->unknown[settings->unknown_count] = type;
    settings->unknown_count++;
}

/* A block that claims more than there is, is read as far as it goes. */
bool rdp_read_blocks(struct cursor *blocks, enum side from, struct rdp_settings *settings)
{
    bool is_honest = true;

    while (cursor_left(blocks) > 0) {
        uint16_t type = take_u16_le(blocks);
        uint16_t length = take_u16_le(blocks);
        struct cursor block;

        if (!cursor_is_good(blocks) || length < BLOCK_HEADER)
            return false;
        is_honest = is_honest && length - BLOCK_HEADER <= cursor_left(blocks);
        block = cursor_within(take_up_to(blocks, (size_t)length - BLOCK_HEADER));
        if (!(from == FROM_CLIENT ? on_client_block(type, &block, settings) : on_server_block(type, &block, settings)))
            keep_unknown(type, settings);
        is_honest = is_honest && cursor_is_good(&block);
    }
    return is_honest;
}

void rdp_settings_free(struct rdp_settings *settings)
{
    text_free(&settings->client_name);
    text_free(&settings->ime_file);
    text_free(&settings->product_id);
    text_free(&settings->certificate.subject);
    text_free(&settings->certificate.issuer);
    text_free(&settings->certificate.serial);
}

/*
 * rdp_gcc.c - MCS Connect-Initial and Connect-Response (T.125 7, BER: X.690), the GCC
 * Conference Create in them (T.124 8.7, aligned PER: X.691), and the data blocks
 * of [MS-RDPBCGR] 2.2.1.3 and 2.2.1.4.
 *
 * Leaves out: cluster, monitor, message channel and multitransport blocks and the
 * server's core, which are stepped over by their lengths; domain parameters.
 */
#include "dissectors/rdp_record.h"

enum ber_tag {
    BER_BOOLEAN = 0x01,
    BER_INTEGER = 0x02,
    BER_OCTET_STRING = 0x04,
    BER_ENUMERATED = 0x0a,
    BER_SEQUENCE = 0x30,
    BER_CONNECT_INITIAL = 0x7f65,
    BER_CONNECT_RESPONSE = 0x7f66,
};

enum block_type {
    BLOCK_CLIENT_CORE = 0xc001,
    BLOCK_CLIENT_NETWORK = 0xc003,
    BLOCK_SERVER_SECURITY = 0x0c02,
    BLOCK_SERVER_NETWORK = 0x0c03,
    BLOCK_SERVER_MESSAGE_CHANNEL = 0x0c04,
};

enum certificate_version { /* [MS-RDPBCGR] 2.2.1.4.3.1 */
    CERTIFICATE_PROPRIETARY = 1,
    CERTIFICATE_X509 = 2,
    CERTIFICATE_IS_TEMPORARY = 0x80000000,
};

#define WANTS_32_BITS 0x0002 /* RNS_UD_CS_WANT_32BPP_SESSION */

/* ---- BER ---- */

/* A definite length of one to five bytes (X.690 8.1.3); anything else rejects. */
static size_t take_ber_length(struct cursor *cursor)
{
    uint8_t first = take_u8(cursor);
    unsigned count = first & 0x7f;
    size_t length = 0;

    if (first < 0x80)
        return first;
    if (count == 0 || count > 4) {
        cursor_reject(cursor);
        return 0;
    }
    while (count-- > 0)
        length = length << 8 | take_u8(cursor);
    return length;
}

/* An element of that tag: its contents as a child. Rejects where another tag stands. */
static struct cursor take_ber(struct cursor *cursor, uint8_t tag)
{
    if (take_u8(cursor) != tag)
        cursor_reject(cursor);
    return take_child(cursor, take_ber_length(cursor));
}

/* ---- PER ---- */

/* A length of one or two bytes (X.691 10.9); fragmented lengths reject. */
static size_t take_per_length(struct cursor *cursor)
{
    uint8_t first = take_u8(cursor);

    if ((first & 0x80) == 0)
        return first;
    if ((first & 0x40) != 0)
        cursor_reject(cursor);
    return (size_t)(first & 0x3f) << 8 | take_u8(cursor);
}

/* ---- data blocks ---- */

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

static void append_utf8(struct text *text, uint32_t letter)
{
    uint8_t bytes[4];
    size_t length;

    if (letter < 0x80) {
        bytes[0] = (uint8_t)letter;
        length = 1;
    } else if (letter < 0x800) {
        bytes[0] = (uint8_t)(0xc0 | letter >> 6);
        bytes[1] = (uint8_t)(0x80 | (letter & 0x3f));
        length = 2;
    } else if (letter < 0x10000) {
        bytes[0] = (uint8_t)(0xe0 | letter >> 12);
        bytes[1] = (uint8_t)(0x80 | (letter >> 6 & 0x3f));
        bytes[2] = (uint8_t)(0x80 | (letter & 0x3f));
        length = 3;
    } else {
        bytes[0] = (uint8_t)(0xf0 | letter >> 18);
        bytes[1] = (uint8_t)(0x80 | (letter >> 12 & 0x3f));
        bytes[2] = (uint8_t)(0x80 | (letter >> 6 & 0x3f));
        bytes[3] = (uint8_t)(0x80 | (letter & 0x3f));
        length = 4;
    }
    text_append(text, bytes_of(bytes, length));
}

/* UTF-16LE up to its NUL. An unpaired surrogate comes out as three bytes that are not UTF-8: the store escapes them. */
static void append_utf16(struct text *text, struct cursor cursor)
{
    while (cursor_left(&cursor) >= 2) {
        uint32_t letter = take_u16_le(&cursor);

        if (letter == 0)
            return;
        if (letter >= 0xd800 && letter < 0xdc00 && cursor_left(&cursor) >= 2) {
            struct cursor ahead = cursor;
            uint32_t low = take_u16_le(&ahead);

            if (low >= 0xdc00 && low < 0xe000) {
                letter = 0x10000 + ((letter - 0xd800) << 10) + (low - 0xdc00);
                cursor = ahead;
            }
        }
        append_utf8(text, letter);
    }
}

/* colorDepth and postBeta2ColorDepth: 0xCA00 to 0xCA04; anything else tells no depth and leaves `depth` as it is. */
static void believe_depth_code(struct rdp_number code, struct rdp_number *depth)
{
    static const uint8_t depths[] = {4, 8, 15, 16, 24};

    if (code.is_known && code.value >= 0xca00 && code.value <= 0xca04)
        *depth = (struct rdp_number){.value = depths[code.value - 0xca00], .is_known = true};
}

/* The fields that a client may leave out from some point on. The newest field that tells the depth counts. */
static void read_optional_core(struct cursor *block, struct rdp_settings *settings)
{
    uint16_t value;

    if (cursor_left(block) < 2)
        return;
    believe_depth_code(take_known_u16(block), &settings->color_depth); /* postBeta2ColorDepth */
    if (cursor_left(block) < 2 + 4 + 2)
        return;
    skip_bytes(block, 2 + 4); /* clientProductId, serialNumber */
    value = take_u16_le(block); /* highColorDepth */
    if (value == 4 || value == 8 || value == 15 || value == 16 || value == 24)
        settings->color_depth = (struct rdp_number){.value = value, .is_known = true};
    if (cursor_left(block) < 2 + 2)
        return;
    skip_bytes(block, 2); /* supportedColorDepths */
    if ((take_u16_le(block) & WANTS_32_BITS) != 0) /* earlyCapabilityFlags */
        settings->color_depth = (struct rdp_number){.value = 32, .is_known = true};
    if (cursor_left(block) < 64)
        return;
    settings->product_id.limit = RDP_NAME_LIMIT;
    append_utf16(&settings->product_id, take_child(block, 64));
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
    settings->client_name.limit = RDP_NAME_LIMIT;
    append_utf16(&settings->client_name, take_child(block, 32));
    settings->keyboard_type = take_known_u32(block);
    skip_bytes(block, 4 + 4 + 64); /* subtype, function keys, input method editor's file */
    read_optional_core(block, settings);
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

static void on_client_network(struct cursor *block, struct rdp_settings *settings)
{
    if (settings->has_client_network)
        return;
    settings->has_client_network = true;
    settings->channels_asked = take_known_u32(block);
    for (uint32_t place = 0; place < settings->channels_asked.value && place < RDP_CHANNELS_LIMIT; place++) {
        struct bytes name = take_bytes(block, 8);
        struct rdp_number options = take_known_u32(block);
        struct rdp_channel_state *channel = options.is_known ? channel_at(settings, place) : NULL;

        if (channel == NULL)
            return;
        memcpy(channel->name, name.at, name.length);
        channel->options = options;
    }
}

static bool on_server_certificate(struct cursor *certificate, struct rdp_settings *settings)
{
    uint32_t version = take_u32_le(certificate) & ~(uint32_t)CERTIFICATE_IS_TEMPORARY;

    if (!cursor_is_good(certificate) || (version != CERTIFICATE_PROPRIETARY && version != CERTIFICATE_X509))
        return false;
    settings->certificate_version = (struct rdp_number){.value = version, .is_known = true};
    if (version == CERTIFICATE_PROPRIETARY)
        return true;
    settings->certificate_subject.limit = RDP_SUBJECT_LIMIT;
    return rdp_read_certificate_subject(certificate, &settings->certificate_subject);
}

static void on_server_security(struct cursor *block, struct rdp_settings *settings)
{
    uint32_t random_length;
    uint32_t certificate_length;
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
    skip_bytes(block, random_length);
    certificate = take_child(block, certificate_length);
    if (certificate_length > 0 && !on_server_certificate(&certificate, settings))
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

/* A block of one side; unknown types are stepped over. */
static void on_block(uint16_t type, struct cursor *block, struct rdp_settings *settings)
{
    switch (type) {
    case BLOCK_CLIENT_CORE:
        on_client_core(block, settings);
        break;
    case BLOCK_CLIENT_NETWORK:
        on_client_network(block, settings);
        break;
    case BLOCK_SERVER_SECURITY:
        on_server_security(block, settings);
        break;
    case BLOCK_SERVER_NETWORK:
        on_server_network(block, settings);
        break;
    case BLOCK_SERVER_MESSAGE_CHANNEL:
        settings->message_channel = take_known_u16(block);
        break;
    default:
        break;
    }
}

/*
 * False where a length lies; what was read before it stands. A block that claims more
 * than there is, is read as far as it goes.
 */
static bool read_blocks(struct cursor *blocks, struct rdp_settings *settings)
{
    bool is_honest = true;

    while (cursor_left(blocks) > 0) {
        uint16_t type = take_u16_le(blocks);
        uint16_t length = take_u16_le(blocks);
        struct cursor block;

        if (!cursor_is_good(blocks) || length < 4)
            return false;
        is_honest = is_honest && length - 4u <= cursor_left(blocks);
        block = cursor_within(take_up_to(blocks, length - 4u));
        on_block(type, &block, settings);
        is_honest = is_honest && cursor_is_good(&block);
    }
    return is_honest;
}

/* ---- the connect PDUs ---- */

/* Takes exactly these bytes, or rejects. */
static void take_fixed(struct cursor *cursor, const char *fixed, size_t length)
{
    if (!bytes_equal(take_bytes(cursor, length), bytes_of(fixed, length)))
        cursor_reject(cursor);
}

/*
 * ConnectData: the key that names T.124, then the length of the conference's PDU. Clients
 * are known to state that length wrongly, so it is read and not relied on: the last
 * part's own length, right before the blocks, counts.
 */
static void take_conference_head(struct cursor *data)
{
    take_fixed(data, "\x00\x05\x00\x14\x7c\x00\x01", 7);
    (void)take_per_length(data);
}

/* One set of user data: the key of its sender, then the blocks. */
static enum rdp_reading read_user_data(struct cursor *data, const char *key, struct rdp_settings *settings)
{
    size_t length;
    struct cursor blocks;
    bool is_honest;

    take_fixed(data, key, 4);
    length = take_per_length(data);
    if (!cursor_is_good(data))
        return RDP_INVALID;
    is_honest = length <= cursor_left(data);
    blocks = cursor_within(take_up_to(data, length));
    return read_blocks(&blocks, settings) && is_honest ? RDP_READ : RDP_INVALID;
}

/* The PDU's contents; what follows them in the TPKT is not looked at. */
static enum rdp_reading take_connect(struct cursor *pdu, uint16_t tag, struct cursor *contents)
{
    struct cursor ahead = *pdu;

    if (take_u16_be(&ahead) != tag || !cursor_is_good(&ahead))
        return RDP_OTHER;
    *contents = take_child(&ahead, take_ber_length(&ahead));
    *pdu = ahead;
    return cursor_is_good(&ahead) ? RDP_READ : RDP_INVALID;
}

enum rdp_reading rdp_read_connect_initial(struct cursor *pdu, struct rdp_settings *settings)
{
    struct cursor contents;
    struct cursor data;
    enum rdp_reading reading = take_connect(pdu, BER_CONNECT_INITIAL, &contents);

    if (reading != RDP_READ)
        return reading;
    (void)take_ber(&contents, BER_OCTET_STRING); /* calling domain */
    (void)take_ber(&contents, BER_OCTET_STRING); /* called domain */
    (void)take_ber(&contents, BER_BOOLEAN);      /* upward flag */
    for (int i = 0; i < 3; i++)
        (void)take_ber(&contents, BER_SEQUENCE); /* target, minimum and maximum domain parameters */
    data = take_ber(&contents, BER_OCTET_STRING);
    take_conference_head(&data);
    /* conferenceCreateRequest with user data; the conference is named "1", nothing is locked; one set, with a key of H.221 */
    take_fixed(&data, "\x00\x08\x00\x10\x00\x01\xc0\x00", 8);
    return read_user_data(&data, "Duca", settings);
}

enum rdp_reading rdp_read_connect_response(struct cursor *pdu, struct rdp_settings *settings)
{
    struct cursor contents;
    struct cursor data;
    enum rdp_reading reading = take_connect(pdu, BER_CONNECT_RESPONSE, &contents);

    if (reading != RDP_READ)
        return reading;
    (void)take_ber(&contents, BER_ENUMERATED); /* result */
    (void)take_ber(&contents, BER_INTEGER);    /* called connect id */
    (void)take_ber(&contents, BER_SEQUENCE);   /* domain parameters */
    data = take_ber(&contents, BER_OCTET_STRING);
    take_conference_head(&data);
    skip_bytes(&data, 1 + 2);             /* conferenceCreateResponse with user data, node id */
    skip_bytes(&data, take_u8(&data));    /* tag: an integer of so many bytes */
    skip_bytes(&data, 1);                 /* result */
    take_fixed(&data, "\x01\xc0\x00", 3); /* one set, with a key of H.221 */
    return read_user_data(&data, "McDn", settings);
}

void rdp_settings_free(struct rdp_settings *settings)
{
    text_free(&settings->client_name);
    text_free(&settings->product_id);
    text_free(&settings->certificate_subject);
}

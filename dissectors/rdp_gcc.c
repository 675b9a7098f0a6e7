/*
 * rdp_gcc.c - MCS Connect-Initial and Connect-Response (T.125 7, BER: X.690), the GCC
 * Conference Create in them (T.124 8.7, aligned PER: X.691), and the data blocks
 * of [MS-RDPBCGR] 2.2.1.3 and 2.2.1.4.
 *
 * Leaves out: cluster, monitor, message channel and multitransport blocks, which
 * are stepped over by their lengths; the certificate's contents.
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
};

/* Blocks of one side that are looked at. */
#define BLOCKS_LIMIT 64
#define NAME_LIMIT 256
#define CERTIFICATE_X509 2

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

static uint16_t depth_of_code(uint16_t code)
{
    static const uint16_t depths[] = {4, 8, 15, 16, 24}; /* 0xCA00 to 0xCA04 */

    return code >= 0xca00 && code <= 0xca04 ? depths[code - 0xca00] : 0;
}

/* The depth by the rules of 2.2.1.3.2: the newest field that is there counts. */
static void read_optional_core(struct cursor *block, struct rdp_settings *settings)
{
    uint16_t value;
    uint16_t flags;

    if (cursor_left(block) < 2)
        return;
    value = depth_of_code(take_u16_le(block)); /* postBeta2ColorDepth */
    if (value != 0)
        settings->color_depth = value;
    if (cursor_left(block) < 8)
        return;
    skip_bytes(block, 6); /* clientProductId, serialNumber */
    value = take_u16_le(block); /* highColorDepth */
    if (value == 4 || value == 8 || value == 15 || value == 16 || value == 24)
        settings->color_depth = value;
    if (cursor_left(block) < 4)
        return;
    skip_bytes(block, 2); /* supportedColorDepths */
    flags = take_u16_le(block);
    if ((flags & 0x0002) != 0) /* RNS_UD_CS_WANT_32BPP_SESSION */
        settings->color_depth = 32;
    if (cursor_left(block) < 64)
        return;
    settings->product_id.limit = NAME_LIMIT;
    append_utf16(&settings->product_id, take_child(block, 64));
}

static void on_client_core(struct cursor *block, struct rdp_settings *settings)
{
    struct cursor name;

    settings->client_version = take_u32_le(block);
    settings->desktop_width = take_u16_le(block);
    settings->desktop_height = take_u16_le(block);
    settings->color_depth = depth_of_code(take_u16_le(block));
    skip_bytes(block, 2); /* SASSequence */
    settings->keyboard_layout = take_u32_le(block);
    settings->client_build = take_u32_le(block);
    name = take_child(block, 32);
    settings->keyboard_type = take_u32_le(block);
    skip_bytes(block, 8 + 64); /* subtype, function keys, input method editor's file */
    if (!cursor_is_good(block))
        return;
    settings->has_client_core = true;
    settings->client_name.limit = NAME_LIMIT;
    text_clear(&settings->client_name);
    text_clear(&settings->product_id);
    append_utf16(&settings->client_name, name);
    read_optional_core(block, settings);
}

static void on_client_network(struct cursor *block, struct rdp_settings *settings)
{
    uint32_t count = take_u32_le(block);

    if (!cursor_is_good(block))
        return;
    settings->has_client_network = true;
    settings->channels_asked = count;
    settings->channel_count = 0;
    while (count-- > 0 && settings->channel_count < RDP_CHANNELS_LIMIT) {
        struct rdp_channel_request *channel = &settings->channels[settings->channel_count];
        struct bytes name = take_bytes(block, 8);
        uint32_t options = take_u32_le(block);

        if (!cursor_is_good(block))
            return;
        memcpy(channel->name, name.at, 8);
        channel->name[8] = '\0';
        channel->options = options;
        channel->id = 0;
        settings->channel_count++;
    }
}

static void on_server_security(struct cursor *block, struct rdp_settings *settings)
{
    uint32_t random_length;
    uint32_t certificate_length;
    struct cursor certificate;
    uint32_t version;

    settings->encryption_method = take_u32_le(block);
    settings->encryption_level = take_u32_le(block);
    if (!cursor_is_good(block))
        return;
    settings->has_server_security = true;
    if (cursor_left(block) < 8)
        return; /* without encryption the rest is left out */
    random_length = take_u32_le(block);
    certificate_length = take_u32_le(block);
    skip_bytes(block, random_length);
    certificate = take_child(block, certificate_length);
    version = take_u32_le(&certificate) & 0x7fffffff;
    if (!cursor_is_good(&certificate))
        return;
    settings->has_certificate = version == 1 || version == CERTIFICATE_X509;
    settings->certificate_is_x509 = version == CERTIFICATE_X509;
}

static void on_server_network(struct cursor *block, struct rdp_settings *settings)
{
    uint16_t count;

    skip_bytes(block, 2); /* I/O channel */
    count = take_u16_le(block);
    for (unsigned i = 0; i < count && i < settings->channel_count; i++) {
        uint16_t id = take_u16_le(block);

        if (cursor_is_good(block))
            settings->channels[i].id = id;
    }
}

/* False where a block's length lies; the blocks before it stand. */
static bool read_blocks(struct cursor *blocks, struct rdp_settings *settings)
{
    for (unsigned count = 0; cursor_left(blocks) > 0 && count < BLOCKS_LIMIT; count++) {
        uint16_t type = take_u16_le(blocks);
        uint16_t length = take_u16_le(blocks);
        struct cursor block;

        if (length < 4)
            cursor_reject(blocks);
        block = take_child(blocks, length - 4u);
        if (!cursor_is_good(blocks))
            return false;
        if (type == BLOCK_CLIENT_CORE)
            on_client_core(&block, settings);
        else if (type == BLOCK_CLIENT_NETWORK)
            on_client_network(&block, settings);
        else if (type == BLOCK_SERVER_SECURITY)
            on_server_security(&block, settings);
        else if (type == BLOCK_SERVER_NETWORK)
            on_server_network(&block, settings);
        if (!cursor_is_good(&block))
            return false;
    }
    return true;
}

/* ---- the connect PDUs ---- */

/* Takes exactly these bytes, or rejects. */
static void take_fixed(struct cursor *cursor, const char *fixed, size_t length)
{
    if (!bytes_equal(take_bytes(cursor, length), bytes_of(fixed, length)))
        cursor_reject(cursor);
}

/*
 * ConnectData: the key that names T.124, then the conference's PDU, whose only part
 * of use is the user data behind the key of its sender. Windows and others state the
 * outer length wrongly at times, so it is read and not relied on.
 */
static bool read_conference(struct cursor *data, const char *before_key, size_t before_length, const char *key, struct rdp_settings *settings)
{
    struct cursor blocks;

    take_fixed(data, "\x00\x05\x00\x14\x7c\x00\x01", 7);
    (void)take_per_length(data);
    if (before_key != NULL)
        take_fixed(data, before_key, before_length);
    else
        skip_bytes(data, before_length);
    take_fixed(data, key, 4);
    blocks = take_child(data, take_per_length(data));
    return cursor_is_good(data) && read_blocks(&blocks, settings);
}

static bool take_connect_tag(struct cursor *pdu, uint16_t tag)
{
    if (take_u16_be(pdu) != tag)
        cursor_reject(pdu);
    (void)take_ber_length(pdu);
    return cursor_is_good(pdu);
}

bool rdp_read_connect_initial(struct cursor *pdu, struct rdp_settings *settings)
{
    struct cursor user_data;

    if (!take_connect_tag(pdu, BER_CONNECT_INITIAL))
        return false;
    (void)take_ber(pdu, BER_OCTET_STRING); /* calling domain */
    (void)take_ber(pdu, BER_OCTET_STRING); /* called domain */
    (void)take_ber(pdu, BER_BOOLEAN);      /* upward flag */
    for (int i = 0; i < 3; i++)
        (void)take_ber(pdu, BER_SEQUENCE); /* target, minimum and maximum domain parameters */
    user_data = take_ber(pdu, BER_OCTET_STRING);
    if (!cursor_is_good(pdu))
        return false;
    /* conferenceCreateRequest: name "1", one set of user data with a non-standard key */
    return read_conference(&user_data, "\x00\x08\x00\x10\x00\x01\xc0\x00", 8, "Duca", settings);
}

bool rdp_read_connect_response(struct cursor *pdu, struct rdp_settings *settings)
{
    struct cursor user_data;

    if (!take_connect_tag(pdu, BER_CONNECT_RESPONSE))
        return false;
    (void)take_ber(pdu, BER_ENUMERATED); /* result */
    (void)take_ber(pdu, BER_INTEGER);    /* called connect id */
    (void)take_ber(pdu, BER_SEQUENCE);   /* domain parameters */
    user_data = take_ber(pdu, BER_OCTET_STRING);
    if (!cursor_is_good(pdu))
        return false;
    /* conferenceCreateResponse: node id, tag and result differ between servers */
    return read_conference(&user_data, NULL, 9, "McDn", settings);
}

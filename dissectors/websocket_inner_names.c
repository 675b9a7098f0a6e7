/*
 * websocket_inner_names.c - names what a WebSocket carries by its first messages. A subprotocol is a claim: a name is given where what is said agrees.
 *
 * Read here, as streams: RFB, the protocol of VNC (RFC 6143, 7.1.1), and MQTT (3.1, 3.1.1 and 5.0: OASIS, 3.1), whose messages need not begin with a
 * WebSocket's; and BFCP (RFC 8856, 5.1), a message in a message. What is read as text stands in websocket_inner_text.c and websocket_inner_json.c.
 */
#include "dissectors/websocket_inner_names.h"

#include <stdio.h>

void inner_names_open(struct inner_names *names, const struct websocket_handshake *handshake, const bool has_start[SIDE_COUNT])
{
    names->handshake = handshake;
    names->detail.limit = INNER_DETAIL_LIMIT;
    for (int side = 0; side < SIDE_COUNT; side++) {
        names->side[side].stream.limit = INNER_STREAM_LIMIT;
        names->side[side].message.limit = INNER_MESSAGE_LIMIT;
        names->side[side].lacks_start = !has_start[side];
    }
}

static void forget(struct inner_names *names)
{
    for (int side = 0; side < SIDE_COUNT; side++) {
        text_free(&names->side[side].stream);
        text_free(&names->side[side].message);
    }
}

void inner_names_settle(struct inner_names *names)
{
    names->is_settled = true;
    forget(names);
}

void inner_names_close(struct inner_names *names)
{
    inner_names_settle(names);
    text_free(&names->detail);
}

/* ---- what the rules say ---- */

void inner_names_found(struct inner_names *names, const char *protocol)
{
    names->protocol = protocol;
}

void inner_names_found_client(struct inner_names *names, enum side client)
{
    if (names->knows_client)
        return;
    names->knows_client = true;
    names->client = client;
}

void inner_names_found_detail(struct inner_names *names, struct bytes detail)
{
    if (names->detail.length == 0)
        text_append(&names->detail, detail);
}

bool inner_names_chose(const struct inner_names *names, const char *subprotocol)
{
    return bytes_equal_nocase(text_bytes(&names->handshake->subprotocol), subprotocol);
}

/* ---- RFB ---- */

#define RFB_VERSION_LENGTH 12   /* "RFB 003.008\n" */
#define RFB_SECURITY_TYPES 32   /* more than any server lists */
#define RFB_SECURITY_NONE 1

/* The version that a side names as major * 1000 + minor; 0 where it does not. */
static unsigned rfb_version(struct bytes said)
{
    struct cursor line = cursor_over(said);
    struct bytes word = take_bytes(&line, strlen("RFB "));
    unsigned number[2] = {0, 0};

    if (!bytes_equal(word, bytes_of_text("RFB ")))
        return 0;
    for (unsigned part = 0; part < 2; part++) {
        for (unsigned digit = 0; digit < 3; digit++) {
            uint8_t letter = take_u8(&line);

            if (letter < '0' || letter > '9')
                return 0;
            number[part] = number[part] * 10 + letter - '0';
        }
        if (take_u8(&line) != (part == 0 ? '.' : '\n'))
            return 0;
    }
    return number[0] * 1000 + number[1];
}

enum answer {
    ANSWER_WAITS,
    ANSWER_NO,
    ANSWER_YES,
};

/* Behind the choice of no security the server says how its pixels are (RFC 6143, 7.1.3, 7.3.2 and 7.4). */
static enum answer rfb_goes_on(struct cursor server, unsigned version)
{
    uint32_t result = version >= 3008 ? take_u32_be(&server) : 0;
    uint8_t bits;

    skip_bytes(&server, 4);
    bits = take_u8(&server);
    if (!cursor_is_good(&server))
        return ANSWER_WAITS;
    return result == 0 && (bits == 8 || bits == 16 || bits == 32) ? ANSWER_YES : ANSWER_NO;
}

/* Whether `client` chooses one of the security types that `server` lists (RFC 6143, 7.1.2). */
static enum answer rfb_agrees(struct bytes server, struct bytes client, unsigned version)
{
    struct cursor list = cursor_over(server);
    struct cursor choice = cursor_over(client);
    struct bytes types;
    uint8_t chosen;
    uint8_t count;

    skip_bytes(&list, RFB_VERSION_LENGTH);
    skip_bytes(&choice, RFB_VERSION_LENGTH);
    count = take_u8(&list);
    if (cursor_is_good(&list) && (count == 0 || count > RFB_SECURITY_TYPES))
        return ANSWER_NO;
    types = take_bytes(&list, count);
    chosen = take_u8(&choice);
    if (!cursor_is_good(&list) || !cursor_is_good(&choice))
        return ANSWER_WAITS;
    if (memchr(types.at, chosen, types.length) == NULL)
        return ANSWER_NO;
    return chosen == RFB_SECURITY_NONE ? rfb_goes_on(list, version) : ANSWER_YES;
}

/* The client speaks the server's version or an older one. Either side of the WebSocket may be the client. */
static void read_rfb(struct inner_names *names)
{
    struct bytes client = text_bytes(&names->side[FROM_CLIENT].stream);
    struct bytes server = text_bytes(&names->side[FROM_SERVER].stream);
    unsigned of_client = rfb_version(client);
    unsigned of_server = rfb_version(server);
    unsigned spoken = of_client < of_server ? of_client : of_server;
    enum answer is_straight;
    enum answer is_turned;
    char version[16];

    if (of_client == 0 && of_server == 0)
        return;
    inner_names_found(names, "vnc");
    if (spoken == 0)
        return;
    snprintf(version, sizeof version, "RFB %u.%u", spoken / 1000, spoken % 1000);
    inner_names_found_detail(names, bytes_of_text(version));
    is_straight = rfb_agrees(server, client, spoken);
    is_turned = rfb_agrees(client, server, spoken);
    if (is_straight == ANSWER_WAITS || is_turned == ANSWER_WAITS)
        return;
    if (is_straight != is_turned)
        inner_names_found_client(names, is_straight == ANSWER_YES ? FROM_CLIENT : FROM_SERVER);
    names->is_settled = true;
}

/* ---- MQTT ---- */

#define MQTT_CONNECT 0x10
#define MQTT_CONNACK 0x20

static const char *mqtt_version(uint8_t level)
{
    switch (level) {
    case 3:
        return "MQTT 3.1";
    case 4:
        return "MQTT 3.1.1";
    case 5:
        return "MQTT 5.0";
    default:
        return NULL;
    }
}

/* A variable byte integer (MQTT 5.0, 1.5.5). */
static uint32_t take_remaining_length(struct cursor *packet)
{
    uint32_t length = 0;

    for (unsigned shift = 0; shift < 28; shift += 7) {
        uint8_t part = take_u8(packet);

        length |= (uint32_t)(part & 0x7f) << shift;
        if ((part & 0x80) == 0)
            return length;
    }
    cursor_reject(packet);
    return 0;
}

static void read_mqtt(struct inner_names *names, enum side from, struct bytes said)
{
    struct cursor packet = cursor_over(said);
    uint8_t type = take_u8(&packet);
    uint32_t length = take_remaining_length(&packet);
    struct bytes name;
    const char *version;

    if (type == MQTT_CONNACK && cursor_is_good(&packet) && length >= 2 && length < 128 && from == FROM_SERVER && inner_names_chose(names, "mqtt")) {
        inner_names_found(names, "mqtt");
        inner_names_found_client(names, FROM_CLIENT);
        return;
    }
    name = take_bytes(&packet, take_u16_be(&packet));
    version = mqtt_version(take_u8(&packet));
    if (type != MQTT_CONNECT || !cursor_is_good(&packet) || version == NULL || length < 12 ||
        !bytes_equal(name, bytes_of_text(strcmp(version, "MQTT 3.1") == 0 ? "MQIsdp" : "MQTT")))
        return;
    inner_names_found(names, "mqtt");
    inner_names_found_client(names, from);
    inner_names_found_detail(names, bytes_of_text(version));
    names->is_settled = true;
}

/* ---- BFCP ---- */

/* RFC 8856, 5.1, and RFC 8857, 4: version 1 over what is reliable; the payload's length counts words of four bytes. */
static void read_bfcp(struct inner_names *names, const struct inner_message *message)
{
    struct cursor header = cursor_within(message->bytes);
    uint8_t version = take_u8(&header) >> 5;
    uint8_t primitive = take_u8(&header);
    uint16_t length = take_u16_be(&header);

    if (!inner_names_chose(names, "bfcp") || !cursor_is_good(&header) || version != 1 || primitive == 0 || primitive > 18 ||
        message->size != 12 + (uint64_t)length * 4)
        return;
    inner_names_found(names, "bfcp");
    names->is_settled = true;
}

/* ---- messages ---- */

void inner_names_begin(struct inner_names *names, enum side from, bool is_text)
{
    struct inner_names_side *side = &names->side[from];

    if (names->is_settled)
        return;
    side->messages++;
    if (side->messages > INNER_MESSAGES_LIMIT) {
        inner_names_settle(names);
        return;
    }
    text_clear(&side->message);
    side->message_size = 0;
    side->is_text = is_text;
    side->is_broken = false;
}

static void read_stream(struct inner_names *names, enum side from)
{
    struct bytes said = text_bytes(&names->side[from].stream);

    if (names->protocol == NULL || strcmp(names->protocol, "vnc") == 0)
        read_rfb(names);
    if (names->protocol == NULL || strcmp(names->protocol, "mqtt") == 0)
        read_mqtt(names, from, said);
}

void inner_names_say(struct inner_names *names, enum side from, struct bytes bytes)
{
    struct inner_names_side *side = &names->side[from];

    if (names->is_settled)
        return;
    side->message_size += bytes.length;
    if (!side->is_broken)
        text_append(&side->message, bytes);
    if (!side->lacks_start && !side->stream.was_cut) {
        text_append(&side->stream, bytes);
        read_stream(names, from);
    }
    if (names->is_settled)
        forget(names);
}

void inner_names_end(struct inner_names *names, enum side from, bool is_whole)
{
    struct inner_names_side *side = &names->side[from];
    const struct inner_message message = {
        .from = from,
        .is_text = side->is_text,
        .is_whole = is_whole && !side->message.was_cut,
        .is_first = side->messages == 1 && !side->lacks_start,
        .size = side->message_size,
        .bytes = text_bytes(&side->message),
    };

    if (names->is_settled || side->is_broken || !is_whole || message.bytes.length == 0)
        return;
    inner_names_read_text(names, &message);
    if (!names->is_settled)
        inner_names_read_json(names, &message);
    if (names->protocol == NULL && !message.is_text)
        read_bfcp(names, &message);
    if (names->is_settled)
        forget(names);
}

void inner_names_miss(struct inner_names *names, enum side from)
{
    names->side[from].is_broken = true;
    names->side[from].lacks_start = true;
    text_free(&names->side[from].stream);
}

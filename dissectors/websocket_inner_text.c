/*
 * websocket_inner_text.c - protocols whose messages are lines or instructions: STOMP (1.0 to 1.2), SIP (RFC 3261, 7; RFC 7118), MSRP (RFC 4975; RFC 7977),
 * XMPP (RFC 7395, 3.3), the Guacamole protocol, Engine.IO (3 and 4) with the Socket.IO in it, and SockJS.
 */
#include "dissectors/websocket_inner_names.h"

#include <stdio.h>

/* The first line without its end, and what follows; false where it does not end. */
static bool take_first_line(struct bytes *rest, struct bytes *line)
{
    struct cursor cursor = cursor_over(*rest);

    *line = take_line(&cursor);
    *rest = peek_bytes(&cursor);
    return cursor_is_good(&cursor);
}

static bool is_among(struct bytes word, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (bytes_equal(word, bytes_of_text(*words)))
            return true;
    }
    return false;
}

/* ---- STOMP ---- */

static bool chose_stomp(const struct inner_names *names)
{
    return inner_names_chose(names, "v12.stomp") || inner_names_chose(names, "v11.stomp") || inner_names_chose(names, "v10.stomp");
}

/*
 * The headers of a frame: "name:value" each, up to an empty line. Answers whether they are that, and the value of `wanted`. A frame that is whole ends
 * with a NUL.
 */
static bool read_headers(struct bytes rest, const char *wanted, struct bytes *value)
{
    struct bytes line;
    bool has_any = false;

    *value = bytes_of(NULL, 0);
    while (take_first_line(&rest, &line)) {
        struct bytes content;
        struct bytes name = bytes_split(line, ':', &content);

        if (line.length == 0)
            return has_any;
        if (name.length == 0 || content.at == NULL)
            return false;
        has_any = true;
        if (value->at == NULL && bytes_equal(name, bytes_of_text(wanted)))
            *value = content;
    }
    return false;
}

static void found_stomp(struct inner_names *names, enum side client, struct bytes version)
{
    char detail[16];

    inner_names_found(names, "stomp");
    inner_names_found_client(names, client);
    if (version.length == 0 || version.length > 4)
        return;
    snprintf(detail, sizeof detail, "STOMP %.*s", (int)version.length, (const char *)version.at);
    inner_names_found_detail(names, bytes_of_text(detail));
    names->is_settled = true;
}

static void read_stomp(struct inner_names *names, const struct inner_message *message)
{
    static const char *const of_client[] = {"SEND", "SUBSCRIBE", "UNSUBSCRIBE", "ACK", "NACK", "BEGIN", "COMMIT", "ABORT", "DISCONNECT", NULL};
    static const char *const of_server[] = {"MESSAGE", "RECEIPT", "ERROR", NULL};
    struct bytes rest = message->bytes;
    struct bytes command;
    struct bytes value;
    bool is_ended = !message->is_whole || (rest.length > 0 && memchr(rest.at, '\0', rest.length) != NULL);

    while (rest.length > 0 && (rest.at[0] == '\n' || rest.at[0] == '\r')) {
        struct bytes empty;

        (void)take_first_line(&rest, &empty);
        if (empty.length > 0)
            return;
    }
    if (!is_ended || !take_first_line(&rest, &command))
        return;
    if (bytes_equal(command, bytes_of_text("CONNECTED")) && read_headers(rest, "version", &value))
        found_stomp(names, side_other(message->from), value);
    else if (bytes_equal(command, bytes_of_text("STOMP")) || bytes_equal(command, bytes_of_text("CONNECT"))) {
        if (read_headers(rest, "accept-version", &value) && (value.length > 0 || chose_stomp(names)))
            found_stomp(names, message->from, bytes_of(NULL, 0));
    } else if (chose_stomp(names) && (is_among(command, of_client) || is_among(command, of_server)) && read_headers(rest, "", &value))
        found_stomp(names, is_among(command, of_client) ? message->from : side_other(message->from), bytes_of(NULL, 0));
}

/* ---- SIP, MSRP, XMPP ---- */

static bool is_upper(struct bytes word)
{
    for (size_t i = 0; i < word.length; i++) {
        if (word.at[i] < 'A' || word.at[i] > 'Z')
            return false;
    }
    return word.length > 0;
}

static bool ends_with(struct bytes line, const char *end)
{
    size_t length = strlen(end);

    return line.length > length && bytes_equal(bytes_of(line.at + line.length - length, length), bytes_of_text(end));
}

static bool is_status(struct bytes rest)
{
    struct bytes behind;
    uint64_t code;

    return bytes_to_number(bytes_split(rest, ' ', &behind), 999, &code) && code >= 100;
}

static void read_sip(struct inner_names *names, struct bytes line)
{
    struct bytes rest;
    struct bytes word = bytes_split(line, ' ', &rest);
    bool is_request = is_upper(word) && (bytes_begin_nocase(rest, "sip:") || bytes_begin_nocase(rest, "sips:") || bytes_begin_nocase(rest, "tel:")) &&
                      ends_with(line, " SIP/2.0");

    if (!is_request && !(bytes_equal(word, bytes_of_text("SIP/2.0")) && is_status(rest)))
        return;
    inner_names_found(names, "sip");
    names->is_settled = true;
}

/* "MSRP a786hjs2 SEND", "MSRP a786hjs2 200 OK" */
static void read_msrp(struct inner_names *names, struct bytes line)
{
    struct bytes rest;
    struct bytes word = bytes_split(line, ' ', &rest);
    struct bytes identifier = bytes_split(rest, ' ', &rest);

    if (!bytes_equal(word, bytes_of_text("MSRP")) || identifier.length < 4 || identifier.length > 32 || !(is_upper(rest) || is_status(rest)))
        return;
    inner_names_found(names, "msrp");
    names->is_settled = true;
}

static void read_xmpp(struct inner_names *names, const struct inner_message *message)
{
    if (!bytes_begin_nocase(message->bytes, "<open") || !bytes_contain_nocase(message->bytes, "urn:ietf:params:xml:ns:xmpp-framing"))
        return;
    inner_names_found(names, "xmpp");
    names->is_settled = true;
}

/* ---- Guacamole ---- */

#define ELEMENT_LIMIT 8 /* digits of an element's length */

/* The bytes that `count` characters take (RFC 3629); what is no UTF-8 counts a byte each. */
static struct bytes take_characters(struct cursor *at, uint64_t count)
{
    struct bytes start = peek_bytes(at);

    for (uint64_t i = 0; i < count && cursor_is_good(at); i++) {
        uint8_t first = take_u8(at);

        for (uint8_t mask = 0x40; first >= 0xc0 && (first & mask) != 0 && mask > 4; mask >>= 1)
            skip_bytes(at, 1);
    }
    return cursor_is_good(at) ? bytes_of(start.at, start.length - at->left) : bytes_of(NULL, 0);
}

/* "6.select", and the ',' or ';' behind it. False where that is not what stands there, or not all of it. */
static bool take_element(struct cursor *at, struct bytes *value, bool *is_last)
{
    struct bytes digits;
    struct cursor number = *at;
    uint64_t length;
    uint8_t end;

    digits = take_until(&number, '.');
    if (!cursor_is_good(&number) || digits.length > ELEMENT_LIMIT || !bytes_to_number(digits, 99999999, &length))
        return false;
    *at = number;
    *value = take_characters(at, length);
    end = take_u8(at);
    *is_last = end == ';';
    return cursor_is_good(at) && (end == ';' || end == ',');
}

static bool is_word(struct bytes text)
{
    for (size_t i = 0; i < text.length; i++) {
        uint8_t letter = text.at[i];

        if (!(letter >= 'a' && letter <= 'z') && !(letter >= '0' && letter <= '9') && letter != '-')
            return false;
    }
    return text.length > 0 && text.length <= 32;
}

/* The first instruction of the message, whole. A tunnel's own have an empty opcode. */
static void read_guacamole(struct inner_names *names, const struct inner_message *message)
{
    static const char *const of_client[] = {"select", "connect", "mouse", "key", "touch", NULL};
    static const char *const of_server[] = {"args", "ready", "img", "png", "copy", "cfill", "rect", "cursor", "required", NULL};
    static const char *const of_both[] = {"sync", "nop", "size", "ack", "blob", "end", "clipboard", "disconnect", "error", "name", "audio", "video", "argv", "file", "pipe", NULL};
    struct cursor at = cursor_over(message->bytes);
    struct bytes opcode;
    struct bytes argument = bytes_of(NULL, 0);
    struct bytes other;
    bool is_last;

    if (!take_element(&at, &opcode, &is_last))
        return;
    for (bool is_first = true; !is_last; is_first = false) {
        if (!take_element(&at, &other, &is_last))
            return;
        if (is_first)
            argument = other;
    }
    if (!is_among(opcode, of_client) && !is_among(opcode, of_server) && !is_among(opcode, of_both) && !inner_names_chose(names, "guacamole"))
        return;
    inner_names_found(names, "guacamole");
    if (is_among(opcode, of_client) || is_among(opcode, of_server))
        inner_names_found_client(names, is_among(opcode, of_client) ? message->from : side_other(message->from));
    if (bytes_equal(opcode, bytes_of_text("select")) && is_word(argument))
        inner_names_found_detail(names, argument);
    names->is_settled = names->knows_client;
}

/* ---- Engine.IO, Socket.IO ---- */

/* The version that the client asks for in the URI, 0 where it does not. */
static char engine_version(const struct inner_names *names)
{
    struct bytes query;

    (void)bytes_split(text_bytes(&names->handshake->uri), '?', &query);
    while (query.length > 0) {
        struct bytes part = bytes_split(query, '&', &query);

        if (part.length == 5 && bytes_begin_nocase(part, "EIO=") && part.at[4] >= '1' && part.at[4] <= '9')
            return (char)part.at[4];
    }
    return 0;
}

static void found_engine(struct inner_names *names)
{
    char detail[8];

    inner_names_found(names, "engine.io");
    inner_names_found_client(names, FROM_CLIENT);
    snprintf(detail, sizeof detail, "EIO=%c", engine_version(names));
    inner_names_found_detail(names, bytes_of_text(detail));
}

/* The open packet of a server, or the probe of a client that was connected otherwise before. */
static bool opens_engine(const struct inner_message *message)
{
    if (message->from == FROM_SERVER)
        return bytes_begin_nocase(message->bytes, "0{\"sid\"") || bytes_equal(message->bytes, bytes_of_text("3probe"));
    return bytes_equal(message->bytes, bytes_of_text("2probe"));
}

/* A packet of Socket.IO behind Engine.IO's type 4: CONNECT, alone or with a namespace or data; or an event, an array that begins with its name. */
static bool is_socket_packet(struct bytes packet)
{
    struct cursor at = cursor_over(packet);
    int type = peek_u8(&at);

    skip_bytes(&at, 1);
    if (type == '0')
        return cursor_left(&at) == 0 || peek_u8(&at) == '{' || peek_u8(&at) == '/';
    if (type != '2')
        return false;
    if (peek_u8(&at) == '/')
        (void)take_until(&at, ',');
    while (peek_u8(&at) >= '0' && peek_u8(&at) <= '9')
        skip_bytes(&at, 1);
    return take_u8(&at) == '[' && take_u8(&at) == '"';
}

static void read_engine(struct inner_names *names, const struct inner_message *message)
{
    struct cursor packet = cursor_over(message->bytes);

    if (engine_version(names) == 0)
        return;
    if (opens_engine(message))
        found_engine(names);
    if (take_u8(&packet) == '4' && is_socket_packet(peek_bytes(&packet))) {
        found_engine(names);
        inner_names_found(names, "socket.io");
        names->is_settled = true;
    }
}

/* ---- SockJS ---- */

/* The URI of a session's WebSocket: .../NNN/SESSION/websocket, three digits and a word. */
static bool is_sockjs_path(const struct inner_names *names)
{
    struct bytes query;
    struct bytes path = bytes_split(text_bytes(&names->handshake->uri), '?', &query);
    struct bytes parts[3] = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    uint64_t number;

    while (path.at != NULL) {
        parts[0] = parts[1];
        parts[1] = parts[2];
        parts[2] = bytes_split(path, '/', &path);
    }
    return bytes_equal(parts[2], bytes_of_text("websocket")) && parts[1].length > 0 && parts[0].length == 3 && bytes_to_number(parts[0], 999, &number);
}

static void read_sockjs(struct inner_names *names, const struct inner_message *message)
{
    if (message->from != FROM_SERVER || !message->is_first || !bytes_equal(message->bytes, bytes_of_text("o")) || !is_sockjs_path(names))
        return;
    inner_names_found(names, "sockjs");
    inner_names_found_client(names, FROM_CLIENT);
    names->is_settled = true;
}

/* ---- all of them ---- */

static bool may_be(const struct inner_names *names, const char *protocol)
{
    return names->protocol == NULL || strcmp(names->protocol, protocol) == 0;
}

void inner_names_read_text(struct inner_names *names, const struct inner_message *message)
{
    struct bytes rest = message->bytes;
    struct bytes line;

    if (may_be(names, "stomp"))
        read_stomp(names, message);
    if (names->protocol == NULL && take_first_line(&rest, &line)) {
        read_sip(names, line);
        read_msrp(names, line);
    }
    if (!message->is_text)
        return;
    if (names->protocol == NULL)
        read_xmpp(names, message);
    if (may_be(names, "guacamole"))
        read_guacamole(names, message);
    if (may_be(names, "engine.io"))
        read_engine(names, message);
    if (names->protocol == NULL)
        read_sockjs(names, message);
}

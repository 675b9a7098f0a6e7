/*
 * websocket_inner_json.c - protocols whose messages are JSON: JSON-RPC 2.0, GraphQL over WebSocket (graphql-transport-ws, and the older graphql-ws of
 * subscriptions-transport-ws, which share their first messages), WAMP 2 (also in MessagePack and CBOR), SignalR's handshake, and Phoenix channels.
 */
#include "dissectors/json_peek.h"
#include "dissectors/websocket_inner_names.h"

static bool find(const struct inner_message *message, const char *name, struct json_item *item)
{
    return json_find(message->bytes, message->is_whole, name, item);
}

static bool is_string(const struct json_item *item, const char *text)
{
    return item->kind == JSON_STRING && bytes_equal(item->value, bytes_of_text(text));
}

/* ---- JSON-RPC 2.0 ---- */

/* A request, a notification or a response; of a batch the first is looked at. */
static void read_rpc(struct inner_names *names, const struct inner_message *message)
{
    struct inner_message only = *message;
    struct json_reader reader;
    struct json_item item;

    if (json_open(&reader, message->bytes) && reader.kind == JSON_ARRAY) {
        if (json_next(&reader, &item) != JSON_ITEM || item.kind != JSON_OBJECT)
            return;
        only.bytes = item.value;
        only.is_whole = true;
    }
    if (!find(&only, "jsonrpc", &item) || !is_string(&item, "2.0"))
        return;
    if (!find(&only, "result", &item) && !find(&only, "error", &item) && (!find(&only, "method", &item) || item.kind != JSON_STRING))
        return;
    inner_names_found(names, "jsonrpc");
    names->is_settled = true;
}

/* ---- GraphQL ---- */

#define NEW_GRAPHQL "graphql-transport-ws"
#define OLD_GRAPHQL "graphql-ws"

static void found_graphql(struct inner_names *names, const char *protocol, enum side client)
{
    inner_names_found(names, protocol);
    inner_names_found_client(names, client);
    names->is_settled = true;
}

/* What opens an operation names the protocol by itself; the first messages are those of both, and the subprotocol decides. */
static void read_graphql(struct inner_names *names, const struct inner_message *message)
{
    struct json_item type;
    struct json_item id;
    struct json_item payload;
    struct json_item query;

    if (!find(message, "type", &type) || type.kind != JSON_STRING)
        return;
    if (is_string(&type, "connection_init") || is_string(&type, "connection_ack")) {
        enum side client = is_string(&type, "connection_init") ? message->from : side_other(message->from);

        if (inner_names_chose(names, NEW_GRAPHQL))
            found_graphql(names, NEW_GRAPHQL, client);
        else if (inner_names_chose(names, OLD_GRAPHQL))
            found_graphql(names, OLD_GRAPHQL, client);
        return;
    }
    if ((!is_string(&type, "subscribe") && !is_string(&type, "start")) || !find(message, "id", &id) || !find(message, "payload", &payload) ||
        payload.kind != JSON_OBJECT || !json_find(payload.value, true, "query", &query) || query.kind != JSON_STRING)
        return;
    found_graphql(names, is_string(&type, "subscribe") ? NEW_GRAPHQL : OLD_GRAPHQL, message->from);
}

/* ---- WAMP ---- */

#define WAMP_HELLO 1

/* [HELLO, Realm, Details]: the client says which roles it has. */
static void read_wamp(struct inner_names *names, const struct inner_message *message)
{
    struct json_reader reader;
    struct json_item type;
    struct json_item realm;
    struct json_item details;
    struct json_item roles;

    if (!json_open(&reader, message->bytes) || reader.kind != JSON_ARRAY || json_next(&reader, &type) != JSON_ITEM || json_next(&reader, &realm) != JSON_ITEM ||
        json_next(&reader, &details) != JSON_ITEM)
        return;
    if (type.kind != JSON_NUMBER || !bytes_equal(type.value, bytes_of_text("1")) || realm.kind != JSON_STRING || details.kind != JSON_OBJECT ||
        !json_find(details.value, true, "roles", &roles) || roles.kind != JSON_OBJECT)
        return;
    inner_names_found(names, "wamp");
    inner_names_found_client(names, message->from);
    inner_names_found_detail(names, realm.value);
    names->is_settled = true;
}

/* The same as MessagePack or CBOR: an array of three that begins with 1. */
static void read_packed_wamp(struct inner_names *names, const struct inner_message *message)
{
    struct cursor at = cursor_over(message->bytes);
    uint8_t array = take_u8(&at);
    uint8_t type = take_u8(&at);

    if (!message->is_first || message->from != FROM_CLIENT || type != WAMP_HELLO || !cursor_is_good(&at))
        return;
    if (!(array == 0x93 && inner_names_chose(names, "wamp.2.msgpack")) && !(array == 0x83 && inner_names_chose(names, "wamp.2.cbor")))
        return;
    inner_names_found(names, "wamp");
    inner_names_found_client(names, FROM_CLIENT);
    names->is_settled = true;
}

/* ---- SignalR ---- */

#define RECORD_SEPARATOR 0x1e

static void read_signalr(struct inner_names *names, const struct inner_message *message)
{
    struct bytes rest;
    struct bytes first = bytes_split(message->bytes, RECORD_SEPARATOR, &rest);
    struct json_item protocol;
    struct json_item version;

    if (rest.at == NULL || !json_find(first, true, "protocol", &protocol) || protocol.kind != JSON_STRING || !json_find(first, true, "version", &version) ||
        version.kind != JSON_NUMBER)
        return;
    inner_names_found(names, "signalr");
    inner_names_found_client(names, message->from);
    inner_names_found_detail(names, protocol.value);
    names->is_settled = true;
}

/* ---- Phoenix ---- */

static bool is_string_or_null(const struct json_item *item)
{
    return item->kind == JSON_STRING || (item->kind == JSON_WORD && bytes_equal(item->value, bytes_of_text("null")));
}

/* Serializer 2.0.0: [join_ref, ref, topic, event, payload]. */
static bool is_phoenix_array(struct bytes bytes)
{
    struct json_reader reader;
    struct json_item items[5];
    struct json_item end;

    if (!json_open(&reader, bytes) || reader.kind != JSON_ARRAY)
        return false;
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
        if (json_next(&reader, &items[i]) != JSON_ITEM)
            return false;
    }
    return json_next(&reader, &end) == JSON_END && is_string_or_null(&items[0]) && is_string_or_null(&items[1]) && items[2].kind == JSON_STRING &&
           items[3].kind == JSON_STRING && bytes_begin_nocase(items[3].value, "phx_") && items[4].kind == JSON_OBJECT;
}

/* Serializer 1.0.0: an object with the same members. */
static bool is_phoenix_object(const struct inner_message *message)
{
    struct json_item event;
    struct json_item other;

    return find(message, "event", &event) && event.kind == JSON_STRING && bytes_begin_nocase(event.value, "phx_") && find(message, "topic", &other) &&
           other.kind == JSON_STRING && find(message, "payload", &other) && other.kind == JSON_OBJECT && find(message, "ref", &other);
}

static void read_phoenix(struct inner_names *names, const struct inner_message *message)
{
    if (!is_phoenix_array(message->bytes) && !is_phoenix_object(message))
        return;
    inner_names_found(names, "phoenix");
    names->is_settled = true;
}

void inner_names_read_json(struct inner_names *names, const struct inner_message *message)
{
    static void (*const rules[])(struct inner_names *, const struct inner_message *) = {read_rpc, read_graphql, read_wamp, read_signalr, read_phoenix};

    if (names->protocol != NULL)
        return;
    if (!message->is_text)
        read_packed_wamp(names, message);
    for (size_t i = 0; i < sizeof rules / sizeof rules[0] && names->protocol == NULL; i++)
        rules[i](names, message);
}

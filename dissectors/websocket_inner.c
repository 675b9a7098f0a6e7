/*
 * websocket_inner.c - what travels inside a WebSocket. A tunnel (wstunnel, websockify, websocat, chisel) carries the bytes of a TCP connection in its
 * messages, whose boundaries mean nothing: each side's messages, one behind the other, are a stream that goes back to identification, on the same
 * flow. A tunnel may have been dialled from either end: the WebSocket's server may be the client of what is inside.
 *
 * websockify's old subprotocol 'base64' writes each part of the stream in base64 (RFC 4648, 4) into a text message of its own.
 *
 * Left out: tunnels that carry several connections in one WebSocket by framing of their own, and those that encrypt by keys of their own.
 */
#include "dissectors/websocket_inner.h"

#include "base/memory.h"
#include "dissectors/mime_decode.h"
#include "dissectors/websocket_inner_names.h"

struct inner_side {
    bool is_text;
    bool has_stopped;
    bool has_letters;            /* of base64, in this message */
    bool is_padded;              /* '=' came: no letter may follow in this message */
    struct mime_decoder decoder; /* of base64 */
};

struct websocket_inner {
    struct conversation *outer; /* borrowed */
    bool has_start[SIDE_COUNT];
    bool is_base64;
    bool is_over;                /* nobody reads what comes in the tunnel */
    struct conversation *tunnel; /* from the first byte on; NULL again when it is closed */
    const char *protocol;        /* what the tunnel had when it was closed */
    bool is_told;                /* that it is a tunnel */
    bool knows_client;
    enum side client;
    struct inner_names names;
    struct inner_side side[SIDE_COUNT];
};

struct websocket_inner *websocket_inner_new(struct conversation *outer, const struct websocket_handshake *handshake)
{
    struct websocket_inner *inner = memory_new_zeroed(1, sizeof *inner);

    if (inner == NULL)
        return NULL;
    inner->outer = outer;
    inner->has_start[FROM_CLIENT] = handshake->uri.length > 0;
    inner->has_start[FROM_SERVER] = handshake->has_answer;
    inner->is_base64 = bytes_equal(text_bytes(&handshake->subprotocol), bytes_of_text("base64"));
    inner_names_open(&inner->names, handshake, inner->has_start);
    return inner;
}

/* ---- the tunnel ---- */

/* Once, when it is known what the tunnel carries. */
static void tell_tunnel(struct websocket_inner *inner)
{
    const char *protocol = inner->tunnel != NULL ? conversation_first_protocol_inside(inner->tunnel) : inner->protocol;
    enum side client = inner->client;
    bool is_known = inner->tunnel != NULL ? conversation_client_inside(inner->tunnel, &client) : inner->knows_client;

    if (protocol == NULL || inner->is_told)
        return;
    inner->is_told = true;
    if (is_known && client == FROM_SERVER)
        conversation_finding(inner->outer, "warning", "websocket_reverse_tunnel",
                             "this WebSocket carries %s, whose client is the WebSocket's server: a tunnel that was dialled from the inside", protocol);
    else
        conversation_finding(inner->outer, "info", "websocket_tunnel", "this WebSocket carries %s", protocol);
}

/* What is known of the tunnel stays known. */
static void close_tunnel(struct websocket_inner *inner)
{
    inner->is_over = true;
    if (inner->tunnel == NULL)
        return;
    if (inner->names.protocol == NULL)
        conversation_settle_inside(inner->tunnel);
    inner->protocol = conversation_first_protocol_inside(inner->tunnel);
    inner->knows_client = conversation_client_inside(inner->tunnel, &inner->client);
    tell_tunnel(inner);
    conversation_close_inside(inner->tunnel);
    inner->tunnel = NULL;
}

static void say_in_tunnel(struct websocket_inner *inner, enum side from, struct bytes bytes)
{
    if (inner->tunnel == NULL)
        inner->tunnel = conversation_begin_tunnel(inner->outer, inner->has_start);
    if (inner->tunnel == NULL) {
        inner->is_over = true;
        if (inner->protocol == NULL)
            conversation_finding_once(inner->outer, "notice", "websocket_nesting_limit", "what this WebSocket carries lies in more than %d others, and is not read",
                                  INSIDE_LIMIT);
        return;
    }
    if (!conversation_say_inside(inner->tunnel, from, bytes))
        close_tunnel(inner);
    else if (conversation_first_protocol_inside(inner->tunnel) != NULL)
        inner_names_settle(&inner->names);
    tell_tunnel(inner);
}

/* The tunnel's bytes are read by a dissector, or named by what they begin with. */
static void hear(struct websocket_inner *inner, enum side from, struct bytes bytes)
{
    if (bytes.length == 0)
        return;
    if (!inner->is_over)
        say_in_tunnel(inner, from, bytes);
    if (inner->names.is_settled || inner->protocol != NULL)
        return;
    inner_names_say(&inner->names, from, bytes);
    if (inner->names.protocol != NULL)
        close_tunnel(inner);
}

/* Whether nobody wants to know what comes. */
static bool is_unheard(const struct websocket_inner *inner, enum side from)
{
    return inner == NULL || inner->side[from].has_stopped || (inner->is_over && inner->names.is_settled);
}

/* ---- base64 ---- */

/* How many of these bytes are base64 that may stand here: nothing but padding follows padding. */
static size_t count_letters(struct inner_side *side, struct bytes bytes)
{
    struct cursor letters = cursor_within(bytes);

    while (cursor_left(&letters) > 0) {
        int letter = peek_u8(&letters);
        bool is_letter = (letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '+' || letter == '/';

        if (letter == '=' ? !side->has_letters : !is_letter || side->is_padded)
            break;
        side->is_padded = letter == '=';
        side->has_letters = true;
        skip_bytes(&letters, 1);
    }
    return bytes.length - cursor_left(&letters);
}

static void say_coded(struct websocket_inner *inner, enum side from, struct bytes bytes)
{
    struct inner_side *side = &inner->side[from];
    size_t count = count_letters(side, bytes);
    struct cursor letters = cursor_within(bytes_of(bytes.at, count));
    char room[MIME_DECODE_ROOM];

    while (cursor_left(&letters) > 0)
        hear(inner, from, mime_decode(&side->decoder, take_up_to(&letters, MIME_DECODE_PIECE), room));
    if (count == bytes.length)
        return;
    close_tunnel(inner); /* this is no base64 */
    inner_names_settle(&inner->names);
}

/* ---- messages ---- */

static bool is_coded(const struct websocket_inner *inner, enum side from)
{
    return inner->is_base64 && inner->side[from].is_text;
}

void websocket_inner_begin(struct websocket_inner *inner, enum side from, bool is_text)
{
    struct inner_side *side;

    if (is_unheard(inner, from))
        return;
    inner_names_begin(&inner->names, from, is_text);
    side = &inner->side[from];
    side->is_text = is_text;
    side->has_letters = false;
    side->is_padded = false;
    mime_decoder_begin(&side->decoder, MIME_BASE64);
}

void websocket_inner_say(struct websocket_inner *inner, enum side from, struct bytes bytes)
{
    if (is_unheard(inner, from))
        return;
    if (is_coded(inner, from))
        say_coded(inner, from, bytes);
    else
        hear(inner, from, bytes);
}

void websocket_inner_end(struct websocket_inner *inner, enum side from, bool is_whole)
{
    char room[MIME_DECODE_ROOM];

    if (is_unheard(inner, from))
        return;
    if (is_whole && is_coded(inner, from) && !inner->side[from].is_padded)
        hear(inner, from, mime_decode_end(&inner->side[from].decoder, room));
    inner_names_end(&inner->names, from, is_whole);
    if (inner->names.protocol != NULL)
        close_tunnel(inner);
}

/*
 * A stream with a hole of unknown size is read no further: what stands behind it has no place in it. Before anybody knew what is said there, both
 * sides lose their start instead.
 */
void websocket_inner_miss(struct websocket_inner *inner, enum side from, uint64_t count)
{
    if (inner == NULL)
        return;
    inner->has_start[from] = false;
    inner_names_miss(&inner->names, from);
    if (inner->tunnel == NULL)
        return;
    if (count == UINT64_MAX || is_coded(inner, from)) {
        const char *protocol = conversation_first_protocol_inside(inner->tunnel);

        if (protocol != NULL)
            conversation_finding(inner->outer, "notice", "websocket_inner_lost", "messages from the %s are missing: the %s in this WebSocket is not read any further",
                                 side_name(from), protocol);
        close_tunnel(inner);
    } else if (!conversation_miss_inside(inner->tunnel, from, count)) {
        close_tunnel(inner);
    }
}

void websocket_inner_stop(struct websocket_inner *inner, enum side from, enum ending ending)
{
    if (inner == NULL || inner->side[from].has_stopped)
        return;
    inner->side[from].has_stopped = true;
    if (inner->tunnel != NULL)
        conversation_end_inside(inner->tunnel, from, ending);
}

/* ---- what is known ---- */

const char *websocket_inner_protocol(const struct websocket_inner *inner)
{
    if (inner == NULL)
        return NULL;
    if (inner->names.protocol != NULL)
        return inner->names.protocol;
    return inner->tunnel != NULL ? conversation_first_protocol_inside(inner->tunnel) : inner->protocol;
}

const char *websocket_inner_client(const struct websocket_inner *inner)
{
    enum side client;
    bool is_known;

    if (inner == NULL)
        return NULL;
    if (inner->names.protocol != NULL)
        return inner->names.knows_client ? side_name(inner->names.client) : NULL;
    client = inner->client;
    is_known = inner->tunnel != NULL ? conversation_client_inside(inner->tunnel, &client) : inner->knows_client;
    return is_known ? side_name(client) : NULL;
}

struct bytes websocket_inner_detail(const struct websocket_inner *inner)
{
    return inner != NULL ? text_bytes(&inner->names.detail) : bytes_of(NULL, 0);
}

void websocket_inner_refresh(struct websocket_inner *inner)
{
    if (inner != NULL && inner->tunnel != NULL)
        conversation_refresh_inside(inner->tunnel);
}

void websocket_inner_close(struct websocket_inner *inner)
{
    if (inner != NULL)
        close_tunnel(inner);
}

void websocket_inner_free(struct websocket_inner *inner)
{
    if (inner == NULL)
        return;
    websocket_inner_close(inner);
    inner_names_close(&inner->names);
    memory_free(inner);
}

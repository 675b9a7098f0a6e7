/* websocket_close.c - the close frame (RFC 6455, 5.5.1 and 7.4); see websocket_session.h. */
#include "dissectors/websocket_session.h"

/* The registry "WebSocket Close Code Number" of the IANA; codes without a name there are left out. */
static const struct close_code {
    uint16_t code;
    bool is_never_sent; /* RFC 6455, 7.4.1: only told by a program to itself */
    const char *meaning;
} close_codes[] = {
    {1000, false, "Normal Closure"},
    {1001, false, "Going Away"},
    {1002, false, "Protocol error"},
    {1003, false, "Unsupported Data"},
    {1004, true, "Reserved"},
    {1005, true, "No Status Rcvd"},
    {1006, true, "Abnormal Closure"},
    {1007, false, "Invalid frame payload data"},
    {1008, false, "Policy Violation"},
    {1009, false, "Message Too Big"},
    {1010, false, "Mandatory Ext."},
    {1011, false, "Internal Error"},
    {1012, false, "Service Restart"},
    {1013, false, "Try Again Later"},
    {1014, false, "Bad Gateway"},
    {1015, true, "TLS handshake"},
    {3000, false, "Unauthorized"},
    {3003, false, "Forbidden"},
    {3008, false, "Timeout"},
};

static const struct close_code *find_code(uint16_t code)
{
    for (size_t i = 0; i < sizeof close_codes / sizeof close_codes[0]; i++) {
        if (close_codes[i].code == code)
            return &close_codes[i];
    }
    return NULL;
}

const char *websocket_close_meaning(uint16_t code)
{
    const struct close_code *known = find_code(code);

    return known != NULL ? known->meaning : NULL;
}

bool websocket_close_code_is_valid(uint16_t code)
{
    const struct close_code *known = find_code(code);

    if (code >= 3000 && code <= 4999) /* frameworks and private use */
        return true;
    return known != NULL && !known->is_never_sent;
}

static void judge(struct conversation *conversation, struct websocket *websocket, enum side from, const struct websocket_message_state *message, uint16_t code,
                  struct bytes reason)
{
    struct utf8_check utf8 = {.needed = 0};

    if (message->size == 0)
        return;
    if (message->size == 1) {
        websocket_violation(conversation, websocket, from, WEBSOCKET_CLOSE_INVALID, "closes with one byte, which is no code");
        return;
    }
    if (!websocket_close_code_is_valid(code))
        websocket_violation(conversation, websocket, from, WEBSOCKET_CLOSE_INVALID, "closes with the code %u, which may not be sent", code);
    if (message->start.was_cut)
        return;
    (void)utf8_check_add(&utf8, reason);
    if (!utf8_check_ends(&utf8))
        websocket_violation(conversation, websocket, from, WEBSOCKET_INVALID_UTF8, "closes with a reason that is not UTF-8");
}

/* Whether all that the side said up to now was read. */
static bool is_followed(const struct websocket *websocket, enum side side)
{
    const struct websocket_side *other = &websocket->side[side];
    bool said_hello = side == FROM_CLIENT ? websocket->handshake->uri.length > 0 : websocket->handshake->has_answer;

    return other->phase != WEBSOCKET_OUT_OF_STEP && other->phase != WEBSOCKET_SEEKING && other->resynced == 0 && (said_hello || other->is_seen);
}

void websocket_on_close_frame(struct conversation *conversation, struct websocket *websocket, enum side from, const struct websocket_message_state *message)
{
    struct cursor payload = cursor_within(text_bytes(&message->start));
    bool is_known = message->missing == 0 && !message->is_opaque;
    uint16_t code = take_u16_be(&payload);
    struct bytes reason = peek_bytes(&payload);

    if (is_known)
        judge(conversation, websocket, from, message, code, reason);
    websocket->side[from].has_closed = true;
    websocket_inner_stop(websocket->inner, from, ENDING_FIN);
    if (websocket->is_closed)
        return;
    websocket->is_closed = true;
    websocket->closed_by = from;
    /* Behind missing bytes it may be the second close of its own side. */
    websocket->knows_closer = is_followed(websocket, side_other(from));
    if (!is_known || !cursor_is_good(&payload))
        return;
    websocket->has_close_code = true;
    websocket->close_code = code;
    text_append(&websocket->close_reason, reason);
}

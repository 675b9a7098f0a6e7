/* websocket_violation.c - what breaks the rules of RFC 6455 and RFC 7692; see websocket_session.h. */
#include "dissectors/websocket_session.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const names[] = {
    [WEBSOCKET_MASK_WRONG] = "websocket_mask_wrong",
    [WEBSOCKET_LENGTH_NOT_MINIMAL] = "websocket_length_not_minimal",
    [WEBSOCKET_CONTROL_FRAME_INVALID] = "websocket_control_frame_invalid",
    [WEBSOCKET_FRAGMENTS_OUT_OF_ORDER] = "websocket_fragments_out_of_order",
    [WEBSOCKET_RESERVED_BITS] = "websocket_reserved_bits",
    [WEBSOCKET_RESERVED_OPCODE] = "websocket_reserved_opcode",
    [WEBSOCKET_FRAME_INVALID] = "websocket_frame_invalid",
    [WEBSOCKET_FRAME_TOO_LONG] = "websocket_frame_too_long",
    [WEBSOCKET_INVALID_UTF8] = "websocket_invalid_utf8",
    [WEBSOCKET_CLOSE_INVALID] = "websocket_close_invalid",
    [WEBSOCKET_DATA_AFTER_CLOSE] = "websocket_data_after_close",
    [WEBSOCKET_DEFLATE_INVALID] = "websocket_deflate_invalid",
    [WEBSOCKET_EXTENSION_INVALID] = "websocket_extension_invalid",
};

static bool is_first(struct websocket *websocket, enum side from, unsigned bit)
{
    uint32_t *told = &websocket->side[from].told;
    bool is_new = (*told & 1u << bit) == 0;

    *told |= 1u << bit;
    return is_new;
}

bool websocket_tells(struct websocket *websocket, enum side from, enum websocket_notice notice)
{
    return is_first(websocket, from, notice);
}

void websocket_violation(struct conversation *conversation, struct websocket *websocket, enum side from, enum websocket_violation violation, const char *detail, ...)
{
    char line[256];
    va_list arguments;

    websocket->violations++;
    if (!is_first(websocket, from, violation))
        return;
    va_start(arguments, detail);
    (void)vsnprintf(line, sizeof line, detail, arguments);
    va_end(arguments);
    conversation_finding(conversation, "notice", names[violation], "the %s %s", side_name(from), line);
}

/* websocket_handshake.c - the opening handshake (RFC 6455, 4) as HTTP hands it over; see websocket.h. */
#include "dissectors/websocket.h"

#include "base/digest.h"
#include "base/memory.h"

struct websocket_handshake *websocket_handshake_new(void)
{
    struct websocket_handshake *handshake = memory_new_zeroed(1, sizeof *handshake);

    if (handshake == NULL)
        return NULL;
    handshake->host.limit = WEBSOCKET_FIELD_LIMIT;
    handshake->uri.limit = WEBSOCKET_FIELD_LIMIT;
    handshake->origin.limit = WEBSOCKET_FIELD_LIMIT;
    handshake->user_agent.limit = WEBSOCKET_FIELD_LIMIT;
    handshake->offered.limit = WEBSOCKET_FIELD_LIMIT;
    handshake->subprotocol.limit = WEBSOCKET_FIELD_LIMIT;
    handshake->extensions.limit = WEBSOCKET_FIELD_LIMIT;
    return handshake;
}

void websocket_handshake_free(struct websocket_handshake *handshake)
{
    if (handshake == NULL)
        return;
    text_free(&handshake->host);
    text_free(&handshake->uri);
    text_free(&handshake->origin);
    text_free(&handshake->user_agent);
    text_free(&handshake->offered);
    text_free(&handshake->subprotocol);
    text_free(&handshake->extensions);
    memory_free(handshake);
}

bool websocket_accept_is_valid(struct bytes key, struct bytes accept)
{
    struct digest digest;
    char expected[DIGEST_BASE64_SIZE];

    digest_begin(&digest, DIGEST_SHA1);
    digest_add(&digest, key);
    digest_add(&digest, bytes_of_text("258EAFA5-E914-47DA-95CA-C5AB0DC85B11")); /* RFC 6455, 1.3 */
    return digest_end_base64(&digest, true, expected) && bytes_equal(accept, bytes_of_text(expected));
}

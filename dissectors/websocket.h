/*
 * websocket.h - what HTTP hands over to the WebSocket dissector.
 */
#ifndef WIRESCRIBE_DISSECTORS_WEBSOCKET_H
#define WIRESCRIBE_DISSECTORS_WEBSOCKET_H

#include "base/text.h"
#include "dissectors/dissector.h"

/* The longest header field value that is kept of a handshake, in bytes; the rest of a longer one is cut off. */
#define WEBSOCKET_FIELD_LIMIT 4096

/* An opening handshake (RFC 6455, 4) as it was seen. Empty texts were not seen. Owned by whoever holds it. */
struct websocket_handshake {
    struct text host;
    struct text uri;
    struct text origin;
    struct text user_agent;
    struct text offered;     /* the client's Sec-WebSocket-Extensions */
    struct text subprotocol; /* the server's answers */
    struct text extensions;
    unsigned attempt;        /* 1.. on this connection */
    uint32_t stream_id;      /* the HTTP/2 stream that carries it (RFC 8441); 0: HTTP/1.1 */
    bool has_answer;         /* the server's answer was seen */
    int status_code;
    bool has_accept_check;   /* both the key and the answer were seen */
    bool accept_is_valid;    /* Sec-WebSocket-Accept fits Sec-WebSocket-Key */
};

/* An empty handshake; NULL when out of memory. */
struct websocket_handshake *websocket_handshake_new(void);
void websocket_handshake_free(struct websocket_handshake *handshake);

/* Whether Sec-WebSocket-Accept is the answer to this Sec-WebSocket-Key (RFC 6455, 4.2.2). */
bool websocket_accept_is_valid(struct bytes key, struct bytes accept);

/* Writes the session's row of a handshake that led to no WebSocket, as far as was seen. The handshake stays the caller's. */
void websocket_write_unopened(struct conversation *conversation, const struct websocket_handshake *handshake);

/* Begins with the first frame of each side. `from_before`: the struct websocket_handshake, which it then owns. */
extern const struct dissector websocket_dissector;

#endif

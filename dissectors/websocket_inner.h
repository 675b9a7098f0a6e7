/*
 * websocket_inner.h - what travels inside a WebSocket: a tunnel's bytes go back to identification, other protocols are named by their first messages.
 */
#ifndef WIRESCRIBE_DISSECTORS_WEBSOCKET_INNER_H
#define WIRESCRIBE_DISSECTORS_WEBSOCKET_INNER_H

#include "dissectors/websocket.h"

struct websocket_inner;

/*
 * What travels inside the WebSocket that `outer` reads. Both are borrowed and must outlive it. NULL when out of memory; all other functions take a
 * NULL and do nothing. To be closed by whoever made it, before the close of `outer` returns.
 */
struct websocket_inner *websocket_inner_new(struct conversation *outer, const struct websocket_handshake *handshake);

/*
 * Data messages, a side at a time: begun, said as the application sees them (unmasked, inflated), ended. `is_whole` false: something of it is missing.
 * Control frames are none of them.
 */
void websocket_inner_begin(struct websocket_inner *inner, enum side from, bool is_text);
void websocket_inner_say(struct websocket_inner *inner, enum side from, struct bytes bytes);
void websocket_inner_end(struct websocket_inner *inner, enum side from, bool is_whole);

/* Bytes are missing in the messages of this side; UINT64_MAX: it is not known how many, or messages were lost. */
void websocket_inner_miss(struct websocket_inner *inner, enum side from, uint64_t count);

/* This side will send no more messages: it sent a close frame (ENDING_FIN), or its stream ended. Later calls for the same side do nothing. */
void websocket_inner_stop(struct websocket_inner *inner, enum side from, enum ending ending);

/*
 * The protocol inside as far as it is known now, which side speaks as its client, and what its first messages say more of it (a version, a realm). NULL,
 * or empty: not known.
 */
const char *websocket_inner_protocol(const struct websocket_inner *inner);
const char *websocket_inner_client(const struct websocket_inner *inner);
struct bytes websocket_inner_detail(const struct websocket_inner *inner);

/* The session goes on: the rows of the protocol inside are written as far as they are known. */
void websocket_inner_refresh(struct websocket_inner *inner);

/* No more will come of either side: what is undecided is decided now, and the rows inside are written. The names above stay known until it is freed. */
void websocket_inner_close(struct websocket_inner *inner);
void websocket_inner_free(struct websocket_inner *inner);

#endif

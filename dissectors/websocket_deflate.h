/*
 * websocket_deflate.h - the extensions of a WebSocket (RFC 6455, 9) and what permessage-deflate (RFC 7692) compressed.
 */
#ifndef WIRESCRIBE_DISSECTORS_WEBSOCKET_DEFLATE_H
#define WIRESCRIBE_DISSECTORS_WEBSOCKET_DEFLATE_H

#include "base/bytes.h"
#include "base/flow.h"

/* ---- what was agreed on ---- */

enum websocket_compression {
    WEBSOCKET_UNCOMPRESSED,
    WEBSOCKET_DEFLATE,             /* permessage-deflate */
    WEBSOCKET_COMPRESSION_UNKNOWN, /* another method, as deflate-frame: told, not undone */
};

struct websocket_extensions {
    enum websocket_compression compression;
    struct bytes compression_name; /* borrowed from the list */
    bool has_others;               /* extensions that may use reserved bits and change payloads */
    bool keeps_window[SIDE_COUNT]; /* a message may refer to those before it */
    uint8_t window_bits[SIDE_COUNT];
    const char *error; /* what is wrong with the list; NULL: nothing */
};

/*
 * Reads a Sec-WebSocket-Extensions list. `is_answer`: it is what the server chose. Else it is what the client offered, and what the server
 * made of that is not known: then the largest window is taken, which inflates all that a smaller one does.
 */
struct websocket_extensions websocket_extensions_read(struct bytes list, bool is_answer);

/* Whether each extension of the answer stands in the offer, as it must. */
bool websocket_extensions_were_offered(struct bytes answer, struct bytes offer);

/* ---- inflating ---- */

/* Of one message: so many bytes it may inflate to, and past the free ones to so many times the bytes that travelled. */
#define WEBSOCKET_INFLATE_LIMIT ((uint64_t)256 << 20)
#define WEBSOCKET_INFLATE_FREE ((uint64_t)4 << 20)
#define WEBSOCKET_INFLATE_RATIO 200
/* Of all messages of one side: past the free bytes the same ratio; then nothing more of that side is inflated. */
#define WEBSOCKET_INFLATE_SIDE_FREE ((uint64_t)64 << 20)

enum websocket_inflate {
    WEBSOCKET_INFLATE_FINE,
    WEBSOCKET_INFLATE_INVALID,   /* this is no DEFLATE, or does not end where the message ends */
    WEBSOCKET_INFLATE_LOST,      /* it refers to an earlier message that is missing */
    WEBSOCKET_INFLATE_BOMB,      /* a limit above was reached */
    WEBSOCKET_INFLATE_NO_MEMORY,
};

/* Takes what was inflated, in order; borrowed for the length of the call. */
typedef void websocket_inflate_sink(void *context, struct bytes plain);

/* One side's messages. */
struct websocket_inflater;

/* NULL when out of memory. `keeps_window`: with context takeover. */
struct websocket_inflater *websocket_inflater_new(unsigned window_bits, bool keeps_window);
void websocket_inflater_free(struct websocket_inflater *inflater);

/* A compressed message begins. */
void websocket_inflater_begin(struct websocket_inflater *inflater);

/* Its next payload bytes, without masks. What goes wrong stays so until the next begin. */
enum websocket_inflate websocket_inflater_add(struct websocket_inflater *inflater, struct bytes packed, websocket_inflate_sink *sink, void *context);

/* It ended. */
enum websocket_inflate websocket_inflater_end(struct websocket_inflater *inflater, websocket_inflate_sink *sink, void *context);

/*
 * Bytes of this side's messages are missing. A later message that refers to nothing before the hole is inflated all the same:
 * DEFLATE shows where one does.
 */
void websocket_inflater_lose(struct websocket_inflater *inflater);

#endif

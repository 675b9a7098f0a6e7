/* websocket_deflate.c - see websocket_deflate.h. Inflating is zlib's. */
#include "dissectors/websocket_deflate.h"

#include "base/cursor.h"
#include "base/memory.h"

#include <zlib.h>

#define INFLATE_ROOM 16384

struct websocket_inflater {
    z_stream stream;
    bool has_stream;
    bool keeps_window;
    bool has_lost;      /* what a message may refer to is missing: the window is not full since */
    bool is_at_end;     /* the message's last block so far was a final one, and nothing came behind it */
    bool is_given_up;   /* this side's share is used up */
    uint8_t window_bits;
    enum websocket_inflate trouble; /* of the message */
    uint64_t packed;                /* of the message */
    uint64_t plain;
    uint64_t packed_before; /* of all messages before */
    uint64_t plain_before;
    uint64_t in_window; /* inflated since the window was empty */
};

static void *allocate(void *unused, unsigned count, unsigned size)
{
    (void)unused;
    return memory_new_zeroed(count, size);
}

static void release(void *unused, void *memory)
{
    (void)unused;
    memory_free(memory);
}

struct websocket_inflater *websocket_inflater_new(unsigned window_bits, bool keeps_window)
{
    struct websocket_inflater *inflater = memory_new_zeroed(1, sizeof *inflater);

    if (inflater == NULL)
        return NULL;
    inflater->keeps_window = keeps_window;
    inflater->window_bits = (uint8_t)window_bits;
    inflater->stream = (z_stream){.zalloc = allocate, .zfree = release};
    inflater->has_stream = inflateInit2(&inflater->stream, -(int)window_bits) == Z_OK;
    return inflater;
}

void websocket_inflater_free(struct websocket_inflater *inflater)
{
    if (inflater == NULL)
        return;
    if (inflater->has_stream)
        inflateEnd(&inflater->stream);
    memory_free(inflater);
}

static void empty_window(struct websocket_inflater *inflater)
{
    (void)inflateReset(&inflater->stream);
    inflater->in_window = 0;
}

void websocket_inflater_begin(struct websocket_inflater *inflater)
{
    inflater->packed_before += inflater->packed;
    inflater->plain_before += inflater->plain;
    inflater->packed = 0;
    inflater->plain = 0;
    inflater->is_at_end = false;
    if (inflater->is_given_up) {
        inflater->trouble = WEBSOCKET_INFLATE_BOMB;
        return;
    }
    if (inflater->trouble != WEBSOCKET_INFLATE_FINE)
        inflater->has_lost = inflater->keeps_window;
    if (inflater->has_stream && (!inflater->keeps_window || inflater->trouble != WEBSOCKET_INFLATE_FINE))
        empty_window(inflater);
    inflater->trouble = inflater->has_stream ? WEBSOCKET_INFLATE_FINE : WEBSOCKET_INFLATE_NO_MEMORY;
}

void websocket_inflater_lose(struct websocket_inflater *inflater)
{
    inflater->trouble = WEBSOCKET_INFLATE_LOST;
}

static bool is_bomb(struct websocket_inflater *inflater)
{
    uint64_t packed = inflater->packed_before + inflater->packed;
    uint64_t plain = inflater->plain_before + inflater->plain;

    if (plain > WEBSOCKET_INFLATE_SIDE_FREE && plain / WEBSOCKET_INFLATE_RATIO > packed)
        inflater->is_given_up = true;
    return inflater->is_given_up || inflater->plain > WEBSOCKET_INFLATE_LIMIT ||
           (inflater->plain > WEBSOCKET_INFLATE_FREE && inflater->plain / WEBSOCKET_INFLATE_RATIO > inflater->packed);
}

static enum websocket_inflate trouble_of(const struct websocket_inflater *inflater, int answer)
{
    switch (answer) {
    case Z_OK:
    case Z_STREAM_END:
    case Z_BUF_ERROR: /* no progress: all is read */
        return WEBSOCKET_INFLATE_FINE;
    case Z_MEM_ERROR:
        return WEBSOCKET_INFLATE_NO_MEMORY;
    default:
        return inflater->has_lost ? WEBSOCKET_INFLATE_LOST : WEBSOCKET_INFLATE_INVALID;
    }
}

enum websocket_inflate websocket_inflater_add(struct websocket_inflater *inflater, struct bytes packed, websocket_inflate_sink *sink, void *context)
{
    z_stream *stream = &inflater->stream;
    struct cursor rest = cursor_over(packed);
    uint8_t room[INFLATE_ROOM];

    while (inflater->trouble == WEBSOCKET_INFLATE_FINE && cursor_left(&rest) > 0) {
        struct bytes in = take_up_to(&rest, UINT32_MAX);
        bool goes_on = true;

        stream->next_in = (uint8_t *)(uintptr_t)in.at;
        stream->avail_in = (unsigned)in.length;
        while (goes_on && inflater->trouble == WEBSOCKET_INFLATE_FINE) {
            unsigned left = stream->avail_in;
            int answer;
            size_t told;

            stream->next_out = room;
            stream->avail_out = sizeof room;
            answer = inflate(stream, Z_NO_FLUSH);
            told = sizeof room - stream->avail_out;
            inflater->packed += left - stream->avail_in;
            inflater->plain += told;
            inflater->in_window += told;
            if (inflater->in_window >= (uint64_t)1 << inflater->window_bits)
                inflater->has_lost = false;
            inflater->trouble = trouble_of(inflater, answer);
            if (told > 0)
                sink(context, bytes_of(room, told));
            if (inflater->trouble == WEBSOCKET_INFLATE_FINE && is_bomb(inflater))
                inflater->trouble = WEBSOCKET_INFLATE_BOMB;
            inflater->is_at_end = answer == Z_STREAM_END;
            if (answer == Z_STREAM_END)
                inflateResetKeep(stream); /* a final block (RFC 7692, 7.2.3.5): the window stays */
            goes_on = stream->avail_in > 0 || stream->avail_out == 0;
        }
    }
    return inflater->trouble;
}

enum websocket_inflate websocket_inflater_end(struct websocket_inflater *inflater, websocket_inflate_sink *sink, void *context)
{
    static const uint8_t tail[] = {0x00, 0x00, 0xff, 0xff}; /* the sender took it off: RFC 7692, 7.2.1 */
    enum websocket_inflate trouble = inflater->trouble;

    if (trouble == WEBSOCKET_INFLATE_FINE && !inflater->is_at_end) {
        trouble = websocket_inflater_add(inflater, bytes_of(tail, sizeof tail), sink, context);
        /* 128: between two blocks; the lower bits: bits that were not used */
        if (trouble == WEBSOCKET_INFLATE_FINE && (inflater->stream.data_type & (128 | 63)) != 128)
            trouble = inflater->trouble = inflater->has_lost ? WEBSOCKET_INFLATE_LOST : WEBSOCKET_INFLATE_INVALID;
    }
    return trouble;
}

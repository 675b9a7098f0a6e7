/*
 * rdp_output.c - what the server draws: slow path ([MS-RDPBCGR] 2.2.9.1.1.3) and fast path (2.2.9.1.2), fragments and compression undone.
 * Updates, rectangles and bytes are counted; pictures are not decoded, and bitmaps not gathered: they are passed over as they come.
 */
#include "dissectors/rdp_share.h"

enum update_type { /* updateType of slow path; fast path's first four are the same */
    UPDATE_ORDERS = 0,
    UPDATE_BITMAP = 1,
    UPDATE_PALETTE = 2,
    UPDATE_SYNCHRONIZE = 3,
    UPDATE_SURFACE_COMMANDS = 4,
    UPDATE_POINTER_NULL = 5,
    UPDATE_POINTER_DEFAULT = 6,
    UPDATE_POINTER_POSITION = 8,
    UPDATE_POINTER_COLOR = 9,
    UPDATE_POINTER_CACHED = 10,
    UPDATE_POINTER_NEW = 11,
    UPDATE_POINTER_LARGE = 12,
};

enum fragmentation {
    FRAGMENT_SINGLE = 0,
    FRAGMENT_LAST = 1,
    FRAGMENT_FIRST = 2,
    FRAGMENT_NEXT = 3,
};

enum surface_command {
    SURFACE_SET_BITS = 1,
    SURFACE_FRAME_MARKER = 4,
    SURFACE_STREAM_BITS = 6,
};

#define COMPRESSION_USED 2
#define BITMAP_HEAD 18
#define SURFACE_BITS_HEAD 22
#define SURFACE_EXTENDED_HEAD 24
#define FRAME_MARKER_HEAD 8

/* ---- bitmaps and surface commands, as they come ---- */

/* Gathers the head up to `length` bytes. False: it is not whole yet. */
static bool gather_head(struct rdp_drawing *drawing, size_t length, struct cursor *data)
{
    struct bytes more = take_up_to(data, length - drawing->head_length);

    if (more.length > 0)
        memcpy(drawing->head + drawing->head_length, more.at, more.length);
    drawing->head_length += more.length;
    return drawing->head_length == length;
}

static struct cursor head_of(const struct rdp_drawing *drawing)
{
    return cursor_within(bytes_of(drawing->head, drawing->head_length));
}

static void read_bitmaps(struct rdp_share *share, struct cursor *data)
{
    struct rdp_drawing *drawing = &share->output.drawing;

    while (cursor_left(data) > 0) {
        struct cursor head;

        if (drawing->to_skip > 0) {
            drawing->to_skip -= take_up_to(data, drawing->to_skip).length;
            continue;
        }
        if (drawing->rectangles_left == 0 || !gather_head(drawing, BITMAP_HEAD, data))
            return;
        head = head_of(drawing);
        skip_bytes(&head, BITMAP_HEAD - 2);
        drawing->to_skip = take_u16_le(&head);
        drawing->head_length = 0;
        drawing->rectangles_left--;
        share->output.rectangles++;
    }
}

/* Length of the command's head; 0: it is none. */
static size_t surface_head(uint16_t command)
{
    if (command == SURFACE_SET_BITS || command == SURFACE_STREAM_BITS)
        return SURFACE_BITS_HEAD;
    return command == SURFACE_FRAME_MARKER ? FRAME_MARKER_HEAD : 0;
}

static void on_surface_head(struct rdp_share *share, uint16_t command)
{
    struct rdp_drawing *drawing = &share->output.drawing;
    struct cursor head = head_of(drawing);
    uint8_t flags;

    if (command == SURFACE_FRAME_MARKER) {
        skip_bytes(&head, 2);
        if (take_u16_le(&head) == 0) /* begins */
            share->output.frames++;
        return;
    }
    skip_bytes(&head, 2 + 8 + 1);
    flags = take_u8(&head);
    skip_bytes(&head, 1 + 1 + 2 + 2); /* reserved, codec, width, height */
    drawing->to_skip = (uint64_t)take_u32_le(&head) + ((flags & 1) != 0 ? SURFACE_EXTENDED_HEAD : 0);
    share->output.rectangles++;
}

static void read_surface_commands(struct rdp_share *share, struct cursor *data)
{
    struct rdp_drawing *drawing = &share->output.drawing;

    while (cursor_left(data) > 0 && !drawing->is_lost) {
        struct cursor head;
        uint16_t command;

        if (drawing->to_skip > 0) {
            drawing->to_skip -= take_up_to(data, drawing->to_skip).length;
            continue;
        }
        if (drawing->head_length < 2 && !gather_head(drawing, 2, data))
            return;
        head = head_of(drawing);
        command = take_u16_le(&head);
        if (surface_head(command) == 0) {
            drawing->is_lost = true;
            rdp_tell_contradiction(share, FROM_SERVER, "a surface command");
            return;
        }
        if (!gather_head(drawing, surface_head(command), data))
            return;
        on_surface_head(share, command);
        drawing->head_length = 0;
    }
}

/* A bitmap update begins: the number of its rectangles. */
static void begin_bitmaps(struct rdp_share *share, struct cursor *data)
{
    share->output.drawing = (struct rdp_drawing){.rectangles_left = take_u16_le(data)};
    read_bitmaps(share, data);
}

static void end_bitmaps(struct rdp_share *share)
{
    if (share->output.drawing.rectangles_left > 0 || share->output.drawing.to_skip > 0)
        rdp_tell_contradiction(share, FROM_SERVER, "a bitmap update");
}

static void read_order_update(struct rdp_share *share, struct cursor *data)
{
    uint16_t count = take_u16_le(data);

    rdp_read_orders(share, count, data);
}

/* ---- slow path ---- */

void rdp_read_slow_update(struct rdp_share *share, struct cursor *data)
{
    uint16_t type = take_u16_le(data);

    if (!cursor_is_good(data))
        return;
    share->output.was_seen = true;
    share->output.updates++;
    share->output.bytes += cursor_left(data);
    if (type == UPDATE_BITMAP) {
        begin_bitmaps(share, data);
        end_bitmaps(share);
    } else if (type == UPDATE_ORDERS) {
        struct cursor count;

        skip_bytes(data, 2);
        count = take_child(data, 2);
        skip_bytes(data, 2);
        rdp_read_orders(share, take_u16_le(&count), data);
    }
}

void rdp_read_slow_pointer(struct rdp_share *share, struct cursor *data)
{
    share->output.was_seen = true;
    share->output.pointers++;
    share->output.bytes += cursor_left(data);
}

/* ---- fast path ---- */

static bool is_pointer(unsigned code)
{
    return code >= UPDATE_POINTER_NULL && code <= UPDATE_POINTER_LARGE;
}

/* The first part of an update, or all of it. Orders in fragments are gathered, all else is read as it comes. */
static void begin_update(struct rdp_share *share, unsigned code, struct cursor *data)
{
    share->output.drawing = (struct rdp_drawing){.to_skip = 0};
    if (is_pointer(code))
        share->output.pointers++;
    else
        share->output.updates++;
    if (code == UPDATE_BITMAP) {
        skip_bytes(data, 2); /* the type once more */
        begin_bitmaps(share, data);
    } else if (code == UPDATE_SURFACE_COMMANDS) {
        read_surface_commands(share, data);
    }
}

static void continue_update(struct rdp_share *share, unsigned code, struct cursor *data)
{
    if (code == UPDATE_BITMAP)
        read_bitmaps(share, data);
    else if (code == UPDATE_SURFACE_COMMANDS)
        read_surface_commands(share, data);
}

static void gather_orders(struct rdp_share *share, struct cursor *data)
{
    struct text *fragments = &share->output.fragments;

    fragments->limit = RDP_FRAGMENTS_LIMIT;
    text_append(fragments, peek_bytes(data));
    if (fragments->was_cut)
        rdp_tell_limit(share, RDP_LIMIT_FRAGMENTS);
}

static void end_update(struct rdp_share *share, unsigned code)
{
    struct cursor orders = cursor_within(text_bytes(&share->output.fragments));

    if (code == UPDATE_ORDERS)
        read_order_update(share, &orders);
    else if (code == UPDATE_BITMAP)
        end_bitmaps(share);
    text_free(&share->output.fragments);
    share->output.is_fragmented = false;
}

static void on_fragment(struct rdp_share *share, unsigned code, enum fragmentation fragment, struct cursor *data)
{
    struct rdp_output *output = &share->output;

    if (fragment == FRAGMENT_FIRST) {
        text_free(&output->fragments);
        output->is_fragmented = true;
        output->fragment_code = (uint8_t)code;
    } else if (!output->is_fragmented || output->fragment_code != code) {
        return; /* its beginning is missing */
    }
    if (code == UPDATE_ORDERS)
        gather_orders(share, data);
    if (fragment == FRAGMENT_FIRST)
        begin_update(share, code, data);
    else
        continue_update(share, code, data);
    if (fragment == FRAGMENT_LAST)
        end_update(share, code);
}

static void on_update(struct rdp_share *share, unsigned code, enum fragmentation fragment, struct cursor *data)
{
    share->output.bytes += cursor_left(data);
    if (fragment != FRAGMENT_SINGLE) {
        on_fragment(share, code, fragment, data);
        return;
    }
    begin_update(share, code, data);
    if (code == UPDATE_ORDERS)
        read_order_update(share, data);
    else if (code == UPDATE_BITMAP)
        end_bitmaps(share);
}

void rdp_read_fast_output(struct rdp_share *share, struct cursor *data)
{
    share->output.was_seen = true;
    while (cursor_left(data) > 0) {
        uint8_t header = take_u8(data);
        uint8_t compression = header >> 6 == COMPRESSION_USED ? take_u8(data) : 0;
        uint16_t size = take_u16_le(data);
        struct cursor update = take_child(data, size);

        if (!cursor_is_good(&update)) {
            rdp_tell_contradiction(share, FROM_SERVER, "a fast-path update");
            return;
        }
        if (rdp_decompress(share, FROM_SERVER, compression, &update))
            on_update(share, header & 0x0f, header >> 4 & 3, &update);
    }
}

void rdp_output_lost(struct rdp_share *share)
{
    text_free(&share->output.fragments);
    share->output.is_fragmented = false;
    share->output.orders_are_lost = true;
}

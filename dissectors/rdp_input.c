/*
 * rdp_input.c - what the user types and points at: slow path ([MS-RDPBCGR] 2.2.8.1.1.3) and fast path (2.2.8.1.2).
 */
#include "dissectors/rdp_share.h"

enum slow_input_type { /* messageType */
    SLOW_SYNC = 0,
    SLOW_SCANCODE = 4,
    SLOW_UNICODE = 5,
    SLOW_MOUSE = 0x8001,
    SLOW_EXTENDED_MOUSE = 0x8002,
    SLOW_RELATIVE_MOUSE = 0x8004,
};

enum fast_input_code { /* eventCode: the upper 3 bits of an event's header */
    FAST_SCANCODE = 0,
    FAST_MOUSE = 1,
    FAST_EXTENDED_MOUSE = 2,
    FAST_SYNC = 3,
    FAST_UNICODE = 4,
    FAST_RELATIVE_MOUSE = 5,
    FAST_QOE_TIMESTAMP = 6,
};

enum keyboard_flag { /* of slow path; fast path's are 1 and 2 */
    SLOW_EXTENDED = 0x0100,
    SLOW_RELEASE = 0x8000,
};

#define POINTER_WHEEL 0x0600 /* PTRFLAGS_WHEEL, PTRFLAGS_HWHEEL */

static void on_key(struct rdp_share *share, uint8_t scancode, bool is_extended, bool is_release)
{
    share->input.keys++;
    rdp_key(share, scancode, is_extended, is_release);
}

static void on_unicode(struct rdp_share *share, uint16_t letter, bool is_release)
{
    share->input.unicode++;
    rdp_unicode_key(share, letter, is_release);
}

static void on_mouse(struct rdp_share *share, struct cursor *event, bool has_wheel)
{
    uint16_t flags = take_u16_le(event);

    skip_bytes(event, 2 + 2); /* where */
    if (!cursor_is_good(event))
        return;
    share->input.mouse++;
    if (has_wheel && (flags & POINTER_WHEEL) != 0)
        share->input.wheel++;
}

static void on_sync(struct rdp_share *share, uint32_t toggles)
{
    share->input.syncs++;
    share->input.caps_lock = (toggles & 4) != 0;
    share->input.held = 0; /* all keys are up again */
}

void rdp_read_slow_input(struct rdp_share *share, struct cursor *data)
{
    uint16_t count = take_u16_le(data);

    skip_bytes(data, 2);
    share->input.was_seen = true;
    rdp_shape_note_input(share->conversation, &share->facts->shape);
    for (unsigned i = 0; i < count && cursor_left(data) > 0; i++) {
        struct cursor event = take_child(data, 4 + 2 + 6);
        uint16_t type;
        uint16_t flags;
        struct cursor particulars;

        skip_bytes(&event, 4); /* time */
        type = take_u16_le(&event);
        particulars = event;
        flags = take_u16_le(&event);
        if (!cursor_is_good(&event))
            break;
        if (type == SLOW_SCANCODE)
            on_key(share, (uint8_t)take_u16_le(&event), (flags & SLOW_EXTENDED) != 0, (flags & SLOW_RELEASE) != 0);
        else if (type == SLOW_UNICODE)
            on_unicode(share, take_u16_le(&event), (flags & SLOW_RELEASE) != 0);
        else if (type == SLOW_SYNC)
            on_sync(share, take_u32_le(&event));
        else if (type == SLOW_MOUSE || type == SLOW_EXTENDED_MOUSE || type == SLOW_RELATIVE_MOUSE)
            on_mouse(share, &particulars, type == SLOW_MOUSE);
    }
    if (!cursor_is_good(data))
        rdp_tell_contradiction(share, FROM_CLIENT, "input");
}

void rdp_read_fast_input(struct rdp_share *share, unsigned count, struct cursor *data)
{
    if (count == 0)
        count = take_u8(data);
    share->input.was_seen = true;
    for (unsigned i = 0; i < count && cursor_left(data) > 0; i++) {
        uint8_t header = take_u8(data);
        unsigned flags = header & 0x1f;
        unsigned code = header >> 5;

        if (code == FAST_SCANCODE) {
            uint8_t scancode = take_u8(data);

            if (cursor_is_good(data))
                on_key(share, scancode, (flags & 2) != 0, (flags & 1) != 0);
        } else if (code == FAST_UNICODE) {
            uint16_t letter = take_u16_le(data);

            if (cursor_is_good(data))
                on_unicode(share, letter, (flags & 1) != 0);
        } else if (code == FAST_MOUSE || code == FAST_EXTENDED_MOUSE || code == FAST_RELATIVE_MOUSE) {
            on_mouse(share, data, code == FAST_MOUSE);
        } else if (code == FAST_SYNC) {
            on_sync(share, flags);
        } else if (code == FAST_QOE_TIMESTAMP) {
            skip_bytes(data, 4);
        } else {
            cursor_reject(data); /* how long it is, is not known */
        }
    }
    if (!cursor_is_good(data))
        rdp_tell_contradiction(share, FROM_CLIENT, "input");
}

void rdp_input_flush(struct rdp_share *share)
{
    if (share->input.typed.length > 0)
        rdp_tell_text(share, FROM_CLIENT, "keystrokes", text_bytes(&share->input.typed));
    text_clear(&share->input.typed);
}

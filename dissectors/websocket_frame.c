/* websocket_frame.c - frames (RFC 6455, 5): which message each belongs to, and what is wrong with it; see websocket_session.h. */
#include "dissectors/websocket_session.h"

/* Times that the place of a side's frames may be looked for again. */
#define WEBSOCKET_SEEKS_LIMIT 1000

/* ---- what is wrong with a header ---- */

/* Reserved bits that nobody agreed on. */
static bool has_unexpected_bits(const struct websocket *websocket, const struct websocket_frame *frame)
{
    const struct websocket_extensions *extensions = &websocket->extensions;
    bool starts = frame->opcode == WEBSOCKET_TEXT || frame->opcode == WEBSOCKET_BINARY;
    bool may_have_rsv1 = extensions->compression == WEBSOCKET_DEFLATE ? starts : extensions->compression != WEBSOCKET_UNCOMPRESSED && websocket_opcode_is_data(frame->opcode);

    if (extensions->has_others && extensions->compression != WEBSOCKET_COMPRESSION_UNKNOWN)
        return (frame->reserved_bits & WEBSOCKET_RSV1) != 0 && !may_have_rsv1 && extensions->compression == WEBSOCKET_DEFLATE;
    return (frame->reserved_bits & WEBSOCKET_RSV1 && !may_have_rsv1) || (frame->reserved_bits & ~WEBSOCKET_RSV1) != 0;
}

static bool is_invalid_control(const struct websocket_frame *frame)
{
    return websocket_opcode_is_control(frame->opcode) && (frame->length > WEBSOCKET_CONTROL_LIMIT || !frame->is_final);
}

/*
 * Where this cannot be a frame: the reason, else NULL. One oddity is told and followed; two together, or a change of masks beside one, look like
 * bytes that are no header.
 */
static const char *frame_error(const struct websocket *websocket, const struct websocket_side *side, const struct websocket_frame *frame)
{
    int oddities = has_unexpected_bits(websocket, frame) + websocket_opcode_is_reserved(frame->opcode) + (!frame->is_minimal || is_invalid_control(frame)) +
                   (side->has_mask_habit && frame->is_masked != side->masks);

    if (frame->length > INT64_MAX)
        return "a length with its highest bit set";
    return oddities > 1 ? "a header that breaks several rules at once" : NULL;
}

static void tell_oddities(struct conversation *conversation, struct websocket *websocket, enum side from, const struct websocket_frame *frame)
{
    const struct websocket_side *side = &websocket->side[from];
    const char *name = websocket_opcode_name(frame->opcode);

    if (frame->is_masked != (from == FROM_CLIENT))
        websocket_violation(conversation, websocket, from, WEBSOCKET_MASK_WRONG, "sends %s frames", frame->is_masked ? "masked" : "unmasked");
    if (!frame->is_minimal)
        websocket_violation(conversation, websocket, from, WEBSOCKET_LENGTH_NOT_MINIMAL, "sent a frame of %llu bytes with its length in a longer form than needed",
                            (unsigned long long)frame->length);
    if (has_unexpected_bits(websocket, frame))
        websocket_violation(conversation, websocket, from, WEBSOCKET_RESERVED_BITS, "set reserved bits (%u) of a %s frame", frame->reserved_bits,
                            name != NULL ? name : "continuation");
    if (websocket_opcode_is_reserved(frame->opcode))
        websocket_violation(conversation, websocket, from, WEBSOCKET_RESERVED_OPCODE, "sent a frame with the opcode %u, which RFC 6455 reserves", frame->opcode);
    if (is_invalid_control(frame))
        websocket_violation(conversation, websocket, from, WEBSOCKET_CONTROL_FRAME_INVALID, "sent a %s frame of %llu bytes%s", name, (unsigned long long)frame->length,
                            frame->is_final ? "" : " that claims to go on");
    if (frame->length > WEBSOCKET_FRAME_LIMIT)
        websocket_violation(conversation, websocket, from, WEBSOCKET_FRAME_TOO_LONG, "sent a frame that claims to have %llu bytes", (unsigned long long)frame->length);
    if (side->has_closed)
        websocket_violation(conversation, websocket, from, WEBSOCKET_DATA_AFTER_CLOSE, "sent a %s frame behind its close", name != NULL ? name : "continuation");
}

/* ---- where frames begin ---- */

void websocket_begin_seeking(struct conversation *conversation, struct websocket *websocket, enum side from)
{
    struct websocket_side *side = &websocket->side[from];

    websocket_message_end(conversation, websocket, from, true, false);
    websocket_message_end(conversation, websocket, from, false, false);
    websocket_message_lose(conversation, websocket, from);
    side->phase = WEBSOCKET_OUT_OF_STEP;
    websocket_inner_miss(websocket->inner, from, UINT64_MAX);
    if (side->resynced >= WEBSOCKET_SEEKS_LIMIT)
        return;
    side->seek = websocket_seek_new(side->has_mask_habit ? side->masks : from == FROM_CLIENT, websocket->extensions.compression != WEBSOCKET_UNCOMPRESSED);
    if (side->seek != NULL)
        side->phase = WEBSOCKET_SEEKING;
}

/* Nothing more of this side is read as frames, unless the place was a guess. */
static enum verdict lose_step(struct conversation *conversation, struct websocket *websocket, enum side from)
{
    struct websocket_side *side = &websocket->side[from];

    websocket_message_end(conversation, websocket, from, true, false);
    websocket_message_end(conversation, websocket, from, false, false);
    side->phase = WEBSOCKET_OUT_OF_STEP;
    websocket_inner_miss(websocket->inner, from, UINT64_MAX);
    if (side->resynced > 0)
        websocket_begin_seeking(conversation, websocket, from);
    return side->phase == WEBSOCKET_OUT_OF_STEP && websocket->side[side_other(from)].phase == WEBSOCKET_OUT_OF_STEP ? VERDICT_NOT_THIS_PROTOCOL : VERDICT_GO_ON;
}

void websocket_found_again(struct conversation *conversation, struct websocket *websocket, enum side from)
{
    struct websocket_side *side = &websocket->side[from];
    struct websocket_seek *seek = side->seek;
    struct cursor found = cursor_over(websocket_seek_found(seek));

    side->seek = NULL;
    side->phase = WEBSOCKET_FRAME_HEADER;
    side->may_go_on = true;
    side->resynced++;
    if (websocket_tells(websocket, from, WEBSOCKET_FOUND_AGAIN))
        conversation_finding(conversation, "info", "websocket_resynced",
                             "behind missing bytes of the %s, frames were found again by how they fit together; %llu bytes before them were not read", side_name(from),
                             (unsigned long long)websocket_seek_passed(seek));
    (void)websocket_read_frames(conversation, websocket, from, &found);
    websocket_seek_free(seek);
}

/* ---- headers and payloads ---- */

/* Begins the message that the frame belongs to, unless it goes on with one. */
static void join_message(struct conversation *conversation, struct websocket *websocket, enum side from)
{
    struct websocket_side *side = &websocket->side[from];
    bool goes_on = side->frame.opcode == WEBSOCKET_CONTINUATION;

    if (!websocket_opcode_is_data(side->frame.opcode)) {
        websocket_message_begin(conversation, websocket, from, side->frame.opcode);
        return;
    }
    if (goes_on != side->data.is_open && !(goes_on && side->may_go_on))
        websocket_violation(conversation, websocket, from, WEBSOCKET_FRAGMENTS_OUT_OF_ORDER, "%s",
                            goes_on ? "goes on with a message that never began" : "begins a message inside another one");
    if (!goes_on)
        websocket_message_end(conversation, websocket, from, false, false);
    side->may_go_on = false;
    if (!side->data.is_open)
        websocket_message_begin(conversation, websocket, from, side->frame.opcode);
}

void websocket_frame_end(struct conversation *conversation, struct websocket *websocket, enum side from)
{
    struct websocket_side *side = &websocket->side[from];

    side->phase = WEBSOCKET_FRAME_HEADER;
    if (websocket_opcode_is_data(side->frame.opcode)) {
        if (side->frame.is_final)
            websocket_message_end(conversation, websocket, from, false, true);
        return;
    }
    if (side->frame.opcode == WEBSOCKET_PING)
        websocket->pings++;
    else if (side->frame.opcode == WEBSOCKET_PONG)
        websocket->pongs++;
    else if (side->frame.opcode == WEBSOCKET_CLOSE)
        websocket_on_close_frame(conversation, websocket, from, &side->control);
    websocket_message_end(conversation, websocket, from, true, true);
}

static enum verdict on_frame_header(struct conversation *conversation, struct websocket *websocket, enum side from, struct cursor *bytes)
{
    struct websocket_side *side = &websocket->side[from];
    struct cursor unit = *bytes;
    struct websocket_frame frame = websocket_take_frame_header(&unit);
    const char *error;

    if (!cursor_is_good(&unit))
        return VERDICT_NEED_MORE;
    error = frame_error(websocket, side, &frame);
    if (error != NULL) {
        websocket_violation(conversation, websocket, from, WEBSOCKET_FRAME_INVALID, "sent %s; it is not read any further", error);
        return lose_step(conversation, websocket, from);
    }
    tell_oddities(conversation, websocket, from, &frame);
    side->has_mask_habit = true;
    side->masks = frame.is_masked;
    side->frame = frame;
    side->left = frame.length;
    join_message(conversation, websocket, from);
    websocket_message_fragment(conversation, websocket, from);
    side->phase = WEBSOCKET_PAYLOAD;
    *bytes = unit;
    if (side->left == 0)
        websocket_frame_end(conversation, websocket, from);
    return VERDICT_GO_ON;
}

static void on_payload(struct conversation *conversation, struct websocket *websocket, enum side from, struct cursor *bytes)
{
    struct websocket_side *side = &websocket->side[from];
    struct cursor payload = cursor_within(take_up_to(bytes, side->left));

    while (cursor_left(&payload) > 0) {
        uint8_t plain[4096];
        struct bytes part = take_up_to(&payload, side->frame.is_masked ? sizeof plain : UINT64_MAX);

        if (side->frame.is_masked) {
            websocket_unmask(&side->frame, side->frame.length - side->left, part, plain);
            websocket_message_add(conversation, websocket, from, bytes_of(plain, part.length));
        } else {
            websocket_message_add(conversation, websocket, from, part);
        }
        side->left -= part.length;
    }
    if (side->left == 0)
        websocket_frame_end(conversation, websocket, from);
}

enum verdict websocket_read_frames(struct conversation *conversation, struct websocket *websocket, enum side from, struct cursor *bytes)
{
    struct websocket_side *side = &websocket->side[from];
    enum verdict verdict = VERDICT_GO_ON;

    while (verdict == VERDICT_GO_ON && cursor_left(bytes) > 0) {
        switch (side->phase) {
        case WEBSOCKET_FRAME_HEADER:
            verdict = on_frame_header(conversation, websocket, from, bytes);
            break;
        case WEBSOCKET_PAYLOAD:
            on_payload(conversation, websocket, from, bytes);
            break;
        case WEBSOCKET_SEEKING:
            if (websocket_seek_add(side->seek, bytes))
                websocket_found_again(conversation, websocket, from);
            break;
        case WEBSOCKET_OUT_OF_STEP:
            (void)take_up_to(bytes, UINT64_MAX);
            break;
        }
    }
    return verdict;
}

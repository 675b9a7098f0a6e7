/*
 * wireless.c - data frames of IEEE 802.11, plain or behind a header of the radio: radiotap, Prism, AVS.
 *
 * Frames that are encrypted, or pieces of a larger one, are frames of something that is not IP here. Of an A-MSDU the
 * first packet is decoded.
 */
#include "capture/decode.h"

enum frame_control {
    FRAME_TYPE = 0x0c,
    FRAME_TYPE_DATA = 0x08,
    FRAME_NO_DATA = 0x40, /* the subtypes without a body */
    FRAME_QOS = 0x80,
};

enum frame_flag {
    FRAME_TO_DS = 0x01,
    FRAME_FROM_DS = 0x02,
    FRAME_MORE_FRAGMENTS = 0x04,
    FRAME_PROTECTED = 0x40,
    FRAME_ORDER = 0x80, /* with QoS: HT control follows */
};

enum radiotap_flag {
    RADIOTAP_PADDED = 0x20,    /* the header is filled up to a multiple of 4 */
    RADIOTAP_BAD_CHECK = 0x40, /* the frame check sequence is wrong */
};

#define PRISM_LENGTH 144
#define AVS_MAGIC 0x80211001u
#define AVS_MAGIC_2 0x80211002u
#define RADIOTAP_WORDS 32

/* Destination, source, length, packet; then padding and the next. */
static enum decode_result decode_aggregate(struct decoder *decoder)
{
    uint16_t length;

    skip_bytes(&decoder->cursor, 12);
    length = take_u16_be(&decoder->cursor);
    if (!cursor_is_good(&decoder->cursor))
        return decode_cut(decoder, ANOMALY_LINK_CUT);
    if (decoder_stated(decoder) > (length + 3u) + 14)
        packet_note(decoder->packet, ANOMALY_RADIO_AGGREGATE);
    if (!decoder_limit(decoder, length))
        return decode_bad(decoder, ANOMALY_LINK_HEADER);
    return decode_llc(decoder);
}

static enum decode_result decode_data_frame(struct decoder *decoder, bool is_padded)
{
    struct cursor *cursor = &decoder->cursor;
    uint8_t control = take_u8(cursor);
    uint8_t flags = take_u8(cursor);
    uint32_t header = 24;
    uint16_t sequence;
    uint16_t quality = 0;

    skip_bytes(cursor, 20); /* duration and three addresses */
    sequence = take_u16_le(cursor);
    if ((flags & (FRAME_TO_DS | FRAME_FROM_DS)) == (FRAME_TO_DS | FRAME_FROM_DS)) {
        skip_bytes(cursor, 6);
        header += 6;
    }
    if ((control & FRAME_QOS) != 0) {
        quality = take_u16_le(cursor);
        header += 2;
        if ((flags & FRAME_ORDER) != 0) {
            skip_bytes(cursor, 4);
            header += 4;
        }
    }
    if (is_padded)
        skip_bytes(cursor, (4 - header % 4) % 4);
    if (!cursor_is_good(cursor))
        return decode_cut(decoder, ANOMALY_LINK_CUT);
    if ((flags & (FRAME_PROTECTED | FRAME_MORE_FRAGMENTS)) != 0 || (sequence & 0x0f) != 0)
        return DECODED_NOT_IP;
    return (quality & 0x80) != 0 ? decode_aggregate(decoder) : decode_llc(decoder);
}

static enum decode_result decode_frame_control(struct decoder *decoder, bool is_padded)
{
    int control = peek_u8(&decoder->cursor);

    if (control < 0)
        return decode_cut(decoder, ANOMALY_LINK_CUT);
    if (!decoder_enter(decoder))
        return DECODE_BAD;
    if ((control & 0x03) != 0) /* the version */
        return decode_bad(decoder, ANOMALY_LINK_HEADER);
    if ((control & FRAME_TYPE) != FRAME_TYPE_DATA || (control & FRAME_NO_DATA) != 0)
        return DECODED_NOT_IP;
    return decode_data_frame(decoder, is_padded);
}

enum decode_result decode_80211(struct decoder *decoder)
{
    return decode_frame_control(decoder, false);
}

/* The first fields that may be there: a time of 8 bytes, aligned, and the flags. Fields before them have no other order. */
static uint8_t radiotap_flags(struct cursor fields, uint32_t present, unsigned words)
{
    if ((present & 2) == 0)
        return 0;
    if ((present & 1) != 0) /* the header begins with 4 bytes and the words */
        skip_bytes(&fields, 8 + (words % 2 == 0 ? 4 : 0));
    return take_u8(&fields);
}

enum decode_result decode_radiotap(struct decoder *decoder)
{
    struct cursor *cursor = &decoder->cursor;
    struct cursor fields;
    uint8_t version = take_u8(cursor);
    uint16_t length;
    uint32_t present = 0;
    uint32_t word = 0x80000000u;
    unsigned words = 0;
    uint8_t flags;

    skip_bytes(cursor, 1);
    length = take_u16_le(cursor);
    if (!cursor_is_good(cursor))
        return decode_cut(decoder, ANOMALY_LINK_CUT);
    if (version != 0 || length < 8)
        return decode_bad(decoder, ANOMALY_LINK_HEADER);
    fields = take_child(cursor, length - 4u);
    if (!cursor_is_good(cursor))
        return decode_cut(decoder, ANOMALY_LINK_CUT);
    for (; (word & 0x80000000u) != 0 && words < RADIOTAP_WORDS; words++) {
        word = take_u32_le(&fields);
        if (words == 0)
            present = word;
    }
    flags = radiotap_flags(fields, present, words);
    if (!cursor_is_good(&fields))
        return decode_bad(decoder, ANOMALY_LINK_HEADER);
    if ((flags & RADIOTAP_BAD_CHECK) != 0) {
        packet_note(decoder->packet, ANOMALY_RADIO_DAMAGE);
        return DECODED_NOT_IP;
    }
    return decode_frame_control(decoder, (flags & RADIOTAP_PADDED) != 0);
}

enum decode_result decode_prism(struct decoder *decoder)
{
    struct cursor *cursor = &decoder->cursor;
    struct cursor peek = *cursor;
    uint32_t magic = take_u32_be(&peek);
    uint32_t length = take_u32_be(&peek);

    if (!cursor_is_good(&peek))
        return decode_cut(decoder, ANOMALY_LINK_CUT);
    if (magic != AVS_MAGIC && magic != AVS_MAGIC_2)
        length = PRISM_LENGTH;
    else if (length < 8)
        return decode_bad(decoder, ANOMALY_LINK_HEADER);
    skip_bytes(cursor, length);
    if (!cursor_is_good(cursor))
        return decode_cut(decoder, ANOMALY_LINK_CUT);
    return decode_80211(decoder);
}

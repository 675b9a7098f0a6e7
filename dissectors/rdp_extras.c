/*
 * rdp_extras.c - channels that are read as far as it tells what goes on: sound ([MS-RDPEA]), remote programs ([MS-RDPERP]), the graphics
 * pipeline ([MS-RDPEGFX]) and the layout of monitors ([MS-RDPEDISP]).
 *
 * Leaves out: samples and pictures; graphics in RDP 8.0's bulk compression, which is counted.
 */
#include "dissectors/rdp_share.h"

enum audio_type { /* msgType */
    AUDIO_WAVE = 2,
    AUDIO_FORMATS = 7,
    AUDIO_WAVE_2 = 13,
};

#define AUDIO_FORMATS_TOLD 32
#define WAVE_HEAD 8
#define WAVE_2_HEAD 12
#define PROGRAM_EXECUTE 1
#define PROGRAM_RESULT 0x80
#define DISPLAY_LAYOUT 2
#define MONITORS_TOLD 16
#define SEGMENT_SINGLE 0xe0
#define SEGMENT_COMPRESSED 0x20
#define GRAPHICS_COMMANDS 0x17
#define GRAPHICS_HEADER 8

/* ---- sound ---- */

static const char *sound_name(uint16_t tag)
{
    switch (tag) {
    case 0x0001:
        return "PCM";
    case 0x0002:
        return "MS ADPCM";
    case 0x0006:
        return "A-law";
    case 0x0007:
        return "mu-law";
    case 0x0011:
        return "IMA ADPCM";
    case 0x0031:
        return "GSM 6.10";
    case 0x0055:
        return "MP3";
    case 0x00ff:
    case 0xa106:
        return "AAC";
    case 0x704f:
        return "Opus";
    default:
        return NULL;
    }
}

static void on_sound_formats(struct rdp_share *share, enum side from, struct cursor *body)
{
    struct text list = {.limit = RDP_TEXT_LIMIT};
    uint16_t count;

    skip_bytes(body, 4 + 4 + 4 + 2); /* flags, volume, pitch, port for UDP */
    count = take_u16_le(body);
    skip_bytes(body, 1 + 2 + 1); /* last block, version, padding */
    for (unsigned i = 0; i < count && i < AUDIO_FORMATS_TOLD && cursor_left(body) > 0; i++) {
        uint16_t tag = take_u16_le(body);
        uint16_t channels = take_u16_le(body);
        uint32_t rate = take_u32_le(body);
        uint16_t bits;

        skip_bytes(body, 4 + 2); /* bytes a second, alignment */
        bits = take_u16_le(body);
        skip_bytes(body, take_u16_le(body));
        if (!cursor_is_good(body))
            break;
        text_append_format(&list, "%s", list.length > 0 ? ", " : "");
        if (sound_name(tag) != NULL)
            text_append_text(&list, sound_name(tag));
        else
            text_append_format(&list, "0x%04x", tag);
        text_append_format(&list, " %u Hz %ux%u bit", (unsigned)rate, channels, bits);
    }
    rdp_tell_text(share, from, "audio_formats", text_bytes(&list));
    text_free(&list);
}

static void on_sound(struct rdp_share *share, uint64_t bytes)
{
    if (!share->channels.has_audio)
        rdp_tell(share, FROM_SERVER, "audio", "begins");
    share->channels.has_audio = true;
    share->channels.audio_bytes += bytes;
}

void rdp_audio_read(struct rdp_share *share, enum side from, const struct rdp_channel_message *message, struct cursor *head)
{
    uint8_t type;
    uint16_t size;

    if (from == FROM_SERVER && share->channels.awaits_wave) { /* no header: 4 bytes that the wave's notice carried, then the rest */
        share->channels.awaits_wave = false;
        on_sound(share, message->total);
        return;
    }
    type = take_u8(head);
    skip_bytes(head, 1);
    size = take_u16_le(head);
    if (!cursor_is_good(head))
        return;
    if (type == AUDIO_FORMATS)
        on_sound_formats(share, from, head);
    else if (type == AUDIO_WAVE && from == FROM_SERVER)
        share->channels.awaits_wave = size >= WAVE_HEAD;
    else if (type == AUDIO_WAVE_2 && from == FROM_SERVER && size >= WAVE_2_HEAD)
        on_sound(share, message->total >= 4 + WAVE_2_HEAD ? message->total - 4 - WAVE_2_HEAD : 0);
}

/* ---- remote programs ---- */

void rdp_programs_read(struct rdp_share *share, enum side from, struct cursor *head)
{
    uint16_t type = take_u16_le(head);
    struct text detail = {.limit = RDP_TEXT_LIMIT};
    uint16_t lengths[3];

    skip_bytes(head, 2); /* length */
    if (!cursor_is_good(head))
        return;
    if (type == PROGRAM_RESULT && from == FROM_SERVER) {
        uint16_t result;

        skip_bytes(head, 2); /* flags */
        result = take_u16_le(head);
        if (cursor_is_good(head))
            rdp_tell(share, from, "program_result", result == 0 ? "started" : "not started, result %u", result);
        return;
    }
    if (type != PROGRAM_EXECUTE || from != FROM_CLIENT)
        return;
    skip_bytes(head, 2); /* flags */
    for (int i = 0; i < 3; i++)
        lengths[i] = take_u16_le(head);
    for (int i = 0; i < 3; i++) {
        static const char *const before[] = {"", ", in ", ", with "};
        struct cursor part = take_child(head, lengths[i]);

        if (cursor_left(&part) == 0)
            continue;
        text_append_text(&detail, before[i]);
        rdp_append_utf16(&detail, part);
    }
    rdp_tell_text(share, from, "program", text_bytes(&detail));
    text_free(&detail);
}

/* ---- graphics ---- */

static void count_graphics(struct rdp_share *share, struct cursor *commands)
{
    while (cursor_left(commands) >= GRAPHICS_HEADER) {
        uint16_t command = take_u16_le(commands);
        uint32_t length;

        skip_bytes(commands, 2);
        length = take_u32_le(commands);
        if (command == 0 || command > GRAPHICS_COMMANDS || length < GRAPHICS_HEADER)
            return;
        share->channels.graphics_commands++;
        (void)take_up_to(commands, length - GRAPHICS_HEADER);
    }
}

void rdp_graphics_read(struct rdp_share *share, enum side from, const struct rdp_channel_message *message, struct cursor *head)
{
    uint8_t flags;

    (void)message;
    share->channels.has_graphics = true;
    if (from == FROM_CLIENT)
        return; /* acknowledgements and capabilities */
    if (take_u8(head) != SEGMENT_SINGLE) {
        share->channels.graphics_unread++;
        return;
    }
    flags = take_u8(head);
    if ((flags & SEGMENT_COMPRESSED) != 0)
        share->channels.graphics_unread++;
    else
        count_graphics(share, head);
}

/* ---- monitors ---- */

void rdp_display_read(struct rdp_share *share, enum side from, struct cursor *head)
{
    uint32_t type = take_u32_le(head);
    struct text detail = {.limit = RDP_TEXT_LIMIT};
    uint32_t size;
    uint32_t count;

    skip_bytes(head, 4); /* length */
    if (!cursor_is_good(head) || type != DISPLAY_LAYOUT || from != FROM_CLIENT)
        return;
    size = take_u32_le(head);
    count = take_u32_le(head);
    for (uint32_t i = 0; i < count && i < MONITORS_TOLD && cursor_left(head) > 0; i++) {
        struct cursor monitor = take_child(head, size);
        uint32_t left;
        uint32_t top;
        uint32_t width;
        uint32_t height;

        skip_bytes(&monitor, 4); /* flags */
        left = take_u32_le(&monitor);
        top = take_u32_le(&monitor);
        width = take_u32_le(&monitor);
        height = take_u32_le(&monitor);
        if (cursor_is_good(&monitor))
            text_append_format(&detail, "%s%ux%u%+d%+d", detail.length > 0 ? ", " : "", (unsigned)width, (unsigned)height, (int)left, (int)top);
    }
    if (detail.length > 0)
        rdp_tell_text(share, from, "display_layout", text_bytes(&detail));
    text_free(&detail);
}

void rdp_extras_end(struct rdp_share *share)
{
    const struct rdp_channels *channels = &share->channels;

    if (channels->has_audio)
        rdp_tell(share, FROM_SERVER, "audio", "%llu bytes in all", (unsigned long long)channels->audio_bytes);
    if (channels->has_graphics)
        rdp_tell(share, FROM_SERVER, "graphics", "%llu commands read, %llu messages in RDP 8.0 compression", (unsigned long long)channels->graphics_commands,
                 (unsigned long long)channels->graphics_unread);
}

/*
 * rdp_capabilities.c - the capability sets of both sides ([MS-RDPBCGR] 2.2.1.13.1.1.1, 2.2.7), each by name and with what tells most.
 */
#include "dissectors/rdp_share.h"

/* Sets that are listed of one side; there are 30 kinds. */
#define SETS_LIMIT 64
#define CODECS_LIMIT 16

enum capability_type {
    CAPABILITY_GENERAL = 1,
    CAPABILITY_BITMAP = 2,
    CAPABILITY_ORDER = 3,
    CAPABILITY_INPUT = 13,
    CAPABILITY_VIRTUAL_CHANNEL = 20,
    CAPABILITY_REMOTE_PROGRAMS = 23,
    CAPABILITY_MULTIFRAGMENT = 26,
    CAPABILITY_LARGE_POINTER = 27,
    CAPABILITY_SURFACE_COMMANDS = 28,
    CAPABILITY_CODECS = 29,
};

static void list_general(struct cursor *set, struct text *list)
{
    static const char *const platforms[] = {"unspecified", "Windows", "OS/2", "Macintosh", "Unix", "iOS", "OS X", "Android", "Chrome OS"};
    uint16_t major = take_u16_le(set);

    skip_bytes(set, 2 + 2 + 2 + 2); /* minor, protocol version, padding, compression types */
    if (cursor_is_good(set) && major < sizeof platforms / sizeof platforms[0])
        text_append_format(list, " (%s, extra flags 0x%04x)", platforms[major], take_u16_le(set));
}

/* Where the server says its size anew, the desktop was resized. */
static void believe_size(struct rdp_share *share, uint16_t width, uint16_t height)
{
    bool is_known = share->width.is_known;

    if (is_known && share->width.value == width && share->height.value == height)
        return;
    share->width = (struct rdp_number){.value = width, .is_known = true};
    share->height = (struct rdp_number){.value = height, .is_known = true};
    if (!is_known)
        return;
    share->resizes++;
    rdp_tell(share, FROM_SERVER, "desktop_resized", "%ux%u", width, height);
}

static void list_bitmap(struct rdp_share *share, enum side from, struct cursor *set, struct text *list)
{
    uint16_t depth = take_u16_le(set);
    uint16_t width;
    uint16_t height;

    skip_bytes(set, 2 + 2 + 2); /* receive 1, 4, 8 bits a pixel */
    width = take_u16_le(set);
    height = take_u16_le(set);
    if (!cursor_is_good(set))
        return;
    text_append_format(list, " (%ux%u, %u bits)", width, height, depth);
    if (from == FROM_SERVER)
        believe_size(share, width, height);
}

static void list_order(struct cursor *set, struct text *list)
{
    unsigned count = 0;

    skip_bytes(set, 16 + 4 + 2 + 2 + 2 + 2 + 2); /* terminal descriptor, padding, granularities, padding, maximum level, number of fonts */
    (void)take_u16_le(set);                      /* order flags */
    for (int i = 0; i < 32; i++)
        count += take_u8(set) != 0;
    if (cursor_is_good(set))
        text_append_format(list, " (%u kinds)", count);
}

static void list_input(struct cursor *set, struct text *list)
{
    static const char *const names[] = {"scancodes", NULL, "extended mouse", "fast path", "unicode", "fast path 2", NULL, NULL, "horizontal wheel", "QoE timestamps"};
    uint16_t flags = take_u16_le(set);
    bool is_first = true;

    if (!cursor_is_good(set))
        return;
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i] == NULL || (flags >> i & 1) == 0)
            continue;
        text_append_format(list, "%s%s", is_first ? " (" : ", ", names[i]);
        is_first = false;
    }
    if (!is_first)
        text_append_text(list, ")");
}

static void list_virtual_channel(struct cursor *set, struct text *list)
{
    uint32_t flags = take_u32_le(set);

    if (!cursor_is_good(set))
        return;
    text_append_text(list, (flags & 3) == 0 ? " (no compression" : (flags & 3) == 1 ? " (compression to the client" : " (compression");
    if (cursor_left(set) >= 4)
        text_append_format(list, ", chunks of %u", (unsigned)take_u32_le(set));
    text_append_text(list, ")");
}

static void list_codecs(struct cursor *set, struct text *list)
{
    uint8_t count = take_u8(set);

    for (unsigned i = 0; i < count && i < CODECS_LIMIT && cursor_left(set) > 0; i++) {
        struct bytes guid = take_bytes(set, 16);
        uint8_t id = take_u8(set);
        uint16_t length = take_u16_le(set);
        const char *name = rdp_codec_name(guid);

        skip_bytes(set, length);
        if (guid.length == 0)
            return;
        text_append_format(list, "%s%s %u", i == 0 ? " (" : ", ", name != NULL ? name : "unknown codec", id);
    }
    if (count > 0)
        text_append_text(list, ")");
}

static void list_flags(const char *what, struct cursor *set, struct text *list)
{
    uint32_t flags = take_u32_le(set);

    if (cursor_is_good(set))
        text_append_format(list, " (%s 0x%x)", what, (unsigned)flags);
}

static void list_particulars(struct rdp_share *share, enum side from, unsigned type, struct cursor *set, struct text *list)
{
    switch (type) {
    case CAPABILITY_GENERAL:
        list_general(set, list);
        break;
    case CAPABILITY_BITMAP:
        list_bitmap(share, from, set, list);
        break;
    case CAPABILITY_ORDER:
        list_order(set, list);
        break;
    case CAPABILITY_INPUT:
        list_input(set, list);
        break;
    case CAPABILITY_VIRTUAL_CHANNEL:
        list_virtual_channel(set, list);
        break;
    case CAPABILITY_REMOTE_PROGRAMS:
        list_flags("level", set, list);
        break;
    case CAPABILITY_MULTIFRAGMENT:
        list_flags("largest", set, list);
        break;
    case CAPABILITY_LARGE_POINTER: {
        uint16_t flags = take_u16_le(set);

        if (cursor_is_good(set))
            text_append_format(list, " (%s)", (flags & 2) != 0 ? "384x384" : (flags & 1) != 0 ? "96x96" : "none");
        break;
    }
    case CAPABILITY_SURFACE_COMMANDS:
        list_flags("commands", set, list);
        break;
    case CAPABILITY_CODECS:
        list_codecs(set, list);
        break;
    default:
        break;
    }
}

void rdp_capabilities_read(struct rdp_share *share, enum side from, const char *kind, struct cursor *sets, unsigned count)
{
    struct text list = {.limit = RDP_TEXT_LIMIT};

    for (unsigned i = 0; i < count && i < SETS_LIMIT && cursor_left(sets) > 0; i++) {
        uint16_t type = take_u16_le(sets);
        uint16_t length = take_u16_le(sets);
        struct cursor set;
        const char *name = rdp_capability_name(type);

        if (!cursor_is_good(sets) || length < 4 || length - 4u > cursor_left(sets)) {
            rdp_tell_contradiction(share, from, "a capability set");
            break;
        }
        set = take_child(sets, length - 4u);
        if (name != NULL)
            text_append_item(&list, ", ", bytes_of_text(name));
        else
            text_append_format(&list, "%sset %u", list.length > 0 ? ", " : "", type);
        list_particulars(share, from, type, &set, &list);
    }
    rdp_tell_text(share, from, kind, text_bytes(&list));
    text_free(&list);
}

/*
 * rdp_clipboard.c - the clipboard between client and desktop ([MS-RDPECLIP]): what is offered, texts that are pasted, files and their contents.
 *
 * Leaves out: pictures, HTML and the like, whose sizes are told; file lists of file systems older than FILEDESCRIPTORW.
 */
#include "dissectors/rdp_share.h"

#include "base/memory.h"

#include <inttypes.h>

enum message_type { /* msgType */
    CLIPBOARD_FORMAT_LIST = 2,
    CLIPBOARD_DATA_REQUEST = 4,
    CLIPBOARD_DATA_RESPONSE = 5,
    CLIPBOARD_CAPABILITIES = 7,
    CLIPBOARD_CONTENTS_REQUEST = 8,
    CLIPBOARD_CONTENTS_RESPONSE = 9,
};

enum message_flag {
    RESPONSE_FAILED = 2,
    ASCII_NAMES = 4,
};

#define USES_LONG_NAMES 2
#define FORMAT_TEXT 1
#define FORMAT_OEM_TEXT 7
#define FORMAT_UNICODE_TEXT 13
#define SHORT_NAME 32
#define DESCRIPTOR_LENGTH 592
#define DESCRIPTOR_HAS_SIZE 0x40
#define DESCRIPTOR_HAS_ATTRIBUTES 0x04
#define ATTRIBUTE_DIRECTORY 0x10
#define CONTENTS_SIZE 1

static const char *standard_format(uint32_t id)
{
    static const char *const names[] = {
        [1] = "CF_TEXT", [2] = "CF_BITMAP", [3] = "CF_METAFILEPICT", [4] = "CF_SYLK", [5] = "CF_DIF", [6] = "CF_TIFF", [7] = "CF_OEMTEXT",
        [8] = "CF_DIB", [9] = "CF_PALETTE", [10] = "CF_PENDATA", [11] = "CF_RIFF", [12] = "CF_WAVE", [13] = "CF_UNICODETEXT",
        [14] = "CF_ENHMETAFILE", [15] = "CF_HDROP", [16] = "CF_LOCALE", [17] = "CF_DIBV5",
    };

    return id < sizeof names / sizeof names[0] ? names[id] : NULL;
}

/* The name that `owner` gave the format, or the standard's. */
static void append_format(const struct rdp_clipboard *clipboard, enum side owner, uint32_t id, struct text *list)
{
    const char *name = standard_format(id);

    for (unsigned i = 0; name == NULL && i < clipboard->format_count[owner]; i++) {
        const struct rdp_format *format = &clipboard->formats[owner][i];

        if (format->id == id && format->name.length > 0) {
            text_append(list, text_bytes(&format->name));
            return;
        }
    }
    if (name != NULL)
        text_append_text(list, name);
    else
        text_append_format(list, "format %" PRIu32, id);
}

static bool is_named(const struct rdp_clipboard *clipboard, enum side owner, uint32_t id, const char *name)
{
    for (unsigned i = 0; i < clipboard->format_count[owner]; i++) {
        const struct rdp_format *format = &clipboard->formats[owner][i];

        if (format->id == id)
            return bytes_equal_nocase(text_bytes(&format->name), name);
    }
    return false;
}

/* ---- what is offered ---- */

static void on_capabilities(struct rdp_clipboard *clipboard, enum side from, struct cursor *body)
{
    uint16_t count = take_u16_le(body);

    skip_bytes(body, 2);
    for (unsigned i = 0; i < count && cursor_left(body) > 0; i++) {
        uint16_t type = take_u16_le(body);
        uint16_t length = take_u16_le(body);
        struct cursor set = take_child(body, length >= 4 ? length - 4u : 0);

        skip_bytes(&set, 4); /* version */
        if (type == 1 && (take_u32_le(&set) & USES_LONG_NAMES) != 0 && cursor_is_good(&set))
            clipboard->has_long_names[from] = true;
    }
}

/* A long name ends with a NUL of two bytes; a short one fills its field. */
static void take_format_name(bool is_long, bool is_ascii, struct cursor *body, struct text *name)
{
    if (!is_long) {
        struct cursor field = cursor_within(take_up_to(body, SHORT_NAME));
        struct bytes rest;

        if (is_ascii)
            text_append(name, bytes_split(peek_bytes(&field), 0, &rest));
        else
            rdp_append_utf16(name, field);
        return;
    }
    rdp_append_utf16(name, *body);
    while (cursor_left(body) >= 2 && take_u16_le(body) != 0)
        continue;
}

static void forget_formats(struct rdp_clipboard *clipboard, enum side from)
{
    for (unsigned i = 0; i < clipboard->format_count[from]; i++)
        text_free(&clipboard->formats[from][i].name);
    clipboard->format_count[from] = 0;
}

static void on_format_list(struct rdp_share *share, enum side from, uint16_t flags, struct cursor *body)
{
    struct rdp_clipboard *clipboard = share->channels.clipboard;
    bool is_long = clipboard->has_long_names[FROM_CLIENT] && clipboard->has_long_names[FROM_SERVER];
    struct text list = {.limit = RDP_TEXT_LIMIT};

    forget_formats(clipboard, from);
    while (cursor_left(body) >= 4) {
        struct rdp_format format = {.id = take_u32_le(body), .name = {.limit = RDP_PATH_LIMIT}};

        take_format_name(is_long, (flags & ASCII_NAMES) != 0, body, &format.name);
        if (clipboard->format_count[from] >= RDP_FORMATS_LIMIT) {
            rdp_tell_limit(share, RDP_LIMIT_FORMATS);
            text_free(&format.name);
            break;
        }
        clipboard->formats[from][clipboard->format_count[from]++] = format;
        if (list.length > 0)
            text_append_text(&list, ", ");
        append_format(clipboard, from, format.id, &list);
    }
    rdp_tell_text(share, from, "clipboard_formats", text_bytes(&list));
    text_free(&list);
}

/* ---- lists of files ---- */

static void forget_files(struct rdp_share *share, enum side from)
{
    struct rdp_clipboard *clipboard = share->channels.clipboard;

    for (unsigned i = 0; i < clipboard->file_count[from]; i++) {
        rdp_file_end(share, clipboard->files[from][i].file, false);
        text_free(&clipboard->files[from][i].name);
    }
    memory_free(clipboard->files[from]);
    clipboard->files[from] = NULL;
    clipboard->file_count[from] = 0;
}

static bool take_descriptor(struct cursor *body, struct rdp_pasted_file *file)
{
    struct cursor descriptor = take_child(body, DESCRIPTOR_LENGTH);
    uint32_t flags = take_u32_le(&descriptor);
    uint32_t attributes;
    uint32_t high;
    uint32_t low;

    skip_bytes(&descriptor, 32);
    attributes = take_u32_le(&descriptor);
    skip_bytes(&descriptor, 16 + 8); /* reserved, time */
    high = take_u32_le(&descriptor);
    low = take_u32_le(&descriptor);
    if (!cursor_is_good(&descriptor))
        return false;
    file->name.limit = RDP_PATH_LIMIT;
    rdp_append_utf16(&file->name, descriptor);
    file->size = (uint64_t)high << 32 | low;
    file->has_size = (flags & DESCRIPTOR_HAS_SIZE) != 0 && ((flags & DESCRIPTOR_HAS_ATTRIBUTES) == 0 || (attributes & ATTRIBUTE_DIRECTORY) == 0);
    return true;
}

static void on_file_list(struct rdp_share *share, enum side from, struct cursor *body)
{
    struct rdp_clipboard *clipboard = share->channels.clipboard;
    struct text list = {.limit = RDP_TEXT_LIMIT};
    uint32_t count = take_u32_le(body);
    size_t room = cursor_left(body) / DESCRIPTOR_LENGTH;

    forget_files(share, from);
    if (count > RDP_PASTED_LIMIT)
        rdp_tell_limit(share, RDP_LIMIT_PASTED);
    room = room < RDP_PASTED_LIMIT ? room : RDP_PASTED_LIMIT;
    count = count < room ? count : (uint32_t)room;
    if (!cursor_is_good(body) || count == 0)
        return;
    clipboard->files[from] = memory_new_zeroed(count, sizeof *clipboard->files[from]);
    if (clipboard->files[from] == NULL)
        return;
    for (uint32_t i = 0; i < count; i++) {
        struct rdp_pasted_file *file = &clipboard->files[from][i];

        if (!take_descriptor(body, file))
            break;
        clipboard->file_count[from] = i + 1;
        text_append_item(&list, ", ", text_bytes(&file->name));
        if (file->has_size)
            text_append_format(&list, " (%" PRIu64 " bytes)", file->size);
    }
    rdp_tell_text(share, from, "clipboard_files", text_bytes(&list));
    text_free(&list);
}

/* ---- data ---- */

static void on_text(struct rdp_share *share, enum side from, bool is_unicode, struct cursor *body)
{
    struct text text = {.limit = RDP_TEXT_LIMIT};
    struct bytes rest;

    if (is_unicode)
        rdp_append_utf16(&text, *body);
    else
        text_append(&text, bytes_split(peek_bytes(body), 0, &rest));
    rdp_tell_text(share, from, "clipboard_text", text_bytes(&text));
    text_free(&text);
}

static void on_data_response(struct rdp_share *share, enum side from, uint16_t flags, uint32_t length, struct cursor *body)
{
    struct rdp_clipboard *clipboard = share->channels.clipboard;
    struct rdp_number wanted = clipboard->wanted[side_other(from)];
    struct text detail = {.limit = RDP_TEXT_LIMIT};

    clipboard->wanted[side_other(from)].is_known = false;
    if ((flags & RESPONSE_FAILED) != 0 || !wanted.is_known)
        return;
    if (wanted.value == FORMAT_UNICODE_TEXT || wanted.value == FORMAT_TEXT || wanted.value == FORMAT_OEM_TEXT) {
        on_text(share, from, wanted.value == FORMAT_UNICODE_TEXT, body);
        return;
    }
    if (is_named(clipboard, from, wanted.value, "FileGroupDescriptorW")) {
        on_file_list(share, from, body);
        return;
    }
    append_format(clipboard, from, wanted.value, &detail);
    text_append_format(&detail, ", %" PRIu32 " bytes", length);
    rdp_tell_text(share, from, "clipboard_data", text_bytes(&detail));
    text_free(&detail);
}

/* ---- contents of files ---- */

static void on_contents_request(struct rdp_share *share, enum side from, struct cursor *body)
{
    struct rdp_clipboard *clipboard = share->channels.clipboard;
    struct rdp_contents_request asked = {.is_open = true, .from = from};
    struct rdp_contents_request *place = NULL;
    uint32_t low;

    asked.stream = take_u32_le(body);
    asked.index = take_u32_le(body);
    asked.wants_size = (take_u32_le(body) & CONTENTS_SIZE) != 0;
    low = take_u32_le(body);
    asked.offset = (uint64_t)take_u32_le(body) << 32 | low;
    if (!cursor_is_good(body))
        return;
    for (unsigned i = 0; i < RDP_REQUESTS_LIMIT; i++) {
        struct rdp_contents_request *request = &clipboard->requests[i];

        if (request->is_open && request->from == from && request->stream == asked.stream) {
            place = request;
            break;
        }
        if (!request->is_open && place == NULL)
            place = request;
    }
    if (place == NULL)
        rdp_tell_limit(share, RDP_LIMIT_REQUESTS);
    else
        *place = asked;
}

static void on_contents(struct rdp_share *share, enum side from, struct rdp_channel_message *message, struct rdp_pasted_file *file, uint64_t offset,
                        uint64_t length, struct cursor *body)
{
    struct bytes data = take_up_to(body, length);
    uint64_t count;

    if (file->file == 0)
        file->file = rdp_file_begin(share, from, text_bytes(&file->name));
    rdp_file_add(share, file->file, offset, data);
    if (data.length < length) {
        rdp_file_follow(message, file->file, offset + data.length);
        return; /* its end is seen when the next one is asked for, or at the end of the session */
    }
    if (file->has_size && rdp_file_reached(share, file->file, &count) && count >= file->size) {
        rdp_file_end(share, file->file, true);
        file->file = 0;
    }
}

static void on_contents_response(struct rdp_share *share, enum side from, struct rdp_channel_message *message, uint16_t flags, uint64_t length, struct cursor *body)
{
    struct rdp_clipboard *clipboard = share->channels.clipboard;
    uint32_t stream = take_u32_le(body);

    if (!cursor_is_good(body) || length < 4)
        return;
    for (unsigned i = 0; i < RDP_REQUESTS_LIMIT; i++) {
        struct rdp_contents_request *request = &clipboard->requests[i];
        struct rdp_pasted_file *file;

        if (!request->is_open || request->from == from || request->stream != stream)
            continue;
        request->is_open = false;
        if ((flags & RESPONSE_FAILED) != 0 || request->index >= clipboard->file_count[from])
            return;
        file = &clipboard->files[from][request->index];
        if (request->wants_size) {
            file->size = take_u64_le(body);
            file->has_size = cursor_is_good(body);
        } else {
            on_contents(share, from, message, file, request->offset, length - 4, body);
        }
        return;
    }
}

/* ---- messages ---- */

void rdp_clipboard_read(struct rdp_share *share, enum side from, struct rdp_channel_message *message, struct cursor *head)
{
    uint16_t type = take_u16_le(head);
    uint16_t flags = take_u16_le(head);
    uint32_t length = take_u32_le(head);
    struct cursor body;

    if (!cursor_is_good(head))
        return;
    body = cursor_within(take_up_to(head, length));
    if (share->channels.clipboard == NULL)
        share->channels.clipboard = memory_new_zeroed(1, sizeof *share->channels.clipboard);
    if (share->channels.clipboard == NULL)
        return;
    share->channels.clipboard_messages++;
    switch (type) {
    case CLIPBOARD_CAPABILITIES:
        on_capabilities(share->channels.clipboard, from, &body);
        break;
    case CLIPBOARD_FORMAT_LIST:
        on_format_list(share, from, flags, &body);
        break;
    case CLIPBOARD_DATA_REQUEST: {
        uint32_t wanted = take_u32_le(&body);

        share->channels.clipboard->wanted[from] = (struct rdp_number){.value = wanted, .is_known = cursor_is_good(&body)};
        break;
    }
    case CLIPBOARD_DATA_RESPONSE:
        on_data_response(share, from, flags, length, &body);
        break;
    case CLIPBOARD_CONTENTS_REQUEST:
        on_contents_request(share, from, &body);
        break;
    case CLIPBOARD_CONTENTS_RESPONSE:
        on_contents_response(share, from, message, flags, length, &body);
        break;
    default:
        break;
    }
}

void rdp_clipboard_end(struct rdp_share *share)
{
    struct rdp_clipboard *clipboard = share->channels.clipboard;

    for (int side = 0; clipboard != NULL && side < SIDE_COUNT; side++) {
        for (unsigned i = 0; i < clipboard->file_count[side]; i++) {
            struct rdp_pasted_file *file = &clipboard->files[side][i];
            uint64_t count;
            bool is_in_order = rdp_file_reached(share, file->file, &count);

            rdp_file_end(share, file->file, is_in_order && file->has_size && count >= file->size);
            file->file = 0;
        }
    }
}

void rdp_clipboard_free(struct rdp_share *share)
{
    struct rdp_clipboard *clipboard = share->channels.clipboard;

    for (int side = 0; clipboard != NULL && side < SIDE_COUNT; side++) {
        forget_formats(clipboard, (enum side)side);
        for (unsigned i = 0; i < clipboard->file_count[side]; i++)
            text_free(&clipboard->files[side][i].name);
        memory_free(clipboard->files[side]);
    }
    memory_free(clipboard);
    share->channels.clipboard = NULL;
}

/*
 * rdp_channels.c - static virtual channels ([MS-RDPBCGR] 2.2.6.1): chunks put together to messages, and who reads them.
 */
#include "dissectors/rdp_share.h"

#include "base/memory.h"

enum chunk_flag {
    CHUNK_FIRST = 0x01,
    CHUNK_LAST = 0x02,
};

static enum rdp_reader reader_of(const char *name)
{
    static const struct {
        const char *name;
        enum rdp_reader reader;
    } readers[] = {
        {"cliprdr", RDP_READER_CLIPBOARD}, {"rdpdr", RDP_READER_DEVICES}, {"rdpsnd", RDP_READER_AUDIO},
        {"drdynvc", RDP_READER_DYNAMIC},   {"rail", RDP_READER_PROGRAMS},
    };

    for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++) {
        if (bytes_equal_nocase(bytes_of_text(name), readers[i].name))
            return readers[i].reader;
    }
    return RDP_READER_NONE;
}

/* ---- messages ---- */

static void read_head(struct rdp_share *share, struct rdp_line *line, enum side from)
{
    struct rdp_channel_message *message = &line->messages[from];
    struct cursor head = cursor_within(text_bytes(&message->head));

    message->was_read = true;
    switch (line->reader) {
    case RDP_READER_CLIPBOARD:
        rdp_clipboard_read(share, from, message, &head);
        break;
    case RDP_READER_DEVICES:
        rdp_devices_read(share, from, message, &head);
        break;
    case RDP_READER_AUDIO:
        rdp_audio_read(share, from, message, &head);
        break;
    case RDP_READER_PROGRAMS:
        rdp_programs_read(share, from, &head);
        break;
    case RDP_READER_GRAPHICS:
        rdp_graphics_read(share, from, message, &head);
        break;
    case RDP_READER_DISPLAY:
        rdp_display_read(share, from, &head);
        break;
    case RDP_READER_DYNAMIC:
        rdp_dynamic_read(share, (unsigned)(line - share->channels.lines), from, &head);
        break;
    default:
        break;
    }
}

static void end_message(struct rdp_channel_message *message)
{
    text_clear(&message->head);
    message->is_open = false;
    message->was_read = false;
    message->sink = 0;
    message->received = 0;
    message->total = 0;
}

void rdp_message_add(struct rdp_share *share, struct rdp_line *line, enum side from, bool begins, uint64_t total, bool ends, struct bytes part)
{
    struct rdp_channel_message *message = &line->messages[from];
    struct cursor rest = cursor_over(part);

    if (line->reader == RDP_READER_NONE)
        return;
    if (begins) {
        end_message(message);
        message->is_open = true;
        message->total = total;
        message->head.limit = RDP_MESSAGE_LIMIT;
    }
    if (!message->is_open)
        return; /* its beginning is missing */
    message->received += part.length;
    if (!message->was_read) {
        text_append(&message->head, take_up_to(&rest, RDP_MESSAGE_LIMIT - message->head.length));
        if (ends || message->head.length >= RDP_MESSAGE_LIMIT || message->head.length >= message->total)
            read_head(share, line, from);
    }
    if (message->sink != 0 && cursor_left(&rest) > 0) {
        struct bytes more = peek_bytes(&rest);

        rdp_file_add(share, message->sink, message->sink_offset, more);
        message->sink_offset += more.length;
    }
    if (ends)
        end_message(message);
}

/* ---- chunks ---- */

void rdp_channels_read(struct rdp_share *share, unsigned place, enum side from, struct cursor *chunk)
{
    struct rdp_line *line = &share->channels.lines[place];
    uint32_t total = take_u32_le(chunk);
    uint32_t flags = take_u32_le(chunk);

    if (!cursor_is_good(chunk)) {
        rdp_tell_contradiction(share, from, "a virtual channel's chunk");
        return;
    }
    if (!line->is_known) {
        line->is_known = true;
        line->reader = reader_of(share->facts->settings.channels[place].name);
    }
    /* the flags of compression are those of 2.2.8.1.1.1.2, 16 bits further up */
    if (!rdp_decompress(share, from, (uint8_t)(flags >> 16), chunk)) {
        end_message(&line->messages[from]);
        return;
    }
    rdp_message_add(share, line, from, (flags & CHUNK_FIRST) != 0, total, (flags & CHUNK_LAST) != 0, peek_bytes(chunk));
}

void rdp_channels_lost(struct rdp_share *share, enum side from)
{
    for (unsigned i = 0; i < RDP_CHANNELS_LIMIT; i++)
        end_message(&share->channels.lines[i].messages[from]);
    for (unsigned i = 0; i < share->channels.dynamic_count; i++)
        end_message(&share->channels.dynamic[i].line.messages[from]);
    share->channels.awaits_wave = share->channels.awaits_wave && from != FROM_SERVER;
}

void rdp_channels_end(struct rdp_share *share)
{
    rdp_devices_end(share);
    rdp_clipboard_end(share);
    rdp_extras_end(share);
    for (unsigned i = 0; i < RDP_FILES_LIMIT; i++) {
        if (share->channels.files[i].serial != 0)
            rdp_file_end(share, share->channels.files[i].serial, false);
    }
}

void rdp_channels_write(const struct rdp_share *share, struct conversation *conversation)
{
    if (share == NULL)
        return;
    for (unsigned i = 0; i < share->channels.dynamic_count; i++) {
        const struct rdp_dynamic *dynamic = &share->channels.dynamic[i];
        const struct rdp_channel row = {
            .flow_id = record_integer(conversation_flow(conversation)->flow_id),
            .name = record_text_unless_empty(text_bytes(&dynamic->name)),
            .channel_id = record_integer(dynamic->id),
            .client_bytes = record_integer((int64_t)dynamic->bytes[FROM_CLIENT]),
            .server_bytes = record_integer((int64_t)dynamic->bytes[FROM_SERVER]),
            .kind = record_text_of("dynamic"),
            .parent = record_text_unless_empty(bytes_of_text(share->facts->settings.channels[dynamic->parent].name)),
        };

        conversation_write(conversation, &rdp_channel_table, &row);
    }
}

static void free_line(struct rdp_line *line)
{
    for (int side = 0; side < SIDE_COUNT; side++)
        text_free(&line->messages[side].head);
}

void rdp_channels_free(struct rdp_share *share)
{
    struct rdp_channels *channels = &share->channels;

    for (unsigned i = 0; i < RDP_CHANNELS_LIMIT; i++)
        free_line(&channels->lines[i]);
    for (unsigned i = 0; i < channels->dynamic_count; i++) {
        free_line(&channels->dynamic[i].line);
        text_free(&channels->dynamic[i].name);
    }
    memory_free(channels->dynamic);
    rdp_devices_free(share);
    rdp_clipboard_free(share);
    for (unsigned i = 0; i < RDP_FILES_LIMIT; i++) {
        content_free(channels->files[i].content);
        text_free(&channels->files[i].name);
    }
}

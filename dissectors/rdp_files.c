/*
 * rdp_files.c - files that move in an RDP session: between the desktop and redirected drives, or pasted. Each is hashed as it goes by, as long
 * as its bytes come in order from the first one on; what is read twice is taken once.
 */
#include "dissectors/rdp_share.h"

static struct rdp_file *find(const struct rdp_share *share, uint64_t serial)
{
    const struct rdp_file *files = share->channels.files;

    for (unsigned i = 0; serial != 0 && i < RDP_FILES_LIMIT; i++) {
        if (files[i].serial == serial)
            return (struct rdp_file *)&files[i];
    }
    return NULL;
}

uint64_t rdp_file_begin(struct rdp_share *share, enum side from, struct bytes name)
{
    struct rdp_channels *channels = &share->channels;

    for (unsigned i = 0; i < RDP_FILES_LIMIT; i++) {
        struct rdp_file *file = &channels->files[i];

        if (file->serial != 0)
            continue;
        *file = (struct rdp_file){.serial = ++channels->serials, .from = from, .name = {.limit = RDP_PATH_LIMIT}};
        text_append(&file->name, name);
        file->file_id = conversation_next_id(share->conversation, ID_FILE);
        file->content = content_new(share->conversation);
        return file->serial;
    }
    rdp_tell_limit(share, RDP_LIMIT_FILES);
    return 0;
}

void rdp_file_add(struct rdp_share *share, uint64_t serial, uint64_t offset, struct bytes bytes)
{
    struct rdp_file *file = find(share, serial);

    if (file == NULL)
        return;
    file->moved += bytes.length;
    if (offset > file->next)
        file->is_broken = true;
    if (file->is_broken || offset + bytes.length <= file->next)
        return;
    bytes = bytes_of(bytes.at + (file->next - offset), bytes.length - (size_t)(file->next - offset));
    content_add(file->content, bytes);
    file->next += bytes.length;
}

void rdp_file_follow(struct rdp_channel_message *message, uint64_t serial, uint64_t offset)
{
    message->sink = serial;
    message->sink_offset = offset;
}

bool rdp_file_reached(const struct rdp_share *share, uint64_t serial, uint64_t *count)
{
    const struct rdp_file *file = find(share, serial);

    *count = file != NULL ? file->next : 0;
    return file != NULL && !file->is_broken;
}

/* Without directories. */
static struct bytes base_name(struct bytes path)
{
    size_t start = 0;

    for (size_t i = 0; i < path.length; i++) {
        if (path.at[i] == '/' || path.at[i] == '\\')
            start = i + 1;
    }
    return start < path.length ? bytes_of(path.at + start, path.length - start) : bytes_of(NULL, 0);
}

void rdp_file_end(struct rdp_share *share, uint64_t serial, bool is_whole)
{
    struct rdp_file *file = find(share, serial);
    struct file_record row;

    if (file == NULL)
        return;
    row = (struct file_record){
        .file_id = record_integer(file->file_id),
        .flow_id = record_integer(conversation_flow(share->conversation)->flow_id),
        .source = record_text_of("rdp"),
        .from_side = record_text_of(side_name(file->from)),
        .name = record_text_unless_empty(base_name(text_bytes(&file->name))),
        .complete = record_boolean(is_whole && !file->is_broken),
    };
    if (file->is_broken || !is_whole)
        content_lose(file->content, 0); /* no digest of a part of it */
    content_end(file->content, share->conversation, &row);
    if (file->is_broken) {
        row.size = (struct record_integer){.is_known = false};
        row.missing = (struct record_integer){.is_known = false};
    }
    conversation_write(share->conversation, &file_table, &row);
    content_free(file->content);
    text_free(&file->name);
    *file = (struct rdp_file){.serial = 0};
}

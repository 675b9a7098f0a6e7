/* mail_file.c - see mail_file.h */
#include "dissectors/mail_file.h"

#include "dissectors/content_kind.h"
#include "dissectors/mail_text.h"

void mail_file_begin(struct mail_file *file, struct conversation *conversation)
{
    *file = (struct mail_file){.is_open = true, .name = {.limit = MAIL_FILE_NAME_LIMIT}, .declared_type = {.limit = MAIL_FILE_NAME_LIMIT}};
    file->file_id = conversation_next_id(conversation, ID_FILE);
    file->content = content_new(conversation);
}

void mail_file_set_name(struct mail_file *file, struct bytes name)
{
    size_t start = 0;

    for (size_t i = 0; i < name.length; i++) {
        if (name.at[i] == '/' || name.at[i] == '\\')
            start = i + 1;
    }
    text_clear(&file->name);
    text_append(&file->name, bytes_trim(bytes_behind(name, start)));
}

void mail_file_add(struct mail_file *file, struct bytes bytes)
{
    if (bytes.length == 0)
        return;
    file->size += bytes.length;
    content_add(file->content, bytes);
}

void mail_file_lose(struct mail_file *file, uint64_t count)
{
    file->missing += count;
    content_lose(file->content, count);
}

static void write_row(struct mail_file *file, struct conversation *conversation, int64_t mail_id, bool is_whole)
{
    struct file_record row = {
        .file_id = record_integer(file->file_id),
        .flow_id = record_integer(conversation_flow(conversation)->flow_id),
        .source = record_text_of("smtp"),
        .mail_id = record_integer(mail_id),
        .from_side = record_text_of(side_name(FROM_CLIENT)),
        .name = record_text_unless_empty(text_bytes(&file->name)),
        .declared_type = record_text_unless_empty(text_bytes(&file->declared_type)),
    };

    if (!is_whole)
        content_lose(file->content, 0); /* no digest of a part of it */
    content_end(file->content, conversation, &row);
    row.missing = record_integer((int64_t)file->missing);
    row.complete = record_boolean(is_whole && file->missing == 0);
    if (file->missing > 0)
        row.size = (struct record_integer){.is_known = false}; /* what the encoded bytes would have been is not known */
    conversation_write(conversation, &file_table, &row);
    content_find_contradictions(conversation, file->content, text_bytes(&file->name), text_bytes(&file->declared_type));
}

bool mail_file_end(struct mail_file *file, struct conversation *conversation, int64_t mail_id, bool is_whole)
{
    bool is_told = file->is_open && (file->size > 0 || file->missing > 0 || file->name.length > 0 || file->is_attachment);

    if (is_told)
        write_row(file, conversation, mail_id, is_whole);
    mail_file_drop(file);
    return is_told;
}

void mail_file_drop(struct mail_file *file)
{
    content_free(file->content);
    text_free(&file->name);
    text_free(&file->declared_type);
    file->content = NULL;
    file->is_open = false;
}

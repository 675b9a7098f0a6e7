/* ftp_directory.c - see ftp_directory.h */
#include "dissectors/ftp_directory.h"

#include "base/cursor.h"
#include "dissectors/ftp_data.h"

static void set_text(struct text *text, struct bytes bytes)
{
    text_clear(text);
    text_append(text, bytes);
}

void ftp_resolve_path(const struct text *directory, struct bytes path, struct text *resolved)
{
    bool is_absolute = path.length > 0 && path.at[0] == '/';

    text_clear(resolved);
    if (!is_absolute && directory->length == 0) {
        text_append(resolved, path);
        return;
    }
    if (!is_absolute && !bytes_equal(text_bytes(directory), bytes_of("/", 1)))
        text_append(resolved, text_bytes(directory));
    ftp_append_path(resolved, path);
    if (resolved->length == 0)
        text_append_text(resolved, "/");
}

void ftp_change_directory(struct text *directory, struct bytes path)
{
    struct text resolved = {.limit = FTP_PATH_LIMIT};
    bool is_absolute = path.length > 0 && path.at[0] == '/';

    /* '~' and DOS drives mean what the server makes of them */
    if (!is_absolute && (directory->length == 0 || (path.length > 0 && path.at[0] == '~'))) {
        text_clear(directory);
        return;
    }
    ftp_resolve_path(directory, path, &resolved);
    set_text(directory, text_bytes(&resolved));
    text_free(&resolved);
}

void ftp_take_quoted_directory(struct text *directory, struct bytes reply)
{
    struct cursor cursor = cursor_within(reply);
    struct text path = {.limit = FTP_PATH_LIMIT};

    (void)take_until(&cursor, '"');
    for (;;) {
        struct bytes part = take_until(&cursor, '"');

        if (!cursor_is_good(&cursor))
            break;
        text_append(&path, part);
        if (peek_u8(&cursor) != '"') {
            if (path.length > 0 && path.at[0] == '/')
                set_text(directory, text_bytes(&path));
            break;
        }
        skip_bytes(&cursor, 1);
        text_append_text(&path, "\"");
    }
    text_free(&path);
}

/* ftp_directory.c - see ftp_directory.h */
#include "dissectors/ftp_directory.h"

#include "base/cursor.h"
#include "dissectors/ftp_data.h"

static void set_text(struct text *text, struct bytes bytes)
{
    text_clear(text);
    text_append(text, bytes);
}

static bool is_absolute(struct bytes path)
{
    return path.length > 0 && path.at[0] == '/';
}

/* '~' and DOS drives mean what the server makes of them. */
static bool is_foreign(struct bytes path)
{
    bool begins_with_letter = path.length >= 2 && ((path.at[0] >= 'A' && path.at[0] <= 'Z') || (path.at[0] >= 'a' && path.at[0] <= 'z'));

    if (path.length > 0 && path.at[0] == '~')
        return true;
    return begins_with_letter && path.at[1] == ':' && (path.length == 2 || path.at[2] == '\\' || path.at[2] == '/');
}

/* A CR within a name travels as CR NUL (RFC 854; RFC 2640, 2.2). */
static void append_name(struct text *text, struct bytes path)
{
    struct cursor cursor = cursor_within(path);

    if (path.length == 0 || memchr(path.at, '\0', path.length) == NULL) {
        text_append(text, path);
        return;
    }
    while (cursor_left(&cursor) > 0) {
        uint8_t byte = take_u8(&cursor);

        text_append(text, bytes_of(&byte, 1));
        if (byte == '\r' && peek_u8(&cursor) == '\0')
            skip_bytes(&cursor, 1);
    }
}

void ftp_resolve_path(const struct text *directory, struct bytes path, struct text *resolved)
{
    struct text name = {.limit = FTP_PATH_LIMIT};

    text_clear(resolved);
    append_name(&name, path);
    if (is_foreign(path) || (!is_absolute(path) && directory->length == 0)) {
        text_append(resolved, text_bytes(&name));
    } else {
        if (!is_absolute(path) && !bytes_equal(text_bytes(directory), bytes_of("/", 1)))
            text_append(resolved, text_bytes(directory));
        ftp_append_path(resolved, text_bytes(&name));
        if (resolved->length == 0)
            text_append_text(resolved, "/");
    }
    text_free(&name);
}

void ftp_change_directory(struct text *directory, struct bytes path)
{
    struct text resolved = {.limit = FTP_PATH_LIMIT};

    if (path.length == 0 || is_foreign(path) || (!is_absolute(path) && directory->length == 0)) {
        text_clear(directory);
        return;
    }
    ftp_resolve_path(directory, path, &resolved);
    set_text(directory, text_bytes(&resolved));
    if (resolved.was_cut)
        text_clear(directory);
    text_free(&resolved);
}

/* The first quoted part of a reply. False where there is none that ends. */
static bool take_quoted(struct bytes reply, struct text *path)
{
    struct cursor cursor = cursor_within(reply);

    (void)take_until(&cursor, '"');
    for (;;) {
        struct bytes part = take_until(&cursor, '"');

        if (!cursor_is_good(&cursor))
            return false;
        append_name(path, part);
        if (peek_u8(&cursor) != '"')
            return true;
        skip_bytes(&cursor, 1);
        text_append_text(path, "\"");
    }
}

void ftp_take_quoted_directory(struct text *directory, struct bytes reply)
{
    struct text path = {.limit = FTP_PATH_LIMIT};

    if (take_quoted(reply, &path)) {
        text_clear(directory);
        if (is_absolute(text_bytes(&path)))
            text_append(directory, text_bytes(&path));
    }
    text_free(&path);
}

static struct bytes last_line(struct bytes reply)
{
    struct bytes rest = reply;
    struct bytes line = reply;

    while (rest.at != NULL)
        line = bytes_split(rest, '\n', &rest);
    return line;
}

/* What follows `words` in the line, without a full stop at its end. */
static struct bytes behind_words(struct bytes line, const char *words)
{
    size_t length = strlen(words);

    for (size_t i = 0; i + length <= line.length; i++) {
        struct bytes found = bytes_of(line.at + i, line.length - i);

        if (!bytes_begin_nocase(found, words))
            continue;
        found = bytes_trim(bytes_of(found.at + length, found.length - length));
        if (found.length > 1 && found.at[found.length - 1] == '.')
            found.length--;
        return found;
    }
    return bytes_of(NULL, 0);
}

void ftp_take_stated_directory(struct text *directory, struct bytes reply)
{
    static const char *const words[] = {"directory is ", "directory changed to ", "directory now "};
    struct bytes line = last_line(reply);
    struct text path = {.limit = FTP_PATH_LIMIT};

    if (bytes_contain_nocase(line, "director") || bytes_contain_nocase(line, "cwd")) {
        if (!take_quoted(line, &path))
            text_clear(&path);
        for (size_t i = 0; i < sizeof words / sizeof words[0] && path.length == 0; i++)
            append_name(&path, behind_words(line, words[i]));
    }
    if (is_absolute(text_bytes(&path)))
        set_text(directory, text_bytes(&path));
    text_free(&path);
}

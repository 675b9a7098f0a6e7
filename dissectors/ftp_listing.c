/*
 * ftp_listing.c - a directory listing as its bytes go by; see ftp_listing.h. Each line becomes a row at once; only a line
 * that is not whole yet is kept, and the first one where it alone does not tell whether a file or a directory was listed.
 */
#include "dissectors/ftp_listing.h"

#include "base/cursor.h"
#include "base/memory.h"
#include "base/text.h"
#include "dissectors/ftp_data.h"
#include "dissectors/ftp_record.h"

struct ftp_listing {
    enum ftp_listing_form form;
    int64_t control_flow_id;
    struct record_integer transfer;
    struct record_integer time_us;
    struct text path;     /* what was asked for */
    struct text argument;
    struct text directory; /* where the entries lie; empty: not known */
    struct text line;      /* begun and not ended */
    struct text doubtful;  /* the first line: an entry of the name that was asked for */
    bool passes_over;      /* until the line ends: it is too long, or its beginning is missing */
    bool was_blank;        /* the line before: a directory's own heading may follow */
    int64_t lines;
    int64_t rows;
    bool told_rows;
    bool told_line;
};

struct bytes ftp_last_part(struct bytes path)
{
    for (size_t i = path.length; i > 0; i--) {
        if (path.at[i - 1] == '/')
            return bytes_of(path.at + i, path.length - i);
    }
    return path;
}

static bool is_absolute(const struct text *path)
{
    return path->length > 0 && path->at[0] == '/';
}

static bool has_wildcard(struct bytes part)
{
    return part.length > 0 && (memchr(part.at, '*', part.length) != NULL || memchr(part.at, '?', part.length) != NULL);
}

/* The entries of "/pub/new*" lie in /pub. */
static struct bytes listed_directory(struct bytes path)
{
    struct bytes last = ftp_last_part(path);

    return has_wildcard(last) ? bytes_of(path.at, path.length - last.length) : path;
}

struct ftp_listing *ftp_listing_new(const struct ftp_listing_about *about)
{
    struct ftp_listing *listing = memory_new_zeroed(1, sizeof *listing);

    if (listing == NULL)
        return NULL;
    listing->form = about->form;
    listing->control_flow_id = about->control_flow_id;
    listing->transfer = about->transfer;
    listing->time_us = about->time_us;
    listing->path.limit = FTP_PATH_LIMIT;
    listing->argument.limit = FTP_PATH_LIMIT;
    listing->directory.limit = FTP_PATH_LIMIT;
    listing->line.limit = FTP_LISTING_LINE_LIMIT;
    listing->doubtful.limit = FTP_LISTING_LINE_LIMIT;
    listing->was_blank = true;
    text_append(&listing->path, about->path);
    text_append(&listing->argument, about->argument);
    if (is_absolute(&listing->path))
        text_append(&listing->directory, listed_directory(about->path));
    return listing;
}

/* ---- rows ---- */

/* The name as it lies in the listed directory: NLST repeats what was asked for before each name. */
static struct bytes name_in_directory(const struct ftp_listing *listing, struct bytes name)
{
    struct bytes argument = text_bytes(&listing->argument);

    while (argument.length > 1 && argument.at[argument.length - 1] == '/')
        argument.length--;
    if (argument.length > 0 && name.length > argument.length + 1 && bytes_equal(bytes_of(name.at, argument.length), argument) &&
        name.at[argument.length] == '/')
        return bytes_of(name.at + argument.length + 1, name.length - argument.length - 1);
    return name;
}

/* False where the entry's place is not known: NLST names with directories are meant from the working directory. */
static bool append_path(const struct ftp_listing *listing, struct bytes name, struct text *path)
{
    bool is_from_root = name.length > 0 && name.at[0] == '/';

    if (!is_from_root) {
        name = name_in_directory(listing, name);
        if (!is_absolute(&listing->directory) || (listing->form == FTP_LISTING_NAMES && memchr(name.at, '/', name.length) != NULL))
            return false;
        ftp_append_path(path, text_bytes(&listing->directory));
    }
    ftp_append_path(path, name);
    if (path->length == 0)
        text_append_text(path, "/");
    return true;
}

static bool take_place(struct ftp_listing *listing, struct conversation *conversation)
{
    if (listing->rows < FTP_LISTING_ROWS_LIMIT) {
        listing->rows++;
        return true;
    }
    if (!listing->told_rows)
        conversation_finding(conversation, "notice", "ftp_limit", "a listing has more than %d entries; the rest of it is not recorded",
                             FTP_LISTING_ROWS_LIMIT);
    listing->told_rows = true;
    return false;
}

/* Where an entry lies. */
enum place {
    PLACE_IN_DIRECTORY,
    PLACE_AS_ASKED, /* what was asked for is a file, and this is it */
    PLACE_UNKNOWN,  /* one or the other */
};

static void write_entry(const struct ftp_listing *listing, struct conversation *conversation, const struct ftp_listing_entry *entry, enum place place)
{
    struct text path = {.limit = FTP_PATH_LIMIT};
    struct ftp_listing_row row = {
        .flow_id = record_integer(listing->control_flow_id),
        .transfer = listing->transfer,
        .number = record_integer(listing->rows),
        .time_us = listing->time_us,
        .name = record_text_unless_empty(entry->name),
        .size = entry->size,
        .kind = record_text_of(entry->kind),
        .modified_us = entry->modified_us,
        .modified = record_text_unless_empty(entry->modified),
        .target = record_text_unless_empty(entry->target),
        .permissions = record_text_unless_empty(entry->permissions),
        .owner = record_text_unless_empty(entry->owner),
        .owner_group = record_text_unless_empty(entry->group),
        .unique_id = record_text_unless_empty(entry->unique),
    };

    if (place == PLACE_AS_ASKED && is_absolute(&listing->path))
        row.path = record_text(text_bytes(&listing->path));
    if (place == PLACE_IN_DIRECTORY && append_path(listing, entry->name, &path))
        row.path = record_text(text_bytes(&path));
    conversation_write(conversation, &ftp_listing_table, &row);
    text_free(&path);
}

static void write_strange(const struct ftp_listing *listing, struct conversation *conversation, struct bytes line)
{
    const struct ftp_listing_row row = {
        .flow_id = record_integer(listing->control_flow_id),
        .transfer = listing->transfer,
        .number = record_integer(listing->rows),
        .time_us = listing->time_us,
        .line = record_text(line),
    };

    conversation_write(conversation, &ftp_listing_table, &row);
}

/* ---- lines ---- */

/* An entry named as what was asked for: the file itself, if nothing else follows; else something in a directory of that name. */
static bool is_doubtful(const struct ftp_listing *listing, const struct ftp_listing_entry *entry)
{
    struct bytes asked = text_bytes(&listing->argument);

    return listing->lines == 1 && asked.length > 0 && (entry->kind == NULL || entry->kind[0] != 'd') &&
           (bytes_equal(entry->name, asked) || bytes_equal(entry->name, ftp_last_part(asked)));
}

static void settle_doubtful(struct ftp_listing *listing, struct conversation *conversation, enum place place)
{
    struct ftp_listing_entry entry;

    if (listing->doubtful.length == 0)
        return;
    (void)ftp_listing_read(listing->form, text_bytes(&listing->doubtful), &entry);
    if (take_place(listing, conversation))
        write_entry(listing, conversation, &entry, place);
    text_clear(&listing->doubtful);
}

/* ls -R: "name:" behind an empty line. It is meant from the listed directory, and repeats what was asked for. */
static void enter_directory(struct ftp_listing *listing, struct bytes name)
{
    struct bytes inner = name_in_directory(listing, name);

    text_clear(&listing->directory);
    if (name.length > 0 && name.at[0] == '/') {
        text_append(&listing->directory, name);
        return;
    }
    if (!is_absolute(&listing->path))
        return;
    if (bytes_equal(name, text_bytes(&listing->argument)))
        inner = bytes_of(NULL, 0);
    ftp_append_path(&listing->directory, listed_directory(text_bytes(&listing->path)));
    ftp_append_path(&listing->directory, inner);
    if (listing->directory.length == 0)
        text_append_text(&listing->directory, "/");
}

static void on_line(struct ftp_listing *listing, struct conversation *conversation, struct bytes line)
{
    struct ftp_listing_entry entry;
    enum ftp_listing_line found;
    bool was_blank = listing->was_blank;

    while (line.length > 0 && line.at[line.length - 1] == '\r')
        line.length--;
    found = ftp_listing_read(listing->form, line, &entry);
    listing->was_blank = line.length == 0;
    if (found == FTP_LINE_DIRECTORY && !was_blank)
        found = FTP_LINE_STRANGE;
    if (found == FTP_LINE_EMPTY)
        return;
    listing->lines++;
    settle_doubtful(listing, conversation, PLACE_IN_DIRECTORY);
    if (found == FTP_LINE_DIRECTORY) {
        enter_directory(listing, entry.name);
        return;
    }
    if (found == FTP_LINE_ENTRY && is_doubtful(listing, &entry)) {
        text_append(&listing->doubtful, line);
        return;
    }
    if (!take_place(listing, conversation))
        return;
    if (found == FTP_LINE_ENTRY)
        write_entry(listing, conversation, &entry, PLACE_IN_DIRECTORY);
    else
        write_strange(listing, conversation, line);
}

static void note_long_line(struct ftp_listing *listing, struct conversation *conversation)
{
    listing->passes_over = true;
    text_clear(&listing->line);
    if (!listing->told_line)
        conversation_finding(conversation, "notice", "ftp_limit", "a line of a listing is longer than %d bytes and is not recorded", FTP_LISTING_LINE_LIMIT);
    listing->told_line = true;
}

void ftp_listing_add(struct ftp_listing *listing, struct conversation *conversation, struct bytes more)
{
    if (listing == NULL)
        return;
    while (more.length > 0) {
        struct bytes rest;
        struct bytes line = bytes_split(more, '\n', &rest);
        bool has_end = rest.at != NULL;

        if (!listing->passes_over && listing->line.length + line.length > FTP_LISTING_LINE_LIMIT)
            note_long_line(listing, conversation);
        if (listing->passes_over) {
            listing->passes_over = !has_end;
        } else if (has_end && listing->line.length == 0) {
            on_line(listing, conversation, line);
        } else {
            text_append(&listing->line, line);
            if (has_end) {
                on_line(listing, conversation, text_bytes(&listing->line));
                text_clear(&listing->line);
            }
        }
        more = rest;
    }
}

void ftp_listing_lose(struct ftp_listing *listing, struct conversation *conversation)
{
    if (listing == NULL)
        return;
    listing->lines++; /* what is missing may be entries: nothing stands alone */
    settle_doubtful(listing, conversation, PLACE_UNKNOWN);
    text_clear(&listing->line);
    listing->passes_over = true;
    listing->was_blank = false;
}

void ftp_listing_end(struct ftp_listing *listing, struct conversation *conversation, bool is_whole)
{
    if (listing == NULL)
        return;
    if (is_whole && listing->line.length > 0)
        on_line(listing, conversation, text_bytes(&listing->line));
    text_clear(&listing->line);
    settle_doubtful(listing, conversation, is_whole ? PLACE_AS_ASKED : PLACE_UNKNOWN);
}

int64_t ftp_listing_rows(const struct ftp_listing *listing)
{
    return listing != NULL ? listing->rows : 0;
}

void ftp_listing_free(struct ftp_listing *listing)
{
    if (listing == NULL)
        return;
    text_free(&listing->path);
    text_free(&listing->argument);
    text_free(&listing->directory);
    text_free(&listing->line);
    text_free(&listing->doubtful);
    memory_free(listing);
}

/*
 * mail_uu.c - see mail_uu.h. A file begins with "begin 644 name" and a line that is encoded, and ends with "end"; spaces at
 * the ends of lines may have been lost on the way, and ` may stand for a space. Each line is decoded by GMime.
 */
#include "dissectors/mail_uu.h"

#include "dissectors/mail_text.h"

#include <gmime/gmime.h>

/* "begin 644 name": the name. Empty where it is no such line. */
static struct bytes name_of(struct bytes line)
{
    struct bytes name;
    struct bytes rest;
    struct bytes mode;

    if (!bytes_equal(bytes_split(line, ' ', &rest), bytes_of_text("begin")))
        return bytes_of(NULL, 0);
    mode = bytes_split(rest, ' ', &name);
    if (mode.length < 3 || mode.length > 4)
        return bytes_of(NULL, 0);
    for (size_t i = 0; i < mode.length; i++) {
        if (mode.at[i] < '0' || mode.at[i] > '7')
            return bytes_of(NULL, 0);
    }
    return bytes_trim(name);
}

static unsigned value_of(uint8_t letter)
{
    return (unsigned)(letter - ' ') & 0x3f;
}

/* Whether the line can be encoded: its letters, and as many as its first one says, spaces at its end and two letters too many aside. */
static bool is_encoded(struct bytes line)
{
    size_t letters;

    if (line.length == 0)
        return false;
    for (size_t i = 0; i < line.length; i++) {
        if (line.at[i] < ' ' || line.at[i] > '`')
            return false;
    }
    letters = (value_of(line.at[0]) + 2) / 3 * 4;
    return line.length - 1 <= letters + 2 && (line.length - 1 >= letters || value_of(line.at[0]) <= 45);
}

static void decode_line(struct mail_uu *uu, struct bytes line)
{
    char padded[MAIL_UU_LINE_LIMIT + 128];
    char room[MAIL_UU_LINE_LIMIT + 128];
    size_t wanted = value_of(line.at[0]);
    size_t length = 1 + (wanted + 2) / 3 * 4;
    GMimeEncoding decoder;
    size_t decoded;

    memset(padded, ' ', length); /* spaces that were lost */
    memcpy(padded, line.at, line.length < length ? line.length : length);
    padded[length] = '\n';
    g_mime_encoding_init_decode(&decoder, GMIME_CONTENT_ENCODING_UUENCODE);
    decoded = g_mime_encoding_step(&decoder, padded, length + 1, room);
    uu->listener.add(uu->listener.owner, bytes_of(room, decoded < wanted ? decoded : wanted));
}

static void end_file(struct mail_uu *uu, bool is_whole)
{
    if (uu->phase == MAIL_UU_IN_FILE)
        uu->listener.end(uu->listener.owner, is_whole);
    uu->phase = MAIL_UU_SEARCHING;
}

static void search_line(struct mail_uu *uu, struct bytes line)
{
    struct bytes name = name_of(line);

    if (name.length == 0)
        return;
    uu->name.limit = MAIL_UU_LINE_LIMIT;
    text_clear(&uu->name);
    text_append(&uu->name, name);
    uu->phase = MAIL_UU_FIRST_LINE;
}

static void on_line(struct mail_uu *uu, struct bytes line)
{
    bool is_end = bytes_equal(bytes_trim(line), bytes_of_text("end"));
    bool is_of_file = is_end || is_encoded(line);

    if (uu->phase == MAIL_UU_FIRST_LINE && is_of_file) {
        uu->phase = MAIL_UU_IN_FILE;
        uu->listener.begin(uu->listener.owner, text_bytes(&uu->name));
    }
    if (uu->phase == MAIL_UU_IN_FILE && is_of_file) {
        if (is_end)
            end_file(uu, true);
        else
            decode_line(uu, line);
        return;
    }
    end_file(uu, false);
    search_line(uu, line);
}

static void on_bytes(struct mail_uu *uu, struct bytes piece, bool is_ended)
{
    if (!uu->is_in_line && piece.length > 0)
        uu->passes_over = uu->phase == MAIL_UU_SEARCHING && piece.at[0] != 'b';
    uu->is_in_line = !is_ended;
    if (!uu->passes_over) {
        uu->line.limit = MAIL_UU_LINE_LIMIT;
        text_append(&uu->line, piece);
    }
    if (!is_ended)
        return;
    if (!uu->passes_over) {
        struct bytes line = text_bytes(&uu->line);

        if (line.length > 0 && line.at[line.length - 1] == '\r')
            line.length--;
        on_line(uu, line);
    }
    uu->passes_over = false;
    text_clear(&uu->line);
}

void mail_uu_add(struct mail_uu *uu, struct bytes bytes)
{
    while (bytes.length > 0) {
        struct bytes rest;
        struct bytes piece = bytes_split(bytes, '\n', &rest);

        on_bytes(uu, piece, rest.at != NULL);
        bytes = rest;
    }
}

void mail_uu_stop(struct mail_uu *uu)
{
    if (uu->line.length > 0)
        on_bytes(uu, bytes_of(NULL, 0), true);
    end_file(uu, false);
    uu->is_in_line = false;
}

void mail_uu_free(struct mail_uu *uu)
{
    text_free(&uu->line);
    text_free(&uu->name);
}

/* mail_leaf.c - see mail_leaf.h. Scripts of HTML are not run, and what only styles hide is read all the same. */
#include "dissectors/mail_leaf.h"

#include "dissectors/mail_text.h"

/* So much of a text is converted at once, at most: four bytes for each. */
#define CONVERTED_LIMIT (4 * MIME_DECODE_ROOM + 64)

/* ---- files that stand uuencoded in a text, and leaves in that encoding ---- */

static void on_uu_begin(void *owner, struct bytes name)
{
    struct mail_leaf *leaf = owner;

    if (leaf->is_uu) {
        if (leaf->file.name.length == 0)
            mail_file_set_name(&leaf->file, name);
        return;
    }
    if (!mail_may_begin_file(leaf->context))
        return;
    mail_file_begin(&leaf->uu_file, leaf->context->conversation);
    mail_file_set_name(&leaf->uu_file, name);
    leaf->uu_file.is_attachment = true;
}

static void on_uu_add(void *owner, struct bytes bytes)
{
    struct mail_leaf *leaf = owner;

    mail_file_add(leaf->is_uu ? &leaf->file : &leaf->uu_file, bytes);
}

static void on_uu_end(void *owner, bool is_whole)
{
    struct mail_leaf *leaf = owner;

    if (!leaf->is_uu)
        mail_finish_file(leaf->context, &leaf->uu_file, is_whole);
}

/* ---- texts ---- */

static void begin_text(struct mail_leaf *leaf, const struct mime_leaf *declared)
{
    struct text charset = {.limit = MAIL_CHARSET_NAME_LIMIT + 1};

    leaf->is_html = bytes_equal_nocase(declared->type, "text/html") || bytes_equal_nocase(declared->type, "application/xhtml+xml");
    leaf->is_text = leaf->is_html || bytes_begin_nocase(declared->type, "text/");
    if (!leaf->is_text)
        return;
    (void)mail_parameter(&leaf->context->charsets, mail_header_value(declared->header, MAIL_CONTENT_TYPE), "charset", MAIL_PARAMETER_TOKEN, &charset);
    (void)mail_converter_open(&leaf->context->charsets, &leaf->converter, text_bytes(&charset));
    text_free(&charset);
    leaf->converted.limit = CONVERTED_LIMIT;
    leaf->context->urls.file_id = leaf->file.file_id;
    leaf->finder = (struct mail_url_finder){.urls = &leaf->context->urls};
    leaf->html = (struct mail_html){.finder = {.urls = &leaf->context->urls}};
}

static void read_text(struct mail_leaf *leaf, struct bytes text)
{
    if (leaf->is_html)
        mail_html_add(&leaf->html, text);
    else
        mail_url_finder_add(&leaf->finder, text);
}

static void add_to_text(struct mail_leaf *leaf, struct bytes bytes)
{
    if (!leaf->converter.is_open || leaf->converter.is_utf8) {
        read_text(leaf, bytes);
        return;
    }
    text_clear(&leaf->converted);
    mail_converter_add(&leaf->converter, bytes, &leaf->converted);
    read_text(leaf, text_bytes(&leaf->converted));
}

/* A URL that is open is cut off, and the text may go on. */
static void break_text(struct mail_leaf *leaf)
{
    if (!leaf->is_text)
        return;
    mail_url_finder_end(&leaf->finder);
    mail_html_end(&leaf->html);
}

static void end_text(struct mail_leaf *leaf)
{
    break_text(leaf);
    mail_converter_close(&leaf->converter);
    text_free(&leaf->converted);
    leaf->is_text = false;
}

/* ---- the leaf ---- */

/* Content-Disposition's name, or else Content-Type's (RFC 2183, 2.3; RFC 2046, 4.1). */
static void find_name(struct mail_leaf *leaf, const struct mail_header *header)
{
    struct text name = {.limit = MAIL_FILE_NAME_LIMIT};
    struct mail_charsets *charsets = &leaf->context->charsets;
    enum mail_parameter_found found =
        mail_parameter(charsets, mail_header_value(header, MAIL_CONTENT_DISPOSITION), "filename", MAIL_PARAMETER_NAME, &name);

    if (name.length == 0)
        found = mail_parameter(charsets, mail_header_value(header, MAIL_CONTENT_TYPE), "name", MAIL_PARAMETER_NAME, &name);
    if (found == MAIL_PARAMETER_SEVERAL)
        mail_note_oddity(leaf->context, MIME_REPEATED_NAME);
    if (name.was_cut)
        mail_note_limit(leaf->context, "file has too long a name", MAIL_FILE_NAME_LIMIT);
    mail_file_set_name(&leaf->file, text_bytes(&name));
    text_free(&name);
}

void mail_leaf_begin(struct mail_leaf *leaf, const struct mime_leaf *declared)
{
    if (!mail_may_begin_file(leaf->context))
        return;
    mail_file_begin(&leaf->file, leaf->context->conversation);
    find_name(leaf, declared->header);
    begin_text(leaf, declared);
    leaf->file.is_attachment = leaf->file.name.length > 0 || mail_is_disposed_as_attachment(declared->header) ||
                               (declared->type.length > 0 && !leaf->is_text && !bytes_begin_nocase(declared->type, "message/"));
    if (leaf->is_text && !leaf->file.is_attachment)
        content_expect_prose(leaf->file.content);
    if (mail_header_value(declared->header, MAIL_CONTENT_TYPE).length > 0)
        text_append(&leaf->file.declared_type, declared->type);
    mime_decoder_begin(&leaf->decoder, declared->encoding);
    leaf->is_uu = declared->encoding == MIME_UUENCODE;
    leaf->uu = (struct mail_uu){.listener = {leaf, on_uu_begin, on_uu_add, on_uu_end}};
}

static void on_decoded(struct mail_leaf *leaf, struct bytes bytes)
{
    if (leaf->is_uu) {
        mail_uu_add(&leaf->uu, bytes);
        return;
    }
    mail_file_add(&leaf->file, bytes);
    if (leaf->decoded != NULL)
        leaf->decoded(leaf->owner, bytes);
    while (leaf->is_text && bytes.length > 0) { /* line by line, so that the rows' order does not depend on how the bytes come */
        struct bytes rest;
        struct bytes line = bytes_split(bytes, '\n', &rest);

        line.length += rest.at != NULL ? 1 : 0;
        add_to_text(leaf, line);
        mail_uu_add(&leaf->uu, line);
        bytes = rest;
    }
}

void mail_leaf_add(struct mail_leaf *leaf, struct bytes bytes)
{
    struct cursor rest = cursor_over(bytes);
    char room[MIME_DECODE_ROOM];

    if (!leaf->file.is_open)
        return;
    while (cursor_left(&rest) > 0)
        on_decoded(leaf, mime_decode(&leaf->decoder, take_up_to(&rest, MIME_DECODE_PIECE), room));
}

void mail_leaf_add_rest(struct mail_leaf *leaf)
{
    char room[MIME_DECODE_ROOM];

    if (leaf->file.is_open)
        on_decoded(leaf, mime_decode_end(&leaf->decoder, room));
}

void mail_leaf_lose(struct mail_leaf *leaf, uint64_t count)
{
    if (!leaf->file.is_open)
        return;
    break_text(leaf);
    mail_uu_stop(&leaf->uu);
    mime_decoder_lose(&leaf->decoder);
    mail_file_lose(&leaf->file, count);
}

void mail_leaf_end(struct mail_leaf *leaf, bool is_whole)
{
    if (!leaf->file.is_open)
        return;
    mail_uu_stop(&leaf->uu);
    mail_uu_free(&leaf->uu);
    end_text(leaf);
    if (leaf->decoder.goes_on_after_end)
        mail_note_oddity(leaf->context, MIME_BEHIND_PADDING);
    mail_finish_file(leaf->context, &leaf->file, is_whole);
}

void mail_leaf_drop(struct mail_leaf *leaf)
{
    mail_file_drop(&leaf->file);
    mail_file_drop(&leaf->uu_file);
    mail_uu_free(&leaf->uu);
    end_text(leaf);
}

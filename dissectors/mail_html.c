/*
 * mail_html.c - see mail_html.h: as much of HTML's syntax (HTML Living Standard, 13.2.5) as it takes to find URLs.
 *
 * Left out: <base>, scripts that put URLs together; what stands in scripts and styles is read as text.
 */
#include "dissectors/mail_html.h"

#include "dissectors/mail_text.h"

#include <ctype.h>
#include <stdlib.h>

/* ---- names and character references ---- */

static void name_clear(struct mail_html_name *name)
{
    name->length = 0;
    name->at[0] = '\0';
}

static void name_append(struct mail_html_name *name, uint8_t byte)
{
    if (name->length == MAIL_HTML_NAME_LIMIT)
        return;
    name->at[name->length++] = (char)tolower(byte);
    name->at[name->length] = '\0';
}

static bool name_is(const struct mail_html_name *name, const char *text)
{
    return strcmp(name->at, text) == 0;
}

static void append_code_point(struct text *out, unsigned long code)
{
    uint8_t bytes[4];
    size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return;
    for (size_t i = length; i > 1; i--, code >>= 6)
        bytes[i - 1] = (uint8_t)(0x80 | (code & 0x3f));
    bytes[0] = (uint8_t)(length == 1 ? code : (0xf00u >> length & 0xffu) | code);
    text_append(out, bytes_of(bytes, length));
}

static void name_append_as_is(struct mail_html_name *name, uint8_t byte)
{
    name->at[name->length++] = (char)byte;
    name->at[name->length] = '\0';
}

/* What a reference, without its & and ;, stands for. False where it is not known. */
static bool append_reference(struct text *out, const char *reference)
{
    static const struct {
        const char *name;
        const char *text;
    } names[] = {
        {"amp", "&"},    {"lt", "<"},     {"gt", ">"},     {"quot", "\""},    {"apos", "'"},   {"nbsp", " "},
        {"colon", ":"},  {"sol", "/"},    {"period", "."}, {"quest", "?"},    {"equals", "="}, {"num", "#"},
        {"commat", "@"}, {"percnt", "%"}, {"tab", "\t"},   {"newline", "\n"}, {"lowbar", "_"}, {"hyphen", "\xe2\x80\x90"},
        {"shy", ""},     {"lpar", "("},   {"rpar", ")"},   {"semi", ";"},     {"comma", ","},
    };

    if (reference[0] == '#') {
        bool is_hex = reference[1] == 'x' || reference[1] == 'X';
        const char *digits = reference + (is_hex ? 2 : 1);

        if (!isxdigit((unsigned char)digits[0]))
            return false;
        append_code_point(out, strtoul(digits, NULL, is_hex ? 16 : 10));
        return true;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (bytes_equal_nocase(bytes_of_text(reference), names[i].name)) {
            text_append_text(out, names[i].text);
            return true;
        }
    }
    return false;
}

static bool is_of_reference(uint8_t byte)
{
    return byte < 0x80 && (isalnum(byte) || byte == '#');
}

/* An attribute's value with its references decoded. */
static void decode_value(struct bytes value, struct text *out)
{
    struct cursor rest = cursor_within(value);

    while (cursor_left(&rest) > 0) {
        struct mail_html_name reference;
        struct cursor unit;

        if (peek_u8(&rest) != '&') {
            text_append(out, take_bytes(&rest, 1));
            continue;
        }
        unit = rest;
        skip_bytes(&unit, 1);
        name_clear(&reference);
        while (cursor_left(&unit) > 0 && is_of_reference((uint8_t)peek_u8(&unit)) && reference.length < MAIL_HTML_REFERENCE_LIMIT)
            name_append_as_is(&reference, take_u8(&unit));
        /* "?a=1&lt=2" is no reference */
        if ((peek_u8(&unit) == '=' && reference.at[0] != '#') || !append_reference(out, reference.at)) {
            text_append(out, take_bytes(&rest, 1));
            continue;
        }
        skip_bytes(&unit, peek_u8(&unit) == ';' ? 1 : 0);
        rest = unit;
    }
}

/* ---- what the text shows ---- */

static void show(struct mail_html *html, struct bytes text)
{
    mail_url_finder_add(&html->finder, text);
    if (html->is_in_link) {
        html->shown.limit = MAIL_HTML_SHOWN_LIMIT;
        text_append(&html->shown, text);
    }
}

/* True where it is one. */
static bool end_reference(struct mail_html *html, bool is_before_equals)
{
    struct text decoded = {.limit = 16};
    bool is_known = (!is_before_equals || html->reference.at[0] == '#') && append_reference(&decoded, html->reference.at);

    if (is_known) {
        show(html, text_bytes(&decoded));
    } else {
        show(html, bytes_of("&", 1));
        show(html, bytes_of(html->reference.at, html->reference.length));
    }
    text_free(&decoded);
    html->phase = MAIL_HTML_TEXT;
    return is_known;
}

/* ---- links and other attributes ---- */

/* A URL as browsers take it: blanks around it and line ends in it removed, "http:\\host" mended. False where it is none of those that are told. */
static bool clean_url(struct bytes written, struct text *url)
{
    struct text joined = {.limit = MAIL_URL_LIMIT + 1};
    struct bytes rest;
    struct bytes scheme;
    bool is_url;

    for (size_t i = 0; i < written.length; i++) {
        if (written.at[i] > ' ' || (written.at[i] == ' ' && joined.length > 0))
            text_append(&joined, bytes_of(&written.at[i], 1));
    }
    scheme = bytes_split(bytes_trim(text_bytes(&joined)), ':', &rest);
    is_url = rest.length > 0 && (bytes_equal_nocase(scheme, "http") || bytes_equal_nocase(scheme, "https") || bytes_equal_nocase(scheme, "ftp"));
    if (is_url) {
        while (rest.length > 0 && (rest.at[0] == '/' || rest.at[0] == '\\'))
            rest = bytes_behind(rest, 1);
        text_append(url, scheme);
        text_append_text(url, "://");
        text_append(url, rest);
    }
    text_free(&joined);
    return is_url;
}

static void close_link(struct mail_html *html)
{
    if (html->is_in_link)
        mail_urls_add(html->finder.urls, text_bytes(&html->href), text_bytes(&html->shown));
    html->is_in_link = false;
    text_clear(&html->href);
    text_clear(&html->shown);
}

static bool is_one_of(const struct mail_html_name *name, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (name_is(name, *names))
            return true;
    }
    return false;
}

static void find_in_value(struct mail_html *html, struct bytes value)
{
    struct mail_url_finder finder = {.urls = html->finder.urls};

    mail_url_finder_add(&finder, value);
    mail_url_finder_end(&finder);
}

static void on_attribute(struct mail_html *html)
{
    static const char *const of_urls[] = {"href",   "src",  "action",   "formaction", "background", "data",
                                          "poster", "cite", "longdesc", "xlink:href", NULL};
    static const char *const of_texts[] = {"content", "style", "srcset", NULL};
    struct text decoded = {.limit = 4 * MAIL_URL_LIMIT};
    struct text url = {.limit = MAIL_URL_LIMIT + 16};

    if (is_one_of(&html->name, of_urls)) {
        decode_value(text_bytes(&html->value), &decoded);
        if (clean_url(text_bytes(&decoded), &url)) {
            if (name_is(&html->tag, "a") && name_is(&html->name, "href")) {
                html->href.limit = MAIL_URL_LIMIT + 16;
                text_clear(&html->href);
                text_append(&html->href, text_bytes(&url));
            } else {
                mail_urls_add(html->finder.urls, text_bytes(&url), bytes_of(NULL, 0));
            }
        }
    } else if (is_one_of(&html->name, of_texts)) {
        decode_value(text_bytes(&html->value), &decoded);
        find_in_value(html, text_bytes(&decoded));
    }
    text_free(&decoded);
    text_free(&url);
    name_clear(&html->name);
    text_clear(&html->value);
}

/* ---- tags ---- */

static void begin_text(struct mail_html *html)
{
    html->phase = MAIL_HTML_TEXT;
}

static void end_tag(struct mail_html *html)
{
    if (html->name.length > 0)
        on_attribute(html);
    if (name_is(&html->tag, "a"))
        html->is_in_link = html->href.length > 0;
    begin_text(html);
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n' || byte == '\f';
}

/* The tag's name is whole. */
static void begin_attributes(struct mail_html *html)
{
    /* all but what stands within a word parts words */
    if (!name_is(&html->tag, "b") && !name_is(&html->tag, "/b") && !name_is(&html->tag, "wbr") && !name_is(&html->tag, "span") &&
        !name_is(&html->tag, "/span") && !name_is(&html->tag, "font") && !name_is(&html->tag, "/font"))
        show(html, bytes_of(" ", 1));
    if (name_is(&html->tag, "a") || name_is(&html->tag, "/a"))
        close_link(html);
    html->phase = MAIL_HTML_BEFORE_NAME;
}

static void on_opening(struct mail_html *html, uint8_t byte)
{
    name_clear(&html->tag);
    name_clear(&html->name);
    text_clear(&html->value);
    if (byte == '!' || byte == '?') {
        html->phase = MAIL_HTML_MARKUP;
    } else if (byte == '/' || (byte < 0x80 && isalpha(byte))) {
        name_append(&html->tag, byte);
        html->phase = MAIL_HTML_TAG;
    } else {
        show(html, bytes_of("<", 1));
        show(html, bytes_of(&byte, 1));
        html->phase = byte == '<' ? MAIL_HTML_OPENING : MAIL_HTML_TEXT;
    }
}

static void on_markup(struct mail_html *html, uint8_t byte)
{
    name_append(&html->tag, byte);
    if (html->tag.length == 2 && name_is(&html->tag, "--")) {
        html->phase = MAIL_HTML_COMMENT;
        html->dashes = 0;
    } else if (byte == '>') {
        begin_text(html);
    }
}

static void on_comment(struct mail_html *html, uint8_t byte)
{
    name_append(&html->tag, byte);
    if (html->tag.length == 5 && name_is(&html->tag, "--[if"))
        html->phase = MAIL_HTML_MARKUP; /* to its '>'; what follows is shown by those who know it */
    else if (byte == '>' && html->dashes >= 2)
        begin_text(html);
    html->dashes = byte == '-' ? html->dashes + 1 : 0;
}

static void on_value_start(struct mail_html *html, uint8_t byte)
{
    if (is_blank(byte))
        return;
    html->quote = byte == '"' || byte == '\'' ? byte : 0;
    html->phase = MAIL_HTML_VALUE;
    html->value.limit = 4 * MAIL_URL_LIMIT;
    if (html->quote == 0)
        text_append(&html->value, bytes_of(&byte, 1));
}

static void end_value(struct mail_html *html)
{
    on_attribute(html);
    html->phase = MAIL_HTML_BEFORE_NAME;
}

static void on_value(struct mail_html *html, uint8_t byte)
{
    if (html->quote != 0 ? byte == html->quote : is_blank(byte))
        end_value(html);
    else if (html->quote == 0 && byte == '>')
        end_tag(html);
    else
        text_append(&html->value, bytes_of(&byte, 1));
}

static void on_name_start(struct mail_html *html, uint8_t byte)
{
    if (is_blank(byte) || byte == '/')
        return;
    if (html->name.length > 0)
        on_attribute(html); /* the one before has no value */
    name_append(&html->name, byte);
    html->phase = MAIL_HTML_NAME;
}

static void on_name(struct mail_html *html, uint8_t byte)
{
    if (byte == '=')
        html->phase = MAIL_HTML_BEFORE_VALUE;
    else if (is_blank(byte))
        html->phase = MAIL_HTML_BEHIND_NAME;
    else if (html->phase == MAIL_HTML_BEHIND_NAME)
        on_name_start(html, byte);
    else
        name_append(&html->name, byte);
}

/* One byte inside a tag or other markup. */
static void on_markup_byte(struct mail_html *html, uint8_t byte)
{
    bool ends = byte == '>';

    switch (html->phase) {
    case MAIL_HTML_OPENING:
        on_opening(html, byte);
        break;
    case MAIL_HTML_TAG:
        if (is_blank(byte) || ends || (byte == '/' && html->tag.length > 1))
            begin_attributes(html);
        else
            name_append(&html->tag, byte);
        if (ends)
            end_tag(html);
        break;
    case MAIL_HTML_BEFORE_NAME:
        if (ends)
            end_tag(html);
        else
            on_name_start(html, byte);
        break;
    case MAIL_HTML_NAME:
    case MAIL_HTML_BEHIND_NAME:
        if (ends)
            end_tag(html);
        else
            on_name(html, byte);
        break;
    case MAIL_HTML_BEFORE_VALUE:
        if (ends)
            end_tag(html);
        else
            on_value_start(html, byte);
        break;
    case MAIL_HTML_VALUE:
        on_value(html, byte);
        break;
    case MAIL_HTML_MARKUP:
        on_markup(html, byte);
        break;
    case MAIL_HTML_COMMENT:
        on_comment(html, byte);
        break;
    case MAIL_HTML_TEXT:
    case MAIL_HTML_REFERENCE:
        break;
    }
}

static void take_text(struct mail_html *html, struct cursor *rest)
{
    struct bytes ahead = peek_bytes(rest);
    size_t length = 0;

    while (length < ahead.length && ahead.at[length] != '<' && ahead.at[length] != '&')
        length++;
    show(html, take_bytes(rest, length));
    if (cursor_left(rest) == 0)
        return;
    html->phase = take_u8(rest) == '<' ? MAIL_HTML_OPENING : MAIL_HTML_REFERENCE;
    name_clear(&html->reference);
}

static void take_reference(struct mail_html *html, struct cursor *rest)
{
    int next = peek_u8(rest);

    if (is_of_reference((uint8_t)next) && html->reference.length < MAIL_HTML_REFERENCE_LIMIT) {
        name_append_as_is(&html->reference, take_u8(rest));
        return;
    }
    if (end_reference(html, next == '=') && next == ';')
        skip_bytes(rest, 1);
}

void mail_html_add(struct mail_html *html, struct bytes text)
{
    struct cursor rest = cursor_over(text);

    while (cursor_left(&rest) > 0) {
        if (html->phase == MAIL_HTML_TEXT)
            take_text(html, &rest);
        else if (html->phase == MAIL_HTML_REFERENCE)
            take_reference(html, &rest);
        else
            on_markup_byte(html, take_u8(&rest));
    }
}

void mail_html_end(struct mail_html *html)
{
    if (html->phase == MAIL_HTML_REFERENCE)
        (void)end_reference(html, false);
    close_link(html);
    mail_url_finder_end(&html->finder);
    text_free(&html->value);
    text_free(&html->href);
    text_free(&html->shown);
    html->phase = MAIL_HTML_TEXT;
}

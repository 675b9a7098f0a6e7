/*
 * mail_html.h - the URLs that an HTML text shows or loads: links, pictures, forms, style sheets, and those in its text.
 */
#ifndef WIRESCRIBE_DISSECTORS_MAIL_HTML_H
#define WIRESCRIBE_DISSECTORS_MAIL_HTML_H

#include "dissectors/mail_urls.h"

/* Most bytes kept of a tag's or an attribute's name, of a character reference, and of a link's text. */
#define MAIL_HTML_NAME_LIMIT 16
#define MAIL_HTML_REFERENCE_LIMIT 12
#define MAIL_HTML_SHOWN_LIMIT 512

/*
 *   TEXT --'<' letter or '/'--> TAG --blank--> BEFORE_NAME --letter--> NAME --'='--> BEFORE_VALUE --> VALUE --> BEFORE_NAME
 *   TEXT --"<!" or "<?"--> MARKUP (to '>') or COMMENT (to "-->"); those that begin with "[if" hold what some programs show
 *   any but COMMENT and a quoted VALUE --'>'--> TEXT
 */
enum mail_html_phase {
    MAIL_HTML_TEXT,
    MAIL_HTML_REFERENCE, /* behind '&' */
    MAIL_HTML_OPENING,   /* behind '<' */
    MAIL_HTML_TAG,
    MAIL_HTML_BEFORE_NAME,
    MAIL_HTML_NAME,
    MAIL_HTML_BEHIND_NAME,
    MAIL_HTML_BEFORE_VALUE,
    MAIL_HTML_VALUE,
    MAIL_HTML_MARKUP,
    MAIL_HTML_COMMENT,
};

struct mail_html_name {
    char at[MAIL_HTML_NAME_LIMIT + 1]; /* lower case; a longer one is cut */
    size_t length;
};

/* Zero-initialised with `finder.urls` set; ends with mail_html_end. */
struct mail_html {
    enum mail_html_phase phase;
    struct mail_url_finder finder; /* of the text that is shown */
    struct mail_html_name tag;     /* with its '/' where it closes; of MARKUP, its first bytes */
    struct mail_html_name name;    /* of the attribute */
    struct mail_html_name reference;
    uint8_t quote;   /* of the value; 0: none */
    unsigned dashes; /* COMMENT: newest bytes that are one */
    struct text value;
    struct text href;  /* of the link that is open, as it is */
    struct text shown; /* its text */
    bool is_in_link;
};

/* More of the text, in UTF-8. */
void mail_html_add(struct mail_html *html, struct bytes text);
/* The text is over, or broken off. */
void mail_html_end(struct mail_html *html);

#endif

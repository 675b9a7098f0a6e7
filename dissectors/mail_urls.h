/*
 * mail_urls.h - the URLs that a mail shows (http, https, ftp: RFC 3986), each told once.
 */
#ifndef WIRESCRIBE_DISSECTORS_MAIL_URLS_H
#define WIRESCRIBE_DISSECTORS_MAIL_URLS_H

#include "base/text.h"
#include "dissectors/dissector.h"

/* Most URLs told of one mail, and most bytes of one. */
#define MAIL_URLS_LIMIT 1000
#define MAIL_URL_LIMIT 2048

/* Of one mail. Zero-initialised with its first two members set; ends with mail_urls_free. */
struct mail_urls {
    struct conversation *conversation;
    int64_t mail_id;
    int64_t file_id; /* the leaf that is being read */
    size_t count;
    bool reached_limit;
    uint64_t seed;
    uint64_t *seen;      /* owned: a table of the hashes of those told; 0: free */
    unsigned mismatches; /* findings so far */
};

/*
 * Tells a URL, unless it was told. `shown`: what a link to it shows as its text, empty where there is none; where that is a URL
 * or a host, and another host's, it is told too and is a finding.
 */
void mail_urls_add(struct mail_urls *urls, struct bytes url, struct bytes shown);
void mail_urls_free(struct mail_urls *urls);

/* Where in the scheme a URL starts: how long "http:", "https:" or "ftp:" at the end of `text` is; 0: it does not end so. */
size_t url_scheme_at_end(struct bytes text);

/* Finds URLs in a text as its bytes go by. Zero-initialised with `urls` set; ends with mail_url_finder_end. */
struct mail_url_finder {
    struct mail_urls *urls;
    uint8_t last[8]; /* the newest bytes, the last one at the end */
    unsigned slashes;
    bool is_in_url;
    struct text url;
};

void mail_url_finder_add(struct mail_url_finder *finder, struct bytes text);
/* The text is over, or broken off. */
void mail_url_finder_end(struct mail_url_finder *finder);

#endif

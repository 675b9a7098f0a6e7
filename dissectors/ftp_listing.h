/*
 * ftp_listing.h - what a directory listing says, line by line: the long form of Unix servers, that of DOS and IIS,
 * MLSD and MLST (RFC 3659, 7), NLST's names, and EPLF.
 */
#ifndef WIRESCRIBE_DISSECTORS_FTP_LISTING_H
#define WIRESCRIBE_DISSECTORS_FTP_LISTING_H

#include "base/record.h"
#include "dissectors/dissector.h"

/* Most rows of one listing, and most bytes of one of its lines. */
#define FTP_LISTING_ROWS_LIMIT 10000
#define FTP_LISTING_LINE_LIMIT 4096

/* What the command says of the lines. */
enum ftp_listing_form {
    FTP_LISTING_LONG,  /* LIST, STAT: each line shows its form */
    FTP_LISTING_NAMES, /* NLST */
    FTP_LISTING_FACTS, /* MLSD, MLST */
};

/* One line. All runs borrow from it. */
struct ftp_listing_entry {
    const char *kind; /* 'file', 'directory', 'link', 'device', 'pipe', 'socket', 'other'; NULL: not said */
    struct bytes name;
    struct record_integer size;
    struct record_integer modified_us; /* only where the listing says UTC */
    struct bytes modified;             /* as listed */
    struct bytes target;               /* of a link */
    struct bytes permissions;
    struct bytes owner;
    struct bytes group;
    struct bytes unique;
};

enum ftp_listing_line {
    FTP_LINE_ENTRY,
    FTP_LINE_EMPTY,     /* says nothing: blank, "total 12" */
    FTP_LINE_DIRECTORY, /* "name:", before the entries of a directory of its own (ls -R); `name` is it */
    FTP_LINE_STRANGE,
};

enum ftp_listing_line ftp_listing_read(enum ftp_listing_form form, struct bytes line, struct ftp_listing_entry *entry);

/* The listing that is told; all runs are copied. */
struct ftp_listing_about {
    enum ftp_listing_form form;
    int64_t control_flow_id;
    struct record_integer transfer; /* its number; unknown: the listing came in a reply */
    struct record_integer time_us;
    struct bytes path;     /* what is listed: absolute, or empty where it is not known */
    struct bytes argument; /* as sent, without options */
};

struct ftp_listing;

/* NULL, where memory is out, is taken by every function. */
struct ftp_listing *ftp_listing_new(const struct ftp_listing_about *about);

/* The next bytes. Writes a row for each line; `conversation` is any of the two connections. */
void ftp_listing_add(struct ftp_listing *listing, struct conversation *conversation, struct bytes more);

/* Bytes are missing here: the lines that they belong to are given up. */
void ftp_listing_lose(struct ftp_listing *listing, struct conversation *conversation);

/* No more comes. `is_whole`: the sender closed in order, so that a line without its end is a line. */
void ftp_listing_end(struct ftp_listing *listing, struct conversation *conversation, bool is_whole);

/* Rows written so far. */
int64_t ftp_listing_rows(const struct ftp_listing *listing);

void ftp_listing_free(struct ftp_listing *listing);

/* The last part of a path: what follows its last slash; borrowed from it. */
struct bytes ftp_last_part(struct bytes path);

#endif

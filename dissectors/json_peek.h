/*
 * json_peek.h - the outermost members of a JSON text (RFC 8259), as far as its start was kept.
 */
#ifndef WIRESCRIBE_DISSECTORS_JSON_PEEK_H
#define WIRESCRIBE_DISSECTORS_JSON_PEEK_H

#include "base/cursor.h"

enum json_kind {
    JSON_OBJECT,
    JSON_ARRAY,
    JSON_STRING,
    JSON_NUMBER,
    JSON_WORD, /* true, false, null */
};

struct json_item {
    struct bytes name; /* of a member; raw, without its quotes. Empty in an array */
    enum json_kind kind;
    struct bytes value; /* a string's without its quotes, escapes as they are; others as they stand */
};

enum json_step {
    JSON_ITEM,
    JSON_END,    /* the object or array ended, and nothing but white space follows */
    JSON_CUT,    /* the text ends first */
    JSON_BROKEN, /* this is no JSON */
};

struct json_reader {
    struct cursor at;
    enum json_kind kind; /* JSON_OBJECT or JSON_ARRAY */
    bool has_items;
};

/* Whether the text opens with an object or an array; the reader stands behind its bracket. Borrowed: valid as long as `text`. */
bool json_open(struct json_reader *reader, struct bytes text);

/* The next member or element. What nests deeper than JSON_DEPTH is broken. */
enum json_step json_next(struct json_reader *reader, struct json_item *item);
#define JSON_DEPTH 64

/*
 * The member of that name, where `text` opens with an object that holds it before it is cut. False also where the text is broken before, or, with
 * `is_whole`, anywhere.
 */
bool json_find(struct bytes text, bool is_whole, const char *name, struct json_item *item);

#endif

/*
 * cursor.h - the bounds-checked reader through which all wire bytes are read.
 *
 * A cursor walks over a borrowed run of bytes. The first take that fails sticks:
 * from then on every take answers 0 or an empty run and moves nothing, so that a
 * dissector reads a whole unit and asks once at the end how it went:
 *
 *     struct cursor unit = *bytes;            // try on a copy
 *     uint32_t length = take_u32_be(&unit);
 *     struct bytes body = take_bytes(&unit, length);
 *     if (unit.state == CURSOR_SHORT)
 *         return VERDICT_NEED_MORE;           // nothing was consumed
 *     if (unit.state == CURSOR_INVALID)
 *         return VERDICT_NOT_THIS_PROTOCOL;
 *     *bytes = unit;                          // the unit is consumed
 *
 * *Short* says that the bytes so far are a beginning and more may complete the
 * unit; *invalid* says that no further byte can mend it. A child cursor covers a
 * part whose length the unit itself states: there nothing more can come, and
 * what would be short in it is invalid.
 */
#ifndef WIRESCRIBE_BASE_CURSOR_H
#define WIRESCRIBE_BASE_CURSOR_H

#include "base/bytes.h"

enum cursor_state {
    CURSOR_GOOD,
    CURSOR_SHORT,   /* the bytes end inside the unit */
    CURSOR_INVALID, /* the unit cannot be what it claims */
};

struct cursor {
    const uint8_t *at;
    size_t left;
    enum cursor_state state;
    bool bounded; /* a child: its end is the end of the unit */
};

/* Where no bytes are, a pointer that may be added 0 to. */
static inline const uint8_t *cursor_start(struct bytes bytes)
{
    static const uint8_t nothing[1];

    return bytes.at != NULL ? bytes.at : nothing;
}

/* A cursor over bytes that may go on later. Borrowed: valid as long as `bytes`. */
static inline struct cursor cursor_over(struct bytes bytes)
{
    return (struct cursor){.at = cursor_start(bytes), .left = bytes.length};
}

/* A cursor over a part that is complete: running out of it is CURSOR_INVALID. */
static inline struct cursor cursor_within(struct bytes bytes)
{
    return (struct cursor){.at = cursor_start(bytes), .left = bytes.length, .bounded = true};
}

/* Bytes not yet taken; 0 after a failure. */
static inline size_t cursor_left(const struct cursor *cursor)
{
    return cursor->state == CURSOR_GOOD ? cursor->left : 0;
}

static inline bool cursor_is_good(const struct cursor *cursor)
{
    return cursor->state == CURSOR_GOOD;
}

/* Declares the unit invalid, unless the cursor has failed already. */
static inline void cursor_reject(struct cursor *cursor)
{
    if (cursor->state == CURSOR_GOOD)
        cursor->state = CURSOR_INVALID;
}

/* Whether `count` bytes are there; if not, the cursor fails. Moves nothing. */
static inline bool cursor_require(struct cursor *cursor, size_t count)
{
    if (cursor->state != CURSOR_GOOD)
        return false;
    if (cursor->left >= count)
        return true;
    cursor->state = cursor->bounded ? CURSOR_INVALID : CURSOR_SHORT;
    return false;
}

/* The next `count` bytes. Borrowed from the cursor's buffer; empty after a failure. */
static inline struct bytes take_bytes(struct cursor *cursor, size_t count)
{
    struct bytes taken = {.at = NULL, .length = 0};

    if (!cursor_require(cursor, count))
        return taken;
    taken = bytes_of(cursor->at, count);
    cursor->at += count;
    cursor->left -= count;
    return taken;
}

/* At most `most` of the bytes that are left: takes what is there, never fails. */
static inline struct bytes take_up_to(struct cursor *cursor, uint64_t most)
{
    size_t left = cursor_left(cursor);

    return take_bytes(cursor, left < most ? left : (size_t)most);
}

static inline void skip_bytes(struct cursor *cursor, size_t count)
{
    (void)take_bytes(cursor, count);
}

/* The next byte without taking it, -1 where there is none. Never fails. */
static inline int peek_u8(const struct cursor *cursor)
{
    return cursor_left(cursor) > 0 ? cursor->at[0] : -1;
}

/* All bytes that are left, without taking them. */
static inline struct bytes peek_bytes(const struct cursor *cursor)
{
    return bytes_of(cursor->at, cursor_left(cursor));
}

/* A child over the next `count` bytes, which are taken from this cursor. A failed parent gives a failed child. */
static inline struct cursor take_child(struct cursor *cursor, size_t count)
{
    struct bytes part = take_bytes(cursor, count);
    struct cursor child = cursor_within(part);

    if (cursor->state != CURSOR_GOOD)
        child.state = cursor->state;
    return child;
}

static inline uint8_t take_u8(struct cursor *cursor)
{
    struct bytes b = take_bytes(cursor, 1);

    return b.length == 1 ? b.at[0] : 0;
}

static inline uint16_t take_u16_be(struct cursor *cursor)
{
    struct bytes b = take_bytes(cursor, 2);

    return b.length == 2 ? (uint16_t)(b.at[0] << 8 | b.at[1]) : 0;
}

static inline uint16_t take_u16_le(struct cursor *cursor)
{
    struct bytes b = take_bytes(cursor, 2);

    return b.length == 2 ? (uint16_t)(b.at[1] << 8 | b.at[0]) : 0;
}

static inline uint32_t take_u24_be(struct cursor *cursor)
{
    struct bytes b = take_bytes(cursor, 3);

    return b.length == 3 ? (uint32_t)b.at[0] << 16 | (uint32_t)b.at[1] << 8 | b.at[2] : 0;
}

static inline uint32_t take_u32_be(struct cursor *cursor)
{
    struct bytes b = take_bytes(cursor, 4);

    return b.length == 4 ? (uint32_t)b.at[0] << 24 | (uint32_t)b.at[1] << 16 | (uint32_t)b.at[2] << 8 | b.at[3] : 0;
}

static inline uint32_t take_u32_le(struct cursor *cursor)
{
    struct bytes b = take_bytes(cursor, 4);

    return b.length == 4 ? (uint32_t)b.at[3] << 24 | (uint32_t)b.at[2] << 16 | (uint32_t)b.at[1] << 8 | b.at[0] : 0;
}

static inline uint64_t take_u64_be(struct cursor *cursor)
{
    uint64_t high = take_u32_be(cursor);
    uint64_t low = take_u32_be(cursor);

    return cursor->state == CURSOR_GOOD ? high << 32 | low : 0;
}

static inline uint64_t take_u64_le(struct cursor *cursor)
{
    uint64_t low = take_u32_le(cursor);
    uint64_t high = take_u32_le(cursor);

    return cursor->state == CURSOR_GOOD ? high << 32 | low : 0;
}

/*
 * The next line, without its end: LF, or CR LF. A lone CR belongs to the line.
 * CURSOR_SHORT (in a child: CURSOR_INVALID) where no LF is there yet.
 */
struct bytes take_line(struct cursor *cursor);

/*
 * The bytes up to the next `stop`, which is taken too but not part of the answer.
 * Fails like take_line where there is none.
 */
struct bytes take_until(struct cursor *cursor, uint8_t stop);

#endif

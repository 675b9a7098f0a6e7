/* cursor.c - see cursor.h */
#include "base/cursor.h"

struct bytes take_until(struct cursor *cursor, uint8_t stop)
{
    const uint8_t *found = NULL;
    struct bytes taken;

    if (cursor_left(cursor) > 0)
        found = memchr(cursor->at, stop, cursor->left);
    if (found == NULL) {
        (void)cursor_require(cursor, cursor->left + 1);
        return bytes_of(NULL, 0);
    }
    taken = take_bytes(cursor, (size_t)(found - cursor->at));
    skip_bytes(cursor, 1);
    return taken;
}

struct bytes take_line(struct cursor *cursor)
{
    struct bytes line = take_until(cursor, '\n');

    if (line.length > 0 && line.at[line.length - 1] == '\r')
        line.length--;
    return line;
}

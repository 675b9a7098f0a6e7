/*
 * target.h - the file that is built beside its target and put in place once it
 * is complete, so that nobody ever sees half a file.
 */
#ifndef WIRESCRIBE_BASE_TARGET_H
#define WIRESCRIBE_BASE_TARGET_H

#include <stdbool.h>

/*
 * The path as SQLite opens it: "./" before a relative one, so that no name has a special meaning. NULL when out of memory;
 * the caller frees it.
 */
char *target_path(const char *path);

/* Makes a new empty file; it is an error if one is there. False with an error logged. */
bool target_make(const char *path);

/*
 * Makes a new empty file `.NAME.partial-PID` beside `path`. Its path, which the caller frees; NULL with an error logged:
 * the target exists, or its directory cannot be written.
 */
char *target_make_temporary(const char *path);

/*
 * Brings the temporary file to the disk and gives it the target's name, without ever overwriting a file that appeared
 * meanwhile. False with an error logged; the temporary file then stays, and the message names it.
 */
bool target_put_in_place(const char *temporary, const char *path);

#endif

/*
 * ftp_directory.h - FTP's working directory (RFC 959: CWD, CDUP, PWD) and the paths that are meant from there.
 * `directory` is absolute, or empty where it is not known; its limit is FTP_PATH_LIMIT.
 *
 * Leaves out: paths that do not begin with '/' where they are absolute (drives, VMS), and '~': what they mean only
 * the server knows, so that the directory is unknown behind them.
 */
#ifndef WIRESCRIBE_DISSECTORS_FTP_DIRECTORY_H
#define WIRESCRIBE_DISSECTORS_FTP_DIRECTORY_H

#include "base/text.h"

/* The absolute form of `path`, or `path` itself where that is not known. */
void ftp_resolve_path(const struct text *directory, struct bytes path, struct text *resolved);

/* The server changed to that path. What cannot be known from here makes the directory unknown. */
void ftp_change_directory(struct text *directory, struct bytes path);

/* The quoted path of a 257 reply, a quote in it doubled (RFC 959, appendix II). */
void ftp_take_quoted_directory(struct text *directory, struct bytes reply);

/*
 * The directory that the reply to a login, CWD or CDUP states, in the words that servers use: a quoted path, or what
 * follows "directory is" or "directory changed to" up to the end. Untouched where it states none.
 */
void ftp_take_stated_directory(struct text *directory, struct bytes reply);

#endif

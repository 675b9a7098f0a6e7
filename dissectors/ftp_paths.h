/*
 * ftp_paths.h - which file or directory a command of FTP means.
 */
#ifndef WIRESCRIBE_DISSECTORS_FTP_PATHS_H
#define WIRESCRIBE_DISSECTORS_FTP_PATHS_H

#include "base/text.h"

/*
 * The part of a command's argument that is a path, as written: behind a listing's options, MDTM's and MFMT's times,
 * the parameters of SITE's own commands. at == NULL where the command names none. Borrows from `argument`.
 * `verb`: in upper case.
 */
struct bytes ftp_path_in(struct bytes verb, struct bytes argument);

/* Whether the command changes what the server keeps, where it is accepted. */
bool ftp_changes_files(struct bytes verb, struct bytes argument);

#endif

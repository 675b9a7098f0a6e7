/*
 * ftp_block.h - how a file lies in an FTP data connection: the transmission modes of RFC 959, 3.4 (stream, block,
 * compressed), MODE Z (draft-preston-ftpext-deflate-04), and record structure in stream mode (RFC 959, 3.1.2.2, 3.4.1).
 */
#ifndef WIRESCRIBE_DISSECTORS_FTP_BLOCK_H
#define WIRESCRIBE_DISSECTORS_FTP_BLOCK_H

#include "base/bytes.h"

enum ftp_mode {
    FTP_MODE_STREAM,
    FTP_MODE_BLOCK,
    FTP_MODE_COMPRESSED,
    FTP_MODE_DEFLATE,
};

/* As MODE, STRU and TYPE stood when the transfer was asked for. */
struct ftp_form {
    enum ftp_mode mode;
    bool has_records; /* STRU R */
    bool is_text;     /* TYPE A or E: what fills in compressed mode is a space, not a NUL (RFC 959, 3.4.3) */
};

/* Why the file can be followed no further. */
enum ftp_block_trouble {
    FTP_BLOCK_FINE,
    FTP_BLOCK_LOST,      /* bytes are missing, and what follows them has no place */
    FTP_BLOCK_INVALID,   /* the bytes are not of this mode */
    FTP_BLOCK_BOMB,      /* they inflate beyond measure */
    FTP_BLOCK_NO_MEMORY,
};

/* Of MODE Z: past so many inflated bytes, there may be no more than so many times the bytes that travelled. */
#define FTP_INFLATE_FREE ((uint64_t)64 << 20)
#define FTP_INFLATE_RATIO 250

/* Takes the file's bytes in their order; they are borrowed for the length of the call. */
typedef void ftp_block_sink(void *context, struct bytes plain);

struct ftp_block;

/* NULL when out of memory. */
struct ftp_block *ftp_block_new(const struct ftp_form *form, ftp_block_sink *sink, void *context);

/* The next bytes of the data connection. An end of a record stands as LF in the file. */
void ftp_block_add(struct ftp_block *block, struct bytes more);

/* Bytes are missing here: in stream mode the file goes on behind them, in the others nothing more is told. */
void ftp_block_lose(struct ftp_block *block);

enum ftp_block_trouble ftp_block_trouble(const struct ftp_block *block);

/* Whether the mode marks the end of a file within its bytes, and whether that mark was seen. */
bool ftp_block_marks_end(const struct ftp_form *form);
bool ftp_block_has_end(const struct ftp_block *block);

/* Bytes that came behind that mark: they are none of the file. */
uint64_t ftp_block_behind(const struct ftp_block *block);

void ftp_block_free(struct ftp_block *block);

#endif

/*
 * mime_decode.h - takes off the transfer encoding of a leaf (RFC 2045, 6), as its bytes go by.
 */
#ifndef WIRESCRIBE_DISSECTORS_MIME_DECODE_H
#define WIRESCRIBE_DISSECTORS_MIME_DECODE_H

#include "base/bytes.h"
#include "dissectors/mime_reader.h"

#include <gmime/gmime.h>

/* So many bytes are decoded at once, and never to more than MIME_DECODE_ROOM. */
#define MIME_DECODE_PIECE 6144
#define MIME_DECODE_ROOM (MIME_DECODE_PIECE + 64)

/* Zero-initialised, then mime_decoder_begin. Owns nothing. */
struct mime_decoder {
    enum mime_encoding encoding;
    GMimeEncoding gmime;
    bool is_over;           /* base64: the padding was seen */
    bool goes_on_after_end; /* base64: and more behind it, which is passed over */
    bool skips_line;        /* base64: bytes were lost; the next line begins with a whole group of four */
};

/* base64, quoted-printable or none; uuencode is not for this one (mail_uu.h). */
void mime_decoder_begin(struct mime_decoder *decoder, enum mime_encoding encoding);

/* Decodes a piece of MIME_DECODE_PIECE bytes at most into `room`; the answer lies there, or is the piece itself. */
struct bytes mime_decode(struct mime_decoder *decoder, struct bytes piece, char room[MIME_DECODE_ROOM]);

/* After the last piece: what a last group of base64 holds that is not whole, for want of padding. The answer lies in `room`. */
struct bytes mime_decode_end(const struct mime_decoder *decoder, char room[MIME_DECODE_ROOM]);

/* Bytes are missing here. */
void mime_decoder_lose(struct mime_decoder *decoder);

#endif

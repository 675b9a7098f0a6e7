/*
 * mime_decode.c - see mime_decode.h. GMime's decoders do the work; clean base64, which is most of what mails weigh, is
 * decoded here, four letters at a time, and only what is not clean (rubbish, split groups, the padding) is GMime's.
 */
#include "dissectors/mime_decode.h"

#include "base/cursor.h"

#include <threads.h>

/* What a letter is worth, at each of the four places of a group; NOT_IN_ALPHABET where it is none. */
#define NOT_IN_ALPHABET 0x80000000u
static uint32_t worth[4][256];
static once_flag worth_once = ONCE_FLAG_INIT;

static void make_worth(void)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (unsigned place = 0; place < 4; place++) {
        for (unsigned byte = 0; byte < 256; byte++)
            worth[place][byte] = NOT_IN_ALPHABET;
        for (uint32_t value = 0; value < 64; value++)
            worth[place][(uint8_t)alphabet[value]] = value << (18 - 6 * place);
    }
}

void mime_decoder_begin(struct mime_decoder *decoder, enum mime_encoding encoding)
{
    *decoder = (struct mime_decoder){.encoding = encoding};
    call_once(&worth_once, make_worth);
    if (encoding == MIME_BASE64)
        g_mime_encoding_init_decode(&decoder->gmime, GMIME_CONTENT_ENCODING_BASE64);
    else if (encoding == MIME_QUOTED_PRINTABLE)
        g_mime_encoding_init_decode(&decoder->gmime, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
}

/* Decodes whole groups from the start of `piece`, and passes over line ends, up to what is neither. Answers how many bytes were read. */
static size_t decode_groups(struct bytes piece, char *out, size_t *length)
{
    size_t place = 0;
    size_t written = 0;

    while (piece.length - place >= 4) {
        const uint8_t *group = &piece.at[place];
        uint32_t value = worth[0][group[0]] | worth[1][group[1]] | worth[2][group[2]] | worth[3][group[3]];

        if (value < NOT_IN_ALPHABET) {
            out[written] = (char)(value >> 16);
            out[written + 1] = (char)(value >> 8);
            out[written + 2] = (char)value;
            written += 3;
            place += 4;
        } else if (group[0] == '\r' || group[0] == '\n') {
            place++;
        } else {
            break;
        }
    }
    *length = written;
    return place;
}

static bool is_letter(uint8_t byte)
{
    return worth[0][byte] != NOT_IN_ALPHABET;
}

/* One byte at a time through GMime, until a group is whole again. */
static size_t decode_odd(struct mime_decoder *decoder, struct cursor *rest, char *out)
{
    size_t length = 0;

    do {
        struct bytes one = take_bytes(rest, 1);

        length += g_mime_encoding_step(&decoder->gmime, (const char *)one.at, 1, out + length);
    } while (decoder->gmime.state > 0 && cursor_left(rest) > 0);
    return length;
}

static void pass_over_padding(struct mime_decoder *decoder, struct cursor *rest)
{
    struct bytes behind = take_bytes(rest, cursor_left(rest));

    for (size_t i = 0; i < behind.length && !decoder->goes_on_after_end; i++)
        decoder->goes_on_after_end = is_letter(behind.at[i]);
}

static struct bytes decode_base64(struct mime_decoder *decoder, struct bytes piece, char room[MIME_DECODE_ROOM])
{
    struct cursor rest = cursor_within(piece);
    size_t length = 0;

    if (decoder->skips_line) {
        struct bytes behind;
        struct bytes line = bytes_split(piece, '\n', &behind);

        decoder->skips_line = behind.at == NULL;
        skip_bytes(&rest, line.length + (behind.at != NULL ? 1 : 0));
    }
    while (cursor_left(&rest) > 0) {
        size_t decoded;

        decoder->is_over = decoder->gmime.state < 0;
        if (decoder->is_over) {
            pass_over_padding(decoder, &rest);
            break;
        }
        if (decoder->gmime.state == 0) {
            skip_bytes(&rest, decode_groups(peek_bytes(&rest), room + length, &decoded));
            length += decoded;
        }
        if (cursor_left(&rest) > 0)
            length += decode_odd(decoder, &rest, room + length);
    }
    return bytes_of(room, length);
}

struct bytes mime_decode(struct mime_decoder *decoder, struct bytes piece, char room[MIME_DECODE_ROOM])
{
    switch (decoder->encoding) {
    case MIME_BASE64:
        return decode_base64(decoder, piece, room);
    case MIME_QUOTED_PRINTABLE:
        return bytes_of(room, g_mime_encoding_step(&decoder->gmime, (const char *)piece.at, piece.length, room));
    case MIME_UUENCODE:
    case MIME_IDENTITY:
        break;
    }
    return piece;
}

struct bytes mime_decode_end(const struct mime_decoder *decoder, char room[MIME_DECODE_ROOM])
{
    /* GMime keeps the letters of the group, six bits each: two hold one byte, three hold two, and the bits behind them none */
    unsigned letters = decoder->encoding == MIME_BASE64 && decoder->gmime.state > 0 ? (unsigned)decoder->gmime.state : 0;
    uint32_t bits = decoder->gmime.save;
    size_t length = letters == 3 ? 2 : letters == 2 ? 1 : 0;

    for (size_t i = 0; i < length; i++)
        room[i] = (char)(bits >> (6 * letters - 8 * (i + 1)));
    return bytes_of(room, length);
}

void mime_decoder_lose(struct mime_decoder *decoder)
{
    mime_decoder_begin(decoder, decoder->encoding);
    decoder->skips_line = decoder->encoding == MIME_BASE64;
}

/* test_ftp_block.c - dissectors/ftp_block.c: transmission modes of FTP's data connections. */
#include "base/text.h"
#include "dissectors/ftp_block.h"
#include "tests/unit/check.h"

#include <stdlib.h>
#include <zlib.h>

static void keep(void *context, struct bytes plain)
{
    text_append(context, plain);
}

struct unpacked {
    struct text plain;
    enum ftp_block_trouble trouble;
    bool has_end;
    uint64_t behind;
};

/* Each piece lies in memory of its own, so that the sanitizers see a read past its end. */
static struct unpacked unpack(const struct ftp_form *form, struct bytes all, size_t piece)
{
    struct unpacked unpacked = {.plain = {.limit = 1 << 20}};
    struct ftp_block *block = ftp_block_new(form, keep, &unpacked.plain);

    for (size_t at = 0; at < all.length; at += piece) {
        size_t length = all.length - at < piece ? all.length - at : piece;
        uint8_t *copy = malloc(length);

        memcpy(copy, all.at + at, length);
        ftp_block_add(block, bytes_of(copy, length));
        free(copy);
    }
    unpacked.trouble = ftp_block_trouble(block);
    unpacked.has_end = ftp_block_has_end(block);
    unpacked.behind = ftp_block_behind(block);
    ftp_block_free(block);
    return unpacked;
}

static void check_unpacked(struct ftp_form form, struct bytes all, const char *plain, bool has_end, uint64_t behind)
{
    for (size_t piece = 1; piece <= all.length; piece = piece < 4 ? piece + 1 : piece + all.length) {
        struct unpacked unpacked = unpack(&form, all, piece);

        CHECK_TEXT(unpacked.plain.at != NULL ? unpacked.plain.at : "", plain);
        CHECK(unpacked.trouble == FTP_BLOCK_FINE);
        CHECK(unpacked.has_end == has_end);
        CHECK(unpacked.behind == behind);
        text_free(&unpacked.plain);
    }
}

#define BYTES(LITERAL) bytes_of((LITERAL), sizeof(LITERAL) - 1)

UNIT_TEST(ftp_block_mode)
{
    const struct ftp_form file = {.mode = FTP_MODE_BLOCK};
    const struct ftp_form records = {.mode = FTP_MODE_BLOCK, .has_records = true};

    /* two blocks, a restart marker between them, the end, and bytes of the next file */
    check_unpacked(file, BYTES("\x00\x00\x05" "hello" "\x10\x00\x02" "42" "\x40\x00\x06" " world" "\x00\x00\x01"), "hello world", true, 3);
    check_unpacked(file, BYTES("\x00\x00\x02" "ab" "\x40\x00\x00"), "ab", true, 0);
    check_unpacked(file, BYTES("\x80\x00\x02" "ab" "\x00\x00\x02" "c"), "abc", false, 0);
    check_unpacked(records, BYTES("\x80\x00\x02" "ab" "\xc0\x00\x02" "cd"), "ab\ncd\n", true, 0);
}

UNIT_TEST(ftp_block_mode_that_is_none)
{
    const struct ftp_form form = {.mode = FTP_MODE_BLOCK};
    struct unpacked unpacked = unpack(&form, BYTES("GIF89a"), 6);

    CHECK(unpacked.trouble == FTP_BLOCK_INVALID && unpacked.plain.length == 0);
    text_free(&unpacked.plain);
}

UNIT_TEST(ftp_block_records_in_stream_mode)
{
    const struct ftp_form form = {.mode = FTP_MODE_STREAM, .has_records = true};
    struct unpacked unpacked;

    check_unpacked(form, BYTES("one\xff\x01two\xff\xff\xff\x03"), "one\ntwo\xff\n", true, 0);
    check_unpacked(form, BYTES("one\xff\x02x"), "one", true, 1);
    unpacked = unpack(&form, BYTES("a\xff\x07z"), 1);
    CHECK(unpacked.trouble == FTP_BLOCK_INVALID);
    text_free(&unpacked.plain);
}

UNIT_TEST(ftp_block_compressed_mode)
{
    const struct ftp_form text = {.mode = FTP_MODE_COMPRESSED, .is_text = true};
    const struct ftp_form records = {.mode = FTP_MODE_COMPRESSED, .is_text = true, .has_records = true};

    check_unpacked(text, BYTES("\x03" "abc" "\x85x" "\xc2" "\x01!" "\x00\x40"), "abcxxxxx  !", true, 0);
    check_unpacked(text, BYTES("\x01" "a" "\x00\x10\x02" "42" "\x01" "b"), "ab", false, 0);
    check_unpacked(records, BYTES("\x01" "a" "\x00\x80\x01" "b" "\x00\xc0"), "a\nb\n", true, 0);
    check_unpacked(text, BYTES("\x80x\xc0"), "", false, 0);
}

UNIT_TEST(ftp_block_deflated)
{
    const struct ftp_form form = {.mode = FTP_MODE_DEFLATE};
    static const char plain[] = "deflated deflated deflated deflated";
    uint8_t packed[200];
    uLongf length = sizeof packed - 3;
    struct unpacked unpacked;

    CHECK(compress(packed, &length, (const uint8_t *)plain, sizeof plain - 1) == Z_OK);
    memcpy(packed + length, "xyz", 3);
    check_unpacked(form, bytes_of(packed, length + 3), plain, true, 3);
    check_unpacked(form, bytes_of(packed, length - 4), plain, false, 0); /* without its checksum it has not ended */
    packed[length - 1] ^= 1;
    unpacked = unpack(&form, bytes_of(packed, length), 7);
    CHECK(unpacked.trouble == FTP_BLOCK_INVALID);
    text_free(&unpacked.plain);
}

static void count(void *context, struct bytes plain)
{
    *(uint64_t *)context += plain.length;
}

UNIT_TEST(ftp_block_bomb)
{
    const struct ftp_form form = {.mode = FTP_MODE_DEFLATE};
    static uint8_t zeros[1 << 20];
    static uint8_t packed[1 << 20];
    uint64_t inflated = 0;
    struct ftp_block *block = ftp_block_new(&form, count, &inflated);
    z_stream deflated = {.next_out = packed, .avail_out = sizeof packed};

    CHECK(deflateInit(&deflated, 9) == Z_OK);
    for (int i = 0; i < 100; i++) {
        deflated.next_in = zeros;
        deflated.avail_in = sizeof zeros;
        CHECK(deflate(&deflated, i == 99 ? Z_FINISH : Z_NO_FLUSH) >= 0);
    }
    ftp_block_add(block, bytes_of(packed, deflated.total_out));
    CHECK(ftp_block_trouble(block) == FTP_BLOCK_BOMB);
    CHECK(inflated > FTP_INFLATE_FREE && inflated < FTP_INFLATE_FREE + (1 << 20));
    deflateEnd(&deflated);
    ftp_block_free(block);
}

UNIT_TEST(ftp_block_with_missing_bytes)
{
    const struct ftp_form stream = {.mode = FTP_MODE_STREAM};
    const struct ftp_form blocks = {.mode = FTP_MODE_BLOCK};
    struct text plain = {.limit = 100};
    struct ftp_block *block = ftp_block_new(&stream, keep, &plain);

    ftp_block_add(block, BYTES("one"));
    ftp_block_lose(block);
    ftp_block_add(block, BYTES("two"));
    CHECK_TEXT(plain.at, "onetwo");
    CHECK(ftp_block_trouble(block) == FTP_BLOCK_FINE);
    ftp_block_free(block);
    text_clear(&plain);
    block = ftp_block_new(&blocks, keep, &plain);
    ftp_block_add(block, BYTES("\x00\x00\x05" "he"));
    ftp_block_lose(block);
    ftp_block_add(block, BYTES("lo\x00\x00\x01x"));
    CHECK_TEXT(plain.at, "he");
    CHECK(ftp_block_trouble(block) == FTP_BLOCK_LOST);
    ftp_block_free(block);
    text_free(&plain);
}

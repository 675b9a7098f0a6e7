/* test_vault.c - base/vault.h: what is stored, what is refused, and that nothing is left over or written elsewhere. */
#include "base/vault.h"

#include "base/digest.h"
#include "base/memory.h"
#include "tests/unit/check.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder of its own for each test, with a vault in it that need not exist yet. */
struct place {
    char folder[64];
    char vault[80];
};

static void open_place(struct place *place)
{
    snprintf(place->folder, sizeof place->folder, "/tmp/wirescribe-vault-XXXXXX");
    CHECK(mkdtemp(place->folder) != NULL);
    snprintf(place->vault, sizeof place->vault, "%s/files", place->folder);
}

static void close_place(const struct place *place)
{
    char command[128];

    snprintf(command, sizeof command, "rm -rf '%s'", place->folder);
    CHECK(system(command) == 0);
}

/* Entries of a folder, "." and ".." not counted; -1 where there is none. */
static int entries(const char *folder)
{
    DIR *directory = opendir(folder);
    int count = 0;

    if (directory == NULL)
        return -1;
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count - 2;
}

static void hash(struct bytes bytes, char sha256[DIGEST_HEX_SIZE])
{
    struct digest digest;

    digest_begin(&digest, DIGEST_SHA256);
    digest_add(&digest, bytes);
    CHECK(digest_end_hex(&digest, sha256));
}

/* `size` bytes that `seed` tells. Valid until the next call. */
static struct bytes content_of(size_t size, uint8_t seed)
{
    static uint8_t bytes[4 * VAULT_BUFFER_BYTES];

    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 251 + seed);
    return bytes_of(bytes, size);
}

/* Stores it in pieces; the path is kept until the next call, "" where it was not stored. */
static enum vault_outcome store(struct vault *vault, struct bytes bytes, size_t piece, char path[160])
{
    struct vault_file *file = vault_begin(vault);
    char sha256[DIGEST_HEX_SIZE];
    enum vault_outcome outcome;

    for (size_t at = 0; at < bytes.length; at += piece)
        vault_add(file, bytes_of(bytes.at + at, bytes.length - at < piece ? bytes.length - at : piece));
    hash(bytes, sha256);
    outcome = vault_end(file, sha256);
    snprintf(path, 160, "%s", vault_path(file) != NULL ? vault_path(file) : "");
    vault_free(file);
    return outcome;
}

static bool holds(const char *path, struct bytes wanted)
{
    static uint8_t found[4 * VAULT_BUFFER_BYTES + 1];
    FILE *file = fopen(path, "rb");
    size_t length = file != NULL ? fread(found, 1, sizeof found, file) : 0;

    if (file != NULL)
        fclose(file);
    return file != NULL && bytes_equal(bytes_of(found, length), wanted);
}

UNIT_TEST(vault_stores_each_content_under_its_hash)
{
    const size_t sizes[] = {
        0, 1, VAULT_BUFFER_BYTES - 1, VAULT_BUFFER_BYTES, VAULT_BUFFER_BYTES + 1, 2 * VAULT_BUFFER_BYTES + 3, 4 * VAULT_BUFFER_BYTES};
    const size_t pieces[] = {1, 1000, VAULT_BUFFER_BYTES, 4 * VAULT_BUFFER_BYTES};
    struct place place;
    struct vault *vault;
    char path[160];
    char wanted[200];
    char sha256[DIGEST_HEX_SIZE];
    size_t before = memory_in_use();

    open_place(&place);
    vault = vault_open(place.vault, VAULT_FILE_LIMIT, VAULT_TOTAL_LIMIT);
    CHECK(vault != NULL);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (size_t k = 0; k < sizeof pieces / sizeof pieces[0]; k++) {
            struct bytes bytes = content_of(sizes[i], (uint8_t)(i * 16 + k));

            CHECK(store(vault, bytes, pieces[k], path) == VAULT_STORED);
            hash(bytes, sha256);
            snprintf(wanted, sizeof wanted, "%s/%.2s/%s", place.vault, sha256, sha256);
            CHECK_TEXT(path, wanted);
            CHECK(holds(path, bytes));
        }
    }
    CHECK(memory_in_use() == before);
    vault_close(vault);
    close_place(&place);
}

UNIT_TEST(vault_is_for_its_owner_alone)
{
    struct place place;
    struct vault *vault;
    struct stat status;
    char path[160];

    open_place(&place);
    vault = vault_open(place.vault, VAULT_FILE_LIMIT, VAULT_TOTAL_LIMIT);
    CHECK(stat(place.vault, &status) == 0 && (status.st_mode & 0777) == 0700);
    CHECK(store(vault, content_of(10, 0), 10, path) == VAULT_STORED);
    CHECK(stat(path, &status) == 0 && (status.st_mode & 0777) == 0600 && status.st_nlink == 1);
    vault_close(vault);
    close_place(&place);
}

UNIT_TEST(vault_keeps_what_is_there)
{
    struct place place;
    struct vault *vault;
    struct stat first;
    struct stat second;
    char path[160];

    open_place(&place);
    vault = vault_open(place.vault, VAULT_FILE_LIMIT, 4 * VAULT_BUFFER_BYTES);
    for (int round = 0; round < 4; round++) { /* a repetition costs nothing of the total, but for its time */
        CHECK(store(vault, content_of(2 * VAULT_BUFFER_BYTES, 1), 5000, path) == VAULT_STORED);
        CHECK(stat(path, round == 0 ? &first : &second) == 0);
        if (round > 0)
            CHECK(first.st_ino == second.st_ino && first.st_mtim.tv_nsec == second.st_mtim.tv_nsec);
    }
    vault_close(vault);
    vault = vault_open(place.vault, VAULT_FILE_LIMIT, VAULT_TOTAL_LIMIT);
    CHECK(store(vault, content_of(2 * VAULT_BUFFER_BYTES, 1), 5000, path) == VAULT_STORED);
    CHECK(stat(path, &second) == 0 && first.st_ino == second.st_ino);
    CHECK(entries(place.vault) == 1);
    vault_close(vault);
    close_place(&place);
}

UNIT_TEST(vault_removes_what_is_not_whole)
{
    struct place place;
    struct vault *vault;
    struct vault_file *file;

    open_place(&place);
    vault = vault_open(place.vault, VAULT_FILE_LIMIT, VAULT_TOTAL_LIMIT);
    file = vault_begin(vault);
    vault_add(file, content_of(3 * VAULT_BUFFER_BYTES, 0));
    CHECK(entries(place.vault) == 1);
    vault_free(file);
    CHECK(entries(place.vault) == 0);
    vault_close(vault);
    close_place(&place);
}

UNIT_TEST(vault_limits)
{
    struct place place;
    struct vault *vault;
    char path[160];

    open_place(&place);
    vault = vault_open(place.vault, 50000, 120000);
    CHECK(store(vault, content_of(50000, 0), 999, path) == VAULT_STORED);
    CHECK(store(vault, content_of(50001, 1), 999, path) == VAULT_TOO_LARGE);
    CHECK_TEXT(path, "");
    CHECK(store(vault, content_of(50000, 2), 999, path) == VAULT_STORED);
    CHECK(store(vault, content_of(20001, 3), 999, path) == VAULT_FULL);
    CHECK(store(vault, content_of(40000, 4), 999, path) == VAULT_FULL);
    CHECK_TEXT(path, "");
    CHECK(store(vault, content_of(20000, 5), 999, path) == VAULT_STORED); /* what was refused was given back */
    CHECK(store(vault, content_of(1, 6), 1, path) == VAULT_FULL);
    vault_close(vault);
    close_place(&place);
}

UNIT_TEST(vault_does_not_follow_links)
{
    struct place place;
    struct vault *vault;
    char sha256[DIGEST_HEX_SIZE];
    char path[200];
    char other[80];
    char stored[160];

    open_place(&place);
    snprintf(other, sizeof other, "%s/other", place.folder);
    CHECK(mkdir(other, 0700) == 0);
    vault = vault_open(place.vault, VAULT_FILE_LIMIT, VAULT_TOTAL_LIMIT);
    hash(content_of(100, 0), sha256);
    /* its folder leads elsewhere */
    snprintf(path, sizeof path, "%s/%.2s", place.vault, sha256);
    CHECK(symlink(other, path) == 0);
    CHECK(store(vault, content_of(100, 0), 100, stored) == VAULT_FAILED);
    CHECK(entries(other) == 0);
    CHECK(unlink(path) == 0);
    /* its name leads elsewhere */
    CHECK(mkdir(path, 0700) == 0);
    snprintf(path, sizeof path, "%s/%.2s/%s", place.vault, sha256, sha256);
    CHECK(symlink("../../other/made", path) == 0);
    CHECK(store(vault, content_of(100, 0), 100, stored) == VAULT_FAILED);
    CHECK_TEXT(stored, "");
    CHECK(entries(other) == 0);
    CHECK(unlink(path) == 0);
    /* something else stands there, and stays */
    CHECK(mkdir(path, 0700) == 0);
    CHECK(store(vault, content_of(100, 0), 100, stored) == VAULT_FAILED);
    CHECK(rmdir(path) == 0);
    CHECK(store(vault, content_of(100, 0), 100, stored) == VAULT_STORED);
    CHECK_TEXT(stored, path);
    CHECK(entries(place.vault) == 1); /* no temporary file */
    vault_close(vault);
    close_place(&place);
}

UNIT_TEST(vault_notices_a_temporary_file_that_was_exchanged)
{
    struct place place;
    struct vault *vault;
    struct vault_file *file;
    char command[300];
    char sha256[DIGEST_HEX_SIZE];

    open_place(&place);
    vault = vault_open(place.vault, VAULT_FILE_LIMIT, VAULT_TOTAL_LIMIT);
    file = vault_begin(vault);
    vault_add(file, content_of(2 * VAULT_BUFFER_BYTES, 0));
    snprintf(command, sizeof command, "cd '%s' && for f in .partial-*; do rm $f; ln -s ../victim $f; done; : > ../victim", place.vault);
    CHECK(system(command) == 0);
    vault_add(file, content_of(2 * VAULT_BUFFER_BYTES, 1));
    hash(content_of(1, 0), sha256);
    CHECK(vault_end(file, sha256) == VAULT_FAILED);
    snprintf(command, sizeof command, "test -f '%s/victim' && test ! -s '%s/victim'", place.folder, place.folder);
    CHECK(system(command) == 0);
    vault_free(file);
    vault_close(vault);
    close_place(&place);
}

UNIT_TEST(vault_refuses_what_is_no_directory)
{
    struct place place;
    char path[120];
    FILE *file;

    open_place(&place);
    snprintf(path, sizeof path, "%s/missing/files", place.folder);
    CHECK(vault_open(path, VAULT_FILE_LIMIT, VAULT_TOTAL_LIMIT) == NULL);
    snprintf(path, sizeof path, "%s/link", place.folder);
    CHECK(symlink("/etc/passwd", path) == 0);
    CHECK(vault_open(path, VAULT_FILE_LIMIT, VAULT_TOTAL_LIMIT) == NULL);
    file = fopen(place.vault, "w");
    CHECK(file != NULL && fclose(file) == 0);
    CHECK(vault_open(place.vault, VAULT_FILE_LIMIT, VAULT_TOTAL_LIMIT) == NULL);
    CHECK(vault_open("", VAULT_FILE_LIMIT, VAULT_TOTAL_LIMIT) == NULL);
    CHECK(vault_open("/proc/self", VAULT_FILE_LIMIT, VAULT_TOTAL_LIMIT) == NULL);
    close_place(&place);
}

UNIT_TEST(vault_takes_many_files_at_once)
{
    struct place place;
    struct vault *vault;
    static struct vault_file *files[3000];
    char sha256[DIGEST_HEX_SIZE];
    unsigned stored = 0;

    open_place(&place);
    vault = vault_open(place.vault, VAULT_FILE_LIMIT, VAULT_TOTAL_LIMIT);
    for (unsigned i = 0; i < 3000; i++) {
        files[i] = vault_begin(vault);
        vault_add(files[i], bytes_of(&i, sizeof i));
        if (i % 30 == 0) /* in a temporary file each */
            vault_add(files[i], content_of(VAULT_BUFFER_BYTES, 0));
    }
    for (unsigned i = 0; i < 3000; i++) {
        struct digest digest;

        digest_begin(&digest, DIGEST_SHA256);
        digest_add(&digest, bytes_of(&i, sizeof i));
        if (i % 30 == 0)
            digest_add(&digest, content_of(VAULT_BUFFER_BYTES, 0));
        CHECK(digest_end_hex(&digest, sha256));
        stored += vault_end(files[i], sha256) == VAULT_STORED;
        vault_free(files[i]);
    }
    CHECK(stored == 3000);
    CHECK(entries(place.vault) == 256);
    vault_close(vault);
    close_place(&place);
}

UNIT_TEST(vault_file_that_is_out_of_memory_is_nothing)
{
    vault_add(NULL, bytes_of_text("x"));
    CHECK(vault_end(NULL, "") == VAULT_FAILED);
    CHECK(vault_path(NULL) == NULL);
    vault_free(NULL);
}

/* vault.c - see vault.h */
#include "base/vault.h"

#include "base/digest.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* What was on the wire is for nobody else on the machine. */
#define DIRECTORY_PERMISSIONS 0700
#define FILE_PERMISSIONS 0600
/* Temporary names that may be in the way, left by a run that was killed. */
#define TEMPORARY_NAMES_MOST 1000
#define TEMPORARY_NAME_SIZE 64
#define FIRST_BUFFER_BYTES 1024

struct vault {
    const char *directory; /* borrowed */
    int fd;
    uint64_t file_limit;
    uint64_t total_limit;
    atomic_uint_fast64_t total; /* bytes of this run's files, temporary ones included */
    atomic_uint_fast64_t next_temporary;
    atomic_uint_fast64_t refused[VAULT_FAILED + 1];
    atomic_flag has_warned;
};

struct vault_file {
    struct vault *vault;
    enum vault_outcome outcome; /* VAULT_STORED: nothing is wrong so far */
    uint64_t size;              /* written and gathered */
    uint64_t written;           /* in the temporary file, and counted in the total */
    uint8_t *buffer;
    size_t used;
    size_t capacity;
    bool has_temporary;
    dev_t device; /* of the temporary file: it is opened again by its name */
    ino_t inode;
    char temporary[TEMPORARY_NAME_SIZE];
    char *path; /* owned; NULL: not stored */
};

/* ---- the directory ---- */

static int make_temporary(struct vault *vault, char name[TEMPORARY_NAME_SIZE])
{
    for (int i = 0; i < TEMPORARY_NAMES_MOST; i++) {
        unsigned long long number = atomic_fetch_add(&vault->next_temporary, 1);
        int fd;

        snprintf(name, TEMPORARY_NAME_SIZE, ".partial-%ld-%llu", (long)getpid(), number);
        fd = openat(vault->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_PERMISSIONS);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

/* Whether files can be made in it: a permission alone does not tell (a file system that is read-only, root). */
static bool can_be_written(struct vault *vault)
{
    char name[TEMPORARY_NAME_SIZE];
    int fd = make_temporary(vault, name);

    if (fd < 0)
        return false;
    close(fd);
    return unlinkat(vault->fd, name, 0) == 0;
}

struct vault *vault_open(const char *directory, uint64_t file_limit, uint64_t total_limit)
{
    struct vault *vault = calloc(1, sizeof *vault);

    if (vault == NULL) {
        log_error("out of memory");
        return NULL;
    }
    vault->directory = directory;
    vault->file_limit = file_limit;
    vault->total_limit = total_limit;
    atomic_flag_clear(&vault->has_warned);
    vault->fd = -1;
    /* an error of mkdir shows when the directory is opened, but for the one that says why it is missing */
    if (mkdir(directory, DIRECTORY_PERMISSIONS) == 0 || errno == EEXIST || errno == EROFS)
        vault->fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (vault->fd >= 0 && can_be_written(vault))
        return vault;
    log_error("files cannot be stored in '%s': %s", directory, strerror(errno));
    if (vault->fd >= 0)
        close(vault->fd);
    free(vault);
    return NULL;
}

void vault_close(struct vault *vault)
{
    static const char *const reasons[] = {
        [VAULT_TOO_LARGE] = "they are larger than --store-file-limit",
        [VAULT_FULL] = "--store-total-limit was reached",
        [VAULT_FAILED] = "they could not be written",
    };

    if (vault == NULL)
        return;
    for (int outcome = VAULT_TOO_LARGE; outcome <= VAULT_FAILED; outcome++) {
        unsigned long long count = atomic_load(&vault->refused[outcome]);

        if (count > 0)
            log_warning("the content of %llu file%s was not stored: %s", count, count == 1 ? "" : "s", reasons[outcome]);
    }
    close(vault->fd);
    free(vault);
}

uint64_t vault_file_limit(const struct vault *vault)
{
    return vault->file_limit;
}

uint64_t vault_total_limit(const struct vault *vault)
{
    return vault->total_limit;
}

/* ---- one file ---- */

struct vault_file *vault_begin(struct vault *vault)
{
    struct vault_file *file = memory_new_zeroed(1, sizeof *file);

    if (file != NULL)
        file->vault = vault;
    return file;
}

static void remove_temporary(struct vault_file *file)
{
    if (file->has_temporary)
        unlinkat(file->vault->fd, file->temporary, 0);
    file->has_temporary = false;
    atomic_fetch_sub(&file->vault->total, file->written);
    file->written = 0;
}

static void free_buffer(struct vault_file *file)
{
    memory_free(file->buffer);
    file->buffer = NULL;
    file->used = 0;
    file->capacity = 0;
}

static void refuse(struct vault_file *file, enum vault_outcome outcome)
{
    if (outcome == VAULT_FAILED && !atomic_flag_test_and_set(&file->vault->has_warned))
        log_warning("a file cannot be stored in '%s': %s", file->vault->directory, strerror(errno));
    file->outcome = outcome;
    atomic_fetch_add(&file->vault->refused[outcome], 1);
    remove_temporary(file);
    free_buffer(file);
}

static bool write_all(int fd, struct bytes bytes)
{
    while (bytes.length > 0) {
        ssize_t written = write(fd, bytes.at, bytes.length);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes = bytes_of(bytes.at + written, bytes.length - (size_t)written);
    }
    return true;
}

/* The temporary file, made with the first write and opened again for the others: it must still be the same. */
static int open_temporary(struct vault_file *file)
{
    struct stat status;
    int fd;

    if (file->has_temporary)
        fd = openat(file->vault->fd, file->temporary, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    else
        fd = make_temporary(file->vault, file->temporary);
    if (fd < 0)
        return -1;
    if (fstat(fd, &status) == 0 && (!file->has_temporary || (status.st_dev == file->device && status.st_ino == file->inode))) {
        file->has_temporary = true;
        file->device = status.st_dev;
        file->inode = status.st_ino;
        return fd;
    }
    errno = ESTALE;
    close(fd);
    return -1;
}

/* Whether the total allows so many bytes more; they are then counted. */
static bool take_from_total(struct vault *vault, uint64_t count)
{
    uint64_t before = atomic_fetch_add(&vault->total, count);

    if (before <= vault->total_limit && count <= vault->total_limit - before)
        return true;
    atomic_fetch_sub(&vault->total, count);
    return false;
}

/* Writes the gathered bytes and `more` behind them. */
static void write_out(struct vault_file *file, struct bytes more)
{
    uint64_t count = file->used + more.length;
    bool is_written;
    int fd;

    if (!take_from_total(file->vault, count)) {
        refuse(file, VAULT_FULL);
        return;
    }
    file->written += count;
    fd = open_temporary(file);
    is_written = fd >= 0 && write_all(fd, bytes_of(file->buffer, file->used)) && write_all(fd, more);
    if (!is_written) {
        int reason = errno;

        if (fd >= 0)
            close(fd);
        errno = reason;
        refuse(file, VAULT_FAILED);
        return;
    }
    if (close(fd) != 0) {
        refuse(file, VAULT_FAILED);
        return;
    }
    file->used = 0;
}

static bool make_room(struct vault_file *file, size_t size)
{
    size_t capacity = file->capacity > 0 ? file->capacity : FIRST_BUFFER_BYTES;
    uint8_t *larger;

    while (capacity < size)
        capacity *= 2;
    if (capacity == file->capacity)
        return true;
    larger = memory_resize(file->buffer, capacity);
    if (larger == NULL)
        return false;
    file->buffer = larger;
    file->capacity = capacity;
    return true;
}

void vault_add(struct vault_file *file, struct bytes more)
{
    if (file == NULL || more.length == 0 || file->outcome != VAULT_STORED)
        return;
    file->size += more.length;
    if (file->size > file->vault->file_limit) {
        refuse(file, VAULT_TOO_LARGE);
        return;
    }
    if (file->used + more.length > VAULT_BUFFER_BYTES) {
        write_out(file, more);
        return;
    }
    if (!make_room(file, file->used + more.length)) {
        errno = ENOMEM;
        refuse(file, VAULT_FAILED);
        return;
    }
    memcpy(file->buffer + file->used, more.at, more.length);
    file->used += more.length;
}

/* ---- in place ---- */

/* The folder of the first two characters, made where it is missing; -1 where it cannot be. */
static int open_folder(struct vault *vault, const char *sha256)
{
    const char folder[3] = {sha256[0], sha256[1], '\0'};

    if (mkdirat(vault->fd, folder, DIRECTORY_PERMISSIONS) != 0 && errno != EEXIST)
        return -1;
    return openat(vault->fd, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Whether a file of that name and size is there. What else is there is an error (EEXIST), nothing is not (ENOENT). */
static bool is_there(int folder, const char *sha256, uint64_t size)
{
    struct stat status;

    if (fstatat(folder, sha256, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    if (S_ISREG(status.st_mode) && (uint64_t)status.st_size == size)
        return true;
    errno = EEXIST;
    return false;
}

static bool rename_into(struct vault *vault, const char *temporary, int folder, const char *sha256)
{
    if (renameat2(vault->fd, temporary, folder, sha256, RENAME_NOREPLACE) == 0)
        return true;
    if (errno != EINVAL && errno != ENOSYS)
        return false;
    /* a file system that does not know the flag */
    if (linkat(vault->fd, temporary, folder, sha256, 0) != 0)
        return false;
    unlinkat(vault->fd, temporary, 0);
    return true;
}

/* Puts it into its folder, unless it is there. False: `errno` or the outcome says why. */
static bool put_in_place(struct vault_file *file, int folder, const char *sha256)
{
    if (is_there(folder, sha256, file->size)) {
        remove_temporary(file);
        return true;
    }
    if (errno != ENOENT)
        return false;
    if (file->used > 0 || !file->has_temporary)
        write_out(file, bytes_of(NULL, 0));
    if (file->outcome != VAULT_STORED)
        return false;
    if (rename_into(file->vault, file->temporary, folder, sha256)) {
        file->has_temporary = false;
        file->written = 0; /* it stays, and stays in the total */
        return true;
    }
    /* another worker, or another run, was faster */
    if (errno != EEXIST || !is_there(folder, sha256, file->size))
        return false;
    remove_temporary(file);
    return true;
}

static char *make_path(const struct vault *vault, const char *sha256)
{
    size_t length = strlen(vault->directory);
    size_t size = length + DIGEST_HEX_SIZE + 5;
    char *path = memory_new(size);

    while (length > 1 && vault->directory[length - 1] == '/')
        length--;
    if (path != NULL)
        snprintf(path, size, "%.*s%s%.2s/%s", (int)length, vault->directory, vault->directory[length - 1] == '/' ? "" : "/", sha256, sha256);
    return path;
}

enum vault_outcome vault_end(struct vault_file *file, const char *sha256)
{
    int folder;
    bool is_stored;
    int reason;

    if (file == NULL)
        return VAULT_FAILED;
    if (file->outcome != VAULT_STORED)
        return file->outcome;
    folder = open_folder(file->vault, sha256);
    is_stored = folder >= 0 && put_in_place(file, folder, sha256);
    reason = errno;
    if (folder >= 0)
        close(folder);
    errno = reason;
    free_buffer(file);
    if (is_stored)
        file->path = make_path(file->vault, sha256);
    else if (file->outcome == VAULT_STORED)
        refuse(file, VAULT_FAILED);
    return file->outcome;
}

const char *vault_path(const struct vault_file *file)
{
    return file != NULL ? file->path : NULL;
}

void vault_free(struct vault_file *file)
{
    if (file == NULL)
        return;
    remove_temporary(file);
    free_buffer(file);
    memory_free(file->path);
    memory_free(file);
}

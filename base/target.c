/* target.c - see target.h */
#include "base/target.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What was on the wire is not for everyone on the machine. */
#define TARGET_PERMISSIONS 0640
/* Temporary files of earlier processes with the same number that may be in the way: in a container it is always 1. */
#define TEMPORARY_NAMES_MOST 100

char *target_path(const char *path)
{
    size_t size = strlen(path) + 3;
    char *result = malloc(size);

    if (result == NULL)
        log_error("out of memory");
    else
        snprintf(result, size, "%s%s", path[0] == '/' ? "" : "./", path);
    return result;
}

/* A link that leads nowhere counts as well. */
static bool exists(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0;
}

static bool make_file(const char *path)
{
    int file = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, TARGET_PERMISSIONS);

    if (file < 0)
        return false;
    close(file);
    return true;
}

/* As the user wrote it, most likely. */
static const char *shown(const char *path)
{
    return strncmp(path, "./", 2) == 0 ? path + 2 : path;
}

static void log_exists(const char *path)
{
    log_error("'%s' exists already: choose another name, or move it away (read and live add to a database with --append)", shown(path));
}

bool target_make(const char *path)
{
    if (make_file(path))
        return true;
    if (errno == EEXIST)
        log_exists(path);
    else
        log_error("'%s' cannot be written: %s", shown(path), strerror(errno));
    return false;
}

char *target_make_temporary(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    size_t size = strlen(path) + 64;
    char *temporary = malloc(size);

    if (temporary == NULL) {
        log_error("out of memory");
        return NULL;
    }
    if (exists(path)) {
        log_exists(path);
        free(temporary);
        return NULL;
    }
    for (int i = 0; i < TEMPORARY_NAMES_MOST; i++) {
        int used = snprintf(temporary, size, "%.*s.%s.partial-%ld", (int)(name - path), path, name, (long)getpid());

        if (i > 0)
            snprintf(temporary + used, size - (size_t)used, "-%d", i);
        if (make_file(temporary))
            return temporary;
        if (errno != EEXIST)
            break;
    }
    log_error("'%s' cannot be written: %s", shown(path), strerror(errno));
    free(temporary);
    return NULL;
}

static bool sync_path(const char *path, int flags)
{
    int file = open(path, flags | O_CLOEXEC);
    bool is_synced;

    if (file < 0)
        return false;
    is_synced = fsync(file) == 0;
    close(file);
    return is_synced;
}

static bool rename_without_overwriting(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return true;
    if (errno != EINVAL && errno != ENOSYS)
        return false;
    /* a file system that does not know the flag */
    if (link(from, to) != 0)
        return false;
    unlink(from);
    return true;
}

static void sync_directory_of(const char *path)
{
    char *directory = strdup(path);
    char *slash = directory == NULL ? NULL : strrchr(directory, '/');

    if (directory == NULL)
        return;
    if (slash == NULL)
        strcpy(directory, "."); /* the path has at least one character */
    else
        slash[slash == directory] = '\0';
    /* not every file system can; the file itself is safe by now */
    (void)sync_path(directory, O_RDONLY | O_DIRECTORY);
    free(directory);
}

bool target_put_in_place(const char *temporary, const char *path)
{
    if (!sync_path(temporary, O_RDWR)) {
        log_error("'%s' cannot be brought to the disk: %s; what was read is in '%s'", shown(path), strerror(errno), shown(temporary));
        return false;
    }
    if (!rename_without_overwriting(temporary, path)) {
        log_error("'%s' cannot be put in place: %s; the finished file is '%s'", shown(path), strerror(errno), shown(temporary));
        return false;
    }
    sync_directory_of(path);
    return true;
}

/*
 * replay.c - runs the fuzz targets over given files, without a fuzzer: replay TARGET FILE_OR_FOLDER...
 * Each input lies in memory of its own. Prints the number of inputs; the first that fails ends the program.
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define INPUT_MOST (16 << 20)

static unsigned long inputs;

static void run_file(const struct fuzz_target *target, const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes;
    uint8_t *exact;
    size_t length;

    if (file == NULL) {
        fprintf(stderr, "replay: %s cannot be opened\n", path);
        exit(1);
    }
    bytes = malloc(INPUT_MOST);
    length = bytes != NULL ? fread(bytes, 1, INPUT_MOST, file) : 0;
    fclose(file);
    exact = malloc(length > 0 ? length : 1);
    if (exact != NULL) {
        if (length > 0)
            memcpy(exact, bytes, length);
        fprintf(stderr, "\r%s %s\033[K", target->name, path);
        target->run(bytes_of(exact, length));
        inputs++;
    }
    free(exact);
    free(bytes);
}

static void run_path(const struct fuzz_target *target, const char *path)
{
    struct stat status;
    DIR *folder;
    const struct dirent *entry;
    char inner[4096];

    if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode)) {
        run_file(target, path);
        return;
    }
    folder = opendir(path);
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.')
            run_path(target, inner);
    }
    if (folder != NULL)
        closedir(folder);
}

int main(int count, char **words)
{
    const struct fuzz_target *target = count > 2 ? fuzz_find(words[1], strlen(words[1])) : NULL;

    if (target == NULL) {
        fprintf(stderr, "usage: replay TARGET FILE_OR_FOLDER...; targets:");
        for (target = fuzz_targets; target->run != NULL; target++)
            fprintf(stderr, " %s", target->name);
        fprintf(stderr, "\n");
        return 2;
    }
    for (int i = 2; i < count; i++)
        run_path(target, words[i]);
    fprintf(stderr, "\r\033[K");
    printf("%s: %lu inputs\n", target->name, inputs);
    return 0;
}

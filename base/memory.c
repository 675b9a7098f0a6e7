/* memory.c - see memory.h. The sizes are the allocator's own, so that no header has to stand before each piece. */
#include "base/memory.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Signed: what one thread made before another took it over is given back there. */
static _Thread_local ptrdiff_t in_use;

static ptrdiff_t cost_of(void *piece)
{
    return piece != NULL ? (ptrdiff_t)(malloc_usable_size(piece) + MEMORY_OVERHEAD) : 0;
}

void *memory_new(size_t size)
{
    void *piece = malloc(size);

    in_use += cost_of(piece);
    return piece;
}

void *memory_new_zeroed(size_t count, size_t size)
{
    void *piece = calloc(count, size);

    in_use += cost_of(piece);
    return piece;
}

void *memory_resize(void *piece, size_t size)
{
    ptrdiff_t before = cost_of(piece);
    void *resized = realloc(piece, size);

    if (resized != NULL)
        in_use += cost_of(resized) - before;
    return resized;
}

void memory_free(void *piece)
{
    in_use -= cost_of(piece);
    free(piece);
}

size_t memory_in_use(void)
{
    return in_use > 0 ? (size_t)in_use : 0;
}

void memory_count(ptrdiff_t bytes)
{
    in_use += bytes;
}

/* The number in a file of one line; 0 where it has none ("max"). */
static uint64_t read_number(const char *path)
{
    FILE *file = fopen(path, "re");
    unsigned long long number = 0;

    if (file == NULL)
        return 0;
    if (fscanf(file, "%llu", &number) != 1)
        number = 0;
    fclose(file);
    return number;
}

/* The limit of the control group of this process (cgroup v2, else v1); 0: none. */
static uint64_t limit_of_group(void)
{
    char line[512];
    char path[600];
    FILE *file = fopen("/proc/self/cgroup", "re");
    uint64_t limit = 0;

    while (file != NULL && limit == 0 && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "0::", 3) != 0)
            continue;
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.max", line + 3);
        limit = read_number(path);
    }
    if (file != NULL)
        fclose(file);
    if (limit == 0)
        limit = read_number("/sys/fs/cgroup/memory.max"); /* inside a container its own group is the root */
    if (limit == 0)
        limit = read_number("/sys/fs/cgroup/memory/memory.limit_in_bytes");
    return limit;
}

uint64_t memory_of_machine(void)
{
    long pages = sysconf(_SC_PHYS_PAGES);
    long page = sysconf(_SC_PAGESIZE);
    uint64_t memory = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
    uint64_t limit = limit_of_group();

    return limit != 0 && (memory == 0 || limit < memory) ? limit : memory;
}

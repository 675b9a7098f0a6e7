/* check.c - see check.h; runs all unit tests, or those whose names contain the first argument. */
#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MOST_TESTS 1024

struct test {
    const char *name;
    void (*run)(void);
};

static struct test tests[MOST_TESTS];
static size_t test_count;
static unsigned failures_of_this_test;
static unsigned long checks;

void check_register(const char *name, void (*run)(void))
{
    if (test_count == MOST_TESTS) {
        fprintf(stderr, "more than %d unit tests: raise MOST_TESTS\n", MOST_TESTS);
        exit(2);
    }
    tests[test_count++] = (struct test){.name = name, .run = run};
}

bool check_outcome(bool holds, const char *file, int line, const char *text)
{
    /* tests of threads check on one thread only, after the others were joined */
    checks++;
    if (holds)
        return true;
    failures_of_this_test++;
    printf("    %s:%d: does not hold: %s\n", file, line, text);
    return false;
}

bool check_texts(const char *found, const char *wanted, const char *file, int line, const char *text)
{
    if (found != NULL && strcmp(found, wanted) == 0)
        return check_outcome(true, file, line, text);
    check_outcome(false, file, line, text);
    printf("        found:  %s\n        wanted: %s\n", found == NULL ? "(NULL)" : found, wanted);
    return false;
}

const uint8_t *check_against_the_edge(const void *bytes, size_t length)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t pages = (length + page - 1) / page + 1;
    uint8_t *area = mmap(NULL, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint8_t *edge;

    if (area == MAP_FAILED) {
        perror("mmap");
        exit(2);
    }
    edge = area + (pages - 1) * page;
    if (mprotect(edge, page, PROT_NONE) != 0) {
        perror("mprotect");
        exit(2);
    }
    if (length > 0)
        memcpy(edge - length, bytes, length);
    return edge - length;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct test *)a)->name, ((const struct test *)b)->name);
}

int main(int argument_count, char **arguments)
{
    const char *wanted = argument_count > 1 ? arguments[1] : "";
    unsigned passed = 0;
    unsigned failed = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    qsort(tests, test_count, sizeof tests[0], by_name);
    for (size_t i = 0; i < test_count; i++) {
        if (strstr(tests[i].name, wanted) == NULL)
            continue;
        failures_of_this_test = 0;
        tests[i].run();
        if (failures_of_this_test == 0) {
            passed++;
            continue;
        }
        failed++;
        printf("FAIL unit: %s\n", tests[i].name);
    }
    fflush(stderr); /* a test that turned it elsewhere may have left it buffered: the last line is the count */
    printf("unit tests, %lu checks\n%u passed, %u failed, 0 skipped\n", checks, passed, failed);
    return failed > 0 || passed == 0;
}

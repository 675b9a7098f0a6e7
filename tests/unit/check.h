/*
 * check.h - the harness of the unit tests.
 *
 *     UNIT_TEST(cursor_takes_numbers)
 *     {
 *         CHECK(take_u8(&cursor) == 1);
 *     }
 *
 * A test registers itself before main runs: a new file needs its line in Makefile.am and nothing else.
 * A CHECK that does not hold prints its file, line and text; the test goes on and counts as failed.
 */
#ifndef WIRESCRIBE_TESTS_UNIT_CHECK_H
#define WIRESCRIBE_TESTS_UNIT_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void check_register(const char *name, void (*run)(void));

/* Notes the outcome of one check; answers `holds`. */
bool check_outcome(bool holds, const char *file, int line, const char *text);

/* The same for two texts: prints both where they differ. */
bool check_texts(const char *found, const char *wanted, const char *file, int line, const char *text);

#define CHECK(CONDITION) check_outcome((CONDITION), __FILE__, __LINE__, #CONDITION)
#define CHECK_TEXT(FOUND, WANTED) check_texts((FOUND), (WANTED), __FILE__, __LINE__, #FOUND)

#define UNIT_TEST(NAME) \
    static void NAME(void); \
    __attribute__((constructor)) static void register_##NAME(void) \
    { \
        check_register(#NAME, NAME); \
    } \
    static void NAME(void)

/*
 * A copy of `length` bytes that ends where an unreadable page begins: a read behind its end is a crash, with or
 * without sanitizers. Valid to the end of the program.
 */
const uint8_t *check_against_the_edge(const void *bytes, size_t length);

#endif

/* bytes.c - see bytes.h */
#include "base/bytes.h"

static uint8_t lower(uint8_t letter)
{
    return letter >= 'A' && letter <= 'Z' ? (uint8_t)(letter + ('a' - 'A')) : letter;
}

bool bytes_begin_nocase(struct bytes a, const char *text)
{
    size_t length = strlen(text);

    if (a.length < length)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (lower(a.at[i]) != lower((uint8_t)text[i]))
            return false;
    }
    return true;
}

bool bytes_equal_nocase(struct bytes a, const char *text)
{
    return a.length == strlen(text) && bytes_begin_nocase(a, text);
}

bool bytes_contain_nocase(struct bytes a, const char *text)
{
    size_t length = strlen(text);

    for (size_t start = 0; start + length <= a.length; start++) {
        if (bytes_begin_nocase(bytes_of(a.at + start, a.length - start), text))
            return true;
    }
    return false;
}

struct bytes bytes_trim(struct bytes a)
{
    while (a.length > 0 && (a.at[0] == ' ' || a.at[0] == '\t')) {
        a.at++;
        a.length--;
    }
    while (a.length > 0 && (a.at[a.length - 1] == ' ' || a.at[a.length - 1] == '\t'))
        a.length--;
    return a;
}

struct bytes bytes_split(struct bytes a, uint8_t stop, struct bytes *rest)
{
    const uint8_t *found = a.length > 0 ? memchr(a.at, stop, a.length) : NULL;
    struct bytes before = a;

    if (found == NULL) {
        *rest = bytes_of(NULL, 0);
        return before;
    }
    before.length = (size_t)(found - a.at);
    *rest = bytes_of(found + 1, a.length - before.length - 1);
    return before;
}

bool bytes_to_number(struct bytes a, uint64_t most, uint64_t *value)
{
    uint64_t number = 0;

    if (a.length == 0)
        return false;
    for (size_t i = 0; i < a.length; i++) {
        uint8_t digit = (uint8_t)(a.at[i] - '0');

        if (digit > 9 || number > (UINT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    if (number > most)
        return false;
    *value = number;
    return true;
}

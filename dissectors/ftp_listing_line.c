/*
 * ftp_listing_line.c - one line of a directory listing; see ftp_listing.h.
 *
 * LIST has no standard. What is read here is what Unix's ls -l prints and what servers print that imitate it (with or
 * without group, links and year; devices; Netware's rights in brackets), DOS and IIS, MLSD's facts (RFC 3659, 7.2), and
 * EPLF (https://cr.yp.to/ftp/list/eplf.html). A date counts only in the forms that can be nothing else.
 *
 * Leaves out: VMS, MVS, AS/400, month names other than English ones.
 */
#include "dissectors/ftp_listing.h"

#include "base/cursor.h"

#define WORDS_LIMIT 16

/* The words of a line that stand before its name. */
struct words {
    struct bytes at[WORDS_LIMIT];
    size_t count;
};

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

static struct words split_words(struct bytes line)
{
    struct words words = {.count = 0};
    struct cursor cursor = cursor_within(line);

    while (words.count < WORDS_LIMIT) {
        struct bytes rest;
        size_t length = 0;

        while (peek_u8(&cursor) == ' ' || peek_u8(&cursor) == '\t')
            skip_bytes(&cursor, 1);
        rest = peek_bytes(&cursor);
        while (length < rest.length && !is_space(rest.at[length]))
            length++;
        if (length == 0)
            return words;
        words.at[words.count++] = take_bytes(&cursor, length);
    }
    return words;
}

/* What stands in `line` behind `part`, which lies in it. */
static struct bytes behind(struct bytes line, struct bytes part)
{
    size_t end = (size_t)(part.at - line.at) + part.length;

    return bytes_of(line.at + end, line.length - end);
}

static struct bytes from_to(struct bytes first, struct bytes last)
{
    return bytes_of(first.at, (size_t)(last.at - first.at) + last.length);
}

static struct bytes without_first(struct bytes text, size_t count)
{
    return count < text.length ? bytes_of(text.at + count, text.length - count) : bytes_of(NULL, 0);
}

static bool is_number(struct bytes word, uint64_t most)
{
    uint64_t number;

    return bytes_to_number(word, most, &number);
}

static struct record_integer number_of(struct bytes word)
{
    uint64_t number;

    return bytes_to_number(word, INT64_MAX, &number) ? record_integer((int64_t)number) : (struct record_integer){.is_known = false};
}

/* "12:34" or "12:34:56" */
static bool is_clock(struct bytes word)
{
    if (word.length != 5 && word.length != 4 && word.length != 8)
        return false;
    for (size_t i = 0; i < word.length; i++) {
        bool is_colon = word.at[i] == ':';

        if (!is_colon && (word.at[i] < '0' || word.at[i] > '9'))
            return false;
    }
    return word.at[word.length - 3] == ':' && (word.length != 8 || word.at[2] == ':');
}

static bool is_month(struct bytes word)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

    for (size_t i = 0; i < sizeof months / sizeof months[0]; i++) {
        if (bytes_equal_nocase(word, months[i]))
            return true;
    }
    return false;
}

static bool is_day(struct bytes word)
{
    if (word.length > 0 && word.at[word.length - 1] == '.')
        word.length--;
    return word.length <= 2 && is_number(word, 31);
}

static bool is_year(struct bytes word)
{
    return word.length == 4 && (word.at[0] == '1' || word.at[0] == '2') && is_number(word, 2999);
}

/* "2026-01-31" */
static bool is_iso_date(struct bytes word)
{
    return word.length == 10 && word.at[4] == '-' && word.at[7] == '-' && is_number(bytes_of(word.at, 4), 9999) &&
           is_number(bytes_of(word.at + 5, 2), 12) && is_number(bytes_of(word.at + 8, 2), 31);
}

/* How many words from `at` on are a date and its time; 0: none. */
static size_t date_length(const struct words *words, size_t at)
{
    const struct bytes *word = &words->at[at];
    size_t left = words->count - at;

    if (left >= 3 && ((is_month(word[0]) && is_day(word[1])) || (is_day(word[0]) && is_month(word[1]))) && (is_clock(word[2]) || is_year(word[2])))
        return 3;
    if (left >= 2 && is_iso_date(word[0]) && is_clock(word[1]))
        return 2;
    return 0;
}

/* ---- Unix ---- */

static const char *kind_of_letter(uint8_t letter)
{
    switch (letter) {
    case '-':
        return "file";
    case 'd':
        return "directory";
    case 'l':
        return "link";
    case 'b':
    case 'c':
        return "device";
    case 'p':
        return "pipe";
    case 's':
        return "socket";
    default:
        return "other";
    }
}

/* "drwxr-xr-x", with what ACLs and labels add; Netware writes "d" and the rights in brackets. */
static bool is_mode(const struct words *words, size_t *length)
{
    static const char letters[] = "-dlbcpsDMPw";
    static const char rights[] = "-rwxsStTlLa";
    struct bytes word = words->at[0];

    if (word.length == 0 || memchr(letters, word.at[0], sizeof letters - 1) == NULL)
        return false;
    *length = 1;
    if (word.length == 1 && words->count > 1) {
        struct bytes second = words->at[1];

        *length = 2;
        return second.length > 2 && second.at[0] == '[' && second.at[second.length - 1] == ']';
    }
    if (word.length < 10 || word.length > 11)
        return false;
    for (size_t i = 1; i < 10; i++) {
        if (memchr(rights, word.at[i], sizeof rights - 1) == NULL)
            return false;
    }
    return word.length == 10 || word.at[10] == '+' || word.at[10] == '.' || word.at[10] == '@';
}

/* Owner and group: what stands between the count of links, which not every server shows, and the size. */
static void set_owner(const struct words *words, size_t first, size_t end, struct ftp_listing_entry *entry)
{
    if (end > first + 1 && is_number(words->at[first], INT64_MAX))
        first++;
    if (end - first >= 1 && end > first)
        entry->owner = words->at[first];
    if (end - first >= 2 && end > first)
        entry->group = from_to(words->at[first + 1], words->at[end - 1]);
}

/* "name -> target": ls gives the length of the target as the link's size, which tells where a name with an arrow in it ends. */
static void split_target(struct ftp_listing_entry *entry)
{
    static const char arrow[] = " -> ";
    const size_t arrow_length = sizeof arrow - 1;
    struct bytes all = entry->name;

    if (entry->size.is_known && (uint64_t)entry->size.value < all.length) {
        size_t target_at = all.length - (size_t)entry->size.value;

        if (target_at > arrow_length && bytes_equal(bytes_of(all.at + target_at - arrow_length, arrow_length), bytes_of_text(arrow))) {
            entry->name = bytes_of(all.at, target_at - arrow_length);
            entry->target = bytes_of(all.at + target_at, all.length - target_at);
            return;
        }
    }
    for (size_t i = 1; i + arrow_length < all.length; i++) {
        if (!bytes_equal(bytes_of(all.at + i, arrow_length), bytes_of_text(arrow)))
            continue;
        entry->name = bytes_of(all.at, i);
        entry->target = bytes_of(all.at + i + arrow_length, all.length - i - arrow_length);
        return;
    }
}

/* Whether the word before the date can be a size: a number, or the second half of a device's ("8, 0", "8,0"). */
static bool is_size(struct bytes word)
{
    struct bytes minor;
    struct bytes major = bytes_split(word, ',', &minor);

    return is_number(word, INT64_MAX) || (minor.at != NULL && is_number(major, INT32_MAX) && is_number(minor, INT32_MAX));
}

static enum ftp_listing_line read_unix(struct bytes line, const struct words *words, size_t mode_length, struct ftp_listing_entry *entry)
{
    for (size_t at = mode_length + 1; at < words->count; at++) {
        size_t length = date_length(words, at);
        struct bytes size = words->at[at - 1];
        size_t owner_end = at - 1;

        if (length == 0 || !is_size(size))
            continue;
        entry->kind = kind_of_letter(line.at[0]);
        entry->permissions = from_to(words->at[0], words->at[mode_length - 1]);
        entry->size = number_of(size);
        if (line.at[0] == 'b' || line.at[0] == 'c') {
            entry->size.is_known = false;
            if (owner_end > mode_length && words->at[owner_end - 1].at[words->at[owner_end - 1].length - 1] == ',')
                owner_end--;
        }
        set_owner(words, mode_length, owner_end, entry);
        entry->modified = from_to(words->at[at], words->at[at + length - 1]);
        entry->name = without_first(behind(line, words->at[at + length - 1]), 1);
        if (line.at[0] == 'l')
            split_target(entry);
        return entry->name.length > 0 ? FTP_LINE_ENTRY : FTP_LINE_STRANGE;
    }
    return FTP_LINE_STRANGE;
}

/* ---- DOS and IIS ---- */

/* "01-31-26", "01-31-2026", "01/31/26", "2026-01-31"; which number is the month is the server's custom. */
static bool is_dos_date(struct bytes word)
{
    uint8_t separator = word.length > 2 ? word.at[2] : 0;

    if (is_iso_date(word))
        return true;
    return (word.length == 8 || word.length == 10) && (separator == '-' || separator == '/' || separator == '.') && word.at[5] == separator &&
           is_number(bytes_of(word.at, 2), 31) && is_number(bytes_of(word.at + 3, 2), 31) && is_number(bytes_of(word.at + 6, word.length - 6), 9999);
}

/* "03:04PM", "15:04" */
static bool is_dos_clock(struct bytes word)
{
    if (word.length == 7 && (bytes_equal_nocase(bytes_of(word.at + 5, 2), "AM") || bytes_equal_nocase(bytes_of(word.at + 5, 2), "PM")))
        word.length = 5;
    return is_clock(word);
}

static enum ftp_listing_line read_dos(struct bytes line, const struct words *words, struct ftp_listing_entry *entry)
{
    size_t at = 2;

    if (at < words->count && (bytes_equal_nocase(words->at[at], "AM") || bytes_equal_nocase(words->at[at], "PM")))
        at++;
    if (at >= words->count)
        return FTP_LINE_STRANGE;
    entry->modified = from_to(words->at[0], words->at[at - 1]);
    entry->name = behind(line, words->at[at]);
    entry->size = number_of(words->at[at]);
    if (entry->size.is_known) {
        entry->kind = "file";
        entry->name = without_first(entry->name, 1);
    } else {
        if (words->at[at].at[0] != '<')
            return FTP_LINE_STRANGE;
        entry->kind = bytes_equal_nocase(words->at[at], "<DIR>") ? "directory" : bytes_begin_nocase(words->at[at], "<SYMLINK") ||
                                                                                         bytes_equal_nocase(words->at[at], "<JUNCTION>")
                                                                                     ? "link"
                                                                                     : "other";
        while (entry->name.length > 0 && is_space(entry->name.at[0]))
            entry->name = without_first(entry->name, 1);
    }
    return entry->name.length > 0 ? FTP_LINE_ENTRY : FTP_LINE_STRANGE;
}

/* ---- facts: MLSD, MLST, EPLF ---- */

/* Days from 1970-01-01 in the Gregorian calendar. */
static int64_t days_from_epoch(int64_t year, int64_t month, int64_t day)
{
    int64_t shifted_year = month <= 2 ? year - 1 : year;
    int64_t shifted_month = month <= 2 ? month + 9 : month - 3; /* from March */

    return shifted_year * 365 + shifted_year / 4 - shifted_year / 100 + shifted_year / 400 + (shifted_month * 153 + 2) / 5 + day - 1 - 719468;
}

/* YYYYMMDDHHMMSS(.sss) in UTC (RFC 3659, 2.3). */
static struct record_integer time_of_fact(struct bytes value)
{
    static const struct {
        uint8_t length;
        uint16_t least;
        uint16_t most;
    } fields[] = {{4, 1, 9999}, {2, 1, 12}, {2, 1, 31}, {2, 0, 23}, {2, 0, 59}, {2, 0, 60}};
    struct cursor cursor = cursor_within(value);
    uint64_t number[6] = {0};
    uint64_t fraction = 0;
    uint64_t unit = 100000;

    for (size_t i = 0; i < 6; i++) {
        if (!bytes_to_number(take_bytes(&cursor, fields[i].length), fields[i].most, &number[i]) || number[i] < fields[i].least)
            return (struct record_integer){.is_known = false};
    }
    if (cursor_left(&cursor) > 0 && take_u8(&cursor) != '.')
        return (struct record_integer){.is_known = false};
    for (int digit; (digit = peek_u8(&cursor)) >= '0' && digit <= '9'; unit /= 10) {
        fraction += (uint64_t)(digit - '0') * unit;
        skip_bytes(&cursor, 1);
    }
    return record_integer(((days_from_epoch((int64_t)number[0], (int64_t)number[1], (int64_t)number[2]) * 24 + (int64_t)number[3]) * 60 +
                           (int64_t)number[4]) * 60000000 + (int64_t)(number[5] * 1000000 + fraction));
}

static void on_type(struct bytes value, struct ftp_listing_entry *entry)
{
    struct bytes target;
    struct bytes type = bytes_split(value, ':', &target);

    if (bytes_equal_nocase(value, "file"))
        entry->kind = "file";
    else if (bytes_equal_nocase(value, "dir") || bytes_equal_nocase(value, "cdir") || bytes_equal_nocase(value, "pdir"))
        entry->kind = "directory";
    else if (bytes_equal_nocase(type, "OS.unix=slink") || bytes_equal_nocase(type, "OS.unix=symlink"))
        entry->kind = "link";
    else
        entry->kind = "other";
    if (target.at != NULL && entry->kind[0] == 'l')
        entry->target = target;
}

static void on_fact(struct bytes fact, struct ftp_listing_entry *entry)
{
    struct bytes value;
    struct bytes name = bytes_split(fact, '=', &value);

    if (bytes_equal_nocase(name, "type"))
        on_type(value, entry);
    else if (bytes_equal_nocase(name, "size") || (bytes_equal_nocase(name, "sizd") && !entry->size.is_known))
        entry->size = number_of(value);
    else if (bytes_equal_nocase(name, "modify")) {
        entry->modified = value;
        entry->modified_us = time_of_fact(value);
    } else if (bytes_equal_nocase(name, "UNIX.mode") || (bytes_equal_nocase(name, "perm") && entry->permissions.length == 0))
        entry->permissions = value;
    else if (bytes_equal_nocase(name, "UNIX.ownername") || (bytes_equal_nocase(name, "UNIX.owner") && entry->owner.length == 0))
        entry->owner = value;
    else if (bytes_equal_nocase(name, "UNIX.groupname") || (bytes_equal_nocase(name, "UNIX.group") && entry->group.length == 0))
        entry->group = value;
    else if (bytes_equal_nocase(name, "unique"))
        entry->unique = value;
}

/* "fact=value;fact=value; name": one space stands before the name, and no fact is a line with that space alone. */
static enum ftp_listing_line read_facts(struct bytes line, struct ftp_listing_entry *entry)
{
    struct bytes facts = bytes_split(line, ' ', &entry->name);

    if (entry->name.at == NULL || entry->name.length == 0 || (facts.length > 0 && memchr(facts.at, '=', facts.length) == NULL))
        return FTP_LINE_STRANGE;
    while (facts.at != NULL && facts.length > 0) {
        struct bytes fact = bytes_split(facts, ';', &facts);

        on_fact(fact, entry);
    }
    return FTP_LINE_ENTRY;
}

static void on_eplf_fact(struct bytes fact, struct ftp_listing_entry *entry)
{
    struct bytes value = without_first(fact, 1);
    struct record_integer seconds;

    switch (fact.length > 0 ? fact.at[0] : 0) {
    case '/':
        entry->kind = "directory";
        break;
    case 'r':
        entry->kind = entry->kind != NULL ? entry->kind : "file";
        break;
    case 's':
        entry->size = number_of(value);
        break;
    case 'i':
        entry->unique = value;
        break;
    case 'm':
        entry->modified = value;
        seconds = number_of(value);
        if (seconds.is_known && seconds.value < INT64_MAX / 1000000)
            entry->modified_us = record_integer(seconds.value * 1000000);
        break;
    case 'u':
        if (value.length > 1 && value.at[0] == 'p')
            entry->permissions = without_first(value, 1);
        break;
    default:
        break;
    }
}

static enum ftp_listing_line read_eplf(struct bytes line, struct ftp_listing_entry *entry)
{
    struct bytes facts = bytes_split(without_first(line, 1), '\t', &entry->name);

    if (entry->name.at == NULL || entry->name.length == 0)
        return FTP_LINE_STRANGE;
    while (facts.at != NULL && facts.length > 0) {
        struct bytes fact = bytes_split(facts, ',', &facts);

        on_eplf_fact(fact, entry);
    }
    return FTP_LINE_ENTRY;
}

/* ---- any of them ---- */

static enum ftp_listing_line read_long(struct bytes line, struct ftp_listing_entry *entry)
{
    struct words words = split_words(line);
    size_t mode_length;

    if (words.count == 0)
        return FTP_LINE_EMPTY;
    if (line.at[0] == '+')
        return read_eplf(line, entry);
    if (words.count == 2 && bytes_equal_nocase(words.at[0], "total") && is_number(words.at[1], INT64_MAX))
        return FTP_LINE_EMPTY;
    if (!is_space(line.at[0]) && is_mode(&words, &mode_length))
        return read_unix(line, &words, mode_length, entry);
    if (words.count >= 3 && is_dos_date(words.at[0]) && is_dos_clock(words.at[1]))
        return read_dos(line, &words, entry);
    if (line.length > 1 && line.at[line.length - 1] == ':') {
        entry->name = bytes_of(line.at, line.length - 1);
        return FTP_LINE_DIRECTORY;
    }
    return FTP_LINE_STRANGE;
}

enum ftp_listing_line ftp_listing_read(enum ftp_listing_form form, struct bytes line, struct ftp_listing_entry *entry)
{
    enum ftp_listing_line found;

    *entry = (struct ftp_listing_entry){.kind = NULL};
    if (line.length == 0)
        return FTP_LINE_EMPTY;
    switch (form) {
    case FTP_LISTING_NAMES:
        entry->name = line;
        return FTP_LINE_ENTRY;
    case FTP_LISTING_FACTS:
        found = read_facts(line, entry);
        break;
    case FTP_LISTING_LONG:
    default:
        found = read_long(line, entry);
        break;
    }
    if (found == FTP_LINE_STRANGE)
        *entry = (struct ftp_listing_entry){.kind = NULL};
    return found;
}

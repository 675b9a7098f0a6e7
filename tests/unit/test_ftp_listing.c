/* test_ftp_listing.c - dissectors/ftp_listing_line.c: the forms of directory listings. */
#include "base/text.h"
#include "dissectors/ftp_listing.h"
#include "tests/unit/check.h"

#include <inttypes.h>
#include <stdio.h>

/* What is read of a line, its parts between bars: kind, name, size, modified, modified_us, target, permissions, owner, group. */
static const char *read_line(enum ftp_listing_form form, const char *line)
{
    static struct text found = {.limit = 1024};
    struct ftp_listing_entry entry;
    size_t length = strlen(line);
    const enum ftp_listing_line answer = ftp_listing_read(form, bytes_of(check_against_the_edge(line, length), length), &entry);

    text_clear(&found);
    if (answer == FTP_LINE_EMPTY)
        return "empty";
    if (answer == FTP_LINE_STRANGE)
        return "strange";
    text_append_format(&found, "%s|", answer == FTP_LINE_DIRECTORY ? "heading" : entry.kind != NULL ? entry.kind : "");
    text_append(&found, entry.name);
    text_append_text(&found, "|");
    if (entry.size.is_known)
        text_append_format(&found, "%" PRId64, entry.size.value);
    text_append_text(&found, "|");
    text_append(&found, entry.modified);
    text_append_text(&found, "|");
    if (entry.modified_us.is_known)
        text_append_format(&found, "%" PRId64, entry.modified_us.value);
    text_append_text(&found, "|");
    text_append(&found, entry.target);
    text_append_text(&found, "|");
    text_append(&found, entry.permissions);
    text_append_text(&found, "|");
    text_append(&found, entry.owner);
    text_append_text(&found, "|");
    text_append(&found, entry.group);
    return found.at;
}

#define LONG(LINE) read_line(FTP_LISTING_LONG, LINE)
#define FACTS(LINE) read_line(FTP_LISTING_FACTS, LINE)

UNIT_TEST(ftp_listing_of_unix)
{
    CHECK_TEXT(LONG("-rw-r--r--   1 root     other        531 Jan 29 03:26 README"), "file|README|531|Jan 29 03:26|||-rw-r--r--|root|other");
    CHECK_TEXT(LONG("dr-xr-xr-x   2 root     other        512 Apr  8  1994 my files"),
               "directory|my files|512|Apr  8  1994|||dr-xr-xr-x|root|other");
    CHECK_TEXT(LONG("dr-xr-xr-x   2 root     512 Apr  8  1994 etc"), "directory|etc|512|Apr  8  1994|||dr-xr-xr-x|root|");
    CHECK_TEXT(LONG("-rw-r--r--   1 1001 1001 5368709120 Nov 25 2025 big.iso"), "file|big.iso|5368709120|Nov 25 2025|||-rw-r--r--|1001|1001");
    CHECK_TEXT(LONG("-rw-r--r--+  1 DOM\\user Domain Users 12 Jan  1 00:00  leading"),
               "file| leading|12|Jan  1 00:00|||-rw-r--r--+|DOM\\user|Domain Users");
    CHECK_TEXT(LONG("-rw-r--r-- 1 a b 3 2026-01-31 12:34 iso"), "file|iso|3|2026-01-31 12:34|||-rw-r--r--|a|b");
    CHECK_TEXT(LONG("-rw-r--r-- 1 a b 3 31 Jan 12:34 day first"), "file|day first|3|31 Jan 12:34|||-rw-r--r--|a|b");
    CHECK_TEXT(LONG("drwxrwxr-x               folder        2 May 10  1996 network"), "directory|network|2|May 10  1996|||drwxrwxr-x|folder|");
    CHECK_TEXT(LONG("d [R----F--] supervisor            512       Jan 16 18:53    login"),
               "directory|   login|512|Jan 16 18:53|||d [R----F--]|supervisor|");
    CHECK_TEXT(LONG("total 12"), "empty");
    CHECK_TEXT(LONG(""), "empty");
    CHECK_TEXT(LONG("./sub:"), "heading|./sub|||||||");
}

UNIT_TEST(ftp_listing_of_links_and_devices)
{
    CHECK_TEXT(LONG("lrwxrwxrwx   1 root     other          7 Jan 25 00:17 bin -> usr/bin"),
               "link|bin|7|Jan 25 00:17||usr/bin|lrwxrwxrwx|root|other");
    /* the size says which arrow is the link's */
    CHECK_TEXT(LONG("lrwxrwxrwx 1 a b 3 Jan 25 00:17 a -> b -> usr"), "link|a -> b|3|Jan 25 00:17||usr|lrwxrwxrwx|a|b");
    CHECK_TEXT(LONG("lrwxrwxrwx 1 a b 8 Jan 25 00:17 a -> b -> usr"), "link|a|8|Jan 25 00:17||b -> usr|lrwxrwxrwx|a|b");
    CHECK_TEXT(LONG("lrwxrwxrwx 1 a b 3 Jan 25 00:17 broken"), "link|broken|3|Jan 25 00:17|||lrwxrwxrwx|a|b");
    CHECK_TEXT(LONG("brw-rw---- 1 root disk 8, 0 Jan  1 00:00 sda"), "device|sda||Jan  1 00:00|||brw-rw----|root|disk");
    CHECK_TEXT(LONG("crw-rw-rw- 1 root root 1,3 Jan  1 00:00 null"), "device|null||Jan  1 00:00|||crw-rw-rw-|root|root");
    CHECK_TEXT(LONG("srwxr-xr-x 1 root root 0 Jan  1 00:00 sock"), "socket|sock|0|Jan  1 00:00|||srwxr-xr-x|root|root");
    CHECK_TEXT(LONG("prw-r--r-- 1 root root 0 Jan  1 00:00 pipe"), "pipe|pipe|0|Jan  1 00:00|||prw-r--r--|root|root");
}

UNIT_TEST(ftp_listing_that_is_none)
{
    CHECK_TEXT(LONG("-rw-r--r-- 1 root root 5 Foo 29 03:26 README"), "strange");
    CHECK_TEXT(LONG("-rw-r--r-- 1 root root five Jan 29 03:26 README"), "strange");
    CHECK_TEXT(LONG("-rw-r--r-- 1 root root 5 Jan 32 03:26 README"), "strange");
    CHECK_TEXT(LONG("-rw-r--r-- 1 root root 5 Jan 29 03:26"), "strange");
    CHECK_TEXT(LONG("-rw-r--r--"), "strange");
    CHECK_TEXT(LONG("-"), "strange");
    CHECK_TEXT(LONG("d ["), "strange");
    CHECK_TEXT(LONG("+"), "strange");
    CHECK_TEXT(LONG("00README.TXT;1      2 30-DEC-1996 17:44 [SYSTEM] (RWED,RWED,RE,RE)"), "strange");
    CHECK_TEXT(FACTS("no facts"), "strange");
    CHECK_TEXT(FACTS("type=file;size=1;"), "strange");
}

UNIT_TEST(ftp_listing_of_dos)
{
    CHECK_TEXT(LONG("01-31-26  03:04PM       <DIR>          Program Files"), "directory|Program Files||01-31-26  03:04PM|||||");
    CHECK_TEXT(LONG("01-31-2026  03:04AM             12345678 a b.txt"), "file|a b.txt|12345678|01-31-2026  03:04AM|||||");
    CHECK_TEXT(LONG("2026-01-31  15:04                  7 iso.txt"), "file|iso.txt|7|2026-01-31  15:04|||||");
    CHECK_TEXT(LONG("01/31/2026  03:04 PM    <JUNCTION>     Documents"), "link|Documents||01/31/2026  03:04 PM|||||");
    CHECK_TEXT(LONG("01-31-26  03:04PM       <DIR>"), "strange");
    CHECK_TEXT(LONG("01-31-26  03:04PM"), "strange");
}

UNIT_TEST(ftp_listing_of_facts)
{
    CHECK_TEXT(FACTS("type=file;size=7;modify=19700102000001;UNIX.mode=0644;UNIX.owner=14;UNIX.group=50; two words"),
               "file|two words|7|19700102000001|86401000000||0644|14|50");
    CHECK_TEXT(FACTS("Type=dir;Perm=el;Modify=20240229235960.25; d"), "directory|d||20240229235960.25|1709251200250000||el||");
    CHECK_TEXT(FACTS("Type=OS.unix=slink:/etc/passwd;Size=11; link"), "link|link|11|||/etc/passwd|||");
    CHECK_TEXT(FACTS("type=OS.vms=other;modify=20241301000000; x"), "other|x||20241301000000|||||");
    CHECK_TEXT(FACTS(" bare"), "|bare|||||||");
    CHECK_TEXT(LONG("+i8388621.29609,m824255902,/,\tdev"), "directory|dev||824255902|824255902000000||||");
    CHECK_TEXT(LONG("+i8388621.44468,m839956783,r,s10376,up644,\tRFC EPLF"), "file|RFC EPLF|10376|839956783|839956783000000||644||");
    CHECK_TEXT(read_line(FTP_LISTING_NAMES, "-rw-r--r-- 1 root"), "|-rw-r--r-- 1 root|||||||");
}

/*
 * ftp_paths.c - see ftp_paths.h. RFC 959, 4.1; RFC 3659; MFMT and MFF (draft-somers-ftp-mfxx); the SITE commands
 * of wu-ftpd and ProFTPD; the checksums of XCRC and its kin, and HASH (draft-bryan-ftpext-hash).
 */
#include "dissectors/ftp_paths.h"

#include "base/cursor.h"

/* Where in a command's argument its path stands. */
enum path_place {
    PATH_WHOLE,
    PATH_BEHIND_OPTIONS, /* "-la path" */
    PATH_BEHIND_TIME,    /* "20240131120000 path"; MDTM has it too, where it sets the time */
    PATH_BEHIND_WORD,    /* "modify=...;unix.mode=...; path" */
    PATH_IN_SITE,
};

struct path_command {
    const char *verb;
    enum path_place place;
    bool changes_files;
};

static const struct path_command commands[] = {
    {"CWD", PATH_WHOLE, false},
    {"XCWD", PATH_WHOLE, false},
    {"RETR", PATH_WHOLE, false},
    {"STOR", PATH_WHOLE, true},
    {"STOU", PATH_WHOLE, true},
    {"APPE", PATH_WHOLE, true},
    {"LIST", PATH_BEHIND_OPTIONS, false},
    {"NLST", PATH_BEHIND_OPTIONS, false},
    {"STAT", PATH_BEHIND_OPTIONS, false},
    {"MLSD", PATH_WHOLE, false},
    {"MLST", PATH_WHOLE, false},
    {"DELE", PATH_WHOLE, true},
    {"RNFR", PATH_WHOLE, false},
    {"RNTO", PATH_WHOLE, true},
    {"MKD", PATH_WHOLE, true},
    {"XMKD", PATH_WHOLE, true},
    {"RMD", PATH_WHOLE, true},
    {"XRMD", PATH_WHOLE, true},
    {"SIZE", PATH_WHOLE, false},
    {"MDTM", PATH_BEHIND_TIME, false},
    {"MFMT", PATH_BEHIND_TIME, true},
    {"MFCT", PATH_BEHIND_TIME, true},
    {"MFF", PATH_BEHIND_WORD, true},
    {"SITE", PATH_IN_SITE, false},
    {"SMNT", PATH_WHOLE, false},
    {"XCRC", PATH_WHOLE, false},
    {"XMD5", PATH_WHOLE, false},
    {"XSHA1", PATH_WHOLE, false},
    {"XSHA256", PATH_WHOLE, false},
    {"XSHA512", PATH_WHOLE, false},
    {"HASH", PATH_WHOLE, false},
    {"RMDA", PATH_WHOLE, true},
    {"AVBL", PATH_WHOLE, false},
};

static const struct path_command *find_command(struct bytes verb)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (bytes_equal_nocase(verb, commands[i].verb))
            return &commands[i];
    }
    return NULL;
}

/* What follows the first word and the spaces behind it. */
static struct bytes behind_word(struct bytes argument)
{
    struct bytes rest;

    (void)bytes_split(argument, ' ', &rest);
    while (rest.length > 0 && rest.at[0] == ' ')
        (void)bytes_split(rest, ' ', &rest);
    return rest;
}

static struct bytes behind_options(struct bytes argument)
{
    while (argument.length > 0 && argument.at[0] == '-')
        argument = behind_word(argument);
    return argument;
}

/* YYYYMMDDHHMM, and seconds and their parts or not. */
static bool is_time(struct bytes word)
{
    for (size_t i = 0; i < word.length; i++) {
        if ((word.at[i] < '0' || word.at[i] > '9') && !(i == 14 && word.at[i] == '.'))
            return false;
    }
    return word.length >= 12;
}

static struct bytes behind_time(struct bytes argument)
{
    struct bytes rest;
    struct bytes word = bytes_split(argument, ' ', &rest);

    return is_time(word) && rest.length > 0 ? behind_word(argument) : argument;
}

/* "UTIME path 20240131120000 20240131120000 20240131120000 UTC": the times stand behind the path. */
static struct bytes before_times(struct bytes argument)
{
    size_t end = argument.length;
    size_t path_end = argument.length;

    while (end > 0) {
        size_t start = end;
        struct bytes word;

        while (start > 0 && argument.at[start - 1] != ' ')
            start--;
        word = bytes_of(argument.at + start, end - start);
        if (start == 0 || !(is_time(word) || bytes_equal_nocase(word, "UTC")))
            break;
        end = start - 1;
        path_end = end;
    }
    return bytes_of(argument.at, path_end);
}

static struct bytes path_in_site(struct bytes argument)
{
    struct bytes rest;
    struct bytes word = bytes_split(argument, ' ', &rest);

    rest = behind_word(argument);
    if (bytes_equal_nocase(word, "CHMOD") || bytes_equal_nocase(word, "CHGRP") || bytes_equal_nocase(word, "CHOWN"))
        return behind_word(rest);
    if (bytes_equal_nocase(word, "UTIME"))
        return is_time(bytes_split(rest, ' ', &word)) ? behind_time(rest) : before_times(rest);
    if (bytes_equal_nocase(word, "MKDIR") || bytes_equal_nocase(word, "RMDIR") || bytes_equal_nocase(word, "CPFR") ||
        bytes_equal_nocase(word, "CPTO"))
        return rest;
    return bytes_of(NULL, 0);
}

struct bytes ftp_path_in(struct bytes verb, struct bytes argument)
{
    const struct path_command *command = find_command(verb);

    if (command == NULL)
        return bytes_of(NULL, 0);
    switch (command->place) {
    case PATH_WHOLE:
        break;
    case PATH_BEHIND_OPTIONS:
        return behind_options(argument);
    case PATH_BEHIND_TIME:
        return behind_time(argument);
    case PATH_BEHIND_WORD:
        return behind_word(argument);
    case PATH_IN_SITE:
        return path_in_site(argument);
    }
    return argument;
}

bool ftp_changes_files(struct bytes verb, struct bytes argument)
{
    const struct path_command *command = find_command(verb);

    if (command == NULL)
        return false;
    if (command->place == PATH_IN_SITE)
        return ftp_path_in(verb, argument).length > 0 && !bytes_begin_nocase(argument, "CPFR");
    if (bytes_equal_nocase(verb, "MDTM"))
        return ftp_path_in(verb, argument).length != argument.length;
    return command->changes_files;
}

/*
 * ftp_hostile.c - commands of FTP that hardly anybody sends but to break in: known holes of servers, paths that climb
 * above the root. What is told is that they were sent, and whether the server agreed.
 */
#include "dissectors/ftp_session.h"

#include "dissectors/ftp_paths.h"

/* Bytes of an argument in a finding. */
#define FTP_SHOWN_LIMIT 128
/* So many of a session's commands are told of. */
#define FTP_HOSTILE_LIMIT 16
/* So deep a directory is taken to lie at most where it is not known. */
#define FTP_USUAL_DEPTH 4

static int shown_length(struct bytes argument)
{
    return argument.length < FTP_SHOWN_LIMIT ? (int)argument.length : FTP_SHOWN_LIMIT;
}

static const char *shown(struct bytes argument)
{
    return argument.length > 0 ? (const char *)argument.at : "";
}

static bool is_verb(const struct ftp_request *request, const char *verb)
{
    return bytes_equal_nocase(bytes_of(request->verb, request->verb_length), verb);
}

/* How many directories a path climbs above the one it is meant from, at most on its way. */
static unsigned climbs(struct bytes path)
{
    struct bytes rest = path;
    int depth = 0;
    int lowest = 0;

    while (rest.at != NULL) {
        struct bytes part = bytes_split(rest, '/', &rest);

        if (part.length == 0 || bytes_equal_nocase(part, "."))
            continue;
        depth += bytes_equal_nocase(part, "..") ? -1 : 1;
        if (depth < lowest)
            lowest = depth;
    }
    return (unsigned)-lowest;
}

static unsigned depth_of(const struct text *directory)
{
    unsigned depth = 0;

    for (size_t i = 1; i < directory->length; i++)
        depth += directory->at[i - 1] == '/' ? 1 : 0;
    return depth;
}

/* One ".." too many happens to everybody. */
static bool climbs_out(const struct ftp *ftp, struct bytes path)
{
    bool is_absolute = path.length > 0 && path.at[0] == '/';
    unsigned depth = is_absolute ? 0 : depth_of(&ftp->directory);

    if (!is_absolute && ftp->directory.length == 0)
        depth = FTP_USUAL_DEPTH;
    return climbs(path) > depth + 1;
}

/* The hole that a command aims at; NULL: none that is known. */
static const char *hole_of(const struct ftp *ftp, const struct ftp_request *request)
{
    struct bytes argument = text_bytes(&request->argument);

    if (is_verb(request, "SITE") && bytes_begin_nocase(argument, "EXEC"))
        return "runs a program on the server";
    if (is_verb(request, "SITE") && (bytes_begin_nocase(argument, "CPFR") || bytes_begin_nocase(argument, "CPTO")) && ftp->login.is_known &&
        !ftp->login.is_in)
        return "copies files without a login (CVE-2015-3306)";
    if (is_verb(request, "USER") && argument.length >= 2 && memcmp(argument.at + argument.length - 2, ":)", 2) == 0)
        return "opens the back door of vsftpd 2.3.4 (CVE-2011-2523)";
    if (is_verb(request, "HELP") && bytes_equal_nocase(argument, "ACIDBITCHEZ"))
        return "opens the back door of ProFTPD 1.3.3c";
    if (bytes_contain_nocase(argument, "%n%") || bytes_contain_nocase(argument, "%x%x%x"))
        return "looks like a format string";
    return NULL;
}

void ftp_note_hostile(struct conversation *conversation, struct ftp *ftp, const struct ftp_request *request, unsigned code)
{
    struct bytes argument = text_bytes(&request->argument);
    const char *severity = code >= 200 && code < 400 ? "warning" : "notice";
    const char *answer = code == 0 ? "the answer was not seen" : code < 400 ? "the server agreed" : "the server refused";
    const char *hole;

    bool climbs_above;

    if (argument.length == 0 || ftp->hostile_commands == FTP_HOSTILE_LIMIT)
        return;
    hole = hole_of(ftp, request);
    climbs_above = hole == NULL && climbs_out(ftp, ftp_path_in(bytes_of(request->verb, request->verb_length), argument));
    if (hole == NULL && !climbs_above)
        return;
    ftp->hostile_commands++;
    conversation_finding(conversation, severity, climbs_above ? "ftp_path_traversal" : "ftp_hostile_command", "%s %.*s: %s; %s", request->verb,
                         shown_length(argument), shown(argument), climbs_above ? "climbs above the root" : hole, answer);
}

/*
 * http_match.c - by what HTTP/1 is known: its start lines (RFC 9112, 3 and 4).
 */
#include "dissectors/http_session.h"

/* RFC 9110, 9.1; RFC 5789; RFC 4918, 3253, 3648, 3744, 4791, 5323, 5842 (WebDAV); UPnP; [MS-RPCH]; caches. */
static const char *const methods[] = {
    "GET",          "HEAD",        "POST",   "PUT",    "DELETE", "CONNECT",          "OPTIONS",         "TRACE",      "PATCH",       "PROPFIND",
    "PROPPATCH",    "MKCOL",       "COPY",   "MOVE",   "LOCK",   "UNLOCK",           "VERSION-CONTROL", "REPORT",     "CHECKOUT",    "CHECKIN",
    "UNCHECKOUT",   "MKWORKSPACE", "UPDATE", "LABEL",  "MERGE",  "BASELINE-CONTROL", "MKACTIVITY",      "ORDERPATCH", "ACL",         "MKCALENDAR",
    "SEARCH",       "BIND",        "UNBIND", "REBIND", "LINK",   "UNLINK",           "NOTIFY",          "SUBSCRIBE",  "UNSUBSCRIBE", "RPC_IN_DATA",
    "RPC_OUT_DATA", "PURGE",       "QUERY",
};

/* Whether the bytes so far begin with a method and a space (MATCH_YES), or may come to. */
static enum match match_method(struct bytes bytes)
{
    struct bytes rest;
    struct bytes word = bytes_split(bytes, ' ', &rest);
    bool has_end = word.length < bytes.length;

    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        struct bytes method = bytes_of_text(methods[i]);

        if (bytes_equal(word, method))
            return has_end ? MATCH_YES : MATCH_MAYBE;
        if (!has_end && word.length < method.length && bytes_equal(word, bytes_of(method.at, word.length)))
            return MATCH_MAYBE;
    }
    return MATCH_NO;
}

static const char version_start[] = "HTTP/1.";
#define HTTP_VERSION_LENGTH sizeof version_start /* with the minor version's digit */

/* The digit behind "HTTP/1."; false where it is no version of HTTP/1. */
static bool take_version(struct cursor *bytes, int *minor_version)
{
    uint8_t digit;

    if (!bytes_begin_nocase(take_bytes(bytes, strlen(version_start)), version_start))
        return false;
    digit = take_u8(bytes);
    *minor_version = digit - '0';
    return cursor_is_good(bytes) && digit >= '0' && digit <= '9';
}

bool http_line_is_request(struct bytes line, struct bytes *method, struct bytes *target, int *minor_version)
{
    struct cursor words = cursor_within(bytes_trim(line));
    size_t behind_target = 1 + HTTP_VERSION_LENGTH;

    *method = take_until(&words, ' ');
    if (method->length == 0 || cursor_left(&words) <= behind_target)
        return false;
    *target = bytes_trim(take_bytes(&words, cursor_left(&words) - behind_target));
    return take_u8(&words) == ' ' && take_version(&words, minor_version);
}

bool http_line_is_known_request(struct bytes line)
{
    struct bytes method;
    struct bytes target;
    int minor_version;

    return match_method(line) == MATCH_YES && http_line_is_request(line, &method, &target, &minor_version);
}

bool http_line_is_status(struct bytes line, int *status, int *minor_version)
{
    struct bytes rest;
    struct cursor version = cursor_within(bytes_split(line, ' ', &rest));
    struct bytes code = bytes_split(bytes_trim(rest), ' ', &rest); /* some write more than one space */
    uint64_t number;

    if (!take_version(&version, minor_version) || cursor_left(&version) > 0)
        return false;
    if (code.length != 3 || !bytes_to_number(code, 999, &number) || number < 100)
        return false;
    *status = (int)number;
    return true;
}

static enum match match_request(struct bytes bytes)
{
    struct cursor cursor = cursor_over(bytes);
    enum match match = match_method(bytes);
    struct bytes method;
    struct bytes target;
    struct bytes line;
    int minor_version;

    if (match != MATCH_YES)
        return match;
    line = take_line(&cursor);
    if (cursor_is_good(&cursor))
        return http_line_is_request(line, &method, &target, &minor_version) ? MATCH_YES : MATCH_NO;
    /* A method and the beginning of a long target: nothing else is said so, but the version would settle it. */
    return bytes.length < IDENTIFY_LIMIT ? MATCH_MAYBE : MATCH_YES;
}

static enum match match_response(struct bytes bytes)
{
    size_t known = bytes.length < strlen(version_start) ? bytes.length : strlen(version_start);

    if (known > 0 && memcmp(bytes.at, version_start, known) != 0)
        return MATCH_NO;
    return known == strlen(version_start) ? MATCH_YES : MATCH_MAYBE;
}

enum match http_match(const struct first_bytes *first)
{
    struct bytes client = first->side[FROM_CLIENT];
    struct bytes server = first->side[FROM_SERVER];
    enum match match = client.length > 0 ? match_request(client) : match_response(server);

    if (match != MATCH_NO || client.length == 0 || server.length == 0)
        return match;
    /* Begun inside the client's body: its answer says so. */
    return first->has_start[FROM_CLIENT] ? MATCH_NO : match_response(server);
}

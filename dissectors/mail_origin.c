/*
 * mail_origin.c - see mail_origin.h. A from clause says "from NAME (TCP-INFO)". What stands in the parentheses is what the
 * server saw; an address literal before them, where they show none, is what Exim writes of a client without a name.
 */
#include "dissectors/mail_origin.h"

#include "base/cursor.h"

/* "[192.0.2.1]", "[IPv6:2001:db8::1]", or the same without brackets. */
static bool read_address(struct bytes written, char out[ADDRESS_TEXT_SIZE])
{
    char text[ADDRESS_TEXT_SIZE];
    struct cursor cursor;
    struct address address;

    written = bytes_trim(written);
    if (bytes_begin_nocase(written, "IPv6:")) {
        cursor = cursor_within(written);
        skip_bytes(&cursor, 5);
        written = peek_bytes(&cursor);
    }
    if (written.length == 0 || written.length >= sizeof text)
        return false;
    memcpy(text, written.at, written.length);
    text[written.length] = '\0';
    if (strlen(text) != written.length || !address_from_text(text, &address))
        return false;
    return address_to_text(&address, out) > 0;
}

/* The first address in brackets, or with `bare` the first word that is one. */
static bool find_address(struct bytes text, bool bare, char out[ADDRESS_TEXT_SIZE])
{
    struct bytes rest = text;
    struct bytes inside;

    while (!bare && rest.length > 0) {
        (void)bytes_split(rest, '[', &rest);
        inside = bytes_split(rest, ']', &rest);
        if (rest.at != NULL && read_address(inside, out))
            return true;
    }
    while (bare && rest.length > 0) {
        inside = bytes_split(rest, ' ', &rest);
        if (read_address(inside, out))
            return true;
    }
    return false;
}

/* The from clause of a Received: what stands before " by ". */
static struct bytes from_clause(struct bytes received)
{
    struct cursor cursor = cursor_within(received);

    if (!bytes_begin_nocase(received, "from "))
        return bytes_of(NULL, 0);
    skip_bytes(&cursor, 5);
    received = peek_bytes(&cursor);
    for (cursor = cursor_within(received); cursor_left(&cursor) > 0;) {
        bool is_behind_space = peek_u8(&cursor) == ' ' || peek_u8(&cursor) == '\t';
        size_t before = received.length - cursor_left(&cursor);

        skip_bytes(&cursor, 1);
        if (is_behind_space && (bytes_begin_nocase(peek_bytes(&cursor), "by ") || bytes_begin_nocase(peek_bytes(&cursor), "by\t")))
            return bytes_of(received.at, before);
    }
    return received;
}

static bool find_in_received(struct bytes received, char out[ADDRESS_TEXT_SIZE])
{
    struct bytes clause = from_clause(received);
    struct bytes comments;
    struct bytes name = bytes_split(clause, '(', &comments);
    struct bytes rest = comments;

    if (find_address(comments, false, out))
        return true;
    while (rest.length > 0) { /* "(HELO mail) (192.0.2.1)" */
        struct bytes comment = bytes_split(rest, ')', &rest);

        if (find_address(comment, true, out))
            return true;
        (void)bytes_split(rest, '(', &rest);
    }
    return find_address(name, false, out);
}

void mail_find_origin(const struct mail_header *header, char address[ADDRESS_TEXT_SIZE])
{
    struct bytes stated = mail_header_value(header, MAIL_X_ORIGINATING_IP);

    address[0] = '\0';
    if (stated.length > 0 && (find_address(stated, false, address) || read_address(stated, address)))
        return;
    if (header->phase == MAIL_HEADER_DONE && find_in_received(mail_header_value(header, MAIL_RECEIVED), address))
        return;
    address[0] = '\0';
}

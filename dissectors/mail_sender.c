/* mail_sender.c - see mail_sender.h */
#include "dissectors/mail_sender.h"

#include "dissectors/mail_text.h"

#include <ctype.h>

/* One mailbox of a list (RFC 5322, 3.4): "name" <address>, or an address alone. */
struct mailbox {
    struct bytes name;
    struct bytes address;
};

/* The bytes up to the next comma outside of quotes, brackets and comments; the comma is taken too. */
static struct bytes take_item(struct cursor *list)
{
    struct bytes ahead = peek_bytes(list);
    bool is_quoted = false;
    bool is_in_brackets = false;
    int comments = 0;
    size_t length = 0;

    for (; length < ahead.length; length++) {
        uint8_t byte = ahead.at[length];

        if (byte == '\\' && (is_quoted || comments > 0))
            length++;
        else if (byte == '"' && comments == 0)
            is_quoted = !is_quoted;
        else if (is_quoted)
            continue;
        else if (byte == '(')
            comments++;
        else if (byte == ')' && comments > 0)
            comments--;
        else if (byte == '<' || byte == '>')
            is_in_brackets = byte == '<';
        else if (byte == ',' && !is_in_brackets && comments == 0)
            break;
    }
    if (length > ahead.length)
        length = ahead.length;
    ahead = take_bytes(list, length);
    skip_bytes(list, cursor_left(list) > 0 ? 1 : 0);
    return ahead;
}

static struct mailbox mailbox_of(struct bytes item)
{
    struct mailbox mailbox = {.name = bytes_of(NULL, 0), .address = bytes_trim(item)};
    const uint8_t *bracket = item.length > 0 ? memrchr(item.at, '<', item.length) : NULL;
    struct bytes rest;

    if (bracket == NULL)
        return mailbox;
    mailbox.name = bytes_of(item.at, (size_t)(bracket - item.at));
    mailbox.address = bytes_trim(bytes_split(bytes_behind(item, mailbox.name.length + 1), '>', &rest));
    return mailbox;
}

static struct bytes domain_of(struct bytes address)
{
    struct bytes rest;

    (void)bytes_split(address, '@', &rest);
    return bytes_trim(rest);
}

static bool is_of_domain(uint8_t byte)
{
    return isalnum(byte) || byte == '-' || byte == '.' || byte >= 0x80;
}

/* Whether one of the domains is the other, or a name under it. */
static bool domains_agree(struct bytes a, struct bytes b)
{
    struct bytes longer = a.length < b.length ? b : a;
    struct bytes shorter = a.length < b.length ? a : b;
    struct bytes end = bytes_behind(longer, longer.length - shorter.length);

    for (size_t i = 0; i < end.length; i++) {
        if (tolower(end.at[i]) != tolower(shorter.at[i]))
            return false;
    }
    return longer.length == shorter.length || longer.at[longer.length - shorter.length - 1] == '.';
}

/* The next "@domain" in a name as it is shown; with a dot inside it reads as an address. */
static struct bytes next_shown_domain(struct bytes *name)
{
    struct bytes before = bytes_split(*name, '@', name);
    struct bytes domain = bytes_of(name->at, 0);

    if (name->at == NULL || before.length == 0 || !(isalnum(before.at[before.length - 1]) || before.at[before.length - 1] >= 0x80))
        return bytes_of(NULL, 0);
    while (domain.length < name->length && is_of_domain(name->at[domain.length]))
        domain.length++;
    while (domain.length > 0 && domain.at[domain.length - 1] == '.')
        domain.length--;
    return memchr(domain.at, '.', domain.length) != NULL ? domain : bytes_of(NULL, 0);
}

static void check_name(struct mail_context *context, const struct mailbox *mailbox)
{
    struct text shown = {.limit = 4 * MAIL_VALUE_LIMIT};
    struct bytes domain = domain_of(mailbox->address);
    struct bytes rest;

    mail_decode_words(&context->charsets, mailbox->name, &shown);
    rest = text_bytes(&shown);
    while (rest.length > 0) {
        struct bytes other = next_shown_domain(&rest);

        if (other.length == 0 || domain.length == 0 || domains_agree(other, domain))
            continue;
        conversation_finding(context->conversation, "warning", "mail_spoofed_from", "From shows an address at %.*s as the name of %.*s",
                             (int)other.length, (const char *)other.at, (int)mailbox->address.length, (const char *)mailbox->address.at);
        break;
    }
    text_free(&shown);
}

void mail_check_sender(struct mail_context *context, const struct mail_header *header)
{
    struct cursor list = cursor_within(mail_header_value(header, MAIL_FROM));
    unsigned addresses = 0;
    bool is_first = true; /* the one that programs show */

    while (cursor_left(&list) > 0) {
        struct mailbox mailbox = mailbox_of(take_item(&list));

        addresses += domain_of(mailbox.address).length > 0 ? 1 : 0;
        if (is_first && mailbox.name.length > 0)
            check_name(context, &mailbox);
        is_first = false;
    }
    if (header->count[MAIL_FROM] > 1)
        conversation_finding(context->conversation, "warning", "mail_several_from", "a mail has %u header fields From", header->count[MAIL_FROM]);
    else if (addresses > 1 && header->count[MAIL_SENDER] == 0)
        conversation_finding(context->conversation, "notice", "mail_several_from", "From names %u addresses, and there is no Sender", addresses);
}

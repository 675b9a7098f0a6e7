/*
 * smtp_findings.c - what is worth a finding in an SMTP session: credentials in the clear, TLS that was kept off or could
 * be tampered with, relaying, searches for addresses and passwords, smuggled mails.
 *
 * Each is told once in a session, at the moment that shows it. None tells what a client sent to log in.
 */
#include "dissectors/smtp.h"

bool smtp_tells_first(struct smtp *smtp, enum smtp_told told)
{
    bool is_first = (smtp->told & (unsigned)told) == 0;

    smtp->told |= (unsigned)told;
    return is_first;
}

/* ---- logins ---- */

void smtp_note_credentials(struct conversation *conversation, struct smtp *smtp)
{
    if (!smtp->login.shows_password || conversation_is_decrypted(conversation) || !smtp_tells_first(smtp, SMTP_TOLD_CREDENTIALS))
        return;
    conversation_finding(conversation, "warning", "plaintext_credentials", "AUTH %s outside TLS", smtp->login.mechanism.at);
}

void smtp_note_failed_login(struct conversation *conversation, struct smtp *smtp)
{
    if (smtp->auth_failures == SMTP_BRUTE_FORCE_LIMIT && smtp_tells_first(smtp, SMTP_TOLD_BRUTE_FORCE))
        conversation_finding(conversation, "warning", "smtp_brute_force", "%d logins were refused in this session", SMTP_BRUTE_FORCE_LIMIT);
}

/* ---- TLS ---- */

void smtp_note_unused_tls(struct conversation *conversation, struct smtp *smtp, const char *command, const char *severity)
{
    if (!smtp->offers_tls || smtp->tls_was_asked || conversation_is_decrypted(conversation) || !smtp_tells_first(smtp, SMTP_TOLD_UNUSED))
        return;
    conversation_finding(conversation, severity, "smtp_starttls_unused", "the server offers STARTTLS, and the client goes on without it: %s", command);
}

/* Whether a word of STARTTLS's length is made of X, its last letter perhaps another: firewalls write "XXXXXXXA" over it. */
static bool is_masked(struct bytes word)
{
    if (word.length != strlen("STARTTLS") && word.length != strlen("STARTTLS") + 1)
        return false;
    for (size_t i = 0; i + 1 < word.length; i++) {
        if (word.at[i] != 'X')
            return false;
    }
    return word.at[word.length - 1] >= 'A' && word.at[word.length - 1] <= 'Z';
}

void smtp_note_masked_extension(struct conversation *conversation, struct smtp *smtp, struct bytes extension)
{
    if (!is_masked(extension) || smtp->offers_tls || !smtp_tells_first(smtp, SMTP_TOLD_STRIPPED))
        return;
    conversation_finding(conversation, "warning", "smtp_starttls_stripped", "STARTTLS is missing from the server's extensions, and \"%.*s\" stands among them",
                         (int)extension.length, (const char *)extension.at);
}

void smtp_note_refused_tls(struct conversation *conversation, struct smtp *smtp, unsigned code)
{
    bool is_unknown_command = code == 500 || code == 502;

    if (!smtp->offers_tls || (!is_unknown_command && code != 454) || !smtp_tells_first(smtp, SMTP_TOLD_STRIPPED))
        return;
    conversation_finding(conversation, is_unknown_command ? "warning" : "notice", "smtp_starttls_stripped",
                         "the server offers STARTTLS and answers it with %u", code);
}

/* The first word where it is a command or a reply's code; never anything else of the line, which may be a login. */
static struct bytes shown_word(enum side from, struct bytes line)
{
    enum smtp_verb verb;
    struct bytes argument;
    struct bytes rest;

    if (from == FROM_SERVER)
        return reply_line_code(line) != 0 ? bytes_of(line.at, 3) : bytes_of_text("text");
    if (!smtp_find_verb(line, &verb, &argument))
        return bytes_of_text("text");
    return bytes_split(bytes_trim(line), ' ', &rest);
}

void smtp_note_injected_line(struct conversation *conversation, struct smtp *smtp, enum side from, struct bytes line)
{
    struct bytes word = shown_word(from, line);

    if (!smtp_tells_first(smtp, from == FROM_CLIENT ? SMTP_TOLD_INJECTION : SMTP_TOLD_RESPONSE_INJECTION))
        return;
    conversation_finding(conversation, "alarm", "smtp_starttls_injection", "the %s sends %.*s behind %s, before TLS begins", side_name(from), (int)word.length,
                         (const char *)word.at, from == FROM_CLIENT ? "STARTTLS" : "its agreement to STARTTLS");
}

/* ---- relaying and searching ---- */

static struct bytes without_first(struct bytes bytes, size_t count)
{
    struct cursor cursor = cursor_within(bytes);

    skip_bytes(&cursor, count);
    return peek_bytes(&cursor);
}

/* The domain behind the last '@'; empty where there is none. */
static struct bytes domain_of(struct bytes address)
{
    size_t at = address.length;

    while (at > 0 && address.at[at - 1] != '@')
        at--;
    return at > 0 ? without_first(address, at) : bytes_of(NULL, 0);
}

/* Letters, digits, '-' and at least one '.': a host's name. */
static bool is_host_name(struct bytes word)
{
    unsigned dots = 0;

    for (size_t i = 0; i < word.length; i++) {
        uint8_t byte = word.at[i];
        bool is_letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '-';

        if (!is_letter && byte != '.')
            return false;
        dots += byte == '.' && i > 0 && i + 1 < word.length ? 1 : 0;
    }
    return dots > 0;
}

/*
 * Whether an address names a second host to send on to: "@relay:user@host" (RFC 5321, appendix C), "user%host@relay",
 * "host!user@relay", "user@host"@relay. NULL where it does not.
 */
static const char *routing_form(struct bytes address)
{
    struct bytes domain = domain_of(address);
    struct bytes local = bytes_of(address.at, address.length - domain.length - (domain.at != NULL ? 1 : 0));
    struct bytes behind;
    struct bytes before;

    if (address.length > 0 && address.at[0] == '@')
        return "@relay:user@host";
    before = bytes_split(local, '!', &behind);
    if (behind.at != NULL && is_host_name(before))
        return "host!user";
    (void)bytes_split(local, '%', &behind);
    if (behind.at != NULL && is_host_name(behind))
        return "user%host";
    (void)bytes_split(local, '@', &behind);
    if (behind.length > 0 && behind.at[behind.length - 1] == '"')
        behind.length--;
    return behind.at != NULL && is_host_name(behind) ? "user@host@relay" : NULL;
}

/* The last two labels of a name: what most often tells whose it is. */
static struct bytes last_labels(struct bytes name)
{
    unsigned dots = 0;
    size_t at = name.length;

    while (at > 0 && dots < 2) {
        at--;
        dots += name.at[at] == '.' ? 1 : 0;
    }
    if (dots == 2)
        at++;
    return without_first(name, at);
}

static bool equal_nocase(struct bytes a, struct bytes b)
{
    char text[256];

    if (b.length >= sizeof text || a.length != b.length || b.length == 0)
        return false;
    memcpy(text, b.at, b.length);
    text[b.length] = '\0';
    return bytes_equal_nocase(a, text);
}

static bool is_private(const struct address *address)
{
    static const uint8_t loopback[16] = {[15] = 1};
    const uint8_t *bytes = address->bytes;

    if (address->version == 4)
        return bytes[0] == 10 || bytes[0] == 127 || (bytes[0] == 172 && bytes[1] >> 4 == 1) || (bytes[0] == 192 && bytes[1] == 168) ||
               (bytes[0] == 169 && bytes[1] == 254);
    return (bytes[0] & 0xfe) == 0xfc || (bytes[0] == 0xfe && bytes[1] >> 6 == 2) || memcmp(bytes, loopback, sizeof loopback) == 0;
}

/* Whether the server lets somebody in without a login who is not visibly one of its own: port 25, a public address. */
static bool is_open_to_strangers(const struct conversation *conversation, const struct smtp *smtp)
{
    const struct flow_facts *flow = conversation_flow(conversation);

    return flow->server_port == 25 && smtp->auth_result == NULL && !smtp->is_lmtp && !is_private(&flow->client);
}

/*
 * A server that takes recipients in many domains from a stranger may be at home in all of them: big providers are.
 * So this is no more than a notice.
 */
static void count_foreign_domain(struct conversation *conversation, struct smtp *smtp, struct bytes address)
{
    struct bytes rest;
    struct bytes own = last_labels(bytes_split(text_bytes(&smtp->banner), ' ', &rest));
    struct bytes domain = last_labels(domain_of(address));

    if (!is_host_name(domain) || !is_host_name(own) || equal_nocase(domain, own) || smtp->foreign_domain_count == SMTP_FOREIGN_DOMAINS)
        return;
    for (unsigned i = 0; i < smtp->foreign_domain_count; i++) {
        if (equal_nocase(domain, text_bytes(&smtp->foreign_domains[i])))
            return;
    }
    smtp_keep_text(&smtp->foreign_domains[smtp->foreign_domain_count++], 255, domain);
    if (smtp->foreign_domain_count == SMTP_FOREIGN_DOMAINS && smtp_tells_first(smtp, SMTP_TOLD_MANY_DOMAINS))
        conversation_finding(conversation, "notice", "smtp_open_relay",
                             "the server takes recipients in %d domains that are not its own, without a login, from a public address", SMTP_FOREIGN_DOMAINS);
}

static void note_relaying(struct conversation *conversation, struct smtp *smtp, struct bytes address, unsigned code, struct bytes reply)
{
    const char *form = routing_form(address);

    if (smtp->auth_result != NULL)
        return;
    if (code / 100 == 2 && form != NULL && smtp_tells_first(smtp, SMTP_TOLD_OPEN_RELAY))
        conversation_finding(conversation, "warning", "smtp_open_relay", "the server takes a recipient that asks it to send on, written %s, without a login", form);
    if (code >= 400 && (form != NULL || bytes_contain_nocase(reply, "relay")) && smtp_tells_first(smtp, SMTP_TOLD_RELAY_TEST))
        conversation_finding(conversation, "notice", "smtp_relay_test", "a recipient that is not the server's own is refused with %u%s%s", code,
                             form != NULL ? ", written " : "", form != NULL ? form : "");
    if (code / 100 == 2 && form == NULL && is_open_to_strangers(conversation, smtp))
        count_foreign_domain(conversation, smtp, address);
}

static void count_refused_address(struct conversation *conversation, struct smtp *smtp)
{
    if (++smtp->refused_addresses != SMTP_HARVESTING_LIMIT || !smtp_tells_first(smtp, SMTP_TOLD_HARVESTING))
        return;
    conversation_finding(conversation, "warning", "smtp_harvesting", "%d addresses were refused, or asked for with VRFY or EXPN, in this session",
                         SMTP_HARVESTING_LIMIT);
}

void smtp_note_recipient(struct conversation *conversation, struct smtp *smtp, struct bytes address, unsigned code, struct bytes reply)
{
    /* 5.7.x: it is the client that is not wanted (RFC 3463, 3.8) */
    bool is_unknown_address = (code == 550 || code == 551 || code == 553) && !bytes_begin_nocase(reply, "5.7.") && !bytes_contain_nocase(reply, "relay");

    note_relaying(conversation, smtp, address, code, reply);
    if (is_unknown_address)
        count_refused_address(conversation, smtp);
}

void smtp_note_look_up(struct conversation *conversation, struct smtp *smtp)
{
    count_refused_address(conversation, smtp);
}

/* ---- messages ---- */

void smtp_note_smuggling(struct conversation *conversation, struct smtp *smtp)
{
    const struct smtp_smuggling *smuggling = &smtp->smuggling;

    if (smuggling->found == SMTP_FALSE_END_COMMAND)
        conversation_finding(conversation, "alarm", "smtp_smuggling", "a command stands in a message, behind an end of data that only some servers take: %s",
                             smuggling->end);
    else if (smuggling->found == SMTP_FALSE_END)
        conversation_finding(conversation, "notice", "smtp_smuggling", "an end of data that only some servers take stands in a message: %s", smuggling->end);
}

void smtp_free_findings(struct smtp *smtp)
{
    for (unsigned i = 0; i < SMTP_FOREIGN_DOMAINS; i++)
        text_free(&smtp->foreign_domains[i]);
}

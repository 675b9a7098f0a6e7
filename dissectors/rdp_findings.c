/*
 * rdp_findings.c - what is weak about how an RDP session is protected, and clients that call themselves what tools do.
 * Each is told once, when the session is over.
 */
#include "dissectors/rdp_record.h"

#include <ctype.h>

/* ---- how it is protected ---- */

static void tell_protocol(struct conversation *conversation, const struct rdp_facts *facts)
{
    if (!facts->selected.is_known)
        return;
    if (facts->selected.value == RDP_PROTOCOL_RDP)
        conversation_finding(conversation, "warning", "rdp_no_tls",
                             "the server chose standard RDP security: no TLS, and no login before the session (NLA); whoever stands between the two can read it");
    else if (facts->selected.value == RDP_PROTOCOL_SSL)
        conversation_finding(conversation, "notice", "rdp_no_nla", "the server chose TLS without NLA: anybody gets a login screen, and the server's work for it");
}

static void tell_encryption(struct conversation *conversation, const struct rdp_settings *settings)
{
    const struct rdp_number *method = &settings->encryption_method;
    const struct rdp_number *level = &settings->encryption_level;

    if (!settings->has_server_security || !method->is_known || !level->is_known || conversation_is_decrypted(conversation)) /* inside TLS there is nothing to add */
        return;
    if (method->value == RDP_METHOD_NONE)
        conversation_finding(conversation, "warning", "rdp_weak_encryption", "standard RDP security without encryption: keys typed and the screen are in the clear");
    else if (method->value == RDP_METHOD_40BIT || method->value == RDP_METHOD_56BIT)
        conversation_finding(conversation, "warning", "rdp_weak_encryption", "standard RDP security with RC4 of %d bits",
                             method->value == RDP_METHOD_40BIT ? 40 : 56);
    else if (level->value == RDP_LEVEL_LOW)
        conversation_finding(conversation, "warning", "rdp_weak_encryption", "encryption level low: what the server sends is in the clear");
}

/* An issuer that is the subject; of TLS the certificate is seen up to version 1.2. */
static void tell_certificate(struct conversation *conversation, const struct rdp_certificate *certificate)
{
    struct bytes subject = text_bytes(&certificate->subject);

    if (subject.length > 0 && bytes_equal(subject, text_bytes(&certificate->issuer)))
        conversation_finding(conversation, "info", "rdp_self_signed", "the server's certificate is its own issuer: %.*s", subject.length < 200 ? (int)subject.length : 200,
                             (const char *)subject.at);
}

/* ---- who calls ---- */

/* Names that tools give themselves unless told otherwise: Nmap's cookie, Metasploit's scanner now and before. */
static const char *const tool_names[] = {"nmap", "ethdev", "rdesktop"};
/* Names of computers that nobody has given one. */
static const char *const default_names[] = {"kali", "localhost", "localhost.localdomain"};

static bool is_among(struct bytes name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes_equal_nocase(name, names[i]))
            return true;
    }
    return false;
}

/* Windows' setup makes a name of this start and so many letters and digits. */
static bool is_made_by_setup(struct bytes name, const char *start, size_t drawn)
{
    size_t length = strlen(start);

    if (!bytes_begin_nocase(name, start) || name.length != length + drawn)
        return false;
    for (size_t i = length; i < name.length; i++) {
        if (!isdigit(name.at[i]) && !isupper(name.at[i]))
            return false;
    }
    return true;
}

static void tell_client(struct conversation *conversation, const struct rdp_facts *facts)
{
    struct bytes cookie = text_bytes(&facts->cookie);
    struct bytes name = text_bytes(&facts->settings.client_name);
    size_t tools = sizeof tool_names / sizeof tool_names[0];

    if (is_among(name, tool_names, tools) || is_among(cookie, tool_names, tools)) {
        struct bytes shown = is_among(name, tool_names, tools) ? name : cookie;

        conversation_finding(conversation, "notice", "rdp_tool_client", "the client calls itself '%.*s', as a scanning tool does by default", (int)shown.length,
                             (const char *)shown.at);
    } else if (is_among(name, default_names, sizeof default_names / sizeof default_names[0]) || is_made_by_setup(name, "WIN-", 11) ||
               is_made_by_setup(name, "DESKTOP-", 7)) {
        conversation_finding(conversation, "info", "rdp_default_client_name", "the client's name '%.*s' is one that a computer has before it is given any",
                             (int)name.length, (const char *)name.at);
    }
}

void rdp_tell_protection(struct conversation *conversation, const struct rdp_facts *facts)
{
    tell_protocol(conversation, facts);
    tell_encryption(conversation, &facts->settings);
    tell_certificate(conversation, &facts->settings.certificate);
    tell_client(conversation, facts);
}

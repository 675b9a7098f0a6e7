/*
 * rdp_server.c - which software an RDP server is, by what it answers. Rules, in the order in which a connection shows what
 * they go by, so that what was said once stands; where none holds, nothing is said:
 *
 *  1. Windows and xrdp set the source reference of the connection confirm to 0x1234; FreeRDP's server library (its
 *     shadow server, GNOME Remote Desktop) sets none, and so did xrdp as long as it did not negotiate: a confirm
 *     that negotiates without one is FreeRDP's.
 *  2. With that reference, a server that takes CredSSP, RDSTLS or Entra ID, or insists on one of them, or sets a
 *     confirm flag beyond extended client data and the graphics pipeline, is Windows: xrdp knows none of it.
 *     [tests/rdp/every-block]
 *  3. An MCS connect response that grants 22 channels is xrdp's: a number of its own, in every version.
 *     [tests/rdp/standard]
 *  4. With that reference, a response that grants 34 channels, 3 users and PDUs of 65528 bytes is Windows': so since
 *     Windows 2000, and in [MS-RDPBCGR] 4.1.4. FreeRDP grants the same. [tests/rdp/x509]
 */
#include "dissectors/rdp_record.h"

#define XRDP_CHANNELS 22
#define USUAL_CHANNELS 34
#define USUAL_USERS 3
#define USUAL_PDU_SIZE 65528
#define USUAL_REFERENCE 0x1234
/* Confirm flags that xrdp sets: EXTENDED_CLIENT_DATA_SUPPORTED, DYNVC_GFX_PROTOCOL_SUPPORTED. */
#define XRDP_FLAGS 0x03
#define HYBRID_REQUIRED 5
#define SSL_WITH_USER_AUTH_REQUIRED 6

static const struct rdp_software unknown_software = {.name = NULL, .basis = NULL};

/* CredSSP, RDSTLS, Entra ID: known to Windows, and to FreeRDP's library in part. */
static bool takes_more_than_tls(const struct rdp_facts *facts)
{
    if (facts->selected.is_known)
        return facts->selected.value != RDP_PROTOCOL_RDP && facts->selected.value != RDP_PROTOCOL_SSL;
    return facts->failure.is_known && (facts->failure.value == HYBRID_REQUIRED || facts->failure.value == SSL_WITH_USER_AUTH_REQUIRED);
}

static struct rdp_software by_confirm(const struct rdp_facts *facts)
{
    bool has_negotiated = facts->confirm_flags.is_known || facts->failure.is_known;

    if (!facts->source_reference.is_known || !has_negotiated)
        return unknown_software;
    if (facts->source_reference.value == 0)
        return (struct rdp_software){"FreeRDP", "no source reference in its confirm"};
    if (facts->source_reference.value != USUAL_REFERENCE)
        return unknown_software;
    if (takes_more_than_tls(facts))
        return (struct rdp_software){"Windows", "takes more than TLS"};
    if (facts->confirm_flags.is_known && (facts->confirm_flags.value & ~(uint32_t)XRDP_FLAGS) != 0)
        return (struct rdp_software){"Windows", "flags of its confirm"};
    return unknown_software;
}

static struct rdp_software by_connect(const struct rdp_facts *facts)
{
    const struct rdp_domain *domain = &facts->settings.domain;

    if (!domain->is_known || domain->users != USUAL_USERS)
        return unknown_software;
    if (domain->channels == XRDP_CHANNELS)
        return (struct rdp_software){"xrdp", "grants 22 channels"};
    if (domain->channels == USUAL_CHANNELS && domain->pdu_size == USUAL_PDU_SIZE && facts->source_reference.is_known &&
        facts->source_reference.value == USUAL_REFERENCE)
        return (struct rdp_software){"Windows", "grants 34 channels, 3 users"};
    return unknown_software;
}

struct rdp_software rdp_server_software(const struct rdp_facts *facts)
{
    struct rdp_software software = by_confirm(facts);

    return software.name != NULL ? software : by_connect(facts);
}

/*
 * rdp_security.c - standard RDP security, [MS-RDPBCGR] 5.3.
 */
#include "dissectors/rdp_security.h"

#include "base/memory.h"

#define SIGNATURE_LENGTH 8
#define FIPS_INFORMATION 4
#define METHOD_NONE 0
#define METHOD_FIPS 0x10

struct rdp_security {
    uint32_t method;
};

bool rdp_security_has_headers(const struct rdp_settings *settings)
{
    return settings->encryption_method.is_known && settings->encryption_method.value != METHOD_NONE;
}

struct rdp_security *rdp_security_new(const struct rdp_settings *settings)
{
    struct rdp_security *security;

    if (!rdp_security_has_headers(settings))
        return NULL;
    security = memory_new_zeroed(1, sizeof *security);
    if (security != NULL)
        security->method = settings->encryption_method.value;
    return security;
}

void rdp_security_free(struct rdp_security *security)
{
    memory_free(security);
}

void rdp_security_exchange(struct rdp_security *security, struct conversation *conversation, struct bytes encrypted)
{
    (void)security;
    (void)conversation;
    (void)encrypted;
}

size_t rdp_security_overhead(const struct rdp_security *security)
{
    return security != NULL && security->method == METHOD_FIPS ? FIPS_INFORMATION + SIGNATURE_LENGTH : SIGNATURE_LENGTH;
}

bool rdp_security_read(struct rdp_security *security, struct conversation *conversation, enum side from, bool is_salted, struct cursor sealed,
                       struct bytes *plain)
{
    (void)security;
    (void)conversation;
    (void)from;
    (void)is_salted;
    (void)sealed;
    (void)plain;
    return false;
}

void rdp_security_lost(struct rdp_security *security, enum side from)
{
    (void)security;
    (void)from;
}

bool rdp_security_open(struct rdp_security *security, enum side from, bool is_salted, uint8_t *bytes, size_t length, const uint8_t signature[8])
{
    (void)security;
    (void)from;
    (void)is_salted;
    (void)bytes;
    (void)length;
    (void)signature;
    return false;
}

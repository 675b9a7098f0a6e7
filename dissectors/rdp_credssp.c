/* rdp_credssp.c - see rdp_credssp.h */
#include "dissectors/rdp_credssp.h"

#include "dissectors/rdp_settings.h"

#define TAG_SEQUENCE 0x30
#define TAG_INTEGER 0x02
#define TAG_TOKENS 0xa1 /* negoTokens */
#define TAG_ERROR 0xa4  /* errorCode */

static void read_error(struct rdp_credssp *credssp, struct cursor field)
{
    struct bytes number;

    if (take_u8(&field) != TAG_INTEGER)
        return;
    number = take_bytes(&field, rdp_take_ber_length(&field));
    if (!cursor_is_good(&field) || number.length == 0 || number.length > 5)
        return;
    credssp->was_refused = true;
    credssp->error = 0;
    for (struct cursor digits = cursor_within(number); cursor_left(&digits) > 0;)
        credssp->error = credssp->error << 8 | take_u8(&digits);
}

static void read_request(struct rdp_credssp *credssp, enum side from, struct cursor request)
{
    while (cursor_left(&request) > 0) {
        uint8_t tag = take_u8(&request);
        struct bytes field = take_bytes(&request, rdp_take_ber_length(&request));

        if (!cursor_is_good(&request))
            return;
        if (tag == TAG_TOKENS && from == FROM_CLIENT)
            sasl_read_ntlm(&credssp->names, field);
        else if (tag == TAG_ERROR && from == FROM_SERVER)
            read_error(credssp, cursor_within(field));
    }
}

enum cursor_state rdp_credssp_take(struct rdp_credssp *credssp, enum side from, struct cursor *bytes)
{
    struct cursor unit = *bytes;
    struct bytes request;

    if (take_u8(&unit) != TAG_SEQUENCE)
        cursor_reject(&unit);
    request = take_bytes(&unit, rdp_take_ber_length(&unit));
    if (!cursor_is_good(&unit))
        return unit.state;
    *bytes = unit;
    credssp->is_seen = true;
    read_request(credssp, from, cursor_within(request));
    return CURSOR_GOOD;
}

enum cursor_state rdp_credssp_take_early_result(struct rdp_credssp *credssp, struct cursor *bytes)
{
    struct cursor unit = *bytes;
    uint32_t result = take_u32_le(&unit);

    if (!cursor_is_good(&unit))
        return unit.state;
    *bytes = unit;
    credssp->has_early_result = true;
    credssp->early_result = result;
    return CURSOR_GOOD;
}

struct named_error {
    uint32_t error;
    const char *name;
};

const char *rdp_credssp_error_name(uint32_t error)
{
    static const struct named_error errors[] = {
        {0xc000005e, "STATUS_NO_LOGON_SERVERS"},      {0xc0000064, "STATUS_NO_SUCH_USER"},         {0xc000006a, "STATUS_WRONG_PASSWORD"},
        {0xc000006d, "STATUS_LOGON_FAILURE"},         {0xc000006e, "STATUS_ACCOUNT_RESTRICTION"},  {0xc000006f, "STATUS_INVALID_LOGON_HOURS"},
        {0xc0000070, "STATUS_INVALID_WORKSTATION"},   {0xc0000071, "STATUS_PASSWORD_EXPIRED"},     {0xc0000072, "STATUS_ACCOUNT_DISABLED"},
        {0xc000015b, "STATUS_LOGON_TYPE_NOT_GRANTED"}, {0xc0000193, "STATUS_ACCOUNT_EXPIRED"},     {0xc0000224, "STATUS_PASSWORD_MUST_CHANGE"},
        {0xc0000234, "STATUS_ACCOUNT_LOCKED_OUT"},    {0xc0000022, "STATUS_ACCESS_DENIED"},        {0x8009030c, "SEC_E_LOGON_DENIED"},
        {0x80090322, "SEC_E_WRONG_PRINCIPAL"},
    };

    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        if (errors[i].error == error)
            return errors[i].name;
    }
    return NULL;
}

void rdp_credssp_free(struct rdp_credssp *credssp)
{
    sasl_free(&credssp->names);
}

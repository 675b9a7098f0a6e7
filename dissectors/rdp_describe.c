/*
 * rdp_describe.c - what is known of a connection, as the columns of its session's row: from numbers to names.
 */
#include "dissectors/rdp_record.h"
#include "dissectors/rdp_security.h"

#include <inttypes.h>
#include <stdio.h>

/* Enough for every name of a list of flags and 32 numbers; for 31 channel names of 8 bytes with their commas; for 16 monitors. */
#define LIST_LIMIT 2048
#define CONNECTION_TYPE_IS_VALID 0x0020 /* RNS_UD_CS_VALID_CONNECTION_TYPE */

static struct record_integer integer_of(struct rdp_number number)
{
    return number.is_known ? record_integer(number.value) : (struct record_integer){.is_known = false};
}

/* A size that a client does not know it states as 0. */
static struct record_integer size_of(struct rdp_number number)
{
    return number.is_known && number.value != 0 ? record_integer(number.value) : (struct record_integer){.is_known = false};
}

static struct record_boolean boolean_of(struct rdp_number number)
{
    return number.is_known ? record_boolean(number.value != 0) : (struct record_boolean){.is_known = false};
}

static struct record_text text_of(const struct text *text)
{
    return record_text_unless_empty(text_bytes(text));
}

/* The number's name, else the number itself. */
static struct record_text named(struct rdp_number number, const char *(*name_of)(uint32_t), struct rdp_number_text *room, bool is_decimal)
{
    const char *name = number.is_known ? name_of(number.value) : NULL;

    if (!number.is_known || name != NULL)
        return record_text_of(name);
    if (is_decimal)
        snprintf(room->at, sizeof room->at, "%" PRIu32, number.value);
    else
        snprintf(room->at, sizeof room->at, "0x%08" PRIx32, number.value);
    return record_text_of(room->at);
}

/* The names of the flags that are set. */
static struct record_text listed(struct rdp_number set, void (*append)(uint32_t, struct text *), struct text *list)
{
    if (set.is_known)
        append(set.value, list);
    return text_of(list);
}

static void append_protocols(uint32_t requested, struct text *names)
{
    if (requested == RDP_PROTOCOL_RDP)
        text_append_text(names, rdp_protocol_name(RDP_PROTOCOL_RDP));
    for (uint32_t bit = 1; bit != 0; bit <<= 1) {
        const char *name = rdp_protocol_name(bit);

        if ((requested & bit) == 0)
            continue;
        if (name != NULL)
            text_append_item(names, ",", bytes_of_text(name));
        else
            text_append_format(names, "%s0x%" PRIx32, names->length > 0 ? "," : "", bit);
    }
}

/*
 * An input locale: its name; of a keyboard that is not its language's usual one, the language and the number
 * (the lower half is the language); else the number.
 */
static void append_layout(uint32_t layout, struct text *text)
{
    const char *name = rdp_keyboard_layout_name(layout);
    const char *language = rdp_keyboard_layout_name(layout & 0xffff);

    if (name != NULL)
        text_append_text(text, name);
    else if (language != NULL)
        text_append_format(text, "%s (0x%08" PRIx32 ")", language, layout);
    else
        text_append_format(text, "0x%08" PRIx32, layout);
}

/* The names of the channels that the client asked for. */
static void append_channels(const struct rdp_settings *settings, struct text *names)
{
    for (unsigned i = 0; i < settings->channel_count; i++) {
        if (settings->channels[i].options.is_known)
            text_append_item(names, ",", bytes_of_text(settings->channels[i].name));
    }
}

static void append_unknown(const struct rdp_settings *settings, struct text *list)
{
    for (unsigned i = 0; i < settings->unknown_count && i < RDP_UNKNOWN_LIMIT; i++)
        text_append_format(list, "%s0x%04x", i > 0 ? "," : "", (unsigned)settings->unknown[i]);
}

/* A client may leave the connection type unset: then it says so. */
static struct rdp_number connection_type(const struct rdp_settings *settings)
{
    if ((settings->early_capabilities.value & CONNECTION_TYPE_IS_VALID) == 0)
        return (struct rdp_number){.is_known = false};
    return settings->connection_type;
}

static void describe_negotiation(const struct rdp_facts *facts, struct rdp_session *row, struct rdp_description *room)
{
    struct text *correlation = &room->lists[RDP_LIST_CORRELATION];

    row->preconnection_id = integer_of(facts->preconnection_id);
    row->preconnection_blob = text_of(&facts->preconnection_blob);
    row->cookie = text_of(&facts->cookie);
    row->routing_address = text_of(&facts->routing_address);
    for (size_t i = 0; facts->has_correlation_id && i < RDP_CORRELATION_LENGTH; i++)
        text_append_format(correlation, "%02x", facts->correlation_id[i]);
    row->correlation_id = text_of(correlation);
    row->request_flags = listed(facts->request_flags, rdp_append_request_flags, &room->lists[RDP_LIST_REQUEST_FLAGS]);
    row->confirm_flags = listed(facts->confirm_flags, rdp_append_confirm_flags, &room->lists[RDP_LIST_CONFIRM_FLAGS]);
    row->requested_protocols = listed(facts->requested, append_protocols, &room->lists[RDP_LIST_REQUESTED]);
    row->selected_protocol = named(facts->selected, rdp_protocol_name, &room->numbers[0], false);
    row->negotiation_failure = named(facts->failure, rdp_failure_name, &room->numbers[1], false);
}

static void describe_client(const struct rdp_settings *settings, struct rdp_session *row, struct rdp_description *room)
{
    row->client_name = text_of(&settings->client_name);
    row->client_build = integer_of(settings->client_build);
    row->client_build_name = record_text_of(settings->client_build.is_known ? rdp_build_name(settings->client_build.value) : NULL);
    row->client_version = named(settings->client_version, rdp_version_name, &room->numbers[2], false);
    row->product_id = text_of(&settings->product_id);
    row->serial_number = integer_of(settings->serial_number);
    row->keyboard_layout = listed(settings->keyboard_layout, append_layout, &room->lists[RDP_LIST_LAYOUT]);
    row->keyboard_type = named(settings->keyboard_type, rdp_keyboard_type_name, &room->numbers[3], true);
    row->keyboard_subtype = integer_of(settings->keyboard_subtype);
    row->keyboard_function_keys = integer_of(settings->function_keys);
    row->ime_file = text_of(&settings->ime_file);
    row->early_capabilities = listed(settings->early_capabilities, rdp_append_client_capabilities, &room->lists[RDP_LIST_CAPABILITIES]);
    row->connection_type = named(connection_type(settings), rdp_connection_type_name, &room->numbers[4], true);
    row->client_encryption_methods = listed(settings->client_methods, rdp_append_methods, &room->lists[RDP_LIST_METHODS]);
    row->cluster_flags = listed(settings->cluster_flags, rdp_append_cluster_flags, &room->lists[RDP_LIST_CLUSTER]);
    row->redirected_session_id = integer_of(settings->redirected_session);
    row->client_multitransport = listed(settings->client_multitransport, rdp_append_multitransport, &room->lists[RDP_LIST_CLIENT_TRANSPORT]);
}

static void describe_screen(const struct rdp_settings *settings, struct rdp_session *row, struct rdp_description *room)
{
    row->desktop_width = integer_of(settings->desktop_width);
    row->desktop_height = integer_of(settings->desktop_height);
    row->color_depth = integer_of(settings->color_depth);
    row->supported_color_depths = listed(settings->supported_depths, rdp_append_depths, &room->lists[RDP_LIST_DEPTHS]);
    row->physical_width = size_of(settings->physical_width);
    row->physical_height = size_of(settings->physical_height);
    if (row->physical_width.is_known)
        row->orientation = integer_of(settings->orientation);
    row->desktop_scale = size_of(settings->desktop_scale);
    row->device_scale = size_of(settings->device_scale);
    rdp_append_monitors(settings, &room->lists[RDP_LIST_MONITORS]);
    row->monitors = text_of(&room->lists[RDP_LIST_MONITORS]);
}

static void describe_certificate(const struct rdp_certificate *certificate, struct rdp_session *row)
{
    if (!certificate->version.is_known)
        return;
    row->certificate_type = record_text_of(certificate->version.value == 1 ? "proprietary" : "X.509");
    row->certificate_subject = text_of(&certificate->subject);
    row->certificate_issuer = text_of(&certificate->issuer);
    row->certificate_serial = text_of(&certificate->serial);
    row->certificate_key_bits = integer_of(certificate->key_bits);
    row->certificate_count = integer_of(certificate->count);
    row->certificate_well_signed = boolean_of(certificate->is_well_signed);
    if (certificate->is_temporary.is_known)
        row->certificate_permanent = record_boolean(certificate->is_temporary.value == 0);
}

static void describe_server(const struct rdp_facts *facts, struct rdp_session *row, struct rdp_description *room)
{
    const struct rdp_settings *settings = &facts->settings;
    struct rdp_software software = rdp_server_software(facts);

    row->server_software = record_text_of(software.name);
    row->server_software_basis = record_text_of(software.basis);
    row->server_version = named(settings->server_version, rdp_version_name, &room->numbers[5], false);
    row->server_early_capabilities =
        listed(settings->server_early_capabilities, rdp_append_server_capabilities, &room->lists[RDP_LIST_SERVER_CAPABILITIES]);
    row->server_multitransport = listed(settings->server_multitransport, rdp_append_multitransport, &room->lists[RDP_LIST_SERVER_TRANSPORT]);
    row->connect_result = named(settings->connect_result, rdp_connect_result_name, &room->numbers[6], true);
    row->encryption_method = named(settings->encryption_method, rdp_encryption_method_name, &room->numbers[7], false);
    row->encryption_level = named(settings->encryption_level, rdp_encryption_level_name, &room->numbers[8], false);
    describe_certificate(&settings->certificate, row);
}

void rdp_describe(const struct rdp_facts *facts, struct rdp_session *row, struct rdp_description *description)
{
    *description = (struct rdp_description){.numbers = {{.at = ""}}};
    for (int i = 0; i < RDP_LISTS; i++)
        description->lists[i].limit = LIST_LIMIT;
    describe_negotiation(facts, row, description);
    describe_client(&facts->settings, row, description);
    describe_screen(&facts->settings, row, description);
    describe_server(facts, row, description);
    rdp_security_fill(facts->security, row);
    append_channels(&facts->settings, &description->lists[RDP_LIST_CHANNELS]);
    row->channels = text_of(&description->lists[RDP_LIST_CHANNELS]);
    append_unknown(&facts->settings, &description->lists[RDP_LIST_UNKNOWN]);
    row->unknown_blocks = text_of(&description->lists[RDP_LIST_UNKNOWN]);
}

void rdp_description_free(struct rdp_description *description)
{
    for (int i = 0; i < RDP_LISTS; i++)
        text_free(&description->lists[i]);
}

/*
 * rdp_rows.c - the tables of RDP and the rows in them: from numbers to names.
 */
#include "dissectors/rdp_record.h"
#include "dissectors/rdp_security.h"
#include "dissectors/rdp_session.h"

#include <inttypes.h>
#include <stdio.h>

/* Enough for every protocol's name and 32 numbers; for 31 channel names of 8 bytes with their commas. */
#define LIST_LIMIT 512

RECORD_COLUMNS(rdp_session, RDP_SESSION);
RECORD_COLUMNS(rdp_channel, RDP_CHANNEL);
RECORD_COLUMNS(rdp_event, RDP_EVENT);

#define COOKIE_IS_A_TOKEN "(s.cookie LIKE 'msts=%' OR s.cookie LIKE 'tsv:%')"

static const struct record_session rdp_sessions = {
    .protocol = "rdp",
    .user = "coalesce(s.user, CASE WHEN NOT " COOKIE_IS_A_TOKEN " THEN s.cookie END)",
    .outcome = "CASE WHEN s.negotiation_failure IS NOT NULL THEN 'refused' WHEN s.selected_protocol IS NOT NULL THEN 'connected' END",
    .summary = "trim(coalesce(s.client_name, 'client') || coalesce(', refused: ' || s.negotiation_failure, ', security ' || s.selected_protocol, '') || "
               "coalesce(', ' || s.desktop_width || 'x' || s.desktop_height, '') || coalesce(', channels ' || s.channels, ''))",
};

const struct record_table rdp_session_table = {
    .table = "rdp_session",
    .view = "rdp_sessions",
    .doc = "one connection of the Remote Desktop Protocol",
    .kind = RECORD_VIEW_SESSION,
    .columns = rdp_session_columns,
    .column_count = RECORD_COLUMN_COUNT(rdp_session_columns),
    .session = &rdp_sessions,
    .key = "flow_id",
    .index = "flow_id",
};

const struct record_table rdp_channel_table = {
    .table = "rdp_channel",
    .view = "rdp_channels",
    .doc = "one static virtual channel of an RDP session",
    .kind = RECORD_VIEW_PLAIN,
    .columns = rdp_channel_columns,
    .column_count = RECORD_COLUMN_COUNT(rdp_channel_columns),
    .index = "flow_id",
};

const struct record_table rdp_event_table = {
    .table = "rdp_event",
    .view = "rdp_events",
    .doc = "something that happened in an RDP session, in order",
    .kind = RECORD_VIEW_PLAIN,
    .columns = rdp_event_columns,
    .column_count = RECORD_COLUMN_COUNT(rdp_event_columns),
    .index = "flow_id",
};

static struct record_integer integer_of(struct rdp_number number)
{
    return number.is_known ? record_integer(number.value) : (struct record_integer){.is_known = false};
}

/* Room for a number that has no name; one for each column of the row. */
struct number_text {
    char at[16];
};

/* The number's name, else the number itself as `format` shows it. */
static struct record_text named(struct rdp_number number, const char *(*name_of)(uint32_t), struct number_text *room, bool is_decimal)
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

static void append_requested(uint32_t requested, struct text *names)
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

static struct record_integer channel_bytes(const struct rdp_facts *facts, const struct rdp_channel_state *channel, enum side from)
{
    if (!channel->id.is_known || !facts->was_connected[from])
        return (struct record_integer){.is_known = false};
    return record_integer((int64_t)channel->bytes[from]);
}

/* The names of the channels that the client asked for. */
static void append_channels(const struct rdp_facts *facts, struct text *names)
{
    for (unsigned i = 0; i < facts->settings.channel_count; i++) {
        const struct rdp_channel_state *channel = &facts->settings.channels[i];

        if (channel->options.is_known)
            text_append_item(names, ",", bytes_of_text(channel->name));
    }
}

static void write_channels(struct conversation *conversation, const struct rdp_facts *facts)
{
    for (unsigned i = 0; i < facts->settings.channel_count; i++) {
        const struct rdp_channel_state *channel = &facts->settings.channels[i];
        const struct rdp_channel row = {
            .flow_id = record_integer(conversation_flow(conversation)->flow_id),
            .name = record_text_unless_empty(bytes_of_text(channel->name)),
            .channel_id = integer_of(channel->id),
            .options = integer_of(channel->options),
            .client_bytes = channel_bytes(facts, channel, FROM_CLIENT),
            .server_bytes = channel_bytes(facts, channel, FROM_SERVER),
        };

        conversation_write(conversation, &rdp_channel_table, &row);
    }
}

static void tell_too_many(struct conversation *conversation, struct rdp_number count, enum side from)
{
    if (count.is_known && count.value > RDP_CHANNELS_LIMIT)
        conversation_finding(conversation, "warning", "rdp_too_many_channels", "the %s names %" PRIu32 " channels; %d are allowed, the rest was not kept",
                             side_name(from), count.value, RDP_CHANNELS_LIMIT);
}

void rdp_write_session(struct conversation *conversation, const struct rdp_facts *facts)
{
    const struct rdp_settings *settings = &facts->settings;
    struct text requested = {.limit = LIST_LIMIT};
    struct text channels = {.limit = LIST_LIMIT};
    struct number_text rooms[7];
    struct rdp_session row = {
        .flow_id = record_integer(conversation_flow(conversation)->flow_id),
        .encrypted = record_boolean(conversation_is_decrypted(conversation)),
        .cookie = record_text_unless_empty(text_bytes(&facts->cookie)),
        .selected_protocol = named(facts->selected, rdp_protocol_name, &rooms[0], false),
        .negotiation_failure = named(facts->failure, rdp_failure_name, &rooms[1], false),
        .client_name = record_text_unless_empty(text_bytes(&settings->client_name)),
        .client_build = integer_of(settings->client_build),
        .client_version = named(settings->client_version, rdp_version_name, &rooms[2], false),
        .product_id = record_text_unless_empty(text_bytes(&settings->product_id)),
        .keyboard_layout = named(settings->keyboard_layout, rdp_keyboard_layout_name, &rooms[3], false),
        .keyboard_type = named(settings->keyboard_type, rdp_keyboard_type_name, &rooms[4], true),
        .desktop_width = integer_of(settings->desktop_width),
        .desktop_height = integer_of(settings->desktop_height),
        .color_depth = integer_of(settings->color_depth),
        .encryption_method = named(settings->encryption_method, rdp_encryption_method_name, &rooms[5], false),
        .encryption_level = named(settings->encryption_level, rdp_encryption_level_name, &rooms[6], false),
        .certificate_subject = record_text_unless_empty(text_bytes(&settings->certificate_subject)),
    };

    if (settings->certificate_version.is_known)
        row.certificate_type = record_text_of(settings->certificate_version.value == 1 ? "proprietary" : "X.509");
    if (facts->requested.is_known) {
        append_requested(facts->requested.value, &requested);
        row.requested_protocols = record_text(text_bytes(&requested));
    }
    rdp_session_fill(facts->share, &row);
    append_channels(facts, &channels);
    row.channels = record_text_unless_empty(text_bytes(&channels));
    conversation_write(conversation, &rdp_session_table, &row);
    text_free(&requested);
    text_free(&channels);
}

void rdp_write_rows(struct conversation *conversation, const struct rdp_facts *facts)
{
    write_channels(conversation, facts);
    rdp_write_session(conversation, facts);
    tell_too_many(conversation, facts->settings.channels_asked, FROM_CLIENT);
    tell_too_many(conversation, facts->settings.channels_given, FROM_SERVER);
}

void rdp_facts_free(struct rdp_facts *facts)
{
    text_free(&facts->cookie);
    rdp_session_free(facts->share);
    rdp_security_free(facts->security);
    rdp_settings_free(&facts->settings);
}

/*
 * rdp_rows.c - the tables of RDP and the rows in them: from numbers to names.
 */
#include "dissectors/rdp_record.h"
#include "dissectors/rdp_security.h"
#include "dissectors/rdp_session.h"

#include <inttypes.h>
#include <stdio.h>

/* Enough for the names of all options and 32 numbers. */
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
    .key = "flow_id, tunnel",
    .index = "flow_id",
};

const struct record_table rdp_channel_table = {
    .table = "rdp_channel",
    .view = "rdp_channels",
    .doc = "one virtual channel of an RDP session, static or dynamic",
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

static struct record_integer channel_bytes(const struct rdp_facts *facts, const struct rdp_channel_state *channel, enum side from)
{
    if (!channel->id.is_known || !facts->was_connected[from])
        return (struct record_integer){.is_known = false};
    return record_integer((int64_t)channel->bytes[from]);
}

static void write_channels(struct conversation *conversation, const struct rdp_facts *facts)
{
    for (unsigned i = 0; i < facts->settings.channel_count; i++) {
        const struct rdp_channel_state *channel = &facts->settings.channels[i];
        struct text names = {.limit = LIST_LIMIT};
        struct rdp_channel row = {
            .flow_id = record_integer(conversation_flow(conversation)->flow_id),
            .name = record_text_unless_empty(bytes_of_text(channel->name)),
            .channel_id = integer_of(channel->id),
            .options = integer_of(channel->options),
            .client_bytes = channel_bytes(facts, channel, FROM_CLIENT),
            .server_bytes = channel_bytes(facts, channel, FROM_SERVER),
            .kind = record_text_of("static"),
        };

        rdp_append_channel_options(channel->options.is_known ? channel->options.value : 0, &names);
        row.option_names = record_text_unless_empty(text_bytes(&names));
        conversation_write(conversation, &rdp_channel_table, &row);
        text_free(&names);
    }
}

static void tell_too_many(struct conversation *conversation, struct rdp_number count, enum side from)
{
    if (count.is_known && count.value > RDP_CHANNELS_LIMIT)
        conversation_finding(conversation, "warning", "rdp_too_many_channels", "the %s names %" PRIu32 " channels; %d are allowed, the rest was not kept",
                             side_name(from), count.value, RDP_CHANNELS_LIMIT);
}

/* What sizes, order and times tell; see rdp_shape.h. */
static void fill_shape(struct conversation *conversation, const struct rdp_facts *facts, struct rdp_session *row)
{
    const struct rdp_shape *shape = &facts->shape;
    const struct flow_facts *flow = conversation_flow(conversation);
    int64_t idle_us = rdp_shape_idle_us(shape, flow->last_us);
    int interactive = rdp_shape_interactive(shape);

    if (shape->login != RDP_LOGIN_UNKNOWN)
        row->auth_result = record_text_of(shape->login == RDP_LOGIN_SUCCESS ? "success" : "failure");
    row->phase_reached = record_text_of(rdp_reached_name(shape->reached));
    if (flow->has_start[FROM_CLIENT] && rdp_shape_has_payload(shape, FROM_CLIENT))
        row->client_payload = record_integer((int64_t)shape->payload[FROM_CLIENT]);
    if (flow->has_start[FROM_SERVER] && rdp_shape_has_payload(shape, FROM_SERVER))
        row->server_payload = record_integer((int64_t)shape->payload[FROM_SERVER]);
    if (idle_us >= 0)
        row->idle_seconds = record_real((double)idle_us / 1e6);
    if (interactive >= 0)
        row->interactive = record_boolean(interactive == 1);
    row->inference_basis = record_text_of(rdp_shape_basis(shape));
}

/* What the client says of itself later, in client info, is nearer to the session. */
static void fill_credssp(const struct rdp_credssp *credssp, struct rdp_session *row, char error[16])
{
    if (!row->user.is_known)
        row->user = record_text_unless_empty(text_bytes(&credssp->names.user));
    if (!row->domain.is_known)
        row->domain = record_text_unless_empty(text_bytes(&credssp->names.domain));
    row->workstation = record_text_unless_empty(text_bytes(&credssp->names.workstation));
    if (!credssp->was_refused)
        return;
    (void)snprintf(error, 16, "0x%08" PRIx32, credssp->error);
    row->login_error = record_text_of(rdp_credssp_error_name(credssp->error) != NULL ? rdp_credssp_error_name(credssp->error) : error);
}

void rdp_write_session(struct conversation *conversation, const struct rdp_facts *facts)
{
    struct rdp_description description;
    char error[16];
    struct rdp_session row = {
        .flow_id = record_integer(conversation_flow(conversation)->flow_id),
        .encrypted = record_boolean(conversation_is_decrypted(conversation)),
        .tunnel = record_integer(conversation_tunnel(conversation)),
    };

    rdp_describe(facts, &row, &description);
    fill_shape(conversation, facts, &row);
    rdp_session_fill(facts->share, &row);
    fill_credssp(&facts->credssp, &row, error);
    conversation_write(conversation, &rdp_session_table, &row);
    rdp_description_free(&description);
}

/* MS_T120 is the server's own channel 0x1f; a client that asks for it makes it bind twice, and freed once too often. */
static void tell_ms_t120(struct conversation *conversation, const struct rdp_settings *settings)
{
    if (settings->asks_for_ms_t120)
        conversation_finding(conversation, "alarm", "rdp_ms_t120_binding",
                             "the client asks for a channel MS_T120, which no client has a use for: CVE-2019-0708 (BlueKeep) is attempted or probed so");
}

/* What one side repeats of the other's words, against these. */
static void tell_tampered(struct conversation *conversation, struct rdp_number said, struct rdp_number echo, const char *what)
{
    if (said.is_known && echo.is_known && said.value != echo.value)
        conversation_finding(conversation, "warning", "rdp_negotiation_changed", "%s 0x%" PRIx32 " on the wire, and is repeated as 0x%" PRIx32 ": somebody between the two changes the negotiation", what,
                             said.value, echo.value);
}

static void tell_findings(struct conversation *conversation, const struct rdp_facts *facts)
{
    const struct rdp_settings *settings = &facts->settings;

    tell_too_many(conversation, settings->channels_asked, FROM_CLIENT);
    tell_too_many(conversation, settings->channels_given, FROM_SERVER);
    if (settings->monitors_claimed.is_known && settings->monitors_claimed.value > RDP_MONITORS_LIMIT)
        conversation_finding(conversation, "warning", "rdp_too_many_monitors", "the client names %" PRIu32 " monitors; %d are allowed, the rest was not kept",
                             settings->monitors_claimed.value, RDP_MONITORS_LIMIT);
    tell_ms_t120(conversation, settings);
    rdp_tell_protection(conversation, facts);
    tell_tampered(conversation, facts->requested, settings->requested_echo, "what the client requests is");
    tell_tampered(conversation, facts->selected, settings->selected_echo, "what the server selects is");
    if (settings->certificate.is_well_signed.is_known && settings->certificate.is_well_signed.value == 0)
        conversation_finding(conversation, "notice", "rdp_certificate_signature",
                             "the server's proprietary certificate is not signed with the key that all of its kind are signed with ([MS-RDPBCGR] 5.3.3.1.1)");
}

void rdp_write_rows(struct conversation *conversation, const struct rdp_facts *facts)
{
    write_channels(conversation, facts);
    rdp_channels_write(facts->share, conversation);
    rdp_write_session(conversation, facts);
    tell_findings(conversation, facts);
}

void rdp_facts_free(struct rdp_facts *facts)
{
    text_free(&facts->cookie);
    text_free(&facts->routing_address);
    text_free(&facts->preconnection_blob);
    rdp_credssp_free(&facts->credssp);
    rdp_session_free(facts->share);
    rdp_security_free(facts->security);
    rdp_settings_free(&facts->settings);
}

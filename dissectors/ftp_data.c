/*
 * ftp_data.c - FTP's data connections (RFC 959, 3.2): bytes counted, the row of the transfer.
 * Leaves out: the contents, block and compressed mode, what a listing says.
 */
#include "dissectors/ftp_data.h"

#include "base/file.h"
#include "base/memory.h"
#include "dissectors/ftp_record.h"

#include <string.h>

struct ftp_channel *ftp_channel_new(void)
{
    struct ftp_channel *channel = memory_new_zeroed(1, sizeof *channel);

    if (channel != NULL) {
        channel->holders = 1;
        channel->path.limit = FTP_PATH_LIMIT;
    }
    return channel;
}

struct ftp_channel *ftp_channel_hold(struct ftp_channel *channel)
{
    channel->holders++;
    return channel;
}

void ftp_channel_let_go(void *argument)
{
    struct ftp_channel *channel = argument;

    if (--channel->holders > 0)
        return;
    text_free(&channel->path);
    memory_free(channel);
}

/* Which side of the data connection sends. In passive mode the FTP client opens it, in active mode the FTP server. */
static enum side sending_side(const struct ftp_channel *channel)
{
    bool server_sends = channel->direction != FTP_UPLOAD;

    if (channel->direction == FTP_UNKNOWN)
        return channel->bytes[FROM_CLIENT] + channel->missing[FROM_CLIENT] > 0 ? FROM_CLIENT : FROM_SERVER;
    return server_sends == channel->is_passive ? FROM_SERVER : FROM_CLIENT;
}

uint64_t ftp_channel_size(const struct ftp_channel *channel)
{
    enum side side = sending_side(channel);

    return channel->bytes[side] + channel->missing[side];
}

/* ---- addresses on the control connection ---- */

bool ftp_parse_host_port(struct bytes text, struct address *address, uint16_t *port)
{
    uint8_t numbers[6];

    for (int i = 0; i < 6; i++) {
        struct bytes rest;
        struct bytes part = bytes_split(text, ',', &rest);
        uint64_t number;

        if (i == 5) { /* what is behind the last number is the server's wording */
            part = text;
            while (part.length > 0 && (part.at[part.length - 1] < '0' || part.at[part.length - 1] > '9'))
                part.length--;
            for (size_t digits = 0; digits < part.length; digits++) {
                if (part.at[digits] < '0' || part.at[digits] > '9')
                    part.length = digits;
            }
        }
        if (!bytes_to_number(bytes_trim(part), 255, &number))
            return false;
        numbers[i] = (uint8_t)number;
        text = rest;
    }
    *address = address_from_ipv4(numbers);
    *port = (uint16_t)(numbers[4] << 8 | numbers[5]);
    return *port != 0;
}

bool ftp_parse_passive(struct bytes reply, struct address *address, uint16_t *port)
{
    for (size_t i = 0; i < reply.length; i++) {
        bool begins = reply.at[i] >= '0' && reply.at[i] <= '9' && (i == 0 || reply.at[i - 1] < '0' || reply.at[i - 1] > '9');

        if (begins && ftp_parse_host_port(bytes_of(reply.at + i, reply.length - i), address, port))
            return true;
    }
    return false;
}

bool ftp_parse_extended(struct bytes text, struct bytes *host, uint16_t *port)
{
    struct bytes rest;
    struct bytes port_text;
    uint8_t delimiter;
    uint64_t number;

    if (text.length < 4)
        return false;
    delimiter = text.at[0];
    (void)bytes_split(bytes_of(text.at + 1, text.length - 1), delimiter, &rest);
    *host = bytes_split(rest, delimiter, &rest);
    port_text = bytes_split(rest, delimiter, &rest);
    if (rest.at == NULL || !bytes_to_number(port_text, 65535, &number) || number == 0)
        return false;
    *port = (uint16_t)number;
    return true;
}

bool ftp_parse_host(struct bytes host, struct address *address)
{
    char text[ADDRESS_TEXT_SIZE];

    if (host.length == 0 || host.length >= sizeof text)
        return false;
    memcpy(text, host.at, host.length);
    text[host.length] = '\0';
    return address_from_text(text, address);
}

/* ---- what a transfer's command says ---- */

enum ftp_direction ftp_direction_of(const char *verb)
{
    if (strcmp(verb, "RETR") == 0)
        return FTP_DOWNLOAD;
    if (strcmp(verb, "LIST") == 0 || strcmp(verb, "NLST") == 0 || strcmp(verb, "MLSD") == 0)
        return FTP_LIST;
    return FTP_UPLOAD;
}

void ftp_append_path(struct text *absolute, struct bytes path)
{
    struct bytes rest = path;

    while (rest.at != NULL) {
        struct bytes part = bytes_split(rest, '/', &rest);

        if (part.length == 0 || bytes_equal_nocase(part, "."))
            continue;
        if (bytes_equal_nocase(part, "..")) {
            while (absolute->length > 0 && absolute->at[--absolute->length] != '/')
                continue;
            continue;
        }
        text_append_text(absolute, "/");
        text_append(absolute, part);
    }
}

/* ---- the row ---- */

static bool is_refused(const struct ftp_channel *channel)
{
    return channel->has_reply && channel->reply_code >= 400;
}

/* 1, 0, or not known: a refusal and missing bytes say no, only the server's reply says yes. */
static struct record_boolean completeness(const struct ftp_channel *channel)
{
    enum side side = sending_side(channel);

    if (is_refused(channel))
        return record_boolean(false);
    if (channel->has_data && channel->missing[side] > 0)
        return record_boolean(false);
    if (!channel->has_reply || !channel->has_data || !channel->has_side_ended[side])
        return (struct record_boolean){.is_known = false};
    /* the sender's FIN ends a file (RFC 959, 3.4.1); what the receiver closes says nothing */
    if (channel->side_ending[side] == ENDING_FIN)
        return record_boolean(true);
    if (channel->side_ending[side] == ENDING_RESET)
        return record_boolean(false);
    return (struct record_boolean){.is_known = false};
}

/* The last part of a path. */
static struct bytes base_name(struct bytes path)
{
    for (size_t i = path.length; i > 0; i--) {
        if (path.at[i - 1] == '/')
            return bytes_of(path.at + i, path.length - i);
    }
    return path;
}

bool ftp_client_sends(const struct ftp_channel *channel)
{
    return channel->is_passive == (sending_side(channel) == FROM_CLIENT);
}

void ftp_channel_number_file(struct conversation *conversation, struct ftp_channel *channel)
{
    bool is_file = channel->has_command && (channel->direction == FTP_DOWNLOAD || channel->direction == FTP_UPLOAD);
    bool travelled = ftp_channel_size(channel) > 0 || (channel->has_data && channel->has_reply && !is_refused(channel));

    if (channel->file_id == 0 && is_file && travelled)
        channel->file_id = conversation_next_id(conversation, ID_FILE);
}

static void write_file(struct conversation *conversation, const struct ftp_channel *channel)
{
    struct file_record file = {
        .file_id = record_integer(channel->file_id),
        .flow_id = record_integer(channel->control_flow_id),
        .source = record_text_of("ftp"),
        .from_side = record_text_of(ftp_client_sends(channel) ? "client" : "server"),
        .name = record_text_unless_empty(base_name(text_bytes(&channel->path))),
        .size = record_integer((int64_t)ftp_channel_size(channel)),
        .missing = record_integer((int64_t)channel->missing[sending_side(channel)]),
        .complete = completeness(channel),
    };

    /* what lies before the offset did not travel */
    if (channel->has_offset && channel->offset > 0)
        file.complete = record_boolean(false);
    conversation_write(conversation, &file_table, &file);
}

static const char *direction_name(const struct ftp_channel *channel)
{
    switch (channel->direction) {
    case FTP_DOWNLOAD:
        return "download";
    case FTP_UPLOAD:
        return "upload";
    case FTP_LIST:
        return "list";
    case FTP_UNKNOWN:
        break;
    }
    return ftp_client_sends(channel) ? "upload" : NULL; /* the server may send a file or a list */
}

static void set_data(struct ftp_transfer *row, const struct ftp_channel *channel)
{
    if (!channel->has_data)
        return;
    row->data_flow_id = record_integer(channel->data_flow_id);
    row->size = record_integer((int64_t)ftp_channel_size(channel));
    row->duration = record_real((double)(channel->data_end_us - channel->data_start_us) / 1e6);
}

static void write_transfer(struct conversation *conversation, struct ftp_channel *channel)
{
    char address[ADDRESS_TEXT_SIZE];
    struct ftp_transfer row = {
        .flow_id = record_integer(channel->control_flow_id),
        .number = record_integer(channel->number),
        .path = record_text_unless_empty(text_bytes(&channel->path)),
        .direction = record_text_of(direction_name(channel)),
        .complete = completeness(channel),
    };

    channel->is_written = true;
    if (channel->has_command) {
        row.time_us = record_integer(channel->time_us);
        row.command = record_text_of(channel->command);
    }
    if (channel->is_announced) {
        row.mode = record_text_of(channel->is_passive ? "passive" : "active");
        row.data_ip = record_text(bytes_of(address, address_to_text(&channel->data_ip, address)));
        row.data_port = record_integer(channel->data_port);
    }
    if (channel->has_offset)
        row.offset = record_integer((int64_t)channel->offset);
    if (channel->has_reply)
        row.reply_code = record_integer(channel->reply_code);
    set_data(&row, channel);
    if (channel->file_id != 0) {
        row.file_id = record_integer(channel->file_id);
        write_file(conversation, channel);
    }
    conversation_write(conversation, &ftp_transfer_table, &row);
}

void ftp_channel_write_if_ready(struct conversation *conversation, struct ftp_channel *channel)
{
    bool control_knows_all = channel->has_reply || channel->control_is_gone || channel->is_unasked;
    /* after a refusal no data connection comes; with the control connection gone none is waited for */
    bool data_knows_all = channel->has_data ? channel->data_has_ended : is_refused(channel) || channel->control_is_gone;

    if (channel->is_written || !control_knows_all || !data_knows_all)
        return;
    if (channel->has_command || (channel->is_unasked && ftp_channel_size(channel) > 0))
        write_transfer(conversation, channel);
}

/* ---- the dissector of the data connection ---- */

struct ftp_data {
    struct ftp_channel *channel;
};

static void ftp_data_open(struct conversation *conversation, void *state, void *from_before)
{
    struct ftp_data *data = state;
    const struct flow_facts *flow = conversation_flow(conversation);

    data->channel = from_before;
    if (data->channel->has_data) {
        /* a second connection to the announced endpoint: only the first one is the transfer */
        ftp_channel_let_go(data->channel);
        data->channel = NULL;
        return;
    }
    data->channel->has_data = true;
    data->channel->data_flow_id = flow->flow_id;
    data->channel->data_start_us = flow->start_us;
}

static enum verdict ftp_data_on_data(struct conversation *conversation, void *state, enum side from, struct cursor *bytes)
{
    struct ftp_data *data = state;
    struct bytes taken = take_up_to(bytes, UINT64_MAX);

    if (data->channel == NULL)
        return VERDICT_NOT_THIS_PROTOCOL;
    data->channel->bytes[from] += taken.length;
    ftp_channel_number_file(conversation, data->channel);
    return VERDICT_GO_ON;
}

static enum verdict ftp_data_on_gap(struct conversation *conversation, void *state, enum side from, uint64_t count)
{
    struct ftp_data *data = state;

    if (data->channel == NULL)
        return VERDICT_NOT_THIS_PROTOCOL;
    data->channel->missing[from] += count;
    ftp_channel_number_file(conversation, data->channel);
    return VERDICT_GO_ON;
}

static void ftp_data_on_end(struct conversation *conversation, void *state, enum side from, enum ending ending, struct bytes unread)
{
    struct ftp_data *data = state;

    (void)conversation;
    (void)unread;
    if (data->channel == NULL)
        return;
    data->channel->has_side_ended[from] = true;
    data->channel->side_ending[from] = ending;
}

static void ftp_data_close(struct conversation *conversation, void *state)
{
    struct ftp_data *data = state;

    if (data->channel == NULL)
        return;
    data->channel->data_end_us = conversation_flow(conversation)->last_us;
    data->channel->data_has_ended = true;
    ftp_channel_write_if_ready(conversation, data->channel);
    ftp_channel_let_go(data->channel);
}

static const struct record_table *const ftp_data_tables[] = {&ftp_transfer_table, &file_table, NULL};

const struct dissector ftp_data_dissector = {
    .name = "ftp_data",
    .tables = ftp_data_tables,
    .state_size = sizeof(struct ftp_data),
    .unit_limit = 1,
    .open = ftp_data_open,
    .on_data = ftp_data_on_data,
    .on_gap = ftp_data_on_gap,
    .on_end = ftp_data_on_end,
    .close = ftp_data_close,
};

/*
 * ftp_transfer.c - one FTP transfer: what is known of it, whether it is whole, its rows.
 */
#include "dissectors/ftp_data.h"

#include "base/file.h"
#include "base/memory.h"
#include "dissectors/content_kind.h"
#include "dissectors/ftp_record.h"

#include <string.h>

struct ftp_channel *ftp_channel_new(void)
{
    struct ftp_channel *channel = memory_new_zeroed(1, sizeof *channel);

    if (channel != NULL) {
        channel->holders = 1;
        channel->direction = FTP_UNKNOWN;
        channel->argument.limit = FTP_PATH_LIMIT;
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
    ftp_payload_free(&channel->payload);
    text_free(&channel->argument);
    text_free(&channel->path);
    memory_free(channel);
}

void ftp_channel_forget_expected(struct conversation *conversation, const struct ftp_channel *channel)
{
    if (channel->is_announced)
        conversation_forget_expected(conversation, &channel->data_ip, channel->data_port, channel);
    else
        conversation_forget_expected(conversation, &channel->control_server, FTP_SERVER_DATA_PORT, channel);
    if (channel->data_port != 0)
        conversation_forget_expected(conversation, &channel->near, channel->data_port, channel);
}

enum side ftp_channel_sender(const struct ftp_channel *channel)
{
    bool server_sends = channel->direction != FTP_UPLOAD;

    if (channel->direction == FTP_UNKNOWN)
        return channel->bytes[FROM_CLIENT] + channel->missing[FROM_CLIENT] > 0 ? FROM_CLIENT : FROM_SERVER;
    return server_sends == channel->is_passive ? FROM_SERVER : FROM_CLIENT;
}

uint64_t ftp_channel_size(const struct ftp_channel *channel)
{
    enum side side = ftp_channel_sender(channel);

    return channel->bytes[side] + channel->missing[side];
}

/* What TLS lost is counted with its protection. */
static bool knows_size(const struct ftp_channel *channel)
{
    return !channel->is_opened || channel->missing[ftp_channel_sender(channel)] == 0;
}

bool ftp_client_sends(const struct ftp_channel *channel)
{
    return channel->is_passive == (ftp_channel_sender(channel) == FROM_CLIENT);
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

/* ---- what the data connection carries ---- */

static enum ftp_listing_form listing_form(const struct ftp_channel *channel)
{
    if (strcmp(channel->command, "MLSD") == 0)
        return FTP_LISTING_FACTS;
    return strcmp(channel->command, "NLST") == 0 ? FTP_LISTING_NAMES : FTP_LISTING_LONG;
}

void ftp_channel_place_payload(struct conversation *conversation, struct ftp_channel *channel)
{
    const struct ftp_listing_about about = {
        .form = listing_form(channel),
        .control_flow_id = channel->control_flow_id,
        .transfer = record_integer(channel->number),
        .time_us = record_integer(channel->time_us),
        .path = text_bytes(&channel->path),
        .argument = text_bytes(&channel->argument),
    };

    if (channel->payload.has_begun && channel->payload_side != ftp_channel_sender(channel)) {
        /* what was taken for the payload came from the wrong side */
        ftp_payload_free(&channel->payload);
        channel->payload.is_void = true;
        channel->payload.has_begun = true;
        return;
    }
    if (channel->direction == FTP_LIST)
        ftp_payload_is_listing(&channel->payload, conversation, &about);
    else
        ftp_payload_is_file(&channel->payload);
}

struct ftp_form ftp_channel_form(const struct ftp_channel *channel)
{
    struct ftp_form form = {
        .mode = FTP_MODE_STREAM,
        .has_records = channel->settings.structure == 'R',
        .is_text = channel->settings.type == 'A' || channel->settings.type == 'E',
    };

    if (channel->settings.mode == 'B')
        form.mode = FTP_MODE_BLOCK;
    else if (channel->settings.mode == 'C')
        form.mode = FTP_MODE_COMPRESSED;
    else if (channel->settings.mode == 'Z')
        form.mode = FTP_MODE_DEFLATE;
    return form;
}

/* ---- whether it is whole ---- */

enum outcome {
    OUTCOME_UNKNOWN,
    OUTCOME_COMPLETE,
    OUTCOME_REFUSED,
    OUTCOME_ABORTED,
    OUTCOME_SHORT,
    OUTCOME_BROKEN,
    OUTCOME_GAP,
};

static const char *const outcome_names[] = {
    [OUTCOME_COMPLETE] = "complete", [OUTCOME_REFUSED] = "refused", [OUTCOME_ABORTED] = "aborted",
    [OUTCOME_SHORT] = "short",       [OUTCOME_BROKEN] = "broken",   [OUTCOME_GAP] = "gap",
};

/* Protected, and not opened: its bytes are TLS's. */
static bool is_sealed(const struct ftp_channel *channel)
{
    return channel->is_protected && !channel->is_opened;
}

/* Whether the bytes that travel are the file's own, so that their number says something. */
static bool is_comparable(const struct ftp_channel *channel)
{
    const struct ftp_form form = ftp_channel_form(channel);

    return channel->has_announced_size && (channel->settings.type == 'I' || channel->settings.type == 'L') && !is_sealed(channel) &&
           !ftp_block_marks_end(&form) && channel->direction != FTP_LIST;
}

/* Servers say either the size of the file or what of it is left to send. */
static bool has_reached_size(const struct ftp_channel *channel)
{
    uint64_t size = ftp_channel_size(channel);

    return is_comparable(channel) && (size == channel->announced_size || (channel->has_offset && size + channel->offset == channel->announced_size));
}

static bool is_below_size(const struct ftp_channel *channel)
{
    uint64_t offset = channel->has_offset ? channel->offset : 0;

    return is_comparable(channel) && !has_reached_size(channel) && ftp_channel_size(channel) + offset < channel->announced_size;
}

static enum outcome outcome_with_data(const struct ftp_channel *channel)
{
    enum side side = ftp_channel_sender(channel);
    bool is_over = channel->has_side_ended[side] && channel->side_ending[side] != ENDING_CAPTURE;
    /* the sender's FIN ends a file (RFC 959, 3.4.1); what the receiver closes says nothing */
    bool has_end = ftp_payload_has_end(&channel->payload, is_over && channel->side_ending[side] == ENDING_FIN);

    if (channel->was_aborted && !has_reached_size(channel))
        return OUTCOME_ABORTED;
    if (channel->missing[side] > 0)
        return OUTCOME_GAP;
    if (is_over && is_below_size(channel))
        return OUTCOME_SHORT;
    if (has_reached_size(channel) && (channel->has_reply || has_end))
        return OUTCOME_COMPLETE;
    if (has_end && channel->has_reply)
        return ftp_payload_is_sound(&channel->payload) ? OUTCOME_COMPLETE : OUTCOME_BROKEN;
    if (is_over && !has_end && (channel->side_ending[side] == ENDING_RESET || (channel->has_reply && channel->side_ending[side] == ENDING_FIN)))
        return OUTCOME_BROKEN;
    return OUTCOME_UNKNOWN;
}

static enum outcome outcome_of(const struct ftp_channel *channel)
{
    bool travelled = channel->has_data && ftp_channel_size(channel) > 0;

    if (channel->has_reply && channel->reply_code >= 400)
        return travelled ? OUTCOME_ABORTED : OUTCOME_REFUSED;
    return channel->has_data ? outcome_with_data(channel) : OUTCOME_UNKNOWN;
}

static struct record_boolean completeness(const struct ftp_channel *channel)
{
    enum outcome outcome = outcome_of(channel);

    return outcome == OUTCOME_UNKNOWN ? (struct record_boolean){.is_known = false} : record_boolean(outcome == OUTCOME_COMPLETE);
}

/* ---- the rows ---- */

static bool is_refused(const struct ftp_channel *channel)
{
    return channel->has_reply && channel->reply_code >= 400;
}

void ftp_channel_number_file(struct conversation *conversation, struct ftp_channel *channel)
{
    bool is_file = channel->has_command && (channel->direction == FTP_DOWNLOAD || channel->direction == FTP_UPLOAD);
    bool travelled = ftp_channel_size(channel) > 0 || (channel->has_data && channel->has_reply && !is_refused(channel));

    if (channel->file_id == 0 && is_file && travelled && !is_sealed(channel))
        channel->file_id = conversation_next_id(conversation, ID_FILE);
}

/* What the row says of the file as a whole, where only the end of it travelled or it was added to one that was there. */
static struct record_boolean file_completeness(const struct ftp_channel *channel)
{
    struct record_boolean complete = completeness(channel);

    if (channel->has_offset && channel->offset > 0)
        return record_boolean(false);
    if (complete.value && strcmp(channel->command, "APPE") == 0)
        complete = (struct record_boolean){.is_known = false};
    return complete;
}

/* A digest is one of all that was sent. */
static bool has_whole_content(const struct ftp_channel *channel)
{
    enum side side = ftp_channel_sender(channel);
    bool has_closed = channel->has_side_ended[side] && channel->side_ending[side] == ENDING_FIN;
    enum outcome outcome = outcome_of(channel);

    return !(channel->has_offset && channel->offset > 0) &&
           (outcome == OUTCOME_COMPLETE || (outcome == OUTCOME_UNKNOWN && ftp_payload_has_end(&channel->payload, has_closed)));
}

/* Resumed, or appended to what is there. */
static bool begins_inside(const struct ftp_channel *channel)
{
    return (channel->has_offset && channel->offset > 0) || strcmp(channel->command, "APPE") == 0;
}

static void write_file(struct conversation *conversation, struct ftp_channel *channel)
{
    const struct ftp_form form = ftp_channel_form(channel);
    struct ftp_payload *payload = &channel->payload;
    struct file_record file = {
        .file_id = record_integer(channel->file_id),
        .flow_id = record_integer(channel->control_flow_id),
        .source = record_text_of("ftp"),
        .from_side = record_text_of(ftp_client_sends(channel) ? "client" : "server"),
        .name = record_text_unless_empty(ftp_last_part(text_bytes(&channel->path))),
        .size = record_integer((int64_t)ftp_channel_size(channel)),
        .missing = record_integer((int64_t)channel->missing[ftp_channel_sender(channel)]),
        .complete = file_completeness(channel),
    };

    if (!payload->has_begun && channel->has_data) /* an empty file has its content too */
        ftp_payload_begin(payload, conversation, &form, FTP_PAYLOAD_FILE);
    content_end(payload->content, conversation, &file);
    if (begins_inside(channel)) /* what moved first are not the file's first bytes: they tell nothing of its type */
        file.mime_type = record_text_of(NULL);
    else
        content_find_contradictions(conversation, payload->content, ftp_last_part(text_bytes(&channel->path)), bytes_of(NULL, 0));
    if (payload->has_passed) { /* nobody looked at them, but they came */
        file.size = record_integer((int64_t)ftp_channel_size(channel));
        file.size.is_known = payload->block == NULL;
    }
    if (!knows_size(channel))
        file.size.is_known = false;
    if (!ftp_payload_is_sound(payload))
        file.size.is_known = false; /* what is behind the trouble was not taken out of its mode */
    if (!has_whole_content(channel))
        file.sha256.is_known = false;
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
    return !is_sealed(channel) && ftp_client_sends(channel) ? "upload" : NULL; /* the server may send a file or a list; in TLS both sides send */
}

static void set_data(struct ftp_transfer *row, const struct ftp_channel *channel)
{
    if (!channel->has_data)
        return;
    row->data_flow_id = record_integer(channel->data_flow_id);
    row->size = record_integer((int64_t)ftp_channel_size(channel));
    row->size.is_known = knows_size(channel);
    row->duration = record_real((double)(channel->data_end_us - channel->data_start_us) / 1e6);
    if (channel->is_protected || channel->bytes[FROM_CLIENT] + channel->bytes[FROM_SERVER] > 0) /* the first bytes tell */
        row->protected = record_boolean(channel->is_protected);
}

static const char *type_name(char letter)
{
    switch (letter) {
    case 'A':
        return "ascii";
    case 'I':
        return "binary";
    case 'E':
        return "ebcdic";
    case 'L':
        return "local";
    default:
        return NULL;
    }
}

static const char *structure_name(char letter)
{
    switch (letter) {
    case 'F':
        return "file";
    case 'R':
        return "record";
    case 'P':
        return "page";
    default:
        return NULL;
    }
}

static const char *transmission_name(char letter)
{
    switch (letter) {
    case 'S':
        return "stream";
    case 'B':
        return "block";
    case 'C':
        return "compressed";
    case 'Z':
        return "deflate";
    default:
        return NULL;
    }
}

static void set_settings(struct ftp_transfer *row, const struct ftp_channel *channel)
{
    row->type = record_text_of(type_name(channel->settings.type));
    row->structure = record_text_of(structure_name(channel->settings.structure));
    row->transmission = record_text_of(transmission_name(channel->settings.mode));
}

static void set_announced(struct ftp_transfer *row, const struct ftp_channel *channel, char address[ADDRESS_TEXT_SIZE])
{
    if (channel->is_announced) {
        row->mode = record_text_of(channel->is_passive ? "passive" : "active");
        row->data_ip = record_text(bytes_of(address, address_to_text(&channel->data_ip, address)));
        row->data_port = record_integer(channel->data_port);
    }
    if (!channel->is_announced && channel->has_data)
        row->mode = record_text_of("active");
    if (channel->has_announced_size)
        row->announced_size = record_integer((int64_t)channel->announced_size);
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
        .outcome = record_text_of(outcome_names[outcome_of(channel)]),
    };

    channel->is_written = true;
    if (channel->has_command) {
        row.time_us = record_integer(channel->time_us);
        row.command = record_text_of(channel->command);
        set_settings(&row, channel);
    }
    set_announced(&row, channel, address);
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
    if (channel->has_command)
        ftp_channel_place_payload(conversation, channel);
    if (channel->has_command || (channel->is_unasked && ftp_channel_size(channel) > 0))
        write_transfer(conversation, channel);
}

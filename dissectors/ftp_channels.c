/*
 * ftp_channels.c - the transfers of an FTP session (RFC 959, 3.2, 4.1.2; 3659): which command gets which data connection,
 * where in which file it begins, how it is sent, how many bytes it should be.
 */
#include "dissectors/ftp_session.h"

#include "dissectors/ftp_directory.h"

/* Keeps a channel until its row is written. */
static void keep_channel(struct conversation *conversation, struct ftp *ftp, struct ftp_channel *channel)
{
    if (ftp->channel_count == FTP_CHANNELS_LIMIT) {
        struct ftp_channel *oldest = ftp->channels[0];

        oldest->control_is_gone = true;
        ftp_channel_write_if_ready(conversation, oldest);
        ftp_channel_let_go(oldest);
        ftp->channel_count--;
        memmove(ftp->channels, ftp->channels + 1, ftp->channel_count * sizeof ftp->channels[0]);
    }
    ftp->channels[ftp->channel_count++] = ftp_channel_hold(channel);
}

static void add_bytes(struct ftp *ftp, const struct ftp_channel *channel)
{
    if (ftp_client_sends(channel))
        ftp->bytes_up += ftp_channel_size(channel);
    else
        ftp->bytes_down += ftp_channel_size(channel);
}

/* Lets go of the channels whose rows are written. */
static void drop_written(struct ftp *ftp)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < ftp->channel_count; i++) {
        struct ftp_channel *channel = ftp->channels[i];

        if (channel->is_written) {
            add_bytes(ftp, channel);
            ftp_channel_let_go(channel);
        } else {
            ftp->channels[kept++] = channel;
        }
    }
    ftp->channel_count = kept;
}

/* What was announced gets no command any more. A data connection that came all the same is a transfer of which no command was seen. */
void ftp_channels_let_go_next(struct conversation *conversation, struct ftp *ftp)
{
    struct ftp_channel *next = ftp->next;

    if (next == NULL)
        return;
    ftp->next = NULL;
    ftp_channel_forget_expected(conversation, next);
    if (ftp_channel_size(next) > 0) {
        next->is_unasked = true;
        next->number = ++ftp->transfers;
        keep_channel(conversation, ftp, next);
        ftp_channel_write_if_ready(conversation, next);
        drop_written(ftp);
    }
    ftp_channel_let_go(next);
}

/* ---- how much: SIZE, ALLO, and what replies say ---- */

/* The number that `text` begins with, commas between its thousands; `*rest` is what follows it. False where there is none. */
static bool leading_number(struct bytes text, uint64_t *number, struct bytes *rest)
{
    uint64_t value = 0;
    size_t at = 0;

    for (; at < text.length && ((text.at[at] >= '0' && text.at[at] <= '9') || (at > 0 && text.at[at] == ',')); at++) {
        if (text.at[at] == ',')
            continue;
        if (value > INT64_MAX / 10 - 1)
            return false;
        value = value * 10 + (uint64_t)(text.at[at] - '0');
    }
    *number = value;
    *rest = at < text.length ? bytes_of(text.at + at, text.length - at) : bytes_of(NULL, 0);
    return at > 0;
}

/* "Opening BINARY mode data connection for x (12345 bytes)": the last such number, for names may hold parentheses. */
static bool opened_size(struct bytes reply, uint64_t *size)
{
    for (size_t at = reply.length; at-- > 1;) {
        struct bytes rest;

        if (reply.at[at - 1] == '(' && leading_number(bytes_of(reply.at + at, reply.length - at), size, &rest) && bytes_begin_nocase(rest, " byte"))
            return true;
    }
    return false;
}

void ftp_channels_on_size(struct ftp *ftp, enum ftp_verb verb, const struct ftp_request *request, unsigned code, struct bytes reply)
{
    struct bytes argument = text_bytes(&request->argument);
    struct bytes rest;

    if (verb == FTP_ALLO) {
        ftp->has_allocated = code < 300 && leading_number(bytes_trim(argument), &ftp->allocated, &rest);
        return;
    }
    if (strcmp(request->verb, "SIZE") != 0)
        return;
    ftp->sized_path.limit = FTP_PATH_LIMIT;
    text_clear(&ftp->sized_path);
    if (code == 213 && leading_number(bytes_trim(reply), &ftp->sized, &rest))
        ftp_resolve_path(&ftp->directory, argument, &ftp->sized_path);
}

void ftp_channels_forget_sizes(struct ftp *ftp)
{
    text_clear(&ftp->sized_path);
    ftp->has_allocated = false;
}

/* ---- transfers ---- */

/* The path of a LIST may have the options of a program before it ("-la"), which are none of the path. */
static struct bytes without_options(struct bytes argument)
{
    while (argument.length > 0 && argument.at[0] == '-') {
        struct bytes rest;

        (void)bytes_split(argument, ' ', &rest);
        argument = rest;
    }
    return argument;
}

/* The size that the client asked for, or said. */
static void settle_size(struct ftp *ftp, struct ftp_channel *channel)
{
    if (channel->direction == FTP_DOWNLOAD && ftp->sized_path.length > 0 && bytes_equal(text_bytes(&ftp->sized_path), text_bytes(&channel->path))) {
        channel->has_announced_size = true;
        channel->announced_size = ftp->sized;
    } else if (channel->direction == FTP_UPLOAD && ftp->has_allocated && !channel->has_offset && strcmp(channel->command, "STOR") == 0) {
        channel->has_announced_size = true;
        channel->announced_size = ftp->allocated;
    }
    if (channel->direction == FTP_UPLOAD)
        ftp->has_allocated = false;
}

/* Path, offset and form of a transfer, as what came before it left them. */
static void settle_transfer(struct conversation *conversation, struct ftp *ftp, const struct ftp_request *request)
{
    struct ftp_channel *channel = request->channel;
    struct bytes path = text_bytes(&request->argument);

    if (channel->is_settled)
        return;
    channel->is_settled = true;
    if (channel->direction == FTP_LIST)
        path = without_options(path);
    text_append(&channel->argument, path);
    if (path.length > 0 || (channel->direction == FTP_LIST && ftp->directory.length > 0))
        ftp_resolve_path(&ftp->directory, path, &channel->path);
    channel->has_offset = ftp->has_offset;
    channel->offset = ftp->offset;
    ftp->has_offset = false;
    channel->settings = ftp->settings;
    settle_size(ftp, channel);
    ftp_channel_place_payload(conversation, channel);
}

/* Whether a transfer behind it depends on what the command is answered. */
static bool sets_transfer(unsigned verb)
{
    switch ((enum ftp_verb)verb) {
    case FTP_CWD:
    case FTP_CDUP:
    case FTP_PWD:
    case FTP_REST:
    case FTP_TYPE:
    case FTP_STRU:
    case FTP_MODE:
    case FTP_FACT:
    case FTP_ALLO:
        return true;
    default:
        return false;
    }
}

/* Whether a command that was sent before the newest one, and that says where a transfer goes, still has no reply. */
static bool is_undecided(const struct ftp *ftp, bool of_port)
{
    for (unsigned i = 0; i + 1 < ftp->pending.count; i++) {
        unsigned verb = ftp->pending.commands[i].verb;

        if (of_port ? verb == FTP_PASV || verb == FTP_EPSV || verb == FTP_LPSV : sets_transfer(verb))
            return true;
    }
    return false;
}

void ftp_channels_begin_transfer(struct conversation *conversation, struct ftp *ftp, struct ftp_request *request)
{
    bool is_decided = !is_undecided(ftp, true);
    struct ftp_channel *channel;
    bool is_announced;

    if (is_decided && ftp->next == NULL && ftp->has_port)
        ftp_announce(conversation, ftp, false, &ftp->port_ip, ftp->port);
    is_announced = ftp->next != NULL && is_decided;
    channel = is_announced ? ftp->next : ftp_channel_new();
    if (channel == NULL)
        return;
    if (is_announced)
        ftp->next = NULL;
    channel->control_flow_id = conversation_flow(conversation)->flow_id;
    channel->control_server = conversation_flow(conversation)->server;
    channel->has_command = true;
    channel->number = ++ftp->transfers;
    channel->time_us = conversation_now(conversation);
    memcpy(channel->command, request->verb, sizeof channel->command - 1);
    channel->direction = ftp_direction_of(request->verb);
    ftp_channel_number_file(conversation, channel);
    if (!is_announced && is_decided)
        ftp_expect_unannounced(conversation, ftp, channel);
    keep_channel(conversation, ftp, channel);
    request->channel = channel; /* the first hold is the request's from now on */
    if (!is_undecided(ftp, false))
        settle_transfer(conversation, ftp, request);
}

/* STOU's preliminary reply names the file that the server made: "125 FILE: name" (RFC 1123, 4.1.2.9); Pure-FTPd's says more in a second line. */
static void take_made_name(struct ftp *ftp, struct ftp_channel *channel, struct bytes reply)
{
    struct bytes rest;
    struct bytes line = bytes_split(reply, '\n', &rest);
    struct cursor name = cursor_within(line);

    if (!bytes_begin_nocase(line, "FILE:"))
        return;
    skip_bytes(&name, strlen("FILE:"));
    ftp_resolve_path(&ftp->directory, bytes_trim(peek_bytes(&name)), &channel->path);
}

void ftp_channels_on_preliminary(struct conversation *conversation, struct ftp *ftp, const struct ftp_request *request, struct bytes reply)
{
    struct ftp_channel *channel = request->channel;

    if (channel == NULL)
        return;
    settle_transfer(conversation, ftp, request); /* what came before it is answered now */
    if (strcmp(channel->command, "STOU") == 0)
        take_made_name(ftp, channel, reply);
    if (channel->direction == FTP_DOWNLOAD) {
        uint64_t size;

        if (opened_size(reply, &size)) {
            channel->has_announced_size = true;
            channel->announced_size = size;
        }
    }
}

static bool is_pending(const struct ftp *ftp, enum ftp_verb verb)
{
    for (unsigned i = 0; i < ftp->pending.count; i++) {
        if (ftp->pending.commands[i].verb == verb)
            return true;
    }
    return false;
}

void ftp_channels_on_transfer_reply(struct conversation *conversation, struct ftp *ftp, const struct ftp_request *request, unsigned code,
                                    struct bytes reply)
{
    struct ftp_channel *channel = request->channel;

    if (channel == NULL)
        return;
    settle_transfer(conversation, ftp, request);
    channel->has_reply = true;
    channel->reply_code = code;
    channel->was_aborted = is_pending(ftp, FTP_ABOR) && bytes_contain_nocase(reply, "abor");
    ftp_channel_number_file(conversation, channel);
    ftp_channel_write_if_ready(conversation, channel);
    drop_written(ftp);
    /* a refused transfer leaves its port to the next one */
    if (code >= 400 && channel->is_passive && channel->is_announced && !channel->has_data && ftp->next == NULL)
        ftp_announce(conversation, ftp, true, &channel->data_ip, channel->data_port);
}

/* The lines between the first and the last one, of a reply that may have been cut at REPLY_TEXT_LIMIT. */
static struct bytes inner_lines(struct bytes reply)
{
    struct bytes rest;

    (void)bytes_split(reply, '\n', &rest);
    while (rest.length > 0 && rest.at[rest.length - 1] != '\n')
        rest.length--;
    return rest;
}

/* Servers begin the lines within a reply with a space (RFC 3659, 7.2; RFC 959, 4.2): it is none of the entry. */
static void add_lines(struct ftp_listing *listing, struct conversation *conversation, struct bytes lines)
{
    while (lines.length > 0) {
        struct bytes line = bytes_split(lines, '\n', &lines);

        if (line.length > 0 && line.at[0] == ' ')
            line = bytes_of(line.at + 1, line.length - 1);
        ftp_listing_add(listing, conversation, line);
        ftp_listing_add(listing, conversation, bytes_of_text("\n"));
    }
}

void ftp_channels_on_listing_reply(struct conversation *conversation, struct ftp *ftp, const struct pending_command *command, unsigned code,
                                   struct bytes reply)
{
    const struct ftp_request *request = command->subject;
    struct bytes argument = without_options(text_bytes(&request->argument));
    bool is_facts = strcmp(request->verb, "MLST") == 0 && code == 250;
    bool is_status = strcmp(request->verb, "STAT") == 0 && code >= 211 && code <= 213 && argument.length > 0;
    struct text path = {.limit = FTP_PATH_LIMIT};
    struct ftp_listing_about about = {
        .form = is_facts ? FTP_LISTING_FACTS : FTP_LISTING_LONG,
        .control_flow_id = conversation_flow(conversation)->flow_id,
        .time_us = record_integer(command->time_us),
    };
    struct ftp_listing *listing;

    if (!is_facts && !is_status)
        return;
    if (is_status) { /* MLST names its entry in full, or as the server likes */
        ftp_resolve_path(&ftp->directory, argument, &path);
        about.path = text_bytes(&path);
        about.argument = argument;
    }
    listing = ftp_listing_new(&about);
    add_lines(listing, conversation, inner_lines(reply));
    ftp_listing_end(listing, conversation, true);
    ftp_listing_free(listing);
    text_free(&path);
    if (ftp->reply.text.was_cut)
        conversation_finding(conversation, "notice", "ftp_limit", "a reply that holds a listing is longer than %d bytes; the rest of it is not recorded",
                             REPLY_TEXT_LIMIT);
}

void ftp_channels_finish(struct conversation *conversation, struct ftp *ftp)
{
    ftp_channels_let_go_next(conversation, ftp);
    for (unsigned i = 0; i < ftp->channel_count; i++) {
        ftp->channels[i]->control_is_gone = true;
        ftp_channel_write_if_ready(conversation, ftp->channels[i]);
    }
    drop_written(ftp);
    for (unsigned i = 0; i < ftp->channel_count; i++) {
        add_bytes(ftp, ftp->channels[i]); /* its data connection goes on and will write it */
        ftp_channel_let_go(ftp->channels[i]);
    }
    ftp->channel_count = 0;
    text_free(&ftp->sized_path);
}

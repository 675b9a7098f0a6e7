/*
 * ftp_channels.c - the data connections that an FTP session announces and uses (RFC 959, 3.2; 2428): which
 * command gets which, what is expected where.
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

static void expect_at(struct conversation *conversation, struct ftp_channel *channel, const struct address *address)
{
    ftp_channel_hold(channel);
    if (!conversation_expect(conversation, address, channel->data_port, &ftp_data_dissector, channel, ftp_channel_let_go))
        ftp_channel_let_go(channel);
}

/* The transfer that a client asked for before it knew the port that its PASV gets: PASV and RETR in one segment. */
static struct ftp_channel *promised_channel(const struct ftp *ftp)
{
    for (unsigned i = 0; i < ftp->pending.count; i++) {
        const struct pending_command *command = &ftp->pending.commands[i];
        const struct ftp_request *request = command->subject;

        if (command->verb == FTP_TRANSFER)
            return request->channel != NULL && !request->channel->is_announced ? request->channel : NULL;
        if (command->verb == FTP_PASV || command->verb == FTP_EPSV || command->verb == FTP_PORT || command->verb == FTP_EPRT)
            return NULL;
    }
    return NULL;
}

/* What was announced gets no command any more. A data connection that came all the same is a transfer of which no command was seen. */
static void let_go_next(struct conversation *conversation, struct ftp *ftp)
{
    struct ftp_channel *next = ftp->next;

    if (next == NULL)
        return;
    ftp->next = NULL;
    next->direction = FTP_UNKNOWN;
    if (ftp_channel_size(next) > 0) {
        next->is_unasked = true;
        next->number = ++ftp->transfers;
        keep_channel(conversation, ftp, next);
        ftp_channel_write_if_ready(conversation, next);
        drop_written(ftp);
    }
    ftp_channel_let_go(next);
}

/* Replaces what was announced before and not used. NULL when out of memory. */
static struct ftp_channel *new_next(struct conversation *conversation, struct ftp *ftp)
{
    let_go_next(conversation, ftp);
    ftp->next = ftp_channel_new();
    return ftp->next;
}

/* A data connection is announced. `near` is the address that the control connection knows for the announcer. */
static void announce(struct conversation *conversation, struct ftp *ftp, bool is_passive, const struct address *address, uint16_t port,
                     const struct address *near)
{
    struct ftp_channel *channel = is_passive ? promised_channel(ftp) : NULL;

    ftp->has_port = !is_passive;
    ftp->port_ip = *address;
    ftp->port = port;
    if (channel == NULL && (channel = new_next(conversation, ftp)) == NULL)
        return;
    channel->control_flow_id = conversation_flow(conversation)->flow_id;
    channel->is_announced = true;
    channel->is_passive = is_passive;
    channel->data_ip = *address;
    channel->data_port = port;
    expect_at(conversation, channel, address);
    /* behind address translation the announced address is not the one that is connected to */
    if (!address_equal(address, near))
        expect_at(conversation, channel, near);
}

static bool parse_port(struct bytes argument, bool is_extended, struct address *address, uint16_t *port)
{
    struct bytes host;

    if (!is_extended)
        return ftp_parse_host_port(argument, address, port);
    return ftp_parse_extended(argument, &host, port) && ftp_parse_host(host, address);
}

/*
 * Some servers connect before they answer. So the client's own address is expected at once; any other one only when
 * the server agreed, or a client could hide the connections of strangers by naming them.
 */
void ftp_channels_on_port_sent(struct conversation *conversation, struct ftp *ftp, struct ftp_request *request, bool is_extended)
{
    const struct flow_facts *flow = conversation_flow(conversation);
    struct address address;
    uint16_t port;

    if (!parse_port(text_bytes(&request->argument), is_extended, &address, &port) || !address_equal(&address, &flow->client))
        return;
    announce(conversation, ftp, false, &address, port, &flow->client);
    if (ftp->next != NULL)
        request->channel = ftp_channel_hold(ftp->next);
}

void ftp_channels_on_port_reply(struct conversation *conversation, struct ftp *ftp, const struct ftp_request *request, bool is_extended, bool is_good)
{
    const struct flow_facts *flow = conversation_flow(conversation);
    struct address address;
    uint16_t port;

    if (is_good && request->channel == NULL && parse_port(text_bytes(&request->argument), is_extended, &address, &port))
        announce(conversation, ftp, false, &address, port, &flow->client);
    if (!is_good && request->channel != NULL && request->channel == ftp->next) {
        ftp->has_port = false;
        let_go_next(conversation, ftp);
    }
}

void ftp_channels_on_passive(struct conversation *conversation, struct ftp *ftp, struct bytes reply, bool is_extended)
{
    const struct flow_facts *flow = conversation_flow(conversation);
    struct address address = flow->server;
    struct bytes rest;
    struct bytes host;
    uint16_t port;

    if (!is_extended) {
        if (ftp_parse_passive(reply, &address, &port))
            announce(conversation, ftp, true, &address, port, &flow->server);
        return;
    }
    (void)bytes_split(reply, '(', &rest);
    if (rest.at != NULL && ftp_parse_extended(rest, &host, &port))
        announce(conversation, ftp, true, &address, port, &flow->server);
}

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

/* Path and offset of a transfer, as the directory and REST now are. */
static void settle_transfer(struct ftp *ftp, const struct ftp_request *request)
{
    struct ftp_channel *channel = request->channel;
    struct bytes path = text_bytes(&request->argument);

    if (channel->direction == FTP_LIST)
        path = without_options(path);
    if (path.length > 0 || (channel->direction == FTP_LIST && ftp->directory.length > 0))
        ftp_resolve_path(&ftp->directory, path, &channel->path);
    channel->has_offset = ftp->has_offset;
    channel->offset = ftp->offset;
    ftp->has_offset = false;
}

/* Whether a command that was sent before the newest one, and that says where a transfer goes, still has no reply. */
static bool is_undecided(const struct ftp *ftp, bool of_port)
{
    for (unsigned i = 0; i + 1 < ftp->pending.count; i++) {
        unsigned verb = ftp->pending.commands[i].verb;

        if (of_port ? verb == FTP_PASV || verb == FTP_EPSV : verb == FTP_CWD || verb == FTP_CDUP || verb == FTP_PWD || verb == FTP_REST)
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
        announce(conversation, ftp, false, &ftp->port_ip, ftp->port, &conversation_flow(conversation)->client);
    is_announced = ftp->next != NULL && is_decided;
    channel = is_announced ? ftp->next : ftp_channel_new();
    if (channel == NULL)
        return;
    if (is_announced)
        ftp->next = NULL;
    channel->control_flow_id = conversation_flow(conversation)->flow_id;
    channel->has_command = true;
    channel->number = ++ftp->transfers;
    channel->time_us = conversation_now(conversation);
    memcpy(channel->command, request->verb, sizeof channel->command - 1);
    channel->direction = ftp_direction_of(request->verb);
    ftp_channel_number_file(conversation, channel);
    keep_channel(conversation, ftp, channel);
    request->channel = channel; /* the first hold is the request's from now on */
    request->is_early = is_undecided(ftp, false);
    if (!request->is_early)
        settle_transfer(ftp, request);
}

void ftp_channels_on_transfer_reply(struct conversation *conversation, struct ftp *ftp, const struct ftp_request *request, unsigned code)
{
    struct ftp_channel *channel = request->channel;

    if (channel == NULL)
        return;
    if (request->is_early) /* what came before it is answered now */
        settle_transfer(ftp, request);
    channel->has_reply = true;
    channel->reply_code = code;
    ftp_channel_number_file(conversation, channel);
    ftp_channel_write_if_ready(conversation, channel);
    drop_written(ftp);
    /* a refused transfer leaves its port to the next one */
    if (code >= 400 && channel->is_passive && channel->is_announced && !channel->has_data && ftp->next == NULL)
        announce(conversation, ftp, true, &channel->data_ip, channel->data_port, &conversation_flow(conversation)->server);
}

void ftp_channels_finish(struct conversation *conversation, struct ftp *ftp)
{
    let_go_next(conversation, ftp);
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
}

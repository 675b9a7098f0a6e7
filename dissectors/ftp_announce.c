/*
 * ftp_announce.c - where FTP's data connections are announced (RFC 959, 3.2; 1639; 2428), and what is expected there.
 */
#include "dissectors/ftp_session.h"

#include "dissectors/ftp_address.h"

/* `opener`: who will connect; NULL: anybody. */
static void expect_at(struct conversation *conversation, struct ftp *ftp, struct ftp_channel *channel, const struct address *address,
                      const struct address *opener)
{
    ftp_channel_hold(channel);
    if (conversation_expect(conversation, address, channel->data_port, opener, &ftp_data_dissector, channel, ftp_channel_let_go))
        return;
    ftp_channel_let_go(channel);
    if (!ftp->told_expectations)
        conversation_finding(conversation, "notice", "ftp_limit", "too many data connections are awaited: one is not linked to its session");
    ftp->told_expectations = true;
}

static bool ftp_announces(unsigned verb)
{
    return verb == FTP_PASV || verb == FTP_EPSV || verb == FTP_LPSV || verb == FTP_PORT || verb == FTP_EPRT || verb == FTP_LPRT;
}

/* The transfer that a client asked for before it knew the port that its PASV gets: PASV and RETR in one segment. */
static struct ftp_channel *promised_channel(const struct ftp *ftp)
{
    for (unsigned i = 0; i < ftp->pending.count; i++) {
        const struct pending_command *command = &ftp->pending.commands[i];
        const struct ftp_request *request = command->subject;

        if (command->verb == FTP_TRANSFER)
            return request->channel != NULL && !request->channel->is_announced ? request->channel : NULL;
        if (ftp_announces(command->verb))
            return NULL;
    }
    return NULL;
}

/* Replaces what was announced before and not used. NULL when out of memory. */
static struct ftp_channel *new_next(struct conversation *conversation, struct ftp *ftp)
{
    ftp_channels_let_go_next(conversation, ftp);
    ftp->next = ftp_channel_new();
    return ftp->next;
}

/*
 * The announcer is at `near`, as the control connection knows it. Where another address is announced, address translation
 * stands between, and `near` is connected to; or a third host is meant, and then only the other end of the control
 * connection is the one that was sent there: connections of strangers to that host are none of ours.
 */
void ftp_announce(struct conversation *conversation, struct ftp *ftp, bool is_passive, const struct address *address, uint16_t port)
{
    const struct flow_facts *flow = conversation_flow(conversation);
    const struct address *near = is_passive ? &flow->server : &flow->client;
    const struct address *opener = is_passive ? &flow->client : &flow->server;
    struct ftp_channel *channel = is_passive ? promised_channel(ftp) : NULL;

    ftp->has_port = !is_passive;
    ftp->port_ip = *address;
    ftp->port = port;
    if (channel == NULL && (channel = new_next(conversation, ftp)) == NULL)
        return;
    channel->control_flow_id = flow->flow_id;
    channel->control_server = flow->server;
    channel->is_announced = true;
    channel->is_passive = is_passive;
    channel->data_ip = *address;
    channel->data_port = port;
    channel->near = *near;
    if (!channel->payload.has_begun)
        channel->settings = ftp->settings;
    if (!address_equal(address, near))
        expect_at(conversation, ftp, channel, address, opener);
    expect_at(conversation, ftp, channel, near, NULL);
}

void ftp_expect_unannounced(struct conversation *conversation, struct ftp *ftp, struct ftp_channel *channel)
{
    const struct flow_facts *flow = conversation_flow(conversation);

    channel->near = flow->client;
    channel->data_port = flow->client_port;
    expect_at(conversation, ftp, channel, &flow->client, &flow->server);
    ftp_channel_hold(channel);
    if (!conversation_expect_from(conversation, &flow->server, FTP_SERVER_DATA_PORT, &flow->client, &ftp_data_dissector, channel, ftp_channel_let_go))
        ftp_channel_let_go(channel);
}

/* ---- active: PORT, EPRT, LPRT ---- */

static bool parse_port(enum ftp_verb verb, const struct ftp_request *request, struct address *address, uint16_t *port)
{
    struct bytes argument = text_bytes(&request->argument);

    if (verb == FTP_EPRT)
        return ftp_parse_extended_port(argument, address, port);
    return verb == FTP_LPRT ? ftp_parse_long_port(argument, address, port) : ftp_parse_host_port(argument, address, port);
}

#define LOWEST_CLIENT_PORT 1024

/* A server that is sent to a third host, or to a service of its client, does the client's work there (RFC 2577, 2). */
static void judge_port(struct conversation *conversation, const struct address *address, uint16_t port, const char *severity)
{
    const struct flow_facts *flow = conversation_flow(conversation);
    bool is_client = address_equal(address, &flow->client);
    char text[ADDRESS_TEXT_SIZE];

    if (is_client && port >= LOWEST_CLIENT_PORT)
        return;
    (void)address_to_text(address, text);
    if (!is_client && port >= LOWEST_CLIENT_PORT && ftp_address_is_private(address) && !ftp_address_is_private(&flow->client)) {
        conversation_finding(conversation, "info", "ftp_client_behind_nat", "the client names %s port %u as its own address", text, port);
        return;
    }
    conversation_finding(conversation, severity, "ftp_bounce", "the client sends the server to %s port %u%s", text, port,
                         is_client ? ", a port of services" : ", which is not the client");
}

/*
 * Some servers connect before they answer. So the client's own address is expected at once; any other one only when
 * the server agreed, or a client could hide the connections of strangers by naming them.
 */
void ftp_channels_on_port_sent(struct conversation *conversation, struct ftp *ftp, enum ftp_verb verb, struct ftp_request *request)
{
    const struct flow_facts *flow = conversation_flow(conversation);
    struct address address;
    uint16_t port;

    if (!parse_port(verb, request, &address, &port))
        return;
    if (!conversation_has_start(conversation, FROM_SERVER) && !ftp->has_replies) /* no answer will say whether it worked */
        judge_port(conversation, &address, port, "warning");
    if (!address_equal(&address, &flow->client))
        return;
    ftp_announce(conversation, ftp, false, &address, port);
    if (ftp->next != NULL)
        request->channel = ftp_channel_hold(ftp->next);
}

void ftp_channels_on_port_reply(struct conversation *conversation, struct ftp *ftp, enum ftp_verb verb, const struct ftp_request *request, bool is_good)
{
    struct address address;
    uint16_t port;

    if (parse_port(verb, request, &address, &port)) {
        judge_port(conversation, &address, port, is_good ? "alarm" : "notice");
        if (is_good && request->channel == NULL)
            ftp_announce(conversation, ftp, false, &address, port);
    }
    if (!is_good && request->channel != NULL && request->channel == ftp->next) {
        ftp->has_port = false;
        ftp_channels_let_go_next(conversation, ftp);
    }
}

/* ---- passive: PASV, EPSV, LPSV ---- */

void ftp_channels_on_passive(struct conversation *conversation, struct ftp *ftp, enum ftp_verb verb, unsigned code, struct bytes reply)
{
    struct address address = conversation_flow(conversation)->server;
    uint16_t port;
    bool is_announced = false;

    if (verb == FTP_PASV)
        is_announced = code == 227 && ftp_parse_passive(reply, &address, &port);
    else if (verb == FTP_EPSV)
        is_announced = code == 229 && ftp_parse_extended_passive(reply, &port);
    else if (verb == FTP_LPSV)
        is_announced = code == 228 && ftp_parse_long_passive(reply, &address, &port);
    if (is_announced)
        ftp_announce(conversation, ftp, true, &address, port);
}

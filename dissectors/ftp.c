/*
 * ftp.c - FTP's control connection: RFC 959, 1123 (4.1), 2228 (AUTH), 2389, 2428
 * (EPRT, EPSV), 3659, 4217.
 *
 * Every command with its reply, the login, the working directory, the data
 * connections (ftp_data.c). Replies come in the order of the commands, each with
 * preliminary replies (1xx) before its final one; see pending.h for what is done
 * where bytes are missing.
 *
 * Leaves out: listings' contents, REST and STRU other than for files, CCC, security
 * mechanisms other than TLS, LPRT and LPSV, transfers without PORT or PASV (RFC 959, 3.3).
 */
#include "dissectors/ftp.h"

#include "dissectors/ftp_data.h"
#include "dissectors/ftp_directory.h"
#include "dissectors/ftp_record.h"
#include "dissectors/line.h"
#include "dissectors/pending.h"
#include "dissectors/tls.h"

#include "base/file.h"
#include "base/memory.h"

#define FTP_ARGUMENT_LIMIT 4096
#define FTP_VERB_LIMIT 32
#define FTP_NAME_LIMIT 256 /* user, password, system */
/* Transfers that one control connection keeps open; the oldest is given up. */
#define FTP_CHANNELS_LIMIT 64
/* So many lines in a row that are no replies, or no commands, and this is not FTP any more. */
#define FTP_STRANGE_LINES 32

/* One command that waits for its reply. Owned by its pending_command. */
struct ftp_request {
    int64_t number;
    char verb[FTP_VERB_LIMIT + 1]; /* upper case */
    size_t verb_length;
    struct text argument;
    struct ftp_channel *channel; /* held; a transfer's, or what a PORT announced; or NULL */
    bool is_early;               /* a transfer: commands before it that say where it goes had no reply yet */
};

struct ftp {
    struct line_reader lines[SIDE_COUNT];
    bool is_resyncing[SIDE_COUNT]; /* bytes were lost: the next line may be the rest of one */
    struct reply_reader reply;
    struct pending pending;
    uint64_t replies_owed; /* to commands that were given up because too many waited: they come first */
    bool has_greeting;
    bool has_replies;
    bool user_is_doubtful;        /* a USER may be among missing bytes */
    unsigned strange[SIDE_COUNT]; /* lines in a row that are none of the protocol's */
    struct text banner;
    struct text user;
    struct text password;
    struct text system;
    struct text last_reply;
    struct text directory; /* the working directory; empty: not known */
    const char *auth_result;
    bool is_encrypted_from_now;
    bool client_is_behind; /* commands of the client are unread until AUTH is answered */
    int64_t commands;
    int64_t transfers;
    bool has_offset; /* REST was accepted for the next transfer */
    uint64_t offset;
    bool has_port; /* PORT stands until the next one or PASV (RFC 959, 3.2) */
    struct address port_ip;
    uint16_t port;
    struct ftp_channel *next;                         /* held; announced, and not yet used by a command */
    struct ftp_channel *channels[FTP_CHANNELS_LIMIT]; /* held; with a command, and not yet written */
    unsigned channel_count;
    uint64_t bytes_up; /* of transfers that are written already */
    uint64_t bytes_down;
    bool told_too_many;
    bool told_long_line[SIDE_COUNT];
};

static void ftp_open(struct conversation *conversation, void *state, void *from_before)
{
    struct ftp *ftp = state;

    (void)conversation;
    (void)from_before;
    ftp->banner.limit = REPLY_TEXT_LIMIT;
    ftp->user.limit = FTP_NAME_LIMIT;
    ftp->password.limit = FTP_NAME_LIMIT;
    ftp->system.limit = FTP_NAME_LIMIT;
    ftp->last_reply.limit = REPLY_TEXT_LIMIT;
    ftp->directory.limit = FTP_PATH_LIMIT;
}

static void set_text(struct text *text, struct bytes bytes)
{
    text_clear(text);
    text_append(text, bytes);
}

/* ---- data connections ---- */

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
static void on_port_sent(struct conversation *conversation, struct ftp *ftp, struct ftp_request *request, bool is_extended)
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

static void on_port_reply(struct conversation *conversation, struct ftp *ftp, const struct ftp_request *request, bool is_extended, bool is_good)
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

static void on_passive(struct conversation *conversation, struct ftp *ftp, struct bytes reply, bool is_extended)
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

/* ---- commands ---- */

static bool is_anonymous(const struct ftp *ftp)
{
    struct bytes user = text_bytes(&ftp->user);

    return !ftp->user_is_doubtful && (bytes_equal_nocase(user, "anonymous") || bytes_equal_nocase(user, "ftp"));
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

static void begin_transfer(struct conversation *conversation, struct ftp *ftp, struct ftp_request *request)
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

static void free_request(struct ftp_request *request)
{
    if (request->channel != NULL)
        ftp_channel_let_go(request->channel);
    text_free(&request->argument);
    memory_free(request);
}

/* Writes a command's row and lets go of it. `code` 0: its reply was not seen. */
static void finish_command(struct conversation *conversation, const struct pending_command *command, unsigned code, struct bytes reply)
{
    struct ftp_request *request = command->subject;
    struct ftp_command row = {
        .flow_id = record_integer(conversation_flow(conversation)->flow_id),
        .number = record_integer(request->number),
        .time_us = record_integer(command->time_us),
        .command = record_text_unless_empty(bytes_of(request->verb, request->verb_length)),
        .argument = record_text_unless_empty(text_bytes(&request->argument)),
    };

    if (code != 0) {
        row.reply_code = record_integer(code);
        row.reply = record_text_unless_empty(reply);
        row.delay_us = record_integer(conversation_now(conversation) - command->time_us);
    }
    conversation_write(conversation, &ftp_command_table, &row);
    free_request(request);
}

static void give_up_commands(struct conversation *conversation, struct ftp *ftp, unsigned count)
{
    while (count-- > 0 && ftp->pending.count > 0) {
        struct pending_command command = pending_take_oldest(&ftp->pending);

        finish_command(conversation, &command, 0, bytes_of(NULL, 0));
    }
}

static void set_verb(struct ftp_request *request, struct bytes verb)
{
    size_t length = verb.length < FTP_VERB_LIMIT ? verb.length : FTP_VERB_LIMIT;

    for (size_t i = 0; i < length; i++)
        request->verb[i] = verb.at[i] >= 'a' && verb.at[i] <= 'z' ? (char)(verb.at[i] - ('a' - 'A')) : (char)verb.at[i];
    request->verb_length = length;
}

/* What a command means before its reply is known. */
static void on_sent(struct conversation *conversation, struct ftp *ftp, enum ftp_verb verb, struct ftp_request *request)
{
    struct bytes argument = text_bytes(&request->argument);

    if (verb == FTP_USER) {
        set_text(&ftp->user, argument);
        text_clear(&ftp->password);
        ftp->auth_result = NULL;
        ftp->user_is_doubtful = false;
    } else if (verb == FTP_PASS && is_anonymous(ftp)) {
        set_text(&ftp->password, argument);
    } else if (verb == FTP_PASS || verb == FTP_ACCT) {
        text_clear(&request->argument); /* never kept */
    } else if (verb == FTP_TRANSFER) {
        begin_transfer(conversation, ftp, request);
    } else if (verb == FTP_PORT || verb == FTP_EPRT) {
        on_port_sent(conversation, ftp, request, verb == FTP_EPRT);
    }
}

static void note_many_pending(struct conversation *conversation, struct ftp *ftp)
{
    if (ftp->told_too_many)
        return;
    ftp->told_too_many = true;
    conversation_finding(conversation, "notice", "too_many_open_commands", "more than %d commands wait for their replies", PENDING_LIMIT);
}

static void on_command(struct conversation *conversation, struct ftp *ftp, struct bytes word, struct bytes argument)
{
    const struct ftp_word *known = ftp_find_word(word);
    enum ftp_verb verb = known != NULL ? known->verb : FTP_OTHER;
    struct ftp_request *request;
    struct pending_command *command;

    give_up_commands(conversation, ftp, pending_outdated(&ftp->pending, conversation_now(conversation)));
    if (ftp->pending.count == PENDING_LIMIT) {
        note_many_pending(conversation, ftp);
        give_up_commands(conversation, ftp, 1);
        ftp->replies_owed++;
    }
    request = memory_new_zeroed(1, sizeof *request);
    if (request == NULL)
        return;
    command = pending_add(&ftp->pending, verb, conversation_now(conversation));
    if (command == NULL) {
        memory_free(request);
        return;
    }
    command->subject = request;
    request->number = ++ftp->commands;
    request->argument.limit = FTP_ARGUMENT_LIMIT;
    set_verb(request, word);
    text_append(&request->argument, argument);
    on_sent(conversation, ftp, verb, request);
}

/* ---- replies ---- */

static bool reply_fits(unsigned verb, unsigned code)
{
    if (code >= 400)
        return true;
    switch ((enum ftp_verb)verb) {
    case FTP_PASV:
        return code == 227;
    case FTP_EPSV:
        return code == 229;
    case FTP_PWD:
        return code == 257;
    case FTP_SYST:
        return code == 215;
    case FTP_REST:
        return code == 350;
    case FTP_USER:
        return code == 331 || code == 332 || code == 230;
    case FTP_PASS:
    case FTP_ACCT:
        return code == 230 || code == 202 || code == 332;
    case FTP_AUTH:
        return code == 234 || code == 334 || code == 235;
    case FTP_TRANSFER:
        return code < 200 || code == 226 || code == 250;
    default:
        return code >= 200 && code != 227 && code != 229 && code != 226 && code != 331 && code != 230;
    }
}

static void on_login_reply(struct ftp *ftp, unsigned code)
{
    if (code == 230 || code == 232)
        ftp->auth_result = "success";
    else if (code >= 400)
        ftp->auth_result = "failure";
}

static void on_transfer_reply(struct conversation *conversation, struct ftp *ftp, const struct ftp_request *request, unsigned code)
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

/* What a final reply changes. */
static void on_final(struct conversation *conversation, struct ftp *ftp, const struct pending_command *command, unsigned code, struct bytes reply)
{
    const struct ftp_request *request = command->subject;
    struct bytes argument = text_bytes(&request->argument);
    bool is_good = code >= 200 && code < 400;
    uint64_t offset;

    switch ((enum ftp_verb)command->verb) {
    case FTP_USER:
    case FTP_PASS:
    case FTP_ACCT:
        on_login_reply(ftp, code);
        break;
    case FTP_CWD:
        if (is_good)
            ftp_change_directory(&ftp->directory, argument);
        break;
    case FTP_CDUP:
        if (is_good)
            ftp_change_directory(&ftp->directory, bytes_of_text(".."));
        break;
    case FTP_PWD:
        if (code == 257)
            ftp_take_quoted_directory(&ftp->directory, reply);
        break;
    case FTP_SYST:
        if (code == 215)
            set_text(&ftp->system, reply);
        break;
    case FTP_REST:
        ftp->has_offset = code == 350 && bytes_to_number(bytes_trim(argument), INT64_MAX, &offset);
        ftp->offset = ftp->has_offset ? offset : 0;
        break;
    case FTP_PORT:
    case FTP_EPRT:
        on_port_reply(conversation, ftp, request, command->verb == FTP_EPRT, is_good);
        break;
    case FTP_PASV:
        if (code == 227)
            on_passive(conversation, ftp, reply, false);
        break;
    case FTP_EPSV:
        if (code == 229)
            on_passive(conversation, ftp, reply, true);
        break;
    case FTP_TRANSFER:
        on_transfer_reply(conversation, ftp, request, code);
        break;
    default:
        break;
    }
}

static bool nothing_is_missing(const struct conversation *conversation)
{
    return conversation_missing(conversation, FROM_CLIENT) == 0 && conversation_missing(conversation, FROM_SERVER) == 0 &&
           conversation_has_start(conversation, FROM_CLIENT) && conversation_has_start(conversation, FROM_SERVER);
}

/* The server's first reply is its greeting, even to a client that did not wait for it; 120 says that another follows. */
static bool is_greeting(const struct conversation *conversation, const struct ftp *ftp, unsigned code)
{
    if (ftp->has_greeting || ftp->has_replies || conversation_missing(conversation, FROM_SERVER) > 0)
        return false;
    if (!conversation_has_start(conversation, FROM_SERVER) || conversation_is_decrypted(conversation))
        return (code == 220 || code == 120) && ftp->commands == 0;
    return ftp->commands == 0 || code == 220 || code == 120 || code >= 400;
}

/* STOU's preliminary reply names the file that the server made: "125 FILE: name" (RFC 1123, 4.1.2.9). */
static void on_preliminary(struct ftp *ftp, struct bytes text)
{
    const struct pending_command *oldest = pending_oldest(&ftp->pending);
    const struct ftp_request *request = oldest != NULL ? oldest->subject : NULL;
    struct cursor name = cursor_within(text);

    if (oldest == NULL || oldest->verb != FTP_TRANSFER || request->channel == NULL ||
        !bytes_equal_nocase(bytes_of(request->verb, request->verb_length), "STOU"))
        return;
    if (!bytes_begin_nocase(text, "FILE:"))
        return;
    skip_bytes(&name, strlen("FILE:"));
    ftp_resolve_path(&ftp->directory, bytes_trim(peek_bytes(&name)), &request->channel->path);
}

/* True where TLS begins behind this reply. */
static bool on_reply(struct conversation *conversation, struct ftp *ftp)
{
    unsigned code = ftp->reply.code;
    struct bytes text = text_bytes(&ftp->reply.text);
    struct pending_command command;
    int answered;

    text_clear(&ftp->last_reply);
    text_append_format(&ftp->last_reply, "%u ", code);
    text_append(&ftp->last_reply, text);
    if (is_greeting(conversation, ftp, code)) {
        ftp->has_greeting = code != 120;
        set_text(&ftp->banner, text);
        return false;
    }
    ftp->has_replies = true;
    if (code < 200) {
        on_preliminary(ftp, text);
        return false; /* the final one is still to come */
    }
    if (ftp->replies_owed > 0) {
        ftp->replies_owed--;
        return false;
    }
    answered = pending_answered(&ftp->pending, code, nothing_is_missing(conversation), reply_fits);
    if (answered < 0)
        return false;
    give_up_commands(conversation, ftp, (unsigned)answered);
    command = pending_take_oldest(&ftp->pending);
    on_final(conversation, ftp, &command, code, text);
    finish_command(conversation, &command, code, text);
    return command.verb == FTP_AUTH && code == 234;
}

/* ---- the two sides ---- */

/* After lost bytes a line may be the end of another: only one that looks whole counts. */
static bool is_believed(struct ftp *ftp, enum side from, struct bytes line)
{
    struct bytes rest;

    if (!ftp->is_resyncing[from])
        return true;
    ftp->is_resyncing[from] = false;
    return from == FROM_SERVER ? reply_line_code(line) != 0 : ftp_find_word(bytes_split(line, ' ', &rest)) != NULL;
}

static enum verdict begin_tls(struct conversation *conversation, struct ftp *ftp)
{
    ftp->is_encrypted_from_now = true;
    conversation_hand_over(conversation, &tls_dissector, NULL);
    return VERDICT_HANDED_OVER;
}

static bool is_word(struct bytes word)
{
    for (size_t i = 0; i < word.length; i++) {
        if (word.at[i] < '0' || word.at[i] > 'z')
            return false;
    }
    return word.length > 0;
}

static enum verdict on_client_line(struct conversation *conversation, struct ftp *ftp, struct bytes line)
{
    struct text clean = {.limit = LINE_LIMIT};
    struct bytes argument;
    struct bytes word;

    ftp_split_command(line, &clean, &word, &argument);
    ftp->strange[FROM_CLIENT] = is_word(word) ? 0 : ftp->strange[FROM_CLIENT] + 1;
    if (word.length > 0)
        on_command(conversation, ftp, word, argument);
    text_free(&clean);
    return ftp->strange[FROM_CLIENT] < FTP_STRANGE_LINES ? VERDICT_GO_ON : VERDICT_NOT_THIS_PROTOCOL;
}

static enum verdict on_server_line(struct conversation *conversation, struct ftp *ftp, struct bytes line)
{
    switch (reply_add_line(&ftp->reply, REPLY_FTP, line)) {
    case REPLY_MORE:
        return VERDICT_GO_ON;
    case REPLY_BEFORE:
    case REPLY_STRANGE:
        return ++ftp->strange[FROM_SERVER] < FTP_STRANGE_LINES ? VERDICT_GO_ON : VERDICT_NOT_THIS_PROTOCOL;
    case REPLY_WHOLE:
        break;
    }
    ftp->strange[FROM_SERVER] = 0;
    return on_reply(conversation, ftp) ? begin_tls(conversation, ftp) : VERDICT_GO_ON;
}

/* Whether the client's next bytes have to wait for a reply that may still come: behind AUTH it decides what they are. */
static bool must_wait(const struct conversation *conversation, const struct ftp *ftp)
{
    const struct pending_command *newest = pending_newest(&ftp->pending);

    if (newest == NULL || newest->is_doubtful || !(conversation_has_start(conversation, FROM_SERVER) || ftp->has_replies))
        return false;
    return newest->verb == FTP_AUTH; /* without its reply nothing can be believed, even at the end */
}

/* TLS where a line should begin: AUTH, or its reply, is among the missing bytes. */
static bool is_hidden_tls(const struct conversation *conversation, const struct ftp *ftp, enum side from, const struct cursor *bytes)
{
    const struct pending_command *newest = pending_newest(&ftp->pending);
    bool may_be = ftp->is_resyncing[from] || conversation_missing(conversation, side_other(from)) > 0 || (newest != NULL && newest->verb == FTP_AUTH);

    return may_be && !ftp->lines[from].passes_over && line_is_tls(bytes);
}

static void note_long_line(struct conversation *conversation, struct ftp *ftp, enum side from)
{
    if (ftp->told_long_line[from])
        return;
    ftp->told_long_line[from] = true;
    conversation_finding(conversation, "notice", "line_too_long", "a line from the %s is longer than %d bytes; its rest was passed over",
                         side_name(from), LINE_LIMIT);
}

static enum verdict on_lines(struct conversation *conversation, struct ftp *ftp, enum side from, struct cursor *bytes)
{
    enum verdict verdict = VERDICT_GO_ON;

    while (verdict == VERDICT_GO_ON && cursor_left(bytes) > 0) {
        enum line_found found;
        struct bytes line;

        if (from == FROM_CLIENT && must_wait(conversation, ftp))
            return VERDICT_NEED_OTHER_SIDE;
        if (from == FROM_SERVER && ftp->pending.count == 0 && ftp->client_is_behind)
            return VERDICT_NEED_OTHER_SIDE; /* this reply is to what the client said meanwhile */
        if (is_hidden_tls(conversation, ftp, from, bytes))
            return begin_tls(conversation, ftp);
        found = line_take(&ftp->lines[from], bytes, &line);
        if (found == LINE_NONE)
            return VERDICT_NEED_MORE;
        if (found == LINE_TOO_LONG)
            note_long_line(conversation, ftp, from);
        if (!is_believed(ftp, from, line))
            continue;
        verdict = from == FROM_CLIENT ? on_client_line(conversation, ftp, line) : on_server_line(conversation, ftp, line);
    }
    return verdict;
}

static enum verdict ftp_on_data(struct conversation *conversation, void *state, enum side from, struct cursor *bytes)
{
    struct ftp *ftp = state;
    enum verdict verdict = on_lines(conversation, ftp, from, bytes);

    if (from == FROM_CLIENT)
        ftp->client_is_behind = verdict == VERDICT_NEED_OTHER_SIDE;
    return verdict;
}

static enum verdict ftp_on_gap(struct conversation *conversation, void *state, enum side from, uint64_t count)
{
    struct ftp *ftp = state;

    (void)count;
    ftp->is_resyncing[from] = true;
    ftp->lines[from].passes_over = false;
    ftp->user_is_doubtful = ftp->user_is_doubtful || from == FROM_CLIENT;
    if (from == FROM_SERVER) {
        reply_forget(&ftp->reply);
        ftp->replies_owed = 0;
        give_up_commands(conversation, ftp, pending_lose_replies(&ftp->pending));
    }
    return VERDICT_GO_ON;
}

/* ---- the end ---- */

static const char *encryption_of(const struct conversation *conversation, const struct ftp *ftp)
{
    if (ftp->is_encrypted_from_now)
        return "explicit";
    if (conversation_is_decrypted(conversation)) /* inside TLS the server greets only where TLS came first */
        return ftp->has_greeting ? "implicit" : "explicit";
    return "none";
}

static void finish_channels(struct conversation *conversation, struct ftp *ftp)
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

static void ftp_write(struct conversation *conversation, void *state)
{
    const struct ftp *ftp = state;
    const struct ftp_session row = {
        .flow_id = record_integer(conversation_flow(conversation)->flow_id),
        .encrypted = record_boolean(conversation_is_decrypted(conversation)),
        .banner = record_text_unless_empty(text_bytes(&ftp->banner)),
        .user = record_text_unless_empty(text_bytes(&ftp->user)),
        .password = record_text_unless_empty(text_bytes(&ftp->password)),
        .auth_result = record_text_of(ftp->auth_result),
        .system = record_text_unless_empty(text_bytes(&ftp->system)),
        .encryption = record_text_of(encryption_of(conversation, ftp)),
        .commands = record_integer(ftp->commands),
        .transfers = record_integer(ftp->transfers),
        .bytes_up = record_integer((int64_t)ftp->bytes_up),
        .bytes_down = record_integer((int64_t)ftp->bytes_down),
        .last_reply = record_text_unless_empty(text_bytes(&ftp->last_reply)),
    };

    conversation_write(conversation, &ftp_session_table, &row);
}

static void ftp_close(struct conversation *conversation, void *state)
{
    struct ftp *ftp = state;

    give_up_commands(conversation, ftp, ftp->pending.count);
    finish_channels(conversation, ftp);
    ftp_write(conversation, state);
    text_free(&ftp->banner);
    text_free(&ftp->user);
    text_free(&ftp->password);
    text_free(&ftp->system);
    text_free(&ftp->last_reply);
    text_free(&ftp->directory);
    reply_free(&ftp->reply);
    pending_free(&ftp->pending);
}

static const struct record_table *const ftp_tables[] = {&ftp_session_table, &ftp_command_table, &ftp_transfer_table, &file_table, NULL};
static const uint16_t ftp_ports[] = {21, 2121, 0};

const struct dissector ftp_dissector = {
    .name = "ftp",
    .tables = ftp_tables,
    .ports = ftp_ports,
    .state_size = sizeof(struct ftp),
    .unit_limit = 2 * LINE_LIMIT,
    .match = ftp_match,
    .open = ftp_open,
    .on_data = ftp_on_data,
    .on_gap = ftp_on_gap,
    .refresh = ftp_write,
    .close = ftp_close,
};

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
 * mechanisms other than TLS, implicit TLS.
 */
#include "dissectors/dissector.h"
#include "dissectors/ftp_data.h"
#include "dissectors/ftp_record.h"
#include "dissectors/line.h"
#include "dissectors/pending.h"
#include "dissectors/tls.h"

#include "base/file.h"

#include <stdlib.h>

#define FTP_ARGUMENT_LIMIT 4096
#define FTP_VERB_LIMIT 15
#define FTP_NAME_LIMIT 256 /* user, password, system */
/* Transfers that one control connection keeps open; the oldest is given up. */
#define FTP_CHANNELS_LIMIT 64

enum ftp_verb {
    FTP_OTHER,
    FTP_USER,
    FTP_PASS,
    FTP_ACCT,
    FTP_AUTH,
    FTP_CWD,
    FTP_CDUP,
    FTP_PWD,
    FTP_SYST,
    FTP_REST,
    FTP_PORT,
    FTP_EPRT,
    FTP_PASV,
    FTP_EPSV,
    FTP_TRANSFER,
};

/* How sure a command alone says that this is FTP: POP3 and others share some words. */
enum verb_kind {
    VERB_SHARED,
    VERB_OWN,
};

struct verb_name {
    const char *name;
    enum ftp_verb verb;
    enum verb_kind kind;
};

static const struct verb_name verb_names[] = {
    {"USER", FTP_USER, VERB_SHARED},     {"PASS", FTP_PASS, VERB_SHARED},     {"ACCT", FTP_ACCT, VERB_SHARED},     {"AUTH", FTP_AUTH, VERB_SHARED},
    {"CWD", FTP_CWD, VERB_OWN},          {"XCWD", FTP_CWD, VERB_OWN},         {"CDUP", FTP_CDUP, VERB_OWN},        {"XCUP", FTP_CDUP, VERB_OWN},
    {"PWD", FTP_PWD, VERB_OWN},          {"XPWD", FTP_PWD, VERB_OWN},         {"SYST", FTP_SYST, VERB_OWN},        {"REST", FTP_REST, VERB_OWN},
    {"PORT", FTP_PORT, VERB_OWN},        {"EPRT", FTP_EPRT, VERB_OWN},        {"PASV", FTP_PASV, VERB_OWN},        {"EPSV", FTP_EPSV, VERB_OWN},
    {"RETR", FTP_TRANSFER, VERB_SHARED}, {"STOR", FTP_TRANSFER, VERB_OWN},    {"STOU", FTP_TRANSFER, VERB_OWN},    {"APPE", FTP_TRANSFER, VERB_OWN},
    {"LIST", FTP_TRANSFER, VERB_SHARED}, {"NLST", FTP_TRANSFER, VERB_OWN},    {"MLSD", FTP_TRANSFER, VERB_OWN},    {"TYPE", FTP_OTHER, VERB_OWN},
    {"SIZE", FTP_OTHER, VERB_OWN},       {"MDTM", FTP_OTHER, VERB_OWN},       {"FEAT", FTP_OTHER, VERB_OWN},       {"MODE", FTP_OTHER, VERB_SHARED},
    {"STRU", FTP_OTHER, VERB_OWN},       {"PBSZ", FTP_OTHER, VERB_OWN},       {"PROT", FTP_OTHER, VERB_OWN},       {"CLNT", FTP_OTHER, VERB_OWN},
    {"OPTS", FTP_OTHER, VERB_OWN},       {"DELE", FTP_OTHER, VERB_SHARED},    {"RNFR", FTP_OTHER, VERB_OWN},       {"RNTO", FTP_OTHER, VERB_OWN},
    {"MKD", FTP_OTHER, VERB_OWN},        {"XMKD", FTP_OTHER, VERB_OWN},       {"RMD", FTP_OTHER, VERB_OWN},        {"XRMD", FTP_OTHER, VERB_OWN},
    {"MLST", FTP_OTHER, VERB_OWN},       {"SITE", FTP_OTHER, VERB_OWN},       {"ABOR", FTP_OTHER, VERB_OWN},       {"ALLO", FTP_OTHER, VERB_OWN},
    {"QUIT", FTP_OTHER, VERB_SHARED},    {"NOOP", FTP_OTHER, VERB_SHARED},    {"HELP", FTP_OTHER, VERB_SHARED},    {"STAT", FTP_OTHER, VERB_SHARED},
    {"REIN", FTP_OTHER, VERB_OWN},       {"LANG", FTP_OTHER, VERB_OWN},       {"HOST", FTP_OTHER, VERB_SHARED},    {"CCC", FTP_OTHER, VERB_OWN},
    {"SMNT", FTP_OTHER, VERB_OWN},       {"ADAT", FTP_OTHER, VERB_OWN},       {"LPRT", FTP_OTHER, VERB_OWN},       {"LPSV", FTP_OTHER, VERB_OWN},
    {"MFMT", FTP_OTHER, VERB_OWN},       {"EPRV", FTP_OTHER, VERB_OWN},
};

/* One command that waits for its reply. Owned by its pending_command. */
struct ftp_request {
    int64_t number;
    char verb[FTP_VERB_LIMIT + 1];
    bool has_argument;
    struct text argument;
    struct ftp_channel *channel; /* held; a transfer's, or what a PORT announced; or NULL */
    bool is_early; /* a transfer: commands before it that say where it goes had no reply yet */
};

struct ftp {
    struct line_reader lines[SIDE_COUNT];
    bool is_resyncing[SIDE_COUNT]; /* bytes were lost: the next line may be the rest of one */
    struct reply_reader reply;
    struct pending pending;
    bool has_greeting;
    struct text banner;
    struct text user;
    struct text password;
    struct text system;
    struct text last_reply;
    struct text directory; /* the working directory; empty: not known */
    const char *auth_result;
    bool is_encrypted_from_now;
    bool client_waits; /* commands of the client are unread until AUTH is answered */
    int64_t commands;
    int64_t transfers;
    bool has_offset; /* REST was accepted for the next transfer */
    uint64_t offset;
    struct ftp_channel *next;                         /* held; announced, and not yet used by a command */
    struct ftp_channel *channels[FTP_CHANNELS_LIMIT]; /* held; with a command, and not yet written */
    unsigned channel_count;
    uint64_t bytes_up; /* of transfers that are written already */
    uint64_t bytes_down;
    bool told_too_many;
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

/* ---- paths ---- */

/* The absolute form of `path`, or `path` itself where the working directory is not known. */
static void resolve(const struct ftp *ftp, struct bytes path, struct text *resolved)
{
    bool is_absolute = path.length > 0 && path.at[0] == '/';

    text_clear(resolved);
    if (!is_absolute && ftp->directory.length == 0) {
        text_append(resolved, path);
        return;
    }
    if (!is_absolute && !bytes_equal(text_bytes(&ftp->directory), bytes_of("/", 1)))
        text_append(resolved, text_bytes(&ftp->directory));
    ftp_append_path(resolved, path);
    if (resolved->length == 0)
        text_append_text(resolved, "/");
}

static void change_directory(struct ftp *ftp, struct bytes path)
{
    struct text resolved = {.limit = FTP_PATH_LIMIT};
    bool is_absolute = path.length > 0 && path.at[0] == '/';

    /* '~' and DOS drives mean what the server makes of them */
    if (!is_absolute && (ftp->directory.length == 0 || (path.length > 0 && path.at[0] == '~'))) {
        text_clear(&ftp->directory);
        return;
    }
    resolve(ftp, path, &resolved);
    set_text(&ftp->directory, text_bytes(&resolved));
    text_free(&resolved);
}

/* The quoted path of a 257 reply, a quote in it doubled (RFC 959, appendix II). */
static void take_quoted_directory(struct ftp *ftp, struct bytes reply)
{
    struct cursor cursor = cursor_within(reply);
    struct text path = {.limit = FTP_PATH_LIMIT};

    (void)take_until(&cursor, '"');
    for (;;) {
        struct bytes part = take_until(&cursor, '"');

        if (!cursor_is_good(&cursor))
            break;
        text_append(&path, part);
        if (peek_u8(&cursor) != '"') {
            if (path.length > 0 && path.at[0] == '/')
                set_text(&ftp->directory, text_bytes(&path));
            break;
        }
        skip_bytes(&cursor, 1);
        text_append_text(&path, "\"");
    }
    text_free(&path);
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
    if (channel->direction == FTP_UPLOAD)
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

/* Replaces what was announced before and not used. NULL when out of memory. */
static struct ftp_channel *new_next(struct ftp *ftp)
{
    if (ftp->next != NULL)
        ftp_channel_let_go(ftp->next);
    ftp->next = ftp_channel_new();
    return ftp->next;
}

/* A data connection is announced. `near` is the address that the control connection knows for the announcer. */
static void announce(struct conversation *conversation, struct ftp *ftp, bool is_passive, const struct address *address, uint16_t port,
                     const struct address *near)
{
    struct ftp_channel *channel = is_passive ? promised_channel(ftp) : NULL;

    if (channel == NULL && (channel = new_next(ftp)) == NULL)
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
        ftp_channel_let_go(ftp->next);
        ftp->next = NULL;
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

static const struct verb_name *find_verb(struct bytes verb)
{
    for (size_t i = 0; i < sizeof verb_names / sizeof verb_names[0]; i++) {
        if (bytes_equal_nocase(verb, verb_names[i].name))
            return &verb_names[i];
    }
    return NULL;
}

static bool is_anonymous(const struct ftp *ftp)
{
    struct bytes user = text_bytes(&ftp->user);

    return bytes_equal_nocase(user, "anonymous") || bytes_equal_nocase(user, "ftp");
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
        resolve(ftp, path, &channel->path);
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
    bool is_announced = ftp->next != NULL && !is_undecided(ftp, true);
    struct ftp_channel *channel = is_announced ? ftp->next : ftp_channel_new();

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
    ftp_channel_claim_file(conversation, channel);
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
    free(request);
}

/* Writes a command's row and lets go of it. `code` 0: its reply was not seen. */
static void finish_command(struct conversation *conversation, const struct pending_command *command, unsigned code, struct bytes reply)
{
    struct ftp_request *request = command->subject;
    struct ftp_command row = {
        .flow_id = record_integer(conversation_flow(conversation)->flow_id),
        .number = record_integer(request->number),
        .time_us = record_integer(command->time_us),
        .command = record_text_of(request->verb),
    };

    if (request->has_argument)
        row.argument = record_text(text_bytes(&request->argument));
    if (code != 0) {
        row.reply_code = record_integer(code);
        row.reply = record_text(reply);
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

/* The commands that a client inserts for Telnet (RFC 854) are taken out; 0xff 0xff is a byte of the line. */
static void strip_telnet(struct bytes line, struct text *clean)
{
    struct cursor cursor = cursor_within(line);

    while (cursor_left(&cursor) > 0) {
        uint8_t byte = take_u8(&cursor);
        int command;

        if (byte != 0xff) {
            text_append(clean, bytes_of(&byte, 1));
            continue;
        }
        command = peek_u8(&cursor);
        (void)take_up_to(&cursor, command >= 0xfb && command <= 0xfe ? 2 : 1); /* WILL, WONT, DO, DONT have an option */
        if (command == 0xff)
            text_append(clean, bytes_of(&byte, 1));
    }
}

static void copy_verb(char out[FTP_VERB_LIMIT + 1], struct bytes verb)
{
    size_t length = verb.length < FTP_VERB_LIMIT ? verb.length : FTP_VERB_LIMIT;

    for (size_t i = 0; i < length; i++)
        out[i] = verb.at[i] >= 'a' && verb.at[i] <= 'z' ? (char)(verb.at[i] - ('a' - 'A')) : (char)verb.at[i];
    out[length] = '\0';
}

/* What a command means before its reply is known. */
static void on_sent(struct conversation *conversation, struct ftp *ftp, enum ftp_verb verb, struct ftp_request *request)
{
    struct bytes argument = text_bytes(&request->argument);

    if (verb == FTP_USER) {
        set_text(&ftp->user, argument);
        text_clear(&ftp->password);
        ftp->auth_result = NULL;
    } else if (verb == FTP_PASS && is_anonymous(ftp)) {
        set_text(&ftp->password, argument);
    } else if (verb == FTP_PASS) {
        text_clear(&request->argument);
        request->has_argument = false;
    } else if (verb == FTP_TRANSFER) {
        begin_transfer(conversation, ftp, request);
    } else if (verb == FTP_PORT || verb == FTP_EPRT) {
        on_port_sent(conversation, ftp, request, verb == FTP_EPRT);
    }
}

static enum ftp_verb on_command(struct conversation *conversation, struct ftp *ftp, struct bytes line)
{
    struct bytes argument;
    struct bytes verb = bytes_split(line, ' ', &argument);
    const struct verb_name *known = find_verb(verb);
    struct ftp_request *request;
    struct pending_command *command;

    give_up_commands(conversation, ftp, pending_outdated(&ftp->pending, conversation_now(conversation)));
    if (ftp->pending.count == PENDING_LIMIT) {
        if (!ftp->told_too_many)
            conversation_finding(conversation, "notice", "too_many_open_commands", "more than %d commands wait for their replies", PENDING_LIMIT);
        ftp->told_too_many = true;
        give_up_commands(conversation, ftp, 1);
    }
    request = calloc(1, sizeof *request);
    if (request == NULL)
        return FTP_OTHER;
    command = pending_add(&ftp->pending, known != NULL ? known->verb : FTP_OTHER, conversation_now(conversation));
    if (command == NULL) {
        free(request);
        return FTP_OTHER;
    }
    command->subject = request;
    request->number = ++ftp->commands;
    request->argument.limit = FTP_ARGUMENT_LIMIT;
    copy_verb(request->verb, verb);
    request->has_argument = argument.at != NULL;
    text_append(&request->argument, argument);
    on_sent(conversation, ftp, known != NULL ? known->verb : FTP_OTHER, request);
    return known != NULL ? known->verb : FTP_OTHER;
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
            change_directory(ftp, argument);
        break;
    case FTP_CDUP:
        if (is_good)
            change_directory(ftp, bytes_of_text(".."));
        break;
    case FTP_PWD:
        if (code == 257)
            take_quoted_directory(ftp, reply);
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
        if (request->channel != NULL) {
            if (request->is_early) /* what came before it is answered now */
                settle_transfer(ftp, request);
            request->channel->has_reply = true;
            request->channel->reply_code = code;
            ftp_channel_write_if_ready(conversation, request->channel);
            drop_written(ftp);
        }
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
    if (!ftp->has_greeting && ftp->commands == 0 && conversation_has_start(conversation, FROM_SERVER)) {
        ftp->has_greeting = code != 120;
        set_text(&ftp->banner, text);
        return false;
    }
    if (code < 200)
        return false; /* preliminary: the final one is still to come */
    answered = pending_answered(&ftp->pending, code, nothing_is_missing(conversation), reply_fits);
    if (answered < 0)
        return false;
    give_up_commands(conversation, ftp, (unsigned)answered);
    command = pending_take_oldest(&ftp->pending);
    on_final(conversation, ftp, &command, code, text);
    ftp->is_encrypted_from_now = command.verb == FTP_AUTH && code == 234;
    finish_command(conversation, &command, code, text);
    return ftp->is_encrypted_from_now;
}

/* ---- the two sides ---- */

/* After lost bytes a line may be the end of another: only one that looks whole counts. */
static bool is_believed(struct ftp *ftp, enum side from, struct bytes line)
{
    struct bytes rest;

    if (!ftp->is_resyncing[from])
        return true;
    ftp->is_resyncing[from] = false;
    return from == FROM_SERVER ? reply_line_code(line) != 0 : find_verb(bytes_split(line, ' ', &rest)) != NULL;
}

static enum verdict on_client_line(struct conversation *conversation, struct ftp *ftp, struct bytes line)
{
    struct text clean = {.limit = LINE_LIMIT};
    enum ftp_verb verb = FTP_OTHER;

    strip_telnet(line, &clean);
    if (clean.length > 0)
        verb = on_command(conversation, ftp, text_bytes(&clean));
    text_free(&clean);
    /* what follows is TLS if the server agrees: its answer decides how to read on */
    return verb == FTP_AUTH ? VERDICT_NEED_OTHER_SIDE : VERDICT_GO_ON;
}

static enum verdict on_server_line(struct conversation *conversation, struct ftp *ftp, struct bytes line)
{
    if (reply_add_line(&ftp->reply, REPLY_FTP, line) != REPLY_WHOLE || !on_reply(conversation, ftp))
        return VERDICT_GO_ON;
    conversation_hand_over(conversation, &tls_dissector, NULL);
    return VERDICT_HANDED_OVER;
}

/* Whether an AUTH still waits for its answer, and an answer can still come. */
static bool waits_for_auth(const struct conversation *conversation, const struct ftp *ftp)
{
    const struct pending_command *newest = pending_newest(&ftp->pending);

    return newest != NULL && newest->verb == FTP_AUTH && !newest->is_doubtful && conversation_has_start(conversation, FROM_SERVER);
}

static enum verdict ftp_on_data(struct conversation *conversation, void *state, enum side from, struct cursor *bytes)
{
    struct ftp *ftp = state;
    struct bytes line;
    enum line_found found;

    while (!(from == FROM_CLIENT && waits_for_auth(conversation, ftp)) && (found = line_take(&ftp->lines[from], bytes, &line)) != LINE_NONE) {
        enum verdict verdict = VERDICT_GO_ON;

        if (found == LINE_TOO_LONG)
            conversation_finding(conversation, "notice", "line_too_long", "a line from the %s is longer than %d bytes; its rest was passed over",
                                 side_name(from), LINE_LIMIT);
        if (is_believed(ftp, from, line))
            verdict = from == FROM_CLIENT ? on_client_line(conversation, ftp, line) : on_server_line(conversation, ftp, line);
        if (verdict != VERDICT_GO_ON)
            return verdict;
        if (from == FROM_SERVER && ftp->client_waits && !waits_for_auth(conversation, ftp)) {
            ftp->client_waits = false;
            return VERDICT_NEED_OTHER_SIDE; /* its commands first: the replies behind this one are theirs */
        }
    }
    if (from == FROM_SERVER)
        return VERDICT_NEED_MORE;
    ftp->client_waits = waits_for_auth(conversation, ftp) && cursor_left(bytes) > 0;
    return waits_for_auth(conversation, ftp) ? VERDICT_NEED_OTHER_SIDE : VERDICT_NEED_MORE;
}

static enum verdict ftp_on_gap(struct conversation *conversation, void *state, enum side from, uint64_t count)
{
    struct ftp *ftp = state;

    (void)count;
    ftp->is_resyncing[from] = true;
    ftp->lines[from].passes_over = false;
    if (from == FROM_SERVER) {
        reply_forget(&ftp->reply);
        give_up_commands(conversation, ftp, pending_lose_replies(&ftp->pending));
    }
    return VERDICT_GO_ON;
}

/* ---- the end ---- */

static void finish_channels(struct conversation *conversation, struct ftp *ftp)
{
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
    if (ftp->next != NULL)
        ftp_channel_let_go(ftp->next);
    ftp->next = NULL;
}

static void ftp_close(struct conversation *conversation, void *state)
{
    struct ftp *ftp = state;
    struct ftp_session row;

    give_up_commands(conversation, ftp, ftp->pending.count);
    finish_channels(conversation, ftp);
    row = (struct ftp_session){
        .flow_id = record_integer(conversation_flow(conversation)->flow_id),
        .encrypted = record_boolean(conversation_is_decrypted(conversation)),
        .banner = record_text_unless_empty(text_bytes(&ftp->banner)),
        .user = record_text_unless_empty(text_bytes(&ftp->user)),
        .password = record_text_unless_empty(text_bytes(&ftp->password)),
        .auth_result = record_text_of(ftp->auth_result),
        .system = record_text_unless_empty(text_bytes(&ftp->system)),
        .encryption = record_text_of(ftp->is_encrypted_from_now ? "explicit" : "none"),
        .commands = record_integer(ftp->commands),
        .transfers = record_integer(ftp->transfers),
        .bytes_up = record_integer((int64_t)ftp->bytes_up),
        .bytes_down = record_integer((int64_t)ftp->bytes_down),
        .last_reply = record_text_unless_empty(text_bytes(&ftp->last_reply)),
    };
    conversation_write(conversation, &ftp_session_table, &row);
    text_free(&ftp->banner);
    text_free(&ftp->user);
    text_free(&ftp->password);
    text_free(&ftp->system);
    text_free(&ftp->last_reply);
    text_free(&ftp->directory);
    reply_free(&ftp->reply);
    pending_free(&ftp->pending);
}

/* ---- identification ---- */

static struct bytes first_line(struct bytes bytes, bool *is_whole)
{
    struct cursor cursor = cursor_over(bytes);
    struct bytes line = take_line(&cursor);

    *is_whole = cursor_is_good(&cursor);
    return *is_whole ? line : bytes;
}

static enum match match_server(struct bytes said, const struct first_bytes *first)
{
    bool is_whole;
    struct bytes line = first_line(said, &is_whole);
    unsigned code;

    if (line.length < 4 && !is_whole) {
        for (size_t i = 0; i < line.length; i++) {
            if (line.at[i] < '0' || line.at[i] > '9')
                return MATCH_NO;
        }
        return MATCH_MAYBE;
    }
    code = reply_line_code(line);
    if (code == 0 || bytes_contain_nocase(line, "SMTP"))
        return MATCH_NO;
    if (code == 227 || code == 229)
        return MATCH_YES;
    if (first->has_start[FROM_SERVER] && code != 220 && code != 120 && code != 421 && code < 500)
        return MATCH_NO;
    if (!is_whole)
        return MATCH_MAYBE; /* the rest of the line may still name another protocol */
    return bytes_contain_nocase(line, "FTP") ? MATCH_YES : MATCH_PORT;
}

static enum match match_client(struct bytes said)
{
    bool is_whole;
    struct bytes line = first_line(said, &is_whole);
    struct bytes argument;
    struct bytes word = bytes_split(line, ' ', &argument);
    const struct verb_name *verb;

    if (!is_whole && word.length > 0 && word.at[word.length - 1] == '\r')
        word.length--; /* its LF is still to come */
    verb = find_verb(word);
    if (verb == NULL)
        return is_whole || word.length > 4 ? MATCH_NO : MATCH_MAYBE;
    if (!is_whole)
        return MATCH_MAYBE;
    if (verb->verb == FTP_AUTH && !bytes_begin_nocase(argument, "TLS") && !bytes_begin_nocase(argument, "SSL"))
        return MATCH_PORT;
    return verb->kind == VERB_OWN ? MATCH_YES : MATCH_PORT;
}

static enum match ftp_match(const struct first_bytes *first)
{
    struct bytes client = first->side[FROM_CLIENT];
    struct bytes server = first->side[FROM_SERVER];
    enum match by_client;
    enum match by_server;

    if (client.length == 0)
        return server.length == 0 ? MATCH_MAYBE : match_server(server, first);
    by_client = match_client(client);
    if (server.length == 0 || by_client == MATCH_NO)
        return by_client;
    by_server = match_server(server, first);
    if (by_server == MATCH_NO)
        return MATCH_NO;
    /* a word that FTP shares with others, answered by a reply that others share: together they are FTP's */
    if (by_client == MATCH_YES || by_server == MATCH_YES || (by_client == MATCH_PORT && by_server == MATCH_PORT))
        return MATCH_YES;
    return by_client == MATCH_MAYBE ? by_server : by_client;
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
    .close = ftp_close,
};

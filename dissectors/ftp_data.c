/*
 * ftp_data.c - FTP's data connections (RFC 959, 3.2; RFC 4217, 9): what comes by is counted and goes to the transfer's
 * payload. Where TLS protects it, the handshake is read and the rest only counted, unless the user has keys.
 *
 * Leaves out: several files on one data connection (block mode allows them): only the first is told.
 */
#include "dissectors/ftp_data.h"

#include "base/file.h"
#include "base/memory.h"
#include "dissectors/ftp_record.h"
#include "dissectors/tls.h"

/* As many first bytes of a side show a TLS client's hello: the record's header, the message's, and both lengths agree. */
#define HELLO_LENGTH 9
#define RECORD_HANDSHAKE 22
#define HANDSHAKE_CLIENT_HELLO 1
/* No TLS record is longer (RFC 5246, 6.2.3), so that the frame keeps one for us while TLS waits for its end. */
#define UNIT_LIMIT (5 + 16384 + 2048)

enum protection {
    PROTECTION_UNDECIDED, /* too few bytes of the side that spoke first */
    PROTECTION_NONE,
    PROTECTION_TLS,       /* tls_dissector reads along */
    PROTECTION_TLS_PASSED, /* it has seen enough */
};

struct ftp_data {
    struct ftp_channel *channel; /* held; NULL: this connection is not the transfer */
    enum protection protection;
    struct bytes_held {
        uint8_t bytes[HELLO_LENGTH];
        size_t length;
    } held[SIDE_COUNT]; /* copies of what the frame keeps while undecided: a gap would make it forget them */
    size_t told[SIDE_COUNT];   /* first bytes of what the frame keeps that were told from their copy */
    size_t unread[SIDE_COUNT]; /* bytes that the frame keeps and that were not counted */
    void *tls; /* owned; state of tls_dissector */
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
    ftp_channel_forget_expected(conversation, data->channel);
    if (data->channel->is_passive && !address_equal(&flow->server, &data->channel->control_server))
        conversation_finding(conversation, "warning", "ftp_passive_foreign", "the server sent its client to a third host for the data connection");
}

/* ---- what comes in the clear ---- */

/* False for the side that does not send: what it says is none of the payload. */
static bool begin_payload(struct conversation *conversation, struct ftp_channel *channel, enum side from)
{
    const struct ftp_form form = ftp_channel_form(channel);
    enum ftp_payload_kind kind = channel->direction == FTP_LIST ? FTP_PAYLOAD_LISTING : FTP_PAYLOAD_FILE;

    if (channel->payload.has_begun)
        return channel->payload_side == from;
    if (channel->direction != FTP_UNKNOWN && ftp_channel_sender(channel) != from)
        return false;
    channel->payload_side = from;
    ftp_payload_begin(&channel->payload, conversation, &form, channel->direction == FTP_UNKNOWN ? FTP_PAYLOAD_UNKNOWN : kind);
    return true;
}

static void on_payload(struct conversation *conversation, struct ftp_channel *channel, enum side from, struct bytes bytes)
{
    if (bytes.length == 0)
        return;
    channel->bytes[from] += bytes.length;
    if (begin_payload(conversation, channel, from))
        ftp_payload_add(&channel->payload, conversation, bytes);
    ftp_channel_number_file(conversation, channel);
}

/* What was held back is no hello after all, or nothing more comes. */
static void release_held(struct conversation *conversation, struct ftp_data *data)
{
    data->protection = PROTECTION_NONE;
    for (int side = 0; side < SIDE_COUNT; side++) {
        on_payload(conversation, data->channel, (enum side)side, bytes_of(data->held[side].bytes, data->held[side].length));
        data->told[side] = data->held[side].length;
        data->unread[side] = 0;
    }
}

/* ---- TLS ---- */

/* CURSOR_SHORT: it may still become a hello; CURSOR_INVALID: it is none. */
static enum cursor_state look_for_hello(struct bytes first)
{
    struct cursor cursor = cursor_over(first);
    uint16_t record_length;
    uint32_t message_length;

    if (peek_u8(&cursor) >= 0 && take_u8(&cursor) != RECORD_HANDSHAKE)
        cursor_reject(&cursor);
    if (peek_u8(&cursor) >= 0 && take_u8(&cursor) != 3)
        cursor_reject(&cursor);
    skip_bytes(&cursor, 1);
    record_length = take_u16_be(&cursor);
    if (peek_u8(&cursor) >= 0 && take_u8(&cursor) != HANDSHAKE_CLIENT_HELLO)
        cursor_reject(&cursor);
    message_length = (uint32_t)take_u8(&cursor) << 16;
    message_length |= take_u16_be(&cursor);
    if (cursor_is_good(&cursor) && message_length + 4 != record_length)
        cursor_reject(&cursor);
    return cursor.state;
}

/* The FTP client is TLS's client too, whoever opened the data connection (RFC 4217, 7). */
static enum side tls_side(const struct ftp_data *data, enum side from)
{
    return data->channel->is_passive ? from : side_other(from);
}

/* What TLS knows of it. `outer` first. */
struct ftp_data_tls {
    struct tls_outer outer;
    struct ftp_data *data;
};

static struct ftp_data *data_of(struct tls_outer *outer)
{
    return ((struct ftp_data_tls *)outer)->data;
}

/* The first time: what was counted until now were TLS's bytes. */
static struct ftp_channel *opened_channel(struct ftp_data *data)
{
    struct ftp_channel *channel = data->channel;

    if (!channel->is_opened) {
        channel->is_opened = true;
        channel->bytes[FROM_CLIENT] = 0;
        channel->bytes[FROM_SERVER] = 0;
    }
    return channel;
}

static void on_plaintext(struct conversation *conversation, struct tls_outer *outer, enum side from, struct bytes bytes)
{
    struct ftp_data *data = data_of(outer);

    on_payload(conversation, opened_channel(data), tls_side(data, from), bytes);
}

static void on_missing(struct conversation *conversation, struct tls_outer *outer, enum side from, uint64_t count)
{
    struct ftp_data *data = data_of(outer);
    struct ftp_channel *channel = opened_channel(data);

    channel->missing[tls_side(data, from)] += count;
    if (begin_payload(conversation, channel, tls_side(data, from)))
        ftp_payload_lose(&channel->payload, conversation, count);
}

static void on_goodbye(struct conversation *conversation, struct tls_outer *outer, enum side from)
{
    struct ftp_data *data = data_of(outer);
    struct ftp_channel *channel = opened_channel(data);
    enum side side = tls_side(data, from);

    (void)conversation;
    channel->has_said_goodbye[side] = true;
    channel->has_side_ended[side] = true;
    channel->side_ending[side] = ENDING_FIN;
}

static void on_tls_refresh(struct conversation *conversation, struct tls_outer *outer)
{
    (void)conversation;
    (void)outer;
}

static void on_tls_close(struct conversation *conversation, struct tls_outer *outer)
{
    (void)conversation;
    memory_free(outer);
}

static void begin_tls(struct conversation *conversation, struct ftp_data *data)
{
    struct ftp_data_tls *outer = memory_new_zeroed(1, sizeof *outer);

    data->tls = memory_new_zeroed(1, tls_dissector.state_size);
    data->protection = data->tls != NULL ? PROTECTION_TLS : PROTECTION_TLS_PASSED;
    data->channel->is_protected = true;
    if (outer != NULL) {
        outer->data = data;
        outer->outer = (struct tls_outer){.refresh = on_tls_refresh, .close = on_tls_close, .on_plaintext = on_plaintext, .on_missing = on_missing,
                                            .on_goodbye = on_goodbye};
    }
    if (data->tls != NULL)
        tls_dissector.open(conversation, data->tls, outer);
    else
        memory_free(outer);
}

static void end_tls(struct conversation *conversation, struct ftp_data *data)
{
    if (data->tls != NULL)
        tls_dissector.close(conversation, data->tls);
    memory_free(data->tls);
    data->tls = NULL;
    if (data->protection == PROTECTION_TLS)
        data->protection = PROTECTION_TLS_PASSED;
}

static enum verdict feed_tls(struct conversation *conversation, struct ftp_data *data, enum side from, struct cursor *bytes)
{
    size_t before = bytes->left;
    enum verdict verdict = VERDICT_NOT_THIS_PROTOCOL;

    if (data->protection == PROTECTION_TLS)
        verdict = tls_dissector.on_data(conversation, data->tls, tls_side(data, from), bytes);
    if (verdict == VERDICT_NOT_THIS_PROTOCOL || verdict == VERDICT_HANDED_OVER) {
        end_tls(conversation, data);
        (void)take_up_to(bytes, UINT64_MAX);
        verdict = VERDICT_GO_ON;
    }
    if (!data->channel->is_opened) {
        data->channel->bytes[from] += before - bytes->left;
        data->unread[from] = bytes->left;
    }
    return verdict;
}

/* True where `bytes` have to wait for more. */
static bool must_wait(struct conversation *conversation, struct ftp_data *data, enum side from, const struct cursor *bytes)
{
    struct bytes first = peek_bytes(bytes);
    enum cursor_state found;

    if (first.length > HELLO_LENGTH)
        first.length = HELLO_LENGTH;
    found = look_for_hello(first);
    if (found == CURSOR_GOOD) {
        begin_tls(conversation, data);
        return false;
    }
    if (found == CURSOR_SHORT) {
        memcpy(data->held[from].bytes, first.at, first.length);
        data->held[from].length = first.length;
        return true;
    }
    data->held[from].length = 0; /* the cursor has them */
    release_held(conversation, data);
    return false;
}

/* ---- the dissector ---- */

static enum verdict ftp_data_on_data(struct conversation *conversation, void *state, enum side from, struct cursor *bytes)
{
    struct ftp_data *data = state;

    if (data->channel == NULL)
        return VERDICT_NOT_THIS_PROTOCOL;
    if (data->protection == PROTECTION_UNDECIDED && must_wait(conversation, data, from, bytes))
        return VERDICT_NEED_MORE;
    if (data->protection != PROTECTION_NONE)
        return feed_tls(conversation, data, from, bytes);
    skip_bytes(bytes, data->told[from]);
    data->told[from] = 0;
    on_payload(conversation, data->channel, from, take_up_to(bytes, UINT64_MAX));
    return VERDICT_GO_ON;
}

static enum verdict ftp_data_on_gap(struct conversation *conversation, void *state, enum side from, uint64_t count)
{
    struct ftp_data *data = state;
    struct ftp_channel *channel = data->channel;

    if (channel == NULL)
        return VERDICT_NOT_THIS_PROTOCOL;
    if (data->protection == PROTECTION_UNDECIDED)
        release_held(conversation, data);
    data->told[from] = 0; /* the frame has forgotten what it kept */
    channel->bytes[from] += channel->is_opened ? 0 : data->unread[from];
    data->unread[from] = 0;
    channel->missing[from] += channel->is_opened ? 0 : count; /* TLS tells what it misses */
    if (data->protection == PROTECTION_NONE) {
        if (begin_payload(conversation, channel, from))
            ftp_payload_lose(&channel->payload, conversation, count);
        ftp_channel_number_file(conversation, channel);
    } else if (data->protection == PROTECTION_TLS && tls_dissector.on_gap(conversation, data->tls, tls_side(data, from), count) != VERDICT_GO_ON) {
        end_tls(conversation, data);
    }
    return VERDICT_GO_ON;
}

static void ftp_data_on_passed(struct conversation *conversation, void *state, enum side from, uint64_t count)
{
    struct ftp_data *data = state;

    if (data->channel == NULL)
        return;
    data->protection = PROTECTION_NONE;
    data->channel->bytes[from] += count;
    if (begin_payload(conversation, data->channel, from))
        ftp_payload_pass(&data->channel->payload, conversation);
    ftp_channel_number_file(conversation, data->channel);
}

static void ftp_data_on_end(struct conversation *conversation, void *state, enum side from, enum ending ending, struct bytes unread)
{
    struct ftp_data *data = state;

    (void)unread;
    if (data->channel == NULL)
        return;
    if (data->protection == PROTECTION_UNDECIDED)
        release_held(conversation, data);
    if (!data->channel->is_opened)
        data->channel->bytes[from] += data->unread[from]; /* a TLS record that is not whole */
    data->unread[from] = 0;
    if (data->channel->has_said_goodbye[from])
        return;
    data->channel->has_side_ended[from] = true;
    data->channel->side_ending[from] = ending;
}

static void ftp_data_close(struct conversation *conversation, void *state)
{
    struct ftp_data *data = state;
    struct ftp_channel *channel = data->channel;
    enum side sender;

    end_tls(conversation, data);
    if (channel == NULL)
        return;
    if (data->protection == PROTECTION_UNDECIDED)
        release_held(conversation, data);
    sender = ftp_channel_sender(channel);
    channel->data_end_us = conversation_flow(conversation)->last_us;
    channel->data_has_ended = true;
    ftp_payload_end(&channel->payload, conversation, channel->has_side_ended[sender] && channel->side_ending[sender] == ENDING_FIN);
    ftp_channel_write_if_ready(conversation, channel);
    ftp_channel_let_go(channel);
}

static const struct record_table *const ftp_data_tables[] = {&ftp_transfer_table, &ftp_listing_table, &file_table, NULL};

const struct dissector ftp_data_dissector = {
    .name = "ftp_data",
    .tables = ftp_data_tables,
    .state_size = sizeof(struct ftp_data),
    .unit_limit = UNIT_LIMIT,
    .open = ftp_data_open,
    .on_data = ftp_data_on_data,
    .on_gap = ftp_data_on_gap,
    .on_passed = ftp_data_on_passed,
    .on_end = ftp_data_on_end,
    .close = ftp_data_close,
};

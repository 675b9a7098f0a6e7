/*
 * ssh_activity_files.c - files that sftp (draft-ietf-secsh-filexfer-02, version 3) and the old scp move, and their sizes.
 *
 *  1. sftp: a file, or a directory, is open from an answer as long as SSH_FXP_HANDLE to the answer to SSH_FXP_CLOSE, or to the
 *     next handle. What is larger than any request in between is its data: 29 bytes more than what is written, 13 bytes more
 *     than what is read.
 *  2. A READDIR is as long as a CLOSE, a READ is 12 bytes longer: what answers a READDIR is a listing. Where the block hides these
 *     12 bytes, only what is too long for a listing, or was asked for by several requests at once, is taken for a file.
 *  3. scp: a short line ("C0644 5000 name"), acknowledged by one byte, then the file and one byte more, acknowledged again.
 *  4. Each packet adds 9 bytes of CHANNEL_DATA to its length, MAC and padding. Where packets are not told apart they are taken to
 *     be as long as they may be; the error is below the two percent that are promised, but for PuTTY's, which are 4096 long.
 *  5. Keys that are exchanged again in between are taken off (ssh_activity.c notes them). Bytes that are missing are added.
 *  6. A size is told only where the padding leaves less than two percent open. Of compressed data none is: only the direction.
 */
#include "dissectors/ssh_activity_state.h"

#include <string.h>

#define CHUNK 32768 /* what OpenSSH and most others put into a packet, and ask for */
#define CHUNK_OF_PUTTY 4096
#define WRITE_ADDS 29      /* SSH_FXP_WRITE with a handle of 4 bytes */
#define DATA_ADDS 13       /* SSH_FXP_DATA */
#define EOF_ADDS 32        /* SSH_FXP_STATUS "End of file" */
#define READ_ADDS 29       /* SSH_FXP_READ */
#define ANSWERS_SHARE 4    /* what is written is so much longer than what answers it at least */
#define REQUEST_MOST 1000  /* an opening, with its path */
#define READ_PAYLOAD 38    /* SSH_FXP_READ in its CHANNEL_DATA */
#define LISTING_MOST 12000 /* a READDIR's answer is at most 100 names; they are seldom this long together */
#define LINE_LEAST 17      /* "C0644 1 a" and LF */
#define LINE_MOST 170
#define UNCERTAIN_PERCENT 2

static void open_file(struct ssh_activity *activity, const struct ssh_turn *turn, int64_t time_us)
{
    struct ssh_files *files = &activity->files;

    files->is_open = true;
    files->may_be_listing = false;
    files->was_data = false;
    files->has_gap = false;
    files->asked = 0;
    files->answered = 0;
    files->start_us = time_us;
    for (int side = 0; side < SIDE_COUNT; side++) {
        files->wire[side] = 0;
        files->packets[side] = 0;
        files->before[side] = turn->besides[side];
    }
}

/* ---- sizes ---- */

/* PuTTY asks for much more than there is, and is told "End of file" for each request too many. */
static uint64_t ends_of_file(const struct ssh_activity *activity, uint64_t messages)
{
    const struct ssh_files *files = &activity->files;
    uint64_t reads = files->asked / ssh_activity_wire(activity, FROM_CLIENT, READ_PAYLOAD);

    return files->small_chunks && reads > messages ? (reads - messages) * EOF_ADDS : 0;
}

/* The bytes of the file among those that one side sent. */
static uint64_t size_of(const struct ssh_activity *activity, enum side from)
{
    const struct ssh_files *files = &activity->files;
    uint64_t chunk = files->small_chunks && from == FROM_CLIENT ? CHUNK_OF_PUTTY : CHUNK;
    int64_t besides = files->now[from] - files->before[from];
    uint64_t wire = files->wire[from];
    uint64_t packets;
    uint64_t size;
    uint64_t adds;
    uint64_t messages;

    wire = besides >= 0 || wire > (uint64_t)-besides ? wire + (uint64_t)besides : 0;
    packets = files->packets[from] > 0 ? files->packets[from] : wire / (chunk + 64) + 1;
    size = ssh_activity_payload(activity, from, wire, packets);
    size = size > packets * SSH_PAYLOAD_DATA ? size - packets * SSH_PAYLOAD_DATA : 0;
    if (!activity->uses_sftp)
        return size > 1 ? size - 1 : 0;
    messages = size / (chunk + WRITE_ADDS) + 1;
    adds = messages * (from == FROM_CLIENT ? WRITE_ADDS : DATA_ADDS);
    adds += from == FROM_SERVER ? ends_of_file(activity, messages) : 0;
    return size > adds ? size - adds : 0;
}

/* Whether more than two percent of that size are open: by the padding of one packet, or by what PuTTY asked for. */
static bool is_uncertain(const struct ssh_activity *activity, enum side from, uint64_t size)
{
    const struct ssh_files *files = &activity->files;
    uint64_t open = activity->shape->side[from].layout.block / 2u;

    if (files->small_chunks && from == FROM_SERVER)
        open = files->server_is_openssh ? 3 * EOF_ADDS : size; /* others tell each end of file in a packet of its own */
    return files->has_gap || open * 100 > size * UNCERTAIN_PERCENT;
}

static void close_file(struct conversation *conversation, struct ssh *ssh, struct ssh_activity *activity)
{
    struct ssh_files *files = &activity->files;
    bool is_up =
        activity->uses_sftp ? files->wire[FROM_CLIENT] > files->answered * ANSWERS_SHARE : files->wire[FROM_CLIENT] > files->wire[FROM_SERVER];
    enum side from = is_up ? FROM_CLIENT : FROM_SERVER;
    const char *kind = is_up ? "file_up" : "file_down";
    const char *basis = activity->uses_sftp ? "bytes between sftp's handle and its closing" : "bytes between scp's acknowledgements";
    uint64_t size;

    if (!files->is_open)
        return;
    files->is_open = false;
    if (files->wire[from] == 0)
        return;
    if (files->may_be_listing) {
        files->is_uncertain = true;
        return;
    }
    size = size_of(activity, from);
    files->count[from]++;
    files->total[from] += size;
    if (is_uncertain(activity, from, size)) {
        files->is_uncertain = true;
        ssh_activity_tell(conversation, ssh, files->start_us, kind, basis, "of a size that is not known");
        return;
    }
    ssh_activity_tell(conversation, ssh, files->start_us, kind, basis, "about %llu bytes", (unsigned long long)size);
}

/* What is larger than a request or an answer of one of these. */
static void add_bulk(struct ssh_activity *activity, const struct ssh_turn *turn, uint32_t least)
{
    struct ssh_files *files = &activity->files;
    bool is_clear = activity->shape->side[turn->from].layout.length_field == SSH_LENGTH_CLEAR;
    unsigned parts = turn->count < SSH_TURN_PARTS ? turn->count : SSH_TURN_PARTS;
    uint64_t wire = turn->wire;
    uint64_t packets = turn->count;

    for (unsigned part = 0; part < parts; part++) {
        if (turn->part[part] >= ssh_activity_wire(activity, turn->from, least))
            continue;
        wire -= turn->part[part];
        packets--;
    }
    files->wire[turn->from] += wire;
    if (is_clear)
        files->packets[turn->from] += packets;
}

/* ---- sftp ---- */

static void on_sftp_request(struct ssh_activity *activity, const struct ssh_turn *turn)
{
    struct ssh_files *files = &activity->files;

    if (!files->is_open)
        return;
    add_bulk(activity, turn, SSH_BULK);
    files->asked += turn->wire;
}

/* SSH_FXP_HANDLE to something that is longer than a CLOSE. */
static bool is_handle(const struct ssh_activity *activity, const struct ssh_turn *request, const struct ssh_turn *turn)
{
    return request->from == FROM_CLIENT && request->count > 0 && turn->count == 1 &&
           ssh_activity_is(activity, turn, turn->wire, SSH_PAYLOAD_SFTP_HANDLE) &&
           request->part[request->count <= SSH_TURN_PARTS ? request->count - 1 : 0] >
               ssh_activity_wire(activity, FROM_CLIENT, SSH_PAYLOAD_SFTP_HANDLE) &&
           request->part[0] < ssh_activity_wire(activity, FROM_CLIENT, REQUEST_MOST);
}

static void on_sftp_answer(struct conversation *conversation, struct ssh *ssh, struct ssh_activity *activity, const struct ssh_turn *turn)
{
    struct ssh_files *files = &activity->files;
    const struct ssh_turn *request = &activity->before;
    bool asked_small = request->count == 1 && ssh_activity_is(activity, request, request->wire, SSH_PAYLOAD_SFTP_HANDLE);
    bool asked_read = request->count == 1 && ssh_activity_is(activity, request, request->wire, READ_PAYLOAD);
    bool asked_nothing = request->count == 1 && ssh_activity_at_most(activity, request, request->wire, SSH_PAYLOAD_ARROW);
    uint64_t before = files->wire[FROM_SERVER];

    if (is_handle(activity, request, turn)) {
        close_file(conversation, ssh, activity);
        open_file(activity, turn, request->start_us);
        return;
    }
    if (!files->is_open)
        return;
    if (asked_small && !asked_read && turn->count == 1 && turn->wire <= ssh_activity_wire(activity, FROM_SERVER, SSH_PAYLOAD_STATUS + 6) &&
        (files->wire[FROM_CLIENT] > 0 || before > 0)) {
        close_file(conversation, ssh, activity);
        return;
    }
    files->answered += turn->wire;
    if (asked_nothing && !files->was_data)
        return;
    add_bulk(activity, turn, SSH_BULK);
    files->was_data = files->wire[FROM_SERVER] > before;
    if (!files->was_data)
        return;
    if (asked_small && !asked_read)
        files->wire[FROM_SERVER] = before; /* rule 2: a listing */
    else if (asked_small && files->wire[FROM_SERVER] < LISTING_MOST && before == 0)
        files->may_be_listing = true;
    else if (files->wire[FROM_SERVER] >= LISTING_MOST)
        files->may_be_listing = false;
}

/* ---- scp ---- */

static bool is_line(const struct ssh_activity *activity, const struct ssh_turn *turn)
{
    return turn->part[0] == turn->wire && turn->wire >= ssh_activity_wire(activity, turn->from, LINE_LEAST) &&
           turn->wire <= ssh_activity_wire(activity, turn->from, LINE_MOST);
}

static void on_scp(struct conversation *conversation, struct ssh *ssh, struct ssh_activity *activity, const struct ssh_turn *turn)
{
    struct ssh_files *files = &activity->files;
    bool is_small = ssh_activity_at_most(activity, turn, turn->part[0], SSH_PAYLOAD_ARROW);

    if (turn->count == 1 && is_small)
        return;
    if (files->is_open && files->expects_data && turn->from == files->line_from) {
        add_bulk(activity, turn, 1);
        files->expects_data = false;
        return;
    }
    if (is_line(activity, turn)) {
        close_file(conversation, ssh, activity);
        open_file(activity, turn, turn->start_us);
        files->expects_data = true;
        files->line_from = turn->from;
        return;
    }
    if (files->is_open && files->wire[turn->from] > 0)
        add_bulk(activity, turn, SSH_BULK);
}

/* ---- both ---- */

void ssh_files_on_turn(struct conversation *conversation, struct ssh *ssh, struct ssh_activity *activity, const struct ssh_turn *turn)
{
    struct ssh_files *files = &activity->files;

    files->small_chunks = bytes_begin_nocase(text_bytes(&ssh->side[FROM_CLIENT].identification), "SSH-2.0-PuTTY");
    files->is_compressed = files->is_compressed || turn->is_compressed;
    files->server_is_openssh = bytes_begin_nocase(text_bytes(&ssh->side[FROM_SERVER].identification), "SSH-2.0-OpenSSH");
    memcpy(files->now, turn->besides, sizeof files->now);
    files->has_gap = files->has_gap || (turn->after_gap && activity->shape->side[turn->from].layout.length_field == SSH_LENGTH_CLEAR);
    if (turn->is_compressed) {
        files->bulk[turn->from] += turn->wire;
        return;
    }
    if (!activity->uses_sftp)
        on_scp(conversation, ssh, activity, turn);
    else if (turn->from == FROM_CLIENT)
        on_sftp_request(activity, turn);
    else
        on_sftp_answer(conversation, ssh, activity, turn);
}

void ssh_files_end(struct conversation *conversation, struct ssh *ssh, struct ssh_activity *activity)
{
    close_file(conversation, ssh, activity);
}

/*
 * ssh_activity.c - what an authenticated SSH session did: units become turns, turns are kept until a rule names the activity
 * (ssh_activity_rules.c), and then go to what follows it. The row's columns.
 */
#include "dissectors/ssh_activity.h"

#include "base/memory.h"
#include "dissectors/ssh_activity_state.h"

#include <stdarg.h>
#include <stdio.h>

#define SSH_COMPRESSED_GROWTH 10 /* a small payload that is compressed grows by no more; the stream's header and flush */
#define SSH_ACTIVITY_DETAIL 200

/* ---- sizes ---- */

uint32_t ssh_activity_wire(const struct ssh_activity *activity, enum side from, uint32_t payload)
{
    return ssh_layout_wire(&activity->shape->side[from].layout, payload);
}

bool ssh_activity_is(const struct ssh_activity *activity, const struct ssh_turn *turn, uint64_t wire, uint32_t payload)
{
    if (turn->is_compressed)
        return wire <= ssh_activity_wire(activity, turn->from, payload + SSH_COMPRESSED_GROWTH);
    return wire == ssh_activity_wire(activity, turn->from, payload);
}

bool ssh_activity_at_most(const struct ssh_activity *activity, const struct ssh_turn *turn, uint64_t wire, uint32_t payload)
{
    return wire <= ssh_activity_wire(activity, turn->from, payload + (turn->is_compressed ? SSH_COMPRESSED_GROWTH : 0));
}

uint64_t ssh_activity_payload(const struct ssh_activity *activity, enum side from, uint64_t wire, uint64_t packets)
{
    const struct ssh_layout *layout = &activity->shape->side[from].layout;
    uint64_t around = packets * (4u + layout->mac + 1 + 4 + (layout->block - 1u) / 2);

    return wire > around ? wire - around : 0;
}

void ssh_activity_tell(struct conversation *conversation, struct ssh *ssh, int64_t time_us, const char *kind, const char *basis, const char *detail,
                       ...)
{
    char text[SSH_ACTIVITY_DETAIL];
    va_list arguments;

    va_start(arguments, detail);
    (void)vsnprintf(text, sizeof text, detail, arguments);
    va_end(arguments);
    ssh_tell_at(conversation, ssh, time_us, kind, bytes_of_text(text), basis);
}

/* ---- turns ---- */

static void follow(struct conversation *conversation, struct ssh *ssh, struct ssh_activity *activity, const struct ssh_turn *turn)
{
    ssh_channels_on_turn(conversation, ssh, activity, turn);
    if (activity->kind == SSH_ACTIVITY_SHELL)
        ssh_typing_on_turn(conversation, ssh, activity, turn);
    if (activity->kind == SSH_ACTIVITY_SFTP || activity->kind == SSH_ACTIVITY_SCP)
        ssh_files_on_turn(conversation, ssh, activity, turn);
    activity->before = *turn;
}

/* What the session is known to be from here on. */
static void tell_kind(struct conversation *conversation, struct ssh *ssh, const struct ssh_activity *activity)
{
    static const char *const kinds[] = {
        [SSH_ACTIVITY_SHELL] = "shell", [SSH_ACTIVITY_COMMAND] = "command", [SSH_ACTIVITY_SFTP] = "sftp",
        [SSH_ACTIVITY_SCP] = "scp",     [SSH_ACTIVITY_TUNNEL] = "tunnel",   [SSH_ACTIVITY_NONE] = "no_command",
    };
    int64_t time_us = activity->turns > 0 ? activity->kept[0].start_us : conversation_now(conversation);

    if (activity->has_session)
        ssh_activity_tell(conversation, ssh, time_us, "session_opened", "size of the channel's opening", "a session channel");
    if (activity->has_terminal)
        ssh_activity_tell(conversation, ssh, time_us, "terminal", "sizes of the requests and their answers", "a terminal was asked for and given");
    ssh_activity_tell(conversation, ssh, time_us, kinds[activity->kind], activity->basis, "%s", activity->detail != NULL ? activity->detail : "");
}

static void decide(struct conversation *conversation, struct ssh *ssh, struct ssh_activity *activity, bool is_over)
{
    if (!ssh_activity_decide(ssh, activity, is_over))
        return;
    tell_kind(conversation, ssh, activity);
    if (activity->data_from > 0)
        activity->before = activity->kept[activity->data_from - 1];
    for (unsigned turn = activity->data_from; turn < activity->turns; turn++)
        follow(conversation, ssh, activity, &activity->kept[turn]);
}

/* The other side speaks, or nothing more comes. */
static void close_turn(struct conversation *conversation, struct ssh *ssh, struct ssh_activity *activity)
{
    struct ssh_turn turn = activity->turn;

    if (turn.count == 0)
        return;
    activity->turn.count = 0;
    if (activity->kind != SSH_ACTIVITY_UNKNOWN) {
        follow(conversation, ssh, activity, &turn);
        return;
    }
    if (activity->is_full) {
        activity->is_loud = activity->is_loud || turn.after_gap ||
                            (turn.from == FROM_CLIENT && turn.wire > ssh_activity_wire(activity, FROM_CLIENT, SSH_PAYLOAD_DIRECT_LEAST));
        return;
    }
    activity->kept[activity->turns++] = turn;
    activity->is_full = activity->turns == SSH_TURNS_KEPT;
    decide(conversation, ssh, activity, false);
}

/* Where lengths are in the clear, a packet is known whole although bytes of it are missing. */
static int64_t besides(const struct conversation *conversation, const struct ssh_activity *activity, enum side side)
{
    bool is_clear = activity->shape->side[side].layout.length_field == SSH_LENGTH_CLEAR;

    return (is_clear ? 0 : (int64_t)conversation_missing(conversation, side)) - (int64_t)activity->rekeying.hidden[side];
}

static void add_to_turn(const struct conversation *conversation, struct ssh_activity *activity, const struct ssh_unit *unit)
{
    struct ssh_turn *turn = &activity->turn;

    if (turn->count == 0)
        *turn = (struct ssh_turn){.from = unit->from, .start_us = unit->time_us, .after_gap = unit->after_gap};
    if (turn->count < SSH_TURN_PARTS) {
        turn->part[turn->count] = unit->wire_length;
        turn->part_us[turn->count] = (uint32_t)(unit->time_us - turn->start_us);
    }
    turn->count++;
    turn->wire += unit->wire_length;
    turn->end_us = unit->end_us;
    turn->after_gap = turn->after_gap || unit->after_gap;
    turn->is_compressed = turn->is_compressed || unit->is_compressed;
    for (int side = 0; side < SIDE_COUNT; side++)
        turn->besides[side] = besides(conversation, activity, side);
}

struct ssh_activity *ssh_activity_new(const struct ssh_shape *shape)
{
    struct ssh_activity *activity = memory_new_zeroed(1, sizeof *activity);

    if (activity != NULL)
        activity->shape = shape;
    return activity;
}

void ssh_activity_on_unit(struct conversation *conversation, struct ssh *ssh, struct ssh_activity *activity, const struct ssh_unit *unit)
{
    if (activity == NULL || activity->shape->side[FROM_CLIENT].layout.length_field == SSH_LENGTH_UNKNOWN ||
        activity->shape->side[FROM_SERVER].layout.length_field == SSH_LENGTH_UNKNOWN)
        return;
    if (ssh_rekeying_takes(ssh, activity, unit))
        return;
    if (activity->turn.count > 0 && activity->turn.from != unit->from)
        close_turn(conversation, ssh, activity);
    add_to_turn(conversation, activity, unit);
}

void ssh_activity_finish(struct conversation *conversation, struct ssh *ssh, struct ssh_activity *activity)
{
    if (activity == NULL)
        return;
    close_turn(conversation, ssh, activity);
    if (activity->kind == SSH_ACTIVITY_UNKNOWN)
        decide(conversation, ssh, activity, true);
    ssh_typing_end(conversation, ssh, activity);
    ssh_files_end(conversation, ssh, activity);
}

void ssh_activity_free(struct ssh_activity *activity)
{
    memory_free(activity);
}

/* ---- the row ---- */

static const char *const names[] = {
    [SSH_ACTIVITY_SHELL] = "shell", [SSH_ACTIVITY_COMMAND] = "command", [SSH_ACTIVITY_SFTP] = "sftp",
    [SSH_ACTIVITY_SCP] = "scp",     [SSH_ACTIVITY_TUNNEL] = "tunnel",   [SSH_ACTIVITY_NONE] = "none",
};

static void fill_files(const struct ssh_activity *activity, struct ssh_session *row)
{
    const struct ssh_files *files = &activity->files;
    uint32_t up = files->count[FROM_CLIENT];
    uint32_t down = files->count[FROM_SERVER];

    if (up + down == 0)
        return;
    row->transfer_direction = record_text_of(up > 0 && down > 0 ? "both" : up > 0 ? "up" : "down");
    if (files->is_uncertain)
        return;
    row->transfer_files = record_integer(up + down);
    row->transfer_size = record_integer((int64_t)(files->total[FROM_CLIENT] + files->total[FROM_SERVER]));
}

void ssh_activity_fill(const struct ssh_activity *activity, struct ssh_session *row, struct text *basis)
{
    uint32_t keys;

    if (activity == NULL || activity->kind == SSH_ACTIVITY_UNKNOWN)
        return;
    row->activity = record_text_of(names[activity->kind]);
    row->activity_detail = record_text_of(activity->detail);
    if (activity->kind == SSH_ACTIVITY_SHELL && ssh_typing_keys(activity, &keys))
        row->keystrokes = record_integer(keys);
    fill_files(activity, row);
    if (activity->basis != NULL)
        text_append_item(basis, "; ", bytes_of_text(activity->basis));
}

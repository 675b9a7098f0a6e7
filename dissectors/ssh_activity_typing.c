/*
 * ssh_activity_typing.c - keys typed in a shell, and what answers them.
 *
 *  1. A key is a packet of the client with one to four bytes of data, alone in its turn or with few of its kind: people type
 *     slower than packets travel, and OpenSSH, PuTTY and Dropbear send what the terminal gives them at once.
 *  2. It is counted when the server has answered: what a client sends last (CHANNEL_CLOSE, DISCONNECT) is never answered.
 *  3. The first packet of the answer, where it is as small as the key, is its echo; a longer answer is output, and ends the
 *     line. Keys that wait for each other without any answer were not echoed: a password.
 *  4. CHANNEL_WINDOW_ADJUST is as small as a key. It comes for much that the server has sent since the last small packet.
 *  5. A client that sends each packet behind an SSH_MSG_IGNORE (AsyncSSH) sends two small packets at each time: half are keys.
 *  6. Where bytes of the client are missing, or a connection is forwarded beside the shell, keys are not counted.
 *  7. OpenSSH from 9.5 on sends a packet every 20 ms while somebody types, keys or not: then nothing is counted.
 */
#include "dissectors/ssh_activity_state.h"

#define TYPED_TOGETHER 8  /* keys in one turn before it is taken for pasted text */
#define ADJUST_LEAST 8192 /* bytes received for which a window is opened again */
#define CADENCE_LEAST_US 14000
#define CADENCE_MOST_US 27000
#define OPENING_MOST 420 /* the payload of CHANNEL_OPEN for a connection */
#define CADENCE_KEYS 12  /* so many in a row are a machine's */

/* ---- the end of a line ---- */

static void tell_line(struct conversation *conversation, struct ssh *ssh, struct ssh_typing *typing, bool is_doubled)
{
    uint32_t divisor = is_doubled ? 2 : 1;
    uint32_t keys = typing->line_keys / divisor;
    uint32_t silent = typing->line_silent / divisor;

    if (keys > 0 && silent >= 3 && silent + 1 >= keys)
        ssh_activity_tell(conversation, ssh, typing->line_start_us, "typed_unseen", "small packets of the client without an echo",
                          "%u keys that were not echoed, as a password is", keys);
    else if (keys > 0)
        ssh_activity_tell(conversation, ssh, typing->line_start_us, "typed", "small packets of the client, each echoed", "%u keys", keys);
    typing->line_keys = 0;
    typing->line_silent = 0;
}

static bool is_doubled(const struct ssh_typing *typing)
{
    return typing->moments >= 3 && typing->odd_moments * 3 < typing->moments;
}

/* ---- keys ---- */

static void note_cadence(struct conversation *conversation, struct ssh *ssh, struct ssh_typing *typing, int64_t time_us)
{
    int64_t apart = time_us - typing->last_us;

    typing->steady = apart >= CADENCE_LEAST_US && apart <= CADENCE_MOST_US ? typing->steady + 1 : 0;
    typing->last_us = time_us;
    if (typing->steady < CADENCE_KEYS || typing->is_obfuscated)
        return;
    typing->is_obfuscated = true;
    ssh_activity_tell(conversation, ssh, time_us, "typing_obfuscated", "small packets of the client every 20 ms",
                      "keys can not be counted: the client sends at a fixed pace");
}

/* How many keys a unit of the client can be; 0: it is something else. A burst can hold several. */
static uint32_t keys_of(const struct ssh_activity *activity, const struct ssh_turn *turn, uint32_t wire)
{
    uint32_t one = ssh_activity_wire(activity, FROM_CLIENT, SSH_PAYLOAD_KEY);

    if (ssh_activity_at_most(activity, turn, wire, SSH_PAYLOAD_ARROW))
        return 1;
    if (!turn->is_compressed && wire % one == 0 && wire / one <= TYPED_TOGETHER)
        return wire / one;
    return 0;
}

static void on_client(struct conversation *conversation, struct ssh *ssh, struct ssh_activity *activity, const struct ssh_turn *turn)
{
    struct ssh_typing *typing = &activity->typing;
    unsigned parts = turn->count < SSH_TURN_PARTS ? turn->count : SSH_TURN_PARTS;
    uint32_t at_once = 0;

    typing->has_gap = typing->has_gap || turn->after_gap;
    for (unsigned part = 0; part < parts; part++) {
        int64_t time_us = turn->start_us + turn->part_us[part];
        uint32_t keys = keys_of(activity, turn, turn->part[part]);

        if (keys == 0)
            continue;
        if (typing->output >= ADJUST_LEAST) {
            typing->output = 0;
            continue;
        }
        typing->output = 0;
        if (at_once == 0)
            note_cadence(conversation, ssh, typing, time_us);
        if (typing->line_keys + typing->waiting_units == 0)
            typing->line_start_us = time_us;
        at_once += keys;
        typing->waiting_units += keys;
    }
    if (at_once > 0) {
        typing->moments++;
        typing->odd_moments += at_once % 2;
    }
}

/* The client has opened a connection beside the shell, and the server confirms it. */
static bool opens_more(const struct ssh_activity *activity, const struct ssh_turn *turn)
{
    const struct ssh_turn *before = &activity->before;

    return before->from == FROM_CLIENT && before->count == 1 && !turn->is_compressed &&
           before->wire >= ssh_activity_wire(activity, FROM_CLIENT, SSH_PAYLOAD_DIRECT_LEAST) &&
           before->wire <= ssh_activity_wire(activity, FROM_CLIENT, OPENING_MOST) &&
           turn->part[0] == ssh_activity_wire(activity, FROM_SERVER, SSH_PAYLOAD_CONFIRMED);
}

static void on_server(struct conversation *conversation, struct ssh *ssh, struct ssh_activity *activity, const struct ssh_turn *turn)
{
    struct ssh_typing *typing = &activity->typing;
    bool is_echo = ssh_activity_at_most(activity, turn, turn->part[0], SSH_PAYLOAD_ARROW + 2);
    bool is_more = turn->wire > 2 * (uint64_t)turn->part[0] || !is_echo || turn->count > typing->waiting_units + 1;

    typing->output += turn->wire;
    if (opens_more(activity, turn) && !typing->has_more) {
        typing->has_more = true;
        ssh_activity_tell(conversation, ssh, activity->before.start_us, "forward_opened", "an opening and its confirmation, by their sizes",
                          "a connection is forwarded beside the shell");
    }
    if (typing->waiting_units == 0)
        return;
    typing->units += typing->waiting_units;
    typing->line_keys += typing->waiting_units;
    if (typing->waiting_units > (is_doubled(typing) ? 2u : 1u))
        typing->line_silent += typing->waiting_units - 1;
    typing->waiting_units = 0;
    typing->echoes += is_echo;
    typing->outputs += is_more;
    if (is_more)
        tell_line(conversation, ssh, typing, is_doubled(typing));
}

void ssh_typing_on_turn(struct conversation *conversation, struct ssh *ssh, struct ssh_activity *activity, const struct ssh_turn *turn)
{
    if (turn->from == FROM_CLIENT)
        on_client(conversation, ssh, activity, turn);
    else
        on_server(conversation, ssh, activity, turn);
}

void ssh_typing_end(struct conversation *conversation, struct ssh *ssh, struct ssh_activity *activity)
{
    if (activity->kind == SSH_ACTIVITY_SHELL)
        tell_line(conversation, ssh, &activity->typing, is_doubled(&activity->typing));
}

bool ssh_typing_keys(const struct ssh_activity *activity, uint32_t *keys)
{
    const struct ssh_typing *typing = &activity->typing;

    *keys = typing->units / (is_doubled(typing) ? 2 : 1);
    return !typing->is_obfuscated && !typing->has_gap && !typing->has_more && typing->units > 0;
}

/*
 * ssh_activity_channels.c - channels that are opened on the way, and keep-alives (RFC 4254, 4, 5.1, 7; OpenSSH's PROTOCOL).
 *
 *  1. CHANNEL_OPEN_CONFIRMATION is always 17 bytes. What it answers was an opening: of a session where it is 24 bytes long, of
 *     a forwarded connection where it is longer than 46, of X11 or of the agent where the server opened a shorter one.
 *  2. A keep-alive is a request of 27 or 31 bytes by itself, answered by a failure of 1 or 5 bytes, after a pause.
 */
#include "dissectors/ssh_activity_state.h"

#define KEEP_ALIVE_AFTER_US ((int64_t)800000)
#define OPEN_MOST 420         /* the payload of an opening: two names of hosts, of which each may have 255 bytes */
#define SERVER_OPENS_LEAST 31 /* "x11" from "::1", "auth-agent@openssh.com" */

static void on_forward(struct conversation *conversation, struct ssh *ssh, struct ssh_activity *activity, const struct ssh_turn *opening,
                       uint32_t wire)
{
    const char *from =
        opening->from == FROM_CLIENT ? "the client opens a connection behind the server" : "the server opens a connection to the client's side";

    activity->forwards[opening->from]++;
    if (activity->forward_wire == 0)
        activity->forward_wire = wire;
    activity->forwards_differ = activity->forwards_differ || activity->forward_wire != wire;
    ssh_activity_tell(conversation, ssh, opening->start_us, "forward_opened", "an opening and its confirmation, by their sizes", "%s", from);
}

static void on_confirmation(struct conversation *conversation, struct ssh *ssh, struct ssh_activity *activity, const struct ssh_turn *opening)
{
    unsigned last = opening->count <= SSH_TURN_PARTS ? opening->count - 1 : 0;
    uint32_t wire = opening->part[last];
    bool is_tunnel = activity->kind == SSH_ACTIVITY_TUNNEL || activity->kind == SSH_ACTIVITY_NONE;

    if (wire > ssh_activity_wire(activity, opening->from, OPEN_MOST))
        return;
    if (is_tunnel && wire >= ssh_activity_wire(activity, opening->from, SSH_PAYLOAD_DIRECT_LEAST))
        on_forward(conversation, ssh, activity, opening, wire);
    else if (opening->from == FROM_CLIENT && activity->kind == SSH_ACTIVITY_COMMAND && opening->count == 1 &&
             ssh_activity_is(activity, opening, wire, SSH_PAYLOAD_SESSION) && opening != &activity->kept[0])
        ssh_activity_tell(conversation, ssh, opening->start_us, "session_opened", "size of the channel's opening", "one more session channel");
}

static bool is_keep_alive(const struct ssh_activity *activity, const struct ssh_turn *request, const struct ssh_turn *answer)
{
    unsigned last = request->count <= SSH_TURN_PARTS ? request->count - 1 : 0;
    uint32_t wire = request->part[last];

    if (answer->count != 1 || request->is_compressed)
        return false;
    return (ssh_activity_is(activity, request, wire, SSH_PAYLOAD_KEEP_ALIVE) && ssh_activity_is(activity, answer, answer->wire, SSH_PAYLOAD_ONE)) ||
           (ssh_activity_is(activity, request, wire, SSH_PAYLOAD_KEEP_ALIVE_IN_CHANNEL) &&
            ssh_activity_is(activity, answer, answer->wire, SSH_PAYLOAD_CHANNEL));
}

void ssh_channels_on_turn(struct conversation *conversation, struct ssh *ssh, struct ssh_activity *activity, const struct ssh_turn *turn)
{
    const struct ssh_turn *before = &activity->before;

    if (before->count == 0 || before->from == turn->from || turn->after_gap)
        return;
    if (ssh_activity_is(activity, turn, turn->part[0], SSH_PAYLOAD_CONFIRMED) && !turn->is_compressed)
        on_confirmation(conversation, ssh, activity, before);
    if (!is_keep_alive(activity, before, turn))
        return;
    if (activity->keep_alives[before->from]++ == 0)
        ssh_activity_tell(conversation, ssh, before->start_us, "keep_alive", "a request and its refusal, by their sizes",
                          "the %s asks whether the other side is there", side_name(before->from));
}

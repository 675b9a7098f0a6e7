/*
 * ssh_agent.c - see ssh_agent.h
 */
#include "dissectors/ssh_agent.h"

#define CONFIRMATION_SIZE 17  /* CHANNEL_OPEN_CONFIRMATION */
#define AGENT_REQUEST_SIZE 36 /* auth-agent-req@openssh.com */
#define SHELL_REQUEST_SIZE 15
#define COMMAND_LEAST 19   /* exec, of one letter */
#define TERMINAL_LEAST 200 /* pty-req with OpenSSH's terminal modes */

static bool holds(struct ssh_range range, uint32_t size)
{
    return range.low <= size && size <= range.high;
}

/* A lone request, of a command or a subsystem. */
static enum ssh_agent_answer judge_one(const struct ssh_agent *agent)
{
    if (agent->requests != 1 || agent->has_burst || agent->first.high <= SHELL_REQUEST_SIZE || agent->first.low >= TERMINAL_LEAST)
        return SSH_AGENT_UNKNOWN;
    return holds(agent->first, AGENT_REQUEST_SIZE) ? SSH_AGENT_UNKNOWN : SSH_AGENT_NOT_FORWARDED;
}

/* The server spoke again: all requests are there. */
static enum ssh_agent_answer judge(const struct ssh_agent *agent, const struct ssh_layout *layout)
{
    /* Too short for both the agent and what the session is for. */
    if (agent->wire_length < (uint64_t)ssh_layout_wire(layout, AGENT_REQUEST_SIZE) + ssh_layout_wire(layout, COMMAND_LEAST))
        return agent->has_burst || agent->requests > 1 ? SSH_AGENT_NOT_FORWARDED : judge_one(agent);
    if (agent->has_burst)
        return SSH_AGENT_UNKNOWN;
    if (agent->has_shell && agent->second_low >= TERMINAL_LEAST && holds(agent->first, AGENT_REQUEST_SIZE))
        return SSH_AGENT_FORWARDED;
    if (agent->has_shell && agent->first.low >= TERMINAL_LEAST)
        return SSH_AGENT_NOT_FORWARDED;
    /* A lone request, of a command or a subsystem. */
    if (agent->requests == 1 && agent->first.high > SHELL_REQUEST_SIZE && !holds(agent->first, AGENT_REQUEST_SIZE) &&
        agent->first.low < TERMINAL_LEAST)
        return SSH_AGENT_NOT_FORWARDED;
    return SSH_AGENT_UNKNOWN;
}

static void take_request(struct ssh_agent *agent, const struct ssh_unit *unit)
{
    struct ssh_range range = {unit->payload_low, unit->payload_high};

    agent->has_burst = agent->has_burst || !unit->is_packet;
    if (agent->requests == 0)
        agent->first = range;
    else if (holds(range, SHELL_REQUEST_SIZE))
        agent->has_shell = true;
    if (agent->requests == 1)
        agent->second_low = range.low;
    agent->wire_length += unit->wire_length;
    agent->requests++;
}

bool ssh_agent_unit(struct ssh_agent *agent, const struct ssh_layout *layout, const struct ssh_unit *unit)
{
    if (agent->phase == SSH_AGENT_JUDGED)
        return false;
    if (unit->after_gap || unit->is_compressed) {
        agent->phase = SSH_AGENT_JUDGED;
        return false;
    }
    if (unit->from == FROM_CLIENT) {
        agent->has_opened = true;
        if (agent->phase == SSH_AGENT_REQUESTS)
            take_request(agent, unit);
        return false;
    }
    if (agent->phase == SSH_AGENT_REQUESTS && agent->requests > 0) {
        agent->phase = SSH_AGENT_JUDGED;
        agent->answer = judge(agent, layout);
        return agent->answer == SSH_AGENT_FORWARDED;
    }
    if (agent->has_opened && unit->is_packet && holds((struct ssh_range){unit->payload_low, unit->payload_high}, CONFIRMATION_SIZE))
        agent->phase = SSH_AGENT_REQUESTS;
    return false;
}

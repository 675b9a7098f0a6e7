/*
 * ssh_agent.h - whether OpenSSH's client asked to forward its agent, by the requests that it sends when its session is open.
 *
 * What it wants of the channel (RFC 4254, 6) it sends in one go: auth-agent-req@openssh.com first, then a terminal, its environment, and
 * a shell, a command or a subsystem. The request for the agent has 36 bytes, one for a terminal some hundred, one for a shell 15.
 */
#ifndef WIRESCRIBE_DISSECTORS_SSH_AGENT_H
#define WIRESCRIBE_DISSECTORS_SSH_AGENT_H

#include "dissectors/ssh_auth_sizes.h"
#include "dissectors/ssh_shape.h"

enum ssh_agent_phase {
    SSH_AGENT_BEFORE,   /* the session's channel is not confirmed */
    SSH_AGENT_REQUESTS, /* it is: what the client asks of it now */
    SSH_AGENT_JUDGED,
};

enum ssh_agent_answer {
    SSH_AGENT_UNKNOWN,
    SSH_AGENT_FORWARDED,
    SSH_AGENT_NOT_FORWARDED,
};

struct ssh_agent {
    enum ssh_agent_phase phase;
    enum ssh_agent_answer answer;
    bool has_opened;
    uint32_t requests;
    struct ssh_range first;
    uint32_t second_low;
    uint64_t wire_length; /* of all of them */
    bool has_shell;       /* behind the first */
    bool has_burst;       /* not all of them are single packets */
};

/* The next unit of an authenticated session of OpenSSH's client; the client's layout. True: now it is known that the agent is forwarded. */
bool ssh_agent_unit(struct ssh_agent *agent, const struct ssh_layout *layout, const struct ssh_unit *unit);

#endif

/*
 * ssh_activity_rules.c - what a session was for, from its first turns.
 *
 * A session's channel is opened (turn 1 of the client), confirmed, told what it is for (turn 2: pty-req, env, shell, exec or
 * subsystem), and that is answered. What comes then belongs to what was asked for: these are `data_from` and later turns.
 *
 * The rules are tried in their order after each turn, so that the first that holds is the answer; each names the case that shows it.
 * Where data is compressed, a length is only known to be "about that" (ssh_activity_is).
 */
#include "dissectors/ssh_activity_state.h"

#define VERSION_LEAST 60 /* SSH_FXP_VERSION with the extensions of OpenSSH's server, which is 316 to 345 long */
#define VERSION_LEAST_COMPRESSED 90
#define VERSION_MOST 600
#define REQUEST_MOST 400 /* an early request of sftp: a path */
#define PTY_LEAST 250    /* pty-req with the modes of a terminal, and what comes with it */
#define PTY_LEAST_COMPRESSED 190
#define PTY_WITHOUT_MODES 41 /* pty-req without any, and without the terminal's name */
#define LINE_LEAST 17        /* scp: "C0644 1 a" and LF */
#define LINE_MOST 170
#define FILE_ALONE 200       /* a file, where less tells of scp */
#define FILE_FOR_SURE 20000  /* so much of it opens the window again, in one burst with the acknowledgement */
#define ECHOES_OF_TERMINAL 2 /* keys that were echoed, where a terminal was asked for */
#define ECHOES_ALONE 6       /* and where that is not known */
#define PERSON_US 25000      /* nobody types two keys in less */
#define OPEN_MOST 420

enum opening {
    OPENS_UNKNOWN,
    OPENS_SESSION,
    OPENS_FORWARD, /* a connection, before anything else */
    OPENS_NOTHING, /* at most "no-more-sessions" or a request to forward */
};

/* What the client is, by its identification: they differ in what they send first. */
enum client {
    CLIENT_UNKNOWN, /* its identification was not seen */
    CLIENT_OTHER,
    CLIENT_OPENSSH, /* "no-more-sessions" behind its first opening, or without one, if the server is OpenSSH too */
    CLIENT_PUTTY,
};

struct view {
    struct ssh_activity *activity;
    const struct ssh_turn *turn; /* kept */
    unsigned count;
    unsigned first;  /* the client's first turn; count: none */
    unsigned second; /* its next */
    bool is_over;
    enum client client;
    bool server_is_openssh;
    bool is_clear; /* packets are known one by one */
};

/* ---- reading turns ---- */

static uint32_t wire(const struct view *view, const struct ssh_turn *turn, uint32_t payload)
{
    return ssh_activity_wire(view->activity, turn->from, payload);
}

static bool is_sum(const struct view *view, const struct ssh_turn *turn, uint64_t bytes, const uint32_t *payloads, size_t count)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += wire(view, turn, payloads[i]);
    return bytes == sum;
}

/* AsyncSSH sends an SSH_MSG_IGNORE before each packet; the packet is then the second part. */
static uint64_t without_ignore(const struct view *view, const struct ssh_turn *turn)
{
    if (turn->count == 2 && turn->part_us[1] < SSH_TOGETHER_US &&
        turn->part[0] <= wire(view, turn, SSH_PAYLOAD_CHANNEL + (turn->is_compressed ? 6 : 0)))
        return turn->part[1];
    return turn->wire;
}

static bool is_single(const struct view *view, const struct ssh_turn *turn)
{
    return turn->count == 1 || without_ignore(view, turn) != turn->wire;
}

/* One key, or scp's acknowledgement; compressed, they have at most one byte more than in the clear. */
static uint32_t tiny_wire(const struct view *view, const struct ssh_turn *turn)
{
    return wire(view, turn, turn->is_compressed ? SSH_PAYLOAD_KEY + 1 : SSH_PAYLOAD_ARROW);
}

static bool is_tiny(const struct view *view, const struct ssh_turn *turn)
{
    return is_single(view, turn) && without_ignore(view, turn) <= tiny_wire(view, turn);
}

static bool is_tiny_part(const struct view *view, const struct ssh_turn *turn, uint32_t part)
{
    return part <= tiny_wire(view, turn);
}

static bool are_tiny(const struct view *view, const struct ssh_turn *turn)
{
    return turn->wire <= (uint64_t)turn->count * tiny_wire(view, turn) && turn->count <= 3;
}

static uint32_t last_part(const struct ssh_turn *turn)
{
    return turn->part[turn->count <= SSH_TURN_PARTS ? turn->count - 1 : SSH_TURN_PARTS - 1];
}

/* The turn came as an answer of a program to the one before it. */
static bool is_at_once(const struct view *view, unsigned turn)
{
    return turn > 0 && turn < view->count && view->turn[turn].start_us - view->turn[turn - 1].end_us < SSH_AT_ONCE_US;
}

static unsigned next_of_client(const struct view *view, unsigned turn)
{
    while (turn < view->count && view->turn[turn].from != FROM_CLIENT)
        turn++;
    return turn;
}

static bool has_gap(const struct view *view, unsigned until)
{
    for (unsigned turn = 0; turn < until && turn < view->count; turn++) {
        if (view->turn[turn].after_gap)
            return true;
    }
    return false;
}

static bool settle(const struct view *view, enum ssh_activity_kind kind, const char *basis, const char *detail)
{
    view->activity->kind = kind;
    view->activity->basis = basis;
    view->activity->detail = detail;
    return true;
}

/* ---- what the client opens ---- */

/* The server has opened something after a pause, and the client has confirmed it. */
static bool answers_server(const struct view *view, const struct ssh_turn *turn)
{
    const struct ssh_turn *before = turn - 1;
    unsigned last = before->count <= SSH_TURN_PARTS ? before->count - 1 : SSH_TURN_PARTS - 1;
    bool is_pause = last > 0 && before->part_us[last] - before->part_us[last - 1] > SSH_AT_ONCE_US / 4;
    bool is_long_pause = last > 0 && before->part_us[last] - before->part_us[last - 1] > SSH_AT_ONCE_US;
    uint32_t opening = before->part[last];

    if (turn->is_compressed)
        return is_long_pause || (is_pause && turn->wire <= wire(view, turn, SSH_PAYLOAD_CONFIRMED + 3) &&
                                 opening >= wire(view, before, SSH_PAYLOAD_NO_MORE + 4) && opening <= wire(view, before, OPEN_MOST));
    return ssh_activity_is(view->activity, turn, turn->wire, SSH_PAYLOAD_CONFIRMED) && opening >= wire(view, before, SSH_PAYLOAD_DIRECT_LEAST) &&
           opening <= wire(view, before, OPEN_MOST);
}

/* The turn that follows the opening says what the channel is for: it comes at once, and is longer than an answer to a keep-alive. */
static bool has_request(const struct view *view)
{
    const struct ssh_turn *turn = &view->turn[view->second];

    if (view->second >= view->count || !is_at_once(view, view->second) || answers_server(view, turn))
        return false;
    if (turn->is_compressed)
        return !is_tiny_part(view, turn, turn->part[0]) || turn->count > 1 || view->second + 1 < view->count;
    return turn->wire >= wire(view, turn, SSH_PAYLOAD_SHELL);
}

static enum opening opening_of_compressed(const struct view *view, const struct ssh_turn *turn)
{
    uint64_t most = (uint64_t)wire(view, turn, SSH_PAYLOAD_SESSION + 6) + wire(view, turn, SSH_PAYLOAD_NO_MORE + 6);

    if (view->client != CLIENT_OPENSSH && turn->count == 1 && turn->wire > wire(view, turn, SSH_PAYLOAD_SESSION + 10))
        return view->client == CLIENT_UNKNOWN ? OPENS_UNKNOWN : OPENS_FORWARD;
    if (turn->wire > most)
        return OPENS_FORWARD;
    /* Alone, "no-more-sessions" is longer than the opening of a session ever becomes. */
    if (view->client == CLIENT_OPENSSH && turn->count == 1 && turn->wire > wire(view, turn, SSH_PAYLOAD_SESSION + 9) &&
        turn->wire <= wire(view, turn, SSH_PAYLOAD_NO_MORE + 9))
        return OPENS_NOTHING;
    /* A request of a session is answered by two packets of OpenSSH's server, the opening of a connection by one. */
    if (view->client == CLIENT_OPENSSH && view->server_is_openssh && turn->count == 1 && view->is_clear && view->second + 2 < view->count &&
        view->turn[view->second + 1].count == 1)
        return OPENS_NOTHING;
    return has_request(view) ? OPENS_SESSION : OPENS_NOTHING;
}

/* The client's second turn opens a connection: what answers is the confirmation, as long as it always is, and not what answers a request. */
static bool second_opens(const struct view *view)
{
    const struct ssh_turn *opening = &view->turn[view->second];

    return view->second + 1 < view->count && opening->wire >= wire(view, opening, SSH_PAYLOAD_DIRECT_LEAST) &&
           opening[1].part[0] == wire(view, opening + 1, SSH_PAYLOAD_CONFIRMED);
}

static enum opening opening_of(const struct view *view)
{
    static const uint32_t with_no_more[] = {SSH_PAYLOAD_SESSION, SSH_PAYLOAD_NO_MORE};
    const struct ssh_turn *turn = &view->turn[view->first];
    uint32_t session;
    uint32_t no_more;

    if (view->first >= view->count || turn->after_gap)
        return OPENS_UNKNOWN;
    if (turn->is_compressed)
        return opening_of_compressed(view, turn);
    session = wire(view, turn, SSH_PAYLOAD_SESSION);
    no_more = wire(view, turn, SSH_PAYLOAD_NO_MORE);
    for (unsigned part = 0; part < turn->count && part < SSH_TURN_PARTS; part++) {
        if (is_sum(view, turn, turn->part[part], with_no_more, 2) || (turn->part[part] == session && session != no_more))
            return OPENS_SESSION;
    }
    if (turn->wire == (uint64_t)session + no_more && !second_opens(view))
        return has_request(view) ? OPENS_SESSION : OPENS_NOTHING;
    if (turn->wire == session && session == no_more && !(view->client == CLIENT_OPENSSH && second_opens(view)))
        return has_request(view) ? OPENS_SESSION : OPENS_NOTHING;
    if (turn->wire == no_more)
        return OPENS_NOTHING;
    if (turn->part[0] >= wire(view, turn, SSH_PAYLOAD_DIRECT_LEAST) &&
        (turn->count > 1 || turn->wire >= no_more + (uint64_t)wire(view, turn, SSH_PAYLOAD_DIRECT_LEAST) || view->client != CLIENT_OPENSSH))
        return OPENS_FORWARD;
    return OPENS_NOTHING;
}

/* ---- rule 1: sftp (cases ssh/sftp, ssh/sessions-1: 02; the new scp: ssh/sessions-3: 04) ---- */

/*
 * The client's first message after the subsystem's answer is SSH_FXP_INIT, always as long; the server's is SSH_FXP_VERSION with
 * its extensions, by itself; then requests and answers take turns at a program's pace. 0: no such turn.
 */
static unsigned find_sftp(const struct view *view)
{
    for (unsigned turn = view->second; turn + 3 < view->count && turn <= view->second + 2; turn += 2) {
        const struct ssh_turn *init = &view->turn[turn];
        const struct ssh_turn *version = init + 1;
        bool is_merged = turn == view->second; /* Dropbear's server lets INIT come with the request */
        uint32_t least = version->is_compressed ? VERSION_LEAST_COMPRESSED : VERSION_LEAST;
        uint64_t sent = is_merged ? last_part(init) : without_ignore(view, init);

        if ((is_merged ? init->count != 2 || init->part[0] > wire(view, init, 100) : !is_single(view, init)) ||
            !ssh_activity_is(view->activity, init, sent, SSH_PAYLOAD_SFTP_INIT))
            continue;
        if (version->count > (is_merged ? 3u : 2u) || last_part(version) < wire(view, version, least) ||
            last_part(version) > wire(view, version, VERSION_MOST))
            continue;
        if (!is_at_once(view, turn + 1) || !is_at_once(view, turn + 2) || !is_at_once(view, turn + 3))
            continue;
        if (init[2].wire <= wire(view, &init[2], REQUEST_MOST) &&
            init[2].wire >= wire(view, &init[2], init->is_compressed ? 12 : SSH_PAYLOAD_SFTP_INIT))
            return turn;
    }
    return 0;
}

/*
 * The sftp program asks first where it is (REALPATH of "."), and is told a name; scp, which speaks sftp since OpenSSH 9.0, asks for
 * the attributes of a path, which are always as long. OpenSSH asks for the server's limits before either.
 */
static bool is_scp_over_sftp(const struct view *view, unsigned init, bool *is_known)
{
    unsigned asks = init + 2;
    const struct ssh_turn *request = &view->turn[asks];
    const struct ssh_turn *answer = request + 1;
    bool is_dot;
    bool is_attributes;

    *is_known = true;
    if (view->client <= CLIENT_OTHER)
        return false;
    *is_known = false;
    if (ssh_activity_is(view->activity, request, request->wire, SSH_PAYLOAD_SFTP_LIMITS) && !request->is_compressed) {
        request += 2;
        answer += 2;
        asks += 2;
    } else if (request->is_compressed && request->wire > wire(view, request, 23)) {
        request += 2;
        answer += 2;
        asks += 2;
    }
    if (asks + 1 >= view->count)
        return false;
    *is_known = true;
    if (request->is_compressed)
        return without_ignore(view, answer) < without_ignore(view, request);
    is_dot = without_ignore(view, request) == wire(view, request, 23);
    is_attributes = answer->wire == wire(view, answer, 46) || answer->wire == wire(view, answer, 42);
    return !is_dot && is_attributes;
}

static bool rule_sftp(const struct view *view)
{
    unsigned init = find_sftp(view);
    bool is_known;
    bool is_scp;

    if (init == 0)
        return false;
    is_scp = is_scp_over_sftp(view, init, &is_known);
    if (!is_known && !view->is_over)
        return false;
    view->activity->has_session = true;
    view->activity->data_from = init + 2;
    view->activity->uses_sftp = true;
    if (is_scp)
        return settle(view, SSH_ACTIVITY_SCP, "sftp's INIT and VERSION by their sizes, then attributes asked for", "scp over sftp");
    return settle(view, SSH_ACTIVITY_SFTP, "sftp's INIT and VERSION by their sizes, then requests and answers", NULL);
}

/* ---- rule 2: the old scp (case ssh/sessions-2: 15 up, ssh/sessions-5: 16 down) ---- */

static bool is_line(const struct view *view, const struct ssh_turn *turn)
{
    uint64_t bytes = without_ignore(view, turn);

    if (!is_single(view, turn) || bytes > wire(view, turn, LINE_MOST))
        return false;
    return turn->is_compressed ? bytes > tiny_wire(view, turn) : bytes >= wire(view, turn, LINE_LEAST);
}

/* The server's byte 0 first, the client's line, a byte, the file, a byte. */
static bool is_scp_up(const struct view *view, unsigned line)
{
    const struct ssh_turn *turn = &view->turn[line];
    uint32_t most;

    if (line + 3 >= view->count || line == view->second || turn->from != FROM_CLIENT || !is_line(view, turn) || !is_at_once(view, line))
        return false;
    /* The byte comes behind the answer to the request, but for clients that want none (dbclient). */
    if (!is_tiny_part(view, turn - 1, last_part(turn - 1)) ||
        (turn[-1].count == 1 && (view->client != CLIENT_OTHER || turn[2].wire < wire(view, turn + 2, FILE_ALONE))))
        return false;
    most = (turn[2].wire > FILE_FOR_SURE ? 3 : 1) * tiny_wire(view, turn + 3);
    return is_tiny(view, turn + 1) && is_at_once(view, line + 2) && !is_tiny(view, turn + 2) &&
           (turn[3].part[0] <= most || turn[3].wire > wire(view, turn + 3, 400));
}

/* The client's byte 0, the server's line, a byte, the file, a byte: all at a program's pace. */
static bool is_scp_down(const struct view *view, unsigned zero)
{
    const struct ssh_turn *turn = &view->turn[zero];
    bool is_zero = zero == view->second ? turn->count == 2 && is_tiny_part(view, turn, turn->part[1]) : is_tiny(view, turn);

    return zero + 4 < view->count && turn->from == FROM_CLIENT && is_zero && is_at_once(view, zero) && is_line(view, turn + 1) &&
           !is_tiny(view, turn + 1) && is_tiny(view, turn + 2) && is_at_once(view, zero + 2) && !is_tiny(view, turn + 3) &&
           are_tiny(view, turn + 4) && is_at_once(view, zero + 4) && turn[3].wire > wire(view, turn + 3, 24);
}

static bool rule_scp(const struct view *view)
{
    if (view->second >= view->count)
        return false;
    for (unsigned turn = view->second; turn < view->count && turn <= view->second + 4; turn += 2) {
        bool is_up = is_scp_up(view, turn);

        if (!is_up && !is_scp_down(view, turn))
            continue;
        view->activity->has_session = true;
        view->activity->data_from = turn;
        return settle(view, SSH_ACTIVITY_SCP, "scp's lines and acknowledgements of one byte", is_up ? "old protocol, up" : "old protocol, down");
    }
    return false;
}

/* ---- rule 3: a shell (case ssh/sessions-1: 01, 14; pty-req by itself: ssh/sessions-5: 09) ---- */

/* SUCCESS, WINDOW_ADJUST, SUCCESS of OpenSSH's server; SUCCESS, SUCCESS of Dropbear's; and what follows of the shell in one burst with it. */
static bool answers_terminal(const struct view *view, const struct ssh_turn *answer, bool has_x11)
{
    static const uint32_t of_openssh[] = {SSH_PAYLOAD_CHANNEL, SSH_PAYLOAD_ADJUST, SSH_PAYLOAD_CHANNEL};
    static const uint32_t of_dropbear[] = {SSH_PAYLOAD_CHANNEL, SSH_PAYLOAD_CHANNEL};
    static const uint32_t with_x11[] = {SSH_PAYLOAD_CHANNEL, SSH_PAYLOAD_CHANNEL, SSH_PAYLOAD_ADJUST, SSH_PAYLOAD_CHANNEL};
    uint64_t sum = 0;

    for (unsigned part = 0; has_x11 && part < answer->count && part < 4; part++) {
        sum += answer->part[part];
        if (is_sum(view, answer, sum, with_x11, 4))
            return true;
    }
    if (has_x11)
        return false;
    for (unsigned part = 0; part < answer->count && part < 3; part++) {
        sum += answer->part[part];
        if (is_sum(view, answer, sum, of_openssh, 3) || (!view->server_is_openssh && is_sum(view, answer, sum, of_dropbear, 2)))
            return true;
    }
    return answer->part[0] > 3 * (uint64_t)wire(view, answer, SSH_PAYLOAD_CHANNEL);
}

/* pty-req, env and shell in one turn: too long for a command, and answered SUCCESS, WINDOW_ADJUST, SUCCESS. Or pty-req alone, then shell. */
static bool finds_terminal(const struct view *view, unsigned *data)
{
    const struct ssh_turn *request = &view->turn[view->second];
    const struct ssh_turn *answer = request + 1;
    uint32_t least = request->is_compressed ? PTY_LEAST_COMPRESSED : PTY_LEAST;

    *data = view->second + 1;
    if (view->second + 1 >= view->count)
        return false;
    if (request->wire >= wire(view, request, least) && request->wire < wire(view, request, 1200))
        return request->is_compressed || view->client <= CLIENT_OTHER ||
               answers_terminal(view, answer, !request->is_compressed && request->count > 1 && request->part[0] == wire(view, request, 80));
    if (view->second + 3 >= view->count || without_ignore(view, request) < wire(view, request, PTY_WITHOUT_MODES - (request->is_compressed ? 20 : 0)))
        return false;
    *data = view->second + 3;
    return answer->count == 1 && ssh_activity_is(view->activity, answer, answer->wire, SSH_PAYLOAD_CHANNEL) &&
           ssh_activity_is(view->activity, answer + 1, without_ignore(view, answer + 1), SSH_PAYLOAD_SHELL) && is_at_once(view, view->second + 2);
}

/* Small packets of the client, at a person's pace, that the server answers by as small ones. */
static unsigned count_echoes(const struct view *view, unsigned from, unsigned *others)
{
    unsigned echoes = 0;
    int64_t last_us = 0;

    *others = 0;
    for (unsigned i = from; i + 1 < view->count; i++) {
        const struct ssh_turn *key = &view->turn[i];

        if (key->from != FROM_CLIENT)
            continue;
        if (is_tiny_part(view, key, key->part[0]) && key->wire <= 4 * (uint64_t)key->part[0] &&
            ssh_activity_at_most(view->activity, key + 1, key[1].part[0], 14) && key->start_us - last_us >= PERSON_US)
            echoes++;
        else
            ++*others;
        last_us = key->start_us;
    }
    return echoes;
}

static bool rule_shell(const struct view *view)
{
    unsigned data;
    bool has_terminal = finds_terminal(view, &data);
    unsigned others;
    unsigned echoes = count_echoes(view, data, &others);

    if (has_terminal ? echoes < ECHOES_OF_TERMINAL : echoes < ECHOES_ALONE || others > echoes / 2)
        return false;
    view->activity->has_session = true;
    view->activity->has_terminal = has_terminal;
    view->activity->data_from = data;
    return settle(view, SSH_ACTIVITY_SHELL, has_terminal ? "a terminal asked for, then keys and their echo" : "keys and their echo", NULL);
}

/* ---- rule 4: forwarding alone (case ssh/sessions-1: 05 and 09, ssh/sessions-3: 09 from the server) ---- */

/* An opening of a connection and its confirmation. */
static bool is_forward(const struct view *view, unsigned turn)
{
    const struct ssh_turn *opening = &view->turn[turn];
    uint32_t part = last_part(opening);

    if (turn + 1 >= view->count || opening->count > SSH_TURN_PARTS)
        return false;
    if (turn == view->first && opening->from == FROM_CLIENT)
        return opening_of(view) == OPENS_FORWARD;
    if (opening->is_compressed)
        return part >= wire(view, opening, 34) && part < wire(view, opening, OPEN_MOST) && is_tiny_part(view, opening + 1, opening[1].part[0]) &&
               is_at_once(view, turn + 1);
    return part >= wire(view, opening, SSH_PAYLOAD_DIRECT_LEAST) && part < wire(view, opening, OPEN_MOST) &&
           opening[1].part[0] == wire(view, opening + 1, SSH_PAYLOAD_CONFIRMED) && is_at_once(view, turn + 1);
}

/* OpenSSH's -W: the connection is opened in the client's first turn, and "no-more-sessions" comes with it. */
static bool is_with_no_more(const struct view *view)
{
    const struct ssh_turn *turn = &view->turn[view->first];

    return turn->count == 2 || turn->wire > 2 * (uint64_t)wire(view, turn, SSH_PAYLOAD_NO_MORE);
}

static bool rule_tunnel(const struct view *view)
{
    enum opening opens = opening_of(view);

    if (has_gap(view, view->first + 1) || opens == OPENS_SESSION || (opens == OPENS_UNKNOWN && view->first < view->count))
        return false;
    for (unsigned turn = 0; turn + 2 < view->count + (view->is_over ? 1 : 0); turn++) {
        if (!is_forward(view, turn))
            continue;
        view->activity->data_from = 0;
        return settle(view, SSH_ACTIVITY_TUNNEL, "no session channel, then a connection opened and confirmed",
                      view->turn[turn].from == FROM_SERVER                                             ? "remote"
                      : turn == view->first && view->client == CLIENT_OPENSSH && is_with_no_more(view) ? "stdio"
                                                                                                       : "direct");
    }
    return false;
}

/* ---- rule 5: nothing at all (case ssh/sessions-1: 13; with keep-alives ssh/sessions-7: 17) ---- */

/* To the end the client has sent no more than requests without a channel, answers and its farewell. */
static bool rule_none(const struct view *view)
{
    enum opening opens = opening_of(view);

    if (!view->is_over || view->activity->is_loud || has_gap(view, view->count) || (opens != OPENS_NOTHING && view->first < view->count))
        return false;
    for (unsigned i = 0; i < view->count; i++) {
        const struct ssh_turn *turn = &view->turn[i];

        if (turn->from == FROM_CLIENT && (turn->count > 3 || turn->part[0] > wire(view, turn, SSH_PAYLOAD_DIRECT_LEAST)))
            return false;
    }
    return settle(view, SSH_ACTIVITY_NONE, "no channel was opened to the end", NULL);
}

/* ---- rule 6: a command (case ssh/openssh; rsync: ssh/sessions-1: 06; x11: ssh/sessions-6: 04) ---- */

static bool is_rsync(const struct view *view, unsigned data)
{
    const struct ssh_turn *client = &view->turn[data];

    if (data + 3 >= view->count || client->from != FROM_CLIENT || client->is_compressed)
        return false;
    return client->part[0] == wire(view, client, 13) && client[1].part[0] == wire(view, client + 1, 13) && is_at_once(view, data + 1) &&
           is_at_once(view, data + 2);
}

static bool rule_command(const struct view *view)
{
    const struct ssh_turn *request = &view->turn[view->second];
    unsigned data;

    if ((!view->is_over && !view->activity->is_full) || opening_of(view) != OPENS_SESSION || !has_request(view) || has_gap(view, view->second + 6))
        return false;
    if (view->second + 1 >= view->count || !is_at_once(view, view->second + 1) ||
        (finds_terminal(view, &data) && !(request->is_compressed && data != view->second + 1)))
        return false;
    view->activity->has_session = true;
    view->activity->data_from = view->second + 1;
    if (is_rsync(view, view->second + 2))
        return settle(view, SSH_ACTIVITY_COMMAND, "a session without a terminal; versions of four bytes from both sides first", "rsync");
    if (request->count > 1 && !request->is_compressed && request->part[0] == wire(view, request, 80))
        return settle(view, SSH_ACTIVITY_COMMAND, "a session without a terminal", "x11");
    return settle(view, SSH_ACTIVITY_COMMAND, "a session without a terminal", NULL);
}

/* ---- all ---- */

static enum client client_of(const struct ssh *ssh)
{
    struct bytes identification = text_bytes(&ssh->side[FROM_CLIENT].identification);

    if (identification.length == 0)
        return CLIENT_UNKNOWN;
    if (bytes_begin_nocase(identification, "SSH-2.0-OpenSSH_3.") || bytes_begin_nocase(identification, "SSH-2.0-OpenSSH_4.") ||
        bytes_begin_nocase(identification, "SSH-2.0-OpenSSH_5.0"))
        return CLIENT_OTHER; /* "no-more-sessions" came with 5.1 */
    if (bytes_begin_nocase(identification, "SSH-2.0-OpenSSH"))
        return CLIENT_OPENSSH;
    return bytes_begin_nocase(identification, "SSH-2.0-PuTTY") ? CLIENT_PUTTY : CLIENT_OTHER;
}

bool ssh_activity_decide(const struct ssh *ssh, struct ssh_activity *activity, bool is_over)
{
    struct view view = {.activity = activity, .turn = activity->kept, .count = activity->turns, .is_over = is_over, .client = client_of(ssh)};

    view.is_clear = activity->shape->side[FROM_SERVER].layout.length_field == SSH_LENGTH_CLEAR;
    view.server_is_openssh = bytes_begin_nocase(text_bytes(&ssh->side[FROM_SERVER].identification), "SSH-2.0-OpenSSH");

    if (!activity->shape->side[FROM_CLIENT].has_begun || !activity->shape->side[FROM_SERVER].has_begun)
        return false;
    view.first = next_of_client(&view, 0);
    view.second = view.first < view.count ? next_of_client(&view, view.first + 1) : view.count;
    return rule_sftp(&view) || rule_scp(&view) || rule_shell(&view) || rule_tunnel(&view) || rule_none(&view) || rule_command(&view);
}

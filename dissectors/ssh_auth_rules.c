/*
 * ssh_auth_rules.c - reads an authentication (RFC 4252, 4256) out of the sizes and the order of its packets, once it is over.
 *
 * The sides take turns: what one sends before the other speaks is a turn. The client's last packet of a turn is what it asks, the
 * server's turn behind it is the answer. The rules, in the order in which they are tried; each names a recorded case that shows it:
 *
 *  1. service    the client's first packet that can hold SERVICE_REQUEST (17 bytes), answered by one of the same payload, opens it.
 *                Nothing that has so few bytes is a USERAUTH_REQUEST, and paramiko asks again before each (sessions-*).
 *  2. ignore     a packet of the client with 1 to 11 bytes before another is IGNORE: AsyncSSH sends one before each (sessions-*).
 *  3. pipelined  what the client sends along with SERVICE_REQUEST is a request if the server answers both (dropbear-to-openssh).
 *  4. success    an answer of 1 byte is USERAUTH_SUCCESS: every other answer has more than 11 (openssh).
 *  5. none       the first request, short enough, of a client that begins with "none" to learn the methods, or too short for
 *                any other method. It is no attempt unless it is accepted (openssh). It tells the length of the user's name.
 *  6. offer      a request whose answer is as much shorter as a PK_OK is (36 bytes and the user's name), and is no FAILURE
 *                that was seen: a key is offered and would do (openssh).
 *  7. signed     what follows such an answer and is longer than the offer: the same key, signed (openssh).
 *  8. dialogue   a request of the size of "keyboard-interactive" whose answer is not FAILURE but prompts, and what the client answers,
 *                until FAILURE or SUCCESS comes (sessions-*).
 *  9. padded     OpenSSH pads what holds a password so that the packet is a multiple of 64 bytes, and nothing else
 *                (password-failed); PuTTY sends an IGNORE along so that both have about 256 bytes (sessions-*).
 * 10. sizes      what is left is told by its size alone: a password of at most 64 bytes, or a key (sessions-*).
 * 11. order      a request that has the size of a padded password and that of an offered key: a password if it is accepted, if a person
 *                was waited for, if the answer took its time, if a password came before it, or if it comes three times;
 *                a key if a key comes behind it. Else it is not known which (password-failed).
 *
 * Left out: hostbased and GSSAPI, which no client tries unless it is told to; their sizes are taken for keys, or for nothing.
 */
#include "base/memory.h"
#include "dissectors/ssh_session.h"

#define OPENSSH_PADDING 64
#define PUTTY_PADDED_LEAST 216
#define PUTTY_PADDED_MOST 290
#define NONE_CERTAIN_MOST 43 /* "none" of a user of 12 letters; a password request with as few would hold 7 for both name and password */
#define SLOW_ANSWER_US ((int64_t)800000)
#define SAME_SIZE_MANY 3
#define TOO_MANY_FAILURES 45    /* OpenSSH's DISCONNECT when MaxAuthTries is reached, in place of FAILURE */
#define PROMPT_LEAST 28         /* a request for information with a prompt of 6 letters */
#define PASSWORD_LIKELY_MOST 40 /* where a key would have as many bytes, a password is not thought longer */
#define USER_LIKELY_MOST 16

/* What one side sent before the other spoke. */
struct turn {
    enum side from;
    uint32_t first; /* of the units */
    uint32_t count;
};

struct reading {
    const struct ssh_auth *auth;
    const struct ssh_layout *layout; /* the client's */
    struct ssh_unit *units;          /* owned; bursts are split where it is known what they begin with */
    uint32_t unit_count;
    struct turn *turns; /* owned */
    uint32_t turn_count;
    struct ssh_range user;   /* the length of the user's name */
    uint32_t failure_length; /* on the wire, of the USERAUTH_FAILURE that came last; 0: none known */
    struct ssh_range failure;
    bool is_openssh;
    bool is_putty;
    bool begins_with_none;
    bool is_lost;          /* something could not be told */
    struct ssh_try *tries; /* owned */
    uint32_t try_count;
    int64_t banner_us;
};

/* ---- turns ---- */

static const struct ssh_unit *unit_of(const struct reading *reading, uint32_t turn, uint32_t at)
{
    return &reading->units[reading->turns[turn].first + at];
}

static struct ssh_range range_of(const struct ssh_unit *unit)
{
    return (struct ssh_range){unit->payload_low, unit->payload_high};
}

static bool is_smallest(const struct ssh_unit *unit)
{
    return unit->payload_low == 1 && unit->payload_high <= SSH_SUCCESS_MOST;
}

static bool may_be_service(const struct ssh_unit *unit)
{
    return unit->payload_low <= SSH_SERVICE_SIZE && SSH_SERVICE_SIZE <= unit->payload_high;
}

/* Rule 2: the last packet of a turn; IGNORE comes before what it hides. */
static const struct ssh_unit *last_of(const struct reading *reading, uint32_t turn)
{
    return unit_of(reading, turn, reading->turns[turn].count - 1);
}

static const struct ssh_unit *first_of(const struct reading *reading, uint32_t turn)
{
    return unit_of(reading, turn, 0);
}

/* All bytes of a turn on the wire. */
static uint32_t length_of(const struct reading *reading, uint32_t turn)
{
    uint32_t length = 0;

    for (uint32_t at = 0; at < reading->turns[turn].count; at++)
        length += unit_of(reading, turn, at)->wire_length;
    return length;
}

static bool has_turn(const struct reading *reading, uint32_t turn, enum side from)
{
    return turn < reading->turn_count && reading->turns[turn].from == from;
}

/* Rule 4. */
static bool has_success(const struct reading *reading, uint32_t turn)
{
    for (uint32_t at = 0; has_turn(reading, turn, FROM_SERVER) && at < reading->turns[turn].count; at++) {
        if (is_smallest(unit_of(reading, turn, at)))
            return true;
    }
    return false;
}

/* A burst too long for one packet of the service: that packet, and what is left as another. */
static void split_service(struct reading *reading, const struct ssh_layout *layout, const struct ssh_unit *burst)
{
    struct ssh_unit *parts = &reading->units[reading->unit_count];
    uint32_t service = ssh_layout_wire(layout, SSH_SERVICE_SIZE);

    for (int part = 0; part < 2; part++) {
        parts[part] = *burst;
        parts[part].wire_length = part == 0 ? service : burst->wire_length - service;
        parts[part].is_packet = true;
        parts[part].packets_low = 1;
        parts[part].packets_step = 1;
        ssh_layout_payload(layout, parts[part].wire_length, &parts[part].payload_low, &parts[part].payload_high);
    }
    reading->unit_count += 2;
}

/* Rule 3: a burst that stands where the service is asked for, or granted, and is longer by a whole packet of authentication. */
static bool may_begin_with_service(const struct ssh_layout *layout, const struct ssh_unit *unit)
{
    uint32_t service = ssh_layout_wire(layout, SSH_SERVICE_SIZE);

    if (unit->is_packet || may_be_service(unit) || unit->packets_low > 2 || (unit->packets_low == 1 && unit->packets_step != 1))
        return false;
    return unit->wire_length >= service + ssh_layout_wire(layout, SSH_FAILURE_LEAST) &&
           unit->wire_length <= service + ssh_layout_wire(layout, SSH_NONE_SIZE + SSH_USER_LIMIT);
}

/* The units, with the service split off where it came in one burst with the first request, or the first answer. */
static void copy_units(struct reading *reading, const struct ssh_shape *shape)
{
    bool has_service[SIDE_COUNT] = {false, false};

    for (uint32_t at = 0; at < reading->auth->count; at++) {
        const struct ssh_unit *unit = &reading->auth->units[at];
        const struct ssh_layout *layout = &shape->side[unit->from].layout;
        bool may_begin = !has_service[unit->from] && (unit->from == FROM_CLIENT || has_service[FROM_CLIENT]) && may_begin_with_service(layout, unit);

        has_service[unit->from] = has_service[unit->from] || may_begin || may_be_service(unit);
        if (may_begin)
            split_service(reading, layout, unit);
        else
            reading->units[reading->unit_count++] = *unit;
    }
}

static bool make_turns(struct reading *reading, const struct ssh_shape *shape)
{
    size_t most = (size_t)reading->auth->count + SIDE_COUNT;

    reading->units = memory_new_zeroed(most, sizeof *reading->units);
    reading->turns = memory_new_zeroed(most, sizeof *reading->turns);
    reading->tries = memory_new_zeroed(most, sizeof *reading->tries);
    if (reading->units == NULL || reading->turns == NULL || reading->tries == NULL)
        return false;
    copy_units(reading, shape);
    for (uint32_t at = 0; at < reading->unit_count; at++) {
        struct turn *last = reading->turn_count > 0 ? &reading->turns[reading->turn_count - 1] : NULL;

        if (last != NULL && last->from == reading->units[at].from) {
            last->count++;
            continue;
        }
        reading->turns[reading->turn_count++] = (struct turn){.from = reading->units[at].from, .first = at, .count = 1};
    }
    return true;
}

/* ---- who it is ---- */

static bool software_begins(const struct ssh_side *side, const char *software)
{
    struct bytes rest;

    (void)bytes_split(text_bytes(&side->identification), '-', &rest);
    (void)bytes_split(rest, '-', &rest);
    return bytes_begin_nocase(rest, software);
}

static void know_client(struct reading *reading, const struct ssh_side *client)
{
    static const char *const begin_with_none[] = {"OpenSSH", "PuTTY", "dropbear", "AsyncSSH", "Go", "WinSCP", "FileZilla", "JSCH", "libssh", "TTSSH"};

    reading->is_openssh = software_begins(client, "OpenSSH");
    reading->is_putty = software_begins(client, "PuTTY") || software_begins(client, "WinSCP") || software_begins(client, "FileZilla");
    for (size_t i = 0; i < sizeof begin_with_none / sizeof begin_with_none[0]; i++)
        reading->begins_with_none = reading->begins_with_none || software_begins(client, begin_with_none[i]);
}

/* ---- sizes of requests ---- */

/* Rule 9, of OpenSSH. */
static bool is_padded(const struct reading *reading, uint32_t wire_length)
{
    return (wire_length - reading->layout->mac - reading->layout->outside) % OPENSSH_PADDING == 0;
}

/* Rule 9, of PuTTY: both packets together. */
static bool is_putty_padded(const struct reading *reading, uint32_t turn)
{
    uint32_t length = length_of(reading, turn);
    uint32_t around = (uint32_t)reading->layout->mac + reading->layout->outside;
    bool is_pair = reading->turns[turn].count == 2;

    if (!is_pair && first_of(reading, turn)->is_packet && reading->layout->length_field == SSH_LENGTH_CLEAR)
        return false;
    return length >= PUTTY_PADDED_LEAST + around && length <= PUTTY_PADDED_MOST + 2 * around;
}

static bool may_be_keyboard(const struct reading *reading, struct ssh_range request)
{
    return ssh_ranges_meet(request, ssh_range_plus(reading->user, SSH_KEYBOARD_SIZE));
}

static bool may_be_password(const struct reading *reading, struct ssh_range request)
{
    struct ssh_range password = {reading->user.low + SSH_PASSWORD_SIZE, reading->user.high + SSH_PASSWORD_SIZE + SSH_PASSWORD_LONGEST};

    return ssh_ranges_meet(request, password);
}

/* ---- answers ---- */

static bool is_known_failure(const struct reading *reading, uint32_t turn)
{
    return reading->failure_length > 0 && last_of(reading, turn)->wire_length == reading->failure_length;
}

static void know_failure(struct reading *reading, uint32_t turn)
{
    const struct ssh_unit *last = last_of(reading, turn);

    if (!last->is_packet && last->packets_low != 1)
        return; /* a banner may stand before it in the same burst */
    if (!ssh_failure_fits(range_of(last)))
        return;
    reading->failure_length = last->wire_length;
    reading->failure = range_of(last);
}

/* ---- tries ---- */

static struct ssh_try *add_try(struct reading *reading, uint32_t turn, enum ssh_auth_method method, const char *basis)
{
    struct ssh_try *made = &reading->tries[reading->try_count++]; /* a try takes a unit at least */
    const struct ssh_unit *request = last_of(reading, turn);

    *made = (struct ssh_try){.time_us = request->time_us, .method = method, .basis = basis, .wire_length = request->wire_length};
    if (turn > 0)
        made->waited_us = first_of(reading, turn)->time_us - last_of(reading, turn - 1)->end_us;
    return made;
}

/* Whether the answer in `turn` refuses what was asked; of a signed key or a password, partial success shows as a shorter list. */
static void answer_try(struct reading *reading, struct ssh_try *tried, uint32_t turn)
{
    const struct ssh_unit *last;

    if (!has_turn(reading, turn, FROM_SERVER)) {
        tried->outcome = SSH_TRY_UNANSWERED;
        return;
    }
    last = last_of(reading, turn);
    tried->answered_us = last->end_us;
    if (has_success(reading, turn)) {
        tried->outcome = SSH_TRY_ACCEPTED;
        return;
    }
    tried->outcome = SSH_TRY_REFUSED;
    if (tried->is_signed && reading->failure_length > 0 && last->is_packet && last->wire_length < reading->failure_length &&
        ssh_failure_fits(range_of(last)))
        tried->outcome = SSH_TRY_PARTIAL;
    know_failure(reading, turn);
}

/* ---- the rules ---- */

/*
 * Rules 1 and 3. Answers the turn in which the service is asked for; `*is_pipelined`: its last packet is a request, and the
 * server's turn behind it holds the answer.
 */
static uint32_t read_service(struct reading *reading, bool *is_pipelined)
{
    uint32_t turn = has_turn(reading, 0, FROM_CLIENT) ? 0 : 1;
    uint32_t at = 0;

    *is_pipelined = false;
    if (!has_turn(reading, turn, FROM_CLIENT) || !has_turn(reading, turn + 1, FROM_SERVER)) {
        reading->is_lost = turn < reading->turn_count && reading->turns[turn].count > 1;
        return reading->turn_count;
    }
    while (at < reading->turns[turn + 1].count && !may_be_service(unit_of(reading, turn + 1, at)))
        at++;
    if (at == reading->turns[turn + 1].count) {
        reading->is_lost = true;
        return reading->turn_count;
    }
    *is_pipelined = at + 1 < reading->turns[turn + 1].count && last_of(reading, turn)->payload_high >= SSH_REQUEST_LEAST;
    return turn;
}

static void know_user(struct reading *reading, struct ssh_range request)
{
    if (request.high < SSH_NONE_SIZE + 1)
        return;
    reading->user.high = request.high - SSH_NONE_SIZE;
    reading->user.low = request.low > SSH_NONE_SIZE ? request.low - SSH_NONE_SIZE : 1;
}

/* Rule 5. */
static bool is_none(const struct reading *reading, struct ssh_range request)
{
    if (reading->try_count > 0 || !ssh_ranges_meet(request, (struct ssh_range){SSH_REQUEST_LEAST, SSH_NONE_SIZE + SSH_USER_LIMIT}))
        return false;
    return reading->begins_with_none || request.high <= NONE_CERTAIN_MOST;
}

/* Rule 6: of `answer`, the last packet of the server's turn. */
static bool is_offer_accepted(const struct reading *reading, uint32_t turn, struct ssh_range request)
{
    struct ssh_range answer;
    struct ssh_range without;

    if (!has_turn(reading, turn + 1, FROM_SERVER) || has_success(reading, turn + 1) || is_known_failure(reading, turn + 1))
        return false;
    answer = range_of(last_of(reading, turn + 1));
    without = ssh_range_plus(reading->user, SSH_OFFER_SIZE - 9);
    if (!ssh_answer_fits_key(answer) || !ssh_ranges_meet(request, (struct ssh_range){answer.low + without.low, answer.high + without.high}))
        return false;
    if (!has_turn(reading, turn + 2, FROM_CLIENT))
        return reading->failure_length > 0;
    return reading->failure_length > 0 || last_of(reading, turn + 2)->wire_length > last_of(reading, turn)->wire_length;
}

/* Rules 6 and 7. Answers the turn behind it. */
static uint32_t read_offer(struct reading *reading, uint32_t turn)
{
    struct ssh_try *tried = add_try(reading, turn, SSH_METHOD_PUBLICKEY, "request and PK_OK differ by the user's name");
    const struct ssh_unit *answer = last_of(reading, turn + 1);
    bool is_signed = has_turn(reading, turn + 2, FROM_CLIENT) && last_of(reading, turn + 2)->wire_length > tried->wire_length;

    tried->key = ssh_key_of_answer(range_of(answer));
    tried->outcome = SSH_TRY_OFFER_ACCEPTED;
    tried->answered_us = answer->end_us;
    if (!is_signed)
        return turn + 2;
    tried = add_try(reading, turn + 2, SSH_METHOD_PUBLICKEY, "longer request behind PK_OK");
    tried->is_signed = true;
    tried->key = tried[-1].key;
    answer_try(reading, tried, turn + 3);
    return turn + 4;
}

/* Rule 1, in between: the next of the client is a request again. An answer to a prompt, and what follows it, may have the same sizes. */
static bool asks_for_service(const struct reading *reading, uint32_t turn)
{
    bool is_granted =
        may_be_service(last_of(reading, turn)) && has_turn(reading, turn + 1, FROM_SERVER) && may_be_service(first_of(reading, turn + 1));

    return is_granted && (!has_turn(reading, turn + 2, FROM_CLIENT) || last_of(reading, turn + 2)->payload_high >= SSH_REQUEST_LEAST);
}

/* Rule 8, of a client that left when it was asked: an answer that is no FAILURE, and has room for a prompt. */
static bool is_left_at_prompt(const struct reading *reading, uint32_t turn)
{
    bool pads_passwords = reading->is_openssh || reading->is_putty; /* then it was no password that was refused */
    struct ssh_range answer;

    if ((reading->failure_length == 0 && !pads_passwords) || !has_turn(reading, turn + 1, FROM_SERVER) || has_turn(reading, turn + 2, FROM_CLIENT) ||
        has_success(reading, turn + 1))
        return false;
    answer = range_of(last_of(reading, turn + 1));
    if (is_known_failure(reading, turn + 1) || (answer.low <= TOO_MANY_FAILURES && TOO_MANY_FAILURES <= answer.high))
        return false;
    return answer.high >= PROMPT_LEAST;
}

/* Rule 8: whether prompts came, not FAILURE. */
static bool has_prompts(const struct reading *reading, uint32_t turn)
{
    const struct ssh_unit *answer;
    const struct ssh_unit *next;

    if (!has_turn(reading, turn + 1, FROM_SERVER) || has_success(reading, turn + 1) || !has_turn(reading, turn + 2, FROM_CLIENT))
        return false;
    answer = last_of(reading, turn + 1);
    next = last_of(reading, turn + 2);
    if (answer->payload_high < SSH_INFO_REQUEST_LEAST || asks_for_service(reading, turn + 2))
        return false;
    if (reading->failure_length == 0)
        return next->wire_length != last_of(reading, turn)->wire_length;
    if (!is_known_failure(reading, turn + 1))
        return true;
    /* As long as FAILURE, and no password can follow: what is padded like one is the answer to a prompt. */
    return reading->is_openssh && is_padded(reading, next->wire_length) && !ssh_failure_may_name_password(reading->failure);
}

/* Whether the server's turn behind an answer to prompts ends the dialogue. */
static bool ends_dialogue(const struct reading *reading, uint32_t turn, uint32_t request_length)
{
    const struct ssh_unit *next;

    if (!has_turn(reading, turn, FROM_SERVER) || has_success(reading, turn) || is_known_failure(reading, turn) ||
        !has_turn(reading, turn + 1, FROM_CLIENT))
        return true;
    next = last_of(reading, turn + 1);
    return reading->failure_length == 0 && (asks_for_service(reading, turn + 1) || next->wire_length == request_length);
}

static uint32_t read_dialogue(struct reading *reading, uint32_t turn)
{
    struct ssh_try *tried = add_try(reading, turn, SSH_METHOD_KEYBOARD, "prompts follow, and answers");
    uint32_t at = turn + 2; /* the first answer to them */

    if (!has_turn(reading, at, FROM_CLIENT))
        return at;
    tried->waited_us = first_of(reading, at)->time_us - last_of(reading, turn + 1)->end_us;
    while (!ends_dialogue(reading, at + 1, tried->wire_length))
        at += 2;
    answer_try(reading, tried, at + 1);
    return at + 2;
}

/* Rules 9 and 10: what it is by its size. */
static void judge_size(const struct reading *reading, uint32_t turn, struct ssh_range request, struct ssh_try *tried, bool is_accepted)
{
    bool fits_offer = ssh_offer_fits(request, reading->user);
    bool fits_key = fits_offer || ssh_signed_fits(request, reading->user);
    uint32_t user = reading->user.high < USER_LIKELY_MOST ? reading->user.high : USER_LIKELY_MOST;
    uint32_t likely = SSH_PASSWORD_SIZE + user + PASSWORD_LIKELY_MOST;

    if (reading->is_openssh) {
        bool fits_password = is_padded(reading, tried->wire_length) && request.high >= SSH_PASSWORD_SIZE + reading->user.low;

        if (fits_password && (!fits_offer || is_accepted)) {
            tried->method = SSH_METHOD_PASSWORD;
            tried->basis = "padded to 64 bytes";
        } else if (fits_password) {
            tried->may_be_key = true;
        } else if (fits_key) {
            tried->method = SSH_METHOD_PUBLICKEY;
            tried->basis = "size of a key";
        } else if (may_be_keyboard(reading, request)) {
            tried->method = SSH_METHOD_KEYBOARD;
            tried->basis = "size of the request";
        }
        return;
    }
    if (reading->is_putty && is_putty_padded(reading, turn)) {
        tried->method = SSH_METHOD_PASSWORD;
        tried->basis = "padded to 256 bytes";
        return;
    }
    tried->basis = "size of the request";
    if (may_be_password(reading, request) && !reading->is_putty && (!fits_key || request.low < likely))
        tried->method = SSH_METHOD_PASSWORD;
    else if (fits_key)
        tried->method = SSH_METHOD_PUBLICKEY;
    else if (reading->is_putty && may_be_keyboard(reading, request))
        tried->method = SSH_METHOD_KEYBOARD;
}

/* The first answer, in a burst that may hold a banner and whatever else: of a request that may ask for prompts too much is open. */
static bool hides_banner(const struct reading *reading, uint32_t turn, struct ssh_range request)
{
    const struct ssh_unit *answer;

    if (reading->try_count > 0 || reading->begins_with_none || !has_turn(reading, turn, FROM_SERVER) || has_success(reading, turn))
        return false;
    answer = last_of(reading, turn);
    return !answer->is_packet && answer->packets_low == 1 && may_be_keyboard(reading, request) && !ssh_failure_fits(range_of(answer));
}

/* A request and its answer; answers the turn of the next request. */
static uint32_t read_request(struct reading *reading, uint32_t turn, struct ssh_range request)
{
    struct ssh_try *tried;

    if (hides_banner(reading, turn + 1, request)) {
        reading->is_lost = true;
        return turn;
    }
    if (is_none(reading, request)) {
        tried = add_try(reading, turn, SSH_METHOD_NONE, "first request, short");
        know_user(reading, request);
        answer_try(reading, tried, turn + 1);
        return turn + 2;
    }
    if (is_offer_accepted(reading, turn, request))
        return read_offer(reading, turn);
    if (may_be_keyboard(reading, request) && (has_prompts(reading, turn) || is_left_at_prompt(reading, turn)))
        return read_dialogue(reading, turn);
    tried = add_try(reading, turn, SSH_METHOD_UNKNOWN, NULL);
    judge_size(reading, turn, request, tried, has_success(reading, turn + 1));
    tried->is_signed = tried->method == SSH_METHOD_PUBLICKEY && !reading->is_openssh && !ssh_offer_fits(request, reading->user);
    answer_try(reading, tried, turn + 1);
    return turn + 2;
}

/* A banner is what the first answer has beside FAILURE or SUCCESS. */
static void note_banner(struct reading *reading, uint32_t turn)
{
    const struct turn *answer = &reading->turns[turn];
    const struct ssh_unit *first;
    uint32_t at = 0;

    if (!has_turn(reading, turn, FROM_SERVER) || reading->banner_us != 0)
        return;
    while (at < answer->count && may_be_service(unit_of(reading, turn, at)) && turn <= 2)
        at++;
    if (at >= answer->count || has_success(reading, turn))
        return;
    first = unit_of(reading, turn, at);
    if (answer->count - at > 1 || (!first->is_packet && first->packets_low > 1) || !ssh_failure_fits(range_of(first)))
        reading->banner_us = first->time_us;
}

static void read_requests(struct reading *reading)
{
    bool is_pipelined;
    uint32_t turn = read_service(reading, &is_pipelined);

    if (!is_pipelined)
        turn += 2;
    while (has_turn(reading, turn, FROM_CLIENT) && !reading->is_lost) {
        struct ssh_range request = range_of(last_of(reading, turn));

        if (request.high < SSH_REQUEST_LEAST) { /* rules 1 and 2 */
            turn += 2;
            continue;
        }
        if (reading->try_count == 0)
            note_banner(reading, turn + 1);
        turn = read_request(reading, turn, request);
    }
}

/* ---- what the order tells ---- */

static int64_t quickest_answer(const struct reading *reading)
{
    int64_t quickest = INT64_MAX;

    for (uint32_t at = 0; at < reading->try_count; at++) {
        const struct ssh_try *tried = &reading->tries[at];
        int64_t took = tried->answered_us - tried->time_us;

        if (tried->outcome != SSH_TRY_UNANSWERED && took < quickest)
            quickest = took;
    }
    return quickest;
}

/* The tries of the same size that stand around this one: how many, and whether a person was waited for in one. */
static uint32_t count_same(const struct reading *reading, uint32_t at, bool *is_typed)
{
    uint32_t first = at;
    uint32_t behind = at + 1;

    while (first > 0 && reading->tries[first - 1].wire_length == reading->tries[at].wire_length)
        first--;
    while (behind < reading->try_count && reading->tries[behind].wire_length == reading->tries[at].wire_length)
        behind++;
    *is_typed = false;
    for (uint32_t same = first; same < behind; same++)
        *is_typed = *is_typed || reading->tries[same].waited_us >= SSH_TYPED_LEAST_US;
    return behind - first;
}

/* Rule 11, of one try. */
static enum ssh_auth_method judge_order(const struct reading *reading, uint32_t at, int64_t quickest)
{
    const struct ssh_try *tried = &reading->tries[at];
    bool has_key_before = false;
    bool is_typed;
    uint32_t same = count_same(reading, at, &is_typed);

    for (uint32_t after = at + 1; after < reading->try_count; after++) {
        if (reading->tries[after].method == SSH_METHOD_PUBLICKEY)
            return SSH_METHOD_PUBLICKEY;
    }
    for (uint32_t before = 0; before < at; before++) {
        has_key_before = has_key_before || reading->tries[before].method == SSH_METHOD_PUBLICKEY;
        if (reading->tries[before].method == SSH_METHOD_PASSWORD || reading->tries[before].method == SSH_METHOD_KEYBOARD)
            return SSH_METHOD_PASSWORD;
    }
    if (tried->waited_us >= SSH_TYPED_LEAST_US || tried->answered_us - tried->time_us > quickest + SLOW_ANSWER_US)
        return SSH_METHOD_PASSWORD;
    if (is_typed && tried->waited_us <= SSH_SCRIPTED_MOST_US)
        return SSH_METHOD_PUBLICKEY;
    if (same >= SAME_SIZE_MANY && (!has_key_before || at + 1 == reading->try_count))
        return SSH_METHOD_PASSWORD;
    return SSH_METHOD_UNKNOWN;
}

static void read_order(struct reading *reading)
{
    int64_t quickest = quickest_answer(reading);

    for (uint32_t at = 0; at < reading->try_count; at++) {
        struct ssh_try *tried = &reading->tries[at];

        if (!tried->may_be_key)
            continue;
        tried->method = judge_order(reading, at, quickest);
        tried->basis = "order of the tries";
        tried->may_be_key = tried->method == SSH_METHOD_UNKNOWN;
    }
}

/* The first request of a client that is not known to begin with "none" may be it: then the number of attempts is not known. */
static bool is_certain(const struct reading *reading)
{
    const struct ssh_try *first = reading->tries;

    if (reading->is_lost || reading->try_count == 0)
        return false;
    return first->method != SSH_METHOD_UNKNOWN || first->may_be_key || reading->begins_with_none;
}

void ssh_auth_read(const struct ssh *ssh, struct ssh_auth *auth)
{
    struct reading reading = {.auth = auth, .layout = &ssh->shape.side[FROM_CLIENT].layout, .user = {1, SSH_USER_LIMIT}};

    if (auth->is_read || auth->count == 0 || auth->is_unreadable || auth->is_too_long || auth->has_gap[FROM_CLIENT] || auth->has_gap[FROM_SERVER] ||
        ssh->side[FROM_CLIENT].identification.length == 0)
        return;
    know_client(&reading, &ssh->side[FROM_CLIENT]);
    auth->is_read = make_turns(&reading, &ssh->shape);
    if (auth->is_read) {
        read_requests(&reading);
        read_order(&reading);
        auth->is_certain = is_certain(&reading);
        auth->tries = reading.tries;
        auth->try_count = reading.try_count;
        auth->banner_us = reading.banner_us;
    } else {
        memory_free(reading.tries);
    }
    memory_free(reading.turns);
    memory_free(reading.units);
}

/*
 * rdp_shape.c - see rdp_shape.h
 *
 * The sizes are those of the PDUs as [MS-RDPBCGR] 2.2.1 lays them out, TPKT header included; the turns of CredSSP those of
 * [MS-CSSP] 3.1.5. A cipher that shows a size only within limits takes part wherever the limits leave no doubt.
 *
 *     rdp_shape_begin --NLA--> NLA --rule 2--> CONNECT --rule 5--> JOIN --rule 6--> LICENSE --rule 8--> FINALIZE --rule 9--> ACTIVE
 *            |                                   ^
 *            +----------------TLS alone----------+              a missing record, anywhere before ACTIVE: SILENT
 *
 * The rules, each with a recorded case that shows it:
 *
 *   1. What the server says before the client's first message, or before it in the same turn, is no answer: TLS 1.3 sends
 *      session tickets there. The last message of its turn is the answer. (rdp/nla-success, rdp/tls)
 *   2. CredSSP takes turns. Two messages of the client without an answer between them are its credentials, which have none,
 *      and the MCS connect; with early user authorization the 4 bytes of its result stand between them. (rdp/nla-success)
 *   3. The server answered that MCS connect: the login succeeded. It may still refuse the user a desktop, as a screen shows.
 *      (rdp/nla-success)  Where the client leaves before it, as one does that shows the certificate to its user first,
 *      nothing is said.
 *   4. An NTLM client - its first token is short, a Kerberos ticket is not - whose second token, authenticate, the server
 *      answers by ending the connection, by an alert (a record of two bytes) or with no more than an error code (a
 *      TSRequest without a proof) has failed to log in. (rdp/nla-failure)  The same where the result of early user
 *      authorization is all that comes before the server ends it.
 *   5. The client goes on behind the server's MCS connect response: with erect domain (12 bytes) and attach user (8). (rdp/tls)
 *   6. The server's 11 bytes confirm the user, 15 each a channel; the first long message of the client behind the connect
 *      is its client info. (rdp/tls)
 *   7. 34 or 35 bytes of the server tell that no license, or no more of one, is needed. (rdp/tls)
 *   8. A long message of the client at once followed by 36 to 38 bytes of it, synchronize: those were its capabilities. (rdp/tls)
 *   9. The server's synchronize, cooperate, granted control and font map, however they are cut: the desktop is active. A
 *      client's fast-path input shows the same. (rdp/tls)
 *  10. A client's message of less than 24 bytes is fast-path input: all that is not has longer headers. Clients that do
 *      not know the fast path send 48 or 49 bytes for each input event. (rdp/tls-login, rdp/tls-rdesktop)
 *
 * Where the login takes place on the screen (TLS alone), nothing is said of it.
 */
#include "dissectors/rdp_shape.h"

#include "dissectors/login_failures.h"
#include "dissectors/rdp_record.h"

#include <stdio.h>

/* Rule 4: from here on, a first token is a Kerberos ticket. NTLM's with its names is shorter. */
#define NTLM_TOKEN_MOST 300
/* A TSRequest with a proof of the server's key: at least 16 bytes of signature and 32 of hash. */
#define PROOF_LEAST 50
/* A TSRequest with an error code alone. */
#define ERROR_MOST 30
#define EARLY_RESULT 4
#define CONNECT_RESPONSE_LEAST 60
#define LONG_LEAST 90
#define JOIN_REQUEST 12
#define ATTACH_CONFIRM 11
#define JOIN_CONFIRM 15
#define FINAL_MESSAGES 4
#define FINAL_BYTES 150
#define INPUT_MOST 23

const char *rdp_reached_name(enum rdp_reached reached)
{
    static const char *const names[] = {
        [RDP_REACHED_NEGOTIATION] = "negotiation",
        [RDP_REACHED_TLS] = "tls",
        [RDP_REACHED_AUTHENTICATION] = "authentication",
        [RDP_REACHED_MCS_CONNECT] = "mcs_connect",
        [RDP_REACHED_CHANNEL_JOIN] = "channel_join",
        [RDP_REACHED_LICENSING] = "licensing",
        [RDP_REACHED_CAPABILITIES] = "capabilities",
        [RDP_REACHED_ACTIVE] = "active",
    };

    return names[reached];
}

/* ---- sizes ---- */

/* The size is n, as far as the cipher shows. */
static bool fits(struct tls_payload size, uint16_t n)
{
    return size.low <= n && n <= size.high;
}

static bool fits_any(struct tls_payload size, uint16_t from, uint16_t to)
{
    return size.low <= to && from <= size.high;
}

/* ---- telling ---- */

static void tell(struct conversation *conversation, const struct rdp_message *message, const char *kind, const char *detail)
{
    const struct rdp_event row = {
        .flow_id = record_integer(conversation_flow(conversation)->flow_id),
        .time_us = record_integer(message->time_us),
        .kind = record_text_of(kind),
        .detail = record_text_of(detail),
        .from_side = record_text_of(side_name(message->from)),
    };

    conversation_write(conversation, &rdp_event_table, &row);
}

static void tell_size(struct conversation *conversation, const struct rdp_message *message, const char *kind)
{
    char detail[64];

    if (message->size.low == message->size.high)
        (void)snprintf(detail, sizeof detail, "%u bytes", message->size.low);
    else
        (void)snprintf(detail, sizeof detail, "%u to %u bytes", message->size.low, message->size.high);
    tell(conversation, message, kind, detail);
}

static void reach(struct rdp_shape *shape, enum rdp_reached reached)
{
    if (reached > shape->reached)
        shape->reached = reached;
}

/* A login's end is told once. */
static void decide(struct conversation *conversation, struct rdp_shape *shape, const struct rdp_message *message, enum rdp_login login, const char *basis)
{
    if (shape->login != RDP_LOGIN_UNKNOWN)
        return;
    shape->login = login;
    shape->basis = basis;
    tell(conversation, message, login == RDP_LOGIN_SUCCESS ? "login_success" : "login_failure", basis);
    if (login == RDP_LOGIN_FAILURE)
        login_failures_refused(conversation, "rdp", true);
    else
        login_failures_accepted(conversation, "rdp", bytes_of(NULL, 0));
}

/* ---- CredSSP ---- */

static bool is_ntlm(const struct rdp_shape *shape)
{
    return shape->client_tokens > 0 && shape->first_token <= NTLM_TOKEN_MOST;
}

/* What the client's held message turned out to be. */
static void settle_client_token(struct conversation *conversation, struct rdp_shape *shape, bool is_credentials)
{
    const struct rdp_message *held = &shape->held;

    if (is_credentials)
        tell_size(conversation, held, "nla_credentials");
    else if (!is_ntlm(shape) || shape->client_tokens > 2)
        tell_size(conversation, held, "nla_token");
    else
        tell_size(conversation, held, shape->client_tokens == 1 ? "nla_negotiate" : "nla_authenticate");
    shape->is_held = false;
}

/* The server's answer, once its turn is over. */
static void settle_server_token(struct conversation *conversation, struct rdp_shape *shape)
{
    const struct rdp_message *held = &shape->held;

    shape->is_held = false;
    shape->server_tokens++;
    if (is_ntlm(shape) && shape->client_tokens == 1) {
        tell_size(conversation, held, "nla_challenge");
    } else if (is_ntlm(shape) && shape->client_tokens == 2 && held->size.low >= PROOF_LEAST) {
        tell_size(conversation, held, "nla_proof");
    } else {
        tell_size(conversation, held, "nla_token");
    }
}

static void settle_held(struct conversation *conversation, struct rdp_shape *shape, bool is_credentials)
{
    if (!shape->is_held)
        return;
    if (shape->held.from == FROM_CLIENT)
        settle_client_token(conversation, shape, is_credentials);
    else
        settle_server_token(conversation, shape);
}

/* Rule 4, the server's part of it: an answer that has no room for a proof. */
static bool is_refusal(const struct rdp_shape *shape, const struct rdp_message *message)
{
    return is_ntlm(shape) && shape->client_tokens == 2 && shape->is_held && shape->held.from == FROM_CLIENT && message->size.high <= ERROR_MOST;
}

static void begin_connect(struct rdp_shape *shape, const struct rdp_message *message)
{
    shape->held = *message;
    shape->is_held = true;
    shape->step = RDP_STEP_CONNECT;
}

static void on_client_token(struct conversation *conversation, struct rdp_shape *shape, const struct rdp_message *message)
{
    bool is_second = shape->is_held && shape->held.from == FROM_CLIENT;

    if (is_second && (shape->client_tokens < 2 || shape->server_tokens == 0)) {
        shape->step = RDP_STEP_SILENT; /* no CredSSP that is known */
        return;
    }
    if (is_second || shape->saw_early_result) { /* rule 2 */
        settle_held(conversation, shape, true);
        begin_connect(shape, message);
        return;
    }
    settle_held(conversation, shape, false);
    if (shape->client_tokens++ == 0)
        shape->first_token = message->size.high;
    reach(shape, RDP_REACHED_AUTHENTICATION);
    shape->held = *message;
    shape->is_held = true;
}

/* Rule 1: the last message of its turn. What it follows there was of TLS, not of the session. */
static void hold_answer(struct rdp_shape *shape, const struct rdp_message *message)
{
    if (shape->is_held && shape->held.from == FROM_SERVER && shape->client_messages == 1)
        shape->payload[FROM_SERVER] -= shape->held.size.low;
    shape->held = *message;
    shape->is_held = true;
}

static void on_server_token(struct conversation *conversation, struct rdp_shape *shape, const struct rdp_message *message)
{
    if (shape->client_tokens == 0 || shape->saw_early_result)
        return;
    if (is_refusal(shape, message)) {
        settle_held(conversation, shape, false);
        tell_size(conversation, message, "nla_error");
        decide(conversation, shape, message, RDP_LOGIN_FAILURE, "NLA: an error code is all that answers authenticate");
        shape->step = RDP_STEP_SILENT;
        return;
    }
    if (shape->has_early_result && shape->client_tokens > 2 && fits(message->size, EARLY_RESULT)) {
        settle_held(conversation, shape, true);
        tell_size(conversation, message, "early_authorization");
        shape->saw_early_result = true;
        return;
    }
    if (shape->is_held && shape->held.from == FROM_CLIENT)
        settle_held(conversation, shape, false);
    hold_answer(shape, message);
}

/* ---- what follows ---- */

/* Rules 3 and 5. */
static void on_connect(struct conversation *conversation, struct rdp_shape *shape, const struct rdp_message *message)
{
    struct rdp_message answer;

    if (!shape->is_held) { /* TLS alone: the client's first message */
        if (message->from == FROM_CLIENT)
            begin_connect(shape, message);
        return;
    }
    if (message->from == FROM_SERVER) {
        if (shape->held.from == FROM_CLIENT)
            tell_size(conversation, &shape->held, "mcs_connect");
        hold_answer(shape, message);
        return;
    }
    if (shape->held.from == FROM_CLIENT || !fits(message->size, JOIN_REQUEST) || shape->held.size.high < CONNECT_RESPONSE_LEAST) {
        shape->step = RDP_STEP_SILENT; /* not as this is known to go on */
        return;
    }
    answer = shape->held;
    shape->is_held = false;
    reach(shape, RDP_REACHED_MCS_CONNECT);
    tell_size(conversation, &answer, "mcs_connect");
    if (shape->is_nla)
        decide(conversation, shape, &answer, RDP_LOGIN_SUCCESS, "NLA: credentials, and the server goes on with the MCS connect");
    shape->step = RDP_STEP_JOIN;
}

/* Rule 6. */
static void on_join(struct conversation *conversation, struct rdp_shape *shape, const struct rdp_message *message)
{
    char detail[64];

    if (message->from == FROM_SERVER) {
        if (fits(message->size, ATTACH_CONFIRM))
            reach(shape, RDP_REACHED_CHANNEL_JOIN);
        shape->joins += fits(message->size, JOIN_CONFIRM) && !fits(message->size, ATTACH_CONFIRM) ? 1 : 0;
        return;
    }
    if (message->size.low < LONG_LEAST)
        return;
    if (shape->joins > 0) {
        (void)snprintf(detail, sizeof detail, "%u channels", shape->joins);
        tell(conversation, message, "channels_joined", detail);
    }
    tell_size(conversation, message, "client_info");
    shape->step = RDP_STEP_LICENSE;
}

/* Rules 7 and 8. */
static void on_license(struct conversation *conversation, struct rdp_shape *shape, const struct rdp_message *message)
{
    if (message->from == FROM_SERVER) {
        if (message->size.low <= INPUT_MOST)
            return;
        reach(shape, RDP_REACHED_LICENSING);
        if (!shape->is_licensed && fits_any(message->size, 34, 35)) {
            shape->is_licensed = true;
            tell_size(conversation, message, "licensed");
        }
        return;
    }
    if (shape->is_held && fits_any(message->size, 36, 38) && message->size.low > INPUT_MOST) {
        tell_size(conversation, &shape->held, "capabilities");
        reach(shape, RDP_REACHED_CAPABILITIES);
        shape->is_held = false;
        shape->step = RDP_STEP_FINALIZE;
        return;
    }
    shape->is_held = message->size.low >= LONG_LEAST;
    shape->held = *message;
}

static bool is_fast_path_input(const struct rdp_message *message)
{
    return message->from == FROM_CLIENT && message->size.high <= INPUT_MOST;
}

static void become_active(struct conversation *conversation, struct rdp_shape *shape, const struct rdp_message *message)
{
    shape->step = RDP_STEP_ACTIVE;
    shape->active_us = message->time_us;
    shape->input_us = message->time_us;
    reach(shape, RDP_REACHED_ACTIVE);
    tell(conversation, message, "active", NULL);
}

/* Rule 9. */
static void on_final(struct conversation *conversation, struct rdp_shape *shape, const struct rdp_message *message)
{
    if (message->from == FROM_SERVER) {
        shape->final_messages++;
        shape->final_bytes += message->size.low;
    }
    if (shape->final_messages >= FINAL_MESSAGES || shape->final_bytes >= FINAL_BYTES || (is_fast_path_input(message) && shape->final_messages > 0))
        become_active(conversation, shape, message);
}

static void note_input(struct rdp_shape *shape, int64_t time_us)
{
    if (time_us - shape->input_us > shape->idle_us)
        shape->idle_us = time_us - shape->input_us;
    if (time_us > shape->input_us)
        shape->input_us = time_us;
}

/* Rule 10. */
static void on_active(struct rdp_shape *shape, const struct rdp_message *message)
{
    if (is_fast_path_input(message)) {
        shape->inputs++;
        note_input(shape, message->time_us);
    } else if (message->from == FROM_CLIENT && shape->inputs == 0 && fits_any(message->size, 48, 49) && message->size.low == message->size.high) {
        shape->slow_inputs++;
        note_input(shape, message->time_us);
    }
}

static void on_message(struct conversation *conversation, struct rdp_shape *shape, const struct rdp_message *message)
{
    switch (shape->step) {
    case RDP_STEP_SILENT:
        break;
    case RDP_STEP_NLA:
        if (message->from == FROM_CLIENT)
            on_client_token(conversation, shape, message);
        else
            on_server_token(conversation, shape, message);
        break;
    case RDP_STEP_CONNECT:
        on_connect(conversation, shape, message);
        break;
    case RDP_STEP_JOIN:
        on_join(conversation, shape, message);
        break;
    case RDP_STEP_LICENSE:
        on_license(conversation, shape, message);
        break;
    case RDP_STEP_FINALIZE:
        on_final(conversation, shape, message);
        break;
    case RDP_STEP_ACTIVE:
        on_active(shape, message);
        break;
    }
}

/* ---- the records ---- */

/* Protocols behind which TLS is followed by CredSSP, and those behind which it is followed by the connect. */
void rdp_shape_begin(struct rdp_shape *shape, bool has_selected, uint32_t selected)
{
    reach(shape, RDP_REACHED_NEGOTIATION);
    shape->is_encrypted = true;
    shape->is_nla = has_selected && (selected == RDP_PROTOCOL_HYBRID || selected == RDP_PROTOCOL_HYBRID_EX);
    shape->has_early_result = has_selected && selected == RDP_PROTOCOL_HYBRID_EX;
    if (shape->is_nla)
        shape->step = RDP_STEP_NLA;
    else if (has_selected && selected == RDP_PROTOCOL_SSL)
        shape->step = RDP_STEP_CONNECT;
}

/* An alert in the clear or not: two bytes. */
static bool is_alert(const struct tls_record *record)
{
    return record->type == TLS_ALERT || (record->is_exact && record->type == TLS_APPLICATION_DATA && record->payload.low == 2 && record->payload.high == 2);
}

/* Rule 4: the server ends it where its proof is awaited, or where the client may go on behind the early result. */
static void on_server_over(struct conversation *conversation, struct rdp_shape *shape, const char *basis)
{
    struct rdp_message message = {.from = FROM_SERVER, .time_us = conversation_now(conversation)};

    if (shape->step != RDP_STEP_NLA || shape->has_ended[FROM_CLIENT])
        return;
    if (shape->saw_early_result)
        decide(conversation, shape, &message, RDP_LOGIN_FAILURE, "NLA: the server ends it behind the early user authorization result");
    else if (is_ntlm(shape) && shape->client_tokens == 2 && shape->server_tokens > 0 && shape->is_held && shape->held.from == FROM_CLIENT) {
        settle_held(conversation, shape, false);
        decide(conversation, shape, &message, RDP_LOGIN_FAILURE, basis);
    }
    shape->step = RDP_STEP_SILENT;
}

static void on_client_over(struct conversation *conversation, struct rdp_shape *shape)
{
    if (shape->step != RDP_STEP_NLA || shape->has_ended[FROM_SERVER])
        return;
    settle_held(conversation, shape, false);
    shape->step = RDP_STEP_SILENT;
}

static void on_over(struct conversation *conversation, struct rdp_shape *shape, enum side from, const char *basis)
{
    if (from == FROM_SERVER)
        on_server_over(conversation, shape, basis);
    else
        on_client_over(conversation, shape);
    shape->has_ended[from] = true;
}

void rdp_shape_record(struct conversation *conversation, struct rdp_shape *shape, const struct tls_record *record)
{
    struct rdp_message message = {.from = record->from, .time_us = record->time_us, .size = record->payload};

    if (is_alert(record)) {
        on_over(conversation, shape, record->from, "NLA: an alert answers authenticate");
        return;
    }
    if (record->is_protected && record->from == FROM_CLIENT)
        reach(shape, RDP_REACHED_TLS);
    if (!record->is_protected || record->is_handshake || record->type != TLS_APPLICATION_DATA)
        return;
    if (!record->is_exact)
        shape->step = RDP_STEP_SILENT;
    shape->client_messages += record->from == FROM_CLIENT ? 1 : 0;
    if (shape->client_messages == 0)
        return; /* rule 1 */
    shape->is_inexact = shape->is_inexact || !record->is_exact || record->payload.low != record->payload.high;
    shape->payload[record->from] += record->payload.low;
    on_message(conversation, shape, &message);
}

void rdp_shape_lost(struct rdp_shape *shape, enum side from)
{
    shape->is_lost[from] = true;
    if (shape->step != RDP_STEP_ACTIVE)
        shape->step = RDP_STEP_SILENT;
}

void rdp_shape_end(struct conversation *conversation, struct rdp_shape *shape, enum side from, enum ending ending)
{
    if (ending == ENDING_FIN || ending == ENDING_RESET)
        on_over(conversation, shape, from, "NLA: the server ends the connection after authenticate");
    shape->has_ended[from] = true;
}

/* ---- without TLS ---- */

void rdp_shape_reached(struct conversation *conversation, struct rdp_shape *shape, enum rdp_reached reached)
{
    if (reached == RDP_REACHED_ACTIVE && shape->step != RDP_STEP_ACTIVE) {
        shape->step = RDP_STEP_ACTIVE;
        shape->active_us = conversation_now(conversation);
        shape->input_us = shape->active_us;
    }
    reach(shape, reached);
}

void rdp_shape_pdu(struct conversation *conversation, struct rdp_shape *shape, enum side from, size_t length, bool is_input)
{
    shape->payload[from] += length;
    if (!is_input)
        return;
    rdp_shape_reached(conversation, shape, RDP_REACHED_ACTIVE); /* nobody may send any before */
    shape->inputs++;
    note_input(shape, conversation_now(conversation));
}

void rdp_shape_note_input(struct conversation *conversation, struct rdp_shape *shape)
{
    if (shape->step != RDP_STEP_ACTIVE)
        return;
    shape->slow_inputs++;
    note_input(shape, conversation_now(conversation));
}

/* ---- what the row says ---- */

/* Whether the client's input would have been seen. */
static bool sees_input(const struct rdp_shape *shape)
{
    return !shape->is_lost[FROM_CLIENT] && !(shape->is_hidden && shape->inputs == 0);
}

int64_t rdp_shape_idle_us(const struct rdp_shape *shape, int64_t now_us)
{
    int64_t since_us = now_us - shape->input_us;

    if (shape->step != RDP_STEP_ACTIVE || !sees_input(shape))
        return -1;
    return since_us > shape->idle_us ? since_us : shape->idle_us;
}

bool rdp_shape_has_payload(const struct rdp_shape *shape, enum side from)
{
    enum rdp_reached least = shape->is_encrypted ? RDP_REACHED_AUTHENTICATION : RDP_REACHED_MCS_CONNECT;

    return shape->reached >= least && shape->payload[from] > 0 && !shape->is_inexact && !shape->is_lost[from];
}

const char *rdp_shape_basis(const struct rdp_shape *shape)
{
    if (shape->basis != NULL)
        return shape->basis;
    return shape->is_encrypted && shape->reached > RDP_REACHED_TLS ? "sizes and order of TLS records" : NULL;
}

int rdp_shape_interactive(const struct rdp_shape *shape)
{
    uint64_t inputs = shape->inputs > shape->slow_inputs ? shape->inputs : shape->slow_inputs;

    if (shape->step != RDP_STEP_ACTIVE)
        return -1;
    if (inputs >= RDP_SHAPE_INPUTS_MANY)
        return 1;
    return inputs <= RDP_SHAPE_INPUTS_FEW && sees_input(shape) ? 0 : -1;
}

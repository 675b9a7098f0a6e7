/*
 * rdp_shape.h - what an RDP session shows without keys: its phases, the login, who is at work, by the sizes, the order and the
 * times of its messages. Inside TLS a message is a record: everybody who is known writes each PDU as one.
 *
 * What is inferred rests on the numbered rules in rdp_shape.c. Where a rule does not hold, nothing is said.
 */
#ifndef WIRESCRIBE_DISSECTORS_RDP_SHAPE_H
#define WIRESCRIBE_DISSECTORS_RDP_SHAPE_H

#include "dissectors/tls.h"

/* How far a session came, in its order. */
enum rdp_reached {
    RDP_REACHED_NOTHING,
    RDP_REACHED_NEGOTIATION,    /* a connection request or confirm was seen */
    RDP_REACHED_TLS,            /* the TLS handshake is over */
    RDP_REACHED_AUTHENTICATION, /* CredSSP began */
    RDP_REACHED_MCS_CONNECT,
    RDP_REACHED_CHANNEL_JOIN,
    RDP_REACHED_LICENSING,
    RDP_REACHED_CAPABILITIES,
    RDP_REACHED_ACTIVE,
};

/* Its name in rdp_sessions; NULL for RDP_REACHED_NOTHING. */
const char *rdp_reached_name(enum rdp_reached reached);

enum rdp_login {
    RDP_LOGIN_UNKNOWN,
    RDP_LOGIN_SUCCESS,
    RDP_LOGIN_FAILURE,
};

/* The state of the machine; see the diagram in rdp_shape.c. */
enum rdp_step {
    RDP_STEP_SILENT, /* nothing is inferred (any more) */
    RDP_STEP_NLA,
    RDP_STEP_CONNECT,
    RDP_STEP_JOIN,
    RDP_STEP_LICENSE,
    RDP_STEP_FINALIZE,
    RDP_STEP_ACTIVE,
};

struct rdp_message {
    enum side from;
    int64_t time_us;
    struct tls_payload size;
};

struct rdp_shape {
    enum rdp_step step;
    enum rdp_reached reached;
    bool is_nla;
    bool has_early_result;   /* HYBRID_EX: the server tells the client in 4 bytes whether it may log in */
    bool is_encrypted;       /* by TLS: sizes alone are known */
    bool is_hidden;          /* without TLS: PDUs of the client could not be opened, and may be input of the slow path */
    bool is_inexact;         /* a record's payload is only known within limits */
    bool is_lost[SIDE_COUNT];
    bool has_ended[SIDE_COUNT];
    struct rdp_message held; /* the newest one: what it is, the next one tells */
    bool is_held;
    uint64_t client_messages;
    unsigned client_tokens;  /* of CredSSP */
    unsigned server_tokens;
    uint16_t first_token;    /* the most that the client's first one may have */
    bool saw_early_result;
    unsigned joins;
    bool is_licensed;
    unsigned final_messages; /* of the server behind the client's capabilities */
    uint32_t final_bytes;
    enum rdp_login login;
    const char *basis;       /* of the login; NULL where nothing is inferred */
    uint64_t payload[SIDE_COUNT];
    int64_t active_us;
    int64_t input_us;        /* the newest input, else when the desktop became active */
    int64_t idle_us;         /* the longest stretch without input so far */
    uint64_t inputs;
    uint64_t slow_inputs;
};

/* TLS begins behind the negotiation. `selected`: the protocol that the server chose; has_selected: its answer was seen. */
void rdp_shape_begin(struct rdp_shape *shape, bool has_selected, uint32_t selected);
void rdp_shape_record(struct conversation *conversation, struct rdp_shape *shape, const struct tls_record *record);
/* Records of this side are missing. */
void rdp_shape_lost(struct rdp_shape *shape, enum side from);
void rdp_shape_end(struct conversation *conversation, struct rdp_shape *shape, enum side from, enum ending ending);

/* A PDU of a session without TLS, behind the MCS connect. is_input: it is the client's fast-path input. */
void rdp_shape_pdu(struct conversation *conversation, struct rdp_shape *shape, enum side from, size_t length, bool is_input);

/* The same of an input event of the slow path, whose PDU is counted already. */
void rdp_shape_note_input(struct conversation *conversation, struct rdp_shape *shape);

/* The session came so far, as its PDUs say. */
void rdp_shape_reached(struct conversation *conversation, struct rdp_shape *shape, enum rdp_reached reached);

/* Microseconds of the longest stretch without input from the active desktop up to now; -1: it is not known. */
int64_t rdp_shape_idle_us(const struct rdp_shape *shape, int64_t now_us);

/* Whether `payload` is all that this side said, of the session itself. */
bool rdp_shape_has_payload(const struct rdp_shape *shape, enum side from);

/* What the inference rests on; NULL where nothing was inferred. */
const char *rdp_shape_basis(const struct rdp_shape *shape);

/* So many inputs, and somebody is at work; so few come by themselves when a client's window opens. */
#define RDP_SHAPE_INPUTS_MANY 16
#define RDP_SHAPE_INPUTS_FEW 10
/* 1, 0, or -1: it is not known. */
int rdp_shape_interactive(const struct rdp_shape *shape);

#endif

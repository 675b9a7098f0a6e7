/*
 * ssh_activity_state.h - what the parts of ssh_activity share.
 *
 * Units are put together to turns: what one side sends until the other side speaks. TCP's segments, and whether packets can
 * be told apart, then matter little: the sum of a turn is the sum of its packets. The first turns are kept, until a rule of
 * ssh_activity_rules.c names the activity from them; they are then told again to what follows that activity, and from there
 * on each turn goes there at once.
 */
#ifndef WIRESCRIBE_DISSECTORS_SSH_ACTIVITY_STATE_H
#define WIRESCRIBE_DISSECTORS_SSH_ACTIVITY_STATE_H

#include "dissectors/ssh_activity.h"

#define SSH_TURN_PARTS 10                /* units of a turn that are kept one by one */
#define SSH_TURNS_KEPT 64                /* turns that are kept until the activity is known; then it never will be */
#define SSH_AT_ONCE_US ((int64_t)600000) /* a program answers within this, path included; a person seldom */
#define SSH_TOGETHER_US ((int64_t)15000) /* what was sent by one call arrives within this */
#define SSH_BULK 100                     /* payload bytes from which a unit holds data of a file rather than a request */

enum ssh_activity_kind {
    SSH_ACTIVITY_UNKNOWN,
    SSH_ACTIVITY_SHELL,
    SSH_ACTIVITY_COMMAND,
    SSH_ACTIVITY_SFTP,
    SSH_ACTIVITY_SCP,
    SSH_ACTIVITY_TUNNEL,
    SSH_ACTIVITY_NONE,
};

/* Payload lengths of the connection protocol's messages (RFC 4254) that never vary. */
enum ssh_payload {
    SSH_PAYLOAD_ONE = 1,          /* REQUEST_FAILURE, NEWKEYS, USERAUTH_SUCCESS */
    SSH_PAYLOAD_CHANNEL = 5,      /* CHANNEL_SUCCESS, FAILURE, EOF, CLOSE: the channel's number and no more */
    SSH_PAYLOAD_ADJUST = 9,       /* CHANNEL_WINDOW_ADJUST */
    SSH_PAYLOAD_DATA = 9,         /* CHANNEL_DATA adds so much to what it carries */
    SSH_PAYLOAD_KEY = 10,         /* one byte of data */
    SSH_PAYLOAD_ARROW = 12,       /* ESC [ A */
    SSH_PAYLOAD_SHELL = 15,       /* CHANNEL_REQUEST "shell" */
    SSH_PAYLOAD_CONFIRMED = 17,   /* CHANNEL_OPEN_CONFIRMATION */
    SSH_PAYLOAD_SFTP_INIT = 18,   /* SSH_FXP_INIT without extensions */
    SSH_PAYLOAD_SESSION = 24,     /* CHANNEL_OPEN "session" */
    SSH_PAYLOAD_SUBSYSTEM = 27,   /* CHANNEL_REQUEST "subsystem" "sftp" */
    SSH_PAYLOAD_SFTP_HANDLE = 26, /* SSH_FXP_HANDLE, and CLOSE, of OpenSSH's handles of 4 bytes */
    SSH_PAYLOAD_KEEP_ALIVE = 27,  /* GLOBAL_REQUEST "keepalive@openssh.com" */
    SSH_PAYLOAD_KEEP_ALIVE_IN_CHANNEL = 31,
    SSH_PAYLOAD_NO_MORE = 34,       /* GLOBAL_REQUEST "no-more-sessions@openssh.com" */
    SSH_PAYLOAD_AGENT_REQUEST = 36, /* CHANNEL_REQUEST "auth-agent-req@openssh.com" */
    SSH_PAYLOAD_STATUS = 37,        /* SSH_FXP_STATUS "Success" */
    SSH_PAYLOAD_AGENT_CHANNEL = 39, /* CHANNEL_OPEN "auth-agent@openssh.com" */
    SSH_PAYLOAD_SFTP_LIMITS = 40,   /* SSH_FXP_EXTENDED "limits@openssh.com" */
    SSH_PAYLOAD_DIRECT_LEAST = 47,  /* CHANNEL_OPEN "direct-tcpip": 45 and two addresses */
};

struct ssh_turn {
    enum side from;
    bool after_gap;
    bool is_compressed;
    unsigned count; /* units in it */
    uint64_t wire;  /* their bytes */
    int64_t start_us;
    int64_t end_us;
    uint32_t part[SSH_TURN_PARTS];
    uint32_t part_us[SSH_TURN_PARTS]; /* since start_us */
    int64_t besides[SIDE_COUNT];      /* up to its end: bytes of each side that are missing in units, less those of key exchanges in units */
};

/* Keys typed, told from what answers them; ssh_activity_typing.c. */
struct ssh_typing {
    int64_t last_us; /* the newest key */
    int64_t line_start_us;
    uint32_t waiting_units;
    uint32_t units;       /* small client units that were answered */
    uint32_t moments;     /* times at which there were any */
    uint32_t odd_moments; /* of these, with an odd number of them */
    uint32_t line_keys;   /* since the last answer that was more than an echo */
    uint32_t line_silent; /* of these, without an echo */
    uint32_t echoes;
    uint32_t outputs;
    uint32_t steady; /* consecutive keys in the cadence of OpenSSH's obfuscation */
    uint64_t output; /* bytes of the server since the last small unit of the client */
    bool is_obfuscated;
    bool has_gap;  /* bytes of the client are missing */
    bool has_more; /* another channel is open beside the shell's */
};

/* Files, of sftp and of scp; ssh_activity_files.c. */
struct ssh_files {
    bool is_open;        /* between a file's opening and its closing */
    bool may_be_listing; /* what came may be a directory's listing: sizes do not tell */
    bool expects_data;   /* scp: the file's line was sent, and what follows is the file */
    enum side line_from; /* scp: who sends the file */
    bool is_uncertain;   /* the total can not be told */
    bool is_compressed;
    uint64_t wire[SIDE_COUNT];    /* bytes of the file that is open */
    uint64_t packets[SIDE_COUNT]; /* that they came in, where that is known */
    uint64_t asked;               /* bytes of the client's turns */
    uint64_t answered;            /* bytes of the server's turns, data or not */
    bool was_data;                /* the server's newest turn was data */
    bool has_gap;
    int64_t before[SIDE_COUNT]; /* ssh_turn.besides when the file began, and in the newest turn */
    int64_t now[SIDE_COUNT];
    int64_t start_us;
    uint64_t total[SIDE_COUNT];
    uint32_t count[SIDE_COUNT];
    uint64_t bulk[SIDE_COUNT]; /* compressed: bytes of large turns */
    bool small_chunks;         /* PuTTY moves 4096 bytes a request */
    bool server_is_openssh;
};

/* Keys exchanged again; ssh_activity_rekey.c. */
struct ssh_rekeying {
    uint32_t count;
    int64_t time_us;             /* of the newest */
    bool was_seen[SIDE_COUNT];   /* in the newest, that side's KEXINIT was a unit of its own */
    unsigned skips[SIDE_COUNT];  /* units that still belong to it at most, where packets are known */
    uint64_t hidden[SIDE_COUNT]; /* bytes of it among the data of the file that is open */
};

struct ssh_activity {
    const struct ssh_shape *shape;
    struct ssh_turn turn;                     /* the one that goes on; count 0: none */
    struct ssh_turn kept[SSH_TURNS_KEPT + 2]; /* the last two stay empty: what stands behind the newest */
    unsigned turns;                           /* kept */
    unsigned data_from;                       /* of these, the first that belongs to what was asked for */
    bool is_full;
    bool is_loud; /* and since then the client has sent more than keep-alives are */
    enum ssh_activity_kind kind;
    const char *detail;
    const char *basis;
    bool has_session;  /* a session channel was opened */
    bool has_terminal; /* pty-req was answered */
    bool uses_sftp;    /* files move by sftp's requests */
    struct ssh_rekeying rekeying;
    uint32_t keep_alives[SIDE_COUNT]; /* by the side that asks */
    uint32_t forwards[SIDE_COUNT];    /* channels opened, by the side that opened */
    uint32_t forward_wire;            /* the size of the first open */
    bool forwards_differ;
    struct ssh_turn before; /* the turn before the newest */
    struct ssh_typing typing;
    struct ssh_files files;
};

/* ---- sizes; ssh_activity.c ---- */

/* The bytes on the wire of one packet with that payload; 0: the layout is not known. */
uint32_t ssh_activity_wire(const struct ssh_activity *activity, enum side from, uint32_t payload);

/* Whether so many bytes can be one packet of that payload; of compressed ones, if it is about that. */
bool ssh_activity_is(const struct ssh_activity *activity, const struct ssh_turn *turn, uint64_t wire, uint32_t payload);

/* Whether so many bytes are no more than a packet of that payload. */
bool ssh_activity_at_most(const struct ssh_activity *activity, const struct ssh_turn *turn, uint64_t wire, uint32_t payload);

/* The payload of so many bytes, if they are as many packets as `packets`; half of the padding's uncertainty taken off. */
uint64_t ssh_activity_payload(const struct ssh_activity *activity, enum side from, uint64_t wire, uint64_t packets);

/* A row of ssh_events with that basis. */
void ssh_activity_tell(struct conversation *conversation, struct ssh *ssh, int64_t time_us, const char *kind, const char *basis, const char *detail,
                       ...) __attribute__((format(printf, 6, 7)));

/* ---- ssh_activity_rules.c ---- */

/* Names the activity from the turns that are kept, if a rule holds. `is_over`: no more will come. True when it has. */
bool ssh_activity_decide(const struct ssh *ssh, struct ssh_activity *activity, bool is_over);

/* ---- ssh_activity_rekey.c ---- */

/* Whether this unit belongs to keys that are exchanged again, and is not for anybody else. */
bool ssh_rekeying_takes(const struct ssh *ssh, struct ssh_activity *activity, const struct ssh_unit *unit);

/* ---- what follows an activity ---- */

void ssh_typing_on_turn(struct conversation *conversation, struct ssh *ssh, struct ssh_activity *activity, const struct ssh_turn *turn);
void ssh_typing_end(struct conversation *conversation, struct ssh *ssh, struct ssh_activity *activity);
/* False: they can not be told. */
bool ssh_typing_keys(const struct ssh_activity *activity, uint32_t *keys);

void ssh_files_on_turn(struct conversation *conversation, struct ssh *ssh, struct ssh_activity *activity, const struct ssh_turn *turn);
/* Compressed, or nothing known of requests: only which way most of it went. */
void ssh_files_end(struct conversation *conversation, struct ssh *ssh, struct ssh_activity *activity);

/* Channels that either side opens, keep-alives. */
void ssh_channels_on_turn(struct conversation *conversation, struct ssh *ssh, struct ssh_activity *activity, const struct ssh_turn *turn);

#endif

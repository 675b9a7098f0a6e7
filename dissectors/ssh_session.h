/*
 * ssh_session.h - what the parts of the SSH dissector share.
 */
#ifndef WIRESCRIBE_DISSECTORS_SSH_SESSION_H
#define WIRESCRIBE_DISSECTORS_SSH_SESSION_H

#include "base/digest.h"
#include "base/text.h"
#include "dissectors/dissector.h"
#include "dissectors/ssh_agent.h"
#include "dissectors/ssh_auth.h"
#include "dissectors/ssh_host_key.h"
#include "dissectors/ssh_record.h"
#include "dissectors/ssh_rekey.h"
#include "dissectors/ssh_shape.h"

#define SSH_IDENTIFICATION_LIMIT 255      /* RFC 4253, 4.2, its CR LF included; longer is a finding */
#define SSH_IDENTIFICATION_WAIT 8192      /* implementations accept longer ones; so far the line's end is waited for */
#define SSH_TEXT_BEFORE_LIMIT (256 << 10) /* lines before the identification; more and the side is given up */
#define SSH_TEXT_KEPT_LIMIT 2048          /* what is kept of them */
#define SSH_PACKET_LIMIT (256 << 10)      /* the longest packet in the clear: RFC 4253, 6.1 asks for 35000, OpenSSH takes this */
#define SSH_PACKET_SHORTEST 6             /* the padding's length, a message number, 4 bytes of padding */
#define SSH_PACKET_START 6                /* bytes that tell a packet's length, padding and message number */
#define SSH_EVENTS_LIMIT 1000             /* rows of ssh_events for one connection */
#define SSH_DETAIL_LIMIT 4096             /* bytes of one event's detail, and of a disconnect's text */
#define SSH_KEX_MESSAGES_LIMIT 8          /* messages of the key exchange that may wait for both KEXINITs */

struct ssh_activity;

/* RFC 4250, 4.1.2; the range of the key exchange means what the method says (ssh_kex.c). */
enum ssh_message {
    SSH_MSG_DISCONNECT = 1,
    SSH_MSG_IGNORE = 2,
    SSH_MSG_UNIMPLEMENTED = 3,
    SSH_MSG_DEBUG = 4,
    SSH_MSG_KEXINIT = 20,
    SSH_MSG_NEWKEYS = 21,
    SSH_MSG_KEX_FIRST = 30,
    SSH_MSG_KEX_LAST = 49,
};

/* The name-lists of a KEXINIT, in its order (RFC 4253, 7.1). */
enum ssh_list {
    SSH_KEX,
    SSH_HOST_KEY,
    SSH_CIPHER_TO_SERVER,
    SSH_CIPHER_TO_CLIENT,
    SSH_MAC_TO_SERVER,
    SSH_MAC_TO_CLIENT,
    SSH_COMPRESSION_TO_SERVER,
    SSH_COMPRESSION_TO_CLIENT,
    SSH_LANGUAGE_TO_SERVER,
    SSH_LANGUAGE_TO_CLIENT,
    SSH_LISTS,
};

/*
 *   IDENTIFICATION --ssh_on_line()--> PACKETS --NEWKEYS--> ENCRYPTED
 *         |                             | |                    ^
 *         +--gap--> AFTER_GAP <--gap----+ +--no SSH 2 packet--> PASSED_OVER
 *                      |                                       ^
 *                      +--on_data_after_gap(): back to any of--+
 */
enum ssh_phase {
    SSH_IDENTIFICATION, /* at the start of a line */
    SSH_TEXT_BEFORE,    /* inside a line that is not the identification */
    SSH_PACKETS,
    SSH_AFTER_GAP,
    SSH_ENCRYPTED,   /* behind NEWKEYS, or behind a gap in which it was */
    SSH_PASSED_OVER, /* not to be followed */
};

/* Whether the packet that a side sent behind its KEXINIT without waiting fits what was agreed on. */
enum ssh_guess {
    SSH_GUESS_NONE, /* there was none, or it is not known */
    SSH_GUESS_RIGHT,
    SSH_GUESS_WRONG,
};

/* One message of the key exchange. */
struct ssh_kex_message {
    int64_t time_us;
    enum side from;
    uint8_t number;
    bool holds_key;     /* a host key was in it */
    bool is_group;      /* it is the group of a group exchange, or asks for one */
    uint32_t payload;   /* its bytes behind the message's number */
    uint32_t value;     /* bytes of the exchange value, where it has one */
    struct text detail; /* what else there is to say */
};

struct ssh_side {
    enum ssh_phase phase;
    uint32_t text_before; /* bytes of lines before the identification */
    uint32_t packet_left; /* of a packet that is being skipped */
    bool has_newkeys;     /* its NEWKEYS was seen */
    bool has_gap;         /* bytes before its NEWKEYS are missing: what lies behind them was read when they were given up, not when it came */
    bool has_ended;       /* by FIN or RST */
    int64_t read_us;      /* when its newest bytes came */
    uint32_t read_now;    /* bytes that were read at that time, in the clear */
    int64_t newkeys_us;
    struct text identification;
    struct text text;    /* the lines before it, as far as they are kept */
    struct text kexinit; /* the name-lists, until its row is written */
    bool has_kexinit;
    int64_t kexinit_us;
    uint8_t cookie[16];
    bool guess_follows; /* first_kex_packet_follows */
    enum ssh_guess guess;
    bool skips_guess;      /* its next key exchange packet was a wrong guess */
    unsigned kex_messages; /* so far */
    bool offers_strict_kex;
    bool offers_ext_info;
    bool has_hassh;
    char hassh[DIGEST_HEX_SIZE];
};

/* The group of a Diffie-Hellman exchange. */
struct ssh_group {
    struct record_integer least; /* asked for by the client (RFC 4419) */
    struct record_integer preferred;
    struct record_integer most;
    struct record_integer bits;
    struct record_integer generator;
};

/* SSH_MSG_DISCONNECT in the clear. */
struct ssh_disconnect {
    bool is_known;
    enum side by;
    bool has_reason; /* SSH 1 gives none */
    uint32_t reason;
    struct text text;
};

/* What SSH 1's SSH_SMSG_PUBLIC_KEY says. */
struct ssh_version1 {
    bool has_public_key;
    uint32_t server_key_bits;
    uint32_t ciphers; /* a bit each */
    uint32_t authentications;
    struct record_integer cipher; /* chosen by the client */
};

struct ssh {
    struct ssh_side side[SIDE_COUNT];
    bool is_negotiated;
    struct text chosen[SSH_LISTS];
    struct ssh_shape shape; /* of what comes behind NEWKEYS */
    struct ssh_auth auth;
    struct ssh_rekey rekey;
    struct ssh_agent agent;
    struct ssh_activity *activity; /* owned; NULL before USERAUTH_SUCCESS */
    struct text basis;             /* of the columns that are inferred */
    struct ssh_key host_key;
    struct text signature; /* the algorithm of the host key's signature */
    struct ssh_group group;
    struct ssh_kex_message waiting[SSH_KEX_MESSAGES_LIMIT]; /* until both KEXINITs tell what they mean */
    unsigned waiting_count;
    struct ssh_disconnect disconnect;
    struct ssh_version1 version1;
    unsigned events; /* rows of ssh_events so far */
    bool told_events_limit;
};

/* A string (RFC 4251, 5): its length and its bytes. */
static inline struct bytes ssh_take_string(struct cursor *cursor)
{
    return take_bytes(cursor, take_u32_be(cursor));
}

/* ---- ssh_identification.c ---- */

/* "SSH-" and a digit; MATCH_MAYBE for a beginning of it. */
enum match ssh_match_identification(struct bytes bytes);
enum match ssh_match(const struct first_bytes *first);
/* The same, of an SSH connection whose sides are open: MATCH_NO where the other orientation is the right one. */
enum match ssh_match_sides(const struct first_bytes *first);

/* At the start of a line. */
enum verdict ssh_on_line(struct conversation *conversation, struct ssh *ssh, enum side from, struct cursor *bytes);

/* Inside a line before the identification; kept up to SSH_TEXT_KEPT_LIMIT. */
void ssh_on_text_before(struct conversation *conversation, struct ssh *ssh, enum side from, struct cursor *bytes);

/* Whether what was said so far leaves SSH 1 alone. */
bool ssh_is_version1(const struct ssh *ssh);

/* The version that both can speak (RFC 4253, 5.1), or that the only one seen names; empty where there is none. */
struct bytes ssh_agreed_version(const struct ssh *ssh);

/* What an identification says of its software; each may be empty, and borrows from it. */
struct ssh_software {
    struct bytes name;    /* "OpenSSH" */
    struct bytes version; /* "9.2p1" */
    struct bytes comment; /* "Debian-2+deb12u3" */
};
struct ssh_software ssh_software_of(const struct ssh_side *side);

/* ---- ssh_kexinit.c ---- */

void ssh_on_kexinit(struct conversation *conversation, struct ssh *ssh, enum side from, struct cursor payload);

/* Writes the rows of ssh_kexinits that are not written yet. */
void ssh_write_kexinits(struct conversation *conversation, struct ssh *ssh);

/* ---- ssh_kex.c ---- */

/* A message from SSH_MSG_KEX_FIRST to SSH_MSG_KEX_LAST. */
void ssh_on_kex_message(struct conversation *conversation, struct ssh *ssh, enum side from, uint8_t number, struct cursor payload);

/* Both KEXINITs are there, or the connection is over: tells the messages that waited. */
void ssh_tell_kex_messages(struct conversation *conversation, struct ssh *ssh);

/* What this side said of the key exchange so far was a wrong guess: nothing of it counts. */
void ssh_drop_kex_messages(struct ssh *ssh, enum side from);

/* ---- ssh_plain.c ---- */

/* SSH_MSG_DISCONNECT, SSH_MSG_UNIMPLEMENTED or SSH_MSG_DEBUG in the clear; `message` of SSH_MSG_IGNORE: `payload` is empty. */
void ssh_on_plain_message(struct conversation *conversation, struct ssh *ssh, enum side from, uint8_t message, struct cursor payload);

/* RFC 4250, 4.2.2; NULL where the number has no name. */
const char *ssh_disconnect_reason(uint32_t reason);

/* ---- ssh_version1.c ---- */

/* The next packet of SSH 1. */
enum verdict ssh_on_version1_packet(struct conversation *conversation, struct ssh *ssh, enum side from, struct cursor *bytes);

/* Names of the ciphers, and of the ways to log in, whose bits are set; joined by commas. */
void ssh_version1_ciphers(uint32_t bits, struct text *names);
void ssh_version1_authentications(uint32_t bits, struct text *names);

/* NULL where the number has no name. */
const char *ssh_version1_cipher(int64_t number);

/* ---- ssh_weak.c ---- */

/* The findings about what was negotiated: both KEXINITs are there. */
void ssh_find_weak_algorithms(struct conversation *conversation, const struct ssh *ssh);

/* The findings about the host key, and about the group, once they are known. */
void ssh_find_weak_key(struct conversation *conversation, const struct ssh *ssh);
void ssh_find_weak_group(struct conversation *conversation, const struct ssh *ssh);

/* The connection is SSH. */
void ssh_find_unusual_port(struct conversation *conversation);

/* ---- ssh_encrypted.c: what one side sends behind its NEWKEYS ---- */

/*
 * The encrypted bytes of one side begin with the next byte. `side->has_newkeys`: right behind its NEWKEYS; else NEWKEYS
 * was in a gap, and the bytes may begin inside a packet. Once a side, and before the three below.
 */
void ssh_encrypted_begin(struct conversation *conversation, struct ssh *ssh, enum side from);

/* The next bytes of it; conversation_now is their time. */
void ssh_encrypted_data(struct conversation *conversation, struct ssh *ssh, enum side from, struct bytes bytes);

/* `count` of its bytes are missing. */
void ssh_encrypted_gap(struct conversation *conversation, struct ssh *ssh, enum side from, uint64_t count);

/* The side ended. */
void ssh_encrypted_end(struct conversation *conversation, struct ssh *ssh, enum side from, enum ending ending);

/* Sets the columns that are inferred; also while the session goes on. The texts must stay until ssh_encrypted_close. */
void ssh_encrypted_fill(struct conversation *conversation, struct ssh *ssh, struct ssh_session *row);

/* The connection is over: before its row is filled for the last time, so that what waits can be judged. */
void ssh_encrypted_finish(struct conversation *conversation, struct ssh *ssh);

/* Frees what these functions keep. */
void ssh_encrypted_close(struct ssh *ssh);

/* ---- ssh_probe.c ---- */

/* How far a client went that left without asking for a login: 'version', 'kex', 'auth_methods'; NULL: it did ask, or it is not known. */
const char *ssh_probe_of(const struct conversation *conversation, const struct ssh *ssh);

/* The connection is over: its finding. */
void ssh_probe_tell(struct conversation *conversation, const struct ssh *ssh);

/* Sets probe and known_host. */
void ssh_probe_fill(const struct conversation *conversation, const struct ssh *ssh, struct ssh_session *row);

/* ---- ssh_rows.c ---- */

/*
 * Writes one row of ssh_events, for the present time. `kind` and `basis` are fixed phrases; detail and basis may be NULL. At
 * most SSH_EVENTS_LIMIT a connection, then one finding.
 */
void ssh_tell(struct conversation *conversation, struct ssh *ssh, const char *kind, const char *detail, const char *basis);

/* The same for another time, and with bytes from the wire in whatever state. */
void ssh_tell_at(struct conversation *conversation, struct ssh *ssh, int64_t time_us, const char *kind, struct bytes detail, const char *basis);

/*
 * The time of what this side says in the clear; 0, which is NULL in a row, behind a gap: there the present time is that at which
 * the missing bytes were given up.
 */
int64_t ssh_time_of(const struct conversation *conversation, enum side from);

/* The row of the session, as far as it is known. */
void ssh_write_session(struct conversation *conversation, struct ssh *ssh);

#endif

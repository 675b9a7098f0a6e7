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
#include "dissectors/ssh_record.h"
#include "dissectors/ssh_rekey.h"
#include "dissectors/ssh_shape.h"

#define SSH_IDENTIFICATION_LIMIT 255      /* RFC 4253, 4.2, its CR LF included; longer is a finding */
#define SSH_IDENTIFICATION_WAIT 8192      /* implementations accept longer ones; so far the line's end is waited for */
#define SSH_TEXT_BEFORE_LIMIT (256 << 10) /* lines before the identification; more and the side is given up */
#define SSH_PACKET_LIMIT (256 << 10)      /* the longest packet in the clear: RFC 4253, 6.1 asks for 35000, OpenSSH takes this */
#define SSH_PACKET_SHORTEST 6             /* the padding's length, a message number, 4 bytes of padding */
#define SSH_NAME_LIMIT 1024               /* one algorithm's name; RFC 4251, 6 allows 64 */
#define SSH_PACKET_START 6                /* bytes that tell a packet's length, padding and message number */
#define SSH_EVENTS_LIMIT 1000             /* rows of ssh_events for one connection */

/* RFC 4250, 4.1.2; RFC 4419, 5; RFC 5656, 7.1 */
struct ssh_activity;

enum ssh_message {
    SSH_MSG_KEXINIT = 20,
    SSH_MSG_NEWKEYS = 21,
    SSH_MSG_KEX_REPLY = 31,     /* KEXDH_REPLY, KEX_ECDH_REPLY; the group in a group exchange */
    SSH_MSG_KEX_GEX_REPLY = 33, /* also the host key in a GSS exchange */
    SSH_MSG_KEX_LAST = 49,      /* the range of the key exchange ends here */
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
    SSH_LISTS, /* the two lists of languages behind them are not used by anyone */
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

struct ssh_side {
    enum ssh_phase phase;
    uint32_t text_before; /* bytes of lines before the identification */
    uint32_t packet_left; /* of a packet that is being skipped */
    bool has_newkeys;     /* its NEWKEYS was seen */
    bool has_ended;       /* by FIN or RST */
    int64_t read_us;      /* when its newest bytes came */
    uint32_t read_now;    /* bytes that were read at that time, in the clear */
    struct text identification;
    struct text kexinit; /* the name-lists, until both sides' are there */
    bool has_kexinit;
    bool guess_follows; /* first_kex_packet_follows */
    bool offers_strict_kex;
    bool has_hassh;
    char hassh[DIGEST_HEX_SIZE];
};

struct ssh {
    struct ssh_side side[SIDE_COUNT];
    bool is_negotiated;
    bool skips_server_guess; /* the server's next key exchange packet was a wrong guess */
    struct text chosen[SSH_LISTS];
    bool has_fingerprint;
    char fingerprint[DIGEST_BASE64_SIZE];
    struct ssh_shape shape; /* of what comes behind NEWKEYS */
    struct ssh_auth auth;
    struct ssh_rekey rekey;
    struct ssh_agent agent;
    struct ssh_activity *activity; /* owned; NULL before USERAUTH_SUCCESS */
    struct text basis;             /* of the columns that are inferred */
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

/* At the start of a line. */
enum verdict ssh_on_line(struct conversation *conversation, struct ssh_side *side, enum side from, struct cursor *bytes);

/* Inside a line before the identification: passed over, never kept. */
void ssh_on_text_before(struct ssh_side *side, struct cursor *bytes);

bool ssh_speaks_only_ssh1(const struct ssh_side *side);

/* A side that says 1.99 speaks both versions: then the other side decides (RFC 4253, 5.1). Empty where it is not known. */
struct bytes ssh_agreed_version(const struct ssh *ssh);

/* ---- ssh_kexinit.c ---- */

void ssh_on_kexinit(struct ssh *ssh, enum side from, struct cursor payload);

/* ---- ssh_host_key.c ---- */

/* A message of the key exchange that may hold the host key. */
void ssh_on_server_kex_message(struct ssh *ssh, uint8_t message, struct cursor payload);

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

/* The row of the session, as far as it is known. */
void ssh_write_session(struct conversation *conversation, struct ssh *ssh);

#endif

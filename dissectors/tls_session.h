/*
 * tls_session.h - what a TLS session is while it goes by; shared by the files tls*.c.
 */
#ifndef WIRESCRIBE_DISSECTORS_TLS_SESSION_H
#define WIRESCRIBE_DISSECTORS_TLS_SESSION_H

#include "base/digest.h"
#include "base/text.h"
#include "dissectors/tls.h"
#include "dissectors/tls_hello.h"
#include "dissectors/tls_opener.h"
#include "dissectors/tls_rsa_keys.h"

#define TLS_RECORD_LIMIT TLS_FRAGMENT_LIMIT
#define TLS_RECORD_HEADER 5
#define TLS_UNIT_LIMIT (64 << 10)    /* a record; and early data, which waits for the server's hello */
#define TLS_WAIT_LIMIT (32 << 10)    /* as much of a client waits for the server's hello, which may never have been captured */
#define TLS_MESSAGE_LIMIT (1 << 20)  /* a handshake message gathered from several records; a longer one is passed over, and told */
#define TLS_SERVER_NAME_LIMIT 255    /* RFC 1035, 2.3.4 */
#define TLS_LIST_LIMIT 4096          /* bytes of a list of versions or protocols */
#define TLS_CERTIFICATES_LIMIT 100   /* certificates of one session that get a row, in all of its handshakes; more are told */

#define TLS_TRANSCRIPT_LIMIT (256 << 10) /* of one side's messages, kept for the extended master secret; longer, and none can be made */
#define TLS_HELD_LIMIT (1 << 20)     /* bytes of one session that wait for a key that may yet come; more, and the session stays shut, and is told */
#define TLS_HELD_SECONDS 60          /* by capture time; longer, the same */
#define TLS_HELD_TOTAL (32 << 20)    /* the same of all sessions of a worker */

/* RFC 8446, 4; RFC 5246, 7.4; RFC 8879, 4 */
enum tls_handshake_type {
    TLS_HELLO_REQUEST = 0,
    TLS_CLIENT_HELLO = 1,
    TLS_SERVER_HELLO = 2,
    TLS_END_OF_EARLY_DATA = 5,
    TLS_ENCRYPTED_EXTENSIONS = 8,
    TLS_CERTIFICATE = 11,
    TLS_CERTIFICATE_REQUEST = 13,
    TLS_SERVER_HELLO_DONE = 14,
    TLS_CLIENT_KEY_EXCHANGE = 16,
    TLS_FINISHED = 20,
    TLS_KEY_UPDATE = 24,
    TLS_COMPRESSED_CERTIFICATE = 25,
};

enum tls_phase {
    TLS_BEFORE_HELLO, /* this side's hello has not been read */
    TLS_IN_CLEAR,     /* it has; more messages and alerts come in the clear */
    TLS_PROTECTED,    /* each record's header is read; what is in it, where there are keys */
    TLS_SEARCHING,    /* no longer in step with the records: looks for a header that another one follows */
    TLS_PASSED_OVER,  /* protected and of no use to anybody, or not to be followed */
};

/* Which secrets protect a side's records. */
enum tls_epoch {
    TLS_EPOCH_CLEAR,
    TLS_EPOCH_EARLY,       /* 0-RTT; the client's alone */
    TLS_EPOCH_HANDSHAKE,   /* TLS 1.3 */
    TLS_EPOCH_APPLICATION, /* all that a version before 1.3 protects, too */
};

struct tls_side {
    enum tls_phase phase;
    uint32_t record_left;  /* of the record that is being skipped */
    bool is_found;         /* SEARCHING: a header was found; the next one proves it */
    bool has_finished;     /* TLS 1.3: its Finished was seen, or told by its size */
    bool has_protected;    /* a protected record of it was seen that is no alert */
    uint32_t message_left; /* of a handshake message that is passed over */
    struct text messages;  /* handshake messages, as far as earlier records held a part of one */

    enum tls_epoch epoch;
    struct tls_opener *opener;    /* owned; NULL: none, or not yet */
    struct tls_secret traffic;    /* TLS 1.3: what the opener was made of */
    bool is_opened;               /* the present opener has opened a record */
    bool opened_any;              /* a record of this side was opened */
    bool lacks_secret;            /* the opener could not be made for want of a secret alone */
    bool is_locked;               /* its records cannot be opened: no key, a wrong one, or a cipher that is not known */
    uint64_t waiting;             /* bytes of a record that is not complete */
    uint64_t lost_bytes;          /* bytes that went missing since a record was opened: records may be among them */
};

/* What the client's key exchange held, where the server's private RSA key may open it. */
enum tls_premaster_state {
    TLS_PREMASTER_NOT_SEEN,
    TLS_PREMASTER_OPENED,
    TLS_PREMASTER_NO_KEY,  /* the server's key is not among those given */
    TLS_PREMASTER_REFUSED, /* it is, and did not open it */
};

struct tls_held; /* tls_wait.c */

struct tls {
    struct tls_side side[SIDE_COUNT];
    bool has_record; /* at least one record was seen */
    bool is_turned;  /* TLS's client is the side that was connected to, as in FTP's data connections (RFC 4217, 7): all sides here are those of TLS */

    /* the hellos */
    bool has_client_hello;
    bool has_server_hello;
    uint8_t client_random[TLS_RANDOM_BYTES];
    uint8_t server_random[TLS_RANDOM_BYTES];
    uint8_t session_id[TLS_SESSION_ID_BYTES]; /* the server's */
    uint8_t session_id_length;
    uint8_t client_session_id[TLS_SESSION_ID_BYTES];
    uint8_t client_session_id_length;
    const char *ssl2_cipher; /* SSL 2.0: the cipher's name in its specification */
    bool has_version;
    uint16_t version;
    bool has_cipher; /* and nothing is compressed */
    uint16_t cipher;
    struct tls_suite suite;
    bool has_encrypted_premaster;
    uint8_t encrypted_premaster[TLS_ENCRYPTED_BYTES]; /* its first bytes, by which a key log names it */
    bool offers_early_data;
    bool accepts_early_data;
    bool encrypts_then_macs;
    bool has_extended_master_secret;
    bool is_resumed;
    bool is_retried;
    bool has_encrypted_hello;
    bool asks_client_certificate;
    char ja3[DIGEST_HEX_SIZE]; /* empty: none */
    char ja3s[DIGEST_HEX_SIZE];
    char ja4[TLS_JA4_SIZE];
    struct text server_name;
    struct text alpn;
    struct text versions_offered;
    struct text protocols_offered;

    /* certificates */
    struct certificate *certificate; /* owned; the server's own; NULL: not seen */
    unsigned certificates;           /* that were shown, of both sides */

    /* keys */
    bool has_secret;       /* of this session, among those given */
    bool told_key;         /* what is wrong with its keys was told */
    enum tls_premaster_state premaster_state;
    uint8_t premaster[TLS_PREMASTER_BYTES];
    bool has_master; /* of the present handshake */
    uint8_t master[TLS_MASTER_BYTES];
    struct text transcript[SIDE_COUNT]; /* messages as they stand, as far as the extended master secret needs them (RFC 7627, 3) */
    size_t hello_length;                /* of the client's transcript: its hello */
    bool transcript_is_over[SIDE_COUNT];
    struct tls_held *held; /* owned; what waits for a key, in order */
    struct tls_held *held_last;
    size_t held_bytes;
    size_t secrets_seen;   /* how many there were when the last try was made */
    bool waits_no_more;
    uint64_t early_bytes;
    uint8_t *room; /* owned; TLS_FRAGMENT_LIMIT bytes for an opened record; made with the first opener */
    struct conversation *inside; /* owned; what reads the plaintext */
    bool inside_is_over;         /* nobody wants more of it */
    const char *inner_protocol;

    bool has_alert;
    bool alert_is_fatal;
    uint8_t alert;
    bool server_is_silent; /* it ended, or bytes of it are missing: its hello may never come */
    bool is_established;
    bool has_missing; /* bytes of a side are missing before the handshake was over */
    bool may_return;  /* text may follow: the flow belonged to another before */
    struct tls_outer *outer; /* owned; NULL: nothing but TLS can follow */
};

static inline bool tls_is_1_3(const struct tls *tls)
{
    return tls->has_version && (tls->version == TLS_VERSION_1_3 || tls->version == TLS_VERSION_DTLS_1_3 || tls->version >> 8 == 0x7f);
}

static inline bool tls_is_observed(const struct tls *tls)
{
    return tls->outer != NULL && tls->outer->on_record != NULL;
}

/* ---- tls_handshake.c ---- */

/* Handshake bytes of one side, in the clear or opened: all whole messages in them are read. */
void tls_on_handshake(struct conversation *conversation, struct tls *tls, enum side from, struct bytes fragment);

/* One whole message, without its header. */
void tls_on_message(struct conversation *conversation, struct tls *tls, enum side from, uint8_t type, struct cursor body);

/* 'TLSv1.2'; NULL where the version has no name. */
const char *tls_version_name(uint16_t version);

/* Adds a version to a list of them, by its name or its number. */
void tls_append_version(struct text *list, uint16_t version);

/* An alert's two bytes (RFC 8446, 6), in the clear or opened. True where it says that the side ends (close_notify). */
bool tls_on_alert(struct tls *tls, struct cursor alert);

/* ---- tls.c ---- */

/* What a session begins with, and what it ends with: its row, what is inside, all that it owns. */
void tls_begin(struct tls *tls);
void tls_end(struct conversation *conversation, struct tls *tls);

/* ---- ssl2.c ---- */

/* Whether a side begins with a hello in SSL 2.0's format; *length is then all of it. `hello`: whose. */
enum match ssl2_match_client_hello(struct bytes bytes, uint32_t *length);
enum match ssl2_match_server_hello(struct bytes bytes, uint32_t *length);

/* The messages of SSL 2.0, whole, with their headers. */
void ssl2_on_client_hello(struct tls *tls, struct cursor message);
void ssl2_on_server_hello(struct conversation *conversation, struct tls *tls, struct cursor message);

/* What the client says behind the server's hello: MATCH_YES where it is its master key, which names the cipher. */
enum match ssl2_read_master_key(struct tls *tls, struct bytes bytes);

/* ---- tls_chain.c ---- */

/* One certificate of a side; `number` is its place in the chain, from 1. */
void tls_on_one_certificate(struct conversation *conversation, struct tls *tls, enum side from, unsigned number, struct bytes encoded);

/* The list of a Certificate message: a row for each, and the server's own is kept. */
void tls_on_certificates(struct conversation *conversation, struct tls *tls, enum side from, struct cursor list);

/* CompressedCertificate (RFC 8879): the message in it, decompressed. */
void tls_on_compressed_certificates(struct conversation *conversation, struct tls *tls, enum side from, struct cursor body);


/* ---- tls_master.c ---- */

/* The user gave keys of any kind, or the capture brings some. */
bool tls_has_keys(const struct conversation *conversation);

/* A whole handshake message in the clear, with its header: kept where a master secret may have to be made of it. */
void tls_note_message(const struct conversation *conversation, struct tls *tls, enum side from, uint8_t type, struct bytes message);

/* RFC 5246, 7.4.7.1: the premaster secret as the server's key encrypts it. */
void tls_on_encrypted_premaster(const struct conversation *conversation, struct tls *tls, struct bytes encrypted);

/* The master secret of the present handshake, TLS 1.0 to 1.2, in `master`. False where no secret leads to it. */
bool tls_find_master(const struct conversation *conversation, struct tls *tls);

void tls_forget_transcript(struct tls *tls);

/* ---- tls_wait.c ---- */

static inline bool tls_is_waiting(const struct tls *tls)
{
    return tls->held != NULL;
}

/* A protected record. What it holds is read, now or when its key comes, or nothing is, where no key opens it. */
void tls_open_record(struct conversation *conversation, struct tls *tls, enum side from, uint8_t type, uint16_t version, struct bytes fragment);

/* Bytes of this side are missing, or cannot be followed: `count` of them. */
void tls_lose_bytes(struct conversation *conversation, struct tls *tls, enum side from, uint64_t count);

/* The side ended: who reads the plaintext is told, behind what waits. */
void tls_end_inside(struct conversation *conversation, struct tls *tls, enum side from, enum ending ending);

/* Looks for keys of what waits, and reads what they open, as of its own time. */
void tls_try_waiting(struct conversation *conversation, struct tls *tls);

/* The same for the last time: nothing waits any more, whether it was opened or not. */
void tls_end_waiting(struct conversation *conversation, struct tls *tls);

/* ---- tls_unlock.c ---- */

/* Whether the records of this side are to be read whole: keys are there, or may follow from what is not known yet. */
bool tls_may_open(const struct conversation *conversation, const struct tls *tls, enum side from);

/* Whether the other side's hello has to be known first, and may yet come. */
bool tls_waits_for_hello(const struct tls *tls, enum side from);

/* The records that follow are protected otherwise than those before (ChangeCipherSpec, Finished, KeyUpdate, ...). */
void tls_change_epoch(struct tls *tls, enum side from, enum tls_epoch epoch);
void tls_update_key(struct tls *tls, enum side from);

/* A protected record, of a session in which nothing waits. False: its key is not there, and may yet come. */
bool tls_open_now(struct conversation *conversation, struct tls *tls, enum side from, uint8_t type, uint16_t version, struct bytes fragment);

/* Bytes are missing, at this place among the records. */
void tls_lose_now(struct tls *tls, enum side from, uint64_t count);

/* No more of this side's records are opened. */
void tls_lock(struct tls *tls, enum side from);

/* ---- tls_judge.c ---- */

/* Findings on what is known of the session at its end: its version, cipher suite and certificate. */
void tls_judge(struct conversation *conversation, const struct tls *tls);

/* ---- tls_rows.c ---- */

void tls_write_row(struct conversation *conversation, const struct tls *tls);

#endif

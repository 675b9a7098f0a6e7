/*
 * rdp_share.h - the state of a session behind its MCS connect, shared by the files that read it. T.128 calls what
 * client and server hold in common a share.
 */
#ifndef WIRESCRIBE_DISSECTORS_RDP_SHARE_H
#define WIRESCRIBE_DISSECTORS_RDP_SHARE_H

#include "dissectors/rdp_channels.h"
#include "dissectors/rdp_mppc.h"
#include "dissectors/rdp_record.h"
#include "dissectors/rdp_session.h"

/* Events that are told of one session. */
#define RDP_EVENTS_LIMIT 5000
/* The longest text that an event shows, in bytes of UTF-8: a clipboard's text, a path, a list. */
#define RDP_TEXT_LIMIT 4096
/* The longest text of client info and the like, in bytes of UTF-8: the wire has room for 512 bytes of UTF-16 in most. */
#define RDP_INFO_LIMIT 1536
/* Keys that are gathered before they are told in one event. */
#define RDP_KEYS_LIMIT 512
/* Fragments of orders in fast path that are put together; bitmaps and surface commands are read as they come. */
#define RDP_FRAGMENTS_LIMIT (256 * 1024)
/* Bulk compression is undone as long as it gives no more than so many bytes for each that was sent, and so many beyond that. */
#define RDP_EXPANSION_LIMIT 256
#define RDP_EXPANSION_BASE ((uint64_t)4 << 20)

/* What is told once, when it is reached. */
enum rdp_limit {
    RDP_LIMIT_EVENTS,
    RDP_LIMIT_FRAGMENTS,
    RDP_LIMIT_EXPANSION,
    RDP_LIMIT_DYNAMIC,
    RDP_LIMIT_FILES,
    RDP_LIMIT_REQUESTS,
    RDP_LIMIT_DEVICES,
    RDP_LIMIT_FORMATS,
    RDP_LIMIT_PASTED,
};

/* What the client says of itself: [MS-RDPBCGR] 2.2.1.11.1.1. Texts are empty where they are not known. */
struct rdp_client_info {
    bool is_known;
    struct text domain;
    struct text user;
    struct text password; /* only where the user asked for passwords */
    struct text program;
    struct text working_directory;
    struct text address;
    struct text directory;
    struct text time_zone;
    struct rdp_number performance_flags;
};

/* What a client typed and pointed at. */
struct rdp_input {
    bool was_seen; /* an input PDU could be read */
    uint64_t keys;
    uint64_t unicode;
    uint64_t mouse;
    uint64_t wheel;
    uint64_t syncs;
    unsigned held; /* modifiers that are down, see rdp_keys.c */
    bool caps_lock;
    struct text typed; /* since the last event that told it */
};

/* Where a run of bitmaps or surface commands stands: its heads are gathered, what is behind them is passed over as it comes. */
struct rdp_drawing {
    uint8_t head[32];
    size_t head_length;
    uint64_t to_skip;
    uint64_t rectangles_left;
    bool is_lost; /* it cannot be followed to its end */
};

/* The field values of a primary order that tell how long it is do not depend on earlier ones; only the order's type does. */
struct rdp_output {
    bool was_seen; /* an output PDU could be read */
    uint64_t updates;
    uint64_t bytes;
    uint64_t rectangles;
    uint64_t orders;
    uint64_t pointers;
    uint64_t frames;
    uint8_t order_type;
    struct rdp_drawing drawing;
    uint8_t fragment_code;  /* of the update that is in fragments */
    bool is_fragmented;
    struct text fragments; /* of orders */
    bool orders_are_lost; /* until an order says its type */
};

struct rdp_share {
    struct conversation *conversation; /* of the call at work */
    struct rdp_facts *facts;
    uint64_t events;
    bool told_malformed;
    uint32_t limits_told; /* a bit for each enum rdp_limit */
    /* MCS */
    const char *disconnect_reason;
    /* standard RDP security */
    bool has_client_info;    /* the client's first PDU in the I/O channel was seen */
    bool is_licensed;        /* the server's licensing is over: its PDUs have no security header without encryption */
    bool was_encrypted;      /* an encrypted PDU was seen */
    uint64_t unread_pdus;    /* encrypted, not opened */
    /* the session */
    struct rdp_client_info info;
    const char *licensing;   /* its result, by name */
    struct text licensing_code; /* where the result has none */
    struct text error_info;
    const char *auth_result;
    struct text logon_domain;
    struct text logon_user;
    struct rdp_number session_id;
    struct rdp_number width;  /* of the desktop as the server's last demand active or monitor layout says */
    struct rdp_number height;
    uint64_t resizes;
    struct rdp_mppc *mppc[SIDE_COUNT]; /* made when the first compressed PDU comes */
    uint64_t compressed_unread;
    uint64_t compressed; /* bytes before and behind decompression */
    uint64_t expanded;
    struct rdp_input input;
    struct rdp_output output;
    struct rdp_channels channels;
};

/* ---- rdp_session.c ---- */

/* Tells an event; `from`'s side is named in it. The detail is printf-like (NULL: none), cut at 1023 bytes. */
void rdp_tell(struct rdp_share *share, enum side from, const char *kind, const char *detail, ...) __attribute__((format(printf, 4, 5)));
/* The same with any bytes as the detail. */
void rdp_tell_text(struct rdp_share *share, enum side from, const char *kind, struct bytes detail);

/* A PDU of the session contradicts itself: a finding, once a session. `what`: "a capability set". */
void rdp_tell_contradiction(struct rdp_share *share, enum side from, const char *what);

/* A limit was reached: a finding `rdp_limit`, once for each kind. */
void rdp_tell_limit(struct rdp_share *share, enum rdp_limit limit);

/*
 * Undoes bulk compression ([MS-RDPBCGR] 3.1.8) as `flags` (compressedType) says it: `data` covers the plain bytes then, borrowed
 * until the next call for that side. False: they cannot be read (an unread kind, bytes missing before them).
 */
bool rdp_decompress(struct rdp_share *share, enum side from, uint8_t flags, struct cursor *data);

/* ---- rdp_share.c: slow path ---- */

/* The share control PDUs in one send data of the I/O channel. */
void rdp_share_read(struct rdp_share *share, enum side from, struct cursor *data);

/* ---- rdp_capabilities.c ---- */

/* Reads `count` capability sets and tells them in an event of that kind. From the server, they set the size of the desktop. */
void rdp_capabilities_read(struct rdp_share *share, enum side from, const char *kind, struct cursor *sets, unsigned count);

/* ---- rdp_info.c ---- */

void rdp_read_client_info(struct rdp_share *share, struct cursor *data);
void rdp_read_save_session_info(struct rdp_share *share, struct cursor *data);
void rdp_info_fill(const struct rdp_share *share, struct rdp_session *row);
void rdp_info_free(struct rdp_share *share);

/* ---- rdp_notices.c: licensing, redirection, and what goes by beside the share ---- */

void rdp_read_licensing(struct rdp_share *share, enum side from, struct cursor *data);
void rdp_read_redirection(struct rdp_share *share, struct cursor *data);
void rdp_read_auto_detect(struct rdp_share *share, enum side from, struct cursor *data);
void rdp_read_multitransport(struct rdp_share *share, enum side from, struct cursor *data);

/* ---- rdp_input.c ---- */

void rdp_read_slow_input(struct rdp_share *share, struct cursor *data);
/* `count` as the header says it; 0: it stands in the first byte of `data`. */
void rdp_read_fast_input(struct rdp_share *share, unsigned count, struct cursor *data);
/* Tells what was typed so far, if the user wants to know. */
void rdp_input_flush(struct rdp_share *share);

/* ---- rdp_keys.c ---- */

/* A key goes down or up: what it types is added to the text, in the layout that the client said. */
void rdp_key(struct rdp_share *share, uint8_t scancode, bool is_extended, bool is_release);
void rdp_unicode_key(struct rdp_share *share, uint16_t letter, bool is_release);

/* ---- rdp_output.c ---- */

void rdp_read_slow_update(struct rdp_share *share, struct cursor *data);
void rdp_read_slow_pointer(struct rdp_share *share, struct cursor *data);
void rdp_read_fast_output(struct rdp_share *share, struct cursor *data);
/* Bytes of the server's are missing. */
void rdp_output_lost(struct rdp_share *share);

/* ---- rdp_orders.c ---- */

/* `count` drawing orders ([MS-RDPEGDI] 2.2.2.2). */
void rdp_read_orders(struct rdp_share *share, unsigned count, struct cursor *orders);

/* ---- rdp_session_names.c: names of numbers; NULL where there is none ---- */
const char *rdp_error_info_name(uint32_t code);
const char *rdp_capability_name(uint32_t type);
const char *rdp_licensing_error_name(uint32_t code);
const char *rdp_status_name(uint32_t code);
const char *rdp_logon_error_name(uint32_t type);
const char *rdp_logon_data_name(uint32_t data);
const char *rdp_codec_name(struct bytes guid);

#endif

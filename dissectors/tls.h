/*
 * tls.h - the dissector to hand a conversation over to when TLS begins in it.
 */
#ifndef WIRESCRIBE_DISSECTORS_TLS_H
#define WIRESCRIBE_DISSECTORS_TLS_H

#include "dissectors/dissector.h"
#include "dissectors/tls_sizes.h"

/* What a record tells of itself: its bytes stay unread. Segments do not matter. */
struct tls_record {
    enum side from;
    int64_t time_us;            /* when its header was complete */
    uint8_t type;               /* enum tls_content_type, as the header says */
    uint16_t length;            /* of its fragment */
    bool is_protected;
    bool is_handshake;          /* also where TLS 1.3 hides it: up to this side's Finished, told by its size, or the client's */
    bool is_exact;              /* version and cipher suite are known: `payload` is as good as they allow */
    struct tls_payload payload; /* of a protected record */
};

/*
 * Whom the flow belonged to before: what may go on in the clear, behind TLS that was ended within the flow (FTP's CCC, RFC
 * 4217, 12) or because TLS was agreed on and never began; and what wants to know how the records look (RDP). Made by
 * whoever hands over, and TLS's from then on.
 */
struct tls_outer {
    /* Gets the flow back, with this as its `from_before`, where text begins instead of a record. NULL: nothing but TLS can follow. */
    const struct dissector *dissector;
    bool has_records; /* TLS has begun */
    void (*refresh)(struct conversation *conversation, struct tls_outer *outer);
    void (*close)(struct conversation *conversation, struct tls_outer *outer); /* no text came: writes the rows, frees it */

    /* An observer of the records; all NULL where nobody observes, else none is. */
    void (*on_record)(struct conversation *conversation, struct tls_outer *outer, const struct tls_record *record);
    /* The server's own certificate (DER) went by in the clear: TLS 1.2 and before. */
    void (*on_certificate)(struct conversation *conversation, struct tls_outer *outer, struct bytes encoded);
    /* Records of this side are missing, or cannot be told apart, until the next on_record of it. */
    void (*on_lost)(struct conversation *conversation, struct tls_outer *outer, enum side from);
    void (*on_end)(struct conversation *conversation, struct tls_outer *outer, enum side from, enum ending ending);

    /* With the user's keys: who reads the plaintext, opened with this as its `from_before`. NULL: whoever knows its first bytes. */
    const struct dissector *inside;
    /* `inside` owns this once it is opened: it writes the rows, and its `leave` gives it back where text follows. Else it is TLS's all the time. */
    bool moves_inside;
    /* Takes the plaintext itself, in place of a reader inside; NULL: it does not. */
    void (*on_plaintext)(struct conversation *conversation, struct tls_outer *outer, enum side from, struct bytes bytes);
    /* With on_plaintext: records are missing before what it is told next; they had `count` bytes, protection included. */
    void (*on_missing)(struct conversation *conversation, struct tls_outer *outer, enum side from, uint64_t count);
    /* With on_plaintext: the side said close_notify (RFC 5246, 7.2.1): its plaintext ends here, whatever becomes of the connection. */
    void (*on_goodbye)(struct conversation *conversation, struct tls_outer *outer, enum side from);
};

enum tls_content_type { /* RFC 8446, 5.1 */
    TLS_CHANGE_CIPHER_SPEC = 20,
    TLS_ALERT = 21,
    TLS_HANDSHAKE = 22,
    TLS_APPLICATION_DATA = 23,
    TLS_HEARTBEAT = 24,
};

/*
 * Expects both sides at a record boundary. Its `from_before` is a struct tls_outer, or NULL where nothing but TLS can
 * follow. If the first bytes are no TLS record it hands back, or gives up and writes no row.
 */
extern const struct dissector tls_dissector;

#endif

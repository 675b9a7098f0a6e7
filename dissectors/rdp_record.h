/*
 * rdp_record.h - the rows of RDP, and what rdp.c and its companions share.
 */
#ifndef WIRESCRIBE_DISSECTORS_RDP_RECORD_H
#define WIRESCRIBE_DISSECTORS_RDP_RECORD_H

#include "base/text.h"
#include "dissectors/dissector.h"

#define RDP_SESSION(COLUMN, LATER, R) \
    COLUMN(R, integer, flow_id, RECORD_DOC_FLOW_ID) \
    COLUMN(R, boolean, encrypted, RECORD_DOC_ENCRYPTED) \
    COLUMN(R, text, cookie, "the user name of 'Cookie: mstshash=', or the routing token ('msts=...'), as the client sent it ([MS-RDPBCGR] 2.2.1.1)") \
    COLUMN(R, text, requested_protocols, \
           "security protocols that the client offers, joined by commas: 'RDP', 'SSL', 'HYBRID', 'RDSTLS', 'HYBRID_EX', 'RDSAAD', an unknown one as '0x' and " \
           "its bit in hexadecimal; NULL where it did not negotiate") \
    COLUMN(R, text, selected_protocol, \
           "the one that the server chose, by the same names; 'SSL' is plain TLS, 'HYBRID' is CredSSP (NLA); 'RDP' also where it answered without negotiating") \
    COLUMN(R, text, negotiation_failure, "why the server refused, by its name in [MS-RDPBCGR] 2.2.1.2.2; an unknown code in hexadecimal") \
    COLUMN(R, text, client_name, "the client computer's name; NULL, as all that follows, where TLS hides it") \
    COLUMN(R, integer, client_build, "build number of the client's software") \
    COLUMN(R, text, client_version, "RDP version of the client: 'RDP 4.0', 'RDP 5.0-8.1', 'RDP 10.0' to 'RDP 10.12'; an unknown one in hexadecimal") \
    COLUMN(R, text, product_id, "the client's digital product id") \
    COLUMN(R, text, keyboard_layout, "active input locale, by name where it is a common one, else as '0x' and eight hexadecimal digits") \
    COLUMN(R, text, keyboard_type, "kind of keyboard by name, else its number") \
    COLUMN(R, integer, desktop_width, "requested width of the desktop; pixels") \
    COLUMN(R, integer, desktop_height, "requested height of the desktop; pixels") \
    COLUMN(R, integer, color_depth, "requested colour depth; bits a pixel") \
    COLUMN(R, text, channels, "names of the static virtual channels that the client asked for, joined by commas") \
    COLUMN(R, text, encryption_method, "of standard RDP security: 'none', '40bit', '56bit', '128bit' or 'FIPS'; an unknown one in hexadecimal") \
    COLUMN(R, text, encryption_level, "of standard RDP security: 'none', 'low', 'client compatible', 'high' or 'FIPS'; an unknown one in hexadecimal") \
    COLUMN(R, text, certificate_type, "the server's certificate in standard RDP security, or in the handshake of TLS up to 1.2: 'proprietary' or 'X.509'") \
    COLUMN(R, text, certificate_subject, "subject of the server's X.509 certificate (RFC 2253)") \
    LATER(R, text, domain, "domain that the client logs in to") \
    LATER(R, text, user, "user that the client logs in as") \
    LATER(R, text, auth_result, "'success' or 'failure'") \
    LATER(R, text, server_software, "'xrdp' or 'Windows', by what each answers") \
    LATER(R, integer, key_events, "keyboard events") \
    LATER(R, integer, mouse_events, "mouse events") \
    LATER(R, integer, screen_updates, "screen updates") \
    LATER(R, integer, clipboard_events, "clipboard messages") \
    COLUMN(R, text, disconnect_reason, \
           "why the session was given up, as the last disconnect provider ultimatum says it (T.125 7): 'user-requested', 'provider-initiated', " \
           "'domain-disconnected', 'token-purged', 'channel-purged'; NULL where none was seen")

RECORD_STRUCT(rdp_session, RDP_SESSION);

#define RDP_CHANNEL(COLUMN, LATER, R) \
    COLUMN(R, integer, flow_id, RECORD_DOC_FLOW_ID) \
    COLUMN(R, text, name, "the channel's name as the client asked for it: 'cliprdr', 'rdpsnd', 'drdynvc', ...; NULL where only the server was seen") \
    COLUMN(R, integer, channel_id, "MCS channel id that the server gave it; NULL where its answer was not seen, or it gave none") \
    COLUMN(R, integer, options, "the client's option flags ([MS-RDPBCGR] 2.2.1.3.4.1)") \
    COLUMN(R, integer, client_bytes, "bytes that the client sent in the channel, by the MCS headers that were seen; NULL where its MCS connect was not seen") \
    COLUMN(R, integer, server_bytes, "bytes that the server sent in the channel, counted in the same way")

RECORD_STRUCT(rdp_channel, RDP_CHANNEL);

#define RDP_EVENT(COLUMN, LATER, R) \
    COLUMN(R, integer, flow_id, RECORD_DOC_FLOW_ID) \
    COLUMN(R, integer, time_us, "when it was said; microseconds since the epoch") \
    COLUMN(R, text, kind, "what happened, one fixed word: 'disconnect', 'join_refused', ...") \
    COLUMN(R, text, detail, "the particulars") \
    COLUMN(R, text, from_side, "which side said it: 'client' or 'server'")

RECORD_STRUCT(rdp_event, RDP_EVENT);

/* Static virtual channels that are kept of each session: as many as [MS-RDPBCGR] 2.2.1.3.4 allows. */
#define RDP_CHANNELS_LIMIT 31
/* The longest text that is kept, in bytes of UTF-8: the wire has room for 32 letters of UTF-16. */
#define RDP_NAME_LIMIT 128
#define RDP_SUBJECT_LIMIT 1024

enum rdp_protocol { /* [MS-RDPBCGR] 2.2.1.2.1 */
    RDP_PROTOCOL_RDP = 0x00,
    RDP_PROTOCOL_SSL = 0x01,
    RDP_PROTOCOL_HYBRID = 0x02,
    RDP_PROTOCOL_RDSTLS = 0x04,
    RDP_PROTOCOL_HYBRID_EX = 0x08,
    RDP_PROTOCOL_RDSAAD = 0x10,
};

/* A number that was seen or not. */
struct rdp_number {
    uint32_t value;
    bool is_known;
};

/* The channel at one place: the client asks for it by name, the server answers with an id. */
struct rdp_channel_state {
    char name[9];
    struct rdp_number options; /* known: the client asked for it */
    struct rdp_number id;      /* known: the server answered */
    uint64_t bytes[SIDE_COUNT];
    bool was_joined;
};

/* What the data blocks of both sides say. Texts are owned; see rdp_settings_free. */
struct rdp_settings {
    bool has_client_core;
    struct rdp_number client_version;
    struct rdp_number desktop_width;
    struct rdp_number desktop_height;
    struct rdp_number color_depth;
    struct rdp_number keyboard_layout;
    struct rdp_number keyboard_type;
    struct rdp_number client_build;
    struct text client_name;
    struct text product_id;
    bool has_client_network;
    bool has_server_network;
    struct rdp_number channels_asked; /* as the client counts them: may exceed what is kept */
    struct rdp_number channels_given; /* as the server counts them */
    unsigned channel_count;           /* of either side's, at most RDP_CHANNELS_LIMIT */
    struct rdp_channel_state channels[RDP_CHANNELS_LIMIT];
    struct rdp_number io_channel;
    struct rdp_number message_channel;
    bool has_server_security;
    struct rdp_number encryption_method;
    struct rdp_number encryption_level;
    struct rdp_number certificate_version; /* 1: proprietary, 2: X.509 */
    struct text certificate_subject;
};

struct rdp_security;
struct rdp_share;

/* All that is known of a session when its rows are written. */
struct rdp_facts {
    struct text cookie;
    struct rdp_number requested;
    struct rdp_number selected;
    struct rdp_number failure;
    bool was_connected[SIDE_COUNT]; /* its MCS connect was seen */
    struct rdp_settings settings;
    struct rdp_security *security; /* from the server's MCS connect on, where it chose encryption; owned by rdp.c. See rdp_security.h */
    struct rdp_share *share; /* from the first PDU behind an MCS connect on; owned by rdp.c. See rdp_session.h */
};

/* ---- rdp_rows.c ---- */

/* Frees what the facts own. */
void rdp_facts_free(struct rdp_facts *facts);

extern const struct record_table rdp_session_table;
extern const struct record_table rdp_channel_table;
extern const struct record_table rdp_event_table;

/* Writes the session's row alone, as far as it is known. */
void rdp_write_session(struct conversation *conversation, const struct rdp_facts *facts);

/* Writes the session's row and its channels', and the findings of the limits that were reached. */
void rdp_write_rows(struct conversation *conversation, const struct rdp_facts *facts);

/* ---- rdp_gcc.c: MCS Connect (T.125) and GCC (T.124) ---- */

enum rdp_reading {
    RDP_READ,    /* to its end */
    RDP_OTHER,   /* it is another PDU: nothing was read */
    RDP_INVALID, /* it is not what it claims; what was read before that stands */
};

/* Reads the client's or the server's connect PDU behind the X.224 header; the PDU must be whole. */
enum rdp_reading rdp_read_connect_initial(struct cursor *pdu, struct rdp_settings *settings);
enum rdp_reading rdp_read_connect_response(struct cursor *pdu, struct rdp_settings *settings);
void rdp_settings_free(struct rdp_settings *settings);

/* ---- rdp_certificate.c ---- */

/* Appends the subject of the server's certificate, the last of an X.509 chain ([MS-RDPELE] 2.2.1.4.2), to `subject`. False: a length lies, or it is none. */
bool rdp_read_certificate_subject(struct cursor *chain, struct text *subject);

/* ---- rdp_names.c: names of numbers; NULL where there is none ---- */
const char *rdp_keyboard_layout_name(uint32_t layout);
const char *rdp_keyboard_type_name(uint32_t type);
const char *rdp_version_name(uint32_t version);
const char *rdp_failure_name(uint32_t code);
const char *rdp_encryption_method_name(uint32_t method);
const char *rdp_encryption_level_name(uint32_t level);
const char *rdp_protocol_name(uint32_t protocol);

#endif

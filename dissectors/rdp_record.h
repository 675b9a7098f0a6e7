/*
 * rdp_record.h - the rows of RDP, and what rdp.c and its companions share.
 */
#ifndef WIRESCRIBE_DISSECTORS_RDP_RECORD_H
#define WIRESCRIBE_DISSECTORS_RDP_RECORD_H

#include "base/cursor.h"
#include "base/record.h"
#include "base/text.h"

#define RDP_SESSION(COLUMN, LATER, R) \
    COLUMN(R, integer, flow_id, RECORD_DOC_FLOW_ID) \
    COLUMN(R, boolean, encrypted, RECORD_DOC_ENCRYPTED) \
    COLUMN(R, text, cookie, "the user name of 'Cookie: mstshash=', or the routing token, as the client sent it ([MS-RDPBCGR] 2.2.1.1)") \
    COLUMN(R, text, requested_protocols, "security protocols that the client offers, joined by commas: 'RDP', 'SSL', 'HYBRID', 'RDSTLS', 'HYBRID_EX', 'RDSAAD'; NULL where it did not negotiate") \
    COLUMN(R, text, selected_protocol, "the one that the server chose; 'RDP' also where the server did not negotiate") \
    COLUMN(R, text, negotiation_failure, "why the server refused, by its name in [MS-RDPBCGR] 2.2.1.2.2") \
    COLUMN(R, text, client_name, "the client computer's name") \
    COLUMN(R, integer, client_build, "build number of the client's software") \
    COLUMN(R, text, client_version, "RDP version of the client: 'RDP 4.0', 'RDP 5.0-8.1', 'RDP 10.0' to 'RDP 10.12'") \
    COLUMN(R, text, product_id, "the client's digital product id") \
    COLUMN(R, text, keyboard_layout, "active input locale, by name where it is a common one, else as '0x' and eight hexadecimal digits") \
    COLUMN(R, text, keyboard_type, "kind of keyboard by name, else its number") \
    COLUMN(R, integer, desktop_width, "requested width of the desktop; pixels") \
    COLUMN(R, integer, desktop_height, "requested height of the desktop; pixels") \
    COLUMN(R, integer, color_depth, "requested colour depth; bits a pixel") \
    COLUMN(R, text, channels, "names of the static virtual channels that the client asked for, joined by commas") \
    COLUMN(R, text, encryption_method, "of standard RDP security: 'none', '40bit', '56bit', '128bit' or 'FIPS'") \
    COLUMN(R, text, encryption_level, "of standard RDP security: 'none', 'low', 'client compatible', 'high' or 'FIPS'") \
    COLUMN(R, text, certificate_type, "the server's certificate in standard RDP security: 'proprietary' or 'X.509'") \
    LATER(R, text, certificate_subject, "subject of the server's X.509 certificate") \
    LATER(R, text, domain, "domain that the client logs in to") \
    LATER(R, text, user, "user that the client logs in as") \
    LATER(R, text, auth_result, "'success' or 'failure'") \
    LATER(R, text, server_software, "'xrdp' or 'Windows', by what each answers") \
    LATER(R, integer, key_events, "keyboard events") \
    LATER(R, integer, mouse_events, "mouse events") \
    LATER(R, integer, screen_updates, "screen updates") \
    LATER(R, integer, clipboard_events, "clipboard messages")

RECORD_STRUCT(rdp_session, RDP_SESSION);

#define RDP_CHANNELS_LIMIT 31 /* [MS-RDPBCGR] 2.2.1.3.4 */

struct rdp_channel_request {
    char name[9];
    uint32_t options;
    uint16_t id; /* from the server; 0: none */
};

/* What the client's and the server's data blocks say. Texts are owned. */
struct rdp_settings {
    bool has_client_core;
    uint32_t client_version;
    uint16_t desktop_width;
    uint16_t desktop_height;
    uint16_t color_depth; /* 0: not told */
    uint32_t keyboard_layout;
    uint32_t keyboard_type;
    uint32_t client_build;
    struct text client_name;
    struct text product_id;
    bool has_client_network;
    unsigned channel_count;
    uint32_t channels_asked; /* as the client counts them; more than channel_count is a lie or too many */
    struct rdp_channel_request channels[RDP_CHANNELS_LIMIT];
    bool has_server_security;
    uint32_t encryption_method;
    uint32_t encryption_level;
    bool has_certificate;
    bool certificate_is_x509;
};

/* ---- rdp_gcc.c: MCS Connect (T.125) and GCC (T.124) ---- */

/* Reads the client's or the server's connect PDU behind the X.224 header. False: it is not what it claims; what was read stands. */
bool rdp_read_connect_initial(struct cursor *pdu, struct rdp_settings *settings);
bool rdp_read_connect_response(struct cursor *pdu, struct rdp_settings *settings);

/* ---- rdp_names.c: names of numbers; NULL where there is none ---- */
const char *rdp_keyboard_layout_name(uint32_t layout);
const char *rdp_keyboard_type_name(uint32_t type);
const char *rdp_version_name(uint32_t version);
const char *rdp_failure_name(uint32_t code);
const char *rdp_encryption_method_name(uint32_t method);
const char *rdp_encryption_level_name(uint32_t level);
const char *rdp_protocol_name(uint32_t protocol);

#endif

/*
 * rdp_record.h - the rows of RDP, and what rdp.c and its companions share.
 */
#ifndef WIRESCRIBE_DISSECTORS_RDP_RECORD_H
#define WIRESCRIBE_DISSECTORS_RDP_RECORD_H

#include "base/text.h"
#include "dissectors/dissector.h"
#include "dissectors/rdp_credssp.h"
#include "dissectors/rdp_settings.h"
#include "dissectors/rdp_shape.h"

#define RDP_SESSION(COLUMN, LATER, R) \
    COLUMN(R, integer, flow_id, RECORD_DOC_FLOW_ID) \
    COLUMN(R, boolean, encrypted, RECORD_DOC_ENCRYPTED) \
    COLUMN(R, integer, tunnel, RECORD_DOC_TUNNEL) \
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
    COLUMN(R, text, domain, "domain that the client logs in to, as its client info says, else as the server tells of the login") \
    COLUMN(R, text, user, "user that the client logs in as, from the same") \
    COLUMN(R, text, auth_result, "'success' or 'failure' of the login; inside TLS as the sizes and the order of its records show it (see inference_basis), NULL where they do not") \
    COLUMN(R, text, server_software, "'xrdp', 'Windows' or 'FreeRDP' (its server library: the shadow server, GNOME Remote Desktop), by what each answers; NULL where that does not tell") \
    COLUMN(R, integer, key_events, "keys that went down or up (scancodes); NULL, as all counts of input, where no input could be read") \
    COLUMN(R, integer, mouse_events, "moves, clicks and turns of the wheel") \
    COLUMN(R, integer, screen_updates, "updates of the screen: sets of bitmaps, orders or surface commands, palettes; NULL, as all counts of output, where none could be read") \
    COLUMN(R, integer, clipboard_events, "messages about the clipboard, of both sides; NULL where none could be read") \
    COLUMN(R, text, disconnect_reason, \
           "why the session was given up, as the last disconnect provider ultimatum says it (T.125 7): 'user-requested', 'provider-initiated', " \
           "'domain-disconnected', 'token-purged', 'channel-purged'; NULL where none was seen") \
    COLUMN(R, text, server_software_basis, "what the server answered that tells its software") \
    COLUMN(R, text, routing_address, "the address and port that a routing token 'msts=' stands for, as in '10.1.2.3:3389'") \
    COLUMN(R, text, correlation_id, "the connection's id in the log of a broker, 16 bytes in hexadecimal ([MS-RDPBCGR] 2.2.1.1.2)") \
    COLUMN(R, text, request_flags, "flags of the client's negotiation, joined by commas: 'RESTRICTED_ADMIN_MODE_REQUIRED', 'REDIRECTED_AUTHENTICATION_MODE_REQUIRED', " \
           "'CORRELATION_INFO_PRESENT'; here and below one without a name as '0x' and its bit in hexadecimal, and NULL where none is set") \
    COLUMN(R, text, confirm_flags, "flags of the server's negotiation: 'EXTENDED_CLIENT_DATA_SUPPORTED', 'DYNVC_GFX_PROTOCOL_SUPPORTED', " \
           "'RESTRICTED_ADMIN_MODE_SUPPORTED', ... ([MS-RDPBCGR] 2.2.1.2.1)") \
    COLUMN(R, text, client_build_name, "the software that the client's build number stands for; clients other than Microsoft's borrow one") \
    COLUMN(R, integer, keyboard_subtype, "the maker's own number of the kind of keyboard") \
    COLUMN(R, integer, keyboard_function_keys, "function keys on the keyboard") \
    COLUMN(R, text, ime_file, "file of the client's input method editor") \
    COLUMN(R, integer, serial_number, "the client's serial number; most state 0") \
    COLUMN(R, text, supported_color_depths, "colour depths that the client can show, joined by commas; bits a pixel") \
    COLUMN(R, text, early_capabilities, "what the client supports, joined by commas: 'SUPPORT_ERRINFO_PDU', 'WANT_32BPP_SESSION', 'SUPPORT_DYNVC_GFX_PROTOCOL', " \
           "... ([MS-RDPBCGR] 2.2.1.3.2)") \
    COLUMN(R, text, connection_type, "the client's network, where it says that it knows: 'modem', 'broadband low', 'satellite', 'broadband high', 'WAN', 'LAN' or 'autodetect'; else its number") \
    COLUMN(R, integer, physical_width, "width of the client's screen; millimetres") \
    COLUMN(R, integer, physical_height, "height of the client's screen; millimetres") \
    COLUMN(R, integer, orientation, "how the client's screen is turned, where it knows its size; degrees") \
    COLUMN(R, integer, desktop_scale, "scale of the client's desktop; percent") \
    COLUMN(R, integer, device_scale, "scale of the client's device; percent") \
    COLUMN(R, text, monitors, "the client's monitors where it names them, joined by ', ': width x height + left + top, 'primary', and where told the size in " \
           "millimetres, the turn and the scales of desktop and device, as in '1920x1080+0+0 primary 530x300mm 0° 100%/100%'") \
    COLUMN(R, text, client_encryption_methods, "methods of standard RDP security that the client offers, joined by commas: '40bit', '128bit', '56bit', 'FIPS'") \
    COLUMN(R, text, cluster_flags, "what the client says of redirection: 'REDIRECTION_SUPPORTED', 'REDIRECTED_SESSIONID_FIELD_VALID', 'REDIRECTION_VERSION4', ... " \
           "([MS-RDPBCGR] 2.2.1.3.5)") \
    COLUMN(R, integer, redirected_session_id, "the session that the client was redirected to") \
    COLUMN(R, text, client_multitransport, "UDP transports of the client: 'UDPFECR' (reliable), 'UDPFECL' (lossy), 'UDP_PREFERRED', 'SOFTSYNC_TCP_TO_UDP'") \
    COLUMN(R, text, server_multitransport, "UDP transports of the server, by the same names") \
    COLUMN(R, text, server_version, "RDP version of the server, as client_version") \
    COLUMN(R, text, server_early_capabilities, "what the server supports, joined by commas: 'EDGE_ACTIONS_SUPPORTED_V1', 'DYNAMIC_DST_SUPPORTED', ... ([MS-RDPBCGR] 2.2.1.4.2)") \
    COLUMN(R, text, connect_result, "result of the MCS connect: 'rt-successful', 'rt-unspecified-failure', ... (T.125 7); else its number") \
    COLUMN(R, text, unknown_blocks, "types of data blocks that no specification names, in hexadecimal, joined by commas") \
    COLUMN(R, text, certificate_issuer, "issuer of the server's X.509 certificate (RFC 2253)") \
    COLUMN(R, text, certificate_serial, "its serial number in hexadecimal") \
    COLUMN(R, integer, certificate_key_bits, "bits of the RSA key in the server's certificate") \
    COLUMN(R, integer, certificate_count, "certificates in the server's chain") \
    COLUMN(R, boolean, certificate_permanent, "0 where the server marks its certificate as a temporary one") \
    COLUMN(R, boolean, certificate_well_signed, \
           "of a proprietary certificate: whether the key that is known to all signed it ([MS-RDPBCGR] 5.3.3.1.1); 0 where it was altered") \
    COLUMN(R, text, phase_reached, \
           "how far the session came: 'negotiation', 'tls' (its handshake is over), 'authentication' (CredSSP), 'mcs_connect', 'channel_join', 'licensing', " \
           "'capabilities' or 'active'; inside TLS that no key opened, by the sizes and the order of its records") \
    COLUMN(R, integer, client_payload, \
           "bytes of RDP that the client sent behind the negotiation: inside TLS, CredSSP included, what is left of its records without the cipher's own; " \
           "NULL where a block cipher hides it, or bytes are missing") \
    COLUMN(R, integer, server_payload, "the same of the server") \
    COLUMN(R, real, idle_seconds, "longest stretch in which the client sent no input, from the active desktop up to the end; NULL where that was not reached") \
    COLUMN(R, boolean, interactive, \
           "1 where somebody is at work: 16 messages of input or more; 0 where there were 10 or less, as a client sends by itself; NULL in between, or where the " \
           "desktop was not seen to become active") \
    COLUMN(R, text, inference_basis, "what auth_result or the phase rests on, inside TLS: sizes and order of its records without keys, CredSSP's own words with them; NULL where nothing was inferred") \
    COLUMN(R, text, password, "the password in client info; only with --passwords") \
    COLUMN(R, text, program, "program that the client asks for in place of a desktop (alternate shell)") \
    COLUMN(R, text, working_directory, "its working directory") \
    COLUMN(R, text, client_address, "the client's address as it sees it itself") \
    COLUMN(R, text, client_directory, "folder of the client's program") \
    COLUMN(R, text, client_time_zone, "the client's time zone: its name, and how far it is from UTC without daylight saving") \
    COLUMN(R, integer, performance_flags, "what the client gives up for speed ([MS-RDPBCGR] 2.2.1.11.1.1.1)") \
    COLUMN(R, text, licensing, \
           "how licensing ended, by its name in [MS-RDPBCGR] 2.2.1.12.1.3 ('STATUS_VALID_CLIENT'), 'new license' or 'upgraded license'; an unknown code in hexadecimal") \
    COLUMN(R, integer, session_id, "id of the session that the server tells of a login") \
    COLUMN(R, text, error_info, "the last error that the server told, by its name in [MS-RDPBCGR] 2.2.5.1.1; an unknown code in hexadecimal") \
    COLUMN(R, integer, unicode_events, "letters that went down or up as such, not as keys") \
    COLUMN(R, integer, wheel_events, "turns of the wheel, which mouse_events counts too") \
    COLUMN(R, integer, sync_events, "times that the client told the state of its lock keys") \
    COLUMN(R, integer, screen_bytes, "bytes of updates of screen and pointer, decompressed") \
    COLUMN(R, integer, screen_rectangles, "bitmaps and surface bits in them") \
    COLUMN(R, integer, drawing_orders, "drawing orders in them ([MS-RDPEGDI]), cache orders included") \
    COLUMN(R, integer, pointer_updates, "changes of the mouse pointer") \
    COLUMN(R, integer, desktop_resizes, "times that the server gave the desktop another size") \
    COLUMN(R, text, workstation, "the client's workstation as NTLM names it, where keys opened the login before the connect (CredSSP)") \
    COLUMN(R, text, login_error, "why the server refused that login, by its name in [MS-ERREF] 2.3.1 ('STATUS_LOGON_FAILURE'); an unknown code in hexadecimal") \
    COLUMN(R, integer, opened_packets, "packets of standard RDP security that a key of --rdp-key opened; NULL where none fits") \
    COLUMN(R, integer, wrong_signatures, "packets whose signature did not hold, and that were therefore not read; NULL where no key fits") \
    COLUMN(R, integer, preconnection_id, "what the client wants to be connected to, told before anything else ([MS-RDPEPS] 2.2.1)") \
    COLUMN(R, text, preconnection_blob, "the same as a text: Hyper-V's clients name the virtual machine so") \
    COLUMN(R, integer, audio_bytes, "bytes of sound that the desktop played")

RECORD_STRUCT(rdp_session, RDP_SESSION);

#define RDP_CHANNEL(COLUMN, LATER, R) \
    COLUMN(R, integer, flow_id, RECORD_DOC_FLOW_ID) \
    COLUMN(R, text, name, "the channel's name as the client asked for it: 'cliprdr', 'rdpsnd', 'drdynvc', ...; NULL where only the server was seen") \
    COLUMN(R, integer, channel_id, "MCS channel id that the server gave it; NULL where its answer was not seen, or it gave none") \
    COLUMN(R, integer, options, "the client's option flags ([MS-RDPBCGR] 2.2.1.3.4.1)") \
    COLUMN(R, integer, client_bytes, "bytes that the client sent in the channel, by the MCS headers that were seen; NULL where its MCS connect was not seen") \
    COLUMN(R, integer, server_bytes, "bytes that the server sent in the channel, counted in the same way") \
    COLUMN(R, text, option_names, "the names of the option flags, joined by commas: 'INITIALIZED', 'ENCRYPT_RDP', 'COMPRESS_RDP', 'SHOW_PROTOCOL', ...") \
    COLUMN(R, text, kind, "'static', or 'dynamic': made by the server in the course of the session ([MS-RDPEDYC]); options is NULL then, channel_id the dynamic one's, and the bytes those of its data") \
    COLUMN(R, text, parent, "the static channel that carries a dynamic one")

RECORD_STRUCT(rdp_channel, RDP_CHANNEL);

#define RDP_EVENT(COLUMN, LATER, R) \
    COLUMN(R, integer, flow_id, RECORD_DOC_FLOW_ID) \
    COLUMN(R, integer, time_us, "when it was said; microseconds since the epoch") \
    COLUMN(R, text, kind, "what happened, one fixed word: 'client_info', 'keystrokes', 'clipboard_text', 'file_written', 'disconnect', ...") \
    COLUMN(R, text, detail, "the particulars") \
    COLUMN(R, text, from_side, "which side said it: 'client' or 'server'")

RECORD_STRUCT(rdp_event, RDP_EVENT);

enum rdp_protocol { /* [MS-RDPBCGR] 2.2.1.2.1 */
    RDP_PROTOCOL_RDP = 0x00,
    RDP_PROTOCOL_SSL = 0x01,
    RDP_PROTOCOL_HYBRID = 0x02,
    RDP_PROTOCOL_RDSTLS = 0x04,
    RDP_PROTOCOL_HYBRID_EX = 0x08,
    RDP_PROTOCOL_RDSAAD = 0x10,
};

struct rdp_security;
struct rdp_share;

#define RDP_CORRELATION_LENGTH 16

/* All that is known of a session when its rows are written. */
struct rdp_facts {
    struct rdp_number preconnection_id;
    struct text preconnection_blob;
    struct text cookie;
    struct text routing_address; /* that the cookie stands for */
    uint8_t correlation_id[RDP_CORRELATION_LENGTH];
    bool has_correlation_id;
    struct rdp_number request_flags;
    struct rdp_number requested;
    struct rdp_number source_reference; /* of the server's X.224 confirm */
    struct rdp_number confirm_flags;
    struct rdp_number selected;
    struct rdp_number failure;
    bool was_connected[SIDE_COUNT]; /* its MCS connect was seen */
    struct rdp_settings settings;
    struct rdp_shape shape;
    struct rdp_security *security; /* from the server's MCS connect on, where it chose encryption; owned by rdp.c. See rdp_security.h */
    struct rdp_credssp credssp; /* read where keys opened TLS */
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

/* ---- rdp_findings.c ---- */

/* The findings of how the session is protected, and of how the client calls itself. Once, when it is over. */
void rdp_tell_protection(struct conversation *conversation, const struct rdp_facts *facts);

/* ---- rdp_describe.c: the columns of the session's row that the connection fills ---- */

/* Room for a number that has no name. */
struct rdp_number_text {
    char at[16];
};

enum rdp_list {
    RDP_LIST_REQUESTED,
    RDP_LIST_REQUEST_FLAGS,
    RDP_LIST_CONFIRM_FLAGS,
    RDP_LIST_CORRELATION,
    RDP_LIST_LAYOUT,
    RDP_LIST_DEPTHS,
    RDP_LIST_CAPABILITIES,
    RDP_LIST_MONITORS,
    RDP_LIST_METHODS,
    RDP_LIST_CLUSTER,
    RDP_LIST_CLIENT_TRANSPORT,
    RDP_LIST_SERVER_TRANSPORT,
    RDP_LIST_SERVER_CAPABILITIES,
    RDP_LIST_UNKNOWN,
    RDP_LIST_CHANNELS,
    RDP_LISTS,
};

/* What the row's texts borrow from until it is written. */
struct rdp_description {
    struct text lists[RDP_LISTS];
    struct rdp_number_text numbers[12];
};

void rdp_describe(const struct rdp_facts *facts, struct rdp_session *row, struct rdp_description *description);
void rdp_description_free(struct rdp_description *description);

/* ---- rdp_negotiation.c ---- */

/* Reads what stands behind the fixed part of the connection request or confirm. False: it is not as specified; what was read before that stands. */
bool rdp_read_request(struct cursor *variable, struct rdp_facts *facts);
bool rdp_read_confirm(struct cursor *variable, struct rdp_facts *facts);

enum rdp_preconnection {
    PRECONNECTION_ABSENT, /* something else stands here */
    PRECONNECTION_SHORT,  /* so far it could be one */
    PRECONNECTION_READ,
};

/* Takes a preconnection PDU, if one stands here; `facts` may be NULL. */
enum rdp_preconnection rdp_read_preconnection(struct cursor *bytes, struct rdp_facts *facts);

/* Whether a negotiation of that side begins with this byte. */
bool rdp_is_negotiation(int first, enum side from);

/* ---- rdp_server.c ---- */

struct rdp_software {
    const char *name; /* NULL: not told */
    const char *basis;
};
struct rdp_software rdp_server_software(const struct rdp_facts *facts);

/* ---- rdp_flags.c: appends the names of the flags that are set, joined by commas ---- */
void rdp_append_request_flags(uint32_t set, struct text *names);
void rdp_append_confirm_flags(uint32_t set, struct text *names);
void rdp_append_client_capabilities(uint32_t set, struct text *names);
void rdp_append_server_capabilities(uint32_t set, struct text *names);
void rdp_append_depths(uint32_t set, struct text *names);
void rdp_append_methods(uint32_t set, struct text *names);
void rdp_append_cluster_flags(uint32_t set, struct text *names);
void rdp_append_multitransport(uint32_t set, struct text *names);
void rdp_append_channel_options(uint32_t set, struct text *names);
void rdp_append_monitors(const struct rdp_settings *settings, struct text *list);

/* ---- rdp_names.c: names of numbers; NULL where there is none ---- */
const char *rdp_keyboard_layout_name(uint32_t layout);
const char *rdp_keyboard_type_name(uint32_t type);
const char *rdp_version_name(uint32_t version);
const char *rdp_failure_name(uint32_t code);
const char *rdp_encryption_method_name(uint32_t method);
const char *rdp_encryption_level_name(uint32_t level);
const char *rdp_protocol_name(uint32_t protocol);
const char *rdp_build_name(uint32_t build);
const char *rdp_connection_type_name(uint32_t type);
const char *rdp_connect_result_name(uint32_t result);

#endif

/*
 * rdp_settings.h - what both sides of an RDP connection say of themselves in their MCS connect PDUs: the data blocks of
 * [MS-RDPBCGR] 2.2.1.3 and 2.2.1.4, and the server's certificate.
 */
#ifndef WIRESCRIBE_DISSECTORS_RDP_SETTINGS_H
#define WIRESCRIBE_DISSECTORS_RDP_SETTINGS_H

#include "base/cursor.h"
#include "base/flow.h"
#include "base/text.h"

/* Static virtual channels that are kept of each session: as many as [MS-RDPBCGR] 2.2.1.3.4 allows. */
#define RDP_CHANNELS_LIMIT 31
/* Monitors that are kept: as many as 2.2.1.3.6 allows. */
#define RDP_MONITORS_LIMIT 16
/* The longest text that is kept, in bytes of UTF-8: the wire has room for 32 letters of UTF-16. */
#define RDP_NAME_LIMIT 128
#define RDP_SUBJECT_LIMIT 1024
/* A random of 32 bytes is the only one that 2.2.1.4.3 allows. */
#define RDP_RANDOM_LENGTH 32
/* The longest public key that is kept: 4096 bits. */
#define RDP_MODULUS_LIMIT 512
/* Types of unknown blocks that are kept. */
#define RDP_UNKNOWN_LIMIT 8
/* Certificates of a chain that are looked at. */
#define RDP_CHAIN_LIMIT 16

enum rdp_encryption_method { /* 2.2.1.4.3 */
                             RDP_METHOD_NONE = 0x00,
                             RDP_METHOD_40BIT = 0x01,
                             RDP_METHOD_128BIT = 0x02,
                             RDP_METHOD_56BIT = 0x08,
                             RDP_METHOD_FIPS = 0x10,
};

enum rdp_encryption_level {
    RDP_LEVEL_NONE,
    RDP_LEVEL_LOW,
    RDP_LEVEL_CLIENT_COMPATIBLE,
    RDP_LEVEL_HIGH,
    RDP_LEVEL_FIPS,
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

struct rdp_monitor { /* 2.2.1.3.6.1, 2.2.1.3.9.1 */
    int32_t left;
    int32_t top;
    int32_t right; /* both inclusive */
    int32_t bottom;
    uint32_t flags;
    bool has_attributes;
    uint32_t physical_width; /* millimetres */
    uint32_t physical_height;
    uint32_t orientation; /* degrees */
    uint32_t desktop_scale;
    uint32_t device_scale;
};

/* What the MCS connect response grants: T.125, DomainParameters. */
struct rdp_domain {
    uint32_t channels;
    uint32_t users;
    uint32_t tokens;
    uint32_t priorities;
    uint32_t throughput;
    uint32_t height;
    uint32_t pdu_size;
    uint32_t version;
    bool is_known;
};

/* An RSA public key, bytes in the order of the wire: the least significant first. */
struct rdp_public_key {
    uint8_t modulus[RDP_MODULUS_LIMIT];
    size_t modulus_length; /* without zeros at the end; 0: none */
    uint32_t exponent;
};

struct rdp_certificate {
    struct rdp_number version; /* 1: proprietary, 2: X.509 */
    struct rdp_number is_temporary;
    struct rdp_number count;          /* certificates that its chain names */
    struct rdp_number key_bits;       /* of an RSA key */
    struct rdp_number is_well_signed; /* proprietary: by Terminal Services' well-known key */
    struct text subject;
    struct text issuer;
    struct text serial;
    struct rdp_public_key key;
};

/* What the data blocks of both sides say. Texts are owned; see rdp_settings_free. */
struct rdp_settings {
    /* the client's core: 2.2.1.3.2 */
    bool has_client_core;
    struct rdp_number client_version;
    struct rdp_number desktop_width;
    struct rdp_number desktop_height;
    struct rdp_number color_depth;
    struct rdp_number keyboard_layout;
    struct rdp_number keyboard_type;
    struct rdp_number keyboard_subtype;
    struct rdp_number function_keys;
    struct rdp_number client_build;
    struct text client_name;
    struct text ime_file;
    struct rdp_number client_product;
    struct rdp_number serial_number;
    struct rdp_number supported_depths;
    struct rdp_number early_capabilities;
    struct text product_id;
    struct rdp_number connection_type;
    struct rdp_number selected_echo; /* what the client believes the server selected */
    struct rdp_number physical_width;
    struct rdp_number physical_height;
    struct rdp_number orientation;
    struct rdp_number desktop_scale;
    struct rdp_number device_scale;
    /* its other blocks */
    struct rdp_number client_methods; /* of encryption, those of 'French locale' clients too */
    struct rdp_number cluster_flags;
    struct rdp_number redirected_session;
    struct rdp_number client_message_channel; /* flags */
    struct rdp_number client_multitransport;
    bool has_monitors;
    bool has_monitor_attributes;
    struct rdp_number monitors_claimed;
    unsigned monitor_count;
    struct rdp_monitor monitors[RDP_MONITORS_LIMIT];
    bool has_client_network;
    bool asks_for_ms_t120; /* a channel of that name: CVE-2019-0708 */
    /* the channels, of both sides */
    bool has_server_network;
    struct rdp_number channels_asked; /* as the client counts them: may exceed what is kept */
    struct rdp_number channels_given; /* as the server counts them */
    unsigned channel_count;           /* of either side's, at most RDP_CHANNELS_LIMIT */
    struct rdp_channel_state channels[RDP_CHANNELS_LIMIT];
    struct rdp_number io_channel;      /* that the server gave */
    struct rdp_number message_channel; /* that the server gave */
    /* the server's */
    struct rdp_number connect_result; /* of its MCS connect response */
    struct rdp_domain domain;
    bool has_server_core;
    struct rdp_number server_version;
    struct rdp_number requested_echo; /* what the server believes the client requested */
    struct rdp_number server_early_capabilities;
    struct rdp_number server_multitransport;
    bool has_server_security;
    struct rdp_number encryption_method;
    struct rdp_number encryption_level;
    uint8_t server_random[RDP_RANDOM_LENGTH];
    bool has_server_random;
    struct rdp_certificate certificate;
    /* types of blocks that nobody knows, of either side */
    unsigned unknown_count; /* as many were seen; the first RDP_UNKNOWN_LIMIT are kept */
    uint16_t unknown[RDP_UNKNOWN_LIMIT];
};

/* ---- rdp_gcc.c: MCS Connect (T.125) and GCC (T.124) ---- */

enum rdp_reading {
    RDP_READ,    /* to its end */
    RDP_OTHER,   /* it is another PDU: nothing was read */
    RDP_INVALID, /* it is not what it claims; what was read before that stands */
};

/* Reads the client's or the server's connect PDU behind the X.224 header; the PDU must be whole. */
enum rdp_reading rdp_read_connect_initial(struct cursor *pdu, struct rdp_settings *settings);
enum rdp_reading rdp_read_connect_response(struct cursor *pdu, struct rdp_settings *settings);

/* ---- rdp_blocks.c: the data blocks in them ---- */

/* Appends UTF-16LE up to its NUL, as UTF-8. An unpaired surrogate comes out as three bytes that are not UTF-8: the store escapes them. */
void rdp_append_utf16(struct text *text, struct cursor utf16);

/* A definite length of one to five bytes (X.690, 8.1.3); anything else rejects. */
size_t rdp_take_ber_length(struct cursor *cursor);

/* Reads one side's blocks. False where a length lies; what was read before it stands. */
bool rdp_read_blocks(struct cursor *blocks, enum side from, struct rdp_settings *settings);
void rdp_settings_free(struct rdp_settings *settings);

/* ---- rdp_certificate.c ---- */

/* Reads the server's certificate (2.2.1.4.3.1), of which `encoded` is all. False: a length lies, or it is none; what was read before that stands. */
bool rdp_read_certificate(struct cursor *encoded, struct rdp_certificate *certificate);

/* Reads one X.509 certificate in DER: names, serial number, key. False: it is none. */
bool rdp_read_x509(struct bytes encoded, struct rdp_certificate *certificate);

#endif

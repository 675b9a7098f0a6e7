/*
 * rdp_script.h - builds the PDUs of an RDP connection, byte by byte and with its lengths marked.
 */
#ifndef WIRESCRIBE_TESTS_UNIT_RDP_SCRIPT_H
#define WIRESCRIBE_TESTS_UNIT_RDP_SCRIPT_H

#include "base/bytes.h"

#define PDU_LIMIT 4096

struct pdu {
    uint8_t at[PDU_LIMIT];
    bool is_length[PDU_LIMIT]; /* this byte belongs to a length or a count */
    size_t length;
};

static inline struct bytes pdu_bytes(const struct pdu *pdu)
{
    return bytes_of(pdu->at, pdu->length);
}

/* What a client says of itself. */
struct rdp_script_client {
    uint16_t color_depth;      /* the code */
    uint16_t post_beta2_depth; /* the code; the last field where `ends_early` */
    uint16_t high_color_depth;
    uint16_t early_flags;
    uint32_t keyboard_layout;
    uint32_t keyboard_type;
    uint32_t version;
    bool ends_early;
    unsigned channel_count; /* named chan0, chan1, ... */
    uint32_t channels_claimed;
    struct bytes name; /* UTF-16LE; at most 32 bytes */
};

/* A client of this century: 1024x768, RDP 10.7, "CLIENT", two channels. */
extern const struct rdp_script_client rdp_script_usual;

/* An X.224 connection request or confirm (`code`) with that variable part. */
void rdp_script_connection(struct pdu *pdu, uint8_t code, struct bytes variable);

/* The two MCS connect PDUs, each in its TPKT. The server's has 128-bit encryption and a chain whose last certificate is CN=rdp.example. */
void rdp_script_connect_initial(struct pdu *pdu, const struct rdp_script_client *client);
void rdp_script_connect_response(struct pdu *pdu, unsigned channel_count);

/* MCS send data of that many bytes in a channel: `code` 0x64 from a client, 0x68 from a server. */
void rdp_script_send_data(struct pdu *pdu, uint8_t code, uint16_t channel, size_t size);

#endif

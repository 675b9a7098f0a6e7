/* rdp_script.c - see rdp_script.h */
#include "tests/unit/rdp_script.h"

#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>

/* Self-signed, Ed25519, subject "O=Example, CN=rdp.example"; made by openssl req -x509. */
static const uint8_t certificate[] = {
    0x30, 0x81, 0xf7, 0x30, 0x81, 0xaa, 0x02, 0x01, 0x01, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x30, 0x28, 0x31, 0x10,
    0x30, 0x0e, 0x06, 0x03, 0x55, 0x04, 0x0a, 0x0c, 0x07, 0x45, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x31, 0x14, 0x30, 0x12,
    0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x0b, 0x72, 0x64, 0x70, 0x2e, 0x65, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x30, 0x1e,
    0x17, 0x0d, 0x32, 0x36, 0x31, 0x31, 0x32, 0x33, 0x30, 0x38, 0x33, 0x37, 0x34, 0x36, 0x5a, 0x17, 0x0d, 0x33, 0x36, 0x31,
    0x31, 0x32, 0x30, 0x30, 0x38, 0x33, 0x37, 0x34, 0x36, 0x5a, 0x30, 0x28, 0x31, 0x10, 0x30, 0x0e, 0x06, 0x03, 0x55, 0x04,
    0x0a, 0x0c, 0x07, 0x45, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x31, 0x14, 0x30, 0x12, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c,
    0x0b, 0x72, 0x64, 0x70, 0x2e, 0x65, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65,
    0x70, 0x03, 0x21, 0x00, 0x43, 0x39, 0x3d, 0x68, 0xbd, 0x22, 0x41, 0x1f, 0x33, 0xa4, 0x76, 0xbf, 0xd1, 0x9f, 0x43, 0x8e,
    0x24, 0x5a, 0xc8, 0x04, 0x44, 0xea, 0x2c, 0xc4, 0xa7, 0xd0, 0x98, 0x7c, 0x06, 0x9d, 0x3e, 0xd3, 0x30, 0x05, 0x06, 0x03,
    0x2b, 0x65, 0x70, 0x03, 0x41, 0x00, 0xbf, 0x77, 0x68, 0xb3, 0x2d, 0x9a, 0x12, 0x73, 0xd3, 0x7d, 0xba, 0xa1, 0x2d, 0xaf,
    0x03, 0x02, 0x05, 0xa0, 0x4f, 0x63, 0x29, 0x56, 0x2a, 0x89, 0x06, 0x1e, 0x3e, 0xb2, 0x4e, 0x3d, 0xdc, 0x1a, 0x96, 0x70,
    0xb3, 0x10, 0x7f, 0x5b, 0x4c, 0x97, 0xbc, 0x87, 0x5a, 0xb2, 0x1e, 0x4c, 0x23, 0x6a, 0xfb, 0x9b, 0x3f, 0x46, 0x7f, 0x07,
    0xf1, 0x59, 0xa5, 0x28, 0xe6, 0x9d, 0x13, 0x0c, 0x8f, 0x0c,
};

const struct rdp_script_client rdp_script_usual = {
    .color_depth = 0xca01,
    .post_beta2_depth = 0xca01,
    .high_color_depth = 24,
    .early_flags = 0x0002,
    .keyboard_layout = 0x0407,
    .keyboard_type = 4,
    .version = 0x0008000c,
    .channel_count = 2,
    .channels_claimed = 2,
    .name = {.at = (const uint8_t *)"C\0L\0I\0E\0N\0T", .length = 12},
};

/* ---- building ---- */

static void add(struct pdu *pdu, const void *bytes, size_t count, bool is_length)
{
    if (!CHECK(pdu->length + count <= PDU_LIMIT))
        abort();
    memcpy(pdu->at + pdu->length, bytes, count);
    memset(pdu->is_length + pdu->length, is_length, count);
    pdu->length += count;
}

static void add_zeros(struct pdu *pdu, size_t count)
{
    static const uint8_t zeros[256];

    add(pdu, zeros, count, false);
}

static void add_u16(struct pdu *pdu, unsigned value, bool is_length)
{
    const uint8_t bytes[2] = {(uint8_t)value, (uint8_t)(value >> 8)};

    add(pdu, bytes, 2, is_length);
}

/* 34 channels, 3 users, no token, 1 priority, 0, 1, 65528 bytes, version 2 */
static const char domain_parameters[] = "\x30\x1a\x02\x01\x22\x02\x01\x03\x02\x01\x00\x02\x01\x01\x02\x01\x00\x02\x01\x01\x02\x03\x00\xff\xf8\x02\x01\x02";

static void add_u32(struct pdu *pdu, uint32_t value, bool is_length)
{
    add_u16(pdu, value & 0xffff, is_length);
    add_u16(pdu, value >> 16, is_length);
}

/* Puts bytes before what is there. */
static void put_before(struct pdu *pdu, const void *bytes, size_t count, bool is_length)
{
    if (!CHECK(pdu->length + count <= PDU_LIMIT))
        abort();
    memmove(pdu->at + count, pdu->at, pdu->length);
    memmove(pdu->is_length + count, pdu->is_length, pdu->length * sizeof pdu->is_length[0]);
    memcpy(pdu->at, bytes, count);
    memset(pdu->is_length, is_length, count);
    pdu->length += count;
}

static void put_length_before(struct pdu *pdu, unsigned first, size_t length)
{
    const uint8_t bytes[3] = {(uint8_t)first, (uint8_t)(length >> 8), (uint8_t)length};

    if (first != 0)
        put_before(pdu, bytes, 3, true);
    else
        put_before(pdu, bytes + 1, 2, true);
}

/* X.691: two bytes of length, the first bit set. */
static void put_per_length_before(struct pdu *pdu)
{
    put_length_before(pdu, 0, pdu->length | 0x8000);
}

/* X.690: the long form with two bytes. */
static void put_ber_before(struct pdu *pdu, const char *tag, size_t tag_length)
{
    put_length_before(pdu, 0x82, pdu->length);
    put_before(pdu, tag, tag_length, false);
}

static void put_tpkt_before(struct pdu *pdu)
{
    put_length_before(pdu, 0, pdu->length + 4);
    put_before(pdu, "\x03\x00", 2, false);
}

/* The length of a block that began at `start` is known now. */
static void end_block(struct pdu *pdu, size_t start)
{
    size_t length = pdu->length - start;

    pdu->at[start + 2] = (uint8_t)length;
    pdu->at[start + 3] = (uint8_t)(length >> 8);
}

static size_t begin_block(struct pdu *pdu, uint16_t type)
{
    size_t start = pdu->length;

    add_u16(pdu, type, false);
    add_u16(pdu, 0, true);
    return start;
}

/* ---- the client ---- */

static void add_client_core(struct pdu *pdu, const struct rdp_script_client *client)
{
    size_t start = begin_block(pdu, 0xc001);

    add_u32(pdu, client->version, false);
    add_u16(pdu, 1024, false);
    add_u16(pdu, 768, false);
    add_u16(pdu, client->color_depth, false);
    add_u16(pdu, 0xaa03, false);
    add_u32(pdu, client->keyboard_layout, false);
    add_u32(pdu, 19041, false);
    add(pdu, client->name.at, client->name.length, false);
    add_zeros(pdu, 32 - client->name.length);
    add_u32(pdu, client->keyboard_type, false);
    add_zeros(pdu, 4 + 4 + 64);
    add_u16(pdu, client->post_beta2_depth, false);
    if (!client->ends_early) {
        add_u16(pdu, 1, false);
        add_u32(pdu, 0, false);
        add_u16(pdu, client->high_color_depth, false);
        add_u16(pdu, 0x000f, false);
        add_u16(pdu, client->early_flags, false);
        add(pdu, "P\0R\0O\0D", 7, false);
        add_zeros(pdu, 64 - 7);
    }
    end_block(pdu, start);
}

static void add_client_network(struct pdu *pdu, const struct rdp_script_client *client)
{
    size_t start = begin_block(pdu, 0xc003);

    add_u32(pdu, client->channels_claimed, true);
    for (unsigned i = 0; i < client->channel_count; i++) {
        char name[16] = "";

        (void)snprintf(name, sizeof name, "chan%u", i);
        add(pdu, name, 8, false);
        add_u32(pdu, 0x80800000, false);
    }
    end_block(pdu, start);
}

void rdp_script_connect_initial(struct pdu *pdu, const struct rdp_script_client *client)
{
    size_t cluster;

    pdu->length = 0;
    add_client_core(pdu, client);
    cluster = begin_block(pdu, 0xc004);
    add_zeros(pdu, 8);
    end_block(pdu, cluster);
    add_client_network(pdu, client);
    put_per_length_before(pdu);
    put_before(pdu, "\x00\x08\x00\x10\x00\x01\xc0\x00" "Duca", 12, false);
    put_per_length_before(pdu);
    put_before(pdu, "\x00\x05\x00\x14\x7c\x00\x01", 7, false);
    put_ber_before(pdu, "\x04", 1);
    for (int i = 0; i < 3; i++)
        put_before(pdu, domain_parameters, sizeof domain_parameters - 1, false);
    put_before(pdu, "\x04\x01\x01\x04\x01\x01\x01\x01\xff", 9, false);
    put_ber_before(pdu, "\x7f\x65", 2);
    put_before(pdu, "\x02\xf0\x80", 3, false);
    put_tpkt_before(pdu);
}

/* ---- the server ---- */

static void add_server_security(struct pdu *pdu)
{
    size_t start = begin_block(pdu, 0x0c02);

    add_u32(pdu, 2, false);
    add_u32(pdu, 3, false);
    add_u32(pdu, 32, true);
    add_u32(pdu, (uint32_t)(4 + 4 + 4 + 3 + 4 + sizeof certificate), true);
    add_zeros(pdu, 32);
    add_u32(pdu, 0x80000002, false);
    add_u32(pdu, 2, true);
    add_u32(pdu, 3, true);
    add(pdu, "CA.", 3, false);
    add_u32(pdu, sizeof certificate, true);
    add(pdu, certificate, sizeof certificate, false);
    end_block(pdu, start);
}

static void add_server_network(struct pdu *pdu, unsigned channel_count)
{
    size_t start = begin_block(pdu, 0x0c03);

    add_u16(pdu, 1003, false);
    add_u16(pdu, channel_count, true);
    for (unsigned i = 0; i < channel_count; i++)
        add_u16(pdu, 1004 + i, false);
    end_block(pdu, start);
}

void rdp_script_connect_response(struct pdu *pdu, unsigned channel_count)
{
    size_t core;

    pdu->length = 0;
    core = begin_block(pdu, 0x0c01);
    add_u32(pdu, 0x00080004, false);
    end_block(pdu, core);
    add_server_network(pdu, channel_count);
    add_server_security(pdu);
    put_per_length_before(pdu);
    put_before(pdu, "\x14\x76\x0a\x01\x01\x00\x01\xc0\x00" "McDn", 13, false);
    put_per_length_before(pdu);
    put_before(pdu, "\x00\x05\x00\x14\x7c\x00\x01", 7, false);
    put_ber_before(pdu, "\x04", 1);
    put_before(pdu, domain_parameters, sizeof domain_parameters - 1, false);
    put_before(pdu, "\x0a\x01\x00\x02\x01\x00", 6, false);
    put_ber_before(pdu, "\x7f\x66", 2);
    put_before(pdu, "\x02\xf0\x80", 3, false);
    put_tpkt_before(pdu);
}

/* ---- both ---- */

void rdp_script_connection(struct pdu *pdu, uint8_t code, struct bytes variable)
{
    uint8_t length = (uint8_t)(6 + variable.length);

    pdu->length = 0;
    add(pdu, &length, 1, true);
    add(pdu, &code, 1, false);
    add_zeros(pdu, 5);
    if (variable.length > 0)
        add(pdu, variable.at, variable.length, false);
    put_tpkt_before(pdu);
}

void rdp_script_send_data(struct pdu *pdu, uint8_t code, uint16_t channel, size_t size)
{
    const uint8_t head[] = {2, 0xf0, 0x80, code, 0, 6, (uint8_t)(channel >> 8), (uint8_t)channel, 0x70};
    const uint8_t length[2] = {(uint8_t)(size >> 8 | 0x80), (uint8_t)size};

    pdu->length = 0;
    add(pdu, head, sizeof head, false);
    if (size < 0x80)
        add(pdu, &length[1], 1, true);
    else
        add(pdu, length, 2, true);
    if (size > 0) {
        add(pdu, "\x08", 1, false); /* SEC_ENCRYPT: what follows is sealed */
        size--;
    }
    for (; size > 0; size -= size < 256 ? size : 256)
        add_zeros(pdu, size < 256 ? size : 256);
    put_tpkt_before(pdu);
}

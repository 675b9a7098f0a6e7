/* Bulk transfers: FTP downloads and uploads (passive, active, and extended passive over IPv6) with their control connections,
 * WebSocket messages of 64 KiB both ways, and mails. Handshakes, full segments, an ACK for every second segment, FINs; nothing is
 * lost or sent twice, and the link's delay is not modelled: all that was sent is acknowledged by the next packet back.
 * Reference: RFC 959, 2428, 5321, 6455, 9293. */
#define _GNU_SOURCE 1

#include "load.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ETHERNET_HEADER = 14,
    TCP_HEADER = 20,
    PATTERN_BLOCKS = 1024,
    BLOCK_BYTES = 1460,
    MESSAGE_BYTES = 65536,
    TRANSFER_BYTES_LEAST = 2 << 20,
    TRANSFER_BYTES_MOST = 24 << 20,
    MAIL_ATTACHMENT = 56000, /* with their texts, mails of 100 KB */
    MAIL_PROSE = 12000,
    SINGLE_MEGABITS = 1000
};

enum action { BEGIN_MAIL, SEND_SYN, SEND_SYN_ACK, SEND_ACK, SEND_TEXT, SEND_TRANSFER, SEND_FIN, THE_END };

struct step {
    enum action action;
    enum channel channel;
    enum side from;
    const char *text; /* %c, %s: client's and server's address with commas, %p: data port with a comma, %e: data port,
                         %h: server's address, %n: size of the file, %i: number of the mail */
};

struct script {
    bool is_ipv6, is_websocket;
    uint16_t server_port;
    enum side data_opener;
    const struct step *steps;
};

static uint8_t *pattern;
static uint32_t pattern_sums[PATTERN_BLOCKS];

/* clang-format off */
#define HANDSHAKE(channel, opener, acceptor) \
    {SEND_SYN, channel, opener, NULL}, {SEND_SYN_ACK, channel, acceptor, NULL}, {SEND_ACK, channel, opener, NULL}
#define GOODBYE(channel, closer, other) \
    {SEND_FIN, channel, closer, NULL}, {SEND_FIN, channel, other, NULL}, {SEND_ACK, channel, closer, NULL}
#define SAYS(side, text) {SEND_TEXT, CONTROL, side, text}
#define FTP_LOGIN \
    HANDSHAKE(CONTROL, CLIENT, SERVER), SAYS(SERVER, "220 Archive ready.\r\n"), SAYS(CLIENT, "USER anonymous\r\n"), \
        SAYS(SERVER, "331 Please specify the password.\r\n"), SAYS(CLIENT, "PASS load@example.net\r\n"), \
        SAYS(SERVER, "230 Login successful.\r\n"), SAYS(CLIENT, "TYPE I\r\n"), \
        SAYS(SERVER, "200 Switching to Binary mode.\r\n")
#define FTP_LOGOUT \
    SAYS(SERVER, "226 Transfer complete.\r\n"), SAYS(CLIENT, "QUIT\r\n"), SAYS(SERVER, "221 Goodbye.\r\n"), \
        GOODBYE(CONTROL, SERVER, CLIENT), {THE_END, CONTROL, CLIENT, NULL}

static const struct step passive_download[] = {
    FTP_LOGIN,
    SAYS(CLIENT, "PASV\r\n"),
    SAYS(SERVER, "227 Entering Passive Mode (%s,%p).\r\n"),
    HANDSHAKE(DATA, CLIENT, SERVER),
    SAYS(CLIENT, "RETR /pub/archive-%n.bin\r\n"),
    SAYS(SERVER, "150 Opening BINARY mode data connection for /pub/archive-%n.bin (%n bytes).\r\n"),
    {SEND_TRANSFER, DATA, SERVER, NULL},
    GOODBYE(DATA, SERVER, CLIENT),
    FTP_LOGOUT,
};

static const struct step active_upload[] = {
    FTP_LOGIN,
    SAYS(CLIENT, "PORT %c,%p\r\n"),
    SAYS(SERVER, "200 PORT command successful.\r\n"),
    SAYS(CLIENT, "STOR incoming-%n.bin\r\n"),
    HANDSHAKE(DATA, SERVER, CLIENT),
    SAYS(SERVER, "150 Ok to send data.\r\n"),
    {SEND_TRANSFER, DATA, CLIENT, NULL},
    GOODBYE(DATA, CLIENT, SERVER),
    FTP_LOGOUT,
};

static const struct step extended_download[] = {
    FTP_LOGIN,
    SAYS(CLIENT, "EPSV\r\n"),
    SAYS(SERVER, "229 Entering Extended Passive Mode (|||%e|).\r\n"),
    HANDSHAKE(DATA, CLIENT, SERVER),
    SAYS(CLIENT, "RETR /pub/archive-%n.bin\r\n"),
    SAYS(SERVER, "150 Opening BINARY mode data connection for /pub/archive-%n.bin (%n bytes).\r\n"),
    {SEND_TRANSFER, DATA, SERVER, NULL},
    GOODBYE(DATA, SERVER, CLIENT),
    FTP_LOGOUT,
};

/* The key and its answer are those of RFC 6455 1.3. */
#define WEBSOCKET_OPEN \
    HANDSHAKE(CONTROL, CLIENT, SERVER), \
        SAYS(CLIENT, "GET /feed HTTP/1.1\r\nHost: %h:8080\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"), \
        SAYS(SERVER, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
                     "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
/* Close with status 1000; the client's is masked with 0x11111111. */
#define WEBSOCKET_CLOSE \
    SAYS(CLIENT, "\x88\x82\x11\x11\x11\x11\x12\xf9"), SAYS(SERVER, "\x88\x02\x03\xe8"), \
        GOODBYE(CONTROL, SERVER, CLIENT), {THE_END, CONTROL, CLIENT, NULL}

static const struct step websocket_download[] = {WEBSOCKET_OPEN, {SEND_TRANSFER, CONTROL, SERVER, NULL}, WEBSOCKET_CLOSE};
static const struct step websocket_upload[] = {WEBSOCKET_OPEN, {SEND_TRANSFER, CONTROL, CLIENT, NULL}, WEBSOCKET_CLOSE};

#define MAIL \
    {BEGIN_MAIL, CONTROL, CLIENT, NULL}, SAYS(CLIENT, "MAIL FROM:<load@example.net>\r\n"), SAYS(SERVER, "250 2.1.0 Ok\r\n"), \
        SAYS(CLIENT, "RCPT TO:<reader@example.org>\r\n"), SAYS(SERVER, "250 2.1.5 Ok\r\n"), SAYS(CLIENT, "DATA\r\n"), \
        SAYS(SERVER, "354 End data with <CR><LF>.<CR><LF>\r\n"), {SEND_TRANSFER, CONTROL, CLIENT, NULL}, \
        SAYS(SERVER, "250 2.0.0 Ok: queued as %i\r\n")
#define MAIL_SESSION(mails) \
    HANDSHAKE(CONTROL, CLIENT, SERVER), SAYS(SERVER, "220 mail.example.org ESMTP\r\n"), SAYS(CLIENT, "EHLO desk.example.net\r\n"), \
        SAYS(SERVER, "250-mail.example.org\r\n250-PIPELINING\r\n250-SIZE 1000000000\r\n250 8BITMIME\r\n"), mails, SAYS(CLIENT, "QUIT\r\n"), \
        SAYS(SERVER, "221 2.0.0 Bye\r\n"), GOODBYE(CONTROL, SERVER, CLIENT), {THE_END, CONTROL, CLIENT, NULL}
#define FOUR_MAILS MAIL, MAIL, MAIL, MAIL

static const struct step one_mail[] = {MAIL_SESSION(MAIL)};
static const struct step four_mails[] = {MAIL_SESSION(FOUR_MAILS)};

static const struct script single_scripts[] = {
    [SINGLE_FTP] = {false, false, 21, CLIENT, passive_download},
    [SINGLE_MAIL] = {false, false, 25, CLIENT, one_mail},
    [SINGLE_MAILS] = {false, false, 25, CLIENT, four_mails},
};

static const struct script scripts[] = {
    {false, false, 21, CLIENT, passive_download},     {false, true, 8080, CLIENT, websocket_download},
    {false, false, 21, SERVER, active_upload},        {true, false, 21, CLIENT, extended_download},
    {false, true, 8080, CLIENT, websocket_upload},
};
/* clang-format on */

void bulk_prepare(void)
{
    pattern = allocate(NULL, (size_t)PATTERN_BLOCKS * BLOCK_BYTES);
    for (size_t offset = 0; offset < (size_t)PATTERN_BLOCKS * BLOCK_BYTES; offset += 4)
        put_u32_be(pattern + offset, (uint32_t)random_next());
    for (size_t block = 0; block < PATTERN_BLOCKS; block++)
        pattern_sums[block] = sum_bytes(pattern + block * BLOCK_BYTES, BLOCK_BYTES);
}

void bulk_end(void)
{
    free(pattern);
}

static size_t websocket_header_length(enum side from)
{
    return from == CLIENT ? 14 : 10;
}

/* Fresh addresses and ports for the script. */
static void choose_endpoints(struct bulk *bulk)
{
    struct pool *pool = pool_of(bulk->script->is_ipv6, bulk->script->is_ipv6 ? IPV6_WIDTH : IPV4_WIDTH);
    if (pool == NULL)
        fail("too many widths of addresses");
    struct host hosts[SIDES] = {{.pool = pool}, {.pool = pool}};
    if (!fresh_addresses(hosts, SIDES, bulk->address))
        fail("all addresses are used up; make a shorter load");
    for (size_t channel = 0; channel < CHANNELS; channel++)
        for (size_t side = 0; side < SIDES; side++) {
            bulk->connections[channel].port[side] = (uint16_t)(40000 + random_below(20000));
            bulk->connections[channel].sequence[side] = (uint32_t)random_next();
        }
    bulk->connections[CONTROL].port[SERVER] = bulk->script->server_port;
    if (bulk->script->data_opener == SERVER)
        bulk->connections[DATA].port[SERVER] = 20;
}

void bulk_begin(struct bulk *bulk, size_t lane)
{
    size_t kinds = sizeof scripts / sizeof scripts[0];
    bulk->script = &scripts[(lane + bulk->transfers++) % kinds];
    bulk->step = 0;
    bulk->sent = 0;
    bulk->size = TRANSFER_BYTES_LEAST + random_below(TRANSFER_BYTES_MOST - TRANSFER_BYTES_LEAST);
    if (bulk->size > bulk->quota)
        bulk->size = bulk->quota;
    if (bulk->script->is_websocket) {
        enum side from = bulk->script->steps == websocket_upload ? CLIENT : SERVER;
        uint64_t frame = MESSAGE_BYTES + websocket_header_length(from);
        bulk->size = (bulk->size / frame + 1) * frame;
    }
    choose_endpoints(bulk);
    bulk->pattern_start = (uint32_t)random_next();
}

/* Writes one packet with `length` bytes of payload, whose sum is `payload_sum`. */
static void bulk_packet(struct bulk *bulk, uint64_t time, const struct step *step, uint8_t flags, const uint8_t *payload, size_t length,
                        uint32_t payload_sum)
{
    static const uint8_t syn_options[12] = {2, 4, 0x05, 0xB4, 4, 2, 1, 3, 3, 7, 1, 1}; /* MSS 1460, SACK, scale 7 */
    struct connection *connection = &bulk->connections[step->channel];
    enum side from = step->from, to = from == CLIENT ? SERVER : CLIENT;
    bool is_syn = (flags & 0x02) != 0;
    bool is_ipv6 = bulk->script->is_ipv6;
    size_t ip_header = is_ipv6 ? 40 : 20;
    size_t tcp_header = TCP_HEADER + (is_syn ? sizeof syn_options : 0);
    size_t total = ETHERNET_HEADER + ip_header + tcp_header + length;
    uint8_t *frame = output_packet(time, (uint32_t)total);
    memset(frame, 0, total - length);
    memcpy(frame, from == CLIENT ? "\x02\0\0\0\0\x02\x02\0\0\0\0\x01" : "\x02\0\0\0\0\x01\x02\0\0\0\0\x02", 12);
    put_u16_be(frame + 12, is_ipv6 ? 0x86DD : 0x0800);
    uint8_t *ip = frame + ETHERNET_HEADER;
    const struct address *source = &bulk->address[from], *destination = &bulk->address[to];
    uint32_t address_sum = source->sum + destination->sum;
    memcpy(ip + (is_ipv6 ? 8 : 12), source->bytes, source->length);
    memcpy(ip + (is_ipv6 ? 24 : 16), destination->bytes, destination->length);
    if (is_ipv6) {
        ip[0] = 0x60;
        put_u16_be(ip + 4, (uint32_t)(tcp_header + length));
        ip[6] = IPPROTO_TCP;
        ip[7] = 64;
    } else {
        ip[0] = 0x45;
        put_u16_be(ip + 2, (uint32_t)(20 + tcp_header + length));
        put_u16_be(ip + 4, bulk->identification++);
        ip[6] = 0x40; /* do not fragment */
        ip[8] = 64;
        ip[9] = IPPROTO_TCP;
        put_checksum(ip + 10, sum_bytes(ip, 20));
    }
    uint8_t *tcp = ip + ip_header;
    put_u16_be(tcp, connection->port[from]);
    put_u16_be(tcp + 2, connection->port[to]);
    put_u32_be(tcp + 4, connection->sequence[from]);
    if ((flags & 0x10) != 0)
        put_u32_be(tcp + 8, connection->sequence[to]);
    tcp[12] = (uint8_t)(tcp_header / 4 << 4);
    tcp[13] = flags;
    put_u16_be(tcp + 14, is_syn ? 64240 : 502);
    if (is_syn) {
        memcpy(tcp + TCP_HEADER, syn_options, sizeof syn_options);
        put_u16_be(tcp + TCP_HEADER + 2, is_ipv6 ? 1440 : 1460);
    }
    if (length > 0)
        memcpy(tcp + tcp_header, payload, length);
    put_checksum(tcp + 16, (uint64_t)sum_bytes(tcp, tcp_header) + payload_sum + address_sum + pseudo_header_sum(tcp_header + length));
    connection->sequence[from] += (uint32_t)length + ((flags & 0x03) != 0 ? 1 : 0);
}

static void append(char *text, size_t size, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, size - used, format, arguments);
    va_end(arguments);
}

static void append_with_commas(char *text, size_t size, const char *address)
{
    size_t used = strlen(text);
    append(text, size, "%s", address);
    for (char *character = text + used; *character != '\0'; character++)
        if (*character == '.')
            *character = ',';
}

static void bulk_text(const struct bulk *bulk, const char *format, char *text, size_t size)
{
    enum side acceptor = bulk->script->data_opener == CLIENT ? SERVER : CLIENT;
    unsigned port = bulk->connections[DATA].port[acceptor];
    text[0] = '\0';
    for (; *format != '\0'; format++) {
        if (*format != '%') {
            append(text, size, "%c", *format);
            continue;
        }
        switch (*++format) {
        case 'c':
            append_with_commas(text, size, bulk->address[CLIENT].text);
            break;
        case 's':
            append_with_commas(text, size, bulk->address[SERVER].text);
            break;
        case 'h':
            append(text, size, "%s", bulk->address[SERVER].text);
            break;
        case 'p':
            append(text, size, "%u,%u", port >> 8, port & 0xFF);
            break;
        case 'e':
            append(text, size, "%u", port);
            break;
        case 'n':
            append(text, size, "%" PRIu64, bulk->size);
            break;
        case 'i':
            append(text, size, "%u", bulk->mail->number);
            break;
        default:
            fail("internal error: %%%c in a text", *format);
        }
    }
}

/* Puts the headers of the WebSocket frames that begin in this segment over the pattern. Returns true if there was one. */
static bool overlay_frame_headers(uint64_t sent, size_t length, enum side from, uint8_t *segment)
{
    uint8_t header[14] = {0x82, from == CLIENT ? 0xFF : 0x7F, 0, 0, 0, 0, 0, 0x01, 0, 0, 0x5A, 0xC3, 0x0F, 0x96};
    size_t header_length = websocket_header_length(from);
    uint64_t frame_length = MESSAGE_BYTES + header_length;
    bool has_header = false;
    for (uint64_t begin = sent / frame_length * frame_length; begin < sent + length; begin += frame_length)
        for (size_t index = 0; index < header_length; index++) {
            uint64_t position = begin + index;
            if (position < sent || position >= sent + length)
                continue;
            segment[position - sent] = header[index];
            has_header = true;
        }
    return has_header;
}

static bool is_all_sent(const struct bulk *bulk)
{
    return bulk->mail != NULL ? mail_is_over(bulk->mail) : bulk->sent == bulk->size;
}

static void mail_segment(struct bulk *bulk, uint64_t time, const struct step *step)
{
    uint8_t payload[BLOCK_BYTES];
    size_t length = mail_take(bulk->mail, payload, sizeof payload);
    bulk->segments_unacknowledged++;
    bulk_packet(bulk, time, step, mail_is_over(bulk->mail) ? 0x18 : 0x10, payload, length, sum_bytes(payload, length));
}

/* Writes the next data segment, or the ACK for the two before. Returns false when the transfer is complete. */
static bool bulk_transfer(struct bulk *bulk, uint64_t time, const struct step *step)
{
    size_t segment_most = bulk->script->is_ipv6 ? 1440 : BLOCK_BYTES;
    if (bulk->segments_unacknowledged == 2 || is_all_sent(bulk)) {
        struct step answer = *step;
        answer.from = step->from == CLIENT ? SERVER : CLIENT;
        bulk_packet(bulk, time, &answer, 0x10, NULL, 0, 0);
        bulk->segments_unacknowledged = 0;
        return !is_all_sent(bulk);
    }
    if (bulk->mail != NULL) {
        mail_segment(bulk, time, step);
        return true;
    }
    size_t length = bulk->size - bulk->sent < segment_most ? (size_t)(bulk->size - bulk->sent) : segment_most;
    size_t block = (bulk->pattern_start + bulk->sent / segment_most) % PATTERN_BLOCKS;
    const uint8_t *payload = pattern + block * BLOCK_BYTES;
    uint32_t sum = length == BLOCK_BYTES ? pattern_sums[block] : sum_bytes(payload, length);
    uint8_t overlaid[BLOCK_BYTES];
    if (bulk->script->is_websocket) {
        memcpy(overlaid, payload, length);
        if (overlay_frame_headers(bulk->sent, length, step->from, overlaid)) {
            payload = overlaid;
            sum = sum_bytes(overlaid, length);
        }
    }
    file_add(&bulk->file, payload, length);
    bulk->sent += length;
    bulk->segments_unacknowledged++;
    bulk_packet(bulk, time, step, bulk->sent == bulk->size ? 0x18 : 0x10, payload, length, sum);
    return true;
}

bool bulk_write(struct bulk *bulk, uint64_t time)
{
    const struct step *step = &bulk->script->steps[bulk->step];
    char text[512];
    if (step->action == BEGIN_MAIL) {
        mail_begin(bulk->mail, bulk->mail->number + 1, bulk->size, MAIL_PROSE);
        step = &bulk->script->steps[++bulk->step];
    }
    switch (step->action) {
    case BEGIN_MAIL:
    case SEND_SYN:
        bulk_packet(bulk, time, step, 0x02, NULL, 0, 0);
        break;
    case SEND_SYN_ACK:
        bulk_packet(bulk, time, step, 0x12, NULL, 0, 0);
        break;
    case SEND_ACK:
        bulk_packet(bulk, time, step, 0x10, NULL, 0, 0);
        break;
    case SEND_FIN:
        bulk_packet(bulk, time, step, 0x11, NULL, 0, 0);
        break;
    case SEND_TEXT: {
        bulk_text(bulk, step->text, text, sizeof text);
        size_t length = strlen(text);
        bulk_packet(bulk, time, step, 0x18, (const uint8_t *)text, length, sum_bytes((const uint8_t *)text, length));
        break;
    }
    case SEND_TRANSFER:
        if (bulk_transfer(bulk, time, step))
            return true;
        break;
    case THE_END:
        fail("internal error: a script was run past its end");
    }
    bulk->step++;
    return bulk->script->steps[bulk->step].action != THE_END;
}

bool bulk_is_transferring(const struct bulk *bulk)
{
    return bulk->script->steps[bulk->step].action == SEND_TRANSFER;
}

/* ---- connections that others fill ---- */

static void plain_packet(struct bulk *bulk, enum side from, uint8_t flags, const uint8_t *payload, size_t length)
{
    struct step step = {.channel = CONTROL, .from = from};
    bulk_packet(bulk, bulk->time, &step, flags, payload, length, length > 0 ? sum_bytes(payload, length) : 0);
    bulk->time += (60 + length) * 8000 / SINGLE_MEGABITS;
}

void bulk_open(struct bulk *bulk, uint16_t server_port)
{
    static struct script script = {.data_opener = CLIENT};
    script.server_port = server_port;
    bulk->script = &script;
    bulk->time = output_totals().last_time;
    choose_endpoints(bulk);
    plain_packet(bulk, CLIENT, 0x02, NULL, 0);
    plain_packet(bulk, SERVER, 0x12, NULL, 0);
    plain_packet(bulk, CLIENT, 0x10, NULL, 0);
}

void bulk_say(struct bulk *bulk, enum side from, const uint8_t *bytes, size_t length)
{
    unsigned segments = 0;
    for (size_t sent = 0; sent < length;) {
        size_t part = length - sent < BLOCK_BYTES ? length - sent : BLOCK_BYTES;
        plain_packet(bulk, from, sent + part == length ? 0x18 : 0x10, bytes + sent, part);
        sent += part;
        if (++segments % 2 == 0)
            plain_packet(bulk, from == CLIENT ? SERVER : CLIENT, 0x10, NULL, 0);
    }
}

void bulk_close(struct bulk *bulk)
{
    plain_packet(bulk, CLIENT, 0x11, NULL, 0);
    plain_packet(bulk, SERVER, 0x11, NULL, 0);
    plain_packet(bulk, CLIENT, 0x10, NULL, 0);
    bulk->transfers++;
}

/* ---- loads of one kind ---- */

/* Writes one session from its handshake to its end. */
static void write_session(struct bulk *bulk)
{
    uint64_t time = output_totals().last_time;
    bulk->step = 0;
    bulk->sent = 0;
    choose_endpoints(bulk);
    for (bool goes_on = true; goes_on;) {
        uint64_t before = output_totals().bytes;
        goes_on = bulk_write(bulk, time);
        time += (output_totals().bytes - before) * 8000 / SINGLE_MEGABITS;
    }
    bulk->transfers++;
}

unsigned bulk_write_single(enum single kind, uint64_t bytes)
{
    struct bulk bulk = {.script = &single_scripts[kind], .size = kind == SINGLE_MAILS ? MAIL_ATTACHMENT : bytes};
    if (kind == SINGLE_FTP) {
        char name[64];
        snprintf(name, sizeof name, "archive-%" PRIu64 ".bin", bytes);
        file_begin(&bulk.file, name);
        write_session(&bulk);
        file_end(&bulk.file);
        return bulk.transfers;
    }
    bulk.mail = allocate(NULL, sizeof *bulk.mail);
    bulk.mail->number = 0;
    mail_prepare();
    do
        write_session(&bulk);
    while (kind == SINGLE_MAILS && output_totals().bytes < bytes);
    mail_end();
    free(bulk.mail);
    return bulk.transfers;
}

/* The parts of make_load, which multiplies recorded sessions into a load capture; see make_load.c. */
#ifndef LOAD_H
#define LOAD_H

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HOSTS_MAX = 4,   /* hosts in a scene; the address pools are dealt out in as many shares */
    EDITS_MAX = 8,   /* address texts replaced in one packet */
    IPV4_WIDTH = 14, /* text of an address where the scene does not prescribe its width: 10.111.111.111 */
    IPV6_WIDTH = 20,
    RECORD_HEADER = 16
};

#define SECOND UINT64_C(1000000000) /* times are nanoseconds since the begin of the load */

/* ---- load_output.c: the file, random numbers, checksums ---- */

/* Prints the message to stderr and ends the program with status 1. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* realloc() that never returns NULL. */
void *allocate(void *old, size_t size);

/* splitmix64: the same numbers from the same seed on every machine. random_below() gives 0 .. bound - 1. */
void random_seed(uint64_t seed);
uint64_t random_next(void);
uint64_t random_below(uint64_t bound);

uint16_t get_u16_be(const uint8_t *bytes);
void put_u16_be(uint8_t *bytes, uint32_t value);
void put_u32_be(uint8_t *bytes, uint32_t value);

/* One's complement sums (RFC 1071). They do not depend on the byte order: words are summed as this machine reads them, and
 * the folded sum is stored the same way. `length` is even wherever sums of several pieces are added. */
uint32_t fold(uint64_t sum);
uint32_t sum_bytes(const uint8_t *bytes, size_t length);
void put_checksum(uint8_t *bytes, uint64_t sum);

/* What a TCP pseudo header adds to the sum besides the addresses; it is the same for IPv4 and IPv6. */
uint32_t pseudo_header_sum(size_t segment_length);

struct output_totals {
    uint64_t bytes, packets, last_time;
};

/* `path` may be "-": standard output. */
void output_open(const char *path);
void output_close(void);

/* Writes the record header and gives the place for `length` bytes of frame, to be filled before the next call.
 * Times must not decrease. */
uint8_t *output_packet(uint64_t time, uint32_t length);

/* What was written so far. */
struct output_totals output_totals(void);

/* ---- load_address.c: fresh addresses ---- */

struct pool;

struct address {
    uint8_t bytes[16];
    size_t length; /* 4 or 16 */
    char text[INET6_ADDRSTRLEN];
    uint32_t sum; /* of the bytes, for checksums */
};

struct host {
    uint8_t bytes[16];
    bool is_ipv6;
    unsigned text_width; /* 0: its text was not seen in a payload */
    struct pool *pool;
};

/* The addresses of a family whose text is `width` characters long; NULL if there are none (or too many widths are in use). */
struct pool *pool_of(bool is_ipv6, unsigned width);

/* Addresses for the hosts of one copy, from their pools; no pair of addresses is dealt out twice.
 * Returns false once the pairs are used up. */
bool fresh_addresses(const struct host *hosts, size_t host_count, struct address *addresses);

/* ---- load_scene.c: recorded sessions ---- */

struct text_edit {
    uint32_t offset;
    uint8_t host;
    bool has_commas;
};

struct packet {
    uint64_t time; /* nanoseconds since the scene's first packet, already stretched */
    uint8_t *frame;
    uint32_t length;
    uint16_t ip_offset, tcp_offset;
    uint8_t from, to; /* indices of the scene's hosts */
    bool is_ipv6;
    uint32_t ip_sum, tcp_sum; /* of all that is checksummed but the addresses */
    size_t edit_count;
    struct text_edit edits[EDITS_MAX];
};

struct scene {
    const char *name;
    struct packet *packets;
    size_t packet_count, packet_room;
    uint64_t bytes; /* in the load, with record headers */
    uint64_t duration;
    struct host hosts[HOSTS_MAX];
    size_t host_count;
    bool is_used_up; /* all address pairs of its width are dealt out */
};

/* Reads one capture; counts in `left_out` the packets that are not TCP. Ends the program if the capture is not fit. */
void scene_load(struct scene *scene, const char *path, uint64_t *left_out);

/* Gives the scene's memory back. */
void scene_free(struct scene *scene);

/* Writes packet number `index` of the scene with other addresses. */
void scene_write(const struct scene *scene, size_t index, const struct address *addresses, uint64_t time);

/* Multiplies all inner timings by one factor, so that copies which start at `bytes_per_second` have `under_way` of them
 * open at a time. Returns the factor in millionths. */
uint64_t scenes_stretch(struct scene *scenes, size_t count, uint64_t under_way, uint64_t bytes_per_second);

/* ---- load_file.c: the files that a load carries ---- */

struct evp_md_ctx_st;

struct file {
    char name[64];
    uint64_t size;
    struct evp_md_ctx_st *digest; /* NULL: nobody wants the list */
};

/* Opens the list of files, before the first one begins. */
void files_open(const char *path);
void files_close(void);

void file_begin(struct file *file, const char *name);
void file_add(struct file *file, const uint8_t *bytes, size_t length);
void file_end(struct file *file);

/* ---- load_mail.c: mails ---- */

struct mail {
    unsigned number;
    uint64_t attachment_left;
    bool has_begun, has_ended;
    uint8_t around[65536]; /* what comes before the attachment, then what comes behind it */
    size_t around_length;
    const uint8_t *ready;
    size_t ready_left;
    struct file file;
};

/* Makes the contents of attachments; once, before the others. mail_end() gives the memory back. */
void mail_prepare(void);
void mail_end(void);

/* A mail with an attachment of so many bytes (57 at least), and about twice `prose` bytes of text (20000 at most). */
void mail_begin(struct mail *mail, unsigned number, uint64_t attachment, size_t prose);

/* The next bytes of it, as they travel behind DATA; fewer than `room` only at the end. */
size_t mail_take(struct mail *mail, uint8_t *to, size_t room);
bool mail_is_over(struct mail *mail);

/* ---- load_bulk.c: bulk transfers ---- */

enum side { CLIENT, SERVER, SIDES };
enum channel { CONTROL, DATA, CHANNELS }; /* a WebSocket has only the first */

struct connection {
    uint16_t port[SIDES];
    uint32_t sequence[SIDES];
};

struct script;

/* One lane of transfers, one after the other. */
struct bulk {
    const struct script *script;
    size_t step;
    uint64_t quota; /* bytes of the load that this lane still owes */
    struct address address[SIDES];
    struct connection connections[CHANNELS];
    uint64_t size, sent;
    unsigned segments_unacknowledged;
    uint32_t pattern_start;
    uint16_t identification;
    unsigned transfers;
    uint64_t time; /* of the next packet that bulk_say() writes */
    struct mail *mail; /* NULL: the content is a pattern */
    struct file file;
};

/* What --scene asks for: one FTP download, one mail with a large attachment, or many mails. */
enum single { SINGLE_FTP, SINGLE_MAIL, SINGLE_MAILS };

/* Writes such a load of about so many bytes; answers the number of transfers. */
unsigned bulk_write_single(enum single kind, uint64_t bytes);

/* Makes the contents of the transfers; once, before the others. bulk_end() gives the memory back. */
void bulk_prepare(void);
void bulk_end(void);

/* Chooses script, size, addresses and ports of the next transfer. `lane` only varies the choice. */
void bulk_begin(struct bulk *bulk, size_t lane);

/* Writes the next packet; returns false when the transfer, with its connections, has ended. */
bool bulk_write(struct bulk *bulk, uint64_t time);

/* True while the next packet belongs to the bulk of the transfer, false while it is one of the dialogue around it. */
bool bulk_is_transferring(const struct bulk *bulk);

/* A connection whose contents others make: its TCP handshake, what a side says (in full segments, an ACK behind every second), its end. */
void bulk_open(struct bulk *bulk, uint16_t server_port);
void bulk_say(struct bulk *bulk, enum side from, const uint8_t *bytes, size_t length);
void bulk_close(struct bulk *bulk);

/* ---- load_websocket.c, load_tls.c: loads of one kind, of about so many bytes. They answer the number of sessions. ---- */

unsigned websocket_write(bool is_compressed, uint64_t bytes);

enum tls_scene { TLS_13_GCM, TLS_13_CHACHA20, TLS_12_CBC, TLS_HANDSHAKES };

/* `key_log`: the file that the sessions' secrets are written to; NULL: none. */
unsigned tls_write(enum tls_scene scene, uint64_t bytes, const char *key_log);

#endif

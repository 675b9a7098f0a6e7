/*
 * ftp_data.h - FTP's data connections: what the control connection and the data
 * connection share about one transfer.
 */
#ifndef WIRESCRIBE_DISSECTORS_FTP_DATA_H
#define WIRESCRIBE_DISSECTORS_FTP_DATA_H

#include "base/text.h"
#include "dissectors/dissector.h"

#define FTP_PATH_LIMIT 4096

enum ftp_direction {
    FTP_DOWNLOAD,
    FTP_UPLOAD,
    FTP_LIST,
    FTP_UNKNOWN, /* no command was seen */
};

/*
 * One transfer, from the announcement of its data connection (PASV, PORT, ...) or from its command on, whichever
 * comes first. Held, by count, by the control connection, by each expectation, and by the data connection; the last
 * one that lets go frees it. All of them live on one worker's thread. Its row is written once: when the final reply
 * is known and the data connection's flow is over, or when the last of the two that could tell more has ended.
 */
struct ftp_channel {
    unsigned holders;
    bool is_written;
    bool control_is_gone;
    int64_t control_flow_id;

    bool is_announced;
    bool is_passive;
    struct address data_ip;
    uint16_t data_port;

    bool has_command;
    bool is_unasked; /* it was announced, and no command for it will come any more */
    int64_t number;
    int64_t time_us;
    char command[8];
    enum ftp_direction direction;
    struct text path;
    bool has_offset;
    uint64_t offset;

    bool has_reply; /* final */
    unsigned reply_code;

    bool has_data; /* the data connection was seen */
    bool data_has_ended;
    bool has_side_ended[SIDE_COUNT];
    enum ending side_ending[SIDE_COUNT];
    int64_t data_flow_id;
    int64_t data_start_us;
    int64_t data_end_us;
    uint64_t bytes[SIDE_COUNT]; /* of the data connection's sides */
    uint64_t missing[SIDE_COUNT];
    int64_t file_id; /* 0: it is no file, or the data connection was not seen */
};

struct ftp_channel *ftp_channel_new(void); /* held once; NULL when out of memory */
struct ftp_channel *ftp_channel_hold(struct ftp_channel *channel);
void ftp_channel_let_go(void *channel); /* of type struct ftp_channel; as an expectation's `release` wants it */

/* Whether the control connection's client is the one who sends, not its server. */
bool ftp_client_sends(const struct ftp_channel *channel);

/* Bytes that travelled, those that are missing included; 0 before the data connection was seen. */
uint64_t ftp_channel_size(const struct ftp_channel *channel);

/* Gives the file that travels its id, once its command was seen and it is known that a file travels: by its first byte or by the reply. */
void ftp_channel_number_file(struct conversation *conversation, struct ftp_channel *channel);

/* Writes the transfer's row, and the file's, if all is known now. `conversation`: any of the two connections. */
void ftp_channel_write_if_ready(struct conversation *conversation, struct ftp_channel *channel);

/* PORT's h1,h2,h3,h4,p1,p2 (RFC 959, 4.1.2). False where it is none, or a number is above 255. */
bool ftp_parse_host_port(struct bytes text, struct address *address, uint16_t *port);

/* The same in a 227 reply: anywhere in it, with or without parentheses (RFC 1123, 4.1.2.6). */
bool ftp_parse_passive(struct bytes reply, struct address *address, uint16_t *port);

/* <d>net<d>address<d>port<d> of EPRT and of EPSV's reply (RFC 2428, 2 and 3). The first two may be empty; `host` borrows. */
bool ftp_parse_extended(struct bytes text, struct bytes *host, uint16_t *port);

/* Of one of the verbs that move data. */
enum ftp_direction ftp_direction_of(const char *verb);

/* Appends the parts of `path` to an absolute one, resolving "." and "..". */
void ftp_append_path(struct text *absolute, struct bytes path);

bool ftp_parse_host(struct bytes host, struct address *address);

/* Reads data connections. Its `from_before` is a channel, held. */
extern const struct dissector ftp_data_dissector;

#endif

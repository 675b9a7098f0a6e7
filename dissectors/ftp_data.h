/*
 * ftp_data.h - FTP's data connections: what the control connection and the data
 * connection share about one transfer.
 */
#ifndef WIRESCRIBE_DISSECTORS_FTP_DATA_H
#define WIRESCRIBE_DISSECTORS_FTP_DATA_H

#include "base/text.h"
#include "dissectors/dissector.h"
#include "dissectors/ftp_payload.h"

#define FTP_PATH_LIMIT 4096
/* From where servers open data connections (RFC 959, 3.2: one below the port of the control connection). */
#define FTP_SERVER_DATA_PORT 20

enum ftp_direction {
    FTP_DOWNLOAD,
    FTP_UPLOAD,
    FTP_LIST,
    FTP_UNKNOWN, /* no command was seen */
};

/* How data is sent: letters in upper case, as in the argument of the command; 0: not known (bytes are missing). */
struct ftp_settings {
    char type;       /* TYPE: 'A', 'E', 'I', 'L' */
    char structure;  /* STRU: 'F', 'R', 'P' */
    char mode;       /* MODE: 'S', 'B', 'C', 'Z' */
    char protection; /* PROT: 'C', 'S', 'E', 'P' */
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
    struct address control_server;

    bool is_announced;
    bool is_passive;
    struct address data_ip;
    uint16_t data_port;
    struct address near; /* where else it is expected: the announcer as the control connection knows it */

    bool has_command;
    bool is_unasked; /* it was announced, and no command for it will come any more */
    int64_t number;
    int64_t time_us;
    char command[8];
    enum ftp_direction direction;
    bool is_settled; /* path and offset are known as far as they will be */
    struct text argument; /* as sent, without a program's options */
    struct text path;
    bool has_offset;
    uint64_t offset;
    struct ftp_settings settings; /* as they stood */

    bool has_announced_size;
    uint64_t announced_size; /* bytes of the file, or of what is left of it behind the offset */
    bool was_aborted;        /* the client asked for it, and the final reply speaks of it */
    bool has_reply; /* final */
    unsigned reply_code;

    bool has_data; /* the data connection was seen */
    bool data_has_ended;
    bool is_protected; /* by TLS */
    bool is_opened;    /* with the user's keys: bytes are those of the file */
    bool has_side_ended[SIDE_COUNT];
    enum ending side_ending[SIDE_COUNT];
    bool has_said_goodbye[SIDE_COUNT]; /* inside TLS: that is its end, as good as a FIN, and better than a reset behind it */
    int64_t data_flow_id;
    int64_t data_start_us;
    int64_t data_end_us;
    uint64_t bytes[SIDE_COUNT]; /* of the data connection's sides */
    uint64_t missing[SIDE_COUNT];
    enum side payload_side; /* once the payload has begun */
    struct ftp_payload payload;
    int64_t file_id; /* 0: it is no file, or the data connection was not seen */
};

/* ---- ftp_transfer.c ---- */

struct ftp_channel *ftp_channel_new(void); /* held once; NULL when out of memory */
struct ftp_channel *ftp_channel_hold(struct ftp_channel *channel);
void ftp_channel_let_go(void *channel); /* of type struct ftp_channel; as an expectation's `release` wants it */

/* Whether the control connection's client is the one who sends, not its server. */
bool ftp_client_sends(const struct ftp_channel *channel);

/* Which side of the data connection sends. In passive mode the FTP client opens it, in active mode the FTP server. */
enum side ftp_channel_sender(const struct ftp_channel *channel);

/* Bytes that travelled, those that are missing included; 0 before the data connection was seen. */
uint64_t ftp_channel_size(const struct ftp_channel *channel);

/* Gives the file that travels its id, once its command was seen and it is known that a file travels: by its first byte or by the reply. */
void ftp_channel_number_file(struct conversation *conversation, struct ftp_channel *channel);

/* The command was seen, and is_settled: what the data connection carries finds its place. */
void ftp_channel_place_payload(struct conversation *conversation, struct ftp_channel *channel);

/* Writes the transfer's row, and the file's, if all is known now. `conversation`: any of the two connections. */
void ftp_channel_write_if_ready(struct conversation *conversation, struct ftp_channel *channel);

/* The data connection has come, or is not wanted any more: nothing else shall be taken for it. */
void ftp_channel_forget_expected(struct conversation *conversation, const struct ftp_channel *channel);

/* How the payload lies in the data connection, as far as that is known; else as RFC 959, 5.1 has it from the beginning. */
struct ftp_form ftp_channel_form(const struct ftp_channel *channel);

/* Of one of the verbs that move data. */
enum ftp_direction ftp_direction_of(const char *verb);

/* Appends the parts of `path` to an absolute one, resolving "." and "..". */
void ftp_append_path(struct text *absolute, struct bytes path);

/* ---- ftp_data.c ---- */

/* Reads data connections. Its `from_before` is a channel, held. */
extern const struct dissector ftp_data_dissector;

#endif

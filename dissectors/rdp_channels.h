/*
 * rdp_channels.h - the virtual channels of a session, static and dynamic, and what goes through those that are read.
 */
#ifndef WIRESCRIBE_DISSECTORS_RDP_CHANNELS_H
#define WIRESCRIBE_DISSECTORS_RDP_CHANNELS_H

#include "dissectors/content.h"
#include "dissectors/rdp_record.h"

struct rdp_share;

/* So much of a message's beginning is put together for who reads it. What is behind it, of a file or a sound, goes by. */
#define RDP_MESSAGE_LIMIT (64 * 1024)
/* Dynamic channels that are kept of a session, closed ones included. */
#define RDP_DYNAMIC_LIMIT 256
/* Files that move at a time: opened on redirected drives, or pasted. */
#define RDP_FILES_LIMIT 64
/* Requests that wait for their answer, of drives and of the clipboard. */
#define RDP_REQUESTS_LIMIT 64
/* Redirected devices that are kept by name. */
#define RDP_DEVICES_LIMIT 64
/* Formats of the clipboard that are kept by name, of each side's last list. */
#define RDP_FORMATS_LIMIT 64
/* The longest path or name that is kept, in bytes of UTF-8. */
#define RDP_PATH_LIMIT 1024

enum rdp_reader {
    RDP_READER_NONE, /* counted alone */
    RDP_READER_CLIPBOARD,
    RDP_READER_DEVICES,
    RDP_READER_AUDIO,
    RDP_READER_DYNAMIC,
    RDP_READER_PROGRAMS,
    RDP_READER_GRAPHICS,
    RDP_READER_DISPLAY,
};

/* A message of one side that is being put together. */
struct rdp_channel_message {
    bool is_open;
    bool was_read;      /* its head was given to its reader */
    uint64_t total;     /* as its first part says */
    uint64_t received;
    struct text head;
    uint64_t sink;      /* the file that what is behind the head belongs to: its serial number; 0: none */
    uint64_t sink_offset;
};

/* One channel. */
struct rdp_line {
    enum rdp_reader reader;
    bool is_known; /* the reader was looked for */
    struct rdp_channel_message messages[SIDE_COUNT];
};

struct rdp_dynamic {
    uint32_t id;
    bool is_open;
    bool was_refused;
    unsigned parent; /* place of the static channel that carries it */
    struct text name;
    uint64_t bytes[SIDE_COUNT];
    struct rdp_line line;
};

/* Files of a list that was pasted: as many descriptors as a message's head has room for. */
#define RDP_PASTED_LIMIT 110

/* A file that moves. */
struct rdp_file {
    uint64_t serial; /* 0: this place is free */
    int64_t file_id;
    enum side from;
    struct text name;
    struct content *content;
    uint64_t next;   /* all bytes before this offset were seen, in order */
    uint64_t moved;  /* bytes that went by, some of them twice */
    bool is_broken;  /* they came out of order, or bytes are missing */
};

/* An open file on a device: a file for what is read from it, and one for what is written to it. */
struct rdp_handle {
    bool is_open;
    bool is_directory;
    bool saw_end; /* a read came back with less than was asked for */
    uint32_t device;
    uint32_t id;
    struct text path;
    uint64_t reading; /* serial numbers of files; 0: none */
    uint64_t writing;
    uint64_t size; /* where it was asked for */
    bool has_size;
};

struct rdp_request {
    bool is_open;
    uint32_t device;
    uint32_t completion;
    uint32_t major;
    uint32_t file;
    uint32_t class; /* of a query */
    bool is_directory;
    uint64_t offset;
    uint32_t length;
    struct text path;
};

struct rdp_device {
    uint32_t id;
    uint32_t type;
    char name[9];
};

struct rdp_devices {
    struct rdp_request requests[RDP_REQUESTS_LIMIT];
    struct rdp_handle handles[RDP_FILES_LIMIT];
    struct rdp_device devices[RDP_DEVICES_LIMIT];
    unsigned device_count;
};

struct rdp_format {
    uint32_t id;
    struct text name;
};

struct rdp_pasted_file {
    struct text name;
    uint64_t size;
    bool has_size;
    uint64_t file; /* serial number while it moves */
};

struct rdp_contents_request {
    bool is_open;
    enum side from;
    uint32_t stream;
    uint32_t index;
    bool wants_size;
    uint64_t offset;
};

struct rdp_clipboard {
    bool has_long_names[SIDE_COUNT];
    unsigned format_count[SIDE_COUNT];
    struct rdp_format formats[SIDE_COUNT][RDP_FORMATS_LIMIT]; /* that the side offers */
    struct rdp_number wanted[SIDE_COUNT];                     /* the format that the side asked for last */
    struct rdp_contents_request requests[RDP_REQUESTS_LIMIT];
    unsigned file_count[SIDE_COUNT];
    struct rdp_pasted_file *files[SIDE_COUNT]; /* that the side offers */
};

struct rdp_channels {
    struct rdp_line lines[RDP_CHANNELS_LIMIT];
    struct rdp_dynamic *dynamic;
    unsigned dynamic_count;
    unsigned dynamic_capacity;
    uint64_t compressed_dynamic; /* PDUs of them that are compressed */
    struct rdp_file files[RDP_FILES_LIMIT];
    uint64_t serials;
    struct rdp_devices *devices;     /* made when the first message comes */
    struct rdp_clipboard *clipboard;
    uint64_t clipboard_messages;
    bool awaits_wave; /* the next message of the server's is sound */
    bool has_audio;
    uint64_t audio_bytes;
    uint64_t graphics_commands;
    uint64_t graphics_unread;
    bool has_graphics;
};

/* ---- rdp_channels.c ---- */

/* A chunk in the static channel at that place ([MS-RDPBCGR] 2.2.6.1). */
void rdp_channels_read(struct rdp_share *share, unsigned place, enum side from, struct cursor *chunk);
/* Part of a message: begun by `begins`, which says its length; the last one `ends` it. */
void rdp_message_add(struct rdp_share *share, struct rdp_line *line, enum side from, bool begins, uint64_t total, bool ends, struct bytes part);
void rdp_channels_lost(struct rdp_share *share, enum side from);
/* Tells what is told at the end, and writes the rows of files that were still moving. */
void rdp_channels_end(struct rdp_share *share);
void rdp_channels_free(struct rdp_share *share);

/* ---- rdp_dynamic.c ---- */

void rdp_dynamic_read(struct rdp_share *share, unsigned place, enum side from, struct cursor *pdu);

/* ---- rdp_files.c: files that move, in whatever channel ---- */

/* Begins one; its serial number, 0 where too many are open. `name`: its path. */
uint64_t rdp_file_begin(struct rdp_share *share, enum side from, struct bytes name);
/* Its bytes from `offset` on. */
void rdp_file_add(struct rdp_share *share, uint64_t serial, uint64_t offset, struct bytes bytes);
/* What is still to come of the message is the file's, from `offset` on. */
void rdp_file_follow(struct rdp_channel_message *message, uint64_t serial, uint64_t offset);
/* So many bytes of it, from its first one on, are there in order; false where some are missing. */
bool rdp_file_reached(const struct rdp_share *share, uint64_t serial, uint64_t *count);
/* It is over: its row. `is_whole`: the protocol says so. */
void rdp_file_end(struct rdp_share *share, uint64_t serial, bool is_whole);

/* ---- rdp_clipboard.c, rdp_devices.c, rdp_extras.c: one message each, `message` says how long it is in all ---- */

void rdp_clipboard_read(struct rdp_share *share, enum side from, struct rdp_channel_message *message, struct cursor *head);
void rdp_clipboard_free(struct rdp_share *share);
void rdp_clipboard_end(struct rdp_share *share);
void rdp_devices_read(struct rdp_share *share, enum side from, struct rdp_channel_message *message, struct cursor *head);
void rdp_devices_free(struct rdp_share *share);
void rdp_devices_end(struct rdp_share *share);
void rdp_audio_read(struct rdp_share *share, enum side from, const struct rdp_channel_message *message, struct cursor *head);
void rdp_programs_read(struct rdp_share *share, enum side from, struct cursor *head);
void rdp_graphics_read(struct rdp_share *share, enum side from, const struct rdp_channel_message *message, struct cursor *head);
void rdp_display_read(struct rdp_share *share, enum side from, struct cursor *head);
void rdp_extras_end(struct rdp_share *share);

#endif

/*
 * websocket_inner_names.h - names what a WebSocket carries by its first messages, where no dissector reads it.
 */
#ifndef WIRESCRIBE_DISSECTORS_WEBSOCKET_INNER_NAMES_H
#define WIRESCRIBE_DISSECTORS_WEBSOCKET_INNER_NAMES_H

#include "dissectors/websocket.h"

/* Of each message so many bytes are looked at, and of so many messages of each side. */
#define INNER_MESSAGE_LIMIT 2048
#define INNER_MESSAGES_LIMIT 32
/* The start of each side's stream, messages one behind the other, that is looked at. */
#define INNER_STREAM_LIMIT 64
#define INNER_DETAIL_LIMIT 128

/* A message, as far as it is looked at. */
struct inner_message {
    enum side from;
    bool is_text;
    bool is_whole;      /* `bytes` are all of it */
    bool is_first;      /* the first of its side */
    uint64_t size;
    struct bytes bytes;
};

struct inner_names_side {
    struct text stream;
    struct text message;
    uint64_t message_size;
    unsigned messages; /* begun */
    bool is_text;
    bool is_broken;    /* something of the present message is missing */
    bool lacks_start;  /* of the stream */
};

/* Zero-initialise, then inner_names_open. */
struct inner_names {
    const struct websocket_handshake *handshake; /* borrowed */
    const char *protocol;                        /* NULL: not known */
    struct text detail;
    bool knows_client;
    enum side client;  /* who speaks as the protocol's client */
    bool is_settled;   /* no more is to be learnt */
    struct inner_names_side side[SIDE_COUNT];
};

/* `has_start`: the messages of this side are seen from the first on. The handshake must outlive it. */
void inner_names_open(struct inner_names *names, const struct websocket_handshake *handshake, const bool has_start[SIDE_COUNT]);

void inner_names_begin(struct inner_names *names, enum side from, bool is_text);
void inner_names_say(struct inner_names *names, enum side from, struct bytes bytes);
void inner_names_end(struct inner_names *names, enum side from, bool is_whole);
void inner_names_miss(struct inner_names *names, enum side from);

/* Nobody needs a name any more; what is known stays. */
void inner_names_settle(struct inner_names *names);
void inner_names_close(struct inner_names *names);

/* ---- for the rules ---- */

void inner_names_found(struct inner_names *names, const char *protocol);
void inner_names_found_client(struct inner_names *names, enum side client);
void inner_names_found_detail(struct inner_names *names, struct bytes detail);

bool inner_names_chose(const struct inner_names *names, const char *subprotocol);

/* What a message's text says; in websocket_inner_text.c and websocket_inner_json.c. They find nothing where the message does not tell. */
void inner_names_read_text(struct inner_names *names, const struct inner_message *message);
void inner_names_read_json(struct inner_names *names, const struct inner_message *message);

#endif

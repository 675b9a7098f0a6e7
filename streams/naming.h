/*
 * naming.h - names a flow by nDPI: protocol, category, risks. The only file that
 * touches nDPI's interface is naming_ndpi.c.
 */
#ifndef WIRESCRIBE_STREAMS_NAMING_H
#define WIRESCRIBE_STREAMS_NAMING_H

#include "base/packet.h"
#include "base/text.h"

/* Packets with payload of one flow that are fed before nDPI must guess. */
#define NAMING_PACKETS 10

struct naming;

/* What nDPI said of a flow: its own numbers. */
struct naming_answer {
    uint16_t master;      /* 0: none */
    uint16_t application; /* 0: not known */
    uint16_t category;
    uint64_t risks; /* bit i is risk i */
};

/* One a worker; made one after the other, for nDPI's set-up is not thread safe. NULL with an error logged. */
struct naming *naming_new(void);
void naming_free(struct naming *naming);

/* A flow's state; NULL when out of memory. Owned by the caller until naming_give_back. */
void *naming_open(struct naming *naming);

/* Feeds one packet (from its IP header on). True once nDPI has answered: then *answer is filled. */
bool naming_feed(struct naming *naming, void *state, struct bytes ip, int64_t time_us, struct naming_answer *answer);

/* For a flow without payload: feeds a packet that has only these endpoints, so that nDPI can guess by them. */
void naming_feed_endpoints(struct naming *naming, void *state, const struct address *client, const struct address *server, uint8_t protocol,
                           uint16_t client_port, uint16_t server_port, int64_t time_us);

/* The best guess without more packets. */
void naming_conclude(struct naming *naming, void *state, struct naming_answer *answer);

/* Gives the flow's memory back. */
void naming_give_back(struct naming *naming, void *state);

/* Texts for the flow's row: "TLS.Google", "Web"; NULL where nDPI does not know. Valid until the next call. */
const char *naming_protocol(struct naming *naming, const struct naming_answer *answer);
const char *naming_category(struct naming *naming, const struct naming_answer *answer);

/* Names of the risks, joined by commas; nothing is appended where there are none. */
void naming_risks(const struct naming_answer *answer, struct text *names);

#endif

/*
 * story.h - scripted packets into the streams stage, and the story of each flow as a text.
 *
 * A fake reader writes down what it is told: "c:" and "s:" before the bytes of client and server, "c<n>" for a gap of n
 * bytes, "c.fin" for an end, "|" for the close; the flow's row adds "state/client bytes/server bytes".
 */
#ifndef WIRESCRIBE_TESTS_UNIT_STORY_H
#define WIRESCRIBE_TESTS_UNIT_STORY_H

#include "base/text.h"
#include "streams/streams.h"

extern struct text story;
extern unsigned findings;   /* how many were written since begin() */
extern bool names_bytes;    /* otherwise only counts are written down */
extern int64_t clock_us;    /* of the newest packet; each is a millisecond after the one before */
extern const struct stream_reader story_reader;

/* The name of the newest finding; "" where there was none since begin(). */
const char *newest_finding(void);

struct streams *begin(void);
struct streams *begin_with(enum overlap_policy policy);

/* Ends all flows, frees, and answers the story. */
const char *finish(struct streams *streams);

#define CLIENT_START 1000u
#define SERVER_START 0xfffffff0u /* wraps after 15 bytes */

/* A packet; `offset` counts the stream's bytes, -1 is the SYN itself. */
struct packet make(enum side from, uint8_t flags, int64_t offset, const char *payload);

/* `acknowledged`: how many bytes of the other side. */
void send_segment(struct streams *streams, enum side from, int64_t offset, const char *payload, int64_t acknowledged);
void send_flags(struct streams *streams, enum side from, uint8_t flags, int64_t offset, int64_t acknowledged);
void handshake(struct streams *streams);

#endif

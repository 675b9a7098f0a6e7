/*
 * clock.h - the clock that timeouts go by: capture time, where that can be believed, and never backwards.
 *
 * Packets are seldom in the exact order of their times, files are read in any order, a host's clock is set, and one packet
 * may claim to be of the year 2038. So small steps back are the disorder of a capture, and stop the clock for as long;
 * large steps are believed once CLOCK_CONFIRMATIONS packets in a row agree, or where another capture begins. After a
 * step back the clock goes on from where it stood, at the new pace.
 *
 * Until a step ahead is confirmed, its packets have the clock that there will be if it is: they find and keep their own
 * flows, but nobody else's time runs out by them.
 */
#ifndef WIRESCRIBE_BASE_CLOCK_H
#define WIRESCRIBE_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* So far back a packet may lie without its time being a step; and so far ahead. */
#define CLOCK_DISORDER_US ((int64_t)60 * 1000000)
#define CLOCK_AHEAD_US ((int64_t)86400 * 1000000)
#define CLOCK_CONFIRMATIONS 3

struct capture_clock {
    bool is_set;
    int64_t capture_id;
    int64_t newest_us; /* capture time that is believed */
    int64_t now_us;    /* the clock, as far as it is confirmed */
    int64_t step_us;   /* where packets that do not fit claim to be */
    unsigned steps;    /* of these, in a row */
};

/* The next packet's time; answers its clock, which is ahead of now_us while a step is not confirmed. */
int64_t clock_follow(struct capture_clock *clock, int64_t capture_id, int64_t time_us);

#endif

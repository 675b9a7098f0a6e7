/* clock.c - see clock.h */
#include "base/clock.h"

static bool is_near(int64_t time_us, int64_t other_us)
{
    return time_us - other_us >= -CLOCK_DISORDER_US && time_us - other_us <= CLOCK_AHEAD_US;
}

/* The newest time becomes this one: ahead, the clock follows; back, it stays. */
static int64_t step_to(struct capture_clock *clock, int64_t time_us)
{
    if (time_us > clock->newest_us)
        clock->now_us += time_us - clock->newest_us;
    clock->newest_us = time_us;
    clock->steps = 0;
    return clock->now_us;
}

int64_t clock_follow(struct capture_clock *clock, int64_t capture_id, int64_t time_us)
{
    if (!clock->is_set) {
        *clock = (struct capture_clock){.is_set = true, .capture_id = capture_id, .newest_us = time_us, .now_us = time_us};
        return time_us;
    }
    if (clock->capture_id != capture_id) {
        clock->capture_id = capture_id;
        return step_to(clock, time_us);
    }
    if (is_near(time_us, clock->newest_us)) {
        if (time_us > clock->newest_us)
            return step_to(clock, time_us);
        clock->steps = 0;
        return clock->now_us;
    }
    if (clock->steps > 0 && !is_near(time_us, clock->step_us))
        clock->steps = 0;
    clock->step_us = time_us;
    if (++clock->steps >= CLOCK_CONFIRMATIONS)
        return step_to(clock, time_us);
    return time_us > clock->newest_us ? clock->now_us + (time_us - clock->newest_us) : clock->now_us;
}

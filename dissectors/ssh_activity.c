/*
 * ssh_activity.c - what an authenticated SSH session did.
 */
#include "dissectors/ssh_activity.h"

#include "base/memory.h"

struct ssh_activity {
    const struct ssh_shape *shape;
};

struct ssh_activity *ssh_activity_new(const struct ssh_shape *shape)
{
    struct ssh_activity *activity = memory_new_zeroed(1, sizeof *activity);

    if (activity != NULL)
        activity->shape = shape;
    return activity;
}

void ssh_activity_on_unit(struct conversation *conversation, struct ssh *ssh, struct ssh_activity *activity, const struct ssh_unit *unit)
{
    (void)conversation;
    (void)ssh;
    (void)activity;
    (void)unit;
}

void ssh_activity_finish(struct conversation *conversation, struct ssh *ssh, struct ssh_activity *activity)
{
    (void)conversation;
    (void)ssh;
    (void)activity;
}

void ssh_activity_fill(const struct ssh_activity *activity, struct ssh_session *row, struct text *basis)
{
    (void)activity;
    (void)row;
    (void)basis;
}

void ssh_activity_free(struct ssh_activity *activity)
{
    memory_free(activity);
}

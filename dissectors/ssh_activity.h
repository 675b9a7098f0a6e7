/*
 * ssh_activity.h - what an authenticated SSH session did, inferred from the lengths, the directions and the timing of
 * its encrypted units (ssh_shape.h). Nothing is read but sizes and times.
 *
 * The answer stays NULL where no rule holds. A session costs sizeof(struct ssh_activity), however long it lasts; a unit
 * costs the same however many came before it.
 */
#ifndef WIRESCRIBE_DISSECTORS_SSH_ACTIVITY_H
#define WIRESCRIBE_DISSECTORS_SSH_ACTIVITY_H

#include "dissectors/ssh_session.h"
#include "dissectors/ssh_shape.h"

struct ssh_activity;

/*
 * USERAUTH_SUCCESS was seen, or is known to have been: the units that follow are those of the connection protocol
 * (RFC 4254). `shape` must stay where it is until ssh_activity_free. NULL when out of memory, which every function takes.
 */
struct ssh_activity *ssh_activity_new(const struct ssh_shape *shape);

/* The next unit of either side, in the order in which they ended. Tells events as they become certain. */
void ssh_activity_on_unit(struct conversation *conversation, struct ssh *ssh, struct ssh_activity *activity, const struct ssh_unit *unit);

/* The connection is over: judges what waited, tells the last events. Once, before the last fill. */
void ssh_activity_finish(struct conversation *conversation, struct ssh *ssh, struct ssh_activity *activity);

/*
 * Sets activity, keystrokes and the columns of what was moved, as far as they are known by now. `basis`: the rules that they
 * rest on are added to it, separated by "; ". The texts of the row stay valid until ssh_activity_free.
 */
void ssh_activity_fill(const struct ssh_activity *activity, struct ssh_session *row, struct text *basis);

void ssh_activity_free(struct ssh_activity *activity);

#endif

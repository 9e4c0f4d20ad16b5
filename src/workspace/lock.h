/*
 * One writer per workspace on this host: an flock(2) on NAMESPACE~CONTAINER.lock in the state
 * directory. The file is never unlinked: a lock on an unlinked file would exclude nobody.
 */
#ifndef WSNAP_WORKSPACE_LOCK_H
#define WSNAP_WORKSPACE_LOCK_H

#include "workspace/session.h"

/*
 * Takes the lock, waiting at most `wait_s` seconds; 0 tries once. Returns a descriptor that
 * holds it until it is closed, or -1: ERROR_BUSY names the process that has it. `what` is
 * the operation's name, for those who wait.
 */
int lock_take(struct session *session, const char *container_id, const char *what, unsigned wait_s, struct error *err);

/* Whether a run of this host has ever held it: locks stay where they are. */
bool lock_exists(struct session *session, const char *container_id);

#endif

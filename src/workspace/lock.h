/*
 * One writer per workspace. An flock(2) on NAMESPACE~CONTAINER.lock in the state directory makes waiting cheap; the lock
 * that holds also against runs with another state directory is a lease in containerd (lock_lease.h). The file is never
 * unlinked: a lock on an unlinked file would exclude nobody.
 *
 * Whoever works on a workspace does so between lock_take() and lock_release(), with the signals that would end the run
 * held back (signals.h), and settles first what an earlier run has left: a lock of a run that has ended is taken over, its
 * record with it. As long as there is a record, and the lease of its operation, the lock stays in containerd, so that no run
 * with another state directory takes what that operation still needs.
 */
#ifndef WSNAP_WORKSPACE_LOCK_H
#define WSNAP_WORKSPACE_LOCK_H

#include "base/names_set.h"
#include "workspace/lock_lease.h"
#include "workspace/signals.h"

struct lock_request {
	const char *container_id;
	const char *what; /* the operation's name, for those who wait */
	unsigned wait_s;  /* at most; 0 tries once */
	bool only_look;   /* nothing will be changed: the lease is looked at and not taken */
	bool break_it;    /* by the operator's word, also from a run that cannot be judged from here */
};

struct lock {
	int file; /* -1: nothing is held */
	struct lock_lease lease;
	struct signals signals;
};

/* -1: ERROR_BUSY names the run that has it. A signal that comes while it is waited for ends the process. The strings of
 * the request must stay until the lock is released. */
int lock_take(struct session *session, const struct lock_request *request, struct lock *lock, struct error *err);

/* Gives back what is held, and returns the signal that came meanwhile, 0 for none. After a failed lock_take() it does
 * nothing. */
int lock_release(struct lock *lock);

/* The same for a run that has nothing left to do but to tell (signals_release_to_tell()). */
int lock_release_to_tell(struct lock *lock);

/* Whether a run of this host has ever held it: locks stay where they are. */
bool lock_exists(struct session *session, const char *container_id);

/* Adds the containers (of one only, or with NULL of all) whose lock in containerd is a run's that has ended, of this state
 * directory, as far as one look tells. */
int lock_add_left(struct session *session, const char *container_id, struct names_set *containers, struct error *err);

#endif

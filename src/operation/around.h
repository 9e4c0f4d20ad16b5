/*
 * The operator's programs around what is done to a workspace without the table of steps: a pruning, a fork, a name. (An
 * operation of the table has them as steps, and its record remembers them.)
 *
 * What is under way is noted in the state directory, as NAMESPACE~CONTAINER.hooks, before the first program runs: whatever
 * becomes of this run, those that come after it run as well, from recover if need be. The workspace's lock is held from
 * around_begin() to around_end().
 */
#ifndef WSNAP_OPERATION_AROUND_H
#define WSNAP_OPERATION_AROUND_H

#include "hook/hook.h"
#include "workspace/session.h"

struct around {
	struct session *session;
	struct hook_facts facts; /* the texts stay the caller's until the end */
	bool begun;              /* what comes after it is still to run */
};

/* Runs what comes before it. ERROR_REFUSED where one of them is against it: then what comes after it has run too. Nothing
 * is run where there are no hooks. */
int around_begin(struct around *around, struct error *err);

/* It has ended so, should nobody be there to call around_end(). A version of 0 is none. */
void around_note(struct around *around, int exit_status, int32_t version);

/* What comes after it is another's from now on, whose record says so already. */
void around_hand_over(struct around *around);

/* Runs what comes after it, if what comes before it was run; what fails there is a warning. */
void around_end(struct around *around, int exit_status, int32_t version);

struct around_outcome {
	int exit_status;
	int32_t version;
};

/* What an earlier run has left is ended: 1, 0 there was nothing, -1. `known` is how it has ended; NULL: as was noted last,
 * which is a failure where nothing was. The lock is held. */
int around_settle(struct session *session, const char *container_id, const struct around_outcome *known,
		  struct error *err);

/* Calls `each` for every workspace of this namespace with which something is left to run; of one only where it is named. */
typedef int (*around_each)(const char *container_id, void *context, struct error *err);
int around_each_left(struct session *session, const char *container_id, around_each each, void *context,
		     struct error *err);

#endif

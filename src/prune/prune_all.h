/* Giving up the whole history of a workspace, whether its container, its row or its bot are still there or not. */
#ifndef WSNAP_PRUNE_PRUNE_ALL_H
#define WSNAP_PRUNE_PRUNE_ALL_H

#include "prune/prune_steps.h"

/* The workspace that a TARGET means, though nothing but its snapshots may be left. ERROR_NOT_FOUND. */
int prune_all_find(struct session *session, const struct target_word *word, struct target *target, struct error *err);

/* The snapshots that go: all that a version's row or a label of ours says are states of the workspace. */
int prune_all_choose(const struct inventory *inventory, const char *container_id, struct names_set *given_up,
		     struct error *err);

/* Notes on the active snapshot, where there is one, the greatest number so far: the next one goes on from there, though
 * rows and events are gone. */
int prune_all_keep_number(struct session *session, const struct target *target, const struct inventory *inventory,
			  struct error *err);

/* Marks them. What is another workspace's as well stays as it is, and is taken out of the set, with a warning. */
int prune_all_mark(struct session *session, const char *container_id, const struct inventory *inventory,
		   struct names_set *given_up, struct error *err);

/* Goes on with a run that was cut off. The lock must be held. */
int prune_all_finish(struct session *session, const struct target *target, const struct inventory *inventory,
		     struct error *err);

#endif

/* Giving up the whole history of a workspace, whether its container, its row or its bot are still there or not. */
#ifndef WSNAP_PRUNE_PRUNE_ALL_H
#define WSNAP_PRUNE_PRUNE_ALL_H

#include "prune/prune_steps.h"

/* The workspace that a TARGET means, though nothing but its snapshots may be left. ERROR_NOT_FOUND. */
int prune_all_find(struct session *session, const struct target_word *word, struct target *target, struct error *err);

/* The snapshots that go: all that a version's row or a label of ours says are states of the workspace, those aside that have
 * been given up before and are but layers of what stands on them. */
int prune_all_choose(const struct inventory *inventory, const char *container_id, struct names_set *given_up,
		     struct error *err);

/* The greatest number so far. It is noted on the active snapshot, where there is one: the next one goes on from there,
 * though rows and events are gone. */
int prune_all_keep_number(struct session *session, const struct target *target, const struct inventory *inventory,
			  int32_t *greatest, struct error *err);

/* Before the first mark: what was relied on before this decision does not count any more (LABEL_KEPT). */
int prune_all_begin(struct session *session, const struct inventory *inventory, const struct names_set *given_up,
		    struct error *err);

/*
 * Marks them, with how far the history goes, those without a row first: once any version with a row bears the mark, all of
 * those do. What is another workspace's as well stays as it is, and is taken out of the set, with a warning.
 */
int prune_all_mark(struct session *session, const char *container_id, const struct inventory *inventory,
		   int32_t greatest, struct names_set *given_up, struct error *err);

/*
 * A run that was cut off: the workspace may have been in use since, and nothing that was saved or relied on since then goes.
 * What bears its mark goes; and, where it was cut off between its marks, the versions up to *greatest (0: not known) that it
 * had not come to and that nobody has relied on (LABEL_KEPT).
 */

/* Whether any of the marks says that the whole history goes. */
bool prune_all_was_meant(const struct inventory *inventory, const struct names_set *marked, int32_t *greatest);

/* The snapshots of the versions that it had not come to. */
int prune_all_add_unmarked(const struct inventory *inventory, const struct names_set *marked, int32_t greatest,
			   struct names_set *unmarked, struct error *err);

/* Takes them away: `goes` says which versions, `given_up` which snapshots. The lock must be held. */
int prune_all_finish(struct session *session, const struct target *target, const struct inventory *inventory,
		     int32_t greatest, const bool *goes, struct names_set *given_up, struct error *err);

#endif

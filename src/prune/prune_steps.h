/* The steps in which versions go, for a first run and for one that finishes it. */
#ifndef WSNAP_PRUNE_PRUNE_STEPS_H
#define WSNAP_PRUNE_PRUNE_STEPS_H

#include "workspace/inventory.h"

/* The workspace, though neither its container nor its row may be left. */
int prune_find_target(struct session *session, const char *container_id, struct target *target, struct error *err);

/*
 * A mark is the time at which it was decided that a snapshot goes: "TIME" where it goes alone, "all TIME GREATEST" where
 * the whole history goes, as far as the version of that number. Earlier programs wrote "all TIME".
 */
#define PRUNE_ALONE (-1)

/* Marks a snapshot as given up, with what a later run needs to find it: PRUNE_ALONE, or the greatest number.
 * ERROR_REFUSED: it is another workspace's. */
int prune_mark(struct session *session, const char *container_id, const struct inventory_snapshot *snapshot,
	       int32_t greatest, struct error *err);

/* A mark is unfinished as long as the snapshot has gc.root: without it, the giving up has ended. */
bool prune_is_unfinished(const struct labels *labels);

/* Whether a mark says that the whole history goes; *greatest is 0 where it does not say how far. */
bool prune_is_whole_mark(const struct labels *labels, int32_t *greatest);

/* Takes the mark off again. NULL is fine. */
int prune_unmark(struct session *session, const struct inventory_snapshot *snapshot, struct error *err);

/* What stays bears gc.root from now on: a version whose label somebody has taken off, or whose row came back from a backup, may be
 * kept by one that goes alone. */
int prune_keep_others(struct session *session, const char *container_id, const struct inventory *inventory,
		      const bool *goes, struct error *err);

/* Deletes the rows of the versions that go, then lets go of the snapshots. ERROR_INCOMPLETE. */
int prune_complete(struct session *session, const char *container_id, const char *operation_id,
		   const struct inventory *inventory, const bool *goes, const struct names_set *given_up,
		   struct error *err);

/* The same for the whole history. */
int prune_complete_all(struct session *session, const struct target *target, const char *operation_id,
		       const struct inventory *inventory, const struct names_set *given_up, struct error *err);

/* Makes an ERROR_INCOMPLETE of an error that came after the first mark. Returns -1. */
int prune_incomplete(const char *container_id, struct error *err);

#endif

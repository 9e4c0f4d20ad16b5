/* The steps in which versions go, for a first run and for one that finishes it. */
#ifndef WSNAP_PRUNE_PRUNE_STEPS_H
#define WSNAP_PRUNE_PRUNE_STEPS_H

#include "workspace/inventory.h"

/* The workspace, though neither its container nor its row may be left. */
int prune_find_target(struct session *session, const char *container_id, struct target *target, struct error *err);

/* Marks a snapshot as given up, with what a later run needs to find it: alone, or with the whole history.
 * ERROR_REFUSED: it is another workspace's. */
int prune_mark(struct session *session, const char *container_id, const struct inventory_snapshot *snapshot,
	       bool whole_history, struct error *err);

/* Whether a mark says that the whole history goes. */
bool prune_is_whole_mark(const struct labels *labels);

/* Takes the mark off again. NULL is fine. */
int prune_unmark(struct session *session, const struct inventory_snapshot *snapshot, struct error *err);

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

/* The pruning of one workspace in two parts, so that one collection can serve many workspaces. */
#ifndef WSNAP_PRUNE_PRUNE_WORK_H
#define WSNAP_PRUNE_PRUNE_WORK_H

#include "prune/prune_result.h"
#include "prune/reclaim.h"
#include "workspace/inventory.h"

/* Set session and request, the rest to zero. */
struct pruning {
	struct session *session;
	const struct prune_request *request;
	const struct target *target; /* while it is begun */
	char operation_id[ID_SIZE];
	struct inventory inventory;
	const struct inventory_snapshot *active; /* that the workspace writes to; NULL: it has none of ours */
	bool *goes;                              /* one for each version */
	struct names_set given_up;
	struct reclaim reclaim;
	struct failures failures; /* of versions that could not be marked */
};

void pruning_release(struct pruning *pruning);

/* Decides, and with no dry run gives up what goes; the lock is taken for that, and free again. *signal: the number of one
 * that came meanwhile, 0 for none. */
int pruning_begin(struct pruning *pruning, const struct target *target, struct prune_result *result, int *signal,
		  struct error *err);

/* Whether a collection has anything to do for it. */
bool pruning_wants_collection(const struct pruning *pruning);

/* Says what went and what that has freed. -1 also where single versions could not go. */
int pruning_end(struct pruning *pruning, struct prune_result *result, struct error *err);

#endif

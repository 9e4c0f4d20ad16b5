/* What the events of versions that were given up still tell of them: the history has no holes for those who read it. */
#ifndef WSNAP_STORE_PRUNED_H
#define WSNAP_STORE_PRUNED_H

#include <stdint.h>

#include "store/store.h"

struct store_pruned {
	int32_t version;
	const char *runtime_name;
	int32_t parent; /* the version that it came from; 0: none, or not known … */
	bool parent_known;
};

/* Calls `each` for every event version_prune of the container, oldest first. Events of another kind's making, without a
 * version or a snapshot, are passed over. */
typedef int (*store_pruned_each)(const struct store_pruned *pruned, void *context, struct error *err);
int store_pruned_list(struct store *store, const char *container_id, store_pruned_each each, void *context,
		      struct error *err);

#endif

#include "workspace/chain.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"

#define CHAIN_LIMIT 2000

static int append(struct chain *chain, struct session *session, const char *snapshotter, const char *name,
		  struct error *err)
{
	struct ctr_snapshots *snapshots = &chain->snapshots;
	struct ctr_snapshot *grown = reallocarray(snapshots->items, snapshots->count + 1, sizeof(*snapshots->items));
	int found;

	if (!grown)
		return error_memory(err);
	snapshots->items = grown;
	snapshots->items[snapshots->count] = (struct ctr_snapshot){ 0 };
	found = ctr_snapshot_stat(session->ctr, snapshotter, name, &snapshots->items[snapshots->count], err);
	if (found == 0)
		return error_set(err, ERROR_FAILED, "the snapshot '%s' is not in containerd", name);
	if (found > 0)
		snapshots->count++;
	return found < 0 ? -1 : 0;
}

/* Layers of images bear their chain ID as name (image-spec, config.md, "Layer ChainID"). */
static size_t count_above_image(const struct ctr_snapshots *snapshots)
{
	size_t count = 0;

	while (count + 1 < snapshots->count && !text_starts_with(snapshots->items[count + 1].name, "sha256:"))
		count++;
	return count;
}

int chain_read(struct session *session, const char *snapshotter, const char *name, struct chain *chain,
	       struct error *err)
{
	const char *next = name;

	while (*next) {
		if (chain->snapshots.count == CHAIN_LIMIT)
			return error_set(err, ERROR_FAILED, "the snapshot '%s' stands on more than %d others", name,
					 CHAIN_LIMIT);
		if (append(chain, session, snapshotter, next, err) < 0)
			return -1;
		next = chain->snapshots.items[chain->snapshots.count - 1].parent;
	}
	chain->above_image = count_above_image(&chain->snapshots);
	return 0;
}

void chain_release(struct chain *chain)
{
	ctr_snapshots_release(&chain->snapshots);
	chain->above_image = 0;
}

#include "operation/keep_below.h"

#include <string.h>

#include "base/cleanup.h"
#include "store/versions.h"
#include "workspace/chain.h"
#include "workspace/label_keys.h"
#include "workspace/snapshot_labels.h"

/* What is saved stands on the layers as well, unless they are merged. */
static bool leaves_layers(const struct record *record)
{
	if (record->live)
		return false;
	return record->merged || (record->kind == OPERATION_ROLLBACK && record->save == SAVE_NEVER);
}

static bool is_unprotected_version(const struct ctr_snapshot *snapshot, const char *container_id)
{
	const char *kind = labels_get(&snapshot->labels, LABEL_KIND);

	return kind && strcmp(kind, KIND_VERSION) == 0 && snapshot_labels_lack_root(&snapshot->labels, container_id);
}

/* One that was given up has no row. */
static int keep(struct run *run, const char *name, struct error *err)
{
	const struct record *record = run->record;
	cleanup_store_version struct store_version row = { 0 };
	int found = store_version_of_snapshot(run->session->store, record->container_id, name, &row, err);

	return found <= 0 ? found : snapshot_labels_keep(run->session, record->snapshotter, name, err);
}

int keep_below(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	cleanup_chain struct chain chain = { 0 };

	/* A resumed run comes behind one that has done it. Later on what it stood on may be gone. */
	if (run->resumed || run->kept_below || !run->session->store || !leaves_layers(record))
		return 0;
	run->kept_below = true;
	if (chain_read(run->session, record->snapshotter, record->old_active, &chain, err) < 0)
		return -1;
	for (size_t i = 1; i <= chain.above_image && i < chain.snapshots.count; i++)
		if (is_unprotected_version(&chain.snapshots.items[i], record->container_id) &&
		    keep(run, chain.snapshots.items[i].name, err) < 0)
			return -1;
	return 0;
}

#include "operation/new_layer.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "ctr/snapshots.h"
#include "layer/layer.h"
#include "operation/long_commit.h"
#include "workspace/label_keys.h"
#include "workspace/location.h"
#include "workspace/disk_space.h"
#include "workspace/snapshot_labels.h"

char *new_layer_work(const char *name)
{
	return text_format("%s" SNAPSHOT_WORK, name);
}

static char *work_name(const char *name, struct error *err)
{
	char *work = new_layer_work(name);

	if (!work)
		error_memory(err);
	return work;
}

int new_layer_drop(struct run *run, const char *name, struct error *err)
{
	cleanup_free char *work = work_name(name, err);

	return work ? ctr_snapshot_remove(run->session->ctr, run->record->snapshotter, work, err) : -1;
}

int new_layer_begin(struct run *run, const char *name, const char *parent, struct error *err)
{
	struct ctr *ctr = run->session->ctr;
	const struct record *record = run->record;
	cleanup_free char *work = work_name(name, err);
	cleanup_labels struct labels labels = { 0 };

	if (!work || new_layer_drop(run, name, err) < 0 || snapshot_labels_merged(record, &labels, err) < 0)
		return -1;
	return ctr_snapshot_prepare(ctr, record->snapshotter, work, parent, &labels, NULL, err);
}

/* Where layers do not stack, a new one begins as a copy of its parent. */
static int make_empty(const struct location *location, struct error *err)
{
	if (!location->writable)
		return error_set(err, ERROR_REFUSED, "this snapshotter has no folders that could be filled");
	return location->stacks ? 0 : layer_clear(location->writable, err);
}

/* Commits an empty layer as `name`, then exchanges its folder for the filled one. Nothing stands on `name` before
 * that is done. */
static int commit_by_exchange(struct run *run, const char *name, const char *work, const char *filled,
			      const struct labels *labels, struct error *err)
{
	struct ctr *ctr = run->session->ctr;
	const char *snapshotter = run->record->snapshotter;
	cleanup_free char *empty = text_format("%s-empty", name);
	cleanup_ctr_snapshot struct ctr_snapshot info = { 0 };
	cleanup_location struct location location = { 0 };
	struct error ignored = { 0 };

	if (!empty)
		return error_memory(err);
	if (ctr_snapshot_stat(ctr, snapshotter, work, &info, err) <= 0 ||
	    ctr_snapshot_remove(ctr, snapshotter, empty, err) < 0 ||
	    ctr_snapshot_prepare(ctr, snapshotter, empty, info.parent, &info.labels, NULL, err) < 0 ||
	    location_find(run->session, snapshotter, empty, &location, err) < 0 ||
	    ctr_snapshot_commit(ctr, snapshotter, name, empty, labels, err) < 0)
		return -1;
	if (layer_exchange(filled, location.writable, err) < 0) {
		ctr_snapshot_remove(ctr, snapshotter, name, &ignored);
		return -1;
	}
	return ctr_snapshot_remove(ctr, snapshotter, work, err);
}

/* containerd cannot commit a tree whose paths are too long. The detour leaves the layer empty for a moment, which a
 * later run would take for the whole state; so it is taken for merged layers alone, which are made anew when they
 * were cut off. Those of live versions go another way. */
static int commit_filled(struct run *run, const char *name, const char *work, const struct location *location,
			 const struct labels *labels, struct error *err)
{
	struct error unknown = { 0 };

	if (run->record->live_merged && strcmp(name, run->record->live_merged) == 0)
		return long_commit(run, name, work, location->writable, labels, err);
	if (ctr_snapshot_commit(run->session->ctr, run->record->snapshotter, name, work, labels, err) == 0)
		return 0;
	if (err->kind == ERROR_CONTAINERD || !run->record->merged || strcmp(name, run->record->merged) != 0 ||
	    layer_has_long_paths(location->writable, &unknown) != 1)
		return -1;
	error_clear(err);
	return commit_by_exchange(run, name, work, location->writable, labels, err);
}

int new_layer_fill(struct run *run, const char *name, const char *const *layers, size_t count,
		   const struct labels *labels, struct error *err)
{
	const struct record *record = run->record;
	cleanup_free char *work = work_name(name, err);
	cleanup_location struct location location = { 0 };
	struct layer_merge_result result = { 0 };

	if (!work || location_find(run->session, record->snapshotter, work, &location, err) < 0 ||
	    disk_space_check(location.filesystem, err) < 0 || make_empty(&location, err) < 0 ||
	    layer_merge(location.marks, layers, count, location.writable, &result, err) < 0)
		return -1;
	run->result->copied_bytes += result.copied_bytes;
	run->result->copied_entries += result.entries;
	log_detail("merged %zu layers: %llu entries, %llu bytes copied", count, (unsigned long long)result.entries,
		   (unsigned long long)result.copied_bytes);
	/* containerd syncs only its databases: without this a power cut could leave the layer empty. */
	if (layer_sync(location.writable, err) < 0)
		return -1;
	return commit_filled(run, name, work, &location, labels, err);
}

#include "operation/new_layer.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "ctr/snapshots.h"
#include "layer/layer.h"
#include "workspace/place.h"
#include "workspace/room.h"
#include "workspace/snapshot_labels.h"

static char *work_name(const char *name, struct error *err)
{
	char *work = text_format("%s-work", name);

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

	if (!work || new_layer_drop(run, name, err) < 0 || snapshot_labels_merged(record, name, &labels, err) < 0)
		return -1;
	return ctr_snapshot_prepare(ctr, record->snapshotter, work, parent, &labels, NULL, err);
}

/* Where layers do not stack, a new one begins as a copy of its parent. */
static int make_empty(const struct place *place, struct error *err)
{
	if (!place->writable)
		return error_set(err, ERROR_REFUSED, "this snapshotter has no folders that could be filled");
	return place->overlay ? 0 : layer_clear(place->writable, err);
}

int new_layer_fill(struct run *run, const char *name, const char *const *layers, size_t count,
		   const struct labels *labels, struct error *err)
{
	const struct record *record = run->record;
	cleanup_free char *work = work_name(name, err);
	cleanup_place struct place place = { 0 };
	struct layer_merge_result result = { 0 };

	if (!work || place_find(run->session, record->snapshotter, work, &place, err) < 0 ||
	    room_check(place.filesystem, err) < 0 || make_empty(&place, err) < 0 ||
	    layer_merge(place.marks, layers, count, place.writable, &result, err) < 0)
		return -1;
	log_detail("merged %zu layers: %llu entries, %llu bytes copied", count, (unsigned long long)result.entries,
		   (unsigned long long)result.copied_bytes);
	/* containerd syncs its databases alone: without this a power cut could leave a layer that is empty. */
	if (layer_sync(place.writable, err) < 0)
		return -1;
	return ctr_snapshot_commit(run->session->ctr, record->snapshotter, name, work, labels, err);
}

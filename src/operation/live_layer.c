#include "operation/live_layer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "ctr/snapshots.h"
#include "live/live.h"
#include "operation/new_layer.h"
#include "workspace/chain.h"
#include "workspace/label_keys.h"
#include "workspace/location.h"
#include "workspace/disk_space.h"
#include "workspace/snapshot_labels.h"

/* How many layers there are above what lies below the writable layer; 0: they do not stand on it. */
static int count_own(struct run *run, size_t *count, struct error *err)
{
	const struct record *record = run->record;
	cleanup_chain struct chain chain = { 0 };

	*count = 0;
	if (chain_read(run->session, record->snapshotter, record->live_tip, &chain, err) < 0)
		return -1;
	for (size_t i = 1; i < chain.snapshots.count && *count == 0; i++)
		if (record->old_parent && strcmp(chain.snapshots.items[i].name, record->old_parent) == 0)
			*count = i;
	return 0;
}

static int check_room(struct run *run, const struct layer_paths *layers, size_t count, struct error *err)
{
	cleanup_free char *work = new_layer_work(run->record->live_merged);
	struct layer_merge_result cost = { 0 };
	cleanup_location struct location location = { 0 };

	if (!work)
		return error_memory(err);
	if (location_find(run->session, run->record->snapshotter, work, &location, err) < 0 ||
	    layer_merge_cost(location.marks, (const char *const *)layers->items, count, location.writable, &cost, err) <
		    0)
		return -1;
	return disk_space_check_for(location.writable, cost.copied_bytes, cost.entries, "merging layers", err);
}

int live_layer_find(struct run *run, struct layer_paths *layers, struct error *err)
{
	const struct record *record = run->record;
	size_t count;

	if (count_own(run, &count, err) < 0 ||
	    location_find_layers(run->session, record->snapshotter, record->live_tip, layers, err) < 0)
		return -1;
	if (count == 0 || count > layers->count)
		return error_set(err, ERROR_FAILED, "'%s' does not stand on what lies below the writable layer",
				 record->live_tip);
	while (layers->count > count)
		free(layers->items[--layers->count]);
	return 0;
}

int live_layer_merge(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	cleanup_layer_paths struct layer_paths layers = { 0 };
	cleanup_labels struct labels labels = { 0 };

	if (live_layer_find(run, &layers, err) < 0)
		return -1;
	if (layers.count < 2)
		return error_set(err, ERROR_FAILED, "the chain of its live versions has nothing to merge");
	if (snapshot_labels_filling(record, &labels, err) < 0 ||
	    labels_set(&labels, LABEL_KIND, KIND_MERGED, err) < 0 ||
	    labels_set(&labels, LABEL_SHOWS, record->live_tip, err) < 0 ||
	    labels_set(&labels, LABEL_OWN_FILES, "yes", err) < 0 ||
	    new_layer_begin(run, record->live_merged, record->old_parent, err) < 0 ||
	    check_room(run, &layers, layers.count, err) < 0)
		return -1;
	return new_layer_fill(run, record->live_merged, (const char *const *)layers.items, layers.count, &labels, err);
}

static const char *parent_of(const struct record *record)
{
	if (!record->live_tip)
		return record->old_parent;
	return record->live_merged ? record->live_merged : record->live_tip;
}

int live_layer_prepare(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	const char *parent = parent_of(record);
	cleanup_labels struct labels labels = { 0 };

	/* What it holds is nowhere else once files of the workspace are changed: that must not hang on a lease, which
	 * expires, and may be deleted by who knows nothing of this operation. */
	if ((record->kind == OPERATION_RESTORE || run->whole ? snapshot_labels_saving
							     : snapshot_labels_filling)(record, &labels, err) < 0 ||
	    ctr_snapshot_remove(run->session->ctr, record->snapshotter, record->filling, err) < 0)
		return -1;
	return ctr_snapshot_prepare(run->session->ctr, record->snapshotter, record->filling, parent ? parent : "",
				    &labels, NULL, err);
}

int live_layer_drop(struct run *run, struct error *err)
{
	const struct record *record = run->record;

	if (ctr_snapshot_remove(run->session->ctr, record->snapshotter, record->filling, err) < 0 ||
	    ctr_snapshot_remove(run->session->ctr, record->snapshotter, record->saved, err) < 0)
		return -1;
	if (!record->live_merged)
		return 0;
	if (new_layer_drop(run, record->live_merged, err) < 0)
		return -1;
	return ctr_snapshot_remove(run->session->ctr, record->snapshotter, record->live_merged, err);
}

/* "containerd.io/gc.ref.snapshot.SNAPSHOTTER": what it names is kept as long as the active snapshot is (containerd,
 * docs/garbage-collection.md). "" takes it off. */
static int set_kept(const struct record *record, const char *name, struct labels *labels, struct error *err)
{
	cleanup_free char *key = text_format("%s%s", LABEL_GC_SNAPSHOT, record->snapshotter);

	return key ? labels_set(labels, key, name, err) : error_memory(err);
}

int live_layer_label_tip(struct run *run, const char *name, struct error *err)
{
	const struct record *record = run->record;
	cleanup_labels struct labels labels = { 0 };

	if (labels_set(&labels, LABEL_LIVE_TIP, name, err) < 0 || set_kept(record, name, &labels, err) < 0)
		return -1;
	return ctr_snapshot_set_labels(run->session->ctr, record->snapshotter, record->old_active, &labels, err);
}

int live_layer_add_labels(const struct record *record, struct labels *labels, struct error *err)
{
	if (labels_set(labels, LABEL_STANDS_ON, record->saved, err) < 0 || set_kept(record, "", labels, err) < 0)
		return -1;
	return labels_set(labels, LABEL_LIVE_TIP, record->saved, err);
}

int live_layer_label_restored(struct run *run, const char *stands_on, struct error *err)
{
	const struct record *record = run->record;
	cleanup_labels struct labels labels = { 0 };

	if ((stands_on && labels_set(&labels, LABEL_STANDS_ON, stands_on, err) < 0) ||
	    (record_saves(record) &&
	     (set_kept(record, "", &labels, err) < 0 || labels_set(&labels, LABEL_LIVE_TIP, record->saved, err) < 0)))
		return -1;
	if (labels.count == 0)
		return 0;
	return ctr_snapshot_set_labels(run->session->ctr, record->snapshotter, record->old_active, &labels, err);
}

bool live_layer_is_unchanged(struct session *session, const struct record *record, const struct ctr_snapshot *active,
			     const struct location *location)
{
	const char *tip = labels_get(&active->labels, LABEL_LIVE_TIP);
	struct error ignored = { 0 };
	cleanup_free char *index = live_layer_index(session, record->container_id, &ignored);

	return index && tip && record->stands_on && strcmp(tip, record->stands_on) == 0 && location->stacks &&
	       location->writable && live_is_as_tip(location->writable, location->marks, index, tip);
}

static int set_at_work(struct run *run, const char *value, struct error *err)
{
	const struct record *record = run->record;

	/* A compaction does not freeze it. */
	if (!record->live || record->kind == OPERATION_COMPACT ||
	    ctr_snapshot_set_label(run->session->ctr, record->snapshotter, record->old_active, LABEL_AT_WORK, value,
				   err) == 0)
		return 0;
	return error_forgive(err, ERROR_NOT_FOUND) ? 0 : -1;
}

int live_layer_note_at_work(struct run *run, struct error *err)
{
	return set_at_work(run, run->record->operation_id, err);
}

int live_layer_note_ended(struct run *run, struct error *err)
{
	return set_at_work(run, "", err);
}

void live_layer_tidy(struct run *run)
{
	struct error ignored = { 0 };
	cleanup_free char *index = live_layer_index(run->session, run->record->container_id, &ignored);
	cleanup_free char *half = index ? text_format("%s%s", index, FILE_REPLACE_SUFFIX) : NULL;

	if (half)
		unlink(half);
}

char *live_layer_index(struct session *session, const char *container_id, struct error *err)
{
	const struct settings *settings = session->settings;
	char *path = text_format("%s/%s~%s.live", settings->state_dir, settings->namespace, container_id);

	if (!path)
		error_memory(err);
	return path;
}

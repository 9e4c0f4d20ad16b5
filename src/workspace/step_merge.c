/*
 * Bounding the chain. `merge` makes the committed layers above the image's one, while the
 * workspace still runs; `top` puts the layer that was just saved on it, while it is down. The new active
 * snapshot then stands on two layers in place of many; versions keep their own chains.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "ctr/snapshots.h"
#include "layer/layer.h"
#include "workspace/chain.h"
#include "workspace/journal.h"
#include "workspace/place.h"
#include "workspace/room.h"
#include "workspace/snapshot_labels.h"
#include "workspace/steps.h"

static char *work_name(const char *name, struct error *err)
{
	char *work = text_format("%s-work", name);

	if (!work)
		error_memory(err);
	return work;
}

/* A fresh snapshot on `parent` that will become `name`; a half filled one of an earlier try goes first. */
static int begin_layer(struct run *run, const char *name, const char *parent, struct error *err)
{
	struct ctr *ctr = run->session->ctr;
	const struct record *record = run->record;
	cleanup_free char *work = work_name(name, err);
	cleanup_labels struct labels labels = { 0 };

	if (!work || ctr_snapshot_remove(ctr, record->snapshotter, work, err) < 0 ||
	    snapshot_labels_merged(record, &labels, err) < 0)
		return -1;
	return ctr_snapshot_prepare(ctr, record->snapshotter, work, parent, &labels, NULL, err);
}

/* Fills it with what the layers show together, and commits it. */
static int fill_layer(struct run *run, const char *name, const char *const *layers, size_t count,
		      struct error *err)
{
	const struct record *record = run->record;
	cleanup_free char *work = work_name(name, err);
	cleanup_place struct place place = { 0 };
	cleanup_labels struct labels labels = { 0 };
	struct layer_merge_result result = { 0 };

	if (!work || place_find(run->session, record->snapshotter, work, &place, err) < 0 ||
	    room_check(place.writable, err) < 0 ||
	    layer_merge(layers, count, place.writable, &result, err) < 0 ||
	    snapshot_labels_merged(record, &labels, err) < 0)
		return -1;
	log_detail("merged %zu layers: %llu entries, %llu bytes copied", count,
		   (unsigned long long)result.entries, (unsigned long long)result.copied_bytes);
	return ctr_snapshot_commit(run->session->ctr, record->snapshotter, name, work, &labels, err);
}

/* The workspace goes on on its unmerged layers, and the next operation merges them or refuses. */
static int give_up_merge(struct run *run, struct error *err)
{
	free(run->record->merged);
	free(run->record->top);
	run->record->merged = run->record->top = NULL;
	run->record->depth = 0;
	return journal_save(run->session, run->record, err);
}

int step_merge(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	cleanup_place struct place place = { 0 };
	int found;

	if (!record->merged || run->repointed)
		return 0;
	found = ctr_snapshot_stat(run->session->ctr, record->snapshotter, record->merged, NULL, err);
	if (found != 0)
		return found < 0 ? -1 : 0;
	/* Once the state is saved, its chain cannot be read from the workspace any more. */
	found = ctr_snapshot_stat(run->session->ctr, record->snapshotter, record->saved, NULL, err);
	if (found != 0)
		return found < 0 ? -1 : give_up_merge(run, err);
	if (place_find(run->session, record->snapshotter, record->old_active, &place, err) < 0)
		return -1;
	if (place.below.count < (size_t)record->merge_count)
		return error_set(err, ERROR_FAILED, "'%s' has %zu layers on disk, %d are to be merged",
				 record->container_id, place.below.count, record->merge_count);
	if (begin_layer(run, record->merged, record->merge_base, err) < 0 ||
	    fill_layer(run, record->merged, (const char *const *)place.below.items,
		       (size_t)record->merge_count, err) < 0)
		return -1;
	/* What the newest layer will go into is made ready while the workspace still runs; and what the merge wrote
	 * is on the disk before the old root is unmounted, which would wait for it. */
	if (begin_layer(run, record->top, record->merged, err) < 0)
		return -1;
	return layer_sync(place.writable, err);
}

static int put_top(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	const char *const newest[] = { record->old_upper };

	if (run->resumed && begin_layer(run, record->top, record->merged, err) < 0)
		return -1;
	return fill_layer(run, record->top, newest, 1, err);
}

/* 1: a workspace can stand on what was saved as it is, 0: it is too deep for overlayfs. */
static int can_stand_on_saved(struct run *run, struct error *err)
{
	cleanup_chain struct chain chain = { 0 };

	if (chain_read(run->session, run->record->snapshotter, run->record->saved, &chain, err) < 0)
		return -1;
	return chain.snapshots.count < CHAIN_KERNEL_LIMIT;
}

/* What the newest layer holds is known only now that it is saved: if it cannot be merged, or there is no room for
 * that, the workspace must not stay down for it. */
static int go_on_unmerged(struct run *run, struct error *err)
{
	struct error failure = *err, ignored = { 0 };

	if (err->kind == ERROR_CONTAINERD || can_stand_on_saved(run, &ignored) <= 0)
		return -1;
	error_clear(err);
	if (give_up_merge(run, err) < 0)
		return -1;
	run->merge_error = failure;
	return 0;
}

int step_top(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	int found;

	if (!record->merged || run->repointed)
		return 0;
	found = ctr_snapshot_stat(run->session->ctr, record->snapshotter, record->top, NULL, err);
	if (found != 0)
		return found < 0 ? -1 : 0;
	return put_top(run, err) == 0 ? 0 : go_on_unmerged(run, err);
}

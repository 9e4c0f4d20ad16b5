/*
 * Bounding the chain. `merge` makes the committed layers above the image's one, while the
 * workspace still runs; `top` puts the layer that was just saved on it, while it is down. The new active
 * snapshot then stands on two layers in place of many; versions keep their own chains.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "ctr/snapshots.h"
#include "operation/new_layer.h"
#include "operation/steps.h"
#include "workspace/chain.h"
#include "workspace/journal.h"
#include "workspace/place.h"
#include "workspace/snapshot_labels.h"

static int put_merged(struct run *run, const char *name, const char *const *layers, size_t count, struct error *err)
{
	cleanup_labels struct labels labels = { 0 };

	if (snapshot_labels_merged(run->record, name, &labels, err) < 0)
		return -1;
	return new_layer_fill(run, name, layers, count, &labels, err);
}

/* The workspace goes on on its unmerged layers, and the next operation merges them or refuses. */
static void give_up_merge(struct run *run)
{
	struct error ignored = { 0 };

	/* It may be what has filled the disk. */
	if (new_layer_drop(run, run->record->top, &ignored) < 0)
		log_detail("%s", ignored.message);
	free(run->record->merged);
	free(run->record->top);
	run->record->merged = run->record->top = NULL;
	run->record->depth = 0;
	/* Without this a later run comes to the same conclusion from what it finds. */
	if (journal_save(run->session, run->record, &ignored) < 0)
		log_detail("%s", ignored.message);
}

/* A merge that an earlier run has given up, without a note of it: the new active snapshot says so. */
static int note_given_up(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	cleanup_ctr_snapshot struct ctr_snapshot active = { 0 };
	int found = ctr_snapshot_stat(run->session->ctr, record->snapshotter, record->new_active, &active, err);

	if (found > 0 && strcmp(active.parent, record->top) != 0)
		give_up_merge(run);
	return found < 0 ? -1 : 0;
}

int step_merge(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	cleanup_place struct place place = { 0 };
	int found;

	if (run->resumed && note_given_up(run, err) < 0)
		return -1;
	if (!record->merged || run->found == FOUND_REPOINTED)
		return 0;
	found = ctr_snapshot_stat(run->session->ctr, record->snapshotter, record->merged, NULL, err);
	if (found != 0)
		return found < 0 ? -1 : 0;
	/* Once the state is saved, its chain cannot be read from the workspace any more. */
	found = run_has_saved(run, NULL, err);
	if (found > 0)
		give_up_merge(run);
	if (found != 0)
		return found < 0 ? -1 : 0;
	if (place_find(run->session, record->snapshotter, record->old_active, &place, err) < 0)
		return -1;
	if (place.below.count < (size_t)record->merge_count)
		return error_set(err, ERROR_FAILED, "'%s' has %zu layers on disk, %d are to be merged",
				 record->container_id, place.below.count, record->merge_count);
	if (new_layer_begin(run, record->merged, record->merge_base, err) < 0 ||
	    put_merged(run, record->merged, (const char *const *)place.below.items, (size_t)record->merge_count, err) <
		    0)
		return -1;
	/* What the newest layer will go into is made ready while the workspace still runs. */
	return new_layer_begin(run, record->top, record->merged, err);
}

static int put_top(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	const char *const newest[] = { record->old_upper };

	/* An earlier try, of this run or another, may have filled it in part. */
	if ((run->resumed || run->top_tried) && new_layer_begin(run, record->top, record->merged, err) < 0)
		return -1;
	run->top_tried = true;
	return put_merged(run, record->top, newest, 1, err);
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
	give_up_merge(run);
	run->merge_error = failure;
	return 0;
}

int step_top(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	int found = ctr_snapshot_stat(run->session->ctr, record->snapshotter, record->top, NULL, err);

	if (found != 0)
		return found < 0 ? -1 : 0;
	return put_top(run, err) == 0 ? 0 : go_on_unmerged(run, err);
}

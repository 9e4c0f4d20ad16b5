/*
 * Bounding the chain. The committed layers above the image's, or the newest of them, are made one while the workspace
 * still runs, with files of its own: nothing that is in it has a name in another layer. While the workspace is down its
 * writable layer is moved onto that (move.h): nothing is copied then, however much it holds. Versions that are there keep
 * their own chains.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "ctr/snapshots.h"
#include "operation/let_go.h"
#include "operation/mapped_ids.h"
#include "operation/move.h"
#include "operation/new_layer.h"
#include "operation/steps.h"
#include "workspace/chain.h"
#include "workspace/journal.h"
#include "workspace/label_keys.h"
#include "workspace/location.h"
#include "workspace/disk_space.h"
#include "workspace/snapshot_labels.h"

static int exists(struct run *run, const char *name, struct error *err)
{
	return ctr_snapshot_stat(run->session->ctr, run->record->snapshotter, name, NULL, err);
}

static void forget_merge(struct record *record)
{
	free(record->merged);
	free(record->top);
	free(record->moved_to);
	record->merged = record->top = record->moved_to = NULL;
	record->moved_inode = 0;
	record->depth = 0;
}

/* Without it gc.root would keep a receiver for good that nobody knows of any more. */
static int drop_receiver(struct run *run, struct error *err)
{
	cleanup_free char *key = move_is_planned(run->record) ? move_receiver(run->record, err) : NULL;

	if (!move_is_planned(run->record))
		return 0;
	if (!key)
		return -1;
	if (let_go(run, key, err) == 0)
		return 0;
	if (!error_forgive(err, ERROR_REFUSED))
		return -1;
	log_warning("'%s': the snapshot '%s' is kept, because something lies in it", run->record->container_id, key);
	return 0;
}

int merge_give_up(struct run *run, struct error *err)
{
	struct record *record = run->record;
	struct error ignored = { 0 };

	if (move_back(run, err) < 0 || drop_receiver(run, err) < 0)
		return -1;
	/* Removes what was begun: it may be what has filled the disk. */
	if (new_layer_drop(run, record->merged, &ignored) < 0)
		log_detail("%s", ignored.message);
	forget_merge(record);
	return journal_save(run->session, record, err);
}

/* An earlier build copied the newest layer once it was saved. That was done before anything that follows, or not at
 * all: then the workspace goes on on its unmerged layers. */
static int settle_top(struct run *run, struct error *err)
{
	int found = exists(run, run->record->top, err);

	if (found == 0)
		forget_merge(run->record);
	return found < 0 ? -1 : 0;
}

static int check_cost(struct run *run, const struct location *source, const char *target, struct error *err)
{
	struct layer_merge_result cost = { 0 };

	if (layer_merge_cost(source->marks, (const char *const *)source->below.items, (size_t)run->record->merge_count,
			     target, &cost, err) < 0)
		return -1;
	log_detail("merging %d layers takes %llu KiB and %llu inodes", run->record->merge_count,
		   (unsigned long long)cost.copied_bytes / 1024, (unsigned long long)cost.entries);
	return disk_space_check_for(target, cost.copied_bytes, cost.entries, "merging layers", err);
}

static int fill(struct run *run, const struct location *source, struct error *err)
{
	const struct record *record = run->record;
	cleanup_free char *work = new_layer_work(record->merged);
	cleanup_labels struct labels labels = { 0 };
	cleanup_location struct location target = { 0 };

	if (!work)
		return error_memory(err);
	if (new_layer_begin(run, record->merged, record->merge_base, err) < 0 ||
	    location_find(run->session, record->snapshotter, work, &target, err) < 0 ||
	    check_cost(run, source, target.writable, err) < 0 || snapshot_labels_merged(record, &labels, err) < 0 ||
	    labels_set(&labels, LABEL_OWN_FILES, "yes", err) < 0)
		return -1;
	return new_layer_fill(run, record->merged, (const char *const *)source->below.items,
			      (size_t)record->merge_count, &labels, err);
}

static int drop_merged(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	cleanup_free char *key = move_is_planned(record) ? move_receiver(record, err) : NULL;

	/* The receiver stands on it. */
	if (move_is_planned(record) && (!key || move_back(run, err) < 0 || let_go(run, key, err) < 0))
		return -1;
	return ctr_snapshot_remove(run->session->ctr, record->snapshotter, record->merged, err);
}

static int merge(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	cleanup_location struct location source = { 0 };

	/* A merged layer of an earlier try may be incomplete. */
	if (drop_merged(run, err) < 0 ||
	    location_find(run->session, record->snapshotter, record->old_active, &source, err) < 0)
		return -1;
	if (source.below.count < (size_t)record->merge_count)
		return error_set(err, ERROR_FAILED, "'%s' has %zu layers on disk, %d are to be merged",
				 record->container_id, source.below.count, record->merge_count);
	if (fill(run, &source, err) < 0)
		return -1;
	return mapped_ids_copies(record) ? 0 : move_begin(run, record->merged, err);
}

/* How many bytes one more layer takes in the mount's options. */
#define NAME_ROOM 64

/* 1: the workspace can go on with one layer more than it has, 0: that is too deep for overlayfs. */
static int can_go_on(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	cleanup_chain struct chain chain = { 0 };
	cleanup_location struct location location = { 0 };
	size_t room = (size_t)sysconf(_SC_PAGESIZE);

	if (chain_read(run->session, record->snapshotter, record->old_active, &chain, err) < 0 ||
	    location_find(run->session, record->snapshotter, record->old_active, &location, err) < 0)
		return -1;
	/* The new layer's name may be longer than any before. */
	return chain.snapshots.count < CHAIN_KERNEL_LIMIT &&
	       layer_paths_mount_size(&location.below, record->old_upper) + NAME_ROOM < room;
}

static int refuse_depth(const struct record *record, const struct error *why, struct error *err)
{
	error_set(err, ERROR_REFUSED, "'%s' has as many layers as overlayfs takes, and they could not be merged: %s",
		  record->container_id, why->message);
	return error_hint(err, "'wsnap rollback %s VERSION' goes back to a version with fewer layers",
			  record->container_id);
}

/* A failed merge must not keep the workspace from being saved. A compaction does nothing else, so it fails. */
static int go_on_unmerged(struct run *run, struct error *err)
{
	struct error failure = *err, ignored = { 0 };
	int can;

	if (err->kind == ERROR_CONTAINERD)
		return -1;
	if (run->record->kind == OPERATION_COMPACT) {
		/* It may be what has filled the disk. */
		if (new_layer_drop(run, run->record->merged, &ignored) < 0)
			log_detail("%s", ignored.message);
		return -1;
	}
	can = can_go_on(run, &ignored);
	if (can == 0)
		return refuse_depth(run->record, &failure, err);
	if (can < 0 || merge_give_up(run, &ignored) < 0)
		return -1;
	error_clear(err);
	run->merge_error = failure;
	return 0;
}

int step_merge(struct run *run, struct error *err)
{
	const struct record *record = run->record;

	if (!record->merged || run->found == FOUND_REPOINTED)
		return 0;
	if (record->top)
		return settle_top(run, err);
	/* A resumed run is here because its state is saved already, with or without a merge. */
	if (run->resumed)
		return 0;
	return merge(run, err) == 0 ? 0 : go_on_unmerged(run, err);
}

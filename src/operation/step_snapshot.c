#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "ctr/containers.h"
#include "ctr/snapshots.h"
#include "layer/layer.h"
#include "operation/changes.h"
#include "operation/move.h"
#include "operation/orphan.h"
#include "operation/restoring.h"
#include "operation/half_commit.h"
#include "operation/mapped_ids.h"
#include "operation/steps.h"
#include "workspace/journal.h"
#include "workspace/fresh_layer.h"
#include "workspace/moved_layer.h"
#include "workspace/location.h"
#include "workspace/disk_space.h"
#include "workspace/snapshot_labels.h"

static int is_there(struct run *run, const char *name, struct error *err)
{
	return ctr_snapshot_stat(run->session->ctr, run->record->snapshotter, name, NULL, err);
}

/* A rollback saves the present state only if no version holds it already. What cannot be compared is saved. */
static int judge_change(struct run *run, struct error *err)
{
	struct record *record = run->record;
	int unchanged;

	if (record->save != SAVE_IF_CHANGED || !record->stands_on_version)
		return 0;
	unchanged = changes_none(run->session, record->snapshotter, record->old_active, record->stands_on, err);
	if (unchanged < 0 && err->kind != ERROR_CONTAINERD) {
		log_detail("'%s' is taken for changed: %s", record->container_id, err->message);
		error_clear(err);
		return 0;
	}
	if (unchanged <= 0)
		return unchanged;
	if (snapshot_labels_keep(run->session, record->snapshotter, record->stands_on, err) < 0)
		return -1;
	record->save = SAVE_NEVER;
	return journal_save(run->session, record, err);
}

static int check_room(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	cleanup_location struct location location = { 0 };

	/* In another try it may have been moved already, on its filesystem. */
	if (record->old_upper)
		return disk_space_check(access(record->old_upper, F_OK) < 0 && record->moved_to ? record->moved_to
												: record->old_upper,
					err);
	if (location_find(run->session, record->snapshotter, record->old_active, &location, err) < 0)
		return -1;
	return disk_space_check(location.filesystem, err);
}

/* The containerd that holds the receiver may have lost it: one that was killed in the commit. */
static int move_into_receiver(struct run *run, struct error *err)
{
	cleanup_free char *key = move_receiver(run->record, err);
	int found = key ? is_there(run, key, err) : -1;

	if (found < 0 || (found == 0 && move_begin(run, run->record->merged, err) < 0))
		return -1;
	return orphan_check(run, err) < 0 ? -1 : move_there(run, err);
}

static int commit_receiver(struct run *run, const struct labels *labels, struct error *err)
{
	const struct record *record = run->record;
	cleanup_free char *key = move_receiver(record, err);
	cleanup_labels struct labels all = { 0 };

	if (!key || labels_copy(&all, labels, err) < 0 || moved_layer_mark_receiver(record->moved_inode, &all, err) < 0)
		return -1;
	return ctr_snapshot_commit(run->session->ctr, record->snapshotter, record->saved, key, &all, err);
}

static int commit_moved(struct run *run, const struct labels *labels, struct error *err)
{
	if (commit_receiver(run, labels, err) < 0)
		return -1;
	move_leave_home(run);
	return 0;
}

/*
 * containerd measures a layer by the whole paths of its entries, and cannot commit a tree that is deeper than a path can
 * be, though every program inside can live with it. So an empty layer is committed, and the writable one takes its place.
 */
static int commit_and_move(struct run *run, const struct labels *labels, struct error *err)
{
	const struct record *record = run->record;

	if (move_begin(run, record->merged ? record->merged : record->old_parent ? record->old_parent : "", err) < 0)
		return -1;
	/* After the commit there is no way back, so whether the move works is tried before it. */
	if (move_try(run, err) < 0 || orphan_check(run, err) < 0 || commit_receiver(run, labels, err) < 0 ||
	    orphan_check(run, err) < 0 || move_there(run, err) < 0)
		return -1;
	move_leave_home(run);
	return 0;
}

static int try_commit(struct run *run, const struct labels *labels, struct error *err)
{
	const struct record *record = run->record;
	struct error failure = { 0 };

	if (record->merged && move_into_receiver(run, &failure) == 0)
		return commit_moved(run, labels, err);
	if (failure.kind == ERROR_CONTAINERD) {
		*err = failure;
		return -1;
	}
	if (record->merged) {
		if (merge_give_up(run, err) < 0)
			return -1;
		run->merge_error = failure;
	}
	return ctr_snapshot_commit(run->session->ctr, record->snapshotter, record->saved, record->old_active, labels,
				   err);
}

/* Whether it was the depth of the tree that a commit has failed for. */
static bool is_too_deep(struct run *run, const struct error *failure)
{
	const struct record *record = run->record;
	cleanup_location struct location location = { 0 };
	struct error ignored = { 0 };

	if (failure->kind == ERROR_CONTAINERD || !record->old_upper)
		return false;
	return move_back(run, &ignored) == 0 &&
	       location_find(run->session, record->snapshotter, record->old_active, &location, &ignored) == 0 &&
	       location.stacks && layer_has_long_paths(record->old_upper, &ignored) == 1;
}

static int commit(struct run *run, const struct labels *labels, struct error *err)
{
	if (try_commit(run, labels, err) == 0)
		return 0;
	if (!is_too_deep(run, err))
		return -1;
	log_detail("'%s': containerd cannot commit a tree this deep: it is moved into an empty layer",
		   run->record->container_id);
	error_clear(err);
	return commit_and_move(run, labels, err);
}

int step_commit(struct run *run, struct error *err)
{
	cleanup_labels struct labels labels = { 0 };
	struct record *record = run->record;
	bool taken;
	int found = run_has_saved(run, &taken, err);

	/* Whatever an answer said that was lost: what is saved is what is moved. */
	if (found > 0 && move_is_planned(record))
		return move_there(run, err);
	if (found != 0)
		return found < 0 ? -1 : 0;
	if (taken)
		return error_set(err, ERROR_FAILED, "another snapshot has the name '%s' by now", record->saved);
	/* The stop may have taken long, and what another container of its id stands on may bear the same name. */
	if (orphan_check(run, err) < 0)
		return -1;
	found = half_commit_is_safer_to_copy(run) ? 1 : half_commit_is_found(run, err);
	if (found < 0 || (found == 0 && judge_change(run, err) < 0))
		return -1;
	if (!record_saves(record))
		return 0;
	if (snapshot_labels_saved(record, &labels, err) < 0)
		return -1;
	if (mapped_ids_copies(record))
		return mapped_ids_save(run, &labels, err);
	if (found > 0 && record->merged && merge_give_up(run, err) < 0)
		return -1;
	if (found > 0)
		return half_commit_save(run, &labels, err);
	if (check_room(run, err) < 0)
		return -1;
	return commit(run, &labels, err);
}

/* 1: so it is, 0, -1. */
static int has_lost_folder(struct run *run, const char *name, struct error *err)
{
	cleanup_location struct location location = { 0 };

	if (location_find(run->session, run->record->snapshotter, name, &location, err) < 0)
		return -1;
	return location_is_lost(&location);
}

/* 1: the new active snapshot is there, 0, -1. */
static int is_prepared(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	int found = is_there(run, record->new_active, err), lost;

	/* The old active snapshot is never removed here, whatever state it is in. */
	if (found <= 0 || !run->resumed || strcmp(record->new_active, record->old_active) == 0)
		return found;
	lost = has_lost_folder(run, record->new_active, err);
	if (lost <= 0)
		return lost < 0 ? -1 : 1;
	log_detail("'%s': the folder of '%s' is gone: it is made anew", record->container_id, record->new_active);
	/* Our container may stand on it already; without its folder there is nothing in it to lose. */
	return ctr_snapshot_remove(run->session->ctr, record->snapshotter, record->new_active, err);
}

/* Once the container stands on its new snapshot, nothing is moved any more. */
static bool may_move(const struct run *run)
{
	return move_is_planned(run->record) && run->found != FOUND_REPOINTED && run->record->stage != STAGE_UP;
}

static bool moves_into_active(const struct run *run)
{
	return run->record->kind == OPERATION_COMPACT && may_move(run) && !run->record->turned_back;
}

static int move_into_active(struct run *run, bool is_prepared, struct error *err)
{
	/* What somebody has made of the container since, on the same snapshot, must not lose its layer. */
	if ((!is_prepared && move_begin(run, run->record->merged, err) < 0) || orphan_check(run, err) < 0 ||
	    move_there(run, err) < 0)
		return -1;
	move_leave_home(run);
	return 0;
}

/* On the way back the layer is moved back, unless it is saved already. */
static int settle_move(struct run *run, struct error *err)
{
	const struct record *record = run->record;

	if (!may_move(run))
		return 0;
	if (record_saves(record))
		return move_there(run, err);
	return record->turned_back ? move_back(run, err) : 0;
}

/* An earlier run may have been killed before it did that. What the container stands on already is left as it is. */
static int take_root_again(struct run *run, struct error *err)
{
	const struct record *record = run->record;

	if (!run->resumed || run->found != FOUND_AS_BEGUN || record->stage == STAGE_UP ||
	    strcmp(record->new_active, record->old_active) == 0)
		return 0;
	return fresh_layer_take_root(run->session, record->snapshotter, record->new_active, err);
}

int step_prepare(struct run *run, struct error *err)
{
	cleanup_labels struct labels labels = { 0 };
	struct record *record = run->record;
	int found;

	if (settle_move(run, err) < 0)
		return -1;
	found = is_prepared(run, err);
	if (found >= 0 && moves_into_active(run))
		return move_into_active(run, found > 0, err);
	if (found != 0)
		return found < 0 || take_root_again(run, err) < 0 ? -1 : 0;
	if (snapshot_labels_active(record, &labels, err) < 0)
		return -1;
	return fresh_layer_prepare(run->session, record->snapshotter, record->new_active, record_parent(record),
				   &labels, err);
}

int step_repoint(struct run *run, struct error *err)
{
	struct record *record = run->record;
	const char *spec = record->turned_back ? record->old_spec : record->new_spec;

	if (orphan_check(run, err) < 0 ||
	    ctr_container_repoint(run->session->ctr, record->container_id, record->new_active,
				  spec ? record->spec_type : NULL, spec, err) < 0)
		return -1;
	return move_end(run, err);
}

/* The layer of a live version was written back before it became a snapshot. */
static bool was_synced(const struct record *record)
{
	return record->live && record_makes_version(record) && record->kind != OPERATION_RESTORE &&
	       !record->live_merged;
}

/*
 * containerd syncs its own database; the files of the layer are only in memory until now. Both lie on
 * one filesystem with the new active snapshot, the only one of them that is sure to stay.
 */
static int sync_snapshot(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	cleanup_location struct location location = { 0 };

	/* The container was removed before its layer was moved into the version: that is done now. */
	if (run_is_orphaned(run) && record_makes_version(record) && move_is_planned(record) && move_there(run, err) < 0)
		return -1;
	if (was_synced(record))
		return 0;
	if (record_makes_version(record) && record->old_upper && access(record->old_upper, F_OK) == 0)
		return layer_sync(record->old_upper, err);
	if (location_find(run->session, record->snapshotter, record->new_active, &location, err) == 0)
		return location.filesystem ? layer_sync(location.filesystem, err) : 0;
	/* Somebody has put the container on another snapshot and removed ours: the operation can end all the same. */
	return error_forgive(err, ERROR_NOT_FOUND) ? 0 : -1;
}

int step_sync(struct run *run, struct error *err)
{
	if (sync_snapshot(run, err) < 0)
		return -1;
	/* What was changed is on the disk: nobody has to do it again. */
	return run->record->kind == OPERATION_RESTORE ? restoring_forget(run, err) : 0;
}

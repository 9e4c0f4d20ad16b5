#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "ctr/containers.h"
#include "ctr/snapshots.h"
#include "layer/layer.h"
#include "operation/changes.h"
#include "operation/salvage.h"
#include "operation/steps.h"
#include "workspace/journal.h"
#include "workspace/place.h"
#include "workspace/room.h"
#include "workspace/snapshot_labels.h"

static int is_there(struct run *run, const char *name, struct error *err)
{
	return ctr_snapshot_stat(run->session->ctr, run->record->snapshotter, name, NULL, err);
}

/* What a compaction finds unchanged, its merged layers show: later comparisons are short then. One that is not certain
 * is no reason to be down for longer. */
static void note_unchanged(struct run *run)
{
	struct record *record = run->record;
	struct error unknown = { 0 };

	record->unchanged = record->merged && record->stands_on_version &&
			    changes_none_by_layer(run->session, record->snapshotter, record->old_active,
						  record->stands_on, &unknown) == 1;
	if (record->unchanged && journal_save(run->session, record, &unknown) < 0)
		log_detail("%s", unknown.message);
}

/* A rollback saves the present state only if no version holds it already. What cannot be compared is saved. */
static int judge_change(struct run *run, struct error *err)
{
	struct record *record = run->record;
	int unchanged;

	if (record->kind == OPERATION_COMPACT)
		note_unchanged(run);
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
	cleanup_place struct place place = { 0 };

	if (record->old_upper)
		return room_check(record->old_upper, err);
	if (place_find(run->session, record->snapshotter, record->old_active, &place, err) < 0)
		return -1;
	return room_check(place.filesystem, err);
}

int step_commit(struct run *run, struct error *err)
{
	cleanup_labels struct labels labels = { 0 };
	struct record *record = run->record;
	bool taken;
	int found = run_has_saved(run, &taken, err);

	if (found != 0)
		return found < 0 ? -1 : 0;
	if (taken)
		return error_set(err, ERROR_FAILED, "another snapshot has the name '%s' by now", record->saved);
	found = salvage_is_safer(run) ? 1 : salvage_is_needed(run, err);
	if (found < 0 || (found == 0 && judge_change(run, err) < 0))
		return -1;
	if (!record_saves(record))
		return 0;
	if (snapshot_labels_saved(record, &labels, err) < 0)
		return -1;
	if (found > 0)
		return salvage(run, &labels, err);
	if (check_room(run, err) < 0)
		return -1;
	return ctr_snapshot_commit(run->session->ctr, record->snapshotter, record->saved, record->old_active, &labels,
				   err);
}

/* A power cut may have taken the folder of a snapshot that containerd's database has: that is synced, the folder is
 * not. 1: so it is. */
static int has_lost_folder(struct run *run, const char *name, struct error *err)
{
	cleanup_place struct place place = { 0 };

	if (place_find(run->session, run->record->snapshotter, name, &place, err) < 0)
		return -1;
	return place.overlay && access(place.writable, F_OK) < 0 && errno == ENOENT;
}

/* 1: the new active snapshot is there, 0, -1. */
static int is_prepared(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	int found = is_there(run, record->new_active, err), lost;

	/* What the workspace had before is never taken away, whatever has become of it. */
	if (found <= 0 || !run->resumed || strcmp(record->new_active, record->old_active) == 0)
		return found;
	lost = has_lost_folder(run, record->new_active, err);
	if (lost <= 0)
		return lost < 0 ? -1 : 1;
	log_detail("'%s': the folder of '%s' is gone: it is made anew", record->container_id, record->new_active);
	return ctr_snapshot_remove(run->session->ctr, record->snapshotter, record->new_active, err);
}

int step_prepare(struct run *run, struct error *err)
{
	cleanup_labels struct labels labels = { 0 };
	struct record *record = run->record;
	int found = is_prepared(run, err);

	if (found != 0)
		return found < 0 ? -1 : 0;
	if (snapshot_labels_active(record, &labels, err) < 0)
		return -1;
	return ctr_snapshot_prepare(run->session->ctr, record->snapshotter, record->new_active, record_parent(record),
				    &labels, NULL, err);
}

int step_repoint(struct run *run, struct error *err)
{
	struct record *record = run->record;
	const char *spec = record->turned_back ? record->old_spec : record->new_spec;

	return ctr_container_repoint(run->session->ctr, record->container_id, record->new_active,
				     spec ? record->spec_type : NULL, spec, err);
}

/*
 * containerd syncs its own database; the files of the layer are only in memory until now. Both lie on
 * one filesystem with the new active snapshot, the only one of them that is sure to stay.
 */
int step_sync(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	cleanup_place struct place place = { 0 };

	if (record_makes_version(record) && record->old_upper && access(record->old_upper, F_OK) == 0)
		return layer_sync(record->old_upper, err);
	if (place_find(run->session, record->snapshotter, record->new_active, &place, err) == 0)
		return place.filesystem ? layer_sync(place.filesystem, err) : 0;
	/* Somebody has put the container on another one and removed ours: it keeps no operation from its end. */
	if (err->kind != ERROR_NOT_FOUND)
		return -1;
	error_clear(err);
	return 0;
}

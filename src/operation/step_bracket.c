#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "ctr/containers.h"
#include "ctr/leases.h"
#include "ctr/snapshots.h"
#include "ctr/tasks.h"
#include "operation/around.h"
#include "operation/frozen.h"
#include "operation/lease.h"
#include "operation/live_layer.h"
#include "operation/move.h"
#include "operation/orphan.h"
#include "operation/restoring.h"
#include "operation/steps.h"
#include "operation/task.h"
#include "task/bundle.h"
#include "workspace/journal.h"
#include "workspace/label_keys.h"
#include "workspace/snapshot_labels.h"

int step_journal(struct run *run, struct error *err)
{
	if (journal_save(run->session, run->record, err) < 0)
		return -1;
	/* The record says by now that the hooks behind it are due. */
	if (run->around)
		around_hand_over(run->around);
	return 0;
}

/* The container itself says what was taken off, so that it is found where the record is lost. */
static int set_restart_labels(struct run *run, const char *status, const char *held, struct error *err)
{
	cleanup_labels struct labels labels = { 0 };

	if (labels_set(&labels, LABEL_RESTART_STATUS, status, err) < 0 ||
	    labels_set(&labels, LABEL_RESTART_HELD, held, err) < 0)
		return -1;
	return ctr_container_set_labels(run->session->ctr, run->record->container_id, &labels, err);
}

int step_lease(struct run *run, struct error *err)
{
	return lease_take(run, err) < 0 ? -1 : live_layer_note_at_work(run, err);
}

int step_hold(struct run *run, struct error *err)
{
	/* The labels of another container with the same id are not ours to change. */
	if (orphan_check(run, err) < 0)
		return -1;
	return set_restart_labels(run, "", run->record->restart_status, err);
}

/* It was not started by this operation: a network that one before it could not attach is still missing. */
static int attach_left(struct run *run, struct error *err)
{
	cleanup_ctr_task struct ctr_task task = { 0 };

	/* Recovery has tried it already. */
	if (!run->record->live || run->record->pending != PENDING_NETWORK || run->resumed)
		return 0;
	if (ctr_task_get(run->session->ctr, run->record->container_id, &task, err) < 0)
		return -1;
	if (task_has_process(task.state))
		return task_attach(run, task.pid, err);
	run->record->pending = PENDING_NOTHING;
	return 0;
}

int step_unhold(struct run *run, struct error *err)
{
	struct record *record = run->record;
	struct error ignored = { 0 };

	if (attach_left(run, err) < 0)
		return -1;
	if (record->restart_status && set_restart_labels(run, record->restart_status, "", err) < 0)
		return -1;
	/* A workspace that was not touched, or is not ours any more, needs no note. */
	if (record->stage == STAGE_UP || run_is_orphaned(run) ||
	    (record->turned_back && record->stage == STAGE_PLANNED))
		return 0;
	record->stage = STAGE_UP;
	if (!record->turned_back)
		return journal_save(run->session, record, err);
	/* The way back has succeeded, even if this cannot be saved. */
	if (journal_save(run->session, record, &ignored) < 0)
		log_detail("%s", ignored.message);
	return 0;
}

/* Who starts a task makes it first: for a moment it is there and does not run yet. */
#define STARTING_MS 2000
#define STARTING_PAUSE_MS 20

static int get_task(struct run *run, struct ctr_task *task, struct error *err)
{
	double since_ms = clock_monotonic_ms();

	for (;;) {
		if (ctr_task_get(run->session->ctr, run->record->container_id, task, err) < 0)
			return -1;
		if (task->state != CTR_TASK_CREATED || clock_monotonic_ms() - since_ms >= STARTING_MS)
			return 0;
		ctr_task_release(task);
		clock_sleep_ms(STARTING_PAUSE_MS);
	}
}

/* Somebody may have started or stopped it since it was looked at, above all while layers were merged. */
static int note_late_change(struct run *run, struct error *err)
{
	cleanup_ctr_task struct ctr_task task = { 0 };
	struct record *record = run->record;

	if (get_task(run, &task, err) < 0)
		return -1;
	if (task.state == CTR_TASK_NONE || task.state == CTR_TASK_STOPPED) {
		record->old_pid = 0;
		record->state = CTR_TASK_NONE;
		return 0;
	}
	bundle_clear_remains(run->session->settings, record->container_id, task.pid);
	return task_adopt(record, &task, err);
}

int step_announce(struct run *run, struct error *err)
{
	if (note_late_change(run, err) < 0)
		return -1;
	run->record->stage = STAGE_DOWN;
	return journal_save(run->session, run->record, err);
}

/* What recovery, or the next operation, has still to do for the workspace. */
static int keep_pending(struct run *run, struct error *err)
{
	struct record *record = run->record;

	if (journal_save(run->session, record, err) < 0)
		return -1;
	run->ending = ENDING_PENDING;
	if (record->pending == PENDING_START) {
		error_set(err, ERROR_INCOMPLETE, "'%s' %s, but it could not be started again: %s", record->container_id,
			  record_what_is(record), record->failure ? record->failure : "its task did not start");
		return error_hint(err,
				  "once the cause is gone, 'wsnap recover %s' starts it; 'wsnap rollback %s VERSION' "
				  "goes back to a version that starts",
				  record->container_id, record->container_id);
	}
	error_set(err, ERROR_INCOMPLETE, "'%s' runs, but without its network: %s", record->container_id,
		  run->network_error.message);
	return error_hint(err, "once the cause is gone, 'wsnap recover %s' does the rest", record->container_id);
}

/* A saved layer that is no version is kept from now on only by what stands on it. Until here it needed a label: a
 * lease expires, and without its record it would be taken for a stale one. */
static int let_layer_go(struct run *run, struct error *err)
{
	const struct record *record = run->record;

	if (!record_saves(record) || record_makes_version(record) ||
	    ctr_snapshot_set_label(run->session->ctr, record->snapshotter, record->saved, LABEL_GC_ROOT, "", err) == 0)
		return 0;
	return error_forgive(err, ERROR_NOT_FOUND) ? 0 : -1;
}

int step_release(struct run *run, struct error *err)
{
	cleanup_free char *lease = lease_name(run);

	if (!lease)
		return error_memory(err);
	if (run->record->live)
		live_layer_tidy(run);
	if (run->record->live && run->record->turned_back && !record_saves(run->record) &&
	    (frozen_thaw(run, err) < 0 || live_layer_drop(run, err) < 0))
		return -1;
	if (run->record->kind == OPERATION_RESTORE && restoring_tidy(run, err) < 0)
		return -1;
	if (live_layer_note_ended(run, err) < 0)
		return -1;
	step_look_again(run);
	if (let_layer_go(run, err) < 0 || move_tidy(run, err) < 0 || ctr_use_lease(run->session->ctr, NULL, err) < 0 ||
	    ctr_lease_delete(run->session->ctr, lease, false, err) < 0)
		return -1;
	if (run->record->pending != PENDING_NOTHING)
		return keep_pending(run, err);
	if (journal_remove(run->session, run->record->container_id, err) < 0)
		return -1;
	frozen_forget(run->session, run->record->container_id);
	run->ending = ENDING_RELEASED;
	return 0;
}

#include "operation/recovery_live.h"

#include <stdlib.h>
#include <string.h>

#include "base/boot.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "ctr/snapshots.h"
#include "ctr/tasks.h"
#include "operation/execute.h"
#include "operation/frozen.h"
#include "operation/live_layer.h"
#include "operation/long_commit.h"
#include "operation/meantime.h"
#include "operation/restart.h"
#include "operation/restoring.h"
#include "operation/steps.h"
#include "operation/task.h"

int recovery_thaw(struct run *run, struct error *err)
{
	int begun = run->record->kind == OPERATION_RESTORE ? restoring_is_begun(run, err) : 0;

	return begun != 0 ? begun : frozen_thaw(run, err);
}

/* The state before the change is whole in its layer once the change was begun: it becomes a version, whatever has become of
 * the container. */
static int keep_saved(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	int saved;

	long_commit_tidy(run);
	saved = record_saves(record) ? run_has_saved(run, NULL, err) : 1;
	if (saved != 0)
		return saved < 0 ? -1 : 0;
	saved = ctr_snapshot_stat(run->session->ctr, record->snapshotter, record->filling, NULL, err);
	if (saved == 0) {
		log_warning("what '%s' was before the restore is lost: containerd has its snapshot no more",
			    record->container_id);
		run->record->save = SAVE_NEVER;
	}
	if (saved <= 0)
		return saved;
	return step_lease(run, err) < 0 ? -1 : step_keep(run, err);
}

/* Nobody may start it while its files are changed, or while we do. */
static int hold_stopped(struct run *run, struct error *err)
{
	cleanup_ctr_task struct ctr_task task = { 0 };

	if (ctr_task_get(run->session->ctr, run->record->container_id, &task, err) < 0)
		return -1;
	return task_has_process(task.state) ? 0 : restart_hold(run, err);
}

/* After a reboot it is down, though nothing has stopped it for the operation: it runs again as it did, and so does what was ended
 * to finish a restore. Otherwise somebody has stopped it on purpose. */
static int bring_up(struct run *run, struct error *err)
{
	struct record *record = run->record;
	char boot[BOOT_ID_SIZE];

	boot_id(boot);
	if (record->boot && strcmp(boot, record->boot) != 0 && task_note_absence(run, err) < 0)
		return -1;
	if (record->pending == PENDING_START && hold_stopped(run, err) < 0)
		return -1;
	return restart_begin(run, err);
}

/* A live version: nothing was done to the workspace. What is committed is recorded, and the rest goes. */
static int go_on_live(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	int saved = 0;

	long_commit_tidy(run);
	if (record_saves(record) && !record->turned_back)
		saved = ctr_snapshot_stat(run->session->ctr, record->snapshotter, record->saved, NULL, err);
	if (saved < 0 || bring_up(run, err) < 0)
		return -1;
	return saved ? execute(run, ENTRY_TIDY, err) : execute_back(run, "interrupted", err);
}

/* A restore: what was begun is made to the end, before anything else may run. */
static int go_on_restore(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	int begun = restoring_is_begun(run, err);

	if (begun < 0)
		return -1;
	run->changed = begun;
	/* Who has made it may have died before he could thaw the workspace. */
	if (begun && (hold_stopped(run, err) < 0 || meantime_finish(run, err) < 0 || frozen_thaw(run, err) < 0 ||
		      keep_saved(run, err) < 0 || meantime_record(run, err) < 0))
		return -1;
	if (bring_up(run, err) < 0)
		return -1;
	/* One that was ended but for a start, or a network, is not begun any more. */
	return begun || record->stage == STAGE_UP ? execute(run, ENTRY_TIDY, err)
						  : execute_back(run, "interrupted", err);
}

int recovery_go_on_live(struct run *run, struct error *err)
{
	return run->record->kind == OPERATION_RESTORE ? go_on_restore(run, err) : go_on_live(run, err);
}

int recovery_keep_restored(struct run *run, struct error *err)
{
	int begun = run->record->kind == OPERATION_RESTORE ? restoring_is_begun(run, err) : 0;

	if (begun <= 0)
		return begun;
	if (frozen_thaw(run, err) < 0 || keep_saved(run, err) < 0)
		return -1;
	return meantime_record(run, err);
}

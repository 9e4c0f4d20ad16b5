#include "operation/restart.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "ctr/containers.h"
#include "ctr/tasks.h"
#include "operation/frozen.h"
#include "operation/steps.h"
#include "operation/task.h"
#include "workspace/journal.h"
#include "workspace/label_keys.h"

int restart_hold(struct run *run, struct error *err)
{
	cleanup_ctr_container struct ctr_container container = { 0 };
	struct record *record = run->record;
	const char *status;

	if (record->restart_status)
		return step_hold(run, err);
	if (ctr_container_get(run->session->ctr, record->container_id, &container, err) < 0)
		return -1;
	status = labels_get(&container.labels, LABEL_RESTART_STATUS);
	if (!status)
		return 0;
	record->restart_status = strdup(status);
	if (!record->restart_status)
		return error_memory(err);
	return journal_save(run->session, record, err) < 0 ? -1 : step_hold(run, err);
}

/* Its own pause is the owner's; that it stands still by our hand looks the same to containerd. */
static int note(struct run *run, const struct ctr_task *task, struct error *err)
{
	struct record *record = run->record;

	if (task_adopt(record, task, err) < 0)
		return -1;
	/* Its client may have wanted to start it a moment later, and cannot any more. */
	if (record->state == CTR_TASK_CREATED || frozen_by_us(run))
		record->state = CTR_TASK_RUNNING;
	record->stage = STAGE_DOWN;
	return journal_save(run->session, record, err);
}

/* Where it stands still it is thawed once it cannot do anything any more: not everywhere it can end before. */
static void kill_frozen(struct run *run)
{
	struct error ignored = { 0 };

	if (ctr_task_kill(run->session->ctr, run->record->container_id, SIGKILL, true, &ignored) < 0 ||
	    frozen_thaw(run, &ignored) < 0)
		log_detail("'%s': %s", run->record->container_id, ignored.message);
}

int restart_end(struct run *run, struct error *err)
{
	cleanup_ctr_task struct ctr_task task = { 0 };

	if (restart_hold(run, err) < 0 || ctr_task_get(run->session->ctr, run->record->container_id, &task, err) < 0)
		return -1;
	if (!task_has_process(task.state))
		return 0;
	if (note(run, &task, err) < 0)
		return -1;
	task_detach(run, &task);
	kill_frozen(run);
	return task_remove(run, err);
}

static int start(struct run *run, struct error *err)
{
	cleanup_ctr_task struct ctr_task task = { 0 };

	/* If it runs already, a run that was killed behind the start has attached its network. */
	if (ctr_task_get(run->session->ctr, run->record->container_id, &task, err) < 0 ||
	    (!task_has_process(task.state) && step_detach(run, err) < 0))
		return -1;
	return step_start(run, err);
}

/* As of an operation that has stopped it: the rest is done, and the start is left to recovery. */
static int leave_start(struct run *run, struct error *err)
{
	struct record *record = run->record;

	if (err->kind == ERROR_CONTAINERD || run_is_orphaned(run))
		return -1;
	free(record->failure);
	record->failure = strdup(err->message);
	if (!record->failure)
		return error_memory(err);
	error_clear(err);
	record->pending = PENDING_START;
	run->start_left = true;
	return 0;
}

static int tell_down(const struct run *run, struct error *err)
{
	const char *id = run->record->container_id;

	err->kind = ERROR_INCOMPLETE;
	error_wrap(err, "'%s' is down, and could not be started again", id);
	return error_hint(err, "once the cause is gone, 'wsnap recover %s' starts it", id);
}

int restart_begin(struct run *run, struct error *err)
{
	struct record *record = run->record;
	const enum record_stage stage = record->stage;
	const enum record_pending pending = record->pending;

	if (run->start_left || (stage != STAGE_DOWN && pending != PENDING_START))
		return 0;
	record->stage = STAGE_DOWN;
	record->pending = PENDING_NOTHING;
	if (start(run, err) < 0 && leave_start(run, err) < 0) {
		record->stage = stage;
		record->pending = pending;
		return tell_down(run, err);
	}
	/* What was ended but for the start stays ended. */
	record->stage = stage == STAGE_UP ? STAGE_UP : STAGE_PLANNED;
	return journal_save(run->session, record, err);
}

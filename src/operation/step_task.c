#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "ctr/containers.h"
#include "ctr/tasks.h"
#include "operation/detachment.h"
#include "operation/orphan.h"
#include "operation/steps.h"
#include "operation/task.h"
#include "task/bundle.h"
#include "task/teardown.h"
#include "workspace/journal.h"
#include "workspace/location.h"

static void note_down(struct run *run, const struct ctr_task *task)
{
	if (!task_has_process(task->state) || run->down_since_ms > 0)
		return;
	run->down_since_ms = clock_monotonic_ms();
	run->record->stopped_ns = clock_unix_ns();
}

int step_detach(struct run *run, struct error *err)
{
	cleanup_ctr_task struct ctr_task task = { 0 };

	if (orphan_check(run, err) < 0 || ctr_task_get(run->session->ctr, run->record->container_id, &task, err) < 0)
		return -1;
	note_down(run, &task);
	if (!run->network || !run->record->attachment || run->record->state == CTR_TASK_NONE || run->detachment)
		return 0;
	return detachment_begin(run->network, run->record->attachment, task_has_process(task.state) ? task.pid : 0,
				&run->detachment, err);
}

/* An image file or a device is copied whole: only once it is unmounted is all of it there. */
static int can_tear_down_beside(struct run *run, struct error *err)
{
	cleanup_location struct location location = { 0 };

	/* Without a PID namespace other processes may outlive the first one: they end with the task. */
	if (!run->record->own_pids || run->resumed)
		return 0;
	if (location_find(run->session, run->record->snapshotter, run->record->old_active, &location, err) < 0)
		return -1;
	return location.layers_are_folders;
}

/* It was not to be started again, but somebody has started it since that was decided. */
static int note_start_of_others(struct run *run, const struct ctr_task *task, struct error *err)
{
	if (run->record->state != CTR_TASK_NONE || !task_has_process(task->state))
		return 0;
	if (task_adopt(run->record, task, err) < 0)
		return -1;
	if (run->record->state == CTR_TASK_CREATED)
		run->record->state = CTR_TASK_RUNNING;
	return journal_save(run->session, run->record, err);
}

int step_stop(struct run *run, struct error *err)
{
	cleanup_ctr_task struct ctr_task task = { 0 };
	int beside;

	if (ctr_task_get(run->session->ctr, run->record->container_id, &task, err) < 0)
		return -1;
	if (task.state == CTR_TASK_NONE)
		return 0;
	/* A task that is not the one seen last may belong to another container. */
	if (!run->resumed && (int)task.pid != run->record->old_pid && orphan_check(run, err) < 0)
		return -1;
	if (note_start_of_others(run, &task, err) < 0)
		return -1;
	beside = can_tear_down_beside(run, err);
	if (beside < 0)
		return -1;
	note_down(run, &task);
	if (task_end(run, &task, err) < 0)
		return -1;
	if (!beside)
		return task_remove(run, err);
	if (run->teardown)
		return 0;
	return teardown_begin(run->session->settings, run->record->container_id, &run->teardown, err);
}

static int finish_teardown(struct run *run, struct error *err)
{
	struct error failed = { 0 };
	int result = teardown_end(run->teardown, &failed);

	run->teardown = NULL;
	if (result == 0)
		return 0;
	log_detail("'%s': %s", run->record->container_id, failed.message);
	return task_remove(run, err);
}

/* On the way back the task that was to be stopped may still be at its end: a signal that was sent to it cannot be
 * taken back. 1: so it is and has been waited for, 0, -1. */
static int end_stopping(struct run *run, const struct ctr_task *task, struct error *err)
{
	const struct record *record = run->record;

	if (!record->turned_back || record->old_pid == 0 || (uint32_t)record->old_pid != task->pid ||
	    !(run->stop_sent || run->resumed))
		return 0;
	return task_end(run, task, err) < 0 ? -1 : 1;
}

/* A task that runs already: ours from before a crash, or somebody's. 1: it will do, 0: it had to go. */
static int accept_running(struct run *run, const struct ctr_task *task, const char *key, struct error *err)
{
	int stands = 0, ended;

	task_finish_detachment(run);
	ended = end_stopping(run, task, err);
	if (ended < 0)
		return -1;
	if (!ended && (task->state == CTR_TASK_RUNNING || task->state == CTR_TASK_PAUSED))
		stands = task_stands_on(run, task->pid, key, err);
	if (stands < 0)
		return -1;
	if (!stands) {
		task_detach(run, task);
		return task_remove(run, err);
	}
	if (run->network && run->record->attachment) {
		int attached = task_is_attached(run, err);

		if (attached < 0 || (!attached && task_attach(run, task->pid, err) < 0))
			return -1;
	}
	if (task->state == CTR_TASK_RUNNING && task_is_paused(run->record->state) &&
	    ctr_task_pause(run->session->ctr, run->record->container_id, err) < 0)
		return -1;
	bundle_clear_remains(run->session->settings, run->record->container_id, task->pid);
	return 1;
}

/* The mounts that a client starts a task on may be older than the step that made another snapshot the container's: what such
 * a task writes would be lost. It is started again where it belongs. */
static int move_task(struct run *run, const struct ctr_task *task, const char *key, struct error *err)
{
	log_warning("'%s' was started by somebody on what it stood on before: it is started again on '%s'",
		    run->record->container_id, key);
	if (task_adopt(run->record, task, err) < 0)
		return -1;
	/* Its client may have wanted to start it a moment later, and cannot any more. */
	if (run->record->state == CTR_TASK_CREATED)
		run->record->state = CTR_TASK_RUNNING;
	task_detach(run, task);
	return task_remove(run, err) < 0 ? -1 : task_bring_back(run, key, err);
}

/* It did not run, so it is not started; but somebody may have done that since. */
static int start_of_others(struct run *run, const struct ctr_task *task, const char *key, struct error *err)
{
	int stands;

	task_finish_detachment(run);
	if (!task_has_process(task->state))
		return 0;
	stands = task_stands_on(run, task->pid, key, err);
	if (stands != 0)
		return stands < 0 ? -1 : 0;
	return move_task(run, task, key, err);
}

/* Whether it runs, but not on the snapshot that we have put it on, and nobody else has put it elsewhere since: 1, 0, -1. */
static int runs_astray(struct run *run, struct ctr_task *task, struct error *err)
{
	const struct record *record = run->record;
	cleanup_ctr_container struct ctr_container container = { 0 };
	int stands;

	if (ctr_task_get(run->session->ctr, record->container_id, task, err) < 0)
		return -1;
	if (!task_has_process(task->state))
		return 0;
	stands = task_stands_on(run, task->pid, record->new_active, err);
	if (stands != 0)
		return stands < 0 ? -1 : 0;
	if (ctr_container_get(run->session->ctr, record->container_id, &container, err) < 0)
		return -1;
	return (record->container_ns == 0 || record->container_ns == container.created_ns) &&
	       strcmp(container.snapshot_key, record->new_active) == 0;
}

void step_look_again(struct run *run)
{
	cleanup_ctr_task struct ctr_task task = { 0 };
	struct error failure = { 0 };
	int astray;

	if (run->record->live || run->record->stage != STAGE_UP || run_is_orphaned(run) ||
	    run->record->pending != PENDING_NOTHING)
		return;
	astray = runs_astray(run, &task, &failure);
	if (astray > 0)
		astray = move_task(run, &task, run->record->new_active, &failure);
	if (astray < 0)
		log_detail("'%s': %s", run->record->container_id, failure.message);
}

static void note_up(struct run *run)
{
	run->record->started_ns = clock_unix_ns();
	if (run->down_since_ms > 0)
		run->result->downtime_ms = clock_monotonic_ms() - run->down_since_ms;
}

/* What comes behind this operation starts it, unless somebody has. 1: so it is left, 0, -1. */
static int leave_start(struct run *run, struct error *err)
{
	cleanup_ctr_task struct ctr_task task = { 0 };
	struct record *record = run->record;

	if (!run->leaves_start || record->state == CTR_TASK_NONE || record->stage == STAGE_UP)
		return 0;
	if (finish_teardown(run, err) < 0 || ctr_task_get(run->session->ctr, record->container_id, &task, err) < 0)
		return -1;
	if (task_has_process(task.state))
		return 0;
	task_finish_detachment(run);
	free(record->failure);
	record->failure = strdup("it is to be started with other files");
	record->pending = PENDING_START;
	return record->failure ? 1 : error_memory(err);
}

int step_start(struct run *run, struct error *err)
{
	int left = leave_start(run, err);

	if (left != 0)
		return left < 0 ? -1 : 0;
	return step_start_on(run, run->record->new_active, err);
}

int step_start_on(struct run *run, const char *key, struct error *err)
{
	cleanup_ctr_task struct ctr_task task = { 0 };
	int running = 0;

	if (finish_teardown(run, err) < 0)
		return -1;
	if (run->record->stage == STAGE_UP) {
		task_finish_detachment(run);
		return 0;
	}
	if (ctr_task_get(run->session->ctr, run->record->container_id, &task, err) < 0)
		return -1;
	if (run->record->state == CTR_TASK_NONE)
		return start_of_others(run, &task, key, err);
	if (task.state != CTR_TASK_NONE)
		running = accept_running(run, &task, key, err);
	if (running == 0)
		running = task_bring_back(run, key, err);
	if (running < 0)
		return -1;
	note_up(run);
	return 0;
}

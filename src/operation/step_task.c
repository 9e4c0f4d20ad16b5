#include "base/clock.h"
#include "base/log.h"
#include "ctr/tasks.h"
#include "operation/detachment.h"
#include "operation/orphan.h"
#include "operation/steps.h"
#include "operation/task.h"
#include "task/bundle.h"
#include "task/teardown.h"
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

static void note_up(struct run *run)
{
	run->record->started_ns = clock_unix_ns();
	if (run->down_since_ms > 0)
		run->result->downtime_ms = clock_monotonic_ms() - run->down_since_ms;
}

int step_start(struct run *run, struct error *err)
{
	return step_start_on(run, run->record->new_active, err);
}

int step_start_on(struct run *run, const char *key, struct error *err)
{
	cleanup_ctr_task struct ctr_task task = { 0 };
	int running = 0;

	if (finish_teardown(run, err) < 0)
		return -1;
	if (run->record->stage == STAGE_UP || run->record->state == CTR_TASK_NONE) {
		task_finish_detachment(run);
		return 0;
	}
	if (ctr_task_get(run->session->ctr, run->record->container_id, &task, err) < 0)
		return -1;
	if (task.state != CTR_TASK_NONE)
		running = accept_running(run, &task, key, err);
	if (running == 0)
		running = task_bring_back(run, key, err);
	if (running < 0)
		return -1;
	note_up(run);
	return 0;
}

#include "operation/restoring_start.h"

#include <errno.h>
#include <signal.h>

#include "base/clock.h"
#include "base/log.h"
#include "ctr/tasks.h"
#include "operation/task.h"
#include "workspace/mount_table.h"

/* Between a task's being made, when its first process does not run yet, and what that does first there is more than this. */
#define LOOK_MS 20
/* Whoever starts a task mounts its root first: for a moment that is there, and no task. */
#define STARTING_MS 5000
#define STARTING_PAUSE_MS 20

int restoring_find_pid(struct run *run, uint32_t *pid, struct error *err)
{
	cleanup_ctr_task struct ctr_task task = { 0 };

	if (ctr_task_get(run->session->ctr, run->record->container_id, &task, err) < 0)
		return -1;
	*pid = task_has_process(task.state) ? task.pid : 0;
	return 0;
}

/* As long as the first process is there, nobody can start another one. */
static bool runs_as_before(const struct restoring *restoring)
{
	return restoring->pid && (kill((pid_t)restoring->pid, 0) == 0 || errno != ESRCH);
}

bool restoring_sees_start(void *context)
{
	struct restoring *restoring = context;
	double now_ms = clock_monotonic_ms();
	struct error failure = { 0 };
	uint32_t pid = 0;

	if (restoring->in_guard || runs_as_before(restoring) || now_ms - restoring->looked_ms < LOOK_MS)
		return false;
	restoring->looked_ms = now_ms;
	/* Who cannot be asked now is asked again at the end. */
	if (restoring_find_pid(restoring->run, &pid, &failure) < 0)
		log_detail("%s", failure.message);
	return pid != 0 && pid != restoring->pid;
}

/* 1 somebody has started it, 0 nobody has, 2 somebody may be about to; -1. */
static int ask(const struct restoring *restoring, struct error *err)
{
	const struct record *record = restoring->run->record;
	cleanup_ctr_task struct ctr_task task = { 0 };

	if (ctr_task_get(restoring->run->session->ctr, record->container_id, &task, err) < 0)
		return -1;
	/* Of one that has just ended containerd may not know yet. */
	if (task.state != CTR_TASK_NONE)
		return task_has_process(task.state) && task.pid != restoring->pid;
	return record->old_upper && mount_table_has_upper(record->old_upper) ? 2 : 0;
}

int restoring_was_started(struct restoring *restoring, struct error *err)
{
	double since_ms = clock_monotonic_ms();
	int started;

	if (runs_as_before(restoring))
		return 0;
	if (restoring->in_guard)
		return 1;
	while ((started = ask(restoring, err)) == 2 && clock_monotonic_ms() - since_ms < STARTING_MS)
		clock_sleep_ms(STARTING_PAUSE_MS);
	return started == 2 ? 0 : started;
}

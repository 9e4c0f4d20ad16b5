#include "operation/plan_state.h"

#include "base/cleanup.h"
#include "task/process.h"
#include "workspace/moved_layer.h"

/* What an operation has moved away, and whose record is lost, must not be taken for an empty layer. */
int plan_state_check_layer(struct session *session, const struct ctr_container *container,
			   const struct ctr_snapshot *active, const struct location *location, struct error *err)
{
	cleanup_free char *moved = NULL;
	int found = moved_layer_find(session, container->snapshotter, active, &moved, err);

	if (found < 0 || (found == 0 && !location_is_lost(location)))
		return found;
	if (found > 0)
		error_set(
			err, ERROR_FAILED,
			"an operation that was cut off, and whose record is lost, has moved what '%s' had written to the "
			"snapshot '%s'",
			container->id, moved);
	else
		error_set(err, ERROR_FAILED, "the folder of the snapshot '%s', on which '%s' stands, is gone",
			  container->snapshot_key, container->id);
	return error_hint(err, "'wsnap doctor %s' says what is left of it", container->id);
}

/* Somebody may have started it on a snapshot that it stood on before, or put it on another one while it ran. What it writes
 * is not in what would be saved, and is kept by nothing once it stops. */
int plan_state_check_task(const struct settings *settings, const struct ctr_container *container,
			  const struct location *location, const struct ctr_task *task, struct error *err)
{
	cleanup_free char *upper = NULL;

	if (settings->force || !location->stacks || !location->writable || task->pid == 0 ||
	    task->state == CTR_TASK_STOPPED)
		return 0;
	upper = process_root_upper(task->pid);
	if (!upper || !location_is_other(location, upper))
		return 0;
	error_set(
		err, ERROR_REFUSED,
		"'%s' was not touched: its task runs on another snapshot than the one that the container stands on, and "
		"what it has written would be lost",
		container->id);
	return error_hint(
		err,
		"save from /proc/%u/root what you need, and stop the task: its next start is on '%s'; --force "
		"insists",
		task->pid, container->snapshot_key);
}
